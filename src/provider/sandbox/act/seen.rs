//! How a component is after acts have changed what it names.

use super::super::deeds::{Sort, Thing};
use super::super::world::{Resource, World};
use crate::domain::Text;
use crate::domain::condition::Health;
use crate::domain::kind::Kind;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is seen of a component that acts changed.
pub(in super::super) struct Seen {
    /// How it is.
    pub(in super::super) health: Health,
    /// The status in the service's own word.
    pub(in super::super) status: Text,
    /// Since when it has existed.
    pub(in super::super) created_at: Option<Timestamp>,
    /// Since when it has been ready, where an act made it.
    pub(in super::super) restored_at: Option<Timestamp>,
    /// Its settings.
    pub(in super::super) settings: BTreeMap<Text, Text>,
}

/// Returns what is seen of a component by its name; `None` where no act has touched what it names.
pub(in super::super) fn seen(world: &World, resource: &Resource, now: Timestamp) -> Option<Seen> {
    let sort = match resource.kind {
        Kind::RdsInstance => Sort::Db,
        Kind::RdsCluster => Sort::DbCluster,
        Kind::Ec2Instance => Sort::Instance,
        Kind::EbsVolume => Sort::Volume,
        Kind::DynamodbTable => Sort::Table,
        _ => return None,
    };
    let name = resource.name.as_str();
    let name = if sort == Sort::Db { name.to_lowercase() } else { name.to_owned() };
    let thing = world.deeds.thing(sort, &resource.home, &name)?;
    if !thing.is_shown(now) {
        let settings = BTreeMap::new();
        let status = "no such resource".into();
        return Some(Seen { health: Health::Gone, status, created_at: None, restored_at: None, settings });
    }
    let status = thing.status(now);
    let (health, words) = match (sort, status) {
        (Sort::Instance, "running") => (Health::Healthy, "running, 2 of 2 checks passed"),
        (Sort::Instance, "pending") => (Health::Impaired, status),
        (Sort::Volume, "in-use" | "available") => (Health::Healthy, status),
        (Sort::Volume, "creating") => (Health::Impaired, status),
        (Sort::Volume, "deleting") => (Health::Gone, status),
        (Sort::Instance | Sort::Volume, _) => (Health::Down, status),
        (Sort::Table, "ACTIVE" | "UPDATING") => (Health::Healthy, status),
        (Sort::Table, "DELETING") => (Health::Gone, status),
        // A cluster without an instance answers nobody, however available it is (A1).
        (Sort::DbCluster, "available") if has_no_instance(thing, now) => {
            (Health::Down, "available, but it has no instance")
        }
        (_, "available" | "backing-up" | "modifying") => (Health::Healthy, status),
        (_, "failed" | "restore-error" | "insufficient-capacity" | "storage-full") => (Health::Down, status),
        (_, status) if status.starts_with("incompatible-") => (Health::Down, status),
        _ => (Health::Impaired, status),
    };
    let made = thing.component.is_none();
    let ready = thing.phases.iter().find(|phase| phase.status == "available").map(|phase| phase.at);
    Some(Seen {
        health,
        status: words.into(),
        created_at: Some(thing.phases.first().map_or(resource.created_at, |phase| phase.at))
            .filter(|_| made)
            .or(Some(resource.created_at)),
        restored_at: ready.filter(|ready| made && *ready <= now),
        settings: settings(thing, resource, now),
    })
}

fn has_no_instance(thing: &Thing, now: Timestamp) -> bool {
    thing.member(now, "DBClusterMembers").and_then(Value::as_array).is_none_or(Vec::is_empty)
}

/// Returns the settings that are read of a component, as they are now.
fn settings(thing: &Thing, resource: &Resource, now: Timestamp) -> BTreeMap<Text, Text> {
    let inner = |list: &str, member: &str| {
        let all = thing.member(now, list).and_then(Value::as_array).into_iter().flatten();
        let all: Vec<_> = all.filter_map(|one| one.get(member)?.as_str()).collect();
        Value::String(all.join(", "))
    };
    let of = |name: &str| match (thing.sort, name) {
        (Sort::Db, "DBParameterGroupName") => Some(inner("DBParameterGroups", "DBParameterGroupName")),
        (Sort::Db, "VpcSecurityGroupIds") => Some(inner("VpcSecurityGroups", "VpcSecurityGroupId")),
        (Sort::Db, "DBSubnetGroupName") => {
            thing.member(now, "DBSubnetGroup")?.get("DBSubnetGroupName").cloned()
        }
        (Sort::Db, "MultiAZ" | "DeletionProtection" | "MaxAllocatedStorage" | "MonitoringInterval") => {
            thing.member(now, name).cloned()
        }
        (Sort::Table, "TimeToLive") => thing.member(now, super::dynamodb_things::EXPIRY).cloned(),
        (Sort::Table, "Stream") => thing.member(now, "StreamSpecification")?.get("StreamViewType").cloned(),
        // What no act here changes.
        _ => resource.settings.get(&name.into()).map(|value| Value::String(value.to_string())),
    };
    let known = resource.settings.keys().filter_map(|name| {
        let value = of(name.as_str()).filter(|value| !value.is_null())?;
        Some((name.clone(), Text::new(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))))
    });
    known.collect()
}
