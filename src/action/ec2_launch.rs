//! `ec2-launch-from-image`: a new instance from an image, with everything carried over that an image does not bring.

use super::ec2_made::{Sort, outputs, which, with_tags};
use super::ec2_settings::{COMPARED, carry, from_kept, left_behind};
use super::facts::{tags, text, token};
use super::given::is_later;
use super::{Action, Design, Deviation, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Launches an instance from an image, after the pattern of another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Launch;

const ABOUT: About = About {
    name: "ec2-launch-from-image",
    title: "launch an instance from an image",
    says: "Launches a new EC2 instance from an image. The original is not touched. What an image does not bring (type, \
           subnet, security groups, instance profile, key pair, user data, tags, options of the metadata service; E7) is \
           taken from the original as it is now, or as it was last read; what cannot be carried is listed.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The instance that it is to replace, as a component of the estate.",
        },
        Argument {
            name: "instance",
            kind: ArgumentKind::Text,
            required: false,
            says: "That instance's id, where it is no component.",
        },
        Argument { name: "image", kind: ArgumentKind::Text, required: true, says: "The image." },
        Argument {
            name: "type",
            kind: ArgumentKind::Text,
            required: false,
            says: "The instance type; that of the original if absent.",
        },
        Argument {
            name: "subnet",
            kind: ArgumentKind::Text,
            required: false,
            says: "The subnet, and so the zone; that of the original if absent.",
        },
        Argument {
            name: "keep-address",
            kind: ArgumentKind::Switch,
            required: false,
            says: "Whether it takes the private address of the original, which must be gone; no if absent.",
        },
    ],
    outputs: &[
        ("instance", "The id of the new instance."),
        ("zone", "Its zone."),
        ("address", "Its private address."),
    ],
    class: ActionClass::Additive,
    dedupe: Dedupe::Token,
    operations: &[
        "ec2:DescribeInstances",
        "ec2:DescribeInstanceAttribute",
        "ec2:DescribeImages",
        "ec2:RunInstances",
        "ec2:TerminateInstances",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(20), Duration::from_secs(300))),
};

/// The states of an instance that is no more: EC2 describes it for an hour, without most of its settings.
const OVER: [&str; 2] = ["shutting-down", "terminated"];

/// Returns an instance with its user data, where it is there and what of it cannot be read is said.
async fn whole(
    look: &dyn Look,
    like: &Call,
    id: &str,
    notes: &mut Vec<Text>,
) -> Result<Option<Value>, CallTrouble> {
    let Some(mut found) = Sort::INSTANCE.one(look, like, id).await? else { return Ok(None) };
    let call = Call::new("ec2:DescribeInstanceAttribute", &like.environment, &like.place)
        .with("InstanceId", id)
        .with("Attribute", "userData");
    match look.look(&call).await {
        Ok(reply) => {
            let data = reply.body.pointer("/UserData/Value").cloned().unwrap_or_default();
            if let (Some(members), false) = (found.as_object_mut(), data.is_null()) {
                members.insert("UserData".to_owned(), data);
            }
        }
        Err(trouble) => {
            notes.push(format!("not carried over: its user data, which cannot be read: {trouble}").into());
        }
    }
    Ok(Some(found))
}

impl Launch {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, instance) = which(&ask, "instance").await?;
        if is_later(&instance) {
            return Err(Refusal::new(
                "which instance is to be replaced has to be known when the plan is made",
            ));
        }
        let image = ask.given.text("image")?;
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let mut design = Design::new(component.clone());
        if !is_later(image) {
            Self::check_image(&ask, &mut design, image, &base("")).await?;
        }
        let found = whole(ask.look, &base(""), &instance, &mut design.notes)
            .await
            .map_err(|trouble| Refusal::new(format!("the instance {instance} cannot be read: {trouble}")))?;
        let lives = found.as_ref().is_some_and(|found| !OVER.contains(&Sort::INSTANCE.state(found)));
        let kept = || component.as_ref().and_then(|id| (ask.settings)(id)).map(|kept| from_kept(&kept));
        let original = if lives { found } else { kept() };
        let Some(original) = original else {
            return Err(Refusal::new(format!("the instance {instance} is gone, and its settings were never read"))
                .hint("without its network and profile a launch would be another machine: launch it by hand, or name an instance like it"));
        };
        if !lives {
            design.notes.push("the original is gone: its settings are those that were last read".into());
            design.notes.push("not carried over: user data and options of the metadata service, which are read of a living instance only".into());
        }
        let mut call = carry(base("ec2:RunInstances").with("ImageId", image), &original)
            .with("MinCount", 1)
            .with("MaxCount", 1)
            .maybe("InstanceType", ask.given.maybe_text("type")?);
        if let Some(subnet) = ask.given.maybe_text("subnet")? {
            call = call.with("SubnetId", subnet);
        }
        if ask.given.switch("keep-address")? == Some(true) {
            let address = text(&original, "PrivateIpAddress");
            if address.is_empty() {
                return Err(Refusal::new(format!("nobody knows which address {instance} had")));
            }
            if lives {
                return Err(Refusal::new(format!("{instance} has the address {address} as long as it is there"))
                    .hint("an instance that only stands keeps its address: terminate it first, or launch without `keep-address`"));
            }
            call = call.with("PrivateIpAddress", address);
        }
        if !call.arguments.contains_key("InstanceType") || !call.arguments.contains_key("SubnetId") {
            return Err(Refusal::new(format!("nobody knows the type and the subnet of {instance}"))
                .hint("name `type` and `subnet`"));
        }
        if let Some(data) = call.text("UserData") {
            design.notes.push(
                format!("its user data ({} characters in base64) stands in the plan as it is", data.len())
                    .into(),
            );
        }
        let own = tags(ask.run, ask.step);
        let all = with_tags(&own, original.get("Tags"));
        call = call.with("ClientToken", token(ask.run, ask.step, "instance")).with(
            "TagSpecifications",
            json!([{"ResourceType": "instance", "Tags": all}, {"ResourceType": "volume", "Tags": own}]),
        );
        design.calls.push(PlannedCall {
            call,
            says: format!("launch an instance from {image} after the pattern of {instance}").into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::Token,
        });
        design.undo =
            Undo::Calls { says: vec!["terminate the new instance".into()], class: ActionClass::Destructive };
        design.notes.extend(left_behind(&original));
        if lives {
            design.notes.push(
                format!("{instance} goes on, and carries the same tags: whatever finds it by them finds two")
                    .into(),
            );
        }
        design.notes.push("a second instance is paid for from now on; its volumes are slow until their blocks have been read once".into());
        design.facts.insert("source".to_owned(), Value::String(instance));
        design.facts.insert("original".to_owned(), original);
        Ok(design)
    }

    async fn check_image(
        ask: &PlanAsk<'_>,
        design: &mut Design,
        image: &str,
        like: &Call,
    ) -> Result<(), Refusal> {
        let found = Sort::IMAGE.one(ask.look, like, image).await?;
        let found = found.ok_or_else(|| {
            Refusal::new(format!("there is no image {image} in {}", like.place.region))
                .hint("`lifeboat points` lists those that there are")
        })?;
        if Sort::IMAGE.state(&found) != "available" {
            return Err(Refusal::new(format!("the image {image} is {}", Sort::IMAGE.state(&found))));
        }
        design.preconditions.push(Precondition {
            says: "the image is available".into(),
            look: Sort::IMAGE.by_id(like, image),
            at: "/Images/0/State".into(),
            expect: Expect::Is("available".into()),
        });
        Ok(())
    }
}

