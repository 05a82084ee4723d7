//! What the sandbox answers to calls as a plan names them, one service a file.
//!
//! Every answer is a pure function of the world, the call and the time. A call that acts returns what it changes besides;
//! whoever called writes that down. What must stay true: arguments, members and codes are the service's own, so that an
//! action cannot tell the sandbox from a real account.

mod arguments;
mod arguments_s3;
mod backup;
mod download;
mod dynamodb;
mod dynamodb_things;
mod ec2;
mod ec2_machines;
mod ec2_snapshots;
mod ec2_things;
mod file;
mod iam;
mod local;
mod rds;
mod rds_cluster_things;
mod rds_clusters;
mod rds_failover;
mod rds_groups;
mod rds_replicas;
mod rds_restore;
mod rds_snapshots;
mod rds_things;
mod route53;
mod s3;
mod s3_objects;
mod s3_parts;
mod s3_settings;
mod seen;
mod single;

pub(super) use backup::vault_points;
pub(super) use dynamodb_things::table_points;
pub(super) use ec2_things::image_points;
pub(super) use ec2_things::made_points as volume_points;
pub(super) use rds_cluster_things::made_points as cluster_points;
pub(super) use rds_things::made_points as database_points;
pub(super) use s3_objects::left_deleted;
pub(super) use seen::seen;

use super::chance::Chance;
use super::deeds::Change;
use super::world::World;
use crate::domain::Text;
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use crate::runbook::still::{CHANGED, Still};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A call, and the world and moment in which it is made.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) world: &'a World,
    pub(super) now: Timestamp,
    pub(super) call: &'a Call,
}

/// What an acting call does, and what it is answered.
pub(super) struct Deal {
    /// The answer's body.
    pub(super) body: Value,
    /// What it was about.
    pub(super) target: String,
    /// What is otherwise after it.
    pub(super) changes: Vec<Change>,
}

type Told = Result<Value, CallTrouble>;
type Done = Result<Deal, CallTrouble>;

/// The operations that read.
const LOOKS: &[&str] = &[
    "sts:GetCallerIdentity",
    "rds:DescribeDBInstances",
    "rds:DescribeDBSnapshots",
    "rds:DescribeDBClusters",
    "rds:DescribeDBClusterSnapshots",
    "rds:DescribeGlobalClusters",
    "rds:DescribeDBInstanceAutomatedBackups",
    "rds:DescribeDBSnapshotAttributes",
    "rds:DescribeDBParameterGroups",
    "rds:DescribeDBClusterParameterGroups",
    "rds:DescribeDBSubnetGroups",
    "rds:DescribeOptionGroups",
    "ec2:DescribeSnapshots",
    "ec2:DescribeVolumes",
    "ec2:DescribeInstances",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceAttribute",
    "ec2:DescribeSnapshotTierStatus",
    "ec2:DescribeLockedSnapshots",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:ListTagsOfResource",
    "dynamodb:DescribeBackup",
    "dynamodb:ListBackups",
    "backup:DescribeBackupVault",
    "backup:DescribeRecoveryPoint",
    "backup:GetRecoveryPointRestoreMetadata",
    "backup:DescribeBackupJob",
    "backup:DescribeCopyJob",
    "backup:DescribeRestoreJob",
    "backup:ListBackupJobs",
    "backup:ListCopyJobs",
    "backup:ListRestoreJobs",
    "s3:ListObjectVersions",
    "s3:HeadObject",
    "s3:GetBucketVersioning",
    "s3:GetObjectTagging",
    "s3:ListParts",
    "s3:HeadBucket",
    "s3:GetBucketPolicy",
    "s3:GetBucketLifecycleConfiguration",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "cloudwatch:DescribeAlarms",
    "kms:DescribeKey",
    "eks:DescribeCluster",
    "route53:ListHostedZones",
    "route53:ListResourceRecordSets",
    "route53:GetChange",
    "route53:GetHealthCheck",
    "http:Get",
    "tcp:Connect",
    "dns:Resolve",
    "tool:Status",
    "file:Read",
    "file:Stat",
];

/// Says whether an operation reads.
pub(super) fn is_look(operation: &str) -> bool {
    LOOKS.contains(&operation)
}

/// Says whether an operation is none of AWS's: it needs no login.
pub(super) fn is_local(operation: &str) -> bool {
    ["http:", "tcp:", "dns:", "webhook:", "tool:", "file:"]
        .iter()
        .any(|service| operation.starts_with(service))
}

/// Returns who acts in an account.
pub(super) fn identity(account: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/lifeboat-operate/demo")
}

