//! What is done with one key of a prefix that is put back to a moment, by what its versions and markers say (S1 to S6).

use super::rig::{RUN, environment, estate, home, plain};
use crate::sandbox::gear::at_once;
use jiff::Timestamp;
use lifeboat::action::fan_out::{Batch, Lines, Manifests, Stand};
use lifeboat::action::given::GivenValues;
use lifeboat::action::{Design, PlanAsk, Refusal, named};
use lifeboat::domain::ids::EnvironmentName;
use lifeboat::provider::port::{BoxFuture, CallTrouble, Credentials, Look};
use lifeboat::runbook::call::{Call, Reply};
use lifeboat::runbook::event::Direction;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const MOMENT: &str = "2026-11-21T03:00:00Z";
const BEFORE: &str = "2026-11-20T10:00:00Z";
const SINCE: &str = "2026-11-21T03:10:00Z";
const LATER: &str = "2026-11-21T03:20:00Z";

/// A version, or a marker where it has no content: its id, when, its content, its size and its class.
#[derive(Debug, Clone)]
struct Entry(&'static str, &'static str, Option<&'static str>, u64, &'static str);

fn version(id: &'static str, at: &'static str) -> Entry {
    Entry(id, at, Some(id), 10, "STANDARD")
}

fn marker(id: &'static str, at: &'static str) -> Entry {
    Entry(id, at, None, 0, "")
}

/// A bucket: its keys, each with its entries, the newest first.
#[derive(Clone)]
struct Bucket {
    versioning: Value,
    keys: Vec<(String, Vec<Entry>)>,
    page: usize,
}

impl Bucket {
    fn of(keys: &[(&str, &[Entry])]) -> Self {
        let mut keys: Vec<_> = keys.iter().map(|(key, all)| ((*key).to_owned(), all.to_vec())).collect();
        keys.sort_by(|one, other| one.0.cmp(&other.0));
        Self { versioning: json!({"Status": "Enabled"}), keys, page: 2 }
    }

    fn listed(&self, call: &Call) -> Value {
        let (after, version) = (call.text("KeyMarker"), call.text("VersionIdMarker"));
        let prefix = call.text("Prefix").expect("a prefix");
        let mut rows: Vec<(&str, &Entry, bool)> = Vec::new();
        for (key, all) in self.keys.iter().filter(|(key, _)| key.starts_with(prefix)) {
            let from = match (after, version) {
                (Some(after), _) if **key < *after => continue,
                (Some(after), None) if **key == *after => continue,
                (Some(after), Some(version)) if **key == *after => {
                    all.iter().position(|entry| entry.0 == version).map_or(0, |at| at + 1)
                }
                _ => 0,
            };
            rows.extend(all.iter().enumerate().skip(from).map(|(nth, entry)| (&**key, entry, nth == 0)));
        }
        let more = rows.len() > self.page;
        rows.truncate(self.page);
        let told = |(key, Entry(id, at, etag, size, class), latest): &(&str, &Entry, bool)| match etag {
            Some(etag) => {
                json!({"Key": key, "VersionId": id, "IsLatest": latest, "ETag": format!("\"{etag}\""),
                "Size": size, "LastModified": at, "StorageClass": class})
            }
            None => json!({"Key": key, "VersionId": id, "IsLatest": latest, "LastModified": at}),
        };
        let (versions, markers): (Vec<_>, Vec<_>) = rows.iter().partition(|(_, entry, _)| entry.2.is_some());
        let mut body = json!({
            "Versions": versions.into_iter().map(told).collect::<Vec<_>>(),
            "DeleteMarkers": markers.into_iter().map(told).collect::<Vec<_>>(),
        });
        if let Some((key, entry, _)) = rows.last().filter(|_| more) {
            body["NextKeyMarker"] = json!(key);
            body["NextVersionIdMarker"] = json!(entry.0);
        }
        body
    }
}

impl Look for Bucket {
    fn look<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Reply, CallTrouble>> {
        let body = match call.operation.as_str() {
            "s3:GetBucketVersioning" => self.versioning.clone(),
            "s3:ListObjectVersions" => self.listed(call),
            other => panic!("nobody needs {other}"),
        };
        Box::pin(async move { Ok(Reply { request_id: None, status: 200, body }) })
    }

