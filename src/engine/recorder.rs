//! The journal and the state that follows from it, kept in step: an event counts when it is on disk, not before.

use super::folder::Folder;
use super::journal::{self, Committed, Halt, Journal, sha256};
use super::line;
use super::time::Time;
use crate::domain::Text;
use crate::runbook::event::{Event, SideFile};
use crate::runbook::state::RunState;
use std::cell::{Ref, RefCell};
use std::sync::Arc;

/// What the parts of an executor write through.
pub(super) struct Recorder {
    journal: RefCell<Journal>,
    state: RefCell<RunState>,
    pub(super) folder: Arc<dyn Folder>,
    pub(super) time: Arc<dyn Time>,
}

impl Recorder {
    pub(super) fn new(
        journal: Journal,
        state: RunState,
        folder: Arc<dyn Folder>,
        time: Arc<dyn Time>,
    ) -> Self {
        Self { journal: RefCell::new(journal), state: RefCell::new(state), folder, time }
    }

    /// Returns the state. Nobody keeps it across an await.
    pub(super) fn state(&self) -> Ref<'_, RunState> {
        self.state.borrow()
    }

    /// Names who acts from now on.
    pub(super) fn acts_as(&self, identity: Text) {
        self.journal.borrow_mut().acts_as(identity);
    }

    /// Writes an event and takes it into the state.
    ///
    /// # Errors
    /// When it cannot be written or cannot follow.
    pub(super) fn append(&self, event: &Event) -> Result<Committed, Halt> {
        // A line has milliseconds: what is folded here is what is folded from it later.
        let at = line::moment(self.time.now());
        let mut journal = self.journal.borrow_mut();
        let term = journal.term();
        self.state.borrow_mut().record(event, at, term, || journal.append(event.clone(), at))
    }

    /// Writes an event without asking for the proof that it is on disk. What would be found out anew is there within a
    /// moment: see [`Self::flush`].
    ///
    /// # Errors
    /// As [`Self::append`].
    #[expect(clippy::needless_pass_by_value, reason = "what was written is over: nobody needs it any more")]
    pub(super) fn write(&self, event: Event) -> Result<(), Halt> {
        if !journal::is_found_anew(&event) {
            return self.append(&event).map(drop);
        }
        let at = line::moment(self.time.now());
        let mut journal = self.journal.borrow_mut();
        let term = journal.term();
        self.state.borrow_mut().record(&event, at, term, || journal.note(&event, at))
    }

    /// Returns when everything written is on disk.
    ///
    /// # Errors
    /// When nobody knows that.
    pub(super) fn flush(&self) -> Result<(), Halt> {
        self.journal.borrow_mut().flush()
    }

    /// Lets nothing more begin; says whether the outcome of what is in flight can still be written.
    pub(super) fn stop(&self) -> bool {
        let mut journal = self.journal.borrow_mut();
        journal.stop();
        journal.takes_outcomes()
    }

    /// Says whether the outcome of what is in flight can still be written.
    pub(super) fn takes_outcomes(&self) -> bool {
        self.journal.borrow().takes_outcomes()
    }

    /// Writes a side file; it is on disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn side(&self, name: &str, bytes: &[u8]) -> Result<SideFile, Halt> {
        self.folder.put(name, bytes).map_err(Halt::Disk)?;
        Ok(SideFile {
            name: Text::new(name),
            sha256: Text::new(&sha256(bytes)),
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        })
    }
}
