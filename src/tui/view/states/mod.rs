//! Pane 3: one sentence, what must not be overlooked, the locks with their evidence, and the states.

pub(in crate::tui) mod compare;
mod empty;
pub(in crate::tui) mod one;
pub(in crate::tui) mod parts;
mod side;

use super::pen::{Pen, Span};
use super::sheet::severity_role;
use super::table::{Column, Table};
use super::{layout, words};
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::readiness::Severity;
use crate::domain::size::bytes;
use crate::domain::state::{Digest, ReplicaStatus, StateHistory};
use crate::tui::model::{LockRow, Model, StateRow};
use crate::tui::theme::Role;
use parts::Parts;
use ratatui::layout::Rect;

/// Draws the pane.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect) {
    let parts = parts::parts(model, body);
    draw_lines(pen, parts.sentence, 1, &parts::sentence(model, body.width), Role::Strong);
    if empty::draw(model, pen, Rect { y: parts.sentence.bottom(), ..body }) {
        return;
    }
    if parts.alarm.height > 0 {
        let glyph = pen.glyphs().severity(Severity::Alarm);
        pen.raw(body.x + 1, parts.alarm.y, 1, glyph, Role::Alarm);
        draw_lines(pen, parts.alarm, 3, &parts::alarm(model, body.width), Role::Alarm);
    }
    draw_gaps(model, pen, parts.gaps);
    draw_locks(model, pen, parts);
    side::evidence(model, pen, parts.evidence);
    draw_rule(model, pen, parts.rule, parts.why.height == 0);
    draw_states(model, pen, parts);
    side::why(model, pen, parts.why);
    let hidden = hidden(model);
    if hidden > 0 && parts.why.height > 0 {
        let more = format!(" {} {hidden} more below ", pen.glyphs().more());
        pen.right(body.x, body.right().saturating_sub(1), parts.why.y, &more, Role::Dim);
    }
}

/// Returns how many states stand below those on the screen.
fn hidden(model: &Model) -> usize {
    let seen = model.states.offset + parts::state_page(model);
    model.states.shown.states.len().saturating_sub(seen)
}

/// Draws lines that are already as they are to be shown.
fn draw_lines(pen: &mut Pen<'_>, part: Rect, indent: u16, lines: &[String], role: Role) {
    for (line, y) in lines.iter().zip(part.top()..part.bottom()) {
        pen.raw(part.x + indent, y, part.width.saturating_sub(indent + 1), line, role);
    }
}

fn draw_gaps(model: &Model, pen: &mut Pen<'_>, part: Rect) {
    let gaps = parts::gaps(model);
    let room = usize::from(part.height);
    for (nth, (gap, y)) in gaps.iter().zip(part.top()..part.bottom()).enumerate() {
        let others = gaps.len() - nth - 1;
        let more = if nth + 1 == room && others > 0 { format!("  and {others} more") } else { String::new() };
        let spans = [("? ".to_owned(), Role::Unknown), (format!("not read: {gap}"), Role::Unknown)];
        let width = u16::try_from(more.len()).unwrap_or(0);
        pen.spans(part.x + 1, y, part.width.saturating_sub(2 + width), &spans);
        pen.right(part.x, part.right().saturating_sub(1), y, &more, Role::Dim);
    }
}

fn lock_table(model: &Model, width: u16) -> Table {
    let several = model.environments().count() > 1;
    let mut columns = vec![
        Column::new("", 1, 0),
        Column::new("locked", 16, 1).path().up_to(model.terraform().widest.1.min(64)),
        Column::new("for", 7, 2).figure(),
        Column::new("holder", 16, 4).up_to(32),
        Column::new("operation", 18, 3).up_to(24),
        Column::new("evidence", 15, 2),
        Column::new("store", 17, 5),
        Column::new("Region", 14, 6),
    ];
    if several {
        columns.push(Column::new("environment", 12, 7));
    }
    columns.push(Column::new("read", 7, 8).figure());
    Table::new(&columns, width.saturating_sub(2))
}

