//! What the time axis of a component shows: its points by place, what happened to it, and how much of time is seen.

use super::super::JudgeRequest;
use super::inventory::{Holder, Inventory};
use crate::domain::Text;
use crate::domain::duration::elapsed;
use crate::domain::estate::Component;
use crate::domain::ids::ComponentId;
use crate::domain::lock::Lock;
use crate::domain::place::Place;
use crate::domain::reading::{Capability, Fact, Subject};
use crate::domain::recovery_point::{Holds, PointKind};
use crate::domain::scope::FailureScope;
use crate::domain::state::StateHistory;
use jiff::Timestamp;

/// A span that an axis can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// How long it is, in seconds.
    pub length_s: i64,
    /// How far a step of the time cursor goes, in seconds.
    pub step_s: i64,
    /// How far its labels are apart, in seconds.
    pub tick_s: i64,
    /// Its length in words.
    pub words: &'static str,
}

const fn span(length_s: i64, step_s: i64, tick_s: i64, words: &'static str) -> Span {
    Span { length_s, step_s, tick_s, words }
}

/// The spans, the shortest first.
pub const SPANS: [Span; 6] = [
    span(3_600, 60, 600, "1 h"),
    span(21_600, 300, 3_600, "6 h"),
    span(86_400, 900, 14_400, "24 h"),
    span(604_800, 7_200, 86_400, "7 d"),
    span(2_592_000, 21_600, 432_000, "30 d"),
    span(31_536_000, 259_200, 5_184_000, "1 y"),
];

/// A fitting span shows at least so many of the newest points.
const SEEN: usize = 8;

/// The time axis of a component. Times are in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// Whose.
    pub component: ComponentId,
    /// One line for each place, the nearest first.
    pub lines: Vec<TimelineLine>,
    /// What happened, the newest first.
    pub events: Vec<Event>,
}

/// The points of a place.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineLine {
    /// Where.
    pub place: Place,
    /// Whether the component lives in that account.
    pub is_own_account: bool,
    /// Points of one moment, the oldest first.
    pub marks: Vec<Mark>,
    /// Points that hold any moment of a time.
    pub bars: Vec<Bar>,
    /// From when on to when no point was made although one was promised.
    pub gaps: Vec<(i64, i64)>,
    /// Why it is not all there is.
    pub why_not: Option<Text>,
}

/// A point of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: i64,
    /// For which failures it counts, in the order of [`FailureScope::ALL`].
    pub counts: [bool; 3],
    /// Whether it is a replica, which moves along with time.
    pub is_replica: bool,
}

/// A point that holds any moment of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// Since when.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// For which failures it counts.
    pub counts: [bool; 3],
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSort {
    /// Something went wrong.
    Incident,
    /// A lock was taken.
    Lock,
    /// Something answered for the last time.
    Silence,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: i64,
    /// What it is.
    pub sort: EventSort,
    /// What happened, in a few words.
    pub says: Text,
}

impl Timeline {
    /// Returns the axis of a component.
    pub(super) fn of(request: &JudgeRequest, inventory: &Inventory, id: &ComponentId) -> Option<Self> {
        let components = &request.estate.components;
        let nth = components.iter().position(|component| component.id == *id)?;
        let component = components.get(nth)?;
        let mut lines = Vec::new();
        let mut places = Vec::new();
        for (number, holder) in inventory.holders.iter().enumerate() {
            if usize::try_from(holder.component) == Ok(nth) {
                lines.push(line(component, holder));
                places.push(u32::try_from(number).unwrap_or(u32::MAX));
            }
        }
        let now = request.now.as_second();
        // The entries of a component stand together.
        let first = inventory.entries.partition_point(|entry| Some(&entry.holder) < places.first());
        for entry in inventory.entries.iter().skip(first) {
            let Some(at) = places.iter().position(|place| *place == entry.holder) else { break };
            let (Some(line), Some((point, holder))) = (lines.get_mut(at), inventory.point(entry)) else {
                continue;
            };
            let counts = FailureScope::ALL.map(|scope| inventory.flaw(entry, scope).is_none());
            line.put(point.kind, point.holds, counts, holder.read_at.unwrap_or(request.now), now);
        }
        for line in &mut lines {
            line.marks.sort_unstable_by_key(|mark| mark.at);
        }
        if let (Some(line), Some(every)) = (lines.first_mut(), component.cadence) {
            let every = i64::try_from(every.as_secs()).unwrap_or(i64::MAX);
            line.gaps = gaps(line, every, now);
        }
        let mut events = events(request, component, inventory, &places);
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        Some(Self { component: id.clone(), lines, events })
    }

    /// Returns the number of the shortest span that shows the newest points.
    pub fn fitting(&self, now: i64) -> usize {
        let mut moments: Vec<i64> = self
            .lines
            .iter()
            .flat_map(|line| line.marks.iter().rev().take(SEEN))
            .map(|mark| mark.at)
            .collect();
        moments.sort_unstable_by_key(|at| std::cmp::Reverse(*at));
        let marked = moments.get(SEEN - 1).or(moments.last()).copied();
        let bars = || self.lines.iter().flat_map(|line| &line.bars).map(|bar| bar.from);
        // What holds every moment there ever was says nothing of how far to look.
        let Some(oldest) = marked.or_else(|| bars().filter(|from| *from > i64::MIN).max()) else { return 2 };
        let age = now.saturating_sub(oldest);
        let fits = SPANS.iter().position(|span| span.length_s >= age).unwrap_or(SPANS.len() - 1);
        fits.max(1)
    }

