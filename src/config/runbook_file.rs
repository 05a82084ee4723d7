//! A runbook as it is written: the types that serde reads and that the JSON Schema is made from.
//!
//! No `flatten`, `untagged` or internal tags anywhere: they turn `0123` into a number and lose the place of a mistake.
//! What stands under `with` is kept as it was written ([`GivenFile`]), because only the action says what it must be.

use super::scalar::{AsWritten, Day, Span, Word};
use super::yaml::{Entries, Field, Raw};
use crate::domain::kind::Kind;
use crate::domain::scope::FailureScope;
use crate::runbook::definition::{OnHangup, RunbookKind};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// A runbook: what to do when something has happened, step by step.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, title = "lifeboat runbook")]
pub struct RunbookFile {
    /// The version of this format: 1.
    pub version: Field<u32>,
    /// What it does, in a few words.
    pub title: Field<String>,
    /// What has happened when it is the right one.
    pub scenario: Field<String>,
    /// What people see then.
    pub symptoms: Field<Vec<Field<String>>>,
    /// What it is for: `recover`, `contain`, `backup`, `verify` or `drill`.
    pub kind: Field<RunbookKind>,
    /// The failures after which it helps.
    pub failures: Field<Vec<Field<FailureScope>>>,
    /// What it promises, by failure: the time it takes.
    pub objectives: Field<PromisesFile>,
    /// When somebody last read it through.
    pub reviewed: Field<Day>,
    /// The document that it covers, where it covers one.
    pub covers: Field<String>,
    /// What has to be said before it can be planned, by name.
    pub parameters: Field<Entries<ParameterFile>>,
    /// Its steps, in their order.
    pub steps: Field<Vec<Field<StepFile>>>,
}

/// What a runbook promises: the time that it takes, by failure.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct PromisesFile {
    /// When the component is lost.
    pub local: Field<Span>,
    /// When its Region is lost.
    pub region: Field<Span>,
    /// When its account cannot be trusted.
    pub account: Field<Span>,
}

/// What a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterType {
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// A span of time, such as 15 min.
    Duration,
    /// A moment, such as 2026-10-12T03:00:00Z.
    Moment,
    /// True or false.
    Switch,
    /// A component of the estate.
    Component,
    /// A recovery point of a component.
    Point,
    /// One of some texts.
    Choice,
}

/// Something that has to be said before a runbook can be planned.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ParameterFile {
    /// What it is.
    pub r#type: Field<ParameterType>,
    /// For a component: its kind is one of these; any if absent.
    pub kinds: Field<Vec<Field<Kind>>>,
    /// For a point: the parameter that names its component.
    pub of: Field<Word>,
    /// For a choice: what can be chosen.
    pub choices: Field<Vec<Field<AsWritten>>>,
    /// What it means, for people.
    pub says: Field<String>,
    /// What it is where nobody says it; it must be said if absent. For a point it is the newest usable one if absent.
    pub default: Field<AsWritten>,
    /// Whether its value must not be shown.
    pub secret: Field<bool>,
}

/// One step.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct StepFile {
    /// Its name, unique in the runbook.
    pub id: Field<Word>,
    /// What it does, in a few words.
    pub title: Field<String>,
    /// What people should know, shown beside it.
    pub prose: Field<String>,
    /// The action, or `runbook`.
    pub uses: Field<Word>,
    /// With `uses: runbook`: which.
    pub runbook: Field<Word>,
    /// What the action is given, by the names of its arguments.
    pub with: Field<Entries<GivenFile>>,
    /// The steps that it waits for: the one before it if absent, none if empty.
    pub needs: Field<Vec<Field<Word>>>,
    /// When it runs: a condition in CEL over `params` and `steps`; always if absent.
    pub when: Field<String>,
    /// The step that runs when this one fails. That one takes the place of this one, and so does not say what it needs.
    #[serde(rename = "else")]
    pub otherwise: Field<Word>,
    /// What must be green, and stay so, before it counts.
    pub verify: Field<Vec<Field<CheckFile>>>,
    /// How often it is begun again by itself when it failed cleanly.
    pub retry: Field<RetryFile>,
    /// How long it may take before a person is asked.
    pub timeout: Field<Span>,
    /// Whether it asks again when it is reached.
    pub gate: Field<bool>,
    /// What happens to it when no operator is left: `continue` if absent.
    pub on_hangup: Field<OnHangup>,
}

/// A probe beside a step.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct CheckFile {
    /// The probing action; it only reads.
    pub uses: Field<Word>,
    /// What it is given, by the names of its arguments.
    pub with: Field<Entries<GivenFile>>,
    /// How long it must have been green without a break.
    pub hold: Field<Span>,
    /// How long it may take to become green.
    pub within: Field<Span>,
}

/// How often a step is begun again.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct RetryFile {
    /// How often, after the first time.
    pub times: Field<u32>,
    /// How long it waits in between; not at all if absent.
    pub wait: Field<Span>,
}

/// What an action is given for one argument, exactly as it was written.
#[derive(Debug, Clone)]
pub struct GivenFile(pub Raw);

impl<'de> Deserialize<'de> for GivenFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Raw::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for GivenFile {
    fn schema_name() -> Cow<'static, str> {
        "Given".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<AsWritten>();
        json_schema!({
            "description": "A value, a list of values, or names and values, each taken exactly as it is written. \
                ${params.x}, ${steps.id.field} and ${readings.component.field} refer to others; $$ is a dollar.",
            "anyOf": [one, { "type": "array", "items": one }, { "type": "object", "additionalProperties": one }],
            "examples": ["${params.database}", "${steps.restore.endpoint}", "15 min"]
        })
    }
}
