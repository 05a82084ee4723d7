//! Pane 8: moving about in a journal, and opening a line of it.

use super::super::pane::{Step, kept};
use crate::domain::Text;
use crate::tui::effect::Effect;
use crate::tui::model::{Model, Overlay};
use crate::tui::view::recovery::{journal_page, line_command};

pub(super) fn select(model: &mut Model, step: Step) {
    let page = journal_page(model);
    let rows = model.journal_rows();
    let last = rows.len().saturating_sub(1);
    let at = step.apply(model.journal_index(&rows), last, page);
    // At the end it follows what is written.
    model.journal.selected = rows.get(at).filter(|_| at < last).map(|row| row.line.seq);
    follow(model);
}

pub(super) fn follow(model: &mut Model) {
    let rows = model.journal_rows();
    let (at, count) = (model.journal_index(&rows), rows.len());
    model.journal.offset = kept(model.journal.offset, at, count, journal_page(model));
}

pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let Some(run) = model.journal_run().map(|run| run.name.clone()) else { return Vec::new() };
    let rows = model.journal_rows();
    let Some(seq) = rows.get(model.journal_index(&rows)).map(|row| row.line.seq) else { return Vec::new() };
    model.journal.selected = Some(seq);
    model.overlays.push(Overlay::Line { run, seq, scroll: 0 });
    Vec::new()
}

pub(super) fn clicked(model: &mut Model, nth: usize) -> Vec<Effect> {
    let rows = model.journal_rows();
    let Some(seq) = rows.get(nth + model.journal.offset).map(|row| row.line.seq) else { return Vec::new() };
    if model.journal.selected == Some(seq) {
        return open(model);
    }
    model.journal.selected = Some(seq);
    Vec::new()
}

/// Copies what a line is about: the command that does the same where it is a call, else its hash.
pub(super) fn copy_line(model: &mut Model, run: &Text, seq: u64) -> Vec<Effect> {
    let Some(run) = model.run_named(run.as_str()) else { return Vec::new() };
    let Some(line) = run.lines.iter().find(|line| line.seq == seq) else { return Vec::new() };
    let (text, says) = match line_command(line) {
        Some(command) => (command, "the command that does the same"),
        None => (line.hash.clone(), "the hash of the line"),
    };
    model.notice = Some(super::super::copied(model, says));
    vec![Effect::Copy(text)]
}
