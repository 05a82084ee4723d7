//! DynamoDB: point-in-time windows, backups, replicas, and what a restored table would lack (D1, D3, D5).

use super::cloudwatch::{self, Metric};
use super::convert::{Settings, bytes, moment};
use super::fault::Fault;
use super::operation::{
    DESCRIBE_CONTINUOUS_BACKUPS, DESCRIBE_TABLE, DESCRIBE_TIME_TO_LIVE, LIST_BACKUPS, LIST_TAGS_OF_RESOURCE,
};
use super::rds::replica_point;
use super::reader::{Gathered, Pages, Reader};
use crate::domain::Text;
use crate::domain::condition::{Condition, Health};
use crate::domain::duration::before;
use crate::domain::estate::Component;
use crate::domain::place::Place;
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use aws_sdk_dynamodb::types::{
    BackupStatus, BackupSummary, BackupType, BackupTypeFilter, PointInTimeRecoveryStatus, ReplicaStatus,
    TableDescription, TableStatus, Tag,
};
use std::sync::Arc;
use std::time::Duration;

/// A backup holds everything up to a minute before it was made, and nothing from a minute after (D5).
const MARGIN: Duration = Duration::from_secs(60);

/// Returns the ARN of a table.
pub(super) fn arn(home: &Place, name: &str) -> String {
    format!("arn:aws:dynamodb:{}:{}:table/{name}", home.region, home.account)
}

/// Reads the points of the table `name` at the reader's place.
pub(super) async fn points(reader: &Reader<'_>, component: &Component, name: &str) -> Gathered {
    let mut gathered = Gathered::default();
    if reader.site.place == component.home {
        let (window, backups) = tokio::join!(window(reader, name), backups(reader, name));
        gathered
            .add(&DESCRIBE_CONTINUOUS_BACKUPS.source(), window.map(|window| window.into_iter().collect()));
        gathered.add_pages(&LIST_BACKUPS.source(), backups);
    } else {
        let replica = replica(reader, component, name).await;
        match replica {
            Ok((replica, fault)) => {
                gathered.add(&DESCRIBE_TABLE.source(), Ok(replica.into_iter().collect()));
                gathered.lack(fault);
            }
            Err(fault) => gathered.lacks(fault),
        }
    }
    gathered
}

