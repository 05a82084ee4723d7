//! `locks` and `states`: what Terraform keeps, and what stands in its way.

use super::{Head, MissingRead, head, text};
use crate::cli::wire::Judged;
use crate::domain::Text;
use crate::domain::duration::elapsed;
use crate::domain::lock::{Evidence, Lock};
use crate::domain::place::Place;
use crate::domain::readiness::{locks_seen, state_troubles, states_seen};
use crate::domain::reading::{Capability, Subject};
use crate::domain::state::compare::ResourceChange;
use crate::domain::state::{ReplicaStatus, StateHistory};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// `locks`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LocksDocument {
    /// What every document begins with.
    pub head: Head,
    /// Every lock, the oldest first.
    pub locks: Vec<LockStatus>,
    /// Reads that failed.
    pub missing: Vec<MissingRead>,
}

/// A lock with what speaks for and against its being stale.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LockStatus {
    /// The component; null where the estate does not name the state as one.
    pub component: Option<Text>,
    /// The backend; null where the estate names none that holds the state.
    pub backend: Option<Text>,
    /// Where it was found.
    pub place: Place,
    /// The lock.
    pub lock: Lock,
    /// Its age, where its record says when it was taken.
    pub age_s: Option<u64>,
    /// What is known. Age alone never makes a lock stale.
    pub evidence: Evidence,
    /// When it was read.
    pub read_at: Timestamp,
}

/// Returns the document of `locks`.
pub fn locks(judged: &Judged) -> LocksDocument {
    let (estate, readings, now) = (&judged.estate, &judged.snapshot.readings, judged.moment.now);
    let seen = locks_seen(estate, readings, now).into_iter().map(|seen| LockStatus {
        component: seen.component.map(text),
        backend: seen.backend.map(text),
        place: seen.place.clone(),
        lock: seen.lock.clone(),
        age_s: seen.lock.created_at.map(|at| elapsed(at, now).as_secs()),
        evidence: seen.evidence,
        read_at: seen.reading.held.as_ref().map_or(Timestamp::MIN, |held| held.read_at),
    });
    LocksDocument { head: head(judged), locks: seen.collect(), missing: missing(judged, Capability::Locks) }
}

/// Returns the reads of `capability` that failed, or brought less than there is.
fn missing(judged: &Judged, capability: Capability) -> Vec<MissingRead> {
    let mut all = Vec::new();
    for (key, reading) in judged.snapshot.readings.iter().filter(|(key, _)| key.capability == capability) {
        let (name, place) = match &key.subject {
            Subject::Component(id, place) => (text(id), place),
            Subject::Backend(name, place) => (text(format!("backend {name}")), place),
            _ => continue,
        };
        let whys = reading.failed.iter().map(|failed| text(&failed.why));
        let lacks = reading.lacking.iter().map(|lack| text(format!("{}: {}", lack.source, lack.why)));
        all.extend(whys.chain(lacks).map(|why| MissingRead {
            component: name.clone(),
            place: place.clone(),
            why,
        }));
    }
    all
}

/// `states`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatesDocument {
    /// What every document begins with.
    pub head: Head,
    /// Every state, where it lies and where its replicas lie, ordered by path.
    pub states: Vec<StateStatus>,
    /// Reads that failed.
    pub missing: Vec<MissingRead>,
}

/// A state with its versions.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StateStatus {
    /// The component; null where the estate does not name it as one.
    pub component: Option<Text>,
    /// The backend; null where the estate names none that holds it.
    pub backend: Option<Text>,
    /// Where it lies.
    pub place: Place,
    /// Whether it is the replica of another.
    pub is_replica: bool,
    /// What is wrong with it and with its replica, the worst first.
    pub troubles: Vec<StateTroubleStatus>,
    /// How its replica stands to it, where there is one.
    pub replica: Option<ReplicaStatus>,
    /// The state: all versions where it was looked at, else the newest.
    pub state: StateHistory,
    /// Why a version cannot be put back, by its id.
    pub not_restorable: std::collections::BTreeMap<Text, Text>,
    /// When it was read.
    pub read_at: Timestamp,
}

/// Something that is wrong with a state.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StateTroubleStatus {
    /// What kind of trouble it is.
    pub code: Text,
    /// One sentence with its figures.
    pub says: Text,
}

/// Returns the document of `states` for the paths that `wanted` accepts.
pub fn states(judged: &Judged, wanted: impl Fn(&StateStatus) -> bool) -> StatesDocument {
    let (estate, readings, now) = (&judged.estate, &judged.snapshot.readings, judged.moment.now);
    let seen = states_seen(estate, readings).into_iter().map(|seen| StateStatus {
        component: seen.component.map(text),
        backend: seen.backend.map(text),
        place: seen.place.clone(),
        is_replica: seen.is_replica,
        troubles: { state_troubles(&seen, now).into_iter() }
            .map(|(_, code, says)| StateTroubleStatus { code: code.name().into(), says: Text::new(&says) })
            .collect(),
        not_restorable: { seen.state.versions.iter() }
            .filter_map(|version| {
                let why = seen.state.why_not_restored(version)?;
                Some((version.version_id.clone(), Text::new(&why)))
            })
            .collect(),
        replica: seen.replica,
        state: seen.state.clone(),
        read_at: seen.reading.held.as_ref().map_or(Timestamp::MIN, |held| held.read_at),
    });
    StatesDocument {
        head: head(judged),
        states: seen.filter(wanted).collect(),
        missing: missing(judged, Capability::States),
    }
}

/// `states PATH --compare OLDER NEWER`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ComparisonDocument {
    /// What every document begins with.
    pub head: Head,
    /// The state.
    pub path: Text,
    /// The id of the older version.
    pub before: Text,
    /// The id of the newer version.
    pub after: Text,
    /// What differs, by address. Values of sensitive attributes are masked, always.
    pub changes: Vec<ResourceChange>,
}
