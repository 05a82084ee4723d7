//! Recoveries on the screen: the runbooks, what is planned and agreed to, the runs and their journals.

mod books;
mod choice;
mod form;
mod runs;

pub use books::{BookRow, Books, kind_word};
pub use choice::Choice;
pub use form::{Field, Form};
pub use runs::{Journal, JournalRow, OpenRun, RunRow, Runs, StepRow};

use crate::authority::{Operator, Refused, Session};
use crate::domain::Text;
use crate::domain::scope::FailureScope;
use crate::failure::Failure;
use crate::runbook::consent::Strength;
use crate::runbook::event::{Ask, ConsentGiven};
use crate::runbook::plan::{Mode, Plan, PlanHash};
use std::collections::BTreeMap;
use std::sync::Arc;
use tui_input::Input;

/// The right to act of somebody who has taken it on this screen. There is none in a console that is read-only.
#[derive(Debug, Clone)]
pub struct Operating(Arc<Session<Operator>>);

impl Operating {
    /// Takes the right to act, for a purpose.
    ///
    /// # Errors
    /// When the console is read-only for good, or no purpose is given.
    pub fn begin(read_only_for_good: bool, purpose: &str) -> Result<Self, Refused> {
        let session = if read_only_for_good { Session::read_only_for_good() } else { Session::read_only() };
        session.elevate(purpose).map(|session| Self(Arc::new(session))).map_err(|(_, why)| why)
    }

    /// Returns the session.
    pub fn session(&self) -> &Session<Operator> {
        &self.0
    }
}

impl PartialEq for Operating {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What a plan is asked for with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanWanted {
    /// The runbook.
    pub runbook: String,
    /// What was said of its parameters; what is secret is not among it.
    pub said: BTreeMap<String, String>,
    /// Whether it changes anything.
    pub mode: Mode,
    /// The failure that it recovers from.
    pub failure: FailureScope,
}

/// A plan that can be agreed to.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// What it was asked for with.
    pub wanted: PlanWanted,
    /// The plan.
    pub plan: Arc<Plan>,
    /// Its hash.
    pub hash: PlanHash,
    /// The estate file that it was made with.
    pub estate: Arc<str>,
    /// Where it was written, for a second person to sign; none where nobody has to.
    pub file: Option<Text>,
    /// Things to tell that are no failures.
    pub notes: Vec<Text>,
}

/// Values of secret parameters. They are never shown.
#[derive(Clone, PartialEq, Default)]
pub struct Secrets(pub BTreeMap<String, String>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(…)")
    }
}

/// A plan on the screen.
#[derive(Debug, Clone)]
pub struct OpenPlan {
    /// It.
    pub prepared: Arc<Prepared>,
    /// What is given with it and stands nowhere.
    pub secrets: Secrets,
    /// The first line shown.
    pub scroll: usize,
}

/// What somebody is asked to agree to.
#[derive(Debug, Clone)]
pub enum Deed {
    /// That a plan is carried out.
    Begin(Arc<Prepared>, Secrets),
    /// That a run goes past a gate.
    Gate {
        /// The run.
        run: Text,
        /// The step.
        step: Text,
    },
    /// That steps are taken back: one, or all.
    Undo {
        /// The run.
        run: Text,
        /// The step.
        step: Option<Text>,
    },
}

/// The question whether somebody agrees.
#[derive(Debug, Clone)]
pub struct Consenting {
    /// To what.
    pub deed: Deed,
    /// Of which plan.
    pub plan: Arc<Plan>,
    /// The plan's hash.
    pub hash: PlanHash,
    /// How strongly.
    pub strength: Strength,
    /// The phrase that is to be typed, where one is.
    pub phrase: String,
    /// What was typed.
    pub input: Input,
    /// Why nobody else can be asked: break-glass. `None` until somebody chooses that.
    pub break_glass: Option<Input>,
    /// Whether that is typed, and not the phrase.
    pub in_reason: bool,
    /// What is wrong with what was typed.
    pub wrong: Option<Text>,
    /// The first line shown of what it will do.
    pub scroll: usize,
}

