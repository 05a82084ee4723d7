//! `man`: the manual page, with the exit codes and the console's keys.

use crate::cli::args::Arguments;
use crate::cli::output::Output;
use crate::failure::{EXIT_CODES, Failure};
use crate::tui::command::COMMANDS;
use crate::tui::keymap::Keymap;
use clap::CommandFactory;

/// Runs the command.
///
/// # Errors
/// When it cannot be printed.
pub fn run(output: &Output) -> Result<u8, Failure> {
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(Arguments::command());
    man.render(&mut page).map_err(|error| Failure::of("cannot make the manual page", &error))?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    page.push_str(".SH EXIT CODES\n");
    for (code, says) in EXIT_CODES {
        page.push_str(&format!(".TP\n{code}\n{says}\n"));
    }
    page.push_str(".SH KEYS OF THE CONSOLE\n");
    let keymap = Keymap::default();
    for command in COMMANDS {
        let keys = keymap.keys_of(command.command).join(", ").replace('\\', "\\e");
        page.push_str(&format!(".TP\n{keys}\n{}\n", command.doc));
    }
    output.text(&page)?;
    Ok(0)
}
