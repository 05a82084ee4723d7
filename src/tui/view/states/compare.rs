//! Two versions of a state: which resources were removed, changed and added, and each attribute before and after.

use super::super::pen::Pen;
use super::super::{sheet, words};
use crate::domain::Text;
use crate::domain::state::StateVersion;
use crate::domain::state::compare::{AttributeChange, Change, MASK, ResourceChange};
use crate::tui::model::{Model, OpenComparison};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// From this width on both versions stand side by side.
const WIDE: u16 = 120;
/// Lines above the changes: the counts, and which versions are compared.
const ABOVE: u16 = 4;
/// What is gone is told first.
const ORDER: [Change; 3] = [Change::Removed, Change::Changed, Change::Added];

/// Returns how many lines are on the screen at once.
pub(in crate::tui) fn room(body: Rect) -> usize {
    usize::from(body.height.saturating_sub(2 + ABOVE))
}

/// Where the columns of a change stand.
#[derive(Debug, Clone, Copy)]
struct Columns {
    is_wide: bool,
    path: u16,
    value: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let room = width.saturating_sub(6);
        if width < WIDE {
            return Self { is_wide: false, path: room, value: room.saturating_sub(8) };
        }
        let path = (room / 4).min(44);
        Self { is_wide: true, path, value: (room - path).saturating_sub(4) / 2 }
    }

    /// Returns how many lines an attribute takes. What is short needs no second look.
    fn height(self, model: &Model, attribute: &AttributeChange) -> usize {
        let of = |text: &Text, width: u16| {
            if model.redactor.is_none() && text.as_str().len() <= usize::from(width) {
                return 1;
            }
            words::lines(model, text.as_str(), usize::from(width)).len()
        };
        let side = |value: &Option<Text>| value.as_ref().map_or(1, |value| of(value, self.value));
        let (before, after) = (side(&attribute.before), side(&attribute.after));
        let path = of(&attribute.path, self.path);
        if self.is_wide { path.max(before).max(after) } else { path + before + after }
    }

    fn height_of(self, model: &Model, change: &ResourceChange) -> usize {
        1 + change.attributes.iter().map(|attribute| self.height(model, attribute)).sum::<usize>()
    }
}

fn ordered(changes: &[ResourceChange]) -> impl Iterator<Item = &ResourceChange> {
    ORDER.into_iter().flat_map(move |kind| changes.iter().filter(move |change| change.change == kind))
}

fn changes<'a>(model: &'a Model, open: &OpenComparison) -> Option<Result<&'a [ResourceChange], &'a Text>> {
    let comparison = model.comparison(&open.of)?;
    Some(comparison.outcome.as_ref().map(Vec::as_slice))
}

/// Returns how many lines the changes have.
pub(in crate::tui) fn lines(model: &Model, open: &OpenComparison, width: u16) -> usize {
    let columns = Columns::of(width);
    match changes(model, open) {
        Some(Ok(changes)) => changes.iter().map(|change| columns.height_of(model, change)).sum(),
        _ => 0,
    }
}

/// Draws it.
pub(in super::super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect, open: &OpenComparison) {
    let changes = changes(model, open);
    let lines = lines(model, open, body.width);
    let title = [
        (open.name.to_string(), Role::Strong),
        (format!("  two versions, {}", open.of.environment), Role::Dim),
    ];
    let shown = Rect { height: body.height.saturating_sub(ABOVE), ..body };
    sheet::title_line(pen, shown, &title, open.scroll, lines);
    let width = body.width.saturating_sub(2);
    let y = body.y + 2;
    for (nth, (word, version)) in [("before", &open.before), ("after", &open.after)].into_iter().enumerate() {
        let y = y + u16::try_from(nth).unwrap_or(0);
        let spans = [(format!("{word:<8}"), Role::Heading), (says(model, version), Role::Text)];
        pen.spans(body.x + 1, y, width, &spans);
    }
    let y = y + 2;
    match changes {
        None => {
            pen.raw(body.x + 1, y, width, "reading both versions", Role::Notice);
        }
        Some(Err(why)) => {
            let says = format!("They cannot be compared: {why}");
            for (line, y) in words::lines(model, &says, usize::from(width)).iter().zip(y..body.bottom()) {
                pen.raw(body.x + 1, y, width, line, Role::Unknown);
            }
        }
        Some(Ok([])) => {
            let says = "Nothing differs: both describe the same resources with the same values.";
            pen.raw(body.x + 1, y, width, says, Role::Strong);
        }
        Some(Ok(changes)) => {
            pen.raw(body.x + 1, y, width, &counts(changes), Role::Strong);
            let area = Rect { y: y + 2, height: body.bottom().saturating_sub(y + 2), ..body };
            draw_changes(model, pen, area, changes, open.scroll);
        }
    }
}

