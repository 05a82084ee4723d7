//! The estate: environments, components and groups, as the estate file resolved to them.

use super::Text;
use super::backend::{Backend, Key, StateAddress};
use super::ids::{AccountId, BackendName, ComponentId, EnvironmentName, Region};
use super::kind::Kind;
use super::objective::Objectives;
use super::place::Place;
use super::proof::Proof;
use super::reading::Cadences;
use super::redaction::{Redactor, SALT};
use super::retention::Rule;
use super::standby::Standby;
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
pub const SCENARIO_NAMES: [&str; 12] = [
    "calm",
    "region-loss",
    "database-gone",
    "state-corrupted",
    "stuck-lock",
    "objects-deleted",
    "throttled",
    "credentials-expiring",
    "insufficient-capacity",
    "restore-error",
    "slow-restore",
    "lost-replies",
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
    /// For a Git repository: the commit that is deployed.
    pub deployed: Option<Text>,
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
    /// What it is given in the DR Region.
    pub standby: Standby,
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
    /// Where its Terraform states lie, in the order of the file.
    pub backends: Vec<Backend>,
    /// Whether the names of components are masked as well where something is masked.
    pub masks_names: bool,
    /// How often things are read.
    pub cadences: Cadences,
    /// What is asked of those who act.
    pub policy: Policy,
}

/// What an estate asks of those who act.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Those who may approve, with their SSH public keys.
    pub approvers: Vec<(Text, Text)>,
    /// Where break-glass is allowed.
    pub break_glass: Vec<EnvironmentName>,
    /// Where consent may come by a flag, without a person at a terminal.
    pub unattended: Vec<EnvironmentName>,
    /// Where notices are posted: by name, the variable that holds the address, and the text.
    pub webhooks: BTreeMap<Text, Webhook>,
}

/// Where notices are posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The environment variable that holds its address.
    pub url_from: Text,
    /// The text that is posted.
    pub template: Option<String>,
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

    /// Returns the backend named so.
    pub fn backend(&self, name: &BackendName) -> Option<&Backend> {
        self.backends.iter().find(|backend| backend.name == *name)
    }

    /// Returns the backend that a state belongs to, by its bucket and key at a place.
    pub fn backend_of(&self, place: &Place, bucket: &str, key: &str) -> Option<&Backend> {
        self.backends.iter().find(|backend| {
            backend.at(place).is_some_and(|(name, _)| name.as_str() == bucket)
                && matches!(backend.sort(key, |_| true), Key::State(_))
        })
    }

    /// Returns the address of a component's state at a place: by its own id at home, elsewhere by where its copy is said to
    /// lie, or by the replica of its backend. `None` where nothing says it.
    pub fn state_address(&self, component: &Component, place: &Place) -> Option<StateAddress> {
        let Some(Selector::Id(id)) = &component.selector else { return None };
        let split = |path: &str| {
            let path = path.trim_start_matches("s3://");
            path.split_once('/').map(|(bucket, key)| (bucket.to_owned(), key.to_owned()))
        };
        let (bucket, key) = split(id.as_str())?;
        let home = self.backend_of(&component.home, &bucket, &key);
        let declared = { component.declared.iter() }
            .filter(|(at, _)| at == place)
            .find_map(|(_, at)| split(at.as_str()).filter(|(_, key)| !key.is_empty()));
        let (bucket, key) = match declared {
            Some(declared) => declared,
            None if *place == component.home => (bucket, key),
            None => (home?.at(place)?.0.to_string(), key),
        };
        let table = { home.and_then(|backend| backend.at(place)) }
            .filter(|(name, _)| name.as_str() == bucket)
            .or_else(|| self.backend_of(place, &bucket, &key).and_then(|backend| backend.at(place)))
            .and_then(|(_, table)| table.cloned());
        Some(StateAddress {
            environment: component.environment.clone(),
            bucket: Text::new(&bucket),
            key: Text::new(&key),
            lock_table: table,
        })
    }

    /// Returns what masks this estate's texts: the same everywhere, so that people can talk about what they see.
    pub fn redactor(&self) -> Redactor {
        let names = self.components.iter().map(|component| component.id.to_string());
        let redactor = Redactor::new(SALT);
        if self.masks_names { redactor.with_names(names) } else { redactor }
    }

    /// Returns the components by name.
    pub fn by_id(&self) -> BTreeMap<&ComponentId, &Component> {
        self.components.iter().map(|component| (&component.id, component)).collect()
    }
}
