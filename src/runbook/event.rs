//! What can stand in the journal of a run: facts, each written once and never changed.
//!
//! The state of a run is the fold of these ([`super::state`]). A body that is large or secret lies in a side file, whose
//! hash and size the event holds. How lines look on disk is written down in `assets/journal/FORMAT.md`.

use super::call::Call;
use super::consent::Strength;
use super::dedupe::Dedupe;
use super::plan::{Mode, Person, PlanHash};
use crate::domain::Text;
use crate::domain::estate::EnvironmentClass;
use crate::domain::ids::EnvironmentName;
use crate::domain::place::Place;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Whether something carries a step out or takes it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// It carries it out.
    Forward,
    /// It takes it back.
    Undo,
}

impl Direction {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Undo => "undo",
        }
    }
}

/// A file beside the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideFile {
    /// Its name in the folder of the run.
    pub name: Text,
    /// The SHA-256 of its bytes.
    pub sha256: Text,
    /// How many bytes.
    pub bytes: u64,
}

/// A call of a step: which one of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallPlace {
    /// The step.
    pub step: Text,
    /// Which way.
    pub direction: Direction,
    /// How often the step was begun, from 1.
    pub attempt: u32,
    /// Which of its calls, from 0.
    pub index: u32,
}

/// How a call was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was carried out.
    Succeeded,
    /// It was refused, and has changed nothing.
    Refused,
    /// It was refused for now, and has changed nothing.
    Throttled,
    /// It never left, and has changed nothing.
    NotSent,
    /// Nobody knows whether it was carried out.
    InDoubt,
}

/// What a look found out about a call that may or may not have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It has happened.
    Happened,
    /// It has not happened, and will not any more.
    DidNot,
    /// A person has to say.
    Unclear,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It is done, and its probes are green.
    Succeeded,
    /// It has failed.
    Failed,
    /// Its condition says that it is not needed.
    NotNeeded,
    /// It was taken back.
    Undone,
    /// It could not be taken back.
    UndoFailed,
}

/// Why a run rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rest {
    /// Everything that was to be done is done.
    Finished,
    /// Somebody asked for that.
    Paused,
    /// It cannot go on without a person.
    Stuck,
    /// Somebody gave it up.
    Abandoned,
    /// Nobody is logged in.
    WaitingForLogin,
    /// What was done is taken back.
    Undone,
}

/// What somebody asks of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// Begin: the plan was agreed to.
    Consent(ConsentGiven),
    /// Go no further than what is under way.
    Pause,
    /// Go on.
    Resume,
    /// Go past a gate.
    OpenGate {
        /// The step.
        step: Text,
        /// How it was agreed to.
        consent: ConsentGiven,
    },
    /// Leave a step out.
    Skip {
        /// The step.
        step: Text,
        /// Why.
        reason: Text,
    },
    /// Begin a step again that failed.
    Retry {
        /// The step.
        step: Text,
    },
    /// Take back what was done: one step, or all in reverse order.
    Undo {
        /// The step; all of them if absent.
        step: Option<Text>,
        /// How it was agreed to.
        consent: ConsentGiven,
    },
    /// Say what nothing else can tell: whether a call in doubt has happened.
    Settle {
        /// The step.
        step: Text,
        /// Whether it has happened.
        happened: bool,
        /// How the person knows.
        reason: Text,
    },
    /// Answer the question of a manual step.
    Answer {
        /// The step.
        step: Text,
        /// What was answered.
        answer: Text,
        /// Whether the step is done.
        done: bool,
    },
    /// Give the run up: it is never begun again.
    Abandon {
        /// Why.
        reason: Text,
    },
    /// Stand against a break-glass that waits.
    Veto {
        /// Why.
        reason: Text,
    },
    /// Write something down.
    Note {
        /// What.
        text: Text,
    },
}

impl Ask {
    /// Returns its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Consent(_) => "consent",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::OpenGate { .. } => "open-gate",
            Self::Skip { .. } => "skip",
            Self::Retry { .. } => "retry",
            Self::Undo { .. } => "undo",
            Self::Settle { .. } => "settle",
            Self::Answer { .. } => "answer",
            Self::Abandon { .. } => "abandon",
            Self::Veto { .. } => "veto",
            Self::Note { .. } => "note",
        }
    }
}

/// That somebody agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentGiven {
    /// The plan that was shown.
    pub plan: PlanHash,
    /// How strongly.
    pub strength: Strength,
    /// The phrase that was typed, where one was.
    pub phrase: Option<String>,
    /// Whether it came by a flag instead of a person at a terminal.
    pub by_flag: bool,
    /// The second person's signature.
    pub approval: Option<Approval>,
    /// Why nobody else could be reached, where break-glass is asked for.
    pub break_glass: Option<Text>,
}

/// A second person's signature under a plan's hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The name in the estate.
    pub approver: Text,
    /// Until when it counts.
    pub expires: Timestamp,
    /// The signature, as `ssh-keygen -Y sign` writes it.
    pub signature: String,
}

