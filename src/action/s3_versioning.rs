//! `s3-versioning`: a bucket keeps versions from now on, so that what is deleted or overwritten can come back.

use super::facts::text;
use super::place::{BUCKET, COMPONENT, REGION, bucket_of, place_of};
use super::{Action, Design, Doing, Found, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::About;
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, PlannedStep, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Turns versioning on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Versioning;

const ABOUT: About = About {
    name: "s3-versioning",
    title: "let a bucket keep versions",
    says: "Turns versioning on, so that from now on nothing that is deleted or overwritten is lost. What was written before has \
           the version `null`. Once on it can only be suspended, and a suspended bucket overwrites `null`.",
    arguments: &[COMPONENT, BUCKET, REGION],
    outputs: &[("bucket", "The bucket."), ("was", "What it was: Enabled, Suspended or never on.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::SetState,
    operations: &["s3:GetBucketVersioning", "s3:PutBucketVersioning"],
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(900))),
};

/// Says what a bucket keeps, in a word.
fn words(status: &str) -> &str {
    if status.is_empty() { "never on" } else { status }
}

async fn status(look: &dyn Look, like: &Call) -> Result<String, CallTrouble> {
    let asked = Call::new("s3:GetBucketVersioning", &like.environment, &like.place)
        .maybe("Bucket", like.text("Bucket"));
    let reply = look.look(&asked).await?;
    Ok(text(&reply.body, "Status").to_owned())
}

fn asked_for(call: &Call) -> &str {
    call.arguments.get("VersioningConfiguration").map_or("", |wanted| text(wanted, "Status"))
}

fn put(like: &Call, status: &str) -> Call {
    Call::new("s3:PutBucketVersioning", &like.environment, &like.place)
        .maybe("Bucket", like.text("Bucket"))
        .with("VersioningConfiguration", json!({ "Status": status }))
        .with("ExpectedBucketOwner", like.place.account.as_str())
}

impl Versioning {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, bucket) = bucket_of(&ask)?;
        let base = Call::new("", &ask.environment.name, &place_of(&ask)?).with("Bucket", bucket.as_str());
        let mut design = Design::new(component);
        if !super::given::is_later(&bucket) {
            let was = status(ask.look, &base).await.map_err(|trouble| {
                Refusal::new(format!("the versioning of {bucket} cannot be read: {trouble}"))
            })?;
            if was == "Enabled" {
                design.notes.push("it is on already: nothing will change".into());
            }
        }
        design.calls.push(PlannedCall {
            call: put(&base, "Enabled"),
            says: format!("turn versioning of {bucket} on").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        });
        design.undo = Undo::Calls {
            says: vec!["suspend versioning again; what was never on cannot be so again".into()],
            class: ActionClass::Mutating,
        };
        design.notes.push("every version is kept and paid for until a lifecycle rule removes it".into());
        design
            .notes
            .push("AWS advises to wait 15 min after the first time before anything is written".into());
        Ok(design)
    }
}

impl Action for Versioning {
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
            Ok(json!({ "status": status(look, call).await? }))
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
            let now = status(look, call).await?;
            let evidence = format!("versioning is {}", words(&now)).into();
            Ok(if now == asked_for(call) {
                Found::Happened { reply: Value::Null, evidence }
            } else {
                Found::Nothing { evidence }
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
            let now = status(look, call).await?;
            if now != asked_for(call) {
                let says = format!("versioning is {} yet", words(&now)).into();
                return Ok(Progress::Going { percent: None, says });
            }
            let mut outputs = Map::new();
            outputs.insert("bucket".to_owned(), Value::from(call.text("Bucket")));
            outputs.insert("was".to_owned(), Value::from(words(text(doing.before, "status"))));
            Ok(Progress::Done(outputs))
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was changed"))?;
        if text(doing.before, "status") == "Enabled" {
            return Ok(Vec::new());
        }
        Ok(vec![PlannedCall {
            call: put(call, "Suspended"),
            says: format!("suspend versioning of {}", call.text("Bucket").unwrap_or_default()).into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        }])
    }
}
