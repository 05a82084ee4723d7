//! What DynamoDB answers, as JSON.

use super::json::{Object, only, tag};
use aws_sdk_dynamodb::types::{
    BackupDescription, BackupDetails, BackupSummary, ContinuousBackupsDescription, TableDescription, Tag,
};
use serde_json::Value;

/// Returns a table.
pub(super) fn table(table: &TableDescription) -> Value {
    let billing = table
        .billing_mode_summary()
        .map(|one| Object::default().word("BillingMode", one.billing_mode()).json());
    let throughput = table.provisioned_throughput().map(|one| {
        Object::default()
            .with("ReadCapacityUnits", one.read_capacity_units())
            .with("WriteCapacityUnits", one.write_capacity_units())
            .json()
    });
    let stream = table.stream_specification().map(|one| {
        Object::default()
            .with("StreamEnabled", Some(one.stream_enabled()))
            .word("StreamViewType", one.stream_view_type())
            .json()
    });
    let class =
        table.table_class_summary().map(|one| Object::default().word("TableClass", one.table_class()).json());
    let restore = table.restore_summary().map(|one| {
        Object::default()
            .with("SourceBackupArn", one.source_backup_arn())
            .with("SourceTableArn", one.source_table_arn())
            .at("RestoreDateTime", Some(one.restore_date_time()))
            .with("RestoreInProgress", Some(one.restore_in_progress()))
            .json()
    });
    Object::default()
        .with("TableName", table.table_name())
        .with("TableArn", table.table_arn())
        .with("TableId", table.table_id())
        .word("TableStatus", table.table_status())
        .at("CreationDateTime", table.creation_date_time())
        .with("ItemCount", table.item_count())
        .with("BillingModeSummary", billing)
        .with("ProvisionedThroughput", throughput)
        .with("StreamSpecification", stream)
        .with("DeletionProtectionEnabled", table.deletion_protection_enabled())
        .with("TableClassSummary", class)
        .with(
            "SSEDescription",
            table.sse_description().map(|sse| only("KMSMasterKeyArn", sse.kms_master_key_arn())),
        )
        .list("GlobalSecondaryIndexes", table.global_secondary_indexes(), |one| {
            only("IndexName", one.index_name())
        })
        .list("LocalSecondaryIndexes", table.local_secondary_indexes(), |one| {
            only("IndexName", one.index_name())
        })
        .list("Replicas", table.replicas(), |one| only("RegionName", one.region_name()))
        .with("RestoreSummary", restore)
        .json()
}

/// Returns the window of continuous backups.
pub(super) fn window(told: &ContinuousBackupsDescription) -> Value {
    let recovery = told.point_in_time_recovery_description().map(|one| {
        Object::default()
            .word("PointInTimeRecoveryStatus", one.point_in_time_recovery_status())
            .with("RecoveryPeriodInDays", one.recovery_period_in_days())
            .at("EarliestRestorableDateTime", one.earliest_restorable_date_time())
            .at("LatestRestorableDateTime", one.latest_restorable_date_time())
            .json()
    });
    Object::default()
        .word("ContinuousBackupsStatus", Some(told.continuous_backups_status()))
        .with("PointInTimeRecoveryDescription", recovery)
        .json()
}

/// Returns what is known of a backup itself.
pub(super) fn details(details: &BackupDetails) -> Value {
    Object::default()
        .with("BackupArn", Some(details.backup_arn()))
        .with("BackupName", Some(details.backup_name()))
        .word("BackupStatus", Some(details.backup_status()))
        .word("BackupType", Some(details.backup_type()))
        .at("BackupCreationDateTime", Some(details.backup_creation_date_time()))
        .with("BackupSizeBytes", details.backup_size_bytes())
        .json()
}

/// Returns a backup, and of what it is.
pub(super) fn backup(told: &BackupDescription) -> Value {
    let source = told.source_table_details().map(|one| {
        Object::default().with("TableName", Some(one.table_name())).with("TableArn", one.table_arn()).json()
    });
    Object::default()
        .with("BackupDetails", told.backup_details().map(details))
        .with("SourceTableDetails", source)
        .json()
}

/// Returns a backup as it stands in a list.
pub(super) fn listed(one: &BackupSummary) -> Value {
    Object::default()
        .with("TableName", one.table_name())
        .with("BackupArn", one.backup_arn())
        .with("BackupName", one.backup_name())
        .word("BackupStatus", one.backup_status())
        .word("BackupType", one.backup_type())
        .at("BackupCreationDateTime", one.backup_creation_date_time())
        .json()
}

/// Returns tags.
pub(super) fn tags(tags: &[Tag]) -> impl Iterator<Item = Value> {
    tags.iter().map(|one| tag(Some(one.key()), Some(one.value())))
}
