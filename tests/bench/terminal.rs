//! What is measured from outside, in a pseudo-terminal: the first frame beside htop, keys, idleness, memory.

use super::Figure;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

const PAIRS: usize = 9;
/// No bytes for so long: the frame is complete.
const QUIET: Duration = Duration::from_millis(80);
const IDLE: Duration = Duration::from_secs(20);

struct Program {
    _master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    bytes: Receiver<(Instant, Vec<u8>)>,
    begun: Instant,
}

impl Program {
    fn start(program: &str, words: &[&str], home: &Path) -> Self {
        let size = PtySize { rows: 60, cols: 200, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(words);
        command.env_clear();
        for (name, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LC_ALL", "C.UTF-8")] {
            command.env(name, value);
        }
        command.env("HOME", home);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let mut reader = pair.master.try_clone_reader().expect("its output can be read");
        let keys = pair.master.take_writer().expect("it can be typed to");
        let (out, bytes) = channel();
        std::thread::spawn(move || {
            let mut chunk = vec![0; 65536];
            while let Ok(read) = reader.read(&mut chunk) {
                if read == 0 || out.send((Instant::now(), chunk[..read].to_vec())).is_err() {
                    return;
                }
            }
        });
        let begun = Instant::now();
        let child = pair.slave.spawn_command(command).expect("it starts");
        Self { _master: pair.master, child, keys, bytes, begun }
    }

    /// Waits until `is` holds of what came so far; returns when it did.
    fn until(&self, is: impl Fn(&[u8]) -> bool) -> Instant {
        let mut all = Vec::new();
        loop {
            let (at, bytes) = self.bytes.recv_timeout(Duration::from_secs(20)).expect("it draws");
            all.extend(bytes);
            if is(&all) {
                return at;
            }
        }
    }

    /// Waits until nothing comes any more; returns when the last came, and how much came.
    fn quiet(&self) -> (Option<Instant>, usize) {
        let (mut last, mut count) = (None, 0);
        loop {
            match self.bytes.recv_timeout(QUIET) {
                Ok((at, bytes)) => {
                    last = Some(at);
                    count += bytes.len();
                }
                Err(RecvTimeoutError::Timeout) => return (last, count),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended"),
            }
        }
    }

    fn press(&mut self, key: &str) {
        self.keys.write_all(key.as_bytes()).expect("it can be typed to");
        self.keys.flush().expect("it can be typed to");
    }

    /// Counts the bytes that come within a time, and the frames they are.
    fn idle(&self, time: Duration) -> (usize, usize) {
        let until = Instant::now() + time;
        let (mut count, mut frames) = (0, 0);
        while let Ok((_, bytes)) = self.bytes.recv_timeout(until.saturating_duration_since(Instant::now())) {
            count += bytes.len();
            frames += bytes.windows(8).filter(|bytes| *bytes == b"\x1b[?2026h").count();
        }
        (count, frames)
    }

    fn proc(&self, file: &str) -> String {
        let pid = self.child.process_id().expect("it runs");
        std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
    }

    /// Returns the processor time of all threads.
    fn cpu(&self) -> Duration {
        let pid = self.child.process_id().expect("it runs");
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
        let nanos = tasks.filter_map(|task| {
            let stat = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
            stat.split_whitespace().next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    fn resident_mb(&self) -> f64 {
        let status = self.proc("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
        line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

pub(crate) fn figures() -> Vec<Figure> {
    let lifeboat = env!("CARGO_BIN_EXE_lifeboat");
    let home = tempfile::tempdir().expect("a folder");
    let demo = ["demo", "--speed", "0"];
    let drawn = |bytes: &[u8]| bytes.windows(8).any(|bytes| bytes == b"\x1b[?2026l");
    // The world is made once; a console that is opened in an incident finds its readings there.
    Program::start(lifeboat, &demo, home.path()).until(drawn);

    let htop = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|dir| dir.join("htop").is_file());
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let program = Program::start(lifeboat, &demo, home.path());
        ours.push(program.until(drawn).duration_since(program.begun));
        drop(program);
        if htop {
            let program = Program::start("htop", &["-d", "15"], home.path());
            // The last thing that it draws of a frame is the last key of the bar below.
            let whole = program.until(|bytes| bytes.windows(3).any(|bytes| bytes == b"F10"));
            theirs.push(whole.duration_since(program.begun));
        }
    }
    let first = median(ours);
    let mut figures = vec![Figure::new("first frame", first, 50.0, "ms")];
    figures.push(if htop {
        Figure::new("first frame to htop's", first / median(theirs), 0.4, "ratio")
    } else {
        eprintln!("htop is not installed: its first frame is not measured");
        Figure::not_measured("first frame to htop's", 0.4, "ratio")
    });

    let mut program = Program::start(lifeboat, &demo, home.path());
    program.until(drawn);
    program.quiet();
    let mut answers = Vec::new();
    let mut bytes_a_key = Vec::new();
    for nth in 0..120 {
        let begun = Instant::now();
        program.press(if nth % 40 < 20 { "j" } else { "k" });
        let at = program.bytes.recv_timeout(Duration::from_secs(5)).expect("a key is answered").0;
        answers.push(at.duration_since(begun));
        bytes_a_key.push(program.quiet().1);
    }
    answers.sort_unstable();
    figures.push(Figure::new("key to first byte, p50", median(answers.clone()), 5.0, "ms"));
    let p99 = answers[answers.len() * 99 / 100].as_secs_f64() * 1000.0;
    figures.push(Figure::new("key to first byte, p99", p99, 16.0, "ms"));

    program.quiet();
    let (before, (bytes, frames)) = (program.cpu(), program.idle(IDLE));
    let cpu = program.cpu().saturating_sub(before).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    figures.push(Figure::new("still screen, bytes", bytes as f64, 0.0, "bytes"));
    figures.push(Figure::new("still screen, frames", frames as f64, 0.0, "frames"));
    figures.push(Figure::new("still screen, processor", cpu, 0.02, "percent"));
    let empty = program.resident_mb();
    figures.push(Figure::new("resident, the demo estate", empty, 16.0, "MB"));
    drop(program);

    let live = ["demo", "--speed", "1", "--fresh"];
    let program = Program::start(lifeboat, &live, home.path());
    program.until(drawn);
    // Its first readings come in; then it idles, with a clock and ages that move.
    let _ = program.idle(Duration::from_secs(3));
    let time = IDLE * 2;
    let (before, (bytes, _)) = (program.cpu(), program.idle(time));
    let cpu = program.cpu().saturating_sub(before).as_secs_f64() / time.as_secs_f64() * 100.0;
    figures.push(Figure::new(
        "live screen, bytes a second",
        bytes as f64 / time.as_secs_f64(),
        80.0,
        "bytes/s",
    ));
    figures.push(Figure::new("live screen, processor", cpu, 0.10, "percent"));
    drop(program);

    figures.push(Figure::new(
        "resident, 100 000 points more",
        many_points(lifeboat, home.path()) - empty,
        16.0,
        "MB",
    ));
    figures
}

/// Returns what a console takes with a hundred thousand points: twelve hourly dumps, kept for a year.
fn many_points(lifeboat: &str, home: &Path) -> f64 {
    let mut estate = String::from(
        "version: 1\nestate: many\nenvironments: { p: { class: test, provider: sandbox } }\ncomponents:\n",
    );
    for nth in 0..12 {
        estate.push_str(&format!(
            "  dump-{nth}: {{ kind: database-dump, cadence: 1 h, retention: [hourly 348 d], objectives: {{ rpo: 2 h }} }}\n"
        ));
    }
    let path = home.join("many.yaml");
    std::fs::write(&path, estate).expect("it can be written");
    let path = path.display().to_string();
    let program = Program::start(lifeboat, &["console", "--estate", &path, "--speed", "0"], home);
    program.until(|bytes| bytes.windows(8).any(|bytes| bytes == b"\x1b[?2026l"));
    let _ = program.idle(Duration::from_secs(6));
    program.resident_mb()
}
