//! `s3-prefix-to-time`: everything under a prefix as it was at a moment, key by key (S1 to S6).

use super::facts::text;
use super::fan_out::{BATCH, Batch, FanOut, Manifest, Stand};
use super::given::is_later;
use super::s3_listing::{Listing, Told};
use super::s3_prefix_keys::{COLD, LARGEST, back, forward, kept};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::{Text, size};
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::event::Direction;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Puts a prefix back to a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct PrefixToTime;

const ABOUT: About = About {
    name: "s3-prefix-to-time",
    title: "put everything under a prefix back to a moment",
    says: "Looks at every version under a prefix and brings each key back to what it was at a moment: of what was deleted \
           since, the delete markers are removed; of what was overwritten since, the version of that moment is copied onto \
           its key; what was made since stays, unless it is asked for that a delete marker is put on it. No version is ever \
           deleted. Each key is left alone where anybody has changed it after the plan was made. What is done with each key \
           stands in a manifest that the plan names by its hash.",
    arguments: &[
        Argument { name: "bucket", kind: ArgumentKind::Text, required: true, says: "The bucket." },
        Argument {
            name: "prefix",
            kind: ArgumentKind::Text,
            required: false,
            says: "What the keys begin with; the whole bucket if nothing is said.",
        },
        Argument {
            name: "moment",
            kind: ArgumentKind::Text,
            required: true,
            says: "The moment, such as 2026-11-21T03:12:00Z.",
        },
        Argument {
            name: "remove-newer",
            kind: ArgumentKind::Switch,
            required: false,
            says: "Whether a delete marker is put on what was made since.",
        },
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The component that it belongs to.",
        },
    ],
    outputs: &[
        ("keys", "How many keys are as they were at the moment."),
        ("left", "How many keys were left as they are: archived, too large, made since, or nobody can tell."),
        ("bytes", "How many bytes of objects that is."),
    ],
    class: ActionClass::Mutating,
    dedupe: Dedupe::Conditional,
    operations: &["s3:ListObjectVersions", "s3:GetBucketVersioning", "s3:CopyObject", "s3:DeleteObject"],
    no_undo: None,
    usually: Some((Duration::from_secs(5), Duration::from_secs(3_600))),
};

/// What a plan does with a key, and how it says that.
const KINDS: [(&str, &str); 7] = [
    ("undelete", "deleted since: the delete markers are removed, and the same version is the newest again"),
    ("copy", "overwritten since: the version of that moment is copied onto the key"),
    ("remove", "made since: a delete marker is put on it, and its versions stay"),
    ("created", "made since: left as it is; `remove-newer` puts a delete marker on such keys"),
    (
        "archived",
        "archived: not touched; s3:RestoreObject brings the version back within hours, then plan anew",
    ),
    ("large", "larger than 5 GB: not touched; the runbook `object-version` puts each back in parts"),
    ("unclear", "not touched, because nobody can tell what it was then"),
];

