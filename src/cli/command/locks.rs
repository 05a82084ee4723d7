//! `locks`: Terraform locks with holder, age and evidence.

use crate::cli::args::{Format, Global};
use crate::cli::document::{self, LocksDocument};
use crate::cli::output::Output;
use crate::cli::wire;
use crate::domain::Text;
use crate::domain::duration::age_words;
use crate::domain::reading::Capability;
use crate::failure::Failure;
use std::time::Duration;

/// Runs the command.
///
/// # Errors
/// When the estate does not open.
pub fn run(global: &Global, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("locks")?;
    let mut wired = wire::open(global)?;
    // What was written since a lock was taken is evidence.
    wired.collector.only(&[Capability::Locks, Capability::States]);
    let judged = wire::judge_opened(wired, false, None)?;
    for note in &judged.notes {
        output.note(note);
    }
    let document = document::locks(&judged);
    match output.format() {
        Format::Json => output.json(&document)?,
        _ => output.text(&show(&document))?,
    }
    Ok(0)
}

fn show(document: &LocksDocument) -> String {
    let mut out = String::new();
    if document.locks.is_empty() {
        let nothing = if document.missing.is_empty() {
            "No state is locked."
        } else {
            "No lock is known, but not everything was read:"
        };
        out.push_str(nothing);
        out.push('\n');
    }
    for row in &document.locks {
        let unknown = || Text::new("unknown");
        let lock = &row.lock;
        let age = row.age_s.map_or("of unknown age".to_owned(), |age| age_words(Duration::from_secs(age)));
        out.push_str(&format!(
            "{}  held for {age} by {}, {}\n  {} {} in {}  lock ID {}\n",
            row.component.as_ref().or(row.backend.as_ref()).unwrap_or(&lock.path),
            lock.who.clone().unwrap_or_else(unknown),
            lock.operation.clone().unwrap_or_else(unknown),
            lock.store.words(),
            lock.path,
            row.place.region,
            lock.id.clone().unwrap_or_else(unknown),
        ));
        out.push_str(&format!("  {}\n", row.evidence.means));
        if let Some(record) = &lock.record {
            out.push_str(&format!("  its record: `{record}`\n"));
        }
        for says in &row.evidence.living {
            out.push_str(&format!("  holder may be alive: {says}\n"));
        }
        for says in &row.evidence.stale {
            out.push_str(&format!("  holder may be gone: {says}\n"));
        }
    }
    for missing in &document.missing {
        out.push_str(&format!("{} in {}: {}\n", missing.component, missing.place.region, missing.why));
    }
    out
}
