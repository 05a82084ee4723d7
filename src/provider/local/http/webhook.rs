//! `webhook:Post`: tells somebody something, once.

use super::target::Target;
use super::{Message, Silence, Trust, exchange, headers};
use crate::provider::local::{arguments, not_sent, reply};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::CONTENT_TYPE;
use serde_json::{Value, json};
use std::time::Duration;

const USUAL: Duration = Duration::from_secs(10);

/// Posts `Body` to `Url`: a text as it is, anything else as JSON.
///
/// # Errors
/// Refused, where the receiver says so or redirects; in doubt, where it was sent and nothing certain came back.
pub(in crate::provider::local) async fn post(call: &Call, trust: &Trust) -> Result<Reply, CallTrouble> {
    arguments::only(call, &["Url", "Body", "ContentType", "TimeoutMs", "Headers"])?;
    let target = Target::parse(arguments::text(call, "Url")?).map_err(not_sent)?;
    let patience = arguments::timeout(call, USUAL)?;
    let (body, usual) = match call.arguments.get("Body") {
        None => return Err(not_sent("`Body` is missing")),
        Some(Value::String(text)) => (text.clone(), "text/plain; charset=utf-8"),
        Some(value) => (value.to_string(), "application/json"),
    };
    let mut named = arguments::pairs(call, "Headers")?;
    let content_type = arguments::maybe_text(call, "ContentType")?.unwrap_or(usual);
    named.retain(|name, _| !name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()));
    named.insert(CONTENT_TYPE.as_str().to_owned(), content_type.to_owned());
    let headers = headers(&named).map_err(not_sent)?;
    if target.secure {
        trust.is_there().map_err(not_sent)?;
    }
    let message = Message {
        method: Method::POST,
        target: &target,
        address: None,
        headers,
        body: Bytes::from(body),
        patience,
    };
    match exchange(message, trust).await {
        Err(Silence::NotSent(says)) => Err(not_sent(says)),
        Err(Silence::Sent(says)) => Err(CallTrouble::InDoubt(says.into())),
        Ok(answered) => judge(answered.status),
    }
}

/// A refusal is only what says that nothing was done: a failure of the receiver may have come after its effect, and
/// `303 See Other` is what is answered after one.
fn judge(status: u16) -> Result<Reply, CallTrouble> {
    match status {
        200..=299 => Ok(reply(status, json!({"Status": status}))),
        408 => Err(CallTrouble::InDoubt("the receiver answered 408, that it waited for too long".into())),
        429 => Err(CallTrouble::Throttled { code: "429".into(), request_id: None }),
        400..=499 => Err(refused(status, "the receiver refused it")),
        300..=302 | 304..=399 => Err(refused(status, "the receiver redirects, which is not followed")),
        _ => Err(CallTrouble::InDoubt(format!("the receiver answered {status}").into())),
    }
}

fn refused(status: u16, says: &str) -> CallTrouble {
    CallTrouble::Refused { code: status.to_string().into(), says: says.into(), request_id: None, status }
}
