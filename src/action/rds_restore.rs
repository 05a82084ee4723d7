//! `rds-restore-from-snapshot`: a new database instance from a snapshot, with everything carried over that a restore drops.

use super::facts::{is_tagged, tags, text};
use super::given::is_later;
use super::rds_settings::{COMPARED, MODIFIED, PASSED, TERMINAL, carry, differing, from_kept};
use super::{Action, Design, Deviation, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::domain::estate::Selector;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Restores a database instance from a snapshot.
#[derive(Debug, Clone, Copy)]
pub(super) struct RdsRestore;

const ABOUT: About = About {
    name: "rds-restore-from-snapshot",
    title: "restore a database from a snapshot",
    says: "Makes a new RDS instance from a snapshot: never in place, the original is not touched. Everything that a \
           restore drops is taken from the original as it is now, or as it was last read, and what still differs in the \
           end is listed.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: true,
            says: "The database that is restored.",
        },
        Argument {
            name: "snapshot",
            kind: ArgumentKind::Text,
            required: true,
            says: "The snapshot: its identifier, or its ARN where it is shared.",
        },
        Argument {
            name: "target",
            kind: ArgumentKind::Text,
            required: false,
            says: "The name of the new instance; that of the original and the run if absent.",
        },
        Argument {
            name: "class",
            kind: ArgumentKind::Text,
            required: false,
            says: "The instance class; that of the original if absent.",
        },
    ],
    outputs: &[
        ("instance", "The name of the new instance."),
        ("endpoint", "Its address."),
        ("port", "Its port."),
    ],
    class: ActionClass::Additive,
    dedupe: Dedupe::UniqueName,
    operations: &[
        "rds:DescribeDBInstances",
        "rds:DescribeDBSnapshots",
        "rds:RestoreDBInstanceFromDBSnapshot",
        "rds:ModifyDBInstance",
        "rds:DeleteDBInstance",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(300), Duration::from_secs(3600))),
};

const GONE: &str = "DBInstanceNotFound";

