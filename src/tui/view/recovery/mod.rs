//! Recoveries: panes 4, 5 and 8, and what lies over them: parameters, plan, consent, a run from near.

mod books;
mod consent;
mod form;
mod journal;
mod line;
mod plan;
mod run;
mod runs;
mod strip;

pub(in crate::tui) use consent::lines_of as consent_lines;
pub(in crate::tui) use line::command as line_command;
pub(super) use strip::{draw as draw_strip, height as strip_height};

use super::layout;
use super::pen::{Pen, Span};
use crate::domain::action::ActionClass;
use crate::domain::duration::words;
use crate::runbook::forecast::{Course, Forecast};
use crate::runbook::state::Phase;
use crate::tui::model::{Model, Overlay, Pane};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Draws the pane.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect) {
    match model.pane {
        Pane::Runbooks => books::draw(model, pen, body),
        Pane::Runs => runs::draw(model, pen, body),
        Pane::Journal => journal::draw(model, pen, body),
        Pane::Overview | Pane::Points | Pane::States => {}
    }
}

/// Draws what lies over the pane and fills the whole body; says whether it did.
pub(super) fn draw_over(model: &Model, pen: &mut Pen<'_>, body: Rect) -> bool {
    let beneath = model.overlays.iter().rev().find(|overlay| {
        matches!(
            overlay,
            Overlay::Form(_)
                | Overlay::Plan(_)
                | Overlay::Run(_)
                | Overlay::Line { .. }
                | Overlay::Consent(_)
        )
    });
    match beneath {
        Some(Overlay::Form(form)) => form::draw(model, pen, body, form),
        Some(Overlay::Plan(open)) => plan::draw(model, pen, body, open),
        Some(Overlay::Run(open)) => run::draw(model, pen, body, open),
        Some(Overlay::Line { run, seq, scroll }) => line::draw(model, pen, body, run, *seq, *scroll),
        Some(Overlay::Consent(asked)) => consent::draw(model, pen, body, asked),
        _ => return false,
    }
    true
}

/// Draws a question that is answered with a sentence.
pub(super) fn draw_prompt(model: &Model, pen: &mut Pen<'_>, body: Rect, prompt: &crate::tui::model::Prompt) {
    consent::draw_prompt(model, pen, body, prompt);
}

/// Returns how many lines the uppermost sheet of a recovery has.
pub(super) fn sheet_lines(model: &Model) -> Option<usize> {
    match model.overlays.last() {
        Some(Overlay::Plan(open)) => Some(plan::lines(model, open).len()),
        Some(Overlay::Line { run, seq, .. }) => Some(line::lines(model, run, *seq).len()),
        _ => None,
    }
}

/// Returns how many runbooks are on the screen.
pub(in crate::tui) fn books_page(model: &Model) -> usize {
    rows_of(model, books::parts(model, layout::here(model)).rows)
}

/// Returns how many runs are on the screen.
pub(in crate::tui) fn runs_page(model: &Model) -> usize {
    rows_of(model, runs::parts(model, layout::here(model)).rows)
}

/// Returns how many steps of a run are on the screen.
pub(in crate::tui) fn steps_page(model: &Model) -> usize {
    rows_of(model, run::parts(model, layout::here(model)).steps)
}

/// Returns how many lines of a journal are on the screen.
pub(in crate::tui) fn journal_page(model: &Model) -> usize {
    usize::from(journal::parts(layout::here(model)).rows.height).max(1)
}

/// Returns which row of the pane, from the first shown, is in a line of the screen.
pub(in crate::tui) fn row_at(model: &Model, line: u16) -> Option<usize> {
    let here = layout::here(model);
    let (rows, height) = match model.pane {
        Pane::Runbooks => (books::parts(model, here).rows, layout::row_height(model)),
        Pane::Runs => (runs::parts(model, here).rows, layout::row_height(model)),
        Pane::Journal => (journal::parts(here).rows, 1),
        Pane::Overview | Pane::Points | Pane::States => return None,
    };
    (rows.top()..rows.bottom()).contains(&line).then(|| usize::from((line - rows.y) / height))
}

fn rows_of(model: &Model, rows: Rect) -> usize {
    usize::from(rows.height / layout::row_height(model)).max(1)
}

/// Takes so many lines off the top of what is left.
fn take(left: &mut Rect, height: u16) -> Rect {
    let height = height.min(left.height);
    let part = Rect { height, ..*left };
    left.y += height;
    left.height -= height;
    part
}

/// Returns the glyph and the role of a step.
fn mark(pen: &Pen<'_>, phase: Phase) -> (&'static str, Role) {
    let marks = pen.glyphs().steps();
    match phase {
        Phase::Waiting => (marks.waiting, Role::Dim),
        Phase::AtGate => (marks.gate, Role::AtRisk),
        Phase::Ready | Phase::Intended | Phase::Made | Phase::Arrived => (marks.running, Role::Strong),
        Phase::InDoubt => ("?", Role::Unknown),
        Phase::Succeeded => (marks.done, Role::Met),
        Phase::Refused | Phase::Failed | Phase::UndoFailed => (marks.failed, Role::Breached),
        Phase::Skipped | Phase::NotNeeded => (marks.left_out, Role::Dim),
        Phase::Undone => (marks.undone, Role::Dim),
    }
}

/// Returns the role of a class: what cannot be taken back stands out.
fn class_role(class: ActionClass) -> Role {
    match class {
        ActionClass::Read => Role::Dim,
        ActionClass::Additive | ActionClass::Mutating => Role::Text,
        ActionClass::Destructive => Role::AtRisk,
        ActionClass::Irreversible | ActionClass::DataLoss => Role::Breached,
    }
}

/// Says a span as exactly as a forecast is: in minutes from five minutes on.
fn rough(span: std::time::Duration) -> String {
    let seconds = span.as_secs();
    let step = if seconds >= 300 { 60 } else { 1 };
    words(std::time::Duration::from_secs(seconds / step * step))
}

/// Says when a run will be done and how it stands to what was promised.
fn finish(model: &Model, found: &Forecast) -> Vec<Span> {
    let left = |at: jiff::Timestamp| crate::domain::duration::elapsed(model.now, at);
    let (low, high) = (left(found.earliest), left(found.latest));
    let open = if found.open.is_empty() { "" } else { ", and for what waits" };
    let range = if rough(low) == rough(high) {
        format!("finish in {}", rough(high))
    } else {
        format!("finish in {} to {}", rough(low), rough(high))
    };
    let mut spans = vec![(format!("{range}{open}"), Role::Text)];
    let (says, role) = match found.course() {
        Course::NoPromise => ("no time was promised".to_owned(), Role::Dim),
        Course::InTime(spare) => (format!("in time, {} to spare", rough(spare)), Role::Met),
        Course::MayMiss(by) => (format!("late by up to {}", rough(by)), Role::AtRisk),
        Course::Misses(by) => (format!("ON COURSE TO MISS by {}", rough(by)), Role::Breached),
        Course::Open(spare) => (format!("in time if people answer within {}", rough(spare)), Role::AtRisk),
    };
    spans.push((", ".to_owned(), Role::Text));
    spans.push((says, role));
    spans
}
