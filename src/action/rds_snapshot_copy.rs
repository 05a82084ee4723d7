//! `rds-snapshot-copy` and `rds-cluster-snapshot-copy`: a copy of a snapshot, in another Region or with another key.

use super::facts::{tags, text};
use super::given::is_later;
use super::rds_facts::{
    account_of, check_name, dr_place, first, identifier, is_free, name_in, name_of_run, partition, region_of,
    still,
};
use super::rds_family::{CLUSTERS, Family, INSTANCES};
use super::rds_snapshot::OUTPUTS;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::place::Place;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, Undo};
use serde_json::Value;
use std::time::Duration;

/// Copies a snapshot of a database.
#[derive(Debug, Clone, Copy)]
pub(super) struct SnapshotCopy {
    about: &'static About,
    family: &'static Family,
}

impl SnapshotCopy {
    /// Of an instance.
    pub(super) const INSTANCE: Self = Self { about: &INSTANCE, family: &INSTANCES };
    /// Of a cluster.
    pub(super) const CLUSTER: Self = Self { about: &CLUSTER, family: &CLUSTERS };
}

const SAYS: &str = "Copies a snapshot to the DR Region, or beside itself with another key. A key belongs to its Region, so the \
                    copy of an encrypted snapshot needs one there. The data of a copy is as old as that of its source, \
                    however late the copy was made.";

const ARGUMENTS: &[Argument] = &[
    Argument {
        name: "snapshot",
        kind: ArgumentKind::Text,
        required: true,
        says: "The snapshot: its identifier, or its ARN where it is shared.",
    },
    Argument {
        name: "component",
        kind: ArgumentKind::Component,
        required: false,
        says: "The database that it is of.",
    },
    Argument {
        name: "to",
        kind: ArgumentKind::Choice(&["home", "dr"]),
        required: false,
        says: "The Region of the copy: `dr` or `home`; the DR Region if absent.",
    },
    Argument {
        name: "kms_key",
        kind: ArgumentKind::Text,
        required: false,
        says: "The key of the copy, in its Region; must be said where an encrypted snapshot goes to another Region.",
    },
    Argument {
        name: "name",
        kind: ArgumentKind::Text,
        required: false,
        says: "The name of the copy; that of the snapshot and the run if absent.",
    },
];

const INSTANCE: About = About {
    name: "rds-snapshot-copy",
    title: "copy a database snapshot to another Region",
    says: SAYS,
    arguments: ARGUMENTS,
    outputs: OUTPUTS,
    class: ActionClass::Additive,
    dedupe: Dedupe::UniqueName,
    operations: &[
        "rds:DescribeDBInstances",
        "rds:DescribeDBSnapshots",
        "rds:CopyDBSnapshot",
        "rds:DeleteDBSnapshot",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(600), Duration::from_secs(3 * 3600))),
};

const CLUSTER: About = About {
    name: "rds-cluster-snapshot-copy",
    title: "copy a cluster snapshot to another Region",
    says: SAYS,
    arguments: ARGUMENTS,
    outputs: OUTPUTS,
    class: ActionClass::Additive,
    dedupe: Dedupe::UniqueName,
    operations: &[
        "rds:DescribeDBClusters",
        "rds:DescribeDBClusterSnapshots",
        "rds:CopyDBClusterSnapshot",
        "rds:DeleteDBClusterSnapshot",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(600), Duration::from_secs(3 * 3600))),
};

