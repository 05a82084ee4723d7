//! Readers of a journal that is being written: they wait for the rest of a line, and never report what is not so.

use super::built::{actor, large, moment, small};
use lifeboat::engine::fault::NoFaults;
use lifeboat::engine::folder::{Folder, RunFolder};
use lifeboat::engine::journal::Journal;
use lifeboat::engine::line::Head;
use lifeboat::engine::{replay, store};
use lifeboat::runbook::event::Event;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Follows a journal until it has so many lines; returns how often it met half a line.
fn follows(folder: &RunFolder, lines: u64, given_up: &AtomicBool) -> usize {
    let (mut at, mut head, mut torn) = (0, Head::default(), 0);
    while head.seq < lines && !given_up.load(Ordering::Relaxed) {
        let (_, read) = replay::follow(folder, at, &head).expect("nothing is wrong with it");
        at += usize::try_from(read.length).expect("it fits");
        torn += usize::from(read.torn > 0);
        head = read.head;
    }
    torn
}

/// Reads the whole run again and again until it has so many lines.
fn reloads(folder: &RunFolder, lines: u64, given_up: &AtomicBool) -> usize {
    let mut seen = 0;
    while seen < lines && !given_up.load(Ordering::Relaxed) {
        let run = store::load(folder).expect("nothing is wrong with it");
        assert!(run.read.head.seq >= seen, "what was there is still there");
        seen = run.read.head.seq;
        let found = lifeboat::audit::verify::verify(folder).expect("it can be read");
        assert!(found.verified || found.lines == 0, "{:?}", found.problems);
    }
    0
}

/// Says that whoever waits for the writer waits in vain, when the writer breaks.
struct GiveUp<'a>(&'a AtomicBool);

impl Drop for GiveUp<'_> {
    fn drop(&mut self) {
        self.0.store(std::thread::panicking(), Ordering::Relaxed);
    }
}

/// Lets six threads read what `write` writes until it has so many lines.
fn six_read(folder: &RunFolder, lines: u64, write: impl FnOnce()) -> usize {
    let given_up = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..6)
            .map(|n| {
                let given_up = &given_up;
                scope.spawn(move || {
                    if n < 4 { follows(folder, lines, given_up) } else { reloads(folder, lines, given_up) }
                })
            })
            .collect();
        {
            let _guard = GiveUp(&given_up);
            write();
        }
        readers.into_iter().map(|reader| reader.join().expect("no reader reports an error")).sum()
    })
}

#[test]
fn readers_wait_for_the_rest_of_a_line() {
    let built = large();
    let place = tempfile::tempdir().expect("a folder can be made");
    let folder = built.lay(&place.path().join("run"));
    folder.put("journal.jsonl", b"").expect("it can be written");
    let lines = built.ends().len() as u64 - 1;
    let torn = six_read(&folder, lines, || {
        // In pieces, as no disk promises otherwise.
        let mut tail = folder.tail().expect("it can be opened");
        for piece in built.bytes.chunks(177) {
            tail.write(piece).expect("it can be written");
            std::thread::yield_now();
        }
    });
    println!("{torn} times half a line was met");
}

#[test]
fn readers_see_no_harm_in_a_torn_line_that_is_cut_off() {
    let built = small();
    let place = tempfile::tempdir().expect("a folder can be made");
    let folder = built.lay(&place.path().join("run"));
    let rounds = 150;
    let lines = built.events.len() as u64 + rounds;
    let torn = six_read(&folder, lines, || {
        for round in 0..rounds {
            let half = vec![b'x'; usize::try_from(round * 7 % 300).expect("it fits") + 1];
            folder.tail().expect("it can be opened").write(&half).expect("half a line can be written");
            std::thread::yield_now();
            let (mut journal, read) =
                Journal::open(&folder, actor(), Arc::new(NoFaults::default())).expect("it can be opened");
            let cut_bytes = read.torn;
            let event = Event::TookOver { pid: 1, lifeboat: "1.0.0".into(), cut_bytes, program: None };
            let _ = journal.append(event, moment(500)).expect("it can be written");
        }
    });
    println!("{torn} times half a line was met");
}
