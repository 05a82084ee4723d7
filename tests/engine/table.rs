//! The transition table, written down a second time; and what must be so of any run, by property.

use super::rig::{Case, DieAt, End, Ends, Rig, in_virtual_time, plain, plan};
use super::world::Fault;
use jiff::Timestamp;
use lifeboat::engine::line::Head;
use lifeboat::engine::replay;
use lifeboat::runbook::consent::Strength;
use lifeboat::runbook::event::{Ask, Direction, Ending, Event, Outcome, Rest, SideFile, Verdict};
use lifeboat::runbook::plan::{Plan, PlanHash};
use lifeboat::runbook::schedule::{Decision, is_satisfied, next};
use lifeboat::runbook::state::{Move, Phase, RunState, step_after};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::collections::BTreeSet;
use std::time::Duration;

fn moves() -> Vec<Move> {
    let mut all = vec![Move::Gate, Move::Intend, Move::Skip];
    all.extend([Direction::Forward, Direction::Undo].map(Move::Begin));
    all.extend(
        [Outcome::Succeeded, Outcome::Refused, Outcome::Throttled, Outcome::NotSent, Outcome::InDoubt]
            .map(Move::Answer),
    );
    all.extend([Verdict::Happened, Verdict::DidNot, Verdict::Unclear].map(Move::Observe));
    all.extend([true, false].map(|last| Move::Arrive { last }));
    all.extend(
        [Ending::Succeeded, Ending::Failed, Ending::NotNeeded, Ending::Undone, Ending::UndoFailed]
            .map(Move::End),
    );
    all
}

/// What can follow, by the rules of the documentation, one phase after another. What is not here cannot.
fn expected(phase: Phase) -> Vec<(Move, Phase)> {
    let forward = Move::Begin(Direction::Forward);
    let back = Move::Begin(Direction::Undo);
    let fails =
        [(Move::End(Ending::Failed), Phase::Failed), (Move::End(Ending::UndoFailed), Phase::UndoFailed)];
    let observed = [
        (Move::Observe(Verdict::Happened), Phase::Made),
        (Move::Observe(Verdict::DidNot), Phase::Ready),
        (Move::Observe(Verdict::Unclear), Phase::InDoubt),
    ];
    match phase {
        Phase::Waiting => vec![
            (Move::Gate, Phase::AtGate),
            (forward, Phase::Ready),
            (Move::End(Ending::NotNeeded), Phase::NotNeeded),
            (Move::Skip, Phase::Skipped),
        ],
        Phase::AtGate => vec![(forward, Phase::Ready), (Move::Skip, Phase::Skipped)],
        Phase::Ready => [
            vec![(Move::Intend, Phase::Intended), (Move::Arrive { last: true }, Phase::Arrived)],
            fails.to_vec(),
        ]
        .concat(),
        Phase::Intended => [
            vec![
                (Move::Answer(Outcome::Succeeded), Phase::Made),
                (Move::Answer(Outcome::Refused), Phase::Refused),
                (Move::Answer(Outcome::Throttled), Phase::Ready),
                (Move::Answer(Outcome::NotSent), Phase::Ready),
                (Move::Answer(Outcome::InDoubt), Phase::InDoubt),
            ],
            observed.to_vec(),
        ]
        .concat(),
        Phase::InDoubt => [vec![(Move::Intend, Phase::Intended)], observed.to_vec(), fails.to_vec()].concat(),
        Phase::Made => [
            vec![(Move::Arrive { last: true }, Phase::Arrived), (Move::Arrive { last: false }, Phase::Ready)],
            fails.to_vec(),
        ]
        .concat(),
        // A step that was refused cleanly is begun again by itself where its runbook says so.
        Phase::Refused => [vec![(forward, Phase::Ready)], fails.to_vec()].concat(),
        Phase::Arrived => [
            vec![
                (Move::End(Ending::Succeeded), Phase::Succeeded),
                (Move::End(Ending::Undone), Phase::Undone),
            ],
            fails.to_vec(),
        ]
        .concat(),
        Phase::Succeeded => vec![(back, Phase::Ready)],
        Phase::Failed => vec![(forward, Phase::Ready), (back, Phase::Ready), (Move::Skip, Phase::Skipped)],
        Phase::UndoFailed => vec![(back, Phase::Ready)],
        // What was taken back can be begun anew.
        Phase::Undone => vec![(forward, Phase::Ready)],
        Phase::Skipped | Phase::NotNeeded => Vec::new(),
    }
}

#[test]
fn every_phase_is_followed_by_what_the_table_says_and_by_nothing_else() {
    let mut pairs = 0;
    for phase in Phase::ALL {
        let table = expected(phase);
        for by in moves() {
            let wanted = table.iter().find(|(known, _)| *known == by).map(|(_, next)| *next);
            assert_eq!(step_after(phase, by), wanted, "{phase:?} by {by:?}");
            pairs += 1;
        }
    }
    assert_eq!(pairs, 14 * 20);
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_795_230_000 + secs).expect("it is a moment")
}

