//! A disk that forgets: what was not synced is torn or lost at a crash, and any operation can be made to fail.
//!
//! The journal is kept twice: as processes see it, and as it would be found after the power went. Whole files that were
//! `put` are there when that returned; what was published, and that a request was forgotten, may be undone by a crash.

use lifeboat::engine::folder::{Folder, JOURNAL, PLAN, PROGRESS, Tail};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The disk is full from then on, but for what was kept free for emergencies.
    Full,
    /// An error of input or output, this once; what was not synced then never reaches the disk.
    Broken,
}

#[derive(Debug, Default)]
struct Inner {
    /// Files that are on disk.
    files: BTreeMap<String, Vec<u8>>,
    /// Files that may be lost.
    published: BTreeMap<String, Vec<u8>>,
    /// The journal as a process sees it, and as it is on disk.
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// Parts of what is seen that the disk has lost although it says nothing of it any more.
    lost: Vec<(usize, usize)>,
    /// How much of the journal somebody was told to be on disk.
    acknowledged: Vec<u8>,
    requests: BTreeMap<String, Vec<u8>>,
    /// Requests that were removed, and may be there again after a crash.
    removed: Vec<(String, Vec<u8>)>,
    /// Intents that a deferring disk keeps back.
    kept_back: Vec<u8>,
    operations: u64,
    fails: Option<(u64, Failure)>,
    /// Whether the failure has happened.
    failed: bool,
    full: bool,
    reserve: bool,
    violations: Vec<String>,
    last_words: String,
}

/// The disk under the folder of one run.
#[derive(Debug)]
pub(crate) struct SimDisk {
    inner: Mutex<Inner>,
    /// Whether intents reach the disk only with the line after them: what the engine must never do.
    deferred: bool,
    watched: bool,
}

