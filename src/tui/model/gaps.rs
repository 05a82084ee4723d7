//! What could not be read of Terraform, told once for each reason.

use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::estate::Estate;
use crate::domain::ids::EnvironmentName;
use crate::domain::reading::{Capability, ReadTrouble, ReadingKey, Readings, Subject};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The environment it belongs to.
    pub environment: Option<EnvironmentName>,
    /// Whether it is about locks, not about states.
    pub of_locks: bool,
    /// One sentence.
    pub says: Text,
    /// The permission that is missing, where that is why.
    pub permission: Option<Text>,
}

/// What could not be read for one reason at one place: whose, how long ago, and for want of which permission.
type Alike = (Vec<String>, Option<Timestamp>, Option<Text>);
/// An environment, whether it is about locks, a Region and a reason.
type Reason<'a> = (Option<EnvironmentName>, bool, &'a str, String);

/// Returns what could not be read, and how many lists were never read.
pub(super) fn gaps(estate: &Estate, readings: &Readings, now: Timestamp) -> (Vec<Gap>, usize) {
    let mut alike: BTreeMap<Reason<'_>, Alike> = BTreeMap::new();
    for (key, reading) in readings.iter() {
        let (whose, place, environment) = match &key.subject {
            Subject::Component(id, place) => {
                let environment = estate.component(id).map(|component| component.environment.clone());
                (id.to_string(), place, environment)
            }
            Subject::Backend(name, place) => {
                let environment = estate.backend(name).map(|backend| backend.environment.clone());
                (format!("the backend {name}"), place, environment)
            }
            // One that was looked at tells of itself.
            _ => continue,
        };
        let failed = reading.failed.as_ref().map(|failed| (&failed.why, Some(failed.at)));
        let lacking = reading.lacking.iter().map(|lack| (&lack.why, None));
        for (why, at) in failed.into_iter().chain(lacking) {
            let of_locks = key.capability == Capability::Locks;
            let name = (environment.clone(), of_locks, place.region.as_str(), why.to_string());
            let (all, newest, permission) = alike.entry(name).or_default();
            all.push(whose.clone());
            *newest = (*newest).max(at);
            if let ReadTrouble::Denied { permission: missing, .. } = why {
                *permission = Some(missing.clone());
            }
        }
    }
    let gap = |((environment, of_locks, region, why), (whose, at, permission)): (Reason<'_>, Alike)| {
        let what = if of_locks { "locks" } else { "states" };
        let ago = { at.map(|at| elapsed(at, now)) }
            .filter(|age| age.as_secs() >= 60)
            .map_or(String::new(), |age| format!(", {} ago", age_words(age)));
        let says = Text::new(&format!("{what} of {} in {region}: {why}{ago}", whose.join(", ")));
        Gap { environment, of_locks, says, permission }
    };
    let gaps = alike.into_iter().map(gap).collect();
    let expected = estate.backends.iter().flat_map(|backend| {
        backend.places().flat_map(|place| {
            [Capability::Locks, Capability::States].map(|capability| ReadingKey {
                subject: Subject::Backend(backend.name.clone(), place.clone()),
                capability,
            })
        })
    });
    (gaps, expected.filter(|key| readings.get(key).is_none()).count())
}