fn opened(plan: &Plan) -> Event {
    Event::Opened {
        format: "1.0".into(),
        lifeboat: "0".into(),
        run: plan.run.clone(),
        runbook: "r".into(),
        title: "t".into(),
        environment: plan.environment.clone(),
        class: plan.class,
        place: plan.place.clone(),
        mode: plan.mode,
        plan: SideFile {
            name: "plan.json".into(),
            sha256: PlanHash::of(&plan.bytes()).as_str().into(),
            bytes: 1,
        },
        purpose: "p".into(),
        virtual_time: false,
    }
}

/// A plan of some steps that wait for earlier ones, where some stand in for others.
fn plans() -> impl Strategy<Value = Plan> {
    let step = (any::<[bool; 4]>(), any::<bool>(), any::<bool>());
    prop::collection::vec(step, 1..6).prop_map(|shape| {
        let mut steps: Vec<_> = (0..shape.len()).map(|nth| plain(&format!("s{nth}"))).collect();
        for (nth, (needs, otherwise, gate)) in shape.iter().enumerate() {
            steps[nth].uses = "manual".into();
            steps[nth].gate = *gate;
            for (back, needed) in needs.iter().enumerate() {
                if *needed && back < nth {
                    steps[nth].needs.push(format!("s{}", nth - 1 - back).as_str().into());
                }
            }
            // What stands in for another waits for nothing else.
            if *otherwise && nth + 1 < shape.len() {
                steps[nth].otherwise = Some(format!("s{}", nth + 1).as_str().into());
            }
        }
        for nth in 1..steps.len() {
            if steps[nth - 1].otherwise.is_some() {
                steps[nth].needs.clear();
            }
        }
        plan(steps)
    })
}

/// Carries out what may happen next as dice say, and returns every event; checks at each turn what must be so.
fn simulate(plan: &Plan, dice: &[u8]) -> (Vec<Event>, RunState) {
    let mut state = RunState::of(plan);
    let mut events = Vec::new();
    let mut write = |state: &mut RunState, event: Event| {
        state.apply(&event, at(i64::try_from(events.len()).expect("it is small")), 1).expect("it can follow");
        events.push(event);
    };
    write(&mut state, opened(plan));
    write(
        &mut state,
        Event::Consented {
            scope: "plan".into(),
            strength: Strength::Enter,
            approver: None,
            break_glass: false,
        },
    );
    for die in dice {
        let decisions = next(plan, &state);
        let Some(decision) = decisions.get(usize::from(*die) % decisions.len().max(1)) else { break };
        match decision {
            Decision::Begin(id) => {
                let step = plan.step(id.as_str()).expect("it is one of the plan");
                let known = state.step(id.as_str()).expect("it is there").clone();
                for need in &step.needs {
                    assert!(is_satisfied(plan, &state, need), "{id} may begin, and {need} is not done");
                }
                if let Some(original) = plan.steps.iter().find(|other| other.otherwise.as_ref() == Some(id)) {
                    let phase = state.step(original.id.as_str()).expect("it is there").phase;
                    // A person may have left it out since, and asked for this one once more.
                    let failed = matches!(phase, Phase::Failed | Phase::Skipped);
                    assert!(failed, "{id} stands in for {}, which is {phase:?}", original.id);
                }
                if step.gate && known.phase == Phase::Waiting {
                    write(&mut state, Event::GateReached { step: id.clone() });
                } else if die % 16 == 15 && known.phase == Phase::Waiting {
                    write(
                        &mut state,
                        Event::Ended {
                            step: id.clone(),
                            direction: Direction::Forward,
                            ending: Ending::NotNeeded,
                            why: "".into(),
                            hint: None,
                        },
                    );
                } else {
                    write(
                        &mut state,
                        Event::Began {
                            step: id.clone(),
                            direction: Direction::Forward,
                            attempt: known.attempt + 1,
                            calls: 0,
                            observed: Vec::new(),
                            before: None,
                        },
                    );
                }
            }
            Decision::Continue(id) => {
                let known = state.step(id.as_str()).expect("it is there").clone();
                let ending = match (known.direction, die % 3) {
                    (Direction::Forward, 0) => Ending::Failed,
                    (Direction::Forward, _) => Ending::Succeeded,
                    (Direction::Undo, _) => Ending::Undone,
                };
                if known.phase == Phase::Ready && ending != Ending::Failed {
                    let of = lifeboat::runbook::event::CallPlace {
                        step: id.clone(),
                        direction: known.direction,
                        attempt: known.current_attempt(),
                        index: 0,
                    };
                    write(&mut state, Event::Arrived { of, outputs: serde_json::Map::new() });
                }
                write(
                    &mut state,
                    Event::Ended {
                        step: id.clone(),
                        direction: known.direction,
                        ending,
                        why: "".into(),
                        hint: None,
                    },
                );
            }
            Decision::Undo(id) => {
                let known = state.step(id.as_str()).expect("it is there").clone();
                // The last that ended is taken back first.
                for other in &state.wishes.undo {
                    let other = state.step(other.as_str()).expect("it is there");
                    assert!(other.ended_at <= known.ended_at, "{id} is not the last");
                }
                write(
                    &mut state,
                    Event::Began {
                        step: id.clone(),
                        direction: Direction::Undo,
                        attempt: known.undo_attempt + 1,
                        calls: 0,
                        observed: Vec::new(),
                        before: None,
                    },
                );
            }
            Decision::Wait(_) => {
                let gate = state.steps.iter().find(|(_, known)| known.phase == Phase::AtGate);
                let gate = gate.expect("it waits at a gate").0.clone();
                write(
                    &mut state,
                    Event::Consented {
                        scope: gate,
                        strength: Strength::Enter,
                        approver: None,
                        break_glass: false,
                    },
                );
            }
            Decision::Rest(rest, _) => {
                let open = plan.steps.iter().any(|step| {
                    let stands_in = plan.steps.iter().any(|other| other.otherwise.as_ref() == Some(&step.id));
                    !stands_in && !is_satisfied(plan, &state, &step.id)
                });
                match rest {
                    Rest::Finished => assert!(!open, "it is finished, and something is open"),
                    Rest::Stuck => assert!(open, "it is stuck, and everything is done"),
                    Rest::Undone => return (events, state),
                    other => panic!("it rests as {other:?}"),
                }
                let failed: Vec<_> = state
                    .steps
                    .iter()
                    .filter(|(_, known)| known.phase == Phase::Failed)
                    .map(|(id, _)| id.clone())
                    .collect();
                let ask = match (failed.first(), die % 4) {
                    (Some(step), 0) => Ask::Skip { step: step.clone(), reason: "no".into() },
                    (Some(step), 1) => Ask::Retry { step: step.clone() },
                    (_, 2) => {
                        let consent = lifeboat::runbook::event::ConsentGiven {
                            plan: PlanHash::of(&plan.bytes()),
                            strength: Strength::Enter,
                            phrase: None,
                            by_flag: false,
                            approval: None,
                            break_glass: None,
                        };
                        Ask::Undo { step: None, consent }
                    }
                    _ => return (events, state),
                };
                let id = format!("q{}", state.requests.len());
                write(
                    &mut state,
                    Event::Asked {
                        id: id.as_str().into(),
                        by: super::rig::person("ann"),
                        terminal: None,
                        sent_at: at(0),
                        ask,
                        refused: None,
                    },
                );
            }
        }
        let under_way = state.steps.values().filter(|known| known.phase.is_under_way());
        let directions: BTreeSet<_> = under_way.map(|known| known.direction).collect();
        assert!(directions.len() <= 1, "steps are carried out and taken back at once");
    }
    (events, state)
}