impl Action for Launch {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(Self::design(ask))
    }

    fn before<'a>(
        &'a self,
        step: &'a PlannedStep,
        _: &'a [Call],
        _: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        // The original may be gone by now; what was agreed to is what the plan saw of it.
        Box::pin(async move { Ok(step.facts.get("original").cloned().unwrap_or_default()) })
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async move { Sort::INSTANCE.probe(&doing, look).await })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let told = |id: &str, found: &Value| -> Map<String, Value> {
                let zone = found.pointer("/Placement/AvailabilityZone").and_then(Value::as_str);
                outputs([
                    ("instance", id),
                    ("zone", zone.unwrap_or_default()),
                    ("address", text(found, "PrivateIpAddress")),
                ])
            };
            Sort::INSTANCE.progress(&doing, look, told).await
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let hint = match (doing.direction, trouble.code().unwrap_or_default()) {
            (Direction::Undo, "InvalidInstanceID.NotFound") => return Meaning::Look,
            (Direction::Undo, "OperationNotPermitted") => "it is protected from termination: lift that first",
            (_, "IdempotentParameterMismatch") => return Meaning::Look,
            (_, "InsufficientInstanceCapacity") => {
                "AWS has no such instance free in this zone now: name another `type`, or a `subnet` in another zone"
            }
            (_, "VcpuLimitExceeded" | "InstanceLimitExceeded") => {
                "the account may not have more of these: ask AWS for a higher quota, or name another `type`"
            }
            (_, "InvalidIPAddress.InUse") => {
                "the old private address is still taken: launch without `keep-address`"
            }
            (_, "InvalidAMIID.NotFound" | "InvalidAMIID.Unavailable") => {
                "the image is gone: choose another with `lifeboat points`"
            }
            (_, "InvalidKeyPair.NotFound") => {
                "the key pair of the original was deleted: create one of that name"
            }
            (_, "InvalidGroup.NotFound") => {
                "a security group of the original was deleted: create it, or launch by hand"
            }
            (_, "InvalidSubnetID.NotFound") => {
                "the subnet of the original was deleted: name another `subnet`"
            }
            _ => return Meaning::Failed { hint: None },
        };
        Meaning::Failed { hint: Some(hint.into()) }
    }

    fn compare<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Vec<Deviation>, CallTrouble>> {
        Box::pin(async move {
            let (Ok(call), false) = (doing.call(), doing.before.is_null()) else { return Ok(Vec::new()) };
            let id = Sort::INSTANCE.id_of(&doing);
            let Some(found) = whole(look, call, &id, &mut Vec::new()).await? else { return Ok(Vec::new()) };
            let mut all = Vec::new();
            for (setting, at) in COMPARED {
                let of = |value: &Value| value.pointer(at).cloned().unwrap_or_default();
                let (was, is) = (of(doing.before), of(&found));
                // What nobody had read of the original cannot be said to differ.
                if was != is && !was.is_null() {
                    all.push(Deviation { setting: setting.into(), was, is });
                }
            }
            Ok(all)
        })
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let id = doing.reply(0).pointer("/Instances/0/InstanceId").and_then(Value::as_str);
        let (Some(id), Some(call)) = (id, doing.calls.first()) else {
            return Err(Refusal::new("no instance was launched"));
        };
        Ok(vec![PlannedCall {
            call: Call::new("ec2:TerminateInstances", &call.environment, &call.place)
                .with("InstanceIds", json!([id])),
            says: format!("terminate {id}").into(),
            class: ActionClass::Destructive,
            dedupe: Dedupe::SetState,
        }])
    }
}
