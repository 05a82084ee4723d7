//! `ebs-snapshot`: a snapshot of a volume, as it is now.

use super::facts::{is_tagged, tag_filters, tags, text};
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
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Makes a snapshot of a volume.
#[derive(Debug, Clone, Copy)]
pub(super) struct EbsSnapshot;

const ABOUT: About = About {
    name: "ebs-snapshot",
    title: "make a snapshot of a volume",
    says: "Makes a snapshot of an EBS volume. It holds what was on the volume when it was begun; it may take hours until it \
           is complete. EC2 has neither a token nor a name for snapshots, so it is told by the tag it carries.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The volume, as a component of the estate.",
        },
        Argument {
            name: "volume",
            kind: ArgumentKind::Text,
            required: false,
            says: "The volume's id, where it is no component.",
        },
        Argument {
            name: "description",
            kind: ArgumentKind::Text,
            required: false,
            says: "What people should read beside it.",
        },
    ],
    outputs: &[("snapshot", "The id of the snapshot.")],
    class: ActionClass::Additive,
    dedupe: Dedupe::Tag,
    operations: &["ec2:DescribeVolumes", "ec2:DescribeSnapshots", "ec2:CreateSnapshot", "ec2:DeleteSnapshot"],
    no_undo: None,
    usually: Some((Duration::from_secs(60), Duration::from_secs(3600))),
};

impl EbsSnapshot {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, volume) = match (ask.given.maybe_text("component")?, ask.given.maybe_text("volume")?)
        {
            (Some(_), _) => {
                let component = ask.component("component")?;
                let Some(Selector::Id(id)) = &component.selector else {
                    let says = format!(
                        "`{}` is not found by an id, so nobody knows which volume it is",
                        component.id
                    );
                    return Err(Refusal::new(says).hint("name the `volume`"));
                };
                (Some(component.id.clone()), id.to_string())
            }
            (None, Some(volume)) => (None, volume.to_owned()),
            (None, None) => return Err(Refusal::new("neither `component` nor `volume` says of what")),
        };
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let mut design = Design::new(component);
        if !is_later(&volume) {
            let describe = base("ec2:DescribeVolumes").with("VolumeIds", json!([volume]));
            let found =
                ask.look.look(&describe).await.map_err(|trouble| {
                    Refusal::new(format!("the volume {volume} cannot be read: {trouble}"))
                })?;
            let found = found.body.pointer("/Volumes/0").cloned().unwrap_or_default();
            let states = ["available", "in-use"];
            if !states.contains(&text(&found, "State")) {
                return Err(Refusal::new(format!("the volume {volume} is {}", text(&found, "State"))));
            }
            design.preconditions.push(Precondition {
                says: "the volume is there".into(),
                look: describe,
                at: "/Volumes/0/State".into(),
                expect: Expect::OneOf(states.iter().map(|state| Value::from(*state)).collect()),
            });
        }
        let said = ask.given.maybe_text("description")?;
        let description = said.map_or_else(|| format!("lifeboat {}", ask.run), str::to_owned);
        design.calls.push(PlannedCall {
            call: base("ec2:CreateSnapshot")
                .with("VolumeId", volume.as_str())
                .with("Description", description)
                .with(
                    "TagSpecifications",
                    json!([{"ResourceType": "snapshot", "Tags": tags(ask.run, ask.step)}]),
                ),
            says: format!("make a snapshot of {volume}").into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::Tag,
        });
        design.undo =
            Undo::Calls { says: vec!["delete the snapshot".into()], class: ActionClass::Destructive };
        design.notes = vec![
            "it is paid for by what has changed since the last snapshot".into(),
            "at most five snapshots of a volume may be under way at once".into(),
        ];
        Ok(design)
    }
}

fn snapshot_of(doing: &Doing<'_>) -> String {
    let made = text(doing.reply(0), "SnapshotId");
    let named = doing.call().ok().and_then(|call| call.text("SnapshotId")).unwrap_or_default();
    if made.is_empty() { named.to_owned() } else { made.to_owned() }
}

