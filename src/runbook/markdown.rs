//! A plan as Markdown, for a ticket, a wiki or a printer.

use super::consent::{Strength, required_for};
use super::dedupe::Dedupe;
use super::plan::{Mode, Plan, PlanHash, PlannedStep, Undo};
use super::script::line;
use crate::domain::action::ActionClass;
use crate::domain::duration::words;
use crate::domain::estate::EnvironmentClass;
use crate::domain::text::{harmless, harmless_lines};
use std::time::Duration;

/// Returns the word for a class.
pub fn class_words(class: ActionClass) -> &'static str {
    match class {
        ActionClass::Read => "only looks",
        ActionClass::Additive => "creates something, and may cost",
        ActionClass::Mutating => "changes something",
        ActionClass::Destructive => "deletes something that can be made again",
        ActionClass::Irreversible => "cannot be taken back",
        ActionClass::DataLoss => "loses data, and cannot be taken back",
    }
}

/// Returns what a person has to do to agree.
pub fn strength_words(strength: Strength) -> &'static str {
    match strength {
        Strength::None => "nobody is asked",
        Strength::Enter => "Enter",
        Strength::Confirmed => "a confirmation on the screen that names the calls",
        Strength::Typed => "a typed phrase",
        Strength::TypedAndSigned => "a typed phrase, and a second person",
    }
}

/// Returns a plan as Markdown.
pub fn markdown(plan: &Plan, hash: &PlanHash) -> String {
    let production = match plan.class {
        EnvironmentClass::Production => "PRODUCTION",
        EnvironmentClass::NonProduction => "not production",
    };
    let mode = match plan.mode {
        Mode::Recover => "",
        Mode::Drill => " This is a drill.",
        Mode::Tabletop => " This is a tabletop exercise: no call leaves.",
    };
    let mut out = format!(
        "# {}\n\nPlan `{hash}` of run `{}`.{mode}\n\n| | |\n|---|---|\n| environment | {} ({production}) |\n| account | {} ({}) |\n\
         | Region | {} |\n| made | {} by {}@{} |\n| worst that it may do | {} |\n| consent | {} |\n",
        cell(plan.runbook.title.as_str()),
        plan.run,
        cell(plan.environment.as_str()),
        cell(plan.place.account.as_str()),
        cell(plan.account_alias.as_str()),
        cell(plan.place.region.as_str()),
        plan.made_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        cell(plan.made_by.user.as_str()),
        cell(plan.made_by.host.as_str()),
        class_words(plan.worst()),
        strength_words(required_for(plan)),
    );
    for (name, value) in &plan.parameters {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        out.push_str(&format!("| {} | {} |\n", cell(name), cell(&value)));
    }
    for step in &plan.steps {
        out.push_str(&of_step(step));
    }
    out
}

fn of_step(step: &PlannedStep) -> String {
    let mut out = format!("\n## {}: {}\n", cell(step.id.as_str()), cell(step.title.as_str()));
    if !step.prose.is_empty() {
        out.push_str(&format!("\n{}\n", harmless_lines(step.prose.as_str())));
    }
    out.push_str(&format!("\n- **may**: {}\n", class_words(step.class)));
    if !step.needs.is_empty() {
        let needs: Vec<&str> = step.needs.iter().map(crate::domain::Text::as_str).collect();
        out.push_str(&format!("- **after**: {}\n", cell(&needs.join(", "))));
    }
    if let Some(when) = &step.when {
        out.push_str(&format!("- **only if**: `{}`\n", cell(when)));
    }
    if step.gate {
        out.push_str("- **asks again** when it is reached\n");
    }
    for precondition in &step.preconditions {
        out.push_str(&format!("- **only while**: {}\n", cell(precondition.says.as_str())));
    }
    if let Some(takes) = &step.takes {
        let (low, high) = (words(Duration::from_secs(takes.low_s)), words(Duration::from_secs(takes.high_s)));
        out.push_str(&format!("- **takes**: {low} to {high} ({})\n", cell(takes.source.as_str())));
    }
    if step.dedupe != Dedupe::Nothing {
        out.push_str(&format!("- **if no answer comes**: {}\n", step.dedupe.words()));
    }
    match &step.undo {
        Undo::Nothing => {}
        Undo::Calls { says, .. } => {
            let says: Vec<&str> = says.iter().map(crate::domain::Text::as_str).collect();
            out.push_str(&format!("- **undo**: {}\n", cell(&says.join("; "))));
        }
        Undo::Impossible(why) => out.push_str(&format!("- **no undo**: {}\n", cell(why.as_str()))),
    }
    for note in &step.notes {
        out.push_str(&format!("- {}\n", cell(note.as_str())));
    }
    if !step.calls.is_empty() {
        out.push_str("\n```sh\n");
        for planned in &step.calls {
            out.push_str(&format!("{}\n", line(&planned.call)));
        }
        out.push_str("```\n");
    }
    out
}

/// Returns a text that breaks no table and no line.
fn cell(text: &str) -> String {
    harmless(text).replace('|', "\\|").replace('`', "'")
}
