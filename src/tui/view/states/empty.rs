//! Pane 3 where there is nothing to show: what to write, or what is awaited.

use super::super::pen::Pen;
use crate::tui::model::Model;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// The lines that make an estate's states known.
const LINES: [&str; 6] = [
    "backends:",
    "  production:",
    "    environment: ENVIRONMENT",
    "    bucket: BUCKET",
    "    lock_table: TABLE        # where locks are rows of DynamoDB",
    "    lockfile: true           # where locks are files beside the states",
];

/// Draws what to write where the estate names nothing of Terraform; says whether it did.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) -> bool {
    let all = model.terraform();
    let is_named = !model.estate.backends.is_empty() || !all.states.is_empty() || !all.locks.is_empty();
    if is_named || !all.gaps.is_empty() {
        return false;
    }
    let width = area.width.saturating_sub(2);
    let says =
        "The estate names no backend, so nobody looks for states and locks. Write into the estate file:";
    let mut y = area.y + 1;
    for line in pen.lines(says, usize::from(width)) {
        pen.raw(area.x + 1, y, width, &line, Role::Text);
        y += 1;
    }
    y += 1;
    for line in LINES {
        pen.raw(area.x + 3, y, width.saturating_sub(2), line, Role::Strong);
        y += 1;
    }
    let origin = format!("This one came from {}; `lifeboat check` tells whether it is right.", model.origin);
    pen.text(area.x + 1, y + 1, width, &origin, Role::Dim);
    true
}
