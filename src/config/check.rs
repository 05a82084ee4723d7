//! What is doubtful about an estate that loads: promises that contradict each other, things nothing can read.

use super::diagnostic::{Diagnostic, FilePlace};
use super::estate_file::{EstateFile, ProbeFile};
use super::yaml::{Entries, Field};
use crate::domain::duration::words;
use crate::domain::estate::{Component, Estate, Provider};
use crate::domain::kind::Kind;
use crate::domain::scope::FailureScope;
use std::collections::BTreeMap;

/// Returns the warnings of a file that means `estate`.
pub(super) fn check(file: &Field<EstateFile>, estate: &Estate) -> Vec<Diagnostic> {
    let Some(file) = file.get() else { return Vec::new() };
    let mut places: BTreeMap<&str, FilePlace> = BTreeMap::new();
    collect(&file.components, &mut places);
    collect(&file.groups, &mut places);
    let place = |component: &Component| places.get(component.id.as_str()).copied().unwrap_or_default();
    let mut said = Vec::new();
    for component in &estate.components {
        said.extend(
            promises(estate, component)
                .into_iter()
                .map(|(says, help)| Diagnostic::warning(place(component), says).help(help)),
        );
        said.extend(
            unreadable(estate, component, file)
                .map(|(says, help)| Diagnostic::warning(place(component), says).help(help)),
        );
    }
    said.extend(phrases(estate).into_iter().map(|(component, says)| {
        Diagnostic::warning(place(component), says)
            .help("a person types these names to agree to something that cannot be taken back; make them differ more")
    }));
    said.extend(probes(file));
    said.extend(secrets(file));
    said
}

fn collect<'a, T>(field: &'a Field<Entries<T>>, places: &mut BTreeMap<&'a str, FilePlace>) {
    for (key, _) in field.get().map_or([].as_slice(), |entries| entries.0.as_slice()) {
        if let (Some(name), Some(place)) = (key.get(), key.place()) {
            places.insert(name, place);
        }
    }
}

/// Promises that no recovery could keep.
fn promises(estate: &Estate, component: &Component) -> Vec<(String, String)> {
    let by_id = estate.by_id();
    let mut said: Vec<(String, String)> = Vec::new();
    for scope in FailureScope::ALL {
        let own = component.objectives.of(scope);
        let parts = component
            .depends_on
            .iter()
            .map(|id| (id, "depends on"))
            .chain(component.members.iter().map(|id| (id, "has the member")));
        for (id, how) in parts {
            let Some(part) = by_id.get(id) else { continue };
            let theirs = part.objectives.of(scope);
            if let (Some(limit), Some(part_limit)) = (own.rto, theirs.rto)
                && part_limit > limit
            {
                said.push((
                    format!(
                        "{} must be back in {}, but {how} {id}, which may take {} ({scope})",
                        component.id,
                        words(limit),
                        words(part_limit)
                    ),
                    "one of the two promises cannot be kept".to_owned(),
                ));
            }
            if component.kind == Kind::Group
                && let (Some(limit), Some(part_limit)) = (own.rpo, theirs.rpo)
                && part_limit > limit
            {
                said.push((
                    format!(
                        "{} may lose {}, but {how} {id}, which may lose {} ({scope})",
                        component.id,
                        words(limit),
                        words(part_limit)
                    ),
                    "one of the two promises cannot be kept".to_owned(),
                ));
            }
        }
        if let (Some(every), Some(limit)) = (component.cadence, own.rpo)
            && every > limit
        {
            said.push((
                format!(
                    "{} may lose {}, but a new point is only expected every {} ({scope})",
                    component.id,
                    words(limit),
                    words(every)
                ),
                "points that rare cannot keep that promise; only continuous backup could".to_owned(),
            ));
        }
    }
    // The smaller failure cannot be promised less than the larger one.
    for (small, large) in [
        (FailureScope::Local, FailureScope::Region),
        (FailureScope::Region, FailureScope::Account),
        (FailureScope::Local, FailureScope::Account),
    ] {
        let (near, far) = (component.objectives.of(small), component.objectives.of(large));
        for (what, near, far) in [("RPO", near.rpo, far.rpo), ("RTO", near.rto, far.rto)] {
            if let (Some(near), Some(far)) = (near, far)
                && far < near
            {
                said.push((
                    format!(
                        "{}: {what} {} when {}, but {} when only {}",
                        component.id,
                        words(far),
                        large.words(),
                        words(near),
                        small.words()
                    ),
                    "the larger failure is promised more than the smaller one".to_owned(),
                ));
            }
        }
    }
    // The same contradiction under three failures is one contradiction.
    let mut seen = Vec::new();
    said.retain(|(says, _)| {
        let core = says.rsplit_once(" (").map_or(says.as_str(), |(core, _)| core).to_owned();
        let new = !seen.contains(&core);
        seen.push(core);
        new
    });
    said
}

