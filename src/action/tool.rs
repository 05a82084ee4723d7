//! `tool`: a program is run by its arguments, never by a shell, under a supervisor that neither loses nor doubles it.

use super::facts::text;
use super::{Action, Design, Doing, Found, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Runs a program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tool;

const NO_UNDO: &str = "nobody knows how to take back what a program did; write a step that does";

const ABOUT: About = About {
    name: "tool",
    title: "run a program",
    says: "Runs a program by its arguments, without a shell. It goes on when lifeboat ends, and is found again. What it prints \
           lies beside the journal. Only these variables reach it: PATH, HOME, the locale, and those that are named.",
    arguments: &[
        Argument {
            name: "run",
            kind: ArgumentKind::Texts,
            required: true,
            says: "The program and its arguments.",
        },
        Argument {
            name: "folder",
            kind: ArgumentKind::Text,
            required: false,
            says: "The folder that it runs in; that of the run if absent.",
        },
        Argument {
            name: "environment",
            kind: ArgumentKind::Pairs,
            required: false,
            says: "Variables that it gets.",
        },
        Argument {
            name: "inherit",
            kind: ArgumentKind::Texts,
            required: false,
            says: "Names of variables that it gets from lifeboat.",
        },
        Argument {
            name: "timeout",
            kind: ArgumentKind::Duration,
            required: false,
            says: "After which time it is asked to end.",
        },
        Argument {
            name: "class",
            kind: ArgumentKind::Choice(&[
                "read",
                "additive",
                "mutating",
                "destructive",
                "irreversible",
                "data-loss",
            ]),
            required: false,
            says: "What it may do to the world; irreversible if absent.",
        },
        Argument {
            name: "expect",
            kind: ArgumentKind::Number,
            required: false,
            says: "The exit code that means success; 0 if absent.",
        },
    ],
    outputs: &[("exit-code", "Its exit code."), ("output-sha256", "The hash of what it printed.")],
    class: ActionClass::Irreversible,
    dedupe: Dedupe::PointOfNoReturn,
    operations: &["tool:Run", "tool:Status"],
    no_undo: Some(NO_UNDO),
    usually: None,
};

fn class_of(name: Option<&str>) -> ActionClass {
    match name {
        Some("read") => ActionClass::Read,
        Some("additive") => ActionClass::Additive,
        Some("mutating") => ActionClass::Mutating,
        Some("destructive") => ActionClass::Destructive,
        Some("data-loss") => ActionClass::DataLoss,
        _ => ActionClass::Irreversible,
    }
}

async fn status(look: &dyn Look, like: &Call) -> Result<Value, CallTrouble> {
    let call = Call::new("tool:Status", &like.environment, &like.place).maybe("Home", like.text("Home"));
    Ok(look.look(&call).await?.body)
}

impl Action for Tool {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(async move {
            let argv = ask.given.texts("run")?;
            let program = argv.first().cloned().ok_or_else(|| Refusal::new("`run` names no program"))?;
            let class = class_of(ask.given.maybe_text("class")?);
            let mut call = Call::new("tool:Run", &ask.environment.name, &ask.environment.home())
                .with("Argv", argv)
                .maybe("Folder", ask.given.maybe_text("folder")?)
                .maybe("TimeoutS", ask.given.span("timeout")?.map(|span| span.as_secs()))
                // Where it is found again; the folder of the run is put before it when it is called.
                .with("Home", format!("children/{}", ask.step));
            let environment = ask.given.pairs("environment")?;
            if !environment.is_empty() {
                call = call.with("Environment", json!(environment));
            }
            let inherit = ask.given.texts("inherit")?;
            if !inherit.is_empty() {
                call = call.with("Inherit", inherit);
            }
            let mut design = Design::new(None);
            if let Some(expect) = ask.given.number("expect")? {
                design.facts.insert("expect".to_owned(), Value::from(expect));
            }
            let says = format!("run {program}").into();
            design.calls.push(PlannedCall { call, says, class, dedupe: Dedupe::PointOfNoReturn });
            design.undo =
                if class == ActionClass::Read { Undo::Nothing } else { Undo::Impossible(NO_UNDO.into()) };
            if ask.given.maybe_text("class")?.is_none() {
                design
                    .notes
                    .push("the runbook does not say what the program may do, so the worst is assumed".into());
            }
            Ok(design)
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
            let found = status(look, call).await?;
            let state = text(&found, "State");
            Ok(match state {
                "running" | "ended" => {
                    Found::Happened { reply: json!({ "Started": true }), evidence: format!("the program is {state}").into() }
                }
                "never-started" => Found::Nothing { evidence: "the program was never started".into() },
                _ => Found::Unclear {
                    evidence: "the program was begun, and nobody knows how it ended: its supervisor was killed, or the machine was started anew".into(),
                },
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
            let found = status(look, call).await?;
            // What a program printed may be anything, secrets included: the journal gets its size only. Those who watch see
            // the end of it, without what it was given.
            let bytes = found.get("OutBytes").and_then(Value::as_u64).unwrap_or(0);
            match text(&found, "State") {
                "ended" => {}
                "running" => {
                    let says = format!("running, {bytes} bytes printed");
                    return Ok(Progress::Going { percent: None, says: says.into() });
                }
                _ if found.get("Simulated") == Some(&Value::Bool(true)) => {
                    return Ok(Progress::Done(Map::new()));
                }
                state => {
                    return Ok(Progress::Failed {
                        why: format!("nobody knows how the program ended ({state})").into(),
                        hint: Some("look at what it has changed, then skip the step or retry it".into()),
                    });
                }
            }
            let code = found.get("ExitCode").and_then(Value::as_i64);
            let expected = doing.step.facts.get("expect").and_then(Value::as_i64).unwrap_or(0);
            if code != Some(expected) {
                let how = code.map_or_else(
                    || format!("signal {}", found.get("Signal").unwrap_or(&Value::Null)),
                    |code| format!("exit code {code}"),
                );
                return Ok(Progress::Failed {
                    why: format!("the program ended with {how}").into(),
                    hint: Some(
                        format!(
                            "what it printed ({bytes} bytes) lies in the folder of the run: {}/out",
                            call.text("Home").unwrap_or_default()
                        )
                        .into(),
                    ),
                });
            }
            let mut outputs = Map::new();
            outputs.insert("exit-code".to_owned(), Value::from(code));
            // It stays beside the journal, by its hash.
            outputs.insert("output-sha256".to_owned(), found.get("OutSha256").cloned().unwrap_or_default());
            Ok(Progress::Done(outputs))
        })
    }

    fn pace(&self) -> Duration {
        Duration::from_secs(1)
    }
}
