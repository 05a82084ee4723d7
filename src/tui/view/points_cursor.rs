//! The time cursor's table: what each component could be brought back to, the worst first.

use super::pen::Pen;
use super::{layout, points_words, words};
use crate::domain::duration::words as span_words;
use crate::domain::readiness::{CursorRow, Verdict};
use crate::tui::model::Model;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    State,
    Component,
    Kind,
    Loss,
    Limit,
    Holds,
    Point,
    Where,
    Id,
    Why,
}

/// The columns in the order in which they are kept when there is too little room.
const KEPT: [Column; 10] = [
    Column::State,
    Column::Component,
    Column::Loss,
    Column::Holds,
    Column::Where,
    Column::Why,
    Column::Point,
    Column::Limit,
    Column::Id,
    Column::Kind,
];

/// The columns from left to right.
const SHOWN: [Column; 10] = [
    Column::State,
    Column::Component,
    Column::Kind,
    Column::Loss,
    Column::Limit,
    Column::Point,
    Column::Holds,
    Column::Where,
    Column::Id,
    Column::Why,
];

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Self::State => "",
            Self::Component => "component",
            Self::Kind => "kind",
            Self::Loss => "would lose",
            Self::Limit => "limit",
            Self::Holds => "back to (UTC)",
            Self::Point => "from",
            Self::Where => "where",
            Self::Id => "point",
            Self::Why => "why",
        }
    }

    fn is_figure(self) -> bool {
        matches!(self, Self::Loss | Self::Limit)
    }

    fn width(self, names: u16) -> u16 {
        match self {
            Self::State => 12,
            Self::Component => names,
            Self::Kind => 17,
            Self::Loss => 11,
            Self::Limit => 8,
            Self::Holds => 13,
            Self::Point => 21,
            Self::Where => 14,
            Self::Id => 30,
            Self::Why => 12,
        }
    }

    fn text(self, model: &Model, row: &CursorRow) -> String {
        let glyphs = model.look.glyphs;
        let none = || glyphs.none().to_owned();
        let component = model.estate.component(&row.component);
        let best = row.best.as_ref();
        match self {
            Self::State => {
                let (verdict, word) = state(model, row);
                format!("{} {word}", glyphs.verdict(verdict))
            }
            Self::Component => row.component.to_string(),
            Self::Kind => component.map_or_else(none, |component| component.kind.words().to_owned()),
            Self::Loss => points_words::loss(row.loss, glyphs),
            Self::Limit => limit(model, row).map_or_else(none, span_words),
            Self::Holds => best.map_or_else(none, |best| points_words::column_moment(best.moment, model.now)),
            Self::Point => best.map_or_else(none, |best| best.kind.words().to_owned()),
            Self::Where => match (best, component) {
                (Some(best), Some(component)) => points_words::place(&best.place, component),
                _ => none(),
            },
            Self::Id => best.map_or_else(none, |best| best.id.to_string()),
            Self::Why => {
                let wait = best.filter(|best| !best.retrieval.is_zero());
                let wait = wait.map(|best| format!("readable after {}", span_words(best.retrieval)));
                let why = row.why.as_ref().map(ToString::to_string);
                why.into_iter().chain(wait).collect::<Vec<_>>().join(", ")
            }
        }
    }
}

fn limit(model: &Model, row: &CursorRow) -> Option<std::time::Duration> {
    model.estate.component(&row.component)?.objectives.of(model.scope).rpo
}

fn state(model: &Model, row: &CursorRow) -> (Verdict, &'static str) {
    points_words::reached(row.loss, limit(model, row))
}

/// Draws the table.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, heading: Rect, area: Rect) {
    let rows = model.cursor_rows();
    if rows.is_empty() {
        let judged = model.points_judged().is_some_and(|judged| judged.cursor.is_some());
        let says = if judged { "nothing matches the filter" } else { "being judged" };
        pen.raw(area.x + 1, area.y, area.width.saturating_sub(2), says, Role::Dim);
        return;
    }
    let names = rows.iter().map(|row| row.component.as_str().chars().count()).max().unwrap_or(0);
    let columns = columns(area.width, u16::try_from(names).unwrap_or(64).clamp(9, 64));
    let mut x = heading.x + 1;
    for (column, width) in &columns {
        if column.is_figure() {
            pen.right(x, x + width, heading.y, column.heading(), Role::Heading);
        } else {
            pen.raw(x, heading.y, *width, column.heading(), Role::Heading);
        }
        x += width + gap(area.width);
    }
    let height = layout::row_height(model);
    let visible = usize::from(area.height / height);
    let selected = model.chosen_index(&rows);
    let shown = rows.iter().enumerate().skip(model.points.chosen_offset).take(visible);
    for ((nth, row), line) in shown.zip(0u16..) {
        let y = area.y + line * height;
        draw_row(model, pen, row, &columns, area, y);
        if nth == selected {
            pen.restyle(Rect { x: area.x, y, width: area.width, height: 1 }, Role::Selected);
        }
    }
}

/// Returns how far columns are apart.
fn gap(room: u16) -> u16 {
    if room < 110 { 1 } else { 2 }
}

fn columns(room: u16, names: u16) -> Vec<(Column, u16)> {
    let mut left = room.saturating_sub(2);
    let mut kept = Vec::new();
    for column in KEPT {
        let width = column.width(names);
        if width > left && kept.len() >= 2 {
            continue;
        }
        left = left.saturating_sub(width + gap(room));
        kept.push((column, width));
    }
    // What is left over goes to the reasons.
    if let Some((_, width)) = kept.iter_mut().find(|(column, _)| *column == Column::Why) {
        *width += left;
    }
    SHOWN.iter().filter_map(|shown| kept.iter().find(|(column, _)| column == shown).copied()).collect()
}

fn draw_row(
    model: &Model,
    pen: &mut Pen<'_>,
    row: &CursorRow,
    columns: &[(Column, u16)],
    area: Rect,
    y: u16,
) {
    let (verdict, _) = state(model, row);
    let calm = matches!(verdict, Verdict::Met | Verdict::NoObjective);
    let mut x = area.x + 1;
    for (column, width) in columns {
        let role = match column {
            Column::State => words::role(verdict),
            Column::Component if !calm => Role::Strong,
            Column::Loss | Column::Why if !calm => words::role(verdict),
            Column::Holds if !calm => Role::Text,
            _ => Role::Dim,
        };
        let text = column.text(model, row);
        if column.is_figure() {
            pen.right(x, x + width, y, &text, role);
        } else {
            pen.text(x, y, *width, &text, role);
        }
        x += width + gap(area.width);
    }
}
