//! What is kept of a remote between reads: two bare repositories of our own, and what was found out with them.
//!
//! `whole` holds deployed commits with all their files, to see that they can be had whole; `history` holds commits without
//! files, to see on which branch one is. Neither is a copy to recover from.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// So many packs are kept in a repository before it is begun anew: each fetch leaves one.
const MOST_PACKS: usize = 100;
/// So many commits are remembered: an estate rarely has more components at one remote.
const MOST_KNOWN: usize = 64;

/// Where a commit is on its remote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum On {
    /// At the tip of this branch or tag.
    Tip(String),
    /// Below the tip of this one.
    Below(String),
    /// On none.
    Nowhere,
    /// On none, as far as so many commits back.
    NotWithin(u32),
    /// It could not be told; why.
    Untold(String),
}

/// What was found out about a remote.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    /// The branches and tags for which the rest is true, by their digest.
    pub(super) refs: String,
    /// When the newest commit of the default branch was made, in seconds since 1970.
    pub(super) head_at: Option<i64>,
    /// Full ids of commits that are named by the beginning of their id.
    pub(super) full: BTreeMap<String, String>,
    /// Where commits are.
    pub(super) on: BTreeMap<String, On>,
    /// When commits were fetched whole, in seconds since 1970. This stays true whatever happens to branches.
    pub(super) whole: BTreeMap<String, i64>,
    /// How many commits of each branch the history goes back.
    pub(super) depth: u32,
}

/// The folder of one remote.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    _lock: File,
}

/// One of its repositories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repository {
    /// Commits with their files.
    Whole,
    /// Commits without files.
    History,
}

impl Repository {
    fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::History => "history",
        }
    }
}

/// Makes a folder that is ours alone.
pub(super) fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Opens a file that is ours alone, and makes it where it is missing.
fn file(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).mode(0o600).open(path)
}

impl Store {
    /// Opens the folder of a remote, if no other process has it open.
    pub(super) fn open(folder: PathBuf) -> io::Result<Option<Self>> {
        make(&folder)?;
        let lock = file(&folder.join("lock"))?;
        match rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let store = Self { folder, _lock: lock };
        // Nobody else is here: what a git that was ended left behind holds nobody up.
        for repository in [Repository::Whole, Repository::History] {
            tidy(&store.path(repository));
        }
        Ok(Some(store))
    }

    /// Returns the path of a repository.
    pub(super) fn path(&self, repository: Repository) -> PathBuf {
        self.folder.join(repository.name())
    }

    /// Returns the folder in which nothing is a repository.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes a repository for ids of this length where it is missing, unusable or overgrown; says whether it is new.
    pub(super) fn prepare(&self, repository: Repository, id_length: usize) -> io::Result<bool> {
        let path = self.path(repository);
        let config = config(id_length);
        let packs = fs::read_dir(path.join("objects/pack")).map_or(0, Iterator::count);
        // A pack has four files.
        let is_fit = fs::read_to_string(path.join("config")).is_ok_and(|found| found == config);
        if is_fit && packs <= 4 * MOST_PACKS {
            return Ok(false);
        }
        self.remove(repository)?;
        // By hand: no template with hooks, and no run of a program.
        for folder in ["objects/pack", "objects/info", "refs/heads"] {
            make(&path.join(folder))?;
        }
        file(&path.join("HEAD"))?.write_all(b"ref: refs/heads/none\n")?;
        file(&path.join("config"))?.write_all(config.as_bytes())?;
        Ok(true)
    }

    /// Removes a repository.
    pub(super) fn remove(&self, repository: Repository) -> io::Result<()> {
        match fs::remove_dir_all(self.path(repository)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Returns what is known; nothing where it cannot be read.
    pub(super) fn known(&self) -> Known {
        let text = fs::read_to_string(self.folder.join("known.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Keeps what is known.
    pub(super) fn keep(&self, known: &Known) -> io::Result<()> {
        let mut known = known.clone();
        while known.whole.len() > MOST_KNOWN {
            let oldest = known.whole.iter().min_by_key(|(_, at)| **at).map(|(id, _)| id.clone());
            known.whole.retain(|id, _| Some(id) != oldest.as_ref());
        }
        let text = serde_json::to_string(&known)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(self.folder.join("known.json"))?;
        Ok(())
    }
}

fn config(id_length: usize) -> &'static str {
    if id_length == 64 {
        "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectformat = sha256\n"
    } else {
        "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
    }
}

/// Removes locks and half-written packs.
fn tidy(repository: &Path) {
    let mut folders = vec![repository.to_owned(), repository.join("objects/pack")];
    let mut refs = vec![repository.join("refs")];
    while let Some(folder) = refs.pop() {
        let below = fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        refs.extend(
            below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()),
        );
        folders.push(folder);
    }
    for folder in folders {
        for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".lock") || name.starts_with("tmp_") || name.starts_with(".tmp-") {
                // What cannot be removed is said by the next fetch.
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Returns how many bytes a repository takes on disk, packs only.
pub(super) fn size_bytes(repository: &Path) -> u64 {
    let packs = fs::read_dir(repository.join("objects/pack")).into_iter().flatten().filter_map(Result::ok);
    packs.filter_map(|entry| entry.metadata().ok()).map(|meta| meta.len()).sum()
}
