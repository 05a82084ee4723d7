//! What only reads sends nothing else: the table of operations, the code that calls them, and the wire.

use crate::support::account::{Account, DR, HOME, block_on};
use crate::support::files;
use lifeboat::domain::action::ActionClass;
use lifeboat::domain::place::Place;
use lifeboat::provider::aws::operation::{OPERATIONS, Operation, Service};
use lifeboat::provider::aws::{ReadOnlyGuard, Site, timeouts};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::future::Future;
use std::io::Read;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// Files whose calls are not made by a reader: `login` opens sessions, before there is anything to read with.
const NOT_READERS: [&str; 1] = ["login.rs"];

/// The service of each client of a site.
const CLIENTS: [(&str, Service); 14] = [
    ("backup", Service::Backup),
    ("cloudwatch", Service::Cloudwatch),
    ("dlm", Service::Dlm),
    ("dynamodb", Service::Dynamodb),
    ("ec2", Service::Ec2),
    ("eks", Service::Eks),
    ("elb", Service::Elb),
    ("iam", Service::Iam),
    ("kms", Service::Kms),
    ("rds", Service::Rds),
    ("route53", Service::Route53),
    ("s3", Service::S3),
    ("sts", Service::Sts),
    ("tagging", Service::Tagging),
];

/// Returns the name of an operation as the SDK's methods have it: words with capitals only where a word begins.
fn letters(name: &str) -> String {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// Who calls: a client that reads, or one that was made for an armed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Reader,
    Actor,
}

/// Returns the operations that a source calls, by client and method, and how many calls it sends.
fn calls(text: &str) -> (Vec<(By, Service, String)>, usize) {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code: String = code.split_whitespace().collect();
    let word =
        |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for (client, service) in CLIENTS {
        // `reader.site.rds().describe_…()`, or `let rds = reader.site.rds();` and then `rds.describe_…()`.
        let direct = format!(".site.{client}()");
        for (at, _) in code.match_indices(&direct) {
            let rest = &code[at + direct.len()..];
            match rest.strip_prefix('.') {
                Some(rest) => found.push((By::Reader, service, word(rest))),
                None => {
                    assert!(rest.starts_with(';'), "this use of {client} is not understood: {rest:.60}");
                }
            }
        }
        if code.contains(&format!("{direct};")) {
            for (at, _) in code.match_indices(&format!("{client}.")) {
                let before = code[..at].chars().next_back();
                if before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_' && c != '.') {
                    found.push((By::Reader, service, word(&code[at + client.len() + 1..])));
                }
            }
        }
        let acting = format!(".acting.{client}().");
        for (at, _) in code.match_indices(&acting) {
            found.push((By::Actor, service, word(&code[at + acting.len()..])));
        }
    }
    (found, code.matches(".send()").count())
}

