//! What lies in a folder: regular files only, and never anything outside of it.
//!
//! Every folder below the first is opened by its name in the one above, without following links, so that nobody who may
//! write there can lead us elsewhere, not even while we look.

use crate::domain::Text;
use crate::domain::dump::Part;
use crate::domain::reading::{Lack, ReadTrouble};
use jiff::Timestamp;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, open, openat, statat};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How many folders deep is looked.
const DEEPEST: usize = 16;
/// How many files are listed at most.
const MOST_FILES: usize = 200_000;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// What a read that works in a thread of its own shares with whoever waits for it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Grows as long as the thread gets on.
    pub(super) done: AtomicU64,
    /// Set when nobody waits any more.
    pub(super) is_cancelled: AtomicBool,
}

impl Progress {
    pub(super) fn step(&self, by: u64) {
        self.done.fetch_add(by, Ordering::Relaxed);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.is_cancelled.load(Ordering::Relaxed)
    }
}

/// By what it is seen whether a file is still the one that was read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Version {
    pub(super) size_bytes: u64,
    /// When it was written, and when anything of it last changed: the second cannot be set back by hand.
    pub(super) written: (i64, i64),
    pub(super) changed: (i64, i64),
    /// The number of the file in its file system.
    pub(super) number: u64,
}

impl Version {
    fn of(stat: &Stat) -> Self {
        // The fields have another type on each system.
        fn number<T: TryInto<N>, N: Default>(field: T) -> N {
            field.try_into().unwrap_or_default()
        }
        Self {
            size_bytes: number(stat.st_size),
            written: (number(stat.st_mtime), number(stat.st_mtime_nsec)),
            changed: (number(stat.st_ctime), number(stat.st_ctime_nsec)),
            number: number(stat.st_ino),
        }
    }

    fn written_at(&self) -> Timestamp {
        let nanos = i32::try_from(self.written.1).unwrap_or(0);
        Timestamp::new(self.written.0, nanos).unwrap_or(Timestamp::MIN)
    }
}

/// What lies in a folder.
#[derive(Debug)]
pub(super) struct Listing {
    /// The folder, held open: the files in it are opened through it.
    folder: OwnedFd,
    path: PathBuf,
    /// Its files, with names relative to it.
    pub(super) parts: Vec<Part>,
    /// By what each would be seen to have changed.
    pub(super) versions: BTreeMap<String, Version>,
    /// What could not be looked at.
    pub(super) lacking: Vec<Lack>,
}

/// Why there is no listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotListed {
    /// There is no such folder.
    Absent,
    /// Anything else.
    Trouble(ReadTrouble),
}

/// Lists a folder. The folder itself may be a link.
///
/// # Errors
/// When it is not there or cannot be read.
pub(super) fn list(path: &Path, progress: &Progress) -> Result<Listing, NotListed> {
    let folder = open(path, FOLDER, Mode::empty()).map_err(|error| match error {
        Errno::NOENT => NotListed::Absent,
        Errno::NOTDIR => NotListed::Trouble(ReadTrouble::Other(Text::new(&format!(
            "{} is no folder: name the one in which the dumps lie",
            path.display()
        )))),
        error => NotListed::Trouble(trouble(path, error)),
    })?;
    let mut listing = Listing {
        folder,
        path: path.to_owned(),
        parts: Vec::new(),
        versions: BTreeMap::new(),
        lacking: Vec::new(),
    };
    let top = Dir::read_from(&listing.folder).map_err(|error| NotListed::Trouble(trouble(path, error)))?;
    let mut waiting = vec![(top, String::new(), 0)];
    while let Some((dir, prefix, depth)) = waiting.pop() {
        if let Err(error) = listing.add(dir, &prefix, depth, &mut waiting, progress) {
            listing.lack(&prefix, error);
        }
        if progress.is_cancelled() {
            return Err(NotListed::Trouble(ReadTrouble::TimedOut));
        }
    }
    Ok(listing)
}

impl Listing {
    fn lack(&mut self, name: &str, error: Errno) {
        let path = self.path.join(name);
        let source = Text::new(&format!("read {}", path.display()));
        self.lacking.push(Lack { source, why: trouble(&path, error) });
    }

