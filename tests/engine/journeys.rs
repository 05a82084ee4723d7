//! Runs with people in them: conditions, gates, steps that stand in, joins, pauses, skips, retries, and taking back.

use super::rig::{Case, DieAt, End, Ends, Rig, in_virtual_time, plain, plan, step};
use super::world::{Fault, SimTime, TestWorld};
use lifeboat::domain::Text;
use lifeboat::domain::duration::elapsed;
use lifeboat::runbook::call::Call;
use lifeboat::runbook::event::{Ask, ConsentGiven, Direction, Event, Rest};
use lifeboat::runbook::plan::{PlanHash, PlannedCheck, PlannedStep, Undo};
use lifeboat::runbook::state::Phase;
use std::time::Duration;

/// Makes steps, each from its name and its case.
struct Maker {
    time: SimTime,
    world: std::sync::Arc<TestWorld>,
}

impl Maker {
    fn new() -> Self {
        let time = SimTime::new();
        Self { world: TestWorld::new(time.clone()), time }
    }

    async fn step(&self, id: &str, case: Case, needs: &[&str]) -> PlannedStep {
        let mut made = step(self.world.as_ref(), id, case.action(), case.given()).await;
        made.needs = needs.iter().map(|need| Text::new(need)).collect();
        made
    }

    async fn manual(&self, id: &str, needs: &[&str]) -> PlannedStep {
        let mut made =
            step(self.world.as_ref(), id, "manual", &[("question", "is the old writer off?")]).await;
        made.needs = needs.iter().map(|need| Text::new(need)).collect();
        made
    }

    fn rig(self, steps: Vec<PlannedStep>) -> Rig {
        let rig = Rig::of(self.world, self.time, plan(steps));
        rig.agree();
        rig
    }
}

fn refused(rig: &Rig) -> Vec<Text> {
    let events = rig.events().into_iter();
    events.filter_map(|event| if let Event::Asked { refused, .. } = event { refused } else { None }).collect()
}

fn assert_right(rig: &Rig) {
    assert_eq!(rig.wrong(), Vec::<String>::new());
}

#[test]
fn nothing_begins_before_the_plan_was_agreed_to() {
    in_virtual_time(async {
        let rig = Rig::of_case(Case::Stop, false).await;
        let (rest, why) = rig.rest().await;
        assert_eq!(rest, Rest::Paused, "{why}");
        assert_eq!(rig.phase("act"), Phase::Waiting);
        assert!(rig.world.sent().is_empty());
    });
}

#[test]
fn steps_that_do_not_wait_for_one_another_go_on_at_once_and_a_join_waits_for_all() {
    in_virtual_time(async {
        let maker = Maker::new();
        let mut a = maker.step("sub.a", Case::Stop, &[]).await;
        let mut b = maker.step("sub.b", Case::Tag, &[]).await;
        (a.part_of, b.part_of) = (Some("sub".into()), Some("sub".into()));
        let mut join = plain("sub");
        join.needs = vec!["sub.a".into(), "sub.b".into()];
        let last = maker.step("last", Case::Undelete, &["sub"]).await;
        let rig = maker.rig(vec![a, b, join, last]);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        let sent = rig.world.sent();
        assert!(elapsed(sent[0].at, sent[1].at) < Duration::from_secs(2), "one waited for the other");
        let state = rig.state();
        let ended = |id: &str| state.step(id).expect("it is there").ended_at.expect("it has ended");
        let began = state.step("last").expect("it is there").began_at.expect("it has begun");
        assert!(began >= ended("sub") && ended("sub") >= ended("sub.a").max(ended("sub.b")));
        assert_right(&rig);
    });
}

