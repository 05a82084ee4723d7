//! What is asked of a run, judged: each request is written down with its sender and its answer before it is obeyed.

use super::approval;
use super::executor::Shared;
use super::journal::Halt;
use super::request::Request;
use crate::domain::Text;
use crate::domain::duration::{after, words};
use crate::domain::estate::EnvironmentClass;
use crate::runbook::consent::{Strength, phrase, required, required_for, required_to_undo, undo_phrase};
use crate::runbook::event::{Ask, ConsentGiven, Event, Verdict};
use crate::runbook::plan::{PlannedStep, Undo};
use crate::runbook::schedule;
use crate::runbook::state::{PLAN_SCOPE, Phase, UNDO_SCOPE};
use serde_json::Value;
use std::time::Duration;

/// How long others can stand against a break-glass.
const VETO: Duration = Duration::from_secs(120);

/// What a consent comes to.
struct Agreed {
    strength: Strength,
    approver: Option<(Text, Text)>,
    break_glass: bool,
}

impl Shared {
    /// Takes the requests that wait; says whether there were any.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) fn requests(&self) -> Result<bool, Halt> {
        // What cannot be listed now is listed the next time: a request is never lost by that.
        let waiting = self.parts.folder.requests().unwrap_or_default();
        let any = !waiting.is_empty();
        for (id, bytes) in waiting {
            if self.state().requests.contains(&Text::new(&id)) {
                self.owed(&id, &bytes)?;
                self.parts.folder.forget(&id);
                continue;
            }
            self.parts.faults.pass("request-seen")?;
            match serde_json::from_slice::<Request>(&bytes) {
                Ok(request) => self.obey(&id, &request)?,
                Err(error) => {
                    tracing::warn!(request = id.as_str(), "a request cannot be read: {error}");
                }
            }
            self.parts.folder.forget(&id);
        }
        Ok(any)
    }

    /// Obeys a request that was written down as obeyed by an executor that ended before it was.
    fn owed(&self, id: &str, bytes: &[u8]) -> Result<(), Halt> {
        if self.state().owed.as_ref() != Some(&Text::new(id)) {
            return Ok(());
        }
        let Ok(request) = serde_json::from_slice::<Request>(bytes) else { return Ok(()) };
        let judged = self.judge(&request);
        for event in judged.unwrap_or_default() {
            self.recorder.write(event)?;
        }
        Ok(())
    }

    fn obey(&self, id: &str, request: &Request) -> Result<(), Halt> {
        let judged = self.judge(request);
        let refused = judged.as_ref().err().map(|why| Text::new(why));
        let mut ask = request.ask.clone();
        hide_phrase(&mut ask);
        let asked = Event::Asked {
            id: Text::new(id),
            by: request.by.clone(),
            terminal: request.terminal.clone(),
            sent_at: request.sent_at,
            ask,
            refused,
        };
        self.recorder.write(asked)?;
        let Ok(follows) = judged else { return Ok(()) };
        for event in follows {
            self.recorder.write(event)?;
        }
        Ok(())
    }

    /// Opens a break-glass against which nobody has stood in time.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) fn open_break_glass(&self) -> Result<(), Halt> {
        let waits = self.state().break_glass_waits.clone();
        if let Some((_, opens_at)) = waits
            && opens_at <= self.parts.time.now()
        {
            self.recorder.write(Event::Consented {
                scope: PLAN_SCOPE.into(),
                strength: Strength::TypedAndSigned,
                approver: None,
                break_glass: true,
            })?;
        }
        Ok(())
    }

    /// Returns what follows from a request.
    fn judge(&self, request: &Request) -> Result<Vec<Event>, String> {
        let state = self.state();
        if state.wishes.abandoned.is_some() && !matches!(request.ask, Ask::Note { .. }) {
            return Err("the run was abandoned".to_owned());
        }
        let phase = |step: &Text| {
            state.steps.get(step).map(|known| known.phase).ok_or_else(|| format!("there is no step `{step}`"))
        };
        match &request.ask {
            Ask::Pause | Ask::Resume | Ask::Note { .. } => Ok(Vec::new()),
            Ask::Consent(given) => {
                if state.agreed_at.is_some() {
                    return Err("the plan was agreed to already".to_owned());
                }
                let needed = required_for(&self.plan);
                self.agree(PLAN_SCOPE, needed, given, request)
            }
            Ask::OpenGate { step, consent } => {
                let planned = self.planned(step)?;
                // A step of the name of a consent would be that consent.
                let named = *step == *PLAN_SCOPE || *step == *UNDO_SCOPE;
                if named || !planned.gate || !matches!(phase(step)?, Phase::AtGate | Phase::Waiting) {
                    return Err(format!("step {step} does not wait at a gate"));
                }
                let needed = required(planned.class, self.plan.class).max(Strength::Enter);
                self.agree(step.as_str(), needed, consent, request)
            }
            Ask::Undo { step, consent } => {
                let chosen: Vec<&PlannedStep> = match step {
                    Some(step) => vec![self.planned(step)?],
                    None => self.plan.steps.iter().collect(),
                };
                let can = |step: &&PlannedStep| {
                    matches!(
                        state.steps.get(&step.id).map(|known| known.phase),
                        Some(Phase::Succeeded | Phase::Failed | Phase::UndoFailed)
                    ) && step.undo != Undo::Nothing
                };
                let single = step.is_some();
                let chosen: Vec<_> = chosen
                    .into_iter()
                    .filter(can)
                    .filter(|step| single || !matches!(step.undo, Undo::Impossible(_)))
                    .collect();
                if chosen.is_empty() {
                    return Err("there is nothing that could be taken back".to_owned());
                }
                if let (Some(step), [PlannedStep { undo: Undo::Impossible(why), .. }]) =
                    (step, chosen.as_slice())
                {
                    return Err(format!("step {step} cannot be taken back: {why}"));
                }
                let needed = required_to_undo(chosen, self.plan.class);
                self.agree(UNDO_SCOPE, needed, consent, request)
            }
            Ask::Skip { step, .. } => match phase(step)? {
                Phase::Waiting | Phase::AtGate | Phase::Failed => Ok(Vec::new()),
                other => Err(format!("step {step} is {}, and cannot be skipped", other.words())),
            },
            Ask::Retry { step } => {
                schedule::may_begin_anew(&self.plan, &state, self.planned(step)?).map(|()| Vec::new())
            }
            Ask::Settle { step, happened, reason } => {
                if phase(step)? != Phase::InDoubt {
                    return Err(format!("step {step} is not in doubt"));
                }
                if reason.is_empty() {
                    return Err("say how you know it".to_owned());
                }
                let known = state.steps.get(step).ok_or("there is no such step")?;
                let index = u32::try_from(known.calls.len().saturating_sub(1)).unwrap_or(u32::MAX);
                Ok(vec![Event::Observed {
                    of: Self::call_place(self.planned(step)?, known, index),
                    verdict: if *happened { Verdict::Happened } else { Verdict::DidNot },
                    evidence: reason.clone(),
                    reply: Value::Null,
                    by: Some(request.by.clone()),
                }])
            }
            Ask::Answer { step, .. } => match phase(step)? {
                Phase::Ready if self.planned(step)?.uses == *crate::action::MANUAL => Ok(Vec::new()),
                _ => Err(format!("step {step} does not ask anything")),
            },
            Ask::Abandon { reason } if reason.is_empty() => Err("say why it is given up".to_owned()),
            Ask::Abandon { .. } => Ok(Vec::new()),
            Ask::Veto { .. } if state.break_glass_waits.is_some() => Ok(Vec::new()),
            Ask::Veto { .. } => Err("nothing waits that could be stood against".to_owned()),
        }
    }

    fn planned(&self, step: &Text) -> Result<&PlannedStep, String> {
        self.plan.step(step.as_str()).ok_or_else(|| format!("there is no step `{step}`"))
    }

    /// Returns what follows from a consent that is strong enough.
    fn agree(
        &self,
        scope: &str,
        needed: Strength,
        given: &ConsentGiven,
        request: &Request,
    ) -> Result<Vec<Event>, String> {
        if given.plan != self.hash {
            return Err("it is a consent to another plan".to_owned());
        }
        let agreed = self.strength(scope, needed, given, request)?;
        let Some(Agreed { strength, approver, break_glass }) = agreed else {
            let reason = given.break_glass.clone().unwrap_or_default();
            let opens_at = after(self.parts.time.now(), VETO);
            return Ok(vec![Event::BreakGlass { reason, opens_at }]);
        };
        Ok(vec![Event::Consented { scope: scope.into(), strength, approver, break_glass }])
    }

    /// Returns how strong a consent really is, or `None` where break-glass has to wait first.
    fn strength(
        &self,
        scope: &str,
        needed: Strength,
        given: &ConsentGiven,
        request: &Request,
    ) -> Result<Option<Agreed>, String> {
        let plain = |strength| Ok(Some(Agreed { strength, approver: None, break_glass: false }));
        let free =
            if self.plan.class == EnvironmentClass::Production { Strength::None } else { Strength::Enter };
        if given.by_flag && needed > free && !self.parts.unattended {
            return Err(format!(
                "this needs a person at a terminal: the estate does not allow consent by a flag in {}",
                self.plan.environment
            ));
        }
        if needed <= Strength::Confirmed {
            if given.strength < needed {
                return Err("it has to be agreed to on a screen that names the calls".to_owned());
            }
            return plain(needed);
        }
        let phrase = if scope == UNDO_SCOPE { undo_phrase } else { phrase };
        let wanted = phrase(&self.plan, &self.hash);
        if given.phrase.as_deref() != Some(wanted.as_str()) {
            return Err("the phrase that was typed is not the one that was shown".to_owned());
        }
        if needed == Strength::Typed {
            return plain(Strength::Typed);
        }
        if let Some(approval) = &given.approval {
            let requester = request.by.user.as_str();
            // An approval is given by people, and ends by the clock on their wall.
            let now = request.sent_at.max(self.real_now());
            let key = approval::verify(approval, &self.hash, requester, &self.parts.approvers, now)
                .map_err(|why| why.to_string())?;
            let approver = Some((approval.approver.clone(), key));
            return Ok(Some(Agreed { strength: needed, approver, break_glass: false }));
        }
        match &given.break_glass {
            Some(reason) if self.plan.break_glass && scope == PLAN_SCOPE => {
                if reason.as_str().trim().len() < 10 {
                    return Err("say in a sentence why nobody else can be reached".to_owned());
                }
                Ok(None)
            }
            Some(_) if self.plan.break_glass => Err("break-glass opens a plan, not a single step".to_owned()),
            Some(_) => Err(format!("the estate does not allow break-glass in {}", self.plan.environment)),
            None => Err(format!(
                "this needs a second person: `lifeboat approve`, or break-glass where the estate allows it ({} of wait)",
                words(VETO)
            )),
        }
    }

    fn real_now(&self) -> jiff::Timestamp {
        if self.parts.virtual_time { jiff::Timestamp::MIN } else { self.parts.time.now() }
    }
}

/// The phrase was compared; it is not kept, so that nobody can send it again.
fn hide_phrase(ask: &mut Ask) {
    let given = match ask {
        Ask::Consent(given) => given,
        Ask::OpenGate { consent, .. } | Ask::Undo { consent, .. } => consent,
        _ => return,
    };
    if given.phrase.is_some() {
        given.phrase = Some("(typed)".to_owned());
    }
}
