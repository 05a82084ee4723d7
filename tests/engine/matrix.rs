//! The crash matrix: an executor dies at every point there is, once, twice and three times over, for every way of telling
//! whether a call has happened, forward and back. Nothing may happen twice, nothing that was acknowledged may be lost,
//! and every run must come to rest.

use super::disk::{Dice, SimDisk};
use super::rig::{Case, DieAt, End, Ends, Rig, campaign, in_virtual_time};
use super::world::Fault;
use lifeboat::action::{Action, Design, Deviation, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use lifeboat::engine::fault::POINTS;
use lifeboat::provider::port::{BoxFuture, CallTrouble, Look};
use lifeboat::runbook::about::About;
use lifeboat::runbook::call::Call;
use lifeboat::runbook::event::{Direction, Rest};
use lifeboat::runbook::plan::{PlannedCall, PlannedStep};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// The points in the world itself, beside those of the engine.
const OUTSIDE: [&str; 3] = ["request-lost", "reply-lost", "applied-late"];

/// Cells that nothing can reach: point, way of telling, direction, and why.
const UNREACHABLE: &[(&[&str], &str, Direction, &str)] = &[(
    &[
        "intent-unwritten",
        "intent-written",
        "intent-durable",
        "call-leaving",
        "call-answered",
        "outcome-unwritten",
        "outcome-written",
        "outcome-durable",
        "probe-asked",
        "probe-answered",
        "observed-durable",
        "progress-seen",
        "arrived-written",
        "request-lost",
        "reply-lost",
        "applied-late",
    ],
    "no return",
    Direction::Undo,
    "a failover is not taken back, so no call of it ever leaves",
)];

/// The least number of times that each cell is reached.
const LEAST: u64 = 20;

fn points() -> Vec<&'static str> {
    POINTS.iter().chain(&OUTSIDE).copied().collect()
}

/// What a run of the matrix is to be.
#[derive(Debug, Clone)]
pub(crate) struct Deaths {
    pub(crate) case: Case,
    pub(crate) direction: Direction,
    pub(crate) three: bool,
    /// Where it dies, one after another, and at which passing.
    pub(crate) at: Vec<(&'static str, u64)>,
    pub(crate) seed: u64,
    pub(crate) deferred: bool,
    pub(crate) blind: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Came {
    pub(crate) hits: Vec<&'static str>,
    pub(crate) wrong: Vec<String>,
}

/// Says whether somebody must be in doubt before this point is passed.
fn needs_doubt(point: &str) -> bool {
    matches!(point, "probe-asked" | "probe-answered" | "observed-durable")
}

pub(crate) async fn die(deaths: &Deaths) -> Came {
    let Deaths { case, direction, three, seed, .. } = *deaths;
    let mut dice = Dice::new(seed);
    let mut came = Came::default();
    let mut rig = Rig::of_case(case, three).await;
    if deaths.deferred {
        rig.disk = SimDisk::with(&rig.plan.bytes(), true, true);
        rig.world.watch(rig.disk.clone());
    }
    if deaths.blind {
        rig.actions = Arc::new(blind);
    }
    if dice.hits(50) {
        rig.world.hide(Duration::from_secs(dice.below(301)));
    }
    rig.agree();
    if direction == Direction::Undo {
        if let Err(why) = rig.finish(Rest::Finished).await {
            came.wrong.push(format!("forward: {why}"));
            return came;
        }
        rig.undo(None);
    }
    let lead = deaths.at.first().is_some_and(|(point, _)| needs_doubt(point));
    let mut at = deaths.at.clone();
    if lead {
        // In a plan of three steps the call in question is a later one.
        at.insert(0, ("call-answered", 1));
    }
    for (nth, (point, times)) in at.iter().enumerate() {
        let secs = dice.below(31);
        let fault = match *point {
            "request-lost" => Some(Fault::DieLost),
            "reply-lost" => Some(Fault::DieApplied),
            "applied-late" => Some(Fault::DieLate(Duration::from_secs(secs))),
            _ => None,
        };
        let faults = match fault {
            Some(fault) => {
                rig.world.fault([fault]);
                DieAt::never()
            }
            None => DieAt::nth(point, *times),
        };
        match rig.work(faults, Ends::Never).await {
            End::Killed(_) => {
                if !(lead && nth == 0) {
                    came.hits.push(point);
                }
                rig.fall(seed.wrapping_add(nth as u64));
            }
            End::Rested(..) => {
                rig.world.calm();
                rig.settle().await;
            }
            End::Endless => {
                came.wrong.push("it does not come to rest in two hours".to_owned());
                return came;
            }
            End::Halted(halt) => {
                came.wrong.push(format!("halted: {halt}: {:?}", std::error::Error::source(&halt)));
                return came;
            }
        }
        came.wrong.extend(rig.wrong());
        if !came.wrong.is_empty() && !deaths.deferred {
            return came;
        }
        let wait = match dice.below(6) {
            _ if lead && nth == 0 => 700,
            0 | 1 => 0,
            2 => 5,
            3 => 45,
            4 => 400,
            _ => 700,
        };
        let wait = match (deaths.blind, deaths.deferred) {
            (true, _) => 25 * 3600,
            (_, true) => 60,
            _ => wait,
        };
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
    let wanted = match (direction, case) {
        (Direction::Forward, _) => Rest::Finished,
        (Direction::Undo, Case::Failover) => Rest::Finished,
        (Direction::Undo, _) => Rest::Undone,
    };
    let finished = rig.finish(wanted).await;
    let (forward, back) = case.changes();
    let mut changes = vec![("act", Direction::Forward, forward)];
    if three && (direction == Direction::Forward || case == Case::Failover) {
        changes.extend([("first", Direction::Forward, 1), ("last", Direction::Forward, 1)]);
    }
    if direction == Direction::Undo {
        changes.push(("act", Direction::Undo, back));
    }
    came.wrong.extend(rig.wrong_at_end(&changes));
    if let Err(why) = finished {
        came.wrong.push(why);
    }
    came
}

/// An action that never sees whether a call has happened.
struct Blind(&'static dyn Action);

impl Action for Blind {
    fn about(&self) -> &'static About {
        self.0.about()
    }
    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        self.0.plan(ask)
    }
    fn before<'a>(
        &'a self,
        step: &'a PlannedStep,
        calls: &'a [Call],
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        self.0.before(step, calls, look)
    }
    fn probe<'a>(&'a self, _: Doing<'a>, _: &'a dyn Look) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async { Ok(Found::Nothing { evidence: "it never looks".into() }) })
    }
    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        self.0.progress(doing, look)
    }
    fn pace(&self) -> Duration {
        self.0.pace()
    }
    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        self.0.means(doing, trouble)
    }
    fn compare<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Vec<Deviation>, CallTrouble>> {
        self.0.compare(doing, look)
    }
    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        self.0.undo(doing)
    }
}

