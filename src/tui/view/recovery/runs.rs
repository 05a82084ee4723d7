//! Pane 5: the runs, those that are not over first.

use super::super::pen::{Pen, Span};
use super::super::table::{Column, Table};
use super::super::{layout, words};
use super::{finish, take};
use crate::domain::duration::{elapsed, words as span_words};
use crate::runbook::event::Rest;
use crate::runbook::plan::Mode;
use crate::runbook::state::Phase;
use crate::runbook::words::rest_words;
use crate::tui::model::{Model, RunRow};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Where the parts stand.
pub(super) struct Parts {
    sentence: Rect,
    heading: Rect,
    pub(super) rows: Rect,
    about: Rect,
}

pub(super) fn parts(model: &Model, body: Rect) -> Parts {
    let mut left = body;
    let lines = u16::try_from(sentence(model, body.width).len()).unwrap_or(1).clamp(1, 2);
    let sentence = take(&mut left, lines);
    take(&mut left, u16::from(body.height >= 26));
    let heading = take(&mut left, 1);
    let height = left.height.saturating_sub(6);
    let rows = take(&mut left, height);
    Parts { sentence, heading, rows, about: left }
}

fn sentence(model: &Model, width: u16) -> Vec<String> {
    let rows = model.run_rows();
    let going = rows.iter().filter(|row| row.run.worked_on).count();
    let waiting = rows.iter().filter(|row| !row.run.worked_on && !row.run.is_over()).count();
    let says = match (rows.len(), going, waiting) {
        (0, ..) => elsewhere(model).unwrap_or_else(|| "Nothing was run here yet.".to_owned()),
        (1, 0, 0) => "Nothing is running. One run is over.".to_owned(),
        (all, 0, 0) => format!("Nothing is running. {all} runs are over."),
        (_, going, 0) => format!("{going} running."),
        (_, going, waiting) => format!("{going} running; {waiting} not over and with nobody working on it."),
    };
    words::lines(model, &says, usize::from(width.saturating_sub(2)))
}

/// Says that runs are there which are not shown: of another environment, or not matched by what is typed.
pub(super) fn elsewhere(model: &Model) -> Option<String> {
    let all = model.runs.seen.runs.len();
    let environment = model.environment.as_ref()?;
    (all > 0).then(|| {
        let key = model.keymap.hint(crate::tui::command::Command::Environment);
        format!("No runs in {environment}; there are {all} in all: {key} shows the other environments.")
    })
}

/// Returns the word for how a run stands, and its role.
pub(super) fn standing(row: &RunRow) -> (String, Role) {
    let state = &row.run.state;
    if row.run.trouble.as_ref().is_some_and(|trouble| trouble.as_str().starts_with("DAMAGED")) {
        return ("DAMAGED".to_owned(), Role::Breached);
    }
    let phase = |is: fn(Phase) -> bool| state.steps.values().any(|step| is(step.phase));
    if phase(|phase| phase == Phase::InDoubt) && !row.run.is_over() {
        return ("in doubt".to_owned(), Role::Unknown);
    }
    match &state.rest {
        Some((rest, ..)) => {
            let role = match rest {
                Rest::Finished => Role::Met,
                Rest::Undone | Rest::Abandoned => Role::Dim,
                Rest::Paused | Rest::WaitingForLogin => Role::AtRisk,
                Rest::Stuck => Role::Breached,
            };
            (rest_words(*rest).to_owned(), role)
        }
        None if state.break_glass_waits.is_some() => ("break-glass waits".to_owned(), Role::Breached),
        None if row.run.worked_on && phase(|phase| phase == Phase::AtGate) => {
            ("at a gate".to_owned(), Role::AtRisk)
        }
        None if row.run.worked_on => ("running".to_owned(), Role::Strong),
        None if state.agreed_at.is_none() => ("not agreed to".to_owned(), Role::Dim),
        None => ("stopped".to_owned(), Role::Breached),
    }
}

