//! A call in doubt: nobody knows whether it has happened. Looks settle it, or a person does; it is never simply repeated.

use super::dispatch::PATIENCE;
use super::executor::Shared;
use super::journal::Halt;
use super::step::Turn;
use crate::action::{Doing, Found};
use crate::domain::duration::{after, elapsed, words};
use crate::provider::port::CallTrouble;
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::event::{Direction, Event, Outcome, Verdict};
use crate::runbook::plan::{PlannedStep, Undo};
use crate::runbook::state::{Phase, StepState};
use serde_json::Value;
use std::time::Duration;

/// How often the world is looked at while something may still show, growing from the first to the last.
const LOOKS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(20));

/// How long a request may still be under way after nobody waits for its answer any more.
pub(super) const IN_FLIGHT: Duration = Duration::from_secs(60);

impl Shared {
    /// Settles the last call of a step.
    pub(super) async fn settle(&self, step: &PlannedStep, known: &StepState) -> Result<Turn, Halt> {
        let index = known.calls.len().saturating_sub(1);
        let Some(last) = known.calls.last() else {
            return Err(Halt::Illegal(format!("step {} is in doubt about no call", step.id)));
        };
        if known.phase == Phase::Intended {
            return self.unanswered(step, known, index);
        }
        let dedupe = self.dedupe(step, known, index);
        let place = Self::call_place(step, known, u32::try_from(index).unwrap_or(u32::MAX));
        let calls: Vec<Call> = known.calls.iter().map(|call| call.call.clone()).collect();
        let replies = self.replies(&known.calls)?;
        let before = self.before(known)?;
        // It left before anybody was in doubt about it, and before its answer was given up. What is found missing until
        // it must have arrived and must show says nothing.
        let left = last.doubted.map_or(last.last, |doubted| doubted.min(after(last.last, PATIENCE)));
        let believed = after(left, dedupe.shows_within() + in_flight(dedupe));
        let mut wait = LOOKS.0;
        loop {
            if self.state().wishes.abandoned.is_some() {
                return Ok(Turn::Rests);
            }
            let settled = self.known(&step.id)?.phase;
            if !matches!(settled, Phase::Intended | Phase::InDoubt) {
                // A person has said it meanwhile.
                return Ok(Turn::Again);
            }
            let now = self.parts.time.now();
            // It must still be known when the repetition arrives, which may take as long as for the first.
            let young = elapsed(last.first, now) + IN_FLIGHT < dedupe.token_lives();
            if dedupe == Dedupe::Token && young && last.times < 20 {
                return self.repeat(step, known, index).await;
            }
            let doing = Doing {
                step,
                run: self.plan.run.as_str(),
                direction: known.direction,
                calls: &calls,
                index,
                replies: &replies,
                before: &before,
                since: last.first,
                now,
            };
            self.parts.faults.pass("probe-asked")?;
            let found = self.action(step)?.probe(doing, self.parts.look.as_ref()).await;
            self.parts.faults.pass("probe-answered")?;
            if self.known(&step.id)?.phase != Phase::InDoubt {
                // A person was quicker than the look.
                return Ok(Turn::Again);
            }
            let observed = |verdict, evidence, reply| Event::Observed {
                of: place.clone(),
                verdict,
                evidence,
                reply,
                by: None,
            };
            match found {
                Ok(Found::Happened { reply, evidence }) => {
                    let reply = self.aside(&place, reply);
                    self.recorder.write(observed(Verdict::Happened, evidence, reply))?;
                    return Ok(Turn::Again);
                }
                Ok(Found::Nothing { evidence }) if now >= believed => {
                    if dedupe == Dedupe::PointOfNoReturn {
                        return self.unclear(step, known, observed, &evidence);
                    }
                    self.recorder.write(observed(Verdict::DidNot, evidence, Value::Null))?;
                    return Ok(Turn::Again);
                }
                Ok(Found::Nothing { evidence }) => {
                    let left = words(elapsed(now, believed));
                    let says = format!("in doubt: {evidence}; that is believed in {left}");
                    self.doubt(step, says);
                }
                Ok(Found::Unclear { evidence }) => return self.unclear(step, known, observed, &evidence),
                Err(CallTrouble::Credentials(why)) => {
                    self.doubt(step, format!("in doubt, and nobody is logged in: {why}"));
                    if self.parts.impatient {
                        return Ok(self.park(step, super::executor::Parked::Login(why)));
                    }
                }
                Err(trouble) => {
                    self.doubt(step, format!("in doubt, and the world cannot be seen: {trouble}"));
                }
            }
            self.parts.time.sleep(wait).await;
            wait = (wait * 2).min(LOOKS.1);
        }
    }

