//! What words are made of.

use std::sync::LazyLock;

/// A class of characters. Outside ASCII, all classes but those of digits and ASCII letters hold the letters, digits and
/// marks of every script, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Letters and digits of any script, and marks on them.
    Word,
    /// What may stand in a host's name: the same, dots, hyphens and underscores.
    Host,
    /// What may stand in a label: ASCII letters, digits, dots, hyphens and underscores.
    Label,
    /// What may stand in base64 of either kind, in paths and in names of files; without padding.
    Base64,
    /// What may stand in an IP address.
    Address,
    /// Decimal digits.
    Digit,
}

impl Class {
    const ALL: [Self; 6] = [Self::Word, Self::Host, Self::Label, Self::Base64, Self::Address, Self::Digit];

    /// Says whether `byte`, an ASCII character, belongs.
    fn holds(self, byte: u8) -> bool {
        match self {
            Self::Word => byte.is_ascii_alphanumeric(),
            Self::Host | Self::Label => byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'.'),
            Self::Address => byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'),
            Self::Digit => byte.is_ascii_digit(),
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }

    /// Says whether the character at `at` belongs, and how many bytes it has; nothing at the end.
    #[inline]
    fn step(self, text: &str, at: usize) -> Option<(bool, usize)> {
        let byte = *text.as_bytes().get(at)?;
        if let Some(classes) = CLASSES.get(usize::from(byte)) {
            return Some((classes & self.bit() != 0, 1));
        }
        let c = text.get(at..)?.chars().next()?;
        Some((matches!(self, Self::Word | Self::Host) && is_word(c), c.len_utf8()))
    }

    /// Returns where the run of this class that begins at `from` ends.
    pub(super) fn end(self, text: &str, from: usize) -> usize {
        let mut at = from;
        while let Some((true, length)) = self.step(text, at) {
            at += length;
        }
        at
    }

    /// Returns every longest run of this class, with the byte where it begins.
    pub(super) fn runs(self, text: &str) -> impl Iterator<Item = (usize, &str)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            while let Some((false, length)) = self.step(text, at) {
                at += length;
            }
            let start = at;
            at = self.end(text, start);
            text.get(start..at).filter(|run| !run.is_empty()).map(|run| (start, run))
        })
    }
}

/// The classes of every ASCII character: text is looked through once for each rule, and most of it is ASCII.
static CLASSES: LazyLock<[u8; 128]> = LazyLock::new(|| {
    std::array::from_fn(|byte| {
        let byte = u8::try_from(byte).unwrap_or_default();
        Class::ALL.iter().filter(|class| class.holds(byte)).fold(0, |bits, class| bits | class.bit())
    })
});

/// Says whether `c` is a combining mark: it belongs to the character before it.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{200D}' | '\u{20D0}'..='\u{20FF}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}')
}

/// Says whether `c` is a letter or a digit of any script, or a mark on one.
pub(super) fn is_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() } else { c.is_alphanumeric() || is_mark(c) }
}

/// Says whether `c` ends whatever is written without spaces, such as an address.
pub(super) fn ends_word(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '\\')
}

/// Says whether only lower-case hexadecimal digits stand in `text`.
pub(super) fn is_lower_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Says whether `text` is a UUID in lower or upper case.
pub(super) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Says whether `word` is one of `words`, which stand with spaces between them.
pub(super) fn among(words: &str, word: &str) -> bool {
    words.split(' ').any(|known| known == word)
}

/// Returns the character before byte `at`.
pub(super) fn before(text: &str, at: usize) -> Option<char> {
    text.get(..at).and_then(|left| left.chars().next_back())
}

/// Returns the character at byte `at`.
pub(super) fn after(text: &str, at: usize) -> Option<char> {
    text.get(at..).and_then(|right| right.chars().next())
}

/// Returns what stands from byte `from` up to the first character that does not belong.
pub(super) fn run(text: &str, from: usize, belongs: impl Fn(char) -> bool) -> &str {
    let rest = text.get(from..).unwrap_or_default();
    let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}
