//! What must still be there when a call is made that its service cannot make conditional.
//!
//! Some settings are written as a whole, and their services take no condition: a bucket's policy, its lifecycle, a policy
//! of a role. The argument [`IF_STILL`] is ours: whoever makes the call reads the setting just before, and refuses to write
//! where it is not what the argument says. Between that look and the write somebody else may still write; it is as close as
//! these services let anybody come.

use super::call::Call;
use serde_json::Value;

/// The argument that says what must still be there: the body of the look, or `null` for nothing. It is not sent.
pub const IF_STILL: &str = "IfStill";

/// The code of the refusal when it is something else.
pub const CHANGED: &str = "PreconditionFailed";

/// A look that tells whether something is still so.
#[derive(Debug, Clone, PartialEq)]
pub struct Still {
    /// The look.
    pub look: Call,
    /// The code with which its service says that there is none.
    pub absent: &'static str,
    /// What must be there; `Null` for nothing.
    pub expected: Value,
}

impl Still {
    /// Returns what must still be so for a call; `None` where it says nothing.
    pub fn of(call: &Call) -> Option<Self> {
        let expected = call.arguments.get(IF_STILL)?.clone();
        let (operation, absent, names): (_, _, &[&str]) = match call.operation.as_str() {
            "s3:PutBucketPolicy" | "s3:DeleteBucketPolicy" => {
                ("s3:GetBucketPolicy", "NoSuchBucketPolicy", &["Bucket"])
            }
            "s3:PutBucketLifecycleConfiguration" => {
                ("s3:GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration", &["Bucket"])
            }
            "iam:PutRolePolicy" | "iam:DeleteRolePolicy" => {
                ("iam:GetRolePolicy", "NoSuchEntity", &["RoleName", "PolicyName"])
            }
            _ => return None,
        };
        let look = Call::new(operation, &call.environment, &call.place);
        let look = names.iter().fold(look, |look, name| look.maybe(name, call.text(name)));
        Some(Self { look, absent, expected })
    }

    /// Says whether what was found is what must be there.
    pub fn holds(&self, found: &Value) -> bool {
        alike(&self.expected, found)
    }
}

/// Says whether two answers say the same: documents within them are compared as documents, not by their letters.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|known| alike(value, known)))
        }
        (Value::String(one), Value::String(other)) => one == other || same_document(one, other),
        (one, other) => one == other,
    }
}

/// Says whether two texts are the same JSON document.
pub fn same_document(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    matches!((read(one), read(other)), (Some(one), Some(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::Place;
    use serde_json::json;

    #[test]
    fn a_policy_is_the_same_however_its_letters_stand() {
        let place = Place::new("123456789012", "us-east-2");
        let call = Call::new("s3:PutBucketPolicy", &"production".into(), &place)
            .with("Bucket", "b")
            .with(IF_STILL, json!({"Policy": "{\"a\": 1, \"b\": [2]}"}));
        let still = Still::of(&call).expect("it says something");
        assert_eq!(
            (still.look.operation.as_str(), still.look.text("Bucket")),
            ("s3:GetBucketPolicy", Some("b"))
        );
        assert!(still.holds(&json!({"Policy": "{\"b\":[2],\"a\":1}"})));
        assert!(!still.holds(&json!({"Policy": "{\"b\":[3],\"a\":1}"})));
        assert!(!still.holds(&Value::Null));
        assert!(!still.holds(&json!({})));
    }
}
