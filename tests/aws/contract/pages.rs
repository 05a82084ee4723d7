//! Answers of AWS in two pages, for each row of the contract, and what stands on the second.

use super::rows::Row;
use super::suite::Paged;
use crate::support::account::{Account, HOME, ago};
use lifeboat::domain::kind::Kind;
use serde_json::{Value, json};

/// How many points there are where they come in pages: two, and one.
const POINTS: usize = 3;

/// Returns what is expected of a list of points.
pub(super) fn paged(row: Row) -> Option<Paged> {
    let Row::Points(kind) = row else { return None };
    // One list of a Region or zone serves all who ask, and copies of a cluster's snapshots are dated by all of them.
    let is_shown = !matches!(kind, Kind::RdsCluster | Kind::Ec2Instance | Kind::DnsRecord);
    Some(Paged { points: POINTS, is_shown })
}

/// Returns what the second page adds to a condition; nothing where the thing itself stands there.
pub(super) fn holds(row: Row) -> Vec<String> {
    let Row::Condition(kind) = row else { return Vec::new() };
    match kind {
        Kind::S3Bucket => vec!["120 objects were deleted".to_owned()],
        Kind::DynamodbTable => vec!["Tag first=1".to_owned(), "Tag second=2".to_owned()],
        Kind::BackupVault => {
            vec!["backup-job-failed".to_owned(), "in no vault: vol-7, vol-8".to_owned()]
        }
        Kind::EksCluster => vec!["NodeGroup first".to_owned(), "NodeGroup second".to_owned()],
        Kind::Service => (0..101).map(|nth| format!("alarm-{nth:03} does not exist")).collect(),
        _ => Vec::new(),
    }
}

/// Has the list of a row answered in two pages.
pub(super) fn lay(account: &Account<'_>, row: Row) {
    match row {
        Row::Points(kind) => points(account, kind),
        Row::Condition(kind) => condition(account, kind),
        Row::Key => {
            let state = json!({"KeyMetadata": {"KeyId": "0", "KeyState": "Enabled"}});
            account.stub("kms", "DescribeKey", None, &[state]);
        }
        Row::States | Row::BackendStates => {
            let is_one = row == Row::States;
            let page = |from: usize, is_truncated: bool| {
                let version = |nth: usize| {
                    let key = if is_one { "core.tfstate".to_owned() } else { format!("{nth:02}.tfstate") };
                    json!({"Key": key, "VersionId": format!("v{nth}"), "IsLatest": !is_one || nth == 0, "Size": 9,
                        "LastModified": ago(60 * i64::try_from(nth).expect("it is small")), "ETag": "\"0\""})
                };
                let versions: Vec<Value> = (from..from + 6).map(version).collect();
                json!({"Versions": versions, "IsTruncated": is_truncated})
            };
            account.stub("s3", "ListObjectVersions", None, &[page(0, true), page(6, false)]);
            account.stub("dynamodb", "Scan", None, &[json!({"Items": []})]);
        }
        Row::BackendLocks => {
            account.stub("s3", "ListObjectsV2", None, &[json!({"IsTruncated": false})]);
            let page = |nth: usize| {
                let record = json!({"ID": format!("i{nth}"), "Who": "somebody@here", "Created": ago(60)});
                json!({"Items": [{"LockID": {"S": format!("states/{nth}.tfstate")},
                    "Info": {"S": record.to_string()}}]})
            };
            account.stub("dynamodb", "Scan", None, &[page(1), page(2)]);
        }
        Row::Locks | Row::Identity | Row::Proofs => {}
    }
}

