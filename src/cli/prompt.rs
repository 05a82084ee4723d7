//! Asking a person at a terminal to agree. A phrase is typed, never pasted.

use crate::failure::{Failure, FailureKind};
use crate::runbook::consent::Strength;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use std::io::{BufRead, Write};

/// Letters that come at once and are more than these were not typed by hand.
const AT_ONCE: usize = 6;

fn refused(why: &str) -> Failure {
    Failure::new(FailureKind::Refused, why.to_owned())
}

/// Says whether somebody sits at a terminal.
pub(super) fn is_attended() -> bool {
    isatty(std::io::stdin()) && isatty(std::io::stderr())
}

/// Asks for as much as `needed`; returns the phrase, where one was typed. `enter` says what Enter does.
///
/// # Errors
/// When nobody is there, or the answer is not what was asked for.
pub(super) fn agree(needed: Strength, phrase: &str, enter: &str) -> Result<Option<String>, Failure> {
    if needed == Strength::None {
        return Ok(None);
    }
    if !is_attended() {
        return Err(refused("nobody is at a terminal who could agree to it")
            .hint("`--yes` agrees where the estate allows consent by a flag (policy: unattended)"));
    }
    // What was typed before the question stood there is no answer to it.
    let _ = rustix::termios::tcflush(std::io::stdin(), rustix::termios::QueueSelector::IFlush);
    let mut stderr = std::io::stderr();
    match needed {
        Strength::None => Ok(None),
        Strength::Enter => {
            let _ = write!(stderr, "{enter}, anything else leaves it: ");
            if line()?.trim_end_matches(['\r', '\n']).is_empty() {
                return Ok(None);
            }
            Err(refused("it was not agreed to"))
        }
        Strength::Confirmed => {
            let _ = write!(stderr, "These calls change production. Type yes to carry them out: ");
            if line()?.trim() == "yes" {
                return Ok(None);
            }
            Err(refused("it was not agreed to"))
        }
        Strength::Typed | Strength::TypedAndSigned => {
            let _ = write!(stderr, "Type this to agree (it cannot be pasted):\n  {phrase}\n> ");
            let _ = stderr.flush();
            let typed = typed()?;
            if typed == phrase {
                return Ok(Some(typed));
            }
            Err(refused("what was typed is not the phrase that was shown"))
        }
    }
}

fn line() -> Result<String, Failure> {
    let _ = std::io::stderr().flush();
    let mut text = String::new();
    let read = std::io::stdin().lock().read_line(&mut text);
    match read {
        Ok(0) | Err(_) => Err(refused("it was not agreed to")),
        Ok(_) => Ok(text),
    }
}

/// A terminal that hands over each letter as it is typed, until this is dropped.
struct Raw(Termios);

impl Raw {
    fn enter() -> Result<Self, Failure> {
        let failed = |error: rustix::io::Errno| Failure::of("cannot read from the terminal", &error);
        let before = tcgetattr(std::io::stdin()).map_err(failed)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &raw).map_err(failed)?;
        // What is pasted is marked as such by every terminal that knows how.
        let _ = std::io::stderr().write_all(b"\x1b[?2004h");
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let mut stderr = std::io::stderr();
        let _ = stderr.write_all(b"\x1b[?2004l\r\n");
        let _ = stderr.flush();
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}

fn typed() -> Result<String, Failure> {
    let raw = Raw::enter()?;
    let mut text: Vec<u8> = Vec::new();
    let mut chunk = [0_u8; 64];
    let mut stderr = std::io::stderr();
    loop {
        let read = rustix::io::read(std::io::stdin(), &mut chunk)
            .map_err(|error| Failure::of("cannot read from the terminal", &error))?;
        let bytes = chunk.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Err(refused("it was not agreed to"));
        }
        if bytes.starts_with(b"\x1b[200~") || bytes.len() > AT_ONCE {
            drop(raw);
            return Err(refused("a phrase has to be typed: pasting is refused"));
        }
        for byte in bytes {
            match byte {
                b'\r' | b'\n' => return Ok(String::from_utf8_lossy(&text).into_owned()),
                // Ctrl-C, Ctrl-D, Escape.
                3 | 4 | 27 => return Err(refused("it was not agreed to")),
                8 | 127 => {
                    // A letter of several bytes goes as a whole.
                    while text.pop().is_some_and(|byte| byte & 0xC0 == 0x80) {}
                    let _ = stderr.write_all(b"\x08 \x08");
                }
                byte if *byte >= 32 => {
                    text.push(*byte);
                    let _ = stderr.write_all(&[*byte]);
                }
                _ => {}
            }
        }
        let _ = stderr.flush();
    }
}

/// Reads a line that is not shown.
///
/// # Errors
/// When nobody types one.
pub(super) fn hidden() -> Result<String, Failure> {
    let failed = |error: rustix::io::Errno| Failure::of("cannot read from the terminal", &error);
    let before = tcgetattr(std::io::stdin()).map_err(failed)?;
    let mut quiet = before.clone();
    quiet.local_modes.remove(rustix::termios::LocalModes::ECHO);
    tcsetattr(std::io::stdin(), OptionalActions::Flush, &quiet).map_err(failed)?;
    let text = line();
    let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &before);
    let _ = writeln!(std::io::stderr());
    text.map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
}
