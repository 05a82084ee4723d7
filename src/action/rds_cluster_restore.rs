//! `rds-cluster-restore-from-snapshot` and `rds-cluster-restore-to-time`: a new cluster with its instances, with everything
//! carried over that a restore drops.

use super::facts::{tags, text};
use super::given::is_later;
use super::rds_cluster_settings::{COMPARED, MODIFIED, PASSED, carry, from_kept};
use super::rds_facts::{
    NO_CLUSTER, NO_INSTANCE, REGION, check_name, cluster, describe_cluster, describe_instance, identifier,
    is_free, name_of_run, place, still,
};
use super::rds_family::CLUSTERS;
use super::rds_groups::{Group, SUBNETS, groups, security_groups};
use super::rds_members::{self as parts, OUTPUTS};
use super::rds_window::Window;
use super::{Action, Design, Deviation, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::domain::place::Place;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, PlannedStep, Precondition, Undo};
use serde_json::Value;
use std::time::Duration;

/// Restores a cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClusterRestore {
    about: &'static About,
    to_time: bool,
}

impl ClusterRestore {
    /// From a snapshot.
    pub(super) const FROM_SNAPSHOT: Self = Self { about: &FROM_SNAPSHOT, to_time: false };
    /// From the automated backups, as of a moment.
    pub(super) const TO_TIME: Self = Self { about: &TO_TIME, to_time: true };
}

macro_rules! text_argument {
    ($name:literal, $required:literal, $says:literal) => {
        Argument { name: $name, kind: ArgumentKind::Text, required: $required, says: $says }
    };
}

const COMPONENT: Argument = Argument {
    name: "component",
    kind: ArgumentKind::Component,
    required: true,
    says: "The cluster that is restored.",
};
const TARGET: Argument = text_argument!(
    "target",
    false,
    "The name of the new cluster; that of the original and the run if absent."
);
/// The class of instances.
pub(super) const CLASS: Argument = text_argument!(
    "class",
    false,
    "The class of its instances; those of the original if absent. It must be said where the original does not answer."
);
/// How many instances.
pub(super) const INSTANCES: Argument = Argument {
    name: "instances",
    kind: ArgumentKind::Number,
    required: false,
    says: "How many instances it gets; as many as the original has if absent.",
};
/// The cluster parameter group.
pub(super) const PARAMETER_GROUP: Argument =
    text_argument!("parameter_group", false, "The cluster parameter group; that of the original if absent.");
/// The subnet group.
pub(super) const SUBNET_GROUP: Argument =
    text_argument!("subnet_group", false, "The subnet group; that of the original if absent.");
/// The security groups.
pub(super) const SECURITY_GROUPS: Argument = text_argument!(
    "security_groups",
    false,
    "The security groups, with commas between them; those of the original if absent. They must be said in another Region; `default` takes that of the VPC."
);

/// Parameter groups of clusters.
pub(super) const PARAMETERS: Group = Group {
    said: "parameter_group",
    argument: "DBClusterParameterGroupName",
    describe: "rds:DescribeDBClusterParameterGroups",
    at: "/DBClusterParameterGroups/0/DBClusterParameterGroupName",
    none: "DBParameterGroupNotFound",
    word: "cluster parameter group",
};

const FROM_SNAPSHOT: About = About {
    name: "rds-cluster-restore-from-snapshot",
    title: "restore a database cluster from a snapshot",
    says: "Makes a new Aurora cluster from a snapshot, and its instances: RDS makes the cluster only, and without an instance \
           it answers nobody. It is done when one of them writes. The original is not touched, and what a restore drops \
           is taken from it.",
    arguments: &[
        COMPONENT,
        text_argument!("snapshot", true, "The snapshot: its identifier, or its ARN where it is shared."),
        TARGET,
        CLASS,
        INSTANCES,
        REGION,
        PARAMETER_GROUP,
        SUBNET_GROUP,
        SECURITY_GROUPS,
    ],
    outputs: OUTPUTS,
    class: ActionClass::Additive,
    dedupe: Dedupe::UniqueName,
    operations: &[
        "rds:DescribeDBClusters",
        "rds:DescribeDBInstances",
        "rds:DescribeDBClusterSnapshots",
        "rds:DescribeDBClusterParameterGroups",
        "rds:DescribeDBSubnetGroups",
        "rds:RestoreDBClusterFromSnapshot",
        "rds:ModifyDBCluster",
        "rds:CreateDBInstance",
        "rds:DeleteDBInstance",
        "rds:DeleteDBCluster",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(900), Duration::from_secs(5400))),
};

