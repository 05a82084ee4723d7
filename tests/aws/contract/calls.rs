//! What every call of the catalogue brings, whoever answers it: the members of its answers, what it changes, and how it
//! is refused. It is put to the ports, so it holds for AWS and for the sandbox alike.

use crate::support::armed::armed;
use lifeboat::domain::ids::EnvironmentName;
use lifeboat::domain::place::Place;
use lifeboat::provider::port::{Act, CallTrouble, Look};
use lifeboat::runbook::call::{Call, Reply};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// How often something is looked at that comes about by and by.
const LOOKS: u32 = 100;

/// What is there before the first call.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) environment: EnvironmentName,
    pub(crate) place: Place,
    /// A zone of the Region.
    pub(crate) zone: String,
    /// An instance of RDS that is available.
    pub(crate) database: String,
    /// A snapshot of it that is available.
    pub(crate) db_snapshot: String,
    /// A cluster of RDS.
    pub(crate) cluster: String,
    /// Its reader.
    pub(crate) reader: String,
    /// A volume that is attached to nothing.
    pub(crate) volume: String,
    /// A snapshot of it that is completed.
    pub(crate) snapshot: String,
    /// An instance of EC2 that runs.
    pub(crate) instance: String,
    /// A bucket that keeps versions.
    pub(crate) bucket: String,
    /// A key in it with two versions.
    pub(crate) key: String,
    /// Their sizes in bytes, of the newest first.
    pub(crate) sizes: [u64; 2],
}

impl World {
    /// Returns a call in this world.
    pub(crate) fn call(&self, operation: &str, arguments: Value) -> Call {
        let mut call = Call::new(operation, &self.environment, &self.place);
        let Value::Object(arguments) = arguments else { panic!("arguments have names") };
        call.arguments = arguments;
        call
    }
}

/// What a thing has: members that must be there, and others that may.
pub(super) struct Members {
    pub(super) must: &'static [&'static str],
    pub(super) may: &'static [&'static str],
}

pub(super) const DB_INSTANCE: Members = Members {
    must: &[
        "DBInstanceIdentifier",
        "DBInstanceArn",
        "DbiResourceId",
        "DBInstanceStatus",
        "Engine",
        "EngineVersion",
        "DBInstanceClass",
        "AllocatedStorage",
        "StorageType",
        "StorageEncrypted",
        "MultiAZ",
        "AvailabilityZone",
        "DeletionProtection",
        "IAMDatabaseAuthenticationEnabled",
        "DBParameterGroups",
        "VpcSecurityGroups",
        "OptionGroupMemberships",
        "CopyTagsToSnapshot",
        "AutoMinorVersionUpgrade",
        "PreferredMaintenanceWindow",
        "PreferredBackupWindow",
        "BackupRetentionPeriod",
        "EnabledCloudwatchLogsExports",
        "TagList",
    ],
    may: &[
        "PubliclyAccessible",
        "Iops",
        "StorageThroughput",
        "KmsKeyId",
        "DBSubnetGroup",
        "CACertificateIdentifier",
        "MaxAllocatedStorage",
        "MonitoringInterval",
        "MonitoringRoleArn",
        "PerformanceInsightsEnabled",
        "PerformanceInsightsRetentionPeriod",
        "PerformanceInsightsKMSKeyId",
        "DatabaseInsightsMode",
        "PromotionTier",
        "Endpoint",
        "InstanceCreateTime",
        "LatestRestorableTime",
        "DBClusterIdentifier",
        "ReadReplicaSourceDBInstanceIdentifier",
        "PendingModifiedValues",
    ],
};
pub(super) const DB_SNAPSHOT: Members = Members {
    must: &[
        "DBSnapshotIdentifier",
        "DBSnapshotArn",
        "DBInstanceIdentifier",
        "Status",
        "Engine",
        "EngineVersion",
        "AllocatedStorage",
        "Encrypted",
        "SnapshotType",
        "SnapshotCreateTime",
        "TagList",
    ],
    may: &[
        "SourceRegion",
        "SourceDBSnapshotIdentifier",
        "StorageType",
        "Iops",
        "KmsKeyId",
        "OptionGroupName",
        "VpcId",
        "OriginalSnapshotCreateTime",
        "SnapshotDatabaseTime",
        "PercentProgress",
    ],
};
pub(super) const DB_CLUSTER: Members = Members {
    must: &[
        "DBClusterIdentifier",
        "DBClusterArn",
        "Status",
        "Engine",
        "DBClusterMembers",
        "DeletionProtection",
    ],
    may: &[
        "MultiAZ",
        "DbClusterResourceId",
        "EngineVersion",
        "EngineMode",
        "DBClusterParameterGroup",
        "DBSubnetGroup",
        "VpcSecurityGroups",
        "IAMDatabaseAuthenticationEnabled",
        "EnabledCloudwatchLogsExports",
        "BacktrackWindow",
        "BackupRetentionPeriod",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
        "CopyTagsToSnapshot",
        "StorageType",
        "StorageEncrypted",
        "KmsKeyId",
        "ServerlessV2ScalingConfiguration",
        "Port",
        "Endpoint",
        "ReaderEndpoint",
        "EarliestRestorableTime",
        "LatestRestorableTime",
        "TagList",
    ],
};
const MEMBER: Members =
    Members { must: &["DBInstanceIdentifier", "IsClusterWriter"], may: &["PromotionTier"] };