#[test]
fn every_call_stands_in_the_table_as_a_read_and_every_read_is_called() {
    let (mut wrong, mut called) = (Vec::new(), BTreeSet::new());
    for path in files("src/provider/aws", ".rs") {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        if NOT_READERS.contains(&name.as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source can be read");
        let (found, sent) = calls(text.split("#[cfg(test)]").next().unwrap_or_default());
        if found.len() != sent {
            wrong.push(format!(
                "{name} sends {sent} calls, of which {} were understood: {found:?}",
                found.len()
            ));
        }
        for (by, service, method) in found {
            let of_it =
                |known: &&&Operation| known.service == service && letters(known.name) == letters(&method);
            match OPERATIONS.iter().find(of_it) {
                None => {
                    wrong.push(format!("{name} calls {method} of {service:?}, which is not in the table"));
                }
                Some(known) if (known.class == ActionClass::Read) != (by == By::Reader) => {
                    wrong.push(format!("{name}: a {by:?} calls {}, which is {:?}", known.name, known.class));
                }
                Some(known) => drop(called.insert(known.source())),
            }
        }
    }
    let reads = OPERATIONS.iter().filter(|known| known.class == ActionClass::Read);
    for known in reads {
        if !called.contains(&known.source()) {
            wrong.push(format!("{} is in the table as a read and nothing calls it", known.source()));
        }
    }
    println!("{} reads are called", called.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_operation_twice() {
    let mut seen = BTreeMap::new();
    for known in OPERATIONS {
        let before = seen.insert((known.service.sdk_name(), known.name), known.class);
        assert_eq!(before, None, "{} stands there twice", known.source());
        assert!(!known.permissions.is_empty(), "{} needs no permission?", known.source());
    }
}

type Sent<'a> = Pin<Box<dyn Future<Output = String> + 'a>>;

/// Returns the whole error of a call, or what it brought if it was let through.
async fn told<T: std::fmt::Debug, E: Error>(sent: impl Future<Output = Result<T, E>>) -> String {
    match sent.await {
        Ok(answer) => format!("it was let through: {answer:?}"),
        Err(error) => {
            let mut told = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                told = format!("{told}: {error}");
                cause = error.source();
            }
            told
        }
    }
}

macro_rules! sent {
    ($site:ident: $($service:literal $name:literal = $client:ident $method:ident $(($set:ident))*;)*) => {
        vec![$((format!("{}.{}", $service, $name), Box::pin(told($site.$client().$method()$(.$set("it"))*.send())) as Sent<'_>),)*]
    };
}

/// Returns every operation that would change something, and some that the table does not know, on their way.
fn forbidden(site: &Site) -> Vec<(String, Sent<'_>)> {
    let mut all = sent! { site:
        "RDS" "CreateDBSnapshot" = rds create_db_snapshot;
        "RDS" "CopyDBSnapshot" = rds copy_db_snapshot;
        "RDS" "RestoreDBInstanceFromDBSnapshot" = rds restore_db_instance_from_db_snapshot;
        "RDS" "RestoreDBInstanceToPointInTime" = rds restore_db_instance_to_point_in_time;
        "RDS" "ModifyDBInstance" = rds modify_db_instance;
        "RDS" "DeleteDBInstance" = rds delete_db_instance;
        "RDS" "PromoteReadReplica" = rds promote_read_replica;
        "RDS" "CreateDBClusterSnapshot" = rds create_db_cluster_snapshot;
        "RDS" "RestoreDBClusterFromSnapshot" = rds restore_db_cluster_from_snapshot;
        "RDS" "RestoreDBClusterToPointInTime" = rds restore_db_cluster_to_point_in_time;
        "RDS" "CreateDBInstance" = rds create_db_instance;
        "RDS" "FailoverDBCluster" = rds failover_db_cluster;
        "RDS" "SwitchoverGlobalCluster" = rds switchover_global_cluster;
        "RDS" "FailoverGlobalCluster" = rds failover_global_cluster;
        "RDS" "RemoveFromGlobalCluster" = rds remove_from_global_cluster;
        "RDS" "DeleteDBSnapshot" = rds delete_db_snapshot;
        "RDS" "ModifyDBSnapshotAttribute" = rds modify_db_snapshot_attribute;
        "RDS" "CreateDBInstanceReadReplica" = rds create_db_instance_read_replica;
        "RDS" "CopyDBClusterSnapshot" = rds copy_db_cluster_snapshot;
        "RDS" "DeleteDBClusterSnapshot" = rds delete_db_cluster_snapshot;
        "RDS" "CreateDBCluster" = rds create_db_cluster;
        "RDS" "ModifyDBCluster" = rds modify_db_cluster;
        "RDS" "DeleteDBCluster" = rds delete_db_cluster;
        "S3" "CopyObject" = s3 copy_object (bucket) (key) (copy_source);
        "S3" "CreateMultipartUpload" = s3 create_multipart_upload (bucket) (key);
        "S3" "CompleteMultipartUpload" = s3 complete_multipart_upload (bucket) (key) (upload_id);
        "S3" "AbortMultipartUpload" = s3 abort_multipart_upload (bucket) (key) (upload_id);
        "S3" "DeleteObject" = s3 delete_object (bucket) (key);
        "S3" "CreateBucket" = s3 create_bucket (bucket);
        "S3" "DeleteBucket" = s3 delete_bucket (bucket);
        "S3" "PutBucketVersioning" = s3 put_bucket_versioning (bucket);
        "S3" "PutBucketLifecycleConfiguration" = s3 put_bucket_lifecycle_configuration (bucket);
        "S3" "PutBucketPolicy" = s3 put_bucket_policy (bucket);
        "S3" "DeleteBucketPolicy" = s3 delete_bucket_policy (bucket);
        "S3" "PutPublicAccessBlock" = s3 put_public_access_block (bucket);
        "S3" "PutBucketEncryption" = s3 put_bucket_encryption (bucket);
        "IAM" "PutRolePolicy" = iam put_role_policy;
        "IAM" "DeleteRolePolicy" = iam delete_role_policy;
        "DynamoDB" "CreateBackup" = dynamodb create_backup (table_name);
        "DynamoDB" "RestoreTableFromBackup" = dynamodb restore_table_from_backup (target_table_name);
        "DynamoDB" "RestoreTableToPointInTime" = dynamodb restore_table_to_point_in_time (target_table_name);
        "DynamoDB" "UpdateContinuousBackups" = dynamodb update_continuous_backups (table_name);
        "DynamoDB" "UpdateTimeToLive" = dynamodb update_time_to_live (table_name);
        "DynamoDB" "UpdateTable" = dynamodb update_table (table_name);
        "DynamoDB" "TagResource" = dynamodb tag_resource (resource_arn);
        "DynamoDB" "UntagResource" = dynamodb untag_resource (resource_arn);
        "DynamoDB" "DeleteTable" = dynamodb delete_table (table_name);
        "DynamoDB" "DeleteBackup" = dynamodb delete_backup (backup_arn);
        "Route 53" "ChangeResourceRecordSets" = route53 change_resource_record_sets;
        "Route 53" "UpdateHealthCheck" = route53 update_health_check;
        "Backup" "StartBackupJob" = backup start_backup_job;
        "Backup" "StartRestoreJob" = backup start_restore_job;
        "Backup" "StartCopyJob" = backup start_copy_job;
        // None of these is in the table, be it harmless by its name or not.
        "RDS" "DeleteGlobalCluster" = rds delete_global_cluster;
        "S3" "PutObject" = s3 put_object (bucket) (key);
        "S3" "GetObjectAcl" = s3 get_object_acl (bucket) (key);
        "DynamoDB" "PutItem" = dynamodb put_item (table_name);
        "DynamoDB" "Query" = dynamodb query (table_name);
        "STS" "AssumeRole" = sts assume_role;
        "STS" "GetSessionToken" = sts get_session_token;
        "KMS" "Decrypt" = kms decrypt;
        "IAM" "CreateAccessKey" = iam create_access_key;
        "EKS" "DeleteCluster" = eks delete_cluster;
        "CloudWatch" "DisableAlarmActions" = cloudwatch disable_alarm_actions;
        "Elastic Load Balancing v2" "DeregisterTargets" = elb deregister_targets;
        "DLM" "DeleteLifecyclePolicy" = dlm delete_lifecycle_policy;
        "Resource Groups Tagging API" "TagResources" = tagging tag_resources;
    };
    let part =
        site.s3().upload_part_copy().bucket("it").key("it").upload_id("it").copy_source("it").part_number(1);
    all.push(("S3.UploadPartCopy".to_owned(), Box::pin(told(part.send())) as Sent<'_>));
    #[cfg(feature = "aws-compute")]
    all.extend(sent! { site:
        "EC2" "CreateSnapshot" = ec2 create_snapshot;
        "EC2" "DeleteSnapshot" = ec2 delete_snapshot;
        "EC2" "DeleteVolume" = ec2 delete_volume;
        "EC2" "CreateVolume" = ec2 create_volume;
        "EC2" "AttachVolume" = ec2 attach_volume;
        "EC2" "DetachVolume" = ec2 detach_volume;
        "EC2" "CreateImage" = ec2 create_image;
        "EC2" "RunInstances" = ec2 run_instances;
        "EC2" "StartInstances" = ec2 start_instances;
        "EC2" "StopInstances" = ec2 stop_instances;
        "EC2" "TerminateInstances" = ec2 terminate_instances;
        "EC2" "DeregisterImage" = ec2 deregister_image;
        "EC2" "CopyImage" = ec2 copy_image;
        "EC2" "CopySnapshot" = ec2 copy_snapshot;
        "EC2" "RestoreSnapshotTier" = ec2 restore_snapshot_tier;
        "EC2" "LockSnapshot" = ec2 lock_snapshot;
        "EC2" "UnlockSnapshot" = ec2 unlock_snapshot;
    });
    all
}

/// Returns the clients of an account, called at an address.
async fn site(account: &Account<'_>, url: &str) -> Arc<Site> {
    let estate =
        crate::support::account::load(&account.estate_at("it: { kind: s3-bucket, select: { id: it } }", url));
    let connections = account.connections(&estate);
    let place = Place::new(&account.number, HOME);
    connections.site(&"production".into(), &place).await.expect("it logs in")
}

/// Sends all that is forbidden, and says what was not refused by its name.
async fn refused(site: &Site) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, sent) in forbidden(site) {
        let told = sent.await;
        if !told.contains(&format!("{name} is refused: this session only reads")) {
            wrong.push(format!("{name}: {told}"));
        }
    }
    wrong
}

#[test]
fn what_is_not_a_read_is_refused_by_its_name_and_no_call_arrives() {
    let account = Account::shared();
    block_on(async {
        let site = site(&account, &account.gear.url()).await;
        let tried: BTreeSet<String> = forbidden(&site).into_iter().map(|(name, _)| name).collect();
        let changes = OPERATIONS.iter().filter(|known| known.class != ActionClass::Read);
        let left: Vec<String> = changes
            .filter(|known| known.service != Service::Ec2 || cfg!(feature = "aws-compute"))
            .map(|known| format!("{}.{}", known.service.sdk_name(), known.name))
            .filter(|name| !tried.contains(name))
            .collect();
        assert!(left.is_empty(), "nobody tries these here: {left:?}");
        let wrong = refused(&site).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert_eq!(account.calls().len(), 0, "calls arrived: {:?}", account.calls());
        // The same clients do reach the server: a read arrives, and is the first call.
        site.sts().get_caller_identity().send().await.expect("a read is let through");
        assert_eq!(account.calls().len(), 1, "{:?}", account.calls());
        println!("{} operations were refused", tried.len());
    });
}

#[test]
fn of_what_is_refused_not_a_byte_leaves() {
    let account = Account::shared();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.set_nonblocking(true).expect("it need not wait");
    let url = format!("http://{}", listener.local_addr().expect("it has an address"));
    block_on(async {
        let site = site(&account, &url).await;
        let wrong = refused(&site).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let came = listener.accept();
        assert!(came.is_err(), "somebody connected: {came:?}");
        // A read does connect, and writes: what would have been seen, is.
        let read = site.sts().get_caller_identity().send();
        let _ = tokio::time::timeout(Duration::from_millis(500), read).await;
    });
    let (mut stream, _) = listener.accept().expect("a read connects");
    let mut bytes = [0; 4];
    stream.set_nonblocking(false).expect("it may wait");
    stream.read_exact(&mut bytes).expect("a read writes");
    assert_eq!(&bytes, b"POST", "a read writes a request");
}

#[test]
fn a_client_of_another_region_refuses_as_well() {
    let account = Account::shared();
    block_on(async {
        let estate = account.estate("it: { kind: s3-bucket, select: { id: it } }");
        let connections = account.connections(&estate);
        let place = Place::new(&account.number, DR);
        let site = connections.site(&"production".into(), &place).await.expect("it logs in");
        let wrong = refused(&site).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
    assert_eq!(account.calls().len(), 0);
}

#[test]
fn a_name_that_only_looks_like_a_read_is_not_one() {
    for (service, operation) in [
        ("RDS", "DescribeDBInstance"),
        ("rds", "DescribeDBInstances"),
        ("S3", ""),
        ("", ""),
        ("EC2", "DescribeDBInstances"),
    ] {
        let refused = ReadOnlyGuard::permit(service, operation).expect_err("it is not in the table");
        assert_eq!(refused.operation, format!("{service}.{operation}"));
    }
    ReadOnlyGuard::permit("RDS", "DescribeDBInstances").expect("it is in the table");
}

#[test]
fn clients_have_all_time_limits_and_try_once() {
    let limits = timeouts();
    for (what, limit) in [
        ("connecting", limits.connect_timeout()),
        ("reading", limits.read_timeout()),
        ("an attempt", limits.operation_attempt_timeout()),
        ("an operation", limits.operation_timeout()),
    ] {
        let limit = limit.unwrap_or_else(|| panic!("{what} may take for ever"));
        assert!(limit <= Duration::from_secs(10), "{what} may take {limit:?}");
    }
    let account = Account::shared();
    block_on(async {
        let site = site(&account, &account.gear.url()).await;
        let built = [
            ("rds", site.rds().config().retry_config(), site.rds().config().timeout_config()),
            ("s3", site.s3().config().retry_config(), site.s3().config().timeout_config()),
            ("sts", site.sts().config().retry_config(), site.sts().config().timeout_config()),
        ];
        for (client, retries, limits) in built {
            let retries = retries.unwrap_or_else(|| panic!("{client} was told nothing of trying again"));
            assert_eq!(retries.max_attempts(), 1, "{client} tries again, which only the reader does");
            let limits = limits.unwrap_or_else(|| panic!("{client} has no time limits"));
            assert_eq!(
                limits.operation_attempt_timeout(),
                timeouts().operation_attempt_timeout(),
                "{client}"
            );
            assert_eq!(limits.operation_timeout(), timeouts().operation_timeout(), "{client}");
            assert_eq!(limits.connect_timeout(), timeouts().connect_timeout(), "{client}");
            assert_eq!(limits.read_timeout(), timeouts().read_timeout(), "{client}");
        }
    });
}
