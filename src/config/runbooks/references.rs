//! Judging what texts and conditions refer to.

use super::Rules;
use super::parameters::kind_words;
use super::resolve::{Said, meant};
use crate::config::diagnostic::{Diagnostic, FilePlace};
use crate::runbook::condition::{Condition, Reference, Type};
use crate::runbook::definition::{Parameter, ParameterKind, Piece, Template};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The steps of a runbook, as a text in one of them sees them.
pub(super) struct Around<'a> {
    /// Every step by its name.
    pub(super) ids: &'a BTreeMap<&'a str, usize>,
    /// What each step uses; empty where the file does not say.
    pub(super) uses: &'a [&'a str],
    /// The steps that have come before.
    pub(super) before: &'a BTreeSet<usize>,
    /// The step in which the text stands.
    pub(super) this: usize,
    /// Whether the text may refer to what that step itself brought.
    pub(super) done: bool,
    /// The steps that failed before this one runs: those that it stands in for.
    pub(super) failed: &'a BTreeSet<usize>,
    /// What the runbook is judged by.
    pub(super) rules: &'a Rules<'a>,
}

/// Reads a text with references, and notes what is wrong with it at its place.
pub(super) fn template(text: &str, place: FilePlace, said: &mut Said) -> Option<Template> {
    match Template::parse(text) {
        Ok(template) => Some(template),
        Err(wrong) => {
            for mistake in wrong {
                said.error(part(place, text, &mistake.at), mistake.says, mistake.help);
            }
            None
        }
    }
}

/// Returns the text of a template without its references.
pub(super) fn bare(template: &Template) -> String {
    let plain = |piece: &Piece| match piece {
        Piece::Plain(text) => text.clone(),
        Piece::Param(_) | Piece::Step(..) | Piece::Reading(..) => String::new(),
    };
    template.0.iter().map(plain).collect()
}

/// Returns the place of a part of a value, where the value stands in the file as it is; else that of the whole value.
fn part(place: FilePlace, text: &str, at: &Range<usize>) -> FilePlace {
    let quotes = match (place.end - place.start).checked_sub(text.len()) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return place,
    };
    let (Some(before), false) = (text.get(..at.start), text.contains('\n')) else { return place };
    FilePlace {
        column: place.column + quotes as u64 + before.chars().count() as u64,
        start: place.start + quotes + at.start,
        end: place.start + quotes + at.end.max(at.start + 1),
        ..place
    }
}

/// Notes every reference of `template` that leads nowhere. Without `around`, a text cannot refer to steps.
pub(super) fn judge(
    template: &Template,
    place: FilePlace,
    params: &[Parameter],
    around: Option<&Around<'_>>,
    said: &mut Said,
) {
    for piece in &template.0 {
        match piece {
            Piece::Plain(_) => {}
            Piece::Param(name) => {
                if let Err((says, help)) = param(name, params) {
                    said.error(place, says, help);
                }
            }
            Piece::Step(id, field) => {
                let found = match around {
                    Some(around) => output(id, field, around),
                    None => Err((
                        "a default cannot refer to a step".to_owned(),
                        "it is needed before any step runs; refer to parameters or readings".to_owned(),
                    )),
                };
                if let Err((says, help)) = found {
                    said.error(place, says, help);
                }
            }
            Piece::Reading(component, _) => {
                let Some(name) = component.strip_prefix("params.") else { continue };
                match param(name, params) {
                    Err((says, help)) => said.error(place, says, help),
                    Ok(ParameterKind::Component(_)) => {}
                    Ok(other) => {
                        let says =
                            format!("`{name}` is {}, and only a component has readings", kind_words(other));
                        said.error(place, says, "name a parameter with `type: component`");
                    }
                }
            }
        }
    }
}

fn param<'a>(name: &str, params: &'a [Parameter]) -> Result<&'a ParameterKind, (String, String)> {
    match params.iter().find(|parameter| parameter.name == name) {
        Some(parameter) => Ok(&parameter.kind),
        None => {
            let known = params.iter().map(|parameter| parameter.name.as_str());
            let help = meant(name, known, "this runbook has none; write it under `parameters`");
            Err((format!("there is no parameter `{name}`"), help))
        }
    }
}

/// Returns the step that is referred to, if it has come before.
fn step(id: &str, around: &Around<'_>) -> Result<usize, (String, String)> {
    let Some(nth) = around.ids.get(id).copied() else {
        let help = meant(id, around.ids.keys().copied(), "no step has a name");
        return Err((format!("there is no step `{id}`"), help));
    };
    if around.before.contains(&nth) || (around.done && around.this == nth) {
        return Ok(nth);
    }
    if around.this == nth {
        let help = "only its checks under `verify` can";
        return Err(("a step cannot refer to what it brings itself".to_owned(), help.to_owned()));
    }
    if around.failed.contains(&nth) {
        let says = format!("step `{id}` has failed when this one runs, and brought nothing");
        return Err((says, "refer to a parameter or a reading instead".to_owned()));
    }
    let help = "a step can only refer to those that it waits for; add it to `needs`, or remove the reference";
    Err((format!("step `{id}` does not come before this"), help.to_owned()))
}

/// Judges a reference to what a step brought.
fn output(id: &str, field: &str, around: &Around<'_>) -> Result<(), (String, String)> {
    let nth = step(id, around)?;
    let uses = around.uses.get(nth).copied().unwrap_or_default();
    if uses == "runbook" {
        let says = format!("step `{id}` calls a runbook, and that hands nothing back");
        return Err((says, "refer to a parameter or a reading instead".to_owned()));
    }
    let Some(about) = around.rules.about(uses) else { return Ok(()) };
    if about.outputs.iter().any(|(name, _)| *name == field) {
        return Ok(());
    }
    let known = about.outputs.iter().map(|(name, _)| *name);
    let help = meant(field, known, &format!("`{uses}` brings nothing that could be referred to"));
    Err((format!("step `{id}` brings no `{field}`"), help))
}

/// Reads a condition and notes everything that is wrong with it.
pub(super) fn condition(
    text: &str,
    place: FilePlace,
    params: &[Parameter],
    around: &Around<'_>,
    said: &mut Said,
) {
    let known = |reference: Reference<'_>| match reference {
        Reference::Param(name) => match param(name, params).map_err(|(says, help)| (says, Some(help)))? {
            ParameterKind::Text | ParameterKind::Choice(_) => Ok(Type::Text),
            ParameterKind::Component(_) | ParameterKind::Point { .. } => Ok(Type::Text),
            ParameterKind::Number => Ok(Type::Number),
            ParameterKind::Duration => Ok(Type::Seconds),
            ParameterKind::Moment => Ok(Type::Moment),
            ParameterKind::Switch => Ok(Type::Switch),
        },
        Reference::Step(id, "state") => {
            step(id, around).map(|_| Type::Text).map_err(|(says, help)| (says, Some(help)))
        }
        Reference::Step(id, field) => {
            output(id, field, around).map(|()| Type::Unknown).map_err(|(says, help)| (says, Some(help)))
        }
    };
    let wrong = match Condition::parse(text) {
        Ok(condition) => condition.check(&known),
        Err(wrong) => wrong,
    };
    for mistake in wrong {
        let start = text.char_indices().nth(mistake.at).map_or(text.len(), |(at, _)| at);
        let diagnostic = Diagnostic::error(part(place, text, &(start..start + 1)), mistake.says);
        said.0.push(match mistake.help {
            Some(help) => diagnostic.help(help),
            None => diagnostic,
        });
    }
}
