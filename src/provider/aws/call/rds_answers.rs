//! What RDS answers, as JSON.

use super::json::{Object, only, tag};
use aws_sdk_rds::types::{DbInstance, DbInstanceAutomatedBackup, DbSnapshot, PendingModifiedValues};
use serde_json::{Value, json};

/// Returns an instance.
pub(super) fn instance(db: &DbInstance) -> Value {
    let endpoint = db
        .endpoint()
        .map(|at| Object::default().with("Address", at.address()).with("Port", at.port()).json());
    let subnets = db.db_subnet_group().map(|group| only("DBSubnetGroupName", group.db_subnet_group_name()));
    Object::default()
        .with("DBInstanceIdentifier", db.db_instance_identifier())
        .with("DBInstanceArn", db.db_instance_arn())
        .with("DbiResourceId", db.dbi_resource_id())
        .with("DBInstanceStatus", db.db_instance_status())
        .with("Engine", db.engine())
        .with("EngineVersion", db.engine_version())
        .with("DBInstanceClass", db.db_instance_class())
        .with("AllocatedStorage", db.allocated_storage())
        .with("StorageType", db.storage_type())
        .with("Iops", db.iops())
        .with("StorageThroughput", db.storage_throughput())
        .with("StorageEncrypted", db.storage_encrypted())
        .with("KmsKeyId", db.kms_key_id())
        .with("MultiAZ", db.multi_az())
        .with("AvailabilityZone", db.availability_zone())
        .with("DeletionProtection", db.deletion_protection())
        .with("IAMDatabaseAuthenticationEnabled", db.iam_database_authentication_enabled())
        .list("DBParameterGroups", db.db_parameter_groups(), |group| {
            only("DBParameterGroupName", group.db_parameter_group_name())
        })
        .list("VpcSecurityGroups", db.vpc_security_groups(), |group| {
            only("VpcSecurityGroupId", group.vpc_security_group_id())
        })
        .with("DBSubnetGroup", subnets)
        .list("OptionGroupMemberships", db.option_group_memberships(), |group| {
            only("OptionGroupName", group.option_group_name())
        })
        .with("CopyTagsToSnapshot", db.copy_tags_to_snapshot())
        .with("PubliclyAccessible", db.publicly_accessible())
        .with("AutoMinorVersionUpgrade", db.auto_minor_version_upgrade())
        .with("CACertificateIdentifier", db.ca_certificate_identifier())
        .with("MaxAllocatedStorage", db.max_allocated_storage())
        .with("MonitoringInterval", db.monitoring_interval())
        .with("MonitoringRoleArn", db.monitoring_role_arn())
        .with("PerformanceInsightsEnabled", db.performance_insights_enabled())
        .with("PerformanceInsightsRetentionPeriod", db.performance_insights_retention_period())
        .with("PerformanceInsightsKMSKeyId", db.performance_insights_kms_key_id())
        .word("DatabaseInsightsMode", db.database_insights_mode())
        .with("PreferredMaintenanceWindow", db.preferred_maintenance_window())
        .with("PreferredBackupWindow", db.preferred_backup_window())
        .with("BackupRetentionPeriod", db.backup_retention_period())
        .list("EnabledCloudwatchLogsExports", db.enabled_cloudwatch_logs_exports(), |log| json!(log))
        .with("PromotionTier", db.promotion_tier())
        .with("Endpoint", endpoint)
        .at("InstanceCreateTime", db.instance_create_time())
        .at("LatestRestorableTime", db.latest_restorable_time())
        .list("TagList", db.tag_list(), |one| tag(one.key(), one.value()))
        .with("DBClusterIdentifier", db.db_cluster_identifier())
        .with("ReadReplicaSourceDBInstanceIdentifier", db.read_replica_source_db_instance_identifier())
        .with("PendingModifiedValues", db.pending_modified_values().map(pending))
        .json()
}

