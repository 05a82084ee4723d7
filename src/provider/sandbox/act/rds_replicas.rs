//! RDS: read replicas of instances, and what becomes of one that is promoted (A4).

use super::super::deeds::{Change, Phase};
use super::rds::{not_available, shown};
use super::rds_restore::{made, refusal, restored};
use super::rds_things as things;
use super::{Asked, Deal, Done, refused};
use crate::domain::duration::after;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a promotion takes.
const PROMOTING: Duration = Duration::from_secs(300);
/// The member that names what a replica follows.
const FOLLOWS: &str = "ReadReplicaSourceDBInstanceIdentifier";

pub(super) fn create(asked: &Asked<'_>) -> Done {
    let (world, now) = (asked.world, asked.now);
    let id = asked.required("DBInstanceIdentifier")?.to_lowercase();
    let wanted = asked.required("SourceDBInstanceIdentifier")?;
    let mut at = asked.call.place.clone();
    if let Some(region) = wanted.strip_prefix("arn:").and_then(|rest| rest.split(':').nth(2)) {
        at.region = region.into();
    }
    let away = at.region != asked.call.place.region;
    let name = wanted.rsplit(':').next().unwrap_or(wanted);
    let source = things::instance(world, &at, name, now)
        .filter(|thing| thing.is_shown(now))
        .ok_or_else(|| refused("DBInstanceNotFound", 404, &format!("DBInstance {wanted} not found.")))?;
    if source.status(now) != "available" {
        return Err(not_available(&source, now));
    }
    if source.member(now, "BackupRetentionPeriod") == Some(&json!(0)) {
        let says = "Automated backups are not enabled for this database instance. To enable automated backups, use \
                    ModifyDBInstance to set the backup retention period to a non-zero value.";
        return Err(refused("InvalidDBInstanceState", 400, says));
    }
    let own = source.member(now, "KmsKeyId").cloned().unwrap_or_default();
    let key = match asked.value("KmsKeyId") {
        Some(key) => key.clone(),
        // A key belongs to its Region (R5).
        None if away && !own.is_null() => {
            let says = "the key of the source cannot be used in this Region: give KmsKeyId";
            return Err(refused("KMSKeyNotAccessibleFault", 400, says));
        }
        None => own,
    };
    refusal(asked, &id, key.as_str().unwrap_or_default())?;
    let described = Value::Object(source.described(now));
    let mut all = restored(asked, &id, &described, Some(&key));
    all.insert(
        FOLLOWS.to_owned(),
        if away { described.get("DBInstanceArn").cloned().unwrap_or_default() } else { json!(name) },
    );
    // A replica keeps no backups of its own until it is told to.
    all.insert("BackupRetentionPeriod".to_owned(), json!(0));
    Ok(made(asked, id, all))
}

pub(super) fn promote(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = shown(asked, asked.required("DBInstanceIdentifier")?)?;
    if thing.member(now, FOLLOWS).is_none_or(Value::is_null) {
        let says = format!("{} is not a read replica", thing.id);
        return Err(refused("InvalidDBInstanceState", 400, &says));
    }
    // Not while it is backed up, either (A4).
    if thing.status(now) != "available" {
        return Err(not_available(&thing, now));
    }
    let kept = asked.value("BackupRetentionPeriod").cloned().unwrap_or(json!(1));
    let mut end = Phase::new(after(now, PROMOTING), "available").with("BackupRetentionPeriod", kept);
    end.patch.insert(FOLLOWS.to_owned(), Value::Null);
    thing.then(now, [Phase::new(now, "modifying"), Phase::new(after(now, PROMOTING / 2), "rebooting"), end]);
    let (body, target) = (json!({"DBInstance": things::describe(&thing, now)}), thing.id.clone());
    Ok(Deal { body, target, changes: vec![Change::Changed(Box::new(thing))] })
}
