//! `ec2-attach-volume` and `ec2-detach-volume`: which volume hangs where on which instance.

use super::ec2_made::{Sort, outputs, which};
use super::facts::text;
use super::given::is_later;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Attaches a volume, or detaches one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attachment {
    about: &'static About,
    attaches: bool,
}

const OUTPUTS: &[(&str, &str)] = &[
    ("volume", "The id of the volume."),
    ("instance", "The instance."),
    ("device", "The name of the device."),
    ("zone", "The zone of both."),
];
const OPERATIONS: &[&str] =
    &["ec2:DescribeVolumes", "ec2:DescribeInstances", "ec2:AttachVolume", "ec2:DetachVolume"];
const STANDING: [&str; 2] = ["running", "stopped"];

const fn argument(name: &'static str, kind: ArgumentKind, required: bool, says: &'static str) -> Argument {
    Argument { name, kind, required, says }
}

impl Attachment {
    /// Attaches one.
    pub(super) const ATTACH: Self = Self {
        about: &About {
            name: "ec2-attach-volume",
            title: "attach a volume to an instance",
            says: "Attaches an EBS volume to an instance. Both must lie in the same zone, which is looked at when the plan \
                   is made and again before the call, and the name of the device must be free.",
            arguments: &[
                argument("volume", ArgumentKind::Text, true, "The volume."),
                argument("instance", ArgumentKind::Text, true, "The instance."),
                argument("device", ArgumentKind::Text, true, "The name of the device, such as /dev/sdf."),
                argument(
                    "zone",
                    ArgumentKind::Text,
                    false,
                    "The zone of the instance, where an earlier step finds it.",
                ),
                argument("component", ArgumentKind::Component, false, "The volume whose place it takes."),
            ],
            outputs: OUTPUTS,
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
            operations: OPERATIONS,
            no_undo: None,
            usually: Some((Duration::from_secs(3), Duration::from_secs(60))),
        },
        attaches: true,
    };

    /// Detaches one.
    pub(super) const DETACH: Self = Self {
        about: &About {
            name: "ec2-detach-volume",
            title: "detach a volume from its instance",
            says: "Detaches an EBS volume, and waits until it is free. A file system that is still mounted keeps it busy: \
                   unmount it first, or stop the instance. Nothing is forced.",
            arguments: &[
                argument(
                    "component",
                    ArgumentKind::Component,
                    false,
                    "The volume, as a component of the estate.",
                ),
                argument("volume", ArgumentKind::Text, false, "The volume's id, where it is no component."),
                argument(
                    "instance",
                    ArgumentKind::Text,
                    false,
                    "The instance, where the volume is attached to several.",
                ),
            ],
            outputs: OUTPUTS,
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
            operations: OPERATIONS,
            no_undo: None,
            usually: Some((Duration::from_secs(3), Duration::from_secs(60))),
        },
        attaches: false,
    };