#[test]
fn a_step_that_stands_in_runs_when_the_other_has_failed_and_only_then() {
    for fails in [false, true] {
        in_virtual_time(async {
            let maker = Maker::new();
            let mut a = maker.step("a", Case::Token, &[]).await;
            a.otherwise = Some("b".into());
            let b = maker.step("b", Case::Tag, &[]).await;
            let last = maker.step("last", Case::Stop, &["a"]).await;
            if fails {
                maker.world.fault([Fault::Refuse("VolumeLimitExceeded")]);
            }
            let rig = maker.rig(vec![a, b, last]);
            assert_eq!(rig.rest().await.0, Rest::Finished);
            let wanted =
                if fails { (Phase::Failed, Phase::Succeeded) } else { (Phase::Succeeded, Phase::Waiting) };
            assert_eq!((rig.phase("a"), rig.phase("b")), wanted);
            assert_eq!(rig.phase("last"), Phase::Succeeded);
            assert_right(&rig);
        });
    }
}

#[test]
fn a_condition_decides_when_its_step_is_reached() {
    for (state, runs) in [("done", true), ("skipped", false)] {
        in_virtual_time(async {
            let maker = Maker::new();
            let a = maker.step("a", Case::Stop, &[]).await;
            let mut b = maker.step("b", Case::Tag, &["a"]).await;
            b.when = Some(format!("steps.a.state == '{state}'"));
            let rig = maker.rig(vec![a, b]);
            let (rest, why) = rig.rest().await;
            assert_eq!(rest, Rest::Finished, "{why}");
            assert_eq!(rig.phase("b"), if runs { Phase::Succeeded } else { Phase::NotNeeded });
            assert_right(&rig);
        });
    }
}

#[test]
fn a_gate_asks_again_and_opens_for_the_right_plan_only() {
    in_virtual_time(async {
        let maker = Maker::new();
        let a = maker.step("a", Case::Stop, &[]).await;
        let mut b = maker.step("b", Case::Tag, &["a"]).await;
        b.gate = true;
        let rig = maker.rig(vec![a, b]);
        assert_eq!(rig.rest().await.0, Rest::Paused);
        assert_eq!(rig.phase("b"), Phase::AtGate);
        let other = ConsentGiven { plan: PlanHash::of(b"another"), ..rig.consent() };
        rig.ask(Ask::OpenGate { step: "b".into(), consent: other });
        assert_eq!(rig.rest().await.0, Rest::Paused);
        assert_eq!(rig.phase("b"), Phase::AtGate);
        rig.ask(Ask::OpenGate { step: "b".into(), consent: rig.consent() });
        // It dies after the request was written down, before it was obeyed: that changes nothing.
        let end = rig.work(DieAt::nth("request-durable", 1), Ends::Never).await;
        assert!(matches!(end, End::Killed(Some(_))), "{end:?}");
        rig.disk.crash(9);
        let (rest, why) = rig.rest().await;
        assert_eq!(rest, Rest::Finished, "{why}");
        assert_right(&rig);
    });
}

#[test]
fn a_step_that_was_refused_cleanly_is_begun_again_as_often_as_its_runbook_says() {
    for (refusals, succeeds) in [(1, true), (2, true), (3, false)] {
        in_virtual_time(async {
            let maker = Maker::new();
            let mut a = maker.step("a", Case::Token, &[]).await;
            a.retry.times = 2;
            a.retry.wait_s = 30;
            maker.world.fault((0..refusals).map(|_| Fault::Refuse("VolumeLimitExceeded")));
            let rig = maker.rig(vec![a]);
            let (rest, why) = rig.rest().await;
            assert_eq!(rest, if succeeds { Rest::Finished } else { Rest::Stuck }, "{refusals}: {why}");
            let attempt = rig.state().step("a").expect("it is there").attempt;
            assert_eq!(attempt, if succeeds { refusals + 1 } else { 3 });
            assert_right(&rig);
        });
    }
}

#[test]
fn what_stands_in_waits_until_the_other_is_not_begun_again_any_more() {
    in_virtual_time(async {
        let maker = Maker::new();
        let mut a = maker.step("a", Case::Token, &[]).await;
        a.retry.times = 1;
        a.retry.wait_s = 30;
        a.otherwise = Some("b".into());
        let b = maker.step("b", Case::Tag, &[]).await;
        maker.world.fault([Fault::Refuse("VolumeLimitExceeded")]);
        let rig = maker.rig(vec![a, b]);
        // It dies while it waits to begin again; the next executor knows that.
        assert!(matches!(
            rig.work(DieAt::never(), Ends::After(Duration::from_secs(20))).await,
            End::Killed(_)
        ));
        rig.disk.crash(2);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        assert_eq!((rig.phase("a"), rig.phase("b")), (Phase::Succeeded, Phase::Waiting));
        assert_right(&rig);
    });
}

