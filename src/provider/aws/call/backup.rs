//! AWS Backup: jobs that back up, copy and restore, and the recovery points that they are about.

use super::arguments::{Arguments, Taken, not_sent};
use super::json::{Object, only};
use super::{Doing, Looking, reply, unknown};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_backup::types::{BackupJob, CopyJob, Lifecycle, RestoreJobsListMember};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Map, Value};
use std::collections::HashMap;

fn moment(given: &mut Arguments<'_>, name: &str) -> Taken<Option<DateTime>> {
    let text = given.text(name)?;
    let read = |text: &String| DateTime::from_str(text, Format::DateTimeWithOffset);
    text.as_ref().map(read).transpose().map_err(|why| not_sent(&format!("{name}: {why}")))
}

fn map(all: Option<&HashMap<String, String>>) -> Option<Value> {
    let all = all?.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    Some(Value::Object(all.collect::<Map<_, _>>()))
}

/// Looks at jobs, recovery points and vaults; lists are read to their end.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    match call.name() {
        "DescribeRecoveryPoint" | "GetRecoveryPointRestoreMetadata" => point(looking, call).await,
        "DescribeBackupJob" | "DescribeRestoreJob" | "DescribeCopyJob" => job(looking, call).await,
        "ListBackupJobs" | "ListRestoreJobs" | "ListCopyJobs" => jobs(looking, call).await,
        "DescribeBackupVault" => {
            let mut given = Arguments::of(call);
            let name = given.needed("BackupVaultName")?;
            given.none_left()?;
            let send = |watch| {
                let sent = looking.site.backup().describe_backup_vault().backup_vault_name(&name);
                sent.customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            let body = Object::default()
                .with("BackupVaultName", answer.backup_vault_name())
                .with("BackupVaultArn", answer.backup_vault_arn())
                .with("EncryptionKeyArn", answer.encryption_key_arn())
                .with("Locked", answer.locked());
            Ok(reply(body.json(), seen))
        }
        _ => Err(unknown(call)),
    }
}

async fn point(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let (vault, arn) = (given.needed("BackupVaultName")?, given.needed("RecoveryPointArn")?);
    given.none_left()?;
    if call.name() == "DescribeRecoveryPoint" {
        let send = |watch| {
            let sent = looking.site.backup().describe_recovery_point();
            sent.backup_vault_name(&vault).recovery_point_arn(&arn).customize().interceptor(watch).send()
        };
        let (answer, seen) = looking.send(send).await?;
        let body = Object::default()
            .with("RecoveryPointArn", answer.recovery_point_arn())
            .with("BackupVaultName", answer.backup_vault_name())
            .with("ResourceArn", answer.resource_arn())
            .with("ResourceType", answer.resource_type())
            .with("IamRoleArn", answer.iam_role_arn())
            .word("Status", answer.status())
            .with("StatusMessage", answer.status_message())
            .at("CreationDate", answer.creation_date())
            .word("StorageClass", answer.storage_class())
            .with("IsParent", Some(answer.is_parent()));
        return Ok(reply(body.json(), seen));
    }
    let send = |watch| {
        let sent = looking.site.backup().get_recovery_point_restore_metadata();
        sent.backup_vault_name(&vault).recovery_point_arn(&arn).customize().interceptor(watch).send()
    };
    let (answer, seen) = looking.send(send).await?;
    let body = Object::default()
        .with("RecoveryPointArn", answer.recovery_point_arn())
        .with("ResourceType", answer.resource_type())
        .with("RestoreMetadata", map(answer.restore_metadata()));
    Ok(reply(body.json(), seen))
}

