//! What is asked of the runtime: inert values, so that a test can compare them.

use super::model::JudgeRequest;
use crate::collector::Request;
use crate::domain::ids::EnvironmentName;

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
    /// Leave.
    Quit,
}
