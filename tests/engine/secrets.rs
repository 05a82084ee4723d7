//! Canaries wherever secrets may be while something is run: in secret parameters, in addresses of webhooks, in variables of
//! whoever calls, in what programs print. None may be in a journal, a plan, a report, on a screen, in a log, or among the
//! arguments and variables of a process that has no need of it.

use super::program::{Real, Watcher, text, until};
use super::signals::ESTATE;
use crate::support::console::Console;
use crate::support::run::Ran;
use crate::tool::local::{request, serve};
use lifeboat::engine::store::Runs;
use lifeboat::engine::watch::Watch;
use lifeboat::provider::sandbox::DEMO_ESTATE;
use lifeboat::tui::message::Message;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A secret parameter.
const TOKEN: &str = "c4n4ry-t0k3n-51f0";
/// Part of a webhook's address.
const HOOK: &str = "c4n4ry-h00k-77aa";
/// A variable that a program inherits.
const INHERITED: &str = "c4n4ry-1nh3r-02c9";
/// What a program prints.
const PRINTED: &str = "c4n4ry-pr1nt-9e3d";
/// A variable of whoever calls, which nobody asked for.
const AMBIENT: &str = "c4n4ry-4mb13-b6b6";

const ALL: [&str; 5] = [TOKEN, HOOK, INHERITED, PRINTED, AMBIENT];

