//! Databases: what a restore drops, how states move, what is refused, and that panes and calls say the same.

use super::gear::{World, call, code, home};
use lifeboat::domain::condition::Health;
use lifeboat::domain::recovery_point::PointKind;
use lifeboat::runbook::call::Call;
use serde_json::{Value, json};

fn describe(id: &str) -> Call {
    call("rds:DescribeDBInstances").with("DBInstanceIdentifier", id)
}

fn instance(world: &World, id: &str) -> Value {
    world.look(&describe(id)).expect("it is there")["DBInstances"][0].clone()
}

fn snapshot_of(world: &World, id: &str) -> String {
    let points = world.points(id);
    let mut snapshots = points.iter().filter(|point| point.kind == PointKind::Snapshot);
    snapshots.find(|point| point.id.as_str().contains("-daily-")).expect("a snapshot").id.to_string()
}

fn restore(world: &World, id: &str) -> Call {
    call("rds:RestoreDBInstanceFromDBSnapshot")
        .with("DBInstanceIdentifier", id)
        .with("DBSnapshotIdentifier", snapshot_of(world, "orders-db"))
}

#[test]
fn every_snapshot_among_the_points_is_found_by_its_name() {
    let world = World::new("calm");
    let points = world.points("orders-db");
    let snapshots: Vec<_> = points.iter().filter(|point| point.kind == PointKind::Snapshot).collect();
    assert!(snapshots.len() > 15);
    for point in snapshots {
        let found = world
            .look(&call("rds:DescribeDBSnapshots").with("DBSnapshotIdentifier", point.id.as_str()))
            .expect("it is found");
        let found = &found["DBSnapshots"][0];
        assert_eq!(found["DBInstanceIdentifier"], "prod-orders");
        assert_eq!(found["Status"], "available");
        assert_eq!(found["KmsKeyId"], point.key.as_ref().expect("a key").as_str());
    }
    let unknown = call("rds:DescribeDBSnapshots").with("DBSnapshotIdentifier", "no-such-one");
    assert_eq!(code(world.look(&unknown)), "DBSnapshotNotFound");
    assert_eq!(code(world.look(&describe("no-such-one"))), "DBInstanceNotFound");
}

#[test]
fn a_restore_takes_its_time_and_drops_what_is_not_passed() {
    let world = World::new("calm");
    let was = instance(&world, "prod-orders");
    let made = world.act(restore(&world, "Restored-1")).expect("it is begun");
    assert_eq!(made["DBInstance"]["DBInstanceStatus"], "creating");
    assert_eq!(made["DBInstance"]["DBInstanceIdentifier"], "restored-1");
    assert!(made["DBInstance"].get("Endpoint").is_none());
    assert_eq!(world.refusal(restore(&world, "restored-1")), "DBInstanceAlreadyExists");
    let mut states = vec!["creating".to_owned()];
    for _ in 0..60 {
        world.advance(30);
        let status = instance(&world, "restored-1")["DBInstanceStatus"].as_str().expect("a text").to_owned();
        if states.last() != Some(&status) {
            states.push(status);
        }
    }
    assert_eq!(states, ["creating", "backing-up", "available"]);
    let is = instance(&world, "restored-1");
    assert!(is["Endpoint"]["Address"].as_str().expect("an address").starts_with("restored-1."));
    assert_ne!(is["DbiResourceId"], was["DbiResourceId"]);
    for (name, dropped) in [
        ("MultiAZ", json!(false)),
        ("DeletionProtection", json!(false)),
        ("IAMDatabaseAuthenticationEnabled", json!(false)),
        ("CopyTagsToSnapshot", json!(false)),
        ("EnabledCloudwatchLogsExports", json!([])),
        ("StorageType", json!("gp3")),
        ("MonitoringInterval", json!(0)),
        ("PerformanceInsightsEnabled", json!(false)),
        ("DatabaseInsightsMode", json!("standard")),
        ("DBSubnetGroup", json!({"DBSubnetGroupName": "default"})),
        ("DBParameterGroups", json!([{"DBParameterGroupName": "default.postgres16"}])),
    ] {
        assert_eq!(is[name], dropped, "{name}");
    }
    assert!(is.get("MaxAllocatedStorage").is_none());
    assert_ne!(is["VpcSecurityGroups"], was["VpcSecurityGroups"]);
    assert_ne!(is["PreferredMaintenanceWindow"], was["PreferredMaintenanceWindow"]);
    for name in ["DBInstanceClass", "AllocatedStorage", "EngineVersion", "KmsKeyId", "TagList"] {
        assert_eq!(is[name], was[name], "{name}");
    }
}

