//! Parameters: what they are, and whether a value can be one.

use super::references::{bare, template};
use super::resolve::{Said, items, meant, words};
use super::value;
use crate::config::diagnostic::{Diagnostic, FilePlace};
use crate::config::runbook_file::{ParameterFile, ParameterType};
use crate::config::scalar::AsWritten;
use crate::config::yaml::{Entries, Field};
use crate::domain::dependency;
use crate::domain::ids::ComponentId;
use crate::domain::{Text, duration, moment};
use crate::runbook::definition::{Parameter, ParameterKind, Piece, Template};
use crate::runbook::template::is_name;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// A parameter and where it stands.
pub(super) struct Found {
    pub(super) parameter: Parameter,
    pub(super) place: FilePlace,
}

/// What to write for a name.
pub(super) const NAME_HELP: &str = "use lower-case letters, digits and dashes, and begin with a letter";

pub(super) fn parameters(field: &Field<Entries<ParameterFile>>, said: &mut Said) -> Vec<Found> {
    let entries = field.get().map_or([].as_slice(), |entries| entries.0.as_slice());
    let mut found: Vec<Found> = Vec::new();
    for (key, given) in entries {
        let (Some(name), Some(place)) = (key.get(), key.place()) else { continue };
        if !is_name(name) {
            said.error(place, format!("`{name}` cannot be the name of a parameter"), NAME_HELP);
        }
        let Some(given) = given.get() else { continue };
        let parameter = parameter(name, place, given, said);
        found.push(Found { parameter, place });
    }
    points(entries, &found, said);
    defaults(entries, &found, said);
    circles(&found, said);
    found
}

fn parameter(name: &str, place: FilePlace, given: &ParameterFile, said: &mut Said) -> Parameter {
    if given.r#type.is_absent() {
        let help = "write `type: text`, or number, duration, moment, switch, component, point or choice";
        said.error(place, format!("parameter `{name}` has no `type`"), help);
    }
    if given.says.is_absent() || given.says.get().is_some_and(|says| says.trim().is_empty()) {
        let help = "write `says:` and a sentence: whoever recovers reads it in a hurry";
        said.error(place, format!("parameter `{name}` does not say what it means"), help);
    }
    let kind = given.r#type.get().copied();
    for (place, what, fits) in [
        (given.kinds.place(), "kinds", ParameterType::Component),
        (given.of.place(), "of", ParameterType::Point),
        (given.choices.place(), "choices", ParameterType::Choice),
    ] {
        if let (Some(place), Some(kind)) = (place, kind)
            && kind != fits
        {
            let says = format!("`{what}` belongs to `type: {}`", type_name(fits));
            said.error(place, says, "remove it, or change the type");
        }
    }
    let secret = given.secret.get().copied().unwrap_or(false);
    Parameter {
        name: name.to_owned(),
        kind: match kind.unwrap_or(ParameterType::Text) {
            ParameterType::Text => ParameterKind::Text,
            ParameterType::Number => ParameterKind::Number,
            ParameterType::Duration => ParameterKind::Duration,
            ParameterType::Moment => ParameterKind::Moment,
            ParameterType::Switch => ParameterKind::Switch,
            ParameterType::Component => {
                ParameterKind::Component(items(&given.kinds).map(|(kind, _)| *kind).collect())
            }
            ParameterType::Point => {
                if given.of.is_absent() {
                    let help = "write `of:` and the parameter that names the component";
                    said.error(place, format!("parameter `{name}` does not say of what it is a point"), help);
                }
                ParameterKind::Point { of: given.of.get().map_or_else(String::new, |of| of.0.clone()) }
            }
            ParameterType::Choice => ParameterKind::Choice(choices(name, place, given, said)),
        },
        says: words(&given.says, said),
        default: default(name, &given.default, secret, said),
        secret,
    }
}

fn choices(name: &str, place: FilePlace, given: &ParameterFile, said: &mut Said) -> Vec<Text> {
    let mut choices: Vec<Text> = Vec::new();
    for (AsWritten(choice), place) in items(&given.choices) {
        let text = Text::new(choice);
        if text != choice.as_str() {
            said.error(
                place,
                "this choice holds something that cannot be shown",
                "write it in plain letters",
            );
        } else if choices.contains(&text) {
            said.error(place, format!("`{choice}` is there twice"), "remove one of them");
        }
        choices.push(text);
    }
    if given.choices.is_absent() || given.choices.get().is_some_and(Vec::is_empty) {
        let place = given.choices.place_or(place);
        said.error(
            place,
            format!("parameter `{name}` leaves no choice"),
            "write `choices:` and what there is",
        );
    }
    choices
}

fn default(name: &str, field: &Field<AsWritten>, secret: bool, said: &mut Said) -> Option<Template> {
    let (AsWritten(text), place) = (field.get()?, field.place()?);
    let read = template(text, place, said)?;
    if (secret && !bare(&read).is_empty()) || value::is_secret(Some(name), &read) {
        said.0.push(Diagnostic::secret(place, format!("a secret stands in the default of `{name}`")).help(
            "secrets never stand in a runbook; take it out, and change it: who runs it will be asked for it",
        ));
        return None;
    }
    Some(read)
}

