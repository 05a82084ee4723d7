//! `runbooks`: what can be run.

use crate::cli::args::{Format, Global, RunbooksArgs};
use crate::cli::document::RunbooksDocument;
use crate::cli::output::Output;
use crate::cli::recovery;
use crate::cli::table::{Cell, table};
use crate::failure::{Failure, FailureKind};
use crate::runbook::definition::{ParameterKind, Runbook};

/// Prints the runbooks that there are, or one of them.
///
/// # Errors
/// When a folder cannot be read, or there is no such runbook.
pub fn run(global: &Global, given: &RunbooksArgs, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("runbooks")?;
    let (library, notes) = recovery::library(global)?;
    for note in notes {
        output.note(&format!("note: {note}"));
    }
    let all: Vec<&Runbook> = match &given.runbook {
        Some(name) => vec![library.get(name).ok_or_else(|| {
            let shown = crate::domain::text::harmless(name);
            Failure::new(FailureKind::Usage, format!("there is no runbook `{shown}`"))
                .hint("`lifeboat runbooks` lists them")
        })?],
        None => library.runbooks().collect(),
    };
    if output.format() == Format::Json {
        output.json(&RunbooksDocument::of(&all))?;
        return Ok(0);
    }
    match all.as_slice() {
        [one] if given.runbook.is_some() => output.text(&whole(one))?,
        _ => {
            let rows: Vec<Vec<Cell>> = all
                .iter()
                .map(|runbook| {
                    vec![
                        Cell::new(&runbook.id),
                        Cell::new(kind(runbook)),
                        Cell::new(runbook.reviewed.map_or("–".to_owned(), |day| day.to_string())),
                        Cell::new(runbook.title.as_str()),
                    ]
                })
                .collect();
            output.text(&table(&["runbook", "kind", "reviewed", "what it does"], &rows, output.colour()))?;
        }
    }
    Ok(0)
}

fn kind(runbook: &Runbook) -> String {
    serde_json::to_value(runbook.kind)
        .ok()
        .and_then(|kind| kind.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn whole(runbook: &Runbook) -> String {
    let mut out = format!("{}: {}\n\n{}\n", runbook.id, runbook.title, runbook.scenario);
    for symptom in &runbook.symptoms {
        out.push_str(&format!("- {symptom}\n"));
    }
    if !runbook.parameters.is_empty() {
        out.push_str("\nparameters\n");
    }
    for parameter in &runbook.parameters {
        let needed = match (&parameter.default, &parameter.kind) {
            (Some(_), _) | (None, ParameterKind::Point { .. }) => "",
            (None, _) => " (has to be given)",
        };
        out.push_str(&format!("  {}: {}{needed}\n", parameter.name, parameter.says));
    }
    out.push_str("\nsteps\n");
    for step in &runbook.steps {
        let uses = step.runbook.as_deref().unwrap_or(&step.uses);
        out.push_str(&format!("  {}: {} [{uses}]\n", step.id, step.title));
        for line in step.prose.as_str().lines() {
            out.push_str(&format!("      {line}\n"));
        }
    }
    out
}
