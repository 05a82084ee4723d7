//! Making a world for an estate: each component protected as its objectives ask, then the flaws put in.

use super::chance::Chance;
use super::deeds::Deeds;
use super::scenario::Scenario;
use super::store::Opening;
use super::world::{LockWorld, Protection, Resource, Rhythm, StateWorld, VERSION, World, WorldClock};
use super::{DEMO_ESTATE, DEMO_FLAWS, states};
use crate::domain::condition::KeyState;
use crate::domain::duration::before;
use crate::domain::estate::{Component, Estate, Provider, Selector};
use crate::domain::ids::{KeyId, Region};
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::proof::Proof;
use crate::domain::reading::Capability;
use crate::domain::recovery_point::{Hold, PointKind};
use crate::domain::scope::FailureScope;
use crate::domain::{Text, duration};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86400);

/// Makes the world of `estate`.
pub(super) fn world(
    estate: &Estate,
    scenario: Scenario,
    seed: u64,
    opening: Opening,
    now: Timestamp,
) -> World {
    let began = opening.start.unwrap_or(now);
    let mut world = World {
        version: VERSION,
        born: Text::new(&format!("{:x}", now.as_nanosecond())),
        scenario: scenario.name.into(),
        seed,
        clock: WorldClock { real: now, virtual_time: began, speed: opening.speed.unwrap_or(1.0) },
        began,
        resources: BTreeMap::new(),
        events: scenario.events(estate, began),
        faults: scenario.faults(estate, began),
        deeds: Deeds::default(),
    };
    grow(&mut world, estate);
    world
}

/// Adds what `estate` has and the world has not; says whether there was anything.
pub(super) fn grow(world: &mut World, estate: &Estate) -> bool {
    let before = world.resources.len();
    let flaws = flaws(estate);
    for component in &estate.components {
        let environment = estate.environment(&component.environment);
        let simulated =
            environment.is_some_and(|environment| matches!(environment.provider, Provider::Sandbox { .. }));
        if !simulated || component.kind == Kind::Group || world.resources.contains_key(&component.id) {
            continue;
        }
        let mut resource = resource(component, world.seed, world.began);
        for flaw in flaws.iter().filter(|flaw| flaw.component == component.id.as_str()) {
            flaw.apply(&mut resource, world.seed, world.began);
        }
        world.resources.insert(component.id.clone(), resource);
    }
    for backend in &estate.backends {
        let environment = estate.environment(&backend.environment);
        if environment.is_some_and(|environment| matches!(environment.provider, Provider::Sandbox { .. })) {
            for (id, resource) in states::others(backend, world.seed, world.began) {
                world.resources.entry(id).or_insert(resource);
            }
        }
    }
    world.resources.len() > before
}

fn resource(component: &Component, seed: u64, began: Timestamp) -> Resource {
    let mut chance = Chance::new(seed, component.id.as_str());
    let size = match component.kind {
        Kind::TerraformState => chance.between(40_000, 900_000),
        Kind::DnsRecord | Kind::Network | Kind::Service => 0,
        _ => chance.between(6, 900) << 30,
    };
    let mut keys = BTreeMap::new();
    let mut protections = Vec::new();
    for (nth, place) in component.sources.iter().enumerate() {
        let away = nth > 0;
        let own_key = matches!(
            component.kind,
            Kind::RdsInstance | Kind::RdsCluster | Kind::EbsVolume | Kind::BackupVault | Kind::DatabaseDump
        );
        let key = own_key.then(|| {
            KeyId::new(&format!("arn:aws:kms:{}:{}:key/{}", place.region, place.account, chance.uuid()))
        });
        if let (Some(key), true) = (&key, place.account == component.home.account) {
            keys.insert(place.region.clone(), (key.clone(), KeyState::Enabled));
        }
        for protection in protect(component, place, away, &mut chance) {
            protections.push(Protection { key: key.clone(), ..protection });
        }
    }
    let settings: &[(&str, &str)] = match component.kind {
        Kind::RdsInstance | Kind::RdsCluster => &[
            ("DBParameterGroupName", "harbour-postgres16"),
            ("VpcSecurityGroupIds", "sg-0a4f9c1e7d2b83a56"),
            ("DBSubnetGroupName", "harbour-private"),
            ("MultiAZ", "true"),
            ("DeletionProtection", "true"),
            ("MaxAllocatedStorage", "1000"),
            ("MonitoringInterval", "30"),
        ],
        Kind::DynamodbTable => &[("TimeToLive", "expires_at"), ("Stream", "NEW_AND_OLD_IMAGES")],
        Kind::Ec2Instance => &[("InstanceType", "t3.medium"), ("IamInstanceProfile", "harbour-web")],
        _ => &[],
    };
    let path = match &component.selector {
        Some(Selector::Id(id)) if id.as_str().contains('/') => id.to_string(),
        _ => format!("{}-tfstate/{}/terraform.tfstate", component.environment, component.id),
    };
    let state = (component.kind == Kind::TerraformState).then(|| StateWorld {
        path: Text::new(&path),
        workspace: None,
        period: Duration::from_secs(chance.between(5, 20) * 3600),
        versions: 20,
        has_digest: true,
        digest_wrong: false,
        lineage: Text::new(&chance.uuid()),
        resources: chance.between(12, 240),
        stopped_at: None,
    });
    Resource {
        kind: component.kind,
        name: name_of(component, seed),
        tag: match &component.selector {
            Some(Selector::Tag { key, value }) => Some((key.clone(), value.clone())),
            _ => None,
        },
        environment: component.environment.clone(),
        home: component.home.clone(),
        protections,
        settings: settings.iter().map(|(key, value)| (Text::new(key), Text::new(value))).collect(),
        // Old enough for rules that keep points for years.
        created_at: before(began, DAY * 365 * 8),
        size_bytes: size,
        proofs: proofs(component, &mut chance, began),
        state,
        locks: Vec::new(),
        denied: BTreeMap::new(),
        keys,
        deleted: None,
    }
}

