//! The overview: which rows are shown, in which order, and where the cursor is.

use super::Model;
use super::filter::{Filter, means};
use crate::domain::condition::Health;
use crate::domain::estate::{Component, EnvironmentClass};
use crate::domain::ids::ComponentId;
use crate::domain::readiness::{Assessment, Verdict};
use crate::domain::reading::{Capability, Fact};
use tui_input::Input;

/// The state of the overview.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// The component under the cursor. It stays under it when rows move.
    pub selected: Option<ComponentId>,
    /// The first row shown.
    pub offset: usize,
    /// What is filtered for.
    pub filter: Input,
    /// Whether the filter is being typed.
    pub filtering: bool,
}

/// A row: a component and its judgement under the chosen failure.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The component.
    pub component: &'a Component,
    /// Its judgement.
    pub assessment: &'a Assessment,
}

impl Model {
    /// Returns the rows that are shown, trouble first.
    pub fn rows(&self) -> Vec<Row<'_>> {
        let filter = Filter::parse(self.overview.filter.value());
        let mut rows: Vec<Row<'_>> = self
            .estate
            .components
            .iter()
            .filter(|component| self.environment.as_ref().is_none_or(|shown| *shown == component.environment))
            .filter_map(|component| {
                let assessment = self.judgement.assessments.of(&component.id, self.scope)?;
                Some(Row { component, assessment })
            })
            .filter(|row| accepts(&filter, row))
            .collect();
        let production = |row: &Row<'_>| {
            self.estate
                .environment(&row.component.environment)
                .is_some_and(|environment| environment.class == EnvironmentClass::Production)
        };
        rows.sort_by(|a, b| {
            let gone = |row: &Row<'_>| self.is_gone(row.component);
            let rank = |row: &Row<'_>| (rank(row.assessment.verdict), !production(row), !gone(row));
            rank(a).cmp(&rank(b)).then_with(|| a.component.id.cmp(&b.component.id))
        });
        rows
    }

    /// Says whether a component is known not to be there any more, or not to answer.
    fn is_gone(&self, component: &Component) -> bool {
        let reading = self.snapshot.readings.of(&component.id, &component.home, Capability::Condition);
        let fact = reading.and_then(|reading| reading.held.as_ref()).map(|held| &held.fact);
        matches!(fact, Some(Fact::Condition(known)) if matches!(known.health, Health::Gone | Health::Down))
    }

    /// Returns the row under the cursor.
    pub fn selected_row(&self) -> Option<Row<'_>> {
        let rows = self.rows();
        let at = self.selected_index(&rows);
        rows.get(at).copied()
    }

    /// Returns the number of the row under the cursor.
    pub fn selected_index(&self, rows: &[Row<'_>]) -> usize {
        let selected = self.overview.selected.as_ref();
        selected.and_then(|id| rows.iter().position(|row| row.component.id == *id)).unwrap_or(0)
    }
}

/// Trouble first; what was never promised last.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Breached => 0,
        Verdict::Unknown => 1,
        Verdict::AtRisk => 2,
        Verdict::Unproven => 3,
        Verdict::Met => 4,
        Verdict::NoObjective => 5,
    }
}

fn accepts(filter: &Filter, row: &Row<'_>) -> bool {
    let columns = [
        ("component", row.component.id.as_str()),
        ("kind", row.component.kind.name()),
        ("words", row.component.kind.words()),
        ("environment", row.component.environment.as_str()),
        ("verdict", row.assessment.verdict.word()),
        ("region", row.component.home.region.as_str()),
        ("owner", row.component.owner.as_ref().map_or("", |owner| owner.as_str())),
    ];
    filter.accepts(|column, value| {
        columns.iter().any(|(name, text)| means(column, name) && text.to_lowercase().contains(value))
    })
}
