//! From a runbook to a plan: parameters said, readings looked up, called runbooks laid open, every action asked what it
//! would do in the world as it is.

use super::history::History;
use super::unfold::{Flat, unfold};
use crate::action::fan_out::Manifests;
use crate::action::given::GivenValues;
use crate::action::{Action, Kept, PlanAsk, Refusal};
use crate::domain::Text;
use crate::domain::estate::{Environment, Estate, Provider};
use crate::domain::ids::ComponentId;
use crate::domain::scope::FailureScope;
use crate::provider::port::Look;
use crate::runbook::definition::{Check, Given, ParameterKind, Runbook};
use crate::runbook::fill;
use crate::runbook::plan::{
    Mode, PLAN_FORMAT, ParamValue, Person, Plan, PlannedCheck, PlannedStep, RunbookRef, SandboxRef,
};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a plan is made with.
pub struct Planning<'a> {
    /// The runbook.
    pub runbook: &'a Runbook,
    /// Returns the runbooks that it calls.
    pub library: &'a dyn Fn(&str) -> Option<&'a Runbook>,
    /// The actions.
    pub actions: &'a dyn Fn(&str) -> Option<&'static dyn Action>,
    /// What was said of parameters.
    pub said: &'a BTreeMap<String, String>,
    /// What readings say: of a component, a field.
    pub readings: &'a fill::Readings<'a>,
    /// The newest usable point of a component, where a parameter asks for one.
    pub newest_point: &'a dyn Fn(&ComponentId) -> Option<String>,
    /// The estate.
    pub estate: &'a Estate,
    /// The SHA-256 of its file.
    pub estate_digest: &'a str,
    /// The environment.
    pub environment: &'a Environment,
    /// How the world is looked at.
    pub look: &'a dyn Look,
    /// Settings of a component as they were last read.
    pub settings: &'a (dyn Fn(&ComponentId) -> Option<Kept> + Sync),
    /// Where the manifests of steps over many keys are written.
    pub manifests: &'a dyn Manifests,
    /// How long things took before.
    pub history: &'a History,
    /// The name of the run.
    pub run: &'a str,
    /// Whether anything is changed.
    pub mode: Mode,
    /// Who plans.
    pub by: Person,
    /// The failure that it recovers from.
    pub failure: Option<FailureScope>,
    /// When the outage began.
    pub since: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPlan {
    /// Something was not said, or said wrongly.
    #[error("parameter `{name}`: {why}")]
    Parameter {
        /// The parameter.
        name: String,
        /// What is wrong.
        why: String,
        /// What to write instead.
        hint: String,
    },
    /// The runbook has no such parameter.
    #[error("this runbook has no parameter `{0}`")]
    NoParameter(String, String),
    /// A step cannot be planned.
    #[error("step `{step}` cannot be planned: {why}")]
    Step {
        /// The step.
        step: String,
        /// Why, and what to do next.
        why: Refusal,
    },
}

/// Makes a plan.
///
/// # Errors
/// The first thing that stands in the way.
pub async fn plan(ask: Planning<'_>) -> Result<Plan, NoPlan> {
    let params = parameters(&ask)?;
    let steps = unfold(ask.runbook, &params.texts, &params.values, ask.library, ask.readings)?;
    let component = component_of(&ask, &params);
    let mut planned = Vec::with_capacity(steps.len());
    for flat in &steps {
        planned.push(step(&ask, flat).await.map_err(|why| NoPlan::Step { step: flat.id.clone(), why })?);
    }
    let secrets: Vec<String> =
        ask.runbook.parameters.iter().filter(|p| p.secret).map(|p| p.name.clone()).collect();
    let shown = params.texts.iter().filter(|(name, _)| !secrets.contains(name));
    let promised = component.as_ref().and_then(|id| ask.estate.component(id)).and_then(|component| {
        let failure = ask.failure.unwrap_or(FailureScope::Local);
        component.objectives.of(failure).rto
    });
    Ok(Plan {
        format: PLAN_FORMAT.to_owned(),
        lifeboat: env!("CARGO_PKG_VERSION").into(),
        run: ask.run.into(),
        made_at: ask.now,
        made_by: ask.by.clone(),
        runbook: RunbookRef {
            id: Text::new(&ask.runbook.id),
            title: ask.runbook.title.clone(),
            digest: Text::new(&ask.runbook.digest),
            kind: ask.runbook.kind,
        },
        mode: ask.mode,
        environment: ask.environment.name.clone(),
        class: ask.environment.class,
        place: ask.environment.home(),
        account_alias: ask.environment.account_alias.clone(),
        phrase_prefix: ask.environment.phrase_prefix.clone(),
        break_glass: ask.estate.policy.break_glass.contains(&ask.environment.name),
        component,
        estate: ask.estate_digest.into(),
        sandbox: match &ask.environment.provider {
            Provider::Aws => None,
            Provider::Sandbox { scenario, seed } => {
                Some(SandboxRef { scenario: scenario.clone(), seed: *seed })
            }
        },
        parameters: shown.map(|(name, text)| (name.clone(), Value::String(text.clone()))).collect(),
        secrets,
        failure: ask.failure,
        since: ask.since,
        promised_s: promised.map(|promised| promised.as_secs()),
        steps: planned,
    })
}

