//! What the calls on images, launches, attachments and copies bring, whoever answers them.

use super::calls::{
    CHANGE, INSTANCE, Members, SNAPSHOT, World, act, gone, holds, look, one, refused, shaped, until,
};
use lifeboat::domain::place::Place;
use lifeboat::provider::port::{Act, Look};
use lifeboat::runbook::call::Call;
use serde_json::{Value, json};

const IMAGE: Members = Members {
    must: &["ImageId", "Name", "State", "CreationDate", "BlockDeviceMappings", "Tags"],
    may: &[
        "Description",
        "StateReason",
        "Architecture",
        "RootDeviceName",
        "SourceInstanceId",
        "SourceImageId",
        "SourceImageRegion",
    ],
};
const ATTACHED: Members = Members { must: &["VolumeId", "InstanceId", "Device", "State"], may: &[] };

fn tagged(sort: &str) -> Value {
    json!([{"ResourceType": sort, "Tags": [{"Key": "lifeboat:run", "Value": "r"},
        {"Key": "lifeboat:step", "Value": "machines"}]}])
}

fn by_tag() -> Value {
    json!([{"Name": "tag:lifeboat:step", "Values": ["machines"]}])
}

/// Makes every call on images, launches, attachments and copies once, well.
pub(crate) async fn machines_go_well(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let asked = world.call("ec2:DescribeInstances", json!({"InstanceIds": [world.instance]}));
    let original = look(looks, &asked).await;
    let original = one(&original, "Instances", &INSTANCE).clone();
    let data = json!({"InstanceId": world.instance, "Attribute": "userData"});
    let data = look(looks, &world.call("ec2:DescribeInstanceAttribute", data)).await;
    shaped(&data.body, &Members { must: &["InstanceId"], may: &["UserData"] });

    let image = image(looks, acts, world).await;
    let mut launch = world.call(
        "ec2:RunInstances",
        json!({"ImageId": image, "InstanceType": original["InstanceType"], "SubnetId": original["SubnetId"],
            "EbsOptimized": false, "MetadataOptions": {"HttpTokens": "required", "HttpEndpoint": "enabled"},
            "UserData": "IyEvYmluL3NoCg==", "MinCount": 1, "MaxCount": 1, "ClientToken": "lifeboat-machines-1",
            "TagSpecifications": tagged("instance")}),
    );
    // moto launches without any group.
    if let Some(group) = original["SecurityGroups"][0]["GroupId"].as_str() {
        launch.arguments.insert("SecurityGroupIds".to_owned(), json!([group]));
    }
    let made = act(acts, &launch).await;
    let made = one(&made, "Instances", &INSTANCE);
    let asked = world.call("ec2:DescribeInstances", json!({"InstanceIds": [made["InstanceId"]]}));
    until(looks, &asked, "running", holds("/Instances/0/State/Name", json!("running"))).await;
    let found = look(looks, &world.call("ec2:DescribeInstances", json!({"Filters": by_tag()}))).await;
    let found = one(&found, "Instances", &INSTANCE);
    assert_eq!((&found["SubnetId"], &found["InstanceId"]), (&original["SubnetId"], &made["InstanceId"]));
    let data = json!({"InstanceId": made["InstanceId"], "Attribute": "userData"});
    let data = look(looks, &world.call("ec2:DescribeInstanceAttribute", data)).await;
    assert_eq!(data.body["UserData"]["Value"], "IyEvYmluL3NoCg==");
    attachments(looks, acts, world, found).await;

    let ends = world.call("ec2:TerminateInstances", json!({"InstanceIds": [made["InstanceId"]]}));
    let told = act(acts, &ends).await;
    assert_eq!(one(&told, "TerminatingInstances", &CHANGE)["InstanceId"], made["InstanceId"]);
    until(looks, &asked, "terminated", holds("/Instances/0/State/Name", json!("terminated"))).await;
    let away =
        world.call("ec2:DeregisterImage", json!({"ImageId": image, "DeleteAssociatedSnapshots": true}));
    assert_eq!(act(acts, &away).await.body, json!({}));
    copies(looks, acts, world).await;
}

async fn image(looks: &dyn Look, acts: &dyn Act, world: &World) -> Value {
    let create = world.call(
        "ec2:CreateImage",
        json!({"InstanceId": world.instance, "Name": "machines-1", "Description": "before", "NoReboot": true,
            "TagSpecifications": tagged("image")}),
    );
    let made = act(acts, &create).await;
    let image = shaped(&made.body, &Members { must: &["ImageId"], may: &[] })["ImageId"].clone();
    let asked = world.call("ec2:DescribeImages", json!({"ImageIds": [image]}));
    until(looks, &asked, "available", holds("/Images/0/State", json!("available"))).await;
    assert_eq!(one(&look(looks, &asked).await, "Images", &IMAGE)["Name"], "machines-1");
    for filters in [by_tag(), json!([{"Name": "name", "Values": ["machines-1"]}])] {
        let mine = world.call("ec2:DescribeImages", json!({"Owners": ["self"], "Filters": filters}));
        assert_eq!(one(&look(looks, &mine).await, "Images", &IMAGE)["ImageId"], image);
    }
    image
}

