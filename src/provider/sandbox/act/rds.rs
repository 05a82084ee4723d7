//! RDS: restores that drop what a restore drops (R4), changes, deletions and failovers.

use super::super::deeds::{Change, KEPT, Phase, Sort, Thing};
use super::rds_things::{self as things, SOURCE};
use super::{Asked, Deal, Done, Told, members, refused, when};
use crate::domain::duration::after;
use crate::domain::place::Place;
use crate::provider::port::CallTrouble;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The most databases of a Region.
const QUOTA: usize = 40;
/// How long a change takes, and one that adds a standby.
const MODIFYING: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(8 * 60));
/// How long a deletion takes, and the snapshot before it.
const DELETING: (Duration, Duration) = (Duration::from_secs(240), Duration::from_secs(180));
/// How long a failover takes (A3).
const FAILING_OVER: Duration = Duration::from_secs(35);
/// How long a renaming takes.
const RENAMING: Duration = Duration::from_secs(45);
/// The states in which nothing helps but deleting it (R6).
const BROKEN: [&str; 4] = ["failed", "restore-error", "incompatible-restore", "incompatible-network"];

/// What can be changed: the argument, the member, and whether it waits for the maintenance window unless told not to.
const CHANGES: [(&str, &str, bool); 24] = [
    ("MaxAllocatedStorage", "MaxAllocatedStorage", false),
    ("MonitoringInterval", "MonitoringInterval", false),
    ("MonitoringRoleArn", "MonitoringRoleArn", false),
    ("EnablePerformanceInsights", "PerformanceInsightsEnabled", false),
    ("PerformanceInsightsRetentionPeriod", "PerformanceInsightsRetentionPeriod", false),
    ("PerformanceInsightsKMSKeyId", "PerformanceInsightsKMSKeyId", false),
    ("DatabaseInsightsMode", "DatabaseInsightsMode", false),
    ("PreferredMaintenanceWindow", "PreferredMaintenanceWindow", false),
    ("PreferredBackupWindow", "PreferredBackupWindow", false),
    ("PromotionTier", "PromotionTier", false),
    ("DeletionProtection", "DeletionProtection", false),
    ("CopyTagsToSnapshot", "CopyTagsToSnapshot", false),
    ("PubliclyAccessible", "PubliclyAccessible", false),
    ("AutoMinorVersionUpgrade", "AutoMinorVersionUpgrade", false),
    ("CACertificateIdentifier", "CACertificateIdentifier", false),
    ("EnableIAMDatabaseAuthentication", "IAMDatabaseAuthenticationEnabled", true),
    ("BackupRetentionPeriod", "BackupRetentionPeriod", true),
    ("MultiAZ", "MultiAZ", true),
    ("DBInstanceClass", "DBInstanceClass", true),
    ("AllocatedStorage", "AllocatedStorage", true),
    ("StorageType", "StorageType", true),
    ("Iops", "Iops", true),
    ("StorageThroughput", "StorageThroughput", true),
    ("EngineVersion", "EngineVersion", true),
];

pub(super) fn instances(asked: &Asked<'_>) -> Told {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let found = match asked.text("DBInstanceIdentifier") {
        Some(id) => vec![shown(asked, id)?],
        None => {
            things::instances(world, place, now).into_iter().filter(|thing| thing.is_shown(now)).collect()
        }
    };
    let found: Vec<Value> = found.iter().map(|thing| things::describe(thing, now)).collect();
    Ok(json!({"DBInstances": found}))
}

pub(super) fn snapshots(asked: &Asked<'_>) -> Told {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let mut found = match asked.text("DBSnapshotIdentifier") {
        Some(id) => {
            let found = things::snapshot(world, place, id, now).filter(|thing| thing.is_shown(now));
            vec![found.ok_or_else(|| no_snapshot(id))?]
        }
        None => {
            things::snapshots(world, place, now).into_iter().filter(|thing| thing.is_shown(now)).collect()
        }
    };
    if let Some(id) = asked.text("DBInstanceIdentifier") {
        found.retain(|thing| thing.text(now, "DBInstanceIdentifier") == id);
    }
    let found: Vec<Value> = found.iter().map(|thing| things::describe_snapshot(thing, now)).collect();
    Ok(json!({"DBSnapshots": found}))
}

