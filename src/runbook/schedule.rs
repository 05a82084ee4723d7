//! What may happen next in a run: it follows from its plan and its state alone.

use super::event::{Direction, Rest};
use super::plan::{Plan, PlannedStep};
use super::state::{PLAN_SCOPE, Phase, RunState};
use crate::domain::Text;

/// The name of the action in which a person does something.
pub const MANUAL: &str = "manual";

/// The action of the step that ends a called runbook; it makes no call.
pub const JOIN: &str = "join";

/// Something that may happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// This step can begin, or has to be looked at: its condition, its gate.
    Begin(Text),
    /// This step is under way.
    Continue(Text),
    /// This step is to be taken back.
    Undo(Text),
    /// Nothing more happens by itself.
    Rest(Rest, Text),
    /// It waits for people: for consent, or at gates.
    Wait(Text),
}

/// Says whether what a step was to bring about is there: by itself, or by the step that stood in for it.
pub fn is_satisfied(plan: &Plan, state: &RunState, id: &Text) -> bool {
    let Some(known) = state.steps.get(id) else { return false };
    match known.phase {
        Phase::Succeeded | Phase::Skipped | Phase::NotNeeded => true,
        Phase::Failed | Phase::Waiting => has_failed(plan, state, id) && stood_in(plan, state, id),
        _ => false,
    }
}

fn stood_in(plan: &Plan, state: &RunState, id: &Text) -> bool {
    let other = plan.step(id.as_str()).and_then(|step| step.otherwise.as_ref());
    other.is_some_and(|other| is_satisfied(plan, state, other))
}

/// Says whether a step has failed; for the end of a called runbook, whether a step of it has, with nothing standing in.
pub fn has_failed(plan: &Plan, state: &RunState, id: &Text) -> bool {
    let Some(step) = plan.step(id.as_str()) else { return false };
    if step.uses != *JOIN {
        return state.steps.get(id).is_some_and(|known| known.phase == Phase::Failed);
    }
    let mut parts = plan.steps.iter().filter(|other| other.part_of.as_ref() == Some(id));
    parts.any(|part| has_failed(plan, state, &part.id) && !stood_in(plan, state, &part.id))
}

/// Returns the step that this one stands in for when that fails.
pub fn stands_in_for<'a>(plan: &'a Plan, id: &Text) -> Option<&'a PlannedStep> {
    plan.steps.iter().find(|step| step.otherwise.as_ref() == Some(id))
}

/// Says whether everything that a step waits for is there.
pub fn is_startable(plan: &Plan, state: &RunState, step: &PlannedStep) -> bool {
    let waiting =
        state.steps.get(&step.id).is_some_and(|known| matches!(known.phase, Phase::Waiting | Phase::AtGate));
    let called = stands_in_for(plan, &step.id)
        .is_none_or(|original| has_failed(plan, state, &original.id) && is_quiet(plan, state, &original.id));
    waiting && called && step.needs.iter().all(|need| is_satisfied(plan, state, need))
}

/// Says whether nothing of a step, or of the runbook that it calls, is under way.
fn is_quiet(plan: &Plan, state: &RunState, id: &Text) -> bool {
    let quiet = |id: &Text| state.steps.get(id).is_none_or(|known| !known.phase.is_under_way());
    quiet(id)
        && plan.steps.iter().filter(|part| part.part_of.as_ref() == Some(id)).all(|part| quiet(&part.id))
}

/// Says why a step cannot be begun anew that has failed or was taken back.
///
/// # Errors
/// When it has done neither, when another step stands in for it by now, or when what it needs is not there.
pub fn may_begin_anew(plan: &Plan, state: &RunState, step: &PlannedStep) -> Result<(), String> {
    let id = &step.id;
    let phase = |id: &Text| state.steps.get(id).map_or(Phase::Waiting, |known| known.phase);
    if !matches!(phase(id), Phase::Failed | Phase::Undone) {
        return Err(format!("step {id} is {}, and has not failed", phase(id).words()));
    }
    if let Some(other) = &step.otherwise
        && (is_satisfied(plan, state, other) || !is_quiet(plan, state, other))
    {
        return Err(format!("step {other} stands in for {id}, and is {}", phase(other).words()));
    }
    if let Some(original) = stands_in_for(plan, id)
        && phase(&original.id) != Phase::Skipped
        && !(has_failed(plan, state, &original.id) && is_quiet(plan, state, &original.id))
    {
        let (original, phase) = (&original.id, phase(&original.id).words());
        return Err(format!("it stands in for step {original}, which is {phase}"));
    }
    match step.needs.iter().find(|need| !is_satisfied(plan, state, need)) {
        Some(need) => Err(format!("it needs step {need}, which is {}", phase(need).words())),
        None => Ok(()),
    }
}

