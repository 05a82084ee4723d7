//! Volumes, their snapshots and instances, as the world began and as acts left them.

use super::super::chance::Chance;
use super::super::deeds::{Sort, Thing};
use super::super::observe;
use super::super::world::{Resource, World};
use super::rds_things::{gibibytes, tags};
use super::{members, when};
use crate::domain::ids::ComponentId;
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// Beyond such a wait a snapshot lies in the archive tier (E3).
const ARCHIVED: Duration = Duration::from_secs(24 * 3600);
/// The root volume of every instance, in GiB.
const ROOT: u64 = 16;

/// Returns all things of a sort at a place, gone or not: what acts made or changed, and the world's own otherwise.
pub(super) fn all(world: &World, sort: Sort, place: &Place, now: Timestamp) -> Vec<Thing> {
    let own = match sort {
        Sort::Volume => own_volumes(world, place, now),
        Sort::Snapshot => own_snapshots(world, place, now),
        Sort::Instance => own_instances(world, place, now),
        Sort::Image => own_images(world, place, now),
        Sort::Db
        | Sort::DbSnapshot
        | Sort::DbCluster
        | Sort::Table
        | Sort::TableBackup
        | Sort::VaultPoint
        | Sort::BackupJob
        | Sort::DnsZone
        | Sort::DnsChange
        | Sort::HealthCheck
        | Sort::Bucket
        | Sort::Role
        | Sort::File
        | Sort::Upload
        | Sort::DbClusterSnapshot
        | Sort::DbGlobal => Vec::new(),
    };
    let mut all: Vec<Thing> =
        own.into_iter().filter(|thing| world.deeds.thing(sort, place, &thing.id).is_none()).collect();
    all.extend(world.deeds.things(sort, place).cloned());
    all.retain(|thing| thing.exists(now));
    all
}

/// Returns a thing that is there, shown or not.
pub(super) fn one(world: &World, sort: Sort, place: &Place, id: &str, now: Timestamp) -> Option<Thing> {
    match world.deeds.thing(sort, place, id) {
        Some(thing) => Some(thing.clone()).filter(|thing| thing.exists(now)),
        None => all(world, sort, place, now).into_iter().find(|thing| thing.id == id),
    }
}

/// Returns the components of a kind that live at a place and are there.
fn here<'a>(
    world: &'a World,
    kind: Kind,
    place: &'a Place,
    now: Timestamp,
) -> impl Iterator<Item = (&'a ComponentId, &'a Resource)> {
    world.resources.iter().filter(move |(id, resource)| {
        resource.kind == kind && resource.home == *place && observe::deleted_at(world, id, now).is_none()
    })
}

fn zone(world: &World, id: &ComponentId, place: &Place) -> String {
    let letter = Chance::new(world.seed, &format!("zone of {id}")).between(0, 3);
    format!("{}{}", place.region, ["a", "b", "c"].get(usize::try_from(letter).unwrap_or(0)).unwrap_or(&"a"))
}

/// Returns the subnet of a zone.
fn subnet(world: &World, zone: &str) -> String {
    format!("subnet-{}", Chance::new(world.seed, &format!("subnet of {zone}")).hex(17))
}

/// Returns the zone of a subnet of a Region.
pub(super) fn zone_of_subnet(world: &World, place: &Place, id: &str) -> Option<String> {
    let zones = ["a", "b", "c"].map(|letter| format!("{}{letter}", place.region));
    zones.into_iter().find(|zone| subnet(world, zone) == id)
}

/// Returns the network of a Region.
pub(super) fn vpc(world: &World, place: &Place) -> String {
    format!("vpc-{}", Chance::new(world.seed, &format!("vpc of {place}")).hex(17))
}

fn root_of(world: &World, id: &ComponentId) -> String {
    format!("vol-{}", Chance::new(world.seed, &format!("root volume of {id}")).hex(17))
}

/// Returns the instance that the volumes of a place are attached to: the first of the same environment.
fn holder<'a>(
    world: &'a World,
    volume: &Resource,
    place: &'a Place,
    now: Timestamp,
) -> Option<(&'a ComponentId, &'a Resource)> {
    let environment = volume.environment.clone();
    here(world, Kind::Ec2Instance, place, now).find(move |(_, resource)| resource.environment == environment)
}

