//! The console: a pure model, a pure view, and a small runtime around them.
//!
//! [`update`] turns a [`message::Message`] into a changed [`model::Model`] and [`effect::Effect`]s; [`view`] draws a
//! model into cells and changes nothing; [`runtime`] owns the terminal and the threads. Mirrored by pane: `overview`,
//! `points`, `states` and `recovery` (runbooks, runs, journal) stand in each of `model`, `update` and `view`. What is long to work out for thousands of
//! points or states is made with the judgement, off the screen's thread. What must stay true: the view never waits,
//! no file but `runtime` and its helpers knows a clock or a terminal, looks come from roles only, and what stands on
//! the screen went through the redactor where there is one.

pub mod command;
pub mod effect;
pub mod keymap;
pub mod message;
pub mod model;
mod recover;
pub mod runtime;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;

mod following;
mod input;
mod painter;
mod signals;
mod writer;

use crate::collector::{Request, Snapshot};
use crate::domain::Text;
use crate::domain::estate::Estate;
use crate::engine::store::Runs;
use crate::failure::Failure;
use crate::provider::port::{Clock, LogIn};
use crate::runbook::definition::Runbook;
use keymap::Keymap;
pub use recover::Recover;
use std::sync::Arc;
use theme::Look;
use tokio::sync::{mpsc, watch};

/// Everything the console is given.
pub struct Setup {
    /// The estate.
    pub estate: Arc<Estate>,
    /// Where it came from.
    pub origin: String,
    /// The sandbox's scenario, where it is simulated.
    pub sandbox: Option<Text>,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// What is read of it.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Asks the collector, such as to read everything now.
    pub requests: mpsc::Sender<Request>,
    /// Opens logins, where there is anything to log in to.
    pub logins: Option<Arc<dyn LogIn>>,
    /// The runbooks that there are.
    pub runbooks: Vec<Runbook>,
    /// The runs that are followed.
    pub runs: Option<Runs>,
    /// Plans recoveries and has them carried out; none where nothing can be.
    pub recover: Option<Arc<dyn Recover>>,
    /// The keys.
    pub keymap: Keymap,
    /// The look.
    pub look: Look,
    /// Whether it hides from the start, presenter or not.
    pub always_redacted: bool,
    /// Whether to begin in presenter mode.
    pub presenter: bool,
    /// Whether this process can never be elevated.
    pub read_only_for_good: bool,
    /// Things to tell at the start.
    pub notes: Vec<String>,
}

/// Runs the console until it is left, and returns the exit code.
///
/// # Errors
/// When the terminal cannot be used.
pub fn run(setup: Setup) -> Result<u8, Failure> {
    runtime::run(setup)
}
