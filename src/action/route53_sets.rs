//! Record sets of Route 53: read, changed in one batch that is refused when they are not as they were (N2), and waited for
//! until nobody can see the old ones any more (N1).

use super::facts::text;
use super::{Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::domain::ids::EnvironmentName;
use crate::domain::place::Place;
use crate::provider::port::{CallTrouble, Look};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// The Region whose control plane changes public DNS, and IAM (N4, N6).
pub(super) const CONTROL_PLANE: &str = "us-east-1";
/// The lifetime of what an alias answers, in seconds: it has none of its own.
const ALIAS_TTL: u64 = 60;
/// For how long a resolver remembers that there is no such name, in seconds, where the zone does not say it.
const NEGATIVE_TTL: u64 = 900;
/// How long a change is given to reach every server when its id was lost with the answer: five times what is usual (N1).
const UNSEEN: Duration = Duration::from_secs(300);
/// What a change is called whose record is protected; the SDK of this build cannot look at protections (N3).
const PROTECTED: &str = "a record that is protected refuses every change: take its protection away first";

/// A hosted zone.
pub(super) struct Zone {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) is_private: bool,
}

/// Returns where Route 53 and IAM are changed, whatever the Region of the environment.
pub(super) fn global(ask: &PlanAsk<'_>) -> Place {
    Place { account: ask.environment.account.clone(), region: CONTROL_PLANE.into() }
}

/// Returns a name as Route 53 writes it: in small letters, with a dot at its end.
pub(super) fn normal(name: &str) -> String {
    let name = name.trim_end_matches('.').to_lowercase().replace("\\052", "*");
    format!("{name}.")
}

/// Finds the hosted zone that is named, or that holds `name`.
///
/// # Errors
/// When there is none, or several that could be meant.
pub(super) async fn zone(ask: &PlanAsk<'_>, wanted: Option<&str>, name: &str) -> Result<Zone, Refusal> {
    let list = Call::new("route53:ListHostedZones", &ask.environment.name, &global(ask));
    let listed = ask.look.look(&list).await;
    let listed =
        listed.map_err(|trouble| Refusal::new(format!("the hosted zones cannot be read: {trouble}")))?;
    let all = listed.body.get("HostedZones").and_then(Value::as_array).cloned().unwrap_or_default();
    let holds = |zone: &&Value| {
        let (zone, name) = (normal(text(zone, "Name")), normal(name));
        name == zone || name.ends_with(&format!(".{zone}"))
    };
    let mut fitting: Vec<&Value> = match wanted {
        Some(wanted) => {
            let is =
                |zone: &&Value| text(zone, "Id") == wanted || normal(text(zone, "Name")) == normal(wanted);
            all.iter().filter(is).collect()
        }
        None => all.iter().filter(holds).collect(),
    };
    let longest = fitting.iter().map(|zone| text(zone, "Name").len()).max().unwrap_or(0);
    fitting.retain(|zone| text(zone, "Name").len() == longest);
    let found = match fitting.as_slice() {
        [one] => *one,
        [] => {
            let what = wanted.map_or_else(|| format!("that holds {name}"), |wanted| format!("`{wanted}`"));
            return Err(Refusal::new(format!("this account has no hosted zone {what}")));
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|zone| text(zone, "Id")).collect();
            return Err(Refusal::new(format!("{} zones could be meant: {}", ids.len(), ids.join(", ")))
                .hint("name the `zone` by its id"));
        }
    };
    if !holds(&found) {
        return Err(Refusal::new(format!("{name} is not within the zone {}", text(found, "Name"))));
    }
    Ok(Zone {
        id: text(found, "Id").to_owned(),
        name: text(found, "Name").to_owned(),
        is_private: found.get("PrivateZone") == Some(&Value::Bool(true)),
    })
}

/// Returns the look that reads all record sets of a name and type.
pub(super) fn listing(
    environment: &EnvironmentName,
    place: &Place,
    zone: &str,
    name: &str,
    kind: &str,
) -> Call {
    Call::new("route53:ListResourceRecordSets", environment, place)
        .with("HostedZoneId", zone)
        .with("Name", name)
        .with("Type", kind)
}

