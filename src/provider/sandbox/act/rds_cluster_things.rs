//! Clusters, their snapshots and the global clusters that they are members of, as the world began and as acts left them.

use super::super::chance::Chance;
use super::super::deeds::{Sort, Thing};
use super::super::observe;
use super::super::world::{Resource, World};
use super::rds_things::{self as things, SOURCE};
use super::{members, when};
use crate::domain::duration::{after, before};
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Logs are shipped about every five minutes (R1).
const SHIPPED_EVERY: i64 = 300;
/// How far automated backups reach.
const REACH: Duration = Duration::from_secs(14 * 24 * 3600);

/// Returns where a global cluster is: in no Region.
pub(super) fn everywhere(place: &Place) -> Place {
    Place { region: "global".into(), account: place.account.clone() }
}

/// Says whether a cluster of the world has a secondary one at a place.
pub(super) fn is_secondary(resource: &Resource, place: &Place) -> bool {
    let replicates = resource
        .protections
        .iter()
        .any(|protection| protection.kind == PointKind::Replica && protection.place == *place);
    resource.kind == Kind::RdsCluster && resource.home != *place && replicates
}

/// Returns what the secondary cluster at a place is called.
pub(super) fn secondary_name(resource: &Resource, place: &Place) -> String {
    format!("{}-{}", resource.name, place.region)
}

fn arn(place: &Place, name: &str) -> String {
    format!("arn:aws:rds:{}:{}:cluster:{name}", place.region, place.account)
}

/// Returns a cluster, gone or not.
pub(super) fn cluster(world: &World, place: &Place, id: &str, now: Timestamp) -> Option<Thing> {
    let wanted = id.rsplit(':').next().unwrap_or(id).to_lowercase();
    if let Some(thing) = world.deeds.thing(Sort::DbCluster, place, &wanted) {
        return Some(thing.clone());
    }
    let found = world.resources.iter().find(|(_, resource)| {
        let is_own = resource.home == *place && resource.name.as_str() == wanted;
        resource.kind == Kind::RdsCluster
            && (is_own || is_secondary(resource, place) && secondary_name(resource, place) == wanted)
    });
    let (id, resource) = found?;
    let at_home = resource.home == *place;
    if at_home && observe::deleted_at(world, id, now).is_some() {
        return None;
    }
    let mut thing = Thing::new(
        Sort::DbCluster,
        place,
        &wanted,
        resource.created_at,
        "available",
        own(world, resource, place, &wanted),
    );
    thing.component = at_home.then(|| id.clone());
    Some(thing)
}

fn own(world: &World, resource: &Resource, place: &Place, name: &str) -> Map<String, Value> {
    let setting = |name: &str| resource.settings.get(&name.into()).map(ToString::to_string);
    let at_home = resource.home == *place;
    let key = resource.keys.get(&place.region).map(|(key, _)| key.to_string());
    let mut chance = Chance::new(world.seed, &format!("cluster {name} {place}"));
    let member = |nth: u32, writes: bool| json!({"DBInstanceIdentifier": format!("{name}-{nth}"), "IsClusterWriter": writes, "PromotionTier": 1});
    let instances = if at_home { vec![member(1, true), member(2, false)] } else { vec![member(1, false)] };
    members(json!({
        "DBClusterIdentifier": name,
        "DBClusterArn": arn(place, name),
        "DbClusterResourceId": format!("cluster-{}", chance.hex(26).to_uppercase()),
        "Engine": "aurora-postgresql",
        "EngineVersion": "16.9",
        "EngineMode": "provisioned",
        "MultiAZ": at_home,
        "DBClusterMembers": instances,
        "DeletionProtection": setting("DeletionProtection").as_deref() == Some("true"),
        "DBClusterParameterGroup": if at_home { setting("DBParameterGroupName") } else { Some("default.aurora-postgresql16".to_owned()) },
        "DBSubnetGroup": if at_home { setting("DBSubnetGroupName") } else { Some("default".to_owned()) },
        "VpcSecurityGroups": [{"VpcSecurityGroupId": if at_home { setting("VpcSecurityGroupIds") } else { Some("sg-0d5c8e3f1a2b49670".to_owned()) }}],
        "IAMDatabaseAuthenticationEnabled": true,
        "EnabledCloudwatchLogsExports": ["postgresql"],
        "BackupRetentionPeriod": 14,
        "PreferredBackupWindow": "02:10-02:40",
        "PreferredMaintenanceWindow": "sun:04:10-sun:04:40",
        "CopyTagsToSnapshot": true,
        "StorageType": "aurora",
        "StorageEncrypted": key.is_some(),
        "KmsKeyId": key,
        "Port": 5432,
        "Endpoint": endpoint(world, place, name, "cluster"),
        "ReaderEndpoint": endpoint(world, place, name, "cluster-ro"),
        "TagList": [{"Key": "Environment", "Value": resource.environment}],
    }))
}

