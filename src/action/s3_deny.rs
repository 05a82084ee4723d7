//! `s3-deny-deletes`: nobody but the login that recovers may delete from a bucket.

use super::place::{BUCKET, COMPONENT, REGION, bucket_of, place_of};
use super::setting;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use crate::runbook::still::IF_STILL;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Denies deletions.
#[derive(Debug, Clone, Copy)]
pub(super) struct DenyDeletes;

/// The name of our statement in a policy.
const SID: &str = "LifeboatDenyDeletes";
/// What nobody else may do while it stands there. Without the last, a lifecycle rule would delete for them.
const DENIED: [&str; 3] = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutLifecycleConfiguration"];

const ABOUT: About = About {
    name: "s3-deny-deletes",
    title: "deny deletions from a bucket to everybody else",
    says: "Adds one statement to the bucket's policy: nobody but the login that recovers may delete objects or versions, or \
           write a lifecycle. All else of the policy stays. It is written only if the policy is still what the plan saw; the \
           undo takes that one statement out again, on the same condition.",
    arguments: &[
        COMPONENT,
        BUCKET,
        REGION,
        Argument {
            name: "except",
            kind: ArgumentKind::Texts,
            required: false,
            says: "ARNs that may still delete; the login that recovers if absent.",
        },
    ],
    outputs: &[("bucket", "The bucket."), ("statement", "The name of the statement.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::Conditional,
    operations: &[
        "s3:GetBucketPolicy",
        "s3:PutBucketPolicy",
        "s3:DeleteBucketPolicy",
        "sts:GetCallerIdentity",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(60))),
};

/// Returns the ARNs under which policies know who calls. The ARN of a role's session lacks the role's path, so both forms
/// are named.
fn principals(identity: &str) -> Vec<String> {
    let parts: Vec<&str> = identity.splitn(6, ':').collect();
    let [_, partition, "sts", _, account, rest] = parts.as_slice() else { return vec![identity.to_owned()] };
    match rest.split('/').collect::<Vec<_>>().as_slice() {
        ["assumed-role", role, ..] => vec![
            format!("arn:{partition}:iam::{account}:role/{role}"),
            format!("arn:{partition}:iam::{account}:role/*/{role}"),
        ],
        _ => vec![identity.to_owned()],
    }
}

fn statement(bucket: &str, except: &[String]) -> Value {
    json!({
        "Sid": SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": DENIED,
        "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": except}},
    })
}

/// Returns the policy with our statement in it, in place of an older one of ours.
fn with_statement(policy: &str, own: Value) -> Result<String, Refusal> {
    let mut document = if policy.is_empty() {
        json!({"Version": "2012-10-17", "Statement": []})
    } else {
        serde_json::from_str::<Value>(policy)
            .map_err(|why| Refusal::new(format!("the policy of the bucket cannot be read: {why}")))?
    };
    let statements = document.get_mut("Statement");
    let statements = statements.ok_or_else(|| Refusal::new("the policy of the bucket has no statements"))?;
    if !statements.is_array() {
        // One statement may stand without a list around it.
        *statements = Value::Array(vec![statements.clone()]);
    }
    if let Some(all) = statements.as_array_mut() {
        all.retain(|statement| statement.get("Sid").and_then(Value::as_str) != Some(SID));
        all.push(own);
    }
    Ok(document.to_string())
}

fn put(like: &Call, policy: &str, still: &Value) -> Call {
    Call::new("s3:PutBucketPolicy", &like.environment, &like.place)
        .maybe("Bucket", like.text("Bucket"))
        .with("Policy", policy)
        .with("ExpectedBucketOwner", like.place.account.as_str())
        .with(IF_STILL, still.clone())
}

