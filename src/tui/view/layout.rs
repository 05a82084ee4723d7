//! Where things stand: the only place that divides the screen, used by the view and by the update alike.

use crate::domain::readiness::{Severity, Trouble, headline};
use crate::domain::scope::FailureScope;
use crate::tui::model::{Model, Pane};
use ratatui::layout::Rect;

/// From this size on the whole console is shown; below it, the status only.
pub const FULL: (u16, u16) = (80, 24);
/// From this size on the status is shown; below it, that there is too little room.
pub const STATUS: (u16, u16) = (40, 10);

/// Says whether there is room for the status only.
pub fn is_tiny(size: (u16, u16)) -> bool {
    size.0 < FULL.0 || size.1 < FULL.1
}

/// Returns the part between the bar on top and the hints below.
pub fn body(area: Rect) -> Rect {
    Rect { y: area.y + 2, height: area.height.saturating_sub(4), ..area }
}

/// Returns the part of the body that is written on: a shared screen gets broader margins where there is room.
pub fn written(model: &Model, body: Rect) -> Rect {
    let margin = if model.presenter && body.width >= 100 { MARGIN } else { 0 };
    Rect { x: body.x + margin, width: body.width - 2 * margin, ..body }
}

/// Says whether the overview has room for the large clock.
pub(super) fn has_clock(model: &Model, body: Rect) -> bool {
    model.presenter && model.size.0 >= 160 && body.height >= 30
}

/// Returns how much of a line on top of the overview is left beside the clock.
pub(super) fn beside_clock(model: &Model, body: Rect) -> u16 {
    if has_clock(model, body) { body.width.saturating_sub(super::clock::WIDTH + 4) } else { body.width }
}

/// Returns how many lines a sheet shows at a size: all of the body but its title and the line under it.
pub fn sheet_height(size: (u16, u16)) -> u16 {
    size.1.saturating_sub(6)
}

/// How much broader the margins of a shared screen are.
const MARGIN: u16 = 2;

/// Where the parts of the overview stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overview {
    /// The sentence.
    pub sentence: Rect,
    /// What happened, in one line; without height when nothing did.
    pub alert: Rect,
    /// The failures.
    pub tabs: Rect,
    /// The headings of the table.
    pub heading: Rect,
    /// The rows of the table.
    pub rows: Rect,
    /// Why the selected one is as it is.
    pub why: Rect,
    /// What is in the way; without height where there is no room for it.
    pub standing: Rect,
    /// The runs that are not over; without height where there is none.
    pub strip: Rect,
}

/// Returns where the parts of the overview stand in `body`.
pub fn overview(model: &Model, body: Rect) -> Overview {
    let beside = beside_clock(model, body);
    let sentence = u16::try_from(sentence(model, beside).len()).unwrap_or(1).clamp(1, 3);
    let why = if body.height >= 40 { 8 } else { 5 };
    let in_the_way = model.judgement.troubles.iter().filter(|trouble| trouble.scope.is_none()).count();
    let standing = if body.height >= 40 { u16::try_from(in_the_way + 2).unwrap_or(10).min(10) } else { 0 };
    let presenter_gap = u16::from(model.presenter && body.height >= 30);
    let mut y = body.y;
    let mut take = |height: u16| {
        let height = height.min(body.bottom().saturating_sub(y));
        let part = Rect { x: body.x, y, width: body.width, height };
        y += height;
        part
    };
    take(presenter_gap);
    let sentence = take(sentence);
    let alert = take(u16::from(standing == 0 && alert(model).is_some()));
    take(presenter_gap);
    let tabs = take(1);
    take(presenter_gap);
    if has_clock(model, body) {
        take((body.y + super::clock::HEIGHT + 2).saturating_sub(tabs.bottom() + presenter_gap));
    }
    let heading = take(1);
    let strip = super::recovery::strip_height(model);
    let below = why + standing + strip;
    let rows = take(body.bottom().saturating_sub(heading.bottom()).saturating_sub(below));
    let standing = take(standing);
    let why = take(why);
    let strip = take(strip);
    Overview { sentence, alert, tabs, heading, rows, why, standing, strip }
}

/// Where the parts of pane 2 stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Points {
    /// The sentence.
    pub sentence: Rect,
    /// What could not be read, in one line; without height when everything was.
    pub blind: Rect,
    /// The failures, and what is shown.
    pub tabs: Rect,
    /// The headings of the table.
    pub heading: Rect,
    /// The rows of the table.
    pub rows: Rect,
    /// The timeline.
    pub timeline: Rect,
}

