//! Databases and their snapshots, as the world began and as acts left them.

use super::super::chance::Chance;
use super::super::deeds::{Sort, Thing};
use super::super::observe;
use super::super::world::{Resource, World};
use super::{members, when};
use crate::domain::condition::KeyState;
use crate::domain::ids::ComponentId;
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Logs are shipped about every five minutes (R1).
const SHIPPED_EVERY: i64 = 300;
/// Where a database's own settings lie that its snapshot restores with.
pub(super) const SOURCE: &str = "-source";
/// The port of every database here.
const PORT: u64 = 5432;

/// Returns a database instance, gone or not, shown or not; `None` where there never was one.
pub(super) fn instance(world: &World, place: &Place, id: &str, now: Timestamp) -> Option<Thing> {
    let id = id.to_lowercase();
    if let Some(thing) = world.deeds.thing(Sort::Db, place, &id) {
        return Some(thing.clone());
    }
    own_instances(world, place, now).chain(secondaries(world, place)).find(|thing| thing.id == id)
}

/// Returns the instances of the clusters at a place that are secondary ones of global clusters.
fn secondaries<'a>(world: &'a World, place: &'a Place) -> impl Iterator<Item = Thing> + 'a {
    let all = world
        .resources
        .iter()
        .filter(|(_, resource)| super::rds_cluster_things::is_secondary(resource, place));
    all.map(move |(id, resource)| {
        let cluster = super::rds_cluster_things::secondary_name(resource, place);
        let mut thing = own(world, id, resource, &format!("{cluster}-1"), Some(&cluster));
        let name = thing.id.clone();
        thing.place = place.clone();
        thing.component = None;
        for (member, value) in [
            ("DBInstanceArn", json!(format!("arn:aws:rds:{}:{}:db:{name}", place.region, place.account))),
            ("AvailabilityZone", json!(format!("{}a", place.region))),
            ("Endpoint", endpoint(world, place, &name)),
            ("KmsKeyId", json!(resource.keys.get(&place.region).map(|(key, _)| key))),
        ] {
            thing.members.insert(member.to_owned(), value);
        }
        thing
    })
}

/// Returns all database instances of a place that are there, made ones among them.
pub(super) fn instances(world: &World, place: &Place, now: Timestamp) -> Vec<Thing> {
    let own = own_instances(world, place, now)
        .chain(secondaries(world, place))
        .filter(|thing| world.deeds.thing(Sort::Db, place, &thing.id).is_none());
    let mut all: Vec<Thing> = own.chain(world.deeds.things(Sort::Db, place).cloned()).collect();
    all.retain(|thing| thing.exists(now));
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all
}

/// Returns the database instances that the world began with, as if no act had touched them.
fn own_instances<'a>(world: &'a World, place: &'a Place, now: Timestamp) -> impl Iterator<Item = Thing> + 'a {
    let here = world.resources.iter().filter(move |(_, resource)| resource.home == *place);
    here.flat_map(move |(id, resource)| -> Vec<Thing> {
        if observe::deleted_at(world, id, now).is_some() {
            return Vec::new();
        }
        match resource.kind {
            Kind::RdsInstance => vec![own(world, id, resource, resource.name.as_str(), None)],
            Kind::RdsCluster => (1..=2)
                .map(|nth| {
                    own(
                        world,
                        id,
                        resource,
                        &format!("{}-{nth}", resource.name),
                        Some(resource.name.as_str()),
                    )
                })
                .collect(),
            _ => Vec::new(),
        }
    })
}

