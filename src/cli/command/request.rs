//! `pause`, `skip`, `retry`, `undo`, `abandon`, `open`, `settle`, `answer`, `veto`: what is asked of a run. Each is a
//! request that its executor judges and writes down; where none lives, one is started.

use super::run::secrets;
use crate::cli::args::{
    AnswerArgs, Global, OfRun, OfStep, OpenArgs, RunReason, SettleArgs, StepReason, UndoArgs,
};
use crate::cli::consenting::consent;
use crate::cli::output::Output;
use crate::cli::{recovery, watching};
use crate::domain::Text;
use crate::engine::launch::Told;
use crate::engine::store::Run;
use crate::failure::{Failure, FailureKind};
use crate::runbook::consent::{Strength, phrase, required, required_to_undo, undo_phrase};
use crate::runbook::event::{Ask, Rest};
use crate::runbook::plan::{PlannedStep, Undo};
use crate::runbook::state::Phase;
use std::collections::BTreeMap;

/// Leaves a request and waits until it stands in the journal.
fn send(global: &Global, name: Option<&str>, ask: Ask, output: &Output, watch: bool) -> Result<u8, Failure> {
    let (run, state) = recovery::open_run(global, name)?;
    let over = matches!(&run.state.rest, Some((Rest::Finished | Rest::Undone, ..)));
    if over && matches!(ask, Ask::Pause | Ask::Abandon { .. }) {
        return Err(Failure::new(FailureKind::Usage, "the run is over, and stays as it is"));
    }
    let present = if watch { run.folder.watch().ok() } else { None };
    let secrets = if run.folder.is_worked_on() { BTreeMap::new() } else { secrets(&run.plan, &[])? };
    let id = recovery::ask(&run.folder, ask)?;
    if watch {
        watching::interrupts();
    }
    let start =
        || recovery::start(&run.folder, &state, Told { secrets: secrets.clone(), purpose: String::new() });
    start()?;
    recovery::answered(&run.folder, &id, start)?;
    if watch {
        return watching::watch_as(&run.folder, output, present);
    }
    output.note("it stands in the journal");
    Ok(0)
}

fn step_of<'a>(run: &'a Run, step: &str) -> Result<&'a PlannedStep, Failure> {
    run.plan.step(step).ok_or_else(|| {
        let names: Vec<&str> = run.plan.steps.iter().map(|step| step.id.as_str()).collect();
        let shown = crate::domain::text::harmless(step);
        Failure::new(FailureKind::Usage, format!("the run has no step `{shown}`"))
            .hint(format!("there are: {}", names.join(", ")))
    })
}

/// Lets a run rest.
///
/// # Errors
/// When there is none, or it refuses.
pub fn pause(global: &Global, given: &OfRun, output: &Output) -> Result<u8, Failure> {
    send(global, given.run.as_deref(), Ask::Pause, output, false)
}

/// Leaves a step out.
///
/// # Errors
/// When there is none, or it refuses.
pub fn skip(global: &Global, given: &StepReason, output: &Output) -> Result<u8, Failure> {
    let ask = Ask::Skip { step: Text::new(&given.step), reason: Text::new(&given.reason) };
    send(global, Some(&given.run), ask, output, true)
}

/// Begins a step again.
///
/// # Errors
/// When there is none, or it refuses.
pub fn retry(global: &Global, given: &OfStep, output: &Output) -> Result<u8, Failure> {
    send(global, Some(&given.run), Ask::Retry { step: Text::new(&given.step) }, output, true)
}

/// Takes steps back.
///
/// # Errors
/// When there is nothing to take back, nobody agrees, or it refuses.
pub fn undo(global: &Global, given: &UndoArgs, output: &Output) -> Result<u8, Failure> {
    let (run, _) = recovery::open_run(global, Some(&given.run))?;
    let chosen: Vec<&PlannedStep> = match &given.step {
        Some(step) => vec![step_of(&run, step)?],
        None => run.plan.steps.iter().collect(),
    };
    let done = |step: &&&PlannedStep| {
        let phase = run.state.steps.get(&step.id).map(|known| known.phase);
        matches!(phase, Some(Phase::Succeeded | Phase::Failed | Phase::UndoFailed))
    };
    for step in chosen.iter().filter(done) {
        match &step.undo {
            Undo::Calls { says, .. } => {
                for says in says {
                    output.note(&format!("{}: {says}", step.id));
                }
            }
            Undo::Impossible(why) => output.note(&format!("{}: cannot be taken back: {why}", step.id)),
            Undo::Nothing => {}
        }
    }
    let needed = required_to_undo(chosen.iter().filter(done).copied(), run.plan.class);
    let shown = undo_phrase(&run.plan, &run.hash);
    let consent = consent(&run.hash, needed.max(Strength::Enter), &shown, &given.consent)?;
    let ask = Ask::Undo { step: given.step.as_deref().map(Text::new), consent };
    send(global, Some(&given.run), ask, output, !given.detach)
}

/// Gives a run up.
///
/// # Errors
/// When there is none, or it refuses.
pub fn abandon(global: &Global, given: &RunReason, output: &Output) -> Result<u8, Failure> {
    send(global, given.run.as_deref(), Ask::Abandon { reason: Text::new(&given.reason) }, output, false)
}

/// Lets a run go past a gate.
///
/// # Errors
/// When nobody agrees, or it refuses.
pub fn open(global: &Global, given: &OpenArgs, output: &Output) -> Result<u8, Failure> {
    let (run, _) = recovery::open_run(global, Some(&given.run))?;
    let step = step_of(&run, &given.step)?;
    for planned in &step.calls {
        output.note(&format!("{}: {}\n  {}", step.id, planned.says, planned.call.line()));
    }
    let needed = required(step.class, run.plan.class).max(Strength::Enter);
    let consent = consent(&run.hash, needed, &phrase(&run.plan, &run.hash), &given.consent)?;
    send(global, Some(&given.run), Ask::OpenGate { step: step.id.clone(), consent }, output, true)
}

/// Says whether a call in doubt has happened.
///
/// # Errors
/// When it is not in doubt.
pub fn settle(global: &Global, given: &SettleArgs, output: &Output) -> Result<u8, Failure> {
    let ask = Ask::Settle {
        step: Text::new(&given.step),
        happened: given.happened,
        reason: Text::new(&given.reason),
    };
    send(global, Some(&given.run), ask, output, true)
}

/// Answers a manual step.
///
/// # Errors
/// When it does not ask.
pub fn answer(global: &Global, given: &AnswerArgs, output: &Output) -> Result<u8, Failure> {
    let ask =
        Ask::Answer { step: Text::new(&given.step), answer: Text::new(&given.answer), done: !given.failed };
    send(global, Some(&given.run), ask, output, true)
}

/// Stands against a break-glass.
///
/// # Errors
/// When none waits.
pub fn veto(global: &Global, given: &RunReason, output: &Output) -> Result<u8, Failure> {
    send(global, given.run.as_deref(), Ask::Veto { reason: Text::new(&given.reason) }, output, false)
}
