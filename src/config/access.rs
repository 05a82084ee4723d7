//! How environments are reached, which alarms components rely on, what stands in the DR Region, and what is masked.

use super::diagnostic::{Diagnostic, FilePlace};
use super::estate_file::{ComponentFile, EnvironmentFile, EstateFile, RedactName};
use super::resolve::entries;
use super::yaml::Field;
use crate::domain::Text;
use crate::domain::estate::{Access, Environment, Login, Purpose};
use crate::domain::kind::Kind;
use crate::domain::place::{GLOBAL, OUTSIDE, Place};
use crate::domain::standby::Standby;

/// Returns the logins and endpoints of an environment.
pub(super) fn access(given: &EnvironmentFile) -> Access {
    let logins = [
        (Purpose::Observe, &given.observe),
        (Purpose::Operate, &given.operate),
        (Purpose::BreakGlass, &given.break_glass),
    ];
    let text = text_of;
    let logins = logins.into_iter().filter_map(|(purpose, field)| {
        let login = field.get()?;
        Some((purpose, Login { profile: text(&login.profile), role: text(&login.role) }))
    });
    let endpoints = entries(&given.endpoints)
        .filter_map(|(service, _, field)| Some((Text::new(service), Text::new(field.get()?))))
        .collect();
    Access { logins: logins.collect(), endpoints }
}

/// Returns where the recovery points of a component are looked for, but for copies that the file names: the nearest first.
pub(super) fn sources(kind: Kind, home: &Place, environment: &Environment) -> Vec<Place> {
    if kind.is_code() {
        return vec![Place::new(OUTSIDE, OUTSIDE)];
    }
    if kind == Kind::DnsRecord {
        return vec![Place { region: GLOBAL.into(), ..home.clone() }];
    }
    let dr = environment.dr_region.iter().map(|region| Place { region: region.clone(), ..home.clone() });
    std::iter::once(home.clone()).chain(dr.filter(|place| place != home)).collect()
}

/// Returns the names of the alarms that a component is to have.
pub(super) fn alarms(given: &ComponentFile) -> Vec<Text> {
    let probes = given.probes.get().map_or([].as_slice(), Vec::as_slice);
    probes.iter().filter_map(|probe| Some(Text::new(probe.get()?.alarm.get()?))).collect()
}

/// The kinds that have groups of RDS.
const DATABASES: &str = "rds-instance and rds-cluster";

/// Returns what a component is given in the DR Region; what its kind has no use for is wrong.
pub(super) fn standby(given: &ComponentFile, wrong: &mut Vec<Diagnostic>) -> Standby {
    let Some(said) = given.standby.get() else { return Standby::default() };
    let is_database = matches!(given.kind.get(), Some(Kind::RdsInstance | Kind::RdsCluster));
    let is_name = given.kind.get() == Some(&Kind::DnsRecord);
    let mut fits = |at: Option<FilePlace>, fits: bool, what: &str, kinds: &str| {
        if let (Some(at), false) = (at, fits) {
            let says = format!("`{what}` is of no use to a component of this kind");
            wrong.push(Diagnostic::error(at, says).help(format!("it is for {kinds}; remove it")));
        }
    };
    fits(said.parameter_group.place(), is_database, "parameter_group", DATABASES);
    fits(said.subnet_group.place(), is_database, "subnet_group", DATABASES);
    fits(said.security_groups.place(), is_database, "security_groups", DATABASES);
    fits(said.class.place(), is_database, "class", DATABASES);
    fits(said.address.place(), is_name, "address", "dns-record");
    let text = text_of;
    let groups = said.security_groups.get().map_or([].as_slice(), Vec::as_slice);
    Standby {
        parameter_group: text(&said.parameter_group),
        subnet_group: text(&said.subnet_group),
        security_groups: groups.iter().filter_map(text_of).collect(),
        class: text(&said.class),
        key: text(&said.key),
        address: text(&said.address),
    }
}

fn text_of(field: &Field<String>) -> Option<Text> {
    field.get().map(|text| Text::new(text))
}

/// Says whether the names of components are masked where something is.
pub(super) fn masks_names(file: &EstateFile) -> bool {
    let chosen = file.policy.get().and_then(|policy| policy.redact.get());
    chosen.is_some_and(|chosen| chosen.iter().any(|field| field.get() == Some(&RedactName::Names)))
}
