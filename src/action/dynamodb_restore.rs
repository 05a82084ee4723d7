//! `dynamodb-restore-from-backup` and `dynamodb-restore-to-time`: a new table with the data of an old one.

use super::dynamodb_backup::{NO_BACKUP, backup, table_name};
use super::dynamodb_table::{GONE, check_name, differing, from_kept, reads, settings, table, window};
use super::ec2_made::outputs;
use super::facts::{run_tail, text};
use super::given::is_later;
use super::{Action, Design, Deviation, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Restores a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableRestore {
    about: &'static About,
    to_time: bool,
}

const COMPONENT: Argument = Argument {
    name: "component",
    kind: ArgumentKind::Component,
    required: true,
    says: "The table that is restored.",
};
const TARGET: Argument = Argument {
    name: "target",
    kind: ArgumentKind::Text,
    required: false,
    says: "The name of the new table; that of the original and the run if absent.",
};
const INDEXES: Argument = Argument {
    name: "without-indexes",
    kind: ArgumentKind::Switch,
    required: false,
    says: "Whether secondary indexes are left out, which is faster; no if absent.",
};
const OUTPUTS: &[(&str, &str)] = &[
    ("table", "The name of the new table."),
    ("arn", "Its ARN."),
    ("holds-until", "Up to when it holds what was written."),
];

impl TableRestore {
    /// From a backup.
    pub(super) const FROM_BACKUP: Self = Self {
        about: &About {
            name: "dynamodb-restore-from-backup",
            title: "restore a table from a backup",
            says: "Makes a new DynamoDB table from a backup: never in place, the original is not touched. What a \
                   restore drops is listed in the end; `dynamodb-protect` sets it again.",
            arguments: &[
                COMPONENT,
                Argument {
                    name: "backup",
                    kind: ArgumentKind::Text,
                    required: true,
                    says: "The backup: its ARN, or its name.",
                },
                TARGET,
                INDEXES,
            ],
            outputs: OUTPUTS,
            class: ActionClass::Additive,
            dedupe: Dedupe::UniqueName,
            operations: &[
                "dynamodb:DescribeTable",
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:ListTagsOfResource",
                "dynamodb:ListBackups",
                "dynamodb:DescribeBackup",
                "dynamodb:RestoreTableFromBackup",
                "dynamodb:DeleteTable",
            ],
            no_undo: None,
            usually: Some((Duration::from_secs(300), Duration::from_secs(3600))),
        },
        to_time: false,
    };

    /// To a moment.
    pub(super) const TO_TIME: Self = Self {
        about: &About {
            name: "dynamodb-restore-to-time",
            title: "restore a table to a moment",
            says: "Makes a new DynamoDB table as the original was at a moment of its window: never in place, the original \
                   is not touched. What a restore drops is listed in the end; `dynamodb-protect` sets it again.",
            arguments: &[
                COMPONENT,
                Argument {
                    name: "time",
                    kind: ArgumentKind::Text,
                    required: false,
                    says: "The moment, such as 2026-11-21T03:12:00Z; the latest that there is if absent.",
                },
                TARGET,
                INDEXES,
            ],
            outputs: OUTPUTS,
            class: ActionClass::Additive,
            dedupe: Dedupe::UniqueName,
            operations: &[
                "dynamodb:DescribeTable",
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:ListTagsOfResource",
                "dynamodb:RestoreTableToPointInTime",
                "dynamodb:DeleteTable",
            ],
            no_undo: None,
            usually: Some((Duration::from_secs(600), Duration::from_secs(3600))),
        },
        to_time: true,
    };

    async fn design(&self, ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let component = ask.component("component")?.id.clone();
        let source = table_name(&ask)?;
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let target = match ask.given.maybe_text("target")? {
            Some(target) => target.to_owned(),
            None => format!("{source}-{}", run_tail(ask.run)),
        };
        check_name(&target)?;
        if table(ask.look, &base(""), &target).await?.is_some() {
            return Err(Refusal::new(format!("the name {target} is taken"))
                .hint("a restore makes a new table, never in place: choose another `target`"));
        }
        let mut design = Design::new(Some(component.clone()));
        let call = if self.to_time {
            self.at_time(&ask, &mut design, &source, base("dynamodb:RestoreTableToPointInTime")).await?
        } else {
            self.of_backup(&ask, &mut design, &source, base("dynamodb:RestoreTableFromBackup")).await?
        };
        let mut call = call.with("TargetTableName", target.as_str());
        if ask.given.switch("without-indexes")? == Some(true) {
            call = call
                .with("GlobalSecondaryIndexOverride", json!([]))
                .with("LocalSecondaryIndexOverride", json!([]));
            design.notes.push("without its secondary indexes: queries that need one fail, and local ones can never be added".into());
        }
        design.preconditions.push(Precondition {
            says: format!("the name {target} is free").into(),
            look: reads(&base(""), "dynamodb:DescribeTable", "TableName", &target),
            at: "/Table/TableName".into(),
            expect: Expect::Absent(vec![GONE.into()]),
        });
        design.calls.push(PlannedCall {
            says: format!("make {target} from {source}").into(),
            call,
            class: ActionClass::Additive,
            dedupe: Dedupe::UniqueName,
        });
        design.undo =
            Undo::Calls { says: vec![format!("delete {target}").into()], class: ActionClass::Destructive };
        let original = match settings(ask.look, &base(""), &source).await {
            Ok(Some(original)) => Some(original),
            Ok(None) | Err(_) => {
                design.notes.push(
                    "the original does not answer: it is compared with what was last read of it".into(),
                );
                (ask.settings)(&component).map(|kept| from_kept(&kept))
            }
        };
        design.facts.insert("original".to_owned(), original.unwrap_or_default());
        design.facts.insert("source".to_owned(), source.into());
        design.notes.push("not carried over: continuous backups, time to live, deletion protection, stream, tags, autoscaling, policies, alarms: `dynamodb-protect` sets the first five".into());
        design.notes.push(
            "with which capacity it comes back AWS says in two ways: it is read back and compared".into(),
        );
        design.notes.push("a second table is paid for from now on, and the restore by its size".into());
        Ok(design)
    }

    async fn at_time(
        &self,
        ask: &PlanAsk<'_>,
        design: &mut Design,
        source: &str,
        call: Call,
    ) -> Result<Call, Refusal> {
        let found = window(ask.look, &call, source).await.map_err(|trouble| {
            Refusal::new(format!("the window of {source} cannot be read: {trouble}")).hint(
                "a table that was deleted has none any more; where it had one, a backup named after it was left: restore from that",
            )
        })?;
        if text(&found, "PointInTimeRecoveryStatus") != "ENABLED" {
            return Err(Refusal::new(format!("the table {source} has no continuous backups")).hint(
                "`dynamodb-restore-from-backup` restores from a backup; `lifeboat points` lists them",
            ));
        }
        design.preconditions.push(Precondition {
            says: "its continuous backups are on".into(),
            look: reads(&call, "dynamodb:DescribeContinuousBackups", "TableName", source),
            at: "/ContinuousBackupsDescription/PointInTimeRecoveryDescription/PointInTimeRecoveryStatus"
                .into(),
            expect: Expect::Is("ENABLED".into()),
        });
        let call = call.with("SourceTableName", source);
        let Some(time) = ask.given.maybe_text("time")? else {
            return Ok(call.with("UseLatestRestorableTime", true));
        };
        if !is_later(time) {
            let at = time.parse::<Timestamp>().map_err(|_| {
                Refusal::new(format!("`{time}` is no moment")).hint("write it like 2026-11-21T03:12:00Z")
            })?;
            let edge = |name: &str| text(&found, name).parse::<Timestamp>().ok();
            let (from, to) = (edge("EarliestRestorableDateTime"), edge("LatestRestorableDateTime"));
            if from.is_none_or(|from| at < from) || to.is_none_or(|to| at > to) {
                let told = |edge: Option<Timestamp>| {
                    edge.map_or_else(|| "nobody knows".to_owned(), |at| format!("{at:.0}"))
                };
                return Err(Refusal::new(format!(
                    "{at} does not lie in the window of {source}: from {} to {}",
                    told(from),
                    told(to)
                ))
                .hint("name a moment of the window, or restore from a backup"));
            }
        }
        Ok(call.with("RestoreDateTime", time))
    }

    async fn of_backup(
        &self,
        ask: &PlanAsk<'_>,
        design: &mut Design,
        source: &str,
        call: Call,
    ) -> Result<Call, Refusal> {
        let said = ask.given.text("backup")?;
        if is_later(said) {
            return Ok(call.with("BackupArn", said));
        }
        let arn = if said.starts_with("arn:") {
            said.to_owned()
        } else {
            let list = reads(&call, "dynamodb:ListBackups", "TableName", source);
            let found = ask.look.look(&list).await?.body;
            let all = found.get("BackupSummaries").and_then(Value::as_array);
            let named: Vec<&str> = all
                .into_iter()
                .flatten()
                .filter(|one| text(one, "BackupName") == said)
                .map(|one| text(one, "BackupArn"))
                .collect();
            match named.as_slice() {
                [arn] => (*arn).to_owned(),
                [] => {
                    return Err(Refusal::new(format!("{source} has no backup {said}"))
                        .hint("`lifeboat points` lists those that there are"));
                }
                _ => {
                    return Err(Refusal::new(format!(
                        "{} backups of {source} are called {said}",
                        named.len()
                    ))
                    .hint("name the ARN of the one"));
                }
            }
        };
        let found = backup(ask.look, &call, &arn).await?;
        let found = found.ok_or_else(|| Refusal::new(format!("there is no backup {arn}")))?;
        let of = found.pointer("/SourceTableDetails/TableName").and_then(Value::as_str).unwrap_or_default();
        if of != source {
            return Err(Refusal::new(format!("the backup is of {of}, not of {source}")));
        }
        let status = found.pointer("/BackupDetails/BackupStatus").and_then(Value::as_str).unwrap_or_default();
        if status != "AVAILABLE" {
            return Err(Refusal::new(format!("the backup is {status}, and cannot be restored")));
        }
        design.preconditions.push(Precondition {
            says: "the backup is available".into(),
            look: reads(&call, "dynamodb:DescribeBackup", "BackupArn", &arn),
            at: "/BackupDescription/BackupDetails/BackupStatus".into(),
            expect: Expect::Is("AVAILABLE".into()),
        });
        Ok(call.with("BackupArn", arn))
    }
}

fn target_of(call: &Call) -> &str {
    call.text("TargetTableName").or_else(|| call.text("TableName")).unwrap_or_default()
}

/// Judges a table that has the name: it is ours when it comes from the same backup, or the same table and moment.
fn adopt(call: &Call, target: &str, found: &Value) -> Found {
    let from = |at: &str| found.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let ours = match call.text("BackupArn") {
        Some(arn) => from("/RestoreSummary/SourceBackupArn") == arn,
        None => {
            let source = call.text("SourceTableName").unwrap_or_default();
            let same = from("/RestoreSummary/SourceTableArn").rsplit('/').next() == Some(source);
            let moment = |text: &str| text.parse::<Timestamp>().ok();
            let wanted = call.text("RestoreDateTime");
            let at = moment(from("/RestoreSummary/RestoreDateTime"));
            same && wanted
                .is_none_or(|wanted| moment(wanted).map(Timestamp::as_second) == at.map(Timestamp::as_second))
        }
    };
    if ours {
        let evidence = format!("{target} is {}, and comes from there", text(found, "TableStatus"));
        return Found::Happened { reply: json!({"TableDescription": found}), evidence: evidence.into() };
    }
    Found::Unclear { evidence: format!("there is a table {target}, and it comes from elsewhere").into() }
}

impl Action for TableRestore {
    fn about(&self) -> &'static About {
        self.about
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(self.design(ask))
    }

    fn before<'a>(
        &'a self,
        step: &'a PlannedStep,
        calls: &'a [Call],
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        Box::pin(async move {
            let source = step.facts.get("source").and_then(Value::as_str);
            let seen = step.facts.get("original").cloned().unwrap_or_default();
            let (Some(call), Some(source)) = (calls.first(), source) else { return Ok(seen) };
            // Where the original does not answer any more, it is as the plan saw it.
            Ok(settings(look, call, source).await.ok().flatten().unwrap_or(seen))
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
            let found = table(look, call, target).await?;
            Ok(match (doing.direction, found) {
                (Direction::Undo, None) => {
                    Found::Happened { reply: Value::Null, evidence: format!("{target} is gone").into() }
                }
                (Direction::Undo, Some(found)) if text(&found, "TableStatus") == "DELETING" => {
                    Found::Happened {
                        reply: Value::Null,
                        evidence: format!("{target} is being deleted").into(),
                    }
                }
                (Direction::Undo, Some(_)) => {
                    Found::Nothing { evidence: format!("{target} is still there").into() }
                }
                (Direction::Forward, None) => {
                    Found::Nothing { evidence: format!("there is no table {target}").into() }
                }
                (Direction::Forward, Some(found)) => adopt(call, target, &found),
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
            let found = table(look, call, target).await?;
            if doing.direction == Direction::Undo {
                return Ok(match found {
                    None => Progress::Done(Map::new()),
                    Some(_) => {
                        Progress::Going { percent: None, says: format!("{target} is still there").into() }
                    }
                });
            }
            let Some(found) = found else {
                return Ok(Progress::Going {
                    percent: None,
                    says: format!("{target} does not show yet").into(),
                });
            };
            let restores = found.pointer("/RestoreSummary/RestoreInProgress") == Some(&Value::Bool(true));
            Ok(match text(&found, "TableStatus") {
                "ACTIVE" if !restores => {
                    let until = found.pointer("/RestoreSummary/RestoreDateTime").and_then(Value::as_str);
                    Progress::Done(outputs([
                        ("table", target),
                        ("arn", text(&found, "TableArn")),
                        ("holds-until", until.unwrap_or_default()),
                    ]))
                }
                status @ ("INACCESSIBLE_ENCRYPTION_CREDENTIALS" | "DELETING" | "ARCHIVED" | "ARCHIVING") => {
                    Progress::Failed {
                        why: format!("{target} is {status}").into(),
                        hint: Some("the key of the table must be enabled and granted; then undo the step and `retry` it".into()),
                    }
                }
                status => {
                    let says = format!("{target} is {status}, and being restored; that does not follow from its size");
                    Progress::Going { percent: None, says: says.into() }
                }
            })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let hint = match (doing.direction, trouble.code().unwrap_or_default()) {
            (Direction::Undo, GONE | "ResourceInUseException") => return Meaning::Look,
            (Direction::Undo, "ValidationException") => {
                "it is protected from deletion: undo the step that set that first"
            }
            // It may be ours, of an attempt whose answer was lost (C2).
            (_, "TableAlreadyExistsException" | "TableInUseException") => return Meaning::Look,
            (_, "InvalidRestoreTimeException") => {
                "the moment does not lie in the window any more: make a new plan"
            }
            (_, "PointInTimeRecoveryUnavailableException") => {
                "continuous backups are off: restore from a backup; `lifeboat points` lists them"
            }
            (_, NO_BACKUP) => "the backup is gone: choose another with `lifeboat points`",
            (_, "LimitExceededException") => {
                "fifty restores are under way in this account: wait, then `retry`"
            }
            (_, "TableNotFoundException") => {
                "the original is gone: restore from the backup that was left of it"
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
            let (Ok(call), false) = (doing.call(), doing.before.is_null()) else { return Ok(Vec::new()) };
            let found = settings(look, call, target_of(call)).await?;
            Ok(found.map_or_else(Vec::new, |found| differing(doing.before, &found)))
        })
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was made"))?;
        let target = target_of(call);
        Ok(vec![PlannedCall {
            call: Call::new("dynamodb:DeleteTable", &call.environment, &call.place).with("TableName", target),
            says: format!("delete {target}").into(),
            class: ActionClass::Destructive,
            dedupe: Dedupe::SetState,
        }])
    }
}
