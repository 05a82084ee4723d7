//! Where lifeboat keeps its own files, and where it looks for the estate file.

use crate::failure::{Failure, FailureKind};
use etcetera::base_strategy::{BaseStrategy, Xdg};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The name of the estate file.
pub const ESTATE_FILE: &str = "lifeboat.yaml";

/// Returns the estate file to use: the one given, else the one in the working folder, else the user's own.
pub fn estate_file(given: Option<&Path>) -> Option<PathBuf> {
    if let Some(given) = given {
        return Some(given.to_owned());
    }
    let here = PathBuf::from(ESTATE_FILE);
    if here.is_file() {
        return Some(here);
    }
    let own = Xdg::new().ok()?.config_dir().join("lifeboat").join(ESTATE_FILE);
    own.is_file().then_some(own)
}

/// Returns the folder of the user's own settings.
pub fn config_dir() -> Option<PathBuf> {
    Some(Xdg::new().ok()?.config_dir().join("lifeboat"))
}

/// The state folder: readings, sandbox worlds and the diagnostic log. Ours alone (0700).
#[derive(Debug, Clone)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// Opens the state folder, making it where it is missing.
    ///
    /// # Errors
    /// When it cannot be made, belongs to somebody else, is open to others, or is a link.
    pub fn open(given: Option<&Path>) -> Result<Self, Failure> {
        let path = match given {
            // What is written below it is named in calls, and executors may live in another folder.
            Some(given) => std::path::absolute(given).unwrap_or_else(|_| given.to_owned()),
            None => Xdg::new()
                .ok()
                .and_then(|xdg| xdg.state_dir())
                .map(|dir| dir.join("lifeboat"))
                .ok_or_else(|| {
                    Failure::new(FailureKind::Usage, "cannot tell where the state folder is: HOME is not set")
                        .hint("name one with `--state-dir DIR`")
                })?,
        };
        let dir = Self(path);
        Self::make(&dir.0)?;
        Ok(dir)
    }

    /// Returns the folder `name` in it, made where it is missing.
    ///
    /// # Errors
    /// As [`StateDir::open`].
    pub fn folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.0.join(name);
        Self::make(&path)?;
        Ok(path)
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn make(path: &Path) -> Result<(), Failure> {
        let shown = path.display();
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
            Failure::of(format!("cannot make the state folder {shown}"), &error)
                .hint("name another with `--state-dir DIR`")
        })?;
        let meta = std::fs::symlink_metadata(path)
            .map_err(|error| Failure::of(format!("cannot look at the state folder {shown}"), &error))?;
        let refused = |why: &str, hint: String| {
            Err(Failure::new(FailureKind::Refused, format!("the state folder {shown} {why}")).hint(hint))
        };
        if !meta.is_dir() {
            return refused(
                "is a link or a file",
                "name the folder itself with `--state-dir DIR`".to_owned(),
            );
        }
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return refused(
                "belongs to another user",
                "name one of your own with `--state-dir DIR`".to_owned(),
            );
        }
        if meta.mode() & 0o077 != 0 {
            return refused("is open to other users", format!("chmod 700 {shown}"));
        }
        Ok(())
    }
}
