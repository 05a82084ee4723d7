//! From a file to an estate, or to everything that is wrong with the file.

use super::diagnostic::{Diagnostic, FilePlace, Gravity, render};
use super::estate_file::EstateFile;
use super::yaml::{self, Budget};
use super::{check, resolve};
use crate::domain::estate::Estate;
use crate::failure::{Failure, FailureKind};
use std::path::{Path, PathBuf};

/// An estate that loaded, and what is doubtful about its file.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The estate.
    pub estate: Estate,
    /// Warnings, in the order of the file.
    pub warnings: Vec<Diagnostic>,
    /// The file's text.
    pub source: String,
    /// The folders with runbooks, as they are written, each with its place.
    pub runbooks: Vec<(String, FilePlace)>,
}

impl Loaded {
    /// Returns the folders with runbooks of the estate file at `path`, each with its place in it.
    pub fn runbook_folders(&self, path: &Path) -> Vec<(PathBuf, FilePlace)> {
        let base = path.parent().unwrap_or(Path::new(""));
        self.runbooks.iter().map(|(folder, place)| (base.join(folder), *place)).collect()
    }
}

/// Loads the estate file at `path`.
///
/// # Errors
/// When it cannot be read, or everything that is wrong with it, each with its line and column.
pub fn load(path: &Path) -> Result<Loaded, Failure> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        Failure::of(format!("cannot read the estate file {name}"), &error)
            .hint("`lifeboat demo` shows the built-in estate; `--estate FILE` names another file")
    })?;
    let source = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        Failure::new(FailureKind::Usage, format!("{name}:{line}: the file is not UTF-8 text"))
    })?;
    let source = unix_lines(&source);
    load_text(&source).map_err(|diagnostics| failure(&name, &source, &diagnostics))
}

/// Returns the text of a file with the line ends of Unix, so that places count the same in every file.
pub fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Loads an estate from the text of a file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn load_text(source: &str) -> Result<Loaded, Vec<Diagnostic>> {
    let node = yaml::parse(source, Budget::default()).map_err(|diagnostic| vec![diagnostic])?;
    if matches!(node.value, yaml::Value::Null) {
        let place = FilePlace { line: 1, column: 1, start: 0, end: 0 };
        return Err(vec![
            Diagnostic::error(place, "the file is empty").help("`lifeboat schema estate` prints the format"),
        ]);
    }
    let (file, mut noted) = yaml::from_node::<EstateFile>(&node);
    let (estate, resolved) = resolve::resolve(&file);
    noted.extend(resolved);
    if let Some(estate) = &estate {
        noted.extend(check::check(&file, estate));
    }
    noted.sort_by_key(|diagnostic| (diagnostic.place, diagnostic.gravity));
    noted.dedup();
    match estate {
        Some(estate) if noted.iter().all(|diagnostic| diagnostic.gravity == Gravity::Warning) => {
            let folders =
                file.get().and_then(|file| file.runbooks.get()).map_or([].as_slice(), Vec::as_slice);
            let folders = folders.iter().filter_map(|folder| Some((folder.get()?.clone(), folder.place()?)));
            let runbooks = folders.collect();
            Ok(Loaded { estate, warnings: noted, source: source.to_owned(), runbooks })
        }
        _ => Err(noted),
    }
}

/// Returns the failure that shows `diagnostics`.
pub fn failure(name: &str, source: &str, diagnostics: &[Diagnostic]) -> Failure {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.gravity == Gravity::Error).count();
    let mut failure = Failure::new(
        FailureKind::Usage,
        format!("{name} has {errors} {}", if errors == 1 { "error" } else { "errors" }),
    );
    failure.rendered = Some(format!("{}\n\nerror: {}", render(name, source, diagnostics), failure.message));
    failure.hint("`lifeboat schema estate` prints the format for your editor")
}