async fn instance(look: &dyn Look, like: &Call, name: &str) -> Result<Option<Value>, CallTrouble> {
    let call = Call::new("rds:DescribeDBInstances", &like.environment, &like.place)
        .with("DBInstanceIdentifier", name);
    match look.look(&call).await {
        Ok(reply) => Ok(reply.body.pointer("/DBInstances/0").cloned()),
        Err(CallTrouble::Refused { code, .. }) if code.as_str().starts_with(GONE) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

fn target_of(call: &Call) -> &str {
    call.text("DBInstanceIdentifier").unwrap_or_default()
}

impl RdsRestore {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let component = ask.component("component")?.clone();
        let Some(Selector::Id(source)) = &component.selector else {
            return Err(Refusal::new(format!(
                "`{}` is not found by an id, so nobody knows which instance it is",
                component.id
            )));
        };
        let snapshot = ask.given.text("snapshot")?;
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let target = match ask.given.maybe_text("target")? {
            Some(target) => target.to_owned(),
            None => format!("{source}-{}", super::facts::run_tail(ask.run)),
        };
        check_name(&target)?;
        let original = instance(ask.look, &base("rds:DescribeDBInstances"), source.as_str()).await?;
        let describe = base("rds:DescribeDBSnapshots").with("DBSnapshotIdentifier", snapshot);
        let mut notes: Vec<Text> = Vec::new();
        let mut preconditions = Vec::new();
        if !is_later(snapshot) {
            let found = ask.look.look(&describe).await.map_err(|trouble| {
                Refusal::new(format!("the snapshot {snapshot} cannot be read: {trouble}"))
            })?;
            let found = found.body.pointer("/DBSnapshots/0").cloned().unwrap_or_default();
            let status = text(&found, "Status").to_owned();
            if status != "available" {
                return Err(Refusal::new(format!(
                    "the snapshot {snapshot} is {status}, and cannot be restored"
                ))
                .hint("`lifeboat points` lists those that can"));
            }
            let of = text(&found, "DBInstanceIdentifier");
            if of != source.as_str() {
                return Err(Refusal::new(format!(
                    "the snapshot {snapshot} is of {of}, and `{}` is {source}",
                    component.id
                ))
                .hint("name the component that the snapshot is of"));
            }
            for (says, at) in [
                ("the snapshot is available", "/DBSnapshots/0/Status"),
                ("it is the same snapshot", "/DBSnapshots/0/SnapshotCreateTime"),
            ] {
                let expect =
                    found.pointer(at.trim_start_matches("/DBSnapshots/0")).cloned().unwrap_or_default();
                preconditions.push(Precondition {
                    says: says.into(),
                    look: describe.clone(),
                    at: at.into(),
                    expect: Expect::Is(expect),
                });
            }
        }
        preconditions.push(Precondition {
            says: format!("the name {target} is free").into(),
            look: base("rds:DescribeDBInstances").with("DBInstanceIdentifier", target.as_str()),
            at: "/DBInstances/0/DBInstanceIdentifier".into(),
            expect: Expect::Absent(vec![GONE.into(), "DBInstanceNotFoundFault".into()]),
        });
        if let Some(taken) = instance(ask.look, &base("rds:DescribeDBInstances"), &target).await? {
            return Err(Refusal::new(format!(
                "the name {target} is taken, by an instance that is {}",
                text(&taken, "DBInstanceStatus")
            ))
            .hint("choose another `target`, or rename what is there first"));
        }
        let mut restore = base("rds:RestoreDBInstanceFromDBSnapshot")
            .with("DBInstanceIdentifier", target.as_str())
            .with("DBSnapshotIdentifier", snapshot);
        let mut modify = base("rds:ModifyDBInstance")
            .with("DBInstanceIdentifier", target.as_str())
            .with("ApplyImmediately", true);
        let mut to_modify = 0;
        let original = match original {
            Some(original) => Some(original),
            None => (ask.settings)(&component.id).map(|kept| {
                notes.push("the original does not answer: its settings are those that were last read".into());
                from_kept(&kept)
            }),
        };
        match &original {
            Some(original) => {
                carry(&mut restore, original, &PASSED);
                let groups = original.get("VpcSecurityGroups").and_then(Value::as_array);
                let groups: Vec<Value> = groups.map_or([].as_slice(), Vec::as_slice).iter().filter_map(|g| g.get("VpcSecurityGroupId").cloned()).collect();
                if !groups.is_empty() {
                    restore = restore.with("VpcSecurityGroupIds", groups);
                }
                let logs = original.get("EnabledCloudwatchLogsExports").filter(|logs| logs.as_array().is_some_and(|l| !l.is_empty()));
                restore = restore.maybe("EnableCloudwatchLogsExports", logs.cloned());
                restore = restore.maybe("DBInstanceClass", original.get("DBInstanceClass").cloned());
                to_modify = carry(&mut modify, original, &MODIFIED);
            }
            None => notes.push(
                "the original does not answer and its settings were never read: what a restore drops gets the defaults of its engine".into(),
            ),
        }
        let class = ask.given.maybe_text("class")?;
        let restore = restore.maybe("DBInstanceClass", class).with("Tags", tags(ask.run, ask.step));
        let mut calls = vec![PlannedCall {
            call: restore,
            says: format!("make {target} from {snapshot}").into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::UniqueName,
        }];
        if to_modify > 0 {
            calls.push(PlannedCall {
                call: modify,
                says: "set what a restore does not take".into(),
                class: ActionClass::Additive,
                dedupe: Dedupe::SetState,
            });
        }
        notes.push(
            "a second instance is paid for from now on, and counts against the instance and storage quotas"
                .into(),
        );
        notes.push("`available` is not yet fast: blocks come from S3 when they are first read".into());
        notes.push("not carried over by any call: read replicas, event subscriptions, alarms by identifier, proxy targets, IAM policies by resource id".into());
        let undo = Undo::Calls {
            says: vec![format!("delete {target}, without a final snapshot").into()],
            class: ActionClass::Destructive,
        };
        let mut facts = Map::new();
        facts.insert("source".to_owned(), Value::String(source.to_string()));
        facts.insert("original".to_owned(), original.unwrap_or_default());
        Ok(Design { calls, preconditions, undo, notes, facts, ..Design::new(Some(component.id)) })
    }
}

/// Says whether RDS takes a name: letters, digits and single dashes, a letter first, at most 63.
fn check_name(name: &str) -> Result<(), Refusal> {
    let fits = is_later(name)
        || name.len() <= 63
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !name.ends_with('-')
            && !name.contains("--");
    if fits {
        return Ok(());
    }
    Err(Refusal::new(format!("`{name}` cannot be the name of a database"))
        .hint("letters, digits and single dashes, a letter first, at most 63"))
}

impl Action for RdsRestore {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(Self::design(ask))
    }

    fn before<'a>(
        &'a self,
        step: &'a PlannedStep,
        calls: &'a [Call],
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        Box::pin(async move {
            let source = step.facts.get("source").and_then(Value::as_str);
            let (Some(call), Some(source)) = (calls.first(), source) else { return Ok(Value::Null) };
            // Where the original does not answer any more, it is as the plan saw it.
            let seen = step.facts.get("original").cloned().unwrap_or_default();
            Ok(instance(look, call, source).await.ok().flatten().unwrap_or(seen))
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
            let target = target_of(call);
            let found = instance(look, call, target).await?;
            Ok(match (doing.direction, call.name(), found) {
                // Before an instance is deleted, its protection may have to be taken away.
                (_, "ModifyDBInstance", Some(found)) => {
                    let differs = differing(call, &found);
                    if differs.is_empty() {
                        Found::Happened {
                            reply: json!({ "DBInstance": found }),
                            evidence: format!("{target} has these settings").into(),
                        }
                    } else {
                        Found::Nothing {
                            evidence: format!("{target} does not have {} yet", differs.join(", ")).into(),
                        }
                    }
                }
                (Direction::Undo, _, None) => {
                    Found::Happened { reply: Value::Null, evidence: format!("{target} is gone").into() }
                }
                (Direction::Undo, _, Some(found)) if text(&found, "DBInstanceStatus") == "deleting" => {
                    Found::Happened {
                        reply: json!({ "DBInstance": found }),
                        evidence: format!("{target} is being deleted").into(),
                    }
                }
                (Direction::Undo, _, Some(_)) => {
                    Found::Nothing { evidence: format!("{target} is still there").into() }
                }
                (_, _, None) => Found::Nothing { evidence: format!("there is no instance {target}").into() },
                (_, _, Some(found)) => adopt(&doing, call, target, &found),
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
            let target = target_of(call);
            let found = instance(look, call, target).await?;
            if doing.direction == Direction::Undo {
                let unprotects = call.name() == "ModifyDBInstance";
                return Ok(match found {
                    None => Progress::Done(Map::new()),
                    Some(found) if unprotects && differing(call, &found).is_empty() => {
                        Progress::Done(Map::new())
                    }
                    Some(found) => Progress::Going {
                        percent: None,
                        says: format!("{target} is {}", text(&found, "DBInstanceStatus")).into(),
                    },
                });
            }
            let Some(found) = found else {
                return Ok(Progress::Going {
                    percent: None,
                    says: format!("{target} does not show yet").into(),
                });
            };
            let status = text(&found, "DBInstanceStatus");
            if let Some((name, hint)) = TERMINAL.iter().find(|(name, _)| status.starts_with(name)) {
                return Ok(Progress::Failed {
                    why: format!("{target} is {name}").into(),
                    hint: Some((*hint).into()),
                });
            }
            if status != "available" {
                return Ok(Progress::Going { percent: None, says: format!("{target} is {status}").into() });
            }
            let pending =
                found.get("PendingModifiedValues").and_then(Value::as_object).is_some_and(|p| !p.is_empty());
            if call.name() == "ModifyDBInstance" && (pending || !differing(call, &found).is_empty()) {
                return Ok(Progress::Going {
                    percent: None,
                    says: format!("{target} takes its settings").into(),
                });
            }
            let mut outputs = Map::new();
            outputs.insert("instance".to_owned(), Value::String(target.to_owned()));
            for (name, at) in [("endpoint", "/Endpoint/Address"), ("port", "/Endpoint/Port")] {
                if let Some(value) = found.pointer(at) {
                    outputs.insert(name.to_owned(), value.clone());
                }
            }
            Ok(Progress::Done(outputs))
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let hint = match (doing.direction, trouble.code().unwrap_or_default()) {
            (Direction::Undo, code) if code.starts_with(GONE) => return Meaning::Look,
            (Direction::Undo, code) if code.starts_with("InvalidDBInstanceState") => return Meaning::Look,
            // It may be ours, of an attempt whose answer was lost (C2).
            (_, code) if code.starts_with("DBInstanceAlreadyExists") => return Meaning::Look,
            (_, code) if code.starts_with("InsufficientDBInstanceCapacity") => {
                "AWS has no such instance free now: choose another `class`, or wait and `retry`"
            }
            (_, code) if code.starts_with("InstanceQuotaExceeded") => {
                "the account may not have more instances: delete one, or ask AWS for a higher quota"
            }
            (_, code) if code.starts_with("StorageQuotaExceeded") => {
                "the account may not have more storage: ask AWS for a higher quota"
            }
            (_, code) if code.starts_with("DBSnapshotNotFound") => {
                "the snapshot is gone: choose another with `lifeboat points`"
            }
            (_, code) if code.starts_with("KMSKeyNotAccessible") => {
                "the key of the snapshot cannot be used here: enable it, grant it, or copy the snapshot with another key"
            }
            (_, code) if code.starts_with("DBParameterGroupNotFound") => {
                "the parameter group is not there (another Region?): create it, or restore without it and set it later"
            }
            (_, code) if code.starts_with("OptionGroupNotFound") => {
                "the option group is not there (another Region?): create it first"
            }
            (_, code) if code.starts_with("DBSubnetGroupDoesNotCoverEnoughAZs") => {
                "the subnet group needs subnets in at least two zones"
            }
            _ => return Meaning::Failed { hint: None },
        };
        Meaning::Failed { hint: Some(hint.into()) }
    }

    fn compare<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Vec<Deviation>, CallTrouble>> {
        Box::pin(async move {
            let Some(call) = doing.calls.first().filter(|_| !doing.before.is_null()) else {
                return Ok(Vec::new());
            };
            let Some(found) = instance(look, call, target_of(call)).await? else { return Ok(Vec::new()) };
            let mut deviations = Vec::new();
            let settings = PASSED.iter().chain(&MODIFIED).chain(&COMPARED);
            let lists = [
                ("VpcSecurityGroups", "/VpcSecurityGroups"),
                ("EnabledCloudwatchLogsExports", "/EnabledCloudwatchLogsExports"),
            ];
            for (setting, at) in settings.chain(&lists) {
                let at_of = |value: &Value| value.pointer(at).cloned().unwrap_or_default();
                let (was, is) = (at_of(doing.before), at_of(&found));
                if was != is {
                    deviations.push(Deviation { setting: (*setting).into(), was, is });
                }
            }
            Ok(deviations)
        })
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was made"))?;
        let target = target_of(call);
        let base = |operation: &str| {
            Call::new(operation, &call.environment, &call.place).with("DBInstanceIdentifier", target)
        };
        let mut calls = Vec::new();
        if call.arguments.get("DeletionProtection") == Some(&Value::Bool(true)) {
            calls.push(PlannedCall {
                call: base("rds:ModifyDBInstance")
                    .with("DeletionProtection", false)
                    .with("ApplyImmediately", true),
                says: format!("let {target} be deleted").into(),
                class: ActionClass::Mutating,
                dedupe: Dedupe::SetState,
            });
        }
        calls.push(PlannedCall {
            call: base("rds:DeleteDBInstance")
                .with("SkipFinalSnapshot", true)
                .with("DeleteAutomatedBackups", true),
            says: format!("delete {target}, without a final snapshot").into(),
            class: ActionClass::Destructive,
            dedupe: Dedupe::SetState,
        });
        Ok(calls)
    }
}

/// Judges an instance that has the name: it is ours when it carries our tags and comes from the same snapshot (C2).
fn adopt(doing: &Doing<'_>, call: &Call, target: &str, found: &Value) -> Found {
    if !is_tagged(found, "TagList", doing.run, doing.step.id.as_str()) {
        let evidence = format!("there is an instance {target}, and it does not carry the tags of this run");
        return Found::Unclear { evidence: evidence.into() };
    }
    let wanted = call.text("DBInstanceClass");
    if wanted.is_some_and(|class| class != text(found, "DBInstanceClass")) {
        return Found::Unclear {
            evidence: format!("{target} carries the tags of this run, and is of another class").into(),
        };
    }
    let evidence =
        format!("{target} is {}, and carries the tags of this run", text(found, "DBInstanceStatus"));
    Found::Happened { reply: json!({ "DBInstance": found }), evidence: evidence.into() }
}
