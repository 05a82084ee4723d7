//! `ebs-snapshot-lock`: a snapshot that nobody deletes for some days.

use super::ec2_made::{Sort, outputs};
use super::facts::text;
use super::given::is_later;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, PlannedStep, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Locks a snapshot in governance mode.
#[derive(Debug, Clone, Copy)]
pub(super) struct SnapshotLock;

const ABOUT: About = About {
    name: "ebs-snapshot-lock",
    title: "lock a snapshot",
    says: "Locks an EBS snapshot in governance mode, so that nobody deletes it by mistake while the incident lasts. \
           Whoever may unlock snapshots can lift it again; the mode that nobody can lift is not offered.",
    arguments: &[
        Argument { name: "snapshot", kind: ArgumentKind::Text, required: true, says: "The snapshot." },
        Argument { name: "days", kind: ArgumentKind::Number, required: true, says: "For how many days." },
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "What it is of.",
        },
    ],
    outputs: &[("snapshot", "The id of the snapshot."), ("until", "When the lock ends.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::SetState,
    operations: &[
        "ec2:DescribeSnapshots",
        "ec2:DescribeLockedSnapshots",
        "ec2:LockSnapshot",
        "ec2:UnlockSnapshot",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(30))),
};

/// Returns the lock of a snapshot; `Null` where there is none.
async fn lock(look: &dyn Look, like: &Call, id: &str) -> Result<Value, CallTrouble> {
    let call = Call::new("ec2:DescribeLockedSnapshots", &like.environment, &like.place)
        .with("SnapshotIds", json!([id]));
    let found = look.look(&call).await?.body.pointer("/Snapshots/0").cloned().unwrap_or_default();
    Ok(if text(&found, "LockState") == "expired" { Value::Null } else { found })
}

fn is_so(call: &Call, lock: &Value) -> bool {
    if call.name() == "UnlockSnapshot" {
        return lock.is_null();
    }
    text(lock, "LockState") == "governance" && lock.get("LockDuration") == call.arguments.get("LockDuration")
}

impl SnapshotLock {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let snapshot = ask.given.text("snapshot")?;
        let days = ask.given.number("days")?.unwrap_or_default();
        if !(1..=36_500).contains(&days) {
            return Err(Refusal::new(format!("`days` must be 1 to 36500, not {days}")));
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
            found.ok_or_else(|| Refusal::new(format!("there is no snapshot {snapshot}")))?;
            let lock = lock(ask.look, &base(""), snapshot).await?;
            let state = text(&lock, "LockState");
            if state.starts_with("compliance") {
                return Err(Refusal::new(format!(
                    "the snapshot {snapshot} is locked in {state} mode, which is stricter"
                ))
                .hint("leave this step out"));
            }
            let longer = lock.get("LockDuration").and_then(Value::as_i64).filter(|known| *known > days);
            if let Some(longer) = longer {
                return Err(Refusal::new(format!(
                    "the snapshot {snapshot} is locked for {longer} days already"
                ))
                .hint("leave this step out, or name as many `days`"));
            }
        }
        design.calls.push(PlannedCall {
            call: base("ec2:LockSnapshot")
                .with("SnapshotId", snapshot)
                .with("LockMode", "governance")
                .with("LockDuration", days),
            says: format!("lock {snapshot} for {days} days").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        });
        design.undo = Undo::Calls {
            says: vec!["unlock it, or lock it as it was".into()],
            class: ActionClass::Mutating,
        };
        design.notes.push("what is locked is paid for until somebody unlocks or the days are over".into());
        Ok(design)
    }
}

impl Action for SnapshotLock {
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
            Ok(lock(look, call, call.text("SnapshotId").unwrap_or_default()).await?)
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
            let id = call.text("SnapshotId").unwrap_or_default();
            let now = lock(look, call, id).await?;
            let state = if now.is_null() { "not locked" } else { text(&now, "LockState") };
            let evidence = format!("{id}: {state}").into();
            Ok(if is_so(call, &now) {
                Found::Happened { reply: now, evidence }
            } else {
                Found::Nothing { evidence }
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
            let id = call.text("SnapshotId").unwrap_or_default();
            let now = lock(look, call, id).await?;
            if is_so(call, &now) {
                let until = text(&now, "LockExpiresOn");
                return Ok(Progress::Done(outputs([("snapshot", id), ("until", until)])));
            }
            Ok(Progress::Going { percent: None, says: format!("the lock of {id} does not show yet").into() })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        match trouble.code().unwrap_or_default() {
            "SnapshotLock.NotFound" | "InvalidLock.NotFound" => Meaning::Look,
            "InvalidSnapshot.NotFound" => Meaning::Failed { hint: Some("the snapshot is gone".into()) },
            _ => Meaning::Failed { hint: None },
        }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was called"))?;
        let id = call.text("SnapshotId").unwrap_or_default();
        let base =
            |operation: &str| Call::new(operation, &call.environment, &call.place).with("SnapshotId", id);
        let (call, says) = match doing.before.get("LockDuration").and_then(Value::as_i64) {
            Some(days) => (
                base("ec2:LockSnapshot").with("LockMode", "governance").with("LockDuration", days),
                format!("lock {id} for {days} days, as it was"),
            ),
            None => (base("ec2:UnlockSnapshot"), format!("unlock {id}")),
        };
        Ok(vec![PlannedCall {
            call,
            says: says.into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        }])
    }
}
