//! `ebs-snapshot-copy` and `ec2-image-copy`: what is needed in another Region before this one is lost.

use super::ec2_image::deregister;
use super::ec2_made::{Sort, away, outputs};
use super::facts::{run_tail, tags, text, token};
use super::given::is_later;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::domain::estate::Selector;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use serde_json::{Value, json};
use std::time::Duration;

/// Copies a snapshot or an image to the Region that the environment recovers to.
#[derive(Debug, Clone, Copy)]
pub(super) struct RegionCopy {
    about: &'static About,
    sort: Sort,
}

const REGION: Argument = Argument {
    name: "region",
    kind: ArgumentKind::Text,
    required: false,
    says: "The Region to copy to; that to which the environment recovers if absent.",
};
const KEY: Argument = Argument {
    name: "key",
    kind: ArgumentKind::Text,
    required: false,
    says: "The key of the copy: one of that Region. What is encrypted here needs one there.",
};
const COMPONENT: Argument =
    Argument { name: "component", kind: ArgumentKind::Component, required: false, says: "What it is of." };

impl RegionCopy {
    /// Copies a snapshot.
    pub(super) const SNAPSHOT: Self = Self {
        about: &About {
            name: "ebs-snapshot-copy",
            title: "copy a snapshot to another Region",
            says: "Copies an EBS snapshot to the Region that the environment recovers to. The copy says in its tags what it \
                   is of and from when: EC2 itself forgets it, and gives a copy an arbitrary volume.",
            arguments: &[
                Argument {
                    name: "snapshot",
                    kind: ArgumentKind::Text,
                    required: true,
                    says: "The snapshot.",
                },
                COMPONENT,
                REGION,
                KEY,
            ],
            outputs: &[("snapshot", "The id of the copy."), ("region", "Where it lies.")],
            class: ActionClass::Additive,
            dedupe: Dedupe::Tag,
            operations: &["ec2:DescribeSnapshots", "ec2:CopySnapshot", "ec2:DeleteSnapshot"],
            no_undo: None,
            usually: Some((Duration::from_secs(300), Duration::from_secs(4 * 3600))),
        },
        sort: Sort::SNAPSHOT,
    };

    /// Copies an image.
    pub(super) const IMAGE: Self = Self {
        about: &About {
            name: "ec2-image-copy",
            title: "copy an image to another Region",
            says: "Copies an image with its snapshots to the Region that the environment recovers to.",
            arguments: &[
                Argument { name: "image", kind: ArgumentKind::Text, required: true, says: "The image." },
                Argument {
                    name: "name",
                    kind: ArgumentKind::Text,
                    required: false,
                    says: "The name of the copy; one that follows from the run if absent.",
                },
                COMPONENT,
                REGION,
                KEY,
            ],
            outputs: &[("image", "The id of the copy."), ("region", "Where it lies.")],
            class: ActionClass::Additive,
            dedupe: Dedupe::Token,
            operations: &["ec2:DescribeImages", "ec2:CopyImage", "ec2:DeregisterImage"],
            no_undo: None,
            usually: Some((Duration::from_secs(300), Duration::from_secs(4 * 3600))),
        },
        sort: Sort::IMAGE,
    };

    fn is_image(self) -> bool {
        self.about.name == "ec2-image-copy"
    }