const TO_TIME: About = About {
    name: "rds-cluster-restore-to-time",
    title: "restore a database cluster as it was at a moment",
    says: "Makes a new Aurora cluster as another was at a moment or as late as can be, and its instances: RDS makes the \
           cluster only. It is done when one of them writes. The original is not touched.",
    arguments: &[
        COMPONENT,
        text_argument!("time", true, "The moment, in UTC, or `latest`."),
        TARGET,
        CLASS,
        INSTANCES,
        PARAMETER_GROUP,
        SUBNET_GROUP,
        SECURITY_GROUPS,
    ],
    outputs: OUTPUTS,
    class: ActionClass::Additive,
    dedupe: Dedupe::UniqueName,
    operations: &[
        "rds:DescribeDBClusters",
        "rds:DescribeDBInstances",
        "rds:DescribeDBClusterParameterGroups",
        "rds:DescribeDBSubnetGroups",
        "rds:RestoreDBClusterToPointInTime",
        "rds:ModifyDBCluster",
        "rds:CreateDBInstance",
        "rds:DeleteDBInstance",
        "rds:DeleteDBCluster",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(900), Duration::from_secs(7200))),
};

/// What a cluster is made from.
struct From {
    call: Call,
    says: String,
    engine: Option<String>,
    preconditions: Vec<Precondition>,
    notes: Vec<Text>,
}

