//! Pane 2: the sentence, what could not be read, the table of points, and the timeline of the selected component.

use super::pen::Pen;
use super::{layout, points_cursor, points_words, timeline, words};
use crate::domain::readiness::Verdict;
use crate::domain::scope::FailureScope;
use crate::domain::size::bytes;
use crate::tui::model::{
    Flaw, Grouping, Heading, List, ListLine, Model, NO_MOMENT, ShownPoint, Worth3, thousands,
};
use crate::tui::theme::Role;
use jiff::Timestamp;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

/// Draws the pane.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect) {
    let parts = layout::points(model, body);
    let said = points_words::sentence(model);
    let room = usize::from(body.width.saturating_sub(2));
    for (line, y) in
        words::lines(model, &said, room).iter().zip(parts.sentence.top()..parts.sentence.bottom())
    {
        pen.text(body.x + 1, y, body.width.saturating_sub(2), line, Role::Strong);
    }
    blind(model, pen, parts.blind);
    tabs(model, pen, parts.tabs);
    if parts.rows.height > 0 {
        if model.points.to_moment {
            points_cursor::draw(model, pen, parts.heading, parts.rows);
        } else {
            table(model, pen, parts.heading, parts.rows);
        }
    }
    timeline::draw(model, pen, parts.timeline);
}

/// Says what is not known, because it could not be read or is still being read.
fn blind(model: &Model, pen: &mut Pen<'_>, line: Rect) {
    let Some(list) = model.points_judged().map(|judged| &judged.list).filter(|_| line.height > 0) else {
        return;
    };
    let room = line.width.saturating_sub(2);
    let reading = match list.unfinished {
        0 => String::new(),
        1 => "1 place still being read".to_owned(),
        places => format!("{places} places still being read"),
    };
    let Some((first, others)) = list.blind.split_first() else {
        pen.text(line.x + 1, line.y, room, &format!("  {reading}"), Role::Dim);
        return;
    };
    let mut more = Vec::new();
    if !others.is_empty() {
        more.push(format!("{} more not read", others.len()));
    }
    if !reading.is_empty() {
        more.push(reading);
    }
    let more = more.join(", ");
    let width = u16::try_from(more.width() + 2).unwrap_or(0);
    let spans = [
        (format!("{} not read  ", pen.glyphs().verdict(Verdict::Unknown)), Role::Unknown),
        (first.clone(), Role::Text),
    ];
    pen.spans(line.x + 1, line.y, room.saturating_sub(width), &spans);
    pen.right(line.x, line.right().saturating_sub(1), line.y, &more, Role::Dim);
}

fn tabs(model: &Model, pen: &mut Pen<'_>, line: Rect) {
    pen.raw(line.x + 1, line.y, 6, "if", Role::Dim);
    let (left, right) = pen.glyphs().chosen();
    for (scope, x, width) in layout::tabs() {
        let x = line.x + x;
        let key = match scope {
            FailureScope::Local => "L",
            FailureScope::Region => "R",
            FailureScope::Account => "A",
        };
        if scope == model.scope {
            pen.raw(x, line.y, width, &format!("{left} {} {right}", scope.words()), Role::TabChosen);
        } else {
            let end = pen.raw(x, line.y, width, &format!("{key} "), Role::Key);
            pen.raw(end, line.y, width, scope.words(), Role::Tab);
        }
    }
    let wide = line.width >= 110;
    let mut said = Vec::new();
    let filter = model.points.filter.value();
    if !filter.is_empty() {
        said.push(if wide { format!("filter {filter}") } else { format!("/{filter}") });
    }
    if model.points.to_moment {
        let rows = model.cursor_rows().len();
        said.push(if wide { format!("worst first   {rows} shown") } else { rows.to_string() });
    } else if let Some(judged) = model.points_judged() {
        if wide {
            let grouped = match model.points.group {
                Grouping::None => String::new(),
                group => format!(", {}", group.words()),
            };
            said.push(format!("{}{grouped}", model.points.order.words()));
        }
        let (shown, all) = (thousands(judged.list.rows.len()), thousands(judged.list.all));
        said.push(if wide { format!("{shown} of {all} shown") } else { format!("{shown}/{all}") });
    }
    let left = layout::tabs().last().map_or(line.x, |(_, x, width)| line.x + x + width + 1);
    let mut right = line.right().saturating_sub(1);
    // The chosen moment is there whatever else is shown.
    if let Some(at) = model.points.moment {
        let at = points_words::short_moment(at, model.now);
        let text = if wide { format!(" cursor {at} ") } else { format!(" {} ", at.trim_end_matches(" UTC")) };
        let role = if model.points.to_moment { Role::TabChosen } else { Role::Tab };
        pen.right(left.saturating_sub(6), right, line.y, &text, role);
        right = right.saturating_sub(u16::try_from(text.width() + 2).unwrap_or(0));
    }
    if right > left {
        pen.right(left, right, line.y, &said.join("   "), Role::Dim);
    }
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Usable,
    Component,
    Kind,
    Age,
    Holds,
    Size,
    Where,
    Survives,
    Key,
    Why,
    Read,
}

