//! The estate file as it is written: the types that serde reads and that the JSON Schema is made from.
//!
//! No `flatten`, `untagged` or internal tags anywhere: they turn `0123` into a number and lose the place of a mistake.

use super::scalar::{Account, Limit, Moment, Name, RegionName, RetentionRule, Span};
use super::yaml::{Entries, Field};
use crate::domain::kind::Kind;
use crate::domain::scope::FailureScope;
use schemars::JsonSchema;
use serde::Deserialize;

/// An estate: what is to be recoverable, from what, and by whom.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields, title = "lifeboat estate")]
pub struct EstateFile {
    /// The version of this format: 1.
    pub version: Field<u32>,
    /// The name of the estate.
    pub estate: Field<Name>,
    /// The environments, by name.
    pub environments: Field<Entries<EnvironmentFile>>,
    /// The components, by name.
    pub components: Field<Entries<ComponentFile>>,
    /// Components that recover together, by name.
    pub groups: Field<Entries<GroupFile>>,
    /// Where Terraform and OpenTofu keep states, by name.
    pub backends: Field<Entries<BackendFile>>,
    /// Folders with runbooks, relative to this file.
    pub runbooks: Field<Vec<Field<String>>>,
    /// Who is called, and who may approve.
    pub people: Field<PeopleFile>,
    /// Texts for notices, by name.
    pub templates: Field<Entries<String>>,
    /// Where notices are posted, by name.
    pub webhooks: Field<Entries<WebhookFile>>,
    /// When drills are due, by name.
    pub drills: Field<Entries<DrillFile>>,
    /// Consent, redaction and break-glass.
    pub policy: Field<PolicyFile>,
    /// How often things are read.
    pub cadence: Field<CadenceFile>,
    /// A bucket outside the Region that also keeps the readings.
    pub readings: Field<ReadingsFile>,
}

/// Where an environment is real.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderName {
    /// AWS.
    Aws,
    /// The built-in sandbox.
    Sandbox,
}

/// Whether the rules of production apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClassName {
    /// Production: the strictest consent.
    Production,
    /// Before production.
    Staging,
    /// For development.
    Development,
    /// For trying things.
    Test,
}

/// One environment.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct EnvironmentFile {
    /// `production`, `staging`, `development` or `test`.
    pub class: Field<ClassName>,
    /// `aws` (if absent) or `sandbox`.
    pub provider: Field<ProviderName>,
    /// Its account.
    pub account: Field<Account>,
    /// What people call the account; part of a consent phrase.
    pub account_alias: Field<Name>,
    /// Its Region.
    pub region: Field<RegionName>,
    /// Where it recovers to when that Region is gone.
    pub dr_region: Field<RegionName>,
    /// How it is looked at.
    pub observe: Field<LoginFile>,
    /// How it is changed.
    pub operate: Field<LoginFile>,
    /// How it is changed when nobody else can be reached.
    pub break_glass: Field<LoginFile>,
    /// Endpoints in place of AWS's, by service.
    pub endpoints: Field<Entries<String>>,
    /// The kube contexts that belong to it.
    pub kube_contexts: Field<Vec<Field<String>>>,
    /// For the sandbox: its scenario.
    pub scenario: Field<Name>,
    /// For the sandbox: its seed.
    pub seed: Field<u64>,
    /// Objectives of every component that does not say otherwise.
    pub objectives: Field<ObjectivesFile>,
}

/// A profile or role.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct LoginFile {
    /// A profile of the AWS configuration.
    pub profile: Field<String>,
    /// A role to assume.
    pub role: Field<String>,
}

/// Objectives: for every failure, and otherwise for one.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ObjectivesFile {
    /// The most data that may be lost, as time.
    pub rpo: Field<Limit>,
    /// The longest that recovery may take.
    pub rto: Field<Limit>,
    /// When the component is lost.
    pub local: Field<ObjectiveFile>,
    /// When its Region is lost.
    pub region: Field<ObjectiveFile>,
    /// When its account cannot be trusted.
    pub account: Field<ObjectiveFile>,
}

/// Objectives for one failure.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ObjectiveFile {
    /// The most data that may be lost, as time.
    pub rpo: Field<Limit>,
    /// The longest that recovery may take.
    pub rto: Field<Limit>,
}

/// One component.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ComponentFile {
    /// What it is.
    pub kind: Field<Kind>,
    /// Its environment; needed where there are several.
    pub environment: Field<String>,
    /// Its Region, where it is not that of its environment.
    pub region: Field<RegionName>,
    /// How it is found.
    pub select: Field<SelectFile>,
    /// What was promised.
    pub objectives: Field<ObjectivesFile>,
    /// What must be there before it can recover.
    pub depends_on: Field<Vec<Field<String>>>,
    /// What shows that it works.
    pub probes: Field<Vec<Field<ProbeFile>>>,
    /// How long its points must be kept.
    pub retention: Field<Vec<Field<RetentionRule>>>,
    /// How often a new point is expected.
    pub cadence: Field<Span>,
    /// Who owns it.
    pub owner: Field<String>,
    /// Where copies of its points lie, besides the DR Region.
    pub copies: Field<Vec<Field<CopyFile>>>,
    /// For a Git repository: the commit that is deployed.
    pub deployed: Field<String>,
    /// Recoveries that were measured elsewhere.
    pub proven: Field<Vec<Field<ProofFile>>>,
    /// What it is given in the DR Region, in place of what it uses at home.
    pub standby: Field<StandbyFile>,
}

