//! `rds-replica-promote`: a read replica becomes an instance of its own, for good (A4).

use super::facts::text;
use super::given::is_later;
use super::rds_facts::{REGION, describe_instance, instance, place, plain, still, subject};
use super::rds_settings::{differing, failure};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Promotes a read replica.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promote;

const NO_UNDO: &str = "a promoted replica never follows its source again: make a new replica instead";

const ABOUT: About = About {
    name: "rds-replica-promote",
    title: "promote a read replica",
    says: "Makes a read replica an instance of its own, which takes writes. It never follows its source again, and what had \
           not reached it is not in it. Automated backups are switched on before, so that it is protected from its first \
           moment; while it is backed up it cannot be promoted.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The replica, as a component of the estate.",
        },
        Argument {
            name: "instance",
            kind: ArgumentKind::Text,
            required: false,
            says: "The name of the replica, where it is not the one that the component names.",
        },
        Argument {
            name: "retention_days",
            kind: ArgumentKind::Number,
            required: false,
            says: "For how many days automated backups are kept, 1 to 35; needed where it keeps none yet.",
        },
        REGION,
    ],
    outputs: &[
        ("instance", "The name of the instance."),
        ("endpoint", "Its address."),
        ("port", "Its port."),
    ],
    class: ActionClass::Irreversible,
    dedupe: Dedupe::SetState,
    operations: &["rds:DescribeDBInstances", "rds:ModifyDBInstance", "rds:PromoteReadReplica"],
    no_undo: Some(NO_UNDO),
    usually: Some((Duration::from_secs(300), Duration::from_secs(2400))),
};

/// The member that names what a replica follows.
const FOLLOWS: &str = "ReadReplicaSourceDBInstanceIdentifier";

impl Promote {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, name) = subject(&ask, "instance")?;
        let there = place(&ask)?;
        let days = ask.given.number("retention_days")?;
        if days.is_some_and(|days| !(1..=35).contains(&days)) {
            return Err(Refusal::new("`retention_days` is from 1 to 35"));
        }
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &there);
        let mut design = Design::new(component);
        let describe = describe_instance(&base(""), &name);
        let mut kept = None;
        if is_later(&name) {
            if days.is_none() {
                return Err(Refusal::new(
                    "for how many days backups are kept must be said with `retention_days`",
                ));
            }
        } else {
            let found = instance(ask.look, &base(""), &name).await?;
            let found = found
                .ok_or_else(|| Refusal::new(format!("there is no instance {name} in {}", there.region)))?;
            let follows = text(&found, FOLLOWS);
            if follows.is_empty() {
                return Err(Refusal::new(format!("{name} is no read replica")));
            }
            let status = text(&found, "DBInstanceStatus");
            if status != "available" {
                return Err(Refusal::new(format!("{name} is {status}, and cannot be promoted"))
                    .hint("wait until it is available; a backup that is under way ends by itself"));
            }
            kept = found.get("BackupRetentionPeriod").and_then(Value::as_i64).filter(|days| *days > 0);
            if kept.is_none() && days.is_none() {
                return Err(Refusal::new(format!("{name} keeps no automated backups yet"))
                    .hint("say for how many days it is to keep them with `retention_days`"));
            }
            let resource = found.get("DbiResourceId").cloned().unwrap_or_default();
            for (says, at, expect) in [
                (format!("{name} is the same instance"), "/DBInstances/0/DbiResourceId", resource),
                (
                    format!("it still follows {follows}"),
                    "/DBInstances/0/ReadReplicaSourceDBInstanceIdentifier",
                    json!(follows),
                ),
            ] {
                design.preconditions.push(still(says, &describe, at, expect));
            }
            design.notes.push(format!("whatever {follows} was told and {name} was not is lost to it: stop writes there first where that is possible, and look at the lag").into());
        }
        let says = format!("{name} is available, and not being backed up");
        design.preconditions.push(still(
            says,
            &describe,
            "/DBInstances/0/DBInstanceStatus",
            "available".into(),
        ));
        let days = days.or(kept);
        if kept.is_none() {
            design.calls.push(PlannedCall {
                call: base("rds:ModifyDBInstance")
                    .with("DBInstanceIdentifier", name.as_str())
                    .maybe("BackupRetentionPeriod", days)
                    .with("ApplyImmediately", true),
                says: format!("let {name} keep backups first").into(),
                class: ActionClass::Mutating,
                dedupe: Dedupe::SetState,
            });
        }
        design.calls.push(PlannedCall {
            call: base("rds:PromoteReadReplica")
                .with("DBInstanceIdentifier", name.as_str())
                .maybe("BackupRetentionPeriod", days),
            says: format!("make {name} an instance of its own").into(),
            class: ActionClass::Irreversible,
            dedupe: Dedupe::SetState,
        });
        design.undo = Undo::Impossible(NO_UNDO.into());
        design
            .notes
            .push("it reboots; its address stays the same, and whatever writes has to be told of it".into());
        if there != ask.environment.home() {
            design.control_plane = Some(there.region);
        }
        Ok(design)
    }
}

fn name_of(call: &Call) -> &str {
    call.text("DBInstanceIdentifier").unwrap_or_default()
}

impl Action for Promote {
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
            let name = name_of(call);
            let Some(found) = instance(look, call, name).await? else {
                return Ok(Found::Unclear { evidence: format!("there is no instance {name}").into() });
            };
            let status = text(&found, "DBInstanceStatus").to_owned();
            let (happened, says) = if call.name() == "ModifyDBInstance" {
                let differs = differing(call, &found);
                (differs.is_empty(), format!("{name} differs in {} setting(s)", differs.len()))
            } else if text(&found, FOLLOWS).is_empty() {
                (true, format!("{name} follows nothing any more"))
            } else {
                // Nothing else lets a replica of ours reboot at this point.
                let under_way = matches!(status.as_str(), "modifying" | "rebooting" | "promoting");
                (under_way, format!("{name} is {status}, and follows {}", text(&found, FOLLOWS)))
            };
            Ok(if happened {
                Found::Happened { reply: json!({ "DBInstance": found }), evidence: says.into() }
            } else {
                Found::Nothing { evidence: says.into() }
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
            let name = name_of(call);
            let Some(found) = instance(look, call, name).await? else {
                return Ok(Progress::Failed { why: format!("{name} is gone").into(), hint: None });
            };
            let status = text(&found, "DBInstanceStatus");
            if let Some(failed) = failure(name, status) {
                return Ok(failed);
            }
            let set = differing(call, &found).is_empty();
            // Backups that were switched on begin with one, and while that lasts nothing can be promoted (A4).
            let there = status == "available"
                && if call.name() == "ModifyDBInstance" { set } else { text(&found, FOLLOWS).is_empty() };
            if !there {
                return Ok(Progress::Going { percent: None, says: format!("{name} is {status}").into() });
            }
            let mut outputs = Map::new();
            outputs.insert("instance".to_owned(), Value::from(name));
            for (output, at) in [("endpoint", "/Endpoint/Address"), ("port", "/Endpoint/Port")] {
                if let Some(value) = found.pointer(at) {
                    outputs.insert(output.to_owned(), value.clone());
                }
            }
            Ok(Progress::Done(outputs))
        })
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let code = trouble.code().unwrap_or_default();
        let promotes = doing.call().is_ok_and(|call| call.name() == "PromoteReadReplica");
        // Whether it is busy or no replica any more has the same code.
        if promotes && code.starts_with("InvalidDBInstanceState") {
            return Meaning::Look;
        }
        Meaning::Failed { hint: plain(code).map(Into::into) }
    }
}