/// Components that nothing can read, so that they would be unknown for ever.
fn unreadable(estate: &Estate, component: &Component, file: &EstateFile) -> Option<(String, String)> {
    let environment = estate.environment(&component.environment)?;
    if matches!(environment.provider, Provider::Sandbox { .. }) {
        return None;
    }
    match component.kind {
        Kind::Group => None,
        Kind::Service => {
            let given = file
                .components
                .get()?
                .0
                .iter()
                .find(|(key, _)| key.get().is_some_and(|key| key == component.id.as_str()))?;
            let bare =
                given.1.get().is_some_and(|given| given.probes.is_absent() && given.depends_on.is_absent());
            bare.then(|| {
                (
                    format!("nothing tells how {} is: it has no probes and depends on nothing", component.id),
                    "add `probes:`, or `depends_on:`".to_owned(),
                )
            })
        }
        // A `select` that is there and wrong was said to be wrong already.
        _ if file.components.get()?.0.iter().any(|(key, given)| {
            key.get().is_some_and(|key| key == component.id.as_str())
                && given.get().is_some_and(|given| !given.select.is_absent())
        }) =>
        {
            None
        }
        _ => component.selector.is_none().then(|| {
            (
                format!("nothing can read {}: it has no `select`", component.id),
                "add `select: { id: NAME }` or `select: { tag: Key=Value }`; until then it is unknown"
                    .to_owned(),
            )
        }),
    }
}

/// Components whose consent phrases a tired person could take for each other.
fn phrases(estate: &Estate) -> Vec<(&Component, String)> {
    let plain = |text: &str| -> String {
        let lower = text.to_lowercase();
        lower
            .chars()
            .filter(|c| !matches!(c, '-' | '_' | '.' | '/'))
            .map(|c| match c {
                'l' | 'i' => '1',
                'o' => '0',
                c => c,
            })
            .collect()
    };
    let mut seen: BTreeMap<(String, String), &Component> = BTreeMap::new();
    let mut said = Vec::new();
    for component in &estate.components {
        let Some(environment) = estate.environment(&component.environment) else { continue };
        let key = (plain(component.id.as_str()), plain(environment.account_alias.as_str()));
        match seen.get(&key) {
            // The same name twice was said already.
            Some(other) if other.id == component.id => {}
            Some(other) => said.push((
                component,
                format!(
                    "the phrases for {} and {} in {} look the same",
                    other.id, component.id, environment.account_alias
                ),
            )),
            None => {
                seen.insert(key, component);
            }
        }
    }
    said
}

fn probes(file: &EstateFile) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    for (_, component) in file.components.get().map_or([].as_slice(), |entries| entries.0.as_slice()) {
        let Some(component) = component.get() else { continue };
        for probe in component.probes.get().map_or([].as_slice(), Vec::as_slice) {
            let (Some(given), Some(place)) = (probe.get(), probe.place()) else { continue };
            if kinds(given) != 1 {
                said.push(
                    Diagnostic::error(place, "a probe has exactly one of http, tcp, dns, alarm and sql")
                        .help("write several probes for several things to ask"),
                );
            }
        }
    }
    said
}

fn kinds(probe: &ProbeFile) -> usize {
    [&probe.http, &probe.tcp, &probe.dns, &probe.alarm, &probe.sql]
        .iter()
        .filter(|field| !field.is_absent())
        .count()
}

/// Secrets do not stand in an estate file: addresses with a password in them and private keys are refused, and not
/// shown.
fn secrets(file: &EstateFile) -> Vec<Diagnostic> {
    let mut texts: Vec<&Field<String>> = Vec::new();
    let mut said = Vec::new();
    for (_, component) in file.components.get().map_or([].as_slice(), |entries| entries.0.as_slice()) {
        let Some(component) = component.get() else { continue };
        for probe in component.probes.get().map_or([].as_slice(), Vec::as_slice) {
            let Some(probe) = probe.get() else { continue };
            texts.extend([&probe.http, &probe.tcp, &probe.dns, &probe.alarm]);
        }
        texts.extend(component.select.get().map(|select| &select.id));
        for copy in component.copies.get().map_or([].as_slice(), Vec::as_slice) {
            texts.extend(copy.get().map(|copy| &copy.at));
        }
    }
    for (_, environment) in file.environments.get().map_or([].as_slice(), |entries| entries.0.as_slice()) {
        let endpoints = environment.get().and_then(|environment| environment.endpoints.get());
        texts.extend(
            endpoints
                .map_or([].as_slice(), |entries| entries.0.as_slice())
                .iter()
                .map(|(_, address)| address),
        );
    }
    let keys = file.people.get().and_then(|people| people.approvers.get());
    for (_, key) in keys.map_or([].as_slice(), |entries| entries.0.as_slice()) {
        let public = |key: &String| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| key.starts_with(kind));
        if key.get().is_some_and(|key| !public(key)) {
            said.push(
                Diagnostic::secret(key.place().unwrap_or_default(), "this is not an SSH public key")
                    .help("it begins with ssh-ed25519, ecdsa-… or sk-…; a private key must never stand here"),
            );
        }
    }
    said.extend(texts.into_iter().filter(|field| field.get().is_some_and(|text| has_password(text))).map(
        |field| {
            Diagnostic::secret(field.place().unwrap_or_default(), "a password stands in this address")
                .help("secrets never stand in an estate file; take it out, and change it")
        },
    ));
    said
}

/// Says whether `user:password@` stands in an address, with or without a scheme before it.
pub(super) fn has_password(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    // An address of Git is `git@host:path`: there the colon comes after the at.
    rest.rsplit_once('@')
        .is_some_and(|(login, _)| login.split_once(':').is_some_and(|(user, _)| !user.contains('/')))
}