/// Reads all record sets of a name and type.
///
/// # Errors
/// When they cannot be read.
pub(super) async fn read(look: &dyn Look, listing: &Call) -> Result<Vec<Value>, CallTrouble> {
    let reply = look.look(listing).await?;
    Ok(reply.body.get("ResourceRecordSets").and_then(Value::as_array).cloned().unwrap_or_default())
}

/// Returns what cannot be written back as it is: somebody else owns such a record set, or the call does not carry it.
pub(super) fn cannot_be_kept(sets: &[Value]) -> Option<&'static str> {
    let has = |member: &str| sets.iter().any(|set| set.get(member).is_some());
    if has("TrafficPolicyInstanceId") {
        return Some("it belongs to a traffic policy, which has to be changed itself");
    }
    has("GeoProximityLocation").then_some("it is routed by proximity, which lifeboat does not write")
}

/// What is to be changed: the record sets as they are and as they are to be.
pub(super) struct Change<'a> {
    pub(super) zone: &'a Zone,
    pub(super) name: &'a str,
    pub(super) kind: &'a str,
    pub(super) old: Vec<Value>,
    pub(super) new: Vec<Value>,
    pub(super) says: String,
}

/// Plans the one batch that makes the new record sets of the old ones: each is deleted by its exact values, so the whole
/// batch is refused when somebody has changed one of them (N2). Nothing is upserted.
///
/// # Errors
/// When there is nothing to change.
pub(super) async fn design(ask: &PlanAsk<'_>, change: Change<'_>) -> Result<Design, Refusal> {
    let Change { zone, name, kind, old, new, says } = change;
    if let Some(why) = cannot_be_kept(&old) {
        return Err(Refusal::new(format!("{name} {kind} cannot be changed: {why}")));
    }
    let place = global(ask);
    let gone = old.iter().filter(|set| !new.contains(set));
    let made = new.iter().filter(|set| !old.contains(set));
    let entry = |action: &str, set: &Value| json!({"Action": action, "ResourceRecordSet": set});
    let changes: Vec<Value> =
        gone.map(|set| entry("DELETE", set)).chain(made.map(|set| entry("CREATE", set))).collect();
    if changes.is_empty() {
        return Err(Refusal::new(format!("{name} {kind} is so already: there is nothing to change")));
    }
    let listing = listing(&ask.environment.name, &place, &zone.id, name, kind);
    let mut design = Design::new(None);
    design.preconditions.push(Precondition {
        says: format!("nobody has changed {name} {kind}").into(),
        look: listing,
        at: "/ResourceRecordSets".into(),
        expect: Expect::Is(Value::Array(old.clone())),
    });
    let call = Call::new("route53:ChangeResourceRecordSets", &ask.environment.name, &place)
        .with("HostedZoneId", zone.id.as_str())
        .with(
            "ChangeBatch",
            json!({"Comment": format!("lifeboat {} {}", ask.run, ask.step), "Changes": changes}),
        );
    let wait = match longest_ttl(&call) {
        Some(ttl) => ttl,
        None => negative_ttl(ask, zone).await,
    };
    design.facts.insert("ttl".to_owned(), Value::from(wait));
    design.calls.push(PlannedCall {
        call,
        says: says.into(),
        class: ActionClass::Mutating,
        dedupe: Dedupe::Conditional,
    });
    design.undo = Undo::Calls {
        says: vec!["the reverse batch, refused if anybody has changed the record since".into()],
        class: ActionClass::Mutating,
    };
    design.control_plane = Some(CONTROL_PLANE.into());
    let wait = crate::domain::duration::words(Duration::from_secs(wait));
    design.notes = vec![
        "the batch is carried out as a whole or not at all, and is refused if the record is not as it is now".into(),
        format!("it is done when all servers of Route 53 have it and {wait} more have passed: for so long resolvers may keep the old answer").into(),
        format!("it needs the control plane of Route 53 in {CONTROL_PLANE}; what is answered does not").into(),
        PROTECTED.into(),
    ];
    if zone.is_private {
        design.notes.push(
            "the zone is private: only its networks see it, and nothing fails its control plane over".into(),
        );
    }
    Ok(design)
}

