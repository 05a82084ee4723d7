//! Runbooks: those that are built in and those in the user's folders, by name.
//!
//! [`load_text`] reads one file by itself; [`Library`] reads many and judges what they say of each other. Who may use it:
//! everything above `config`. What must stay true: every mistake is said at its own place, all of them at once; what is
//! under `with` is never guessed at; and no runbook is given out that has a mistake, or calls one that has.
//!
//! How steps follow each other, in short: a step waits for those that it `needs`; without `needs`, for the one before
//! it in the file; with `needs: []`, for none. A step that is named by an `else` is a spare step: it runs only when that
//! other step fails, and then in its place. So it has the needs of the step that it stands in for and says none itself, it
//! stands in for one step only, it is not "the one before" of any other, and who needs it must wait for the step that it
//! stands in for as well.

mod built_in;
mod calls;
mod folder;
mod order;
mod parameters;
mod references;
mod resolve;
mod steps;
mod value;

pub use built_in::BUILT_IN;
pub use folder::Folders;

use super::diagnostic::{Diagnostic, FilePlace, Gravity};
use super::load::unix_lines;
use super::runbook_file::RunbookFile;
use super::yaml::{self, Budget, Value};
use crate::runbook::about::About;
use crate::runbook::definition::{Name, Runbook};
use jiff::civil::Date;
use resolve::{Resolved, resolve};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// What runbooks are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The actions that there are. While a catalogue is empty nothing is judged of it: neither names of actions, nor
    /// their arguments, nor what they bring.
    pub catalogue: &'a [&'a About],
    /// The day it is.
    pub today: Date,
}

impl<'a> Rules<'a> {
    /// Returns what the action of that name says of itself.
    fn about(&self, name: &str) -> Option<&'a About> {
        self.catalogue.iter().copied().find(|about| about.name == name)
    }
}

/// A file that should be a runbook.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it lies, as people know it.
    pub origin: String,
    /// The name of the runbook: that of the file without its ending.
    pub id: Name,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whether it is part of lifeboat. One of the user's with the same name takes its place.
    pub built_in: bool,
}

/// What became of a file.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// Where it lies, as people know it.
    pub origin: String,
    /// The name of the runbook.
    pub id: Name,
    /// Its text.
    pub source: String,
    /// Whether it is part of lifeboat.
    pub built_in: bool,
    /// Whether its runbook can be used.
    pub loads: bool,
    /// What is wrong or doubtful, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Every runbook that can be used, and what became of every file.
#[derive(Debug, Clone, Default)]
pub struct Library {
    runbooks: BTreeMap<Name, Runbook>,
    files: Vec<FileReport>,
}

impl Library {
    /// Makes a library of `sources`, judging what they say of each other.
    pub fn of(sources: Vec<Source>, rules: &Rules<'_>) -> Self {
        let mut read: Vec<Read> = sources.into_iter().map(|source| Read::of(source, rules)).collect();
        calls::same_names(&mut read);
        calls::judge(&mut read);
        let mut library = Self::default();
        for Read { report, resolved, .. } in read {
            if let Some(runbook) = resolved.runbook.filter(|_| report.loads) {
                library.runbooks.insert(runbook.id.clone(), runbook);
            }
            library.files.push(report);
        }
        library
    }

    /// Returns the runbook of that name, if there is one that can be used.
    pub fn get(&self, id: &str) -> Option<&Runbook> {
        self.runbooks.get(id)
    }

    /// Returns every runbook that can be used, by name.
    pub fn runbooks(&self) -> impl Iterator<Item = &Runbook> {
        self.runbooks.values()
    }

    /// Returns what became of every file, in the order in which they were read.
    pub fn files(&self) -> &[FileReport] {
        &self.files
    }
}

/// A runbook that loaded by itself, and what is doubtful about its file.
#[derive(Debug, Clone)]
pub struct LoadedRunbook {
    /// The runbook.
    pub runbook: Runbook,
    /// Warnings, in the order of the file.
    pub warnings: Vec<Diagnostic>,
}

