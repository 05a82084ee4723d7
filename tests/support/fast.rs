//! The built program in a time that goes faster, and everything that it starts watched to its end. Both are done from
//! outside, by two short programs in C: the program itself is the one that people run.

use super::root;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How many seconds of an executor pass in a real one.
const RATE: u32 = 12;
/// The same for other commands, which have many answers to wait for and little else.
const RATE_OF_OTHERS: u32 = 4;

/// The same of executors where several ask one server: limits of time go faster, too.
const RATE_OF_SEVERAL: u32 = 4;

/// What was made.
struct Made {
    clock: PathBuf,
    names: PathBuf,
    reap: PathBuf,
    program: PathBuf,
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        Made {
            clock: compiled("clock.c", &folder.join("clock.so"), &["-shared", "-fPIC"]),
            names: compiled("names.c", &folder.join("names.so"), &["-shared", "-fPIC"]),
            reap: compiled("reap.c", &folder.join("reap"), &[]),
            program: stripped(&folder.join("lifeboat")),
        }
    })
}

/// Compiles a program in C with the compiler that Rust links with.
fn compiled(source: &str, to: &Path, words: &[&str]) -> PathBuf {
    let new = to.with_extension(format!("{}.new", std::process::id()));
    let source = root("tests/support").join(source);
    let status = Command::new("cc")
        .args(["-O1", "-Wall", "-Wextra", "-Werror"])
        .args(words)
        .arg("-o")
        .arg(&new)
        .arg(&source)
        .arg("-ldl")
        .status();
    let status = status.unwrap_or_else(|error| panic!("these tests need cc: {error}"));
    assert!(status.success(), "{} does not compile", source.display());
    std::fs::rename(&new, to).expect("it can be moved to its place");
    to.to_owned()
}

/// Copies the built program without its symbols, as people get it: each executor reads itself as a whole, to say in the
/// journal which program has acted.
fn stripped(to: &Path) -> PathBuf {
    let new = to.with_extension(format!("{}.new", std::process::id()));
    let status = Command::new("strip").arg("-o").arg(&new).arg(env!("CARGO_BIN_EXE_lifeboat")).status();
    if !status.is_ok_and(|status| status.success()) {
        return PathBuf::from(env!("CARGO_BIN_EXE_lifeboat"));
    }
    std::fs::rename(&new, to).expect("it can be moved to its place");
    to.to_owned()
}

/// A time that goes [`RATE`] times as fast, from a moment on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fast {
    from: u64,
}

impl Fast {
    /// Begins now.
    pub(crate) fn begun() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        Self { from: now.as_secs() }
    }

    /// Returns this time with so much of it passed at once.
    pub(crate) fn later(self, span: Duration) -> Self {
        Self { from: self.from - span.as_secs().div_ceil(u64::from(RATE) - 1) }
    }

    /// Lets a program, and what it starts, live in this time.
    pub(crate) fn give(self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &made().clock)
            .env("LIFEBOAT_CLOCK_RATE", RATE.to_string())
            .env("LIFEBOAT_CLOCK_RATE_OF_OTHERS", RATE_OF_OTHERS.to_string())
            .env("LIFEBOAT_CLOCK_FROM", self.from.to_string());
    }

    /// Returns the real moment, in nanoseconds since 1970, at which it was so late in this time.
    pub(crate) fn real(self, told: jiff::Timestamp) -> i128 {
        let from = i128::from(self.from) * 1_000_000_000;
        from + (told.as_nanosecond() - from) / i128::from(RATE)
    }

    /// Returns how long a span of this time really takes.
    pub(crate) fn takes(span: Duration) -> Duration {
        span / RATE
    }
}

/// Returns the variables by which a program lives in a time that goes faster, its executors only, and by which names resolve
/// as `tests/support/aws/recoveries.py` answers for an account at a port.
pub(crate) fn named(port: u16, account: &str) -> Vec<(String, String)> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs();
    let preloaded = format!("{} {}", made().clock.display(), made().names.display());
    let all = [
        ("LD_PRELOAD", preloaded),
        ("LIFEBOAT_CLOCK_RATE", RATE_OF_SEVERAL.to_string()),
        ("LIFEBOAT_CLOCK_RATE_OF_OTHERS", "1".to_owned()),
        ("LIFEBOAT_CLOCK_FROM", now.to_string()),
        ("LIFEBOAT_NAMES", format!("{port} {account}")),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Returns the program that runs another and waits for everything that it leaves behind.
pub(crate) fn reap() -> &'static Path {
    &made().reap
}

/// Returns the program.
pub(crate) fn program() -> &'static Path {
    &made().program
}