/// Returns what the service calls a component: what the estate selects it by, else a name like the service's own.
fn name_of(component: &Component, seed: u64) -> Text {
    if let Some(Selector::Id(id)) = &component.selector {
        return Text::new(id.as_str().trim_start_matches("arn:aws:s3:::"));
    }
    let mut chance = Chance::new(seed, &format!("name of {}", component.id));
    match component.kind {
        Kind::Ec2Instance => Text::new(&format!("i-{}", chance.hex(17))),
        Kind::EbsVolume => Text::new(&format!("vol-{}", chance.hex(17))),
        _ => Text::new(component.id.as_str()),
    }
}

/// Measured recoveries that keep the promise, recently enough.
fn proofs(component: &Component, chance: &mut Chance, began: Timestamp) -> Vec<Proof> {
    let recent = component.drill_every.map_or(60, |every| (every.as_secs() / 86400).max(2));
    FailureScope::ALL
        .into_iter()
        .filter_map(|scope| {
            let limit = component.objectives.of(scope).rto?;
            let percent = u32::try_from(chance.between(35, 70)).unwrap_or(50);
            let days = chance.between(1, recent.min(60));
            Some(Proof {
                scope,
                at: before(began, DAY * u32::try_from(days).unwrap_or(1)),
                took: limit * percent / 100,
                how: Text::new(&format!("drill {}", chance.between(100, 999))),
            })
        })
        .collect()
}

