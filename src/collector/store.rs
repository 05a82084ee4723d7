//! Readings on disk: one line each, shared by every process, bounded, and readable after a crash at any moment.
//!
//! The file is JSON Lines. A line is either a whole reading or says that a value was read again and was the same. A
//! line that does not parse is skipped: it was torn by a crash, and a reading is only ever a copy of the world.
//! Appending and compaction hold a lock on a file beside it; compaction replaces the file as a whole.

use crate::domain::reading::{Reading, ReadingKey, Readings};
use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The version of a line.
const VERSION: u32 = 1;
/// The longest line that is read.
const LONGEST_LINE: u64 = 256 << 20;
/// The file is compacted when it is larger than this and than [`GROWTH`] times what it was after the last time.
const SMALL: u64 = 4 << 20;
const GROWTH: u64 = 3;

#[derive(Deserialize)]
struct Line {
    v: u32,
    key: ReadingKey,
    reading: Option<Reading>,
    again: Option<Again>,
}

/// A line on its way to the file.
#[derive(Serialize)]
struct LineOut<'a> {
    v: u32,
    key: &'a ReadingKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    reading: Option<&'a Reading>,
    #[serde(skip_serializing_if = "Option::is_none")]
    again: Option<Again>,
}

/// The value of the line before was read again and was the same.
#[derive(Serialize, Deserialize)]
struct Again {
    read_at: Timestamp,
    unmoved_since: Timestamp,
}

/// The readings of one estate in one reality.
#[derive(Debug)]
pub struct ReadingsStore {
    path: PathBuf,
    lock: Arc<File>,
    /// What the file holds of each key, as far as this process has read or written it.
    known: BTreeMap<ReadingKey, Arc<Reading>>,
    /// Up to where this process has read the file, and which file that was.
    read_to: u64,
    inode: u64,
    compacted_size: u64,
}

impl ReadingsStore {
    /// Opens the readings called `name` in `folder` and returns them with the store.
    ///
    /// # Errors
    /// When the files cannot be opened or read.
    pub fn open(folder: &Path, name: &str) -> io::Result<(Self, Readings)> {
        let path = folder.join(format!("{name}.jsonl"));
        let lock = Arc::new(open(&path.with_extension("lock"))?);
        drop(open(&path)?);
        let mut store = Self { path, lock, known: BTreeMap::new(), read_to: 0, inode: 0, compacted_size: 0 };
        let mut readings = Readings::default();
        for (key, reading) in store.news()? {
            readings.put(key, reading);
        }
        Ok((store, readings))
    }

