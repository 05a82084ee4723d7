//! The program, run as a person would run it, in a place of its own.

use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The moment at which every sandbox of the tests starts: a Saturday.
pub(crate) const START: &str = "2026-11-21T03:14:00Z";

/// A home of its own.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) dir: TempDir,
}

/// What a run brought.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a folder can be made") }
    }

    /// Returns the program with a cleared environment and this home.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
        command
            .env_clear()
            .env("HOME", self.dir.path())
            .env("PATH", "/nonexistent")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the program with these words.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        let mut command = self.command();
        command.args(words);
        Ran::of(command)
    }

    /// Runs a command on the sandbox, its clock stopped at [`START`].
    pub(crate) fn sandbox(&self, scenario: &str, words: &[&str]) -> Ran {
        let environment = format!("sandbox:{scenario}");
        let mut all = vec!["-e", &environment, "--speed", "0", "--start", START];
        all.extend(words);
        self.run(&all)
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
            .expect("the folder can be made");
        std::fs::write(&path, text).expect("the file can be written");
        path.display().to_string()
    }
}

impl Ran {
    /// Runs a command to its end.
    pub(crate) fn of(mut command: Command) -> Self {
        let output = command.output().expect("the program starts");
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
            err: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
        }
    }

    /// Returns standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.out, self.err))
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}---- standard error\n{}---- exit code {}\n", self.out, self.err, self.code)
    }
}