/// Answers a call that reads.
pub(super) fn look(asked: &Asked<'_>) -> Told {
    arguments::checked(asked.call)?;
    match asked.call.operation.as_str() {
        "sts:GetCallerIdentity" => {
            let account = asked.call.place.account.as_str();
            Ok(json!({"Account": account, "Arn": identity(account), "UserId": "AROASANDBOX:demo"}))
        }
        "rds:DescribeDBInstances" => rds::instances(asked),
        "rds:DescribeDBSnapshots" | "rds:DescribeDBClusterSnapshots" => rds_snapshots::snapshots(asked),
        "rds:DescribeDBSnapshotAttributes" => rds_snapshots::shared(asked),
        "rds:DescribeDBInstanceAutomatedBackups" => rds_restore::automated(asked),
        "rds:DescribeDBClusters" => rds_clusters::clusters(asked),
        "rds:DescribeGlobalClusters" => rds_clusters::globals(asked),
        "rds:DescribeDBParameterGroups"
        | "rds:DescribeDBClusterParameterGroups"
        | "rds:DescribeDBSubnetGroups"
        | "rds:DescribeOptionGroups" => rds_groups::groups(asked),
        "ec2:DescribeSnapshots" => ec2::snapshots(asked),
        "ec2:DescribeVolumes" => ec2::volumes(asked),
        "ec2:DescribeInstances" => ec2::instances(asked),
        "ec2:DescribeInstanceStatus" => ec2::statuses(asked),
        "ec2:DescribeImages" => ec2_machines::images(asked),
        "ec2:DescribeInstanceAttribute" => ec2_machines::attribute(asked),
        "ec2:DescribeSnapshotTierStatus" => ec2_snapshots::tiers(asked),
        "ec2:DescribeLockedSnapshots" => ec2_snapshots::locked(asked),
        "dynamodb:DescribeTable" => dynamodb::describe_table(asked),
        "dynamodb:DescribeContinuousBackups" => dynamodb::continuous(asked),
        "dynamodb:DescribeTimeToLive" => dynamodb::expiry(asked),
        "dynamodb:ListTagsOfResource" => dynamodb::tags(asked),
        "dynamodb:DescribeBackup" => dynamodb::describe_backup(asked),
        "dynamodb:ListBackups" => dynamodb::list_backups(asked),
        "backup:DescribeBackupVault" => backup::vault(asked),
        "backup:DescribeRecoveryPoint" => backup::point(asked),
        "backup:GetRecoveryPointRestoreMetadata" => backup::metadata(asked),
        "backup:DescribeBackupJob" => backup::job(asked, "backup", "BackupJobId"),
        "backup:DescribeCopyJob" => backup::job(asked, "copy", "CopyJobId"),
        "backup:DescribeRestoreJob" => backup::job(asked, "restore", "RestoreJobId"),
        "backup:ListBackupJobs" => Ok(backup::jobs(asked, "backup", "BackupJobs")),
        "backup:ListCopyJobs" => Ok(backup::jobs(asked, "copy", "CopyJobs")),
        "backup:ListRestoreJobs" => Ok(backup::jobs(asked, "restore", "RestoreJobs")),
        "s3:ListObjectVersions" => s3::versions(asked),
        "s3:HeadObject" => s3::head(asked),
        "s3:GetObjectTagging" => s3_parts::tags(asked),
        "s3:ListParts" => s3_parts::list(asked),
        "s3:GetBucketVersioning" => s3_settings::versioning(asked),
        "s3:HeadBucket" => s3_settings::head(asked),
        "s3:GetBucketPolicy" => s3_settings::policy(asked),
        "s3:GetBucketLifecycleConfiguration" => s3_settings::lifecycle(asked),
        "iam:GetRole" => iam::get_role(asked),
        "iam:GetRolePolicy" => iam::policy(asked),
        "cloudwatch:DescribeAlarms" => single::alarms(asked),
        "kms:DescribeKey" => single::key(asked),
        "eks:DescribeCluster" => single::cluster(asked),
        "route53:ListHostedZones" => route53::zones(asked),
        "route53:ListResourceRecordSets" => route53::records(asked),
        "route53:GetChange" => route53::get_change(asked),
        "route53:GetHealthCheck" => route53::health_check(asked),
        "http:Get" => local::get(asked),
        "tcp:Connect" => local::connect(asked),
        "dns:Resolve" => local::resolve(asked),
        "tool:Status" => Ok(local::status()),
        "file:Read" => file::read(asked),
        "file:Stat" => download::stat(asked),
        other => {
            Err(CallTrouble::NotSent(Text::new(&format!("{other} is no call that reads in the sandbox"))))
        }
    }
}

