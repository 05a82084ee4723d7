//! The world's file: made once, shared by every process, whole at every moment.

use super::generate;
use super::scenario::{self, Scenario};
use super::world::{VERSION, World};
use crate::domain::estate::Estate;
use crate::domain::text::harmless;
use crate::failure::{Failure, FailureKind};
use jiff::{SignedDuration, Timestamp};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A world of which nothing was read or changed for so long in real time is begun anew.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// How a world is opened.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opening {
    /// How many of its seconds pass in a real one; the world's own speed if `None`.
    pub speed: Option<f64>,
    /// Where its clock starts when it is made; now if `None`.
    pub start: Option<Timestamp>,
    /// Whether to begin anew.
    pub fresh: bool,
}

/// A world's file and the world as it was last read from it.
#[derive(Debug)]
pub struct WorldFile {
    path: PathBuf,
    cached: Mutex<(u64, i64, Arc<World>)>,
}

impl WorldFile {
    /// Opens the world of `estate` in `scenario` by `seed`, making it where there is none. Says whether it was made.
    ///
    /// # Errors
    /// When there is no such scenario, or the file cannot be read or written.
    pub fn open(
        folder: &Path,
        estate: &Estate,
        scenario: &str,
        seed: u64,
        opening: Opening,
    ) -> Result<(Self, bool), Failure> {
        let Some(scenario) = Scenario::named(scenario) else {
            let says = format!("there is no scenario `{}`", harmless(scenario));
            return Err(
                Failure::new(FailureKind::Usage, says).hint(format!("there are: {}", scenario::names()))
            );
        };
        let path = folder.join(format!("{}-{}-{seed}.json", short_name(estate), scenario.name));
        let failed = |what: &str, error: &dyn std::error::Error| {
            Failure::of(format!("cannot {what} the sandbox's world {}", path.display()), error)
        };
        // Whoever holds the lock makes or changes the world; the file itself is only ever replaced as a whole.
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
            .open(path.with_extension("lock"))
            .map_err(|error| failed("lock", &error))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|error| failed("lock", &error))?;
        let now = Timestamp::now();
        let known = if opening.fresh { None } else { read(&path).ok().filter(|_| !is_forgotten(&path, now)) };
        let made = known.is_none();
        let mut world = match known {
            Some(world) => world,
            None => generate::world(estate, scenario, seed, opening, now),
        };
        let grown = generate::grow(&mut world, estate);
        let virtual_now = world.clock.at(now);
        if let Some(speed) = opening.speed
            && (speed - world.clock.speed).abs() > f64::EPSILON
        {
            world.clock.real = now;
            world.clock.virtual_time = virtual_now;
            world.clock.speed = speed;
        } else if !made && !grown {
            touch(&path, now);
            let file = Self::of(path.clone(), world).map_err(|error| failed("read", &error))?;
            return Ok((file, false));
        }
        write(&path, &world).map_err(|error| failed("write", &error))?;
        let file = Self::of(path.clone(), world).map_err(|error| failed("read", &error))?;
        Ok((file, made))
    }

    fn of(path: PathBuf, world: World) -> std::io::Result<Self> {
        let meta = fs::metadata(&path)?;
        Ok(Self { cached: Mutex::new((meta.ino(), meta.size().cast_signed(), Arc::new(world))), path })
    }

    /// Returns the world as it is now. When the file is gone or broken, the world as it was last read.
    pub fn current(&self) -> Arc<World> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        // The file is only ever replaced, so another inode or size means another world.
        if let Ok(meta) = fs::metadata(&self.path) {
            let stamp = (meta.ino(), meta.size().cast_signed());
            if stamp != (cached.0, cached.1)
                && let Ok(world) = read(&self.path)
            {
                *cached = (stamp.0, stamp.1, Arc::new(world));
            }
        }
        cached.2.clone()
    }
}

fn short_name(estate: &Estate) -> String {
    let name: String =
        estate.name.as_str().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(24).collect();
    // Two estates of one name have worlds of their own.
    let mut hash = Sha256::new();
    hash.update(estate.name.as_str().as_bytes());
    for component in &estate.components {
        hash.update(component.environment.as_str().as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    let tail: String = digest.iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    format!("{name}-{tail}")
}

fn is_forgotten(path: &Path, now: Timestamp) -> bool {
    let touched = fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let touched = touched.and_then(|time| Timestamp::try_from(time).ok());
    touched.is_none_or(|touched| now.duration_since(touched) > FORGOTTEN_AFTER)
}

fn touch(path: &Path, now: Timestamp) {
    // Only a hint for `is_forgotten`; a read-only folder is no reason to fail.
    if let Ok(file) = OpenOptions::new().append(true).open(path) {
        let _ = file.set_modified(now.into());
    }
}

fn read(path: &Path) -> std::io::Result<World> {
    let bytes = fs::read(path)?;
    let world: World = serde_json::from_slice(&bytes).map_err(std::io::Error::other)?;
    if world.version == VERSION { Ok(world) } else { Err(std::io::Error::other("another version")) }
}

fn write(path: &Path, world: &World) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".world").tempfile_in(folder)?;
    file.write_all(&serde_json::to_vec(world).map_err(std::io::Error::other)?)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
