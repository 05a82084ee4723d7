//! What stands under `with`: read by hand, exactly as it was written, and judged by what the action wants.

use super::parameters::kind_words;
use super::references::{Around, bare, judge, template};
use super::resolve::{Said, meant};
use crate::config::check::has_password;
use crate::config::diagnostic::{Diagnostic, FilePlace};
use crate::config::runbook_file::GivenFile;
use crate::config::yaml::{Entries, Field, Node, Value};
use crate::domain::duration;
use crate::domain::redaction::{is_secret_name, looks_secret};
use crate::runbook::about::{About, ArgumentKind};
use crate::runbook::definition::{Given, Name, Parameter, ParameterKind, Piece, Template};
use crate::runbook::template::is_name;
use std::collections::BTreeMap;

/// What values are judged by.
pub(super) struct Judging<'a> {
    pub(super) params: &'a [Parameter],
    pub(super) around: &'a Around<'a>,
}

/// Reads what an action is given. Without `about`, only what is written is judged, not what the action wants.
pub(super) fn with(
    field: &Field<Entries<GivenFile>>,
    uses: (&str, FilePlace),
    about: Option<&About>,
    judging: &Judging<'_>,
    said: &mut Said,
) -> BTreeMap<Name, Given> {
    let mut given = BTreeMap::new();
    let mut written: Vec<&str> = Vec::new();
    for (key, value) in field.get().map_or([].as_slice(), |entries| entries.0.as_slice()) {
        let (Some(name), Some(place)) = (key.get(), key.place()) else { continue };
        written.push(name);
        let argument = about.map(|about| about.argument(name));
        if let (Some(about), Some(None)) = (about, argument) {
            let known = about.arguments.iter().map(|argument| argument.name);
            let help = meant(name, known, "it takes none; remove this");
            said.error(place, format!("`{}` takes no `{name}`", about.name), help);
        }
        let Some(GivenFile(node)) = value.get() else { continue };
        let kind = argument.flatten().map(|argument| argument.kind);
        if let Some(value) = one(name, &node.0, kind, judging, said) {
            given.insert(name.clone(), value);
        }
    }
    for argument in about.map_or([].as_slice(), |about| about.arguments) {
        if argument.required && !written.contains(&argument.name) {
            let says = format!("`{}` needs `{}`", uses.0, argument.name);
            said.error(uses.1, says, format!("add it under `with`: {}", argument.says));
        }
    }
    given
}

fn one(
    name: &str,
    node: &Node,
    kind: Option<ArgumentKind>,
    judging: &Judging<'_>,
    said: &mut Said,
) -> Option<Given> {
    match &node.value {
        Value::Null => {
            let help = "write a value, or remove it; an empty text is written \"\"";
            said.error(node.place, format!("`{name}` is nothing"), help);
            None
        }
        Value::Scalar { text, .. } => {
            let read = value(name, text, node.place, judging, said)?;
            if let Some(kind) = kind
                && let Err((says, help)) = fits(&read, kind, judging.params)
            {
                said.error(node.place, says, help);
            }
            Some(Given::One(read))
        }
        Value::List(several) => {
            shape(name, node, kind, ArgumentKind::Texts, "a list", said);
            let mut all = Vec::new();
            for node in several {
                let Some(text) = scalar(node, "in a list", said) else { continue };
                all.extend(value(name, text, node.place, judging, said));
            }
            Some(Given::Many(all))
        }
        Value::Map(entries) => {
            shape(name, node, kind, ArgumentKind::Pairs, "a map", said);
            let mut pairs = BTreeMap::new();
            for (key, node) in entries {
                let Some(key) = scalar(key, "as a name", said) else { continue };
                let Some(text) = scalar(node, "in a map", said) else { continue };
                if let Some(read) = value(key, text, node.place, judging, said) {
                    pairs.insert(key.to_owned(), read);
                }
            }
            Some(Given::Pairs(pairs))
        }
    }
}

