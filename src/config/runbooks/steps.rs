//! Steps: what each is, does, and asks.

use super::Rules;
use super::calls::{Argument, CallSite};
use super::order::{Order, Written, order};
use super::parameters::{Found, NAME_HELP};
use super::references::{Around, condition};
use super::resolve::{Said, items, meant, words};
use super::value::{Judging, with};
use crate::config::diagnostic::FilePlace;
use crate::config::runbook_file::{CheckFile, GivenFile, RunbookFile, StepFile};
use crate::config::scalar::Word;
use crate::config::yaml::{Entries, Field};
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::runbook::about::About;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::definition::{Check, Given, Name, Parameter, Retry, Step};
use crate::runbook::state::{PLAN_SCOPE, UNDO_SCOPE};
use crate::runbook::template::is_name;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The most steps of a runbook; more than that nobody follows.
const MOST_STEPS: usize = 500;

/// What stands after `uses` to call another runbook.
const RUNBOOK: &str = "runbook";

/// Returns the steps of a file, and the runbooks that they call.
pub(super) fn steps(
    file: &RunbookFile,
    parameters: &[Found],
    rules: &Rules<'_>,
    said: &mut Said,
) -> (Vec<Step>, Vec<CallSite>) {
    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    let mut written: Vec<Written<'_>> = Vec::new();
    for (step, place) in items(&file.steps) {
        if written.len() == MOST_STEPS {
            let says = format!("a runbook has at most {MOST_STEPS} steps");
            said.error(place, says, "put some of them into a runbook of their own, and call it");
            break;
        }
        let id = name(step, place, &ids, &written, said);
        if !id.is_empty() {
            ids.entry(id).or_insert(written.len());
        }
        written.push(Written { step, place, id });
    }
    let order = order(&written, &ids, said);
    let uses: Vec<&str> =
        written.iter().map(|written| written.step.uses.get().map_or("", |uses| uses.0.as_str())).collect();
    let params: Vec<Parameter> = parameters.iter().map(|found| found.parameter.clone()).collect();
    let mut resolver = Resolver {
        written: &written,
        ids: &ids,
        uses: &uses,
        order: &order,
        params: &params,
        rules,
        said,
        calls: Vec::new(),
    };
    let steps = (0..written.len()).filter_map(|nth| resolver.step(nth)).collect();
    (steps, resolver.calls)
}

fn name<'a>(
    step: &'a StepFile,
    place: FilePlace,
    ids: &BTreeMap<&str, usize>,
    written: &[Written<'_>],
    said: &mut Said,
) -> &'a str {
    let (Some(id), Some(at)) = (step.id.get(), step.id.place()) else {
        if step.id.is_absent() {
            said.error(place, "this step has no `id`", "write `id:` and a short name, such as `id: restore`");
        }
        return "";
    };
    if !is_name(&id.0) {
        said.error(at, format!("`{}` cannot be the name of a step", id.0), NAME_HELP);
        return "";
    }
    if matches!(id.0.as_str(), PLAN_SCOPE | UNDO_SCOPE) {
        let says = format!("`{}` cannot be the name of a step", id.0);
        said.error(at, says, "consents are kept under that name; take another");
        return "";
    }
    if let Some(first) = ids.get(id.0.as_str()).and_then(|nth| written.get(*nth)) {
        let says = format!("`{}` is already the name of another step", id.0);
        let line = first.step.id.place_or(first.place).line;
        said.error(at, says, format!("the other stands in line {line}"));
    }
    &id.0
}

struct Resolver<'a> {
    written: &'a [Written<'a>],
    ids: &'a BTreeMap<&'a str, usize>,
    uses: &'a [&'a str],
    order: &'a Order,
    params: &'a [Parameter],
    rules: &'a Rules<'a>,
    said: &'a mut Said,
    calls: Vec<CallSite>,
}

impl<'a> Resolver<'a> {
    fn step(&mut self, nth: usize) -> Option<Step> {
        let Written { step: given, place, id } = self.written.get(nth)?;
        let before = self.order.before.get(nth)?;
        let next = |nth: &usize| self.order.stands_in.get(nth).copied();
        let failed: BTreeSet<usize> = std::iter::successors(next(&nth), next).collect();
        // A spare step may ask how the one failed that it stands in for.
        let seen: BTreeSet<usize> = before.union(&failed).copied().collect();
        let (ids, uses, rules) = (self.ids, self.uses, self.rules);
        let around = |done, before| Around { ids, uses, before, this: nth, done, failed: &failed, rules };
        let (begun, done, asked) = (around(false, before), around(true, before), around(false, &seen));
        let title = self.title(given, *place);
        let about = self.about(&given.uses, *place, "step");
        let uses = given.uses.get().map_or("", |uses| uses.0.as_str());
        let uses_place = given.uses.place_or(*place);
        let judging = Judging { params: self.params, around: &begun };
        let values = with(&given.with, (uses, uses_place), about, &judging, self.said);
        let runbook = self.call(given, uses, &values);
        // What a step brought is there when it is verified.
        let judging = Judging { params: self.params, around: &done };
        let verify =
            { items(&given.verify) }.map(|(check, place)| self.check(check, place, &judging)).collect();
        if let (Some(when), Some(place)) = (given.when.get(), given.when.place()) {
            condition(when, place, self.params, &asked, self.said);
        }
        let of = |nth: &usize| self.written.get(*nth).map_or_else(String::new, |step| step.id.to_owned());
        let (needs, otherwise) = (self.order.needs.get(nth)?, self.order.otherwise.get(&nth));
        let step = Step {
            id: (*id).to_owned(),
            title,
            prose: words(&given.prose, self.said),
            uses: uses.to_owned(),
            runbook,
            with: values,
            needs: needs.iter().map(of).collect(),
            when: given.when.get().cloned(),
            otherwise: otherwise.map(of),
            verify,
            retry: self.retry(given, about),
            timeout: given.timeout.get().map(|span| span.0),
            gate: given.gate.get().copied().unwrap_or(false),
            on_hangup: given.on_hangup.get().copied().unwrap_or_default(),
        };
        if step.timeout == Some(Duration::ZERO) {
            let place = given.timeout.place_or(*place);
            self.said.error(place, "no step is done in no time", "write how long it may take, or remove it");
        }
        Some(step)
    }

