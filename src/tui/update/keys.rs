//! Keys: typed text first, then sequences, then commands.

use super::pane::{self, Step};
use super::{login, points, recovery};
use crate::domain::Text;
use crate::domain::scope::FailureScope;
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::keymap::{Chord, Meaning};
use crate::tui::model::{Model, Notice, Overlay, Pane};
use crate::tui::view::palette_matches;
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::{Input, InputRequest};

/// The longest text that is typed anywhere.
const LONGEST: usize = 200;

/// Does what a key asks for.
pub(super) fn pressed(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    model.notice = None;
    if let Some(effects) = { login::typed(model, key).or_else(|| recovery::typed(model, key)) }
        .or_else(|| points::typed(model, key))
        .or_else(|| typed(model, key))
    {
        return effects;
    }
    if matches!(model.overlays.last(), Some(Overlay::Quit)) {
        return answer_quit(model, key);
    }
    let chord = Chord::of(key);
    if chord.code == KeyCode::Esc && !model.pending.is_empty() {
        model.pending.clear();
        return Vec::new();
    }
    model.pending.push(chord);
    match model.keymap.clone().meaning(&model.pending) {
        Meaning::Pending(_) => Vec::new(),
        Meaning::Nothing => {
            // A key that ends no sequence may still be a command of its own.
            let several = model.pending.len() > 1;
            model.pending.clear();
            if several { pressed(model, key) } else { Vec::new() }
        }
        Meaning::Command(command) => {
            model.pending.clear();
            run(model, command)
        }
    }
}

/// Puts pasted text where text is typed, and nowhere else.
pub(super) fn pasted(model: &mut Model, text: &str) -> Vec<Effect> {
    let clean = Text::new(text);
    if let Some(input) = recovery::pasted_into(model) {
        for c in clean.as_str().chars() {
            insert(input, c);
        }
        return Vec::new();
    }
    let typing_moment = points::is_typing(model);
    let input = match model.overlays.last_mut() {
        Some(Overlay::Palette { input, .. }) => input,
        Some(_) => return Vec::new(),
        None if typing_moment => match &mut model.points.typing {
            Some(input) => input,
            None => return Vec::new(),
        },
        None => match model.filter_mut() {
            Some((filter, typing)) if *typing => filter,
            _ => return Vec::new(),
        },
    };
    for c in clean.as_str().chars() {
        insert(input, c);
    }
    pane::follow(model);
    Vec::new()
}

fn insert(input: &mut Input, c: char) {
    if input.value().chars().count() < LONGEST {
        input.handle(InputRequest::InsertChar(c));
    }
}

/// Handles a key where text is being typed; `None` when none is.
fn typed(model: &mut Model, key: KeyEvent) -> Option<Vec<Effect>> {
    let palette = matches!(model.overlays.last(), Some(Overlay::Palette { .. }));
    let filtering = model.is_filtering();
    if !palette && !filtering {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => {
            stop_filtering(model);
            return Some(run(model, Command::AskQuit));
        }
        KeyCode::Char('z') if control => return Some(vec![Effect::Suspend]),
        _ => {}
    }
    let request = request(key);
    if palette {
        return Some(typed_in_palette(model, key.code, request));
    }
    match key.code {
        KeyCode::Enter => stop_filtering(model),
        KeyCode::Esc => {
            stop_filtering(model);
            pane::back(model);
        }
        KeyCode::Down => pane::go(model, Step::Lines(1)),
        KeyCode::Up => pane::go(model, Step::Lines(-1)),
        _ => {
            if let Some((filter, _)) = model.filter_mut() {
                apply(filter, request);
            }
        }
    }
    pane::follow(model);
    Some(Vec::new())
}

/// Handles the keys that mean the same wherever something is typed: they ask whether to quit, or go to the background.
pub(super) fn suspended_or_left(model: &mut Model, key: KeyEvent) -> Option<Vec<Effect>> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => Some(run(model, Command::AskQuit)),
        KeyCode::Char('z') if control => Some(vec![Effect::Suspend]),
        _ => None,
    }
}

