//! Pane 3: which locks and states are shown, in which order, where the cursor is, and what is opened.

use super::filter::{Filter, means};
use super::{LockRow, Model, Overlay, StateRow, Terraform};
use crate::collector::{Comparing, Comparison};
use crate::domain::Text;
use crate::domain::ids::EnvironmentName;
use crate::domain::place::Place;
use crate::domain::reading::{ReadingKey, Subject};
use crate::domain::state::{StateHistory, StateVersion};
use jiff::Timestamp;
use std::cmp::Reverse;
use std::sync::Arc;
use tui_input::Input;

/// The state of the pane.
#[derive(Debug, Clone, Default)]
pub struct States {
    /// What is under the cursor. It stays under it when rows move.
    pub selected: Option<Line>,
    /// The number of the row under the cursor: locks first, then states.
    pub at: usize,
    /// The first lock shown.
    pub lock_offset: usize,
    /// The first state shown.
    pub offset: usize,
    /// What is filtered for.
    pub filter: Input,
    /// Whether the filter is being typed.
    pub filtering: bool,
    /// The order of the states.
    pub sort: StateSort,
    /// The rows that are shown.
    pub shown: Shown,
}

/// What a row is, whatever its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A lock: its path, its place and its ID.
    Lock(Text, Place, Option<Text>),
    /// A state: its path and its place.
    State(Text, Place),
}

/// The order of the states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StateSort {
    /// Trouble first, then by name.
    #[default]
    Trouble,
    /// By name.
    Name,
    /// The newest written first.
    Age,
    /// The largest first.
    Size,
    /// The highest serial first.
    Serial,
}

impl StateSort {
    /// Returns the words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Trouble => "trouble first",
            Self::Name => "by name",
            Self::Age => "newest first",
            Self::Size => "largest first",
            Self::Serial => "highest serial first",
        }
    }

    /// Returns the next order.
    pub fn next(self) -> Self {
        match self {
            Self::Trouble => Self::Name,
            Self::Name => Self::Age,
            Self::Age => Self::Size,
            Self::Size => Self::Serial,
            Self::Serial => Self::Trouble,
        }
    }
}

/// The rows that are shown, worked out when something changes and not with each frame.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// The locks, by their number in [`Terraform::locks`].
    pub locks: Arc<[usize]>,
    /// The states, by their number in [`Terraform::states`].
    pub states: Arc<[usize]>,
    /// What the sentence on top says; it does not follow the filter.
    pub tally: Tally,
}

/// What there is in the environments that are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many locks.
    pub locks: usize,
    /// How many of them have nothing that speaks for their holder being alive.
    pub silent: usize,
    /// How many states.
    pub states: usize,
    /// The names of those that would make Terraform rebuild everything.
    pub rebuild: Vec<Text>,
    /// How many have other trouble.
    pub troubled: usize,
    /// How many are known from a replica only, because where they live was not read.
    pub replicas: usize,
    /// How many were not read lately.
    pub doubtful: usize,
    /// How many backends or components could not be read for locks.
    pub lock_gaps: usize,
    /// The same for states.
    pub state_gaps: usize,
    /// When the oldest reading of locks and states was made.
    pub read_at: Option<Timestamp>,
}

impl Shown {
    /// Returns how many rows there are.
    pub fn len(&self) -> usize {
        self.locks.len() + self.states.len()
    }

