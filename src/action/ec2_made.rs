//! What EC2 makes for a step: it carries the step's tags from its first moment, so it is found again by them.

use super::facts::{is_tagged, tag_filters, text};
use super::{Doing, Found, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::estate::Selector;
use crate::domain::ids::ComponentId;
use crate::domain::place::Place;
use crate::provider::port::{CallTrouble, Look};
use crate::runbook::call::Call;
use serde_json::{Map, Value, json};

/// A sort of thing that EC2 makes, with the words that its calls use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sort {
    describe: &'static str,
    list: &'static str,
    id: &'static str,
    ids: &'static str,
    /// The argument that leaves out what others own, where there is such a thing.
    owners: Option<&'static str>,
    /// Where its state stands, and where its id stands in the answer to the call that makes it.
    state: &'static str,
    made: &'static str,
    gone: &'static [&'static str],
    ready: &'static [&'static str],
    failed: &'static [&'static str],
    /// The states of what is no more.
    over: &'static [&'static str],
}

impl Sort {
    /// Images of instances.
    pub(super) const IMAGE: Self = Self {
        describe: "ec2:DescribeImages",
        list: "Images",
        id: "ImageId",
        ids: "ImageIds",
        owners: Some("Owners"),
        state: "/State",
        made: "/ImageId",
        gone: &["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"],
        ready: &["available"],
        failed: &["failed", "error", "invalid"],
        over: &["deregistered"],
    };

    /// Snapshots of volumes.
    pub(super) const SNAPSHOT: Self = Self {
        describe: "ec2:DescribeSnapshots",
        list: "Snapshots",
        id: "SnapshotId",
        ids: "SnapshotIds",
        owners: Some("OwnerIds"),
        state: "/State",
        made: "/SnapshotId",
        gone: &["InvalidSnapshot.NotFound"],
        ready: &["completed"],
        failed: &["error"],
        over: &[],
    };

    /// Instances. One that stops after its launch did not come up.
    pub(super) const INSTANCE: Self = Self {
        describe: "ec2:DescribeInstances",
        list: "Instances",
        id: "InstanceId",
        ids: "InstanceIds",
        owners: None,
        state: "/State/Name",
        made: "/Instances/0/InstanceId",
        gone: &["InvalidInstanceID.NotFound"],
        ready: &["running"],
        failed: &["shutting-down", "terminated", "stopping", "stopped"],
        over: &["terminated"],
    };

