//! What can be said on the command line. The doc comments are the help texts.

pub use super::args_recovery::*;
use crate::domain::estate::Purpose;
use crate::domain::scope::FailureScope;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use std::path::PathBuf;

/// What could be recovered right now, at what loss, and what stands in the way.
///
/// Without a command it opens the console on the estate file.
#[derive(Debug, Parser)]
#[command(name = "lifeboat", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Arguments {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What holds for every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// The estate file. Without it: ./lifeboat.yaml, then lifeboat/lifeboat.yaml in the folder of your settings.
    #[arg(long, global = true, value_name = "FILE", env = "LIFEBOAT_ESTATE")]
    pub estate: Option<PathBuf>,
    /// One environment of the estate; or sandbox:SCENARIO, to see the whole estate simulated.
    #[arg(short, long, global = true, value_name = "ENV")]
    pub environment: Option<String>,
    /// Where lifeboat keeps readings, sandbox worlds and its log.
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// How facts are printed.
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Hide account ids, addresses and people behind names that stay the same.
    #[arg(long, global = true)]
    pub redact: bool,
    /// When to colour what is printed.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorWhen,
    /// Write more to the log; twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// How the sandbox runs.
    #[command(flatten)]
    pub sandbox: SandboxArgs,
}

/// How the sandbox runs.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Sandbox")]
pub struct SandboxArgs {
    /// How many of the sandbox's seconds pass in a real one; 0 stops its clock.
    #[arg(long, global = true, value_name = "N", value_parser = speed)]
    pub speed: Option<f64>,
    /// Where the sandbox's clock starts, if its world is made now.
    #[arg(long, global = true, value_name = "TIME")]
    pub start: Option<Timestamp>,
    /// Begin the sandbox's world anew.
    #[arg(long, global = true)]
    pub fresh: bool,
}

pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "write a moment, such as 2026-11-21T03:12:00Z".to_owned())
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.0..=100_000.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0 to 100000".to_owned()),
    }
}

/// How facts are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// A documented, versioned document; see `lifeboat schema`.
    Json,
    /// For a Prometheus textfile (`status` only).
    Prometheus,
}

/// When to colour what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open the console: the full screen.
    Console(ConsoleArgs),
    /// Open the console on the sandbox: no account, no network.
    Demo(DemoArgs),
    /// Print objectives and verdicts: what could be recovered right now, and at what loss.
    Status(StatusArgs),
    /// Print what there is to recover from.
    Points(PointsArgs),
    /// Print Terraform locks with holder, age and evidence.
    Locks,
    /// Print Terraform states with their versions.
    States(StatesArgs),
    /// Print the runbooks that there are, or one of them.
    Runbooks(RunbooksArgs),
    /// Make a plan: what a recovery would do, call by call. Nothing is changed.
    Plan(PlanCommandArgs),
    /// Make a plan, agree to it, and watch it run.
    Run(RunArgs),
    /// Print the runs that there are, and how each stands.
    Runs,
    /// Go on with a run that rests.
    Resume(ResumeArgs),
    /// Let a run go no further than what is under way.
    Pause(OfRun),
    /// Leave a step of a run out, for a reason.
    Skip(StepReason),
    /// Begin a step of a run again that has failed.
    Retry(OfStep),
    /// Take back what a run has done: one step, or all in reverse order.
    Undo(UndoArgs),
    /// Give a run up: it is never begun again.
    Abandon(RunReason),
    /// Let a run go past a gate.
    Open(OpenArgs),
    /// Say of a call in doubt whether it has happened.
    Settle(SettleArgs),
    /// Answer what a manual step asks.
    Answer(AnswerArgs),
    /// Stand against a break-glass that waits.
    Veto(RunReason),
    /// Sign a plan as the second person.
    Approve(ApproveArgs),
    /// Watch a run as it goes.
    Follow(FollowArgs),
    /// Print what happened in a run, event by event.
    Replay(ReplayArgs),
    /// Journals as evidence: verify, show, export.
    Audit(AuditArgs),
    /// Works a run off; `run` and `resume` start it.
    #[command(name = "__execute", hide = true)]
    Execute(ExecuteArgs),
    /// Look at what an account holds and write a first estate file.
    Init(InitArgs),
    /// Check the estate file and its runbooks: mistakes, contradictions, things nothing can read.
    Check(CheckArgs),
    /// Log in to environments: by IAM Identity Center, or with the code of an MFA device.
    Login(LoginArgs),
    /// Print the least that an identity has to be allowed, as IAM policies.
    Policy(PolicyArgs),
    /// Say whether everything is in place: terminal, state folder, tools, estate, logins, permissions.
    Doctor,
    /// Print the JSON Schema of a file or document.
    Schema(SchemaArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page.
    Man,
}

