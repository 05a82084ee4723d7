//! The time axis of a component: its points by place, gaps, what happened to it, and the chosen moment.

use super::pen::{Pen, Span};
use super::points_words;
use crate::domain::duration::age_words;
use crate::domain::scope::FailureScope;
use crate::tui::model::{Event, EventSort, Mark, Model, Timeline, TimelineLine};
use crate::tui::theme::Role;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::layout::Rect;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// From this height on what happened is told in lines of its own.
const TALL: u16 = 8;

/// A stretch of time and the cells that show it.
#[derive(Debug, Clone, Copy)]
struct Scale {
    start: i64,
    end: i64,
    x: u16,
    cells: u16,
}

impl Scale {
    /// Returns the cell of a moment; `None` outside the axis.
    fn cell(self, at: i64) -> Option<u16> {
        (self.start..=self.end).contains(&at).then(|| self.clamped(at))
    }

    /// Returns the cell nearest to a moment.
    fn clamped(self, at: i64) -> u16 {
        let length = i128::from(self.end - self.start).max(1);
        let into = i128::from(at.clamp(self.start, self.end)) - i128::from(self.start);
        let cell = into * i128::from(self.cells) / length;
        u16::try_from(cell).unwrap_or(self.cells).min(self.cells.saturating_sub(1))
    }

    /// Returns the moment at which a cell begins.
    fn begin(self, cell: u16) -> i64 {
        let length = i128::from(self.end - self.start);
        let into = length * i128::from(cell) / i128::from(self.cells.max(1));
        self.start.saturating_add(i64::try_from(into).unwrap_or(i64::MAX))
    }
}

/// Draws the timeline of the selected component.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    if area.height < 4 {
        return;
    }
    pen.rule(area, area.y);
    let Some(timeline) = model.points_judged().and_then(|judged| judged.timeline.as_ref()) else { return };
    let labels = if area.width >= 130 { 26 } else { 18 };
    let (start, end) = model.axis();
    let scale = Scale { start, end, x: area.x + 1 + labels, cells: area.width.saturating_sub(labels + 2) };
    title(model, pen, area, timeline);
    let mut y = area.y + 1;
    let tall = area.height >= TALL;
    let has_events = !timeline.events.is_empty();
    // One line for the title, one for the axis, one for what happened.
    let places = area.height - 2 - u16::from(has_events);
    let shown = if tall { places.min(6) } else { places };
    for line in timeline.lines.iter().take(usize::from(shown)) {
        place(model, pen, scale, line, area.x + 1, y);
        y += 1;
    }
    if has_events {
        let now = model.now.as_second();
        events(pen, scale, &timeline.events, now, area.x + 1, y);
        y += 1;
    }
    cursor(model, pen, scale, area.y + 1, y);
    axis(model, pen, scale, y);
    y += 1;
    if tall {
        told(model, pen, timeline, Rect { y, height: area.bottom().saturating_sub(y), ..area });
    }
}

fn title(model: &Model, pen: &mut Pen<'_>, area: Rect, timeline: &Timeline) {
    let span = model.axis_span();
    let mut spans: Vec<Span> =
        vec![(format!(" {} ", timeline.component), Role::Strong), (format!(" {} ", span.words), Role::Text)];
    let at_now = model.axis().1 >= model.now.as_second();
    spans.push((if at_now { "up to now ".to_owned() } else { "in the past ".to_owned() }, Role::Dim));
    let room = area.width.saturating_sub(4);
    let end = pen.spans(area.x + 2, area.y, room, &spans);
    let glyphs = pen.glyphs().axis();
    let newest = timeline.events.first().filter(|_| area.height < TALL);
    if let Some(event) = newest {
        let at = Timestamp::from_second(event.at)
            .map_or_else(|_| String::new(), |at| points_words::short_moment(at, model.now));
        let spans = [
            (format!(" {} ", symbol(event.sort)), role(event.sort)),
            (format!("{at} {} ", event.says), Role::Text),
        ];
        pen.spans(end + 1, area.y, area.right().saturating_sub(end + 3), &spans);
    } else {
        let all = [
            (glyphs.point, "point"),
            (glyphs.several, "several"),
            (glyphs.flawed, "not usable"),
            (glyphs.bar, "any moment"),
            (glyphs.replica, "replica"),
        ];
        let legend = all.map(|(glyph, word)| format!("{glyph} {word}")).join("   ");
        let legend = format!(" {legend} ");
        let width = u16::try_from(legend.width()).unwrap_or(u16::MAX);
        if end.saturating_add(width).saturating_add(4) < area.right() {
            pen.right(area.x, area.right() - 2, area.y, &legend, Role::Dim);
        }
    }
}

