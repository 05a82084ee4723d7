//! Programs as children: typed arguments and never a shell, a process group of its own, an end that is certain.

use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::MissedTickBehavior;

/// How often is looked after a child that says nothing.
const TICK: Duration = Duration::from_secs(1);
/// How long is still read after a child has ended: a daemon that it left behind may hold its output open for ever.
const GRACE: Duration = Duration::from_millis(500);
/// How much of what a child says on standard error is kept: the end of it.
const SAID: usize = 64 * 1024;

/// A program to run.
#[derive(Debug, Clone)]
pub(super) struct Invocation {
    /// The program, found by the search path.
    pub(super) program: &'static str,
    /// Its arguments.
    pub(super) arguments: Vec<OsString>,
    /// What is set in its environment; `None` takes a variable away.
    pub(super) environment: BTreeMap<OsString, Option<OsString>>,
    /// Where it runs.
    pub(super) folder: PathBuf,
}

/// How far a child may go.
#[derive(Clone, Copy)]
pub(super) struct Limits<'a> {
    /// How long it may say nothing.
    pub(super) silence: Duration,
    /// How much it may print, in bytes.
    pub(super) output: usize,
    /// Asked once a second: says whether it has gone too far, such as by what it keeps on disk.
    pub(super) is_too_much: &'a (dyn Fn() -> bool + Send + Sync),
    /// Told whenever it says something.
    pub(super) heard: &'a (dyn Fn() + Send + Sync),
    /// Told once a second that it still runs.
    pub(super) waits: &'a (dyn Fn() + Send + Sync),
}

/// What a child brought.
#[derive(Debug)]
pub(super) struct Ran {
    /// Whether it says that it did what it was asked for.
    pub(super) well: bool,
    /// Its standard output.
    pub(super) out: Vec<u8>,
    /// The end of its standard error.
    pub(super) said: String,
}

/// Why a child brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotRun {
    /// There is no such program.
    Absent(&'static str),
    /// It could not be started or waited for.
    Failed(String),
    /// It said nothing for too long, and was ended.
    Silent,
    /// It printed or kept too much, and was ended.
    TooMuch,
}

/// The process groups that are under way, so that they can be ended from elsewhere.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups(Arc<Mutex<BTreeSet<i32>>>);

impl Groups {
    fn with<T>(&self, change: impl FnOnce(&mut BTreeSet<i32>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends all that is under way.
    pub(super) fn end(&self) {
        self.with(|groups| groups.iter().for_each(|group| kill(*group)));
    }
}

fn kill(group: i32) {
    if let Some(group) = Pid::from_raw(group) {
        // It may have ended by itself.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// A child's process group. It is ended with everything in it, unless the child has ended and was waited for: until then
/// nobody else can get its number.
struct Group {
    id: i32,
    all: Groups,
}

impl Group {
    fn of(child: &Child, all: &Groups) -> Option<Self> {
        let id = i32::try_from(child.id()?).ok()?;
        all.with(|groups| groups.insert(id));
        Some(Self { id, all: all.clone() })
    }

    /// Takes that the child was waited for: nothing is ended in its name any more.
    fn has_ended(self) {
        self.all.with(|groups| groups.remove(&self.id));
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.all.with(|groups| groups.remove(&self.id)) {
            kill(self.id);
        }
    }
}

/// Runs a program to its end.
///
/// # Errors
/// When it cannot be run or has to be ended.
///
/// # Cancellation
/// When the future is dropped, the program is ended with all its children.
pub(super) async fn run(invocation: Invocation, groups: &Groups, limits: Limits<'_>) -> Result<Ran, NotRun> {
    let mut command = Command::new(invocation.program);
    command
        .args(&invocation.arguments)
        .current_dir(&invocation.folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    for (name, value) in &invocation.environment {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.spawn().map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound if invocation.folder.is_dir() => NotRun::Absent(invocation.program),
        _ => NotRun::Failed(format!("{} cannot be started: {error}", invocation.program)),
    })?;
    let mut group = Group::of(&child, groups);
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut out, mut said) = (Vec::new(), Vec::new());
    let (mut out_chunk, mut said_chunk) = (vec![0; 16 * 1024], vec![0; 4 * 1024]);
    let mut status = None;
    let mut silent = Duration::ZERO;
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tick.tick().await; // the first comes at once
    while status.is_none() || stdout.is_some() || stderr.is_some() {
        tokio::select! {
            read = next(stdout.as_mut(), &mut out_chunk), if stdout.is_some() => {
                silent = Duration::ZERO;
                (limits.heard)();
                match read {
                    0 => stdout = None,
                    read => out.extend_from_slice(out_chunk.get(..read).unwrap_or_default()),
                }
                if out.len() > limits.output {
                    return Err(NotRun::TooMuch);
                }
            }
            read = next(stderr.as_mut(), &mut said_chunk), if stderr.is_some() => {
                silent = Duration::ZERO;
                (limits.heard)();
                match read {
                    0 => stderr = None,
                    read => said.extend_from_slice(said_chunk.get(..read).unwrap_or_default()),
                }
                let over = said.len().saturating_sub(SAID);
                said.drain(..over);
            }
            ended = child.wait(), if status.is_none() => {
                let ended = ended.map_err(|error| NotRun::Failed(format!("{}: {error}", invocation.program)))?;
                if let Some(group) = group.take() {
                    group.has_ended();
                }
                status = Some(ended);
            }
            () = tokio::time::sleep(GRACE), if status.is_some() => break,
            _ = tick.tick(), if status.is_none() => {
                silent += TICK;
                if silent >= limits.silence {
                    return Err(NotRun::Silent);
                }
                if (limits.is_too_much)() {
                    return Err(NotRun::TooMuch);
                }
                (limits.waits)();
            }
        }
    }
    let well = status.is_some_and(|status| status.success());
    Ok(Ran { well, out, said: String::from_utf8_lossy(&said).into_owned() })
}

/// Reads what comes next; zero at the end.
async fn next(from: Option<&mut (impl AsyncRead + Unpin)>, chunk: &mut [u8]) -> usize {
    match from {
        Some(from) => from.read(chunk).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}
