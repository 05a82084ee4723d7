//! A text on its way: pieces that may still hold something, and pieces that are settled.

use super::letter::{is_mark, is_word};
use super::pseudonym::SECRET;
use std::ops::Range;

/// What is shown in the place of a part of a text.
#[derive(Debug)]
pub(super) struct Mask {
    range: Range<usize>,
    shown: String,
}

impl Mask {
    /// Shows `shown` in the place of the bytes of `range`. What is shown is settled: nothing looks into it again.
    pub(super) fn new(range: Range<usize>, shown: String) -> Self {
        Self { range, shown }
    }

    /// Shows in the place of `range` that a secret was there.
    pub(super) fn secret(range: Range<usize>) -> Self {
        Self::new(range, SECRET.to_owned())
    }

    /// Says whether a secret was there.
    pub(super) fn is_secret(&self) -> bool {
        self.shown == SECRET
    }
}

enum Piece<'a> {
    Open(&'a str),
    Settled(String),
}

/// The pieces of one text, in their order.
pub(super) struct Pieces<'a>(Vec<Piece<'a>>);

impl<'a> Pieces<'a> {
    /// Returns `text` as one piece that may hold anything.
    pub(super) fn new(text: &'a str) -> Self {
        Self(vec![Piece::Open(text)])
    }

    /// Settles what `find` finds in the open pieces. It reports masks from left to right.
    pub(super) fn settle(self, mut find: impl FnMut(&'a str, &mut Vec<Mask>)) -> Self {
        let mut pieces = Vec::with_capacity(self.0.len());
        let mut masks = Vec::new();
        for piece in self.0 {
            let Piece::Open(text) = piece else {
                pieces.push(piece);
                continue;
            };
            find(text, &mut masks);
            if masks.is_empty() {
                pieces.push(Piece::Open(text));
            } else {
                cut(text, &mut masks, &mut pieces);
            }
        }
        Self(pieces)
    }

    /// Returns the text. What is settled stands apart from the words around it, so that it is found again.
    pub(super) fn join(self) -> String {
        let mut text = String::new();
        let mut apart = true;
        for piece in &self.0 {
            let (part, settled) = match piece {
                Piece::Open(open) => (*open, false),
                Piece::Settled(shown) => (shown.as_str(), true),
            };
            if (settled || !apart) && text.ends_with(is_word) && part.starts_with(is_word) {
                text.push('-');
            }
            text.push_str(part);
            apart = !settled;
        }
        text
    }
}

fn cut<'a>(text: &'a str, masks: &mut Vec<Mask>, pieces: &mut Vec<Piece<'a>>) {
    let mut at = 0;
    for mask in masks.drain(..).filter(|mask| !mask.range.is_empty()) {
        if mask.range.start < at {
            continue;
        }
        let (Some(left), Some(right)) = (text.get(at..mask.range.start), text.get(mask.range.end..)) else {
            // A mask that does not fit would be a mistake of ours; rather too little is shown than too much.
            pieces.push(Piece::Settled(SECRET.to_owned()));
            return;
        };
        if !left.is_empty() {
            pieces.push(Piece::Open(left));
        }
        pieces.push(Piece::Settled(mask.shown));
        // Marks on what is hidden go with it, else they would land on the last character of its pseudonym.
        at = text.len() - right.trim_start_matches(is_mark).len();
    }
    if let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        pieces.push(Piece::Open(rest));
    }
}
