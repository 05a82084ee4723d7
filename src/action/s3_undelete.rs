//! `s3-undelete`: an object that was deleted comes back, by removing its delete markers: the same version, not a copy (S2).

use super::facts::text;
use super::s3_version::{known, listing, newest, of, versions};
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::authority::Direction;
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Removes delete markers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Undelete;

const ABOUT: About = About {
    name: "s3-undelete",
    title: "bring a deleted object back",
    says: "Removes the delete marker of an object, so that the version below it is the newest again: exactly that one, \
           not a copy. Where it was deleted several times over, all markers above that version go, the newest last. Each \
           is named by its id, so that nothing else can be removed.",
    arguments: &[
        Argument { name: "bucket", kind: ArgumentKind::Text, required: true, says: "The bucket." },
        Argument { name: "key", kind: ArgumentKind::Text, required: true, says: "The key." },
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The component that it belongs to.",
        },
    ],
    outputs: &[("version", "The id of the version that is the newest again."), ("key", "The key.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::Conditional,
    operations: &["s3:ListObjectVersions", "s3:DeleteObject"],
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(10))),
};

impl Undelete {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (bucket, key) = (ask.given.text("bucket")?, ask.given.text("key")?);
        let home = ask.environment.home();
        let component = match ask.given.maybe_text("component")? {
            Some(_) => Some(ask.component("component")?.id.clone()),
            None => None,
        };
        let base = |operation: &str| {
            Call::new(operation, &ask.environment.name, &home).with("Bucket", bucket).with("Key", key)
        };
        let list = versions(ask.look, &base("s3:ListObjectVersions"))
            .await
            .map_err(|trouble| Refusal::new(format!("the versions of {key} cannot be read: {trouble}")))?;
        let Some((marker, true)) = newest(&list) else {
            return Err(Refusal::new(format!("{key} in {bucket} is not deleted by a marker"))
                .hint("an older version comes back by `s3-restore-version`"));
        };
        let Some(below) = of(&list, "Versions").first() else {
            return Err(Refusal::new(format!("under the delete marker of {key} there is no version")));
        };
        let mut design = Design::new(component);
        design.preconditions.push(Precondition {
            says: "the delete marker is still the newest".into(),
            look: listing(&base("s3:ListObjectVersions")),
            at: "/DeleteMarkers/0".into(),
            expect: Expect::Is(marker.clone()),
        });
        design.facts.insert("below".to_owned(), below.clone());
        // The object shows again with the last of them, all at once.
        for marker in above(&list, below).into_iter().rev() {
            let id = text(marker, "VersionId");
            design.calls.push(PlannedCall {
                call: base("s3:DeleteObject")
                    .with("VersionId", id)
                    .with("ExpectedBucketOwner", home.account.as_str()),
                says: format!("remove the delete marker {id} of {key}").into(),
                class: ActionClass::Mutating,
                dedupe: Dedupe::Conditional,
            });
        }
        design.undo = Undo::Calls {
            says: vec![format!("delete {key} again, by a marker").into()],
            class: ActionClass::Mutating,
        };
        design.notes = vec![
            "the marker's id and time stand in the journal, so that it is known that it was deleted".into(),
        ];
        Ok(design)
    }
}

/// Returns the markers that lie above a version, the newest first. A listing has whole seconds: one laid in the same second
/// counts, for a marker below a version hides nothing.
fn above<'a>(list: &'a Value, below: &Value) -> Vec<&'a Value> {
    let made = |thing: &Value| text(thing, "LastModified").parse::<jiff::Timestamp>().ok();
    let is_above =
        |marker: &&Value| marker.get("IsLatest") == Some(&Value::Bool(true)) || made(marker) >= made(below);
    let (newest, older): (Vec<&Value>, Vec<&Value>) = of(list, "DeleteMarkers")
        .iter()
        .filter(is_above)
        .partition(|marker| marker.get("IsLatest") == Some(&Value::Bool(true)));
    newest.into_iter().chain(older).collect()
}

impl Action for Undelete {
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
            Ok(known(look, call).await?)
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
            let list = versions(look, call).await?;
            let key = call.text("Key").unwrap_or_default();
            if doing.direction == Direction::Undo {
                return Ok(match newest(&list) {
                    Some((marker, true)) => Found::Happened {
                        reply: json!({ "VersionId": text(marker, "VersionId"), "DeleteMarker": true }),
                        evidence: format!("{key} is deleted by a marker").into(),
                    },
                    _ => Found::Nothing { evidence: format!("{key} is not deleted").into() },
                });
            }
            let id = call.text("VersionId").unwrap_or_default();
            let there = of(&list, "DeleteMarkers").iter().any(|marker| text(marker, "VersionId") == id);
            Ok(if there {
                Found::Nothing { evidence: format!("the delete marker {id} of {key} is still there").into() }
            } else {
                Found::Happened {
                    reply: json!({ "VersionId": id, "DeleteMarker": true }),
                    evidence: format!("the delete marker {id} of {key} is gone").into(),
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
            let list = versions(look, call).await?;
            let key = call.text("Key").unwrap_or_default();
            let newest = newest(&list);
            let id = call.text("VersionId").unwrap_or_default();
            let is_last = doing.index + 1 >= doing.step.calls.len();
            let done = match doing.direction {
                Direction::Undo => newest.is_some_and(|(_, marker)| marker),
                Direction::Forward if is_last => newest.is_some_and(|(_, marker)| !marker),
                Direction::Forward => {
                    !of(&list, "DeleteMarkers").iter().any(|marker| text(marker, "VersionId") == id)
                }
            };
            if !done {
                let again = newest.filter(|(newest, marker)| {
                    let ours = |planned: &PlannedCall| {
                        planned.call.text("VersionId") == Some(text(newest, "VersionId"))
                    };
                    *marker && !doing.step.calls.iter().any(ours)
                });
                if let (Direction::Forward, Some(_)) = (doing.direction, again) {
                    return Ok(Progress::Failed {
                        why: format!("somebody has deleted {key} anew").into(),
                        hint: Some("find out who, and plan anew".into()),
                    });
                }
                return Ok(Progress::Going {
                    percent: None,
                    says: format!("{key} does not show as it is to be").into(),
                });
            }
            let mut outputs = Map::new();
            outputs.insert("key".to_owned(), Value::String(key.to_owned()));
            let version = newest.map_or("", |(newest, _)| text(newest, "VersionId"));
            outputs.insert("version".to_owned(), Value::String(version.to_owned()));
            Ok(Progress::Done(outputs))
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        match trouble.code().unwrap_or_default() {
            "PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchVersion" | "NoSuchKey" => {
                Meaning::Look
            }
            _ => Meaning::Failed { hint: None },
        }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("no marker was removed"))?;
        let etag = doing.step.facts.get("below").map_or("", |below| text(below, "ETag"));
        let key = call.text("Key").unwrap_or_default();
        Ok(vec![PlannedCall {
            call: Call::new("s3:DeleteObject", &call.environment, &call.place)
                .maybe("Bucket", call.text("Bucket"))
                .with("Key", key)
                .with("IfMatch", etag)
                .maybe("ExpectedBucketOwner", call.text("ExpectedBucketOwner")),
            says: format!("delete {key} again, by a marker").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        }])
    }
}
