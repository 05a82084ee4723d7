//! Pane 3: moving about among locks and states, opening a state, comparing versions of it, and copying.

use super::pane::Step;
use crate::collector::{Comparing, Request};
use crate::domain::Text;
use crate::domain::state::{StateHistory, StateVersion};
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::model::{LockRow, Model, Notice, OpenComparison, OpenState, Overlay, Under};
use crate::tui::view::layout;
use crate::tui::view::states::{compare, one, parts};
use std::sync::Arc;

/// Moves the cursor.
pub(super) fn select(model: &mut Model, step: Step) {
    let page = parts::state_page(model);
    let last = model.states.shown.len().saturating_sub(1);
    model.states.at = step.apply(model.states.at, last, page);
    model.states.selected = model.under().map(Under::line);
    scroll(model);
}

/// Works out what is shown and keeps the cursor on the screen.
pub(super) fn follow(model: &mut Model) {
    model.show_states();
    scroll(model);
    if let Some(Overlay::State(_)) = model.overlays.last() {
        scroll_open(model);
    }
}

fn scroll(model: &mut Model) {
    let locks = model.states.shown.locks.len();
    let at = model.states.at;
    let keep = |offset: usize, at: usize, page: usize, count: usize| {
        let offset = offset.min(count.saturating_sub(page));
        if at < offset { at } else { offset.max((at + 1).saturating_sub(page)) }
    };
    let lock_at = at.min(locks.saturating_sub(1));
    let lock_offset =
        if at < locks { model.states.lock_offset } else { model.states.lock_offset.min(lock_at) };
    model.states.lock_offset = if at < locks {
        keep(lock_offset, at, parts::lock_page(model), locks)
    } else {
        lock_offset.min(locks.saturating_sub(parts::lock_page(model)))
    };
    let count = model.states.shown.states.len();
    let page = parts::state_page(model);
    model.states.offset = match at.checked_sub(locks) {
        Some(at) => keep(model.states.offset, at, page, count),
        None => 0,
    };
}

/// Shows the state under the cursor with all of its versions; for a lock, the state that it locks.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let row = match model.under() {
        Some(Under::State(row)) => Some(row),
        Some(Under::Lock(row)) => model.terraform().state(&row.lock.path, &row.place),
        None => None,
    };
    let Some(row) = row else {
        if model.under().is_some() {
            return say(model, "the state that it locks is not known", true);
        }
        return Vec::new();
    };
    let readings = &model.snapshot.readings;
    let open = OpenState {
        path: row.state.path.clone(),
        place: row.place.clone(),
        name: row.name.clone(),
        environment: row.environment.clone(),
        subject: row.subject(readings),
        look_at: row.to_look_at(readings),
        selected: None,
        marked: None,
        scroll: 0,
    };
    model.states.selected = model.under().map(Under::line);
    model.overlays.push(Overlay::State(open));
    vec![Effect::Judge(model.judge_request())]
}

/// Selects the row that was clicked on; a second click opens it.
pub(super) fn clicked(model: &mut Model, line: u16) -> Vec<Effect> {
    let Some(at) = parts::row_at(model, line) else { return Vec::new() };
    if model.states.at == at {
        return open(model);
    }
    model.states.at = at;
    model.states.selected = model.under().map(Under::line);
    scroll(model);
    Vec::new()
}

/// Moves the cursor among the versions of the state that is open; past the last it goes on to who held its lock.
pub(super) fn select_version(model: &mut Model, step: Step) {
    let area = layout::here(model);
    let page = one::room(area);
    let Some(Overlay::State(open)) = model.overlays.last() else { return };
    let (above, all) = one::lines(model, open, area.width);
    let Some(state) = state_of(model, open) else { return };
    let (at, last) = (open.at(&state), state.versions.len().saturating_sub(1));
    let next = step.apply(at, last, page);
    let id = state.versions.get(next).map(|version| version.version_id.clone());
    let end = all.saturating_sub(page);
    let Some(Overlay::State(open)) = model.overlays.last_mut() else { return };
    if next == at && at == last && step.is_down() {
        open.scroll = step.apply(open.scroll, end.max(open.scroll), page);
        return;
    }
    open.selected = id;
    // The first version stands under what is to be said of the state; nobody scrolls by hand to see it.
    open.scroll = if next == 0 { 0 } else { open.scroll.min(above + next) };
    scroll_open(model);
}

