//! `s3-download`: an object, or everything under a prefix, written to a folder on this machine, for a person who has to look
//! at what is in a backup.

use super::facts::text;
use super::fan_out::{BATCH, Batch, FanOut, Manifest, Stand};
use super::given::is_later;
use super::s3_copy::region;
use super::s3_listing::Listing;
use super::s3_prefix::{again, outcome, take_back};
use super::s3_prefix_keys::COLD;
use super::s3_version::{listing, newest, of};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::{Text, parts, size};
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::{Call, hex};
use crate::runbook::dedupe::Dedupe;
use crate::runbook::event::Direction;
use crate::runbook::plan::{PlannedCall, Undo};
use crate::runbook::still::CHANGED;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Downloads objects.
#[derive(Debug, Clone, Copy)]
pub(super) struct Download;

const fn argument(name: &'static str, required: bool, says: &'static str) -> Argument {
    Argument { name, kind: ArgumentKind::Text, required, says }
}

const ABOUT: About = About {
    name: "s3-download",
    title: "write objects to a folder on this machine",
    says: "Writes one object, or everything that is current under a prefix, to a folder on this machine. Files are readable by \
           nobody else, and no file that is there is ever written over. Each file gets its name only when its bytes are whole: \
           as many as S3 says, and compared with its MD5 or SHA-256 where S3 has one of them. What is there whole is not \
           fetched again, and what has come of a large object is kept.",
    arguments: &[
        argument("bucket", true, "The bucket."),
        argument("key", false, "The key of one object."),
        argument("version", false, "Its version; the newest if nothing is said."),
        argument("prefix", false, "What the keys begin with, where it is more than one object."),
        argument(
            "to",
            true,
            "The folder, by its absolute path; it is made if it is not there, the one that it lies in is not.",
        ),
        argument("region", false, "The bucket's Region; that of the environment if nothing is said."),
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The component that the objects belong to.",
        },
    ],
    outputs: &[
        ("keys", "How many objects are there now."),
        ("left", "How many were left, because they are archived or no file can be named so."),
        ("bytes", "How many bytes that is."),
    ],
    class: ActionClass::Additive,
    dedupe: Dedupe::Conditional,
    operations: &["s3:ListObjectVersions", "s3:GetObject", "s3:HeadObject", "file:Stat"],
    no_undo: None,
    usually: Some((Duration::from_secs(2), Duration::from_secs(3_600))),
};

/// The longest name of a file, in bytes.
const LONGEST: usize = 200;

/// Returns the name of the file of a key, below the folder: nothing in it leads elsewhere or moves a terminal. `None` for a
/// key that only stands for a folder.
fn file_name(key: &str) -> Option<String> {
    if key.ends_with('/') || key.is_empty() {
        return None;
    }
    let steps = key.split('/').map(|step| {
        let mut name = String::with_capacity(step.len());
        for letter in step.chars() {
            // The sign itself too: so no two keys have one name.
            if letter.is_control() || ['%', '\\', ':'].contains(&letter) {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    name.push_str(&format!("%{byte:02X}"));
                }
            } else {
                name.push(letter);
            }
        }
        match name.as_str() {
            "" => "%".to_owned(),
            "." => "%2E".to_owned(),
            ".." => "%2E%2E".to_owned(),
            // What arrives has such names.
            hidden if hidden.starts_with(".lifeboat-") => format!("%2E{}", hidden.trim_start_matches('.')),
            long if long.len() > LONGEST => {
                let end = (0..=LONGEST - 20).rev().find(|at| long.is_char_boundary(*at)).unwrap_or(0);
                let digest = hex(&Sha256::digest(step.as_bytes()));
                let (kept, tail) =
                    (long.get(..end).unwrap_or_default(), digest.get(..16).unwrap_or_default());
                format!("{kept}%-{tail}")
            }
            _ => name,
        }
    });
    Some(steps.collect::<Vec<_>>().join("/"))
}

/// What is fetched, counted.
#[derive(Default)]
struct Counts {
    keys: u64,
    bytes: u64,
    archived: u64,
    folders: u64,
}

