//! `route53-weights`: traffic moves between the weighted records of a name, all of them at once.

use super::facts::text;
use super::route53_record::named;
use super::route53_sets::{self as sets, Change};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::PlannedCall;
use serde_json::{Map, Value};
use std::time::Duration;

/// Moves the weights of a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights;

const ABOUT: About = About {
    name: "route53-weights",
    title: "move traffic between the weighted records of a name",
    says: "Changes the weights of several record sets of one name in one batch, so that there is no moment in which only \
           some have moved; nothing is changed if any of them is not as it was. It is done when all servers of Route \
           53 have it and the old lifetime has passed as well.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The record, as a component of the estate.",
        },
        Argument {
            name: "zone",
            kind: ArgumentKind::Text,
            required: false,
            says: "The hosted zone, by id or name; the one that holds the name if absent.",
        },
        Argument {
            name: "name",
            kind: ArgumentKind::Text,
            required: false,
            says: "The name, where it is no component.",
        },
        Argument { name: "type", kind: ArgumentKind::Text, required: false, says: "The type; A if absent." },
        Argument {
            name: "weights",
            kind: ArgumentKind::Pairs,
            required: false,
            says: "The new weight of each record set, by its set identifier, from 0 to 255.",
        },
        Argument {
            name: "to",
            kind: ArgumentKind::Text,
            required: false,
            says: "The one set identifier that is to have all traffic, in place of weights: all others get 0.",
        },
    ],
    outputs: &[("change", "The id of the change."), ("name", "The name.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::Conditional,
    operations: &[
        "route53:ListHostedZones",
        "route53:ListResourceRecordSets",
        "route53:ChangeResourceRecordSets",
        "route53:GetChange",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(60), Duration::from_secs(600))),
};

/// The weight of the one that gets everything.
const ALL: i64 = 100;
/// The largest weight that there is.
const LARGEST: i64 = 255;

impl Weights {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (zone, name, kind) = named(&ask)?;
        let kind = kind.as_deref().unwrap_or("A");
        let zone = sets::zone(&ask, zone.as_deref(), &name).await?;
        let listing = sets::listing(&ask.environment.name, &sets::global(&ask), &zone.id, &name, kind);
        let old = sets::read(ask.look, &listing)
            .await
            .map_err(|trouble| Refusal::new(format!("{name} {kind} cannot be read: {trouble}")))?;
        let known: Vec<&str> = old.iter().map(|set| text(set, "SetIdentifier")).collect();
        if old.is_empty() || old.iter().any(|set| set.get("Weight").is_none()) {
            return Err(Refusal::new(format!("{name} {kind} has no weights"))
                .hint("`route53-record` changes a record that has none"));
        }
        let mut new = old.clone();
        let mut notes = Vec::new();
        let weights = ask.given.pairs("weights")?;
        let to = ask.given.maybe_text("to")?;
        for id in weights.keys().map(String::as_str).chain(to) {
            if !known.contains(&id) {
                let says = format!("{name} has no record set `{id}`; it has {}", known.join(", "));
                return Err(Refusal::new(says));
            }
        }
        match to {
            Some(_) if !weights.is_empty() => {
                return Err(Refusal::new("`to` and `weights` say two things: give one of them"));
            }
            None if weights.is_empty() => {
                return Err(Refusal::new("neither `weights` nor `to` says where traffic goes"));
            }
            _ => {}
        }
        for set in &mut new {
            let id = text(set, "SetIdentifier").to_owned();
            let now = set.get("Weight").and_then(Value::as_i64).unwrap_or(0);
            let wanted = match (to, weights.get(&id)) {
                // What has a weight already keeps it: there is less to change, and less to take back.
                (Some(to), _) if to == id => {
                    if now == 0 {
                        ALL
                    } else {
                        now
                    }
                }
                (Some(_), _) => 0,
                (None, Some(weight)) => {
                    weight.parse::<i64>().ok().filter(|weight| (0..=LARGEST).contains(weight)).ok_or_else(
                        || Refusal::new(format!("the weight of {id} must be from 0 to 255, not `{weight}`")),
                    )?
                }
                (None, None) => now,
            };
            notes.push(format!("{id}: {now} becomes {wanted}"));
            if let Some(members) = set.as_object_mut() {
                members.insert("Weight".to_owned(), Value::from(wanted));
            }
        }
        if new.iter().all(|set| set.get("Weight").and_then(Value::as_i64) == Some(0)) {
            return Err(Refusal::new(format!("every record set of {name} would have the weight 0"))
                .hint("Route 53 then answers with all of them alike: leave one with more than 0"));
        }
        let says = format!("move the weights of {name} {kind}: {}", notes.join(", "));
        let mut design =
            sets::design(&ask, Change { zone: &zone, name: &name, kind, old, new, says }).await?;
        if ask.given.maybe_text("component")?.is_some() {
            design.component = Some(ask.component("component")?.id.clone());
        }
        design.facts.insert("name".to_owned(), Value::from(name.as_str()));
        design.notes.extend(notes.into_iter().map(Into::into));
        Ok(design)
    }
}

impl Action for Weights {
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
        Box::pin(async move { sets::probe(&doing, look).await })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let mut outputs = Map::new();
            outputs.insert("name".to_owned(), doing.step.facts.get("name").cloned().unwrap_or_default());
            sets::progress(&doing, look, outputs).await
        })
    }

    fn pace(&self) -> Duration {
        sets::PACE
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        sets::means(trouble)
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        sets::undo(doing)
    }
}
