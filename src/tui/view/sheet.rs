//! Sheets of lines: everything that is wrong, the estate, the keys.

use super::pen::{Pen, Span};
use super::words;
use crate::domain::estate::EnvironmentClass;
use crate::domain::readiness::{Severity, Trouble};
use crate::domain::reading::Cadences;
use crate::tui::command::COMMANDS;
use crate::tui::model::{Model, Overlay};
use crate::tui::theme::Role;
use ratatui::layout::Rect;

/// Draws the uppermost sheet from line `scroll` on.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect, scroll: usize) {
    let (title, lines) = content(model);
    title_line(pen, body, &title, scroll, lines.len());
    let room = usize::from(body.height.saturating_sub(2));
    for (nth, line) in lines.iter().skip(scroll).take(room).enumerate() {
        let y = body.y + 2 + u16::try_from(nth).unwrap_or(0);
        pen.spans(body.x + 1, y, body.width.saturating_sub(2), line);
    }
}

/// Draws the title of a sheet and how far it is scrolled.
pub(super) fn title_line(pen: &mut Pen<'_>, body: Rect, title: &[Span], scroll: usize, lines: usize) {
    let room = usize::from(body.height.saturating_sub(2));
    let last = (scroll + room).min(lines);
    let says = if lines > room { format!("{} to {last} of {lines}", scroll + 1) } else { String::new() };
    let kept = u16::try_from(says.len()).unwrap_or(0) + 4;
    pen.spans(body.x + 1, body.y, body.width.saturating_sub(kept), title);
    if lines > room {
        pen.right(body.x, body.right().saturating_sub(1), body.y, &says, Role::Dim);
    }
    pen.rule(body, body.y + 1);
}

/// Returns the title and the lines of the uppermost sheet.
pub(super) fn content(model: &Model) -> (Vec<Span>, Vec<Vec<Span>>) {
    let title = |text: &str| vec![(text.to_owned(), Role::Strong)];
    match model.overlays.last() {
        Some(Overlay::Troubles { .. }) => (title("What is wrong, and what is in the way"), troubles(model)),
        Some(Overlay::About { .. }) => (title("The estate, and our access to it"), about(model)),
        _ => (title("Keys"), help(model)),
    }
}

pub(super) fn severity_role(severity: Severity) -> Role {
    match severity {
        Severity::Alarm => Role::Breached,
        Severity::Warning => Role::AtRisk,
        Severity::Note => Role::Dim,
    }
}

pub(super) fn whose(trouble: &Trouble) -> String {
    trouble.component.as_ref().map_or_else(|| trouble.environment.to_string(), ToString::to_string)
}

fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Alarm => "alarm",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn troubles(model: &Model) -> Vec<Vec<Span>> {
    let mut lines = Vec::new();
    let width = usize::from(model.size.0.saturating_sub(6));
    let shown = |trouble: &&Trouble| {
        trouble.scope.is_none_or(|scope| scope == model.scope)
            && model.environment.as_ref().is_none_or(|shown| *shown == trouble.environment)
    };
    for trouble in model.judgement.troubles.iter().filter(shown) {
        let role = severity_role(trouble.severity);
        let glyph = model.look.glyphs.severity(trouble.severity);
        let scope = trouble.scope.map_or(String::new(), |scope| format!(", if {}", scope.words()));
        let mut line = vec![
            (format!("{glyph} {:<8}", severity_word(trouble.severity)), role),
            (format!("{}  ", whose(trouble)), Role::Strong),
            (format!("{}{scope}", trouble.code.name()), Role::Dim),
        ];
        if let Some(at) = trouble.at {
            line.push((format!(", since {}, {}", words::moment(at), words::ago(at, model.now)), Role::Dim));
        }
        lines.push(line);
        for part in words::lines(model, trouble.says.as_str(), width) {
            lines.push(vec![("    ".to_owned(), Role::Text), (part, Role::Text)]);
        }
    }
    if lines.is_empty() {
        let all = model
            .judgement
            .troubles
            .iter()
            .filter(|trouble| trouble.scope.is_none_or(|scope| scope == model.scope));
        let says = match (&model.environment, all.count()) {
            (Some(environment), other) if other > 0 => {
                let key = model.keymap.hint(crate::tui::command::Command::Environment);
                format!(
                    "Nothing is wrong in {environment}, as far as it was read; {other} elsewhere: {key} shows the others."
                )
            }
            _ => "Nothing is wrong, as far as it was read.".to_owned(),
        };
        lines.push(vec![(says, Role::Text)]);
    }
    lines
}

