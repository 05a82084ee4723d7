//! The assessment: whether each component could be recovered right now, and at what loss.
//!
//! [`assess`] is a pure function of an estate, its readings and a moment. It judges each component for each
//! [`FailureScope`]; [`troubles`] adds what stands in the way. What must stay true: unknown never looks better than
//! known, a point that does not survive a failure never counts for it, and more age never improves a verdict.

mod composite;
mod cursor;
mod finding;
mod loss;
mod sentence;
mod terraform;
mod time;
mod trouble;
mod usable;
mod verdict;

pub use cursor::{Cursor, CursorRow, recover_to};
pub use finding::findings;
pub use loss::{BestPoint, Loss, RpoJudgement};
pub use sentence::{Tally, headline, tally};
pub use terraform::{LockSeen, StateSeen, locks_seen, state_troubles, states_seen};
pub use time::{RecoveryTime, RtoJudgement};
pub use trouble::{Severity, Trouble, TroubleCode, troubles};
pub use usable::{JudgedPoint, Source, Usability, WhyNot, judge_points, sources};
pub use verdict::Verdict;

use super::dependency;
use super::estate::{Component, Estate};
use super::ids::ComponentId;
use super::kind::Kind;
use super::place::Place;
use super::proof::{self, Proof};
use super::reading::{Capability, Fact, Readings};
use super::scope::FailureScope;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// When the assessment is made, and when the clock of the outage started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// When the outage began; nothing was written after it, so losses are counted up to it.
    pub since: Option<Timestamp>,
}

impl Moment {
    /// Returns the moment without an outage.
    pub fn at(now: Timestamp) -> Self {
        Self { now, since: None }
    }

    /// Returns the moment up to which data would have been written.
    pub fn as_of(self) -> Timestamp {
        self.since.map_or(self.now, |since| since.min(self.now))
    }
}

/// The judgement of one component under one failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// The component.
    pub component: ComponentId,
    /// The failure.
    pub scope: FailureScope,
    /// The worse of the two verdicts below.
    pub verdict: Verdict,
    /// How much would be lost.
    pub rpo: RpoJudgement,
    /// How long recovery would take.
    pub rto: RtoJudgement,
    /// When the oldest of the readings behind it was read; `None` when nothing was read.
    pub read_at: Option<Timestamp>,
}

/// All judgements of an estate: by component, one for each failure in the order of [`FailureScope::ALL`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assessments(BTreeMap<ComponentId, [Assessment; 3]>);

impl Assessments {
    /// Returns the judgement of `component` under `scope`.
    pub fn of(&self, component: &ComponentId, scope: FailureScope) -> Option<&Assessment> {
        self.0.get(component).and_then(|all| all.iter().find(|assessment| assessment.scope == scope))
    }

    /// Returns all judgements under `scope`, ordered by name.
    pub fn under(&self, scope: FailureScope) -> impl Iterator<Item = &Assessment> {
        self.0.values().flat_map(move |all| all.iter().filter(move |assessment| assessment.scope == scope))
    }
}

/// Judges every component of `estate` under every failure.
pub fn assess(estate: &Estate, readings: &Readings, moment: Moment) -> Assessments {
    let by_id = estate.by_id();
    let graph: dependency::Graph<'_> = estate
        .components
        .iter()
        .map(|component| {
            let needs = component.depends_on.iter().chain(&component.members);
            (&component.id, needs.filter(|id| by_id.contains_key(id)).collect())
        })
        .collect();
    // A file with a circle does not load; should one ever get here, its members stay unjudged, hence unknown.
    let order = dependency::order(&graph).unwrap_or_default();
    let mut judged = Assessments::default();
    for id in order {
        let Some(component) = by_id.get(id) else { continue };
        let all = FailureScope::ALL.map(|scope| match component.kind {
            Kind::Service | Kind::Group => {
                composite::assess(component, scope, &by_id, &judged, readings, moment)
            }
            _ => assess_one(estate, component, scope, readings, moment),
        });
        judged.0.insert(component.id.clone(), all);
    }
    judged
}

fn assess_one(
    estate: &Estate,
    component: &Component,
    scope: FailureScope,
    readings: &Readings,
    moment: Moment,
) -> Assessment {
    let sources = sources(component, readings, &estate.cadences, scope, moment.now);
    let points = judge_points(component, &sources, readings, &estate.cadences, scope, moment);
    let proofs = proofs(component, readings);
    let objective = component.objectives.of(scope);
    let rpo = loss::judge(component, objective, scope, &sources, &points, moment);
    // What would be restored from another Region is measured by drills of that, not by those at home.
    let measured = rpo.best.as_ref().map_or(scope, |best| measured_scope(component, &best.place, scope));
    let proof = proof::newest(&proofs, measured);
    let rto = time::judge(component, objective.rto, &rpo, proof, moment.now);
    let read_at =
        sources.iter().filter_map(|source| source.held.as_ref().map(|(_, held)| held.read_at)).min();
    Assessment {
        component: component.id.clone(),
        scope,
        verdict: rpo.verdict.worse(rto.verdict),
        rpo,
        rto,
        read_at,
    }
}

/// Returns the failure whose drills measure a restore from `place`.
fn measured_scope(component: &Component, place: &Place, scope: FailureScope) -> FailureScope {
    if scope == FailureScope::Local && leaves_home(component, place) { FailureScope::Region } else { scope }
}

/// Says whether a point lies in another Region of AWS than its component; code and DNS lie in none.
fn leaves_home(component: &Component, place: &Place) -> bool {
    !component.kind.is_code() && component.kind != Kind::DnsRecord && place.region != component.home.region
}

/// Returns every measured recovery of `component`: those of the estate file and those that were read.
pub fn proofs(component: &Component, readings: &Readings) -> Vec<Proof> {
    let mut all = component.proofs.clone();
    if let Some(reading) = readings.of(&component.id, &component.home, Capability::Proofs)
        && let Some(held) = &reading.held
        && let Fact::Proofs(read) = &held.fact
    {
        all.extend(read.iter().cloned());
    }
    all
}
