//! Pane 1: moving about among components, opening them, and copying what is said of them.

use super::pane::Step;
use crate::domain::reading::{Capability, ReadTrouble, Subject};
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Overlay};
use crate::tui::view::layout;

/// Moves the cursor.
pub(super) fn select(model: &mut Model, step: Step) {
    let page = layout::page(model);
    let rows = model.rows();
    let at = step.apply(model.selected_index(&rows), rows.len().saturating_sub(1), page);
    let id = rows.get(at).map(|row| row.component.id.clone());
    model.overview.selected = id;
    follow(model);
}

/// Keeps the cursor on the screen.
pub(super) fn follow(model: &mut Model) {
    let page = layout::page(model).max(1);
    let rows = model.rows();
    let (at, count) = (model.selected_index(&rows), rows.len());
    let offset = model.overview.offset.min(count.saturating_sub(page));
    model.overview.offset = if at < offset {
        at
    } else if at >= offset + page {
        at + 1 - page
    } else {
        offset
    };
}

/// Shows the details of the component under the cursor.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(component) = model.selected_row().map(|row| row.component.id.clone()) else { return Vec::new() };
    model.overview.selected = Some(component.clone());
    model.overlays.push(Overlay::Detail { component, scroll: 0 });
    vec![Effect::Judge(model.judge_request())]
}

/// Selects the row that was clicked on; a second click opens it.
pub(super) fn clicked(model: &mut Model, line: u16) -> Vec<Effect> {
    let Some(nth) = layout::row_at(model, line) else { return Vec::new() };
    let rows = model.rows();
    let Some(clicked) = rows.get(nth).map(|row| row.component.id.clone()) else { return Vec::new() };
    if model.overview.selected.as_ref() == Some(&clicked) {
        return open(model);
    }
    model.overview.selected = Some(clicked);
    Vec::new()
}

/// Copies what is selected, raw: the missing permission as an IAM statement where a read was denied, else the verdict.
pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.selected_row() else { return Vec::new() };
    let id = row.component.id.clone();
    let denied = model.snapshot.readings.iter().find_map(|(key, reading)| match &key.subject {
        Subject::Component(component, _) if *component == id && key.capability != Capability::Proofs => {
            let failed = reading.failed.iter().map(|failed| &failed.why);
            let mut troubles = failed.chain(reading.lacking.iter().map(|lack| &lack.why));
            troubles.find_map(|why| match why {
                ReadTrouble::Denied { permission, .. } => Some(permission.clone()),
                _ => None,
            })
        }
        _ => None,
    });
    let (text, says) = if let Some(permission) = denied {
        let statement = serde_json::json!({ "Effect": "Allow", "Action": permission, "Resource": "*" });
        (statement.to_string(), format!("the IAM statement that allows {permission}"))
    } else {
        let assessment = row.assessment;
        let text = format!(
            "{id}, if {}: {}. RPO: {}. RTO: {}.",
            model.scope.words(),
            assessment.verdict,
            assessment.rpo.reason,
            assessment.rto.reason
        );
        (text, format!("the verdict on {id}"))
    };
    model.notice = Some(super::copied(model, &says));
    vec![Effect::Copy(text)]
}
