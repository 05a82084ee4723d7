//! Every recovery point of the estate with its worth under each failure, as small rows beside what was read.

use super::super::{JudgeRequest, Worth3};
use crate::collector::Snapshot;
use crate::domain::Text;
use crate::domain::estate::Estate;
use crate::domain::place::Place;
use crate::domain::readiness::{JudgedPoint, Moment, Source, Usability, WhyNot, judge_points, sources};
use crate::domain::reading::{Fact, ReadTrouble, Reading};
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::scope::FailureScope;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// The moment of a point that holds none.
pub const NO_MOMENT: i64 = i64::MIN;

/// Every point that was read, judged.
#[derive(Debug, Clone)]
pub struct Inventory {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) now: Timestamp,
    /// Who holds points: a component at a place.
    pub holders: Vec<Holder>,
    /// The points, by holder.
    pub entries: Vec<Entry>,
    reasons: Vec<Reason>,
}

/// A component's points at one place.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The number of the component in its estate.
    pub component: u32,
    /// The place.
    pub place: Place,
    /// The reading.
    pub reading: Option<Arc<Reading>>,
    /// Points that follow from a state instead of standing in the reading.
    derived: Option<Vec<RecoveryPoint>>,
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// Why it is not all there is, in words.
    pub why_not: Option<Text>,
    /// Whether it is only that it is still being read.
    pub unfinished: bool,
}

impl Holder {
    /// Returns its points.
    pub fn points(&self) -> &[RecoveryPoint] {
        if let Some(derived) = &self.derived {
            return derived;
        }
        match self.reading.as_ref().and_then(|reading| reading.held.as_ref()).map(|held| &held.fact) {
            Some(Fact::Points(points)) => points,
            _ => &[],
        }
    }
}

/// A point by its place in the inventory, and what it is worth. There may be a hundred thousand of them.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The number of its holder.
    pub holder: u32,
    /// Its number among the points of its holder.
    pub nth: u32,
    /// The moment that it would bring back, in seconds; [`NO_MOMENT`] for none.
    pub moment: i64,
    /// What it is worth under each failure: zero counts, else the number of the reason.
    worth: [u16; 3],
}

/// What kind of reason keeps a point from counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Flaw {
    /// It is no good, whatever is lost.
    Broken,
    /// It cannot be told.
    Unclear,
    /// It takes longer to become readable than the recovery may.
    Slow,
    /// It goes with what is lost.
    Lost,
}

#[derive(Debug, Clone)]
struct Reason {
    flaw: Flaw,
    says: Text,
}

/// Collects reasons once each.
#[derive(Default)]
struct Reasons {
    all: Vec<Reason>,
    known: HashMap<(Flaw, Text), u16>,
    last: Option<(Usability, bool, u16)>,
}

impl Reasons {
    fn number(&mut self, point: &JudgedPoint<'_>) -> u16 {
        if point.fresh && point.usability == Usability::Usable {
            return 0;
        }
        if let Some((usability, fresh, number)) = &self.last
            && *fresh == point.fresh
            && *usability == point.usability
        {
            return *number;
        }
        let (flaw, says) = match &point.usability {
            Usability::Usable => {
                (Flaw::Unclear, "it was read too long ago, or its place no longer answers".into())
            }
            Usability::Unclear(why) => (Flaw::Unclear, Text::new(&why.to_string())),
            Usability::Unusable(why) => (flaw(why), Text::new(&why.to_string())),
        };
        let next = u16::try_from(self.all.len() + 1).ok();
        let number = match (self.known.get(&(flaw, says.clone())), next) {
            (Some(number), _) => *number,
            // So many different reasons are a flood; the point is shown as what cannot be told, never as good.
            (None, None) => u16::MAX,
            (None, Some(next)) => {
                self.known.insert((flaw, says.clone()), next);
                self.all.push(Reason { flaw, says });
                next
            }
        };
        self.last = Some((point.usability.clone(), point.fresh, number));
        number
    }
}

fn flaw(why: &WhyNot) -> Flaw {
    match why {
        WhyNot::Lost(..) | WhyNot::ControlPlaneLost(_) | WhyNot::KeyInLostAccount(_) => Flaw::Lost,
        WhyNot::Key(..)
        | WhyNot::KeyUnread(..)
        | WhyNot::Status(_)
        | WhyNot::TooNew
        | WhyNot::NotVerified
        | WhyNot::NotWhole(_) => Flaw::Broken,
        WhyNot::TooSlow(..) => Flaw::Slow,
    }
}

impl Inventory {
    /// Judges every point of the estate.
    pub(super) fn of(request: &JudgeRequest) -> Self {
        let mut made = Self {
            snapshot: request.snapshot.clone(),
            now: request.now,
            holders: Vec::new(),
            entries: Vec::new(),
            reasons: Vec::new(),
        };
        let mut reasons = Reasons::default();
        for nth in 0..request.estate.components.len() {
            made.add(request, nth, &mut reasons);
        }
        made.entries.shrink_to_fit();
        made.reasons = reasons.all;
        made
    }

