//! Readings: values with their source and age, and what is known when a read fails.

use super::Text;
use super::condition::{Condition, Identity, KeyPlace, KeyState};
use super::duration::elapsed;
use super::estate::Component;
use super::ids::{BackendName, ComponentId, EnvironmentName};
use super::lock::Lock;
use super::place::Place;
use super::proof::Proof;
use super::recovery_point::RecoveryPoint;
use super::state::StateHistory;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

/// What one read asked for. Each has its own cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// The recovery points of a component.
    Points,
    /// The state of the component itself.
    Condition,
    /// The locks on a Terraform state.
    Locks,
    /// The versions and digest of a Terraform state.
    States,
    /// Whether a key can decrypt.
    Keys,
    /// Who we are.
    Identity,
    /// Measured recoveries.
    Proofs,
}

impl Capability {
    /// All capabilities.
    pub const ALL: [Self; 7] =
        [Self::Points, Self::Condition, Self::Locks, Self::States, Self::Keys, Self::Identity, Self::Proofs];

    /// How often it is read where the estate does not say otherwise.
    pub fn cadence(self) -> Duration {
        Duration::from_secs(match self {
            Self::Locks => 30,
            Self::Condition | Self::Identity => 60,
            Self::Points => 300,
            Self::Keys | Self::States | Self::Proofs => 900,
        })
    }

    /// Returns the words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Points => "recovery points",
            Self::Condition => "condition",
            Self::Locks => "locks",
            Self::States => "state versions",
            Self::Keys => "key",
            Self::Identity => "identity",
            Self::Proofs => "measured recoveries",
        }
    }
}

/// What a read is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A component, asked at one place.
    Component(ComponentId, Place),
    /// All states of a backend, asked at one place.
    Backend(BackendName, Place),
    /// One state of a backend, by its key, asked at one place.
    State(BackendName, Text, Place),
    /// A key.
    Key(KeyPlace),
    /// An environment.
    Environment(EnvironmentName),
}

/// The name of one reading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ReadingKey {
    /// What it is about.
    pub subject: Subject,
    /// What was asked.
    pub capability: Capability,
}

/// What a read brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// Recovery points.
    Points(Vec<RecoveryPoint>),
    /// The state of a component.
    Condition(Condition),
    /// Locks.
    Locks(Vec<Lock>),
    /// A Terraform state.
    State(StateHistory),
    /// All states of a backend, each with its newest version only, ordered by path.
    States(Vec<StateHistory>),
    /// A key.
    Key(KeyState),
    /// Who we are.
    Identity(Identity),
    /// Measured recoveries.
    Proofs(Vec<Proof>),
}

impl Fact {
    /// Returns the moment that tells whether what protects a component still moves.
    fn mark(&self) -> Option<Timestamp> {
        match self {
            Self::Points(points) => points.iter().filter_map(RecoveryPoint::mark).max(),
            _ => None,
        }
    }
}

/// Why a read failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadTrouble {
    /// The permission that is missing. It says nothing about whether the resource is there (C1).
    Denied {
        /// Such as `rds:DescribeDBSnapshots`.
        permission: Text,
        /// The caller that lacks it.
        identity: Text,
    },
    /// The service asks us to slow down.
    Throttled,
    /// No answer in time.
    TimedOut,
    /// Nothing answers there.
    Unreachable,
    /// The credentials ended.
    CredentialsExpired,
    /// It is still being read: what there is came with the first pages.
    Unfinished,
    /// Anything else, in the service's words.
    Other(Text),
}

impl fmt::Display for ReadTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { permission, identity } => write!(f, "denied: {permission} as {identity}"),
            Self::Throttled => f.write_str("throttled"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Unreachable => f.write_str("not reachable"),
            Self::CredentialsExpired => f.write_str("credentials expired"),
            Self::Unfinished => f.write_str("still being read"),
            Self::Other(says) => says.fmt(f),
        }
    }
}

/// A value that was read, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// The value.
    pub fact: Fact,
    /// When it was read.
    pub read_at: Timestamp,
    /// Since when the newest moment in it has been the same; equal to `read_at` when it just moved.
    pub unmoved_since: Timestamp,
}

/// The last attempt, when it failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failed {
    /// When it failed.
    pub at: Timestamp,
    /// Why.
    pub why: ReadTrouble,
}

/// A part of a value that could not be read. What was read is true without it, but it may not be everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lack {
    /// The call that would have brought it, such as `backup:ListProtectedResources`.
    pub source: Text,
    /// Why it did not.
    pub why: ReadTrouble,
}

/// The last value that was read, and the failure of the last attempt, if it failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// The call that brought it, such as `rds:DescribeDBSnapshots`.
    pub source: Text,
    /// The last value, however old.
    pub held: Option<Held>,
    /// Why there is no newer one.
    pub failed: Option<Failed>,
    /// What is missing from the last value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<Lack>,
}

