//! `rds-rename`: another name for a database instance, and with it another address.

use super::facts::text;
use super::given::is_later;
use super::rds_facts::{
    NO_INSTANCE, REGION, check_name, describe_instance, instance, is_free, place, plain, still, subject,
};
use super::rds_settings::failure;
use super::{Action, Design, Doing, Found, Meaning, PlanAsk, Progress, Refusal};
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, PlannedStep, Undo};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Renames a database instance.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rename;

const ABOUT: About = About {
    name: "rds-rename",
    title: "rename a database",
    says: "Gives an RDS instance another name at once; its address changes with it. Done to the original and then to what was \
           restored, it brings the old address back with the restored data. Which instance is meant is told by its \
           resource id, which no other ever has.",
    arguments: &[
        Argument {
            name: "component",
            kind: ArgumentKind::Component,
            required: false,
            says: "The database, as a component of the estate.",
        },
        Argument {
            name: "instance",
            kind: ArgumentKind::Text,
            required: false,
            says: "The name of the instance, where it is not the one that the component names.",
        },
        Argument { name: "to", kind: ArgumentKind::Text, required: true, says: "Its new name." },
        REGION,
    ],
    outputs: &[
        ("instance", "The new name."),
        ("endpoint", "Its new address."),
        ("port", "Its port."),
        ("resource", "Its resource id."),
    ],
    class: ActionClass::Mutating,
    dedupe: Dedupe::SetState,
    operations: &["rds:DescribeDBInstances", "rds:ModifyDBInstance"],
    no_undo: None,
    usually: Some((Duration::from_secs(60), Duration::from_secs(900))),
};

impl Rename {
    async fn design(ask: PlanAsk<'_>) -> Result<Design, Refusal> {
        let (component, name) = subject(&ask, "instance")?;
        let to = ask.given.text("to")?;
        check_name("database", to, 63)?;
        if name.eq_ignore_ascii_case(to) {
            return Err(Refusal::new(format!("{name} is its name already")));
        }
        let there = place(&ask)?;
        let base = |operation: &str| Call::new(operation, &ask.environment.name, &there);
        let mut design = Design::new(component);
        let describe = describe_instance(&base(""), &name);
        if is_later(&name) {
            let says = format!("{name} is available");
            design.preconditions.push(still(
                says,
                &describe,
                "/DBInstances/0/DBInstanceStatus",
                "available".into(),
            ));
        } else {
            let found = instance(ask.look, &base(""), &name).await?;
            let found = found.ok_or_else(|| Refusal::new(format!("there is no instance {name}")))?;
            let status = text(&found, "DBInstanceStatus");
            if status != "available" {
                return Err(Refusal::new(format!("{name} is {status}, and cannot be renamed"))
                    .hint("wait until it is available"));
            }
            for (says, at, expect) in [
                (format!("{name} is available"), "/DBInstances/0/DBInstanceStatus", json!("available")),
                (
                    format!("{name} is the same instance"),
                    "/DBInstances/0/DbiResourceId",
                    found.get("DbiResourceId").cloned().unwrap_or_default(),
                ),
            ] {
                design.preconditions.push(still(says, &describe, at, expect));
            }
        }
        if !is_later(to) {
            let free = describe_instance(&base(""), to);
            let at = "/DBInstances/0/DBInstanceIdentifier";
            design.preconditions.push(is_free(to, free, at, NO_INSTANCE));
            if let Some(taken) = instance(ask.look, &base(""), to).await? {
                let status = text(&taken, "DBInstanceStatus");
                let says = format!(
                    "the name {to} is taken now, by an instance that is {status}: a step before this one has to free it, or this one fails before it changes anything"
                );
                design.notes.push(says.as_str().into());
            }
        }
        design.calls.push(PlannedCall {
            call: base("rds:ModifyDBInstance")
                .with("DBInstanceIdentifier", name.as_str())
                .with("NewDBInstanceIdentifier", to)
                .with("ApplyImmediately", true),
            says: format!("rename {name} to {to}").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        });
        design.undo = Undo::Calls {
            says: vec![format!("rename {to} back to {name}").into()],
            class: ActionClass::Mutating,
        };
        design.notes.extend([
            "it reboots: connections break, and the old address stops to answer within minutes",
            "what names it is not changed with it: alarms, proxy targets, event subscriptions, IAM policies, Terraform",
        ].map(Text::from));
        if there != ask.environment.home() {
            design.control_plane = Some(there.region);
        }
        Ok(design)
    }
}