/// Returns the letter of the device of a holder's volume.
fn device(world: &World, wanted: &ComponentId, volume: &Resource, place: &Place, now: Timestamp) -> String {
    let siblings = here(world, Kind::EbsVolume, place, now);
    let mut siblings = siblings.filter(|(_, other)| other.environment == volume.environment);
    let nth = siblings.position(|(id, _)| id == wanted).and_then(|nth| u8::try_from(nth).ok()).unwrap_or(0);
    format!("/dev/sd{}", char::from(b'f' + nth.min(10)))
}

fn own_volumes(world: &World, place: &Place, now: Timestamp) -> Vec<Thing> {
    let data = here(world, Kind::EbsVolume, place, now).map(|(id, resource)| {
        let holder = holder(world, resource, place, now);
        let attached = holder.map(|(_, instance)| {
            json!({"InstanceId": instance.name, "Device": device(world, id, resource, place, now),
                "State": "attached", "DeleteOnTermination": false})
        });
        let zone = zone(world, holder.map_or(id, |(id, _)| id), place);
        let all = members(json!({
            "VolumeId": resource.name,
            "AvailabilityZone": zone,
            "Size": gibibytes(resource),
            "VolumeType": "gp3",
            "Iops": 6000,
            "Throughput": 250,
            "Encrypted": true,
            "KmsKeyId": resource.keys.get(&place.region).map(|(key, _)| key),
            "SnapshotId": "",
            "CreateTime": when(resource.created_at),
            "MultiAttachEnabled": false,
            "Tags": tags(id, resource),
            "Attachments": attached.iter().collect::<Vec<_>>(),
        }));
        let status = if attached.is_some() { "in-use" } else { "available" };
        let name = resource.name.as_str();
        let mut thing = Thing::new(Sort::Volume, place, name, resource.created_at, status, all);
        thing.component = Some(id.clone());
        thing
    });
    let roots = here(world, Kind::Ec2Instance, place, now).map(|(id, resource)| {
        let name = root_of(world, id);
        let all = members(json!({
            "VolumeId": name,
            "AvailabilityZone": zone(world, id, place),
            "Size": ROOT,
            "VolumeType": "gp3",
            "Iops": 3000,
            "Throughput": 125,
            "Encrypted": false,
            "SnapshotId": "",
            "CreateTime": when(resource.created_at),
            "MultiAttachEnabled": false,
            "Tags": tags(id, resource),
            "Attachments": [{"InstanceId": resource.name, "Device": "/dev/xvda", "State": "attached",
                "DeleteOnTermination": true}],
        }));
        Thing::new(Sort::Volume, place, &name, resource.created_at, "in-use", all)
    });
    data.chain(roots).collect()
}