pub(super) const SNAPSHOT: Members = Members {
    must: &["SnapshotId", "VolumeId", "State", "StartTime", "VolumeSize", "Encrypted", "Tags"],
    may: &["StateMessage", "Progress", "KmsKeyId", "StorageTier", "Description", "RestoreExpiryTime"],
};
const VOLUME: Members = Members {
    must: &[
        "VolumeId",
        "State",
        "AvailabilityZone",
        "Size",
        "VolumeType",
        "Encrypted",
        "CreateTime",
        "Tags",
        "Attachments",
    ],
    may: &["Iops", "Throughput", "KmsKeyId", "SnapshotId", "MultiAttachEnabled"],
};
pub(super) const INSTANCE: Members = Members {
    must: &[
        "InstanceId",
        "State",
        "InstanceType",
        "ImageId",
        "Placement",
        "RootDeviceType",
        "LaunchTime",
        "BlockDeviceMappings",
        "Tags",
    ],
    may: &[
        "StateReason",
        "StateTransitionReason",
        "PrivateIpAddress",
        "PublicIpAddress",
        "RootDeviceName",
        "SubnetId",
        "VpcId",
        "SecurityGroups",
        "IamInstanceProfile",
        "KeyName",
        "EbsOptimized",
        "SourceDestCheck",
        "Monitoring",
        "MetadataOptions",
        "NetworkInterfaces",
    ],
};
const STATUS: Members =
    Members { must: &["InstanceId", "InstanceState", "SystemStatus", "InstanceStatus"], may: &[] };
pub(super) const CHANGE: Members =
    Members { must: &["InstanceId", "CurrentState", "PreviousState"], may: &[] };
const VERSION: Members = Members {
    must: &["Key", "VersionId", "IsLatest", "ETag", "Size", "LastModified"],
    may: &["StorageClass"],
};
const MARKER: Members = Members { must: &["Key", "VersionId", "IsLatest", "LastModified"], may: &[] };
const HEAD: Members = Members {
    must: &["ETag", "VersionId", "ContentLength", "LastModified"],
    may: &[
        "StorageClass",
        "ServerSideEncryption",
        "SSEKMSKeyId",
        "BucketKeyEnabled",
        "ContentType",
        "CacheControl",
        "ContentDisposition",
        "ContentEncoding",
        "ContentLanguage",
        "Expires",
        "Metadata",
    ],
};

