//! What was promised, and how often it is looked at: which of several places in the file counts.

use super::estate_file::{EstateFile, ObjectiveFile, ObjectivesFile};
use super::yaml::Field;
use crate::domain::objective::Objectives;
use crate::domain::reading::{Cadences, Capability};
use crate::domain::scope::FailureScope;
use std::time::Duration;

/// Returns the objectives that `own` says, over those of `environment`. What is said about one failure counts for more
/// than what is said about all: an environment that promises nothing for a lost account promises nothing for any of
/// its components, until a component speaks of that failure itself.
pub(super) fn objectives(environment: Option<&ObjectivesFile>, own: Option<&ObjectivesFile>) -> Objectives {
    let mut all = Objectives::default();
    for scope in FailureScope::ALL {
        let of = |given: Option<&ObjectivesFile>| {
            let field: Option<&Field<ObjectiveFile>> = given.map(|given| match scope {
                FailureScope::Local => &given.local,
                FailureScope::Region => &given.region,
                FailureScope::Account => &given.account,
            });
            field.and_then(Field::get).map(|one| (one.rpo.get().cloned(), one.rto.get().cloned()))
        };
        let plain = |given: Option<&ObjectivesFile>| {
            given.map(|all| (all.rpo.get().cloned(), all.rto.get().cloned()))
        };
        let objective = all.of_mut(scope);
        for (rpo, rto) in [plain(environment), plain(own), of(environment), of(own)].into_iter().flatten() {
            objective.rpo = rpo.map_or(objective.rpo, |rpo| rpo.0);
            objective.rto = rto.map_or(objective.rto, |rto| rto.0);
        }
    }
    all
}

pub(super) fn cadences(file: &EstateFile) -> Cadences {
    let mut cadences = Cadences::default();
    let Some(given) = file.cadence.get() else { return cadences };
    for (capability, span) in [
        (Capability::Points, &given.points),
        (Capability::Condition, &given.condition),
        (Capability::Locks, &given.locks),
        (Capability::States, &given.states),
        (Capability::Keys, &given.keys),
        (Capability::Identity, &given.identity),
    ] {
        if let Some(span) = span.get() {
            cadences.set(capability, span.0.max(Duration::from_secs(5)));
        }
    }
    cadences
}
