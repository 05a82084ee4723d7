//! What the commands about recoveries take. The doc comments are the help texts.

use super::args::{OneFailure, moment};
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use std::path::PathBuf;

/// What `runbooks` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct RunbooksArgs {
    /// Only this one, whole.
    pub runbook: Option<String>,
}

/// Whether anything is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeArg {
    /// Recover.
    Recover,
    /// Practise: the same calls, marked as a drill.
    Drill,
    /// Only talk it through: no call leaves.
    Tabletop,
}

impl ModeArg {
    /// Returns the argument that means a mode.
    pub fn of(mode: crate::runbook::plan::Mode) -> Self {
        use crate::runbook::plan::Mode;
        match mode {
            Mode::Recover => Self::Recover,
            Mode::Drill => Self::Drill,
            Mode::Tabletop => Self::Tabletop,
        }
    }

    /// Returns the mode that is meant.
    pub fn mode(self) -> crate::runbook::plan::Mode {
        use crate::runbook::plan::Mode;
        match self {
            Self::Recover => Mode::Recover,
            Self::Drill => Mode::Drill,
            Self::Tabletop => Mode::Tabletop,
        }
    }
}

/// What a plan is made of.
#[derive(Debug, Clone, Args)]
pub struct PlanArgs {
    /// The runbook.
    pub runbook: String,
    /// A parameter of the runbook. May be given several times.
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub param: Vec<String>,
    /// Whether anything is changed; it recovers if not given.
    #[arg(long, value_enum, value_name = "MODE")]
    pub mode: Option<ModeArg>,
    /// The failure that it recovers from: points that do not survive it are not offered.
    #[arg(long, value_enum, value_name = "FAILURE")]
    pub failure: Option<OneFailure>,
    /// When the outage began.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
}

/// What `plan` takes.
#[derive(Debug, Clone, Args)]
pub struct PlanCommandArgs {
    /// What it is made of.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// Print it as a script of commands, to go on by hand.
    #[arg(long, conflicts_with = "markdown")]
    pub script: bool,
    /// Print it as Markdown.
    #[arg(long)]
    pub markdown: bool,
    /// Write the plan to a file, for `run` and `approve`.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How somebody agrees without a terminal.
#[derive(Debug, Clone, Default, Args)]
pub struct ConsentArgs {
    /// Agree without being asked, where the estate allows that.
    #[arg(short, long)]
    pub yes: bool,
    /// The phrase, where the estate allows consent by a flag.
    #[arg(long, value_name = "PHRASE")]
    pub phrase: Option<String>,
    /// The second person's approval: the file that `approve` wrote.
    #[arg(long, value_name = "FILE")]
    pub approval: Option<PathBuf>,
    /// Why nobody else can be reached: go on without a second person, after two minutes.
    #[arg(long, value_name = "REASON")]
    pub break_glass: Option<String>,
}

/// What `run` takes.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The runbook, or the file of a plan. What follows is for a runbook.
    #[command(flatten)]
    pub plan: PlanArgs,
    /// How it is agreed to.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// Why: the incident, or what it is for. It stands in the journal.
    #[arg(long, value_name = "TEXT")]
    pub purpose: Option<String>,
    /// Do not watch: print the name of the run and leave it.
    #[arg(long)]
    pub detach: bool,
    /// A secret parameter: its value is read from the variable LIFEBOAT_SECRET_NAME, or asked for.
    #[arg(long, value_name = "NAME")]
    pub secret: Vec<String>,
}

/// A run.
#[derive(Debug, Clone, Default, Args)]
pub struct OfRun {
    /// The run: its name or the end of it; the newest if not given.
    pub run: Option<String>,
}

/// What `resume` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct ResumeArgs {
    /// The run: its name or the end of it; the newest if not given.
    pub run: Option<String>,
    /// Do not watch.
    #[arg(long)]
    pub detach: bool,
    /// A secret parameter, once more: it stands nowhere.
    #[arg(long, value_name = "NAME")]
    pub secret: Vec<String>,
}

