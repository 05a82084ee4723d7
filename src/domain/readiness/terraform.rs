//! Terraform states and locks across components and backends: each once, with what is wrong and what speaks for what.

use super::trouble::{Severity, Trouble, TroubleCode};
use crate::domain::Text;
use crate::domain::backend::Backend;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::estate::{Component, Estate};
use crate::domain::ids::{BackendName, ComponentId, EnvironmentName};
use crate::domain::kind::Kind;
use crate::domain::lock::{Around, Evidence, Lock};
use crate::domain::place::Place;
use crate::domain::reading::{Capability, Fact, Reading, ReadingKey, Readings, Subject};
use crate::domain::state::{ReplicaStatus, StateHistory, StateTrouble, compare_replica};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// How far a replica may be behind before it is told of: S3 copies most objects within 15 minutes (S5).
const REPLICATION: Duration = Duration::from_secs(15 * 60);
/// From how many states of a backend with the same trouble on they are told of together: a lock table that was restored
/// makes every digest wrong (T8).
const MANY: usize = 4;

/// A state, as the best reading of it tells.
#[derive(Debug, Clone, PartialEq)]
pub struct StateSeen<'a> {
    /// The state.
    pub state: &'a StateHistory,
    /// Where it lies.
    pub place: &'a Place,
    /// The environment it belongs to.
    pub environment: &'a EnvironmentName,
    /// The component that it is, where the estate names it.
    pub component: Option<&'a ComponentId>,
    /// The backend that it belongs to, where the estate names it.
    pub backend: Option<&'a BackendName>,
    /// Whether it is a replica of another.
    pub is_replica: bool,
    /// How its replica stands to it, where there is one.
    pub replica: Option<ReplicaStatus>,
    /// The reading that tells.
    pub reading: &'a Reading,
}

/// A lock with what speaks for and against its holder being gone.
#[derive(Debug, Clone, PartialEq)]
pub struct LockSeen<'a> {
    /// The lock.
    pub lock: &'a Lock,
    /// Where it lies.
    pub place: &'a Place,
    /// The environment it belongs to.
    pub environment: &'a EnvironmentName,
    /// The component that it locks, where the estate names it.
    pub component: Option<&'a ComponentId>,
    /// The backend that it belongs to, where the estate names it.
    pub backend: Option<&'a BackendName>,
    /// What is known.
    pub evidence: Evidence,
    /// The reading that tells.
    pub reading: &'a Reading,
}

/// How much a reading tells of a state: one that looked at the state itself goes before one that listed a backend.
fn depth(key: &ReadingKey) -> u8 {
    match key.subject {
        Subject::State(..) => 2,
        Subject::Component(..) => 1,
        _ => 0,
    }
}

type Found<'a> = BTreeMap<(&'a str, &'a Place), (u8, &'a ReadingKey, &'a Reading, &'a StateHistory)>;

/// Returns every state that is known, by path and place, each by the reading that tells most of it.
pub fn states_seen<'a>(estate: &'a Estate, readings: &'a Readings) -> Vec<StateSeen<'a>> {
    let mut found: Found<'a> = BTreeMap::new();
    for (key, reading) in readings.iter().filter(|(key, _)| key.capability == Capability::States) {
        let (Some(place), Some(held)) = (place_of(key), &reading.held) else { continue };
        let states = match &held.fact {
            Fact::State(state) => std::slice::from_ref(state),
            Fact::States(states) => states.as_slice(),
            _ => continue,
        };
        let depth = depth(key);
        // Without a path there is no state: nothing is replicated there.
        for state in states.iter().filter(|state| !state.path.is_empty()) {
            let known = found.get(&(state.path.as_str(), place));
            if known.is_none_or(|(other, ..)| *other < depth) {
                found.insert((state.path.as_str(), place), (depth, key, reading, state));
            }
        }
    }
    let owners = Owners::of(estate);
    let mut seen = Vec::with_capacity(found.len());
    for ((path, place), (_, key, reading, state)) in &found {
        let Some(owner) = owners.owner(key, path, place) else { continue };
        let replica = replica_of(&found, &owner, place, state, readings);
        seen.push(StateSeen {
            state,
            place,
            environment: owner.environment,
            component: owner.component,
            backend: owner.backend.map(|backend| &backend.name),
            is_replica: owner.is_replica,
            replica,
            reading,
        });
    }
    seen
}

/// Whose states and locks are.
struct Owners<'a> {
    estate: &'a Estate,
    components: BTreeMap<(String, &'a Place), &'a Component>,
}

struct Owner<'a> {
    environment: &'a EnvironmentName,
    component: Option<&'a ComponentId>,
    backend: Option<&'a Backend>,
    is_replica: bool,
}

