//! From a model to the bytes that bring a terminal to it: only what changed, in one update.

use super::model::Model;
use super::view::view;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// What is on the terminal, and what turns a model into bytes for it.
pub struct Painter {
    shown: Buffer,
    next: Buffer,
    /// Whether the terminal has to be cleared, because we do not know what is on it.
    unknown: bool,
}

impl Painter {
    /// Returns a painter for a cleared terminal.
    pub fn new(size: (u16, u16)) -> Self {
        let area = Rect::new(0, 0, size.0, size.1);
        Self { shown: Buffer::empty(area), next: Buffer::empty(area), unknown: false }
    }

    /// The terminal has another size.
    pub fn resize(&mut self, size: (u16, u16)) {
        *self = Self::new(size);
        self.unknown = true;
    }

    /// Something else may have drawn on the terminal.
    pub fn forget(&mut self) {
        self.shown.reset();
        self.unknown = true;
    }

    /// Returns the bytes that bring the terminal from what is shown to `model`; none when nothing changed.
    pub fn frame(&mut self, model: &Model) -> Vec<u8> {
        self.next.reset();
        view(model, &mut self.next);
        let changed = self.shown.diff(&self.next);
        if changed.is_empty() && !self.unknown {
            return Vec::new();
        }
        // One update that the terminal shows at once, where it knows how; harmless elsewhere.
        let mut bytes = b"\x1b[?2026h".to_vec();
        if self.unknown {
            bytes.extend_from_slice(b"\x1b[0m\x1b[2J");
        }
        let drawn = CrosstermBackend::new(&mut bytes).draw(changed.into_iter());
        if drawn.is_err() {
            return Vec::new(); // writing to memory does not fail
        }
        bytes.extend_from_slice(b"\x1b[?2026l");
        std::mem::swap(&mut self.shown, &mut self.next);
        self.unknown = false;
        bytes
    }
}
