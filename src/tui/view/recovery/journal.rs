//! Pane 8: the journal of a run, line by line as it was written.

use super::super::pen::{Pen, Span};
use super::super::table::{Column, Table};
use super::take;
use crate::runbook::event::{Ending, Event, Outcome, Verdict};
use crate::tui::model::{JournalRow, Model};
use crate::tui::theme::Role;
use jiff::tz::TimeZone;
use ratatui::layout::Rect;

/// Where the parts stand.
pub(super) struct Parts {
    sentence: Rect,
    path: Rect,
    heading: Rect,
    pub(super) rows: Rect,
}

pub(super) fn parts(body: Rect) -> Parts {
    let mut left = body;
    let sentence = take(&mut left, 1);
    let path = take(&mut left, 1);
    take(&mut left, u16::from(body.height >= 26));
    let heading = take(&mut left, 1);
    Parts { sentence, path, heading, rows: left }
}

/// Draws the pane.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect) {
    let parts = parts(body);
    let Some(run) = model.journal_run() else {
        let says = super::runs::elsewhere(model)
            .unwrap_or_else(|| "Nothing was run here yet, so nothing was written down.".to_owned());
        pen.raw(body.x + 1, body.y, body.width.saturating_sub(2), &says, Role::Strong);
        return;
    };
    let rows = model.journal_rows();
    let all = run.lines.len();
    let shown =
        if rows.len() == all { format!("{all} lines") } else { format!("{} of {all} lines", rows.len()) };
    let component = run.plan.component.as_ref().map_or(String::new(), |id| format!(" {id}"));
    let end = if model.journal.selected.is_none() { ", following its end" } else { "" };
    let spans = [
        (format!("{}{component}   ", run.plan.runbook.title), Role::Strong),
        (format!("{shown}{end}"), Role::Dim),
    ];
    pen.spans(parts.sentence.x + 1, parts.sentence.y, body.width.saturating_sub(2), &spans);
    let (says, role) = match &run.trouble {
        Some(trouble) => (trouble.to_string(), Role::Breached),
        // Where a state folder lies says whose it is.
        None if pen.hides() => (format!("journal.jsonl of {}", run.name), Role::Dim),
        None => (format!("{}/journal.jsonl", run.path), Role::Dim),
    };
    pen.text(parts.path.x + 1, parts.path.y, body.width.saturating_sub(2), &says, role);
    let columns = [
        Column::new("UTC", 8, 0),
        Column::new("line", 5, 5).figure(),
        Column::new("who", 10, 4).up_to(20),
        Column::new("step", 10, 3).up_to(22),
        Column::new("class", 12, 6),
        Column::new("what", 30, 1).up_to(400),
    ];
    let table = Table::new(&columns, body.width.saturating_sub(2));
    table.headings(pen, parts.heading.x + 1, parts.heading.y);
    let at = model.journal_index(&rows);
    let page = usize::from(parts.rows.height);
    for (nth, row) in rows.iter().enumerate().skip(model.journal.offset).take(page) {
        let y = parts.rows.y + u16::try_from(nth - model.journal.offset).unwrap_or(0);
        table.row(pen, parts.rows.x + 1, y, &cells(model, row));
        if nth == at {
            pen.restyle(Rect { y, height: 1, ..parts.rows }, Role::Selected);
        }
    }
}

fn cells(model: &Model, row: &JournalRow) -> Vec<Span> {
    let step = row.step.as_str();
    // The step has a column of its own.
    let says = row.says.strip_prefix(step).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&row.says);
    // A name alone is a word like others: beside its machine it is known as that of a person, and hidden where that is asked for.
    let actor = &row.line.actor;
    let who = model.redactor.as_ref().map_or_else(
        || row.actor.to_string(),
        |redactor| redactor.redact(&format!("{}@{}", actor.user, actor.host)),
    );
    vec![
        (row.line.at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string(), Role::Dim),
        (row.line.seq.to_string(), Role::Dim),
        (who, Role::Dim),
        (step.to_owned(), Role::Text),
        (row.class.to_owned(), Role::Dim),
        (says.to_owned(), role(row)),
    ]
}

fn role(row: &JournalRow) -> Role {
    match &row.line.event {
        Some(
            Event::Ended { ending: Ending::Failed | Ending::UndoFailed, .. }
            | Event::Answered { outcome: Outcome::Refused, .. }
            | Event::BreakGlass { .. }
            | Event::Asked { refused: Some(_), .. },
        ) => Role::Breached,
        Some(
            Event::Answered { outcome: Outcome::InDoubt, .. }
            | Event::Observed { verdict: Verdict::Unclear, .. },
        ) => Role::Unknown,
        Some(Event::Questioned { .. } | Event::GateReached { .. }) => Role::AtRisk,
        Some(
            Event::Asked { .. } | Event::Consented { .. } | Event::Rested { .. } | Event::Intended { .. },
        ) => Role::Strong,
        _ => Role::Text,
    }
}
