//! `ec2-image`: an image of an instance, with snapshots of all its volumes.

use super::ec2_made::{Sort, outputs, which};
use super::facts::{run_tail, tags, text};
use super::given::is_later;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use serde_json::{Value, json};
use std::time::Duration;

/// Makes an image of an instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Image;

const ABOUT: About = About {
    name: "ec2-image",
    title: "make an image of an instance",
    says: "Makes an image of an EC2 instance, with a snapshot of each of its volumes as one set. Whether the instance \
           is rebooted for it has to be said: without it, the file systems are as a crash would leave them. The image is \
           told by its name and by the tags it carries.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The instance, as a component of the estate.",
        },
        Argument {
            name: "instance",
            kind: ArgumentKind::Text,
            required: false,
            says: "The instance's id, where it is no component.",
        },
        Argument {
            name: "reboot",
            kind: ArgumentKind::Switch,
            required: true,
            says: "Whether the instance is shut down and started again for it, so that its file systems are at rest.",
        },
        Argument {
            name: "name",
            kind: ArgumentKind::Text,
            required: false,
            says: "The name of the image; that of the instance and the run if absent.",
        },
        Argument {
            name: "description",
            kind: ArgumentKind::Text,
            required: false,
            says: "What people should read beside it.",
        },
    ],
    outputs: &[("image", "The id of the image."), ("name", "Its name.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::UniqueName,
    operations: &["ec2:DescribeInstances", "ec2:DescribeImages", "ec2:CreateImage", "ec2:DeregisterImage"],
    no_undo: None,
    usually: Some((Duration::from_secs(120), Duration::from_secs(3600))),
};

/// Says whether EC2 takes a name for an image: 3 to 128 letters, digits and a few signs.
fn check_name(name: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "()[] ./-'@_".contains(c);
    if is_later(name) || (3..=128).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(Refusal::new(format!("`{}` cannot be the name of an image", crate::domain::text::harmless(name)))
        .hint("3 to 128 letters, digits, blanks and ()[]./-'@_"))
}

impl Image {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, instance) = which(&ask, "instance").await?;
        let reboot = ask.given.switch("reboot")?;
        let reboot = reboot.ok_or_else(|| {
            Refusal::new("nobody has said whether the instance is rebooted")
                .hint("`reboot: true` takes it down for a moment, `reboot: false` leaves file systems as a crash would")
        })?;
        let name = match ask.given.maybe_text("name")? {
            Some(name) => name.to_owned(),
            None if is_later(&instance) => format!("lifeboat-{}-{}", ask.step, run_tail(ask.run)),
            None => format!("{instance}-{}", run_tail(ask.run)),
        };
        check_name(&name)?;
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let mut design = Design::new(component);
        if !is_later(&instance) {
            let describe = base("ec2:DescribeInstances").with("InstanceIds", json!([instance]));
            let found = Sort::INSTANCE.one(ask.look, &describe, &instance).await.map_err(|trouble| {
                Refusal::new(format!("the instance {instance} cannot be read: {trouble}"))
            })?;
            let found = found.ok_or_else(|| Refusal::new(format!("there is no instance {instance}")))?;
            let states = ["running", "stopped"];
            let state = Sort::INSTANCE.state(&found);
            if !states.contains(&state) {
                return Err(Refusal::new(format!(
                    "the instance {instance} is {state}, and no image of it can be made"
                ))
                .hint("an image needs an instance that runs or stands"));
            }
            if text(&found, "RootDeviceType") == "instance-store" {
                return Err(Refusal::new(format!(
                    "the root of {instance} is no volume: EC2 makes no image of it so"
                )));
            }
            design.preconditions.push(Precondition {
                says: "the instance runs or stands".into(),
                look: describe,
                at: "/Instances/0/State/Name".into(),
                expect: Expect::OneOf(states.iter().map(|state| Value::from(*state)).collect()),
            });
        }
        let filters = json!([{"Name": "name", "Values": [name]}]);
        let named = base("ec2:DescribeImages").with("Owners", json!(["self"])).with("Filters", filters);
        if !is_later(&name) {
            let taken = Sort::IMAGE.found(ask.look, &named).await?;
            if let Some(taken) = taken.first() {
                let says = format!("the name {name} is taken, by {}", text(taken, "ImageId"));
                return Err(Refusal::new(says).hint("choose another `name`"));
            }
            design.preconditions.push(Precondition {
                says: format!("the name {name} is free").into(),
                look: named,
                at: "/Images".into(),
                expect: Expect::Absent(Vec::new()),
            });
        }
        let own = tags(ask.run, ask.step);
        let said = ask.given.maybe_text("description")?;
        let description = said.map_or_else(|| format!("lifeboat {}", ask.run), str::to_owned);
        design.calls.push(PlannedCall {
            call: base("ec2:CreateImage")
                .with("InstanceId", instance.as_str())
                .with("Name", name.as_str())
                .with("Description", description)
                .with("NoReboot", !reboot)
                .with(
                    "TagSpecifications",
                    json!([{"ResourceType": "image", "Tags": own}, {"ResourceType": "snapshot", "Tags": own}]),
                ),
            says: format!("make the image {name} of {instance}").into(),
            class: if reboot { ActionClass::Mutating } else { ActionClass::Additive },
            dedupe: Dedupe::UniqueName,
        });
        design.undo = Undo::Calls {
            says: vec!["deregister the image and delete its snapshots".into()],
            class: ActionClass::Destructive,
        };
        design.notes.push(if reboot {
            "the instance is shut down and started again: what it serves is away for minutes".into()
        } else {
            "the instance goes on: its file systems are in the image as a crash would leave them".into()
        });
        design.notes.push("its snapshots are paid for by what has changed since the last".into());
        design.notes.push(
            "not in an image: instance type, network, addresses, instance profile, user data, tags; instance stores"
                .into(),
        );
        Ok(design)
    }
}