/// What a reading is worth at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth<'a> {
    /// It can be relied on.
    Fresh(&'a Held),
    /// It cannot: the last attempt failed, or it is too old. The last value, if there is one.
    Stale(Option<&'a Held>),
}

impl Reading {
    /// Returns the reading after a successful attempt at `at`, keeping what `previous` knew of movement.
    pub fn succeeded(previous: Option<&Self>, source: &str, fact: Fact, at: Timestamp) -> Self {
        let mark = fact.mark();
        let unmoved_since = previous
            .and_then(|previous| previous.held.as_ref())
            .filter(|held| mark.is_some() && held.fact.mark() == mark)
            .map_or(at, |held| held.unmoved_since);
        let held = Some(Held { fact, read_at: at, unmoved_since });
        Self { source: source.into(), held, failed: None, lacking: Vec::new() }
    }

    /// Returns the reading with what is missing from it.
    pub fn lacking(mut self, lacking: Vec<Lack>) -> Self {
        self.lacking = lacking;
        self
    }

    /// Returns the reading after a failed attempt at `at`, keeping the last value of `previous`.
    pub fn missed(previous: Option<&Self>, source: &str, why: ReadTrouble, at: Timestamp) -> Self {
        let held = previous.and_then(|previous| previous.held.clone());
        let lacking = previous.map_or_else(Vec::new, |previous| previous.lacking.clone());
        Self { source: source.into(), held, failed: Some(Failed { at, why }), lacking }
    }

    /// Returns when it was last attempted.
    pub fn attempted_at(&self) -> Option<Timestamp> {
        let read_at = self.held.as_ref().map(|held| held.read_at);
        read_at.max(self.failed.as_ref().map(|failed| failed.at))
    }

    /// Returns what it is worth at `now`, when values older than `stale_after` are not relied on.
    pub fn worth(&self, now: Timestamp, stale_after: Duration) -> Worth<'_> {
        match &self.held {
            Some(held) if self.failed.is_none() && elapsed(held.read_at, now) <= stale_after => {
                Worth::Fresh(held)
            }
            held => Worth::Stale(held.as_ref()),
        }
    }
}

/// How often things are read, and from what age a value is not relied on any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cadences(BTreeMap<Capability, Duration>);

impl Cadences {
    /// A value older than this many cadences is not relied on.
    pub const STALE_AFTER: u32 = 3;

    /// Sets the cadence of `capability`.
    pub fn set(&mut self, capability: Capability, every: Duration) {
        self.0.insert(capability, every);
    }

    /// Returns how often `capability` is read.
    pub fn of(&self, capability: Capability) -> Duration {
        self.0.get(&capability).copied().unwrap_or_else(|| capability.cadence())
    }

    /// Returns the age from which a value of `capability` is not relied on.
    pub fn stale_after(&self, capability: Capability) -> Duration {
        self.of(capability) * Self::STALE_AFTER
    }
}

/// Everything that was read of an estate; cheap to clone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readings(BTreeMap<ReadingKey, Arc<Reading>>);

impl Readings {
    /// Returns the reading named so.
    pub fn get(&self, key: &ReadingKey) -> Option<&Arc<Reading>> {
        self.0.get(key)
    }

    /// Returns the reading of a component at a place.
    pub fn of(
        &self,
        component: &ComponentId,
        place: &Place,
        capability: Capability,
    ) -> Option<&Arc<Reading>> {
        let subject = Subject::Component(component.clone(), place.clone());
        self.0.get(&ReadingKey { subject, capability })
    }

    /// Says whether points of a component are still being read somewhere, so that there may be more of them.
    pub fn is_unfinished(&self, component: &Component) -> bool {
        component.sources.iter().any(|place| {
            let reading = self.of(&component.id, place, Capability::Points);
            reading
                .is_some_and(|reading| reading.lacking.iter().any(|lack| lack.why == ReadTrouble::Unfinished))
        })
    }

    /// Puts a reading in, unless a newer attempt is already there.
    pub fn put(&mut self, key: ReadingKey, reading: Arc<Reading>) {
        let newer = self.0.get(&key).is_some_and(|known| known.attempted_at() > reading.attempted_at());
        if !newer {
            self.0.insert(key, reading);
        }
    }

    /// Keeps only the readings that `wanted` accepts.
    pub fn retain(&mut self, wanted: impl Fn(&ReadingKey) -> bool) {
        self.0.retain(|key, _| wanted(key));
    }

    /// Returns all readings, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&ReadingKey, &Arc<Reading>)> {
        self.0.iter()
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Says whether nothing was read yet.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
