//! The strip of runs that are not over, on the overview.

use super::super::pen::{Pen, Span};
use super::finish;
use super::runs::standing;
use crate::runbook::state::Phase;
use crate::tui::model::{Model, RunRow};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// The most lines that it takes.
const MOST: usize = 3;

/// Returns how many lines it takes.
pub(in crate::tui::view) fn height(model: &Model) -> u16 {
    u16::try_from(model.runs_under_way().count().min(MOST)).unwrap_or(0)
}

/// Draws it.
pub(in crate::tui::view) fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    let all = model.runs_under_way().count();
    for (nth, (run, y)) in model.runs_under_way().zip(area.top()..area.bottom()).enumerate() {
        let row = RunRow { run: run.clone(), forecast: model.forecast_of(run, &run.state) };
        let (stands, role) = standing(&row);
        let done = run.state.steps.values().filter(|step| step.phase == Phase::Succeeded).count();
        let component = run.plan.component.as_ref().map_or(String::new(), |id| format!(" {id}"));
        let mut spans: Vec<Span> = vec![
            (format!("{} ", pen.glyphs().into()), role),
            (stands, role),
            (format!("   {}{component}   ", run.plan.runbook.title), Role::Strong),
        ];
        // Where there is too little room, when it will be done counts more than how far it is.
        if area.width >= 120 {
            spans.push((format!("{done} of {} steps   ", run.plan.steps.len()), Role::Text));
        }
        if let Some(found) = &row.forecast {
            let when = finish(model, found);
            let from = if area.width < 120 { when.len() - 1 } else { 0 };
            spans.extend(when.into_iter().skip(from));
        }
        let more =
            if nth + 1 == MOST && all > MOST { format!("  5: {} more", all - MOST) } else { String::new() };
        pen.spans(
            area.x + 1,
            y,
            area.width.saturating_sub(2 + u16::try_from(more.len()).unwrap_or(0)),
            &spans,
        );
        pen.right(area.x, area.right().saturating_sub(1), y, &more, Role::Dim);
    }
}