impl SnapshotCopy {
    async fn design(&self, ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let family = self.family;
        let home = ask.environment.home();
        let there = match ask.given.maybe_text("to")? {
            Some("home") => home.clone(),
            Some("dr") | None => dr_place(&ask)?,
            Some(other) => return Err(Refusal::new(format!("`to` is home or dr, not `{other}`"))),
        };
        let snapshot = ask.given.text("snapshot")?;
        let from = Place {
            region: region_of(snapshot).map_or_else(|| home.region.clone(), Into::into),
            account: home.account.clone(),
        };
        let away = from.region != there.region;
        let key = ask.given.maybe_text("kms_key")?;
        let (component, database) = match ask.given.maybe_text("component")? {
            Some(_) => identifier(&ask, "component").map(|(id, name)| (Some(id), Some(name)))?,
            None => (None, None),
        };
        let mut design = Design::new(component);
        let at_source = Call::new("", &ask.environment.name, &from);
        let mut encrypted = None;
        if !is_later(snapshot) {
            let found = family.one(ask.look, &at_source, snapshot).await?.ok_or_else(|| {
                Refusal::new(format!("there is no snapshot {snapshot} in {}", from.region))
                    .hint("`lifeboat points` lists those that there are")
            })?;
            let status = text(&found, "Status");
            if status != "available" {
                return Err(Refusal::new(format!(
                    "the snapshot {snapshot} is {status}, and cannot be copied"
                )));
            }
            let of = text(&found, family.source);
            if let Some(database) = database.as_deref().filter(|database| *database != of) {
                return Err(Refusal::new(format!("the snapshot {snapshot} is of {of}, not of {database}")));
            }
            encrypted = found.get(family.encrypted).and_then(Value::as_bool);
            let describe = family.describe_one(&at_source, snapshot);
            let at = format!("{}/Status", family.at);
            design.preconditions.push(still("the snapshot is available", &describe, &at, "available".into()));
        } else if let Some(database) = &database {
            // What will be made is encrypted as its database is.
            let describe = Call::new(family.sources, &ask.environment.name, &home)
                .with(family.source, database.as_str());
            let found = first(ask.look, &describe, family.source_at, family.no_source).await?;
            encrypted = found.and_then(|found| found.get("StorageEncrypted")?.as_bool());
        }
        check_key(key, encrypted, away, &there, snapshot)?;
        if encrypted.is_none() && key.is_none() && away {
            design.notes.push("whether the snapshot is encrypted is not known yet: if it is, AWS refuses a copy without `kms_key`".into());
        }
        let name = match ask.given.maybe_text("name")? {
            Some(name) => name.to_owned(),
            None => name_of_run(&plain_name(snapshot), "-copy", ask.run, 255),
        };
        check_name("snapshot", &name, 255)?;
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &there);
        if !is_later(&name) {
            if family.one(ask.look, &base(""), &name).await?.is_some() {
                return Err(Refusal::new(format!("there is a snapshot {name} in {} already", there.region))
                    .hint("choose another `name`"));
            }
            let at = format!("{}/{}", family.at, family.id);
            let free = family.describe_one(&base(""), &name);
            design.preconditions.push(is_free(&name, free, &at, family.none));
        }
        // From elsewhere a snapshot is called by its ARN.
        let source = if away && region_of(snapshot).is_none() {
            let (partition, region, account) = (partition(from.region.as_str()), &from.region, &from.account);
            format!("arn:{partition}:rds:{region}:{account}:{}:{snapshot}", family.in_arn)
        } else {
            snapshot.to_owned()
        };
        design.calls.push(PlannedCall {
            call: base(family.copy)
                .with(family.copied, source)
                .with(family.target, name.as_str())
                .maybe("KmsKeyId", key)
                .with("Tags", tags(ask.run, ask.step)),
            says: format!("copy {snapshot} to {}, as {name}", there.region).into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::UniqueName,
        });
        design.undo = Undo::Calls {
            says: vec![format!("delete the copy {name} in {}", there.region).into()],
            class: ActionClass::Destructive,
        };
        if away {
            design.control_plane = Some(there.region.clone());
            design.notes.push("what is transferred between Regions is paid for by the GB, the storage of the copy as well; the first copy of a database is a whole one".into());
            design.notes.push(
                "AWS lets so many copies to a Region be under way at once for an account (20 unless raised)"
                    .into(),
            );
        } else {
            design.notes.push("the copy is paid for by its size until somebody deletes it".into());
        }
        design
            .notes
            .push("the copy says when it was copied; its data is as old as that of its source".into());
        if account_of(snapshot).is_some_and(|owner| owner != home.account.as_str()) {
            design
                .notes
                .push("the snapshot belongs to another account: its key must be shared with this one".into());
        }
        Ok(design)
    }
}

/// Returns a name for a copy out of that of a snapshot: those that AWS makes have a colon in them.
fn plain_name(snapshot: &str) -> String {
    if is_later(snapshot) { snapshot.to_owned() } else { name_in(snapshot).replace(':', "-") }
}

fn check_key(
    key: Option<&str>,
    encrypted: Option<bool>,
    away: bool,
    there: &Place,
    snapshot: &str,
) -> Result<(), Refusal> {
    if encrypted == Some(true) && away && key.is_none() {
        return Err(Refusal::new(format!(
            "the snapshot {snapshot} is encrypted, and its key belongs to its Region"
        ))
        .hint(format!("name a key of {} with `kms_key`", there.region)));
    }
    let region = key.filter(|key| !is_later(key)).and_then(region_of);
    if let Some(region) = region.filter(|region| *region != there.region.as_str()) {
        return Err(Refusal::new(format!("the key lies in {region}, and the copy in {}", there.region))
            .hint(format!("name a key of {} with `kms_key`", there.region)));
    }
    Ok(())
}

impl Action for SnapshotCopy {
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

    fn pace(&self) -> Duration {
        Duration::from_secs(15)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        self.family.means(doing, trouble)
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        self.family.undo(doing)
    }
}
