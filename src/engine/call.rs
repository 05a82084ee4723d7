//! Making one call of a step: armed, its intent on disk, then and only then made, its outcome on disk.

use super::dispatch::{PATIENCE, dispatch};
use super::executor::{Parked, Shared};
use super::journal::Halt;
use super::settle::IN_FLIGHT;
use super::step::Turn;
use crate::action::fan_out::is_batch;
use crate::action::{Doing, Meaning};
use crate::authority::{ArmedCall, CallId, Session};
use crate::domain::Text;
use crate::domain::duration::{elapsed, words};
use crate::provider::port::{CallTrouble, Credentials};
use crate::runbook::call::{Call, Reply};
use crate::runbook::consent::Consent;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::event::{CallPlace, Direction, Event, Outcome};
use crate::runbook::plan::{Mode, PlannedStep};
use crate::runbook::replied::fill_replies;
use crate::runbook::state::{PLAN_SCOPE, Phase, StepState, UNDO_SCOPE};
use serde_json::Value;
use std::cell::Cell;
use std::time::Duration;

/// For how long credentials must still be good when a call is made.
const NEEDED: Duration = Duration::from_secs(90);

/// How often a call that could not be sent or was throttled is tried before the step fails; the waits between them double
/// from one second to thirty.
pub(super) const TRIES: u32 = 8;

/// Returns how long it waits after so many tries.
pub(super) fn pause(tries: u32) -> Duration {
    match tries {
        0 => Duration::ZERO,
        tries => Duration::from_secs(1 << (tries - 1).min(5)).min(Duration::from_secs(30)),
    }
}

/// That a repetition was put off or refused says nothing of the call before it, of which nobody knows whether it has happened.
fn stays_in_doubt(event: &mut Event) -> bool {
    let Event::Answered { outcome, says, hint, .. } = event else { return false };
    if !matches!(outcome, Outcome::Throttled | Outcome::NotSent | Outcome::Refused) {
        return false;
    }
    *outcome = Outcome::InDoubt;
    *says = format!("the repetition came to nothing ({says}), and of the call before it nobody knows").into();
    *hint = None;
    true
}

/// A call that has left, until its outcome is on record.
struct InFlight<'a>(&'a Cell<u32>);