/// How a component is protected at a place, so that what was promised is kept.
fn protect(component: &Component, place: &Place, away: bool, chance: &mut Chance) -> Vec<Protection> {
    let protection = |kind, rhythm| Protection {
        kind,
        place: place.clone(),
        rhythm,
        key: None,
        retrieval: None,
        hold: None,
        verified: false,
        dies_with_component: false,
        stopped_at: None,
        missing_days: Vec::new(),
        newest_percent: None,
    };
    let limit = FailureScope::ALL
        .into_iter()
        .filter(|scope| place.survives(*scope, &component.home) && (!away || *scope != FailureScope::Local))
        .filter_map(|scope| component.objectives.of(scope).rpo)
        .min();
    let at_most_half = limit.map_or(DAY, |limit| (limit / 2).clamp(10 * MINUTE, DAY));
    let period = component.cadence.unwrap_or(at_most_half).min(DAY * 7);
    // Within the period, at a time of its own, so that an estate does not back up at one stroke.
    let offset = Duration::from_secs(chance.between(0, period.as_secs().max(2)) / 2);
    let every_of = |period: Duration, keep: Duration| Rhythm::Every {
        period,
        offset,
        ready_after: (period / 24).min(20 * MINUTE),
        keep,
        rules: component.retention.iter().map(|rule| rule.text.clone()).collect(),
    };
    let every = |keep: Duration| every_of(period, keep);
    // What somebody takes by hand once a day outlives its database (R10).
    let by_hand = || Rhythm::Every {
        period: DAY,
        offset: 5 * HOUR + 30 * MINUTE,
        ready_after: 10 * MINUTE,
        keep: DAY * 7,
        rules: Vec::new(),
    };
    let tight = limit.is_some_and(|limit| limit < 2 * HOUR);
    let mortal = |protection: Protection| Protection { dies_with_component: true, ..protection };
    match (component.kind, away) {
        (Kind::RdsInstance | Kind::RdsCluster, false) => vec![
            mortal(protection(PointKind::PointInTime, Rhythm::Window { reach: DAY * 14 })),
            mortal(protection(PointKind::Snapshot, every_of(DAY, DAY * 14))),
        ]
        .into_iter()
        .chain((component.kind == Kind::RdsInstance).then(|| protection(PointKind::Snapshot, by_hand())))
        .collect(),
        (Kind::RdsInstance, true) if tight => {
            vec![protection(PointKind::ReplicatedBackup, Rhythm::Window { reach: DAY * 7 })]
        }
        (Kind::RdsCluster, true) if tight => {
            vec![protection(PointKind::Replica, Rhythm::Replica { lag: Duration::from_secs(1) })]
        }
        (Kind::RdsInstance | Kind::RdsCluster | Kind::EbsVolume, true) => {
            vec![protection(PointKind::SnapshotCopy, every(DAY * 14))]
        }
        (Kind::Ec2Instance, false) => vec![protection(PointKind::Image, every(DAY * 35))],
        (Kind::Ec2Instance, true) => vec![protection(PointKind::Image, every(DAY * 35))],
        (Kind::EbsVolume, false) => vec![protection(PointKind::Snapshot, every(DAY * 14))],
        (Kind::S3Bucket, false) => vec![protection(PointKind::ObjectVersions, Rhythm::Everything)],
        (Kind::S3Bucket, true) => {
            let lag = Duration::from_secs(chance.between(6, 50));
            vec![protection(PointKind::BucketReplica, Rhythm::Replica { lag })]
        }
        (Kind::DynamodbTable, false) => vec![
            mortal(protection(PointKind::PointInTime, Rhythm::Window { reach: DAY * 35 })),
            protection(PointKind::TableBackup, every_of(DAY, DAY * 35)),
        ],
        (Kind::DynamodbTable, true) if tight => {
            vec![protection(PointKind::Replica, Rhythm::Replica { lag: Duration::from_secs(1) })]
        }
        (Kind::DynamodbTable, true) => vec![protection(PointKind::VaultPoint, every(DAY * 35))],
        // Versions of a state are not protections: they are the state.
        (Kind::TerraformState | Kind::Service | Kind::Group, _) => Vec::new(),
        (Kind::GitRepository, _) => vec![protection(PointKind::Commit, Rhythm::Everything)],
        (Kind::TerraformStack | Kind::EksCluster | Kind::Network, _) => {
            vec![protection(PointKind::Definition, Rhythm::Everything)]
        }
        (Kind::DnsRecord, _) => {
            // INSYNC after about a minute, then the old lifetime of the record (N1).
            let record = protection(PointKind::RecordedValue, Rhythm::Everything);
            vec![Protection { retrieval: Some(2 * MINUTE), ..record }]
        }
        (Kind::KubernetesNamespace, _) => vec![protection(PointKind::Export, every(DAY * 30))],
        (Kind::DatabaseDump, _) => {
            vec![Protection { verified: true, ..protection(PointKind::Dump, every(DAY * 30)) }]
        }
        (Kind::SearchSnapshot, _) => vec![protection(PointKind::SearchSnapshot, every(DAY * 30))],
        (Kind::BackupVault, _) => {
            let hold = Hold { what: "vault lock, compliance".into(), until: None, lifted_by: None };
            vec![Protection { hold: Some(hold), ..protection(PointKind::VaultPoint, every(DAY * 35)) }]
        }
    }
}