impl<'a> Owners<'a> {
    fn of(estate: &'a Estate) -> Self {
        let mut components = BTreeMap::new();
        for component in estate.components.iter().filter(|component| component.kind == Kind::TerraformState) {
            for place in &component.sources {
                if let Some(address) = estate.state_address(component, place) {
                    components.insert((address.path(), place), component);
                }
            }
        }
        Self { estate, components }
    }

    fn owner(&self, key: &'a ReadingKey, path: &str, place: &'a Place) -> Option<Owner<'a>> {
        let (bucket, name) = path.split_once('/').unwrap_or((path, ""));
        let backend = match &key.subject {
            Subject::Backend(name, _) | Subject::State(name, ..) => self.estate.backend(name),
            _ => self.estate.backend_of(place, bucket, name),
        };
        let component = match &key.subject {
            Subject::Component(id, _) => self.estate.component(id),
            _ => self.components.get(&(path.to_owned(), place)).copied(),
        };
        let environment = component.map(|component| &component.environment);
        let home = component.map(|component| &component.home).or(backend.map(|backend| &backend.home))?;
        Some(Owner {
            environment: environment.or(backend.map(|backend| &backend.environment))?,
            component: component.map(|component| &component.id),
            backend,
            is_replica: home != place,
        })
    }
}

fn place_of(key: &ReadingKey) -> Option<&Place> {
    match &key.subject {
        Subject::Component(_, place) | Subject::Backend(_, place) | Subject::State(_, _, place) => {
            Some(place)
        }
        _ => None,
    }
}

fn replica_of(
    found: &Found<'_>,
    owner: &Owner<'_>,
    place: &Place,
    state: &StateHistory,
    readings: &Readings,
) -> Option<ReplicaStatus> {
    let backend = owner.backend.filter(|_| !owner.is_replica)?;
    let replica = backend.replica.as_ref().filter(|replica| replica.place != *place)?;
    let key = state.path.as_str().split_once('/')?.1;
    let path = format!("{}/{key}", replica.bucket);
    if let Some((.., there)) = found.get(&(path.as_str(), &replica.place)) {
        return Some(compare_replica(state, Some(there)));
    }
    // Only a whole list shows that something is not in it.
    let subject = Subject::Backend(backend.name.clone(), replica.place.clone());
    let listed = readings.get(&ReadingKey { subject, capability: Capability::States })?;
    let whole = listed.held.is_some() && listed.failed.is_none() && listed.lacking.is_empty();
    whole.then(|| compare_replica(state, None))
}

/// Returns every lock that is known, the oldest first.
pub fn locks_seen<'a>(estate: &'a Estate, readings: &'a Readings, now: Timestamp) -> Vec<LockSeen<'a>> {
    let states = states_seen(estate, readings);
    let by_path: BTreeMap<_, _> =
        states.iter().map(|seen| ((seen.state.path.as_str(), seen.place), seen.state)).collect();
    let mut found = Vec::new();
    let mut all = Vec::new();
    for (key, reading) in readings.iter().filter(|(key, _)| key.capability == Capability::Locks) {
        let (Some(place), Some(held)) = (place_of(key), &reading.held) else { continue };
        let Fact::Locks(locks) = &held.fact else { continue };
        found.extend(locks.iter().map(|lock| (key, reading, place, lock)));
        all.extend(locks.iter().cloned());
    }
    let owners = Owners::of(estate);
    let mut seen = Vec::with_capacity(found.len());
    for (key, reading, place, lock) in found {
        let path = lock.path.as_str();
        let Some(owner) = owners.owner(key, path, place) else { continue };
        let both = owner.backend.is_some_and(|backend| {
            backend.lockfile && backend.at(place).is_some_and(|(_, table)| table.is_some())
        });
        let around = Around { state: by_path.get(&(path, place)).copied(), locks: &all, both };
        seen.push(LockSeen {
            lock,
            place,
            environment: owner.environment,
            component: owner.component,
            backend: owner.backend.map(|backend| &backend.name),
            evidence: lock.evidence(around, now),
            reading: reading.as_ref(),
        });
    }
    seen.sort_by_key(|seen| (seen.lock.created_at, seen.lock.path.clone(), seen.lock.store));
    seen
}

