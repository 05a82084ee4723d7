//! RDS: instances. None of its operations has a token; what tells is the name (C2).

use super::arguments::{Arguments, Taken};
use super::json::Object;
use super::rds_answers::{automated, instance};
use super::{
    Doing, Looking, all_pages, rds_clusters, rds_groups, rds_members, rds_snapshots, reply, unknown,
};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_rds::types::{DatabaseInsightsMode, Tag};

/// Looks at instances, and at what belongs to them.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    match call.name() {
        "DescribeDBInstances" => {
            let id = given.needed("DBInstanceIdentifier")?;
            given.none_left()?;
            let send = |watch| {
                let asked = looking.site.rds().describe_db_instances().db_instance_identifier(&id);
                asked.customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            let body = Object::default().list("DBInstances", answer.db_instances(), instance);
            Ok(reply(body.json(), seen))
        }
        "DescribeDBInstanceAutomatedBackups" => {
            let name = given.needed("DBInstanceIdentifier")?;
            let resource = given.text("DbiResourceId")?;
            given.none_left()?;
            all_pages!(
                looking,
                "DBInstanceAutomatedBackups",
                db_instance_automated_backups,
                automated,
                |watch, marker| {
                    let asked = looking.site.rds().describe_db_instance_automated_backups();
                    let asked = asked.db_instance_identifier(&name).set_dbi_resource_id(resource.clone());
                    asked.set_marker(marker).customize().interceptor(watch).send()
                }
            )
        }
        "DescribeDBSnapshots" | "DescribeDBClusterSnapshots" | "DescribeDBSnapshotAttributes" => {
            Box::pin(rds_snapshots::look(looking, call)).await
        }
        "DescribeDBClusters" | "DescribeGlobalClusters" => Box::pin(rds_clusters::look(looking, call)).await,
        "DescribeDBParameterGroups"
        | "DescribeDBClusterParameterGroups"
        | "DescribeDBSubnetGroups"
        | "DescribeOptionGroups" => Box::pin(rds_groups::look(looking, call)).await,
        _ => Err(unknown(call)),
    }
}

/// Changes instances, and what belongs to them.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    match call.name() {
        "RestoreDBInstanceFromDBSnapshot" => Box::pin(restore(doing, call)).await,
        "RestoreDBInstanceToPointInTime" => Box::pin(restore_to_time(doing, call)).await,
        "ModifyDBInstance" => Box::pin(modify(doing, call)).await,
        "DeleteDBInstance" => delete(doing, call).await,
        "CreateDBInstance" => Box::pin(rds_members::create(doing, call)).await,
        "CreateDBInstanceReadReplica" => Box::pin(rds_members::replicate(doing, call)).await,
        "PromoteReadReplica" => Box::pin(rds_members::promote(doing, call)).await,
        name if name.contains("Snapshot") && !name.starts_with("Restore") => {
            Box::pin(rds_snapshots::act(doing, call)).await
        }
        _ => Box::pin(rds_clusters::act(doing, call)).await,
    }
}

async fn restore(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let tags = tags(&mut given)?;
    let sent = doing
        .acting
        .rds()
        .restore_db_instance_from_db_snapshot()
        .db_instance_identifier(given.needed("DBInstanceIdentifier")?)
        .db_snapshot_identifier(given.needed("DBSnapshotIdentifier")?)
        .set_db_instance_class(given.text("DBInstanceClass")?)
        .set_availability_zone(given.text("AvailabilityZone")?)
        .set_db_subnet_group_name(given.text("DBSubnetGroupName")?)
        .set_multi_az(given.flag("MultiAZ")?)
        .set_publicly_accessible(given.flag("PubliclyAccessible")?)
        .set_auto_minor_version_upgrade(given.flag("AutoMinorVersionUpgrade")?)
        .set_option_group_name(given.text("OptionGroupName")?)
        .set_tags(tags)
        .set_storage_type(given.text("StorageType")?)
        .set_iops(given.number("Iops")?)
        .set_storage_throughput(given.number("StorageThroughput")?)
        .set_vpc_security_group_ids(given.texts("VpcSecurityGroupIds")?)
        .set_enable_iam_database_authentication(given.flag("EnableIAMDatabaseAuthentication")?)
        .set_enable_cloudwatch_logs_exports(given.texts_or_none("EnableCloudwatchLogsExports")?)
        .set_db_parameter_group_name(given.text("DBParameterGroupName")?)
        .set_deletion_protection(given.flag("DeletionProtection")?)
        .set_copy_tags_to_snapshot(given.flag("CopyTagsToSnapshot")?)
        .set_port(given.number("Port")?)
        .set_ca_certificate_identifier(given.text("CACertificateIdentifier")?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(Object::default().with("DBInstance", answer.db_instance().map(instance)).json(), seen))
}

