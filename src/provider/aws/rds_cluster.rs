//! Aurora and Multi-AZ clusters: windows, snapshots, members of a global cluster (A1 to A4).

use super::cloudwatch::{self, Metric};
use super::convert::{Settings, gibibytes, moment};
use super::fault::Fault;
use super::operation::{DESCRIBE_DB_CLUSTER_SNAPSHOTS, DESCRIBE_DB_CLUSTERS, DESCRIBE_GLOBAL_CLUSTERS};
use super::rds;
use super::reader::{Gathered, Pages, Reader};
use crate::domain::Text;
use crate::domain::condition::{Condition, Health};
use crate::domain::estate::Component;
use crate::domain::place::Place;
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use aws_sdk_rds::types::{DbCluster, DbClusterSnapshot, GlobalCluster, SourceType};
use jiff::Timestamp;
use std::sync::Arc;

/// The most that RDS puts on a page.
const PAGE: i32 = 100;

/// Returns the ARN of a cluster.
pub(super) fn arn(home: &Place, id: &str) -> String {
    format!("arn:aws:rds:{}:{}:cluster:{id}", home.region, home.account)
}

/// Reads the points of the cluster `id` at the reader's place.
pub(super) async fn points(reader: &Reader<'_>, component: &Component, id: &str) -> Gathered {
    let mut gathered = Gathered::default();
    let at_home = reader.site.place == component.home;
    gathered.add_pages(&DESCRIBE_DB_CLUSTER_SNAPSHOTS.source(), snapshots(reader, component, id).await);
    match clusters(reader).await {
        Err(fault) => gathered.lacks(fault),
        Ok(clusters) => {
            let own = clusters.iter().find(|cluster| at_home && cluster.db_cluster_identifier() == Some(id));
            let window = own.and_then(|cluster| window(reader, cluster));
            gathered.add(&DESCRIBE_DB_CLUSTERS.source(), Ok(window.into_iter().collect()));
            if !at_home {
                match member(reader, component, id, &clusters).await {
                    Ok((members, fault)) => {
                        gathered.add(&DESCRIBE_GLOBAL_CLUSTERS.source(), Ok(members));
                        gathered.lack(fault);
                    }
                    Err(fault) => gathered.lacks(fault),
                }
            }
        }
    }
    gathered
}