impl Counts {
    fn take(&mut self, version: &Value, manifest: &mut Manifest) -> Result<(), Refusal> {
        let (key, class) = (text(version, "Key"), text(version, "StorageClass"));
        let left = |kind: &str| json!({"key": key, "left": kind});
        if COLD.contains(&class) {
            self.archived += 1;
            return manifest.add(key, &left("archived"));
        }
        let Some(name) = file_name(key) else {
            self.folders += 1;
            return manifest.add(key, &left("folder"));
        };
        let size = version.get("Size").and_then(Value::as_u64).unwrap_or(0);
        self.keys += 1;
        self.bytes += size;
        let line = json!({"key": key, "do": "download", "version": text(version, "VersionId"),
            "etag": text(version, "ETag"), "size": size, "name": name});
        manifest.add(key, &line)
    }

    fn notes(&self) -> Vec<String> {
        let said = [
            (self.archived, "are archived, and not fetched: s3:RestoreObject brings them back within hours"),
            (self.folders, "only stand for a folder, and are no files"),
        ];
        said.iter().filter(|(count, _)| *count > 0).map(|(count, says)| format!("{count} {says}")).collect()
    }
}

impl Download {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (bucket, to) = (ask.given.text("bucket")?, ask.given.text("to")?);
        let (key, prefix) = (ask.given.maybe_text("key")?, ask.given.maybe_text("prefix")?);
        let version = ask.given.maybe_text("version")?;
        let said = [Some(bucket), Some(to), key, prefix, version];
        if said.into_iter().flatten().any(is_later) {
            return Err(Refusal::new("what is fetched must be known when the plan is made"));
        }
        let from = match (key, prefix, version) {
            (Some(key), None, _) => key,
            (None, Some(prefix), None) => prefix,
            (None, Some(_), Some(_)) => {
                return Err(
                    Refusal::new("a version is of one object").hint("name its `key`, and no `prefix`")
                );
            }
            _ => {
                return Err(Refusal::new("it is not said what is fetched")
                    .hint("name a `key` or a `prefix`, and not both"));
            }
        };
        let leaves = |step: &str| step == "..";
        if !to.starts_with('/') || to.split('/').any(leaves) || to.chars().any(char::is_control) {
            return Err(Refusal::new(format!("{to} is no absolute path of a folder")));
        }
        let place = region(&ask, "region")?;
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?.id.clone()),
            None => None,
        };
        let of_bucket =
            |operation: &str| Call::new(operation, &ask.environment.name, &place).with("Bucket", bucket);
        let base = of_bucket(BATCH)
            .with("Prefix", from)
            .with("Folder", to.trim_end_matches('/'))
            .with("Operations", json!(["download:Part", "download:Finish", "download:Remove"]))
            .with("ExpectedBucketOwner", place.account.as_str());
        let mut manifest = Manifest::begin(&ask, base)?;
        let mut counts = Counts::default();
        let unread = |trouble: CallTrouble| {
            Refusal::new(format!("what is there of {from} in {bucket} cannot be read: {trouble}"))
        };
        if let Some(key) = key {
            let list = listing(&of_bucket("s3:ListObjectVersions").with("Key", key));
            let list = ask.look.look(&list).await.map_err(unread)?.body;
            let found = match version {
                Some(id) => of(&list, "Versions").iter().find(|known| text(known, "VersionId") == id),
                None => newest(&list).filter(|(_, is_marker)| !is_marker).map(|(newest, _)| newest),
            };
            let found = found.ok_or_else(|| {
                Refusal::new(format!(
                    "{key} in {bucket} has no version {}",
                    version.unwrap_or("that is not deleted")
                ))
                .hint("`s3-undelete` brings back what was deleted; a version can be named as well")
            })?;
            counts.take(found, &mut manifest)?;
        } else {
            let mut listing = Listing::of(ask.look, &of_bucket("s3:ListObjectVersions"), from);
            while let Some(page) = listing.page().await.map_err(unread)? {
                for entry in page.iter().filter(|entry| entry.is_latest && !entry.is_marker) {
                    let version = json!({"Key": entry.key, "VersionId": entry.id, "ETag": entry.etag,
                        "Size": entry.size, "StorageClass": entry.class});
                    counts.take(&version, &mut manifest)?;
                }
            }
        }
        if counts.keys == 0 {
            let why = counts.notes().join("; ");
            return Err(Refusal::new(format!("there is nothing to fetch of {from} in {bucket}")).hint(
                if why.is_empty() {
                    "look at its versions: it may have been deleted".to_owned()
                } else {
                    why
                },
            ));
        }
        let (calls, facts) = manifest.close("fetch", ActionClass::Additive)?;
        let mut design = Design::new(component);
        design.calls = calls;
        let says = format!(
            "{} objects, {}, are written to {to}: files of mode 600 in folders of mode 700",
            counts.keys,
            size::bytes(counts.bytes)
        );
        design.notes = vec![says.as_str().into()];
        design.notes.extend(counts.notes().iter().map(|note| note.as_str().into()));
        design.notes.push(
            "what leaves the Region is paid for by the byte, and needs as much room on the disk; whoever can read the files \
             can read the backup: remove them when they have been looked at"
                .into(),
        );
        design.undo = Undo::Calls {
            says: vec!["remove the files that were written and are unchanged; folders stay".into()],
            class: ActionClass::Mutating,
        };
        if place.region != ask.environment.region {
            design.control_plane = Some(place.region.clone());
        }
        design.facts.insert("manifest".to_owned(), facts);
        design.facts.insert("object_bytes".to_owned(), json!(counts.bytes));
        design.facts.insert("folder".to_owned(), json!(to));
        Ok(design)
    }
}

