//! When a run will be done: its plan, where its steps stand, how long they usually take, and the critical path.
//!
//! A figure is a range, and is never better than what it comes from: a step that takes longer than ever pushes the end out
//! with every minute, and what has no figure at all leaves the end open.

use super::plan::{Plan, PlannedStep};
use super::schedule::{MANUAL, has_failed, stands_in_for};
use super::state::{Phase, RunState};
use crate::domain::Text;
use crate::domain::duration::{after, elapsed};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// When a run will be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Not before.
    pub earliest: Timestamp,
    /// Not after, unless something takes longer than it ever has.
    pub latest: Timestamp,
    /// The steps that decide, in their order: whatever delays one of them delays the end.
    pub critical: Vec<Text>,
    /// The steps left that nobody has ever measured, or that wait for people: the end is open.
    pub open: Vec<Text>,
    /// The steps that take longer than they ever have.
    pub late: Vec<Text>,
    /// When the component was promised to be back.
    pub deadline: Option<Timestamp>,
    /// When each step begins that has not begun: not before, and not after unless something takes longer than usual.
    pub begins: BTreeMap<Text, (Timestamp, Timestamp)>,
}

/// How a run stands to what was promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Nothing was promised.
    NoPromise,
    /// It will be done in time, with so much to spare at worst.
    InTime(Duration),
    /// It may be late, by so much at worst.
    MayMiss(Duration),
    /// It will be late, by so much at best.
    Misses(Duration),
    /// It may be done in time, but the end is open: so long it may wait for people.
    Open(Duration),
}

impl Forecast {
    /// Says how it stands to what was promised.
    pub fn course(&self) -> Course {
        let Some(deadline) = self.deadline else { return Course::NoPromise };
        if self.earliest > deadline {
            Course::Misses(elapsed(deadline, self.earliest))
        } else if self.latest > deadline {
            Course::MayMiss(elapsed(deadline, self.latest))
        } else if self.open.is_empty() {
            Course::InTime(elapsed(self.latest, deadline))
        } else {
            Course::Open(elapsed(self.latest, deadline))
        }
    }
}

/// When something begins or ends, at the earliest and at the latest.
#[derive(Debug, Clone, Copy)]
struct Range(Timestamp, Timestamp);

impl Range {
    fn at(at: Timestamp) -> Self {
        Self(at, at)
    }

    fn later(self, low: Duration, high: Duration) -> Self {
        Self(after(self.0, low), after(self.1, high))
    }
}

/// Says when a run will be done; `percents` is how far steps under way are, where their service says it.
pub fn forecast(plan: &Plan, state: &RunState, percents: &BTreeMap<Text, u8>, now: Timestamp) -> Forecast {
    let began = plan.since.or(state.agreed_at).or(state.opened_at).unwrap_or(now);
    let deadline = plan.promised_s.map(|promised| after(began, Duration::from_secs(promised)));
    let mut ends: BTreeMap<&Text, (Range, Option<&Text>)> = BTreeMap::new();
    let (mut open, mut late, mut begins) = (Vec::new(), Vec::new(), BTreeMap::new());
    for step in &plan.steps {
        let mut start = Range::at(now);
        let mut from = None;
        let stood_for = stands_in_for(plan, &step.id).map(|original| &original.id);
        // Where something stands in for what it needs, that is what it waits for.
        let stand_ins = step.needs.iter().filter(|need| has_failed(plan, state, need));
        let stand_ins = stand_ins.filter_map(|need| plan.step(need.as_str())?.otherwise.as_ref());
        for need in step.needs.iter().chain(stood_for).chain(stand_ins) {
            let Some((end, _)) = ends.get(need) else { continue };
            if end.1 >= start.1 && end.1 > now {
                from = Some(need);
            }
            start = Range(start.0.max(end.0), start.1.max(end.1));
        }
        if state.steps.get(&step.id).is_none_or(|known| known.phase == Phase::Waiting) {
            begins.insert(step.id.clone(), (start.0, start.1));
        }
        let end = ends_at(plan, state, step, start, percents, now, &mut open, &mut late);
        ends.insert(&step.id, (end.unwrap_or(start), from));
    }
    let last = ends.iter().max_by_key(|(_, (end, _))| (end.1, end.0)).map(|(id, _)| *id);
    let end = last.and_then(|id| ends.get(id)).map_or(Range::at(now), |(end, _)| *end);
    let earliest = ends.values().map(|(end, _)| end.0).max().unwrap_or(now).max(now);
    let mut critical = Vec::new();
    let mut at = last.filter(|_| end.1 > now);
    while let Some(id) = at {
        critical.push(id.clone());
        at = ends.get(id).and_then(|(_, from)| *from);
    }
    critical.reverse();
    Forecast { earliest, latest: end.1.max(earliest), critical, open, late, deadline, begins }
}

