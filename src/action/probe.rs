//! `http-probe`, `tcp-probe` and `dns-probe`: whether something answers as it should, seen from here.

use super::{Action, Design, Doing, Found, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::duration::{elapsed, words};
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use serde_json::{Map, Value};
use std::time::Duration;

/// A probe from this machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    about: &'static About,
    operation: &'static str,
    /// The arguments: as a runbook names them, and as the call does.
    arguments: &'static [(&'static str, &'static str)],
}

const WITHIN: Argument = Argument {
    name: "within",
    kind: ArgumentKind::Duration,
    required: false,
    says: "How long it may take to become green; 10 min if absent.",
};
const TIMEOUT: Argument = Argument {
    name: "timeout",
    kind: ArgumentKind::Duration,
    required: false,
    says: "How long one answer may take; 5 s if absent.",
};
const OUTPUTS: &[(&str, &str)] = &[("says", "What was answered.")];

impl Probe {
    /// Asks an address by HTTP.
    pub(super) const HTTP: Self = Self {
        about: &About {
            name: "http-probe",
            title: "ask an address by HTTP",
            says: "Asks an address by HTTP or HTTPS until it answers as it should. Redirects are not followed.",
            arguments: &[
                Argument { name: "url", kind: ArgumentKind::Text, required: true, says: "The address." },
                Argument {
                    name: "status",
                    kind: ArgumentKind::Number,
                    required: false,
                    says: "The status that is expected; any from 200 to 299 if absent.",
                },
                Argument {
                    name: "contains",
                    kind: ArgumentKind::Text,
                    required: false,
                    says: "A text that the answer must contain.",
                },
                TIMEOUT,
                WITHIN,
            ],
            outputs: OUTPUTS,
            class: ActionClass::Read,
            dedupe: Dedupe::Nothing,
            operations: &["http:Get"],
            no_undo: Some("it changes nothing"),
            usually: Some((Duration::from_secs(1), Duration::from_secs(60))),
        },
        operation: "http:Get",
        arguments: &[("url", "Url"), ("status", "Status"), ("contains", "Contains")],
    };

    /// Opens a connection.
    pub(super) const TCP: Self = Self {
        about: &About {
            name: "tcp-probe",
            title: "open a connection",
            says: "Opens a TCP connection until one is accepted. That says that something listens, not that it works.",
            arguments: &[
                Argument { name: "host", kind: ArgumentKind::Text, required: true, says: "The host." },
                Argument { name: "port", kind: ArgumentKind::Number, required: true, says: "The port." },
                TIMEOUT,
                WITHIN,
            ],
            outputs: OUTPUTS,
            class: ActionClass::Read,
            dedupe: Dedupe::Nothing,
            operations: &["tcp:Connect"],
            no_undo: Some("it changes nothing"),
            usually: Some((Duration::from_secs(1), Duration::from_secs(60))),
        },
        operation: "tcp:Connect",
        arguments: &[("host", "Host"), ("port", "Port")],
    };

    /// Resolves a name.
    pub(super) const DNS: Self = Self {
        about: &About {
            name: "dns-probe",
            title: "resolve a name",
            says: "Resolves a name by this machine's resolver until it gives what is expected. Others may still see the old \
                   value, for as long as its lifetime.",
            arguments: &[
                Argument { name: "name", kind: ArgumentKind::Text, required: true, says: "The name." },
                Argument {
                    name: "expect",
                    kind: ArgumentKind::Text,
                    required: false,
                    says: "An address that must be among the answers.",
                },
                TIMEOUT,
                WITHIN,
            ],
            outputs: OUTPUTS,
            class: ActionClass::Read,
            dedupe: Dedupe::Nothing,
            operations: &["dns:Resolve"],
            no_undo: Some("it changes nothing"),
            usually: Some((Duration::from_secs(1), Duration::from_secs(300))),
        },
        operation: "dns:Resolve",
        arguments: &[("name", "Name"), ("expect", "Expect")],
    };
}

impl Action for Probe {
    fn about(&self) -> &'static About {
        self.about
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(async move {
            let mut call = Call::new(self.operation, &ask.environment.name, &ask.environment.home());
            for (name, argument) in self.arguments {
                let Some(text) = ask.given.maybe_text(name)? else { continue };
                let number = matches!(*name, "status" | "port") && !super::given::is_later(text);
                let value =
                    if number { ask.given.number(name)?.map(Value::from) } else { Some(Value::from(text)) };
                call = call.maybe(argument, value);
            }
            let timeout = ask.given.span("timeout")?.unwrap_or(Duration::from_secs(5));
            call = call.with("TimeoutMs", u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
            let mut design = Design::new(None);
            let within = ask.given.span("within")?.unwrap_or(Duration::from_secs(600));
            design.facts.insert("within".to_owned(), Value::from(within.as_secs()));
            design.asks.push(call);
            Ok(design)
        })
    }

    fn probe<'a>(&'a self, _: Doing<'a>, _: &'a dyn Look) -> BoxFuture<'a, Result<Found, CallTrouble>> {
        Box::pin(async { Ok(Found::Nothing { evidence: "it calls nothing".into() }) })
    }

    fn progress<'a>(
        &'a self,
        doing: Doing<'a>,
        look: &'a dyn Look,
    ) -> BoxFuture<'a, Result<Progress, CallTrouble>> {
        Box::pin(async move {
            let Some(call) = doing.calls.first() else {
                return Ok(Progress::Failed {
                    why: "the plan does not say what is asked".into(),
                    hint: None,
                });
            };
            let reply = look.look(call).await?;
            let says = reply.body.get("Says").and_then(Value::as_str).unwrap_or_default().to_owned();
            if reply.body.get("Green") == Some(&Value::Bool(true)) {
                let mut outputs = Map::new();
                outputs.insert("says".to_owned(), Value::String(says));
                return Ok(Progress::Done(outputs));
            }
            let within = doing.step.facts.get("within").and_then(Value::as_u64).unwrap_or(600);
            let passed = elapsed(doing.since, doing.now);
            if passed >= Duration::from_secs(within) {
                let why = format!("not green within {}: {says}", words(Duration::from_secs(within)));
                return Ok(Progress::Failed {
                    why: why.into(),
                    hint: Some("see what it says, then `retry` the step".into()),
                });
            }
            Ok(Progress::Going { percent: None, says: says.into() })
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(5)
    }
}
