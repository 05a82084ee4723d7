//! What stands beside the tables: the evidence for a lock, and what is to be said of a state.

use super::super::pen::{Pen, Span};
use super::super::sheet::severity_role;
use super::super::words;
use crate::domain::Text;
use crate::tui::model::{LockRow, Model, StateRow, Under};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// How many columns a label takes.
const LABEL: usize = 14;

/// Labelled lines, hidden where that is asked for, and broken at the width of the screen.
pub(super) struct Said<'a> {
    model: &'a Model,
    width: usize,
    /// The lines.
    pub(super) lines: Vec<Vec<Span>>,
}

impl<'a> Said<'a> {
    /// Returns no lines of that width.
    pub(super) fn new(model: &'a Model, width: u16) -> Self {
        Self { model, width: usize::from(width), lines: Vec::new() }
    }

    /// Adds a labelled text.
    pub(super) fn row(&mut self, label: &str, text: &str, role: Role) {
        let width = self.width.saturating_sub(LABEL);
        for (nth, line) in words::lines(self.model, text, width).into_iter().enumerate() {
            let label = if nth == 0 { label } else { "" };
            self.lines.push(vec![(format!("{label:<LABEL$}"), Role::Heading), (line, role)]);
        }
    }

    /// Draws as many lines as there is room for. They are as they are to be shown.
    pub(super) fn draw(&self, pen: &mut Pen<'_>, x: u16, part: Rect) {
        for (line, y) in self.lines.iter().zip(part.top()..part.bottom()) {
            let mut at = x;
            for (text, role) in line {
                at = pen.raw(at, y, part.right().saturating_sub(at + 1), text, *role);
            }
        }
    }
}

/// Draws what speaks for and against the holder of the selected lock being gone; of the first, where none is selected.
pub(super) fn evidence(model: &Model, pen: &mut Pen<'_>, part: Rect) {
    let row = match model.under() {
        Some(Under::Lock(row)) => Some(row),
        _ => model.lock_row(model.states.lock_offset),
    };
    let Some(row) = row.filter(|_| part.height > 0) else { return };
    let mut said = Said::new(model, part.width.saturating_sub(5));
    let is_selected = matches!(model.under(), Some(Under::Lock(_)));
    if !is_selected {
        let path = format!("{} in {}", row.lock.path, row.place.region);
        said.row("lock on", &path, Role::Dim);
    }
    of_lock(row, &mut said);
    said.draw(pen, part.x + 3, part);
}

/// Says what is known of a lock.
pub(super) fn of_lock(row: &LockRow, said: &mut Said<'_>) {
    let evidence = &row.evidence;
    said.row("it is", evidence.means.as_str(), Role::Text);
    let all =
        |sentences: &[Text]| -> String { sentences.iter().map(Text::as_str).collect::<Vec<_>>().join("; ") };
    if evidence.living.is_empty() {
        said.row("may be alive", "nothing says that its holder is alive", Role::Dim);
    } else {
        said.row("may be alive", &all(&evidence.living), Role::Text);
    }
    if evidence.stale.is_empty() {
        said.row("may be gone", "nothing says that its holder is gone; age alone proves nothing", Role::Dim);
    } else {
        said.row("may be gone", &all(&evidence.stale), Role::AtRisk);
    }
    match (&row.lock.id, &row.lock.record) {
        (Some(id), _) => {
            let version = row.lock.terraform_version.as_ref();
            let version = version.map_or(String::new(), |version| format!(", Terraform {version}"));
            let taken = row.lock.created_at.filter(|_| said.width >= 110);
            let taken = taken.map_or(String::new(), |at| format!(", taken {}", words::moment(at)));
            said.row("lock ID", &format!("{id}{version}{taken}"), Role::Text);
        }
        (None, Some(record)) if !record.is_empty() => {
            said.row("its record", &format!("not Terraform's: {record}"), Role::Text);
        }
        (None, _) => said.row("lock ID", "none: its record is empty or was not read", Role::Unknown),
    }
    if let Some(doubt) = &row.doubt {
        said.row("but", &format!("this was {doubt}; it may be released since"), Role::Unknown);
    }
}

/// Draws what is to be said of the selected state.
pub(super) fn why(model: &Model, pen: &mut Pen<'_>, part: Rect) {
    if part.height == 0 {
        return;
    }
    pen.rule(part, part.y);
    let row = match model.under() {
        Some(Under::State(row)) => Some(row),
        // What a lock keeps from being written is worth a look as well.
        Some(Under::Lock(row)) => model.terraform().state(&row.lock.path, &row.place),
        None => None,
    };
    let Some(row) = row else { return };
    let mut said = Said::new(model, part.width.saturating_sub(2));
    let path = format!("{}, {}", row.state.path, row.place.region);
    said.row("state", &path, Role::Strong);
    of_state(model, row, &mut said);
    if row.is_replica {
        said.row("but", "? this is its replica: where it lives was not read", Role::Unknown);
    } else if row.troubles.is_empty() && row.doubt.is_none() {
        said.row("", "nothing is wrong with it, as far as it was read", Role::Dim);
    }
    said.row("", &newest(model, row), Role::Dim);
    said.draw(pen, part.x + 1, Rect { y: part.y + 1, height: part.height - 1, ..part });
}

/// Says in whole sentences what is wrong with a state.
pub(super) fn of_state(model: &Model, row: &StateRow, said: &mut Said<'_>) {
    for (severity, _, says) in &row.troubles {
        let glyph = model.look.glyphs.severity(*severity);
        said.row("but", &format!("{glyph} {says}"), severity_role(*severity));
    }
    if let Some(doubt) = &row.doubt {
        said.row("but", &format!("? {doubt}: it may be otherwise by now"), Role::Unknown);
    }
}

/// Says who wrote a state last, and when.
pub(super) fn newest(model: &Model, row: &StateRow) -> String {
    let Some(version) = row.state.current() else { return "it has no version".to_owned() };
    let mut says = format!("written {}", words::ago(version.written_at, model.now));
    if let Some(terraform) = &version.terraform_version {
        says.push_str(&format!(" by Terraform {terraform}"));
    }
    says.push_str(&format!(", {}", version.form.words()));
    if let Some(lineage) = &version.lineage {
        says.push_str(&format!(", lineage {}", lineage.as_str().get(..8).unwrap_or(lineage.as_str())));
    }
    let oldest = row.state.oldest_at.filter(|_| row.state.versions_in_all > 1);
    if let Some(oldest) = oldest {
        says.push_str(&format!(
            "; {} versions, the oldest written {}",
            row.state.versions_in_all,
            words::ago(oldest, model.now)
        ));
    }
    says
}