/// The columns in the order in which they are kept when there is too little room.
const KEPT: [Column; 11] = [
    Column::Usable,
    Column::Component,
    Column::Age,
    Column::Size,
    Column::Where,
    Column::Survives,
    Column::Kind,
    Column::Read,
    Column::Why,
    Column::Holds,
    Column::Key,
];

/// The columns from left to right.
const SHOWN: [Column; 11] = [
    Column::Usable,
    Column::Component,
    Column::Kind,
    Column::Age,
    Column::Holds,
    Column::Size,
    Column::Where,
    Column::Survives,
    Column::Key,
    Column::Why,
    Column::Read,
];

/// From this width on there is room for sentences.
const ROOMY: u16 = 190;
/// How little of a reason still says something.
const REASON: u16 = 20;
impl Column {
    fn heading(self) -> &'static str {
        match self {
            Self::Usable => "usable",
            Self::Component => "component",
            Self::Kind => "kind",
            Self::Age => "age",
            Self::Holds => "holds",
            Self::Size => "size",
            Self::Where => "where",
            Self::Survives => "L R A",
            Self::Key => "key",
            Self::Why => "why not; held, deletable",
            Self::Read => "read",
        }
    }

    fn is_figure(self) -> bool {
        matches!(self, Self::Age | Self::Size | Self::Read)
    }

    fn text(self, model: &Model, row: &ShownPoint<'_>, room: u16) -> String {
        let (glyphs, now) = (model.look.glyphs, model.now);
        let none = || glyphs.none().to_owned();
        match self {
            Self::Usable => {
                let (verdict, word) = usable(flaw(model, row, model.scope));
                format!("{} {word}", glyphs.verdict(verdict))
            }
            Self::Component => row.component.id.to_string(),
            Self::Kind => row.point.kind.words().to_owned(),
            Self::Age => match row.entry.moment {
                NO_MOMENT => none(),
                at => Timestamp::from_second(at).map_or_else(|_| none(), |at| words::age(at, now)),
            },
            Self::Holds if room >= ROOMY => points_words::holds_long(row.point, now),
            Self::Holds => points_words::holds(row.point, now),
            Self::Size => row.point.size_bytes.map_or_else(none, bytes),
            Self::Where => points_words::place(&row.holder.place, row.component),
            Self::Survives => {
                let marks = FailureScope::ALL.map(|scope| glyphs.verdict(usable(flaw(model, row, scope)).0));
                marks.join(" ")
            }
            Self::Key => row.point.key.as_ref().map_or_else(none, |key| key.short().to_owned()),
            Self::Why => why(model, row, room),
            Self::Read => row.holder.read_at.map_or("never".to_owned(), |at| words::age(at, now)),
        }
    }

    /// Returns its width, whatever is on the screen just now: a table that is scrolled must not jump.
    fn width(self, list: &List, room: u16) -> u16 {
        match self {
            Self::Usable => 9,
            Self::Component => u16::try_from(list.widest).unwrap_or(64).clamp(9, 64),
            Self::Kind => 21,
            Self::Age | Self::Read => 6,
            Self::Holds if room >= ROOMY => 43,
            Self::Holds => 18,
            Self::Size => 9,
            Self::Where => {
                let most = if room < 100 { 12 } else { 27 };
                u16::try_from(list.widest_place).unwrap_or(most).clamp(11, most)
            }
            Self::Survives => 5,
            Self::Key => 8,
            Self::Why => REASON,
        }
    }
}

/// Says why a point does not count, else who could delete it. That what is lost is lost was said already.
fn why(model: &Model, row: &ShownPoint<'_>, room: u16) -> String {
    let judged = model.points_judged().filter(|_| flaw(model, row, model.scope) != Some(Flaw::Lost));
    match judged.map(|judged| judged.inventory.worth(row.entry, model.scope)) {
        Some(Worth3::Not(why) | Worth3::Unclear(why)) => why.to_string(),
        Some(Worth3::Counts) | None if room >= ROOMY => row.point.deletable(model.now),
        Some(Worth3::Counts) | None => points_words::kept(row.point, model.now),
    }
}