    /// Writes down that an intent has no answer: the executor that wrote it has ended before there was one.
    fn unanswered(&self, step: &PlannedStep, known: &StepState, index: usize) -> Result<Turn, Halt> {
        self.recorder.write(Event::Answered {
            of: Self::call_place(step, known, u32::try_from(index).unwrap_or(u32::MAX)),
            outcome: Outcome::InDoubt,
            request_id: None,
            status: 0,
            code: None,
            says: "whoever made the call ended before an answer was written down".into(),
            reply: Value::Null,
            hint: None,
        })?;
        Ok(Turn::Again)
    }

    fn dedupe(&self, step: &PlannedStep, known: &StepState, index: usize) -> Dedupe {
        let planned = match known.direction {
            Direction::Forward => step.calls.get(index).map(|planned| planned.dedupe),
            Direction::Undo => self
                .undo_calls(step, known)
                .ok()
                .and_then(|calls| calls.get(index).map(|planned| planned.dedupe)),
        };
        // What cannot be told any more is not repeated by itself.
        planned.unwrap_or(Dedupe::PointOfNoReturn)
    }

    /// Makes a call again whose token the service still knows: if it has happened, nothing more does.
    async fn repeat(&self, step: &PlannedStep, known: &StepState, index: usize) -> Result<Turn, Halt> {
        let tries = known.calls.get(index).map_or(0, |call| call.times);
        if tries > 1 {
            self.parts.time.sleep(Duration::from_secs(u64::from(tries.min(15)))).await;
        }
        if self.known(&step.id)?.phase != Phase::InDoubt {
            return Ok(Turn::Again);
        }
        self.make(step, known).await
    }

    fn unclear(
        &self,
        step: &PlannedStep,
        known: &StepState,
        observed: impl Fn(Verdict, crate::domain::Text, Value) -> Event,
        evidence: &crate::domain::Text,
    ) -> Result<Turn, Halt> {
        if known.question.is_none() {
            self.recorder.write(observed(Verdict::Unclear, evidence.clone(), Value::Null))?;
        }
        let call = known.calls.last().map_or_else(String::new, |call| call.call.operation.clone());
        let undo = match &step.undo {
            Undo::Impossible(_) => "It cannot be undone.",
            _ => "",
        };
        let question = format!(
            "Has {call} happened? It was sent, and no answer came. What can be seen: {evidence}. {undo} Say it with \
             `settle`, or skip the step."
        );
        self.ask(step, question.into())
    }

    fn doubt(&self, step: &PlannedStep, says: String) {
        let at = self.parts.time.now();
        let going = super::step::Going { percent: None, says: says.into(), at, next: after(at, LOOKS.1) };
        self.progress.borrow_mut().insert(step.id.clone(), going);
        self.tell();
    }
}

fn in_flight(dedupe: Dedupe) -> Duration {
    match dedupe {
        // A call that is refused when things have changed, or that changes nothing more, may follow the first at once.
        Dedupe::Conditional | Dedupe::SetState | Dedupe::Nothing => Duration::ZERO,
        _ => IN_FLIGHT,
    }
}
