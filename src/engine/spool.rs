//! Where manifests are written while a plan is made: a folder of their own, which becomes part of the run's or goes away.

use crate::action::Refusal;
use crate::action::fan_out::{Lines, Manifests, manifest_name};
use crate::runbook::plan::PlannedStep;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Returns the name and the SHA-256 of a step's manifest, where it has one.
pub fn manifest_of(step: &PlannedStep) -> Option<(String, String)> {
    let sha256 = step.facts.get("manifest")?.get("sha256")?.as_str()?;
    Some((manifest_name(step.id.as_str()), sha256.to_owned()))
}

/// The manifests of a plan. They are removed with this, unless they were moved into the folder of a run.
#[derive(Debug)]
pub struct Spool(PathBuf);

impl Spool {
    /// Returns the place of the manifests of `run`, under a folder on the file system of the runs.
    pub fn of(parent: &Path, run: &str) -> Self {
        Self(parent.join(format!(".manifests-{run}-{}", std::process::id())))
    }

    /// Moves the manifests into the folder of a run.
    ///
    /// # Errors
    /// When they cannot be moved.
    pub fn move_into(&self, run: &Path) -> io::Result<()> {
        let from = self.0.join("side");
        if !from.is_dir() {
            return Ok(());
        }
        let to = run.join("side");
        fs::rename(from, &to)?;
        File::open(&to)?.sync_all()?;
        File::open(run)?.sync_all()
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Manifests for Spool {
    fn begin(&self, step: &str) -> Result<Box<dyn Lines>, Refusal> {
        let path = self.0.join(manifest_name(step));
        let failed = |error: &io::Error| {
            Refusal::new(format!("the manifest {} cannot be written: {error}", path.display()))
                .hint("see that there is room in the state folder")
        };
        let parent = path.parent().unwrap_or(&self.0);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(|error| failed(&error))?;
        let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .custom_flags(nofollow)
            .open(&path)
            .map_err(|error| failed(&error))?;
        Ok(Box::new(FileLines { file: BufWriter::new(file), path }))
    }
}

struct FileLines {
    file: BufWriter<File>,
    path: PathBuf,
}

impl FileLines {
    fn failed(&self, error: &io::Error) -> Refusal {
        Refusal::new(format!("the manifest {} cannot be written: {error}", self.path.display()))
            .hint("see that there is room in the state folder")
    }
}

impl Lines for FileLines {
    fn add(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.file.write_all(bytes).map_err(|error| self.failed(&error))
    }

    fn close(mut self: Box<Self>) -> Result<(), Refusal> {
        let done = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        done.map_err(|error| self.failed(&error))
    }
}