struct Params {
    texts: BTreeMap<String, String>,
    values: BTreeMap<String, ParamValue>,
}

fn parameters(ask: &Planning<'_>) -> Result<Params, NoPlan> {
    let known = &ask.runbook.parameters;
    if let Some(stranger) = ask.said.keys().find(|name| !known.iter().any(|known| known.name == **name)) {
        let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
        return Err(NoPlan::NoParameter(stranger.clone(), names.join(", ")));
    }
    let mut params = Params { texts: BTreeMap::new(), values: BTreeMap::new() };
    for parameter in known {
        let name = &parameter.name;
        let wrong = |why: String| NoPlan::Parameter {
            name: name.clone(),
            why,
            hint: format!("say it with --param {name}=…: {}", parameter.says),
        };
        if parameter.secret {
            params.texts.insert(name.clone(), format!("${{secrets.{name}}}"));
            continue;
        }
        let said = ask.said.get(name).cloned();
        // What is said stands for itself: a default may name a reading that nobody could take.
        let default = match (&parameter.default, &parameter.kind) {
            _ if said.is_some() => None,
            (Some(default), _) => {
                let filled = fill::fill(default, &params.texts, ask.readings);
                Some(filled.map_err(|why| wrong(why.to_string()))?)
            }
            (None, ParameterKind::Point { of }) => {
                let component = params.texts.get(of).map(|id| ComponentId::new(id));
                component.and_then(|component| (ask.newest_point)(&component))
            }
            (None, _) => None,
        };
        let missing = || match &parameter.kind {
            ParameterKind::Point { of } => {
                let component = params.texts.get(of).map_or("", String::as_str);
                NoPlan::Parameter {
                    name: name.clone(),
                    why: format!("no usable point of {component} was found where it lives"),
                    hint: format!("`lifeboat points {component}` lists them all, and why they do not count"),
                }
            }
            _ => wrong("nobody has said it".to_owned()),
        };
        let text = said.or(default).ok_or_else(missing)?;
        let value = typed(ask, &parameter.kind, &text).map_err(wrong)?;
        // A plan holds the moment itself: "3 h ago" would be another one when it is read.
        let text = if let ParamValue::Moment(at) = &value { at.to_string() } else { text };
        params.texts.insert(name.clone(), text);
        params.values.insert(name.clone(), value);
    }
    Ok(params)
}

fn typed(ask: &Planning<'_>, kind: &ParameterKind, text: &str) -> Result<ParamValue, String> {
    match kind {
        ParameterKind::Text | ParameterKind::Point { .. } => Ok(ParamValue::Text(text.to_owned())),
        ParameterKind::Number => {
            text.parse().map(ParamValue::Number).map_err(|_| format!("`{text}` is no whole number"))
        }
        ParameterKind::Duration => {
            crate::domain::duration::parse(text).map(|span| ParamValue::DurationS(span.as_secs()))
        }
        ParameterKind::Moment => crate::domain::moment::parse(text, ask.now).map(ParamValue::Moment),
        ParameterKind::Switch => {
            text.parse().map(ParamValue::Switch).map_err(|_| format!("`{text}` is neither true nor false"))
        }
        ParameterKind::Choice(choices) => {
            if choices.iter().any(|choice| *choice == *text) {
                return Ok(ParamValue::Text(text.to_owned()));
            }
            let all: Vec<&str> = choices.iter().map(Text::as_str).collect();
            Err(format!("`{text}` is none of {}", all.join(", ")))
        }
        ParameterKind::Component(kinds) => {
            let component = ask
                .estate
                .component(&ComponentId::new(text))
                .ok_or_else(|| format!("the estate has no component `{text}`"))?;
            if !kinds.is_empty() && !kinds.contains(&component.kind) {
                return Err(format!("{text} is of kind {}, which this runbook is not for", component.kind));
            }
            if component.environment != ask.environment.name {
                return Err(format!(
                    "{text} belongs to environment {}, and the plan is for {}",
                    component.environment, ask.environment.name
                ));
            }
            Ok(ParamValue::Text(text.to_owned()))
        }
    }
}

