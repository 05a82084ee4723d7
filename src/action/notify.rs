//! `notify`: a notice is posted to a webhook of the estate.

use super::{Action, Design, Doing, Found, PlanAsk, Progress, Refusal};
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, Undo};
use serde_json::{Map, json};
use std::time::Duration;

/// Posts a notice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Notify;

const NO_UNDO: &str = "what people have read, they have read";

const ABOUT: About = About {
    name: "notify",
    title: "tell people",
    says: "Posts a notice to a webhook of the estate. Its address is a secret, and stands in no plan and no journal. Where no \
           answer came, it is not posted again by itself.",
    arguments: &[
        Argument {
            name: "webhook",
            kind: ArgumentKind::Text,
            required: true,
            says: "The webhook's name in the estate.",
        },
        Argument {
            name: "text",
            kind: ArgumentKind::Text,
            required: false,
            says: "What is posted; the webhook's own text if absent.",
        },
    ],
    outputs: &[],
    class: ActionClass::Additive,
    dedupe: Dedupe::PointOfNoReturn,
    operations: &["webhook:Post"],
    no_undo: Some(NO_UNDO),
    usually: Some((Duration::from_secs(1), Duration::from_secs(10))),
};

impl Action for Notify {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(async move {
            let name = ask.given.text("webhook")?;
            let known = ask.estate.policy.webhooks.get(&Text::new(name));
            let known = known.ok_or_else(|| Refusal::new(format!("the estate has no webhook `{name}`")))?;
            let text = match ask.given.maybe_text("text")? {
                Some(text) => text.to_owned(),
                None => known.template.clone().ok_or_else(|| {
                    Refusal::new(format!("neither the step nor the webhook `{name}` says what is posted"))
                })?,
            };
            let mut design = Design::new(None);
            design.calls.push(PlannedCall {
                call: Call::new("webhook:Post", &ask.environment.name, &ask.environment.home())
                    .with("Url", format!("${{secrets.env:{}}}", known.url_from))
                    .with("Body", json!({ "text": text })),
                says: format!("post to {name}").into(),
                class: ActionClass::Additive,
                dedupe: Dedupe::PointOfNoReturn,
            });
            design.undo = Undo::Impossible(NO_UNDO.into());
            Ok(design)
        })
    }

    fn probe<'a>(&'a self, _: Doing<'a>, _: &'a dyn Look) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async {
            Ok(Found::Unclear { evidence: "nobody here can see whether it was posted".into() })
        })
    }

    fn progress<'a>(&'a self, _: Doing<'a>, _: &'a dyn Look) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async { Ok(Progress::Done(Map::new())) })
    }
}
