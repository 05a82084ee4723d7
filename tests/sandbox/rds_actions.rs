//! The actions on databases: what a restore carries over (R4), when a wait ends (R7), when a cluster is there (A1), what a
//! failover may lose (A3). Each test fails where the naive way is taken.

use super::acting::{plan, refused, says};
use super::gear::{World, at_once, call};
use lifeboat::action::{Found, Progress};
use lifeboat::authority::Direction;
use lifeboat::domain::action::ActionClass;
use lifeboat::domain::place::Place;
use lifeboat::domain::recovery_point::{Holds, PointKind};
use lifeboat::provider::sandbox::{Fault, FaultSpec};
use lifeboat::runbook::call::Call;
use serde_json::{Value, json};

fn there() -> Place {
    Place::new(super::gear::ACCOUNT, "us-west-2")
}

fn instance(world: &World, name: &str) -> Value {
    let asked = call("rds:DescribeDBInstances").with("DBInstanceIdentifier", name);
    world.look(&asked).expect("it is there")["DBInstances"][0].clone()
}

fn snapshot_of(world: &World, id: &str) -> String {
    let points = world.points(id);
    let mut snapshots = points.iter().filter(|point| point.kind == PointKind::Snapshot);
    snapshots
        .find(|point| ["-daily-", "rds:"].iter().any(|part| point.id.as_str().contains(part)))
        .expect("a snapshot")
        .id
        .to_string()
}

fn copy_of(world: &World, id: &str) -> String {
    let found = world.points_at(id, &there());
    let mut found = found.into_iter().filter(|point| point.kind == PointKind::SnapshotCopy);
    found.next_back().expect("there is a copy").id.to_string()
}

#[test]
fn a_restore_carries_over_what_it_drops_and_lists_what_it_could_not() {
    for (action, more) in [("rds-restore-from-snapshot", "snapshot"), ("rds-restore-to-time", "time")] {
        let world = World::new("calm");
        let value = if more == "time" { "latest".to_owned() } else { snapshot_of(&world, "orders-db") };
        let given = [("component", "orders-db"), (more, value.as_str()), ("target", "orders-back")];
        let mut whole = plan(&world, action, &given).expect("it can be planned");
        assert_eq!(whole.names().last(), Some(&"ModifyDBInstance"));
        let outputs = whole.carry_out(&world).expect("it is restored");
        assert_eq!(outputs["instance"], "orders-back");
        assert!(outputs["endpoint"].as_str().expect("an address").starts_with("orders-back."));
        let (was, is) = (instance(&world, "prod-orders"), instance(&world, "orders-back"));
        for name in [
            "MultiAZ",
            "DeletionProtection",
            "IAMDatabaseAuthenticationEnabled",
            "CopyTagsToSnapshot",
            "DBParameterGroups",
            "VpcSecurityGroups",
            "DBSubnetGroup",
            "EnabledCloudwatchLogsExports",
            "MaxAllocatedStorage",
            "MonitoringInterval",
            "PerformanceInsightsEnabled",
            "PreferredMaintenanceWindow",
        ] {
            assert_eq!(is[name], was[name], "{action} {name}");
        }
        assert!(whole.deviations(&world).is_empty(), "{action}: {:?}", whole.deviations(&world));
        assert_eq!(whole.take_back(&world), ["ModifyDBInstance", "DeleteDBInstance"]);

        // Who leaves out what only a modification sets is told of it.
        let mut half = plan(&world, action, &given).expect("the name is free again");
        half.calls.truncate(1);
        half.carry_out(&world).expect("it is restored");
        let deviations = half.deviations(&world);
        let named: Vec<&str> = deviations.iter().map(|one| one.setting.as_str()).collect();
        for name in ["MonitoringInterval", "EnablePerformanceInsights", "PreferredMaintenanceWindow"] {
            assert!(named.contains(&name), "{action} {name}: {named:?}");
        }
        // Only a restore to a moment takes it itself (R4).
        assert_eq!(named.contains(&"MaxAllocatedStorage"), more == "snapshot", "{named:?}");
    }
}

