//! The arguments of a call as this adapter takes them. What is wrong with one is said by its name and never by its value.

use super::not_sent;
use crate::provider::port::CallTrouble;
use crate::runbook::call::Call;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// The longest that anything may be waited for.
const LONGEST: u64 = 600_000;

/// Refuses arguments that are not among `known`: a misspelt one would silently not count.
pub(in crate::provider) fn only(call: &Call, known: &[&str]) -> Result<(), CallTrouble> {
    match call.arguments.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(not_sent(format!("{} has no argument `{name}`", call.operation))),
        None => Ok(()),
    }
}

/// Returns a text that must be there.
pub(in crate::provider) fn text<'a>(call: &'a Call, name: &str) -> Result<&'a str, CallTrouble> {
    maybe_text(call, name)?.ok_or_else(|| not_sent(format!("`{name}` is missing")))
}

/// Returns a text that may be there.
pub(super) fn maybe_text<'a>(call: &'a Call, name: &str) -> Result<Option<&'a str>, CallTrouble> {
    match call.arguments.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(not_sent(format!("`{name}` must be a text"))),
    }
}

/// Returns a whole number that may be there, be it written as a text.
pub(in crate::provider) fn maybe_number(call: &Call, name: &str) -> Result<Option<u64>, CallTrouble> {
    let number = match call.arguments.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    number.map(Some).ok_or_else(|| not_sent(format!("`{name}` must be a whole number")))
}

/// Returns a port that must be there.
pub(super) fn port(call: &Call, name: &str) -> Result<u16, CallTrouble> {
    let number = maybe_number(call, name)?.ok_or_else(|| not_sent(format!("`{name}` is missing")))?;
    u16::try_from(number)
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| not_sent(format!("`{name}` must be from 1 to 65535")))
}

/// Returns how long is waited: `TimeoutMs`, or `usual`.
pub(super) fn timeout(call: &Call, usual: Duration) -> Result<Duration, CallTrouble> {
    match maybe_number(call, "TimeoutMs")? {
        None => Ok(usual),
        Some(ms @ 1..=LONGEST) => Ok(Duration::from_millis(ms)),
        Some(_) => Err(not_sent(format!("`TimeoutMs` must be from 1 to {LONGEST}"))),
    }
}

/// Returns an absolute path that must be there.
pub(in crate::provider) fn path(call: &Call, name: &str) -> Result<PathBuf, CallTrouble> {
    let path = PathBuf::from(text(call, name)?);
    let fits = path.is_absolute() && !path.as_os_str().as_encoded_bytes().contains(&0);
    if fits { Ok(path) } else { Err(not_sent(format!("`{name}` must be an absolute path"))) }
}

/// Returns several texts.
pub(super) fn texts(call: &Call, name: &str) -> Result<Vec<String>, CallTrouble> {
    let wrong = || not_sent(format!("`{name}` must be a list of texts"));
    match call.arguments.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// Returns names with texts.
pub(super) fn pairs(call: &Call, name: &str) -> Result<BTreeMap<String, String>, CallTrouble> {
    let wrong = || not_sent(format!("`{name}` must be names with texts"));
    match call.arguments.get(name) {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries
            .iter()
            .map(|(name, value)| Ok((name.clone(), value.as_str().ok_or_else(wrong)?.to_owned())))
            .collect(),
        Some(_) => Err(wrong()),
    }
}