/// Reads every cluster of a Region, once for all who ask.
///
/// # Errors
/// When they cannot be listed.
pub(super) async fn clusters(reader: &Reader<'_>) -> Result<Arc<Vec<DbCluster>>, Fault> {
    let list = || async {
        let (mut all, mut marker) = (Vec::new(), None::<String>);
        loop {
            let send = || {
                let call = reader.site.rds().describe_db_clusters().max_records(PAGE);
                call.set_marker(marker.clone()).send()
            };
            let page = reader.call(&DESCRIBE_DB_CLUSTERS, send).await?;
            all.extend(page.db_clusters.unwrap_or_default());
            marker = page.marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared("rds clusters", list).await
}

async fn global_clusters(reader: &Reader<'_>) -> Result<Arc<Vec<GlobalCluster>>, Fault> {
    let list = || async {
        let (mut all, mut marker) = (Vec::new(), None::<String>);
        loop {
            let send = || {
                let call = reader.site.rds().describe_global_clusters().max_records(PAGE);
                call.set_marker(marker.clone()).send()
            };
            let page = reader.call(&DESCRIBE_GLOBAL_CLUSTERS, send).await?;
            all.extend(page.global_clusters.unwrap_or_default());
            marker = page.marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared("rds global clusters", list).await
}

async fn snapshots(reader: &Reader<'_>, component: &Component, id: &str) -> Pages {
    let mut pages = Pages::default();
    let all = match raw_snapshots(reader, id).await {
        Ok(all) => all,
        Err(fault) => {
            pages.fault = Some(fault);
            return pages;
        }
    };
    // A copy says when it was copied. When its data is from, only its source tells, or the name of an automated one.
    let copies = all.iter().any(|snapshot| source_of(snapshot).is_some());
    let mut sources = Vec::new();
    if copies && reader.site.place != component.home {
        let listed = match reader.elsewhere(&component.home).await {
            Ok(home) => raw_snapshots(&home, id).await,
            Err(fault) => Err(fault),
        };
        match listed {
            Ok(listed) => sources = listed,
            Err(fault) => pages.fault = Some(fault),
        }
    }
    let points = all.iter().filter_map(|snapshot| {
        let told = source_of(snapshot).map(|arn| {
            let source =
                { sources.iter().chain(&all) }.find(|known| known.db_cluster_snapshot_arn() == Some(arn));
            source.and_then(|source| moment(source.snapshot_create_time())).or_else(|| named_moment(arn))
        });
        let at = told.unwrap_or_else(|| moment(snapshot.snapshot_create_time()));
        snapshot_point(&reader.site.place, snapshot, at)
    });
    pages.page(reader.news, points.collect(), true);
    pages
}

/// Returns the moment in the name of an automated snapshot: `…:rds:orders-2026-11-21-03-07`.
fn named_moment(arn: &str) -> Option<Timestamp> {
    let digits = arn.get(arn.len().checked_sub(16)?..)?;
    let (date, time) = digits.split_at_checked(10)?;
    let (hour, minute) = time.strip_prefix('-')?.split_once('-')?;
    format!("{date}T{hour}:{minute}:00Z").parse().ok()
}

fn source_of(snapshot: &DbClusterSnapshot) -> Option<&str> {
    snapshot.source_db_cluster_snapshot_arn().filter(|arn| !arn.is_empty())
}

async fn raw_snapshots(reader: &Reader<'_>, id: &str) -> Result<Vec<DbClusterSnapshot>, Fault> {
    let (mut all, mut marker) = (Vec::new(), None::<String>);
    loop {
        let send = || {
            let call = reader.site.rds().describe_db_cluster_snapshots().db_cluster_identifier(id);
            call.include_shared(true).max_records(PAGE).set_marker(marker.clone()).send()
        };
        let page = reader.call(&DESCRIBE_DB_CLUSTER_SNAPSHOTS, send).await?;
        all.extend(page.db_cluster_snapshots.unwrap_or_default());
        marker = page.marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            return Ok(all);
        }
    }
}

fn snapshot_point(
    place: &Place,
    snapshot: &DbClusterSnapshot,
    at: Option<Timestamp>,
) -> Option<RecoveryPoint> {
    let id = snapshot.db_cluster_snapshot_identifier()?;
    let owner = snapshot.db_cluster_snapshot_arn().and_then(|arn| arn.split(':').nth(4));
    let owner = owner.filter(|owner| !owner.is_empty());
    let place =
        Place { account: owner.map_or(place.account.clone(), Into::into), region: place.region.clone() };
    let kind = if source_of(snapshot).is_some() { PointKind::SnapshotCopy } else { PointKind::Snapshot };
    let mut point = RecoveryPoint::new(id, kind, place, Holds::Until(at.unwrap_or(Timestamp::UNIX_EPOCH)));
    point.status = match (snapshot.status().unwrap_or_default(), at) {
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

/// Returns the window of a living cluster (A2).
fn window(reader: &Reader<'_>, cluster: &DbCluster) -> Option<RecoveryPoint> {
    let latest = moment(cluster.latest_restorable_time())?;
    let earliest = moment(cluster.earliest_restorable_time()).unwrap_or(latest).min(latest);
    let id = format!("{} window", cluster.db_cluster_identifier().unwrap_or_default());
    let holds = Holds::Window { earliest, latest };
    let mut point = RecoveryPoint::new(&id, PointKind::PointInTime, reader.site.place.clone(), holds);
    point.key = cluster.kms_key_id().filter(|key| !key.is_empty()).map(Into::into);
    Some(point)
}

/// Returns the member of the same global cluster at the reader's place, if there is one (A3).
async fn member(
    reader: &Reader<'_>,
    component: &Component,
    id: &str,
    here: &[DbCluster],
) -> Result<(Vec<RecoveryPoint>, Option<Fault>), Fault> {
    let home = arn(&component.home, id);
    let globals = global_clusters(reader).await?;
    let members = globals.iter().map(aws_sdk_rds::types::GlobalCluster::global_cluster_members);
    let members = members
        .filter(|members| members.iter().any(|member| member.db_cluster_arn() == Some(home.as_str())))
        .flatten();
    let (mut points, mut unread) = (Vec::new(), None);
    let found: Vec<&DbCluster> = members
        .filter_map(|member| here.iter().find(|cluster| cluster.db_cluster_arn() == member.db_cluster_arn()))
        .collect();
    for cluster in found {
        let name = cluster.db_cluster_identifier().unwrap_or_default();
        let metric = Metric {
            namespace: "AWS/RDS",
            name: "AuroraGlobalDBReplicationLag",
            statistic: "Average",
            dimensions: vec![("DBClusterIdentifier", name.to_owned())],
        };
        let lag = cloudwatch::newest(reader, &metric).await;
        let (mut point, fault) = rds::replica_point(name, &reader.site.place, lag, 0.001);
        unread = unread.or(fault);
        if cluster.status() != Some("available") {
            let says = format!("the member is {}", cluster.status().unwrap_or("in an unknown status"));
            point.status = PointStatus::Failed(Text::new(&says));
        }
        point.key = cluster.kms_key_id().filter(|key| !key.is_empty()).map(Into::into);
        points.push(point);
    }
    Ok((points, unread))
}

/// Reads how the cluster is, what happened to it, and what a restore would drop.
///
/// # Errors
/// When the clusters of the Region cannot be listed.
pub(super) async fn condition(reader: &Reader<'_>, id: &str) -> Result<(Condition, Option<Fault>), Fault> {
    let clusters = clusters(reader).await?;
    let Some(cluster) = clusters.iter().find(|cluster| cluster.db_cluster_identifier() == Some(id)) else {
        let status = Text::new(&format!("there is no cluster {id} in {}", reader.site.place.region));
        return Ok((Condition::gone(status), None));
    };
    let status = cluster.status().unwrap_or("unknown");
    // A cluster without an instance answers nobody, however available it is (A1).
    let (health, status) = match (rds::health(status), cluster.db_cluster_members().is_empty()) {
        (Health::Healthy, true) => (Health::Down, format!("{status}, but it has no instance")),
        (health, _) => (health, status.to_owned()),
    };
    let condition = Condition {
        health,
        status: Text::new(&status),
        created_at: moment(cluster.cluster_create_time()),
        settings: settings(cluster).0,
        incidents: Vec::new(),
    };
    Ok(match rds::events(reader, SourceType::DbCluster).await {
        Ok(events) => (Condition { incidents: rds::incidents(&events, id), ..condition }, None),
        Err(fault) => (condition, Some(fault)),
    })
}

/// The settings that a restore does not carry over unless they are passed (R4).
fn settings(cluster: &DbCluster) -> Settings {
    let mut all = Settings::default();
    all.maybe("Engine", cluster.engine());
    all.maybe("EngineVersion", cluster.engine_version());
    all.maybe("EngineMode", cluster.engine_mode());
    all.maybe("DBClusterParameterGroup", cluster.db_cluster_parameter_group());
    all.list(
        "VpcSecurityGroups",
        cluster.vpc_security_groups().iter().filter_map(|group| group.vpc_security_group_id()),
    );
    all.maybe("DBSubnetGroup", cluster.db_subnet_group());
    all.maybe("DeletionProtection", cluster.deletion_protection());
    all.maybe("IAMDatabaseAuthentication", cluster.iam_database_authentication_enabled());
    all.maybe("BackupRetentionPeriod", cluster.backup_retention_period());
    all.maybe("PreferredBackupWindow", cluster.preferred_backup_window());
    all.maybe("PreferredMaintenanceWindow", cluster.preferred_maintenance_window());
    all.maybe("BacktrackWindow", cluster.backtrack_window());
    all.maybe("CopyTagsToSnapshot", cluster.copy_tags_to_snapshot());
    all.maybe("StorageType", cluster.storage_type());
    all.maybe("StorageEncrypted", cluster.storage_encrypted());
    all.maybe("KmsKeyId", cluster.kms_key_id());
    all.maybe("Port", cluster.port());
    all.list("EnabledCloudwatchLogsExports", cluster.enabled_cloudwatch_logs_exports());
    let members = cluster.db_cluster_members().iter().filter_map(|member| {
        let writer = if member.is_cluster_writer() == Some(true) { " (writer)" } else { "" };
        Some(format!("{}{writer}", member.db_instance_identifier()?))
    });
    all.list("Members", members);
    for tag in cluster.tag_list() {
        all.put(&format!("Tag {}", tag.key().unwrap_or_default()), tag.value().unwrap_or_default());
    }
    all
}
