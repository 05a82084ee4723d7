//! Journeys through a real pseudo-terminal: every way in and out, with the terminal as it was before.

use crate::support::journey::{Journey, PATIENCE, size_of};
use portable_pty::PtySize;
use rustix::process::Signal;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

#[test]
fn q_leaves_the_terminal_as_it_was() {
    let mut journey = Journey::demo();
    journey.press("R");
    journey.until("the Region's verdicts", |screen| screen.contains("us-east-2 is gone"));
    journey.press("\r");
    // Whichever component is on top: on a busy machine not everything is read yet.
    journey.until("details", |screen| screen.contains("the oldest reading behind this"));
    journey.press("\x1b");
    journey.until("the overview", |screen| screen.contains("46/46"));
    journey.press("q");
    assert_eq!(journey.end(), 0);
    journey.assert_restored();
}

#[test]
fn every_signal_that_ends_it_leaves_the_terminal_as_it_was() {
    for (signal, number) in [(Signal::TERM, 15), (Signal::HUP, 1), (Signal::INT, 2), (Signal::QUIT, 3)] {
        let mut journey = Journey::demo();
        journey.signal(signal);
        assert_eq!(journey.end(), 128 + number, "{signal:?}");
        journey.assert_restored();
    }
}

#[test]
fn a_panic_leaves_the_terminal_as_it_was_and_is_told() {
    // Builds with debug assertions panic when they are asked to: by this variable, and F12.
    let mut journey = Journey::begin_with(&["demo", "--speed", "0"], &[("LIFEBOAT_PANIC", "1")]);
    journey.until("the overview", |screen| screen.contains("component lost"));
    journey.press("\x1b[24~");
    assert_eq!(journey.end(), 101);
    journey.assert_restored();
    assert!(journey.text().contains("panicked at"), "{}", journey.text());
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let mut journey = Journey::demo();
    journey.press("\x1a");
    // Stopped: the alternate screen is left, the process is still there. A CONT before that would go past it.
    let stat = format!("/proc/{}/stat", journey.pid().as_raw_nonzero());
    let is_stopped = || {
        let text = std::fs::read_to_string(&stat).unwrap_or_default();
        text.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    };
    let deadline = Instant::now() + PATIENCE;
    while journey.screen.screen().alternate_screen() || !is_stopped() {
        assert!(Instant::now() < deadline, "it was not stopped");
        if let Ok(bytes) = journey.bytes.recv_timeout(Duration::from_millis(20)) {
            journey.screen.process(&bytes);
        }
    }
    journey.assert_restored();
    journey.signal(Signal::CONT);
    journey.until("the overview again", |screen| screen.contains("component lost"));
    assert!(journey.screen.screen().alternate_screen());
    journey.press("q");
    assert_eq!(journey.end(), 0);
    journey.assert_restored();
}

#[test]
fn a_storm_of_sizes_ends_in_the_right_one_with_few_repaints() {
    let mut journey = Journey::demo();
    let before = journey.raw.len();
    for nth in 0..100u16 {
        let size = PtySize { rows: 24 + nth % 30, cols: 80 + nth, pixel_width: 0, pixel_height: 0 };
        journey.master.as_ref().expect("the terminal").resize(size).expect("it can be resized");
    }
    let last = PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 };
    journey.master.as_ref().expect("the terminal").resize(last).expect("it can be resized");
    journey.screen.screen_mut().set_size(size_of(30), size_of(100));
    // A key beside the last change of size is not lost.
    journey.press("?");
    journey.until("the keys", |screen| screen.contains("Search the commands"));
    let clears = journey.raw[before..].windows(4).filter(|bytes| *bytes == b"\x1b[2J").count();
    assert!(clears <= 8, "{clears} repaints for 101 changes of size");
    journey.press("q");
    assert_eq!(journey.end(), 0);
}

#[test]
fn when_the_terminal_is_taken_away_it_ends() {
    let mut journey = Journey::demo();
    // Every end of it has to go: the one that reads sees this with the next bytes.
    journey.listens.store(false, Ordering::SeqCst);
    journey.press("?");
    journey.reads.take().expect("it reads").join().expect("it ends");
    drop(journey.master.take());
    drop(std::mem::replace(&mut journey.keys, Box::new(std::io::sink())));
    let code = journey.end();
    assert_eq!(code, 129, "it ends as on a hang-up");
}

#[test]
fn a_terminal_that_takes_nothing_does_not_hold_it() {
    let mut journey = Journey::demo();
    // Nobody reads any more: the pseudo-terminal fills up while the screen is repainted.
    for _ in 0..400 {
        journey.press("\x0c");
    }
    journey.signal(Signal::TERM);
    assert_eq!(journey.end(), 143);
}

#[test]
fn one_frame_is_one_synchronised_update() {
    let mut journey = Journey::demo();
    journey.press("R");
    journey.until("the Region's verdicts", |screen| screen.contains("us-east-2 is gone"));
    journey.press("q");
    assert_eq!(journey.end(), 0);
    let text = String::from_utf8_lossy(&journey.raw).into_owned();
    let (begun, ended) = (text.matches("\u{1b}[?2026h").count(), text.matches("\u{1b}[?2026l").count());
    // Giving the terminal back ends an update once more, in case one was cut short.
    assert!(begun >= 2 && ended == begun + 1, "{begun} updates begun, {ended} ended");
}
