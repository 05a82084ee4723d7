//! Route 53: zones and what is in them, batches that are taken as a whole or not at all, and how long a change takes to be
//! seen (N1, N2).

use super::super::chance::Chance;
use super::super::deeds::{Change, Phase, Sort, Thing};
use super::super::observe;
use super::super::world::{Resource, World};
use super::{Asked, Deal, Done, Told, members, refused, when};
use crate::domain::duration::after;
use crate::domain::ids::{AccountId, ComponentId};
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::provider::port::CallTrouble;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Where it is all kept: what stands in a zone belongs to no Region of its own.
const HOME: &str = "us-east-1";
/// How long a change takes to reach every server (N1).
const INSYNC: Duration = Duration::from_secs(60);
/// The lifetime of the records of the world, in seconds, and of what an alias answers.
const TTL: u64 = 60;
/// For how long it is remembered that a name does not exist, in seconds.
const NEGATIVE_TTL: u64 = 900;
/// The name within every zone that has weights, and its two record sets with theirs.
const WEIGHTED: (&str, [(&str, u64); 2]) = ("checkout", [("primary", 100), ("standby", 0)]);

fn place(account: &AccountId) -> Place {
    Place { account: account.clone(), region: HOME.into() }
}

/// Returns a name as Route 53 writes it.
fn normal(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.').to_lowercase())
}

/// Returns the name of a record component, whatever stands beside it.
fn name_of(resource: &Resource) -> String {
    let mut parts = resource.name.as_str().split('/');
    normal(parts.find(|part| part.contains('.')).unwrap_or(resource.name.as_str()))
}

/// Returns the zone in which a name stands: its last two labels.
fn zone_of(name: &str) -> String {
    let labels: Vec<&str> = name.trim_end_matches('.').split('.').collect();
    let last = labels.get(labels.len().saturating_sub(2)..).unwrap_or_default();
    normal(&last.join("."))
}

fn zone_id(world: &World, account: &AccountId, zone: &str) -> String {
    format!("Z{}", Chance::new(world.seed, &format!("zone {zone} of {account}")).hex(20).to_uppercase())
}

/// Returns the record components of an account.
fn own<'a>(
    world: &'a World,
    account: &'a AccountId,
) -> impl Iterator<Item = (&'a ComponentId, &'a Resource)> {
    let is_own =
        move |resource: &Resource| resource.kind == Kind::DnsRecord && resource.home.account == *account;
    world.resources.iter().filter(move |(_, resource)| is_own(resource))
}

/// Returns the names of the zones of an account.
fn zones_of(world: &World, account: &AccountId) -> BTreeSet<String> {
    own(world, account).map(|(_, resource)| zone_of(&name_of(resource))).collect()
}

/// Returns the id of the health check that the first weighted record of a zone has.
fn check_of(world: &World, account: &AccountId, zone: &str) -> String {
    Chance::new(world.seed, &format!("health check of {zone} in {account}")).uuid()
}

/// Returns the record sets with which the world began.
fn first_records(world: &World, account: &AccountId, zone: &str, now: Timestamp) -> Vec<Value> {
    let mut all = Vec::new();
    let soa = format!("ns-1.{zone} hostmaster.{zone} 1 7200 900 1209600 86400");
    all.push(json!({"Name": zone, "Type": "SOA", "TTL": NEGATIVE_TTL, "ResourceRecords": [{"Value": soa}]}));
    for (id, resource) in own(world, account) {
        let name = name_of(resource);
        if zone_of(&name) != zone {
            continue;
        }
        let places = resource.protections.iter().map(|protection| &protection.place);
        let points = places.flat_map(|place| observe::own_points(world, id, resource, place, now));
        // What a record says is its recorded value: `shop-dns A 10.7.4.9`.
        let said = points.filter_map(|point| point.id.as_str().rsplit(' ').next().map(str::to_owned));
        // It is the same wherever it is kept.
        let said: BTreeSet<String> = said.collect();
        let values: Vec<_> = said.into_iter().map(|value| json!({ "Value": value })).collect();
        all.push(json!({"Name": name, "Type": "A", "TTL": TTL, "ResourceRecords": values}));
    }
    let (label, sets) = WEIGHTED;
    let mut chance = Chance::new(world.seed, &format!("{label} of {zone}"));
    for (nth, (set, weight)) in sets.into_iter().enumerate() {
        let value = format!("10.{}.4.{}", chance.between(1, 250), chance.between(4, 250));
        let mut record = json!({"Name": format!("{label}.{zone}"), "Type": "A", "SetIdentifier": set,
            "Weight": weight, "TTL": TTL, "ResourceRecords": [{"Value": value}]});
        if let (0, Some(members)) = (nth, record.as_object_mut()) {
            members.insert("HealthCheckId".to_owned(), json!(check_of(world, account, zone)));
        }
        all.push(record);
    }
    all
}