fn scroll_open(model: &mut Model) {
    let area = layout::here(model);
    let page = one::room(area).max(1);
    let Some(Overlay::State(open)) = model.overlays.last() else { return };
    let (above, all) = one::lines(model, open, area.width);
    let Some(state) = state_of(model, open) else { return };
    let line = above + open.at(&state);
    let scroll = open.scroll.min(all.saturating_sub(page)).max((line + 1).saturating_sub(page));
    if let Some(Overlay::State(open)) = model.overlays.last_mut() {
        open.scroll = scroll;
    }
}

/// Scrolls through a comparison.
pub(super) fn scroll_comparison(model: &mut Model, step: Step) {
    let area = layout::here(model);
    let page = compare::room(area);
    let Some(Overlay::Comparison(open)) = model.overlays.last() else { return };
    let last = compare::lines(model, open, area.width).saturating_sub(page);
    if let Some(Overlay::Comparison(open)) = model.overlays.last_mut() {
        open.scroll = step.apply(open.scroll, last, page);
    }
}

fn state_of(model: &Model, open: &OpenState) -> Option<Arc<StateHistory>> {
    Some(model.terraform().state(&open.path, &open.place)?.state.clone())
}

/// Runs a command that only this pane knows.
pub(super) fn run(model: &mut Model, command: Command) -> Vec<Effect> {
    match (command, model.overlays.last()) {
        (Command::Sort, None) => {
            model.states.sort = model.states.sort.next();
            follow(model);
            say(model, &format!("states {}", model.states.sort.words()), false)
        }
        (Command::Mark, Some(Overlay::State(_))) => mark(model),
        (Command::Compare, Some(Overlay::State(_))) => compare_with(model, true),
        _ => Vec::new(),
    }
}

/// Marks the version under the cursor, or takes the mark away.
fn mark(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::State(open)) = model.overlays.last() else { return Vec::new() };
    let Some(state) = state_of(model, open) else { return Vec::new() };
    let Some(id) = state.versions.get(open.at(&state)).map(|version| version.version_id.clone()) else {
        return Vec::new();
    };
    if let Some(Overlay::State(open)) = model.overlays.last_mut() {
        open.marked = if open.marked.as_ref() == Some(&id) { None } else { Some(id) };
    }
    Vec::new()
}

/// Compares the version under the cursor with the marked one, or with the readable one before it.
pub(super) fn compare_with(model: &mut Model, with_marked: bool) -> Vec<Effect> {
    let Some(Overlay::State(open)) = model.overlays.last() else { return Vec::new() };
    let Some(state) = state_of(model, open) else { return Vec::new() };
    let at = open.at(&state);
    let marked = open.marked.as_ref().filter(|_| with_marked);
    let marked = marked.and_then(|id| state.versions.iter().position(|version| version.version_id == *id));
    // A version whose bytes were not read yet may well hold something; a marker or no bytes never do.
    let may_hold = |version: &&StateVersion| version.size_bytes > 0;
    let before = state.versions.iter().enumerate().skip(at + 1).find(|(_, version)| may_hold(version));
    let other = match marked {
        Some(marked) => marked,
        None => match before {
            Some((nth, _)) => nth,
            None => return say(model, "there is no version before it to compare it with", true),
        },
    };
    if other == at {
        return say(model, "the marked version is this one; go to another", true);
    }
    // Versions stand newest first.
    let (Some(before), Some(after)) = (state.versions.get(at.max(other)), state.versions.get(at.min(other)))
    else {
        return Vec::new();
    };
    if let Some(version) = [before, after].into_iter().find(|version| !may_hold(version)) {
        let says = format!("one of them is {}: there is nothing to compare", version.form.words());
        return say(model, &says, true);
    }
    let Some(subject) = open.subject.clone() else {
        return say(model, "nothing is known that could read its versions", true);
    };
    let of = Comparing {
        state: subject,
        environment: open.environment.clone(),
        before: before.version_id.clone(),
        after: after.version_id.clone(),
    };
    let comparison = OpenComparison {
        of: of.clone(),
        name: open.name.clone(),
        path: open.path.clone(),
        before: before.clone(),
        after: after.clone(),
        scroll: 0,
    };
    let is_known = model.comparison(&of).is_some_and(|known| known.outcome.is_ok());
    model.overlays.push(Overlay::Comparison(comparison));
    if is_known { Vec::new() } else { vec![Effect::Ask(Request::Compare(of))] }
}

