//! Text from outside, made harmless: what a tag, a key or an error message says can never steer a terminal.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{borrow::Cow, fmt, sync::Arc};
use unicode_width::UnicodeWidthChar;

/// What stands in the place of a character that was made harmless.
pub const REPLACEMENT: char = '\u{FFFD}';

/// The most characters one text keeps; the rest becomes an ellipsis.
pub const MAX_CHARS: usize = 1024;

/// The most zero-width marks that may follow one base character.
const MAX_MARKS: usize = 4;

/// A text without control, format, bidirectional or invisible characters and without stacked marks.
///
/// Built from anything; every offending character becomes U+FFFD, so nothing is glued together silently. Cheap to
/// clone: a hundred thousand points share the names of their places and keys.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Arc<str>);

impl Text {
    /// Returns `raw` made harmless and at most [`MAX_CHARS`] characters long.
    pub fn new(raw: &str) -> Self {
        Self(harmless(raw).into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Says whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Says whether a terminal may act on `c`, or a reader cannot see it.
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{E000}'..='\u{F8FF}' | '\u{13430}'..='\u{1345F}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{10FFFF}')
}

/// Returns `raw` as one harmless line; borrowed when it already was one.
pub fn harmless(raw: &str) -> Cow<'_, str> {
    if raw.len() <= MAX_CHARS && raw.bytes().all(|b| (0x20..0x7F).contains(&b)) {
        return Cow::Borrowed(raw);
    }
    let mut clean = String::with_capacity(raw.len().min(4 * MAX_CHARS));
    // A mark at the very start would land on whatever stands before the text on a screen.
    let mut marks = MAX_MARKS;
    for (count, c) in raw.chars().enumerate() {
        if count >= MAX_CHARS {
            clean.push('…');
            break;
        }
        if is_hostile(c) {
            clean.push(REPLACEMENT);
            marks = 0;
        } else if c.width().unwrap_or(0) == 0 {
            marks += 1;
            if marks <= MAX_MARKS {
                clean.push(c);
            } else if marks == MAX_MARKS + 1 {
                clean.push(REPLACEMENT);
            }
        } else {
            clean.push(c);
            marks = 0;
        }
    }
    Cow::Owned(clean)
}

/// Returns `raw` with its line breaks kept and everything else as [`harmless`] leaves it, one character for one.
pub fn harmless_lines(raw: &str) -> String {
    raw.chars().map(|c| if c != '\n' && is_hostile(c) { REPLACEMENT } else { c }).collect()
}

impl From<&str> for Text {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for Text {
    fn from(raw: String) -> Self {
        Self::new(&raw)
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(&String::deserialize(deserializer)?))
    }
}

impl JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_kept_as_it_is() {
        assert_eq!(Text::new("prod/orders-db 5 Â ü 東").as_str(), "prod/orders-db 5 Â ü 東");
    }

    #[test]
    fn every_control_and_format_character_is_replaced() {
        for raw in
            ["\u{1b}[2J", "\u{9b}2J", "a\nb", "\u{202e}x", "\u{200d}", "\u{e0041}", "\u{2028}", "\u{7f}"]
        {
            let clean = Text::new(raw);
            assert!(clean.as_str().contains(REPLACEMENT), "{raw:?} became {clean:?}");
            assert!(!clean.as_str().chars().any(is_hostile), "{raw:?} became {clean:?}");
        }
    }

    #[test]
    fn marks_do_not_stack_and_do_not_start_a_text() {
        let stacked = format!("a{}", "\u{301}".repeat(1000));
        assert_eq!(Text::new(&stacked).as_str().chars().count(), 1 + MAX_MARKS + 1);
        assert!(Text::new("\u{301}a").as_str().starts_with(REPLACEMENT));
    }

    #[test]
    fn a_long_line_is_cut() {
        assert_eq!(Text::new(&"x".repeat(10_000_000)).as_str().chars().count(), MAX_CHARS + 1);
    }
}