fn stop_filtering(model: &mut Model) {
    if let Some((_, typing)) = model.filter_mut() {
        *typing = false;
    }
}

/// Returns what a key does to a text that is being typed.
pub(super) fn request(key: KeyEvent) -> Option<InputRequest> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('u') if control => Some(InputRequest::DeleteLine),
        KeyCode::Char('w') if control => Some(InputRequest::DeletePrevWord),
        KeyCode::Char(c) if !control && !key.modifiers.contains(KeyModifiers::ALT) => {
            let clean = Text::new(c.encode_utf8(&mut [0; 4]));
            clean.as_str().chars().next().map(InputRequest::InsertChar)
        }
        KeyCode::Backspace => Some(InputRequest::DeletePrevChar),
        KeyCode::Delete => Some(InputRequest::DeleteNextChar),
        KeyCode::Left => Some(InputRequest::GoToPrevChar),
        KeyCode::Right => Some(InputRequest::GoToNextChar),
        KeyCode::Home => Some(InputRequest::GoToStart),
        KeyCode::End => Some(InputRequest::GoToEnd),
        _ => None,
    }
}

pub(super) fn apply(input: &mut Input, request: Option<InputRequest>) {
    match request {
        Some(InputRequest::InsertChar(c)) => insert(input, c),
        Some(request) => {
            input.handle(request);
        }
        None => {}
    }
}

fn typed_in_palette(model: &mut Model, code: KeyCode, request: Option<InputRequest>) -> Vec<Effect> {
    match code {
        KeyCode::Esc => {
            model.overlays.pop();
            return Vec::new();
        }
        KeyCode::Down | KeyCode::Tab => pane::go(model, Step::Lines(1)),
        KeyCode::Up | KeyCode::BackTab => pane::go(model, Step::Lines(-1)),
        KeyCode::Enter => {
            let Some(Overlay::Palette { input, cursor }) = model.overlays.pop() else { return Vec::new() };
            let matches = palette_matches(input.value());
            return if let Some(row) = matches.get(cursor) {
                run(model, row.command)
            } else {
                model.notice = Some(alarm(&format!("there is no command `{}`", input.value())));
                Vec::new()
            };
        }
        _ => {
            if let Some(Overlay::Palette { input, cursor }) = model.overlays.last_mut() {
                apply(input, request);
                *cursor = 0;
            }
        }
    }
    Vec::new()
}

