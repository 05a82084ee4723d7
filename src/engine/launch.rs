//! Starting an executor: this program once more, in a session of its own, without a terminal. What a person typed that
//! must not be written down reaches it by a pipe.

use super::folder::RunFolder;
use crate::failure::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// The hidden command that makes a process an executor.
pub const EXECUTE: &str = "__execute";

/// What is told to an executor by the pipe.
#[derive(Default, Serialize, Deserialize)]
pub struct Told {
    /// What must not be written down, by name.
    pub secrets: BTreeMap<String, String>,
    /// Why, in the operator's words.
    pub purpose: String,
}

/// Starts an executor for a run, and returns when it holds the run's lock. Does nothing where one lives.
///
/// # Errors
/// When it cannot be started, or says that it cannot work.
pub fn launch(program: &Path, run: &RunFolder, state_dir: &Path, told: &Told) -> Result<(), Failure> {
    if run.is_worked_on() {
        return Ok(());
    }
    let failed = |error: &dyn std::error::Error| {
        Failure::of(format!("cannot start the executor of {}", run.path().display()), error)
    };
    let mut child = Command::new(program)
        .arg("--state-dir")
        .arg(state_dir)
        .arg(EXECUTE)
        .arg(run.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&error))?;
    let words = serde_json::to_vec(told).map_err(|error| failed(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may have ended already; then its own words say why.
        let _ = stdin.write_all(&words);
    }
    let mut said = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut said).map_err(|error| failed(&error))?;
    }
    match said.trim() {
        "working" => Ok(()),
        "" => Err(Failure::new(FailureKind::Failed, "the executor ended before it began")
            .hint("`lifeboat resume` tries again; the log in the state folder says more")),
        why => Err(Failure::new(FailureKind::Failed, format!("the executor cannot work: {why}"))),
    }
}
