//! Volumes, their snapshots, and instances.

use super::gear::{World, call, code};
use lifeboat::domain::condition::Health;
use lifeboat::domain::recovery_point::{PointKind, PointStatus};
use lifeboat::runbook::call::Call;
use serde_json::{Value, json};

const VOLUME: &str = "vol-0a1b2c3d4e5f60718";
const INSTANCE: &str = "i-0c3e5b7a9d1f20486";

fn tags(sort: &str) -> Value {
    json!([{"ResourceType": sort, "Tags": [{"Key": "lifeboat:run", "Value": "run-1"}]}])
}

fn volume(world: &World, id: &str) -> Value {
    world.look(&call("ec2:DescribeVolumes").with("VolumeIds", json!([id]))).expect("it is there")["Volumes"]
        [0]
    .clone()
}

fn state(world: &World, id: &str) -> (String, String) {
    let named = |operation: &str| call(operation).with("InstanceIds", json!([id]));
    let found = world.look(&named("ec2:DescribeInstances")).expect("it is there");
    let status = named("ec2:DescribeInstanceStatus").with("IncludeAllInstances", true);
    let checks = world.look(&status).expect("it is there");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (
        text(&found["Instances"][0]["State"]["Name"]),
        text(&checks["InstanceStatuses"][0]["InstanceStatus"]["Status"]),
    )
}

#[test]
fn every_snapshot_among_the_points_is_found_and_makes_a_volume() {
    let world = World::new("calm");
    let zone = volume(&world, VOLUME)["AvailabilityZone"].clone();
    for (nth, point) in world.points("files-vol").iter().enumerate() {
        let named = call("ec2:DescribeSnapshots").with("SnapshotIds", json!([point.id]));
        let found = world.look(&named).expect("it is found")["Snapshots"][0].clone();
        assert_eq!((&found["VolumeId"], &found["State"]), (&json!(VOLUME), &json!("completed")));
        if nth == 0 {
            let made = world
                .act(
                    call("ec2:CreateVolume")
                        .with("SnapshotId", point.id.as_str())
                        .with("AvailabilityZone", zone.clone())
                        .with("VolumeType", "gp3")
                        .with("ClientToken", format!("token-{}", point.id))
                        .with("TagSpecifications", tags("volume")),
                )
                .expect("it is made");
            let id = made["VolumeId"].as_str().expect("an id").to_owned();
            assert_eq!((&made["State"], &made["SnapshotId"]), (&json!("creating"), &json!(point.id)));
            world.advance(60);
            assert_eq!(volume(&world, &id)["State"], "available");
            let filters = json!([{"Name": "tag:lifeboat:run", "Values": ["run-1"]}]);
            let filtered = call("ec2:DescribeVolumes").with("Filters", filters);
            let found = world.look(&filtered).expect("they are listed");
            assert_eq!(found["Volumes"].as_array().map(Vec::len), Some(1));
        }
    }
}

#[test]
fn a_token_makes_one_volume_and_refuses_other_arguments() {
    let world = World::new("calm");
    let create = |size: u64| {
        call("ec2:CreateVolume")
            .with("AvailabilityZone", "us-east-2a")
            .with("Size", size)
            .with("ClientToken", "token-1")
    };
    let first = world.act(create(10)).expect("it is made");
    let again = world.act(create(10)).expect("it is the same");
    assert_eq!(first["VolumeId"], again["VolumeId"]);
    assert_eq!(world.refusal(create(11)), "IdempotentParameterMismatch");
    let world_now = world.adapter.file().current();
    let changed: Vec<_> = world_now.effects().iter().map(|effect| effect.changed).collect();
    assert_eq!(changed, [true, false]);
}

#[test]
fn what_a_volume_is_made_of_is_judged() {
    let world = World::new("calm");
    let create = |snapshot: &str, zone: &str| {
        call("ec2:CreateVolume")
            .with("SnapshotId", snapshot)
            .with("AvailabilityZone", zone)
            .with("ClientToken", format!("{snapshot}-{zone}"))
    };
    let points = world.points("files-vol");
    let snapshot = points[0].id.as_str();
    assert_eq!(world.refusal(create("snap-00000000000000000", "us-east-2a")), "InvalidSnapshot.NotFound");
    assert_eq!(world.refusal(create(snapshot, "us-west-2a")), "InvalidZone.NotFound");
    assert_eq!(world.refusal(create(snapshot, "us-east-2a").with("Size", 1)), "InvalidParameterValue");
    let archived = world.points("archive-vol");
    assert_eq!(world.refusal(create(archived[0].id.as_str(), "us-east-2a")), "IncorrectState");
    assert!(world.effects().is_empty());
}

#[test]
fn a_snapshot_goes_on_for_a_while_and_is_among_the_points_at_once() {
    let world = World::new("calm");
    let create =
        || call("ec2:CreateSnapshot").with("VolumeId", VOLUME).with("TagSpecifications", tags("snapshot"));
    let before = world.points("files-vol").len();
    let made = world.act(create()).expect("it is begun");
    let id = made["SnapshotId"].as_str().expect("an id").to_owned();
    assert_eq!(made["State"], "pending");
    let points = world.points("files-vol");
    assert_eq!(points.len(), before + 1);
    let point = points.iter().find(|point| point.id.as_str() == id).expect("it is a point");
    assert_eq!((point.kind, &point.status), (PointKind::Snapshot, &PointStatus::Pending));
    let named = call("ec2:DescribeSnapshots").with("SnapshotIds", json!([id]));
    let shown = |world: &World| world.look(&named).expect("it is there")["Snapshots"][0].clone();
    world.advance(100);
    let progress = shown(&world)["Progress"].as_str().expect("a text").trim_end_matches('%').parse::<u8>();
    assert!((1..100).contains(&progress.expect("a number")));
    world.advance(3600);
    assert_eq!((&shown(&world)["State"], &shown(&world)["Progress"]), (&json!("completed"), &json!("100%")));
    for _ in 0..5 {
        world.act(create()).expect("it is begun");
    }
    assert_eq!(world.refusal(create()), "ConcurrentSnapshotLimitExceeded");
    world.act(call("ec2:DeleteSnapshot").with("SnapshotId", id.as_str())).expect("it is deleted");
    assert_eq!(code(world.look(&named)), "InvalidSnapshot.NotFound");
    assert!(world.points("files-vol").iter().all(|point| point.id.as_str() != id));
    let gone = call("ec2:DeleteSnapshot").with("SnapshotId", id.as_str());
    assert_eq!(world.refusal(gone), "InvalidSnapshot.NotFound");
}

