//! `s3-restore-version`: an older version of an object becomes the newest again, by a copy; nothing is deleted (S2).

use super::facts::text;
use super::s3_parts::{self, InParts, carried, is_large, size_of};
use super::s3_prefix_keys::COLD;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
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

/// Brings a version back.
#[derive(Debug, Clone, Copy)]
pub(super) struct RestoreVersion;

const ABOUT: About = About {
    name: "s3-restore-version",
    title: "make an older version of an object the newest",
    says: "Copies an older version of an object onto its key, so that it is the newest; the version that was the newest \
           stays. The copy is refused if anybody has written the key meanwhile. What is larger than 5 GB is copied in parts.",
    arguments: &[
        Argument { name: "bucket", kind: ArgumentKind::Text, required: true, says: "The bucket." },
        Argument { name: "key", kind: ArgumentKind::Text, required: true, says: "The key." },
        Argument {
            name: "version",
            kind: ArgumentKind::Text,
            required: true,
            says: "The version that is brought back.",
        },
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The component that it belongs to.",
        },
    ],
    outputs: &[("version", "The id of the version that was made."), ("key", "The key.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::Conditional,
    operations: RestoreVersion::OPERATIONS,
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(60))),
};

pub(super) async fn versions(look: &dyn Look, like: &Call) -> Result<Value, CallTrouble> {
    let call = listing(like);
    Ok(look.look(&call).await?.body)
}

pub(super) fn listing(like: &Call) -> Call {
    Call::new("s3:ListObjectVersions", &like.environment, &like.place)
        .maybe("Bucket", like.text("Bucket"))
        .maybe("Key", like.text("Key"))
}

pub(super) fn of<'a>(list: &'a Value, member: &str) -> &'a [Value] {
    list.get(member).and_then(Value::as_array).map_or([].as_slice(), Vec::as_slice)
}

pub(super) fn newest(list: &Value) -> Option<(&Value, bool)> {
    let is_latest = |thing: &&Value| thing.get("IsLatest") == Some(&Value::Bool(true));
    let version = of(list, "Versions").iter().find(is_latest).map(|version| (version, false));
    version.or_else(|| of(list, "DeleteMarkers").iter().find(is_latest).map(|marker| (marker, true)))
}