/// Returns the longest lifetime of what a batch takes away, in seconds; `None` where it takes nothing away.
fn longest_ttl(call: &Call) -> Option<u64> {
    let ttl = |set: &Value| set.get("TTL").and_then(Value::as_u64).unwrap_or(ALIAS_TTL);
    sets(call, "DELETE").map(ttl).max()
}

/// Returns for how long resolvers of a zone remember that there is no such name: the least of what its SOA says.
async fn negative_ttl(ask: &PlanAsk<'_>, zone: &Zone) -> u64 {
    let soa = listing(&ask.environment.name, &global(ask), &zone.id, &zone.name, "SOA");
    let Ok(found) = read(ask.look, &soa).await else { return NEGATIVE_TTL };
    let minimum = found.first().and_then(|set| {
        let value = set.pointer("/ResourceRecords/0/Value").and_then(Value::as_str)?;
        let minimum = value.split_whitespace().last()?.parse::<u64>().ok()?;
        Some(minimum.min(set.get("TTL").and_then(Value::as_u64)?))
    });
    minimum.unwrap_or(NEGATIVE_TTL)
}

/// Returns the record sets that a batch deletes or creates.
fn sets<'a>(call: &'a Call, action: &'a str) -> impl Iterator<Item = &'a Value> {
    let changes = call.arguments.get("ChangeBatch").and_then(|batch| batch.get("Changes"));
    let changes = changes.and_then(Value::as_array).into_iter().flatten();
    changes
        .filter(move |change| text(change, "Action") == action)
        .filter_map(|change| change.get("ResourceRecordSet"))
}

/// Returns the look that shows whether a batch has been carried out.
fn shows(call: &Call) -> Option<Call> {
    let first = sets(call, "CREATE").chain(sets(call, "DELETE")).next()?;
    let zone = call.text("HostedZoneId").unwrap_or_default();
    Some(listing(&call.environment, &call.place, zone, text(first, "Name"), text(first, "Type")))
}

/// Looks whether a batch has been carried out: all that it creates is there, and nothing that it deletes.
///
/// # Errors
/// When the record cannot be read.
pub(super) async fn probe(doing: &Doing<'_>, look: &dyn Look) -> Result<Found, CallTrouble> {
    let Some((call, listing)) = doing.call().ok().and_then(|call| Some((call, shows(call)?))) else {
        return Ok(Found::Unclear { evidence: "the step has no such call".into() });
    };
    let there = read(look, &listing).await?;
    let all =
        |action: &'static str, wanted: bool| sets(call, action).all(|set| there.contains(set) == wanted);
    let name = listing.text("Name").unwrap_or_default();
    Ok(if all("CREATE", true) && all("DELETE", false) {
        Found::Happened { reply: Value::Null, evidence: format!("{name} is as it is to be").into() }
    } else if all("CREATE", false) && all("DELETE", true) {
        Found::Nothing { evidence: format!("{name} is as it was").into() }
    } else {
        let evidence = format!(
            "{name} is neither as it was nor as it is to be: somebody else has changed it, and it is {} now",
            brief(&there)
        );
        Found::Unclear { evidence: evidence.into() }
    })
}

/// Says record sets in a few words.
fn brief(sets: &[Value]) -> String {
    let one = |set: &Value| {
        let values =
            set.get("ResourceRecords").and_then(Value::as_array).map_or([].as_slice(), Vec::as_slice);
        let values: Vec<&str> = values.iter().map(|value| text(value, "Value")).collect();
        let alias = set.get("AliasTarget").map(|alias| format!("alias of {}", text(alias, "DNSName")));
        let value = alias.unwrap_or_else(|| values.join(" "));
        match (text(set, "SetIdentifier"), set.get("Weight")) {
            ("", _) => value,
            (id, Some(weight)) => format!("{id} {value} (weight {weight})"),
            (id, None) => format!("{id} {value}"),
        }
    };
    if sets.is_empty() { "gone".to_owned() } else { sets.iter().map(one).collect::<Vec<_>>().join(", ") }
}