async fn job(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let backup = looking.site.backup();
    match call.name() {
        "DescribeBackupJob" => {
            let id = given.needed("BackupJobId")?;
            given.none_left()?;
            let send =
                |watch| backup.describe_backup_job().backup_job_id(&id).customize().interceptor(watch).send();
            let (one, seen) = looking.send(send).await?;
            let body = Object::default()
                .with("BackupJobId", one.backup_job_id())
                .word("State", one.state())
                .with("StatusMessage", one.status_message())
                .with("PercentDone", one.percent_done())
                .with("ResourceArn", one.resource_arn())
                .with("ResourceType", one.resource_type())
                .with("BackupVaultName", one.backup_vault_name())
                .with("RecoveryPointArn", one.recovery_point_arn())
                .at("CreationDate", one.creation_date())
                .at("StartBy", one.start_by())
                .at("ExpectedCompletionDate", one.expected_completion_date())
                .at("CompletionDate", one.completion_date());
            Ok(reply(body.json(), seen))
        }
        "DescribeRestoreJob" => {
            let id = given.needed("RestoreJobId")?;
            given.none_left()?;
            let send = |watch| {
                backup.describe_restore_job().restore_job_id(&id).customize().interceptor(watch).send()
            };
            let (one, seen) = looking.send(send).await?;
            let body = Object::default()
                .with("RestoreJobId", one.restore_job_id())
                .word("Status", one.status())
                .with("StatusMessage", one.status_message())
                .with("PercentDone", one.percent_done())
                .with("RecoveryPointArn", one.recovery_point_arn())
                .with("ResourceType", one.resource_type())
                .with("CreatedResourceArn", one.created_resource_arn())
                .word("ValidationStatus", one.validation_status())
                .with("ValidationStatusMessage", one.validation_status_message())
                .at("CreationDate", one.creation_date())
                .at("CompletionDate", one.completion_date());
            Ok(reply(body.json(), seen))
        }
        _ => {
            let id = given.needed("CopyJobId")?;
            given.none_left()?;
            let send =
                |watch| backup.describe_copy_job().copy_job_id(&id).customize().interceptor(watch).send();
            let (answer, seen) = looking.send(send).await?;
            Ok(reply(Object::default().with("CopyJob", answer.copy_job().map(copy_job)).json(), seen))
        }
    }
}

fn copy_job(one: &CopyJob) -> Value {
    Object::default()
        .with("CopyJobId", one.copy_job_id())
        .word("State", one.state())
        .with("StatusMessage", one.status_message())
        .with("SourceRecoveryPointArn", one.source_recovery_point_arn())
        .with("DestinationBackupVaultArn", one.destination_backup_vault_arn())
        .with("DestinationRecoveryPointArn", one.destination_recovery_point_arn())
        .with("CreatedBy", one.created_by().map(|by| only("BackupPlanId", by.backup_plan_id())))
        .at("CreationDate", one.creation_date())
        .at("CompletionDate", one.completion_date())
        .json()
}

fn backup_job(one: &BackupJob) -> Value {
    Object::default()
        .with("BackupJobId", one.backup_job_id())
        .word("State", one.state())
        .with("StatusMessage", one.status_message())
        .with("ResourceArn", one.resource_arn())
        .with("BackupVaultName", one.backup_vault_name())
        .with("RecoveryPointArn", one.recovery_point_arn())
        .with("CreatedBy", one.created_by().map(|by| only("BackupPlanId", by.backup_plan_id())))
        .at("CreationDate", one.creation_date())
        .json()
}

fn restore_job(one: &RestoreJobsListMember) -> Value {
    Object::default()
        .with("RestoreJobId", one.restore_job_id())
        .word("Status", one.status())
        .with("RecoveryPointArn", one.recovery_point_arn())
        .with("CreatedResourceArn", one.created_resource_arn())
        .with(
            "CreatedBy",
            one.created_by().map(|by| only("RestoreTestingPlanArn", by.restore_testing_plan_arn())),
        )
        .at("CreationDate", one.creation_date())
        .json()
}

