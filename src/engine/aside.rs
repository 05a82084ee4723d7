//! Answers that are too large for a line of the journal: they lie beside it, and are read back from there.

use super::executor::Shared;
use super::journal::{Halt, sha256};
use crate::runbook::event::{CallPlace, Event, SideFile};
use crate::runbook::state::CallState;
use serde_json::{Map, Value, json};

/// Answers that are larger than this lie in a side file.
const LARGE: usize = 8 << 10;

/// Values longer than this are not kept where there is no room for the whole answer.
const SHORT: usize = 256;

/// Returns the side file that stands for an answer in its line; `None` where the line has the answer itself.
fn side_file(reply: &Value) -> Option<SideFile> {
    let side: SideFile = serde_json::from_value(reply.get("side")?.clone()).ok()?;
    side.name.as_str().starts_with("side/").then_some(side)
}

/// Returns the side file that an event names.
pub fn beside(event: &Event) -> Option<SideFile> {
    match event {
        Event::Opened { plan, .. } => Some(plan.clone()),
        Event::Began { before, .. } => before.clone(),
        Event::Answered { reply, .. } | Event::Observed { reply, .. } => {
            side_file(reply).or_else(|| super::records::of_reply(reply))
        }
        _ => None,
    }
}

/// Returns what matters most of an answer: its own short values, such as the id of what was made.
fn brief(body: &Value) -> Value {
    let short = |value: &Value| match value {
        Value::String(text) => text.len() <= SHORT,
        other => !other.is_object() && !other.is_array(),
    };
    let Value::Object(members) = body else { return Value::Null };
    let kept = members.iter().filter(|(_, value)| short(value)).take(16);
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

impl Shared {
    /// Returns what stands in the journal for an answer. Where there is no room beside it, the line has what matters most:
    /// what has happened is written down even then.
    pub(super) fn aside(&self, of: &CallPlace, body: Value) -> Value {
        let text = body.to_string();
        if text.len() <= LARGE {
            return body;
        }
        let name = format!("side/{}-{}-{}-{}.json", of.step, of.direction.name(), of.attempt, of.index);
        match self.recorder.side(&name, text.as_bytes()) {
            Ok(side) => json!({ "side": side }),
            Err(_) => brief(&body),
        }
    }

    /// Returns the answers of calls, as they were.
    pub(super) fn replies(&self, calls: &[CallState]) -> Result<Vec<Value>, Halt> {
        calls
            .iter()
            .map(|call| match side_file(&call.reply) {
                Some(side) => self.side_value(&side),
                None => Ok(call.reply.clone()),
            })
            .collect()
    }

    /// Returns what a side file holds.
    pub(super) fn side_value(&self, side: &SideFile) -> Result<Value, Halt> {
        let bytes = self.recorder.folder.read(side.name.as_str()).map_err(Halt::Disk)?.unwrap_or_default();
        if *sha256(&bytes) != *side.sha256.as_str() {
            return Err(Halt::Illegal(format!(
                "the side file {} is not the one that was written",
                side.name
            )));
        }
        serde_json::from_slice(&bytes).map_err(|error| Halt::Illegal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_most_is_short() {
        let body =
            json!({"SnapshotId": "snap-1", "Long": "x".repeat(300), "Tags": [{"Key": "a"}], "Size": 3});
        assert_eq!(brief(&body), json!({"SnapshotId": "snap-1", "Size": 3}));
    }

    #[test]
    fn an_answer_with_a_member_of_that_name_is_no_side_file() {
        let file = json!({"name": "side/a-forward-1-0.json", "sha256": "00", "bytes": 3});
        assert!(side_file(&json!({ "side": file })).is_some());
        assert!(side_file(&json!({"side": "left"})).is_none());
        assert!(side_file(&json!({"side": {"name": "../etc", "sha256": "00", "bytes": 3}})).is_none());
    }
}