/// Carries out a call that acts.
pub(super) fn act(asked: &Asked<'_>) -> Done {
    arguments::checked(asked.call)?;
    match asked.call.operation.as_str() {
        "rds:RestoreDBInstanceFromDBSnapshot" => rds_restore::restore(asked),
        "rds:RestoreDBInstanceToPointInTime" => rds_restore::restore_to_time(asked),
        "rds:CreateDBSnapshot" | "rds:CreateDBClusterSnapshot" => rds_snapshots::create(asked),
        "rds:CopyDBSnapshot" | "rds:CopyDBClusterSnapshot" => rds_snapshots::copy(asked),
        "rds:DeleteDBSnapshot" | "rds:DeleteDBClusterSnapshot" => rds_snapshots::delete(asked),
        "rds:ModifyDBSnapshotAttribute" => rds_snapshots::share(asked),
        "rds:CreateDBInstanceReadReplica" => rds_replicas::create(asked),
        "rds:PromoteReadReplica" => rds_replicas::promote(asked),
        "rds:RestoreDBClusterFromSnapshot" => rds_clusters::restore(asked),
        "rds:RestoreDBClusterToPointInTime" => rds_clusters::restore_to_time(asked),
        "rds:CreateDBCluster" => rds_clusters::create(asked),
        "rds:CreateDBInstance" => rds_clusters::create_instance(asked),
        "rds:ModifyDBCluster" => rds_clusters::modify(asked),
        "rds:DeleteDBCluster" => rds_clusters::delete(asked),
        "rds:SwitchoverGlobalCluster" | "rds:FailoverGlobalCluster" => rds_clusters::change_writer(asked),
        "rds:RemoveFromGlobalCluster" => rds_clusters::leave(asked),
        "rds:ModifyDBInstance" => rds::modify(asked),
        "rds:DeleteDBInstance" => rds::delete(asked),
        "rds:FailoverDBCluster" => rds_failover::fail_over(asked),
        "ec2:CreateVolume" => ec2::create_volume(asked),
        "ec2:DeleteVolume" => ec2::delete_volume(asked),
        "ec2:CreateSnapshot" => ec2::create_snapshot(asked),
        "ec2:DeleteSnapshot" => ec2::delete_snapshot(asked),
        "ec2:StopInstances" => ec2::stop(asked),
        "ec2:StartInstances" => ec2::start(asked),
        "ec2:CreateImage" => ec2_machines::create_image(asked),
        "ec2:CopyImage" => ec2_machines::copy_image(asked),
        "ec2:DeregisterImage" => ec2_machines::deregister_image(asked),
        "ec2:RunInstances" => ec2_machines::run(asked),
        "ec2:TerminateInstances" => ec2_machines::terminate(asked),
        "ec2:AttachVolume" => ec2_machines::attach(asked),
        "ec2:DetachVolume" => ec2_machines::detach(asked),
        "ec2:CopySnapshot" => ec2_snapshots::copy(asked),
        "ec2:RestoreSnapshotTier" => ec2_snapshots::restore_tier(asked),
        "ec2:LockSnapshot" => ec2_snapshots::lock(asked),
        "ec2:UnlockSnapshot" => ec2_snapshots::unlock(asked),
        "dynamodb:CreateBackup" => dynamodb::create_backup(asked),
        "dynamodb:DeleteBackup" => dynamodb::delete_backup(asked),
        "dynamodb:RestoreTableFromBackup" => dynamodb::restore_backup(asked),
        "dynamodb:RestoreTableToPointInTime" => dynamodb::restore_time(asked),
        "dynamodb:DeleteTable" => dynamodb::delete_table(asked),
        "dynamodb:UpdateContinuousBackups" => dynamodb::update_continuous(asked),
        "dynamodb:UpdateTimeToLive" => dynamodb::update_expiry(asked),
        "dynamodb:UpdateTable" => dynamodb::update_table(asked),
        "dynamodb:TagResource" => dynamodb::tag(asked),
        "dynamodb:UntagResource" => dynamodb::untag(asked),
        "backup:StartBackupJob" => backup::start_backup(asked),
        "backup:StartCopyJob" => backup::start_copy(asked),
        "backup:StartRestoreJob" => backup::start_restore(asked),
        "s3:CopyObject" => s3::copy(asked),
        "s3:DeleteObject" => s3::delete(asked),
        "s3:CreateMultipartUpload" => s3_parts::begin(asked),
        "s3:UploadPartCopy" => s3_parts::copy(asked),
        "s3:CompleteMultipartUpload" => s3_parts::complete(asked),
        "s3:AbortMultipartUpload" => s3_parts::abort(asked),
        "s3:PutBucketVersioning" => s3_settings::put_versioning(asked),
        "s3:PutBucketLifecycleConfiguration" => s3_settings::put_lifecycle(asked),
        "s3:PutBucketPolicy" => s3_settings::put_policy(asked),
        "s3:DeleteBucketPolicy" => s3_settings::delete_policy(asked),
        "s3:PutPublicAccessBlock" => s3_settings::put_block(asked),
        "s3:PutBucketEncryption" => s3_settings::put_encryption(asked),
        "s3:CreateBucket" => s3_settings::create(asked),
        "s3:DeleteBucket" => s3_settings::delete(asked),
        "iam:PutRolePolicy" => iam::put(asked),
        "iam:DeleteRolePolicy" => iam::delete(asked),
        "route53:ChangeResourceRecordSets" => route53::change(asked),
        "route53:UpdateHealthCheck" => route53::update_health_check(asked),
        "webhook:Post" => Ok(local::post()),
        "tool:Run" => Ok(local::run(asked)),
        "download:Part" => download::part(asked),
        "download:Finish" => download::finish(asked),
        "download:Remove" => download::remove(asked),
        "file:Write" => file::write(asked),
        "file:Remove" => file::remove(asked),
        other => {
            Err(CallTrouble::NotSent(Text::new(&format!("{other} is no call that acts in the sandbox"))))
        }
    }
}

