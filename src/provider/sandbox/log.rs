//! The log of acts beside a world's file: one act a line, and only ever longer.
//!
//! Whoever appends holds the world's lock. A line without its end is an act that never happened: readers leave it out,
//! and the next act is written over it.

use super::deeds::Deed;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the name of every log ends with.
const ENDING: &str = "-acts.jsonl";

/// A log, read up to some line.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    read_to: u64,
}

impl Log {
    /// Returns the log of the world in the file `world` that was born as `born`, not read yet.
    pub(super) fn of(world: &Path, born: &str) -> Self {
        Self { path: world.with_file_name(format!("{}-{born}{ENDING}", stem(world))), read_to: 0 }
    }

    /// Returns the acts that were added since it was last read.
    ///
    /// # Errors
    /// When it cannot be read, or a whole line in it is none of ours.
    pub(super) fn news(&mut self) -> io::Result<Vec<Deed>> {
        let length = match fs::metadata(&self.path) {
            Ok(meta) => meta.len(),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        if length <= self.read_to {
            return Ok(Vec::new());
        }
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read_to))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else { return Ok(Vec::new()) };
        let whole = bytes.get(..end).unwrap_or_default();
        let deeds: Result<Vec<Deed>, _> =
            whole.split(|byte| *byte == b'\n').map(serde_json::from_slice).collect();
        let deeds = deeds.map_err(io::Error::other)?;
        self.read_to += u64::try_from(end).unwrap_or(0) + 1;
        Ok(deeds)
    }

    /// Adds an act behind the last whole line that was read, which has to be the last there is.
    ///
    /// # Errors
    /// When it cannot be written; then the log is as it was.
    pub(super) fn append(&self, deed: &Deed) -> io::Result<()> {
        let mut line = serde_json::to_vec(deed).map_err(io::Error::other)?;
        line.push(b'\n');
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(&self.path)?;
        if file.metadata()?.len() > self.read_to {
            file.set_len(self.read_to)?;
        }
        file.seek(SeekFrom::Start(self.read_to))?;
        let written = file.write_all(&line);
        if written.is_err() {
            // Half a line would be left out anyway.
            let _ = file.set_len(self.read_to);
        }
        written
    }

    /// Removes the logs of the worlds that lay in the file `world` before the one born as `born`.
    pub(super) fn forget_others(world: &Path, born: &str) {
        let own = Self::of(world, born).path;
        let begins = format!("{}-", stem(world));
        let Some(entries) = world.parent().and_then(|folder| fs::read_dir(folder).ok()) else { return };
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| *path != own) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let between = name.strip_prefix(&begins).and_then(|rest| rest.strip_suffix(ENDING));
            if between.is_some_and(|born| born.bytes().all(|byte| byte.is_ascii_hexdigit())) {
                // What stays is read by nobody.
                let _ = fs::remove_file(path);
            }
        }
    }
}

fn stem(world: &Path) -> String {
    world.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