fn draw_locks(model: &Model, pen: &mut Pen<'_>, parts: Parts) {
    let (heading, area) = (parts.lock_heading, parts.locks);
    if model.states.shown.locks.is_empty() {
        let tally = &model.states.shown.tally;
        let says = match (tally.locks > 0, tally.lock_gaps > 0) {
            (true, _) => "no lock matches the filter",
            (_, true) => "no lock is known; what could not be read may hold some",
            _ => "no state is locked",
        };
        pen.raw(heading.x + 3, heading.y, heading.width.saturating_sub(4), says, Role::Dim);
        return;
    }
    let table = lock_table(model, area.width);
    table.headings(pen, heading.x + 1, heading.y);
    let height = layout::row_height(model);
    for nth in 0..parts::lock_page(model) {
        let y = area.y + u16::try_from(nth).unwrap_or(0) * height;
        let at = model.states.lock_offset + nth;
        let Some(row) = model.lock_row(at).filter(|_| y < area.bottom()) else { break };
        table.row(pen, area.x + 1, y, &lock_cells(model, row));
        if model.states.at == at {
            pen.restyle(Rect { y, height: 1, ..area }, Role::Selected);
        }
    }
    let seen = model.states.lock_offset + parts::lock_page(model);
    let hidden = model.states.shown.locks.len().saturating_sub(seen);
    if hidden > 0 {
        let more = format!(" {} {hidden} more locks ", pen.glyphs().more());
        pen.right(heading.x, heading.right().saturating_sub(1), heading.y, &more, Role::Dim);
    }
}

fn lock_cells(model: &Model, row: &LockRow) -> Vec<Span> {
    let text = |text: &Option<Text>| text.as_ref().map_or("unknown".to_owned(), Text::to_string);
    let (severity, role) =
        if row.is_silent() { (Severity::Warning, Role::AtRisk) } else { (Severity::Note, Role::Text) };
    let held = row.lock.created_at.map_or("unknown".to_owned(), |at| age_words(elapsed(at, model.now)));
    let mut cells = vec![
        (model.look.glyphs.severity(severity).to_owned(), role),
        (row.name.to_string(), Role::Strong),
        (held, Role::Text),
        (text(&row.lock.who), Role::Text),
        (text(&row.lock.operation), Role::Text),
        (row.signs().to_owned(), role),
        (row.store().to_owned(), Role::Dim),
        (row.place.region.to_string(), Role::Dim),
    ];
    if model.environments().count() > 1 {
        cells.push((row.environment.to_string(), Role::Dim));
    }
    let read = if row.doubt.is_some() { Role::Unknown } else { Role::Dim };
    cells.push((words::age(row.read_at, model.now), read));
    cells
}

fn draw_rule(model: &Model, pen: &mut Pen<'_>, line: Rect, is_last: bool) {
    pen.rule(line, line.y);
    let states = &model.states;
    let (shown, all) = (states.shown.states.len(), states.shown.tally.states);
    let filter = states.filter.value();
    let filter = if filter.is_empty() { String::new() } else { format!("filter {filter}: ") };
    // Where there is no rule below the states, this one tells how many do not fit.
    let below = match hidden(model) {
        hidden if is_last && hidden > 0 => format!(", {hidden} more below"),
        _ => String::new(),
    };
    let says = format!(" {filter}{shown} of {all} states, {}{below} ", states.sort.words());
    pen.right(line.x, line.right().saturating_sub(1), line.y, &says, Role::Dim);
}

fn state_table(model: &Model, width: u16) -> Table {
    let mut columns = vec![
        Column::new("", 1, 0),
        Column::new("state", 24, 1).path().up_to(model.terraform().widest.0.min(64)),
        Column::new("trouble", 24, 3).up_to(model.terraform().widest_trouble.min(60)),
        Column::new("written", 7, 2).figure(),
        Column::new("serial", 6, 5).figure(),
        Column::new("resources", 9, 8).figure(),
        Column::new("digest", 8, 6),
        Column::new("replica", 14, 7),
        // Backends often hold states of the same name.
        Column::new("backend", 10, 4).up_to(16),
        Column::new("size", 10, 10).figure(),
        Column::new("versions", 8, 9).figure(),
    ];
    if model.environments().count() > 1 {
        columns.push(Column::new("environment", 12, 12));
    }
    columns.push(Column::new("read", 7, 11).figure());
    Table::new(&columns, width.saturating_sub(2))
}

