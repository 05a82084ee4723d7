//! One step, from its beginning to its end: each turn looks where it stands and does the one thing that follows.

use super::executor::{Parked, Shared};
use super::held::Held;
use super::journal::Halt;
use super::settle::IN_FLIGHT;
use crate::action::{Action, Doing, Progress};
use crate::domain::Text;
use crate::domain::duration::{after, elapsed, words};
use crate::provider::port::CallTrouble;
use crate::runbook::call::Call;
use crate::runbook::definition::OnHangup;
use crate::runbook::event::{CallPlace, Direction, Ending, Event, Observation};
use crate::runbook::plan::{Expect, Mode, PlannedCall, PlannedStep, Precondition};
use crate::runbook::schedule::JOIN;
use crate::runbook::state::{Phase, StepState};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// How a step goes, for those who watch; never relied on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Going {
    /// In percent, where somebody says it.
    pub percent: Option<u8>,
    /// What it is at.
    pub says: Text,
    /// When that was looked at.
    pub at: Timestamp,
    /// When it is looked at again.
    pub next: Timestamp,
}

/// What a turn of a step came to.
pub(super) enum Turn {
    /// Look again where it stands.
    Again,
    /// It has ended, or cannot go on by itself.
    Rests,
}

impl Shared {
    /// Carries a step on until it ends or waits for a person.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) async fn drive(&self, id: &Text) -> Result<(), Halt> {
        let Some(step) = self.plan.step(id.as_str()) else {
            return Err(Halt::Illegal(format!("the plan has no step `{id}`")));
        };
        loop {
            let known = self.known(id)?;
            let turn = match known.phase {
                Phase::Waiting | Phase::AtGate => self.begin(step, &known).await?,
                Phase::Failed | Phase::Undone if self.state().wishes.retry.contains(id) => {
                    self.begin(step, &known).await?
                }
                Phase::Succeeded | Phase::Failed | Phase::UndoFailed
                    if self.state().wishes.undo.contains(id) =>
                {
                    self.begin_undo(step, &known)?
                }
                Phase::Ready => self.go_on(step, &known).await?,
                Phase::Intended | Phase::InDoubt => self.settle(step, &known).await?,
                Phase::Made => self.arrive(step, &known).await?,
                Phase::Refused => self.fail(step, &known, known.why.clone(), known.hint.clone()).await?,
                Phase::Arrived => self.finish(step, &known).await?,
                _ => Turn::Rests,
            };
            if matches!(turn, Turn::Rests) {
                let told = self.progress.borrow_mut().remove(id).is_some();
                if told {
                    self.tell();
                }
                return Ok(());
            }
        }
    }

    pub(super) fn known(&self, id: &Text) -> Result<StepState, Halt> {
        self.state().step(id.as_str()).cloned().map_err(|illegal| Halt::Illegal(illegal.what))
    }

    /// Returns the action of a step.
    pub(super) fn action(&self, step: &PlannedStep) -> Result<&'static dyn Action, Halt> {
        (self.parts.actions)(step.uses.as_str())
            .ok_or_else(|| Halt::Illegal(format!("this lifeboat has no action `{}`", step.uses)))
    }

    /// Lets a step wait for a person.
    pub(super) fn park(&self, step: &PlannedStep, why: Parked) -> Turn {
        self.parked.borrow_mut().insert(step.id.clone(), why);
        Turn::Rests
    }

    /// Asks a person something about a step, once.
    pub(super) fn ask(&self, step: &PlannedStep, question: Text) -> Result<Turn, Halt> {
        let asked = self.known(&step.id)?.question;
        if asked.as_ref() != Some(&question) {
            self.recorder.write(Event::Questioned { step: step.id.clone(), question: question.clone() })?;
        }
        Ok(self.park(step, Parked::Asks(question)))
    }

    async fn begin(&self, step: &PlannedStep, known: &StepState) -> Result<Turn, Halt> {
        if let Some(when) = step.when.as_deref().filter(|_| known.phase == Phase::Waiting) {
            let wanted = super::values::holds(step, &self.state());
            match wanted {
                Ok(true) => {}
                Ok(false) => {
                    let why = format!("its condition does not hold: {when}");
                    self.end(step, Direction::Forward, Ending::NotNeeded, why.into(), None)?;
                    return Ok(Turn::Rests);
                }
                Err(why) => return self.ask(step, format!("its condition cannot be judged: {why}").into()),
            }
        }
        if step.gate && known.phase == Phase::Waiting {
            self.recorder.write(Event::GateReached { step: step.id.clone() })?;
            if !self.state().consents.contains_key(&step.id) {
                return Ok(Turn::Rests);
            }
        }
        if !self.may_begin_unwatched(step) && !self.parts.folder.is_watched() {
            return Ok(self.park(step, Parked::Unwatched));
        }
        // What an attempt before this one has made is not as it was declared: it goes on from there.
        let kept = known.kept() > 0;
        let observed = match if kept { Ok(Vec::new()) } else { self.observe(step).await } {
            Ok(observed) => observed,
            Err(trouble) => return Ok(self.cannot_look(step, &trouble)),
        };
        let drift = observed.iter().find(|observation| !observation.holds).map(|o| o.says.clone());
        let tabletop = self.plan.mode == Mode::Tabletop;
        let calls: Vec<Call> = match self.calls_of(step, known.attempt + 1) {
            _ if tabletop => Vec::new(),
            Ok(calls) => calls,
            Err(why) => return self.ask(step, format!("a value is missing: {why}").into()),
        };
        let before = if tabletop || drift.is_some() || kept || step.uses == *JOIN {
            None
        } else {
            match self.action(step)?.before(step, &calls, self.parts.look.as_ref()).await {
                Ok(Value::Null) => None,
                Ok(before) => {
                    let name = format!("side/{}-{}-before.json", step.id, known.attempt + 1);
                    Some(self.recorder.side(&name, before.to_string().as_bytes())?)
                }
                Err(refusal) => {
                    return self.ask(step, format!("what is there now cannot be read: {refusal}").into());
                }
            }
        };
        let now = self.known(&step.id)?;
        if now.attempt != known.attempt
            || !matches!(
                now.phase,
                Phase::Waiting | Phase::AtGate | Phase::Failed | Phase::Refused | Phase::Undone
            )
        {
            // Somebody has skipped it meanwhile.
            return Ok(Turn::Again);
        }
        self.recorder.write(Event::Began {
            step: step.id.clone(),
            direction: Direction::Forward,
            attempt: known.attempt + 1,
            calls: u32::try_from(step.calls.len()).unwrap_or(u32::MAX),
            observed,
            before,
        })?;
        if let Some(drift) = drift {
            let why = format!("this holds no more: {drift}");
            let hint = "make a new plan: this one was agreed to under conditions that have changed";
            self.end(step, Direction::Forward, Ending::Failed, why.into(), Some(hint.into()))?;
            return Ok(Turn::Rests);
        }
        Ok(Turn::Again)
    }

    /// Says whether a step begins although no operator is left. At a gate it waits in any case.
    fn may_begin_unwatched(&self, step: &PlannedStep) -> bool {
        let ends_there = |other: &PlannedStep| {
            other.on_hangup == OnHangup::FinishStep
                && (step.needs.contains(&other.id) || other.otherwise.as_ref() == Some(&step.id))
        };
        step.on_hangup != OnHangup::Pause && !self.plan.steps.iter().any(ends_there)
    }

    /// Observes everything that was declared, each by its own reading call.
    async fn observe(&self, step: &PlannedStep) -> Result<Vec<Observation>, CallTrouble> {
        let mut observed = Vec::new();
        for precondition in &step.preconditions {
            observed.push(self.observe_one(precondition).await?);
        }
        Ok(observed)
    }

    async fn observe_one(&self, wanted: &Precondition) -> Result<Observation, CallTrouble> {
        let look = Value::Object(wanted.look.arguments.clone());
        let filled = super::values::filled(&look, &self.state());
        let mut call = wanted.look.clone();
        if let Ok(Value::Object(arguments)) = filled {
            call.arguments = arguments;
        }
        let (holds, found) = match (self.parts.look.look(&call).await, &wanted.expect) {
            (Ok(reply), Expect::Absent(_)) => {
                let found = reply.body.pointer(&wanted.at).cloned().unwrap_or(Value::Null);
                (found.is_null() || found.as_array().is_some_and(Vec::is_empty), found)
            }
            (Ok(reply), expect) => {
                let found = reply.body.pointer(&wanted.at).cloned().unwrap_or(Value::Null);
                let holds = match expect {
                    Expect::Is(value) => found == *value,
                    Expect::OneOf(values) => values.contains(&found),
                    Expect::Absent(_) => false,
                };
                (holds, found)
            }
            (Err(CallTrouble::Refused { code, .. }), Expect::Absent(codes)) if codes.contains(&code) => {
                (true, Value::String(code.to_string()))
            }
            // Something that is not there at all is not as it was; what cannot be seen is no drift.
            (Err(CallTrouble::Refused { code, says, .. }), _) => {
                (false, Value::String(format!("{code}: {says}")))
            }
            (Err(trouble), _) => return Err(trouble),
        };
        let says = match super::values::filled(&Value::from(wanted.says.as_str()), &self.state()) {
            Ok(Value::String(says)) => says.into(),
            _ => wanted.says.clone(),
        };
        Ok(Observation { says, holds, found })
    }

    fn cannot_look(&self, step: &PlannedStep, trouble: &CallTrouble) -> Turn {
        match trouble {
            CallTrouble::Credentials(why) => self.park(step, Parked::Login(why.clone())),
            other => self.park(step, Parked::Asks(format!("the world cannot be seen: {other}").into())),
        }
    }

    /// Returns the calls of a step, every value filled in. A second attempt has tokens of its own: a service remembers
    /// the first together with what it made.
    pub(super) fn calls_of(&self, step: &PlannedStep, attempt: u32) -> Result<Vec<Call>, String> {
        step.calls.iter().map(|planned| self.call_of(planned, attempt)).collect()
    }

    /// Returns one call of a step, with all that earlier steps bring; what earlier calls of its own bring stays as it stands.
    pub(super) fn call_of(&self, planned: &PlannedCall, attempt: u32) -> Result<Call, String> {
        let arguments = Value::Object(planned.call.arguments.clone());
        let filled = super::values::filled(&arguments, &self.state())?;
        let Value::Object(mut arguments) = filled else { return Err("no arguments".to_owned()) };
        for name in ["ClientToken", "IdempotencyToken"] {
            if let Some(Value::String(token)) = arguments.get_mut(name)
                && attempt > 1
            {
                token.push_str(&format!("-{attempt}"));
            }
        }
        // A child is found again by where it lies.
        if let Some(Value::String(home)) = arguments.get_mut("Home") {
            home.push_str(&format!("-{attempt}"));
        }
        Ok(Call { arguments, ..planned.call.clone() })
    }

    /// Returns what a step asks that only looks, every value filled in.
    fn asks_of(&self, step: &PlannedStep) -> Result<Vec<Call>, String> {
        let state = self.state();
        let fill = |ask: &Call| match super::values::filled(&Value::Object(ask.arguments.clone()), &state)? {
            Value::Object(arguments) => Ok(Call { arguments, ..ask.clone() }),
            _ => Err("no arguments".to_owned()),
        };
        step.asks.iter().map(fill).collect()
    }

    async fn go_on(&self, step: &PlannedStep, known: &StepState) -> Result<Turn, Halt> {
        if self.plan.mode == Mode::Tabletop {
            // It is talked through: nothing is called, and nobody is asked who would.
            let of = Self::call_place(step, known, known.planned.saturating_sub(1));
            self.recorder.write(Event::Arrived { of, outputs: Map::new() })?;
            return Ok(Turn::Again);
        }
        if known.planned > 0 && known.next_call() < known.planned {
            return self.make(step, known).await;
        }
        let looks = known.planned == 0 && known.direction == Direction::Forward && step.uses != *JOIN;
        if looks || !known.calls.is_empty() {
            return self.arrive(step, known).await;
        }
        if known.direction == Direction::Undo
            && let Err(refusal) = self.undo_calls(step, known)
        {
            // That it cannot be taken back was found by an executor that ended before it could say so.
            return self.fail(step, known, refusal.says.into(), refusal.hint.map(Text::from)).await;
        }
        let of = Self::call_place(step, known, known.next_call().saturating_sub(1));
        self.recorder.write(Event::Arrived { of, outputs: Map::new() })?;
        Ok(Turn::Again)
    }

    pub(super) fn call_place(step: &PlannedStep, known: &StepState, index: u32) -> CallPlace {
        CallPlace {
            step: step.id.clone(),
            direction: known.direction,
            attempt: known.current_attempt(),
            index,
        }
    }

    /// Waits until what the last call began is there.
    async fn arrive(&self, step: &PlannedStep, known: &StepState) -> Result<Turn, Halt> {
        let action = self.action(step)?;
        let index = known.calls.len().saturating_sub(1);
        let calls: Vec<Call> = if known.planned == 0 {
            match self.asks_of(step) {
                Ok(asks) => asks,
                // It has done nothing yet: as a failed step it can be left out, or begun again once the value is there.
                Err(missing) => {
                    let hint = "a step that was left out brings nothing: leave this one out as well, or `retry` that one";
                    return self.fail(step, known, missing.into(), Some(hint.into())).await;
                }
            }
        } else {
            known.calls.iter().map(|call| call.call.clone()).collect()
        };
        let replies = self.replies(&known.calls)?;
        let before = self.before(known)?;
        let since = known
            .calls
            .last()
            .map_or_else(|| known.began_at.unwrap_or_else(|| self.parts.time.now()), |call| call.last);
        // A call that was in doubt and made again may have a twin that is still on its way: it could undo what follows.
        let twin = known.calls.last().filter(|call| call.doubted.is_some() && call.times > 1);
        let alone = twin.map_or(since, |call| after(call.last, IN_FLIGHT));
        // Who resumes after the question has been asked waits once more.
        let waits_from = match (&known.question, known.began_at) {
            (None, Some(began)) => began,
            _ => self.parts.time.now(),
        };
        let mut troubled = 0_u32;
        let mut held = Held::default();
        loop {
            if self.state().wishes.abandoned.is_some() {
                return Ok(Turn::Rests);
            }
            // A manual step is answered through the journal.
            let answered = self.known(&step.id)?.answer;
            let now = self.parts.time.now();
            let doing = Doing {
                step,
                run: self.plan.run.as_str(),
                direction: known.direction,
                calls: &calls,
                index,
                replies: &replies,
                before: &before,
                since,
                now,
            };
            let progress = match answered {
                Some((answer, true)) => {
                    let mut outputs = Map::new();
                    outputs.insert("answer".to_owned(), Value::String(answer.to_string()));
                    Ok(Progress::Done(outputs))
                }
                Some((answer, false)) => Ok(Progress::Failed { why: answer, hint: None }),
                None => match held.for_good() {
                    Some(seen) => Ok(seen),
                    None => action.progress(doing, self.parts.look.as_ref()).await,
                },
            };
            let progress = held.judge(progress, self.parts.time.now());
            self.parts.faults.pass("progress-seen")?;
            let pace = action.pace();
            match progress {
                Ok(Progress::Done(_)) if now < alone => {
                    self.going(step, None, "waits for a lost request to have come to nothing".into(), pace);
                }
                Ok(Progress::Done(outputs)) => {
                    let index = u32::try_from(index).unwrap_or(u32::MAX);
                    let of = Self::call_place(step, known, index);
                    self.recorder.write(Event::Arrived { of, outputs })?;
                    return Ok(Turn::Again);
                }
                Ok(Progress::Failed { why, hint }) => return self.fail(step, known, why, hint).await,
                // What holds has been judged above.
                Ok(Progress::Holds { says, .. }) => self.going(step, None, says, pace),
                Ok(Progress::Going { percent, says }) => {
                    troubled = 0;
                    if action.about().name == crate::action::MANUAL {
                        return self.ask(step, says);
                    }
                    self.going(step, percent, says, pace);
                }
                Err(CallTrouble::Credentials(why)) => {
                    // What is under way in the world goes on without us.
                    self.going(step, None, format!("waiting for login: {why}").into(), pace);
                    if self.parts.impatient {
                        return Ok(self.park(step, Parked::Login(why)));
                    }
                }
                Err(trouble) => {
                    troubled += 1;
                    self.going(step, None, format!("cannot be seen: {trouble}").into(), pace);
                }
            }
            if let Some(limit) = step.timeout_s
                && elapsed(waits_from, now) > Duration::from_secs(limit)
            {
                // A wait that ends says nothing about what is waited for (R7).
                let says = format!(
                    "not there after {}, and may still come: `resume` goes on waiting, or skip it with a reason",
                    words(Duration::from_secs(limit))
                );
                return self.ask(step, says.into());
            }
            let patience = pace * (1 + troubled.min(5));
            self.parts.time.sleep(patience).await;
        }
    }

    pub(super) fn going(&self, step: &PlannedStep, percent: Option<u8>, says: Text, pace: Duration) {
        let at = self.parts.time.now();
        let next = crate::domain::duration::after(at, pace);
        self.progress.borrow_mut().insert(step.id.clone(), Going { percent, says, at, next });
        self.tell();
    }

    /// Ends a step that has failed; begins it again where its runbook says so and nothing of it is there.
    pub(super) async fn fail(
        &self,
        step: &PlannedStep,
        known: &StepState,
        why: Text,
        hint: Option<Text>,
    ) -> Result<Turn, Halt> {
        let clean = known.phase == Phase::Refused && known.calls.len() <= 1;
        let again = clean && known.direction == Direction::Forward && known.attempt <= step.retry.times;
        if again {
            // It has not ended: a run with such a step does not rest, and nothing stands in for it yet.
            self.parts.time.sleep(Duration::from_secs(step.retry.wait_s)).await;
            let wishes = self.state().wishes.clone();
            if !wishes.pause && wishes.undo.is_empty() && wishes.abandoned.is_none() {
                return self.begin(step, known).await;
            }
        }
        let ending = match known.direction {
            Direction::Forward => Ending::Failed,
            Direction::Undo => Ending::UndoFailed,
        };
        self.end(step, known.direction, ending, why, hint)?;
        Ok(Turn::Rests)
    }

    pub(super) fn end(
        &self,
        step: &PlannedStep,
        direction: Direction,
        ending: Ending,
        why: Text,
        hint: Option<Text>,
    ) -> Result<(), Halt> {
        let ended = Event::Ended { step: step.id.clone(), direction, ending, why, hint };
        self.recorder.write(ended)
    }
}
