//! A key with its modifiers.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::fmt;

/// A key with its modifiers. Shift is part of a character: `G` is a chord of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd)]
pub struct Chord {
    /// The key.
    pub code: KeyCode,
    /// Its modifiers, without shift where the key is a character.
    pub modifiers: KeyModifiers,
}

impl Chord {
    /// Returns the chord of a key event.
    pub fn of(event: KeyEvent) -> Self {
        Self::new(event.code, event.modifiers)
    }

    /// Returns the chord of a key and modifiers.
    pub fn new(code: KeyCode, modifiers: KeyModifiers) -> Self {
        let known = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT;
        match code {
            KeyCode::Char(c) => {
                let c = if modifiers.contains(KeyModifiers::SHIFT) { c.to_ascii_uppercase() } else { c };
                let c = if modifiers.contains(KeyModifiers::CONTROL) { c.to_ascii_lowercase() } else { c };
                Self { code: KeyCode::Char(c), modifiers: modifiers & known & !KeyModifiers::SHIFT }
            }
            KeyCode::BackTab => Self { code, modifiers: modifiers & known & !KeyModifiers::SHIFT },
            code => Self { code, modifiers: modifiers & known },
        }
    }

    /// Parses a chord such as `ctrl-r`, `G`, `f1` or `enter`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (prefix, last) = match text.rsplit_once('-') {
            Some((prefix, last)) if !last.is_empty() => (format!("{prefix}-"), last),
            _ => (String::new(), text),
        };
        // crokey takes letters in lower case, with shift for the upper one.
        let mut letters = last.chars();
        let upper = matches!((letters.next(), letters.next()), (Some(c), None) if c.is_ascii_uppercase());
        let shift = if upper { "shift-" } else { "" };
        let parsed = crokey::parse(&format!("{prefix}{shift}{}", last.to_ascii_lowercase()))
            .map_err(|_| format!("`{text}` is not a key; keys look like j, G, enter, f1, ctrl-r"))?;
        let codes: Vec<KeyCode> = parsed.codes.iter().copied().collect();
        let [code] = codes.as_slice() else {
            return Err(format!("`{text}` is several keys at once, which terminals do not send"));
        };
        let chord = Self::new(*code, parsed.modifiers);
        match chord.same_byte() {
            Some(other) => Err(format!("a terminal cannot tell `{text}` from {other}")),
            None => Ok(chord),
        }
    }

    /// Returns the key whose byte this chord would send.
    fn same_byte(self) -> Option<&'static str> {
        if self.modifiers != KeyModifiers::CONTROL {
            return None;
        }
        match self.code {
            KeyCode::Char('i') => Some("tab"),
            KeyCode::Char('m') => Some("enter"),
            KeyCode::Char('[') => Some("esc"),
            KeyCode::Char('h') => Some("backspace"),
            KeyCode::Char('j') => Some("enter"),
            _ => None,
        }
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in
            [(KeyModifiers::CONTROL, "ctrl-"), (KeyModifiers::ALT, "alt-"), (KeyModifiers::SHIFT, "shift-")]
        {
            if self.modifiers.contains(modifier) {
                f.write_str(name)?;
            }
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("space"),
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(number) => write!(f, "f{number}"),
            KeyCode::Enter => f.write_str("enter"),
            KeyCode::Esc => f.write_str("esc"),
            KeyCode::Tab => f.write_str("tab"),
            KeyCode::BackTab => f.write_str("backtab"),
            KeyCode::Backspace => f.write_str("backspace"),
            KeyCode::PageDown => f.write_str("pagedown"),
            KeyCode::PageUp => f.write_str("pageup"),
            KeyCode::Home => f.write_str("home"),
            KeyCode::End => f.write_str("end"),
            KeyCode::Up => f.write_str("up"),
            KeyCode::Down => f.write_str("down"),
            KeyCode::Left => f.write_str("left"),
            KeyCode::Right => f.write_str("right"),
            KeyCode::Delete => f.write_str("delete"),
            KeyCode::Insert => f.write_str("insert"),
            other => write!(f, "{other}"),
        }
    }
}
