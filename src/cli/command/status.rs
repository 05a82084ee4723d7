//! `status`: objectives and verdicts.

use crate::cli::args::{FailureArg, Format, Global, StatusArgs};
use crate::cli::document::{self, FailureStatus, LossKind, StatusDocument, TimeKind};
use crate::cli::output::Output;
use crate::cli::table::{Cell, table};
use crate::cli::{prometheus, wire};
use crate::config::diagnostic::suggestion;
use crate::domain::duration::{age_words, elapsed, words};
use crate::domain::readiness::TroubleCode;
use crate::domain::scope::FailureScope;
use crate::failure::{Failure, FailureKind};
use std::time::Duration;

/// Every code that `--fail-on` takes.
const CODES: [TroubleCode; 7] = [
    TroubleCode::RpoBreached,
    TroubleCode::RpoAtRisk,
    TroubleCode::RpoUnknown,
    TroubleCode::RtoBreached,
    TroubleCode::RtoAtRisk,
    TroubleCode::RtoUnknown,
    TroubleCode::RtoUnproven,
];

/// Runs the command.
///
/// # Errors
/// When the estate does not open, or with `--check` when something named by `--fail-on` is found.
pub fn run(global: &Global, args: &StatusArgs, output: &Output) -> Result<u8, Failure> {
    let fail_on = codes(&args.fail_on)?;
    let format = output.format();
    // A check that nobody narrowed must not pass because it looked at one failure only.
    let one = format == Format::Table && !args.check;
    let default = if one { FailureArg::Local } else { FailureArg::All };
    let scopes = args.failure.unwrap_or(default).scopes();
    let judged = wire::judge(global, args.kept, args.since)?;
    if args.since.is_some_and(|since| since > judged.moment.now) {
        let says = format!("--since lies in the future: it is {} now", judged.moment.now);
        return Err(Failure::new(FailureKind::Usage, says));
    }
    for note in &judged.notes {
        output.note(note);
    }
    let document = document::status(&judged, scopes);
    match format {
        Format::Json => output.json(&document)?,
        Format::Prometheus => output.text(&prometheus::metrics(&document))?,
        Format::Table => output.text(&show(&document, scopes, output.colour()))?,
    }
    if !args.check {
        return Ok(0);
    }
    let found = document.troubles.iter().filter(|trouble| fail_on.contains(&trouble.code)).count();
    if found == 0 {
        return Ok(0);
    }
    output.note(&format!("{found} objectives are not met ({})", args.fail_on.join(", ")));
    Ok(FailureKind::ObjectiveNotMet.exit_code())
}

fn codes(names: &[String]) -> Result<Vec<TroubleCode>, Failure> {
    names
        .iter()
        .map(|name| {
            CODES.into_iter().find(|code| code.name() == name).ok_or_else(|| {
                let known: Vec<_> = CODES.iter().map(|code| code.name()).collect();
                let says = format!("--fail-on does not know `{}`", crate::domain::text::harmless(name));
                let failure = Failure::new(FailureKind::Usage, says);
                match suggestion(name, known.iter().copied()) {
                    Some(meant) => failure.hint(format!("did you mean `{meant}`?")),
                    None => failure.hint(format!("known: {}", known.join(", "))),
                }
            })
        })
        .collect()
}

fn show(document: &StatusDocument, scopes: &[FailureScope], colour: bool) -> String {
    let mut out = String::new();
    if let Some(scenario) = &document.head.sandbox {
        out.push_str(&format!("SANDBOX, scenario {scenario}: nothing here is real.\n"));
    }
    for scope in scopes {
        if let Some(headline) = document.headlines.get(scope) {
            out.push_str(&format!("{headline}\n\n"));
        }
        let mut rows: Vec<_> = document
            .components
            .iter()
            .filter_map(|component| Some((component, component.failures.get(scope)?)))
            .collect();
        rows.sort_by_key(|(_, status)| std::cmp::Reverse(status.verdict));
        let cells: Vec<Vec<Cell>> = rows
            .iter()
            .map(|(component, status)| {
                vec![
                    Cell::verdict(status.verdict),
                    Cell::new(component.id.as_str()),
                    Cell::new(component.kind.words()),
                    Cell::new(component.environment.as_str()),
                    Cell::figure(loss(status)),
                    Cell::figure(limit(status.rpo.limit_s)),
                    Cell::figure(time(status)),
                    Cell::figure(limit(status.rto.limit_s)),
                    Cell::figure(
                        status
                            .read_at
                            .map_or("never".to_owned(), |at| age_words(elapsed(at, document.head.as_of))),
                    ),
                ]
            })
            .collect();
        let lost = format!("if {}", scope.words());
        let headings = [
            lost.as_str(),
            "component",
            "kind",
            "environment",
            "could lose",
            "limit",
            "back in",
            "limit",
            "read",
        ];
        out.push_str(&table(&headings, &cells, colour));
        out.push('\n');
    }
    let standing: Vec<_> = document.troubles.iter().filter(|trouble| trouble.failure.is_none()).collect();
    if !standing.is_empty() {
        out.push_str("In the way:\n");
        for trouble in standing {
            let whose = trouble.component.as_ref().unwrap_or(&trouble.environment);
            out.push_str(&format!("  {whose}: {}\n", trouble.says));
        }
    }
    out
}

fn limit(limit: Option<u64>) -> String {
    limit.map_or("–".to_owned(), |limit| words(Duration::from_secs(limit)))
}

fn loss(status: &FailureStatus) -> String {
    match (status.rpo.loss, status.rpo.loss_s) {
        (LossKind::Everything, _) => "everything".to_owned(),
        (LossKind::Unknown, _) => "unknown".to_owned(),
        (LossKind::NotApplicable, _) | (_, None) => "–".to_owned(),
        (LossKind::Span, Some(0)) => "nothing".to_owned(),
        (LossKind::Span, Some(loss)) => words(Duration::from_secs(loss)),
    }
}

fn time(status: &FailureStatus) -> String {
    match (status.rto.time, status.rto.time_s) {
        (TimeKind::Cannot, _) => "cannot".to_owned(),
        (TimeKind::Unknown, _) => "unknown".to_owned(),
        (TimeKind::Measured, Some(time)) => words(Duration::from_secs(time)),
        (TimeKind::AtLeast, Some(0)) | (_, None) => "not measured".to_owned(),
        (TimeKind::AtLeast, Some(time)) => format!("over {}", words(Duration::from_secs(time))),
    }
}
