//! Panes 5 and 8: the runs, one of them from near, and its journal.

use super::super::Model;
use super::super::filter::{Filter, means};
use crate::domain::Text;
use crate::domain::text::harmless;
use crate::engine::line::Line;
use crate::engine::replay;
use crate::engine::watch::{RunSeen, Seen};
use crate::runbook::event::Event;
use crate::runbook::forecast::{Forecast, forecast};
use crate::runbook::plan::PlannedStep;
use crate::runbook::schedule::JOIN;
use crate::runbook::state::{Phase, RunState, StepState};
use crate::runbook::words::tell;
use std::collections::BTreeMap;
use std::sync::Arc;
use tui_input::Input;

/// The state of pane 5.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// The runs, as they were last seen.
    pub seen: Arc<Seen>,
    /// The run under the cursor.
    pub selected: Option<Text>,
    /// The first row shown.
    pub offset: usize,
    /// What is filtered for.
    pub filter: Input,
    /// Whether the filter is being typed.
    pub filtering: bool,
}

/// A run seen from near.
#[derive(Debug, Clone, Default)]
pub struct OpenRun {
    /// Which.
    pub run: Text,
    /// The step under the cursor; `None` follows what is under way.
    pub step: Option<Text>,
    /// The first step shown.
    pub offset: usize,
    /// How many lines of its journal are counted: the past. `None` is now.
    pub until: Option<usize>,
}

/// The state of pane 8.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    /// The run whose journal it is; the newest if nobody chose one.
    pub run: Option<Text>,
    /// The line under the cursor, by its number; `None` follows the end.
    pub selected: Option<u64>,
    /// The first row shown.
    pub offset: usize,
    /// What is filtered for.
    pub filter: Input,
    /// Whether the filter is being typed.
    pub filtering: bool,
}

/// A row of pane 5.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// The run.
    pub run: Arc<RunSeen>,
    /// When it will be done; `None` once it is over.
    pub forecast: Option<Forecast>,
}

/// A step of a run seen from near.
#[derive(Debug, Clone)]
pub struct StepRow<'a> {
    /// Its number, from 1.
    pub nth: usize,
    /// As it was planned.
    pub step: &'a PlannedStep,
    /// As it stands.
    pub known: StepState,
    /// Whether the end of the run depends on it.
    pub is_critical: bool,
    /// How deep it stands below the steps that part before it.
    pub depth: usize,
}

/// A row of pane 8.
#[derive(Debug, Clone)]
pub struct JournalRow {
    /// The line.
    pub line: Arc<Line>,
    /// Which step it is about.
    pub step: Text,
    /// Who.
    pub actor: Text,
    /// What happened.
    pub says: String,
    /// The class of the step.
    pub class: &'static str,
}

impl Model {
    /// Returns the runs that are shown: those that are not over first.
    pub fn run_rows(&self) -> Vec<RunRow> {
        let filter = Filter::parse(self.runs.filter.value());
        let mut rows: Vec<RunRow> = self
            .runs
            .seen
            .runs
            .iter()
            .filter(|run| self.environment.as_ref().is_none_or(|shown| *shown == run.plan.environment))
            .filter(|run| {
                let component = run.plan.component.as_ref().map_or("", |id| id.as_str());
                let columns = [
                    ("run", run.name.as_str()),
                    ("runbook", run.plan.runbook.id.as_str()),
                    ("title", run.plan.runbook.title.as_str()),
                    ("component", component),
                ];
                filter.accepts(|column, value| {
                    columns
                        .iter()
                        .any(|(name, text)| means(column, name) && text.to_lowercase().contains(value))
                })
            })
            .map(|run| RunRow { run: run.clone(), forecast: self.forecast_of(run, &run.state) })
            .collect();
        rows.sort_by_key(|row| (row.run.is_over(), !row.run.worked_on));
        rows
    }

    /// Returns when a run will be done; `None` where it is over.
    pub fn forecast_of(&self, run: &RunSeen, state: &RunState) -> Option<Forecast> {
        let over = run.is_over() || state.agreed_at.is_none();
        (!over).then(|| forecast(&run.plan, state, &run.percents(), self.now))
    }

    /// Returns the runs that are not over, the newest first.
    pub fn runs_under_way(&self) -> impl Iterator<Item = &Arc<RunSeen>> {
        self.runs.seen.runs.iter().filter(|run| !run.is_over() && run.state.plan.is_some())
    }

    /// Returns the run named so.
    pub fn run_named(&self, name: &str) -> Option<&Arc<RunSeen>> {
        self.runs.seen.runs.iter().find(|run| *run.name.as_str() == *name)
    }

    /// Returns the number of the run under the cursor.
    pub fn run_index(&self, rows: &[RunRow]) -> usize {
        let selected = self.runs.selected.as_ref();
        selected.and_then(|name| rows.iter().position(|row| row.run.name == *name)).unwrap_or(0)
    }

