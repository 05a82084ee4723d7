//! Signals to who watches and to the executor, at any moment, while a program runs: it is neither lost nor doubled, and the
//! run comes to its end. And what happens to a step when no operator is left.

use super::disk::Dice;
use super::program::{Real, Watcher, at_once, text, until};
use super::rig::campaign;
use crate::support::run::Ran;
use lifeboat::engine::folder::{Folder, RunFolder};
use lifeboat::engine::store::{Run, load};
use lifeboat::runbook::event::{Event, Rest};
use lifeboat::runbook::state::Phase;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// An estate of this machine alone: its programs run in truth.
pub(crate) const ESTATE: &str = "version: 1
estate: proof
environments:
  here: { class: staging, account: \"123456789012\", account_alias: proof-here, region: us-east-2 }
components:
  shop:
    kind: service
    probes: [{ tcp: \"127.0.0.1:9\" }]
policy: { unattended: [here] }
runbooks: [books]
";

/// What a program does: it says that it begins, takes a while, and says that it ends.
const SCRIPT: &str = "#!/bin/sh
echo \"start $$ $1\" >> \"$2\"
if [ -n \"$3\" ]; then while [ ! -e \"$3\" ]; do sleep 0.02; done; else sleep 0.3; fi
echo \"end $$ $1\" >> \"$2\"
exit 7
";

/// A place in which steps run programs.
struct Place {
    real: Real,
}

/// A step that runs a program: its name, what else is said of it, and whether it waits until it may go.
struct Step(&'static str, &'static str, bool);

impl Place {
    fn new(steps: &[Step]) -> Self {
        let real = Real::new();
        real.home.write("lifeboat.yaml", ESTATE);
        let program = real.home.write("program.sh", SCRIPT);
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it is a program");
        let home = real.home.dir.path().display().to_string();
        let mut book = "version: 1\ntitle: Run programs\nscenario: A test.\nkind: recover\nreviewed: 2026-11-21\nsteps:\n".to_owned();
        for Step(id, more, waits) in steps {
            let go = if *waits { format!(", {home}/go") } else { String::new() };
            book.push_str(&format!(
                "  - id: {id}\n    title: Run {id}\n    uses: tool\n    with: {{ run: [{program}, {id}, {home}/runs{go}], folder: {home}, class: additive, expect: 7 }}\n{more}"
            ));
        }
        real.home.write("books/programs.yaml", &book);
        Self { real }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.real.home.dir.path().join(name)
    }

    /// Returns which steps have begun or ended a program, each with the number of its process.
    fn said(&self, word: &str) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(self.path("runs")).unwrap_or_default();
        let lines = text.lines().filter_map(|line| {
            let mut words = line.split(' ');
            (words.next() == Some(word)).then(|| (words.next(), words.next()))
        });
        lines
            .map(|(pid, step)| (step.unwrap_or_default().to_owned(), pid.unwrap_or_default().to_owned()))
            .collect()
    }

    fn folder(&self) -> RunFolder {
        RunFolder::at(&self.real.folder().expect("there is a run"))
    }

    fn load(&self) -> Run {
        load(&self.folder()).expect("it can be relied on")
    }

    fn phase(&self, step: &str) -> Phase {
        self.load().state.step(step).expect("there is such a step").phase
    }

    /// Returns the executors that live.
    fn executors(&self) -> Vec<Pid> {
        let home = self.real.state().display().to_string();
        let ids = crate::tool::supervised::processes_with(&home).into_iter();
        let is_one = |id: &String| {
            let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|word| word == b"__execute")
        };
        ids.filter(is_one).filter_map(|id| Pid::from_raw(id.parse().ok()?)).collect()
    }

    /// Says whether a program was started for a step.
    fn was_started(&self, step: &str) -> bool {
        let attempt = self.load().state.step(step).expect("there is such a step").attempt;
        let child = format!("children/{step}-{attempt}/started.json");
        self.real.folder().expect("there is a run").join(child).exists()
    }

    /// Goes on until everything is done, with a person who says what they see.
    fn finish(&self, steps: &[&str]) -> Result<(), String> {
        let mut last = String::new();
        for _ in 0..8 {
            let run = self.load();
            if matches!(run.state.rest, Some((Rest::Finished, ..))) {
                return Ok(());
            }
            let name = run.plan.run.to_string();
            let stuck = steps.iter().find_map(|step| match self.phase(step) {
                phase @ (Phase::Intended | Phase::InDoubt | Phase::Failed) => Some((*step, phase)),
                _ => None,
            });
            let ran = match stuck {
                Some((step, Phase::Failed)) => self.real.run(&["retry", &name, step]),
                Some((step, _)) if !self.was_started(step) => {
                    // The executor waits for minutes before it asks; this person has looked.
                    let _: Ran = self.real.run(&["resume", "--detach"]);
                    let moved = || (self.phase(step) != Phase::Intended).then_some(());
                    until("the doubt", moved);
                    if self.phase(step) == Phase::InDoubt && !self.was_started(step) {
                        self.real.run(&["settle", &name, step, "--did-not", "--reason", "I looked"])
                    } else {
                        self.real.run(&["resume"])
                    }
                }
                _ => self.real.run(&["resume"]),
            };
            self.real.quiet();
            last = ran.to_string();
        }
        Err(format!("it does not come to its end: {last}"))
    }

    /// Returns what is wrong when each of these steps is to have run its program once.
    fn wrong(&self, steps: &[&str]) -> Vec<String> {
        let (starts, ends) = (self.said("start"), self.said("end"));
        let mut wrong = Vec::new();
        let same: BTreeSet<_> = starts.iter().collect();
        if same != ends.iter().collect() || same.len() != starts.len() {
            wrong.push(format!("started {starts:?}, ended {ends:?}"));
        }
        for step in steps {
            let count = starts.iter().filter(|(of, _)| of == step).count();
            if count != 1 {
                wrong.push(format!("{step} was started {count} times"));
            }
            let codes: Vec<_> = self
                .real
                .events()
                .into_iter()
                .filter_map(|event| match event {
                    Event::Arrived { of, outputs } if of.step == **step => outputs.get("exit-code").cloned(),
                    _ => None,
                })
                .collect();
            if codes != [7] {
                wrong.push(format!("{step}: the journal tells exit codes {codes:?}"));
            }
        }
        if starts.len() != steps.len() {
            wrong.push(format!("{} programs were started for {} steps", starts.len(), steps.len()));
        }
        wrong
    }
}

const RUN: [&str; 3] = ["run", "programs", "--yes"];

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    WatcherKilled,
    /// The terminal of who watches goes away.
    WatcherHungUp,
    WatcherStopped,
    WatcherInterrupted,
    WatcherTerminated,
    ExecutorKilled,
    ExecutorHungUp,
    ExecutorStopped,
}

impl Blow {
    const ALL: [Self; 8] = [
        Self::WatcherKilled,
        Self::WatcherHungUp,
        Self::WatcherStopped,
        Self::WatcherInterrupted,
        Self::WatcherTerminated,
        Self::ExecutorKilled,
        Self::ExecutorHungUp,
        Self::ExecutorStopped,
    ];

    /// Strikes; says whether anybody was there.
    fn strike(self, place: &Place, watcher: &mut Watcher) -> bool {
        let executor = |signal: Signal| {
            let living = place.executors();
            for pid in &living {
                // It may have ended.
                let _ = kill_process(*pid, signal);
            }
            !living.is_empty()
        };
        match self {
            Self::WatcherKilled => watcher.signal(Signal::KILL),
            Self::WatcherHungUp => drop(watcher.master.take()),
            Self::WatcherInterrupted => watcher.signal(Signal::INT),
            Self::WatcherTerminated => watcher.signal(Signal::TERM),
            Self::WatcherStopped => {
                watcher.signal(Signal::STOP);
                std::thread::sleep(Duration::from_millis(200));
                watcher.signal(Signal::CONT);
            }
            Self::ExecutorKilled => return executor(Signal::KILL),
            Self::ExecutorHungUp => return executor(Signal::HUP),
            Self::ExecutorStopped => {
                let there = executor(Signal::STOP);
                std::thread::sleep(Duration::from_millis(200));
                executor(Signal::CONT);
                return there;
            }
        }
        true
    }
}

/// What came of a blow.
struct Came {
    blow: Blow,
    /// Whether anybody was struck while a program ran.
    running: bool,
    wrong: Vec<String>,
}

fn struck(seed: u64) -> Came {
    let mut dice = Dice::new(seed.wrapping_mul(15_485_863));
    let blow = Blow::ALL[usize::try_from(seed % 8).expect("it is small")];
    let place = Place::new(&[Step("act", "", false)]);
    let mut watcher = place.real.watch(&RUN, true);
    // Half of them strike while the program runs, the others at any moment from the first.
    if dice.hits(50) {
        until("the program", || {
            (!place.said("start").is_empty() || watcher.child.try_wait().is_ok_and(|ended| ended.is_some()))
                .then_some(())
        });
        std::thread::sleep(Duration::from_millis(dice.below(300)));
    } else {
        std::thread::sleep(Duration::from_millis(dice.below(1500)));
    }
    let running = place.said("start").len() > place.said("end").len();
    let there = blow.strike(&place, &mut watcher);
    if blow == Blow::WatcherHungUp {
        // A reader holds the terminal, too.
        watcher.signal(Signal::HUP);
    }
    let (code, seen) = watcher.end();
    place.real.quiet();
    let mut wrong = Vec::new();
    let begun = place.real.folder().is_some_and(|folder| {
        folder.join("journal.jsonl").exists()
            || RunFolder::at(&folder).requests().is_ok_and(|waiting| !waiting.is_empty())
    });
    let expected: &[&str] = if begun { &["act"] } else { &[] };
    if begun && let Err(why) = place.finish(&["act"]) {
        wrong.push(why);
    }
    wrong.extend(place.wrong(expected));
    let orderly = match blow {
        Blow::WatcherStopped | Blow::ExecutorStopped => code == 0,
        // Before it watches, an interruption ends it like anything else.
        Blow::WatcherInterrupted => !running || code == 7 || code == 0,
        Blow::ExecutorKilled | Blow::ExecutorHungUp => !there || code == 4 || code == 0 || !running,
        _ => true,
    };
    if !orderly {
        wrong.push(format!("who watches ended with {code}: {}", text(&seen)));
    }
    let wrong = wrong
        .into_iter()
        .map(|wrong| format!("LIFEBOAT_SEED={seed} {blow:?}, running {running}: {wrong}"))
        .collect();
    Came { blow, running: running && there, wrong }
}

#[test]
fn whatever_signal_comes_a_program_is_neither_lost_nor_doubled() {
    let from = std::env::var("LIFEBOAT_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let seeds: Vec<u64> = from.map_or_else(|| (0..200 * campaign()).collect(), |seed| vec![seed]);
    let came = at_once(&seeds, 10, |seed| struck(*seed));
    for blow in Blow::ALL {
        let own = came.iter().filter(|came| came.blow == blow);
        let running = own.clone().filter(|came| came.running).count();
        println!("{blow:?}: {} times, {running} of them while the program ran", own.count());
        assert!(running > 0 || from.is_some(), "{blow:?} never struck while the program ran");
    }
    let wrong: Vec<_> = came.into_iter().flat_map(|came| came.wrong).collect();
    assert!(
        wrong.is_empty(),
        "{} wrong; the first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(5)].join("\n")
    );
}

/// Ctrl-Z, as a shell has it that controls jobs: who has no such parent cannot be stopped by a terminal.
#[test]
fn a_screen_that_is_put_aside_stops_nothing() {
    let place = Place::new(&[Step("first", "", true), Step("second", "", false)]);
    let shell = ["/bin/sh", "-c", "set -m; \"$0\" \"$@\"; sleep 600", env!("CARGO_BIN_EXE_lifeboat")];
    let mut watcher = place.real.watch_by(&shell, &RUN, true);
    until("the first program", || (!place.said("start").is_empty()).then_some(()));
    let master = watcher.master.as_ref().expect("it has a terminal");
    let mut keys = master.take_writer().expect("it can be typed to");
    std::io::Write::write_all(&mut keys, b"\x1a").expect("it is typed");
    let state = place.real.state().display().to_string();
    let own = until("the screen", || {
        let all = crate::tool::supervised::processes_with(&state);
        all.into_iter().find(|id| {
            let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            line.starts_with(env!("CARGO_BIN_EXE_lifeboat").as_bytes())
        })
    });
    until("the stop of the screen", || {
        let stat = std::fs::read_to_string(format!("/proc/{own}/stat")).ok()?;
        stat.rsplit(") ").next()?.starts_with('T').then_some(())
    });
    // While it stands still, the run goes on to its end.
    std::fs::write(place.path("go"), "").expect("it can be written");
    place.real.quiet();
    assert_eq!(place.wrong(&["first", "second"]), Vec::<String>::new());
    assert!(matches!(place.load().state.rest, Some((Rest::Finished, ..))));
    let before = watcher.seen.lock().expect("nobody panics here").len();
    let pid = own.parse().ok().and_then(Pid::from_raw).expect("a process");
    kill_process(pid, Signal::CONT).expect("it is there");
    until("the rest of what happened", || {
        let seen = watcher.seen.lock().expect("nobody panics here");
        seen[before..].iter().any(|(_, line)| line.contains("every step is done")).then_some(())
    });
    watcher.signal(Signal::KILL);
    watcher.end();
}

/// A run whose operator goes away while its first step runs; returns how it rests.
fn without_operator(steps: &[Step], stays: bool) -> (Place, Option<(Rest, String)>) {
    let place = Place::new(steps);
    let mut watcher = place.real.watch(&RUN, true);
    until("the first program", || (!place.said("start").is_empty()).then_some(()));
    if !stays {
        drop(watcher.master.take());
        watcher.signal(Signal::HUP);
        watcher.end();
        let folder = place.folder();
        until("that nobody watches", || (!folder.is_watched()).then_some(()));
    }
    std::fs::write(place.path("go"), "").expect("it can be written");
    let gate = steps.iter().any(|step| step.1.contains("gate"));
    if gate {
        until("the gate", || (place.phase("second") == Phase::AtGate).then_some(()));
    } else {
        place.real.quiet();
    }
    if stays && !gate {
        watcher.end();
    }
    let rest = place.load().state.rest.map(|(rest, why, _)| (rest, why.to_string()));
    (place, rest)
}

#[test]
fn a_step_says_what_happens_to_it_when_no_operator_is_left() {
    let (none, finish, pause) = ("", "    on_hangup: finish-step\n", "    on_hangup: pause\n");
    // What the two steps say, which of them run without an operator, and for which one it waits.
    let cases: [(&str, &str, &[&str], Option<&str>); 6] = [
        (none, none, &["first", "second"], None),
        (none, "    on_hangup: continue\n", &["first", "second"], None),
        (none, pause, &["first"], Some("second")),
        (pause, none, &["first", "second"], None),
        (finish, none, &["first"], Some("second")),
        (none, finish, &["first", "second"], None),
    ];
    let all: Vec<_> = cases.iter().flat_map(|case| [(case, false), (case, true)]).collect();
    let wrong: Vec<String> = at_once(&all, 6, |((first, second, run, waits), stays)| {
        let steps = [Step("first", first, true), Step("second", second, false)];
        let (place, rest) = without_operator(&steps, *stays);
        let at = format!("{first:?}, {second:?}, an operator stays: {stays}");
        let mut wrong = Vec::new();
        let expected: &[&str] = if *stays { &["first", "second"] } else { run };
        wrong.extend(place.wrong(expected));
        match (waits.filter(|_| !stays), &rest) {
            (None, Some((Rest::Finished, _))) => {}
            (Some(step), Some((Rest::Paused, why)))
                if why.contains("no operator is left") && why.contains(step) => {}
            other => wrong.push(format!("{other:?}")),
        }
        // Somebody comes back, and it goes on.
        let ran = place.real.run(&["resume"]);
        if ran.code != 0 {
            wrong.push(format!("{ran}"));
        }
        wrong.extend(place.wrong(&["first", "second"]));
        wrong.into_iter().map(|wrong| format!("{at}: {wrong}")).collect::<Vec<_>>()
    })
    .concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_gate_waits_for_the_next_operator() {
    let steps = [Step("first", "", true), Step("second", "    gate: true\n", false)];
    let (place, _) = without_operator(&steps, false);
    assert_eq!(place.phase("second"), Phase::AtGate);
    assert_eq!(place.wrong(&["first"]), Vec::<String>::new());
    let name = place.load().plan.run.to_string();
    let ran = place.real.run(&["open", &name, "second", "--yes"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(place.wrong(&["first", "second"]), Vec::<String>::new());
}
