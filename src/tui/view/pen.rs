//! Putting text into cells: by role, redacted where that is asked for, never beyond its room.

use crate::tui::model::Model;
use crate::tui::theme::{Glyphs, Look, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A piece of a line.
pub(super) type Span = (String, Role);

/// Draws into a buffer.
pub(super) struct Pen<'a> {
    buffer: &'a mut Buffer,
    pub(super) look: &'a Look,
    redactor: Option<&'a crate::domain::redaction::Redactor>,
}

impl<'a> Pen<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, model: &'a Model) -> Self {
        Self { buffer, look: &model.look, redactor: model.redactor.as_ref() }
    }

    /// Returns the glyphs.
    pub(super) fn glyphs(&self) -> Glyphs {
        self.look.glyphs
    }

    /// Says whether something is hidden on this screen.
    pub(super) fn hides(&self) -> bool {
        self.redactor.is_some()
    }

    /// Fills `area` with the ground.
    pub(super) fn ground(&mut self, area: Rect) {
        self.fill(area, Role::Text);
    }

    /// Clears `area` in the style of `role`.
    pub(super) fn fill(&mut self, area: Rect, role: Role) {
        let area = area.intersection(*self.buffer.area());
        let style = self.look.style(role);
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                    cell.set_style(style);
                }
            }
        }
    }

    /// Returns `text` as it will be shown.
    pub(super) fn shown(&self, text: &str) -> String {
        let text = self.redactor.map_or_else(|| text.to_owned(), |redactor| redactor.redact(text));
        self.glyphs().text(&text)
    }

    /// Returns `text` as it will be shown, in lines: hidden before it is broken, so that no half of a secret is left over.
    pub(super) fn lines(&self, text: &str, width: usize) -> Vec<String> {
        wrap(&self.shown(text), width)
    }

    /// Writes `text` at `x`, `y` in at most `room` columns; returns the column after it. What does not fit ends in an
    /// ellipsis.
    pub(super) fn text(&mut self, x: u16, y: u16, room: u16, text: &str, role: Role) -> u16 {
        let shown = self.shown(text);
        self.raw(x, y, room, &shown, role)
    }

    /// Writes text of our own, which needs no redaction.
    pub(super) fn raw(&mut self, x: u16, y: u16, room: u16, text: &str, role: Role) -> u16 {
        let area = *self.buffer.area();
        if room == 0 || y >= area.bottom() || x >= area.right() {
            return x;
        }
        let room = room.min(area.right() - x);
        let style = self.look.style(role);
        let cut = if text.width() <= usize::from(room) {
            None
        } else {
            let more = self.glyphs().more();
            let mut kept = String::new();
            let mut used = 0;
            for grapheme in text.graphemes(true) {
                if used + grapheme.width() + more.width() > usize::from(room) {
                    break;
                }
                used += grapheme.width();
                kept.push_str(grapheme);
            }
            kept.push_str(more);
            Some(kept)
        };
        let text = cut.as_deref().unwrap_or(text);
        self.buffer.set_stringn(x, y, text, usize::from(room), style).0
    }

    /// Writes `text` so that it ends at column `right`.
    pub(super) fn right(&mut self, left: u16, right: u16, y: u16, text: &str, role: Role) {
        let shown = self.shown(text);
        let width = u16::try_from(shown.width()).unwrap_or(u16::MAX);
        let x = right.saturating_sub(width).max(left);
        self.raw(x, y, right.saturating_sub(x), &shown, role);
    }

    /// Writes spans one after the other; returns the column after them.
    pub(super) fn spans(&mut self, x: u16, y: u16, room: u16, spans: &[Span]) -> u16 {
        let end = x.saturating_add(room);
        let mut at = x;
        for (text, role) in spans {
            at = self.text(at, y, end.saturating_sub(at), text, *role);
        }
        at
    }

    /// Draws a rule over `area`'s width.
    pub(super) fn rule(&mut self, area: Rect, y: u16) {
        let line = self.glyphs().rule().repeat(usize::from(area.width));
        self.raw(area.x, y, area.width, &line, Role::Rule);
    }

    /// Says whether nothing stands in a cell.
    pub(super) fn is_blank(&self, x: u16, y: u16) -> bool {
        self.buffer.cell((x, y)).is_some_and(|cell| cell.symbol() == " ")
    }

    /// Gives a whole line the style of `role`, keeping its text.
    pub(super) fn restyle(&mut self, area: Rect, role: Role) {
        let style = self.look.style(role);
        self.buffer.set_style(area.intersection(*self.buffer.area()), style);
    }
}

/// Returns the words of `text`, each figure with its unit as one.
fn whole_figures(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let unit = ["s", "min", "h", "d"].contains(&word.trim_end_matches(['.', ',', ';', ':', ')']));
        match words.last_mut() {
            Some(last) if unit && last.ends_with(|c: char| c.is_ascii_digit()) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Breaks `text` into lines of at most `width` columns, at spaces where there are any. What must be hidden has to be hidden
/// before: see [`Pen::lines`] and `words::lines`.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in whole_figures(text) {
        let word = word.as_str();
        let needed = if line.is_empty() { word.width() } else { line.width() + 1 + word.width() };
        if needed <= width {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for grapheme in word.graphemes(true) {
            if line.width() + grapheme.width() > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(grapheme);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}