/// Returns an address of a cluster.
pub(super) fn endpoint(world: &World, place: &Place, name: &str, what: &str) -> String {
    let hash = Chance::new(world.seed, &format!("endpoints {place}")).hex(12);
    format!("{name}.{what}-{hash}.{}.rds.amazonaws.com", place.region)
}

/// Says a cluster as its service does.
pub(super) fn describe(world: &World, cluster: &Thing, now: Timestamp) -> Value {
    let mut all = cluster.described(now);
    let status = cluster.status(now);
    all.insert("Status".to_owned(), json!(status));
    // An instance that is gone is no member any more.
    if let Some(Value::Array(instances)) = all.get_mut("DBClusterMembers") {
        instances.retain(|one| {
            let name = one.get("DBInstanceIdentifier").and_then(Value::as_str).unwrap_or_default();
            things::instance(world, &cluster.place, name, now).is_some_and(|thing| thing.exists(now))
        });
    }
    let first = cluster.phases.iter().find(|phase| phase.status == "available").map(|phase| phase.at);
    if let Some(first) = first.filter(|first| *first <= now) {
        let shipped = now.as_second() - now.as_second().rem_euclid(SHIPPED_EVERY);
        let latest = Timestamp::from_second(shipped).unwrap_or(now).max(first);
        all.insert("EarliestRestorableTime".to_owned(), json!(when(before(latest, REACH).max(first))));
        all.insert("LatestRestorableTime".to_owned(), json!(when(latest)));
    }
    Value::Object(all)
}

/// Returns all snapshots of clusters at a place that are there, made ones among them.
pub(super) fn snapshots(world: &World, place: &Place, now: Timestamp) -> Vec<Thing> {
    let clusters = world.resources.iter().filter(|(_, resource)| resource.kind == Kind::RdsCluster);
    let own = clusters.flat_map(|(id, resource)| {
        let points = observe::own_points(world, id, resource, place, now).into_iter();
        points.filter_map(move |point| own_snapshot(world, resource, place, &point))
    });
    let own = own.filter(|thing| world.deeds.thing(Sort::DbClusterSnapshot, place, &thing.id).is_none());
    own.chain(world.deeds.things(Sort::DbClusterSnapshot, place).cloned())
        .filter(|thing| thing.exists(now))
        .collect()
}

/// Returns a snapshot of a cluster by its name or ARN.
pub(super) fn snapshot(world: &World, place: &Place, id: &str, now: Timestamp) -> Option<Thing> {
    let name = id.split_once(":cluster-snapshot:").map_or(id, |(_, name)| name);
    if let Some(thing) = world.deeds.thing(Sort::DbClusterSnapshot, place, name) {
        return Some(thing.clone()).filter(|thing| thing.exists(now));
    }
    snapshots(world, place, now).into_iter().find(|thing| thing.id == name)
}

fn own_snapshot(world: &World, resource: &Resource, place: &Place, point: &RecoveryPoint) -> Option<Thing> {
    let copied = match point.kind {
        PointKind::Snapshot => false,
        PointKind::SnapshotCopy => true,
        _ => return None,
    };
    let Holds::Until(moment) = point.holds else { return None };
    let source = own(world, resource, &resource.home, resource.name.as_str());
    let mut all = snapshot_members(&source, point.id.as_str(), place, moment);
    let key = point.key.as_ref().map(ToString::to_string);
    all.insert("StorageEncrypted".to_owned(), json!(key.is_some()));
    all.insert("KmsKeyId".to_owned(), json!(key));
    let copied_at = after(moment, Duration::from_secs(600));
    all.insert("SnapshotCreateTime".to_owned(), json!(when(if copied { copied_at } else { moment })));
    let automated = point.id.as_str().starts_with("rds:");
    all.insert("SnapshotType".to_owned(), json!(if automated { "automated" } else { "manual" }));
    let pending = point.status == PointStatus::Pending;
    let status = if pending { "creating" } else { "available" };
    Some(Thing::new(Sort::DbClusterSnapshot, place, point.id.as_str(), moment, status, all))
}

