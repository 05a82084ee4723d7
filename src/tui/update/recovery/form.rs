//! Filling a runbook in.

use super::super::keys::{apply, request, suspended_or_left};
use crate::runbook::plan::Mode;
use crate::tui::effect::Effect;
use crate::tui::model::{Form, Model, Overlay};
use crossterm::event::{KeyCode, KeyEvent};
use tui_input::Input;

/// Handles a key.
pub(super) fn typed(model: &mut Model, key: KeyEvent) -> Option<Vec<Effect>> {
    if let Some(effects) = suspended_or_left(model, key) {
        return Some(effects);
    }
    let Some(Overlay::Form(form)) = model.overlays.pop() else { return None };
    let mut form = *form;
    let effects = pressed(model, &mut form, key);
    if key.code == KeyCode::Esc && !form.is_planning {
        return Some(Vec::new());
    }
    if key.code == KeyCode::Esc {
        // A plan that is being made is not waited for.
        form.is_planning = false;
    }
    model.overlays.push(Overlay::Form(Box::new(form)));
    Some(effects)
}

fn pressed(model: &Model, form: &mut Form, key: KeyEvent) -> Vec<Effect> {
    if form.is_planning {
        return Vec::new();
    }
    let last = form.fields.len();
    match key.code {
        KeyCode::Up => form.at = form.at.saturating_sub(1),
        KeyCode::Down => form.at = (form.at + 1).min(last),
        KeyCode::Tab => {
            form.mode = match form.mode {
                Mode::Recover => Mode::Drill,
                Mode::Drill => Mode::Tabletop,
                Mode::Tabletop => Mode::Recover,
            }
        }
        KeyCode::Enter if form.at < last => form.at += 1,
        KeyCode::Enter => return plan(form),
        KeyCode::Left | KeyCode::Right if choose(form, key.code == KeyCode::Right) => form.refill(model),
        KeyCode::Esc => {}
        KeyCode::Char(_) if form.at >= last => {
            form.wrong = Some("choose a line with up and down, and type there".into());
            return Vec::new();
        }
        _ => {
            let at = form.at;
            if let Some(field) = form.fields.get_mut(at) {
                apply(&mut field.input, request(key));
                form.refill(model);
            }
        }
    }
    form.wrong = None;
    Vec::new()
}

/// Takes the next choice, or the one before; says whether there is one.
fn choose(form: &mut Form, forward: bool) -> bool {
    let at = form.at;
    let Some(field) = form.fields.get_mut(at) else { return false };
    let count = field.choices.len();
    if count == 0 {
        return false;
    }
    let next = match (field.chosen(), forward) {
        (None, true) => 0,
        (None, false) => count - 1,
        (Some(at), true) => (at + 1) % count,
        (Some(at), false) => (at + count - 1) % count,
    };
    if let Some(choice) = field.choices.get(next) {
        field.input = Input::new(choice.value.clone());
    }
    true
}

fn plan(form: &mut Form) -> Vec<Effect> {
    if let Some(at) = form.fields.iter().position(crate::tui::model::Field::is_missing) {
        let name = form.fields.get(at).map_or("", |field| field.name.as_str());
        form.wrong = Some(crate::domain::Text::new(&format!("{name} has to be said")));
        form.at = at;
        return Vec::new();
    }
    form.wrong = None;
    form.is_planning = true;
    vec![Effect::Plan(form.wanted().0)]
}
