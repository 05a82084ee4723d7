//! Actions on instances, volumes, snapshots and images, in the sandbox.

use super::acted::{acted, carried_out, differing, first, instance, plan, plan_with, volume};
use super::gear::{World, call};
use lifeboat::action::{Found, Kept};
use lifeboat::domain::recovery_point::{Holds, PointKind};
use lifeboat::provider::port::Clock;
use lifeboat::runbook::plan::Expect;
use serde_json::{Value, json};

const INSTANCE: &str = "i-0c3e5b7a9d1f20486";
const VOLUME: &str = "vol-0a1b2c3d4e5f60718";

fn newest(world: &World, component: &str) -> String {
    world.points(component)[0].id.to_string()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// E7: an image brings none of this. A launch that names image and type only comes up in another network, with another
/// group, without profile, key pair and user data, and lets anybody ask its metadata service.
#[test]
fn what_an_image_does_not_bring_comes_from_the_original() {
    let world = World::new("calm");
    let original = instance(&world, INSTANCE);
    let launch = json!({"component": "web-2", "image": newest(&world, "web-2")});
    let launched = acted(&world, "ec2-launch-from-image", &launch);
    let found = instance(&world, launched.outputs["instance"].as_str().expect("an id"));
    for setting in [
        "InstanceType",
        "SubnetId",
        "SecurityGroups",
        "IamInstanceProfile",
        "KeyName",
        "EbsOptimized",
        "MetadataOptions",
        "Monitoring",
        "Placement",
    ] {
        assert!(!original[setting].is_null(), "{setting} says something");
        assert_eq!(found[setting], original[setting], "{setting}");
    }
    let tags = found["Tags"].as_array().expect("tags");
    for tag in original["Tags"].as_array().expect("tags") {
        assert!(tags.contains(tag), "{tag} is missing in {tags:?}");
    }
    let data = |id: &Value| {
        let asked = call("ec2:DescribeInstanceAttribute")
            .with("InstanceId", id.clone())
            .with("Attribute", "userData");
        world.look(&asked).expect("it is there")["UserData"]["Value"].clone()
    };
    assert_eq!(data(&found["InstanceId"]), data(&original["InstanceId"]));
    // Only its addresses are its own.
    assert_eq!(differing(&launched), ["PrivateIpAddress", "PublicIpAddress"]);
    let notes: Vec<&str> = launched.step.notes.iter().map(lifeboat::domain::Text::as_str).collect();
    assert!(notes.iter().any(|note| note.contains("targets of load balancers")), "{notes:?}");
    assert!(matches!(launched.probe(&world, 0), Found::Happened { .. }), "it is told by its tags");
    launched.undo(&world);
    assert_eq!(instance(&world, &text(&found["InstanceId"]))["State"]["Name"], "terminated");
    assert_eq!(instance(&world, INSTANCE)["State"]["Name"], "running", "the original is not touched");
}

/// E7: EC2 describes what was terminated for an hour, without network and profile. A launch after that pattern is refused
/// unless its settings were read before.
#[test]
fn an_instance_that_is_gone_is_launched_as_it_was_last_read() {
    let world = World::new("calm");
    let original = instance(&world, INSTANCE);
    world.act(call("ec2:TerminateInstances").with("InstanceIds", json!([INSTANCE]))).expect("it ends");
    world.advance(60);
    let launch = json!({"component": "web-2", "image": newest(&world, "web-2"), "keep-address": "true"});
    let refused = plan(&world, "ec2-launch-from-image", &launch).expect_err("nobody knows its network");
    assert!(refused.says.contains("never read"), "{refused}");
    let kept: Kept = [
        ("InstanceType", text(&original["InstanceType"])),
        ("SubnetId", text(&original["SubnetId"])),
        ("SecurityGroups", text(&original["SecurityGroups"][0]["GroupId"])),
        ("IamInstanceProfile", text(&original["IamInstanceProfile"]["Arn"])),
        ("KeyName", text(&original["KeyName"])),
        ("PrivateIpAddress", text(&original["PrivateIpAddress"])),
        ("EbsOptimized", "true".to_owned()),
        ("Tag Name", "web-2".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let design = plan_with(&world, "ec2-launch-from-image", &launch, Some(&kept)).expect("it can be planned");
    let launched = carried_out(&world, "ec2-launch-from-image", design);
    let found = instance(&world, launched.outputs["instance"].as_str().expect("an id"));
    for setting in
        ["InstanceType", "SubnetId", "SecurityGroups", "IamInstanceProfile", "KeyName", "PrivateIpAddress"]
    {
        assert_eq!(found[setting], original[setting], "{setting}");
    }
}

#[test]
fn an_image_says_whether_the_instance_is_rebooted_and_goes_with_its_snapshots() {
    let world = World::new("calm");
    let silent = plan(&world, "ec2-image", &json!({"component": "web-2"})).expect_err("nobody has said it");
    assert!(silent.says.contains("rebooted"), "{silent}");
    let image = acted(&world, "ec2-image", &json!({"component": "web-2", "reboot": "false"}));
    assert_eq!(image.calls[0].arguments["NoReboot"], json!(true));
    let id = text(&image.outputs["image"]);
    assert!(matches!(image.probe(&world, 0), Found::Happened { .. }));
    assert!(
        world.points("web-2").iter().any(|point| point.id.as_str() == id && point.kind == PointKind::Image)
    );
    // Its name is taken now, by the same run: nothing else is made under it.
    let again =
        plan(&world, "ec2-image", &json!({"component": "web-2", "reboot": "false"})).expect_err("taken");
    assert!(again.says.contains("is taken"), "{again}");
    let snapshot = first(&world, "ec2:DescribeImages", &json!({"ImageIds": [id]}), "Images");
    let snapshot = snapshot["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"].clone();
    let undone = image.undo(&world);
    assert_eq!(undone[0].operation, "ec2:DeregisterImage");
    let gone = world.look(&call("ec2:DescribeSnapshots").with("SnapshotIds", json!([snapshot])));
    assert_eq!(super::gear::code(gone), "InvalidSnapshot.NotFound");
}

/// E7: a volume in another zone cannot be attached. It is seen when the plan is made, and again before the call; test doubles
/// attach it all the same.
#[test]
fn a_volume_of_another_zone_is_not_attached() {
    let world = World::new("calm");
    let zone = text(&instance(&world, INSTANCE)["Placement"]["AvailabilityZone"]);
    let other =
        ["us-east-2a", "us-east-2b"].into_iter().find(|other| *other != zone).expect("there is another");
    let make = |zone: &str| {
        let made = acted(
            &world,
            "ec2-volume-from-snapshot",
            &json!({"snapshot": newest(&world, "files-vol"), "zone": zone}),
        );
        text(&made.outputs["volume"])
    };
    let attach = |volume: &str| json!({"volume": volume, "instance": INSTANCE, "device": "/dev/sdm"});
    let astray = make(other);
    let refused = plan(&world, "ec2-attach-volume", &attach(&astray)).expect_err("it lies elsewhere");
    assert!(refused.says.contains(other), "{refused}");
    // What an earlier step will make is judged when that is done: the volume, in the zone of the instance.
    let design =
        plan(&world, "ec2-attach-volume", &attach("${steps.make.volume}")).expect("it can be planned");
    let wanted = &design.preconditions[0];
    let mut look = wanted.look.clone();
    look.arguments["Filters"][0]["Values"] = json!([astray]);
    assert_eq!(wanted.expect, Expect::Is("available".into()));
    assert_eq!(world.look(&look).expect("an answer").pointer(&wanted.at), None, "it is not in that zone");
}

#[test]
fn a_volume_hangs_and_is_detached_and_comes_back_where_it_was() {
    let world = World::new("calm");
    let attached = volume(&world, VOLUME)["Attachments"][0].clone();
    let detached = acted(&world, "ec2-detach-volume", &json!({"component": "files-vol"}));
    assert_eq!(detached.outputs["device"], attached["Device"]);
    assert_eq!(detached.outputs["instance"], attached["InstanceId"]);
    assert_eq!(volume(&world, VOLUME)["State"], "available");
    assert!(matches!(detached.probe(&world, 0), Found::Happened { .. }));
    detached.undo(&world);
    assert_eq!(volume(&world, VOLUME)["Attachments"][0]["Device"], attached["Device"]);
    let taken = json!({"volume": "vol-00000000000000001", "instance": attached["InstanceId"], "device": attached["Device"]});
    let refused = plan(&world, "ec2-attach-volume", &taken).expect_err("the device is taken");
    assert!(refused.says.contains(VOLUME), "{refused}");
}

/// E3: an archived snapshot makes no volume for up to 72 h; whoever asks is told so, and by what it is brought back.
#[test]
fn an_archived_snapshot_is_brought_back_before_it_makes_a_volume() {
    let world = World::new("calm");
    let snapshot = newest(&world, "archive-vol");
    let make = json!({"snapshot": snapshot, "zone": "us-east-2a"});
    let refused = plan(&world, "ec2-volume-from-snapshot", &make).expect_err("it is archived");
    assert!(refused.says.contains("72 h"), "{refused}");
    assert!(refused.hint.expect("a hint").contains("ebs-snapshot-restore-tier"));
    let began = world.adapter.now();
    let back = acted(&world, "ebs-snapshot-restore-tier", &json!({"snapshot": snapshot, "days": "3"}));
    let took = world.adapter.now().duration_since(began).as_hours();
    assert!((24..=72).contains(&took), "{took} h");
    assert!(!text(&back.outputs["until"]).is_empty());
    acted(&world, "ec2-volume-from-snapshot", &make);
    world.advance(4 * 86_400);
    let over = plan(&world, "ec2-volume-from-snapshot", &make).expect_err("its days are over");
    assert!(over.says.contains("archived"), "{over}");
}

/// E2: a copy says that it is of an arbitrary volume. Only its tags tell of which, and from when.
#[test]
fn a_copy_in_the_other_region_is_a_point_of_its_volume_from_the_moment_of_the_original() {
    let world = World::new("calm");
    let snapshot = newest(&world, "files-vol");
    let taken = text(
        &first(&world, "ec2:DescribeSnapshots", &json!({"SnapshotIds": [snapshot]}), "Snapshots")["StartTime"],
    );
    let copied = acted(&world, "ebs-snapshot-copy", &json!({"component": "files-vol", "snapshot": snapshot}));
    let id = text(&copied.outputs["snapshot"]);
    assert_eq!(copied.calls[0].place.region.as_str(), "us-west-2");
    let mut there = call("ec2:DescribeSnapshots").with("SnapshotIds", json!([id]));
    there.place = copied.calls[0].place.clone();
    assert_ne!(world.look(&there).expect("it is there")["Snapshots"][0]["VolumeId"], VOLUME);
    let points = world.points_at("files-vol", &there.place);
    let point = points.iter().find(|point| point.id.as_str() == id).expect("it is a point of the volume");
    assert_eq!(point.kind, PointKind::SnapshotCopy);
    assert_eq!(point.holds, Holds::Until(taken.parse().expect("a moment")), "not when it was copied");
    copied.undo(&world);
    assert_eq!(super::gear::code(world.look(&there)), "InvalidSnapshot.NotFound");
}

#[test]
fn a_copy_is_not_encrypted_by_a_key_of_another_region() {
    let world = World::new("calm");
    let copy =
        json!({"snapshot": newest(&world, "files-vol"), "key": "arn:aws:kms:us-east-2:417263985012:key/1"});
    let refused = plan(&world, "ebs-snapshot-copy", &copy).expect_err("the key lies here");
    assert!(refused.says.contains("does not lie in us-west-2"), "{refused}");
    let elsewhere = json!({"snapshot": newest(&world, "files-vol"), "region": "eu-west-1"});
    assert!(plan(&world, "ebs-snapshot-copy", &elsewhere).is_err(), "nobody recovers there");
}

#[test]
fn an_image_is_copied_to_the_other_region() {
    let world = World::new("calm");
    let copied =
        acted(&world, "ec2-image-copy", &json!({"component": "web-2", "image": newest(&world, "web-2")}));
    assert_eq!(copied.outputs["region"], "us-west-2");
    assert!(matches!(copied.probe(&world, 0), Found::Happened { .. }));
    copied.undo(&world);
}

#[test]
fn a_locked_snapshot_is_not_deleted_until_it_is_unlocked() {
    let world = World::new("calm");
    let snapshot = newest(&world, "files-vol");
    let locked = acted(&world, "ebs-snapshot-lock", &json!({"snapshot": snapshot, "days": "7"}));
    assert_eq!(locked.calls[0].arguments["LockMode"], "governance");
    let delete = call("ec2:DeleteSnapshot").with("SnapshotId", snapshot.as_str());
    assert_eq!(world.refusal(delete.clone()), "SnapshotLocked");
    let shorter =
        plan(&world, "ebs-snapshot-lock", &json!({"snapshot": snapshot, "days": "2"})).expect_err("shorter");
    assert!(shorter.says.contains("7 days already"), "{shorter}");
    locked.undo(&world);
    world.act(delete).expect("it is deleted");
}

/// E5: how fast a volume is brought from S3 is asked for by name, within what EBS offers.
#[test]
fn the_rate_at_which_a_volume_is_initialised_is_one_that_ebs_offers() {
    let world = World::new("calm");
    let make =
        |rate: &str| json!({"snapshot": newest(&world, "files-vol"), "zone": "us-east-2a", "rate": rate});
    assert!(plan(&world, "ec2-volume-from-snapshot", &make("50")).is_err());
    let design = plan(&world, "ec2-volume-from-snapshot", &make("300")).expect("it can be planned");
    assert_eq!(design.calls[0].call.arguments["VolumeInitializationRate"], json!(300));
}
