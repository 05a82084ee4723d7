//! The program as it is used: an executor of its own, its journal on a real disk, and what the sandbox says was done.

use crate::support::console::demo;
use crate::support::run::{Home, Ran};
use lifeboat::engine::line::{Head, Line};
use lifeboat::engine::replay;
use lifeboat::provider::sandbox::{Effect, Opening, WorldFile};
use lifeboat::runbook::event::{CallPlace, Event, Outcome};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// How long anything may take on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A place in which something is run.
pub(crate) struct Real {
    pub(crate) home: Home,
    /// Variables of whoever calls.
    pub(crate) variables: Vec<(String, String)>,
    /// The program.
    pub(crate) program: PathBuf,
}

impl Real {
    pub(crate) fn new() -> Self {
        let program = PathBuf::from(env!("CARGO_BIN_EXE_lifeboat"));
        let real = Self { home: Home::new(), variables: Vec::new(), program };
        own_folder(&real.state());
        real
    }

    /// Returns the state folder.
    pub(crate) fn state(&self) -> PathBuf {
        self.home.dir.path().join("state")
    }

    fn words(&self, words: &[&str]) -> Vec<String> {
        let state = self.state().display().to_string();
        ["--state-dir", &state].iter().chain(words).map(|word| (*word).to_owned()).collect()
    }

    fn environment(&self) -> Vec<(String, String)> {
        let home = self.home.dir.path().display().to_string();
        let own = [
            ("HOME", home.as_str()),
            ("PATH", "/usr/bin:/bin"),
            ("LC_ALL", "C.UTF-8"),
            ("TZ", "UTC"),
            ("TERM", "xterm"),
            ("USER", "ann"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        own.chain(self.variables.iter().cloned()).collect()
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(self.words(words)).env_clear().envs(self.environment());
        command.current_dir(self.home.dir.path()).stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        Ran::of(self.command(words))
    }

    /// Starts the program in a terminal, whose session it leads, or with a pipe for all that it says.
    pub(crate) fn watch(&self, words: &[&str], terminal: bool) -> Watcher {
        self.watch_by(&[env!("CARGO_BIN_EXE_lifeboat")], words, terminal)
    }

    /// The same by another program that starts it.
    pub(crate) fn watch_by(&self, by: &[&str], words: &[&str], terminal: bool) -> Watcher {
        let words = self.words(words);
        if terminal {
            let size = PtySize { rows: 50, cols: 250, pixel_width: 0, pixel_height: 0 };
            let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
            let mut command = CommandBuilder::new(by[0]);
            command.args(&by[1..]);
            command.args(&words);
            command.env_clear();
            for (name, value) in self.environment() {
                command.env(name, value);
            }
            command.cwd(self.home.dir.path());
            let child = pair.slave.spawn_command(command).expect("the program starts");
            drop(pair.slave);
            let reader = pair.master.try_clone_reader().expect("its output can be read");
            return Watcher::of(child, reader, Some(pair.master));
        }
        let (reader, writer) = std::io::pipe().expect("a pipe");
        let also = writer.try_clone().expect("a pipe");
        let mut command = Command::new(by[0]);
        command.args(&by[1..]).args(&words).env_clear().envs(self.environment());
        command.current_dir(self.home.dir.path()).stdin(Stdio::null()).stdout(writer).stderr(also);
        let child = command.spawn().expect("the program starts");
        Watcher::of(Box::new(child), Box::new(reader), None)
    }

    /// Returns the folder of the only run, where there is one.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        let entries = std::fs::read_dir(self.state().join("runs")).ok()?.flatten();
        let mut runs: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("r-")))
            .collect();
        assert!(runs.len() < 2, "{runs:?}");
        runs.pop()
    }

    /// Returns the lines of its journal, which must be sound.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let bytes = self.folder().and_then(|folder| std::fs::read(folder.join("journal.jsonl")).ok());
        replay::read(&bytes.unwrap_or_default(), &Head::default()).expect("the journal is sound").lines
    }

    /// Returns its events.
    pub(crate) fn events(&self) -> Vec<Event> {
        self.lines().into_iter().filter_map(|line| line.event).collect()
    }

    /// Returns the acting calls that the sandbox has carried out.
    pub(crate) fn effects(&self) -> Vec<Effect> {
        let folder = self.state().join("sandbox");
        if !folder.is_dir() {
            return Vec::new();
        }
        let (file, made) =
            WorldFile::open(&folder, &demo("calm"), "calm", 1, Opening::default()).expect("the world opens");
        assert!(!made, "it is not the world in which the run was");
        file.current().effects().to_vec()
    }

    /// Waits until nobody works on the run any more.
    pub(crate) fn quiet(&self) {
        let Some(folder) = self.folder() else { return };
        let folder = lifeboat::engine::folder::RunFolder::at(&folder);
        until("the end of the executor", || (!folder.is_worked_on()).then_some(()));
    }
}

/// Makes a folder that nobody else may look into.
pub(crate) fn own_folder(path: &Path) {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).expect("a folder can be made");
}

