//! `rds-delete`: deletes a database instance, after a last snapshot of it.

use super::facts::text;
use super::given::is_later;
use super::rds_facts::{
    NO_INSTANCE, REGION, check_name, describe_instance, instance, is_free, name_of_run, place, plain, still,
    subject,
};
use super::rds_family::INSTANCES;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Deletes a database instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delete;

const NO_UNDO: &str =
    "what is deleted is not brought back by a call: restore its last snapshot, which is a new instance";

const ABOUT: About = About {
    name: "rds-delete",
    title: "delete a database",
    says: "Deletes an RDS instance. A last snapshot is made first unless it is told otherwise, and the automated backups \
           are kept as long as they would have been (R10: by default RDS deletes them with it). Its protection is not \
           taken away here.",
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
            name: "final_snapshot",
            kind: ArgumentKind::Text,
            required: false,
            says: "The name of the last snapshot; that of the instance and the run if absent.",
        },
        Argument {
            name: "skip_final_snapshot",
            kind: ArgumentKind::Switch,
            required: false,
            says: "Whether no last snapshot is made; false if absent.",
        },
        Argument {
            name: "delete_backups",
            kind: ArgumentKind::Switch,
            required: false,
            says: "Whether the automated backups go with it; false if absent.",
        },
        REGION,
    ],
    outputs: &[("snapshot", "The name of the last snapshot, where one was made.")],
    class: ActionClass::Irreversible,
    dedupe: Dedupe::SetState,
    operations: &["rds:DescribeDBInstances", "rds:DescribeDBSnapshots", "rds:DeleteDBInstance"],
    no_undo: Some(NO_UNDO),
    usually: Some((Duration::from_secs(180), Duration::from_secs(3600))),
};

/// The states in which only a deletion without a snapshot is taken (R6).
const BROKEN: [&str; 4] = ["failed", "restore-error", "incompatible-restore", "incompatible-network"];

impl Delete {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, name) = subject(&ask, "instance")?;
        let skips = ask.given.switch("skip_final_snapshot")?.unwrap_or(false);
        let no_backups = ask.given.switch("delete_backups")?.unwrap_or(false);
        let said = ask.given.maybe_text("final_snapshot")?;
        if skips && said.is_some() {
            return Err(Refusal::new(
                "`final_snapshot` names a snapshot, and `skip_final_snapshot` says that there is none",
            ));
        }
        let there = place(&ask)?;
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &there);
        let mut design = Design::new(component);
        let mut keeps = true;
        if !is_later(&name) {
            let found = instance(ask.look, &base(""), &name).await?;
            let found = found.ok_or_else(|| Refusal::new(format!("there is no instance {name}")))?;
            let status = text(&found, "DBInstanceStatus");
            if found.get("DeletionProtection") == Some(&Value::Bool(true)) {
                return Err(Refusal::new(format!("{name} is protected against being deleted"))
                    .hint("if it is to be deleted, take that away first with `rds-protect`, which is a step of its own"));
            }
            if status == "deleting" {
                return Err(Refusal::new(format!("{name} is being deleted already")));
            }
            if !skips && BROKEN.contains(&status) {
                return Err(Refusal::new(format!("{name} is {status}: no snapshot of it can be made"))
                    .hint("say `skip_final_snapshot: true` if nothing in it is needed"));
            }
            keeps = found.get("BackupRetentionPeriod").and_then(Value::as_i64) != Some(0);
            let describe = describe_instance(&base(""), &name);
            let resource = found.get("DbiResourceId").cloned().unwrap_or_default();
            let same = format!("{name} is the same instance");
            design.preconditions.push(still(same, &describe, "/DBInstances/0/DbiResourceId", resource));
            design.preconditions.push(Precondition {
                says: format!("{name} may be deleted").into(),
                look: describe,
                at: "/DBInstances/0/DeletionProtection".into(),
                expect: Expect::OneOf(vec![Value::Bool(false), Value::Null]),
            });
        }
        let mut call = base("rds:DeleteDBInstance").with("DBInstanceIdentifier", name.as_str());
        let last = match said {
            _ if skips => None,
            Some(said) => Some(said.to_owned()),
            None => Some(name_of_run(&name, "-final", ask.run, 255)),
        };
        match &last {
            Some(last) => {
                check_name("snapshot", last, 255)?;
                if !is_later(last) {
                    let free = INSTANCES.describe_one(&base(""), last);
                    let at = "/DBSnapshots/0/DBSnapshotIdentifier";
                    design.preconditions.push(is_free(last, free, at, INSTANCES.none));
                }
                call = call.with("SkipFinalSnapshot", false).with("FinalDBSnapshotIdentifier", last.as_str());
            }
            None => call = call.with("SkipFinalSnapshot", true),
        }
        call = call.with("DeleteAutomatedBackups", no_backups);
        let nothing_left = skips && (no_backups || !keeps);
        let says = match &last {
            Some(last) => format!("delete {name}, after a last snapshot {last}"),
            None => format!("delete {name}, without a last snapshot"),
        };
        design.calls.push(PlannedCall {
            call,
            says: says.into(),
            class: if nothing_left { ActionClass::Irreversible } else { ActionClass::Destructive },
            dedupe: Dedupe::SetState,
        });
        design.undo = Undo::Impossible(NO_UNDO.into());
        design.notes.push(if no_backups {
            "its automated backups are deleted with it; manual snapshots stay".into()
        } else if keeps {
            "its automated backups stay as long as they would have been kept, and are paid for; `rds-restore-to-time` finds them by its resource id".into()
        } else {
            "it keeps no automated backups; manual snapshots stay".into()
        });
        if nothing_left {
            design.notes.push("nothing of it is left but manual snapshots that were made before".into());
        }
        if there != ask.environment.home() {
            design.control_plane = Some(there.region);
        }
        Ok(design)
    }
}

