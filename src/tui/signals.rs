//! The thread that waits for signals.

use super::message::Message;
use super::runtime::Event;
use super::terminal;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// How long the screen's own way out may take before the terminal is given back without it.
const GRACE: Duration = Duration::from_millis(700);

/// Starts waiting for signals.
pub(super) fn start(out: SyncSender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH])?;
    let wait = move || {
        for signal in signals.forever() {
            let event = match signal {
                SIGWINCH => {
                    let (columns, rows) = terminal::size();
                    Event::Message(Message::Resize(columns, rows))
                }
                SIGTSTP => Event::Suspend,
                SIGCONT => Event::Resumed,
                signal => {
                    // The queue may be full and the screen stuck in a write to a terminal that takes nothing.
                    let _ = out.try_send(Event::Signal(signal));
                    std::thread::sleep(GRACE);
                    terminal::give_back();
                    std::process::exit(128 + signal);
                }
            };
            if out.send(event).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}
