//! Jobs of AWS Backup: how one is followed to its end, told again after a lost answer, and what its ends mean (B1, B3).

use super::facts::text;
use super::{Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::Text;
use crate::domain::duration::before;
use crate::domain::estate::{Component, Selector};
use crate::domain::kind::Kind;
use crate::provider::port::{CallTrouble, Look};
use crate::runbook::call::Call;
use serde_json::{Map, Value};
use std::time::Duration;

/// A sort of job, with the words that its calls use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    describe: &'static str,
    list: &'static str,
    listed: &'static str,
    id: &'static str,
    /// Where the job stands in its description, and which member says its state.
    at: &'static str,
    state: &'static str,
    /// Which member says what it made, and what later steps know that by.
    made: &'static str,
    output: &'static str,
    /// The members of a listed job that must be as the call's arguments.
    same: &'static [(&'static str, &'static str)],
    /// Whether a job like ours may be taken for ours: one backup or copy is as good as another, one restore is not.
    adopts: bool,
}

impl Job {
    /// Jobs that back something up.
    pub(super) const BACKUP: Self = Self {
        describe: "backup:DescribeBackupJob",
        list: "backup:ListBackupJobs",
        listed: "BackupJobs",
        id: "BackupJobId",
        at: "",
        state: "State",
        made: "RecoveryPointArn",
        output: "point",
        same: &[("ResourceArn", "ResourceArn"), ("BackupVaultName", "BackupVaultName")],
        adopts: true,
    };

    /// Jobs that copy a recovery point to another vault.
    pub(super) const COPY: Self = Self {
        describe: "backup:DescribeCopyJob",
        list: "backup:ListCopyJobs",
        listed: "CopyJobs",
        id: "CopyJobId",
        at: "/CopyJob",
        state: "State",
        made: "DestinationRecoveryPointArn",
        output: "point",
        same: &[
            ("SourceRecoveryPointArn", "RecoveryPointArn"),
            ("DestinationBackupVaultArn", "DestinationBackupVaultArn"),
        ],
        adopts: true,
    };

    /// Jobs that restore from a recovery point.
    pub(super) const RESTORE: Self = Self {
        describe: "backup:DescribeRestoreJob",
        list: "backup:ListRestoreJobs",
        listed: "RestoreJobs",
        id: "RestoreJobId",
        at: "",
        state: "Status",
        made: "CreatedResourceArn",
        output: "resource",
        same: &[("RecoveryPointArn", "RecoveryPointArn")],
        adopts: false,
    };

    /// Looks for the job that a call started: by its token it is found again only while AWS Backup remembers that.
    pub(super) async fn probe(&self, doing: &Doing<'_>, look: &dyn Look) -> Result<Found, CallTrouble> {
        let Ok(call) = doing.call() else {
            return Ok(Found::Unclear { evidence: "the step has no such call".into() });
        };
        let since = before(doing.since, Duration::from_secs(60));
        let list = Call::new(self.list, &call.environment, &call.place)
            .with("ByCreatedAfter", format!("{since:.0}"));
        let found = look.look(&list).await?.body;
        let all = found.get(self.listed).and_then(Value::as_array);
        let fits = |job: &&Value| {
            let same = self
                .same
                .iter()
                .all(|(member, argument)| text(job, member) == call.text(argument).unwrap_or_default());
            // What a plan started is not ours.
            same && job.get("CreatedBy").is_none_or(Value::is_null)
        };
        let mine: Vec<&Value> = all.into_iter().flatten().filter(fits).collect();
        let ids: Vec<&str> = mine.iter().map(|job| text(job, self.id)).collect();
        let evidence = |says: &str| Text::new(&format!("{}{says}", ids.join(", ")));
        Ok(match mine.as_slice() {
            [] => Found::Nothing { evidence: "no such job was started since".into() },
            [one] if self.adopts => Found::Happened {
                reply: (*one).clone(),
                evidence: evidence(" was started since, by no plan, for the same"),
            },
            _ => Found::Unclear {
                evidence: evidence(" started since, for the same; whether by this step cannot be seen"),
            },
        })
    }

    /// Looks how far the job is.
    pub(super) async fn progress(&self, doing: &Doing<'_>, look: &dyn Look) -> Result<Progress, CallTrouble> {
        let Ok(call) = doing.call() else { return Ok(Progress::Done(Map::new())) };
        let id = text(doing.reply(0), self.id);
        let describe = Call::new(self.describe, &call.environment, &call.place).with(self.id, id);
        let body = look.look(&describe).await?.body;
        Ok(self.judge(id, body.pointer(self.at).unwrap_or(&Value::Null)))
    }