impl RestoreVersion {
    /// What a version that is copied onto a key may need.
    pub(super) const OPERATIONS: &'static [&'static str] = &[
        "s3:ListObjectVersions",
        "s3:GetBucketVersioning",
        "s3:CopyObject",
        "s3:DeleteObject",
        "s3:HeadObject",
        "s3:GetObjectTagging",
        "s3:ListParts",
        "s3:CreateMultipartUpload",
        "s3:UploadPartCopy",
        "s3:CompleteMultipartUpload",
        "s3:AbortMultipartUpload",
    ];

    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (bucket, key) = (ask.given.text("bucket")?, ask.given.text("key")?);
        let version = ask.given.text("version")?;
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
        let wanted = of(&list, "Versions").iter().find(|known| text(known, "VersionId") == version);
        let wanted = wanted.ok_or_else(|| {
            Refusal::new(format!("{key} in {bucket} has no version {version}")).hint(
                "`lifeboat states KEY --versions` lists those of a state; others are in the console of S3",
            )
        })?;
        let Some((newest, is_marker)) = newest(&list) else {
            return Err(Refusal::new(format!("{key} in {bucket} has no versions")));
        };
        let versioning =
            Call::new("s3:GetBucketVersioning", &ask.environment.name, &home).with("Bucket", bucket);
        let status = ask.look.look(&versioning).await.map_err(|trouble| {
            Refusal::new(format!("whether {bucket} keeps versions is not known: {trouble}"))
        })?;
        if status.body.get("Status").and_then(Value::as_str) != Some("Enabled") {
            // A copy would take the place of the version `null`, for good.
            return Err(Refusal::new(format!(
                "versioning of {bucket} is not on: what is written there now overwrites what is there for good"
            ))
            .hint("turn versioning on first; nothing is lost by that"));
        }
        if text(newest, "VersionId") == version {
            return Err(Refusal::new(format!("version {version} of {key} is the newest already")));
        }
        if !is_marker && text(wanted, "ETag") == text(newest, "ETag") {
            // Nor could a condition tell before from after.
            return Err(Refusal::new(format!(
                "the newest version of {key} has the content of {version} already"
            )));
        }
        if COLD.contains(&text(wanted, "StorageClass")) {
            return Err(Refusal::new(format!("version {version} of {key} is archived"))
                .hint("restore it from the archive first; that takes hours"));
        }
        let condition = if is_marker {
            // Under a delete marker there is nothing that a condition could match.
            ("IfNoneMatch", Value::from("*"))
        } else {
            ("IfMatch", newest.get("ETag").cloned().unwrap_or_default())
        };
        let into = base("s3:CopyObject").with("ExpectedBucketOwner", home.account.as_str());
        let mut design = Design::new(component);
        let copied = Copied { version: wanted, source: &base("s3:HeadObject"), into: &into, condition };
        copied.plan(&ask, &mut design, &format!("copy version {version} onto {key}")).await?;
        back_in_parts(&ask, &mut design, newest, &base("s3:HeadObject")).await?;
        let at = if is_marker { "/DeleteMarkers/0/VersionId" } else { "/Versions/0/VersionId" };
        design.preconditions.push(Precondition {
            says: "nobody has written the key since".into(),
            look: listing(&base("s3:ListObjectVersions")),
            at: at.into(),
            expect: Expect::Is(newest.get("VersionId").cloned().unwrap_or_default()),
        });
        design.preconditions.push(Precondition {
            says: "versioning is still on".into(),
            look: versioning,
            at: "/Status".into(),
            expect: Expect::Is("Enabled".into()),
        });
        design.facts.insert("newest".to_owned(), newest.clone());
        design.facts.insert("marker".to_owned(), Value::Bool(is_marker));
        let back = if is_marker {
            "delete the key again, by a marker"
        } else {
            "copy the version that is the newest now back"
        };
        design.undo = Undo::Calls { says: vec![back.into()], class: ActionClass::Mutating };
        design.notes.push("a version more is kept and paid for; none is deleted".into());
        Ok(design)
    }
}

/// A version that is copied somewhere.
pub(super) struct Copied<'a> {
    /// The version, as it stands in a list.
    pub(super) version: &'a Value,
    /// A call with the bucket and the key that it has.
    pub(super) source: &'a Call,
    /// A call with the bucket, the key and the owner that it is copied to.
    pub(super) into: &'a Call,
    /// On which condition.
    pub(super) condition: (&'static str, Value),
}

impl Copied<'_> {
    /// Adds the calls that copy it: one, or those of a copy in parts (S3).
    ///
    /// # Errors
    /// When it is too large for S3, or what has to be carried over cannot be read.
    pub(super) async fn plan(
        self,
        ask: &PlanAsk<'_>,
        design: &mut Design,
        says: &str,
    ) -> Result<(), Refusal> {
        let (id, etag) = (text(self.version, "VersionId"), text(self.version, "ETag"));
        let place = |name: &str| self.source.text(name).unwrap_or_default();
        let source = json!({"Bucket": place("Bucket"), "Key": place("Key"), "VersionId": id});
        if !is_large(self.version) {
            let call = self
                .into
                .clone()
                .with("CopySource", source)
                .with("CopySourceIfMatch", etag)
                .with(self.condition.0, self.condition.1);
            design.calls.push(PlannedCall {
                call,
                says: Text::new(says),
                class: ActionClass::Mutating,
                dedupe: Dedupe::Conditional,
            });
            return Ok(());
        }
        let same_bucket = self.source.text("Bucket") == self.into.text("Bucket");
        let carried = read(ask, self.source, id, same_bucket).await?;
        let parts = InParts {
            base: self.into,
            source: &source,
            etag,
            size: size_of(self.version),
            condition: self.condition,
            carried: &carried,
        };
        let too_large = || Refusal::new(format!("{} has more parts than S3 takes", place("Key")));
        design.calls = parts.planned().ok_or_else(too_large)?;
        design.notes.extend(parts.notes());
        Ok(())
    }
}

