//! What waits for what: `needs`, `else`, and circles.

use super::resolve::{Said, items, meant};
use crate::config::diagnostic::FilePlace;
use crate::config::runbook_file::StepFile;
use crate::config::scalar::Word;
use crate::domain::dependency;
use crate::domain::ids::ComponentId;
use std::collections::{BTreeMap, BTreeSet};

/// A step as it is written, and where.
pub(super) struct Written<'a> {
    pub(super) step: &'a StepFile,
    pub(super) place: FilePlace,
    /// Its name; empty where it has none that it could have.
    pub(super) id: &'a str,
}

/// How the steps follow each other, each known by its number in the file.
pub(super) struct Order {
    /// What each step waits for.
    pub(super) needs: Vec<Vec<usize>>,
    /// What has come before each step: what it waits for, and what that waits for.
    pub(super) before: Vec<BTreeSet<usize>>,
    /// The step that runs when this one fails.
    pub(super) otherwise: BTreeMap<usize, usize>,
    /// The step that a spare step stands in for.
    pub(super) stands_in: BTreeMap<usize, usize>,
}

/// How many circles are named; whoever made more will look at these first.
const MOST_CIRCLES: usize = 20;

/// A need, and where it is written.
type Need = (usize, FilePlace);

/// Returns how `steps` follow each other, and notes where they cannot.
pub(super) fn order(steps: &[Written<'_>], ids: &BTreeMap<&str, usize>, said: &mut Said) -> Order {
    let stands_in = spares(steps, ids, said);
    let otherwise: BTreeMap<usize, usize> =
        stands_in.iter().map(|(spare, failing)| (*failing, *spare)).collect();
    let mut written: Vec<Vec<Need>> = Vec::with_capacity(steps.len());
    let mut last = None;
    for (nth, step) in steps.iter().enumerate() {
        let spare = stands_in.get(&nth).and_then(|failing| steps.get(*failing));
        written.push(match (spare, step.step.needs.place()) {
            (Some(failing), Some(place)) => {
                let says =
                    format!("`{}` runs only when `{}` fails, and needs what that needs", step.id, failing.id);
                said.error(place, says, "remove `needs` here");
                Vec::new()
            }
            (Some(_), None) => Vec::new(),
            (None, Some(_)) => needs(nth, steps, ids, &otherwise, said),
            (None, None) => last.map(|last| (last, step.place)).into_iter().collect(),
        });
        if spare.is_none() {
            last = Some(nth);
        }
    }
    let mut needs: Vec<Vec<usize>> =
        written.iter().map(|needs| needs.iter().map(|(need, _)| *need).collect()).collect();
    let lost = circles(steps, &mut needs, said);
    for (&spare, &failing) in &stands_in {
        // Whatever stands in for a spare step stands in for the first of them, too.
        let first =
            std::iter::successors(Some(failing), |nth| stands_in.get(nth).copied()).last().unwrap_or(failing);
        let copied = needs.get(first).cloned().unwrap_or_default();
        if let Some(own) = needs.get_mut(spare) {
            *own = copied;
        }
    }
    let before = before(&needs, &lost);
    for (nth, written) in written.iter().enumerate() {
        for (need, place) in written {
            let Some(failing) = stands_in.get(need) else { continue };
            if before.get(nth).is_some_and(|before| before.contains(failing)) {
                continue;
            }
            let (spare, failing) = (id(steps, *need), id(steps, *failing));
            let says =
                format!("`{spare}` runs only when `{failing}` fails, and this does not wait for `{failing}`");
            said.error(*place, says, format!("add `{failing}` to `needs`, or remove `{spare}`"));
        }
    }
    Order { needs, before, otherwise, stands_in }
}

fn id<'a>(steps: &[Written<'a>], nth: usize) -> &'a str {
    steps.get(nth).map_or("", |step| step.id)
}

