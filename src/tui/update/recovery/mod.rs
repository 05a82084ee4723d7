//! Recoveries: choosing a runbook, filling it in, reading its plan, agreeing to it, and watching it run.

mod books;
mod consent;
mod form;
mod journal;
mod prompt;
mod runs;

pub(super) use books::recover;
pub(super) use consent::changed;
pub(super) use runs::{asks, scrub};

use super::pane::Step;
use crate::domain::Text;
use crate::failure::Failure;
use crate::tui::effect::Effect;
use crate::tui::model::{
    Model, News, Notice, OpenPlan, OpenRun, Operating, Overlay, Pane, Prompt, PromptAbout,
};
use crossterm::event::KeyEvent;
use std::sync::Arc;
use tui_input::Input;

/// Handles a key where something of a recovery is typed or answered; `None` where nothing is.
pub(super) fn typed(model: &mut Model, key: KeyEvent) -> Option<Vec<Effect>> {
    match model.overlays.last() {
        Some(Overlay::Form(_)) => form::typed(model, key),
        Some(Overlay::Consent(_)) => consent::typed(model, key),
        Some(Overlay::Prompt(_)) => prompt::typed(model, key),
        _ => None,
    }
}

/// Returns the text that is typed into now, where a paste may go.
pub(super) fn pasted_into(model: &mut Model) -> Option<&mut Input> {
    match model.overlays.last_mut() {
        Some(Overlay::Form(form)) => {
            let at = form.at;
            form.fields.get_mut(at).map(|field| &mut field.input)
        }
        Some(Overlay::Prompt(prompt)) if prompt.about.needs_words() => Some(&mut prompt.input),
        // What agrees is typed by hand: a phrase that is pasted was not read.
        _ => None,
    }
}

/// Moves the cursor of a pane.
pub(super) fn select(model: &mut Model, step: Step) {
    match model.pane {
        Pane::Runbooks => books::select(model, step),
        Pane::Runs => runs::select(model, step),
        Pane::Journal => journal::select(model, step),
        Pane::Overview | Pane::Points | Pane::States => {}
    }
}

/// Moves the cursor of a run that is seen from near.
pub(super) fn select_step(model: &mut Model, step: Step) {
    runs::select_step(model, step);
}

/// Keeps the cursor of a pane on the screen.
pub(super) fn follow(model: &mut Model) {
    match model.pane {
        Pane::Runbooks => books::follow(model),
        Pane::Runs => runs::follow(model),
        Pane::Journal => journal::follow(model),
        Pane::Overview | Pane::Points | Pane::States => {}
    }
}

/// Opens what is selected.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    match model.pane {
        Pane::Runbooks => books::open(model),
        Pane::Runs => runs::open(model),
        Pane::Journal => journal::open(model),
        Pane::Overview | Pane::Points | Pane::States => Vec::new(),
    }
}

/// Goes on from what lies uppermost: from a plan to the question, from a run to its journal.
pub(super) fn open_over(model: &mut Model) -> Vec<Effect> {
    match model.overlays.last() {
        Some(Overlay::Plan(_)) if model.operating.is_none() && !model.read_only_for_good => {
            operate(model);
            Vec::new()
        }
        Some(Overlay::Plan(_)) => consent::ask_to_begin(model),
        Some(Overlay::Run(_)) => runs::journal_of(model),
        _ => Vec::new(),
    }
}

/// Goes back one step in a pane; says whether there was one.
pub(super) fn back(model: &mut Model) -> bool {
    match model.pane {
        Pane::Runbooks if model.books.about.is_some() && model.books.filter.value().is_empty() => {
            model.books.about = None;
            books::follow(model);
            true
        }
        Pane::Journal if model.journal.selected.is_some() && model.journal.filter.value().is_empty() => {
            model.journal.selected = None;
            journal::follow(model);
            true
        }
        _ => false,
    }
}

