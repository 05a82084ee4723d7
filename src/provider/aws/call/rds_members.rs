//! RDS: instances of clusters, and read replicas.

use super::arguments::Arguments;
use super::json::Object;
use super::rds::tags;
use super::rds_answers::instance;
use super::{Doing, reply};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_rds::types::DatabaseInsightsMode;

/// Makes an instance of a cluster; any other needs a password, which no plan has.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn create(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let mode = given.text("DatabaseInsightsMode")?;
    let sent = doing
        .acting
        .rds()
        .create_db_instance()
        .db_instance_identifier(given.needed("DBInstanceIdentifier")?)
        .db_cluster_identifier(given.needed("DBClusterIdentifier")?)
        .db_instance_class(given.needed("DBInstanceClass")?)
        .engine(given.needed("Engine")?)
        .set_availability_zone(given.text("AvailabilityZone")?)
        .set_promotion_tier(given.number("PromotionTier")?)
        .set_publicly_accessible(given.flag("PubliclyAccessible")?)
        .set_auto_minor_version_upgrade(given.flag("AutoMinorVersionUpgrade")?)
        .set_db_parameter_group_name(given.text("DBParameterGroupName")?)
        .set_preferred_maintenance_window(given.text("PreferredMaintenanceWindow")?)
        .set_monitoring_interval(given.number("MonitoringInterval")?)
        .set_monitoring_role_arn(given.text("MonitoringRoleArn")?)
        .set_enable_performance_insights(given.flag("EnablePerformanceInsights")?)
        .set_performance_insights_retention_period(given.number("PerformanceInsightsRetentionPeriod")?)
        .set_performance_insights_kms_key_id(given.text("PerformanceInsightsKMSKeyId")?)
        .set_database_insights_mode(mode.as_deref().map(DatabaseInsightsMode::from))
        .set_ca_certificate_identifier(given.text("CACertificateIdentifier")?)
        .set_tags(tags(&mut given)?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(Object::default().with("DBInstance", answer.db_instance().map(instance)).json(), seen))
}

/// Makes a read replica of an instance.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn replicate(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .rds()
        .create_db_instance_read_replica()
        .db_instance_identifier(given.needed("DBInstanceIdentifier")?)
        .source_db_instance_identifier(given.needed("SourceDBInstanceIdentifier")?)
        .set_db_instance_class(given.text("DBInstanceClass")?)
        .set_availability_zone(given.text("AvailabilityZone")?)
        .set_port(given.number("Port")?)
        .set_multi_az(given.flag("MultiAZ")?)
        .set_auto_minor_version_upgrade(given.flag("AutoMinorVersionUpgrade")?)
        .set_storage_type(given.text("StorageType")?)
        .set_iops(given.number("Iops")?)
        .set_storage_throughput(given.number("StorageThroughput")?)
        .set_option_group_name(given.text("OptionGroupName")?)
        .set_db_parameter_group_name(given.text("DBParameterGroupName")?)
        .set_publicly_accessible(given.flag("PubliclyAccessible")?)
        .set_db_subnet_group_name(given.text("DBSubnetGroupName")?)
        .set_vpc_security_group_ids(given.texts("VpcSecurityGroupIds")?)
        .set_copy_tags_to_snapshot(given.flag("CopyTagsToSnapshot")?)
        .set_kms_key_id(given.text("KmsKeyId")?)
        .set_enable_iam_database_authentication(given.flag("EnableIAMDatabaseAuthentication")?)
        .set_enable_cloudwatch_logs_exports(given.texts_or_none("EnableCloudwatchLogsExports")?)
        .set_deletion_protection(given.flag("DeletionProtection")?)
        .set_max_allocated_storage(given.number("MaxAllocatedStorage")?)
        .set_monitoring_interval(given.number("MonitoringInterval")?)
        .set_monitoring_role_arn(given.text("MonitoringRoleArn")?)
        .set_ca_certificate_identifier(given.text("CACertificateIdentifier")?)
        .set_tags(tags(&mut given)?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(Object::default().with("DBInstance", answer.db_instance().map(instance)).json(), seen))
}

/// Makes a read replica an instance of its own.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn promote(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .rds()
        .promote_read_replica()
        .db_instance_identifier(given.needed("DBInstanceIdentifier")?)
        .set_backup_retention_period(given.number("BackupRetentionPeriod")?)
        .set_preferred_backup_window(given.text("PreferredBackupWindow")?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    Ok(reply(Object::default().with("DBInstance", answer.db_instance().map(instance)).json(), seen))
}
