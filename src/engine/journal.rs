//! The journal of a run, as its executor writes it: a line is on disk before anything that follows from it.

use super::fault::{Faults, Killed};
use super::folder::{Folder, JOURNAL, Tail};
use super::line::{self, Actor, Head};
use super::replay::{self, Broken, Read};
use crate::runbook::event::Event;
use crate::runbook::state::Illegal;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::io;
use std::sync::Arc;

/// Why nothing more can be written: whoever holds this stops.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// The disk refused; nothing is done that is not written down.
    #[error("the journal cannot be written, so nothing more is done")]
    Disk(#[source] io::Error),
    /// The journal cannot be relied on.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// An event could not follow: a fault of this build.
    #[error("an event could not follow: {0}")]
    Illegal(String),
    /// A test let it die.
    #[error(transparent)]
    Killed(#[from] Killed),
}

impl From<Illegal> for Halt {
    fn from(illegal: Illegal) -> Self {
        Self::Illegal(illegal.what)
    }
}

/// The proof that an event is on disk: nothing else makes one.
#[must_use = "it is the proof that something may be done"]
#[derive(Debug)]
pub struct Committed {
    seq: u64,
    event: Event,
}

impl Committed {
    /// Returns the number of its line.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Returns the event.
    pub fn event(&self) -> &Event {
        &self.event
    }
}

/// What is known of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Disk {
    /// It takes what is written.
    Sound,
    /// It has failed: nothing but the outcome of what is in flight is tried any more.
    Failed,
    /// A sync has failed: what was written may be lost, and a line after it would follow nothing.
    Lost,
}

/// A journal that is being written.
pub struct Journal {
    tail: Box<dyn Tail>,
    head: Head,
    length: u64,
    /// Whether half a line may stand at the end; it is cut off before anything else is written.
    half: bool,
    /// Whether something was written since the last sync.
    unsynced: bool,
    term: u64,
    actor: Actor,
    faults: Arc<dyn Faults>,
    disk: Disk,
}

/// The points passed when an event of this kind is written.
fn points(event: &Event) -> [&'static str; 3] {
    match event {
        Event::Intended { .. } => ["intent-unwritten", "intent-written", "intent-durable"],
        Event::Answered { .. } => ["outcome-unwritten", "outcome-written", "outcome-durable"],
        Event::TookOver { .. } => ["", "", "took-over"],
        Event::Asked { .. } => ["", "", "request-durable"],
        Event::Consented { .. } => ["", "", "consent-durable"],
        Event::Began { .. } => ["", "", "began-written"],
        Event::Observed { .. } => ["", "", "observed-durable"],
        Event::Arrived { .. } => ["", "", "arrived-written"],
        Event::Ended { .. } => ["", "", "ended-written"],
        Event::Rested { .. } => ["", "", "rested"],
        _ => ["", "", ""],
    }
}

/// Says whether an event only tells what has happened already: it is written even from the reserve.
fn is_outcome(event: &Event) -> bool {
    matches!(
        event,
        Event::Answered { .. } | Event::Observed { .. } | Event::Arrived { .. } | Event::Rested { .. }
    )
}

/// Says whether an event may be lost with the machine: nothing in the world and no word to a person follows from it, and
/// whoever goes on finds it out anew.
pub(super) fn is_found_anew(event: &Event) -> bool {
    matches!(
        event,
        Event::Began { .. }
            | Event::Arrived { .. }
            | Event::Ended { .. }
            | Event::Verified { .. }
            | Event::Compared { .. }
            | Event::Identified { .. }
    )
}

impl Journal {
    /// Opens the journal in `folder`, which the caller has locked: verifies it, cuts a torn last line off, and makes sure
    /// that the rest is on disk.
    ///
    /// # Errors
    /// When a line inside is bad, or it cannot be written.
    pub fn open(folder: &dyn Folder, actor: Actor, faults: Arc<dyn Faults>) -> Result<(Self, Read), Halt> {
        let found = folder.read(JOURNAL).map_err(Halt::Disk)?;
        replay::was_never_begun(folder, found.as_deref())?;
        let bytes = found.unwrap_or_default();
        let read = replay::read(&bytes, &Head::default())?;
        if read.newer {
            return Err(Broken::Newer.into());
        }
        if !bytes.is_empty() {
            // What was read may be known to the kernel only: after a sync that failed it forgets that it was never
            // written. So it is written once more, as a whole, and without what was torn.
            let whole = usize::try_from(read.length).unwrap_or(usize::MAX);
            folder.put(JOURNAL, bytes.get(..whole).unwrap_or_default()).map_err(Halt::Disk)?;
        }
        let tail = folder.tail().map_err(Halt::Disk)?;
        let term = read.lines.last().map_or(0, |line| line.term) + 1;
        let (head, length) = (read.head.clone(), read.length);
        let journal =
            Self { tail, head, length, half: false, unsynced: false, term, actor, faults, disk: Disk::Sound };
        Ok((journal, read))
    }

