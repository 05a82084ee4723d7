//! The mouse: everything that it does, a key does too.

use super::pane::{self, Step};
use crate::tui::effect::Effect;
use crate::tui::model::Model;
use crate::tui::view::layout;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

/// How many lines a turn of the wheel moves.
const WHEEL: isize = 3;

/// Does what the mouse asks for.
pub(super) fn moved(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    match event.kind {
        MouseEventKind::ScrollDown => pane::go(model, Step::Lines(WHEEL)),
        MouseEventKind::ScrollUp => pane::go(model, Step::Lines(-WHEEL)),
        MouseEventKind::Down(MouseButton::Left) if model.overlays.is_empty() => {
            return clicked(model, event.column, event.row);
        }
        _ => {}
    }
    Vec::new()
}

fn clicked(model: &mut Model, column: u16, row: u16) -> Vec<Effect> {
    if let Some(scope) = layout::tab_at(model, column, row) {
        model.scope = scope;
        pane::follow(model);
        return Vec::new();
    }
    pane::clicked(model, row)
}
