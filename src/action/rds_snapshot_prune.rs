//! `rds-snapshot-prune`: deletes older snapshots that lifeboat made, after a newer one was verified.

use super::facts::{RUN_TAG, text};
use super::given::is_later;
use super::rds_facts::{identifier, plain, still};
use super::rds_family::INSTANCES;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, Undo};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Deletes older snapshots of a database.
#[derive(Debug, Clone, Copy)]
pub(super) struct SnapshotPrune;

const NO_UNDO: &str = "a deleted snapshot does not come back";

/// The most that one step deletes.
const MOST: usize = 20;

const ABOUT: About = About {
    name: "rds-snapshot-prune",
    title: "delete older snapshots that lifeboat made",
    says: "Deletes manual snapshots of a database that carry the tag of a run, all but so many of the newest, and none that \
           is newer than the one that is named as verified. How old a snapshot is says its data, not when it was copied \
          . Snapshots that others made are never touched.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: true,
            says: "The database that they are of.",
        },
        Argument {
            name: "verified",
            kind: ArgumentKind::Text,
            required: true,
            says: "A snapshot that was restored and looked at; only older ones are deleted.",
        },
        Argument {
            name: "keep",
            kind: ArgumentKind::Number,
            required: true,
            says: "How many that are older than it stay: 0 to 100.",
        },
    ],
    outputs: &[("deleted", "How many were deleted.")],
    class: ActionClass::Irreversible,
    dedupe: Dedupe::SetState,
    operations: &["rds:DescribeDBSnapshots", "rds:DeleteDBSnapshot"],
    no_undo: Some(NO_UNDO),
    usually: Some((Duration::from_secs(10), Duration::from_secs(300))),
};

/// Returns the moment of the data in a snapshot (R3).
fn moment(snapshot: &Value) -> Option<Timestamp> {
    let at = |name: &str| text(snapshot, name).parse::<Timestamp>().ok();
    let own = || {
        // The time of a copy is that of its copying: it says nothing of the data.
        let is_copy = !text(snapshot, "SourceDBSnapshotIdentifier").is_empty();
        if is_copy { None } else { at("SnapshotCreateTime") }
    };
    at("SnapshotDatabaseTime").or_else(|| at("OriginalSnapshotCreateTime")).or_else(own)
}

fn is_ours(snapshot: &Value) -> bool {
    let mut tags = snapshot.get("TagList").and_then(Value::as_array).into_iter().flatten();
    tags.any(|tag| text(tag, "Key") == RUN_TAG)
}

impl SnapshotPrune {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, name) = identifier(&ask, "component")?;
        let verified = ask.given.text("verified")?;
        if is_later(verified) {
            return Err(Refusal::new("which snapshot was verified must be known when this is planned")
                .hint("make and verify the newer one first; this is a plan of its own"));
        }
        let keep = ask.given.number("keep")?.and_then(|keep| usize::try_from(keep).ok());
        let keep = keep.filter(|keep| *keep <= 100);
        let keep = keep.ok_or_else(|| Refusal::new("`keep` is from 0 to 100"))?;
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let list = base("rds:DescribeDBSnapshots")
            .with("DBInstanceIdentifier", name.as_str())
            .with("SnapshotType", "manual");
        let found = ask.look.look(&list).await?;
        let all = found.body.get("DBSnapshots").and_then(Value::as_array).cloned().unwrap_or_default();
        let newer = all.iter().find(|one| text(one, "DBSnapshotIdentifier") == verified);
        let newer = newer.ok_or_else(|| {
            Refusal::new(format!("{verified} is no manual snapshot of {name}"))
                .hint("`lifeboat points` lists those that there are")
        })?;
        let until = moment(newer).filter(|_| text(newer, "Status") == "available");
        let until = until.ok_or_else(|| {
            Refusal::new(format!("{verified} is not available, or does not say how old it is"))
        })?;
        let mut older: Vec<(Timestamp, &Value)> = all
            .iter()
            .filter(|one| is_ours(one) && text(one, "Status") == "available")
            .filter_map(|one| Some((moment(one)?, one)))
            .filter(|(at, _)| *at < until)
            .collect();
        older.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let chosen: Vec<&Value> = older.iter().skip(keep).map(|(_, one)| *one).collect();
        if chosen.is_empty() {
            return Err(Refusal::new(format!(
                "there is nothing to delete: {} of lifeboat's snapshots of {name} are older than {verified}",
                older.len()
            )));
        }
        let mut design = Design::new(Some(component));
        let describe = INSTANCES.describe_one(&base(""), verified);
        let says = format!("{verified}, which is newer, is available");
        design.preconditions.push(still(says, &describe, "/DBSnapshots/0/Status", json!("available")));
        // The oldest first: whatever stops it, the newest are left.
        for one in chosen.iter().rev().take(MOST) {
            let name = text(one, "DBSnapshotIdentifier");
            let describe = INSTANCES.describe_one(&base(""), name);
            let made = one.get("SnapshotCreateTime").cloned().unwrap_or_default();
            let says = format!("{name} is the same snapshot");
            design.preconditions.push(still(says, &describe, "/DBSnapshots/0/SnapshotCreateTime", made));
            design.calls.push(PlannedCall {
                call: base("rds:DeleteDBSnapshot").with("DBSnapshotIdentifier", name),
                says: format!("delete the snapshot {name}").into(),
                class: ActionClass::Irreversible,
                dedupe: Dedupe::SetState,
            });
        }
        design.undo = Undo::Impossible(NO_UNDO.into());
        design.notes.push(
            format!(
                "{} stay that are older than {verified}, and all that others made",
                keep.min(older.len())
            )
            .into(),
        );
        if chosen.len() > MOST {
            design.notes.push(format!("{} more are left for another run", chosen.len() - MOST).into());
        }
        Ok(design)
    }
}

impl Action for SnapshotPrune {
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
            let name = INSTANCES.made(call);
            Ok(match INSTANCES.one(look, call, name).await? {
                Some(found) if text(&found, "Status") != "deleting" => {
                    Found::Nothing { evidence: format!("{name} is still there").into() }
                }
                _ => Found::Happened { reply: Value::Null, evidence: format!("{name} is gone").into() },
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
            let name = INSTANCES.made(call);
            if INSTANCES.one(look, call, name).await?.is_some() {
                return Ok(Progress::Going { percent: None, says: format!("{name} is still there").into() });
            }
            let mut outputs = Map::new();
            outputs.insert("deleted".to_owned(), Value::from(doing.index + 1));
            Ok(Progress::Done(outputs))
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let code = trouble.code().unwrap_or_default();
        if code.starts_with(INSTANCES.none) {
            return Meaning::Look;
        }
        Meaning::Failed { hint: plain(code).map(Into::into) }
    }
}
