//! A run as evidence: its journal, its plan and its side files as they are, with a report and the script that verifies it.

use super::account::Report;
use super::report::{markdown, not_verified};
use super::verify::is_inside;
use crate::engine::aside::beside;
use crate::engine::folder::{ESTATE, Folder, JOURNAL, PLAN};
use crate::engine::spool::manifest_of;
use crate::engine::store::Run;
use crate::failure::{Failure, FailureKind};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// The program that verifies a journal without lifeboat.
const VERIFIER: &str = include_str!("../../assets/journal/verify.py");
/// How a journal looks, to the byte.
const FORMAT: &str = include_str!("../../assets/journal/FORMAT.md");

/// Writes a run to the new folder `to`; of one that cannot be relied on, its report says so, and why.
///
/// # Errors
/// When the folder is there already, or cannot be written.
pub fn export(run: &Run, to: &Path, wrong: Option<&str>) -> Result<(), Failure> {
    let shown = to.display();
    if to.exists() {
        return Err(Failure::new(
            FailureKind::Usage,
            format!("{shown} is there already, and is not overwritten"),
        ));
    }
    let failed = |error: &std::io::Error| Failure::of(format!("cannot write {shown}"), error);
    fs::DirBuilder::new().mode(0o700).create(to).map_err(|error| failed(&error))?;
    let mut names = vec![JOURNAL.to_owned(), PLAN.to_owned(), ESTATE.to_owned()];
    let beside = run.read.lines.iter().filter_map(|line| line.event.as_ref().and_then(beside));
    names.extend(beside.map(|side| side.name.to_string()).filter(|name| *name != PLAN));
    names.extend(run.plan.steps.iter().filter_map(manifest_of).map(|(name, _)| name));
    names.retain(|name| is_inside(name));
    for name in names {
        let Some(bytes) = run.folder.read(&name).map_err(|error| failed(&error))? else { continue };
        let path = to.join(&name);
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(|error| failed(&error))?;
        }
        fs::write(path, bytes).map_err(|error| failed(&error))?;
    }
    let report = wrong.map_or_else(String::new, not_verified) + &markdown(run);
    let document = serde_json::to_string_pretty(&Report::of(run, wrong))
        .map_err(|error| Failure::of(format!("cannot write {shown}"), &error))?;
    let reports = [("report.md", report.as_str()), ("report.json", document.as_str())];
    for (name, text) in reports.into_iter().chain([("verify.py", VERIFIER), ("FORMAT.md", FORMAT)]) {
        fs::write(to.join(name), text).map_err(|error| failed(&error))?;
    }
    Ok(())
}