async fn table(reader: &Reader<'_>, name: &str) -> Result<Option<Arc<TableDescription>>, Fault> {
    let ask = || async {
        let send = || reader.site.dynamodb().describe_table().table_name(name).send();
        let answer = reader.call(&DESCRIBE_TABLE, send).await?;
        answer.table.ok_or_else(|| {
            let says = "the answer holds no table".into();
            Fault::plain(DESCRIBE_TABLE.source(), crate::domain::reading::ReadTrouble::Other(says))
        })
    };
    match reader.shared(&format!("dynamodb table {name}"), ask).await {
        Ok(table) => Ok(Some(table)),
        Err(fault) if fault.is_absence() => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn window(reader: &Reader<'_>, name: &str) -> Result<Option<RecoveryPoint>, Fault> {
    let send = || reader.site.dynamodb().describe_continuous_backups().table_name(name).send();
    let answer = match reader.call(&DESCRIBE_CONTINUOUS_BACKUPS, send).await {
        Ok(answer) => answer,
        Err(fault) if fault.is_absence() => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let told = answer.continuous_backups_description();
    let Some(recovery) = told.and_then(|told| told.point_in_time_recovery_description()) else {
        return Ok(None);
    };
    if recovery.point_in_time_recovery_status() != Some(&PointInTimeRecoveryStatus::Enabled) {
        return Ok(None);
    }
    let latest = moment(recovery.latest_restorable_date_time());
    let earliest = moment(recovery.earliest_restorable_date_time());
    let Some((latest, earliest)) = latest.zip(earliest) else { return Ok(None) };
    let holds = Holds::Window { earliest: earliest.min(latest), latest };
    let id = format!("{name} window");
    let mut point = RecoveryPoint::new(&id, PointKind::PointInTime, reader.site.place.clone(), holds);
    if let Ok(Some(table)) = table(reader, name).await {
        point.size_bytes = bytes(table.table_size_bytes());
        point.key = table.sse_description().and_then(|sse| sse.kms_master_key_arn()).map(Into::into);
    }
    Ok(Some(point))
}

async fn backups(reader: &Reader<'_>, name: &str) -> Pages {
    let (mut pages, mut from) = (Pages::default(), None::<String>);
    loop {
        let send = || {
            let call = reader.site.dynamodb().list_backups().table_name(name).limit(100);
            call.backup_type(BackupTypeFilter::All).set_exclusive_start_backup_arn(from.clone()).send()
        };
        match reader.call(&LIST_BACKUPS, send).await {
            Err(fault) => {
                pages.fault = Some(fault);
                return pages;
            }
            Ok(page) => {
                from = page.last_evaluated_backup_arn;
                let found = page.backup_summaries.unwrap_or_default();
                // AWS Backup lists its own, with what it knows of them beside.
                let own = found.iter().filter(|one| one.backup_type() != Some(&BackupType::AwsBackup));
                let points = own.filter_map(|one| backup_point(&reader.site.place, one)).collect();
                pages.page(reader.news, points, from.is_none());
                if from.is_none() {
                    return pages;
                }
            }
        }
    }
}

fn backup_point(place: &Place, backup: &BackupSummary) -> Option<RecoveryPoint> {
    let made = moment(backup.backup_creation_date_time())?;
    // A system backup of a deleted table holds all of it: nothing was written any more.
    let at = if backup.backup_type() == Some(&BackupType::System) { made } else { before(made, MARGIN) };
    let name = backup.backup_name().or(backup.backup_arn())?;
    let mut point = RecoveryPoint::new(name, PointKind::TableBackup, place.clone(), Holds::Until(at));
    point.status = match backup.backup_status() {
        Some(BackupStatus::Available) => PointStatus::Available,
        Some(BackupStatus::Creating) => PointStatus::Pending,
        Some(BackupStatus::Deleted) => return None,
        other => PointStatus::Unrecognised(Text::new(other.map_or("none", BackupStatus::as_str))),
    };
    point.size_bytes = bytes(backup.backup_size_bytes());
    Some(point)
}

/// Returns the replica at the reader's place, if the table has one there. Its lag is measured where it comes from.
async fn replica(
    reader: &Reader<'_>,
    component: &Component,
    name: &str,
) -> Result<(Option<RecoveryPoint>, Option<Fault>), Fault> {
    let Some(table) = table(reader, name).await? else { return Ok((None, None)) };
    let home = &component.home.region;
    let other = table.replicas().iter().find(|replica| replica.region_name() == Some(home.as_str()));
    if other.is_none() && table.global_table_version().is_none() {
        return Ok((None, None)); // a table of the same name, and nothing more
    }
    let here =
        table.replicas().iter().find(|one| one.region_name() == Some(reader.site.place.region.as_str()));
    let metric = Metric {
        namespace: "AWS/DynamoDB",
        name: "ReplicationLatency",
        statistic: "Average",
        dimensions: vec![
            ("TableName", name.to_owned()),
            ("ReceivingRegion", reader.site.place.region.to_string()),
        ],
    };
    let lag = match reader.elsewhere(&component.home).await {
        Ok(home) => cloudwatch::newest(&home, &metric).await,
        Err(fault) => Err(fault),
    };
    let (mut point, fault) = replica_point(name, &reader.site.place, lag, 0.001);
    let status = here.and_then(|replica| replica.replica_status());
    if !matches!(status, None | Some(ReplicaStatus::Active)) {
        let says = format!("the replica is {}", status.map_or("unknown", ReplicaStatus::as_str));
        point.status = PointStatus::Failed(Text::new(&says));
    }
    point.size_bytes = bytes(table.table_size_bytes());
    point.key = table.sse_description().and_then(|sse| sse.kms_master_key_arn()).map(Into::into);
    Ok((Some(point), fault))
}

/// Reads how the table is and what a restored one would lack.
///
/// # Errors
/// When the table cannot be described.
pub(super) async fn condition(reader: &Reader<'_>, name: &str) -> Result<(Condition, Option<Fault>), Fault> {
    let Some(table) = table(reader, name).await? else {
        let status = Text::new(&format!("there is no table {name} in {}", reader.site.place.region));
        return Ok((Condition::gone(status), None));
    };
    let word = table.table_status().map_or("unknown", TableStatus::as_str);
    let health = match table.table_status() {
        Some(TableStatus::Active | TableStatus::Updating) => Health::Healthy,
        Some(TableStatus::Creating) => Health::Impaired,
        Some(TableStatus::Deleting) => Health::Gone,
        _ => Health::Down,
    };
    let mut settings = settings(&table);
    let mut missing = None;
    let dynamodb = reader.site.dynamodb();
    let (windows, expiry) = tokio::join!(
        reader.call(&DESCRIBE_CONTINUOUS_BACKUPS, || {
            dynamodb.describe_continuous_backups().table_name(name).send()
        }),
        reader.call(&DESCRIBE_TIME_TO_LIVE, || dynamodb.describe_time_to_live().table_name(name).send()),
    );
    match windows {
        Ok(answer) => {
            let told = answer.continuous_backups_description();
            let recovery = told.and_then(|told| told.point_in_time_recovery_description());
            let status = recovery.and_then(|recovery| recovery.point_in_time_recovery_status());
            settings.maybe("PointInTimeRecovery", status.map(|status| status.as_str().to_owned()));
            settings.maybe(
                "RecoveryPeriodInDays",
                recovery.and_then(
                    aws_sdk_dynamodb::types::PointInTimeRecoveryDescription::recovery_period_in_days,
                ),
            );
        }
        Err(fault) => missing = Some(fault),
    }
    match expiry {
        Ok(answer) => {
            let told = answer.time_to_live_description();
            settings.maybe("TimeToLive", told.and_then(|told| told.attribute_name()));
            let status = told.and_then(|told| told.time_to_live_status());
            settings.maybe("TimeToLiveStatus", status.map(|status| status.as_str().to_owned()));
        }
        Err(fault) => missing = Some(fault),
    }
    if let Some(arn) = table.table_arn() {
        match tags(reader, arn).await {
            Ok(tags) => tags.iter().for_each(|tag| settings.put(&format!("Tag {}", tag.key()), tag.value())),
            Err(fault) => missing = Some(fault),
        }
    }
    let condition = Condition {
        health,
        status: Text::new(word),
        created_at: moment(table.creation_date_time()),
        settings: settings.0,
        incidents: Vec::new(),
    };
    Ok((condition, missing))
}

async fn tags(reader: &Reader<'_>, arn: &str) -> Result<Vec<Tag>, Fault> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    loop {
        let send = || {
            let call = reader.site.dynamodb().list_tags_of_resource().resource_arn(arn);
            call.set_next_token(token.clone()).send()
        };
        let page = reader.call(&LIST_TAGS_OF_RESOURCE, send).await?;
        all.extend(page.tags.unwrap_or_default());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

/// What a restore does not carry over (D3); autoscaling, IAM policies and alarms belong to other services.
fn settings(table: &TableDescription) -> Settings {
    let mut all = Settings::default();
    let mode = table.billing_mode_summary().and_then(|billing| billing.billing_mode());
    all.maybe("BillingMode", mode.map(|mode| mode.as_str().to_owned()));
    if let Some(throughput) = table.provisioned_throughput() {
        all.maybe("ReadCapacityUnits", throughput.read_capacity_units().filter(|units| *units > 0));
        all.maybe("WriteCapacityUnits", throughput.write_capacity_units().filter(|units| *units > 0));
    }
    let stream = table.stream_specification().filter(|stream| stream.stream_enabled());
    let view = stream.and_then(|stream| stream.stream_view_type());
    all.maybe("Stream", view.map(|view| view.as_str().to_owned()));
    all.maybe("DeletionProtection", table.deletion_protection_enabled());
    let class = table.table_class_summary().and_then(|class| class.table_class());
    all.maybe("TableClass", class.map(|class| class.as_str().to_owned()));
    all.maybe("KmsKeyArn", table.sse_description().and_then(|sse| sse.kms_master_key_arn()));
    all.list("Replicas", table.replicas().iter().filter_map(|replica| replica.region_name()));
    all.list(
        "GlobalSecondaryIndexes",
        table.global_secondary_indexes().iter().filter_map(|index| index.index_name()),
    );
    all
}
