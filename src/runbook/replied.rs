//! Values that an earlier call of the same step brings: they stand in a plan as where they will come from.

use serde_json::{Map, Value, json};

/// The member that names the call, by its index in its step.
const CALL: &str = "FromCall";
/// The member that names what is taken of its answer.
const MEMBER: &str = "Member";

/// Returns what stands in a plan for a member of the answer to an earlier call of the same step.
pub fn from_call(index: usize, member: &str) -> Value {
    json!({ CALL: index, MEMBER: member })
}

/// Returns the call and the member that an argument refers to; `None` for anything else.
pub(super) fn reference(entries: &Map<String, Value>) -> Option<(usize, &str)> {
    if entries.len() != 2 {
        return None;
    }
    let index = usize::try_from(entries.get(CALL)?.as_u64()?).ok()?;
    Some((index, entries.get(MEMBER)?.as_str()?))
}

/// Returns `value` as it is sent: every reference to an earlier call replaced by what that call was answered.
///
/// # Errors
/// What the first reference that nothing answers refers to.
pub fn fill_replies(value: &Value, replies: &[Value]) -> Result<Value, String> {
    Ok(match value {
        Value::Object(entries) => match reference(entries) {
            Some((index, member)) => {
                let found = replies.get(index).and_then(|reply| reply.get(member));
                let found = found.filter(|found| !found.is_null());
                found.cloned().ok_or_else(|| format!("call {index} of the step brought no {member}"))?
            }
            None => {
                let filled =
                    entries.iter().map(|(name, value)| Ok((name.clone(), fill_replies(value, replies)?)));
                Value::Object(filled.collect::<Result<_, String>>()?)
            }
        },
        Value::Array(several) => {
            Value::Array(several.iter().map(|one| fill_replies(one, replies)).collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_call_brought_is_sent_and_nothing_else_is_touched() {
        let call = json!({"UploadId": from_call(0, "UploadId"), "Key": "${steps.x.y}", "PartNumber": 1,
            "Parts": [{"ETag": from_call(1, "ETag"), "PartNumber": 1}], "Metadata": {"FromCall": "0", "Member": "x"}});
        let replies = [json!({"UploadId": "u"}), json!({"ETag": "\"e\""})];
        let sent = fill_replies(&call, &replies).expect("both are known");
        assert_eq!(
            sent,
            json!({"UploadId": "u", "Key": "${steps.x.y}", "PartNumber": 1,
                "Parts": [{"ETag": "\"e\"", "PartNumber": 1}], "Metadata": {"FromCall": "0", "Member": "x"}})
        );
    }

    #[test]
    fn what_nobody_has_brought_is_not_sent() {
        let call = json!({"UploadId": from_call(0, "UploadId")});
        for replies in [vec![], vec![Value::Null], vec![json!({"UploadId": null})]] {
            let why = fill_replies(&call, &replies).expect_err("nothing is known");
            assert_eq!(why, "call 0 of the step brought no UploadId");
        }
    }
}
