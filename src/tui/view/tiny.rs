//! The status alone, where there is no room for more.

use super::frame;
use super::layout;
use super::pen::Pen;
use super::words;
use crate::domain::readiness::{Verdict, headline, tally};
use crate::domain::scope::FailureScope;
use crate::tui::model::Model;
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Draws the status.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    if area.width < layout::STATUS.0 || area.height < layout::STATUS.1 {
        let says = format!(
            "{} by {} is too small: 40 by 10 shows the status, 80 by 24 everything",
            area.width, area.height
        );
        for (nth, line) in
            pen.lines(&says, usize::from(area.width)).iter().take(usize::from(area.height)).enumerate()
        {
            pen.raw(area.x, area.y + u16::try_from(nth).unwrap_or(0), area.width, line, Role::Text);
        }
        return;
    }
    pen.fill(Rect { height: 1, ..area }, Role::Bar);
    pen.spans(area.x, area.y, area.width, &frame::badges(model));
    let mut y = area.y + 1;
    let said = headline(&model.estate, &model.judgement.assessments, model.scope, model.environment.as_ref());
    for line in
        pen.lines(&said, usize::from(area.width - 2)).iter().take(usize::from(area.height.saturating_sub(6)))
    {
        pen.text(area.x + 1, y, area.width - 2, line, Role::Strong);
        y += 1;
    }
    pen.rule(area, y);
    y += 1;
    for scope in FailureScope::ALL {
        let tally = tally(&model.estate, &model.judgement.assessments, scope, model.environment.as_ref());
        let count = |verdict: Verdict| {
            (format!("  {}{}", model.look.glyphs.verdict(verdict), tally.of(verdict)), words::role(verdict))
        };
        let spans = [
            (
                format!("{:<14}", scope.words()),
                if scope == model.scope { Role::TabChosen } else { Role::Tab },
            ),
            count(Verdict::Breached),
            count(Verdict::Unknown),
            count(Verdict::AtRisk),
            count(Verdict::Met),
        ];
        pen.spans(area.x + 1, y, area.width - 2, &spans);
        y += 1;
    }
    for row in model.rows() {
        if y + 1 >= area.bottom() {
            break;
        }
        let verdict = row.assessment.verdict;
        let spans = [
            (format!("{} {:<9} ", model.look.glyphs.verdict(verdict), verdict.word()), words::role(verdict)),
            (row.component.id.to_string(), Role::Text),
        ];
        pen.spans(area.x + 1, y, area.width - 2, &spans);
        y += 1;
    }
    let utc = model.now.to_zoned(jiff::tz::TimeZone::UTC).strftime("%H:%M UTC").to_string();
    pen.text(area.x + 1, area.bottom() - 1, area.width - 12, "80 by 24 shows everything", Role::Dim);
    pen.right(area.x, area.right() - 1, area.bottom() - 1, &utc, Role::Dim);
}
