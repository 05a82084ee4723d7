//! RDS: clusters, which are made without instances (A1), their failovers, and global clusters (A3).

use super::super::deeds::{Change, Phase, Sort, Thing};
use super::rds_cluster_things::{self as things, everywhere};
use super::rds_restore::{made, refusal, restored};
use super::rds_things::{self, SOURCE};
use super::{Asked, Deal, Done, Told, members, refused};
use crate::domain::duration::after;
use crate::domain::place::Place;
use crate::provider::port::CallTrouble;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long a cluster is in creating, in changing and in deleting.
const CREATING: Duration = Duration::from_secs(300);
const MODIFYING: Duration = Duration::from_secs(30);
const DELETING: Duration = Duration::from_secs(60);
/// How long a global cluster changes its writer: with nothing lost, and in a disaster.
const SWITCHING: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(60));

pub(super) fn clusters(asked: &Asked<'_>) -> Told {
    let cluster = known_cluster(asked)?;
    Ok(json!({"DBClusters": [things::describe(asked.world, &cluster, asked.now)]}))
}

/// Returns the cluster that a call names.
pub(super) fn known_cluster(asked: &Asked<'_>) -> Result<Thing, CallTrouble> {
    let id = asked.required("DBClusterIdentifier")?;
    things::cluster(asked.world, &asked.call.place, id, asked.now)
        .filter(|thing| thing.is_shown(asked.now))
        .ok_or_else(|| refused("DBClusterNotFoundFault", 404, &format!("DBCluster {id} not found.")))
}

fn told(asked: &Asked<'_>, cluster: &Thing) -> Value {
    json!({"DBCluster": things::describe(asked.world, cluster, asked.now)})
}

/// Returns a cluster that a call makes: what is not passed is dropped, and it has no instance.
fn new_cluster(asked: &Asked<'_>, id: &str, source: &Value, key: &Value) -> Thing {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let passed = |name: &str, otherwise: Value| asked.value(name).cloned().unwrap_or(otherwise);
    let of = |name: &str| source.get(name).cloned().unwrap_or(Value::Null);
    let mut chance = asked.chance();
    let groups: Vec<Value> = match asked.list("VpcSecurityGroupIds").as_slice() {
        [] => vec![json!({"VpcSecurityGroupId": format!("sg-{}", chance.hex(17))})],
        groups => groups.iter().map(|group| json!({"VpcSecurityGroupId": group})).collect(),
    };
    let all = members(json!({
        "DBClusterIdentifier": id,
        "DBClusterArn": format!("arn:aws:rds:{}:{}:cluster:{id}", place.region, place.account),
        "DbClusterResourceId": format!("cluster-{}", chance.hex(26).to_uppercase()),
        "Engine": passed("Engine", of("Engine")),
        "EngineVersion": passed("EngineVersion", of("EngineVersion")),
        "EngineMode": "provisioned",
        "MultiAZ": false,
        "DBClusterMembers": [],
        "DeletionProtection": passed("DeletionProtection", json!(false)),
        "DBClusterParameterGroup": passed("DBClusterParameterGroupName", json!("default.aurora-postgresql16")),
        "DBSubnetGroup": passed("DBSubnetGroupName", json!("default")),
        "VpcSecurityGroups": groups,
        "IAMDatabaseAuthenticationEnabled": passed("EnableIAMDatabaseAuthentication", json!(false)),
        "EnabledCloudwatchLogsExports": passed("EnableCloudwatchLogsExports", json!([])),
        "BacktrackWindow": asked.value("BacktrackWindow"),
        "BackupRetentionPeriod": 1,
        "PreferredBackupWindow": "06:30-07:00",
        "PreferredMaintenanceWindow": "tue:08:31-tue:09:01",
        "CopyTagsToSnapshot": passed("CopyTagsToSnapshot", json!(false)),
        "StorageType": passed("StorageType", json!("aurora")),
        "StorageEncrypted": !key.is_null(),
        "KmsKeyId": key,
        "ServerlessV2ScalingConfiguration": asked.value("ServerlessV2ScalingConfiguration"),
        "Port": passed("Port", json!(5432)),
        "Endpoint": things::endpoint(world, place, id, "cluster"),
        "ReaderEndpoint": things::endpoint(world, place, id, "cluster-ro"),
        "TagList": passed("Tags", json!([])),
    }));
    let mut thing = Thing::new(Sort::DbCluster, place, id, now, "creating", all);
    thing.then(now, [Phase::new(after(now, CREATING), "available")]);
    thing
}

