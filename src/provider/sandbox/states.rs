//! Terraform states of the world, with their versions, locks and contents.

use super::chance::Chance;
use super::world::{Happening, Resource, StateWorld, World};
use crate::domain::Text;
use crate::domain::backend::{Backend, Key};
use crate::domain::duration::{after, before};
use crate::domain::ids::ComponentId;
use crate::domain::kind::Kind;
use crate::domain::lock::{Lock, LockStore, LockTurn};
use crate::domain::place::Place;
use crate::domain::state::compare::Contents;
use crate::domain::state::{Digest, StateForm, StateHistory, StateVersion};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// How far a replica of a state bucket is behind.
const STATE_LAG: Duration = Duration::from_secs(40);
/// How old the lock already is when `stuck-lock` begins.
const LEFT_FOR: Duration = Duration::from_secs(2 * 3600 + 600);
/// How long an apply holds its lock before and after it writes the state.
const TURN: (Duration, Duration) = (Duration::from_secs(95), Duration::from_secs(3));
/// Who applies here.
const PEOPLE: [&str; 3] = ["runner@ci-3b41", "amira@deploy-2", "runner@ci-9d02"];

/// States that no component of the estate names: whoever lists a backend finds more than what is watched.
const OTHERS: [(&str, Option<&str>); 9] = [
    ("alarms", None),
    ("certificates", None),
    ("dns", None),
    ("identity", None),
    ("logging", None),
    ("registry", None),
    ("registry", Some("blue")),
    ("vpn", None),
    ("vpn", Some("blue")),
];

/// Returns the states of a backend that no component names.
pub(super) fn others(backend: &Backend, seed: u64, began: Timestamp) -> Vec<(ComponentId, Resource)> {
    let state = |(name, workspace): (&str, Option<&str>)| {
        let key = format!("{}{name}/terraform.tfstate", backend.prefix);
        let under = workspace.map(|workspace| format!("{}/{workspace}/", backend.workspaces));
        let path = format!("{}/{}{key}", backend.bucket, under.unwrap_or_default());
        let mut chance = Chance::new(seed, &path);
        let world = StateWorld {
            path: Text::new(&path),
            workspace: workspace.map(Text::new),
            period: Duration::from_secs(chance.between(20, 400) * 3600),
            versions: 20,
            has_digest: backend.lock_table.is_some(),
            digest_wrong: false,
            lineage: Text::new(&chance.uuid()),
            resources: chance.between(6, 90),
            stopped_at: None,
        };
        let resource = Resource {
            kind: Kind::TerraformState,
            name: Text::new(&path),
            tag: None,
            environment: backend.environment.clone(),
            home: backend.home.clone(),
            protections: Vec::new(),
            settings: BTreeMap::new(),
            created_at: before(began, Duration::from_secs(86_400 * 365 * 3)),
            size_bytes: chance.between(20_000, 200_000),
            proofs: Vec::new(),
            state: Some(world),
            locks: Vec::new(),
            denied: BTreeMap::new(),
            keys: BTreeMap::new(),
            deleted: None,
        };
        (ComponentId::new(&path), resource)
    };
    OTHERS.into_iter().map(state).collect()
}

/// Returns the states of a backend, with the names under which the world has them, ordered by path.
pub(super) fn of_backend<'a>(world: &'a World, backend: &Backend) -> Vec<(&'a ComponentId, &'a Resource)> {
    let is_its = |resource: &Resource| {
        let path = resource.state.as_ref().and_then(|state| state.path.as_str().split_once('/'));
        resource.home == backend.home
            && path.is_some_and(|(bucket, key)| {
                bucket == backend.bucket.as_str() && backend.sort(key, |_| true) != Key::Other
            })
    };
    let mut all: Vec<_> = world.resources.iter().filter(|(_, resource)| is_its(resource)).collect();
    all.sort_by(|(_, a), (_, b)| {
        let path = |resource: &Resource| resource.state.as_ref().map(|state| state.path.clone());
        path(a).cmp(&path(b))
    });
    all
}