    /// Returns the run that is meant here: the one that is open, else the one under the cursor of its pane.
    pub fn run_here(&self) -> Option<Arc<RunSeen>> {
        if let Some(open) = self.open_run() {
            return self.run_named(open.run.as_str()).cloned();
        }
        match self.pane {
            super::super::Pane::Journal => self.journal_run().cloned(),
            _ => {
                let rows = self.run_rows();
                let at = self.run_index(&rows);
                rows.into_iter().nth(at).map(|row| row.run)
            }
        }
    }

    /// Returns the run whose journal is shown.
    pub fn journal_run(&self) -> Option<&Arc<RunSeen>> {
        match &self.journal.run {
            Some(name) => self.run_named(name.as_str()),
            None => self.runs_under_way().next().or(self.runs.seen.runs.first()),
        }
    }

    /// Returns the lines of the journal that are shown.
    pub fn journal_rows(&self) -> Vec<JournalRow> {
        let Some(run) = self.journal_run() else { return Vec::new() };
        let filter = Filter::parse(self.journal.filter.value());
        let classes: BTreeMap<&Text, &'static str> =
            run.plan.steps.iter().map(|step| (&step.id, step.class.word())).collect();
        let rows = run.lines.iter().map(|line| {
            let step = line.event.as_ref().and_then(Event::step).cloned().unwrap_or_default();
            let actor = match &line.event {
                Some(Event::Asked { by, .. }) => Text::new(&format!("{}@{}", by.user, by.host)),
                _ => line.actor.user.clone(),
            };
            let says = line.event.as_ref().map_or_else(|| format!("({})", line.name), tell);
            JournalRow {
                line: line.clone(),
                class: classes.get(&step).copied().unwrap_or(""),
                step,
                actor,
                says: harmless(&says).into_owned(),
            }
        });
        rows.filter(|row| {
            let columns = [
                ("step", row.step.as_str()),
                ("actor", row.actor.as_str()),
                ("class", row.class),
                ("event", row.line.name.as_str()),
                ("what", row.says.as_str()),
            ];
            filter.accepts(|column, value| {
                columns.iter().any(|(name, text)| means(column, name) && text.to_lowercase().contains(value))
            })
        })
        .collect()
    }

    /// Returns the number of the line under the cursor.
    pub fn journal_index(&self, rows: &[JournalRow]) -> usize {
        let last = rows.len().saturating_sub(1);
        let selected = self.journal.selected;
        selected.and_then(|seq| rows.iter().position(|row| row.line.seq >= seq)).unwrap_or(last)
    }
}

impl OpenRun {
    /// Returns the state of the run at the moment that is shown.
    pub fn state(&self, run: &RunSeen) -> RunState {
        match self.until {
            None => run.state.clone(),
            Some(until) => {
                let lines = run.lines.iter().take(until).map(AsRef::as_ref);
                // What was applied before can be applied again.
                replay::fold(&run.plan, lines).unwrap_or_else(|_| run.state.clone())
            }
        }
    }

    /// Returns the steps, as they stand in `state`.
    pub fn rows<'a>(
        &self,
        run: &'a RunSeen,
        state: &RunState,
        forecast: Option<&Forecast>,
    ) -> Vec<StepRow<'a>> {
        let mut depths: BTreeMap<&str, usize> = BTreeMap::new();
        let steps = run.plan.steps.iter().filter(|step| step.uses != *JOIN);
        let mut rows = Vec::new();
        for (nth, step) in steps.enumerate() {
            // Steps that wait for one that others wait for too stand below it.
            let parts =
                |need: &Text| run.plan.steps.iter().filter(|other| other.needs.contains(need)).count() > 1;
            let above = step
                .needs
                .iter()
                .map(|need| depths.get(need.as_str()).copied().unwrap_or(0) + usize::from(parts(need)));
            // Where ways come together again, it goes on at the left.
            let depth = if step.needs.len() > 1 { 0 } else { above.max().unwrap_or(0) }.min(3);
            depths.insert(step.id.as_str(), depth);
            let known = state.steps.get(&step.id).cloned().unwrap_or_default();
            let is_critical = forecast.is_some_and(|found| found.critical.contains(&step.id));
            rows.push(StepRow { nth: nth + 1, step, known, is_critical, depth });
        }
        rows
    }

    /// Returns the number of the step under the cursor: the chosen one, else what needs a person, else what is under way,
    /// else the last that ended.
    pub fn index(&self, rows: &[StepRow<'_>]) -> usize {
        let chosen = self.step.as_ref();
        if let Some(at) = chosen.and_then(|id| rows.iter().position(|row| row.step.id == *id)) {
            return at;
        }
        let first = |is: &dyn Fn(Phase) -> bool| rows.iter().position(|row| is(row.known.phase));
        first(&|phase| matches!(phase, Phase::InDoubt | Phase::Failed | Phase::UndoFailed | Phase::AtGate))
            .or_else(|| first(&Phase::is_under_way))
            .or_else(|| rows.iter().rposition(|row| row.known.ended_at.is_some()))
            .unwrap_or(0)
    }
}