/// Returns a call about the file of a line.
fn about(batch: &Call, operation: &str, line: &Value) -> Call {
    Call::new(operation, &batch.environment, &batch.place)
        .maybe("Bucket", batch.text("Bucket"))
        .with("Key", text(line, "key"))
        .with("VersionId", text(line, "version"))
        .with("ETag", text(line, "etag"))
        .maybe("Size", line.get("size").cloned())
        .maybe("Folder", batch.text("Folder"))
        .with("Name", text(line, "name"))
}

/// Returns the requests that bring what is lacking of an object, of which the first `arrived` bytes are there.
fn lacking(batch: &Call, line: &Value, arrived: u64) -> Vec<Call> {
    let request = |operation: &str| {
        about(batch, operation, line).maybe("ExpectedBucketOwner", batch.text("ExpectedBucketOwner"))
    };
    let size = line.get("size").and_then(Value::as_u64).unwrap_or(0);
    // Only whole parts count: the end of what has arrived may not be on the disk.
    let cut = parts::cut(size).unwrap_or_default().into_iter().filter(|(_, last)| *last >= arrived);
    let mut calls: Vec<Call> = cut
        .map(|(first, last)| request("download:Part").with("From", first).with("Bytes", last - first + 1))
        .collect();
    if size == 0 {
        calls.push(request("download:Part").with("From", 0).with("Bytes", 0));
    }
    calls.push(request("download:Finish"));
    calls
}

/// Returns what is kept of a file that is whole.
fn whole(seen: &Value) -> Map<String, Value> {
    let kept = ["Sha256", "Verified"].iter().filter_map(|name| Some((*name, seen.get(*name)?.clone())));
    kept.map(|(name, value)| (name.to_lowercase(), value)).collect()
}

/// Says where the file of a line stands.
fn stand(batch: &Batch<'_>, line: &Value, done: Option<&Value>, seen: &Value) -> Stand {
    let exists = seen.get("Exists") == Some(&Value::Bool(true));
    match (batch.direction, done) {
        (Direction::Forward, _) if !exists => {
            let arrived = seen.get("Arrived").and_then(Value::as_u64).unwrap_or(0);
            Stand::Missing(lacking(batch.call, line, arrived))
        }
        (Direction::Forward, _) if text(line, "etag").trim_matches('"') == text(seen, "Md5") => {
            Stand::Is(whole(seen))
        }
        (Direction::Forward, _) => Stand::Changed(
            "a file of that name is there, and nothing shows that it has the same bytes: it is not written over".into(),
        ),
        (Direction::Undo, None) => Stand::Out,
        (Direction::Undo, Some(_)) if !exists => Stand::Is(Map::new()),
        (Direction::Undo, Some(done)) if text(done, "sha256") == text(seen, "Sha256") => {
            let call = about(batch.call, "download:Remove", line).with("IfSha256", text(done, "sha256"));
            Stand::Missing(vec![call])
        }
        (Direction::Undo, Some(_)) => Stand::Changed("somebody has changed the file since: it stays".into()),
    }
}