/// What the program does: it prints what it has got, until it may end.
const SCRIPT: &str = "#!/bin/sh
echo \"begins with $TOKEN and $INHERITED\"
while [ ! -e \"$1/go\" ]; do sleep 0.05; done
env >&2
echo \"PRINTED $TOKEN\"
exit $(cat \"$1/code\")
";

const BOOK: &str = "version: 1
title: Tell somebody and run something
scenario: A test.
kind: recover
reviewed: 2026-11-21
parameters:
  token: { type: text, says: What the program needs., secret: true }
PARAMsteps:
  - id: tell
    title: Tell them
    uses: notify
    with: { webhook: room, text: It begins. }
  - id: act
    title: Run it
    uses: tool
    with:
      run: [PROGRAM, HOME]
      class: additive
      environment: { TOKEN: \"${params.token}\" }
      inherit: [INHERITED]
MORE";

/// The component of the second step.
const PARAM: &str = "  instance: { type: component, kinds: [ec2-instance], says: It. }\n";

/// A second step, which is taken back.
const UNDONE: &str =
    "  - { id: stop, title: Stop it, uses: ec2-stop, with: { component: \"${params.instance}\" } }\n";

struct Place {
    real: Real,
    program: String,
    said: Vec<(String, String)>,
}

impl Place {
    fn new(sandbox: bool) -> Self {
        let mut real = Real::new();
        let home = real.home.dir.path().display().to_string();
        let program = real.home.write("program.sh", &SCRIPT.replace("PRINTED", PRINTED));
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it is a program");
        let hooks = "webhooks:\n  room: { url_from: ROOM_HOOK }\n";
        let estate = if sandbox {
            format!("{DEMO_ESTATE}\nrunbooks: [books]\n{hooks}")
        } else {
            format!("{ESTATE}{hooks}")
        };
        real.home.write("lifeboat.yaml", &estate);
        let more = if sandbox { UNDONE } else { "" };
        let book = BOOK.replace("PROGRAM", &program).replace("HOME", &home).replace("MORE", more);
        let book = book.replace("PARAM", if sandbox { PARAM } else { "" });
        real.home.write("books/secret.yaml", &book);
        let port = serve(|mut stream| {
            let _ = request(&mut stream);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        });
        let variables = [
            ("LIFEBOAT_SECRET_TOKEN", TOKEN.to_owned()),
            ("ROOM_HOOK", format!("http://127.0.0.1:{port}/services/{HOOK}?key={HOOK}")),
            ("INHERITED", INHERITED.to_owned()),
            ("OTHER_PASSWORD", AMBIENT.to_owned()),
        ];
        real.variables = variables.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let place = Self { real, program, said: Vec::new() };
        place.code(0);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.real.home.dir.path().join(name)
    }

    /// Says with which code the program ends.
    fn code(&self, code: i32) {
        std::fs::write(self.path("code"), code.to_string()).expect("it can be written");
    }

    fn go(&self) {
        std::fs::write(self.path("go"), "").expect("it can be written");
    }

    /// Notes what was said to somebody.
    fn said(&mut self, what: &str, said: &str) {
        self.said.push((what.to_owned(), said.to_owned()));
    }

    fn run(&mut self, words: &[&str]) -> Ran {
        let ran = self.real.run(words);
        self.said(&words.join(" "), &ran.to_string());
        ran
    }

    fn name(&self) -> String {
        let folder = self.real.folder().expect("there is a run");
        folder.file_name().expect("a name").to_string_lossy().into_owned()
    }

    /// Asks for everything that is said of a run.
    fn tell(&mut self) {
        for words in [
            &["-vv", "follow"][..],
            &["follow", "--format", "json"],
            &["replay"],
            &["replay", "--format", "json"],
            &["audit", "verify"],
            &["audit", "show"],
            &["runs"],
            &["runs", "--format", "json"],
            &["runbooks", "secret"],
        ] {
            self.run(words);
        }
        let to = format!("evidence-{}", self.said.len());
        assert_eq!(self.run(&["audit", "export", "-o", &to]).code, 0);
    }

    /// Returns every file of the place but those that hold a secret because it was put there.
    fn files(&self) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![self.real.home.dir.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("it can be read").flatten() {
                let path = entry.path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found.retain(|path| *path != Path::new(&self.program));
        found
    }

    /// Returns where a canary is that must not be there.
    fn leaks(&self) -> Vec<String> {
        let mut leaks = Vec::new();
        for (what, said) in &self.said {
            leaks.extend(
                ALL.iter()
                    .filter(|canary| said.contains(**canary))
                    .map(|canary| format!("{canary} was said by `{what}`")),
            );
        }
        let state = self.real.state();
        for path in self.files() {
            // What a program prints lies there, and nowhere else; beside it what may be shown of it, without what it was given.
            let of_a_child =
                path.parent().and_then(Path::parent).is_some_and(|folder| folder.ends_with("children"));
            let is = |wanted: &str| of_a_child && path.file_name().is_some_and(|name| name == wanted);
            let (output, shown) = (is("out"), is("shown"));
            let bytes = std::fs::read(&path).unwrap_or_default();
            let held = String::from_utf8_lossy(&bytes);
            if path.starts_with(&state) {
                let mode = path.metadata().map_or(0, |found| found.permissions().mode() & 0o777);
                if mode != 0o600 {
                    leaks.push(format!("{} has mode {mode:o}", path.display()));
                }
            }
            if output {
                let printed = held.contains(PRINTED);
                let shown = std::fs::read_to_string(path.with_file_name("shown")).unwrap_or_default();
                if printed && !shown.contains(PRINTED) {
                    leaks.push(format!("{} does not show what was printed: {shown}", path.display()));
                }
                continue;
            }
            leaks.extend(
                ALL.iter()
                    .filter(|canary| !(shown && **canary == PRINTED))
                    .filter(|canary| held.contains(**canary))
                    .map(|canary| format!("{canary} lies in {}", path.display())),
            );
        }
        leaks
    }

    fn outputs(&self) -> Vec<PathBuf> {
        self.files().into_iter().filter(|path| path.file_name().is_some_and(|name| name == "out")).collect()
    }
}

/// What a process is to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Executor,
    Supervisor,
    Program,
}

/// How often each part of a process was looked at, and what was found there that is secret.
type Seen = (BTreeMap<Part, u64>, Vec<String>);

/// Looks at the processes of a place for as long as it is kept.
struct Processes {
    stop: Arc<AtomicBool>,
    /// How often they were looked at.
    rounds: Arc<AtomicU64>,
    looks: Option<std::thread::JoinHandle<Seen>>,
}

impl Processes {
    fn of(place: &Place) -> Self {
        let (stop, rounds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let counts = rounds.clone();
        let (stopped, home, program) =
            (stop.clone(), place.real.home.dir.path().display().to_string(), place.program.clone());
        let looks = std::thread::spawn(move || {
            let (mut seen, mut leaks) = (BTreeMap::new(), Vec::new());
            while !stopped.load(Ordering::Relaxed) {
                look(&home, &program, &mut seen, &mut leaks);
                counts.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(std::time::Duration::from_millis(3));
            }
            (seen, leaks)
        });
        Self { stop, rounds, looks: Some(looks) }
    }

    /// Waits until all that are there now were looked at.
    fn look(&self) {
        let now = self.rounds.load(Ordering::Relaxed);
        until("a look at all processes", || (self.rounds.load(Ordering::Relaxed) > now + 1).then_some(()));
    }

    /// Returns how often each was seen, and what was in it that must not be there.
    fn end(mut self) -> (BTreeMap<Part, u64>, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let (seen, mut leaks) = self.looks.take().expect("it looks").join().expect("no panic");
        leaks.sort();
        leaks.dedup();
        (seen, leaks)
    }
}

fn look(home: &str, program: &str, seen: &mut BTreeMap<Part, u64>, leaks: &mut Vec<String>) {
    for entry in std::fs::read_dir("/proc").expect("there are processes").flatten() {
        let id = entry.file_name().to_string_lossy().into_owned();
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let read = |name: &str| {
            let bytes = std::fs::read(format!("/proc/{id}/{name}")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let line = read("cmdline");
        if !line.contains(home) {
            continue;
        }
        let variables = read("environ");
        // Between the two it may have become another program.
        if read("cmdline") != line {
            continue;
        }
        let words: Vec<&str> = line.split('\0').collect();
        let part = if words.contains(&"__execute") {
            Part::Executor
        } else if words.contains(&"__child") {
            Part::Supervisor
        } else if words.contains(&program) {
            Part::Program
        } else {
            // Whoever calls has what they have given.
            continue;
        };
        *seen.entry(part).or_default() += 1;
        leaks.extend(
            ALL.iter()
                .filter(|canary| line.contains(**canary))
                .map(|canary| format!("{canary} is an argument of the {part:?}")),
        );
        let may: &[&str] = match part {
            // It has the variables of whoever called but for those that it was told by the pipe.
            Part::Executor => &[INHERITED, AMBIENT],
            Part::Supervisor => &[],
            Part::Program => &[TOKEN, INHERITED],
        };
        let held = ALL.iter().filter(|canary| variables.contains(**canary) && !may.contains(*canary));
        leaks.extend(held.map(|canary| format!("{canary} is in a variable of the {part:?}")));
        if part == Part::Program && variables.contains(TOKEN) {
            // So what is looked at would show it.
            *seen.entry(part).or_default() += 1_000_000;
        }
    }
}

fn executors(place: &Place) -> Vec<Pid> {
    let state = place.real.state().display().to_string();
    let ids = crate::tool::supervised::processes_with(&state).into_iter();
    let is_one = |id: &String| {
        std::fs::read(format!("/proc/{id}/cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|word| word == b"__execute"))
    };
    ids.filter(is_one).filter_map(|id| Pid::from_raw(id.parse().ok()?)).collect()
}

fn begins(place: &Place, processes: &Processes) -> Watcher {
    let watcher = place.real.watch(&["-vv", "run", "secret", "--yes"], true);
    runs(place, processes);
    watcher
}

/// Waits until the program has printed something, and was looked at.
fn runs(place: &Place, processes: &Processes) {
    until("the program", || {
        let begun = |path: PathBuf| std::fs::read(path).is_ok_and(|bytes| !bytes.is_empty());
        place.outputs().into_iter().any(begun).then_some(())
    });
    processes.look();
}

fn assert_clean(place: &Place, processes: Processes) {
    let (seen, mut leaks) = processes.end();
    leaks.extend(place.leaks());
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    for part in [Part::Executor, Part::Supervisor, Part::Program] {
        assert!(seen.contains_key(&part), "no {part:?} was ever seen: {seen:?}");
    }
    assert!(seen[&Part::Program] > 1_000_000, "the program was never seen with its token");
    // Every canary was really there.
    let outputs: Vec<String> =
        place.outputs().iter().map(|path| std::fs::read_to_string(path).expect("it can be read")).collect();
    for canary in [TOKEN, INHERITED, PRINTED] {
        assert!(outputs.iter().any(|out| out.contains(canary)), "{canary} was never printed");
    }
    println!("{seen:?}, {} things said, {} files", place.said.len(), place.files().len());
}

#[test]
fn no_secret_is_told_of_a_run_that_ends_well() {
    let mut place = Place::new(false);
    let processes = Processes::of(&place);
    for words in [
        &["plan", "secret"][..],
        &["plan", "secret", "--script"],
        &["plan", "secret", "--markdown"],
        &["plan", "secret", "--format", "json"],
        &["plan", "secret", "-o", "plan.json"],
    ] {
        assert_eq!(place.run(words).code, 0, "{words:?}");
    }
    let mut watcher = begins(&place, &processes);
    let mut also = place.real.watch(&["follow"], true);
    place.go();
    let (code, seen) = watcher.end();
    assert_eq!(code, 0, "{}", text(&seen));
    place.said("run", &text(&seen));
    place.said("follow", &text(&also.end().1));
    place.tell();
    // Those who watch on a screen see the end of what it printed; those who share theirs do not.
    let seen = Watch::of(Runs::at(&place.real.state().join("runs"))).look().expect("there is a run");
    assert_eq!(seen.runs.len(), 1);
    for size in [(80, 24), (120, 40), (200, 60)] {
        let mut console = Console::new("calm", size);
        console.tell(Message::Runs(seen.clone()));
        console.keys("5 enter j");
        let shown = console.text();
        assert!(shown.contains(PRINTED), "{shown}");
        console.keys("p");
        let hidden = console.text();
        assert!(!hidden.contains(PRINTED) && hidden.contains("not on a shared screen"), "{hidden}");
        place.said("the console", &shown.replace(PRINTED, ""));
        place.said("the console, shared", &hidden);
    }
    assert_clean(&place, processes);
}

#[test]
fn no_secret_is_told_of_a_run_that_fails_and_is_begun_again() {
    let mut place = Place::new(false);
    let processes = Processes::of(&place);
    place.code(3);
    let mut watcher = begins(&place, &processes);
    place.go();
    let (code, seen) = watcher.end();
    assert_eq!(code, 4, "{}", text(&seen));
    place.said("run", &text(&seen));
    place.tell();
    let name = place.name();
    // Nobody says it again: that is refused, without a word of it.
    let variables = std::mem::take(&mut place.real.variables);
    assert_ne!(place.run(&["resume"]).code, 0);
    place.real.variables = variables;
    place.code(0);
    let ran = place.run(&["-vv", "resume"]);
    assert_eq!(ran.code, 4, "it is still failed: {ran}");
    let retried = place.run(&["retry", &name, "act"]);
    assert_eq!(retried.code, 0, "{retried}");
    place.tell();
    assert_clean(&place, processes);
}

#[test]
fn no_secret_is_told_of_a_run_that_is_killed_and_resumed() {
    let mut place = Place::new(false);
    let processes = Processes::of(&place);
    let mut watcher = begins(&place, &processes);
    for pid in executors(&place) {
        kill_process(pid, Signal::KILL).expect("it is there");
    }
    let (code, seen) = watcher.end();
    assert_eq!(code, 4, "{}", text(&seen));
    place.said("run", &text(&seen));
    place.tell();
    let mut watcher = place.real.watch(&["-vv", "resume"], true);
    place.go();
    let (code, seen) = watcher.end();
    assert_eq!(code, 0, "{}", text(&seen));
    place.said("resume", &text(&seen));
    place.tell();
    assert_clean(&place, processes);
}

/// In the sandbox: its programs and notices are simulated, and its log of what was done is kept.
#[test]
fn no_secret_is_told_of_a_run_that_is_taken_back() {
    let mut place = Place::new(true);
    let sandbox = ["-vv", "-e", "sandbox:calm", "--speed", "20000"];
    let words = |words: &[&'static str]| [&sandbox[..], words].concat();
    place.run(&words(&["plan", "secret", "-p", "instance=web-2", "-o", "plan.json"]));
    let ran = place.run(&words(&["run", "secret", "-p", "instance=web-2", "--yes"]));
    assert_eq!(ran.code, 0, "{ran}");
    place.tell();
    let name = place.name();
    let ran = place.run(&["undo", &name, "stop", "--yes"]);
    assert_eq!(ran.code, 0, "{ran}");
    place.tell();
    let operations: Vec<String> =
        place.real.effects().iter().map(|effect| effect.operation.to_string()).collect();
    assert_eq!(operations, ["webhook:Post", "tool:Run", "ec2:StopInstances", "ec2:StartInstances"]);
    let leaks = place.leaks();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}

/// What is typed is not shown, and not kept.
#[test]
fn a_secret_that_is_typed_is_seen_by_nobody() {
    let mut place = Place::new(false);
    place.real.variables.retain(|(name, _)| name != "LIFEBOAT_SECRET_TOKEN");
    let processes = Processes::of(&place);
    let mut watcher = place.real.watch(&["run", "secret", "--yes"], true);
    until("the question", || {
        String::from_utf8_lossy(&watcher.line.lock().expect("nobody panics here"))
            .contains("it is not shown")
            .then_some(())
    });
    let mut keys = watcher.master.as_ref().expect("a terminal").take_writer().expect("it can be typed to");
    // It waits until nothing is echoed any more.
    until("that nothing is shown", || {
        let modes = watcher.master.as_ref()?.get_termios()?;
        let modes = format!("{:?}", modes.local_flags);
        (!modes.split(['|', '(', ')', ' ']).any(|mode| mode == "ECHO")).then_some(())
    });
    keys.write_all(format!("{TOKEN}\n").as_bytes()).expect("it is typed");
    runs(&place, &processes);
    place.go();
    let (code, seen) = watcher.end();
    assert_eq!(code, 0, "{}", text(&seen));
    place.said("run", &text(&seen));
    place.tell();
    assert_clean(&place, processes);
}
