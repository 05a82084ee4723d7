//! Snapshots of instances and of clusters: the same in all but the names of their calls, and how what is made of them is
//! found, followed and deleted.

use super::facts::{is_tagged, text};
use super::rds_facts::{first, plain};
use super::{Doing, Found, Meaning, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::provider::port::{CallTrouble, Look};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::PlannedCall;
use serde_json::{Map, Value, json};

/// The names by which one sort of database is snapshotted.
#[derive(Debug)]
pub(super) struct Family {
    /// What people call it.
    pub(super) word: &'static str,
    /// The argument and member that names the database.
    pub(super) source: &'static str,
    /// The call that describes databases.
    pub(super) sources: &'static str,
    /// Where the first of them stands.
    pub(super) source_at: &'static str,
    /// The member that says how it is.
    pub(super) source_status: &'static str,
    /// The code where there is none.
    pub(super) no_source: &'static str,
    /// The argument and member that names the snapshot.
    pub(super) id: &'static str,
    /// The argument that names a copy.
    pub(super) target: &'static str,
    /// The argument that names what is copied.
    pub(super) copied: &'static str,
    /// The member that is its ARN.
    pub(super) arn: &'static str,
    /// The word for it in an ARN.
    pub(super) in_arn: &'static str,
    /// Whether it is encrypted, as a member.
    pub(super) encrypted: &'static str,
    /// The call that describes snapshots.
    pub(super) describe: &'static str,
    /// Where the first of them stands.
    pub(super) at: &'static str,
    /// The code where there is none.
    pub(super) none: &'static str,
    /// The code where its name is taken.
    pub(super) taken: &'static str,
    /// The call that makes one.
    pub(super) create: &'static str,
    /// The call that copies one.
    pub(super) copy: &'static str,
    /// The call that deletes one.
    pub(super) delete: &'static str,
}

/// Instances.
pub(super) static INSTANCES: Family = Family {
    word: "instance",
    source: "DBInstanceIdentifier",
    sources: "rds:DescribeDBInstances",
    source_at: "/DBInstances/0",
    source_status: "DBInstanceStatus",
    no_source: "DBInstanceNotFound",
    id: "DBSnapshotIdentifier",
    target: "TargetDBSnapshotIdentifier",
    copied: "SourceDBSnapshotIdentifier",
    arn: "DBSnapshotArn",
    in_arn: "snapshot",
    encrypted: "Encrypted",
    describe: "rds:DescribeDBSnapshots",
    at: "/DBSnapshots/0",
    none: "DBSnapshotNotFound",
    taken: "DBSnapshotAlreadyExists",
    create: "rds:CreateDBSnapshot",
    copy: "rds:CopyDBSnapshot",
    delete: "rds:DeleteDBSnapshot",
};

/// Clusters.
pub(super) static CLUSTERS: Family = Family {
    word: "cluster",
    source: "DBClusterIdentifier",
    sources: "rds:DescribeDBClusters",
    source_at: "/DBClusters/0",
    source_status: "Status",
    no_source: "DBClusterNotFound",
    id: "DBClusterSnapshotIdentifier",
    target: "TargetDBClusterSnapshotIdentifier",
    copied: "SourceDBClusterSnapshotIdentifier",
    arn: "DBClusterSnapshotArn",
    in_arn: "cluster-snapshot",
    encrypted: "StorageEncrypted",
    describe: "rds:DescribeDBClusterSnapshots",
    at: "/DBClusterSnapshots/0",
    none: "DBClusterSnapshotNotFound",
    taken: "DBClusterSnapshotAlreadyExists",
    create: "rds:CreateDBClusterSnapshot",
    copy: "rds:CopyDBClusterSnapshot",
    delete: "rds:DeleteDBClusterSnapshot",
};

impl Family {
    /// Returns the call that describes a snapshot, where `like` is made.
    pub(super) fn describe_one(&self, like: &Call, name: &str) -> Call {
        Call::new(self.describe, &like.environment, &like.place).with(self.id, name)
    }

    /// Reads a snapshot, where `like` is made.
    ///
    /// # Errors
    /// When nothing can be seen.
    pub(super) async fn one(
        &self,
        look: &dyn Look,
        like: &Call,
        name: &str,
    ) -> Result<Option<Value>, CallTrouble> {
        first(look, &self.describe_one(like, name), self.at, self.none).await
    }

    /// Returns the name of the snapshot that a call makes or deletes.
    pub(super) fn made<'a>(&self, call: &'a Call) -> &'a str {
        call.text(self.target).or(call.text(self.id)).unwrap_or_default()
    }

    /// Looks whether a snapshot was made, or deleted again.
    ///
    /// # Errors
    /// When nothing can be seen.
    pub(super) async fn probe(&self, doing: &Doing<'_>, look: &dyn Look) -> Result<Found, CallTrouble> {
        let Ok(call) = doing.call() else {
            return Ok(Found::Unclear { evidence: "the step has no such call".into() });
        };
        let name = self.made(call);
        let found = self.one(look, call, name).await?;
        Ok(match (doing.direction, found) {
            (Direction::Undo, None) => {
                Found::Happened { reply: Value::Null, evidence: format!("{name} is gone").into() }
            }
            (Direction::Undo, Some(found)) if text(&found, "Status") == "deleting" => {
                Found::Happened { reply: found, evidence: format!("{name} is being deleted").into() }
            }
            (Direction::Undo, Some(_)) => {
                Found::Nothing { evidence: format!("{name} is still there").into() }
            }
            (_, None) => Found::Nothing { evidence: format!("there is no snapshot {name}").into() },
            (_, Some(found)) if is_tagged(&found, "TagList", doing.run, doing.step.id.as_str()) => {
                let evidence =
                    format!("{name} is {}, and carries the tags of this run", text(&found, "Status"));
                Found::Happened { reply: json!({ "Snapshot": found }), evidence: evidence.into() }
            }
            (_, Some(_)) => {
                let evidence =
                    format!("there is a snapshot {name}, and it does not carry the tags of this run");
                Found::Unclear { evidence: evidence.into() }
            }
        })
    }

    /// Looks how far a snapshot is (R9: it says so itself), or whether it is gone.
    ///
    /// # Errors
    /// When nothing can be seen.
    pub(super) async fn progress(&self, doing: &Doing<'_>, look: &dyn Look) -> Result<Progress, CallTrouble> {
        let Ok(call) = doing.call() else { return Ok(Progress::Done(Map::new())) };
        let name = self.made(call);
        let going = |percent, says: String| Progress::Going { percent, says: says.into() };
        let Some(found) = self.one(look, call, name).await? else {
            return Ok(match doing.direction {
                Direction::Undo => Progress::Done(Map::new()),
                Direction::Forward => going(None, format!("{name} does not show yet")),
            });
        };
        if doing.direction == Direction::Undo {
            return Ok(going(None, format!("{name} is {}", text(&found, "Status"))));
        }
        Ok(match text(&found, "Status") {
            "available" => {
                let mut outputs = Map::new();
                outputs.insert("snapshot".to_owned(), Value::from(name));
                outputs.insert("arn".to_owned(), Value::from(text(&found, self.arn)));
                outputs.insert("region".to_owned(), Value::from(call.place.region.as_str()));
                Progress::Done(outputs)
            }
            status if status.starts_with("failed") || status.starts_with("incompatible") => {
                Progress::Failed {
                    why: format!("{name} is {status}").into(),
                    hint: Some("undo the step, then retry; `DescribeEvents` of RDS says why".into()),
                }
            }
            status => {
                let percent = found.get("PercentProgress").and_then(Value::as_u64);
                let percent = percent.and_then(|percent| u8::try_from(percent.min(100)).ok());
                going(percent, format!("{name} is {status}"))
            }
        })
    }

    /// Says what a refusal means.
    pub(super) fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let code = trouble.code().unwrap_or_default();
        // It may be ours, of an attempt whose answer was lost (C2).
        if code.starts_with(self.taken) || doing.direction == Direction::Undo && code.starts_with(self.none) {
            return Meaning::Look;
        }
        Meaning::Failed { hint: plain(code).map(Into::into) }
    }

    /// Returns the call that deletes what a step has made.
    ///
    /// # Errors
    /// When it has made nothing.
    pub(super) fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("no snapshot was made"))?;
        let name = self.made(call);
        Ok(vec![PlannedCall {
            call: Call::new(self.delete, &call.environment, &call.place).with(self.id, name),
            says: format!("delete the snapshot {name}").into(),
            class: ActionClass::Destructive,
            dedupe: Dedupe::SetState,
        }])
    }
}