/// What `console` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct ConsoleArgs {
    /// Seal this process: it can never be elevated.
    #[arg(long)]
    pub read_only: bool,
    /// For a shared screen: redaction, large clock and spacing.
    #[arg(long)]
    pub presenter: bool,
    /// dark, light, high-contrast, colour-blind, projector or mono.
    #[arg(long, value_name = "THEME")]
    pub theme: Option<String>,
}

/// What `demo` takes.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// What happens in it.
    #[arg(default_value = "calm", help = format!("What happens in it: {}", crate::domain::estate::SCENARIO_NAMES.join(", ")))]
    pub scenario: String,
    /// How the screen is.
    #[command(flatten)]
    pub console: ConsoleArgs,
}

/// What `status` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct StatusArgs {
    /// The failure to judge for. If not given: `local` in a table; every one in JSON and for --check.
    #[arg(long, value_enum, value_name = "FAILURE")]
    pub failure: Option<FailureArg>,
    /// Exit with 3 when anything named by --fail-on is found.
    #[arg(long)]
    pub check: bool,
    /// What --check fails on: codes of troubles, with commas between.
    #[arg(long, value_name = "CODES", value_delimiter = ',', default_values = ["rpo-breached", "rpo-unknown"])]
    pub fail_on: Vec<String>,
    /// When the outage began: losses are counted up to then.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// Judge by the readings that are kept, without reading anything.
    #[arg(long)]
    pub kept: bool,
}

/// The failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailureArg {
    /// The component is lost or damaged.
    Local,
    /// Its Region is gone.
    Region,
    /// Its account cannot be trusted.
    Account,
    /// Each of them.
    All,
}

impl FailureArg {
    /// Returns the failures that are meant.
    pub fn scopes(self) -> &'static [FailureScope] {
        match self {
            Self::Local => &[FailureScope::Local],
            Self::Region => &[FailureScope::Region],
            Self::Account => &[FailureScope::Account],
            Self::All => &FailureScope::ALL,
        }
    }
}

/// What `points` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct PointsArgs {
    /// Only of these components.
    pub components: Vec<String>,
    /// Judge by the readings that are kept, without reading anything.
    #[arg(long)]
    pub kept: bool,
    /// To which moment everything is to be brought back: 14:32, 2026-11-20 14:32, 3 h ago, or RFC 3339; in UTC.
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// With --at: the failure after which it is brought back.
    #[arg(long, value_enum, default_value = "local", requires = "at")]
    pub failure: OneFailure,
}

/// One failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum OneFailure {
    /// The component is lost or damaged.
    #[default]
    Local,
    /// Its Region is gone.
    Region,
    /// Its account cannot be trusted.
    Account,
}

impl OneFailure {
    /// Returns the argument that means a failure.
    pub fn of(scope: FailureScope) -> Self {
        match scope {
            FailureScope::Local => Self::Local,
            FailureScope::Region => Self::Region,
            FailureScope::Account => Self::Account,
        }
    }

