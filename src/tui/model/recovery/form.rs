//! What a runbook has to be told before it can be planned.

use super::super::Model;
use super::choice::{Choice, choices_of_component, choices_of_point};
use super::{PlanWanted, Secrets};
use crate::domain::Text;
use crate::domain::ids::ComponentId;
use crate::domain::known::known;
use crate::domain::scope::FailureScope;
use crate::runbook::definition::{Parameter, ParameterKind, Runbook, Template};
use crate::runbook::fill::{Unfilled, fill};
use crate::runbook::plan::Mode;
use std::collections::BTreeMap;
use std::sync::Arc;
use tui_input::Input;

/// The parameters of a runbook, being filled in.
#[derive(Debug, Clone)]
pub struct Form {
    /// The runbook.
    pub runbook: Arc<Runbook>,
    /// Its parameters, in the order of its file.
    pub fields: Vec<Field>,
    /// The one under the cursor; one more is the line that asks for the plan.
    pub at: usize,
    /// Whether it changes anything.
    pub mode: Mode,
    /// The failure that it recovers from.
    pub failure: FailureScope,
    /// Whether a plan is being made.
    pub is_planning: bool,
    /// Why there is none, and what to do.
    pub wrong: Option<Text>,
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it means.
    pub says: Text,
    /// What it is.
    pub kind: ParameterKind,
    /// What it is where nobody says it, as the runbook writes it.
    template: Option<Template>,
    /// What it is where nobody says it, for people.
    pub default: Option<String>,
    /// Whether its value must not be shown.
    pub secret: bool,
    /// What it is said to be.
    pub input: Input,
    /// What it can be, as far as that is known.
    pub choices: Vec<Choice>,
}

impl Field {
    fn of(parameter: &Parameter) -> Self {
        Self {
            name: parameter.name.clone(),
            says: parameter.says.clone(),
            kind: parameter.kind.clone(),
            template: parameter.default.clone(),
            default: None,
            secret: parameter.secret,
            input: Input::default(),
            choices: Vec::new(),
        }
    }

    /// Says whether it has to be said and was not.
    pub fn is_missing(&self) -> bool {
        self.default.is_none() && self.input.value().is_empty()
    }

    /// Returns the number of the choice that it is.
    pub fn chosen(&self) -> Option<usize> {
        self.choices.iter().position(|choice| choice.value == self.input.value())
    }
}

impl Form {
    /// Returns the form of a runbook, with what is known already: `about` is the component that it is for.
    pub fn new(model: &Model, runbook: Arc<Runbook>, about: Option<&ComponentId>) -> Self {
        let fields = runbook.parameters.iter().map(Field::of).collect();
        let mut form = Self {
            runbook,
            fields,
            at: 0,
            mode: Mode::Recover,
            failure: model.scope,
            is_planning: false,
            wrong: None,
        };
        let mut about = about.map(ToString::to_string);
        for field in &mut form.fields {
            field.choices = match &field.kind {
                ParameterKind::Component(kinds) => choices_of_component(model, kinds),
                ParameterKind::Choice(all) => all.iter().map(|one| Choice::plain(one.as_str())).collect(),
                ParameterKind::Switch => vec![Choice::plain("true"), Choice::plain("false")],
                _ => Vec::new(),
            };
            if matches!(field.kind, ParameterKind::Component(_)) {
                let known = about.as_ref().filter(|id| field.choices.iter().any(|one| one.value == **id));
                let only = field.choices.first().filter(|_| field.choices.len() == 1);
                if let Some(value) = known.cloned().or_else(|| only.map(|only| only.value.clone())) {
                    // What the runbook is for is the first component that it asks for.
                    about = None;
                    field.input = Input::new(value);
                }
            }
        }
        form.refill(model);
        form.at = form.fields.iter().position(Field::is_missing).unwrap_or(form.fields.len());
        form
    }

    /// Works out anew what points can be chosen, after a component was chosen; the newest usable one is taken.
    pub fn refill(&mut self, model: &Model) {
        let said: Vec<(String, String)> =
            self.fields.iter().map(|field| (field.name.clone(), field.input.value().to_owned())).collect();
        for field in &mut self.fields {
            let ParameterKind::Point { of } = &field.kind else { continue };
            let component = said.iter().find(|(name, _)| name == of).map_or("", |(_, value)| value.as_str());
            let choices = choices_of_point(model, &ComponentId::new(component), self.failure);
            if choices == field.choices {
                continue;
            }
            field.choices = choices;
            let newest = field.choices.iter().find(|choice| choice.flaw.is_none());
            field.input = newest.map_or_else(Input::default, |newest| Input::new(newest.value.clone()));
        }
        self.default_anew(model);
    }

    /// Works out anew what is taken where nobody says anything.
    fn default_anew(&mut self, model: &Model) {
        let reading =
            |component: &str, field: &str| known(&model.estate, &model.snapshot.readings, component, field);
        let mut before: BTreeMap<String, String> = BTreeMap::new();
        for field in &mut self.fields {
            let filled = field.template.as_ref().map(|template| fill(template, &before, &reading));
            field.default = match (&filled, &field.kind) {
                (Some(Ok(value)), _) => Some(value.clone()),
                (Some(Err(Unfilled::Param(name))), _) => Some(format!("what follows from {name}")),
                (None, ParameterKind::Point { .. }) => Some("the newest usable one".to_owned()),
                (Some(Err(Unfilled::Reading { field, .. })), _) if field == "newest-point" => {
                    Some("the newest usable one".to_owned())
                }
                (Some(Err(_)) | None, _) => None,
            };
            let value = match field.input.value() {
                "" => filled.and_then(Result::ok),
                said => Some(said.to_owned()),
            };
            before.extend(value.map(|value| (field.name.clone(), value)));
        }
    }

    /// Returns what a plan is asked for with, and what is secret.
    pub fn wanted(&self) -> (PlanWanted, Secrets) {
        let said = |field: &&Field| !field.input.value().is_empty();
        let pair = |field: &Field| (field.name.clone(), field.input.value().to_owned());
        let open = self.fields.iter().filter(said).filter(|field| !field.secret).map(pair).collect();
        let secret = self.fields.iter().filter(said).filter(|field| field.secret).map(pair).collect();
        let wanted = PlanWanted {
            runbook: self.runbook.id.clone(),
            said: open,
            mode: self.mode,
            failure: self.failure,
        };
        (wanted, Secrets(secret))
    }
}
