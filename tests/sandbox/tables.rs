//! Tables that are backed up, restored and protected again, in the sandbox; and AWS Backup, of which no test server has
//! jobs worth the name: what is held here is the sandbox's own picture of it.

use super::acted::{acted, carried_out, differing, failed, plan, plan_with};
use super::gear::{World, call};
use lifeboat::action::{Found, Kept};
use lifeboat::domain::recovery_point::{PointKind, PointStatus};
use lifeboat::provider::port::Clock;
use lifeboat::provider::sandbox::{Fault, FaultSpec};
use serde_json::{Value, json};
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::417263985012:role/harbour-backup";
const VAULT: &str = "harbour-prod-vault";

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn is_protected(world: &World, table: &str) -> bool {
    let asked = call("dynamodb:DescribeContinuousBackups").with("TableName", table);
    let told = world.look(&asked).expect("it is there");
    let at = "/ContinuousBackupsDescription/PointInTimeRecoveryDescription/PointInTimeRecoveryStatus";
    told.pointer(at) == Some(&json!("ENABLED"))
}

fn ago(world: &World, hours: u64) -> String {
    let at = world.adapter.now() - Duration::from_secs(hours * 3600);
    format!("{at:.0}")
}

/// D3: a restored table has no continuous backups, no time to live, no stream, no tags and no protection from deletion.
/// Whoever stops at the restore leaves it unprotected; what is missing is listed, and the second step sets it.
#[test]
fn a_restored_table_is_unprotected_until_it_is_protected_again() {
    let world = World::new("calm");
    let restore = json!({"component": "carts", "time": ago(&world, 2)});
    let restored = acted(&world, "dynamodb-restore-to-time", &restore);
    let table = text(&restored.outputs["table"]);
    assert!(!is_protected(&world, &table), "a restore alone leaves it so");
    let missing = differing(&restored);
    for setting in ["PointInTimeRecovery", "TimeToLive", "DeletionProtection", "Stream", "Tag Name"] {
        assert!(missing.contains(&setting), "{setting} is not among {missing:?}");
    }
    let protected = acted(&world, "dynamodb-protect", &json!({"component": "carts", "table": table}));
    assert_eq!(protected.calls[0].operation, "dynamodb:UpdateContinuousBackups", "the first thing first");
    assert!(is_protected(&world, &table));
    assert_eq!(differing(&protected), Vec::<&str>::new());
    for index in 0..protected.calls.len() {
        assert!(matches!(protected.probe(&world, index), Found::Happened { .. }), "{index}");
    }
    // It is deleted only after its protection was taken back.
    assert_eq!(
        world.refusal(call("dynamodb:DeleteTable").with("TableName", table.as_str())),
        "ValidationException"
    );
    protected.undo(&world);
    assert!(!is_protected(&world, &table));
    restored.undo(&world);
    let gone = world.look(&call("dynamodb:DescribeTable").with("TableName", table.as_str()));
    assert_eq!(super::gear::code(gone), "ResourceNotFoundException");
}

/// D1, D2: a moment outside of the window and a name that is taken are refused before anything is called.
#[test]
fn a_table_is_restored_within_its_window_and_under_another_name() {
    let world = World::new("calm");
    let later = world.adapter.now() + Duration::from_secs(3600);
    for time in [ago(&world, 24 * 400), format!("{later:.0}")] {
        let refused = plan(&world, "dynamodb-restore-to-time", &json!({"component": "carts", "time": time}));
        let refused = refused.expect_err("it lies outside");
        assert!(refused.says.contains("does not lie in the window"), "{refused}");
    }
    let taken = json!({"component": "carts", "target": "prod-carts"});
    let refused = plan(&world, "dynamodb-restore-to-time", &taken).expect_err("in place");
    assert!(refused.says.contains("is taken"), "{refused}");
    let bare = json!({"component": "carts", "without-indexes": "true"});
    let restored = acted(&world, "dynamodb-restore-to-time", &bare);
    assert_eq!(restored.calls[0].arguments["UseLatestRestorableTime"], json!(true));
    assert!(differing(&restored).contains(&"GlobalSecondaryIndexes"));
    assert!(matches!(restored.probe(&world, 0), Found::Happened { .. }));
    assert!(world.effects() == ["dynamodb:RestoreTableToPointInTime"]);
}

#[test]
fn a_backup_is_told_by_its_name_and_makes_a_table() {
    let world = World::new("calm");
    let made = acted(&world, "dynamodb-backup", &json!({"component": "carts"}));
    assert!(matches!(made.probe(&world, 0), Found::Happened { .. }));
    let name = text(&made.outputs["name"]);
    let points = world.points("carts");
    let point = points.iter().find(|point| point.id.as_str() == name).expect("it is a point");
    assert_eq!((point.kind, &point.status), (PointKind::TableBackup, &PointStatus::Available));
    let other = json!({"component": "sessions", "backup": made.outputs["backup"]});
    assert!(
        plan(&world, "dynamodb-restore-from-backup", &other).expect_err("another's").says.contains("not of")
    );
    let restored = acted(
        &world,
        "dynamodb-restore-from-backup",
        &json!({"component": "carts", "backup": name, "target": "carts-2"}),
    );
    assert_eq!(restored.outputs["table"], "carts-2");
    assert_eq!(restored.calls[0].arguments["BackupArn"], made.outputs["backup"]);
    made.undo(&world);
    let gone = json!({"component": "carts", "backup": name});
    assert!(plan(&world, "dynamodb-restore-from-backup", &gone).is_err());
}

