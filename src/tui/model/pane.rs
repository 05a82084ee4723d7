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
}

impl Pane {
    /// All panes, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Overview, Self::Points, Self::States];

    /// Returns its number, which is also its key.
    pub fn number(self) -> usize {
        Self::ALL.iter().position(|pane| *pane == self).map_or(0, |at| at + 1)
    }

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Points => "points",
            Self::States => "locks and states",
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
        }
    }

    /// Returns the same, to be changed.
    pub fn filter_mut(&mut self) -> Option<(&mut Input, &mut bool)> {
        match self.pane {
            Pane::Overview => Some((&mut self.overview.filter, &mut self.overview.filtering)),
            Pane::Points => Some((&mut self.points.filter, &mut self.points.filtering)),
            Pane::States => Some((&mut self.states.filter, &mut self.states.filtering)),
        }
    }

    /// Says whether a filter is being typed.
    pub fn is_filtering(&self) -> bool {
        self.overlays.is_empty() && self.filter().is_some_and(|(_, typing)| typing)
    }
}
