//! AWS Backup: vaults, recovery points, and the jobs that make, copy and restore them.

use super::super::chance::Chance;
use super::super::deeds::{Change, Phase, Sort, Thing};
use super::super::observe;
use super::super::world::{Resource, World};
use super::dynamodb_things::table;
use super::{Asked, Deal, Done, Told, members, refused, when};
use crate::domain::duration::after;
use crate::domain::ids::{AccountId, ComponentId, Region};
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use crate::provider::port::CallTrouble;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// When a job starts, when it ends, and when a restore says what it made.
const STARTS: Duration = Duration::from_secs(90);
const ENDS: Duration = Duration::from_secs(900);
const TELLS: Duration = Duration::from_secs(960);
/// What a point keeps for its restore, and of which sort a job is.
const METADATA: &str = "-metadata";
const SORT: &str = "-job";
const GONE: &str = "ResourceNotFoundException";

/// Returns the vaults of a place: the components that have points there.
fn vaults<'a>(world: &'a World, place: &'a Place) -> impl Iterator<Item = (&'a ComponentId, &'a Resource)> {
    world.resources.iter().filter(move |(_, resource)| {
        let there = resource.protections.iter().any(|protection| protection.place == *place);
        resource.kind == Kind::BackupVault && (resource.home == *place || there)
    })
}

fn known_vault(asked: &Asked<'_>, name: &str, place: &Place) -> Result<(), CallTrouble> {
    let mut all = vaults(asked.world, place);
    if all.any(|(_, resource)| resource.name.as_str() == name) {
        return Ok(());
    }
    Err(refused(GONE, 400, &format!("Backup vault {name} was not found.")))
}

pub(super) fn vault(asked: &Asked<'_>) -> Told {
    let (name, place) = (asked.required("BackupVaultName")?, &asked.call.place);
    known_vault(asked, name, place)?;
    Ok(json!({"BackupVaultName": name, "Locked": true,
        "BackupVaultArn": format!("arn:aws:backup:{}:{}:backup-vault:{name}", place.region, place.account)}))
}

/// Returns the points of all vaults of a place.
fn points(world: &World, place: &Place, now: Timestamp) -> Vec<Thing> {
    let own = vaults(world, place).flat_map(|(id, resource)| {
        let points = observe::own_points(world, id, resource, place, now).into_iter();
        points.filter_map(move |point| own_point(world, id, resource, place, &point))
    });
    let mut all: Vec<Thing> =
        own.filter(|thing| world.deeds.thing(Sort::VaultPoint, place, &thing.id).is_none()).collect();
    all.extend(world.deeds.things(Sort::VaultPoint, place).cloned());
    all.retain(|thing| thing.is_shown(now));
    all
}

/// The points that a vault has from the beginning are of the tables of its environment.
fn own_point(
    world: &World,
    id: &ComponentId,
    vault: &Resource,
    place: &Place,
    point: &RecoveryPoint,
) -> Option<Thing> {
    let Holds::Until(moment) = point.holds else { return None };
    let of: Vec<&Resource> = world
        .resources
        .values()
        .filter(|one| one.kind == Kind::DynamodbTable && one.environment == vault.environment)
        .collect();
    let nth = Chance::new(world.seed, point.id.as_str()).between(0, of.len() as u64);
    let of = of.get(usize::try_from(nth).unwrap_or(0))?;
    let all = members(json!({
        "RecoveryPointArn": point.id,
        "BackupVaultName": vault.name,
        "ResourceArn": super::dynamodb_things::arn(&of.home, of.name.as_str()),
        "ResourceType": "DynamoDB",
        "CreationDate": when(moment),
        "StorageClass": "WARM",
        (METADATA): {"originalTableName": of.name, "encryptionType": "Default"},
    }));
    let status = if point.status == PointStatus::Pending { "CREATING" } else { "COMPLETED" };
    let mut thing = Thing::new(Sort::VaultPoint, place, point.id.as_str(), moment, status, all);
    thing.component = Some(id.clone());
    Some(thing)
}

fn known_point(asked: &Asked<'_>) -> Result<Thing, CallTrouble> {
    let arn = asked.required("RecoveryPointArn")?;
    let vault = asked.text("BackupVaultName").or_else(|| asked.text("SourceBackupVaultName"));
    let mut all = points(asked.world, &asked.call.place, asked.now).into_iter();
    let found = all.find(|thing| {
        thing.id == arn && vault.is_none_or(|vault| thing.text(asked.now, "BackupVaultName") == vault)
    });
    found.ok_or_else(|| refused(GONE, 400, &format!("Recovery point {arn} was not found.")))
}