    fn lack_of(&mut self, says: &str) {
        let source = Text::new(&format!("read {}", self.path.display()));
        let lack = Lack { source, why: ReadTrouble::Other(says.into()) };
        if !self.lacking.contains(&lack) {
            self.lacking.push(lack);
        }
    }

    fn add(
        &mut self,
        dir: Dir,
        prefix: &str,
        depth: usize,
        waiting: &mut Vec<(Dir, String, usize)>,
        progress: &Progress,
    ) -> Result<(), Errno> {
        let mut dir = dir;
        while let Some(entry) = dir.next() {
            let entry = entry?;
            progress.step(1);
            let raw = entry.file_name();
            if raw == c"." || raw == c".." {
                continue;
            }
            let Ok(name) = raw.to_str() else {
                self.lack_of("a file whose name is not UTF-8 was passed over");
                continue;
            };
            let full = format!("{prefix}{name}");
            let above = dir.fd()?;
            let stat = match statat(above, raw, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT) => continue, // it went while we looked
                Err(error) => {
                    self.lack(&full, error);
                    continue;
                }
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile if self.parts.len() >= MOST_FILES => {
                    self.lack_of("there are more files than are looked at");
                }
                FileType::RegularFile => {
                    let version = Version::of(&stat);
                    self.parts.push(Part::new(&full, version.size_bytes, version.written_at()));
                    self.versions.insert(full, version);
                }
                FileType::Directory if depth >= DEEPEST => {
                    self.lack_of("a folder lies too deep to be looked at");
                }
                // Snapshots of a file server and the like: the same files again.
                FileType::Directory if name.starts_with('.') => {}
                FileType::Directory => {
                    match openat(above, raw, FOLDER | OFlags::NOFOLLOW, Mode::empty()).and_then(Dir::new) {
                        Ok(below) => waiting.push((below, format!("{full}/"), depth + 1)),
                        Err(error) => self.lack(&full, error),
                    }
                }
                // Links lead elsewhere, or to what is listed already; pipes and devices are no dumps.
                _ => {}
            }
        }
        Ok(())
    }

    /// Opens a file that was listed, unless it is another one by now.
    pub(super) fn open(&self, name: &str) -> Result<File, ReadTrouble> {
        let path = self.path.join(name);
        let failed = |error| trouble(&path, error);
        let mut folder: Option<OwnedFd> = None;
        let mut rest = name;
        while let Some((next, below)) = rest.split_once('/') {
            let above = folder.as_ref().unwrap_or(&self.folder);
            folder = Some(openat(above, next, FOLDER | OFlags::NOFOLLOW, Mode::empty()).map_err(failed)?);
            rest = below;
        }
        let above = folder.as_ref().unwrap_or(&self.folder);
        // Should a pipe stand there by now, opening it must not wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(above, rest, flags, Mode::empty()).map_err(failed)?;
        self.is_same(name, &file)?;
        Ok(file.into())
    }

    /// Says whether a file is still what was listed.
    pub(super) fn is_same(&self, name: &str, file: &impl std::os::fd::AsFd) -> Result<(), ReadTrouble> {
        let stat = fstat(file).map_err(|error| trouble(&self.path.join(name), error))?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if is_file && self.versions.get(name) == Some(&Version::of(&stat)) {
            return Ok(());
        }
        Err(ReadTrouble::Other(Text::new(&format!(
            "{} changed while it was read",
            self.path.join(name).display()
        ))))
    }
}

/// Says why something could not be read.
fn trouble(path: &Path, error: Errno) -> ReadTrouble {
    match error {
        Errno::ACCESS | Errno::PERM => ReadTrouble::Denied {
            permission: Text::new(&format!("read {}", path.display())),
            identity: Text::new(&user()),
        },
        Errno::STALE | Errno::TIMEDOUT | Errno::HOSTDOWN | Errno::HOSTUNREACH | Errno::NOTCONN => {
            ReadTrouble::Unreachable
        }
        error => {
            ReadTrouble::Other(Text::new(&format!("{}: {}", path.display(), std::io::Error::from(error))))
        }
    }
}

/// Returns the user as whom is read: by name, where the machine's own list has it.
fn user() -> String {
    let id = rustix::process::geteuid().as_raw().to_string();
    let list = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = list.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1) == Some(&id)).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("user {id}"))
}
