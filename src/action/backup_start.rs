//! `backup-start`, `backup-copy` and `backup-restore`: what AWS Backup does when somebody asks for it now.

use super::backup_job::{Job, means, partition, resource, usable};
use super::facts::{RUN_TAG, STEP_TAG, text, token};
use super::given::is_later;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::place::Place;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Starts a job of AWS Backup and follows it to its end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    about: &'static About,
    job: Job,
}

const fn needed(name: &'static str, says: &'static str) -> Argument {
    Argument { name, kind: ArgumentKind::Text, required: true, says }
}

const fn maybe(name: &'static str, kind: ArgumentKind, says: &'static str) -> Argument {
    Argument { name, kind, required: false, says }
}

const ROLE: Argument = needed("role", "The ARN of the role that AWS Backup assumes for it.");
const VAULT: Argument = needed("vault", "The name of the vault.");
const POINT: Argument = needed("point", "The ARN of the recovery point.");
const COMPONENT: Argument = maybe("component", ArgumentKind::Component, "What it is of.");
const KEEP: Argument = maybe(
    "keep-days",
    ArgumentKind::Number,
    "After how many days it is deleted; as the vault or nobody says if absent.",
);
/// The least that AWS Backup takes for the window in which a job has to start, in minutes.
const SHORTEST_WINDOW: u64 = 60;

impl Start {
    /// Backs something up.
    pub(super) const BACKUP: Self = Self {
        about: &About {
            name: "backup-start",
            title: "back something up by AWS Backup now",
            says: "Starts a job of AWS Backup and follows it to its end. A job that did not start in its window, or that is \
                   partial, is a failure and is said to be one.",
            arguments: &[
                COMPONENT,
                maybe(
                    "resource",
                    ArgumentKind::Text,
                    "The ARN of what is backed up, where it is no component.",
                ),
                VAULT,
                ROLE,
                maybe(
                    "start-within",
                    ArgumentKind::Duration,
                    "Within which time it has to start, an hour at least; 8 h if absent, which AWS chooses.",
                ),
                KEEP,
            ],
            outputs: &[
                ("point", "The ARN of the recovery point."),
                ("job", "The id of the job."),
                ("name", "The last part of that ARN."),
            ],
            class: ActionClass::Additive,
            dedupe: Dedupe::Token,
            operations: &[
                "backup:DescribeBackupVault",
                "backup:StartBackupJob",
                "backup:DescribeBackupJob",
                "backup:ListBackupJobs",
            ],
            no_undo: Some(
                "a recovery point of a vault is deleted by its lifecycle, or by hand: a vault may forbid it",
            ),
            usually: Some((Duration::from_secs(300), Duration::from_secs(4 * 3600))),
        },
        job: Job::BACKUP,
    };

    /// Copies a recovery point.
    pub(super) const COPY: Self = Self {
        about: &About {
            name: "backup-copy",
            title: "copy a recovery point to another vault",
            says: "Copies a recovery point of AWS Backup to a vault in the Region that the environment recovers to, or \
                   wherever the vault lies whose ARN is named.",
            arguments: &[
                COMPONENT,
                VAULT,
                POINT,
                needed("to", "The vault to copy to: its name in the Region of recovery, or its ARN."),
                ROLE,
                KEEP,
            ],
            outputs: &[
                ("point", "The ARN of the copy."),
                ("job", "The id of the job."),
                ("name", "The last part of that ARN."),
            ],
            class: ActionClass::Additive,
            dedupe: Dedupe::Token,
            operations: &[
                "backup:DescribeRecoveryPoint",
                "backup:DescribeBackupVault",
                "backup:StartCopyJob",
                "backup:DescribeCopyJob",
                "backup:ListCopyJobs",
            ],
            no_undo: Some(
                "a recovery point of a vault is deleted by its lifecycle, or by hand: a vault may forbid it",
            ),
            usually: Some((Duration::from_secs(600), Duration::from_secs(6 * 3600))),
        },
        job: Job::COPY,
    };

    /// Restores from a recovery point.
    pub(super) const RESTORE: Self = Self {
        about: &About {
            name: "backup-restore",
            title: "restore from a recovery point of AWS Backup",
            says: "Restores from a recovery point of a vault, with the metadata that the point keeps and what is named \
                   besides. It is done when the job says what it made, and not before. Points that are partial, expired \
                   or stopped are refused.",
            arguments: &[
                COMPONENT,
                VAULT,
                POINT,
                ROLE,
                maybe(
                    "metadata",
                    ArgumentKind::Pairs,
                    "What the restore needs besides, or otherwise than the point has it.",
                ),
            ],
            outputs: &[
                ("resource", "The ARN of what was made."),
                ("name", "The last part of that ARN."),
                ("job", "The id of the job."),
            ],
            class: ActionClass::Additive,
            dedupe: Dedupe::Token,
            operations: &[
                "backup:DescribeRecoveryPoint",
                "backup:GetRecoveryPointRestoreMetadata",
                "backup:StartRestoreJob",
                "backup:DescribeRestoreJob",
                "backup:ListRestoreJobs",
            ],
            no_undo: Some(
                "how what was restored is deleted follows from what it is: delete it by hand, by its ARN",
            ),
            usually: Some((Duration::from_secs(600), Duration::from_secs(6 * 3600))),
        },
        job: Job::RESTORE,
    };

