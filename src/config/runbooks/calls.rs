//! What runbooks say of each other: names, calls, what a call gives, and circles.

use super::{Read, WHOLE};
use crate::config::diagnostic::{Diagnostic, FilePlace, suggestion};
use crate::domain::dependency;
use crate::domain::ids::ComponentId;
use crate::runbook::definition::{Name, Parameter, ParameterKind, Template};
use std::collections::{BTreeMap, BTreeSet};

/// A call of another runbook.
#[derive(Debug, Clone)]
pub(super) struct CallSite {
    /// Which.
    pub(super) name: Name,
    /// Where that stands.
    pub(super) place: FilePlace,
    /// What it is given: names with their places, and values with theirs.
    pub(super) given: Vec<Argument>,
}

/// One thing that a called runbook is given.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    pub(super) name: Name,
    pub(super) place: FilePlace,
    /// `None` where what is wrong with it was said.
    pub(super) value: Option<Template>,
    pub(super) value_place: FilePlace,
}

/// Says so where two files have one name. One of the user's takes the place of a built-in one.
pub(super) fn same_names(read: &mut Vec<Read>) {
    let own: BTreeSet<Name> =
        { read.iter() }.filter(|read| !read.report.built_in).map(|read| read.report.id.clone()).collect();
    let replaced: BTreeSet<Name> =
        { read.iter() }.filter(|read| read.report.built_in).map(|read| read.report.id.clone()).collect();
    read.retain(|read| !read.report.built_in || !own.contains(&read.report.id));
    let mut origins: BTreeMap<Name, Vec<String>> = BTreeMap::new();
    for read in read.iter() {
        origins.entry(read.report.id.clone()).or_default().push(read.report.origin.clone());
    }
    for read in read.iter_mut() {
        let report = &mut read.report;
        let mut others =
            origins.get(&report.id).into_iter().flatten().filter(|other| **other != report.origin);
        if let Some(other) = others.next() {
            let says = format!("there is another runbook `{}`: {other}", report.id);
            report.diagnostics.push(Diagnostic::error(WHOLE, says).help("rename one of the files"));
        } else if !report.built_in && replaced.contains(&report.id) {
            let says = format!("this takes the place of the built-in runbook `{}`", report.id);
            let help = "if that is not what you want, rename the file";
            report.diagnostics.push(Diagnostic::warning(WHOLE, says).help(help));
        }
        read.settle();
    }
}

/// Judges every call, and says which runbooks call themselves.
pub(super) fn judge(read: &mut [Read]) {
    let mut known: BTreeMap<Name, Option<Vec<Parameter>>> = BTreeMap::new();
    for read in read.iter() {
        let parameters = read.resolved.runbook.as_ref().map(|runbook| runbook.parameters.clone());
        known.entry(read.report.id.clone()).or_insert(parameters.filter(|_| read.report.loads));
    }
    for read in read.iter_mut() {
        for call in read.resolved.calls.clone() {
            let own = read.resolved.runbook.as_ref().map_or([].as_slice(), |runbook| &runbook.parameters);
            let said = match known.get(&call.name) {
                None => vec![unknown(&call, known.keys())],
                Some(None) => Vec::new(),
                Some(Some(parameters)) => given(&call, parameters, own),
            };
            read.report.diagnostics.extend(said);
        }
        read.settle();
    }
    circles(read);
    broken(read);
}

fn unknown<'a>(call: &CallSite, known: impl Iterator<Item = &'a Name>) -> Diagnostic {
    let diagnostic = Diagnostic::error(call.place, format!("there is no runbook `{}`", call.name));
    match suggestion(&call.name, known.map(String::as_str)) {
        Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
        None => diagnostic
            .help("it must be built in, or lie in one of the folders under `runbooks` of the estate"),
    }
}

