//! `points`: what there is to recover from.

use crate::cli::args::{Format, Global, PointsArgs};
use crate::cli::document::{self, PointsDocument};
use crate::cli::output::Output;
use crate::cli::table::{Cell, table};
use crate::cli::wire;
use crate::config::diagnostic::suggestion;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::size::bytes;
use crate::domain::text::harmless;
use crate::failure::{Failure, FailureKind};

/// Runs the command.
///
/// # Errors
/// When the estate does not open, or has no component that was named.
pub fn run(global: &Global, args: &PointsArgs, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("points")?;
    let judged = wire::judge(global, args.kept, None)?;
    for wanted in &args.components {
        if judged.estate.component(&wanted.as_str().into()).is_none() {
            let known = judged.estate.components.iter().map(|component| component.id.as_str());
            let meant = suggestion(wanted, known);
            let failure =
                Failure::new(FailureKind::Usage, format!("there is no component `{}`", harmless(wanted)));
            return Err(match meant {
                Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
                None => failure,
            });
        }
    }
    for note in &judged.notes {
        output.note(note);
    }
    let all = args.components.is_empty();
    let document = document::points(&judged, |id| all || args.components.iter().any(|wanted| wanted == id));
    match output.format() {
        Format::Json => output.json(&document)?,
        _ => output.text(&show(&document, output.colour()))?,
    }
    Ok(0)
}

fn show(document: &PointsDocument, colour: bool) -> String {
    let now = document.head.as_of;
    let rows: Vec<Vec<Cell>> = document
        .points
        .iter()
        .map(|row| {
            let usable: Vec<_> = row
                .usable
                .iter()
                .filter(|(_, usable)| **usable == Some(true))
                .map(|(scope, _)| scope.name())
                .collect();
            let usable = if usable.is_empty() {
                let why = row.why_not.values().next().map_or("", |why| why.as_str());
                format!("no: {why}")
            } else {
                usable.join(", ")
            };
            vec![
                Cell::new(row.component.as_str()),
                Cell::new(row.point.kind.words()),
                Cell::new(row.point.id.as_str()),
                Cell::figure(row.moment.map_or("–".to_owned(), |at| age_words(elapsed(at, now)))),
                Cell::figure(row.point.size_bytes.map_or("–".to_owned(), bytes)),
                Cell::new(row.point.place.region.as_str()),
                Cell::new(row.point.place.account.as_str()),
                Cell::new(usable),
            ]
        })
        .collect();
    let headings = ["component", "kind", "point", "age", "size", "Region", "account", "usable if lost"];
    let mut out = table(&headings, &rows, colour);
    for missing in &document.missing {
        out.push_str(&format!("{} in {}: {}\n", missing.component, missing.place.region, missing.why));
    }
    out
}