#[test]
fn states_that_need_a_person_end_the_wait_as_failed_and_time_alone_never_does() {
    for state in ["restore-error", "insufficient-capacity", "incompatible-network"] {
        for (action, more, value) in [
            ("rds-restore-from-snapshot", "snapshot", None),
            ("rds-restore-to-time", "time", Some("latest".to_owned())),
        ] {
            let world = World::new("calm");
            world.fault(FaultSpec::new(Fault::EndsIn(state.into())));
            let value = value.unwrap_or_else(|| snapshot_of(&world, "orders-db"));
            let given = [("component", "orders-db"), (more, value.as_str()), ("target", "orders-back")];
            let mut planned = plan(&world, action, &given).expect("it can be planned");
            let why = planned.carry_out(&world).expect_err("it fails");
            assert!(why.contains(state), "{why}");
        }
    }
    // 31 minutes are what the waiter of the SDK does not wait for.
    let world = World::new("calm");
    let given = [("component", "orders-db"), ("time", "latest"), ("target", "orders-back")];
    let planned = plan(&world, "rds-restore-to-time", &given).expect("it can be planned");
    let mut doing = planned.doing(&world, Direction::Forward, 0);
    doing.since = world.now();
    doing.now = lifeboat::domain::duration::after(doing.since, std::time::Duration::from_secs(31 * 60));
    let look = says(json!({"DBInstances": [{"DBInstanceStatus": "creating"}]}));
    let seen =
        at_once(planned.action.progress(doing, look.as_ref())).expect("an answer").expect("it is seen");
    assert!(matches!(seen, Progress::Going { .. }), "{seen:?}");
}

#[test]
fn a_moment_outside_of_the_window_is_refused_with_the_window() {
    let world = World::new("calm");
    let ask =
        |time: &str| refused(&world, "rds-restore-to-time", &[("component", "orders-db"), ("time", time)]);
    assert!(ask("2026-10-01 12:00").contains("lies outside"), "{}", ask("2026-10-01 12:00"));
    // Logs are shipped every five minutes: the last of them do not hold what is a minute old (R1).
    assert!(ask("10 s ago").contains("lies outside"), "{}", ask("10 s ago"));
    assert!(ask("soon").contains("not a moment"));
    let planned = plan(&world, "rds-restore-to-time", &[("component", "orders-db"), ("time", "1 h ago")]);
    let planned = planned.expect("it lies inside");
    assert_eq!(planned.calls[0].text("RestoreTime"), Some("2026-11-21T02:14:00Z"));
    assert_eq!(planned.calls[0].text("SourceDBInstanceIdentifier"), Some("prod-orders"));
}

#[test]
fn backups_that_were_kept_of_a_deleted_database_are_found_by_its_resource_id() {
    let world = World::new("calm");
    let id = instance(&world, "prod-reports")["DbiResourceId"].clone();
    let protected = refused(&world, "rds-delete", &[("component", "reports-db")]);
    assert!(protected.contains("protected") && protected.contains("rds-protect"), "{protected}");
    let given = [("component", "reports-db"), ("deletion_protection", "false")];
    let mut open = plan(&world, "rds-protect", &given).expect("it can be planned");
    open.carry_out(&world).expect("it is set");
    let mut delete = plan(&world, "rds-delete", &[("component", "reports-db")]).expect("it can be planned");
    // By default RDS would delete the backups with it (R10).
    assert_eq!(delete.calls[0].arguments["DeleteAutomatedBackups"], false);
    assert_eq!(delete.step.class, ActionClass::Destructive);
    let outputs = delete.carry_out(&world).expect("it is deleted");
    assert_eq!(outputs["snapshot"], "prod-reports-final-k3f9");
    world.advance(3600);
    let given = [("component", "reports-db"), ("time", "latest"), ("target", "prod-reports")];
    let mut restore = plan(&world, "rds-restore-to-time", &given).expect("its backups are there");
    assert_eq!(restore.calls[0].arguments["SourceDbiResourceId"], id);
    assert!(!restore.calls[0].arguments.contains_key("SourceDBInstanceIdentifier"));
    restore.carry_out(&world).expect("it is restored");
    let gone = [("component", "reports-db"), ("skip_final_snapshot", "true"), ("delete_backups", "true")];
    let planned = plan(&world, "rds-delete", &gone);
    assert!(planned.is_err(), "it is protected as it was");
}