/// Returns the members of a snapshot of a cluster with these members.
pub(super) fn snapshot_members(
    source: &Map<String, Value>,
    name: &str,
    place: &Place,
    moment: Timestamp,
) -> Map<String, Value> {
    let of = |name: &str| source.get(name).cloned().unwrap_or(Value::Null);
    members(json!({
        "DBClusterSnapshotIdentifier": name,
        "DBClusterSnapshotArn": format!("arn:aws:rds:{}:{}:cluster-snapshot:{name}", place.region, place.account),
        "DBClusterIdentifier": of("DBClusterIdentifier"),
        "Engine": of("Engine"),
        "EngineVersion": of("EngineVersion"),
        "AllocatedStorage": 100,
        "StorageEncrypted": of("StorageEncrypted"),
        "KmsKeyId": of("KmsKeyId"),
        "SnapshotType": "manual",
        "SnapshotCreateTime": when(moment),
        "TagList": [],
        SOURCE: source,
    }))
}

/// Returns the recovery points of a cluster that acts made.
pub(in super::super) fn made_points(
    world: &World,
    resource: &Resource,
    place: &Place,
    now: Timestamp,
) -> Vec<RecoveryPoint> {
    let made = world.deeds.things(Sort::DbClusterSnapshot, place).filter(|thing| {
        thing.is_shown(now) && thing.text(now, "DBClusterIdentifier") == resource.name.as_str()
    });
    let points = made.filter_map(|thing| {
        let copied = thing.member(now, "SourceDBClusterSnapshotArn").is_some();
        let kind = if copied { PointKind::SnapshotCopy } else { PointKind::Snapshot };
        let at = thing.phases.first()?.at;
        let mut point = RecoveryPoint::new(&thing.id, kind, place.clone(), Holds::Until(at));
        point.status = match thing.status(now) {
            "available" => PointStatus::Available,
            "creating" | "copying" => PointStatus::Pending,
            other => PointStatus::Failed(other.into()),
        };
        point.key = thing.member(now, "KmsKeyId").and_then(Value::as_str).map(Into::into);
        Some(point)
    });
    points.collect()
}

/// Returns all global clusters of an account.
pub(super) fn globals(world: &World, place: &Place) -> Vec<Thing> {
    let there = everywhere(place);
    let own = world.resources.values().filter_map(|resource| {
        if resource.home.account != place.account {
            return None;
        }
        let mut away = resource.protections.iter().map(|protection| &protection.place);
        let away = away.find(|away| is_secondary(resource, away))?;
        let home = arn(&resource.home, resource.name.as_str());
        let second = arn(away, &secondary_name(resource, away));
        let name = format!("{}-global", resource.name);
        let all = members(json!({
            "GlobalClusterIdentifier": name,
            "GlobalClusterResourceId": format!("cluster-{}", Chance::new(world.seed, &name).hex(16)),
            "Engine": "aurora-postgresql",
            "EngineVersion": "16.9",
            "StorageEncrypted": true,
            "GlobalClusterMembers": [
                {"DBClusterArn": home, "IsWriter": true, "Readers": [second], "SynchronizationStatus": "connected"},
                {"DBClusterArn": second, "IsWriter": false, "Readers": [], "SynchronizationStatus": "connected"},
            ],
        }));
        Some(Thing::new(Sort::DbGlobal, &there, &name, resource.created_at, "available", all))
    });
    let mut all: Vec<Thing> =
        own.filter(|thing| world.deeds.thing(Sort::DbGlobal, &there, &thing.id).is_none()).collect();
    all.extend(world.deeds.things(Sort::DbGlobal, &there).cloned());
    all
}

/// Says a global cluster as its service does.
pub(super) fn describe_global(thing: &Thing, now: Timestamp) -> Value {
    let mut all = thing.described(now);
    all.insert("Status".to_owned(), json!(thing.status(now)));
    Value::Object(all)
}
