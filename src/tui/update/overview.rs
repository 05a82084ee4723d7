//! Moving about in the overview and in what lies over it.

use crate::tui::model::{Model, Overlay};
use crate::tui::view::layout;

/// How far to move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// By so many lines.
    Lines(isize),
    /// By so many pages.
    Pages(isize),
    /// To the top.
    Top,
    /// To the bottom.
    Bottom,
}

impl Step {
    fn apply(self, at: usize, last: usize, page: usize) -> usize {
        match self {
            Self::Lines(lines) => at.saturating_add_signed(lines).min(last),
            Self::Pages(pages) => {
                let lines = isize::try_from(page.max(1)).unwrap_or(1);
                at.saturating_add_signed(pages * lines).min(last)
            }
            Self::Top => 0,
            Self::Bottom => last,
        }
    }
}

/// Moves the cursor, or scrolls what lies uppermost.
pub(super) fn go(model: &mut Model, step: Step) {
    let lines = crate::tui::view::sheet_lines(model);
    let page = usize::from(layout::sheet_height(model.size));
    match model.overlays.last_mut() {
        Some(
            Overlay::Detail { scroll, .. }
            | Overlay::Troubles { scroll }
            | Overlay::About { scroll }
            | Overlay::Help { scroll },
        ) => *scroll = step.apply(*scroll, lines.saturating_sub(page), page),
        Some(Overlay::Palette { cursor, input }) => {
            let last = crate::tui::view::palette_matches(input.value()).len().saturating_sub(1);
            *cursor = step.apply(*cursor, last, page);
        }
        Some(Overlay::Quit | Overlay::Login { .. }) => {}
        None => select(model, step),
    }
}

fn select(model: &mut Model, step: Step) {
    let page = layout::page(model);
    let rows = model.rows();
    let at = step.apply(model.selected_index(&rows), rows.len().saturating_sub(1), page);
    let id = rows.get(at).map(|row| row.component.id.clone());
    model.overview.selected = id;
    follow(model);
}

/// Keeps the cursor on the screen.
pub(super) fn follow(model: &mut Model) {
    let page = layout::page(model).max(1);
    let rows = model.rows();
    let (at, count) = (model.selected_index(&rows), rows.len());
    let offset = model.overview.offset.min(count.saturating_sub(page));
    model.overview.offset = if at < offset {
        at
    } else if at >= offset + page {
        at + 1 - page
    } else {
        offset
    };
}