impl PrefixToTime {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let bucket = ask.given.text("bucket")?;
        let prefix = ask.given.maybe_text("prefix")?.unwrap_or_default();
        let said = ask.given.text("moment")?;
        if [bucket, prefix, said].iter().any(|value| is_later(value)) {
            return Err(Refusal::new("what is put back must be known when the plan is made"));
        }
        let moment: Timestamp = said.parse().map_err(|_| {
            Refusal::new(format!("`{said}` is no moment")).hint("write it like 2026-11-21T03:12:00Z")
        })?;
        if moment >= ask.now {
            return Err(Refusal::new(format!("{moment} has not passed yet")));
        }
        let removes = ask.given.switch("remove-newer")?.unwrap_or(false);
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?.id.clone()),
            None => None,
        };
        let home = ask.environment.home();
        let of_bucket =
            |operation: &str| Call::new(operation, &ask.environment.name, &home).with("Bucket", bucket);
        let versioning = of_bucket("s3:GetBucketVersioning");
        let status = ask.look.look(&versioning).await.map_err(|trouble| {
            Refusal::new(format!("whether {bucket} keeps versions is not known: {trouble}"))
        })?;
        match status.body.get("Status").and_then(Value::as_str) {
            Some("Enabled") => {}
            Some(other) => {
                // A copy would overwrite `null`, and a deletion take it away, for good (S5).
                return Err(Refusal::new(format!(
                    "versioning of {bucket} is {other}: whatever is written there now overwrites what is there for good"
                ))
                .hint("turn versioning on first; nothing is lost by that"));
            }
            None => {
                return Err(Refusal::new(format!(
                    "{bucket} has never kept versions: there is nothing to go back to"
                )));
            }
        }
        let base = of_bucket(BATCH)
            .with("Prefix", prefix)
            .with("Moment", said)
            .with("Operations", json!(["s3:CopyObject", "s3:DeleteObject"]))
            .with("ExpectedBucketOwner", home.account.as_str());
        let mut manifest = Manifest::begin(&ask, base)?;
        let mut counts = Counts::default();
        let mut listing = Listing::of(ask.look, &versioning, prefix);
        let mut told: Option<Told> = None;
        let unread = |trouble: CallTrouble| {
            Refusal::new(format!("the versions under {prefix} in {bucket} cannot be read: {trouble}"))
        };
        while let Some(page) = listing.page().await.map_err(unread)? {
            for entry in page {
                match told.as_mut().filter(|told| told.newest.key == entry.key) {
                    Some(told) => told.add(entry, moment),
                    None => {
                        if let Some(whole) = told.replace(Told::begin(entry, moment)) {
                            counts.take(&whole, removes, &mut manifest)?;
                        }
                    }
                }
            }
        }
        if let Some(whole) = told {
            counts.take(&whole, removes, &mut manifest)?;
        }
        if manifest.lines() == 0 {
            return Err(Refusal::new(format!(
                "nothing under `{prefix}` in {bucket} has changed since {moment}: {} keys are as they were",
                counts.unchanged
            )));
        }
        if counts.acts() == 0 {
            let mut refusal = Refusal::new(format!(
                "nothing under `{prefix}` in {bucket} can be put back: {}",
                counts.notes().join("; ")
            ));
            if removes || counts.of("created") == 0 {
                refusal = refusal.hint("see what stands there of each");
            } else {
                refusal =
                    refusal.hint("with `remove-newer: true` a delete marker is put on what was made since");
            }
            return Err(refusal);
        }
        let (calls, facts) = manifest.close("put back", ActionClass::Mutating)?;
        let mut design = Design::new(component);
        design.calls = calls;
        design.preconditions.push(Precondition {
            says: "the bucket keeps versions".into(),
            look: versioning,
            at: "/Status".into(),
            expect: Expect::Is("Enabled".into()),
        });
        design.notes.push(
            format!(
                "{} keys of {} are put back, {}; {} are as they were",
                counts.acts(),
                counts.acts() + counts.left() + counts.unchanged,
                size::bytes(counts.bytes),
                counts.unchanged
            )
            .as_str()
            .into(),
        );
        design.notes.extend(counts.notes().iter().map(|note| note.as_str().into()));
        design.notes.push(
            "versions that a lifecycle rule has expired since cannot be seen: what they belonged to looks as if it was made since"
                .into(),
        );
        design.undo = Undo::Calls {
            says: vec![
                "put a delete marker on each key whose markers were removed".into(),
                "copy the version that was the newest back onto each key that was copied onto".into(),
                "remove the delete markers that were put".into(),
            ],
            class: ActionClass::Mutating,
        };
        let kinds: Map<String, Value> =
            counts.kinds.iter().map(|(kind, count)| ((*kind).to_owned(), json!(count))).collect();
        design.facts.insert("manifest".to_owned(), facts);
        design.facts.insert("kinds".to_owned(), Value::Object(kinds));
        design.facts.insert("object_bytes".to_owned(), json!(counts.bytes));
        Ok(design)
    }
}

/// What a plan does, counted.
#[derive(Default)]
struct Counts {
    unchanged: u64,
    bytes: u64,
    kinds: BTreeMap<&'static str, u64>,
    first: BTreeMap<&'static str, String>,
}

impl Counts {
    fn of(&self, kind: &str) -> u64 {
        self.kinds.get(kind).copied().unwrap_or(0)
    }

    fn acts(&self) -> u64 {
        self.of("undelete") + self.of("copy") + self.of("remove")
    }

    fn left(&self) -> u64 {
        self.kinds.values().sum::<u64>() - self.acts()
    }

    fn notes(&self) -> Vec<String> {
        let kinds = KINDS.iter().filter(|(kind, _)| self.of(kind) > 0);
        kinds
            .map(|(kind, says)| {
                let first = self.first.get(kind).map_or("", String::as_str);
                format!("{} {says} (the first is {first})", self.of(kind))
            })
            .collect()
    }

    fn take(&mut self, told: &Told, removes: bool, manifest: &mut Manifest) -> Result<(), Refusal> {
        let Some((kind, line)) = decide(told, removes) else {
            self.unchanged += 1;
            return Ok(());
        };
        *self.kinds.entry(kind).or_default() += 1;
        let key = &told.newest.key;
        self.first.entry(kind).or_insert_with(|| key.clone());
        if line.get("do").is_some() {
            self.bytes += line.get("size").and_then(Value::as_u64).unwrap_or(0);
        }
        manifest.add(key, &line)
    }
}