/// Says that something has the members that it is to have and no other, and gives it back.
pub(super) fn shaped<'a>(value: &'a Value, members: &Members) -> &'a Value {
    let there: BTreeSet<&str> =
        value.as_object().expect("it has members").keys().map(String::as_str).collect();
    let missing: Vec<_> = members.must.iter().filter(|name| !there.contains(**name)).collect();
    assert!(missing.is_empty(), "{missing:?} are missing in {value}");
    let known = |name: &&str| members.must.contains(name) || members.may.contains(name);
    let more: Vec<_> = there.into_iter().filter(|name| !known(name)).collect();
    assert!(more.is_empty(), "{more:?} are too many in {value}");
    for (name, value) in value.as_object().expect("it has members") {
        let is_time = ["Time", "LastModified"].iter().any(|end| name.ends_with(end));
        if let (true, Some(time)) = (is_time, value.as_str()) {
            assert!(time.parse::<jiff::Timestamp>().is_ok() && time.ends_with('Z'), "{name} is {time}");
        }
    }
    value
}

/// Says that a list has one thing of this shape, and gives it back.
pub(super) fn one<'a>(reply: &'a Reply, list: &str, members: &Members) -> &'a Value {
    assert_eq!(reply.body.as_object().map(serde_json::Map::len), Some(1), "{}", reply.body);
    let all = reply.body[list].as_array().unwrap_or_else(|| panic!("{list} is missing in {}", reply.body));
    assert_eq!(all.len(), 1, "{}", reply.body);
    shaped(&all[0], members)
}

pub(super) async fn look(port: &dyn Look, call: &Call) -> Reply {
    let reply = port.look(call).await.unwrap_or_else(|trouble| panic!("{}: {trouble:?}", call.line()));
    let status = if is_here(call) { 0 } else { 200 };
    assert_eq!(reply.status, status, "{}", call.line());
    reply
}

/// Says whether a call is about this machine: it has neither a status of HTTP nor the id of a request.
fn is_here(call: &Call) -> bool {
    ["file:", "download:"].iter().any(|service| call.line().starts_with(service))
}

pub(super) async fn act(port: &dyn Act, call: &Call) -> Reply {
    let reply = port.act(armed(call.clone())).await;
    let reply = reply.unwrap_or_else(|trouble| panic!("{}: {trouble:?}", call.line()));
    if is_here(call) {
        assert_eq!((reply.status, &reply.request_id), (0, &None), "{}", call.line());
        return reply;
    }
    assert!((200..300).contains(&reply.status), "{}: {}", call.line(), reply.status);
    assert!(reply.request_id.as_deref().is_some_and(|id| !id.is_empty()), "{} has no id", call.line());
    reply
}

/// Looks until something is so.
pub(super) async fn until(
    port: &dyn Look,
    call: &Call,
    what: &str,
    is_so: impl Fn(&Result<Reply, CallTrouble>) -> bool,
) {
    for _ in 0..LOOKS {
        let seen = port.look(call).await;
        if is_so(&seen) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} never came to be {what}: {:?}", call.line(), port.look(call).await);
}

pub(super) fn gone(code: &'static str) -> impl Fn(&Result<Reply, CallTrouble>) -> bool {
    move |seen| seen.as_ref().err().and_then(CallTrouble::code) == Some(code)
}

pub(super) fn holds(pointer: &'static str, value: Value) -> impl Fn(&Result<Reply, CallTrouble>) -> bool {
    move |seen| seen.as_ref().is_ok_and(|reply| reply.body.pointer(pointer) == Some(&value))
}

/// Makes every call of the catalogue once, well.
pub(crate) async fn every_call_goes_well(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let who = look(looks, &world.call("sts:GetCallerIdentity", json!({}))).await;
    shaped(&who.body, &Members { must: &["Account", "Arn", "UserId"], may: &[] });
    assert_eq!(who.body["Account"], json!(world.place.account.as_str()));
    databases(looks, acts, world).await;
    clusters(looks, acts, world).await;
    volumes(looks, acts, world).await;
    instances(looks, acts, world).await;
    objects(looks, acts, world).await;
}

