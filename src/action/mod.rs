//! The actions: one file, one type each. What an action is given, which calls it makes, how it is told whether they have
//! happened, when they are done, and how they are taken back.
//!
//! An action speaks in [`Call`]s, the same that stand in a plan, and looks at the world through [`Look`]; it never acts
//! itself: `engine` makes the calls, each after its intent is on disk. Who may use it: `engine`, `cli`, `tui`. What must
//! stay true: what an action plans depends on what it is given and on what it sees alone; its class follows from the calls
//! it makes; and none of them knows whether it runs in the sandbox.

pub use crate::runbook::schedule::MANUAL;

mod alarm_probe;
mod backup_job;
mod backup_start;
mod dynamodb_backup;
mod dynamodb_protect;
mod dynamodb_restore;
mod dynamodb_table;
mod ebs_lock;
mod ebs_snapshot;
mod ebs_tier;
mod ec2_attach;
mod ec2_copy;
mod ec2_image;
mod ec2_launch;
mod ec2_made;
mod ec2_power;
mod ec2_settings;
mod ec2_status;
mod ec2_volume;
mod eks_describe;
mod eks_kubeconfig;
mod facts;
pub mod fan_out;
mod file_write;
pub mod given;
mod iam_revoke;
mod kms_probe;
mod manual;
mod notify;
mod place;
mod probe;
mod rds_cluster_restore;
mod rds_cluster_settings;
mod rds_delete;
mod rds_facts;
mod rds_failover;
mod rds_family;
mod rds_global;
mod rds_global_join;
mod rds_groups;
mod rds_members;
mod rds_protect;
mod rds_rename;
mod rds_replica_promote;
mod rds_restore;
mod rds_restore_plan;
mod rds_settings;
mod rds_snapshot;
mod rds_snapshot_copy;
mod rds_snapshot_prune;
mod rds_snapshot_share;
mod rds_window;
mod route53_health;
mod route53_record;
mod route53_sets;
mod route53_weights;
mod s3_bucket;
mod s3_copy;
mod s3_deny;
mod s3_download;
mod s3_lifecycle;
mod s3_listing;
mod s3_parts;
mod s3_prefix;
mod s3_prefix_keys;
mod s3_sync;
mod s3_undelete;
mod s3_version;
mod s3_versioning;
mod setting;
mod tool;
mod wait;

use crate::authority::Direction;
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::domain::estate::{Component, Environment, Estate};
use crate::domain::ids::{ComponentId, Region};
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::About;
use crate::runbook::call::Call;
use crate::runbook::plan::{PlannedCall, PlannedStep, Precondition, Undo};
use given::GivenValues;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::time::Duration;

/// What an action plans with.
pub struct PlanAsk<'a> {
    /// What it was given.
    pub given: &'a GivenValues,
    /// The estate.
    pub estate: &'a Estate,
    /// The environment.
    pub environment: &'a Environment,
    /// The run.
    pub run: &'a str,
    /// The step.
    pub step: &'a str,
    /// The time there.
    pub now: Timestamp,
    /// How it looks at the world.
    pub look: &'a dyn Look,
    /// The settings of a component as they were last read, for where it does not answer any more (R4).
    pub settings: &'a (dyn Fn(&ComponentId) -> Option<Kept> + Sync),
    /// Where the manifests of steps over many keys are written.
    pub manifests: &'a dyn fan_out::Manifests,
}

/// Settings as they were last read, by name.
pub type Kept = std::collections::BTreeMap<String, String>;

impl PlanAsk<'_> {
    /// Returns the component that an argument names.
    ///
    /// # Errors
    /// When the estate has none of that name.
    pub fn component(&self, argument: &str) -> Result<&Component, Refusal> {
        let name = self.given.text(argument)?;
        self.estate
            .component(&name.into())
            .ok_or_else(|| Refusal::new(format!("the estate has no component `{name}`")))
    }
}

/// What an action would do.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// The component that it changes.
    pub component: Option<ComponentId>,
    /// What is called, in this order.
    pub calls: Vec<PlannedCall>,
    /// What must still be so when it begins.
    pub preconditions: Vec<Precondition>,
    /// How it is undone.
    pub undo: Undo,
    /// What it costs, which limits it counts against, what it leaves behind.
    pub notes: Vec<Text>,
    /// The Region whose control plane it needs, where it is not that of its environment.
    pub control_plane: Option<Region>,
    /// What it saw while planning and needs later.
    pub facts: Map<String, Value>,
    /// For an action that only looks: what it asks.
    pub asks: Vec<Call>,
}

impl Design {
    /// Returns a design that calls nothing yet, and is undone by nothing.
    pub fn new(component: Option<ComponentId>) -> Self {
        Self {
            component,
            calls: Vec::new(),
            preconditions: Vec::new(),
            undo: Undo::Nothing,
            notes: Vec::new(),
            control_plane: None,
            facts: Map::new(),
            asks: Vec::new(),
        }
    }

