//! EC2: images, launches and terminations, and volumes that are attached and detached.

use super::super::deeds::{Change, Phase, Sort, Thing};
use super::ec2::{CHECKED, known, listed, only};
use super::ec2_things::{all, describe, zone_of_subnet};
use super::{Asked, Deal, Done, Told, members, refused, when};
use crate::domain::duration::after;
use crate::domain::ids::Region;
use crate::domain::place::Place;
use crate::provider::port::CallTrouble;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a launched instance takes to run, and until its checks pass.
const LAUNCHING: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(120));
/// How long an instance takes to end, and for how long it is described after that.
const ENDING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(3600));
/// How long a volume takes to hang, or to be free.
const HANGING: Duration = Duration::from_secs(4);
/// How long an image of a stopped instance takes, and how much longer a copy.
const IMAGING: (Duration, Duration) = (Duration::from_secs(240), Duration::from_secs(900));
const NO_IMAGE: &str = "InvalidAMIID.NotFound";
const NO_INSTANCE: &str = "InvalidInstanceID.NotFound";
const NO_VOLUME: &str = "InvalidVolume.NotFound";

pub(super) fn images(asked: &Asked<'_>) -> Told {
    let found = listed(asked, Sort::Image, "ImageIds", NO_IMAGE)?;
    let found: Vec<Value> = found.iter().map(|thing| describe(thing, asked.now)).collect();
    Ok(json!({"Images": found}))
}

pub(super) fn attribute(asked: &Asked<'_>) -> Told {
    let thing = known(asked, Sort::Instance, asked.required("InstanceId")?, NO_INSTANCE)?;
    let data = thing.text(asked.now, USER_DATA);
    let mut body = json!({"InstanceId": thing.id});
    if asked.required("Attribute")? == "userData" && !data.is_empty() {
        body = json!({"InstanceId": thing.id, "UserData": {"Value": data}});
    }
    Ok(body)
}

/// Where an instance keeps its user data, which its description does not show.
pub(super) const USER_DATA: &str = "-user-data";

/// Returns what an earlier call with the same token made; refuses the token with other arguments.
fn by_token(asked: &Asked<'_>, sort: Sort) -> Result<Option<Thing>, CallTrouble> {
    let Some(token) = asked.text("ClientToken") else { return Ok(None) };
    let mut made = asked.world.deeds.things(sort, &asked.call.place);
    let known = made.find(|thing| thing.token.as_ref().is_some_and(|(known, _)| known == token));
    match known {
        Some(known) if known.token.as_ref().is_some_and(|(_, digest)| *digest == asked.call.digest()) => {
            Ok(Some(known.clone()))
        }
        Some(_) => {
            let says = "the token was used before with other parameters";
            Err(refused("IdempotentParameterMismatch", 400, says))
        }
        None => Ok(None),
    }
}

fn changed(body: Value, target: &str, changes: Vec<Change>) -> Deal {
    Deal { body, target: target.to_owned(), changes }
}

fn name_is_free(asked: &Asked<'_>, name: &str) -> Result<(), CallTrouble> {
    let mut taken = all(asked.world, Sort::Image, &asked.call.place, asked.now).into_iter();
    match taken.find(|image| image.text(asked.now, "Name") == name) {
        Some(image) => {
            let says = format!("AMI name {name} is already in use by AMI {}", image.id);
            Err(refused("InvalidAMIName.Duplicate", 400, &says))
        }
        None => Ok(()),
    }
}