    /// Returns the state of a thing.
    pub(super) fn state<'a>(&self, thing: &'a Value) -> &'a str {
        thing.pointer(self.state).and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns the call that looks at one by its id, at the place of another call.
    pub(super) fn by_id(&self, like: &Call, id: &str) -> Call {
        Call::new(self.describe, &like.environment, &like.place).with(self.ids, json!([id]))
    }

    /// Returns the things that a look finds; none where EC2 says that there is no such thing.
    pub(super) async fn found(&self, look: &dyn Look, call: &Call) -> Result<Vec<Value>, CallTrouble> {
        match look.look(call).await {
            Ok(reply) => Ok(reply.body.get(self.list).and_then(Value::as_array).cloned().unwrap_or_default()),
            Err(CallTrouble::Refused { code, .. }) if self.gone.contains(&code.as_str()) => Ok(Vec::new()),
            Err(trouble) => Err(trouble),
        }
    }

    /// Returns the one of an id, at the place of another call.
    pub(super) async fn one(
        &self,
        look: &dyn Look,
        like: &Call,
        id: &str,
    ) -> Result<Option<Value>, CallTrouble> {
        Ok(self.found(look, &self.by_id(like, id)).await?.into_iter().next())
    }

    /// Returns the id of what a step made, or of what its call names.
    pub(super) fn id_of(&self, doing: &Doing<'_>) -> String {
        let made = doing.reply(0).pointer(self.made).and_then(Value::as_str);
        let call = doing.call().ok();
        let named = call
            .and_then(|call| call.text(self.id).or_else(|| call.arguments.get(self.ids)?.get(0)?.as_str()));
        let id = if doing.direction == Direction::Undo { named.or(made) } else { made };
        id.unwrap_or_default().to_owned()
    }

    /// Looks for what carries the tags of a step; while it is taken back, whether it is gone.
    pub(super) async fn probe(&self, doing: &Doing<'_>, look: &dyn Look) -> Result<Found, CallTrouble> {
        let Ok(call) = doing.call() else {
            return Ok(Found::Unclear { evidence: "the step has no such call".into() });
        };
        let step = doing.step.id.as_str();
        if doing.direction == Direction::Undo {
            let id = self.id_of(doing);
            let found = self.one(look, call, &id).await?;
            let state = found.as_ref().map(|found| self.state(found)).unwrap_or_default().to_owned();
            let ends = self.over.contains(&state.as_str()) || state == "shutting-down";
            return Ok(if found.is_none() || ends {
                Found::Happened { reply: Value::Null, evidence: format!("{id} is gone").into() }
            } else {
                Found::Nothing { evidence: format!("{id} is still there").into() }
            });
        }
        let list = Call::new(self.describe, &call.environment, &call.place)
            .with("Filters", tag_filters(doing.run, step));
        let list = match self.owners {
            Some(owners) => list.with(owners, json!(["self"])),
            None => list,
        };
        let found = self.found(look, &list).await?;
        // What an earlier attempt left behind is not this one.
        let mine: Vec<&Value> = found
            .iter()
            .filter(|thing| is_tagged(thing, "Tags", doing.run, step))
            .filter(|thing| {
                let state = self.state(thing);
                !self.failed.contains(&state) && !self.over.contains(&state)
            })
            .collect();
        let ids: Vec<&str> = mine.iter().map(|thing| text(thing, self.id)).collect();
        Ok(match mine.as_slice() {
            [] => Found::Nothing { evidence: "nothing carries the tags of this step".into() },
            [one] => {
                let whole = self.made.starts_with(&format!("/{}/", self.list));
                let reply = if whole { json!({ self.list: [one] }) } else { (*one).clone() };
                Found::Happened {
                    reply,
                    evidence: format!("{} carries the tags of this step", ids.join(", ")).into(),
                }
            }
            _ => {
                Found::Unclear { evidence: format!("{} carry the tags of this step", ids.join(", ")).into() }
            }
        })
    }

    /// Looks how far what a step made is; `outputs` says what later steps can refer to.
    pub(super) async fn progress(
        &self,
        doing: &Doing<'_>,
        look: &dyn Look,
        outputs: impl FnOnce(&str, &Value) -> Map<String, Value>,
    ) -> Result<Progress, CallTrouble> {
        let Ok(call) = doing.call() else { return Ok(Progress::Done(Map::new())) };
        let id = self.id_of(doing);
        let found = self.one(look, call, &id).await?;
        let state = found.as_ref().map(|found| self.state(found)).unwrap_or_default().to_owned();
        if doing.direction == Direction::Undo {
            return Ok(match found {
                Some(_) if !self.over.contains(&state.as_str()) => {
                    Progress::Going { percent: None, says: format!("{id} is still there").into() }
                }
                _ => Progress::Done(Map::new()),
            });
        }
        let Some(found) = found else {
            return Ok(Progress::Going { percent: None, says: format!("{id} does not show yet").into() });
        };
        if self.ready.contains(&state.as_str()) {
            return Ok(Progress::Done(outputs(&id, &found)));
        }
        if self.failed.contains(&state.as_str()) {
            let why = found.pointer("/StateReason/Message").and_then(Value::as_str);
            let why = why.unwrap_or_else(|| text(&found, "StateMessage"));
            return Ok(Progress::Failed {
                why: format!("{id} is {state}: {why}").into(),
                hint: Some("undo the step, then `retry` it".into()),
            });
        }
        let percent = text(&found, "Progress").trim_end_matches('%').parse().ok();
        Ok(Progress::Going { percent, says: format!("{id} is {state}").into() })
    }
}