/// Says what is to be done with a key, and writes its line; `None` where it is as it was.
fn decide(told: &Told, removes: bool) -> Option<(&'static str, Value)> {
    let (newest, key) = (&told.newest, told.newest.key.as_str());
    let left = |kind: &'static str, more: Value| {
        let line = json!({"key": key, "left": kind, "says": more});
        Some((kind, line))
    };
    if told.then.as_ref().is_some_and(|then| then.id == newest.id) {
        return None;
    }
    if let Some(why) = &told.unclear {
        return left("unclear", json!(why));
    }
    let seen = json!({
        "version": newest.id, "marker": newest.is_marker, "etag": newest.etag, "size": newest.size,
    });
    let Some(then) = told.then.as_ref().filter(|then| !then.is_marker) else {
        // It was not there at that moment.
        if newest.is_marker {
            return None;
        }
        if !removes {
            return left("created", Value::Null);
        }
        let line = json!({"key": key, "do": "remove", "size": newest.size, "newest": seen});
        return Some(("remove", line));
    };
    if newest.is_like(&then.etag, then.size) {
        return None;
    }
    if COLD.contains(&then.class.as_str()) {
        return left("archived", json!(then.class));
    }
    let same = json!({
        "key": key, "version": then.id, "etag": then.etag, "size": then.size, "newest": seen,
    });
    let with = |mut line: Value, name: &str, value: Value| {
        if let Value::Object(members) = &mut line {
            members.insert(name.to_owned(), value);
        }
        line
    };
    if !told.is_written {
        let line = with(with(same, "do", json!("undelete")), "markers", json!(told.markers));
        return Some(("undelete", line));
    }
    if then.size > LARGEST {
        return left("large", json!(then.size));
    }
    Some(("copy", with(same, "do", json!("copy"))))
}

impl Action for PrefixToTime {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(Self::design(ask))
    }

    fn fan_out(&self) -> Option<&dyn FanOut> {
        Some(self)
    }

    fn probe<'a>(&'a self, _: Doing<'a>, _: &'a dyn Look) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async { Ok(again()) })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        _: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move { Ok(outcome(&doing)) })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        Meaning::Failed { hint: hint(trouble) }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        Ok(take_back(doing))
    }
}

impl FanOut for PrefixToTime {
    fn stand<'a>(
        &'a self,
        batch: &'a Batch<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Vec<Stand>, CallTrouble>> {
        Box::pin(look_at(batch, look))
    }

    fn keep(&self, line: &Value, sent: &[Call], replies: &[Value]) -> Map<String, Value> {
        kept(line, sent, replies)
    }

    fn is_change(&self, trouble: &CallTrouble) -> bool {
        is_change(trouble)
    }
}

/// Says of a batch of which nobody knows what it did: that is found out key by key when it is made again.
pub(super) fn again() -> Found {
    Found::Nothing { evidence: "each key is looked at again, and only what is missing is done".into() }
}

/// Returns what the batches so far have done.
pub(super) fn outcome(doing: &Doing<'_>) -> Progress {
    let sum =
        |name: &str| -> u64 { doing.replies.iter().filter_map(|reply| reply.get(name)?.as_u64()).sum() };
    let outputs = [("keys", sum("done") + sum("was_so")), ("left", sum("out")), ("bytes", sum("bytes"))];
    Progress::Done(outputs.into_iter().map(|(name, count)| (name.to_owned(), json!(count))).collect())
}

/// Returns what to do next where a batch was refused.
#[expect(clippy::unnecessary_wraps, reason = "its neighbours can refuse, and it is called as they are")]
pub(super) fn hint(trouble: &CallTrouble) -> Option<Text> {
    Some(match trouble.code().unwrap_or_default() {
        "KeysLeft" => "the records beside the journal say why of each; `retry` looks at those again, and a new plan takes them \
                       as they are now"
            .into(),
        "ManifestChanged" => "make a new plan; somebody has changed a file of the run".into(),
        "AccessDenied" => {
            "see that the role may copy and delete there, and use the keys of KMS; then `retry`".into()
        }
        _ => "`retry` looks again at every key that is not done".into(),
    })
}

/// Returns the calls that take batches back.
pub(super) fn take_back(doing: &Doing<'_>) -> Vec<PlannedCall> {
    let batches = doing.calls.iter().filter(|call| !call.arguments.contains_key("Again"));
    let planned = |call: &Call| PlannedCall {
        call: call.clone(),
        says: "take back what was done with these keys".into(),
        class: ActionClass::Mutating,
        dedupe: Dedupe::Conditional,
    };
    batches.map(planned).collect()
}

/// Says whether a refusal says that a key has been changed.
pub(super) fn is_change(trouble: &CallTrouble) -> bool {
    let codes = ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "NoSuchVersion"];
    trouble.code().is_some_and(|code| codes.contains(&code))
}

/// Looks where the keys of a batch stand, by as few lists as hold them all.
pub(super) async fn look_at(batch: &Batch<'_>, look: &dyn Look) -> Result<Vec<Stand>, CallTrouble> {
    let keys: Vec<&str> =
        batch.lines.iter().filter(|line| line.get("do").is_some()).map(|line| text(line, "key")).collect();
    let prefix = batch.call.text("Prefix").unwrap_or_default();
    let found = Listing::of(look, batch.call, prefix).of_keys(&keys).await?;
    let stands = batch.lines.iter().zip(&batch.done).map(|(line, done)| {
        let entries = found.get(text(line, "key")).map_or([].as_slice(), Vec::as_slice);
        match (batch.direction, done) {
            (Direction::Forward, _) => forward(batch.call, line, entries),
            (Direction::Undo, Some(done)) => back(batch.call, line, done, entries),
            (Direction::Undo, None) => Stand::Out,
        }
    });
    Ok(stands.collect())
}