/// Reads one runbook from the text of a file, without looking at the others that it calls.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn load_text(
    id: &str,
    origin: &str,
    text: &str,
    rules: &Rules<'_>,
) -> Result<LoadedRunbook, Vec<Diagnostic>> {
    let source = Source { origin: origin.to_owned(), id: id.to_owned(), bytes: text.into(), built_in: false };
    let Read { report, resolved, .. } = Read::of(source, rules);
    match resolved.runbook.filter(|_| report.loads) {
        Some(runbook) => Ok(LoadedRunbook { runbook, warnings: report.diagnostics }),
        None => Err(report.diagnostics),
    }
}

/// A file as far as it can be judged by itself.
struct Read {
    report: FileReport,
    resolved: Resolved,
    /// The runbooks that it calls and that cannot be used; each is said once.
    said: BTreeSet<Name>,
}

/// The place of what is wrong with a file as a whole.
const WHOLE: FilePlace = FilePlace { line: 1, column: 1, start: 0, end: 0 };

impl Read {
    fn of(source: Source, rules: &Rules<'_>) -> Self {
        let Source { origin, id, bytes, built_in } = source;
        let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let text = unix_lines(&String::from_utf8_lossy(&bytes));
        let (mut resolved, mut diagnostics) = match std::str::from_utf8(&bytes) {
            Ok(_) => read_text(&text, rules),
            Err(error) => {
                let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let valid = unix_lines(&String::from_utf8_lossy(valid));
                let line = valid.matches('\n').count() as u64 + 1;
                let column = valid.rsplit('\n').next().map_or(0, |last| last.chars().count()) as u64 + 1;
                let at = FilePlace { line, column, start: valid.len(), end: valid.len() + 1 };
                (Resolved::default(), vec![Diagnostic::error(at, "the file is not UTF-8 text")])
            }
        };
        if !crate::runbook::template::is_name(&id) {
            diagnostics.push(
                Diagnostic::error(
                    WHOLE,
                    format!("`{id}` cannot be the name of a runbook, and the file is called so"),
                )
                .help("use lower-case letters, digits and dashes, and begin with a letter"),
            );
        }
        if let Some(runbook) = &mut resolved.runbook {
            runbook.id.clone_from(&id);
            runbook.origin.clone_from(&origin);
            runbook.digest = digest;
        }
        let report = FileReport { origin, id, source: text, built_in, loads: false, diagnostics };
        let mut read = Self { report, resolved, said: BTreeSet::new() };
        read.settle();
        read
    }

    /// Brings what was said into the order of the file, and says whether the runbook can be used.
    fn settle(&mut self) {
        let said = &mut self.report.diagnostics;
        said.sort_by_key(|diagnostic| (diagnostic.place, diagnostic.gravity));
        said.dedup();
        let errors = said.iter().any(|diagnostic| diagnostic.gravity == Gravity::Error);
        self.report.loads = self.resolved.runbook.is_some() && !errors;
    }
}

fn read_text(text: &str, rules: &Rules<'_>) -> (Resolved, Vec<Diagnostic>) {
    let node = match yaml::parse(text, Budget::default()) {
        Ok(node) => node,
        Err(diagnostic) => return (Resolved::default(), vec![diagnostic]),
    };
    let has = |name: &str| match &node.value {
        Value::Map(entries) => {
            entries.iter().any(|(key, _)| matches!(&key.value, Value::Scalar { text, .. } if text == name))
        }
        _ => false,
    };
    if matches!(node.value, Value::Null) {
        let wrong = Diagnostic::error(WHOLE, "the file is empty");
        return (Resolved::default(), vec![wrong.help("`lifeboat schema runbook` prints the format")]);
    }
    if has("environments") && !has("steps") {
        let wrong = Diagnostic::error(WHOLE, "this is an estate file and no runbook");
        return (Resolved::default(), vec![wrong.help("`lifeboat check --estate FILE` checks it")]);
    }
    let (file, mut noted) = yaml::from_node::<RunbookFile>(&node);
    let (resolved, wrong) = resolve(&file, rules);
    noted.extend(wrong);
    (resolved, noted)
}