pub(super) fn point(asked: &Asked<'_>) -> Told {
    let thing = known_point(asked)?;
    let mut all = thing.described(asked.now);
    all.insert("Status".to_owned(), json!(thing.status(asked.now)));
    all.insert("IsParent".to_owned(), json!(false));
    Ok(Value::Object(all))
}

pub(super) fn metadata(asked: &Asked<'_>) -> Told {
    let thing = known_point(asked)?;
    let now = asked.now;
    Ok(json!({"RecoveryPointArn": thing.id, "ResourceType": thing.member(now, "ResourceType"),
        "RestoreMetadata": thing.member(now, METADATA).cloned().unwrap_or_else(|| json!({}))}))
}

fn described(thing: &Thing, now: Timestamp) -> Value {
    let mut all = thing.described(now);
    let state = if thing.text(now, SORT) == "restore" { "Status" } else { "State" };
    all.insert(state.to_owned(), json!(thing.status(now)));
    if thing.text(now, SORT) != "copy" {
        // It is a text (B1).
        all.insert("PercentDone".to_owned(), json!(format!("{}.00", thing.percent(now))));
    }
    Value::Object(all)
}

/// Describes a job of a sort by its id.
pub(super) fn job(asked: &Asked<'_>, sort: &str, id: &str) -> Told {
    let (now, wanted) = (asked.now, asked.required(id)?);
    let found = asked.world.deeds.thing(Sort::BackupJob, &asked.call.place, wanted);
    let found = found
        .filter(|thing| thing.text(now, SORT) == sort)
        .ok_or_else(|| refused(GONE, 400, &format!("The job {wanted} does not exist.")))?;
    let told = described(found, now);
    Ok(if sort == "copy" { json!({ "CopyJob": told }) } else { told })
}

/// Lists the jobs of a sort that began after a moment.
pub(super) fn jobs(asked: &Asked<'_>, sort: &str, list: &str) -> Value {
    let now = asked.now;
    let since = asked.text("ByCreatedAfter").and_then(|text| text.parse::<Timestamp>().ok());
    let all = asked.world.deeds.things(Sort::BackupJob, &asked.call.place).filter(|thing| {
        let begun = thing.phases.first().map(|phase| phase.at);
        thing.text(now, SORT) == sort && since.is_none_or(|since| begun.is_some_and(|begun| begun >= since))
    });
    let all: Vec<Value> = all.map(|thing| described(thing, now)).collect();
    json!({ list: all })
}

/// Returns what an earlier call with the same token started; refuses the token with other arguments.
fn by_token(asked: &Asked<'_>, id: &str) -> Result<Option<Deal>, CallTrouble> {
    let Some(token) = asked.text("IdempotencyToken") else { return Ok(None) };
    let mut all = asked.world.deeds.things(Sort::BackupJob, &asked.call.place);
    let Some(known) = all.find(|thing| thing.token.as_ref().is_some_and(|(known, _)| known == token)) else {
        return Ok(None);
    };
    if known.token.as_ref().is_none_or(|(_, digest)| *digest != asked.call.digest()) {
        let says = "the token was used before with other parameters";
        return Err(refused("InvalidParameterValueException", 400, says));
    }
    Ok(Some(Deal { body: json!({id: known.id}), target: known.id.clone(), changes: Vec::new() }))
}

fn new_job(asked: &Asked<'_>, sort: &str, id: &str, told: Value) -> Thing {
    let (now, name) = (asked.now, asked.chance().uuid().to_uppercase());
    let mut all = members(told);
    all.insert(id.to_owned(), json!(name));
    all.insert("CreationDate".to_owned(), json!(when(now)));
    all.insert(SORT.to_owned(), json!(sort));
    let first = if sort == "restore" { "PENDING" } else { "CREATED" };
    let mut thing = Thing::new(Sort::BackupJob, &asked.call.place, &name, now, first, all);
    thing.token = asked.text("IdempotencyToken").map(|token| (token.to_owned(), asked.call.digest()));
    thing
}

/// Returns what kind of thing an ARN is of, in the words of AWS Backup.
fn kind_of(arn: &str) -> Option<&'static str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let (service, rest) = (*parts.get(2)?, *parts.get(5)?);
    Some(match service {
        "dynamodb" => "DynamoDB",
        "s3" => "S3",
        "ec2" if rest.starts_with("volume/") => "EBS",
        "ec2" if rest.starts_with("instance/") => "EC2",
        "rds" if rest.starts_with("cluster:") => "Aurora",
        "rds" => "RDS",
        _ => return None,
    })
}

