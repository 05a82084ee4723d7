//! Kills at any moment, and lost replies: the same oracle as the matrix, where nobody has chosen the point.

use super::disk::Dice;
use super::rig::{Case, DieAt, End, Ends, Rig, campaign, in_virtual_time};
use super::world::Fault;
use lifeboat::runbook::event::{Direction, Event, Outcome, Rest, Verdict};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Runs `one` for every seed below `count`, on all processors; returns what went wrong, with its seed.
fn seeds(count: u64, one: impl Fn(u64) -> Vec<String> + Sync) -> Vec<String> {
    let from = std::env::var("LIFEBOAT_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let range = from.map_or(0..count, |seed| seed..seed + 1);
    let (next, wrong) = (Mutex::new(range), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let Some(seed) = next.lock().expect("nobody panics here").next() else { return };
                    let found = one(seed);
                    if !found.is_empty() {
                        let says = format!("LIFEBOAT_SEED={seed}:\n    {}", found.join("\n    "));
                        wrong.lock().expect("nobody panics here").push(says);
                    }
                }
            });
        }
    });
    wrong.into_inner().expect("nobody panics here")
}

async fn killed_at_random(seed: u64) -> Vec<String> {
    let mut dice = Dice::new(seed.wrapping_mul(7919));
    let case = Case::ALL[usize::try_from(dice.below(8)).expect("it is small")];
    let three = dice.hits(30);
    let undo = dice.hits(40) && !(three && case == Case::Failover);
    let rig = Rig::of_case(case, three).await;
    if dice.hits(50) {
        rig.world.hide(Duration::from_secs(dice.below(301)));
    }
    rig.agree();
    if undo {
        if let Err(why) = rig.finish(Rest::Finished).await {
            return vec![format!("{case:?} forward: {why}")];
        }
        rig.undo(None);
    }
    let (percent, looks) = (dice.below(50), dice.below(8));
    for nth in 0..dice.below(6) {
        rig.world.random(dice.next(), percent);
        rig.world.look_trouble(looks);
        if dice.hits(15) {
            rig.world
                .credentials_end(Duration::from_secs(dice.below(120)), Duration::from_secs(dice.below(600)));
        }
        let ends = if dice.hits(50) {
            Ends::Turns(dice.below(60))
        } else {
            let most =
                [2_000, 20_000, 200_000, 900_000][usize::try_from(dice.below(4)).expect("it is small")];
            Ends::After(Duration::from_millis(dice.below(most)))
        };
        match rig.work(DieAt::never(), ends).await {
            End::Killed(_) => rig.fall(dice.next()),
            End::Rested(Rest::Stuck, _) => {
                rig.settle().await;
            }
            End::Rested(..) | End::Endless => {}
            End::Halted(halt) => {
                return vec![format!("{case:?} halted: {halt}: {:?}", std::error::Error::source(&halt))];
            }
        }
        let wrong = rig.wrong();
        if !wrong.is_empty() {
            let what = format!("{case:?}, undo {undo}, three {three}, after {nth}");
            return [vec![what], wrong, rig.story()].concat();
        }
        if dice.hits(20) {
            let spans = [30, 660, 25 * 3600, 91 * 24 * 3600];
            let span = spans[usize::try_from(dice.below(4)).expect("it is small")];
            tokio::time::sleep(Duration::from_secs(span)).await;
        }
    }
    rig.world.calm();
    let wanted = match (undo, case) {
        (false, _) => Rest::Finished,
        (true, Case::Failover) => Rest::Finished,
        (true, _) => Rest::Undone,
    };
    let finished = rig.finish(wanted).await;
    let (forward, back) = case.changes();
    let mut changes = vec![("act", Direction::Forward, forward)];
    if undo {
        changes.push(("act", Direction::Undo, back));
    }
    let mut wrong = rig.wrong_at_end(&changes);
    wrong.extend(finished.err());
    if !wrong.is_empty() {
        wrong.insert(0, format!("{case:?}, undo {undo}, three {three}"));
    }
    wrong
}

#[test]
fn an_executor_can_be_killed_at_any_moment() {
    let began = Instant::now();
    let count = if campaign() > 1 { 10_000 } else { 500 };
    let wrong = seeds(count, |seed| in_virtual_time(killed_at_random(seed)));
    let failed = wrong.len() as u64;
    println!("{} passed, {failed} failed, in {:.1} s", count - failed, began.elapsed().as_secs_f64());
    assert!(wrong.is_empty(), "the first:\n{}", wrong[..wrong.len().min(6)].join("\n"));
}

