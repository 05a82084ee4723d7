//! Taking a step back: by calls that follow from what carried it out.

use super::executor::Shared;
use super::journal::Halt;
use super::step::Turn;
use crate::action::{Doing, Refusal};
use crate::domain::Text;
use crate::runbook::call::Call;
use crate::runbook::event::{Direction, Ending, Event, Outcome};
use crate::runbook::plan::{PlannedCall, PlannedStep};
use crate::runbook::state::{CallState, StepState};
use serde_json::Value;

impl Shared {
    pub(super) fn begin_undo(&self, step: &PlannedStep, known: &StepState) -> Result<Turn, Halt> {
        let calls = match self.undo_calls(step, known) {
            Ok(calls) => calls,
            Err(refusal) => {
                let began = Event::Began {
                    step: step.id.clone(),
                    direction: Direction::Undo,
                    attempt: known.undo_attempt + 1,
                    calls: 0,
                    observed: Vec::new(),
                    before: None,
                };
                self.recorder.write(began)?;
                let hint = refusal.hint.map(Text::from);
                self.end(step, Direction::Undo, Ending::UndoFailed, refusal.says.into(), hint)?;
                return Ok(Turn::Rests);
            }
        };
        self.recorder.write(Event::Began {
            step: step.id.clone(),
            direction: Direction::Undo,
            attempt: known.undo_attempt + 1,
            calls: u32::try_from(calls.len()).unwrap_or(u32::MAX),
            observed: Vec::new(),
            before: None,
        })?;
        Ok(Turn::Again)
    }

    /// Returns the calls that take a step back: they follow from what carried it out.
    pub(super) fn undo_calls(
        &self,
        step: &PlannedStep,
        known: &StepState,
    ) -> Result<Vec<PlannedCall>, Refusal> {
        let done = if known.direction == Direction::Forward { &known.calls } else { &known.done };
        let calls: Vec<Call> = done.iter().map(|call| call.call.clone()).collect();
        let replies = self.replies(done).map_err(|halt| Refusal::new(halt.to_string()))?;
        let nothing = |call: &CallState| {
            matches!(call.outcome, Some(Outcome::Refused | Outcome::Throttled | Outcome::NotSent))
        };
        if done.iter().all(nothing) {
            return Ok(Vec::new());
        }
        let before = self.before(known).map_err(|halt| Refusal::new(halt.to_string()))?;
        let action = self.action(step).map_err(|halt| Refusal::new(halt.to_string()))?;
        let now = self.parts.time.now();
        action.undo(&Doing {
            step,
            run: self.plan.run.as_str(),
            direction: Direction::Undo,
            calls: &calls,
            index: 0,
            replies: &replies,
            before: &before,
            since: done.first().map_or(now, |call| call.first),
            now,
        })
    }

    /// Returns what was there before the step.
    pub(super) fn before(&self, known: &StepState) -> Result<Value, Halt> {
        let Some(side) = &known.before else { return Ok(Value::Null) };
        self.side_value(side)
    }
}