fn scalar<'a>(node: &'a Node, r#where: &str, said: &mut Said) -> Option<&'a str> {
    match &node.value {
        Value::Scalar { text, .. } => Some(text),
        other => {
            let says = format!("this is {}, where a single value stands {where}", other.what());
            said.error(node.place, says, "write a single value; an empty text is written \"\"");
            None
        }
    }
}

fn shape(name: &str, node: &Node, kind: Option<ArgumentKind>, fits: ArgumentKind, is: &str, said: &mut Said) {
    if let Some(kind) = kind
        && kind != fits
    {
        let says = format!("`{name}` must be {}, and is {is}", words(kind));
        said.error(node.place, says, example(kind));
    }
}

/// Reads one value: no secret, no reference that leads nowhere.
fn value(
    name: &str,
    text: &str,
    place: FilePlace,
    judging: &Judging<'_>,
    said: &mut Said,
) -> Option<Template> {
    let noted = said.0.len();
    let read = template(text, place, said);
    // What was written wrongly may still be a secret.
    let plain = || Template::plain(text);
    if is_secret(Some(name), read.as_ref().unwrap_or(&plain())) {
        said.0.truncate(noted);
        said.0.push(Diagnostic::secret(place, format!("a secret stands in `{name}`")).help(
            "secrets never stand in a runbook; take it out, and change it: a parameter with `secret: true` is asked for",
        ));
        return None;
    }
    let read = read?;
    judge(&read, place, judging.params, Some(judging.around), said);
    Some(read)
}

/// Says whether a secret stands in a value itself, by its form or by the name that it has.
pub(super) fn is_secret(name: Option<&str>, value: &Template) -> bool {
    let bare = bare(value);
    // Where a reference stands for the password of an address, nothing is left of it; whose it is, is no secret.
    let bare = match bare.split_once("://") {
        Some((scheme, rest)) => match rest.split_once(":@") {
            Some((user, rest)) if !user.contains(['/', ':', '@']) => format!("{scheme}://{rest}"),
            _ => bare,
        },
        None => bare,
    };
    // A webhook is called by its name in the estate, and its address is no name.
    let of_webhook = name == Some("webhook") && is_name(&bare);
    let named = name.is_some_and(is_secret_name) && !bare.trim().is_empty() && !of_webhook;
    // What names a secret is none.
    (named && !bare.starts_with("arn:")) || has_password(&bare) || looks_secret(&bare)
}

fn words(kind: ArgumentKind) -> &'static str {
    match kind {
        ArgumentKind::Text => "a text",
        ArgumentKind::Number => "a whole number",
        ArgumentKind::Duration => "a span of time",
        ArgumentKind::Switch => "true or false",
        ArgumentKind::Component => "a component",
        ArgumentKind::Texts => "a list",
        ArgumentKind::Pairs => "a map",
        ArgumentKind::Choice(_) => "a single word",
    }
}

fn example(kind: ArgumentKind) -> String {
    match kind {
        ArgumentKind::Text => "write a single value".to_owned(),
        ArgumentKind::Number => "write a figure, such as 3".to_owned(),
        ArgumentKind::Duration => "write a number and a unit, such as 15 min, 24 h or 30 d".to_owned(),
        ArgumentKind::Switch => "write true or false".to_owned(),
        ArgumentKind::Component => "write its name, or a reference such as ${params.database}".to_owned(),
        ArgumentKind::Texts => "write a list, such as [first, second]".to_owned(),
        ArgumentKind::Pairs => "write names and values, such as { team: red }".to_owned(),
        ArgumentKind::Choice(known) => format!("write one of {}", known.join(", ")),
    }
}

