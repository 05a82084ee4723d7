//! Facts of AWS that a naive reader gets wrong: each is planted where it changes the verdict or the figure.
//!
//! Every test says what the naive reader would say, and what the promise would then be worth.

use crate::support::account::{Account, DR, HOME, Judged, ago, earlier_by, secs};
use jiff::Timestamp;
use lifeboat::domain::condition::Condition;
use lifeboat::domain::readiness::{Loss, RecoveryTime, Verdict};
use lifeboat::domain::reading::{Capability, Fact};
use lifeboat::domain::recovery_point::Holds;
use lifeboat::domain::scope::FailureScope::{self, Local, Region};
use serde_json::{Value, json};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// The moment to which a recovery goes back, and the one that a naive reader takes for it.
struct Moments<'a> {
    right: Timestamp,
    naive: Timestamp,
    /// What the naive reader does.
    by: &'a str,
}

impl Moments<'_> {
    /// Says that lifeboat goes back to the right moment, with the verdict that follows from it, and that the naive
    /// reader comes to another one.
    fn assert(&self, judged: &Judged, scope: FailureScope, right: Verdict) {
        let said = judged.of("it", scope);
        let naive = loss(judged, self.naive);
        let by = format!("{} says {naive} s are lost: {}", self.by, said.rpo.reason);
        let Loss::Span(lost) = said.rpo.possible else {
            panic!("{:?} is lost, not the time since {}; {by}", said.rpo.possible, self.right);
        };
        let off = lost.as_secs().abs_diff(loss(judged, self.right));
        assert!(off <= 1, "{} s are lost, not those since {}; {by}", lost.as_secs(), self.right);
        assert_ne!(self.right, self.naive, "the plant makes no difference; {by}");
        assert_eq!(said.rpo.verdict, right, "{by}");
        let limit = said.rpo.limit.expect("an RPO was promised").as_secs();
        let verdict = match naive {
            lost if lost > limit => Verdict::Breached,
            lost if lost * 5 >= limit * 4 => Verdict::AtRisk,
            _ => Verdict::Met,
        };
        assert_ne!(verdict, right, "the naive reader comes to the same verdict; {by}");
    }
}

fn loss(judged: &Judged, since: Timestamp) -> u64 {
    u64::try_from(judged.now.duration_since(since).as_secs()).expect("it lies in the past")
}

/// Returns a component called `it` with an RPO and nothing else promised.
fn component(kind: &str, id: &str, scope: FailureScope, rpo: &str) -> String {
    format!(
        "it:\n  kind: {kind}\n  select: {{ id: \"{id}\" }}\n  objectives: {{ {}: {{ rpo: {rpo}, rto: none }} }}\n",
        scope.name()
    )
}

fn condition(judged: &Judged) -> Condition {
    let it = judged.estate.component(&"it".into()).expect("it is in the estate");
    let reading = judged.snapshot.readings.of(&it.id, &it.home, Capability::Condition);
    match reading.and_then(|reading| reading.held.as_ref()).map(|held| &held.fact) {
        Some(Fact::Condition(condition)) => condition.clone(),
        other => panic!("its condition was not read: {other:?}, {reading:?}"),
    }
}

fn incidents(judged: &Judged, code: &str) -> Vec<String> {
    let all = condition(judged).incidents;
    all.iter().filter(|one| one.code.as_str() == code).map(|one| one.says.to_string()).collect()
}

/// A living instance whose window ends at `latest`.
fn instance(account: &Account<'_>, latest: Timestamp) {
    let own = json!({"DBInstanceIdentifier": "orders", "DBInstanceStatus": "available",
        "BackupRetentionPeriod": 7, "LatestRestorableTime": latest});
    account.stub("rds", "DescribeDBInstances", Some(HOME), &[json!({"DBInstances": [own]})]);
}

fn automated(account: &Account<'_>, region: &str, earliest: Timestamp, latest: Timestamp) {
    let window = json!({"EarliestTime": earliest, "LatestTime": latest});
    let own = json!({"DBInstanceIdentifier": "orders", "DbiResourceId": "db-ABC", "Status": "active",
        "RestoreWindow": window});
    let page = json!({"DBInstanceAutomatedBackups": [own]});
    account.stub("rds", "DescribeDBInstanceAutomatedBackups", Some(region), &[page]);
}