/// Returns the world's name of the state with this path, wherever it is asked for.
pub(super) fn at_path<'a>(world: &'a World, path: &str) -> Option<(&'a ComponentId, &'a Resource)> {
    let key = |path: &str| path.split_once('/').map(|(_, key)| key.to_owned());
    let of = |resource: &Resource| resource.state.as_ref().map(|state| state.path.to_string());
    let exact = world.resources.iter().find(|(_, resource)| of(resource).as_deref() == Some(path));
    exact.or_else(|| world.resources.iter().find(|(_, r)| of(r).and_then(|own| key(&own)) == key(path)))
}

/// Returns the locks on a state.
pub(super) fn locks(world: &World, id: &ComponentId, resource: &Resource, now: Timestamp) -> Vec<Lock> {
    let Some(state) = &resource.state else { return Vec::new() };
    let lock = |lock_id: &str, who: &str, operation: &str, at: Timestamp| Lock {
        store: LockStore::DynamodbRow,
        path: state.path.clone(),
        id: Some(Text::new(lock_id)),
        who: Some(Text::new(who)),
        operation: Some(Text::new(operation)),
        created_at: Some(at),
        terraform_version: Some("1.13.4".into()),
        record: None,
    };
    let mut locks: Vec<Lock> = resource
        .locks
        .iter()
        .map(|held| lock(held.id.as_str(), held.who.as_str(), held.operation.as_str(), held.since))
        .collect();
    if let Some(at) = world.since(now, |what| matches!(what, Happening::LockLeft(locked) if locked == id)) {
        let mut chance = Chance::new(world.seed, "left lock");
        locks.push(lock(&chance.uuid(), "runner@ci-7f9c", "OperationTypeApply", before(at, LEFT_FOR)));
    }
    locks
}

/// Returns a state with its versions.
pub(super) fn state(
    world: &World,
    id: &ComponentId,
    resource: &Resource,
    place: &Place,
    path: Option<&str>,
    now: Timestamp,
) -> StateHistory {
    let Some(state) = &resource.state else { return StateHistory::default() };
    let replica = *place != resource.home;
    let corrupted = world.since(now, |what| matches!(what, Happening::StateCorrupted(state) if state == id));
    let left = world.since(now, |what| matches!(what, Happening::LockLeft(state) if state == id));
    let lost = world.region_lost(&resource.home.region, now);
    let stop =
        [state.stopped_at, corrupted, left.map(|at| before(at, LEFT_FOR)), lost].into_iter().flatten().min();
    let stop = stop.unwrap_or(now).min(now);
    let mut versions = versions(world, id, resource, state, stop);
    if let Some(lock) = resource.locks.iter().find(|lock| lock.living) {
        // The holder of a living lock has written since it took it.
        versions
            .insert(0, version(world, id, resource, state, after(lock.since, Duration::from_secs(60)), None));
    }
    let good = versions.first().and_then(|version| version.md5.clone()).unwrap_or_default();
    if let Some(at) = corrupted {
        let mut torn = version(world, id, resource, state, at, None);
        torn.form = StateForm::Truncated;
        torn.serial = None;
        torn.lineage = None;
        torn.resources = None;
        torn.size_bytes /= 3;
        versions.insert(0, torn);
    }
    let row =
        if state.digest_wrong { Text::new(&Chance::new(world.seed, "wrong digest").hex(32)) } else { good };
    let held = locks(world, id, resource, now);
    StateHistory {
        path: path.map_or_else(|| state.path.clone(), Text::new),
        workspace: state.workspace.clone(),
        versions_in_all: versions.len() as u64,
        oldest_at: versions.last().map(|version| version.written_at),
        digest: if replica || !state.has_digest { Digest::NotUsed } else { Digest::Row(row) },
        replica_lag: replica.then_some(STATE_LAG),
        lock_turns: if replica { Vec::new() } else { turns(world, id, &versions, &held) },
        versions,
    }
}

/// Returns who held the lock: whoever wrote each version, and whoever holds it now.
fn turns(world: &World, id: &ComponentId, versions: &[StateVersion], held: &[Lock]) -> Vec<LockTurn> {
    let holding = held.iter().filter_map(|lock| {
        let from = lock.created_at?;
        Some(LockTurn { who: lock.who.clone(), operation: lock.operation.clone(), from, until: None })
    });
    let earlier = versions.iter().filter(|version| version.form == StateForm::Whole).map(|version| {
        let mut chance = Chance::new(world.seed, &format!("{id} turn {}", version.written_at.as_second()));
        let nth = usize::try_from(chance.between(0, 2)).unwrap_or(0);
        LockTurn {
            who: PEOPLE.get(nth).map(|who| Text::new(who)),
            operation: Some("OperationTypeApply".into()),
            from: before(version.written_at, TURN.0),
            until: Some(after(version.written_at, TURN.1)),
        }
    });
    let since = held.iter().filter_map(|lock| lock.created_at).min();
    let before_it = |turn: &LockTurn| since.is_none_or(|since| turn.from < since);
    holding.chain(earlier.filter(before_it)).collect()
}

