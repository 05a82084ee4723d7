//! Diagnostics for us, by `tracing`, to a rolling file in the state folder: redacted, 0600, never on the screen.
//!
//! They are not the record: nothing parses them.

use crate::domain::redaction::Redactor;
use crate::domain::text::harmless;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How many daily files are kept.
const FILES: usize = 7;

/// Starts writing diagnostics to `folder`. Says why not, where it cannot; nothing depends on it.
///
/// # Errors
/// When the file cannot be made, or diagnostics were started before.
pub fn start(folder: &Path, verbosity: u8) -> Result<(), String> {
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .max_log_files(FILES)
        .filename_prefix("lifeboat")
        .filename_suffix("log")
        .build(folder)
        .map_err(|error| error.to_string())?;
    let writer = Mutex::new(Redacting { file, redactor: Redactor::new("log"), line: Vec::new() });
    let level = match verbosity {
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_writer(MakeRedacting(writer))
        .with_ansi(false)
        .with_max_level(level)
        .finish()
        // At the highest level the SDK writes whole requests, and tokens with them.
        .with(Targets::new().with_default(level).with_target("aws_", level.min(LevelFilter::DEBUG)))
        .try_init()
        .map_err(|error| error.to_string())
}

struct Redacting {
    file: RollingFileAppender,
    redactor: Redactor,
    line: Vec<u8>,
}

struct MakeRedacting(Mutex<Redacting>);

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for MakeRedacting {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One event on its way to the file.
struct Line<'a>(std::sync::MutexGuard<'a, Redacting>);

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.0.line);
        if line.is_empty() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line);
        let clean = self.0.redactor.redact(&harmless(text.trim_end()));
        writeln!(self.0.file, "{clean}")?;
        self.0.file.flush()
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}
