//! Where the parts of pane 3 stand, and the sentences on top of it.

use super::super::{layout, words};
use crate::domain::Text;
use crate::tui::model::{Model, Tally, Under};
use ratatui::layout::Rect;

/// From this height on there is room for the evidence and for the selected state at once.
const TALL: u16 = 34;
/// From this height on blank lines set the parts off.
const AIRY: u16 = 28;

/// Where the parts stand. A part without height is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::tui) struct Parts {
    /// The sentence.
    pub(in crate::tui) sentence: Rect,
    /// What must not be overlooked.
    pub(in crate::tui) alarm: Rect,
    /// What could not be read.
    pub(in crate::tui) gaps: Rect,
    /// The headings of the locks.
    pub(in crate::tui) lock_heading: Rect,
    /// The locks.
    pub(in crate::tui) locks: Rect,
    /// What speaks for and against the holder of a lock being gone.
    pub(in crate::tui) evidence: Rect,
    /// The rule above the states.
    pub(in crate::tui) rule: Rect,
    /// The headings of the states.
    pub(in crate::tui) state_heading: Rect,
    /// The states.
    pub(in crate::tui) states: Rect,
    /// What is to be said of the selected state.
    pub(in crate::tui) why: Rect,
}

/// Returns where the parts stand on this screen.
pub(in crate::tui) fn here(model: &Model) -> Parts {
    parts(model, layout::here(model))
}

/// Returns how many locks are on the screen.
pub(in crate::tui) fn lock_page(model: &Model) -> usize {
    usize::from(here(model).locks.height / layout::row_height(model)).max(1)
}

/// Returns how many states are on the screen.
pub(in crate::tui) fn state_page(model: &Model) -> usize {
    usize::from(here(model).states.height / layout::row_height(model)).max(1)
}

/// Returns the number of the row that is shown in a line of the screen, locks first.
pub(in crate::tui) fn row_at(model: &Model, line: u16) -> Option<usize> {
    let parts = here(model);
    let within = |part: Rect| (part.top()..part.bottom()).contains(&line);
    let nth = |part: Rect| usize::from((line - part.y) / layout::row_height(model));
    let (states, shown) = (&model.states, &model.states.shown);
    let at = if within(parts.locks) {
        Some(nth(parts.locks) + states.lock_offset).filter(|at| *at < shown.locks.len())
    } else if within(parts.states) {
        Some(nth(parts.states) + states.offset + shown.locks.len())
    } else {
        None
    };
    at.filter(|at| *at < shown.len())
}

/// Returns where the parts stand in `body`.
pub(super) fn parts(model: &Model, body: Rect) -> Parts {
    let is_tall = body.height >= TALL;
    let on_lock = matches!(model.under(), Some(Under::Lock(_)));
    let locks = model.states.shown.locks.len();
    let row_height = layout::row_height(model);
    let air = u16::from(body.height >= AIRY);
    let spacious = air * u16::from(model.presenter);
    let lines = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    let mut y = body.y;
    let mut take = |height: u16| {
        let height = height.min(body.bottom().saturating_sub(y));
        let part = Rect { x: body.x, y, width: body.width, height };
        y += height;
        part
    };
    take(spacious);
    let sentence = take(lines(sentence(model, body.width).len()).clamp(1, 3));
    let alarm = take(lines(alarm(model, body.width).len()).min(3));
    let gaps = take(lines(gaps(model).len()).min(if is_tall { 4 } else { 1 }));
    take(air + spacious);
    let lock_heading = take(1);
    let most = if is_tall { 8 } else { 3 };
    let locks_height = lines(locks).min(most) * row_height;
    let locks_part = take(locks_height.min(body.height / 3));
    let evidence = match (locks > 0, is_tall, on_lock) {
        (true, true, _) => take(6),
        (true, false, true) => take(6),
        _ => take(0),
    };
    let rule = take(1);
    let state_heading = take(1);
    let why = match (is_tall, on_lock) {
        (true, _) => 7,
        (false, true) => 0,
        (false, false) => 5,
    };
    let states = take(body.bottom().saturating_sub(state_heading.bottom()).saturating_sub(why));
    let why = take(why);
    Parts {
        sentence,
        alarm,
        gaps,
        lock_heading,
        locks: locks_part,
        evidence,
        rule,
        state_heading,
        states,
        why,
    }
}

/// Returns the sentence on top, in lines.
pub(super) fn sentence(model: &Model, width: u16) -> Vec<String> {
    let said = headline(&model.states.shown.tally, model.terraform().waiting);
    words::lines(model, &said, usize::from(width.saturating_sub(2)))
}

