//! What several actions read in the same way: members of answers, tags of a run, names that follow from a run.

use crate::runbook::call::hex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The tag that names the run that made something.
pub(crate) const RUN_TAG: &str = "lifeboat:run";
/// The tag that names the step.
pub(crate) const STEP_TAG: &str = "lifeboat:step";

/// Returns the tags by which what a step makes is known, as EC2 and RDS take them.
pub(crate) fn tags(run: &str, step: &str) -> Value {
    json!([{"Key": RUN_TAG, "Value": run}, {"Key": STEP_TAG, "Value": step}])
}

/// Says whether something carries the tags of a step.
pub(crate) fn is_tagged(thing: &Value, list: &str, run: &str, step: &str) -> bool {
    let tags = thing.get(list).and_then(Value::as_array).map_or([].as_slice(), Vec::as_slice);
    let has = |key: &str, value: &str| {
        tags.iter().any(|tag| {
            tag.get("Key").and_then(Value::as_str) == Some(key)
                && tag.get("Value").and_then(Value::as_str) == Some(value)
        })
    };
    has(RUN_TAG, run) && has(STEP_TAG, step)
}

/// Returns the filters by which EC2 finds what a step has made.
pub(crate) fn tag_filters(run: &str, step: &str) -> Value {
    json!([
        {"Name": format!("tag:{RUN_TAG}"), "Values": [run]},
        {"Name": format!("tag:{STEP_TAG}"), "Values": [step]},
    ])
}

/// Returns a token that follows from run, step and attempt: 64 letters and digits at most, as EC2 takes them. A second
/// attempt after a clean failure has one of its own, because the service remembers the first with its failure.
pub(crate) fn token(run: &str, step: &str, part: &str) -> String {
    let digest = hex(&Sha256::digest(format!("{run}/{step}/{part}").as_bytes()));
    format!("lifeboat-{}", digest.get(..48).unwrap_or_default())
}

/// Returns the last part of a run's name, for names that have to be short.
pub(crate) fn run_tail(run: &str) -> &str {
    run.rsplit('-').next().unwrap_or(run)
}

/// Returns the text at a member, empty where there is none.
pub(crate) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// Says whether a setting has a value: an empty text is none, and no call takes it.
pub(super) fn is_said(value: &Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}
