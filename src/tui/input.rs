//! The thread that reads keys.
//!
//! It waits and reads by itself and leaves only the bytes to a parser: crossterm 0.29 spins when the terminal is taken
//! away, and loses a key that comes with a change of size until the next one.

use super::message::Message;
use super::runtime::Event;
use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::sync::mpsc::SyncSender;
use termina::Parser;
use termina::event as parsed;

/// How long the rest of a sequence may take to arrive before a lone escape is the Esc key.
const REST_OF_SEQUENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 25_000_000 };

/// Starts reading; ends when nobody listens or the terminal is gone.
pub(super) fn start(out: SyncSender<Event>) -> io::Result<()> {
    let work = move || {
        read(&out);
        let _ = out.send(Event::TerminalGone);
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(work).map(drop)
}

fn read(out: &SyncSender<Event>) {
    let mut parser = Parser::default();
    let mut bytes = [0; 4096];
    while wait(None) == Some(true) {
        let read = match rustix::io::read(io::stdin(), &mut bytes) {
            Ok(0) => return,
            Ok(read) => read,
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => continue,
            Err(_) => return,
        };
        let came = bytes.get(..read).unwrap_or_default();
        // Only a lone escape at the end can be either a key or the beginning of one.
        let more = came.last() == Some(&0x1b) && wait(Some(&REST_OF_SEQUENCE)) == Some(true);
        parser.parse(came, more);
        while let Some(event) = parser.pop() {
            let Some(message) = message(event) else { continue };
            if out.send(Event::Message(message)).is_err() {
                return;
            }
        }
    }
}

/// Waits for input; `None` when the terminal is gone.
fn wait(patience: Option<&Timespec>) -> Option<bool> {
    loop {
        let stdin = io::stdin();
        let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut waiting, patience) {
            Ok(ready) => {
                let came = waiting.first().map_or(PollFlags::HUP, PollFd::revents);
                let gone = came.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL);
                return (!gone).then_some(ready > 0);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Returns what an event means to us.
fn message(event: termina::Event) -> Option<Message> {
    match event {
        termina::Event::Key(key) => Some(Message::Key(KeyEvent::new_with_kind(
            code(key.code)?,
            modifiers(key.modifiers),
            match key.kind {
                parsed::KeyEventKind::Release => KeyEventKind::Release,
                parsed::KeyEventKind::Repeat => KeyEventKind::Repeat,
                parsed::KeyEventKind::Press => KeyEventKind::Press,
            },
        ))),
        termina::Event::Mouse(mouse) => Some(Message::Mouse(MouseEvent {
            kind: match mouse.kind {
                parsed::MouseEventKind::Down(parsed::MouseButton::Left) => {
                    MouseEventKind::Down(MouseButton::Left)
                }
                parsed::MouseEventKind::ScrollDown => MouseEventKind::ScrollDown,
                parsed::MouseEventKind::ScrollUp => MouseEventKind::ScrollUp,
                _ => return None,
            },
            column: mouse.column,
            row: mouse.row,
            modifiers: modifiers(mouse.modifiers),
        })),
        termina::Event::Paste(text) => Some(Message::Paste(text)),
        _ => None,
    }
}

fn modifiers(given: parsed::Modifiers) -> KeyModifiers {
    let mut all = KeyModifiers::empty();
    for (theirs, ours) in [
        (parsed::Modifiers::SHIFT, KeyModifiers::SHIFT),
        (parsed::Modifiers::ALT, KeyModifiers::ALT),
        (parsed::Modifiers::CONTROL, KeyModifiers::CONTROL),
    ] {
        if given.contains(theirs) {
            all |= ours;
        }
    }
    all
}

fn code(given: parsed::KeyCode) -> Option<KeyCode> {
    Some(match given {
        parsed::KeyCode::Char(c) => KeyCode::Char(c),
        parsed::KeyCode::Enter => KeyCode::Enter,
        parsed::KeyCode::Backspace => KeyCode::Backspace,
        parsed::KeyCode::Tab => KeyCode::Tab,
        parsed::KeyCode::BackTab => KeyCode::BackTab,
        parsed::KeyCode::Escape => KeyCode::Esc,
        parsed::KeyCode::Left => KeyCode::Left,
        parsed::KeyCode::Right => KeyCode::Right,
        parsed::KeyCode::Up => KeyCode::Up,
        parsed::KeyCode::Down => KeyCode::Down,
        parsed::KeyCode::Home => KeyCode::Home,
        parsed::KeyCode::End => KeyCode::End,
        parsed::KeyCode::PageUp => KeyCode::PageUp,
        parsed::KeyCode::PageDown => KeyCode::PageDown,
        parsed::KeyCode::Insert => KeyCode::Insert,
        parsed::KeyCode::Delete => KeyCode::Delete,
        parsed::KeyCode::Function(number) => KeyCode::F(number),
        _ => return None,
    })
}
