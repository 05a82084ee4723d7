//! Pane 1: the sentence, the switch of failures, the table, and why the selected row is as it is.

use super::clock;
use super::layout;
use super::pen::{Pen, Span};
use super::words;
use crate::domain::readiness::{Assessment, Loss, RecoveryTime, Trouble, Verdict, tally};
use crate::domain::scope::FailureScope;
use crate::tui::model::{Model, Row};
use crate::tui::theme::Role;
use ratatui::layout::Rect;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// How many columns a gauge takes, its ends included.
const GAUGE: u16 = 14;

/// Draws the overview.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect) {
    let parts = layout::overview(model, body);
    let beside = layout::beside_clock(model, body);
    if layout::has_clock(model, body) {
        clock::draw(model.now, pen, body.right().saturating_sub(1), body.y);
    }
    for (nth, line) in
        layout::sentence(model, beside).iter().take(usize::from(parts.sentence.height)).enumerate()
    {
        let y = parts.sentence.y + u16::try_from(nth).unwrap_or(0);
        pen.text(body.x + 1, y, beside.saturating_sub(2), line, Role::Strong);
    }
    if parts.alert.height > 0 {
        alert(model, pen, Rect { width: beside, ..parts.alert });
    }
    tabs(model, pen, Rect { width: beside, ..parts.tabs });
    table(model, pen, parts.heading, parts.rows);
    if parts.standing.height > 1 {
        standing(model, pen, parts.standing);
    }
    why(model, pen, parts.why);
    super::recovery::draw_strip(model, pen, parts.strip);
    let hidden = model.rows().len().saturating_sub(model.overview.offset + layout::page(model));
    if hidden > 0 {
        let more = format!(" {} {hidden} more below ", pen.glyphs().more());
        pen.right(body.x, body.right().saturating_sub(1), parts.rows.bottom(), &more, Role::Dim);
    }
}

/// Draws what happened, and how much else is in the way.
fn alert(model: &Model, pen: &mut Pen<'_>, line: Rect) {
    let Some(trouble) = layout::alert(model) else { return };
    let others = model.judgement.troubles.iter().filter(|trouble| trouble.scope.is_none()).count() - 1;
    let more = if others > 0 { format!("  t: {others} more in the way") } else { String::new() };
    let room = line.width.saturating_sub(2);
    let width = u16::try_from(more.width()).unwrap_or(0);
    let spans = [
        (format!("{} ", pen.glyphs().severity(trouble.severity)), Role::Breached),
        (format!("{}: ", super::sheet::whose(trouble)), Role::Strong),
        (trouble.says.to_string(), Role::Text),
    ];
    pen.spans(line.x + 1, line.y, room.saturating_sub(width), &spans);
    pen.right(line.x, line.right().saturating_sub(1), line.y, &more, Role::Dim);
}

fn tabs(model: &Model, pen: &mut Pen<'_>, line: Rect) {
    pen.raw(line.x + 1, line.y, 6, "if", Role::Dim);
    let (left, right) = pen.glyphs().chosen();
    for (scope, x, width) in layout::tabs() {
        let x = line.x + x;
        let tally = tally(&model.estate, &model.judgement.assessments, scope, model.environment.as_ref());
        let bad = tally.of(Verdict::Breached) + tally.of(Verdict::Unknown);
        let key = match scope {
            FailureScope::Local => "L",
            FailureScope::Region => "R",
            FailureScope::Account => "A",
        };
        if scope == model.scope {
            let text = format!("{left} {} {bad:>3} {right}", scope.words());
            pen.raw(x, line.y, width, &text, Role::TabChosen);
        } else {
            let end = pen.raw(x, line.y, width, &format!("{key} "), Role::Key);
            pen.raw(end, line.y, width, &format!("{} {bad:>3}", scope.words()), Role::Tab);
        }
    }
    let count = model.rows().len();
    let all = model.estate.components.len();
    let filter = model.overview.filter.value();
    let shown = match (filter.is_empty(), line.width >= 100) {
        (true, true) => format!("{count} of {all} shown"),
        (true, false) => format!("{count}/{all}"),
        (false, true) => format!("filter {filter}: {count} of {all} shown"),
        (false, false) => format!("/{filter} {count}/{all}"),
    };
    let left = layout::tabs().last().map_or(line.x, |(_, x, width)| line.x + x + width + 1);
    pen.right(left, line.right().saturating_sub(1), line.y, &shown, Role::Dim);
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Verdict,
    Component,
    Kind,
    Environment,
    Loss,
    LossLimit,
    LossGauge,
    Time,
    TimeLimit,
    TimeGauge,
    Proven,
    Standing,
    Read,
}