type Cell = (&'static str, Role);

fn place(model: &Model, pen: &mut Pen<'_>, scale: Scale, line: &TimelineLine, x: u16, y: u16) {
    let component = { model.points_judged() }
        .and_then(|judged| judged.timeline.as_ref())
        .and_then(|timeline| model.estate.component(&timeline.component));
    let Some(component) = component else { return };
    let lost = !line.place.survives(model.scope, &component.home);
    let mut label: Vec<Span> =
        vec![(points_words::place(&line.place, component), if lost { Role::Dim } else { Role::Text })];
    if lost {
        label.push((" lost".to_owned(), Role::Breached));
    } else if line.why_not.is_some() {
        label.push((" not read".to_owned(), Role::Unknown));
    }
    pen.spans(x, y, scale.x.saturating_sub(x + 1), &label);
    if line.marks.is_empty() && line.bars.is_empty() {
        let (says, role) = match &line.why_not {
            Some(why) => (why.to_string(), Role::Unknown),
            None => ("no point here".to_owned(), Role::Dim),
        };
        pen.text(scale.x, y, scale.cells, &says, role);
        return;
    }
    let scope = FailureScope::ALL.iter().position(|scope| *scope == model.scope).unwrap_or(0);
    let counts = |all: [bool; 3]| all.get(scope).copied().unwrap_or(false);
    let glyphs = pen.glyphs().axis();
    let mut cells: Vec<Cell> = vec![(" ", Role::Text); usize::from(scale.cells)];
    let mut fill = |from: i64, to: i64, cell: Cell| {
        if to < scale.start || from > scale.end {
            return;
        }
        let (first, last) = (usize::from(scale.clamped(from)), usize::from(scale.clamped(to)));
        for known in cells.iter_mut().take(last + 1).skip(first) {
            *known = cell;
        }
    };
    for (from, to) in &line.gaps {
        fill(*from, *to, (glyphs.gap, Role::AtRisk));
    }
    for bar in &line.bars {
        let cell = if counts(bar.counts) { (glyphs.bar, Role::Text) } else { (glyphs.flawed_bar, Role::Dim) };
        fill(bar.from, bar.to, cell);
    }
    // Two searches a cell, however many points there are.
    for (nth, cell) in cells.iter_mut().enumerate() {
        let nth = u16::try_from(nth).unwrap_or(u16::MAX);
        let (from, to) = (scale.begin(nth), scale.begin(nth.saturating_add(1)));
        // What was made since the clock of the screen last moved stands at its end.
        let last = if scale.end >= model.now.as_second() { i64::MAX } else { scale.end };
        let to = if nth + 1 == scale.cells { last } else { to };
        if let Some(shown) = marks(&line.marks, from, to, counts, glyphs) {
            *cell = shown;
        }
    }
    draw_cells(pen, scale, &cells, y);
    for (from, to) in &line.gaps {
        gap_word(pen, scale, *from, *to, y);
    }
}

/// Returns what the marks between two moments are shown as.
fn marks(
    all: &[Mark],
    from: i64,
    to: i64,
    counts: impl Fn([bool; 3]) -> bool,
    glyphs: crate::tui::theme::Axis,
) -> Option<Cell> {
    let first = all.partition_point(|mark| mark.at < from);
    let last = all.partition_point(|mark| mark.at < to);
    let here = all.get(first..last).filter(|here| !here.is_empty())?;
    // More than a handful look the same, whatever is among them.
    let good = here.iter().rev().take(64).filter(|mark| counts(mark.counts)).count();
    Some(match (good, here) {
        (0, _) => (glyphs.flawed, Role::Dim),
        (_, [mark]) if mark.is_replica => (glyphs.replica, Role::Text),
        (1, _) => (glyphs.point, Role::Text),
        _ => (glyphs.several, Role::Text),
    })
}

fn draw_cells(pen: &mut Pen<'_>, scale: Scale, cells: &[Cell], y: u16) {
    for (cell, x) in cells.iter().zip(scale.x..) {
        if cell.0 != " " {
            pen.raw(x, y, 1, cell.0, cell.1);
        }
    }
}

/// Says how long a gap is, where there is room in it.
fn gap_word(pen: &mut Pen<'_>, scale: Scale, from: i64, to: i64, y: u16) {
    if to < scale.start || from > scale.end {
        return;
    }
    let length = Duration::from_secs(to.saturating_sub(from).unsigned_abs());
    let says = format!(" gap {} ", age_words(length));
    let (first, last) = (scale.clamped(from), scale.clamped(to));
    let width = u16::try_from(says.width()).unwrap_or(u16::MAX);
    let room = last.saturating_sub(first + 1);
    if room > width {
        pen.raw(scale.x + first + 1 + (room - width) / 2, y, width, &says, Role::AtRisk);
    }
}

fn symbol(sort: EventSort) -> &'static str {
    match sort {
        EventSort::Incident => "!",
        EventSort::Lock => "L",
        EventSort::Silence => "?",
    }
}

