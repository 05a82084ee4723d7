//! `check`: what is wrong or doubtful with the estate file.

use crate::cli::args::{Format, Global};
use crate::cli::document::{CheckDocument, DiagnosticStatus, VERSION};
use crate::cli::output::Output;
use crate::config::diagnostic::{Diagnostic, render};
use crate::config::{self, paths};
use crate::domain::Text;
use crate::failure::{Failure, FailureKind};

/// Runs the command.
///
/// # Errors
/// When there is no file, or it does not load.
pub fn run(global: &Global, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("check")?;
    let Some(path) = paths::estate_file(global.estate.as_deref()) else {
        return Err(Failure::new(FailureKind::Usage, "there is no estate file to check")
            .hint("name one: `lifeboat check --estate FILE`"));
    };
    let name = path.display().to_string();
    let json = output.format() == Format::Json;
    // Where it cannot be read, the failure of `load` says it better: which byte, and what to do.
    let Ok(source) = std::fs::read_to_string(&path) else { return config::load(&path).map(|_| 0) };
    let source = config::load::unix_lines(&source);
    let (loads, diagnostics) = match config::load_text(&source) {
        Ok(loaded) => (Some(loaded.estate), loaded.warnings),
        Err(diagnostics) => (None, diagnostics),
    };
    if json {
        output.json(&document(&name, loads.is_some(), &diagnostics))?;
    } else if let Some(estate) = &loads {
        let warnings = diagnostics.len();
        let shown = render(&name, &source, &diagnostics);
        let (components, environments) = (estate.components.len(), estate.environments.len());
        let many = if warnings == 1 { "warning" } else { "warnings" };
        let places = if environments == 1 { "environment" } else { "environments" };
        let space = if warnings == 0 { "" } else { "\n\n" };
        output.text(&format!(
            "{shown}{space}{name}: {components} components in {environments} {places}, {warnings} {many}"
        ))?;
    } else {
        return Err(config::load::failure(&name, &source, &diagnostics));
    }
    Ok(if loads.is_some() { 0 } else { FailureKind::Usage.exit_code() })
}

fn document(name: &str, loads: bool, diagnostics: &[Diagnostic]) -> CheckDocument {
    CheckDocument {
        version: VERSION,
        file: Text::new(name),
        loads,
        diagnostics: diagnostics
            .iter()
            .map(|diagnostic| DiagnosticStatus {
                gravity: diagnostic.gravity,
                line: diagnostic.place.line,
                column: diagnostic.place.column,
                message: Text::new(&diagnostic.message),
                help: diagnostic.help.as_deref().map(Text::new),
            })
            .collect(),
    }
}
