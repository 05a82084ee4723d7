//! The state of a run: the fold of its events. An event that cannot follow is an error that says so, never a surprise.

mod step;

pub use step::{CallState, Move, Phase, StepState, step_after};

use super::consent::{Consent, Strength};
use super::event::{Ask, CallPlace, Direction, Ending, Event, Outcome, Rest, Verdict};
use super::plan::{Plan, PlanHash, Undo};
use crate::domain::Text;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What somebody wants of a run besides its plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// It is to rest.
    pub pause: bool,
    /// It was given up; why.
    pub abandoned: Option<Text>,
    /// Steps to be taken back.
    pub undo: BTreeSet<Text>,
    /// Failed steps to be begun again.
    pub retry: BTreeSet<Text>,
}

/// A run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// Its plan's hash; `None` before it was opened.
    pub plan: Option<PlanHash>,
    /// Its name.
    pub run: Text,
    /// Why.
    pub purpose: Text,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
    /// When anything last happened.
    pub last_at: Option<Timestamp>,
    /// How many executors have worked on it.
    pub term: u64,
    /// Its steps, those of the plan.
    pub steps: BTreeMap<Text, StepState>,
    /// What was agreed to: for the plan, for undoing.
    pub consents: BTreeMap<Text, Consent>,
    /// The second person, where there was one.
    pub approver: Option<Text>,
    /// Whether break-glass was used.
    pub break_glass: bool,
    /// A break-glass that waits: why, and when it opens.
    pub break_glass_waits: Option<(Text, Timestamp)>,
    /// The requests that were dealt with.
    pub requests: BTreeSet<Text>,
    /// The request that is obeyed by an event which is not written yet.
    pub owed: Option<Text>,
    /// What somebody wants.
    pub wishes: Wishes,
    /// Who acts.
    pub identity: Option<Text>,
    /// The steps that nobody can take back, or that change nothing.
    pub stays: Arc<BTreeSet<Text>>,
    /// Why it rests, and since when; `None` while it does not.
    pub rest: Option<(Rest, Text, Timestamp)>,
    /// Since when the plan may be carried out.
    pub agreed_at: Option<Timestamp>,
}

/// An event that cannot follow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Illegal {
    /// What is wrong.
    pub what: String,
}

fn illegal(what: impl Into<String>) -> Illegal {
    Illegal { what: what.into() }
}

/// The name of the consent to the plan itself.
pub const PLAN_SCOPE: &str = "plan";
/// The name of the consent to taking steps back.
pub const UNDO_SCOPE: &str = "undo";

impl RunState {
    /// Returns a run with the steps of `plan`, of which nothing was written yet.
    pub fn of(plan: &Plan) -> Self {
        let steps = plan.steps.iter().map(|step| (step.id.clone(), StepState::default())).collect();
        let stays = plan.steps.iter().filter(|step| !matches!(step.undo, Undo::Calls { .. }));
        Self { steps, stays: Arc::new(stays.map(|step| step.id.clone()).collect()), ..Self::default() }
    }

    /// Returns a step.
    ///
    /// # Errors
    /// When the plan has none of that name.
    pub fn step(&self, id: &str) -> Result<&StepState, Illegal> {
        self.steps.get(&Text::new(id)).ok_or_else(|| illegal(format!("the plan has no step `{id}`")))
    }