pub(super) fn clusters(asked: &Asked<'_>) -> Told {
    let cluster = known_cluster(asked)?;
    Ok(json!({"DBClusters": [describe_cluster(&cluster, asked.now)]}))
}

fn known_cluster(asked: &Asked<'_>) -> Result<Thing, CallTrouble> {
    let id = asked.required("DBClusterIdentifier")?;
    things::cluster(asked.world, &asked.call.place, id, asked.now)
        .filter(|thing| thing.is_shown(asked.now))
        .ok_or_else(|| refused("DBClusterNotFoundFault", 404, &format!("DBCluster {id} not found.")))
}

fn describe_cluster(cluster: &Thing, now: Timestamp) -> Value {
    let mut all = cluster.described(now);
    all.insert("Status".to_owned(), json!(cluster.status(now)));
    Value::Object(all)
}

fn no_snapshot(id: &str) -> CallTrouble {
    refused("DBSnapshotNotFound", 404, &format!("DBSnapshot {id} not found."))
}

/// Returns a database that reading calls show.
fn shown(asked: &Asked<'_>, id: &str) -> Result<Thing, CallTrouble> {
    things::instance(asked.world, &asked.call.place, id, asked.now)
        .filter(|thing| thing.is_shown(asked.now))
        .ok_or_else(|| refused("DBInstanceNotFound", 404, &format!("DBInstance {id} not found.")))
}

/// Returns how long a restore of so many GiB takes.
fn restoring(size: u64) -> Duration {
    Duration::from_secs(360 + 1140 * size.min(1000) / 1000)
}

pub(super) fn restore(asked: &Asked<'_>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let id = asked.required("DBInstanceIdentifier")?.to_lowercase();
    let wanted = asked.required("DBSnapshotIdentifier")?;
    if things::instance(world, place, &id, now).is_some_and(|thing| thing.exists(now)) {
        return Err(refused("DBInstanceAlreadyExists", 400, "DB instance already exists"));
    }
    let snapshot = things::snapshot(world, place, wanted, now).ok_or_else(|| no_snapshot(wanted))?;
    if snapshot.status(now) != "available" {
        let says = format!("DBSnapshot {wanted} is in the state {}", snapshot.status(now));
        return Err(refused("InvalidDBSnapshotState", 400, &says));
    }
    if !things::key_works(world, place, snapshot.text(now, "KmsKeyId")) {
        return Err(refused("KMSKeyNotAccessibleFault", 400, "the key of the snapshot cannot be used"));
    }
    if things::instances(world, place, now).len() >= QUOTA {
        return Err(refused("InstanceQuotaExceeded", 400, "the quota of DB instances is exceeded"));
    }
    if asked.flag("MultiAZ") == Some(true) && asked.text("AvailabilityZone").is_some() {
        let says = "Requesting a specific availability zone is not valid for Multi-AZ instances.";
        return Err(refused("InvalidParameterCombination", 400, says));
    }
    let all = restored(asked, &id, &snapshot);
    let took = restoring(all.get("AllocatedStorage").and_then(Value::as_u64).unwrap_or(20));
    let mut thing = Thing::new(Sort::Db, place, &id, now, "creating", all);
    let mut address = things::endpoint(world, place, &id);
    if let (Some(port), Some(address)) = (asked.value("Port"), address.as_object_mut()) {
        address.insert("Port".to_owned(), port.clone());
    }
    thing.then(
        now,
        [
            Phase::new(after(now, took * 7 / 10), "backing-up").with("Endpoint", address),
            Phase::new(after(now, took), "available"),
        ],
    );
    let body = json!({"DBInstance": things::describe(&thing, now)});
    Ok(Deal { body, target: id, changes: vec![Change::Made(Box::new(thing))] })
}