fn draw_states(model: &Model, pen: &mut Pen<'_>, parts: Parts) {
    let area = parts.states;
    if model.states.shown.states.is_empty() {
        let says = match (model.states.shown.tally.states > 0, model.terraform().waiting > 0) {
            (true, _) => "no state matches the filter",
            (_, true) => "the states are being read",
            _ => "no state is known",
        };
        pen.raw(area.x + 3, area.y, area.width.saturating_sub(4), says, Role::Dim);
        return;
    }
    let table = state_table(model, area.width);
    table.headings(pen, parts.state_heading.x + 1, parts.state_heading.y);
    let height = layout::row_height(model);
    for nth in 0..parts::state_page(model) {
        let y = area.y + u16::try_from(nth).unwrap_or(0) * height;
        let at = model.states.offset + nth;
        let Some(row) = model.state_row(at).filter(|_| y < area.bottom()) else { break };
        table.row(pen, area.x + 1, y, &state_cells(model, row));
        if model.states.at == at + model.states.shown.locks.len() {
            pen.restyle(Rect { y, height: 1, ..area }, Role::Selected);
        }
    }
}

/// Returns the glyph of a state and the role of what is wrong with it.
fn mark(model: &Model, row: &StateRow) -> (String, Role) {
    match (row.severity(), &row.doubt) {
        (Some(severity), _) => (model.look.glyphs.severity(severity).to_owned(), severity_role(severity)),
        (None, Some(_)) => ("?".to_owned(), Role::Unknown),
        (None, None) if row.is_replica => ("?".to_owned(), Role::Unknown),
        (None, None) => (String::new(), Role::Dim),
    }
}

fn state_cells(model: &Model, row: &StateRow) -> Vec<Span> {
    let none = || model.look.glyphs.none().to_owned();
    let current = row.state.current();
    let figure = |figure: Option<u64>| figure.map_or_else(none, |figure| figure.to_string());
    let (glyph, role) = mark(model, row);
    let is_calm = row.troubles.is_empty() && row.doubt.is_none();
    let plain = if is_calm { Role::Dim } else { Role::Text };
    let digest_role = if digest(&row.state) == "differs" { Role::Breached } else { Role::Dim };
    let replica_role = match &row.replica {
        _ if row.is_replica => Role::Unknown,
        Some(ReplicaStatus::SplitBrain { .. } | ReplicaStatus::Lacks) => Role::Breached,
        Some(ReplicaStatus::Behind { .. }) => plain,
        _ => Role::Dim,
    };
    let mut cells = vec![
        (glyph, role),
        (row.name.to_string(), if is_calm { Role::Dim } else { Role::Strong }),
        (row.trouble.to_string(), role),
        (current.map_or_else(none, |version| words::age(version.written_at, model.now)), Role::Dim),
        (figure(current.and_then(|version| version.serial)), plain),
        (figure(current.and_then(|version| version.resources)), plain),
        (digest(&row.state).to_owned(), digest_role),
        (replica(model, row), replica_role),
        (row.backend.as_ref().map_or_else(none, ToString::to_string), Role::Dim),
        (current.map_or_else(none, |version| bytes(version.size_bytes)), plain),
        (row.state.versions_in_all.to_string(), plain),
    ];
    if model.environments().count() > 1 {
        cells.push((row.environment.to_string(), Role::Dim));
    }
    cells.push((words::age(row.read_at, model.now), Role::Dim));
    cells
}

/// Says in one word how the digest row stands to the newest bytes.
fn digest(state: &StateHistory) -> &'static str {
    let bytes = state.current().and_then(|version| version.md5.as_ref());
    match (&state.digest, bytes) {
        (Digest::NotUsed, _) => "not used",
        (Digest::Unread, _) => "unknown",
        (Digest::Absent, _) => "absent",
        (Digest::Row(row), Some(bytes)) if row == bytes => "fits",
        (Digest::Row(_), Some(_)) => "differs",
        (Digest::Row(_), None) => "unclear",
    }
}

/// Says in a few words how a replica stands to its source.
fn replica(model: &Model, row: &StateRow) -> String {
    match &row.replica {
        _ if row.is_replica => "is a replica".to_owned(),
        Some(ReplicaStatus::Behind { since }) => format!("behind {}", age_words(elapsed(*since, model.now))),
        Some(other) => other.words().to_owned(),
        None => model.look.glyphs.none().to_owned(),
    }
}