    /// Returns what was written to the file since it was last looked at, by whichever process.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn news(&mut self) -> io::Result<Vec<(ReadingKey, Arc<Reading>)>> {
        let _held = Held::take(&self.lock, FlockOperation::LockShared)?;
        self.catch_up()
    }

    fn catch_up(&mut self) -> io::Result<Vec<(ReadingKey, Arc<Reading>)>> {
        let mut file = open(&self.path)?;
        let meta = file.metadata()?;
        if meta.ino() != self.inode || meta.size() < self.read_to {
            self.inode = meta.ino();
            self.read_to = 0;
        }
        if meta.size() == self.read_to {
            return Ok(Vec::new());
        }
        file.seek(SeekFrom::Start(self.read_to))?;
        let mut reader = BufReader::new(file.take(meta.size() - self.read_to));
        let mut news = BTreeMap::new();
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let read = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                break;
            }
            self.read_to += read as u64;
            let Some((key, reading)) = self.line(&bytes) else { continue };
            let reading = Arc::new(reading);
            self.known.insert(key.clone(), reading.clone());
            news.insert(key, reading);
        }
        Ok(news.into_iter().collect())
    }

    /// Reads one line; `None` when it is torn or of a version that we do not know.
    fn line(&self, bytes: &[u8]) -> Option<(ReadingKey, Reading)> {
        let line: Line = serde_json::from_slice(bytes).ok()?;
        if line.v != VERSION {
            return None;
        }
        match (line.reading, line.again) {
            (Some(reading), _) => Some((line.key, reading)),
            (None, Some(again)) => {
                let mut reading = self.known.get(&line.key)?.as_ref().clone();
                let held = reading.held.as_mut()?;
                held.read_at = again.read_at;
                held.unmoved_since = again.unmoved_since;
                reading.failed = None;
                Some((line.key, reading))
            }
            (None, None) => None,
        }
    }

    /// Appends `fresh` and compacts the file when it has grown.
    ///
    /// # Errors
    /// When the file cannot be written; what was there stays.
    pub fn keep(&mut self, fresh: &[(ReadingKey, Arc<Reading>)]) -> io::Result<()> {
        if fresh.is_empty() {
            return Ok(());
        }
        let _held = Held::take(&self.lock, FlockOperation::LockExclusive)?;
        let kept = self.append(fresh);
        if kept.is_err() {
            // What the file holds now is not what we thought; it is read again from its beginning.
            self.known.clear();
            self.read_to = 0;
        }
        kept
    }

    fn append(&mut self, fresh: &[(ReadingKey, Arc<Reading>)]) -> io::Result<()> {
        self.catch_up()?;
        let mut file = open(&self.path)?;
        let size = file.metadata()?.size();
        let torn = size > 0 && !ends_with_newline(&mut file, size)?;
        file.seek(SeekFrom::End(0))?;
        // Line by line: a hundred thousand points are never in memory once more as text.
        let mut out = io::BufWriter::new(file);
        if torn {
            // A crash tore the last line. It stays as it is; ours begins on a line of its own.
            out.write_all(b"\n")?;
        }
        for (key, reading) in fresh {
            let known = self.known.get(key);
            if known.is_some_and(|known| known.attempted_at() >= reading.attempted_at()) {
                continue; // another process was faster
            }
            let same = known.and_then(|known| known.held.as_ref()).zip(reading.held.as_ref());
            let again = same.filter(|(known, held)| reading.failed.is_none() && known.fact == held.fact);
            let line = LineOut {
                v: VERSION,
                key,
                reading: again.is_none().then_some(reading.as_ref()),
                again: again
                    .map(|(_, held)| Again { read_at: held.read_at, unmoved_since: held.unmoved_since }),
            };
            serde_json::to_writer(&mut out, &line).map_err(io::Error::other)?;
            out.write_all(b"\n")?;
            self.known.insert(key.clone(), reading.clone());
        }
        let size = out.into_inner().map_err(io::IntoInnerError::into_error)?.metadata()?.size();
        self.read_to = size;
        if size > SMALL && size > self.compacted_size * GROWTH {
            self.compact()?;
        }
        Ok(())
    }

    /// Writes the newest line of each key to a new file and puts it in the place of the old one.
    fn compact(&mut self) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let file = tempfile::Builder::new().prefix(".readings").tempfile_in(folder)?;
        let mut writer = io::BufWriter::new(file);
        for (key, reading) in &self.known {
            let line = LineOut { v: VERSION, key, reading: Some(reading.as_ref()), again: None };
            serde_json::to_writer(&mut writer, &line).map_err(io::Error::other)?;
            writer.write_all(b"\n")?;
        }
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        let meta = file.as_file().metadata()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()?;
        (self.inode, self.read_to, self.compacted_size) = (meta.ino(), meta.size(), meta.size());
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags)
        .open(path)
}

fn ends_with_newline(file: &mut File, size: u64) -> io::Result<bool> {
    file.seek(SeekFrom::Start(size - 1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// A lock that is held until it is dropped.
struct Held(Arc<File>);

impl Held {
    fn take(file: &Arc<File>, how: FlockOperation) -> io::Result<Self> {
        loop {
            match flock(file, how) {
                Ok(()) => return Ok(Self(file.clone())),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Removes the readings called `name`: of a sandbox world that was begun anew.
pub fn forget(folder: &Path, name: &str) {
    for extension in ["jsonl", "lock"] {
        let _ = fs::remove_file(folder.join(format!("{name}.{extension}")));
    }
}
