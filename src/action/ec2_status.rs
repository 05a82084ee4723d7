//! `ec2-status-probe`: whether an instance passes both of its status checks.

use super::ec2_made::{outputs, which};
use super::{Action, Design, Doing, Found, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::duration::{elapsed, words};
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use serde_json::{Value, json};
use std::time::Duration;

/// Asks EC2 whether an instance is well.
#[derive(Debug, Clone, Copy)]
pub(super) struct StatusProbe;

/// The operation that tells.
pub(super) const OPERATION: &str = "ec2:DescribeInstanceStatus";

/// How long it may take where nobody says: the first checks after a start take minutes.
const WITHIN: Duration = Duration::from_secs(900);

const ABOUT: About = About {
    name: "ec2-status-probe",
    title: "see whether an instance passes its checks",
    says: "Waits until an instance passes both status checks: that of its host and that of the instance itself. Under \
           `verify` they have to pass for as long as `hold` says. That it passes them says nothing of what it serves.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The instance, as a component of the estate.",
        },
        Argument {
            name: "instance",
            kind: ArgumentKind::Text,
            required: false,
            says: "The instance's id, where it is no component.",
        },
        Argument {
            name: "within",
            kind: ArgumentKind::Duration,
            required: false,
            says: "How long it may take to pass both; 15 min if absent.",
        },
    ],
    outputs: &[("says", "What the checks say.")],
    class: ActionClass::Read,
    dedupe: Dedupe::Nothing,
    operations: &["ec2:DescribeInstances", OPERATION],
    no_undo: Some("it changes nothing"),
    usually: Some((Duration::from_secs(60), Duration::from_secs(600))),
};

/// Says whether both checks are passed, and what they say.
pub(super) fn judge(body: &Value) -> (bool, String) {
    let at = |at: &str| body.pointer(at).and_then(Value::as_str).unwrap_or("unknown");
    let state = at("/InstanceStatuses/0/InstanceState/Name");
    let (system, instance) =
        (at("/InstanceStatuses/0/SystemStatus/Status"), at("/InstanceStatuses/0/InstanceStatus/Status"));
    let green = state == "running" && system == "ok" && instance == "ok";
    (green, format!("{state}, system {system}, instance {instance}"))
}

impl Action for StatusProbe {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(async move {
            let (_, instance) = which(&ask, "instance").await?;
            let mut design = Design::new(None);
            let within = ask.given.span("within")?.unwrap_or(WITHIN);
            design.facts.insert("within".to_owned(), Value::from(within.as_secs()));
            let call = Call::new(OPERATION, &ask.environment.name, &ask.environment.home())
                .with("InstanceIds", json!([instance]))
                .with("IncludeAllInstances", true);
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
            let (green, says) = match look.look(call).await {
                Ok(reply) => judge(&reply.body),
                // A new instance may not show yet.
                Err(CallTrouble::Refused { code, .. }) => (false, code.to_string()),
                Err(trouble) => return Err(trouble),
            };
            if green {
                return Ok(Progress::Done(outputs([("says", &says)])));
            }
            let within = doing.step.facts.get("within").and_then(Value::as_u64);
            let within = within.map_or(WITHIN, Duration::from_secs);
            if elapsed(doing.since, doing.now) >= within {
                return Ok(Progress::Failed {
                    why: format!("it does not pass its checks within {}: {says}", words(within)).into(),
                    hint: Some(
                        "an impaired system: stop and start it; an impaired instance: see its console output"
                            .into(),
                    ),
                });
            }
            Ok(Progress::Going { percent: None, says: says.into() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_that_runs_is_not_well_until_both_checks_say_so() {
        let body = |state: &str, system: &str, instance: &str| {
            json!({"InstanceStatuses": [{"InstanceState": {"Name": state}, "SystemStatus": {"Status": system},
                "InstanceStatus": {"Status": instance}}]})
        };
        assert!(judge(&body("running", "ok", "ok")).0);
        for (state, system, instance) in [
            ("running", "ok", "initializing"),
            ("running", "impaired", "ok"),
            ("running", "ok", "insufficient-data"),
            ("stopped", "not-applicable", "not-applicable"),
        ] {
            assert!(!judge(&body(state, system, instance)).0, "{state} {system} {instance}");
        }
        assert!(!judge(&json!({"InstanceStatuses": []})).0, "what is not there is not well");
    }
}