async fn databases(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let asked = |id: &str| world.call("rds:DescribeDBInstances", json!({"DBInstanceIdentifier": id}));
    let source = look(looks, &asked(&world.database)).await;
    let source = one(&source, "DBInstances", &DB_INSTANCE);
    assert_eq!(source["DBInstanceStatus"], "available");
    let snapshot = world.call("rds:DescribeDBSnapshots", json!({"DBSnapshotIdentifier": world.db_snapshot}));
    let snapshot = look(looks, &snapshot).await;
    assert_eq!(one(&snapshot, "DBSnapshots", &DB_SNAPSHOT)["DBInstanceIdentifier"], json!(world.database));

    let back = format!("{}-back", world.database);
    let restore = world.call(
        "rds:RestoreDBInstanceFromDBSnapshot",
        json!({
            "DBInstanceIdentifier": back, "DBSnapshotIdentifier": world.db_snapshot,
            "DBInstanceClass": source["DBInstanceClass"], "MultiAZ": false, "PubliclyAccessible": false,
            "AutoMinorVersionUpgrade": true, "StorageType": source["StorageType"],
            "EnableIAMDatabaseAuthentication": false, "DeletionProtection": true, "CopyTagsToSnapshot": true,
            "Tags": [{"Key": "lifeboat:run", "Value": "r"}, {"Key": "empty", "Value": ""}],
        }),
    );
    let made = act(acts, &restore).await;
    assert_eq!(shaped(&made.body["DBInstance"], &DB_INSTANCE)["DBInstanceIdentifier"], json!(back));
    until(looks, &asked(&back), "available", holds("/DBInstances/0/DBInstanceStatus", json!("available")))
        .await;
    let found = look(looks, &asked(&back)).await;
    let tags = found.body["DBInstances"][0]["TagList"].as_array().expect("tags are a list").clone();
    assert!(tags.contains(&json!({"Key": "lifeboat:run", "Value": "r"})), "{tags:?}");
    assert_eq!(found.body["DBInstances"][0]["DeletionProtection"], json!(true));
    refused(acts, &restore, "DBInstanceAlreadyExists").await;

    let modify = world.call(
        "rds:ModifyDBInstance",
        json!({"DBInstanceIdentifier": back, "ApplyImmediately": true, "BackupRetentionPeriod": 3,
               "DeletionProtection": false, "PreferredMaintenanceWindow": "sun:03:00-sun:04:00"}),
    );
    let told = act(acts, &modify).await;
    shaped(&told.body["DBInstance"], &DB_INSTANCE);
    until(looks, &asked(&back), "modified", holds("/DBInstances/0/BackupRetentionPeriod", json!(3))).await;
    until(looks, &asked(&back), "available", holds("/DBInstances/0/DBInstanceStatus", json!("available")))
        .await;

    let delete =
        json!({"DBInstanceIdentifier": back, "SkipFinalSnapshot": true, "DeleteAutomatedBackups": true});
    let told = act(acts, &world.call("rds:DeleteDBInstance", delete)).await;
    shaped(&told.body["DBInstance"], &DB_INSTANCE);
    until(looks, &asked(&back), "gone", gone("DBInstanceNotFound")).await;
}

async fn clusters(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let asked = world.call("rds:DescribeDBClusters", json!({"DBClusterIdentifier": world.cluster}));
    let found = look(looks, &asked).await;
    let members = one(&found, "DBClusters", &DB_CLUSTER)["DBClusterMembers"].as_array().expect("a list");
    let mut members = members.iter().map(|one| shaped(one, &MEMBER));
    let reader = members.find(|one| one["DBInstanceIdentifier"] == json!(world.reader));
    assert_eq!(reader.expect("it has the reader")["IsClusterWriter"], json!(false));
    let over = json!({"DBClusterIdentifier": world.cluster, "TargetDBInstanceIdentifier": world.reader});
    let told = act(acts, &world.call("rds:FailoverDBCluster", over)).await;
    let must = &["DBClusterIdentifier", "Status", "DBClusterMembers"];
    shaped(&told.body["DBCluster"], &Members { must, may: &[] });
    let reader = json!(world.reader);
    until(looks, &asked, "failed over", |seen| {
        let Ok(reply) = seen else { return false };
        let members = reply.body["DBClusters"][0]["DBClusterMembers"].as_array();
        members.is_some_and(|all| {
            all.iter()
                .any(|one| one["DBInstanceIdentifier"] == reader && one["IsClusterWriter"] == json!(true))
        })
    })
    .await;
}