/// Returns a zone as it is: as acts left it, or as the world began.
fn thing(asked: &Asked<'_>, id: &str) -> Result<Thing, CallTrouble> {
    let (world, account) = (asked.world, &asked.call.place.account);
    let name = zones_of(world, account).into_iter().find(|zone| zone_id(world, account, zone) == id);
    let gone = || refused("NoSuchHostedZone", 404, &format!("No hosted zone found with ID: {id}"));
    let name = name.ok_or_else(gone)?;
    if let Some(known) = world.deeds.thing(Sort::DnsZone, &place(account), id) {
        return Ok(known.clone());
    }
    let records = first_records(world, account, &name, asked.now);
    let members = members(json!({"Name": name, "Records": records}));
    Ok(Thing::new(Sort::DnsZone, &place(account), id, world.began, "there", members))
}

fn records_in(zone: &Thing, now: Timestamp) -> Vec<Value> {
    zone.member(now, "Records").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

#[expect(clippy::unnecessary_wraps, reason = "a look may be refused, this one never is")]
pub(super) fn zones(asked: &Asked<'_>) -> Told {
    let (world, account) = (asked.world, &asked.call.place.account);
    let all = zones_of(world, account).into_iter();
    let all =
        all.map(|zone| json!({"Id": zone_id(world, account, &zone), "Name": zone, "PrivateZone": false}));
    Ok(json!({"HostedZones": all.collect::<Vec<_>>()}))
}

pub(super) fn records(asked: &Asked<'_>) -> Told {
    let zone = thing(asked, asked.required("HostedZoneId")?)?;
    let (name, kind) = (normal(asked.required("Name")?), asked.required("Type")?);
    let mut found = records_in(&zone, asked.now);
    found.retain(|set| text(set, "Name") == name && text(set, "Type") == kind);
    Ok(json!({"ResourceRecordSets": found}))
}

/// Returns a record set with its names as Route 53 writes them.
fn written(set: &Value) -> Value {
    let mut set = set.clone();
    if let Some(name) = set.get_mut("Name") {
        *name = json!(normal(name.as_str().unwrap_or_default()));
    }
    if let Some(target) = set.pointer_mut("/AliasTarget/DNSName") {
        *target = json!(normal(target.as_str().unwrap_or_default()));
    }
    set
}

fn is_of(set: &Value, other: &Value) -> bool {
    text(set, "Name") == text(other, "Name") && text(set, "Type") == text(other, "Type")
}

fn invalid(says: &str) -> CallTrouble {
    refused("InvalidChangeBatch", 400, &format!("[{says}]"))
}

pub(super) fn change(asked: &Asked<'_>) -> Done {
    let (world, now) = (asked.world, asked.now);
    let id = asked.required("HostedZoneId")?;
    let mut zone = thing(asked, id)?;
    let mut records = records_in(&zone, now);
    let before = records.clone();
    let name = zone.text(now, "Name").to_owned();
    let changes = asked.call.arguments.get("ChangeBatch").and_then(|batch| batch.get("Changes")?.as_array());
    let changes = changes.filter(|changes| !changes.is_empty());
    let changes = changes.ok_or_else(|| refused("InvalidInput", 400, "the batch has no changes"))?;
    let mut touched = Vec::new();
    for change in changes {
        let set = written(change.get("ResourceRecordSet").unwrap_or(&Value::Null));
        let what =
            format!("resource record set [name='{}', type='{}']", text(&set, "Name"), text(&set, "Type"));
        if !text(&set, "Name").ends_with(&name) {
            return Err(invalid(&format!(
                "RRSet with DNS name {} is not permitted in zone {name}",
                text(&set, "Name")
            )));
        }
        let same =
            |one: &&Value| is_of(one, &set) && text(one, "SetIdentifier") == text(&set, "SetIdentifier");
        match text(change, "Action") {
            "DELETE" => {
                let nth = records.iter().position(|one| *one == set).ok_or_else(|| {
                    let known = records.iter().any(|one| same(&one));
                    let why = if known {
                        "the values provided do not match the current values"
                    } else {
                        "it was not found"
                    };
                    invalid(&format!("Tried to delete {what} but {why}"))
                })?;
                records.remove(nth);
            }
            "CREATE" => {
                if records.iter().any(|one| same(&one)) {
                    return Err(invalid(&format!("Tried to create {what} but it already exists")));
                }
                if records.iter().any(|one| {
                    is_of(one, &set) && (one.get("Weight").is_some() != set.get("Weight").is_some())
                }) {
                    return Err(invalid(&format!(
                        "{what} cannot be created as it conflicts with other records with the same DNS name"
                    )));
                }
                records.push(set.clone());
            }
            other => {
                let says = format!("Action of a change cannot be {other}");
                return Err(CallTrouble::NotSent(says.as_str().into()));
            }
        }
        if !touched.iter().any(|one| is_of(one, &set)) {
            touched.push(set);
        }
    }
    let mut phases = vec![Phase::new(now, "there").with("Records", records.clone())];
    for one in &touched {
        // Whoever asked just before the last server had it keeps the old answer for its lifetime.
        let old = before.iter().filter(|set| is_of(set, one));
        let ttl = old
            .map(|set| set.get("TTL").and_then(Value::as_u64).unwrap_or(TTL))
            .max()
            .unwrap_or(NEGATIVE_TTL);
        let seen = after(after(now, INSYNC), Duration::from_secs(ttl));
        let name = resolved_name(text(one, "Name"), text(one, "Type"));
        if zone.member(now, &name).is_none() {
            phases.push(Phase::new(now, "there").with(&name, answer(&before, one)));
        }
        phases.push(Phase::new(seen, "there").with(&name, answer(&records, one)));
    }
    zone.phases.extend(phases);
    zone.phases.sort_by_key(|phase| phase.at);
    let change_id = format!("/change/C{}", asked.chance().hex(20).to_uppercase());
    let info = members(json!({"Id": change_id, "SubmittedAt": when(now)}));
    let mut made = Thing::new(Sort::DnsChange, &zone.place, &change_id, now, "PENDING", info);
    made.then(now, [Phase::new(after(now, INSYNC), "INSYNC")]);
    let body = describe(&made, now);
    let known = world.deeds.thing(Sort::DnsZone, &zone.place, id).is_some();
    let zone = Box::new(zone);
    let zone = if known { Change::Changed(zone) } else { Change::Made(zone) };
    let target = touched.first().map_or_else(String::new, |set| text(set, "Name").to_owned());
    Ok(Deal { body, target, changes: vec![zone, Change::Made(Box::new(made))] })
}

fn resolved_name(name: &str, kind: &str) -> String {
    format!("-seen {name} {kind}")
}

/// Returns the addresses with which record sets of a name are answered: of those with weights, that with most.
fn answer(records: &[Value], like: &Value) -> Value {
    let mut sets: Vec<&Value> = records.iter().filter(|set| is_of(set, like)).collect();
    let weight = |set: &Value| set.get("Weight").and_then(Value::as_u64).unwrap_or(0);
    sets.sort_by_key(|set| std::cmp::Reverse(weight(set)));
    let values = sets.first().and_then(|set| set.get("ResourceRecords")).and_then(Value::as_array);
    let values = values.into_iter().flatten().map(|value| json!(text(value, "Value")));
    Value::Array(values.collect())
}

fn describe(change: &Thing, now: Timestamp) -> Value {
    let mut info = change.described(now);
    info.insert("Status".to_owned(), json!(change.status(now)));
    json!({ "ChangeInfo": info })
}

pub(super) fn get_change(asked: &Asked<'_>) -> Told {
    let id = asked.required("Id")?;
    let place = place(&asked.call.place.account);
    let known = asked.world.deeds.thing(Sort::DnsChange, &place, id);
    let known = known
        .ok_or_else(|| refused("NoSuchChange", 404, &format!("Could not find resource with ID: {id}")))?;
    Ok(describe(known, asked.now))
}

/// Returns what a name resolves to for everybody by now; `None` where no zone has it.
pub(super) fn resolved(asked: &Asked<'_>, name: &str) -> Option<Vec<String>> {
    let account = &asked.call.place.account;
    let name = normal(name);
    let id = zone_id(asked.world, account, &zone_of(&name));
    let zone = thing(asked, &id).ok()?;
    let like = json!({"Name": name, "Type": "A"});
    let seen = zone.member(asked.now, &resolved_name(&name, "A")).cloned();
    let values = seen.unwrap_or_else(|| answer(&records_in(&zone, asked.now), &like));
    let values: Vec<String> = values
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect();
    (!values.is_empty()).then_some(values)
}

fn check(asked: &Asked<'_>) -> Result<Thing, CallTrouble> {
    let (world, account) = (asked.world, &asked.call.place.account);
    let id = asked.required("HealthCheckId")?;
    let place = place(account);
    if let Some(known) = world.deeds.thing(Sort::HealthCheck, &place, id) {
        return Ok(known.clone());
    }
    let zone = zones_of(world, account).into_iter().find(|zone| check_of(world, account, zone) == id);
    let gone =
        || refused("NoSuchHealthCheck", 404, &format!("No health check exists with the specified ID: {id}"));
    let zone = zone.ok_or_else(gone)?;
    let name = format!("{}.{}", WEIGHTED.0, zone.trim_end_matches('.'));
    let config = json!({"Type": "HTTPS", "FullyQualifiedDomainName": name, "ResourcePath": "/health", "Port": 443,
        "Inverted": false, "Disabled": false});
    let all = members(json!({"Id": id, "HealthCheckVersion": 1, "HealthCheckConfig": config}));
    Ok(Thing::new(Sort::HealthCheck, &place, id, world.began, "there", all))
}

pub(super) fn health_check(asked: &Asked<'_>) -> Told {
    Ok(json!({"HealthCheck": check(asked)?.described(asked.now)}))
}

pub(super) fn update_health_check(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut thing = check(asked)?;
    let version = thing.member(now, "HealthCheckVersion").and_then(Value::as_u64).unwrap_or(1);
    if asked.value("HealthCheckVersion").and_then(Value::as_u64).is_some_and(|wanted| wanted != version) {
        let says = "The value of HealthCheckVersion in the request does not match that of the health check.";
        return Err(refused("HealthCheckVersionMismatch", 409, says));
    }
    let mut config = thing.member(now, "HealthCheckConfig").cloned().unwrap_or_default();
    if let Some(members) = config.as_object_mut() {
        for switch in ["Inverted", "Disabled"] {
            if let Some(wanted) = asked.flag(switch) {
                members.insert(switch.to_owned(), json!(wanted));
            }
        }
    }
    let phase =
        Phase::new(now, "there").with("HealthCheckConfig", config).with("HealthCheckVersion", version + 1);
    thing.then(now, [phase]);
    let body = json!({"HealthCheck": thing.described(now)});
    let target = thing.id.clone();
    Ok(Deal { body, target, changes: vec![Change::Changed(Box::new(thing))] })
}
