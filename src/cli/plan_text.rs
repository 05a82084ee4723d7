//! A plan as people read it in a terminal, before they agree to it.

use super::table::{Cell, table};
use crate::action::fan_out::is_batch;
use crate::domain::duration::words;
use crate::domain::estate::EnvironmentClass;
use crate::failure::{Failure, FailureKind};
use crate::runbook::consent::{Strength, phrase, required_for};
use crate::runbook::markdown::{class_words, strength_words};
use crate::runbook::plan::{Mode, Plan, PlanHash, PlannedCall, PlannedStep, Undo};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// How many batches of a step are shown.
const BATCHES: usize = 3;

/// Returns the calls of a step that are shown, and how many batches are not.
fn first_calls(step: &PlannedStep) -> (&[PlannedCall], usize) {
    let is_long = step.calls.len() > BATCHES && step.calls.iter().all(|planned| is_batch(&planned.call));
    let shown = if is_long { step.calls.get(..BATCHES).unwrap_or_default() } else { step.calls.as_slice() };
    (shown, step.calls.len() - shown.len())
}

/// Returns a plan for a terminal: what it is, its steps, and every call.
pub fn table_of(plan: &Plan, hash: &PlanHash, colour: bool) -> String {
    let class = match plan.class {
        EnvironmentClass::Production => "PRODUCTION",
        EnvironmentClass::NonProduction => "not production",
    };
    let sandbox =
        plan.sandbox.as_ref().map_or(String::new(), |sandbox| format!(", SANDBOX {}", sandbox.scenario));
    let mode = match plan.mode {
        Mode::Recover => "",
        Mode::Drill => " (a drill)",
        Mode::Tabletop => " (tabletop: no call leaves)",
    };
    let mut out = format!(
        "{}{mode}\nfor {} ({class}{sandbox}) in {}, account {} ({})\nplan {hash}\n",
        plan.runbook.title, plan.environment, plan.place.region, plan.place.account, plan.account_alias,
    );
    for (name, value) in &plan.parameters {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        out.push_str(&format!("  {name}: {}\n", crate::domain::text::harmless(&value)));
    }
    let rows: Vec<Vec<Cell>> = plan
        .steps
        .iter()
        .map(|step| {
            let takes = step.takes.as_ref().map_or("–".to_owned(), |takes| {
                let (low, high) = (Duration::from_secs(takes.low_s), Duration::from_secs(takes.high_s));
                format!("{} to {}", words(low), words(high))
            });
            let undo = match &step.undo {
                Undo::Nothing => "–".to_owned(),
                Undo::Calls { .. } => "yes".to_owned(),
                Undo::Impossible(_) => "NO".to_owned(),
            };
            let needs = step.needs.iter().map(crate::domain::Text::as_str).collect::<Vec<_>>().join(", ");
            vec![
                Cell::new(step.id.as_str()),
                Cell::new(step.title.as_str()),
                Cell::new(class_words(step.class)),
                Cell::new(undo),
                Cell::new(takes),
                Cell::new(needs),
            ]
        })
        .collect();
    out.push('\n');
    out.push_str(&table(&["step", "what it does", "it", "undo", "takes", "after"], &rows, colour));
    for step in &plan.steps {
        let (few, more) = first_calls(step);
        for planned in few {
            out.push_str(&format!("\n{}: {}\n  {}\n", step.id, planned.says, planned.call.line()));
        }
        if more > 0 {
            out.push_str(&format!("\n{}: and {more} batches more; the manifest names every key\n", step.id));
        }
        for precondition in &step.preconditions {
            out.push_str(&format!("  only while {}\n", precondition.says));
        }
        match &step.undo {
            Undo::Nothing => {}
            Undo::Calls { says, .. } => {
                for says in says {
                    out.push_str(&format!("  undo: {says}\n"));
                }
            }
            Undo::Impossible(why) => out.push_str(&format!("  NO UNDO: {why}\n")),
        }
        for note in &step.notes {
            out.push_str(&format!("  note: {note}\n"));
        }
    }
    out.push_str(&format!(
        "\nThe worst that it may do: it {}. To agree: {}.\n",
        class_words(plan.worst()),
        strength_words(required_for(plan))
    ));
    if required_for(plan) >= Strength::Typed {
        out.push_str(&format!("The phrase: {}\n", phrase(plan, hash)));
    }
    out
}

/// Writes a file that was not there.
///
/// # Errors
/// When it is there, or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let shown = path.display();
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| {
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                Failure::new(FailureKind::Usage, format!("{shown} is there already, and is not overwritten"))
            } else {
                Failure::of(format!("cannot write {shown}"), &error)
            }
        })?;
    file.write_all(bytes).map_err(|error| Failure::of(format!("cannot write {shown}"), &error))
}
