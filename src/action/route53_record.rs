//! `route53-record`: a record gets other values, or another target, if it is still as it was.

use super::facts::text;
use super::given::is_later;
use super::route53_sets::{self as sets, Change, normal};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::estate::Selector;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::PlannedCall;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Gives a record other values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record;

/// The lifetime of a new record, in seconds, where nobody says it.
const TTL: i64 = 60;
/// The types of record that it writes.
const TYPES: &[&str] = &["A", "AAAA", "CNAME", "TXT", "MX", "SRV", "CAA", "NS"];

const ABOUT: About = About {
    name: "route53-record",
    title: "give a DNS record other values",
    says: "Changes one record of Route 53 in one batch that deletes exactly what is there now and creates what is to be: if \
           anybody has changed the record since the plan, nothing is changed. It is done when all servers of Route 53 \
           have it and the old lifetime has passed as well.",
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
        Argument {
            name: "type",
            kind: ArgumentKind::Choice(TYPES),
            required: false,
            says: "The type; A if absent.",
        },
        Argument { name: "values", kind: ArgumentKind::Texts, required: false, says: "The new values." },
        Argument {
            name: "value",
            kind: ArgumentKind::Text,
            required: false,
            says: "The new value, where it is one.",
        },
        Argument {
            name: "alias",
            kind: ArgumentKind::Text,
            required: false,
            says: "The DNS name that it becomes an alias of, in place of values.",
        },
        Argument {
            name: "alias-zone",
            kind: ArgumentKind::Text,
            required: false,
            says: "The hosted zone id of what it becomes an alias of.",
        },
        Argument {
            name: "evaluate-target-health",
            kind: ArgumentKind::Switch,
            required: false,
            says: "Whether the alias counts as unhealthy when its target is; false if absent.",
        },
        Argument {
            name: "ttl",
            kind: ArgumentKind::Number,
            required: false,
            says: "The lifetime in seconds; as it was if absent.",
        },
        Argument {
            name: "set",
            kind: ArgumentKind::Text,
            required: false,
            says: "Which of several record sets of the name, by its set identifier.",
        },
    ],
    outputs: &[
        ("change", "The id of the change."),
        ("name", "The name."),
        ("was", "The values that it had, with blanks between."),
    ],
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

/// Returns zone, name and type as an argument or a component names them: `ZONE/name/TYPE`, `name/TYPE`, or a name alone.
pub(super) fn named(ask: &PlanAsk<'_>) -> Result<(Option<String>, String, Option<String>), Refusal> {
    let given = ask.given;
    let (mut zone, mut kind) =
        (given.maybe_text("zone")?.map(str::to_owned), given.maybe_text("type")?.map(str::to_owned));
    let name = match (given.maybe_text("name")?, given.maybe_text("component")?) {
        (Some(name), _) => name.to_owned(),
        (None, Some(_)) => {
            let component = ask.component("component")?;
            let Some(Selector::Id(id)) = &component.selector else {
                let says =
                    format!("`{}` is not found by an id, so nobody knows which record it is", component.id);
                return Err(Refusal::new(says).hint("name the record by `name`"));
            };
            let parts: Vec<&str> = id.as_str().split('/').collect();
            let (own_zone, name, own_kind) = match parts.as_slice() {
                [zone, name, kind, ..] => (Some(*zone), *name, Some(*kind)),
                [zone, name] if !zone.contains('.') => (Some(*zone), *name, None),
                [name, kind] => (None, *name, Some(*kind)),
                _ => (None, id.as_str(), None),
            };
            zone = zone.or_else(|| own_zone.map(str::to_owned));
            kind = kind.or_else(|| own_kind.map(str::to_uppercase));
            name.to_owned()
        }
        (None, None) => return Err(Refusal::new("neither `component` nor `name` says which record")),
    };
    if is_later(&name) {
        return Err(Refusal::new("the name of the record has to be known when the plan is made"));
    }
    Ok((zone, normal(&name), kind))
}