/// Says so where a point is of something that is no component.
fn points(entries: &[(Field<String>, Field<ParameterFile>)], found: &[Found], said: &mut Said) {
    let components = || {
        { found.iter() }
            .filter(|found| matches!(found.parameter.kind, ParameterKind::Component(_)))
            .map(|found| found.parameter.name.as_str())
    };
    for (_, given) in entries {
        let Some(given) = given.get() else { continue };
        let (Some(of), Some(place)) = (given.of.get(), given.of.place()) else { continue };
        if given.r#type.get() != Some(&ParameterType::Point) {
            continue;
        }
        let of = of.0.as_str();
        match found.iter().find(|found| found.parameter.name == of) {
            None => {
                let help = meant(of, components(), "write a parameter with `type: component` first");
                said.error(place, format!("there is no parameter `{of}`"), help);
            }
            Some(other) if !matches!(other.parameter.kind, ParameterKind::Component(_)) => {
                let says = format!("`{of}` is no component, and only a component has points");
                said.error(
                    place,
                    says,
                    meant(of, components(), "write a parameter with `type: component` first"),
                );
            }
            Some(_) => {}
        }
    }
}

/// Judges what defaults are and what they refer to.
fn defaults(entries: &[(Field<String>, Field<ParameterFile>)], found: &[Found], said: &mut Said) {
    let all: Vec<Parameter> = found.iter().map(|found| found.parameter.clone()).collect();
    for parameter in &all {
        let given = { entries.iter() }
            .find(|(key, _)| key.get() == Some(&parameter.name))
            .and_then(|(_, given)| given.get());
        let (Some(given), Some(default)) = (given, &parameter.default) else { continue };
        let place = given.default.place_or(super::WHOLE);
        let noted = said.0.len();
        super::references::judge(default, place, &all, None, said);
        if said.0.len() == noted
            && !given.r#type.is_absent()
            && let Err((says, help)) = fits(default, &parameter.kind, &all)
        {
            said.error(place, says, help);
        }
    }
}

/// Says so where defaults refer to each other in a circle.
fn circles(found: &[Found], said: &mut Said) {
    let names: BTreeMap<&str, ComponentId> = { found.iter() }
        .map(|found| (found.parameter.name.as_str(), ComponentId::new(&found.parameter.name)))
        .collect();
    let mut graph: dependency::Graph<'_> = BTreeMap::new();
    for Found { parameter, .. } in found {
        let Some(id) = names.get(parameter.name.as_str()) else { continue };
        let refers = parameter.default.iter().flat_map(Template::params);
        graph.insert(id, refers.filter_map(|name| names.get(name)).collect());
    }
    while let Err(circle) = dependency::order(&graph) {
        let mut says: Vec<&str> = circle.iter().map(|id| id.as_str()).collect();
        let Some(&first) = says.first() else { break };
        says.push(first);
        let place = found
            .iter()
            .find(|found| found.parameter.name == first)
            .map_or(super::WHOLE, |found| found.place);
        let text = format!("these defaults follow from each other: {}", says.join(" -> "));
        said.error(place, text, "none of them could ever be found; write one of them as it is");
        let members: BTreeSet<_> = circle.into_iter().collect();
        graph.retain(|id, _| !members.contains(id));
        for refers in graph.values_mut() {
            refers.retain(|id| !members.contains(id));
        }
    }
}

fn type_name(kind: ParameterType) -> &'static str {
    match kind {
        ParameterType::Text => "text",
        ParameterType::Number => "number",
        ParameterType::Duration => "duration",
        ParameterType::Moment => "moment",
        ParameterType::Switch => "switch",
        ParameterType::Component => "component",
        ParameterType::Point => "point",
        ParameterType::Choice => "choice",
    }
}

/// Says to people what a parameter is.
pub(super) fn kind_words(kind: &ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Text => "a text",
        ParameterKind::Number => "a number",
        ParameterKind::Duration => "a span of time",
        ParameterKind::Moment => "a moment",
        ParameterKind::Switch => "true or false",
        ParameterKind::Component(_) => "a component",
        ParameterKind::Point { .. } => "a recovery point",
        ParameterKind::Choice(_) => "one of some choices",
    }
}

/// Says whether a value can be what a parameter of `kind` is, where that can be said at all.
///
/// # Errors
/// What is wrong, and what to write instead.
pub(super) fn fits(
    value: &Template,
    kind: &ParameterKind,
    own: &[Parameter],
) -> Result<(), (String, String)> {
    if let Some(Piece::Param(name)) = value.as_reference()
        && let Some(other) = own.iter().find(|parameter| parameter.name == *name)
    {
        let text = |kind: &ParameterKind| matches!(kind, ParameterKind::Text | ParameterKind::Choice(_));
        let same = std::mem::discriminant(&other.kind) == std::mem::discriminant(kind);
        return if same || text(kind) || text(&other.kind) {
            Ok(())
        } else {
            let says =
                format!("`{name}` is {}, where {} is needed", kind_words(&other.kind), kind_words(kind));
            Err((says, "use another parameter, or change its type".to_owned()))
        };
    }
    let Some(text) = value.as_plain() else { return Ok(()) };
    match kind {
        ParameterKind::Text | ParameterKind::Component(_) | ParameterKind::Point { .. } => {
            if text.trim().is_empty() && !matches!(kind, ParameterKind::Text) {
                return Err((
                    format!("this is empty, where {} is needed", kind_words(kind)),
                    "write its name".into(),
                ));
            }
            Ok(())
        }
        ParameterKind::Number => value::number(text),
        ParameterKind::Duration => duration::parse(text).map(|_| ()).map_err(|_| {
            value::not(text, "a span of time", "write a number and a unit, such as 15 min, 24 h or 30 d")
        }),
        ParameterKind::Moment => moment::parse(text, Timestamp::MAX).map(|_| ()).map_err(|_| {
            value::not(text, "a moment", "write it as 2026-10-12T03:00:00Z, 2026-10-12 or 3 h ago")
        }),
        ParameterKind::Switch => value::switch(text),
        ParameterKind::Choice(choices) => value::choice(text, choices.iter().map(Text::as_str)),
    }
}