/// Says why a cluster of this name cannot be made.
fn cluster_refusal(asked: &Asked<'_>, id: &str, key: &Value) -> Result<(), CallTrouble> {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    if things::cluster(world, place, id, now).is_some_and(|thing| thing.exists(now)) {
        return Err(refused("DBClusterAlreadyExistsFault", 400, "DB Cluster already exists"));
    }
    if !rds_things::key_works(world, place, key.as_str().unwrap_or_default()) {
        return Err(refused("KMSKeyNotAccessibleFault", 400, "the key cannot be used"));
    }
    super::rds_groups::checked(asked)
}

fn done(asked: &Asked<'_>, thing: Thing) -> Deal {
    Deal { body: told(asked, &thing), target: thing.id.clone(), changes: vec![Change::Made(Box::new(thing))] }
}

pub(super) fn restore(asked: &Asked<'_>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let id = asked.required("DBClusterIdentifier")?.to_lowercase();
    let wanted = asked.required("SnapshotIdentifier")?;
    let none =
        || refused("DBClusterSnapshotNotFoundFault", 404, &format!("DBClusterSnapshot {wanted} not found."));
    let snapshot = things::snapshot(world, place, wanted, now).ok_or_else(none)?;
    if snapshot.status(now) != "available" {
        let says = format!("{wanted} is {}", snapshot.status(now));
        return Err(refused("InvalidDBClusterSnapshotStateFault", 400, &says));
    }
    let own = snapshot.member(now, "KmsKeyId").cloned().unwrap_or_default();
    let key = asked.value("KmsKeyId").cloned().unwrap_or(own);
    cluster_refusal(asked, &id, &key)?;
    let source = snapshot.member(now, SOURCE).cloned().unwrap_or_default();
    Ok(done(asked, new_cluster(asked, &id, &source, &key)))
}

pub(super) fn restore_to_time(asked: &Asked<'_>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let id = asked.required("DBClusterIdentifier")?.to_lowercase();
    let wanted = asked.required("SourceDBClusterIdentifier")?;
    let source = things::cluster(world, place, wanted, now).filter(|thing| thing.is_shown(now));
    let none = || refused("DBClusterNotFoundFault", 404, &format!("DBCluster {wanted} not found."));
    let source = things::describe(world, &source.ok_or_else(none)?, now);
    let window = |name: &str| -> Option<Timestamp> { source.get(name)?.as_str()?.parse().ok() };
    match (asked.text("RestoreToTime"), asked.flag("UseLatestRestorableTime") == Some(true)) {
        (None, true) => {}
        (Some(text), false) => {
            let at = text.parse::<Timestamp>().ok();
            let (first, last) = (window("EarliestRestorableTime"), window("LatestRestorableTime"));
            if at.is_none() || at < first || at > last {
                let says = format!("{text} does not lie in the window of the backups");
                return Err(refused("InvalidRestoreFault", 400, &says));
            }
        }
        _ => {
            let says = "give RestoreToTime or UseLatestRestorableTime, and not both";
            return Err(refused("InvalidParameterCombination", 400, says));
        }
    }
    let own = source.get("KmsKeyId").cloned().unwrap_or_default();
    let key = asked.value("KmsKeyId").cloned().unwrap_or(own);
    cluster_refusal(asked, &id, &key)?;
    Ok(done(asked, new_cluster(asked, &id, &source, &key)))
}

