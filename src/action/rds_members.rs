//! Clusters and their instances as steps make them: a cluster that is made has no instance, and answers nobody until one is
//! made for it (A1).

use super::facts::{is_tagged, tags, text};
use super::rds_cluster_settings::{carry_instance, differing};
use super::rds_facts::{NO_CLUSTER, NO_INSTANCE, cluster, instance, plain};
use super::rds_settings::failure;
use super::{Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::provider::port::{CallTrouble, Look};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::PlannedCall;
use serde_json::{Map, Value, json};

/// The states from which a cluster does not come by itself.
const TERMINAL: [(&str, &str); 5] = [
    ("failed", "delete it (undo) and restore anew"),
    ("restore-error", "delete it (undo) and try another snapshot"),
    ("incompatible", "look at the groups and the version of the engine; delete it (undo) and restore anew"),
    ("inaccessible-encryption-credentials", "the key cannot be used: enable it, or use another snapshot"),
    ("insufficient-capacity", "delete it (undo), and try again later or elsewhere"),
];

/// What later steps can refer to.
pub(super) const OUTPUTS: &[(&str, &str)] = &[
    ("cluster", "The name of the new cluster."),
    ("instance", "The name of its first instance."),
    ("endpoint", "The address of its writer."),
    ("reader_endpoint", "The address of its readers."),
    ("port", "Its port."),
    ("arn", "Its ARN."),
];

/// Returns the instances of a cluster, the one that writes first.
///
/// # Errors
/// When nothing can be seen.
pub(super) async fn instances(
    look: &dyn Look,
    like: &Call,
    cluster: &Value,
) -> Result<Vec<Value>, CallTrouble> {
    let members = cluster.get("DBClusterMembers").and_then(Value::as_array);
    let mut members: Vec<&Value> = members.map_or([].as_slice(), Vec::as_slice).iter().collect();
    members.sort_by_key(|member| member.get("IsClusterWriter") != Some(&Value::Bool(true)));
    let mut found = Vec::new();
    for member in members {
        found.extend(instance(look, like, text(member, "DBInstanceIdentifier")).await?);
    }
    Ok(found)
}

/// Returns the calls that make the instances of a cluster: as many as the original has, or one of a class.
///
/// # Errors
/// When nothing says of which class they are.
pub(super) fn planned(
    ask: &PlanAsk<'_>,
    base: &Call,
    target: &str,
    engine: &str,
    originals: &[Value],
    in_its_region: bool,
) -> Result<Vec<PlannedCall>, Refusal> {
    let class = ask.given.maybe_text("class")?;
    let count = ask.given.number("instances")?;
    if count.is_some_and(|count| !(1..=16).contains(&count)) {
        return Err(Refusal::new("`instances` is from 1 to 16"));
    }
    if originals.is_empty() && class.is_none() {
        return Err(Refusal::new(
            "of which class its instances are to be is not known: the original does not answer",
        )
        .hint("say it with `class`; a cluster without an instance answers nobody"));
    }
    let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(originals.len().max(1));
    let calls = (0..count).map(|nth| {
        let name = format!("{target}-{}", nth + 1);
        let mut call = Call::new("rds:CreateDBInstance", &base.environment, &base.place)
            .with("DBInstanceIdentifier", name.as_str())
            .with("DBClusterIdentifier", target)
            .with("Engine", engine);
        if let Some(original) = originals.get(nth).or(originals.last()) {
            carry_instance(&mut call, original, in_its_region);
        }
        PlannedCall {
            call: call.maybe("DBInstanceClass", class).with("Tags", tags(ask.run, ask.step)),
            says: format!("make {name}, an instance of it: without one it answers nobody").into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::UniqueName,
        }
    });
    Ok(calls.collect())
}

fn cluster_of(call: &Call) -> &str {
    call.text("DBClusterIdentifier").unwrap_or_default()
}

/// Looks whether a call that makes, changes or deletes a cluster or an instance of it has happened.
///
/// # Errors
/// When nothing can be seen.
pub(super) async fn probe(doing: &Doing<'_>, look: &dyn Look) -> Result<Found, CallTrouble> {
    let Ok(call) = doing.call() else {
        return Ok(Found::Unclear { evidence: "the step has no such call".into() });
    };
    let of_instance = call.name().ends_with("DBInstance");
    let (name, found, status, word) = if of_instance {
        let name = call.text("DBInstanceIdentifier").unwrap_or_default();
        (name, instance(look, call, name).await?, "DBInstanceStatus", "instance")
    } else {
        let name = cluster_of(call);
        (name, cluster(look, call, name).await?, "Status", "cluster")
    };
    let happened =
        |found: Value, says: String| Found::Happened { reply: json!({ word: found }), evidence: says.into() };
    Ok(match (call.name(), found) {
        ("ModifyDBCluster", Some(found)) => {
            let differs = differing(call, &found);
            if differs.is_empty() {
                happened(found, format!("{name} has these settings"))
            } else {
                let evidence = format!("{name} does not have {} yet", differs.join(", "));
                Found::Nothing { evidence: evidence.into() }
            }
        }
        ("DeleteDBInstance" | "DeleteDBCluster", None) => happened(Value::Null, format!("{name} is gone")),
        ("DeleteDBInstance" | "DeleteDBCluster", Some(found)) => {
            if text(&found, status) == "deleting" {
                happened(found, format!("{name} is being deleted"))
            } else {
                Found::Nothing { evidence: format!("{name} is still there").into() }
            }
        }
        (_, None) => Found::Nothing { evidence: format!("there is no {word} {name}").into() },
        (_, Some(found)) if is_tagged(&found, "TagList", doing.run, doing.step.id.as_str()) => {
            let says = format!("{name} is {}, and carries the tags of this run", text(&found, status));
            happened(found, says)
        }
        (_, Some(_)) => {
            let evidence = format!("there is a {word} {name}, and it does not carry the tags of this run");
            Found::Unclear { evidence: evidence.into() }
        }
    })
}

/// Looks how far a cluster is: not there before an instance of it is, and writes where it is to (A1).
///
/// # Errors
/// When nothing can be seen.
pub(super) async fn progress(
    doing: &Doing<'_>,
    look: &dyn Look,
    writes: bool,
) -> Result<Progress, CallTrouble> {
    let Ok(call) = doing.call() else { return Ok(Progress::Done(Map::new())) };
    let name = cluster_of(call);
    let going = |says: String| Ok(Progress::Going { percent: None, says: says.into() });
    if call.name() == "DeleteDBInstance" {
        let name = call.text("DBInstanceIdentifier").unwrap_or_default();
        return match instance(look, call, name).await? {
            None => Ok(Progress::Done(Map::new())),
            Some(found) => going(format!("{name} is {}", text(&found, "DBInstanceStatus"))),
        };
    }
    let Some(found) = cluster(look, call, name).await? else {
        return match doing.direction {
            Direction::Undo => Ok(Progress::Done(Map::new())),
            Direction::Forward => going(format!("{name} does not show yet")),
        };
    };
    let status = text(&found, "Status");
    if doing.direction == Direction::Undo {
        let unprotected = call.name() == "ModifyDBCluster" && differing(call, &found).is_empty();
        return if unprotected {
            Ok(Progress::Done(Map::new()))
        } else {
            going(format!("{name} is {status}"))
        };
    }
    if let Some((state, hint)) = TERMINAL.iter().find(|(state, _)| status.starts_with(state)) {
        let why = format!("{name} is {state}").into();
        return Ok(Progress::Failed { why, hint: Some((*hint).into()) });
    }
    if status != "available" {
        return going(format!("{name} is {status}"));
    }
    if call.name() == "ModifyDBCluster" && !differing(call, &found).is_empty() {
        return going(format!("{name} takes its settings"));
    }
    let mut outputs = outputs(name, &found);
    if call.name() == "CreateDBInstance" {
        let member = call.text("DBInstanceIdentifier").unwrap_or_default();
        let Some(own) = instance(look, call, member).await? else {
            return going(format!("{name} is available, and {member} does not show yet"));
        };
        let status = text(&own, "DBInstanceStatus");
        if let Some(failed) = failure(member, status) {
            return Ok(failed);
        }
        if status != "available" {
            return going(format!("{name} is available, and {member} is {status}"));
        }
        let members = found.get("DBClusterMembers").and_then(Value::as_array);
        let writer =
            members.into_iter().flatten().find(|one| one.get("IsClusterWriter") == Some(&json!(true)));
        match writer.map(|one| text(one, "DBInstanceIdentifier")) {
            None if writes => return going(format!("{name} has no instance that writes yet")),
            Some(writer) => outputs.insert("instance".to_owned(), Value::from(writer)),
            None => outputs.insert("instance".to_owned(), Value::from(member)),
        };
    }
    Ok(Progress::Done(outputs))
}

fn outputs(name: &str, found: &Value) -> Map<String, Value> {
    let mut outputs = Map::new();
    outputs.insert("cluster".to_owned(), Value::from(name));
    for (output, member) in [
        ("endpoint", "Endpoint"),
        ("reader_endpoint", "ReaderEndpoint"),
        ("port", "Port"),
        ("arn", "DBClusterArn"),
    ] {
        if let Some(value) = found.get(member) {
            outputs.insert(output.to_owned(), value.clone());
        }
    }
    outputs
}

/// Says what a refusal means.
pub(super) fn means(doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
    let code = trouble.code().unwrap_or_default();
    let gone = code.starts_with(NO_CLUSTER) || code.starts_with(NO_INSTANCE);
    let taken = code.starts_with("DBClusterAlreadyExists") || code.starts_with("DBInstanceAlreadyExists");
    // It may be ours, of an attempt whose answer was lost (C2).
    if taken || doing.direction == Direction::Undo && (gone || code.starts_with("InvalidDBInstanceState")) {
        return Meaning::Look;
    }
    Meaning::Failed { hint: plain(code).map(Into::into) }
}

/// Returns the calls that delete a cluster with its instances again, `between` them.
///
/// # Errors
/// When nothing was made.
pub(super) fn undo(doing: &Doing<'_>, between: Vec<PlannedCall>) -> Result<Vec<PlannedCall>, Refusal> {
    let first = doing.calls.first().ok_or_else(|| Refusal::new("nothing was made"))?;
    let name = cluster_of(first);
    let base = |operation: &str| Call::new(operation, &first.environment, &first.place);
    let planned = |call, says: String, class| PlannedCall {
        call,
        says: says.as_str().into(),
        class,
        dedupe: Dedupe::SetState,
    };
    let made = doing.calls.iter().rev().filter(|call| call.name() == "CreateDBInstance");
    let mut calls: Vec<PlannedCall> = made
        .filter_map(|call| {
            let member = call.text("DBInstanceIdentifier")?;
            let delete = base("rds:DeleteDBInstance").with("DBInstanceIdentifier", member);
            let delete = delete.with("SkipFinalSnapshot", true);
            Some(planned(delete, format!("delete {member}"), ActionClass::Destructive))
        })
        .collect();
    calls.extend(between);
    if first.arguments.get("DeletionProtection") == Some(&Value::Bool(true)) {
        let open = base("rds:ModifyDBCluster")
            .with("DBClusterIdentifier", name)
            .with("DeletionProtection", false)
            .with("ApplyImmediately", true);
        calls.push(planned(open, format!("let {name} be deleted"), ActionClass::Mutating));
    }
    let delete =
        base("rds:DeleteDBCluster").with("DBClusterIdentifier", name).with("SkipFinalSnapshot", true);
    calls.push(planned(delete, format!("delete {name}, without a final snapshot"), ActionClass::Destructive));
    Ok(calls)
}
