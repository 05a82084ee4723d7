//! `rds-restore-from-snapshot` and `rds-restore-to-time`: a new database instance, with everything carried over that a
//! restore drops.

use super::facts::{is_tagged, text};
use super::rds_facts::{NO_INSTANCE, REGION, instance, plain};
use super::rds_restore_plan::{Source, design};
use super::rds_settings::{COMPARED, MODIFIED, PASSED, differing, failure};
use super::{Action, Design, Deviation, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::domain::place::Place;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, PlannedStep};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Restores a database instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Restore {
    about: &'static About,
    source: Source,
}

impl Restore {
    /// From a snapshot.
    pub(super) const FROM_SNAPSHOT: Self = Self { about: &FROM_SNAPSHOT, source: Source::Snapshot };
    /// From the automated backups, as of a moment.
    pub(super) const TO_TIME: Self = Self { about: &TO_TIME, source: Source::Time };
    /// As a read replica of the original.
    pub(super) const REPLICA: Self = Self { about: &REPLICA, source: Source::Replica };
}

const COMPONENT: Argument = Argument {
    name: "component",
    kind: ArgumentKind::Component,
    required: true,
    says: "The database that is restored.",
};
const TARGET: Argument = Argument {
    name: "target",
    kind: ArgumentKind::Text,
    required: false,
    says: "The name of the new instance; that of the original and the run if absent.",
};
const CLASS: Argument = Argument {
    name: "class",
    kind: ArgumentKind::Text,
    required: false,
    says: "The instance class; that of the original if absent.",
};
const PARAMETER_GROUP: Argument = Argument {
    name: "parameter_group",
    kind: ArgumentKind::Text,
    required: false,
    says: "The parameter group; that of the original if absent.",
};
const SUBNET_GROUP: Argument = Argument {
    name: "subnet_group",
    kind: ArgumentKind::Text,
    required: false,
    says: "The subnet group; that of the original if absent.",
};
const OPTION_GROUP: Argument = Argument {
    name: "option_group",
    kind: ArgumentKind::Text,
    required: false,
    says: "The option group; that of the original if absent.",
};
const SECURITY_GROUPS: Argument = Argument {
    name: "security_groups",
    kind: ArgumentKind::Text,
    required: false,
    says: "The security groups, with commas between them; those of the original if absent. They must be said in another \
           Region; `default` takes that of the VPC.",
};

const OUTPUTS: &[(&str, &str)] =
    &[("instance", "The name of the new instance."), ("endpoint", "Its address."), ("port", "Its port.")];

const FROM_SNAPSHOT: About = About {
    name: "rds-restore-from-snapshot",
    title: "restore a database from a snapshot",
    says: "Makes a new RDS instance from a snapshot: never in place, the original is not touched. Everything that a \
           restore drops is taken from the original as it is now, or as it was last read, and what still differs in the \
           end is listed. In the DR Region it takes a copy that lies there.",
    arguments: &[
        COMPONENT,
        Argument {
            name: "snapshot",
            kind: ArgumentKind::Text,
            required: true,
            says: "The snapshot: its identifier, or its ARN where it is shared.",
        },
        TARGET,
        CLASS,
        REGION,
        PARAMETER_GROUP,
        SUBNET_GROUP,
        OPTION_GROUP,
        SECURITY_GROUPS,
    ],
    outputs: OUTPUTS,
    class: ActionClass::Additive,
    dedupe: Dedupe::UniqueName,
    operations: &[
        "rds:DescribeDBInstances",
        "rds:DescribeDBSnapshots",
        "rds:DescribeDBParameterGroups",
        "rds:DescribeDBSubnetGroups",
        "rds:DescribeOptionGroups",
        "rds:RestoreDBInstanceFromDBSnapshot",
        "rds:ModifyDBInstance",
        "rds:DeleteDBInstance",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(300), Duration::from_secs(3600))),
};

