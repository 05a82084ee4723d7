//! Everything that is printed.

use super::args::{ColorWhen, Format, Global};
use crate::domain::redaction::{Redactor, is_secret_name};
use crate::failure::{Failure, FailureKind};
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// Where facts and failures go, and how.
#[derive(Debug)]
pub struct Output {
    format: Option<Format>,
    redactor: Option<Redactor>,
    colour: bool,
}

impl Output {
    /// Returns the output that the command line asks for.
    pub fn new(global: &Global, redactor: Option<Redactor>) -> Self {
        let colour = match global.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => {
                let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
                wanted
                    && std::env::var_os("TERM").is_some_and(|term| term != "dumb")
                    && io::stdout().is_terminal()
            }
        };
        Self { format: global.format, redactor, colour }
    }

    /// Returns the format, a table where none was asked for.
    pub fn format(&self) -> Format {
        self.format.unwrap_or(Format::Table)
    }

    /// Says whether colours are wanted.
    pub fn colour(&self) -> bool {
        self.colour
    }

    /// Refuses a format that a command does not have.
    ///
    /// # Errors
    /// For `prometheus`.
    pub fn no_prometheus(&self, command: &str) -> Result<(), Failure> {
        if self.format() == Format::Prometheus {
            let says = format!("`{command}` has no Prometheus format");
            return Err(Failure::new(FailureKind::Usage, says).hint("use `status --format prometheus`"));
        }
        Ok(())
    }

    /// Prints facts to standard output. The text ends with a line break.
    ///
    /// # Errors
    /// When it cannot be written; a reader that went away is not an error.
    pub fn text(&self, text: &str) -> Result<(), Failure> {
        let text = self.redactor.as_ref().map_or_else(|| text.to_owned(), |redactor| redactor.redact(text));
        let mut out = io::stdout().lock();
        let written = out
            .write_all(text.as_bytes())
            .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") });
        match written.and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Failure::of("cannot write to standard output", &error))
            }
            _ => Ok(()),
        }
    }

    /// Prints a document as JSON.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn json<T: Serialize>(&self, document: &T) -> Result<(), Failure> {
        let mut value = serde_json::to_value(document)
            .map_err(|error| Failure::of("cannot write the document", &error))?;
        if let Some(redactor) = &self.redactor {
            redact_strings(&mut value, redactor);
        }
        let text = serde_json::to_string_pretty(&value)
            .map_err(|error| Failure::of("cannot write the document", &error))?;
        let plain = Self { format: self.format, redactor: None, colour: false };
        plain.text(&text)
    }

    /// Prints a failure to standard error.
    pub fn failure(&self, failure: &Failure, redactor: Option<&Redactor>) {
        let _ = writeln!(io::stderr().lock(), "{}", failure.show(redactor));
    }

    /// Prints something that is not a fact to standard error.
    pub fn note(&self, text: &str) {
        let text = crate::domain::text::harmless_lines(text);
        let text = self.redactor.as_ref().map_or_else(|| text.clone(), |redactor| redactor.redact(&text));
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// Redacts every text of a document by itself, so that its punctuation stays JSON.
fn redact_strings(value: &mut serde_json::Value, redactor: &Redactor) {
    match value {
        serde_json::Value::String(text) => *text = redactor.redact(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| redact_strings(item, redactor)),
        serde_json::Value::Object(entries) => {
            *entries = std::mem::take(entries)
                .into_iter()
                .map(|(key, mut item)| {
                    match &mut item {
                        // Its label stands in the key and not in the text.
                        serde_json::Value::String(text) if is_secret_name(&key) && !text.is_empty() => {
                            "[secret]".clone_into(text);
                        }
                        item => redact_strings(item, redactor),
                    }
                    (redactor.redact(&key), item)
                })
                .collect();
        }
        _ => {}
    }
}