fn versions(
    world: &World,
    id: &ComponentId,
    resource: &Resource,
    state: &StateWorld,
    stop: Timestamp,
) -> Vec<StateVersion> {
    let period = i64::try_from(state.period.as_secs()).unwrap_or(i64::MAX).max(60);
    let newest = stop.as_second().div_euclid(period);
    let count = i64::try_from(state.versions).unwrap_or(1);
    (0..count)
        .filter_map(|back| {
            let nth = newest - back;
            let at = Timestamp::from_second(nth * period).ok().filter(|at| *at >= resource.created_at)?;
            let first = resource.created_at.as_second().div_euclid(period);
            Some(version(world, id, resource, state, at, u64::try_from(nth - first).ok()))
        })
        .collect()
}

fn version(
    world: &World,
    id: &ComponentId,
    resource: &Resource,
    state: &StateWorld,
    at: Timestamp,
    serial: Option<u64>,
) -> StateVersion {
    let mut chance = Chance::new(world.seed, &format!("{id} state {}", at.as_second()));
    let period = i64::try_from(state.period.as_secs()).unwrap_or(i64::MAX).max(60);
    let first = resource.created_at.as_second().div_euclid(period);
    let nth = u64::try_from(at.as_second().div_euclid(period) - first + 1).unwrap_or(0);
    StateVersion {
        version_id: Text::new(&chance.hex(32)),
        written_at: at,
        form: StateForm::Whole,
        serial: Some(serial.unwrap_or(nth)),
        lineage: Some(state.lineage.clone()),
        terraform_version: Some("1.13.4".into()),
        resources: Some(state.resources),
        size_bytes: resource.size_bytes + chance.between(0, 900),
        md5: Some(Text::new(&chance.hex(32))),
    }
}

/// Returns what is in a version: a few of its resources change from serial to serial.
///
/// # Errors
/// A sentence that says why it cannot be told.
pub(super) fn contents(
    world: &World,
    id: &ComponentId,
    resource: &Resource,
    version: &StateVersion,
) -> Result<Contents, String> {
    if version.form != StateForm::Whole {
        return Err(format!("it is {}", version.form.words()));
    }
    let (count, serial) = (version.resources.unwrap_or(0), version.serial.unwrap_or(0));
    let kinds = ["aws_subnet", "aws_instance", "aws_security_group", "aws_iam_role", "aws_db_instance"];
    let mut resources: Vec<Value> = Vec::new();
    // Every few serials one resource comes and another goes.
    let (from, until) = (serial / 4, serial / 4 + count);
    for nth in from..until {
        let mut chance = Chance::new(world.seed, &format!("{id} resource {nth}"));
        let kind = kinds.get(usize::try_from(nth % 5).unwrap_or(0)).copied().unwrap_or("aws_instance");
        let period = chance.between(3, 40);
        let mut attributes = json!({
            "id": format!("{}-{}", kind.trim_start_matches("aws_"), chance.hex(8)),
            "tags": { "Name": format!("{}-{nth}", resource.environment), "revision": (serial / period).to_string() },
        });
        if let (Some(map), "aws_db_instance") = (attributes.as_object_mut(), kind) {
            map.insert("password".to_owned(), json!(format!("not-a-password-{}", serial / period)));
            map.insert(
                "instance_class".to_owned(),
                json!(if (serial / period).is_multiple_of(2) { "db.m7g.large" } else { "db.m7g.xlarge" }),
            );
        }
        resources.push(json!({"mode": "managed", "type": kind, "name": format!("r{nth}"), "instances": [
            {"attributes": attributes, "sensitive_attributes": []}]}));
    }
    let state = json!({"version": 4, "serial": serial, "lineage": version.lineage, "outputs": {}, "resources": resources});
    Contents::read(state.to_string().as_bytes())
}
