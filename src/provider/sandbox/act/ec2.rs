//! EC2: volumes from snapshots, snapshots of volumes, and instances that stop and start.

use super::super::deeds::{Change, Phase, Sort, Thing};
use super::ec2_snapshots::lock_of;
use super::ec2_things::{all, describe, fits, one};
use super::rds_things::key_works;
use super::{Asked, Deal, Done, Told, members, refused, when};
use crate::domain::duration::after;
use crate::provider::port::CallTrouble;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long an instance takes to stop, to stop by force, to start, and until its checks pass.
const STOPPING: (Duration, Duration) = (Duration::from_secs(40), Duration::from_secs(15));
const STARTING: (Duration, Duration) = (Duration::from_secs(25), Duration::from_secs(90));
/// How long a volume takes to go.
const DELETING: Duration = Duration::from_secs(6);
/// The most snapshots of a volume that may be pending (E4).
const PENDING: usize = 5;
/// Where a started instance says from when its checks pass.
pub(super) const CHECKED: &str = "-checked-from";

/// Describes things of a sort: those that are named, or those that fit the filters.
pub(super) fn listed(
    asked: &Asked<'_>,
    sort: Sort,
    ids: &str,
    gone: &str,
) -> Result<Vec<Thing>, CallTrouble> {
    let (place, now) = (&asked.call.place, asked.now);
    let named = asked.list(ids);
    let mut found: Vec<Thing> = all(asked.world, sort, place, now);
    found.retain(|thing| thing.is_shown(now) && (named.is_empty() || named.contains(&thing.id.as_str())));
    if let Some(id) = named.iter().find(|id| found.iter().all(|thing| thing.id != **id)) {
        return Err(refused(gone, 400, &format!("'{id}' does not exist.")));
    }
    let filters = asked.value("Filters");
    found.retain(|thing| fits(&describe(thing, now), filters));
    Ok(found)
}

pub(super) fn snapshots(asked: &Asked<'_>) -> Told {
    let found = listed(asked, Sort::Snapshot, "SnapshotIds", "InvalidSnapshot.NotFound")?;
    let found: Vec<Value> = found.iter().map(|thing| describe(thing, asked.now)).collect();
    Ok(json!({"Snapshots": found}))
}

pub(super) fn volumes(asked: &Asked<'_>) -> Told {
    let found = listed(asked, Sort::Volume, "VolumeIds", "InvalidVolume.NotFound")?;
    let found: Vec<Value> = found.iter().map(|thing| describe(thing, asked.now)).collect();
    Ok(json!({"Volumes": found}))
}

pub(super) fn instances(asked: &Asked<'_>) -> Told {
    let found = listed(asked, Sort::Instance, "InstanceIds", "InvalidInstanceID.NotFound")?;
    let found: Vec<Value> = found.iter().map(|thing| describe(thing, asked.now)).collect();
    Ok(json!({"Instances": found}))
}

pub(super) fn statuses(asked: &Asked<'_>) -> Told {
    let now = asked.now;
    let mut found = listed(asked, Sort::Instance, "InstanceIds", "InvalidInstanceID.NotFound")?;
    if asked.flag("IncludeAllInstances") != Some(true) {
        found.retain(|thing| thing.status(now) == "running");
    }
    let statuses = found.iter().map(|thing| {
        let state = thing.status(now);
        let checked = thing.text(now, CHECKED).parse::<Timestamp>().is_ok_and(|from| now < from);
        let check = match state {
            "running" if checked => "initializing",
            "running" => "ok",
            _ => "not-applicable",
        };
        json!({"InstanceId": thing.id, "InstanceState": {"Name": state}, "SystemStatus": {"Status": check},
            "InstanceStatus": {"Status": check}})
    });
    Ok(json!({"InstanceStatuses": statuses.collect::<Vec<_>>()}))
}

pub(super) fn known(asked: &Asked<'_>, sort: Sort, id: &str, gone: &str) -> Result<Thing, CallTrouble> {
    one(asked.world, sort, &asked.call.place, id, asked.now)
        .filter(|thing| thing.is_shown(asked.now))
        .ok_or_else(|| refused(gone, 400, &format!("'{id}' does not exist.")))
}

