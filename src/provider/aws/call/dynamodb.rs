//! DynamoDB: tables, their backups, and what protects them.

use super::arguments::{Arguments, Taken, not_sent};
use super::dynamodb_answers::{backup, listed, table, tags, window};
use super::json::Object;
use super::{Doing, Looking, reply, unknown};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_dynamodb::types::{
    GlobalSecondaryIndex, LocalSecondaryIndex, PointInTimeRecoverySpecification, StreamSpecification,
    StreamViewType, Tag, TimeToLiveSpecification,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

fn invalid(what: &str, why: &dyn std::error::Error) -> CallTrouble {
    not_sent(&format!("{what}: {why}"))
}

/// Looks at tables and backups; lists are read to their end.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let dynamodb = looking.site.dynamodb();
    match call.name() {
        "DescribeTable" => {
            let name = given.needed("TableName")?;
            given.none_left()?;
            let send =
                |watch| dynamodb.describe_table().table_name(&name).customize().interceptor(watch).send();
            let (answer, seen) = looking.send(send).await?;
            Ok(reply(Object::default().with("Table", answer.table().map(table)).json(), seen))
        }
        "DescribeContinuousBackups" => {
            let name = given.needed("TableName")?;
            given.none_left()?;
            let send = |watch| {
                dynamodb.describe_continuous_backups().table_name(&name).customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            let told = answer.continuous_backups_description().map(window);
            Ok(reply(Object::default().with("ContinuousBackupsDescription", told).json(), seen))
        }
        "DescribeTimeToLive" => {
            let name = given.needed("TableName")?;
            given.none_left()?;
            let send = |watch| {
                dynamodb.describe_time_to_live().table_name(&name).customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            let told = answer.time_to_live_description().map(|told| {
                Object::default()
                    .word("TimeToLiveStatus", told.time_to_live_status())
                    .with("AttributeName", told.attribute_name())
                    .json()
            });
            Ok(reply(Object::default().with("TimeToLiveDescription", told).json(), seen))
        }
        "DescribeBackup" => {
            let arn = given.needed("BackupArn")?;
            given.none_left()?;
            let send =
                |watch| dynamodb.describe_backup().backup_arn(&arn).customize().interceptor(watch).send();
            let (answer, seen) = looking.send(send).await?;
            let told = answer.backup_description().map(backup);
            Ok(reply(Object::default().with("BackupDescription", told).json(), seen))
        }
        "ListTagsOfResource" => {
            let arn = given.needed("ResourceArn")?;
            given.none_left()?;
            let (mut all, mut next) = (Vec::new(), None::<String>);
            loop {
                let send = |watch| {
                    let sent =
                        dynamodb.list_tags_of_resource().resource_arn(&arn).set_next_token(next.clone());
                    sent.customize().interceptor(watch).send()
                };
                let (page, seen) = looking.send(send).await?;
                all.extend(tags(page.tags()));
                next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
                if next.is_none() {
                    return Ok(reply(Object::default().with("Tags", Some(all)).json(), seen));
                }
            }
        }
        "ListBackups" => {
            let name = given.needed("TableName")?;
            given.none_left()?;
            let (mut all, mut next) = (Vec::new(), None::<String>);
            loop {
                let send = |watch| {
                    let sent = dynamodb.list_backups().table_name(&name).limit(100);
                    let sent = sent.backup_type(aws_sdk_dynamodb::types::BackupTypeFilter::All);
                    sent.set_exclusive_start_backup_arn(next.clone()).customize().interceptor(watch).send()
                };
                let (page, seen) = looking.send(send).await?;
                all.extend(page.backup_summaries().iter().map(listed));
                next = page.last_evaluated_backup_arn().filter(|arn| !arn.is_empty()).map(str::to_owned);
                if next.is_none() {
                    return Ok(reply(Object::default().with("BackupSummaries", Some(all)).json(), seen));
                }
            }
        }
        _ => Err(unknown(call)),
    }
}

/// Changes tables and backups.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    match call.name() {
        "CreateBackup" => {
            let sent = doing.acting.dynamodb().create_backup().table_name(given.needed("TableName")?);
            let sent = sent.backup_name(given.needed("BackupName")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let told = answer.backup_details().map(super::dynamodb_answers::details);
            Ok(reply(Object::default().with("BackupDetails", told).json(), seen))
        }
        "DeleteBackup" => {
            let sent = doing.acting.dynamodb().delete_backup().backup_arn(given.needed("BackupArn")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let told = answer.backup_description().map(backup);
            Ok(reply(Object::default().with("BackupDescription", told).json(), seen))
        }
        "RestoreTableFromBackup" => {
            let sent =
                doing.acting.dynamodb().restore_table_from_backup().backup_arn(given.needed("BackupArn")?);
            let sent = sent.target_table_name(given.needed("TargetTableName")?);
            let sent = sent
                .set_global_secondary_index_override(none_of(&mut given, "GlobalSecondaryIndexOverride")?);
            let sent = sent.set_local_secondary_index_override(no_local(&mut given)?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let told = answer.table_description().map(table);
            Ok(reply(Object::default().with("TableDescription", told).json(), seen))
        }
        "RestoreTableToPointInTime" => {
            let time = given.text("RestoreDateTime")?;
            let time = time.map(|time| {
                DateTime::from_str(&time, Format::DateTimeWithOffset)
                    .map_err(|why| invalid("RestoreDateTime", &why))
            });
            let sent = doing.acting.dynamodb().restore_table_to_point_in_time();
            let sent = sent.source_table_name(given.needed("SourceTableName")?);
            let sent = sent.target_table_name(given.needed("TargetTableName")?);
            let sent = sent.set_use_latest_restorable_time(given.flag("UseLatestRestorableTime")?);
            let sent = sent.set_restore_date_time(time.transpose()?);
            let sent = sent
                .set_global_secondary_index_override(none_of(&mut given, "GlobalSecondaryIndexOverride")?);
            let sent = sent.set_local_secondary_index_override(no_local(&mut given)?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let told = answer.table_description().map(table);
            Ok(reply(Object::default().with("TableDescription", told).json(), seen))
        }
        "DeleteTable" => {
            let sent = doing.acting.dynamodb().delete_table().table_name(given.needed("TableName")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let told = answer.table_description().map(table);
            Ok(reply(Object::default().with("TableDescription", told).json(), seen))
        }
        _ => protect(doing, call, given).await,
    }
}

/// Takes a list that can only be empty: which indexes there are is not made up here, only that there are none.
fn none_of(given: &mut Arguments<'_>, name: &str) -> Taken<Option<Vec<GlobalSecondaryIndex>>> {
    match given.texts_or_none(name)? {
        None => Ok(None),
        Some(all) if all.is_empty() => Ok(Some(Vec::new())),
        Some(_) => Err(not_sent(&format!("{name} can only be empty"))),
    }
}

fn no_local(given: &mut Arguments<'_>) -> Taken<Option<Vec<LocalSecondaryIndex>>> {
    Ok(none_of(given, "LocalSecondaryIndexOverride")?.map(|_| Vec::new()))
}

async fn protect(doing: &Doing<'_>, call: &Call, mut given: Arguments<'_>) -> Result<Reply, CallTrouble> {
    let missing = |name: &str| not_sent(&format!("{name} of {} is missing", call.operation));
    match call.name() {
        "UpdateContinuousBackups" => {
            let name = given.needed("TableName")?;
            let mut wanted = given
                .within_it("PointInTimeRecoverySpecification")?
                .ok_or_else(|| missing("PointInTimeRecoverySpecification"))?;
            let specification = PointInTimeRecoverySpecification::builder()
                .set_point_in_time_recovery_enabled(wanted.flag("PointInTimeRecoveryEnabled")?)
                .set_recovery_period_in_days(wanted.number("RecoveryPeriodInDays")?);
            wanted.none_left()?;
            given.none_left()?;
            let specification = specification.build().map_err(|why| invalid(&call.operation, &why))?;
            let sent = doing.acting.dynamodb().update_continuous_backups().table_name(name);
            let sent = sent.point_in_time_recovery_specification(specification);
            let (answer, seen) = doing.done(sent.send()).await?;
            let told = answer.continuous_backups_description().map(window);
            Ok(reply(Object::default().with("ContinuousBackupsDescription", told).json(), seen))
        }
        "UpdateTimeToLive" => {
            let name = given.needed("TableName")?;
            let mut wanted = given
                .within_it("TimeToLiveSpecification")?
                .ok_or_else(|| missing("TimeToLiveSpecification"))?;
            let specification = TimeToLiveSpecification::builder()
                .set_enabled(wanted.flag("Enabled")?)
                .set_attribute_name(wanted.text("AttributeName")?);
            wanted.none_left()?;
            given.none_left()?;
            let specification = specification.build().map_err(|why| invalid(&call.operation, &why))?;
            let sent = doing.acting.dynamodb().update_time_to_live().table_name(name);
            let sent = sent.time_to_live_specification(specification);
            let (answer, seen) = doing.done(sent.send()).await?;
            let told = answer.time_to_live_specification().map(|told| {
                Object::default()
                    .with("Enabled", Some(told.enabled()))
                    .with("AttributeName", Some(told.attribute_name()))
                    .json()
            });
            Ok(reply(Object::default().with("TimeToLiveSpecification", told).json(), seen))
        }
        "UpdateTable" => {
            let sent = doing.acting.dynamodb().update_table().table_name(given.needed("TableName")?);
            let sent = sent.set_deletion_protection_enabled(given.flag("DeletionProtectionEnabled")?);
            let stream = match given.within_it("StreamSpecification")? {
                None => None,
                Some(mut wanted) => {
                    let view = wanted.text("StreamViewType")?;
                    let built = StreamSpecification::builder()
                        .set_stream_enabled(wanted.flag("StreamEnabled")?)
                        .set_stream_view_type(view.as_deref().map(StreamViewType::from));
                    wanted.none_left()?;
                    Some(built.build().map_err(|why| invalid(&call.operation, &why))?)
                }
            };
            given.none_left()?;
            let (answer, seen) = doing.done(sent.set_stream_specification(stream).send()).await?;
            let told = answer.table_description().map(table);
            Ok(reply(Object::default().with("TableDescription", told).json(), seen))
        }
        "TagResource" => {
            let sent = doing.acting.dynamodb().tag_resource().resource_arn(given.needed("ResourceArn")?);
            let tags = given.tags("Tags")?.unwrap_or_default();
            given.none_left()?;
            let tags = tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
            let tags = tags.collect::<Result<Vec<_>, _>>().map_err(|why| invalid(&call.operation, &why))?;
            let (_, seen) = doing.done(sent.set_tags(Some(tags)).send()).await?;
            Ok(reply(Object::default().json(), seen))
        }
        "UntagResource" => {
            let sent = doing.acting.dynamodb().untag_resource().resource_arn(given.needed("ResourceArn")?);
            let sent = sent.set_tag_keys(given.texts("TagKeys")?);
            given.none_left()?;
            let (_, seen) = doing.done(sent.send()).await?;
            Ok(reply(Object::default().json(), seen))
        }
        _ => Err(unknown(call)),
    }
}
