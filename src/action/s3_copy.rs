//! `s3-copy`: one object into another bucket or onto another key, in the same Region or not; what lies there is kept as a
//! version.

use super::facts::text;
use super::given::is_later;
use super::s3_parts;
use super::s3_prefix_keys::COLD;
use super::s3_version::{Copied, RestoreVersion, back_in_parts, known, listing, newest, of, versions};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::domain::place::Place;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use serde_json::{Value, json};
use std::time::Duration;

/// Copies an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct CopyObject;

const fn argument(name: &'static str, required: bool, says: &'static str) -> Argument {
    Argument { name, kind: ArgumentKind::Text, required, says }
}

const ABOUT: About = About {
    name: "s3-copy",
    title: "copy an object into another bucket",
    says: "Copies one version of an object into another bucket or onto another key, in the same Region or not. What lies there \
           is kept as a version, and the copy is refused if anybody has written there meanwhile. What is larger than 5 GB is \
           copied in parts.",
    arguments: &[
        argument("from", true, "The bucket that is copied from."),
        argument("from-region", false, "Its Region; that of the environment if nothing is said."),
        argument("key", true, "The key."),
        argument("version", false, "The version; the newest if nothing is said."),
        argument("to", true, "The bucket that is copied to; it has to keep versions."),
        argument("to-region", false, "Its Region; that of the environment if nothing is said."),
        argument("to-key", false, "The key there; the same if nothing is said."),
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The component that is copied to.",
        },
    ],
    outputs: &[("version", "The id of the version that was made."), ("key", "The key.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::Conditional,
    operations: RestoreVersion::OPERATIONS,
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(60))),
};

/// Returns the place that an argument names: a Region of the environment.
pub(super) fn region(ask: &PlanAsk<'_>, name: &str) -> Result<Place, Refusal> {
    let home = ask.environment.home();
    let known = |region: &str| {
        *region == *home.region.as_str()
            || ask.environment.dr_region.as_ref().is_some_and(|dr| *region == *dr.as_str())
    };
    match ask.given.maybe_text(name)? {
        None => Ok(home),
        Some(region) if known(region) => Ok(Place::new(home.account.as_str(), region)),
        Some(region) => Err(Refusal::new(format!("{region} is no Region of {}", ask.environment.name))
            .hint("name its own Region or its `dr_region`")),
    }
}

