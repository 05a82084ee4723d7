//! What a child prints, both of its outputs in their order: kept up to a limit, counted beyond.

use crate::runbook::call::hex;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{ErrorKind, PipeReader, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much is kept, in bytes.
const MOST: u64 = 64 * 1024 * 1024;

/// What is being kept of an output.
#[derive(Clone)]
pub(super) struct Capture(Arc<Mutex<Kept>>);

struct Kept {
    file: File,
    bytes: u64,
    dropped: u64,
    digest: Sha256,
    /// Nothing more is kept: the disk is full, or the record of the end is being written.
    closed: bool,
}

/// What was kept.
pub(super) struct Captured {
    /// How many bytes.
    pub(super) bytes: u64,
    /// How many more there were.
    pub(super) dropped: u64,
    /// The SHA-256 of what was kept.
    pub(super) sha256: String,
}

impl Capture {
    /// Returns a capture into a file.
    pub(super) fn into(file: File) -> Self {
        let kept = Kept { file, bytes: 0, dropped: 0, digest: Sha256::new(), closed: false };
        Self(Arc::new(Mutex::new(kept)))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes everything from a pipe to its end. It never stops reading before: a child must not wait for us.
    pub(super) fn drain(&self, mut from: PipeReader) {
        let mut chunk = vec![0; 64 * 1024];
        loop {
            match from.read(&mut chunk) {
                Ok(0) => return,
                Ok(read) => self.kept().take(chunk.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// Closes it and returns what was kept.
    pub(super) fn close(&self) -> Captured {
        let mut kept = self.kept();
        kept.closed = true;
        // What could not be brought to the disk is missing after a crash only.
        let _ = kept.file.sync_all();
        Captured { bytes: kept.bytes, dropped: kept.dropped, sha256: hex(&kept.digest.clone().finalize()) }
    }
}

impl Kept {
    fn take(&mut self, chunk: &[u8]) {
        let room = if self.closed { 0 } else { MOST.saturating_sub(self.bytes) };
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(chunk.len());
        let mut rest = chunk.get(..room).unwrap_or_default();
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(written) if written > 0 => {
                    self.digest.update(rest.get(..written).unwrap_or_default());
                    self.bytes += written as u64;
                    rest = rest.get(written..).unwrap_or_default();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(_) | Err(_) => {
                    self.closed = true;
                    break;
                }
            }
        }
        self.dropped += (chunk.len() - room + rest.len()) as u64;
    }
}