fn own_instances(world: &World, place: &Place, now: Timestamp) -> Vec<Thing> {
    let own = here(world, Kind::Ec2Instance, place, now).map(|(id, resource)| {
        let mut chance = Chance::new(world.seed, &format!("instance {id}"));
        let volumes = here(world, Kind::EbsVolume, place, now)
            .filter(|(_, volume)| holder(world, volume, place, now).is_some_and(|(holder, _)| holder == id));
        let root = json!({"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": root_of(world, id)}});
        let devices = volumes.map(|(volume, found)| {
            let device = device(world, volume, found, place, now);
            json!({"DeviceName": device, "Ebs": {"VolumeId": found.name}})
        });
        let class = resource.settings.get(&"InstanceType".into()).map_or("t3.medium", |class| class.as_str());
        let profile = resource.settings.get(&"IamInstanceProfile".into());
        let profile = profile.map(|name| {
            json!({"Arn": format!("arn:aws:iam::{}:instance-profile/{name}", place.account)})
        });
        let zone = zone(world, id, place);
        let all = members(json!({
            "InstanceId": resource.name,
            "InstanceType": class,
            "ImageId": format!("ami-{}", chance.hex(17)),
            "Placement": {"AvailabilityZone": zone},
            "PrivateIpAddress": format!("10.0.{}.{}", chance.between(0, 250), chance.between(4, 250)),
            "PublicIpAddress": format!("203.0.113.{}", chance.between(1, 250)),
            "RootDeviceType": "ebs",
            "RootDeviceName": "/dev/xvda",
            "SubnetId": subnet(world, &zone),
            "VpcId": vpc(world, place),
            "SecurityGroups": [{"GroupId": format!("sg-{}", chance.hex(17))}],
            "IamInstanceProfile": profile,
            "KeyName": format!("{}-ops", resource.environment),
            "EbsOptimized": true,
            "SourceDestCheck": true,
            "Monitoring": {"State": "enabled"},
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled",
                "HttpProtocolIpv6": "disabled", "InstanceMetadataTags": "disabled"},
            "NetworkInterfaces": [{"NetworkInterfaceId": format!("eni-{}", chance.hex(17))}],
            // `#!/bin/sh`, in base64.
            (super::ec2_machines::USER_DATA): "IyEvYmluL3NoCg==",
            "LaunchTime": when(resource.created_at),
            "BlockDeviceMappings": std::iter::once(root).chain(devices).collect::<Vec<_>>(),
            "Tags": tags(id, resource),
            "StateTransitionReason": "",
        }));
        let name = resource.name.as_str();
        let mut thing = Thing::new(Sort::Instance, place, name, resource.created_at, "running", all);
        thing.component = Some(id.clone());
        thing
    });
    own.collect()
}

/// Returns the images that protections of instances made: each with a snapshot of every volume.
fn own_images(world: &World, place: &Place, now: Timestamp) -> Vec<Thing> {
    let instances = world.resources.iter().filter(|(_, resource)| resource.kind == Kind::Ec2Instance);
    let own = instances.flat_map(|(id, resource)| {
        let points = observe::own_points(world, id, resource, place, now).into_iter();
        points.filter_map(move |point| own_image(world, id, resource, place, &point, now))
    });
    own.collect()
}

fn own_image(
    world: &World,
    id: &ComponentId,
    resource: &Resource,
    place: &Place,
    point: &RecoveryPoint,
    now: Timestamp,
) -> Option<Thing> {
    let (Holds::Until(moment), PointKind::Image) = (&point.holds, point.kind) else { return None };
    let name = point.id.as_str();
    let mut chance = Chance::new(world.seed, &format!("snapshots of {name}"));
    let volumes = here(world, Kind::EbsVolume, &resource.home, now).filter(|(_, volume)| {
        holder(world, volume, &resource.home, now).is_some_and(|(holder, _)| holder == id)
    });
    let data: Vec<_> = volumes
        .map(|(volume, found)| (device(world, volume, found, &resource.home, now), gibibytes(found)))
        .collect();
    let root = ("/dev/xvda".to_owned(), ROOT);
    let devices = std::iter::once(root).chain(data).map(|(device, size)| {
        let snapshot = format!("snap-{}", chance.hex(17));
        json!({"DeviceName": device, "Ebs": {"SnapshotId": snapshot, "Encrypted": false, "VolumeSize": size}})
    });
    let pending = point.status == PointStatus::Pending;
    let all = members(json!({
        "ImageId": name,
        "Name": format!("{id} {}", moment.strftime("%Y-%m-%d %H.%M")),
        "CreationDate": when(*moment),
        "Architecture": "x86_64",
        "RootDeviceName": "/dev/xvda",
        "SourceInstanceId": resource.name,
        "BlockDeviceMappings": devices.collect::<Vec<_>>(),
        "Tags": tags(id, resource),
    }));
    let at = if pending { now } else { *moment };
    let mut thing =
        Thing::new(Sort::Image, place, name, at, if pending { "pending" } else { "available" }, all);
    thing.component = Some(id.clone());
    Some(thing)
}

fn own_snapshots(world: &World, place: &Place, now: Timestamp) -> Vec<Thing> {
    let volumes = world.resources.iter().filter(|(_, resource)| resource.kind == Kind::EbsVolume);
    let own = volumes.flat_map(|(id, resource)| {
        let points = observe::own_points(world, id, resource, place, now).into_iter();
        points.filter_map(move |point| own_snapshot(id, resource, place, &point, now))
    });
    own.collect()
}