/// The names that a call changes from and to.
fn names(call: &Call) -> (&str, &str) {
    let name = |argument| call.text(argument).unwrap_or_default();
    (name("DBInstanceIdentifier"), name("NewDBInstanceIdentifier"))
}

impl Action for Rename {
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
            let (from, _) = names(call);
            let found = instance(look, call, from).await?;
            let found = found.ok_or_else(|| Refusal::new(format!("there is no instance {from}")))?;
            let resource = text(&found, "DbiResourceId");
            if resource.is_empty() {
                return Err(Refusal::new(format!(
                    "{from} has no resource id, so it cannot be told from others"
                )));
            }
            Ok(json!({ "name": from, "resource": resource }))
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
            let (from, to) = names(call);
            let wanted = text(doing.before, "resource");
            let happened = |found: Value, says: String| Found::Happened {
                reply: json!({ "DBInstance": found }),
                evidence: says.into(),
            };
            let is_it = |found: &Value| !wanted.is_empty() && text(found, "DbiResourceId") == wanted;
            if let Some(found) = instance(look, call, to).await? {
                if is_it(&found) {
                    return Ok(happened(found, format!("{wanted} is called {to}")));
                }
                let other = text(&found, "DbiResourceId").to_owned();
                return Ok(Found::Unclear {
                    evidence: format!("{to} is {other}, which is another instance than {wanted}").into(),
                });
            }
            Ok(match instance(look, call, from).await? {
                Some(found) if !is_it(&found) => Found::Unclear {
                    evidence: format!("{from} is another instance than {wanted}, and {to} is not there")
                        .into(),
                },
                Some(found) if text(&found, "DBInstanceStatus") == "renaming" => {
                    happened(found, format!("{from} is being renamed"))
                }
                Some(found) if found.pointer("/PendingModifiedValues/DBInstanceIdentifier").is_some() => {
                    happened(found, format!("{from} is going to be renamed"))
                }
                Some(_) => Found::Nothing { evidence: format!("{wanted} is still called {from}").into() },
                // Between its two names it may answer to neither.
                None => Found::Nothing { evidence: format!("neither {from} nor {to} is there").into() },
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
            let (_, to) = names(call);
            let going = |says: String| Ok(Progress::Going { percent: None, says: says.into() });
            let Some(found) = instance(look, call, to).await? else {
                return going(format!("{to} does not answer yet"));
            };
            let (is, wanted) = (text(&found, "DbiResourceId"), text(doing.before, "resource"));
            if is != wanted {
                return Ok(Progress::Failed {
                    why: format!("{to} is {is}, which is another instance than {wanted}").into(),
                    hint: Some("somebody has taken the name: look at both, then retry with another".into()),
                });
            }
            let status = text(&found, "DBInstanceStatus");
            if let Some(failed) = failure(to, status) {
                return Ok(failed);
            }
            let address = found.pointer("/Endpoint/Address").cloned();
            let (Some(address), "available") = (address, status) else {
                return going(format!("{to} is {status}"));
            };
            let mut outputs = Map::new();
            outputs.insert("instance".to_owned(), Value::from(to));
            outputs.insert("resource".to_owned(), Value::from(is));
            outputs.insert("endpoint".to_owned(), address);
            if let Some(port) = found.pointer("/Endpoint/Port") {
                outputs.insert("port".to_owned(), port.clone());
            }
            Ok(Progress::Done(outputs))
        })
    }

    fn means(&self, _: &Doing<'_>, trouble: &CallTrouble) -> Meaning {
        let code = trouble.code().unwrap_or_default();
        // It may have its new name already, and so may be what has it.
        if code.starts_with(NO_INSTANCE) || code.starts_with("DBInstanceAlreadyExists") {
            return Meaning::Look;
        }
        Meaning::Failed { hint: plain(code).map(Into::into) }
    }

    fn undo(&self, doing: &Doing<'_>) -> Result<Vec<PlannedCall>, Refusal> {
        let call = doing.calls.first().ok_or_else(|| Refusal::new("nothing was renamed"))?;
        let (from, to) = names(call);
        Ok(vec![PlannedCall {
            call: Call::new("rds:ModifyDBInstance", &call.environment, &call.place)
                .with("DBInstanceIdentifier", to)
                .with("NewDBInstanceIdentifier", from)
                .with("ApplyImmediately", true),
            says: format!("rename {to} back to {from}").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::SetState,
        }])
    }
}
