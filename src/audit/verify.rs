//! Whether a journal is the one that was written: every line's hash and order, what it means, its plan, its side files.

use crate::engine::aside::beside;
use crate::engine::folder::{Folder, JOURNAL, PLAN, RunFolder};
use crate::engine::journal::sha256;
use crate::engine::line::Head;
use crate::engine::replay::{self, Broken};
use crate::engine::spool::manifest_of;
use crate::engine::store::Run;
use crate::failure::Failure;
use crate::runbook::event::{Event, SideFile};
use crate::runbook::plan::{Plan, PlanHash};
use crate::runbook::state::RunState;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Component, Path};

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Verification {
    /// The run.
    pub run: String,
    /// Whether everything fits.
    pub verified: bool,
    /// How many lines were verified.
    pub lines: u64,
    /// The hash of the last line that was verified. Kept elsewhere, it shows whether anything was cut off or rewritten.
    pub head: String,
    /// How many bytes stand after the last whole line: a line that was torn, or is being written.
    pub torn_bytes: u64,
    /// How many side files were verified.
    pub side_files: u64,
    /// What does not fit.
    pub problems: Vec<String>,
    /// Whether the run was under way at the last line: then nothing here tells whether lines after it were cut off, unless
    /// an executor works on it now.
    pub open_end: bool,
}

/// Verifies the run in `folder`.
///
/// # Errors
/// When something cannot be read at all.
pub fn verify(folder: &RunFolder) -> Result<Verification, Failure> {
    let shown = folder.path().display().to_string();
    let read = |name: &str| {
        folder.read(name).map_err(|error| Failure::of(format!("cannot read {name} in {shown}"), &error))
    };
    let run = folder.path().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut found = Verification {
        run,
        verified: false,
        lines: 0,
        head: Head::default().hash,
        torn_bytes: 0,
        side_files: 0,
        problems: Vec::new(),
        open_end: false,
    };
    let found_bytes = read(JOURNAL)?;
    if let Err(broken) = replay::was_never_begun(folder, found_bytes.as_deref()) {
        found.problems.push(chain(&broken));
    }
    let mut bytes = found_bytes.unwrap_or_default();
    while replay::read(&bytes, &Head::default()).is_err() {
        // It may have been written to while it was read. What is bad in truth is bad twice.
        let before = std::mem::replace(&mut bytes, read(JOURNAL)?.unwrap_or_default());
        if before == bytes {
            break;
        }
    }
    let plan_bytes = read(PLAN)?.unwrap_or_default();
    let (lines, broken) = as_far_as_it_goes(&bytes);
    found.problems.extend(broken.map(|broken| chain(&broken)));
    found.lines = u64::try_from(lines.lines.len()).unwrap_or(u64::MAX);
    found.head.clone_from(&lines.head.hash);
    found.torn_bytes = lines.torn;
    match serde_json::from_slice::<Plan>(&plan_bytes) {
        Ok(plan) => {
            for step in &plan.steps {
                let Some((name, wanted)) = manifest_of(step) else { continue };
                match read(&name)? {
                    Some(bytes) if wanted == sha256(&bytes) => found.side_files += 1,
                    Some(_) => found.problems.push(format!("{name} is not the manifest that was agreed to")),
                    None => found.problems.push(format!("{name} is missing")),
                }
            }
            if let Err(broken) = replay::fold(&plan, &lines.lines) {
                found.problems.push(chain(&broken));
            }
        }
        Err(error) => found.problems.push(format!("the plan cannot be read: {error}")),
    }
    for line in &lines.lines {
        let beside = line.event.as_ref().and_then(beside);
        let Some(SideFile { name, sha256: hash, bytes: size }) = beside else { continue };
        let there = if is_inside(name.as_str()) { read(name.as_str()).ok().flatten() } else { None };
        match there {
            Some(bytes) if *sha256(&bytes) == *hash.as_str() => found.side_files += 1,
            Some(bytes) => found.problems.push(format!(
                "line {}: {name} is not the file that was written ({} bytes, {size} were written)",
                line.seq,
                bytes.len()
            )),
            None => found.problems.push(format!("line {}: {name} is missing", line.seq)),
        }
    }
    let last = lines.lines.last().and_then(|line| line.event.as_ref());
    found.open_end = !matches!(last, Some(Event::Rested { .. }) | None) && !folder.is_worked_on();
    if found.lines == 0 && found.problems.is_empty() {
        found.problems.push("the journal is empty".to_owned());
    }
    found.verified = found.problems.is_empty();
    Ok(found)
}

/// Says whether the name of a side file names something in the run's own folder. A journal that somebody sent may name
/// anything.
pub(super) fn is_inside(name: &str) -> bool {
    let path = Path::new(name);
    path.file_name().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

/// Reads the lines up to the first that is bad.
fn as_far_as_it_goes(bytes: &[u8]) -> (replay::Read, Option<Broken>) {
    match replay::read(bytes, &Head::default()) {
        Ok(read) => (read, None),
        Err(broken) => {
            let good = match &broken {
                Broken::Line { number, .. } => number.saturating_sub(1),
                _ => 0,
            };
            let end = bytes
                .iter()
                .enumerate()
                .filter(|(_, byte)| **byte == b'\n')
                .nth(usize::try_from(good).unwrap_or(usize::MAX).wrapping_sub(1))
                .map_or(0, |(at, _)| at + 1);
            let read = replay::read(bytes.get(..end).unwrap_or_default(), &Head::default());
            (read.unwrap_or_default(), Some(broken))
        }
    }
}

/// Reads a damaged run as far as it goes, with what is wrong with it.
///
/// # Errors
/// When not even its plan can be read.
pub fn salvage(folder: &RunFolder) -> Result<(Run, String), Failure> {
    let shown = folder.path().display().to_string();
    let read = |name: &str| {
        folder.read(name).map_err(|error| Failure::of(format!("cannot read {name} in {shown}"), &error))
    };
    let plan_bytes = read(PLAN)?.unwrap_or_default();
    let plan: Plan = serde_json::from_slice(&plan_bytes)
        .map_err(|error| Failure::of(format!("the plan in {shown} cannot be read"), &error))?;
    let (mut read, broken) = as_far_as_it_goes(&read(JOURNAL)?.unwrap_or_default());
    let mut wrong = broken.map(|broken| chain(&broken));
    let mut state = RunState::of(&plan);
    for nth in 0..read.lines.len() {
        if let Err(broken) = replay::apply(&mut state, read.lines.get(nth..=nth).unwrap_or_default()) {
            wrong = Some(chain(&broken));
            read.lines.truncate(nth);
            break;
        }
    }
    let hash = PlanHash::of(&plan_bytes);
    if state.plan.as_ref().is_some_and(|agreed| *agreed != hash) {
        wrong.get_or_insert_with(|| "the plan is not the one that was agreed to".to_owned());
    }
    let wrong = wrong.unwrap_or_else(|| "the journal is gone".to_owned());
    Ok((Run { folder: folder.clone(), plan, hash, read, state }, wrong))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        out.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    out
}
