//! `route53-health-check`: a health check is turned round or switched off, so that records follow without being changed.

use super::facts::text;
use super::given::is_later;
use super::route53_sets::{CONTROL_PLANE, PACE, global};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use serde_json::{Map, Value};
use std::time::Duration;

/// Turns a health check round, or switches it off.
#[derive(Debug, Clone, Copy)]
pub(super) struct HealthCheck;

/// What can be set: as a runbook names it, and as Route 53 does.
const SWITCHES: [(&str, &str); 2] = [("invert", "Inverted"), ("disable", "Disabled")];

const ABOUT: About = About {
    name: "route53-health-check",
    title: "turn a health check round, or switch it off",
    says: "Inverts or disables a health check of Route 53, so that records which depend on it fail over or stop doing so; no \
           record is changed. An inverted check counts as unhealthy while its target is well; a disabled one always counts \
           as healthy. It is refused if anybody has changed the check since the plan.",
    arguments: &[
        Argument {
            name: "check",
            kind: ArgumentKind::Text,
            required: true,
            says: "The id of the health check.",
        },
        Argument {
            name: "invert",
            kind: ArgumentKind::Switch,
            required: false,
            says: "Whether it counts the other way round; as it was if absent.",
        },
        Argument {
            name: "disable",
            kind: ArgumentKind::Switch,
            required: false,
            says: "Whether it is switched off, and so counts as healthy; as it was if absent.",
        },
    ],
    outputs: &[("check", "The id of the health check."), ("version", "Its version now.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::Conditional,
    operations: &["route53:GetHealthCheck", "route53:UpdateHealthCheck"],
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(60))),
};

async fn read(look: &dyn Look, like: &Call) -> Result<Value, CallTrouble> {
    let asked = Call::new("route53:GetHealthCheck", &like.environment, &like.place)
        .maybe("HealthCheckId", like.text("HealthCheckId"));
    let reply = look.look(&asked).await?;
    Ok(reply.body.get("HealthCheck").cloned().unwrap_or_default())
}

/// Returns how a switch of a check stands; one that is not said is off.
fn stands(check: &Value, switch: &str) -> bool {
    check.pointer(&format!("/HealthCheckConfig/{switch}")) == Some(&Value::Bool(true))
}

fn is_as_asked(check: &Value, call: &Call) -> bool {
    SWITCHES.iter().all(|(_, switch)| match call.arguments.get(*switch) {
        Some(wanted) => Some(stands(check, switch)) == wanted.as_bool(),
        None => true,
    })
}

impl HealthCheck {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let id = ask.given.text("check")?;
        if is_later(id) {
            return Err(Refusal::new("the health check has to be known when the plan is made"));
        }
        let place = global(&ask);
        let base =
            |operation: &str| Call::new(operation, &ask.environment.name, &place).with("HealthCheckId", id);
        let asked = base("route53:GetHealthCheck");
        let check = read(ask.look, &asked)
            .await
            .map_err(|trouble| Refusal::new(format!("the health check {id} cannot be read: {trouble}")))?;
        let version = check.get("HealthCheckVersion").cloned().unwrap_or_default();
        let mut call = base("route53:UpdateHealthCheck").with("HealthCheckVersion", version.clone());
        let mut design = Design::new(None);
        let (mut words, mut differs) = (Vec::new(), false);
        for (name, switch) in SWITCHES {
            let Some(wanted) = ask.given.switch(name)? else { continue };
            let was = stands(&check, switch);
            differs |= wanted != was;
            words.push(
                format!("{} {}", if wanted { name } else { "do not" }, if wanted { "" } else { name })
                    .trim()
                    .to_owned(),
            );
            call = call.with(switch, wanted);
            design.facts.insert(switch.to_owned(), Value::Bool(was));
        }
        if words.is_empty() {
            return Err(Refusal::new("neither `invert` nor `disable` says what is to be otherwise"));
        }
        if !differs {
            return Err(Refusal::new(format!(
                "the health check {id} is so already: there is nothing to change"
            )));
        }
        design.preconditions.push(Precondition {
            says: "nobody has changed the health check".into(),
            look: asked,
            at: "/HealthCheck/HealthCheckVersion".into(),
            expect: Expect::Is(version),
        });
        design.calls.push(PlannedCall {
            call,
            says: format!("{} the health check {id}", words.join(", ")).into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        });
        design.undo = Undo::Calls {
            says: vec!["set the health check as it was, unless anybody has changed it since".into()],
            class: ActionClass::Mutating,
        };
        design.control_plane = Some(CONTROL_PLANE.into());
        let target = check.pointer("/HealthCheckConfig/FullyQualifiedDomainName").and_then(Value::as_str);
        design.notes = vec![
            format!("it checks {}", target.unwrap_or("something that has no name")).into(),
            "every record that depends on it follows, whoever made it".into(),
            format!(
                "it needs the control plane of Route 53 in {CONTROL_PLANE}; failing over by itself does not"
            )
            .into(),
            "resolvers may keep the old answer for the lifetime of each record".into(),
        ];
        Ok(design)
    }
}

impl Action for HealthCheck {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(Self::design(ask))
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async move {
            let Ok(call) = doing.call() else {
                return Ok(Found::Unclear { evidence: "the step has no such call".into() });
            };
            let check = read(look, call).await?;
            let (version, asked) =
                (check.get("HealthCheckVersion"), call.arguments.get("HealthCheckVersion"));
            Ok(if version != asked && is_as_asked(&check, call) {
                let evidence = "the health check is as it is to be, and has a new version".into();
                Found::Happened { reply: serde_json::json!({ "HealthCheck": check }), evidence }
            } else if version == asked {
                Found::Nothing { evidence: "the health check has its old version".into() }
            } else {
                Found::Unclear { evidence: "somebody else has changed the health check".into() }
            })
        })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let Ok(call) = doing.call() else { return Ok(Progress::Done(Map::new())) };
            let check = read(look, call).await?;
            if !is_as_asked(&check, call) {
                let says = "the health check does not show the change yet".into();
                return Ok(Progress::Going { percent: None, says });
            }
            let mut outputs = Map::new();
            outputs.insert("check".to_owned(), Value::from(call.text("HealthCheckId")));
            let version = check.get("HealthCheckVersion").map_or_else(String::new, ToString::to_string);
            outputs.insert("version".to_owned(), Value::String(version));
            Ok(Progress::Done(outputs))
        })
    }

    fn pace(&self) -> Duration {
        PACE
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let hint = match trouble.code().unwrap_or_default() {
            // Ours may have been the update that made it another version.
            "HealthCheckVersionMismatch" => return Meaning::Look,
            "NoSuchHealthCheck" => Some("the health check is gone: change the record itself".into()),
            _ => None,
        };
        Meaning::Failed { hint }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was changed"))?;
        let version = doing.reply(0).pointer("/HealthCheck/HealthCheckVersion").cloned();
        let version = version.ok_or_else(|| {
            Refusal::new("nobody knows the version that was made of the health check")
                .hint("set it back by a new plan, which looks at it first")
        })?;
        let mut back = Call::new(&call.operation, &call.environment, &call.place)
            .maybe("HealthCheckId", call.text("HealthCheckId"))
            .with("HealthCheckVersion", version);
        for (_, switch) in SWITCHES.iter().filter(|(_, switch)| call.arguments.contains_key(*switch)) {
            back = back.maybe(switch, doing.step.facts.get(*switch).cloned());
        }
        let id = text(&Value::Object(call.arguments.clone()), "HealthCheckId").to_owned();
        Ok(vec![PlannedCall {
            call: back,
            says: format!("set the health check {id} as it was").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        }])
    }
}