/// Something that has long been wrong with a component of the demo estate.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Flaw {
    component: String,
    /// A read that is denied, and the permission that is missing.
    denied: Option<String>,
    /// Places in which nothing protects it.
    unprotected_in: Vec<String>,
    /// Failures that were never drilled.
    undrilled: Vec<FailureScope>,
    /// When the last drill was, and how long it took.
    drilled: Option<Drilled>,
    /// For how long its points have not moved.
    stopped_for: Option<String>,
    /// A key that cannot decrypt: `disabled`, `pending-deletion` or `absent`, and where.
    key: Option<KeyFlaw>,
    /// A lock.
    lock: Option<LockFlaw>,
    /// Whether the digest row is wrong.
    digest_wrong: bool,
    /// How many objects were deleted.
    deleted_objects: Option<u64>,
    /// How many days ago points are missing.
    missing_days: Vec<u64>,
    /// The size of the newest point in per cent.
    newest_percent: Option<u64>,
    /// How long points take to become readable.
    retrieval: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Drilled {
    failure: FailureScope,
    days_ago: u32,
    took: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFlaw {
    region: String,
    state: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockFlaw {
    operation: String,
    who: String,
    held_for: String,
    living: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flaws {
    flaw: Vec<Flaw>,
}

/// Returns the flaws of the demo estate; any other estate is as well protected as it asks to be.
fn flaws(estate: &Estate) -> Vec<Flaw> {
    let demo = DEMO_ESTATE.lines().any(|line| line.strip_prefix("estate: ") == Some(estate.name.as_str()));
    let flaws = demo.then(|| toml::from_str::<Flaws>(DEMO_FLAWS).ok()).flatten();
    flaws.map(|flaws| flaws.flaw).unwrap_or_default()
}

fn span(text: &str) -> Duration {
    duration::parse(text).unwrap_or(DAY)
}

impl Flaw {
    fn apply(&self, resource: &mut Resource, seed: u64, began: Timestamp) {
        let capability =
            if resource.kind == Kind::TerraformState { Capability::States } else { Capability::Points };
        if let Some(permission) = &self.denied {
            resource.denied.insert(capability, Text::new(permission));
        }
        let gone: Vec<Region> = self.unprotected_in.iter().map(|region| Region::new(region)).collect();
        resource.protections.retain(|protection| !gone.contains(&protection.place.region));
        resource.proofs.retain(|proof| !self.undrilled.contains(&proof.scope));
        if let Some(drilled) = &self.drilled {
            resource.proofs.retain(|proof| proof.scope != drilled.failure);
            resource.proofs.push(Proof {
                scope: drilled.failure,
                at: before(began, DAY * drilled.days_ago),
                took: span(&drilled.took),
                how: "drill".into(),
            });
        }
        let stopped_at = self.stopped_for.as_ref().map(|stopped| before(began, span(stopped)));
        for protection in &mut resource.protections {
            protection.stopped_at = stopped_at.or(protection.stopped_at);
            protection.missing_days.extend(&self.missing_days);
            protection.newest_percent = self.newest_percent.or(protection.newest_percent);
            if let Some(retrieval) = &self.retrieval {
                protection.retrieval = Some(span(retrieval));
            }
        }
        if let Some(key) = &self.key {
            for (region, (_, state)) in &mut resource.keys {
                if region.as_str() == key.region {
                    *state = match key.state.as_str() {
                        "disabled" => KeyState::Disabled,
                        "pending-deletion" => {
                            let in_days = began.checked_add(SignedDuration::from_hours(24 * 5));
                            KeyState::PendingDeletion(in_days.unwrap_or(began))
                        }
                        _ => KeyState::Absent,
                    };
                }
            }
        }
        if let Some(state) = &mut resource.state {
            state.digest_wrong = self.digest_wrong;
        }
        if let Some(lock) = &self.lock {
            let mut chance = Chance::new(seed, &format!("lock {}", self.component));
            let since = before(began, span(&lock.held_for));
            if let Some(state) = &mut resource.state {
                // Nothing was written after the lock was taken, but by a holder that lives.
                state.stopped_at = Some(since);
            }
            resource.locks.push(LockWorld {
                since,
                operation: Text::new(&lock.operation),
                who: Text::new(&lock.who),
                id: Text::new(&chance.uuid()),
                living: lock.living,
            });
        }
        if let Some(count) = self.deleted_objects {
            resource.deleted = Some((before(began, 5 * HOUR), count, "exports/".into()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ComponentId;

    #[test]
    fn every_flaw_is_of_a_component_that_exists() {
        let loaded = crate::config::load_text(DEMO_ESTATE).expect("the demo estate loads");
        let flaws: Flaws = toml::from_str(DEMO_FLAWS).expect("the flaws are TOML");
        assert!(flaws.flaw.len() > 10);
        for flaw in flaws.flaw {
            assert!(
                loaded.estate.component(&ComponentId::new(&flaw.component)).is_some(),
                "{}",
                flaw.component
            );
        }
    }
}