/// Says whether a value can be what an argument of `kind` is, where that can be said at all.
fn fits(value: &Template, kind: ArgumentKind, params: &[Parameter]) -> Result<(), (String, String)> {
    if let Some(reference) = value.as_reference() {
        let Piece::Param(name) = reference else { return Ok(()) };
        let Some(parameter) = params.iter().find(|parameter| parameter.name == *name) else { return Ok(()) };
        return param_fits(name, &parameter.kind, kind);
    }
    let Some(text) = value.as_plain() else {
        return match kind {
            ArgumentKind::Texts | ArgumentKind::Pairs => {
                Err((format!("this must be {}, and is a text", words(kind)), example(kind)))
            }
            _ => Ok(()),
        };
    };
    match kind {
        ArgumentKind::Text => Ok(()),
        ArgumentKind::Number => number(text),
        ArgumentKind::Duration => {
            duration::parse(text).map(|_| ()).map_err(|_| not(text, words(kind), &example(kind)))
        }
        ArgumentKind::Switch => switch(text),
        ArgumentKind::Component => {
            let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_/".contains(c));
            if fits { Ok(()) } else { Err(not(text, "the name of a component", &example(kind))) }
        }
        ArgumentKind::Texts | ArgumentKind::Pairs => {
            Err((format!("this must be {}, and is a single value", words(kind)), example(kind)))
        }
        ArgumentKind::Choice(known) => choice(text, known.iter().copied()),
    }
}

/// Says whether a parameter can be what an argument is; a text can be anything.
fn param_fits(name: &str, has: &ParameterKind, wants: ArgumentKind) -> Result<(), (String, String)> {
    let fits = match (wants, has) {
        (ArgumentKind::Text, _) => true,
        (ArgumentKind::Texts | ArgumentKind::Pairs, _) => false,
        (_, ParameterKind::Text) => true,
        (ArgumentKind::Number, ParameterKind::Number) => true,
        (ArgumentKind::Duration, ParameterKind::Duration) => true,
        (ArgumentKind::Switch, ParameterKind::Switch) => true,
        (ArgumentKind::Component, ParameterKind::Component(_)) => true,
        (ArgumentKind::Choice(known), ParameterKind::Choice(choices)) => {
            if let Some(other) = choices.iter().find(|choice| !known.contains(&choice.as_str())) {
                let says = format!("`{name}` may be `{other}`, which is not one of {}", known.join(", "));
                return Err((says, "remove that choice, or use another parameter".to_owned()));
            }
            true
        }
        (
            ArgumentKind::Number
            | ArgumentKind::Duration
            | ArgumentKind::Switch
            | ArgumentKind::Component
            | ArgumentKind::Choice(_),
            _,
        ) => false,
    };
    if fits {
        return Ok(());
    }
    let says = format!("`{name}` is {}, where {} is needed", kind_words(has), words(wants));
    Err((says, "use another parameter, or change its type".to_owned()))
}

/// Returns what is wrong with a text that is not what it must be.
pub(super) fn not(text: &str, what: &str, help: &str) -> (String, String) {
    (format!("`{text}` is not {what}"), help.to_owned())
}

/// Says whether a text is a whole number, written as people write one.
pub(super) fn number(text: &str) -> Result<(), (String, String)> {
    let figures = text.strip_prefix('-').unwrap_or(text);
    match text.parse::<i64>() {
        Ok(number) if figures.len() > 1 && figures.starts_with('0') => {
            let help = format!("write {number}; where the zeros matter, it is a text");
            Err(not(text, "written like a number", &help))
        }
        Ok(_) if !text.starts_with('+') => Ok(()),
        _ => Err(not(text, "a whole number", "write a figure, such as 3")),
    }
}

/// Says whether a text is true or false.
pub(super) fn switch(text: &str) -> Result<(), (String, String)> {
    match text {
        "true" | "false" => Ok(()),
        other => {
            let help = match other.to_lowercase().as_str() {
                "yes" | "y" | "on" | "1" | "true" => "write true",
                "no" | "n" | "off" | "0" | "false" => "write false",
                _ => "write true or false",
            };
            Err(not(other, "true or false", help))
        }
    }
}

/// Says whether a text is one of some.
pub(super) fn choice<'a>(
    text: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Result<(), (String, String)> {
    if known.clone().into_iter().any(|name| name == text) {
        return Ok(());
    }
    let all = known.clone().into_iter().collect::<Vec<_>>().join(", ");
    Err(not(text, &format!("one of {all}"), &meant(text, known, "there is nothing to choose")))
}
