//! A disk that fails: after that nothing is written but how what was under way came out, and what stands there stays
//! sound.

use super::built::{Built, Memory, Trouble, actor, built, moment, small};
use crate::support::skip::skip;
use lifeboat::engine::fault::NoFaults;
use lifeboat::engine::folder::Folder;
use lifeboat::engine::journal::{Halt, Journal};
use lifeboat::engine::line::Head;
use lifeboat::engine::replay;
use lifeboat::runbook::event::{CallPlace, Direction, Event, Outcome};
use serde_json::{Value, json};
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

fn is_outcome(event: &Event) -> bool {
    matches!(
        event,
        Event::Answered { .. } | Event::Observed { .. } | Event::Arrived { .. } | Event::Rested { .. }
    )
}

/// Lets every event of a journal be written to a disk that is in `trouble`, whatever was said of those before.
fn written(built: &Built, trouble: Trouble) -> (Memory, Vec<Result<(), Halt>>) {
    let folder = Memory::troubled(b"", trouble);
    let (mut journal, _) = Journal::open(&folder, actor(), Arc::new(NoFaults::default())).expect("it opens");
    let said = built
        .events
        .iter()
        .enumerate()
        .map(|(n, event)| {
            journal.append(event.clone(), moment(i64::try_from(n).expect("it is small"))).map(drop)
        })
        .collect();
    (folder, said)
}

/// Fails at the uses of a kind that `when` names, counted from 1.
fn failing(kind: &'static str, when: impl Fn(usize) -> bool + Send + 'static) -> Trouble {
    let mut used = 0;
    Arc::new(Mutex::new(move |what: &str| {
        if what != kind {
            return None;
        }
        used += 1;
        when(used).then(|| io::Error::from(io::ErrorKind::StorageFull))
    }))
}

/// Checks what stands on a disk that failed first at event `failed`, from 0.
fn holds(built: &Built, folder: &Memory, said: &[Result<(), Halt>], how: &str) {
    let read = replay::read(&folder.journal(), &Head::default());
    let read = read.unwrap_or_else(|broken| panic!("{how}: {broken}"));
    let failed = said.iter().position(Result::is_err).unwrap_or(said.len());
    assert!(said.iter().skip(failed).all(Result::is_err), "{how}: nothing is promised after a failure");
    let events: Vec<&Event> = read.lines.iter().filter_map(|line| line.event.as_ref()).collect();
    assert!(events.len() >= failed, "{how}: what was promised is there");
    assert!(events.iter().zip(&built.events).take(failed).all(|(one, two)| *one == two), "{how}");
    // The line that failed may stand there; after it nothing but outcomes.
    let after = events.iter().skip(failed);
    let same = events.get(failed) == built.events.get(failed).as_ref();
    assert!(after.skip(usize::from(same)).all(|event| is_outcome(event)), "{how}");
}

#[test]
fn after_a_write_that_failed_only_outcomes_are_written() {
    let built = small();
    for n in 1..=built.events.len() {
        let (folder, said) = written(built, failing("write", move |used| used == n));
        holds(built, &folder, &said, &format!("write {n} failed"));
        let read = replay::read(&folder.journal(), &Head::default()).expect("it is sound");
        assert_eq!(read.torn, 0, "half a line was cut off");
        let event = &built.events[n - 1];
        let there = read.lines.get(n - 1).and_then(|line| line.event.as_ref()) == Some(event);
        assert_eq!(
            there,
            is_outcome(event),
            "write {n}: an outcome is written at the second try, and nothing else"
        );
    }
}

#[test]
fn after_a_sync_that_failed_only_outcomes_are_written() {
    let built = small();
    for n in 1..=built.events.len() {
        let (folder, said) = written(built, failing("sync", move |used| used == n));
        holds(built, &folder, &said, &format!("sync {n} failed"));
    }
}

