//! `eks-kubeconfig`: a kubeconfig for one cluster, in a file of its own that nobody else can read.

use super::eks_describe::{CLUSTER, COMPONENT, cluster_of, describing};
use super::facts::text;
use super::file_write::{arrived, back, found, meaning};
use super::place::REGION;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use serde_json::{Value, json};
use std::time::Duration;

/// Writes a kubeconfig.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kubeconfig;

const ABOUT: About = About {
    name: "eks-kubeconfig",
    title: "write a kubeconfig for one cluster",
    says: "Writes a kubeconfig that knows one cluster of EKS, into the folder of the run or a file that is named, with mode 600. \
           It holds no secret: `aws eks get-token` is asked each time. ~/.kube/config is never touched, and a file that is \
           there is never written over.",
    arguments: &[
        COMPONENT,
        CLUSTER,
        REGION,
        Argument {
            name: "path",
            kind: ArgumentKind::Text,
            required: false,
            says: "An absolute path of a file that is not there yet; in the folder of the run if absent.",
        },
        Argument {
            name: "profile",
            kind: ArgumentKind::Text,
            required: false,
            says: "The AWS profile by which tokens are asked for; that of the caller if absent.",
        },
    ],
    outputs: &[("path", "The absolute path of the kubeconfig."), ("sha256", "The hash of its text.")],
    class: ActionClass::Additive,
    dedupe: Dedupe::Conditional,
    operations: &["eks:DescribeCluster", "file:Read", "file:Write", "file:Remove"],
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(5))),
};

/// Returns a kubeconfig: JSON, which is YAML too.
fn kubeconfig(cluster: &Value, name: &str, region: &str, profile: Option<&str>) -> String {
    let arn = text(cluster, "Arn");
    let mut exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "aws",
        "args": ["--region", region, "eks", "get-token", "--cluster-name", name, "--output", "json"],
        "interactiveMode": "IfAvailable",
    });
    if let (Some(profile), Some(members)) = (profile, exec.as_object_mut()) {
        members.insert("env".to_owned(), json!([{"name": "AWS_PROFILE", "value": profile}]));
    }
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": arn, "cluster": {
            "server": text(cluster, "Endpoint"),
            "certificate-authority-data": cluster.pointer("/CertificateAuthority/Data"),
        }}],
        "users": [{"name": arn, "user": {"exec": exec}}],
        "contexts": [{"name": arn, "context": {"cluster": arn, "user": arn}}],
        "current-context": arn,
    });
    format!("{}\n", serde_json::to_string_pretty(&config).unwrap_or_default())
}

impl Kubeconfig {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let name = cluster_of(&ask)?;
        if super::given::is_later(&name) {
            return Err(Refusal::new("the cluster has to be known when the plan is made"));
        }
        let describe = describing(&ask)?;
        let told = ask.look.look(&describe).await;
        let told =
            told.map_err(|trouble| Refusal::new(format!("the cluster {name} cannot be read: {trouble}")))?;
        let cluster = told.body.get("Cluster").cloned().unwrap_or_default();
        if text(&cluster, "Endpoint").is_empty() || cluster.pointer("/CertificateAuthority/Data").is_none() {
            return Err(Refusal::new(format!(
                "the cluster {name} has no address yet: it is {}",
                text(&cluster, "Status")
            ))
            .hint("wait until it is active: `eks-describe`"));
        }
        let path = match ask.given.maybe_text("path")? {
            Some(path) if path.starts_with('/') => path.to_owned(),
            Some(path) => return Err(Refusal::new(format!("`path` must be absolute, not {path}"))),
            // The folder of the run is put before it when it is written.
            None => format!("kubeconfig-{}", ask.step),
        };
        if path.ends_with("/.kube/config") {
            return Err(Refusal::new("~/.kube/config is never touched").hint("name another file, or none"));
        }
        let region = describe.place.region.clone();
        let content = kubeconfig(&cluster, &name, region.as_str(), ask.given.maybe_text("profile")?);
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?.id.clone()),
            None => None,
        };
        let mut design = Design::new(component);
        design.preconditions.push(Precondition {
            says: format!("{name} still answers where it did").into(),
            look: describe,
            at: "/Cluster/Endpoint".into(),
            expect: Expect::Is(Value::from(text(&cluster, "Endpoint"))),
        });
        design.calls.push(PlannedCall {
            call: Call::new("file:Write", &ask.environment.name, &ask.environment.home())
                .with("Path", path)
                .with("Content", content)
                .with("Mode", "600")
                .with("IfAbsent", true),
            says: format!("write a kubeconfig for {name}").into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::Conditional,
        });
        design.undo =
            Undo::Calls { says: vec!["remove the kubeconfig".into()], class: ActionClass::Mutating };
        design.notes = vec!["use it by KUBECONFIG=…; it needs the `aws` program where it is used".into()];
        Ok(design)
    }
}

impl Action for Kubeconfig {
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
        Box::pin(async move { found(&doing, look).await })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move { arrived(&doing, look).await })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        meaning(trouble)
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        back(doing)
    }
}
