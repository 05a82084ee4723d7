//! The report of a run as a document: what was promised and what came of it, every call and decision, what is otherwise than
//! it was, and what is unprotected now.

use crate::domain::duration::elapsed;
use crate::engine::store::Run;
use crate::runbook::event::{Event, Outcome, Rest};
use crate::runbook::plan::Mode;
use crate::runbook::words::{rest_words, tell};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// `audit show --format json`: the report of a run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// The version of this document.
    pub version: u32,
    /// Why it cannot be relied on; absent where its journal verifies.
    pub not_verified: Option<String>,
    /// The run.
    pub run: String,
    /// The SHA-256 of its plan.
    pub plan: String,
    /// The runbook.
    pub runbook: String,
    /// What it does.
    pub title: String,
    /// The environment.
    pub environment: String,
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
    /// The component that it is about.
    pub component: Option<String>,
    /// Whether it recovered, practised or only talked.
    pub mode: Mode,
    /// Whether it ran in the sandbox: then its times are simulated.
    pub sandbox: bool,
    /// Why, in the operator's words.
    pub purpose: String,
    /// How it stands; absent while it does not rest.
    pub rest: Option<Rest>,
    /// Why, in words.
    pub says: String,
    /// Whether no second person agreed although one was needed.
    pub break_glass: bool,
    /// From the outage, or from when it was agreed to, to its end, in seconds.
    pub took_s: Option<u64>,
    /// Within which time the component was promised to be back, in seconds.
    pub promised_s: Option<u64>,
    /// Whether it was; absent where nothing was promised, or it has not finished.
    pub in_time: Option<bool>,
    /// Its steps.
    pub steps: Vec<StepReport>,
    /// Its calls, in the order in which they were answered.
    pub calls: Vec<CallReport>,
    /// What people asked and agreed to.
    pub decisions: Vec<Decision>,
    /// What is otherwise than it was.
    pub deviations: Vec<DeviationReport>,
    /// What protected the original and does not protect what stands in its place.
    pub unprotected: Vec<DeviationReport>,
    /// How many lines the journal has.
    pub lines: u64,
    /// The hash of its last line.
    pub head: String,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StepReport {
    /// Its name.
    pub id: String,
    /// What it does.
    pub title: String,
    /// How it stands.
    pub phase: String,
    /// Why it failed or was left out.
    pub why: String,
    /// How long it took, in seconds.
    pub took_s: Option<u64>,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CallReport {
    /// When it was answered.
    pub at: Timestamp,
    /// The step.
    pub step: String,
    /// The operation.
    pub operation: String,
    /// The id of the request.
    pub request_id: Option<String>,
    /// How it was answered.
    pub outcome: String,
    /// What was said.
    pub says: String,
}

/// Something that a person decided.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
}

/// Something that is otherwise than it was.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DeviationReport {
    /// The step that left it so.
    pub step: String,
    /// Of what.
    pub setting: String,
    /// What it was.
    pub was: Value,
    /// What it is.
    pub is: Value,
}

impl DeviationReport {
    /// Says whether something that protected the original is weaker now, or gone (R1, R4, R10, D3).
    fn is_unprotected(&self) -> bool {
        let weaker = match (&self.was, &self.is) {
            (Value::Bool(was), Value::Bool(is)) => *was && !*is,
            (Value::Number(was), Value::Number(is)) => was.as_f64() > is.as_f64(),
            (was, Value::Null) => !was.is_null() && *was != Value::Bool(false),
            (was, is) => *is == Value::String("DISABLED".to_owned()) && was != is,
        };
        weaker && PROTECTS.contains(&self.setting.as_str())
    }
}

/// The settings that protect something: backups, their length, a second zone, what stands against deletion.
const PROTECTS: [&str; 10] = [
    "BackupRetentionPeriod",
    "DeletionProtection",
    "DeletionProtectionEnabled",
    "MultiAZ",
    "PointInTimeRecovery",
    "PointInTimeRecoveryStatus",
    "CopyTagsToSnapshot",
    "MonitoringInterval",
    "Versioning",
    "StorageEncrypted",
];

/// Returns what a run left otherwise than it was.
pub(super) fn deviations(run: &Run) -> Vec<DeviationReport> {
    let steps = run.plan.steps.iter().filter_map(|step| Some((step, run.state.steps.get(&step.id)?)));
    let all = steps.flat_map(|(step, known)| {
        known.deviations.as_array().cloned().unwrap_or_default().into_iter().map(|one| DeviationReport {
            step: step.id.to_string(),
            setting: one.get("setting").and_then(Value::as_str).unwrap_or_default().to_owned(),
            was: one.get("was").cloned().unwrap_or_default(),
            is: one.get("is").cloned().unwrap_or_default(),
        })
    });
    all.collect()
}

/// Returns what protected the original and does not protect what stands in its place.
pub(super) fn unprotected(run: &Run) -> Vec<DeviationReport> {
    deviations(run).into_iter().filter(DeviationReport::is_unprotected).collect()
}

