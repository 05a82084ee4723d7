//! The scenarios: what happens to the world when it begins.

use super::fault::{Fault, FaultSpec};
use super::world::{Event, Happening, Planted};
use crate::domain::Text;
use crate::domain::duration::after;
use crate::domain::estate::{Component, Environment, EnvironmentClass, Estate};
use crate::domain::kind::Kind;
use jiff::Timestamp;
use std::time::Duration;

/// How long there is no room in `insufficient-capacity`.
const NO_ROOM: Duration = Duration::from_secs(30 * 60);

/// A scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What happens, in one sentence.
    pub says: &'static str,
}

/// All scenarios.
pub const SCENARIOS: [Scenario; 12] = [
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
    Scenario {
        name: "insufficient-capacity",
        says: "For half an hour AWS has no room for new databases, volumes and instances in the Region of production.",
    },
    Scenario { name: "restore-error", says: "The first database that is restored ends in `restore-error`." },
    Scenario {
        name: "slow-restore",
        says: "Whatever is made takes twelve times as long as it usually does.",
    },
    Scenario {
        name: "lost-replies",
        says: "Of every third call that changes something no reply arrives, although it was carried out.",
    },
];

impl Scenario {
    /// Returns the scenario called `name`.
    pub fn named(name: &str) -> Option<Self> {
        SCENARIOS.into_iter().find(|scenario| scenario.name == name)
    }

    /// Returns what happens in `estate` from `began` on.
    pub(super) fn events(self, estate: &Estate, began: Timestamp) -> Vec<Event> {
        let Some(production) = production(estate) else { return Vec::new() };
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

    /// Returns what goes wrong with calls in `estate` from `began` on.
    pub(super) fn faults(self, estate: &Estate, began: Timestamp) -> Vec<Planted> {
        let Some(production) = production(estate) else { return Vec::new() };
        let spec = match self.name {
            // One call gets through, then two are asked to wait: who tries again gets on.
            "throttled" => FaultSpec::new(Fault::Throttled).at(&production.home()).in_turns(1, 2),
            "insufficient-capacity" => FaultSpec::new(Fault::InsufficientCapacity)
                .of("rds:RestoreDBInstanceFromDBSnapshot")
                .of("ec2:CreateVolume")
                .of("ec2:StartInstances")
                .at(&production.home())
                .until(after(began, NO_ROOM)),
            "restore-error" => FaultSpec::new(Fault::EndsIn("restore-error".into()))
                .of("rds:RestoreDBInstanceFromDBSnapshot")
                .times(1),
            "slow-restore" => FaultSpec::new(Fault::Slow(12)),
            "lost-replies" => FaultSpec::new(Fault::LostReply { applied: true }).in_turns(2, 1),
            _ => return Vec::new(),
        };
        vec![Planted { id: 0, spec }]
    }
}

/// Returns the environment that scenarios strike.
fn production(estate: &Estate) -> Option<&Environment> {
    let is_production = |environment: &&Environment| environment.class == EnvironmentClass::Production;
    estate.environments.iter().find(is_production).or_else(|| estate.environments.first())
}

/// Says which scenarios there are, for errors.
pub(super) fn names() -> Text {
    let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    Text::new(&names.join(", "))
}
