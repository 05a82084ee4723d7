//! `follow` and `replay`: a run as it goes, and as it went.

use crate::cli::args::{FollowArgs, Format, Global, ReplayArgs};
use crate::cli::output::Output;
use crate::cli::{recovery, watching};
use crate::engine::folder::{Folder, JOURNAL};
use crate::failure::Failure;
use crate::runbook::words::tell;

/// Watches a run.
///
/// # Errors
/// When there is none, or its journal cannot be relied on.
pub fn run(global: &Global, given: &FollowArgs, output: &Output) -> Result<u8, Failure> {
    let (runs, _) = recovery::runs(global)?;
    watching::watch(&runs.find(given.run.as_deref())?, output)
}

/// Prints what happened in a run.
///
/// # Errors
/// When there is none, or its journal cannot be relied on.
pub fn replay(global: &Global, given: &ReplayArgs, output: &Output) -> Result<u8, Failure> {
    let (run, _) = recovery::open_run(global, given.run.as_deref())?;
    let to = given.to.unwrap_or(u64::MAX);
    if output.format() == Format::Json {
        let bytes = run.folder.read(JOURNAL).ok().flatten().unwrap_or_default();
        let wanted = usize::try_from(to).unwrap_or(usize::MAX);
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).take(wanted) {
            output.text(&String::from_utf8_lossy(line))?;
        }
        return Ok(0);
    }
    for line in run.read.lines.iter().filter(|line| line.seq <= to) {
        let says = line.event.as_ref().map_or_else(|| format!("({})", line.name), tell);
        output.text(&format!(
            "{} {}",
            line.at.strftime("%Y-%m-%d %H:%M:%S"),
            crate::domain::text::harmless(&says)
        ))?;
    }
    Ok(0)
}
