//! Pane 4: the runbooks, those that fit first.

use super::super::Model;
use super::super::filter::{Filter, means};
use super::choice::{choices_of_point, window_of};
use crate::domain::Text;
use crate::domain::condition::Incident;
use crate::domain::duration::words as span_words;
use crate::domain::estate::Component;
use crate::domain::ids::ComponentId;
use crate::domain::reading::{Capability, Fact};
use crate::runbook::definition::{ParameterKind, Runbook};
use crate::runbook::fitting::{Fit, Situation, fitting, wants_point, wants_window};
use std::sync::Arc;
use std::time::Duration;
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
    /// How much would be lost by it, as far as that follows from what it restores from.
    pub loss: Duration,
}

/// How much would be lost, by what is restored from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Losses {
    /// By the newest usable point.
    pub point: Option<Duration>,
    /// By the newest moment of a window.
    pub window: Option<Duration>,
}

impl Model {
    /// Returns how a component stands, and what would be lost.
    pub fn situation(&self, component: &Component) -> (Situation, Losses) {
        let reading = self.snapshot.readings.of(&component.id, &component.home, Capability::Condition);
        let condition = reading.and_then(|reading| match &reading.held.as_ref()?.fact {
            Fact::Condition(condition) => Some(condition),
            _ => None,
        });
        let health = condition.map(|condition| condition.health);
        let deleted = condition.and_then(|condition| {
            let of_deletion = |incident: &&Incident| incident.code == *"objects-deleted";
            condition.incidents.iter().filter(of_deletion).max_by_key(|incident| incident.at)
        });
        let point = choices_of_point(self, &component.id, self.scope)
            .into_iter()
            .find(|choice| choice.flaw.is_none());
        let window = window_of(self, component, self.scope);
        let losses = Losses { point: point.as_ref().and_then(|point| point.loss), window };
        let situation = Situation {
            kind: component.kind,
            health,
            failure: self.scope,
            point: point.map(|choice| Text::new(&format!("newest: {}", choice.says))),
            window: window.map(|loss| Text::new(&format!("up to {} ago", span_words(loss)))),
            incident: deleted.map(|incident| incident.says.clone()),
        };
        (situation, losses)
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
                let Some((situation, losses)) = &situation else {
                    return Some(BookRow { runbook: runbook.clone(), fit: None, loss: Duration::ZERO });
                };
                let fit = Some(fitting(runbook, situation)?);
                let loss = if wants_window(runbook) {
                    losses.window
                } else if wants_point(runbook) {
                    losses.point
                } else {
                    None
                };
                Some(BookRow { runbook: runbook.clone(), fit, loss: loss.unwrap_or_default() })
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
                row.loss,
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
