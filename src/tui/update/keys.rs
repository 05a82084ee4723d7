//! Keys: typed text first, then sequences, then commands.

use super::login;
use super::overview::{self, Step};
use crate::domain::Text;
use crate::domain::reading::{Capability, ReadTrouble, Subject};
use crate::domain::redaction::Redactor;
use crate::domain::scope::FailureScope;
use crate::tui::command::Command;
use crate::tui::effect::Effect;
use crate::tui::keymap::{Chord, Meaning};
use crate::tui::model::{Model, Notice, Overlay};
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
    if let Some(effects) = login::typed(model, key).or_else(|| typed(model, key)) {
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
    let input = if model.overview.filtering {
        &mut model.overview.filter
    } else if let Some(Overlay::Palette { input, .. }) = model.overlays.last_mut() {
        input
    } else {
        return Vec::new();
    };
    for c in clean.as_str().chars() {
        insert(input, c);
    }
    overview::follow(model);
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
    let filtering = model.overview.filtering && model.overlays.is_empty();
    if !palette && !filtering {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let request = match key.code {
        KeyCode::Char('c') if control => {
            model.overview.filtering = false;
            return Some(run(model, Command::AskQuit));
        }
        KeyCode::Char('u') if control => Some(InputRequest::DeleteLine),
        KeyCode::Char('w') if control => Some(InputRequest::DeletePrevWord),
        KeyCode::Char('z') if control => return Some(vec![Effect::Suspend]),
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
    };
    if palette {
        return Some(typed_in_palette(model, key.code, request));
    }
    match key.code {
        KeyCode::Enter => model.overview.filtering = false,
        KeyCode::Esc => {
            model.overview.filtering = false;
            model.overview.filter.reset();
        }
        KeyCode::Down => overview::go(model, Step::Lines(1)),
        KeyCode::Up => overview::go(model, Step::Lines(-1)),
        _ => {
            apply(&mut model.overview.filter, request);
        }
    }
    overview::follow(model);
    Some(Vec::new())
}

fn apply(input: &mut Input, request: Option<InputRequest>) {
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
        KeyCode::Down | KeyCode::Tab => overview::go(model, Step::Lines(1)),
        KeyCode::Up | KeyCode::BackTab => overview::go(model, Step::Lines(-1)),
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
fn run(model: &mut Model, command: Command) -> Vec<Effect> {
    match command {
        Command::Help => toggle(model, Overlay::Help { scroll: 0 }),
        Command::Troubles => toggle(model, Overlay::Troubles { scroll: 0 }),
        Command::About => toggle(model, Overlay::About { scroll: 0 }),
        Command::Palette => model.overlays.push(Overlay::Palette { input: Input::default(), cursor: 0 }),
        Command::Filter => {
            model.overlays.clear();
            model.overview.filtering = true;
        }
        Command::Back => {
            if model.overlays.pop().is_none() {
                model.overview.filter.reset();
                overview::follow(model);
            }
        }
        Command::Quit => return vec![Effect::Quit],
        Command::AskQuit => model.overlays.push(Overlay::Quit),
        Command::Down => overview::go(model, Step::Lines(1)),
        Command::Up => overview::go(model, Step::Lines(-1)),
        Command::Top => overview::go(model, Step::Top),
        Command::Bottom => overview::go(model, Step::Bottom),
        Command::PageDown => overview::go(model, Step::Pages(1)),
        Command::PageUp => overview::go(model, Step::Pages(-1)),
        Command::Open => {
            if let (true, Some(row)) = (model.overlays.is_empty(), model.selected_row()) {
                let component = row.component.id.clone();
                model.overview.selected = Some(component.clone());
                model.overlays.push(Overlay::Detail { component, scroll: 0 });
                return vec![Effect::Judge(model.judge_request())];
            }
        }
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
        Command::Overview => model.overlays.clear(),
        Command::Refresh => {
            model.notice = Some(notice("reading everything now"));
            return vec![Effect::Refresh];
        }
        Command::Login => return login::begin(model),
        Command::Presenter => {
            model.presenter = !model.presenter;
            model.redactor = (model.presenter || model.always_redacted).then(|| Redactor::new("lifeboat"));
            overview::follow(model);
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
        Command::Copy => return copy(model),
        Command::Redraw => return vec![Effect::Redraw],
        Command::Suspend => return vec![Effect::Suspend],
    }
    Vec::new()
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
    overview::follow(model);
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
    overview::follow(model);
}

/// Copies what is selected, raw: the missing permission as an IAM statement where a read was denied, else the verdict.
fn copy(model: &mut Model) -> Vec<Effect> {
    let Some(row) = model.selected_row() else { return Vec::new() };
    let id = row.component.id.clone();
    let denied = model.snapshot.readings.iter().find_map(|(key, reading)| match &key.subject {
        Subject::Component(component, _) if *component == id && key.capability != Capability::Proofs => {
            let failed = reading.failed.iter().map(|failed| &failed.why);
            let mut troubles = failed.chain(reading.lacking.iter().map(|lack| &lack.why));
            troubles.find_map(|why| match why {
                ReadTrouble::Denied { permission, .. } => Some(permission.clone()),
                _ => None,
            })
        }
        _ => None,
    });
    let (text, says) = if let Some(permission) = denied {
        let statement = serde_json::json!({ "Effect": "Allow", "Action": permission, "Resource": "*" });
        (statement.to_string(), format!("copied: the IAM statement that allows {permission}"))
    } else {
        let assessment = row.assessment;
        let text = format!(
            "{id}, if {}: {}. RPO: {}. RTO: {}.",
            model.scope.words(),
            assessment.verdict,
            assessment.rpo.reason,
            assessment.rto.reason
        );
        (text, format!("copied: the verdict on {id}"))
    };
    model.notice = Some(notice(&says));
    vec![Effect::Copy(text)]
}