/// Returns a refusal of a service.
fn refused(code: &str, status: u16, says: &str) -> CallTrouble {
    let request_id = Some("sandbox".into());
    CallTrouble::Refused { code: code.into(), says: Text::new(says), request_id, status }
}

/// Looks whether what a call writes over is still what it says, as whoever makes it in AWS does.
fn still(asked: &Asked<'_>, look: impl Fn(&Asked<'_>) -> Told) -> Result<(), CallTrouble> {
    let Some(still) = Still::of(asked.call) else { return Ok(()) };
    let found = match look(asked) {
        Ok(found) => found,
        Err(trouble) if trouble.code() == Some(still.absent) => Value::Null,
        Err(trouble) => return Err(trouble),
    };
    if still.holds(&found) { Ok(()) } else { Err(refused(CHANGED, 412, "it is not what was planned with")) }
}

impl Asked<'_> {
    /// Returns a body as the reply to this call.
    pub(super) fn reply(&self, body: Value) -> Reply {
        let nth = self.world.deeds.count();
        let mut chance = Chance::new(self.world.seed, &format!("{nth} {} {}", self.now, self.call.digest()));
        // What is written to this machine is no answer of a service.
        let outside = is_local(&self.call.operation) || self.call.operation.starts_with("download:");
        Reply { request_id: (!outside).then(|| chance.uuid()), status: if outside { 0 } else { 200 }, body }
    }

    /// Returns an argument that has to be there.
    fn required(&self, name: &str) -> Result<&str, CallTrouble> {
        self.text(name)
            .ok_or_else(|| refused("MissingParameter", 400, &format!("the request must contain {name}")))
    }

    /// Returns a text argument that is not empty.
    fn text(&self, name: &str) -> Option<&str> {
        self.call.text(name).filter(|text| !text.is_empty())
    }

    /// Returns an argument that says yes or no.
    fn flag(&self, name: &str) -> Option<bool> {
        self.call.arguments.get(name).and_then(Value::as_bool)
    }

    /// Returns an argument that is there at all.
    fn value(&self, name: &str) -> Option<&Value> {
        self.call.arguments.get(name).filter(|value| !value.is_null())
    }

    /// Returns a list of texts.
    fn list(&self, name: &str) -> Vec<&str> {
        let values = self.value(name).and_then(Value::as_array);
        values.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Returns the tags that are given to what is made, as `[{Key, Value}]`.
    fn tags(&self, sort: &str) -> Vec<Value> {
        let specifications = self.value("TagSpecifications").and_then(Value::as_array);
        let fitting = specifications.into_iter().flatten().filter(|specification| {
            specification.get("ResourceType").and_then(Value::as_str).is_none_or(|name| name == sort)
        });
        fitting.filter_map(|specification| specification.get("Tags")?.as_array()).flatten().cloned().collect()
    }

    /// Returns chance that is the same for the same act in the same world.
    fn chance(&self) -> Chance {
        let name = format!("act {} {}", self.world.deeds.count(), self.call.operation);
        Chance::new(self.world.seed, &name)
    }
}

/// Says a moment as services do.
fn when(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Returns an object's members.
fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
