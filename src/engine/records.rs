//! What became of each key of a batch: a line a key in a side file, added as it becomes known and on disk before the batch
//! counts as answered. What is lost of it in a crash is found out anew by looking at the keys.

use super::folder::Folder;
use super::journal::{Halt, sha256};
use crate::domain::Text;
use crate::runbook::event::{Direction, SideFile};
use crate::runbook::state::StepState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Did {
    /// It was done.
    Done,
    /// It was so already, before anything of ours was sent.
    WasSo,
    /// Somebody has changed it since the plan was made, and it was left as it is.
    Changed,
    /// A request of it was refused.
    Refused,
}

/// The record of a key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The number of its line in the manifest, from 0.
    pub(super) line: u64,
    /// The key.
    pub(super) key: String,
    /// What became of it.
    pub(super) did: Did,
    /// Why it was left.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub(super) why: Text,
    /// What taking it back needs.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) kept: Map<String, Value>,
}

impl Record {
    /// Says whether nothing is left to do with its key.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.did, Did::Done | Did::WasSo)
    }
}

/// Returns the name of the records of a call.
pub(super) fn name(step: &str, known: &StepState, direction: Direction, index: usize) -> String {
    format!("side/{step}-{}-{}-{index}-keys.jsonl", direction.name(), known.series)
}

/// Returns the last record of each line; what was torn in a crash is left out.
pub(super) fn read(folder: &dyn Folder, name: &str) -> Result<BTreeMap<u64, Record>, Halt> {
    let bytes = folder.read(name).map_err(Halt::Disk)?.unwrap_or_default();
    if bytes.last().is_some_and(|last| *last != b'\n') {
        // What is added next begins a line of its own.
        folder.add(name, b"\n").map_err(Halt::Disk)?;
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    Ok(lines.map(|record: Record| (record.line, record)).collect())
}

/// Adds a record.
pub(super) fn add(folder: &dyn Folder, name: &str, record: &Record) -> Result<(), Halt> {
    let mut line = serde_json::to_vec(record).map_err(|error| Halt::Illegal(error.to_string()))?;
    line.push(b'\n');
    folder.add(name, &line).map_err(Halt::Disk)
}

/// Brings the records of a call on disk, and returns what stands in its answer for them.
pub(super) fn close(folder: &dyn Folder, name: &str) -> Result<SideFile, Halt> {
    folder.add(name, b"").and_then(|()| folder.settle(name)).map_err(Halt::Disk)?;
    let bytes = folder.read(name).map_err(Halt::Disk)?.unwrap_or_default();
    Ok(SideFile {
        name: Text::new(name),
        sha256: Text::new(&sha256(&bytes)),
        bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
    })
}

/// Returns the records that the answer to a batch names.
pub(super) fn of_reply(reply: &Value) -> Option<SideFile> {
    let side: SideFile = serde_json::from_value(reply.get("records")?.clone()).ok()?;
    side.name.as_str().starts_with("side/").then_some(side)
}
