//! AWS Backup: vaults with their locks, points, jobs in all their states, and what is tagged for backup yet in no vault
//! (B1, B2).

use super::convert::{Settings, bytes, moment};
use super::fault::Fault;
use super::operation::{
    DESCRIBE_BACKUP_VAULT, LIST_BACKUP_JOBS, LIST_COPY_JOBS, LIST_PROTECTED_RESOURCES,
    LIST_RECOVERY_POINTS_BY_BACKUP_VAULT, LIST_RECOVERY_POINTS_BY_RESOURCE, LIST_RESTORE_JOBS,
};
use super::reader::{Gathered, Pages, Reader};
use super::selection;
use crate::domain::Text;
use crate::domain::condition::{Condition, Health, Incident};
use crate::domain::duration::{after, before};
use crate::domain::recovery_point::{Hold, Holds, PointKind, PointStatus, RecoveryPoint};
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use aws_sdk_backup::operation::describe_backup_vault::DescribeBackupVaultOutput;
use aws_sdk_backup::types::RecoveryPointStatus;
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How far back jobs are looked at.
const JOBS: Duration = Duration::from_secs(7 * 24 * 3600);

/// Reads the ARNs of everything that has a point in the reader's place, once for all who ask.
///
/// # Errors
/// When they cannot be listed.
pub(super) async fn protected(reader: &Reader<'_>) -> Result<Arc<BTreeSet<String>>, Fault> {
    let list = || async {
        let (mut all, mut token) = (BTreeSet::new(), None::<String>);
        loop {
            let send = || {
                let call = reader.site.backup().list_protected_resources().max_results(1_000);
                call.set_next_token(token.clone()).send()
            };
            let page = reader.call(&LIST_PROTECTED_RESOURCES, send).await?;
            all.extend(page.results().iter().filter_map(|one| one.resource_arn().map(str::to_owned)));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared("backup protected resources", list).await
}

/// Adds the points that vaults at the reader's place hold of the resource `arn`; `protected` is what they hold any of.
pub(super) async fn add_points(
    reader: &Reader<'_>,
    arn: &str,
    protected: Result<Arc<BTreeSet<String>>, Fault>,
    gathered: &mut Gathered,
) {
    match protected {
        Err(fault) => gathered.lacks(fault),
        Ok(protected) if !protected.contains(arn) => {}
        Ok(_) => {
            let mut pages = of_resource(reader, arn).await;
            // What AWS Backup made by the service's own means was listed by that service already.
            let is_known = |id: &str| {
                gathered.points.iter().any(|known| {
                    id.strip_suffix(known.id.as_str()).is_some_and(|rest| rest.ends_with([':', '/']))
                })
            };
            pages.points.retain(|point| !is_known(point.id.as_str()));
            gathered.add_pages(&LIST_RECOVERY_POINTS_BY_RESOURCE.source(), pages);
        }
    }
}

async fn of_resource(reader: &Reader<'_>, arn: &str) -> Pages {
    let (mut pages, mut token) = (Pages::default(), None::<String>);
    loop {
        let send = || {
            let call = reader.site.backup().list_recovery_points_by_resource().resource_arn(arn);
            call.max_results(1_000).set_next_token(token.clone()).send()
        };
        match reader.call(&LIST_RECOVERY_POINTS_BY_RESOURCE, send).await {
            Err(fault) => {
                pages.fault = Some(fault);
                return pages;
            }
            Ok(page) => {
                token = page.next_token.filter(|token| !token.is_empty());
                let found = page.recovery_points.unwrap_or_default();
                let points = found.iter().filter_map(|one| {
                    let told = Told {
                        arn: one.recovery_point_arn()?,
                        at: moment(one.creation_date())?,
                        status: one.status(),
                        why: one.status_message(),
                        key: one.encryption_key_arn(),
                        size: one.backup_size_bytes(),
                    };
                    Some(told.point(reader, None))
                });
                pages.page(reader.news, points.collect(), token.is_none());
                if token.is_none() {
                    return pages;
                }
            }
        }
    }
}

struct Told<'a> {
    arn: &'a str,
    at: Timestamp,
    status: Option<&'a RecoveryPointStatus>,
    why: Option<&'a str>,
    key: Option<&'a str>,
    size: Option<i64>,
}

impl Told<'_> {
    /// Returns it as a point; only two of its statuses can be restored from (B2).
    fn point(&self, reader: &Reader<'_>, hold: Option<&(Hold, Duration)>) -> RecoveryPoint {
        let place = reader.site.place.clone();
        let mut point = RecoveryPoint::new(self.arn, PointKind::VaultPoint, place, Holds::Until(self.at));
        point.status = match self.status {
            Some(RecoveryPointStatus::Completed | RecoveryPointStatus::Available) => PointStatus::Available,
            Some(RecoveryPointStatus::Creating) => PointStatus::Pending,
            Some(RecoveryPointStatus::Partial) => PointStatus::Partial,
            Some(RecoveryPointStatus::Stopped) => PointStatus::Stopped,
            Some(RecoveryPointStatus::Expired) => PointStatus::Expired,
            Some(RecoveryPointStatus::Deleting) => PointStatus::Failed("it is being deleted".into()),
            other => {
                let word = other.map_or("none", RecoveryPointStatus::as_str);
                PointStatus::Unrecognised(Text::new(self.why.unwrap_or(word)))
            }
        };
        point.key = self.key.filter(|key| !key.is_empty()).map(Into::into);
        point.size_bytes = bytes(self.size);
        point.hold = hold.cloned().map(|(hold, least)| {
            let until = (!least.is_zero()).then(|| after(self.at, least));
            Box::new(Hold { until, ..hold })
        });
        point
    }
}