#[test]
fn r1_a_window_that_has_stopped_moving_is_at_risk_however_young_it_is() {
    let account = Account::shared();
    let latest = ago(35 * MINUTE);
    instance(&account, latest);
    automated(&account, HOME, ago(7 * DAY), latest);
    let estate = component("rds-instance", "orders", Local, "2 h");
    let moving = account.judge(&estate);
    let said = moving.of("it", Local);
    // Nothing is known of movement yet: by its age alone, as the naive reader sees it, the promise is kept.
    assert_eq!(said.rpo.verdict, Verdict::Met, "35 min of 2 h are lost: {}", said.rpo.reason);
    let before = earlier_by(&moving.snapshot.readings, secs(33 * 60));
    let stopped = account.judge_after(&estate, before);
    let said = stopped.of("it", Local);
    assert!(said.rpo.stopped, "{}", said.rpo.reason);
    assert_eq!(
        said.rpo.verdict,
        Verdict::AtRisk,
        "a limit on its age alone says met at {} s: {}",
        loss(&stopped, latest),
        said.rpo.reason
    );
}

#[test]
fn r2_what_survives_a_region_is_the_window_that_was_replicated_there() {
    let account = Account::shared();
    let (at_home, replicated) = (ago(5 * MINUTE), ago(40 * MINUTE));
    instance(&account, at_home);
    automated(&account, HOME, ago(7 * DAY), at_home);
    automated(&account, DR, ago(6 * DAY), replicated);
    let judged = account.judge(&component("rds-instance", "orders", Region, "30 min"));
    let by = "the latest restorable time of the instance";
    Moments { right: replicated, naive: at_home, by }.assert(&judged, Region, Verdict::Breached);
}

#[test]
fn r2_the_earliest_moment_is_that_of_the_automated_backups() {
    let account = Account::shared();
    let (earliest, latest) = (ago(7 * DAY), ago(5 * MINUTE));
    instance(&account, latest);
    automated(&account, HOME, earliest, latest);
    let judged = account.judge(&component("rds-instance", "orders", Local, "30 min"));
    let windows = judged.points("it").into_iter().filter_map(|point| match point.holds {
        Holds::Window { earliest, latest } => Some((earliest, latest)),
        _ => None,
    });
    assert_eq!(
        windows.collect::<Vec<_>>(),
        [(earliest, latest)],
        "the instance itself tells no earliest moment: a naive reader reaches back 0 s from {latest}"
    );
}

#[test]
fn r3_a_copy_of_a_snapshot_is_as_old_as_the_last_transaction_in_it() {
    let account = Account::shared();
    let (data, original, copied) = (ago(11 * HOUR), ago(10 * HOUR), ago(HOUR));
    let copy = json!({"DBSnapshotIdentifier": "orders-copy", "DBInstanceIdentifier": "orders",
        "Status": "available", "SnapshotCreateTime": copied, "OriginalSnapshotCreateTime": original,
        "SnapshotDatabaseTime": data, "SourceRegion": HOME,
        "SourceDBSnapshotIdentifier": format!("arn:aws:rds:{HOME}:{}:snapshot:orders-10h", account.number)});
    account.stub("rds", "DescribeDBSnapshots", Some(DR), &[json!({"DBSnapshots": [copy]})]);
    let judged = account.judge(&component("rds-instance", "orders", Region, "4 h"));
    let by = "the time at which the copy was made";
    Moments { right: data, naive: copied, by }.assert(&judged, Region, Verdict::Breached);
    assert_ne!(judged.of("it", Region).rpo.best.as_ref().map(|best| best.moment), Some(original));
}