    fn add(&mut self, request: &JudgeRequest, nth: usize, reasons: &mut Reasons) {
        let (estate, readings) = (&request.estate, &request.snapshot.readings);
        let Some(component) = estate.components.get(nth) else { return };
        let moment = Moment::at(request.now);
        // Every place survives the local failure, so the three judgements run over the same points in the same order.
        let sources = sources(component, readings, &estate.cadences, FailureScope::Local, request.now);
        let first = self.entries.len();
        let base = u32::try_from(self.holders.len()).unwrap_or(u32::MAX);
        for (scope_nth, scope) in FailureScope::ALL.into_iter().enumerate() {
            let judged = judge_points(component, &sources, readings, &estate.cadences, scope, moment);
            let mut nth_of = vec![0u32; sources.len()];
            for (at, point) in judged.iter().enumerate() {
                let number = reasons.number(point);
                if scope_nth == 0 {
                    let counter = nth_of.get_mut(point.source);
                    let nth = counter.map_or(0, |counter| {
                        *counter += 1;
                        *counter - 1
                    });
                    self.entries.push(Entry {
                        holder: base.saturating_add(u32::try_from(point.source).unwrap_or(0)),
                        nth,
                        moment: point.moment.map_or(NO_MOMENT, Timestamp::as_second),
                        worth: [0; 3],
                    });
                }
                if let Some(worth) =
                    self.entries.get_mut(first + at).and_then(|entry| entry.worth.get_mut(scope_nth))
                {
                    *worth = number;
                }
            }
        }
        self.holders.extend(sources.into_iter().map(|source| holder(nth, source)));
    }

    /// Says whether it is of what was read and of the moment.
    pub(super) fn is_of(&self, request: &JudgeRequest) -> bool {
        Arc::ptr_eq(&self.snapshot, &request.snapshot) && self.now == request.now
    }

    /// Returns the point of an entry and who holds it.
    pub fn point(&self, entry: &Entry) -> Option<(&RecoveryPoint, &Holder)> {
        let holder = self.holders.get(usize::try_from(entry.holder).ok()?)?;
        Some((holder.points().get(usize::try_from(entry.nth).ok()?)?, holder))
    }

    /// Returns an entry by its number.
    pub fn entry(&self, number: u32) -> Option<&Entry> {
        self.entries.get(usize::try_from(number).ok()?)
    }

    /// Returns what an entry is worth under a failure.
    pub fn worth(&self, entry: &Entry, scope: FailureScope) -> Worth3 {
        match self.reason(entry, scope) {
            None => Worth3::Counts,
            Some((Flaw::Unclear, says)) => Worth3::Unclear(says),
            Some((Flaw::Broken | Flaw::Slow | Flaw::Lost, says)) => Worth3::Not(says),
        }
    }

    /// Returns the flaw of an entry under a failure; `None` when it counts.
    pub fn flaw(&self, entry: &Entry, scope: FailureScope) -> Option<Flaw> {
        let number = number(entry, scope)?;
        Some(self.reasons.get(number).map_or(Flaw::Unclear, |reason| reason.flaw))
    }

    fn reason(&self, entry: &Entry, scope: FailureScope) -> Option<(Flaw, Text)> {
        let number = number(entry, scope)?;
        let unknown = || (Flaw::Unclear, Text::from("there are too many reasons to keep"));
        Some(self.reasons.get(number).map_or_else(unknown, |reason| (reason.flaw, reason.says.clone())))
    }
}

/// Returns the number of the reason that keeps an entry from counting, from zero.
fn number(entry: &Entry, scope: FailureScope) -> Option<usize> {
    let nth = FailureScope::ALL.iter().position(|other| *other == scope)?;
    let number = entry.worth.get(nth).copied().unwrap_or(u16::MAX);
    usize::from(number).checked_sub(1)
}

fn holder(component: usize, source: Source<'_>) -> Holder {
    let unfinished = source.reading.is_none_or(|reading| {
        reading.lacking.iter().any(|lack| lack.why == ReadTrouble::Unfinished) && reading.failed.is_none()
    });
    let read_at = source.held.as_ref().map(|(_, held)| held.read_at);
    let is_points = matches!(source.held.as_ref().map(|(_, held)| &held.fact), Some(Fact::Points(_)));
    let derived = source.held.filter(|_| !is_points).map(|(points, _)| points.into_owned());
    Holder {
        component: u32::try_from(component).unwrap_or(u32::MAX),
        place: source.place.clone(),
        reading: source.reading.cloned(),
        derived,
        read_at,
        why_not: source.why_not,
        unfinished,
    }
}

/// Returns a component by its number.
pub(super) fn component(estate: &Estate, holder: &Holder) -> Option<usize> {
    usize::try_from(holder.component).ok().filter(|nth| *nth < estate.components.len())
}