async fn volumes(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let tags = json!([{"Key": "lifeboat:run", "Value": "r"}, {"Key": "lifeboat:step", "Value": "volumes"}]);
    let by_tag = json!([{"Name": "tag:lifeboat:step", "Values": ["volumes"]}]);
    let found =
        look(looks, &world.call("ec2:DescribeSnapshots", json!({"SnapshotIds": [world.snapshot]}))).await;
    assert_eq!(one(&found, "Snapshots", &SNAPSHOT)["State"], "completed");
    let create = world.call(
        "ec2:CreateVolume",
        json!({"SnapshotId": world.snapshot, "AvailabilityZone": world.zone, "VolumeType": "gp3",
               "ClientToken": "lifeboat-volumes-1",
               "TagSpecifications": [{"ResourceType": "volume", "Tags": tags}]}),
    );
    let made = act(acts, &create).await;
    let must = &["VolumeId", "State", "AvailabilityZone", "Size", "VolumeType", "CreateTime", "Tags"];
    let volume = shaped(&made.body, &Members { must, may: &["SnapshotId"] })["VolumeId"].clone();
    let asked = world.call("ec2:DescribeVolumes", json!({"VolumeIds": [volume]}));
    until(looks, &asked, "available", holds("/Volumes/0/State", json!("available"))).await;
    let found = look(looks, &asked).await;
    assert_eq!(one(&found, "Volumes", &VOLUME)["SnapshotId"], json!(world.snapshot));
    let found = look(looks, &world.call("ec2:DescribeVolumes", json!({"Filters": by_tag}))).await;
    assert_eq!(one(&found, "Volumes", &VOLUME)["VolumeId"], volume);
    assert_eq!(act(acts, &world.call("ec2:DeleteVolume", json!({"VolumeId": volume}))).await.body, json!({}));
    until(looks, &asked, "gone", gone("InvalidVolume.NotFound")).await;

    let create = world.call(
        "ec2:CreateSnapshot",
        json!({"VolumeId": world.volume, "Description": "before",
               "TagSpecifications": [{"ResourceType": "snapshot", "Tags": tags}]}),
    );
    let made = act(acts, &create).await;
    let must = &["SnapshotId", "VolumeId", "State", "StartTime", "VolumeSize", "Tags"];
    let snapshot = shaped(&made.body, &Members { must, may: &[] })["SnapshotId"].clone();
    let mine = world.call("ec2:DescribeSnapshots", json!({"OwnerIds": ["self"], "Filters": by_tag}));
    until(looks, &mine, "completed", holds("/Snapshots/0/State", json!("completed"))).await;
    assert_eq!(one(&look(looks, &mine).await, "Snapshots", &SNAPSHOT)["SnapshotId"], snapshot);
    assert_eq!(
        act(acts, &world.call("ec2:DeleteSnapshot", json!({"SnapshotId": snapshot}))).await.body,
        json!({})
    );
    let asked = world.call("ec2:DescribeSnapshots", json!({"SnapshotIds": [snapshot]}));
    until(looks, &asked, "gone", gone("InvalidSnapshot.NotFound")).await;
}

async fn instances(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let ids = json!([world.instance]);
    let asked = world.call("ec2:DescribeInstances", json!({"InstanceIds": ids}));
    let found = look(looks, &asked).await;
    assert_eq!(one(&found, "Instances", &INSTANCE)["State"], json!({"Name": "running"}));
    let checks = json!({"InstanceIds": ids, "IncludeAllInstances": true});
    let checks = world.call("ec2:DescribeInstanceStatus", checks);
    one(&look(looks, &checks).await, "InstanceStatuses", &STATUS);
    let stopped =
        act(acts, &world.call("ec2:StopInstances", json!({"InstanceIds": ids, "Force": false}))).await;
    assert_eq!(one(&stopped, "StoppingInstances", &CHANGE)["PreviousState"], json!({"Name": "running"}));
    until(looks, &asked, "stopped", holds("/Instances/0/State/Name", json!("stopped"))).await;
    until(looks, &checks, "stopped", holds("/InstanceStatuses/0/InstanceState/Name", json!("stopped"))).await;
    let started = act(acts, &world.call("ec2:StartInstances", json!({"InstanceIds": ids}))).await;
    assert_eq!(one(&started, "StartingInstances", &CHANGE)["PreviousState"], json!({"Name": "stopped"}));
    until(looks, &asked, "running", holds("/Instances/0/State/Name", json!("running"))).await;
}

