//! The thread that writes to the terminal: one write a frame, and never more than one frame waiting.

use super::runtime::Event;
use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};

/// Hands frames to the terminal.
#[derive(Debug)]
pub(super) struct Writer {
    frames: SyncSender<Vec<u8>>,
    /// How many frames were handed over and not yet taken by the terminal.
    under_way: usize,
}

impl Writer {
    /// Starts the thread. It tells `done` of every frame that the terminal has taken.
    pub(super) fn start(done: SyncSender<Event>) -> io::Result<Self> {
        let (frames, waiting) = sync_channel::<Vec<u8>>(4);
        let write = move || {
            for frame in waiting {
                if write_all(&frame).is_err() {
                    let _ = done.send(Event::TerminalGone);
                    return;
                }
                if done.send(Event::Drained).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("writer".to_owned()).spawn(write)?;
        Ok(Self { frames, under_way: 0 })
    }

    /// Says whether the terminal has taken everything.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way == 0
    }

    /// Hands bytes over. Only small control strings may be handed over while it is not idle.
    pub(super) fn send(&mut self, bytes: Vec<u8>) {
        if !bytes.is_empty() && self.frames.try_send(bytes).is_ok() {
            self.under_way += 1;
        }
    }

    /// The terminal has taken a frame.
    pub(super) fn drained(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}

fn write_all(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(io::stdout(), bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                // Somebody left the terminal non-blocking.
                let stdout = io::stdout();
                let mut waiting = [rustix::event::PollFd::new(&stdout, rustix::event::PollFlags::OUT)];
                let _ = rustix::event::poll(&mut waiting, None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
