//! What there is to recover from.

use super::Text;
use super::duration::{self, seconds};
use super::ids::{KeyId, PointId, Region};
use super::place::Place;
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

macro_rules! point_kinds {
    ($($(#[$doc:meta])* $variant:ident = $words:literal;)*) => {
        /// What kind of recovery point it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum PointKind { $($(#[$doc])* $variant,)* }

        impl PointKind {
            /// All kinds of point.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the words shown to people.
            pub fn words(self) -> &'static str {
                match self { $(Self::$variant => $words,)* }
            }
        }
    };
}

point_kinds! {
    /// A point-in-time window of RDS, Aurora or DynamoDB (R1, R2, A2, D1).
    PointInTime = "point-in-time window";
    /// A snapshot, manual or automated, where its source lies (R3, E1).
    Snapshot = "snapshot";
    /// A copy of a snapshot elsewhere (R3, E2).
    SnapshotCopy = "snapshot copy";
    /// Automated backups replicated to another Region (R2).
    ReplicatedBackup = "replicated backups";
    /// A replica or global member that can be promoted (A3, A4).
    Replica = "replica";
    /// A machine image (E1).
    Image = "image";
    /// Versions of objects (S1, S2).
    ObjectVersions = "object versions";
    /// A bucket's replica (S5).
    BucketReplica = "bucket replica";
    /// An on-demand backup of a table (D5).
    TableBackup = "table backup";
    /// A version of a state (T9).
    StateVersion = "state version";
    /// A recovery point in an AWS Backup vault (B2).
    VaultPoint = "vault recovery point";
    /// A database dump.
    Dump = "dump";
    /// A snapshot in a search repository.
    SearchSnapshot = "search snapshot";
    /// A commit on a Git remote.
    Commit = "commit";
    /// An export of Kubernetes objects.
    Export = "export";
    /// A backup made by Velero (V1).
    ClusterBackup = "cluster backup";
    /// A definition in code, applied again.
    Definition = "definition";
    /// The value of a record as it was last read (N2).
    RecordedValue = "recorded value";
}

impl PointKind {
    /// Returns the permission with which somebody can delete such a point.
    pub fn deleted_by(self) -> &'static str {
        match self {
            Self::PointInTime => "switch off continuous backup",
            Self::Snapshot | Self::SnapshotCopy => {
                "delete snapshots (rds:DeleteDBSnapshot, ec2:DeleteSnapshot)"
            }
            Self::ReplicatedBackup => "rds:DeleteDBInstanceAutomatedBackup",
            Self::Replica => "rds:DeleteDBInstance",
            Self::Image => "ec2:DeregisterImage",
            Self::ObjectVersions | Self::BucketReplica | Self::StateVersion => "s3:DeleteObjectVersion",
            Self::TableBackup => "dynamodb:DeleteBackup",
            Self::VaultPoint => "backup:DeleteRecoveryPoint",
            Self::Dump => "delete the file or object",
            Self::SearchSnapshot => "delete in the repository",
            Self::Commit => "push with force to the remote",
            Self::Export | Self::ClusterBackup => "delete in its bucket",
            Self::Definition => "push to its repository",
            Self::RecordedValue => "delete lifeboat's readings",
        }
    }
}

/// Which moment's data a point holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// Everything up to this moment.
    Until(Timestamp),
    /// Any moment of a window.
    Window {
        /// The earliest moment that can be restored.
        earliest: Timestamp,
        /// The latest moment that can be restored.
        latest: Timestamp,
    },
    /// Everything but the last `lag_s` before it was read: a replica.
    Behind {
        /// How far behind it was.
        #[serde(rename = "lag_s", with = "seconds")]
        #[schemars(with = "u64")]
        lag: Duration,
    },
    /// Any moment since this one: the newest version of a state, versions of objects that expire after some days.
    Since(Timestamp),
    /// Everything, at whatever moment: versions of objects, a commit that is deployed, a definition.
    Everything,
}

/// Whether the service that keeps a point says that it can be restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PointStatus {
    /// It can.
    Available,
    /// Not complete yet (E1 `pending`, D5 `CREATING`).
    Pending,
    /// Parts of it are missing (B2 `PARTIAL`).
    Partial,
    /// Continuous backup broke off (B2 `STOPPED`).
    Stopped,
    /// It should be gone and may go at any time (B2 `EXPIRED`).
    Expired,
    /// It failed; the service's reason.
    Failed(Text),
    /// A status this version does not know, as the service says it.
    Unrecognised(Text),
}

