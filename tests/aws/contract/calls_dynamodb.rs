//! What the calls on tables and their backups bring, whoever answers them.

use super::calls::{Members, World, act, gone, holds, look, refused, shaped, until};
use lifeboat::provider::port::{Act, Look};
use serde_json::json;

const TABLE: Members = Members {
    must: &[
        "TableName",
        "TableArn",
        "TableStatus",
        "GlobalSecondaryIndexes",
        "LocalSecondaryIndexes",
        "Replicas",
    ],
    may: &[
        "TableId",
        "CreationDateTime",
        "ItemCount",
        "BillingModeSummary",
        "ProvisionedThroughput",
        "StreamSpecification",
        "DeletionProtectionEnabled",
        "TableClassSummary",
        "SSEDescription",
        "RestoreSummary",
    ],
};
const DETAILS: Members = Members {
    must: &["BackupArn", "BackupName", "BackupStatus", "BackupType", "BackupCreationDateTime"],
    may: &["BackupSizeBytes"],
};
const WINDOW: &str = "/ContinuousBackupsDescription/PointInTimeRecoveryDescription/PointInTimeRecoveryStatus";

/// Makes every call on tables once, well: `source` is a table with continuous backups.
pub(crate) async fn tables_go_well(looks: &dyn Look, acts: &dyn Act, world: &World, source: &str) {
    let table = |name: &str| world.call("dynamodb:DescribeTable", json!({"TableName": name}));
    let found = look(looks, &table(source)).await;
    let arn = shaped(&found.body["Table"], &TABLE)["TableArn"].clone();
    let tags = look(looks, &world.call("dynamodb:ListTagsOfResource", json!({"ResourceArn": arn}))).await;
    assert!(tags.body["Tags"].is_array(), "{}", tags.body);

    let create = json!({"TableName": source, "BackupName": "tables-1"});
    let made = act(acts, &world.call("dynamodb:CreateBackup", create)).await;
    let backup = shaped(&made.body["BackupDetails"], &DETAILS)["BackupArn"].clone();
    let asked = world.call("dynamodb:DescribeBackup", json!({"BackupArn": backup}));
    let status = "/BackupDescription/BackupDetails/BackupStatus";
    until(looks, &asked, "available", holds(status, json!("AVAILABLE"))).await;
    let found = look(looks, &asked).await;
    shaped(&found.body["BackupDescription"]["BackupDetails"], &DETAILS);
    assert_eq!(found.body["BackupDescription"]["SourceTableDetails"]["TableName"], json!(source));
    let listed = look(looks, &world.call("dynamodb:ListBackups", json!({"TableName": source}))).await;
    let listed = listed.body["BackupSummaries"].as_array().expect("a list").clone();
    assert!(
        listed.iter().any(|one| one["BackupName"] == "tables-1" && one["BackupArn"] == backup),
        "{listed:?}"
    );

    let restore = json!({"TargetTableName": "tables-back", "BackupArn": backup});
    let restore = world.call("dynamodb:RestoreTableFromBackup", restore);
    let made = act(acts, &restore).await;
    shaped(&made.body["TableDescription"], &TABLE);
    until(looks, &table("tables-back"), "active", holds("/Table/TableStatus", json!("ACTIVE"))).await;
    refused(acts, &restore, "TableAlreadyExistsException").await;
    let restore = json!({"TargetTableName": "tables-then", "SourceTableName": source, "UseLatestRestorableTime": true,
        "GlobalSecondaryIndexOverride": [], "LocalSecondaryIndexOverride": []});
    act(acts, &world.call("dynamodb:RestoreTableToPointInTime", restore)).await;
    until(looks, &table("tables-then"), "active", holds("/Table/TableStatus", json!("ACTIVE"))).await;
    protection(looks, acts, world).await;

    for name in ["tables-back", "tables-then"] {
        act(acts, &world.call("dynamodb:DeleteTable", json!({"TableName": name}))).await;
        until(looks, &table(name), "gone", gone("ResourceNotFoundException")).await;
    }
    act(acts, &world.call("dynamodb:DeleteBackup", json!({"BackupArn": backup}))).await;
    let nobody = json!({"TargetTableName": "tables-no", "BackupArn": backup});
    refused(acts, &world.call("dynamodb:RestoreTableFromBackup", nobody), "BackupNotFoundException").await;
}

/// A restored table has nothing that protects it, and takes what it is given (D3).
async fn protection(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let name = "tables-back";
    let window = world.call("dynamodb:DescribeContinuousBackups", json!({"TableName": name}));
    let expiry = world.call("dynamodb:DescribeTimeToLive", json!({"TableName": name}));
    let found = look(looks, &window).await;
    assert_eq!(found.body.pointer(WINDOW), Some(&json!("DISABLED")), "{}", found.body);
    let specification = json!({"PointInTimeRecoveryEnabled": true, "RecoveryPeriodInDays": 20});
    let on = json!({"TableName": name, "PointInTimeRecoverySpecification": specification});
    act(acts, &world.call("dynamodb:UpdateContinuousBackups", on)).await;
    until(looks, &window, "on", holds(WINDOW, json!("ENABLED"))).await;
    let specification = json!({"Enabled": true, "AttributeName": "expires_at"});
    let expires = json!({"TableName": name, "TimeToLiveSpecification": specification});
    act(acts, &world.call("dynamodb:UpdateTimeToLive", expires)).await;
    until(looks, &expiry, "on", holds("/TimeToLiveDescription/AttributeName", json!("expires_at"))).await;
    let table = world.call("dynamodb:DescribeTable", json!({"TableName": name}));
    let arn = look(looks, &table).await.body["Table"]["TableArn"].clone();
    let tags = json!({"ResourceArn": arn, "Tags": [{"Key": "lifeboat:run", "Value": "r"}, {"Key": "empty", "Value": ""}]});
    act(acts, &world.call("dynamodb:TagResource", tags)).await;
    act(acts, &world.call("dynamodb:UntagResource", json!({"ResourceArn": arn, "TagKeys": ["empty"]}))).await;
    let tags = world.call("dynamodb:ListTagsOfResource", json!({"ResourceArn": arn}));
    let tags = look(looks, &tags).await;
    let tags = tags.body["Tags"].as_array().expect("a list").clone();
    assert!(tags.contains(&json!({"Key": "lifeboat:run", "Value": "r"})), "{tags:?}");
    assert!(tags.iter().all(|tag| tag["Key"] != "empty"), "{tags:?}");
    for (guarded, stream) in [
        (true, json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGE"})),
        (false, json!({"StreamEnabled": false})),
    ] {
        let change =
            json!({"TableName": name, "DeletionProtectionEnabled": guarded, "StreamSpecification": stream});
        act(acts, &world.call("dynamodb:UpdateTable", change)).await;
        until(looks, &table, "changed", holds("/Table/DeletionProtectionEnabled", json!(guarded))).await;
        until(looks, &table, "active", holds("/Table/TableStatus", json!("ACTIVE"))).await;
    }
}