/// Draws the pane.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect) {
    let parts = parts(model, body);
    for (line, y) in sentence(model, body.width).iter().zip(parts.sentence.top()..parts.sentence.bottom()) {
        pen.raw(body.x + 1, y, body.width.saturating_sub(2), line, Role::Strong);
    }
    let rows = model.run_rows();
    if rows.is_empty() {
        let says = format!(
            "{} chooses a runbook; a run is followed here, by `lifeboat follow`, and by others on this machine.",
            model.keymap.hint(crate::tui::command::Command::Runbooks)
        );
        pen.raw(body.x + 3, parts.rows.y, body.width.saturating_sub(4), &says, Role::Dim);
        return;
    }
    let columns = [
        Column::new("stands", 13, 0).up_to(17),
        Column::new("what it does", 26, 1).up_to(46),
        Column::new("component", 14, 2).up_to(24),
        Column::new("steps", 8, 3).figure(),
        Column::new("took", 10, 4).figure(),
        Column::new("promised", 10, 6).figure(),
        Column::new("began", 16, 5),
        Column::new("mode", 8, 8),
        Column::new("run", 24, 7),
    ];
    let table = Table::new(&columns, body.width.saturating_sub(2));
    table.headings(pen, parts.heading.x + 1, parts.heading.y);
    let (at, height) = (model.run_index(&rows), layout::row_height(model));
    let shown = usize::from(parts.rows.height / height);
    for (nth, row) in rows.iter().enumerate().skip(model.runs.offset).take(shown) {
        let y = parts.rows.y + u16::try_from(nth - model.runs.offset).unwrap_or(0) * height;
        table.row(pen, parts.rows.x + 1, y, &cells(model, row));
        if nth == at {
            pen.restyle(Rect { y, height: 1, ..parts.rows }, Role::Selected);
        }
    }
    let mut about = parts.about;
    let rule = take(&mut about, 1);
    pen.rule(rule, rule.y);
    let hidden = rows.len().saturating_sub(model.runs.offset + shown) + model.runs.seen.older;
    if hidden > 0 {
        let says = format!(" {} {hidden} older ", pen.glyphs().more());
        pen.right(body.x, body.right().saturating_sub(1), rule.y, &says, Role::Dim);
    }
    if let Some(row) = rows.get(at) {
        draw_about(model, pen, about, row);
    }
}

fn cells(model: &Model, row: &RunRow) -> Vec<Span> {
    let (plan, state) = (&row.run.plan, &row.run.state);
    let dim = if row.run.is_over() { Role::Dim } else { Role::Text };
    let done = state.steps.values().filter(|step| step.phase == Phase::Succeeded).count();
    let none = || model.look.glyphs.none().to_owned();
    let to = match &state.rest {
        Some((.., at)) if !row.run.worked_on => Some(*at),
        _ => Some(model.now),
    };
    let took = state.agreed_at.zip(to).map_or_else(none, |(from, to)| span_words(elapsed(from, to)));
    let mode = match plan.mode {
        Mode::Recover => "",
        Mode::Drill => "drill",
        Mode::Tabletop => "tabletop",
    };
    vec![
        standing(row),
        (plan.runbook.title.to_string(), if row.run.is_over() { Role::Dim } else { Role::Strong }),
        (plan.component.as_ref().map_or_else(none, ToString::to_string), dim),
        (format!("{done} of {}", plan.steps.len()), dim),
        (took, dim),
        (plan.promised_s.map_or_else(none, |s| span_words(std::time::Duration::from_secs(s))), dim),
        (state.opened_at.map_or_else(none, words::moment), Role::Dim),
        (mode.to_owned(), Role::Dim),
        (row.run.name.to_string(), Role::Dim),
    ]
}

fn draw_about(model: &Model, pen: &mut Pen<'_>, mut area: Rect, row: &RunRow) {
    let mut put = |pen: &mut Pen<'_>, spans: &[Span]| {
        let line = take(&mut area, 1);
        if line.height > 0 {
            pen.spans(line.x + 3, line.y, line.width.saturating_sub(4), spans);
        }
    };
    let (stands, role) = standing(row);
    let why = match (&row.run.trouble, &row.run.state.rest) {
        (Some(trouble), _) => format!(": {trouble}"),
        (None, Some((_, why, _))) => format!(": {why}"),
        (None, None) if !row.run.worked_on && row.run.state.agreed_at.is_some() => {
            ": its executor ended without a word; P goes on with it, and nothing is done twice".to_owned()
        }
        (None, None) => String::new(),
    };
    put(pen, &[(stands, role), (why, Role::Text)]);
    if let Some(found) = &row.forecast {
        put(pen, &finish(model, found));
    }
    if !row.run.state.purpose.is_empty() {
        put(pen, &[("for  ".to_owned(), Role::Dim), (row.run.state.purpose.to_string(), Role::Text)]);
    }
    put(pen, &[("journal  ".to_owned(), Role::Dim), (format!("{}/journal.jsonl", row.run.path), Role::Dim)]);
}
