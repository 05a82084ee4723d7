//! Disks that fail: at the nth operation of a run, for every n, by being full or by an error that loses what was written.

use super::disk::Failure;
use super::rig::{Case, DieAt, End, Ends, Rig, in_virtual_time, plan, step};
use super::world::{Fault, SimTime, TestWorld};
use lifeboat::engine::journal::Halt;
use lifeboat::engine::line::{Head, Line};
use lifeboat::engine::replay;
use lifeboat::runbook::event::{Direction, Event, Rest};
use lifeboat::runbook::state::Phase;
use std::time::{Duration, Instant};

/// Returns how many requests have an outcome on disk, of how many that left.
fn outcomes(rig: &Rig, world: &TestWorld) -> (usize, usize) {
    let read = replay::read(&rig.disk.durable(), &Head::default());
    let lines = read.map(|read| read.lines).unwrap_or_default();
    let answered = lines.iter().filter(|line| matches!(line.event, Some(Event::Answered { .. }))).count();
    (answered, world.sent().len())
}

/// Fails the nth operation; says whether there was one.
async fn fails(case: Case, undo: bool, nth: u64, how: Failure, power: bool) -> Result<bool, String> {
    let rig = Rig::of_case(case, false).await;
    rig.agree();
    if undo {
        rig.finish(Rest::Finished).await?;
        rig.undo(None);
    }
    let before = rig.disk.operations();
    rig.disk.fail(nth, how);
    let end = rig.work(DieAt::never(), Ends::Never).await;
    if !rig.disk.has_failed() {
        return Ok(false);
    }
    let at = format!("{case:?}, undo {undo}, operation {nth} of {before}+, {how:?}, power {power}");
    match end {
        End::Halted(Halt::Disk(_)) => {}
        other => return Err(format!("{at}: it goes on: {other:?}")),
    }
    let (answered, sent) = outcomes(&rig, &rig.world);
    if how == Failure::Full && answered != sent {
        return Err(format!("{at}: {sent} calls left, {answered} outcomes are on disk"));
    }
    rig.disk.heal();
    if power {
        rig.disk.crash(nth);
    } else {
        rig.disk.kill();
    }
    let wrong = rig.wrong();
    if !wrong.is_empty() {
        return Err(format!("{at}: {}", wrong.join("; ")));
    }
    let (forward, back) = case.changes();
    rig.finish(if undo { Rest::Undone } else { Rest::Finished })
        .await
        .map_err(|why| format!("{at}: {why}"))?;
    let mut changes = vec![("act", Direction::Forward, forward)];
    if undo {
        changes.push(("act", Direction::Undo, back));
    }
    let wrong = rig.wrong_at_end(&changes);
    if wrong.is_empty() { Ok(true) } else { Err(format!("{at}: {}", wrong.join("; "))) }
}

#[test]
fn whichever_operation_of_the_disk_fails_nothing_is_done_that_is_not_written_down() {
    let began = Instant::now();
    let (mut count, mut wrong) = (0, Vec::new());
    for case in Case::ALL {
        for undo in [false, true] {
            if undo && case == Case::Failover {
                continue;
            }
            for how in [Failure::Full, Failure::Broken] {
                for power in [false, true] {
                    for nth in 1.. {
                        match in_virtual_time(fails(case, undo, nth, how, power)) {
                            Ok(false) => break,
                            Ok(true) => count += 1,
                            Err(why) => {
                                count += 1;
                                wrong.push(why);
                            }
                        }
                        assert!(nth < 500, "a run has no end of operations");
                    }
                }
            }
        }
    }
    println!(
        "{} passed, {} failed, in {:.1} s",
        count - wrong.len(),
        wrong.len(),
        began.elapsed().as_secs_f64()
    );
    assert!(
        wrong.is_empty(),
        "{} failed; the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(8)].join("\n")
    );
}

