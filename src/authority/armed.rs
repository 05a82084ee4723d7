//! What only an operator's session can mint: a step that may be carried out, and the calls of it.

use crate::domain::Text;
use crate::runbook::call::Call;
use crate::runbook::plan::{PlanHash, PlannedStep};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whether a call carries a step out or takes it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// It carries it out.
    Forward,
    /// It takes it back.
    Undo,
}

impl Direction {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Undo => "undo",
        }
    }
}

/// Which call it is of all calls ever made: it stands in the journal, and in the logs of the service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId {
    /// The run.
    pub run: Text,
    /// The step.
    pub step: Text,
    /// Whether it carries the step out or takes it back.
    pub direction: Direction,
    /// How often the step was begun, from 1.
    pub attempt: u32,
    /// Which call of the step, from 0.
    pub index: u32,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, step, direction, attempt, index } = self;
        write!(f, "{run}/{step}/{}/{attempt}/{index}", direction.name())
    }
}

/// A step that may be carried out once: it is consumed by that, and cannot be copied.
#[must_use = "an armed step does nothing until it is carried out"]
#[derive(Debug)]
pub struct ArmedStep {
    pub(super) step: PlannedStep,
    pub(super) plan: PlanHash,
    pub(super) purpose: Text,
    pub(super) direction: Direction,
}

impl ArmedStep {
    /// Returns the step.
    pub fn step(&self) -> &PlannedStep {
        &self.step
    }

    /// Returns the plan that was agreed to.
    pub fn plan(&self) -> &PlanHash {
        &self.plan
    }

    /// Returns the purpose of the operator who armed it.
    pub fn purpose(&self) -> &Text {
        &self.purpose
    }

    /// Returns whether it may be carried out or taken back.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Arms one call of it.
    ///
    /// # Errors
    /// When the step has no call of that operation in that place: what runs is what was agreed to. The calls that take a
    /// step back follow from what it left, so of those only the place is judged.
    pub fn call(&self, id: CallId, call: Call) -> Result<ArmedCall, NotAgreed> {
        let named = |known: &Call| {
            known.operation == call.operation
                && known.place == call.place
                && known.environment == call.environment
        };
        let agreed = id.step == self.step.id
            && id.direction == self.direction
            && match self.direction {
                Direction::Forward => {
                    let index = usize::try_from(id.index).unwrap_or(usize::MAX);
                    self.step.calls.get(index).is_some_and(|planned| named(&planned.call))
                }
                Direction::Undo => self.step.calls.iter().any(|planned| {
                    planned.call.place == call.place && planned.call.environment == call.environment
                }),
            };
        if agreed { Ok(ArmedCall { id, call }) } else { Err(NotAgreed(call.operation)) }
    }
}

/// A call that the plan does not name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not stand in the plan that was agreed to")]
pub struct NotAgreed(String);

/// A call that may leave, once: it is consumed by that, and cannot be copied.
#[must_use = "an armed call does nothing until it is made"]
#[derive(Debug)]
pub struct ArmedCall {
    id: CallId,
    call: Call,
}

impl ArmedCall {
    /// Returns which call it is.
    pub fn id(&self) -> &CallId {
        &self.id
    }

    /// Returns what is sent.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Gives it up for what is sent.
    pub fn into_call(self) -> Call {
        self.call
    }
}
