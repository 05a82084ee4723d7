//! What RDS answers of clusters, as JSON.

use super::json::{Object, only, tag};
use aws_sdk_rds::types::{DbCluster, DbClusterMember, DbClusterSnapshot, GlobalCluster};
use serde_json::{Value, json};

/// Returns a cluster.
pub(super) fn cluster(cluster: &DbCluster) -> Value {
    let scaling = cluster.serverless_v2_scaling_configuration().map(|scaling| {
        Object::default()
            .with("MinCapacity", scaling.min_capacity())
            .with("MaxCapacity", scaling.max_capacity())
            .json()
    });
    Object::default()
        .with("DBClusterIdentifier", cluster.db_cluster_identifier())
        .with("DBClusterArn", cluster.db_cluster_arn())
        .with("DbClusterResourceId", cluster.db_cluster_resource_id())
        .with("Status", cluster.status())
        .with("Engine", cluster.engine())
        .with("EngineVersion", cluster.engine_version())
        .with("EngineMode", cluster.engine_mode())
        .with("MultiAZ", cluster.multi_az())
        .with("DBClusterMembers", Some(members(cluster)))
        .with("DeletionProtection", cluster.deletion_protection())
        .with("DBClusterParameterGroup", cluster.db_cluster_parameter_group())
        .with("DBSubnetGroup", cluster.db_subnet_group())
        .list("VpcSecurityGroups", cluster.vpc_security_groups(), |group| {
            only("VpcSecurityGroupId", group.vpc_security_group_id())
        })
        .with("IAMDatabaseAuthenticationEnabled", cluster.iam_database_authentication_enabled())
        .list("EnabledCloudwatchLogsExports", cluster.enabled_cloudwatch_logs_exports(), |log| json!(log))
        .with("BacktrackWindow", cluster.backtrack_window())
        .with("BackupRetentionPeriod", cluster.backup_retention_period())
        .with("PreferredBackupWindow", cluster.preferred_backup_window())
        .with("PreferredMaintenanceWindow", cluster.preferred_maintenance_window())
        .with("CopyTagsToSnapshot", cluster.copy_tags_to_snapshot())
        .with("StorageType", cluster.storage_type())
        .with("StorageEncrypted", cluster.storage_encrypted())
        .with("KmsKeyId", cluster.kms_key_id())
        .with("ServerlessV2ScalingConfiguration", scaling)
        .with("Port", cluster.port())
        .with("Endpoint", cluster.endpoint())
        .with("ReaderEndpoint", cluster.reader_endpoint())
        .at("EarliestRestorableTime", cluster.earliest_restorable_time())
        .at("LatestRestorableTime", cluster.latest_restorable_time())
        .list("TagList", cluster.tag_list(), |one| tag(one.key(), one.value()))
        .json()
}

/// Returns the members of a cluster.
pub(super) fn members(cluster: &DbCluster) -> Vec<Value> {
    let member = |one: &DbClusterMember| {
        Object::default()
            .with("DBInstanceIdentifier", one.db_instance_identifier())
            .with("IsClusterWriter", one.is_cluster_writer())
            .with("PromotionTier", one.promotion_tier())
            .json()
    };
    cluster.db_cluster_members().iter().map(member).collect()
}

/// Returns a snapshot of a cluster.
pub(super) fn cluster_snapshot(snapshot: &DbClusterSnapshot) -> Value {
    Object::default()
        .with("DBClusterSnapshotIdentifier", snapshot.db_cluster_snapshot_identifier())
        .with("DBClusterSnapshotArn", snapshot.db_cluster_snapshot_arn())
        .with("DBClusterIdentifier", snapshot.db_cluster_identifier())
        .with("Status", snapshot.status())
        .with("Engine", snapshot.engine())
        .with("EngineVersion", snapshot.engine_version())
        .with("AllocatedStorage", snapshot.allocated_storage())
        .with("StorageEncrypted", snapshot.storage_encrypted())
        .with("KmsKeyId", snapshot.kms_key_id())
        .with("SnapshotType", snapshot.snapshot_type())
        .at("SnapshotCreateTime", snapshot.snapshot_create_time())
        .with("PercentProgress", snapshot.percent_progress())
        .with("SourceDBClusterSnapshotArn", snapshot.source_db_cluster_snapshot_arn())
        .list("TagList", snapshot.tag_list(), |one| tag(one.key(), one.value()))
        .json()
}

/// Returns a global cluster.
pub(super) fn global(cluster: &GlobalCluster) -> Value {
    let state = cluster.failover_state().map(|state| {
        Object::default()
            .word("Status", state.status())
            .with("FromDbClusterArn", state.from_db_cluster_arn())
            .with("ToDbClusterArn", state.to_db_cluster_arn())
            .with("IsDataLossAllowed", state.is_data_loss_allowed())
            .json()
    });
    Object::default()
        .with("GlobalClusterIdentifier", cluster.global_cluster_identifier())
        .with("GlobalClusterResourceId", cluster.global_cluster_resource_id())
        .with("Status", cluster.status())
        .with("Engine", cluster.engine())
        .with("EngineVersion", cluster.engine_version())
        .with("StorageEncrypted", cluster.storage_encrypted())
        .list("GlobalClusterMembers", cluster.global_cluster_members(), |member| {
            Object::default()
                .with("DBClusterArn", member.db_cluster_arn())
                .with("IsWriter", member.is_writer())
                .word("SynchronizationStatus", member.synchronization_status())
                .list("Readers", member.readers(), |reader| json!(reader))
                .json()
        })
        .with("FailoverState", state)
        .json()
}
