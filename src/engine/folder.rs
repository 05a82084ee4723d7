//! The folder of a run: its plan, its journal, side files and requests. One trait, so that a test can put a disk under it
//! that forgets, fails or fills up.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The journal's name.
pub const JOURNAL: &str = "journal.jsonl";
/// The plan's name.
pub const PLAN: &str = "plan.json";
/// The name of the copy of the estate file.
pub const ESTATE: &str = "estate.yaml";
/// The name of what is known of steps under way; never synced, never relied on.
pub const PROGRESS: &str = "progress.json";
/// The name of the space that is kept for the outcome of a call in flight; it is there once the journal is.
pub const RESERVE: &str = "reserve";
const LAST_WORDS: &str = "halted";
const LOCK: &str = "lock";
const REQUESTS: &str = "requests";
const PRESENT: &str = "present";

/// How much is kept free for the outcome of a call in flight.
pub const RESERVED: u64 = 1 << 20;

/// The end of a journal that lines are added to.
pub trait Tail: Send {
    /// Adds bytes at the end. They may be lost until [`Tail::sync`] returns.
    ///
    /// # Errors
    /// When they cannot be written, or not all of them.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns when everything written is on disk.
    ///
    /// # Errors
    /// When nobody knows that: what was written since may be lost, and must not be relied on.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts it to a length.
    ///
    /// # Errors
    /// When it cannot be cut.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// Gives up the space that was kept for emergencies.
    fn free_reserve(&mut self);
}

/// The folder of a run.
pub trait Folder: Send + Sync {
    /// Returns a file's bytes, `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>>;
    /// Writes a file as a whole; it is on disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Returns so many bytes of a file from a place on, or fewer where it ends before.
    ///
    /// # Errors
    /// When it cannot be read, or is not there.
    fn read_part(&self, name: &str, from: u64, length: u64) -> io::Result<Vec<u8>> {
        let bytes = self.read(name)?.ok_or(io::ErrorKind::NotFound)?;
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes.get(at(from)..at(from.saturating_add(length))).unwrap_or_default().to_vec())
    }
    /// Adds bytes at the end of a file, which is made where there is none. They may be lost until [`Folder::settle`].
    ///
    /// # Errors
    /// When they cannot be written.
    fn add(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut all = self.read(name)?.unwrap_or_default();
        all.extend_from_slice(bytes);
        self.put(name, &all)
    }
    /// Returns when everything added to a file is on disk.
    ///
    /// # Errors
    /// When nobody knows that.
    fn settle(&self, name: &str) -> io::Result<()> {
        let _ = name;
        Ok(())
    }
    /// Writes a file as a whole that may be lost.
    fn publish(&self, name: &str, bytes: &[u8]);
    /// Opens the journal to add to it.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn tail(&self) -> io::Result<Box<dyn Tail>>;
    /// Returns the requests that wait, by name, the oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    fn requests(&self) -> io::Result<Vec<(String, Vec<u8>)>>;
    /// Removes a request that was dealt with.
    fn forget(&self, request: &str);
    /// Says whether an operator watches.
    fn is_watched(&self) -> bool;
    /// Says to those who watch why the executor ends without a last line in its journal, as well as it can.
    fn say_last(&self, words: &str);
}

/// The folder of a run on disk. Ours alone: 0700, files 0600.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

/// That an operator watches: for as long as this is kept.
#[derive(Debug)]
pub struct Presence {
    _lock: File,
}