/// Judges what a call gives against the parameters that the called one has.
fn given(call: &CallSite, parameters: &[Parameter], own: &[Parameter]) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    for argument in &call.given {
        let Some(parameter) = parameters.iter().find(|parameter| parameter.name == argument.name) else {
            let says = format!("the runbook `{}` has no parameter `{}`", call.name, argument.name);
            let names: Vec<_> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            let help = match suggestion(&argument.name, names.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if names.is_empty() => "it has none; remove this".to_owned(),
                None => format!("it has: {}", names.join(", ")),
            };
            said.push(Diagnostic::error(argument.place, says).help(help));
            continue;
        };
        if let Some(value) = &argument.value
            && let Err((says, help)) = super::parameters::fits(value, &parameter.kind, own)
        {
            said.push(Diagnostic::error(argument.value_place, says).help(help));
        }
    }
    for parameter in parameters {
        // Without a value, a point is the newest usable one.
        let has_one = parameter.default.is_some() || matches!(parameter.kind, ParameterKind::Point { .. });
        if !has_one && !call.given.iter().any(|argument| argument.name == parameter.name) {
            let says = format!("the runbook `{}` needs `{}`", call.name, parameter.name);
            let help = format!("add it under `with`: {}", parameter.says);
            said.push(Diagnostic::error(call.place, says).help(help));
        }
    }
    said
}

/// Says which runbooks call themselves, each circle once in every file that is part of it.
fn circles(read: &mut [Read]) {
    let ids: Vec<(ComponentId, Vec<ComponentId>)> = read
        .iter()
        .map(|read| {
            let calls = read.resolved.calls.iter().map(|call| ComponentId::new(&call.name));
            (ComponentId::new(&read.report.id), calls.collect())
        })
        .collect();
    let mut graph: dependency::Graph<'_> = BTreeMap::new();
    for (id, calls) in &ids {
        graph.entry(id).or_insert_with(|| calls.iter().collect());
    }
    let mut found: Vec<Vec<String>> = Vec::new();
    while let Err(circle) = dependency::order(&graph) {
        found.push(circle.iter().map(|id| id.as_str().to_owned()).collect());
        let members: BTreeSet<_> = circle.into_iter().collect();
        graph.retain(|id, _| !members.contains(id));
        for calls in graph.values_mut() {
            calls.retain(|id| !members.contains(id));
        }
    }
    for circle in found {
        for read in read.iter_mut() {
            let Some(nth) = circle.iter().position(|id| *id == read.report.id) else { continue };
            let mut names: Vec<&str> =
                circle.iter().cycle().skip(nth).take(circle.len()).map(String::as_str).collect();
            let next = names.get(1).copied().unwrap_or(read.report.id.as_str()).to_owned();
            names.push(&read.report.id);
            let call = read.resolved.calls.iter().find(|call| call.name == next);
            let place = call.map_or(WHOLE, |call| call.place);
            let says = format!("this runbook calls itself: {}", names.join(" -> "));
            let wrong = Diagnostic::error(place, says).help("it would never end; remove one of the calls");
            read.report.diagnostics.push(wrong);
            read.said.insert(next);
            read.settle();
        }
    }
}

/// Says so where a runbook calls one that cannot be used, until nothing more follows from that.
fn broken(read: &mut [Read]) {
    let ids: BTreeSet<Name> = read.iter().map(|read| read.report.id.clone()).collect();
    loop {
        let usable: BTreeSet<Name> =
            { read.iter() }.filter(|read| read.report.loads).map(|read| read.report.id.clone()).collect();
        let mut more = false;
        for read in read.iter_mut() {
            for call in &read.resolved.calls {
                let is_broken = ids.contains(&call.name) && !usable.contains(&call.name);
                if is_broken && read.said.insert(call.name.clone()) {
                    let says = format!("the runbook `{}` does not load", call.name);
                    let wrong = Diagnostic::error(call.place, says).help("`lifeboat check` says why");
                    read.report.diagnostics.push(wrong);
                    more = true;
                }
            }
            read.settle();
        }
        if !more {
            break;
        }
    }
}
