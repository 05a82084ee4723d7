//! A plan: what exactly will be called, on what, under which conditions, and how it is undone.
//!
//! Its file is what people read, agree to and sign: the hash is over the bytes of that file. A value that is not known yet
//! stands in it as its reference, such as `${steps.restore.endpoint}`.

use super::call::{Call, hex};
use super::dedupe::Dedupe;
use super::definition::{OnHangup, Retry, RunbookKind};
use super::schedule::JOIN;
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::domain::estate::EnvironmentClass;
use crate::domain::ids::{ComponentId, EnvironmentName, Region};
use crate::domain::place::Place;
use crate::domain::scope::FailureScope;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// The version of the plan file's format: major and minor.
pub const PLAN_FORMAT: &str = "1.0";

/// The SHA-256 of a plan file's bytes, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanHash(Text);

impl PlanHash {
    /// Returns the hash of a plan file's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Text::new(&hex(&Sha256::digest(bytes))))
    }

    /// Returns the hash written as 64 hex digits; `None` for anything else.
    pub fn parse(hex: &str) -> Option<Self> {
        let fits = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        fits.then(|| Self(Text::new(hex)))
    }

    /// Returns its first four digits, which a consent phrase ends with.
    pub fn short(&self) -> &str {
        self.0.as_str().get(..4).unwrap_or_default()
    }

    /// Returns all its digits.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for PlanHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| "a plan's hash has 64 hex digits".to_owned())
    }
}

impl From<PlanHash> for String {
    fn from(hash: PlanHash) -> Self {
        hash.0.to_string()
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a run changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It recovers.
    #[default]
    Recover,
    /// It practises: the same calls, marked as a drill.
    Drill,
    /// It only talks: no call leaves.
    Tabletop,
}

/// A person at a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The user's name on it.
    pub user: Text,
    /// The machine.
    pub host: Text,
}

/// The runbook that a plan follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunbookRef {
    /// Its name.
    pub id: Text,
    /// What it does.
    pub title: Text,
    /// The SHA-256 of its file.
    pub digest: Text,
    /// What it is for.
    pub kind: RunbookKind,
}

/// The simulated world that a plan is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxRef {
    /// The scenario.
    pub scenario: Text,
    /// The seed.
    pub seed: u64,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this format.
    pub format: String,
    /// The version of lifeboat that made it.
    pub lifeboat: Text,
    /// The run that will carry it out.
    pub run: Text,
    /// When it was made, by the clock of its environment.
    pub made_at: Timestamp,
    /// By whom.
    pub made_by: Person,
    /// The runbook.
    pub runbook: RunbookRef,
    /// Whether it changes anything.
    pub mode: Mode,
    /// The environment.
    pub environment: EnvironmentName,
    /// Whether it is production.
    pub class: EnvironmentClass,
    /// Its account and Region.
    pub place: Place,
    /// What people call the account.
    pub account_alias: Text,
    /// What stands before a phrase, where the estate asks for that.
    pub phrase_prefix: Option<Text>,
    /// Whether break-glass is allowed there.
    pub break_glass: bool,
    /// The component that it is about: the first that a parameter names.
    pub component: Option<ComponentId>,
    /// The SHA-256 of the estate file.
    pub estate: Text,
    /// The simulated world, where it is for one.
    pub sandbox: Option<SandboxRef>,
    /// What was said when it was made; secret values are left out.
    pub parameters: BTreeMap<String, Value>,
    /// The parameters whose values reach the executor by a pipe and stand nowhere.
    pub secrets: Vec<String>,
    /// The failure that it recovers from.
    pub failure: Option<FailureScope>,
    /// When the outage began.
    pub since: Option<Timestamp>,
    /// Within which time the component was promised to be back, in seconds.
    pub promised_s: Option<u64>,
    /// The steps, in an order in which each stands after those that it waits for.
    pub steps: Vec<PlannedStep>,
}

impl Plan {
    /// Returns the bytes of its file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Returns the step named so.
    pub fn step(&self, id: &str) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| step.id == *id)
    }

    /// Returns the worst that it may do.
    pub fn worst(&self) -> ActionClass {
        self.steps.iter().map(|step| step.class).max().unwrap_or(ActionClass::Read)
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// Its name; a step of a called runbook has that of the call before it, with a dot.
    pub id: Text,
    /// What it does.
    pub title: Text,
    /// What people should know.
    pub prose: Text,
    /// The action; `join` for the end of a called runbook.
    pub uses: Text,
    /// The component that it changes, where it is one of the estate.
    pub component: Option<ComponentId>,
    /// The worst that it may do.
    pub class: ActionClass,
    /// How it is told whether it has happened.
    pub dedupe: Dedupe,
    /// What the action was given; references to steps stand as such.
    pub given: BTreeMap<String, Value>,
    /// What is called, in this order.
    pub calls: Vec<PlannedCall>,
    /// For a step that only looks: what it asks.
    pub asks: Vec<Call>,
    /// What must still be so when it begins.
    pub preconditions: Vec<Precondition>,
    /// How it is undone.
    pub undo: Undo,
    /// What it costs, which limits it counts against, and what it leaves behind.
    pub notes: Vec<Text>,
    /// The Region whose control plane it needs, where it is not that of its environment.
    pub control_plane: Option<Region>,
    /// What the action saw while planning and needs later.
    pub facts: Map<String, Value>,
    /// How long it takes.
    pub takes: Option<Estimate>,
    /// The steps that it waits for.
    pub needs: Vec<Text>,
    /// The condition under which it runs.
    pub when: Option<String>,
    /// What the condition may ask of parameters; empty where there is no condition.
    pub params: BTreeMap<String, ParamValue>,
    /// The step that runs when it fails.
    pub otherwise: Option<Text>,
    /// The call of a runbook that it is part of: the `join` step.
    pub part_of: Option<Text>,
    /// What must be green before it counts.
    pub verify: Vec<PlannedCheck>,
    /// How often it is begun again by itself.
    pub retry: Retry,
    /// How long it may take before a person is asked, in seconds.
    pub timeout_s: Option<u64>,
    /// Whether it asks again when it is reached.
    pub gate: bool,
    /// What happens to it when no operator is left.
    pub on_hangup: OnHangup,
}