/// What stands in the DR Region for what a component uses at home.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct StandbyFile {
    /// For a database: the parameter group there; that of the same name if absent.
    pub parameter_group: Field<String>,
    /// For a database: the subnet group there; that of the same name if absent.
    pub subnet_group: Field<String>,
    /// The security groups there; that of the VPC if absent.
    pub security_groups: Field<Vec<Field<String>>>,
    /// For a database: the class of its instances there.
    pub class: Field<String>,
    /// The key there that copies are encrypted with.
    pub key: Field<String>,
    /// For a DNS record: the address that it leads to when the Region is lost.
    pub address: Field<String>,
}

/// How a component is found: by one of these.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct SelectFile {
    /// The service's own identifier, name, ARN or address.
    pub id: Field<String>,
    /// A tag, as `Key=Value`.
    pub tag: Field<String>,
}

/// Where copies lie.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct CopyFile {
    /// The Region; that of the component if absent.
    pub region: Field<RegionName>,
    /// The account; that of the component if absent.
    pub account: Field<Account>,
    /// Where exactly: a bucket, prefix, folder or vault.
    pub at: Field<String>,
}

/// A probe, by exactly one of its kinds.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ProbeFile {
    /// An address that must answer.
    pub http: Field<String>,
    /// A host and port that must accept a connection.
    pub tcp: Field<String>,
    /// A name that must resolve.
    pub dns: Field<String>,
    /// An alarm that must be there, enabled, and not firing.
    pub alarm: Field<String>,
    /// A query that must bring a row.
    pub sql: Field<String>,
    /// For HTTP: the status expected.
    pub status: Field<u16>,
}

/// A recovery that was measured elsewhere.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ProofFile {
    /// The failure that was recovered from; `local` if absent.
    pub failure: Field<FailureScope>,
    /// How long it took.
    pub took: Field<Span>,
    /// When.
    pub on: Field<Moment>,
    /// How it was measured: a drill, an incident, a ticket.
    pub how: Field<String>,
}

/// Components that recover together.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct GroupFile {
    /// The components and groups in it.
    pub members: Field<Vec<Field<String>>>,
    /// What was promised for all of it.
    pub objectives: Field<ObjectivesFile>,
    /// What must be there before it can recover.
    pub depends_on: Field<Vec<Field<String>>>,
    /// Who owns it.
    pub owner: Field<String>,
    /// Recoveries that were measured elsewhere.
    pub proven: Field<Vec<Field<ProofFile>>>,
}

/// Where states are kept.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct BackendFile {
    /// Its environment; needed where there are several.
    pub environment: Field<String>,
    /// Its Region, where it is not that of its environment.
    pub region: Field<RegionName>,
    /// The bucket.
    pub bucket: Field<String>,
    /// The prefix under which states lie.
    pub prefix: Field<String>,
    /// The lock table, where there is one.
    pub lock_table: Field<String>,
    /// Whether lock files are used (`use_lockfile`).
    pub lockfile: Field<bool>,
    /// What the names of workspaces stand under (`workspace_key_prefix`); `env:` if absent.
    pub workspace_prefix: Field<String>,
    /// Where the bucket is replicated to.
    pub replica: Field<ReplicaFile>,
}

/// Where a bucket is replicated to.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ReplicaFile {
    /// The bucket.
    pub bucket: Field<String>,
    /// Its Region.
    pub region: Field<RegionName>,
    /// The lock table that is used there.
    pub lock_table: Field<String>,
}

/// Who is called, and who may approve.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct PeopleFile {
    /// Contacts, by role.
    pub contacts: Field<Entries<String>>,
    /// Whom to tell, and after which time.
    pub escalation: Field<Vec<Field<EscalationFile>>>,
    /// SSH public keys of those who may approve, by name.
    pub approvers: Field<Entries<String>>,
}

/// A step of the escalation.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct EscalationFile {
    /// After which time.
    pub after: Field<Span>,
    /// Whom.
    pub tell: Field<String>,
}

/// Where notices are posted.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct WebhookFile {
    /// The environment variable that holds the address, because the address is a secret.
    pub url_from: Field<String>,
    /// The text that is posted.
    pub template: Field<String>,
}

/// When a drill is due.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct DrillFile {
    /// Within which time it is due again.
    pub every: Field<Span>,
    /// The components and groups that it recovers.
    pub components: Field<Vec<Field<String>>>,
    /// What is done.
    pub what: Field<String>,
}

/// What the estate asks of those who act.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct PolicyFile {
    /// Words that stand before every phrase typed in production, such as `RESTORE-PRODUCTION`.
    pub phrase_prefix: Field<Name>,
    /// What is hidden besides account ids, addresses and secrets.
    pub redact: Field<Vec<Field<RedactName>>>,
    /// Environments in which break-glass is allowed.
    pub break_glass: Field<Vec<Field<String>>>,
    /// Environments in which consent may come by a flag, without a person at a terminal.
    pub unattended: Field<Vec<Field<String>>>,
}

/// What may be hidden by choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RedactName {
    /// The names of components.
    Names,
}

/// How often things are read.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct CadenceFile {
    /// Recovery points.
    pub points: Field<Span>,
    /// The components themselves.
    pub condition: Field<Span>,
    /// Locks.
    pub locks: Field<Span>,
    /// State versions.
    pub states: Field<Span>,
    /// Keys.
    pub keys: Field<Span>,
    /// Our own identity.
    pub identity: Field<Span>,
}

/// A bucket that also keeps the readings.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(deny_unknown_fields)]
pub struct ReadingsFile {
    /// The bucket.
    pub bucket: Field<String>,
    /// Its Region.
    pub region: Field<RegionName>,
}
