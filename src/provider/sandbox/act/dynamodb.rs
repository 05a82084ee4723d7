//! DynamoDB: tables that are restored and protected, and their backups.

use super::super::deeds::{Change, Phase, Sort, Thing};
use super::dynamodb_things::{CONTINUOUS, EXPIRY, TAGS, arn, backups, describe, details, table, window};
use super::{Asked, Deal, Done, Told, members, refused, when};
use crate::domain::duration::after;
use crate::provider::port::CallTrouble;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a backup takes, a restore at least, a change of a table, and its deletion.
const BACKING_UP: Duration = Duration::from_secs(12);
const RESTORING: Duration = Duration::from_secs(900);
const UPDATING: Duration = Duration::from_secs(8);
const DELETING: Duration = Duration::from_secs(15);

fn known(asked: &Asked<'_>, name: &str) -> Result<Thing, CallTrouble> {
    table(asked.world, &asked.call.place, name, asked.now).ok_or_else(|| {
        let says = format!("Requested resource not found: Table: {name} not found");
        refused("ResourceNotFoundException", 400, &says)
    })
}

fn named(asked: &Asked<'_>) -> Result<Thing, CallTrouble> {
    known(asked, asked.required("TableName")?)
}

/// Returns the table of an ARN.
fn of_arn(asked: &Asked<'_>) -> Result<Thing, CallTrouble> {
    let arn = asked.required("ResourceArn")?;
    known(asked, arn.rsplit('/').next().unwrap_or(arn))
}

fn backup_of(asked: &Asked<'_>) -> Result<Thing, CallTrouble> {
    let arn = asked.required("BackupArn")?;
    let mut all = backups(asked.world, &asked.call.place, asked.now).into_iter();
    let found = all.find(|thing| thing.text(asked.now, "BackupArn") == arn);
    found.ok_or_else(|| refused("BackupNotFoundException", 400, &format!("Backup not found: {arn}")))
}

fn changed(body: Value, thing: Thing) -> Deal {
    Deal { body, target: thing.id.clone(), changes: vec![Change::Changed(Box::new(thing))] }
}

pub(super) fn describe_table(asked: &Asked<'_>) -> Told {
    Ok(json!({"Table": describe(&named(asked)?, asked.now)}))
}

pub(super) fn continuous(asked: &Asked<'_>) -> Told {
    let thing = named(asked).map_err(|trouble| match trouble {
        CallTrouble::Refused { says, .. } => refused("TableNotFoundException", 400, says.as_str()),
        other => other,
    })?;
    Ok(json!({"ContinuousBackupsDescription": continuity(asked, &thing)}))
}