async fn attachments(looks: &dyn Look, acts: &dyn Act, world: &World, instance: &Value) {
    let create = world.call(
        "ec2:CreateVolume",
        json!({"SnapshotId": world.snapshot, "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
            "VolumeType": "gp3", "ClientToken": "lifeboat-machines-2"}),
    );
    let volume = act(acts, &create).await.body["VolumeId"].clone();
    let asked = world.call("ec2:DescribeVolumes", json!({"VolumeIds": [volume]}));
    until(looks, &asked, "available", holds("/Volumes/0/State", json!("available"))).await;
    let hang = json!({"VolumeId": volume, "InstanceId": instance["InstanceId"], "Device": "/dev/sdx"});
    let told = act(acts, &world.call("ec2:AttachVolume", hang.clone())).await;
    shaped(&told.body, &ATTACHED);
    until(looks, &asked, "attached", holds("/Volumes/0/Attachments/0/State", json!("attached"))).await;
    assert_eq!(look(looks, &asked).await.body["Volumes"][0]["Attachments"][0]["Device"], "/dev/sdx");
    let told = act(acts, &world.call("ec2:DetachVolume", hang)).await;
    shaped(&told.body, &ATTACHED);
    until(looks, &asked, "free", holds("/Volumes/0/State", json!("available"))).await;
    act(acts, &world.call("ec2:DeleteVolume", json!({"VolumeId": volume}))).await;
}

async fn copies(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let away = Place { region: "us-west-2".into(), ..world.place.clone() };
    let there =
        |operation: &str, arguments: Value| Call { place: away.clone(), ..world.call(operation, arguments) };
    let copy = there(
        "ec2:CopySnapshot",
        json!({"SourceSnapshotId": world.snapshot, "SourceRegion": world.place.region.as_str(), "Description": "copy",
            "TagSpecifications": tagged("snapshot")}),
    );
    let made = act(acts, &copy).await;
    let snapshot = shaped(&made.body, &Members { must: &["SnapshotId"], may: &[] })["SnapshotId"].clone();
    let mine = there("ec2:DescribeSnapshots", json!({"OwnerIds": ["self"], "Filters": by_tag()}));
    until(looks, &mine, "completed", holds("/Snapshots/0/State", json!("completed"))).await;
    assert_eq!(one(&look(looks, &mine).await, "Snapshots", &SNAPSHOT)["SnapshotId"], snapshot);
    act(acts, &there("ec2:DeleteSnapshot", json!({"SnapshotId": snapshot}))).await;
    let asked = there("ec2:DescribeSnapshots", json!({"SnapshotIds": [snapshot]}));
    until(looks, &asked, "gone", gone("InvalidSnapshot.NotFound")).await;
    refused(acts, &there("ec2:DeleteSnapshot", json!({"SnapshotId": snapshot})), "InvalidSnapshot.NotFound")
        .await;
}

/// Makes the calls on the archive and on locks; of test servers none knows them, so this is held to the sandbox alone.
pub(crate) async fn snapshots_are_kept(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let filters = json!([{"Name": "snapshot-id", "Values": [world.snapshot]}]);
    let tier = look(looks, &world.call("ec2:DescribeSnapshotTierStatus", json!({"Filters": filters}))).await;
    let may = &["LastTieringOperationStatus", "RestoreExpiryTime"];
    one(&tier, "SnapshotTierStatuses", &Members { must: &["SnapshotId", "StorageTier"], may });
    let back = json!({"SnapshotId": world.snapshot, "TemporaryRestoreDays": 3});
    refused(acts, &world.call("ec2:RestoreSnapshotTier", back), "IncorrectState").await;
    let asked = world.call("ec2:DescribeLockedSnapshots", json!({"SnapshotIds": [world.snapshot]}));
    assert_eq!(look(looks, &asked).await.body, json!({"Snapshots": []}));
    let lock = json!({"SnapshotId": world.snapshot, "LockMode": "governance", "LockDuration": 7});
    let must = &["SnapshotId", "LockState", "LockDuration", "LockExpiresOn"];
    shaped(&act(acts, &world.call("ec2:LockSnapshot", lock)).await.body, &Members { must, may: &[] });
    one(&look(looks, &asked).await, "Snapshots", &Members { must, may: &[] });
    act(acts, &world.call("ec2:UnlockSnapshot", json!({"SnapshotId": world.snapshot}))).await;
    assert_eq!(look(looks, &asked).await.body, json!({"Snapshots": []}));
}
