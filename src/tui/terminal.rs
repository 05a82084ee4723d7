//! The terminal: taken once, given back on every way out.
//!
//! Giving it back is one byte string and one system call, so that it works from a panic, after a signal, and when
//! output is blocked.

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Alternate screen, no cursor, bracketed paste, cleared: some terminals hand over what was there before.
pub const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[0m\x1b[2J\x1b[H";
/// Mouse reports for buttons, drags and the wheel.
pub const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1002h\x1b[?1006h";
/// No mouse reports.
pub const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1002l\x1b[?1000l";
/// Everything above undone, in the opposite order; ends a synchronised update that was cut short.
const LEAVE: &str = "\x1b[?2026l\x1b[?1006l\x1b[?1002l\x1b[?1000l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l";

/// How the terminal was before, while it is ours.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);
/// Whether it is ours.
static OURS: AtomicBool = AtomicBool::new(false);

/// Takes the terminal. The bytes of [`ENTER`] are for the caller to write, before anything else.
///
/// # Errors
/// When its modes cannot be read or set.
pub fn take() -> io::Result<()> {
    let mut modes = tcgetattr(io::stdin())?;
    let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    if before.is_none() {
        *before = Some(modes.clone());
    }
    modes.make_raw();
    tcsetattr(io::stdin(), OptionalActions::Now, &modes)?;
    OURS.store(true, Ordering::SeqCst);
    Ok(())
}

/// Gives the terminal back, if it is ours. Never fails: there is nothing left to do about it.
pub fn give_back() {
    if !OURS.swap(false, Ordering::SeqCst) {
        return;
    }
    // The modes first: that works even when output is blocked.
    let before = BEFORE.try_lock().ok().and_then(|before| before.clone());
    if let Some(before) = before {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    }
    let mut rest = LEAVE.as_bytes();
    while !rest.is_empty() {
        match rustix::io::write(io::stdout(), rest) {
            Ok(0) => break,
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
    }
}

/// Returns the terminal's size in columns and rows.
pub fn size() -> (u16, u16) {
    tcgetwinsize(io::stdout()).map_or((80, 24), |size| (size.ws_col, size.ws_row))
}

/// Makes a panic of the screen's thread give the terminal back before it is told of.
pub fn give_back_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        tracing::error!("panic: {info}");
        // Other threads are watched by the screen; only its own panic ends it here and now.
        if std::thread::current().name() == Some("main") {
            give_back();
            before(info);
        }
    }));
}