#[test]
fn a_table_is_protected_as_its_lost_original_was_last_read() {
    let world = World::new("calm");
    let restored =
        acted(&world, "dynamodb-restore-to-time", &json!({"component": "carts", "target": "carts-2"}));
    assert!(!restored.outputs.is_empty());
    let lift =
        call("dynamodb:UpdateTable").with("TableName", "prod-carts").with("DeletionProtectionEnabled", false);
    world.act(lift).expect("it is lifted");
    world.advance(60);
    world.act(call("dynamodb:DeleteTable").with("TableName", "prod-carts")).expect("it is deleted");
    world.advance(60);
    let protect = json!({"component": "carts", "table": "carts-2"});
    assert!(plan(&world, "dynamodb-protect", &protect).expect_err("unknown").says.contains("never read"));
    let kept: Kept = [
        ("PointInTimeRecovery", "ENABLED"),
        ("TimeToLive", "expires_at"),
        ("TimeToLiveStatus", "ENABLED"),
        ("DeletionProtection", "true"),
        ("Stream", "NEW_IMAGE"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let design = plan_with(&world, "dynamodb-protect", &protect, Some(&kept)).expect("it can be planned");
    carried_out(&world, "dynamodb-protect", design);
    assert!(is_protected(&world, "carts-2"));
}

#[test]
fn a_job_backs_up_once_however_often_it_is_asked_for() {
    let world = World::new("calm");
    let start = json!({"component": "carts", "vault": VAULT, "role": ROLE, "keep-days": "30"});
    let made = acted(&world, "backup-start", &start);
    let again = world.act(made.calls[0].clone()).expect("it is the same");
    assert_eq!(again["BackupJobId"], made.replies[0]["BackupJobId"]);
    let point = text(&made.outputs["point"]);
    assert!(
        world
            .points("vault")
            .iter()
            .any(|one| one.id.as_str() == point && one.status == PointStatus::Available)
    );
    assert!(matches!(made.probe(&world, 0), Found::Happened { .. }));
    let nowhere = json!({"component": "carts", "vault": "nobody", "role": ROLE});
    assert!(plan(&world, "backup-start", &nowhere).is_err());
    let copied =
        acted(&world, "backup-copy", &json!({"vault": VAULT, "point": point, "to": VAULT, "role": ROLE}));
    assert!(text(&copied.outputs["point"]).contains("us-west-2"));
}

/// B1, B2: a job that ended may have done nothing, or half; only one of its ends counts, and a point that is not whole is
/// not restored.
#[test]
fn a_job_that_expired_or_is_partial_has_not_backed_up() {
    for (state, part) in [("EXPIRED", "did not start inside its window"), ("PARTIAL", "not whole")] {
        let world = World::new("calm");
        world.fault(FaultSpec::new(Fault::EndsIn(state.into())).of("backup:StartBackupJob"));
        let why =
            failed(&world, "backup-start", &json!({"component": "carts", "vault": VAULT, "role": ROLE}));
        assert!(why.contains(part), "{why}");
        let made = world.look(&call("backup:ListBackupJobs")).expect("they are listed");
        let restore = json!({"vault": VAULT, "point": made["BackupJobs"][0]["RecoveryPointArn"], "role": ROLE,
            "metadata": {"targetTableName": "back"}});
        let refused = plan(&world, "backup-restore", &restore).expect_err("it is not whole");
        assert!(refused.says.contains("the recovery point"), "{refused}");
    }
}

/// B3: a job is complete some time before it says what it made, and only that can be probed.
#[test]
fn a_restore_from_a_vault_is_done_when_it_says_what_it_made() {
    let world = World::new("calm");
    let point = world.points("vault")[0].id.to_string();
    let restore =
        |metadata: Value| json!({"vault": VAULT, "point": point, "role": ROLE, "metadata": metadata});
    let refused = plan(&world, "backup-restore", &restore(json!({}))).expect_err("it lacks a name");
    assert!(refused.says.contains("targetTableName"), "{refused}");
    let restored = acted(&world, "backup-restore", &restore(json!({"targetTableName": "back"})));
    assert!(text(&restored.outputs["resource"]).ends_with("table/back"));
    assert_eq!(restored.outputs["name"], "back");
    // What the point keeps goes with it, and what was named besides.
    let sent = &restored.calls[0].arguments["Metadata"];
    assert!(sent["originalTableName"].is_string() && sent["targetTableName"] == "back", "{sent}");
    assert!(
        matches!(restored.probe(&world, 0), Found::Unclear { .. }),
        "another's restore is never taken for ours"
    );
}
