//! `dynamodb-protect`: a restored table protected as its original was, its continuous backups first.

use super::dynamodb_backup::table_name;
use super::dynamodb_table::{differing, from_kept, own_tags, settings};
use super::ec2_made::{outputs, with_tags};
use super::facts::{tags, text};
use super::given::is_later;
use super::{Action, Design, Deviation, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::place::Place;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Sets on a restored table what its restore dropped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Protect;

const ABOUT: About = About {
    name: "dynamodb-protect",
    title: "protect a restored table as its original was",
    says: "Sets on a restored DynamoDB table what the restore dropped: continuous backups first, because until then \
           the recovered table is unprotected; then time to live, tags, deletion protection and the stream, as the \
           original has them or as they were last read. What still differs is listed.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: true,
            says: "The original: the table after whose pattern it is protected.",
        },
        Argument { name: "table", kind: ArgumentKind::Text, required: true, says: "The restored table." },
    ],
    outputs: &[("table", "The name of the table."), ("arn", "Its ARN.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::SetState,
    operations: &[
        "dynamodb:DescribeTable",
        "dynamodb:DescribeContinuousBackups",
        "dynamodb:DescribeTimeToLive",
        "dynamodb:ListTagsOfResource",
        "dynamodb:UpdateContinuousBackups",
        "dynamodb:UpdateTimeToLive",
        "dynamodb:TagResource",
        "dynamodb:UntagResource",
        "dynamodb:UpdateTable",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(5), Duration::from_secs(300))),
};

/// Returns the ARN of a table.
fn arn(place: &Place, table: &str) -> String {
    let region = place.region.as_str();
    let partition = match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov") => "aws-us-gov",
        _ => "aws",
    };
    format!("arn:{partition}:dynamodb:{region}:{}:table/{table}", place.account)
}

fn planned(call: Call, says: String) -> PlannedCall {
    PlannedCall { call, says: says.into(), class: ActionClass::Mutating, dedupe: Dedupe::SetState }
}

/// Returns the calls that give a table these settings, in the order in which they protect it.
fn setting(
    base: &dyn Fn(&str) -> Call,
    place: &Place,
    table: &str,
    wanted: &Value,
    own: &Value,
) -> Vec<PlannedCall> {
    let mut calls = Vec::new();
    if text(wanted, "PointInTimeRecovery") == "ENABLED" {
        let mut specification = json!({"PointInTimeRecoveryEnabled": true});
        if let (Some(days), Some(members)) =
            (wanted.get("RecoveryPeriodInDays"), specification.as_object_mut())
        {
            members.insert("RecoveryPeriodInDays".to_owned(), days.clone());
        }
        let call = base("dynamodb:UpdateContinuousBackups")
            .with("TableName", table)
            .with("PointInTimeRecoverySpecification", specification);
        calls.push(planned(call, format!("switch the continuous backups of {table} on")));
    }
    let attribute = text(wanted, "TimeToLive");
    if !attribute.is_empty() {
        let call = base("dynamodb:UpdateTimeToLive")
            .with("TableName", table)
            .with("TimeToLiveSpecification", json!({"Enabled": true, "AttributeName": attribute}));
        calls.push(planned(call, format!("let items of {table} expire by {attribute}")));
    }
    let kept = Value::Array(own_tags(wanted));
    let call = base("dynamodb:TagResource")
        .with("ResourceArn", arn(place, table))
        .with("Tags", with_tags(own, Some(&kept)));
    calls.push(planned(call, format!("give {table} its tags")));
    let guarded = wanted.get("DeletionProtection") == Some(&Value::Bool(true));
    let stream = text(wanted, "Stream");
    if guarded || !stream.is_empty() {
        let mut call = base("dynamodb:UpdateTable").with("TableName", table);
        if guarded {
            call = call.with("DeletionProtectionEnabled", true);
        }
        if !stream.is_empty() {
            let stream = json!({"StreamEnabled": true, "StreamViewType": stream});
            call = call.with("StreamSpecification", stream);
        }
        calls.push(planned(
            call,
            format!("protect {table} from deletion and open its stream, as far as the original is so"),
        ));
    }
    calls
}