async fn restore_to_time(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .rds()
        .restore_db_instance_to_point_in_time()
        .target_db_instance_identifier(given.needed("TargetDBInstanceIdentifier")?)
        .set_source_db_instance_identifier(given.text("SourceDBInstanceIdentifier")?)
        .set_source_dbi_resource_id(given.text("SourceDbiResourceId")?)
        .set_source_db_instance_automated_backups_arn(given.text("SourceDBInstanceAutomatedBackupsArn")?)
        .set_restore_time(given.moment("RestoreTime")?)
        .set_use_latest_restorable_time(given.flag("UseLatestRestorableTime")?)
        .set_db_instance_class(given.text("DBInstanceClass")?)
        .set_db_subnet_group_name(given.text("DBSubnetGroupName")?)
        .set_multi_az(given.flag("MultiAZ")?)
        .set_publicly_accessible(given.flag("PubliclyAccessible")?)
        .set_auto_minor_version_upgrade(given.flag("AutoMinorVersionUpgrade")?)
        .set_option_group_name(given.text("OptionGroupName")?)
        .set_tags(tags(&mut given)?)
        .set_storage_type(given.text("StorageType")?)
        .set_iops(given.number("Iops")?)
        .set_storage_throughput(given.number("StorageThroughput")?)
        .set_vpc_security_group_ids(given.texts("VpcSecurityGroupIds")?)
        .set_enable_iam_database_authentication(given.flag("EnableIAMDatabaseAuthentication")?)
        .set_enable_cloudwatch_logs_exports(given.texts_or_none("EnableCloudwatchLogsExports")?)
        .set_db_parameter_group_name(given.text("DBParameterGroupName")?)
        .set_deletion_protection(given.flag("DeletionProtection")?)
        .set_copy_tags_to_snapshot(given.flag("CopyTagsToSnapshot")?)
        .set_max_allocated_storage(given.number("MaxAllocatedStorage")?)
        .set_port(given.number("Port")?)
        .set_ca_certificate_identifier(given.text("CACertificateIdentifier")?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(Object::default().with("DBInstance", answer.db_instance().map(instance)).json(), seen))
}

async fn modify(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let mode = given.text("DatabaseInsightsMode")?;
    let sent = doing
        .acting
        .rds()
        .modify_db_instance()
        .db_instance_identifier(given.needed("DBInstanceIdentifier")?)
        .set_apply_immediately(given.flag("ApplyImmediately")?)
        .set_new_db_instance_identifier(given.text("NewDBInstanceIdentifier")?)
        .set_max_allocated_storage(given.number("MaxAllocatedStorage")?)
        .set_monitoring_interval(given.number("MonitoringInterval")?)
        .set_monitoring_role_arn(given.text("MonitoringRoleArn")?)
        .set_enable_performance_insights(given.flag("EnablePerformanceInsights")?)
        .set_performance_insights_retention_period(given.number("PerformanceInsightsRetentionPeriod")?)
        .set_performance_insights_kms_key_id(given.text("PerformanceInsightsKMSKeyId")?)
        .set_database_insights_mode(mode.as_deref().map(DatabaseInsightsMode::from))
        .set_preferred_maintenance_window(given.text("PreferredMaintenanceWindow")?)
        .set_preferred_backup_window(given.text("PreferredBackupWindow")?)
        .set_backup_retention_period(given.number("BackupRetentionPeriod")?)
        .set_promotion_tier(given.number("PromotionTier")?)
        .set_deletion_protection(given.flag("DeletionProtection")?)
        .set_multi_az(given.flag("MultiAZ")?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(Object::default().with("DBInstance", answer.db_instance().map(instance)).json(), seen))
}

async fn delete(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .rds()
        .delete_db_instance()
        .db_instance_identifier(given.needed("DBInstanceIdentifier")?)
        .set_skip_final_snapshot(given.flag("SkipFinalSnapshot")?)
        .set_final_db_snapshot_identifier(given.text("FinalDBSnapshotIdentifier")?)
        .set_delete_automated_backups(given.flag("DeleteAutomatedBackups")?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(Object::default().with("DBInstance", answer.db_instance().map(instance)).json(), seen))
}

/// Takes the tags of what is made.
///
/// # Errors
/// When they are none.
pub(super) fn tags(given: &mut Arguments<'_>) -> Taken<Option<Vec<Tag>>> {
    let tags = given.tags("Tags")?;
    Ok(tags.map(|tags| {
        let one = |(key, value)| Tag::builder().key(key).value(value).build();
        tags.into_iter().map(one).collect()
    }))
}
