//! Terraform states: their versions, digest and replica, and the recovery points that follow from them.

pub mod bytes;
pub mod compare;
mod replica;
mod trouble;

pub use replica::{ReplicaStatus, compare_replica};
pub use trouble::StateTrouble;

use super::Text;
use super::duration::seconds;
use super::lock::LockTurn;
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
    /// Its bytes were not read: older ones are read when somebody looks at the state.
    Unread,
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
            Self::Unread => "not read",
        }
    }
}

/// One version of a state object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateVersion {
    /// The version id of the object; `null` where the bucket keeps no versions.
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
    /// How many resources it describes; those that it only looks up are not counted.
    pub resources: Option<u64>,
    /// How large it is.
    pub size_bytes: u64,
    /// MD5 of its bytes in lower-case hex (T5), where the body was read.
    pub md5: Option<Text>,
}

impl Digest {
    /// Returns the row where it guards anything: Terraform passes over one that is not an MD5 in hex digits, large or small.
    pub fn guard(&self) -> Option<String> {
        match self {
            Self::Row(row) if row.as_str().len() == 32 => {
                let hex = row.as_str().bytes().all(|byte| byte.is_ascii_hexdigit());
                hex.then(|| row.as_str().to_ascii_lowercase())
            }
            _ => None,
        }
    }
}

impl StateVersion {
    /// Returns a version of which only the listing is known.
    pub fn unread(version_id: &str, written_at: Timestamp, size_bytes: u64) -> Self {
        Self {
            version_id: version_id.into(),
            written_at,
            form: StateForm::Unread,
            serial: None,
            lineage: None,
            terraform_version: None,
            resources: None,
            size_bytes,
            md5: None,
        }
    }

    /// Returns the delete marker of that id (S1).
    pub fn marker(version_id: &str, written_at: Timestamp) -> Self {
        Self { form: StateForm::DeleteMarker, ..Self::unread(version_id, written_at, 0) }
    }

    /// Says whether a replica's version is a copy of this one: by an id of its own, or by its bytes. What is called `null` has
    /// no id of its own, and may be something else on either side (S5).
    pub fn is_copy_of(&self, other: &Self) -> bool {
        let same_id = self.version_id == other.version_id && self.version_id.as_str() != "null";
        same_id || (self.md5.is_some() && self.md5 == other.md5)
    }

    /// Says whether `known` is this version, so that its bytes need not be read again: versions never change, except the
    /// one called `null` (S5).
    pub fn is(&self, known: &Self) -> bool {
        self.version_id == known.version_id
            && self.written_at == known.written_at
            && self.size_bytes == known.size_bytes
    }
}

/// What guards a state's content against being read while it is wrong (T3, T4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// The backend has no lock table, so nothing checks the content.
    #[default]
    NotUsed,
    /// The table could not be read.
    Unread,
    /// The table holds no digest row for this state.
    Absent,
    /// The row's MD5.
    Row(Text),
}

/// A state where it lies; the newest version first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateHistory {
    /// `<bucket>/<key>`.
    pub path: Text,
    /// The workspace, where it is not the default one.
    #[serde(default)]
    pub workspace: Option<Text>,
    /// Its versions, the newest first; only the newest where a whole backend was listed. Empty when there never was an
    /// object.
    pub versions: Vec<StateVersion>,
    /// How many versions there are, delete markers included.
    #[serde(default)]
    pub versions_in_all: u64,
    /// When the oldest of them was written.
    #[serde(default)]
    pub oldest_at: Option<Timestamp>,
    /// The digest row.
    pub digest: Digest,
    /// For a replica that says so itself: how far behind its source it was.
    #[serde(rename = "replica_lag_s", with = "seconds::option")]
    #[schemars(with = "Option<u64>")]
    pub replica_lag: Option<Duration>,
    /// Who held its lock file, the newest first (T12); only where this state was looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lock_turns: Vec<LockTurn>,
}

impl StateHistory {
    /// Returns the newest version, be it whole or not.
    pub fn current(&self) -> Option<&StateVersion> {
        self.versions.first()
    }

    /// Returns why `version` cannot be put back, if it cannot.
    pub fn why_not_restored(&self, version: &StateVersion) -> Option<String> {
        match version.form {
            StateForm::Whole | StateForm::Encrypted => {}
            StateForm::DeleteMarker => return Some("it marks a deletion and holds nothing".to_owned()),
            StateForm::Unread => return Some("its bytes were not read yet".to_owned()),
            form => return Some(format!("its bytes are {}", form.words())),
        }
        let known = self.versions.iter().find(|version| version.form.can_be_restored())?;
        (known.lineage != version.lineage).then(|| {
            "it has another lineage than the newest readable version: Terraform refuses it as unrelated (T9)"
                .to_owned()
        })
    }

    /// Returns the versions as recovery points at `place`. A version holds what was true from its writing until the next
    /// was written. `source` is what was last read where the state lives, when this is a replica.
    pub fn points(&self, place: &Place, source: Option<&Self>) -> Vec<RecoveryPoint> {
        let mut superseded_at = None;
        let mut points = Vec::with_capacity(self.versions.len());
        for version in &self.versions {
            let written_at = version.written_at;
            let holds = match (superseded_at, self.replica_lag) {
                (Some(at), _) => Holds::Window { earliest: written_at, latest: at },
                (None, Some(lag)) => Holds::Behind { lag },
                (None, None) => source.map_or(Holds::Since(written_at), |source| held(source, version)),
            };
            superseded_at = Some(written_at);
            let id = version.version_id.as_str();
            let mut point = RecoveryPoint::new(id, PointKind::StateVersion, place.clone(), holds);
            if !version.form.can_be_restored() {
                point.status = match version.form {
                    StateForm::Unread => PointStatus::Unrecognised("not read yet".into()),
                    form => PointStatus::Failed(form.words().into()),
                };
            }
            point.size_bytes = Some(version.size_bytes);
            points.push(point);
        }
        points
    }
}

/// Returns what the newest version of a replica holds: everything while it is also the newest of its source, else what
/// was true until the next was written there. What is not known of the source counts as written since.
fn held(source: &StateHistory, version: &StateVersion) -> Holds {
    let same = |other: &StateVersion| other.is_copy_of(version);
    let earliest = version.written_at;
    match source.versions.iter().position(same) {
        Some(0) => Holds::Since(earliest.min(source.versions.first().map_or(earliest, |v| v.written_at))),
        Some(at) => {
            let next = source.versions.get(at - 1).map_or(earliest, |next| next.written_at);
            Holds::Window { earliest: earliest.min(next), latest: next }
        }
        None => Holds::Until(earliest),
    }
}
