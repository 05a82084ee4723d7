//! Tables for people: columns as wide as their widest cell, figures to the right, colour only beside words.

use crate::domain::readiness::Verdict;
use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

/// A cell.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    /// Returns a cell with text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::new(), right: false }
    }

    /// Returns a cell with a figure.
    pub fn figure(text: impl Into<String>) -> Self {
        Self { right: true, ..Self::new(text) }
    }

    /// Returns a cell with a verdict: its glyph and its word.
    pub fn verdict(verdict: Verdict) -> Self {
        let colour = match verdict {
            Verdict::Met => Some(AnsiColor::Green),
            Verdict::AtRisk | Verdict::Unproven => Some(AnsiColor::Yellow),
            Verdict::Breached => Some(AnsiColor::Red),
            Verdict::Unknown => Some(AnsiColor::Magenta),
            Verdict::NoObjective => None,
        };
        let style = Style::new().fg_color(colour.map(Into::into));
        Self { style, ..Self::new(format!("{} {}", glyph(verdict), verdict.word())) }
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

/// Returns the glyph of a verdict.
pub fn glyph(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "✓",
        Verdict::AtRisk => "▲",
        Verdict::Breached => "✗",
        Verdict::Unknown => "?",
        Verdict::Unproven => "○",
        Verdict::NoObjective => "·",
    }
}

/// Returns `rows` under `headings`, as lines.
pub fn table(headings: &[&str], rows: &[Vec<Cell>], colour: bool) -> String {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let right = |column: usize| rows.first().and_then(|row| row.get(column)).is_some_and(|cell| cell.right);
    let headings: Vec<Cell> = headings
        .iter()
        .enumerate()
        .map(|(column, heading)| Cell {
            right: right(column),
            style: Style::new().dimmed(),
            ..Cell::new(*heading)
        })
        .collect();
    let mut out = String::new();
    for row in std::iter::once(&headings).chain(rows) {
        let mut line = String::new();
        for (nth, (width, cell)) in widths.iter().zip(row).enumerate() {
            if nth > 0 {
                line.push_str("  ");
            }
            let space = " ".repeat(width - cell.width().min(*width));
            let styled = if colour {
                format!("{}{}{}", cell.style.render(), cell.text, cell.style.render_reset())
            } else {
                cell.text.clone()
            };
            if cell.right {
                line.push_str(&space);
                line.push_str(&styled);
            } else {
                line.push_str(&styled);
                line.push_str(&space);
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