    /// Says where a job stands: only one of its ends is what was asked for, and each of the others is something else (B1).
    fn judge(&self, id: &str, job: &Value) -> Progress {
        let state = text(job, self.state);
        let message = text(job, "StatusMessage");
        let failed = |why: String, hint: &str| Progress::Failed {
            why: Text::new(&if message.is_empty() { why } else { format!("{why}: {message}") }),
            hint: Some(hint.into()),
        };
        let percent = text(job, "PercentDone").trim_end_matches('%').parse::<f64>().ok();
        // It is a text, and an estimate (B1).
        let percent = percent.map(|percent| percent.clamp(0.0, 100.0).round());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 100")]
        let percent = percent.map(|percent| percent as u8);
        match state {
            "COMPLETED" => self.completed(id, job),
            "EXPIRED" => {
                let by = text(job, "StartBy");
                let by = if by.is_empty() { String::new() } else { format!(", which ended at {by}") };
                failed(
                    format!(
                        "the job {id} has expired: it did not start inside its window{by}; nothing was backed up"
                    ),
                    "other jobs of the resource may be under way: wait for them, then `retry`",
                )
            }
            "PARTIAL" => failed(
                format!(
                    "the job {id} ended partial: some of its children failed, and what it made is not whole"
                ),
                "see the children of the job in AWS Backup; do not count on this point",
            ),
            "FAILED" => failed(format!("the job {id} has failed"), "see why, then `retry`"),
            "ABORTED" => failed(format!("the job {id} was stopped by somebody"), "ask who, then `retry`"),
            "" => Progress::Going { percent: None, says: format!("the job {id} does not show yet").into() },
            state => Progress::Going { percent, says: format!("the job {id} is {state}").into() },
        }
    }

    fn completed(&self, id: &str, job: &Value) -> Progress {
        // Whether it was validated is a verdict of its own.
        let verdict = text(job, "ValidationStatus");
        if ["FAILED", "TIMED_OUT"].contains(&verdict) {
            let says = text(job, "ValidationStatusMessage");
            return Progress::Failed {
                why: format!("the job {id} is complete, and its validation {verdict}: {says}").into(),
                hint: Some("what was restored is there: look at it before anybody uses it".into()),
            };
        }
        let made = text(job, self.made);
        if made.is_empty() {
            // Complete is not restored: only what it made can be probed (B3).
            let says = format!("the job {id} is complete, and does not say yet what it made");
            return Progress::Going { percent: Some(100), says: says.into() };
        }
        let mut outputs = Map::new();
        outputs.insert(self.output.to_owned(), Value::from(made));
        outputs.insert("job".to_owned(), Value::from(id));
        let name = made.rsplit(['/', ':']).next().unwrap_or(made);
        outputs.insert("name".to_owned(), Value::from(name));
        Progress::Done(outputs)
    }
}

/// Says what a refusal of AWS Backup means.
pub(super) fn means(trouble: &CallTrouble) -> Meaning {
    let hint = match trouble.code().unwrap_or_default() {
        "IdempotencyException" | "AlreadyExistsException" | "IdempotentParameterMismatch" => {
            return Meaning::Look;
        }
        "ResourceNotFoundException" => {
            "the vault, the point or the resource is not there: `lifeboat points` lists points"
        }
        "InvalidParameterValueException" | "MissingParameterValueException" => {
            "what a restore needs follows from the kind of resource: name it under `metadata`"
        }
        "LimitExceededException" => "too many jobs are under way: wait, then `retry`",
        "AccessDeniedException" => {
            "the role must be one that AWS Backup may assume, and you must be allowed to pass it"
        }
        _ => return Meaning::Failed { hint: None },
    };
    Meaning::Failed { hint: Some(hint.into()) }
}

/// Says whether a recovery point can be restored or copied, and what it is of (B2).
///
/// # Errors
/// When it cannot.
pub(super) fn usable(point: &Value, arn: &str) -> Result<(), Refusal> {
    let message = text(point, "StatusMessage");
    let why = match text(point, "Status") {
        "COMPLETED" | "AVAILABLE" => return Ok(()),
        "PARTIAL" => "is partial: some of what it should hold is missing",
        "EXPIRED" => "is expired: it should be gone, and only could not be deleted",
        "STOPPED" => "is stopped: its continuous backup broke, and it holds nothing newer",
        "CREATING" => "is not complete yet",
        "DELETING" => "is being deleted",
        _ => "is in a state that nobody here knows",
    };
    let says = format!("the recovery point {arn} {why} {message}");
    Err(Refusal::new(says.trim_end()).hint("choose another: `lifeboat points` lists those that are usable"))
}

