//! The sandbox answers the calls of plans as AWS does: it is held to the same contract, by the same tests.

use super::gear::home;
use crate::aws::contract::calls::{
    World, every_call_goes_well, nothing_is_dropped_silently, what_is_not_there_is_refused_by_its_code,
};
use crate::aws::contract::calls_dynamodb::tables_go_well;
use crate::aws::contract::calls_ec2::{machines_go_well, snapshots_are_kept};
use crate::aws::contract::calls_parts::{Large, downloads_go_well, parts_go_well};
use crate::aws::contract::calls_rds;
use crate::aws::contract::calls_settings::{Settings, every_setting_goes_well};
use crate::support::account::block_on;
use lifeboat::config;
use lifeboat::domain::estate::Provider;
use lifeboat::domain::recovery_point::PointKind;
use lifeboat::provider::port::{Act, Ask, Deaf, Look};
use lifeboat::provider::sandbox::{DEMO_ESTATE, Opening, SandboxAdapter, WorldFile};
use serde_json::{Value, json};
use std::sync::Arc;
use tempfile::TempDir;

/// So many of its seconds pass in a real one: what takes hours has come about before the contract gives up.
const SPEED: f64 = 5_000.0;

/// A sandbox whose time passes.
struct Sandbox {
    look: Arc<dyn Look>,
    act: Arc<dyn Act>,
    world: World,
    /// Keeps the world.
    _folder: TempDir,
}

fn sandbox() -> Sandbox {
    let mut estate = config::load_text(DEMO_ESTATE).expect("the demo estate loads").estate;
    for environment in &mut estate.environments {
        environment.provider = Provider::Sandbox { scenario: "calm".into(), seed: 1 };
    }
    let folder = tempfile::tempdir().expect("a folder can be made");
    let opening = Opening { speed: Some(SPEED), start: None, fresh: true };
    let (file, _) = WorldFile::open(folder.path(), &estate, "calm", 1, opening).expect("a world is made");
    let adapter = SandboxAdapter::new(file);
    let observers = adapter.clone().observers();
    let snapshot_of = |id: &str| {
        let component = estate.component(&id.into()).expect("the estate has it");
        let ask = Ask { component, place: &component.home, news: &Deaf };
        let points = block_on(observers.points.points(ask)).outcome.expect("they can be read");
        let mut found = points.into_iter().filter(|point| point.kind == PointKind::Snapshot);
        found.next().expect("there is a snapshot").id.to_string()
    };
    let (look, act) = (adapter.looking(), adapter.acting());
    let mut world = World {
        environment: "production".into(),
        place: home(),
        zone: "us-east-2a".to_owned(),
        database: "prod-orders".to_owned(),
        db_snapshot: snapshot_of("orders-db"),
        cluster: "prod-billing".to_owned(),
        reader: String::new(),
        volume: "vol-0a1b2c3d4e5f60718".to_owned(),
        snapshot: snapshot_of("files-vol"),
        instance: "i-07d2c4e6f8091a3b5".to_owned(),
        bucket: "harbour-prod-media".to_owned(),
        key: "images/a+b=c&d.png".to_owned(),
        sizes: [0, 0],
    };
    let asked = |operation: &str, arguments: Value| {
        let told = block_on(look.look(&world.call(operation, arguments)));
        told.unwrap_or_else(|trouble| panic!("{operation}: {trouble:?}")).body
    };
    let cluster = asked("rds:DescribeDBClusters", json!({"DBClusterIdentifier": world.cluster}));
    let members = cluster["DBClusters"][0]["DBClusterMembers"].as_array().expect("it has members");
    let reader = members.iter().find(|one| one["IsClusterWriter"] == json!(false)).expect("it has a reader");
    let reader = reader["DBInstanceIdentifier"].as_str().expect("it has a name").to_owned();
    let listed = asked("s3:ListObjectVersions", json!({"Bucket": world.bucket, "Key": world.key}));
    let size = |nth: usize| listed["Versions"][nth]["Size"].as_u64().expect("a version has a size");
    (world.reader, world.sizes) = (reader, [size(0), size(1)]);
    Sandbox { look, act, world, _folder: folder }
}

