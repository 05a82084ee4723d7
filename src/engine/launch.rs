//! Starting an executor: this program once more, in a session of its own, without a terminal. What a person typed that
//! must not be written down reaches it by a pipe.

use super::folder::{Folder, PLAN, RunFolder};
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

/// What the names of variables begin with in which secret parameters are given.
pub const SECRET_VARIABLE: &str = "LIFEBOAT_SECRET_";

/// Returns the variables by whose names a plan calls the addresses of webhooks.
pub fn variables_of(plan: &[u8]) -> Vec<String> {
    let plan = String::from_utf8_lossy(plan);
    let parts = plan.split("${secrets.env:").skip(1);
    let mut names: Vec<String> =
        parts.filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect();
    names.sort();
    names.dedup();
    names
}

/// Takes what must not be written down out of the variables that the executor would inherit, and into what it is told:
/// everybody who may look at its process sees its variables for as long as it lives.
fn keep_secret(command: &mut Command, run: &RunFolder, told: &mut Told) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with(SECRET_VARIABLE) {
            command.env_remove(name);
        }
    }
    let plan = run.read(PLAN).ok().flatten().unwrap_or_default();
    for name in variables_of(&plan) {
        if let Ok(value) = std::env::var(&name) {
            told.secrets.entry(format!("env:{name}")).or_insert(value);
        }
        command.env_remove(name);
    }
}

/// Starts an executor for a run, and returns when it holds the run's lock. Does nothing where one lives.
///
/// # Errors
/// When it cannot be started, or says that it cannot work.
pub fn launch(program: &Path, run: &RunFolder, state_dir: &Path, mut told: Told) -> Result<(), Failure> {
    if run.is_worked_on() {
        return Ok(());
    }
    let failed = |error: &dyn std::error::Error| {
        Failure::of(format!("cannot start the executor of {}", run.path().display()), error)
    };
    let mut command = Command::new(program);
    keep_secret(&mut command, run, &mut told);
    let mut child = command
        .arg("--state-dir")
        .arg(state_dir)
        .arg(EXECUTE)
        .arg(run.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed(&error))?;
    let words = serde_json::to_vec(&told).map_err(|error| failed(&error))?;
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