pub(super) fn create_volume(asked: &Asked<'_>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let digest = asked.call.digest();
    if let Some(token) = asked.text("ClientToken") {
        let mut made = world.deeds.things(Sort::Volume, place);
        let known = made.find(|thing| thing.token.as_ref().is_some_and(|(known, _)| known == token));
        if let Some(known) = known {
            if known.token.as_ref().is_some_and(|(_, asked)| *asked == digest) {
                let body = created(known, now);
                return Ok(Deal { body, target: known.id.clone(), changes: Vec::new() });
            }
            let says = "the token was used before with other parameters";
            return Err(refused("IdempotentParameterMismatch", 400, says));
        }
    }
    let zone = asked.required("AvailabilityZone")?;
    let letter = zone.strip_prefix(place.region.as_str());
    if !letter.is_some_and(|letter| ["a", "b", "c"].contains(&letter)) {
        let says = format!("The zone '{zone}' does not exist.");
        return Err(refused("InvalidZone.NotFound", 400, &says));
    }
    let snapshot = match asked.text("SnapshotId") {
        Some(id) => Some(known(asked, Sort::Snapshot, id, "InvalidSnapshot.NotFound")?),
        None => None,
    };
    if let Some(snapshot) = &snapshot
        && (snapshot.status(now) != "completed" || snapshot.text(now, "StorageTier") == "archive")
    {
        let (id, status, tier) = (&snapshot.id, snapshot.status(now), snapshot.text(now, "StorageTier"));
        let says = format!("{id} is {status} in the tier {tier}");
        return Err(refused("IncorrectState", 400, &says));
    }
    let least = snapshot.as_ref().and_then(|snapshot| snapshot.member(now, "VolumeSize")?.as_u64());
    let size = match (asked.value("Size").and_then(Value::as_u64), least) {
        (Some(size), Some(least)) if size < least => {
            let says = format!("Volume of {size}GiB is smaller than snapshot, expect size >= {least}GiB");
            return Err(refused("InvalidParameterValue", 400, &says));
        }
        (Some(size), _) | (None, Some(size)) => size,
        (None, None) => return Err(refused("MissingParameter", 400, "the request must contain Size")),
    };
    let of = |name: &str| snapshot.as_ref().and_then(|snapshot| snapshot.member(now, name)).cloned();
    let key = asked.value("KmsKeyId").cloned().or_else(|| of("KmsKeyId"));
    let id = format!("vol-{}", asked.chance().hex(17));
    let kind = asked.text("VolumeType").unwrap_or("gp2");
    let speed = |name: &str, default: u64| {
        asked.value(name).cloned().or_else(|| (kind == "gp3").then(|| json!(default))).unwrap_or(Value::Null)
    };
    let all = members(json!({
        "VolumeId": id,
        "AvailabilityZone": zone,
        "Size": size,
        "VolumeType": kind,
        "Iops": speed("Iops", 3000),
        "Throughput": speed("Throughput", 125),
        "Encrypted": of("Encrypted") == Some(json!(true)) || asked.flag("Encrypted") == Some(true),
        "KmsKeyId": key,
        "SnapshotId": snapshot.as_ref().map_or("", |snapshot| snapshot.id.as_str()),
        "CreateTime": when(now),
        "MultiAttachEnabled": false,
        "Tags": asked.tags("volume"),
        "Attachments": [],
    }));
    let mut thing = Thing::new(Sort::Volume, place, &id, now, "creating", all);
    if asked
        .value("VolumeInitializationRate")
        .and_then(Value::as_u64)
        .is_some_and(|rate| !(100..=300).contains(&rate))
    {
        let says = "Volume initialization rate must be 100 to 300 MiB/s";
        return Err(refused("InvalidParameterValue", 400, says));
    }
    let took = Duration::from_secs(4 + size / 50);
    // A key that does not work is found out only after the answer.
    let works = key.as_ref().and_then(Value::as_str).is_none_or(|key| key_works(world, place, key));
    thing.then(now, [Phase::new(after(now, took), if works { "available" } else { "error" })]);
    thing.token = asked.text("ClientToken").map(|token| (token.to_owned(), digest));
    let body = created(&thing, now);
    Ok(Deal { body, target: id, changes: vec![Change::Made(Box::new(thing))] })
}

fn created(thing: &Thing, now: Timestamp) -> Value {
    let described = describe(thing, now);
    only(
        &described,
        &["VolumeId", "State", "AvailabilityZone", "Size", "VolumeType", "SnapshotId", "CreateTime", "Tags"],
    )
}

pub(super) fn only(described: &Value, names: &[&str]) -> Value {
    let some = names.iter().filter_map(|name| Some(((*name).to_owned(), described.get(*name)?.clone())));
    Value::Object(some.collect::<Map<_, _>>())
}

pub(super) fn delete_volume(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = known(asked, Sort::Volume, asked.required("VolumeId")?, "InvalidVolume.NotFound")?;
    match thing.status(now) {
        "available" | "error" => {}
        "in-use" => {
            let says = format!("Volume {} is currently attached", thing.id);
            return Err(refused("VolumeInUse", 400, &says));
        }
        other => {
            let says = format!("Volume {} is {other}", thing.id);
            return Err(refused("IncorrectState", 400, &says));
        }
    }
    thing.then(now, [Phase::new(now, "deleting")]);
    thing.gone_from = Some(after(now, DELETING));
    Ok(Deal { body: json!({}), target: thing.id.clone(), changes: vec![Change::Changed(Box::new(thing))] })
}