/// Returns what is still to be modified: only the names that are pending, and of a password nothing.
fn pending(values: &PendingModifiedValues) -> Value {
    let logs = values.pending_cloudwatch_logs_exports().map(|logs| {
        Object::default()
            .list("LogTypesToEnable", logs.log_types_to_enable(), |log| json!(log))
            .list("LogTypesToDisable", logs.log_types_to_disable(), |log| json!(log))
            .json()
    });
    let processor = Some(values.processor_features()).filter(|features| !features.is_empty());
    Object::default()
        .with("DBInstanceClass", values.db_instance_class())
        .with("AllocatedStorage", values.allocated_storage())
        .with("MasterUserPassword", values.master_user_password().map(|_| "****"))
        .with("Port", values.port())
        .with("BackupRetentionPeriod", values.backup_retention_period())
        .with("MultiAZ", values.multi_az())
        .with("EngineVersion", values.engine_version())
        .with("LicenseModel", values.license_model())
        .with("Iops", values.iops())
        .with("StorageThroughput", values.storage_throughput())
        .with("DBInstanceIdentifier", values.db_instance_identifier())
        .with("StorageType", values.storage_type())
        .with("CACertificateIdentifier", values.ca_certificate_identifier())
        .with("DBSubnetGroupName", values.db_subnet_group_name())
        .with("PendingCloudwatchLogsExports", logs)
        .with(
            "ProcessorFeatures",
            processor.map(|features| {
                features
                    .iter()
                    .map(|one| json!({"Name": one.name(), "Value": one.value()}))
                    .collect::<Vec<_>>()
            }),
        )
        .word("AutomationMode", values.automation_mode())
        .at("ResumeFullAutomationModeTime", values.resume_full_automation_mode_time())
        .with("MultiTenant", values.multi_tenant())
        .with("IAMDatabaseAuthenticationEnabled", values.iam_database_authentication_enabled())
        .with("DedicatedLogVolume", values.dedicated_log_volume())
        .with("Engine", values.engine())
        .json()
}

/// Returns a snapshot.
pub(super) fn snapshot(snapshot: &DbSnapshot) -> Value {
    Object::default()
        .with("DBSnapshotIdentifier", snapshot.db_snapshot_identifier())
        .with("DBSnapshotArn", snapshot.db_snapshot_arn())
        .with("DBInstanceIdentifier", snapshot.db_instance_identifier())
        .with("Status", snapshot.status())
        .with("Engine", snapshot.engine())
        .with("EngineVersion", snapshot.engine_version())
        .with("AllocatedStorage", snapshot.allocated_storage())
        .with("StorageType", snapshot.storage_type())
        .with("Iops", snapshot.iops())
        .with("Encrypted", snapshot.encrypted())
        .with("KmsKeyId", snapshot.kms_key_id())
        .with("SnapshotType", snapshot.snapshot_type())
        .with("OptionGroupName", snapshot.option_group_name())
        .with("VpcId", snapshot.vpc_id())
        .at("SnapshotCreateTime", snapshot.snapshot_create_time())
        .at("OriginalSnapshotCreateTime", snapshot.original_snapshot_create_time())
        .at("SnapshotDatabaseTime", snapshot.snapshot_database_time())
        .with("PercentProgress", snapshot.percent_progress())
        .with("SourceRegion", snapshot.source_region())
        .with("SourceDBSnapshotIdentifier", snapshot.source_db_snapshot_identifier())
        .list("TagList", snapshot.tag_list(), |one| tag(one.key(), one.value()))
        .json()
}

/// Returns the automated backups of an instance, living or gone.
pub(super) fn automated(backup: &DbInstanceAutomatedBackup) -> Value {
    let window = backup.restore_window().map(|window| {
        Object::default()
            .at("EarliestTime", window.earliest_time())
            .at("LatestTime", window.latest_time())
            .json()
    });
    Object::default()
        .with("DBInstanceIdentifier", backup.db_instance_identifier())
        .with("DbiResourceId", backup.dbi_resource_id())
        .with("DBInstanceAutomatedBackupsArn", backup.db_instance_automated_backups_arn())
        .with("Region", backup.region())
        .with("Status", backup.status())
        .with("Engine", backup.engine())
        .with("Encrypted", backup.encrypted())
        .with("KmsKeyId", backup.kms_key_id())
        .with("RestoreWindow", window)
        .json()
}
