//! The parameters of a runbook, with choices from what is read.

use super::super::pen::Pen;
use super::take;
use crate::runbook::plan::Mode;
use crate::tui::model::{Field, Form, Model};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Draws the form.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect, form: &Form) {
    let mut left = Rect { x: body.x + 1, width: body.width.saturating_sub(2), ..body };
    let title = take(&mut left, 1);
    pen.spans(
        title.x,
        title.y,
        title.width,
        &[
            (form.runbook.title.to_string(), Role::Strong),
            (format!("   if {}", model.scope.clause()), Role::Dim),
        ],
    );
    let rule = take(&mut left, 1);
    pen.rule(Rect { x: body.x, width: body.width, ..rule }, rule.y);
    for part in pen.lines(form.runbook.scenario.as_str(), usize::from(left.width)).iter().take(3) {
        let line = take(&mut left, 1);
        pen.text(line.x, line.y, line.width, part, Role::Text);
    }
    take(&mut left, 1);
    let widest = form.fields.iter().map(|field| field.name.len()).max().unwrap_or(0).clamp(8, 24);
    let name_width = u16::try_from(widest).unwrap_or(24) + 2;
    for (nth, field) in form.fields.iter().enumerate() {
        let line = take(&mut left, 1);
        draw_field(pen, line, field, name_width, nth == form.at);
    }
    take(&mut left, 1);
    let line = take(&mut left, 1);
    let mode = match form.mode {
        Mode::Recover => "in earnest",
        Mode::Drill => "as a drill: the same calls, marked as one",
        Mode::Tabletop => "as a tabletop: no call leaves",
    };
    let says = if form.is_planning {
        format!("making the plan {}", pen.glyphs().more())
    } else {
        "Make the plan: looks only, changes nothing".to_owned()
    };
    let at = pen.raw(line.x, line.y, line.width, &says, Role::Strong);
    pen.raw(at + 3, line.y, line.right().saturating_sub(at + 3), mode, Role::Dim);
    if form.at == form.fields.len() {
        pen.restyle(Rect { x: body.x, width: body.width, ..line }, Role::Selected);
    }
    if let Some(wrong) = &form.wrong {
        take(&mut left, 1);
        for part in pen.lines(wrong.as_str(), usize::from(left.width)).iter().take(5) {
            let line = take(&mut left, 1);
            pen.text(line.x, line.y, line.width, part, Role::Alarm);
        }
    }
    take(&mut left, 1);
    if let Some(field) = form.fields.get(form.at) {
        draw_help(pen, left, field);
    }
}

fn draw_field(pen: &mut Pen<'_>, line: Rect, field: &Field, name_width: u16, is_here: bool) {
    let value = field.input.value();
    let shown = if field.secret { "*".repeat(value.chars().count()) } else { value.to_owned() };
    pen.text(line.x, line.y, name_width, &field.name, if is_here { Role::Strong } else { Role::Text });
    let x = line.x + name_width;
    let room = line.right().saturating_sub(x);
    let after = if is_here {
        pen.text(x, line.y, room, &format!("{shown} "), Role::Input)
    } else if value.is_empty() {
        x
    } else {
        pen.text(x, line.y, room, &shown, Role::Text)
    };
    let (says, role) = match (value.is_empty(), field.chosen().and_then(|at| field.choices.get(at))) {
        (true, _) if field.is_missing() => ("has to be said".to_owned(), Role::AtRisk),
        (true, _) => {
            let default = field.default.as_deref().filter(|default| !default.is_empty());
            (default.map_or("may stay empty".to_owned(), |it| format!("if nothing is said: {it}")), Role::Dim)
        }
        (false, Some(choice)) => match &choice.flaw {
            Some(flaw) => (format!("{}: {flaw}", choice.says), Role::AtRisk),
            None => (choice.says.clone(), Role::Dim),
        },
        (false, None) => (String::new(), Role::Dim),
    };
    let x = after + 2;
    pen.text(x, line.y, line.right().saturating_sub(x), &says, role);
}

fn draw_help(pen: &mut Pen<'_>, mut left: Rect, field: &Field) {
    for part in pen.lines(field.says.as_str(), usize::from(left.width)).iter().take(3) {
        let line = take(&mut left, 1);
        pen.text(line.x, line.y, line.width, part, Role::Text);
    }
    let at = field.chosen();
    let room = usize::from(left.height);
    let first = at.unwrap_or(0).saturating_sub(room.saturating_sub(2));
    let widest = field.choices.iter().map(|choice| choice.value.len()).max().unwrap_or(0).min(48);
    for (nth, choice) in field.choices.iter().enumerate().skip(first).take(room) {
        let line = take(&mut left, 1);
        let here = at == Some(nth);
        let glyph = if here { pen.glyphs().into() } else { " " };
        let role = if choice.flaw.is_some() { Role::Dim } else { Role::Text };
        let flaw = choice.flaw.as_ref().map_or(String::new(), |flaw| format!("; {flaw}"));
        let spans = [
            (format!("{glyph} "), Role::Key),
            (format!("{:<widest$}  ", choice.value), if here { Role::Strong } else { role }),
            (choice.says.clone(), Role::Dim),
            (flaw, Role::AtRisk),
        ];
        pen.spans(line.x, line.y, line.width, &spans);
    }
}
