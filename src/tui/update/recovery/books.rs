//! Pane 4: moving about among runbooks, and opening one.

use super::super::pane::Step;
use crate::domain::ids::ComponentId;
use crate::runbook::plan::Mode;
use crate::tui::effect::Effect;
use crate::tui::model::{Form, Model, Overlay, Pane, PlanWanted};
use crate::tui::view::recovery::books_page;

pub(super) fn select(model: &mut Model, step: Step) {
    let page = books_page(model);
    let rows = model.books();
    let at = step.apply(model.book_index(&rows), rows.len().saturating_sub(1), page);
    model.books.selected = rows.get(at).map(|row| row.runbook.id.clone());
    follow(model);
}

pub(super) fn follow(model: &mut Model) {
    let rows = model.books();
    let (at, count) = (model.book_index(&rows), rows.len());
    model.books.offset = super::super::pane::kept(model.books.offset, at, count, books_page(model));
}

pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.selected_book() else { return Vec::new() };
    model.books.selected = Some(row.runbook.id.clone());
    let about = model.books.about.clone();
    let form = Form::new(model, row.runbook, about.as_ref());
    model.overlays.push(Overlay::Form(Box::new(form)));
    Vec::new()
}

pub(super) fn clicked(model: &mut Model, nth: usize) -> Vec<Effect> {
    let rows = model.books();
    let Some(id) = rows.get(nth + model.books.offset).map(|row| row.runbook.id.clone()) else {
        return Vec::new();
    };
    if model.books.selected.as_ref() == Some(&id) {
        return open(model);
    }
    model.books.selected = Some(id);
    Vec::new()
}

/// Shows the runbooks that fit the component that is selected.
pub(in crate::tui::update) fn recover(model: &mut Model) -> Vec<Effect> {
    let Some(about) = component_here(model) else { return Vec::new() };
    model.overlays.clear();
    model.pane = Pane::Runbooks;
    model.books.about = Some(about);
    (model.books.selected, model.books.offset) = (None, 0);
    model.books.filter.reset();
    vec![Effect::Judge(model.judge_request())]
}

/// Returns the component that is meant here: the one whose details are shown, else the one under the cursor.
fn component_here(model: &Model) -> Option<ComponentId> {
    let detail = model.overlays.iter().rev().find_map(|overlay| match overlay {
        Overlay::Detail { component, .. } => Some(component.clone()),
        Overlay::Point { point, .. } => Some(point.component.clone()),
        _ => None,
    });
    match model.pane {
        _ if detail.is_some() => detail,
        Pane::Points => model.points.selected.as_ref().map(|point| point.component.clone()),
        Pane::Runbooks => model.books.about.clone(),
        _ => model.selected_row().map(|row| row.component.id.clone()),
    }
}

/// Returns the command that makes the same plan.
pub(super) fn command_line(wanted: &PlanWanted) -> String {
    let mut line = format!("lifeboat run {}", wanted.runbook);
    for (name, value) in &wanted.said {
        let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/+=@,".contains(c));
        let value = if plain { value.clone() } else { format!("'{}'", value.replace('\'', "'\\''")) };
        line.push_str(&format!(" -p {name}={value}"));
    }
    match wanted.mode {
        Mode::Recover => {}
        Mode::Drill => line.push_str(" --mode drill"),
        Mode::Tabletop => line.push_str(" --mode tabletop"),
    }
    line.push_str(&format!(" --failure {}", wanted.failure.name()));
    line
}