pub(super) fn create_image(asked: &Asked<'_>) -> Done {
    let (place, now) = (&asked.call.place, asked.now);
    let instance = known(asked, Sort::Instance, asked.required("InstanceId")?, NO_INSTANCE)?;
    let state = instance.status(now).to_owned();
    if !["running", "stopped"].contains(&state.as_str()) {
        return Err(refused("IncorrectState", 400, &format!("{} is {state}", instance.id)));
    }
    let name = asked.required("Name")?;
    name_is_free(asked, name)?;
    let mut chance = asked.chance();
    let id = format!("ami-{}", chance.hex(17));
    let volumes = all(asked.world, Sort::Volume, place, now);
    let devices = instance.member(now, "BlockDeviceMappings").and_then(Value::as_array).cloned();
    let mut changes = Vec::new();
    let mut mappings = Vec::new();
    for device in devices.into_iter().flatten() {
        let volume = device.pointer("/Ebs/VolumeId").and_then(Value::as_str).unwrap_or_default();
        let Some(volume) = volumes.iter().find(|thing| thing.id == *volume) else { continue };
        let snapshot = format!("snap-{}", chance.hex(17));
        let member = |name: &str| volume.member(now, name).cloned();
        let all = members(json!({
            "SnapshotId": snapshot,
            "VolumeId": volume.id,
            "StartTime": when(now),
            "VolumeSize": member("Size"),
            "Encrypted": member("Encrypted"),
            "KmsKeyId": member("KmsKeyId"),
            "StorageTier": "standard",
            "Description": format!("Created by CreateImage({}) for {id}", instance.id),
            "Tags": asked.tags("snapshot"),
        }));
        let mut thing = Thing::new(Sort::Snapshot, place, &snapshot, now, "pending", all);
        thing.then(now, [Phase::new(after(now, IMAGING.0), "completed")]);
        changes.push(Change::Made(Box::new(thing)));
        mappings.push(json!({"DeviceName": device.get("DeviceName"),
            "Ebs": {"SnapshotId": snapshot, "Encrypted": member("Encrypted"), "VolumeSize": member("Size")}}));
    }
    let all = members(json!({
        "ImageId": id,
        "Name": name,
        "Description": asked.text("Description"),
        "CreationDate": when(now),
        "Architecture": "x86_64",
        "RootDeviceName": instance.member(now, "RootDeviceName"),
        "SourceInstanceId": instance.id,
        "BlockDeviceMappings": mappings,
        "Tags": asked.tags("image"),
    }));
    let mut image = Thing::new(Sort::Image, place, &id, now, "pending", all);
    image.then(now, [Phase::new(after(now, IMAGING.0), "available")]);
    changes.push(Change::Made(Box::new(image)));
    Ok(changed(json!({ "ImageId": id }), &id, changes))
}

pub(super) fn copy_image(asked: &Asked<'_>) -> Done {
    let (place, now) = (&asked.call.place, asked.now);
    if let Some(known) = by_token(asked, Sort::Image)? {
        return Ok(changed(json!({"ImageId": known.id}), &known.id, Vec::new()));
    }
    let name = asked.required("Name")?;
    name_is_free(asked, name)?;
    let from = Place { region: Region::new(asked.required("SourceRegion")?), ..place.clone() };
    let source = asked.required("SourceImageId")?;
    let there = all(asked.world, Sort::Image, &from, now).into_iter().find(|image| image.id == source);
    let Some(image) = there.filter(|image| image.status(now) == "available") else {
        return Err(refused(NO_IMAGE, 400, &format!("The image id '[{source}]' does not exist")));
    };
    let id = format!("ami-{}", asked.chance().hex(17));
    let mut tags = asked.tags("image");
    if asked.flag("CopyImageTags") == Some(true) {
        let own = image.member(now, "Tags").and_then(Value::as_array).cloned().unwrap_or_default();
        tags.extend(own.into_iter().filter(|tag| {
            let key = tag.get("Key").and_then(Value::as_str).unwrap_or_default();
            !key.starts_with("lifeboat:")
        }));
    }
    let mut all = image.described(now);
    all.extend(members(json!({
        "ImageId": id,
        "Name": name,
        "CreationDate": when(now),
        "SourceImageId": source,
        "SourceImageRegion": from.region.as_str(),
        "Tags": tags,
    })));
    let mut copy = Thing::new(Sort::Image, place, &id, now, "pending", all);
    copy.then(now, [Phase::new(after(now, IMAGING.1), "available")]);
    copy.token = asked.text("ClientToken").map(|token| (token.to_owned(), asked.call.digest()));
    Ok(changed(json!({ "ImageId": id }), &id, vec![Change::Made(Box::new(copy))]))
}

pub(super) fn deregister_image(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut image = known(asked, Sort::Image, asked.required("ImageId")?, NO_IMAGE)?;
    let mut changes = Vec::new();
    if asked.flag("DeleteAssociatedSnapshots") == Some(true) {
        let mappings = image.member(now, "BlockDeviceMappings").and_then(Value::as_array).cloned();
        for mapping in mappings.into_iter().flatten() {
            let id = mapping.pointer("/Ebs/SnapshotId").and_then(Value::as_str).unwrap_or_default();
            let Some(snapshot) = asked.world.deeds.thing(Sort::Snapshot, &asked.call.place, id) else {
                continue;
            };
            let mut snapshot = snapshot.clone();
            snapshot.gone_from = Some(now);
            changes.push(Change::Changed(Box::new(snapshot)));
        }
    }
    image.gone_from = Some(now);
    let id = image.id.clone();
    changes.push(Change::Changed(Box::new(image)));
    Ok(changed(json!({}), &id, changes))
}

