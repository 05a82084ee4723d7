//! Who may start the child of a home: whoever takes the lock and creates `claimed`. Everybody else finds what was started.

use super::COMMAND;
use super::home::{Claimed, Home, State};
use super::refused;
use super::request::Request;
use crate::provider::clock::SystemClock;
use crate::provider::local::not_sent;
use crate::provider::port::{CallTrouble, Clock};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How long is waited for the supervisor to say that the child runs.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long is waited for a lock that somebody only looks at.
const GLANCE: Duration = Duration::from_secs(2);
/// How often is looked.
const TICK: Duration = Duration::from_millis(20);
/// How long the supervisor's answer may be, in bytes.
const LINE: u64 = 4096;

/// How a child came to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Run {
    /// It was started now.
    Started,
    /// It was started before.
    Attached,
}

/// Starts the child of a home unless that was tried before.
///
/// # Errors
/// Not sent or refused, when no child was started for certain; in doubt, when one may have been.
pub(super) fn run(home: &Home, request: &Request, id: &str, program: &Path) -> Result<Run, CallTrouble> {
    let digest = request.digest();
    let unusable = |error| not_sent(format!("the child's folder cannot be used: {error}"));
    home.prepare().map_err(unusable)?;
    if home.is_claimed().map_err(unusable)? {
        return attach(home, &digest);
    }
    let Some(lock) = lock(home).map_err(unusable)? else { return attach(home, &digest) };
    let claimed = Claimed { call: id.to_owned(), digest: digest.clone(), at: SystemClock.now() };
    if !home.claim(&claimed).map_err(unusable)? {
        drop(lock);
        return attach(home, &digest);
    }
    let supervisor = spawn(home, program, lock)
        .map_err(|error| not_sent(format!("the supervisor cannot be started: {error}")))?;
    confirm(home, request, supervisor)
}

/// Takes the lock. Who looks at a home touches it for a moment, so that is tried for a while.
fn lock(home: &Home) -> std::io::Result<Option<File>> {
    let deadline = Instant::now() + GLANCE;
    loop {
        let lock = home.lock()?;
        if lock.is_some() || home.is_claimed()? || Instant::now() >= deadline {
            return Ok(lock);
        }
        std::thread::sleep(TICK);
    }
}

/// Starts the supervisor. The lock becomes its standard error, so that it goes over without being free in between, and
/// so that nothing else that is started at the same time can get hold of it.
fn spawn(home: &Home, program: &Path, lock: File) -> std::io::Result<Child> {
    Command::new(program)
        .arg0("lifeboat")
        .arg(COMMAND)
        .arg(home.path())
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::from(lock))
        .spawn()
}

/// Tells the supervisor what to run, and waits for its word.
fn confirm(home: &Home, request: &Request, mut supervisor: Child) -> Result<Run, CallTrouble> {
    let bytes = serde_json::to_vec(request).unwrap_or_default();
    let (tell, told) = mpsc::channel();
    let (stdin, stdout) = (supervisor.stdin.take(), supervisor.stdout.take());
    // A thread of its own: it waits for the supervisor's end, so that it does not stay behind as a zombie of ours.
    let waits = std::thread::Builder::new().name("supervisor".to_owned()).spawn(move || {
        if let Some(mut stdin) = stdin {
            // If it cannot be told, it starts nothing: half a request is none.
            let _ = stdin.write_all(&bytes);
        }
        let mut line = String::new();
        if let Some(stdout) = stdout {
            let _ = BufReader::new(stdout.take(LINE)).read_line(&mut line);
        }
        if line.is_empty() {
            // Its lock is free for certain only when it has ended.
            let _ = supervisor.wait();
        }
        let _ = tell.send(line);
        let _ = supervisor.wait();
    });
    if waits.is_err() {
        return Err(CallTrouble::InDoubt("nobody could wait for the supervisor".into()));
    }
    let line = match told.recv_timeout(PATIENCE) {
        Ok(line) => line,
        Err(RecvTimeoutError::Timeout) => {
            return Err(CallTrouble::InDoubt("the supervisor did not say whether the program runs".into()));
        }
        Err(RecvTimeoutError::Disconnected) => String::new(),
    };
    if line.trim_end() == super::supervise::RUNS {
        return Ok(Run::Started);
    }
    match home.state() {
        Ok(State::NeverStarted { why }) => Err(never(why)),
        Ok(State::Ended(_)) => Ok(Run::Started),
        Ok(State::Running { .. } | State::Lost { .. }) | Err(_) => {
            Err(CallTrouble::InDoubt("the supervisor was ended while it started the program".into()))
        }
    }
}

/// Finds what was started before.
fn attach(home: &Home, digest: &str) -> Result<Run, CallTrouble> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if home.claimed().is_some_and(|claimed| claimed.digest != digest) {
            return Err(refused("OtherCall", "the folder belongs to the child of another call"));
        }
        let state = home.state();
        match state.map_err(|error| CallTrouble::InDoubt(format!("the child's folder: {error}").into()))? {
            State::Ended(_) | State::Lost { .. } | State::Running { started: Some(_) } => {
                return Ok(Run::Attached);
            }
            State::NeverStarted { why } if home.is_claimed().unwrap_or(true) => return Err(never(why)),
            State::NeverStarted { .. } | State::Running { started: None } => {}
        }
        if Instant::now() >= deadline {
            return Err(CallTrouble::InDoubt("somebody has been starting it for a minute".into()));
        }
        std::thread::sleep(TICK);
    }
}

fn never(why: Option<String>) -> CallTrouble {
    refused("NeverStarted", &why.unwrap_or_else(|| "nothing was started".to_owned()))
}
