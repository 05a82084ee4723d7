//! Values that earlier steps bring, filled into calls, and conditions over them.

use crate::domain::Text;
use crate::runbook::condition::{Condition, Operand, Reference};
use crate::runbook::fill;
use crate::runbook::plan::{ParamValue, PlannedStep};
use crate::runbook::state::RunState;
use serde_json::Value;
use std::time::Duration;

/// Fills each `${steps.id.field}` in `value` from the outputs of steps. What is filled in is not looked at again.
///
/// # Errors
/// The references that have no value.
pub(super) fn filled(value: &Value, state: &RunState) -> Result<Value, String> {
    let outputs = |id: &str, field: &str| {
        state.steps.get(&Text::new(id)).and_then(|step| step.outputs.get(field)).cloned()
    };
    fill::fill_outputs(value, &outputs)
        .map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// Says whether the condition of a step holds; without one it does.
///
/// # Errors
/// Why it cannot be judged.
pub(super) fn holds(step: &PlannedStep, state: &RunState) -> Result<bool, String> {
    let Some(source) = &step.when else { return Ok(true) };
    let condition = Condition::parse(source)
        .map_err(|wrong| wrong.iter().map(|mistake| mistake.says.clone()).collect::<Vec<_>>().join("; "))?;
    // Inside a called runbook a step is named as that runbook names it.
    let named = |id: &str| match &step.part_of {
        Some(call) => Text::new(&format!("{call}.{id}")),
        None => Text::new(id),
    };
    let operand = |reference: Reference<'_>| match reference {
        Reference::Param(name) => step.params.get(name).map(operand),
        Reference::Step(id, "state") => {
            state.steps.get(&named(id)).map(|known| Operand::Text(known.phase.words().to_owned()))
        }
        Reference::Step(id, field) => {
            state.steps.get(&named(id)).and_then(|known| known.outputs.get(field)).cloned().map(Operand::Json)
        }
    };
    condition.holds(&operand).map_err(|mistake| mistake.says)
}

fn operand(value: &ParamValue) -> Operand {
    match value {
        ParamValue::Text(text) => Operand::Text(text.clone()),
        ParamValue::Number(number) => Operand::Number(*number),
        ParamValue::DurationS(seconds) => Operand::Duration(Duration::from_secs(*seconds)),
        ParamValue::Moment(at) => Operand::Moment(*at),
        ParamValue::Switch(switch) => Operand::Switch(*switch),
    }
}
