//! The arguments that calls of AWS have: a call with another one does not leave, as from the adapter of AWS.

use crate::domain::Text;
use crate::provider::port::CallTrouble;
use crate::runbook::call::Call;

/// The arguments of each operation.
const ARGUMENTS: [(&str, &[&str]); 66] = [
    ("sts:GetCallerIdentity", &[]),
    ("rds:DescribeDBInstances", &["DBInstanceIdentifier"]),
    ("rds:DescribeDBSnapshots", &["DBSnapshotIdentifier"]),
    ("rds:DescribeDBClusters", &["DBClusterIdentifier"]),
    (
        "rds:RestoreDBInstanceFromDBSnapshot",
        &[
            "DBInstanceIdentifier",
            "DBSnapshotIdentifier",
            "DBInstanceClass",
            "AvailabilityZone",
            "DBSubnetGroupName",
            "MultiAZ",
            "PubliclyAccessible",
            "AutoMinorVersionUpgrade",
            "OptionGroupName",
            "StorageType",
            "Iops",
            "StorageThroughput",
            "VpcSecurityGroupIds",
            "EnableIAMDatabaseAuthentication",
            "EnableCloudwatchLogsExports",
            "DBParameterGroupName",
            "DeletionProtection",
            "CopyTagsToSnapshot",
            "Port",
            "CACertificateIdentifier",
            "Tags",
        ],
    ),
    (
        "rds:ModifyDBInstance",
        &[
            "DBInstanceIdentifier",
            "ApplyImmediately",
            "NewDBInstanceIdentifier",
            "MaxAllocatedStorage",
            "MonitoringInterval",
            "MonitoringRoleArn",
            "EnablePerformanceInsights",
            "PerformanceInsightsRetentionPeriod",
            "PerformanceInsightsKMSKeyId",
            "DatabaseInsightsMode",
            "PreferredMaintenanceWindow",
            "PreferredBackupWindow",
            "BackupRetentionPeriod",
            "PromotionTier",
            "DeletionProtection",
            "MultiAZ",
        ],
    ),
    (
        "rds:DeleteDBInstance",
        &["DBInstanceIdentifier", "SkipFinalSnapshot", "FinalDBSnapshotIdentifier", "DeleteAutomatedBackups"],
    ),
    ("rds:FailoverDBCluster", &["DBClusterIdentifier", "TargetDBInstanceIdentifier"]),
    ("ec2:DescribeSnapshots", &["SnapshotIds", "Filters", "OwnerIds"]),
    ("ec2:DescribeVolumes", &["VolumeIds", "Filters"]),
    ("ec2:DescribeInstances", &["InstanceIds", "Filters"]),
    ("ec2:DescribeInstanceStatus", &["InstanceIds", "IncludeAllInstances"]),
    (
        "ec2:CreateVolume",
        &[
            "SnapshotId",
            "AvailabilityZone",
            "VolumeType",
            "Iops",
            "Throughput",
            "Size",
            "VolumeInitializationRate",
            "Encrypted",
            "KmsKeyId",
            "ClientToken",
            "TagSpecifications",
        ],
    ),
    ("ec2:DeleteVolume", &["VolumeId"]),
    ("ec2:CreateSnapshot", &["VolumeId", "Description", "TagSpecifications"]),
    ("ec2:DeleteSnapshot", &["SnapshotId"]),
    ("ec2:StopInstances", &["InstanceIds", "Force"]),
    ("ec2:StartInstances", &["InstanceIds"]),
    ("ec2:DescribeImages", &["ImageIds", "Filters", "Owners"]),
    ("ec2:DescribeInstanceAttribute", &["InstanceId", "Attribute"]),
    ("ec2:DescribeSnapshotTierStatus", &["Filters"]),
    ("ec2:DescribeLockedSnapshots", &["SnapshotIds"]),
    ("ec2:CreateImage", &["InstanceId", "Name", "Description", "NoReboot", "TagSpecifications"]),
    (
        "ec2:CopyImage",
        &[
            "Name",
            "SourceImageId",
            "SourceRegion",
            "Encrypted",
            "KmsKeyId",
            "CopyImageTags",
            "ClientToken",
            "TagSpecifications",
        ],
    ),
    ("ec2:DeregisterImage", &["ImageId", "DeleteAssociatedSnapshots"]),
    (
        "ec2:RunInstances",
        &[
            "ImageId",
            "InstanceType",
            "MinCount",
            "MaxCount",
            "SubnetId",
            "SecurityGroupIds",
            "IamInstanceProfile",
            "KeyName",
            "UserData",
            "EbsOptimized",
            "Monitoring",
            "MetadataOptions",
            "PrivateIpAddress",
            "ClientToken",
            "TagSpecifications",
        ],
    ),
    ("ec2:TerminateInstances", &["InstanceIds"]),
    ("ec2:AttachVolume", &["VolumeId", "InstanceId", "Device"]),
    ("ec2:DetachVolume", &["VolumeId", "InstanceId", "Device"]),
    (
        "ec2:CopySnapshot",
        &["SourceSnapshotId", "SourceRegion", "Description", "Encrypted", "KmsKeyId", "TagSpecifications"],
    ),
    ("ec2:RestoreSnapshotTier", &["SnapshotId", "TemporaryRestoreDays"]),
    ("ec2:LockSnapshot", &["SnapshotId", "LockMode", "LockDuration"]),
    ("ec2:UnlockSnapshot", &["SnapshotId"]),
    ("dynamodb:DescribeTable", &["TableName"]),
    ("dynamodb:DescribeContinuousBackups", &["TableName"]),
    ("dynamodb:DescribeTimeToLive", &["TableName"]),
    ("dynamodb:ListTagsOfResource", &["ResourceArn"]),
    ("dynamodb:DescribeBackup", &["BackupArn"]),
    ("dynamodb:ListBackups", &["TableName"]),
    ("dynamodb:CreateBackup", &["TableName", "BackupName"]),
    ("dynamodb:DeleteBackup", &["BackupArn"]),
    (
        "dynamodb:RestoreTableFromBackup",
        &["BackupArn", "TargetTableName", "GlobalSecondaryIndexOverride", "LocalSecondaryIndexOverride"],
    ),
    (
        "dynamodb:RestoreTableToPointInTime",
        &[
            "SourceTableName",
            "TargetTableName",
            "RestoreDateTime",
            "UseLatestRestorableTime",
            "GlobalSecondaryIndexOverride",
            "LocalSecondaryIndexOverride",
        ],
    ),
    ("dynamodb:DeleteTable", &["TableName"]),
    ("dynamodb:UpdateContinuousBackups", &["TableName", "PointInTimeRecoverySpecification"]),
    ("dynamodb:UpdateTimeToLive", &["TableName", "TimeToLiveSpecification"]),
    ("dynamodb:UpdateTable", &["TableName", "DeletionProtectionEnabled", "StreamSpecification"]),
    ("dynamodb:TagResource", &["ResourceArn", "Tags"]),
    ("dynamodb:UntagResource", &["ResourceArn", "TagKeys"]),
    ("backup:DescribeBackupVault", &["BackupVaultName"]),
    ("backup:DescribeRecoveryPoint", &["BackupVaultName", "RecoveryPointArn"]),
    ("backup:GetRecoveryPointRestoreMetadata", &["BackupVaultName", "RecoveryPointArn"]),
    ("backup:DescribeBackupJob", &["BackupJobId"]),
    ("backup:DescribeCopyJob", &["CopyJobId"]),
    ("backup:DescribeRestoreJob", &["RestoreJobId"]),
    ("backup:ListBackupJobs", &["ByCreatedAfter", "ByResourceArn"]),
    ("backup:ListCopyJobs", &["ByCreatedAfter", "ByResourceArn"]),
    ("backup:ListRestoreJobs", &["ByCreatedAfter", "ByResourceArn"]),
    (
        "backup:StartBackupJob",
        &[
            "BackupVaultName",
            "ResourceArn",
            "IamRoleArn",
            "IdempotencyToken",
            "StartWindowMinutes",
            "CompleteWindowMinutes",
            "Lifecycle",
            "RecoveryPointTags",
        ],
    ),
    (
        "backup:StartCopyJob",
        &[
            "RecoveryPointArn",
            "SourceBackupVaultName",
            "DestinationBackupVaultArn",
            "IamRoleArn",
            "IdempotencyToken",
            "Lifecycle",
        ],
    ),
    (
        "backup:StartRestoreJob",
        &[
            "RecoveryPointArn",
            "Metadata",
            "IamRoleArn",
            "IdempotencyToken",
            "ResourceType",
            "CopySourceTagsToRestoredResource",
        ],
    ),
    ("s3:ListObjectVersions", &["Bucket", "Key"]),
    ("s3:HeadObject", &["Bucket", "Key", "VersionId"]),
    ("s3:GetBucketVersioning", &["Bucket"]),
    (
        "s3:CopyObject",
        &[
            "Bucket",
            "Key",
            "CopySource",
            "CopySourceIfMatch",
            "MetadataDirective",
            "IfMatch",
            "IfNoneMatch",
            "ExpectedBucketOwner",
        ],
    ),
    ("s3:DeleteObject", &["Bucket", "Key", "VersionId", "IfMatch", "ExpectedBucketOwner"]),
];