/// Says which version it is.
fn says(model: &Model, version: &StateVersion) -> String {
    let serial = version.serial.map_or(String::new(), |serial| format!("serial {serial}, "));
    let resources = version.resources.map_or(String::new(), |count| format!(", {count} resources"));
    format!(
        "{serial}written {}, {}{resources}, version {}",
        words::moment(version.written_at),
        words::ago(version.written_at, model.now),
        version.version_id
    )
}

/// Says how many resources differ, and how.
fn counts(changes: &[ResourceChange]) -> String {
    let count = |kind: Change| changes.iter().filter(|change| change.change == kind).count();
    let said: Vec<String> = { ORDER.into_iter() }
        .filter(|kind| count(*kind) > 0)
        .map(|kind| format!("{} {}", count(kind), kind.word()))
        .collect();
    let resources = if changes.len() == 1 { "1 resource differs" } else { "resources differ" };
    if changes.len() == 1 {
        format!("{resources}: {}.", said.join(", "))
    } else {
        format!("{} {resources}: {}.", changes.len(), said.join(", "))
    }
}

fn draw_changes(model: &Model, pen: &mut Pen<'_>, area: Rect, changes: &[ResourceChange], scroll: usize) {
    let columns = Columns::of(area.width);
    let last = scroll + usize::from(area.height);
    let mut at = 0;
    // Only what is on the screen is put into words.
    for change in ordered(changes) {
        let height = columns.height_of(model, change);
        if at >= last {
            return;
        }
        if at + height > scroll {
            draw_change(model, pen, area, columns, change, (at, scroll));
        }
        at += height;
    }
}

/// Returns the line of the screen where line `at` of all stands, if it is on it.
fn on_screen(area: Rect, at: usize, scroll: usize) -> Option<u16> {
    let y = area.y + u16::try_from(at.checked_sub(scroll)?).ok()?;
    (y < area.bottom()).then_some(y)
}

fn draw_change(
    model: &Model,
    pen: &mut Pen<'_>,
    area: Rect,
    columns: Columns,
    change: &ResourceChange,
    (mut at, scroll): (usize, usize),
) {
    let x = area.x + 1;
    if let Some(y) = on_screen(area, at, scroll) {
        let (sign, role) = match change.change {
            Change::Removed => ("-", Role::Breached),
            Change::Changed => ("~", Role::AtRisk),
            Change::Added => ("+", Role::Met),
        };
        let spans = [
            (format!("{sign} {:<8} ", change.change.word()), role),
            (change.address.to_string(), Role::Strong),
        ];
        pen.spans(x, y, area.width.saturating_sub(2), &spans);
    }
    at += 1;
    for attribute in &change.attributes {
        let height = columns.height(model, attribute);
        let mut write = |x: u16, nth: usize, lines: &[String], room: u16, role: Role| {
            for (more, line) in lines.iter().enumerate() {
                if let Some(y) = on_screen(area, at + nth + more, scroll) {
                    pen.raw(x, y, room, line, role);
                }
            }
        };
        let broken = |text: &str, width: u16| words::lines(model, text, usize::from(width));
        let path = broken(attribute.path.as_str(), columns.path);
        let values = sides(attribute).map(|(text, role)| (broken(&text, columns.value), role));
        write(x + 4, 0, &path, columns.path, Role::Dim);
        let [(before, before_role), (after, after_role)] = &values;
        if columns.is_wide {
            let left = x + 4 + columns.path + 2;
            write(left, 0, before, columns.value, *before_role);
            write(left + columns.value + 2, 0, after, columns.value, *after_role);
        } else {
            for (word, nth, lines, role) in [
                ("was ", path.len(), before, *before_role),
                ("is  ", path.len() + before.len(), after, *after_role),
            ] {
                write(x + 6, nth, &[word.to_owned()], 4, Role::Heading);
                write(x + 10, nth, lines, columns.value, role);
            }
        }
        at += height;
    }
}

/// Says the value before and after.
fn sides(attribute: &AttributeChange) -> [(String, Role); 2] {
    let value = |value: &Option<Text>, absent: &str, role: Role| match value {
        Some(value) if value.as_str() == MASK => (MASK.to_owned(), Role::Dim),
        Some(value) if value.is_empty() => ("(empty)".to_owned(), Role::Dim),
        Some(value) => (value.to_string(), role),
        None => (absent.to_owned(), Role::Dim),
    };
    let before = value(&attribute.before, "(not there)", Role::Text);
    let mut after = value(&attribute.after, "(gone)", Role::Strong);
    let is_hidden = |side: &Option<Text>| side.as_ref().is_some_and(|value| value.as_str() == MASK);
    if is_hidden(&attribute.before) && is_hidden(&attribute.after) {
        after.0 = format!("{MASK}, another value");
    }
    [before, after]
}
