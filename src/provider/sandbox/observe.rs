//! What is read of the world at a moment: a pure function of both.

use super::chance::Chance;
use super::points::points;
use super::world::{Happening, Resource, StateWorld, World};
use crate::domain::Text;
use crate::domain::condition::{Condition, Health, Identity, Incident, KeyPlace, KeyState};
use crate::domain::duration::{after, before};
use crate::domain::estate::Environment;
use crate::domain::ids::ComponentId;
use crate::domain::kind::Kind;
use crate::domain::lock::{Lock, LockStore};
use crate::domain::place::Place;
use crate::domain::reading::{Capability, ReadTrouble};
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::state::{Digest, StateForm, StateHistory, StateVersion};
use crate::provider::port::Answer;
use jiff::Timestamp;
use std::time::Duration;

/// Fewer deleted objects than these are somebody's work rather than a disaster.
const FEW: u64 = 100;
/// How long the session lasts after it began to run out.
const SESSION_LEFT: Duration = Duration::from_secs(12 * 60);
/// How long a session is otherwise.
const SESSION: Duration = Duration::from_secs(8 * 3600);
/// How far a replica of a state bucket is behind.
const STATE_LAG: Duration = Duration::from_secs(40);

/// Reads something about a component, or says why it cannot.
pub(super) fn ask<T>(
    world: &World,
    id: &ComponentId,
    place: &Place,
    capability: Capability,
    now: Timestamp,
    read: impl FnOnce(&Resource) -> T,
) -> Answer<T> {
    let resource = world.resources.get(id);
    let source = Text::new(&resource.map_or_else(
        || "sandbox".to_owned(),
        |resource| format!("{} {}", call(resource.kind, capability), place.region),
    ));
    let outcome = match resource {
        None => Err(ReadTrouble::Other("the sandbox has no such component".into())),
        Some(resource) => match trouble(world, resource, place, capability, now) {
            Some(why) => Err(why),
            None => Ok(read(resource)),
        },
    };
    Answer::new(source, outcome)
}

fn trouble(
    world: &World,
    resource: &Resource,
    place: &Place,
    capability: Capability,
    now: Timestamp,
) -> Option<ReadTrouble> {
    if capability == Capability::Proofs {
        return None; // measured recoveries are ours, not the cloud's
    }
    if world.region_lost(&place.region, now).is_some() {
        return Some(ReadTrouble::Unreachable);
    }
    if let Some(why) = world.fails(place, now) {
        return Some(why);
    }
    let ends = world
        .since(now, |what| matches!(what, Happening::SessionEnds(name) if *name == resource.environment));
    let in_cloud = place.account == resource.home.account;
    if in_cloud && ends.is_some_and(|at| after(at, SESSION_LEFT) <= now) {
        return Some(ReadTrouble::CredentialsExpired);
    }
    if let Some(permission) = resource.denied.get(&capability)
        && *place == resource.home
    {
        return Some(ReadTrouble::Denied { permission: permission.clone(), identity: observer(resource) });
    }
    let throttled =
        world.since(now, |what| matches!(what, Happening::Throttled(at) if at == place)).is_some();
    (throttled && capability == Capability::Points).then_some(ReadTrouble::Throttled)
}

fn observer(resource: &Resource) -> Text {
    Text::new(&format!("arn:aws:sts::{}:assumed-role/lifeboat-observe/demo", resource.home.account))
}

