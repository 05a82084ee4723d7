//! Where things stand: the only place that divides the screen, used by the view and by the update alike.

use crate::domain::readiness::{Severity, Trouble, headline};
use crate::domain::scope::FailureScope;
use crate::tui::model::Model;
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

/// Returns how many lines a sheet shows at a size: all of the body but its title and the line under it.
pub fn sheet_height(size: (u16, u16)) -> u16 {
    size.1.saturating_sub(6)
}

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
}

/// Returns where the parts of the overview stand in `body`.
pub fn overview(model: &Model, body: Rect) -> Overview {
    let sentence = u16::try_from(sentence(model, body.width).len()).unwrap_or(1).clamp(1, 3);
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
    let sentence = take(sentence);
    let alert = take(u16::from(standing == 0 && alert(model).is_some()));
    take(presenter_gap);
    let tabs = take(1);
    take(presenter_gap);
    let heading = take(1);
    let below = why + standing;
    let rows = take(body.bottom().saturating_sub(heading.bottom()).saturating_sub(below));
    let standing = take(standing);
    let why = take(why);
    Overview { sentence, alert, tabs, heading, rows, why, standing }
}

/// Returns the sentence on top, in lines.
pub(super) fn sentence(model: &Model, width: u16) -> Vec<String> {
    let said = headline(&model.estate, &model.judgement.assessments, model.scope, model.environment.as_ref());
    super::pen::wrap(&said, usize::from(width.saturating_sub(2)))
}

/// Returns the most urgent of what is in the way, where it is an alarm.
pub(super) fn alert(model: &Model) -> Option<&Trouble> {
    let mut standing = model.judgement.troubles.iter().filter(|trouble| trouble.scope.is_none());
    standing.next().filter(|trouble| trouble.severity == Severity::Alarm)
}

fn parts(model: &Model) -> Overview {
    overview(model, body(Rect { x: 0, y: 0, width: model.size.0, height: model.size.1 }))
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

/// The column where each failure's tab begins, and its width.
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
    if line != parts(model).tabs.y {
        return None;
    }
    tabs().into_iter().find(|(_, x, width)| (*x..x + width).contains(&column)).map(|(scope, ..)| scope)
}
