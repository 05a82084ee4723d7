//! `s3-sync`: what is under a prefix of one bucket is brought into another, in the same Region or not; nothing is deleted
//! there.

use super::fan_out::{BATCH, Batch, FanOut, Manifest, Stand};
use super::given::is_later;
use super::s3_copy::region;
use super::s3_listing::{Entry, Listing};
use super::s3_prefix::{again, hint, look_at, outcome, take_back};
use super::s3_prefix_keys::{COLD, LARGEST, kept};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::place::Place;
use crate::domain::size;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Brings a prefix into another bucket.
#[derive(Debug, Clone, Copy)]
pub(super) struct PrefixSync;

const ABOUT: About = About {
    name: "s3-sync",
    title: "bring everything under a prefix into another bucket",
    says: "Compares what is under a prefix in two buckets, in the same Region or not, and copies what the second lacks or has \
           older. Nothing is deleted there, what is newer there stays, and what a copy covers is kept as a version. Each key \
           is left alone where anybody has changed it after the plan was made.",
    arguments: &[
        Argument {
            name: "from",
            kind: ArgumentKind::Text,
            required: true,
            says: "The bucket that is copied from.",
        },
        Argument {
            name: "from-region",
            kind: ArgumentKind::Text,
            required: false,
            says: "Its Region; that of the environment if nothing is said.",
        },
        Argument {
            name: "to",
            kind: ArgumentKind::Text,
            required: true,
            says: "The bucket that is copied to.",
        },
        Argument {
            name: "to-region",
            kind: ArgumentKind::Text,
            required: false,
            says: "Its Region; that of the environment if nothing is said.",
        },
        Argument {
            name: "prefix",
            kind: ArgumentKind::Text,
            required: false,
            says: "What the keys begin with; the whole bucket if nothing is said.",
        },
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The component that is copied to.",
        },
    ],
    outputs: &[
        ("keys", "How many keys are there now."),
        ("left", "How many keys were left as they are."),
        ("bytes", "How many bytes of objects that is."),
    ],
    class: ActionClass::Mutating,
    dedupe: Dedupe::Conditional,
    operations: &["s3:ListObjectVersions", "s3:GetBucketVersioning", "s3:CopyObject", "s3:DeleteObject"],
    no_undo: None,
    usually: Some((Duration::from_secs(5), Duration::from_secs(3_600))),
};

/// Why a key is left, and how a plan says that.
const LEFT: [(&str, &str); 3] = [
    ("newer", "newer in the bucket that is copied to, or nobody can tell: left as it is there"),
    ("archived", "archived: not copied; s3:RestoreObject brings it back within hours, then plan anew"),
    ("large", "larger than 5 GB: not copied; a step with `s3-copy` copies each in parts"),
];

/// What is current in a bucket, key by key.
struct Current<'a> {
    listing: Listing<'a>,
    page: VecDeque<Entry>,
}

impl Current<'_> {
    async fn next(&mut self) -> Result<Option<Entry>, CallTrouble> {
        loop {
            if let Some(entry) = self.page.pop_front() {
                if entry.is_latest {
                    return Ok(Some(entry));
                }
                continue;
            }
            match self.listing.page().await? {
                Some(page) => self.page = page.into(),
                None => return Ok(None),
            }
        }
    }
}