fn component_of(ask: &Planning<'_>, params: &Params) -> Option<ComponentId> {
    let first = ask.runbook.parameters.iter().find(|p| matches!(p.kind, ParameterKind::Component(_)))?;
    params.texts.get(&first.name).map(|id| ComponentId::new(id))
}

async fn step(ask: &Planning<'_>, flat: &Flat<'_>) -> Result<PlannedStep, Refusal> {
    let mut planned = PlannedStep {
        prose: flat.step.prose.clone(),
        given: flat.given.clone(),
        needs: flat.needs.iter().map(|need| Text::new(need)).collect(),
        when: flat.step.when.clone(),
        params: if flat.step.when.is_some() { flat.params.clone() } else { BTreeMap::new() },
        otherwise: flat.otherwise.as_deref().map(Text::new),
        part_of: flat.part_of.as_deref().map(Text::new),
        retry: flat.step.retry,
        timeout_s: flat.step.timeout.map(|timeout| timeout.as_secs()),
        gate: flat.step.gate,
        on_hangup: flat.step.on_hangup,
        ..PlannedStep::join(&flat.id, flat.step.title.as_str())
    };
    for check in &flat.verify {
        planned.verify.push(verify(ask, check, flat).await?);
    }
    if flat.is_join {
        return Ok(planned);
    }
    let name = flat.step.uses.as_str();
    let action = (ask.actions)(name).ok_or_else(|| Refusal::new(format!("there is no action `{name}`")))?;
    let about = action.about();
    let given = GivenValues(flat.given.clone());
    let design = action
        .plan(PlanAsk {
            given: &given,
            estate: ask.estate,
            environment: ask.environment,
            run: ask.run,
            step: &flat.id,
            now: ask.now,
            look: ask.look,
            settings: ask.settings,
            manifests: ask.manifests,
        })
        .await?;
    planned.uses = name.into();
    planned.class = design.class();
    planned.dedupe = about.dedupe;
    planned.takes = ask.history.estimate(about, design.component.as_ref().map(ComponentId::as_str));
    planned.component = design.component;
    planned.calls = design.calls;
    planned.asks = design.asks;
    planned.preconditions = design.preconditions;
    planned.undo = design.undo;
    planned.notes = design.notes;
    planned.control_plane = design.control_plane;
    planned.facts = design.facts;
    Ok(planned)
}

async fn verify(
    ask: &Planning<'_>,
    check: &(&Check, BTreeMap<String, Value>),
    flat: &Flat<'_>,
) -> Result<PlannedCheck, Refusal> {
    let (check, given) = check;
    let action = (ask.actions)(&check.uses)
        .ok_or_else(|| Refusal::new(format!("there is no probe `{}`", check.uses)))?;
    let given = GivenValues(given.clone());
    let design = action
        .plan(PlanAsk {
            given: &given,
            estate: ask.estate,
            environment: ask.environment,
            run: ask.run,
            step: &flat.id,
            now: ask.now,
            look: ask.look,
            settings: ask.settings,
            manifests: ask.manifests,
        })
        .await?;
    let look = design
        .asks
        .into_iter()
        .next()
        .ok_or_else(|| Refusal::new(format!("`{}` asks nothing", check.uses)))?;
    Ok(PlannedCheck {
        says: Text::new(&look.line()),
        look,
        hold_s: check.hold.as_secs(),
        within_s: check.within.as_secs(),
    })
}

/// Returns what an action or probe is given, filled.
pub(super) fn given(
    with: &BTreeMap<String, Given>,
    texts: &BTreeMap<String, String>,
    readings: &fill::Readings<'_>,
) -> Result<BTreeMap<String, Value>, Refusal> {
    with.iter()
        .map(|(name, given)| {
            Ok((
                name.clone(),
                fill::fill_given(given, texts, readings).map_err(|why| Refusal::new(why.to_string()))?,
            ))
        })
        .collect()
}