impl Action for Image {
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
            let found = Sort::IMAGE.probe(&doing, look).await?;
            let (Found::Nothing { .. }, Ok(call), Direction::Forward) =
                (&found, doing.call(), doing.direction)
            else {
                return Ok(found);
            };
            // Its name cannot be taken twice: whatever has it and is not ours stands in the way.
            let filters = json!([{"Name": "name", "Values": [call.text("Name").unwrap_or_default()]}]);
            let list = Call::new("ec2:DescribeImages", &call.environment, &call.place)
                .with("Owners", json!(["self"]))
                .with("Filters", filters);
            let taken = Sort::IMAGE.found(look, &list).await?;
            let other = taken
                .iter()
                .find(|image| !["failed", "error", "invalid"].contains(&Sort::IMAGE.state(image)));
            Ok(match other {
                Some(image) => Found::Unclear {
                    evidence: format!(
                        "{} has the name, and not the tags of this step",
                        text(image, "ImageId")
                    )
                    .into(),
                },
                None => found,
            })
        })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let told = |id: &str, image: &Value| outputs([("image", id), ("name", text(image, "Name"))]);
            Sort::IMAGE.progress(&doing, look, told).await
        })
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let hint = match (doing.direction, trouble.code().unwrap_or_default()) {
            (Direction::Undo, "InvalidAMIID.NotFound" | "InvalidAMIID.Unavailable") => return Meaning::Look,
            // It may be ours, of an attempt whose answer was lost.
            (_, "InvalidAMIName.Duplicate") => return Meaning::Look,
            (_, "InvalidInstanceID.NotFound") => "the instance is gone",
            (_, "ConcurrentSnapshotLimitExceeded") => {
                "five snapshots of one of its volumes are under way: wait for one, then retry"
            }
            (_, "AMILimitExceeded") => "the account may not have more images: deregister some",
            _ => return Meaning::Failed { hint: None },
        };
        Meaning::Failed { hint: Some(hint.into()) }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        deregister(doing)
    }
}

/// Returns the call that takes an image and its snapshots away again.
///
/// # Errors
/// When none was made.
pub(super) fn deregister(doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
    let id = text(doing.reply(0), "ImageId");
    let call = doing.calls.first().filter(|_| !id.is_empty());
    let call = call.ok_or_else(|| Refusal::new("no image was made"))?;
    Ok(vec![PlannedCall {
        call: Call::new("ec2:DeregisterImage", &call.environment, &call.place)
            .with("ImageId", id)
            .with("DeleteAssociatedSnapshots", true),
        says: format!("deregister {id} and delete its snapshots").into(),
        class: ActionClass::Destructive,
        dedupe: Dedupe::SetState,
    }])
}