fn points(account: &Account<'_>, kind: Kind) {
    let lay = |service, operation, list: &str, one: &dyn Fn(usize) -> Value| {
        let page = |ones: &[usize]| json!({list: ones.iter().map(|nth| one(*nth)).collect::<Vec<_>>()});
        account.stub(service, operation, None, &[page(&[1, 2]), page(&[3])]);
    };
    let at = |nth: usize| ago(3600 * i64::try_from(nth).expect("it is small"));
    match kind {
        Kind::RdsInstance => lay("rds", "DescribeDBSnapshots", "DBSnapshots", &|nth| {
            json!({"DBSnapshotIdentifier": format!("s-{nth}"), "DBInstanceIdentifier": "paged",
                "Status": "available", "SnapshotCreateTime": at(nth)})
        }),
        Kind::RdsCluster => lay("rds", "DescribeDBClusterSnapshots", "DBClusterSnapshots", &|nth| {
            json!({"DBClusterSnapshotIdentifier": format!("s-{nth}"), "DBClusterIdentifier": "paged",
                "Status": "available", "SnapshotCreateTime": at(nth)})
        }),
        Kind::Ec2Instance => lay("ec2", "DescribeImages", "Images", &|nth| {
            json!({"ImageId": format!("ami-{nth}"), "SourceInstanceId": "i-0abc", "State": "available",
                "CreationDate": at(nth)})
        }),
        Kind::EbsVolume => lay("ec2", "DescribeSnapshots", "Snapshots", &|nth| {
            json!({"SnapshotId": format!("snap-{nth}"), "VolumeId": "vol-0abc", "State": "completed",
                "StartTime": at(nth), "VolumeSize": 8})
        }),
        Kind::DynamodbTable => {
            lay("dynamodb", "ListBackups", "BackupSummaries", &|nth| {
                json!({"TableName": "paged", "BackupName": format!("b-{nth}"), "BackupStatus": "AVAILABLE",
                    "BackupType": "USER", "BackupCreationDateTime": at(nth),
                    "BackupArn": format!("arn:aws:dynamodb:{HOME}:{}:table/paged/backup/{nth}", account.number)})
            });
        }
        Kind::BackupVault => {
            vault(account);
            lay("backup", "ListRecoveryPointsByBackupVault", "RecoveryPoints", &|nth| {
                json!({"RecoveryPointArn": format!("arn:aws:backup:{HOME}:{}:recovery-point:{nth}", account.number),
                    "Status": "COMPLETED", "CreationDate": at(nth)})
            });
        }
        Kind::DnsRecord => records(account),
        _ => {}
    }
}

fn vault(account: &Account<'_>) {
    let vault = json!({"BackupVaultName": "paged", "CreationDate": ago(86_400), "Locked": false});
    account.stub("backup", "DescribeBackupVault", None, &[vault]);
}

/// Three values of one record, of which the last stands on the second page.
fn records(account: &Account<'_>) {
    let page = |sets: &[&str], is_truncated: bool| {
        let record = |set: &&str| {
            json!({"Name": "www.gear.example.", "Type": "A", "SetIdentifier": set, "Weight": 1, "TTL": 60,
                "ResourceRecords": [{"Value": "192.0.2.1"}]})
        };
        let records: Vec<Value> = sets.iter().map(record).collect();
        let mut page = json!({"ResourceRecordSets": records, "IsTruncated": is_truncated, "MaxItems": "300"});
        if is_truncated {
            page["NextRecordName"] = json!("www.gear.example.");
        }
        page
    };
    let pages = [page(&["first", "second"], true), page(&["third"], false)];
    account.stub("route53", "ListResourceRecordSets", None, &pages);
}

/// Two backup plans, each with two selections by tag, of which the last of each chooses a volume that no vault holds.
fn chosen_by_tags(account: &Account<'_>) {
    let plan = |id: &str| json!({"BackupPlansList": [{"BackupPlanId": id}]});
    account.stub("backup", "ListBackupPlans", None, &[plan("7"), plan("8")]);
    let post = |operation: &str, pages: &[Value], of: Value| {
        let stub = json!({"service": "backup", "operation": operation, "pages": pages, "match": of});
        account.post("stub", stub);
    };
    for plan in ["7", "8"] {
        let page = |id: &str| json!({"BackupSelectionsList": [{"SelectionId": format!("{plan}-{id}")}]});
        post("ListBackupSelections", &[page("nothing"), page("volume")], json!({"BackupPlanId": plan}));
        let tag = json!({"ConditionType": "STRINGEQUALS", "ConditionKey": "plan", "ConditionValue": plan});
        let selection = json!({"SelectionName": "by tag", "IamRoleArn": "role", "ListOfTags": [tag]});
        let of = json!({"SelectionId": format!("{plan}-volume")});
        post("GetBackupSelection", &[json!({"BackupSelection": selection})], of);
    }
    let arn = |nth: &str| format!("arn:aws:ec2:{HOME}:{}:volume/vol-{nth}", account.number);
    let page = |nth: &str| json!({"ResourceTagMappingList": [{"ResourceARN": arn(nth)}]});
    for plan in ["7", "8"] {
        let of = json!({"TagFilters": [{"Key": "plan", "Values": [plan]}]});
        let stub = json!({"service": "resourcegroupstaggingapi", "operation": "GetResources",
            "pages": [page(plan)], "match": of});
        account.post("stub", stub);
    }
}