    /// Returns every moment at which something is, in order.
    pub fn moments(&self) -> Vec<i64> {
        let mut all: Vec<i64> = self.events.iter().map(|event| event.at).collect();
        for line in &self.lines {
            all.extend(line.marks.iter().map(|mark| mark.at));
            all.extend(line.bars.iter().flat_map(|bar| [bar.from, bar.to]));
        }
        all.sort_unstable();
        all.dedup();
        all
    }
}

fn line(component: &Component, holder: &Holder) -> TimelineLine {
    TimelineLine {
        place: holder.place.clone(),
        is_own_account: holder.place.account == component.home.account,
        marks: Vec::new(),
        bars: Vec::new(),
        gaps: Vec::new(),
        why_not: holder.why_not.clone(),
    }
}

impl TimelineLine {
    fn put(&mut self, kind: PointKind, holds: Holds, counts: [bool; 3], read_at: Timestamp, now: i64) {
        let mut mark = |at: i64, is_replica| self.marks.push(Mark { at, counts, is_replica });
        match holds {
            Holds::Until(at) => mark(at.as_second(), false),
            // A version of a state was written at one moment and holds until the next.
            Holds::Window { earliest, .. } | Holds::Since(earliest) if kind == PointKind::StateVersion => {
                mark(earliest.as_second(), false);
            }
            Holds::Behind { lag } => {
                let lag = i64::try_from(lag.as_secs()).unwrap_or(i64::MAX);
                mark(read_at.as_second().saturating_sub(lag), true);
            }
            Holds::Window { earliest, latest } => {
                self.bars.push(Bar { from: earliest.as_second(), to: latest.as_second(), counts });
            }
            Holds::Since(earliest) => self.bars.push(Bar { from: earliest.as_second(), to: now, counts }),
            Holds::Everything => self.bars.push(Bar { from: i64::MIN, to: now, counts }),
        }
    }
}

/// Returns the times without a point that are longer than the cadence and a quarter of it.
fn gaps(line: &TimelineLine, every: i64, now: i64) -> Vec<(i64, i64)> {
    let grace = every.saturating_add(every / 4);
    let marks = || line.marks.iter().filter(|mark| !mark.is_replica).map(|mark| mark.at);
    let next = marks().skip(1).chain(std::iter::once(now));
    let open = |from: &i64, to: &i64| {
        !line.bars.iter().any(|bar| bar.from <= *from && bar.to >= to.saturating_sub(grace))
    };
    marks().zip(next).filter(|(from, to)| to - from > grace && open(from, to)).collect()
}

fn events(
    request: &JudgeRequest,
    component: &Component,
    inventory: &Inventory,
    places: &[u32],
) -> Vec<Event> {
    let readings = &request.snapshot.readings;
    let mut events = Vec::new();
    let mut put = |at: Timestamp, sort: EventSort, says: String| {
        events.push(Event { at: at.as_second(), sort, says: Text::new(&says) });
    };
    let condition = readings.of(&component.id, &component.home, Capability::Condition);
    if let Some(Fact::Condition(condition)) =
        condition.and_then(|reading| reading.held.as_ref()).map(|held| &held.fact)
    {
        for incident in &condition.incidents {
            put(incident.at, EventSort::Incident, format!("{}: {}", incident.code, incident.says));
        }
    }
    for (key, reading) in readings.iter() {
        let Subject::Component(id, _) = &key.subject else { continue };
        let Some(held) = reading.held.as_ref().filter(|_| *id == component.id) else { continue };
        match &held.fact {
            Fact::Locks(locks) => {
                for Lock { created_at, who, store, .. } in locks {
                    if let Some(at) = created_at {
                        let who = who.as_ref().map_or(String::new(), |who| format!(" by {who}"));
                        put(*at, EventSort::Lock, format!("locked{who}, {}", store.words()));
                    }
                }
            }
            Fact::State(StateHistory { lock_turns, .. }) => {
                for turn in lock_turns.iter().filter(|turn| turn.until.is_some()) {
                    let who = turn.who.as_ref().map_or(String::new(), |who| format!(" by {who}"));
                    put(turn.from, EventSort::Lock, format!("locked and released{who}"));
                }
            }
            _ => {}
        }
    }
    for holder in places.iter().filter_map(|nth| inventory.holders.get(usize::try_from(*nth).ok()?)) {
        let failed = holder.reading.as_ref().and_then(|reading| reading.failed.as_ref());
        if let (Some(failed), Some(read_at)) = (failed, holder.read_at) {
            let quiet = crate::domain::duration::age_words(elapsed(read_at, request.now));
            let says = format!("{}: {}; last read {quiet} ago", holder.place.region, failed.why);
            put(read_at, EventSort::Silence, says);
        }
    }
    events
}