/// Returns the versions and delete markers of a key.
pub(crate) async fn versions(looks: &dyn Look, world: &World, key: &str) -> (Vec<Value>, Vec<Value>) {
    let listed = world.call("s3:ListObjectVersions", json!({"Bucket": world.bucket, "Key": key}));
    let listed = look(looks, &listed).await;
    shaped(&listed.body, &Members { must: &["Versions", "DeleteMarkers"], may: &[] });
    let all = |list: &str, members: &Members| -> Vec<Value> {
        let all = listed.body[list].as_array().expect("a list");
        all.iter().map(|one| shaped(one, members).clone()).collect()
    };
    (all("Versions", &VERSION), all("DeleteMarkers", &MARKER))
}

async fn objects(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let (bucket, key) = (&world.bucket, &world.key);
    let asked = world.call("s3:GetBucketVersioning", json!({"Bucket": bucket}));
    assert_eq!(look(looks, &asked).await.body, json!({"Status": "Enabled"}));
    let (listed, markers) = versions(looks, world, key).await;
    let sizes: Vec<_> = listed.iter().map(|one| (one["Size"].clone(), one["IsLatest"].clone())).collect();
    let [newer, older] = world.sizes;
    assert_eq!(sizes, [(json!(newer), json!(true)), (json!(older), json!(false))], "the newest first");
    assert!(markers.is_empty());
    let old = &listed[1];
    let head = |version: &Value| {
        let mut arguments = json!({"Bucket": bucket, "Key": key});
        if !version.is_null() {
            arguments["VersionId"] = version.clone();
        }
        world.call("s3:HeadObject", arguments)
    };
    let told = look(looks, &head(&Value::Null)).await;
    assert_eq!(shaped(&told.body, &HEAD)["ETag"], listed[0]["ETag"]);
    let told = look(looks, &head(&old["VersionId"])).await;
    assert_eq!((&told.body["ETag"], &told.body["ContentLength"]), (&old["ETag"], &json!(world.sizes[1])));

    let copy = world.call(
        "s3:CopyObject",
        json!({"Bucket": bucket, "Key": key, "MetadataDirective": "COPY",
               "CopySource": {"Bucket": bucket, "Key": key, "VersionId": old["VersionId"]},
               "CopySourceIfMatch": old["ETag"], "IfMatch": listed[0]["ETag"],
               "ExpectedBucketOwner": world.place.account.as_str()}),
    );
    let copied = act(acts, &copy).await;
    let told =
        shaped(&copied.body, &Members { must: &["VersionId", "CopySourceVersionId", "ETag"], may: &[] });
    assert_eq!((&told["CopySourceVersionId"], &told["ETag"]), (&old["VersionId"], &old["ETag"]));
    let (listed, _) = versions(looks, world, key).await;
    assert_eq!(listed.len(), 3, "a copy is a version more");
    assert_eq!((&listed[0]["VersionId"], &listed[0]["ETag"]), (&told["VersionId"], &old["ETag"]));

    let delete = world.call(
        "s3:DeleteObject",
        json!({"Bucket": bucket, "Key": key, "IfMatch": listed[0]["ETag"],
               "ExpectedBucketOwner": world.place.account.as_str()}),
    );
    let deleted = act(acts, &delete).await;
    let deleted = shaped(&deleted.body, &Members { must: &["DeleteMarker", "VersionId"], may: &[] });
    assert_eq!(deleted["DeleteMarker"], json!(true));
    let (listed, markers) = versions(looks, world, key).await;
    assert_eq!((listed.len(), markers.len()), (3, 1), "nothing is lost");
    assert_eq!((&markers[0]["VersionId"], &markers[0]["IsLatest"]), (&deleted["VersionId"], &json!(true)));
    let absent = looks.look(&head(&Value::Null)).await;
    assert_eq!(
        absent.err().and_then(|trouble| trouble.code().map(str::to_owned)).as_deref(),
        Some("NotFound")
    );

    let arguments = json!({"Bucket": bucket, "Key": key, "VersionId": deleted["VersionId"]});
    let undone = act(acts, &world.call("s3:DeleteObject", arguments)).await;
    assert_eq!(undone.body["VersionId"], deleted["VersionId"]);
    let told = look(looks, &head(&Value::Null)).await;
    assert_eq!(
        told.body["VersionId"], listed[0]["VersionId"],
        "what was there is there again, as the same version"
    );
    let (listed, _) = versions(looks, world, key).await;
    pages(looks, world, &listed).await;
}

