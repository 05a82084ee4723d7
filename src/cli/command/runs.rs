//! `runs`: what was run here, and how it stands.

use crate::cli::args::{Format, Global};
use crate::cli::document::{DamagedRun, RunsDocument};
use crate::cli::output::Output;
use crate::cli::recovery;
use crate::cli::table::{Cell, table};
use crate::engine::store::load;
use crate::failure::Failure;
use crate::runbook::state::{Phase, StepState};
use crate::runbook::words::rest_words;

/// Prints the runs of the state folder, the newest first.
///
/// # Errors
/// When the state folder cannot be used.
pub fn run(global: &Global, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("runs")?;
    let (runs, _) = recovery::runs(global)?;
    let mut found = Vec::new();
    let mut damaged = Vec::new();
    for name in runs.names() {
        match runs.find(Some(&name)).and_then(|folder| load(&folder)) {
            Ok(run) => found.push(run),
            Err(failure) => {
                output.note(&format!("error: {name}: {}", failure.message));
                damaged.push(DamagedRun { run: name, why: failure.message });
            }
        }
    }
    if output.format() == Format::Json {
        output.json(&RunsDocument::of(&found, damaged))?;
        return Ok(0);
    }
    let mut rows: Vec<Vec<Cell>> = found
        .iter()
        .map(|run| {
            let worked_on = run.folder.is_worked_on();
            let stands = match (&run.state.rest, worked_on) {
                (Some((rest, ..)), _) => rest_words(*rest),
                (None, true) => "running",
                (None, false) => "interrupted",
            };
            let gate = run
                .state
                .steps
                .iter()
                .find(|(id, step)| step.phase == Phase::AtGate && !run.state.consents.contains_key(*id));
            let stands = match gate {
                Some(_) if stands == "running" => "at a gate",
                _ => stands,
            };
            let done = |step: &&StepState| {
                matches!(step.phase, Phase::Succeeded | Phase::Skipped | Phase::NotNeeded)
            };
            let done = run.state.steps.values().filter(done).count();
            let why = match (gate, &run.state.rest) {
                (Some((id, _)), None) => format!("`lifeboat open {} {id}` lets it go on", run.plan.run),
                (_, rest) => rest.as_ref().map_or_else(String::new, |(_, why, _)| why.to_string()),
            };
            vec![
                Cell::new(run.plan.run.as_str()),
                Cell::new(stands),
                Cell::figure(format!("{done} of {}", run.plan.steps.len())),
                Cell::new(run.plan.environment.as_str()),
                Cell::new(run.plan.runbook.title.as_str()),
                Cell::new(why),
            ]
        })
        .collect();
    rows.extend(damaged.iter().map(|run| {
        [run.run.as_str(), "DAMAGED", "", "", "", run.why.as_str()].into_iter().map(Cell::new).collect()
    }));
    output.text(&table(
        &["run", "stands", "steps", "environment", "what it does", "why"],
        &rows,
        output.colour(),
    ))?;
    Ok(0)
}
