//! Questions that are answered with a sentence, or with Enter.

use super::super::keys::{apply, request, suspended_or_left};
use super::right;
use crate::domain::Text;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Notice, Operating, Overlay, PromptAbout};
use crossterm::event::{KeyCode, KeyEvent};

/// Handles a key.
pub(super) fn typed(model: &mut Model, key: KeyEvent) -> Option<Vec<Effect>> {
    if let Some(effects) = suspended_or_left(model, key) {
        return Some(effects);
    }
    let Some(Overlay::Prompt(prompt)) = model.overlays.last_mut() else { return None };
    match key.code {
        KeyCode::Esc => {
            model.overlays.pop();
        }
        KeyCode::Tab => {
            if let PromptAbout::Answer { done, .. } = &mut prompt.about {
                *done = !*done;
            }
        }
        KeyCode::Enter => return Some(answered(model)),
        _ if prompt.about.needs_words() => {
            apply(&mut prompt.input, request(key));
            prompt.wrong = None;
        }
        _ => {}
    }
    Some(Vec::new())
}

fn answered(model: &mut Model) -> Vec<Effect> {
    let read_only = model.read_only_for_good;
    let Some(Overlay::Prompt(prompt)) = model.overlays.last_mut() else { return Vec::new() };
    let typed = prompt.input.value().to_owned();
    if prompt.about.needs_words() && typed.trim().is_empty() {
        prompt.wrong = Some("a few words are needed: the journal keeps them".into());
        return Vec::new();
    }
    if prompt.about == PromptAbout::Operate {
        match Operating::begin(read_only, &typed) {
            Ok(operating) => {
                model.overlays.pop();
                model.operating = Some(operating);
                let says = format!("OPERATOR, for: {}", typed.trim());
                model.notice = Some(Notice { text: Text::new(&says), alarm: false });
                // Whoever takes the right over a plan wants to agree to it: that is the next question.
                if matches!(model.overlays.last(), Some(Overlay::Plan(_))) {
                    return super::consent::ask_to_begin(model);
                }
            }
            Err(why) => prompt.wrong = Some(Text::new(&why.to_string())),
        }
        return Vec::new();
    }
    let Some((run, ask)) = prompt.about.ask(&typed) else { return Vec::new() };
    let Some(right) = right(model) else { return Vec::new() };
    model.overlays.pop();
    vec![Effect::AskRun(right, run, Box::new(ask))]
}