/// Returns what is wrong with states and who holds locks.
pub(super) fn troubles(estate: &Estate, readings: &Readings, now: Timestamp) -> Vec<Trouble> {
    let mut all = Vec::new();
    // What is alike in many states of one backend, told once.
    let mut alike: BTreeMap<(&EnvironmentName, &BackendName, TroubleCode), Vec<Trouble>> = BTreeMap::new();
    for seen in states_seen(estate, readings) {
        for (severity, code, says) in state_troubles(&seen, now) {
            let at = seen.state.current().map(|version| version.written_at);
            let says = match seen.component {
                Some(_) => says,
                None => format!("{}: {says}", seen.state.path),
            };
            let trouble = trouble(severity, code, seen.environment, seen.component, at, &says);
            match (seen.component, seen.backend) {
                (None, Some(backend)) => {
                    alike.entry((seen.environment, backend, code)).or_default().push(trouble);
                }
                _ => all.push(trouble),
            }
        }
    }
    for ((environment, backend, code), troubles) in alike {
        let (Some(first), true) = (troubles.first(), troubles.len() >= MANY) else {
            all.extend(troubles);
            continue;
        };
        let says = format!("{} states of the backend {backend}, among them {}", troubles.len(), first.says);
        all.push(trouble(first.severity, code, environment, None, first.at, &says));
    }
    for seen in locks_seen(estate, readings, now) {
        let (severity, says) = of_lock(&seen, now);
        let says = match seen.component {
            Some(_) => says,
            None => format!("{}: {says}", seen.lock.path),
        };
        let at = seen.lock.created_at;
        all.push(trouble(severity, TroubleCode::StateLocked, seen.environment, seen.component, at, &says));
    }
    for backend in &estate.backends {
        if let Some(replica) = backend.replica.as_ref().filter(|_| backend.lock_table.is_some()) {
            let says = format!(
                "the backend {} and its replica in {} have different locks: who works in one is not kept apart from who \
                 works in the other",
                backend.name, replica.place.region
            );
            let code = TroubleCode::LocksApart;
            all.push(trouble(Severity::Note, code, &backend.environment, None, None, &says));
        }
    }
    all
}

fn trouble(
    severity: Severity,
    code: TroubleCode,
    environment: &EnvironmentName,
    component: Option<&ComponentId>,
    at: Option<Timestamp>,
    says: &str,
) -> Trouble {
    Trouble {
        severity,
        code,
        environment: environment.clone(),
        component: component.cloned(),
        scope: None,
        at,
        says: Text::new(says),
    }
}

impl StateTrouble {
    /// Returns the documented name of this trouble.
    pub fn code(&self) -> TroubleCode {
        match self {
            Self::WouldRebuildEverything => TroubleCode::WouldRebuildEverything,
            Self::Unreadable(_) => TroubleCode::StateUnreadable,
            Self::DigestMismatch { .. } => TroubleCode::DigestMismatch,
            Self::DigestDangling => TroubleCode::DigestDangling,
            Self::LineageChanged => TroubleCode::LineageChanged,
            Self::SerialWentBack { .. } => TroubleCode::SerialWentBack,
            Self::SerialUsedTwice(_) => TroubleCode::SerialUsedTwice,
        }
    }
}

/// Returns what is wrong with one state and with its replica.
pub fn state_troubles(seen: &StateSeen<'_>, now: Timestamp) -> Vec<(Severity, TroubleCode, String)> {
    let mut said = Vec::new();
    if !seen.is_replica {
        said.extend(seen.state.troubles().into_iter().map(|trouble| {
            let severity = match trouble {
                StateTrouble::SerialWentBack { .. } | StateTrouble::SerialUsedTwice(_) => Severity::Warning,
                _ => Severity::Alarm,
            };
            (severity, trouble.code(), trouble.says())
        }));
    }
    let there = |code, severity, says: String| (severity, code, format!("its replica: {says}"));
    said.extend(match &seen.replica {
        Some(ReplicaStatus::Behind { since }) if elapsed(*since, now) > REPLICATION => {
            let says =
                format!("what was written in the last {} is not there", age_words(elapsed(*since, now)));
            Some(there(TroubleCode::ReplicaBehind, Severity::Warning, says))
        }
        Some(ReplicaStatus::Lacks) => {
            Some(there(TroubleCode::ReplicaLacks, Severity::Warning, "it has no such state".to_owned()))
        }
        Some(ReplicaStatus::SplitBrain { why }) => {
            Some(there(TroubleCode::SplitBrain, Severity::Alarm, why.to_string()))
        }
        _ => None,
    });
    said
}

fn of_lock(seen: &LockSeen<'_>, now: Timestamp) -> (Severity, String) {
    let lock = seen.lock;
    let who = lock.who.as_ref().map_or("an unknown holder", Text::as_str);
    let operation = lock.operation.as_ref().map_or("an unknown operation", Text::as_str);
    let age = lock
        .created_at
        .map_or("for an unknown time".to_owned(), |at| format!("for {}", age_words(elapsed(at, now))));
    let mut says = format!("locked {age} by {who} ({operation}, {})", lock.store.words());
    for sentence in seen.evidence.living.iter().chain(&seen.evidence.stale) {
        says.push_str("; ");
        says.push_str(sentence.as_str());
    }
    let severity = if seen.evidence.living.is_empty() { Severity::Warning } else { Severity::Note };
    (severity, says)
}