impl Record {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (zone, name, kind) = named(&ask)?;
        let kind = kind.as_deref().unwrap_or("A");
        if !TYPES.contains(&kind) {
            return Err(
                Refusal::new(format!("`type` cannot be {kind}")).hint(format!("one of {}", TYPES.join(", ")))
            );
        }
        let zone = sets::zone(&ask, zone.as_deref(), &name).await?;
        let listing = sets::listing(&ask.environment.name, &sets::global(&ask), &zone.id, &name, kind);
        let there = sets::read(ask.look, &listing)
            .await
            .map_err(|trouble| Refusal::new(format!("{name} {kind} cannot be read: {trouble}")))?;
        let old = which(&there, ask.given.maybe_text("set")?, &name)?;
        let new = Self::wanted(&ask, old.as_ref(), &name, kind)?;
        let mut all = there.clone();
        all.retain(|set| Some(set) != old.as_ref());
        all.push(new.clone());
        let says = format!("make {name} {kind} {}", words(&new));
        let change = Change { zone: &zone, name: &name, kind, old: there, new: all, says };
        let mut design = sets::design(&ask, change).await?;
        if ask.given.maybe_text("component")?.is_some() {
            design.component = Some(ask.component("component")?.id.clone());
        }
        design.facts.insert("name".to_owned(), Value::from(name.as_str()));
        design.facts.insert("was".to_owned(), Value::from(old.as_ref().map(words).unwrap_or_default()));
        if old.is_none() {
            design.notes.push(format!("there is no {name} {kind} yet: it is created").into());
        }
        Ok(design)
    }

    /// Returns the record set that is to be: the old one with other values, all else as it was.
    fn wanted(ask: &PlanAsk<'_>, old: Option<&Value>, name: &str, kind: &str) -> Result<Value, Refusal> {
        let given = ask.given;
        let mut values = given.texts("values")?;
        values.extend(given.maybe_text("value")?.map(str::to_owned));
        let mut new = old.cloned().unwrap_or_else(|| json!({"Name": name, "Type": kind}));
        let Some(members) = new.as_object_mut() else {
            return Err(Refusal::new("the record cannot be read"));
        };
        match (given.maybe_text("alias")?, values.is_empty()) {
            (Some(alias), true) => {
                let zone = given.maybe_text("alias-zone")?.ok_or_else(|| {
                    Refusal::new("`alias-zone` is missing: an alias names the hosted zone of its target")
                })?;
                let healthy = given.switch("evaluate-target-health")?.unwrap_or(false);
                members.remove("TTL");
                members.remove("ResourceRecords");
                let target =
                    json!({"HostedZoneId": zone, "DNSName": normal(alias), "EvaluateTargetHealth": healthy});
                members.insert("AliasTarget".to_owned(), target);
            }
            (None, false) => {
                let was = members.get("TTL").and_then(Value::as_i64);
                let ttl = given.number("ttl")?.or(was).unwrap_or(TTL);
                if !(0..=2_147_483_647).contains(&ttl) {
                    return Err(Refusal::new(format!("`ttl` cannot be {ttl}")));
                }
                members.remove("AliasTarget");
                members.insert("TTL".to_owned(), Value::from(ttl));
                let values: Vec<Value> = values.iter().map(|value| json!({ "Value": value })).collect();
                members.insert("ResourceRecords".to_owned(), Value::Array(values));
            }
            (Some(_), false) => return Err(Refusal::new("a record has values or is an alias, not both")),
            (None, true) => return Err(Refusal::new("neither `values` nor `alias` says what it is to be")),
        }
        Ok(new)
    }
}

/// Returns which record set of a name is meant; `None` where there is none at all.
fn which(there: &[Value], set: Option<&str>, name: &str) -> Result<Option<Value>, Refusal> {
    match (there, set) {
        ([], None) => Ok(None),
        (_, Some(set)) => {
            let found = there.iter().find(|one| text(one, "SetIdentifier") == set);
            found.cloned().map(Some).ok_or_else(|| Refusal::new(format!("{name} has no record set `{set}`")))
        }
        ([one], None) => Ok(Some(one.clone())),
        (several, None) => {
            let ids: Vec<&str> = several.iter().map(|one| text(one, "SetIdentifier")).collect();
            Err(Refusal::new(format!("{name} has {} record sets: {}", ids.len(), ids.join(", ")))
                .hint("say which by `set`; `route53-weights` moves several at once"))
        }
    }
}

fn words(set: &Value) -> String {
    if let Some(alias) = set.get("AliasTarget") {
        return format!("an alias of {}", text(alias, "DNSName"));
    }
    let values = set.get("ResourceRecords").and_then(Value::as_array).map_or([].as_slice(), Vec::as_slice);
    values.iter().map(|value| text(value, "Value")).collect::<Vec<_>>().join(" ")
}

impl Action for Record {
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
            for fact in ["name", "was"] {
                outputs.insert(fact.to_owned(), doing.step.facts.get(fact).cloned().unwrap_or_default());
            }
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
