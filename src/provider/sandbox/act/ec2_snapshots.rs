//! EC2: snapshots that are copied to another Region, locked, and brought back from the archive.

use super::super::deeds::{Change, Phase, Sort, Thing};
use super::ec2::{known, listed};
use super::ec2_things::one;
use super::{Asked, Deal, Done, Told, members, refused, when};
use crate::domain::duration::after;
use crate::domain::ids::Region;
use crate::domain::place::Place;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// How long an archived snapshot takes to come back (E3: up to 72 h).
const RETRIEVAL: Duration = Duration::from_secs(48 * 3600);
const DAY: Duration = Duration::from_secs(86_400);
/// Where a snapshot keeps what the archive says of it, and its lock.
const TIERING: &str = "-tiering";
pub(super) const LOCK: &str = "-lock";
const GONE: &str = "InvalidSnapshot.NotFound";
/// The volume that a copy says it is of (E2).
const ARBITRARY: &str = "vol-ffffffffffffffff0";

/// Returns the lock of a snapshot, where it has one.
pub(super) fn lock_of(thing: &Thing, now: Timestamp) -> Option<Value> {
    let lock = thing.member(now, LOCK)?.clone();
    let until = lock.get("LockExpiresOn").and_then(Value::as_str)?.parse::<Timestamp>().ok()?;
    (until > now).then_some(lock)
}

pub(super) fn tiers(asked: &Asked<'_>) -> Told {
    let now = asked.now;
    let found = listed(asked, Sort::Snapshot, "", GONE)?;
    let found = found.iter().map(|thing| {
        let member = |name: &str| thing.member(now, name).cloned();
        let mut told = members(json!({"SnapshotId": thing.id, "StorageTier": member("StorageTier"),
            "LastTieringOperationStatus": member(TIERING), "RestoreExpiryTime": member("RestoreExpiryTime")}));
        told.retain(|_, value| !value.is_null());
        Value::Object(told)
    });
    Ok(json!({"SnapshotTierStatuses": found.collect::<Vec<_>>()}))
}

pub(super) fn restore_tier(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = known(asked, Sort::Snapshot, asked.required("SnapshotId")?, GONE)?;
    if thing.text(now, "StorageTier") != "archive" {
        let says = format!("{} is not archived", thing.id);
        return Err(refused("IncorrectState", 400, &says));
    }
    if thing.text(now, TIERING).ends_with("in-progress") {
        return Err(refused("IncorrectState", 400, &format!("{} is on its way already", thing.id)));
    }
    let days = asked.value("TemporaryRestoreDays").and_then(Value::as_u64).unwrap_or(1);
    let back = after(now, RETRIEVAL);
    let until = after(back, DAY * u32::try_from(days).unwrap_or(1));
    let begins = Phase::new(now, "completed").with(TIERING, "temporary-restore-in-progress");
    let there = Phase::new(back, "completed")
        .with(TIERING, "temporary-restore-completed")
        .with("StorageTier", "standard")
        .with("RestoreExpiryTime", when(until));
    let over = Phase::new(until, "completed")
        .with(TIERING, "archival-completed")
        .with("StorageTier", "archive")
        .with("RestoreExpiryTime", Value::Null);
    thing.then(now, [begins, there, over]);
    let id = thing.id.clone();
    Ok(Deal {
        body: json!({ "SnapshotId": id }),
        target: id,
        changes: vec![Change::Changed(Box::new(thing))],
    })
}

pub(super) fn locked(asked: &Asked<'_>) -> Told {
    let found = listed(asked, Sort::Snapshot, "SnapshotIds", GONE)?;
    let found: Vec<Value> = found.iter().filter_map(|thing| lock_of(thing, asked.now)).collect();
    Ok(json!({"Snapshots": found}))
}

pub(super) fn lock(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = known(asked, Sort::Snapshot, asked.required("SnapshotId")?, GONE)?;
    let days = asked.value("LockDuration").and_then(Value::as_u64).unwrap_or(1);
    let until = after(now, DAY * u32::try_from(days).unwrap_or(1));
    let lock = json!({"SnapshotId": thing.id, "LockState": asked.required("LockMode")?, "LockDuration": days,
        "LockExpiresOn": when(until)});
    set(&mut thing, now, lock.clone());
    let id = thing.id.clone();
    Ok(Deal { body: lock, target: id, changes: vec![Change::Changed(Box::new(thing))] })
}

pub(super) fn unlock(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = known(asked, Sort::Snapshot, asked.required("SnapshotId")?, GONE)?;
    if lock_of(&thing, now).is_none() {
        let says = format!("{} is not locked", thing.id);
        return Err(refused("SnapshotLock.NotFound", 400, &says));
    }
    set(&mut thing, now, Value::Null);
    let id = thing.id.clone();
    Ok(Deal {
        body: json!({ "SnapshotId": id }),
        target: id,
        changes: vec![Change::Changed(Box::new(thing))],
    })
}

fn set(thing: &mut Thing, now: Timestamp, lock: Value) {
    let later: Vec<Phase> = thing.phases.iter().filter(|phase| phase.at > now).cloned().collect();
    let state = thing.status(now).to_owned();
    thing.then(now, std::iter::once(Phase::new(now, &state).with(LOCK, lock)).chain(later));
}

pub(super) fn copy(asked: &Asked<'_>) -> Done {
    let (place, now) = (&asked.call.place, asked.now);
    let from = Place { region: Region::new(asked.required("SourceRegion")?), ..place.clone() };
    let id = asked.required("SourceSnapshotId")?;
    let Some(source) = one(asked.world, Sort::Snapshot, &from, id, now) else {
        return Err(refused(GONE, 400, &format!("The snapshot '{id}' does not exist.")));
    };
    if source.status(now) != "completed" || source.text(now, "StorageTier") == "archive" {
        return Err(refused("IncorrectState", 400, &format!("{id} cannot be read now")));
    }
    let size = source.member(now, "VolumeSize").and_then(Value::as_u64).unwrap_or(1);
    let encrypted =
        source.member(now, "Encrypted") == Some(&json!(true)) || asked.flag("Encrypted") == Some(true);
    let default = || json!(format!("arn:aws:kms:{}:{}:alias/aws/ebs", place.region, place.account));
    let key = encrypted.then(|| asked.value("KmsKeyId").cloned().unwrap_or_else(default));
    let copy = format!("snap-{}", asked.chance().hex(17));
    let all = members(json!({
        "SnapshotId": copy,
        "VolumeId": ARBITRARY,
        "StartTime": when(now),
        "VolumeSize": size,
        "Encrypted": encrypted,
        "KmsKeyId": key,
        "StorageTier": "standard",
        "Description": asked.text("Description").unwrap_or_default(),
        "Tags": asked.tags("snapshot"),
    }));
    let mut thing = Thing::new(Sort::Snapshot, place, &copy, now, "pending", all);
    let works = key.as_ref().and_then(Value::as_str).is_none_or(|key| key.contains(place.region.as_str()));
    let took = Duration::from_secs(300 + size * 3);
    let mut ends = Phase::new(after(now, took), if works { "completed" } else { "error" });
    if !works {
        // A copy's failure is told here and nowhere else (E2).
        ends = ends.with("StateMessage", "Given key ID is not accessible");
    }
    thing.then(now, [ends]);
    Ok(Deal {
        body: json!({ "SnapshotId": copy }),
        target: copy,
        changes: vec![Change::Made(Box::new(thing))],
    })
}
