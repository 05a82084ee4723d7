//! What lies outside AWS: probes, webhooks and tools. Nothing leaves this machine; every answer says that it is simulated.

use super::super::deeds::Sort;
use super::super::observe;
use super::super::world::World;
use super::{Asked, Deal, Told, rds_cluster_things, rds_things};
use crate::domain::condition::Health;
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::provider::port::CallTrouble;
use jiff::Timestamp;
use serde_json::{Value, json};

/// How long a probe takes, in milliseconds.
const ELAPSED: u64 = 12;

pub(super) fn get(asked: &Asked<'_>) -> Told {
    let url = asked.required("Url")?;
    let host =
        url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or(url);
    let wanted = asked.value("Status").and_then(Value::as_u64).unwrap_or(200);
    Ok(match standing(asked, host) {
        Ok(()) => json!({"Status": wanted, "ElapsedMs": ELAPSED, "Green": true, "Simulated": true,
            "Says": format!("{wanted} after {ELAPSED} ms")}),
        Err(why) => json!({"Status": 0, "ElapsedMs": asked.value("TimeoutMs"), "Green": false,
            "Simulated": true, "Says": why}),
    })
}

pub(super) fn connect(asked: &Asked<'_>) -> Told {
    let host = asked.required("Host")?;
    let port = match asked.value("Port") {
        Some(Value::String(text)) => text.parse::<u16>().ok(),
        other => other.and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok()),
    };
    if port.is_none() {
        return Err(CallTrouble::NotSent("`Port` must be a whole number".into()));
    }
    Ok(match standing(asked, host) {
        Ok(()) => {
            json!({"Green": true, "ElapsedMs": ELAPSED, "Simulated": true, "Says": "it takes connections"})
        }
        Err(why) => {
            json!({"Green": false, "ElapsedMs": asked.value("TimeoutMs"), "Simulated": true, "Says": why})
        }
    })
}

pub(super) fn resolve(asked: &Asked<'_>) -> Told {
    let name = asked.required("Name")?;
    let world = asked.world;
    let record = world.resources.iter().find(|(_, resource)| {
        resource.kind == Kind::DnsRecord
            && resource.name.as_str().trim_end_matches('.') == name.trim_end_matches('.')
    });
    let addresses = super::route53::resolved(asked, name).unwrap_or_else(|| {
        let mut chance = super::super::chance::Chance::new(world.seed, &format!("address of {name}"));
        vec![format!("10.0.{}.{}", chance.between(0, 250), chance.between(4, 250))]
    });
    let fits = asked.text("Expect").is_none_or(|wanted| addresses.iter().any(|address| address == wanted));
    let (green, says) = match (record, standing(asked, name)) {
        // A name is answered wherever its record lies, whatever stands behind it.
        (None, Err(why)) => (false, why),
        _ if !fits => (false, format!("it is {}", addresses.join(", "))),
        _ => (true, addresses.join(", ")),
    };
    Ok(json!({"Addresses": addresses, "Green": green, "Simulated": true, "Says": says}))
}

pub(super) fn post() -> Deal {
    // The address is a secret, and so may any argument be: the log of what was done is kept.
    let target = "webhook".to_owned();
    Deal { body: json!({"Status": 200, "Simulated": true}), target, changes: Vec::new() }
}

pub(super) fn run(asked: &Asked<'_>) -> Deal {
    let target = asked.list("Argv").first().map_or_else(String::new, |program| (*program).to_string());
    Deal { body: json!({"ExitCode": 0, "Simulated": true}), target, changes: Vec::new() }
}

/// A program that is simulated has ended as soon as it was begun, and nobody knows how.
pub(super) fn status() -> Value {
    json!({"State": "simulated", "Simulated": true})
}

/// Says whether what a host names stands, else why not.
fn standing(asked: &Asked<'_>, host: &str) -> Result<(), String> {
    let (world, now) = (asked.world, asked.now);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let first = host.split(['.', ':']).next().unwrap_or(host);
    // A Region that a name belongs to stands in it.
    let lost = |place: &Place| world.region_lost(&place.region, now).is_some();
    let named = world.resources.values().map(|resource| &resource.home.region);
    let regions = named.chain([&asked.call.place.region]);
    for region in regions {
        if host.contains(&format!(".{region}.")) && world.region_lost(region, now).is_some() {
            return Err(format!("no answer: {region} is gone"));
        }
    }
    // A database, by the name that its endpoint begins with.
    let homes = world.resources.values().map(|resource| &resource.home);
    // What was restored elsewhere lies where copies of it lay.
    let copies = world.resources.values().flat_map(|resource| &resource.protections);
    let places = homes.chain(copies.map(|protection| &protection.place)).chain([&asked.call.place]);
    let mut places: Vec<&Place> = places.collect();
    places.sort_unstable();
    places.dedup();
    // A name counts for each Region apart: what the address names is the one that is meant, and not the one that was lost.
    let names = |place: &&Place| host.contains(&format!(".{}.", place.region));
    if places.iter().any(names) {
        places.retain(|place| names(place));
    }
    for place in places {
        if let Some(found) = rds_things::instance(world, place, first, now) {
            return match found.status(now) {
                _ if lost(place) => Err(format!("no answer: {} is gone", place.region)),
                _ if !found.is_shown(now) => Err(format!("there is no database {first}")),
                "available" | "backing-up" | "modifying" => Ok(()),
                status => Err(format!("the database {first} is {status}")),
            };
        }
        // A cluster, by the name that its endpoint begins with: without an instance it answers nobody (A1).
        if let Some(found) =
            rds_cluster_things::cluster(world, place, first, now).filter(|one| one.exists(now))
        {
            let instances = rds_things::instances(world, place, now).into_iter();
            let mut own = instances.filter(|one| one.text(now, "DBClusterIdentifier") == found.id);
            let answers = own.any(|one| matches!(one.status(now), "available" | "backing-up" | "modifying"));
            return match (lost(place), answers) {
                (true, _) => Err(format!("no answer: {} is gone", place.region)),
                (false, true) => Ok(()),
                (false, false) => Err(format!("the cluster {first} has no instance that answers")),
            };
        }
        let touched = world.deeds.thing(Sort::Instance, place, first);
        if let Some(found) = touched {
            return match found.status(now) {
                _ if lost(place) => Err(format!("no answer: {} is gone", place.region)),
                "running" => Ok(()),
                status => Err(format!("{first} is {status}")),
            };
        }
    }
    let known = world.resources.iter().filter(|(id, resource)| {
        !matches!(resource.kind, Kind::Service | Kind::DnsRecord | Kind::TerraformState | Kind::Network)
            && (host.contains(resource.name.as_str()) || first == id.as_str())
    });
    match known.max_by_key(|(_, resource)| resource.name.as_str().len()) {
        Some((id, resource)) => is_well(world, id, resource, now),
        None => {
            let here = world.resources.iter().filter(|(_, resource)| {
                resource.home.region == asked.call.place.region
                    && resource.environment == asked.call.environment
            });
            let mut here = here.map(|(id, resource)| is_well(world, id, resource, now));
            here.find(Result::is_err).unwrap_or(Ok(()))
        }
    }
}

fn is_well(
    world: &World,
    id: &crate::domain::ids::ComponentId,
    resource: &super::super::world::Resource,
    now: Timestamp,
) -> Result<(), String> {
    if world.region_lost(&resource.home.region, now).is_some() {
        return Err(format!("no answer: {} is gone", resource.home.region));
    }
    match observe::condition(world, id, resource, now) {
        condition if condition.health == Health::Healthy => Ok(()),
        condition => Err(format!("{id} is not well: {}", condition.status)),
    }
}