#[test]
fn a_failed_step_is_retried_or_skipped_when_a_person_says_so() {
    for retry in [true, false] {
        in_virtual_time(async {
            let maker = Maker::new();
            let a = maker.step("a", Case::Token, &[]).await;
            let b = maker.step("b", Case::Stop, &["a"]).await;
            maker.world.fault([Fault::Refuse("VolumeLimitExceeded")]);
            let rig = maker.rig(vec![a, b]);
            let (rest, why) = rig.rest().await;
            assert_eq!(rest, Rest::Stuck);
            assert!(why.as_str().contains("VolumeLimitExceeded"), "{why}");
            rig.ask(if retry {
                Ask::Retry { step: "a".into() }
            } else {
                Ask::Skip { step: "a".into(), reason: "the old volume is good".into() }
            });
            assert_eq!(rig.rest().await.0, Rest::Finished);
            assert_eq!(rig.phase("a"), if retry { Phase::Succeeded } else { Phase::Skipped });
            assert_eq!(rig.phase("b"), Phase::Succeeded);
            rig.ask(Ask::Skip { step: "b".into(), reason: "too late".into() });
            rig.ask(Ask::Retry { step: "b".into() });
            rig.rest().await;
            assert_eq!(refused(&rig).len(), 2);
            assert_right(&rig);
        });
    }
}

/// A database was made, and a setting was refused: a retry goes on from there, and an undo takes the database back.
#[test]
fn a_retry_goes_on_with_what_is_there_and_forgets_none_of_it() {
    for retry in [true, false] {
        in_virtual_time(async {
            let rig = Rig::of_case(Case::UniqueName, false).await;
            rig.agree();
            rig.world.fault([Fault::None, Fault::Refuse("InvalidParameterValue")]);
            assert_eq!(rig.rest().await.0, Rest::Stuck);
            assert_eq!(rig.phase("act"), Phase::Failed);
            if retry {
                rig.ask(Ask::Retry { step: "act".into() });
                let (rest, why) = rig.rest().await;
                assert_eq!(rest, Rest::Finished, "{why}");
                assert_eq!(rig.wrong_at_end(&[("act", Direction::Forward, 2)]), Vec::<String>::new());
            }
            rig.undo(Some("act"));
            let (rest, why) = rig.rest().await;
            assert_eq!(rest, Rest::Undone, "{why}");
            assert_eq!(rig.wrong_at_end(&[("act", Direction::Undo, 2)]), Vec::<String>::new());
        });
    }
}

#[test]
fn a_pause_lets_what_is_under_way_end_and_nothing_begin() {
    in_virtual_time(async {
        let maker = Maker::new();
        let a = maker.step("a", Case::Tag, &[]).await;
        let b = maker.step("b", Case::Stop, &["a"]).await;
        let rig = maker.rig(vec![a, b]);
        assert!(matches!(
            rig.work(DieAt::never(), Ends::After(Duration::from_secs(5))).await,
            End::Killed(_)
        ));
        assert!(rig.phase("a").is_under_way());
        rig.ask(Ask::Pause);
        assert_eq!(rig.rest().await.0, Rest::Paused);
        assert_eq!((rig.phase("a"), rig.phase("b")), (Phase::Succeeded, Phase::Waiting));
        // It stays so, whoever begins to work on it.
        assert_eq!(rig.rest().await.0, Rest::Paused);
        rig.ask(Ask::Resume);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        assert_right(&rig);
    });
}

