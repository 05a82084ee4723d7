//! Terraform states: their versions, digest and replica, and the recovery points that follow from them.

use super::Text;
use super::duration::seconds;
use super::place::Place;
use super::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the bytes of a state version are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateForm {
    /// A state that Terraform reads.
    Whole,
    /// An OpenTofu state whose serial and lineage are in clear and the rest encrypted (T11).
    Encrypted,
    /// No bytes: Terraform takes it for no state at all (T10).
    Empty,
    /// JSON that breaks off.
    Truncated,
    /// Something else.
    Foreign,
    /// A delete marker: the object is gone, its older versions are not.
    DeleteMarker,
}

impl StateForm {
    /// Says whether this version can be put back.
    pub fn can_be_restored(self) -> bool {
        matches!(self, Self::Whole | Self::Encrypted)
    }

    /// Returns the words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Encrypted => "encrypted",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::Foreign => "not a state",
            Self::DeleteMarker => "deleted",
        }
    }
}

/// One version of a state object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateVersion {
    /// The version id of the object.
    pub version_id: Text,
    /// When it was written.
    pub written_at: Timestamp,
    /// What its bytes are.
    pub form: StateForm,
    /// The serial, where the bytes say one (T9).
    pub serial: Option<u64>,
    /// The lineage, where the bytes say one (T9).
    pub lineage: Option<Text>,
    /// The Terraform version that wrote it.
    pub terraform_version: Option<Text>,
    /// How many resources it describes.
    pub resources: Option<u64>,
    /// How large it is.
    pub size_bytes: u64,
    /// MD5 of its bytes in lower-case hex (T5), where the body was read.
    pub md5: Option<Text>,
}

/// What guards a state's content against being read while it is wrong (T3, T4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// The backend has no lock table, so nothing checks the content.
    NotUsed,
    /// The table holds no digest row for this state.
    Absent,
    /// The row's MD5.
    Row(Text),
}

/// A state and all its versions where it lies; the newest version first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateHistory {
    /// `<bucket>/<key>`.
    pub path: Text,
    /// All versions, the newest first; empty when there never was an object.
    pub versions: Vec<StateVersion>,
    /// The digest row.
    pub digest: Digest,
    /// For a replica: how far behind its source it was.
    #[serde(rename = "replica_lag_s", with = "seconds::option")]
    #[schemars(with = "Option<u64>")]
    pub replica_lag: Option<Duration>,
}

/// What is wrong with a state as Terraform would find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateTrouble {
    /// Absent or empty, and no digest row to stop it: the next apply would rebuild everything (T4, T10).
    WouldRebuildEverything,
    /// The bytes are not a state.
    Unreadable(StateForm),
    /// The digest row differs from the bytes, so Terraform refuses to read it (T4).
    DigestMismatch,
}

impl StateHistory {
    /// Returns the newest version, be it whole or not.
    pub fn current(&self) -> Option<&StateVersion> {
        self.versions.first()
    }

    /// Returns what Terraform would stumble over, the worst only.
    pub fn trouble(&self) -> Option<StateTrouble> {
        let Some(current) = self.current() else {
            return (!matches!(self.digest, Digest::Row(_))).then_some(StateTrouble::WouldRebuildEverything);
        };
        let guarded = matches!(self.digest, Digest::Row(_));
        match current.form {
            StateForm::Empty | StateForm::DeleteMarker if !guarded => {
                Some(StateTrouble::WouldRebuildEverything)
            }
            StateForm::Truncated | StateForm::Foreign => Some(StateTrouble::Unreadable(current.form)),
            _ => match (&self.digest, &current.md5) {
                (Digest::Row(row), Some(md5)) if row != md5 => Some(StateTrouble::DigestMismatch),
                (Digest::Row(_), None) if current.form == StateForm::DeleteMarker => {
                    Some(StateTrouble::DigestMismatch)
                }
                _ => None,
            },
        }
    }

    /// Returns the versions as recovery points at `place`. A version holds what was true until the next was
    /// written; the newest one of a replica is as far behind as the replica was.
    pub fn points(&self, place: &Place) -> Vec<RecoveryPoint> {
        let mut superseded_at = None;
        self.versions
            .iter()
            .map(|version| {
                let holds = match (superseded_at, self.replica_lag) {
                    (Some(at), _) => Holds::Until(at),
                    (None, Some(lag)) => Holds::Behind { lag },
                    (None, None) => Holds::Everything,
                };
                superseded_at = Some(version.written_at);
                let mut point = RecoveryPoint::new(
                    version.version_id.as_str(),
                    PointKind::StateVersion,
                    place.clone(),
                    holds,
                );
                if !version.form.can_be_restored() {
                    point.status = PointStatus::Failed(version.form.words().into());
                }
                point.size_bytes = Some(version.size_bytes);
                point
            })
            .collect()
    }
}
