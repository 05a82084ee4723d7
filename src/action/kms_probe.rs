//! `kms-key-probe`: whether a key can decrypt in the Region where it is needed.

use super::facts::text;
use super::place::{REGION, place_of};
use super::{Action, Design, Doing, Found, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use serde_json::{Map, Value};
use std::time::Duration;

/// Looks at a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyProbe;

const ABOUT: About = About {
    name: "kms-key-probe",
    title: "see whether a key can be used",
    says: "Looks whether a KMS key is enabled in the Region where it is needed. A key that is switched off, absent there or on \
           its way to be deleted makes everything useless that it encrypts; the date of its end is said.",
    arguments: &[
        Argument {
            name: "key",
            kind: ArgumentKind::Text,
            required: true,
            says: "The key: its id, its ARN, or an alias as `alias/name`.",
        },
        REGION,
    ],
    outputs: &[("key", "The ARN of the key."), ("state", "Its state.")],
    class: ActionClass::Read,
    dedupe: Dedupe::Nothing,
    operations: &["kms:DescribeKey"],
    no_undo: Some("it changes nothing"),
    usually: Some((Duration::from_secs(1), Duration::from_secs(5))),
};

/// Returns what a key's state means: whether it can be used, what it says, and what to do.
pub(super) fn judge(body: &Value) -> (bool, String, Option<&'static str>) {
    let meta = body.get("KeyMetadata").cloned().unwrap_or_default();
    let id = text(&meta, "KeyId");
    let state = text(&meta, "KeyState");
    match state {
        "Enabled" if text(&meta, "KeyUsage") != "ENCRYPT_DECRYPT" => (
            false,
            format!("the key {id} is enabled, but is for {}", text(&meta, "KeyUsage")),
            Some("name the key that encrypts"),
        ),
        "Enabled" => (true, format!("the key {id} is enabled"), None),
        "PendingDeletion" | "PendingReplicaDeletion" => (
            false,
            format!(
                "the key {id} will be deleted at {}, and nothing that it encrypts can be read from then on",
                match text(&meta, "DeletionDate") {
                    "" => "a moment that KMS does not say",
                    at => at,
                }
            ),
            Some("`aws kms cancel-key-deletion`, then `aws kms enable-key`: before that moment"),
        ),
        "Disabled" => (
            false,
            format!("the key {id} is switched off"),
            Some("`aws kms enable-key` switches it on again"),
        ),
        "PendingImport" => (false, format!("the key {id} has no material"), Some("import its material")),
        "Unavailable" => {
            (false, format!("the key store of {id} cannot be reached"), Some("connect its key store"))
        }
        "" => (false, "KMS does not say the state of the key".to_owned(), None),
        other => (false, format!("the key {id} is {other}"), None),
    }
}

impl Action for KeyProbe {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(async move {
            let call = Call::new("kms:DescribeKey", &ask.environment.name, &place_of(&ask)?)
                .with("KeyId", ask.given.text("key")?);
            let mut design = Design::new(None);
            design.asks.push(call);
            Ok(design)
        })
    }

    fn probe<'a>(&'a self, _: Doing<'a>, _: &'a dyn Look) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async { Ok(Found::Nothing { evidence: "it calls nothing".into() }) })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let Some(call) = doing.calls.first() else {
                return Ok(Progress::Failed {
                    why: "the plan does not say what is asked".into(),
                    hint: None,
                });
            };
            let reply = match look.look(call).await {
                Ok(reply) => reply,
                Err(trouble) if trouble.code() == Some("NotFoundException") => {
                    let why = format!(
                        "there is no key {} in {}",
                        call.text("KeyId").unwrap_or_default(),
                        call.place.region
                    );
                    let hint =
                        "a key of one Region is unknown in another: name the one there, or its replica";
                    return Ok(Progress::Failed { why: why.into(), hint: Some(hint.into()) });
                }
                Err(trouble) => return Err(trouble),
            };
            let (is_usable, says, hint) = judge(&reply.body);
            if !is_usable {
                return Ok(Progress::Failed { why: says.into(), hint: hint.map(Into::into) });
            }
            let meta = reply.body.get("KeyMetadata").cloned().unwrap_or_default();
            let mut outputs = Map::new();
            outputs.insert("key".to_owned(), Value::from(text(&meta, "Arn")));
            outputs.insert("state".to_owned(), Value::from(text(&meta, "KeyState")));
            Ok(Progress::Done(outputs))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_that_is_about_to_go_is_said_with_its_date() {
        let meta = json!({"KeyMetadata": {"KeyId": "k", "KeyState": "PendingDeletion", "KeyUsage": "ENCRYPT_DECRYPT",
            "DeletionDate": "2026-11-28T00:00:00Z"}});
        let (is_usable, says, hint) = judge(&meta);
        assert!(!is_usable && says.contains("2026-11-28T00:00:00Z"), "{says}");
        assert!(hint.is_some_and(|hint| hint.contains("cancel-key-deletion")));
    }

    #[test]
    fn only_a_key_that_is_enabled_and_encrypts_can_be_used() {
        let of = |state: &str, usage: &str| {
            judge(&json!({"KeyMetadata": {"KeyId": "k", "KeyState": state, "KeyUsage": usage}})).0
        };
        assert!(of("Enabled", "ENCRYPT_DECRYPT"));
        for state in ["Disabled", "PendingImport", "Unavailable", "Creating", ""] {
            assert!(!of(state, "ENCRYPT_DECRYPT"), "{state}");
        }
        assert!(!of("Enabled", "SIGN_VERIFY"));
        assert!(!judge(&json!({})).0);
    }
}
