//! Every operation of AWS that lifeboat names: its class, the permissions it needs and how often it may be called.
//!
//! This is the one table. The wire guard lets read-only clients send what stands here as [`ActionClass::Read`] and
//! nothing else; `policy` and `doctor` derive from it what an identity needs. It is a list of names, not of prefixes:
//! some operations that begin with `Get` mint credentials or reveal secrets.

use crate::domain::action::ActionClass;
use crate::domain::kind::Kind;

macro_rules! services {
    ($($(#[$doc:meta])* $variant:ident = $sdk:literal, $prefix:literal, $rate:expr;)*) => {
        /// A service of AWS.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Service { $($(#[$doc])* $variant,)* }

        impl Service {
            /// All services.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Returns the name that the SDK gives it; the wire guard knows it by this.
            pub fn sdk_name(self) -> &'static str {
                match self { $(Self::$variant => $sdk,)* }
            }

            /// Returns the name that stands before its permissions and in lifeboat's own texts.
            pub fn prefix(self) -> &'static str {
                match self { $(Self::$variant => $prefix,)* }
            }

            /// Returns how often it may be called: at most half of what AWS documents, or ten a second where it
            /// documents nothing.
            pub fn rate(self) -> Rate {
                match self { $(Self::$variant => $rate,)* }
            }
        }
    };
}

/// How often something may be called.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Calls a second, in the long run.
    pub per_second: f64,
    /// Calls at once.
    pub burst: f64,
}

const fn rate(per_second: f64, burst: f64) -> Rate {
    Rate { per_second, burst }
}

services! {
    /// AWS Backup; its rates are not published.
    Backup = "Backup", "backup", rate(10.0, 20.0);
    /// CloudWatch: DescribeAlarms 9 a second, GetMetricData 50.
    Cloudwatch = "CloudWatch", "cloudwatch", rate(4.5, 9.0);
    /// Data Lifecycle Manager; not published.
    Dlm = "DLM", "dlm", rate(5.0, 10.0);
    /// DynamoDB's control plane: DescribeContinuousBackups 10 a second, ListBackups 5.
    Dynamodb = "DynamoDB", "dynamodb", rate(10.0, 20.0);
    /// EC2: 100 at once and 20 a second for paged and filtered describes.
    Ec2 = "EC2", "ec2", rate(10.0, 50.0);
    /// EKS; not published.
    Eks = "EKS", "eks", rate(10.0, 20.0);
    /// Load balancers; not published.
    Elb = "Elastic Load Balancing v2", "elasticloadbalancing", rate(10.0, 20.0);
    /// IAM; not published.
    Iam = "IAM", "iam", rate(5.0, 10.0);
    /// KMS: DescribeKey shares 2,000 a second and more with all cryptographic calls.
    Kms = "KMS", "kms", rate(50.0, 100.0);
    /// RDS; not published.
    Rds = "RDS", "rds", rate(10.0, 40.0);
    /// Route 53: 5 a second for all calls of an account together (N2).
    Route53 = "Route 53", "route53", rate(2.5, 5.0);
    /// S3: 5,500 reads a second for each prefix.
    S3 = "S3", "s3", rate(200.0, 200.0);
    /// STS: 600 a second.
    Sts = "STS", "sts", rate(20.0, 20.0);
    /// Resource groups tagging: GetResources 15 a second.
    Tagging = "Resource Groups Tagging API", "tag", rate(7.5, 15.0);
}

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Operation {
    /// The service.
    pub service: Service,
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub class: ActionClass,
    /// The permissions that it needs.
    pub permissions: &'static [&'static str],
    /// The kinds of component for which it is called; empty where it is for all.
    pub kinds: &'static [Kind],
    /// Its own rate, where it is documented apart from that of its service.
    pub rate: Option<Rate>,
}

impl Operation {
    /// Returns what is shown as the source of a reading, such as `rds:DescribeDBSnapshots`.
    pub fn source(&self) -> String {
        format!("{}:{}", self.service.prefix(), self.name)
    }

    /// Returns the operation that an SDK names so.
    pub fn find(sdk_service: &str, name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().copied().find(|known| known.service.sdk_name() == sdk_service && known.name == name)
    }