/// Returns where the parts of pane 2 stand in `body`.
pub fn points(model: &Model, body: Rect) -> Points {
    let sentence = super::points_words::sentence(model);
    let lines = super::words::lines(model, &sentence, usize::from(body.width.saturating_sub(2))).len();
    let blind = model
        .points_judged()
        .is_some_and(|judged| !judged.list.blind.is_empty() || judged.list.unfinished > 0);
    let gap = u16::from(model.presenter && body.height >= 30);
    // Of one height whatever is selected: nothing jumps when the cursor moves.
    let places = model.estate.components.iter().map(|component| component.sources.len()).max().unwrap_or(1);
    // The title, the places, what happened and the axis; where there is room, what happened in words.
    let needed = 3 + u16::try_from(places).unwrap_or(6).min(6);
    let timeline = match body.height {
        0..26 => needed.min(6),
        26..46 => needed + 2,
        _ => needed + 5,
    };
    let mut y = body.y;
    let mut take = |height: u16| {
        let height = height.min(body.bottom().saturating_sub(y));
        let part = Rect { x: body.x, y, width: body.width, height };
        y += height;
        part
    };
    let sentence = take(u16::try_from(lines).unwrap_or(1).clamp(1, 3));
    let blind = take(u16::from(blind));
    take(gap);
    let tabs = take(1);
    take(gap);
    let table = u16::from(!model.points.whole);
    let heading = take(table);
    let rows = take(table * body.bottom().saturating_sub(heading.bottom()).saturating_sub(timeline));
    let timeline = take(body.height);
    Points { sentence, blind, tabs, heading, rows, timeline }
}

fn points_parts(model: &Model) -> Points {
    points(model, here(model))
}

/// Returns how many lines of pane 2's table are on the screen.
pub fn points_page(model: &Model) -> usize {
    if is_tiny(model.size) {
        return 1;
    }
    usize::from(points_parts(model).rows.height / row_height(model))
}

/// Returns the number of the table's line, counted from the first shown, that is in a line of the screen.
pub fn points_line_at(model: &Model, line: u16) -> Option<usize> {
    let rows = points_parts(model).rows;
    (rows.top()..rows.bottom()).contains(&line).then(|| usize::from((line - rows.y) / row_height(model)))
}

/// Returns the sentence on top, in lines.
pub(super) fn sentence(model: &Model, width: u16) -> Vec<String> {
    let said = headline(&model.estate, &model.judgement.assessments, model.scope, model.environment.as_ref());
    super::words::lines(model, &said, usize::from(width.saturating_sub(2)))
}

/// Returns the most urgent of what is in the way, where it is an alarm.
pub(super) fn alert(model: &Model) -> Option<&Trouble> {
    let mut standing = model.judgement.troubles.iter().filter(|trouble| trouble.scope.is_none());
    standing.next().filter(|trouble| trouble.severity == Severity::Alarm)
}

/// Returns the part of this screen that is written on.
pub fn here(model: &Model) -> Rect {
    written(model, body(Rect { x: 0, y: 0, width: model.size.0, height: model.size.1 }))
}

fn parts(model: &Model) -> Overview {
    overview(model, here(model))
}

/// Returns how many lines a row takes: a shared screen gets room between them.
pub fn row_height(model: &Model) -> u16 {
    if model.presenter { 2 } else { 1 }
}

/// Returns how many rows of the table are on the screen.
pub fn page(model: &Model) -> usize {
    if is_tiny(model.size) {
        return 1;
    }
    usize::from(parts(model).rows.height / row_height(model))
}

/// Returns the number of the row that is shown in a line of the screen.
pub fn row_at(model: &Model, line: u16) -> Option<usize> {
    let rows = parts(model).rows;
    (rows.top()..rows.bottom())
        .contains(&line)
        .then(|| usize::from((line - rows.y) / row_height(model)) + model.overview.offset)
}

/// The column where each failure's tab begins, from the left of the body, and its width.
pub(super) fn tabs() -> [(FailureScope, u16, u16); 3] {
    let mut x = 4;
    FailureScope::ALL.map(|scope| {
        let width = u16::try_from(scope.words().len()).unwrap_or(0) + 8;
        let at = (scope, x, width);
        x += width + 1;
        at
    })
}

/// Returns the failure whose tab is at a place of the screen.
pub fn tab_at(model: &Model, column: u16, line: u16) -> Option<FailureScope> {
    let shown = match model.pane {
        Pane::Overview => parts(model).tabs.y,
        Pane::Points => points_parts(model).tabs.y,
        // A pane without a switch of failures has no line for it.
        Pane::States | Pane::Runbooks | Pane::Runs | Pane::Journal => return None,
    };
    if line != shown {
        return None;
    }
    let column = column.checked_sub(here(model).x)?;
    tabs().into_iter().find(|(_, x, width)| (*x..x + width).contains(&column)).map(|(scope, ..)| scope)
}
