//! The report of a run: what was asked, agreed to and done, when and by whom, told from its journal alone.

use super::account::{calls, span, unprotected};
use crate::domain::duration::{elapsed, words};
use crate::domain::text::harmless;
use crate::engine::store::Run;
use crate::runbook::plan::Mode;
use crate::runbook::state::Phase;
use crate::runbook::words::{rest_words, tell};
use std::time::Duration;

/// Returns what stands before the report of a run that cannot be relied on.
pub fn not_verified(wrong: &str) -> String {
    format!("**NOT VERIFIED, and told up to there only: {}**\n\n", cell(wrong))
}

/// Returns the report of a run as Markdown.
pub fn markdown(run: &Run) -> String {
    let (plan, state) = (&run.plan, &run.state);
    let mode = match plan.mode {
        Mode::Recover => "",
        Mode::Drill => " (drill)",
        Mode::Tabletop => " (tabletop)",
    };
    let rest = state.rest.as_ref().map_or_else(
        || "it is not at rest".to_owned(),
        |(rest, why, _)| format!("{}: {why}", rest_words(*rest)),
    );
    let time = if plan.sandbox.is_some() {
        "\n\nIt ran in the sandbox: its times are simulated, and prove nothing outside."
    } else {
        ""
    };
    let mut out = format!(
        "# {}{mode}\n\nRun `{}` of plan `{}`, on {} in {} (account {}).{time}\n\n**{}**\n",
        cell(plan.runbook.title.as_str()),
        plan.run,
        run.hash,
        cell(plan.environment.as_str()),
        cell(plan.place.region.as_str()),
        cell(plan.place.account.as_str()),
        cell(&rest),
    );
    if state.break_glass {
        out.push_str("\n**BREAK-GLASS was used: no second person approved this run.**\n");
    }
    if let Some((from, to)) = span(run) {
        let took = words(elapsed(from, to));
        let what = if plan.since.is_some() { "since the outage began" } else { "since it was agreed to" };
        let promised = plan.promised_s.map_or(String::new(), |promised| {
            format!("; promised within {}", words(Duration::from_secs(promised)))
        });
        out.push_str(&format!("\nIt took {took} {what}{promised}.\n"));
    }
    out.push_str("\n## Steps\n\n| step | what it does | how it ended | took |\n|---|---|---|---|\n");
    for step in &plan.steps {
        let Some(known) = state.steps.get(&step.id) else { continue };
        let took = match (known.began_at, known.ended_at) {
            (Some(from), Some(to)) => words(elapsed(from, to)),
            _ => "–".to_owned(),
        };
        let why = if known.why.is_empty() { String::new() } else { format!(": {}", known.why) };
        out.push_str(&format!(
            "| {} | {} | {}{} | {took} |\n",
            cell(step.id.as_str()),
            cell(step.title.as_str()),
            known.phase.words(),
            cell(&why)
        ));
    }
    list_brought(run, &mut out);
    list_calls(run, &mut out);
    list_unprotected(run, &mut out);
    let differing = plan.steps.iter().filter_map(|step| Some((step, state.steps.get(&step.id)?)));
    for (step, known) in differing {
        let Some(deviations) = known.deviations.as_array().filter(|all| !all.is_empty()) else { continue };
        out.push_str(&format!(
            "\n## {} differs from the original\n\n| setting | was | is |\n|---|---|---|\n",
            cell(step.id.as_str())
        ));
        for deviation in deviations {
            let at =
                |name: &str| deviation.get(name).map_or_else(String::new, |value| cell(&value.to_string()));
            let setting = deviation.get("setting").and_then(|value| value.as_str()).unwrap_or_default();
            out.push_str(&format!("| {} | {} | {} |\n", cell(setting), at("was"), at("is")));
        }
    }
    if state.steps.values().any(|known| known.phase == Phase::InDoubt) {
        out.push_str("\n**A step is in doubt: nobody knows whether its call has happened.**\n");
    }
    out.push_str("\n## What happened\n\n| UTC | line | who | what |\n|---|---|---|---|\n");
    for line in &run.read.lines {
        let says = line.event.as_ref().map_or_else(|| line.name.clone(), tell);
        out.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            line.at.strftime("%Y-%m-%d %H:%M:%S"),
            line.seq,
            cell(line.actor.user.as_str()),
            cell(&says)
        ));
    }
    out.push_str(&format!(
        "\nThe journal has {} lines; the hash of the last is `{}`.\n",
        run.read.head.seq, run.read.head.hash
    ));
    out
}

/// Lists what steps have brought: whoever uses what was recovered has to know its address.
fn list_brought(run: &Run, out: &mut String) {
    let steps = run.plan.steps.iter().filter_map(|step| Some((step, run.state.steps.get(&step.id)?)));
    let mut rows = String::new();
    for (step, known) in steps {
        for (name, value) in known.outputs.iter().filter(|(_, value)| !value.is_null()) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            rows.push_str(&format!("| {} | {} | {} |\n", cell(step.id.as_str()), cell(name), cell(&text)));
        }
    }
    if !rows.is_empty() {
        out.push_str(&format!("\n## What it brought\n\n| step | what | value |\n|---|---|---|\n{rows}"));
    }
}

fn list_calls(run: &Run, out: &mut String) {
    out.push_str("\n## Calls\n\n| UTC | step | call | request | outcome |\n|---|---|---|---|---|\n");
    for call in calls(run) {
        let says = if call.says.is_empty() || call.outcome == "accepted" {
            String::new()
        } else {
            format!(": {}", call.says)
        };
        out.push_str(&format!(
            "| {} | {} | {} | {} | {}{} |\n",
            call.at.strftime("%H:%M:%S%.3f"),
            cell(&call.step),
            cell(&call.operation),
            cell(call.request_id.as_deref().unwrap_or("–")),
            call.outcome,
            cell(&says)
        ));
    }
}

/// Says what protected the original and does not protect what stands in its place.
fn list_unprotected(run: &Run, out: &mut String) {
    let all = unprotected(run);
    if all.is_empty() {
        return;
    }
    out.push_str("\n## Unprotected now\n\n");
    for one in all {
        out.push_str(&format!(
            "- {}: `{}` was {}, and is {}\n",
            cell(&one.step),
            cell(&one.setting),
            cell(&one.was.to_string()),
            cell(&one.is.to_string())
        ));
    }
}

/// Returns a text that breaks no table and no line.
fn cell(text: &str) -> String {
    harmless(text).replace('|', "\\|").replace('`', "'")
}
