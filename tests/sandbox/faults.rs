//! What goes wrong with calls, each in its own way, and the scenarios that are made of it.

use super::gear::{World, armed, at_once, call, code, home};
use lifeboat::domain::condition::Health;
use lifeboat::provider::port::CallTrouble;
use lifeboat::provider::sandbox::{Fault, FaultSpec};
use lifeboat::runbook::call::Call;
use serde_json::json;
use std::time::Duration;

const VOLUME: &str = "vol-0a1b2c3d4e5f60718";

fn snapshot() -> Call {
    call("ec2:CreateSnapshot").with("VolumeId", VOLUME)
}

fn count(world: &World) -> usize {
    world.points("files-vol").len()
}

#[test]
fn a_lost_reply_leaves_the_caller_in_doubt_whether_or_not_it_was_carried_out() {
    for (fault, applied) in [
        (Fault::LostReply { applied: true }, 1),
        (Fault::LostReply { applied: false }, 0),
        (Fault::ErrorInside { applied: true }, 1),
        (Fault::ErrorInside { applied: false }, 0),
    ] {
        let world = World::new("calm");
        let before = count(&world);
        world.fault(FaultSpec::new(fault.clone()).times(1));
        assert!(matches!(world.act(snapshot()), Err(CallTrouble::InDoubt(_))), "{fault:?}");
        assert_eq!(count(&world), before + applied, "{fault:?}");
        assert_eq!(world.effects().len(), applied, "{fault:?}");
        world.act(snapshot()).expect("the next one is answered");
    }
}

#[test]
fn a_call_that_hangs_never_answers() {
    for applied in [true, false] {
        let world = World::new("calm");
        world.fault(FaultSpec::new(Fault::Hangs { applied }).times(1));
        let act = world.adapter.acting();
        assert!(at_once(act.act(armed(snapshot(), "step", 1))).is_none());
        assert_eq!(world.effects().len(), usize::from(applied));
    }
    let world = World::new("calm");
    world.fault(FaultSpec::new(Fault::Hangs { applied: false }).of("sts:GetCallerIdentity").when_looking());
    let look = world.adapter.looking();
    assert!(at_once(look.look(&call("sts:GetCallerIdentity"))).is_none());
}

#[test]
fn throttling_ends_after_so_many_calls() {
    let world = World::new("calm");
    world.fault(FaultSpec::new(Fault::Throttled).times(3));
    for _ in 0..3 {
        let trouble = world.act(snapshot()).expect_err("it is throttled");
        assert!(matches!(trouble, CallTrouble::Throttled { .. }) && trouble.is_clean());
    }
    world.act(snapshot()).expect("it gets through");
    assert_eq!(world.effects().len(), 1);
    world.fault(FaultSpec::new(Fault::Throttled).when_looking().of("ec2:DescribeVolumes").times(1));
    let look = call("ec2:DescribeVolumes").with("VolumeIds", json!([VOLUME]));
    assert_eq!(code(world.look(&look)), "RequestLimitExceeded");
    world.look(&look).expect("it gets through");
}

#[test]
fn a_fault_is_about_the_calls_that_it_names() {
    let world = World::new("calm");
    let refused = Fault::Refused { code: "UnauthorizedOperation".into(), status: 403 };
    world.fault(FaultSpec::new(refused).of("ec2:CreateSnapshot").about(VOLUME).at(&home()));
    assert_eq!(world.refusal(snapshot()), "UnauthorizedOperation");
    world.act(call("ec2:CreateSnapshot").with("VolumeId", "vol-09f8e7d6c5b4a3021")).expect("another volume");
    world.adapter.file().mend().expect("it is mended");
    world.act(snapshot()).expect("nothing is wrong any more");
}

