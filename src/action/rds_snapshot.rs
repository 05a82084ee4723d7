//! `rds-snapshot` and `rds-cluster-snapshot`: a snapshot of a database, as it is now.

use super::facts::{tags, text};
use super::given::is_later;
use super::rds_facts::{check_name, first, is_free, name_of_run, subject};
use super::rds_family::{CLUSTERS, Family, INSTANCES};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use serde_json::Value;
use std::time::Duration;

/// Makes a snapshot of a database.
#[derive(Debug, Clone, Copy)]
pub(super) struct Snapshot {
    about: &'static About,
    family: &'static Family,
    other: &'static str,
}

impl Snapshot {
    /// Of an instance.
    pub(super) const INSTANCE: Self = Self { about: &INSTANCE, family: &INSTANCES, other: "instance" };
    /// Of a cluster.
    pub(super) const CLUSTER: Self = Self { about: &CLUSTER, family: &CLUSTERS, other: "cluster" };
}

const NAME: Argument = Argument {
    name: "name",
    kind: ArgumentKind::Text,
    required: false,
    says: "The name of the snapshot; that of the database and the run if absent.",
};

/// What later steps can refer to of a snapshot.
pub(super) const OUTPUTS: &[(&str, &str)] =
    &[("snapshot", "The name of the snapshot."), ("arn", "Its ARN."), ("region", "Where it lies.")];

const INSTANCE: About = About {
    name: "rds-snapshot",
    title: "make a snapshot of a database",
    says: "Makes a manual snapshot of an RDS instance. It stays until somebody deletes it, whatever becomes of the \
           instance. An instance in a single zone answers nobody for a moment while it is begun.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The database, as a component of the estate.",
        },
        Argument {
            name: "instance",
            kind: ArgumentKind::Text,
            required: false,
            says: "The name of the instance, where it is no component.",
        },
        NAME,
    ],
    outputs: OUTPUTS,
    class: ActionClass::Additive,
    dedupe: Dedupe::UniqueName,
    operations: &[
        "rds:DescribeDBInstances",
        "rds:DescribeDBSnapshots",
        "rds:CreateDBSnapshot",
        "rds:DeleteDBSnapshot",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(180), Duration::from_secs(3600))),
};

const CLUSTER: About = About {
    name: "rds-cluster-snapshot",
    title: "make a snapshot of a database cluster",
    says: "Makes a manual snapshot of an Aurora or Multi-AZ cluster: of its storage, not of its instances. It stays until \
           somebody deletes it.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The cluster, as a component of the estate.",
        },
        Argument {
            name: "cluster",
            kind: ArgumentKind::Text,
            required: false,
            says: "The name of the cluster, where it is no component.",
        },
        NAME,
    ],
    outputs: OUTPUTS,
    class: ActionClass::Additive,
    dedupe: Dedupe::UniqueName,
    operations: &[
        "rds:DescribeDBClusters",
        "rds:DescribeDBClusterSnapshots",
        "rds:CreateDBClusterSnapshot",
        "rds:DeleteDBClusterSnapshot",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(120), Duration::from_secs(1800))),
};

/// The states in which a database can be snapshotted.
const FIT: [&str; 2] = ["available", "storage-optimization"];

impl Snapshot {
    async fn design(&self, ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let family = self.family;
        let (component, source) = subject(&ask, self.other)?;
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let name = match ask.given.maybe_text("name")? {
            Some(name) => name.to_owned(),
            None => name_of_run(&source, "", ask.run, 255),
        };
        check_name("snapshot", &name, 255)?;
        let mut design = Design::new(component);
        if !is_later(&source) {
            let describe = base(family.sources).with(family.source, source.as_str());
            let found = first(ask.look, &describe, family.source_at, family.no_source).await?;
            let Some(found) = found else {
                return Err(Refusal::new(format!("there is no {} {source}", family.word)));
            };
            let status = text(&found, family.source_status);
            if !FIT.contains(&status) {
                return Err(Refusal::new(format!("{source} is {status}, and no snapshot of it can be made"))
                    .hint("wait until it is available; what it kept so far is listed by `lifeboat points`"));
            }
            let cluster = text(&found, "DBClusterIdentifier");
            if family.source == INSTANCES.source && !cluster.is_empty() {
                return Err(Refusal::new(format!("{source} is a member of the cluster {cluster}"))
                    .hint("`rds-cluster-snapshot` makes a snapshot of the cluster"));
            }
            design.preconditions.push(Precondition {
                says: format!("{source} is available").into(),
                look: describe,
                at: format!("{}/{}", family.source_at, family.source_status),
                expect: Expect::OneOf(FIT.iter().map(|status| Value::from(*status)).collect()),
            });
        }
        if !is_later(&name) {
            if let Some(there) = family.one(ask.look, &base(""), &name).await? {
                let made = text(&there, "SnapshotCreateTime");
                return Err(Refusal::new(format!("there is a snapshot {name} already, made at {made}"))
                    .hint("choose another `name`"));
            }
            design.preconditions.push(is_free(
                &name,
                family.describe_one(&base(""), &name),
                &format!("{}/{}", family.at, family.id),
                family.none,
            ));
        }
        design.calls.push(PlannedCall {
            call: base(family.create)
                .with(family.source, source.as_str())
                .with(family.id, name.as_str())
                .with("Tags", tags(ask.run, ask.step)),
            says: format!("make a snapshot of {source}, {name}").into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::UniqueName,
        });
        design.undo = Undo::Calls {
            says: vec![format!("delete the snapshot {name}").into()],
            class: ActionClass::Destructive,
        };
        design.notes = vec![
            "it is paid for by its size until somebody deletes it, and counts against the quota of manual snapshots (100 in a Region unless raised)".into(),
            "it lies in the same Region, and is encrypted with the same key: it helps nobody when that Region or key is lost".into(),
        ];
        Ok(design)
    }
}

impl Action for Snapshot {
    fn about(&self) -> &'static About {
        self.about
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(self.design(ask))
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async move { self.family.probe(&doing, look).await })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move { self.family.progress(&doing, look).await })
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        self.family.means(doing, trouble)
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        self.family.undo(doing)
    }
}