#[test]
fn what_is_given_up_stays_so() {
    in_virtual_time(async {
        let maker = Maker::new();
        let a = maker.step("a", Case::Tag, &[]).await;
        let b = maker.step("b", Case::Stop, &["a"]).await;
        let rig = maker.rig(vec![a, b]);
        assert!(matches!(
            rig.work(DieAt::never(), Ends::After(Duration::from_secs(5))).await,
            End::Killed(_)
        ));
        rig.ask(Ask::Abandon { reason: "".into() });
        rig.ask(Ask::Abandon { reason: "the Region is back".into() });
        assert_eq!(rig.rest().await.0, Rest::Abandoned);
        let sent = rig.world.sent().len();
        rig.ask(Ask::Resume);
        rig.undo(None);
        rig.ask(Ask::Note { text: "done by hand".into() });
        assert_eq!(rig.rest().await.0, Rest::Abandoned);
        assert_eq!(refused(&rig).len(), 3);
        assert_eq!(rig.world.sent().len(), sent);
        assert_right(&rig);
    });
}

#[test]
fn steps_are_taken_back_the_last_first_and_what_cannot_be_is_said() {
    in_virtual_time(async {
        let maker = Maker::new();
        let a = maker.step("a", Case::Stop, &[]).await;
        let b = maker.step("b", Case::Tag, &["a"]).await;
        let c = maker.step("c", Case::Token, &["b"]).await;
        let rig = maker.rig(vec![a, b, c]);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        // Without consent nothing is taken back.
        let none = ConsentGiven { plan: PlanHash::of(b"another"), ..rig.consent() };
        rig.ask(Ask::Undo { step: None, consent: none });
        assert_eq!(rig.rest().await.0, Rest::Finished);
        rig.undo(None);
        assert_eq!(rig.rest().await.0, Rest::Undone);
        let order: Vec<String> = rig
            .events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Began { step, direction: Direction::Undo, .. } => Some(step.to_string()),
                _ => None,
            })
            .collect();
        assert_eq!(order, ["c", "b", "a"]);
        assert_right(&rig);
    });
    in_virtual_time(async {
        let rig = Rig::of_case(Case::Failover, false).await;
        rig.agree();
        assert_eq!(rig.rest().await.0, Rest::Finished);
        rig.undo(Some("act"));
        assert_eq!(rig.rest().await.0, Rest::Finished);
        assert!(refused(&rig)[0].as_str().contains("cannot be taken back"));
    });
}

#[test]
fn taking_back_can_be_paused_between_two_steps() {
    in_virtual_time(async {
        let maker = Maker::new();
        let a = maker.step("a", Case::Stop, &[]).await;
        let b = maker.step("b", Case::Token, &["a"]).await;
        let rig = maker.rig(vec![a, b]);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        rig.undo(None);
        assert!(matches!(rig.work(DieAt::nth("began-written", 1), Ends::Never).await, End::Killed(_)));
        rig.disk.kill();
        rig.ask(Ask::Pause);
        assert_eq!(rig.rest().await.0, Rest::Paused);
        assert_eq!((rig.phase("a"), rig.phase("b")), (Phase::Succeeded, Phase::Undone));
        rig.ask(Ask::Resume);
        assert_eq!(rig.rest().await.0, Rest::Undone);
        assert_right(&rig);
    });
}

/// A person said that it has happened, so nobody saw an answer: taking it back must not pretend.
#[test]
fn what_a_person_said_has_happened_is_really_taken_back() {
    in_virtual_time(async {
        let rig = Rig::of_case(Case::UniqueName, false).await;
        rig.agree();
        rig.world.fault([Fault::DieApplied]);
        assert!(matches!(rig.work(DieAt::never(), Ends::Never).await, End::Killed(None)));
        rig.world.look_trouble(100);
        // The world cannot be seen, so it stays in doubt.
        let _ = rig.work(DieAt::never(), Ends::After(Duration::from_secs(30))).await;
        assert_eq!(rig.phase("act"), Phase::InDoubt);
        rig.ask(Ask::Settle { step: "act".into(), happened: true, reason: "I see it".into() });
        rig.world.look_trouble(0);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        rig.undo(None);
        assert_eq!(rig.rest().await.0, Rest::Undone);
        assert_eq!(rig.wrong_at_end(&[("act", Direction::Undo, 2)]), Vec::<String>::new());
    });
}

