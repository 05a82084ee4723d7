//! Who has not agreed to anything changes nothing: every command that there is, by clap's own list, reaches no call that
//! acts; the same commands do, where somebody agrees.

use super::program::{PATIENCE, Real, own_folder, until};
use crate::support::run::START;
use clap::CommandFactory;
use lifeboat::cli::args::Arguments;
use lifeboat::engine::folder::RunFolder;
use lifeboat::engine::store::{Runs, load};
use lifeboat::provider::sandbox::DEMO_ESTATE;
use lifeboat::runbook::event::Event;
use lifeboat::runbook::plan::{Plan, PlanHash};
use lifeboat::runbook::state::Phase;
use std::time::{Duration, Instant};

/// How long a command that waits for something is waited for.
const WAITS: Duration = Duration::from_secs(4);

const BOOK: &str = "version: 1
title: Stop and start, with people
scenario: A test.
kind: recover
reviewed: 2026-11-21
parameters:
  instance: { type: component, kinds: [ec2-instance], says: It. }
steps:
  - { id: ask, title: Ask, uses: manual, with: { question: Is it so? } }
  - { id: stop, title: Stop, uses: ec2-stop, with: { component: \"${params.instance}\" }, gate: true }
  - { id: start, title: Start, uses: ec2-start, with: { component: \"${params.instance}\" } }
";

/// A place with the demo estate and a runbook of its own.
fn place() -> Real {
    let real = Real::new();
    real.home.write("lifeboat.yaml", &format!("{DEMO_ESTATE}\nrunbooks: [books]\n"));
    real.home.write("books/people.yaml", BOOK);
    real
}

const SANDBOX: [&str; 6] = ["-e", "sandbox:calm", "--speed", "20000", "--start", START];

fn sandbox<'a>(words: &[&'a str]) -> Vec<&'a str> {
    SANDBOX.iter().chain(words).copied().collect()
}

/// Returns what each command is given; `RUN` and `FOLDER` stand for the run that is there.
fn arguments(command: &str) -> Vec<Vec<&'static str>> {
    let book = ["people", "-p", "instance=web-2"];
    let restart = ["instance-restart", "-p", "instance=web-2"];
    let with = |words: &[&'static str], more: &[&'static str]| [words, more].concat();
    match command {
        "console" => vec![vec!["--read-only"], vec![]],
        "demo" | "runs" | "locks" | "doctor" | "man" => vec![vec![]],
        "status" => vec![vec![], vec!["--check"], vec!["--failure", "all"]],
        "points" => vec![vec![], vec!["stage-orders-db"], vec!["--at", "3 h ago"]],
        "states" => vec![vec![], vec!["stage-state", "--versions"]],
        "runbooks" => vec![vec![], vec!["people"]],
        "plan" => vec![
            book.to_vec(),
            with(&book, &["--script"]),
            with(&book, &["--markdown"]),
            with(&book, &["--mode", "drill"]),
            with(&restart, &["-o", "other.json"]),
        ],
        "run" => vec![
            book.to_vec(),
            restart.to_vec(),
            with(&book, &["--mode", "drill"]),
            with(&restart, &["--phrase", "web-2 harbour-prod 0000"]),
            with(&restart, &["--detach"]),
            vec!["plan.json"],
            vec!["other.json", "--detach"],
        ],
        "resume" => vec![vec!["RUN", "--detach"], vec!["--detach"]],
        "pause" => vec![vec!["RUN"]],
        "skip" => vec![vec!["RUN", "ask", "--reason", "none"], vec!["RUN", "stop", "--reason", "none"]],
        "retry" => vec![vec!["RUN", "stop"]],
        "undo" => vec![vec!["RUN"], vec!["RUN", "stop"]],
        "abandon" => vec![vec!["RUN", "--reason", "it was none"]],
        "open" => vec![vec!["RUN", "stop"]],
        "settle" => vec![
            vec!["RUN", "stop", "--happened", "--reason", "I looked"],
            vec!["RUN", "stop", "--did-not", "--reason", "I looked"],
        ],
        "answer" => vec![vec!["RUN", "ask", "yes"], vec!["RUN", "ask", "no", "--failed"]],
        "veto" => vec![vec!["RUN", "--reason", "no"]],
        "approve" => vec![vec!["plan.json", "--as", "ann", "--key", "/nonexistent"]],
        "follow" => vec![vec!["RUN"]],
        "replay" => vec![vec!["RUN"]],
        "audit" => vec![vec!["verify"], vec!["show"], vec!["export", "-o", "evidence"]],
        "__execute" => vec![vec!["FOLDER"]],
        "init" => vec![vec!["-o", "new.yaml"]],
        "check" => vec![vec![]],
        "login" => vec![vec![], vec!["--purpose", "operate"]],
        "policy" => vec![vec![], vec!["operate"]],
        "schema" => vec![vec!["runbook"]],
        "completions" => vec![vec!["bash"]],
        other => panic!("`{other}` is new: say here what it is given"),
    }
}