#[test]
fn e1_a_snapshot_holds_what_was_there_when_it_began_and_counts_when_it_is_complete() {
    let account = Account::shared();
    let (began, completed, pending) = (ago(10 * HOUR), ago(HOUR), ago(10 * MINUTE));
    let snapshot = |id: &str, state: &str, start: Timestamp| {
        json!({"SnapshotId": id, "VolumeId": "vol-0aa1", "State": state, "StartTime": start,
            "CompletionTime": (state == "completed").then_some(completed), "VolumeSize": 8})
    };
    let all = [snapshot("snap-0aa1", "completed", began), snapshot("snap-0aa2", "pending", pending)];
    account.stub("ec2", "DescribeSnapshots", Some(HOME), &[json!({"Snapshots": all})]);
    let judged = account.judge(&component("ebs-volume", "vol-0aa1", Local, "6 h"));
    let by = "the time at which the snapshot was complete";
    Moments { right: began, naive: completed, by }.assert(&judged, Local, Verdict::Breached);
    let by = "the newest snapshot, complete or not";
    Moments { right: began, naive: pending, by }.assert(&judged, Local, Verdict::Breached);
}

#[test]
fn e2_a_copy_belongs_to_the_volume_whose_data_it_holds_and_not_to_the_one_it_names() {
    let account = Account::shared();
    let (copied, other) = (ago(3 * HOUR), ago(10 * MINUTE));
    let snapshot = |id: &str, volume: &str, key: &str, start: Timestamp| {
        json!({"SnapshotId": id, "VolumeId": volume, "DataEncryptionKeyId": key, "State": "completed",
            "StartTime": start, "VolumeSize": 8})
    };
    let source = snapshot("snap-0b1", "vol-0bb1", "key-of-it", copied);
    account.stub("ec2", "DescribeSnapshots", Some(HOME), &[json!({"Snapshots": [source]})]);
    // AWS writes some volume into a copy: here even that of the component, into the copy of another one.
    let there = [
        snapshot("snap-0c1", "vol-ffffffff", "key-of-it", copied),
        snapshot("snap-0c2", "vol-0bb1", "key-of-another", other),
    ];
    account.stub("ec2", "DescribeSnapshots", Some(DR), &[json!({"Snapshots": there})]);
    let judged = account.judge(&component("ebs-volume", "vol-0bb1", Region, "1 h"));
    let by = "the volume that the copy names";
    Moments { right: copied, naive: other, by }.assert(&judged, Region, Verdict::Breached);
    let best = judged.of("it", Region).rpo.best.as_ref().map(|best| best.id.to_string());
    assert_eq!(best.as_deref(), Some("snap-0c1"), "a naive reader takes snap-0c2");
}

#[test]
fn e3_an_archived_snapshot_takes_three_days_longer() {
    let account = Account::shared();
    let archived = json!({"SnapshotId": "snap-0e3", "VolumeId": "vol-0ee3", "State": "completed",
        "StorageTier": "archive", "StartTime": ago(HOUR), "VolumeSize": 8});
    account.stub("ec2", "DescribeSnapshots", Some(HOME), &[json!({"Snapshots": [archived]})]);
    let proven =
        format!("  proven: [ {{ failure: local, took: 30 min, on: \"{}\", how: drill }} ]\n", ago(DAY));
    let objectives = "  objectives: { local: { rpo: 24 h, rto: 4 h } }\n";
    let estate = format!("it:\n  kind: ebs-volume\n  select: {{ id: vol-0ee3 }}\n{objectives}{proven}");
    let judged = account.judge(&estate);
    let said = judged.of("it", Local);
    let naive = RecoveryTime::Measured(secs(30 * 60));
    assert_eq!(
        said.rto.possible,
        RecoveryTime::Measured(secs(72 * 3600 + 30 * 60)),
        "a naive reader says {naive:?} and met: {}",
        said.rto.reason
    );
    assert_eq!(said.rto.verdict, Verdict::Breached, "a naive reader says met: {}", said.rto.reason);
    assert_eq!(said.rpo.verdict, Verdict::Met, "its data is an hour old all the same: {}", said.rpo.reason);
}

