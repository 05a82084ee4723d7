//! Keymap files: every mistake at its line, all at once; a broken file never replaces good keys.

use super::Keymap;
use super::chord::Chord;
use crate::config::diagnostic::suggestion;
use crate::config::paths;
use crate::tui::command::{COMMANDS, Command};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// The name of the user's own keymap in the folder of settings.
const FILE: &str = "keymap.toml";

/// A mistake in a keymap file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeymapError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What.
    pub message: String,
}

impl fmt::Display for KeymapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    keys: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
}

type Bindings = Vec<(Vec<Chord>, Command)>;

/// Parses a keymap file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(text: &str) -> Result<Bindings, Vec<KeymapError>> {
    let error = |at: usize, message: String| {
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        KeymapError { line, column, message }
    };
    let file: File = toml::from_str(text).map_err(|wrong| {
        vec![error(wrong.span().map_or(0, |span| span.start), wrong.message().to_owned())]
    })?;
    let mut bindings: Vec<(Vec<Chord>, Command, usize)> = Vec::new();
    let mut wrong = Vec::new();
    for (name, keys) in &file.keys {
        let Some(command) = Command::named(name.as_ref()) else {
            let meant = suggestion(name.as_ref(), COMMANDS.iter().map(|row| row.name));
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
            wrong.push(error(name.span().start, format!("there is no command `{}`{meant}", name.as_ref())));
            continue;
        };
        for key in keys {
            let at = key.span().start;
            let chords: Result<Vec<_>, _> = key.as_ref().split_whitespace().map(Chord::parse).collect();
            let chords = match chords {
                Ok(chords) if !chords.is_empty() => chords,
                Ok(_) => {
                    wrong.push(error(at, "a key is missing".to_owned()));
                    continue;
                }
                Err(says) => {
                    wrong.push(error(at, says));
                    continue;
                }
            };
            for (known, other, _) in &bindings {
                if *known == chords {
                    let says = format!("`{}` already means `{}`", key.as_ref(), other.name());
                    wrong.push(error(at, says));
                } else if known.starts_with(&chords) || chords.starts_with(known) {
                    let says =
                        format!("`{}` hides or is hidden by a key of `{}`", key.as_ref(), other.name());
                    wrong.push(error(at, says));
                }
            }
            bindings.push((chords, command, at));
        }
    }
    if wrong.is_empty() {
        // In the order of the file, so that the first key written is the one shown in hints.
        bindings.sort_by_key(|(_, _, at)| *at);
        Ok(bindings.into_iter().map(|(chords, command, _)| (chords, command)).collect())
    } else {
        wrong.sort_by_key(|error| (error.line, error.column));
        Err(wrong)
    }
}

/// Returns the built-in keymap with the patch of `text` put over it.
///
/// # Errors
/// Everything that is wrong with the patch, or with both together.
pub fn patch(text: &str) -> Result<Keymap, Vec<KeymapError>> {
    let patched = Keymap::default().patched(&parse(text)?);
    let mut wrong = Vec::new();
    for (nth, (chords, command)) in patched.bindings.iter().enumerate() {
        for (other, theirs) in patched.bindings.iter().take(nth) {
            if other.starts_with(chords) || chords.starts_with(other) {
                let keys: Vec<_> = chords.iter().map(ToString::to_string).collect();
                wrong.push(KeymapError {
                    line: 1,
                    column: 1,
                    message: format!(
                        "`{}` for `{}` gets in the way of a key of `{}`; give that one another key too",
                        keys.join(" "),
                        command.name(),
                        theirs.name()
                    ),
                });
            }
        }
    }
    if wrong.is_empty() { Ok(patched) } else { Err(wrong) }
}

/// Returns the path of the user's keymap file, if there is one.
pub fn user_file() -> Option<PathBuf> {
    paths::config_dir().map(|dir| dir.join(FILE)).filter(|path| path.is_file())
}

/// Returns the keymap with the file at `path` put over the built-in one.
///
/// # Errors
/// Everything that is wrong with it.
pub fn from_user_file(path: &Path) -> Result<Keymap, Vec<KeymapError>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| vec![KeymapError { line: 1, column: 1, message: error.to_string() }])?;
    patch(&text)
}

/// Returns the keymap to use, and what is wrong with the user's file, if anything is: then it is the built-in one.
pub fn with_user_file() -> (Keymap, Vec<String>) {
    let Some(path) = user_file() else { return (Keymap::default(), Vec::new()) };
    match from_user_file(&path) {
        Ok(keymap) => (keymap, Vec::new()),
        Err(errors) => {
            let says = errors.iter().map(|error| format!("{}:{error}", path.display())).collect();
            (Keymap::default(), says)
        }
    }
}