impl CopyObject {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (from, to, key) = (ask.given.text("from")?, ask.given.text("to")?, ask.given.text("key")?);
        let to_key = ask.given.maybe_text("to-key")?.unwrap_or(key);
        let wanted = ask.given.maybe_text("version")?;
        if [from, to, key, to_key, wanted.unwrap_or_default()].iter().any(|value| is_later(value)) {
            return Err(Refusal::new("what is copied must be known when the plan is made"));
        }
        let (source, target) = (region(&ask, "from-region")?, region(&ask, "to-region")?);
        if (from, key) == (to, to_key) {
            return Err(Refusal::new(format!("{key} would be copied onto itself"))
                .hint("`s3-restore-version` makes an older version the newest"));
        }
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?.id.clone()),
            None => None,
        };
        let call = |operation: &str, place: &Place, bucket: &str| {
            Call::new(operation, &ask.environment.name, place).with("Bucket", bucket)
        };
        let unread =
            |what: &str, trouble: &CallTrouble| Refusal::new(format!("{what} cannot be read: {trouble}"));
        let versioning = call("s3:GetBucketVersioning", &target, to);
        let status = ask.look.look(&versioning).await.map_err(|trouble| unread(to, &trouble))?;
        if status.body.get("Status").and_then(Value::as_str) != Some("Enabled") {
            return Err(Refusal::new(format!("{to} does not keep versions: what lies there would be lost"))
                .hint("turn versioning on there first"));
        }
        let list = versions(ask.look, &call("s3:ListObjectVersions", &source, from).with("Key", key))
            .await
            .map_err(|trouble| unread(&format!("{key} in {from}"), &trouble))?;
        let found = match wanted {
            Some(id) => of(&list, "Versions").iter().find(|version| text(version, "VersionId") == id),
            None => newest(&list).filter(|(_, is_marker)| !is_marker).map(|(newest, _)| newest),
        };
        let found = found.ok_or_else(|| {
            Refusal::new(format!(
                "{key} in {from} has no version {}",
                wanted.unwrap_or("that is not deleted")
            ))
        })?;
        if COLD.contains(&text(found, "StorageClass")) {
            return Err(Refusal::new(format!("{key} is archived"))
                .hint("s3:RestoreObject brings it back; that takes hours"));
        }
        let base = call("s3:CopyObject", &target, to).with("Key", to_key);
        let there = versions(ask.look, &base)
            .await
            .map_err(|trouble| unread(&format!("{to_key} in {to}"), &trouble))?;
        let is_there = newest(&there).filter(|(_, is_marker)| !is_marker).map(|(newest, _)| newest.clone());
        let same = |there: &Value| {
            text(there, "ETag") == text(found, "ETag") && there.get("Size") == found.get("Size")
        };
        if is_there.as_ref().is_some_and(same) {
            return Err(Refusal::new(format!("{to_key} in {to} has that content already")));
        }
        let condition = match &is_there {
            Some(there) => ("IfMatch", Value::from(text(there, "ETag"))),
            None => ("IfNoneMatch", Value::from("*")),
        };
        let mut design = Design::new(component);
        let copied = Copied {
            version: found,
            source: &call("s3:HeadObject", &source, from).with("Key", key),
            into: &base.clone().with("ExpectedBucketOwner", target.account.as_str()),
            condition,
        };
        copied.plan(&ask, &mut design, &format!("copy {key} of {from} to {to_key} of {to}")).await?;
        if let Some(there) = &is_there {
            back_in_parts(&ask, &mut design, there, &call("s3:HeadObject", &target, to).with("Key", to_key))
                .await?;
        }
        design.preconditions.push(Precondition {
            says: "nobody has written the key since".into(),
            look: listing(&base),
            at: "/Versions/0/VersionId".into(),
            expect: Expect::Is(
                of(&there, "Versions").first().map_or(Value::Null, |v| v["VersionId"].clone()),
            ),
        });
        design.facts.insert("newest".to_owned(), is_there.clone().unwrap_or_default());
        design.facts.insert("marker".to_owned(), Value::Bool(is_there.is_none()));
        let back = if is_there.is_some() {
            "copy the version that is the newest now back"
        } else {
            "put a delete marker on it"
        };
        design.undo = Undo::Calls { says: vec![back.into()], class: ActionClass::Mutating };
        design.notes.push("the copy is encrypted as the bucket that is copied to says".into());
        if source.region != target.region {
            design.notes.push("what is copied between Regions is paid for by the byte".into());
        }
        if target.region != ask.environment.region {
            design.control_plane = Some(target.region.clone());
        }
        Ok(design)
    }
}

impl Action for CopyObject {
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
            Ok(known(look, call).await?)
        })
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        if doing.direction == Direction::Undo {
            return RestoreVersion.probe(doing, look);
        }
        Box::pin(async move {
            let Ok(call) = doing.call() else {
                return Ok(Found::Unclear { evidence: "the step has no such call".into() });
            };
            if let Some(found) = s3_parts::probe(&doing, look).await? {
                return Ok(found);
            }
            let list = versions(look, call).await?;
            let key = call.text("Key").unwrap_or_default();
            let etag = call.text("CopySourceIfMatch").unwrap_or_default();
            let before = of(doing.before, "known");
            let new = |version: &&Value| !before.contains(&version["VersionId"]);
            let made = of(&list, "Versions").iter().filter(new).find(|version| text(version, "ETag") == etag);
            Ok(match made {
                Some(version) => Found::Happened {
                    reply: json!({"VersionId": text(version, "VersionId"), "ETag": etag}),
                    evidence: format!(
                        "{key} has the version {} with that content",
                        text(version, "VersionId")
                    )
                    .into(),
                },
                None if of(&list, "Versions").iter().any(|version| new(&version)) => Found::Unclear {
                    evidence: format!(
                        "{key} has a newer version, whose ETag is another: so have copies that KMS encrypts"
                    )
                    .into(),
                },
                None => Found::Nothing { evidence: format!("{key} has no newer version").into() },
            })
        })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        RestoreVersion.progress(doing, look)
    }

    fn pace(&self) -> Duration {
        RestoreVersion.pace()
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        RestoreVersion.means(doing, trouble)
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        RestoreVersion.undo(doing)
    }
}
