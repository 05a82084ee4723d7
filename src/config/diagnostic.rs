//! What is wrong with a file, where, and what to write instead.

use crate::domain::text::harmless_lines;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use schemars::JsonSchema;
use serde::Serialize;
use std::ops::Range;

/// A place in a file. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FilePlace {
    /// The line.
    pub line: u64,
    /// The column.
    pub column: u64,
    /// The byte where it starts.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// The file does not load.
    Error,
    /// It loads, and is probably not what was meant.
    Warning,
}

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub gravity: Gravity,
    /// Where.
    pub place: FilePlace,
    /// What.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Whether what stands there must not be shown, not even to say that it must not stand there.
    pub secret: bool,
}

impl Diagnostic {
    /// Returns an error.
    pub fn error(place: FilePlace, message: impl Into<String>) -> Self {
        Self { gravity: Gravity::Error, place, message: message.into(), help: None, secret: false }
    }

    /// Returns a warning.
    pub fn warning(place: FilePlace, message: impl Into<String>) -> Self {
        Self { gravity: Gravity::Warning, place, message: message.into(), help: None, secret: false }
    }

    /// Returns an error about something that must not be shown.
    pub fn secret(place: FilePlace, message: impl Into<String>) -> Self {
        Self { secret: true, ..Self::error(place, message) }
    }

    /// Adds what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The most diagnostics that are shown at once; nobody reads more, and rendering takes its time.
const MOST: usize = 50;

/// Renders `diagnostics` of the file `name` with its lines, in the order of the file, without colour.
pub fn render(name: &str, source: &str, diagnostics: &[Diagnostic]) -> String {
    // Hostile characters become U+FFFD before anything is drawn, so places move by the difference in length.
    let masked = mask(source, diagnostics);
    let source = masked.as_str();
    let clean = harmless_lines(source);
    let name = harmless_lines(name).replace('\n', "\u{FFFD}");
    let shift = |at: usize| {
        let at = (0..=at.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
        harmless_lines(source.get(..at).unwrap_or_default()).len()
    };
    let renderer = Renderer::plain();
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(MOST) {
        let level = match diagnostic.gravity {
            Gravity::Error => Level::ERROR,
            Gravity::Warning => Level::WARNING,
        };
        let message = one_line(&diagnostic.message);
        let help = diagnostic.help.as_deref().map(one_line);
        let span: Range<usize> = {
            let start = shift(diagnostic.place.start);
            start..shift(diagnostic.place.end).max(start)
        };
        // A span over several lines would draw a tall bracket; the first line says enough.
        let end =
            clean.get(span.clone()).and_then(|text| text.find('\n')).map_or(span.end, |at| span.start + at);
        let snippet = Snippet::source(clean.as_str())
            .path(name.as_str())
            .fold(true)
            .annotation(AnnotationKind::Primary.span(span.start..end));
        let mut group = Group::with_title(level.primary_title(message.as_str())).element(snippet);
        if let Some(help) = &help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        out.push_str(&renderer.render(&[group]));
        out.push_str("\n\n");
    }
    if diagnostics.len() > MOST {
        out.push_str(&format!("… and {} more", diagnostics.len() - MOST));
    }
    out.trim_end().to_owned()
}

/// Returns `source` with every secret that a diagnostic is about covered, byte for byte, so that places stay.
fn mask(source: &str, diagnostics: &[Diagnostic]) -> String {
    let secrets: Vec<_> =
        diagnostics.iter().filter(|diagnostic| diagnostic.secret).map(|d| d.place).collect();
    let hidden = |at: usize| secrets.iter().any(|place| (place.start..place.end).contains(&at));
    source
        .char_indices()
        .map(|(at, c)| if c != '\n' && hidden(at) { "*".repeat(c.len_utf8()) } else { c.to_string() })
        .collect()
}

fn one_line(text: &str) -> String {
    let mut line: String = harmless_lines(text).replace('\n', "\u{FFFD}");
    if line.chars().count() > 400 {
        line = line.chars().take(400).chain(['…']).collect();
    }
    line
}

/// Returns the name of `known` that `given` was probably meant to be.
pub fn suggestion<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.get(..64).unwrap_or(given).to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&given, &name.to_lowercase().replace('-', "_")), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min()
        .map(|(_, name)| name)
}
