//! `dynamodb-backup`: a backup of a table, as it is now.

use super::dynamodb_table::{check_name, reads, table};
use super::ec2_made::outputs;
use super::facts::{run_tail, text};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::domain::estate::Selector;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Makes a backup of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableBackup;

const ABOUT: About = About {
    name: "dynamodb-backup",
    title: "make a backup of a table",
    says: "Makes an on-demand backup of a DynamoDB table. It holds everything up to a minute before, and nothing from a \
           minute after. DynamoDB takes neither a token nor tags for it, and a name as often as it is given: it is told \
           by its name, which follows from the run.",
    arguments: &[Argument {
        name: "component",
        kind: ArgumentKind::Component,
        required: true,
        says: "The table.",
    }],
    outputs: &[("backup", "The ARN of the backup."), ("name", "Its name.")],
    class: ActionClass::Additive,
    dedupe: Dedupe::Tag,
    operations: &[
        "dynamodb:DescribeTable",
        "dynamodb:ListBackups",
        "dynamodb:DescribeBackup",
        "dynamodb:CreateBackup",
        "dynamodb:DeleteBackup",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(600))),
};

/// The code with which DynamoDB says that there is no such backup.
pub(super) const NO_BACKUP: &str = "BackupNotFoundException";

/// Returns the name by which the service knows the table that a component is.
///
/// # Errors
/// When it is not found by an id.
pub(super) fn table_name(ask: &PlanAsk<'_>) -> Result<String, Refusal> {
    let component = ask.component("component")?;
    match &component.selector {
        Some(Selector::Id(id)) => Ok(id.to_string()),
        _ => Err(Refusal::new(format!(
            "`{}` is not found by an id, so nobody knows which table it is",
            component.id
        ))),
    }
}

/// Returns a backup; `None` where there is none of that ARN.
pub(super) async fn backup(look: &dyn Look, like: &Call, arn: &str) -> Result<Option<Value>, CallTrouble> {
    match look.look(&reads(like, "dynamodb:DescribeBackup", "BackupArn", arn)).await {
        Ok(reply) => Ok(reply.body.get("BackupDescription").cloned().filter(|found| {
            found.pointer("/BackupDetails/BackupStatus").and_then(Value::as_str) != Some("DELETED")
        })),
        Err(CallTrouble::Refused { code, .. }) if code.as_str() == NO_BACKUP => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

impl TableBackup {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let component = ask.component("component")?.id.clone();
        let name = table_name(&ask)?;
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let found = table(ask.look, &base(""), &name)
            .await
            .map_err(|trouble| Refusal::new(format!("the table {name} cannot be read: {trouble}")))?;
        let found =
            found.ok_or_else(|| Refusal::new(format!("there is no table {name} in {}", home.region)))?;
        let states = ["ACTIVE", "UPDATING"];
        if !states.contains(&text(&found, "TableStatus")) {
            return Err(Refusal::new(format!("the table {name} is {}", text(&found, "TableStatus"))));
        }
        let mut design = Design::new(Some(component));
        design.preconditions.push(Precondition {
            says: "the table is there".into(),
            look: reads(&base(""), "dynamodb:DescribeTable", "TableName", &name),
            at: "/Table/TableStatus".into(),
            expect: Expect::OneOf(states.iter().map(|state| Value::from(*state)).collect()),
        });
        let backup = format!(
            "lifeboat-{}-{}",
            ask.step.replace(|c: char| !c.is_ascii_alphanumeric(), "-"),
            run_tail(ask.run)
        );
        check_name(&backup)?;
        design.calls.push(PlannedCall {
            call: base("dynamodb:CreateBackup")
                .with("TableName", name.as_str())
                .with("BackupName", backup.as_str()),
            says: format!("make the backup {backup} of {name}").into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::Tag,
        });
        design.undo = Undo::Calls { says: vec!["delete the backup".into()], class: ActionClass::Destructive };
        design.notes.push("it is paid for by its size until somebody deletes it".into());
        Ok(design)
    }
}

fn arn_of(doing: &Doing<'_>) -> String {
    let made = doing.reply(0).pointer("/BackupDetails/BackupArn").and_then(Value::as_str);
    let named = doing.call().ok().and_then(|call| call.text("BackupArn"));
    named.or(made).unwrap_or_default().to_owned()
}

impl Action for TableBackup {
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
            if doing.direction == Direction::Undo {
                let arn = arn_of(&doing);
                return Ok(match backup(look, call, &arn).await? {
                    None => Found::Happened { reply: Value::Null, evidence: "the backup is gone".into() },
                    Some(_) => Found::Nothing { evidence: "the backup is still there".into() },
                });
            }
            let name = call.text("BackupName").unwrap_or_default();
            let list =
                reads(call, "dynamodb:ListBackups", "TableName", call.text("TableName").unwrap_or_default());
            let found = look.look(&list).await?.body;
            let all = found.get("BackupSummaries").and_then(Value::as_array);
            let mine: Vec<&Value> =
                all.into_iter().flatten().filter(|one| text(one, "BackupName") == name).collect();
            Ok(match mine.as_slice() {
                [] => Found::Nothing { evidence: format!("there is no backup {name}").into() },
                [one] => Found::Happened {
                    reply: json!({"BackupDetails": one}),
                    evidence: format!("there is a backup {name}").into(),
                },
                _ => Found::Unclear { evidence: format!("{} backups are called {name}", mine.len()).into() },
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
            let arn = arn_of(&doing);
            let found = backup(look, call, &arn).await?;
            let details = found.as_ref().and_then(|found| found.get("BackupDetails")).cloned();
            Ok(match (doing.direction, details) {
                (Direction::Undo, None) => Progress::Done(Map::new()),
                (Direction::Undo, Some(_)) => {
                    Progress::Going { percent: None, says: "the backup is still there".into() }
                }
                (Direction::Forward, None) => {
                    Progress::Going { percent: None, says: "the backup does not show yet".into() }
                }
                (Direction::Forward, Some(details)) => match text(&details, "BackupStatus") {
                    // The documentation says ACTIVE, the service AVAILABLE (D5).
                    "AVAILABLE" | "ACTIVE" => {
                        Progress::Done(outputs([("backup", &arn), ("name", text(&details, "BackupName"))]))
                    }
                    status => {
                        Progress::Going { percent: None, says: format!("the backup is {status}").into() }
                    }
                },
            })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let hint = match (doing.direction, trouble.code().unwrap_or_default()) {
            (Direction::Undo, NO_BACKUP) => return Meaning::Look,
            (_, "ContinuousBackupsUnavailableException") => {
                "backups of a table that was just made are not enabled yet: wait a minute, then `retry`"
            }
            (_, "BackupInUseException") => "another backup or restore is under way: wait, then `retry`",
            (_, "TableInUseException") => "the table is being changed: wait, then `retry`",
            (_, "TableNotFoundException") => "the table is gone",
            (_, "LimitExceededException") => "fifty operations on backups are under way: wait, then `retry`",
            _ => return Meaning::Failed { hint: None },
        };
        Meaning::Failed { hint: Some(hint.into()) }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let arn = doing.reply(0).pointer("/BackupDetails/BackupArn").and_then(Value::as_str);
        let (Some(arn), Some(call)) = (arn, doing.calls.first()) else {
            return Err(Refusal::new("no backup was made"));
        };
        Ok(vec![PlannedCall {
            call: Call::new("dynamodb:DeleteBackup", &call.environment, &call.place).with("BackupArn", arn),
            says: "delete the backup".into(),
            class: ActionClass::Destructive,
            dedupe: Dedupe::SetState,
        }])
    }
}