/// Returns one sentence on all locks and states.
fn headline(tally: &Tally, waiting: usize) -> String {
    if tally.locks == 0 && tally.states == 0 && waiting > 0 {
        return "Locks and states are being read.".to_owned();
    }
    let holder = "nothing to say its holder is alive";
    let locks = match (tally.locks, tally.silent) {
        (0, _) if tally.lock_gaps > 0 => "No lock is known, but not all could be looked for".to_owned(),
        (0, _) => "No state is locked".to_owned(),
        (1, 0) => "1 lock, with signs that its holder is alive".to_owned(),
        (1, _) => format!("1 lock, with {holder}"),
        (all, 0) => format!("{all} locks, each with signs that its holder is alive"),
        (all, 1) => format!("{all} locks, one of them with {holder}"),
        (all, silent) if silent == all => format!("{all} locks, all of them with {holder}"),
        (all, silent) => format!("{all} locks, {silent} of them with {holder}"),
    };
    let all = tally.states;
    let of = |count: usize, what: &str| format!("{count} of {all} states {what}");
    let mut states = Vec::new();
    if !tally.rebuild.is_empty() {
        states.push(of(tally.rebuild.len(), "would make Terraform rebuild everything"));
    }
    match (tally.troubled, states.is_empty()) {
        (0, _) => {}
        (1, true) => states.push(of(1, "is in trouble")),
        (count, true) => states.push(of(count, "are in trouble")),
        (1, false) => states.push("1 more is in trouble".to_owned()),
        (count, false) => states.push(format!("{count} more are in trouble")),
    }
    match (states.is_empty(), all, tally.state_gaps) {
        (false, ..) => {}
        (true, 0, 0) => states.push("no state is known".to_owned()),
        (true, 0, _) => states.push("no state could be read".to_owned()),
        (true, 1, 0) => states.push("nothing is wrong with the one state".to_owned()),
        (true, all, 0) => states.push(format!("nothing is wrong with the {all} states")),
        (true, ..) => states.push("nothing is wrong with what could be read of the states".to_owned()),
    }
    if tally.replicas > 0 {
        states.push(format!("{} known from a replica only", tally.replicas));
    }
    if tally.doubtful > 0 {
        states.push(format!("{} could not be read lately", tally.doubtful));
    }
    format!("{locks}; {}.", states.join(", "))
}

/// Returns what must not be overlooked, in lines.
pub(super) fn alarm(model: &Model, width: u16) -> Vec<String> {
    let names = &model.states.shown.tally.rebuild;
    let Some(first) = names.first() else { return Vec::new() };
    let (whose, it) = match names.len() - 1 {
        0 => (first.to_string(), "it is"),
        1 => (format!("{first} and 1 other state"), "they are"),
        others => (format!("{first} and {others} other states"), "they are"),
    };
    let says = format!(
        "TERRAFORM WOULD REBUILD EVERYTHING in {whose}: there is no state, and nothing that stops it. Let nobody apply \
         before {it} put back."
    );
    words::lines(model, &says, usize::from(width.saturating_sub(4)))
}

/// Returns what could not be read in the environments that are shown.
pub(super) fn gaps(model: &Model) -> Vec<&Text> {
    { model.terraform().gaps.iter() }
        .filter(|gap| {
            let shown = model.environment.as_ref();
            shown.is_none() || gap.environment.is_none() || gap.environment.as_ref() == shown
        })
        .map(|gap| &gap.says)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sentence_says_it_all() {
        let tally = |locks, silent, states, rebuild: &[&str], troubled| Tally {
            locks,
            silent,
            states,
            rebuild: rebuild.iter().map(|name| Text::new(name)).collect(),
            troubled,
            ..Tally::default()
        };
        for (tally, said) in [
            (tally(0, 0, 28, &[], 0), "No state is locked; nothing is wrong with the 28 states."),
            (
                tally(3, 1, 28, &["a"], 0),
                "3 locks, one of them with nothing to say its holder is alive; 1 of 28 states would make Terraform \
                 rebuild everything.",
            ),
            (
                tally(1, 1, 28, &["a", "b"], 1),
                "1 lock, with nothing to say its holder is alive; 2 of 28 states would make Terraform rebuild \
                 everything, 1 more is in trouble.",
            ),
            (
                tally(1, 0, 2, &[], 2),
                "1 lock, with signs that its holder is alive; 2 of 2 states are in trouble.",
            ),
        ] {
            assert_eq!(headline(&tally, 0), said);
        }
        assert_eq!(headline(&Tally::default(), 4), "Locks and states are being read.");
        let unread = Tally { lock_gaps: 1, state_gaps: 1, ..Tally::default() };
        assert_eq!(
            headline(&unread, 0),
            "No lock is known, but not all could be looked for; no state could be read."
        );
    }
}
