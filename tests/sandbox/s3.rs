//! Objects: versions, markers, conditional copies, keys with odd characters.

use super::gear::{ACCOUNT, World, at_once, call, code};
use crate::engine::rig::NoManifests;
use lifeboat::action::given::GivenValues;
use lifeboat::action::{Doing, Found, PlanAsk, named};
use lifeboat::authority::Direction;
use lifeboat::runbook::call::Call;
use lifeboat::runbook::plan::PlannedStep;
use serde_json::{Value, json};

const BUCKET: &str = "harbour-prod-media";
const ODD: [&str; 6] = [
    "invoices/2026/01/0002 copy.pdf",
    "invoices/2026/02/0003+4.pdf",
    "invoices/2026/02/Müller & Söhne.pdf",
    "invoices/2026/03/100%25 'quoted' \"#?;.pdf",
    "invoices/2026/03/~tilde/./dots/..pdf",
    "invoices/2026/01/0001.pdf",
];

fn of(operation: &str, key: &str) -> Call {
    call(operation).with("Bucket", BUCKET).with("Key", key)
}

fn versions(world: &World, key: &str) -> (Vec<Value>, Vec<Value>) {
    let listed = world.look(&of("s3:ListObjectVersions", key)).expect("it is listed");
    let list = |name: &str| listed[name].as_array().expect("a list").clone();
    (list("Versions"), list("DeleteMarkers"))
}

fn copy(key: &str, version: &Value) -> Call {
    of("s3:CopyObject", key)
        .with("CopySource", json!({"Bucket": BUCKET, "Key": key, "VersionId": version["VersionId"]}))
        .with("CopySourceIfMatch", version["ETag"].clone())
        .with("ExpectedBucketOwner", ACCOUNT)
}

