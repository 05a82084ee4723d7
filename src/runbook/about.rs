//! What an action says of itself: the part of it that a runbook's author, a check and a manual need.

use super::dedupe::Dedupe;
use crate::domain::action::ActionClass;
use std::time::Duration;

/// What an argument of an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// A span of time.
    Duration,
    /// True or false.
    Switch,
    /// A component of the estate.
    Component,
    /// Several texts, in their order.
    Texts,
    /// Names and values.
    Pairs,
    /// One of these.
    Choice(&'static [&'static str]),
}

/// An argument of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument {
    /// Its name in a runbook.
    pub name: &'static str,
    /// What it is.
    pub kind: ArgumentKind,
    /// Whether it must be given.
    pub required: bool,
    /// What it means; one sentence.
    pub says: &'static str,
}

/// What an action says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The name after `uses:`.
    pub name: &'static str,
    /// What it does, in a few words.
    pub title: &'static str,
    /// What it does; sentences.
    pub says: &'static str,
    /// What it is given.
    pub arguments: &'static [Argument],
    /// What later steps can refer to as `${steps.id.field}`, with what it means.
    pub outputs: &'static [(&'static str, &'static str)],
    /// The worst that it may do, whatever it is given.
    pub class: ActionClass,
    /// How it is told whether it has happened already.
    pub dedupe: Dedupe,
    /// The operations that it calls, reading ones too.
    pub operations: &'static [&'static str],
    /// Why there is no undo; `None` where there is one.
    pub no_undo: Option<&'static str>,
    /// Within which time it is usually done, before anything was measured; `None` where nobody can say.
    pub usually: Option<(Duration, Duration)>,
}

impl About {
    /// Returns the argument named so.
    pub fn argument(&self, name: &str) -> Option<&'static Argument> {
        self.arguments.iter().find(|argument| argument.name == name)
    }
}
