//! `plan`: what a recovery would do, call by call.

use crate::cli::args::{Format, Global, PlanCommandArgs};
use crate::cli::output::Output;
use crate::cli::plan_text;
use crate::cli::recovery;
use crate::failure::Failure;
use crate::runbook::markdown::markdown;
use crate::runbook::script::script;

/// Makes a plan and prints it.
///
/// # Errors
/// When there is none.
pub fn run(global: &Global, given: &PlanCommandArgs, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("plan")?;
    let planned = recovery::make_plan(global, &given.plan)?;
    for note in &planned.notes {
        output.note(&format!("note: {note}"));
    }
    if let Some(path) = &given.output {
        plan_text::write_new(path, &planned.plan.bytes())?;
        output.note(&format!("the plan is in {}; its hash is {}", path.display(), planned.hash));
    }
    if given.script {
        output.text(&script(&planned.plan, &planned.hash))?;
    } else if given.markdown {
        output.text(&markdown(&planned.plan, &planned.hash))?;
    } else if output.format() == Format::Json {
        output.text(&String::from_utf8_lossy(&planned.plan.bytes()))?;
    } else {
        output.text(&plan_text::table_of(&planned.plan, &planned.hash, output.colour()))?;
    }
    Ok(0)
}
