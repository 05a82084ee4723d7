//! Carrying a batch out: its part of the manifest, key by key, some of them at a time. What became of each key stands in a
//! side file; the journal has one intent and one answer for all of them.

use super::call::{TRIES, pause};
use super::dispatch;
use super::executor::Shared;
use super::journal::{Committed, Halt};
use super::records::{self, Did, Record};
use crate::action::fan_out::{Batch, FanOut, Stand, manifest_name};
use crate::authority::{ArmedCall, ArmedKeys};
use crate::domain::{Text, size};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use crate::runbook::event::{CallPlace, Direction};
use crate::runbook::plan::PlannedStep;
use crate::runbook::state::StepState;
use serde_json::{Map, Value, json};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// How many keys are under way at a time: well below what S3 takes of one prefix.
const AT_A_TIME: usize = 24;
/// How often keys are looked at again of which nobody knows what became of their requests.
const PASSES: u32 = 3;
/// How many of those that were left are named in the journal; the records name all.
const NAMED: usize = 5;
/// How often those who watch are told.
const TELLS: Duration = Duration::from_millis(500);

/// What became of the keys of a call.
#[derive(Default)]
struct Tally {
    done: u64,
    was_so: u64,
    changed: u64,
    refused: u64,
    out: u64,
    bytes: u64,
    first: Vec<String>,
    code: Option<Text>,
}

impl Tally {
    fn take(&mut self, record: &Record, size: u64) {
        match record.did {
            Did::Done => self.done += 1,
            Did::WasSo => self.was_so += 1,
            Did::Changed => self.changed += 1,
            Did::Refused => self.refused += 1,
        }
        if record.is_final() {
            self.bytes += size;
        } else if self.first.len() < NAMED {
            self.first.push(format!("{}: {}", record.key, record.why));
        }
    }

    fn left(&self) -> u64 {
        self.changed + self.refused
    }
}

/// A call that is carried out.
struct Under<'a> {
    step: &'a PlannedStep,
    place: &'a CallPlace,
    fan: &'a dyn FanOut,
    call: Call,
    /// The name of its records.
    records: String,
    /// Whether requests of it may have left before.
    again: bool,
    tally: RefCell<Tally>,
    told: Cell<Option<std::time::Instant>>,
    before: (u64, u64),
    all: u64,
    /// Why nothing more is begun.
    stopped: RefCell<Option<CallTrouble>>,
}

/// A part of the manifest.
struct Slice {
    index: usize,
    from: u64,
    bytes: u64,
    line: u64,
    hash: String,
}

impl Slice {
    fn of(index: usize, call: &Call) -> Option<Self> {
        let number = |name: &str| call.arguments.get(name).and_then(Value::as_u64);
        let hash = call.text("Sha256")?.to_owned();
        Some(Self { index, from: number("From")?, bytes: number("Bytes")?, line: number("Line")?, hash })
    }
}

impl Shared {
    /// Carries a batch out, whose intent is on disk.
    ///
    /// # Errors
    /// The outer error when what becomes of it cannot be written down; the inner one says what is known of it.
    pub(super) async fn carry_out(
        &self,
        step: &PlannedStep,
        place: &CallPlace,
        intent: &Committed,
        armed: ArmedCall,
    ) -> Result<Result<Reply, CallTrouble>, Halt> {
        let Some(fan) = self.action(step)?.fan_out() else {
            return Ok(Err(CallTrouble::NotSent("its action has no batches".into())));
        };
        let known = self.known(&step.id)?;
        let index = usize::try_from(place.index).unwrap_or(usize::MAX);
        let call = armed.call().clone();
        let sweeps = call.arguments.contains_key("Again");
        let planned = step.calls.iter().map(|planned| &planned.call).enumerate();
        let slices: Vec<Slice> = if sweeps {
            planned.filter_map(|(index, call)| Slice::of(index, call)).collect()
        } else {
            Slice::of(index, &call).into_iter().collect()
        };
        let hashes = slices.iter().map(|slice| slice.hash.clone()).collect();
        let batch = match dispatch::batch(intent, armed, hashes) {
            Ok(batch) => batch,
            Err(why) => return Ok(Err(why)),
        };
        let fact = |name: &str| step.facts.get("manifest").and_then(|m| m.get(name)).and_then(Value::as_u64);
        let under = Under {
            step,
            place,
            fan,
            records: records::name(step.id.as_str(), &known, place.direction, index),
            again: known.calls.get(index).is_some_and(|call| call.times > 1) || known.current_attempt() > 1,
            tally: RefCell::default(),
            told: Cell::new(None),
            before: passed(&known),
            all: fact("lines").unwrap_or(0),
            stopped: RefCell::default(),
            call,
        };
        for slice in &slices {
            let clean = |known: &StepState| {
                known.calls.get(slice.index).and_then(|call| call.reply.get("left")?.as_u64()) == Some(0)
            };
            if sweeps && clean(&known) {
                continue;
            }
            let name = manifest_name(step.id.as_str());
            let other = |why: &dyn std::fmt::Display| {
                let says = format!("{name} is not the manifest that was agreed to: {why}");
                // Nothing that is tried again changes that.
                refused("ManifestChanged", &says)
            };
            let bytes = match self.recorder.folder.read_part(&name, slice.from, slice.bytes) {
                Ok(bytes) => bytes,
                Err(error) => return other(&error),
            };
            let keys = match batch.keys(&bytes) {
                Ok(keys) => keys,
                Err(why) => return other(&why),
            };
            if let Err(trouble) = self.slice(&under, &known, slice, &bytes, &keys).await? {
                return Ok(Err(trouble));
            }
        }
        self.judged(&under, sweeps || place.direction == Direction::Undo)
    }

