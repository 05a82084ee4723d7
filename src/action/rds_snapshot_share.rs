//! `rds-snapshot-share`: lets other accounts restore a snapshot.

use super::facts::text;
use super::given::is_later;
use super::rds_facts::{parts, plain, still};
use super::rds_family::INSTANCES;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, PlannedStep, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Shares a snapshot of a database.
#[derive(Debug, Clone, Copy)]
pub(super) struct SnapshotShare;

const ABOUT: About = About {
    name: "rds-snapshot-share",
    title: "share a database snapshot with other accounts",
    says: "Lets accounts that are named restore and copy a manual snapshot. Undone, those that it was shared with by this \
           step lose it again; what they have copied meanwhile is theirs.",
    arguments: &[
        Argument { name: "snapshot", kind: ArgumentKind::Text, required: true, says: "The snapshot." },
        Argument {
            name: "accounts",
            kind: ArgumentKind::Text,
            required: true,
            says: "The numbers of the accounts, with commas between them.",
        },
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The database that it is of.",
        },
    ],
    outputs: &[("snapshot", "The name of the snapshot.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::SetState,
    operations: &[
        "rds:DescribeDBSnapshots",
        "rds:DescribeDBSnapshotAttributes",
        "rds:ModifyDBSnapshotAttribute",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(2), Duration::from_secs(60))),
};

impl SnapshotShare {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let snapshot = ask.given.text("snapshot")?;
        let accounts = parts(ask.given.maybe_text("accounts")?);
        let wrong = accounts.iter().find(|one| one.len() != 12 || !one.bytes().all(|b| b.is_ascii_digit()));
        match (accounts.as_slice(), wrong) {
            ([], _) => return Err(Refusal::new("`accounts` names none")),
            (_, Some(wrong)) => {
                return Err(Refusal::new(format!("`{wrong}` is no account")).hint(
                    "an account has twelve digits; a snapshot that all may restore is public, and not made here",
                ));
            }
            (_, None) => {}
        }
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?.id.clone()),
            None => None,
        };
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let mut design = Design::new(component);
        if !is_later(snapshot) {
            let found = INSTANCES.one(ask.look, &base(""), snapshot).await?;
            let found = found.ok_or_else(|| Refusal::new(format!("there is no snapshot {snapshot}")))?;
            if text(&found, "SnapshotType") != "manual" {
                return Err(Refusal::new(format!(
                    "{snapshot} is not a manual snapshot, and cannot be shared"
                ))
                .hint("copy it first with `rds-snapshot-copy`: a copy is one"));
            }
            let describe = INSTANCES.describe_one(&base(""), snapshot);
            let says = "the snapshot is available";
            design.preconditions.push(still(says, &describe, "/DBSnapshots/0/Status", json!("available")));
            if found.get("Encrypted") == Some(&Value::Bool(true)) {
                design.notes.push(format!("it is encrypted with {}: the accounts need that key as well, which its policy says; the default key aws/rds cannot be shared at all, and AWS then refuses this: copy the snapshot with a key of your own first", text(&found, "KmsKeyId")).into());
            }
        }
        let list: Vec<Value> = accounts.iter().map(|account| Value::from(*account)).collect();
        design.calls.push(PlannedCall {
            call: base("rds:ModifyDBSnapshotAttribute")
                .with("DBSnapshotIdentifier", snapshot)
                .with("AttributeName", "restore")
                .with("ValuesToAdd", list),
            says: format!("let {} restore {snapshot}", accounts.join(", ")).into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        });
        design.undo = Undo::Calls {
            says: vec!["take it from those that it was not shared with before".into()],
            class: ActionClass::Mutating,
        };
        design.notes.push("whoever may restore it sees all that is in the database".into());
        design.notes.push(
            "a shared snapshot that is encrypted has to be copied there before it can be restored".into(),
        );
        Ok(design)
    }
}

fn named(call: &Call) -> &str {
    call.text("DBSnapshotIdentifier").unwrap_or_default()
}

fn accounts(call: &Call, list: &str) -> Vec<String> {
    let all = call.arguments.get(list).and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// Returns the accounts that may restore a snapshot.
async fn shared(look: &dyn Look, call: &Call) -> Result<Vec<String>, CallTrouble> {
    let asked = Call::new("rds:DescribeDBSnapshotAttributes", &call.environment, &call.place)
        .with("DBSnapshotIdentifier", named(call));
    let reply = look.look(&asked).await?;
    let all =
        reply.body.pointer("/DBSnapshotAttributesResult/DBSnapshotAttributes").and_then(Value::as_array);
    let restore = all.into_iter().flatten().filter(|one| text(one, "AttributeName") == "restore");
    let values = restore.filter_map(|one| one.get("AttributeValues")?.as_array()).flatten();
    Ok(values.filter_map(|value| value.as_str().map(str::to_owned)).collect())
}

/// Says what of a call is not so yet.
async fn missing(look: &dyn Look, call: &Call) -> Result<Vec<String>, CallTrouble> {
    let with = shared(look, call).await?;
    let mut missing = accounts(call, "ValuesToAdd");
    missing.retain(|account| !with.contains(account));
    missing.extend(accounts(call, "ValuesToRemove").into_iter().filter(|account| with.contains(account)));
    Ok(missing)
}

impl Action for SnapshotShare {
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
            Ok(json!({ "shared": shared(look, call).await? }))
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
            let missing = missing(look, call).await?;
            Ok(if missing.is_empty() {
                let evidence: Text = format!("{} is shared as it was asked for", named(call)).into();
                Found::Happened { reply: Value::Null, evidence }
            } else {
                Found::Nothing { evidence: format!("not so yet for {}", missing.join(", ")).into() }
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
            let missing = missing(look, call).await?;
            if missing.is_empty() {
                let mut outputs = Map::new();
                outputs.insert("snapshot".to_owned(), Value::from(named(call)));
                return Ok(Progress::Done(outputs));
            }
            let says = format!("not so yet for {}", missing.join(", ")).into();
            Ok(Progress::Going { percent: None, says })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let code = trouble.code().unwrap_or_default();
        let hint = if code.starts_with("SharedSnapshotQuotaExceeded") {
            Some("a snapshot can be shared with so many accounts: take it from others first")
        } else if code.starts_with("InvalidParameter") || code.starts_with("InvalidDBSnapshotState") {
            Some("a snapshot under the default key aws/rds cannot be shared: copy it with a key of your own")
        } else {
            plain(code)
        };
        Meaning::Failed { hint: hint.map(Into::into) }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was shared"))?;
        let had = doing.before.get("shared").and_then(Value::as_array);
        let had = had.ok_or_else(|| Refusal::new("with whom it was shared before is not known"))?;
        let mut added = accounts(call, "ValuesToAdd");
        added.retain(|account| !had.iter().any(|one| one.as_str() == Some(account.as_str())));
        if added.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![PlannedCall {
            says: format!("take {} from {}", named(call), added.join(", ")).into(),
            call: Call::new("rds:ModifyDBSnapshotAttribute", &call.environment, &call.place)
                .with("DBSnapshotIdentifier", named(call))
                .with("AttributeName", "restore")
                .with("ValuesToRemove", added),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        }])
    }
}