/// A small stream of numbers by a seed.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    pub(crate) fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Says yes `percent` times in a hundred.
    pub(crate) fn hits(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

impl SimDisk {
    pub(crate) fn new(plan: &[u8]) -> Arc<Self> {
        Self::with(plan, false, true)
    }

    pub(crate) fn with(plan: &[u8], deferred: bool, watched: bool) -> Arc<Self> {
        let mut inner = Inner::default();
        inner.files.insert(PLAN.to_owned(), plan.to_vec());
        Arc::new(Self { inner: Mutex::new(inner), deferred, watched })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nobody panics while holding the disk")
    }

    /// Lets the `nth` operation from now on fail, from 1.
    pub(crate) fn fail(&self, nth: u64, how: Failure) {
        let mut inner = self.lock();
        inner.fails = Some((inner.operations + nth, how));
        inner.failed = false;
    }

    /// Says whether the failure that was asked for has happened.
    pub(crate) fn has_failed(&self) -> bool {
        self.lock().failed
    }

    /// Heals the disk: there is room again.
    pub(crate) fn heal(&self) {
        let mut inner = self.lock();
        inner.fails = None;
        inner.full = false;
    }

    /// Lets the power go: of what was not synced a part survives, the rest is lost or torn.
    pub(crate) fn crash(&self, seed: u64) {
        let mut dice = Dice::new(seed);
        let mut inner = self.lock();
        inner.kept_back.clear();
        let synced = inner.durable.len().min(inner.seen.len());
        let unsynced = inner.seen[synced..].to_vec();
        let mut after = inner.durable.clone();
        let survives = usize::try_from(dice.below(unsynced.len() as u64 + 1)).expect("it is small");
        after.extend(&unsynced[..survives]);
        if dice.hits(25) {
            // The length reached the disk, the bytes did not.
            after.extend(std::iter::repeat_n(0, unsynced.len() - survives));
        }
        inner.seen.clone_from(&after);
        inner.durable = after;
        inner.lost.clear();
        inner.published.retain(|_, _| dice.hits(50));
        for (name, bytes) in std::mem::take(&mut inner.removed) {
            if dice.hits(50) {
                inner.requests.insert(name, bytes);
            }
        }
    }

    /// Ends a process, and nothing else: what it has written is there.
    pub(crate) fn kill(&self) {
        self.lock().kept_back.clear();
    }

    /// Leaves a request; it is on disk when this returns.
    pub(crate) fn leave(&self, name: &str, bytes: &[u8]) {
        self.lock().requests.insert(name.to_owned(), bytes.to_vec());
    }

    /// Returns the journal as it is on disk.
    pub(crate) fn durable(&self) -> Vec<u8> {
        self.lock().durable.clone()
    }

    /// Returns the journal as processes see it.
    pub(crate) fn journal(&self) -> Vec<u8> {
        self.lock().seen.clone()
    }

    /// Changes the journal behind everybody's back.
    pub(crate) fn set_journal(&self, bytes: &[u8]) {
        let mut inner = self.lock();
        inner.seen = bytes.to_vec();
        inner.durable = bytes.to_vec();
        inner.acknowledged.clear();
    }

    /// Returns why an executor has ended that could not write that into its journal.
    pub(crate) fn last_words(&self) -> String {
        self.lock().last_words.clone()
    }

    /// Returns how many operations there were.
    pub(crate) fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Returns what went wrong with the disk itself: acknowledged bytes that somebody cut or overwrote.
    pub(crate) fn violations(&self) -> Vec<String> {
        let inner = self.lock();
        let mut found = inner.violations.clone();
        if !self.deferred && !inner.seen.starts_with(&inner.acknowledged) {
            found.push("lines that were acknowledged are gone".to_owned());
        }
        found
    }
}

impl Inner {
    /// Counts an operation, and fails it where that was asked for.
    fn operate(&mut self, emergency: bool) -> io::Result<()> {
        self.operations += 1;
        if let Some((_, how)) = self.fails.filter(|(nth, _)| *nth == self.operations) {
            match how {
                Failure::Full => self.full = true,
                Failure::Broken => {
                    self.failed = true;
                    return Err(io::Error::from_raw_os_error(5));
                }
            }
        }
        if self.full && !emergency {
            self.failed = true;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }
}

/// The folder of a run on such a disk.
#[derive(Debug, Clone)]
pub(crate) struct SimFolder(pub(crate) Arc<SimDisk>);

impl Folder for SimFolder {
    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let inner = self.0.lock();
        if name == JOURNAL {
            return Ok(Some(inner.seen.clone()).filter(|seen| !seen.is_empty()));
        }
        Ok(inner.files.get(name).or_else(|| inner.published.get(name)).cloned())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.0.lock();
        let done = inner.operate(false);
        // What failed may be there all the same, whole.
        if done.is_ok() || inner.operations.is_multiple_of(2) {
            if name == JOURNAL {
                if done.is_ok() && !bytes.starts_with(&inner.acknowledged) {
                    inner
                        .violations
                        .push("a journal was written that lacks what was acknowledged".to_owned());
                }
                // A new file has its own place: nothing of the old one is lost in it.
                inner.seen = bytes.to_vec();
                inner.durable = bytes.to_vec();
                inner.lost.clear();
                if done.is_ok() && !self.0.deferred {
                    inner.acknowledged = bytes.to_vec();
                }
                return done;
            }
            inner.files.insert(name.to_owned(), bytes.to_vec());
        }
        done
    }

    fn publish(&self, name: &str, bytes: &[u8]) {
        assert_eq!(name, PROGRESS, "nothing else may be lost");
        self.0.lock().published.insert(name.to_owned(), bytes.to_vec());
    }

    fn tail(&self) -> io::Result<Box<dyn Tail>> {
        let mut inner = self.0.lock();
        inner.operate(false)?;
        inner.reserve = true;
        Ok(Box::new(SimTail(self.0.clone())))
    }

    fn requests(&self) -> io::Result<Vec<(String, Vec<u8>)>> {
        let inner = self.0.lock();
        Ok(inner.requests.iter().map(|(name, bytes)| (name.clone(), bytes.clone())).collect())
    }

    fn forget(&self, request: &str) {
        let mut inner = self.0.lock();
        if let Some(bytes) = inner.requests.remove(request) {
            inner.removed.push((request.to_owned(), bytes));
        }
    }

    fn is_watched(&self) -> bool {
        self.0.watched
    }

    fn say_last(&self, words: &str) {
        words.clone_into(&mut self.0.lock().last_words);
    }
}

struct SimTail(Arc<SimDisk>);

impl Tail for SimTail {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.0.lock();
        let emergency = !inner.reserve;
        if let Err(error) = inner.operate(emergency) {
            // Half of it stands there.
            inner.seen.extend(&bytes[..bytes.len() / 2]);
            return Err(error);
        }
        let is_intent = bytes.windows(18).any(|window| window == br#""event":"intended""#);
        if self.0.deferred && is_intent {
            inner.kept_back = bytes.to_vec();
            return Ok(());
        }
        let kept = std::mem::take(&mut inner.kept_back);
        inner.seen.extend(kept);
        inner.seen.extend(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.0.lock();
        let synced = inner.durable.len();
        // What could be written has its place already.
        if let Err(error) = inner.operate(true) {
            // The kernel forgets that these bytes were never written.
            let range = (synced, inner.seen.len());
            inner.lost.push(range);
            return Err(error);
        }
        let mut durable = inner.seen.clone();
        for (from, to) in &inner.lost {
            for byte in durable.iter_mut().take(*to).skip(*from) {
                *byte = 0;
            }
        }
        inner.durable = durable;
        if !self.0.deferred {
            let before = std::mem::take(&mut inner.acknowledged);
            if !inner.durable.starts_with(&before) {
                inner.violations.push("lines that were acknowledged were overwritten".to_owned());
            }
            let durable = inner.durable.clone();
            inner.acknowledged = durable;
        }
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let mut inner = self.0.lock();
        let length = usize::try_from(length).expect("it is small");
        // A file can be cut on a full disk.
        inner.operate(true)?;
        if length < inner.acknowledged.len() {
            inner.violations.push(format!("{length} bytes are left of the journal, more were acknowledged"));
        }
        inner.seen.truncate(length);
        // What is not part of the file any more cannot be missing from it.
        inner.lost.retain(|(from, _)| *from < length);
        let seen = inner.seen.clone();
        inner.durable = seen;
        Ok(())
    }

    fn free_reserve(&mut self) {
        self.0.lock().reserve = false;
    }
}