fn last(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().unwrap_or(arn)
}

pub(super) fn start_backup(asked: &Asked<'_>) -> Done {
    if let Some(known) = by_token(asked, "BackupJobId")? {
        return Ok(known);
    }
    let (place, now) = (&asked.call.place, asked.now);
    let (vault, resource) = (asked.required("BackupVaultName")?, asked.required("ResourceArn")?);
    known_vault(asked, vault, place)?;
    if asked.value("StartWindowMinutes").and_then(Value::as_u64).is_some_and(|minutes| minutes < 60) {
        return Err(refused(
            "InvalidParameterValueException",
            400,
            "the start window must be 60 minutes at least",
        ));
    }
    let is_there =
        asked.world.resources.values().any(|one| one.name.as_str() == last(resource) && one.home == *place)
            || table(asked.world, place, last(resource), now).is_some();
    let Some(kind) = kind_of(resource).filter(|_| is_there) else {
        return Err(refused(GONE, 400, &format!("{resource} was not found.")));
    };
    let arn =
        format!("arn:aws:backup:{}:{}:recovery-point:{}", place.region, place.account, asked.chance().uuid());
    let told = json!({"BackupVaultName": vault, "ResourceArn": resource, "ResourceType": kind, "RecoveryPointArn": arn});
    let mut job = new_job(asked, "backup", "BackupJobId", told);
    let ends = after(now, ENDS);
    job.then(now, [Phase::new(after(now, STARTS), "RUNNING"), Phase::new(ends, "COMPLETED")]);
    let all = members(json!({
        "RecoveryPointArn": arn,
        "BackupVaultName": vault,
        "ResourceArn": resource,
        "ResourceType": kind,
        "CreationDate": when(now),
        "StorageClass": "WARM",
        (METADATA): {},
    }));
    let mut point = Thing::new(Sort::VaultPoint, place, &arn, now, "CREATING", all);
    point.then(now, [Phase::new(ends, "COMPLETED")]);
    let body = json!({"BackupJobId": job.id, "RecoveryPointArn": arn, "CreationDate": when(now)});
    Ok(Deal {
        body,
        target: resource.to_owned(),
        changes: vec![Change::Made(Box::new(job)), Change::Made(Box::new(point))],
    })
}

fn is_usable(asked: &Asked<'_>, point: &Thing) -> Result<(), CallTrouble> {
    match point.status(asked.now) {
        "COMPLETED" | "AVAILABLE" => Ok(()),
        other => {
            Err(refused("InvalidParameterValueException", 400, &format!("the recovery point is {other}")))
        }
    }
}

pub(super) fn start_copy(asked: &Asked<'_>) -> Done {
    if let Some(known) = by_token(asked, "CopyJobId")? {
        return Ok(known);
    }
    let now = asked.now;
    let point = known_point(asked)?;
    is_usable(asked, &point)?;
    let to = asked.required("DestinationBackupVaultArn")?;
    let parts: Vec<&str> = to.split(':').collect();
    let [_, _, "backup", region, account, "backup-vault", name] = parts.as_slice() else {
        return Err(refused("InvalidParameterValueException", 400, &format!("{to} is no ARN of a vault")));
    };
    let there = Place { account: AccountId::new(account), region: Region::new(region) };
    known_vault(asked, name, &there)?;
    let arn = format!("arn:aws:backup:{region}:{account}:recovery-point:{}", asked.chance().uuid());
    let told = json!({"SourceRecoveryPointArn": point.id, "DestinationBackupVaultArn": to,
        "DestinationRecoveryPointArn": arn});
    let mut job = new_job(asked, "copy", "CopyJobId", told);
    let ends = after(now, ENDS);
    job.then(now, [Phase::new(after(now, STARTS), "RUNNING"), Phase::new(ends, "COMPLETED")]);
    let mut all = point.members.clone();
    all.insert("RecoveryPointArn".to_owned(), json!(arn));
    all.insert("BackupVaultName".to_owned(), json!(name));
    let mut copy = Thing::new(Sort::VaultPoint, &there, &arn, now, "CREATING", all);
    copy.then(now, [Phase::new(ends, "COMPLETED")]);
    let body = json!({"CopyJobId": job.id, "CreationDate": when(now)});
    Ok(Deal {
        body,
        target: point.id,
        changes: vec![Change::Made(Box::new(job)), Change::Made(Box::new(copy))],
    })
}