/// Two steps go on beside each other, and the disk is full at the nth operation, while a call of the first is under way.
/// Returns what is wrong, and whether a call was then in flight; `None` where there is no such operation.
async fn beside_each_other(nth: u64) -> Option<(Vec<String>, bool)> {
    let time = SimTime::new();
    let world = TestWorld::new(time.clone());
    let mut steps = Vec::new();
    for (id, case) in [("first", Case::Stop), ("second", Case::Tag), ("third", Case::Undelete)] {
        steps.push(step(world.as_ref(), id, case.action(), case.given()).await);
    }
    world.fault([Fault::Slow(Duration::from_secs(30))]);
    let rig = Rig::of(world, time, plan(steps));
    rig.agree();
    rig.disk.fail(nth, Failure::Full);
    let end = rig.work(DieAt::never(), Ends::Never).await;
    if !rig.disk.has_failed() {
        return None;
    }
    let mut wrong = rig.wrong();
    if !matches!(end, End::Halted(Halt::Disk(_))) || !rig.disk.last_words().contains("the run had to stop") {
        wrong.push(format!("{end:?}, and its last words are {:?}", rig.disk.last_words()));
    }
    let lines =
        replay::read(&rig.disk.durable(), &Head::default()).map(|read| read.lines).unwrap_or_default();
    let at = |step: &str, outcome: bool| {
        lines.iter().position(|line| match &line.event {
            Some(Event::Answered { of, .. }) => outcome && of.step == *step,
            Some(Event::Intended { of, .. }) => !outcome && of.step == *step,
            _ => false,
        })
    };
    for sent in rig.world.sent() {
        if at(sent.id.step.as_str(), true).is_none() {
            wrong.push(format!("no line tells what came of {}", sent.id));
        }
    }
    // What takes no time has not come to its end, and what takes long was answered all the same.
    let ended = |line: &Line| matches!(&line.event, Some(Event::Ended { step, .. }) if *step == *"third");
    let waited = at("first", true).is_some() && !lines.iter().any(ended);
    rig.disk.heal();
    if let Err(why) = rig.finish(Rest::Finished).await {
        wrong.push(why);
    }
    Some((wrong.into_iter().map(|wrong| format!("operation {nth}: {wrong}")).collect(), waited))
}

#[test]
fn what_is_in_flight_when_the_disk_is_full_is_still_written_down() {
    let (mut wrong, mut waited) = (Vec::new(), 0);
    for nth in 1.. {
        let Some((own, in_flight)) = in_virtual_time(beside_each_other(nth)) else { break };
        wrong.extend(own);
        waited += usize::from(in_flight);
        assert!(nth < 500, "a run has no end of operations");
    }
    assert!(
        wrong.is_empty(),
        "{} failed; the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(8)].join("\n")
    );
    assert!(waited > 3, "a call was in flight {waited} times");
}

#[test]
fn a_disk_that_is_full_before_anything_began_stops_everything() {
    in_virtual_time(async {
        let rig = Rig::of_case(Case::Stop, false).await;
        rig.agree();
        rig.disk.fail(1, Failure::Full);
        assert!(matches!(rig.work(DieAt::never(), Ends::Never).await, End::Halted(Halt::Disk(_))));
        assert!(rig.world.sent().is_empty());
        rig.disk.heal();
        rig.finish(Rest::Finished).await.expect("it finishes when there is room again");
        assert_eq!(rig.phase("act"), Phase::Succeeded);
    });
}

/// R5: wherever a journal is cut, what is whole before the cut is what counts, and the run goes on from there; whichever
/// byte is changed, it is noticed.
#[test]
fn a_journal_can_be_cut_at_every_byte_and_changed_at_none() {
    in_virtual_time(async {
        let rig = Rig::of_case(Case::Copy, false).await;
        rig.agree();
        rig.finish(Rest::Finished).await.expect("it finishes");
        let whole = rig.disk.journal();
        let lines = rig.lines().len();
        let mut seen = 0;
        for cut in 0..=whole.len() {
            let read = replay::read(&whole[..cut], &Head::default()).expect("a cut journal can be read");
            assert!(read.lines.len() >= seen && read.lines.len() <= lines);
            seen = read.lines.len();
            let torn = usize::try_from(read.torn + read.length).expect("it is small");
            assert_eq!(torn, cut);
            replay::fold(&rig.plan, &read.lines).expect("what is left folds");
        }
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            let read = replay::read(&changed, &Head::default());
            let shorter = read.as_ref().is_ok_and(|read| read.lines.len() < lines && read.torn > 0);
            assert!(read.is_err() || shorter, "byte {at} was changed and nobody noticed");
        }
        // What was changed inside is never worked on.
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        rig.disk.set_journal(&changed);
        assert!(matches!(rig.work(DieAt::never(), Ends::Never).await, End::Halted(Halt::Broken(_))));
    });
}