fn about(model: &Model) -> Vec<Vec<Span>> {
    let mut lines: Vec<Vec<Span>> = Vec::new();
    let width = usize::from(model.size.0.saturating_sub(16));
    let mut row = |label: &str, text: String| {
        for (nth, part) in words::lines(model, &text, width).into_iter().enumerate() {
            let label = if nth == 0 { label } else { "" };
            lines.push(vec![(format!("{label:<14}"), Role::Heading), (part, Role::Text)]);
        }
    };
    row("estate", format!("{}, from {}", model.estate.name, model.origin));
    row("components", model.estate.components.len().to_string());
    let reality = model.sandbox.as_ref().map_or_else(
        || "real".to_owned(),
        |scenario| {
            format!(
                "simulated: scenario {scenario}; nothing here is real, and times are those of the sandbox"
            )
        },
    );
    row("reality", reality);
    let says = match (&model.operating, model.read_only_for_good) {
        (Some(right), _) => {
            format!("OPERATOR, for: {}; each plan still asks for consent", right.session().purpose())
        }
        (None, true) => "read-only for good; it changes nothing anywhere".to_owned(),
        (None, false) => "read-only; it changes nothing anywhere".to_owned(),
    };
    row("this screen", says);
    row("look", format!("theme {}, {}", model.look.theme.name, model.look.capability.words()));
    for environment in &model.estate.environments {
        row("", String::new());
        let class = match environment.class {
            EnvironmentClass::Production => "production: PROD",
            EnvironmentClass::NonProduction => "not production",
        };
        row("environment", format!("{}, {class}", environment.name));
        row("account", format!("{} ({})", environment.account_alias, environment.account));
        let to = environment
            .dr_region
            .as_ref()
            .map_or(", recovers nowhere else".to_owned(), |dr| format!(", recovers to {dr}"));
        row("Region", format!("{}{to}", environment.region));
        let identity = model.identities().into_iter().find(|(other, _)| other.name == environment.name);
        match identity {
            Some((_, identity)) => {
                row("identity", identity.who.to_string());
                if let Some(at) = identity.expires_at {
                    let left = crate::domain::duration::elapsed(model.now, at);
                    let left = crate::domain::duration::age_words(left);
                    row("credentials", format!("end at {}, {left} left", words::moment(at)));
                }
            }
            None => row("identity", "unknown".to_owned()),
        }
    }
    row("", String::new());
    row("readings", format!("{} kept", model.snapshot.readings.len()));
    if let Some(why) = &model.snapshot.not_kept {
        row("", format!("not written to disk: {why}"));
    }
    for capability in crate::domain::reading::Capability::ALL {
        let every = crate::domain::duration::words(model.estate.cadences.of(capability));
        let stale =
            crate::domain::duration::words(model.estate.cadences.of(capability) * Cadences::STALE_AFTER);
        row("", format!("{:<20} every {every}, not relied on after {stale}", capability.words()));
    }
    lines
}

fn help(model: &Model) -> Vec<Vec<Span>> {
    COMMANDS
        .iter()
        .map(|row| {
            let keys = model.keymap.keys_of(row.command).join(", ");
            vec![
                (format!("{keys:<18}"), Role::Key),
                (format!("{:<14}", row.name), Role::Text),
                (row.doc.to_owned(), Role::Dim),
            ]
        })
        .collect()
}
