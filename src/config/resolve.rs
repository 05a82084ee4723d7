//! From the estate file as it is written to the estate that it means.

use super::access::{access, alarms, masks_names, sources, standby};
use super::diagnostic::{Diagnostic, FilePlace, suggestion};
use super::estate_file::{
    ClassName, ComponentFile, EnvironmentFile, EstateFile, GroupFile, ProofFile, ProviderName, SelectFile,
};
use super::objectives::{cadences, objectives};
use super::others::{check_name, circles};
use super::yaml::{Entries, Field};
use crate::domain::Text;
use crate::domain::estate::{
    Component, Environment, EnvironmentClass, Estate, Provider, SCENARIO_NAMES, Selector,
};
use crate::domain::ids::{AccountId, ComponentId, Region};
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::proof::Proof;
use crate::domain::scope::FailureScope;
use crate::domain::standby::Standby;
use std::collections::BTreeMap;
use std::time::Duration;

/// The format's version.
const VERSION: u32 = 1;

/// Returns the estate that `file` means, if it has the parts that an estate needs, and what is wrong with it.
pub(super) fn resolve(file: &Field<EstateFile>) -> (Option<Estate>, Vec<Diagnostic>) {
    let mut wrong = Vec::new();
    let whole = file.place_or(FilePlace { line: 1, column: 1, start: 0, end: 0 });
    let top = FilePlace { end: whole.start, ..whole };
    let Some(file) = file.get() else { return (None, wrong) };
    match file.version.get() {
        Some(&VERSION) => {}
        Some(other) => wrong.push(
            Diagnostic::error(file.version.place_or(top), format!("this format has no version {other}"))
                .help(format!("this lifeboat reads version {VERSION}")),
        ),
        None if file.version.is_absent() => {
            wrong.push(
                Diagnostic::error(top, "`version` is missing").help(format!("write `version: {VERSION}`")),
            );
        }
        None => {}
    }
    if file.estate.is_absent() {
        wrong.push(
            Diagnostic::error(top, "`estate` is missing").help("write `estate:` and the name of your estate"),
        );
    }
    let mut resolver = Resolver { file, top, wrong, environments: Vec::new() };
    resolver.environments();
    let backends = resolver.backends();
    let components = resolver.components();
    let masks_names = masks_names(file);
    let Resolver { wrong, environments, .. } = resolver;
    let name = file.estate.get().map_or("estate", |name| name.0.as_str());
    let (name, cadences) = (Text::new(name), cadences(file));
    let policy = super::policy::policy(file);
    let estate = Estate { name, environments, components, backends, masks_names, cadences, policy };
    let mut wrong = wrong;
    wrong.extend(circles(file, &estate));
    (Some(estate), wrong)
}

pub(super) struct Resolver<'a> {
    pub(super) file: &'a EstateFile,
    pub(super) top: FilePlace,
    pub(super) wrong: Vec<Diagnostic>,
    environments: Vec<Environment>,
}

pub(super) fn entries<T>(field: &Field<Entries<T>>) -> impl Iterator<Item = (&str, FilePlace, &Field<T>)> {
    let entries = field.get().map_or([].as_slice(), |entries| entries.0.as_slice());
    entries.iter().filter_map(|(key, value)| {
        let name = key.get()?;
        Some((name.as_str(), key.place_or(FilePlace::default()), value))
    })
}

