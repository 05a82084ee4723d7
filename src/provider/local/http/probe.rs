//! `http:Get`: whether something answers as it should.

use super::target::{Target, address, redirect_host};
use super::{Answered, Message, Trust, exchange, headers};
use crate::provider::local::dial::millis;
use crate::provider::local::{arguments, not_sent, reply};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;

const USUAL: Duration = Duration::from_secs(10);

/// Asks `Url` and says whether it is green: `Status` as expected (any of 200 to 299 if not given), `Contains` in the first
/// 64 KB. With `Address`, it is connected to that instead of what the name resolves to: another side can be asked
/// before the name moves there.
pub(in crate::provider::local) async fn get(call: &Call, trust: &Trust) -> Result<Reply, CallTrouble> {
    arguments::only(call, &["Url", "Status", "Contains", "TimeoutMs", "Headers", "Address"])?;
    let target = Target::parse(arguments::text(call, "Url")?).map_err(not_sent)?;
    let expected = arguments::maybe_number(call, "Status")?;
    let contains = arguments::maybe_text(call, "Contains")?.filter(|text| !text.is_empty());
    let patience = arguments::timeout(call, USUAL)?;
    let headers = headers(&arguments::pairs(call, "Headers")?).map_err(not_sent)?;
    let address = address(arguments::maybe_text(call, "Address")?).map_err(not_sent)?;
    if target.secure {
        trust.is_there().map_err(not_sent)?;
    }
    let message =
        Message { method: Method::GET, target: &target, address, headers, body: Bytes::new(), patience };
    let begun = Instant::now();
    let answer = exchange(message, trust).await;
    let elapsed_ms = millis(begun);
    let (status, green, says) = match answer {
        Ok(answered) => {
            let (green, says) = judge(&answered, expected, contains, elapsed_ms);
            (Some(answered.status), green, says)
        }
        Err(silence) => (None, false, silence.says()),
    };
    let body = json!({
        "Status": status.map_or(Value::Null, Value::from),
        "ElapsedMs": elapsed_ms,
        "Green": green,
        "Says": says,
    });
    Ok(reply(status.unwrap_or(0), body))
}

fn judge(
    answered: &Answered,
    expected: Option<u64>,
    contains: Option<&str>,
    elapsed_ms: u64,
) -> (bool, String) {
    let status = answered.status;
    let fits = expected.map_or((200..300).contains(&status), |expected| expected == u64::from(status));
    if !fits {
        let target = answered.location.as_deref().filter(|_| (300..400).contains(&status));
        let says = match (target.map(redirect_host), expected) {
            (Some(Some(host)), _) => format!("{status}, a redirect to {host}"),
            (Some(None), _) => format!("{status}, a redirect"),
            (None, Some(expected)) => format!("{status} and not {expected}"),
            (None, None) => format!("{status}"),
        };
        return (false, says);
    }
    let found =
        contains.is_none_or(|text| answered.body.windows(text.len()).any(|window| window == text.as_bytes()));
    match (&answered.broken, contains, found) {
        (Some(broken), None, _) | (Some(broken), Some(_), false) => {
            (false, format!("{status}, but {broken}"))
        }
        (None, _, false) => (false, format!("{status}, but it does not contain what it should")),
        (_, _, true) => (true, format!("{status} in {elapsed_ms} ms")),
    }
}