/// Makes a further member of a global cluster.
pub(super) fn create(asked: &Asked<'_>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let id = asked.required("DBClusterIdentifier")?.to_lowercase();
    let mut global = known_global(asked)?;
    let mut all = instances_of(&global, now);
    let here = |member: &Value| region(member) == place.region.as_str();
    if all.iter().any(here) {
        let says = format!("{} has a cluster in {} already", global.id, place.region);
        return Err(refused("InvalidGlobalClusterStateFault", 400, &says));
    }
    let key = asked.value("KmsKeyId").cloned().unwrap_or_default();
    if global.member(now, "StorageEncrypted") == Some(&json!(true)) && key.is_null() {
        let says = "an encrypted global cluster needs a key in this Region: give KmsKeyId";
        return Err(refused("InvalidParameterCombination", 400, says));
    }
    cluster_refusal(asked, &id, &key)?;
    let source = all
        .iter()
        .filter_map(|member| of_arn(world, place, member.get("DBClusterArn")?.as_str()?, now))
        .map(|thing| Value::Object(thing.described(now)))
        .next()
        .unwrap_or_default();
    let thing = new_cluster(asked, &id, &source, &key);
    let arn = thing.text(now, "DBClusterArn").to_owned();
    all.push(
        json!({"DBClusterArn": arn, "IsWriter": false, "Readers": [], "SynchronizationStatus": "connected"}),
    );
    global.members.insert("GlobalClusterMembers".to_owned(), json!(all));
    for phase in &mut global.phases {
        phase.patch.remove("GlobalClusterMembers");
    }
    let mut deal = done(asked, thing);
    deal.changes.push(Change::Changed(Box::new(global)));
    Ok(deal)
}

fn unfit(cluster: &Thing, says: &str) -> CallTrouble {
    refused("InvalidDBClusterStateFault", 400, &format!("{} {says}", cluster.id))
}

pub(super) fn modify(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut cluster = known_cluster(asked)?;
    if cluster.status(now) != "available" {
        return Err(unfit(&cluster, &format!("is {}", cluster.status(now))));
    }
    let mut soon = Map::new();
    let settable = [
        "BackupRetentionPeriod",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
        "DeletionProtection",
    ];
    for name in settable {
        if let Some(value) = asked.value(name).filter(|value| cluster.member(now, name) != Some(*value)) {
            soon.insert(name.to_owned(), value.clone());
        }
    }
    let target = cluster.id.clone();
    if soon.is_empty() {
        return Ok(Deal { body: told(asked, &cluster), target, changes: Vec::new() });
    }
    let mut end = Phase::new(after(now, MODIFYING), "available");
    end.patch.extend(soon);
    cluster.then(now, [Phase::new(now, "modifying"), end]);
    Ok(Deal { body: told(asked, &cluster), target, changes: vec![Change::Changed(Box::new(cluster))] })
}

pub(super) fn delete(asked: &Asked<'_>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let mut cluster = known_cluster(asked)?;
    if cluster.status(now) == "deleting" {
        return Err(unfit(&cluster, "is being deleted"));
    }
    if cluster.member(now, "DeletionProtection") == Some(&json!(true)) {
        let says = "Cannot delete protected Cluster, please disable deletion protection and try again.";
        return Err(refused("InvalidParameterCombination", 400, says));
    }
    let arn = cluster.text(now, "DBClusterArn").to_owned();
    let is_member = things::globals(world, place).iter().any(|global| {
        instances_of(global, now).iter().any(|member| member.get("DBClusterArn") == Some(&json!(arn)))
    });
    if is_member {
        return Err(unfit(
            &cluster,
            "is a part of a global cluster, please remove it from globalcluster first",
        ));
    }
    let living = rds_things::instances(world, place, now)
        .into_iter()
        .any(|thing| thing.text(now, "DBClusterIdentifier") == cluster.id && thing.status(now) != "deleting");
    if living {
        return Err(unfit(
            &cluster,
            "cannot be deleted, it still contains DB instances in non-deleting state.",
        ));
    }
    if asked.flag("SkipFinalSnapshot") != Some(true) {
        let says = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.";
        return Err(refused("InvalidParameterCombination", 400, says));
    }
    cluster.then(now, [Phase::new(now, "deleting")]);
    cluster.gone_from = Some(after(now, DELETING));
    let target = cluster.id.clone();
    Ok(Deal { body: told(asked, &cluster), target, changes: vec![Change::Changed(Box::new(cluster))] })
}