fn flaw(model: &Model, row: &ShownPoint<'_>, scope: FailureScope) -> Option<Flaw> {
    model.points_judged().and_then(|judged| judged.inventory.flaw(row.entry, scope))
}

fn usable(flaw: Option<Flaw>) -> (Verdict, &'static str) {
    match flaw {
        None => (Verdict::Met, "yes"),
        Some(Flaw::Lost) => (Verdict::Breached, "lost"),
        Some(Flaw::Broken) => (Verdict::Breached, "no"),
        Some(Flaw::Slow) => (Verdict::AtRisk, "slow"),
        Some(Flaw::Unclear) => (Verdict::Unknown, "unknown"),
    }
}

/// Returns how far columns are apart.
fn gap(room: u16) -> u16 {
    if room < 110 { 1 } else { 2 }
}

fn columns(list: &List, room: u16, grouped: Grouping) -> Vec<(Column, u16)> {
    // The last column needs no gap after it.
    let mut left = room.saturating_sub(2) + gap(room);
    let mut kept = Vec::new();
    for column in KEPT {
        // What the heading says need not be said again.
        let said = match grouped {
            Grouping::Component => Some(Column::Component),
            Grouping::Kind => Some(Column::Kind),
            Grouping::Place => Some(Column::Where),
            Grouping::None => None,
        };
        let width = column.width(list, room);
        if said == Some(column) || (width + gap(room) > left && kept.len() >= 2) {
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

fn table(model: &Model, pen: &mut Pen<'_>, heading: Rect, area: Rect) {
    let Some(list) = model.points_judged().map(|judged| &judged.list) else { return };
    if list.rows.is_empty() {
        let says = if list.all > 0 {
            "nothing matches the filter"
        } else if list.unfinished > 0 {
            "the points are still being read"
        } else if !list.blind.is_empty() {
            "nothing could be read, so nothing is known"
        } else {
            "there is no recovery point"
        };
        pen.raw(area.x + 1, area.y, area.width.saturating_sub(2), says, Role::Dim);
        return;
    }
    let columns = columns(list, area.width, list.wanted.group);
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
    for nth in 0..area.height / height {
        let y = area.y + nth * height;
        match list.at(model.points.offset + usize::from(nth)) {
            Some(ListLine::Heading(nth)) => {
                if let Some(over) = list.headings.get(nth) {
                    group(pen, over, area, y);
                }
            }
            Some(ListLine::Row(row)) => {
                if let Some(shown) = model.point_in(row) {
                    draw_row(model, pen, &shown, &columns, area, y);
                }
                if row == model.points.at {
                    pen.restyle(Rect { x: area.x, y, width: area.width, height: 1 }, Role::Selected);
                }
            }
            None => break,
        }
    }
}

fn group(pen: &mut Pen<'_>, over: &Heading, area: Rect, y: u16) {
    let points = if over.count == 1 { "point" } else { "points" };
    let count = match over.counting {
        all if all == over.count => "all usable".to_owned(),
        0 => "none usable".to_owned(),
        some => format!("{} usable", thousands(some)),
    };
    let size = if over.bytes > 0 { format!(", {}", bytes(over.bytes)) } else { String::new() };
    let spans = [
        (format!("{}  ", over.title), Role::Strong),
        (format!("{} {points}, {count}{size}", thousands(over.count)), Role::Dim),
    ];
    pen.spans(area.x + 1, y, area.width.saturating_sub(2), &spans);
}

fn draw_row(
    model: &Model,
    pen: &mut Pen<'_>,
    row: &ShownPoint<'_>,
    columns: &[(Column, u16)],
    area: Rect,
    y: u16,
) {
    let flaw = flaw(model, row, model.scope);
    // What goes with what is lost is no surprise; what is broken besides is.
    let flaw_role = if flaw == Some(Flaw::Lost) { Role::Dim } else { words::role(usable(flaw).0) };
    let plain = if flaw == Some(Flaw::Lost) { Role::Dim } else { Role::Text };
    let mut x = area.x + 1;
    for (column, width) in columns {
        let role = match column {
            Column::Usable => flaw_role,
            Column::Component if matches!(flaw, Some(Flaw::Broken | Flaw::Slow | Flaw::Unclear)) => {
                Role::Strong
            }
            Column::Component | Column::Age => plain,
            Column::Why if !matches!(flaw, None | Some(Flaw::Lost)) => flaw_role,
            _ => Role::Dim,
        };
        let text = column.text(model, row, area.width);
        if column.is_figure() {
            pen.right(x, x + width, y, &text, role);
        } else {
            pen.text(x, y, *width, &text, role);
        }
        x += width + gap(area.width);
    }
}