fn blind(name: &str) -> Option<&'static dyn Action> {
    static BLIND: OnceLock<Vec<&'static Blind>> = OnceLock::new();
    let all = BLIND.get_or_init(|| {
        let of = |action: &&'static dyn Action| &*Box::leak(Box::new(Blind(*action)));
        lifeboat::action::ACTIONS.iter().map(of).collect()
    });
    all.iter().find(|action| action.about().name == name).map(|action| *action as &'static dyn Action)
}

/// Runs these on as many threads as there are processors; returns how often each cell was reached, and what went wrong.
/// How often each point was reached, by class and direction.
type Hits = BTreeMap<(&'static str, &'static str, Direction), u64>;

fn all(runs: Vec<Deaths>) -> (Hits, Vec<String>) {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let queue = Mutex::new(runs.into_iter());
    let result = Mutex::new((BTreeMap::new(), Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("nobody panics here").next();
                    let Some(deaths) = next else { return };
                    let came = in_virtual_time(die(&deaths));
                    let mut result = result.lock().expect("nobody panics here");
                    for point in came.hits {
                        *result.0.entry((point, deaths.case.class(), deaths.direction)).or_default() += 1;
                    }
                    if !came.wrong.is_empty() {
                        result.1.push(format!("{deaths:?}\n    {}", came.wrong.join("\n    ")));
                    }
                }
            });
        }
    });
    result.into_inner().expect("nobody panics here")
}

fn everything() -> Vec<Deaths> {
    let mut runs = Vec::new();
    let mut seed = 0;
    let only = std::env::var("LIFEBOAT_CASE").ok();
    for round in 0..campaign() {
        for case in Case::ALL {
            if only.as_ref().is_some_and(|only| *only != format!("{case:?}")) {
                continue;
            }
            for direction in [Direction::Forward, Direction::Undo] {
                // A failover is not taken back: who asks for that is refused, and nothing begins.
                if case == Case::Failover && direction == Direction::Undo {
                    continue;
                }
                for first in points() {
                    // Two more than there are points, so that each cell is reached often enough.
                    let seconds = points().into_iter().chain(points().into_iter().take(2));
                    for (nth, second) in seconds.enumerate() {
                        seed += 1;
                        let mut dice = Dice::new(seed + (round << 32));
                        let third = points()[usize::try_from(dice.below(23)).expect("it is small")];
                        // Once, twice and three times over; mostly at the first passing.
                        let mut at = vec![(first, 1 + u64::from(nth % 5 == 4))];
                        if nth > 0 {
                            at.push((second, 1 + dice.below(2)));
                        }
                        if nth % 3 == 0 {
                            at.push((third, 1));
                        }
                        runs.push(Deaths {
                            case,
                            direction,
                            three: nth % 6 == 5,
                            at,
                            seed: dice.next(),
                            deferred: false,
                            blind: false,
                        });
                    }
                }
            }
        }
    }
    runs
}

