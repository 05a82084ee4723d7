//! `ec2-volume-from-snapshot`: a new volume from a snapshot, in a zone.

use super::ebs_tier::is_archived;
use super::facts::{is_tagged, tag_filters, tags, text, token};
use super::given::is_later;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::domain::estate::Selector;
use crate::domain::text::harmless;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Makes a volume from a snapshot.
#[derive(Debug, Clone, Copy)]
pub(super) struct VolumeFromSnapshot;

const ABOUT: About = About {
    name: "ec2-volume-from-snapshot",
    title: "make a volume from a snapshot",
    says: "Makes a new EBS volume from a snapshot. The old volume is not touched. A volume has to lie in the zone of the \
           instance that it is attached to.",
    arguments: &[
        Argument { name: "snapshot", kind: ArgumentKind::Text, required: true, says: "The snapshot." },
        Argument {
            name: "zone",
            kind: ArgumentKind::Text,
            required: false,
            says: "The availability zone; that of the volume that it is to replace if absent.",
        },
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The volume that it is to replace.",
        },
        Argument {
            name: "type",
            kind: ArgumentKind::Text,
            required: false,
            says: "The type, such as gp3; what AWS chooses if absent.",
        },
        Argument {
            name: "size",
            kind: ArgumentKind::Number,
            required: false,
            says: "The size in GiB; that of the snapshot if absent.",
        },
        Argument {
            name: "iops",
            kind: ArgumentKind::Number,
            required: false,
            says: "Provisioned operations a second.",
        },
        Argument {
            name: "throughput",
            kind: ArgumentKind::Number,
            required: false,
            says: "Provisioned throughput in MiB/s (gp3).",
        },
        Argument {
            name: "rate",
            kind: ArgumentKind::Number,
            required: false,
            says: "At how many MiB/s its blocks are brought from S3: 100 to 300, at a price; as they are read if absent.",
        },
    ],
    outputs: &[("volume", "The id of the new volume."), ("zone", "Its zone.")],
    class: ActionClass::Additive,
    dedupe: Dedupe::Token,
    operations: &["ec2:DescribeSnapshots", "ec2:DescribeVolumes", "ec2:CreateVolume", "ec2:DeleteVolume"],
    no_undo: None,
    usually: Some((Duration::from_secs(5), Duration::from_secs(120))),
};

/// The types that there are (EC2 API, `CreateVolume`).
const KINDS: [&str; 7] = ["gp3", "gp2", "io2", "io1", "st1", "sc1", "standard"];