fn own_snapshot(
    id: &ComponentId,
    resource: &Resource,
    place: &Place,
    point: &RecoveryPoint,
    now: Timestamp,
) -> Option<Thing> {
    let Holds::Until(moment) = point.holds else { return None };
    let name = point.id.as_str();
    // A copy's volume is arbitrary (E2).
    let volume = match point.kind {
        PointKind::Snapshot => resource.name.as_str(),
        PointKind::SnapshotCopy => "vol-ffffffffffffffff0",
        _ => return None,
    };
    let archived = point.retrieval.is_some_and(|wait| wait > ARCHIVED);
    let pending = point.status == PointStatus::Pending;
    let all = members(json!({
        "SnapshotId": name,
        "VolumeId": volume,
        "StartTime": when(moment),
        "VolumeSize": gibibytes(resource),
        "Encrypted": point.key.is_some(),
        "KmsKeyId": point.key,
        "StorageTier": if archived { "archive" } else { "standard" },
        "Description": format!("of {id}, by its lifecycle policy"),
        "Tags": tags(id, resource),
        "Progress": if pending { "40%" } else { "100%" },
    }));
    let at = if pending { now } else { moment };
    let mut thing =
        Thing::new(Sort::Snapshot, place, name, at, if pending { "pending" } else { "completed" }, all);
    thing.component = Some(id.clone());
    Some(thing)
}

/// Says a thing as its service does.
pub(super) fn describe(thing: &Thing, now: Timestamp) -> Value {
    let mut all = thing.described(now);
    let status = thing.status(now);
    match thing.sort {
        Sort::Instance => all.insert("State".to_owned(), json!({"Name": status})),
        _ => all.insert("State".to_owned(), json!(status)),
    };
    if thing.sort == Sort::Snapshot && !all.contains_key("Progress") {
        all.insert("Progress".to_owned(), json!(format!("{}%", thing.percent(now))));
    }
    Value::Object(all)
}

/// Says whether a description fits all filters, as `[{Name, Values}]`; a filter that is not known fits nothing.
pub(super) fn fits(described: &Value, filters: Option<&Value>) -> bool {
    filters.and_then(Value::as_array).into_iter().flatten().all(|filter| {
        let name = filter.get("Name").and_then(Value::as_str).unwrap_or_default();
        let wanted = filter.get("Values").and_then(Value::as_array).into_iter().flatten();
        let mut wanted = wanted.filter_map(Value::as_str);
        let has = values_of(described, name);
        wanted.any(|pattern| has.iter().any(|value| is_like(value, pattern)))
    })
}

/// Returns what a filter looks at.
fn values_of(described: &Value, filter: &str) -> Vec<String> {
    let text = |value: Option<&Value>| match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Bool(_) | Value::Number(_)) => value.map(ToString::to_string).into_iter().collect(),
        _ => Vec::new(),
    };
    let tags = described.get("Tags").and_then(Value::as_array).into_iter().flatten();
    if filter == "tag-key" {
        return tags.flat_map(|tag| text(tag.get("Key"))).collect();
    }
    if let Some(key) = filter.strip_prefix("tag:") {
        let fitting = tags.filter(|tag| tag.get("Key").and_then(Value::as_str) == Some(key));
        return fitting.flat_map(|tag| text(tag.get("Value"))).collect();
    }
    let listed = |list: &str, inner: &str| {
        let list = described.get(list).and_then(Value::as_array).into_iter().flatten();
        list.flat_map(|one| text(one.pointer(inner))).collect()
    };
    match filter {
        "volume-id" => text(described.get("VolumeId")),
        "snapshot-id" => text(described.get("SnapshotId")),
        "instance-id" => text(described.get("InstanceId")),
        "name" => text(described.get("Name")),
        "status" => text(described.get("State")),
        "instance-state-name" => text(described.pointer("/State/Name")),
        "availability-zone" => text(
            described.get("AvailabilityZone").or_else(|| described.pointer("/Placement/AvailabilityZone")),
        ),
        "description" => text(described.get("Description")),
        "encrypted" => text(described.get("Encrypted")),
        "storage-tier" => text(described.get("StorageTier")),
        "volume-type" => text(described.get("VolumeType")),
        "instance-type" => text(described.get("InstanceType")),
        "image-id" => text(described.get("ImageId")),
        "attachment.instance-id" => listed("Attachments", "/InstanceId"),
        "attachment.device" => listed("Attachments", "/Device"),
        "block-device-mapping.volume-id" => listed("BlockDeviceMappings", "/Ebs/VolumeId"),
        _ => Vec::new(),
    }
}

