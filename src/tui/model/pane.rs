//! The panes: what fills the screen between the bar and the hints, and what is filtered for in each.

use super::Model;
use tui_input::Input;

/// A pane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Pane {
    /// Whether each component could be recovered.
    #[default]
    Overview,
    /// What there is to recover from.
    Points,
    /// What Terraform keeps, and what stands in its way.
    States,
    /// What can be done.
    Runbooks,
    /// What is being done, and what was.
    Runs,
    /// What was written down of it.
    Journal,
}

impl Pane {
    /// All panes, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Overview, Self::Points, Self::States, Self::Runbooks, Self::Runs, Self::Journal];

    /// Returns its number, which is also its key. 6 and 7 are kept for incidents and drills.
    pub fn number(self) -> usize {
        match self {
            Self::Overview => 1,
            Self::Points => 2,
            Self::States => 3,
            Self::Runbooks => 4,
            Self::Runs => 5,
            Self::Journal => 8,
        }
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Points => "points",
            Self::States => "locks and states",
            Self::Runbooks => "runbooks",
            Self::Runs => "runs",
            Self::Journal => "journal",
        }
    }
}

impl Model {
    /// Returns what is filtered for in the pane that is shown, and whether it is being typed; `None` where nothing is
    /// filtered.
    pub fn filter(&self) -> Option<(&Input, bool)> {
        match self.pane {
            Pane::Overview => Some((&self.overview.filter, self.overview.filtering)),
            Pane::Points => Some((&self.points.filter, self.points.filtering)),
            Pane::States => Some((&self.states.filter, self.states.filtering)),
            Pane::Runbooks => Some((&self.books.filter, self.books.filtering)),
            Pane::Runs => Some((&self.runs.filter, self.runs.filtering)),
            Pane::Journal => Some((&self.journal.filter, self.journal.filtering)),
        }
    }

    /// Returns the same, to be changed.
    pub fn filter_mut(&mut self) -> Option<(&mut Input, &mut bool)> {
        match self.pane {
            Pane::Overview => Some((&mut self.overview.filter, &mut self.overview.filtering)),
            Pane::Points => Some((&mut self.points.filter, &mut self.points.filtering)),
            Pane::States => Some((&mut self.states.filter, &mut self.states.filtering)),
            Pane::Runbooks => Some((&mut self.books.filter, &mut self.books.filtering)),
            Pane::Runs => Some((&mut self.runs.filter, &mut self.runs.filtering)),
            Pane::Journal => Some((&mut self.journal.filter, &mut self.journal.filtering)),
        }
    }

    /// Says whether a filter is being typed.
    pub fn is_filtering(&self) -> bool {
        self.overlays.is_empty() && self.filter().is_some_and(|(_, typing)| typing)
    }
}
