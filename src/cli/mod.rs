//! The command line: one subcommand a file, and [`wire`], the only place that names concrete adapters.
//!
//! [`ambient`] stands in for an estate file where there is none. What must stay true: standard output carries facts,
//! standard error the rest; exit codes are those of [`crate::failure::EXIT_CODES`]; every JSON document is a type of
//! [`document`] with a schema; and everything printed goes through [`output`].

pub mod ambient;
pub mod args;
mod args_recovery;
pub mod command;
mod consenting;
pub mod document;
mod loss;
pub mod output;
pub mod plan_text;
pub mod prometheus;
mod prompt;
mod recovering;
pub mod recovery;
pub mod table;
mod watching;
pub mod wire;

use crate::domain::redaction::{Redactor, SALT};
use crate::failure::{Failure, FailureKind};
use crate::telemetry;
use args::{Arguments, Command};
use clap::Parser;
use output::Output;
use std::ffi::OsString;

/// Runs the command line `arguments` and returns the exit code.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    // Whatever we make is ours alone, be it by a library that does not ask.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let arguments: Vec<_> = arguments.into_iter().collect();
    if let Some(code) = wire::supervise(&arguments) {
        return code;
    }
    let parsed = match Arguments::try_parse_from(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            let code = if error.use_stderr() { FailureKind::Usage.exit_code() } else { 0 };
            let _ = error.print();
            return code;
        }
    };
    let redactor = parsed.global.redact.then(|| masks(&parsed.global));
    let output = Output::new(&parsed.global, redactor.clone());
    match dispatch(&parsed, &output) {
        Ok(code) => code,
        Err(failure) => {
            tracing::warn!(code = failure.kind.exit_code(), "{}", failure.message);
            output.failure(&failure, redactor.as_ref());
            failure.kind.exit_code()
        }
    }
}

/// Returns what masks texts: with the names of the estate, where it loads and asks for that.
fn masks(global: &args::Global) -> Redactor {
    let loaded = wire::load(global).or_else(|_| wire::load_demo());
    loaded.map_or_else(|_| Redactor::new(SALT), |(loaded, _)| loaded.estate.redactor())
}

fn dispatch(parsed: &Arguments, output: &Output) -> Result<u8, Failure> {
    let global = &parsed.global;
    match parsed.command.as_ref() {
        None => command::console::run(global, &args::ConsoleArgs::default(), None),
        Some(Command::Console(given)) => command::console::run(global, given, None),
        Some(Command::Demo(given)) => command::demo::run(global, given),
        Some(Command::Status(given)) => command::status::run(global, given, output),
        Some(Command::Points(given)) => command::points::run(global, given, output),
        Some(Command::Locks) => command::locks::run(global, output),
        Some(Command::States(given)) => command::states::run(global, given, output),
        Some(Command::Init(given)) => command::init::run(given, output),
        #[cfg(feature = "aws-core")]
        Some(Command::Login(given)) => command::login::run(global, given, output),
        #[cfg(not(feature = "aws-core"))]
        Some(Command::Login(_)) => {
            Err(Failure::new(FailureKind::Usage, "this build of lifeboat cannot read AWS")
                .hint("build with the default features"))
        }
        Some(Command::Runbooks(given)) => command::runbooks::run(global, given, output),
        Some(Command::Plan(given)) => command::plan::run(global, given, output),
        Some(Command::Run(given)) => command::run::run(global, given, output),
        Some(Command::Runs) => command::runs::run(global, output),
        Some(Command::Resume(given)) => command::run::resume(global, given, output),
        Some(Command::Pause(given)) => command::request::pause(global, given, output),
        Some(Command::Skip(given)) => command::request::skip(global, given, output),
        Some(Command::Retry(given)) => command::request::retry(global, given, output),
        Some(Command::Undo(given)) => command::request::undo(global, given, output),
        Some(Command::Abandon(given)) => command::request::abandon(global, given, output),
        Some(Command::Open(given)) => command::request::open(global, given, output),
        Some(Command::Settle(given)) => command::request::settle(global, given, output),
        Some(Command::Answer(given)) => command::request::answer(global, given, output),
        Some(Command::Veto(given)) => command::request::veto(global, given, output),
        Some(Command::Approve(given)) => command::approve::run(global, given, output),
        Some(Command::Follow(given)) => command::follow::run(global, given, output),
        Some(Command::Replay(given)) => command::follow::replay(global, given, output),
        Some(Command::Audit(given)) => command::audit::run(global, given, output),
        Some(Command::Execute(given)) => command::execute::run(global, given),
        Some(Command::Policy(given)) => command::policy::run(global, given, output),
        Some(Command::Check(given)) => command::check::run(global, given, output),
        Some(Command::Doctor) => command::doctor::run(global, output),
        Some(Command::Schema(given)) => command::schema::run(given, output),
        Some(Command::Completions(given)) => command::completions::run(given, output),
        Some(Command::Man) => command::man::run(output),
    }
}

/// Starts the diagnostics, where the state folder allows it.
fn start_telemetry(state: &crate::config::paths::StateDir, verbosity: u8) {
    if let Ok(folder) = state.folder("log")
        && let Err(error) = telemetry::start(&folder, verbosity)
    {
        // A second start in one process (tests) is no fault, and a full disk must not stop anybody.
        tracing::debug!("diagnostics were not started: {error}");
    }
}