pub(super) fn run(asked: &Asked<'_>) -> Done {
    let (place, now) = (&asked.call.place, asked.now);
    if let Some(known) = by_token(asked, Sort::Instance)? {
        return Ok(changed(json!({"Instances": [describe(&known, now)]}), &known.id, Vec::new()));
    }
    let image = known(asked, Sort::Image, asked.required("ImageId")?, NO_IMAGE)?;
    if image.status(now) != "available" {
        let says = format!("The image {} is {}", image.id, image.status(now));
        return Err(refused("InvalidAMIID.Unavailable", 400, &says));
    }
    let subnet = asked.required("SubnetId")?;
    let Some(zone) = zone_of_subnet(asked.world, place, subnet) else {
        return Err(refused(
            "InvalidSubnetID.NotFound",
            400,
            &format!("The subnet ID '{subnet}' does not exist"),
        ));
    };
    let mut chance = asked.chance();
    let address = match asked.text("PrivateIpAddress") {
        Some(address) => {
            let mut others = all(asked.world, Sort::Instance, place, now).into_iter();
            if others.any(|other| other.text(now, "PrivateIpAddress") == address) {
                let says = format!("Address {address} is in use.");
                return Err(refused("InvalidIPAddress.InUse", 400, &says));
            }
            address.to_owned()
        }
        None => format!("10.0.{}.{}", chance.between(0, 250), chance.between(4, 250)),
    };
    let id = format!("i-{}", chance.hex(17));
    let mut changes = Vec::new();
    let mut devices = Vec::new();
    let mappings = image.member(now, "BlockDeviceMappings").and_then(Value::as_array).cloned();
    for mapping in mappings.into_iter().flatten() {
        let (device, ebs) =
            (mapping.get("DeviceName").cloned(), mapping.get("Ebs").cloned().unwrap_or_default());
        let volume = format!("vol-{}", chance.hex(17));
        let all = members(json!({
            "VolumeId": volume,
            "AvailabilityZone": zone,
            "Size": ebs.get("VolumeSize"),
            "VolumeType": "gp3",
            "Iops": 3000,
            "Throughput": 125,
            "Encrypted": ebs.get("Encrypted"),
            "SnapshotId": ebs.get("SnapshotId"),
            "CreateTime": when(now),
            "MultiAttachEnabled": false,
            "Tags": asked.tags("volume"),
            "Attachments": [{"InstanceId": id, "Device": device, "State": "attached", "DeleteOnTermination": true}],
        }));
        changes.push(Change::Made(Box::new(Thing::new(Sort::Volume, place, &volume, now, "in-use", all))));
        devices.push(json!({"DeviceName": device, "Ebs": {"VolumeId": volume}}));
    }
    let profile = asked.value("IamInstanceProfile").map(|profile| {
        let name = profile.get("Name").and_then(Value::as_str);
        let named = name.map(|name| json!(format!("arn:aws:iam::{}:instance-profile/{name}", place.account)));
        json!({"Arn": named.or_else(|| profile.get("Arn").cloned())})
    });
    let groups = asked.list("SecurityGroupIds");
    let groups = if groups.is_empty() { vec!["sg-00000000000default"] } else { groups };
    let mut options =
        members(json!({"HttpTokens": "optional", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled",
        "HttpProtocolIpv6": "disabled", "InstanceMetadataTags": "disabled"}));
    options.extend(asked.value("MetadataOptions").cloned().map(members).unwrap_or_default());
    let monitors = asked.value("Monitoring").and_then(|one| one.get("Enabled")?.as_bool()) == Some(true);
    let described = members(json!({
        "InstanceId": id,
        "InstanceType": asked.text("InstanceType").unwrap_or("m1.small"),
        "ImageId": image.id,
        "Placement": {"AvailabilityZone": zone},
        "PrivateIpAddress": address,
        "RootDeviceType": "ebs",
        "RootDeviceName": image.member(now, "RootDeviceName"),
        "LaunchTime": when(now),
        "SubnetId": subnet,
        "VpcId": super::ec2_things::vpc(asked.world, place),
        "SecurityGroups": groups.iter().map(|id| json!({"GroupId": id})).collect::<Vec<_>>(),
        "IamInstanceProfile": profile,
        "KeyName": asked.text("KeyName"),
        "EbsOptimized": asked.flag("EbsOptimized").unwrap_or(false),
        "SourceDestCheck": true,
        "Monitoring": {"State": if monitors { "enabled" } else { "disabled" }},
        "MetadataOptions": options,
        "NetworkInterfaces": [{"NetworkInterfaceId": format!("eni-{}", chance.hex(17))}],
        "BlockDeviceMappings": devices,
        "Tags": asked.tags("instance"),
        "StateTransitionReason": "",
        (USER_DATA): asked.text("UserData"),
    }));
    let mut thing = Thing::new(Sort::Instance, place, &id, now, "pending", described);
    let (running, checked) = (after(now, LAUNCHING.0), after(now, LAUNCHING.0 + LAUNCHING.1));
    thing.then(now, [Phase::new(running, "running").with(CHECKED, checked.to_string())]);
    thing.token = asked.text("ClientToken").map(|token| (token.to_owned(), asked.call.digest()));
    let body = json!({"Instances": [describe(&thing, now)]});
    changes.push(Change::Made(Box::new(thing)));
    Ok(changed(body, &id, changes))
}