#[test]
fn what_is_passed_is_kept_and_the_rest_is_set_by_a_change() {
    let world = World::new("calm");
    let tags = json!([{"Key": "lifeboat:run", "Value": "run-1"}]);
    let call_of = restore(&world, "restored-1")
        .with("MultiAZ", true)
        .with("DeletionProtection", true)
        .with("VpcSecurityGroupIds", json!(["sg-1"]))
        .with("DBParameterGroupName", "harbour-postgres16")
        .with("DBSubnetGroupName", "harbour-private")
        .with("EnableCloudwatchLogsExports", json!(["postgresql"]))
        .with("Tags", tags.clone());
    world.act(call_of).expect("it is begun");
    let change = || {
        call("rds:ModifyDBInstance")
            .with("DBInstanceIdentifier", "restored-1")
            .with("ApplyImmediately", true)
            .with("MaxAllocatedStorage", 1000)
            .with("MonitoringInterval", 30)
            .with("MonitoringRoleArn", "arn:aws:iam::417263985012:role/rds-monitoring")
            .with("EnablePerformanceInsights", true)
    };
    assert_eq!(world.refusal(change()), "InvalidDBInstanceState");
    world.advance(1600);
    let is = instance(&world, "restored-1");
    assert_eq!(is["DBInstanceStatus"], "available");
    assert_eq!(
        (&is["MultiAZ"], &is["DeletionProtection"], &is["TagList"]),
        (&json!(true), &json!(true), &tags)
    );
    assert_eq!(is["VpcSecurityGroups"], json!([{"VpcSecurityGroupId": "sg-1"}]));
    let told = world.act(change()).expect("it is changed");
    assert_eq!(told["DBInstance"]["DBInstanceStatus"], "modifying");
    assert_eq!(told["DBInstance"]["PendingModifiedValues"]["MaxAllocatedStorage"], 1000);
    world.advance(90);
    let is = instance(&world, "restored-1");
    assert_eq!(is["DBInstanceStatus"], "available");
    assert_eq!(is["MaxAllocatedStorage"], 1000);
    assert_eq!(is["PerformanceInsightsEnabled"], true);
    assert_eq!(is["PendingModifiedValues"], json!({}));
    // Asked again, nothing is left to change.
    world.act(change()).expect("it is so already");
    assert_eq!(instance(&world, "restored-1")["DBInstanceStatus"], "available");
    let changed: Vec<_> =
        world.adapter.file().current().effects().iter().map(|effect| effect.changed).collect();
    assert_eq!(changed, [true, true, false]);
}

#[test]
fn a_change_that_waits_for_the_window_is_pending() {
    let world = World::new("calm");
    let change =
        call("rds:ModifyDBInstance").with("DBInstanceIdentifier", "prod-orders").with("MultiAZ", false);
    world.act(change).expect("it is taken");
    world.advance(3600);
    let is = instance(&world, "prod-orders");
    assert_eq!((&is["MultiAZ"], &is["PendingModifiedValues"]), (&json!(true), &json!({"MultiAZ": false})));
}

#[test]
fn a_database_that_is_gone_and_restored_under_its_name_is_well_again() {
    let world = World::new("database-gone");
    assert_eq!(world.condition("orders-db").health, Health::Gone);
    assert_eq!(code(world.look(&describe("prod-orders"))), "DBInstanceNotFound");
    world.act(restore(&world, "prod-orders")).expect("it is begun");
    assert_eq!(world.condition("orders-db").health, Health::Impaired);
    world.advance(1600);
    let condition = world.condition("orders-db");
    assert_eq!((condition.health, condition.status.as_str()), (Health::Healthy, "available"));
    assert_eq!(condition.settings[&"DeletionProtection".into()].as_str(), "false");
    let kinds: Vec<_> = world.points("orders-db").iter().map(|point| point.kind).collect();
    assert!(kinds.contains(&PointKind::PointInTime), "it is protected again: {kinds:?}");
}

#[test]
fn a_deletion_asks_for_what_aws_asks_for() {
    let world = World::new("calm");
    let delete = || call("rds:DeleteDBInstance").with("DBInstanceIdentifier", "prod-reports");
    assert_eq!(world.refusal(delete().with("SkipFinalSnapshot", true)), "InvalidParameterCombination");
    let open = call("rds:ModifyDBInstance")
        .with("DBInstanceIdentifier", "prod-reports")
        .with("ApplyImmediately", true)
        .with("DeletionProtection", false);
    world.act(open).expect("it is changed");
    world.advance(90);
    assert_eq!(world.refusal(delete()), "InvalidParameterCombination");
    let told = world
        .act(delete().with("FinalDBSnapshotIdentifier", "reports-last").with("DeleteAutomatedBackups", true))
        .expect("it is deleted");
    assert_eq!(told["DBInstance"]["DBInstanceStatus"], "deleting");
    assert_eq!(world.refusal(delete().with("SkipFinalSnapshot", true)), "InvalidDBInstanceState");
    world.advance(60);
    let last = call("rds:DescribeDBSnapshots").with("DBSnapshotIdentifier", "reports-last");
    let pending = world.look(&last).expect("it is there")["DBSnapshots"][0].clone();
    assert_eq!((&pending["Status"], &pending["PercentProgress"]), (&json!("creating"), &json!(33)));
    let from_pending = call("rds:RestoreDBInstanceFromDBSnapshot")
        .with("DBInstanceIdentifier", "early")
        .with("DBSnapshotIdentifier", "reports-last");
    assert_eq!(world.refusal(from_pending), "InvalidDBSnapshotState");
    world.advance(600);
    assert_eq!(code(world.look(&describe("prod-reports"))), "DBInstanceNotFound");
    assert_eq!(world.condition("reports-db").health, Health::Gone);
    let points = world.points("reports-db");
    assert!(points.iter().any(|point| point.id.as_str() == "reports-last"), "{points:?}");
    assert!(!points.iter().any(|point| point.kind == PointKind::PointInTime), "its own backups went with it");
    assert!(!points.iter().any(|point| point.id.as_str().starts_with("rds:")), "{points:?}");
    let from_last = call("rds:RestoreDBInstanceFromDBSnapshot")
        .with("DBInstanceIdentifier", "prod-reports")
        .with("DBSnapshotIdentifier", "reports-last");
    world.act(from_last).expect("it comes back from its last snapshot");
}