    /// Takes an event in, written at `at` in `term`.
    ///
    /// # Errors
    /// When it cannot follow; the state is as it was.
    pub fn apply(&mut self, event: &Event, at: Timestamp, term: u64) -> Result<(), Illegal> {
        if term < self.term {
            return Err(illegal(format!("term {term} after term {}", self.term)));
        }
        match event {
            Event::Opened { plan, run, purpose, .. } => {
                if self.plan.is_some() {
                    return Err(illegal("the run was opened twice"));
                }
                let hash =
                    PlanHash::parse(plan.sha256.as_str()).ok_or_else(|| illegal("no hash of a plan"))?;
                self.plan = Some(hash);
                self.run = run.clone();
                self.purpose = purpose.clone();
                self.opened_at = Some(at);
            }
            _ if self.plan.is_none() => return Err(illegal("the run was not opened yet")),
            Event::TookOver { .. } => {
                self.rest = None;
            }
            Event::Asked { id, ask, refused, .. } => {
                if !self.requests.insert(id.clone()) {
                    return Err(illegal(format!("request {id} was dealt with twice")));
                }
                if refused.is_none() {
                    self.obey(ask, at)?;
                    let follows = matches!(
                        ask,
                        Ask::Consent(_) | Ask::OpenGate { .. } | Ask::Undo { .. } | Ask::Settle { .. }
                    );
                    self.owed = follows.then(|| id.clone());
                }
            }
            Event::BreakGlass { reason, opens_at } => {
                self.break_glass_waits = Some((reason.clone(), *opens_at));
                self.owed = None;
            }
            Event::Consented { scope, strength, approver, break_glass } => {
                self.consent(scope, *strength, at)?;
                self.owed = None;
                if let Some((name, _)) = approver {
                    self.approver = Some(name.clone());
                }
                self.break_glass |= *break_glass;
                if *scope == *PLAN_SCOPE {
                    self.break_glass_waits = None;
                }
            }
            Event::Identified { identity, .. } => self.identity = Some(identity.clone()),
            Event::Rested { rest, why } => self.rest = Some((*rest, why.clone(), at)),
            Event::Questioned { step, question } => {
                self.of_step(step)?.question = Some(question.clone());
            }
            Event::GateReached { step } => self.advance(step, Move::Gate)?,
            Event::Verified { step, index, .. } => {
                let known = self.of_step(step)?;
                if known.phase != Phase::Arrived {
                    return Err(illegal(format!("step {step} was verified while {}", known.phase.words())));
                }
                known.verified = known.verified.max(index + 1);
            }
            Event::Compared { step, deviations, .. } => self.of_step(step)?.deviations = deviations.clone(),
            Event::Began { .. }
            | Event::Intended { .. }
            | Event::Answered { .. }
            | Event::Observed { .. }
            | Event::Arrived { .. }
            | Event::Ended { .. } => {
                self.step_event(event, at)?;
                self.rest = None;
            }
        }
        self.term = term;
        self.last_at = Some(at);
        Ok(())
    }

    /// Takes an event in that `write` puts on disk: it is written only if it can follow, and counts only once it is written.
    /// What it is not about is not copied, so that this costs the same in a large run.
    ///
    /// # Errors
    /// When it cannot follow, or `write` fails; the state is as it was.
    pub fn record<T, E: From<Illegal>>(
        &mut self,
        event: &Event,
        at: Timestamp,
        term: u64,
        write: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        if matches!(event, Event::Asked { .. }) {
            let mut next = self.clone();
            next.apply(event, at, term)?;
            let written = write()?;
            *self = next;
            return Ok(written);
        }
        let mut steps = std::mem::take(&mut self.steps);
        let mut next = self.clone();
        next.steps.extend(
            event.step().and_then(|id| steps.get_key_value(id)).map(|(id, s)| (id.clone(), s.clone())),
        );
        match next.apply(event, at, term).map_err(E::from).and_then(|()| write()) {
            Ok(written) => {
                steps.extend(std::mem::take(&mut next.steps));
                next.steps = steps;
                *self = next;
                Ok(written)
            }
            Err(error) => {
                self.steps = steps;
                Err(error)
            }
        }
    }

    fn of_step(&mut self, id: &Text) -> Result<&mut StepState, Illegal> {
        self.steps.get_mut(id).ok_or_else(|| illegal(format!("the plan has no step `{id}`")))
    }

