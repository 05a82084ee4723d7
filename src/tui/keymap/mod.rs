//! Which keys ask for which command.

mod chord;
pub mod load;

pub use chord::Chord;

use super::command::Command;

/// The built-in keymap file.
pub const BUILT_IN: &str = include_str!("../../../assets/keymap.toml");

/// What a key, after those before it, means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// This command.
    Command(Command),
    /// The beginning of several: the chords that may follow, with what they mean.
    Pending(Vec<(Chord, Command)>),
    /// Nothing.
    Nothing,
}

/// Sequences of chords and the command of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keymap {
    bindings: Vec<(Vec<Chord>, Command)>,
}

impl Default for Keymap {
    fn default() -> Self {
        // The built-in file is proven by a test; without it there would be no keys, and the palette remains.
        load::parse(BUILT_IN).map_or(Self { bindings: Vec::new() }, |file| Self { bindings: file })
    }
}

impl Keymap {
    /// Returns what the keys pressed so far mean.
    pub fn meaning(&self, pressed: &[Chord]) -> Meaning {
        let mut next = Vec::new();
        for (chords, command) in &self.bindings {
            if chords == pressed {
                return Meaning::Command(*command);
            }
            if chords.starts_with(pressed)
                && let Some(chord) = chords.get(pressed.len())
            {
                next.push((*chord, *command));
            }
        }
        if next.is_empty() { Meaning::Nothing } else { Meaning::Pending(next) }
    }

    /// Returns how the keys of `command` are written.
    pub fn keys_of(&self, command: Command) -> Vec<String> {
        self.bindings
            .iter()
            .filter(|(_, bound)| *bound == command)
            .map(|(chords, _)| chords.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
            .collect()
    }

    /// Returns how the first key of `command` is written, for hints.
    pub fn hint(&self, command: Command) -> String {
        self.keys_of(command).into_iter().next().unwrap_or_default()
    }

    fn patched(&self, patch: &[(Vec<Chord>, Command)]) -> Self {
        let replaced = |command: &Command| patch.iter().any(|(_, other)| other == command);
        let kept = self.bindings.iter().filter(|(_, command)| !replaced(command)).cloned();
        let bindings = kept.chain(patch.iter().cloned()).collect();
        Self { bindings }
    }
}