/// Copies what is selected, raw.
pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    match (model.overlays.last(), model.pane) {
        (Some(Overlay::Plan(open)), _) => {
            let line = books::command_line(&open.prepared.wanted);
            model.notice = Some(super::copied(model, "the command line that does the same"));
            vec![Effect::Copy(line)]
        }
        (Some(Overlay::Line { run, seq, .. }), _) => {
            let (run, seq) = (run.clone(), *seq);
            journal::copy_line(model, &run, seq)
        }
        (_, Pane::Runbooks) => {
            let Some(row) = model.selected_book() else { return Vec::new() };
            model.notice = Some(super::copied(model, "how it is called"));
            vec![Effect::Copy(format!("lifeboat plan {}", row.runbook.id))]
        }
        _ => {
            let Some(run) = model.run_here() else { return Vec::new() };
            model.notice = Some(super::copied(model, "how others follow it"));
            vec![Effect::Copy(format!("lifeboat follow {}", run.name))]
        }
    }
}

/// Does what a click in a line of a pane asks for.
pub(super) fn clicked(model: &mut Model, line: u16) -> Vec<Effect> {
    let here = crate::tui::view::recovery::row_at(model, line);
    let Some(at) = here else { return Vec::new() };
    match model.pane {
        Pane::Runbooks => books::clicked(model, at),
        Pane::Runs => runs::clicked(model, at),
        Pane::Journal => journal::clicked(model, at),
        Pane::Overview | Pane::Points | Pane::States => Vec::new(),
    }
}

/// Takes the right to act, or gives it up.
pub(super) fn operate(model: &mut Model) {
    if model.operating.take().is_some() {
        model.notice =
            Some(Notice { text: "read-only again: nothing can be changed from here".into(), alarm: false });
    } else if model.read_only_for_good {
        let says = "this console was started read-only for good: start another one without --read-only";
        model.notice = Some(Notice { text: says.into(), alarm: true });
    } else {
        ask(model, PromptAbout::Operate);
    }
}

/// Returns the right to act, or says that there is none.
fn right(model: &mut Model) -> Option<Operating> {
    if model.operating.is_none() {
        let says = if model.read_only_for_good {
            "this console is read-only for good".to_owned()
        } else {
            format!(
                "this screen is read-only: {} takes the right to act",
                model.keymap.hint(crate::tui::command::Command::Operate)
            )
        };
        model.notice = Some(Notice { text: Text::new(&says), alarm: true });
    }
    model.operating.clone()
}

fn ask(model: &mut Model, about: PromptAbout) {
    model.overlays.push(Overlay::Prompt(Prompt { about, input: Input::default(), wrong: None }));
}

fn words(failure: &Failure) -> Text {
    let mut says = failure.message.clone();
    for part in &failure.causes {
        says.push_str(&format!(": {part}"));
    }
    for hint in &failure.hints {
        says.push_str(&format!("; {hint}"));
    }
    Text::new(&says)
}

/// Takes in what became of something that was asked for.
pub(super) fn told(model: &mut Model, news: News) -> Vec<Effect> {
    match news {
        News::Planned(planned) => {
            let Some(Overlay::Form(form)) = model.overlays.last_mut() else { return Vec::new() };
            if !form.is_planning {
                return Vec::new();
            }
            form.is_planning = false;
            match planned {
                Ok(prepared) => {
                    let secrets = form.wanted().1;
                    model.overlays.push(Overlay::Plan(OpenPlan { prepared, secrets, scroll: 0 }));
                }
                Err(failure) => form.wrong = Some(words(&failure)),
            }
        }
        News::Begun(Ok(run)) => {
            model.overlays.clear();
            model.pane = Pane::Runs;
            model.runs.selected = Some(run.clone());
            model.overlays.push(Overlay::Run(OpenRun { run, ..OpenRun::default() }));
        }
        News::Begun(Err(failure)) => match model.overlays.last_mut() {
            Some(Overlay::Consent(asked)) => asked.wrong = Some(words(&failure)),
            _ => model.notice = Some(Notice { text: words(&failure), alarm: true }),
        },
        News::Asked(came) | News::Told(came) => {
            model.notice = Some(match came {
                Ok(text) => Notice { text, alarm: false },
                Err(failure) => Notice { text: words(&failure), alarm: true },
            });
        }
    }
    Vec::new()
}

/// Takes in how runs stand.
pub(super) fn seen(model: &mut Model, seen: Arc<crate::engine::watch::Seen>) {
    model.runs.seen = seen;
    follow(model);
    runs::follow_step(model);
}
