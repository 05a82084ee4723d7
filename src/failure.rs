//! Failures as people meet them: what failed, on which thing, why, and what to do next.
//!
//! Typed errors live in their modules; at the edge each becomes a [`Failure`], which knows its exit code and how it
//! is shown, the same on a terminal and in the console.

use crate::domain::redaction::Redactor;
use crate::domain::text::harmless_lines;
use std::fmt;

/// What a failure means for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// It went wrong.
    Failed,
    /// The call or its input is wrong.
    Usage,
    /// An objective is not met (`--check`).
    ObjectiveNotMet,
    /// It was refused: read-only, consent, policy, preflight.
    Refused,
    /// A run failed or is stuck, and can be resumed.
    RunFailed,
    /// A journal does not verify.
    NotVerified,
    /// The run is paused, or goes on without us.
    Detached,
    /// A signal ended it.
    Signal(i32),
}

/// Every exit code with its meaning, as the documentation lists them.
pub const EXIT_CODES: [(u8, &str); 9] = [
    (0, "fine"),
    (1, "failed"),
    (2, "wrong usage or bad input"),
    (3, "an objective is not met (`status --check`)"),
    (4, "the run failed or is stuck, and can be resumed"),
    (5, "refused: consent, read-only, policy or preflight"),
    (6, "a journal does not verify"),
    (7, "the run is paused, or goes on without this command"),
    (128, "128 plus the number of the signal that ended it"),
];

impl FailureKind {
    /// Returns the exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::ObjectiveNotMet => 3,
            Self::RunFailed => 4,
            Self::Refused => 5,
            Self::NotVerified => 6,
            Self::Detached => 7,
            Self::Signal(number) => 128_u8.saturating_add(u8::try_from(number).unwrap_or(0)),
        }
    }
}

/// A failure with its causes and what may help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What it means for the exit code.
    pub kind: FailureKind,
    /// What failed, on which thing.
    pub message: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
    /// Ready-made lines to show instead of message and causes, such as the places in a file.
    pub rendered: Option<String>,
}

impl Failure {
    /// Returns a failure of `kind`.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), causes: Vec::new(), hints: Vec::new(), rendered: None }
    }

    /// Returns the failure of something that went wrong, with the chain of `error` as its causes.
    pub fn of(message: impl Into<String>, error: &dyn std::error::Error) -> Self {
        let mut failure = Self::new(FailureKind::Failed, message);
        let mut next = Some(error);
        while let Some(cause) = next {
            failure.causes.push(cause.to_string());
            next = cause.source();
        }
        failure
    }

    /// Returns it with another meaning for the exit code.
    pub fn with_kind(mut self, kind: FailureKind) -> Self {
        self.kind = kind;
        self
    }

    /// Adds what may help.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the failure as people see it; several lines, no final line break, nothing in it that a terminal
    /// would act on.
    pub fn show(&self, redactor: Option<&Redactor>) -> String {
        let mut out = if let Some(rendered) = &self.rendered {
            rendered.trim_end().to_owned()
        } else {
            let mut out = format!("error: {}", self.message);
            for cause in &self.causes {
                out.push_str(&format!("\n  because {cause}"));
            }
            out
        };
        for hint in &self.hints {
            out.push_str(&format!("\nhint: {hint}"));
        }
        let clean = harmless_lines(&out);
        redactor.map_or_else(|| clean.clone(), |redactor| redactor.redact(&clean))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show(None))
    }
}

impl std::error::Error for Failure {}
