//! What conditions mean, and that none fails silently.

use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;

fn operand(reference: Reference<'_>) -> Option<Operand> {
    Some(match reference {
        Reference::Param("target") => Operand::Text("orders".into()),
        Reference::Param("count") => Operand::Number(3),
        Reference::Param("dry" | "dry-run") => Operand::Switch(true),
        Reference::Param("budget") => Operand::Duration(Duration::from_secs(900)),
        Reference::Param("since") => Operand::Moment("2026-10-12T03:00:00Z".parse().unwrap()),
        Reference::Step("copy" | "re-copy", "state") => Operand::Text("done".into()),
        Reference::Step("copy", "size") => Operand::Json(json!(20)),
        Reference::Step("copy", "names") => Operand::Json(json!(["a", "b"])),
        Reference::Step("copy", "tags") => Operand::Json(json!({ "team": "red" })),
        _ => return None,
    })
}

fn holds(text: &str) -> Result<bool, ConditionMistake> {
    Condition::parse(text).map_err(|wrong| wrong[0].clone())?.holds(&operand)
}

/// What is known of a file: the names and kinds of the same things.
fn known(reference: Reference<'_>) -> Result<Type, (String, Option<String>)> {
    match reference {
        Reference::Step("copy", "size" | "names" | "tags") => Ok(Type::Unknown),
        other => match operand(other) {
            Some(Operand::Text(_)) => Ok(Type::Text),
            Some(Operand::Number(_)) => Ok(Type::Number),
            Some(Operand::Switch(_)) => Ok(Type::Switch),
            Some(Operand::Duration(_)) => Ok(Type::Seconds),
            Some(Operand::Moment(_)) => Ok(Type::Moment),
            Some(Operand::Json(_)) => Ok(Type::Unknown),
            None => Err((format!("unknown: {other:?}"), None)),
        },
    }
}

#[test]
fn conditions_are_worked_out_by_the_types_of_what_they_compare() {
    for (text, meant) in [
        ("params.target == \"orders\"", true),
        ("params[\"target\"] != 'orders'", false),
        ("params.count > 2 && params.dry", true),
        ("!params.dry || params.count < 3", false),
        ("params.budget == 900", true),
        ("params.budget < duration(\"20 min\")", true),
        ("params.since < timestamp(\"2026-10-13\")", true),
        ("timestamp(\"2026-10-12T04:00:00Z\") - params.since == 3600", true),
        ("params.since + params.budget <= timestamp(\"2026-10-12T03:15:00Z\")", true),
        ("steps.copy.state == \"done\"", true),
        ("steps[\"re-copy\"].state == \"done\"", true),
        ("steps.copy.size >= 20", true),
        ("steps.copy.names.exists(name, name == \"b\")", true),
        ("\"a\" in steps.copy.names", true),
        ("params.target in [\"orders\", \"users\"]", true),
        ("size(params.target) == 6 && params.target.startsWith(\"ord\")", true),
        ("has(steps.copy.gone)", false),
        ("has(steps.never.arn) ? steps.never.arn == \"x\" : true", true),
        ("steps.copy.tags.team == \"red\"", true),
        ("params.count == 3 ? params.dry : false", true),
        ("true", true),
    ] {
        assert_eq!(holds(text), Ok(meant), "{text}");
    }
}

#[test]
fn what_cannot_be_worked_out_is_an_error_and_never_false() {
    for (text, says) in [
        ("params.count == \"3\"", "compares a number with a text"),
        ("params.target == 3", "compares a text with a number"),
        ("params.target in [1, 2]", "compares a text with a number"),
        ("steps.copy.size == \"20\"", "compares a number with a text"),
        ("params.since == 5", "compares a moment with a number"),
        ("params.budget == \"15 min\"", "compares a span of time with a text"),
        ("params.dry == \"true\"", "compares true or false with a text"),
        ("steps.copy.gone == \"x\"", "there is no `gone`"),
        ("params.gone == \"x\"", "there is no `gone`"),
        ("params.target", "a condition is true or false, and this is a text"),
        ("steps.copy.tags", "a condition is true or false, and this is a map"),
        ("params.count", "and this is a number"),
        ("params.target && params.dry", "this is a text, where true or false is needed"),
        ("params.target + 1 == \"orders1\"", "cannot be worked out with a text and a number"),
        ("params.count / 0 == 1", "divides by nothing"),
        ("params.target.name == \"x\"", "it is a text"),
        ("target == \"x\"", "there is no `target` here"),
        ("size(params) > 0", "`params` alone"),
        ("steps.copy == \"done\"", "`steps.copy` alone"),
        ("matches(params.target, \".*\")", "there is no function `matches`"),
        ("duration(\"soon\") > 5", "`soon` is not a duration"),
        ("timestamp(\"today\") > params.since", "`today` is not a moment"),
        ("duration(params.target) > 5", "`orders` is not a duration"),
        ("params.target > ", "this is not CEL"),
        ("params.target = \"x\"", "this is not CEL"),
        ("", "this condition is empty"),
        (&"(".repeat(500), "this is not CEL"),
        (&"a".repeat(2000), "more than the 1000 allowed"),
    ] {
        let wrong = holds(text).expect_err(text);
        assert!(wrong.says.contains(says), "{text}: {wrong:?}");
        assert!(wrong.to_string().starts_with("the condition cannot be worked out at its character"));
    }
}

#[test]
fn every_mistake_is_found_before_anything_is_worked_out_with_its_place() {
    let condition =
        Condition::parse("params.nope == 1 || params.count == \"3\" || stesp.copy.state == \"x\"").unwrap();
    let wrong = condition.check(&known);
    let said: Vec<_> = wrong.iter().map(|wrong| (wrong.at, wrong.says.as_str())).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    assert_eq!(said[0].0, 0);
    assert_eq!(said[2], (43, "there is no `stesp` here"));
    assert_eq!(wrong[2].help.as_deref(), Some("did you mean `steps`?"));
}

#[test]
fn a_dash_in_a_name_is_said_to_be_a_minus() {
    let wrong = Condition::parse("params.dry-run && steps.re-copy.state == \"a-b\"").unwrap().check(&known);
    let said: Vec<_> = wrong.iter().map(|wrong| wrong.help.as_deref().unwrap_or_default()).collect();
    assert_eq!(
        said,
        ["write `steps[\"re-copy\"]`"],
        "`dry` is a parameter as well, so the first is a difference"
    );
    assert!(Condition::parse("params[\"dry-run\"]").unwrap().check(&known).is_empty());
}

proptest! {
    #[test]
    fn no_text_stops_the_reader(text in "(params[.]|steps[.]copy[.]state|size|count|target|[=<>!&|?:.,()\\[\\]{}\"'`\\\\+*/% -]|in|has|1|u|[.]5|é|\\PC){0,12}") {
        if let Ok(condition) = Condition::parse(&text) {
            let _ = condition.check(&known);
            let _ = condition.holds(&operand);
        }
    }
}