#[test]
fn backups_that_are_replicated_are_restored_where_they_lie() {
    let world = World::new("region-loss");
    let given = [
        ("component", "orders-db"),
        ("time", "latest"),
        ("region", "dr"),
        ("parameter_group", "orders-dr"),
        ("subnet_group", "private-dr"),
        ("security_groups", "default"),
    ];
    let mut planned = plan(&world, "rds-restore-to-time", &given).expect("it can be planned");
    assert!(planned.calls[0].text("SourceDBInstanceAutomatedBackupsArn").is_some());
    assert_eq!(planned.calls[0].place, there());
    assert_eq!(
        planned.step.control_plane.as_ref().map(lifeboat::domain::ids::Region::as_str),
        Some("us-west-2")
    );
    planned.carry_out(&world).expect("it is restored");
}

#[test]
fn groups_that_are_missing_in_the_dr_region_are_named_before_anything_is_done() {
    let world = World::new("calm");
    let snapshot = copy_of(&world, "reports-db");
    let base = vec![("component", "reports-db"), ("snapshot", snapshot.as_str()), ("region", "dr")];
    let mut given = base.clone();
    let why = refused(&world, "rds-restore-from-snapshot", &given);
    assert!(why.contains("no parameter group harbour-postgres16 in us-west-2"), "{why}");
    given.push(("parameter_group", "reports-dr"));
    let why = refused(&world, "rds-restore-from-snapshot", &given);
    assert!(why.contains("no subnet group harbour-private"), "{why}");
    given.push(("subnet_group", "private-dr"));
    let why = refused(&world, "rds-restore-from-snapshot", &given);
    assert!(why.contains("belong to another Region") && why.contains("security_groups"), "{why}");
    given.push(("security_groups", "sg-1, sg-2"));
    let planned = plan(&world, "rds-restore-from-snapshot", &given).expect("it can be planned");
    assert_eq!(planned.calls[0].arguments["VpcSecurityGroupIds"], json!(["sg-1", "sg-2"]));
    assert_eq!(planned.calls[0].place, there());
    // What is there at home alone is not looked for in the other Region.
    let at_home = [("component", "reports-db"), ("snapshot", snapshot.as_str())];
    assert!(refused(&world, "rds-restore-from-snapshot", &at_home).contains("cannot be read in us-east-2"));
}

#[test]
fn a_copy_is_as_old_as_its_source_and_needs_a_key_of_its_region() {
    let world = World::new("calm");
    let snapshot = snapshot_of(&world, "orders-db");
    let base = vec![("component", "orders-db"), ("snapshot", snapshot.as_str()), ("name", "orders-copy")];
    let why = refused(&world, "rds-snapshot-copy", &base);
    assert!(why.contains("is encrypted") && why.contains("kms_key"), "{why}");
    let with = |key| base.iter().copied().chain([("kms_key", key)]).collect::<Vec<_>>();
    let wrong = with("arn:aws:kms:us-east-2:417263985012:key/0");
    assert!(refused(&world, "rds-snapshot-copy", &wrong).contains("the key lies in us-east-2"));
    let right = with("arn:aws:kms:us-west-2:417263985012:key/1");
    let mut planned = plan(&world, "rds-snapshot-copy", &right).expect("it can be planned");
    assert_eq!(planned.calls[0].place, there());
    let source = planned.calls[0].text("SourceDBSnapshotIdentifier").expect("a source").to_owned();
    assert_eq!(source, format!("arn:aws:rds:us-east-2:417263985012:snapshot:{snapshot}"));
    planned.begin(&world);
    planned.make(&world, 0);
    world.advance(300);
    let seen = planned.progress(&world, Direction::Forward, 0);
    assert!(matches!(seen, Progress::Going { percent: Some(33), .. }), "{seen:?}");
    world.advance(700);
    assert!(matches!(planned.progress(&world, Direction::Forward, 0), Progress::Done(_)));
    let at = |points: Vec<lifeboat::domain::recovery_point::RecoveryPoint>, id: &str| {
        let found = points.into_iter().find(|point| point.id.as_str() == id).expect("it is a point");
        let Holds::Until(at) = found.holds else { panic!("{found:?}") };
        at
    };
    let copied = at(world.points_at("orders-db", &there()), "orders-copy");
    assert_eq!(copied, at(world.points("orders-db"), &snapshot), "R3: not when it was copied");
    assert_eq!(planned.take_back(&world), ["DeleteDBSnapshot"]);
}