#[test]
fn whatever_dies_wherever_nothing_happens_twice_and_every_run_comes_to_rest() {
    let began = Instant::now();
    let runs = everything();
    let count = runs.len();
    let (hits, wrong) = all(runs);
    let classes = ["unique name", "token", "tag", "conditional", "set state", "no return"];
    println!("{:<18}{}", "", classes.map(|class| format!("{class:>18}")).join(""));
    let mut missing = Vec::new();
    let (mut cells, mut least) = (0, u64::MAX);
    for point in points() {
        let mut line = format!("{point:<18}");
        for class in classes {
            let mut shown = Vec::new();
            for direction in [Direction::Forward, Direction::Undo] {
                if class == "no return" && direction == Direction::Undo {
                    continue;
                }
                let reached = hits.get(&(point, class, direction)).copied().unwrap_or_default();
                let never = UNREACHABLE
                    .iter()
                    .find(|(at, of, way, _)| at.contains(&point) && *of == class && *way == direction);
                match never {
                    Some(_) if reached == 0 => shown.push("-".to_owned()),
                    Some(_) => missing.push(format!("{point}, {class}, {direction:?}: it is reached")),
                    None => {
                        cells += 1;
                        least = least.min(reached);
                        if reached < LEAST {
                            missing.push(format!("{point}, {class}, {direction:?}: reached {reached} times"));
                        }
                        shown.push(reached.to_string());
                    }
                }
            }
            line.push_str(&format!("{:>18}", shown.join(" / ")));
        }
        println!("{line}");
    }
    for (_, class, direction, why) in UNREACHABLE {
        println!("-: {class}, {}: {why}", direction.name());
    }
    println!(
        "{count} runs, {cells} cells, each reached {least} times or more; {} passed, {} failed, in {:.1} s",
        count - wrong.len(),
        wrong.len(),
        began.elapsed().as_secs_f64(),
    );
    assert!(
        wrong.is_empty(),
        "{} runs went wrong; the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(8)].join("\n")
    );
    if std::env::var_os("LIFEBOAT_CASE").is_none() {
        assert!(missing.is_empty(), "{}", missing.join("\n"));
    }
}

fn doubled(wrong: &[String], case: Case) -> bool {
    wrong.iter().any(|wrong| wrong.contains(&format!("case: {case:?}")) && wrong.contains(" times: Effect"))
}

#[test]
fn the_matrix_notices_intents_that_are_written_after_their_calls() {
    let mut runs = Vec::new();
    for case in Case::ALL {
        for seed in 0..3 {
            for point in ["call-answered", "outcome-unwritten", "reply-lost"] {
                let at = vec![(point, 1)];
                let direction = Direction::Forward;
                runs.push(Deaths { case, direction, three: false, at, seed, deferred: true, blind: false });
            }
        }
    }
    let (_, wrong) = all(runs);
    for case in Case::ALL {
        let early = |wrong: &&String| {
            wrong.contains(&format!("case: {case:?}")) && wrong.contains("before its intent was on disk")
        };
        assert!(wrong.iter().any(|wrong| early(&wrong)), "{case:?}: nobody noticed");
    }
    for case in [Case::Tag, Case::Failover] {
        assert!(doubled(&wrong, case), "{case:?} was not doubled: {wrong:?}");
    }
}

#[test]
fn the_matrix_notices_when_nobody_looks_before_repeating() {
    let mut runs = Vec::new();
    for case in [Case::Token, Case::Tag] {
        for seed in 0..4 {
            for point in ["call-answered", "reply-lost"] {
                let at = vec![(point, 1)];
                let direction = Direction::Forward;
                runs.push(Deaths { case, direction, three: false, at, seed, deferred: false, blind: true });
            }
        }
    }
    let (_, wrong) = all(runs);
    for case in [Case::Token, Case::Tag] {
        assert!(doubled(&wrong, case), "{case:?} was not doubled: {wrong:?}");
    }
}
