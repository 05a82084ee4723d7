//! The console in a real pseudo-terminal: keys in, bytes out, and the screen that they make.

use super::run::Home;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A run of the program in a terminal of 80 columns and 24 lines.
pub(crate) struct Journey {
    _home: Home,
    pub(crate) master: Option<Box<dyn MasterPty + Send>>,
    pub(crate) child: Box<dyn Child + Send + Sync>,
    pub(crate) keys: Box<dyn Write + Send>,
    pub(crate) bytes: Receiver<Vec<u8>>,
    pub(crate) screen: vt100::Parser,
    pub(crate) raw: Vec<u8>,
    /// Whether somebody reads what it writes, and who.
    pub(crate) listens: Arc<AtomicBool>,
    pub(crate) reads: Option<std::thread::JoinHandle<()>>,
}

impl Journey {
    pub(crate) fn begin(words: &[&str]) -> Self {
        Self::begin_with(words, &[])
    }

    pub(crate) fn begin_with(words: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::begin_in(Home::new(), words, variables)
    }

    /// Begins in a home in which something lies already.
    pub(crate) fn begin_in(home: Home, words: &[&str], variables: &[(&str, &str)]) -> Self {
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
    pub(crate) fn demo() -> Self {
        let mut journey = Self::begin(&["demo", "--speed", "0"]);
        journey.until("the overview", |screen| screen.contains("component lost") && screen.contains("help"));
        journey
    }

    pub(crate) fn pid(&self) -> Pid {
        let pid = self.child.process_id().expect("it has a process id");
        Pid::from_raw(i32::try_from(pid).expect("a process id is small")).expect("it is not zero")
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("it can be typed to");
        self.keys.flush().expect("it can be typed to");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it is there");
    }

    pub(crate) fn text(&self) -> String {
        self.screen.screen().contents()
    }

    pub(crate) fn until(&mut self, what: &str, is: impl Fn(&str) -> bool) {
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
    pub(crate) fn end(&mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Ok(bytes) = self.bytes.try_recv() {
                self.screen.process(&bytes);
                self.raw.extend(bytes);
            }
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_secs(2)) {
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
    pub(crate) fn assert_restored(&self) {
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

/// Returns a count of cells as the screen takes it.
pub(crate) fn size_of(cells: u16) -> std::num::NonZeroU16 {
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
