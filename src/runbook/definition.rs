//! A runbook as its file says it: parameters, steps, and what each step waits for.

use crate::domain::Text;
use crate::domain::kind::Kind;
use crate::domain::scope::FailureScope;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The name of a runbook, a parameter or a step: lower-case letters, digits and dashes.
pub type Name = String;

/// What a runbook is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunbookKind {
    /// Brings something back.
    Recover,
    /// Keeps damage from spreading.
    Contain,
    /// Makes something to recover from.
    Backup,
    /// Looks whether something could be recovered.
    Verify,
    /// Practises.
    Drill,
}

/// A runbook.
#[derive(Debug, Clone, PartialEq)]
pub struct Runbook {
    /// Its name: that of its file.
    pub id: Name,
    /// Where its file lies, as people know it.
    pub origin: String,
    /// The SHA-256 of its file, in lower-case hex.
    pub digest: String,
    /// What it does, in a few words.
    pub title: Text,
    /// What has happened when it is the right one.
    pub scenario: Text,
    /// What people see then.
    pub symptoms: Vec<Text>,
    /// When somebody last read it through.
    pub reviewed: Option<Date>,
    /// The document that it covers, where it covers one.
    pub covers: Option<Text>,
    /// What it is for.
    pub kind: RunbookKind,
    /// The failures after which it helps.
    pub failures: Vec<FailureScope>,
    /// What it promises, by failure: the time it takes.
    pub objectives: BTreeMap<FailureScope, Duration>,
    /// What has to be said before it can be planned, in the order of the file.
    pub parameters: Vec<Parameter>,
    /// Its steps, in the order of the file.
    pub steps: Vec<Step>,
}

/// What a parameter is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterKind {
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// A span of time.
    Duration,
    /// A moment.
    Moment,
    /// True or false.
    Switch,
    /// A component of the estate, of one of these kinds; of any if there are none.
    Component(Vec<Kind>),
    /// A recovery point of the component that another parameter names.
    Point {
        /// The parameter.
        of: Name,
    },
    /// One of these.
    Choice(Vec<Text>),
}

/// Something that has to be said before a runbook can be planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// What it is.
    pub kind: ParameterKind,
    /// What it means, for people.
    pub says: Text,
    /// What it is where nobody says it; may refer to other parameters and to readings. For a point without a default
    /// it is the newest usable one.
    pub default: Option<Template>,
    /// Whether its value must not be shown.
    pub secret: bool,
}

/// What happens to a step when no operator is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnHangup {
    /// It goes on if every consent is given, else it waits.
    #[default]
    Continue,
    /// It is carried out, and nothing after it.
    FinishStep,
    /// It does not begin.
    Pause,
}

/// How often a step that failed cleanly is begun again by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// How often, after the first time.
    pub times: u32,
    /// How long it waits in between, in seconds.
    pub wait_s: u64,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name.
    pub id: Name,
    /// What it does, in a few words.
    pub title: Text,
    /// What people should know, shown beside it.
    pub prose: Text,
    /// The action, or `runbook`.
    pub uses: Name,
    /// For `runbook`: which.
    pub runbook: Option<Name>,
    /// What the action is given.
    pub with: BTreeMap<Name, Given>,
    /// The steps that it waits for; the one before it where the file says nothing.
    pub needs: Vec<Name>,
    /// A condition in CEL over `params` and `steps`; without it the step always runs.
    pub when: Option<String>,
    /// The step that runs when this one fails.
    pub otherwise: Option<Name>,
    /// What must be green, and stay so, before it counts.
    pub verify: Vec<Check>,
    /// How often it is begun again by itself.
    pub retry: Retry,
    /// How long it may take before a person is asked.
    pub timeout: Option<Duration>,
    /// Whether it asks again when it is reached.
    pub gate: bool,
    /// What happens to it when no operator is left.
    pub on_hangup: OnHangup,
}

/// A probe beside a step, and how long it must stay green.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The probing action: `http-probe`, `tcp-probe`, `dns-probe`.
    pub uses: Name,
    /// What it is given.
    pub with: BTreeMap<Name, Given>,
    /// How long it must have been green without a break.
    pub hold: Duration,
    /// How long it may take to become green.
    pub within: Duration,
}

/// What an action is given for one argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// One value.
    One(Template),
    /// Several.
    Many(Vec<Template>),
    /// Names and values.
    Pairs(BTreeMap<String, Template>),
}

/// A text with references in it, such as `${params.database}-restored`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub Vec<Piece>);

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Plain(String),
    /// `${params.name}`
    Param(Name),
    /// `${steps.id.field}`
    Step(Name, Name),
    /// `${readings.component.field}`, where the component is a name or `params.name`.
    Reading(String, Name),
}

impl Template {
    /// Returns a template without references.
    pub fn plain(text: &str) -> Self {
        Self(vec![Piece::Plain(text.to_owned())])
    }
}