/// Returns the members of what a restore makes: what is not passed is dropped (R4), but for class, engine, size and key.
fn restored(asked: &Asked<'_>, id: &str, snapshot: &Thing) -> Map<String, Value> {
    let (place, now) = (&asked.call.place, asked.now);
    let source = snapshot.member(now, SOURCE).cloned().unwrap_or(Value::Null);
    let of = |name: &str| source.get(name).cloned().unwrap_or(Value::Null);
    let passed = |name: &str, otherwise: Value| asked.value(name).cloned().unwrap_or(otherwise);
    let mut chance = asked.chance();
    let multi = passed("MultiAZ", json!(false));
    let storage = passed("StorageType", json!("gp3"));
    let same_storage = storage == of("StorageType");
    let groups: Vec<Value> = match asked.list("VpcSecurityGroupIds").as_slice() {
        [] => vec![json!({"VpcSecurityGroupId": format!("sg-{}", default_group(asked, place))})],
        groups => groups.iter().map(|group| json!({"VpcSecurityGroupId": group})).collect(),
    };
    let mut all = members(json!({
        "DBInstanceIdentifier": id,
        "DBInstanceArn": format!("arn:aws:rds:{}:{}:db:{id}", place.region, place.account),
        "DbiResourceId": format!("db-{}", chance.hex(26).to_uppercase()),
        "Engine": of("Engine"),
        "EngineVersion": of("EngineVersion"),
        "DBInstanceClass": passed("DBInstanceClass", of("DBInstanceClass")),
        "AllocatedStorage": of("AllocatedStorage"),
        "StorageType": storage,
        "Iops": passed("Iops", if same_storage { of("Iops") } else { json!(3000) }),
        "StorageThroughput": passed("StorageThroughput", if same_storage { of("StorageThroughput") } else { json!(125) }),
        "StorageEncrypted": snapshot.member(now, "Encrypted"),
        "KmsKeyId": snapshot.member(now, "KmsKeyId"),
        "MultiAZ": multi,
        "AvailabilityZone": passed("AvailabilityZone", json!(format!("{}a", place.region))),
        "DeletionProtection": passed("DeletionProtection", json!(false)),
        "IAMDatabaseAuthenticationEnabled": passed("EnableIAMDatabaseAuthentication", json!(false)),
        "DBParameterGroups": [{"DBParameterGroupName": passed("DBParameterGroupName", json!("default.postgres16"))}],
        "VpcSecurityGroups": groups,
        "DBSubnetGroup": {"DBSubnetGroupName": passed("DBSubnetGroupName", json!("default"))},
        "OptionGroupMemberships": [{"OptionGroupName": passed("OptionGroupName", json!("default:postgres-16"))}],
        "CopyTagsToSnapshot": passed("CopyTagsToSnapshot", json!(false)),
        "PubliclyAccessible": passed("PubliclyAccessible", json!(false)),
        "AutoMinorVersionUpgrade": passed("AutoMinorVersionUpgrade", json!(true)),
        "CACertificateIdentifier": passed("CACertificateIdentifier", json!("rds-ca-rsa2048-g1")),
    }));
    // These cannot be passed at all: they have to be set by a change afterwards.
    all.extend(members(json!({
        "MonitoringInterval": 0,
        "PerformanceInsightsEnabled": false,
        "DatabaseInsightsMode": "standard",
        "PreferredMaintenanceWindow": "tue:08:31-tue:09:01",
        "PromotionTier": 1,
        // These come with the snapshot.
        "PreferredBackupWindow": of("PreferredBackupWindow"),
        "BackupRetentionPeriod": of("BackupRetentionPeriod"),
        "EnabledCloudwatchLogsExports": passed("EnableCloudwatchLogsExports", json!([])),
        "TagList": passed("Tags", of("TagList")),
        "InstanceCreateTime": when(now),
        "PendingModifiedValues": {},
    })));
    all
}

fn default_group(asked: &Asked<'_>, place: &Place) -> String {
    super::super::chance::Chance::new(asked.world.seed, &format!("default group {place}")).hex(17)
}

fn not_available(thing: &Thing, now: Timestamp) -> CallTrouble {
    let says = format!("Instance {} is not available: it is {}", thing.id, thing.status(now));
    refused("InvalidDBInstanceState", 400, &says)
}

