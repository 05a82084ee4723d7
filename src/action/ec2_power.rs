//! `ec2-stop` and `ec2-start`: an instance that is to stand, or to run.

use super::ec2_made::which;
use super::facts::text;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Stops or starts an instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Power {
    about: &'static About,
    operation: &'static str,
    opposite: &'static str,
    /// The state that is asked for, that on the way there, and those from which it can be asked.
    wanted: &'static str,
    on_the_way: &'static str,
    from: &'static [&'static str],
}

const ARGUMENTS: &[Argument] = &[
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
];
const OUTPUTS: &[(&str, &str)] = &[("instance", "The id of the instance."), ("state", "Its state.")];

impl Power {
    /// Stops one.
    pub(super) const STOP: Self = Self {
        about: &About {
            name: "ec2-stop",
            title: "stop an instance",
            says: "Stops an EC2 instance, and waits until it stands. What is in memory and on instance stores is lost.",
            arguments: ARGUMENTS,
            outputs: OUTPUTS,
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
            operations: &["ec2:DescribeInstances", "ec2:StopInstances", "ec2:StartInstances"],
            no_undo: None,
            usually: Some((Duration::from_secs(20), Duration::from_secs(300))),
        },
        operation: "ec2:StopInstances",
        opposite: "ec2:StartInstances",
        wanted: "stopped",
        on_the_way: "stopping",
        from: &["running", "stopping", "stopped", "pending"],
    };

    /// Starts one.
    pub(super) const START: Self = Self {
        about: &About {
            name: "ec2-start",
            title: "start an instance",
            says: "Starts an EC2 instance, and waits until it runs. That it runs says nothing of what is on it: verify it by a probe.",
            arguments: ARGUMENTS,
            outputs: OUTPUTS,
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
            operations: &["ec2:DescribeInstances", "ec2:StartInstances", "ec2:StopInstances"],
            no_undo: None,
            usually: Some((Duration::from_secs(15), Duration::from_secs(180))),
        },
        operation: "ec2:StartInstances",
        opposite: "ec2:StopInstances",
        wanted: "running",
        on_the_way: "pending",
        from: &["stopped", "pending", "running"],
    };

    async fn design(&self, ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, instance) = which(&ask, "instance").await?;
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let describe = base("ec2:DescribeInstances").with("InstanceIds", json!([instance]));
        let mut design = Design::new(component);
        if !super::given::is_later(&instance) {
            let found = ask.look.look(&describe).await.map_err(|trouble| {
                Refusal::new(format!("the instance {instance} cannot be read: {trouble}"))
            })?;
            let state =
                found.body.pointer("/Instances/0/State/Name").and_then(Value::as_str).unwrap_or_default();
            if !self.from.contains(&state) {
                return Err(Refusal::new(format!(
                    "the instance {instance} is {state}, and cannot be made {}",
                    self.wanted
                )));
            }
            if state == self.wanted {
                design.notes.push(format!("it is {state} already: nothing will change").into());
            }
            design.facts.insert("was".to_owned(), Value::String(state.to_owned()));
            design.preconditions.push(Precondition {
                says: format!("the instance can be made {}", self.wanted).into(),
                look: describe,
                at: "/Instances/0/State/Name".into(),
                expect: Expect::OneOf(self.from.iter().map(|state| Value::from(*state)).collect()),
            });
        }
        design.calls.push(PlannedCall {
            call: base(self.operation).with("InstanceIds", json!([instance])),
            says: format!("{} {instance}", self.about.name.trim_start_matches("ec2-")).into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        });
        let verb = if self.wanted == "stopped" { "start it again" } else { "stop it again" };
        design.undo = Undo::Calls { says: vec![verb.into()], class: ActionClass::Mutating };
        if self.wanted == "stopped" {
            design.notes.push("its public address changes, unless it is an elastic one".into());
        }
        Ok(design)
    }

    /// Returns what a call asks for.
    fn asked(&self, call: &Call) -> &'static str {
        let own = call.operation == self.operation;
        match (own, self.wanted) {
            (true, wanted) => wanted,
            (false, "stopped") => "running",
            (false, _) => "stopped",
        }
    }
}

async fn state(look: &dyn Look, like: &Call) -> Result<String, CallTrouble> {
    let ids = like.arguments.get("InstanceIds").cloned().unwrap_or_default();
    let call = Call::new("ec2:DescribeInstances", &like.environment, &like.place).with("InstanceIds", ids);
    let reply = look.look(&call).await?;
    let state = reply.body.pointer("/Instances/0/State/Name").and_then(Value::as_str);
    Ok(state.unwrap_or_default().to_owned())
}

fn instance_of(call: &Call) -> String {
    let first = call.arguments.get("InstanceIds").and_then(|ids| ids.get(0)).and_then(Value::as_str);
    first.unwrap_or_default().to_owned()
}

impl Action for Power {
    fn about(&self) -> &'static About {
        self.about
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(self.design(ask))
    }

    fn before<'a>(
        &'a self,
        _: &'a PlannedStep,
        calls: &'a [Call],
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        Box::pin(async move {
            let Some(call) = calls.first() else { return Ok(Value::Null) };
            Ok(json!({ "state": state(look, call).await? }))
        })
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
            let now = state(look, call).await?;
            let wanted = self.asked(call);
            let way = if wanted == self.wanted { self.on_the_way } else { other_way(self.on_the_way) };
            let evidence = format!("{} is {now}", instance_of(call)).into();
            Ok(if now == wanted || now == way {
                Found::Happened { reply: json!({ "State": now }), evidence }
            } else {
                Found::Nothing { evidence }
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
            let now = state(look, call).await?;
            let wanted = self.asked(call);
            let id = instance_of(call);
            if now == wanted {
                let mut outputs = Map::new();
                outputs.insert("instance".to_owned(), Value::String(id));
                outputs.insert("state".to_owned(), Value::String(now));
                return Ok(Progress::Done(outputs));
            }
            if matches!(now.as_str(), "terminated" | "shutting-down") {
                return Ok(Progress::Failed {
                    why: format!("{id} is {now}").into(),
                    hint: Some("launch it anew from an image".into()),
                });
            }
            if wanted == "running"
                && now == "stopped"
                && doing.now > crate::domain::duration::after(doing.since, Duration::from_secs(30))
            {
                // It was accepted, and fell back: the reason stands beside the state.
                return Ok(Progress::Failed {
                    why: format!("{id} did not stay up: it is stopped again").into(),
                    hint: Some("look at its state reason and its console output; often a volume or its key is missing".into()),
                });
            }
            Ok(Progress::Going { percent: None, says: format!("{id} is {now}").into() })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let hint = match trouble.code().unwrap_or_default() {
            "InsufficientInstanceCapacity" => Some("AWS has no such instance free in this zone now: wait and `retry`, or launch from an image in another zone".into()),
            "IncorrectInstanceState" => return Meaning::Look,
            "InvalidInstanceID.NotFound" => Some("the instance is gone: launch it anew from an image".into()),
            _ => None,
        };
        Meaning::Failed { hint }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was called"))?;
        if text(doing.before, "state") == self.wanted {
            return Ok(Vec::new());
        }
        let ids = call.arguments.get("InstanceIds").cloned().unwrap_or_default();
        Ok(vec![PlannedCall {
            call: Call::new(self.opposite, &call.environment, &call.place).with("InstanceIds", ids),
            says: format!(
                "{} {}",
                if self.wanted == "stopped" { "start" } else { "stop" },
                instance_of(call)
            )
            .into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        }])
    }
}

fn other_way(way: &str) -> &'static str {
    if way == "stopping" { "pending" } else { "stopping" }
}