/// Something observed of a declared precondition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// What.
    pub says: Text,
    /// Whether it still holds.
    pub holds: bool,
    /// What was found.
    pub found: Value,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The journal begins.
    Opened {
        /// The version of this format: major and minor.
        format: Text,
        /// The version of lifeboat.
        lifeboat: Text,
        /// The run.
        run: Text,
        /// The runbook.
        runbook: Text,
        /// What it does.
        title: Text,
        /// The environment.
        environment: EnvironmentName,
        /// Whether it is production.
        class: EnvironmentClass,
        /// Its account and Region.
        place: Place,
        /// Whether anything is changed.
        mode: Mode,
        /// The plan.
        plan: SideFile,
        /// Why.
        purpose: Text,
        /// Whether times are those of a simulated world.
        virtual_time: bool,
    },
    /// An executor began to work: from now on lines carry its term.
    TookOver {
        /// Its process.
        pid: u32,
        /// The version of lifeboat.
        lifeboat: Text,
        /// How many bytes of an incomplete last line it cut off.
        cut_bytes: u64,
        /// The SHA-256 of its own program.
        program: Option<Text>,
    },
    /// Somebody asked for something.
    Asked {
        /// The request's own name: it is obeyed once.
        id: Text,
        /// Who.
        by: Person,
        /// From which terminal, where that is known.
        terminal: Option<Text>,
        /// When it was sent.
        sent_at: Timestamp,
        /// What.
        ask: Ask,
        /// Why it was refused; `None` if it is obeyed.
        refused: Option<Text>,
    },
    /// Somebody wants to go on without a second person, and others have until then to stand against it.
    BreakGlass {
        /// Why.
        reason: Text,
        /// When it opens.
        opens_at: Timestamp,
    },
    /// What was agreed to counts from now on.
    Consented {
        /// For what: `plan`, `undo`, or the name of a gate's step.
        scope: Text,
        /// How strongly.
        strength: Strength,
        /// The second person, with the fingerprint of the key.
        approver: Option<(Text, Text)>,
        /// Whether it was break-glass.
        break_glass: bool,
    },
    /// Who acts, as the service sees it.
    Identified {
        /// The environment.
        environment: EnvironmentName,
        /// The identity.
        identity: Text,
        /// Its account.
        account: Text,
        /// When the credentials end.
        ends_at: Option<Timestamp>,
    },
    /// A step waits at its gate.
    GateReached {
        /// The step.
        step: Text,
    },
    /// A step began.
    Began {
        /// The step.
        step: Text,
        /// Which way.
        direction: Direction,
        /// How often it was begun, from 1.
        attempt: u32,
        /// How many calls it will make.
        calls: u32,
        /// What was observed of its preconditions.
        observed: Vec<Observation>,
        /// What was there before.
        before: Option<SideFile>,
    },
    /// A call is about to be made. Nothing of it leaves before this is on disk.
    Intended {
        /// Which call.
        of: CallPlace,
        /// What is sent; secrets stand in it by name.
        call: Call,
        /// The SHA-256 of what is sent.
        digest: Text,
        /// How it will be told whether it happened.
        dedupe: Dedupe,
    },
    /// A call was answered, or was not.
    Answered {
        /// Which call.
        of: CallPlace,
        /// How.
        outcome: Outcome,
        /// The id of the request.
        request_id: Option<Text>,
        /// The HTTP status; 0 where there was none.
        status: u16,
        /// The service's code, where it refused.
        code: Option<Text>,
        /// What it said.
        says: Text,
        /// What of the answer somebody uses later.
        reply: Value,
        /// What to do next, where it was refused.
        hint: Option<Text>,
    },
    /// A look said whether a call in doubt has happened.
    Observed {
        /// Which call.
        of: CallPlace,
        /// What it said.
        verdict: Verdict,
        /// What shows it.
        evidence: Text,
        /// What the answer would have been.
        reply: Value,
        /// Who said it, where it was a person.
        by: Option<Person>,
    },
    /// What a call began is there.
    Arrived {
        /// Which call.
        of: CallPlace,
        /// What later steps can refer to.
        outputs: Map<String, Value>,
    },
    /// A probe has been green for as long as it had to.
    Verified {
        /// The step.
        step: Text,
        /// Which probe, from 0.
        index: u32,
        /// What it asked, and what was said.
        says: Text,
        /// Since when it was green.
        since: Timestamp,
    },
    /// What a step left otherwise than it was.
    Compared {
        /// The step.
        step: Text,
        /// How many settings differ.
        differ: u32,
        /// They themselves.
        deviations: Value,
    },
    /// A step takes longer than it may, or is in doubt: a person is asked.
    Questioned {
        /// The step.
        step: Text,
        /// The question.
        question: Text,
    },
    /// A step ended.
    Ended {
        /// The step.
        step: Text,
        /// Which way.
        direction: Direction,
        /// How.
        ending: Ending,
        /// Why it failed or was not needed.
        why: Text,
        /// What to do next.
        hint: Option<Text>,
    },
    /// The run rests.
    Rested {
        /// Why.
        rest: Rest,
        /// What a person has to know or decide.
        why: Text,
    },
}

impl Event {
    /// Returns the one step that it is about, where it is about one. A request may be about all of them.
    pub fn step(&self) -> Option<&Text> {
        match self {
            Self::Intended { of, .. }
            | Self::Answered { of, .. }
            | Self::Observed { of, .. }
            | Self::Arrived { of, .. } => Some(&of.step),
            Self::Began { step, .. }
            | Self::Ended { step, .. }
            | Self::Questioned { step, .. }
            | Self::GateReached { step }
            | Self::Verified { step, .. }
            | Self::Compared { step, .. } => Some(step),
            Self::Opened { .. }
            | Self::TookOver { .. }
            | Self::Asked { .. }
            | Self::BreakGlass { .. }
            | Self::Consented { .. }
            | Self::Identified { .. }
            | Self::Rested { .. } => None,
        }
    }
}