#[test]
fn a_snapshot_is_made_once_and_is_ours_by_its_tags() {
    let world = World::new("calm");
    let given = [("component", "orders-db"), ("name", "before-the-change")];
    let mut planned = plan(&world, "rds-snapshot", &given).expect("it can be planned");
    assert!(matches!(planned.probe(&world, 0), Found::Nothing { .. }));
    planned.begin(&world);
    planned.make(&world, 0);
    assert!(matches!(planned.probe(&world, 0), Found::Happened { .. }));
    world.advance(60);
    let seen = planned.progress(&world, Direction::Forward, 0);
    assert!(matches!(seen, Progress::Going { percent: Some(33), .. }), "{seen:?}");
    world.advance(600);
    assert!(matches!(planned.progress(&world, Direction::Forward, 0), Progress::Done(_)));
    assert!(refused(&world, "rds-snapshot", &given).contains("already"));
    // One of the same name that another run has made is not ours.
    planned.step.id = "other".into();
    assert!(matches!(planned.probe(&world, 0), Found::Unclear { .. }));
    planned.step.id = "act".into();
    assert_eq!(planned.take_back(&world), ["DeleteDBSnapshot"]);
}

#[test]
fn a_snapshot_is_shared_with_accounts_that_are_named_and_taken_from_those_alone_that_it_was_given_to() {
    let world = World::new("calm");
    let mut made =
        plan(&world, "rds-snapshot", &[("component", "orders-db"), ("name", "to-share")]).expect("a plan");
    made.carry_out(&world).expect("it is made");
    let share = |accounts| [("snapshot", "to-share"), ("accounts", accounts)];
    assert!(refused(&world, "rds-snapshot-share", &share("all")).contains("twelve digits"));
    let first = plan(&world, "rds-snapshot-share", &share("111122223333"));
    first.expect("it can be planned").carry_out(&world).expect("it is shared");
    let mut both = plan(&world, "rds-snapshot-share", &share("111122223333, 444455556666")).expect("a plan");
    both.carry_out(&world).expect("it is shared");
    let asked = call("rds:DescribeDBSnapshotAttributes").with("DBSnapshotIdentifier", "to-share");
    let with = |world: &World| {
        let told = world.look(&asked).expect("it is there");
        told["DBSnapshotAttributesResult"]["DBSnapshotAttributes"][0]["AttributeValues"].clone()
    };
    assert_eq!(with(&world), json!(["111122223333", "444455556666"]));
    both.take_back(&world);
    assert_eq!(with(&world), json!(["111122223333"]), "who had it before keeps it");
}

