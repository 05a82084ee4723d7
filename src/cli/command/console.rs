//! `console`: the full screen.

use crate::cli::ambient::{self, Opened};
use crate::cli::args::{ConsoleArgs, Global};
use crate::cli::recovering::Recovering;
use crate::cli::recovery;
use crate::cli::wire::{self, Reality, Wired};
use crate::config::Loaded;
use crate::failure::{Failure, FailureKind};
use crate::tui::keymap::load as keymap;
use crate::tui::{self, Setup, theme};
use std::io::IsTerminal;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Runs the command; `loaded` is the estate to show, if not the one of the command line.
///
/// # Errors
/// When there is no terminal, the estate does not open, or the screen cannot be drawn.
pub fn run(global: &Global, args: &ConsoleArgs, loaded: Option<(Loaded, String)>) -> Result<u8, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Failure::new(
            FailureKind::Usage,
            "the console needs a terminal for its input and output",
        )
        .hint("`lifeboat status` prints the same without one"));
    }
    let look = theme::Look::choose(args.theme.as_deref())?;
    let wired = match loaded {
        Some((loaded, origin)) => wire::open_loaded(global, loaded, origin)?,
        None => match ambient::open(global)? {
            Opened::Estate(wired) => *wired,
            Opened::Left => return Ok(0),
        },
    };
    let Wired { estate, origin, source, reality, clock, collector, logins, kept, mut notes, .. } = wired;
    let (keymap, problems) = keymap::with_user_file();
    notes.extend(problems);
    let first = Arc::new(crate::collector::Snapshot { readings: kept, ..collector.snapshot() });
    let (publish, snapshots) = watch::channel(first);
    let (requests, asked) = mpsc::channel(16);
    // The collector has a thread of its own, so that a slow network never delays a key.
    let reader = std::thread::Builder::new()
        .name("collector".to_owned())
        .spawn(move || {
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() {
                runtime.block_on(collector.run(asked, publish));
            }
        })
        .map_err(|error| Failure::of("cannot start reading", &error))?;
    let (runbooks, mut unread) = recovery::library(global)?;
    notes.append(&mut unread);
    // Without a folder for them nothing can be run; what is there can still be looked at.
    let recovering = Recovering::new(global, (source, origin.clone()));
    let recovering = recovering.inspect_err(|failure| notes.push(failure.message.clone())).ok().map(Arc::new);
    let setup = Setup {
        runbooks: runbooks.runbooks().cloned().collect(),
        runs: recovering.as_ref().map(|recovering| recovering.runs()),
        recover: recovering.map(|recovering| recovering as Arc<dyn tui::Recover>),
        estate,
        origin,
        sandbox: match reality {
            Reality::Live => None,
            Reality::Sandbox(scenario) => Some(scenario),
        },
        clock,
        snapshots,
        requests,
        logins,
        keymap,
        look,
        always_redacted: global.redact,
        presenter: args.presenter,
        read_only_for_good: args.read_only,
        notes,
    };
    let ended = tui::run(setup);
    // The collector ends by itself when nobody listens; a read under way may take until its deadline.
    drop(reader);
    ended
}
