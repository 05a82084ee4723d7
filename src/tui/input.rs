//! The thread that reads keys. It waits by itself, because crossterm 0.29 spins when the terminal is taken away.

use super::message::Message;
use super::runtime::Event;
use crossterm::event as terminal;
use rustix::event::{poll, PollFd, PollFlags};
use std::io;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// Starts reading; ends when nobody listens or the terminal is gone.
pub(super) fn start(out: SyncSender<Event>) -> io::Result<()> {
    std::thread::Builder::new().name("input".to_owned()).spawn(move || read(&out)).map(drop)
}

fn read(out: &SyncSender<Event>) {
    loop {
        let stdin = io::stdin();
        let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut waiting, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => break,
        }
        let came = waiting.first().map_or(PollFlags::HUP, PollFd::revents);
        if came.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            break;
        }
        // What is there is taken, and nothing waited for: a part of a sequence comes with the next poll.
        while let Ok(true) = terminal::poll(Duration::ZERO) {
            let message = match terminal::read() {
                Ok(terminal::Event::Key(key)) => Message::Key(key),
                Ok(terminal::Event::Paste(text)) => Message::Paste(text),
                Ok(terminal::Event::Mouse(event)) => Message::Mouse(event),
                Ok(terminal::Event::Resize(columns, rows)) => Message::Resize(columns, rows),
                Ok(terminal::Event::FocusGained | terminal::Event::FocusLost) => continue,
                Err(_) => break,
            };
            if out.send(Event::Message(message)).is_err() {
                return;
            }
        }
    }
    let _ = out.send(Event::TerminalGone);
}