impl ClusterRestore {
    async fn design(&self, ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, name) = identifier(&ask, "component")?;
        let (home, there) = (ask.environment.home(), place(&ask)?);
        let at_home = Call::new("", &ask.environment.name, &home);
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &there);
        let target = match ask.given.maybe_text("target")? {
            Some(target) => target.to_owned(),
            None => name_of_run(&name, "", ask.run, 60),
        };
        // The names of its instances follow from it, and are as long at most.
        check_name("cluster", &target, 60)?;
        let answered = match cluster(ask.look, &at_home, &name).await {
            Ok(answered) => answered,
            Err(_) if there != home => None,
            Err(trouble) => return Err(trouble.into()),
        };
        let from = if self.to_time {
            from_time(&ask, &there, &name, answered.as_ref())?
        } else {
            from_snapshot(&ask, &there, component.as_str(), &name).await?
        };
        let mut design = Design::new(Some(component.clone()));
        (design.preconditions, design.notes) = (from.preconditions, from.notes);
        if let Some(taken) = cluster(ask.look, &base(""), &target).await? {
            let status = text(&taken, "Status");
            return Err(Refusal::new(format!("the name {target} is taken, by a cluster that is {status}"))
                .hint("choose another `target`"));
        }
        if !is_later(&target) {
            let free = describe_cluster(&base(""), &target);
            design.preconditions.push(is_free(
                &target,
                free,
                "/DBClusters/0/DBClusterIdentifier",
                NO_CLUSTER,
            ));
        }
        let instances = match &answered {
            Some(answered) => parts::instances(ask.look, &at_home, answered).await?,
            None => Vec::new(),
        };
        let original = match answered {
            Some(answered) => Some(answered),
            None => (ask.settings)(&component).map(|kept| {
                design
                    .notes
                    .push("the original does not answer: its settings are those that were last read".into());
                from_kept(&kept)
            }),
        };
        let mut restore = from.call.with("DBClusterIdentifier", target.as_str());
        let mut modify = base("rds:ModifyDBCluster")
            .with("DBClusterIdentifier", target.as_str())
            .with("ApplyImmediately", true);
        let mut to_modify = 0;
        match &original {
            Some(original) => {
                carry(&mut restore, original, &PASSED);
                to_modify = carry(&mut modify, original, &MODIFIED);
            }
            None => design.notes.push("the original does not answer and its settings were never read: what a restore drops gets the defaults of its engine".into()),
        }
        let engine = from.engine.or_else(|| Some(text(original.as_ref()?, "Engine").to_owned()));
        let engine = engine.filter(|engine| !engine.is_empty());
        let engine = engine.ok_or_else(|| Refusal::new("which engine the cluster has is not known"))?;
        if !engine.starts_with("aurora") {
            return Err(Refusal::new(format!(
                "{name} is a Multi-AZ cluster of {engine}, which is made otherwise"
            ))
            .hint("this action restores Aurora clusters: restore this one in the console of RDS"));
        }
        if !self.to_time {
            restore = restore.with("Engine", engine.as_str());
        }
        let sorts = [PARAMETERS, SUBNETS];
        design.preconditions.extend(groups(&ask, &there, &mut restore, &sorts).await?);
        security_groups(&ask, original.as_ref(), there == home, &mut restore)?;
        design.calls.push(PlannedCall {
            call: restore.with("Tags", tags(ask.run, ask.step)),
            says: format!("make the cluster {target} {}", from.says).into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::UniqueName,
        });
        if to_modify > 0 {
            design.calls.push(PlannedCall {
                call: modify,
                says: "set what a restore does not take".into(),
                class: ActionClass::Additive,
                dedupe: Dedupe::SetState,
            });
        }
        for planned in parts::planned(&ask, &base(""), &target, &engine, &instances, there == home)? {
            if let Some(name) = planned.call.text("DBInstanceIdentifier").filter(|name| !is_later(name)) {
                let free = describe_instance(&base(""), name);
                let at = "/DBInstances/0/DBInstanceIdentifier";
                design.preconditions.push(is_free(name, free, at, NO_INSTANCE));
            }
            design.calls.push(planned);
        }
        design.undo = Undo::Calls {
            says: vec![format!("delete {target} and its instances, without a final snapshot").into()],
            class: ActionClass::Destructive,
        };
        design.notes.extend([
            "a second cluster is paid for from now on, and counts against the quotas of clusters and instances",
            "not carried over by any call: roles of the cluster, custom endpoints, scaling policies of readers, alarms, proxy targets, membership in a global cluster",
        ].map(Text::from));
        if there != home {
            design.notes.push("keys and parameter groups of instances belong to a Region: its instances get the default ones".into());
            design.control_plane = Some(there.region.clone());
        }
        design.facts.insert("source".to_owned(), Value::String(name));
        design.facts.insert("source_region".to_owned(), Value::String(home.region.to_string()));
        design.facts.insert("original".to_owned(), original.unwrap_or_default());
        Ok(design)
    }
}

async fn from_snapshot(
    ask: &PlanAsk<'_>,
    there: &Place,
    component: &str,
    name: &str,
) -> Result<From, Refusal> {
    let snapshot = ask.given.text("snapshot")?;
    let base = |operation: &str| Call::new(operation, &ask.environment.name, there);
    let mut from = From {
        call: base("rds:RestoreDBClusterFromSnapshot").with("SnapshotIdentifier", snapshot),
        says: format!("from {snapshot}"),
        engine: None,
        preconditions: Vec::new(),
        notes: Vec::new(),
    };
    if is_later(snapshot) {
        return Ok(from);
    }
    let found = CLUSTERS.one(ask.look, &base(""), snapshot).await?.ok_or_else(|| {
        Refusal::new(format!("there is no snapshot {snapshot} in {}", there.region))
            .hint("`lifeboat points` lists those that there are, and where they lie")
    })?;
    let (status, of) = (text(&found, "Status"), text(&found, "DBClusterIdentifier"));
    if status != "available" {
        return Err(Refusal::new(format!("the snapshot {snapshot} is {status}, and cannot be restored")));
    }
    if of != name {
        return Err(Refusal::new(format!("the snapshot {snapshot} is of {of}, and `{component}` is {name}"))
            .hint("name the component that the snapshot is of"));
    }
    let describe = CLUSTERS.describe_one(&base(""), snapshot);
    for (says, at) in [
        ("the snapshot is available", "/DBClusterSnapshots/0/Status"),
        ("it is the same snapshot", "/DBClusterSnapshots/0/SnapshotCreateTime"),
    ] {
        let expect =
            found.pointer(at.trim_start_matches("/DBClusterSnapshots/0")).cloned().unwrap_or_default();
        from.preconditions.push(still(says, &describe, at, expect));
    }
    from.engine = Some(text(&found, "Engine").to_owned());
    let version = found.get("EngineVersion").filter(|version| version.as_str() != Some(""));
    from.call = from.call.maybe("EngineVersion", version.cloned());
    Ok(from)
}