#[test]
fn only_older_snapshots_of_ours_are_deleted_and_a_copy_is_as_old_as_its_data() {
    let world = World::new("calm");
    let make = |name: &str| {
        let given = [("component", "orders-db"), ("name", name)];
        plan(&world, "rds-snapshot", &given).expect("a plan").carry_out(&world).expect("it is made");
        world.advance(3600);
    };
    make("first");
    make("second");
    make("third");
    // Copied last, and still as old as the first (R3).
    let given = [("component", "orders-db"), ("snapshot", "first"), ("name", "first-copied"), ("to", "home")];
    let mut copy = plan(&world, "rds-snapshot-copy", &given).expect("a plan");
    copy.carry_out(&world).expect("it is copied");
    let prune = |verified, keep| [("component", "orders-db"), ("verified", verified), ("keep", keep)];
    assert!(refused(&world, "rds-snapshot-prune", &prune("first", "0")).contains("nothing to delete"));
    let planned = plan(&world, "rds-snapshot-prune", &prune("third", "1")).expect("a plan");
    let named: Vec<_> = planned.calls.iter().filter_map(|call| call.text("DBSnapshotIdentifier")).collect();
    assert_eq!(named.len(), 2, "{named:?}");
    assert!(named.contains(&"first") && named.contains(&"first-copied"), "{named:?}");
    assert_eq!(planned.step.class, ActionClass::Irreversible);
    let mut planned = planned;
    let outputs = planned.carry_out(&world).expect("they are deleted");
    assert_eq!(outputs["deleted"], 2);
    assert!(world.points("orders-db").iter().any(|point| point.id.as_str() == "second"));
}

#[test]
fn a_renamed_database_is_told_from_any_other_by_its_resource_id() {
    let world = World::new("calm");
    let given = [("component", "orders-db"), ("to", "prod-orders-aside")];
    let mut planned = plan(&world, "rds-rename", &given).expect("it can be planned");
    planned.begin(&world);
    assert!(matches!(planned.probe(&world, 0), Found::Nothing { .. }));
    let outputs = planned.carry_out(&world).expect("it is renamed");
    assert_eq!(outputs["instance"], "prod-orders-aside");
    assert_eq!(outputs["resource"], planned.before["resource"]);
    assert!(matches!(planned.probe(&world, 0), Found::Happened { .. }));
    // Another instance that has got the old name is not what was renamed.
    let snapshot = snapshot_of(&world, "orders-db");
    let given = [("component", "orders-db"), ("snapshot", snapshot.as_str()), ("target", "prod-orders")];
    let mut other = plan(&world, "rds-restore-from-snapshot", &given).expect("the name is free");
    other.carry_out(&world).expect("it is restored");
    let mut wrong =
        plan(&world, "rds-rename", &[("component", "orders-db"), ("to", "prod-third")]).expect("a plan");
    wrong.before = planned.before.clone();
    assert!(matches!(wrong.probe(&world, 0), Found::Unclear { .. }));
    assert_eq!(other.take_back(&world), ["ModifyDBInstance", "DeleteDBInstance"]);
    assert_eq!(planned.take_back(&world), ["ModifyDBInstance"]);
    assert_eq!(instance(&world, "prod-orders")["DbiResourceId"], planned.before["resource"]);
}

#[test]
fn protection_is_set_as_it_was_named_and_taken_back_to_what_it_was() {
    let world = World::new("calm");
    let given = [("component", "orders-db"), ("retention_days", "35"), ("deletion_protection", "false")];
    let mut planned = plan(&world, "rds-protect", &given).expect("it can be planned");
    planned.carry_out(&world).expect("it is set");
    let is = instance(&world, "prod-orders");
    assert_eq!((&is["BackupRetentionPeriod"], &is["DeletionProtection"]), (&json!(35), &json!(false)));
    planned.take_back(&world);
    let is = instance(&world, "prod-orders");
    assert_eq!((&is["BackupRetentionPeriod"], &is["DeletionProtection"]), (&json!(14), &json!(true)));
    assert!(refused(&world, "rds-protect", &[("component", "orders-db")]).contains("neither"));
    let none = [("component", "orders-db"), ("retention_days", "0")];
    assert!(refused(&world, "rds-protect", &none).contains("1 to 35"));
}

