//! Pane 4: the runbooks, those that fit first.

use super::super::Model;
use super::super::filter::{Filter, means};
use super::choice::choices_of_point;
use crate::domain::Text;
use crate::domain::estate::Component;
use crate::domain::ids::ComponentId;
use crate::domain::reading::{Capability, Fact};
use crate::runbook::definition::{ParameterKind, Runbook};
use crate::runbook::fitting::{Fit, Situation, fitting};
use std::sync::Arc;
use tui_input::Input;

/// The state of the pane.
#[derive(Debug, Clone, Default)]
pub struct Books {
    /// The runbook under the cursor.
    pub selected: Option<String>,
    /// The first row shown.
    pub offset: usize,
    /// The component that they are to fit; none shows all.
    pub about: Option<ComponentId>,
    /// What is filtered for.
    pub filter: Input,
    /// Whether the filter is being typed.
    pub filtering: bool,
}

/// A row: a runbook, how well it fits and why.
#[derive(Debug, Clone)]
pub struct BookRow {
    /// The runbook.
    pub runbook: Arc<Runbook>,
    /// How well it fits, and why; `None` where nothing was chosen that it could fit.
    pub fit: Option<(Fit, String)>,
}

impl Model {
    /// Returns how a component stands.
    pub fn situation(&self, component: &Component) -> Situation {
        let reading = self.snapshot.readings.of(&component.id, &component.home, Capability::Condition);
        let health = reading.and_then(|reading| match &reading.held.as_ref()?.fact {
            Fact::Condition(condition) => Some(condition.health),
            _ => None,
        });
        let point = choices_of_point(self, &component.id, self.scope)
            .into_iter()
            .find(|choice| choice.flaw.is_none())
            .map(|choice| Text::new(&format!("newest: {}", choice.says)));
        Situation { kind: component.kind, health, failure: self.scope, point }
    }

    /// Returns the runbooks that are shown, those that fit first.
    pub fn books(&self) -> Vec<BookRow> {
        let filter = Filter::parse(self.books.filter.value());
        let component = self.books.about.as_ref().and_then(|id| self.estate.component(id));
        let situation = component.map(|component| self.situation(component));
        let mut rows: Vec<BookRow> = self
            .library
            .iter()
            .filter_map(|runbook| {
                let fit = match &situation {
                    Some(situation) => Some(fitting(runbook, situation)?),
                    None => None,
                };
                Some(BookRow { runbook: runbook.clone(), fit })
            })
            .filter(|row| {
                let columns = [
                    ("runbook", row.runbook.id.as_str()),
                    ("kind", kind_word(&row.runbook)),
                    ("title", row.runbook.title.as_str()),
                ];
                filter.accepts(|column, value| {
                    columns
                        .iter()
                        .any(|(name, text)| means(column, name) && text.to_lowercase().contains(value))
                })
            })
            .collect();
        rows.sort_by_key(|row| {
            let specific = row.runbook.parameters.iter().all(
                |parameter| !matches!(&parameter.kind, ParameterKind::Component(kinds) if kinds.is_empty()),
            );
            (
                row.fit.as_ref().map(|(fit, _)| *fit),
                kind_rank(&row.runbook),
                !specific,
                row.runbook.id.clone(),
            )
        });
        rows
    }

    /// Returns the number of the runbook under the cursor.
    pub fn book_index(&self, rows: &[BookRow]) -> usize {
        let selected = self.books.selected.as_ref();
        selected.and_then(|id| rows.iter().position(|row| row.runbook.id == *id)).unwrap_or(0)
    }

    /// Returns the runbook under the cursor.
    pub fn selected_book(&self) -> Option<BookRow> {
        let rows = self.books();
        let at = self.book_index(&rows);
        rows.into_iter().nth(at)
    }
}

/// Returns the word for what a runbook is for.
pub fn kind_word(runbook: &Runbook) -> &'static str {
    use crate::runbook::definition::RunbookKind::{Backup, Contain, Drill, Recover, Verify};
    match runbook.kind {
        Recover => "recover",
        Contain => "contain",
        Backup => "backup",
        Verify => "verify",
        Drill => "drill",
    }
}

fn kind_rank(runbook: &Runbook) -> u8 {
    use crate::runbook::definition::RunbookKind::{Backup, Contain, Drill, Recover, Verify};
    match runbook.kind {
        Recover => 0,
        Contain => 1,
        Backup => 2,
        Verify => 3,
        Drill => 4,
    }
}