    fn credentials<'a>(&'a self, _: &'a EnvironmentName) -> BoxFuture<'a, Result<Credentials, CallTrouble>> {
        panic!("nobody acts here")
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Manifests for Kept {
    fn begin(&self, _: &str) -> Result<Box<dyn Lines>, Refusal> {
        Ok(Box::new(self.clone()))
    }
}

impl Lines for Kept {
    fn add(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.0.lock().expect("nobody panics here").extend_from_slice(bytes);
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), Refusal> {
        Ok(())
    }
}

/// Plans a whole bucket back to the moment; returns the design and the lines of its manifest.
fn planned(bucket: &Bucket, removes: bool) -> Result<(Design, Vec<Value>), Refusal> {
    let action = named("s3-prefix-to-time").expect("there is such an action");
    let mut given = GivenValues::default();
    for (name, value) in
        [("bucket", "b"), ("moment", MOMENT), ("remove-newer", if removes { "true" } else { "false" })]
    {
        given.0.insert(name.to_owned(), value.into());
    }
    let kept = Kept::default();
    let design = at_once(action.plan(PlanAsk {
        given: &given,
        estate: &estate(),
        environment: &environment(),
        run: RUN,
        step: "put-back",
        now: "2026-11-21T04:00:00Z".parse::<Timestamp>().expect("a moment"),
        look: bucket,
        settings: &|_| None,
        manifests: &kept,
    }))
    .expect("at once")?;
    let bytes = kept.0.lock().expect("nobody panics here").clone();
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok((design, lines.map(|line| serde_json::from_slice(line).expect("a line is JSON")).collect()))
}

/// Returns where each line stands in a bucket, on the way there or back.
fn stands(
    bucket: &Bucket,
    design: &Design,
    lines: &[Value],
    done: &[Option<Value>],
    way: Direction,
) -> Vec<Stand> {
    let mut step = plain("put-back");
    step.calls.clone_from(&design.calls);
    let batch = Batch {
        step: &step,
        direction: way,
        call: &design.calls[0].call,
        lines: lines.iter().collect(),
        done: done.iter().map(Option::as_ref).collect(),
    };
    let action = named("s3-prefix-to-time").expect("there is such an action");
    let fan = action.fan_out().expect("it is over many keys");
    at_once(fan.stand(&batch, bucket)).expect("at once").expect("it can be seen")
}

fn forward(bucket: &Bucket, design: &Design, lines: &[Value]) -> Vec<Stand> {
    stands(bucket, design, lines, &vec![None; lines.len()], Direction::Forward)
}

fn requests(stand: &Stand) -> Vec<(String, Value)> {
    let Stand::Missing(calls) = stand else { panic!("{stand:?}") };
    for call in calls {
        assert_eq!((&call.place, call.text("ExpectedBucketOwner")), (&home(), Some(home().account.as_str())));
    }
    calls.iter().map(|call| (call.operation.clone(), Value::Object(call.arguments.clone()))).collect()
}

#[test]
fn what_was_deleted_comes_back_by_its_markers_alone_the_newest_last() {
    let bucket = Bucket::of(&[("a", &[marker("m2", LATER), marker("m1", SINCE), version("v", BEFORE)])]);
    let (design, lines) = planned(&bucket, false).expect("it can be planned");
    assert_eq!((lines[0]["do"].as_str(), &lines[0]["version"]), (Some("undelete"), &json!("v")));
    // A copy would be another version (S2); and the object itself is never named.
    let sent = requests(&forward(&bucket, &design, &lines)[0]);
    let removed: Vec<_> = sent.iter().map(|(name, all)| (name.as_str(), all["VersionId"].as_str())).collect();
    assert_eq!(removed, [("s3:DeleteObject", Some("m1")), ("s3:DeleteObject", Some("m2"))]);
    // Half of it was done by an executor that was killed.
    let half = Bucket::of(&[("a", &[marker("m2", LATER), version("v", BEFORE)])]);
    assert_eq!(requests(&forward(&half, &design, &lines)[0]).len(), 1);
    let whole = Bucket::of(&[("a", &[version("v", BEFORE)])]);
    assert!(matches!(forward(&whole, &design, &lines)[0], Stand::Is(_)));
    let written = Bucket::of(&[("a", &[version("w", LATER), marker("m1", SINCE), version("v", BEFORE)])]);
    assert!(matches!(forward(&written, &design, &lines)[0], Stand::Changed(_)));
}

#[test]
fn what_was_overwritten_is_copied_onto_what_was_seen_and_nothing_else() {
    let bucket =
        Bucket::of(&[("a b+c", &[version("bad", LATER), version("worse", SINCE), version("v", BEFORE)])]);
    let (design, lines) = planned(&bucket, false).expect("it can be planned");
    let sent = requests(&forward(&bucket, &design, &lines)[0]);
    assert_eq!(sent.len(), 1);
    let (name, all) = &sent[0];
    assert_eq!(name, "s3:CopyObject");
    assert_eq!(all["CopySource"], json!({"Bucket": "b", "Key": "a b+c", "VersionId": "v"}));
    assert_eq!((&all["CopySourceIfMatch"], &all["IfMatch"]), (&json!("\"v\""), &json!("\"bad\"")));
    let changed =
        Bucket::of(&[("a b+c", &[version("new", LATER), version("bad", SINCE), version("v", BEFORE)])]);
    assert!(matches!(forward(&changed, &design, &lines)[0], Stand::Changed(_)));
    let copied =
        Bucket::of(&[("a b+c", &[Entry("copy", LATER, Some("v"), 10, "STANDARD"), version("bad", SINCE)])]);
    assert!(matches!(forward(&copied, &design, &lines)[0], Stand::Is(_)));
}

#[test]
fn what_was_overwritten_and_then_deleted_is_not_brought_back_by_its_marker() {
    // Without its marker the key would have what overwrote it.
    let bucket = Bucket::of(&[("a", &[marker("m", LATER), version("bad", SINCE), version("v", BEFORE)])]);
    let (design, lines) = planned(&bucket, false).expect("it can be planned");
    let sent = requests(&forward(&bucket, &design, &lines)[0]);
    assert_eq!((sent.len(), sent[0].0.as_str()), (1, "s3:CopyObject"));
    assert_eq!((&sent[0].1["IfNoneMatch"], sent[0].1.get("IfMatch")), (&json!("*"), None));
}

#[test]
fn what_was_deleted_then_and_what_is_as_it_was_is_left_out() {
    let bucket = Bucket::of(&[
        ("gone", &[marker("m2", LATER), marker("m1", BEFORE), version("v", "2026-11-19T10:00:00Z")]),
        ("made", &[version("v", SINCE)]),
        (
            "same",
            &[
                Entry("again", SINCE, Some("v"), 10, "STANDARD"),
                Entry("v", BEFORE, Some("v"), 10, "STANDARD"),
            ],
        ),
        ("stays", &[version("v", BEFORE)]),
        ("wrong", &[version("bad", SINCE), version("v", BEFORE)]),
    ]);
    let (_, lines) = planned(&bucket, false).expect("it can be planned");
    let told: Vec<_> = lines.iter().map(|line| (line["key"].as_str(), line["left"].as_str())).collect();
    assert_eq!(told, [(Some("made"), Some("created")), (Some("wrong"), None)]);
}

#[test]
fn what_was_made_since_is_marked_only_where_that_is_asked_for_and_on_a_condition() {
    let bucket = Bucket::of(&[("made", &[version("v", SINCE)])]);
    let why = planned(&bucket, false).expect_err("nothing can be put back");
    assert!(why.hint.as_deref().is_some_and(|hint| hint.contains("remove-newer")), "{why:?}");
    let (design, lines) = planned(&bucket, true).expect("it can be planned");
    let sent = requests(&forward(&bucket, &design, &lines)[0]);
    assert_eq!((sent[0].0.as_str(), sent[0].1.get("VersionId")), ("s3:DeleteObject", None));
    assert_eq!(sent[0].1["IfMatch"], json!("\"v\""));
    let marked = Bucket::of(&[("made", &[marker("m", LATER), version("v", SINCE)])]);
    assert!(matches!(forward(&marked, &design, &lines)[0], Stand::Is(_)));
}

#[test]
fn a_bucket_whose_versioning_is_suspended_is_not_written_to() {
    // There a copy overwrites `null`, and a deletion takes it away (S5).
    let mut bucket = Bucket::of(&[("a", &[version("bad", SINCE), version("v", BEFORE)])]);
    for (versioning, says) in
        [(json!({"Status": "Suspended"}), "Suspended"), (json!({}), "never kept versions")]
    {
        bucket.versioning = versioning;
        let why = planned(&bucket, false).expect_err("it is refused");
        assert!(why.says.contains(says), "{why}");
    }
    bucket.versioning = json!({"Status": "Enabled"});
    let (design, _) = planned(&bucket, false).expect("it can be planned");
    let looked_at_again =
        design.preconditions.iter().any(|one| one.look.operation == "s3:GetBucketVersioning");
    assert!(looked_at_again, "somebody may suspend it between the plan and its step");
}

#[test]
fn what_was_written_while_versioning_was_suspended_is_judged_by_nobody() {
    // `null` of then is gone: `v` only looks like what was the newest at the moment (S5).
    let bucket = Bucket::of(&[
        ("marked", &[marker("null", SINCE), version("v", BEFORE)]),
        ("written", &[Entry("null", SINCE, Some("n"), 10, "STANDARD"), version("v", BEFORE)]),
        ("wrong", &[version("bad", SINCE), Entry("null", BEFORE, Some("n"), 10, "STANDARD")]),
    ]);
    let (design, lines) = planned(&bucket, false).expect("it can be planned");
    let told: Vec<_> = lines.iter().map(|line| (line["key"].as_str(), line["left"].as_str())).collect();
    assert_eq!(told[..2], [(Some("marked"), Some("unclear")), (Some("written"), Some("unclear"))]);
    // What was there before versioning is a version like others.
    let stands = forward(&bucket, &design, &lines);
    assert_eq!(stands[..2], [Stand::Out, Stand::Out]);
    assert_eq!(requests(&stands[2])[0].1["CopySource"]["VersionId"], "null");
}

#[test]
fn archived_versions_and_those_too_large_for_one_copy_are_told_apart_and_left() {
    let cold = |class| Entry("v", BEFORE, Some("v"), 10, class);
    let huge = Entry("v", BEFORE, Some("v"), (5 << 30) + 1, "STANDARD");
    let bucket = Bucket::of(&[
        ("cold", &[version("bad", SINCE), cold("GLACIER")]),
        ("deep", &[version("bad", SINCE), cold("DEEP_ARCHIVE")]),
        ("huge", &[version("bad", SINCE), huge.clone()]),
        ("huge-gone", &[marker("m", SINCE), huge]),
    ]);
    let (design, lines) = planned(&bucket, false).expect("it can be planned");
    let left: Vec<_> = lines.iter().map(|line| line["left"].as_str()).collect();
    // A marker weighs nothing, whatever is below it.
    assert_eq!(left, [Some("archived"), Some("archived"), Some("large"), None]);
    assert!(design.notes.iter().any(|note| note.as_str().contains("RestoreObject")), "{:?}", design.notes);
}

#[test]
fn a_version_and_a_marker_of_one_second_are_not_guessed_at() {
    let bucket = Bucket::of(&[
        ("a", &[version("bad", SINCE), version("v", BEFORE), marker("m", BEFORE)]),
        ("b", &[version("bad", SINCE), version("v", BEFORE)]),
    ]);
    let (_, lines) = planned(&bucket, false).expect("it can be planned");
    assert_eq!((lines[0]["left"].as_str(), lines[1]["do"].as_str()), (Some("unclear"), Some("copy")));
}

#[test]
fn taking_it_back_marks_or_copies_on_a_condition_and_takes_nothing_else_away() {
    let bucket = Bucket::of(&[
        ("copied", &[version("bad", SINCE), version("v", BEFORE)]),
        ("gone", &[marker("m", SINCE), version("v", BEFORE)]),
        ("made", &[version("new", SINCE)]),
    ]);
    let (design, lines) = planned(&bucket, true).expect("it can be planned");
    let after = Bucket::of(&[
        (
            "copied",
            &[Entry("copy", LATER, Some("v"), 10, "STANDARD"), version("bad", SINCE), version("v", BEFORE)],
        ),
        ("gone", &[version("v", BEFORE)]),
        ("made", &[marker("own", LATER), version("new", SINCE)]),
    ]);
    let done =
        [Some(json!({"version": "copy"})), Some(json!({"version": "v"})), Some(json!({"version": "own"}))];
    let back = stands(&after, &design, &lines, &done, Direction::Undo);
    let sent: Vec<_> = back.iter().map(|stand| requests(stand).remove(0)).collect();
    assert_eq!((sent[0].0.as_str(), &sent[0].1["CopySource"]["VersionId"]), ("s3:CopyObject", &json!("bad")));
    assert_eq!(sent[0].1["IfMatch"], json!("\"v\""), "our copy is still the newest");
    assert_eq!((sent[1].0.as_str(), sent[1].1.get("VersionId")), ("s3:DeleteObject", None));
    assert_eq!(sent[1].1["IfMatch"], json!("\"v\""));
    assert_eq!((sent[2].0.as_str(), &sent[2].1["VersionId"]), ("s3:DeleteObject", &json!("own")));
    // Somebody has written meanwhile.
    let other = Bucket::of(&[
        ("copied", &[version("x", LATER), version("v", BEFORE)]),
        ("gone", &[version("x", LATER), version("v", BEFORE)]),
        ("made", &[marker("theirs", LATER), version("new", SINCE)]),
    ]);
    let stands_there = stands(&other, &design, &lines, &done, Direction::Undo);
    assert!(stands_there.iter().all(|stand| matches!(stand, Stand::Changed(_))), "{stands_there:?}");
    // What was not done by us is not taken back.
    let none = stands(&after, &design, &lines, &[None, None, None], Direction::Undo);
    assert!(none.iter().all(|stand| *stand == Stand::Out));
}