#[test]
fn a_replica_is_promoted_with_backups_and_never_while_it_is_backed_up() {
    let world = World::new("calm");
    let given = [("component", "orders-db"), ("target", "orders-replica")];
    let mut made = plan(&world, "rds-replica-create", &given).expect("it can be planned");
    assert!(!made.calls[0].arguments.contains_key("DBSubnetGroupName"), "it lies beside its source");
    made.calls.truncate(1);
    made.carry_out(&world).expect("it is made");
    assert_eq!(instance(&world, "orders-replica")["ReadReplicaSourceDBInstanceIdentifier"], "prod-orders");
    let promote = |more: &[(&'static str, &'static str)]| {
        let given: Vec<_> = [("instance", "orders-replica")].iter().chain(more).copied().collect();
        plan(&world, "rds-replica-promote", &given)
    };
    assert!(promote(&[]).is_err(), "it keeps no backups, and nobody said for how long it is to");
    let mut planned = promote(&[("retention_days", "7")]).expect("it can be planned");
    assert_eq!(planned.names(), ["ModifyDBInstance", "PromoteReadReplica"], "backups first (A4)");
    assert_eq!(planned.step.class, ActionClass::Irreversible);
    planned.carry_out(&world).expect("it is promoted");
    let is = instance(&world, "orders-replica");
    assert!(is.get("ReadReplicaSourceDBInstanceIdentifier").is_none());
    assert_eq!(is["BackupRetentionPeriod"], 7);
    let why = refused(&world, "rds-replica-promote", &[("instance", "orders-replica")]);
    assert!(why.contains("no read replica"), "{why}");

    let given = [("component", "orders-db"), ("target", "orders-second")];
    let mut second = plan(&world, "rds-replica-create", &given).expect("it can be planned");
    second.carry_out(&world).expect("it is made");
    let snapshot = [("instance", "orders-second"), ("name", "of-the-replica")];
    let mut backup = plan(&world, "rds-snapshot", &snapshot).expect("it can be planned");
    backup.begin(&world);
    backup.make(&world, 0);
    let why = refused(&world, "rds-replica-promote", &[("instance", "orders-second")]);
    assert!(why.contains("backing-up"), "{why}");
}

#[test]
fn a_cluster_is_restored_with_instances_and_is_there_when_one_of_them_writes() {
    for action in ["rds-cluster-restore-from-snapshot", "rds-cluster-restore-to-time"] {
        let world = World::new("calm");
        let snapshot = snapshot_of(&world, "customers-db");
        let more =
            if action.ends_with("snapshot") { ("snapshot", snapshot.as_str()) } else { ("time", "latest") };
        let given = [("component", "customers-db"), more, ("target", "customers-back")];
        let mut planned = plan(&world, action, &given).expect("it can be planned");
        let names = planned.names();
        assert!(names[0].starts_with("RestoreDBCluster"), "{names:?}");
        assert_eq!(names[1..], ["ModifyDBCluster", "CreateDBInstance", "CreateDBInstance"]);
        planned.begin(&world);
        planned.make(&world, 0);
        world.advance(600);
        let asked = call("rds:DescribeDBClusters").with("DBClusterIdentifier", "customers-back");
        let cluster = world.look(&asked).expect("it is there")["DBClusters"][0].clone();
        assert_eq!((&cluster["Status"], &cluster["DBClusterMembers"]), (&json!("available"), &json!([])));
        // It says that it is available, and answers nobody (A1).
        let endpoint = cluster["Endpoint"].as_str().expect("an address");
        let connect = call("tcp:Connect").with("Host", endpoint).with("Port", 5432);
        assert_eq!(world.look(&connect).expect("an answer")["Green"], false);
        planned.make(&world, 1);
        world.advance(60);
        planned.make(&world, 2);
        world.advance(60);
        let seen = planned.progress(&world, Direction::Forward, 2);
        assert!(
            matches!(&seen, Progress::Going { says, .. } if says.as_str().contains("is creating")),
            "{seen:?}"
        );
        world.advance(3600);
        let seen = planned.progress(&world, Direction::Forward, 2);
        let Progress::Done(outputs) = seen else { panic!("{seen:?}") };
        assert_eq!(outputs["instance"], "customers-back-1");
        assert_eq!(world.look(&connect).expect("an answer")["Green"], true);
        planned.make(&world, 3);
        world.advance(3600);
        assert!(planned.deviations(&world).is_empty(), "{action}: {:?}", planned.deviations(&world));
        let back = planned.take_back(&world);
        assert_eq!(back, ["DeleteDBInstance", "DeleteDBInstance", "ModifyDBCluster", "DeleteDBCluster"]);
    }
}

