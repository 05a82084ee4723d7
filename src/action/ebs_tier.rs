//! `ebs-snapshot-restore-tier`: a snapshot brought back from the archive.

use super::ec2_made::{Sort, outputs};
use super::facts::text;
use super::given::is_later;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// Brings an archived snapshot back for some days.
#[derive(Debug, Clone, Copy)]
pub(super) struct RestoreTier;

const ABOUT: About = About {
    name: "ebs-snapshot-restore-tier",
    title: "bring a snapshot back from the archive",
    says: "Brings an archived EBS snapshot back into the standard tier for some days. That takes up to 72 h: whoever \
           promises less should keep snapshots out of the archive.",
    arguments: &[
        Argument { name: "snapshot", kind: ArgumentKind::Text, required: true, says: "The snapshot." },
        Argument {
            name: "days",
            kind: ArgumentKind::Number,
            required: true,
            says: "For how many days it stays; then it goes back by itself.",
        },
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "What it is of.",
        },
    ],
    outputs: &[("snapshot", "The id of the snapshot."), ("until", "When it goes back.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::SetState,
    operations: &["ec2:DescribeSnapshots", "ec2:DescribeSnapshotTierStatus", "ec2:RestoreSnapshotTier"],
    no_undo: Some("it goes back into the archive by itself when its days are over"),
    usually: Some((Duration::from_secs(3600), Duration::from_secs(72 * 3600))),
};

/// Says whether a snapshot has to be brought back before it can be read: one that was brought back for a while can be.
pub(super) fn is_archived(snapshot: &Value, now: Timestamp) -> bool {
    let back = text(snapshot, "RestoreExpiryTime").parse::<Timestamp>().is_ok_and(|until| until > now);
    text(snapshot, "StorageTier") == "archive" && !back
}

async fn tiering(look: &dyn Look, like: &Call) -> Result<Value, CallTrouble> {
    let id = like.text("SnapshotId").unwrap_or_default();
    let call = Call::new("ec2:DescribeSnapshotTierStatus", &like.environment, &like.place)
        .with("Filters", json!([{"Name": "snapshot-id", "Values": [id]}]));
    Ok(look.look(&call).await?.body.pointer("/SnapshotTierStatuses/0").cloned().unwrap_or_default())
}

impl RestoreTier {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let snapshot = ask.given.text("snapshot")?;
        let days = ask.given.number("days")?.unwrap_or_default();
        if !(1..=180).contains(&days) {
            return Err(Refusal::new(format!("`days` must be 1 to 180, not {days}")));
        }
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?.id.clone()),
            None => None,
        };
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let mut design = Design::new(component);
        if !is_later(snapshot) {
            let found = Sort::SNAPSHOT.one(ask.look, &base(""), snapshot).await?;
            let found = found.ok_or_else(|| Refusal::new(format!("there is no snapshot {snapshot}")))?;
            if text(&found, "StorageTier") != "archive" {
                return Err(Refusal::new(format!("the snapshot {snapshot} is not archived"))
                    .hint("leave this step out: a volume can be made of it as it is"));
            }
            design.preconditions.push(Precondition {
                says: "the snapshot is archived".into(),
                look: Sort::SNAPSHOT.by_id(&base(""), snapshot),
                at: "/Snapshots/0/StorageTier".into(),
                expect: Expect::Is("archive".into()),
            });
        }
        design.calls.push(PlannedCall {
            call: base("ec2:RestoreSnapshotTier")
                .with("SnapshotId", snapshot)
                .with("TemporaryRestoreDays", days),
            says: format!("bring {snapshot} back for {days} days").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        });
        design.undo = Undo::Impossible(ABOUT.no_undo.unwrap_or_default().into());
        design.notes.push("it takes up to 72 h, and the recovery waits for it".into());
        design
            .notes
            .push("what is read back is paid for, and the standard tier as long as it lies there".into());
        Ok(design)
    }
}

impl Action for RestoreTier {
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
            let found = tiering(look, call).await?;
            let status = text(&found, "LastTieringOperationStatus");
            let evidence = format!("the archive says {status}").into();
            Ok(
                if status.contains("restore") && !status.ends_with("failed")
                    || text(&found, "StorageTier") == "standard"
                {
                    Found::Happened { reply: Value::Null, evidence }
                } else {
                    Found::Nothing { evidence }
                },
            )
        })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let Ok(call) = doing.call() else { return Ok(Progress::Done(serde_json::Map::new())) };
            let id = call.text("SnapshotId").unwrap_or_default();
            let found = tiering(look, call).await?;
            let status = text(&found, "LastTieringOperationStatus");
            if status.ends_with("restore-failed") {
                return Ok(Progress::Failed {
                    why: format!("{id}: {status}: {}", text(&found, "LastTieringOperationStatusDetail"))
                        .into(),
                    hint: Some("`retry` the step".into()),
                });
            }
            if status.ends_with("restore-completed") || text(&found, "StorageTier") == "standard" {
                let until = text(&found, "RestoreExpiryTime");
                return Ok(Progress::Done(outputs([("snapshot", id), ("until", until)])));
            }
            let percent = found.get("LastTieringProgress").and_then(Value::as_u64);
            let percent = percent.and_then(|percent| u8::try_from(percent).ok());
            let says = format!("{id} is on its way out of the archive, for up to 72 h");
            Ok(Progress::Going { percent, says: says.into() })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(120)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        match trouble.code().unwrap_or_default() {
            "IncorrectState" | "InvalidSnapshot.InvalidStorageTier" => Meaning::Look,
            "InvalidSnapshot.NotFound" => Meaning::Failed { hint: Some("the snapshot is gone".into()) },
            _ => Meaning::Failed { hint: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_brought_back_for_a_while_is_readable_until_then() {
        let now: Timestamp = "2026-11-21T03:00:00Z".parse().unwrap();
        let snapshot = |until: &str| json!({"StorageTier": "archive", "RestoreExpiryTime": until});
        assert!(is_archived(&json!({"StorageTier": "archive"}), now));
        assert!(is_archived(&snapshot("2026-11-20T03:00:00Z"), now), "its days are over");
        assert!(!is_archived(&snapshot("2026-11-25T03:00:00Z"), now));
        assert!(!is_archived(&json!({"StorageTier": "standard"}), now));
        assert!(!is_archived(&json!({}), now));
    }
}