#[test]
fn a_disk_that_goes_on_failing_leaves_a_sound_journal() {
    let built = small();
    for n in 1..=built.events.len() {
        // From the nth on each write, every second, or writes and cuts in turn.
        let (folder, said) = written(built, failing("write", move |used| used >= n));
        holds(built, &folder, &said, &format!("every write from {n} on failed"));
        let (folder, said) = written(built, failing("write", move |used| used >= n && (used - n) % 4 < 2));
        holds(built, &folder, &said, &format!("writes from {n} on failed by twos"));
        let mut used = 0;
        let both: Trouble = Arc::new(Mutex::new(move |what: &str| {
            used += usize::from(what == "write");
            let fails = used >= n && (what == "cut" && used < n + 3 || what == "write" && used < n + 2);
            fails.then(|| io::Error::from(io::ErrorKind::StorageFull))
        }));
        let (folder, said) = written(built, both);
        holds(built, &folder, &said, &format!("writes and cuts from {n} on failed"));
    }
}

#[test]
fn a_line_that_nobody_could_read_is_not_written() {
    let folder = Memory::with(b"");
    let (mut journal, _) = Journal::open(&folder, actor(), Arc::new(NoFaults::default())).expect("it opens");
    let _ = journal.append(small().events[0].clone(), moment(0)).expect("it can be written");
    let before = folder.journal();
    let refused = journal.append(answer(&"x".repeat(2 << 20)), moment(1)).map(drop);
    assert!(matches!(refused, Err(Halt::Illegal(_))), "{refused:?}");
    assert_eq!(folder.journal(), before);
    let _ = journal.append(answer("short"), moment(2)).expect("the next one can be written");
    let read = replay::read(&folder.journal(), &Head::default()).expect("it is sound");
    assert_eq!(read.lines.len(), 2);
}

fn answer(text: &str) -> Event {
    Event::Answered {
        of: CallPlace { step: "plain-0".into(), direction: Direction::Forward, attempt: 1, index: 0 },
        outcome: Outcome::Succeeded,
        request_id: None,
        status: 200,
        code: None,
        says: "done".into(),
        reply: json!({ "Text": text }),
        hint: None,
    }
}

/// A small file system of its own, until it is dropped.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mounted(at: &'a Path) -> Option<Self> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(at).output();
        mount.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_still_takes_the_outcome() {
    let place = tempfile::tempdir().expect("a folder can be made");
    let Some(disk) = Small::mounted(place.path()) else {
        return skip("a_full_disk_still_takes_the_outcome", "no small file system can be mounted");
    };
    let built = built("full", 1, 20);
    let folder = built.lay(&disk.0.join("run"));
    let first: Vec<&Event> =
        built.events.iter().take_while(|event| !matches!(event, Event::Answered { .. })).collect();
    folder.put("journal.jsonl", b"").expect("it can be written");
    let (mut journal, _) = Journal::open(&folder, actor(), Arc::new(NoFaults::default())).expect("it opens");
    for event in &first {
        let _ = journal.append((*event).clone(), moment(1)).expect("there is room");
    }
    // Somebody fills the disk while the call is in flight.
    let mut filler = std::fs::File::create(disk.0.join("filler")).expect("it can be made");
    while io::Write::write_all(&mut filler, &[0; 512]).is_ok() {}
    let before = folder.read("journal.jsonl").expect("it can be read").expect("it is there").len();
    let said = journal.append(answer(&"x".repeat(20_000)), moment(2)).map(drop);
    assert!(matches!(said, Err(Halt::Disk(_))), "whoever acts is told to stop: {said:?}");
    let bytes = folder.read("journal.jsonl").expect("it can be read").expect("it is there");
    let read = replay::read(&bytes, &Head::default()).expect("it is sound");
    assert_eq!(
        (read.lines.len(), read.torn),
        (first.len() + 1, 0),
        "the outcome stands there, from {before} bytes on"
    );
    assert!(matches!(&read.lines[first.len()].event, Some(Event::Answered { reply: Value::Object(_), .. })));
    let said = journal.append(first[1].clone(), moment(3)).map(drop);
    assert!(matches!(said, Err(Halt::Disk(_))), "nothing else is written any more: {said:?}");
    assert_eq!(folder.read("journal.jsonl").expect("it can be read").expect("it is there"), bytes);
}
