//! RDS: snapshots of instances and of clusters, their copies, and who may use them.

use super::super::deeds::{Change, Phase, Sort, Thing};
use super::rds::{not_available, shown};
use super::rds_cluster_things as clusters;
use super::rds_things::{self as things, SOURCE};
use super::{Asked, Deal, Done, Told, refused, when};
use crate::domain::duration::after;
use crate::domain::place::Place;
use crate::provider::port::CallTrouble;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a snapshot takes, and a copy of one.
const TAKES: (Duration, Duration) = (Duration::from_secs(180), Duration::from_secs(900));
/// How long a snapshot is there yet that is deleted.
const DELETING: Duration = Duration::from_secs(5);
/// The most accounts with which a snapshot is shared.
const SHARED: usize = 20;
/// The member that holds the accounts that may restore a snapshot.
const RESTORE: &str = "-restore";

/// Returns the refusal of a snapshot that is not there.
pub(super) fn no_snapshot(id: &str) -> CallTrouble {
    refused("DBSnapshotNotFound", 404, &format!("DBSnapshot {id} not found."))
}

fn no_cluster_snapshot(id: &str) -> CallTrouble {
    refused("DBClusterSnapshotNotFoundFault", 404, &format!("DBClusterSnapshot {id} not found."))
}

/// Says whether a call is about clusters.
fn of_clusters(asked: &Asked<'_>) -> bool {
    asked.call.operation.contains("Cluster")
}

/// Returns the argument that names a snapshot.
fn named(asked: &Asked<'_>) -> &'static str {
    if of_clusters(asked) { "DBClusterSnapshotIdentifier" } else { "DBSnapshotIdentifier" }
}

/// Returns a snapshot at a place.
fn known(asked: &Asked<'_>, place: &Place, id: &str) -> Result<Thing, CallTrouble> {
    let (world, now) = (asked.world, asked.now);
    if of_clusters(asked) {
        clusters::snapshot(world, place, id, now).ok_or_else(|| no_cluster_snapshot(id))
    } else {
        things::snapshot(world, place, id, now).ok_or_else(|| no_snapshot(id))
    }
}

pub(super) fn snapshots(asked: &Asked<'_>) -> Told {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let (list, of) = if of_clusters(asked) {
        ("DBClusterSnapshots", "DBClusterIdentifier")
    } else {
        ("DBSnapshots", "DBInstanceIdentifier")
    };
    let mut found = match asked.text(named(asked)) {
        Some(id) => {
            let thing = known(asked, place, id)?;
            if !thing.is_shown(now) {
                return Err(if of_clusters(asked) { no_cluster_snapshot(id) } else { no_snapshot(id) });
            }
            vec![thing]
        }
        None if of_clusters(asked) => clusters::snapshots(world, place, now),
        None => things::snapshots(world, place, now),
    };
    found.retain(|thing| thing.is_shown(now));
    if let Some(id) = asked.text(of) {
        found.retain(|thing| thing.text(now, of) == id);
    }
    if let Some(kind) = asked.text("SnapshotType") {
        found.retain(|thing| thing.text(now, "SnapshotType") == kind);
    }
    let found: Vec<Value> = found.iter().map(|thing| things::describe_snapshot(thing, now)).collect();
    Ok(json!({ list: found }))
}

/// Returns the answer to a call that made or changed a snapshot.
fn told(asked: &Asked<'_>, thing: &Thing) -> Value {
    let name = if of_clusters(asked) { "DBClusterSnapshot" } else { "DBSnapshot" };
    json!({ name: things::describe_snapshot(thing, asked.now) })
}

fn taken(asked: &Asked<'_>, name: &str) -> Result<(), CallTrouble> {
    if known(asked, &asked.call.place, name).is_err() {
        return Ok(());
    }
    let code =
        if of_clusters(asked) { "DBClusterSnapshotAlreadyExistsFault" } else { "DBSnapshotAlreadyExists" };
    Err(refused(code, 400, &format!("{name} exists already")))
}