#[test]
fn a_snapshot_that_is_deleted_is_no_point_any_more() {
    let world = World::new("calm");
    let points = world.points("files-vol");
    let first = points[0].id.clone();
    world.act(call("ec2:DeleteSnapshot").with("SnapshotId", first.as_str())).expect("it is deleted");
    assert_eq!(world.points("files-vol").len(), points.len() - 1);
}

#[test]
fn a_volume_in_use_stays_and_a_free_one_goes() {
    let world = World::new("calm");
    let delete = |id: &str| call("ec2:DeleteVolume").with("VolumeId", id);
    assert_eq!(world.refusal(delete(VOLUME)), "VolumeInUse");
    let create = call("ec2:CreateVolume")
        .with("AvailabilityZone", "us-east-2a")
        .with("Size", 8)
        .with("ClientToken", "token-1");
    let id = world.act(create).expect("it is made")["VolumeId"].as_str().expect("an id").to_owned();
    assert_eq!(world.refusal(delete(&id)), "IncorrectState");
    world.advance(30);
    world.act(delete(&id)).expect("it is deleted");
    assert_eq!(volume(&world, &id)["State"], "deleting");
    world.advance(10);
    assert_eq!(world.refusal(delete(&id)), "InvalidVolume.NotFound");
}

#[test]
fn an_instance_stops_and_starts_and_its_checks_take_longer() {
    let world = World::new("calm");
    let named = |operation: &str| -> Call { call(operation).with("InstanceIds", json!([INSTANCE])) };
    let address = |world: &World| {
        let found = world.look(&named("ec2:DescribeInstances")).expect("it is there");
        found["Instances"][0].get("PublicIpAddress").cloned()
    };
    assert_eq!(state(&world, INSTANCE), ("running".to_owned(), "ok".to_owned()));
    assert!(address(&world).is_some());
    let told = world.act(named("ec2:StopInstances")).expect("it stops");
    assert_eq!(
        told["StoppingInstances"][0],
        json!({"InstanceId": INSTANCE, "CurrentState": {"Name": "stopping"}, "PreviousState": {"Name": "running"}})
    );
    assert_eq!(world.refusal(named("ec2:StartInstances")), "IncorrectInstanceState");
    world.advance(45);
    assert_eq!(state(&world, INSTANCE), ("stopped".to_owned(), "not-applicable".to_owned()));
    assert_eq!(world.condition("web-2").health, Health::Down);
    assert_eq!(address(&world), None);
    // Asked again, it is stopped already.
    let told = world.act(named("ec2:StopInstances")).expect("it is stopped");
    assert_eq!(told["StoppingInstances"][0]["PreviousState"]["Name"], "stopped");
    world.act(named("ec2:StartInstances")).expect("it starts");
    assert_eq!(state(&world, INSTANCE).0, "pending");
    world.advance(30);
    assert_eq!(state(&world, INSTANCE), ("running".to_owned(), "initializing".to_owned()));
    world.advance(90);
    assert_eq!(state(&world, INSTANCE), ("running".to_owned(), "ok".to_owned()));
    assert_eq!(world.condition("web-2").health, Health::Healthy);
    assert_eq!(
        world.refusal(call("ec2:StopInstances").with("InstanceIds", json!(["i-00000000000000000"]))),
        "InvalidInstanceID.NotFound"
    );
}

#[test]
fn an_instance_that_is_found_by_a_tag_has_an_id_and_its_volumes() {
    let world = World::new("calm");
    let filters = json!([{"Name": "tag:Role", "Values": ["we*"]}]);
    let found = world.look(&call("ec2:DescribeInstances").with("Filters", filters)).expect("it is found");
    let instances = found["Instances"].as_array().expect("a list");
    assert_eq!(instances.len(), 1);
    let root = instances[0]["BlockDeviceMappings"][0]["Ebs"]["VolumeId"].as_str().expect("a root volume");
    assert_eq!(volume(&world, root)["Attachments"][0]["InstanceId"], instances[0]["InstanceId"]);
    let attached = volume(&world, VOLUME)["Attachments"][0].clone();
    let holder = call("ec2:DescribeInstances").with("InstanceIds", json!([attached["InstanceId"]]));
    let holder = world.look(&holder).expect("it is there")["Instances"][0].clone();
    let device = json!({"DeviceName": attached["Device"], "Ebs": {"VolumeId": VOLUME}});
    assert!(holder["BlockDeviceMappings"].as_array().expect("a list").contains(&device), "{holder}");
    let unknown = call("ec2:DescribeVolumes").with("VolumeIds", json!(["vol-0"]));
    assert_eq!(code(world.look(&unknown)), "InvalidVolume.NotFound");
}