const TO_TIME: About = About {
    name: "rds-restore-to-time",
    title: "restore a database as it was at a moment",
    says: "Makes a new RDS instance from the automated backups of another, as it was at a moment or as late as can be. The \
           backups of a deleted instance count where they were kept, and in the DR Region those that are replicated there \
          . The original is not touched.",
    arguments: &[
        COMPONENT,
        Argument {
            name: "time",
            kind: ArgumentKind::Text,
            required: true,
            says: "The moment, in UTC, or `latest`.",
        },
        TARGET,
        CLASS,
        REGION,
        Argument {
            name: "resource",
            kind: ArgumentKind::Text,
            required: false,
            says: "The resource id of the instance, where several had the same name.",
        },
        PARAMETER_GROUP,
        SUBNET_GROUP,
        OPTION_GROUP,
        SECURITY_GROUPS,
    ],
    outputs: OUTPUTS,
    class: ActionClass::Additive,
    dedupe: Dedupe::UniqueName,
    operations: &[
        "rds:DescribeDBInstances",
        "rds:DescribeDBInstanceAutomatedBackups",
        "rds:DescribeDBParameterGroups",
        "rds:DescribeDBSubnetGroups",
        "rds:DescribeOptionGroups",
        "rds:RestoreDBInstanceToPointInTime",
        "rds:ModifyDBInstance",
        "rds:DeleteDBInstance",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(900), Duration::from_secs(5400))),
};

const REPLICA: About = About {
    name: "rds-replica-create",
    title: "make a read replica of a database",
    says: "Makes a read replica of an RDS instance, beside it or in the DR Region, with the settings of the original. It \
           follows the original until it is promoted.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: true,
            says: "The database that it follows.",
        },
        TARGET,
        CLASS,
        REGION,
        Argument {
            name: "kms_key",
            kind: ArgumentKind::Text,
            required: false,
            says: "The key of the replica, in its Region; must be said where an encrypted database gets one elsewhere.",
        },
        PARAMETER_GROUP,
        SUBNET_GROUP,
        OPTION_GROUP,
        SECURITY_GROUPS,
    ],
    outputs: OUTPUTS,
    class: ActionClass::Additive,
    dedupe: Dedupe::UniqueName,
    operations: &[
        "rds:DescribeDBInstances",
        "rds:DescribeDBParameterGroups",
        "rds:DescribeDBSubnetGroups",
        "rds:DescribeOptionGroups",
        "rds:CreateDBInstanceReadReplica",
        "rds:ModifyDBInstance",
        "rds:DeleteDBInstance",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(900), Duration::from_secs(3 * 3600))),
};

fn target_of(call: &Call) -> &str {
    call.text("TargetDBInstanceIdentifier").or(call.text("DBInstanceIdentifier")).unwrap_or_default()
}

impl Action for Restore {
    fn about(&self) -> &'static About {
        self.about
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(design(self.source, ask))
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
            let mut at_home = call.clone();
            if let Some(region) = step.facts.get("source_region").and_then(Value::as_str) {
                at_home.place = Place { region: region.into(), ..at_home.place };
            }
            Ok(instance(look, &at_home, source).await.ok().flatten().unwrap_or(seen))
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
            if let Some(failed) = failure(target, status) {
                return Ok(failed);
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
        let code = trouble.code().unwrap_or_default();
        let gone = code.starts_with(NO_INSTANCE) || code.starts_with("InvalidDBInstanceState");
        // What is there under the name may be ours, of an attempt whose answer was lost (C2).
        if doing.direction == Direction::Undo && gone || code.starts_with("DBInstanceAlreadyExists") {
            return Meaning::Look;
        }
        Meaning::Failed { hint: plain(code).map(Into::into) }
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
            let is_whole = doing.before.pointer("/DBInstanceStatus").is_some();
            let mut deviations = Vec::new();
            let settings = PASSED.iter().chain(&MODIFIED).chain(&COMPARED);
            let lists = [
                ("VpcSecurityGroups", "/VpcSecurityGroups"),
                ("EnabledCloudwatchLogsExports", "/EnabledCloudwatchLogsExports"),
            ];
            for (setting, at) in settings.chain(&lists) {
                let at_of = |value: &Value| value.pointer(at).cloned().unwrap_or_default();
                let (was, is) = (at_of(doing.before), at_of(&found));
                // Of an original that does not answer only some settings were read: nobody knows the others.
                let is_known = is_whole || doing.before.pointer(at).is_some();
                if is_known && was != is {
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
