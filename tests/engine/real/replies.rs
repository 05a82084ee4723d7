//! Replies that are lost, and requests that only half arrive: whatever becomes of what is said between an executor and AWS,
//! nothing is done twice, and nothing that has happened is said not to have. The time of these runs goes faster; what is
//! hidden is hidden for as long by it.

use super::stage::{Came, Case, Play, Stage, several};
use crate::engine::program::until;
use crate::journal::python::agree;
use crate::support::fast::Fast;
use lifeboat::runbook::event::{Direction, Event, Outcome, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What befalls a call that changes something.
#[derive(Debug, Clone, PartialEq)]
enum Fault {
    /// A rule of the gateway, for the first so many calls.
    Rule(&'static str, Value, u64),
    /// Half of the request is sent, and the executor is killed.
    Half,
}

impl Fault {
    fn name(&self) -> &'static str {
        match self {
            Self::Rule(name, ..) => name,
            Self::Half => "half sent",
        }
    }

    /// Says whether it can befall calls of a case in both directions.
    fn befalls(&self, case: Case) -> bool {
        match self.name() {
            "error in a 200" => case == Case::Version,
            name => {
                !name.starts_with("hidden") || matches!(case, Case::Restore | Case::Volume | Case::Snapshot)
            }
        }
    }

    /// Says whether it can befall what takes a step back: what is made there is nothing that could be hidden.
    fn befalls_undo(&self) -> bool {
        !self.name().starts_with("hidden")
    }
}

fn hidden(span: u64) -> Value {
    json!({ "seconds": Fast::takes(Duration::from_secs(span)).as_secs_f64() })
}

fn faults() -> Vec<Fault> {
    let error = |status: u16, code: &str| json!({"status": status, "code": code, "message": "try again"});
    let after = |mut rule: Value| {
        rule["after"] = json!(true);
        rule
    };
    vec![
        Fault::Rule("reset after", after(json!({"cut": "reset"})), 1),
        Fault::Rule("reset after, thrice", after(json!({"cut": "reset"})), 3),
        Fault::Rule("no answer", after(json!({"cut": "hang"})), 1),
        Fault::Rule("cut short", after(json!({"cut": "truncate"})), 1),
        Fault::Rule("500 after", after(error(500, "InternalError")), 1),
        Fault::Rule("503 after", after(error(503, "ServiceUnavailable")), 2),
        Fault::Rule("reset before", json!({"cut": "reset"}), 1),
        Fault::Rule("500 before", error(500, "InternalError"), 1),
        Fault::Rule("throttled", json!({"throttle": true}), 2),
        Fault::Rule(
            "error in a 200",
            json!({"ok_with_error": {"code": "InternalError", "message": "sorry"}}),
            1,
        ),
        Fault::Rule("hidden 20 s, reset after", after(json!({"cut": "reset", "hide": hidden(20)})), 1),
        Fault::Rule("hidden 150 s, reset after", after(json!({"cut": "reset", "hide": hidden(150)})), 1),
        Fault::Rule("hidden 300 s, reset after", after(json!({"cut": "reset", "hide": hidden(300)})), 1),
        Fault::Rule("hidden 120 s", json!({"hide": hidden(120)}), 1),
        Fault::Half,
    ]
}

/// Runs a step, and what takes it back, while this befalls each; returns how often it did.
fn befall(stage: &Stage, case: Case, fault: &Fault) -> (u64, Came) {
    let mut play = Play::new(stage, case);
    play.begin(Some("consent-durable:1"));
    let (name, mut fired) = (play.name(), 0);
    let mut undone = false;
    for direction in [Direction::Forward, Direction::Undo] {
        if direction == Direction::Undo {
            if !case.can_be_undone() || !fault.befalls_undo() {
                break;
            }
            undone = true;
            play.go_on(direction, Some("request-durable:1"));
        }
        match fault {
            Fault::Rule(_, rule, times) => {
                let mut rule = rule.clone();
                rule["run"] = json!(name);
                rule["direction"] = json!(direction.name());
                rule["operation"] = json!(case.changes(direction).join("|"));
                rule["times"] = json!(times);
                let made = stage.gateway.post("rules", &rule);
                play.finish(direction);
                let rules = stage.gateway.list("rules");
                let own = rules.iter().find(|rule| rule["id"] == made["ids"][0]).expect("the rule is there");
                fired += own["fired"].as_u64().expect("it is counted");
            }
            Fault::Half => {
                let is_half = |row: &&Value| row["half"] == json!(true);
                let halves = || stage.gateway.list("log").iter().filter(is_half).count();
                let before = halves();
                assert!(play.half_sent(direction).killed, "{case:?}: it lives on");
                play.finish(direction);
                // The gateway may learn later than the executor's end that the rest will not come.
                until("the half request", || (halves() > before).then_some(()));
                fired += 1;
            }
        }
    }
    (fired, play.ended(undone))
}

#[test]
fn whatever_becomes_of_a_reply_nothing_is_done_twice_in_aws() {
    let began = Instant::now();
    let only = std::env::var("LIFEBOAT_CASE").ok();
    let mut plays: Vec<(Case, Fault)> = Vec::new();
    // Those that wait longest begin first.
    for fault in faults().into_iter().rev() {
        plays.extend(
            Case::ALL.into_iter().filter(|case| fault.befalls(*case)).map(|case| (case, fault.clone())),
        );
    }
    plays.retain(|(case, _)| only.as_ref().is_none_or(|only| *only == format!("{case:?}")));
    let count = plays.len();
    let stage = Stage::of(plays.iter().map(|(case, _)| *case));
    let came = several(plays, |(case, fault)| {
        let (fired, came) = befall(&stage, case, &fault);
        (case, fault, fired, came)
    });
    let (mut table, mut wrong, mut folders) = (BTreeMap::<(&str, &str), u64>::new(), Vec::new(), Vec::new());
    for (case, fault, fired, came) in &came {
        *table.entry((fault.name(), case.class())).or_default() += fired;
        folders.push(came.folder.clone());
        let mut found = came.wrong.clone();
        let least = if case.can_be_undone() && fault.befalls_undo() { 2 } else { 1 };
        if *fired < least {
            found.push(format!("it befell {fired} calls"));
        }
        if !found.is_empty() {
            wrong.push(format!("{case:?}, {}\n    {}", fault.name(), found.join("\n    ")));
        }
    }
    let classes = ["unique name", "token", "tag", "conditional", "set state", "no return"];
    println!("{:<26}{}", "", classes.map(|class| format!("{class:>13}")).join(""));
    for fault in faults() {
        let cells =
            classes.map(|class| table.get(&(fault.name(), class)).map_or("-".to_owned(), u64::to_string));
        println!("{:<26}{}", fault.name(), cells.map(|cell| format!("{cell:>13}")).join(""));
    }
    println!("{count} runs, {} failed, in {:.1} s", wrong.len(), began.elapsed().as_secs_f64());
    assert!(
        wrong.is_empty(),
        "{} runs went wrong; the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(6)].join("\n")
    );
    assert_eq!(agree("whatever_becomes_of_a_reply_nothing_is_done_twice_in_aws", &folders), count);
}

/// A call is repeated by its token only while AWS surely remembers it.
#[test]
fn after_the_tokens_time_a_look_into_aws_decides() {
    let stage = Stage::of([Case::Volume; 3]);
    let came = several(vec![(60, true), (660, false), (25 * 3600, false)], |(span, repeats)| {
        let mut play = Play::new(&stage, Case::Volume);
        assert!(play.begin(Some("call-answered:1")).killed);
        play.later(Duration::from_secs(span));
        play.finish(Direction::Forward);
        let events = play.events();
        let intents = events.iter().filter(|event| matches!(event, Event::Intended { .. })).count();
        let observed =
            events.iter().any(|event| matches!(event, Event::Observed { verdict: Verdict::Happened, .. }));
        assert_eq!((intents > 1, observed), (repeats, !repeats), "after {span} s");
        play.ended(false)
    });
    for came in came {
        assert_eq!(came.wrong, Vec::<String>::new());
    }
}

#[test]
fn what_was_answered_has_the_id_of_the_request_that_the_gateway_saw() {
    let stage = Stage::of([Case::Stop]);
    let mut play = Play::new(&stage, Case::Stop);
    play.begin(None);
    play.finish(Direction::Forward);
    let answered = play.events().into_iter().find_map(|event| match event {
        Event::Answered { of, outcome: Outcome::Succeeded, request_id, .. } => Some((of, request_id)),
        _ => None,
    });
    let (of, id) = answered.expect("it was answered");
    let effects = play.effects_of(&of);
    assert_eq!(effects.len(), 1);
    assert_eq!(effects[0]["request_id"], json!(id.expect("it has an id").as_str()));
    assert_eq!(play.ended(false).wrong, Vec::<String>::new());
}
