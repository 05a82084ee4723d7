//! One step over any number of keys: what it does with each stands in a manifest beside the plan, a line a key, and it is
//! carried out in batches, each of which is one call of the plan that names its part of the manifest by hash.

use super::{PlanAsk, Refusal};
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::call::{Call, hex};
use crate::runbook::dedupe::Dedupe;
use crate::runbook::event::Direction;
use crate::runbook::plan::{PlannedCall, PlannedStep};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The operation by which a plan names a batch. No service has it: what leaves are the requests of the batch's keys.
pub const BATCH: &str = "batch:Keys";

/// The fewest keys of a batch but the last.
const SMALLEST: u64 = 500;
/// The most: a batch is held in memory.
const LARGEST: u64 = 5_000;
/// After so many keys a batch has one more of them, so that a plan of millions has hundreds of calls.
const GROWS: u64 = 100;

/// Takes the lines of manifests while a plan is made.
pub trait Manifests: Send + Sync {
    /// Begins the manifest of a step; one that was begun before is forgotten.
    ///
    /// # Errors
    /// When it cannot be written.
    fn begin(&self, step: &str) -> Result<Box<dyn Lines>, Refusal>;
}

/// A manifest that is being written.
pub trait Lines: Send {
    /// Adds bytes at its end.
    ///
    /// # Errors
    /// When they cannot be written.
    fn add(&mut self, bytes: &[u8]) -> Result<(), Refusal>;
    /// Ends it: it is on disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    fn close(self: Box<Self>) -> Result<(), Refusal>;
}

/// Returns the name of a step's manifest in the folder of its run.
pub fn manifest_name(step: &str) -> String {
    format!("side/{step}-manifest.jsonl")
}

/// A manifest that is being made, cut into batches.
pub(super) struct Manifest {
    out: Box<dyn Lines>,
    whole: Sha256,
    batch: Sha256,
    calls: Vec<Call>,
    base: Call,
    lines: u64,
    bytes: u64,
    /// What the batch under way holds: its first key, where it begins, its first line.
    begun: Option<(String, u64, u64)>,
    first: Option<String>,
    last: String,
}

impl Manifest {
    /// Begins the manifest of a step, whose batches have the arguments of `base`.
    pub(super) fn begin(ask: &PlanAsk<'_>, base: Call) -> Result<Self, Refusal> {
        Ok(Self {
            out: ask.manifests.begin(ask.step)?,
            whole: Sha256::new(),
            batch: Sha256::new(),
            calls: Vec::new(),
            base,
            lines: 0,
            bytes: 0,
            begun: None,
            first: None,
            last: String::new(),
        })
    }

    /// Adds the line of a key.
    pub(super) fn add(&mut self, key: &str, line: &Value) -> Result<(), Refusal> {
        let mut text = line.to_string();
        text.push('\n');
        self.out.add(text.as_bytes())?;
        self.whole.update(text.as_bytes());
        self.batch.update(text.as_bytes());
        self.begun.get_or_insert_with(|| (key.to_owned(), self.bytes, self.lines));
        self.first.get_or_insert_with(|| key.to_owned());
        key.clone_into(&mut self.last);
        self.bytes += text.len() as u64;
        self.lines += 1;
        let since = self.begun.as_ref().map_or(self.lines, |(_, _, line)| *line);
        if self.lines - since >= (self.lines / GROWS).clamp(SMALLEST, LARGEST) {
            self.cut();
        }
        Ok(())
    }

    /// Returns how many keys it has so far.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    fn cut(&mut self) {
        let Some((first, from, line)) = self.begun.take() else { return };
        let hash = hex(&std::mem::take(&mut self.batch).finalize());
        let call = self
            .base
            .clone()
            .with("From", from)
            .with("Bytes", self.bytes - from)
            .with("Line", line)
            .with("Lines", self.lines - line)
            .with("First", first)
            .with("Last", self.last.as_str())
            .with("Sha256", hash);
        self.calls.push(call);
    }

    /// Ends it. Returns its calls, the last of which looks again at every key that was left, and what is to be known of it.
    pub(super) fn close(
        mut self,
        says: &str,
        class: ActionClass,
    ) -> Result<(Vec<PlannedCall>, Value), Refusal> {
        self.cut();
        let hash = hex(&self.whole.finalize());
        self.out.close()?;
        let all = slices_hash(self.calls.iter().filter_map(|call| call.text("Sha256")));
        let facts = json!({
            "sha256": hash, "bytes": self.bytes, "lines": self.lines, "first": self.first, "last": self.last,
        });
        let planned = |call: Call, says: String| PlannedCall {
            call,
            says: Text::new(&says),
            class,
            dedupe: Dedupe::Conditional,
        };
        let again = self.base.with("Again", true).with("Manifest", hash).with("Sha256", all);
        let named = |call: &Call, name: &str| call.arguments.get(name).and_then(Value::as_u64).unwrap_or(0);
        let mut calls: Vec<PlannedCall> = self
            .calls
            .into_iter()
            .map(|call| {
                let (line, lines) = (named(&call, "Line"), named(&call, "Lines"));
                let says = format!("{says}: keys {} to {}", line + 1, line + lines);
                planned(call, says)
            })
            .collect();
        if !calls.is_empty() {
            calls.push(planned(again, "look again at every key that was left".to_owned()));
        }
        Ok((calls, facts))
    }
}

/// Returns the hash by which a call names several parts of a manifest.
pub fn slices_hash<'a>(slices: impl Iterator<Item = &'a str>) -> String {
    let mut all = Sha256::new();
    for slice in slices {
        all.update(slice.as_bytes());
        all.update(b"\n");
    }
    hex(&all.finalize())
}

/// Says whether a call stands for a batch.
pub fn is_batch(call: &Call) -> bool {
    call.operation == BATCH
}

/// Keys of a batch, as they are looked at.
pub struct Batch<'a> {
    /// The step.
    pub step: &'a PlannedStep,
    /// Which way.
    pub direction: Direction,
    /// The call that stands for them.
    pub call: &'a Call,
    /// Their lines, in the order of the manifest.
    pub lines: Vec<&'a Value>,
    /// For each what was written down when it was carried out; only while that is taken back.
    pub done: Vec<Option<&'a Value>>,
}

/// Where a key stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Stand {
    /// It is as it was seen when the plan was made: these requests are sent, one after the other.
    Missing(Vec<Call>),
    /// It is as it is to be; what is kept of that.
    Is(Map<String, Value>),
    /// Somebody has changed it meanwhile: it is left as it is.
    Changed(Text),
    /// Nothing is to be done with it.
    Out,
}

/// An action over many keys.
pub trait FanOut: Send + Sync {
    /// Looks where keys stand: an answer for each line.
    ///
    /// # Errors
    /// When nothing can be seen: then nothing is sent.
    fn stand<'a>(
        &'a self,
        batch: &'a Batch<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Vec<Stand>, CallTrouble>>;

    /// Returns what is kept of the answers to the requests of a key: what taking it back needs.
    fn keep(&self, line: &Value, sent: &[Call], replies: &[Value]) -> Map<String, Value>;

    /// Says whether a refusal says that the key has been changed meanwhile.
    fn is_change(&self, trouble: &CallTrouble) -> bool;

    /// Returns how many bytes of objects a line is about.
    fn size(&self, line: &Value) -> u64 {
        line.get("size").and_then(Value::as_u64).unwrap_or(0)
    }
}