/// The columns in the order in which they are kept when there is too little room.
const KEPT: [Column; 13] = [
    Column::Verdict,
    Column::Component,
    Column::Loss,
    Column::Time,
    Column::Read,
    Column::LossLimit,
    Column::TimeLimit,
    Column::Kind,
    Column::LossGauge,
    Column::Proven,
    Column::Standing,
    Column::TimeGauge,
    Column::Environment,
];

/// The columns from left to right.
const SHOWN: [Column; 13] = [
    Column::Verdict,
    Column::Component,
    Column::Kind,
    Column::Environment,
    Column::Loss,
    Column::LossLimit,
    Column::LossGauge,
    Column::Time,
    Column::TimeLimit,
    Column::TimeGauge,
    Column::Proven,
    Column::Standing,
    Column::Read,
];

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Self::Verdict => "",
            Self::Component => "component",
            Self::Kind => "kind",
            Self::Environment => "environment",
            Self::Loss => "could lose",
            Self::LossLimit | Self::TimeLimit => "limit",
            Self::LossGauge | Self::TimeGauge => "",
            Self::Time => "back in",
            Self::Proven => "proven",
            Self::Standing => "in the way",
            Self::Read => "read",
        }
    }

    fn is_figure(self) -> bool {
        matches!(self, Self::Loss | Self::LossLimit | Self::Time | Self::TimeLimit | Self::Read)
    }

    fn text(self, model: &Model, row: &Row<'_>) -> String {
        let glyphs = model.look.glyphs;
        let assessment = row.assessment;
        match self {
            Self::Verdict => format!("{} {}", glyphs.verdict(assessment.verdict), assessment.verdict.word()),
            Self::Component => row.component.id.to_string(),
            Self::Kind => row.component.kind.words().to_owned(),
            Self::Environment => row.component.environment.to_string(),
            Self::Loss => words::loss(assessment.rpo.possible, glyphs),
            Self::LossLimit => words::limit(assessment.rpo.limit, glyphs),
            Self::LossGauge | Self::TimeGauge => String::new(),
            Self::Time => words::time(assessment.rto.possible),
            Self::TimeLimit => words::limit(assessment.rto.limit, glyphs),
            Self::Proven => match &assessment.rto.proven {
                Some(proof) => {
                    let took = crate::domain::duration::words(proof.took);
                    format!("{took}, {}", words::ago(proof.at, model.now))
                }
                None => "never".to_owned(),
            },
            Self::Standing => standing_of(model, row).join(", ").replace('-', " "),
            Self::Read => assessment.read_at.map_or("never".to_owned(), |at| words::age(at, model.now)),
        }
    }

    fn width(self, model: &Model, rows: &[Row<'_>], pen: &Pen<'_>) -> u16 {
        match self {
            Self::LossGauge | Self::TimeGauge => GAUGE,
            // The longest verdict, so that the table does not jump from one failure to the next.
            Self::Verdict => 14,
            _ => {
                let widest =
                    rows.iter().map(|row| pen.shown(&self.text(model, row)).width()).max().unwrap_or(0);
                let most = if self == Self::Standing { 30 } else { 64 };
                u16::try_from(widest.max(self.heading().width()).min(most)).unwrap_or(64)
            }
        }
    }
}

