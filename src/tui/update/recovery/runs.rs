//! Pane 5: the runs, one of them from near, and what an operator may ask of it.

use super::super::pane::{Step, kept};
use super::{ask, consent, right};
use crate::domain::Text;
use crate::engine::watch::RunSeen;
use crate::runbook::event::Rest;
use crate::runbook::schedule::MANUAL;
use crate::runbook::state::Phase;
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Notice, OpenRun, Overlay, Pane, PromptAbout};
use crate::tui::view::recovery::{runs_page, steps_page};

pub(super) fn select(model: &mut Model, step: Step) {
    let page = runs_page(model);
    let rows = model.run_rows();
    let at = step.apply(model.run_index(&rows), rows.len().saturating_sub(1), page);
    model.runs.selected = rows.get(at).map(|row| row.run.name.clone());
    follow(model);
}

pub(super) fn follow(model: &mut Model) {
    let rows = model.run_rows();
    let (at, count) = (model.run_index(&rows), rows.len());
    model.runs.offset = kept(model.runs.offset, at, count, runs_page(model));
}

pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(run) = model.run_here().map(|run| run.name.clone()) else { return Vec::new() };
    model.runs.selected = Some(run.clone());
    model.overlays.push(Overlay::Run(OpenRun { run, ..OpenRun::default() }));
    follow_step(model);
    Vec::new()
}

pub(super) fn clicked(model: &mut Model, nth: usize) -> Vec<Effect> {
    let rows = model.run_rows();
    let Some(name) = rows.get(nth + model.runs.offset).map(|row| row.run.name.clone()) else {
        return Vec::new();
    };
    if model.runs.selected.as_ref() == Some(&name) {
        return open(model);
    }
    model.runs.selected = Some(name);
    Vec::new()
}

/// Goes to the journal of the run that is open.
pub(super) fn journal_of(model: &mut Model) -> Vec<Effect> {
    let Some(run) = model.run_here().map(|run| run.name.clone()) else { return Vec::new() };
    model.overlays.clear();
    model.pane = Pane::Journal;
    model.journal.run = Some(run);
    model.journal.selected = None;
    super::journal::follow(model);
    Vec::new()
}

/// Moves the cursor among the steps of the run that is open.
pub(super) fn select_step(model: &mut Model, step: Step) {
    let page = steps_page(model);
    let Some((open, run)) = here(model) else { return };
    let state = open.state(&run);
    let rows = open.rows(&run, &state, None);
    let at = step.apply(open.index(&rows), rows.len().saturating_sub(1), page);
    let chosen = rows.get(at).map(|row| row.step.id.clone());
    change(model, |open| open.step = chosen);
    follow_step(model);
}

/// Keeps the step under the cursor on the screen.
pub(super) fn follow_step(model: &mut Model) {
    let page = steps_page(model);
    let Some((open, run)) = here(model) else { return };
    let state = open.state(&run);
    let rows = open.rows(&run, &state, None);
    let offset = kept(open.offset, open.index(&rows), rows.len(), page);
    change(model, |open| open.offset = offset);
}

fn here(model: &Model) -> Option<(OpenRun, std::sync::Arc<RunSeen>)> {
    let open = model.open_run()?.clone();
    let run = model.run_named(open.run.as_str())?.clone();
    Some((open, run))
}

fn change(model: &mut Model, change: impl FnOnce(&mut OpenRun)) {
    let open = model.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Run(open) => Some(open),
        _ => None,
    });
    if let Some(open) = open {
        change(open);
    }
}

/// Moves the run that is open through its past: back, on, or to now.
pub(in crate::tui::update) fn scrub(model: &mut Model, command: Command) {
    let Some((open, run)) = here(model) else { return };
    let last = run.lines.len();
    let at = open.until.unwrap_or(last);
    let page = (last / 20).max(5);
    let to = match command {
        Command::Earlier => at.saturating_sub(1),
        Command::Later => at + 1,
        Command::EarlierMark => at.saturating_sub(page),
        Command::LaterMark => at + page,
        _ => last,
    };
    let until = (to < last).then_some(to.max(1));
    change(model, |open| open.until = until);
    follow_step(model);
}