#[test]
fn without_an_instance_that_writes_a_cluster_is_not_there() {
    let world = World::new("calm");
    let given = [("component", "customers-db"), ("time", "latest"), ("target", "customers-back")];
    let planned = plan(&world, "rds-cluster-restore-to-time", &given).expect("it can be planned");
    let look = says(json!({
        "DBClusters": [{"Status": "available", "DBClusterMembers": [
            {"DBInstanceIdentifier": "customers-back-1", "IsClusterWriter": false}]}],
        "DBInstances": [{"DBInstanceStatus": "available"}],
    }));
    let doing = planned.doing(&world, Direction::Forward, 2);
    let seen =
        at_once(planned.action.progress(doing, look.as_ref())).expect("an answer").expect("it is seen");
    assert!(matches!(seen, Progress::Going { .. }), "{seen:?}");
}

fn writer(world: &World) -> (String, Value) {
    let asked = Call::new("rds:DescribeGlobalClusters", &"production".into(), &there());
    let all = world.look(&asked).expect("it answers")["GlobalClusters"].clone();
    let found = all
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["GlobalClusterIdentifier"] == "prod-customers-global");
    let found = found.expect("it is there").clone();
    let members = found["GlobalClusterMembers"].as_array().expect("members").clone();
    let writer = members.into_iter().find(|member| member["IsWriter"] == true).expect("one writes");
    (writer["DBClusterArn"].as_str().expect("a text").to_owned(), found["FailoverState"].clone())
}

const HOME_ARN: &str = "arn:aws:rds:us-east-2:417263985012:cluster:prod-customers";
const DR_ARN: &str = "arn:aws:rds:us-west-2:417263985012:cluster:prod-customers-us-west-2";

#[test]
fn a_global_failover_says_that_it_loses_data_and_never_becomes_a_switchover() {
    let world = World::new("region-loss");
    let why = refused(&world, "rds-global-failover", &[("component", "customers-db")]);
    assert!(why.contains("allow_data_loss"), "{why}");
    let no = [("component", "customers-db"), ("allow_data_loss", "false")];
    assert!(refused(&world, "rds-global-failover", &no).contains("allow_data_loss"));
    let why = refused(&world, "rds-global-switchover", &[("component", "customers-db")]);
    assert!(why.contains("waits for it for ever"), "{why}");
    let yes = [("component", "customers-db"), ("allow_data_loss", "true")];
    let mut planned = plan(&world, "rds-global-failover", &yes).expect("it can be planned");
    assert_eq!(planned.names(), ["FailoverGlobalCluster"]);
    assert_eq!(planned.calls[0].arguments["AllowDataLoss"], true);
    assert_eq!(planned.calls[0].arguments["TargetDbClusterIdentifier"], DR_ARN);
    assert_eq!(planned.calls[0].place, there(), "a lost Region is not asked for anything");
    assert_eq!(planned.step.class, ActionClass::DataLoss);
    assert!(planned.step.notes.iter().any(|note| note.as_str().contains("IsDataLossAllowed")));
    planned.begin(&world);
    planned.make(&world, 0);
    let seen = planned.progress(&world, Direction::Forward, 0);
    assert!(
        matches!(&seen, Progress::Going { says, .. } if says.as_str().contains("data loss allowed")),
        "{seen:?}"
    );
    world.advance(120);
    let Progress::Done(outputs) = planned.progress(&world, Direction::Forward, 0) else {
        panic!("it is not there")
    };
    assert_eq!((&outputs["writer"], &outputs["region"]), (&json!(DR_ARN), &json!("us-west-2")));
    assert_eq!(writer(&world).0, DR_ARN);
    // Without the word for it the call does not leave: AWS would make a switchover of it.
    let mut naive = planned.calls[0].clone();
    naive.arguments.remove("AllowDataLoss");
    assert!(super::gear::code(world.act(naive)).contains("AllowDataLoss"));
}

