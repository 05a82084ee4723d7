//! Theme files: a palette, and for each role a style of it.

use super::role::Role;
use crate::config::diagnostic::suggestion;
use ratatui::style::{Color, Modifier, Style};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use toml::Spanned;

/// The built-in themes: name and file.
pub const BUILT_IN: [(&str, &str); 6] = [
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("colour-blind", include_str!("../../../themes/colour-blind.toml")),
    ("projector", include_str!("../../../themes/projector.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];

/// A theme: a style for every role.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Its name.
    pub name: String,
    styles: Vec<Style>,
}

impl Theme {
    /// Returns the style of `role`.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// Returns the theme with every style put through `adapt`.
    pub fn map(&self, adapt: impl Fn(Style) -> Style) -> Self {
        Self { name: self.name.clone(), styles: self.styles.iter().map(|style| adapt(*style)).collect() }
    }
}

/// What is wrong with a theme file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThemeError {
    /// The line, from 1.
    pub line: usize,
    /// What.
    pub message: String,
}

impl fmt::Display for ThemeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    palette: BTreeMap<String, Spanned<String>>,
    role: BTreeMap<Spanned<String>, Spanned<StyleFile>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file")]
struct StyleFile {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    underlined: bool,
    reversed: bool,
}

/// Parses a theme called `name`.
///
/// # Errors
/// Everything that is wrong with it, each with its line.
pub fn parse(name: &str, text: &str) -> Result<Theme, Vec<ThemeError>> {
    let line = |at: usize| text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
    let file: File = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(1, |span| line(span.start));
        vec![ThemeError { line: at, message: error.message().to_owned() }]
    })?;
    let mut wrong = Vec::new();
    let mut palette = BTreeMap::new();
    for (key, value) in &file.palette {
        match colour(value.as_ref()) {
            Some(colour) => {
                palette.insert(key.as_str(), colour);
            }
            None => wrong.push(ThemeError {
                line: line(value.span().start),
                message: format!("`{}` is not a colour; write #rrggbb", value.as_ref()),
            }),
        }
    }
    let mut styles: BTreeMap<Role, Style> = BTreeMap::new();
    for (key, given) in &file.role {
        let Some(role) = Role::ALL.iter().find(|role| role.name() == key.as_ref()) else {
            let meant = suggestion(key.as_ref(), Role::ALL.iter().map(|role| role.name()));
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
            let message = format!("there is no role `{}`{meant}", key.as_ref());
            wrong.push(ThemeError { line: line(key.span().start), message });
            continue;
        };
        let mut style = Style::new();
        for (colour, front) in [(&given.as_ref().fg, true), (&given.as_ref().bg, false)] {
            let Some(colour) = colour else { continue };
            match palette.get(colour.as_str()) {
                Some(found) => style = if front { style.fg(*found) } else { style.bg(*found) },
                None => wrong.push(ThemeError {
                    line: line(given.span().start),
                    message: format!("the palette has no `{colour}`"),
                }),
            }
        }
        for (wanted, modifier) in [
            (given.as_ref().bold, Modifier::BOLD),
            (given.as_ref().dim, Modifier::DIM),
            (given.as_ref().underlined, Modifier::UNDERLINED),
            (given.as_ref().reversed, Modifier::REVERSED),
        ] {
            if wanted {
                style = style.add_modifier(modifier);
            }
        }
        styles.insert(*role, style);
    }
    for role in Role::ALL {
        if !styles.contains_key(role) {
            wrong.push(ThemeError { line: 1, message: format!("the role `{}` has no style", role.name()) });
        }
    }
    if wrong.is_empty() {
        Ok(Theme { name: name.to_owned(), styles: styles.into_values().collect() })
    } else {
        Err(wrong)
    }
}

fn colour(text: &str) -> Option<Color> {
    let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6)?;
    let part = |from: usize| u8::from_str_radix(hex.get(from..from + 2)?, 16).ok();
    Some(Color::Rgb(part(0)?, part(2)?, part(4)?))
}