fn continuity(asked: &Asked<'_>, thing: &Thing) -> Value {
    let recovery = match window(asked.world, thing, asked.now) {
        None => json!({"PointInTimeRecoveryStatus": "DISABLED"}),
        Some((from, to, days)) => {
            json!({"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": days,
            "EarliestRestorableDateTime": when(from), "LatestRestorableDateTime": when(to)})
        }
    };
    json!({"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery})
}

pub(super) fn expiry(asked: &Asked<'_>) -> Told {
    let thing = named(asked)?;
    let attribute = thing.text(asked.now, EXPIRY);
    Ok(json!({"TimeToLiveDescription": if attribute.is_empty() {
        json!({"TimeToLiveStatus": "DISABLED"})
    } else {
        json!({"TimeToLiveStatus": "ENABLED", "AttributeName": attribute})
    }}))
}

pub(super) fn tags(asked: &Asked<'_>) -> Told {
    let thing = of_arn(asked)?;
    Ok(json!({"Tags": thing.member(asked.now, TAGS).cloned().unwrap_or_else(|| json!([]))}))
}

pub(super) fn describe_backup(asked: &Asked<'_>) -> Told {
    let thing = backup_of(asked)?;
    Ok(json!({"BackupDescription": description(asked, &thing)}))
}

fn description(asked: &Asked<'_>, thing: &Thing) -> Value {
    let table = thing.text(asked.now, "TableName");
    json!({"BackupDetails": details(thing, asked.now),
        "SourceTableDetails": {"TableName": table, "TableArn": arn(&asked.call.place, table)}})
}

pub(super) fn list_backups(asked: &Asked<'_>) -> Told {
    let name = asked.required("TableName")?;
    let now = asked.now;
    let found = backups(asked.world, &asked.call.place, now).into_iter();
    let found = found.filter(|thing| thing.text(now, "TableName") == name).map(|thing| {
        let mut all = thing.described(now);
        all.remove("BackupSizeBytes");
        all.insert("BackupStatus".to_owned(), json!(thing.status(now)));
        Value::Object(all)
    });
    Ok(json!({"BackupSummaries": found.collect::<Vec<_>>()}))
}

fn new_backup(asked: &Asked<'_>, thing: &Thing, name: &str, kind: &str) -> Thing {
    let (place, now) = (&asked.call.place, asked.now);
    let tail = asked.chance().hex(8);
    let id = format!("{}/backup/{:014}-{tail}", arn(place, &thing.id), now.as_millisecond());
    let all = members(json!({
        "BackupArn": id,
        "BackupName": name,
        "BackupType": kind,
        "BackupCreationDateTime": when(now),
        "BackupSizeBytes": thing.member(now, "ItemCount").and_then(Value::as_u64).map(|count| count << 10),
        "TableName": thing.id,
    }));
    let mut backup = Thing::new(Sort::TableBackup, place, &id, now, "CREATING", all);
    backup.then(now, [Phase::new(after(now, BACKING_UP), "AVAILABLE")]);
    backup
}

pub(super) fn create_backup(asked: &Asked<'_>) -> Done {
    let thing = named(asked)?;
    if thing.status(asked.now) == "CREATING" {
        return Err(refused(
            "ContinuousBackupsUnavailableException",
            400,
            "backups are being enabled for the table",
        ));
    }
    let backup = new_backup(asked, &thing, asked.required("BackupName")?, "USER");
    let body = json!({"BackupDetails": details(&backup, asked.now)});
    Ok(Deal { body, target: backup.id.clone(), changes: vec![Change::Made(Box::new(backup))] })
}

pub(super) fn delete_backup(asked: &Asked<'_>) -> Done {
    let mut thing = backup_of(asked)?;
    let body = json!({"BackupDescription": description(asked, &thing)});
    thing.gone_from = Some(asked.now);
    Ok(changed(body, thing))
}

/// Makes a table with the data of another, and with nothing that protects it (D3).
fn restored(asked: &Asked<'_>, source: &str, pattern: Option<&Thing>, summary: &Value) -> Done {
    let (place, now) = (&asked.call.place, asked.now);
    let target = asked.required("TargetTableName")?;
    if table(asked.world, place, target, now).is_some() {
        return Err(refused("TableAlreadyExistsException", 400, &format!("Table already exists: {target}")));
    }
    let member = |name: &str| pattern.and_then(|thing| thing.member(now, name)).cloned();
    let indexes = |name: &str, list: &str| {
        let none = asked.value(name).is_some();
        if none { json!([]) } else { member(list).unwrap_or_else(|| json!([])) }
    };
    let mut chance = asked.chance();
    let mut begins = members(summary.clone());
    begins.insert("SourceTableArn".to_owned(), json!(arn(place, source)));
    let mut ends = begins.clone();
    begins.insert("RestoreInProgress".to_owned(), json!(true));
    ends.insert("RestoreInProgress".to_owned(), json!(false));
    let all = members(json!({
        "TableName": target,
        "TableArn": arn(place, target),
        "TableId": chance.uuid(),
        "CreationDateTime": when(now),
        "ItemCount": member("ItemCount"),
        "BillingModeSummary": member("BillingModeSummary"),
        "DeletionProtectionEnabled": false,
        "TableClassSummary": member("TableClassSummary"),
        "GlobalSecondaryIndexes": indexes("GlobalSecondaryIndexOverride", "GlobalSecondaryIndexes"),
        "LocalSecondaryIndexes": indexes("LocalSecondaryIndexOverride", "LocalSecondaryIndexes"),
        "Replicas": [],
        "RestoreSummary": begins,
    }));
    let mut thing = Thing::new(Sort::Table, place, target, now, "CREATING", all);
    let took = RESTORING + Duration::from_secs(chance.between(0, 1200));
    thing.then(now, [Phase::new(after(now, took), "ACTIVE").with("RestoreSummary", ends)]);
    let body = json!({"TableDescription": describe(&thing, now)});
    Ok(Deal { body, target: target.to_owned(), changes: vec![Change::Made(Box::new(thing))] })
}

pub(super) fn restore_backup(asked: &Asked<'_>) -> Done {
    let (place, now) = (&asked.call.place, asked.now);
    let backup = backup_of(asked)?;
    if backup.status(now) != "AVAILABLE" {
        return Err(refused("BackupInUseException", 400, &format!("the backup is {}", backup.status(now))));
    }
    let source = backup.text(now, "TableName").to_owned();
    let pattern = table(asked.world, place, &source, now);
    let made = backup.member(now, "BackupCreationDateTime");
    let summary = json!({"SourceBackupArn": asked.required("BackupArn")?, "RestoreDateTime": made});
    restored(asked, &source, pattern.as_ref(), &summary)
}

pub(super) fn restore_time(asked: &Asked<'_>) -> Done {
    let source = asked.required("SourceTableName")?;
    let thing = known(asked, source)
        .map_err(|_| refused("TableNotFoundException", 400, &format!("Table not found: {source}")))?;
    let Some((from, to, _)) = window(asked.world, &thing, asked.now) else {
        let says = format!("Point in time recovery is not enabled for table '{source}'");
        return Err(refused("PointInTimeRecoveryUnavailableException", 400, &says));
    };
    let at = match asked.text("RestoreDateTime") {
        Some(text) => text.parse::<Timestamp>().ok(),
        None => asked.flag("UseLatestRestorableTime").filter(|latest| *latest).map(|_| to),
    };
    let Some(at) = at.filter(|at| (from..=to).contains(at)) else {
        let says = format!("The restore time must lie between {from} and {to}");
        return Err(refused("InvalidRestoreTimeException", 400, &says));
    };
    restored(asked, source, Some(&thing), &json!({"RestoreDateTime": when(at)}))
}

pub(super) fn delete_table(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = named(asked)?;
    if thing.member(now, "DeletionProtectionEnabled") == Some(&json!(true)) {
        let says = "Resource cannot be deleted as it is currently protected against deletion.";
        return Err(refused("ValidationException", 400, says));
    }
    if thing.status(now) != "ACTIVE" {
        return Err(refused("ResourceInUseException", 400, &format!("the table is {}", thing.status(now))));
    }
    // One that had continuous backups leaves a backup behind (D5).
    let left = window(asked.world, &thing, now)
        .map(|_| new_backup(asked, &thing, &format!("{}$DeletedTableBackup", thing.id), "SYSTEM"));
    thing.then(now, [Phase::new(now, "DELETING")]);
    thing.gone_from = Some(after(now, DELETING));
    let body = json!({"TableDescription": describe(&thing, now)});
    let mut deal = changed(body, thing);
    deal.changes.extend(left.map(|backup| Change::Made(Box::new(backup))));
    Ok(deal)
}

/// Sets members of a table from now on.
fn set(thing: &mut Thing, now: Timestamp, members: impl IntoIterator<Item = (&'static str, Value)>) {
    let later: Vec<Phase> = thing.phases.iter().filter(|phase| phase.at > now).cloned().collect();
    let mut phase = Phase::new(now, thing.status(now));
    for (name, value) in members {
        phase = phase.with(name, value);
    }
    thing.then(now, std::iter::once(phase).chain(later));
}

pub(super) fn update_continuous(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = named(asked)?;
    if thing.status(now) == "CREATING" {
        let says = "Backups are being enabled for the table. Please retry later";
        return Err(refused("ContinuousBackupsUnavailableException", 400, says));
    }
    let wanted = asked.value("PointInTimeRecoverySpecification").cloned().unwrap_or_default();
    let on = wanted.get("PointInTimeRecoveryEnabled") == Some(&json!(true));
    let days = wanted.get("RecoveryPeriodInDays").and_then(Value::as_u64).unwrap_or(35);
    let was = thing.member(now, CONTINUOUS).filter(|one| !one.is_null());
    // Switched off and on, the window begins anew (D1).
    let since = was.and_then(|one| one.get("since").cloned()).unwrap_or_else(|| json!(now));
    let value = if on { json!({"since": since, "days": days}) } else { Value::Null };
    set(&mut thing, now, [(CONTINUOUS, value)]);
    let body = json!({"ContinuousBackupsDescription": continuity(asked, &thing)});
    Ok(changed(body, thing))
}

pub(super) fn update_expiry(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = named(asked)?;
    let wanted = asked.value("TimeToLiveSpecification").cloned().unwrap_or_default();
    let on = wanted.get("Enabled") == Some(&json!(true));
    let is_on = !thing.text(now, EXPIRY).is_empty();
    if on == is_on {
        let says = format!("TimeToLive is already {}", if on { "enabled" } else { "disabled" });
        return Err(refused("ValidationException", 400, &says));
    }
    let attribute = wanted.get("AttributeName").cloned().filter(|_| on);
    set(&mut thing, now, [(EXPIRY, attribute.unwrap_or_default())]);
    Ok(changed(json!({ "TimeToLiveSpecification": wanted }), thing))
}

pub(super) fn update_table(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = named(asked)?;
    if thing.status(now) != "ACTIVE" {
        let says = format!("Attempt to change a resource which is still in use: {}", thing.status(now));
        return Err(refused("ResourceInUseException", 400, &says));
    }
    let mut ends = Phase::new(after(now, UPDATING), "ACTIVE");
    if let Some(guarded) = asked.flag("DeletionProtectionEnabled") {
        ends = ends.with("DeletionProtectionEnabled", guarded);
    }
    if let Some(stream) = asked.value("StreamSpecification") {
        let on = stream.get("StreamEnabled") == Some(&json!(true));
        let is_on = thing.member(now, "StreamSpecification").is_some_and(|stream| !stream.is_null());
        if on && is_on {
            return Err(refused("ValidationException", 400, "Table already has an enabled stream"));
        }
        ends = ends.with("StreamSpecification", if on { stream.clone() } else { Value::Null });
    }
    thing.then(now, [Phase::new(now, "UPDATING"), ends]);
    let body = json!({"TableDescription": describe(&thing, now)});
    Ok(changed(body, thing))
}

pub(super) fn tag(asked: &Asked<'_>) -> Done {
    let new = asked.value("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
    retag(asked, |all| {
        all.retain(|tag| new.iter().all(|new| new.get("Key") != tag.get("Key")));
        all.extend(new.iter().cloned());
    })
}

pub(super) fn untag(asked: &Asked<'_>) -> Done {
    let keys = asked.list("TagKeys");
    retag(asked, |all| {
        all.retain(|tag| tag.get("Key").and_then(Value::as_str).is_none_or(|key| !keys.contains(&key)));
    })
}

fn retag(asked: &Asked<'_>, change: impl FnOnce(&mut Vec<Value>)) -> Done {
    let now = asked.now;
    let mut thing = of_arn(asked)?;
    let mut all = thing.member(now, TAGS).and_then(Value::as_array).cloned().unwrap_or_default();
    change(&mut all);
    set(&mut thing, now, [(TAGS, Value::Array(all))]);
    Ok(changed(json!({}), thing))
}