async fn snapshots(look: &dyn Look, call: Call) -> Result<Vec<Value>, CallTrouble> {
    match look.look(&call).await {
        Ok(reply) => Ok(reply.body.get("Snapshots").and_then(Value::as_array).cloned().unwrap_or_default()),
        Err(CallTrouble::Refused { code, .. }) if code.as_str() == "InvalidSnapshot.NotFound" => {
            Ok(Vec::new())
        }
        Err(trouble) => Err(trouble),
    }
}

fn by_id(like: &Call, id: &str) -> Call {
    Call::new("ec2:DescribeSnapshots", &like.environment, &like.place).with("SnapshotIds", json!([id]))
}

impl Action for EbsSnapshot {
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
                let id = snapshot_of(&doing);
                let gone = snapshots(look, by_id(call, &id)).await?.is_empty();
                return Ok(if gone {
                    Found::Happened { reply: Value::Null, evidence: format!("{id} is gone").into() }
                } else {
                    Found::Nothing { evidence: format!("{id} is still there").into() }
                });
            }
            let list = Call::new("ec2:DescribeSnapshots", &call.environment, &call.place)
                .with("OwnerIds", json!(["self"]))
                .with("Filters", tag_filters(doing.run, doing.step.id.as_str()));
            let found = snapshots(look, list).await?;
            let mine: Vec<&Value> = found
                .iter()
                .filter(|snapshot| is_tagged(snapshot, "Tags", doing.run, doing.step.id.as_str()))
                .filter(|snapshot| text(snapshot, "State") != "error")
                .collect();
            Ok(match mine.as_slice() {
                [] => Found::Nothing { evidence: "no snapshot carries the tags of this step".into() },
                [one] => Found::Happened {
                    reply: (*one).clone(),
                    evidence: format!("{} carries the tags of this step", text(one, "SnapshotId")).into(),
                },
                several => {
                    let ids: Vec<&str> =
                        several.iter().map(|snapshot| text(snapshot, "SnapshotId")).collect();
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
            let id = snapshot_of(&doing);
            let found = snapshots(look, by_id(call, &id)).await?;
            let found = found.first();
            if doing.direction == Direction::Undo {
                return Ok(match found {
                    None => Progress::Done(Map::new()),
                    Some(_) => Progress::Going { percent: None, says: format!("{id} is still there").into() },
                });
            }
            let Some(found) = found else {
                return Ok(Progress::Going { percent: None, says: format!("{id} does not show yet").into() });
            };
            Ok(match text(found, "State") {
                "completed" => {
                    let mut outputs = Map::new();
                    outputs.insert("snapshot".to_owned(), Value::String(id));
                    Progress::Done(outputs)
                }
                "error" => Progress::Failed {
                    why: format!("{id} has failed: {}", text(found, "StateMessage")).into(),
                    hint: Some("undo the step, then retry".into()),
                },
                state => {
                    let percent = text(found, "Progress").trim_end_matches('%').parse().ok();
                    Progress::Going { percent, says: format!("{id} is {state}").into() }
                }
            })
        })
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let hint = match (doing.direction, trouble.code().unwrap_or_default()) {
            (Direction::Undo, "InvalidSnapshot.NotFound") => return Meaning::Look,
            (Direction::Undo, "InvalidSnapshot.InUse") => {
                Some("an image uses the snapshot: deregister it first".into())
            }
            (_, "ConcurrentSnapshotLimitExceeded") => {
                Some("five snapshots of this volume are under way: wait for one, then retry".into())
            }
            (_, "InvalidVolume.NotFound") => Some("the volume is gone".into()),
            (_, "SnapshotLimitExceeded") => Some("the account may not have more snapshots".into()),
            _ => None,
        };
        Meaning::Failed { hint }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let id = text(doing.reply(0), "SnapshotId");
        let call = doing.calls.first().filter(|_| !id.is_empty());
        let call = call.ok_or_else(|| Refusal::new("no snapshot was made"))?;
        Ok(vec![PlannedCall {
            call: Call::new("ec2:DeleteSnapshot", &call.environment, &call.place).with("SnapshotId", id),
            says: format!("delete {id}").into(),
            class: ActionClass::Destructive,
            dedupe: Dedupe::SetState,
        }])
    }
}