/// Returns the place that an argument `region` names: home, or the Region to which the environment recovers.
///
/// # Errors
/// When it is neither.
pub(super) fn place_of(ask: &PlanAsk<'_>, argument: &str) -> Result<Place, Refusal> {
    let home = ask.environment.home();
    match ask.given.maybe_text(argument)? {
        None => Ok(home),
        Some(region) if *home.region.as_str() == *region => Ok(home),
        Some(region) => match &ask.environment.dr_region {
            Some(away) if *away.as_str() == *region => Ok(Place { region: away.clone(), ..home }),
            _ => Err(Refusal::new(format!(
                "`{argument}` {region} is neither the Region of {} nor the one it recovers to",
                ask.environment.name
            ))
            .hint("name `region` or `dr_region` of the environment as the estate has them")),
        },
    }
}

/// Returns the Region to which the environment recovers, which is not its own.
///
/// # Errors
/// When the estate names none.
pub(super) fn away(ask: &PlanAsk<'_>, argument: &str) -> Result<Place, Refusal> {
    let home = ask.environment.home();
    let place = match (ask.given.maybe_text(argument)?, &ask.environment.dr_region) {
        (Some(_), _) => place_of(ask, argument)?,
        (None, Some(region)) => Place { region: region.clone(), ..home.clone() },
        (None, None) => {
            return Err(Refusal::new(format!("{} recovers to no other Region", ask.environment.name))
                .hint("write `dr_region` into the estate, or name the `region`"));
        }
    };
    if place == home {
        return Err(Refusal::new(format!("{} is where it lies already", place.region)));
    }
    Ok(place)
}

/// Returns what an action is about: a component that is found by an id or by a tag, or an id as it was given.
///
/// # Errors
/// When nobody can tell which it is.
pub(super) async fn which(
    ask: &PlanAsk<'_>,
    argument: &str,
) -> Result<(Option<ComponentId>, String), Refusal> {
    if ask.given.maybe_text("component")?.is_none() {
        return match ask.given.maybe_text(argument)? {
            Some(id) => Ok((None, id.to_owned())),
            None => Err(Refusal::new(format!("neither `component` nor `{argument}` says which"))),
        };
    }
    let component = ask.component("component")?;
    let says = |why: &str| {
        Refusal::new(format!("`{}` {why}, so nobody knows which {argument} it is", component.id))
            .hint(format!("name the `{argument}`"))
    };
    match &component.selector {
        Some(Selector::Id(id)) => Ok((Some(component.id.clone()), id.to_string())),
        Some(Selector::Tag { key, value }) if argument == "instance" => {
            let filters = json!([
                {"Name": format!("tag:{key}"), "Values": [value.as_str()]},
                {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
            ]);
            let list = Call::new("ec2:DescribeInstances", &ask.environment.name, &ask.environment.home())
                .with("Filters", filters);
            let found = Sort::INSTANCE.found(ask.look, &list).await.map_err(|trouble| {
                Refusal::new(format!("the instances of tag {key}={value} cannot be read: {trouble}"))
            })?;
            match found.as_slice() {
                [one] => Ok((Some(component.id.clone()), text(one, "InstanceId").to_owned())),
                [] => Err(says("is found by a tag that no instance carries")),
                _ => Err(says("is found by a tag that several instances carry")),
            }
        }
        _ => Err(says("is not found by an id")),
    }
}

/// Returns the words that say what a step made is called, as a map of outputs.
pub(super) fn outputs<const N: usize>(all: [(&str, &str); N]) -> Map<String, Value> {
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}

/// Returns tags with those of a step added, as EC2 takes them; AWS keeps names that begin with `aws:` to itself.
pub(super) fn with_tags(own: &Value, kept: Option<&Value>) -> Value {
    let own_tags = own.as_array().cloned().unwrap_or_default();
    let kept = kept.and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<Value> = kept
        .filter(|tag| {
            let key = text(tag, "Key");
            !key.starts_with("aws:") && own_tags.iter().all(|own| text(own, "Key") != key)
        })
        .cloned()
        .collect();
    all.extend(own_tags);
    Value::Array(all)
}
