//! A setting that is written as a whole: read before, put, and put back exactly as it was, each only while it is still what
//! was seen (see [`crate::runbook::still`]).

use super::facts::text;
use super::{Doing, Found, Meaning, Progress, Refusal};
use crate::provider::port::{CallTrouble, Look};
use crate::runbook::call::Call;
use crate::runbook::still::{CHANGED, IF_STILL, Still};
use serde_json::{Map, Value, json};

/// Reads the setting that a call writes; `Null` where there is none.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn read(look: &dyn Look, still: &Still) -> Result<Value, CallTrouble> {
    match look.look(&still.look).await {
        Ok(reply) => Ok(reply.body),
        Err(trouble) if trouble.code() == Some(still.absent) => Ok(Value::Null),
        Err(trouble) => Err(trouble),
    }
}

/// Reads the setting that a call like this writes.
///
/// # Errors
/// When it cannot be read, or the call writes none.
pub(super) async fn seen(look: &dyn Look, like: &Call) -> Result<Value, Refusal> {
    let asked = like.clone().with(IF_STILL, Value::Null);
    let still =
        Still::of(&asked).ok_or_else(|| Refusal::new(format!("{} writes no setting", like.operation)))?;
    let what = still.look.operation.clone();
    read(look, &still).await.map_err(|trouble| Refusal::new(format!("{what} was not answered: {trouble}")))
}

/// Returns what the setting is when a call has been carried out, as its look would say it; `Null` where it takes it away.
pub(super) fn made_by(call: &Call) -> Value {
    match call.name() {
        "PutBucketPolicy" => json!({ "Policy": call.text("Policy") }),
        "PutBucketLifecycleConfiguration" => {
            let rules = call.arguments.get("LifecycleConfiguration").and_then(|all| all.get("Rules"));
            let mut made = Map::new();
            made.insert("Rules".to_owned(), rules.cloned().unwrap_or_default());
            if let Some(size) = call.arguments.get("TransitionDefaultMinimumObjectSize") {
                made.insert("TransitionDefaultMinimumObjectSize".to_owned(), size.clone());
            }
            Value::Object(made)
        }
        "PutRolePolicy" => {
            json!({ "PolicyDocument": call.text("PolicyDocument"), "PolicyName": call.text("PolicyName"),
            "RoleName": call.text("RoleName") })
        }
        _ => Value::Null,
    }
}

fn is(call: &Call, what: &Value, found: &Value) -> bool {
    let asked = call.clone().with(IF_STILL, what.clone());
    Still::of(&asked).is_some_and(|still| still.holds(found))
}

/// Looks whether a setting is what a call makes of it.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn probe(doing: &Doing<'_>, look: &dyn Look) -> Result<Found, CallTrouble> {
    let Some((call, still)) = doing.call().ok().and_then(|call| Some((call, Still::of(call)?))) else {
        return Ok(Found::Unclear { evidence: "the step has no such call".into() });
    };
    let found = read(look, &still).await?;
    let what = still.look.name().trim_start_matches("Get").to_owned();
    Ok(if is(call, &made_by(call), &found) {
        Found::Happened { reply: Value::Null, evidence: format!("{what} is as it is to be").into() }
    } else if still.holds(&found) {
        Found::Nothing { evidence: format!("{what} is as it was").into() }
    } else {
        let evidence =
            format!("{what} is neither as it was nor as it is to be: somebody else has changed it");
        Found::Unclear { evidence: evidence.into() }
    })
}

/// Looks whether a setting shows what a call made of it.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn progress(
    doing: &Doing<'_>,
    look: &dyn Look,
    outputs: Map<String, Value>,
) -> Result<Progress, CallTrouble> {
    let Some((call, still)) = doing.call().ok().and_then(|call| Some((call, Still::of(call)?))) else {
        return Ok(Progress::Done(outputs));
    };
    let found = read(look, &still).await?;
    Ok(if is(call, &made_by(call), &found) {
        Progress::Done(outputs)
    } else {
        Progress::Going { percent: None, says: "it does not show the change yet".into() }
    })
}

/// Says what a refusal means: somebody may have written it, and that may have been us.
pub(super) fn means(doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
    let hint = match trouble.code().unwrap_or_default() {
        CHANGED => return Meaning::Look,
        "NoSuchBucket" => Some("the bucket is gone".into()),
        "MalformedPolicy" => Some("AWS does not take the policy: see what it says".into()),
        "AccessDenied" => {
            let what = doing.call().map_or("this", |call| call.operation.as_str()).to_owned();
            Some(format!("the login may not do {what}: `lifeboat policy` prints what it needs").into())
        }
        _ => None,
    };
    Meaning::Failed { hint }
}

/// Returns the text of a policy that was read; empty where there was none.
pub(super) fn policy(seen: &Value) -> &str {
    text(seen, "Policy")
}
