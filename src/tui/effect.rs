//! What is asked of the runtime: inert values, so that a test can compare them.

use super::model::JudgeRequest;

/// A request.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Judge what was read.
    Judge(JudgeRequest),
    /// Read everything now.
    Refresh,
    /// Put this on the clipboard of the terminal.
    Copy(String),
    /// Take the mouse, or free it.
    Mouse(bool),
    /// Forget what is on the screen and draw it anew.
    Redraw,
    /// Go to the background.
    Suspend,
    /// Leave.
    Quit,
}