fn pending(now: Timestamp, mut thing: Thing, took: Duration) -> Thing {
    thing.then(now, [Phase::new(after(now, took), "available")]);
    thing
}

pub(super) fn create(asked: &Asked<'_>) -> Done {
    let (place, now) = (&asked.call.place, asked.now);
    let name = asked.required(named(asked))?;
    let tags = asked.value("Tags").cloned().unwrap_or(json!([]));
    if of_clusters(asked) {
        let source = super::rds_clusters::known_cluster(asked)?;
        if source.status(now) != "available" {
            let says = format!("{} is {}, not available", source.id, source.status(now));
            return Err(refused("InvalidDBClusterStateFault", 400, &says));
        }
        taken(asked, name)?;
        let mut all = clusters::snapshot_members(&source.described(now), name, place, now);
        all.insert("TagList".to_owned(), tags);
        let thing = Thing::new(Sort::DbClusterSnapshot, place, name, now, "creating", all);
        let thing = pending(now, thing, TAKES.0);
        let body = told(asked, &thing);
        return Ok(Deal { body, target: name.to_owned(), changes: vec![Change::Made(Box::new(thing))] });
    }
    let mut source = shown(asked, asked.required("DBInstanceIdentifier")?)?;
    if source.status(now) != "available" {
        return Err(not_available(&source, now));
    }
    taken(asked, name)?;
    let mut all = things::snapshot_members(&source.described(now), name, place, now);
    all.insert("TagList".to_owned(), tags);
    let thing = pending(now, Thing::new(Sort::DbSnapshot, place, name, now, "creating", all), TAKES.0);
    source.then(now, [Phase::new(now, "backing-up"), Phase::new(after(now, TAKES.0), "available")]);
    let body = told(asked, &thing);
    let changes = vec![Change::Made(Box::new(thing)), Change::Changed(Box::new(source))];
    Ok(Deal { body, target: name.to_owned(), changes })
}

pub(super) fn copy(asked: &Asked<'_>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let is_cluster = of_clusters(asked);
    let (from, to, arn) = if is_cluster {
        ("SourceDBClusterSnapshotIdentifier", "TargetDBClusterSnapshotIdentifier", "DBClusterSnapshotArn")
    } else {
        ("SourceDBSnapshotIdentifier", "TargetDBSnapshotIdentifier", "DBSnapshotArn")
    };
    let (wanted, name) = (asked.required(from)?, asked.required(to)?);
    let mut at = place.clone();
    if let Some(region) = wanted.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)) {
        at.region = region.into();
    }
    if world.region_lost(&at.region, now).is_some() {
        return Err(known(asked, place, "").err().unwrap_or_else(|| no_snapshot(wanted)));
    }
    let source = known(asked, &at, wanted)?;
    if source.status(now) != "available" {
        let code = if is_cluster { "InvalidDBClusterSnapshotStateFault" } else { "InvalidDBSnapshotState" };
        return Err(refused(code, 400, &format!("{wanted} is {}", source.status(now))));
    }
    taken(asked, name)?;
    let own = source.text(now, "KmsKeyId").to_owned();
    let key = match asked.text("KmsKeyId") {
        Some(key) => Some(key.to_owned()),
        None if own.is_empty() => None,
        // A key belongs to its Region (R5).
        None if at.region != place.region => {
            let says = "the key of the source cannot be used in this Region: give KmsKeyId";
            return Err(refused("KMSKeyNotAccessibleFault", 400, says));
        }
        None => Some(own),
    };
    if let Some(key) = key.as_deref().filter(|key| !things::key_works(world, place, key)) {
        return Err(refused("KMSKeyNotAccessibleFault", 400, &format!("{key} cannot be used")));
    }
    let mut thing = source.clone();
    name.clone_into(&mut thing.id);
    thing.place = place.clone();
    thing.members = source.described(now);
    if let Some(inner) = source.member(now, SOURCE) {
        thing.members.insert(SOURCE.to_owned(), inner.clone());
    }
    let word = if is_cluster { "cluster-snapshot" } else { "snapshot" };
    for (member, value) in [
        (named(asked), json!(name)),
        (arn, json!(format!("arn:aws:rds:{}:{}:{word}:{name}", place.region, place.account))),
        (if is_cluster { "StorageEncrypted" } else { "Encrypted" }, json!(key.is_some())),
        ("KmsKeyId", json!(key)),
        ("SnapshotType", json!("manual")),
        // A copy says when it was copied (R3).
        ("SnapshotCreateTime", json!(when(now))),
        ("TagList", asked.value("Tags").cloned().unwrap_or(json!([]))),
    ] {
        thing.members.insert(member.to_owned(), value);
    }
    thing.members.remove("PercentProgress");
    let source_arn = source.text(now, arn);
    if is_cluster {
        thing.members.insert("SourceDBClusterSnapshotArn".to_owned(), json!(source_arn));
    } else {
        thing.members.insert("SourceDBSnapshotIdentifier".to_owned(), json!(source_arn));
        thing.members.insert("SourceRegion".to_owned(), json!(at.region));
    }
    thing.phases = vec![Phase::new(now, "copying")];
    let thing = pending(now, thing, TAKES.1);
    let body = told(asked, &thing);
    Ok(Deal { body, target: name.to_owned(), changes: vec![Change::Made(Box::new(thing))] })
}

