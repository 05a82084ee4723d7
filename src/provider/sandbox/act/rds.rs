//! RDS: instances, their changes and deletions.

use super::super::deeds::{Change, KEPT, Phase, Sort, Thing};
use super::rds_things::{self as things, SOURCE};
use super::{Asked, Deal, Done, Told, refused};
use crate::domain::duration::after;
use crate::provider::port::CallTrouble;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long a change takes, and one that adds a standby.
const MODIFYING: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(8 * 60));
/// How long a deletion takes, and the snapshot before it.
const DELETING: (Duration, Duration) = (Duration::from_secs(240), Duration::from_secs(180));
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

/// Returns a database that reading calls show.
pub(super) fn shown(asked: &Asked<'_>, id: &str) -> Result<Thing, CallTrouble> {
    things::instance(asked.world, &asked.call.place, id, asked.now)
        .filter(|thing| thing.is_shown(asked.now))
        .ok_or_else(|| refused("DBInstanceNotFound", 404, &format!("DBInstance {id} not found.")))
}

pub(super) fn not_available(thing: &Thing, now: Timestamp) -> CallTrouble {
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
