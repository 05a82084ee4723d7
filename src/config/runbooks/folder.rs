//! Reading folders of runbooks.

use super::{Library, Rules, Source, built_in};
use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// How large a file may be, in bytes, before it is not read at all.
const LARGEST: u64 = 4 << 20;

/// The user's folders, and single files besides.
#[derive(Debug, Clone, Default)]
pub struct Folders {
    /// Folders: every file in them that ends in `.yaml` or `.yml`, but for hidden ones and those in folders below.
    pub folders: Vec<PathBuf>,
    /// Files.
    pub files: Vec<PathBuf>,
}

impl Folders {
    /// Reads the runbooks that are built in, then the files, then what lies in the folders. A file that is found twice
    /// is read once.
    ///
    /// Beside the library come the folders and files that could not be read, each with its failure.
    pub fn load(&self, rules: &Rules<'_>) -> (Library, Vec<(PathBuf, Failure)>) {
        let (mut sources, mut failed) = (built_in::sources().collect::<Vec<_>>(), Vec::new());
        let mut paths: Vec<PathBuf> = Vec::new();
        for folder in &self.folders {
            match listed(folder) {
                Ok(found) => paths.extend(found),
                Err(failure) => failed.push((folder.clone(), failure)),
            }
        }
        let mut seen: Vec<PathBuf> = Vec::new();
        for path in self.files.iter().cloned().chain(paths) {
            let real = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
            if seen.contains(&real) {
                continue;
            }
            seen.push(real);
            match source(&path) {
                Ok(source) => sources.push(source),
                Err(failure) => failed.push((path, failure)),
            }
        }
        (Library::of(sources, rules), failed)
    }
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = folder.display();
    let fails =
        |error: &std::io::Error| Failure::of(format!("cannot read the folder of runbooks {name}"), error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| fails(&error))? {
        let path = entry.map_err(|error| fails(&error))?.path();
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        let ending = path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml");
        if ending && !hidden && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn source(path: &Path) -> Result<Source, Failure> {
    let origin = path.display().to_string();
    let fails = |error: &std::io::Error| Failure::of(format!("cannot read the runbook {origin}"), error);
    let size = std::fs::metadata(path).map_err(|error| fails(&error))?.len();
    if size > LARGEST {
        return Err(Failure::new(
            crate::failure::FailureKind::Usage,
            format!("the runbook {origin} has {size} bytes, more than the {LARGEST} allowed"),
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| fails(&error))?;
    let id = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Source { origin, id, bytes, built_in: false })
}