/// Lets the program run until it ends, or waits for something.
fn some_time(real: &Real, words: &[&str]) -> Option<u32> {
    let mut watcher = real.watch(words, false);
    let deadline = Instant::now() + WAITS;
    loop {
        if let Some(status) = watcher.child.try_wait().expect("it can be waited for") {
            return Some(status.exit_code());
        }
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Lays a run beside the others to which nobody has agreed.
fn lay(real: &Real) -> RunFolder {
    let ran = real.run(&sandbox(&["plan", "people", "-p", "instance=web-2", "-o", "plan.json"]));
    assert_eq!(ran.code, 0, "{ran}");
    let path = real.home.dir.path();
    let bytes = std::fs::read(path.join("plan.json")).expect("the plan is there");
    let plan: Plan = serde_json::from_slice(&bytes).expect("it is a plan");
    let runs = real.state().join("runs");
    own_folder(&runs);
    let estate = std::fs::read(path.join("lifeboat.yaml")).expect("the estate is there");
    Runs::at(&runs).create(&bytes, &estate, plan.run.as_str()).expect("it can be made")
}

#[test]
fn no_command_acts_where_nobody_has_agreed() {
    let real = place();
    let folder = lay(&real);
    let (run, path) = (
        folder.path().file_name().expect("a name").to_string_lossy().into_owned(),
        folder.path().display().to_string(),
    );
    let mut known: Vec<String> =
        Arguments::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert!(known.len() > 25, "{known:?}");
    // The last, for it is the end of the run.
    known.sort_by_key(|name| name == "abandon");
    let mut came = Vec::new();
    for command in &known {
        for given in arguments(command) {
            let given = given.into_iter().map(|word| match word {
                "RUN" => run.as_str(),
                "FOLDER" => path.as_str(),
                other => other,
            });
            let words: Vec<&str> = std::iter::once(command.as_str()).chain(given).collect();
            let code = some_time(&real, &sandbox(&words));
            assert!(real.effects().is_empty(), "{words:?} has acted");
            came.push((words.join(" "), code));
        }
    }
    real.quiet();
    for (words, code) in &came {
        println!("{words}: {code:?}");
    }
    assert!(real.effects().is_empty());
    let found = load(&folder).expect("it can be relied on");
    let events: Vec<Event> = found.read.lines.into_iter().filter_map(|line| line.event).collect();
    let acts = |event: &Event| matches!(event, Event::Intended { .. } | Event::Consented { .. });
    assert!(!events.iter().any(acts), "{events:?}");
    // They have reached the run all the same: it was asked for much.
    let asked = events.iter().filter(|event| matches!(event, Event::Asked { .. })).count();
    assert!(asked >= 6, "it was asked {asked} times");
    // No command of the list was misspelt.
    let code = |words: &str| came.iter().find(|(own, _)| own.starts_with(words)).and_then(|(_, code)| *code);
    assert_eq!(code("run people"), Some(5), "it is refused, for nobody agrees");
    assert_eq!(code("run instance-restart"), Some(5));
    assert_eq!(code("open "), Some(5));
    assert_eq!((code("status"), code("plan people"), code("runs")), (Some(0), Some(0), Some(0)));
    assert_eq!(code("abandon"), Some(0));
}

/// The same commands, where somebody agrees.
#[test]
fn the_same_commands_act_where_somebody_agrees() {
    let real = place();
    let folder = lay(&real);
    let run = folder.path().file_name().expect("a name").to_string_lossy().into_owned();
    let hash = PlanHash::of(&std::fs::read(real.home.dir.path().join("plan.json")).expect("the plan"));
    assert_eq!(load(&folder).expect("it can be read").hash, hash);
    let phase = |step: &str| load(&folder).expect("it can be read").state.step(step).expect("a step").phase;
    let ran = real.run(&sandbox(&["run", "plan.json", "--yes", "--detach"]));
    assert_eq!(ran.code, 7, "{ran}");
    until("the question", || (phase("ask") == Phase::Ready).then_some(()));
    assert!(real.effects().is_empty());
    assert_eq!(some_time(&real, &sandbox(&["answer", &run, "ask", "yes"])), None, "it waits at the gate");
    until("the gate", || (phase("stop") == Phase::AtGate).then_some(()));
    assert!(real.effects().is_empty());
    let mut count = 0;
    let mut acts = |words: &[&str]| {
        let ran = real.run(&sandbox(words));
        assert_eq!(ran.code, 0, "{ran}");
        let before = std::mem::replace(&mut count, real.effects().len());
        assert!(count > before, "{words:?} has not acted");
    };
    acts(&["open", &run, "stop", "--yes"]);
    acts(&["undo", &run, "--yes"]);
    println!("{count} calls that act");
    assert!(count >= 4, "{count}");
    assert!(PATIENCE > WAITS);
}
