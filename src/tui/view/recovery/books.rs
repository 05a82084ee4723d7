//! Pane 4: the runbooks that fit, why, and what the selected one does.

use super::super::pen::{Pen, Span};
use super::super::table::{Column, Table};
use super::super::{layout, words};
use super::take;
use crate::runbook::definition::Runbook;
use crate::runbook::fitting::Fit;
use crate::tui::model::{BookRow, Model, kind_word};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Where the parts stand.
pub(super) struct Parts {
    sentence: Rect,
    heading: Rect,
    pub(super) rows: Rect,
    rule: Rect,
    about: Rect,
}

/// From this width on the selected runbook stands beside the list.
const WIDE: u16 = 140;

pub(super) fn parts(model: &Model, body: Rect) -> Parts {
    let mut left = body;
    let lines = u16::try_from(sentence(model, body.width).len()).unwrap_or(1).clamp(1, 3);
    let sentence = take(&mut left, lines);
    take(&mut left, u16::from(body.height >= 26));
    if body.width >= WIDE {
        let half = left.width * 11 / 20;
        let about = Rect { x: left.x + half, width: left.width - half, ..left };
        let mut list = Rect { width: half, ..left };
        let heading = take(&mut list, 1);
        return Parts { sentence, heading, rows: list, rule: Rect::ZERO, about };
    }
    let heading = take(&mut left, 1);
    let count = u16::try_from(model.books().len()).unwrap_or(u16::MAX);
    let most = (left.height / 2).max(4);
    let rows = take(&mut left, (count.max(1) * layout::row_height(model)).min(most));
    let rule = take(&mut left, 1);
    Parts { sentence, heading, rows, rule, about: left }
}

fn sentence(model: &Model, width: u16) -> Vec<String> {
    let rows = model.books();
    let says = match model.books.about.as_ref().and_then(|id| model.estate.component(id)) {
        None => format!(
            "{} runbooks. Choose a component and press {} to see which fit it as it is.",
            rows.len(),
            model.keymap.hint(crate::tui::command::Command::Recover)
        ),
        Some(component) => {
            let now = rows.iter().filter(|row| matches!(&row.fit, Some((Fit::Now, _)))).count();
            let verdict = model.judgement.assessments.of(&component.id, model.scope);
            let worth = verdict.map_or(String::new(), |verdict| {
                format!(" It could lose {}.", words::loss(verdict.rpo.possible, model.look.glyphs))
            });
            format!(
                "{}, {} in {}: {now} of {} runbooks fit now, if {}.{worth}",
                component.id,
                component.kind.words(),
                component.home.region,
                rows.len(),
                model.scope.clause(),
            )
        }
    };
    words::lines(model, &says, usize::from(width.saturating_sub(2)))
}

/// Draws the pane.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect) {
    let parts = parts(model, body);
    for (line, y) in sentence(model, body.width).iter().zip(parts.sentence.top()..parts.sentence.bottom()) {
        pen.raw(body.x + 1, y, body.width.saturating_sub(2), line, Role::Strong);
    }
    let rows = model.books();
    let fits = model.books.about.is_some();
    let table = table(fits, parts.heading.width);
    table.headings(pen, parts.heading.x + 1, parts.heading.y);
    if rows.is_empty() {
        let says =
            if fits { "no runbook is for a component of this kind" } else { "no runbook matches the filter" };
        pen.raw(parts.rows.x + 3, parts.rows.y, parts.rows.width.saturating_sub(4), says, Role::Dim);
        return;
    }
    let at = model.book_index(&rows);
    let height = layout::row_height(model);
    let shown = usize::from(parts.rows.height / height);
    for (nth, row) in rows.iter().enumerate().skip(model.books.offset).take(shown) {
        let y = parts.rows.y + u16::try_from(nth - model.books.offset).unwrap_or(0) * height;
        table.row(pen, parts.rows.x + 1, y, &cells(model, row, fits));
        if nth == at {
            pen.restyle(Rect { y, height: 1, ..parts.rows }, Role::Selected);
        }
    }
    let below = rows.len().saturating_sub(model.books.offset + shown);
    if parts.rule.height > 0 {
        pen.rule(parts.rule, parts.rule.y);
        let more =
            if below > 0 { format!(" {} {below} more below ", pen.glyphs().more()) } else { String::new() };
        pen.right(body.x, body.right().saturating_sub(1), parts.rule.y, &more, Role::Dim);
    }
    if let Some(row) = rows.get(at) {
        about(model, pen, parts.about, row);
    }
}

