//! The runbooks of databases and clusters, run to their end by the program that people run, in the sandbox; and what each
//! has written down is verified.

use super::program::{Real, until};
use crate::support::run::{Ran, START};
use lifeboat::provider::sandbox::DEMO_ESTATE;
use lifeboat::runbook::event::{Event, Rest};
use serde_json::Value;

/// A place with the demo estate, nothing of which is production, so that a flag is enough to agree.
fn place() -> (Real, String) {
    let real = Real::new();
    let estate = DEMO_ESTATE.replace("class: production", "class: staging");
    let path = real.home.write("harbour.yaml", &estate);
    (real, path)
}

fn run(real: &Real, estate: &str, words: &[&str]) -> Ran {
    let sandbox = ["--estate", estate, "-e", "sandbox:calm", "--speed", "5000", "--start", START];
    let all: Vec<&str> = sandbox.iter().chain(words).copied().collect();
    real.run(&all)
}

/// Returns the newest point of a component whose name contains `part`.
fn point(real: &Real, estate: &str, component: &str, part: &str) -> String {
    fn names(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("id").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|value| names(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| names(value, found)),
            _ => {}
        }
    }
    let told = run(real, estate, &["points", component, "--format", "json"]);
    let mut found = Vec::new();
    names(&told.json(), &mut found);
    found.retain(|name| name.contains(component) && name.contains(part));
    found.sort();
    found.pop().unwrap_or_else(|| panic!("there is no such point: {told}"))
}

/// Says that a run has come to its end, and that its journal can be verified.
fn assert_finished(real: &Real, ran: &Ran) {
    assert_eq!(ran.code, 0, "{ran}");
    let last = real.events().pop();
    assert!(matches!(last, Some(Event::Rested { rest: Rest::Finished, .. })), "{last:?}\n{ran}");
    let verified = real.run(&["audit", "verify"]);
    assert_eq!(verified.code, 0, "{verified}");
}

/// Opens the gates of a run in their order, each when it is reached; who opens the last watches to the end.
fn open(real: &Real, gates: &[&str]) -> Ran {
    let (last, others) = gates.split_last().expect("there is a gate");
    let reached = |gate: &str| {
        until("the gate", || {
            let is_it = |event: &Event| matches!(event, Event::GateReached { step } if *step == *gate);
            real.folder().filter(|_| real.events().iter().any(is_it))
        })
    };
    let mut watching = Vec::new();
    for gate in others {
        let folder = reached(gate);
        let name = folder.file_name().expect("it has a name").to_string_lossy().into_owned();
        watching.push(real.command(&["open", &name, gate, "--yes"]).spawn().expect("the program starts"));
    }
    let folder = reached(last);
    let name = folder.file_name().expect("it has a name").to_string_lossy().into_owned();
    let ran = real.run(&["open", &name, last, "--yes"]);
    for mut child in watching {
        child.wait().expect("it ends with the run");
    }
    ran
}

#[test]
fn a_database_is_backed_up_copied_and_restored_to_a_moment() {
    for words in [
        &["database-backup", "-p", "database=orders-db"][..],
        &[
            "database-copy-to-dr",
            "-p",
            "database=orders-db",
            "-p",
            "key=arn:aws:kms:us-west-2:417263985012:key/1",
        ],
        &["database-to-time", "-p", "database=orders-db"],
        &["cluster-to-time", "-p", "cluster=customers-db"],
        &["global-switchover", "-p", "cluster=customers-db"],
    ] {
        let (real, estate) = place();
        let all: Vec<&str> =
            ["run"].iter().chain(words).chain(&["--yes", "--purpose", "test"]).copied().collect();
        let ran = run(&real, &estate, &all);
        assert_finished(&real, &ran);
    }
}

#[test]
fn a_cluster_is_restored_from_a_snapshot() {
    let (real, estate) = place();
    let snapshot = format!("snapshot={}", point(&real, &estate, "customers-db", "rds:"));
    let words = ["run", "cluster-from-snapshot", "-p", "cluster=customers-db", "-p", &snapshot];
    let all: Vec<&str> = words.iter().chain(&["--yes", "--purpose", "test"]).copied().collect();
    let ran = run(&real, &estate, &all);
    assert_finished(&real, &ran);
}

#[test]
fn a_database_is_restored_in_the_dr_region() {
    let (real, estate) = place();
    let snapshot = format!("snapshot={}", point(&real, &estate, "reports-db", "copy"));
    let words = [
        "run",
        "database-in-dr-region",
        "-p",
        "database=reports-db",
        "-p",
        &snapshot,
        "-p",
        "parameter-group=reports-dr",
        "-p",
        "subnet-group=private-dr",
        "-p",
        "security-groups=default",
        "--yes",
        "--purpose",
        "test",
    ];
    let ran = run(&real, &estate, &words);
    assert_finished(&real, &ran);
}

#[test]
fn a_restored_database_gets_the_old_name_when_its_gates_are_opened() {
    let (real, estate) = place();
    let snapshot = format!("snapshot={}", point(&real, &estate, "orders-db", "-daily-"));
    let words = [
        "run",
        "--detach",
        "database-swap-back",
        "-p",
        "database=orders-db",
        "-p",
        &snapshot,
        "--yes",
        "--purpose",
        "test",
    ];
    let waits = run(&real, &estate, &words);
    assert_eq!(waits.code, 7, "it is begun: {waits}");
    let ran = open(&real, &["aside", "back"]);
    assert_finished(&real, &ran);
}

#[test]
fn a_global_failover_takes_its_phrase_or_does_nothing() {
    let (real, estate) = place();
    let words = ["run", "global-failover", "-p", "cluster=customers-db", "--yes", "--purpose", "test"];
    let ran = run(&real, &estate, &words);
    assert_ne!(ran.code, 0, "a flag is not enough: {ran}");
    assert!(ran.err.contains("phrase"), "{ran}");
    let plan = real.home.dir.path().join("plan.json").display().to_string();
    let made = run(&real, &estate, &["plan", "global-failover", "-p", "cluster=customers-db", "-o", &plan]);
    assert_eq!(made.code, 0, "{made}");
    let refused = run(&real, &estate, &["run", &plan, "--yes", "--purpose", "test"]);
    let phrase = refused.err.split("--phrase '").nth(1).and_then(|rest| rest.split('\'').next());
    let phrase = phrase.unwrap_or_else(|| panic!("it says its phrase: {refused}"));
    let ran = run(&real, &estate, &["run", &plan, "--phrase", phrase, "--purpose", "test"]);
    assert_finished(&real, &ran);
}