    /// Returns the failure that it means.
    pub fn scope(self) -> FailureScope {
        match self {
            Self::Local => FailureScope::Local,
            Self::Region => FailureScope::Region,
            Self::Account => FailureScope::Account,
        }
    }
}

/// What `states` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct StatesArgs {
    /// Only this state, with all its versions: a component, or BUCKET/KEY.
    pub state: Option<String>,
    /// Show every version, not only the newest.
    #[arg(long)]
    pub versions: bool,
    /// Compare two versions of the state by resource: their ids, or `current` and `previous`.
    #[arg(long, num_args = 2, value_names = ["OLDER", "NEWER"], requires = "state")]
    pub compare: Option<Vec<String>>,
}

/// What `init` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct InitArgs {
    /// The file to write; `-` prints it. A file that is there is never overwritten.
    #[arg(short, long, value_name = "FILE", default_value = "lifeboat.yaml")]
    pub output: PathBuf,
    /// The profile of the AWS configuration; the ambient credentials if not given.
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
    /// The Region to look at; that of the profile or of AWS_REGION if not given.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The Region to recover to; found by the copies that lie there if not given.
    #[arg(long, value_name = "REGION")]
    pub dr_region: Option<String>,
    /// The name of the estate; that of the account if not given.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// What `check` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct CheckArgs {
    /// Only these runbooks; if none is named, the estate file and the runbooks in its folders.
    #[arg(value_name = "RUNBOOK")]
    pub runbooks: Vec<PathBuf>,
}

/// What `login` takes.
#[derive(Debug, Clone, Default, Args)]
pub struct LoginArgs {
    /// Only these environments; every real one if none is named.
    #[arg(value_name = "ENVIRONMENT")]
    pub environments: Vec<String>,
    /// What for.
    #[arg(long, value_enum, default_value_t, value_name = "PURPOSE")]
    pub purpose: PurposeArg,
    /// Read codes from standard input, one line for each environment that wants one.
    #[arg(long)]
    pub code_stdin: bool,
    /// Log in anew, even where a session is still good.
    #[arg(long)]
    pub force: bool,
}

/// Why somebody logs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum PurposeArg {
    /// To look.
    #[default]
    Observe,
    /// To change.
    Operate,
    /// To change when nobody else can be reached.
    BreakGlass,
}

impl PurposeArg {
    /// Returns the purpose that is meant.
    pub fn purpose(self) -> Purpose {
        match self {
            Self::Observe => Purpose::Observe,
            Self::Operate => Purpose::Operate,
            Self::BreakGlass => Purpose::BreakGlass,
        }
    }
}

/// What `policy` takes.
#[derive(Debug, Clone, Args)]
pub struct PolicyArgs {
    /// What the identity is for.
    #[arg(value_enum, default_value_t = PolicyFor::Observe)]
    pub purpose: PolicyFor,
}

/// What an identity is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PolicyFor {
    /// To look: everything that this version reads.
    Observe,
    /// To recover: what it changes besides.
    Operate,
}

/// What `schema` takes.
#[derive(Debug, Clone, Args)]
pub struct SchemaArgs {
    /// What to describe.
    #[arg(value_enum, default_value_t = SchemaOf::Estate)]
    pub of: SchemaOf,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The estate file.
    Estate,
    /// A runbook.
    Runbook,
    /// `status --format json`.
    Status,
    /// `points --format json`.
    Points,
    /// `points --at TIME --format json`.
    PointsAt,
    /// `locks --format json`.
    Locks,
    /// `states --format json`.
    States,
    /// `states STATE --compare OLDER NEWER --format json`.
    Comparison,
    /// `runbooks --format json`.
    Runbooks,
    /// `runs --format json`.
    Runs,
    /// `audit show --format json`.
    AuditShow,
    /// `audit verify --format json`.
    AuditVerify,
    /// `check --format json`.
    Check,
    /// `doctor --format json`.
    Doctor,
    /// `login --format json`.
    Login,
}

/// What `completions` takes.
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
}