    fn advance(&mut self, id: &Text, by: Move) -> Result<(), Illegal> {
        let step = self.of_step(id)?;
        let next = step_after(step.phase, by)
            .ok_or_else(|| illegal(format!("step {id} is {:?}, which no {by:?} can follow", step.phase)))?;
        step.phase = next;
        Ok(())
    }

    fn consent(&mut self, scope: &Text, strength: Strength, at: Timestamp) -> Result<(), Illegal> {
        let plan = self.plan.clone().ok_or_else(|| illegal("the run was not opened yet"))?;
        self.consents.insert(scope.clone(), Consent { plan, strength });
        if *scope == *PLAN_SCOPE {
            self.agreed_at.get_or_insert(at);
        }
        Ok(())
    }

    fn obey(&mut self, ask: &Ask, at: Timestamp) -> Result<(), Illegal> {
        match ask {
            Ask::Pause => self.wishes.pause = true,
            Ask::Resume => self.wishes.pause = false,
            Ask::Skip { step, reason } => {
                self.advance(step, Move::Skip)?;
                let step = self.of_step(step)?;
                step.why = reason.clone();
                step.ended_at = Some(at);
            }
            Ask::Retry { step } => {
                self.of_step(step)?;
                self.wishes.retry.insert(step.clone());
            }
            Ask::Undo { step, .. } => {
                // Whoever asks for that after a pause wants it to go on.
                self.wishes.pause = false;
                let wanted: Vec<Text> = match step {
                    Some(step) => vec![step.clone()],
                    None => self.steps.keys().filter(|id| !self.stays.contains(*id)).cloned().collect(),
                };
                for id in wanted {
                    let step = self.of_step(&id)?;
                    let can = matches!(step.phase, Phase::Succeeded | Phase::UndoFailed)
                        || step.phase == Phase::Failed && !step.calls.is_empty();
                    if can {
                        self.wishes.undo.insert(id);
                    }
                }
            }
            Ask::Answer { step, answer, done } => {
                self.of_step(step)?.answer = Some((answer.clone(), *done));
            }
            Ask::Abandon { reason } => self.wishes.abandoned = Some(reason.clone()),
            Ask::Veto { .. } => self.break_glass_waits = None,
            // What they bring about is written by events of their own.
            Ask::Consent(_) | Ask::OpenGate { .. } | Ask::Settle { .. } | Ask::Note { .. } => {}
        }
        Ok(())
    }

