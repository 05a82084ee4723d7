//! How long things took here before: measured from the journals of runs that are kept (R7, R9).

use super::store::{Runs, load};
use crate::domain::duration::elapsed;
use crate::runbook::about::About;
use crate::runbook::plan::{Estimate, Mode};
use crate::runbook::state::Phase;
use std::collections::BTreeMap;

/// The most runs that are looked at, the newest first.
const MOST: usize = 200;

/// How long steps took, in seconds, by action and component.
#[derive(Debug, Clone, Default)]
pub struct History(BTreeMap<(String, String), Vec<u64>>);

impl History {
    /// Reads the runs of a state folder. What was simulated does not count for the real world, nor the other way round.
    pub fn of(runs: &Runs, simulated: bool) -> Self {
        let mut history = Self::default();
        for name in runs.names().into_iter().take(MOST) {
            let Ok(run) = runs.find(Some(&name)).and_then(|folder| load(&folder)) else { continue };
            if run.plan.sandbox.is_some() != simulated || run.plan.mode == Mode::Tabletop {
                continue;
            }
            for step in &run.plan.steps {
                let Some(known) = run.state.steps.get(&step.id) else { continue };
                if let (Phase::Succeeded, Some(from), Some(to)) =
                    (known.phase, known.began_at, known.ended_at)
                {
                    history.add(
                        step.uses.as_str(),
                        step.component.as_ref().map(crate::domain::ids::ComponentId::as_str),
                        elapsed(from, to).as_secs(),
                    );
                }
            }
        }
        history
    }

    /// Takes in that something took so long.
    pub fn add(&mut self, action: &str, component: Option<&str>, seconds: u64) {
        let key = (action.to_owned(), component.unwrap_or_default().to_owned());
        self.0.entry(key).or_default().push(seconds);
    }

    /// Returns how long an action takes on a component: as it was measured, else as it usually does, else not at all.
    pub fn estimate(&self, about: &About, component: Option<&str>) -> Option<Estimate> {
        let same = self.0.get(&(about.name.to_owned(), component.unwrap_or_default().to_owned()));
        let alike: Vec<u64> = match same {
            Some(known) => known.clone(),
            None => {
                let others = self.0.iter().filter(|((action, _), _)| action == about.name);
                others.flat_map(|(_, known)| known.iter().copied()).collect()
            }
        };
        if let (Some(low), Some(high)) = (alike.iter().min(), alike.iter().max()) {
            let what = if same.is_some() { "of it" } else { "of others like it" };
            let runs = if alike.len() == 1 { "run" } else { "runs" };
            let source = format!("{} {runs} {what} here", alike.len()).into();
            return Some(Estimate { low_s: *low, high_s: *high, source });
        }
        let (low, high) = about.usually?;
        Some(Estimate {
            low_s: low.as_secs(),
            high_s: high.as_secs(),
            source: "a usual figure, never measured here".into(),
        })
    }
}
