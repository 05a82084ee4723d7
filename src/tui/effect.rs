//! What is asked of the runtime: inert values, so that a test can compare them.

use super::model::{JudgeRequest, Operating, PlanWanted, Prepared, Secrets};
use crate::collector::Request;
use crate::domain::Text;
use crate::domain::ids::EnvironmentName;
use crate::runbook::event::{Ask, ConsentGiven};
use std::sync::Arc;

/// A code that somebody typed. It is never shown again.
#[derive(Clone, PartialEq)]
pub struct Code(pub String);

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Code(…)")
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Judge what was read.
    Judge(JudgeRequest),
    /// Read everything now.
    Refresh,
    /// Ask the collector for something else.
    Ask(Request),
    /// Put this on the clipboard of the terminal.
    Copy(String),
    /// Take the mouse, or free it.
    Mouse(bool),
    /// Forget what is on the screen and draw it anew.
    Redraw,
    /// Go to the background.
    Suspend,
    /// Begin to log in to an environment.
    LogIn(EnvironmentName),
    /// Go on with the code that was asked for.
    LoginCode(EnvironmentName, Code),
    /// Make a plan.
    Plan(PlanWanted),
    /// Carry a plan out that somebody agreed to.
    Begin(Operating, Arc<Prepared>, Box<ConsentGiven>, Secrets),
    /// Ask something of a run.
    AskRun(Operating, Text, Box<Ask>),
    /// Verify the journal of a run.
    Verify(Text),
    /// Write the report of a run.
    Report(Text),
    /// Leave.
    Quit,
}