    /// Returns the operation that a plan names so, such as `rds:DeleteDBInstance`.
    pub fn named(source: &str) -> Option<&'static Self> {
        let (prefix, name) = source.split_once(':')?;
        OPERATIONS.iter().copied().find(|known| known.service.prefix() == prefix && known.name == name)
    }

    /// Says whether it is called for `kind`.
    pub fn serves(&self, kind: Kind) -> bool {
        self.kinds.is_empty() || self.kinds.contains(&kind)
    }
}

macro_rules! rate_of {
    () => {
        None
    };
    ($rate:expr) => {
        Some($rate)
    };
}

macro_rules! operations {
    ($($id:ident = $service:ident $name:literal $class:ident [$($permission:literal),*] for [$($kind:ident),*]
        $(at $rate:expr)?;)*) => {
        $(
            #[doc = concat!("`", $name, "`.")]
            pub const $id: Operation = Operation {
                service: Service::$service,
                name: $name,
                class: ActionClass::$class,
                permissions: &[$($permission),*],
                kinds: &[$(Kind::$kind),*],
                rate: rate_of!($($rate)?),
            };
        )*
        /// All of them.
        pub const OPERATIONS: &[&Operation] = &[$(&$id),*];
    };
}

operations! {
    // Who we are.
    GET_CALLER_IDENTITY = Sts "GetCallerIdentity" Read ["sts:GetCallerIdentity"] for [];
    DESCRIBE_KEY = Kms "DescribeKey" Read ["kms:DescribeKey"]
        for [RdsInstance, RdsCluster, Ec2Instance, EbsVolume, S3Bucket, DynamodbTable, BackupVault];
    GET_RESOURCES = Tagging "GetResources" Read ["tag:GetResources"] for [];
    SIMULATE_PRINCIPAL_POLICY = Iam "SimulatePrincipalPolicy" Read ["iam:SimulatePrincipalPolicy"] for [];

    GET_ROLE = Iam "GetRole" Read ["iam:GetRole"] for [];
    GET_ROLE_POLICY = Iam "GetRolePolicy" Read ["iam:GetRolePolicy"] for [];

    // Databases.
    DESCRIBE_DB_INSTANCES = Rds "DescribeDBInstances" Read ["rds:DescribeDBInstances"] for [RdsInstance, RdsCluster];
    DESCRIBE_DB_CLUSTERS = Rds "DescribeDBClusters" Read ["rds:DescribeDBClusters"] for [RdsCluster];
    DESCRIBE_GLOBAL_CLUSTERS = Rds "DescribeGlobalClusters" Read ["rds:DescribeGlobalClusters"] for [RdsCluster];
    DESCRIBE_DB_SNAPSHOTS = Rds "DescribeDBSnapshots" Read ["rds:DescribeDBSnapshots"] for [RdsInstance];
    DESCRIBE_DB_CLUSTER_SNAPSHOTS = Rds "DescribeDBClusterSnapshots" Read ["rds:DescribeDBClusterSnapshots"]
        for [RdsCluster];
    DESCRIBE_DB_INSTANCE_AUTOMATED_BACKUPS = Rds "DescribeDBInstanceAutomatedBackups" Read
        ["rds:DescribeDBInstanceAutomatedBackups"] for [RdsInstance];
    DESCRIBE_DB_PARAMETER_GROUPS = Rds "DescribeDBParameterGroups" Read ["rds:DescribeDBParameterGroups"]
        for [RdsInstance];
    DESCRIBE_DB_CLUSTER_PARAMETER_GROUPS = Rds "DescribeDBClusterParameterGroups" Read
        ["rds:DescribeDBClusterParameterGroups"] for [RdsCluster];
    DESCRIBE_DB_SUBNET_GROUPS = Rds "DescribeDBSubnetGroups" Read ["rds:DescribeDBSubnetGroups"]
        for [RdsInstance, RdsCluster];
    DESCRIBE_OPTION_GROUPS = Rds "DescribeOptionGroups" Read ["rds:DescribeOptionGroups"] for [RdsInstance];
    DESCRIBE_DB_SNAPSHOT_ATTRIBUTES = Rds "DescribeDBSnapshotAttributes" Read ["rds:DescribeDBSnapshotAttributes"]
        for [RdsInstance];
    DESCRIBE_EVENTS = Rds "DescribeEvents" Read ["rds:DescribeEvents"] for [RdsInstance, RdsCluster];

    // Instances, volumes, images.
    DESCRIBE_INSTANCES = Ec2 "DescribeInstances" Read ["ec2:DescribeInstances"] for [Ec2Instance];
    DESCRIBE_INSTANCE_STATUS = Ec2 "DescribeInstanceStatus" Read ["ec2:DescribeInstanceStatus"] for [Ec2Instance];
    DESCRIBE_VOLUMES = Ec2 "DescribeVolumes" Read ["ec2:DescribeVolumes"] for [EbsVolume];
    DESCRIBE_SNAPSHOTS = Ec2 "DescribeSnapshots" Read ["ec2:DescribeSnapshots"] for [EbsVolume, Ec2Instance];
    DESCRIBE_IMAGES = Ec2 "DescribeImages" Read ["ec2:DescribeImages"] for [Ec2Instance];
    DESCRIBE_INSTANCE_ATTRIBUTE = Ec2 "DescribeInstanceAttribute" Read ["ec2:DescribeInstanceAttribute"]
        for [Ec2Instance];
    DESCRIBE_SNAPSHOT_TIER_STATUS = Ec2 "DescribeSnapshotTierStatus" Read ["ec2:DescribeSnapshotTierStatus"]
        for [EbsVolume];
    DESCRIBE_LOCKED_SNAPSHOTS = Ec2 "DescribeLockedSnapshots" Read ["ec2:DescribeLockedSnapshots"]
        for [EbsVolume];
    GET_LIFECYCLE_POLICIES = Dlm "GetLifecyclePolicies" Read ["dlm:GetLifecyclePolicies"] for [EbsVolume];
    GET_LIFECYCLE_POLICY = Dlm "GetLifecyclePolicy" Read ["dlm:GetLifecyclePolicy"] for [EbsVolume];

    // Buckets.
    LIST_BUCKETS = S3 "ListBuckets" Read ["s3:ListAllMyBuckets"] for [S3Bucket];
    GET_BUCKET_LOCATION = S3 "GetBucketLocation" Read ["s3:GetBucketLocation"] for [S3Bucket];
    GET_BUCKET_VERSIONING = S3 "GetBucketVersioning" Read ["s3:GetBucketVersioning"] for [S3Bucket];
    GET_BUCKET_ENCRYPTION = S3 "GetBucketEncryption" Read ["s3:GetEncryptionConfiguration"] for [S3Bucket];
    GET_BUCKET_REPLICATION = S3 "GetBucketReplication" Read ["s3:GetReplicationConfiguration"] for [S3Bucket];
    GET_OBJECT_LOCK_CONFIGURATION = S3 "GetObjectLockConfiguration" Read ["s3:GetBucketObjectLockConfiguration"]
        for [S3Bucket];
    GET_BUCKET_LIFECYCLE_CONFIGURATION = S3 "GetBucketLifecycleConfiguration" Read
        ["s3:GetLifecycleConfiguration"] for [S3Bucket];
    GET_BUCKET_POLICY = S3 "GetBucketPolicy" Read ["s3:GetBucketPolicy"] for [S3Bucket];
    HEAD_BUCKET = S3 "HeadBucket" Read ["s3:ListBucket"] for [S3Bucket];
    LIST_OBJECT_VERSIONS = S3 "ListObjectVersions" Read ["s3:ListBucketVersions"]
        for [S3Bucket, TerraformState, DatabaseDump];

    // Of a copy in parts; the login that copies asks.
    GET_OBJECT_TAGGING = S3 "GetObjectTagging" Read ["s3:GetObjectTagging", "s3:GetObjectVersionTagging"]
        for [S3Bucket];
    LIST_PARTS = S3 "ListParts" Read ["s3:ListMultipartUploadParts"] for [S3Bucket];

    // States, locks, dumps.
    LIST_OBJECTS_V2 = S3 "ListObjectsV2" Read ["s3:ListBucket"] for [TerraformState, DatabaseDump];
    GET_OBJECT = S3 "GetObject" Read ["s3:GetObject", "s3:GetObjectVersion"] for [TerraformState, DatabaseDump]
        at rate(1_000.0, 200.0);
    // Of other buckets it is called by the login that changes them, which may read objects for the sake of copies.
    HEAD_OBJECT = S3 "HeadObject" Read ["s3:GetObject", "s3:GetObjectVersion"] for [TerraformState, DatabaseDump]
        at rate(1_000.0, 200.0);
    SCAN = Dynamodb "Scan" Read ["dynamodb:Scan"] for [TerraformState] at rate(20.0, 20.0);
    GET_ITEM = Dynamodb "GetItem" Read ["dynamodb:GetItem"] for [TerraformState] at rate(50.0, 50.0);

    // Tables.
    LIST_TABLES = Dynamodb "ListTables" Read ["dynamodb:ListTables"] for [DynamodbTable];
    DESCRIBE_TABLE = Dynamodb "DescribeTable" Read ["dynamodb:DescribeTable"] for [DynamodbTable];
    DESCRIBE_CONTINUOUS_BACKUPS = Dynamodb "DescribeContinuousBackups" Read ["dynamodb:DescribeContinuousBackups"]
        for [DynamodbTable] at rate(5.0, 5.0);
    LIST_BACKUPS = Dynamodb "ListBackups" Read ["dynamodb:ListBackups"] for [DynamodbTable] at rate(2.5, 5.0);
    DESCRIBE_BACKUP = Dynamodb "DescribeBackup" Read ["dynamodb:DescribeBackup"] for [DynamodbTable]
        at rate(5.0, 5.0);
    DESCRIBE_TIME_TO_LIVE = Dynamodb "DescribeTimeToLive" Read ["dynamodb:DescribeTimeToLive"]
        for [DynamodbTable] at rate(5.0, 5.0);
    LIST_TAGS_OF_RESOURCE = Dynamodb "ListTagsOfResource" Read ["dynamodb:ListTagsOfResource"]
        for [DynamodbTable] at rate(5.0, 5.0);

    // Names.
    LIST_HOSTED_ZONES = Route53 "ListHostedZones" Read ["route53:ListHostedZones"] for [DnsRecord];
    LIST_RESOURCE_RECORD_SETS = Route53 "ListResourceRecordSets" Read ["route53:ListResourceRecordSets"]
        for [DnsRecord];
    GET_HEALTH_CHECK = Route53 "GetHealthCheck" Read ["route53:GetHealthCheck"] for [DnsRecord];
    // Only steps ask how far a change is; what they change needs a record to look at.
    GET_CHANGE = Route53 "GetChange" Read ["route53:GetChange"] for [DnsRecord];
    GET_HEALTH_CHECK_STATUS = Route53 "GetHealthCheckStatus" Read ["route53:GetHealthCheckStatus"] for [DnsRecord];

    // Backups.
    LIST_BACKUP_VAULTS = Backup "ListBackupVaults" Read ["backup:ListBackupVaults"] for [BackupVault];
    DESCRIBE_BACKUP_VAULT = Backup "DescribeBackupVault" Read ["backup:DescribeBackupVault"] for [BackupVault];
    LIST_RECOVERY_POINTS_BY_BACKUP_VAULT = Backup "ListRecoveryPointsByBackupVault" Read
        ["backup:ListRecoveryPointsByBackupVault"] for [BackupVault];
    LIST_PROTECTED_RESOURCES = Backup "ListProtectedResources" Read ["backup:ListProtectedResources"]
        for [RdsInstance, RdsCluster, Ec2Instance, EbsVolume, S3Bucket, DynamodbTable, BackupVault];
    LIST_RECOVERY_POINTS_BY_RESOURCE = Backup "ListRecoveryPointsByResource" Read
        ["backup:ListRecoveryPointsByResource"]
        for [RdsInstance, RdsCluster, Ec2Instance, EbsVolume, S3Bucket, DynamodbTable];
    LIST_BACKUP_JOBS = Backup "ListBackupJobs" Read ["backup:ListBackupJobs"] for [BackupVault];
    LIST_COPY_JOBS = Backup "ListCopyJobs" Read ["backup:ListCopyJobs"] for [BackupVault];
    LIST_RESTORE_JOBS = Backup "ListRestoreJobs" Read ["backup:ListRestoreJobs"] for [BackupVault];
    DESCRIBE_RECOVERY_POINT = Backup "DescribeRecoveryPoint" Read ["backup:DescribeRecoveryPoint"]
        for [BackupVault];
    GET_RECOVERY_POINT_RESTORE_METADATA = Backup "GetRecoveryPointRestoreMetadata" Read
        ["backup:GetRecoveryPointRestoreMetadata"] for [BackupVault];
    DESCRIBE_BACKUP_JOB = Backup "DescribeBackupJob" Read ["backup:DescribeBackupJob"] for [BackupVault];
    DESCRIBE_RESTORE_JOB = Backup "DescribeRestoreJob" Read ["backup:DescribeRestoreJob"] for [BackupVault];
    DESCRIBE_COPY_JOB = Backup "DescribeCopyJob" Read ["backup:DescribeCopyJob"] for [BackupVault];
    LIST_BACKUP_PLANS = Backup "ListBackupPlans" Read ["backup:ListBackupPlans"] for [BackupVault];
    LIST_BACKUP_SELECTIONS = Backup "ListBackupSelections" Read ["backup:ListBackupSelections"] for [BackupVault];
    GET_BACKUP_SELECTION = Backup "GetBackupSelection" Read ["backup:GetBackupSelection"] for [BackupVault];

    // Clusters, alarms, targets.
    LIST_CLUSTERS = Eks "ListClusters" Read ["eks:ListClusters"] for [EksCluster];
    DESCRIBE_CLUSTER = Eks "DescribeCluster" Read ["eks:DescribeCluster"] for [EksCluster];
    LIST_NODEGROUPS = Eks "ListNodegroups" Read ["eks:ListNodegroups"] for [EksCluster];
    DESCRIBE_NODEGROUP = Eks "DescribeNodegroup" Read ["eks:DescribeNodegroup"] for [EksCluster];
    DESCRIBE_ALARMS = Cloudwatch "DescribeAlarms" Read ["cloudwatch:DescribeAlarms"] for [Service];
    GET_METRIC_DATA = Cloudwatch "GetMetricData" Read ["cloudwatch:GetMetricData"]
        for [RdsInstance, RdsCluster, S3Bucket, DynamodbTable] at rate(25.0, 25.0);
    DESCRIBE_TARGET_HEALTH = Elb "DescribeTargetHealth" Read ["elasticloadbalancing:DescribeTargetHealth"]
        for [Service];

    // What recoveries change. A reading client refuses all of them; an acting one lets through the one that was armed.
    // Those that no recovery makes yet are here so that the guard refuses them by name and `policy` prints what an
    // operator will need.
    CREATE_DB_SNAPSHOT = Rds "CreateDBSnapshot" Additive ["rds:CreateDBSnapshot", "rds:AddTagsToResource"]
        for [RdsInstance];
    COPY_DB_SNAPSHOT = Rds "CopyDBSnapshot" Additive
        ["rds:CopyDBSnapshot", "rds:AddTagsToResource", "kms:CreateGrant", "kms:DescribeKey"] for [RdsInstance];
    DELETE_DB_SNAPSHOT = Rds "DeleteDBSnapshot" Destructive ["rds:DeleteDBSnapshot"] for [RdsInstance];
    MODIFY_DB_SNAPSHOT_ATTRIBUTE = Rds "ModifyDBSnapshotAttribute" Mutating ["rds:ModifyDBSnapshotAttribute"]
        for [RdsInstance];
    RESTORE_DB_INSTANCE_FROM_DB_SNAPSHOT = Rds "RestoreDBInstanceFromDBSnapshot" Additive
        ["rds:RestoreDBInstanceFromDBSnapshot", "rds:AddTagsToResource", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey"]
        for [RdsInstance];
    RESTORE_DB_INSTANCE_TO_POINT_IN_TIME = Rds "RestoreDBInstanceToPointInTime" Additive
        ["rds:RestoreDBInstanceToPointInTime", "rds:AddTagsToResource", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey"]
        for [RdsInstance];
    // Enhanced monitoring has a role of its own.
    MODIFY_DB_INSTANCE = Rds "ModifyDBInstance" Mutating ["rds:ModifyDBInstance", "iam:PassRole"]
        for [RdsInstance];
    DELETE_DB_INSTANCE = Rds "DeleteDBInstance" Destructive ["rds:DeleteDBInstance"] for [RdsInstance];
    CREATE_DB_INSTANCE_READ_REPLICA = Rds "CreateDBInstanceReadReplica" Additive
        ["rds:CreateDBInstanceReadReplica", "rds:AddTagsToResource", "kms:CreateGrant", "kms:DescribeKey", "iam:PassRole"]
        for [RdsInstance];
    PROMOTE_READ_REPLICA = Rds "PromoteReadReplica" Irreversible ["rds:PromoteReadReplica"] for [RdsInstance];
    CREATE_DB_CLUSTER_SNAPSHOT = Rds "CreateDBClusterSnapshot" Additive
        ["rds:CreateDBClusterSnapshot", "rds:AddTagsToResource"] for [RdsCluster];
    COPY_DB_CLUSTER_SNAPSHOT = Rds "CopyDBClusterSnapshot" Additive
        ["rds:CopyDBClusterSnapshot", "rds:AddTagsToResource", "kms:CreateGrant", "kms:DescribeKey"] for [RdsCluster];
    DELETE_DB_CLUSTER_SNAPSHOT = Rds "DeleteDBClusterSnapshot" Destructive ["rds:DeleteDBClusterSnapshot"]
        for [RdsCluster];
    RESTORE_DB_CLUSTER_FROM_SNAPSHOT = Rds "RestoreDBClusterFromSnapshot" Additive
        ["rds:RestoreDBClusterFromSnapshot", "rds:AddTagsToResource", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey"]
        for [RdsCluster];
    RESTORE_DB_CLUSTER_TO_POINT_IN_TIME = Rds "RestoreDBClusterToPointInTime" Additive
        ["rds:RestoreDBClusterToPointInTime", "rds:AddTagsToResource", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey"]
        for [RdsCluster];
    CREATE_DB_INSTANCE = Rds "CreateDBInstance" Additive
        ["rds:CreateDBInstance", "rds:AddTagsToResource", "iam:PassRole"] for [RdsCluster];
    CREATE_DB_CLUSTER = Rds "CreateDBCluster" Additive
        ["rds:CreateDBCluster", "rds:AddTagsToResource", "kms:CreateGrant", "kms:DescribeKey"] for [RdsCluster];
    MODIFY_DB_CLUSTER = Rds "ModifyDBCluster" Mutating ["rds:ModifyDBCluster"] for [RdsCluster];
    DELETE_DB_CLUSTER = Rds "DeleteDBCluster" Destructive ["rds:DeleteDBCluster"] for [RdsCluster];
    REMOVE_FROM_GLOBAL_CLUSTER = Rds "RemoveFromGlobalCluster" Mutating ["rds:RemoveFromGlobalCluster"]
        for [RdsCluster];
    FAILOVER_DB_CLUSTER = Rds "FailoverDBCluster" Mutating ["rds:FailoverDBCluster"] for [RdsCluster];
    SWITCHOVER_GLOBAL_CLUSTER = Rds "SwitchoverGlobalCluster" Mutating ["rds:SwitchoverGlobalCluster"]
        for [RdsCluster];
    FAILOVER_GLOBAL_CLUSTER = Rds "FailoverGlobalCluster" DataLoss ["rds:FailoverGlobalCluster"] for [RdsCluster];
    CREATE_SNAPSHOT = Ec2 "CreateSnapshot" Additive ["ec2:CreateSnapshot", "ec2:CreateTags"] for [EbsVolume];
    DELETE_SNAPSHOT = Ec2 "DeleteSnapshot" Destructive ["ec2:DeleteSnapshot"] for [EbsVolume];
    CREATE_VOLUME = Ec2 "CreateVolume" Additive
        ["ec2:CreateVolume", "ec2:CreateTags", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey",
            "kms:GenerateDataKeyWithoutPlaintext"]
        for [EbsVolume];
    DELETE_VOLUME = Ec2 "DeleteVolume" Destructive ["ec2:DeleteVolume"] for [EbsVolume];
    ATTACH_VOLUME = Ec2 "AttachVolume" Mutating ["ec2:AttachVolume"] for [EbsVolume];
    DETACH_VOLUME = Ec2 "DetachVolume" Mutating ["ec2:DetachVolume"] for [EbsVolume];
    CREATE_IMAGE = Ec2 "CreateImage" Additive ["ec2:CreateImage", "ec2:CreateTags"] for [Ec2Instance];
    DEREGISTER_IMAGE = Ec2 "DeregisterImage" Destructive ["ec2:DeregisterImage", "ec2:DeleteSnapshot"]
        for [Ec2Instance];
    COPY_IMAGE = Ec2 "CopyImage" Additive
        ["ec2:CopyImage", "ec2:CreateTags", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey",
            "kms:GenerateDataKeyWithoutPlaintext"]
        for [Ec2Instance];
    RUN_INSTANCES = Ec2 "RunInstances" Additive ["ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"]
        for [Ec2Instance];
    TERMINATE_INSTANCES = Ec2 "TerminateInstances" Destructive ["ec2:TerminateInstances"] for [Ec2Instance];
    COPY_SNAPSHOT = Ec2 "CopySnapshot" Additive
        ["ec2:CopySnapshot", "ec2:CreateTags", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey",
            "kms:GenerateDataKeyWithoutPlaintext"]
        for [EbsVolume];
    RESTORE_SNAPSHOT_TIER = Ec2 "RestoreSnapshotTier" Mutating ["ec2:RestoreSnapshotTier"] for [EbsVolume];
    LOCK_SNAPSHOT = Ec2 "LockSnapshot" Mutating ["ec2:LockSnapshot"] for [EbsVolume];
    UNLOCK_SNAPSHOT = Ec2 "UnlockSnapshot" Mutating ["ec2:UnlockSnapshot"] for [EbsVolume];
    // Its encrypted volumes are attached anew.
    START_INSTANCES = Ec2 "StartInstances" Mutating ["ec2:StartInstances", "kms:CreateGrant"] for [Ec2Instance];
    STOP_INSTANCES = Ec2 "StopInstances" Mutating ["ec2:StopInstances"] for [Ec2Instance];
    COPY_OBJECT = S3 "CopyObject" Mutating
        ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:GetObjectTagging", "s3:PutObjectTagging",
            "kms:Decrypt", "kms:GenerateDataKey"]
        // S3 takes 3,500 writes a second for each prefix.
        for [S3Bucket] at rate(1_000.0, 200.0);
    DELETE_OBJECT = S3 "DeleteObject" Destructive ["s3:DeleteObject", "s3:DeleteObjectVersion"] for [S3Bucket]
        at rate(1_000.0, 200.0);
    CREATE_MULTIPART_UPLOAD = S3 "CreateMultipartUpload" Additive
        ["s3:PutObject", "s3:PutObjectTagging", "s3:GetObjectTagging", "s3:GetObjectVersionTagging", "kms:Decrypt",
            "kms:GenerateDataKey"]
        for [S3Bucket];
    UPLOAD_PART_COPY = S3 "UploadPartCopy" Additive
        ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:ListMultipartUploadParts", "kms:Decrypt",
            "kms:GenerateDataKey"]
        for [S3Bucket];
    COMPLETE_MULTIPART_UPLOAD = S3 "CompleteMultipartUpload" Mutating ["s3:PutObject"] for [S3Bucket];
    ABORT_MULTIPART_UPLOAD = S3 "AbortMultipartUpload" Mutating ["s3:AbortMultipartUpload"] for [S3Bucket];
    CREATE_BUCKET = S3 "CreateBucket" Additive ["s3:CreateBucket"] for [S3Bucket];
    DELETE_BUCKET = S3 "DeleteBucket" Destructive ["s3:DeleteBucket"] for [S3Bucket];
    PUT_BUCKET_VERSIONING = S3 "PutBucketVersioning" Mutating ["s3:PutBucketVersioning"] for [S3Bucket];
    PUT_BUCKET_LIFECYCLE_CONFIGURATION = S3 "PutBucketLifecycleConfiguration" Mutating
        ["s3:PutLifecycleConfiguration"] for [S3Bucket];
    PUT_BUCKET_POLICY = S3 "PutBucketPolicy" Mutating ["s3:PutBucketPolicy"] for [S3Bucket];
    DELETE_BUCKET_POLICY = S3 "DeleteBucketPolicy" Mutating ["s3:DeleteBucketPolicy"] for [S3Bucket];
    PUT_PUBLIC_ACCESS_BLOCK = S3 "PutPublicAccessBlock" Mutating ["s3:PutBucketPublicAccessBlock"] for [S3Bucket];
    PUT_BUCKET_ENCRYPTION = S3 "PutBucketEncryption" Mutating ["s3:PutEncryptionConfiguration"] for [S3Bucket];
    PUT_ROLE_POLICY = Iam "PutRolePolicy" Mutating ["iam:PutRolePolicy"] for [];
    DELETE_ROLE_POLICY = Iam "DeleteRolePolicy" Mutating ["iam:DeleteRolePolicy"] for [];
    CREATE_BACKUP = Dynamodb "CreateBackup" Additive ["dynamodb:CreateBackup"] for [DynamodbTable];
    RESTORE_TABLE_FROM_BACKUP = Dynamodb "RestoreTableFromBackup" Additive
        ["dynamodb:RestoreTableFromBackup", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem",
            "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"]
        for [DynamodbTable];
    RESTORE_TABLE_TO_POINT_IN_TIME = Dynamodb "RestoreTableToPointInTime" Additive
        ["dynamodb:RestoreTableToPointInTime", "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem",
            "dynamodb:PutItem", "dynamodb:Query", "dynamodb:Scan", "dynamodb:UpdateItem"]
        for [DynamodbTable];
    DELETE_BACKUP = Dynamodb "DeleteBackup" Destructive ["dynamodb:DeleteBackup"] for [DynamodbTable];
    UPDATE_TIME_TO_LIVE = Dynamodb "UpdateTimeToLive" Mutating ["dynamodb:UpdateTimeToLive"] for [DynamodbTable];
    UPDATE_TABLE = Dynamodb "UpdateTable" Mutating ["dynamodb:UpdateTable"] for [DynamodbTable];
    TAG_RESOURCE = Dynamodb "TagResource" Mutating ["dynamodb:TagResource"] for [DynamodbTable];
    UNTAG_RESOURCE = Dynamodb "UntagResource" Mutating ["dynamodb:UntagResource"] for [DynamodbTable];
    DELETE_TABLE = Dynamodb "DeleteTable" Destructive ["dynamodb:DeleteTable"] for [DynamodbTable];
    UPDATE_CONTINUOUS_BACKUPS = Dynamodb "UpdateContinuousBackups" Mutating ["dynamodb:UpdateContinuousBackups"]
        for [DynamodbTable];
    CHANGE_RESOURCE_RECORD_SETS = Route53 "ChangeResourceRecordSets" Mutating ["route53:ChangeResourceRecordSets"]
        for [DnsRecord];
    UPDATE_HEALTH_CHECK = Route53 "UpdateHealthCheck" Mutating ["route53:UpdateHealthCheck"] for [DnsRecord];
    START_BACKUP_JOB = Backup "StartBackupJob" Additive ["backup:StartBackupJob", "iam:PassRole"]
        for [BackupVault];
    START_COPY_JOB = Backup "StartCopyJob" Additive ["backup:StartCopyJob", "iam:PassRole"]
        for [BackupVault];
    START_RESTORE_JOB = Backup "StartRestoreJob" Additive ["backup:StartRestoreJob", "iam:PassRole"]
        for [BackupVault];
}