/// A list by prefix is the same list, and goes on behind a version or behind a key.
async fn pages(looks: &dyn Look, world: &World, listed: &[Value]) {
    let (bucket, key) = (&world.bucket, &world.key);
    let page = async |more: Value| {
        let mut arguments = json!({"Bucket": bucket, "Prefix": key});
        for (name, value) in more.as_object().expect("arguments have names") {
            arguments[name] = value.clone();
        }
        let told = look(looks, &world.call("s3:ListObjectVersions", arguments)).await;
        shaped(&told.body, &Members { must: &["Versions", "DeleteMarkers"], may: &[] });
        told.body["Versions"].as_array().expect("a list").clone()
    };
    assert_eq!(page(json!({})).await, listed, "the same as of the key alone");
    let behind = page(json!({"KeyMarker": key, "VersionIdMarker": listed[0]["VersionId"]})).await;
    assert_eq!(behind, listed[1..]);
    assert_eq!(page(json!({"KeyMarker": key})).await, [Value::Null; 0], "all of the key is passed");
    let all = world.call("s3:ListObjectVersions", json!({"Bucket": bucket, "Prefix": ""}));
    let all = look(looks, &all).await;
    assert!(
        all.body["Versions"].as_array().is_some_and(|all| all.iter().any(|one| one["Key"] == json!(key)))
    );
}

/// Says that a call is refused by this code.
pub(crate) async fn refused(acts: &dyn Act, call: &Call, code: &str) {
    match acts.act(armed(call.clone())).await {
        Err(trouble @ CallTrouble::Refused { .. }) => {
            assert_eq!(trouble.code(), Some(code), "{}", call.line());
            assert!(trouble.is_clean());
        }
        other => panic!("{}: {other:?}", call.line()),
    }
}

