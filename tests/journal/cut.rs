//! A journal cut at every byte: the whole lines before the cut are read, and nothing else is ever lost.

use super::built::{Built, Memory, actor, large, moment, small};
use super::campaign;
use lifeboat::engine::fault::NoFaults;
use lifeboat::engine::folder::{Folder, JOURNAL};
use lifeboat::engine::journal::Journal;
use lifeboat::engine::line::Head;
use lifeboat::engine::replay;
use lifeboat::runbook::event::Event;
use std::sync::Arc;

fn took_over(cut_bytes: u64) -> Event {
    Event::TookOver { pid: 1, lifeboat: "1.0.0".into(), cut_bytes, program: None }
}

/// Returns how many whole lines stand before a cut.
fn before(ends: &[usize], cut: usize) -> usize {
    ends.partition_point(|end| *end <= cut) - 1
}

fn reads_whole_lines(built: &Built, ends: &[usize], heads: &[Head], cut: usize) {
    let read = replay::read(&built.bytes[..cut], &Head::default()).expect("a cut is no damage");
    let whole = before(ends, cut);
    assert_eq!(read.lines.len(), whole, "cut at {cut}");
    assert_eq!(read.head, heads[whole], "cut at {cut}");
    assert_eq!(read.length, ends[whole] as u64, "cut at {cut}");
    assert_eq!(read.torn, (cut - ends[whole]) as u64, "cut at {cut}");
}

#[test]
fn reading_a_journal_that_was_cut_anywhere_gives_the_whole_lines_before_the_cut() {
    let built = large();
    let (ends, heads) = (built.ends(), built.heads());
    let mut whole = 0;
    for cut in 0..=built.bytes.len() {
        let line = before(&ends, cut);
        // Each cut as somebody who follows meets it, from the line before; and from the beginning where lines end, and
        // now and then.
        let from = line.saturating_sub(1);
        let read = replay::read(&built.bytes[ends[from]..cut], &heads[from]).expect("a cut is no damage");
        assert_eq!((read.lines.len(), read.torn), (line - from, (cut - ends[line]) as u64), "cut at {cut}");
        assert_eq!(read.head, heads[line], "cut at {cut}");
        let near = ends[line] + 1 >= cut || ends.get(line + 1).is_some_and(|end| cut + 1 >= *end);
        if near || cut % 199 == 0 || campaign() {
            reads_whole_lines(built, &ends, &heads, cut);
            whole += 1;
        }
    }
    println!("{} cuts, {whole} of them read from the beginning", built.bytes.len() + 1);
}

/// Opens a cut journal, lets its next line follow, and reads it all again.
fn goes_on_after(built: &Built, ends: &[usize], cut: usize) {
    let folder = Memory::with(&built.bytes[..cut]);
    let whole = before(ends, cut);
    let (mut journal, read) =
        Journal::open(&folder, actor(), Arc::new(NoFaults::default())).expect("a cut is no damage");
    assert_eq!(read.lines.len(), whole, "cut at {cut}");
    assert_eq!(folder.journal(), built.bytes[..ends[whole]], "whole lines stay as they are, cut at {cut}");
    let next = if whole == 0 { built.events[0].clone() } else { took_over(read.torn) };
    let done = journal.append(next, moment(9999)).expect("it can be written");
    assert_eq!(done.seq(), whole as u64 + 1, "cut at {cut}");
    let bytes = folder.journal();
    assert_eq!(bytes[..ends[whole]], built.bytes[..ends[whole]], "nothing is lost, cut at {cut}");
    let added = replay::read(&bytes[ends[whole]..], &read.head).expect("the next line follows");
    assert_eq!((added.lines.len(), added.torn), (1, 0), "cut at {cut}");
}

#[test]
fn opening_a_journal_that_was_cut_anywhere_goes_on_after_its_last_whole_line() {
    let built = small();
    let (ends, heads) = (built.ends(), built.heads());
    let mut opened = 0;
    for cut in 0..=built.bytes.len() {
        // Opening reads from the beginning: every byte of the first lines, and of the rest every seventh.
        if cut < 12_000 || cut % 7 == 0 || ends.contains(&cut) || campaign() {
            reads_whole_lines(built, &ends, &heads, cut);
            goes_on_after(built, &ends, cut);
            opened += 1;
        }
    }
    println!("{} cuts, {opened} opened", built.bytes.len() + 1);
}

#[test]
fn every_cut_of_the_last_line_of_a_long_journal_is_gone_on_from() {
    let built = large();
    let ends = built.ends();
    let last = ends[ends.len() - 2];
    for cut in last..=built.bytes.len() {
        goes_on_after(built, &ends, cut);
    }
    let folder = Memory::with(&built.bytes[..last + 100]);
    let (mut journal, read) =
        Journal::open(&folder, actor(), Arc::new(NoFaults::default())).expect("it opens");
    let _ = journal.append(took_over(read.torn), moment(9999)).expect("it can be written");
    let read = replay::read(&folder.journal(), &Head::default()).expect("it verifies");
    replay::fold(&built.plan, &read.lines).expect("it can follow");
}

#[test]
fn only_who_opens_a_journal_to_write_cuts_it() {
    let built = small();
    let place = tempfile::tempdir().expect("a folder can be made");
    let folder = built.lay(&place.path().join("run"));
    let torn = &built.bytes[..built.bytes.len() - 40];
    folder.put(JOURNAL, torn).expect("it can be written");
    let lock = folder.lock().expect("it can be asked for").expect("nobody holds it");
    let kept = || folder.read(JOURNAL).expect("it can be read").expect("it is there");
    lifeboat::engine::store::load(&folder).expect("it can be read");
    let found = lifeboat::audit::verify::verify(&folder).expect("it can be read");
    assert!(found.verified && found.torn_bytes > 0, "{found:?}");
    replay::follow(&folder, 0, &Head::default()).expect("it can be followed");
    assert_eq!(kept(), torn, "who reads changes nothing");
    assert!(
        folder.lock().expect("it can be asked for").is_none(),
        "one holds the lock, and no other can take it"
    );
    let (_, read) = Journal::open(&folder, actor(), Arc::new(NoFaults::default())).expect("it opens");
    assert_eq!(kept().len() as u64, read.length);
    drop(lock);
}
