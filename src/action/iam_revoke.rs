//! `iam-revoke-sessions`: the sessions of a role that have begun already are good for nothing any more.

use super::given::is_later;
use super::route53_sets::{CONTROL_PLANE, global};
use super::setting;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{Expect, PlannedCall, PlannedStep, Precondition, Undo};
use crate::runbook::still::IF_STILL;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Revokes the sessions of a role.
#[derive(Debug, Clone, Copy)]
pub(super) struct RevokeSessions;

/// The name of our policy in a role.
const POLICY: &str = "LifeboatRevokeSessions";

const ABOUT: About = About {
    name: "iam-revoke-sessions",
    title: "make the sessions of a role useless",
    says: "Denies everything to the sessions of a role that began before a moment, by a policy that stands in the role itself; \
           who takes the role anew works again, so whoever may not must be shut out by its trust policy. It takes a few \
           seconds until all of AWS knows it. IAM is changed in us-east-1.",
    arguments: &[
        Argument {
            name: "role",
            kind: ArgumentKind::Text,
            required: true,
            says: "The name of the role, without its path.",
        },
        Argument {
            name: "before",
            kind: ArgumentKind::Text,
            required: false,
            says: "Sessions that began before this moment; that at which the plan was made if absent.",
        },
    ],
    outputs: &[("role", "The role."), ("before", "The moment."), ("policy", "The name of the policy.")],
    class: ActionClass::Mutating,
    dedupe: Dedupe::Conditional,
    operations: &[
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "sts:GetCallerIdentity",
    ],
    no_undo: None,
    usually: Some((Duration::from_secs(1), Duration::from_secs(60))),
};

fn document(before: Timestamp) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": POLICY,
            "Effect": "Deny",
            "Action": ["*"],
            "Resource": ["*"],
            "Condition": {"DateLessThan": {"aws:TokenIssueTime": format!("{before:.0}")}},
        }],
    })
    .to_string()
}

/// Says whether an identity is a session of a role.
fn is_of(identity: &str, role: &str) -> bool {
    identity.split_once(":assumed-role/").is_some_and(|(_, rest)| rest.split('/').next() == Some(role))
}

fn put(like: &Call, document: &str, still: &Value) -> Call {
    Call::new("iam:PutRolePolicy", &like.environment, &like.place)
        .maybe("RoleName", like.text("RoleName"))
        .with("PolicyName", POLICY)
        .with("PolicyDocument", document)
        .with(IF_STILL, still.clone())
}

impl RevokeSessions {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let role = ask.given.text("role")?;
        if is_later(role) {
            return Err(Refusal::new("the role has to be known when the plan is made"));
        }
        let before = match ask.given.maybe_text("before")? {
            None => ask.now,
            Some(text) => text.parse().map_err(|_| {
                Refusal::new(format!("`before`: `{text}` is no moment; write it like 2026-11-21T03:12:00Z"))
            })?,
        };
        let place = global(&ask);
        let base =
            |operation: &str| Call::new(operation, &ask.environment.name, &place).with("RoleName", role);
        let who = ask.look.credentials(&ask.environment.name).await;
        let who = who.map_err(|trouble| Refusal::new(format!("who recovers cannot be seen: {trouble}")))?;
        if is_of(who.identity.as_str(), role) {
            return Err(Refusal::new(format!("{role} is the role that recovers: its own session would end"))
                .hint("log in by another role first"));
        }
        let asked = base("iam:GetRole");
        ask.look
            .look(&asked)
            .await
            .map_err(|trouble| Refusal::new(format!("the role {role} cannot be read: {trouble}")))?;
        let call = put(&base("iam:PutRolePolicy"), &document(before), &Value::Null);
        let seen = setting::seen(ask.look, &call).await?;
        let mut design = Design::new(None);
        design.facts.insert("role".to_owned(), Value::from(role));
        design.facts.insert("before".to_owned(), Value::from(format!("{before:.0}")));
        design.preconditions.push(Precondition {
            says: "the role is there".into(),
            look: asked,
            at: "/Role/RoleName".into(),
            expect: Expect::Is(Value::from(role)),
        });
        if !seen.is_null() {
            design.notes.push(format!("{role} has {POLICY} already: its moment moves on").into());
        }
        design.calls.push(PlannedCall {
            call: put(&call, &document(before), &seen),
            says: format!("deny everything to sessions of {role} that began before {before:.0}").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        });
        design.undo = Undo::Calls {
            says: vec![format!("take {POLICY} out of the role again").into()],
            class: ActionClass::Mutating,
        };
        design.control_plane = Some(CONTROL_PLANE.into());
        design.notes.extend([
            format!("IAM is changed in {CONTROL_PLANE} and copied from there: without it this cannot be done").into(),
            "everything that runs under the role stops working until it takes the role anew".into(),
            "sessions that begin after that moment work: shut the intruder out by the role's trust policy as well".into(),
            "access keys of users are not sessions of a role: they are not revoked by it".into(),
        ]);
        Ok(design)
    }
}

impl Action for RevokeSessions {
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
            for fact in ["role", "before"] {
                outputs.insert(fact.to_owned(), doing.step.facts.get(fact).cloned().unwrap_or_default());
            }
            outputs.insert("policy".to_owned(), Value::from(POLICY));
            setting::progress(&doing, look, outputs).await
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn means(&self, doing: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        match trouble.code().unwrap_or_default() {
            "NoSuchEntity" => Meaning::Failed { hint: Some("the role or its policy is gone".into()) },
            _ => setting::means(doing, trouble),
        }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was written"))?;
        let seen =
            doing.before.get("seen").ok_or_else(|| Refusal::new("nobody knows which policy there was"))?;
        let made = setting::made_by(call);
        let back = match seen.get("PolicyDocument").and_then(Value::as_str) {
            Some(document) => put(call, document, &made),
            None => Call::new("iam:DeleteRolePolicy", &call.environment, &call.place)
                .maybe("RoleName", call.text("RoleName"))
                .with("PolicyName", POLICY)
                .with(IF_STILL, made),
        };
        Ok(vec![PlannedCall {
            call: back,
            says: format!("take {POLICY} out of {} again", call.text("RoleName").unwrap_or_default()).into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        }])
    }
}