pub(super) fn start_restore(asked: &Asked<'_>) -> Done {
    if let Some(known) = by_token(asked, "RestoreJobId")? {
        return Ok(known);
    }
    let (place, now) = (&asked.call.place, asked.now);
    let point = known_point(asked)?;
    is_usable(asked, &point)?;
    let told = |name: &str| asked.value("Metadata").and_then(|all| all.get(name)).and_then(Value::as_str);
    let kind = point.text(now, "ResourceType").to_owned();
    let missing = |name: &str| {
        refused("InvalidParameterValueException", 400, &format!("the restore metadata lacks {name}"))
    };
    let mut changes = Vec::new();
    let mut failure = None;
    let ends = after(now, ENDS);
    let arn = match kind.as_str() {
        "DynamoDB" => {
            let target = told("targetTableName").ok_or_else(|| missing("targetTableName"))?;
            if table(asked.world, place, target, now).is_some() {
                failure = Some(format!("Table already exists: {target}"));
            } else {
                let all = members(json!({
                    "TableName": target,
                    "TableArn": super::dynamodb_things::arn(place, target),
                    "CreationDateTime": when(now),
                    "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
                    "DeletionProtectionEnabled": false,
                    "GlobalSecondaryIndexes": [],
                    "LocalSecondaryIndexes": [],
                    "Replicas": [],
                }));
                let mut thing = Thing::new(Sort::Table, place, target, now, "CREATING", all);
                thing.then(now, [Phase::new(ends, "ACTIVE")]);
                changes.push(Change::Made(Box::new(thing)));
            }
            super::dynamodb_things::arn(place, target)
        }
        "EBS" => {
            let zone = told("availabilityZone").ok_or_else(|| missing("availabilityZone"))?;
            let id = format!("vol-{}", asked.chance().hex(17));
            let all = members(
                json!({"VolumeId": id, "AvailabilityZone": zone, "Size": 8, "VolumeType": "gp3",
                "Encrypted": true, "CreateTime": when(now), "MultiAttachEnabled": false, "Tags": [], "Attachments": []}),
            );
            let mut thing = Thing::new(Sort::Volume, place, &id, now, "creating", all);
            thing.then(now, [Phase::new(ends, "available")]);
            changes.push(Change::Made(Box::new(thing)));
            format!("arn:aws:ec2:{}:{}:volume/{id}", place.region, place.account)
        }
        _ => {
            let name =
                told("DBInstanceIdentifier").or_else(|| told("DBClusterIdentifier")).unwrap_or("restored");
            format!("arn:aws:rds:{}:{}:db:{name}", place.region, place.account)
        }
    };
    let mut job = new_job(
        asked,
        "restore",
        "RestoreJobId",
        json!({"RecoveryPointArn": point.id, "ResourceType": kind}),
    );
    let runs = Phase::new(after(now, STARTS), "RUNNING");
    job.then(
        now,
        match failure {
            Some(why) => vec![runs, Phase::new(ends, "FAILED").with("StatusMessage", why)],
            // That it is complete comes before what it made (B3).
            None => vec![
                runs,
                Phase::new(ends, "COMPLETED"),
                Phase::new(after(now, TELLS), "COMPLETED").with("CreatedResourceArn", arn),
            ],
        },
    );
    let body = json!({"RestoreJobId": job.id});
    changes.push(Change::Made(Box::new(job)));
    Ok(Deal { body, target: point.id, changes })
}

/// Returns the points of a vault that acts made.
pub(in super::super) fn vault_points(
    world: &World,
    resource: &Resource,
    place: &Place,
    now: Timestamp,
) -> Vec<RecoveryPoint> {
    let made = world.deeds.things(Sort::VaultPoint, place).filter(|thing| {
        thing.component.is_none()
            && thing.is_shown(now)
            && thing.text(now, "BackupVaultName") == resource.name.as_str()
    });
    let points = made.filter_map(|thing| {
        let at = thing.phases.first()?.at;
        let mut point = RecoveryPoint::new(&thing.id, PointKind::VaultPoint, place.clone(), Holds::Until(at));
        let ready = thing.status(now) == "COMPLETED";
        point.status = if ready { PointStatus::Available } else { PointStatus::Pending };
        Some(point)
    });
    points.collect()
}
