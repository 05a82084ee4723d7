//! Reading a journal: its lines verified one after another, and folded into the state of its run.

use super::line::{self, BadLine, FORMAT, Head, Line};
use crate::runbook::event::Event;
use crate::runbook::plan::Plan;
use crate::runbook::state::RunState;
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
        let number = read.head.seq + 1;
        if text.len() > line::LONGEST {
            let why = BadLine::Form("it is longer than any line that is written".to_owned());
            return Err(Broken::Line { number, why });
        }
        let known = line::decode(text, &read.head).map_err(|why| Broken::Line { number, why })?;
        if let Some(Event::Opened { format, .. }) = &known.event {
            read.newer = is_newer(format.as_str())?;
        } else if number == 1 {
            // Even of a newer version nobody can tell what a journal is without its first line.
            let why = BadLine::Form("the journal does not begin with `opened`".to_owned());
            return Err(Broken::Line { number, why });
        }
        if known.event.is_none() {
            read.newer = true;
        }
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

/// Folds lines into the state of their run.
///
/// # Errors
/// When one cannot follow.
pub fn fold(plan: &Plan, lines: &[Line]) -> Result<RunState, Broken> {
    let mut state = RunState::of(plan);
    apply(&mut state, lines)?;
    Ok(state)
}

/// Takes further lines into the state of their run.
///
/// # Errors
/// When one cannot follow.
pub fn apply(state: &mut RunState, lines: &[Line]) -> Result<(), Broken> {
    for line in lines {
        let Some(event) = &line.event else { continue };
        state
            .apply(event, line.at, line.term)
            .map_err(|illegal| Broken::Fold { number: line.seq, why: illegal.what })?;
    }
    Ok(())
}