#[test]
fn s1_deleted_objects_are_seen_by_their_markers() {
    let account = Account::shared();
    let bucket = format!("deleted-{}", account.number);
    let listed = account.python(&format!(
        "s3 = versioned('{bucket}')\n\
         names = [f'invoices/{{n}}' for n in range(120)]\n\
         [s3.put_object(Bucket='{bucket}', Key=name, Body=b'x') for name in names]\n\
         s3.put_object(Bucket='{bucket}', Key='kept', Body=b'x')\n\
         s3.delete_objects(Bucket='{bucket}', Delete={{'Objects': [{{'Key': name}} for name in names]}})\n\
         print(len(s3.list_objects_v2(Bucket='{bucket}')['Contents']))"
    ));
    assert_eq!(listed.trim(), "1", "a list of objects shows one object and nothing of the others");
    let judged = account.judge(&component("s3-bucket", &bucket, Local, "1 h"));
    let told = incidents(&judged, "objects-deleted");
    assert_eq!(told.len(), 1, "a naive reader sees 0 deleted objects: {:?}", condition(&judged));
    assert!(told[0].starts_with("120 objects were deleted under invoices"), "{told:?}");
}

#[test]
fn s5_suspended_versioning_is_nothing_to_recover_from() {
    let account = Account::shared();
    let bucket = format!("suspended-{}", account.number);
    account.python(&format!("versioned('{bucket}'); suspend('{bucket}')"));
    let judged = account.judge(&component("s3-bucket", &bucket, Local, "1 h"));
    let said = judged.of("it", Local);
    assert_eq!(said.rpo.verdict, Verdict::Breached, "a naive reader says met: {}", said.rpo.reason);
    assert_eq!(
        said.rpo.possible,
        Loss::Everything,
        "a naive reader sees versions and says that {:?} is lost: {}",
        Loss::Span(secs(0)),
        said.rpo.reason
    );
}

#[test]
fn s5_a_rule_without_a_filter_deletes_in_the_replica_too() {
    let account = Account::shared();
    let bucket = format!("replicated-{}", account.number);
    account.python(&format!("versioned('{bucket}'); versioned('{bucket}-there', region=DR)"));
    let rule = |filter: Value| {
        let destination = json!({"Bucket": format!("arn:aws:s3:::{bucket}-there")});
        let mut rule = json!({"ID": "all", "Status": "Enabled", "Destination": destination});
        match filter {
            Value::Null => rule["Prefix"] = json!(""),
            filter => rule["Filter"] = filter,
        }
        json!({"ReplicationConfiguration": {"Role": "arn:aws:iam::1:role/r", "Rules": [rule]}})
    };
    let estate = component("s3-bucket", &bucket, Local, "1 h");
    account.stub("s3", "GetBucketReplication", None, &[rule(json!({"Prefix": ""}))]);
    let with_filter = incidents(&account.judge(&estate), "note-deletes-replicate");
    assert!(with_filter.is_empty(), "with a filter they stay: {with_filter:?}");
    account.stub("s3", "GetBucketReplication", None, &[rule(Value::Null)]);
    let without = incidents(&account.judge(&estate), "note-deletes-replicate");
    assert_eq!(without.len(), 1, "a naive reader takes the replica for safe from deletions: 0 notes");
}

#[test]
fn d1_point_in_time_recovery_ends_at_its_latest_restorable_moment() {
    let account = Account::shared();
    let latest = ago(30 * MINUTE);
    let window = json!({"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 35,
        "EarliestRestorableDateTime": ago(35 * DAY), "LatestRestorableDateTime": latest});
    let told = json!({"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": window});
    let page = json!({"ContinuousBackupsDescription": told});
    account.stub("dynamodb", "DescribeContinuousBackups", Some(HOME), &[page]);
    let judged = account.judge(&component("dynamodb-table", "carts", Local, "20 min"));
    let by = "that it is enabled, which is said to mean five minutes,";
    Moments { right: latest, naive: ago(5 * MINUTE), by }.assert(&judged, Local, Verdict::Breached);
}

#[test]
fn d5_a_backup_of_a_table_holds_what_was_there_a_minute_before() {
    let account = Account::shared();
    let made = ago(HOUR);
    let backup = json!({"TableName": "carts", "BackupName": "hourly", "BackupType": "USER",
        "BackupStatus": "AVAILABLE", "BackupCreationDateTime": made,
        "BackupArn": format!("arn:aws:dynamodb:{HOME}:{}:table/carts/backup/01", account.number)});
    account.stub("dynamodb", "ListBackups", Some(HOME), &[json!({"BackupSummaries": [backup]})]);
    // More than the naive reader's hour, and less than the minute that it leaves out.
    let judged = account.judge(&component("dynamodb-table", "carts", Local, "3655 s"));
    let right = made - secs(60);
    let by = "the time at which the backup was made";
    Moments { right, naive: made, by }.assert(&judged, Local, Verdict::Breached);
}