/// The call that would bring it in a real account.
fn call(kind: Kind, capability: Capability) -> &'static str {
    match (capability, kind) {
        (Capability::Points, Kind::RdsInstance) => "rds:DescribeDBSnapshots",
        (Capability::Points, Kind::RdsCluster) => "rds:DescribeDBClusterSnapshots",
        (Capability::Points, Kind::Ec2Instance) => "ec2:DescribeImages",
        (Capability::Points, Kind::EbsVolume) => "ec2:DescribeSnapshots",
        (Capability::Points, Kind::S3Bucket) => "s3:GetBucketVersioning",
        (Capability::Points, Kind::DynamodbTable) => "dynamodb:DescribeContinuousBackups",
        (Capability::Points, Kind::BackupVault) => "backup:ListRecoveryPointsByBackupVault",
        (Capability::Points, Kind::DatabaseDump | Kind::KubernetesNamespace) => "s3:ListObjectVersions",
        (Capability::Points, Kind::SearchSnapshot) => "GET _snapshot",
        (
            Capability::Points,
            Kind::GitRepository | Kind::TerraformStack | Kind::EksCluster | Kind::Network,
        ) => "git ls-remote",
        (Capability::Points, Kind::DnsRecord) => "route53:ListResourceRecordSets",
        (Capability::Condition, Kind::RdsInstance) => "rds:DescribeDBInstances",
        (Capability::Condition, Kind::RdsCluster) => "rds:DescribeDBClusters",
        (Capability::Condition, Kind::Ec2Instance) => "ec2:DescribeInstanceStatus",
        (Capability::Condition, Kind::EbsVolume) => "ec2:DescribeVolumes",
        (Capability::Condition, Kind::S3Bucket) => "s3:ListObjectVersions",
        (Capability::Condition, Kind::DynamodbTable) => "dynamodb:DescribeTable",
        (Capability::Condition, Kind::EksCluster) => "eks:DescribeCluster",
        (Capability::Condition, Kind::DnsRecord) => "route53:ListResourceRecordSets",
        (Capability::Condition, Kind::Service) => "probes",
        (Capability::Locks, _) => "dynamodb:Scan",
        (Capability::States, _) => "s3:ListObjectVersions",
        (Capability::Keys, _) => "kms:DescribeKey",
        (Capability::Identity, _) => "sts:GetCallerIdentity",
        (Capability::Proofs, _) => "journals of drills",
        _ => "describe",
    }
}

/// Returns the recovery points of a component at a place.
pub(super) fn recovery_points(
    world: &World,
    id: &ComponentId,
    resource: &Resource,
    place: &Place,
    now: Timestamp,
) -> Vec<RecoveryPoint> {
    let deleted = deleted_at(world, id, now);
    let lost = world.region_lost(&resource.home.region, now);
    resource
        .protections
        .iter()
        .filter(|protection| protection.place == *place)
        .filter(|protection| deleted.is_none() || !protection.dies_with_component)
        .flat_map(|protection| points(world, id, resource, protection, deleted.or(lost), now))
        .collect()
}

fn deleted_at(world: &World, id: &ComponentId, now: Timestamp) -> Option<Timestamp> {
    world.since(now, |what| matches!(what, Happening::Deleted(gone) if gone == id))
}

/// Returns how a component is.
pub(super) fn condition(world: &World, id: &ComponentId, resource: &Resource, now: Timestamp) -> Condition {
    let gone = deleted_at(world, id, now);
    let mut incidents = Vec::new();
    let deletion = world.since(now, |what| matches!(what, Happening::ObjectsDeleted(bucket) if bucket == id));
    let deletions =
        resource.deleted.iter().cloned().chain(deletion.map(|at| (at, 4_812, "invoices/2026/".into())));
    for (at, count, prefix) in deletions {
        let objects = if count == 1 { "1 object was".to_owned() } else { format!("{count} objects were") };
        incidents.push(Incident {
            code: if count < FEW { "few-objects-deleted".into() } else { "objects-deleted".into() },
            at,
            says: Text::new(&format!("{objects} deleted under {prefix}; their versions are still there")),
        });
    }
    let healthy = match resource.kind {
        Kind::Ec2Instance => "running, 2 of 2 checks passed",
        Kind::EbsVolume => "in-use",
        Kind::DynamodbTable | Kind::EksCluster => "ACTIVE",
        Kind::Service => "probes are green",
        Kind::DnsRecord => "answers",
        _ => "available",
    };
    Condition {
        health: if gone.is_some() { Health::Gone } else { Health::Healthy },
        status: if gone.is_some() { "no such resource".into() } else { healthy.into() },
        created_at: Some(resource.created_at),
        settings: resource.settings.clone(),
        incidents,
    }
}

