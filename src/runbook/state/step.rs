//! A step of a run: where it stands, and what can move it. The table is the whole of it.

use crate::domain::Text;
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::event::{Direction, Ending, Outcome, SideFile, Verdict};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// It has not begun.
    Waiting,
    /// It waits at its gate.
    AtGate,
    /// It has begun, or a call of it was cleanly put off: its next call can be made.
    Ready,
    /// A call was intended. After a crash nobody knows whether it was made.
    Intended,
    /// A call may or may not have happened.
    InDoubt,
    /// A call has happened, and what it began is awaited.
    Made,
    /// A call was refused, and the step is about to fail.
    Refused,
    /// What its calls began is there; its probes are awaited.
    Arrived,
    /// It is done.
    Succeeded,
    /// It has failed.
    Failed,
    /// Somebody left it out.
    Skipped,
    /// Its condition said that it is not needed.
    NotNeeded,
    /// It was taken back.
    Undone,
    /// It could not be taken back.
    UndoFailed,
}

impl Phase {
    /// All phases.
    pub const ALL: [Self; 14] = [
        Self::Waiting,
        Self::AtGate,
        Self::Ready,
        Self::Intended,
        Self::InDoubt,
        Self::Made,
        Self::Refused,
        Self::Arrived,
        Self::Succeeded,
        Self::Failed,
        Self::Skipped,
        Self::NotNeeded,
        Self::Undone,
        Self::UndoFailed,
    ];

    /// Says whether the step is under way.
    pub fn is_under_way(self) -> bool {
        matches!(
            self,
            Self::Ready | Self::Intended | Self::InDoubt | Self::Made | Self::Refused | Self::Arrived
        )
    }

    /// Says it to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::AtGate => "at its gate",
            Self::Ready | Self::Intended | Self::Made | Self::Refused => "running",
            Self::InDoubt => "in doubt",
            Self::Arrived => "verifying",
            Self::Succeeded => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::NotNeeded => "not needed",
            Self::Undone => "undone",
            Self::UndoFailed => "undo failed",
        }
    }
}

/// The events that move a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// It reached its gate.
    Gate,
    /// It began.
    Begin(Direction),
    /// A call was intended.
    Intend,
    /// A call was answered.
    Answer(Outcome),
    /// A look said whether a call happened.
    Observe(Verdict),
    /// What a call began is there: the last of its calls, or not.
    Arrive {
        /// Whether it was the last call of the step.
        last: bool,
    },
    /// It ended.
    End(Ending),
    /// Somebody left it out.
    Skip,
}

/// Returns where a step stands after `by`, or `None` where that cannot follow. This is the whole table.
pub fn step_after(phase: Phase, by: Move) -> Option<Phase> {
    use Phase::{
        Arrived, AtGate, Failed, InDoubt, Intended, Made, NotNeeded, Ready, Refused, Skipped, Succeeded,
        UndoFailed, Undone, Waiting,
    };
    match (phase, by) {
        (Waiting, Move::Gate) => Some(AtGate),
        // What was refused cleanly is begun again by itself where its runbook says so; what was taken back, when a person
        // says so.
        (Waiting | AtGate | Failed | Refused | Undone, Move::Begin(Direction::Forward)) => Some(Ready),
        (Succeeded | Failed | UndoFailed, Move::Begin(Direction::Undo)) => Some(Ready),
        // A call in doubt is intended again only where its token or its condition makes that harmless.
        (Ready | InDoubt, Move::Intend) => Some(Intended),
        (Intended, Move::Answer(Outcome::Succeeded)) => Some(Made),
        (Intended, Move::Answer(Outcome::Refused)) => Some(Refused),
        (Intended, Move::Answer(Outcome::Throttled | Outcome::NotSent)) => Some(Ready),
        (Intended, Move::Answer(Outcome::InDoubt)) => Some(InDoubt),
        // After a crash an intent without an answer is observed as it is.
        (Intended | InDoubt, Move::Observe(Verdict::Happened)) => Some(Made),
        (Intended | InDoubt, Move::Observe(Verdict::DidNot)) => Some(Ready),
        (Intended | InDoubt, Move::Observe(Verdict::Unclear)) => Some(InDoubt),
        (Made, Move::Arrive { last: false }) => Some(Ready),
        (Made | Ready, Move::Arrive { last: true }) => Some(Arrived),
        (Arrived, Move::End(Ending::Succeeded | Ending::Undone)) => Some(match by {
            Move::End(Ending::Undone) => Undone,
            _ => Succeeded,
        }),
        (Waiting, Move::End(Ending::NotNeeded)) => Some(NotNeeded),
        (Ready | Refused | Made | Arrived | InDoubt, Move::End(Ending::Failed)) => Some(Failed),
        (Ready | Refused | Made | Arrived | InDoubt, Move::End(Ending::UndoFailed)) => Some(UndoFailed),
        (Waiting | AtGate | Failed, Move::Skip) => Some(Skipped),
        _ => None,
    }
}

