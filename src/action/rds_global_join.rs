//! `rds-global-join`: a further cluster for a global one, in a Region where it has none: the way back after a failover.

use super::facts::{tags, text};
use super::given::is_later;
use super::rds_cluster_restore::{
    CLASS, INSTANCES, PARAMETER_GROUP, PARAMETERS, SECURITY_GROUPS, SUBNET_GROUP,
};
use super::rds_cluster_settings::{PASSED, carry, from_kept};
use super::rds_facts::{
    NO_CLUSTER, NO_INSTANCE, REGION, check_name, cluster, describe_cluster, describe_instance, identifier,
    is_free, name_in, place, region_of, still,
};
use super::rds_global::{arn_of, find, places};
use super::rds_groups::{SUBNETS, groups, security_groups};
use super::rds_members::{self as parts, OUTPUTS};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::place::Place;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, Undo};
use serde_json::{Value, json};
use std::time::Duration;

/// Makes a cluster as a further member of a global one.
#[derive(Debug, Clone, Copy)]
pub(super) struct GlobalJoin;

const ABOUT: About = About {
    name: "rds-global-join",
    title: "add a Region to a global database cluster",
    says: "Makes a new Aurora cluster, with an instance, as a secondary of a global one in a Region where it has none. After a \
           failover it is the way back: when it has caught up, `rds-global-switchover` lets it write. It is made anew from \
           what writes now; a cluster that was left behind there keeps its own data, and its own name.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: true,
            says: "The cluster as the estate knows it.",
        },
        Argument {
            name: "global",
            kind: ArgumentKind::Text,
            required: false,
            says: "The name of the global cluster, where the component is no member of it any more.",
        },
        Argument {
            name: "target",
            kind: ArgumentKind::Text,
            required: true,
            says: "The name of the new cluster.",
        },
        Argument {
            name: "kms_key",
            kind: ArgumentKind::Text,
            required: false,
            says: "The key of the new cluster, in its Region; must be said where the global cluster is encrypted.",
        },
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
        "rds:DescribeGlobalClusters",
        "rds:DescribeDBClusterParameterGroups",
        "rds:DescribeDBSubnetGroups",
        "rds:CreateDBCluster",
        "rds:CreateDBInstance",
        "rds:DeleteDBInstance",
        "rds:RemoveFromGlobalCluster",
        "rds:ModifyDBCluster",
        "rds:DeleteDBCluster",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(1200), Duration::from_secs(4 * 3600))),
};

impl GlobalJoin {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, name) = identifier(&ask, "component")?;
        let (home, there) = (ask.environment.home(), place(&ask)?);
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &there);
        let target = ask.given.text("target")?;
        check_name("cluster", target, 60)?;
        let own = arn_of(&home, &name);
        let global = find(&ask, ask.given.maybe_text("global")?, &own, &places(&ask)).await?;
        let id = text(&global, "GlobalClusterIdentifier");
        let members =
            global.get("GlobalClusterMembers").and_then(Value::as_array).cloned().unwrap_or_default();
        let here = members.iter().map(|member| text(member, "DBClusterArn"));
        if let Some(taken) = here.clone().find(|arn| region_of(arn) == Some(there.region.as_str())) {
            return Err(Refusal::new(format!("{id} has a member in {} already: {taken}", there.region))
                .hint("one in each Region is the most: switch over to that one"));
        }
        let writer = members.iter().find(|member| member.get("IsWriter") == Some(&Value::Bool(true)));
        let writer = writer.map(|member| text(member, "DBClusterArn")).unwrap_or_default();
        let key = ask.given.maybe_text("kms_key")?;
        if global.get("StorageEncrypted") == Some(&Value::Bool(true)) && key.is_none() {
            return Err(Refusal::new(format!("{id} is encrypted, and a key belongs to its Region"))
                .hint(format!("name a key of {} with `kms_key`", there.region)));
        }
        let mut design = Design::new(Some(component.clone()));
        // What is asked of the Region that is joined; that which writes may be another.
        let describe = base("rds:DescribeGlobalClusters").with("GlobalClusterIdentifier", id);
        let says = format!("the global cluster {id} is available");
        design.preconditions.push(still(says, &describe, "/GlobalClusters/0/Status", json!("available")));
        if !is_later(target) {
            if let Some(taken) = cluster(ask.look, &base(""), target).await? {
                let status = text(&taken, "Status");
                return Err(Refusal::new(format!(
                    "the name {target} is taken, by a cluster that is {status}"
                ))
                .hint("choose another `target`; what was left behind in this Region keeps its name"));
            }
            let free = describe_cluster(&base(""), target);
            design.preconditions.push(is_free(target, free, "/DBClusters/0/DBClusterIdentifier", NO_CLUSTER));
        }
        // The cluster that writes is like what is made; where that was in this Region once, its settings fit better.
        let at = |arn: &str| Place {
            region: region_of(arn).unwrap_or_default().into(),
            account: home.account.clone(),
        };
        let like = Call::new("", &ask.environment.name, &at(writer));
        let source = cluster(ask.look, &like, name_in(writer))
            .await?
            .ok_or_else(|| Refusal::new(format!("{writer}, which writes, cannot be read")))?;
        let was_here = match cluster(ask.look, &Call::new("", &ask.environment.name, &home), &name).await {
            Ok(Some(found)) => Some(found),
            _ => (ask.settings)(&component).map(|kept| from_kept(&kept)),
        };
        let (original, in_its_region) = match was_here.filter(|_| there == home) {
            Some(original) => (original, true),
            None => (source.clone(), there == at(writer)),
        };
        let mut create = base("rds:CreateDBCluster")
            .with("DBClusterIdentifier", target)
            .with("GlobalClusterIdentifier", id)
            .with("Engine", text(&source, "Engine"))
            .maybe("EngineVersion", source.get("EngineVersion").cloned())
            .maybe("StorageEncrypted", key.map(|_| true))
            .maybe("KmsKeyId", key);
        carry(&mut create, &original, &PASSED);
        for not_taken in ["BacktrackWindow", "StorageType"] {
            create.arguments.remove(not_taken);
        }
        design.preconditions.extend(groups(&ask, &there, &mut create, &[PARAMETERS, SUBNETS]).await?);
        security_groups(&ask, Some(&original), in_its_region, &mut create)?;
        design.calls.push(PlannedCall {
            call: create.with("Tags", tags(ask.run, ask.step)),
            says: format!("make {target} in {}, a secondary of {id}", there.region).into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::UniqueName,
        });
        let instances = parts::instances(ask.look, &like, &source).await?;
        let engine = text(&source, "Engine");
        for planned in parts::planned(&ask, &base(""), target, engine, &instances, there == at(writer))? {
            if let Some(name) = planned.call.text("DBInstanceIdentifier").filter(|name| !is_later(name)) {
                let free = describe_instance(&base(""), name);
                let pointer = "/DBInstances/0/DBInstanceIdentifier";
                design.preconditions.push(is_free(name, free, pointer, NO_INSTANCE));
            }
            design.calls.push(planned);
        }
        design.undo = Undo::Calls {
            says: vec![format!("take {target} out of {id}, and delete it with its instances").into()],
            class: ActionClass::Destructive,
        };
        design.notes = vec![
            "all data is copied to it: that takes as long as there is much of it, and what is transferred between Regions is paid for by the GB".into(),
            "a cluster that writes no more but still stands in that Region is not touched: what it had not replicated is only there".into(),
        ];
        if there != home {
            design.control_plane = Some(there.region.clone());
        }
        Ok(design)
    }
}

