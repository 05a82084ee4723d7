//! `s3-lifecycle-suspend`: the rules of a bucket's lifecycle stop deleting, and come back exactly as they were.

use super::place::{BUCKET, COMPONENT, REGION, bucket_of, place_of};
use super::setting;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::About;
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use crate::runbook::still::IF_STILL;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Suspends a lifecycle.
#[derive(Debug, Clone, Copy)]
pub(super) struct SuspendLifecycle;

const ABOUT: About = About {
    name: "s3-lifecycle-suspend",
    title: "stop a bucket's lifecycle from deleting",
    says: "Disables every rule of a bucket's lifecycle, so that nothing expires while a recovery may need it. The rules stay \
           where they are, disabled; the undo puts them back exactly as they were. What is disabled already stays so.",
    arguments: &[COMPONENT, BUCKET, REGION],
    outputs: &[("bucket", "The bucket."), ("rules", "How many rules were disabled.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::Conditional,
    operations: &["s3:GetBucketLifecycleConfiguration", "s3:PutBucketLifecycleConfiguration"],
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(60))),
};

const PUT: &str = "s3:PutBucketLifecycleConfiguration";

/// Returns the call that writes the rules that an answer tells of, if the bucket still has those of `still`.
fn put(like: &Call, rules: &Value, still: &Value) -> Call {
    let size = rules.get("TransitionDefaultMinimumObjectSize").cloned();
    Call::new(PUT, &like.environment, &like.place)
        .maybe("Bucket", like.text("Bucket"))
        .with("LifecycleConfiguration", json!({ "Rules": rules.get("Rules") }))
        .maybe("TransitionDefaultMinimumObjectSize", size)
        .with("ExpectedBucketOwner", like.place.account.as_str())
        .with(IF_STILL, still.clone())
}

fn is_enabled(rule: &Value) -> bool {
    rule.get("Status").and_then(Value::as_str) == Some("Enabled")
}

/// Returns the same rules, none of which does anything, and how many did.
fn suspended(seen: &Value) -> (Value, usize) {
    let mut all = seen.clone();
    let rules = all.get_mut("Rules").and_then(Value::as_array_mut).into_iter().flatten();
    let mut count = 0;
    for rule in rules.filter(|rule| is_enabled(rule)) {
        if let Some(members) = rule.as_object_mut() {
            members.insert("Status".to_owned(), Value::from("Disabled"));
            count += 1;
        }
    }
    (all, count)
}

impl SuspendLifecycle {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, bucket) = bucket_of(&ask)?;
        if super::given::is_later(&bucket) {
            return Err(Refusal::new(
                "the bucket has to be known when the plan is made: its rules are in the plan",
            ));
        }
        let base = Call::new(PUT, &ask.environment.name, &place_of(&ask)?).with("Bucket", bucket.as_str());
        let seen = setting::seen(ask.look, &base).await?;
        let (rules, count) = suspended(&seen);
        let mut design = Design::new(component);
        design.facts.insert("rules".to_owned(), Value::from(count));
        design.facts.insert("bucket".to_owned(), Value::from(bucket.as_str()));
        let asked = Call::new("s3:GetBucketLifecycleConfiguration", &base.environment, &base.place)
            .with("Bucket", bucket.as_str());
        design.preconditions.push(Precondition {
            says: format!("nobody has changed the lifecycle of {bucket}").into(),
            look: asked.clone(),
            at: "/Rules".into(),
            expect: match seen.get("Rules") {
                Some(rules) => Expect::Is(rules.clone()),
                None => Expect::Absent(vec!["NoSuchLifecycleConfiguration".into()]),
            },
        });
        if count == 0 {
            design
                .notes
                .push(format!("no rule of {bucket} does anything: there is nothing to suspend").into());
            design.asks.push(asked);
            return Ok(design);
        }
        design.calls.push(PlannedCall {
            call: put(&base, &rules, &seen),
            says: format!("disable {count} rules of the lifecycle of {bucket}").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        });
        design.undo = Undo::Calls {
            says: vec!["put the rules back exactly as they were".into()],
            class: ActionClass::Mutating,
        };
        design.notes.push("what the rules would have deleted is kept and paid for".into());
        design
            .notes
            .push("what was due already may still go: S3 works through its queue for up to a day".into());
        Ok(design)
    }
}

impl Action for SuspendLifecycle {
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
            setting::seen(look, call).await
        })
    }

    fn probe<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async move { setting::probe(&doing, look).await })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let mut outputs = Map::new();
            for fact in ["bucket", "rules"] {
                outputs.insert(fact.to_owned(), doing.step.facts.get(fact).cloned().unwrap_or_default());
            }
            setting::progress(&doing, look, outputs).await
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        setting::means(doing, trouble)
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let Some(call) = doing.calls.iter().find(|call| call.operation == PUT) else { return Ok(Vec::new()) };
        if doing.before.get("Rules").is_none() {
            return Err(Refusal::new("nobody knows which rules the bucket had"));
        }
        let bucket = call.text("Bucket").unwrap_or_default();
        Ok(vec![PlannedCall {
            call: put(call, doing.before, &setting::made_by(call)),
            says: format!("put the lifecycle of {bucket} back as it was").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        }])
    }
}
