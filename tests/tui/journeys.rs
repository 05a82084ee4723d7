//! Journeys through a real pseudo-terminal: every way in and out, with the terminal as it was before.

use crate::support::run::Home;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct Journey {
    _home: Home,
    master: Option<Box<dyn MasterPty + Send>>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    bytes: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    raw: Vec<u8>,
    /// Whether somebody reads what it writes, and who.
    listens: Arc<AtomicBool>,
    reads: Option<std::thread::JoinHandle<()>>,
}

impl Journey {
    fn begin(words: &[&str]) -> Self {
        Self::begin_with(words, &[])
    }

    fn begin_with(words: &[&str], variables: &[(&str, &str)]) -> Self {
        let home = Home::new();
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lifeboat"));
        command.args(words);
        command.env_clear();
        command.env("HOME", home.dir.path());
        command.env("TERM", "xterm-256color");
        command.env("COLORTERM", "truecolor");
        command.env("LC_ALL", "C.UTF-8");
        for (name, value) in variables {
            command.env(name, value);
        }
        command.cwd(home.dir.path());
        let child = pair.slave.spawn_command(command).expect("the program starts");
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("its output can be read");
        let keys = pair.master.take_writer().expect("it can be typed to");
        let (out, bytes) = channel();
        let listens = Arc::new(AtomicBool::new(true));
        let still = listens.clone();
        let reads = std::thread::spawn(move || {
            let mut chunk = vec![0; 65536];
            while let Ok(read) = reader.read(&mut chunk) {
                if read == 0 || out.send(chunk[..read].to_vec()).is_err() || !still.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        let screen = vt100::Parser::new(size_of(24), size_of(80), 0);
        Self {
            _home: home,
            master: Some(pair.master),
            child,
            keys,
            bytes,
            screen,
            raw: Vec::new(),
            listens,
            reads: Some(reads),
        }
    }

    /// Begins on the sandbox and waits for the overview.
    fn demo() -> Self {
        let mut journey = Self::begin(&["demo", "--speed", "0"]);
        journey.until("the overview", |screen| screen.contains("component lost") && screen.contains("help"));
        journey
    }

    fn pid(&self) -> Pid {
        let pid = self.child.process_id().expect("it has a process id");
        Pid::from_raw(i32::try_from(pid).expect("a process id is small")).expect("it is not zero")
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it can be typed to");
        self.keys.flush().expect("it can be typed to");
    }

    fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it is there");
    }

    fn text(&self) -> String {
        self.screen.screen().contents()
    }

    fn until(&mut self, what: &str, is: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if is(&self.text()) {
                return;
            }
            match self.bytes.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    self.raw.extend(bytes);
                }
                Err(RecvTimeoutError::Timeout) => panic!("{what} did not come:\n{}", self.text()),
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("it ended before {what} came:\n{}", self.text())
                }
            }
        }
    }

    /// Waits for the end and returns the exit code.
    fn end(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Ok(bytes) = self.bytes.try_recv() {
                self.screen.process(&bytes);
                self.raw.extend(bytes);
            }
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(200)) {
                    self.screen.process(&bytes);
                    self.raw.extend(bytes);
                }
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "it did not end:\n{}", self.text());
            std::thread::yield_now();
        }
    }

    /// The terminal is as it was: no alternate screen, the cursor seen, no mouse, no pasting, echo on.
    fn assert_restored(&self) {
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the alternate screen was not left");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(!screen.bracketed_paste());
        let master = self.master.as_ref().expect("the terminal is there");
        let fd = master.as_raw_fd().expect("it has a file");
        let modes = tcgetattr(borrow(fd)).expect("its modes can be read");
        assert!(
            modes.local_modes.contains(LocalModes::ECHO | LocalModes::ICANON),
            "the terminal is still raw"
        );
    }
}

fn size_of(cells: u16) -> std::num::NonZeroU16 {
    std::num::NonZeroU16::new(cells).expect("a terminal has cells")
}

/// The file of the master, which lives as long as the journey.
fn borrow(fd: i32) -> std::fs::File {
    std::fs::File::open(format!("/proc/self/fd/{fd}")).expect("it is open")
}

impl Drop for Journey {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn q_leaves_the_terminal_as_it_was() {
    let mut journey = Journey::demo();
    journey.press("R");
    journey.until("the Region's verdicts", |screen| screen.contains("us-east-2 is gone"));
    journey.press("\r");
    journey.until("details", |screen| screen.contains("best point"));
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
