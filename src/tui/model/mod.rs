//! What the console knows: data in one place, and the small state of each pane.

mod filter;
mod gaps;
mod judgement;
mod overview;
mod pane;
mod points;
mod recovery;
mod states;
mod terraform;

pub use gaps::Gap;
pub use judgement::{Detail, DetailPoint, JudgeRequest, Judgement, Worth3, judge};
pub use overview::{Overview, Row};
pub use pane::Pane;
pub use points::{
    Bar, Entry, Event, EventSort, Flaw, Grouping, Heading, Holder, Inventory, List, ListLine, ListWanted,
    Mark, NO_MOMENT, Order, PointRef, Points, PointsJudged, PointsWanted, SPANS, ShownPoint, Span, Timeline,
    TimelineLine, thousands,
};
pub use recovery::{
    BookRow, Books, Choice, Consenting, Deed, Field, Form, Journal, JournalRow, News, OpenPlan, OpenRun,
    Operating, PlanWanted, Prepared, Prompt, PromptAbout, RunRow, Runs, Secrets, StepRow, kind_word,
};
pub use states::{Line, OpenComparison, OpenState, Shown, StateSort, States, Tally, Under};
pub use terraform::{LockRow, StateRow, Terraform};

use super::keymap::{Chord, Keymap};
use super::theme::Look;
use crate::collector::Snapshot;
use crate::domain::Text;
use crate::domain::condition::Identity;
use crate::domain::estate::{Environment, Estate};
use crate::domain::ids::{ComponentId, EnvironmentName};
use crate::domain::reading::{Capability, Fact, ReadingKey, Subject};
use crate::domain::redaction::Redactor;
use crate::domain::scope::FailureScope;
use crate::provider::port::LoginAsk;
use crate::runbook::definition::Runbook;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::sync::Arc;
use tui_input::Input;

/// Everything the console knows.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Model {
    /// The estate.
    pub estate: Arc<Estate>,
    /// Where it came from.
    pub origin: String,
    /// The sandbox's scenario, where it is simulated.
    pub sandbox: Option<Text>,
    /// What was read.
    pub snapshot: Arc<Snapshot>,
    /// What follows from it.
    pub judgement: Arc<Judgement>,
    /// Now, in steps that people can follow.
    pub now: Timestamp,
    /// The zone of the people who look.
    pub zone: TimeZone,
    /// The size of the screen: columns and rows.
    pub size: (u16, u16),
    /// The failure that is judged for.
    pub scope: FailureScope,
    /// The environment that is shown, or all.
    pub environment: Option<EnvironmentName>,
    /// The pane that is shown.
    pub pane: Pane,
    /// The overview.
    pub overview: Overview,
    /// Recovery points.
    pub points: Points,
    /// Locks and states.
    pub states: States,
    /// The runbooks that there are.
    pub library: Arc<Vec<Arc<Runbook>>>,
    /// The pane of runbooks.
    pub books: Books,
    /// The runs.
    pub runs: Runs,
    /// The journal of a run.
    pub journal: Journal,
    /// The right to act, where somebody has taken it.
    pub operating: Option<Operating>,
    /// What lies over it, the uppermost last.
    pub overlays: Vec<Overlay>,
    /// Keys of a sequence that was begun.
    pub pending: Vec<Chord>,
    /// The keys.
    pub keymap: Arc<Keymap>,
    /// The look.
    pub look: Look,
    /// Whether this is a shared screen.
    pub presenter: bool,
    /// Hides what must not be seen.
    pub redactor: Option<Redactor>,
    /// Whether that was asked for from the start, presenter or not.
    pub always_redacted: bool,
    /// Whether the mouse is ours.
    pub mouse: bool,
    /// Whether this process can never be elevated.
    pub read_only_for_good: bool,
    /// Something to tell, until the next key.
    pub notice: Option<Notice>,
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub text: Text,
    /// Whether it went wrong.
    pub alarm: bool,
}

/// What a console begins with.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// The estate.
    pub estate: Arc<Estate>,
    /// Where it came from.
    pub origin: String,
    /// The sandbox's scenario, where it is simulated.
    pub sandbox: Option<Text>,
    /// What was read before.
    pub snapshot: Arc<Snapshot>,
    /// Now.
    pub now: Timestamp,
    /// The zone of the people who look.
    pub zone: TimeZone,
    /// The size of the screen: columns and rows.
    pub size: (u16, u16),
    /// The keys.
    pub keymap: Keymap,
    /// The look.
    pub look: Look,
    /// Whether to begin in presenter mode.
    pub presenter: bool,
    /// Whether everything is masked, presenter or not.
    pub always_redacted: bool,
    /// Whether this process can never be elevated.
    pub read_only_for_good: bool,
    /// The runbooks that there are.
    pub library: Vec<Runbook>,
    /// Something to tell.
    pub notice: Option<Notice>,
}