    async fn design_attach(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (volume, instance) = (ask.given.text("volume")?, ask.given.text("instance")?);
        let (device, said_zone) = (ask.given.text("device")?, ask.given.maybe_text("zone")?);
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?.id.clone()),
            None => None,
        };
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let call = base("ec2:AttachVolume")
            .with("VolumeId", volume)
            .with("InstanceId", instance)
            .with("Device", device);
        let mut design = Design::new(component);
        let mut zone = said_zone.map(str::to_owned);
        if !is_later(instance) {
            let holder = holder(ask.look, &call, instance).await?;
            let own = zone_of(&holder).to_owned();
            if zone.as_ref().is_some_and(|zone| !is_later(zone) && *zone != own) {
                return Err(Refusal::new(format!(
                    "the instance {instance} lies in {own}, not in {}",
                    said_zone.unwrap_or_default()
                )));
            }
            zone = Some(own);
            if !is_later(device) {
                is_free(&holder, instance, device, volume)?;
            }
        }
        if !is_later(volume) {
            let found = volume_of(ask.look, &call, volume)
                .await?
                .ok_or_else(|| Refusal::new(format!("there is no volume {volume} in {}", home.region)))?;
            let known = zone.as_deref().filter(|zone| !is_later(zone));
            can_hang(&found, volume, instance, known)?;
        }
        let with_zone = |ids: &str, id: &str| {
            let mut filters = vec![json!({"Name": ids, "Values": [id]})];
            if let Some(zone) = &zone {
                filters.push(json!({"Name": "availability-zone", "Values": [zone]}));
            }
            Value::Array(filters)
        };
        let where_it_is = zone.as_ref().map(|zone| format!(", in {zone}")).unwrap_or_default();
        design.preconditions.push(Precondition {
            says: format!("the volume is free{where_it_is}").into(),
            look: base("ec2:DescribeVolumes").with("Filters", with_zone("volume-id", volume)),
            at: "/Volumes/0/State".into(),
            expect: Expect::Is("available".into()),
        });
        design.preconditions.push(Precondition {
            says: format!("the instance runs or stands{where_it_is}").into(),
            look: base("ec2:DescribeInstances").with("Filters", with_zone("instance-id", instance)),
            at: "/Instances/0/State/Name".into(),
            expect: Expect::OneOf(STANDING.iter().map(|state| Value::from(*state)).collect()),
        });
        design.calls.push(planned(call, &format!("attach {volume} to {instance} as {device}")));
        design.undo = Undo::Calls { says: vec!["detach it again".into()], class: ActionClass::Mutating };
        design.notes.push(
            "the operating system may give the device another name; mount it by the id of its file system"
                .into(),
        );
        Ok(design)
    }

    async fn design_detach(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, volume) = which(&ask, "volume").await?;
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let mut call = base("ec2:DetachVolume").with("VolumeId", volume.as_str());
        let mut design = Design::new(component);
        let said = ask.given.maybe_text("instance")?;
        let mut from = said.map(str::to_owned);
        if !is_later(&volume) {
            let found = volume_of(ask.look, &call, &volume).await?.ok_or_else(|| {
                Refusal::new(format!("there is no volume {volume} in {}", home.region))
                    .hint("what is gone needs no detaching: make a volume from a snapshot and attach that")
            })?;
            let Some(attached) = hanging(&found, said).map_err(|why| why.hint("name the `instance`"))? else {
                return Err(Refusal::new(format!("the volume {volume} is attached to nothing"))
                    .hint("leave this step out: there is nothing to detach"));
            };
            let (instance, device) = (text(attached, "InstanceId"), text(attached, "Device"));
            call = call.with("InstanceId", instance).with("Device", device);
            from = Some(instance.to_owned());
            let holder = holder(ask.look, &call, instance).await?;
            design.preconditions.push(Precondition {
                says: format!("the volume hangs on {instance}").into(),
                look: base("ec2:DescribeVolumes").with("VolumeIds", json!([volume])),
                at: "/Volumes/0/State".into(),
                expect: Expect::Is("in-use".into()),
            });
            if !device.is_empty() && device == text(&holder, "RootDeviceName") {
                design.preconditions.push(Precondition {
                    says: format!("{instance} stands: {volume} is its root").into(),
                    look: base("ec2:DescribeInstances").with("InstanceIds", json!([instance])),
                    at: "/Instances/0/State/Name".into(),
                    expect: Expect::Is("stopped".into()),
                });
            } else if Sort::INSTANCE.state(&holder) == "running" {
                design.notes.push(format!("{instance} runs: unmount the file system first, else the volume stays busy and what was not written is lost").into());
            }
        } else if let Some(instance) = said {
            call = call.with("InstanceId", instance);
        }
        let from = from.unwrap_or_else(|| "its instance".to_owned());
        design.calls.push(planned(call, &format!("detach {volume} from {from}")));
        design.undo =
            Undo::Calls { says: vec!["attach it again, as it was".into()], class: ActionClass::Mutating };
        Ok(design)
    }
}

fn planned(call: Call, says: &str) -> PlannedCall {
    PlannedCall { call, says: says.into(), class: ActionClass::Mutating, dedupe: Dedupe::SetState }
}

fn zone_of(thing: &Value) -> &str {
    let of = |at: &str| thing.pointer(at).and_then(Value::as_str);
    of("/Placement/AvailabilityZone").or_else(|| of("/AvailabilityZone")).unwrap_or_default()
}

async fn volume_of(look: &dyn Look, like: &Call, id: &str) -> Result<Option<Value>, CallTrouble> {
    let call =
        Call::new("ec2:DescribeVolumes", &like.environment, &like.place).with("VolumeIds", json!([id]));
    match look.look(&call).await {
        Ok(reply) => Ok(reply.body.pointer("/Volumes/0").cloned()),
        Err(CallTrouble::Refused { code, .. }) if code.as_str() == "InvalidVolume.NotFound" => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

async fn holder(look: &dyn Look, like: &Call, id: &str) -> Result<Value, Refusal> {
    let found = Sort::INSTANCE
        .one(look, like, id)
        .await
        .map_err(|trouble| Refusal::new(format!("the instance {id} cannot be read: {trouble}")))?;
    found.ok_or_else(|| Refusal::new(format!("there is no instance {id} in {}", like.place.region)))
}

/// Returns where a volume hangs: on this instance, or on the only one.
fn hanging<'a>(volume: &'a Value, instance: Option<&str>) -> Result<Option<&'a Value>, Refusal> {
    let all = volume.get("Attachments").and_then(Value::as_array);
    let mut all = all.into_iter().flatten().filter(|one| {
        let there = text(one, "State") != "detached";
        there && instance.is_none_or(|instance| is_later(instance) || text(one, "InstanceId") == instance)
    });
    match (all.next(), all.next()) {
        (Some(_), Some(_)) => {
            Err(Refusal::new(format!("the volume {} hangs on several instances", text(volume, "VolumeId"))))
        }
        (one, _) => Ok(one),
    }
}