pub(super) fn terminate(asked: &Asked<'_>) -> Done {
    let (place, now) = (&asked.call.place, asked.now);
    let ids = asked.list("InstanceIds");
    let (mut told, mut changes) = (Vec::new(), Vec::new());
    for id in &ids {
        let mut thing = known(asked, Sort::Instance, id, NO_INSTANCE)?;
        let before = thing.status(now).to_owned();
        if before != "shutting-down" && before != "terminated" {
            let ends = after(now, ENDING.0);
            // What is no more is described without what it had (E7).
            let bare = ["SubnetId", "VpcId", "PrivateIpAddress", "PublicIpAddress", "IamInstanceProfile"];
            let mut last = Phase::new(ends, "terminated");
            for name in bare {
                last = last.with(name, Value::Null);
            }
            let last = last.with("SecurityGroups", json!([])).with("BlockDeviceMappings", json!([]));
            thing.then(now, [Phase::new(now, "shutting-down"), last]);
            thing.gone_from = Some(after(ends, ENDING.1));
            for mut volume in all(asked.world, Sort::Volume, place, now) {
                let Some(attached) = attachment(&volume, id, now) else { continue };
                if attached.get("DeleteOnTermination") == Some(&json!(true)) {
                    volume.gone_from = Some(ends);
                } else {
                    volume.then(now, [Phase::new(ends, "available").with("Attachments", json!([]))]);
                }
                changes.push(Change::Changed(Box::new(volume)));
            }
            changes.push(Change::Changed(Box::new(thing.clone())));
        }
        told.push(json!({"InstanceId": id, "CurrentState": {"Name": thing.status(now)},
            "PreviousState": {"Name": before}}));
    }
    Ok(changed(json!({"TerminatingInstances": told}), &ids.join(" "), changes))
}

/// Returns how a volume hangs on an instance.
fn attachment(volume: &Thing, instance: &str, now: Timestamp) -> Option<Value> {
    let all = volume.member(now, "Attachments").and_then(Value::as_array)?;
    all.iter().find(|one| one.get("InstanceId").and_then(Value::as_str) == Some(instance)).cloned()
}

