//! The bar on top and the hints below: always there.

use super::pen::{Pen, Span};
use crate::domain::duration::{age_words, elapsed};
use crate::domain::estate::EnvironmentClass;
use crate::runbook::state::Phase;
use crate::tui::command::Command;
use crate::tui::keymap::Meaning;
use crate::tui::model::{Model, Overlay, Pane};
use crate::tui::theme::Role;
use jiff::tz::TimeZone;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

/// Draws both.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    bar(model, pen, area);
    let below = area.bottom().saturating_sub(2);
    pen.rule(area, area.y + 1);
    panes(model, pen, Rect { y: area.y + 1, height: 1, ..area });
    pen.rule(area, below);
    hints(model, pen, area, below + 1);
}

/// Names the panes in the line under the bar, the one that is shown among them.
fn panes(model: &Model, pen: &mut Pen<'_>, line: Rect) {
    let mut x = line.x + 2;
    for pane in Pane::ALL {
        let (number, name) =
            if pane == model.pane { (Role::TabChosen, Role::TabChosen) } else { (Role::Key, Role::Dim) };
        x = pen.raw(x, line.y, line.right().saturating_sub(x), &format!(" {}", pane.number()), number);
        x = pen.raw(x, line.y, line.right().saturating_sub(x), &format!(" {} ", pane.name()), name);
        x += 1;
    }
}

/// Returns the words that say where we are and what we may do.
pub(super) fn badges(model: &Model) -> Vec<Span> {
    let mut spans = vec![(format!(" {} ", model.estate.name), Role::Bar)];
    let mut shown: Vec<_> = model.environments().collect();
    let several = shown.len() > 1;
    let tiny = super::layout::is_tiny(model.size);
    if tiny {
        // Production is never left out.
        shown.sort_by_key(|environment| environment.class != EnvironmentClass::Production);
        shown.truncate(1);
    }
    for (nth, environment) in shown.iter().enumerate() {
        spans.push((
            if nth == 0 { format!("{} ", model.look.glyphs.into()) } else { "+ ".to_owned() },
            Role::Bar,
        ));
        if environment.class == EnvironmentClass::Production {
            spans.push((" PROD ".to_owned(), Role::Production));
            spans.push((if several { " ".to_owned() } else { format!(" {} ", environment.name) }, Role::Bar));
        } else {
            spans.push((format!("{} ", environment.name), Role::Bar));
        }
    }
    spans.push(match &model.operating {
        Some(_) => (" OPERATOR ".to_owned(), Role::Operator),
        None => (" READ-ONLY ".to_owned(), Role::ReadOnly),
    });
    match &model.sandbox {
        Some(_) if tiny || (model.redactor.is_some() && model.size.0 < 100) => {
            spans.push((" SANDBOX ".to_owned(), Role::Sandbox));
        }
        Some(scenario) => spans.push((format!(" SANDBOX {scenario} "), Role::Sandbox)),
        None => spans.push((" LIVE ".to_owned(), Role::Live)),
    }
    // Nobody is to wonder why names look odd. Where there is room for the status only, the names say it themselves.
    if model.redactor.is_some() && !tiny {
        let word = if model.presenter { " PRESENTER " } else { " MASKED " };
        spans.push((" ".to_owned(), Role::Bar));
        spans.push((word.to_owned(), Role::Presenter));
    }
    spans
}

