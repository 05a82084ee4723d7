//! RDS instances: windows, snapshots, replicas, events, and the settings that a restore would drop (R1 to R4).

use super::cloudwatch::{self, Metric};
use super::convert::{Settings, gibibytes, moment};
use super::fault::Fault;
use super::operation::{
    DESCRIBE_DB_INSTANCE_AUTOMATED_BACKUPS, DESCRIBE_DB_INSTANCES, DESCRIBE_DB_SNAPSHOTS, DESCRIBE_EVENTS,
};
use super::reader::{Gathered, Pages, Reader};
use crate::domain::Text;
use crate::domain::condition::{Condition, Health, Incident};
use crate::domain::estate::Component;
use crate::domain::place::Place;
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use aws_sdk_rds::types::{DbInstance, DbInstanceAutomatedBackup, DbSnapshot, Event, SourceType};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// The most that RDS puts on a page.
const PAGE: i32 = 100;
/// How far back events are told of, in minutes: a day.
const EVENTS: i32 = 24 * 60;

/// Returns the ARN of an instance.
pub(super) fn arn(home: &Place, id: &str) -> String {
    format!("arn:aws:rds:{}:{}:db:{id}", home.region, home.account)
}

/// Reads the points of the instance `id` at the reader's place.
pub(super) async fn points(reader: &Reader<'_>, component: &Component, id: &str) -> Gathered {
    let mut gathered = Gathered::default();
    let at_home = reader.site.place == component.home;
    let (mut snapshots, instances, windows) =
        tokio::join!(snapshots(reader, id), instances(reader), automated_backups(reader));
    let oldest_automated = snapshots
        .points
        .iter()
        .filter(|point| point.id.as_str().starts_with("rds:") && point.status == PointStatus::Available)
        .filter_map(RecoveryPoint::mark)
        .min();
    // Elsewhere an instance of the same name may be another one: what is no copy is its own, unless it is our replica.
    let listed = instances.as_deref().map_or([].as_slice(), Vec::as_slice);
    let is_ours = at_home
        || replicas_of(listed, component, id, at_home).any(|db| db.db_instance_identifier() == Some(id));
    snapshots
        .points
        .retain(|point| is_ours || point.kind == PointKind::SnapshotCopy || point.place != reader.site.place);
    gathered.add_pages(&DESCRIBE_DB_SNAPSHOTS.source(), snapshots);
    let all = windows.as_deref().map_or([].as_slice(), Vec::as_slice);
    let windows_of_it: Vec<DbInstanceAutomatedBackup> =
        all.iter().filter(|backup| backup.db_instance_identifier() == Some(id)).cloned().collect();
    if let Err(fault) = &windows {
        gathered.lacks(fault.clone());
    }
    match instances {
        Err(fault) => gathered.lacks(fault),
        Ok(instances) => {
            let own = instances.iter().find(|db| at_home && db.db_instance_identifier() == Some(id));
            let window = own.and_then(|db| window(reader, db, &windows_of_it, oldest_automated));
            gathered.add(&DESCRIBE_DB_INSTANCES.source(), Ok(window.into_iter().collect()));
            for db in replicas_of(&instances, component, id, at_home).collect::<Vec<_>>() {
                let (point, fault) = replica(reader, db).await;
                gathered.add(&DESCRIBE_DB_INSTANCES.source(), Ok(vec![point]));
                gathered.lack(fault);
            }
            // Of a database that is gone, what was retained is left; elsewhere, what is replicated there.
            if own.is_none() {
                let left =
                    windows_of_it.iter().filter_map(|backup| retained(reader, backup, at_home)).collect();
                gathered.add(&DESCRIBE_DB_INSTANCE_AUTOMATED_BACKUPS.source(), Ok(left));
            }
        }
    }
    gathered
}

