//! How a child is ended: asked first, because Terraform gives its lock back when it is interrupted; told then; ended last.

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

const RUNGS: [(Signal, &str); 3] = [(Signal::INT, "INT"), (Signal::TERM, "TERM"), (Signal::KILL, "KILL")];

/// A signal that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    /// Its name.
    pub(super) signal: String,
    /// When.
    pub(super) at: Timestamp,
}

/// How far the end of a child has come.
#[derive(Debug)]
pub(super) struct Ladder {
    group: Pid,
    grace: Duration,
    /// When the next rung is due; `None` while nobody asked for the end.
    due: Option<Instant>,
    /// Why the end was asked for.
    pub(super) asked: Option<&'static str>,
    /// What was sent.
    pub(super) sent: Vec<Sent>,
}

impl Ladder {
    /// Returns the ladder of a process group.
    pub(super) fn of(group: Pid, grace: Duration) -> Self {
        Self { group, grace, due: None, asked: None, sent: Vec::new() }
    }

    /// Takes that the end is asked for; the first reason counts.
    pub(super) fn ask(&mut self, why: &'static str) {
        if self.asked.is_none() {
            self.asked = Some(why);
            self.due = Some(Instant::now());
        }
    }

    /// Sends what is due.
    pub(super) fn climb(&mut self, now: Timestamp) {
        let Some(due) = self.due.filter(|due| *due <= Instant::now()) else { return };
        let Some((signal, name)) = RUNGS.get(self.sent.len()) else { return };
        // It may have ended in this moment; it was not waited for yet, so the number is still its own.
        let _ = kill_process_group(self.group, *signal);
        // One that was stopped takes no signal until it goes on.
        let _ = kill_process_group(self.group, Signal::CONT);
        self.sent.push(Sent { signal: (*name).to_owned(), at: now });
        self.due = Some(due + self.grace);
    }
}