/// Reads the points of the vault `name` at the reader's place.
pub(super) async fn vault_points(reader: &Reader<'_>, name: &str) -> Gathered {
    let mut gathered = Gathered::default();
    let vault = match vault(reader, name).await {
        Ok(Some(vault)) => vault,
        Ok(None) => {
            gathered.add(&DESCRIBE_BACKUP_VAULT.source(), Ok(Vec::new()));
            return gathered;
        }
        Err(fault) => {
            gathered.lacks(fault);
            return gathered;
        }
    };
    let hold = hold(&vault);
    let (mut pages, mut token) = (Pages::default(), None::<String>);
    loop {
        let send = || {
            let call = reader.site.backup().list_recovery_points_by_backup_vault().backup_vault_name(name);
            call.max_results(1_000).set_next_token(token.clone()).send()
        };
        match reader.call(&LIST_RECOVERY_POINTS_BY_BACKUP_VAULT, send).await {
            Err(fault) => {
                pages.fault = Some(fault);
                break;
            }
            Ok(page) => {
                token = page.next_token.filter(|token| !token.is_empty());
                let found = page.recovery_points.unwrap_or_default();
                let points = found.iter().filter_map(|one| {
                    let told = Told {
                        arn: one.recovery_point_arn()?,
                        at: moment(one.creation_date())?,
                        status: one.status(),
                        why: one.status_message(),
                        key: one.encryption_key_arn(),
                        size: one.backup_size_in_bytes(),
                    };
                    Some(told.point(reader, hold.as_ref()))
                });
                pages.page(reader.news, points.collect(), token.is_none());
                if token.is_none() {
                    break;
                }
            }
        }
    }
    gathered.add_pages(&LIST_RECOVERY_POINTS_BY_BACKUP_VAULT.source(), pages);
    gathered
}

