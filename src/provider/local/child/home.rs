//! The folder of a child: its files, its lock, and what follows from them.

use super::ladder::Sent;
use jiff::Timestamp;
use rustix::process::geteuid;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// How much of the output's end is shown, in bytes.
const TAIL: u64 = 4096;
/// How large the record of the end is: it is laid out before the child starts, so that a full disk cannot lose it.
const RESERVED: usize = 4096;

/// The folder of a child.
#[derive(Debug, Clone)]
pub(super) struct Home(PathBuf);

/// What the claim says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claimed {
    /// The call that claimed it.
    pub(super) call: String,
    /// What tells its request from another.
    pub(super) digest: String,
    /// When.
    pub(super) at: Timestamp,
}

/// A process, told from a later one of the same number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Process {
    /// Its number.
    pub(super) pid: u32,
    /// When it started, in ticks since the machine did; where the system says it.
    pub(super) start: Option<u64>,
    /// Which start of the machine.
    pub(super) boot: Option<String>,
}

/// That a child was about to be started.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Started {
    /// The supervisor.
    pub(super) supervisor: Process,
    /// When.
    pub(super) at: Timestamp,
}

/// How a child ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ended {
    /// What it returned.
    pub(super) exit_code: Option<i32>,
    /// The signal that ended it.
    pub(super) signal: Option<i32>,
    /// Why it never began, where it did not.
    pub(super) error: Option<String>,
    /// When.
    pub(super) at: Timestamp,
    /// How much of its output was kept.
    pub(super) out_bytes: u64,
    /// How much more there was.
    pub(super) dropped_bytes: u64,
    /// The SHA-256 of what was kept.
    pub(super) out_sha256: String,
    /// Why it was asked to end: `timeout` or `stop`.
    pub(super) asked: Option<String>,
    /// The signals that it was sent.
    pub(super) signals: Vec<Sent>,
}

/// What has become of a child.
#[derive(Debug)]
pub(super) enum State {
    /// Nothing was ever started here, and if somebody tried, it will not be any more.
    NeverStarted {
        /// Why, where somebody tried.
        why: Option<String>,
    },
    /// The engine or the supervisor is at work.
    Running {
        /// Whether the child is being started or has been.
        started: Option<Started>,
    },
    /// It has ended.
    Ended(Box<Ended>),
    /// It was started, or was about to be, and nobody saw its end.
    Lost {
        /// When it was started.
        started: Started,
    },
}

impl State {
    /// Returns its name.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::NeverStarted { .. } => "never-started",
            Self::Running { .. } => "running",
            Self::Ended(_) => "ended",
            Self::Lost { .. } => "lost",
        }
    }
}

impl Process {
    /// Returns this process.
    pub(super) fn own() -> Self {
        let pid = std::process::id();
        Self { pid, start: start_of(pid), boot: boot() }
    }

    /// Returns a process that is a child of ours, and so cannot have given its number away.
    pub(super) fn of(pid: u32) -> Self {
        Self { pid, start: start_of(pid), boot: boot() }
    }

    /// Says whether it still lives; `None` where that cannot be told.
    pub(super) fn lives(&self) -> Option<bool> {
        let start = self.start?;
        Some(boot().as_ref() == Some(self.boot.as_ref()?) && start_of(self.pid) == Some(start))
    }
}

/// Returns when a process started that is more than a name: the 22nd field, behind a name that may hold anything.
fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if fields.next()? == "Z" { None } else { fields.nth(18)?.parse().ok() }
}

fn boot() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned())
}

