//! Executors that are killed at any moment, as `kill -9` does it: from before they have read anything until they rest.

use super::stage::{Case, Play, Stage, several};
use crate::engine::disk::Dice;
use crate::engine::rig::campaign;
use crate::journal::python::agree;
use lifeboat::runbook::event::Direction;
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How many executors are killed on CI.
const KILLS: u64 = 500;

/// How many of them a run meets in each direction, at most.
const OF_A_RUN: u64 = 8;

/// Starts an executor and kills it after a while; says whether it was still there.
fn kill_after(play: &mut Play<'_>, delay: Duration) -> bool {
    let mut executor = play.executor().stdin(Stdio::piped()).spawn().expect("the executor starts");
    let mut told = executor.stdin.take().expect("its input is piped");
    let _ = told.write_all(br#"{"secrets":{},"purpose":""}"#);
    drop(told);
    std::thread::sleep(delay);
    let lived = executor.try_wait().expect("it can be asked").is_none();
    let _ = executor.kill();
    let _ = executor.wait();
    play.look();
    lived
}

#[test]
fn executors_that_are_killed_at_any_moment_do_nothing_twice_in_aws() {
    let began = Instant::now();
    let seed = std::env::var("LIFEBOAT_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let wanted = KILLS * campaign();
    // A run that is over has nobody to kill: there are more runs than the kills need.
    let most = usize::try_from(wanted / 5).expect("it is small") + 16;
    let kills = std::sync::atomic::AtomicU64::new(0);
    let from = seed.unwrap_or(0);
    let seeds: Vec<u64> = if seed.is_some() { vec![from] } else { (0..most as u64).collect() };
    let case_of = |seed: u64| Case::ALL[usize::try_from(seed % 7).expect("it is small")];
    let stage = Stage::of(seeds.iter().map(|seed| case_of(*seed)));
    let came = several(seeds, |seed| {
        use std::sync::atomic::Ordering;
        if kills.load(Ordering::Relaxed) >= wanted {
            return None;
        }
        let mut dice = Dice::new(seed.wrapping_mul(7919));
        let case = case_of(seed);
        let mut play = Play::new(&stage, case);
        // It is agreed to, and nothing has begun.
        play.begin(Some("consent-durable:1"));
        let mut own = 0;
        for direction in [Direction::Forward, Direction::Undo] {
            if direction == Direction::Undo {
                if !case.can_be_undone() {
                    break;
                }
                play.go_on(direction, Some("request-durable:1"));
            }
            for _ in 0..OF_A_RUN {
                if play.is_done(direction) {
                    break;
                }
                // From the loading of the program to long after its calls.
                let most = [60, 250, 600][usize::try_from(dice.below(3)).expect("it is small")];
                if kill_after(&mut play, Duration::from_millis(dice.below(most))) {
                    own += 1;
                }
            }
            play.finish(direction);
        }
        kills.fetch_add(own, Ordering::Relaxed);
        Some((seed, case, play.ended(case.can_be_undone())))
    });
    let came: Vec<_> = came.into_iter().flatten().collect();
    let mut wrong = Vec::new();
    for (seed, case, came) in &came {
        if !came.wrong.is_empty() {
            wrong.push(format!("LIFEBOAT_SEED={seed} {case:?}\n    {}", came.wrong.join("\n    ")));
        }
    }
    let kills = kills.into_inner();
    println!(
        "{} runs, {kills} executors killed, {} failed, in {:.1} s",
        came.len(),
        wrong.len(),
        began.elapsed().as_secs_f64()
    );
    assert!(
        wrong.is_empty(),
        "{} runs went wrong; the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(6)].join("\n")
    );
    let folders: Vec<_> = came.iter().map(|(_, _, came)| came.folder.clone()).collect();
    assert_eq!(
        agree("executors_that_are_killed_at_any_moment_do_nothing_twice_in_aws", &folders),
        came.len()
    );
    assert!(seed.is_some() || kills >= wanted, "only {kills} executors were killed");
}