/// The arguments without which a call does not leave, besides those that its service asks for.
const NEEDED: [(&str, &str); 6] = [
    ("ec2:CreateVolume", "ClientToken"),
    ("ec2:CopyImage", "ClientToken"),
    ("ec2:RunInstances", "ClientToken"),
    ("backup:StartBackupJob", "IdempotencyToken"),
    ("backup:StartCopyJob", "IdempotencyToken"),
    ("backup:StartRestoreJob", "IdempotencyToken"),
];

/// Says why a call cannot leave.
///
/// # Errors
/// When it has an argument that it cannot have, or lacks one that it must have.
pub(super) fn checked(call: &Call) -> Result<(), CallTrouble> {
    let operation = call.operation.as_str();
    let Some((_, known)) = ARGUMENTS.iter().find(|(name, _)| *name == operation) else { return Ok(()) };
    if let Some(other) = call.arguments.keys().find(|name| !known.contains(&name.as_str())) {
        let says = format!("{operation} has no argument {other}");
        return Err(CallTrouble::NotSent(Text::new(&says)));
    }
    match NEEDED.iter().find(|(name, needed)| *name == operation && !call.arguments.contains_key(*needed)) {
        Some((_, needed)) => {
            Err(CallTrouble::NotSent(Text::new(&format!("{needed} of {operation} is missing"))))
        }
        None => Ok(()),
    }
}