    /// Carries a part of the manifest out.
    async fn slice(
        &self,
        under: &Under<'_>,
        known: &StepState,
        slice: &Slice,
        bytes: &[u8],
        keys: &ArmedKeys<'_>,
    ) -> Result<Result<(), CallTrouble>, Halt> {
        let folder = self.recorder.folder.as_ref();
        let (step, direction) = (under.step, under.place.direction);
        let lines: Vec<Value> =
            bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let end = slice.line + u64::try_from(lines.len()).unwrap_or(0);
        let mut own = records::read(folder, &under.records)?;
        own.retain(|line, _| (slice.line..end).contains(line));
        // What this call found before it counts; and for one that looks again, what the first look at the keys found.
        let mut earlier: BTreeMap<u64, Record> = BTreeMap::new();
        let mut forward: BTreeMap<u64, Record> = BTreeMap::new();
        let of = |index: usize, direction| records::name(step.id.as_str(), known, direction, index);
        let looks_again = under.call.arguments.contains_key("Again");
        if looks_again {
            earlier = records::read(folder, &of(slice.index, direction))?;
        }
        if direction == Direction::Undo {
            forward = records::read(folder, &of(slice.index, Direction::Forward))?;
            let last = step.calls.len().saturating_sub(1);
            let swept = records::read(folder, &of(last, Direction::Forward))?;
            forward.extend(swept.into_iter().filter(|(line, _)| (slice.line..end).contains(line)));
        }
        let numbered = (slice.line..).zip(&lines);
        for (line, value) in numbered.clone() {
            if let Some(record) = own.get(&line).filter(|record| record.is_final()) {
                under.tally.borrow_mut().take(record, under.fan.size(value));
            }
        }
        earlier.extend(own);
        let is_final = |line: &u64| earlier.get(line).is_some_and(Record::is_final);
        let mut todo: Vec<(u64, &Value)> = numbered.filter(|(line, _)| !is_final(line)).collect();
        for pass in 0..PASSES {
            let undoes = direction == Direction::Undo;
            let done = |line: &u64| {
                let record = forward.get(line).filter(|record| record.did == Did::Done)?;
                Some(Value::Object(record.kept.clone()))
            };
            let kept: Vec<Option<Value>> =
                todo.iter().map(|(line, _)| if undoes { done(line) } else { None }).collect();
            let batch = Batch {
                step,
                direction,
                call: &under.call,
                lines: todo.iter().map(|(_, line)| *line).collect(),
                done: kept.iter().map(Option::as_ref).collect(),
            };
            let stands = match under.fan.stand(&batch, self.parts.look.as_ref()).await {
                Ok(stands) => stands,
                Err(trouble) if pass + 1 < PASSES && !matches!(trouble, CallTrouble::Credentials(_)) => {
                    tracing::warn!("the keys of a batch cannot be seen: {trouble}");
                    self.parts.time.sleep(pause(pass + 1)).await;
                    continue;
                }
                Err(trouble) => return Ok(Err(in_doubt(&format!("its keys cannot be seen: {trouble}")))),
            };
            let mut work = VecDeque::new();
            for ((line, value), stand) in todo.iter().copied().zip(stands) {
                let tried = |did: Did| earlier.get(&line).is_some_and(|record| record.did == did);
                match stand {
                    Stand::Out => under.tally.borrow_mut().out += u64::from(pass == 0 && !looks_again),
                    Stand::Is(kept) => {
                        // What is so after something of ours was sent is ours.
                        let ours = pass > 0 || tried(Did::Refused) || under.again && !tried(Did::Changed);
                        let did = if ours { Did::Done } else { Did::WasSo };
                        self.note(under, value, line, did, Text::default(), kept)?;
                    }
                    Stand::Changed(why) => self.note(under, value, line, Did::Changed, why, Map::new())?,
                    Stand::Missing(calls) => work.push_back((line, value, calls)),
                }
            }
            let work = RefCell::new(work);
            let unknown = RefCell::new(Vec::new());
            let workers = (0..AT_A_TIME).map(|_| self.worker(under, keys, &work, &unknown));
            together(workers.map(|worker| Box::pin(worker) as Worker<'_>).collect()).await?;
            if let Some(trouble) = under.stopped.take() {
                return Ok(Err(in_doubt(&format!("some of its keys are done: {trouble}"))));
            }
            todo = unknown.into_inner();
            todo.sort_unstable_by_key(|(line, _)| *line);
            if todo.is_empty() {
                return Ok(Ok(()));
            }
            self.parts.time.sleep(pause(pass + 1)).await;
        }
        let first = todo.first().and_then(|(_, line)| line.get("key")?.as_str()).unwrap_or_default();
        let says = format!("no answer came for {} keys; the first is {first}", todo.len());
        Ok(Err(in_doubt(&says)))
    }

    /// Carries keys out, one after the other, until there is none left.
    async fn worker<'l>(
        &self,
        under: &Under<'_>,
        keys: &ArmedKeys<'_>,
        work: &RefCell<VecDeque<(u64, &'l Value, Vec<Call>)>>,
        unknown: &RefCell<Vec<(u64, &'l Value)>>,
    ) -> Result<(), Halt> {
        loop {
            let next = work.borrow_mut().pop_front();
            let Some((line, value, calls)) = next else { return Ok(()) };
            if under.stopped.borrow().is_some() {
                continue;
            }
            let mut replies = Vec::with_capacity(calls.len());
            let mut failed = None;
            for call in &calls {
                match self.request(keys, call).await? {
                    Ok(reply) => replies.push(reply.body),
                    Err(trouble) => {
                        failed = Some(trouble);
                        break;
                    }
                }
            }
            match failed {
                None => {
                    let kept = under.fan.keep(value, &calls, &replies);
                    self.note(under, value, line, Did::Done, Text::default(), kept)?;
                }
                Some(CallTrouble::Refused { code, says, .. }) => {
                    let trouble = CallTrouble::Refused {
                        code: code.clone(),
                        says: says.clone(),
                        request_id: None,
                        status: 0,
                    };
                    let did = if under.fan.is_change(&trouble) { Did::Changed } else { Did::Refused };
                    if did == Did::Refused {
                        under.tally.borrow_mut().code.get_or_insert_with(|| code.clone());
                    }
                    let why = Text::new(&format!("{code}: {says}"));
                    // A request of ours that came late may be what it was refused for: the next look tells.
                    let did = if under.again && did == Did::Changed { Did::Refused } else { did };
                    self.note(under, value, line, did, why, Map::new())?;
                }
                Some(trouble @ CallTrouble::Credentials(_)) => {
                    *under.stopped.borrow_mut() = Some(trouble);
                }
                Some(CallTrouble::Throttled { .. } | CallTrouble::NotSent(_) | CallTrouble::InDoubt(_)) => {
                    unknown.borrow_mut().push((line, value));
                }
            }
        }
    }

    /// Sends a request, again where the service asks for less or nothing has left.
    async fn request(&self, keys: &ArmedKeys<'_>, call: &Call) -> Result<Result<Reply, CallTrouble>, Halt> {
        let mut tries = 0;
        loop {
            let (act, faults) = (self.parts.act.as_ref(), self.parts.faults.as_ref());
            let answered = dispatch::request(keys, call, act, faults).await?;
            tries += 1;
            let again = matches!(answered, Err(CallTrouble::Throttled { .. } | CallTrouble::NotSent(_)));
            if !again || tries >= TRIES {
                return Ok(answered);
            }
            self.parts.time.sleep(pause(tries)).await;
        }
    }

    /// Writes down what became of a key.
    fn note(
        &self,
        under: &Under<'_>,
        line: &Value,
        number: u64,
        did: Did,
        why: Text,
        kept: Map<String, Value>,
    ) -> Result<(), Halt> {
        let key = line.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
        let record = Record { line: number, key, did, why, kept };
        records::add(self.recorder.folder.as_ref(), &under.records, &record)?;
        under.tally.borrow_mut().take(&record, under.fan.size(line));
        self.told(under);
        Ok(())
    }

    /// Tells those who watch how far it is.
    fn told(&self, under: &Under<'_>) {
        let now = std::time::Instant::now();
        if under.told.get().is_some_and(|told| now.duration_since(told) < TELLS) {
            return;
        }
        under.told.set(Some(now));
        let tally = under.tally.borrow();
        let keys = under.before.0 + tally.done + tally.was_so + tally.left() + tally.out;
        let bytes = under.before.1 + tally.bytes;
        let left = if tally.left() > 0 { format!(", {} left", tally.left()) } else { String::new() };
        let percent = (keys.min(under.all) * 100).checked_div(under.all).and_then(|p| u8::try_from(p).ok());
        let says = format!("{keys} of {} keys, {}{left}", under.all, size::bytes(bytes));
        self.going(under.step, percent, Text::new(&says), TELLS);
    }

    /// Returns what the call is answered with.
    fn judged(&self, under: &Under<'_>, is_last: bool) -> Result<Result<Reply, CallTrouble>, Halt> {
        let records = records::close(self.recorder.folder.as_ref(), &under.records)?;
        let tally = under.tally.borrow();
        let first = tally.first.join("; ");
        if is_last && tally.left() > 0 {
            let says = format!(
                "{} keys are done, {} were left: {} were changed meanwhile, {} were refused; {first}",
                under.before.0 + tally.done + tally.was_so,
                tally.left(),
                tally.changed,
                tally.refused
            );
            return refused("KeysLeft", &says);
        }
        if let Some(code) = &tally.code
            && tally.done + tally.was_so + tally.changed == 0
        {
            // What is refused of all keys of a batch is refused of the next ones.
            return refused(code.as_str(), &format!("all {} keys of the batch: {first}", tally.refused));
        }
        let body = json!({
            "done": tally.done, "was_so": tally.was_so, "changed": tally.changed, "refused": tally.refused,
            "out": tally.out, "left": tally.left(), "bytes": tally.bytes, "records": records,
        });
        Ok(Ok(Reply { request_id: None, status: 0, body }))
    }
}

/// Returns how many keys and bytes the calls before have done.
fn passed(known: &StepState) -> (u64, u64) {
    let sum = |names: &[&str]| {
        let of = |reply: &Value| names.iter().filter_map(|name| reply.get(*name)?.as_u64()).sum::<u64>();
        known.calls.iter().map(|call| of(&call.reply)).sum::<u64>()
    };
    (sum(&["done", "was_so", "out"]), sum(&["bytes"]))
}

fn in_doubt(says: &str) -> CallTrouble {
    CallTrouble::InDoubt(Text::new(says))
}

#[expect(clippy::unnecessary_wraps, reason = "it stands in for what a batch comes to, which can halt")]
fn refused(code: &str, says: &str) -> Result<Result<Reply, CallTrouble>, Halt> {
    let (code, says) = (Text::new(code), Text::new(says));
    Ok(Err(CallTrouble::Refused { code, says, request_id: None, status: 0 }))
}

type Worker<'a> = Pin<Box<dyn Future<Output = Result<(), Halt>> + 'a>>;

/// Waits for all of them, or for the first that has to stop.
async fn together(mut workers: Vec<Worker<'_>>) -> Result<(), Halt> {
    poll_fn(|context| {
        let mut at = 0;
        while let Some(worker) = workers.get_mut(at) {
            match worker.as_mut().poll(context) {
                Poll::Ready(Ok(())) => drop(workers.swap_remove(at)),
                Poll::Ready(Err(halt)) => return Poll::Ready(Err(halt)),
                Poll::Pending => at += 1,
            }
        }
        if workers.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}
