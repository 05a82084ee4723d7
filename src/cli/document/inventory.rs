//! `points`, `locks` and `states`: what there is to recover from, and what stands in the way.

use super::{Head, head, text};
use crate::cli::wire::Judged;
use crate::domain::Text;
use crate::domain::duration::elapsed;
use crate::domain::lock::{Evidence, Lock};
use crate::domain::place::Place;
use crate::domain::readiness::{Usability, judge_points, sources};
use crate::domain::reading::{Capability, Fact, Reading, Subject};
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::scope::FailureScope;
use crate::domain::state::{StateHistory, StateTrouble};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// `points`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PointsDocument {
    /// What every document begins with.
    pub head: Head,
    /// Every point, by component, the newest first.
    pub points: Vec<PointStatusDocument>,
    /// Reads that brought none.
    pub missing: Vec<MissingRead>,
}

/// A point and what it is worth under each failure.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PointStatusDocument {
    /// The component.
    pub component: Text,
    /// The point.
    pub point: RecoveryPoint,
    /// The moment that it would bring back.
    pub moment: Option<Timestamp>,
    /// When it was read.
    pub read_at: Timestamp,
    /// Whether that reading can be relied on.
    pub fresh: bool,
    /// Whether it counts, by failure: true, false, or null where that cannot be told.
    pub usable: BTreeMap<FailureScope, Option<bool>>,
    /// Why it does not count, by failure.
    pub why_not: BTreeMap<FailureScope, Text>,
}

/// A read that brought nothing that can be relied on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MissingRead {
    /// The component.
    pub component: Text,
    /// Where it was asked.
    pub place: Place,
    /// Why.
    pub why: Text,
}

/// Returns the document of `points` for the components that `wanted` accepts.
pub fn points(judged: &Judged, wanted: impl Fn(&str) -> bool) -> PointsDocument {
    let (estate, readings, moment) = (&judged.estate, &judged.snapshot.readings, judged.moment);
    let mut document = PointsDocument { head: head(judged), points: Vec::new(), missing: Vec::new() };
    for component in estate.components.iter().filter(|component| wanted(component.id.as_str())) {
        let local = sources(component, readings, &estate.cadences, FailureScope::Local, moment.now);
        for source in local.iter().filter(|source| !source.whole) {
            document.missing.push(MissingRead {
                component: text(&component.id),
                place: source.place.clone(),
                why: source.why_not.clone().unwrap_or_default(),
            });
        }
        // All places survive the local failure, so the three judgements run over the same points in the same order.
        let judge = |scope| judge_points(component, &local, readings, &estate.cadences, scope, moment);
        let [nearest, region, account] = FailureScope::ALL.map(judge);
        let mut rows: Vec<_> = nearest
            .into_iter()
            .zip(region)
            .zip(account)
            .map(|((local, region), account)| {
                let mut row = PointStatusDocument {
                    component: text(&component.id),
                    moment: local.moment,
                    read_at: local.read_at,
                    fresh: local.fresh,
                    usable: BTreeMap::new(),
                    why_not: BTreeMap::new(),
                    point: local.point.into_owned(),
                };
                let each = [local.usability, region.usability, account.usability];
                for (scope, usability) in FailureScope::ALL.into_iter().zip(each) {
                    let (usable, why) = match usability {
                        Usability::Usable => (Some(true), None),
                        Usability::Unusable(why) => (Some(false), Some(why)),
                        Usability::Unclear(why) => (None, Some(why)),
                    };
                    row.usable.insert(scope, usable);
                    row.why_not.extend(why.map(|why| (scope, text(why))));
                }
                row
            })
            .collect();
        rows.sort_by(|a, b| b.moment.cmp(&a.moment).then_with(|| a.point.id.cmp(&b.point.id)));
        document.points.extend(rows);
    }
    document
}

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
    /// The component.
    pub component: Text,
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
    let readings = &judged.snapshot.readings;
    let mut document = LocksDocument { head: head(judged), locks: Vec::new(), missing: Vec::new() };
    for (component, place, reading) in of_capability(judged, Capability::Locks) {
        if let Some(failed) = &reading.failed {
            document.missing.push(MissingRead {
                component: component.clone(),
                place: place.clone(),
                why: text(&failed.why),
            });
        }
        let Some(held) = &reading.held else { continue };
        let Fact::Locks(locks) = &held.fact else { continue };
        let state = readings.of(&component.as_str().into(), place, Capability::States);
        let state = state.and_then(|reading| reading.held.as_ref()).and_then(|held| match &held.fact {
            Fact::State(state) => Some(state),
            _ => None,
        });
        for lock in locks {
            let age = lock.created_at.map(|at| elapsed(at, judged.moment.now).as_secs());
            document.locks.push(LockStatus {
                component: component.clone(),
                lock: lock.clone(),
                age_s: age,
                evidence: lock.evidence(state, judged.moment.now),
                read_at: held.read_at,
            });
        }
    }
    document.locks.sort_by_key(|lock| lock.lock.created_at);
    document
}

fn of_capability(judged: &Judged, capability: Capability) -> impl Iterator<Item = (Text, &Place, &Reading)> {
    judged.snapshot.readings.iter().filter_map(move |(key, reading)| match &key.subject {
        Subject::Component(id, place) if key.capability == capability => {
            judged.estate.component(id).map(|component| (text(&component.id), place, reading.as_ref()))
        }
        _ => None,
    })
}

/// `states`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatesDocument {
    /// What every document begins with.
    pub head: Head,
    /// Every state, where it lies and where its replicas lie.
    pub states: Vec<StateStatus>,
    /// Reads that failed.
    pub missing: Vec<MissingRead>,
}

/// A state with its versions.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StateStatus {
    /// The component.
    pub component: Text,
    /// Where it lies.
    pub place: Place,
    /// What is wrong with it, as Terraform would find it.
    pub trouble: Option<Text>,
    /// The state.
    pub state: StateHistory,
    /// When it was read.
    pub read_at: Timestamp,
}

/// Returns the document of `states`.
pub fn states(judged: &Judged) -> StatesDocument {
    let mut document = StatesDocument { head: head(judged), states: Vec::new(), missing: Vec::new() };
    for (component, place, reading) in of_capability(judged, Capability::States) {
        if let Some(failed) = &reading.failed {
            document.missing.push(MissingRead {
                component: component.clone(),
                place: place.clone(),
                why: text(&failed.why),
            });
        }
        let Some(held) = &reading.held else { continue };
        let Fact::State(state) = &held.fact else { continue };
        let trouble = state.trouble().map(|trouble| match trouble {
            StateTrouble::WouldRebuildEverything => "would rebuild everything".into(),
            StateTrouble::Unreadable(form) => text(form.words()),
            StateTrouble::DigestMismatch => "digest mismatch".into(),
        });
        document.states.push(StateStatus {
            component,
            place: place.clone(),
            trouble,
            state: state.clone(),
            read_at: held.read_at,
        });
    }
    document
}