fn open_new(path: &Path) -> io::Result<File> {
    let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(nofollow).open(path)
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

impl RunFolder {
    /// Returns the folder at `path`, which may not be there.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Makes the folder of a new run with its plan and its estate, whole or not at all.
    ///
    /// # Errors
    /// When there is one already, or it cannot be written.
    pub fn create(path: &Path, plan: &[u8], estate: &[u8]) -> io::Result<Self> {
        Self::create_with(path, plan, estate, &|_| Ok(()))
    }

    /// The same, with what `more` puts into it besides.
    ///
    /// # Errors
    /// As [`Self::create`], and those of `more`.
    pub fn create_with(
        path: &Path,
        plan: &[u8],
        estate: &[u8],
        more: &dyn Fn(&Path) -> io::Result<()>,
    ) -> io::Result<Self> {
        let parent = path.parent().unwrap_or(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let made = parent.join(format!(".new-{name}-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&made)?;
        let folder = Self(made.clone());
        for sub in [REQUESTS, PRESENT] {
            fs::DirBuilder::new().mode(0o700).create(made.join(sub))?;
        }
        folder.put(ESTATE, estate)?;
        folder.put(PLAN, plan)?;
        open_new(&made.join(LOCK))?;
        more(&made)?;
        if path.exists() {
            let _ = fs::remove_dir_all(&made);
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(&made, path)?;
        sync_folder(parent)?;
        Ok(Self(path.to_owned()))
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes the lock that only one executor can hold; `None` while another one does.
    ///
    /// # Errors
    /// When it cannot be asked for.
    pub fn lock(&self) -> io::Result<Option<File>> {
        let file = OpenOptions::new().read(true).write(true).open(self.0.join(LOCK))?;
        match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Says whether an executor lives.
    pub fn is_worked_on(&self) -> bool {
        self.lock().is_ok_and(|lock| lock.is_none())
    }

    /// Leaves a request: it appears whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn leave(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.put(&format!("{REQUESTS}/{name}.json"), bytes)
    }

    /// Says that an operator watches, for as long as what is returned is kept.
    ///
    /// # Errors
    /// When that cannot be said.
    pub fn watch(&self) -> io::Result<Presence> {
        let folder = self.0.join(PRESENT);
        let own = std::process::id().to_string();
        let new = folder.join(format!(".{own}"));
        let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)?;
        // Nobody finds it before it is locked: it would be taken for one that was left behind.
        fs::rename(&new, folder.join(own))?;
        Ok(Presence { _lock: file })
    }

    /// Returns why the last executor ended, where it could not write that into its journal.
    pub fn last_words(&self) -> Option<String> {
        let words = self.read(LAST_WORDS).ok().flatten()?;
        let words = crate::domain::text::harmless(&String::from_utf8_lossy(&words)).into_owned();
        Some(words).filter(|words| !words.is_empty())
    }

    /// Returns the size of a file and when it was last written, by which a look that brings nothing costs little.
    pub fn stamp(&self, name: &str) -> (u64, i64, i64) {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(self.0.join(name))
            .map_or((0, 0, 0), |found| (found.len(), found.mtime(), found.mtime_nsec()))
    }

    /// Forgets why the last executor ended.
    pub fn begin_anew(&self) {
        let _ = fs::remove_file(self.0.join(LAST_WORDS));
    }
}

impl Folder for RunFolder {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.0.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.0.join(name);
        let parent = path.parent().unwrap_or(&self.0).to_owned();
        if !parent.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&parent)?;
        }
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let new = parent.join(format!(".{file_name}.{}", std::process::id()));
        let _ = fs::remove_file(&new);
        let written = open_new(&new).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&new, &path)).inspect_err(|_| {
            let _ = fs::remove_file(&new);
        })?;
        sync_folder(&parent)
    }

    fn read_part(&self, name: &str, from: u64, length: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.0.join(name))?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn add(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.0.join(name);
        let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).custom_flags(nofollow);
        let opened = match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let parent = path.parent().unwrap_or(&self.0);
                fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
                options.open(&path)
            }
            opened => opened,
        };
        opened?.write_all(bytes)
    }

    fn settle(&self, name: &str) -> io::Result<()> {
        let path = self.0.join(name);
        File::open(&path)?.sync_all()?;
        sync_folder(path.parent().unwrap_or(&self.0))
    }

    fn publish(&self, name: &str, bytes: &[u8]) {
        let new = self.0.join(format!(".{name}.{}", std::process::id()));
        let _ = fs::remove_file(&new);
        let written = open_new(&new).and_then(|mut file| file.write_all(bytes));
        if written.and_then(|()| fs::rename(&new, self.0.join(name))).is_err() {
            let _ = fs::remove_file(&new);
        }
    }

    fn tail(&self) -> io::Result<Box<dyn Tail>> {
        let path = self.0.join(JOURNAL);
        let fresh = !path.exists();
        let nofollow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        let file =
            OpenOptions::new().append(true).create(true).mode(0o600).custom_flags(nofollow).open(&path)?;
        if fresh {
            file.sync_all()?;
            sync_folder(&self.0)?;
        }
        let reserve = self.0.join(RESERVE);
        if fs::symlink_metadata(&reserve).map_or(0, |known| known.len()) < RESERVED {
            let _ = fs::remove_file(&reserve);
            let kept = open_new(&reserve)?;
            let room = rustix::fs::fallocate(&kept, rustix::fs::FallocateFlags::empty(), 0, RESERVED);
            room.map_err(io::Error::from).and_then(|()| kept.sync_all()).inspect_err(|_| {
                let _ = fs::remove_file(&reserve);
            })?;
        }
        Ok(Box::new(FileTail { file, reserve }))
    }

    fn requests(&self) -> io::Result<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.0.join(REQUESTS))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(id) = name.strip_suffix(".json").filter(|id| !id.starts_with('.')) else { continue };
            let mut bytes = Vec::new();
            // Nobody writes requests of a megabyte.
            File::open(entry.path())?.take(1 << 20).read_to_end(&mut bytes)?;
            found.push((id.to_owned(), bytes));
        }
        found.sort();
        Ok(found)
    }

    fn forget(&self, request: &str) {
        let _ = fs::remove_file(self.0.join(REQUESTS).join(format!("{request}.json")));
    }

    fn is_watched(&self) -> bool {
        let Ok(entries) = fs::read_dir(self.0.join(PRESENT)) else { return false };
        let mut watched = false;
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let Ok(file) = File::open(entry.path()) else { continue };
            if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok() {
                // Whoever it was has gone without saying so.
                let _ = fs::remove_file(entry.path());
            } else {
                watched = true;
            }
        }
        watched
    }

    fn say_last(&self, words: &str) {
        self.publish(LAST_WORDS, words.as_bytes());
        if !self.0.join(LAST_WORDS).exists() {
            // The disk is full, and nothing more is written to the journal.
            let _ = fs::remove_file(self.0.join(RESERVE));
            self.publish(LAST_WORDS, words.as_bytes());
        }
    }
}

struct FileTail {
    file: File,
    reserve: PathBuf,
}

impl Tail for FileTail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.sync_all()
    }

    fn free_reserve(&mut self) {
        let _ = fs::remove_file(&self.reserve);
    }
}