/// Returns what may happen next.
pub fn next(plan: &Plan, state: &RunState) -> Vec<Decision> {
    let mut decisions = Vec::new();
    for step in &plan.steps {
        if state.steps.get(&step.id).is_some_and(|known| known.phase.is_under_way()) {
            decisions.push(Decision::Continue(step.id.clone()));
        }
    }
    let busy = !decisions.is_empty();
    if let Some(why) = &state.wishes.abandoned {
        // What is under way in the world goes on there; we do not wait for it.
        return vec![Decision::Rest(Rest::Abandoned, why.clone())];
    }
    if !state.consents.contains_key(&Text::new(PLAN_SCOPE)) {
        return vec![Decision::Wait("the plan was not agreed to yet".into())];
    }
    if state.wishes.pause {
        if busy {
            return decisions;
        }
        return vec![Decision::Rest(Rest::Paused, "somebody asked for it".into())];
    }
    if !state.wishes.undo.is_empty() {
        return next_undo(plan, state, decisions);
    }
    let is_undoing = state.steps.values().any(|step| step.direction == Direction::Undo);
    let begins_anew = |step: &PlannedStep| {
        state.wishes.retry.contains(&step.id) && may_begin_anew(plan, state, step).is_ok()
    };
    if is_undoing && !busy && !plan.steps.iter().any(begins_anew) {
        return vec![rest_of_undo(plan, state)];
    }
    let mut gates = Vec::new();
    for step in &plan.steps {
        let at_gate = state.steps.get(&step.id).is_some_and(|known| known.phase == Phase::AtGate);
        if at_gate && !state.consents.contains_key(&step.id) {
            gates.push(step.id.clone());
        } else if begins_anew(step) || !is_undoing && is_startable(plan, state, step) {
            decisions.push(Decision::Begin(step.id.clone()));
        }
    }
    if !decisions.is_empty() {
        return decisions;
    }
    match gates.first() {
        Some(gate) => vec![Decision::Wait(format!("step {gate} waits at its gate").into())],
        None => vec![rest(plan, state)],
    }
}

/// Steps are taken back one after another, the last first.
fn next_undo(plan: &Plan, state: &RunState, under_way: Vec<Decision>) -> Vec<Decision> {
    if !under_way.is_empty() {
        return under_way;
    }
    let mut wanted: Vec<_> = plan
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| state.wishes.undo.contains(&step.id))
        .map(|(place, step)| (state.steps.get(&step.id).and_then(|known| known.ended_at), place, &step.id))
        .collect();
    wanted.sort();
    match wanted.last() {
        Some((_, _, id)) => vec![Decision::Undo((*id).clone())],
        None => vec![rest_of_undo(plan, state)],
    }
}

fn rest_of_undo(plan: &Plan, state: &RunState) -> Decision {
    let failed = plan
        .steps
        .iter()
        .find(|step| state.steps.get(&step.id).is_some_and(|known| known.phase == Phase::UndoFailed));
    match failed {
        Some(step) => {
            let why = state.steps.get(&step.id).map_or_else(Text::default, |known| known.why.clone());
            Decision::Rest(Rest::Stuck, format!("step {} could not be taken back: {why}", step.id).into())
        }
        None => Decision::Rest(Rest::Undone, undone_words(plan, state)),
    }
}

fn undone_words(plan: &Plan, state: &RunState) -> Text {
    let left: Vec<&str> = plan
        .steps
        .iter()
        .filter(|step| !step.calls.is_empty())
        .filter(|step| state.steps.get(&step.id).is_some_and(|known| known.phase == Phase::Succeeded))
        .map(|step| step.id.as_str())
        .collect();
    if left.is_empty() {
        return "what was done is taken back".into();
    }
    format!("what was asked for is taken back; this stays done: {}", left.join(", ")).into()
}

fn rest(plan: &Plan, state: &RunState) -> Decision {
    let open = plan.steps.iter().find(|step| {
        let needed = stands_in_for(plan, &step.id).is_none() && step.part_of.is_none();
        needed && !is_satisfied(plan, state, &step.id)
    });
    let Some(open) = open else {
        return Decision::Rest(Rest::Finished, "every step is done".into());
    };
    let failed = plan.steps.iter().find(|step| {
        step.uses != *JOIN && has_failed(plan, state, &step.id) && !is_satisfied(plan, state, &step.id)
    });
    let failed = failed.unwrap_or(open);
    let why = state.steps.get(&failed.id).map_or_else(Text::default, |known| known.why.clone());
    Decision::Rest(Rest::Stuck, format!("step {} has failed: {why}", failed.id).into())
}
