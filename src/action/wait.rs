//! `wait`: some time passes.

use super::{Action, Design, Doing, Found, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::duration::{elapsed, words};
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::dedupe::Dedupe;
use serde_json::{Map, Value};
use std::time::Duration;

/// Lets time pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait;

const ABOUT: About = About {
    name: "wait",
    title: "wait",
    says: "Waits for a span of time, such as the lifetime of a DNS record; counted from the moment the step began, whoever \
           goes on with it.",
    arguments: &[
        Argument { name: "for", kind: ArgumentKind::Duration, required: true, says: "How long." },
        Argument { name: "why", kind: ArgumentKind::Text, required: false, says: "What is waited for." },
    ],
    outputs: &[],
    class: ActionClass::Read,
    dedupe: Dedupe::Nothing,
    operations: &[],
    no_undo: Some("time does not come back"),
    usually: None,
};

impl Action for Wait {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(async move {
            let span = ask.given.span("for")?.ok_or_else(|| Refusal::new("`for` is missing"))?;
            let mut design = Design::new(None);
            design.facts.insert("seconds".to_owned(), Value::from(span.as_secs()));
            Ok(design)
        })
    }

    fn probe<'a>(&'a self, _: Doing<'a>, _: &'a dyn Look) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async { Ok(Found::Nothing { evidence: "it calls nothing".into() }) })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        _: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let span = doing.step.facts.get("seconds").and_then(Value::as_u64).unwrap_or_default();
            let passed = elapsed(doing.since, doing.now).as_secs();
            if passed >= span {
                return Ok(Progress::Done(Map::new()));
            }
            let percent = u8::try_from(passed * 100 / span.max(1)).ok();
            let why = doing.step.given.get("why").and_then(Value::as_str).unwrap_or("waiting");
            let left = words(Duration::from_secs(span - passed));
            Ok(Progress::Going { percent, says: format!("{why}: {left} left").into() })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(1)
    }
}