impl DenyDeletes {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, bucket) = bucket_of(&ask)?;
        if super::given::is_later(&bucket) {
            return Err(Refusal::new(
                "the bucket has to be known when the plan is made: its policy is in the plan",
            ));
        }
        let base = Call::new("s3:PutBucketPolicy", &ask.environment.name, &place_of(&ask)?)
            .with("Bucket", bucket.as_str());
        let seen = setting::seen(ask.look, &base).await?;
        let mut except = ask.given.texts("except")?;
        if except.is_empty() {
            let who = ask.look.credentials(&ask.environment.name).await;
            let who = who.map_err(|trouble| {
                Refusal::new(format!("who recovers cannot be seen: {trouble}"))
                    .hint("say who may still delete by `except`")
            })?;
            except = principals(who.identity.as_str());
        }
        let policy = with_statement(setting::policy(&seen), statement(&bucket, &except))?;
        let mut design = Design::new(component);
        design.facts.insert("bucket".to_owned(), Value::from(bucket.as_str()));
        design.preconditions.push(Precondition {
            says: format!("nobody has changed the policy of {bucket}").into(),
            look: Call::new("s3:GetBucketPolicy", &base.environment, &base.place)
                .with("Bucket", bucket.as_str()),
            at: "/Policy".into(),
            expect: match seen.get("Policy") {
                Some(policy) => Expect::Is(policy.clone()),
                None => Expect::Absent(vec!["NoSuchBucketPolicy".into()]),
            },
        });
        design.calls.push(PlannedCall {
            call: put(&base, &policy, &seen),
            says: format!("deny deletions from {bucket} to all but {}", except.join(", ")).into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        });
        design.undo = Undo::Calls {
            says: vec![format!("take the statement {SID} out again").into()],
            class: ActionClass::Mutating,
        };
        design.notes = vec![
            "whoever deletes by their work will fail: applications, jobs, pipelines".into(),
            "lifecycle rules that are there go on deleting: suspend them as well".into(),
            "replication of deletions and the account's root are not stopped by it".into(),
        ];
        Ok(design)
    }
}

impl Action for DenyDeletes {
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
            Ok(json!({ "seen": setting::seen(look, call).await? }))
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
            outputs.insert("bucket".to_owned(), doing.step.facts.get("bucket").cloned().unwrap_or_default());
            outputs.insert("statement".to_owned(), Value::from(SID));
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
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was written"))?;
        let seen =
            doing.before.get("seen").ok_or_else(|| Refusal::new("nobody knows the policy that there was"))?;
        let bucket = call.text("Bucket").unwrap_or_default();
        let made = setting::made_by(call);
        let back = match setting::policy(seen) {
            "" => Call::new("s3:DeleteBucketPolicy", &call.environment, &call.place)
                .with("Bucket", bucket)
                .with("ExpectedBucketOwner", call.place.account.as_str())
                .with(IF_STILL, made),
            policy => put(call, policy, &made),
        };
        Ok(vec![PlannedCall {
            call: back,
            says: format!("take {SID} out of the policy of {bucket}").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_of_a_session_is_named_with_and_without_its_path() {
        let arn = "arn:aws:sts::123456789012:assumed-role/lifeboat-operate/ann";
        let wanted = [
            "arn:aws:iam::123456789012:role/lifeboat-operate",
            "arn:aws:iam::123456789012:role/*/lifeboat-operate",
        ];
        assert_eq!(principals(arn), wanted);
        let user = "arn:aws:iam::123456789012:user/ann";
        assert_eq!(principals(user), [user]);
    }

    #[test]
    fn all_else_of_a_policy_stays_and_ours_stands_there_once() {
        let own = || statement("b", &["arn:aws:iam::1:role/r".to_owned()]);
        let first = with_statement("", own()).expect("a policy can be made");
        let again = with_statement(&first, own()).expect("a policy can be made");
        assert_eq!(first, again);
        let other = r#"{"Version":"2012-10-17","Id":"x","Statement":{"Sid":"Other","Effect":"Allow"}}"#;
        let made = with_statement(other, own()).expect("a policy can be made");
        let made: Value = serde_json::from_str(&made).expect("it is JSON");
        assert_eq!((&made["Id"], &made["Statement"][0]["Sid"]), (&json!("x"), &json!("Other")));
        assert_eq!(
            (made["Statement"].as_array().map(Vec::len), &made["Statement"][1]["Sid"]),
            (Some(2), &json!(SID))
        );
        assert!(with_statement("no policy", own()).is_err());
    }
}