pub(super) fn attach(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut volume = known(asked, Sort::Volume, asked.required("VolumeId")?, NO_VOLUME)?;
    let mut instance = known(asked, Sort::Instance, asked.required("InstanceId")?, NO_INSTANCE)?;
    let device = asked.required("Device")?;
    if !["running", "stopped"].contains(&instance.status(now)) {
        let says = format!("Instance '{}' is not 'running' or 'stopped'", instance.id);
        return Err(refused("IncorrectState", 400, &says));
    }
    match volume.status(now) {
        "available" => {}
        "in-use" => {
            let says = format!("{} is already attached to an instance", volume.id);
            return Err(refused("VolumeInUse", 400, &says));
        }
        other => return Err(refused("IncorrectState", 400, &format!("{} is {other}", volume.id))),
    }
    let zone =
        instance.member(now, "Placement").and_then(|placement| placement.get("AvailabilityZone")).cloned();
    if zone.as_ref() != volume.member(now, "AvailabilityZone") {
        let says = format!(
            "The volume '{}' is not in the same availability zone as instance '{}'",
            volume.id, instance.id
        );
        return Err(refused("InvalidVolume.ZoneMismatch", 400, &says));
    }
    let devices = instance.member(now, "BlockDeviceMappings").and_then(Value::as_array);
    let mut devices = devices.cloned().unwrap_or_default();
    if devices.iter().any(|one| one.get("DeviceName").and_then(Value::as_str) == Some(device)) {
        let says =
            format!("Invalid value '{device}' for unixDevice. Attachment point {device} is already in use");
        return Err(refused("InvalidParameterValue", 400, &says));
    }
    devices.push(json!({"DeviceName": device, "Ebs": {"VolumeId": volume.id}}));
    let hangs = |state: &str| json!([{"InstanceId": instance.id, "Device": device, "State": state, "DeleteOnTermination": false}]);
    let begins = Phase::new(now, "in-use").with("Attachments", hangs("attaching"));
    let ends = Phase::new(after(now, HANGING), "in-use").with("Attachments", hangs("attached"));
    let body =
        json!({"VolumeId": volume.id, "InstanceId": instance.id, "Device": device, "State": "attaching"});
    volume.then(now, [begins, ends]);
    patch(&mut instance, now, "BlockDeviceMappings", Value::Array(devices));
    let target = volume.id.clone();
    Ok(changed(body, &target, vec![Change::Changed(Box::new(volume)), Change::Changed(Box::new(instance))]))
}

/// Changes a member of a thing from now on, whatever else it goes through.
fn patch(thing: &mut Thing, now: Timestamp, name: &str, value: Value) {
    let later: Vec<Phase> = thing.phases.iter().filter(|phase| phase.at > now).cloned().collect();
    let state = thing.status(now).to_owned();
    thing.then(now, std::iter::once(Phase::new(now, &state).with(name, value)).chain(later));
}

pub(super) fn detach(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut volume = known(asked, Sort::Volume, asked.required("VolumeId")?, NO_VOLUME)?;
    let attached =
        volume.member(now, "Attachments").and_then(Value::as_array).and_then(|all| all.first()).cloned();
    let Some(attached) = attached.filter(|_| volume.status(now) == "in-use") else {
        let says = format!("Volume '{}' is in the '{}' state.", volume.id, volume.status(now));
        return Err(refused("IncorrectState", 400, &says));
    };
    let holder = attached.get("InstanceId").and_then(Value::as_str).unwrap_or_default();
    if asked.text("InstanceId").is_some_and(|named| named != holder) {
        let says = format!("The volume '{}' is not attached to instance", volume.id);
        return Err(refused("InvalidAttachment.NotFound", 400, &says));
    }
    let mut instance = known(asked, Sort::Instance, holder, NO_INSTANCE)?;
    let device = attached.get("Device").cloned();
    if instance.member(now, "RootDeviceName") == device.as_ref() && instance.status(now) != "stopped" {
        let says = format!("Unable to detach root volume '{}' from instance '{holder}'", volume.id);
        return Err(refused("OperationNotPermitted", 400, &says));
    }
    let devices = instance.member(now, "BlockDeviceMappings").and_then(Value::as_array);
    let mut devices = devices.cloned().unwrap_or_default();
    devices.retain(|one| one.pointer("/Ebs/VolumeId").and_then(Value::as_str) != Some(&volume.id));
    let hangs =
        json!([{"InstanceId": holder, "Device": device, "State": "detaching", "DeleteOnTermination": false}]);
    let begins = Phase::new(now, "in-use").with("Attachments", hangs);
    let ends = Phase::new(after(now, HANGING), "available").with("Attachments", json!([]));
    let body = json!({"VolumeId": volume.id, "InstanceId": holder, "Device": device, "State": "detaching"});
    volume.then(now, [begins, ends]);
    patch(&mut instance, now, "BlockDeviceMappings", Value::Array(devices));
    let target = volume.id.clone();
    Ok(changed(
        only(&body, &["VolumeId", "InstanceId", "Device", "State"]),
        &target,
        vec![Change::Changed(Box::new(volume)), Change::Changed(Box::new(instance))],
    ))
}