/// A person answers while a look is under way, and while a call waits to be repeated.
#[test]
fn a_person_can_settle_a_doubt_at_any_moment() {
    for case in [Case::Token, Case::Tag, Case::UniqueName] {
        for ms in (0..4000).step_by(370) {
            in_virtual_time(async {
                let rig = Rig::of_case(case, false).await;
                rig.agree();
                rig.world.fault([Fault::LoseReply, Fault::LoseReply, Fault::LoseReply]);
                rig.world.hide(Duration::from_secs(100));
                let asks = async {
                    loop {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        let lines = rig.lines();
                        if !lines.is_empty() && rig.phase("act") == Phase::InDoubt {
                            break;
                        }
                    }
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                    rig.ask(Ask::Settle { step: "act".into(), happened: true, reason: "I see it".into() });
                };
                let (end, ()) =
                    tokio::join!(rig.work(DieAt::never(), Ends::After(Duration::from_secs(7200))), asks);
                // A volume's id is known only from its answer; then the step says that it does not know it.
                assert!(!matches!(end, End::Halted(_)), "{case:?} after {ms} ms: {end:?}");
                assert_right(&rig);
            });
        }
    }
}

/// A person skips a step at the very moment when it begins.
#[test]
fn a_step_can_be_skipped_at_any_moment_before_it_has_begun() {
    for ms in (0..1500).step_by(25) {
        in_virtual_time(async {
            let maker = Maker::new();
            let a = maker.step("a", Case::UniqueName, &[]).await;
            let rig = maker.rig(vec![a]);
            let asks = async {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                rig.ask(Ask::Skip { step: "a".into(), reason: "not needed".into() });
            };
            let (end, ()) =
                tokio::join!(rig.work(DieAt::never(), Ends::After(Duration::from_secs(7200))), asks);
            assert!(matches!(end, End::Rested(Rest::Finished, _)), "after {ms} ms: {end:?}");
            let skipped = rig.phase("a") == Phase::Skipped;
            assert_eq!(skipped, rig.world.sent().is_empty(), "after {ms} ms");
            assert_right(&rig);
        });
    }
}

#[test]
fn a_person_answers_a_manual_step_and_later_steps_use_the_answer() {
    in_virtual_time(async {
        let maker = Maker::new();
        let a = maker.manual("a", &[]).await;
        let mut b = maker.step("b", Case::Tag, &["a"]).await;
        b.calls[0].call = b.calls[0].call.clone().with("Description", "said: ${steps.a.answer}");
        let rig = maker.rig(vec![a, b]);
        let (rest, why) = rig.rest().await;
        assert_eq!(rest, Rest::Stuck);
        assert!(why.as_str().contains("is the old writer off?"), "{why}");
        rig.ask(Ask::Answer { step: "a".into(), answer: "it is".into(), done: true });
        assert_eq!(rig.rest().await.0, Rest::Finished);
        let described = rig.events().into_iter().find_map(|event| match event {
            Event::Intended { call, .. } => call.text("Description").map(str::to_owned),
            _ => None,
        });
        assert_eq!(described.as_deref(), Some("said: it is"));
        assert_right(&rig);
    });
}

#[test]
fn a_wait_that_is_over_asks_once_and_goes_on_when_somebody_resumes() {
    in_virtual_time(async {
        let maker = Maker::new();
        let mut a = maker.step("a", Case::Tag, &[]).await;
        a.timeout_s = Some(20);
        let rig = maker.rig(vec![a]);
        let (rest, why) = rig.rest().await;
        assert_eq!(rest, Rest::Stuck, "{why}");
        // The snapshot is complete after 30 s: resuming waits for it, as the question says.
        assert_eq!(rig.rest().await.0, Rest::Finished);
        assert_right(&rig);
    });
}