/// A vault of which everything is answered by stubs; `points` and `jobs` are what is in it.
fn vault(account: &Account<'_>, points: &[Value], jobs: &[Value]) {
    let vault = json!({"BackupVaultName": "nightly", "CreationDate": ago(90 * DAY), "Locked": false,
        "BackupVaultArn": format!("arn:aws:backup:{HOME}:{}:backup-vault:nightly", account.number)});
    account.stub("backup", "DescribeBackupVault", Some(HOME), &[vault]);
    let points = json!({"RecoveryPoints": points});
    account.stub("backup", "ListRecoveryPointsByBackupVault", Some(HOME), &[points]);
    account.stub("backup", "ListBackupJobs", Some(HOME), &[json!({"BackupJobs": jobs})]);
}

#[test]
fn b1_a_job_that_never_started_has_failed() {
    let account = Account::shared();
    let job = json!({"BackupJobId": "1", "BackupVaultName": "nightly", "State": "EXPIRED",
        "ResourceArn": format!("arn:aws:rds:{HOME}:{}:db:orders", account.number),
        "CreationDate": ago(9 * HOUR), "CompletionDate": ago(HOUR),
        "StatusMessage": "Backup job expired before completion."});
    vault(&account, &[], &[job]);
    let judged = account.judge(&component("backup-vault", "nightly", Local, "24 h"));
    let told = incidents(&judged, "backup-job-expired");
    let all = condition(&judged).incidents;
    assert_eq!(told.len(), 1, "who counts jobs that are FAILED says 0: {all:?}");
    assert!(told[0].contains("orders did not start in its window"), "{told:?}");
}

#[test]
fn b2_only_what_is_complete_can_be_restored_from_a_vault() {
    let account = Account::shared();
    let point = |id: &str, status: &str, at: Timestamp| {
        json!({"RecoveryPointArn": format!("arn:aws:backup:{HOME}:{}:recovery-point:{id}", account.number),
            "BackupVaultName": "nightly", "Status": status, "CreationDate": at})
    };
    let (complete, newest) = (ago(26 * HOUR), ago(HOUR));
    let points = [
        point("complete", "COMPLETED", complete),
        point("stopped", "STOPPED", ago(4 * HOUR)),
        point("expired", "EXPIRED", ago(3 * HOUR)),
        point("partial", "PARTIAL", ago(2 * HOUR)),
        point("partial-too", "PARTIAL", newest),
    ];
    vault(&account, &points, &[]);
    let judged = account.judge(&component("backup-vault", "nightly", Local, "12 h"));
    let by = "the newest point, whatever its status,";
    Moments { right: complete, naive: newest, by }.assert(&judged, Local, Verdict::Breached);
    assert_eq!(judged.of("it", Local).rpo.counts, (1, 5), "one of five points counts; a naive reader says 5");
}

#[test]
fn a2_a_cluster_is_restorable_to_its_latest_restorable_time_and_no_later() {
    let account = Account::shared();
    let (earliest, latest) = (ago(6 * DAY), ago(2 * HOUR));
    let cluster = json!({"DBClusterIdentifier": "ledger", "Status": "available", "Engine": "aurora-postgresql",
        "EarliestRestorableTime": earliest, "LatestRestorableTime": latest});
    account.stub("rds", "DescribeDBClusters", Some(HOME), &[json!({"DBClusters": [cluster]})]);
    let judged = account.judge(&component("rds-cluster", "ledger", Local, "1 h"));
    let by = "that Aurora backs up all the time";
    Moments { right: latest, naive: ago(0), by }.assert(&judged, Local, Verdict::Breached);
    let windows: Vec<Holds> = judged.points("it").into_iter().map(|point| point.holds).collect();
    assert_eq!(windows, [Holds::Window { earliest, latest }], "a naive reader has no window at all");
}