    fn step_event(&mut self, event: &Event, at: Timestamp) -> Result<(), Illegal> {
        match event {
            Event::Began { step, direction, attempt, calls, before, .. } => {
                self.advance(step, Move::Begin(*direction))?;
                self.wishes.retry.remove(step);
                let known = self.of_step(step)?;
                let counted = match direction {
                    Direction::Forward => &mut known.attempt,
                    Direction::Undo => &mut known.undo_attempt,
                };
                if *attempt != *counted + 1 {
                    return Err(illegal(format!("attempt {attempt} of step {step} after {counted}")));
                }
                *counted = *attempt;
                if *direction == Direction::Forward && known.direction == Direction::Undo {
                    known.series += 1;
                }
                if *direction == Direction::Undo && known.direction == Direction::Forward {
                    known.done = std::mem::take(&mut known.calls);
                }
                // What an attempt has made that failed later is not made a second time, nor forgotten.
                let kept = match direction {
                    Direction::Forward => known.kept(),
                    Direction::Undo => 0,
                };
                known.calls.truncate(kept);
                if *direction == Direction::Forward {
                    known.done.clear();
                }
                known.direction = *direction;
                known.planned = *calls;
                if before.is_some() {
                    known.before.clone_from(before);
                }
                known.began_at = Some(at);
                known.ended_at = None;
                known.why = Text::default();
                known.hint = None;
                known.question = None;
                known.verified = 0;
            }
            Event::Intended { of, call, dedupe, .. } => {
                self.fits(of)?;
                self.advance(&of.step, Move::Intend)?;
                let step = self.of_step(&of.step)?;
                let index = usize::try_from(of.index).unwrap_or(usize::MAX);
                let known = step.calls.len();
                if let Some(state) = step.calls.get_mut(index) {
                    state.last = at;
                    state.times += 1;
                    state.outcome = None;
                    state.call = call.clone();
                } else if index == known {
                    step.calls.push(CallState {
                        call: call.clone(),
                        first: at,
                        last: at,
                        times: 1,
                        dedupe: *dedupe,
                        doubted: None,
                        outcome: None,
                        request_id: None,
                        reply: Value::Null,
                        says: Text::default(),
                    });
                } else {
                    return Err(illegal(format!("call {index} of step {} before call {known}", of.step)));
                }
            }
            Event::Answered { of, outcome, request_id, says, reply, hint, .. } => {
                self.advance(&of.step, Move::Answer(*outcome))?;
                let hint = hint.clone();
                let step = self.of_step(&of.step)?;
                if *outcome == Outcome::Refused {
                    step.why = says.clone();
                    step.hint = hint;
                }
                let call = self.call(of)?;
                if *outcome == Outcome::InDoubt {
                    call.doubted = Some(at);
                }
                call.outcome = Some(*outcome);
                call.request_id.clone_from(request_id);
                call.says = says.clone();
                if *outcome == Outcome::Succeeded {
                    call.reply = reply.clone();
                }
            }
            Event::Observed { of, verdict, evidence, reply, by } => {
                self.advance(&of.step, Move::Observe(*verdict))?;
                if by.is_some() {
                    self.owed = None;
                }
                let call = self.call(of)?;
                call.says = evidence.clone();
                match verdict {
                    Verdict::Happened => {
                        call.reply = reply.clone();
                        call.outcome = Some(Outcome::Succeeded);
                    }
                    Verdict::DidNot => call.outcome = Some(Outcome::NotSent),
                    Verdict::Unclear => call.outcome = Some(Outcome::InDoubt),
                }
                if *verdict != Verdict::Unclear {
                    self.of_step(&of.step)?.question = None;
                }
            }
            Event::Arrived { of, outputs } => {
                let last = { self.of_step(&of.step)?.planned } <= of.index + 1;
                self.advance(&of.step, Move::Arrive { last })?;
                let step = self.of_step(&of.step)?;
                if of.direction == Direction::Forward {
                    step.outputs.extend(outputs.clone());
                }
                step.question = None;
            }
            Event::Ended { step, ending, why, hint, .. } => {
                self.advance(step, Move::End(*ending))?;
                let known = self.of_step(step)?;
                known.why = why.clone();
                known.hint.clone_from(hint);
                known.ended_at = Some(at);
                known.question = None;
                if matches!(ending, Ending::Undone | Ending::UndoFailed) {
                    self.wishes.undo.remove(step);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn fits(&mut self, of: &CallPlace) -> Result<(), Illegal> {
        let step = self.of_step(&of.step)?;
        if step.direction != of.direction || step.current_attempt() != of.attempt {
            let (direction, attempt) = (step.direction, step.current_attempt());
            return Err(illegal(format!(
                "a call of attempt {} {} of step {}, which is in attempt {attempt} {}",
                of.attempt,
                of.direction.name(),
                of.step,
                direction.name(),
            )));
        }
        Ok(())
    }

    fn call(&mut self, of: &CallPlace) -> Result<&mut CallState, Illegal> {
        self.fits(of)?;
        let index = usize::try_from(of.index).unwrap_or(usize::MAX);
        let step = self.of_step(&of.step)?;
        let current = step.calls.len().checked_sub(1) == Some(index);
        step.calls
            .get_mut(index)
            .filter(|_| current)
            .ok_or_else(|| illegal(format!("call {} of step {} was not intended", of.index, of.step)))
    }
}