impl Resolver<'_> {
    pub(super) fn error(&mut self, place: FilePlace, says: impl Into<String>, help: impl Into<String>) {
        self.wrong.push(Diagnostic::error(place, says).help(help));
    }

    fn environments(&mut self) {
        if self.file.environments.is_absent() {
            self.error(self.top, "`environments` is missing", "an estate needs at least one environment");
        } else if self.file.environments.get().is_some_and(|entries| entries.0.is_empty()) {
            let place = self.file.environments.place_or(self.top);
            self.error(place, "there is no environment", "an estate needs at least one");
        }
        for (name, place, field) in entries(&self.file.environments) {
            check_name(&mut self.wrong, name, place, "environment");
            let Some(given) = field.get() else { continue };
            let environment = self.environment(name, place, given);
            self.environments.push(environment);
        }
    }

    fn environment(&mut self, name: &str, place: FilePlace, given: &EnvironmentFile) -> Environment {
        let sandbox = given.provider.get() == Some(&ProviderName::Sandbox);
        for (absent, what) in
            [(given.class.is_absent(), "class"), (!sandbox && given.region.is_absent(), "region")]
        {
            if absent {
                let help = match what {
                    "class" => "write `class: production`, or staging, development or test",
                    _ => "write the Region where it lives, such as `region: us-east-2`",
                };
                self.error(place, format!("environment `{name}` has no `{what}`"), help);
            }
        }
        if !sandbox && given.account.is_absent() {
            self.error(
                place,
                format!("environment `{name}` has no `account`"),
                "write its 12 digits: what survives a lost account follows from it",
            );
        }
        if let (Some(scenario), Some(at)) = (given.scenario.get(), given.scenario.place())
            && !SCENARIO_NAMES.contains(&scenario.0.as_str())
        {
            let diagnostic = Diagnostic::error(at, format!("there is no scenario `{}`", scenario.0));
            self.wrong.push(match suggestion(&scenario.0, SCENARIO_NAMES) {
                Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
                None => diagnostic.help(format!("there are: {}", SCENARIO_NAMES.join(", "))),
            });
        }
        for (field, what) in [(given.scenario.place(), "scenario"), (given.seed.place(), "seed")] {
            if let (Some(place), false) = (field, sandbox) {
                self.error(
                    place,
                    format!("`{what}` belongs to the sandbox"),
                    "add `provider: sandbox`, or remove it",
                );
            }
        }
        let region = given.region.get().map_or("us-east-2", |region| region.0.as_str());
        let dr_region = given.dr_region.get().map(|region| region.0.as_str());
        if dr_region == Some(region)
            && let Some(place) = given.dr_region.place()
        {
            self.error(
                place,
                "the DR Region is the Region itself",
                "nothing that lies there survives the loss of it; name another",
            );
        }
        let account = given.account.get().map_or("000000000000", |account| account.0.as_str());
        let alias = given.account_alias.get().map_or(name, |alias| alias.0.as_str());
        let policy = self.file.policy.get();
        let prefix = policy.and_then(|policy| policy.phrase_prefix.get()).map(|prefix| Text::new(&prefix.0));
        Environment {
            name: name.into(),
            class: match given.class.get() {
                Some(ClassName::Production) => EnvironmentClass::Production,
                _ => EnvironmentClass::NonProduction,
            },
            provider: if sandbox {
                let scenario = given.scenario.get().map_or("calm", |scenario| scenario.0.as_str());
                Provider::Sandbox {
                    scenario: Text::new(scenario),
                    seed: given.seed.get().copied().unwrap_or(1),
                }
            } else {
                Provider::Aws
            },
            account: account.into(),
            account_alias: Text::new(alias),
            region: region.into(),
            dr_region: dr_region.map(Region::from),
            phrase_prefix: prefix,
            access: access(given),
        }
    }

    fn components(&mut self) -> Vec<Component> {
        let mut known: BTreeMap<&str, FilePlace> = BTreeMap::new();
        let names = entries(&self.file.components)
            .map(|(name, place, _)| (name, place, "component"))
            .chain(entries(&self.file.groups).map(|(name, place, _)| (name, place, "group")));
        for (name, place, what) in names {
            check_name(&mut self.wrong, name, place, what);
            if let Some(first) = known.insert(name, place) {
                self.wrong.push(
                    Diagnostic::error(place, format!("`{name}` is already the name of another component"))
                        .help(format!("the other stands in line {}", first.line)),
                );
            }
        }
        let drills = self.drills(&known);
        self.others();
        let mut all = Vec::new();
        for (name, place, field) in entries(&self.file.components) {
            let Some(given) = field.get() else { continue };
            if let Some(component) = self.component(name, place, given, &known, &drills) {
                all.push(component);
            }
        }
        for (name, place, field) in entries(&self.file.groups) {
            let Some(given) = field.get() else { continue };
            all.extend(self.group(name, place, given, &known, &drills, &all));
        }
        all
    }

    fn drills(&mut self, known: &BTreeMap<&str, FilePlace>) -> BTreeMap<String, Duration> {
        let mut due = BTreeMap::new();
        for (name, place, field) in entries(&self.file.drills) {
            check_name(&mut self.wrong, name, place, "drill");
            let Some(drill) = field.get() else { continue };
            let ids = self.names(&drill.components, known);
            let Some(every) = drill.every.get() else {
                if drill.every.is_absent() {
                    self.error(
                        place,
                        format!("drill `{name}` has no `every`"),
                        "write how often, such as `every: 30 d`",
                    );
                }
                continue;
            };
            for id in ids {
                let known: &mut Duration = due.entry(id.as_str().to_owned()).or_insert(every.0);
                *known = (*known).min(every.0);
            }
        }
        due
    }

    fn names(
        &mut self,
        field: &Field<Vec<Field<String>>>,
        known: &BTreeMap<&str, FilePlace>,
    ) -> Vec<ComponentId> {
        let mut ids = Vec::new();
        for item in field.get().map_or([].as_slice(), Vec::as_slice) {
            let (Some(name), Some(place)) = (item.get(), item.place()) else { continue };
            if known.contains_key(name.as_str()) {
                ids.push(ComponentId::new(name));
                continue;
            }
            let diagnostic = Diagnostic::error(place, format!("there is no component `{name}`"));
            self.wrong.push(match suggestion(name, known.keys().copied()) {
                Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
                None => diagnostic,
            });
        }
        ids
    }

    pub(super) fn environment_of(
        &mut self,
        given: &Field<String>,
        name: &str,
        place: FilePlace,
    ) -> Option<Environment> {
        match (given.get(), given.place()) {
            (Some(wanted), Some(at)) => {
                let found = self.environments.iter().find(|environment| environment.name.as_str() == wanted);
                if let Some(found) = found {
                    return Some(found.clone());
                }
                if entries(&self.file.environments).any(|(name, ..)| name == wanted) {
                    return None; // it is there, and what is wrong with it was said
                }
                let diagnostic = Diagnostic::error(at, format!("there is no environment `{wanted}`"));
                let known = self.environments.iter().map(|environment| environment.name.as_str());
                let meant = suggestion(wanted, known);
                self.wrong.push(match meant {
                    Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
                    None => diagnostic,
                });
                None
            }
            (None, Some(_)) => None,
            _ => match self.environments.as_slice() {
                [only] => Some(only.clone()),
                [] => None,
                several => {
                    let names: Vec<_> =
                        several.iter().map(|environment| environment.name.to_string()).collect();
                    let says = format!("`{name}` does not say its environment");
                    self.error(place, says, format!("write `environment:` and one of {}", names.join(", ")));
                    None
                }
            },
        }
    }

    fn component(
        &mut self,
        name: &str,
        place: FilePlace,
        given: &ComponentFile,
        known: &BTreeMap<&str, FilePlace>,
        drills: &BTreeMap<String, Duration>,
    ) -> Option<Component> {
        let depends_on = self.names(&given.depends_on, known);
        if given.kind.is_absent() {
            self.error(
                place,
                format!("`{name}` has no `kind`"),
                "write what it is, such as `kind: rds-instance`",
            );
        }
        if let (Some(Kind::Group), Some(place)) = (given.kind.get(), given.kind.place()) {
            self.error(
                place,
                "a group is not written as a component",
                "move it under `groups:` and give it `members:`",
            );
        }
        // Everything is looked at before anything is given up, so that every mistake is said.
        let selector = self.selector(&given.select);
        let proofs = self.proofs(&given.proven);
        let standby = standby(given, &mut self.wrong);
        let environment = self.environment_of(&given.environment, name, place)?;
        let kind = *given.kind.get()?;
        if kind == Kind::GitRepository && given.deployed.is_absent() {
            self.error(
                place,
                format!("`{name}` does not say which commit is deployed"),
                "write `deployed:` and the commit: the remote must hold it",
            );
        }
        let home = Place {
            account: environment.account.clone(),
            region: given.region.get().map_or(environment.region.clone(), |region| region.0.as_str().into()),
        };
        let mut sources = sources(kind, &home, &environment);
        let mut declared = Vec::new();
        for copy in given.copies.get().map_or([].as_slice(), Vec::as_slice) {
            let (Some(copy), Some(at)) = (copy.get(), copy.place()) else { continue };
            let place = Place {
                account: copy
                    .account
                    .get()
                    .map_or(home.account.clone(), |account| AccountId::new(&account.0)),
                region: copy.region.get().map_or(home.region.clone(), |region| Region::new(&region.0)),
            };
            if let Some(exactly) = copy.at.get() {
                declared.push((place.clone(), Text::new(exactly)));
            }
            if place == home && copy.at.is_absent() {
                self.error(at, "this copy lies where the component is", "name another `region` or `account`");
            } else if !sources.contains(&place) {
                sources.push(place);
            }
        }
        let environments = entries(&self.file.environments);
        let defaults = { environments }
            .find(|(key, ..)| *key == environment.name.as_str())
            .and_then(|(_, _, field)| field.get()?.objectives.get());
        Some(Component {
            id: name.into(),
            kind,
            environment: environment.name,
            home,
            sources,
            declared,
            deployed: given.deployed.get().map(|commit| Text::new(commit)),
            selector,
            alarms: alarms(given),
            objectives: objectives(defaults, given.objectives.get()),
            depends_on,
            members: Vec::new(),
            retention: given.retention.get().map_or_else(Vec::new, |rules| {
                rules.iter().filter_map(Field::get).map(|rule| rule.0.clone()).collect()
            }),
            cadence: given.cadence.get().map(|span| span.0),
            drill_every: drills.get(name).copied(),
            owner: given.owner.get().map(|owner| Text::new(owner)),
            proofs,
            standby,
        })
    }

    fn group(
        &mut self,
        name: &str,
        place: FilePlace,
        given: &GroupFile,
        known: &BTreeMap<&str, FilePlace>,
        drills: &BTreeMap<String, Duration>,
        components: &[Component],
    ) -> Option<Component> {
        let depends_on = self.names(&given.depends_on, known);
        let members = self.names(&given.members, known);
        let proofs = self.proofs(&given.proven);
        if given.members.is_absent() || given.members.get().is_some_and(Vec::is_empty) {
            self.error(
                place,
                format!("group `{name}` has no members"),
                "write `members:` and the components in it",
            );
            return None;
        }
        let defaults = |name: &str| {
            let mut environments = entries(&self.file.environments);
            environments
                .find(|(key, ..)| *key == name)
                .and_then(|(_, _, field)| field.get()?.objectives.get())
        };
        // A group lives where its first member does.
        let first = members.iter().find_map(|id| components.iter().find(|component| component.id == *id));
        let (environment, home) = match first {
            Some(first) => (first.environment.clone(), first.home.clone()),
            None => self.environments.first().map(|first| (first.name.clone(), first.home()))?,
        };
        Some(Component {
            id: name.into(),
            kind: Kind::Group,
            objectives: objectives(defaults(environment.as_str()), given.objectives.get()),
            environment,
            home,
            sources: Vec::new(),
            declared: Vec::new(),
            deployed: None,
            selector: None,
            alarms: Vec::new(),
            depends_on,
            members,
            retention: Vec::new(),
            cadence: None,
            drill_every: drills.get(name).copied(),
            owner: given.owner.get().map(|owner| Text::new(owner)),
            proofs,
            standby: Standby::default(),
        })
    }

    fn selector(&mut self, field: &Field<SelectFile>) -> Option<Selector> {
        let (given, place) = (field.get()?, field.place()?);
        match (given.id.get(), given.tag.get()) {
            (Some(id), None) => Some(Selector::Id(Text::new(id))),
            (None, Some(tag)) => {
                let Some((key, value)) = tag.split_once('=').filter(|(key, _)| !key.is_empty()) else {
                    let at = given.tag.place_or(place);
                    self.error(
                        at,
                        format!("`{tag}` is not a tag"),
                        "write `Key=Value`, such as `tag: Backup=true`",
                    );
                    return None;
                };
                Some(Selector::Tag { key: Text::new(key), value: Text::new(value) })
            }
            (Some(_), Some(_)) => {
                self.error(
                    place,
                    "a component is found by its id or by a tag, not by both",
                    "remove one of them",
                );
                None
            }
            (None, None) => {
                if given.id.is_absent() && given.tag.is_absent() {
                    self.error(
                        place,
                        "`select` says nothing",
                        "write `select: { id: NAME }` or `select: { tag: Key=Value }`",
                    );
                }
                None
            }
        }
    }

    fn proofs(&mut self, field: &Field<Vec<Field<ProofFile>>>) -> Vec<Proof> {
        let mut proofs = Vec::new();
        for item in field.get().map_or([].as_slice(), Vec::as_slice) {
            let (Some(given), Some(place)) = (item.get(), item.place()) else { continue };
            let (Some(took), Some(on)) = (given.took.get(), given.on.get()) else {
                if given.took.is_absent() || given.on.is_absent() {
                    self.error(
                        place,
                        "a measured recovery needs `took` and `on`",
                        "such as `{ took: 41 min, on: 2026-10-12 }`",
                    );
                }
                continue;
            };
            proofs.push(Proof {
                scope: given.failure.get().copied().unwrap_or(FailureScope::Local),
                at: on.0,
                took: took.0,
                how: Text::new(given.how.get().map_or("written down in the estate file", String::as_str)),
            });
        }
        proofs
    }
}
