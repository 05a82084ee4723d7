//! The world as its file holds it.

use super::deeds::{Deeds, Effect};
use super::fault::{FaultId, FaultSpec};
use super::store::SESSION_LEFT;
use crate::domain::Text;
use crate::domain::condition::KeyState;
use crate::domain::duration::{after, seconds};
use crate::domain::ids::{ComponentId, EnvironmentName, KeyId, Region};
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::proof::Proof;
use crate::domain::reading::{Capability, ReadTrouble};
use crate::domain::recovery_point::{Hold, PointKind};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The version of the file's format.
pub(super) const VERSION: u32 = 3;

/// A simulated estate with a clock of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct World {
    /// The format's version.
    pub version: u32,
    /// When the world was made, as a name: no two worlds that lay in one file have the same.
    pub born: Text,
    /// The scenario.
    pub scenario: Text,
    /// The seed.
    pub seed: u64,
    /// Its clock.
    pub clock: WorldClock,
    /// When the world began; what a scenario does begins then.
    pub began: Timestamp,
    /// What there is, by component.
    pub resources: BTreeMap<ComponentId, Resource>,
    /// What happens.
    pub events: Vec<Event>,
    /// What goes wrong with calls.
    pub faults: Vec<Planted>,
    /// What acts have done to it: from the log beside the file.
    #[serde(skip)]
    pub deeds: Deeds,
}

/// A fault in the world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planted {
    /// Which of its faults it is.
    pub id: FaultId,
    /// What goes wrong, and with which calls.
    pub spec: FaultSpec,
}

/// A clock that runs faster or slower than real time, or stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WorldClock {
    /// A moment of real time,
    pub real: Timestamp,
    /// the moment of the world at that time,
    pub virtual_time: Timestamp,
    /// and how many of its seconds pass in a real one.
    pub speed: f64,
}

impl WorldClock {
    /// Returns the world's time when it is `real` outside.
    pub fn at(&self, real: Timestamp) -> Timestamp {
        let passed = real.duration_since(self.real).as_secs_f64().max(0.0) * self.speed;
        let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or(SignedDuration::MAX);
        self.virtual_time.checked_add(passed).unwrap_or(Timestamp::MAX)
    }
}

/// Something in the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    /// What it is.
    pub kind: Kind,
    /// What its service calls it.
    pub name: Text,
    /// The tag by which the estate finds it.
    pub tag: Option<(Text, Text)>,
    /// The environment it belongs to.
    pub environment: EnvironmentName,
    /// Where it lives.
    pub home: Place,
    /// What protects it.
    pub protections: Vec<Protection>,
    /// Its settings, of which a restore would drop some.
    pub settings: BTreeMap<Text, Text>,
    /// Since when it has existed.
    pub created_at: Timestamp,
    /// Its size when the world began.
    pub size_bytes: u64,
    /// Recoveries that were measured.
    pub proofs: Vec<Proof>,
    /// For a state: what is in it.
    pub state: Option<StateWorld>,
    /// Locks on it.
    pub locks: Vec<LockWorld>,
    /// Reads of it that are denied, with the permission that is missing.
    pub denied: BTreeMap<Capability, Text>,
    /// What is wrong with its keys, by Region.
    pub keys: BTreeMap<Region, (KeyId, KeyState)>,
    /// Objects that somebody deleted: when, how many, under which prefix.
    pub deleted: Option<(Timestamp, u64, Text)>,
}

/// How something is protected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Protection {
    /// What kind of points it makes.
    pub kind: PointKind,
    /// Where they lie.
    pub place: Place,
    /// How they come about.
    pub rhythm: Rhythm,
    /// The key they need.
    pub key: Option<KeyId>,
    /// How long they take to become readable.
    #[serde(with = "seconds::option")]
    pub retrieval: Option<Duration>,
    /// What keeps them from being deleted.
    pub hold: Option<Hold>,
    /// Whether each is read back after it was made.
    pub verified: bool,
    /// Whether they vanish with the component (R10).
    pub dies_with_component: bool,
    /// When it stopped.
    pub stopped_at: Option<Timestamp>,
    /// How many days ago points are missing.
    pub missing_days: Vec<u64>,
    /// The size of the newest point, in per cent of what it should be.
    pub newest_percent: Option<u64>,
}