    async fn design(&self, ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?.id.clone()),
            None => None,
        };
        let role = ask.given.text("role")?;
        if !is_later(role) && !role.contains(":role/") {
            return Err(Refusal::new(format!("`{role}` is no ARN of a role"))
                .hint("such as arn:aws:iam::123456789012:role/Backup"));
        }
        let mut design = Design::new(component);
        design.undo = Undo::Impossible(self.about.no_undo.unwrap_or_default().into());
        let call = match self.about.name {
            "backup-start" => Self::backup(&ask, &mut design).await?,
            "backup-copy" => Self::copy(&ask, &mut design).await?,
            _ => Self::restore(&ask, &mut design).await?,
        };
        let says = format!(
            "{} {}",
            self.about.title,
            call.text("ResourceArn").or(call.text("RecoveryPointArn")).unwrap_or_default()
        );
        let call =
            call.with("IamRoleArn", role).with("IdempotencyToken", token(ask.run, ask.step, self.about.name));
        design.calls.push(PlannedCall {
            call,
            says: says.into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::Token,
        });
        Ok(design)
    }

    async fn backup(ask: &PlanAsk<'_>, design: &mut Design) -> Result<Call, Refusal> {
        let (vault, home) = (ask.given.text("vault")?, ask.environment.home());
        let resource = resource(ask)?;
        vault_is_there(ask, design, vault, &home).await?;
        let window = ask.given.span("start-within")?.map(|span| span.as_secs() / 60);
        if let Some(minutes) = window.filter(|minutes| *minutes < SHORTEST_WINDOW) {
            return Err(Refusal::new(format!("`start-within` must be an hour at least, not {minutes} min")));
        }
        let base = Call::new("backup:StartBackupJob", &ask.environment.name, &home);
        if window.is_none() {
            design.notes.push("it may wait for up to 8 h until it starts, and expires if it does not".into());
        }
        keep(
            ask,
            design,
            base.with("BackupVaultName", vault)
                .with("ResourceArn", resource)
                .maybe("StartWindowMinutes", window)
                .with("RecoveryPointTags", json!({RUN_TAG: ask.run, STEP_TAG: ask.step})),
        )
    }

    async fn copy(ask: &PlanAsk<'_>, design: &mut Design) -> Result<Call, Refusal> {
        let home = ask.environment.home();
        let (vault, point) = (ask.given.text("vault")?, ask.given.text("point")?);
        point_is_usable(ask, design, vault, point, &home).await?;
        let to = ask.given.text("to")?;
        let to = if to.starts_with("arn:") || is_later(to) {
            to.to_owned()
        } else {
            let region = ask.environment.dr_region.clone().ok_or_else(|| {
                Refusal::new(format!("{} recovers to no other Region", ask.environment.name))
                    .hint("write `dr_region` into the estate, or name the ARN of the vault")
            })?;
            let there = Place { region, ..home.clone() };
            vault_is_there(ask, design, to, &there).await?;
            format!(
                "{}:backup:{}:{}:backup-vault:{to}",
                partition(there.region.as_str()),
                there.region,
                there.account
            )
        };
        design.notes.push("what travels between Regions and what lies there is paid for".into());
        keep(
            ask,
            design,
            Call::new("backup:StartCopyJob", &ask.environment.name, &home)
                .with("RecoveryPointArn", point)
                .with("SourceBackupVaultName", vault)
                .with("DestinationBackupVaultArn", to),
        )
    }

    async fn restore(ask: &PlanAsk<'_>, design: &mut Design) -> Result<Call, Refusal> {
        let home = ask.environment.home();
        let (vault, point) = (ask.given.text("vault")?, ask.given.text("point")?);
        if is_later(point) || is_later(vault) {
            return Err(Refusal::new("which point is restored has to be known when the plan is made")
                .hint("what a restore needs is kept with the point"));
        }
        let found = point_is_usable(ask, design, vault, point, &home).await?;
        let metadata = named("backup:GetRecoveryPointRestoreMetadata", ask, &home, vault, point);
        let kept = ask.look.look(&metadata).await.map_err(|trouble| {
            Refusal::new(format!("what the point keeps for its restore cannot be read: {trouble}"))
        })?;
        let mut metadata: Map<String, Value> =
            kept.body.get("RestoreMetadata").and_then(Value::as_object).cloned().unwrap_or_default();
        let said = ask.given.pairs("metadata")?;
        for (name, value) in &said {
            metadata.insert(name.clone(), Value::from(value.as_str()));
        }
        let kind = text(&found, "ResourceType").to_owned();
        // What the point keeps is necessary and not sufficient: it names the original, or nothing (B3).
        let must = match kind.as_str() {
            "DynamoDB" => Some(("targetTableName", true)),
            "RDS" => Some(("DBInstanceIdentifier", true)),
            "Aurora" => Some(("DBClusterIdentifier", true)),
            "EBS" => Some(("availabilityZone", false)),
            _ => None,
        };
        if let Some((name, is_new)) = must
            && !(said.contains_key(name) || !is_new && metadata.contains_key(name))
        {
            return Err(Refusal::new(format!("a restore of {kind} needs `{name}`, which nobody has named"))
                .hint(format!("write it under `metadata`, such as `{name}: …`")));
        }
        if text(&found, "StorageClass") == "COLD" {
            design.notes.push("the point lies in cold storage: it is copied out of it first, which takes hours and is paid for".into());
        }
        design.notes.push("what it makes is paid for from now on; the original is not touched".into());
        design.notes.push(
            "what the restore drops depends on the kind: compare it with the original, and protect it again"
                .into(),
        );
        Ok(Call::new("backup:StartRestoreJob", &ask.environment.name, &home)
            .with("RecoveryPointArn", point)
            .with("ResourceType", kind)
            .with("Metadata", metadata))
    }
}