/// Makes an instance of a cluster.
pub(super) fn create_instance(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let id = asked.required("DBInstanceIdentifier")?.to_lowercase();
    let mut cluster = known_cluster(asked)?;
    if cluster.status(now) != "available" {
        return Err(unfit(&cluster, &format!("is {}", cluster.status(now))));
    }
    asked.required("DBInstanceClass")?;
    refusal(asked, &id, cluster.text(now, "KmsKeyId"))?;
    let source = json!({
        "Engine": cluster.member(now, "Engine"), "EngineVersion": cluster.member(now, "EngineVersion"),
        "AllocatedStorage": 1, "BackupRetentionPeriod": cluster.member(now, "BackupRetentionPeriod"),
    });
    let mut all = restored(asked, &id, &source, cluster.member(now, "KmsKeyId"));
    for (member, value) in [
        ("DBClusterIdentifier", json!(cluster.id)),
        ("StorageType", json!("aurora")),
        ("VpcSecurityGroups", cluster.member(now, "VpcSecurityGroups").cloned().unwrap_or_default()),
        ("PromotionTier", asked.value("PromotionTier").cloned().unwrap_or(json!(1))),
        ("MonitoringInterval", asked.value("MonitoringInterval").cloned().unwrap_or(json!(0))),
        (
            "PerformanceInsightsEnabled",
            asked.value("EnablePerformanceInsights").cloned().unwrap_or(json!(false)),
        ),
    ] {
        all.insert(member.to_owned(), value);
    }
    let mut deal = made(asked, id.clone(), all);
    let described = things::describe(asked.world, &cluster, now);
    let mut instances =
        described.get("DBClusterMembers").and_then(Value::as_array).cloned().unwrap_or_default();
    let is_secondary = globals_of(asked, &cluster, now)
        .is_some_and(|global| !writes_in(&global, cluster.text(now, "DBClusterArn"), now));
    let writes = |one: &Value| one.get("IsClusterWriter") == Some(&json!(true));
    let is_writer = !is_secondary && !instances.iter().any(writes);
    instances.push(json!({"DBInstanceIdentifier": id, "IsClusterWriter": is_writer, "PromotionTier": 1}));
    for phase in &mut cluster.phases {
        phase.patch.remove("DBClusterMembers");
    }
    cluster.members.insert("DBClusterMembers".to_owned(), json!(instances));
    deal.changes.push(Change::Changed(Box::new(cluster)));
    Ok(deal)
}

fn region(member: &Value) -> &str {
    member
        .get("DBClusterArn")
        .and_then(Value::as_str)
        .and_then(|arn| arn.split(':').nth(3))
        .unwrap_or_default()
}