/// Has every call refused that names what is not there.
pub(crate) async fn what_is_not_there_is_refused_by_its_code(
    looks: &dyn Look,
    acts: &dyn Act,
    world: &World,
) {
    let bucket = &world.bucket;
    for (operation, arguments, code) in [
        ("rds:DescribeDBInstances", json!({"DBInstanceIdentifier": "nobody"}), "DBInstanceNotFound"),
        ("rds:DescribeDBSnapshots", json!({"DBSnapshotIdentifier": "nobody"}), "DBSnapshotNotFound"),
        ("rds:DescribeDBClusters", json!({"DBClusterIdentifier": "nobody"}), "DBClusterNotFoundFault"),
        (
            "ec2:DescribeSnapshots",
            json!({"SnapshotIds": ["snap-00000000000000000"]}),
            "InvalidSnapshot.NotFound",
        ),
        ("ec2:DescribeVolumes", json!({"VolumeIds": ["vol-00000000000000000"]}), "InvalidVolume.NotFound"),
        (
            "ec2:DescribeInstances",
            json!({"InstanceIds": ["i-00000000000000000"]}),
            "InvalidInstanceID.NotFound",
        ),
        ("s3:ListObjectVersions", json!({"Bucket": format!("{bucket}-no"), "Key": "k"}), "NoSuchBucket"),
        ("s3:GetBucketVersioning", json!({"Bucket": format!("{bucket}-no")}), "NoSuchBucket"),
        ("s3:HeadObject", json!({"Bucket": bucket, "Key": "nobody"}), "NotFound"),
    ] {
        let call = world.call(operation, arguments);
        match looks.look(&call).await {
            Err(trouble @ CallTrouble::Refused { .. }) => {
                assert_eq!(trouble.code(), Some(code), "{operation}");
            }
            other => panic!("{operation}: {other:?}"),
        }
    }
    let volume =
        json!({"SnapshotId": "snap-00000000000000000", "AvailabilityZone": world.zone, "ClientToken": "t"});
    let copy = json!({"Bucket": bucket, "Key": "k", "CopySource": {"Bucket": bucket, "Key": "nobody"}});
    let over = json!({"DBClusterIdentifier": "nobody"});
    let restore = json!({"DBInstanceIdentifier": "back", "DBSnapshotIdentifier": "nobody"});
    let delete = json!({"DBInstanceIdentifier": "nobody", "SkipFinalSnapshot": true});
    for (operation, arguments, code) in [
        ("rds:RestoreDBInstanceFromDBSnapshot", restore, "DBSnapshotNotFound"),
        ("rds:ModifyDBInstance", json!({"DBInstanceIdentifier": "nobody"}), "DBInstanceNotFound"),
        ("rds:DeleteDBInstance", delete, "DBInstanceNotFound"),
        ("rds:FailoverDBCluster", over, "DBClusterNotFoundFault"),
        ("ec2:CreateVolume", volume, "InvalidSnapshot.NotFound"),
        ("ec2:DeleteVolume", json!({"VolumeId": "vol-00000000000000000"}), "InvalidVolume.NotFound"),
        ("ec2:CreateSnapshot", json!({"VolumeId": "vol-00000000000000000"}), "InvalidVolume.NotFound"),
        ("ec2:DeleteSnapshot", json!({"SnapshotId": "snap-00000000000000000"}), "InvalidSnapshot.NotFound"),
        ("ec2:StopInstances", json!({"InstanceIds": ["i-00000000000000000"]}), "InvalidInstanceID.NotFound"),
        ("ec2:StartInstances", json!({"InstanceIds": ["i-00000000000000000"]}), "InvalidInstanceID.NotFound"),
        ("s3:CopyObject", copy, "NoSuchKey"),
        ("s3:DeleteObject", json!({"Bucket": format!("{bucket}-no"), "Key": "k"}), "NoSuchBucket"),
    ] {
        refused(acts, &world.call(operation, arguments), code).await;
    }
}

/// Says that an argument that no operation has is never left out silently, and that no look changes anything.
pub(crate) async fn nothing_is_dropped_silently(looks: &dyn Look, acts: &dyn Act, world: &World) {
    let is_not_sent = |told: Result<Reply, CallTrouble>, part: &str| match told {
        Err(CallTrouble::NotSent(says)) => assert!(says.as_str().contains(part), "{says}"),
        other => panic!("{part}: {other:?}"),
    };
    let call =
        world.call("rds:DescribeDBInstances", json!({"DBInstanceIdentifier": world.database, "Marker": "m"}));
    is_not_sent(looks.look(&call).await, "rds:DescribeDBInstances has no argument Marker");
    let call =
        world.call("s3:DeleteObject", json!({"Bucket": world.bucket, "Key": world.key, "VersionID": "v"}));
    is_not_sent(acts.act(armed(call.clone())).await, "s3:DeleteObject has no argument VersionID");
    is_not_sent(looks.look(&call).await, "s3:DeleteObject");
    let call =
        world.call("s3:ListObjectVersions", json!({"Bucket": world.bucket, "Prefix": "", "MaxKeys": 1}));
    is_not_sent(looks.look(&call).await, "s3:ListObjectVersions has no argument MaxKeys");
    let call = world.call("rds:DescribeDBInstances", json!({"DBInstanceIdentifier": world.database}));
    is_not_sent(acts.act(armed(call)).await, "rds:DescribeDBInstances");
    let call =
        world.call("ec2:CreateVolume", json!({"SnapshotId": world.snapshot, "AvailabilityZone": world.zone}));
    is_not_sent(acts.act(armed(call)).await, "ClientToken");
    let call = world.call("rds:RebootDBInstance", json!({"DBInstanceIdentifier": world.database}));
    is_not_sent(acts.act(armed(call.clone())).await, "rds:RebootDBInstance");
    is_not_sent(looks.look(&call).await, "rds:RebootDBInstance");
}
