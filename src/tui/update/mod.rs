//! What a message changes: pure, and never waiting.

mod keys;
mod login;
mod mouse;
mod overview;
mod pane;
mod points;
mod recovery;
mod states;

use super::effect::Effect;
use super::message::Message;
use super::model::{Model, Notice, Overlay, Pane};
use crate::collector::Request;
use crate::domain::Text;
use std::sync::Arc;

/// How often what was read is judged again, in seconds.
const JUDGED_EVERY_S: i64 = 10;

/// Tells the model what happened; returns what is asked of the runtime.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let looked_at = model.looked_at().cloned();
    let mut effects = told(model, message);
    if model.looked_at() != looked_at.as_ref() {
        // However a state was opened or left: the collector is told in one place.
        effects.push(Effect::Ask(Request::LookAt(model.looked_at().cloned())));
    }
    points::ask(model, &mut effects);
    effects
}

/// Returns the notice that something was copied; a copy is raw, and says so where the screen is not.
fn copied(model: &Model, what: &str) -> Notice {
    let how = if model.redactor.is_some() { "copied, unmasked" } else { "copied" };
    Notice { text: Text::new(&format!("{how}: {what}")), alarm: false }
}

fn told(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) => keys::pressed(model, key),
        Message::Paste(text) => keys::pasted(model, &text),
        Message::Mouse(event) => mouse::moved(model, event),
        Message::Resize(columns, rows) => {
            model.size = (columns, rows);
            recovery::changed(model);
            pane::follow(model);
            Vec::new()
        }
        Message::Tick(now) => {
            if now == model.now {
                return Vec::new();
            }
            // While a run is watched time moves by the second; what was read is judged in longer steps.
            let judged = |at: jiff::Timestamp| at.as_second().div_euclid(JUDGED_EVERY_S);
            let again = judged(now) != judged(model.now);
            model.now = now;
            if again { vec![Effect::Judge(model.judge_request())] } else { Vec::new() }
        }
        Message::Runs(seen) => {
            recovery::seen(model, seen);
            Vec::new()
        }
        Message::News(news) => recovery::told(model, news),
        Message::Read(snapshot) => {
            model.snapshot = snapshot;
            vec![Effect::Judge(model.judge_request())]
        }
        Message::Login(environment, news) => login::told(model, environment, news),
        Message::Judged(judgement) => {
            // A judgement that was asked for before the details were opened must not take their points away.
            // So for a pane that was opened since.
            let known = &model.judgement;
            let detail = judgement.detail.is_none() && known.detail.is_some() && shows_detail(model);
            let points = judgement.points.is_none() && known.points.is_some() && model.pane == Pane::Points;
            if detail || points {
                let mut merged = judgement.as_ref().clone();
                if detail {
                    merged.detail.clone_from(&known.detail);
                }
                if points {
                    merged.points.clone_from(&known.points);
                }
                model.judgement = Arc::new(merged);
            } else {
                model.judgement = judgement;
            }
            points::relocate(model);
            pane::follow(model);
            Vec::new()
        }
    }
}

fn shows_detail(model: &Model) -> bool {
    model.overlays.iter().any(|overlay| matches!(overlay, Overlay::Detail { .. }))
}