fn answer_quit(model: &mut Model, key: KeyEvent) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => vec![Effect::Quit],
        KeyCode::Char('y' | 'Y' | 'q') | KeyCode::Enter => vec![Effect::Quit],
        KeyCode::Char('n' | 'N') | KeyCode::Esc => {
            model.overlays.pop();
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn alarm(text: &str) -> Notice {
    Notice { text: Text::new(text), alarm: true }
}

fn notice(text: &str) -> Notice {
    Notice { text: Text::new(text), alarm: false }
}

/// Runs a command.
pub(super) fn run(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Help => toggle(model, Overlay::Help { scroll: 0 }),
        Command::Troubles => toggle(model, Overlay::Troubles { scroll: 0 }),
        Command::About => toggle(model, Overlay::About { scroll: 0 }),
        Command::Palette => model.overlays.push(Overlay::Palette { input: Input::default(), cursor: 0 }),
        Command::Filter => {
            model.overlays.clear();
            if let Some((_, typing)) = model.filter_mut() {
                *typing = true;
            }
        }
        Command::Back => {
            if model.overlays.pop().is_none() {
                pane::back(model);
            }
        }
        Command::Quit => return vec![Effect::Quit],
        Command::AskQuit => model.overlays.push(Overlay::Quit),
        Command::Down => pane::go(model, Step::Lines(1)),
        Command::Up => pane::go(model, Step::Lines(-1)),
        Command::Top => pane::go(model, Step::Top),
        Command::Bottom => pane::go(model, Step::Bottom),
        Command::PageDown => pane::go(model, Step::Pages(1)),
        Command::PageUp => pane::go(model, Step::Pages(-1)),
        Command::Open => return pane::open(model),
        Command::Local => choose(model, FailureScope::Local),
        Command::Region => choose(model, FailureScope::Region),
        Command::Account => choose(model, FailureScope::Account),
        Command::NextFailure => {
            let next = match model.scope {
                FailureScope::Local => FailureScope::Region,
                FailureScope::Region => FailureScope::Account,
                FailureScope::Account => FailureScope::Local,
            };
            choose(model, next);
        }
        Command::Environment => next_environment(model),
        Command::Overview => return go_to(model, Pane::Overview),
        Command::Points => return go_to(model, Pane::Points),
        Command::States => return go_to(model, Pane::States),
        Command::Runbooks => return go_to(model, Pane::Runbooks),
        Command::Runs => return go_to(model, Pane::Runs),
        Command::Journal => return go_to(model, Pane::Journal),
        Command::Recover => return recovery::recover(model),
        Command::Operate => recovery::operate(model),
        Command::Pause
        | Command::Skip
        | Command::Retry
        | Command::Undo
        | Command::UndoAll
        | Command::Gate
        | Command::Answer
        | Command::Happened
        | Command::DidNot
        | Command::Abandon
        | Command::Veto
        | Command::Verify
        | Command::Report => return recovery::asks(model, command),
        Command::TimeCursor
        | Command::ToMoment
        | Command::Earlier
        | Command::Later
        | Command::EarlierMark
        | Command::LaterMark
        | Command::Now
        | Command::Sort
        | Command::Group
        | Command::ZoomIn
        | Command::ZoomOut
        | Command::Timeline
        | Command::Mark
        | Command::Compare => return pane::run(model, command),
        Command::Refresh => {
            model.notice = Some(notice("reading everything now"));
            return vec![Effect::Refresh];
        }
        Command::Login => return login::begin(model),
        Command::Presenter => {
            model.presenter = !model.presenter;
            model.mask();
            let says = match (model.presenter, model.redactor.is_some()) {
                (true, _) => "presenter: names are masked, copies are not",
                (false, true) => "no presenter any more; names stay masked",
                (false, false) => "no presenter any more: names are shown",
            };
            model.notice = Some(notice(says));
            pane::follow(model);
        }
        Command::Theme => {
            model.look = model.look.next_theme();
            model.notice = Some(notice(&format!("theme {}", model.look.theme.name)));
        }
        Command::Mouse => {
            model.mouse = !model.mouse;
            let says = if model.mouse { "the mouse is ours" } else { "the mouse is free for selecting text" };
            model.notice = Some(notice(says));
            return vec![Effect::Mouse(model.mouse)];
        }
        Command::Copy => return pane::copy(model),
        Command::Redraw => return vec![Effect::Redraw],
        Command::Suspend => return vec![Effect::Suspend],
    }
    Vec::new()
}

/// Shows a pane, with nothing over it.
fn go_to(model: &mut Model, to: Pane) -> Vec<Effect> {
    model.overlays.clear();
    model.pane = to;
    pane::follow(model);
    vec![Effect::Judge(model.judge_request())]
}

fn toggle(model: &mut Model, overlay: Overlay) {
    let same = model
        .overlays
        .last()
        .is_some_and(|top| std::mem::discriminant(top) == std::mem::discriminant(&overlay));
    if same {
        model.overlays.pop();
    } else {
        model.overlays.push(overlay);
    }
}

fn choose(model: &mut Model, scope: FailureScope) {
    model.scope = scope;
    pane::follow(model);
}

fn next_environment(model: &mut Model) {
    let names: Vec<_> =
        model.estate.environments.iter().map(|environment| environment.name.clone()).collect();
    if names.len() < 2 {
        return;
    }
    let at = model.environment.as_ref().and_then(|shown| names.iter().position(|name| name == shown));
    model.environment = match at {
        None => names.first().cloned(),
        Some(at) => names.get(at + 1).cloned(),
    };
    pane::follow(model);
}