/// What keeps a point from being deleted, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// Vault lock, object lock, legal hold, snapshot lock.
    pub what: Text,
    /// Until when; `None` means until somebody lifts it.
    pub until: Option<Timestamp>,
    /// The permission with which it can be lifted; `None` where nobody can.
    #[serde(default)]
    pub lifted_by: Option<Text>,
}

/// That somebody read the point back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// When.
    pub at: Timestamp,
    /// Whether it was whole.
    pub whole: bool,
}

/// One recovery point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecoveryPoint {
    /// What it is called.
    pub id: PointId,
    /// What kind it is.
    pub kind: PointKind,
    /// Where it lies.
    pub place: Place,
    /// Which data it holds.
    pub holds: Holds,
    /// Whether its service says that it can be restored.
    pub status: PointStatus,
    /// The key that it needs, when it is encrypted with one of the user's.
    pub key: Option<KeyId>,
    /// The Region whose control plane a restore needs, when it is not the point's own (N4).
    pub control_plane: Option<Region>,
    /// How long it takes to become readable before a restore can start (E3, Glacier, DNS lifetimes N1).
    #[serde(rename = "retrieval_s", with = "seconds::option")]
    #[schemars(with = "Option<u64>")]
    pub retrieval: Option<Duration>,
    /// How large it is.
    pub size_bytes: Option<u64>,
    /// What keeps it from being deleted.
    pub hold: Option<Box<Hold>>,
    /// Whether it was read back.
    pub verified: Option<Verification>,
    /// What its bytes hash to, where they were read back: copies of one point have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Text>,
}

impl RecoveryPoint {
    /// Returns a plain, available point, to be changed where it differs.
    pub fn new(id: &str, kind: PointKind, place: Place, holds: Holds) -> Self {
        Self {
            id: id.into(),
            kind,
            place,
            holds,
            status: PointStatus::Available,
            key: None,
            control_plane: None,
            retrieval: None,
            size_bytes: None,
            hold: None,
            verified: None,
            digest: None,
        }
    }

    /// Returns the last moment, at or before `as_of`, whose data the point holds; `None` when it holds none of it. A
    /// point made after an outage began holds everything up to its beginning. `read_at` is when the point was read.
    pub fn moment(&self, as_of: Timestamp, read_at: Timestamp) -> Option<Timestamp> {
        match self.holds {
            Holds::Until(moment) => Some(moment.min(as_of)),
            Holds::Window { earliest, latest } => (earliest <= as_of).then_some(latest.min(as_of)),
            Holds::Behind { lag } => Some(duration::before(read_at, lag).min(as_of)),
            Holds::Since(earliest) => (earliest <= as_of).then_some(as_of),
            Holds::Everything => Some(as_of),
        }
    }

    /// Returns the newest moment, at or before `at`, to which the point can go back; `None` when all that it holds is
    /// newer. Unlike [`Self::moment`], what was made later does not count: somebody wants to be rid of what came after.
    pub fn back_to(&self, at: Timestamp, read_at: Timestamp) -> Option<Timestamp> {
        match self.holds {
            Holds::Until(moment) => (moment <= at).then_some(moment),
            Holds::Behind { lag } => Some(duration::before(read_at, lag)).filter(|moment| *moment <= at),
            Holds::Window { .. } | Holds::Since(_) | Holds::Everything => self.moment(at, read_at),
        }
    }

    /// Says who could delete it, and until when nobody can.
    pub fn deletable(&self, now: Timestamp) -> String {
        let Some(hold) = self.hold.as_deref().filter(|hold| hold.until.is_none_or(|until| until > now))
        else {
            return format!("by whoever may {}", self.kind.deleted_by());
        };
        let until = hold.until.map_or(String::new(), |until| {
            format!(" until {}", until.to_zoned(TimeZone::UTC).strftime("%d %b %Y %H:%M UTC"))
        });
        match &hold.lifted_by {
            Some(permission) => format!("only by whoever may {permission}{until}: {}", hold.what),
            None => format!("by nobody{until}: {}", hold.what),
        }
    }

    /// Returns the moment that tells whether protection still moves: the newest one the point itself names.
    pub fn mark(&self) -> Option<Timestamp> {
        match self.holds {
            Holds::Until(moment) => Some(moment),
            Holds::Window { latest, .. } => Some(latest),
            Holds::Behind { .. } | Holds::Since(_) | Holds::Everything => None,
        }
    }
}
