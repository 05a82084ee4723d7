//! What a message changes: pure, and never waiting.

mod keys;
mod login;
mod mouse;
mod overview;

use super::effect::Effect;
use super::message::Message;
use super::model::{Model, Overlay};
use std::sync::Arc;

/// Tells the model what happened; returns what is asked of the runtime.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) => keys::pressed(model, key),
        Message::Paste(text) => keys::pasted(model, &text),
        Message::Mouse(event) => mouse::moved(model, event),
        Message::Resize(columns, rows) => {
            model.size = (columns, rows);
            overview::follow(model);
            Vec::new()
        }
        Message::Tick(now) => {
            if now == model.now {
                return Vec::new();
            }
            model.now = now;
            vec![Effect::Judge(model.judge_request())]
        }
        Message::Read(snapshot) => {
            model.snapshot = snapshot;
            vec![Effect::Judge(model.judge_request())]
        }
        Message::Login(environment, news) => login::told(model, environment, news),
        Message::Judged(judgement) => {
            // A judgement that was asked for before the details were opened must not take their points away.
            let keeps = judgement.detail.is_none() && model.judgement.detail.is_some() && shows_detail(model);
            if keeps {
                let mut merged = judgement.as_ref().clone();
                merged.detail.clone_from(&model.judgement.detail);
                model.judgement = Arc::new(merged);
            } else {
                model.judgement = judgement;
            }
            overview::follow(model);
            Vec::new()
        }
    }
}

fn shows_detail(model: &Model) -> bool {
    model.overlays.iter().any(|overlay| matches!(overlay, Overlay::Detail { .. }))
}