async fn vault(reader: &Reader<'_>, name: &str) -> Result<Option<DescribeBackupVaultOutput>, Fault> {
    let send = || reader.site.backup().describe_backup_vault().backup_vault_name(name).send();
    match reader.call(&DESCRIBE_BACKUP_VAULT, send).await {
        Ok(vault) => Ok(Some(vault)),
        Err(fault) if fault.is_absence() => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// Returns what a vault's lock keeps from being deleted, and for how long after it was made; until its date the lock can
/// still be taken off.
fn hold(vault: &DescribeBackupVaultOutput) -> Option<(Hold, Duration)> {
    (vault.locked() == Some(true)).then(|| {
        let least = vault.min_retention_days().map_or(String::new(), |days| format!(", at least {days} d"));
        // Without a date it is one of governance; with one it can be taken off until then, and never after.
        let now = SystemClock.now();
        let is_final = moment(vault.lock_date()).is_some_and(|date| date <= now);
        let lifted_by = (!is_final).then(|| "backup:DeleteBackupVaultLockConfiguration".into());
        let days = vault.min_retention_days().and_then(|days| u64::try_from(days).ok()).unwrap_or(0);
        let hold = Hold { what: Text::new(&format!("vault lock{least}")), until: None, lifted_by };
        (hold, Duration::from_secs(days * 86_400))
    })
}

/// A job of any of the three kinds.
struct Job {
    what: &'static str,
    state: String,
    resource: String,
    at: Timestamp,
    why: String,
}

impl Job {
    /// Says whether it ended without what it was for. EXPIRED means that it never started in its window (B1).
    fn is_bad(&self) -> bool {
        matches!(self.state.as_str(), "FAILED" | "EXPIRED" | "ABORTED" | "PARTIAL")
    }

    fn says(&self) -> String {
        let name = self.resource.rsplit(['/', ':']).next().unwrap_or(&self.resource);
        let state = match self.state.as_str() {
            "EXPIRED" => "did not start in its window".to_owned(),
            "PARTIAL" => "left parts out".to_owned(),
            "ABORTED" => "was aborted".to_owned(),
            _ => "failed".to_owned(),
        };
        let why = if self.why.is_empty() { String::new() } else { format!(": {}", self.why) };
        format!("the {} of {name} {state}{why}", self.what)
    }
}

/// Reads how the vault is, its jobs of a week, and what should be in it and is not.
///
/// # Errors
/// When the vault cannot be described.
pub(super) async fn vault_condition(
    reader: &Reader<'_>,
    name: &str,
) -> Result<(Condition, Option<Fault>), Fault> {
    let Some(vault) = vault(reader, name).await? else {
        let status = Text::new(&format!("there is no vault {name} in {}", reader.site.place.region));
        return Ok((Condition::gone(status), None));
    };
    let now = SystemClock.now();
    let mut settings = Settings::default();
    settings.maybe("Locked", vault.locked());
    settings.maybe("LockDate", moment(vault.lock_date()));
    settings.maybe("MinRetentionDays", vault.min_retention_days());
    settings.maybe("MaxRetentionDays", vault.max_retention_days());
    settings.maybe("EncryptionKeyArn", vault.encryption_key_arn());
    settings.put("RecoveryPoints", vault.number_of_recovery_points().to_string());
    let (mut jobs, mut missing) = (Vec::new(), None);
    let since = DateTime::from(std::time::SystemTime::from(before(now, JOBS)));
    let (backups, copies, restores) = tokio::join!(
        backup_jobs(reader, name, since),
        copy_jobs(reader, name, since),
        restore_jobs(reader, name, since)
    );
    for listed in [backups, copies, restores] {
        match listed {
            Ok(listed) => jobs.extend(listed),
            Err(fault) => missing = Some(fault),
        }
    }
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for job in &jobs {
        *counts.entry((job.what, job.state.as_str())).or_default() += 1;
    }
    for what in ["backup", "copy", "restore"] {
        let of_it = counts.iter().filter(|((known, _), _)| *known == what);
        settings.list(
            &format!("Jobs of a week, {what}"),
            of_it.map(|((_, state), count)| format!("{count} {state}")),
        );
    }
    let mut incidents = bad_jobs(&jobs);
    match selection::unprotected(reader).await {
        Ok(none) if none.is_empty() => {}
        Ok(unprotected) => {
            settings.list("TaggedButInNoVault", unprotected.iter());
            let names = unprotected.iter().filter_map(|arn| arn.rsplit(['/', ':']).next()).take(3);
            let names = names.collect::<Vec<_>>().join(", ");
            let more = if unprotected.len() > 3 { " and others" } else { "" };
            let (count, are) = (unprotected.len(), if unprotected.len() == 1 { "is" } else { "are" });
            let says = format!("{count} tagged for backup {are} in no vault: {names}{more}");
            incidents.push(Incident { code: "tagged-not-protected".into(), at: now, says: Text::new(&says) });
        }
        Err(fault) => missing = Some(fault),
    }
    let condition = Condition {
        health: Health::Healthy,
        status: if vault.locked() == Some(true) { "locked".into() } else { "not locked".into() },
        created_at: moment(vault.creation_date()),
        settings: settings.0,
        incidents,
    };
    Ok((condition, missing))
}

/// Returns the jobs that went wrong after the last one of the same kind and resource that went well.
fn bad_jobs(jobs: &[Job]) -> Vec<Incident> {
    let mut good: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
    for job in jobs.iter().filter(|job| job.state == "COMPLETED") {
        let newest = good.entry((job.what, &job.resource)).or_insert(job.at);
        *newest = (*newest).max(job.at);
    }
    let unrepaired = |job: &&Job| good.get(&(job.what, job.resource.as_str())).is_none_or(|at| *at < job.at);
    let mut newest: BTreeMap<(&str, &str), &Job> = BTreeMap::new();
    for job in jobs.iter().filter(|job| job.is_bad()).filter(unrepaired) {
        let known = newest.entry((job.what, &job.resource)).or_insert(job);
        if known.at < job.at {
            *known = job;
        }
    }
    let told = newest.into_values();
    told.map(|job| {
        let code = format!("{}-job-{}", job.what, job.state.to_lowercase());
        Incident { code: Text::new(&code), at: job.at, says: Text::new(&job.says()) }
    })
    .collect()
}

/// Says whether a job belongs to the vault of this name. Copies and restores are listed for all vaults at once.
fn is_of(arn: Option<&str>, vault: &str) -> bool {
    arn.is_none_or(|arn| arn.rsplit(':').next() == Some(vault))
}

async fn backup_jobs(reader: &Reader<'_>, vault: &str, since: DateTime) -> Result<Vec<Job>, Fault> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    loop {
        let send = || {
            let call = reader.site.backup().list_backup_jobs().by_backup_vault_name(vault);
            call.by_created_after(since).max_results(1_000).set_next_token(token.clone()).send()
        };
        let page = reader.call(&LIST_BACKUP_JOBS, send).await?;
        all.extend(
            page.backup_jobs()
                .iter()
                .filter(|job| job.backup_vault_name().is_none_or(|name| name == vault))
                .filter_map(|job| {
                    Some(Job {
                        what: "backup",
                        state: job.state()?.as_str().to_owned(),
                        resource: job.resource_arn().unwrap_or_default().to_owned(),
                        at: moment(job.completion_date()).or_else(|| moment(job.creation_date()))?,
                        why: job.status_message().unwrap_or_default().to_owned(),
                    })
                }),
        );
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn copy_jobs(reader: &Reader<'_>, vault: &str, since: DateTime) -> Result<Vec<Job>, Fault> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    loop {
        let send = || {
            let call = reader.site.backup().list_copy_jobs().by_created_after(since);
            call.max_results(1_000).set_next_token(token.clone()).send()
        };
        let page = reader.call(&LIST_COPY_JOBS, send).await?;
        all.extend(
            page.copy_jobs().iter().filter(|job| is_of(job.source_backup_vault_arn(), vault)).filter_map(
                |job| {
                    Some(Job {
                        what: "copy",
                        state: job.state()?.as_str().to_owned(),
                        resource: job.resource_arn().unwrap_or_default().to_owned(),
                        at: moment(job.completion_date()).or_else(|| moment(job.creation_date()))?,
                        why: job.status_message().unwrap_or_default().to_owned(),
                    })
                },
            ),
        );
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn restore_jobs(reader: &Reader<'_>, vault: &str, since: DateTime) -> Result<Vec<Job>, Fault> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    loop {
        let send = || {
            let call = reader.site.backup().list_restore_jobs().by_created_after(since);
            call.max_results(1_000).set_next_token(token.clone()).send()
        };
        let page = reader.call(&LIST_RESTORE_JOBS, send).await?;
        all.extend(page.restore_jobs().iter().filter(|job| is_of(job.backup_vault_arn(), vault)).filter_map(
            |job| {
                Some(Job {
                    what: "restore",
                    state: job.status()?.as_str().to_owned(),
                    resource: job
                        .created_resource_arn()
                        .or(job.recovery_point_arn())
                        .unwrap_or_default()
                        .to_owned(),
                    at: moment(job.completion_date()).or_else(|| moment(job.creation_date()))?,
                    why: job.status_message().unwrap_or_default().to_owned(),
                })
            },
        ));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}
