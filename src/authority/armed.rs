//! What only an operator's session can mint: a step that may be carried out, and the calls of it.

use crate::domain::Text;
use crate::runbook::call::Call;
use crate::runbook::event::Direction;
use crate::runbook::plan::{PlanHash, PlannedStep};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

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
        if agreed { Ok(ArmedCall::new(id, call)) } else { Err(NotAgreed(call.operation)) }
    }
}

/// A call that the plan does not name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not stand in the plan that was agreed to")]
pub struct NotAgreed(String);

impl NotAgreed {
    pub(super) fn new(what: &str) -> Self {
        Self(what.to_owned())
    }
}

/// A call that may leave, once: it is consumed by that, and cannot be copied.
#[must_use = "an armed call does nothing until it is made"]
pub struct ArmedCall {
    id: CallId,
    call: Call,
    /// The SHA-256 of what was agreed to, before secrets were filled in.
    digest: String,
}

// Secrets may stand in its arguments.
impl fmt::Debug for ArmedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArmedCall({}, {})", self.id, self.call.operation)
    }
}

impl ArmedCall {
    pub(super) fn new(id: CallId, call: Call) -> Self {
        let digest = call.digest();
        Self { id, call, digest }
    }

    /// Returns which call it is.
    pub fn id(&self) -> &CallId {
        &self.id
    }

    /// Returns what is sent.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Returns the SHA-256 of what was agreed to: secrets stand in it by name.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Fills in what stands in it by name because it must not be written down: each `${secrets.NAME}`.
    ///
    /// # Errors
    /// The name of a secret that nobody gave.
    pub fn with_secrets(mut self, secret: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        for value in self.call.arguments.values_mut() {
            fill(value, secret)?;
        }
        Ok(self)
    }

    /// Gives it up for what is sent.
    pub fn into_call(self) -> Call {
        self.call
    }
}

fn fill(value: &mut Value, secret: &dyn Fn(&str) -> Option<String>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            let mut filled = String::new();
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once("${secrets.") {
                let Some((name, after)) = after.split_once('}') else { break };
                filled.push_str(before);
                filled.push_str(&secret(name).ok_or_else(|| name.to_owned())?);
                rest = after;
            }
            filled.push_str(rest);
            *text = filled;
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, secret)),
        Value::Object(entries) => entries.values_mut().try_for_each(|item| fill(item, secret)),
        _ => Ok(()),
    }
}