/// Returns the ARN of what is backed up: as it was given, or that of a component.
///
/// # Errors
/// When it cannot be told.
pub(super) fn resource(ask: &PlanAsk<'_>) -> Result<String, Refusal> {
    if let Some(arn) = ask.given.maybe_text("resource")? {
        return Ok(arn.to_owned());
    }
    if ask.given.maybe_text("component")?.is_none() {
        return Err(Refusal::new("neither `component` nor `resource` says of what"));
    }
    arn(ask.component("component")?)
}

fn arn(component: &Component) -> Result<String, Refusal> {
    let Some(Selector::Id(id)) = &component.selector else {
        return Err(Refusal::new(format!(
            "`{}` is not found by an id, so nobody knows its ARN",
            component.id
        ))
        .hint("name the `resource`"));
    };
    let (service, before) = match component.kind {
        Kind::RdsInstance => ("rds", "db:"),
        Kind::RdsCluster => ("rds", "cluster:"),
        Kind::Ec2Instance => ("ec2", "instance/"),
        Kind::EbsVolume => ("ec2", "volume/"),
        Kind::DynamodbTable => ("dynamodb", "table/"),
        Kind::S3Bucket => {
            return Ok(format!("arn:aws:s3:::{}", id.as_str().trim_start_matches("arn:aws:s3:::")));
        }
        other => {
            return Err(Refusal::new(format!(
                "`{}` is of kind {other}, which AWS Backup does not take",
                component.id
            )));
        }
    };
    let home = &component.home;
    Ok(format!("{}:{service}:{}:{}:{before}{id}", partition(home.region.as_str()), home.region, home.account))
}

/// Returns how ARNs of a Region begin.
pub(super) fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "arn:aws-cn"
    } else if region.starts_with("us-gov-") {
        "arn:aws-us-gov"
    } else {
        "arn:aws"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_end_of_a_backup_job_is_said_for_what_it_is() {
        let judge = |state: &str| {
            Job::BACKUP.judge(
                "j-1",
                &json!({"State": state, "RecoveryPointArn": "arn:p",
            "StatusMessage": "because", "StartBy": "2026-11-21T08:00:00Z", "PercentDone": "40.0"}),
            )
        };
        assert!(matches!(judge("COMPLETED"), Progress::Done(outputs) if outputs["point"] == "arn:p"));
        for (state, part) in [
            ("EXPIRED", "did not start inside its window, which ended at 2026-11-21T08:00:00Z"),
            ("PARTIAL", "not whole"),
            ("FAILED", "has failed"),
            ("ABORTED", "stopped by somebody"),
        ] {
            let Progress::Failed { why, hint } = judge(state) else { panic!("{state} is an end") };
            assert!(why.as_str().contains(part) && why.as_str().ends_with("because"), "{why}");
            assert!(hint.is_some());
        }
        for state in ["CREATED", "PENDING", "RUNNING", "ABORTING"] {
            assert!(matches!(judge(state), Progress::Going { percent: Some(40), .. }), "{state}");
        }
    }

    #[test]
    fn a_restore_is_not_done_before_it_says_what_it_made() {
        let judge = |arn: &str, verdict: &str| {
            Job::RESTORE.judge(
                "r-1",
                &json!({"Status": "COMPLETED",
            "CreatedResourceArn": arn, "ValidationStatus": verdict}),
            )
        };
        assert!(matches!(judge("", ""), Progress::Going { .. }));
        assert!(matches!(judge("arn:aws:dynamodb:us-east-2:1:table/back", ""),
            Progress::Done(outputs) if outputs["name"] == "back"));
        assert!(
            matches!(judge("arn:x", "FAILED"), Progress::Failed { .. }),
            "the verdicts do not follow from one another"
        );
    }

    #[test]
    fn only_two_of_the_states_of_a_point_are_usable() {
        for (status, part) in
            [("PARTIAL", "missing"), ("EXPIRED", "should be gone"), ("STOPPED", "broke"), ("ODD", "nobody")]
        {
            let refused = usable(&json!({"Status": status}), "arn:p").unwrap_err();
            assert!(refused.says.contains(part), "{refused}");
        }
        assert!(usable(&json!({"Status": "COMPLETED"}), "arn:p").is_ok());
        assert!(usable(&json!({"Status": "AVAILABLE"}), "arn:p").is_ok());
    }
}