/// Waits until something has come about.
pub(crate) fn until<T>(what: &str, mut is: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = is() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What somebody sees who watches: each line, and when it came.
type Seen = Arc<Mutex<Vec<(SystemTime, String)>>>;

/// The program, watching a run.
pub(crate) struct Watcher {
    pub(crate) child: Box<dyn Child + Send + Sync>,
    pub(crate) seen: Seen,
    /// The line that has not ended yet.
    pub(crate) line: Arc<Mutex<Vec<u8>>>,
    reads: Option<std::thread::JoinHandle<()>>,
    /// Its terminal: when that is dropped, it hangs up.
    pub(crate) master: Option<Box<dyn MasterPty + Send>>,
}

impl Watcher {
    fn of(
        child: Box<dyn Child + Send + Sync>,
        mut reader: Box<dyn Read + Send>,
        master: Option<Box<dyn MasterPty + Send>>,
    ) -> Self {
        let seen = Seen::default();
        let (lines, unfinished) = (seen.clone(), Arc::new(Mutex::new(Vec::new())));
        let line = unfinished.clone();
        let reads = std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read) = reader.read(&mut chunk) {
                let now = SystemTime::now();
                let mut line = unfinished.lock().expect("nobody panics here");
                for byte in &chunk[..read] {
                    if *byte == b'\n' {
                        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                        lines.lock().expect("nobody panics here").push((now, text));
                        line.clear();
                    } else {
                        line.push(*byte);
                    }
                }
                if read == 0 {
                    break;
                }
            }
            let rest = String::from_utf8_lossy(&unfinished.lock().expect("nobody panics here")).into_owned();
            lines.lock().expect("nobody panics here").push((SystemTime::now(), rest));
        });
        Self { child, seen, line, reads: Some(reads), master }
    }

    pub(crate) fn pid(&self) -> rustix::process::Pid {
        let pid = self.child.process_id().expect("it has a process id");
        rustix::process::Pid::from_raw(i32::try_from(pid).expect("it is small")).expect("it is not zero")
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        // It may have ended.
        let _ = rustix::process::kill_process(self.pid(), signal);
    }

    /// Waits for its end; returns its exit code and all that was seen.
    pub(crate) fn end(&mut self) -> (u32, Vec<(SystemTime, String)>) {
        let code = until("the end of who watches", || self.child.try_wait().expect("it can be waited for"));
        if let Some(reads) = self.reads.take() {
            let _ = reads.join();
        }
        (code.exit_code(), self.seen.lock().expect("nobody panics here").clone())
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns all that was seen, as one text.
pub(crate) fn text(seen: &[(SystemTime, String)]) -> String {
    seen.iter().map(|(_, line)| format!("{line}\n")).collect()
}

type Place = (String, &'static str, u32, u32);

fn place(of: &CallPlace) -> Place {
    (of.step.to_string(), of.direction.name(), of.attempt, of.index)
}

/// Returns what is wrong with what was done, by these lines of a journal: each effect needs an intent on disk, and none
/// may be there twice.
pub(crate) fn wrong(lines: &[Line], effects: &[Effect]) -> Vec<String> {
    let mut wrong = Vec::new();
    let intents: BTreeSet<Place> = lines
        .iter()
        .filter_map(|line| match &line.event {
            Some(Event::Intended { of, .. }) => Some(place(of)),
            _ => None,
        })
        .collect();
    let mut changes: BTreeMap<(String, &str, String, String), u32> = BTreeMap::new();
    for effect in effects {
        let call = &effect.call;
        let own = (call.step.to_string(), call.direction.name(), call.attempt, call.index);
        if !intents.contains(&own) {
            wrong.push(format!("{call} was done, and no intent of it is on disk"));
        }
        if effect.changed {
            let what = (own.0, own.1, effect.operation.to_string(), effect.target.to_string());
            *changes.entry(what).or_default() += 1;
        }
    }
    wrong.extend(
        changes
            .into_iter()
            .filter(|(_, times)| *times > 1)
            .map(|(what, times)| format!("{times} times: {what:?}")),
    );
    wrong
}

/// Returns the calls that the sandbox has carried out and whose outcome no line tells.
pub(crate) fn without_outcome(lines: &[Line], effects: &[Effect]) -> Vec<String> {
    let told: BTreeSet<Place> = lines
        .iter()
        .filter_map(|line| match &line.event {
            Some(Event::Answered { of, outcome: Outcome::Succeeded, .. }) => Some(place(of)),
            _ => None,
        })
        .collect();
    let own = |effect: &&Effect| {
        let call = &effect.call;
        !told.contains(&(call.step.to_string(), call.direction.name(), call.attempt, call.index))
    };
    effects.iter().filter(own).map(|effect| effect.call.to_string()).collect()
}

/// Does something for each of these, so many at a time; returns what came of each.
pub(crate) fn at_once<T: Sync, R: Send>(all: &[T], threads: usize, each: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(one) = all.get(at) else { return };
                    let came = each(one);
                    done.lock().expect("nobody panics here").push((at, came));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nobody panics here");
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, came)| came).collect()
}
