//! The world's file: made once, shared by every process, whole at every moment.

use super::fault::FaultSpec;
use super::generate;
use super::log::Log;
use super::scenario::{self, Scenario};
use super::world::{Event, Happening, Planted, VERSION, World};
use crate::domain::duration::{after, before};
use crate::domain::estate::Estate;
use crate::domain::ids::EnvironmentName;
use crate::domain::text::harmless;
use crate::failure::{Failure, FailureKind};
use jiff::{SignedDuration, Timestamp};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A world of which nothing was read or changed for so long in real time is begun anew.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// How long a session lasts after it began to run out.
pub(super) const SESSION_LEFT: Duration = Duration::from_secs(12 * 60);

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
    cached: Mutex<Cached>,
}

/// A world as it was last read.
#[derive(Debug)]
pub(super) struct Cached {
    /// The file's inode and size.
    stamp: (u64, u64),
    /// The world.
    pub(super) world: Arc<World>,
    /// The log of what was done to it.
    pub(super) log: Log,
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
        let _lock = lock(&path).map_err(|error| failed("lock", &error))?;
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
        if made {
            Log::forget_others(&path, world.born.as_str());
        }
        let file = Self::of(path.clone(), world).map_err(|error| failed("read", &error))?;
        Ok((file, made))
    }

    fn of(path: PathBuf, world: World) -> std::io::Result<Self> {
        let log = Log::of(&path, world.born.as_str());
        let stamp = stamp(&path)?;
        Ok(Self { cached: Mutex::new(Cached { stamp, world: Arc::new(world), log }), path })
    }

    /// Returns the world as it is now. When the file is gone or broken, the world as it was last read.
    pub fn current(&self) -> Arc<World> {
        let mut cached = self.cached();
        // What is in the log is added as soon as it can be read; until then the world is as it was.
        let _ = self.refresh(&mut cached);
        cached.world.clone()
    }

    pub(super) fn cached(&self) -> MutexGuard<'_, Cached> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what has changed.
    pub(super) fn refresh(&self, cached: &mut Cached) -> std::io::Result<()> {
        // The file is only ever replaced, so another inode or size means another world.
        if let Ok(stamp) = stamp(&self.path)
            && stamp != cached.stamp
            && let Ok(mut world) = read(&self.path)
        {
            if world.born == cached.world.born {
                world.deeds.clone_from(&cached.world.deeds);
            } else {
                cached.log = Log::of(&self.path, world.born.as_str());
            }
            (cached.stamp, cached.world) = (stamp, Arc::new(world));
        }
        let news = cached.log.news()?;
        if !news.is_empty() {
            let world = Arc::make_mut(&mut cached.world);
            for deed in news {
                world.deeds.fold(deed);
            }
        }
        Ok(())
    }

    /// Takes the lock under which the world is changed.
    pub(super) fn lock(&self) -> std::io::Result<File> {
        lock(&self.path)
    }

    /// Says that the world is in use.
    pub(super) fn touch(&self, now: Timestamp) {
        touch(&self.path, now);
    }

    /// Moves the world's clock on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn advance(&self, span: Duration) -> Result<(), Failure> {
        self.rewrite(|world, now| {
            let virtual_time = after(world.clock.at(now), span);
            world.clock.real = now;
            world.clock.virtual_time = virtual_time;
        })
    }

    /// Lets something go wrong with calls from now on.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn fault(&self, spec: FaultSpec) -> Result<(), Failure> {
        self.rewrite(|world, _| {
            let id = world.faults.iter().map(|planted| planted.id + 1).max().unwrap_or(0);
            world.faults.push(Planted { id, spec });
        })
    }

    /// Lets nothing go wrong any more that a scenario or [`Self::fault`] asked for.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn mend(&self) -> Result<(), Failure> {
        self.rewrite(|world, now| {
            let now = world.clock.at(now);
            for planted in &mut world.faults {
                planted.spec.until = Some(planted.spec.until.map_or(now, |until| until.min(now)));
            }
        })
    }

    /// Lets the session of an environment end in so long.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn end_session(&self, environment: &EnvironmentName, within: Duration) -> Result<(), Failure> {
        self.rewrite(|world, now| {
            let ends = after(world.clock.at(now), within);
            let what = Happening::SessionEnds(environment.clone());
            world.events.push(Event { at: before(ends, SESSION_LEFT), what });
        })
    }

    /// Changes the world in its file.
    fn rewrite(&self, change: impl FnOnce(&mut World, Timestamp)) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::of(format!("cannot change the sandbox's world {}", self.path.display()), &error)
        };
        let _lock = self.lock().map_err(failed)?;
        let mut cached = self.cached();
        self.refresh(&mut cached).map_err(failed)?;
        let mut world = World::clone(&cached.world);
        change(&mut world, Timestamp::now());
        write(&self.path, &world).map_err(failed)?;
        self.refresh(&mut cached).map_err(failed)
    }
}

/// Returns the time outside.
pub(super) fn real_now() -> Timestamp {
    Timestamp::now()
}

fn stamp(path: &Path) -> std::io::Result<(u64, u64)> {
    fs::metadata(path).map(|meta| (meta.ino(), meta.size()))
}

fn lock(path: &Path) -> std::io::Result<File> {
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path.with_extension("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
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