/// Says whether a volume can be attached: AWS itself refuses late, and test doubles not at all.
fn can_hang(found: &Value, volume: &str, instance: &str, zone: Option<&str>) -> Result<(), Refusal> {
    let own = zone_of(found);
    if let Some(zone) = zone.filter(|zone| *zone != own) {
        return Err(Refusal::new(format!(
            "the volume {volume} lies in {own}, and {instance} in {zone}: a volume hangs on an instance of its own zone only"
        ))
        .hint(format!("make a volume from a snapshot of it in {zone}")));
    }
    let shared = found.get("MultiAttachEnabled") == Some(&Value::Bool(true));
    match text(found, "State") {
        "available" => Ok(()),
        "in-use" if shared => Ok(()),
        state => Err(Refusal::new(format!("the volume {volume} is {state}, and cannot be attached"))
            .hint("a volume has to be free: detach it first")),
    }
}

fn is_free(holder: &Value, instance: &str, device: &str, volume: &str) -> Result<(), Refusal> {
    let devices = holder.get("BlockDeviceMappings").and_then(Value::as_array);
    let mut devices = devices.into_iter().flatten();
    let taken = devices.find(|one| text(one, "DeviceName") == device);
    let by = taken.and_then(|one| one.pointer("/Ebs/VolumeId")).and_then(Value::as_str);
    match by {
        Some(other) if other != volume => {
            Err(Refusal::new(format!("{device} of {instance} is taken, by {other}")).hint(
                "name another `device`; where an earlier step detaches it, write `${steps.….device}` of that step",
            ))
        }
        _ => Ok(()),
    }
}

/// Says where the volume of a call hangs, and in which zone it lies.
async fn seen(look: &dyn Look, call: &Call) -> Result<(Option<Value>, Option<Value>), CallTrouble> {
    let volume = call.text("VolumeId").unwrap_or_default();
    let Some(found) = volume_of(look, call, volume).await? else { return Ok((None, None)) };
    let attached = hanging(&found, call.text("InstanceId")).ok().flatten().cloned();
    Ok((Some(found), attached))
}