/// Says whether what a call asks for is so, by the settings of its table.
fn is_so(call: &Call, found: &Value) -> bool {
    let at = |argument: &str, member: &str| call.arguments.get(argument).and_then(|value| value.get(member));
    let on = Some(&Value::Bool(true));
    match call.name() {
        "UpdateContinuousBackups" => {
            let wanted = at("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") == on;
            wanted == (text(found, "PointInTimeRecovery") == "ENABLED")
        }
        "UpdateTimeToLive" => {
            let wanted = at("TimeToLiveSpecification", "AttributeName")
                .filter(|_| at("TimeToLiveSpecification", "Enabled") == on);
            wanted == found.get("TimeToLive")
        }
        "UpdateTable" => {
            let guarded = call.arguments.get("DeletionProtectionEnabled");
            let view = at("StreamSpecification", "StreamViewType")
                .filter(|_| at("StreamSpecification", "StreamEnabled") == on);
            let stream = call.arguments.get("StreamSpecification");
            guarded
                .is_none_or(|wanted| found.get("DeletionProtection").unwrap_or(&Value::Bool(false)) == wanted)
                && stream.is_none_or(|_| view == found.get("Stream"))
        }
        "TagResource" => {
            let there = own_tags(found);
            let wanted = call.arguments.get("Tags").and_then(Value::as_array);
            wanted.into_iter().flatten().all(|tag| there.contains(tag))
        }
        "UntagResource" => {
            let there = own_tags(found);
            let keys = call.arguments.get("TagKeys").and_then(Value::as_array);
            keys.into_iter().flatten().all(|key| there.iter().all(|tag| tag.get("Key") != Some(key)))
        }
        _ => false,
    }
}

fn table_of(call: &Call) -> &str {
    let of_arn = || call.text("ResourceArn").and_then(|arn| arn.rsplit('/').next());
    call.text("TableName").or_else(of_arn).unwrap_or_default()
}

impl Protect {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let component = ask.component("component")?.id.clone();
        let source = table_name(&ask)?;
        let target = ask.given.text("table")?;
        let home = ask.environment.home();
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &home);
        let mut design = Design::new(Some(component.clone()));
        let live = settings(ask.look, &base(""), &source)
            .await
            .map_err(|trouble| Refusal::new(format!("the settings of {source} cannot be read: {trouble}")))?;
        let original = match live {
            Some(live) => live,
            None => {
                let kept = (ask.settings)(&component).ok_or_else(|| {
                    Refusal::new(format!("the table {source} is gone, and its settings were never read"))
                        .hint("protect the restored table by hand: continuous backups first")
                })?;
                design.notes.push("the original is gone: its settings are those that were last read".into());
                from_kept(&kept)
            }
        };
        if !is_later(target) && settings(ask.look, &base(""), target).await?.is_none() {
            return Err(Refusal::new(format!("there is no table {target} in {}", home.region)));
        }
        if text(&original, "PointInTimeRecovery") != "ENABLED" {
            design.notes.push("the original has no continuous backups, and so this one gets none".into());
        }
        if !text(&original, "TimeToLive").is_empty() {
            design.notes.push("from then on items that have expired since are deleted, for good: look at what was restored first".into());
        }
        design.notes.push("the window of its continuous backups begins anew".into());
        design.notes.push(
            "not carried over by any call: autoscaling, IAM and resource policies, alarms, replicas".into(),
        );
        design.preconditions.push(Precondition {
            says: "the table is ready".into(),
            look: base("dynamodb:DescribeTable").with("TableName", target),
            at: "/Table/TableStatus".into(),
            expect: Expect::Is("ACTIVE".into()),
        });
        design.calls = setting(&base, &home, target, &original, &tags(ask.run, ask.step));
        design.undo = Undo::Calls {
            says: vec!["switch off what was off before, the continuous backups last".into()],
            class: ActionClass::Mutating,
        };
        design.facts.insert("original".to_owned(), original);
        Ok(design)
    }
}