impl Consenting {
    /// Says whether the phrase has to be typed.
    pub fn is_typed(&self) -> bool {
        self.strength >= Strength::Typed
    }

    /// Returns the consent, as it was given; `None` where it was not.
    pub fn given(&self) -> Option<ConsentGiven> {
        let phrase = self.is_typed().then(|| self.input.value().to_owned());
        if phrase.as_ref().is_some_and(|typed| *typed != self.phrase) {
            return None;
        }
        Some(ConsentGiven {
            plan: self.hash.clone(),
            strength: self.strength,
            phrase,
            by_flag: false,
            approval: None,
            break_glass: self.break_glass.as_ref().map(|reason| Text::new(reason.value().trim())),
        })
    }
}

/// A question that is answered with a sentence, or with Enter.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What it is about.
    pub about: PromptAbout,
    /// What is typed.
    pub input: Input,
    /// What is wrong with it.
    pub wrong: Option<Text>,
}

/// What a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptAbout {
    /// Why somebody takes the right to act.
    Operate,
    /// Whether a run is to rest, or to go on.
    Pause {
        /// The run.
        run: Text,
        /// Whether it rests, and is to go on.
        resume: bool,
    },
    /// Why a step is left out.
    Skip(Text, Text),
    /// Whether a step is begun again.
    Retry(Text, Text),
    /// How somebody knows whether a call in doubt has happened.
    Settle {
        /// The run.
        run: Text,
        /// The step.
        step: Text,
        /// Whether it has happened.
        happened: bool,
    },
    /// What a manual step is answered.
    Answer {
        /// The run.
        run: Text,
        /// The step.
        step: Text,
        /// Whether it is done.
        done: bool,
    },
    /// Why a run is given up.
    Abandon(Text),
    /// Why somebody stands against a break-glass.
    Veto(Text),
    /// What is written down in a run's journal.
    Note(Text),
}

impl PromptAbout {
    /// Says whether a sentence is needed.
    pub fn needs_words(&self) -> bool {
        !matches!(self, Self::Pause { .. } | Self::Retry(..))
    }

    /// Returns the run and what is asked of it, with what was typed; `None` where it is about none.
    pub fn ask(&self, typed: &str) -> Option<(Text, Ask)> {
        let said = || Text::new(typed.trim());
        Some(match self {
            Self::Operate => return None,
            Self::Pause { run, resume: false } => (run.clone(), Ask::Pause),
            Self::Pause { run, resume: true } => (run.clone(), Ask::Resume),
            Self::Skip(run, step) => (run.clone(), Ask::Skip { step: step.clone(), reason: said() }),
            Self::Retry(run, step) => (run.clone(), Ask::Retry { step: step.clone() }),
            Self::Settle { run, step, happened } => {
                (run.clone(), Ask::Settle { step: step.clone(), happened: *happened, reason: said() })
            }
            Self::Answer { run, step, done } => {
                (run.clone(), Ask::Answer { step: step.clone(), answer: said(), done: *done })
            }
            Self::Abandon(run) => (run.clone(), Ask::Abandon { reason: said() }),
            Self::Veto(run) => (run.clone(), Ask::Veto { reason: said() }),
            Self::Note(run) => (run.clone(), Ask::Note { text: said() }),
        })
    }
}

/// What became of something that the runtime was asked for.
#[derive(Debug, Clone)]
pub enum News {
    /// A plan was made, or not.
    Planned(Result<Arc<Prepared>, Failure>),
    /// A run was begun, or not.
    Begun(Result<Text, Failure>),
    /// Something that was asked of a run stands in its journal, or does not.
    Asked(Result<Text, Failure>),
    /// A journal was verified, a report was written.
    Told(Result<Text, Failure>),
}
