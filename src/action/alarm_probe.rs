//! `alarm-probe`: an alarm of CloudWatch that is OK, and stays so for a while.

use super::facts::text;
use super::place::{REGION, place_of};
use super::{Action, Design, Doing, Found, PlanAsk, Progress, Refusal};
use crate::domain::action::ActionClass;
use crate::domain::duration::{elapsed, words};
use crate::provider::port::{BoxFuture, CallTrouble, Look};
use crate::runbook::about::{About, Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Waits for an alarm to be OK.
#[derive(Debug, Clone, Copy)]
pub(super) struct AlarmProbe;

const HOLD: Duration = Duration::from_secs(60);
const WITHIN: Duration = Duration::from_secs(600);

const ABOUT: About = About {
    name: "alarm-probe",
    title: "wait until an alarm is OK, and stays so",
    says: "Looks at an alarm of CloudWatch until it is OK and has been so without a break. An alarm without enough measurements \
           is not OK: nothing is known of what it watches.",
    arguments: &[
        Argument { name: "alarm", kind: ArgumentKind::Text, required: true, says: "The name of the alarm." },
        REGION,
        Argument {
            name: "hold",
            kind: ArgumentKind::Duration,
            required: false,
            says: "How long it must have been OK without a break; 1 min if absent.",
        },
        Argument {
            name: "within",
            kind: ArgumentKind::Duration,
            required: false,
            says: "How long it may take to become OK; 10 min if absent.",
        },
    ],
    outputs: &[("says", "What the alarm says.")],
    class: ActionClass::Read,
    dedupe: Dedupe::Nothing,
    operations: &["cloudwatch:DescribeAlarms"],
    no_undo: Some("it changes nothing"),
    usually: Some((Duration::from_secs(60), Duration::from_secs(600))),
};

/// Returns whether what DescribeAlarms brought is OK, and what it says.
pub(super) fn judge(body: &Value) -> (bool, String) {
    let all = |list: &str| body.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    let alarms: Vec<Value> = all("MetricAlarms").into_iter().chain(all("CompositeAlarms")).collect();
    if alarms.is_empty() {
        return (false, "there is no such alarm".to_owned());
    }
    let says = alarms.iter().map(|alarm| {
        let (name, state, reason) =
            (text(alarm, "AlarmName"), text(alarm, "StateValue"), text(alarm, "StateReason"));
        if reason.is_empty() { format!("{name} is {state}") } else { format!("{name} is {state}: {reason}") }
    });
    let says = says.collect::<Vec<_>>().join("; ");
    (alarms.iter().all(|alarm| text(alarm, "StateValue") == "OK"), says)
}

impl Action for AlarmProbe {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn plan<'a>(&'a self, ask: PlanAsk<'a>) -> BoxFuture<'a, Result<Design, Refusal>> {
        Box::pin(async move {
            let alarm = ask.given.text("alarm")?;
            let mut design = Design::new(None);
            for (name, usual) in [("hold", HOLD), ("within", WITHIN)] {
                let span = ask.given.span(name)?.unwrap_or(usual);
                design.facts.insert(name.to_owned(), Value::from(span.as_secs()));
            }
            let call = Call::new("cloudwatch:DescribeAlarms", &ask.environment.name, &place_of(&ask)?);
            design.asks.push(call.with("AlarmNames", json!([alarm])));
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
            let of = |name: &str, usual: Duration| {
                let seconds = doing.step.facts.get(name).and_then(Value::as_u64);
                seconds.map_or(usual, Duration::from_secs)
            };
            let (is_ok, says) = judge(&look.look(call).await?.body);
            if is_ok {
                let mut outputs = Map::new();
                outputs.insert("says".to_owned(), Value::String(says.clone()));
                let span = of("hold", HOLD);
                return Ok(Progress::Holds { span, says: says.into(), outputs, for_good: false });
            }
            let within = of("within", WITHIN);
            if elapsed(doing.since, doing.now) >= within {
                return Ok(Progress::Failed {
                    why: format!("not OK within {}: {says}", words(within)).into(),
                    hint: Some("see what the alarm watches, then `retry` the step".into()),
                });
            }
            Ok(Progress::Going { percent: None, says: says.into() })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_that_knows_nothing_or_is_not_there_is_not_ok() {
        let alarm = |state: &str| json!({"MetricAlarms": [{"AlarmName": "a", "StateValue": state}], "CompositeAlarms": []});
        assert!(judge(&alarm("OK")).0);
        assert!(!judge(&alarm("ALARM")).0);
        assert!(!judge(&alarm("INSUFFICIENT_DATA")).0);
        assert!(!judge(&json!({"MetricAlarms": [], "CompositeAlarms": []})).0);
        assert!(!judge(&json!({})).0);
    }
}