fn from_time(
    ask: &PlanAsk<'_>,
    there: &Place,
    name: &str,
    answered: Option<&Value>,
) -> Result<From, Refusal> {
    let answered = answered.ok_or_else(|| {
        Refusal::new(format!("there is no cluster {name} that answers, so there is no moment to go back to"))
            .hint("restore a snapshot: `lifeboat points` lists them")
    })?;
    let like = Call::new("rds:RestoreDBClusterToPointInTime", &ask.environment.name, there);
    let window = Window::of_cluster(&like, name, answered).told(ask.now);
    let (argument, value) = window.moment(ask.given.text("time")?, ask.now)?;
    let argument = if argument == "RestoreTime" { "RestoreToTime" } else { argument };
    let says = match value.as_str() {
        Some(moment) => format!("as {name} was at {moment}"),
        None => format!("as {name} was last"),
    };
    let call = like.with(window.source.0, window.source.1.as_str()).with(argument, value);
    Ok(From { call, says, engine: None, preconditions: window.preconditions, notes: window.notes })
}

impl Action for ClusterRestore {
    fn about(&self) -> &'static About {
        self.about
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(self.design(ask))
    }

    fn before<'a>(
        &'a self,
        step: &'a PlannedStep,
        calls: &'a [Call],
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        Box::pin(async move {
            let source = step.facts.get("source").and_then(Value::as_str);
            let (Some(call), Some(source)) = (calls.first(), source) else { return Ok(Value::Null) };
            let seen = step.facts.get("original").cloned().unwrap_or_default();
            let mut at_home = call.clone();
            if let Some(region) = step.facts.get("source_region").and_then(Value::as_str) {
                at_home.place = Place { region: region.into(), ..at_home.place };
            }
            Ok(cluster(look, &at_home, source).await.ok().flatten().unwrap_or(seen))
        })
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async move { parts::probe(&doing, look).await })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move { parts::progress(&doing, look, true).await })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        parts::means(doing, trouble)
    }

    fn compare<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Vec<Deviation>, CallTrouble>> {
        Box::pin(async move {
            let Some(call) = doing.calls.first().filter(|_| !doing.before.is_null()) else {
                return Ok(Vec::new());
            };
            let name = call.text("DBClusterIdentifier").unwrap_or_default();
            let Some(found) = cluster(look, call, name).await? else { return Ok(Vec::new()) };
            let is_whole = doing.before.pointer("/Status").is_some();
            let mut deviations = Vec::new();
            for (setting, at) in PASSED.iter().chain(&MODIFIED).chain(&COMPARED) {
                let at_of = |value: &Value| value.pointer(at).cloned().unwrap_or_default();
                let (was, is) = (at_of(doing.before), at_of(&found));
                // Of an original that does not answer only some settings were read: nobody knows the others.
                let is_known = is_whole || doing.before.pointer(at).is_some();
                if is_known && was != is {
                    deviations.push(Deviation { setting: (*setting).into(), was, is });
                }
            }
            Ok(deviations)
        })
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        parts::undo(doing, Vec::new())
    }
}