impl Home {
    /// Returns the home at a path.
    pub(super) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns its path.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Makes the folder, ours alone.
    ///
    /// # Errors
    /// When there is something else, or somebody else may write there.
    pub(super) fn prepare(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.0)?;
        let found = std::fs::symlink_metadata(&self.0)?;
        if !found.is_dir() || found.uid() != geteuid().as_raw() || found.mode() & 0o077 != 0 {
            return Err(io::Error::other("the folder is not ours alone (0700)"));
        }
        if let Some(parent) = self.0.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(())
    }

    /// Takes the lock; `None` when somebody has it.
    pub(super) fn lock(&self) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let file = options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
        let file = file.open(self.file("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Says whether somebody has the lock. It is touched for a moment only, and shared.
    fn is_locked(&self) -> io::Result<bool> {
        let file = match File::open(self.file("lock")) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Says whether a file is the lock of this home.
    pub(super) fn is_lock(&self, file: &File) -> io::Result<bool> {
        let (ours, theirs) = (std::fs::symlink_metadata(self.file("lock"))?, file.metadata()?);
        Ok(ours.dev() == theirs.dev() && ours.ino() == theirs.ino())
    }

    /// Says whether somebody has claimed it.
    pub(super) fn is_claimed(&self) -> io::Result<bool> {
        self.file("claimed").try_exists()
    }

    /// Claims it, once and for ever: false when somebody has before.
    pub(super) fn claim(&self, claimed: &Claimed) -> io::Result<bool> {
        let mut options = OpenOptions::new();
        let mut file = match options.write(true).create_new(true).mode(0o600).open(self.file("claimed")) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
            Err(error) => return Err(error),
        };
        file.write_all(&serde_json::to_vec(claimed)?)?;
        file.sync_all()?;
        self.sync()?;
        Ok(true)
    }

    /// Returns who claimed it, where that was written to its end.
    pub(super) fn claimed(&self) -> Option<Claimed> {
        self.read("claimed").ok().flatten()
    }

    /// Returns the child, where its number was written.
    pub(super) fn child(&self) -> Option<Process> {
        self.read("child.json").ok().flatten()
    }

    /// Says whether a child was ever started or refused here.
    pub(super) fn is_used(&self) -> io::Result<bool> {
        Ok(self.file("started.json").try_exists()? || self.file("ended.json").try_exists()?)
    }

    /// Writes that the child is about to be started.
    pub(super) fn write_started(&self, started: &Started) -> io::Result<()> {
        self.write("started.json", started)
    }

    /// Writes the number of the child.
    pub(super) fn write_child(&self, child: &Process) -> io::Result<()> {
        self.write("child.json", child)
    }

    /// Lays out the space of the record of the end.
    pub(super) fn reserve(&self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(self.file("ended.json.new"))?;
        file.write_all(&[b' '; RESERVED])?;
        file.sync_all()?;
        self.sync()
    }

    /// Writes the record of the end, into the space that was laid out for it.
    pub(super) fn write_ended(&self, ended: &Ended) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(ended)?;
        bytes.resize(bytes.len().max(RESERVED - 1), b' ');
        bytes.push(b'\n');
        let (new, done) = (self.file("ended.json.new"), self.file("ended.json"));
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(false).mode(0o600).open(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, &done)?;
        self.sync()
    }

    /// Opens the file of the output.
    pub(super) fn create_output(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create_new(true).mode(0o600).open(self.file("out"))
    }

    /// Returns how long the output is, and its end.
    pub(super) fn output(&self) -> (u64, String) {
        let read = || -> io::Result<(u64, Vec<u8>)> {
            let mut file = File::open(self.file("out"))?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
            let mut tail = Vec::new();
            file.take(TAIL).read_to_end(&mut tail)?;
            Ok((length, tail))
        };
        let (length, tail) = read().unwrap_or_default();
        (length, String::from_utf8_lossy(&tail).into_owned())
    }

    /// Writes what may be shown of the output's end, whole or not at all.
    pub(super) fn write_shown(&self, text: &str) -> io::Result<()> {
        let (new, done) = (self.file("shown.new"), self.file("shown"));
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&new, &done)
    }

    /// Asks the supervisor to end the child.
    pub(super) fn ask_to_stop(&self) -> io::Result<()> {
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(self.file("stop"))?;
        self.sync()
    }

    /// Says whether the supervisor was asked to end the child.
    pub(super) fn is_to_stop(&self) -> bool {
        self.file("stop").exists()
    }

    /// Returns what has become of the child.
    ///
    /// # Errors
    /// When the files cannot be read: then nothing is known.
    pub(super) fn state(&self) -> io::Result<State> {
        if let Some(state) = self.end()? {
            return Ok(state);
        }
        if !self.is_claimed()? {
            return Ok(State::NeverStarted { why: None });
        }
        if self.is_locked()? {
            return Ok(State::Running { started: self.read("started.json")? });
        }
        // The lock was free after the claim: what is there now is all that will ever be there.
        if let Some(state) = self.end()? {
            return Ok(state);
        }
        Ok(match self.read("started.json")? {
            Some(started) => State::Lost { started },
            None => {
                State::NeverStarted { why: Some("the start was broken off before anything ran".to_owned()) }
            }
        })
    }

    fn end(&self) -> io::Result<Option<State>> {
        let ended: Option<Ended> = self.read("ended.json")?;
        Ok(ended.map(|ended| match ended.error {
            Some(why) => State::NeverStarted { why: Some(why) },
            None => State::Ended(Box::new(ended)),
        }))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        match std::fs::read(self.file(name)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes a file so that it is there whole or not at all, whatever happens.
    fn write(&self, name: &str, record: &impl Serialize) -> io::Result<()> {
        let new = self.file(&format!("{name}.new"));
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(record)?)?;
        file.sync_all()?;
        std::fs::rename(&new, self.file(name))?;
        self.sync()
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}