impl Action for Protect {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(Self::design(ask))
    }

    fn before<'a>(
        &'a self,
        _: &'a PlannedStep,
        calls: &'a [Call],
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Value, Refusal>> {
        Box::pin(async move {
            let Some(call) = calls.first() else { return Ok(Value::Null) };
            let found = settings(look, call, table_of(call)).await?;
            found.ok_or_else(|| Refusal::new(format!("there is no table {}", table_of(call))))
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
            let table = table_of(call);
            let Some(found) = settings(look, call, table).await? else {
                return Ok(Found::Unclear { evidence: format!("there is no table {table} any more").into() });
            };
            Ok(if is_so(call, &found) {
                Found::Happened { reply: Value::Null, evidence: format!("{table} is so").into() }
            } else {
                Found::Nothing { evidence: format!("{table} is not so yet").into() }
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
            let table = table_of(call);
            let Some(found) = settings(look, call, table).await? else {
                return Ok(Progress::Failed { why: format!("the table {table} is gone").into(), hint: None });
            };
            let done = doing.calls.iter().take(doing.index + 1);
            let open: Vec<&str> = done.filter(|call| !is_so(call, &found)).map(Call::name).collect();
            if open.is_empty() {
                return Ok(Progress::Done(outputs([("table", table), ("arn", &arn(&call.place, table))])));
            }
            let says = format!("{table} does not show yet: {}", open.join(", "));
            Ok(Progress::Going { percent: None, says: says.into() })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let operation = doing.call().map(|call| call.name().to_owned()).unwrap_or_default();
        let hint = match (operation.as_str(), trouble.code().unwrap_or_default()) {
            // Asked for what is so already: time to live that is on, a stream that is open.
            ("UpdateTimeToLive" | "UpdateTable", "ValidationException") => return Meaning::Look,
            (_, "ContinuousBackupsUnavailableException") => {
                "continuous backups cannot be switched on yet: wait a minute, then `retry`; until then the table is unprotected"
            }
            (_, "ResourceInUseException" | "TableInUseException") => {
                "the table is being changed: wait, then `retry`"
            }
            (_, "LimitExceededException") => "too many tables are being changed at once: wait, then `retry`",
            (_, "ResourceNotFoundException" | "TableNotFoundException") => "the table is gone",
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
            let original = doing.step.facts.get("original").filter(|original| !original.is_null());
            let (Ok(call), Some(original)) = (doing.call(), original) else { return Ok(Vec::new()) };
            let found = settings(look, call, table_of(call)).await?;
            Ok(found.map_or_else(Vec::new, |found| differing(original, &found)))
        })
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let was = doing.before;
        let mut calls = Vec::new();
        for done in doing.calls.iter().rev().filter(|call| !is_so(call, was)) {
            let table = table_of(done);
            let base = |operation: &str| Call::new(operation, &done.environment, &done.place);
            match done.name() {
                "UpdateContinuousBackups" => {
                    let call = base("dynamodb:UpdateContinuousBackups").with("TableName", table).with(
                        "PointInTimeRecoverySpecification",
                        json!({"PointInTimeRecoveryEnabled": false}),
                    );
                    calls.push(planned(call, format!("switch the continuous backups of {table} off")));
                }
                "UpdateTimeToLive" => {
                    let attribute =
                        done.arguments.get("TimeToLiveSpecification").map(|one| text(one, "AttributeName"));
                    let call = base("dynamodb:UpdateTimeToLive").with("TableName", table).with(
                        "TimeToLiveSpecification",
                        json!({"Enabled": false, "AttributeName": attribute}),
                    );
                    calls.push(planned(call, format!("let no items of {table} expire")));
                }
                "TagResource" => {
                    let there = own_tags(was);
                    let given = done.arguments.get("Tags").and_then(Value::as_array).into_iter().flatten();
                    let keys: Vec<Value> = given
                        .filter(|tag| there.iter().all(|one| one.get("Key") != tag.get("Key")))
                        .filter_map(|tag| tag.get("Key").cloned())
                        .collect();
                    if !keys.is_empty() {
                        let call = base("dynamodb:UntagResource")
                            .with("ResourceArn", arn(&done.place, table))
                            .with("TagKeys", keys);
                        calls.push(planned(call, format!("take the tags of {table} away")));
                    }
                }
                _ => {
                    let mut call = base("dynamodb:UpdateTable").with("TableName", table);
                    let off =
                        |name: &str| matches!(was.get(name), None | Some(Value::Null | Value::Bool(false)));
                    if done.arguments.contains_key("DeletionProtectionEnabled") && off("DeletionProtection") {
                        call = call.with("DeletionProtectionEnabled", false);
                    }
                    if done.arguments.contains_key("StreamSpecification") && off("Stream") {
                        call = call.with("StreamSpecification", json!({"StreamEnabled": false}));
                    }
                    calls.push(planned(
                        call,
                        format!("lift the protection of {table} from deletion and close its stream"),
                    ));
                }
            }
        }
        Ok(calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(wanted: &Value) -> Vec<Call> {
        let place = Place::new("111122223333", "us-east-2");
        let base = |operation: &str| Call::new(operation, &"production".into(), &place);
        let own = json!([{"Key": "lifeboat:run", "Value": "r"}]);
        setting(&base, &place, "back", wanted, &own).into_iter().map(|planned| planned.call).collect()
    }

    #[test]
    fn continuous_backups_come_first_because_until_then_the_table_is_unprotected() {
        let wanted = json!({"PointInTimeRecovery": "ENABLED", "RecoveryPeriodInDays": 35, "TimeToLive": "expires_at",
            "Stream": "NEW_IMAGE", "DeletionProtection": true, "Tags": [{"Key": "Team", "Value": "a"}]});
        let calls = calls(&wanted);
        let names: Vec<&str> = calls.iter().map(Call::name).collect();
        assert_eq!(names, ["UpdateContinuousBackups", "UpdateTimeToLive", "TagResource", "UpdateTable"]);
        let bare = json!({"PointInTimeRecovery": "DISABLED", "DeletionProtection": false, "Tags": []});
        assert!(
            calls.iter().all(|call| !is_so(call, &bare)),
            "nothing of it is so on a table as a restore leaves it"
        );
        let mut set = wanted;
        set["Tags"] = json!([{"Key": "Team", "Value": "a"}, {"Key": "lifeboat:run", "Value": "r"}]);
        assert!(calls.iter().all(|call| is_so(call, &set)));
    }

    #[test]
    fn what_the_original_has_not_is_not_switched_on() {
        let names: Vec<String> =
            calls(&json!({"DeletionProtection": false})).iter().map(|call| call.name().to_owned()).collect();
        assert_eq!(names, ["TagResource"]);
    }
}