    async fn design(&self, ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let noun = if self.is_image() { "image" } else { "snapshot" };
        let source = ask.given.text(noun)?;
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?),
            None => None,
        };
        let home = ask.environment.home();
        let place = away(&ask, "region")?;
        let key = ask.given.maybe_text("key")?;
        if let Some(key) = key.filter(|key| key.starts_with("arn:"))
            && key.split(':').nth(3) != Some(place.region.as_str())
        {
            return Err(Refusal::new(format!("the key {key} does not lie in {}", place.region))
                .hint("a copy is encrypted by a key of its own Region"));
        }
        let mut design = Design::new(component.map(|component| component.id.clone()));
        let mut lineage = vec![
            json!({"Key": format!("lifeboat:source-{noun}"), "Value": source}),
            json!({"Key": "lifeboat:source-region", "Value": home.region.as_str()}),
        ];
        if !is_later(source) {
            let describe = self.sort.by_id(&Call::new("", &ask.environment.name, &home), source);
            let found = self.sort.found(ask.look, &describe).await?;
            let found = found.first().ok_or_else(|| {
                Refusal::new(format!("there is no {noun} {source} in {}", home.region))
                    .hint("`lifeboat points` lists those that there are")
            })?;
            let (state, ready) = if self.is_image() {
                ("/Images/0/State", "available")
            } else {
                ("/Snapshots/0/State", "completed")
            };
            if self.sort.state(found) != ready {
                return Err(Refusal::new(format!("the {noun} {source} is {}", self.sort.state(found))));
            }
            if text(found, "StorageTier") == "archive" {
                return Err(Refusal::new(format!(
                    "the snapshot {source} is archived: reading it back takes up to 72 h"
                ))
                .hint("`ebs-snapshot-restore-tier` brings it back first"));
            }
            let encrypted = found.get("Encrypted") == Some(&Value::Bool(true))
                || found.pointer("/BlockDeviceMappings").and_then(Value::as_array).is_some_and(|all| {
                    all.iter().any(|one| one.pointer("/Ebs/Encrypted") == Some(&Value::Bool(true)))
                });
            if encrypted && key.is_none() {
                design.notes.push(format!(
                    "no `key` was named: the copy is encrypted by the default key of EBS in {}, which cannot be shared with other accounts",
                    place.region
                ).into());
            }
            for (tag, member) in [("lifeboat:source-volume", "VolumeId"), ("lifeboat:taken-at", "StartTime")]
            {
                let value = text(found, member);
                if !value.is_empty() {
                    lineage.push(json!({"Key": tag, "Value": value}));
                }
            }
            design.preconditions.push(Precondition {
                says: format!("the {noun} is complete").into(),
                look: describe,
                at: state.into(),
                expect: Expect::Is(ready.into()),
            });
        }
        if let (true, false, Some(Selector::Id(id))) =
            (is_later(source), self.is_image(), component.and_then(|component| component.selector.as_ref()))
        {
            lineage.push(json!({"Key": "lifeboat:source-volume", "Value": id.as_str()}));
        }
        let mut own = tags(ask.run, ask.step);
        if let Value::Array(own) = &mut own {
            own.extend(lineage);
        }
        let there = |operation: &str| Call::new(operation, &ask.environment.name, &place);
        let call = if self.is_image() {
            let said = ask.given.maybe_text("name")?;
            let name =
                said.map_or_else(|| format!("lifeboat-{}-{}", ask.step, run_tail(ask.run)), str::to_owned);
            there("ec2:CopyImage")
                .with("Name", name)
                .with("SourceImageId", source)
                .with("SourceRegion", home.region.as_str())
                .with("CopyImageTags", true)
                .with("ClientToken", token(ask.run, ask.step, "image"))
                .with(
                    "TagSpecifications",
                    json!([{"ResourceType": "image", "Tags": own}, {"ResourceType": "snapshot", "Tags": own}]),
                )
        } else {
            there("ec2:CopySnapshot")
                .with("SourceSnapshotId", source)
                .with("SourceRegion", home.region.as_str())
                // In the words of EC2 itself, by which others find the original, too (E2).
                .with("Description", format!("[Copied {source} from {}] lifeboat {}", home.region, ask.run))
                .with("TagSpecifications", json!([{"ResourceType": "snapshot", "Tags": own}]))
        };
        let call = match key {
            Some(key) => call.with("Encrypted", true).with("KmsKeyId", key),
            None => call,
        };
        design.calls.push(PlannedCall {
            call,
            says: format!("copy {source} to {}", place.region).into(),
            class: ActionClass::Additive,
            dedupe: self.about.dedupe,
        });
        let undo =
            if self.is_image() { "deregister the copy and delete its snapshots" } else { "delete the copy" };
        design.undo = Undo::Calls { says: vec![undo.into()], class: ActionClass::Destructive };
        design.notes.push("what travels between Regions and what lies there is paid for".into());
        design.notes.push("at most 20 copies of snapshots to one Region may be under way at once".into());
        design.control_plane = Some(place.region.clone());
        Ok(design)
    }
}

impl Action for RegionCopy {
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
        Box::pin(async move { self.sort.probe(&doing, look).await })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let region = doing.call().map(|call| call.place.region.to_string()).unwrap_or_default();
            let name = if self.is_image() { "image" } else { "snapshot" };
            let told = |id: &str, _: &Value| outputs([(name, id), ("region", &region)]);
            self.sort.progress(&doing, look, told).await
        })
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let hint = match (doing.direction, trouble.code().unwrap_or_default()) {
            (Direction::Undo, code) if code.ends_with(".NotFound") => return Meaning::Look,
            (Direction::Undo, "InvalidSnapshot.InUse") => "an image uses the copy: deregister it first",
            (_, "IdempotentParameterMismatch" | "InvalidAMIName.Duplicate") => return Meaning::Look,
            (_, "ResourceLimitExceeded") => {
                "20 copies to that Region are under way: wait for one, then `retry`"
            }
            (_, "InvalidKmsKey.NotFound" | "InvalidKmsKeyId.NotFound" | "KMSKeyNotAccessibleFault") => {
                "the key is not to be had in that Region: name one that lies there and that you may use"
            }
            (_, "MissingParameter") if !self.is_image() => {
                "AWS may ask for a presigned address to copy an encrypted snapshot: copy an image of the volume's instance, or by AWS Backup"
            }
            _ => return Meaning::Failed { hint: None },
        };
        Meaning::Failed { hint: Some(hint.into()) }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        if self.is_image() {
            return deregister(doing);
        }
        let id = text(doing.reply(0), "SnapshotId");
        let call = doing.calls.first().filter(|_| !id.is_empty());
        let call = call.ok_or_else(|| Refusal::new("no copy was made"))?;
        Ok(vec![PlannedCall {
            call: Call::new("ec2:DeleteSnapshot", &call.environment, &call.place).with("SnapshotId", id),
            says: format!("delete {id}").into(),
            class: ActionClass::Destructive,
            dedupe: Dedupe::SetState,
        }])
    }
}
