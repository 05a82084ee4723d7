//! `rds-failover`: another member of a cluster becomes its writer. There is neither token nor name for it (A3): a point of
//! no return.

use super::facts::text;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::estate::Selector;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Fails a cluster over.
#[derive(Debug, Clone, Copy)]
pub(super) struct RdsFailover;

const NO_UNDO: &str =
    "a failover is not taken back: failing over once more is another interruption, and is planned by itself";

const ABOUT: About = About {
    name: "rds-failover",
    title: "fail a database cluster over to another member",
    says: "Makes another member of an Aurora or Multi-AZ cluster its writer, within its Region. Connections break for \
           as long as it takes, usually less than 35 s. No call tells whether it has happened already, so it is never repeated \
           without a person.",
    arguments: &[
        Argument { name: "component", kind: ArgumentKind::Component, required: true, says: "The cluster." },
        Argument {
            name: "target",
            kind: ArgumentKind::Text,
            required: false,
            says: "The member that becomes the writer; RDS chooses if absent.",
        },
    ],
    outputs: &[("writer", "The member that writes now.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::PointOfNoReturn,
    operations: &["rds:DescribeDBClusters", "rds:FailoverDBCluster"],
    no_undo: Some(NO_UNDO),
    usually: Some((Duration::from_secs(20), Duration::from_secs(120))),
};

fn writer(cluster: &Value) -> &str {
    let members = cluster.get("DBClusterMembers").and_then(Value::as_array);
    let members = members.map_or([].as_slice(), Vec::as_slice);
    let writer = members.iter().find(|member| member.get("IsClusterWriter") == Some(&Value::Bool(true)));
    writer.map_or("", |member| text(member, "DBInstanceIdentifier"))
}

async fn cluster(look: &dyn Look, like: &Call) -> Result<Value, CallTrouble> {
    let call = Call::new("rds:DescribeDBClusters", &like.environment, &like.place)
        .maybe("DBClusterIdentifier", like.text("DBClusterIdentifier"));
    let reply = look.look(&call).await?;
    Ok(reply.body.pointer("/DBClusters/0").cloned().unwrap_or_default())
}

impl RdsFailover {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let component = ask.component("component")?;
        let Some(Selector::Id(id)) = &component.selector else {
            let says =
                format!("`{}` is not found by an id, so nobody knows which cluster it is", component.id);
            return Err(Refusal::new(says));
        };
        let target = ask.given.maybe_text("target")?;
        let home = ask.environment.home();
        let describe = Call::new("rds:DescribeDBClusters", &ask.environment.name, &home)
            .with("DBClusterIdentifier", id.as_str());
        let found = cluster(ask.look, &describe)
            .await
            .map_err(|trouble| Refusal::new(format!("the cluster {id} cannot be read: {trouble}")))?;
        let members = found.get("DBClusterMembers").and_then(Value::as_array).map_or(0, Vec::len);
        let old = writer(&found).to_owned();
        if members < 2 {
            return Err(Refusal::new(format!("the cluster {id} has no other member that could write"))
                .hint("add a reader first, or restore the cluster"));
        }
        if target == Some(old.as_str()) {
            return Err(Refusal::new(format!("{old} is the writer already")));
        }
        let names = |member: &Value| text(member, "DBInstanceIdentifier").to_owned();
        let all = found.get("DBClusterMembers").and_then(Value::as_array);
        let all: Vec<String> = all.map_or([].as_slice(), Vec::as_slice).iter().map(names).collect();
        if let Some(target) = target.filter(|target| !super::given::is_later(target))
            && !all.iter().any(|member| member == target)
        {
            return Err(Refusal::new(format!("{target} is no member of {id}; there are {}", all.join(", ")))
                .hint("a failover stays within its Region; across Regions it is a global failover"));
        }
        let mut design = Design::new(Some(component.id.clone()));
        for (says, at) in [
            ("the cluster is available", "/DBClusters/0/Status"),
            ("the writer is still the same", "/DBClusters/0/DBClusterMembers"),
        ] {
            let expect = found.pointer(at.trim_start_matches("/DBClusters/0")).cloned().unwrap_or_default();
            design.preconditions.push(Precondition {
                says: says.into(),
                look: describe.clone(),
                at: at.into(),
                expect: Expect::Is(expect),
            });
        }
        let call = Call::new("rds:FailoverDBCluster", &ask.environment.name, &home)
            .with("DBClusterIdentifier", id.as_str())
            .maybe("TargetDBInstanceIdentifier", target);
        design.calls.push(PlannedCall {
            call,
            says: format!("fail {id} over from {old}").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::PointOfNoReturn,
        });
        design.undo = Undo::Impossible(NO_UNDO.into());
        design.notes = vec![
            "every connection to the writer breaks".into(),
            "what was not replicated is lost only where the cluster's storage is not shared".into(),
        ];
        Ok(design)
    }
}

impl Action for RdsFailover {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(Self::design(ask))
    }

    fn before<'a>(
        &'a self,
        _: &'a PlannedStep,
        calls: &'a [Call],
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        Box::pin(async move {
            let Some(call) = calls.first() else { return Ok(Value::Null) };
            let found = cluster(look, call).await?;
            Ok(json!({ "writer": writer(&found) }))
        })
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async move {
            let Ok(call) = doing.call() else {
                return Ok(Found::Unclear { evidence: "the step has no such call".into() });
            };
            let found = cluster(look, call).await?;
            let (old, now) = (text(doing.before, "writer"), writer(&found));
            let status = text(&found, "Status");
            let wanted = call.text("TargetDBInstanceIdentifier");
            if status.starts_with("failing-over") {
                let evidence = format!("the cluster is {status}").into();
                return Ok(Found::Happened { reply: json!({ "DBCluster": found }), evidence });
            }
            if !now.is_empty() && now != old && wanted.is_none_or(|wanted| wanted == now) {
                let evidence = format!("the writer was {old} and is {now}").into();
                return Ok(Found::Happened { reply: json!({ "DBCluster": found }), evidence });
            }
            if now != old {
                let evidence = format!("the writer was {old} and is {now}, which was not asked for");
                return Ok(Found::Unclear { evidence: evidence.into() });
            }
            Ok(Found::Nothing {
                evidence: format!("the cluster is {status}, and its writer is still {now}").into(),
            })
        })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let Ok(call) = doing.call() else { return Ok(Progress::Done(Map::new())) };
            let found = cluster(look, call).await?;
            let (old, now, status) = (text(doing.before, "writer"), writer(&found), text(&found, "Status"));
            if status == "available" && now != old && !now.is_empty() {
                let mut outputs = Map::new();
                outputs.insert("writer".to_owned(), Value::String(now.to_owned()));
                return Ok(Progress::Done(outputs));
            }
            if status.contains("incompatible") || status.contains("inaccessible") {
                return Ok(Progress::Failed { why: format!("the cluster is {status}").into(), hint: None });
            }
            Ok(Progress::Going {
                percent: None,
                says: format!("the cluster is {status}, its writer is {now}").into(),
            })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let code = trouble.code().unwrap_or_default();
        let hint = if code.starts_with("InvalidDBClusterState") || code.starts_with("InvalidDBInstanceState")
        {
            Some("the cluster or its target is busy or unwell: wait until it is available, then retry".into())
        } else {
            None
        };
        Meaning::Failed { hint }
    }
}
