//! The engine and the supervisor are killed at any moment: a child runs at most once, and its end is known or said to be
//! unknown.

use super::local::{act, armed, block_on, call, calls, until};
use super::supervised::{Place, processes_with};
use lifeboat::provider::port::Act;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

/// The variable that makes a test of this binary the engine that is killed.
const ENGINE: &str = "LIFEBOAT_TEST_ENGINE";
/// The name of that test.
const NAME: &str = "tool::killed::an_engine_that_can_be_killed";
/// What the child does: it leaves one line each time that it runs.
const SCRIPT: &str = "echo x >> runs; sleep 0.2; exit 7";

#[test]
fn an_engine_that_can_be_killed() {
    // Without the variable it is no engine, and there is nothing to test.
    let Ok(arguments) = std::env::var(ENGINE) else { return };
    let arguments: Value = serde_json::from_str(&arguments).expect("arguments are JSON");
    let folder = std::path::Path::new(arguments["Folder"].as_str().expect("a folder"));
    let id = std::process::id().to_string();
    std::fs::write(folder.join("begun"), id).expect("it can be written");
    let reply = block_on(calls().act(armed(call("tool:Run", &arguments))));
    std::fs::write(folder.join("acted"), format!("{reply:?}")).expect("it can be written");
    std::thread::sleep(Duration::from_secs(600));
}

fn engine(arguments: &Value) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("it knows itself"));
    command
        .args(["--exact", NAME, "--nocapture", "--test-threads=1"])
        .env(ENGINE, arguments.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn lines(place: &Place) -> usize {
    std::fs::read_to_string(place.path("runs")).unwrap_or_default().lines().count()
}

fn none_is_left(place: &Place) {
    let home = place.home().display().to_string();
    until("the end of the supervisor", || processes_with(&home).is_empty().then_some(()));
}

/// Kills an engine so many microseconds after it has begun to act, and returns what had become of the child.
fn kill_engine_after(delay: Duration) -> &'static str {
    let place = Place::new();
    let arguments = place.arguments(&["sh", "-c", SCRIPT], &json!({}));
    let mut engine = engine(&arguments).spawn().expect("the engine starts");
    until("the engine", || place.path("begun").exists().then_some(()));
    std::thread::sleep(delay);
    engine.kill().expect("it can be killed");
    engine.wait().expect("it has ended");
    let claimed = place.home().join("claimed").exists();
    let end = place.end();
    let became = match end["State"].as_str() {
        Some("ended") => {
            assert_eq!((&end["ExitCode"], lines(&place)), (&json!(7), 1), "{end}");
            "ended"
        }
        Some("never-started") => {
            assert_eq!(lines(&place), 0, "{end}");
            if claimed { "claimed" } else { "nothing" }
        }
        _ => panic!("{end}"),
    };
    // Whoever comes next: a home that was claimed starts nothing more.
    let again = act("tool:Run", &arguments);
    let end = place.end();
    match became {
        "ended" => assert_eq!(again.expect("it has run").body["Attached"], true),
        "claimed" => assert_eq!(again.expect_err("it never will").code(), Some("NeverStarted")),
        _ => assert_eq!(again.expect("it runs").body["Attached"], false),
    }
    let expected = usize::from(became != "claimed");
    assert_eq!(lines(&place), expected, "{became}: {end}");
    none_is_left(&place);
    became
}

/// Does something with so many random delays, four at a time, and returns what came of each.
fn at_random<T: Send>(seed: u64, times: usize, most_us: u64, each: impl Fn(Duration) -> T + Sync) -> Vec<T> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let delays: Vec<_> = (0..times).map(|_| Duration::from_micros(random.next_u64() % most_us)).collect();
    std::thread::scope(|scope| {
        let some = delays.chunks(times.div_ceil(4));
        let each = &each;
        let threads: Vec<_> = some
            .map(|some| scope.spawn(move || some.iter().map(|delay| each(*delay)).collect::<Vec<_>>()))
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    })
}

