//! Settings that are written as a whole: each only while it is what was seen, and back to the last member.

use super::gear::{World, call};
use super::names::{Played, global, plan};
use lifeboat::action::{Found, Progress};
use lifeboat::provider::port::CallTrouble;
use serde_json::{Value, json};
use std::time::Duration;

const BUCKET: &str = "harbour-prod-media";

fn of(world: &World, operation: &str) -> Result<Value, CallTrouble> {
    world.look(&call(operation).with("Bucket", BUCKET))
}

fn policy(world: &World) -> Value {
    of(world, "s3:GetBucketPolicy").unwrap_or_default()
}

fn put_by_others(world: &World, policy: &str) {
    world
        .act(call("s3:PutBucketPolicy").with("Bucket", BUCKET).with("Policy", policy))
        .expect("it is written");
}

#[test]
fn a_suspended_lifecycle_comes_back_exactly_as_it_was() {
    let world = World::new("calm");
    let read = "s3:GetBucketLifecycleConfiguration";
    let first = of(&world, read).expect("there are rules");
    let design =
        plan(&world, "s3-lifecycle-suspend", json!({"component": "media"})).expect("it can be planned");
    let mut step = Played::of(&world, "s3-lifecycle-suspend", design);
    step.act(&world);
    let now = of(&world, read).expect("there are rules");
    let statuses: Vec<&Value> =
        now["Rules"].as_array().expect("rules").iter().map(|rule| &rule["Status"]).collect();
    assert_eq!(statuses, ["Disabled", "Disabled", "Disabled"]);
    assert!(matches!(step.progress(&world), Progress::Done(_)));
    step.undo(&world);
    // To enable every rule would enable the one that was disabled before.
    assert_eq!(of(&world, read).expect("there are rules"), first);
    assert!(matches!(step.probe(&world), Found::Happened { .. }));
}

#[test]
fn a_policy_keeps_what_others_wrote_and_loses_our_statement_alone() {
    let world = World::new("calm");
    let first = policy(&world);
    let design = plan(&world, "s3-deny-deletes", json!({"component": "media"})).expect("it can be planned");
    let mut step = Played::of(&world, "s3-deny-deletes", design);
    step.act(&world);
    let text = policy(&world)["Policy"].as_str().expect("a text").to_owned();
    let document: Value = serde_json::from_str(&text).expect("it is JSON");
    let statements = document["Statement"].as_array().expect("statements");
    let sids: Vec<&Value> = statements.iter().map(|statement| &statement["Sid"]).collect();
    assert_eq!(sids, ["OnlyByTLS", "LifeboatDenyDeletes"]);
    let denied = &statements[1]["Action"];
    for action in ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutLifecycleConfiguration"] {
        assert!(denied.as_array().expect("a list").contains(&json!(action)), "{denied}");
    }
    let but = &statements[1]["Condition"]["ArnNotLike"]["aws:PrincipalArn"];
    assert!(but[0].as_str().is_some_and(|arn| arn.ends_with(":role/lifeboat-operate")), "{but}");
    step.undo(&world);
    assert_eq!(policy(&world), first, "to the last letter");
}

#[test]
fn what_somebody_wrote_meanwhile_is_not_written_over_neither_forward_nor_back() {
    let world = World::new("calm");
    let design = plan(&world, "s3-deny-deletes", json!({"component": "media"})).expect("it can be planned");
    let mut step = Played::of(&world, "s3-deny-deletes", design);
    let theirs = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Theirs","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}"#;
    put_by_others(&world, theirs);
    assert!(!step.holds(&world));
    assert_eq!(world.refusal(step.calls[0].clone()), "PreconditionFailed");
    assert_eq!(policy(&world), json!({ "Policy": theirs }));

    let design = plan(&world, "s3-deny-deletes", json!({"component": "media"})).expect("it can be planned");
    step = Played::of(&world, "s3-deny-deletes", design);
    step.act(&world);
    put_by_others(&world, theirs);
    let action = lifeboat::action::named("s3-deny-deletes").expect("there is such an action");
    let back = action.undo(&step.doing(&world)).expect("it can be said how");
    assert_eq!(world.refusal(back[0].call.clone()), "PreconditionFailed");
    assert_eq!(policy(&world), json!({ "Policy": theirs }));
}

#[test]
fn a_policy_that_was_not_there_is_gone_again_after_the_undo() {
    let world = World::new("calm");
    world.act(call("s3:DeleteBucketPolicy").with("Bucket", BUCKET)).expect("it is deleted");
    let design = plan(&world, "s3-deny-deletes", json!({"component": "media"})).expect("it can be planned");
    let mut step = Played::of(&world, "s3-deny-deletes", design);
    step.act(&world);
    assert_ne!(policy(&world), Value::Null);
    step.undo(&world);
    assert_eq!(policy(&world), Value::Null);
}

