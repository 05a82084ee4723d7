//! `check`: what is wrong or doubtful with the estate file and with runbooks.

use crate::cli::args::{CheckArgs, Format, Global};
use crate::cli::document::{CheckDocument, DiagnosticStatus, RunbookFileStatus, VERSION};
use crate::cli::output::Output;
use crate::cli::wire;
use crate::config::diagnostic::{Diagnostic, Gravity, render};
use crate::config::runbooks::{FileReport, Folders};
use crate::config::{self, paths};
use crate::domain::Text;
use crate::domain::estate::Estate;
use crate::failure::{Failure, FailureKind};
use std::path::{Path, PathBuf};

/// An estate file that was checked.
struct EstateReport {
    name: String,
    source: String,
    estate: Option<Estate>,
    diagnostics: Vec<Diagnostic>,
}

/// Runs the command.
///
/// # Errors
/// When there is nothing to check, or something does not load.
pub fn run(global: &Global, args: &CheckArgs, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("check")?;
    let (estate, runbooks) = if args.runbooks.is_empty() {
        let Some(path) = paths::estate_file(global.estate.as_deref()) else {
            return Err(Failure::new(FailureKind::Usage, "there is no estate file to check")
                .hint("name one: `lifeboat check --estate FILE`"));
        };
        let (estate, runbooks) = estate_file(&path, global)?;
        (Some(estate), runbooks)
    } else {
        (None, named(&args.runbooks, global)?)
    };
    let loads = estate.as_ref().is_none_or(|report| report.estate.is_some())
        && runbooks.iter().all(|report| report.loads);
    if output.format() == Format::Json {
        output.json(&document(estate.as_ref(), &runbooks, loads))?;
        return Ok(if loads { 0 } else { FailureKind::Usage.exit_code() });
    }
    if !loads {
        return Err(failure(estate.as_ref(), &runbooks));
    }
    output.text(&text(estate.as_ref(), &runbooks))?;
    Ok(0)
}

/// Checks the estate file, and the runbooks in its folders if it loads.
fn estate_file(path: &Path, global: &Global) -> Result<(EstateReport, Vec<FileReport>), Failure> {
    let name = path.display().to_string();
    // Where it cannot be read, the failure of `load` says it better: which byte, and what to do.
    let source = match std::fs::read_to_string(path) {
        Ok(source) => config::load::unix_lines(&source),
        Err(_) => config::load(path)?.source,
    };
    let loaded = match config::load_text(&source) {
        Ok(loaded) => loaded,
        Err(diagnostics) => {
            return Ok((EstateReport { name, source, estate: None, diagnostics }, Vec::new()));
        }
    };
    let places = loaded.runbook_folders(path);
    let folders =
        Folders { folders: places.iter().map(|(folder, _)| folder.clone()).collect(), files: Vec::new() };
    let (library, failed) = folders.load(&wire::rules(global));
    let own = library.files().iter().filter(|report| !report.built_in).cloned().collect();
    let mut diagnostics = loaded.warnings;
    for (failed, failure) in failed {
        let place = { places.iter() }
            .find(|(folder, _)| *folder == failed || failed.starts_with(folder))
            .map_or_else(Default::default, |(_, place)| *place);
        let why = failure.causes.first().map_or(String::new(), |why| format!(": {why}"));
        let says = format!("{}{why}", failure.message);
        diagnostics
            .push(Diagnostic::warning(place, says).help("a folder stands relative to the estate file"));
    }
    diagnostics.sort_by_key(|diagnostic| (diagnostic.place, diagnostic.gravity));
    Ok((EstateReport { name, source, estate: Some(loaded.estate), diagnostics }, own))
}

/// Checks the runbooks that were named. What they call may lie beside them, or in the folders of the estate.
fn named(paths: &[PathBuf], global: &Global) -> Result<Vec<FileReport>, Failure> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for path in paths {
        let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folders.push(beside.to_owned());
    }
    if let Some(path) = paths::estate_file(global.estate.as_deref())
        && let Ok(loaded) = config::load(&path)
    {
        folders.extend(loaded.runbook_folders(&path).into_iter().map(|(folder, _)| folder));
    }
    let (library, failed) = Folders { folders, files: paths.to_vec() }.load(&wire::rules(global));
    if let Some((_, failure)) = failed.into_iter().find(|(path, _)| paths.contains(path)) {
        return Err(failure);
    }
    let wanted: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    Ok({ library.files().iter() }.filter(|report| wanted.contains(&report.origin)).cloned().collect())
}