pub(super) fn modify(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = shown(asked, asked.required("DBInstanceIdentifier")?)?;
    if thing.status(now) != "available" {
        return Err(not_available(&thing, now));
    }
    let at_once = asked.flag("ApplyImmediately") == Some(true);
    let (mut soon, mut later) = (Map::new(), Map::new());
    for (argument, member, waits) in CHANGES {
        let Some(value) = asked.value(argument) else { continue };
        if thing.member(now, member) != Some(value) {
            let when = if waits && !at_once { &mut later } else { &mut soon };
            when.insert(member.to_owned(), value.clone());
        }
    }
    let groups = asked.list("VpcSecurityGroupIds");
    if !groups.is_empty() {
        let groups: Vec<_> = groups.iter().map(|group| json!({"VpcSecurityGroupId": group})).collect();
        soon.insert("VpcSecurityGroups".to_owned(), Value::Array(groups));
    }
    if let Some(group) = asked.value("DBParameterGroupName") {
        soon.insert("DBParameterGroups".to_owned(), json!([{"DBParameterGroupName": group}]));
    }
    let unfit = |value: &Value, low: u64, high: u64| value.as_u64().is_none_or(|n| n < low || n > high);
    if soon
        .get("BackupRetentionPeriod")
        .or(later.get("BackupRetentionPeriod"))
        .is_some_and(|n| unfit(n, 0, 35))
    {
        return Err(refused("InvalidParameterValue", 400, "BackupRetentionPeriod is from 0 to 35"));
    }
    if soon.get("MonitoringInterval").is_some_and(|n| n != 0)
        && asked.value("MonitoringRoleArn").or(thing.member(now, "MonitoringRoleArn")).is_none()
    {
        let says =
            "A MonitoringRoleARN value is required if you specify a MonitoringInterval value other than 0.";
        return Err(refused("InvalidParameterCombination", 400, says));
    }
    if let Some(name) = asked.text("NewDBInstanceIdentifier").filter(|_| at_once) {
        return rename(asked, thing, &name.to_lowercase(), soon);
    }
    let id = thing.id.clone();
    if soon.is_empty() && later.is_empty() {
        let body = json!({"DBInstance": things::describe(&thing, now)});
        return Ok(Deal { body, target: id, changes: Vec::new() });
    }
    if soon.is_empty() {
        thing.then(now, [Phase::new(now, "available").with("PendingModifiedValues", later)]);
    } else {
        let took = if soon.get("MultiAZ") == Some(&json!(true)) { MODIFYING.1 } else { MODIFYING.0 };
        let mut pending = later.clone();
        pending.extend(soon.clone());
        let mut end = Phase::new(after(now, took), "available").with("PendingModifiedValues", later);
        end.patch.extend(soon);
        thing.then(now, [Phase::new(now, "modifying").with("PendingModifiedValues", pending), end]);
    }
    let body = json!({"DBInstance": things::describe(&thing, now)});
    Ok(Deal { body, target: id, changes: vec![Change::Changed(Box::new(thing))] })
}

/// Renames a database: it is gone under one name when it is there under the other (R5).
fn rename(asked: &Asked<'_>, mut old: Thing, name: &str, soon: Map<String, Value>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    if things::instance(world, place, name, now).is_some_and(|thing| thing.exists(now)) {
        return Err(refused("DBInstanceAlreadyExists", 400, "DB instance already exists"));
    }
    let at = after(now, RENAMING);
    let mut new = old.clone();
    name.clone_into(&mut new.id);
    new.members = old.described(now);
    new.members.extend(soon);
    new.members.insert("DBInstanceIdentifier".to_owned(), json!(name));
    let arn = format!("arn:aws:rds:{}:{}:db:{name}", place.region, place.account);
    new.members.insert("DBInstanceArn".to_owned(), json!(arn));
    new.members.insert("Endpoint".to_owned(), things::endpoint(world, place, name));
    new.phases = vec![Phase::new(at, "available")];
    new.hidden_until = Some(at);
    old.then(now, [Phase::new(now, "renaming")]);
    old.gone_from = Some(at);
    // Its backups go on under its resource id.
    old.members.insert(KEPT.to_owned(), json!(true));
    let body = json!({"DBInstance": things::describe(&old, now)});
    let target = old.id.clone();
    Ok(Deal { body, target, changes: vec![Change::Changed(Box::new(old)), Change::Made(Box::new(new))] })
}

