//! Agreeing: the question grows with what is at stake, and binds to the hash of the plan that is shown.

use super::super::keys::{apply, request, suspended_or_left};
use super::right;
use crate::domain::Text;
use crate::engine::watch::RunSeen;
use crate::runbook::consent::{Strength, phrase, required, required_for, required_to_undo, undo_phrase};
use crate::runbook::event::{Ask, ConsentGiven};
use crate::runbook::state::Phase;
use crate::tui::effect::Effect;
use crate::tui::model::{Consenting, Deed, Model, Notice, Overlay};
use crossterm::event::{KeyCode, KeyEvent};
use tui_input::Input;

fn question(
    deed: Deed,
    plan: std::sync::Arc<crate::runbook::plan::Plan>,
    hash: crate::runbook::plan::PlanHash,
    strength: Strength,
    phrase: String,
) -> Overlay {
    Overlay::Consent(Box::new(Consenting {
        deed,
        plan,
        hash,
        strength,
        phrase,
        input: Input::default(),
        break_glass: None,
        in_reason: false,
        wrong: None,
        scroll: 0,
    }))
}

/// Asks whether the plan that is shown is to be carried out.
pub(super) fn ask_to_begin(model: &mut Model) -> Vec<Effect> {
    if right(model).is_none() {
        return Vec::new();
    }
    let Some(Overlay::Plan(open)) = model.overlays.last() else { return Vec::new() };
    let prepared = open.prepared.clone();
    let (plan, hash) = (prepared.plan.clone(), prepared.hash.clone());
    let (strength, phrase) = (required_for(&plan), phrase(&plan, &hash));
    let deed = Deed::Begin(prepared, open.secrets.clone());
    // What only reads is begun at once by the same key: there is nothing to agree to but to begin.
    let overlay = question(deed, plan, hash, strength.max(Strength::Enter), phrase);
    model.overlays.push(overlay);
    Vec::new()
}

/// Asks whether a run is to go past the gate of a step.
pub(super) fn ask_gate(model: &mut Model, run: &RunSeen, step: &Text) {
    let Some(planned) = run.plan.step(step.as_str()) else { return };
    let strength = required(planned.class, run.plan.class).max(Strength::Enter);
    let deed = Deed::Gate { run: run.name.clone(), step: step.clone() };
    let phrase = phrase(&run.plan, &run.hash);
    model.overlays.push(question(deed, run.plan.clone(), run.hash.clone(), strength, phrase));
}

/// Asks whether a step, or everything, is to be taken back.
pub(super) fn ask_undo(model: &mut Model, run: &RunSeen, step: Option<&Text>) {
    let done = |id: &Text| {
        let phase = run.state.steps.get(id).map(|known| known.phase);
        matches!(phase, Some(Phase::Succeeded | Phase::Failed | Phase::UndoFailed))
    };
    let chosen = run.plan.steps.iter().filter(|planned| step.is_none_or(|step| planned.id == *step));
    let chosen: Vec<_> = chosen.filter(|planned| done(&planned.id)).collect();
    if chosen.is_empty() {
        model.notice =
            Some(Notice { text: "there is nothing done that could be taken back".into(), alarm: true });
        return;
    }
    let strength = required_to_undo(chosen, run.plan.class).max(Strength::Enter);
    let deed = Deed::Undo { run: run.name.clone(), step: step.cloned() };
    let phrase = undo_phrase(&run.plan, &run.hash);
    model.overlays.push(question(deed, run.plan.clone(), run.hash.clone(), strength, phrase));
}

/// Handles a key.
pub(super) fn typed(model: &mut Model, key: KeyEvent) -> Option<Vec<Effect>> {
    if let Some(effects) = suspended_or_left(model, key) {
        return Some(effects);
    }
    let Some(Overlay::Consent(asked)) = model.overlays.last_mut() else { return None };
    let reads_on = matches!(key.code, KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown);
    match key.code {
        KeyCode::Esc => {
            model.overlays.pop();
        }
        _ if reads_on => {
            let lines = crate::tui::view::recovery::consent_lines(model);
            if let Some(Overlay::Consent(asked)) = model.overlays.last_mut() {
                let by = if matches!(key.code, KeyCode::PageUp | KeyCode::PageDown) { 5 } else { 1 };
                asked.scroll = match key.code {
                    KeyCode::Up | KeyCode::PageUp => asked.scroll.saturating_sub(by),
                    _ => (asked.scroll + by).min(lines.saturating_sub(1)),
                };
            }
        }
        KeyCode::Tab if asked.strength == Strength::TypedAndSigned && asked.plan.break_glass => {
            if asked.break_glass.is_none() {
                asked.break_glass = Some(Input::default());
            }
            asked.in_reason = !asked.in_reason;
        }
        KeyCode::Enter if asked.in_reason => asked.in_reason = false,
        KeyCode::Enter => return Some(agree(model)),
        KeyCode::Char('y' | 'Y') if asked.strength == Strength::Confirmed => return Some(agreed(model)),
        _ => {
            let is_typed = asked.is_typed();
            let input = match (&mut asked.break_glass, asked.in_reason) {
                (Some(reason), true) => reason,
                _ if is_typed => &mut asked.input,
                _ => return Some(Vec::new()),
            };
            apply(input, request(key));
            asked.wrong = None;
        }
    }
    Some(Vec::new())
}

fn agree(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Consent(asked)) = model.overlays.last_mut() else { return Vec::new() };
    let empty_reason = asked.break_glass.as_ref().is_some_and(|reason| reason.value().trim().is_empty());
    let wrong = match asked.strength {
        Strength::Confirmed => Some("y agrees; esc leaves, and nothing is done"),
        Strength::Typed | Strength::TypedAndSigned if asked.input.value() != asked.phrase => {
            Some("that is not the phrase; nothing was done")
        }
        Strength::TypedAndSigned if empty_reason => Some("break-glass needs a reason: tab goes there"),
        _ => None,
    };
    if let Some(wrong) = wrong {
        asked.wrong = Some(wrong.into());
        return Vec::new();
    }
    agreed(model)
}

fn agreed(model: &mut Model) -> Vec<Effect> {
    let Some(right) = right(model) else { return Vec::new() };
    let Some(Overlay::Consent(asked)) = model.overlays.last_mut() else { return Vec::new() };
    let Some(given): Option<ConsentGiven> = asked.given() else { return Vec::new() };
    match asked.deed.clone() {
        Deed::Begin(prepared, secrets) => {
            asked.wrong = Some("beginning …".into());
            asked.input.reset();
            vec![Effect::Begin(right, prepared, Box::new(given), secrets)]
        }
        Deed::Gate { run, step } => {
            model.overlays.pop();
            vec![Effect::AskRun(right, run, Box::new(Ask::OpenGate { step, consent: given }))]
        }
        Deed::Undo { run, step } => {
            model.overlays.pop();
            vec![Effect::AskRun(right, run, Box::new(Ask::Undo { step, consent: given }))]
        }
    }
}

/// Clears what was typed: the dialog is not the one any more that it was typed into.
pub(in crate::tui::update) fn changed(model: &mut Model) {
    for overlay in &mut model.overlays {
        if let Overlay::Consent(asked) = overlay
            && !asked.input.value().is_empty()
        {
            asked.input.reset();
            asked.wrong = Some("the screen has changed: type it again".into());
        }
    }
}
