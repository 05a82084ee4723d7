//! A prefix put back to a moment by the built program, in the sandbox: ten thousand keys, executors killed in the middle,
//! key by key as it was, in a journal and a memory that do not grow with the keys.

use super::program::Real;
use crate::sandbox::gear::{armed, at_once};
use crate::support::console::demo;
use crate::support::run::START;
use lifeboat::domain::place::Place;
use lifeboat::provider::sandbox::{Opening, SandboxAdapter, WorldFile};
use lifeboat::runbook::call::Call;
use lifeboat::runbook::event::{Event, Outcome};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

const SCENARIO: &str = "objects-deleted";
const PREFIX: &str = "scans/2026/";
const BUCKET: &str = "harbour-prod-media";
/// An hour before it happens.
const MOMENT: &str = "2026-11-21T02:14:00Z";
/// Keys that were there at the moment, and are not as they were.
const WRONG: usize = 8_000;

/// Returns the newest entry of each key: its version, and its content; `None` for a delete marker.
fn newest(real: &Real) -> BTreeMap<String, (String, Option<String>)> {
    let folder = real.state().join("sandbox");
    let (file, made) =
        WorldFile::open(&folder, &demo(SCENARIO), SCENARIO, 1, Opening::default()).expect("the world opens");
    assert!(!made, "it is the world in which the run was");
    let look = SandboxAdapter::new(file).looking();
    let place = Place::new("417263985012", "us-east-2");
    let (mut found, mut after) = (BTreeMap::new(), None::<(String, String)>);
    loop {
        let mut call = Call::new("s3:ListObjectVersions", &"production".into(), &place)
            .with("Bucket", BUCKET)
            .with("Prefix", PREFIX);
        if let Some((key, version)) = &after {
            call = call.with("KeyMarker", key.as_str()).with("VersionIdMarker", version.as_str());
        }
        let body = at_once(look.look(&call)).expect("at once").expect("it is listed").body;
        for list in ["Versions", "DeleteMarkers"] {
            for one in body[list].as_array().expect("a list") {
                if one["IsLatest"] == true {
                    let text = |name: &str| one[name].as_str().map(str::to_owned);
                    found.insert(
                        text("Key").expect("a key"),
                        (text("VersionId").expect("a version"), text("ETag")),
                    );
                }
            }
        }
        let next = |name: &str| body[name].as_str().map(str::to_owned);
        match (next("NextKeyMarker"), next("NextVersionIdMarker")) {
            (Some(key), Some(version)) => after = Some((key, version)),
            _ => return found,
        }
    }
}

/// Starts the executor of the run by hand, and returns the most memory that it took, in KiB.
fn executes(real: &Real, fault: Option<&str>) -> u64 {
    let folder = real.folder().expect("there is a run");
    let mut command = real.command(&["__execute", &folder.display().to_string()]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.envs(fault.map(|fault| ("LIFEBOAT_FAULT", fault)));
    let mut child = command.spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    while child.try_wait().expect("it can be asked").is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        most = most.max(kib.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(5));
    }
    most
}

fn begins(real: &Real, more: &[&str], fault: Option<&str>) {
    let moment = format!("moment={MOMENT}");
    let prefix = format!("prefix={PREFIX}");
    let mut words = vec!["-e", "sandbox:objects-deleted", "--speed", "5000", "--start", START];
    words.extend(["run", "prefix-to-moment", "--yes", "--detach", "-p", "bucket=media"]);
    words.extend(["-p", &prefix, "-p", &moment]);
    words.extend(more);
    let mut command = real.command(&words);
    command.envs(fault.map(|fault| ("LIFEBOAT_FAULT", fault)));
    let ran = crate::support::run::Ran::of(command);
    assert!(real.folder().is_some(), "{ran}");
    real.quiet();
}

/// Says what became of the step, in one word.
fn ended(real: &Real) -> String {
    let ended = real.events().into_iter().rev().find_map(|event| match event {
        Event::Ended { ending, why, .. } => Some(format!("{ending:?} {why}")),
        _ => None,
    });
    ended.unwrap_or_default()
}

