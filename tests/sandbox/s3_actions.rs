//! The actions on single objects: what brings back and what goes back (S2), and where nothing may be written (S5). Each test
//! fails where the naive way is taken.

use super::acted::{acted, plan};
use super::gear::{World, call};
use lifeboat::runbook::call::Call;
use serde_json::{Value, json};

const BUCKET: &str = "harbour-prod-media";
const OTHER: &str = "harbour-prod-exports";

/// Returns the ids of the versions and of the markers of a key, the newest first.
fn ids(world: &World, key: &str) -> (Vec<Value>, Vec<Value>) {
    let asked = call("s3:ListObjectVersions").with("Bucket", BUCKET).with("Key", key);
    let listed = world.look(&asked).expect("it is listed");
    let of = |list: &str| {
        let all = listed[list].as_array().expect("a list").iter();
        all.map(|one| one["VersionId"].clone()).collect()
    };
    (of("Versions"), of("DeleteMarkers"))
}

fn named(calls: &[Call]) -> Vec<(&str, Option<&Value>)> {
    calls.iter().map(|call| (call.name(), call.arguments.get("VersionId"))).collect()
}

#[test]
fn a_deleted_object_comes_back_as_the_very_version_that_was_there() {
    let world = World::new("objects-deleted");
    let key = "invoices/2026/01/0001.pdf";
    let (versions, markers) = ids(&world, key);
    let undelete = json!({"bucket": BUCKET, "key": key});
    let back = acted(&world, "s3-undelete", &undelete);
    assert_eq!(named(&back.calls), [("DeleteObject", markers.first())], "its marker and nothing else");
    assert_eq!(ids(&world, key), (versions.clone(), Vec::new()), "no version more, and none less");
    assert_eq!(back.outputs["version"], versions[0]);
    // What is not deleted has no marker: nothing of it may be removed to go back.
    let refused = plan(&world, "s3-undelete", &undelete).expect_err("it is there");
    assert!(refused.says.contains("not deleted by a marker"), "{refused}");
    back.undo(&world);
    let (after, marked) = ids(&world, key);
    assert_eq!((after, marked.len()), (versions, 1), "deleted again, by a marker");
}

#[test]
fn an_older_version_comes_back_by_a_copy_and_the_newer_ones_stay() {
    let world = World::new("calm");
    let key = "images/größe ü.jpg";
    let (before, _) = ids(&world, key);
    let restore = json!({"bucket": BUCKET, "key": key, "version": before[2]});
    let copied = acted(&world, "s3-restore-version", &restore);
    assert_eq!(named(&copied.calls), [("CopyObject", None)]);
    let (after, markers) = ids(&world, key);
    assert_eq!((&after[1..], markers.len()), (&before[..], 0), "all that was there is evidence");
    assert_eq!(after[0], copied.outputs["version"]);
    copied.undo(&world);
    let (last, markers) = ids(&world, key);
    assert_eq!((&last[1..], markers.len()), (&after[..], 0), "and so is what is taken back");
}

#[test]
fn nothing_is_written_where_it_would_take_the_place_of_what_is_there() {
    let world = World::new("calm");
    let key = "images/größe ü.jpg";
    let (versions, _) = ids(&world, key);
    let restore = json!({"bucket": BUCKET, "key": key, "version": versions[2]});
    let copy = json!({"from": OTHER, "to": BUCKET, "key": "exports/new.csv"});
    let sync = json!({"from": OTHER, "to": BUCKET, "prefix": "exports/"});
    let back = json!({"bucket": BUCKET, "prefix": "images/", "moment": "2026-11-20T03:00:00Z"});
    let suspended = json!({"Status": "Suspended"});
    let suspend = call("s3:PutBucketVersioning").with("Bucket", BUCKET);
    world.act(suspend.with("VersioningConfiguration", suspended)).expect("it is suspended");
    for (action, arguments) in [
        ("s3-restore-version", &restore),
        ("s3-copy", &copy),
        ("s3-sync", &sync),
        ("s3-prefix-to-time", &back),
    ] {
        let refused = plan(&world, action, arguments).map(|_| ()).expect_err(action);
        assert!(refused.says.contains("version"), "{action}: {refused}");
    }
}