fn keep(ask: &PlanAsk<'_>, design: &mut Design, call: Call) -> Result<Call, Refusal> {
    let days = ask.given.number("keep-days")?;
    if days.is_some_and(|days| days < 1) {
        return Err(Refusal::new("`keep-days` must be 1 at least"));
    }
    design.notes.push(match days {
        Some(days) => format!("it is paid for by its size for {days} days").into(),
        None => {
            "nobody says for how long it is kept: it is paid for by its size until somebody deletes it".into()
        }
    });
    Ok(call.maybe("Lifecycle", days.map(|days| json!({"DeleteAfterDays": days}))))
}

fn named(operation: &str, ask: &PlanAsk<'_>, place: &Place, vault: &str, point: &str) -> Call {
    Call::new(operation, &ask.environment.name, place)
        .with("BackupVaultName", vault)
        .with("RecoveryPointArn", point)
}

async fn vault_is_there(
    ask: &PlanAsk<'_>,
    design: &mut Design,
    vault: &str,
    place: &Place,
) -> Result<(), Refusal> {
    let describe =
        Call::new("backup:DescribeBackupVault", &ask.environment.name, place).with("BackupVaultName", vault);
    if !is_later(vault) {
        ask.look.look(&describe).await.map_err(|trouble| {
            Refusal::new(format!("the vault {vault} in {} cannot be read: {trouble}", place.region))
        })?;
    }
    if !is_later(vault) {
        design.preconditions.push(Precondition {
            says: format!("the vault {vault} is there, in {}", place.region).into(),
            look: describe,
            at: "/BackupVaultName".into(),
            expect: Expect::Is(vault.into()),
        });
    }
    Ok(())
}

async fn point_is_usable(
    ask: &PlanAsk<'_>,
    design: &mut Design,
    vault: &str,
    point: &str,
    place: &Place,
) -> Result<Value, Refusal> {
    let describe = named("backup:DescribeRecoveryPoint", ask, place, vault, point);
    let mut found = Value::Null;
    if !is_later(point) && !is_later(vault) {
        let told = ask.look.look(&describe).await.map_err(|trouble| {
            Refusal::new(format!("the recovery point {point} cannot be read: {trouble}"))
                .hint("`lifeboat points` lists those that there are")
        })?;
        found = told.body;
        usable(&found, point)?;
    }
    design.preconditions.push(Precondition {
        says: "the recovery point is whole".into(),
        look: describe,
        at: "/Status".into(),
        expect: Expect::OneOf(vec!["COMPLETED".into(), "AVAILABLE".into()]),
    });
    Ok(found)
}

impl Action for Start {
    fn about(&self) -> &'static About {
        self.about
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(self.design(ask))
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async move { self.job.probe(&doing, look).await })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move { self.job.progress(&doing, look).await })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(30)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        means(trouble)
    }
}