/// Returns every file with what was said of it.
fn files<'a>(
    estate: Option<&'a EstateReport>,
    runbooks: &'a [FileReport],
) -> impl Iterator<Item = (&'a str, &'a str, &'a [Diagnostic])> {
    let estate =
        estate.map(|report| (report.name.as_str(), report.source.as_str(), report.diagnostics.as_slice()));
    let runbooks = runbooks
        .iter()
        .map(|report| (report.origin.as_str(), report.source.as_str(), report.diagnostics.as_slice()));
    estate.into_iter().chain(runbooks).filter(|(_, _, diagnostics)| !diagnostics.is_empty())
}

fn failure(estate: Option<&EstateReport>, runbooks: &[FileReport]) -> Failure {
    let wrong = |diagnostics: &[Diagnostic]| {
        diagnostics.iter().filter(|diagnostic| diagnostic.gravity == Gravity::Error).count()
    };
    if let Some(report) = estate.filter(|report| report.estate.is_none()) {
        return config::load::failure(&report.name, &report.source, &report.diagnostics);
    }
    let shown: Vec<_> = files(estate, runbooks)
        .map(|(name, source, diagnostics)| render(name, source, diagnostics))
        .collect();
    let broken: Vec<_> = runbooks.iter().filter(|report| !report.loads).collect();
    let errors: usize = broken.iter().map(|report| wrong(&report.diagnostics)).sum();
    let place = match broken.as_slice() {
        [only] => only.origin.clone(),
        several => format!("{} of {}", several.len(), many(runbooks.len(), "runbook")),
    };
    let has = if broken.len() == 1 { "has" } else { "have" };
    let mut failure = Failure::new(FailureKind::Usage, format!("{place} {has} {}", many(errors, "error")));
    failure.rendered = Some(format!("{}\n\nerror: {}", shown.join("\n\n"), failure.message));
    failure.hint("`lifeboat schema runbook` prints the format for your editor")
}

fn text(estate: Option<&EstateReport>, runbooks: &[FileReport]) -> String {
    let mut parts: Vec<_> = files(estate, runbooks)
        .map(|(name, source, diagnostics)| render(name, source, diagnostics))
        .collect();
    let mut lines = Vec::new();
    if let Some(EstateReport { name, estate: Some(estate), diagnostics, .. }) = estate {
        let components = estate.components.len();
        let environments = many(estate.environments.len(), "environment");
        let warnings = many(diagnostics.len(), "warning");
        lines.push(format!("{name}: {components} components in {environments}, {warnings}"));
    }
    let warnings: usize = runbooks.iter().map(|report| report.diagnostics.len()).sum();
    if !runbooks.is_empty() {
        lines.push(format!("{}, {}", many(runbooks.len(), "runbook"), many(warnings, "warning")));
    }
    parts.push(lines.join("\n"));
    parts.join("\n\n")
}

fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn document(estate: Option<&EstateReport>, runbooks: &[FileReport], loads: bool) -> CheckDocument {
    CheckDocument {
        version: VERSION,
        file: estate.map(|report| Text::new(&report.name)),
        loads,
        diagnostics: estate.map_or_else(Vec::new, |report| statuses(&report.diagnostics)),
        runbooks: runbooks
            .iter()
            .map(|report| RunbookFileStatus {
                file: Text::new(&report.origin),
                runbook: Text::new(&report.id),
                loads: report.loads,
                diagnostics: statuses(&report.diagnostics),
            })
            .collect(),
    }
}

fn statuses(diagnostics: &[Diagnostic]) -> Vec<DiagnosticStatus> {
    { diagnostics.iter() }
        .map(|diagnostic| DiagnosticStatus {
            gravity: diagnostic.gravity,
            line: diagnostic.place.line,
            column: diagnostic.place.column,
            message: Text::new(&diagnostic.message),
            help: diagnostic.help.as_deref().map(Text::new),
        })
        .collect()
}
