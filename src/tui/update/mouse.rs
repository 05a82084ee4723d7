//! The mouse: everything that it does, a key does too.

use super::overview::{self, Step};
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Overlay};
use crate::tui::view::layout;
use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

/// How many lines a turn of the wheel moves.
const WHEEL: isize = 3;

/// Does what the mouse asks for.
pub(super) fn moved(model: &mut Model, event: MouseEvent) -> Vec<Effect> {
    match event.kind {
        MouseEventKind::ScrollDown => overview::go(model, Step::Lines(WHEEL)),
        MouseEventKind::ScrollUp => overview::go(model, Step::Lines(-WHEEL)),
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
        overview::follow(model);
        return Vec::new();
    }
    let Some(nth) = layout::row_at(model, row) else { return Vec::new() };
    let rows = model.rows();
    let Some(clicked) = rows.get(nth).map(|row| row.component.id.clone()) else { return Vec::new() };
    if model.overview.selected.as_ref() == Some(&clicked) {
        model.overlays.push(Overlay::Detail { component: clicked, scroll: 0 });
        return vec![Effect::Judge(model.judge_request())];
    }
    model.overview.selected = Some(clicked);
    Vec::new()
}