/// Reads what a copy in parts of a version of a key has to carry over.
async fn read(
    ask: &PlanAsk<'_>,
    source: &Call,
    id: &str,
    same_bucket: bool,
) -> Result<Map<String, Value>, Refusal> {
    let source = source.clone().with("VersionId", id);
    carried(ask.look, &source, same_bucket).await.map_err(|trouble| {
        let key = source.text("Key").unwrap_or_default();
        Refusal::new(format!("the metadata and tags of {key} cannot be read: {trouble}"))
            .hint("a copy in parts loses what is not given to it: let the role read them (s3:GetObjectVersion, s3:GetObjectVersionTagging)")
    })
}

/// Keeps what an undo needs that has to copy the newest version back in parts.
///
/// # Errors
/// When what it has to carry over cannot be read.
pub(super) async fn back_in_parts(
    ask: &PlanAsk<'_>,
    design: &mut Design,
    newest: &Value,
    source: &Call,
) -> Result<(), Refusal> {
    if is_large(newest) {
        let carried = read(ask, source, text(newest, "VersionId"), true).await?;
        design.facts.insert("carried".to_owned(), Value::Object(carried));
    }
    Ok(())
}

/// Returns the newest version that was made of this call: by its content, after the one that was the newest before.
fn made<'a>(list: &'a Value, before: &Value, etag: &str) -> Option<&'a Value> {
    let known = before.get("known").and_then(Value::as_array).map_or([].as_slice(), Vec::as_slice);
    of(list, "Versions").iter().find(|version| {
        text(version, "ETag") == etag
            && !known.iter().any(|id| id.as_str() == Some(text(version, "VersionId")))
    })
}

/// Returns what is there: the ids of all versions and markers.
pub(super) async fn known(look: &dyn Look, call: &Call) -> Result<Value, CallTrouble> {
    let list = versions(look, call).await?;
    let ids =
        of(&list, "Versions").iter().chain(of(&list, "DeleteMarkers")).map(|v| v.get("VersionId").cloned());
    let newest = newest(&list).map(|(newest, _)| newest.clone());
    Ok(json!({ "known": ids.collect::<Vec<_>>(), "newest": newest }))
}