/// How recovery points come about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Rhythm {
    /// A window that reaches back so far and ends a little before now.
    Window {
        /// How far back.
        #[serde(with = "seconds")]
        reach: Duration,
    },
    /// A replica that is so far behind.
    Replica {
        /// How far.
        #[serde(with = "seconds")]
        lag: Duration,
    },
    /// Everything, always.
    Everything,
    /// A point in every period.
    Every {
        /// The period.
        #[serde(with = "seconds")]
        period: Duration,
        /// When in the period.
        #[serde(with = "seconds")]
        offset: Duration,
        /// How long after its moment a point is complete.
        #[serde(with = "seconds")]
        ready_after: Duration,
        /// How long it is kept, where no rules say more.
        #[serde(with = "seconds")]
        keep: Duration,
        /// Retention rules, as they are written.
        rules: Vec<Text>,
    },
}

/// A Terraform state of the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateWorld {
    /// Bucket and key.
    pub path: Text,
    /// Its workspace, where it is not the default one.
    pub workspace: Option<Text>,
    /// How often it is written.
    #[serde(with = "seconds")]
    pub period: Duration,
    /// How many versions are kept.
    pub versions: u64,
    /// Whether a lock table keeps digests.
    pub has_digest: bool,
    /// Whether the digest row is wrong.
    pub digest_wrong: bool,
    /// Its lineage.
    pub lineage: Text,
    /// How many resources it describes.
    pub resources: u64,
    /// When it was last written, if it is not written any more.
    pub stopped_at: Option<Timestamp>,
}

/// A lock of the world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LockWorld {
    /// When it was taken.
    pub since: Timestamp,
    /// The operation.
    pub operation: Text,
    /// The holder.
    pub who: Text,
    /// Its ID.
    pub id: Text,
    /// Whether the holder still writes the state.
    pub living: bool,
}

/// Something that happens from a moment on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// From when.
    pub at: Timestamp,
    /// What.
    pub what: Happening,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Happening {
    /// A Region answers nothing any more.
    RegionLost(Region),
    /// A component and its automated backups are deleted.
    Deleted(ComponentId),
    /// Somebody writes half a state.
    StateCorrupted(ComponentId),
    /// A run dies and leaves its lock.
    LockLeft(ComponentId),
    /// Objects are deleted under a prefix.
    ObjectsDeleted(ComponentId),
    /// A place throttles a kind of read.
    Throttled(Place),
    /// The session of an environment ends soon after.
    SessionEnds(EnvironmentName),
    /// A place takes questions and never answers.
    Hung(Place),
    /// A place answers every question with this trouble.
    Fails(Place, ReadTrouble),
}

impl World {
    /// Returns since when `happens` has been true at `now`.
    pub fn since(&self, now: Timestamp, happens: impl Fn(&Happening) -> bool) -> Option<Timestamp> {
        self.events.iter().find(|event| event.at <= now && happens(&event.what)).map(|event| event.at)
    }

    /// Says whether a place takes questions at `now` and never answers.
    pub fn hangs(&self, place: &Place, now: Timestamp) -> bool {
        self.since(now, |what| matches!(what, Happening::Hung(at) if at == place)).is_some()
    }

    /// Returns the trouble with which a place answers every question at `now`.
    pub fn fails(&self, place: &Place, now: Timestamp) -> Option<ReadTrouble> {
        let begun = |event: &&Event| event.at <= now;
        self.events.iter().filter(begun).find_map(|event| match &event.what {
            Happening::Fails(at, why) if at == place => Some(why.clone()),
            _ => None,
        })
    }

    /// Returns when the session of an environment ends that nobody renewed; `None` where it renews itself.
    pub fn session_ends(&self, environment: &EnvironmentName, now: Timestamp) -> Option<Timestamp> {
        let since = self.events.iter().skip(self.deeds.renewed(environment));
        let begun = since.filter(|event| event.at <= now);
        let ended =
            begun.filter(|event| matches!(&event.what, Happening::SessionEnds(name) if name == environment));
        ended.map(|event| after(event.at, SESSION_LEFT)).min()
    }

    /// Returns the acting calls that were carried out, in their order.
    pub fn effects(&self) -> &[Effect] {
        self.deeds.effects()
    }

    /// Returns since when a Region has been lost at `now`.
    pub fn region_lost(&self, region: &Region, now: Timestamp) -> Option<Timestamp> {
        self.since(now, |what| matches!(what, Happening::RegionLost(lost) if lost == region))
    }
}
