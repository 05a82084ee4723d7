//! `completions`: completions for a shell.

use crate::cli::args::{Arguments, CompletionsArgs};
use crate::cli::output::Output;
use crate::failure::Failure;
use clap::CommandFactory;

/// Runs the command.
///
/// # Errors
/// When they cannot be printed.
pub fn run(args: &CompletionsArgs, output: &Output) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Arguments::command(), "lifeboat", &mut script);
    output.text(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
