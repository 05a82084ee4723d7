//! An object over 5 GB, put back and taken back in parts by the built program, in the sandbox (S3): executors are killed on
//! the way, calls are refused, and somebody else writes the key.

use super::program::{Real, wrong};
use crate::sandbox::gear::{armed, at_once};
use crate::support::console::demo;
use crate::support::run::{Ran, START};
use lifeboat::domain::place::Place;
use lifeboat::provider::sandbox::{Fault, FaultSpec, Opening, SandboxAdapter, WorldFile};
use lifeboat::runbook::call::Call;
use lifeboat::runbook::event::Event;
use serde_json::{Value, json};
use std::process::Stdio;

const SANDBOX: [&str; 6] = ["-e", "sandbox:calm", "--speed", "5000", "--start", START];
const BUCKET: &str = "harbour-prod-media";
const FILM: &str = "masters/launch film.mov";

/// Opens the world of the run.
fn world(real: &Real) -> WorldFile {
    let folder = real.state().join("sandbox");
    if !folder.is_dir() {
        assert_eq!(real.run(&[&SANDBOX[..], &["status"]].concat()).code, 0);
    }
    let opened = WorldFile::open(&folder, &demo("calm"), "calm", 1, Opening::default());
    opened.expect("the world opens").0
}

fn call(operation: &str) -> Call {
    let place = Place::new("417263985012", "us-east-2");
    Call::new(operation, &"production".into(), &place).with("Bucket", BUCKET).with("Key", FILM)
}

fn look(real: &Real, call: &Call) -> Value {
    let look = SandboxAdapter::new(world(real)).looking();
    at_once(look.look(call)).expect("at once").expect("it is answered").body
}

fn versions(real: &Real) -> Vec<Value> {
    look(real, &call("s3:ListObjectVersions"))["Versions"].as_array().expect("a list").clone()
}

/// Starts to put the older version back.
fn begins(real: &Real, fault: Option<&str>) -> Ran {
    let older = versions(real)[1]["VersionId"].as_str().expect("there is an older one").to_owned();
    let (key, version) = (format!("key={FILM}"), format!("version={older}"));
    let words =
        ["run", "object-version", "-p", "bucket=media", "-p", &key, "-p", &version, "--yes", "--detach"];
    let mut command = real.command(&[&SANDBOX[..], &words].concat());
    command.envs(fault.map(|fault| ("LIFEBOAT_FAULT", fault)));
    let ran = Ran::of(command);
    real.quiet();
    ran
}

