//! The look of a screen: a theme brought down to what the terminal can show, and its glyphs.

use super::glyphs::Glyphs;
use super::load::{BUILT_IN, Theme, parse};
use super::role::Role;
use crate::config::diagnostic::suggestion;
use crate::failure::{Failure, FailureKind};
use ratatui::style::{Color, Modifier, Style};
use termprofile::{DetectorSettings, TermProfile};

/// How many colours a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Any.
    TrueColour,
    /// 256.
    Colours256,
    /// 16.
    Colours16,
    /// None.
    None,
}

impl Capability {
    /// Returns the words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::TrueColour => "truecolour",
            Self::Colours256 => "256 colours",
            Self::Colours16 => "16 colours",
            Self::None => "no colours",
        }
    }

    fn profile(self) -> TermProfile {
        match self {
            Self::TrueColour => TermProfile::TrueColor,
            Self::Colours256 => TermProfile::Ansi256,
            Self::Colours16 => TermProfile::Ansi16,
            Self::None => TermProfile::NoColor,
        }
    }
}

/// Returns what the terminal of this process can show, as its environment says (NO_COLOR, COLORTERM, TERM).
pub fn capability() -> Capability {
    match TermProfile::detect(&std::io::stdout(), DetectorSettings::new()) {
        TermProfile::TrueColor => Capability::TrueColour,
        TermProfile::Ansi256 => Capability::Colours256,
        TermProfile::Ansi16 => Capability::Colours16,
        TermProfile::NoColor | TermProfile::NoTty => Capability::None,
    }
}

/// Says whether the locale asks for UTF-8.
pub fn utf8_locale() -> bool {
    let set = ["LC_ALL", "LC_CTYPE", "LANG"].map(|name| std::env::var(name).unwrap_or_default());
    set.into_iter().find(|value| !value.is_empty()).is_some_and(|value| {
        let lower = value.to_lowercase();
        lower.contains("utf-8") || lower.contains("utf8")
    })
}

/// A theme and glyphs, ready to draw with.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The theme.
    pub theme: Theme,
    /// The glyphs.
    pub glyphs: Glyphs,
    /// What the terminal can show.
    pub capability: Capability,
}

impl Look {
    /// Returns the built-in theme `name` brought down to `capability`.
    ///
    /// # Errors
    /// When there is no such theme.
    pub fn new(name: &str, capability: Capability, glyphs: Glyphs) -> Result<Self, Failure> {
        let wrong = |says: String| Failure::new(FailureKind::Usage, says);
        let Some((name, text)) = BUILT_IN.into_iter().find(|(known, _)| *known == name) else {
            let known = BUILT_IN.map(|(known, _)| known);
            let failure = wrong(format!("there is no theme `{}`", crate::domain::text::harmless(name)));
            return Err(match suggestion(name, known) {
                Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
                None => failure.hint(format!("there are: {}", known.join(", "))),
            });
        };
        let theme = parse(name, text).map_err(|errors| {
            let first = errors.first().map_or_else(String::new, ToString::to_string);
            wrong(format!("the theme {name} is broken: {first}"))
        })?;
        Ok(Self { theme: down_sample(&theme, capability), glyphs, capability })
    }

    /// Returns the look that was asked for, or the one that fits this terminal.
    ///
    /// # Errors
    /// When there is no such theme.
    pub fn choose(name: Option<&str>) -> Result<Self, Failure> {
        let glyphs = if utf8_locale() { Glyphs::Unicode } else { Glyphs::Ascii };
        let capability = capability();
        let name = name.unwrap_or(if capability == Capability::None { "mono" } else { "dark" });
        Self::new(name, capability, glyphs)
    }

    /// Returns the same look with the next built-in theme.
    pub fn next_theme(&self) -> Self {
        let at = BUILT_IN.iter().position(|(name, _)| *name == self.theme.name).unwrap_or(0);
        let (name, _) = BUILT_IN.iter().cycle().nth(at + 1).copied().unwrap_or(BUILT_IN[0]);
        Self::new(name, self.capability, self.glyphs).unwrap_or_else(|_| self.clone())
    }

    /// Returns the style of `role`.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }
}

fn down_sample(theme: &Theme, capability: Capability) -> Theme {
    let profile = capability.profile();
    let selected = theme.style(Role::Selected);
    theme.map(|style| {
        let mut adapted = profile.adapt_style(style);
        if capability == Capability::Colours16 {
            // The ground of a 16-colour terminal is its own; only what marks something keeps a ground.
            if style.bg == theme.style(Role::Text).bg {
                adapted.bg = None;
            }
            if adapted.fg == Some(Color::Black) && adapted.bg.is_none() {
                adapted.fg = None;
            }
        }
        // Where colours are gone, a selection still has to be seen.
        if capability == Capability::None && style == selected {
            adapted = adapted.add_modifier(Modifier::REVERSED);
        }
        adapted
    })
}