/// Returns which step each spare step stands in for.
fn spares(steps: &[Written<'_>], ids: &BTreeMap<&str, usize>, said: &mut Said) -> BTreeMap<usize, usize> {
    let mut stands_in: BTreeMap<usize, usize> = BTreeMap::new();
    for (nth, step) in steps.iter().enumerate() {
        let (Some(Word(name)), Some(place)) = (step.step.otherwise.get(), step.step.otherwise.place()) else {
            continue;
        };
        let Some(&spare) = ids.get(name.as_str()) else {
            let known = ids.keys().copied().filter(|known| *known != step.id);
            said.error(
                place,
                format!("there is no step `{name}`"),
                meant(name, known, "there is no other step"),
            );
            continue;
        };
        if spare == nth {
            said.error(place, "a step cannot stand in for itself", "name another, or use `retry`");
            continue;
        }
        if let Some(other) = stands_in.get(&spare) {
            let says = format!("`{name}` stands in for `{}` already", id(steps, *other));
            said.error(place, says, "write a step of its own for this one");
            continue;
        }
        let chain = std::iter::successors(Some(nth), |nth| stands_in.get(nth).copied());
        let chain: Vec<usize> = chain.collect();
        if chain.contains(&spare) {
            let mut names: Vec<&str> = chain.iter().rev().map(|nth| id(steps, *nth)).collect();
            names.push(name);
            let says = format!("these stand in for each other: {}", names.join(" -> "));
            said.error(place, says, "none of them would come first; remove this `else`");
            continue;
        }
        stands_in.insert(spare, nth);
    }
    stands_in
}

/// Returns what a step says that it needs.
fn needs(
    nth: usize,
    steps: &[Written<'_>],
    ids: &BTreeMap<&str, usize>,
    otherwise: &BTreeMap<usize, usize>,
    said: &mut Said,
) -> Vec<Need> {
    let Some(step) = steps.get(nth) else { return Vec::new() };
    let mut found: Vec<Need> = Vec::new();
    for (Word(name), place) in items(&step.step.needs) {
        let Some(&need) = ids.get(name.as_str()) else {
            let known = ids.keys().copied().filter(|known| *known != step.id);
            said.error(
                place,
                format!("there is no step `{name}`"),
                meant(name, known, "there is no other step"),
            );
            continue;
        };
        if need == nth {
            said.error(place, "a step cannot wait for itself", "remove it; `needs: []` waits for nothing");
        } else if otherwise.get(&nth) == Some(&need) {
            let says = format!("`{name}` runs only when this step fails, so this cannot wait for it");
            said.error(place, says, "remove it from `needs`");
        } else if found.iter().any(|(known, _)| *known == need) {
            said.error(place, format!("`{name}` is there twice"), "remove one of them");
        } else {
            found.push((need, place));
        }
    }
    found
}

/// Names every circle, each once, and takes it out of `needs`; returns the steps of which nobody can say what comes
/// before them.
fn circles(steps: &[Written<'_>], needs: &mut [Vec<usize>], said: &mut Said) -> BTreeSet<usize> {
    let mut lost: BTreeSet<usize> = BTreeSet::new();
    // The order of names is that of the file.
    let names: Vec<ComponentId> =
        (0..needs.len()).map(|nth| ComponentId::new(&format!("{nth:08}"))).collect();
    let number: BTreeMap<&ComponentId, usize> =
        names.iter().enumerate().map(|(nth, name)| (name, nth)).collect();
    let mut graph: dependency::Graph<'_> = { names.iter().zip(needs.iter()) }
        .map(|(name, needs)| (name, needs.iter().filter_map(|need| names.get(*need)).collect()))
        .collect();
    let mut found = 0;
    while let Err(circle) = dependency::order(&graph) {
        let members: BTreeSet<usize> = circle.iter().filter_map(|name| number.get(name).copied()).collect();
        let mut says: Vec<&str> =
            { circle.iter() }.filter_map(|name| number.get(name)).map(|nth| id(steps, *nth)).collect();
        let Some(&first) = says.first() else { break };
        says.push(first);
        let step = circle.first().and_then(|name| number.get(name)).and_then(|nth| steps.get(*nth));
        let place = step.map_or(super::WHOLE, |step| step.step.needs.place_or(step.place));
        let text = format!("these wait for each other: {}", says.join(" -> "));
        said.error(place, text, "none of them could ever begin; remove one of the needs");
        let gone: BTreeSet<_> = circle.into_iter().collect();
        graph.retain(|name, _| !gone.contains(name));
        for needs in graph.values_mut() {
            needs.retain(|name| !gone.contains(name));
        }
        for nth in &members {
            if let Some(own) = needs.get_mut(*nth) {
                own.retain(|need| !members.contains(need));
            }
        }
        lost.extend(members);
        found += 1;
        if found == MOST_CIRCLES {
            needs.iter_mut().for_each(Vec::clear);
            return (0..needs.len()).collect();
        }
    }
    lost
}

/// Returns what has come before each step; before those that were in a circle, any step may have. There are no circles
/// any more.
fn before(needs: &[Vec<usize>], lost: &BTreeSet<usize>) -> Vec<BTreeSet<usize>> {
    let mut before: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); needs.len()];
    let mut done: BTreeSet<usize> = BTreeSet::new();
    while done.len() < needs.len() {
        let ready = |nth: &usize| {
            !done.contains(nth)
                && needs.get(*nth).is_some_and(|needs| needs.iter().all(|need| done.contains(need)))
        };
        let ready: Vec<usize> = (0..needs.len()).filter(ready).collect();
        if ready.is_empty() {
            break;
        }
        for nth in ready {
            let mut all = BTreeSet::new();
            if lost.contains(&nth) {
                all.extend((0..needs.len()).filter(|other| *other != nth));
            }
            for need in needs.get(nth).map_or([].as_slice(), Vec::as_slice) {
                all.insert(*need);
                all.extend(before.get(*need).into_iter().flatten());
            }
            if let Some(own) = before.get_mut(nth) {
                *own = all;
            }
            done.insert(nth);
        }
    }
    before
}