impl VolumeFromSnapshot {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let snapshot = ask.given.text("snapshot")?;
        let zone = match ask.given.maybe_text("zone")? {
            Some(zone) => zone.to_owned(),
            None => zone_of_replaced(&ask).await?,
        };
        let zone = zone.as_str();
        let home = ask.environment.home();
        let region = home.region.as_str();
        if !is_later(zone) && !zone.starts_with(region) {
            return Err(Refusal::new(format!("zone {zone} does not lie in {region}")));
        }
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?.id.clone()),
            None => None,
        };
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let mut design = Design::new(component);
        if !is_later(snapshot) {
            let describe = base("ec2:DescribeSnapshots").with("SnapshotIds", json!([snapshot]));
            let found = ask.look.look(&describe).await.map_err(|trouble| {
                Refusal::new(format!("the snapshot {snapshot} cannot be read: {trouble}"))
                    .hint("`lifeboat points` lists those that there are")
            })?;
            let found = found.body.pointer("/Snapshots/0").cloned().unwrap_or_default();
            if is_archived(&found, ask.now) {
                return Err(Refusal::new(format!(
                    "the snapshot {snapshot} is archived: reading it back takes up to 72 h"
                ))
                .hint("`ebs-snapshot-restore-tier` brings it back first; or choose another"));
            }
            if text(&found, "State") != "completed" {
                return Err(Refusal::new(format!("the snapshot {snapshot} is {}", text(&found, "State"))));
            }
            design.preconditions.push(Precondition {
                says: "the snapshot is complete".into(),
                look: describe,
                at: "/Snapshots/0/State".into(),
                expect: Expect::Is("completed".into()),
            });
        }
        let kind = ask.given.maybe_text("type")?;
        if let Some(kind) = kind.filter(|kind| !super::given::is_later(kind) && !KINDS.contains(kind)) {
            return Err(Refusal::new(format!("there is no volume of type {}", harmless(kind)))
                .hint(format!("there are: {}", KINDS.join(", "))));
        }
        let rate = ask.given.number("rate")?;
        if let Some(rate) = rate.filter(|rate| !(100..=300).contains(rate)) {
            return Err(Refusal::new(format!("`rate` must be 100 to 300 MiB/s, not {rate}")));
        }
        let call = base("ec2:CreateVolume")
            .with("SnapshotId", snapshot)
            .with("AvailabilityZone", zone)
            .maybe("VolumeType", kind)
            .maybe("Size", ask.given.number("size")?)
            .maybe("Iops", ask.given.number("iops")?)
            .maybe("Throughput", ask.given.number("throughput")?)
            .maybe("VolumeInitializationRate", rate)
            .with("ClientToken", token(ask.run, ask.step, "volume"))
            .with("TagSpecifications", json!([{"ResourceType": "volume", "Tags": tags(ask.run, ask.step)}]));
        design.calls.push(PlannedCall {
            call,
            says: format!("make a volume from {snapshot} in {zone}").into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::Token,
        });
        design.undo =
            Undo::Calls { says: vec!["delete the new volume".into()], class: ActionClass::Destructive };
        design.notes = vec![
            "a second volume is paid for from now on".into(),
            match rate {
                Some(rate) => format!(
                    "its blocks come from S3 at {rate} MiB/s, which is paid for; until then it is slow"
                )
                .into(),
                None => {
                    "it is slow until its blocks have come from S3, which happens when they are first read"
                        .into()
                }
            },
        ];
        Ok(design)
    }
}

/// Returns the zone of the volume that is to be replaced: as it is, or as it was last read.
async fn zone_of_replaced(ask: &PlanAsk<'_>) -> Result<String, Refusal> {
    let unknown =
        || Refusal::new("nobody has said in which zone").hint("name the `zone`: that of the instance");
    if ask.given.maybe_text("component")?.is_none() {
        return Err(unknown());
    }
    let component = ask.component("component")?;
    if let Some(Selector::Id(id)) = &component.selector {
        let like = Call::new("", &ask.environment.name, &ask.environment.home());
        let found = volumes(ask.look, &like, "VolumeIds", json!([id.as_str()])).await?;
        if let Some(found) = found.first() {
            return Ok(text(found, "AvailabilityZone").to_owned());
        }
    }
    let kept = (ask.settings)(&component.id);
    kept.and_then(|kept| kept.get("AvailabilityZone").cloned()).ok_or_else(unknown)
}

fn volume_of(doing: &Doing<'_>) -> String {
    let made = text(doing.reply(0), "VolumeId");
    let named = doing.call().ok().and_then(|call| call.text("VolumeId")).unwrap_or_default();
    if made.is_empty() { named.to_owned() } else { made.to_owned() }
}

async fn volumes(look: &dyn Look, like: &Call, name: &str, value: Value) -> Result<Vec<Value>, CallTrouble> {
    let call = Call::new("ec2:DescribeVolumes", &like.environment, &like.place).with(name, value);
    match look.look(&call).await {
        Ok(reply) => Ok(reply.body.get("Volumes").and_then(Value::as_array).cloned().unwrap_or_default()),
        Err(CallTrouble::Refused { code, .. }) if code.as_str() == "InvalidVolume.NotFound" => Ok(Vec::new()),
        Err(trouble) => Err(trouble),
    }
}