#[test]
fn a_new_bucket_is_private_encrypted_and_keeps_versions() {
    let world = World::new("calm");
    let given = json!({"bucket": "harbour-dr-media", "region": "dr"});
    let design = plan(&world, "s3-bucket-create", given.clone()).expect("it can be planned");
    assert_eq!(design.control_plane, Some("us-east-1".into()));
    let mut step = Played::of(&world, "s3-bucket-create", design);
    assert!(step.holds(&world));
    step.act(&world);
    assert!(matches!(step.progress(&world), Progress::Done(_)));
    assert!(plan(&world, "s3-bucket-create", given).is_err(), "the name is taken now");
    assert!(plan(&world, "s3-bucket-create", json!({"bucket": "x", "region": "dr"})).is_err());
    assert!(plan(&world, "s3-bucket-create", json!({"bucket": "fine", "region": "eu-west-1"})).is_err());
    let suspended = plan(&world, "s3-versioning", json!({"bucket": "harbour-dr-media", "region": "dr"}));
    let design = suspended.expect("it can be planned");
    assert!(design.notes.iter().any(|note| note.as_str().contains("on already")));
    step.undo(&world);
    assert!(matches!(step.progress(&world), Progress::Done(_)));
}

#[test]
fn sessions_of_a_role_are_revoked_but_never_our_own() {
    let world = World::new("calm");
    let own = plan(&world, "iam-revoke-sessions", json!({"role": "lifeboat-operate"}));
    assert!(own.is_err_and(|why| why.contains("its own session would end")));
    assert!(plan(&world, "iam-revoke-sessions", json!({"role": "nobody"})).is_err());
    let design = plan(&world, "iam-revoke-sessions", json!({"role": "shop-app"})).expect("it can be planned");
    assert_eq!(design.control_plane, Some("us-east-1".into()));
    let mut step = Played::of(&world, "iam-revoke-sessions", design);
    step.act(&world);
    let asked =
        global("iam:GetRolePolicy").with("RoleName", "shop-app").with("PolicyName", "LifeboatRevokeSessions");
    let document = world.look(&asked).expect("it is there")["PolicyDocument"].clone();
    let document: Value = serde_json::from_str(document.as_str().expect("a text")).expect("it is JSON");
    let before = &document["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"];
    assert_eq!(before, "2026-11-21T03:14:00Z");
    assert!(matches!(step.progress(&world), Progress::Done(_)));
    step.undo(&world);
    assert!(world.look(&asked).is_err());
    assert!(world.look(&global("iam:GetRole").with("RoleName", "shop-app")).is_ok());
}

#[test]
fn an_alarm_counts_when_it_has_been_ok_for_as_long_as_it_must() {
    let world = World::new("calm");
    let given = json!({"alarm": "orders-db-healthy", "hold": "5 min"});
    let design = plan(&world, "alarm-probe", given).expect("it can be planned");
    let asks = design.asks.clone();
    let mut step = Played::of(&world, "alarm-probe", design);
    step.calls = asks;
    match step.progress(&world) {
        Progress::Holds { span, for_good, .. } => {
            assert_eq!((span, for_good), (Duration::from_secs(300), false));
        }
        other => panic!("{other:?}"),
    }
    let asks = plan(&world, "alarm-probe", json!({"alarm": "nobody"})).expect("it can be planned").asks;
    step.calls = asks;
    assert!(matches!(step.progress(&world), Progress::Going { .. }));
}

#[test]
fn a_file_is_written_while_it_is_what_was_seen_and_removed_again() {
    let world = World::new("calm");
    for outside in ["/etc/passwd", "../x", "a/../../x"] {
        assert!(plan(&world, "file-write", json!({"path": outside, "content": "x"})).is_err(), "{outside}");
    }
    let given = json!({"path": "app/settings.conf", "content": "standby = true\n"});
    let design = plan(&world, "file-write", given.clone()).expect("it can be planned");
    assert!(
        design.notes.iter().any(|note| note.as_str() == "+ standby = true"),
        "the plan shows the difference"
    );
    let mut step = Played::of(&world, "file-write", design);
    step.act(&world);
    assert!(matches!(step.progress(&world), Progress::Done(_)));
    assert!(plan(&world, "file-write", given).is_err_and(|why| why.contains("already")));
    assert_eq!(world.refusal(step.calls[0].clone()), "PreconditionFailed");
    step.undo(&world);
    let asked = call("file:Read").with("Path", "app/settings.conf");
    assert_eq!(world.look(&asked).expect("it is answered")["Exists"], false);
}
