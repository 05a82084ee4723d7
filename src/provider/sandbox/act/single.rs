//! What is asked of one thing at a time: alarms, keys, clusters of EKS.

use super::super::chance::Chance;
use super::super::observe;
use super::{Asked, Told, refused, when};
use crate::domain::condition::{Health, KeyState};
use crate::domain::kind::Kind;
use serde_json::{Value, json};

/// What stands behind the name of a component in the name of its alarm.
const ALARM: &str = "-healthy";

/// Describes alarms: each component has one, which is in alarm while it is not well.
#[expect(clippy::unnecessary_wraps, reason = "a look may be refused, this one never is")]
pub(super) fn alarms(asked: &Asked<'_>) -> Told {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let wanted = asked.list("AlarmNames");
    let own = world.resources.iter().filter(|(_, resource)| resource.home == *place);
    let found = own.filter_map(|(id, resource)| {
        let name = format!("{id}{ALARM}");
        if !wanted.is_empty() && !wanted.contains(&name.as_str()) {
            return None;
        }
        let condition = observe::condition(world, id, resource, now);
        let state = if condition.health == Health::Healthy { "OK" } else { "ALARM" };
        Some(json!({"AlarmName": name, "StateValue": state, "StateReason": condition.status,
            "StateUpdatedTimestamp": when(world.began), "ActionsEnabled": true}))
    });
    Ok(json!({"MetricAlarms": found.collect::<Vec<_>>(), "CompositeAlarms": []}))
}

/// Describes a key of a component, by its ARN or id.
pub(super) fn key(asked: &Asked<'_>) -> Told {
    let (world, place) = (asked.world, &asked.call.place);
    let wanted = asked.required("KeyId")?;
    let mut known = world.resources.values().filter(|resource| resource.home.account == place.account);
    let found = known.find_map(|resource| {
        let (key, state) = resource.keys.get(&place.region)?;
        let is_it = key.as_str() == wanted || key.as_str().ends_with(&format!("/{wanted}"));
        is_it.then_some((key, state))
    });
    let absent = || refused("NotFoundException", 400, &format!("Key '{wanted}' does not exist"));
    let (key, state) = found.ok_or_else(absent)?;
    let (word, deletion) = match state {
        KeyState::Enabled => ("Enabled", None),
        KeyState::Disabled => ("Disabled", None),
        KeyState::PendingDeletion(at) => ("PendingDeletion", Some(when(*at))),
        KeyState::Absent => return Err(absent()),
    };
    let id = key.as_str().rsplit('/').next().unwrap_or(key.as_str());
    let mut meta = json!({"KeyId": id, "Arn": key, "Enabled": word == "Enabled", "KeyState": word,
        "KeyUsage": "ENCRYPT_DECRYPT", "MultiRegion": false});
    if let (Some(at), Some(members)) = (deletion, meta.as_object_mut()) {
        members.insert("DeletionDate".to_owned(), Value::String(at));
    }
    Ok(json!({ "KeyMetadata": meta }))
}

/// Describes a cluster of EKS.
pub(super) fn cluster(asked: &Asked<'_>) -> Told {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let name = asked.required("Name")?;
    let mut all = world.resources.iter().filter(|(_, resource)| {
        resource.kind == Kind::EksCluster && resource.home == *place && resource.name.as_str() == name
    });
    let gone = || refused("ResourceNotFoundException", 404, &format!("No cluster found for name: {name}."));
    let (id, resource) = all.next().ok_or_else(gone)?;
    if observe::deleted_at(world, id, now).is_some() {
        return Err(gone());
    }
    let mut chance = Chance::new(world.seed, &format!("cluster {id}"));
    let host = chance.hex(32).to_uppercase();
    // It is no certificate, and nobody here asks for one.
    let authority =
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCnNpbXVsYXRlZAotLS0tLUVORCBDRVJUSUZJQ0FURS0tLS0tCg==";
    Ok(json!({"Cluster": {
        "Name": name,
        "Arn": format!("arn:aws:eks:{}:{}:cluster/{name}", place.region, place.account),
        "Version": "1.34",
        "Endpoint": format!("https://{host}.gr7.{}.eks.amazonaws.com", place.region),
        "Status": "ACTIVE",
        "CertificateAuthority": {"Data": authority},
        "CreatedAt": when(resource.created_at),
    }}))
}
