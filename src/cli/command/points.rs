//! `points`: what there is to recover from.

use crate::cli::args::{Format, Global, PointsArgs};
use crate::cli::document::{self, CursorDocument, LossKind, PointsDocument};
use crate::cli::output::Output;
use crate::cli::table::{Cell, table};
use crate::cli::wire;
use crate::config::diagnostic::suggestion;
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed, words};
use crate::domain::moment;
use crate::domain::size::bytes;
use crate::domain::text::harmless;
use crate::failure::{Failure, FailureKind};
use std::time::Duration;

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
    if let Some(typed) = &args.at {
        let at = moment::parse(typed, judged.moment.now)
            .map_err(|says| Failure::new(FailureKind::Usage, harmless(&says)))?;
        let wanted = |id: &str| all || args.components.iter().any(|wanted| wanted == id);
        let document = document::points_at(&judged, at, args.failure.scope(), wanted);
        match output.format() {
            Format::Json => output.json(&document)?,
            _ => output.text(&show_at(&document, output.colour()))?,
        }
        return Ok(0);
    }
    let document = document::points(&judged, |id| all || args.components.iter().any(|wanted| wanted == id));
    match output.format() {
        Format::Json => output.json(&document)?,
        _ => output.text(&show(&document, output.colour()))?,
    }
    Ok(0)
}

fn show_at(document: &CursorDocument, colour: bool) -> String {
    let rows: Vec<Vec<Cell>> = document
        .components
        .iter()
        .map(|row| {
            let loss = match (row.loss, row.loss_s) {
                (LossKind::Span, Some(0)) => "nothing".to_owned(),
                (LossKind::Span, Some(secs)) => words(Duration::from_secs(secs)),
                (LossKind::Everything, _) => "everything".to_owned(),
                (LossKind::Unknown, Some(secs)) => {
                    format!("unknown (was {})", words(Duration::from_secs(secs)))
                }
                _ => "unknown".to_owned(),
            };
            let moment =
                row.moment.map_or("–".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string());
            let point = match (&row.point, row.kind) {
                (Some(point), Some(kind)) => format!("{} {point}", kind.words()),
                _ => row.why.as_ref().map_or(String::new(), Text::to_string),
            };
            vec![
                Cell::new(row.component.as_str()),
                Cell::figure(loss),
                Cell::new(moment),
                Cell::new(row.place.as_ref().map_or("–", |place| place.region.as_str())),
                Cell::new(point),
            ]
        })
        .collect();
    let headings = ["component", "would lose", "goes back to (UTC)", "Region", "by"];
    format!("{}\n\n{}", document.set.says, table(&headings, &rows, colour))
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