    /// Says whether nothing is shown.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A state that fills the pane.
#[derive(Debug, Clone)]
pub struct OpenState {
    /// Its path.
    pub path: Text,
    /// Where it lies.
    pub place: Place,
    /// What it was called when it was opened.
    pub name: Text,
    /// The environment it belongs to.
    pub environment: EnvironmentName,
    /// What the collector calls it.
    pub subject: Option<Subject>,
    /// What is read as long as it is open.
    pub look_at: Option<(ReadingKey, EnvironmentName)>,
    /// The version under the cursor; the newest, if none.
    pub selected: Option<Text>,
    /// The version that another is to be compared with.
    pub marked: Option<Text>,
    /// The first line shown.
    pub scroll: usize,
}

/// Two versions of a state, side by side.
#[derive(Debug, Clone)]
pub struct OpenComparison {
    /// What is compared.
    pub of: Comparing,
    /// The state.
    pub name: Text,
    /// Its path.
    pub path: Text,
    /// The older version.
    pub before: StateVersion,
    /// The newer version.
    pub after: StateVersion,
    /// The first line shown.
    pub scroll: usize,
}

/// What is under the cursor.
#[derive(Debug, Clone, Copy)]
pub enum Under<'a> {
    /// A lock.
    Lock(&'a LockRow),
    /// A state.
    State(&'a StateRow),
}

impl OpenState {
    /// Returns the number of the version under the cursor.
    pub fn at(&self, state: &StateHistory) -> usize {
        let place = |id: &Text| state.versions.iter().position(|version| version.version_id == *id);
        self.selected.as_ref().and_then(place).unwrap_or(0)
    }
}

impl Model {
    /// Returns what is known of Terraform.
    pub fn terraform(&self) -> &Terraform {
        &self.judgement.terraform
    }

    /// Returns the lock that is shown in row `nth`.
    pub fn lock_row(&self, nth: usize) -> Option<&LockRow> {
        self.terraform().locks.get(*self.states.shown.locks.get(nth)?)
    }

    /// Returns the state that is shown in row `nth`.
    pub fn state_row(&self, nth: usize) -> Option<&StateRow> {
        self.terraform().states.get(*self.states.shown.states.get(nth)?)
    }

    /// Returns what is under the cursor of pane 3.
    pub fn under(&self) -> Option<Under<'_>> {
        let at = self.states.at;
        match at.checked_sub(self.states.shown.locks.len()) {
            None => self.lock_row(at).map(Under::Lock),
            Some(at) => self.state_row(at).map(Under::State),
        }
    }

    /// Returns the state that is open, uppermost or not.
    pub fn open_state(&self) -> Option<&OpenState> {
        self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::State(open) => Some(open),
            _ => None,
        })
    }

    /// Returns what is to be read because somebody looks at it.
    pub fn looked_at(&self) -> Option<&(ReadingKey, EnvironmentName)> {
        self.open_state()?.look_at.as_ref()
    }

    /// Returns what came of the comparison that is asked for.
    pub fn comparison(&self, of: &Comparing) -> Option<&Comparison> {
        self.snapshot.comparison.as_deref().filter(|comparison| comparison.of == *of)
    }

    /// Works out which locks and states are shown.
    pub fn show_states(&mut self) {
        let all = self.judgement.terraform.clone();
        let filter = Filter::parse(self.states.filter.value());
        let here = |environment: &EnvironmentName| {
            self.environment.as_ref().is_none_or(|shown| shown == environment)
        };
        let mut tally = Tally::default();
        let mut locks = Vec::new();
        for (nth, row) in all.locks.iter().enumerate().filter(|(_, row)| here(&row.environment)) {
            tally.locks += 1;
            tally.silent += usize::from(row.is_silent());
            if accepts(&filter, row.columns()) {
                locks.push(nth);
            }
        }
        let mut states = Vec::new();
        for (nth, row) in all.states.iter().enumerate().filter(|(_, row)| here(&row.environment)) {
            tally.add(row);
            if accepts(&filter, row.columns()) {
                states.push(nth);
            }
        }
        for gap in all.gaps.iter().filter(|gap| gap.environment.as_ref().is_none_or(here)) {
            *(if gap.of_locks { &mut tally.lock_gaps } else { &mut tally.state_gaps }) += 1;
        }
        sort(&all.states, &mut states, self.states.sort);
        self.states.shown = Shown { locks: locks.into(), states: states.into(), tally };
        let at = self.states.selected.as_ref().and_then(|line| self.number_of(line));
        // What went away leaves the cursor where it was.
        self.states.at = at.unwrap_or(self.states.at).min(self.states.shown.len().saturating_sub(1));
    }

    fn number_of(&self, line: &Line) -> Option<usize> {
        let shown = &self.states.shown;
        match line {
            Line::Lock(path, place, id) => (0..shown.locks.len()).find(|nth| {
                self.lock_row(*nth)
                    .is_some_and(|row| row.lock.path == *path && row.place == *place && row.lock.id == *id)
            }),
            Line::State(path, place) => (0..shown.states.len())
                .find(|nth| {
                    self.state_row(*nth).is_some_and(|row| row.state.path == *path && row.place == *place)
                })
                .map(|nth| nth + shown.locks.len()),
        }
    }
}

impl Under<'_> {
    /// Returns what names it, whatever its number.
    pub fn line(self) -> Line {
        match self {
            Self::Lock(row) => Line::Lock(row.lock.path.clone(), row.place.clone(), row.lock.id.clone()),
            Self::State(row) => Line::State(row.state.path.clone(), row.place.clone()),
        }
    }
}

impl Tally {
    fn add(&mut self, row: &StateRow) {
        self.states += 1;
        if row.would_rebuild() {
            self.rebuild.push(row.name.clone());
        } else if !row.troubles.is_empty() {
            self.troubled += 1;
        }
        self.replicas += usize::from(row.is_replica);
        self.doubtful += usize::from(row.doubt.is_some());
        self.read_at = Some(self.read_at.map_or(row.read_at, |oldest| oldest.min(row.read_at)));
    }
}

/// Says whether a filter lets a row through; its columns are in lower case already.
fn accepts(filter: &Filter, columns: &[(&'static str, String)]) -> bool {
    filter.accepts(|column, value| {
        columns.iter().any(|(name, text)| means(column, name) && text.contains(value))
    })
}

/// Puts states that are in the order of trouble into another.
fn sort(all: &[StateRow], shown: &mut [usize], by: StateSort) {
    let row = |nth: &usize| all.get(*nth);
    let current = |nth: &usize| row(nth).and_then(|row| row.state.current());
    match by {
        StateSort::Trouble => {}
        StateSort::Name => shown.sort_by_key(|nth| row(nth).map(|row| &row.name)),
        StateSort::Age => shown.sort_by_key(|nth| Reverse(current(nth).map(|version| version.written_at))),
        StateSort::Size => shown.sort_by_key(|nth| Reverse(current(nth).map(|version| version.size_bytes))),
        StateSort::Serial => {
            shown.sort_by_key(|nth| Reverse(current(nth).and_then(|version| version.serial)));
        }
    }
}