impl Action for GlobalJoin {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(Self::design(ask))
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async move {
            let call = doing.call().ok().filter(|call| call.name() == "RemoveFromGlobalCluster");
            let Some(call) = call else { return parts::probe(&doing, look).await };
            let member = call.text("DbClusterIdentifier").unwrap_or_default();
            let is_member = is_member(look, call, member).await?;
            Ok(if is_member {
                Found::Nothing { evidence: format!("{member} is still a member").into() }
            } else {
                Found::Happened { reply: Value::Null, evidence: format!("{member} is no member").into() }
            })
        })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let call = doing.call().ok().filter(|call| call.name() == "RemoveFromGlobalCluster");
            // A secondary has no instance that writes.
            let Some(call) = call else { return parts::progress(&doing, look, false).await };
            let member = call.text("DbClusterIdentifier").unwrap_or_default();
            let like = Call::new("", &call.environment, &call.place);
            let found = cluster(look, &like, name_in(member)).await?;
            let is_free = found.is_none_or(|found| text(&found, "Status") == "available");
            if is_free && !is_member(look, call, member).await? {
                return Ok(Progress::Done(serde_json::Map::new()));
            }
            Ok(Progress::Going { percent: None, says: format!("{member} leaves the global cluster").into() })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        parts::means(doing, trouble)
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let first = doing.calls.first().ok_or_else(|| Refusal::new("nothing was made"))?;
        let (id, name) = (first.text("GlobalClusterIdentifier"), first.text("DBClusterIdentifier"));
        let (Some(id), Some(name)) = (id, name) else { return Err(Refusal::new("nothing was made")) };
        let leave = Call::new("rds:RemoveFromGlobalCluster", &first.environment, &first.place)
            .with("GlobalClusterIdentifier", id)
            .with("DbClusterIdentifier", arn_of(&first.place, name));
        let leave = PlannedCall {
            call: leave,
            says: format!("take {name} out of {id}").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        };
        parts::undo(doing, vec![leave])
    }
}

async fn is_member(look: &dyn Look, call: &Call, arn: &str) -> Result<bool, CallTrouble> {
    let describe = Call::new("rds:DescribeGlobalClusters", &call.environment, &call.place)
        .maybe("GlobalClusterIdentifier", call.text("GlobalClusterIdentifier"));
    let reply = look.look(&describe).await?;
    let members = reply.body.pointer("/GlobalClusters/0/GlobalClusterMembers").and_then(Value::as_array);
    Ok(members.into_iter().flatten().any(|member| text(member, "DBClusterArn") == arn))
}
