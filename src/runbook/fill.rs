//! Filling texts: what is known goes in while planning, what steps brought goes in when a call is made.
//!
//! What a step will bring is not known while planning. It stays in the plan as `${steps.id.field}`, and so is part of
//! the plan's hash. No value is ever read as a template: where one that went in reads like a reference to a step, its
//! dollars are doubled in the plan and halved again when it is sent.

use super::definition::{Given, Name, Piece, Template};
use super::template::step_field;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::iter::repeat_n;

/// What follows a dollar that stands for a reference to a step.
const STEPS: &str = "{steps.";

/// Why a text could not be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfilled {
    /// Nobody said what a parameter is.
    #[error("the parameter `{0}` has no value")]
    Param(Name),
    /// Nothing is known of a reading.
    #[error("there is no reading `{field}` of {component}")]
    Reading {
        /// The component.
        component: String,
        /// The field.
        field: Name,
    },
    /// A step did not bring what is asked of it.
    #[error("step `{id}` brought no `{field}`, which stands at {at}")]
    Step {
        /// The step.
        id: Name,
        /// The field.
        field: Name,
        /// Where in the arguments it is asked for, as a JSON pointer.
        at: String,
    },
    /// A step brought something that cannot be part of a text.
    #[error("`{field}` of step `{id}` is {what} and cannot stand inside a text, as it would at {at}")]
    Shape {
        /// The step.
        id: Name,
        /// The field.
        field: Name,
        /// What it is.
        what: &'static str,
        /// Where in the arguments it is asked for, as a JSON pointer.
        at: String,
    },
}

/// Looks up a reading: of a component, by the name of its field.
pub type Readings<'a> = dyn Fn(&str, &str) -> Option<String> + 'a;

/// Returns `template` with parameters and readings in it; what steps will bring stays as `${steps.id.field}`.
///
/// # Errors
/// The first parameter or reading that has no value.
pub fn fill(
    template: &Template,
    params: &BTreeMap<Name, String>,
    readings: &Readings<'_>,
) -> Result<String, Unfilled> {
    let param = |name: &str| params.get(name).ok_or_else(|| Unfilled::Param(name.to_owned()));
    // What is next to each other is one text: a dollar at the end of one may meet a brace of the next.
    let (mut filled, mut plain) = (String::new(), String::new());
    for piece in &template.0 {
        match piece {
            Piece::Plain(text) => plain.push_str(text),
            Piece::Param(name) => plain.push_str(param(name)?),
            Piece::Reading(component, field) => {
                let component = match component.strip_prefix("params.") {
                    Some(name) => param(name)?,
                    None => component,
                };
                let reading = readings(component, field).ok_or_else(|| Unfilled::Reading {
                    component: component.clone(),
                    field: field.clone(),
                })?;
                plain.push_str(&reading);
            }
            Piece::Step(..) => {
                guard(&plain, true, &mut filled);
                plain.clear();
                filled.push_str(&piece.to_string());
            }
        }
    }
    guard(&plain, false, &mut filled);
    Ok(filled)
}

/// Returns what an action is given, filled like [`fill`]: a text, a list or a map.
///
/// # Errors
/// As [`fill`].
pub fn fill_given(
    given: &Given,
    params: &BTreeMap<Name, String>,
    readings: &Readings<'_>,
) -> Result<Value, Unfilled> {
    let one = |template: &Template| fill(template, params, readings).map(Value::String);
    Ok(match given {
        Given::One(template) => one(template)?,
        Given::Many(templates) => Value::Array(templates.iter().map(one).collect::<Result<_, _>>()?),
        Given::Pairs(pairs) => {
            let pair = |(name, template): (&String, &Template)| Ok((name.clone(), one(template)?));
            Value::Object(pairs.iter().map(pair).collect::<Result<Map<_, _>, Unfilled>>()?)
        }
    })
}

/// Returns `text`, which came from the world and not from a runbook, as it stands in a plan: it is sent as it is, even
/// where it reads like a reference.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    guard(text, false, &mut out);
    out
}

/// Writes `text` with its dollars doubled where they would begin a reference to a step.
fn guard(text: &str, before_a_step: bool, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (plain, run) = rest.split_at(at);
        let after = run.trim_start_matches('$');
        let dollars = run.len() - after.len();
        let doubled = after.starts_with(STEPS) || (before_a_step && after.is_empty());
        out.push_str(plain);
        out.extend(repeat_n('$', if doubled { 2 * dollars } else { dollars }));
        rest = after;
    }
    out.push_str(rest);
}

/// A part of a text of a plan.
enum Part {
    Plain(String),
    Step(Name, Name),
}

