//! RDS: clusters and global clusters.

use super::arguments::{Arguments, Taken};
use super::json::Object;
use super::rds::tags;
use super::rds_cluster_answers::{cluster, global, members};
use super::{Doing, Looking, all_pages, reply, unknown};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_rds::types::{DbCluster, GlobalCluster, ServerlessV2ScalingConfiguration};
use serde_json::Value;

/// Looks at clusters.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    match call.name() {
        "DescribeDBClusters" => {
            let id = given.needed("DBClusterIdentifier")?;
            given.none_left()?;
            all_pages!(looking, "DBClusters", db_clusters, cluster, |watch, marker| {
                let asked = looking.site.rds().describe_db_clusters().set_marker(marker);
                asked.db_cluster_identifier(&id).customize().interceptor(watch).send()
            })
        }
        "DescribeGlobalClusters" => {
            let id = given.text("GlobalClusterIdentifier")?;
            given.none_left()?;
            all_pages!(looking, "GlobalClusters", global_clusters, global, |watch, marker| {
                let asked = looking.site.rds().describe_global_clusters().set_marker(marker);
                asked.set_global_cluster_identifier(id.clone()).customize().interceptor(watch).send()
            })
        }
        _ => Err(unknown(call)),
    }
}

/// Changes clusters.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    match call.name() {
        "FailoverDBCluster" => fail_over(doing, call).await,
        "RestoreDBClusterFromSnapshot" => Box::pin(restore(doing, call)).await,
        "RestoreDBClusterToPointInTime" => Box::pin(restore_to_time(doing, call)).await,
        "CreateDBCluster" => Box::pin(create(doing, call)).await,
        "ModifyDBCluster" => modify(doing, call).await,
        "DeleteDBCluster" => delete(doing, call).await,
        "SwitchoverGlobalCluster" | "FailoverGlobalCluster" | "RemoveFromGlobalCluster" => {
            change_global(doing, call).await
        }
        _ => Err(unknown(call)),
    }
}

fn told(made: Option<&DbCluster>) -> Value {
    Object::default().with("DBCluster", made.map(cluster)).json()
}

fn scaling(given: &mut Arguments<'_>) -> Taken<Option<ServerlessV2ScalingConfiguration>> {
    let Some(mut within) = given.within_it("ServerlessV2ScalingConfiguration")? else { return Ok(None) };
    let made = ServerlessV2ScalingConfiguration::builder()
        .set_min_capacity(within.fraction("MinCapacity")?)
        .set_max_capacity(within.fraction("MaxCapacity")?);
    within.none_left()?;
    Ok(Some(made.build()))
}

async fn restore(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .rds()
        .restore_db_cluster_from_snapshot()
        .db_cluster_identifier(given.needed("DBClusterIdentifier")?)
        .snapshot_identifier(given.needed("SnapshotIdentifier")?)
        .engine(given.needed("Engine")?)
        .set_engine_version(given.text("EngineVersion")?)
        .set_port(given.number("Port")?)
        .set_db_subnet_group_name(given.text("DBSubnetGroupName")?)
        .set_vpc_security_group_ids(given.texts("VpcSecurityGroupIds")?)
        .set_kms_key_id(given.text("KmsKeyId")?)
        .set_enable_iam_database_authentication(given.flag("EnableIAMDatabaseAuthentication")?)
        .set_backtrack_window(given.long("BacktrackWindow")?)
        .set_enable_cloudwatch_logs_exports(given.texts_or_none("EnableCloudwatchLogsExports")?)
        .set_db_cluster_parameter_group_name(given.text("DBClusterParameterGroupName")?)
        .set_deletion_protection(given.flag("DeletionProtection")?)
        .set_copy_tags_to_snapshot(given.flag("CopyTagsToSnapshot")?)
        .set_storage_type(given.text("StorageType")?)
        .set_serverless_v2_scaling_configuration(scaling(&mut given)?)
        .set_tags(tags(&mut given)?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(told(answer.db_cluster()), seen))
}

async fn restore_to_time(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .rds()
        .restore_db_cluster_to_point_in_time()
        .db_cluster_identifier(given.needed("DBClusterIdentifier")?)
        .set_source_db_cluster_identifier(given.text("SourceDBClusterIdentifier")?)
        .set_restore_to_time(given.moment("RestoreToTime")?)
        .set_use_latest_restorable_time(given.flag("UseLatestRestorableTime")?)
        .set_port(given.number("Port")?)
        .set_db_subnet_group_name(given.text("DBSubnetGroupName")?)
        .set_vpc_security_group_ids(given.texts("VpcSecurityGroupIds")?)
        .set_kms_key_id(given.text("KmsKeyId")?)
        .set_enable_iam_database_authentication(given.flag("EnableIAMDatabaseAuthentication")?)
        .set_backtrack_window(given.long("BacktrackWindow")?)
        .set_enable_cloudwatch_logs_exports(given.texts_or_none("EnableCloudwatchLogsExports")?)
        .set_db_cluster_parameter_group_name(given.text("DBClusterParameterGroupName")?)
        .set_deletion_protection(given.flag("DeletionProtection")?)
        .set_copy_tags_to_snapshot(given.flag("CopyTagsToSnapshot")?)
        .set_storage_type(given.text("StorageType")?)
        .set_serverless_v2_scaling_configuration(scaling(&mut given)?)
        .set_tags(tags(&mut given)?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(told(answer.db_cluster()), seen))
}