    fn title(&mut self, given: &StepFile, place: FilePlace) -> Text {
        let empty = given.title.get().is_some_and(|title| title.trim().is_empty());
        if given.title.is_absent() || empty {
            let place = given.title.place_or(place);
            self.said.error(place, "this step has no `title`", "write what it does, in a few words");
        }
        words(&given.title, self.said)
    }

    /// Returns what the action that is used says of itself, where that is known.
    fn about(&mut self, field: &Field<Word>, place: FilePlace, what: &str) -> Option<&'a About> {
        let (Some(uses), Some(at)) = (field.get(), field.place()) else {
            if field.is_absent() {
                let says = format!("this {what} does not say what it uses");
                self.said.error(place, says, "write `uses:` and the name of an action");
            }
            return None;
        };
        let name = uses.0.as_str();
        if name == RUNBOOK && what == "check" {
            let help = "make it a step, and check with an action that only reads";
            self.said.error(at, "a check only looks, and cannot call a runbook", help);
            return None;
        }
        let about = self.rules.about(name);
        if about.is_none() && name != RUNBOOK && !self.rules.catalogue.is_empty() {
            let known = { self.rules.catalogue.iter() }
                .filter(|about| what == "step" || about.class == ActionClass::Read)
                .map(|about| about.name);
            let help = meant(name, known.chain((what == "step").then_some(RUNBOOK)), "there is none");
            self.said.error(at, format!("there is no action `{name}`"), help);
        }
        about
    }

    /// Notes a call of another runbook.
    fn call(&mut self, given: &StepFile, uses: &str, values: &BTreeMap<Name, Given>) -> Option<Name> {
        let called = given.runbook.get().map(|name| name.0.clone());
        if uses != RUNBOOK {
            if let (Some(place), false) = (given.runbook.place(), uses.is_empty()) {
                self.said.error(
                    place,
                    "`runbook` belongs to `uses: runbook`",
                    "remove it, or write `uses: runbook`",
                );
            }
            return None;
        }
        let Some(name) = called else {
            if given.runbook.is_absent() {
                let place = given.uses.place_or(FilePlace::default());
                self.said.error(
                    place,
                    "this step does not say which runbook it calls",
                    "write `runbook:` and its name",
                );
            }
            return None;
        };
        let arguments = self.arguments(&given.with, values);
        let place = given.runbook.place_or(FilePlace::default());
        self.calls.push(CallSite { name: name.clone(), place, given: arguments });
        Some(name)
    }

    fn arguments(
        &mut self,
        field: &Field<Entries<GivenFile>>,
        values: &BTreeMap<Name, Given>,
    ) -> Vec<Argument> {
        let mut arguments = Vec::new();
        for (key, value) in field.get().map_or([].as_slice(), |entries| entries.0.as_slice()) {
            let (Some(name), Some(place)) = (key.get(), key.place()) else { continue };
            let value_place = value.place_or(place);
            let value = match values.get(name) {
                Some(Given::One(value)) => Some(value.clone()),
                Some(Given::Many(_) | Given::Pairs(_)) => {
                    let says = "a parameter of a runbook is a single value";
                    self.said.error(value_place, says, "write a single value");
                    None
                }
                None => None,
            };
            arguments.push(Argument { name: name.clone(), place, value, value_place });
        }
        arguments
    }

    fn check(&mut self, given: &CheckFile, place: FilePlace, judging: &Judging<'_>) -> Check {
        let about = self.about(&given.uses, place, "check");
        let uses = given.uses.get().map_or("", |uses| uses.0.as_str());
        let uses_place = given.uses.place_or(place);
        if let Some(about) = about
            && about.class != ActionClass::Read
        {
            let says = format!("`{uses}` changes something, and a check only looks");
            self.said.error(uses_place, says, "make it a step, and check with an action that only reads");
        }
        let with = with(&given.with, (uses, uses_place), about, judging, self.said);
        for (field, name, help) in [
            (&given.hold, "hold", "write how long it must be green without a break, such as `hold: 1 min`"),
            (&given.within, "within", "write how long it may take to become green, such as `within: 15 min`"),
        ] {
            if field.is_absent() {
                self.said.error(place, format!("this check has no `{name}`"), help);
            }
        }
        Check {
            uses: uses.to_owned(),
            with,
            hold: given.hold.get().map_or(Duration::ZERO, |span| span.0),
            within: given.within.get().map_or(Duration::ZERO, |span| span.0),
        }
    }

    fn retry(&mut self, given: &StepFile, about: Option<&About>) -> Retry {
        let Some(retry) = given.retry.get() else { return Retry::default() };
        let place = given.retry.place_or(FilePlace::default());
        if retry.times.is_absent() {
            self.said.error(place, "`retry` does not say how often", "write `times:` and a figure");
        }
        let times = retry.times.get().copied().unwrap_or(0);
        if let Some(about) = about
            && times > 0
            && about.dedupe == Dedupe::PointOfNoReturn
        {
            let says = format!(
                "`{}` is never repeated without a person: nothing tells whether it has happened",
                about.name
            );
            self.said.error(place, says, "remove `retry`");
        }
        Retry { times, wait_s: retry.wait.get().map_or(0, |span| span.0.as_secs()) }
    }
}
