//! Names that an estate chose to hide: of components, buckets and the like.

use super::Redactor;
use super::letter::{Class, after, before, is_word};
use super::piece::Mask;
use super::pseudonym::Kind;
use std::collections::HashMap;

/// Names of fewer letters stand in too many other words, such as `db` in `db-instance`; they count only alone.
const SHORT: usize = 4;

/// Names to hide.
#[derive(Default)]
pub(super) struct Names {
    /// By the first word of each, the longest first.
    by_word: HashMap<String, Vec<String>>,
    /// The bits of their first letters, to pass over most words quickly.
    initials: u128,
}

impl Names {
    /// Returns `names` in the order in which they are looked for. Capitals make no difference.
    pub(super) fn new(names: impl IntoIterator<Item = String>) -> Self {
        let mut all = Self::default();
        for name in names {
            let name = name.trim_matches(|c| !is_word(c)).to_ascii_lowercase();
            let word = name.get(..Class::Word.end(&name, 0)).unwrap_or_default().to_owned();
            if !word.is_empty() {
                all.initials |= bit(&word) | bit(&word.to_ascii_uppercase());
                all.by_word.entry(word).or_default().push(name);
            }
        }
        for names in all.by_word.values_mut() {
            names.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
            names.dedup();
        }
        all
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.by_word.values().map(Vec::len).sum()
    }

    fn longest_at(&self, text: &str, at: usize, word: &str) -> Option<usize> {
        if self.initials & bit(word) == 0 {
            return None;
        }
        let names = self.by_word.get(&word.to_ascii_lowercase())?;
        let rest = text.get(at..)?;
        names.iter().map(String::as_str).find_map(|name| {
            let end = at + name.len();
            let same = rest.get(..name.len())?.eq_ignore_ascii_case(name);
            (same && stands_apart(text, at, end)).then_some(end)
        })
    }
}

/// One bit for the first byte of `word`; all others than ASCII share one.
fn bit(word: &str) -> u128 {
    1 << word.bytes().next().unwrap_or_default().min(127)
}

fn stands_apart(text: &str, start: usize, end: usize) -> bool {
    let short = text.get(start..end).is_none_or(|name| name.chars().count() < SHORT);
    let glued = |c: char| is_word(c) || (short && matches!(c, '-' | '_'));
    !before(text, start).is_some_and(glued) && !after(text, end).is_some_and(glued)
}

/// Hides the names of the estate. Parts of longer names, such as `orders` in `orders-2026-11-21`, count as well: that
/// is how services name what they make.
pub(super) fn find(redactor: &Redactor, text: &str, masks: &mut Vec<Mask>) {
    if redactor.names.by_word.is_empty() {
        return;
    }
    let mut done = 0;
    for (start, word) in Class::Word.runs(text) {
        if start < done {
            continue;
        }
        if let Some(end) = redactor.names.longest_at(text, start, word) {
            masks.push(redactor.mask(Kind::Name, text, start..end));
            done = end;
        }
    }
}
