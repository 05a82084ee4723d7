//! What lies in the middle of the screen: the palette, and the question whether to quit.

use super::pen::Pen;
use crate::domain::Text;
use crate::domain::ids::EnvironmentName;
use crate::provider::port::LoginAsk;
use crate::tui::command::{COMMANDS, CommandRow};
use crate::tui::model::Model;
use crate::tui::theme::Role;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::layout::Rect;
use tui_input::Input;

/// Returns the commands that match what was typed, the best first.
pub fn palette_matches(typed: &str) -> Vec<&'static CommandRow> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(typed.trim(), CaseMatching::Ignore, Normalization::Smart);
    let mut buffer = Vec::new();
    let mut found: Vec<(u32, usize, &CommandRow)> = COMMANDS
        .iter()
        .enumerate()
        .filter_map(|(nth, row)| {
            let named =
                pattern.score(Utf32Str::new(row.name, &mut buffer), &mut matcher).map(|score| score * 2);
            let described = pattern.score(Utf32Str::new(row.doc, &mut buffer), &mut matcher);
            Some((named.max(described)?, nth, row))
        })
        .collect();
    found.sort_by_key(|(score, nth, _)| (std::cmp::Reverse(*score), *nth));
    found.into_iter().map(|(.., row)| row).collect()
}

pub(super) fn boxed(pen: &mut Pen<'_>, body: Rect, width: u16, height: u16) -> Rect {
    let width = width.min(body.width.saturating_sub(4));
    let height = height.min(body.height);
    let area =
        Rect { x: body.x + (body.width - width) / 2, y: body.y + (body.height - height) / 3, width, height };
    // The whole width is cleared: what stuck out at its sides would only be read as part of it.
    let band = Rect { x: body.x, width: body.width, ..area };
    pen.fill(band, Role::Text);
    pen.rule(band, area.y);
    pen.rule(band, area.bottom().saturating_sub(1));
    Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    }
}

/// Draws the palette.
pub(super) fn draw(model: &Model, pen: &mut Pen<'_>, body: Rect, input: &Input, cursor: usize) {
    let matches = palette_matches(input.value());
    let inner = boxed(pen, body, 84, 18);
    let at = pen.raw(inner.x, inner.y, 2, ": ", Role::Key);
    pen.text(at, inner.y, inner.width.saturating_sub(2), &format!("{} ", input.value()), Role::Input);
    let room = usize::from(inner.height.saturating_sub(2));
    let first = (cursor + 1).saturating_sub(room);
    for (nth, row) in matches.iter().enumerate().skip(first).take(room) {
        let y = inner.y + 2 + u16::try_from(nth - first).unwrap_or(0);
        let spans = [
            (format!("{:<14}", row.name), Role::Strong),
            (format!("{:<18}", model.keymap.keys_of(row.command).join(", ")), Role::Key),
            (row.doc.to_owned(), Role::Dim),
        ];
        pen.spans(inner.x, y, inner.width, &spans);
        if nth == cursor {
            pen.restyle(Rect { y, height: 1, ..inner }, Role::Selected);
        }
    }
    if matches.is_empty() {
        pen.raw(inner.x, inner.y + 2, inner.width, "no command matches", Role::Dim);
    }
}

/// Draws the question whether to quit.
pub(super) fn draw_quit(model: &Model, pen: &mut Pen<'_>, body: Rect) {
    let inner = boxed(pen, body, 60, 6);
    pen.raw(inner.x, inner.y, inner.width, "Quit the screen?", Role::Strong);
    let says = match model.runs_under_way().filter(|run| run.worked_on).count() {
        0 => "Nothing is running that it would stop.".to_owned(),
        1 => "One run goes on: it needs no screen.".to_owned(),
        several => format!("{several} runs go on: they need no screen."),
    };
    pen.raw(inner.x, inner.y + 1, inner.width, &says, Role::Text);
    let spans = [
        ("y ".to_owned(), Role::Key),
        ("quit   ".to_owned(), Role::Dim),
        ("n ".to_owned(), Role::Key),
        ("stay".to_owned(), Role::Dim),
    ];
    pen.spans(inner.x, inner.y + 3, inner.width, &spans);
}

/// Draws what a login asks for.
pub(super) fn draw_login(
    pen: &mut Pen<'_>,
    body: Rect,
    environment: &EnvironmentName,
    ask: &LoginAsk,
    input: &Input,
    says: Option<&Text>,
) {
    let inner = boxed(pen, body, 76, 9);
    pen.text(inner.x, inner.y, inner.width, &format!("Log in to {environment}"), Role::Strong);
    match ask {
        LoginAsk::Code { device } => {
            pen.text(
                inner.x,
                inner.y + 1,
                inner.width,
                &format!("the six digits that {device} shows"),
                Role::Text,
            );
            // On a shared screen the digits are nobody else's business, how many there are is.
            let shown = if pen.hides() { "*".repeat(input.value().len()) } else { input.value().to_owned() };
            let dots = pen.glyphs().none().repeat(6_usize.saturating_sub(shown.len()));
            pen.raw(inner.x, inner.y + 3, inner.width, &format!("{shown}{dots} "), Role::Input);
            let keys = [("enter ".to_owned(), Role::Key), ("goes on   ".to_owned(), Role::Dim)];
            pen.spans(inner.x, inner.y + 6, inner.width, &keys);
        }
        LoginAsk::Browser { address, code } => {
            pen.raw(
                inner.x,
                inner.y + 1,
                inner.width,
                "open this in a browser, here or elsewhere:",
                Role::Text,
            );
            // The address names the organisation.
            let shown = if pen.hides() { "(hidden on this screen: y copies it)" } else { address.as_str() };
            pen.raw(inner.x, inner.y + 2, inner.width, shown, Role::Strong);
            pen.raw(
                inner.x,
                inner.y + 3,
                inner.width,
                &format!("and confirm it if it shows {code}"),
                Role::Text,
            );
            let keys = [("y ".to_owned(), Role::Key), ("copies the address   ".to_owned(), Role::Dim)];
            pen.spans(inner.x, inner.y + 6, inner.width, &keys);
        }
    }
    let keys = [("esc ".to_owned(), Role::Key), ("leaves it".to_owned(), Role::Dim)];
    pen.spans(inner.x + 24, inner.y + 6, inner.width.saturating_sub(24), &keys);
    if let Some(says) = says {
        pen.text(inner.x, inner.y + 5, inner.width, says.as_str(), Role::Notice);
    }
}