pub(super) fn delete(asked: &Asked<'_>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let mut thing = shown(asked, asked.required("DBInstanceIdentifier")?)?;
    if thing.status(now) == "deleting" {
        return Err(refused(
            "InvalidDBInstanceState",
            400,
            &format!("{} is already being deleted", thing.id),
        ));
    }
    if thing.member(now, "DeletionProtection") == Some(&json!(true)) {
        let says = "Cannot delete protected DB Instance, please disable deletion protection and try again.";
        return Err(refused("InvalidParameterCombination", 400, says));
    }
    let skips = asked.flag("SkipFinalSnapshot") == Some(true);
    let last = asked.text("FinalDBSnapshotIdentifier");
    let mut changes = Vec::new();
    let mut end = after(now, DELETING.0);
    match (skips, last) {
        (true, None) => {}
        (false, Some(name)) => {
            if BROKEN.contains(&thing.status(now)) || thing.status(now) == "creating" {
                return Err(not_available(&thing, now));
            }
            if things::snapshot(world, place, name, now).is_some() {
                return Err(refused("DBSnapshotAlreadyExists", 400, &format!("{name} exists already")));
            }
            let mut all = things::snapshot_members(&thing.described(now), name, place, now);
            if thing.member(now, "CopyTagsToSnapshot") != Some(&json!(true))
                && let Some(Value::Object(source)) = all.get_mut(SOURCE)
            {
                source.insert("TagList".to_owned(), json!([]));
            }
            let mut snapshot = Thing::new(Sort::DbSnapshot, place, name, now, "creating", all);
            snapshot.then(now, [Phase::new(after(now, DELETING.1), "available")]);
            end = after(end, DELETING.1);
            changes.push(Change::Made(Box::new(snapshot)));
        }
        _ => {
            let says = "give FinalDBSnapshotIdentifier or SkipFinalSnapshot, and not both";
            return Err(refused("InvalidParameterCombination", 400, says));
        }
    }
    thing.then(now, [Phase::new(now, "deleting")]);
    thing.gone_from = Some(end);
    // Automated backups go with it unless it is asked otherwise (R10).
    thing.members.insert(KEPT.to_owned(), json!(asked.flag("DeleteAutomatedBackups") == Some(false)));
    let body = json!({"DBInstance": things::describe(&thing, now)});
    let target = thing.id.clone();
    changes.insert(0, Change::Changed(Box::new(thing)));
    Ok(Deal { body, target, changes })
}

pub(super) fn fail_over(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut cluster = known_cluster(asked)?;
    if cluster.status(now) != "available" {
        let says = format!("{} is {}, not available", cluster.id, cluster.status(now));
        return Err(refused("InvalidDBClusterStateFault", 400, &says));
    }
    let mut all =
        cluster.member(now, "DBClusterMembers").and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |member: &Value| {
        member.get("DBInstanceIdentifier").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let writes = |member: &Value| member.get("IsClusterWriter") == Some(&json!(true));
    let writer = all.iter().find(|member| writes(member)).map(name);
    let target = match asked.text("TargetDBInstanceIdentifier") {
        Some(target) if !all.iter().any(|member| name(member) == target) => {
            return Err(refused(
                "DBInstanceNotFound",
                404,
                &format!("{target} is no member of {}", cluster.id),
            ));
        }
        Some(target) if writer.as_deref() == Some(target) => {
            let says = format!("{target} is already the writer of {}", cluster.id);
            return Err(refused("InvalidDBClusterStateFault", 400, &says));
        }
        Some(target) => Some(target.to_owned()),
        None => all.iter().find(|member| !writes(member)).map(name),
    };
    let Some(target) = target else {
        return Err(refused("InvalidDBClusterStateFault", 400, "there is no reader to fail over to"));
    };
    for member in &mut all {
        let is_writer = name(member) == target;
        if let Some(member) = member.as_object_mut() {
            member.insert("IsClusterWriter".to_owned(), json!(is_writer));
        }
    }
    let end = Phase::new(after(now, FAILING_OVER), "available").with("DBClusterMembers", all);
    cluster.then(now, [Phase::new(now, "failing-over"), end]);
    let shown = describe_cluster(&cluster, now);
    let told = ["DBClusterIdentifier", "Status", "DBClusterMembers"].into_iter();
    let told: serde_json::Map<_, _> =
        told.filter_map(|name| Some((name.to_owned(), shown.get(name)?.clone()))).collect();
    let body = json!({ "DBCluster": told });
    Ok(Deal { body, target: cluster.id.clone(), changes: vec![Change::Changed(Box::new(cluster))] })
}
