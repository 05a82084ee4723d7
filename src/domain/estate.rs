//! The estate: environments, components and groups, as the estate file resolved to them.

use super::Text;
use super::ids::{AccountId, ComponentId, EnvironmentName, Region};
use super::kind::Kind;
use super::objective::Objectives;
use super::place::Place;
use super::proof::Proof;
use super::reading::Cadences;
use super::retention::Rule;
use std::{collections::BTreeMap, time::Duration};

/// Whether consent, words and colours of production apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentClass {
    /// Production.
    Production,
    /// Anything else.
    NonProduction,
}

/// The scenarios that the sandbox knows, by name.
pub const SCENARIO_NAMES: [&str; 8] = [
    "calm",
    "region-loss",
    "database-gone",
    "state-corrupted",
    "stuck-lock",
    "objects-deleted",
    "throttled",
    "credentials-expiring",
];

/// Where an environment is real.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// AWS.
    Aws,
    /// The built-in sandbox, in a scenario and by a seed.
    Sandbox {
        /// The scenario's name.
        scenario: Text,
        /// The seed.
        seed: u64,
    },
}

/// A way into an account: a profile of the AWS configuration, a role, or a role by way of a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// The profile; the ambient credentials if absent.
    pub profile: Option<Text>,
    /// The role that is assumed with them.
    pub role: Option<Text>,
}

/// Why somebody goes into an account: each purpose has a login of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To look.
    Observe,
    /// To change.
    Operate,
    /// To change when nobody else can be reached.
    BreakGlass,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 3] = [Self::Observe, Self::Operate, Self::BreakGlass];

    /// Returns the name used in files and session names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Operate => "operate",
            Self::BreakGlass => "break-glass",
        }
    }
}

/// How an environment is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// The logins that are written down.
    pub logins: BTreeMap<Purpose, Login>,
    /// Endpoints in place of AWS's: by service, or for all of them under `default`.
    pub endpoints: BTreeMap<Text, Text>,
}

/// An environment of the estate.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// Its name.
    pub name: EnvironmentName,
    /// Production or not.
    pub class: EnvironmentClass,
    /// Where it is real.
    pub provider: Provider,
    /// Its account.
    pub account: AccountId,
    /// What people call the account.
    pub account_alias: Text,
    /// Its Region.
    pub region: Region,
    /// Where it recovers to when that is gone.
    pub dr_region: Option<Region>,
    /// The phrase that must stand before a typed consent, where the estate asks for one.
    pub phrase_prefix: Option<Text>,
    /// How it is reached.
    pub access: Access,
}

impl Environment {
    /// Returns the place where the environment lives.
    pub fn home(&self) -> Place {
        Place { account: self.account.clone(), region: self.region.clone() }
    }
}

/// How a component is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By the service's own identifier.
    Id(Text),
    /// By a tag.
    Tag {
        /// The key.
        key: Text,
        /// The value.
        value: Text,
    },
}

/// A component or group of the estate.
#[derive(Debug, Clone, PartialEq)]
pub struct Component {
    /// Its name.
    pub id: ComponentId,
    /// What it is.
    pub kind: Kind,
    /// The environment it belongs to.
    pub environment: EnvironmentName,
    /// Where it lives.
    pub home: Place,
    /// Where its recovery points are looked for, the nearest first: its home, the DR Region, declared copies; for
    /// code, the remote that holds it; for a DNS record, its account.
    pub sources: Vec<Place>,
    /// Where exactly copies lie, where the estate file says so: a bucket, prefix, folder or vault.
    pub declared: Vec<(Place, Text)>,
    /// How it is found; `None` where nothing reads it.
    pub selector: Option<Selector>,
    /// Alarms that must exist, be enabled and tell somebody.
    pub alarms: Vec<Text>,
    /// What was promised.
    pub objectives: Objectives,
    /// What must be there before it can recover.
    pub depends_on: Vec<ComponentId>,
    /// For a group: its members.
    pub members: Vec<ComponentId>,
    /// How long its points must be kept.
    pub retention: Vec<Rule>,
    /// How often a new point is expected.
    pub cadence: Option<Duration>,
    /// Within which time a drill is due again.
    pub drill_every: Option<Duration>,
    /// Who owns it.
    pub owner: Option<Text>,
    /// Recoveries that were measured elsewhere and written down in the estate file.
    pub proofs: Vec<Proof>,
}

/// The estate.
#[derive(Debug, Clone, PartialEq)]
pub struct Estate {
    /// Its name.
    pub name: Text,
    /// Its environments, in the order of the file.
    pub environments: Vec<Environment>,
    /// Its components and groups, in the order of the file.
    pub components: Vec<Component>,
    /// How often things are read.
    pub cadences: Cadences,
}

impl Estate {
    /// Returns the component named so.
    pub fn component(&self, id: &ComponentId) -> Option<&Component> {
        self.components.iter().find(|component| component.id == *id)
    }

    /// Returns the environment named so.
    pub fn environment(&self, name: &EnvironmentName) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == *name)
    }

    /// Returns the components by name.
    pub fn by_id(&self) -> BTreeMap<&ComponentId, &Component> {
        self.components.iter().map(|component| (&component.id, component)).collect()
    }
}