#[test]
fn when_the_engine_is_killed_the_child_runs_once_and_its_end_is_known() {
    let mut became = at_random(4711, 40, 40_000, kill_engine_after);
    became.extend(at_random(4712, 24, 250_000, kill_engine_after));
    let count = |what: &str| became.iter().filter(|one| **one == what).count();
    println!("ended {}, claimed {}, nothing {}", count("ended"), count("claimed"), count("nothing"));
    assert!(count("ended") > 0);
}

#[test]
fn when_the_supervisor_is_killed_nobody_pretends_to_know() {
    let became = at_random(4713, 40, 260_000, |delay| {
        let place = Place::new();
        let arguments = place.arguments(&["sh", "-c", SCRIPT], &json!({}));
        let acted = std::thread::scope(|scope| {
            let acting = scope.spawn(|| act("tool:Run", &arguments));
            std::thread::sleep(delay);
            let home = place.home().display().to_string();
            for id in processes_with(&home) {
                // The child of a fork has our own arguments until it is another program.
                let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
                let pid = id.parse().ok().and_then(Pid::from_raw).expect("a process");
                if line.starts_with(b"lifeboat\0") {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
            acting.join().expect("no panic")
        });
        let end = place.end();
        let state = end["State"].as_str().expect("a state").to_owned();
        match state.as_str() {
            "ended" => assert_eq!((&end["ExitCode"], lines(&place)), (&json!(7), 1), "{end}"),
            "never-started" => assert_eq!(lines(&place), 0, "{end} {acted:?}"),
            "lost" => assert!(acted.is_ok() || acted.is_err_and(|trouble| !trouble.is_clean())),
            other => panic!("{other}"),
        }
        let again = act("tool:Run", &arguments);
        // The child goes on without its supervisor; it ends by itself.
        until("the end of the child", || {
            let lives = place.home().join("child.json").exists() && place.status()["ChildLives"] == true;
            (!lives).then_some(())
        });
        assert!(lines(&place) <= 1, "{again:?}");
        assert!(again.is_err() || again.is_ok_and(|again| again.body["Attached"] == true));
        state
    });
    println!("{became:?}");
    assert!(became.iter().any(|state| state == "lost"), "{became:?}");
}

#[test]
fn when_the_terminal_is_stopped_and_gone_the_child_goes_on() {
    let place = Place::new();
    let script = "echo x >> runs; for i in 1 2 3 4 5 6 7 8; do sleep 0.1; done; exit 7";
    let arguments = place.arguments(&["sh", "-c", script], &json!({}));
    let pair = native_pty_system().openpty(PtySize::default()).expect("a pseudo-terminal");
    // A shell that controls jobs: who has no such parent cannot be stopped by a terminal.
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "set -m; \"$0\" \"$@\"; sleep 600"]);
    command.arg(std::env::current_exe().expect("it knows itself"));
    command.args(["--exact", NAME, "--nocapture", "--test-threads=1"]);
    command.env(ENGINE, arguments.to_string());
    let mut shell = pair.slave.spawn_command(command).expect("the engine starts");
    drop(pair.slave);
    until("the call", || place.path("acted").exists().then_some(()));
    let id = std::fs::read_to_string(place.path("begun")).expect("it has said its number");
    let mut keys = pair.master.take_writer().expect("it can be typed to");
    // Ctrl-Z stops everybody who belongs to the terminal.
    keys.write_all(b"\x1a").expect("it is typed");
    until("the stop of the engine", || {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        stat.rsplit(") ").next()?.starts_with('T').then_some(())
    });
    assert_eq!(place.status()["State"], "running");
    // The terminal goes: a hang-up for everybody who belongs to it.
    drop(keys);
    drop(pair.master);
    shell.wait().expect("it has ended");
    let end = place.end();
    assert_eq!((&end["State"], &end["ExitCode"], lines(&place)), (&json!("ended"), &json!(7), 1), "{end}");
    none_is_left(&place);
}