fn word(sort: EventSort) -> &'static str {
    match sort {
        EventSort::Incident => "incident",
        EventSort::Lock => "lock",
        EventSort::Silence => "silent since",
    }
}

fn role(sort: EventSort) -> Role {
    match sort {
        EventSort::Incident => Role::Breached,
        EventSort::Lock => Role::AtRisk,
        EventSort::Silence => Role::Unknown,
    }
}

fn events(pen: &mut Pen<'_>, scale: Scale, events: &[Event], now: i64, x: u16, y: u16) {
    pen.raw(x, y, scale.x.saturating_sub(x + 1), "what happened", Role::Dim);
    // The newest last, so that it is the one that is seen.
    for event in events.iter().rev() {
        if let Some(cell) = scale.cell(event.at.min(now)) {
            pen.raw(scale.x + cell, y, 1, symbol(event.sort), role(event.sort));
        }
    }
}

/// Draws the chosen moment over the lines from `top` to `bottom`.
fn cursor(model: &Model, pen: &mut Pen<'_>, scale: Scale, top: u16, bottom: u16) {
    let Some(cell) = model.moment().and_then(|at| scale.cell(at.as_second())) else { return };
    let glyph = pen.glyphs().axis().cursor;
    for y in top..bottom {
        if pen.is_blank(scale.x + cell, y) {
            pen.raw(scale.x + cell, y, 1, glyph, Role::Key);
        } else {
            pen.restyle(Rect { x: scale.x + cell, y, width: 1, height: 1 }, Role::Selected);
        }
    }
}

/// Draws the labels of the axis in UTC, and the time of the chosen moment.
fn axis(model: &Model, pen: &mut Pen<'_>, scale: Scale, y: u16) {
    let span = model.axis_span();
    pen.raw(scale.x.saturating_sub(4), y, 3, "UTC", Role::Dim);
    let chosen = chosen(model, scale);
    let covered = chosen
        .as_ref()
        .map_or(0..0, |(x, label)| x.saturating_sub(1)..x + 1 + u16::try_from(label.width()).unwrap_or(0));
    let tick = pen.glyphs().axis().tick;
    let mut at = scale.start.div_euclid(span.tick_s).saturating_add(1).saturating_mul(span.tick_s);
    while at <= scale.end {
        if let (Some(cell), Ok(moment)) = (scale.cell(at), Timestamp::from_second(at)) {
            let moment = moment.to_zoned(TimeZone::UTC);
            let midnight = at.rem_euclid(86_400) == 0;
            let format = if span.tick_s < 86_400 && !midnight { "%H:%M" } else { "%d %b" };
            let label = moment.strftime(format).to_string();
            let width = u16::try_from(label.width()).unwrap_or(0);
            let at = scale.x + cell;
            let free = at >= covered.end || at + 1 + width <= covered.start;
            if free && cell + 1 + width <= scale.cells {
                let end = pen.raw(scale.x + cell, y, 1, tick, Role::Rule);
                pen.raw(end, y, width, &label, Role::Dim);
            }
        }
        at = at.saturating_add(span.tick_s);
    }
    if let Some((x, label)) = chosen {
        pen.raw(x, y, u16::try_from(label.width()).unwrap_or(0), &label, Role::TabChosen);
    }
}

/// Returns where the time of the chosen moment stands, and what it says.
fn chosen(model: &Model, scale: Scale) -> Option<(u16, String)> {
    let at = model.moment()?;
    let cell = scale.cell(at.as_second())?;
    let label = format!(" {} ", points_words::short_moment(at, model.now));
    let width = u16::try_from(label.width()).unwrap_or(0);
    let x = (scale.x + cell).saturating_sub(width / 2);
    Some((x.clamp(scale.x, (scale.x + scale.cells).saturating_sub(width).max(scale.x)), label))
}

/// Tells what happened, the newest first.
fn told(model: &Model, pen: &mut Pen<'_>, timeline: &Timeline, area: Rect) {
    for (event, y) in timeline.events.iter().zip(area.top()..area.bottom()) {
        let at = Timestamp::from_second(event.at)
            .map_or_else(|_| String::new(), |at| points_words::short_moment(at, model.now));
        let spans = [
            (format!("{} {:<13} ", symbol(event.sort), word(event.sort)), role(event.sort)),
            (format!("{at:<17} "), Role::Dim),
            (event.says.to_string(), Role::Text),
        ];
        pen.spans(area.x + 1, y, area.width.saturating_sub(2), &spans);
    }
}