#[test]
fn a_step_is_done_when_its_probe_has_been_green_for_as_long_as_it_must() {
    in_virtual_time(async {
        let maker = Maker::new();
        let mut a = maker.step("a", Case::Stop, &[]).await;
        let environment = a.calls[0].call.environment.clone();
        a.verify = vec![PlannedCheck {
            look: Call::new("tcp:Connect", &environment, &super::rig::home()),
            says: "something listens".into(),
            hold_s: 60,
            within_s: 600,
        }];
        let rig = maker.rig(vec![a]);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        let state = rig.state();
        let known = state.step("a").expect("it is there");
        let span = elapsed(known.began_at.expect("it began"), known.ended_at.expect("it ended"));
        assert!(span >= Duration::from_secs(60), "{span:?}");
        assert_right(&rig);
    });
}

#[test]
fn a_start_that_is_made_again_much_later_is_given_its_time() {
    in_virtual_time(async {
        let rig = Rig::of_case(Case::Start, false).await;
        rig.agree();
        rig.world.fault([Fault::DieLost]);
        assert!(matches!(rig.work(DieAt::never(), Ends::Never).await, End::Killed(None)));
        tokio::time::sleep(Duration::from_secs(3600)).await;
        // EC2 shows the old state for a moment.
        rig.world.slow_to_show(Duration::from_secs(8));
        let (rest, why) = rig.rest().await;
        assert_eq!(rest, Rest::Finished, "{why}");
        assert_right(&rig);
    });
}

#[test]
fn lines_name_who_acts_after_a_take_over_too() {
    in_virtual_time(async {
        let rig = Rig::of_case(Case::UniqueName, false).await;
        rig.agree();
        assert!(matches!(rig.work(DieAt::nth("intent-durable", 1), Ends::Never).await, End::Killed(_)));
        rig.fall(1);
        rig.finish(Rest::Finished).await.expect("it finishes");
        for line in rig.lines() {
            if let Some(Event::Intended { .. }) = line.event {
                assert!(
                    line.actor.identity.is_some(),
                    "line {} of term {} names nobody",
                    line.seq,
                    line.term
                );
            }
        }
    });
}

#[test]
fn a_plan_that_only_talks_makes_no_call() {
    in_virtual_time(async {
        let maker = Maker::new();
        let a = maker.step("a", Case::Tag, &[]).await;
        let mut made = plan(vec![a]);
        made.mode = lifeboat::runbook::plan::Mode::Tabletop;
        let rig = Rig::of(maker.world, maker.time, made);
        rig.agree();
        let _ = rig.rest().await;
        assert!(rig.world.sent().is_empty());
    });
}

#[test]
fn what_changes_nothing_needs_nothing_to_be_taken_back() {
    in_virtual_time(async {
        let maker = Maker::new();
        let a = maker.step("a", Case::Stop, &[]).await;
        let mut b = plain("b");
        b.needs = vec!["a".into()];
        assert_eq!(b.undo, Undo::Nothing);
        let rig = maker.rig(vec![a, b]);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        rig.undo(None);
        assert_eq!(rig.rest().await.0, Rest::Undone);
        assert_right(&rig);
    });
}

#[test]
fn what_was_taken_back_can_be_begun_anew_after_what_it_needs() {
    in_virtual_time(async {
        let maker = Maker::new();
        let a = maker.step("a", Case::Tag, &[]).await;
        let b = maker.step("b", Case::Token, &["a"]).await;
        let rig = maker.rig(vec![a, b]);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        rig.undo(Some("b"));
        let (rest, why) = rig.rest().await;
        assert_eq!(
            (rest, why.as_str()),
            (Rest::Undone, "what was asked for is taken back; this stays done: a")
        );
        rig.undo(Some("a"));
        assert_eq!(rig.rest().await.1.as_str(), "what was done is taken back");
        rig.ask(Ask::Retry { step: "b".into() });
        rig.rest().await;
        assert_eq!(refused(&rig), [Text::new("it needs step a, which is undone")]);
        for (step, rest) in [("a", Rest::Undone), ("b", Rest::Finished)] {
            rig.ask(Ask::Retry { step: step.into() });
            assert_eq!(rig.rest().await.0, rest);
            assert_eq!(rig.phase(step), Phase::Succeeded);
        }
        // Each was made anew, because somebody asked for it.
        let anew = rig.wrong();
        assert!(anew.len() == 2 && anew.iter().all(|wrong| wrong.starts_with("2 times")), "{anew:?}");
        // The service remembers the first token with the volume that is gone.
        let token = |event| match event {
            Event::Intended { call, .. } => call.text("ClientToken").map(str::to_owned),
            _ => None,
        };
        let tokens: Vec<String> = rig.events().into_iter().filter_map(token).collect();
        assert_eq!(tokens.len(), 2);
        assert_ne!(tokens[0], tokens[1]);
        rig.undo(None);
        assert_eq!(rig.rest().await.0, Rest::Undone);
        assert_eq!(rig.wrong(), anew);
    });
}