/// Returns when a step ends that begins at `start`; `None` where it does not count any more, or not yet.
#[expect(clippy::too_many_arguments, reason = "each is another part of what an end follows from")]
fn ends_at(
    plan: &Plan,
    state: &RunState,
    step: &PlannedStep,
    start: Range,
    percents: &BTreeMap<Text, u8>,
    now: Timestamp,
    open: &mut Vec<Text>,
    late: &mut Vec<Text>,
) -> Option<Range> {
    let known = state.steps.get(&step.id);
    let phase = known.map_or(Phase::Waiting, |known| known.phase);
    let holds: Duration = step.verify.iter().map(|check| Duration::from_secs(check.hold_s)).sum();
    let usual = step
        .takes
        .as_ref()
        .map(|takes| (Duration::from_secs(takes.low_s) + holds, Duration::from_secs(takes.high_s) + holds));
    let asks_people = step.uses == *MANUAL || step.gate && phase == Phase::AtGate;
    match phase {
        Phase::Succeeded | Phase::Skipped | Phase::NotNeeded | Phase::Undone => None,
        Phase::Failed | Phase::UndoFailed | Phase::Refused | Phase::InDoubt => {
            // Where something stands in for it, that is what counts.
            if step.otherwise.is_none() || phase != Phase::Failed {
                open.push(step.id.clone());
            }
            None
        }
        Phase::Waiting | Phase::AtGate => {
            let spare = stands_in_for(plan, &step.id).is_some_and(|of| !has_failed(plan, state, &of.id));
            if spare {
                return None;
            }
            let (low, high) = usual.unwrap_or((holds, holds));
            if asks_people || usual.is_none() && !step.calls.is_empty() {
                open.push(step.id.clone());
            }
            // What may turn out not to be needed takes nothing at best.
            let low = if step.when.is_some() { Duration::ZERO } else { low };
            Some(start.later(low, high))
        }
        Phase::Ready | Phase::Intended | Phase::Made | Phase::Arrived => {
            let began = known.and_then(|known| known.began_at).unwrap_or(now);
            let passed = elapsed(began, now);
            let (low, high) = left(usual, passed, percents.get(&step.id).copied());
            match usual {
                None if asks_people || !step.calls.is_empty() => open.push(step.id.clone()),
                Some((_, most)) if passed > most => late.push(step.id.clone()),
                _ => {}
            }
            Some(Range::at(now).later(low, high))
        }
    }
}

