//! Tables and their backups, as the world began and as acts left them.

use super::super::deeds::{Sort, Thing};
use super::super::observe;
use super::super::world::{Resource, World};
use super::rds_things::tags;
use super::{members, when};
use crate::domain::duration::before;
use crate::domain::ids::ComponentId;
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// Where a table keeps what its description does not show: since when it has continuous backups and for how many days, and
/// the attribute by which its items expire.
pub(super) const CONTINUOUS: &str = "-continuous";
pub(super) const EXPIRY: &str = "-expiry";
pub(super) const TAGS: &str = "-tags";
/// By how much a backup may miss what was written last (D5), and how far behind the end of the window is (D1).
const MARGIN: Duration = Duration::from_secs(60);
const BEHIND: Duration = Duration::from_secs(300);

/// Returns the ARN of a table.
pub(super) fn arn(place: &Place, name: &str) -> String {
    format!("arn:aws:dynamodb:{}:{}:table/{name}", place.region, place.account)
}

fn resources<'a>(
    world: &'a World,
    place: &'a Place,
    now: Timestamp,
) -> impl Iterator<Item = (&'a ComponentId, &'a Resource)> {
    world.resources.iter().filter(move |(id, resource)| {
        resource.kind == Kind::DynamodbTable
            && resource.home == *place
            && observe::deleted_at(world, id, now).is_none()
    })
}

/// Returns a table that is there.
pub(super) fn table(world: &World, place: &Place, name: &str, now: Timestamp) -> Option<Thing> {
    if let Some(thing) = world.deeds.thing(Sort::Table, place, name) {
        return Some(thing.clone()).filter(|thing| thing.is_shown(now));
    }
    let (id, resource) = resources(world, place, now).find(|(_, resource)| resource.name.as_str() == name)?;
    let setting = |name: &str| resource.settings.get(&name.into()).map(ToString::to_string);
    let stream = setting("Stream").map(|view| json!({"StreamEnabled": true, "StreamViewType": view}));
    let continuous = observe::own_points(world, id, resource, place, now)
        .into_iter()
        .any(|point| point.kind == PointKind::PointInTime);
    let all = members(json!({
        "TableName": name,
        "TableArn": arn(place, name),
        "TableId": super::super::chance::Chance::new(world.seed, &format!("table {id}")).uuid(),
        "CreationDateTime": when(resource.created_at),
        "ItemCount": resource.size_bytes >> 10,
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "StreamSpecification": stream,
        "DeletionProtectionEnabled": true,
        "TableClassSummary": {"TableClass": "STANDARD"},
        "GlobalSecondaryIndexes": [{"IndexName": "by-owner"}],
        "LocalSecondaryIndexes": [],
        "Replicas": [],
        (CONTINUOUS): continuous.then(|| json!({"since": resource.created_at, "days": 35})),
        (EXPIRY): setting("TimeToLive"),
        (TAGS): tags(id, resource),
    }));
    let mut thing = Thing::new(Sort::Table, place, name, resource.created_at, "ACTIVE", all);
    thing.component = Some(id.clone());
    Some(thing)
}

/// Says a table as DynamoDB does.
pub(super) fn describe(thing: &Thing, now: Timestamp) -> Value {
    let mut all = thing.described(now);
    all.insert("TableStatus".to_owned(), json!(thing.status(now)));
    Value::Object(all)
}

/// Returns the window of a table's continuous backups; `None` where they are off.
pub(super) fn window(world: &World, thing: &Thing, now: Timestamp) -> Option<(Timestamp, Timestamp, u64)> {
    let continuous = thing.member(now, CONTINUOUS).filter(|one| !one.is_null())?;
    let days = continuous.get("days").and_then(Value::as_u64).unwrap_or(35);
    let own = thing.component.as_ref().and_then(|id| {
        let resource = world.resources.get(id)?;
        let points = observe::own_points(world, id, resource, &thing.place, now);
        points.into_iter().find_map(|point| match point.holds {
            Holds::Window { earliest, latest } => Some((earliest, latest)),
            _ => None,
        })
    });
    let since: Timestamp = continuous.get("since").and_then(Value::as_str)?.parse().ok()?;
    let (earliest, latest) = own.unwrap_or((since, before(now, BEHIND).max(since)));
    Some((earliest, latest, days))
}

/// Returns all backups of a place that are there.
pub(super) fn backups(world: &World, place: &Place, now: Timestamp) -> Vec<Thing> {
    let tables = world.resources.iter().filter(|(_, resource)| resource.kind == Kind::DynamodbTable);
    let own = tables.flat_map(|(id, resource)| {
        let points = observe::own_points(world, id, resource, place, now).into_iter();
        points.filter_map(move |point| own_backup(id, resource, place, &point, now))
    });
    let mut all: Vec<Thing> =
        own.filter(|thing| world.deeds.thing(Sort::TableBackup, place, &thing.id).is_none()).collect();
    all.extend(world.deeds.things(Sort::TableBackup, place).cloned());
    all.retain(|thing| thing.is_shown(now));
    all
}

fn own_backup(
    id: &ComponentId,
    resource: &Resource,
    place: &Place,
    point: &RecoveryPoint,
    now: Timestamp,
) -> Option<Thing> {
    let (Holds::Until(moment), PointKind::TableBackup) = (&point.holds, point.kind) else { return None };
    let name = resource.name.as_str();
    let all = members(json!({
        "BackupArn": format!("{}/backup/{:014}-0ba5e0ba", arn(place, name), moment.as_millisecond()),
        "BackupName": point.id,
        "BackupType": "USER",
        "BackupCreationDateTime": when(*moment),
        "BackupSizeBytes": point.size_bytes,
        "TableName": name,
    }));
    let pending = point.status == PointStatus::Pending;
    let at = if pending { now } else { *moment };
    let status = if pending { "CREATING" } else { "AVAILABLE" };
    let mut thing = Thing::new(Sort::TableBackup, place, point.id.as_str(), at, status, all);
    thing.component = Some(id.clone());
    Some(thing)
}

/// Says what is known of a backup itself, without the table that it is of.
pub(super) fn details(thing: &Thing, now: Timestamp) -> Value {
    let mut all = thing.described(now);
    all.remove("TableName");
    all.insert("BackupStatus".to_owned(), json!(thing.status(now)));
    Value::Object(all)
}

/// Returns the backups of a table that acts made.
pub(in super::super) fn table_points(
    world: &World,
    resource: &Resource,
    place: &Place,
    now: Timestamp,
) -> Vec<RecoveryPoint> {
    let made = world.deeds.things(Sort::TableBackup, place).filter(|thing| {
        thing.component.is_none()
            && thing.is_shown(now)
            && thing.text(now, "TableName") == resource.name.as_str()
    });
    let points = made.filter_map(|thing| {
        let at = before(thing.phases.first()?.at, MARGIN);
        let name = thing.text(now, "BackupName");
        let mut point = RecoveryPoint::new(name, PointKind::TableBackup, place.clone(), Holds::Until(at));
        let ready = thing.status(now) == "AVAILABLE";
        point.status = if ready { PointStatus::Available } else { PointStatus::Pending };
        point.size_bytes = thing.member(now, "BackupSizeBytes").and_then(Value::as_u64);
        Some(point)
    });
    points.collect()
}