/// Returns the step that is meant: the one under the cursor.
fn step_here(open: &OpenRun, run: &RunSeen) -> Option<(Text, Phase, bool)> {
    let rows = open.rows(run, &run.state, None);
    let row = rows.get(open.index(&rows))?;
    Some((row.step.id.clone(), row.known.phase, row.step.uses == *MANUAL))
}

/// Asks what has to be asked before something is asked of the run that is meant.
pub(in crate::tui::update) fn asks(model: &mut Model, command: Command) -> Vec<Effect> {
    let Some(run) = model.run_here() else {
        model.notice = Some(Notice { text: "no run is chosen".into(), alarm: true });
        return Vec::new();
    };
    // These only look.
    match command {
        Command::Verify => return vec![Effect::Verify(run.name.clone())],
        Command::Report => return vec![Effect::Report(run.name.clone())],
        _ => {}
    }
    if right(model).is_none() {
        return Vec::new();
    }
    let open = model.open_run().cloned().unwrap_or_default();
    if open.until.is_some() {
        model.notice = Some(Notice { text: "this is the past: n goes back to now".into(), alarm: true });
        return Vec::new();
    }
    let name = run.name.clone();
    if run.is_over() && !matches!(command, Command::Undo | Command::UndoAll) {
        model.notice = Some(Notice { text: "the run is over, and stays as it is".into(), alarm: true });
        return Vec::new();
    }
    let needs = |says: &str| Some(Notice { text: Text::new(says), alarm: true });
    let step = step_here(&open, &run);
    match (command, step) {
        (Command::Pause, _) => {
            let rests =
                matches!(run.state.rest, Some((Rest::Paused | Rest::Stuck | Rest::WaitingForLogin, ..)));
            let resume = run.state.wishes.pause || rests || !run.worked_on;
            ask(model, PromptAbout::Pause { run: name, resume });
        }
        (Command::Abandon, _) => ask(model, PromptAbout::Abandon(name)),
        (Command::Veto, _) if run.state.break_glass_waits.is_some() => ask(model, PromptAbout::Veto(name)),
        (Command::Veto, _) => model.notice = needs("no break-glass waits"),
        (Command::UndoAll, _) => consent::ask_undo(model, &run, None),
        (Command::Undo, Some((step, ..))) => consent::ask_undo(model, &run, Some(&step)),
        (Command::Skip, Some((step, Phase::Waiting | Phase::AtGate | Phase::Failed, _))) => {
            ask(model, PromptAbout::Skip(name, step));
        }
        (Command::Skip, _) => {
            model.notice = needs("only a step that has not begun, or has failed, can be left out");
        }
        (Command::Retry, Some((step, Phase::Failed | Phase::Undone, _))) => {
            ask(model, PromptAbout::Retry(name, step));
        }
        (Command::Retry, _) => {
            model.notice = needs("only a step that has failed or was taken back is begun again");
        }
        (Command::Gate, Some((step, Phase::AtGate, _))) => consent::ask_gate(model, &run, &step),
        (Command::Gate, _) => model.notice = needs("this step does not wait at a gate"),
        (Command::Answer, Some((step, phase, true))) if phase.is_under_way() => {
            ask(model, PromptAbout::Answer { run: name, step, done: true });
        }
        (Command::Answer, _) => model.notice = needs("this step asks nothing"),
        (Command::Happened | Command::DidNot, Some((step, Phase::InDoubt, _))) => {
            let happened = command == Command::Happened;
            ask(model, PromptAbout::Settle { run: name, step, happened });
        }
        (Command::Happened | Command::DidNot, _) => model.notice = needs("this step is not in doubt"),
        _ => {}
    }
    Vec::new()
}