#[test]
fn a_restore_may_end_badly_and_then_only_deleting_helps() {
    for status in ["restore-error", "incompatible-network"] {
        let world = World::new("calm");
        world.fault(FaultSpec::new(Fault::EndsIn(status.into())).times(1));
        let snapshot =
            world.points("orders-db").into_iter().find(|point| point.id.as_str().contains("daily"));
        let restore = call("rds:RestoreDBInstanceFromDBSnapshot")
            .with("DBInstanceIdentifier", "again")
            .with("DBSnapshotIdentifier", snapshot.expect("a snapshot").id.as_str());
        world.act(restore).expect("it is begun");
        world.advance(3600);
        let look = call("rds:DescribeDBInstances").with("DBInstanceIdentifier", "again");
        let is = world.look(&look).expect("it is there")["DBInstances"][0].clone();
        assert_eq!(is["DBInstanceStatus"], status);
        assert!(is.get("LatestRestorableTime").is_none());
        let delete = call("rds:DeleteDBInstance").with("DBInstanceIdentifier", "again");
        assert_eq!(
            world.refusal(delete.clone().with("FinalDBSnapshotIdentifier", "last")),
            "InvalidDBInstanceState"
        );
        world.act(delete.with("SkipFinalSnapshot", true)).expect("it is deleted");
    }
}

#[test]
fn what_is_new_may_be_hidden_for_a_while_and_its_name_is_taken_all_the_same() {
    let world = World::new("calm");
    world.fault(FaultSpec::new(Fault::Hidden { for_s: 20 }).times(2));
    let made = world.act(snapshot()).expect("it is made");
    let named = call("ec2:DescribeSnapshots").with("SnapshotIds", json!([made["SnapshotId"]]));
    let before = count(&world);
    assert_eq!(code(world.look(&named)), "InvalidSnapshot.NotFound");
    world.advance(21);
    world.look(&named).expect("it is shown");
    assert_eq!(count(&world), before + 1);
    let point = world.points("orders-db").into_iter().find(|point| point.id.as_str().contains("daily"));
    let restore = call("rds:RestoreDBInstanceFromDBSnapshot")
        .with("DBInstanceIdentifier", "again")
        .with("DBSnapshotIdentifier", point.expect("a snapshot").id.as_str());
    world.act(restore.clone()).expect("it is begun");
    let look = call("rds:DescribeDBInstances").with("DBInstanceIdentifier", "again");
    assert_eq!(code(world.look(&look)), "DBInstanceNotFound");
    assert_eq!(world.refusal(restore), "DBInstanceAlreadyExists");
}

#[test]
fn insufficient_capacity_has_each_services_own_code_and_passes() {
    let world = World::new("insufficient-capacity");
    let point = world.points("orders-db").into_iter().find(|point| point.id.as_str().contains("daily"));
    let restore = call("rds:RestoreDBInstanceFromDBSnapshot")
        .with("DBInstanceIdentifier", "again")
        .with("DBSnapshotIdentifier", point.expect("a snapshot").id.as_str());
    assert_eq!(world.refusal(restore.clone()), "InsufficientDBInstanceCapacity");
    let ids = json!(["i-0c3e5b7a9d1f20486"]);
    let start = call("ec2:StartInstances").with("InstanceIds", ids.clone());
    world.act(call("ec2:StopInstances").with("InstanceIds", ids)).expect("stopping takes no room");
    assert_eq!(world.refusal(start), "InsufficientInstanceCapacity");
    world.advance(1801);
    world.act(restore).expect("there is room again");
}

#[test]
fn in_lost_replies_every_third_call_was_carried_out_without_an_answer() {
    let world = World::new("lost-replies");
    let create = |nth: i32| {
        call("ec2:CreateVolume")
            .with("AvailabilityZone", "us-east-2a")
            .with("Size", 8)
            .with("ClientToken", format!("token-{nth}"))
    };
    let told: Vec<_> = (0..6).map(|nth| world.act(create(nth)).is_ok()).collect();
    assert_eq!(told, [true, true, false, true, true, false]);
    assert_eq!(world.effects().len(), 6);
}