#[test]
fn a_renamed_database_leaves_its_name_and_its_endpoint_free() {
    let world = World::new("calm");
    let was = instance(&world, "prod-orders");
    let rename = call("rds:ModifyDBInstance")
        .with("DBInstanceIdentifier", "prod-orders")
        .with("NewDBInstanceIdentifier", "prod-orders-old")
        .with("ApplyImmediately", true);
    world.act(rename).expect("it is renamed");
    assert_eq!(instance(&world, "prod-orders")["DBInstanceStatus"], "renaming");
    world.advance(60);
    assert_eq!(code(world.look(&describe("prod-orders"))), "DBInstanceNotFound");
    assert_eq!(instance(&world, "prod-orders-old")["DbiResourceId"], was["DbiResourceId"]);
    world.act(restore(&world, "prod-orders")).expect("the name is free");
    world.advance(1600);
    assert_eq!(instance(&world, "prod-orders")["Endpoint"], was["Endpoint"]);
}

#[test]
fn a_snapshot_whose_key_is_going_to_be_deleted_does_not_restore() {
    let world = World::new("calm");
    let mut there = home();
    there.region = "us-west-2".into();
    let component = world.estate.component(&"catalogue-db".into()).expect("it is there").clone();
    let observers = world.adapter.clone().observers();
    let ask = lifeboat::provider::port::Ask {
        component: &component,
        place: &there,
        news: &lifeboat::provider::port::Deaf,
    };
    let answer = super::gear::at_once(observers.points.points(ask)).expect("an answer");
    let point = answer.outcome.expect("points").into_iter().next_back().expect("a copy");
    let call = Call::new("rds:RestoreDBInstanceFromDBSnapshot", &"production".into(), &there)
        .with("DBInstanceIdentifier", "catalogue-dr")
        .with("DBSnapshotIdentifier", point.id.as_str());
    assert_eq!(world.refusal(call), "KMSKeyNotAccessibleFault");
}

#[test]
fn a_failover_moves_the_writer() {
    let world = World::new("calm");
    let describe = call("rds:DescribeDBClusters").with("DBClusterIdentifier", "prod-customers");
    let writer = |world: &World| {
        let cluster = world.look(&describe).expect("it is there")["DBClusters"][0].clone();
        let members = cluster["DBClusterMembers"].as_array().expect("members").clone();
        let writer = members.into_iter().find(|member| member["IsClusterWriter"] == true).expect("a writer");
        (cluster["Status"].as_str().expect("a text").to_owned(), writer["DBInstanceIdentifier"].clone())
    };
    assert_eq!(writer(&world), ("available".to_owned(), json!("prod-customers-1")));
    assert_eq!(instance(&world, "prod-customers-2")["DBClusterIdentifier"], "prod-customers");
    let fail_over = |target: &str| {
        call("rds:FailoverDBCluster")
            .with("DBClusterIdentifier", "prod-customers")
            .with("TargetDBInstanceIdentifier", target)
    };
    assert_eq!(world.refusal(fail_over("nobody")), "DBInstanceNotFound");
    assert_eq!(world.refusal(fail_over("prod-customers-1")), "InvalidDBClusterStateFault");
    world.act(fail_over("prod-customers-2")).expect("it fails over");
    assert_eq!(writer(&world).0, "failing-over");
    assert_eq!(world.condition("customers-db").health, Health::Impaired);
    assert_eq!(world.refusal(fail_over("prod-customers-2")), "InvalidDBClusterStateFault");
    world.advance(36);
    assert_eq!(writer(&world), ("available".to_owned(), json!("prod-customers-2")));
    let unknown = call("rds:DescribeDBClusters").with("DBClusterIdentifier", "nobody");
    assert_eq!(code(world.look(&unknown)), "DBClusterNotFoundFault");
}