/// A run and a reason.
#[derive(Debug, Clone, Args)]
pub struct RunReason {
    /// The run: its name or the end of it; the newest if not given.
    pub run: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// A step of a run.
#[derive(Debug, Clone, Args)]
pub struct OfStep {
    /// The run: its name or the end of it.
    pub run: String,
    /// The step.
    pub step: String,
}

/// A step of a run and a reason.
#[derive(Debug, Clone, Args)]
pub struct StepReason {
    /// The run: its name or the end of it.
    pub run: String,
    /// The step.
    pub step: String,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// What `undo` takes.
#[derive(Debug, Clone, Args)]
pub struct UndoArgs {
    /// The run: its name or the end of it.
    pub run: String,
    /// Only this step.
    pub step: Option<String>,
    /// How it is agreed to.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// Do not watch.
    #[arg(long)]
    pub detach: bool,
}

/// What `open` takes.
#[derive(Debug, Clone, Args)]
pub struct OpenArgs {
    /// The run: its name or the end of it.
    pub run: String,
    /// The step that waits at its gate.
    pub step: String,
    /// How it is agreed to.
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// What `settle` takes.
#[derive(Debug, Clone, Args)]
pub struct SettleArgs {
    /// The run: its name or the end of it.
    pub run: String,
    /// The step that is in doubt.
    pub step: String,
    /// It has happened.
    #[arg(long, conflicts_with = "did_not", required_unless_present = "did_not")]
    pub happened: bool,
    /// It has not happened: it is made again.
    #[arg(long)]
    pub did_not: bool,
    /// How you know it.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// What `answer` takes.
#[derive(Debug, Clone, Args)]
pub struct AnswerArgs {
    /// The run: its name or the end of it.
    pub run: String,
    /// The step that asks.
    pub step: String,
    /// The answer.
    pub answer: String,
    /// The step could not be done.
    #[arg(long)]
    pub failed: bool,
}

/// What `approve` takes.
#[derive(Debug, Clone, Args)]
pub struct ApproveArgs {
    /// The file of a plan.
    pub plan: PathBuf,
    /// Your name in the estate.
    #[arg(long = "as", value_name = "NAME")]
    pub name: String,
    /// Your SSH key: the private key's file, or the public key's where an agent holds the other.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// For how long it counts.
    #[arg(long, value_name = "SPAN", default_value = "1 h", value_parser = span)]
    pub hold: std::time::Duration,
    /// Where the approval is written; beside the plan if not given.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

fn span(text: &str) -> Result<std::time::Duration, String> {
    crate::domain::duration::parse(text)
}

/// What `follow` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct FollowArgs {
    /// The run: its name or the end of it; the newest if not given.
    pub run: Option<String>,
}

/// What `replay` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct ReplayArgs {
    /// The run: its name or the end of it; the newest if not given.
    pub run: Option<String>,
    /// Only up to this line of its journal.
    #[arg(long, value_name = "LINE")]
    pub to: Option<u64>,
}

/// What `audit` takes.
#[derive(Debug, Clone, Args)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub what: AuditWhat,
}

/// What can be done with journals.
#[derive(Debug, Clone, Subcommand)]
pub enum AuditWhat {
    /// Verify the journal of a run, its plan and its side files: every line's hash, order and meaning.
    Verify(OfRun),
    /// Print the journal of a run for people.
    Show(OfRun),
    /// Write the journal of a run, its plan and a report to a folder.
    Export(ExportArgs),
}

/// What `audit export` takes.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The run: its name or the end of it; the newest if not given.
    pub run: Option<String>,
    /// The folder to make.
    #[arg(short, long, value_name = "FOLDER")]
    pub output: PathBuf,
}

/// What an executor is told.
#[derive(Debug, Clone, Args)]
pub struct ExecuteArgs {
    /// The folder of the run.
    pub run: PathBuf,
}