impl Action for VolumeFromSnapshot {
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
            let Ok(call) = doing.call() else {
                return Ok(Found::Unclear { evidence: "the step has no such call".into() });
            };
            if doing.direction == Direction::Undo {
                let id = volume_of(&doing);
                let found = volumes(look, call, "VolumeIds", json!([id])).await?;
                let gone = found.iter().all(|volume| matches!(text(volume, "State"), "deleting" | "deleted"));
                return Ok(if gone {
                    Found::Happened { reply: Value::Null, evidence: format!("{id} is gone").into() }
                } else {
                    Found::Nothing { evidence: format!("{id} is still there").into() }
                });
            }
            let found =
                volumes(look, call, "Filters", tag_filters(doing.run, doing.step.id.as_str())).await?;
            let token = call.text("ClientToken").unwrap_or_default();
            // A volume of an earlier attempt that failed is not this one.
            let mine: Vec<&Value> = found
                .iter()
                .filter(|volume| is_tagged(volume, "Tags", doing.run, doing.step.id.as_str()))
                .filter(|volume| !matches!(text(volume, "State"), "error" | "deleting" | "deleted"))
                .collect();
            Ok(match mine.as_slice() {
                [] => Found::Nothing {
                    evidence: format!("no volume carries the tags of this step (token {token})").into(),
                },
                [one] => Found::Happened {
                    reply: (*one).clone(),
                    evidence: format!("{} carries the tags of this step", text(one, "VolumeId")).into(),
                },
                several => {
                    let ids: Vec<&str> = several.iter().map(|volume| text(volume, "VolumeId")).collect();
                    Found::Unclear {
                        evidence: format!("{} carry the tags of this step", ids.join(", ")).into(),
                    }
                }
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
            let id = volume_of(&doing);
            let found = volumes(look, call, "VolumeIds", json!([id])).await?;
            let state = found.first().map_or("", |volume| text(volume, "State"));
            if doing.direction == Direction::Undo {
                return Ok(match state {
                    "" | "deleted" => Progress::Done(Map::new()),
                    state => Progress::Going { percent: None, says: format!("{id} is {state}").into() },
                });
            }
            Ok(match state {
                "available" | "in-use" => {
                    let mut outputs = Map::new();
                    outputs.insert("volume".to_owned(), Value::String(id));
                    let zone = found.first().map_or("", |volume| text(volume, "AvailabilityZone"));
                    outputs.insert("zone".to_owned(), Value::String(zone.to_owned()));
                    Progress::Done(outputs)
                }
                "error" => Progress::Failed {
                    why: format!("{id} is in error").into(),
                    hint: Some(
                        "often the key of the snapshot cannot be used; undo the step, then retry".into(),
                    ),
                },
                "" => Progress::Going { percent: None, says: format!("{id} does not show yet").into() },
                state => Progress::Going { percent: None, says: format!("{id} is {state}").into() },
            })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let hint: Option<Text> = match (doing.direction, trouble.code().unwrap_or_default()) {
            (Direction::Undo, "InvalidVolume.NotFound") => return Meaning::Look,
            (Direction::Undo, "VolumeInUse") => Some("detach the volume first".into()),
            (_, "IdempotentParameterMismatch") => return Meaning::Look,
            (_, "InvalidSnapshot.NotFound") => {
                Some("the snapshot is gone: choose another with `lifeboat points`".into())
            }
            (_, "VolumeLimitExceeded" | "MaxIOPSLimitExceeded") => {
                Some("the account may not have more volumes of this type: ask AWS for a higher quota".into())
            }
            _ => None,
        };
        Meaning::Failed { hint }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let id = text(doing.reply(0), "VolumeId");
        let call = doing.calls.first().filter(|_| !id.is_empty());
        let call = call.ok_or_else(|| Refusal::new("no volume was made"))?;
        Ok(vec![PlannedCall {
            call: Call::new("ec2:DeleteVolume", &call.environment, &call.place).with("VolumeId", id),
            says: format!("delete {id}").into(),
            class: ActionClass::Destructive,
            dedupe: Dedupe::SetState,
        }])
    }
}