/// Returns a database instance as the world began.
pub(super) fn own(
    world: &World,
    id: &ComponentId,
    resource: &Resource,
    name: &str,
    cluster: Option<&str>,
) -> Thing {
    let place = &resource.home;
    let name = name.to_lowercase();
    let mut chance = Chance::new(world.seed, &format!("database {name} {place}"));
    let setting = |name: &str| resource.settings.get(&name.into()).map(ToString::to_string);
    let number = |name: &str| setting(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let is = |name: &str| setting(name).as_deref() == Some("true");
    let size = gibibytes(resource).max(20);
    let large = size > 400;
    let classes = ["db.m7g.large", "db.r7g.xlarge", "db.m7g.2xlarge"];
    let class = classes.get(usize::try_from(chance.between(0, 3)).unwrap_or(0)).unwrap_or(&"db.m7g.large");
    let zone = ["a", "b", "c"].get(usize::try_from(chance.between(0, 3)).unwrap_or(0)).unwrap_or(&"a");
    let key = resource.keys.get(&place.region).map(|(key, _)| key.to_string());
    let mut all = members(json!({
        "DBInstanceIdentifier": name,
        "DBInstanceArn": format!("arn:aws:rds:{}:{}:db:{name}", place.region, place.account),
        "DbiResourceId": format!("db-{}", chance.hex(26).to_uppercase()),
        "Engine": if cluster.is_some() { "aurora-postgresql" } else { "postgres" },
        "EngineVersion": "16.9",
        "DBInstanceClass": class,
        "AllocatedStorage": size,
        "StorageType": if large { "io2" } else { "gp3" },
        "Iops": if large { 12_000 } else { 3_000 },
        "StorageThroughput": if large { Value::Null } else { json!(125) },
        "StorageEncrypted": key.is_some(),
        "KmsKeyId": key,
        "MultiAZ": cluster.is_none() && is("MultiAZ"),
        "AvailabilityZone": format!("{}{zone}", place.region),
        "DeletionProtection": is("DeletionProtection"),
        "IAMDatabaseAuthenticationEnabled": true,
        "DBParameterGroups": [{"DBParameterGroupName": setting("DBParameterGroupName")}],
        "VpcSecurityGroups": [{"VpcSecurityGroupId": setting("VpcSecurityGroupIds")}],
        "DBSubnetGroup": {"DBSubnetGroupName": setting("DBSubnetGroupName")},
        "OptionGroupMemberships": [{"OptionGroupName": "default:postgres-16"}],
        "CopyTagsToSnapshot": true,
        "PubliclyAccessible": false,
        "AutoMinorVersionUpgrade": false,
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
        "MaxAllocatedStorage": number("MaxAllocatedStorage"),
        "MonitoringInterval": number("MonitoringInterval"),
        "MonitoringRoleArn": format!("arn:aws:iam::{}:role/rds-monitoring", place.account),
        "PerformanceInsightsEnabled": true,
        "PerformanceInsightsRetentionPeriod": 31,
        "PerformanceInsightsKMSKeyId": key,
        "DatabaseInsightsMode": "advanced",
        "PreferredMaintenanceWindow": "sun:04:10-sun:04:40",
        "PreferredBackupWindow": "02:10-02:40",
        "BackupRetentionPeriod": 14,
    }));
    all.extend(members(json!({
        "EnabledCloudwatchLogsExports": ["postgresql", "upgrade"],
        "PromotionTier": 1,
        "Endpoint": endpoint(world, place, &name),
        "InstanceCreateTime": when(resource.created_at),
        "TagList": tags(id, resource),
        "DBClusterIdentifier": cluster,
        "PendingModifiedValues": {},
    })));
    let mut thing = Thing::new(Sort::Db, place, &name, resource.created_at, "available", all);
    thing.component = Some(id.clone());
    thing
}

/// Returns the tags of what belongs to a component.
pub(super) fn tags(id: &ComponentId, resource: &Resource) -> Value {
    let mut tags = vec![
        json!({"Key": "Name", "Value": id}),
        json!({"Key": "Environment", "Value": resource.environment}),
    ];
    tags.extend(resource.tag.as_ref().map(|(key, value)| json!({"Key": key, "Value": value})));
    Value::Array(tags)
}

/// Returns a size in GiB, rounded up.
pub(super) fn gibibytes(resource: &Resource) -> u64 {
    resource.size_bytes.div_ceil(1 << 30).max(1)
}

/// Returns the endpoint of a database: the same for the same name, so that it returns with it (R5).
pub(super) fn endpoint(world: &World, place: &Place, name: &str) -> Value {
    let hash = Chance::new(world.seed, &format!("endpoints {place}")).hex(12);
    json!({"Address": format!("{name}.{hash}.{}.rds.amazonaws.com", place.region), "Port": PORT})
}

/// Says a database instance as its service does.
pub(super) fn describe(thing: &Thing, now: Timestamp) -> Value {
    let mut all = thing.described(now);
    let status = thing.status(now);
    all.insert("DBInstanceStatus".to_owned(), json!(status));
    // What restores to a moment can reach: logs are shipped while it runs, and from its first backup on.
    let first = thing.phases.iter().find(|phase| phase.status == "available").map(|phase| phase.at);
    let shipped = now.as_second() - now.as_second().rem_euclid(SHIPPED_EVERY);
    let shipped = Timestamp::from_second(shipped).unwrap_or(now);
    if let Some(first) = first.filter(|first| *first <= now)
        && all.get("BackupRetentionPeriod").and_then(Value::as_u64).unwrap_or(0) > 0
    {
        all.insert("LatestRestorableTime".to_owned(), json!(when(shipped.max(first))));
    }
    Value::Object(all)
}

/// Returns all snapshots of databases at a place that are there, made ones among them.
pub(super) fn snapshots(world: &World, place: &Place, now: Timestamp) -> Vec<Thing> {
    let databases = world.resources.iter().filter(|(_, resource)| resource.kind == Kind::RdsInstance);
    let own = databases.flat_map(|(id, resource)| {
        let points = observe::own_points(world, id, resource, place, now).into_iter();
        points.filter_map(move |point| own_snapshot(world, id, resource, place, &point))
    });
    let own = own.filter(|thing| world.deeds.thing(Sort::DbSnapshot, place, &thing.id).is_none());
    own.chain(world.deeds.things(Sort::DbSnapshot, place).cloned())
        .filter(|thing| thing.exists(now))
        .collect()
}

/// Returns a snapshot by its name or ARN.
pub(super) fn snapshot(world: &World, place: &Place, id: &str, now: Timestamp) -> Option<Thing> {
    let name = id.split_once(":snapshot:").map_or(id, |(_, name)| name);
    if let Some(thing) = world.deeds.thing(Sort::DbSnapshot, place, name) {
        return Some(thing.clone()).filter(|thing| thing.exists(now));
    }
    snapshots(world, place, now).into_iter().find(|thing| thing.id == name)
}

fn own_snapshot(
    world: &World,
    id: &ComponentId,
    resource: &Resource,
    place: &Place,
    point: &RecoveryPoint,
) -> Option<Thing> {
    let copied = match point.kind {
        PointKind::Snapshot => false,
        PointKind::SnapshotCopy => true,
        _ => return None,
    };
    let Holds::Until(moment) = point.holds else { return None };
    let name = point.id.as_str();
    let source = own(world, id, resource, resource.name.as_str(), None);
    let mut all = snapshot_members(&source.members, name, place, moment);
    let key = point.key.as_ref().map(ToString::to_string);
    all.insert("Encrypted".to_owned(), json!(key.is_some()));
    all.insert("KmsKeyId".to_owned(), json!(key));
    // A copy's own time is that of its copying (R3).
    let copied_at = crate::domain::duration::after(moment, std::time::Duration::from_secs(600));
    all.insert("SnapshotCreateTime".to_owned(), json!(when(if copied { copied_at } else { moment })));
    let automated = name.starts_with("rds:");
    all.insert("SnapshotType".to_owned(), json!(if automated { "automated" } else { "manual" }));
    let pending = point.status == PointStatus::Pending;
    all.insert("PercentProgress".to_owned(), json!(if pending { 40 } else { 100 }));
    let status = if pending { "creating" } else { "available" };
    Some(Thing::new(Sort::DbSnapshot, place, name, moment, status, all))
}

/// Returns the members of a snapshot of a database with these members.
pub(super) fn snapshot_members(
    source: &Map<String, Value>,
    name: &str,
    place: &Place,
    moment: Timestamp,
) -> Map<String, Value> {
    let of = |name: &str| source.get(name).cloned().unwrap_or(Value::Null);
    members(json!({
        "DBSnapshotIdentifier": name,
        "DBSnapshotArn": format!("arn:aws:rds:{}:{}:snapshot:{name}", place.region, place.account),
        "DBInstanceIdentifier": of("DBInstanceIdentifier"),
        "Engine": of("Engine"),
        "EngineVersion": of("EngineVersion"),
        "AllocatedStorage": of("AllocatedStorage"),
        "StorageType": of("StorageType"),
        "Iops": of("Iops"),
        "Encrypted": of("StorageEncrypted"),
        "KmsKeyId": of("KmsKeyId"),
        "SnapshotType": "manual",
        "OptionGroupName": source.get("OptionGroupMemberships").and_then(|groups| groups.get(0)?.get("OptionGroupName")),
        "VpcId": "vpc-0b1c2d3e4f5061728",
        "SnapshotCreateTime": when(moment),
        "OriginalSnapshotCreateTime": when(moment),
        "SnapshotDatabaseTime": when(moment),
        "TagList": [],
        SOURCE: source,
    }))
}

/// Says a snapshot as its service does.
pub(super) fn describe_snapshot(thing: &Thing, now: Timestamp) -> Value {
    let mut all = thing.described(now);
    all.insert("Status".to_owned(), json!(thing.status(now)));
    all.entry("PercentProgress").or_insert(json!(thing.percent(now)));
    Value::Object(all)
}

/// Returns whether a key of a snapshot or volume can be used where it is needed.
pub(super) fn key_works(world: &World, place: &Place, key: &str) -> bool {
    let known = world.resources.values().find_map(|resource| {
        resource.keys.get(&place.region).filter(|(id, _)| id.as_str() == key).map(|(_, state)| state)
    });
    known.is_none_or(|state| *state == KeyState::Enabled)
}

/// Returns the recovery points of a database that acts made.
pub(in super::super) fn made_points(
    world: &World,
    resource: &Resource,
    place: &Place,
    now: Timestamp,
) -> Vec<RecoveryPoint> {
    let made = world.deeds.things(Sort::DbSnapshot, place).filter(|thing| {
        thing.is_shown(now) && thing.text(now, "DBInstanceIdentifier") == resource.name.as_str()
    });
    let points = made.filter_map(|thing| {
        // The data of a copy is as old as that of its source (R3).
        let at = thing.text(now, "SnapshotDatabaseTime").parse().ok().or(Some(thing.phases.first()?.at))?;
        let copied = thing.member(now, "SourceDBSnapshotIdentifier").is_some();
        let kind = if copied { PointKind::SnapshotCopy } else { PointKind::Snapshot };
        let mut point = RecoveryPoint::new(&thing.id, kind, place.clone(), Holds::Until(at));
        point.status = match thing.status(now) {
            "available" => PointStatus::Available,
            "creating" | "copying" => PointStatus::Pending,
            other => PointStatus::Failed(other.into()),
        };
        point.key = thing.member(now, "KmsKeyId").and_then(Value::as_str).map(Into::into);
        let size = thing.member(now, "AllocatedStorage").and_then(Value::as_u64);
        point.size_bytes = size.map(|size| size << 30);
        Some(point)
    });
    points.collect()
}