    /// Returns the class: that of the worst of its calls (C6).
    pub fn class(&self) -> ActionClass {
        self.calls.iter().map(|planned| planned.class).max().unwrap_or(ActionClass::Read)
    }
}

/// Why an action cannot be planned, or cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{says}")]
pub struct Refusal {
    /// What is wrong, on which thing, and why.
    pub says: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl Refusal {
    /// Returns a refusal.
    pub fn new(says: impl Into<String>) -> Self {
        Self { says: says.into(), hint: None }
    }

    /// Adds what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<CallTrouble> for Refusal {
    fn from(trouble: CallTrouble) -> Self {
        Self::new(trouble.to_string())
    }
}

/// A step under way, as far as its action has to know it.
pub struct Doing<'a> {
    /// The step as it was planned.
    pub step: &'a PlannedStep,
    /// The run.
    pub run: &'a str,
    /// Which way.
    pub direction: Direction,
    /// The calls of this direction, with every value known; for an action that only looks, what it asks.
    pub calls: &'a [Call],
    /// The call that it is about: its index in `calls`.
    pub index: usize,
    /// What the calls so far were answered or found to have done, by index; `Null` where nothing is known.
    pub replies: &'a [Value],
    /// What was there before: what [`Action::before`] brought.
    pub before: &'a Value,
    /// When the intent of this call was written.
    pub since: Timestamp,
    /// Now.
    pub now: Timestamp,
}

impl Doing<'_> {
    /// Returns the call.
    ///
    /// # Errors
    /// Never, unless the journal is of another version.
    pub fn call(&self) -> Result<&Call, Refusal> {
        self.calls.get(self.index).ok_or_else(|| Refusal::new("the step has no such call"))
    }

    /// Returns what a call before was answered.
    pub fn reply(&self, index: usize) -> &Value {
        self.replies.get(index).unwrap_or(&Value::Null)
    }
}

/// What a look said about a call that may or may not have happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It has happened; what the answer would have been, as far as it can be seen, and what shows it.
    Happened {
        /// The answer.
        reply: Value,
        /// What shows it.
        evidence: Text,
    },
    /// Nothing of it can be seen. Whether that proves anything depends on how long ago it was.
    Nothing {
        /// What was looked at.
        evidence: Text,
    },
    /// Something is there that this call did not make, or that cannot be told from it: a person has to look.
    Unclear {
        /// What is there.
        evidence: Text,
    },
}

/// How far something is that takes its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Not there yet.
    Going {
        /// In percent, where the service says it.
        percent: Option<u8>,
        /// What it is at, as the service says it.
        says: Text,
    },
    /// It is there, and counts when it has been so for a while: counted from when this was first seen.
    Holds {
        /// For how long.
        span: Duration,
        /// What is so, in words.
        says: Text,
        /// What later steps can refer to.
        outputs: Map<String, Value>,
        /// Whether it cannot become otherwise any more: then only time has to pass, and nobody looks again.
        for_good: bool,
    },
    /// It is there, and this is what later steps can refer to.
    Done(Map<String, Value>),
    /// It will not get there by itself.
    Failed {
        /// Why, as the service says it.
        why: Text,
        /// What to do next.
        hint: Option<Text>,
    },
}

/// Something that a step leaves otherwise than it was.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// Of what: the name of a setting.
    pub setting: Text,
    /// What it was.
    pub was: Value,
    /// What it is.
    pub is: Value,
}

/// An action. The parts with a default body fit actions that make no calls of their own.
pub trait Action: Send + Sync {
    /// Returns what it says of itself.
    fn about(&self) -> &'static About;

    /// Returns what it would do.
    ///
    /// # Errors
    /// When it cannot be done as it was asked for.
    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>>;

    /// Returns what is there before its first call: what an undo or a comparison needs. It is kept in a side file.
    ///
    /// # Errors
    /// When it cannot be read.
    fn before<'a>(
        &'a self,
        _: &'a PlannedStep,
        _: &'a [Call],
        _: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        Box::pin(async { Ok(Value::Null) })
    }

    /// Looks whether a call has happened.
    ///
    /// # Errors
    /// When nothing can be seen at all: then nothing is known.
    fn probe<'a>(&'a self, doing: Doing<'a>, look: &'a dyn Look)
    -> BoxFuture<'a, Result<Found, CallTrouble>>;

    /// Looks how far a call is that was made.
    ///
    /// # Errors
    /// When nothing can be seen: it is asked again.
    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>>;

    /// Returns how often it is looked at while it goes on.
    fn pace(&self) -> Duration {
        Duration::from_secs(10)
    }

    /// Says what a refusal of a call means for its step: some say that it has been done already.
    fn means(&self, _: &Doing<'_>, _: &CallTrouble) -> Meaning {
        Meaning::Failed { hint: None }
    }

    /// Returns how it carries out a call that stands for many keys; `None` for one that has only calls of services.
    fn fan_out(&self) -> Option<&dyn fan_out::FanOut> {
        None
    }

    /// Compares what is there now with what was there before; reads only, and never fails a step.
    fn compare<'a>(
        &'a self,
        _: Doing<'a>,
        _: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Vec<Deviation>, CallTrouble>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Returns the calls that take a step back that was carried out as far as `replies` say.
    ///
    /// # Errors
    /// When it cannot be taken back.
    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let _ = doing;
        Err(Refusal::new(self.about().no_undo.unwrap_or("it changes nothing")))
    }
}

