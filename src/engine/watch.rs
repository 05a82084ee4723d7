//! The runs of a state folder as those see them who watch: read by and by, each byte of a journal once.

use super::folder::{Folder, JOURNAL, PLAN, PROGRESS, RunFolder};
use super::line::{Head, Line};
use super::replay;
use super::step::Going;
use super::store::Runs;
use crate::domain::Text;
use crate::runbook::event::Rest;
use crate::runbook::plan::{Plan, PlanHash};
use crate::runbook::state::{RunState, StepState};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the programs of steps have their folders, and the file of what may be shown of their output.
const CHILDREN: &str = "children/";
const SHOWN: &str = "shown";

/// How many runs are kept in view; older ones are only counted.
pub const IN_VIEW: usize = 100;

/// What those see who watch.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// The runs, the newest first.
    pub runs: Vec<Arc<RunSeen>>,
    /// How many older ones there are.
    pub older: usize,
}

/// A run as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSeen {
    /// Its name.
    pub name: Text,
    /// Where it lies, for people.
    pub path: Text,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// The plan's hash.
    pub hash: PlanHash,
    /// Its state.
    pub state: RunState,
    /// Its journal.
    pub lines: Vec<Arc<Line>>,
    /// How its steps go.
    pub going: BTreeMap<Text, Going>,
    /// The last lines that the programs of its steps printed, without what must not be shown.
    pub prints: BTreeMap<Text, Vec<Text>>,
    /// Whether an executor works on it.
    pub worked_on: bool,
    /// Why it cannot go on although nothing in its journal says so.
    pub trouble: Option<Text>,
}

impl RunSeen {
    /// Says whether nothing will ever be done in it any more.
    pub fn is_over(&self) -> bool {
        let over = matches!(self.state.rest, Some((Rest::Finished | Rest::Undone | Rest::Abandoned, ..)));
        over && !self.worked_on && self.trouble.is_none()
    }

    /// Returns how far steps under way are, where their service says it.
    pub fn percents(&self) -> BTreeMap<Text, u8> {
        self.going.iter().filter_map(|(step, going)| Some((step.clone(), going.percent?))).collect()
    }
}

/// What is known of a run between two looks.
#[derive(Debug)]
struct Known {
    seen: Arc<RunSeen>,
    at: usize,
    head: Head,
    /// The size and the time of its journal and its progress, by which a look that brings nothing costs little.
    stamp: [(u64, i64, i64); 2],
}

/// Watches the runs of a state folder.
#[derive(Debug)]
pub struct Watch {
    runs: Runs,
    known: BTreeMap<String, Known>,
    last: Arc<Seen>,
}

impl Watch {
    /// Returns a watch over runs; nothing was read yet.
    pub fn of(runs: Runs) -> Self {
        Self { runs, known: BTreeMap::new(), last: Arc::default() }
    }

    /// Looks; returns what is seen where it differs from the last look.
    pub fn look(&mut self) -> Option<Arc<Seen>> {
        let names = self.runs.names();
        let older = names.len().saturating_sub(IN_VIEW);
        let shown: Vec<&String> = names.iter().take(IN_VIEW).collect();
        self.known.retain(|name, _| shown.contains(&name));
        let mut changed = older != self.last.older;
        for name in &shown {
            changed |= self.look_at(name);
        }
        let runs: Vec<_> =
            shown.iter().filter_map(|name| Some(self.known.get(*name)?.seen.clone())).collect();
        changed |= runs.len() != self.last.runs.len();
        if !changed {
            return None;
        }
        self.last = Arc::new(Seen { runs, older });
        Some(self.last.clone())
    }

    /// Says whether something is under way: then it is worth looking often.
    pub fn is_busy(&self) -> bool {
        self.last.runs.iter().any(|run| run.worked_on)
    }

    /// Looks at a run, and says whether anything is otherwise than it was.
    fn look_at(&mut self, name: &str) -> bool {
        let folder = self.runs.folder(name);
        let stamp = [folder.stamp(JOURNAL), folder.stamp(PROGRESS)];
        let Some(known) = self.known.get_mut(name) else {
            let worked_on = folder.is_worked_on();
            let Some(seen) = first(&folder, name, worked_on) else { return false };
            let mut known = Known { seen: Arc::new(seen), at: 0, head: Head::default(), stamp };
            known.read(&folder, worked_on);
            self.known.insert(name.to_owned(), known);
            return true;
        };
        // What rests goes on only with a new line: its lock need not be asked for.
        if known.stamp == stamp && !known.seen.worked_on && known.seen.state.rest.is_some() {
            return false;
        }
        let worked_on = folder.is_worked_on();
        if known.stamp == stamp && known.seen.worked_on == worked_on {
            return false;
        }
        known.stamp = stamp;
        known.read(&folder, worked_on)
    }
}

fn first(folder: &RunFolder, name: &str, worked_on: bool) -> Option<RunSeen> {
    let bytes = folder.read(PLAN).ok().flatten()?;
    let plan: Plan = serde_json::from_slice(&bytes).ok()?;
    Some(RunSeen {
        name: Text::new(name),
        path: Text::new(&folder.path().display().to_string()),
        state: RunState::of(&plan),
        plan: Arc::new(plan),
        hash: PlanHash::of(&bytes),
        lines: Vec::new(),
        going: BTreeMap::new(),
        prints: BTreeMap::new(),
        worked_on,
        trouble: None,
    })
}

/// Reads what the programs of steps printed: each has a folder of its own, which its call names.
fn printed(folder: &RunFolder, state: &RunState) -> BTreeMap<Text, Vec<Text>> {
    let home_of = |step: &StepState| Some(step.calls.last()?.call.text("Home")?.to_owned());
    let steps = state.steps.iter().filter_map(|(id, step)| Some((id, home_of(step)?)));
    let inside = |home: &str| home.starts_with(CHILDREN) && !home.contains("..");
    steps
        .filter(|(_, home)| inside(home))
        .filter_map(|(id, home)| {
            let bytes = folder.read(&format!("{home}/{SHOWN}")).ok()??;
            let lines = String::from_utf8_lossy(&bytes).lines().map(Text::new).collect();
            Some((id.clone(), lines))
        })
        .collect()
}

impl Known {
    /// Reads what was added, and says whether anything is otherwise than it was.
    fn read(&mut self, folder: &RunFolder, worked_on: bool) -> bool {
        let mut seen = self.seen.as_ref().clone();
        seen.worked_on = worked_on;
        let added = replay::follow(folder, self.at, &self.head)
            .and_then(|(_, read)| replay::apply(&mut seen.state, &read.lines).map(|()| read));
        match added {
            Ok(read) => {
                self.at += usize::try_from(read.length).unwrap_or(0);
                self.head = read.head;
                seen.lines.extend(read.lines.into_iter().map(Arc::new));
                seen.trouble = folder.last_words().map(|words| Text::new(&words));
            }
            Err(broken) => {
                let says = format!("DAMAGED: {broken}; nothing is resumed from it");
                seen.trouble = Some(Text::new(&says));
            }
        }
        let agreed = seen.state.plan.as_ref().is_none_or(|agreed| *agreed == seen.hash);
        if !agreed {
            seen.trouble = Some("DAMAGED: its plan is not the one that was agreed to".into());
        }
        let going = folder.read(PROGRESS).ok().flatten().filter(|_| worked_on);
        seen.going = going.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        seen.prints = printed(folder, &seen.state);
        let changed = seen != *self.seen;
        self.seen = Arc::new(seen);
        changed
    }
}