pub(super) fn create_snapshot(asked: &Asked<'_>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let volume = known(asked, Sort::Volume, asked.required("VolumeId")?, "InvalidVolume.NotFound")?;
    if !["available", "in-use"].contains(&volume.status(now)) {
        let says = format!("Volume {} is {}", volume.id, volume.status(now));
        return Err(refused("IncorrectState", 400, &says));
    }
    let pending = all(world, Sort::Snapshot, place, now)
        .into_iter()
        .filter(|thing| thing.status(now) == "pending" && thing.text(now, "VolumeId") == volume.id);
    if pending.count() >= PENDING {
        let says = format!("{} has {PENDING} pending snapshots", volume.id);
        return Err(refused("ConcurrentSnapshotLimitExceeded", 400, &says));
    }
    let id = format!("snap-{}", asked.chance().hex(17));
    let size = volume.member(now, "Size").and_then(Value::as_u64).unwrap_or(1);
    let all = members(json!({
        "SnapshotId": id,
        "VolumeId": volume.id,
        "StartTime": when(now),
        "VolumeSize": size,
        "Encrypted": volume.member(now, "Encrypted"),
        "KmsKeyId": volume.member(now, "KmsKeyId"),
        "StorageTier": "standard",
        "Description": asked.text("Description").unwrap_or_default(),
        "Tags": asked.tags("snapshot"),
    }));
    let mut thing = Thing::new(Sort::Snapshot, place, &id, now, "pending", all);
    let took = Duration::from_secs(120 + size * 2);
    thing.then(now, [Phase::new(after(now, took), "completed")]);
    let names = ["SnapshotId", "VolumeId", "State", "StartTime", "VolumeSize", "Tags"];
    let body = only(&describe(&thing, now), &names);
    Ok(Deal { body, target: id, changes: vec![Change::Made(Box::new(thing))] })
}

pub(super) fn delete_snapshot(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = known(asked, Sort::Snapshot, asked.required("SnapshotId")?, "InvalidSnapshot.NotFound")?;
    if lock_of(&thing, now).is_some() {
        let says = format!("The snapshot {} is locked.", thing.id);
        return Err(refused("SnapshotLocked", 400, &says));
    }
    let image = all(asked.world, Sort::Image, &asked.call.place, now).into_iter().find(|image| {
        let devices = image.member(now, "BlockDeviceMappings").and_then(Value::as_array);
        let mut devices = devices.into_iter().flatten();
        devices.any(|one| one.pointer("/Ebs/SnapshotId").and_then(Value::as_str) == Some(&thing.id))
    });
    if let Some(image) = image {
        let says = format!("The snapshot {} is currently in use by {}", thing.id, image.id);
        return Err(refused("InvalidSnapshot.InUse", 400, &says));
    }
    thing.gone_from = Some(now);
    Ok(Deal { body: json!({}), target: thing.id.clone(), changes: vec![Change::Changed(Box::new(thing))] })
}

pub(super) fn stop(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let took = if asked.flag("Force") == Some(true) { STOPPING.1 } else { STOPPING.0 };
    let reason = format!("User initiated ({} GMT)", now.strftime("%Y-%m-%d %H:%M:%S"));
    turn(asked, "StoppingInstances", ("running", "stopping", "stopped"), |thing| {
        let mut begins = Phase::new(now, "stopping").with("StateTransitionReason", reason.as_str());
        begins = begins.with(
            "StateReason",
            json!({"Code": "Client.UserInitiatedShutdown", "Message": "Client.UserInitiatedShutdown: User initiated shutdown"}),
        );
        // Its public address is given back.
        thing.then(
            now,
            [begins, Phase::new(after(now, took), "stopped").with("PublicIpAddress", Value::Null)],
        );
    })
}

pub(super) fn start(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut chance = asked.chance();
    turn(asked, "StartingInstances", ("stopped", "pending", "running"), |thing| {
        let (running, checked) = (after(now, STARTING.0), after(now, STARTING.0 + STARTING.1));
        let address = format!("203.0.113.{}", chance.between(1, 250));
        let begins = Phase::new(now, "pending")
            .with("StateTransitionReason", "")
            .with("StateReason", Value::Null)
            .with("LaunchTime", when(now));
        let ends = Phase::new(running, "running")
            .with("PublicIpAddress", address)
            .with(CHECKED, checked.to_string());
        thing.then(now, [begins, ends]);
    })
}

/// Turns instances from one state to another; all of them, or none where one is in neither.
fn turn(
    asked: &Asked<'_>,
    answer: &str,
    (from, by, to): (&str, &str, &str),
    mut change: impl FnMut(&mut Thing),
) -> Done {
    let now = asked.now;
    let ids = asked.list("InstanceIds");
    if ids.is_empty() {
        return Err(refused("MissingParameter", 400, "the request must contain InstanceIds"));
    }
    let (mut told, mut changes) = (Vec::new(), Vec::new());
    for id in &ids {
        let mut thing = known(asked, Sort::Instance, id, "InvalidInstanceID.NotFound")?;
        let before = thing.status(now).to_owned();
        if before == from {
            change(&mut thing);
            changes.push(Change::Changed(Box::new(thing.clone())));
        } else if before != to && before != by {
            let says = format!("The instance '{id}' is not in a state from which it can be {to}: {before}");
            return Err(refused("IncorrectInstanceState", 400, &says));
        }
        told.push(json!({"InstanceId": id, "CurrentState": {"Name": thing.status(now)},
            "PreviousState": {"Name": before}}));
    }
    Ok(Deal { body: json!({answer: told}), target: ids.join(" "), changes })
}
