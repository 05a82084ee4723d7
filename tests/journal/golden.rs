//! Journals of other versions: those of this major version are read for ever, a newer minor version is only read, and
//! another major version is refused in plain words.
//!
//! The files were written once, by `LIFEBOAT_GOLDEN=1`, and are never written again: a later version that cannot read
//! them is wrong.

use super::built::{Memory, actor, built};
use crate::support::root;
use lifeboat::audit::verify::verify;
use lifeboat::engine::fault::NoFaults;
use lifeboat::engine::folder::{JOURNAL, PLAN, RunFolder};
use lifeboat::engine::journal::{Halt, Journal, sha256};
use lifeboat::engine::line::Head;
use lifeboat::engine::replay::{self, Broken};
use lifeboat::runbook::event::Rest;
use lifeboat::runbook::plan::Plan;
use lifeboat::runbook::state::{Phase, RunState};
use std::path::PathBuf;
use std::sync::Arc;

fn golden(version: &str) -> PathBuf {
    root(&format!("tests/fixtures/journals/{version}"))
}

/// Writes the lines of a journal anew, each changed by `with` before it is hashed.
fn written_anew(bytes: &[u8], with: impl Fn(usize, String) -> String) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).expect("it is UTF-8");
    let mut prev = "0".repeat(64);
    let mut out = String::new();
    for (n, line) in text.lines().enumerate() {
        let (start, _) = line.rsplit_once(",\"prev\":").expect("it has a hash before it");
        let body = with(n + 1, format!("{start},\"prev\":\"{prev}\""));
        prev = sha256(body.as_bytes());
        out.push_str(&format!("{body},\"hash\":\"{prev}\"}}\n"));
    }
    out.into_bytes()
}

/// Returns the journal as a newer minor version could have written it: an event that we do not know, and members that
/// we do not know, in lines and in events.
fn newer_minor(bytes: &[u8]) -> Vec<u8> {
    written_anew(bytes, |n, body| match n {
        1 => body.replacen("\"format\":\"1.0\"", "\"format\":\"1.1\",\"mood\":\"calm\"", 1),
        // What was a note is an event of its own there.
        n if body.contains("\"note\":{") && body.contains("\"asked\"") => {
            let (start, rest) = body.split_once("\"event\":\"asked\"").expect("it is asked");
            assert!(n > 2, "the note does not stand at the beginning");
            format!("{start}\"event\":\"remarked\"{rest}")
        }
        5 => body.replacen("\"event\":", "\"zone\":{\"seq\":1},\"event\":", 1),
        6 => body.replacen(",\"prev\":", ",\"trace\":[1,2],\"prev\":", 1),
        _ => body,
    })
}

fn newer_major(bytes: &[u8]) -> Vec<u8> {
    written_anew(bytes, |n, body| match n {
        1 => body
            .replacen("\"format\":\"1.0\"", "\"format\":\"2.0\"", 1)
            .replacen("\"seq\":1", "\"number\":1", 1)
            .replacen("\"mode\":\"recover\"", "\"mode\":{\"new\":[]}", 1),
        _ => body,
    })
}

#[test]
fn golden_files_are_written_once() {
    if golden("1.0").exists() || std::env::var_os("LIFEBOAT_GOLDEN").is_none() {
        return;
    }
    let built = built("golden", 1, 300);
    let head = built.heads().pop().expect("it has lines");
    std::fs::create_dir_all(root("tests/fixtures/journals")).expect("it can be made");
    std::fs::write(root("tests/fixtures/journals/1.0.head"), format!("{} {}\n", head.seq, head.hash))
        .expect("it can be written");
    for (version, journal) in
        [("1.0", built.bytes.clone()), ("1.1", newer_minor(&built.bytes)), ("2.0", newer_major(&built.bytes))]
    {
        let to = golden(version);
        std::fs::create_dir_all(to.join("side")).expect("it can be made");
        std::fs::write(to.join(JOURNAL), journal).expect("it can be written");
        std::fs::write(to.join(PLAN), built.plan.bytes()).expect("it can be written");
        for (name, bytes) in &built.files {
            std::fs::write(to.join(name), bytes).expect("it can be written");
        }
    }
}

fn journal(version: &str) -> Vec<u8> {
    std::fs::read(golden(version).join(JOURNAL)).expect("a golden file is there")
}

