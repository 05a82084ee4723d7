//! Objects written to this machine by the built program, in the sandbox: executors are killed on the way, nothing is fetched
//! twice, and what was fetched is removed again.

use super::program::Real;
use crate::support::run::{Ran, START};
use lifeboat::runbook::event::Event;
use std::process::Stdio;

const RUN: [&str; 15] = [
    "-e",
    "sandbox:calm",
    "--speed",
    "5000",
    "--start",
    START,
    "run",
    "object-download",
    "--yes",
    "-p",
    "bucket=media",
    "-p",
    "prefix=scans/2026/000",
    "-p",
    "folder=/simulated/looked-at",
];

fn executes(real: &Real, fault: Option<&str>) {
    let folder = real.folder().expect("there is a run");
    let mut command = real.command(&["__execute", &folder.display().to_string()]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.envs(fault.map(|fault| ("LIFEBOAT_FAULT", fault)));
    command.spawn().expect("it starts").wait().expect("it ends");
}

fn ended(real: &Real) -> String {
    let ended = real.events().into_iter().rev().find_map(|event| match event {
        Event::Ended { ending, why, .. } => Some(format!("{ending:?} {why}")),
        _ => None,
    });
    ended.unwrap_or_default()
}

fn changed(real: &Real, operation: &str) -> usize {
    let effects = real.effects();
    effects.iter().filter(|effect| effect.changed && *effect.operation.as_str() == *operation).count()
}

#[test]
fn a_prefix_is_fetched_once_by_executors_that_are_killed_and_removed_again() {
    let real = Real::new();
    let mut command = real.command(&[&RUN[..], &["--detach"]].concat());
    command.env("LIFEBOAT_FAULT", "call-answered:40");
    let ran = Ran::of(command);
    real.quiet();
    assert_eq!(ended(&real), "", "{ran}");
    executes(&real, Some("call-leaving:50"));
    executes(&real, None);
    assert_eq!(ended(&real), "Succeeded ", "{ran}");
    // Of a hundred keys ten are not there yet.
    assert_eq!(changed(&real, "download:Finish"), 90, "each once");
    let name = real.folder().expect("a run").file_name().expect("a name").to_string_lossy().into_owned();
    let undone = real.run(&["undo", &name, "--yes", "--detach"]);
    real.quiet();
    assert!(ended(&real).starts_with("Undone"), "{undone}");
    assert_eq!(changed(&real, "download:Remove"), 90);
    let verified = real.run(&["audit", "verify", &name]);
    assert_eq!(verified.code, 0, "{verified}");
}

#[test]
fn what_cannot_be_fetched_is_said_before_anything_is() {
    let real = Real::new();
    let plan = |pairs: &[&str]| {
        let mut words =
            vec!["-e", "sandbox:calm", "--speed", "5000", "--start", START, "plan", "object-download"];
        words.extend(["-p", "bucket=media"]);
        words.extend(pairs.iter().flat_map(|pair| ["-p", pair]));
        real.run(&words)
    };
    let ran = plan(&["prefix=archive/", "folder=/tmp/x"]);
    assert!(ran.code != 0 && ran.err.contains("archived"), "{ran}");
    let ran = plan(&["prefix=nobody/", "folder=/tmp/x"]);
    assert!(ran.code != 0 && ran.err.contains("nothing to fetch"), "{ran}");
    for folder in ["folder=x", "folder=/tmp/../etc"] {
        let ran = plan(&["prefix=invoices/", folder]);
        assert!(ran.code != 0 && ran.err.contains("no absolute path"), "{ran}");
    }
}