fn bar(model: &Model, pen: &mut Pen<'_>, area: Rect) {
    let line = Rect { height: 1, ..area };
    pen.fill(line, Role::Bar);
    let utc = model.now.to_zoned(TimeZone::UTC).strftime("%H:%M UTC").to_string();
    let local = model.now.to_zoned(model.zone.clone());
    let local = format!("{} local", local.strftime("%H:%M"));
    let credential = credential(model);
    let mut right = vec![(utc, if model.presenter { Role::Strong } else { Role::Bar })];
    if area.width >= 100 {
        right.push((format!("   {local}"), Role::Bar));
    }
    if let Some((text, role)) = credential {
        right.insert(0, (format!("{text}   "), role));
    }
    // Who looks is nobody's business on a shared screen.
    if area.width >= 150
        && !pen.hides()
        && let Some((_, identity)) = model.identities().first()
    {
        // The account stands with its environment; the role and session say who.
        let who = identity.who.as_str();
        right.insert(0, (format!("{}   ", who.rsplit(':').next().unwrap_or(who)), Role::Bar));
    }
    let room = |spans: &[Span], pen: &Pen<'_>| -> u16 {
        spans.iter().map(|(text, _)| u16::try_from(pen.shown(text).width()).unwrap_or(0)).sum()
    };
    let left = badges(model);
    let left_room = room(&left, pen);
    // What is least missed goes first where there is too little room; the clock stays.
    while right.len() > 1 && left_room + room(&right, pen) + 2 > area.width {
        right.remove(0);
    }
    let width = room(&right, pen);
    pen.spans(area.x, area.y, area.width.saturating_sub(width + 2), &left);
    pen.spans(area.right().saturating_sub(width + 1), area.y, width + 1, &right);
}

/// Returns the keys that the run in view waits for: they stand before all others.
fn waited_for(model: &Model) -> Vec<(Command, &'static str)> {
    let Some(Overlay::Run(open)) = model.overlays.last() else { return Vec::new() };
    let Some(run) = model.run_named(open.run.as_str()).filter(|_| open.until.is_none()) else {
        return Vec::new();
    };
    if run.is_over() {
        return Vec::new();
    }
    let steps = &run.state.steps;
    let any = |is: fn(Phase) -> bool| steps.values().any(|step| is(step.phase));
    let asks = steps.values().any(|step| step.question.is_some() && step.phase.is_under_way());
    [
        (any(|phase| phase == Phase::AtGate), (Command::Gate, "go past the gate")),
        (asks, (Command::Answer, "answer")),
        (any(|phase| phase == Phase::InDoubt), (Command::Happened, "it has happened")),
        (any(|phase| phase == Phase::InDoubt), (Command::DidNot, "it has not")),
        (any(|phase| phase == Phase::Failed), (Command::Retry, "begin the failed step again")),
    ]
    .into_iter()
    .filter_map(|(is, hint)| is.then_some(hint))
    .collect()
}

/// The keys of a form that is filled in.
const FORM_KEYS: &[(&str, &str)] = &[
    ("enter", "goes on"),
    ("up down", "another line"),
    ("left right", "another choice"),
    ("tab", "in earnest, drill, tabletop"),
    ("esc", "back"),
];

/// Says how long the credential that ends first still lasts.
fn credential(model: &Model) -> Option<Span> {
    let expires_at = model.identities().first()?.1.expires_at?;
    let left = elapsed(model.now, expires_at);
    if left.is_zero() {
        return Some(("login expired".to_owned(), Role::Alarm));
    }
    let role = if left.as_secs() <= 15 * 60 { Role::Alarm } else { Role::Bar };
    Some((format!("login {} left", age_words(left)), role))
}