fn table(fits: bool, width: u16) -> Table {
    let mut columns = vec![Column::new("", 1, 0), Column::new("what it does", 26, 1).up_to(52)];
    if fits {
        columns.push(Column::new("why", 20, 2).up_to(90));
    } else {
        columns.push(Column::new("for", 8, 4));
        columns.push(Column::new("runbook", 18, 2).up_to(26));
        columns.push(Column::new("reviewed", 10, 6));
    }
    Table::new(&columns, width.saturating_sub(2))
}

fn cells(model: &Model, row: &BookRow, fits: bool) -> Vec<Span> {
    let glyphs = model.look.glyphs;
    let (glyph, role) = match &row.fit {
        Some((Fit::Now, _)) => (glyphs.into(), Role::Strong),
        Some((Fit::Not, _)) => (glyphs.none(), Role::Dim),
        Some((Fit::Helps, _)) => ("+", Role::Text),
        Some((Fit::Practice, _)) => (glyphs.verdict(crate::domain::readiness::Verdict::Unproven), Role::Text),
        None => ("", Role::Text),
    };
    let mut cells = vec![(glyph.to_owned(), role), (row.runbook.title.to_string(), role)];
    if fits {
        let why = row.fit.as_ref().map_or(String::new(), |(fit, why)| format!("{}: {why}", fit.words()));
        cells.push((why, if role == Role::Strong { Role::Text } else { Role::Dim }));
    } else {
        cells.push((kind_word(&row.runbook).to_owned(), Role::Dim));
        cells.push((row.runbook.id.clone(), Role::Dim));
        cells.push((row.runbook.reviewed.map_or(glyphs.none().to_owned(), |day| day.to_string()), Role::Dim));
    }
    cells
}

fn about(model: &Model, pen: &mut Pen<'_>, area: Rect, row: &BookRow) {
    let lines = content(model, &row.runbook, row.fit.as_ref(), usize::from(area.width.saturating_sub(4)));
    let room = usize::from(area.height);
    let all = lines.len();
    for (nth, line) in lines.into_iter().take(room).enumerate() {
        let y = area.y + u16::try_from(nth).unwrap_or(0);
        let last = nth + 1 == room && all > room;
        if last {
            let says = format!("{} {} more lines: enter opens it", pen.glyphs().more(), all - room + 1);
            pen.raw(area.x + 2, y, area.width.saturating_sub(3), &says, Role::Dim);
        } else {
            pen.spans(area.x + 2, y, area.width.saturating_sub(3), &line);
        }
    }
}

/// Returns what is to be known of a runbook, in lines.
fn content(model: &Model, runbook: &Runbook, fit: Option<&(Fit, String)>, width: usize) -> Vec<Vec<Span>> {
    let mut lines: Vec<Vec<Span>> = vec![vec![(runbook.title.to_string(), Role::Strong)]];
    let mut paragraph = |text: &str, role: Role| {
        lines.extend(words::lines(model, text, width).into_iter().map(|part| vec![(part, role)]));
    };
    paragraph(runbook.scenario.as_str(), Role::Text);
    match fit {
        Some((Fit::Not, why)) => paragraph(&format!("It does not fit: {why}."), Role::AtRisk),
        Some((Fit::Now, why)) => paragraph(&format!("Fits now: {why}."), Role::Strong),
        Some((Fit::Helps, why)) => paragraph(&format!("Helps: {why}."), Role::Text),
        Some((Fit::Practice, why)) => paragraph(&format!("To practise: {why}."), Role::Text),
        None => {}
    }
    for symptom in &runbook.symptoms {
        paragraph(&format!("- {symptom}"), Role::Dim);
    }
    if let Some(day) = runbook.reviewed {
        paragraph(&format!("read through on {day}, and kept as {}", runbook.id), Role::Dim);
    }
    if let Some(covers) = &runbook.covers {
        paragraph(&format!("covers: {covers}"), Role::Dim);
    }
    lines.push(Vec::new());
    for (nth, step) in runbook.steps.iter().enumerate() {
        let mut line = vec![(format!("{:>2}  ", nth + 1), Role::Dim), (step.title.to_string(), Role::Text)];
        if step.gate {
            line.push(("   asks again".to_owned(), Role::AtRisk));
        }
        if let Some(other) = &step.otherwise {
            line.push((format!("   else {other}"), Role::Dim));
        }
        lines.push(line);
        for part in words::lines(model, step.prose.as_str(), width.saturating_sub(4)) {
            if !part.is_empty() {
                lines.push(vec![("    ".to_owned(), Role::Dim), (part, Role::Dim)]);
            }
        }
    }
    lines
}
