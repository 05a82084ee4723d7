//! Requests: what screens and commands ask of a run, each a file that appears whole in its folder.
//!
//! They are signed by nothing but the file system: who can write there can also run lifeboat. What they ask is judged by
//! the executor alone, and stands in the journal with its sender before it is obeyed.

use super::folder::RunFolder;
use crate::domain::Text;
use crate::failure::Failure;
use crate::runbook::event::Ask;
use crate::runbook::plan::Person;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Who sends it.
    pub by: Person,
    /// From which terminal.
    pub terminal: Option<Text>,
    /// When, by the clock of the machine.
    pub sent_at: Timestamp,
    /// What is asked.
    pub ask: Ask,
}

static SENT: AtomicU32 = AtomicU32::new(0);

/// Leaves a request in the folder of a run, and returns its name.
///
/// # Errors
/// When it cannot be written.
pub fn leave(folder: &RunFolder, request: &Request) -> Result<String, Failure> {
    let nth = SENT.fetch_add(1, Ordering::Relaxed);
    let name = format!("{:013}-{}-{nth}", request.sent_at.as_millisecond(), std::process::id());
    let bytes =
        serde_json::to_vec(request).map_err(|error| Failure::of("cannot write the request", &error))?;
    folder.leave(&name, &bytes).map_err(|error| {
        Failure::of(format!("cannot leave a request in {}", folder.path().display()), &error)
    })?;
    Ok(name)
}
