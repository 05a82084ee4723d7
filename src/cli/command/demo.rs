//! `demo`: the console on the sandbox.

use super::console;
use crate::cli::args::{DemoArgs, Global};
use crate::failure::Failure;

/// Runs the command.
///
/// # Errors
/// When there is no such scenario or no terminal.
pub fn run(global: &Global, args: &DemoArgs) -> Result<u8, Failure> {
    let global = Global { environment: Some(format!("sandbox:{}", args.scenario)), ..global.clone() };
    let estate = if global.estate.is_some() { None } else { Some(crate::cli::wire::load_demo()?) };
    console::run(&global, &args.console, estate)
}