/// Returns how long a step that has taken `passed` still takes, at least and at most.
fn left(usual: Option<(Duration, Duration)>, passed: Duration, percent: Option<u8>) -> (Duration, Duration) {
    let by_usual = usual.map(|(low, high)| {
        // Longer than ever: a quarter more of what has passed, which grows with every minute.
        let least = if passed > high { passed / 4 } else { Duration::ZERO };
        (low.saturating_sub(passed), high.saturating_sub(passed).max(least))
    });
    // From a tenth on the service's own figure is better than what others took; it is not linear, so it is widened.
    let by_percent = percent.filter(|percent| (10..100).contains(percent)).map(|percent| {
        let rest = passed.mul_f64(f64::from(100 - percent) / f64::from(percent));
        (rest.mul_f64(0.6), rest.mul_f64(1.6))
    });
    match (by_percent, by_usual) {
        (Some(own), _) => own,
        (None, Some(usual)) => usual,
        (None, None) => (Duration::ZERO, Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runbook::event::Direction;
    use crate::runbook::plan::{Estimate, fixtures};

    fn minutes(count: u64) -> Duration {
        Duration::from_secs(count * 60)
    }

    fn step(id: &str, low: u64, high: u64, needs: &[&str]) -> PlannedStep {
        PlannedStep {
            takes: Some(Estimate { low_s: low * 60, high_s: high * 60, source: "a test".into() }),
            needs: needs.iter().map(|need| (*need).into()).collect(),
            ..fixtures::step(id, "rds:DeleteDBInstance")
        }
    }

    fn plan(promised: Option<u64>, steps: Vec<PlannedStep>) -> Plan {
        fixtures::plan(promised.map(|minutes| minutes * 60), steps)
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn begun(state: &mut RunState, id: &str, minute: i64) {
        let known = state.steps.get_mut(&Text::new(id)).unwrap();
        (known.phase, known.began_at, known.direction) = (Phase::Made, Some(at(minute)), Direction::Forward);
    }

    fn of(plan: &Plan) -> RunState {
        let mut state = RunState::of(plan);
        state.agreed_at = Some(at(0));
        state
    }

    #[test]
    fn the_longest_way_decides() {
        let plan = plan(
            Some(60),
            vec![
                step("a", 10, 20, &[]),
                step("short", 1, 2, &["a"]),
                step("long", 10, 30, &["a"]),
                step("end", 1, 1, &["short", "long"]),
            ],
        );
        let found = forecast(&plan, &of(&plan), &BTreeMap::new(), at(0));
        assert_eq!((found.earliest, found.latest), (at(21), at(51)));
        assert_eq!(found.critical, ["a", "long", "end"].map(Text::new));
        assert_eq!(found.course(), Course::InTime(minutes(9)));
    }

    #[test]
    fn that_it_will_be_late_is_said_before_it_is() {
        let plan = plan(Some(30), vec![step("a", 10, 20, &[]), step("b", 5, 10, &["a"])]);
        let mut state = of(&plan);
        begun(&mut state, "a", 0);
        let course = |minute| forecast(&plan, &state, &BTreeMap::new(), at(minute)).course();
        assert_eq!(course(5), Course::InTime(Duration::ZERO));
        // It takes longer than it ever has: the end moves away while there is still time.
        let said = (0..30).find(|minute| !matches!(course(*minute), Course::InTime(_)));
        assert_eq!(said, Some(21));
        let certain = (0..60).find(|minute| matches!(course(*minute), Course::Misses(_)));
        assert_eq!(certain, Some(26));
        assert_eq!(forecast(&plan, &state, &BTreeMap::new(), at(25)).late, [Text::new("a")]);
    }

    #[test]
    fn what_the_service_says_counts_more_than_what_is_usual() {
        let plan = plan(None, vec![step("a", 10, 20, &[])]);
        let mut state = of(&plan);
        begun(&mut state, "a", 0);
        let percents = BTreeMap::from([(Text::new("a"), 25)]);
        let found = forecast(&plan, &state, &percents, at(20));
        assert_eq!((found.earliest, found.latest), (at(20 + 36), at(20 + 96)));
        assert_eq!(found.course(), Course::NoPromise);
    }

    #[test]
    fn what_waits_for_people_leaves_the_end_open() {
        let ask =
            PlannedStep { uses: "manual".into(), takes: None, calls: Vec::new(), ..step("ask", 1, 1, &[]) };
        let plan = plan(Some(60), vec![ask, step("b", 5, 10, &["ask"])]);
        let found = forecast(&plan, &of(&plan), &BTreeMap::new(), at(0));
        assert_eq!(
            (found.open.as_slice(), found.course()),
            ([Text::new("ask")].as_slice(), Course::Open(at(0).duration_until(at(50)).unsigned_abs()))
        );
    }

    #[test]
    fn what_stands_in_counts_only_when_it_is_needed() {
        let mut first = step("restart", 1, 5, &[]);
        first.otherwise = Some("relaunch".into());
        let plan =
            plan(Some(60), vec![first, step("relaunch", 10, 30, &[]), step("check", 1, 1, &["restart"])]);
        let mut state = of(&plan);
        assert_eq!(forecast(&plan, &state, &BTreeMap::new(), at(0)).latest, at(6));
        state.steps.get_mut(&Text::new("restart")).unwrap().phase = Phase::Failed;
        assert_eq!(forecast(&plan, &state, &BTreeMap::new(), at(0)).latest, at(31));
    }
}
