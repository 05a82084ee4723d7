//! What is read of the world at a moment: a pure function of both.

use super::act;
use super::deeds::Sort;
use super::points::points;
use super::world::{Happening, Protection, Resource, Rhythm, World};
use crate::domain::Text;
use crate::domain::condition::{Condition, Health, Identity, Incident, KeyPlace, KeyState};
use crate::domain::duration::after;
use crate::domain::estate::Environment;
use crate::domain::ids::{ComponentId, EnvironmentName};
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::reading::{Capability, ReadTrouble};
use crate::domain::recovery_point::RecoveryPoint;
use crate::provider::port::Answer;
use jiff::Timestamp;
use std::time::Duration;

/// Fewer deleted objects than these are somebody's work rather than a disaster.
const FEW: u64 = 100;
/// How long a session is otherwise.
const SESSION: Duration = Duration::from_secs(8 * 3600);

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
    let in_cloud = place.account == resource.home.account;
    if in_cloud && world.session_ends(&resource.environment, now).is_some_and(|ends| ends <= now) {
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
        (Capability::Condition, Kind::GitRepository) => "git ls-remote",
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
    let mut all = own_points(world, id, resource, place, now);
    let (sort, made) = match resource.kind {
        Kind::RdsInstance => (Sort::DbSnapshot, act::database_points(world, resource, place, now)),
        Kind::Ec2Instance => (Sort::Image, act::image_points(world, resource, place, now)),
        Kind::DynamodbTable => (Sort::TableBackup, act::table_points(world, resource, place, now)),
        Kind::BackupVault => (Sort::VaultPoint, act::vault_points(world, resource, place, now)),
        Kind::RdsCluster => (Sort::DbClusterSnapshot, act::cluster_points(world, resource, place, now)),
        Kind::EbsVolume => (Sort::Snapshot, act::volume_points(world, resource, place, now)),
        _ => return all,
    };
    all.retain(|point| {
        let changed = world.deeds.thing(sort, place, point.id.as_str());
        changed.is_none_or(|thing| thing.is_shown(now))
    });
    all.extend(made);
    all
}

/// Returns the recovery points of a component at a place that its protections made, whatever acts did to them.
pub(super) fn own_points(
    world: &World,
    id: &ComponentId,
    resource: &Resource,
    place: &Place,
    now: Timestamp,
) -> Vec<RecoveryPoint> {
    let deleted = deleted_at(world, id, now);
    let ended = deleted.or_else(|| world.deeds.ended(id).filter(|ended| *ended <= now));
    let lost = world.region_lost(&resource.home.region, now);
    let here = || resource.protections.iter().filter(|protection| protection.place == *place);
    let Some(ended) = ended else {
        return here().flat_map(|protection| points(world, id, resource, protection, lost, now)).collect();
    };
    let lasting = here().filter(|protection| !protection.dies_with_component);
    let mut all: Vec<_> =
        lasting.flat_map(|protection| points(world, id, resource, protection, Some(ended), now)).collect();
    // What was restored under its name is protected as it was, from then on.
    let seen = act::seen(world, resource, now);
    if let Some(again) = seen.and_then(|seen| seen.restored_at).filter(|again| *again > ended) {
        let young = Resource { created_at: again, ..resource.clone() };
        let begun = |protection: &&Protection| {
            protection.dies_with_component || matches!(protection.rhythm, Rhythm::Every { .. })
        };
        all.extend(
            here().filter(begun).flat_map(|protection| points(world, id, &young, protection, lost, now)),
        );
    }
    all
}

/// Returns when the scenario deleted a component.
pub(super) fn deleted_at(world: &World, id: &ComponentId, now: Timestamp) -> Option<Timestamp> {
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
        let few = count < FEW;
        // What was undeleted is deleted no more.
        let count = match act::left_deleted(world, resource.name.as_str(), prefix.as_str(), now) {
            Some(0) => continue,
            Some(left) => left as u64,
            None => count,
        };
        let objects = if count == 1 { "1 object was".to_owned() } else { format!("{count} objects were") };
        incidents.push(Incident {
            code: if few { "few-objects-deleted".into() } else { "objects-deleted".into() },
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
    if let Some(seen) = act::seen(world, resource, now) {
        let (health, status, created_at) = (seen.health, seen.status, seen.created_at);
        return Condition { health, status, created_at, settings: seen.settings, incidents };
    }
    Condition {
        health: if gone.is_some() { Health::Gone } else { Health::Healthy },
        status: if gone.is_some() { "no such resource".into() } else { healthy.into() },
        created_at: Some(resource.created_at),
        settings: resource.settings.clone(),
        incidents,
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
    if world.session_ends(&environment.name, now).is_some_and(|ends| ends <= now) {
        return Answer::new(source, Err(ReadTrouble::CredentialsExpired));
    }
    let known = world.resources.values().find_map(|resource| {
        resource.keys.get(&key.region).filter(|(id, _)| *id == key.key).map(|(_, state)| state.clone())
    });
    Answer::new(source, Ok(known.unwrap_or(KeyState::Enabled)))
}

/// Returns when the session of an environment ends.
pub(super) fn session_end(world: &World, environment: &EnvironmentName, now: Timestamp) -> Timestamp {
    world.session_ends(environment, now).unwrap_or_else(|| {
        // Sessions are renewed well before they end.
        let half = i64::try_from(SESSION.as_secs() / 2).unwrap_or(1);
        let begun =
            (now.as_second() - world.began.as_second()).div_euclid(half) * half + world.began.as_second();
        after(Timestamp::from_second(begun).unwrap_or(now), SESSION)
    })
}

/// Returns who we are in an environment.
pub(super) fn identity(world: &World, environment: &Environment, now: Timestamp) -> Answer<Identity> {
    let expires_at = session_end(world, &environment.name, now);
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