#[test]
fn in_restore_error_the_first_restore_fails_and_the_second_does_not() {
    let world = World::new("restore-error");
    let point = world.points("orders-db").into_iter().find(|point| point.id.as_str().contains("daily"));
    let point = point.expect("a snapshot").id;
    for (name, status) in [("one", "restore-error"), ("two", "available")] {
        let restore = call("rds:RestoreDBInstanceFromDBSnapshot")
            .with("DBInstanceIdentifier", name)
            .with("DBSnapshotIdentifier", point.as_str());
        world.act(restore).expect("it is begun");
        world.advance(3600);
        let look = call("rds:DescribeDBInstances").with("DBInstanceIdentifier", name);
        assert_eq!(world.look(&look).expect("it is there")["DBInstances"][0]["DBInstanceStatus"], status);
    }
}

#[test]
fn in_throttled_whoever_tries_again_gets_on() {
    let world = World::new("throttled");
    let told: Vec<_> = (0..6).map(|_| world.act(snapshot()).is_ok()).collect();
    assert_eq!(told, [true, false, false, true, false, false]);
    assert_eq!(world.effects().len(), 2);
}

#[test]
fn when_the_session_has_ended_nothing_is_done_until_somebody_logs_in() {
    let world = World::new("credentials-expiring");
    let who = || at_once(world.adapter.looking().credentials(&"production".into())).expect("an answer");
    let credentials = who().expect("somebody is logged in");
    let observers = world.adapter.clone().observers();
    let environment = world.estate.environment(&"production".into()).expect("it is there");
    let identity =
        at_once(observers.identity.identity(environment)).expect("an answer").outcome.expect("read");
    assert_eq!(credentials.ends_at, identity.expires_at);
    assert_eq!(credentials.account.as_str(), identity.account.as_str());
    assert!(!credentials.renewed);
    world.advance(12 * 60 + 1);
    assert!(matches!(who(), Err(CallTrouble::Credentials(_))));
    assert!(matches!(world.act(snapshot()), Err(CallTrouble::Credentials(_))));
    assert!(matches!(world.look(&call("sts:GetCallerIdentity")), Err(CallTrouble::Credentials(_))));
    assert!(world.effects().is_empty());
    world.adapter.file().renew(&"production".into()).expect("somebody logs in");
    assert!(who().expect("somebody is logged in").renewed);
    world.act(snapshot()).expect("it goes on");
    let arn = world.look(&call("sts:GetCallerIdentity")).expect("it is answered")["Arn"].clone();
    assert_eq!(arn, who().expect("somebody is logged in").identity.as_str());
    let soon = Duration::from_secs(60);
    world.adapter.file().end_session(&"production".into(), soon).expect("it ends again");
    world.advance(61);
    assert!(matches!(world.act(snapshot()), Err(CallTrouble::Credentials(_))));
}

#[test]
fn a_lost_region_leaves_every_call_in_doubt_and_does_nothing() {
    let world = World::new("region-loss");
    assert!(matches!(world.act(snapshot()), Err(CallTrouble::InDoubt(_))));
    let look = call("rds:DescribeDBInstances").with("DBInstanceIdentifier", "prod-orders");
    let told = world.look(&look).expect_err("nobody answers");
    assert_eq!(told, CallTrouble::InDoubt("no answer from rds in us-east-2".into()));
    assert!(world.effects().is_empty());
}

#[test]
fn an_act_is_no_look_and_a_look_no_act() {
    let world = World::new("calm");
    assert!(matches!(world.look(&snapshot()), Err(CallTrouble::NotSent(_))));
    assert!(matches!(world.act(call("iam:CreateUser")), Err(CallTrouble::NotSent(_))));
    assert!(matches!(world.act(call("sts:GetCallerIdentity")), Err(CallTrouble::NotSent(_))));
    assert!(world.effects().is_empty());
    assert_eq!(world.condition("files-vol").health, Health::Healthy);
}
