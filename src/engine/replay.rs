//! Reading a journal: its lines verified one after another, and folded into the state of its run.

use super::folder::{Folder, JOURNAL, PROGRESS, RESERVE};
use super::line::{self, BadLine, FORMAT, Head, Line};
use crate::runbook::call::Call;
use crate::runbook::event::Event;
use crate::runbook::plan::Plan;
use crate::runbook::state::RunState;
use serde_json::Value;
use std::io;

/// Why a journal cannot be relied on.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It cannot be read.
    #[error("the journal cannot be read")]
    Unreadable(#[from] io::Error),
    /// A line inside it is bad.
    #[error("line {number} of the journal cannot be relied on")]
    Line {
        /// Its number, from 1.
        number: u64,
        /// Why.
        #[source]
        why: BadLine,
    },
    /// A line cannot follow from those before it.
    #[error("line {number} of the journal cannot follow: {why}")]
    Fold {
        /// Its number, from 1.
        number: u64,
        /// Why.
        why: String,
    },
    /// It was written by a version that this one does not understand.
    #[error("the journal has format {0}, and this lifeboat reads {FORMAT}")]
    Format(String),
    /// There is none, although the run had begun.
    #[error("the run had begun, and its journal is gone")]
    Gone,
    /// It was written by a newer minor version.
    #[error("the journal was written by a newer lifeboat: this one can read it, and must not go on with it")]
    Newer,
}

/// A journal as it was read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Read {
    /// Its lines.
    pub lines: Vec<Line>,
    /// Where it stands.
    pub head: Head,
    /// The length of its whole lines, in bytes.
    pub length: u64,
    /// How many bytes stand after them: a line that was torn, or is being written.
    pub torn: u64,
    /// Whether it was written by a newer minor version, and so may be read only.
    pub newer: bool,
}

/// Reads the lines in `bytes` that follow `head`.
///
/// # Errors
/// When one of them is bad. What stands after the last line break is no error: it is torn, or still being written.
pub fn read(bytes: &[u8], head: &Head) -> Result<Read, Broken> {
    let mut read = Read { head: head.clone(), ..Read::default() };
    let mut rest = bytes;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (text, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        let number = read.head.seq.saturating_add(1);
        if text.len() > line::LONGEST {
            let why = BadLine::Form("it is longer than any line that is written".to_owned());
            return Err(Broken::Line { number, why });
        }
        if number == 1
            && let Some(format) = line::format_of(text)
        {
            read.newer = is_newer(&format)?;
        }
        let known = line::decode(text, &read.head).map_err(|why| Broken::Line { number, why })?;
        let bad = match &known.event {
            Some(Event::Opened { .. }) if number > 1 => Some("the journal begins a second time"),
            Some(Event::Opened { .. }) => None,
            // Even of a newer version nobody can tell what a journal is without its first line.
            _ if number == 1 => Some("the journal does not begin with an `opened` that can be understood"),
            _ if read.lines.last().is_some_and(|last| known.term < last.term) => Some("its term has fallen"),
            _ => None,
        };
        if let Some(why) = bad {
            return Err(Broken::Line { number, why: BadLine::Chain(why.to_owned()) });
        }
        read.newer |= known.newer;
        read.head = Head { seq: known.seq, hash: known.hash.clone() };
        read.lines.push(known);
        read.length += u64::try_from(end).unwrap_or(u64::MAX) + 1;
        rest = after.get(1..).unwrap_or_default();
    }
    read.torn = u64::try_from(rest.len()).unwrap_or(u64::MAX);
    Ok(read)
}

fn is_newer(format: &str) -> Result<bool, Broken> {
    let parts = |text: &str| -> Option<(u32, u32)> {
        let (major, minor) = text.split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    };
    match (parts(format), parts(FORMAT)) {
        (Some((major, minor)), Some((own_major, own_minor))) if major == own_major => Ok(minor > own_minor),
        _ => Err(Broken::Format(format.to_owned())),
    }
}

/// Says whether a journal was there before: `found` is what is there now.
///
/// # Errors
/// When nothing is left of it while something beside it tells that the run had begun.
pub fn was_never_begun(folder: &dyn Folder, found: Option<&[u8]>) -> Result<(), Broken> {
    let traces = match found {
        Some(bytes) if !bytes.is_empty() => return Ok(()),
        Some(_) => &[PROGRESS][..],
        None => &[PROGRESS, RESERVE][..],
    };
    for trace in traces {
        if folder.read(trace)?.is_some() {
            // An executor may have begun since the journal was looked for.
            let now = folder.read(JOURNAL)?;
            let begun = now.is_some_and(|bytes| found.is_none() || !bytes.is_empty());
            return if begun { Ok(()) } else { Err(Broken::Gone) };
        }
    }
    Ok(())
}

/// Reads what stands in the journal of `folder` after its first `at` bytes, which end with the line of `head`, while
/// somebody may be writing to it. Returns those bytes, too.
///
/// # Errors
/// When it cannot be read, a line is bad, or lines that were there are gone.
pub fn follow(folder: &dyn Folder, at: usize, head: &Head) -> Result<(Vec<u8>, Read), Broken> {
    let mut before: Option<Vec<u8>> = None;
    loop {
        let bytes = folder.read(JOURNAL)?;
        was_never_begun(folder, bytes.as_deref())?;
        let bytes = bytes.unwrap_or_default();
        let found = match bytes.get(at..) {
            Some(new) => read(new, head).map(|read| (new.to_owned(), read)),
            None => {
                let why = BadLine::Chain("the journal was cut off before its end".to_owned());
                Err(Broken::Line { number: head.seq, why })
            }
        };
        // A file is read in pieces: where an executor cuts a torn line off in between and writes its own, the pieces do
        // not fit. What is bad in truth is bad twice.
        match found {
            Err(_) if before.as_ref() != Some(&bytes) => before = Some(bytes),
            found => return found,
        }
    }
}

/// Folds lines into the state of their run.
///
/// # Errors
/// When one cannot follow.
pub fn fold<'a>(plan: &Plan, lines: impl IntoIterator<Item = &'a Line>) -> Result<RunState, Broken> {
    let mut state = RunState::of(plan);
    apply(&mut state, lines)?;
    Ok(state)
}

/// Takes further lines into the state of their run.
///
/// # Errors
/// When one cannot follow.
pub fn apply<'a>(state: &mut RunState, lines: impl IntoIterator<Item = &'a Line>) -> Result<(), Broken> {
    for line in lines {
        let Some(event) = &line.event else { continue };
        state
            .apply(event, line.at, line.term)
            .map_err(|illegal| Broken::Fold { number: line.seq, why: illegal.what })?;
    }
    Ok(())
}

/// Returns a call with what steps have brought in it; a value that is not there yet stays as its reference.
pub fn filled(call: &Call, state: &RunState) -> Call {
    let one = |value: &Value| super::values::filled(value, state).unwrap_or_else(|_| value.clone());
    let arguments = call.arguments.iter().map(|(name, value)| (name.clone(), one(value))).collect();
    Call { arguments, ..call.clone() }
}