fn condition(account: &Account<'_>, kind: Kind) {
    let stub = |service, operation, pages: &[Value]| account.stub(service, operation, None, pages);
    match kind {
        Kind::RdsInstance => {
            let page = |id: &str| json!({"DBInstances": [{"DBInstanceIdentifier": id, "DBInstanceStatus": "available"}]});
            stub("rds", "DescribeDBInstances", &[page("another"), page("paged")]);
        }
        Kind::RdsCluster => {
            let member = json!({"DBInstanceIdentifier": "one", "IsClusterWriter": true});
            let page = |id: &str| {
                json!({"DBClusters": [{"DBClusterIdentifier": id, "Status": "available",
                    "DBClusterMembers": [member]}]})
            };
            stub("rds", "DescribeDBClusters", &[page("another"), page("paged")]);
        }
        Kind::Ec2Instance => {
            let page = |id: &str| json!({"Reservations": [{"Instances": [{"InstanceId": id, "State": {"Name": "running"}}]}]});
            stub("ec2", "DescribeInstances", &[page("i-0aaa"), page("i-0abc")]);
        }
        Kind::EbsVolume => {
            let page = |id: &str| json!({"Volumes": [{"VolumeId": id, "State": "in-use"}]});
            stub("ec2", "DescribeVolumes", &[page("vol-0aaa"), page("vol-0abc")]);
        }
        Kind::S3Bucket => {
            stub("s3", "GetBucketVersioning", &[json!({"Status": "Enabled"})]);
            stub("s3", "GetBucketVersioning", &[json!({"Status": "Enabled"})]);
            let page = |from: usize, is_truncated: bool| {
                let marker = |nth| {
                    json!({"Key": format!("invoices/{nth}"), "VersionId": "1", "IsLatest": true,
                        "LastModified": ago(60)})
                };
                let markers: Vec<Value> = (from..from + 60).map(marker).collect();
                json!({"DeleteMarkers": markers, "IsTruncated": is_truncated})
            };
            stub("s3", "ListObjectVersions", &[page(0, true), page(60, false)]);
        }
        Kind::DynamodbTable => {
            let arn = format!("arn:aws:dynamodb:{HOME}:{}:table/paged", account.number);
            let table = json!({"TableName": "paged", "TableStatus": "ACTIVE", "TableArn": arn});
            stub("dynamodb", "DescribeTable", &[json!({"Table": table})]);
            let off = json!({"ContinuousBackupsStatus": "ENABLED"});
            stub("dynamodb", "DescribeContinuousBackups", &[json!({"ContinuousBackupsDescription": off})]);
            let off = json!({"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}});
            stub("dynamodb", "DescribeTimeToLive", &[off]);
            let page = |key: &str, value: &str| json!({"Tags": [{"Key": key, "Value": value}]});
            stub("dynamodb", "ListTagsOfResource", &[page("first", "1"), page("second", "2")]);
        }
        Kind::BackupVault => {
            vault(account);
            let job = |nth: usize, state: &str| {
                json!({"State": state, "ResourceArn": format!("arn:aws:ec2:{HOME}:1:volume/vol-{nth}"),
                    "CreationDate": ago(600), "CompletionDate": ago(300)})
            };
            let page = |list: &str, nth: usize, state: &str| json!({list: [job(nth, state)]});
            let jobs = "BackupJobs";
            stub("backup", "ListBackupJobs", &[page(jobs, 1, "COMPLETED"), page(jobs, 2, "FAILED")]);
            chosen_by_tags(account);
        }
        Kind::DnsRecord => records(account),
        Kind::EksCluster => {
            let cluster = json!({"name": "paged", "status": "ACTIVE"});
            stub("eks", "DescribeCluster", &[json!({"cluster": cluster})]);
            let page = |name: &str| json!({"nodegroups": [name]});
            stub("eks", "ListNodegroups", &[page("first"), page("second")]);
            for name in ["first", "second"] {
                let group = json!({"nodegroup": {"nodegroupName": name, "status": "ACTIVE"}});
                account.post(
                    "stub",
                    json!({"service": "eks", "operation": "DescribeNodegroup", "pages": [group],
                        "match": {"nodegroupName": name}}),
                );
            }
        }
        // The names of alarms are asked for a hundred at a time; none of these exists.
        _ => {}
    }
}