/// Reads every instance of a Region, once for all who ask.
pub(super) async fn instances(reader: &Reader<'_>) -> Result<Arc<Vec<DbInstance>>, Fault> {
    let list = || async {
        let (mut all, mut marker) = (Vec::new(), None::<String>);
        loop {
            let send = || {
                let call = reader.site.rds().describe_db_instances().max_records(PAGE);
                call.set_marker(marker.clone()).send()
            };
            let page = reader.call(&DESCRIBE_DB_INSTANCES, send).await?;
            all.extend(page.db_instances.unwrap_or_default());
            marker = page.marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared("rds instances", list).await
}

async fn automated_backups(reader: &Reader<'_>) -> Result<Arc<Vec<DbInstanceAutomatedBackup>>, Fault> {
    let list = || async {
        let (mut all, mut marker) = (Vec::new(), None::<String>);
        loop {
            let send = || {
                let call = reader.site.rds().describe_db_instance_automated_backups().max_records(PAGE);
                call.set_marker(marker.clone()).send()
            };
            let page = reader.call(&DESCRIBE_DB_INSTANCE_AUTOMATED_BACKUPS, send).await?;
            all.extend(page.db_instance_automated_backups.unwrap_or_default());
            marker = page.marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared("rds automated backups", list).await
}

async fn snapshots(reader: &Reader<'_>, id: &str) -> Pages {
    let (mut pages, mut marker) = (Pages::default(), None::<String>);
    loop {
        let send = || {
            let call = reader.site.rds().describe_db_snapshots().db_instance_identifier(id);
            call.include_shared(true).max_records(PAGE).set_marker(marker.clone()).send()
        };
        match reader.call(&DESCRIBE_DB_SNAPSHOTS, send).await {
            Err(fault) => {
                pages.fault = Some(fault);
                return pages;
            }
            Ok(page) => {
                marker = page.marker.filter(|marker| !marker.is_empty());
                let points = page.db_snapshots.unwrap_or_default();
                let points =
                    points.iter().filter_map(|snapshot| snapshot_point(&reader.site.place, snapshot));
                pages.page(reader.news, points.collect(), marker.is_none());
                if marker.is_none() {
                    return pages;
                }
            }
        }
    }
}

/// Returns a snapshot as a point. Its moment is the last transaction that it holds, or when the original was made:
/// `SnapshotCreateTime` of a copy is that of copying (R3).
fn snapshot_point(place: &Place, snapshot: &DbSnapshot) -> Option<RecoveryPoint> {
    let id = snapshot.db_snapshot_identifier()?;
    let is_copy = snapshot.source_db_snapshot_identifier().is_some_and(|source| !source.is_empty());
    let created = moment(snapshot.snapshot_create_time()).filter(|_| !is_copy);
    let at = moment(snapshot.snapshot_database_time())
        .or_else(|| moment(snapshot.original_snapshot_create_time()))
        .or(created);
    // A snapshot that is shared with us lies in its owner's account, and goes with it.
    let owner =
        snapshot.db_snapshot_arn().and_then(|arn| arn.split(':').nth(4)).filter(|owner| !owner.is_empty());
    let place =
        Place { account: owner.map_or(place.account.clone(), Into::into), region: place.region.clone() };
    let kind = if is_copy { PointKind::SnapshotCopy } else { PointKind::Snapshot };
    let mut point = RecoveryPoint::new(id, kind, place, Holds::Until(at.unwrap_or(Timestamp::UNIX_EPOCH)));
    point.status = match (snapshot.status().unwrap_or_default(), at) {
        // Only a copy can be without: a snapshot that is being made has no time yet, and is not complete.
        ("available", None) => PointStatus::Failed("the time of its data is not told".into()),
        ("available", Some(_)) => PointStatus::Available,
        ("creating" | "copying" | "pending", _) => PointStatus::Pending,
        ("failed", _) => PointStatus::Failed("the snapshot failed".into()),
        (other, _) => PointStatus::Unrecognised(Text::new(other)),
    };
    point.key = snapshot.kms_key_id().filter(|key| !key.is_empty()).map(Into::into);
    point.size_bytes = gibibytes(snapshot.allocated_storage());
    Some(point)
}

/// Returns the window of a living instance: to its latest restorable time, which is what may stop moving (R1), from the
/// earliest, which the instance itself does not tell (R2).
fn window(
    reader: &Reader<'_>,
    db: &DbInstance,
    backups: &[DbInstanceAutomatedBackup],
    oldest_automated: Option<Timestamp>,
) -> Option<RecoveryPoint> {
    let kept = db.backup_retention_period().unwrap_or(0) > 0;
    let latest = moment(db.latest_restorable_time()).filter(|_| kept)?;
    let told = backups.iter().filter_map(|backup| moment(backup.restore_window()?.earliest_time())).min();
    let earliest = told.or(oldest_automated).unwrap_or(latest).min(latest);
    let id = format!("{} window", db.db_instance_identifier().unwrap_or_default());
    let holds = Holds::Window { earliest, latest };
    let mut point = RecoveryPoint::new(&id, PointKind::PointInTime, reader.site.place.clone(), holds);
    point.key = db.kms_key_id().filter(|key| !key.is_empty()).map(Into::into);
    point.size_bytes = gibibytes(db.allocated_storage());
    Some(point)
}

fn retained(reader: &Reader<'_>, backup: &DbInstanceAutomatedBackup, at_home: bool) -> Option<RecoveryPoint> {
    let told = backup.restore_window()?;
    let (earliest, latest) = (moment(told.earliest_time())?, moment(told.latest_time())?);
    let id = backup.dbi_resource_id().or(backup.db_instance_identifier()).unwrap_or("automated backup");
    let kind = if at_home { PointKind::PointInTime } else { PointKind::ReplicatedBackup };
    let holds = Holds::Window { earliest, latest };
    let mut point = RecoveryPoint::new(id, kind, reader.site.place.clone(), holds);
    point.status = match backup.status().unwrap_or_default() {
        "active" | "retained" | "replicating" => PointStatus::Available,
        "creating" => PointStatus::Pending,
        other => PointStatus::Unrecognised(Text::new(other)),
    };
    point.key = backup.kms_key_id().filter(|key| !key.is_empty()).map(Into::into);
    point.size_bytes = gibibytes(backup.allocated_storage());
    Some(point)
}

/// Returns the replicas of the instance `id`. Only in its own Region do they name it by its identifier; elsewhere that is
/// another instance of the same name.
fn replicas_of<'a>(
    instances: &'a [DbInstance],
    component: &Component,
    id: &'a str,
    at_home: bool,
) -> impl Iterator<Item = &'a DbInstance> {
    let arn = arn(&component.home, id);
    instances.iter().filter(move |db| {
        let source = db.read_replica_source_db_instance_identifier();
        source.is_some_and(|source| source == arn || (at_home && source == id))
    })
}

async fn replica(reader: &Reader<'_>, db: &DbInstance) -> (RecoveryPoint, Option<Fault>) {
    let id = db.db_instance_identifier().unwrap_or_default();
    let metric = Metric {
        namespace: "AWS/RDS",
        name: "ReplicaLag",
        statistic: "Maximum",
        dimensions: vec![("DBInstanceIdentifier", id.to_owned())],
    };
    let lag = cloudwatch::newest(reader, &metric).await.map(|lag| lag.map(|seconds| seconds.max(0.0)));
    let (mut point, fault) = replica_point(id, &reader.site.place, lag, 1.0);
    match db.db_instance_status().unwrap_or_default() {
        "available" | "backing-up" | "modifying" => {}
        other => point.status = PointStatus::Failed(Text::new(&format!("the replica is {other}"))),
    }
    point.key = db.kms_key_id().filter(|key| !key.is_empty()).map(Into::into);
    point.size_bytes = gibibytes(db.allocated_storage());
    (point, fault)
}

/// Returns a replica as a point; how far it is behind comes from a metric, and without that it promises nothing. A
/// metric that could not be read leaves it unknown.
pub(super) fn replica_point(
    id: &str,
    place: &Place,
    lag: Result<Option<f64>, Fault>,
    unit_s: f64,
) -> (RecoveryPoint, Option<Fault>) {
    let (lag, fault) = match lag {
        Ok(lag) => (lag.and_then(|lag| Duration::try_from_secs_f64(lag * unit_s).ok()), None),
        Err(fault) => (None, Some(fault)),
    };
    let holds = Holds::Behind { lag: lag.unwrap_or_default() };
    let mut point = RecoveryPoint::new(id, PointKind::Replica, place.clone(), holds);
    if lag.is_none() {
        point.status = PointStatus::Failed("how far it is behind is not known".into());
    }
    (point, fault)
}

/// Reads how the instance is, what happened to it, and what a restore would drop.
///
/// # Errors
/// When the instances of the Region cannot be listed.
pub(super) async fn condition(reader: &Reader<'_>, id: &str) -> Result<(Condition, Option<Fault>), Fault> {
    let instances = instances(reader).await?;
    let Some(db) = instances.iter().find(|db| db.db_instance_identifier() == Some(id)) else {
        let status = Text::new(&format!("there is no database {id} in {}", reader.site.place.region));
        return Ok((Condition::gone(status), None));
    };
    let status = db.db_instance_status().unwrap_or("unknown");
    let condition = Condition {
        health: health(status),
        status: Text::new(status),
        created_at: moment(db.instance_create_time()),
        settings: settings(db).0,
        incidents: Vec::new(),
    };
    Ok(match events(reader, SourceType::DbInstance).await {
        Ok(events) => (Condition { incidents: incidents(&events, id), ..condition }, None),
        Err(fault) => (condition, Some(fault)),
    })
}

/// Says what a status means. The statuses in which an instance needs somebody are those of R6.
pub(super) fn health(status: &str) -> Health {
    match status {
        "available"
        | "backing-up"
        | "modifying"
        | "configuring-enhanced-monitoring"
        | "storage-optimization" => Health::Healthy,
        "stopped"
        | "failed"
        | "restore-error"
        | "storage-full"
        | "insufficient-capacity"
        | "inaccessible-encryption-credentials"
        | "inaccessible-encryption-credentials-recoverable" => Health::Down,
        status if status.starts_with("incompatible-") => Health::Down,
        _ => Health::Impaired,
    }
}

/// Reads the events of a day, once for all who ask.
///
/// # Errors
/// When they cannot be listed.
pub(super) async fn events(reader: &Reader<'_>, source: SourceType) -> Result<Arc<Vec<Event>>, Fault> {
    let list = || async {
        let (mut all, mut marker) = (Vec::new(), None::<String>);
        loop {
            let send = || {
                let call = reader.site.rds().describe_events().source_type(source.clone()).duration(EVENTS);
                call.max_records(PAGE).set_marker(marker.clone()).send()
            };
            let page = reader.call(&DESCRIBE_EVENTS, send).await?;
            all.extend(page.events.unwrap_or_default());
            marker = page.marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared(&format!("rds events {}", source.as_str()), list).await
}

/// Returns the events that somebody has to know of: those of a failure, a failover or a deletion.
pub(super) fn incidents(events: &[Event], id: &str) -> Vec<Incident> {
    let of_it = events.iter().filter(|event| event.source_identifier() == Some(id));
    let told = of_it.filter_map(|event| {
        let has = |category: &str| event.event_categories().iter().any(|known| known == category);
        let code = if has("failure") || has("deletion") || has("low storage") {
            "database-event"
        } else if has("failover") || has("recovery") {
            "warn-database-event"
        } else {
            return None;
        };
        Some(Incident { code: code.into(), at: moment(event.date())?, says: Text::new(event.message()?) })
    });
    told.collect()
}

/// The settings that a restore does not carry over unless they are passed or set afterwards (R4).
fn settings(db: &DbInstance) -> Settings {
    let mut all = Settings::default();
    all.maybe("DBInstanceClass", db.db_instance_class());
    all.maybe("Engine", db.engine());
    all.maybe("EngineVersion", db.engine_version());
    all.list(
        "DBParameterGroupName",
        db.db_parameter_groups().iter().filter_map(|group| group.db_parameter_group_name()),
    );
    all.list(
        "OptionGroups",
        db.option_group_memberships().iter().filter_map(|group| group.option_group_name()),
    );
    all.list(
        "VpcSecurityGroups",
        db.vpc_security_groups().iter().filter_map(|group| group.vpc_security_group_id()),
    );
    all.maybe("DBSubnetGroupName", db.db_subnet_group().and_then(|group| group.db_subnet_group_name()));
    all.maybe("AvailabilityZone", db.availability_zone());
    all.maybe("MultiAZ", db.multi_az());
    all.maybe("DeletionProtection", db.deletion_protection());
    all.maybe("IAMDatabaseAuthentication", db.iam_database_authentication_enabled());
    all.maybe("StorageType", db.storage_type());
    all.maybe("AllocatedStorage", db.allocated_storage());
    all.maybe("MaxAllocatedStorage", db.max_allocated_storage());
    all.maybe("Iops", db.iops());
    all.maybe("StorageThroughput", db.storage_throughput());
    all.maybe("CopyTagsToSnapshot", db.copy_tags_to_snapshot());
    all.maybe("BackupRetentionPeriod", db.backup_retention_period());
    all.maybe("PreferredBackupWindow", db.preferred_backup_window());
    all.maybe("PreferredMaintenanceWindow", db.preferred_maintenance_window());
    all.maybe("AutoMinorVersionUpgrade", db.auto_minor_version_upgrade());
    all.maybe("MonitoringInterval", db.monitoring_interval().filter(|seconds| *seconds > 0));
    all.maybe("MonitoringRoleArn", db.monitoring_role_arn());
    all.maybe("PerformanceInsights", db.performance_insights_enabled());
    all.maybe("PerformanceInsightsKMSKeyId", db.performance_insights_kms_key_id());
    all.maybe("PerformanceInsightsRetentionPeriod", db.performance_insights_retention_period());
    all.maybe("DatabaseInsightsMode", db.database_insights_mode().map(|mode| mode.as_str().to_owned()));
    all.maybe("PromotionTier", db.promotion_tier());
    all.maybe("PubliclyAccessible", db.publicly_accessible());
    all.maybe("CACertificateIdentifier", db.ca_certificate_identifier());
    all.maybe("NetworkType", db.network_type());
    all.maybe("LicenseModel", db.license_model());
    all.maybe("StorageEncrypted", db.storage_encrypted());
    all.maybe("KmsKeyId", db.kms_key_id());
    all.maybe("MasterUserSecret", db.master_user_secret().and_then(|secret| secret.secret_arn()));
    all.maybe("Port", db.endpoint().and_then(aws_sdk_rds::types::Endpoint::port));
    all.list("EnabledCloudwatchLogsExports", db.enabled_cloudwatch_logs_exports());
    all.list("ReadReplicas", db.read_replica_db_instance_identifiers());
    for tag in db.tag_list() {
        all.put(&format!("Tag {}", tag.key().unwrap_or_default()), tag.value().unwrap_or_default());
    }
    all
}