fn name_of(call: &Call) -> &str {
    call.text("DBInstanceIdentifier").unwrap_or_default()
}

impl Action for Delete {
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
            let found = instance(look, call, name_of(call)).await?.unwrap_or_default();
            // All of it: what has to be made anew is made after this.
            Ok(json!({ "resource": text(&found, "DbiResourceId"), "DBInstance": found }))
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
            let (name, wanted) = (name_of(call), text(doing.before, "resource"));
            Ok(match instance(look, call, name).await? {
                None => Found::Happened { reply: Value::Null, evidence: format!("{name} is gone").into() },
                Some(found) if text(&found, "DbiResourceId") != wanted => Found::Unclear {
                    evidence: format!("{name} is another instance than {wanted} now").into(),
                },
                Some(found) if text(&found, "DBInstanceStatus") == "deleting" => {
                    let evidence = format!("{name} is being deleted").into();
                    Found::Happened { reply: json!({ "DBInstance": found }), evidence }
                }
                Some(found) => {
                    let says = format!("{name} is {}", text(&found, "DBInstanceStatus"));
                    Found::Nothing { evidence: says.into() }
                }
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
            let (name, wanted) = (name_of(call), text(doing.before, "resource"));
            let going = |says: String| Ok(Progress::Going { percent: None, says: says.into() });
            if let Some(found) = instance(look, call, name).await?
                && text(&found, "DbiResourceId") == wanted
            {
                return going(format!("{name} is {}", text(&found, "DBInstanceStatus")));
            }
            let mut outputs = Map::new();
            if let Some(last) = call.text("FinalDBSnapshotIdentifier") {
                let found = INSTANCES.one(look, call, last).await?.unwrap_or_default();
                match text(&found, "Status") {
                    "available" => {}
                    status if status.starts_with("failed") => {
                        return Ok(Progress::Failed {
                            why: format!("{name} is gone, and its last snapshot {last} has failed").into(),
                            hint: Some("restore from its automated backups, while they are kept".into()),
                        });
                    }
                    status => return going(format!("the last snapshot {last} is {status}")),
                }
                outputs.insert("snapshot".to_owned(), Value::from(last));
            }
            Ok(Progress::Done(outputs))
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let code = trouble.code().unwrap_or_default();
        if code.starts_with(NO_INSTANCE) || code.starts_with("InvalidDBInstanceState") {
            return Meaning::Look;
        }
        let hint = if code.starts_with("DBSnapshotAlreadyExists") {
            Some("a snapshot has the name of the last one: name another with `final_snapshot`")
        } else {
            plain(code)
        };
        Meaning::Failed { hint: hint.map(Into::into) }
    }
}
