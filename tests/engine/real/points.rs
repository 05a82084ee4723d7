//! The crash matrix with processes: an executor of the built program is killed at every point there is, forward and back,
//! once, twice and three times over, for every way of telling whether a call has happened. AWS is the AWS test server; the
//! gateway before it says whether anything was done twice.

use super::stage::{Came, Case, Play, Stage, several};
use crate::engine::disk::Dice;
use crate::engine::rig::campaign;
use crate::journal::python::agree;
use lifeboat::engine::fault::POINTS;
use lifeboat::runbook::event::{Direction, Event, Rest};
use lifeboat::runbook::state::Phase;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often each cell was reached: point, class, direction.
type Hits = BTreeMap<(&'static str, &'static str, Direction), u64>;

/// Where the executors of a run are killed, one after another, forward and back.
#[derive(Debug, Clone)]
struct Deaths {
    case: Case,
    forward: Vec<(&'static str, u64)>,
    undo: Vec<(&'static str, u64)>,
    /// How much time passes after each of them.
    pause: Duration,
}

/// Says whether somebody must be in doubt before this point is passed.
fn needs_doubt(point: &str) -> bool {
    matches!(point, "probe-asked" | "probe-answered" | "observed-durable")
}

/// Every cell once, and as many runs again in which executors die twice and three times over.
fn everything() -> Vec<Deaths> {
    let mut all = Vec::new();
    for (row, case) in Case::ALL.into_iter().enumerate() {
        for (column, point) in POINTS.into_iter().enumerate() {
            let undo = if case.can_be_undone() { vec![(point, 1)] } else { Vec::new() };
            // A minute and less is waited for; after ten an absence is believed. A token has to be too old before anybody
            // looks instead of repeating the call.
            let too_old = case.class() == "token" && needs_doubt(point);
            let pause = if too_old { 25 * 3600 } else { [0, 700, 45, 400][(row + column) % 4] };
            let pause = Duration::from_secs(pause);
            all.push(Deaths { case, forward: vec![(point, 1)], undo, pause });
        }
    }
    for seed in 0..24 + 140 * (campaign() - 1) {
        let mut dice = Dice::new(seed);
        let case = Case::ALL[usize::try_from(dice.below(7)).expect("it is small")];
        let mut some = || {
            let mut point =
                || (POINTS[usize::try_from(dice.below(20)).expect("it is small")], 1 + dice.below(2));
            let mut points = vec![point(), point()];
            if seed % 3 == 0 {
                points.push(point());
            }
            points
        };
        let (forward, undo) = (some(), some());
        let undo = if case.can_be_undone() { undo } else { Vec::new() };
        let pause =
            Duration::from_secs([0, 45, 400, 700][usize::try_from(dice.below(4)).expect("it is small")]);
        all.push(Deaths { case, forward, undo, pause });
    }
    all
}

fn die(stage: &Stage, deaths: &Deaths) -> (Vec<(&'static str, Direction)>, u64, Came) {
    let mut play = Play::new(stage, deaths.case);
    let (mut hits, mut kills, mut begun) = (Vec::new(), 0, false);
    for (direction, points) in [(Direction::Forward, &deaths.forward), (Direction::Undo, &deaths.undo)] {
        let mut points = points.clone();
        if points.first().is_some_and(|(point, _)| needs_doubt(point)) {
            points.insert(0, ("call-answered", 1));
        }
        for (point, nth) in &points {
            let fault = format!("{point}:{nth}");
            // Where the world could not be seen for a moment, a run rests before it comes to the point.
            for _ in 0..3 {
                let ended =
                    if begun { play.go_on(direction, Some(&fault)) } else { play.begin(Some(&fault)) };
                begun = true;
                if ended.killed {
                    kills += 1;
                    hits.push((*point, direction));
                }
                if ended.killed || play.is_done(direction) {
                    break;
                }
            }
            play.later(deaths.pause);
        }
        if !points.is_empty() {
            play.finish(direction);
        }
    }
    (hits, kills, play.ended(!deaths.undo.is_empty()))
}

#[test]
fn wherever_an_executor_is_killed_nothing_is_done_twice_in_aws_and_every_run_comes_to_rest() {
    let began = Instant::now();
    let only = std::env::var("LIFEBOAT_CASE").ok();
    let mut runs = everything();
    runs.retain(|deaths| only.as_ref().is_none_or(|only| *only == format!("{:?}", deaths.case)));
    let stage = Stage::of(runs.iter().map(|deaths| deaths.case));
    let count = runs.len();
    let came = several(runs, |deaths| {
        let came = die(&stage, &deaths);
        (deaths, came)
    });
    let (mut hits, mut kills, mut wrong) = (Hits::new(), 0, Vec::new());
    let mut folders = Vec::new();
    for (deaths, (reached, killed, came)) in &came {
        kills += killed;
        for (point, direction) in reached {
            *hits.entry((point, deaths.case.class(), *direction)).or_default() += 1;
        }
        folders.push(came.folder.clone());
        if !came.wrong.is_empty() {
            wrong.push(format!("{deaths:?}\n    {}", came.wrong.join("\n    ")));
        }
    }
    let missing = table(&hits);
    println!(
        "{count} runs, {kills} executors killed, {} failed, in {:.1} s",
        wrong.len(),
        began.elapsed().as_secs_f64()
    );
    assert!(
        wrong.is_empty(),
        "{} runs went wrong; the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(6)].join("\n")
    );
    let name = "wherever_an_executor_is_killed_nothing_is_done_twice_in_aws_and_every_run_comes_to_rest";
    assert_eq!(agree(name, &folders), count);
    assert!(only.is_some() || missing.is_empty(), "{}", missing.join("\n"));
}

/// Prints how often each cell was reached, and returns those that were not.
fn table(hits: &Hits) -> Vec<String> {
    let classes = ["unique name", "token", "tag", "conditional", "set state", "no return"];
    let mut missing = Vec::new();
    println!("{:<18}{}", "", classes.map(|class| format!("{class:>14}")).join(""));
    for point in POINTS {
        let mut line = format!("{point:<18}");
        for class in classes {
            let mut shown = Vec::new();
            for direction in [Direction::Forward, Direction::Undo] {
                if class == "no return" && direction == Direction::Undo {
                    continue;
                }
                let reached = hits.get(&(point, class, direction)).copied().unwrap_or_default();
                if reached == 0 {
                    missing.push(format!("{point}, {class}, {}: not reached", direction.name()));
                }
                shown.push(reached.to_string());
            }
            line.push_str(&format!("{:>14}", shown.join(" / ")));
        }
        println!("{line}");
    }
    missing
}

/// Nobody knows whether the failover was asked for: the request had not left, and no look can tell.
#[test]
fn a_failover_in_doubt_waits_for_a_person_and_then_goes_on() {
    let stage = Stage::of([Case::Failover; 2]);
    let came = several(vec!["intent-durable:1", "call-leaving:1"], |fault| {
        let mut play = Play::new(&stage, Case::Failover);
        assert!(play.begin(Some(fault)).killed, "{fault} was not reached");
        let asks = |play: &mut Play<'_>| {
            let ended = play.command(&["resume", &play.name(), "--detach"], None);
            assert!(!ended.killed);
            let run = play.run();
            let known = run.state.steps.values().next().expect("it has a step");
            assert_eq!(known.phase, Phase::InDoubt, "{fault}: {}", ended.ran);
            assert!(matches!(run.state.rest, Some((Rest::Stuck, ..))), "{fault}: {:?}", run.state.rest);
            let question = known.question.as_ref().expect("it asks");
            assert!(question.as_str().contains("Has rds:FailoverDBCluster happened?"), "{question}");
            let intents =
                play.events().iter().filter(|event| matches!(event, Event::Intended { .. })).count();
            assert_eq!(intents, 1, "{fault}: it was repeated without a person");
        };
        asks(&mut play);
        // However often it is begun anew, it asks.
        asks(&mut play);
        play.finish(Direction::Forward);
        let settled =
            play.events().into_iter().any(|event| matches!(event, Event::Observed { by: Some(_), .. }));
        assert!(settled, "{fault}: nobody has said what happened");
        play.ended(false)
    });
    for came in came {
        assert_eq!(came.wrong, Vec::<String>::new());
    }
}