fn instances_of(global: &Thing, now: Timestamp) -> Vec<Value> {
    global.member(now, "GlobalClusterMembers").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn of_arn(world: &super::World, place: &Place, arn: &str, now: Timestamp) -> Option<Thing> {
    let at = Place { region: arn.split(':').nth(3)?.into(), account: place.account.clone() };
    things::cluster(world, &at, arn, now)
}

fn globals_of(asked: &Asked<'_>, cluster: &Thing, now: Timestamp) -> Option<Thing> {
    let arn = json!(cluster.text(now, "DBClusterArn"));
    things::globals(asked.world, &asked.call.place).into_iter().find(|global| {
        instances_of(global, now).iter().any(|member| member.get("DBClusterArn") == Some(&arn))
    })
}

fn writes_in(global: &Thing, arn: &str, now: Timestamp) -> bool {
    instances_of(global, now).iter().any(|member| {
        member.get("DBClusterArn") == Some(&json!(arn)) && member.get("IsWriter") == Some(&json!(true))
    })
}

fn known_global(asked: &Asked<'_>) -> Result<Thing, CallTrouble> {
    let id = asked.required("GlobalClusterIdentifier")?;
    let all = things::globals(asked.world, &asked.call.place);
    all.into_iter()
        .find(|thing| thing.id == id)
        .ok_or_else(|| refused("GlobalClusterNotFoundFault", 404, &format!("Global cluster {id} not found.")))
}

pub(super) fn globals(asked: &Asked<'_>) -> Told {
    let all = match asked.text("GlobalClusterIdentifier") {
        Some(_) => vec![known_global(asked)?],
        None => things::globals(asked.world, &asked.call.place),
    };
    let all: Vec<Value> = all.iter().map(|thing| things::describe_global(thing, asked.now)).collect();
    Ok(json!({"GlobalClusters": all}))
}

/// Changes the writer of a global cluster: with nothing lost, or in a disaster (A3).
pub(super) fn change_writer(asked: &Asked<'_>) -> Done {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    // Without the word for it, a failover is a switchover (A3).
    let loses = asked.flag("AllowDataLoss") == Some(true);
    let mut global = known_global(asked)?;
    if global.status(now) != "available" {
        let says = format!("{} is {}, not available", global.id, global.status(now));
        return Err(refused("InvalidGlobalClusterStateFault", 400, &says));
    }
    let target = asked.required("TargetDbClusterIdentifier")?;
    let mut all = instances_of(&global, now);
    let is_target = |member: &Value| member.get("DBClusterArn") == Some(&json!(target));
    let writes = |member: &Value| member.get("IsWriter") == Some(&json!(true));
    let Some(from) = all.iter().find(|member| writes(member)).cloned() else {
        return Err(refused("InvalidGlobalClusterStateFault", 400, "it has no writer"));
    };
    match all.iter().find(|member| is_target(member)) {
        None => {
            let says = format!("{target} is no member of {}", global.id);
            return Err(refused("DBClusterNotFoundFault", 404, &says));
        }
        Some(member) if writes(member) => {
            return Err(refused(
                "InvalidDBClusterStateFault",
                400,
                &format!("{target} is the writer already"),
            ));
        }
        Some(_) => {}
    }
    let lost = world.region_lost(&region(&from).into(), now).is_some();
    if !loses && lost {
        let says = "a switchover needs a primary cluster that is well: use a failover";
        return Err(refused("InvalidDBClusterStateFault", 400, says));
    }
    let took = if loses { SWITCHING.1 } else { SWITCHING.0 };
    let from_arn = from.get("DBClusterArn").cloned().unwrap_or_default();
    for member in &mut all {
        let is_writer = is_target(member);
        if let Some(member) = member.as_object_mut() {
            member.insert("IsWriter".to_owned(), json!(is_writer));
        }
    }
    let state = |status: &str| json!({"Status": status, "FromDbClusterArn": from_arn, "ToDbClusterArn": target, "IsDataLossAllowed": loses});
    let word = if loses { "failing-over" } else { "switching-over" };
    global.then(
        now,
        [
            Phase::new(now, word).with("FailoverState", state("pending")),
            Phase::new(after(now, took / 4), word).with("FailoverState", state(word)),
            Phase::new(after(now, took), "available")
                .with("FailoverState", Value::Null)
                .with("GlobalClusterMembers", all),
        ],
    );
    let mut changes = Vec::new();
    for (arn, is_writer) in [(target, true), (from_arn.as_str().unwrap_or_default(), false)] {
        let Some(mut cluster) = of_arn(world, place, arn, now).filter(|thing| thing.exists(now)) else {
            continue;
        };
        let mut instances =
            cluster.member(now, "DBClusterMembers").and_then(Value::as_array).cloned().unwrap_or_default();
        for (nth, one) in instances.iter_mut().enumerate() {
            if let Some(one) = one.as_object_mut() {
                one.insert("IsClusterWriter".to_owned(), json!(is_writer && nth == 0));
            }
        }
        cluster.then(
            now,
            [
                Phase::new(now, word),
                Phase::new(after(now, took), "available").with("DBClusterMembers", instances),
            ],
        );
        changes.push(Change::Changed(Box::new(cluster)));
    }
    let (body, id) = (json!({"GlobalCluster": things::describe_global(&global, now)}), global.id.clone());
    changes.push(Change::Changed(Box::new(global)));
    Ok(Deal { body, target: id, changes })
}

pub(super) fn leave(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut global = known_global(asked)?;
    let wanted = asked.required("DbClusterIdentifier")?;
    let mut all = instances_of(&global, now);
    let before = all.len();
    all.retain(|member| member.get("DBClusterArn") != Some(&json!(wanted)));
    if all.len() == before {
        let says = format!("{wanted} is no member of {}", global.id);
        return Err(refused("DBClusterNotFoundFault", 404, &says));
    }
    for phase in &mut global.phases {
        phase.patch.remove("GlobalClusterMembers");
    }
    global.members.insert("GlobalClusterMembers".to_owned(), json!(all));
    global.place = everywhere(&asked.call.place);
    let (body, id) = (json!({"GlobalCluster": things::describe_global(&global, now)}), global.id.clone());
    Ok(Deal { body, target: id, changes: vec![Change::Changed(Box::new(global))] })
}