    /// Returns which executor writes it, counted from 1.
    pub fn term(&self) -> u64 {
        self.term
    }

    /// Returns where it stands.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Names the identity that acts from now on.
    pub fn acts_as(&mut self, identity: crate::domain::Text) {
        self.actor.identity = Some(identity);
    }

    /// Writes an event; it is on disk when this returns, with everything that was noted before it.
    ///
    /// # Errors
    /// When it is not: then nothing that follows from it may be done, and nothing more is written but the outcome of what
    /// is in flight.
    pub fn append(&mut self, event: Event, at: Timestamp) -> Result<Committed, Halt> {
        self.add(&event, at)?;
        self.flush()?;
        let [_, _, durable] = points(&event);
        self.pass(durable)?;
        self.halted()?;
        Ok(Committed { seq: self.head.seq, event })
    }

    /// Writes an event that may be lost with the machine, because it would be found out anew: it is on disk when the next
    /// one is appended, or [`Self::flush`] returns.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn note(&mut self, event: &Event, at: Timestamp) -> Result<(), Halt> {
        self.add(event, at)?;
        let [_, _, written] = points(event);
        self.pass(written)?;
        self.halted()
    }

    /// Returns when everything written is on disk.
    ///
    /// # Errors
    /// When nobody knows that: then nothing more is relied on.
    pub fn flush(&mut self) -> Result<(), Halt> {
        if std::mem::take(&mut self.unsynced)
            && let Err(error) = self.tail.sync()
        {
            // What was written may be lost although a later sync succeeds.
            self.disk = Disk::Lost;
            self.tail.free_reserve();
            return Err(Halt::Disk(error));
        }
        Ok(())
    }

    fn add(&mut self, event: &Event, at: Timestamp) -> Result<(), Halt> {
        let [unwritten, written, _] = points(event);
        self.pass(unwritten)?;
        if self.disk == Disk::Lost || self.disk == Disk::Failed && (!is_outcome(event) || self.head.seq == 0)
        {
            return Err(Halt::Disk(io::Error::other("the disk has failed before")));
        }
        let (line, head) = line::encode(&self.head, at, self.term, &self.actor, event)
            .map_err(|error| Halt::Illegal(error.to_string()))?;
        let bytes = line.as_bytes();
        if bytes.len() > line::LONGEST + 1 {
            // Nobody could read the journal any more.
            return Err(Halt::Illegal(format!("its line would have {} bytes", bytes.len())));
        }
        if let Err(error) = self.write(bytes) {
            self.disk = Disk::Failed;
            // Without the half line that may stand there the next one can be written whole.
            let mended = self.mend();
            self.tail.free_reserve();
            if !is_outcome(event) || self.head.seq == 0 || mended.is_err() {
                return Err(Halt::Disk(error));
            }
            self.write(bytes).map_err(Halt::Disk)?;
        }
        self.unsynced = true;
        self.pass(written)?;
        self.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.head = head;
        Ok(())
    }

    fn halted(&mut self) -> Result<(), Halt> {
        if self.disk != Disk::Sound {
            self.flush()?;
            return Err(Halt::Disk(io::Error::other("the disk is full; what was in flight is written down")));
        }
        Ok(())
    }

    /// Writes nothing more from now on but the outcome of what is in flight.
    pub fn stop(&mut self) {
        self.disk = self.disk.max(Disk::Failed);
        self.tail.free_reserve();
    }

    /// Says whether the outcome of what is in flight can still be written.
    pub fn takes_outcomes(&self) -> bool {
        self.disk != Disk::Lost && self.head.seq > 0
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.mend()?;
        self.half = true;
        self.tail.write(bytes)?;
        self.half = false;
        Ok(())
    }

    fn mend(&mut self) -> io::Result<()> {
        if self.half {
            self.tail.cut(self.length)?;
            self.half = false;
        }
        Ok(())
    }

    fn pass(&self, point: &'static str) -> Result<(), Killed> {
        if point.is_empty() { Ok(()) } else { self.faults.pass(point) }
    }
}

/// Returns the SHA-256 of bytes in lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    crate::runbook::call::hex(&Sha256::digest(bytes))
}