impl PrefixSync {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (from, to) = (ask.given.text("from")?, ask.given.text("to")?);
        let prefix = ask.given.maybe_text("prefix")?.unwrap_or_default();
        if [from, to, prefix].iter().any(|value| is_later(value)) {
            return Err(Refusal::new("what is copied must be known when the plan is made"));
        }
        let home = ask.environment.home();
        let (source, target) = (region(&ask, "from-region")?, region(&ask, "to-region")?);
        if from == to {
            return Err(Refusal::new(format!("{from} is both copied from and copied to")));
        }
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?.id.clone()),
            None => None,
        };
        let of = |operation: &str, place: &Place, bucket: &str| {
            Call::new(operation, &ask.environment.name, place).with("Bucket", bucket)
        };
        let versioning = of("s3:GetBucketVersioning", &target, to);
        let status = ask.look.look(&versioning).await.map_err(|trouble| {
            Refusal::new(format!("whether {to} keeps versions is not known: {trouble}"))
        })?;
        if status.body.get("Status").and_then(Value::as_str) != Some("Enabled") {
            return Err(Refusal::new(format!(
                "{to} does not keep versions: what is copied onto something would take its place for good"
            ))
            .hint("turn versioning on there first"));
        }
        let base = of(BATCH, &target, to)
            .with("Prefix", prefix)
            .with("SourceBucket", from)
            .with("Operations", json!(["s3:CopyObject", "s3:DeleteObject"]))
            .with("ExpectedBucketOwner", home.account.as_str());
        let mut manifest = Manifest::begin(&ask, base)?;
        let listing = |place: &Place, bucket: &str| Current {
            listing: Listing::of(ask.look, &of("s3:ListObjectVersions", place, bucket), prefix),
            page: VecDeque::new(),
        };
        let (mut theirs, mut ours) = (listing(&source, from), listing(&target, to));
        let unread = |trouble: CallTrouble| {
            Refusal::new(format!("the objects under `{prefix}` cannot be read: {trouble}"))
        };
        let (mut there, mut counts) = (ours.next().await.map_err(unread)?, Counts::default());
        while let Some(entry) = theirs.next().await.map_err(unread)? {
            while there.as_ref().is_some_and(|there| there.key < entry.key) {
                there = ours.next().await.map_err(unread)?;
            }
            let same = there.as_ref().filter(|there| there.key == entry.key);
            counts.take(&entry, same, &mut manifest)?;
        }
        if counts.copied == 0 {
            return Err(Refusal::new(format!(
                "nothing under `{prefix}` of {from} is lacking or older in {to}: {} keys are the same{}",
                counts.same,
                counts.notes().iter().map(|note| format!("; {note}")).collect::<String>()
            )));
        }
        let (calls, facts) = manifest.close("copy", ActionClass::Mutating)?;
        let mut design = Design::new(component);
        design.calls = calls;
        design.preconditions.push(Precondition {
            says: "the bucket that is copied to keeps versions".into(),
            look: versioning,
            at: "/Status".into(),
            expect: Expect::Is("Enabled".into()),
        });
        let says = format!(
            "{} keys are copied, {}; {} are the same already",
            counts.copied,
            size::bytes(counts.bytes),
            counts.same
        );
        design.notes.push(says.as_str().into());
        design.notes.extend(counts.notes().iter().map(|note| note.as_str().into()));
        if source.region != target.region {
            design.notes.push("what is copied between Regions is paid for by the byte".into());
        }
        design.notes.push("copies are encrypted as the bucket that is copied to says".into());
        design.undo = Undo::Calls {
            says: vec![
                "put a delete marker on each key that was not there".into(),
                "copy the version that was the newest back onto each key that was".into(),
            ],
            class: ActionClass::Mutating,
        };
        if target.region != home.region {
            design.control_plane = Some(target.region.clone());
        }
        design.facts.insert("manifest".to_owned(), facts);
        design.facts.insert("object_bytes".to_owned(), json!(counts.bytes));
        Ok(design)
    }
}

#[derive(Default)]
struct Counts {
    copied: u64,
    same: u64,
    bytes: u64,
    left: BTreeMap<&'static str, (u64, String)>,
}

impl Counts {
    fn notes(&self) -> Vec<String> {
        let told = LEFT.iter().filter_map(|(kind, says)| Some((says, self.left.get(kind)?)));
        told.map(|(says, (count, first))| format!("{count} {says} (the first is {first})")).collect()
    }

    fn take(&mut self, entry: &Entry, there: Option<&Entry>, manifest: &mut Manifest) -> Result<(), Refusal> {
        if entry.is_marker {
            return Ok(());
        }
        if there.is_some_and(|there| there.is_like(&entry.etag, entry.size)) {
            self.same += 1;
            return Ok(());
        }
        let newer = there.is_some_and(|there| there.at >= entry.at);
        let left = match () {
            () if newer => Some("newer"),
            () if COLD.contains(&entry.class.as_str()) => Some("archived"),
            () if entry.size > LARGEST => Some("large"),
            () => None,
        };
        if let Some(kind) = left {
            self.left.entry(kind).or_insert_with(|| (0, entry.key.clone())).0 += 1;
            return manifest.add(&entry.key, &json!({"key": entry.key, "left": kind}));
        }
        self.copied += 1;
        self.bytes += entry.size;
        let seen = there.map(|there| {
            json!({"version": there.id, "marker": there.is_marker, "etag": there.etag, "size": there.size})
        });
        let line = json!({
            "key": entry.key, "do": "copy", "version": entry.id, "etag": entry.etag, "size": entry.size, "newest": seen,
        });
        manifest.add(&entry.key, &line)
    }
}

impl Action for PrefixSync {
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

impl FanOut for PrefixSync {
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
        super::s3_prefix::is_change(trouble)
    }
}