async fn jobs(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let backup = looking.site.backup();
    let after = moment(&mut given, "ByCreatedAfter")?;
    let resource = given.text("ByResourceArn")?;
    given.none_left()?;
    let (mut all, mut next) = (Vec::new(), None::<String>);
    loop {
        let (list, seen, token) = match call.name() {
            "ListBackupJobs" => {
                let send = |watch| {
                    let sent = backup.list_backup_jobs().set_by_resource_arn(resource.clone());
                    let sent = sent.set_by_created_after(after).set_next_token(next.clone());
                    sent.customize().interceptor(watch).send()
                };
                let (page, seen) = looking.send(send).await?;
                all.extend(page.backup_jobs().iter().map(backup_job));
                ("BackupJobs", seen, page.next_token().map(str::to_owned))
            }
            "ListRestoreJobs" => {
                let send = |watch| {
                    let sent =
                        backup.list_restore_jobs().set_by_created_after(after).set_next_token(next.clone());
                    sent.customize().interceptor(watch).send()
                };
                let (page, seen) = looking.send(send).await?;
                all.extend(page.restore_jobs().iter().map(restore_job));
                ("RestoreJobs", seen, page.next_token().map(str::to_owned))
            }
            _ => {
                let send = |watch| {
                    let sent =
                        backup.list_copy_jobs().set_by_created_after(after).set_next_token(next.clone());
                    sent.customize().interceptor(watch).send()
                };
                let (page, seen) = looking.send(send).await?;
                all.extend(page.copy_jobs().iter().map(copy_job));
                ("CopyJobs", seen, page.next_token().map(str::to_owned))
            }
        };
        next = token.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(reply(Object::default().with(list, Some(all)).json(), seen));
        }
    }
}

fn lifecycle(given: &mut Arguments<'_>) -> Taken<Option<Lifecycle>> {
    let Some(mut wanted) = given.within_it("Lifecycle")? else { return Ok(None) };
    let days = wanted.number("DeleteAfterDays")?.map(i64::from);
    wanted.none_left()?;
    Ok(Some(Lifecycle::builder().set_delete_after_days(days).build()))
}

/// Starts jobs. Each has its token; the SDK would make one of its own, by which nobody could tell later what had happened.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let token = given.needed("IdempotencyToken")?;
    match call.name() {
        "StartBackupJob" => {
            let sent = doing.acting.backup().start_backup_job().idempotency_token(token);
            let sent = sent.backup_vault_name(given.needed("BackupVaultName")?);
            let sent =
                sent.resource_arn(given.needed("ResourceArn")?).iam_role_arn(given.needed("IamRoleArn")?);
            let sent = sent.set_start_window_minutes(given.number("StartWindowMinutes")?.map(i64::from));
            let sent =
                sent.set_complete_window_minutes(given.number("CompleteWindowMinutes")?.map(i64::from));
            let sent = sent.set_lifecycle(lifecycle(&mut given)?);
            let sent = sent.set_recovery_point_tags(given.pairs("RecoveryPointTags")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let body = Object::default()
                .with("BackupJobId", answer.backup_job_id())
                .with("RecoveryPointArn", answer.recovery_point_arn())
                .at("CreationDate", answer.creation_date());
            Ok(reply(body.json(), seen))
        }
        "StartRestoreJob" => {
            let sent = doing.acting.backup().start_restore_job().idempotency_token(token);
            let sent = sent.recovery_point_arn(given.needed("RecoveryPointArn")?);
            let sent = sent.set_iam_role_arn(given.text("IamRoleArn")?);
            let sent = sent.set_resource_type(given.text("ResourceType")?);
            let sent = sent.set_metadata(given.pairs("Metadata")?);
            let sent = sent
                .set_copy_source_tags_to_restored_resource(given.flag("CopySourceTagsToRestoredResource")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            Ok(reply(Object::default().with("RestoreJobId", answer.restore_job_id()).json(), seen))
        }
        "StartCopyJob" => {
            let sent = doing.acting.backup().start_copy_job().idempotency_token(token);
            let sent = sent.recovery_point_arn(given.needed("RecoveryPointArn")?);
            let sent = sent.source_backup_vault_name(given.needed("SourceBackupVaultName")?);
            let sent = sent.destination_backup_vault_arn(given.needed("DestinationBackupVaultArn")?);
            let sent = sent.iam_role_arn(given.needed("IamRoleArn")?).set_lifecycle(lifecycle(&mut given)?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let body = Object::default()
                .with("CopyJobId", answer.copy_job_id())
                .at("CreationDate", answer.creation_date());
            Ok(reply(body.json(), seen))
        }
        _ => Err(unknown(call)),
    }
}