impl PlannedStep {
    /// Returns a step that makes no call and waits for nothing, such as the end of a called runbook.
    pub fn join(id: &str, title: &str) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            prose: Text::default(),
            uses: JOIN.into(),
            component: None,
            class: ActionClass::Read,
            dedupe: Dedupe::Nothing,
            given: BTreeMap::new(),
            calls: Vec::new(),
            asks: Vec::new(),
            preconditions: Vec::new(),
            undo: Undo::Nothing,
            notes: Vec::new(),
            control_plane: None,
            facts: Map::new(),
            takes: None,
            needs: Vec::new(),
            when: None,
            params: BTreeMap::new(),
            otherwise: None,
            part_of: None,
            verify: Vec::new(),
            retry: Retry::default(),
            timeout_s: None,
            gate: false,
            on_hangup: OnHangup::default(),
        }
    }
}

/// What a parameter was said to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParamValue {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A span of time, in seconds.
    DurationS(u64),
    /// A moment.
    Moment(Timestamp),
    /// True or false.
    Switch(bool),
}

/// One call of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedCall {
    /// What is sent.
    pub call: Call,
    /// What it does, in a few words.
    pub says: Text,
    /// What it may do to the world.
    pub class: ActionClass,
    /// How it is told whether it has happened.
    pub dedupe: Dedupe,
}

/// Something that was so when the plan was made and must still be so when its step begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Precondition {
    /// What, in words: `the snapshot is available`.
    pub says: Text,
    /// The reading call that tells.
    pub look: Call,
    /// Where in its answer: a JSON pointer.
    pub at: String,
    /// What must be there.
    pub expect: Expect,
}

/// What an answer must say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Expect {
    /// Exactly this.
    Is(Value),
    /// One of these.
    OneOf(Vec<Value>),
    /// Nothing: there is no such thing, by the service's own code for that.
    Absent(Vec<Text>),
}

/// How a step is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Undo {
    /// It changes nothing.
    Nothing,
    /// By these calls, in words, the worst of which may do this.
    Calls {
        /// What is called.
        says: Vec<Text>,
        /// The worst that they may do.
        class: ActionClass,
    },
    /// It cannot be; why.
    Impossible(Text),
}

/// A probe of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedCheck {
    /// What is asked.
    pub look: Call,
    /// What it asks, in words.
    pub says: Text,
    /// How long it must have been green without a break, in seconds.
    pub hold_s: u64,
    /// How long it may take to become so, in seconds.
    pub within_s: u64,
}

/// How long something takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Estimate {
    /// At least, in seconds.
    pub low_s: u64,
    /// At most, in seconds.
    pub high_s: u64,
    /// Where that comes from: `3 runs here`, `a usual figure`.
    pub source: Text,
}

#[cfg(test)]
pub(crate) mod fixtures {
    use super::*;

    /// Returns a plan with these steps.
    pub(crate) fn plan(promised_s: Option<u64>, steps: Vec<PlannedStep>) -> Plan {
        Plan {
            format: PLAN_FORMAT.to_owned(),
            lifeboat: "0".into(),
            run: "r-1".into(),
            made_at: Timestamp::UNIX_EPOCH,
            made_by: Person::default(),
            runbook: RunbookRef {
                id: "test".into(),
                title: "Test".into(),
                digest: Text::default(),
                kind: RunbookKind::Recover,
            },
            mode: Mode::Recover,
            environment: "production".into(),
            class: EnvironmentClass::Production,
            place: Place::new("123456789012", "us-east-2"),
            account_alias: "test-prod".into(),
            phrase_prefix: None,
            break_glass: false,
            component: None,
            estate: Text::default(),
            sandbox: None,
            parameters: BTreeMap::new(),
            secrets: Vec::new(),
            failure: None,
            since: None,
            promised_s,
            steps,
        }
    }

    /// Returns a plain step with one call.
    pub(crate) fn step(id: &str, operation: &str) -> PlannedStep {
        let call = Call::new(operation, &"production".into(), &Place::new("123456789012", "us-east-2"));
        PlannedStep {
            uses: "test".into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
            calls: vec![PlannedCall {
                call,
                says: operation.into(),
                class: ActionClass::Mutating,
                dedupe: Dedupe::SetState,
            }],
            undo: Undo::Impossible("nothing is known".into()),
            ..PlannedStep::join(id, id)
        }
    }
}
