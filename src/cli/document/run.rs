//! Runbooks and runs as documents.

use crate::engine::store::Run;
use crate::runbook::definition::{ParameterKind, Runbook, RunbookKind};
use crate::runbook::event::Rest;
use crate::runbook::plan::Mode;
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

/// `runbooks --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunbooksDocument {
    /// The version of this document.
    pub version: u32,
    /// The runbooks, by name.
    pub runbooks: Vec<RunbookRow>,
}

/// A runbook.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunbookRow {
    /// Its name.
    pub id: String,
    /// Where its file lies.
    pub origin: String,
    /// The SHA-256 of its file.
    pub sha256: String,
    /// What it does.
    pub title: String,
    /// What has happened when it is the right one.
    pub scenario: String,
    /// What it is for.
    pub kind: RunbookKind,
    /// When somebody last read it through.
    pub reviewed: Option<Date>,
    /// What has to be said.
    pub parameters: Vec<ParameterRow>,
    /// The names of its steps, with the actions that they use.
    pub steps: Vec<StepRow>,
}

/// A parameter.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ParameterRow {
    /// Its name.
    pub name: String,
    /// What it means.
    pub says: String,
    /// Whether it has to be given.
    pub required: bool,
}

/// A step of a runbook.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepRow {
    /// Its name.
    pub id: String,
    /// What it does.
    pub title: String,
    /// The action, or the runbook that it calls.
    pub uses: String,
}

impl RunbooksDocument {
    /// Returns the document of these runbooks.
    pub fn of(runbooks: &[&Runbook]) -> Self {
        let row = |runbook: &&Runbook| RunbookRow {
            id: runbook.id.clone(),
            origin: runbook.origin.clone(),
            sha256: runbook.digest.clone(),
            title: runbook.title.to_string(),
            scenario: runbook.scenario.to_string(),
            kind: runbook.kind,
            reviewed: runbook.reviewed,
            parameters: runbook
                .parameters
                .iter()
                .map(|parameter| ParameterRow {
                    name: parameter.name.clone(),
                    says: parameter.says.to_string(),
                    required: parameter.default.is_none()
                        && !matches!(parameter.kind, ParameterKind::Point { .. }),
                })
                .collect(),
            steps: runbook
                .steps
                .iter()
                .map(|step| StepRow {
                    id: step.id.clone(),
                    title: step.title.to_string(),
                    uses: step.runbook.clone().unwrap_or_else(|| step.uses.clone()),
                })
                .collect(),
        };
        Self { version: 1, runbooks: runbooks.iter().map(row).collect() }
    }
}

/// `runs --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunsDocument {
    /// The version of this document.
    pub version: u32,
    /// The runs, the newest first.
    pub runs: Vec<RunRow>,
    /// Those that cannot be relied on, and why.
    pub damaged: Vec<DamagedRun>,
}

/// A run whose journal or plan cannot be relied on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DamagedRun {
    /// Its name.
    pub run: String,
    /// What is wrong.
    pub why: String,
}

/// A run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunRow {
    /// Its name.
    pub run: String,
    /// The runbook.
    pub runbook: String,
    /// What it does.
    pub title: String,
    /// The environment.
    pub environment: String,
    /// Whether anything is changed.
    pub mode: Mode,
    /// Whether it is simulated.
    pub sandbox: bool,
    /// The hash of its plan.
    pub plan: String,
    /// When it was opened, by the clock of its environment.
    pub opened_at: Option<Timestamp>,
    /// When anything last happened.
    pub last_at: Option<Timestamp>,
    /// Whether an executor works on it.
    pub worked_on: bool,
    /// Why it rests; null while it does not.
    pub rest: Option<Rest>,
    /// What a person has to know or decide.
    pub why: Option<String>,
    /// Its steps, and how each stands.
    pub steps: Vec<RunStepRow>,
    /// How many lines its journal has.
    pub lines: u64,
    /// The hash of the last.
    pub head: String,
}

/// A step of a run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RunStepRow {
    /// Its name.
    pub id: String,
    /// How it stands: `waiting`, `running`, `in doubt`, `done`, `failed`, …
    pub stands: String,
    /// Why it failed or was left out.
    pub why: String,
    /// What a person is asked.
    pub question: Option<String>,
}

impl RunsDocument {
    /// Returns the document of these runs.
    pub fn of(runs: &[Run], damaged: Vec<DamagedRun>) -> Self {
        let row = |run: &Run| RunRow {
            run: run.plan.run.to_string(),
            runbook: run.plan.runbook.id.to_string(),
            title: run.plan.runbook.title.to_string(),
            environment: run.plan.environment.to_string(),
            mode: run.plan.mode,
            sandbox: run.plan.sandbox.is_some(),
            plan: run.hash.to_string(),
            opened_at: run.state.opened_at,
            last_at: run.state.last_at,
            worked_on: run.folder.is_worked_on(),
            rest: run.state.rest.as_ref().map(|(rest, ..)| *rest),
            why: run.state.rest.as_ref().map(|(_, why, _)| why.to_string()),
            steps: run
                .plan
                .steps
                .iter()
                .filter_map(|step| {
                    let known = run.state.steps.get(&step.id)?;
                    Some(RunStepRow {
                        id: step.id.to_string(),
                        stands: known.phase.words().to_owned(),
                        why: known.why.to_string(),
                        question: known.question.as_ref().map(ToString::to_string),
                    })
                })
                .collect(),
            lines: run.read.head.seq,
            head: run.read.head.hash.clone(),
        };
        Self { version: 1, runs: runs.iter().map(row).collect(), damaged }
    }
}
