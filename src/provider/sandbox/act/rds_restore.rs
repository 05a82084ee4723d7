//! RDS: restores, which drop what a restore drops (R4), and the automated backups that they can be made from (R2).

use super::super::deeds::{Change, KEPT, Phase, Sort, Thing};
use super::rds::shown;
use super::rds_snapshots::no_snapshot;
use super::rds_things::{self as things, SOURCE};
use super::{Asked, Deal, Done, Told, members, refused, when};
use crate::domain::duration::{after, before};
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::recovery_point::PointKind;
use crate::provider::port::CallTrouble;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The most databases of a Region.
const QUOTA: usize = 40;
/// How far automated backups reach.
const REACH: Duration = Duration::from_secs(14 * 24 * 3600);

/// Returns how long a restore of so many GiB takes.
fn restoring(size: u64) -> Duration {
    Duration::from_secs(360 + 1140 * size.min(1000) / 1000)
}

/// Says why an instance of this name cannot be made.
pub(super) fn refusal(asked: &Asked<'_>, id: &str, key: &str) -> Result<(), CallTrouble> {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    if things::instance(world, place, id, now).is_some_and(|thing| thing.exists(now)) {
        return Err(refused("DBInstanceAlreadyExists", 400, "DB instance already exists"));
    }
    if !things::key_works(world, place, key) {
        return Err(refused("KMSKeyNotAccessibleFault", 400, "the key of the snapshot cannot be used"));
    }
    if things::instances(world, place, now).len() >= QUOTA {
        return Err(refused("InstanceQuotaExceeded", 400, "the quota of DB instances is exceeded"));
    }
    if asked.flag("MultiAZ") == Some(true) && asked.text("AvailabilityZone").is_some() {
        let says = "Requesting a specific availability zone is not valid for Multi-AZ instances.";
        return Err(refused("InvalidParameterCombination", 400, says));
    }
    super::rds_groups::checked(asked)
}

/// Makes an instance that is a while in creating.
pub(super) fn made(asked: &Asked<'_>, id: String, all: Map<String, Value>) -> Deal {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
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
    Deal { body, target: id, changes: vec![Change::Made(Box::new(thing))] }
}

pub(super) fn restore(asked: &Asked<'_>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let id = asked.required("DBInstanceIdentifier")?.to_lowercase();
    let wanted = asked.required("DBSnapshotIdentifier")?;
    let snapshot = things::snapshot(world, place, wanted, now).ok_or_else(|| no_snapshot(wanted));
    if let Ok(snapshot) = &snapshot
        && snapshot.status(now) != "available"
    {
        let says = format!("DBSnapshot {wanted} is in the state {}", snapshot.status(now));
        return Err(refused("InvalidDBSnapshotState", 400, &says));
    }
    refusal(asked, &id, snapshot.as_ref().map_or("", |snapshot| snapshot.text(now, "KmsKeyId")))?;
    let snapshot = snapshot?;
    let source = snapshot.member(now, SOURCE).cloned().unwrap_or(Value::Null);
    let all = restored(asked, &id, &source, snapshot.member(now, "KmsKeyId"));
    Ok(made(asked, id, all))
}

/// A database's automated backups: what they say of themselves, and what was in it.
struct Backups {
    told: Value,
    source: Value,
}

/// Returns the automated backups of all databases that had a name at a place.
fn backups(asked: &Asked<'_>, name: &str) -> Vec<Backups> {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let mut all = Vec::new();
    let tell = |source: &Value, status: &str, latest: Timestamp, first: Timestamp, region: &Place| {
        let id = source.get("DbiResourceId").and_then(Value::as_str).unwrap_or_default();
        let tail: String = id.to_lowercase().chars().skip(3).collect();
        json!({
            "DBInstanceIdentifier": name,
            "DbiResourceId": id,
            "DBInstanceAutomatedBackupsArn": format!("arn:aws:rds:{}:{}:auto-backup:ab-{tail}", place.region, place.account),
            "Region": region.region,
            "Status": status,
            "Engine": source.get("Engine"),
            "Encrypted": source.get("StorageEncrypted"),
            "KmsKeyId": source.get("KmsKeyId"),
            "RestoreWindow": {"EarliestTime": when(first.max(before(latest, REACH)).min(latest)), "LatestTime": when(latest)},
        })
    };
    let moment = |value: &Value, name: &str| value.get(name)?.as_str()?.parse::<Timestamp>().ok();
    if let Some(thing) = things::instance(world, place, name, now) {
        let source = things::describe(&thing, now);
        let first = moment(&source, "InstanceCreateTime").unwrap_or(now);
        // A renamed one keeps its backups under its new name.
        let deleted = thing.status(now) == "deleting" && thing.members.get(KEPT) == Some(&json!(true));
        if let (true, Some(latest)) = (thing.exists(now), moment(&source, "LatestRestorableTime")) {
            all.push(Backups { told: tell(&source, "active", latest, first, place), source });
        } else if let (true, Some(gone)) = (deleted, thing.gone_from) {
            all.push(Backups { told: tell(&source, "retained", gone, first, place), source });
        }
    }
    let away = world.resources.iter().filter(|(_, resource)| {
        resource.kind == Kind::RdsInstance && resource.name.as_str() == name && resource.home != *place
    });
    for (id, resource) in away {
        let lost = world.region_lost(&resource.home.region, now).unwrap_or(now);
        let replicated = resource
            .protections
            .iter()
            .any(|protection| protection.kind == PointKind::ReplicatedBackup && protection.place == *place);
        if replicated {
            let source =
                Value::Object(things::own(world, id, resource, resource.name.as_str(), None).members);
            let latest = before(lost, Duration::from_secs(600));
            let told = tell(&source, "replicating", latest, resource.created_at, &resource.home);
            all.push(Backups { told, source });
        }
    }
    all
}