/// Returns from when to when a run took.
pub(super) fn span(run: &Run) -> Option<(Timestamp, Timestamp)> {
    // What somebody asked of it later does not make it longer.
    let finished = run
        .read
        .lines
        .iter()
        .find(|line| matches!(line.event, Some(Event::Rested { rest: Rest::Finished, .. })));
    let to = finished.map(|line| line.at).or(run.state.last_at)?;
    Some((run.plan.since.or(run.state.agreed_at)?, to))
}

impl Report {
    /// Returns the report of a run; `wrong` is why it cannot be relied on.
    pub fn of(run: &Run, wrong: Option<&str>) -> Self {
        let (plan, state) = (&run.plan, &run.state);
        let took_s = span(run).map(|(from, to)| elapsed(from, to).as_secs());
        let finished = matches!(state.rest, Some((Rest::Finished, ..)));
        let seconds = |from: Option<Timestamp>, to: Option<Timestamp>| Some(elapsed(from?, to?).as_secs());
        let steps = plan.steps.iter().filter_map(|step| {
            let known = state.steps.get(&step.id)?;
            Some(StepReport {
                id: step.id.to_string(),
                title: step.title.to_string(),
                phase: known.phase.words().to_owned(),
                why: known.why.to_string(),
                took_s: seconds(known.began_at, known.ended_at),
            })
        });
        Self {
            version: 1,
            not_verified: wrong.map(str::to_owned),
            run: plan.run.to_string(),
            plan: run.hash.as_str().to_owned(),
            runbook: plan.runbook.id.to_string(),
            title: plan.runbook.title.to_string(),
            environment: plan.environment.to_string(),
            account: plan.place.account.to_string(),
            region: plan.place.region.to_string(),
            component: plan.component.as_ref().map(ToString::to_string),
            mode: plan.mode,
            sandbox: plan.sandbox.is_some(),
            purpose: state.purpose.to_string(),
            rest: state.rest.as_ref().map(|(rest, ..)| *rest),
            says: state.rest.as_ref().map_or_else(
                || "it is not at rest".to_owned(),
                |(rest, why, _)| format!("{}: {why}", rest_words(*rest)),
            ),
            break_glass: state.break_glass,
            took_s,
            promised_s: plan.promised_s,
            in_time: took_s
                .zip(plan.promised_s)
                .filter(|_| finished)
                .map(|(took, promised)| took <= promised),
            steps: steps.collect(),
            calls: calls(run),
            decisions: decisions(run),
            deviations: deviations(run),
            unprotected: unprotected(run),
            lines: run.read.head.seq,
            head: run.read.head.hash.clone(),
        }
    }
}

/// Returns the calls of a run, in the order in which they were answered.
pub(super) fn calls(run: &Run) -> Vec<CallReport> {
    let mut intended = None;
    let mut calls = Vec::new();
    for line in &run.read.lines {
        match &line.event {
            Some(Event::Intended { of, call, .. }) => intended = Some((of.clone(), call.operation.clone())),
            Some(Event::Answered { of, outcome, request_id, says, .. }) => {
                let operation = intended.as_ref().filter(|(known, _)| known == of);
                calls.push(CallReport {
                    at: line.at,
                    step: of.step.to_string(),
                    operation: operation.map(|(_, name)| name.clone()).unwrap_or_default(),
                    request_id: request_id.as_ref().map(ToString::to_string),
                    outcome: match outcome {
                        Outcome::Succeeded => "accepted",
                        Outcome::Refused => "refused",
                        Outcome::Throttled => "put off",
                        Outcome::NotSent => "not sent",
                        Outcome::InDoubt => "in doubt",
                    }
                    .to_owned(),
                    says: says.to_string(),
                });
            }
            _ => {}
        }
    }
    calls
}

/// Returns what people asked and agreed to.
fn decisions(run: &Run) -> Vec<Decision> {
    let decided = run.read.lines.iter().filter_map(|line| {
        let event = line.event.as_ref()?;
        let who = match event {
            Event::Asked { by, .. } | Event::Observed { by: Some(by), .. } => {
                format!("{}@{}", by.user, by.host)
            }
            Event::Consented { .. } | Event::BreakGlass { .. } => line.actor.user.to_string(),
            _ => return None,
        };
        Some(Decision { at: line.at, who, what: tell(event) })
    });
    decided.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_protects_and_is_weaker_is_unprotected() {
        let of = |setting: &str, was: Value, is: Value| DeviationReport {
            step: "restore".to_owned(),
            setting: setting.to_owned(),
            was,
            is,
        };
        for (deviation, expected) in [
            (of("MultiAZ", json!(true), json!(false)), true),
            (of("MultiAZ", json!(false), json!(true)), false),
            (of("BackupRetentionPeriod", json!(35), json!(1)), true),
            (of("BackupRetentionPeriod", json!(1), json!(35)), false),
            (of("DeletionProtection", json!(true), Value::Null), true),
            (of("DeletionProtection", json!(false), Value::Null), false),
            (of("PointInTimeRecoveryStatus", json!("ENABLED"), json!("DISABLED")), true),
            (of("DBInstanceClass", json!("a"), Value::Null), false),
        ] {
            assert_eq!(deviation.is_unprotected(), expected, "{deviation:?}");
        }
    }
}
