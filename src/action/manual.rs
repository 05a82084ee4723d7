//! `manual`: a person does something and says what came of it.

use super::{Action, Design, Doing, Found, MANUAL, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::dedupe::Dedupe;
use serde_json::Value;

/// Asks a person.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manual;

const ABOUT: About = About {
    name: MANUAL,
    title: "let a person do something",
    says: "Waits until a person has done something and says so, with an answer that later steps can use. The answer and who \
           gave it stand in the journal.",
    arguments: &[Argument {
        name: "question",
        kind: ArgumentKind::Text,
        required: true,
        says: "What is to be done or answered.",
    }],
    outputs: &[("answer", "What was answered.")],
    class: ActionClass::Read,
    dedupe: Dedupe::Nothing,
    operations: &[],
    no_undo: Some("what a person did, a person takes back"),
    usually: None,
};

impl Action for Manual {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(async move {
            let _ = ask.given.text("question")?;
            Ok(Design::new(None))
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
            let question = doing.step.given.get("question").and_then(Value::as_str).unwrap_or_default();
            Ok(Progress::Going { percent: None, says: question.into() })
        })
    }
}