#[test]
fn what_another_step_stood_in_for_is_not_begun_again() {
    in_virtual_time(async {
        let maker = Maker::new();
        let mut a = maker.step("a", Case::Token, &[]).await;
        a.otherwise = Some("b".into());
        let b = maker.step("b", Case::Tag, &[]).await;
        maker.world.fault([Fault::Refuse("VolumeLimitExceeded")]);
        let rig = maker.rig(vec![a, b]);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        let sent = rig.world.sent().len();
        rig.ask(Ask::Retry { step: "a".into() });
        assert_eq!(rig.rest().await.0, Rest::Finished);
        assert_eq!(refused(&rig), [Text::new("step b stands in for a, and is done")]);
        assert_eq!(rig.world.sent().len(), sent);
    });
}

#[test]
fn taking_everything_back_leaves_what_cannot_be() {
    in_virtual_time(async {
        let maker = Maker::new();
        let a = maker.step("a", Case::Tag, &[]).await;
        let b = maker.step("b", Case::Failover, &["a"]).await;
        let rig = maker.rig(vec![a, b]);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        rig.undo(None);
        let (rest, why) = rig.rest().await;
        assert_eq!(
            (rest, why.as_str()),
            (Rest::Undone, "what was asked for is taken back; this stays done: b")
        );
        assert_eq!((rig.phase("a"), rig.phase("b")), (Phase::Undone, Phase::Succeeded));
        assert_right(&rig);
    });
}

#[test]
fn an_object_that_was_deleted_twice_over_comes_back_at_once_and_whole() {
    in_virtual_time(async {
        let maker = Maker::new();
        let given = [("bucket", "states"), ("key", "gone-twice.json")];
        let made = step(maker.world.as_ref(), "act", "s3-undelete", &given).await;
        let named: Vec<_> = made.calls.iter().filter_map(|planned| planned.call.text("VersionId")).collect();
        // The marker below the version hides nothing, and stays.
        assert_eq!(named, ["t3", "t4"]);
        let rig = maker.rig(vec![made]);
        let (rest, why) = rig.rest().await;
        assert_eq!(rest, Rest::Finished, "{why}");
        let state = rig.state();
        assert_eq!(state.step("act").expect("it is there").outputs["version"], "t2");
        rig.undo(None);
        assert_eq!(rig.rest().await.0, Rest::Undone);
        let wanted = [("act", Direction::Forward, 2), ("act", Direction::Undo, 1)];
        assert_eq!(rig.wrong_at_end(&wanted), Vec::<String>::new());
    });
}

#[test]
fn an_answer_that_is_too_large_for_its_line_is_used_all_the_same() {
    in_virtual_time(async {
        let maker = Maker::new();
        let a = maker.step("a", Case::Tag, &[]).await;
        maker.world.fault([Fault::Wordy]);
        let rig = maker.rig(vec![a]);
        assert_eq!(rig.rest().await.0, Rest::Finished);
        let longest = rig.disk.journal().split(|byte| *byte == b'\n').map(<[u8]>::len).max();
        assert!(longest < Some(8 << 10), "{longest:?}");
        rig.undo(None);
        let (rest, why) = rig.rest().await;
        assert_eq!(rest, Rest::Undone, "{why}");
        assert_eq!(rig.wrong_at_end(&[("a", Direction::Undo, 1)]), Vec::<String>::new());
    });
}