impl<'a> InFlight<'a> {
    fn begin(count: &'a Cell<u32>) -> Self {
        count.set(count.get() + 1);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl Shared {
    /// Makes the next call of a step.
    pub(super) async fn make(&self, step: &PlannedStep, known: &StepState) -> Result<Turn, Halt> {
        let index = known.next_call();
        let (call, dedupe) = match self.call_at(step, known, index) {
            Ok(found) => found,
            Err(why) => return self.fail(step, known, why.into(), None).await,
        };
        let place = Self::call_place(step, known, index);
        if known.phase == Phase::Ready
            && let Some(last) = known.calls.get(usize::try_from(index).unwrap_or(usize::MAX))
            && last.doubted.is_some()
        {
            // It was found not to have happened: lost on its way, or refused as if it had. Not for ever.
            if last.times >= TRIES {
                let why = format!(
                    "{} was made {} times and has not happened: {}",
                    call.operation, last.times, last.says
                );
                return self.fail(step, known, why.into(), None).await;
            }
            self.parts.time.sleep(pause(last.times.saturating_sub(1))).await;
        }
        if let Some(turn) = self.identify(step, &call).await? {
            return Ok(turn);
        }
        if self.known(&step.id)?.phase != known.phase {
            // A person has settled it meanwhile.
            return Ok(Turn::Again);
        }
        let Some(patience) = self.patience(known, index, dedupe) else { return Ok(Turn::Again) };
        let armed = match self.arm(step, &place, call.clone()) {
            Ok(armed) => armed,
            Err(why) => return self.ask(step, why.into()),
        };
        // A test's world may be slow: nothing was written down yet.
        let digest = Text::new(&call.digest());
        let event = Event::Intended { of: place.clone(), call, digest, dedupe };
        let intent = self.recorder.append(&event)?;
        let secrets = &self.parts.secrets;
        let in_flight = InFlight::begin(&self.in_flight);
        let answered = match armed.with_secrets(&|name| secrets.get(name).cloned()) {
            Ok(armed) if self.plan.mode == Mode::Tabletop => {
                drop(armed);
                Err(CallTrouble::NotSent("this is a tabletop exercise".into()))
            }
            Ok(armed) if is_batch(armed.call()) => {
                // Its requests take as long as they take; each has a limit of its own.
                self.carry_out(step, &place, &intent, armed).await?
            }
            Ok(armed) => {
                let (act, faults) = (self.parts.act.as_ref(), self.parts.faults.as_ref());
                dispatch(intent, armed, act, patience, faults).await?
            }
            Err(name) => Err(CallTrouble::NotSent(format!("nobody gave the secret `{name}`").into())),
        };
        self.answered(step, place, answered, in_flight, known.phase == Phase::InDoubt).await
    }

    /// Returns how long a call may wait before it leaves. What is repeated because the service remembers its token has to
    /// arrive while it still does: `None` where it cannot any more.
    fn patience(&self, known: &StepState, index: u32, dedupe: Dedupe) -> Option<Duration> {
        let last = known.calls.get(usize::try_from(index).unwrap_or(usize::MAX));
        match last.filter(|_| known.phase == Phase::InDoubt && dedupe == Dedupe::Token) {
            Some(last) => {
                let passed = elapsed(last.first, self.parts.time.now()) + IN_FLIGHT;
                dedupe.token_lives().checked_sub(passed).filter(|left| !left.is_zero())
            }
            None => Some(PATIENCE),
        }
    }

    /// Returns a call of a step with the way in which it is told whether it happened.
    pub(super) fn call_at(
        &self,
        step: &PlannedStep,
        known: &StepState,
        index: u32,
    ) -> Result<(Call, Dedupe), String> {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let (call, dedupe) = match known.direction {
            Direction::Forward => {
                let planned = step.calls.get(at).ok_or_else(|| format!("the step has no call {index}"))?;
                (self.call_of(planned, known.attempt)?, planned.dedupe)
            }
            Direction::Undo => {
                let planned = self.undo_calls(step, known).map_err(|refusal| refusal.says)?;
                let planned =
                    planned.into_iter().nth(at).ok_or_else(|| format!("no call {index} takes it back"))?;
                (planned.call, planned.dedupe)
            }
        };
        // The one that is made again has no answer yet that it could refer to.
        let earlier = known.calls.get(..at).unwrap_or(known.calls.as_slice());
        let replies = self.replies(earlier).map_err(|halt| halt.to_string())?;
        match fill_replies(&Value::Object(call.arguments), &replies)? {
            Value::Object(arguments) => Ok((Call { arguments, ..call }, dedupe)),
            _ => Err(format!("call {index} has no arguments")),
        }
    }

    /// Turns the consent on record into the right to make this call.
    fn arm(&self, step: &PlannedStep, place: &CallPlace, call: Call) -> Result<ArmedCall, String> {
        let scope = match place.direction {
            Direction::Forward => PLAN_SCOPE,
            Direction::Undo => UNDO_SCOPE,
        };
        let consent: Option<Consent> = self.state().consents.get(&Text::new(scope)).cloned();
        let consent = consent.ok_or_else(|| "nobody has agreed to this".to_owned())?;
        let purpose = if self.parts.purpose.is_empty() { "a recovery" } else { self.parts.purpose.as_str() };
        let session = Session::read_only().elevate(purpose).map_err(|(_, why)| why.to_string())?;
        let armed = session
            .arm(&self.hash, self.plan.class, step.clone(), place.direction, &consent)
            .map_err(|why| why.to_string())?;
        let id = CallId {
            run: self.plan.run.clone(),
            step: place.step.clone(),
            direction: place.direction,
            attempt: place.attempt,
            index: place.index,
        };
        armed.call(id, call).map_err(|why| why.to_string())
    }

    /// Looks who would act, and whether for long enough; a call is not made with credentials that it may outlive.
    async fn identify(&self, step: &PlannedStep, call: &Call) -> Result<Option<Turn>, Halt> {
        if call.is_local() {
            // A notice and a program need no cloud: they work when its logins do not.
            return Ok(None);
        }
        let credentials = match self.parts.look.credentials(&call.environment).await {
            Ok(credentials) => credentials,
            Err(CallTrouble::Credentials(why)) => return self.without_login(step, why).await.map(Some),
            Err(trouble) => {
                return self.ask(step, format!("who acts cannot be seen: {trouble}").into()).map(Some);
            }
        };
        let Credentials { identity, account, ends_at, renewed } = credentials;
        if *account.as_str() != *call.place.account.as_str() {
            let says =
                format!("these credentials are of account {account}, the plan is for {}", call.place.account);
            return self.ask(step, says.into()).map(Some);
        }
        if let Some(ends_at) = ends_at.filter(|_| !renewed) {
            let left = elapsed(self.parts.time.now(), ends_at);
            if left < NEEDED {
                let why =
                    format!("the credentials end in {}, and a call may take {}", words(left), words(NEEDED));
                return self.without_login(step, why.into()).await.map(Some);
            }
        }
        // The lines of a new term name who acts, too.
        self.recorder.acts_as(identity.clone());
        if self.state().identity.as_ref() != Some(&identity) {
            let environment = call.environment.clone();
            self.recorder.write(Event::Identified { environment, identity, account, ends_at })?;
        }
        Ok(None)
    }

    /// Waits for somebody to log in.
    async fn without_login(&self, step: &PlannedStep, why: Text) -> Result<Turn, Halt> {
        let why = Text::new(&format!(
            "{why}; `lifeboat login --purpose operate` opens a session, and the run goes on"
        ));
        if self.parts.impatient {
            return Ok(self.park(step, Parked::Login(why)));
        }
        let rests = self.state().rest.as_ref().is_some_and(|(_, known, _)| *known == why);
        if !rests {
            let rest = crate::runbook::event::Rest::WaitingForLogin;
            self.recorder.write(Event::Rested { rest, why })?;
        }
        self.parts.time.sleep(Duration::from_secs(15)).await;
        Ok(Turn::Again)
    }

    /// Writes down how a call was answered.
    async fn answered(
        &self,
        step: &PlannedStep,
        of: CallPlace,
        answered: Result<Reply, CallTrouble>,
        in_flight: InFlight<'_>,
        repeats_a_doubt: bool,
    ) -> Result<Turn, Halt> {
        let none = |outcome, says: &Text| Event::Answered {
            of: of.clone(),
            outcome,
            request_id: None,
            status: 0,
            code: None,
            says: says.clone(),
            reply: Value::Null,
            hint: None,
        };
        let mut event = match &answered {
            Ok(reply) => {
                let body = self.aside(&of, reply.body.clone());
                Event::Answered {
                    of: of.clone(),
                    outcome: Outcome::Succeeded,
                    request_id: reply.request_id.as_deref().map(Text::new),
                    status: reply.status,
                    code: None,
                    says: Text::default(),
                    reply: body,
                    hint: None,
                }
            }
            Err(CallTrouble::Refused { code, says, request_id, status }) => {
                let (outcome, hint) = self.meaning(step, &of, answered.as_ref().err())?;
                Event::Answered {
                    of: of.clone(),
                    outcome,
                    request_id: request_id.clone(),
                    status: *status,
                    code: Some(code.clone()),
                    says: format!("{code}: {says}").into(),
                    reply: Value::Null,
                    hint,
                }
            }
            Err(CallTrouble::Throttled { code, .. }) => none(Outcome::Throttled, code),
            Err(CallTrouble::Credentials(why) | CallTrouble::NotSent(why)) => none(Outcome::NotSent, why),
            Err(CallTrouble::InDoubt(why)) => none(Outcome::InDoubt, why),
        };
        let kept = repeats_a_doubt && stays_in_doubt(&mut event);
        self.recorder.write(event)?;
        drop(in_flight);
        if kept {
            let index = usize::try_from(of.index).unwrap_or(usize::MAX);
            let tries = self.known(&step.id)?.calls.get(index).map_or(1, |call| call.times);
            self.parts.time.sleep(pause(tries)).await;
        }
        match answered {
            Err(CallTrouble::Throttled { .. } | CallTrouble::NotSent(_) | CallTrouble::Refused { .. })
                if kept =>
            {
                Ok(Turn::Again)
            }
            Err(CallTrouble::Throttled { .. } | CallTrouble::NotSent(_)) => self.again(step, &of).await,
            Err(CallTrouble::Credentials(why)) => self.without_login(step, why).await,
            _ => Ok(Turn::Again),
        }
    }

    /// Waits before a call is tried again that has changed nothing, or gives it up.
    async fn again(&self, step: &PlannedStep, of: &CallPlace) -> Result<Turn, Halt> {
        let known = self.known(&step.id)?;
        let index = usize::try_from(of.index).unwrap_or(usize::MAX);
        let (tries, says) =
            known.calls.get(index).map_or((0, Text::default()), |c| (c.times, c.says.clone()));
        if tries >= TRIES || self.plan.mode == Mode::Tabletop {
            return self.fail(step, &known, says, None).await;
        }
        self.parts.time.sleep(pause(tries)).await;
        Ok(Turn::Again)
    }

    fn meaning(
        &self,
        step: &PlannedStep,
        of: &CallPlace,
        trouble: Option<&CallTrouble>,
    ) -> Result<(Outcome, Option<Text>), Halt> {
        let known = self.known(&step.id)?;
        let calls: Vec<Call> = known.calls.iter().map(|call| call.call.clone()).collect();
        let replies = self.replies(&known.calls)?;
        let now = self.parts.time.now();
        let doing = Doing {
            step,
            run: self.plan.run.as_str(),
            direction: of.direction,
            calls: &calls,
            index: usize::try_from(of.index).unwrap_or(usize::MAX),
            replies: &replies,
            before: &Value::Null,
            since: known.calls.last().map_or(now, |call| call.first),
            now,
        };
        let Some(trouble) = trouble else { return Ok((Outcome::Refused, None)) };
        Ok(match self.action(step)?.means(&doing, trouble) {
            Meaning::Failed { hint } => (Outcome::Refused, hint),
            Meaning::Look => (Outcome::InDoubt, None),
        })
    }
}
