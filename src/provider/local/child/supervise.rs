//! The supervisor: a process for each child that starts it, takes its output, and writes down how it ended.

use super::capture::{Capture, Captured};
use super::home::{Ended, Home, Process, Started};
use super::ladder::Ladder;
use super::request::Request;
use super::shown::Shown;
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use rustix::fs::{FlockOperation, flock};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, getpid, getrlimit, getsid, kill_process_group,
    setrlimit, setsid, waitid,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// What the supervisor says when the child runs.
pub(super) const RUNS: &str = "runs";

/// How often is looked after the child.
const TICK: Duration = Duration::from_millis(200);
/// The same while it is likely to end: when it is young, and when its outputs have just ended.
const QUICK_TICK: Duration = Duration::from_millis(10);
/// For how long it is.
const LIKELY: Duration = Duration::from_secs(2);
/// How long is still read after the child has ended: a daemon that it left behind may hold its output open for ever.
const GRACE: Duration = Duration::from_millis(500);
/// How often the record of the end is tried to be written, with a second in between: a full disk may be cleared.
const TRIES: u32 = 600;

/// That the outputs of the child have ended.
struct Silent;

/// Watches over the child of `home` and returns the exit code. `claim` starts it, as a process of its own, with the lock
/// as standard error and the request on standard input; whoever starts it otherwise is refused.
pub fn supervise(home: &Path) -> u8 {
    match watch(&Home::at(home.to_owned())) {
        Ok(()) => 0,
        Err(why) => {
            // Standard error is the file of the lock.
            let _ = writeln!(io::stderr(), "{why}");
            1
        }
    }
}

fn watch(home: &Home) -> Result<(), String> {
    take_over(home)?;
    leave_the_session()?;
    let asked_to_end = heed_signals()?;
    let request = receive()?;
    if home.is_used().map_err(|error| error.to_string())? {
        return Err("a child was started here before".to_owned());
    }
    match start(home, &request) {
        Err(why) => {
            let _ = write_end(home, &never(&why));
            say("refused");
            Err(why)
        }
        Ok((child, capture, silent)) => {
            say(RUNS);
            let ended = follow(home, &request, child, &capture, &silent, &asked_to_end)?;
            write_end(home, &ended).map_err(|error| error.to_string())
        }
    }
}

/// Makes sure that the lock was handed over, and that no other process has it.
fn take_over(home: &Home) -> Result<(), String> {
    let wrong = || "this is started by lifeboat itself".to_owned();
    let lock = io::stderr().as_fd().try_clone_to_owned().map(File::from).map_err(|_| wrong())?;
    if !home.is_lock(&lock).unwrap_or(false) {
        return Err(wrong());
    }
    flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| wrong())
}

/// Leaves the terminal and everything that is done to those who belong to it, and keeps secrets out of core dumps.
fn leave_the_session() -> Result<(), String> {
    if setsid().is_err() && getsid(None).ok() != Some(getpid()) {
        return Err("it cannot have a session of its own".to_owned());
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
    let maximum = getrlimit(Resource::Core).maximum;
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    Ok(())
}

/// Returns what is set when somebody asks us to end; all other signals that end a process are not heeded. They are caught
/// and not ignored, so that the child does not inherit it.
fn heed_signals() -> Result<Arc<AtomicBool>, String> {
    let asked = Arc::new(AtomicBool::new(false));
    let unheeded = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGQUIT, SIGTSTP] {
        signal_hook::flag::register(signal, unheeded.clone()).map_err(|error| error.to_string())?;
    }
    signal_hook::flag::register(SIGTERM, asked.clone()).map_err(|error| error.to_string())?;
    Ok(asked)
}

/// Reads what to run. What is wrong with it is not said: there may be secrets in it.
fn receive() -> Result<Request, String> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    let null = File::open("/dev/null").map_err(|error| error.to_string())?;
    rustix::stdio::dup2_stdin(&null).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|_| "the request did not come whole".to_owned())
}

/// Says something to who started us, who may be gone, and then nothing ever again.
fn say(word: &str) {
    let _ = writeln!(io::stdout(), "{word}").and_then(|()| io::stdout().flush());
    if let Ok(null) = File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&null);
    }
}

type Begun = (Child, Capture, Receiver<Silent>);

/// Starts the child, and what takes its output.
fn start(home: &Home, request: &Request) -> Result<Begun, String> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| format!("{what}: {error}")
    };
    let program = find(request)?;
    if !request.folder.is_dir() {
        return Err("the folder to run in is not there".to_owned());
    }
    let capture = Capture::into(home.create_output().map_err(failed("its output cannot be kept"))?);
    home.reserve().map_err(failed("its end could not be kept"))?;
    let (reader, writer) = io::pipe().map_err(failed("no pipe can be made"))?;
    let also = writer.try_clone().map_err(failed("no pipe can be made"))?;
    let (name, arguments) = request.argv.split_first().ok_or("there is no program to run")?;
    let mut command = Command::new(program);
    command
        .arg0(name)
        .args(arguments)
        .env_clear()
        .envs(&request.environment)
        .current_dir(&request.folder)
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(also)
        .process_group(0);
    let (tell, told) = mpsc::channel();
    let drain = capture.clone();
    let draining = std::thread::Builder::new().name("output".to_owned()).spawn(move || {
        drain.drain(reader);
        let _ = tell.send(Silent);
    });
    draining.map_err(failed("its output cannot be read"))?;
    // From here on a child may exist: without this record, nobody may believe that none does.
    let started = Started { supervisor: Process::own(), at: SystemClock.now() };
    home.write_started(&started).map_err(failed("its start cannot be kept"))?;
    let child = command.spawn().map_err(failed("the program cannot be started"))?;
    // The command holds the writing end of the pipe.
    drop(command);
    // For people only, should we be killed.
    let _ = home.write_child(&Process::of(child.id()));
    Ok((child, capture, told))
}

