//! The end of a step: its probes green for as long as they have to be, and what it left otherwise than it was.

use super::executor::Shared;
use super::journal::Halt;
use super::step::{Going, Turn};
use crate::action::Doing;
use crate::domain::Text;
use crate::domain::duration::{after, elapsed, words};
use crate::runbook::call::Call;
use crate::runbook::event::{Direction, Ending, Event};
use crate::runbook::plan::{Mode, PlannedCheck, PlannedStep};
use crate::runbook::schedule::JOIN;
use crate::runbook::state::StepState;
use serde_json::Value;
use std::time::Duration;

/// How often a probe asks.
const EVERY: Duration = Duration::from_secs(5);

impl Shared {
    /// Ends a step whose calls have done what they were to do.
    pub(super) async fn finish(&self, step: &PlannedStep, known: &StepState) -> Result<Turn, Halt> {
        if known.direction == Direction::Undo {
            self.end(step, Direction::Undo, Ending::Undone, Text::default(), None)?;
            return Ok(Turn::Rests);
        }
        if step.uses != *JOIN && known.deviations.is_null() && self.plan.mode != Mode::Tabletop {
            self.compare(step, known).await?;
        }
        let done = usize::try_from(known.verified).unwrap_or(usize::MAX);
        if let Some(check) = step.verify.get(done).filter(|_| self.plan.mode != Mode::Tabletop) {
            return self.verify(step, known, check).await;
        }
        self.end(step, Direction::Forward, Ending::Succeeded, Text::default(), None)?;
        Ok(Turn::Rests)
    }

    async fn compare(&self, step: &PlannedStep, known: &StepState) -> Result<(), Halt> {
        let calls: Vec<Call> = known.calls.iter().map(|call| call.call.clone()).collect();
        let replies = self.replies(&known.calls)?;
        let before = self.before(known)?;
        let now = self.parts.time.now();
        let doing = Doing {
            step,
            run: self.plan.run.as_str(),
            direction: Direction::Forward,
            calls: &calls,
            index: calls.len().saturating_sub(1),
            replies: &replies,
            before: &before,
            since: known.began_at.unwrap_or(now),
            now,
        };
        // It only looks: what cannot be seen fails nothing.
        if let Ok(deviations) = self.action(step)?.compare(doing, self.parts.look.as_ref()).await
            && !deviations.is_empty()
        {
            let differ = u32::try_from(deviations.len()).unwrap_or(u32::MAX);
            let deviations = serde_json::to_value(&deviations).unwrap_or_default();
            self.recorder.write(Event::Compared { step: step.id.clone(), differ, deviations })?;
        }
        Ok(())
    }

    /// Asks a probe until it has been green for long enough, without a break.
    async fn verify(
        &self,
        step: &PlannedStep,
        known: &StepState,
        check: &PlannedCheck,
    ) -> Result<Turn, Halt> {
        let began = self.parts.time.now();
        let (hold, within) = (Duration::from_secs(check.hold_s), Duration::from_secs(check.within_s));
        let mut call = check.look.clone();
        let filled =
            super::values::filled(&Value::Object(std::mem::take(&mut call.arguments)), &self.state());
        match filled {
            Ok(Value::Object(filled)) => call.arguments = filled,
            Ok(_) => {}
            Err(missing) => return self.ask(step, format!("a value is missing: {missing}").into()),
        }
        let mut green_since = None;
        loop {
            let state = self.state().wishes.clone();
            if state.abandoned.is_some() {
                return Ok(Turn::Rests);
            }
            let (green, says) = match self.parts.look.look(&call).await {
                Ok(reply) => crate::action::is_green(&call, &reply.body),
                Err(trouble) => (false, trouble.to_string()),
            };
            self.parts.faults.pass("progress-seen")?;
            let now = self.parts.time.now();
            green_since = if green { green_since.or(Some(now)) } else { None };
            if let Some(since) = green_since
                && elapsed(since, now) >= hold
            {
                let says = format!("{}: {says}", check.says).into();
                let index = known.verified;
                self.recorder.write(Event::Verified { step: step.id.clone(), index, says, since })?;
                return Ok(Turn::Again);
            }
            if green_since.is_none() && elapsed(began, now) >= within {
                let why = format!("{} was not green within {}: {says}", check.says, words(within));
                let hint = "see what it says, then `retry` the step or `undo` it";
                return self.fail(step, known, why.into(), Some(hint.into())).await;
            }
            let told = match green_since {
                Some(since) => format!("{says}; green for {} of {}", words(elapsed(since, now)), words(hold)),
                None => says,
            };
            let going = Going { percent: None, says: told.into(), at: now, next: after(now, EVERY) };
            self.progress.borrow_mut().insert(step.id.clone(), going);
            self.tell();
            self.parts.time.sleep(EVERY.min(hold.max(Duration::from_secs(1)))).await;
        }
    }
}
