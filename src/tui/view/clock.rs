//! A clock that is read from the last row of a meeting room.

use super::pen::Pen;
use crate::tui::theme::{Glyphs, Role};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How many lines it takes.
pub(super) const HEIGHT: u16 = 5;
/// How many columns it takes: four figures of three dots, a colon of one, a space between them, two columns a dot.
pub(super) const WIDTH: u16 = 2 * (4 * 3 + 1 + 4);

/// The dots of a figure, by line; the highest bit is the left one.
fn dots(c: char) -> (u16, [u8; 5]) {
    match c {
        '0' => (3, [0b111, 0b101, 0b101, 0b101, 0b111]),
        '1' => (3, [0b010, 0b110, 0b010, 0b010, 0b111]),
        '2' => (3, [0b111, 0b001, 0b111, 0b100, 0b111]),
        '3' => (3, [0b111, 0b001, 0b111, 0b001, 0b111]),
        '4' => (3, [0b101, 0b101, 0b111, 0b001, 0b001]),
        '5' => (3, [0b111, 0b100, 0b111, 0b001, 0b111]),
        '6' => (3, [0b111, 0b100, 0b111, 0b101, 0b111]),
        '7' => (3, [0b111, 0b001, 0b010, 0b010, 0b010]),
        '8' => (3, [0b111, 0b101, 0b111, 0b101, 0b111]),
        '9' => (3, [0b111, 0b101, 0b111, 0b001, 0b111]),
        _ => (1, [0, 1, 0, 1, 0]),
    }
}

/// Returns the lines of the clock.
fn lines(now: Timestamp, glyphs: Glyphs) -> [String; 5] {
    let said = now.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string();
    let full = glyphs.gauge().full.repeat(2);
    std::array::from_fn(|line| {
        let figure = |c: char| -> String {
            let (width, rows) = dots(c);
            let row = rows.get(line).copied().unwrap_or(0);
            (0..width).rev().map(|bit| if row >> bit & 1 == 1 { full.as_str() } else { "  " }).collect()
        };
        said.chars().map(figure).collect::<Vec<_>>().join("  ")
    })
}

/// Draws it, ending at column `right`.
pub(super) fn draw(now: Timestamp, pen: &mut Pen<'_>, right: u16, y: u16) {
    let x = right.saturating_sub(WIDTH);
    for (line, y) in lines(now, pen.glyphs()).iter().zip(y..) {
        pen.raw(x, y, WIDTH, line, Role::Strong);
    }
    pen.raw(right.saturating_sub(3), y + HEIGHT, 3, "UTC", Role::Dim);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_the_time_in_utc() {
        let now = "2026-11-21T03:14:59Z".parse().unwrap();
        let shown = lines(now, Glyphs::Ascii);
        assert_eq!(
            shown,
            [
                "######  ######        ##    ##  ##",
                "##  ##      ##  ##  ####    ##  ##",
                "##  ##  ######        ##    ######",
                "##  ##      ##  ##    ##        ##",
                "######  ######      ######      ##",
            ]
            .map(str::to_owned)
        );
    }
}