fn hints(model: &Model, pen: &mut Pen<'_>, area: Rect, y: u16) {
    let room = area.width.saturating_sub(2);
    if let Some(notice) = &model.notice {
        let role = if notice.alarm { Role::Alarm } else { Role::Notice };
        pen.text(area.x + 1, y, room, notice.text.as_str(), role);
        return;
    }
    if !model.pending.is_empty() {
        if let Meaning::Pending(next) = model.keymap.meaning(&model.pending) {
            let mut spans: Vec<Span> = Vec::new();
            for (chord, command) in next {
                spans.push((format!("{chord} "), Role::Key));
                spans.push((format!("{}   ", command.name()), Role::Dim));
            }
            pen.spans(area.x + 1, y, room, &spans);
        }
        return;
    }
    if let Some((filter, _)) = model.filter().filter(|_| model.is_filtering()) {
        let spans = [
            ("filter ".to_owned(), Role::Key),
            (format!("{} ", filter.value()), Role::Input),
            (
                "   enter keeps it, esc drops it; ! turns it round, kind=rds asks one column".to_owned(),
                Role::Dim,
            ),
        ];
        pen.spans(area.x + 1, y, room, &spans);
        return;
    }
    if let Some(input) = model.points.typing.as_ref().filter(|_| points_shown(model)) {
        let says = model.points.wrong.clone();
        let says = says.map_or(
            ("   14:32, 2026-11-20 14:32 or 3 h ago, in UTC; enter goes there".to_owned(), Role::Dim),
            |wrong| (format!("   {wrong}"), Role::Alarm),
        );
        let spans = [("to ".to_owned(), Role::Key), (format!("{} ", input.value()), Role::Input), says];
        pen.spans(area.x + 1, y, room, &spans);
        return;
    }
    let mut spans: Vec<Span> = Vec::new();
    let shown: &[(Command, &str)] = match model.overlays.last() {
        None if points_shown(model) && model.points.to_moment => &[
            (Command::Help, "help"),
            (Command::ToMoment, "moment"),
            (Command::Earlier, "earlier"),
            (Command::Later, "later"),
            (Command::EarlierMark, "mark before"),
            (Command::LaterMark, "mark after"),
            (Command::TimeCursor, "points"),
            (Command::ZoomOut, "zoom out"),
            (Command::Now, "now"),
            (Command::Timeline, "timeline"),
            (Command::Quit, "quit"),
        ],
        None if points_shown(model) => &[
            (Command::Help, "help"),
            (Command::TimeCursor, "time cursor"),
            (Command::Filter, "filter"),
            (Command::Open, "details"),
            (Command::Sort, "sort"),
            (Command::Group, "group"),
            (Command::Timeline, "timeline"),
            (Command::ZoomOut, "zoom out"),
            (Command::ZoomIn, "zoom in"),
            (Command::Quit, "quit"),
        ],
        None if model.pane == Pane::States => &[
            (Command::Help, "help"),
            (Command::Palette, "command"),
            (Command::Filter, "filter"),
            (Command::Open, "versions"),
            (Command::Copy, "copy"),
            (Command::Sort, "order"),
            (Command::Environment, "environment"),
            (Command::Quit, "quit"),
        ],
        None if model.pane == Pane::Runbooks => &[
            (Command::Help, "help"),
            (Command::Palette, "command"),
            (Command::Filter, "filter"),
            (Command::Open, "plan it"),
            (Command::Back, "all runbooks"),
            (Command::Operate, "operate"),
            (Command::Quit, "quit"),
        ],
        None if model.pane == Pane::Runs => &[
            (Command::Help, "help"),
            (Command::Open, "watch"),
            (Command::Filter, "filter"),
            (Command::Pause, "pause or go on"),
            (Command::Copy, "copy how to follow"),
            (Command::Operate, "operate"),
            (Command::Quit, "quit"),
        ],
        None if model.pane == Pane::Journal => &[
            (Command::Help, "help"),
            (Command::Open, "the whole line"),
            (Command::Filter, "filter"),
            (Command::Verify, "verify"),
            (Command::Report, "report"),
            (Command::Bottom, "follow"),
            (Command::Quit, "quit"),
        ],
        None => &[
            (Command::Help, "help"),
            (Command::Recover, "runbooks that fit"),
            (Command::Palette, "command"),
            (Command::Filter, "filter"),
            (Command::Open, "details"),
            (Command::Troubles, "troubles"),
            (Command::About, "estate"),
            (Command::Environment, "environment"),
            (Command::Quit, "quit"),
        ],
        // What is typed goes into the form: its keys are its own.
        Some(Overlay::Form(_)) => &[],
        Some(Overlay::Plan(_)) => &[
            (Command::Back, "back"),
            (Command::Open, "go on to consent"),
            (Command::Down, "down"),
            (Command::PageDown, "page"),
            (Command::Operate, "operate"),
            (Command::Copy, "copy the command line"),
            (Command::Quit, "quit"),
        ],
        Some(Overlay::Run(open)) if open.until.is_some() => &[
            (Command::Earlier, "earlier"),
            (Command::Later, "later"),
            (Command::EarlierMark, "far back"),
            (Command::LaterMark, "far on"),
            (Command::Now, "now"),
            (Command::Back, "back"),
        ],
        Some(Overlay::Run(_)) => &[
            (Command::Back, "back"),
            (Command::Operate, "operate"),
            (Command::Pause, "pause or go on"),
            (Command::Skip, "skip"),
            (Command::Retry, "retry"),
            (Command::Undo, "undo"),
            (Command::UndoAll, "undo all"),
            (Command::Abandon, "abandon"),
            (Command::Open, "journal"),
            (Command::Earlier, "replay"),
            (Command::Report, "report"),
            (Command::Quit, "quit"),
        ],
        Some(
            Overlay::Palette { .. }
            | Overlay::Quit
            | Overlay::Login { .. }
            | Overlay::Consent(_)
            | Overlay::Prompt(_),
        ) => &[(Command::Back, "back")],
        Some(Overlay::State(_)) => &[
            (Command::Back, "back"),
            (Command::Open, "compare with the one before"),
            (Command::Mark, "mark"),
            (Command::Compare, "compare with the marked"),
            (Command::Copy, "copy its id"),
            (Command::Help, "help"),
            (Command::Quit, "quit"),
        ],
        Some(Overlay::Comparison(_)) => &[
            (Command::Back, "back"),
            (Command::Down, "down"),
            (Command::PageDown, "page"),
            (Command::Copy, "copy the command"),
            (Command::Help, "help"),
            (Command::Quit, "quit"),
        ],
        Some(Overlay::Detail { .. }) => &[
            (Command::Back, "back"),
            (Command::Recover, "runbooks that fit"),
            (Command::Down, "down"),
            (Command::PageDown, "page"),
            (Command::NextFailure, "failure"),
            (Command::Help, "help"),
            (Command::Quit, "quit"),
        ],
        Some(_) => &[
            (Command::Back, "back"),
            (Command::Down, "down"),
            (Command::PageDown, "page"),
            (Command::NextFailure, "failure"),
            (Command::Help, "help"),
            (Command::Quit, "quit"),
        ],
    };
    let progress = progress(model);
    let width = u16::try_from(progress.0.width()).unwrap_or(0);
    let mut left = usize::from(room.saturating_sub(width + 1));
    let keys = shown.iter().map(|(command, word)| (model.keymap.hint(*command), *word));
    let typed = matches!(model.overlays.last(), Some(Overlay::Form(_))).then_some(FORM_KEYS);
    let typed = typed.into_iter().flatten().map(|(key, word)| ((*key).to_owned(), *word));
    let waited = waited_for(model).into_iter().map(|(command, word)| (model.keymap.hint(command), word));
    for (key, word) in typed.chain(waited).chain(keys) {
        let key = format!("{key} ");
        // A hint that does not fit whole says nothing; `?` shows them all.
        let Some(rest) = left.checked_sub(key.width() + word.width()) else { continue };
        left = rest.saturating_sub(3);
        let between = if spans.is_empty() { "" } else { "   " };
        spans.push((format!("{between}{key}"), Role::Key));
        spans.push((word.to_owned(), Role::Dim));
    }
    pen.spans(area.x + 1, y, room.saturating_sub(width + 1), &spans);
    pen.right(area.x, area.right().saturating_sub(1), y, &progress.0, progress.1);
}

fn points_shown(model: &Model) -> bool {
    model.pane == Pane::Points && model.overlays.is_empty()
}

fn progress(model: &Model) -> Span {
    let progress = model.snapshot.progress;
    if model.snapshot.not_kept.is_some() {
        return ("readings are not kept".to_owned(), Role::Alarm);
    }
    let mut said = Vec::new();
    // Reading slowly is our doing and decent; not to say so would look like a fault.
    if let Some(slowest) = model.snapshot.slowed.iter().min_by_key(|slow| slow.percent) {
        let others = model.snapshot.slowed.len() - 1;
        let others = if others > 0 { format!(" and {others} more") } else { String::new() };
        said.push(format!("throttled: {} read at {} %{others}", slowest.what, slowest.percent));
    }
    if progress.open > 0 {
        said.push(format!("reading {} of {}", progress.all.saturating_sub(progress.open), progress.all));
    }
    (said.join("   "), if said.is_empty() { Role::Dim } else { Role::Notice })
}