/// Says whether a text is like a pattern in which `*` stands for anything and `?` for one character.
fn is_like(text: &str, pattern: &str) -> bool {
    let (mut text, mut rest) = (text.chars(), pattern.chars());
    loop {
        match rest.next() {
            None => return text.next().is_none(),
            Some('*') => {
                let rest = rest.as_str();
                let mut from = text.clone();
                loop {
                    if is_like(from.as_str(), rest) {
                        return true;
                    }
                    if from.next().is_none() {
                        return false;
                    }
                }
            }
            Some('?') if text.next().is_none() => return false,
            Some('?') => {}
            Some(c) if text.next() != Some(c) => return false,
            Some(_) => {}
        }
    }
}

/// Returns the value of a tag.
fn tag(thing: &Thing, now: Timestamp, key: &str) -> Option<String> {
    let tags = thing.member(now, "Tags").and_then(Value::as_array)?;
    let found = tags.iter().find(|tag| tag.get("Key").and_then(Value::as_str) == Some(key))?;
    found.get("Value").and_then(Value::as_str).map(str::to_owned)
}

/// Returns the images of an instance that acts made.
pub(in super::super) fn image_points(
    world: &World,
    resource: &Resource,
    place: &Place,
    now: Timestamp,
) -> Vec<RecoveryPoint> {
    let made = world.deeds.things(Sort::Image, place).filter(|thing| {
        thing.component.is_none()
            && thing.is_shown(now)
            && thing.text(now, "SourceInstanceId") == resource.name.as_str()
    });
    let points = made.filter_map(|thing| {
        let at = thing.phases.first()?.at;
        let mut point = RecoveryPoint::new(&thing.id, PointKind::Image, place.clone(), Holds::Until(at));
        point.status = match thing.status(now) {
            "available" => PointStatus::Available,
            "pending" => PointStatus::Pending,
            other => PointStatus::Failed(other.into()),
        };
        Some(point)
    });
    points.collect()
}

/// Returns the recovery points of a volume that acts made.
pub(in super::super) fn made_points(
    world: &World,
    resource: &Resource,
    place: &Place,
    now: Timestamp,
) -> Vec<RecoveryPoint> {
    let made = world.deeds.things(Sort::Snapshot, place).filter_map(|thing| {
        // A copy says in its tags what it is of: its volume is arbitrary (E2).
        let copied = tag(thing, now, "lifeboat:source-volume").is_some_and(|of| of == resource.name.as_str());
        let own = thing.text(now, "VolumeId") == resource.name.as_str();
        // What was there before is among the component's own points.
        let made = thing.component.is_none() && thing.is_shown(now) && (own || copied);
        made.then_some((thing, copied))
    });
    let points = made.filter_map(|(thing, copied)| {
        // Its moment is when it was begun, however long it takes (E1).
        let taken = tag(thing, now, "lifeboat:taken-at").filter(|_| copied).and_then(|at| at.parse().ok());
        let at = taken.or_else(|| Some(thing.phases.first()?.at))?;
        let kind = if copied { PointKind::SnapshotCopy } else { PointKind::Snapshot };
        let mut point = RecoveryPoint::new(&thing.id, kind, place.clone(), Holds::Until(at));
        point.status = match thing.status(now) {
            "completed" => PointStatus::Available,
            "pending" => PointStatus::Pending,
            other => PointStatus::Failed(other.into()),
        };
        point.key = thing.member(now, "KmsKeyId").and_then(Value::as_str).map(Into::into);
        let size = thing.member(now, "VolumeSize").and_then(Value::as_u64);
        point.size_bytes = size.map(|size| size << 30);
        Some(point)
    });
    points.collect()
}