/// Takes a text of a plan apart.
fn parts(text: &str) -> Vec<Part> {
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find('$') {
        let (before, run) = rest.split_at(at);
        let after = run.trim_start_matches('$');
        let dollars = run.len() - after.len();
        plain.push_str(before);
        rest = after;
        if !after.starts_with(STEPS) {
            plain.extend(repeat_n('$', dollars));
            continue;
        }
        let inner = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let step = inner.and_then(|(inner, rest)| Some((step_field(inner)?, rest)));
        match step {
            Some(((id, field), after)) if dollars % 2 == 1 => {
                plain.extend(repeat_n('$', dollars / 2));
                if !plain.is_empty() {
                    parts.push(Part::Plain(std::mem::take(&mut plain)));
                }
                parts.push(Part::Step(id, field));
                rest = after;
            }
            // Whoever made this did not double it; as it is no reference, it can only be meant as it stands.
            None if dollars % 2 == 1 => plain.extend(repeat_n('$', dollars)),
            _ => plain.extend(repeat_n('$', dollars / 2)),
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() || parts.is_empty() {
        parts.push(Part::Plain(plain));
    }
    parts
}

/// Returns what `value` still waits for: the steps and fields that its texts refer to, each once.
pub fn awaited(value: &Value) -> Vec<(Name, Name)> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(value: &Value, found: &mut Vec<(Name, Name)>) {
    match value {
        Value::String(text) => found.extend(parts(text).into_iter().filter_map(|part| match part {
            Part::Step(id, field) => Some((id, field)),
            Part::Plain(_) => None,
        })),
        Value::Array(several) => several.iter().for_each(|value| collect(value, found)),
        Value::Object(entries) => entries.values().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns `value` as it is sent: every `${steps.id.field}` in its texts replaced by what that step brought. A text that
/// is nothing but one reference becomes what the step brought, be it a number or a list. Names of entries stay.
///
/// # Errors
/// Every reference that nothing answers.
pub fn fill_outputs(
    value: &Value,
    outputs: &dyn Fn(&str, &str) -> Option<Value>,
) -> Result<Value, Vec<Unfilled>> {
    let mut wrong = Vec::new();
    let filled = sent(value, outputs, "", &mut wrong);
    if wrong.is_empty() { Ok(filled) } else { Err(wrong) }
}

fn sent(
    value: &Value,
    outputs: &dyn Fn(&str, &str) -> Option<Value>,
    at: &str,
    wrong: &mut Vec<Unfilled>,
) -> Value {
    match value {
        Value::String(text) => sent_text(text, outputs, at, wrong),
        Value::Array(several) => Value::Array(
            several
                .iter()
                .enumerate()
                .map(|(nth, value)| sent(value, outputs, &format!("{at}/{nth}"), wrong))
                .collect(),
        ),
        Value::Object(entries) => Value::Object(
            entries
                .iter()
                .map(|(name, value)| {
                    let key = name.replace('~', "~0").replace('/', "~1");
                    (name.clone(), sent(value, outputs, &format!("{at}/{key}"), wrong))
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

fn sent_text(
    text: &str,
    outputs: &dyn Fn(&str, &str) -> Option<Value>,
    at: &str,
    wrong: &mut Vec<Unfilled>,
) -> Value {
    let parts = parts(text);
    let whole = parts.len() == 1;
    let mut made = String::new();
    for part in parts {
        let (id, field) = match part {
            Part::Plain(plain) => {
                made.push_str(&plain);
                continue;
            }
            Part::Step(id, field) => (id, field),
        };
        let at = at.to_owned();
        match outputs(&id, &field) {
            None => wrong.push(Unfilled::Step { id, field, at }),
            Some(value) if whole => return value,
            Some(Value::String(text)) => made.push_str(&text),
            Some(Value::Number(number)) => made.push_str(&number.to_string()),
            Some(Value::Bool(switch)) => made.push_str(if switch { "true" } else { "false" }),
            Some(Value::Null) => wrong.push(Unfilled::Shape { id, field, what: "nothing", at }),
            Some(Value::Array(_)) => wrong.push(Unfilled::Shape { id, field, what: "a list", at }),
            Some(Value::Object(_)) => wrong.push(Unfilled::Shape { id, field, what: "a map", at }),
        }
    }
    Value::String(made)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn params(pairs: &[(&str, &str)]) -> BTreeMap<Name, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn filled(text: &str, pairs: &[(&str, &str)]) -> Result<String, Unfilled> {
        let readings = |component: &str, field: &str| (field == "version").then(|| format!("{component}@16"));
        fill(&Template::parse(text).unwrap(), &params(pairs), &readings)
    }

    #[test]
    fn parameters_and_readings_go_in_and_steps_stay() {
        let text =
            "${params.db}-restored ${readings.params.db.version} ${readings.a.b.version} ${steps.s.arn}";
        assert_eq!(
            filled(text, &[("db", "orders")]),
            Ok("orders-restored orders@16 a.b@16 ${steps.s.arn}".into())
        );
        assert_eq!(filled("${params.db}", &[]), Err(Unfilled::Param("db".into())));
        assert_eq!(
            filled("${readings.x.size}", &[]).unwrap_err().to_string(),
            "there is no reading `size` of x"
        );
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        assert_eq!(
            filled("${params.a}", &[("a", "${params.b} $$ $x"), ("b", "no")]),
            Ok("${params.b} $$ $x".into())
        );
        let outputs = |_: &str, _: &str| Some(json!("${steps.other.field}"));
        let planned = filled("${params.a} ${steps.s.arn}", &[("a", "${steps.s.arn}")]).unwrap();
        assert_eq!(planned, "$${steps.s.arn} ${steps.s.arn}");
        assert_eq!(fill_outputs(&json!(planned), &outputs), Ok(json!("${steps.s.arn} ${steps.other.field}")));
    }

    #[test]
    fn a_dollar_does_not_meet_the_brace_beside_it() {
        let outputs = |_: &str, _: &str| Some(json!("out"));
        for (text, pairs, sent) in [
            ("${params.a}${params.b}", [("a", "$"), ("b", "{steps.s.arn}")], "${steps.s.arn}"),
            ("${params.a}${steps.s.arn}", [("a", "$"), ("b", "")], "$out"),
            ("${params.a}${steps.s.arn}", [("a", "$$"), ("b", "")], "$$out"),
            ("$$${steps.s.arn}", [("a", ""), ("b", "")], "$out"),
            ("$${steps.s.arn}", [("a", ""), ("b", "")], "${steps.s.arn}"),
            ("$${steps.s", [("a", ""), ("b", "")], "${steps.s"),
        ] {
            let planned = filled(text, &pairs).unwrap();
            assert_eq!(fill_outputs(&json!(planned), &outputs), Ok(json!(sent)), "{text}: {planned}");
        }
    }

    #[test]
    fn what_a_step_of_a_called_runbook_brought_is_filled_in() {
        let outputs = |id: &str, field: &str| (id == "database.restore").then(|| json!(field));
        let call = json!({"Host": "${steps.database.restore.endpoint}", "Name": "${steps..a}"});
        assert_eq!(fill_outputs(&call, &outputs), Ok(json!({"Host": "endpoint", "Name": "${steps..a}"})));
        assert_eq!(awaited(&call), [("database.restore".to_owned(), "endpoint".to_owned())]);
    }

    #[test]
    fn what_steps_brought_goes_into_every_text_of_a_call() {
        let outputs = |id: &str, field: &str| match (id, field) {
            ("a", "size") => Some(json!(20)),
            ("a", "names") => Some(json!(["x"])),
            ("a", "arn") => Some(json!("arn:x")),
            _ => None,
        };
        let call = json!({ "Size": "${steps.a.size}", "${steps.a.arn}": [{ "Name": "n-${steps.a.size}-${steps.a.arn}" }],
            "Names": "${steps.a.names}", "Plain": 5, "Folder": "x_$folder$" });
        assert_eq!(
            fill_outputs(&call, &outputs),
            Ok(json!({ "Size": 20, "${steps.a.arn}": [{ "Name": "n-20-arn:x" }], "Names": ["x"], "Plain": 5,
                "Folder": "x_$folder$" }))
        );
        assert_eq!(
            awaited(&call),
            [("a", "arn"), ("a", "names"), ("a", "size")].map(|(a, b)| (a.into(), b.into()))
        );
    }

    #[test]
    fn everything_that_nothing_answers_is_said_with_its_place() {
        let outputs = |id: &str, _: &str| (id == "a").then(|| json!(["x"]));
        let wrong =
            fill_outputs(&json!({ "a/b": ["${steps.gone.arn}"], "c": "x-${steps.a.names}" }), &outputs)
                .unwrap_err();
        let said: Vec<_> = wrong.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "step `gone` brought no `arn`, which stands at /a~1b/0",
                "`names` of step `a` is a list and cannot stand inside a text, as it would at /c"
            ]
        );
    }

    proptest! {
        #[test]
        fn any_value_is_sent_as_it_was_given(a in "[${}a-z.]{0,12}|[$]{0,3}[{]steps[.]s[.]x[}]", b in "[${}steps.]{0,12}") {
            let outputs = |_: &str, _: &str| Some(json!("<out>"));
            let planned = filled("${params.a}${params.b}${steps.s.x}${params.a}", &[("a", &a), ("b", &b)]).unwrap();
            prop_assert_eq!(fill_outputs(&json!(planned), &outputs), Ok(json!(format!("{a}{b}<out>{a}"))));
            prop_assert_eq!(fill_outputs(&json!(literal(&a)), &outputs), Ok(json!(a)));
        }
    }
}