proptest! {
    #![proptest_config(Config { cases: 400, rng_seed: RngSeed::Fixed(4711), failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_step_begins_before_what_it_waits_for_and_every_prefix_folds(
        plan in plans(),
        dice in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        let (events, state) = simulate(&plan, &dice);
        // The fold of any prefix is sound, and the fold of everything is where it ended.
        let mut folded = RunState::of(&plan);
        for (nth, event) in events.iter().enumerate() {
            folded.apply(event, at(i64::try_from(nth).expect("it is small")), 1).expect("a prefix folds");
        }
        prop_assert_eq!(folded, state);
    }
}

#[test]
fn every_prefix_of_a_real_journal_folds_and_is_worked_on_from_there() {
    for (case, undo) in
        [(Case::UniqueName, true), (Case::Tag, false), (Case::Copy, true), (Case::Failover, false)]
    {
        in_virtual_time(async {
            let rig = Rig::of_case(case, false).await;
            rig.agree();
            rig.world.fault([Fault::LoseReply]);
            rig.finish(Rest::Finished).await.expect("it finishes");
            if undo {
                rig.undo(None);
                rig.finish(Rest::Undone).await.expect("it is taken back");
            }
            let whole = rig.disk.journal();
            let read = replay::read(&whole, &Head::default()).expect("it verifies");
            for count in 0..=read.lines.len() {
                replay::fold(&rig.plan, &read.lines[..count]).expect("a prefix folds");
            }
        });
    }
}

#[test]
fn an_executor_that_finds_everything_done_does_nothing_more() {
    in_virtual_time(async {
        let rig = Rig::of_case(Case::Tag, false).await;
        rig.agree();
        rig.finish(Rest::Finished).await.expect("it finishes");
        let sent = rig.world.sent().len();
        for _ in 0..3 {
            assert!(matches!(
                rig.work(DieAt::never(), Ends::After(Duration::from_secs(60))).await,
                End::Rested(Rest::Finished, _)
            ));
        }
        assert_eq!(rig.world.sent().len(), sent);
    });
}
