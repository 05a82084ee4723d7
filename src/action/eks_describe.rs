//! `eks-describe`: what a cluster of EKS is, and where it answers.

use super::facts::text;
use super::place::{REGION, place_of};
use super::{Action, Design, Doing, Found, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::estate::Selector;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use serde_json::{Map, Value};
use std::time::Duration;

/// Describes a cluster.
#[derive(Debug, Clone, Copy)]
pub(super) struct DescribeCluster;

/// The argument that names a cluster as a component.
pub(super) const COMPONENT: Argument = Argument {
    name: "component",
    kind: ArgumentKind::Component,
    required: false,
    says: "The cluster, as a component of the estate.",
};
/// The argument that names a cluster that is no component.
pub(super) const CLUSTER: Argument = Argument {
    name: "cluster",
    kind: ArgumentKind::Text,
    required: false,
    says: "The cluster's name, where it is no component.",
};

const ABOUT: About = About {
    name: "eks-describe",
    title: "see what a cluster is and where it answers",
    says: "Reads a cluster of EKS, and waits until it is active. That the cluster is active says nothing of its nodes, or of \
           what runs on it.",
    arguments: &[COMPONENT, CLUSTER, REGION],
    outputs: &[
        ("cluster", "The name of the cluster."),
        ("endpoint", "The address of its API."),
        ("certificate-authority", "The certificate of its authority, in Base64."),
        ("version", "The version of Kubernetes."),
        ("status", "Its status."),
        ("arn", "Its ARN."),
    ],
    class: ActionClass::Read,
    dedupe: Dedupe::Nothing,
    operations: &["eks:DescribeCluster"],
    no_undo: Some("it changes nothing"),
    usually: Some((Duration::from_secs(1), Duration::from_secs(900))),
};

/// Returns the name of the cluster that `component` or `cluster` names.
///
/// # Errors
/// When neither does.
pub(super) fn cluster_of(ask: &PlanAsk<'_>) -> Result<String, Refusal> {
    match (ask.given.maybe_text("cluster")?, ask.given.maybe_text("component")?) {
        (Some(name), _) => Ok(name.to_owned()),
        (None, Some(_)) => match &ask.component("component")?.selector {
            Some(Selector::Id(id)) => Ok(id.as_str().rsplit('/').next().unwrap_or_default().to_owned()),
            _ => {
                Err(Refusal::new("the component is not found by an id, so nobody knows which cluster it is")
                    .hint("name the `cluster`"))
            }
        },
        (None, None) => Err(Refusal::new("neither `component` nor `cluster` says which")),
    }
}

/// Returns the look that describes a cluster.
///
/// # Errors
/// When it is not said which, or where.
pub(super) fn describing(ask: &PlanAsk<'_>) -> Result<Call, Refusal> {
    let call = Call::new("eks:DescribeCluster", &ask.environment.name, &place_of(ask)?);
    Ok(call.with("Name", cluster_of(ask)?))
}

impl Action for DescribeCluster {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(async move {
            let component = match ask.given.maybe_text("component")? {
                Some(_) => Some(ask.component("component")?.id.clone()),
                None => None,
            };
            let mut design = Design::new(component);
            design.asks.push(describing(&ask)?);
            Ok(design)
        })
    }

    fn probe<'a>(&'a self, _: Doing<'a>, _: &'a dyn Look) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async { Ok(Found::Nothing { evidence: "it calls nothing".into() }) })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let Some(call) = doing.calls.first() else {
                return Ok(Progress::Failed {
                    why: "the plan does not say what is asked".into(),
                    hint: None,
                });
            };
            let name = call.text("Name").unwrap_or_default();
            let reply = match look.look(call).await {
                Ok(reply) => reply,
                Err(trouble) if trouble.code() == Some("ResourceNotFoundException") => {
                    let why = format!("there is no cluster {name} in {}", call.place.region);
                    let hint = "build it from its definition first";
                    return Ok(Progress::Failed { why: why.into(), hint: Some(hint.into()) });
                }
                Err(trouble) => return Err(trouble),
            };
            let cluster = reply.body.get("Cluster").cloned().unwrap_or_default();
            Ok(match text(&cluster, "Status") {
                "ACTIVE" | "UPDATING" => {
                    let authority =
                        cluster.pointer("/CertificateAuthority/Data").cloned().unwrap_or_default();
                    let mut outputs = Map::new();
                    outputs.insert("cluster".to_owned(), Value::from(name));
                    outputs.insert("certificate-authority".to_owned(), authority);
                    for (output, member) in [
                        ("endpoint", "Endpoint"),
                        ("version", "Version"),
                        ("status", "Status"),
                        ("arn", "Arn"),
                    ] {
                        outputs.insert(output.to_owned(), Value::from(text(&cluster, member)));
                    }
                    Progress::Done(outputs)
                }
                status @ ("CREATING" | "PENDING") => {
                    Progress::Going { percent: None, says: format!("{name} is {status}").into() }
                }
                status => Progress::Failed {
                    why: format!("{name} is {status}").into(),
                    hint: Some("see what EKS says of its health".into()),
                },
            })
        })
    }
}