async fn reply_lost(case: Case, seed: u64) -> Vec<String> {
    let mut dice = Dice::new(seed.wrapping_mul(104_729));
    let undo = dice.hits(40) && case != Case::Failover;
    let rig = Rig::of_case(case, false).await;
    rig.world.hide(Duration::from_secs(dice.below(301)));
    rig.agree();
    if undo {
        if let Err(why) = rig.finish(Rest::Finished).await {
            return vec![format!("{case:?} forward: {why}")];
        }
        rig.undo(None);
    }
    let direction = if undo { Direction::Undo } else { Direction::Forward };
    let secs = Duration::from_secs(dice.below(31));
    let fault = |dice: &mut Dice| match dice.below(8) {
        0 | 1 => Fault::LoseReply,
        2 => Fault::LoseRequest,
        3 => Fault::Late(secs),
        4 => Fault::Slow(Duration::from_secs(dice.below(560))),
        5 => Fault::DieApplied,
        6 => Fault::DieLost,
        _ => Fault::DieLate(secs),
    };
    for _ in 0..=dice.below(3) {
        let one = fault(&mut dice);
        rig.world.fault([one]);
    }
    for _ in 0..4 {
        let ends = if dice.hits(50) { Ends::Never } else { Ends::After(Duration::from_secs(dice.below(30))) };
        if let End::Killed(_) = rig.work(DieAt::never(), ends).await {
            rig.fall(dice.next());
            let spans = [0, 10, 100, 11 * 60, 25 * 3600, 91 * 24 * 3600];
            let span = spans[usize::try_from(dice.below(6)).expect("it is small")];
            tokio::time::sleep(Duration::from_secs(span)).await;
        } else {
            rig.settle().await;
        }
    }
    let finished = rig.finish(if undo { Rest::Undone } else { Rest::Finished }).await;
    let (forward, back) = case.changes();
    let mut changes = vec![("act", Direction::Forward, forward)];
    if undo {
        changes.push(("act", direction, back));
    }
    let mut wrong = rig.wrong_at_end(&changes);
    wrong.extend(finished.err());
    wrong
}

#[test]
fn a_lost_reply_doubles_nothing_and_no_absence_is_believed_too_early() {
    let began = Instant::now();
    let count = if campaign() > 1 { 1000 } else { 100 };
    let mut wrong = Vec::new();
    for case in Case::ALL {
        let found = seeds(count, |seed| in_virtual_time(reply_lost(case, seed)));
        println!("{}: {} passed, {} failed", case.action(), count - found.len() as u64, found.len());
        wrong.extend(found.into_iter().map(|found| format!("{case:?} {found}")));
    }
    println!("in {:.1} s", began.elapsed().as_secs_f64());
    assert!(
        wrong.is_empty(),
        "{} failed; the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(8)].join("\n")
    );
}

/// A call is repeated by its token only while the service surely remembers it, and always by the same token.
#[test]
fn after_the_tokens_time_a_look_decides_and_not_a_repetition() {
    for (span, repeats) in
        [(60, true), (500, true), (660, false), (25 * 3600, false), (91 * 24 * 3600, false)]
    {
        in_virtual_time(async {
            let rig = Rig::of_case(Case::Token, false).await;
            rig.agree();
            rig.world.fault([Fault::DieApplied]);
            assert!(matches!(rig.work(DieAt::never(), Ends::Never).await, End::Killed(None)));
            rig.fall(span);
            tokio::time::sleep(Duration::from_secs(span)).await;
            rig.finish(Rest::Finished).await.expect("it finishes");
            let events = rig.events();
            let observed = events
                .iter()
                .any(|event| matches!(event, Event::Observed { verdict: Verdict::Happened, .. }));
            let intents: Vec<&Event> =
                events.iter().filter(|event| matches!(event, Event::Intended { .. })).collect();
            assert_eq!(intents.len() > 1, repeats, "after {span} s");
            assert_eq!(observed, !repeats, "after {span} s");
            let digests: Vec<_> = intents
                .iter()
                .filter_map(|event| match event {
                    Event::Intended { digest, .. } => Some(digest),
                    _ => None,
                })
                .collect();
            assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "the token changed");
            assert!(rig.wrong_at_end(&[("act", Direction::Forward, 1)]).is_empty());
        });
    }
}

#[test]
fn a_point_of_no_return_in_doubt_asks_a_person_and_does_what_they_say() {
    for (fault, asked) in [(Fault::DieApplied, false), (Fault::DieLost, true)] {
        in_virtual_time(async {
            let rig = Rig::of_case(Case::Failover, false).await;
            rig.agree();
            rig.world.fault([fault.clone()]);
            assert!(matches!(rig.work(DieAt::never(), Ends::Never).await, End::Killed(None)));
            rig.fall(3);
            let (rest, why) = rig.rest().await;
            if asked {
                assert_eq!(rest, Rest::Stuck, "{why}");
                assert!(why.as_str().contains("Has rds:FailoverDBCluster happened?"), "{why}");
                assert_eq!(rig.world.sent().len(), 1, "it was repeated without a person");
                // However often it is begun anew, it asks.
                assert_eq!(rig.rest().await.0, Rest::Stuck);
                assert_eq!(rig.world.sent().len(), 1, "it was repeated without a person");
                assert!(rig.settle().await);
            }
            rig.finish(Rest::Finished).await.expect("it finishes");
            assert_eq!(rig.wrong_at_end(&[("act", Direction::Forward, 1)]), Vec::<String>::new());
            let settled = rig
                .events()
                .into_iter()
                .any(|event| matches!(event, Event::Observed { by: Some(by), .. } if by.user == *"ann"));
            assert_eq!(settled, asked);
        });
    }
}

#[test]
fn what_was_answered_stands_in_the_journal_with_the_id_of_the_request() {
    in_virtual_time(async {
        let rig = Rig::of_case(Case::Stop, false).await;
        rig.agree();
        rig.finish(Rest::Finished).await.expect("it finishes");
        let answered = rig.events().into_iter().find_map(|event| match event {
            Event::Answered { outcome: Outcome::Succeeded, request_id, .. } => request_id,
            _ => None,
        });
        assert_eq!(answered.expect("it was answered"), *"req-1");
    });
}
