//! From a runbook as it is written to the runbook that it means.

use super::Rules;
use super::calls::CallSite;
use super::parameters::parameters;
use super::steps::steps;
use crate::config::diagnostic::{Diagnostic, FilePlace, suggestion};
use crate::config::runbook_file::RunbookFile;
use crate::config::yaml::Field;
use crate::domain::Text;
use crate::domain::scope::FailureScope;
use crate::domain::text::MAX_CHARS;
use crate::runbook::definition::{Runbook, RunbookKind};
use jiff::ToSpan;
use std::collections::BTreeMap;
use std::time::Duration;

/// The format's version.
const VERSION: u32 = 1;

/// What a file means, as far as it means anything.
#[derive(Default)]
pub(super) struct Resolved {
    /// The runbook; what is missing is empty, so it is only for use where nothing was wrong.
    pub(super) runbook: Option<Runbook>,
    /// The runbooks that it calls.
    pub(super) calls: Vec<CallSite>,
}

/// What is wrong so far.
#[derive(Default)]
pub(super) struct Said(pub(super) Vec<Diagnostic>);

impl Said {
    pub(super) fn error(&mut self, place: FilePlace, says: impl Into<String>, help: impl Into<String>) {
        self.0.push(Diagnostic::error(place, says).help(help));
    }

    pub(super) fn warning(&mut self, place: FilePlace, says: impl Into<String>, help: impl Into<String>) {
        self.0.push(Diagnostic::warning(place, says).help(help));
    }
}

/// Returns what to write in place of `given`, which is none of `known`.
pub(super) fn meant<'a>(given: &str, known: impl IntoIterator<Item = &'a str>, none: &str) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match suggestion(given, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => none.to_owned(),
        None if known.len() <= 12 => format!("known here: {}", known.join(", ")),
        None => format!("there are {} others; see `lifeboat schema runbook`", known.len()),
    }
}

/// Returns a list that may be absent.
pub(super) fn items<T>(field: &Field<Vec<Field<T>>>) -> impl Iterator<Item = (&T, FilePlace)> {
    let items = field.get().map_or([].as_slice(), Vec::as_slice);
    items.iter().filter_map(|item| Some((item.get()?, item.place()?)))
}

/// Returns a text for people: one line, whole.
pub(super) fn words(field: &Field<String>, said: &mut Said) -> Text {
    let Some(text) = field.get() else { return Text::default() };
    line(text, field.place_or(super::WHOLE), said)
}

pub(super) fn line(text: &str, place: FilePlace, said: &mut Said) -> Text {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let long = folded.chars().count();
    if long > MAX_CHARS {
        let says = format!("this text has {long} characters, more than the {MAX_CHARS} that are shown");
        said.error(place, says, "make it shorter, or make it several steps");
    }
    Text::new(&folded)
}

/// Returns the runbook that `file` means, and what is wrong with it.
pub(super) fn resolve(file: &Field<RunbookFile>, rules: &Rules<'_>) -> (Resolved, Vec<Diagnostic>) {
    let mut said = Said::default();
    let whole = file.place_or(super::WHOLE);
    let top = FilePlace { end: whole.start, ..whole };
    let Some(given) = file.get() else { return (Resolved::default(), said.0) };
    head(given, top, &mut said);
    reviewed(given, top, rules, &mut said);
    let parameters = parameters(&given.parameters, &mut said);
    let (steps, calls) = steps(given, &parameters, rules, &mut said);
    let runbook = Runbook {
        id: String::new(),
        origin: String::new(),
        digest: String::new(),
        title: words(&given.title, &mut said),
        scenario: words(&given.scenario, &mut said),
        symptoms: items(&given.symptoms).map(|(text, place)| line(text, place, &mut said)).collect(),
        reviewed: given.reviewed.get().map(|day| day.0),
        covers: given.covers.get().map(|_| words(&given.covers, &mut said)),
        kind: given.kind.get().copied().unwrap_or(RunbookKind::Recover),
        failures: items(&given.failures).map(|(failure, _)| *failure).collect(),
        objectives: objectives(given, &mut said),
        parameters: parameters.into_iter().map(|found| found.parameter).collect(),
        steps,
    };
    (Resolved { runbook: Some(runbook), calls }, said.0)
}

fn head(given: &RunbookFile, top: FilePlace, said: &mut Said) {
    match given.version.get() {
        Some(&VERSION) => {}
        Some(other) => said.error(
            given.version.place_or(top),
            format!("this format has no version {other}"),
            format!("this lifeboat reads version {VERSION}"),
        ),
        None if given.version.is_absent() => {
            said.error(top, "`version` is missing", format!("write `version: {VERSION}`"));
        }
        None => {}
    }
    let texts = [
        (&given.title, "title", "write what it does, in a few words"),
        (&given.scenario, "scenario", "write what has happened when this is the right runbook"),
    ];
    for (field, name, help) in texts {
        match field.get() {
            None if field.is_absent() => said.error(top, format!("`{name}` is missing"), help),
            Some(text) if text.trim().is_empty() => {
                said.error(field.place_or(top), format!("`{name}` says nothing"), help);
            }
            _ => {}
        }
    }
    if given.kind.is_absent() {
        let help = "write `kind: recover`, or contain, backup, verify or drill";
        said.error(top, "`kind` is missing", help);
    }
    if given.steps.is_absent() {
        said.error(top, "`steps` is missing", "write what is to be done, step by step");
    } else if given.steps.get().is_some_and(Vec::is_empty) {
        said.error(given.steps.place_or(top), "there is no step", "a runbook needs at least one");
    }
    if given.kind.get() == Some(&RunbookKind::Recover) && given.failures.get().is_none_or(Vec::is_empty) {
        let place = given.failures.place().or(given.kind.place()).unwrap_or(top);
        let help = "write `failures:` and some of local, region and account";
        said.warning(place, "this recovers something, and does not say after which failure", help);
    }
}

/// Says so when nobody can know whether it is still true.
fn reviewed(given: &RunbookFile, top: FilePlace, rules: &Rules<'_>, said: &mut Said) {
    let today = rules.today;
    match given.reviewed.get() {
        None if given.reviewed.is_absent() => {
            let help = format!("read it through and write the day, such as `reviewed: {today}`");
            said.warning(top, "nobody says when this was last read through", help);
        }
        Some(day) if day.0 > today => said.warning(
            given.reviewed.place_or(top),
            format!("{} has not come yet", day.0),
            "write the day on which it was last read through",
        ),
        Some(day) if day.0.saturating_add(1.year()) < today => said.warning(
            given.reviewed.place_or(top),
            "this was last read through more than a year ago",
            "see whether it is still true, and write the day of today",
        ),
        _ => {}
    }
}

fn objectives(given: &RunbookFile, said: &mut Said) -> BTreeMap<FailureScope, Duration> {
    let Some(promises) = given.objectives.get() else { return BTreeMap::new() };
    let mut found = BTreeMap::new();
    for (failure, field) in [
        (FailureScope::Local, &promises.local),
        (FailureScope::Region, &promises.region),
        (FailureScope::Account, &promises.account),
    ] {
        let (Some(span), Some(place)) = (field.get(), field.place()) else { continue };
        if !items(&given.failures).any(|(named, _)| *named == failure) {
            let says = format!("this promises something for `{failure}`, which is not among its failures");
            said.warning(place, says, format!("add {failure} to `failures`, or remove the promise"));
        }
        found.insert(failure, span.0);
    }
    found
}