pub(super) fn automated(asked: &Asked<'_>) -> Told {
    let mut all = backups(asked, asked.required("DBInstanceIdentifier")?);
    if let Some(id) = asked.text("DbiResourceId") {
        all.retain(|one| one.told.get("DbiResourceId") == Some(&json!(id)));
    }
    let all: Vec<Value> = all.into_iter().map(|one| one.told).collect();
    Ok(json!({"DBInstanceAutomatedBackups": all}))
}

pub(super) fn restore_to_time(asked: &Asked<'_>) -> Done {
    let id = asked.required("TargetDBInstanceIdentifier")?.to_lowercase();
    let none = || refused("DBInstanceAutomatedBackupNotFound", 404, "there are no such automated backups");
    let found = if let Some(name) = asked.text("SourceDBInstanceIdentifier") {
        let source = shown(asked, name)?;
        if source.member(asked.now, "BackupRetentionPeriod") == Some(&json!(0)) {
            return Err(refused("PointInTimeRestoreNotEnabled", 400, "automated backups are not enabled"));
        }
        backups(asked, &name.to_lowercase()).into_iter().next().ok_or_else(none)?
    } else {
        let (member, wanted) = match asked.text("SourceDbiResourceId") {
            Some(id) => ("DbiResourceId", id),
            None => ("DBInstanceAutomatedBackupsArn", asked.required("SourceDBInstanceAutomatedBackupsArn")?),
        };
        let (world, place) = (asked.world, &asked.call.place);
        let made = world.deeds.things(Sort::Db, place).map(|thing| thing.id.clone());
        let own = world.resources.values().map(|resource| resource.name.to_string());
        let mut found = made.chain(own).flat_map(|name| backups(asked, &name));
        found.find(|one| one.told.get(member) == Some(&json!(wanted))).ok_or_else(none)?
    };
    let window = |name: &str| -> Option<Timestamp> {
        found.told.get("RestoreWindow")?.get(name)?.as_str()?.parse().ok()
    };
    match (asked.text("RestoreTime"), asked.flag("UseLatestRestorableTime") == Some(true)) {
        (None, true) => {}
        (Some(text), false) => {
            let at = text.parse::<Timestamp>().ok();
            if at.is_none() || at < window("EarliestTime") || at > window("LatestTime") {
                let says = format!("{text} does not lie in the window of the backups");
                return Err(refused("InvalidRestoreFault", 400, &says));
            }
        }
        _ => {
            let says = "give RestoreTime or UseLatestRestorableTime, and not both";
            return Err(refused("InvalidParameterCombination", 400, says));
        }
    }
    let key = found.source.get("KmsKeyId").and_then(Value::as_str).unwrap_or_default();
    refusal(asked, &id, key)?;
    let mut all = restored(asked, &id, &found.source, found.source.get("KmsKeyId"));
    // This alone takes it (R4).
    if let Some(most) = asked.value("MaxAllocatedStorage") {
        all.insert("MaxAllocatedStorage".to_owned(), most.clone());
    }
    Ok(made(asked, id, all))
}

/// Returns the members of what a restore makes: what is not passed is dropped (R4), but for class, engine, size and key.
pub(super) fn restored(
    asked: &Asked<'_>,
    id: &str,
    source: &Value,
    key: Option<&Value>,
) -> Map<String, Value> {
    let (place, now) = (&asked.call.place, asked.now);
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
        "StorageEncrypted": key.is_some_and(|key| !key.is_null()),
        "KmsKeyId": key,
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