impl Action for Attachment {
    fn about(&self) -> &'static About {
        self.about
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(async move {
            if self.attaches { Self::design_attach(ask).await } else { Self::design_detach(ask).await }
        })
    }

    fn before<'a>(
        &'a self,
        _: &'a PlannedStep,
        calls: &'a [Call],
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        Box::pin(async move {
            let Some(call) = calls.first() else { return Ok(Value::Null) };
            let (volume, attached) = seen(look, call).await?;
            if self.attaches {
                // What the plan could not see yet: by now an earlier step has brought it (E7).
                let text_of = |name: &str| call.text(name).unwrap_or_default();
                let (id, instance) = (text_of("VolumeId"), text_of("InstanceId"));
                let found = volume.ok_or_else(|| Refusal::new(format!("there is no volume {id}")))?;
                let holder = holder(look, call, instance).await?;
                can_hang(&found, id, instance, Some(zone_of(&holder)))?;
                is_free(&holder, instance, text_of("Device"), id)?;
                return Ok(json!({"Zone": zone_of(&found)}));
            }
            Ok(json!({"Attachment": attached, "Zone": volume.as_ref().map(zone_of)}))
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
            let (_, attached) = seen(look, call).await?;
            let volume = call.text("VolumeId").unwrap_or_default();
            let state = attached.as_ref().map_or("detached", |one| text(one, "State"));
            let evidence = Text::new(&format!("{volume} is {state}"));
            let happened = if call.name() == "AttachVolume" {
                ["attaching", "attached", "busy"].contains(&state)
            } else {
                ["detached", "detaching", "busy"].contains(&state)
            };
            Ok(if happened {
                Found::Happened { reply: Value::Null, evidence }
            } else {
                Found::Nothing { evidence }
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
            let (found, attached) = seen(look, call).await?;
            let volume = call.text("VolumeId").unwrap_or_default();
            let Some(found) = found else {
                return Ok(Progress::Failed { why: format!("{volume} is gone").into(), hint: None });
            };
            let state = attached.as_ref().map_or("detached", |one| text(one, "State"));
            let attaches = call.name() == "AttachVolume";
            let wanted = if attaches { "attached" } else { "detached" };
            let settled = attaches
                || text(&found, "State") == "available"
                || found.get("MultiAttachEnabled") == Some(&Value::Bool(true));
            if state == wanted && settled {
                let was = attached.or_else(|| doing.before.get("Attachment").cloned()).unwrap_or_default();
                let of = |member: &str, argument: &str| {
                    let known = text(&was, member);
                    if known.is_empty() {
                        call.text(argument).unwrap_or_default().to_owned()
                    } else {
                        known.to_owned()
                    }
                };
                let (instance, device) = (of("InstanceId", "InstanceId"), of("Device", "Device"));
                return Ok(Progress::Done(outputs([
                    ("volume", volume),
                    ("instance", &instance),
                    ("device", &device),
                    ("zone", zone_of(&found)),
                ])));
            }
            if state == "busy" && !attaches {
                let says =
                    format!("{volume} is busy: its file system is still mounted; unmount it on the instance");
                return Ok(Progress::Going { percent: None, says: says.into() });
            }
            Ok(Progress::Going { percent: None, says: format!("{volume} is {state}").into() })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let attaches = doing.call().is_ok_and(|call| call.name() == "AttachVolume");
        let hint = match (attaches, trouble.code().unwrap_or_default()) {
            // It may be as it is to be, by an attempt of ours whose answer was lost.
            (_, "VolumeInUse" | "IncorrectState") => return Meaning::Look,
            (_, "InvalidVolume.ZoneMismatch") => "make the volume in the zone of the instance",
            (true, "InvalidParameterValue" | "InvalidDevice") => {
                "the name of the device is taken or none that there is: name another"
            }
            (true, "AttachmentLimitExceeded") => "no more volumes fit on an instance of this type",
            (false, "OperationNotPermitted") => {
                "the root of an instance can be detached only while it stands: stop it first"
            }
            (_, "InvalidVolume.NotFound") => "the volume is gone",
            (_, "InvalidInstanceID.NotFound" | "IncorrectInstanceState") => {
                "the instance neither runs nor stands"
            }
            _ => return Meaning::Failed { hint: None },
        };
        Meaning::Failed { hint: Some(hint.into()) }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was called"))?;
        let volume = call.text("VolumeId").unwrap_or_default();
        let base =
            |operation: &str| Call::new(operation, &call.environment, &call.place).with("VolumeId", volume);
        if self.attaches {
            let instance = call.text("InstanceId").unwrap_or_default();
            let call =
                base("ec2:DetachVolume").with("InstanceId", instance).maybe("Device", call.text("Device"));
            return Ok(vec![planned(call, &format!("detach {volume} from {instance}"))]);
        }
        let was = doing.before.get("Attachment").cloned().unwrap_or_default();
        let (instance, device) = (text(&was, "InstanceId"), text(&was, "Device"));
        if instance.is_empty() || device.is_empty() {
            return Err(Refusal::new(format!("nobody knows where {volume} hung")).hint("attach it by hand"));
        }
        let call = base("ec2:AttachVolume").with("InstanceId", instance).with("Device", device);
        Ok(vec![planned(call, &format!("attach {volume} to {instance} as {device}"))])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_hangs_on_instances_of_its_own_zone_only() {
        let volume = json!({"VolumeId": "vol-1", "AvailabilityZone": "us-east-2a", "State": "available"});
        assert!(can_hang(&volume, "vol-1", "i-1", Some("us-east-2a")).is_ok());
        let refused = can_hang(&volume, "vol-1", "i-1", Some("us-east-2b")).unwrap_err();
        assert!(refused.says.contains("lies in us-east-2a"), "{refused}");
        assert!(refused.hint.unwrap().contains("us-east-2b"));
    }

    #[test]
    fn a_device_is_free_or_taken_by_the_same_volume() {
        let holder =
            json!({"BlockDeviceMappings": [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeId": "vol-1"}}]});
        assert!(is_free(&holder, "i-1", "/dev/sdg", "vol-2").is_ok());
        assert!(is_free(&holder, "i-1", "/dev/sdf", "vol-1").is_ok());
        assert!(is_free(&holder, "i-1", "/dev/sdf", "vol-2").unwrap_err().says.contains("taken, by vol-1"));
    }

    #[test]
    fn a_volume_that_several_share_is_detached_from_one_that_is_named() {
        let one = |id: &str| json!({"InstanceId": id, "Device": "/dev/sdf", "State": "attached"});
        let volume = json!({"VolumeId": "vol-1", "Attachments": [one("i-1"), one("i-2")]});
        assert!(hanging(&volume, None).is_err());
        assert_eq!(hanging(&volume, Some("i-2")).unwrap().map(|one| text(one, "InstanceId")), Some("i-2"));
    }
}