/// A call of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct CallState {
    /// What is sent.
    pub call: Call,
    /// When it was first intended in this attempt.
    pub first: Timestamp,
    /// When it was last intended.
    pub last: Timestamp,
    /// How often.
    pub times: u32,
    /// How it is told whether it has happened.
    pub dedupe: Dedupe,
    /// Since when nobody knows whether the last has happened; kept when that is settled.
    pub doubted: Option<Timestamp>,
    /// How the last was answered; `None` while no answer is on record.
    pub outcome: Option<Outcome>,
    /// The id of the request.
    pub request_id: Option<Text>,
    /// What was answered, or would have been.
    pub reply: Value,
    /// What the service said, or what a look showed.
    pub says: Text,
}

/// A step of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct StepState {
    /// Where it stands.
    pub phase: Phase,
    /// Which way it goes.
    pub direction: Direction,
    /// How often it was begun, counted for each direction, from 1; 0 before.
    pub attempt: u32,
    /// How often it was begun to be taken back.
    pub undo_attempt: u32,
    /// How often it was begun anew after it had been taken back.
    pub series: u32,
    /// The calls of this direction and attempt.
    pub calls: Vec<CallState>,
    /// The calls that carried it out, kept while it is taken back.
    pub done: Vec<CallState>,
    /// How many calls it will make.
    pub planned: u32,
    /// What later steps can refer to.
    pub outputs: Map<String, Value>,
    /// What was there before.
    pub before: Option<SideFile>,
    /// How many of its probes have been green for long enough.
    pub verified: u32,
    /// How many settings it left otherwise than they were, and which.
    pub deviations: Value,
    /// What a person is asked about it.
    pub question: Option<Text>,
    /// Why it failed or was left out.
    pub why: Text,
    /// What to do next.
    pub hint: Option<Text>,
    /// When it began.
    pub began_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// For a manual step: what was answered.
    pub answer: Option<(Text, bool)>,
}

impl Default for StepState {
    fn default() -> Self {
        Self {
            phase: Phase::Waiting,
            direction: Direction::Forward,
            attempt: 0,
            undo_attempt: 0,
            series: 0,
            calls: Vec::new(),
            done: Vec::new(),
            planned: 0,
            outputs: Map::new(),
            before: None,
            verified: 0,
            deviations: Value::Null,
            question: None,
            why: Text::default(),
            hint: None,
            began_at: None,
            ended_at: None,
            answer: None,
        }
    }
}

impl StepState {
    /// Returns the index of the call that is made next: the last one again where it was cleanly put off.
    pub fn next_call(&self) -> u32 {
        let made = self.calls.iter().filter(|call| call.outcome == Some(Outcome::Succeeded)).count();
        u32::try_from(made).unwrap_or(u32::MAX)
    }

    /// Returns how many of its first calls stay as they are when it is begun again: those that have happened, and would
    /// make something anew. Of what was taken back nothing stays.
    pub fn kept(&self) -> usize {
        if self.direction == Direction::Undo {
            return 0;
        }
        let stays = |call: &&CallState| {
            // A program that was begun has ended, and a person wants it run again.
            call.outcome == Some(Outcome::Succeeded)
                && call.call.operation != "tool:Run"
                // What was copied into an upload is lost to a new one, and paid for.
                && (call.call.operation == "s3:CreateMultipartUpload"
                    || !matches!(call.dedupe, Dedupe::SetState | Dedupe::Nothing))
        };
        self.calls.iter().take_while(stays).count()
    }

    /// Returns the number of the attempt in the direction that it goes.
    pub fn current_attempt(&self) -> u32 {
        match self.direction {
            Direction::Forward => self.attempt,
            Direction::Undo => self.undo_attempt,
        }
    }
}