/// Makes a cluster as a further member of a global one; any other needs a password, which no plan has.
async fn create(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .rds()
        .create_db_cluster()
        .db_cluster_identifier(given.needed("DBClusterIdentifier")?)
        .global_cluster_identifier(given.needed("GlobalClusterIdentifier")?)
        .engine(given.needed("Engine")?)
        .set_engine_version(given.text("EngineVersion")?)
        .set_port(given.number("Port")?)
        .set_db_subnet_group_name(given.text("DBSubnetGroupName")?)
        .set_vpc_security_group_ids(given.texts("VpcSecurityGroupIds")?)
        .set_storage_encrypted(given.flag("StorageEncrypted")?)
        .set_kms_key_id(given.text("KmsKeyId")?)
        .set_enable_iam_database_authentication(given.flag("EnableIAMDatabaseAuthentication")?)
        .set_enable_cloudwatch_logs_exports(given.texts_or_none("EnableCloudwatchLogsExports")?)
        .set_db_cluster_parameter_group_name(given.text("DBClusterParameterGroupName")?)
        .set_deletion_protection(given.flag("DeletionProtection")?)
        .set_copy_tags_to_snapshot(given.flag("CopyTagsToSnapshot")?)
        .set_serverless_v2_scaling_configuration(scaling(&mut given)?)
        .set_tags(tags(&mut given)?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(told(answer.db_cluster()), seen))
}

async fn modify(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .rds()
        .modify_db_cluster()
        .db_cluster_identifier(given.needed("DBClusterIdentifier")?)
        .set_apply_immediately(given.flag("ApplyImmediately")?)
        .set_backup_retention_period(given.number("BackupRetentionPeriod")?)
        .set_preferred_backup_window(given.text("PreferredBackupWindow")?)
        .set_preferred_maintenance_window(given.text("PreferredMaintenanceWindow")?)
        .set_deletion_protection(given.flag("DeletionProtection")?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(told(answer.db_cluster()), seen))
}

async fn delete(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .rds()
        .delete_db_cluster()
        .db_cluster_identifier(given.needed("DBClusterIdentifier")?)
        .set_skip_final_snapshot(given.flag("SkipFinalSnapshot")?)
        .set_final_db_snapshot_identifier(given.text("FinalDBSnapshotIdentifier")?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(told(answer.db_cluster()), seen))
}

async fn change_global(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let id = given.needed("GlobalClusterIdentifier")?;
    let told =
        |made: Option<&GlobalCluster>| Object::default().with("GlobalCluster", made.map(global)).json();
    match call.name() {
        "SwitchoverGlobalCluster" => {
            let target = given.needed("TargetDbClusterIdentifier")?;
            given.none_left()?;
            let sent = doing.acting.rds().switchover_global_cluster();
            let sent = sent.global_cluster_identifier(id).target_db_cluster_identifier(target);
            let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
            Ok(reply(told(answer.global_cluster()), seen))
        }
        "FailoverGlobalCluster" => {
            // Without this the service makes a switchover of it, which needs a primary that is well (A3).
            let loses = given.flag("AllowDataLoss")?;
            let target = given.needed("TargetDbClusterIdentifier")?;
            given.none_left()?;
            if loses != Some(true) {
                return Err(super::arguments::not_sent(
                    "rds:FailoverGlobalCluster without AllowDataLoss is a switchover, which has a call of its own",
                ));
            }
            let sent = doing.acting.rds().failover_global_cluster().global_cluster_identifier(id);
            let sent = sent.target_db_cluster_identifier(target).allow_data_loss(true);
            let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
            Ok(reply(told(answer.global_cluster()), seen))
        }
        _ => {
            let member = given.needed("DbClusterIdentifier")?;
            given.none_left()?;
            let sent = doing.acting.rds().remove_from_global_cluster().global_cluster_identifier(id);
            let (answer, seen) = doing.done(Box::pin(sent.db_cluster_identifier(member).send())).await?;
            Ok(reply(told(answer.global_cluster()), seen))
        }
    }
}

async fn fail_over(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .rds()
        .failover_db_cluster()
        .db_cluster_identifier(given.needed("DBClusterIdentifier")?)
        .set_target_db_instance_identifier(given.text("TargetDBInstanceIdentifier")?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    let told = answer.db_cluster().map(|cluster| {
        Object::default()
            .with("DBClusterIdentifier", cluster.db_cluster_identifier())
            .with("Status", cluster.status())
            .with("DBClusterMembers", Some(members(cluster)))
            .json()
    });
    Ok(reply(Object::default().with("DBCluster", told).json(), seen))
}