#[test]
fn every_call_of_the_catalogue_brings_from_the_sandbox_what_it_brings_from_aws() {
    let sandbox = sandbox();
    block_on(every_call_goes_well(&*sandbox.look, &*sandbox.act, &sandbox.world));
}

#[test]
fn machines_and_tables_bring_from_the_sandbox_what_they_bring_from_aws() {
    let sandbox = sandbox();
    block_on(machines_go_well(&*sandbox.look, &*sandbox.act, &sandbox.world));
    block_on(tables_go_well(&*sandbox.look, &*sandbox.act, &sandbox.world, "prod-carts"));
    block_on(snapshots_are_kept(&*sandbox.look, &*sandbox.act, &sandbox.world));
}

#[test]
fn objects_in_parts_bring_from_the_sandbox_what_they_bring_from_aws() {
    let sandbox = sandbox();
    let large = Large { key: "masters/launch film.mov", size: 6 << 30, cut: 3 << 30 };
    let folder = "/simulated/looked-at";
    block_on(downloads_go_well(&*sandbox.look, &*sandbox.act, &sandbox.world, &large, folder));
    block_on(parts_go_well(&*sandbox.look, &*sandbox.act, &sandbox.world, &large));
}

#[test]
fn every_setting_brings_from_the_sandbox_what_it_brings_from_aws() {
    let sandbox = sandbox();
    let mut global = sandbox.world.clone();
    global.place.region = "us-east-1".into();
    let asked = |world: &World, operation: &str, arguments: Value| {
        block_on(sandbox.look.look(&world.call(operation, arguments))).expect("it is answered").body
    };
    let zones = asked(&global, "route53:ListHostedZones", json!({}));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let zone = text(&zones["HostedZones"][0]["Id"]);
    let domain = text(&zones["HostedZones"][0]["Name"]);
    let weighted = json!({"HostedZoneId": zone, "Name": format!("checkout.{domain}"), "Type": "A"});
    let weighted = asked(&global, "route53:ListResourceRecordSets", weighted);
    let volume = json!({"VolumeIds": [sandbox.world.volume]});
    let volume = asked(&sandbox.world, "ec2:DescribeVolumes", volume);
    let there = Settings {
        check: text(&weighted["ResourceRecordSets"][0]["HealthCheckId"]),
        zone,
        domain,
        bucket: sandbox.world.bucket.clone(),
        role: "shop-app".to_owned(),
        alarm: "orders-db-healthy".to_owned(),
        key: text(&volume["Volumes"][0]["KmsKeyId"]),
        cluster: "harbour-prod".to_owned(),
        is_strict: true,
    };
    block_on(every_setting_goes_well(&*sandbox.look, &*sandbox.act, &sandbox.world, &there));
}

#[test]
fn the_sandbox_refuses_what_is_not_there_and_leaves_nothing_out() {
    let sandbox = sandbox();
    block_on(what_is_not_there_is_refused_by_its_code(&*sandbox.look, &*sandbox.act, &sandbox.world));
    block_on(nothing_is_dropped_silently(&*sandbox.look, &*sandbox.act, &sandbox.world));
}

#[test]
fn the_further_calls_of_databases_bring_from_the_sandbox_what_they_bring_from_aws() {
    let sandbox = sandbox();
    block_on(calls_rds::databases_go_well(&*sandbox.look, &*sandbox.act, &sandbox.world));
    block_on(calls_rds::clusters_go_well(&*sandbox.look, &*sandbox.act, &sandbox.world));
    block_on(calls_rds::what_is_not_there_is_refused(&*sandbox.look, &*sandbox.act, &sandbox.world));
}