fn verifies(real: &Real) {
    let name = real.folder().expect("a run").file_name().expect("a name").to_string_lossy().into_owned();
    let ran = real.run(&["audit", "verify", &name]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn ten_thousand_keys_are_put_back_by_executors_that_are_killed_and_taken_back_again() {
    let real = Real::new();
    begins(&real, &[], Some("consent-durable:1"));
    let found = newest(&real);
    assert_eq!(found.len(), 10_000);
    // What the program takes before it has done anything: it reads itself, and the sandbox has a world.
    let before = executes(&real, Some("took-over:1"));
    let mut most = 0;
    for fault in [
        "call-leaving:700",
        "call-answered:1903",
        "outcome-written:2",
        "call-answered:2501",
        "call-leaving:1",
    ] {
        most = most.max(executes(&real, Some(fault)));
        assert_eq!(ended(&real), "", "{fault}: the executor was killed");
    }
    most = most.max(executes(&real, None));
    assert_eq!(ended(&real), "Succeeded ", "it has come to its end");
    let now = newest(&real);
    let deleted = |nth: usize| nth % 10 < 6;
    let mut changed = 0;
    for (nth, (key, (version, etag))) in now.iter().enumerate() {
        let (was, was_etag) = &found[key];
        match nth % 10 {
            // What was deleted is the version that was there, and no copy of it (S2).
            _ if deleted(nth) => assert!(was_etag.is_none() && etag.is_some(), "{key}"),
            6 | 7 => assert!(version != was && etag != was_etag, "{key} has the content of then"),
            _ => assert_eq!((version, etag), (was, was_etag), "{key} is as it was found"),
        }
        changed += usize::from(version != was);
    }
    assert_eq!(changed, WRONG);
    let effects = effects(&real);
    let of = |name: &str| effects.iter().filter(|(operation, _)| operation == name).count();
    assert_eq!((of("s3:DeleteObject"), of("s3:CopyObject")), (6_000, 2_000), "nothing was done twice");
    let journal =
        std::fs::metadata(real.folder().expect("a run").join("journal.jsonl")).expect("it is there").len();
    let lines = real.lines().len();
    println!("{lines} lines, {journal} bytes of journal; {before} KiB of memory before, {most} KiB at most");
    assert!(
        lines < 150 && journal < 200_000,
        "{lines} lines, {journal} bytes: it does not grow with the keys"
    );
    assert!(
        before > 0 && most < before + (48 << 10),
        "{before} to {most} KiB: it does not grow with the keys"
    );
    verifies(&real);

    // And back, killed as well.
    let name = real.folder().expect("a run").file_name().expect("a name").to_string_lossy().into_owned();
    let mut command = real.command(&["undo", &name, "--yes", "--detach"]);
    command.env("LIFEBOAT_FAULT", "call-answered:900");
    let ran = crate::support::run::Ran::of(command);
    real.quiet();
    executes(&real, Some("call-leaving:1500"));
    executes(&real, None);
    assert!(ended(&real).starts_with("Undone"), "{}\n{ran}", ended(&real));
    let back = newest(&real);
    for (nth, (key, (_, etag))) in back.iter().enumerate() {
        let (_, found) = &found[key];
        if deleted(nth) {
            assert_eq!(*etag, None, "{key} is deleted again");
        } else {
            assert_eq!(etag, found, "{key} has the content that was found");
        }
    }
    verifies(&real);
}

/// Returns the operations that have changed something, and on what.
fn effects(real: &Real) -> Vec<(String, String)> {
    let folder = real.state().join("sandbox");
    let (file, _) =
        WorldFile::open(&folder, &demo(SCENARIO), SCENARIO, 1, Opening::default()).expect("the world opens");
    let world = file.current();
    let changed = world.effects().iter().filter(|effect| effect.changed);
    changed.map(|effect| (effect.operation.to_string(), effect.target.to_string())).collect()
}

#[test]
fn a_manifest_that_was_changed_after_it_was_agreed_to_is_not_carried_out() {
    let real = Real::new();
    begins(&real, &[], Some("consent-durable:1"));
    let path = real.folder().expect("a run").join("side/put-back-manifest.jsonl");
    let text = std::fs::read_to_string(&path).expect("there is a manifest");
    std::fs::write(&path, text.replacen("scans/2026/00000.tif", "README.txt----------", 1))
        .expect("it can be changed");
    executes(&real, None);
    assert!(ended(&real).contains("not the manifest that was agreed to"), "{}", ended(&real));
    assert_eq!(effects(&real), [], "nothing has left");
}

#[test]
fn what_was_made_since_gets_a_marker_where_that_is_asked_for_and_loses_no_version() {
    let real = Real::new();
    begins(&real, &["-p", "remove-newer=true"], None);
    assert_eq!(ended(&real), "Succeeded ");
    let now = newest(&real);
    let made = now.iter().enumerate().filter(|(nth, _)| nth % 10 == 9);
    assert!(made.clone().count() == 1_000 && made.into_iter().all(|(_, (_, (_, etag)))| etag.is_none()));
    let answered = real.events().into_iter().filter_map(|event| match event {
        Event::Answered { outcome: Outcome::Succeeded, reply, .. } => Some(reply),
        _ => None,
    });
    let done: u64 = answered.filter_map(|reply| reply.get("done").and_then(Value::as_u64)).sum();
    assert_eq!(done, 9_000);
}

/// Does something in the world by hand.
fn by_hand(real: &Real, operation: &str, key: &str, more: &Value) -> Value {
    let folder = real.state().join("sandbox");
    let (file, _) =
        WorldFile::open(&folder, &demo(SCENARIO), SCENARIO, 1, Opening::default()).expect("the world opens");
    let act = SandboxAdapter::new(file).acting();
    let mut call = Call::new(operation, &"production".into(), &Place::new("417263985012", "us-east-2"));
    call = call.with("Bucket", BUCKET).with("Key", key);
    for (name, value) in more.as_object().expect("arguments have names") {
        call = call.with(name, value.clone());
    }
    let call = armed(call, "by-hand", 1);
    at_once(act.act(call)).expect("at once").expect("it is done").body
}

#[test]
fn a_key_that_somebody_has_changed_is_left_and_told_of_until_it_is_looked_at_again() {
    let real = Real::new();
    begins(&real, &[], Some("consent-durable:1"));
    let key = "scans/2026/00001.tif";
    let source = json!({"CopySource": {"Bucket": BUCKET, "Key": "README.txt"}});
    let written = by_hand(&real, "s3:CopyObject", key, &source);
    executes(&real, None);
    let why = ended(&real);
    assert!(
        why.starts_with("Failed") && why.contains("1 were changed meanwhile") && why.contains(key),
        "{why}"
    );
    let now = newest(&real);
    assert_eq!(json!(now[key].0), written["VersionId"], "it is not overwritten");
    let wrong = now.iter().enumerate().filter(|(nth, (_, (_, etag)))| nth % 10 < 6 && etag.is_none());
    assert_eq!(wrong.count(), 0, "all others are done");
    // A person takes it away again, and the key is as it was when the plan was made.
    by_hand(&real, "s3:DeleteObject", key, &json!({"VersionId": written["VersionId"]}));
    let name = real.folder().expect("a run").file_name().expect("a name").to_string_lossy().into_owned();
    let ran = real.run(&["retry", &name, "put-back"]);
    real.quiet();
    if !ended(&real).starts_with("Succeeded") {
        executes(&real, None);
    }
    assert_eq!(ended(&real), "Succeeded ", "{ran}");
    assert!(newest(&real)[key].1.is_some(), "it is back");
    let ours = effects(&real).into_iter().filter(|(_, target)| target.ends_with(key)).count();
    assert_eq!(ours, 3, "two by hand, one of ours");
    verifies(&real);
}

#[test]
fn what_another_bucket_has_is_brought_over_once_and_taken_back() {
    let real = Real::new();
    let plan = [
        "prefix-sync",
        "-p",
        "bucket=exports",
        "-p",
        "from=harbour-prod-media",
        "-p",
        "from-region=us-east-2",
    ];
    let own = ["-e", "sandbox:objects-deleted", "--speed", "5000", "--start", START];
    let run = [&own[..], &["run", "--yes"], &plan, &["-p", "prefix=scans/2026/"]].concat();
    let mut command = real.command(&run);
    command.env("LIFEBOAT_FAULT", "call-answered:700");
    let ran = crate::support::run::Ran::of(command);
    real.quiet();
    executes(&real, None);
    assert_eq!(ended(&real), "Succeeded ", "{ran}");
    let copied = effects(&real);
    // What was overwritten there, and what was made there; what was deleted is not.
    assert_eq!(copied.len(), 3_000);
    assert!(copied.iter().all(|(operation, _)| operation == "s3:CopyObject"));
    let again = real.run(&[&own[..], &["plan"], &plan, &["-p", "prefix=scans/2026/"]].concat());
    assert!(again.code != 0 && again.err.contains("3000 keys are the same"), "{again}");
    let name = real.folder().expect("a run").file_name().expect("a name").to_string_lossy().into_owned();
    let undone = real.run(&["undo", &name, "--yes", "--detach"]);
    real.quiet();
    assert!(ended(&real).starts_with("Undone"), "{undone}");
    assert_eq!(effects(&real).len(), 6_000);
    verifies(&real);
}
