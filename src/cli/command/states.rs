//! `states`: Terraform states with their versions.

use crate::cli::args::{Format, Global, StatesArgs};
use crate::cli::document::{self, StatesDocument};
use crate::cli::output::Output;
use crate::cli::table::{Cell, table};
use crate::cli::wire;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::size::bytes;
use crate::failure::Failure;

/// Runs the command.
///
/// # Errors
/// When the estate does not open.
pub fn run(global: &Global, args: &StatesArgs, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("states")?;
    let judged = wire::judge(global, false, None)?;
    for note in &judged.notes {
        output.note(note);
    }
    let document = document::states(&judged);
    match output.format() {
        Format::Json => output.json(&document)?,
        _ => output.text(&show(&document, args.versions, output.colour()))?,
    }
    Ok(0)
}

fn show(document: &StatesDocument, versions: bool, colour: bool) -> String {
    let now = document.head.as_of;
    let mut rows = Vec::new();
    for status in &document.states {
        let shown = if versions { status.state.versions.len() } else { 1 };
        for (nth, version) in status.state.versions.iter().take(shown).enumerate() {
            let trouble = status.trouble.as_ref().filter(|_| nth == 0);
            rows.push(vec![
                Cell::new(status.component.as_str()),
                Cell::new(status.place.region.as_str()),
                Cell::figure(version.serial.map_or("–".to_owned(), |serial| serial.to_string())),
                Cell::figure(age_words(elapsed(version.written_at, now))),
                Cell::figure(version.resources.map_or("–".to_owned(), |count| count.to_string())),
                Cell::figure(bytes(version.size_bytes)),
                Cell::new(version.form.words()),
                Cell::new(trouble.map_or("", |trouble| trouble.as_str())),
                Cell::new(version.version_id.as_str()),
            ]);
        }
    }
    let headings =
        ["state", "Region", "serial", "age", "resources", "size", "bytes are", "trouble", "version"];
    let mut out = table(&headings, &rows, colour);
    for missing in &document.missing {
        out.push_str(&format!("{} in {}: {}\n", missing.component, missing.place.region, missing.why));
    }
    out
}