impl Action for RestoreVersion {
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
            if let Some(found) = s3_parts::probe(&doing, look).await? {
                return Ok(found);
            }
            let list = versions(look, call).await?;
            let key = call.text("Key").unwrap_or_default();
            if call.name() == "DeleteObject" {
                return Ok(match newest(&list) {
                    Some((marker, true)) => Found::Happened {
                        reply: json!({ "VersionId": text(marker, "VersionId"), "DeleteMarker": true }),
                        evidence: format!("{key} is deleted by a marker").into(),
                    },
                    _ => Found::Nothing { evidence: format!("{key} is not deleted").into() },
                });
            }
            // What a copy copies has the content of its source.
            let source = call.arguments.get("CopySource").map_or("", |source| text(source, "VersionId"));
            let etag = of(&list, "Versions")
                .iter()
                .find(|version| text(version, "VersionId") == source)
                .map_or("", |v| text(v, "ETag"));
            let newer = made_since(&doing, &list, etag);
            if let Some(version) = newer {
                return Ok(Found::Happened {
                    reply: json!({ "VersionId": text(version, "VersionId"), "ETag": etag }),
                    evidence: format!(
                        "{key} has the version {} with the same content",
                        text(version, "VersionId")
                    )
                    .into(),
                });
            }
            Ok(Found::Nothing { evidence: format!("{key} has no newer version with that content").into() })
        })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let Ok(call) = doing.call() else { return Ok(Progress::Done(Map::new())) };
            if !s3_parts::makes(call) {
                return Ok(Progress::Done(Map::new()));
            }
            let made = text(doing.reply(doing.index), "VersionId");
            let list = versions(look, call).await?;
            let key = call.text("Key").unwrap_or_default();
            let mut outputs = Map::new();
            outputs.insert("version".to_owned(), Value::String(made.to_owned()));
            outputs.insert("key".to_owned(), Value::String(key.to_owned()));
            Ok(match newest(&list) {
                Some((newest, _)) if text(newest, "VersionId") == made => Progress::Done(outputs),
                _ if of(&list, "Versions")
                    .iter()
                    .chain(of(&list, "DeleteMarkers"))
                    .any(|v| text(v, "VersionId") == made) =>
                {
                    Progress::Failed {
                        why: format!("somebody has written {key} after it").into(),
                        hint: Some("look at its versions, and plan anew".into()),
                    }
                }
                // A person said that it has happened: then the newest is what counts.
                Some((newest, _)) if made.is_empty() => {
                    outputs.insert("version".to_owned(), Value::String(text(newest, "VersionId").to_owned()));
                    Progress::Done(outputs)
                }
                _ => Progress::Going {
                    percent: None,
                    says: format!("version {made} of {key} does not show yet").into(),
                },
            })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        if let Some(meaning) = s3_parts::means(doing, trouble) {
            return meaning;
        }
        let hint = match trouble.code().unwrap_or_default() {
            // Ours may have been the write that it does not match any more.
            "PreconditionFailed" | "ConditionalRequestConflict" => return Meaning::Look,
            "ObjectNotInActiveTierError" | "InvalidObjectState" => {
                Some("it is archived: restore it from the archive first, which takes hours".into())
            }
            "NoSuchVersion" => Some("the version is gone: look at the versions anew".into()),
            _ => None,
        };
        Meaning::Failed { hint }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        if let Some(calls) = s3_parts::abort(doing) {
            return Ok(calls);
        }
        let at = doing.calls.iter().rposition(s3_parts::makes).unwrap_or(0);
        let call = doing.calls.get(at).ok_or_else(|| Refusal::new("nothing was copied"))?;
        let own = text(doing.reply(at), "VersionId");
        let etag = text(doing.reply(at), "ETag");
        let newest = doing.step.facts.get("newest").cloned().unwrap_or_default();
        let base = |operation: &str| {
            Call::new(operation, &call.environment, &call.place)
                .maybe("Bucket", call.text("Bucket"))
                .maybe("Key", call.text("Key"))
                .maybe("ExpectedBucketOwner", call.text("ExpectedBucketOwner"))
        };
        if own.is_empty() {
            return Err(Refusal::new("nobody knows which version was made"));
        }
        let key = call.text("Key").unwrap_or_default();
        if doing.step.facts.get("marker") == Some(&Value::Bool(true)) {
            return Ok(vec![PlannedCall {
                call: base("s3:DeleteObject").with("IfMatch", etag),
                says: format!("delete {key} again, by a marker").into(),
                class: ActionClass::Mutating,
                dedupe: Dedupe::Conditional,
            }]);
        }
        let source = json!({"Bucket": call.text("Bucket"), "Key": call.text("Key"), "VersionId": text(&newest, "VersionId")});
        if is_large(&newest) {
            let carried = doing.step.facts.get("carried").and_then(Value::as_object).cloned();
            let parts = InParts {
                base: &base(""),
                source: &source,
                etag: text(&newest, "ETag"),
                size: size_of(&newest),
                condition: ("IfMatch", etag.into()),
                carried: &carried.unwrap_or_default(),
            };
            return parts
                .planned()
                .ok_or_else(|| Refusal::new(format!("{key} has more parts than S3 takes")));
        }
        Ok(vec![PlannedCall {
            call: base("s3:CopyObject")
                .with("CopySource", source)
                .maybe("CopySourceIfMatch", newest.get("ETag").cloned())
                .with("IfMatch", etag),
            says: format!("copy version {} back onto {key}", text(&newest, "VersionId")).into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        }])
    }
}

/// Returns what this call has made, by what was there before it.
fn made_since<'a>(doing: &Doing<'_>, list: &'a Value, etag: &str) -> Option<&'a Value> {
    match doing.direction {
        Direction::Forward => made(list, doing.before, etag),
        Direction::Undo => {
            // The copy back is newer than the copy that it takes back.
            let newest = newest(list).filter(|(_, marker)| !marker).map(|(newest, _)| newest)?;
            let own = doing.step.facts.get("newest").map_or("", |newest| text(newest, "VersionId"));
            (text(newest, "ETag") == etag && text(newest, "VersionId") != own).then_some(newest)
        }
    }
}
