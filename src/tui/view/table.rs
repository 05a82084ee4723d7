//! Columns that share the room they get: the least needed go first, those that can grow take what is left.

use super::pen::{Pen, Span};
use crate::tui::theme::Role;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    heading: &'static str,
    /// The fewest columns of the screen that it takes, and the most.
    width: (u16, u16),
    /// Whether it stands at the right of its room.
    is_figure: bool,
    /// Whether what does not fit is left out in the middle, because both ends tell things apart.
    is_path: bool,
    /// Those with a low number are kept when there is too little room.
    rank: u8,
}

impl Column {
    /// Returns a column of one width.
    pub(super) fn new(heading: &'static str, width: u16, rank: u8) -> Self {
        Self { heading, width: (width, width), is_figure: false, is_path: false, rank }
    }

    /// The same, for figures.
    pub(super) fn figure(self) -> Self {
        Self { is_figure: true, ..self }
    }

    /// The same, growing up to `most`.
    pub(super) fn up_to(self, most: usize) -> Self {
        let most = u16::try_from(most).unwrap_or(u16::MAX).max(self.width.0);
        Self { width: (self.width.0, most), ..self }
    }

    /// The same, for names and paths.
    pub(super) fn path(self) -> Self {
        Self { is_path: true, ..self }
    }
}

/// Columns with the room that each gets; none for those that are left out.
pub(super) struct Table {
    columns: Vec<(Column, Option<u16>)>,
    gap: u16,
}

impl Table {
    /// Divides `room` among `columns`.
    pub(super) fn new(columns: &[Column], room: u16) -> Self {
        let gap = if room >= 118 { 2 } else { 1 };
        let mut ranked: Vec<usize> = (0..columns.len()).collect();
        ranked.sort_by_key(|nth| columns.get(*nth).map(|column| column.rank));
        let mut given: Vec<(Column, Option<u16>)> = columns.iter().map(|column| (*column, None)).collect();
        let mut left = room + gap;
        for nth in &ranked {
            let Some((column, width)) = given.get_mut(*nth) else { continue };
            let Some(rest) = left.checked_sub(column.width.0 + gap) else { continue };
            left = rest;
            *width = Some(column.width.0);
        }
        for nth in &ranked {
            let Some((column, Some(width))) = given.get_mut(*nth) else { continue };
            let more = left.min(column.width.1.saturating_sub(*width));
            *width += more;
            left -= more;
        }
        Self { columns: given, gap }
    }

    /// Draws the headings.
    pub(super) fn headings(&self, pen: &mut Pen<'_>, x: u16, y: u16) {
        let cells: Vec<Span> =
            self.columns.iter().map(|(column, _)| (column.heading.to_owned(), Role::Heading)).collect();
        self.row(pen, x, y, &cells);
    }

    /// Draws a row.
    pub(super) fn row(&self, pen: &mut Pen<'_>, x: u16, y: u16, cells: &[Span]) {
        let mut x = x;
        for ((column, width), (text, role)) in self.columns.iter().zip(cells) {
            let Some(width) = *width else { continue };
            if column.is_figure {
                pen.right(x, x + width, y, text, *role);
            } else if column.is_path {
                let shown = pen.shown(text);
                // Where one name is too long, all are written without what they have in common.
                let shown = if width < column.width.1 { without_usual(&shown) } else { shown };
                let cut = middle(&shown, usize::from(width), pen.glyphs().more());
                pen.raw(x, y, width, &cut, *role);
            } else {
                pen.text(x, y, width, text, *role);
            }
            x += width + self.gap;
        }
    }
}

/// Returns the name of a state without its file: the usual name tells nothing, its folder does.
fn without_usual(text: &str) -> String {
    let usual = "/terraform.tfstate";
    text.strip_suffix(usual).map_or_else(|| text.replace(&format!("{usual} "), " "), str::to_owned)
}

/// Returns `text` in at most `room` columns, its middle left out where it is longer.
fn middle(text: &str, room: usize, more: &str) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let left = room.saturating_sub(more.width());
    let (head, tail) = (left.div_ceil(2), left / 2);
    let take = |graphemes: &mut dyn Iterator<Item = &str>, most: usize| {
        let mut used = 0;
        let fits = |grapheme: &&str| {
            used += grapheme.width();
            used <= most
        };
        graphemes.take_while(fits).map(str::to_owned).collect::<Vec<_>>()
    };
    let start = take(&mut text.graphemes(true), head);
    let mut end = take(&mut text.graphemes(true).rev(), tail);
    end.reverse();
    format!("{}{more}{}", start.concat(), end.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_long_name_stay() {
        assert_eq!(middle("live/dns/terraform.tfstate", 30, "…"), "live/dns/terraform.tfstate");
        assert_eq!(without_usual("live/dns/terraform.tfstate"), "live/dns");
        assert_eq!(without_usual("live/dns/terraform.tfstate @blue"), "live/dns @blue");
        assert_eq!(middle("abcdefghijklmnopqrstuvwxyz", 9, "…"), "abcd…wxyz");
        assert_eq!(middle("東京東京東京", 5, "…"), "東…京");
    }

    #[test]
    fn the_least_needed_columns_go_first_and_the_rest_is_given_away() {
        let columns = [Column::new("a", 10, 0).up_to(20), Column::new("b", 10, 2), Column::new("c", 10, 1)];
        let widths =
            |room| -> Vec<_> { Table::new(&columns, room).columns.iter().map(|(_, width)| *width).collect() };
        assert_eq!(widths(21), [Some(10), None, Some(10)]);
        assert_eq!(widths(32), [Some(10), Some(10), Some(10)]);
        assert_eq!(widths(38), [Some(16), Some(10), Some(10)]);
        assert_eq!(widths(90), [Some(20), Some(10), Some(10)]);
    }
}