/// Looks how far a batch is: on its way to the servers of Route 53, on all of them, and forgotten by resolvers (N1).
///
/// # Errors
/// When the change cannot be read.
pub(super) async fn progress(
    doing: &Doing<'_>,
    look: &dyn Look,
    mut outputs: Map<String, Value>,
) -> Result<Progress, CallTrouble> {
    let Ok(call) = doing.call() else { return Ok(Progress::Done(Map::new())) };
    let planned = doing.step.facts.get("ttl").and_then(Value::as_u64).unwrap_or(NEGATIVE_TTL);
    let ttl = match doing.direction {
        Direction::Forward => planned,
        Direction::Undo => longest_ttl(call).unwrap_or(NEGATIVE_TTL),
    };
    let ttl = Duration::from_secs(ttl);
    let info = doing.reply(doing.index).get("ChangeInfo").cloned().unwrap_or_default();
    let id = text(&info, "Id");
    outputs.insert("change".to_owned(), Value::from(id));
    let holds = |span: Duration, says: &str, outputs| Progress::Holds {
        span,
        says: says.into(),
        outputs,
        for_good: true,
    };
    if id.is_empty() {
        // The answer was lost, and the id of the change with it; what there is shows that it was taken.
        let says = "the id of the change was lost with its answer, so it is given 5 min to reach all servers, then resolvers may still have the old answer";
        return Ok(holds(UNSEEN + ttl, says, outputs));
    }
    let asked = Call::new("route53:GetChange", &call.environment, &call.place).with("Id", id);
    let seen = look.look(&asked).await?;
    let status = seen.body.pointer("/ChangeInfo/Status").and_then(Value::as_str).unwrap_or_default();
    Ok(match status {
        "INSYNC" => holds(
            ttl,
            "all servers of Route 53 have it (INSYNC), resolvers may still have the old answer",
            outputs,
        ),
        status => Progress::Going {
            percent: None,
            says: format!("{status}: not all servers of Route 53 have it yet").into(),
        },
    })
}

/// Says what a refusal of a batch means.
pub(super) fn means(trouble: &CallTrouble) -> Meaning {
    let hint = match trouble.code().unwrap_or_default() {
        // The record is not as it was: ours may have been the batch that changed it.
        "InvalidChangeBatch" => return Meaning::Look,
        "NoSuchHostedZone" => Some("the hosted zone is gone".into()),
        "NoSuchHealthCheck" => {
            Some("the health check of the record is gone: make it again, or plan without it".into())
        }
        "InvalidInput" => Some("Route 53 does not take the values: see what it says, and plan anew".into()),
        _ => None,
    };
    Meaning::Failed { hint }
}

/// Returns the batch that takes one back: what was created is deleted by its exact values, and what was there comes back.
///
/// # Errors
/// When nothing was changed.
pub(super) fn undo(doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
    let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was changed"))?;
    let entry = |action: &str, set: &Value| json!({"Action": action, "ResourceRecordSet": set});
    let gone = sets(call, "CREATE").map(|set| entry("DELETE", set));
    let back = sets(call, "DELETE").map(|set| entry("CREATE", set));
    let changes: Vec<Value> = gone.chain(back).collect();
    let name = sets(call, "CREATE").chain(sets(call, "DELETE")).next().map_or("", |set| text(set, "Name"));
    let says = format!("put {name} back as it was").into();
    let comment = format!("lifeboat {} undo", doing.run);
    let call = Call::new(&call.operation, &call.environment, &call.place)
        .maybe("HostedZoneId", call.text("HostedZoneId"))
        .with("ChangeBatch", json!({"Comment": comment, "Changes": changes}));
    Ok(vec![PlannedCall { call, says, class: ActionClass::Mutating, dedupe: Dedupe::Conditional }])
}

/// Returns how often a change is looked at: a fraction of the five requests a second that an account has (N2).
pub(super) const PACE: Duration = Duration::from_secs(10);