/// What a refusal means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// The call failed, cleanly; what to do next.
    Failed {
        /// What to do next.
        hint: Option<Text>,
    },
    /// It may have been done by an earlier attempt of ours: look.
    Look,
}

/// All actions, in the order of the manual.
pub const ACTIONS: &[&dyn Action] = &[
    &rds_snapshot::Snapshot::INSTANCE,
    &rds_snapshot::Snapshot::CLUSTER,
    &rds_snapshot_copy::SnapshotCopy::INSTANCE,
    &rds_snapshot_copy::SnapshotCopy::CLUSTER,
    &rds_snapshot_share::SnapshotShare,
    &rds_snapshot_prune::SnapshotPrune,
    &rds_restore::Restore::FROM_SNAPSHOT,
    &rds_restore::Restore::TO_TIME,
    &rds_rename::Rename,
    &rds_protect::Protect,
    &rds_delete::Delete,
    &rds_restore::Restore::REPLICA,
    &rds_replica_promote::Promote,
    &rds_failover::RdsFailover,
    &rds_cluster_restore::ClusterRestore::FROM_SNAPSHOT,
    &rds_cluster_restore::ClusterRestore::TO_TIME,
    &rds_global::GlobalChange::SWITCHOVER,
    &rds_global::GlobalChange::FAILOVER,
    &rds_global_join::GlobalJoin,
    &ec2_volume::VolumeFromSnapshot,
    &ec2_attach::Attachment::ATTACH,
    &ec2_attach::Attachment::DETACH,
    &ebs_snapshot::EbsSnapshot,
    &ec2_copy::RegionCopy::SNAPSHOT,
    &ebs_tier::RestoreTier,
    &ebs_lock::SnapshotLock,
    &ec2_power::Power::STOP,
    &ec2_power::Power::START,
    &ec2_image::Image,
    &ec2_copy::RegionCopy::IMAGE,
    &ec2_launch::Launch,
    &ec2_status::StatusProbe,
    &dynamodb_backup::TableBackup,
    &dynamodb_restore::TableRestore::FROM_BACKUP,
    &dynamodb_restore::TableRestore::TO_TIME,
    &dynamodb_protect::Protect,
    &backup_start::Start::BACKUP,
    &backup_start::Start::COPY,
    &backup_start::Start::RESTORE,
    &s3_version::RestoreVersion,
    &s3_undelete::Undelete,
    &s3_copy::CopyObject,
    &s3_prefix::PrefixToTime,
    &s3_sync::PrefixSync,
    &s3_download::Download,
    &s3_versioning::Versioning,
    &s3_lifecycle::SuspendLifecycle,
    &s3_deny::DenyDeletes,
    &s3_bucket::CreateBucket,
    &iam_revoke::RevokeSessions,
    &route53_record::Record,
    &route53_weights::Weights,
    &route53_health::HealthCheck,
    &eks_describe::DescribeCluster,
    &eks_kubeconfig::Kubeconfig,
    &manual::Manual,
    &wait::Wait,
    &probe::Probe::HTTP,
    &probe::Probe::TCP,
    &probe::Probe::DNS,
    &alarm_probe::AlarmProbe,
    &kms_probe::KeyProbe,
    &notify::Notify,
    &tool::Tool,
    &file_write::FileWrite,
];

/// Returns whether what a look brought is green, and what it says: a probe of this machine says so itself, and of an answer
/// of a cloud the action that asks for it does. What nobody can judge is not green.
pub fn is_green(look: &Call, body: &Value) -> (bool, String) {
    match look.operation.as_str() {
        "cloudwatch:DescribeAlarms" => alarm_probe::judge(body),
        "kms:DescribeKey" => {
            let (is_usable, says, _) = kms_probe::judge(body);
            (is_usable, says)
        }
        ec2_status::OPERATION => ec2_status::judge(body),
        _ => (body.get("Green") == Some(&Value::Bool(true)), facts::text(body, "Says").to_owned()),
    }
}

/// Returns the action named so.
pub fn named(name: &str) -> Option<&'static dyn Action> {
    ACTIONS.iter().copied().find(|action| action.about().name == name)
}
