//! How environments are reached, which alarms components rely on, and what is masked.

use super::estate_file::{ComponentFile, EnvironmentFile, EstateFile, RedactName};
use super::resolve::entries;
use super::yaml::Field;
use crate::domain::Text;
use crate::domain::estate::{Access, Login, Purpose};

/// Returns the logins and endpoints of an environment.
pub(super) fn access(given: &EnvironmentFile) -> Access {
    let logins = [
        (Purpose::Observe, &given.observe),
        (Purpose::Operate, &given.operate),
        (Purpose::BreakGlass, &given.break_glass),
    ];
    let text = |field: &Field<String>| field.get().map(|text| Text::new(text));
    let logins = logins.into_iter().filter_map(|(purpose, field)| {
        let login = field.get()?;
        Some((purpose, Login { profile: text(&login.profile), role: text(&login.role) }))
    });
    let endpoints = entries(&given.endpoints)
        .filter_map(|(service, _, field)| Some((Text::new(service), Text::new(field.get()?))))
        .collect();
    Access { logins: logins.collect(), endpoints }
}

/// Returns the names of the alarms that a component is to have.
pub(super) fn alarms(given: &ComponentFile) -> Vec<Text> {
    let probes = given.probes.get().map_or([].as_slice(), Vec::as_slice);
    probes.iter().filter_map(|probe| Some(Text::new(probe.get()?.alarm.get()?))).collect()
}

/// Says whether the names of components are masked where something is.
pub(super) fn masks_names(file: &EstateFile) -> bool {
    let chosen = file.policy.get().and_then(|policy| policy.redact.get());
    chosen.is_some_and(|chosen| chosen.iter().any(|field| field.get() == Some(&RedactName::Names)))
}