#[test]
fn a_switchover_that_is_under_way_is_not_taken_for_a_failover() {
    let world = World::new("calm");
    let yes = [("component", "customers-db"), ("allow_data_loss", "true")];
    let mut planned = plan(&world, "rds-global-failover", &yes).expect("it can be planned");
    planned.begin(&world);
    let mut graceful =
        plan(&world, "rds-global-switchover", &[("component", "customers-db")]).expect("it can be planned");
    graceful.begin(&world);
    graceful.make(&world, 0);
    let found = planned.probe(&world, 0);
    assert!(
        matches!(&found, Found::Unclear { evidence } if evidence.as_str().contains("not allowed")),
        "{found:?}"
    );
}

#[test]
fn a_switchover_loses_nothing_and_is_taken_back_by_another() {
    let world = World::new("calm");
    let mut planned =
        plan(&world, "rds-global-switchover", &[("component", "customers-db")]).expect("it can be planned");
    assert_eq!(planned.names(), ["SwitchoverGlobalCluster"]);
    assert_eq!(planned.step.class, ActionClass::Mutating);
    planned.begin(&world);
    planned.make(&world, 0);
    assert_eq!(writer(&world).1["IsDataLossAllowed"], false);
    world.advance(300);
    assert_eq!(writer(&world).0, DR_ARN);
    assert_eq!(planned.take_back(&world), ["SwitchoverGlobalCluster"]);
    assert_eq!(writer(&world).0, HOME_ARN);
}

#[test]
fn a_region_joins_a_global_cluster_again_with_an_instance_and_leaves_it_when_taken_back() {
    let world = World::new("calm");
    let yes = [("component", "customers-db"), ("allow_data_loss", "true")];
    let mut over = plan(&world, "rds-global-failover", &yes).expect("it can be planned");
    over.carry_out(&world).expect("it fails over");
    let join = [
        ("component", "customers-db"),
        ("global", "prod-customers-global"),
        ("target", "prod-customers-2"),
        ("kms_key", "arn:aws:kms:us-east-2:417263985012:key/1"),
    ];
    let why = refused(&world, "rds-global-join", &join);
    assert!(why.contains("has a member in us-east-2 already"), "{why}");
    let leave = Call::new("rds:RemoveFromGlobalCluster", &"production".into(), &there())
        .with("GlobalClusterIdentifier", "prod-customers-global")
        .with("DbClusterIdentifier", HOME_ARN);
    world.act(leave).expect("it leaves");
    let no_key: Vec<_> = join[..3].to_vec();
    assert!(refused(&world, "rds-global-join", &no_key).contains("kms_key"));
    let mut planned = plan(&world, "rds-global-join", &join).expect("it can be planned");
    assert_eq!(planned.names(), ["CreateDBCluster", "CreateDBInstance"]);
    let outputs = planned.carry_out(&world).expect("it joins");
    assert_eq!(outputs["arn"], "arn:aws:rds:us-east-2:417263985012:cluster:prod-customers-2");
    let given = [
        ("component", "customers-db"),
        ("global", "prod-customers-global"),
        ("target", outputs["arn"].as_str().expect("a text")),
    ];
    let mut back = plan(&world, "rds-global-switchover", &given).expect("it can be planned");
    back.carry_out(&world).expect("it switches over");
    assert_eq!(writer(&world).0, outputs["arn"].as_str().expect("a text"));
    back.take_back(&world);
    let took = planned.take_back(&world);
    assert_eq!(took[..2], ["DeleteDBInstance", "RemoveFromGlobalCluster"]);
    assert_eq!(took.last().map(String::as_str), Some("DeleteDBCluster"));
}