/// What lies over a pane.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// The details of a component.
    Detail {
        /// Which.
        component: ComponentId,
        /// The first line shown.
        scroll: usize,
    },
    /// The details of a recovery point.
    Point {
        /// Which.
        point: PointRef,
        /// The first line shown.
        scroll: usize,
    },
    /// Everything that is wrong.
    Troubles {
        /// The first line shown.
        scroll: usize,
    },
    /// The estate and our access to it.
    About {
        /// The first line shown.
        scroll: usize,
    },
    /// A state with all of its versions.
    State(OpenState),
    /// Two versions of a state.
    Comparison(OpenComparison),
    /// The parameters of a runbook.
    Form(Box<Form>),
    /// A plan.
    Plan(OpenPlan),
    /// The question whether somebody agrees.
    Consent(Box<Consenting>),
    /// A run from near.
    Run(OpenRun),
    /// A line of a journal.
    Line {
        /// The run.
        run: Text,
        /// Its number.
        seq: u64,
        /// The first line shown.
        scroll: usize,
    },
    /// A question that is answered with a sentence.
    Prompt(Prompt),
    /// The keys.
    Help {
        /// The first line shown.
        scroll: usize,
    },
    /// A login that asks for something.
    Login {
        /// Where to.
        environment: EnvironmentName,
        /// What it asks for.
        ask: LoginAsk,
        /// The digits typed so far.
        input: Input,
        /// What came of the last code.
        says: Option<Text>,
    },
    /// The commands.
    Palette {
        /// What is searched for.
        input: Input,
        /// The match under the cursor.
        cursor: usize,
    },
    /// The question whether to quit.
    Quit,
}

impl Model {
    /// Returns the model of a console that has just begun; nothing is judged yet.
    pub fn new(beginning: Beginning) -> Self {
        let mut model = Self {
            estate: beginning.estate,
            origin: beginning.origin,
            sandbox: beginning.sandbox,
            snapshot: beginning.snapshot,
            judgement: Arc::new(Judgement::default()),
            now: beginning.now,
            zone: beginning.zone,
            size: beginning.size,
            scope: FailureScope::Local,
            environment: None,
            pane: Pane::default(),
            overview: Overview::default(),
            points: Points::default(),
            states: States::default(),
            library: Arc::new(beginning.library.into_iter().map(Arc::new).collect()),
            books: Books::default(),
            runs: Runs::default(),
            journal: Journal::default(),
            operating: None,
            overlays: Vec::new(),
            pending: Vec::new(),
            keymap: Arc::new(beginning.keymap),
            look: beginning.look,
            presenter: beginning.presenter,
            redactor: None,
            always_redacted: beginning.always_redacted,
            mouse: true,
            read_only_for_good: beginning.read_only_for_good,
            notice: beginning.notice,
        };
        model.mask();
        model
    }

    /// Masks what must not be seen, or shows it again, as the mode of the screen asks.
    pub fn mask(&mut self) {
        let masked = self.presenter || self.always_redacted;
        self.redactor = masked.then(|| self.estate.redactor());
    }

    /// Returns the environments that are shown.
    pub fn environments(&self) -> impl Iterator<Item = &Environment> {
        self.estate
            .environments
            .iter()
            .filter(|environment| self.environment.as_ref().is_none_or(|shown| *shown == environment.name))
    }

    /// Returns who we are in the environments that are shown, the credential that ends first in front.
    pub fn identities(&self) -> Vec<(&Environment, &Identity)> {
        let mut all: Vec<_> = self
            .environments()
            .filter_map(|environment| {
                let subject = Subject::Environment(environment.name.clone());
                let key = ReadingKey { subject, capability: Capability::Identity };
                match &self.snapshot.readings.get(&key)?.held.as_ref()?.fact {
                    Fact::Identity(identity) => Some((environment, identity)),
                    _ => None,
                }
            })
            .collect();
        all.sort_by_key(|(_, identity)| identity.expires_at.unwrap_or(Timestamp::MAX));
        all
    }

    /// Returns the run that is seen from near, uppermost or under something else.
    pub fn open_run(&self) -> Option<&OpenRun> {
        self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::Run(open) => Some(open),
            _ => None,
        })
    }

    /// Returns the request to judge what is known now.
    pub fn judge_request(&self) -> JudgeRequest {
        let detail = self.overlays.iter().rev().find_map(|overlay| match overlay {
            Overlay::Detail { component, .. } => Some(component.clone()),
            _ => None,
        });
        JudgeRequest {
            estate: self.estate.clone(),
            snapshot: self.snapshot.clone(),
            now: self.now,
            detail,
            points: self.points_wanted(),
            known: self.judgement.clone(),
            looked_at: self.looked_at().map(|(key, _)| key.clone()),
        }
    }
}
