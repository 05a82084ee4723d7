//! The scenarios: what happens to the world when it begins.

use super::world::{Event, Happening};
use crate::domain::Text;
use crate::domain::estate::{Component, EnvironmentClass, Estate};
use crate::domain::kind::Kind;
use jiff::Timestamp;

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What happens, in one sentence.
    pub says: &'static str,
}

/// All scenarios.
pub const SCENARIOS: [Scenario; 8] = [
    Scenario { name: "calm", says: "Nothing new happens; what was wrong before still is." },
    Scenario { name: "region-loss", says: "The Region of production answers nothing any more." },
    Scenario {
        name: "database-gone",
        says: "A production database was deleted, with its automated backups.",
    },
    Scenario { name: "state-corrupted", says: "Half a Terraform state was written over a whole one." },
    Scenario { name: "stuck-lock", says: "A Terraform run died and left its lock." },
    Scenario { name: "objects-deleted", says: "Thousands of objects were deleted under a prefix." },
    Scenario { name: "throttled", says: "AWS asks us to slow down in the Region of production." },
    Scenario { name: "credentials-expiring", says: "The session for production ends in twelve minutes." },
];

impl Scenario {
    /// Returns the scenario called `name`.
    pub fn named(name: &str) -> Option<Self> {
        SCENARIOS.into_iter().find(|scenario| scenario.name == name)
    }

    /// Returns what happens in `estate` from `began` on.
    pub(super) fn events(self, estate: &Estate, began: Timestamp) -> Vec<Event> {
        let production = estate
            .environments
            .iter()
            .find(|environment| environment.class == EnvironmentClass::Production)
            .or_else(|| estate.environments.first());
        let Some(production) = production else { return Vec::new() };
        let victim = |kinds: &[Kind]| {
            let of_kind = |component: &&Component| {
                kinds.contains(&component.kind) && component.environment == production.name
            };
            estate.components.iter().find(of_kind).map(|component| component.id.clone())
        };
        let what = match self.name {
            "region-loss" => Some(Happening::RegionLost(production.region.clone())),
            "database-gone" => {
                victim(&[Kind::RdsInstance, Kind::RdsCluster, Kind::DynamodbTable, Kind::DatabaseDump])
                    .map(Happening::Deleted)
            }
            "state-corrupted" => victim(&[Kind::TerraformState]).map(Happening::StateCorrupted),
            "stuck-lock" => victim(&[Kind::TerraformState]).map(Happening::LockLeft),
            "objects-deleted" => victim(&[Kind::S3Bucket]).map(Happening::ObjectsDeleted),
            "throttled" => Some(Happening::Throttled(production.home())),
            "credentials-expiring" => Some(Happening::SessionEnds(production.name.clone())),
            _ => None,
        };
        what.map(|what| Event { at: began, what }).into_iter().collect()
    }
}

/// Says which scenarios there are, for errors.
pub(super) fn names() -> Text {
    let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    Text::new(&names.join(", "))
}