async fn look_at(batch: &Batch<'_>, look: &dyn Look) -> Result<Vec<Stand>, CallTrouble> {
    let mut stands = Vec::with_capacity(batch.lines.len());
    for (line, done) in batch.lines.iter().zip(&batch.done) {
        if line.get("do").is_none() || batch.direction == Direction::Undo && done.is_none() {
            stands.push(Stand::Out);
            continue;
        }
        stands.push(match look.look(&about(batch.call, "file:Stat", line)).await {
            Ok(reply) => stand(batch, line, *done, &reply.body),
            Err(CallTrouble::Refused { says, .. }) => Stand::Changed(says),
            Err(trouble) => return Err(trouble),
        });
    }
    Ok(stands)
}

impl Action for Download {
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
        let hint: Text = match trouble.code().unwrap_or_default() {
            "KeysLeft" => {
                "the records beside the journal say why of each; move away what is in the way, and `retry`"
                    .into()
            }
            "AccessDenied" => {
                "see that the role may read there, and use the keys of KMS; then `retry`".into()
            }
            "NotWritten" => {
                "see that the folder can be written and has room; `retry` goes on with what has come".into()
            }
            _ => "`retry` looks again at every object that is not there whole".into(),
        };
        Meaning::Failed { hint: Some(hint) }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        Ok(take_back(doing))
    }
}

impl FanOut for Download {
    fn stand<'a>(
        &'a self,
        batch: &'a Batch<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Vec<Stand>, CallTrouble>> {
        Box::pin(look_at(batch, look))
    }

    fn keep(&self, _: &Value, _: &[Call], replies: &[Value]) -> Map<String, Value> {
        replies.last().map(whole).unwrap_or_default()
    }

    fn is_change(&self, trouble: &CallTrouble) -> bool {
        [CHANGED, "NoSuchKey", "NoSuchVersion"].iter().any(|code| trouble.code() == Some(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::Place;
    use proptest::prelude::*;

    #[test]
    fn names_of_files_are_those_of_keys_as_far_as_they_are_harmless() {
        for (key, name) in [
            ("a/b c.pdf", "a/b c.pdf"),
            ("../../etc/passwd", "%2E%2E/%2E%2E/etc/passwd"),
            ("/etc/passwd", "%/etc/passwd"),
            ("a//b/./c", "a/%/b/%2E/c"),
            ("100%25", "100%2525"),
            ("x\u{1b}[2J\ny", "x%1B[2J%0Ay"),
            (".lifeboat-1.part", "%2Elifeboat-1.part"),
            ("größe/写真", "größe/写真"),
        ] {
            assert_eq!(file_name(key).as_deref(), Some(name), "{key:?}");
        }
        assert_eq!((file_name("folder/"), file_name("")), (None, None));
        assert!(file_name(&"\u{fc}".repeat(300)).is_some_and(|name| name.len() <= LONGEST));
        assert_ne!(file_name(&"x".repeat(300)), file_name(&"x".repeat(301)));
    }

    proptest! {
        #[test]
        fn no_key_leads_out_of_the_folder(key in "[./a%\\\\\u{0}\u{7f}]{1,12}") {
            if let Some(name) = file_name(&key) {
                prop_assert!(name.split('/').all(|step| !matches!(step, "" | "." | "..")), "{}", name);
                prop_assert!(!name.chars().any(char::is_control));
            }
        }

        #[test]
        fn no_two_keys_have_one_name(one in "[./%a2E]{1,6}", other in "[./%a2E]{1,6}") {
            prop_assume!(one != other);
            if let (Some(name), Some(others)) = (file_name(&one), file_name(&other)) {
                prop_assert_ne!(name, others);
            }
        }
    }

    #[test]
    fn of_a_large_object_only_the_parts_are_fetched_that_are_lacking() {
        let batch = Call::new(BATCH, &"production".into(), &Place::new("1", "r")).with("Folder", "/f");
        let line = json!({"key": "k", "version": "v", "etag": "\"e\"", "size": 5_u64 << 30, "name": "k"});
        let calls = lacking(&batch, &line, (2 << 30) + 7);
        assert_eq!(calls.len(), 3 + 1, "two parts are whole");
        assert_eq!(calls[0].arguments["From"], json!(2_u64 << 30), "what came of the third is fetched again");
        assert_eq!(calls[3].operation, "download:Finish");
        let empty = json!({"key": "k", "size": 0, "name": "k"});
        assert_eq!(lacking(&batch, &empty, 0).len(), 2, "an empty file is a file");
    }
}