/// Copies what is selected, raw.
pub(super) fn copy(model: &mut Model) -> Vec<Effect> {
    let (text, what) = match model.overlays.last() {
        Some(Overlay::State(open)) => {
            let version = state_of(model, open).and_then(|state| {
                state.versions.get(open.at(&state)).map(|version| version.version_id.to_string())
            });
            match version {
                Some(id) => (id, "the id of the version".to_owned()),
                None => (open.path.to_string(), "the path of the state".to_owned()),
            }
        }
        Some(Overlay::Comparison(open)) => {
            let [path, before, after] = [&open.path, &open.of.before, &open.of.after].map(quoted);
            let line = format!("lifeboat states {path} --compare {before} {after}");
            (line, "the command that compares these versions".to_owned())
        }
        _ => match model.under() {
            Some(Under::Lock(row)) => (unlock(row), unlock_says(row)),
            Some(Under::State(row)) => (row.state.path.to_string(), "the path of the state".to_owned()),
            None => {
                let denied = model.terraform().gaps.iter().find_map(|gap| gap.permission.clone());
                let Some(permission) = denied else { return Vec::new() };
                let statement =
                    serde_json::json!({ "Effect": "Allow", "Action": permission, "Resource": "*" });
                (statement.to_string(), format!("the IAM statement that allows {permission}"))
            }
        },
    };
    model.notice = Some(super::copied(model, &what));
    vec![Effect::Copy(text)]
}

/// Returns what releases a lock, under what is known of it. Nothing of it is ours to run.
fn unlock(row: &LockRow) -> String {
    let unknown = || Text::new("unknown");
    let lock = &row.lock;
    let since = lock.created_at.map_or("an unknown time".to_owned(), |at| at.to_string());
    let mut lines = vec![
        format!("# {} in {}: {}", lock.path, row.place.region, row.store()),
        format!(
            "# held since {since} by {}, {}",
            lock.who.clone().unwrap_or_else(unknown),
            lock.operation.clone().unwrap_or_else(unknown)
        ),
        format!("# it is {}", row.evidence.means),
    ];
    let evidence = [("alive", &row.evidence.living), ("gone", &row.evidence.stale)];
    for (word, sentences) in evidence {
        if sentences.is_empty() {
            lines.push(format!("# nothing says that its holder is {word}"));
        }
        lines.extend(sentences.iter().map(|says| format!("# may be {word}: {says}")));
    }
    if let Some(doubt) = &row.doubt {
        lines.push(format!("# this was {doubt}"));
    }
    let mut command = None;
    match &lock.id {
        Some(id) => {
            lines.push(format!("# lock ID: {id}"));
            // What begins like an option would be taken for one.
            let end = if id.as_str().starts_with('-') { "-- " } else { "" };
            command = Some(format!("terraform force-unlock {end}{}", quoted(id)));
        }
        None => lines.push("# it has no lock ID, so force-unlock cannot release it".to_owned()),
    }
    let comments = lines.iter().map(|line| comment(line));
    comments.chain(command).collect::<Vec<_>>().join("\n")
}

/// Returns a comment that does nothing even where a shell takes it for a command: zsh does when it is typed.
fn comment(text: &str) -> String {
    let harmless = |c: char| match c {
        '\'' | '`' => None,
        ';' => Some(','),
        c if c.is_alphanumeric() || " #-_./:+=@,%".contains(c) => Some(c),
        _ => Some(' '),
    };
    text.chars().filter_map(harmless).collect()
}

fn unlock_says(row: &LockRow) -> String {
    if row.lock.id.is_some() {
        format!("the force-unlock line, with what is known ({})", row.signs())
    } else {
        "what is known of the lock; force-unlock cannot release it".to_owned()
    }
}

/// Returns `text` as one word of a shell, whatever stands in it.
fn quoted(text: &Text) -> String {
    let text = text.as_str();
    let is_plain = !text.is_empty()
        && !text.starts_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:+=@".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn say(model: &mut Model, text: &str, alarm: bool) -> Vec<Effect> {
    model.notice = Some(Notice { text: Text::new(text), alarm });
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_shell_is_one_word() {
        let id = "2f6b-1";
        assert_eq!(quoted(&id.into()), id);
        assert_eq!(quoted(&"a; rm -rf /".into()), "'a; rm -rf /'");
        assert_eq!(quoted(&"$(reboot)".into()), "'$(reboot)'");
        assert_eq!(quoted(&"it's".into()), r"'it'\''s'");
        assert_eq!(quoted(&"-lock=false".into()), "'-lock=false'");
        assert_eq!(quoted(&"".into()), "''");
        assert_eq!(comment("# `reboot`; $(x) it's"), "# reboot,   x  its");
    }
}