/// Starts the executor of the run by hand.
fn executes(real: &Real, fault: Option<&str>) {
    let folder = real.folder().expect("there is a run");
    let mut command = real.command(&["__execute", &folder.display().to_string()]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.envs(fault.map(|fault| ("LIFEBOAT_FAULT", fault)));
    command.spawn().expect("it starts").wait().expect("it ends");
}

fn name(real: &Real) -> String {
    real.folder().expect("a run").file_name().expect("a name").to_string_lossy().into_owned()
}

/// Says what became of the step, in one word and why.
fn ended(real: &Real) -> String {
    let ended = real.events().into_iter().rev().find_map(|event| match event {
        Event::Ended { ending, why, .. } => Some(format!("{ending:?} {why}")),
        _ => None,
    });
    ended.unwrap_or_default()
}

/// Says how often each operation was carried out.
fn done(real: &Real) -> [usize; 4] {
    let effects = real.effects();
    let of = |name: &str| effects.iter().filter(|effect| *effect.operation.as_str() == *name).count();
    ["Create", "Complete", "Abort"]
        .map(|word| of(&format!("s3:{word}MultipartUpload")))
        .into_iter()
        .chain([of("s3:UploadPartCopy")])
        .collect::<Vec<_>>()
        .try_into()
        .expect("four")
}

fn verifies(real: &Real) {
    let ran = real.run(&["audit", "verify", &name(real)]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn a_large_version_is_put_back_in_parts_by_executors_that_are_killed_and_taken_back_again() {
    let real = Real::new();
    let found = versions(&real);
    // The answer that names the upload is lost: it holds nothing, and another is begun.
    let ran = begins(&real, Some("call-answered:1"));
    assert_eq!(ended(&real), "", "{ran}");
    for fault in ["call-answered:3", "call-leaving:2", "call-answered:4"] {
        executes(&real, Some(fault));
        assert_eq!(ended(&real), "", "{fault}: the executor was killed");
    }
    executes(&real, None);
    assert_eq!(ended(&real), "Succeeded ", "it has come to its end");
    assert_eq!(done(&real), [2, 1, 0, 6], "no part was copied twice, and it was completed once");
    let now = versions(&real);
    assert_eq!(now.len(), found.len() + 1);
    assert_eq!(
        now[1..],
        [found[0].clone(), found[1].clone()].map(|mut one| {
            one["IsLatest"] = json!(false);
            one
        }),
        "no version is deleted"
    );
    assert_eq!(now[0]["Size"], found[1]["Size"]);
    // A copy in parts carries nothing over by itself.
    let head = look(&real, &call("s3:HeadObject"));
    assert_eq!(
        (&head["ContentType"], &head["Metadata"]["director"]),
        (&json!("video/quicktime"), &json!("nobody"))
    );
    let tags = look(&real, &call("s3:GetObjectTagging"));
    assert_eq!(tags["TagSet"], json!([{"Key": "kept for", "Value": "ever + a day"}]));
    verifies(&real);

    // What was the newest is as large: it goes back in parts, too.
    let undone = real.run(&["undo", &name(&real), "--yes", "--detach"]);
    real.quiet();
    assert!(ended(&real).starts_with("Undone"), "{}: {undone}", ended(&real));
    assert_eq!(done(&real), [3, 2, 0, 12]);
    assert_eq!((versions(&real).len(), &versions(&real)[0]["Size"]), (4, &found[0]["Size"]));
    assert_eq!(
        wrong(&real.lines(), &real.effects()).len(),
        1,
        "the upload whose name was lost, and nothing else"
    );
    verifies(&real);
}

#[test]
fn a_copy_in_parts_goes_on_with_the_parts_it_has_and_never_covers_what_others_write() {
    let real = Real::new();
    let refused = Fault::Refused { code: "AccessDenied".into(), status: 403 };
    let fault = FaultSpec::new(refused).of("s3:CompleteMultipartUpload").times(2);
    world(&real).fault(fault).expect("it can be set");
    let ran = begins(&real, None);
    assert!(ended(&real).starts_with("Failed AccessDenied"), "{}: {ran}", ended(&real));
    assert_eq!(done(&real), [1, 0, 0, 6]);
    let retry = || {
        let ran = real.run(&["retry", &name(&real), "version"]);
        real.quiet();
        ran
    };
    let ran = retry();
    assert!(ended(&real).starts_with("Failed AccessDenied"), "{}: {ran}", ended(&real));
    assert_eq!(done(&real), [1, 0, 0, 6], "what was copied is not copied again");

    // Meanwhile somebody deletes the key (S4).
    let act = SandboxAdapter::new(world(&real)).acting();
    let gone =
        at_once(act.act(armed(call("s3:DeleteObject"), "by-hand", 1))).expect("at once").expect("it is");
    let ran = retry();
    assert!(ended(&real).starts_with("Failed NoSuchKey"), "{}: {ran}", ended(&real));
    let markers = look(&real, &call("s3:ListObjectVersions"))["DeleteMarkers"].clone();
    assert_eq!(markers[0]["VersionId"], gone.body["VersionId"]);
    assert_eq!(markers[0]["IsLatest"], true, "what others did stands");
    assert_eq!(versions(&real).len(), 2);
    verifies(&real);
}

#[test]
fn an_upload_that_was_not_completed_is_aborted_when_its_step_is_taken_back() {
    let real = Real::new();
    let refused = Fault::Refused { code: "AccessDenied".into(), status: 403 };
    let fault = FaultSpec::new(refused).of("s3:UploadPartCopy").in_turns(3, 1).times(1);
    world(&real).fault(fault).expect("it can be set");
    begins(&real, None);
    assert!(ended(&real).starts_with("Failed AccessDenied"), "{}", ended(&real));
    assert_eq!(done(&real), [1, 0, 0, 3]);
    let undone = real.run(&["undo", &name(&real), "--yes", "--detach"]);
    real.quiet();
    assert!(ended(&real).starts_with("Undone"), "{}: {undone}", ended(&real));
    assert_eq!(done(&real), [1, 0, 1, 3], "nothing is left that is paid for");
    assert_eq!(versions(&real).len(), 2, "and nothing was written");
    verifies(&real);
}