/// Says whether a child has ended, and leaves it there: until somebody takes its status, nobody else gets its number.
fn has_ended(child: Pid) -> bool {
    let looked =
        waitid(WaitId::Pid(child), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG);
    match looked {
        Ok(status) => status.is_some(),
        // Then it is no child of ours any more, and waiting for it says why.
        Err(error) => error != rustix::io::Errno::INTR,
    }
}

fn group(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

/// Follows a child to its end, and ends it where that is asked for.
fn follow(
    home: &Home,
    request: &Request,
    mut child: Child,
    capture: &Capture,
    told: &Receiver<Silent>,
    asked_to_end: &AtomicBool,
) -> Result<Ended, String> {
    let group = group(&child).ok_or("the child has no number")?;
    let deadline = request.timeout_s.and_then(|s| Instant::now().checked_add(Duration::from_secs(s)));
    let mut ladder = Ladder::of(group, request.grace());
    let mut silent = false;
    let mut likely_until = Instant::now() + LIKELY;
    let mut shown = Shown::of(request);
    while !has_ended(group) {
        let tick = if Instant::now() < likely_until { QUICK_TICK } else { TICK };
        if silent {
            std::thread::sleep(tick);
        } else if told.recv_timeout(tick).is_ok() {
            silent = true;
            likely_until = Instant::now() + LIKELY;
        }
        if home.is_to_stop() || asked_to_end.load(Ordering::Relaxed) {
            ladder.ask("stop");
        }
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            ladder.ask("timeout");
        }
        ladder.climb(SystemClock.now());
        shown.write(home);
    }
    // What it left in its group would go on against what comes next.
    let _ = kill_process_group(group, Signal::KILL);
    let status = child.wait().map_err(|error| error.to_string())?;
    let at = SystemClock.now();
    if !silent {
        let _ = told.recv_timeout(GRACE);
    }
    shown.write_now(home);
    let Captured { bytes, dropped, sha256 } = capture.close();
    Ok(Ended {
        exit_code: status.code(),
        signal: status.signal(),
        error: None,
        at,
        out_bytes: bytes,
        dropped_bytes: dropped,
        out_sha256: sha256,
        asked: ladder.asked.map(str::to_owned),
        signals: ladder.sent,
    })
}

fn never(why: &str) -> Ended {
    Ended {
        exit_code: None,
        signal: None,
        error: Some(why.to_owned()),
        at: SystemClock.now(),
        out_bytes: 0,
        dropped_bytes: 0,
        out_sha256: String::new(),
        asked: None,
        signals: Vec::new(),
    }
}

/// Writes the record of the end, for as long as it takes: nobody else can.
fn write_end(home: &Home, ended: &Ended) -> io::Result<()> {
    let mut tries = 0;
    loop {
        match home.write_ended(ended) {
            Err(_) if tries < TRIES => std::thread::sleep(Duration::from_secs(1)),
            done => return done,
        }
        tries += 1;
    }
}

/// Finds the program, by the search path of the child. A file that the system cannot run by itself is refused: the C
/// library would give it to a shell.
fn find(request: &Request) -> Result<PathBuf, String> {
    let name = request.argv.first().ok_or("there is no program to run")?;
    let found = if name.contains('/') {
        Some(request.folder.join(name)).filter(|path| is_program(path))
    } else {
        let search = request.environment.get("PATH").map(String::as_str).unwrap_or_default();
        let places = search.split(':').filter(|place| place.starts_with('/'));
        places.map(|place| Path::new(place).join(name)).find(|path| is_program(path))
    };
    let found = found.ok_or("there is no such program")?;
    let mut head = Vec::new();
    // A program that may be run but not read cannot be judged; it is no script, for that would have to be read.
    if let Ok(file) = File::open(&found) {
        file.take(4).read_to_end(&mut head).map_err(|error| error.to_string())?;
        if !runs_by_itself(&head) {
            return Err("it is neither a program nor a script that names its interpreter".to_owned());
        }
    }
    Ok(found)
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Says whether a file that begins so is run by the system: ELF, Mach-O, or a script with `#!`.
fn runs_by_itself(head: &[u8]) -> bool {
    const MACH: [[u8; 4]; 5] = [
        [0xFE, 0xED, 0xFA, 0xCE],
        [0xFE, 0xED, 0xFA, 0xCF],
        [0xCE, 0xFA, 0xED, 0xFE],
        [0xCF, 0xFA, 0xED, 0xFE],
        [0xCA, 0xFE, 0xBA, 0xBE],
    ];
    head.starts_with(b"#!") || head.starts_with(b"\x7fELF") || MACH.iter().any(|magic| head == magic)
}