fn folded(version: &str) -> (replay::Read, RunState) {
    let plan = std::fs::read(golden(version).join(PLAN)).expect("a golden file is there");
    let plan: Plan = serde_json::from_slice(&plan).expect("its plan can be read");
    let read = replay::read(&journal(version), &Head::default()).expect("it can be read");
    let state = replay::fold(&plan, &read.lines).expect("it can follow");
    (read, state)
}

fn stands_as_it_ended(state: &RunState) {
    let phases: Vec<(&str, Phase)> = state.steps.iter().map(|(id, step)| (id.as_str(), step.phase)).collect();
    let told = [
        ("doubt-0", Phase::Succeeded),
        ("gate-0", Phase::Skipped),
        ("manual-0", Phase::Succeeded),
        ("needless-0", Phase::NotNeeded),
        ("plain-0", Phase::Succeeded),
        ("refused-0", Phase::Succeeded),
        ("throttled-0", Phase::Succeeded),
        ("undone-0", Phase::Undone),
    ];
    assert_eq!(phases, told);
    assert_eq!(state.step("refused-0").expect("it is there").attempt, 2);
    assert_eq!(state.rest.as_ref().map(|(rest, ..)| *rest), Some(Rest::Undone));
    assert_eq!(state.approver.as_ref().map(lifeboat::domain::Text::as_str), Some("grace"));
    assert_eq!(state.run, *"r-20261121-031207-golden");
    assert!(state.break_glass && state.agreed_at.is_some());
}

#[test]
fn a_journal_of_1_0_is_read_folded_and_verified() {
    let (read, state) = folded("1.0");
    let kept =
        std::fs::read_to_string(root("tests/fixtures/journals/1.0.head")).expect("the last hash was kept");
    assert_eq!(format!("{} {}\n", read.head.seq, read.head.hash), kept, "it is the one that was written");
    assert!(!read.newer && read.torn == 0 && read.lines.iter().all(|line| line.event.is_some()));
    stands_as_it_ended(&state);
    let found = verify(&RunFolder::at(&golden("1.0"))).expect("it can be read");
    assert!(found.verified && found.side_files > 8, "{found:?}");
    Journal::open(&Memory::with(&journal("1.0")), actor(), Arc::new(NoFaults::default()))
        .map(drop)
        .expect("this version goes on with it");
}

#[test]
fn a_journal_of_a_newer_minor_version_is_only_read() {
    let (read, state) = folded("1.1");
    assert!(read.newer);
    let unknown: Vec<&str> =
        read.lines.iter().filter(|line| line.event.is_none()).map(|line| line.name.as_str()).collect();
    assert_eq!(unknown, ["remarked"], "what it does not know it names");
    stands_as_it_ended(&state);
    assert!(verify(&RunFolder::at(&golden("1.1"))).expect("it can be read").verified);
    let folder = Memory::with(&[&journal("1.1")[..], b"{\"torn"].concat());
    let refused = Journal::open(&folder, actor(), Arc::new(NoFaults::default())).map(drop);
    let refused = refused.expect_err("it must not go on with it");
    assert!(matches!(refused, Halt::Broken(Broken::Newer)), "{refused}");
    assert!(folder.journal().ends_with(b"{\"torn"), "nothing is cut that it must not write");
}

#[test]
fn what_an_older_version_does_not_know_is_enough_to_only_read_it() {
    // A newer version may have gone on with a journal that names an older one.
    let newer = String::from_utf8(newer_minor(&journal("1.0"))).expect("it is UTF-8");
    let older = written_anew(newer.as_bytes(), |_, body| {
        body.replacen("\"format\":\"1.1\"", "\"format\":\"1.0\"", 1)
    });
    for end in super::built::ends(&older).into_iter().skip(1) {
        let read = replay::read(&older[..end], &Head::default()).expect("it can be read");
        let unknown = read.lines.len() >= 5;
        assert_eq!(read.newer, unknown, "after line {}", read.lines.len());
    }
}

#[test]
fn a_journal_of_another_major_version_is_refused_in_plain_words() {
    let refused = replay::read(&journal("2.0"), &Head::default()).expect_err("it is not understood");
    assert_eq!(refused.to_string(), "the journal has format 2.0, and this lifeboat reads 1.0");
    let opened = Journal::open(&Memory::with(&journal("2.0")), actor(), Arc::new(NoFaults::default()));
    assert!(matches!(opened.map(drop), Err(Halt::Broken(Broken::Format(_)))));
    let found = verify(&RunFolder::at(&golden("2.0"))).expect("it can be read");
    assert!(!found.verified && found.lines == 0, "{found:?}");
}