/// Returns what stands in the way of a component, by short names.
fn standing_of(model: &Model, row: &Row<'_>) -> Vec<&'static str> {
    let mut codes: Vec<_> = model
        .judgement
        .troubles
        .iter()
        .filter(|trouble| trouble.scope.is_none() && trouble.component.as_ref() == Some(&row.component.id))
        .map(|trouble| trouble.code.name())
        .collect();
    codes.dedup();
    codes
}

fn table(model: &Model, pen: &mut Pen<'_>, heading: Rect, area: Rect) {
    let rows = model.rows();
    let height = layout::row_height(model);
    let visible = usize::from(area.height / height);
    let shown = rows.get(model.overview.offset..).unwrap_or_default();
    let shown = shown.get(..visible.min(shown.len())).unwrap_or_default();
    if rows.is_empty() {
        let says = if model.judgement.assessments.under(model.scope).next().is_none() {
            "nothing has been read yet"
        } else {
            "nothing matches the filter"
        };
        pen.raw(area.x + 1, area.y, area.width.saturating_sub(2), says, Role::Dim);
        return;
    }
    let columns = columns(model, shown, pen, area.width);
    let mut x = heading.x + 1;
    for (column, width) in &columns {
        if column.is_figure() {
            pen.right(x, x + width, heading.y, column.heading(), Role::Heading);
        } else {
            pen.raw(x, heading.y, *width, column.heading(), Role::Heading);
        }
        x += width + 1;
    }
    let selected = model.selected_index(&rows);
    for (nth, row) in shown.iter().enumerate() {
        let y = area.y + u16::try_from(nth).unwrap_or(0) * height;
        let is_selected = model.overview.offset + nth == selected;
        draw_row(model, pen, row, &columns, area, y, is_selected);
    }
}

fn columns(model: &Model, rows: &[Row<'_>], pen: &Pen<'_>, room: u16) -> Vec<(Column, u16)> {
    let several = model.environments().count() > 1;
    let mut left = room.saturating_sub(2);
    let mut kept = Vec::new();
    for column in KEPT {
        if column == Column::Environment && !several {
            continue;
        }
        let width = column.width(model, rows, pen);
        // The first two are shown whatever happens; the last column asks for no space after it.
        if kept.len() >= 2 && width > left {
            continue;
        }
        left = left.saturating_sub(width + 1);
        kept.push((column, width));
    }
    SHOWN.iter().filter_map(|shown| kept.iter().find(|(column, _)| column == shown).copied()).collect()
}

fn draw_row(
    model: &Model,
    pen: &mut Pen<'_>,
    row: &Row<'_>,
    columns: &[(Column, u16)],
    area: Rect,
    y: u16,
    selected: bool,
) {
    let calm = matches!(row.assessment.verdict, Verdict::Met | Verdict::NoObjective);
    let plain = if calm { Role::Dim } else { Role::Text };
    let mut x = area.x + 1;
    for (column, width) in columns {
        let role = match column {
            Column::Verdict => words::role(row.assessment.verdict),
            Column::Component if !calm => Role::Strong,
            // A total loss never looks neutral, promised or not.
            Column::Loss if row.assessment.rpo.possible == Loss::Everything => Role::Breached,
            Column::Loss => figure_role(row.assessment.rpo.verdict, plain),
            Column::Time => figure_role(row.assessment.rto.verdict, plain),
            Column::Standing => Role::AtRisk,
            Column::Kind | Column::Environment | Column::Read | Column::LossLimit | Column::TimeLimit => {
                Role::Dim
            }
            _ => plain,
        };
        match column {
            Column::LossGauge => {
                gauge(pen, x, y, loss_share(row.assessment), role_of_gauge(row.assessment.rpo.verdict));
            }
            Column::TimeGauge => {
                gauge(pen, x, y, time_share(row.assessment), role_of_gauge(row.assessment.rto.verdict));
            }
            column if column.is_figure() => {
                pen.right(x, x + width, y, &column.text(model, row), role);
            }
            column => {
                pen.text(x, y, *width, &column.text(model, row), role);
            }
        }
        x += width + 1;
    }
    if selected {
        pen.restyle(Rect { x: area.x, y, width: area.width, height: 1 }, Role::Selected);
    }
}

fn figure_role(verdict: Verdict, plain: Role) -> Role {
    match verdict {
        Verdict::Met | Verdict::NoObjective | Verdict::Unproven => plain,
        bad => words::role(bad),
    }
}

fn role_of_gauge(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Met | Verdict::NoObjective | Verdict::Unproven => Role::Dim,
        verdict => words::role(verdict),
    }
}

fn share(of: Duration, limit: Duration) -> f64 {
    if limit.is_zero() {
        return if of.is_zero() { 0.0 } else { f64::INFINITY };
    }
    of.as_secs_f64() / limit.as_secs_f64()
}

fn loss_share(assessment: &Assessment) -> Option<f64> {
    match (assessment.rpo.possible, assessment.rpo.limit?) {
        (Loss::Span(span), limit) => Some(share(span, limit)),
        (Loss::Everything, _) => Some(f64::INFINITY),
        (Loss::Unknown(_) | Loss::NotApplicable, _) => None,
    }
}

fn time_share(assessment: &Assessment) -> Option<f64> {
    match (assessment.rto.possible, assessment.rto.limit?) {
        (RecoveryTime::Measured(time), limit) => Some(share(time, limit)),
        (RecoveryTime::Cannot, _) => Some(f64::INFINITY),
        (RecoveryTime::AtLeast(_) | RecoveryTime::Unknown, _) => None,
    }
}

/// Draws how much of a limit is used up; nothing where that cannot be told.
fn gauge(pen: &mut Pen<'_>, x: u16, y: u16, share: Option<f64>, role: Role) {
    let Some(share) = share else { return };
    let parts = pen.glyphs().gauge();
    let cells = usize::from(GAUGE) - 2;
    let mut bar = String::new();
    if share > 1.0 {
        bar.push_str(&parts.full.repeat(cells - 1));
        bar.push_str(parts.over);
    } else {
        let eighths = (share * (cells * 8) as f64).ceil() as usize;
        bar.push_str(&parts.full.repeat(eighths / 8));
        if !eighths.is_multiple_of(8) {
            bar.push_str(parts.eighths.get(eighths % 8).copied().unwrap_or(" "));
        }
        while bar.width() < cells {
            bar.push_str(parts.empty);
        }
    }
    let at = pen.raw(x, y, 1, parts.left, Role::Rule);
    let at = pen.raw(at, y, GAUGE - 2, &bar, role);
    pen.raw(at, y, 1, parts.right, Role::Rule);
}

/// Draws why the selected row is as it is.
fn why(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    if area.height == 0 {
        return;
    }
    pen.rule(area, area.y);
    let Some(row) = model.selected_row() else { return };
    let assessment = row.assessment;
    let mut lines: Vec<Vec<Span>> = Vec::new();
    let mut title = vec![
        (row.component.id.to_string(), Role::Strong),
        (
            format!(
                "  {} in {}, {}",
                row.component.kind.words(),
                row.component.environment,
                row.component.home.region
            ),
            Role::Dim,
        ),
    ];
    if let Some(owner) = &row.component.owner {
        title.push((format!(", owner {owner}"), Role::Dim));
    }
    lines.push(title);
    let width = usize::from(area.width.saturating_sub(10));
    let mut said = |label: &str, verdict: Verdict, text: &str| {
        for (nth, part) in words::lines(model, text, width).into_iter().enumerate() {
            let label = if nth == 0 { format!("{label:<8}") } else { " ".repeat(8) };
            lines.push(vec![(label, Role::Heading), (part, figure_role(verdict, Role::Text))]);
        }
    };
    said("loses", assessment.rpo.verdict, assessment.rpo.reason.as_str());
    said("back in", assessment.rto.verdict, assessment.rto.reason.as_str());
    for trouble in
        model.judgement.troubles.iter().filter(|trouble| {
            trouble.scope.is_none() && trouble.component.as_ref() == Some(&row.component.id)
        })
    {
        said("but", Verdict::AtRisk, trouble.says.as_str());
    }
    let room = usize::from(area.height) - 1;
    for (nth, line) in lines.iter().take(room).enumerate() {
        let y = area.y + 1 + u16::try_from(nth).unwrap_or(0);
        pen.spans(area.x + 1, y, area.width.saturating_sub(2), line);
    }
}

/// Draws what is in the way, where the screen is tall enough.
fn standing(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    pen.rule(area, area.y);
    let all: Vec<&Trouble> =
        model.judgement.troubles.iter().filter(|trouble| trouble.scope.is_none()).collect();
    pen.raw(area.x + 1, area.y + 1, area.width, &format!("in the way  {}", all.len()), Role::Heading);
    let room = usize::from(area.height) - 2;
    for (nth, trouble) in all.iter().take(room).enumerate() {
        let y = area.y + 2 + u16::try_from(nth).unwrap_or(0);
        let (role, whose) = (super::sheet::severity_role(trouble.severity), super::sheet::whose(trouble));
        let glyph = pen.glyphs().severity(trouble.severity);
        let spans = [
            (format!("{glyph} "), role),
            (format!("{whose:<22} "), Role::Strong),
            (trouble.says.to_string(), Role::Text),
        ];
        pen.spans(area.x + 1, y, area.width.saturating_sub(2), &spans);
    }
}