#[test]
fn deleted_objects_come_back_when_their_markers_go_and_the_incident_with_them() {
    let world = World::new("objects-deleted");
    let incident = |world: &World| {
        world.condition("media").incidents.into_iter().map(|one| one.code.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(incident(&world), ["objects-deleted"]);
    for key in ODD {
        assert_eq!(code(world.look(&of("s3:HeadObject", key))), "NotFound", "{key}");
        let (whole, markers) = versions(&world, key);
        assert!(!whole.is_empty() && markers.len() == 1 && markers[0]["IsLatest"] == true, "{key}");
        let marker = markers[0]["VersionId"].clone();
        assert_eq!(
            code(world.look(&of("s3:HeadObject", key).with("VersionId", marker.clone()))),
            "MethodNotAllowed"
        );
        let told = world.act(of("s3:DeleteObject", key).with("VersionId", marker.clone())).expect("it goes");
        assert_eq!(told, json!({"DeleteMarker": true, "VersionId": marker}));
        let head = world.look(&of("s3:HeadObject", key)).expect("it is back");
        assert_eq!(head["VersionId"], whole[0]["VersionId"], "the very version that was there");
        // Gone already: no error, and nothing changes.
        let again =
            world.act(of("s3:DeleteObject", key).with("VersionId", marker.clone())).expect("no error");
        assert_eq!(again["DeleteMarker"], false);
    }
    assert_eq!(incident(&world), [""; 0]);
    let changed = world.adapter.file().current().effects().iter().filter(|effect| effect.changed).count();
    assert_eq!(changed, ODD.len());
}

#[test]
fn an_old_version_is_copied_over_the_new_one_and_nothing_is_lost() {
    let world = World::new("calm");
    let key = "images/größe ü.jpg";
    let (before, _) = versions(&world, key);
    assert_eq!(before.len(), 3);
    let old = &before[2];
    let told = world.act(copy(key, old).with("IfMatch", before[0]["ETag"].clone())).expect("it is copied");
    assert_eq!((&told["CopySourceVersionId"], &told["ETag"]), (&old["VersionId"], &old["ETag"]));
    let (after, _) = versions(&world, key);
    assert_eq!(after.len(), 4);
    assert_eq!((&after[0]["VersionId"], &after[0]["IsLatest"]), (&told["VersionId"], &json!(true)));
    assert_eq!(after[1]["VersionId"], before[0]["VersionId"]);
    // The same again: somebody has written meanwhile, so it is refused.
    let again = copy(key, old).with("IfMatch", before[0]["ETag"].clone());
    assert_eq!(world.refusal(again), "PreconditionFailed");
}

#[test]
fn a_copy_is_refused_as_s3_refuses_it() {
    let world = World::new("calm");
    let key = "README.txt";
    let (all, _) = versions(&world, key);
    let refusal = |call: Call| world.refusal(call);
    assert_eq!(refusal(copy(key, &all[0]).with("IfNoneMatch", "*")), "PreconditionFailed");
    assert_eq!(refusal(copy(key, &all[0]).with("CopySourceIfMatch", "\"0\"")), "PreconditionFailed");
    assert_eq!(refusal(copy(key, &all[0]).with("ExpectedBucketOwner", "000000000000")), "AccessDenied");
    assert_eq!(refusal(copy("new key", &all[0])), "NoSuchVersion");
    assert_eq!(refusal(copy(key, &json!({"VersionId": "none", "ETag": "*"}))), "NoSuchVersion");
    let (film, _) = versions(&world, "masters/launch film.mov");
    assert_eq!(refusal(copy("masters/launch film.mov", &film[0])), "InvalidRequest");
    let (cold, _) = versions(&world, "archive/2019/ledger.tar");
    assert_eq!(refusal(copy("archive/2019/ledger.tar", &cold[0])), "ObjectNotInActiveTierError");
    let told = world.act(of("s3:DeleteObject", key)).expect("it is deleted");
    assert_eq!(told["DeleteMarker"], true);
    assert_eq!(refusal(copy(key, &told).with("CopySourceIfMatch", "*")), "InvalidRequest");
    assert_eq!(refusal(copy(key, &all[0]).with("IfMatch", all[0]["ETag"].clone())), "NoSuchKey");
    world.act(copy(key, &all[0]).with("IfNoneMatch", "*")).expect("nothing is in its way");
    let elsewhere = call("s3:ListObjectVersions").with("Bucket", "nobodys").with("Key", key);
    assert_eq!(code(world.look(&elsewhere)), "NoSuchBucket");
    let status = world.look(&call("s3:GetBucketVersioning").with("Bucket", BUCKET));
    assert_eq!(status, Ok(json!({"Status": "Enabled"})));
}

#[test]
fn a_key_that_was_never_there_has_no_versions() {
    let world = World::new("calm");
    assert_eq!(versions(&world, "no such key"), (Vec::new(), Vec::new()));
    assert_eq!(versions(&world, "trailing space").0.len(), 0);
    assert_eq!(versions(&world, "trailing space ").0.len(), 2);
}

#[test]
fn what_was_deleted_before_the_world_began_has_its_marker() {
    let world = World::new("calm");
    let listed =
        call("s3:ListObjectVersions").with("Bucket", "harbour-prod-exports").with("Key", "exports/old.csv");
    let listed = world.look(&listed).expect("it is listed");
    assert_eq!(listed["DeleteMarkers"].as_array().map(Vec::len), Some(1));
    assert_eq!(world.condition("exports").incidents.len(), 1);
    let marker = listed["DeleteMarkers"][0]["VersionId"].clone();
    let undelete = call("s3:DeleteObject")
        .with("Bucket", "harbour-prod-exports")
        .with("Key", "exports/old.csv")
        .with("VersionId", marker);
    world.act(undelete).expect("it goes");
    assert_eq!(world.condition("exports").incidents.len(), 0);
}

#[test]
fn an_object_is_copied_into_another_bucket_on_a_condition_and_found_again() {
    let world = World::new("calm");
    let action = named("s3-copy").expect("there is such an action");
    let key = ODD[2];
    let to = "harbour-prod-exports";
    let mut given = GivenValues::default();
    for (name, value) in [("from", BUCKET), ("to", to), ("key", key), ("to-key", "copied/it.pdf")] {
        given.0.insert(name.to_owned(), value.into());
    }
    let production = world.estate.environment(&"production".into()).expect("the estate has it");
    let look = world.adapter.looking();
    let plan = || {
        at_once(action.plan(PlanAsk {
            given: &given,
            estate: &world.estate,
            environment: production,
            run: "run-test",
            step: "step",
            now: jiff::Timestamp::UNIX_EPOCH,
            look: look.as_ref(),
            settings: &|_| None,
            manifests: &NoManifests,
        }))
        .expect("at once")
    };
    let design = plan().expect("it can be planned");
    let copy = design.calls[0].call.clone();
    assert_eq!((copy.text("IfNoneMatch"), copy.text("Bucket")), (Some("*"), Some(to)));
    let mut step = PlannedStep::join("step", "step");
    step.calls = design.calls.clone();
    let before = at_once(action.before(&step, std::slice::from_ref(&copy), look.as_ref()))
        .expect("at once")
        .expect("it is read");
    let probe = || {
        let doing = Doing {
            step: &step,
            run: "run-test",
            direction: Direction::Forward,
            calls: std::slice::from_ref(&copy),
            index: 0,
            replies: &[],
            before: &before,
            since: jiff::Timestamp::UNIX_EPOCH,
            now: jiff::Timestamp::UNIX_EPOCH,
        };
        at_once(action.probe(doing, look.as_ref())).expect("at once").expect("it can be seen")
    };
    assert!(matches!(probe(), Found::Nothing { .. }));
    world.act(copy.clone()).expect("it is copied");
    assert!(matches!(probe(), Found::Happened { .. }));
    assert_eq!(world.refusal(copy.clone()), "PreconditionFailed", "not a second time");
    let why = plan().expect_err("it is there");
    assert!(why.says.contains("that content already"), "{why}");
}

#[test]
fn a_large_object_is_copied_elsewhere_in_parts_with_all_that_a_copy_keeps() {
    let world = World::new("calm");
    let action = named("s3-copy").expect("there is such an action");
    let mut given = GivenValues::default();
    let to = "harbour-prod-exports";
    for (name, value) in
        [("from", BUCKET), ("to", to), ("key", "masters/launch film.mov"), ("to-key", "film")]
    {
        given.0.insert(name.to_owned(), value.into());
    }
    let look = world.adapter.looking();
    let design = at_once(action.plan(PlanAsk {
        given: &given,
        estate: &world.estate,
        environment: world.estate.environment(&"production".into()).expect("the estate has it"),
        run: "run-test",
        step: "step",
        now: jiff::Timestamp::UNIX_EPOCH,
        look: look.as_ref(),
        settings: &|_| None,
        manifests: &NoManifests,
    }));
    let design = design.expect("at once").expect("it can be planned");
    let operations: Vec<&str> = design.calls.iter().map(|planned| planned.call.name()).collect();
    let mut wanted = vec!["CreateMultipartUpload"];
    wanted.extend(["UploadPartCopy"; 6]);
    wanted.push("CompleteMultipartUpload");
    assert_eq!(operations, wanted);
    let (begin, end) = (&design.calls[0].call, &design.calls[7].call);
    assert_eq!((begin.text("Bucket"), begin.text("Key")), (Some(to), Some("film")));
    assert_eq!(begin.text("ContentType"), Some("video/quicktime"));
    assert_eq!(begin.arguments["Metadata"], json!({"director": "nobody"}));
    assert_eq!(begin.text("Tagging"), Some("kept%20for=ever%20%2B%20a%20day"));
    assert_eq!(begin.text("ServerSideEncryption"), None, "it is encrypted as the other bucket says");
    assert_eq!((end.text("IfNoneMatch"), &end.arguments["MpuObjectSize"]), (Some("*"), &json!(6_u64 << 30)));
    let before = versions(&world, "masters/launch film.mov");
    // As one copy S3 refuses it (S3).
    let naive = copy("masters/launch film.mov", &before.0[0]).with("IfMatch", before.0[0]["ETag"].clone());
    assert_eq!(world.refusal(naive), "InvalidRequest");
}