pub(super) fn delete(asked: &Asked<'_>) -> Done {
    let (place, now) = (&asked.call.place, asked.now);
    let name = asked.required(named(asked))?;
    let mut thing = known(asked, place, name)?;
    if thing.text(now, "SnapshotType") == "automated" || !matches!(thing.status(now), "available" | "failed")
    {
        let code =
            if of_clusters(asked) { "InvalidDBClusterSnapshotStateFault" } else { "InvalidDBSnapshotState" };
        return Err(refused(code, 400, &format!("{name} cannot be deleted: it is {}", thing.status(now))));
    }
    thing.then(now, [Phase::new(now, "deleting")]);
    thing.gone_from = Some(after(now, DELETING));
    let body = told(asked, &thing);
    Ok(Deal { body, target: name.to_owned(), changes: vec![Change::Changed(Box::new(thing))] })
}

fn attributes(thing: &Thing, now: Timestamp) -> Value {
    let with = thing.member(now, RESTORE).cloned().unwrap_or(json!([]));
    json!({"DBSnapshotAttributesResult": {
        "DBSnapshotIdentifier": thing.id,
        "DBSnapshotAttributes": [{"AttributeName": "restore", "AttributeValues": with}],
    }})
}

pub(super) fn shared(asked: &Asked<'_>) -> Told {
    let thing = known(asked, &asked.call.place, asked.required("DBSnapshotIdentifier")?)?;
    Ok(attributes(&thing, asked.now))
}

pub(super) fn share(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let name = asked.required("DBSnapshotIdentifier")?;
    let mut thing = known(asked, &asked.call.place, name)?;
    if asked.required("AttributeName")? != "restore" {
        return Err(refused("InvalidParameterValue", 400, "the attribute is restore"));
    }
    if thing.text(now, "SnapshotType") != "manual" || thing.status(now) != "available" {
        return Err(refused("InvalidDBSnapshotState", 400, &format!("{name} cannot be shared")));
    }
    let has = thing.member(now, RESTORE).and_then(Value::as_array).cloned().unwrap_or_default();
    let removed = asked.list("ValuesToRemove");
    let mut with: Vec<String> = has.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect();
    with.retain(|one| !removed.contains(&one.as_str()));
    with.extend(asked.list("ValuesToAdd").into_iter().map(str::to_owned));
    with.sort();
    with.dedup();
    if with.len() > SHARED {
        return Err(refused(
            "SharedSnapshotQuotaExceeded",
            400,
            "at most 20 accounts may restore a snapshot",
        ));
    }
    thing.members.insert(RESTORE.to_owned(), json!(with));
    let body = attributes(&thing, now);
    Ok(Deal { body, target: name.to_owned(), changes: vec![Change::Changed(Box::new(thing))] })
}