/// Returns the locks on a state.
pub(super) fn locks(world: &World, id: &ComponentId, resource: &Resource, now: Timestamp) -> Vec<Lock> {
    let Some(state) = &resource.state else { return Vec::new() };
    let mut locks: Vec<Lock> = resource
        .locks
        .iter()
        .map(|lock| Lock {
            store: LockStore::DynamodbRow,
            path: state.path.clone(),
            id: Some(lock.id.clone()),
            who: Some(lock.who.clone()),
            operation: Some(lock.operation.clone()),
            created_at: Some(lock.since),
            terraform_version: Some("1.13.4".into()),
        })
        .collect();
    if let Some(at) = world.since(now, |what| matches!(what, Happening::LockLeft(locked) if locked == id)) {
        let mut chance = Chance::new(world.seed, "left lock");
        locks.push(Lock {
            store: LockStore::DynamodbRow,
            path: state.path.clone(),
            id: Some(Text::new(&chance.uuid())),
            who: Some("runner@ci-7f9c".into()),
            operation: Some("OperationTypeApply".into()),
            created_at: Some(before(at, LEFT_FOR)),
            terraform_version: Some("1.13.4".into()),
        });
    }
    locks
}

/// How old the lock already is when `stuck-lock` begins.
const LEFT_FOR: Duration = Duration::from_secs(2 * 3600 + 600);

/// Returns a state with its versions.
pub(super) fn state(
    world: &World,
    id: &ComponentId,
    resource: &Resource,
    place: &Place,
    now: Timestamp,
) -> StateHistory {
    let Some(state) = &resource.state else {
        return StateHistory {
            path: Text::default(),
            versions: Vec::new(),
            digest: Digest::NotUsed,
            replica_lag: None,
        };
    };
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
    StateHistory {
        path: state.path.clone(),
        versions,
        digest: if replica || !state.has_digest { Digest::NotUsed } else { Digest::Row(row) },
        replica_lag: replica.then_some(STATE_LAG),
    }
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

/// Returns where a key is asked for.
pub(super) fn key_place(environment: &Environment, key: &KeyPlace) -> Place {
    Place { account: environment.account.clone(), region: key.region.clone() }
}

/// Returns whether a key can decrypt in a Region.
pub(super) fn key(
    world: &World,
    environment: &Environment,
    key: &KeyPlace,
    now: Timestamp,
) -> Answer<KeyState> {
    let source = Text::new(&format!("kms:DescribeKey {}", key.region));
    if world.region_lost(&key.region, now).is_some() {
        return Answer::new(source, Err(ReadTrouble::Unreachable));
    }
    if let Some(why) = world.fails(&key_place(environment, key), now) {
        return Answer::new(source, Err(why));
    }
    let ends =
        world.since(now, |what| matches!(what, Happening::SessionEnds(name) if *name == environment.name));
    if ends.is_some_and(|at| after(at, SESSION_LEFT) <= now) {
        return Answer::new(source, Err(ReadTrouble::CredentialsExpired));
    }
    let known = world.resources.values().find_map(|resource| {
        resource.keys.get(&key.region).filter(|(id, _)| *id == key.key).map(|(_, state)| state.clone())
    });
    Answer::new(source, Ok(known.unwrap_or(KeyState::Enabled)))
}

/// Returns who we are in an environment.
pub(super) fn identity(world: &World, environment: &Environment, now: Timestamp) -> Answer<Identity> {
    let ends =
        world.since(now, |what| matches!(what, Happening::SessionEnds(name) if *name == environment.name));
    let expires_at = match ends {
        Some(at) => after(at, SESSION_LEFT),
        // Sessions are renewed well before they end.
        None => {
            let half = i64::try_from(SESSION.as_secs() / 2).unwrap_or(1);
            let begun =
                (now.as_second() - world.began.as_second()).div_euclid(half) * half + world.began.as_second();
            after(Timestamp::from_second(begun).unwrap_or(now), SESSION)
        }
    };
    let source = Text::new("sts:GetCallerIdentity");
    if let Some(why) = world.fails(&environment.home(), now) {
        return Answer::new(source, Err(why));
    }
    if expires_at <= now {
        return Answer::new(source, Err(ReadTrouble::CredentialsExpired));
    }
    let who = Text::new(&format!("arn:aws:sts::{}:assumed-role/lifeboat-observe/demo", environment.account));
    let account = environment.account.clone();
    Answer::new(source, Ok(Identity { who, account, expires_at: Some(expires_at) }))
}
