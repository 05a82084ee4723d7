//! `rds-protect`: how long a database keeps automated backups, and whether it can be deleted.

use super::facts::text;
use super::given::is_later;
use super::rds_facts::{NO_INSTANCE, describe_instance, instance, plain, still, subject};
use super::rds_settings::{differing, failure};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, PlannedStep, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Protects a database instance, or takes its protection away.
#[derive(Debug, Clone, Copy)]
pub(super) struct Protect;

const ABOUT: About = About {
    name: "rds-protect",
    title: "protect a database",
    says: "Sets for how many days an RDS instance keeps automated backups, and whether it can be deleted. Nothing is set \
           that is not named; undone, both are as they were.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The database, as a component of the estate.",
        },
        Argument {
            name: "instance",
            kind: ArgumentKind::Text,
            required: false,
            says: "The name of the instance, where it is not the one that the component names.",
        },
        Argument {
            name: "retention_days",
            kind: ArgumentKind::Number,
            required: false,
            says: "For how many days automated backups are kept: 1 to 35.",
        },
        Argument {
            name: "deletion_protection",
            kind: ArgumentKind::Switch,
            required: false,
            says: "Whether it refuses to be deleted.",
        },
    ],
    outputs: &[("instance", "The name of the instance.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::SetState,
    operations: &["rds:DescribeDBInstances", "rds:ModifyDBInstance"],
    no_undo: None,
    usually: Some((Duration::from_secs(30), Duration::from_secs(600))),
};

/// What it sets: argument of the call, and where the instance has it.
const SETS: [&str; 2] = ["BackupRetentionPeriod", "DeletionProtection"];

impl Protect {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, name) = subject(&ask, "instance")?;
        let days = ask.given.number("retention_days")?;
        let protected = ask.given.switch("deletion_protection")?;
        if days.is_none() && protected.is_none() {
            return Err(Refusal::new("neither `retention_days` nor `deletion_protection` says what to set"));
        }
        if days.is_some_and(|days| !(1..=35).contains(&days)) {
            return Err(Refusal::new("`retention_days` is from 1 to 35")
                .hint("0 would delete all automated backups: this action does not do that"));
        }
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let mut design = Design::new(component);
        if !is_later(&name) {
            let found = instance(ask.look, &base(""), &name).await?;
            let found = found.ok_or_else(|| Refusal::new(format!("there is no instance {name}")))?;
            if !text(&found, "DBClusterIdentifier").is_empty() {
                return Err(Refusal::new(format!(
                    "{name} is a member of a cluster, which keeps the backups"
                )));
            }
            let status = text(&found, "DBInstanceStatus");
            if status != "available" {
                return Err(Refusal::new(format!("{name} is {status}, and cannot be changed"))
                    .hint("wait until it is available"));
            }
            let describe = describe_instance(&base(""), &name);
            let resource = found.get("DbiResourceId").cloned().unwrap_or_default();
            for (says, at, expect) in [
                (format!("{name} is available"), "/DBInstances/0/DBInstanceStatus", json!("available")),
                (format!("{name} is the same instance"), "/DBInstances/0/DbiResourceId", resource),
            ] {
                design.preconditions.push(still(says, &describe, at, expect));
            }
            let had = found.get("BackupRetentionPeriod").and_then(Value::as_i64);
            if let (Some(days), Some(had)) = (days, had) {
                if had == 0 {
                    design.notes.push("switching automated backups on interrupts an instance in a single zone, and begins with a snapshot; taking that back deletes them and interrupts it again".into());
                }
                if days < had {
                    design.notes.push(
                        format!(
                            "backups older than {days} days are deleted, and an undo does not bring them back"
                        )
                        .into(),
                    );
                }
            }
            if had.is_some() && days.is_some() {
                design.notes.push("backups beyond the size of the database are paid for".into());
            }
        }
        let words = [
            days.map(|days| format!("keep backups for {days} days")),
            protected.map(|on| if on { "refuse to be deleted" } else { "can be deleted" }.to_owned()),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        design.calls.push(PlannedCall {
            call: base("rds:ModifyDBInstance")
                .with("DBInstanceIdentifier", name.as_str())
                .maybe("BackupRetentionPeriod", days)
                .maybe("DeletionProtection", protected)
                .with("ApplyImmediately", true),
            says: format!("let {name} {}", words.join(", ")).into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        });
        design.undo = Undo::Calls {
            says: vec![format!("set both for {name} as they were").into()],
            class: ActionClass::Mutating,
        };
        Ok(design)
    }
}

fn name_of(call: &Call) -> &str {
    call.text("DBInstanceIdentifier").unwrap_or_default()
}

impl Action for Protect {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(Self::design(ask))
    }

    fn before<'a>(
        &'a self,
        _: &'a PlannedStep,
        calls: &'a [Call],
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        Box::pin(async move {
            let Some(call) = calls.first() else { return Ok(Value::Null) };
            let name = name_of(call);
            let found = instance(look, call, name).await?;
            let found = found.ok_or_else(|| Refusal::new(format!("there is no instance {name}")))?;
            let had = SETS.iter().filter_map(|set| Some(((*set).to_owned(), found.get(*set)?.clone())));
            Ok(Value::Object(had.collect()))
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
            let name = name_of(call);
            let Some(found) = instance(look, call, name).await? else {
                return Ok(Found::Unclear { evidence: format!("there is no instance {name}").into() });
            };
            let differs = differing(call, &found);
            Ok(if differs.is_empty() {
                let evidence = format!("{name} has these settings").into();
                Found::Happened { reply: json!({ "DBInstance": found }), evidence }
            } else {
                let evidence = format!("{name} does not have {} yet", differs.join(", "));
                Found::Nothing { evidence: evidence.into() }
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
            // Backups that are switched on begin with one.
            if differing(call, &found).is_empty() && matches!(status, "available" | "backing-up") {
                let mut outputs = Map::new();
                outputs.insert("instance".to_owned(), Value::from(name));
                return Ok(Progress::Done(outputs));
            }
            Ok(Progress::Going { percent: None, says: format!("{name} is {status}").into() })
        })
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let code = trouble.code().unwrap_or_default();
        let gone = code.starts_with(NO_INSTANCE).then_some("the instance is gone");
        Meaning::Failed { hint: gone.or_else(|| plain(code)).map(Into::into) }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was set"))?;
        let name = name_of(call);
        let mut back = Call::new("rds:ModifyDBInstance", &call.environment, &call.place)
            .with("DBInstanceIdentifier", name)
            .with("ApplyImmediately", true);
        for set in SETS.iter().filter(|set| call.arguments.contains_key(**set)) {
            let had = doing.before.get(*set).cloned();
            let had = had.ok_or_else(|| Refusal::new(format!("what {set} of {name} was is not known")))?;
            back = back.with(set, had);
        }
        Ok(vec![PlannedCall {
            call: back,
            says: format!("set for {name} what was set before").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        }])
    }
}
