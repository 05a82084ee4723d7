//! What each pane does with the keys that all panes have: one arm a pane.

use super::{overview, points, recovery, states};
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Overlay, Pane};
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
    /// Says whether it leads down.
    pub(super) fn is_down(self) -> bool {
        matches!(self, Self::Bottom | Self::Lines(1..) | Self::Pages(1..))
    }

    /// Returns where it leads from `at`.
    pub(super) fn apply(self, at: usize, last: usize, page: usize) -> usize {
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

/// Returns the first row that is shown so that the one under the cursor is on the screen.
pub(super) fn kept(offset: usize, at: usize, count: usize, page: usize) -> usize {
    let page = page.max(1);
    let offset = offset.min(count.saturating_sub(page));
    if at < offset {
        at
    } else if at >= offset + page {
        at + 1 - page
    } else {
        offset
    }
}

/// Moves the cursor, or scrolls what lies uppermost.
pub(super) fn go(model: &mut Model, step: Step) {
    let lines = crate::tui::view::sheet_lines(model);
    let page = usize::from(layout::sheet_height(model.size));
    match model.overlays.last_mut() {
        Some(
            Overlay::Detail { scroll, .. }
            | Overlay::Point { scroll, .. }
            | Overlay::Troubles { scroll }
            | Overlay::About { scroll }
            | Overlay::Line { scroll, .. }
            | Overlay::Help { scroll },
        ) => *scroll = step.apply(*scroll, lines.saturating_sub(page), page),
        Some(Overlay::Palette { cursor, input }) => {
            let last = crate::tui::view::palette_matches(input.value()).len().saturating_sub(1);
            *cursor = step.apply(*cursor, last, page);
        }
        Some(Overlay::State(_)) => states::select_version(model, step),
        Some(Overlay::Comparison(_)) => states::scroll_comparison(model, step),
        Some(Overlay::Plan(open)) => {
            open.scroll = step.apply(open.scroll, lines.saturating_sub(page), page);
        }
        Some(Overlay::Run(_)) => recovery::select_step(model, step),
        // They take their keys themselves.
        Some(
            Overlay::Quit
            | Overlay::Login { .. }
            | Overlay::Form(_)
            | Overlay::Consent(_)
            | Overlay::Prompt(_),
        ) => {}
        None => match model.pane {
            Pane::Overview => overview::select(model, step),
            Pane::Points => points::select(model, step),
            Pane::States => states::select(model, step),
            Pane::Runbooks | Pane::Runs | Pane::Journal => recovery::select(model, step),
        },
    }
}

/// Keeps the cursor of the pane on the screen.
pub(super) fn follow(model: &mut Model) {
    match model.pane {
        Pane::Overview => overview::follow(model),
        Pane::Points => points::follow(model),
        Pane::States => states::follow(model),
        Pane::Runbooks | Pane::Runs | Pane::Journal => recovery::follow(model),
    }
}

/// Opens what is selected.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    match model.overlays.last() {
        None => {}
        Some(Overlay::State(_)) => return states::compare_with(model, false),
        Some(Overlay::Plan(_) | Overlay::Run(_)) => return recovery::open_over(model),
        Some(_) => return Vec::new(),
    }
    match model.pane {
        Pane::Overview => overview::open(model),
        Pane::Points => points::open(model),
        Pane::States => states::open(model),
        Pane::Runbooks | Pane::Runs | Pane::Journal => recovery::open(model),
    }
}

/// Goes back one step where nothing lies over the pane: drops what is filtered for.
pub(super) fn back(model: &mut Model) {
    if model.pane == Pane::Points && points::back(model) || recovery::back(model) {
        return;
    }
    if let Some((filter, _)) = model.filter_mut() {
        filter.reset();
    }
    follow(model);
}

/// Copies what is selected, raw.
pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    if matches!(model.overlays.last(), Some(Overlay::State(_) | Overlay::Comparison(_))) {
        return states::copy(model);
    }
    if matches!(model.overlays.last(), Some(Overlay::Plan(_) | Overlay::Run(_) | Overlay::Line { .. })) {
        return recovery::copy(model);
    }
    match model.pane {
        Pane::Overview => overview::copy(model),
        Pane::Points => points::copy(model),
        Pane::States => states::copy(model),
        Pane::Runbooks | Pane::Runs | Pane::Journal => recovery::copy(model),
    }
}

/// Does what a click in a line of the pane asks for.
pub(super) fn clicked(model: &mut Model, line: u16) -> Vec<Effect> {
    match model.pane {
        Pane::Overview => overview::clicked(model, line),
        Pane::Points => points::clicked(model, line),
        Pane::States => states::clicked(model, line),
        Pane::Runbooks | Pane::Runs | Pane::Journal => recovery::clicked(model, line),
    }
}

/// Runs a command that only some panes know.
pub(super) fn run(model: &mut Model, command: Command) -> Vec<Effect> {
    if model.open_run().is_some() {
        recovery::scrub(model, command);
        return Vec::new();
    }
    match model.pane {
        Pane::Overview | Pane::Runbooks | Pane::Runs | Pane::Journal => {}
        Pane::Points => points::run(model, command),
        Pane::States => return states::run(model, command),
    }
    Vec::new()
}
