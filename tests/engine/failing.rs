//! A disk that fails under the real program: whichever sync of its executor fails, and whenever its disk fills up, nothing
//! is done that is not written down, who watches is told at once, and the run goes on when the disk is fine again.

use super::program::{PATIENCE, Real, at_once, own_folder, text, without_outcome, wrong};
use super::rig::campaign;
use crate::support::fiu::Fiu;
use crate::support::run::START;
use crate::support::skip::skip;
use lifeboat::engine::line::Line;
use lifeboat::provider::sandbox::Effect;
use lifeboat::runbook::event::{Event, Rest};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The newest snapshot when the world begins. Its clock is fast: who asks later may find it followed by another.
const SNAPSHOT: &str = "snapshot=stage-orders-db-daily-2026-11-20-05-30";

/// What is run, and how many changes it makes.
const RUNS: [(&[&str], usize); 2] = [
    (&["instance-restart", "-p", "instance=web-2"], 2),
    (&["database-from-snapshot", "-p", "database=stage-orders-db", "-p", SNAPSHOT], 2),
];

/// EIO.
const BROKEN: i32 = 5;

/// By when who watches is told.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

fn words<'a>(purpose: &'a str, run: &[&'a str]) -> Vec<&'a str> {
    let mut words = vec!["-e", "sandbox:calm", "--speed", "2000", "--start", START, "run"];
    words.extend(run);
    words.extend(["--yes", "--purpose", purpose]);
    words
}

/// Returns how long after `failed` it was said why the run has stopped.
fn told_after(seen: &[(SystemTime, String)], failed: SystemTime) -> Option<Duration> {
    let (at, _) = seen.iter().find(|(_, line)| line.contains("the run had to stop"))?;
    Some(at.duration_since(failed).unwrap_or_default())
}

/// Goes on with a run on a disk that is fine again; returns what is wrong.
fn goes_on(real: &Real, changes: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut ran = real.run(&["resume"]);
    for _ in 0..5 {
        // The clock of the sandbox has run while nobody worked, and a wait has ended: as it says, it goes on.
        if ran.code != 4 || !ran.err.contains("`resume` goes on waiting") {
            break;
        }
        ran = real.run(&["resume"]);
    }
    if ran.code != 0 {
        found.push(format!("it does not end well: {ran}"));
    }
    let finished = matches!(real.events().last(), Some(Event::Rested { rest: Rest::Finished, .. }));
    if !finished {
        found.push(format!("it has not finished: {ran}"));
    }
    let effects = real.effects();
    found.extend(wrong(&real.lines(), &effects));
    let changed = effects.iter().filter(|effect| effect.changed).count();
    if changed != changes {
        found.push(format!("{changed} changes, not {changes}: {effects:?}"));
    }
    let verified = real.run(&["audit", "verify"]);
    if verified.code != 0 {
        found.push(format!("it does not verify: {verified}"));
    }
    found
}

fn says(what: &str, found: Vec<String>) -> Vec<String> {
    found.into_iter().map(|found| format!("{what}: {found}")).collect()
}

/// The disk is fine: what the others are compared with.
#[test]
fn on_a_disk_that_is_fine_every_change_is_made_once() {
    for (run, changes) in RUNS {
        let real = Real::new();
        let ran = real.run(&words("a test", run));
        assert_eq!(ran.code, 0, "{ran}");
        let effects = real.effects();
        assert_eq!(wrong(&real.lines(), &effects), Vec::<String>::new());
        assert_eq!(without_outcome(&real.lines(), &effects), Vec::<String>::new());
        assert_eq!(effects.iter().filter(|effect| effect.changed).count(), changes, "{effects:?}");
        // Whoever takes an intent away notices.
        let lines = real.lines();
        let none = |line: &&Line| !matches!(line.event, Some(Event::Intended { .. }));
        let without: Vec<Line> = lines.iter().filter(none).cloned().collect();
        assert_eq!(wrong(&without, &effects).len(), changes);
        let twice: Vec<Effect> = effects.iter().chain(&effects).cloned().collect();
        assert!(!wrong(&lines, &twice).is_empty());
    }
}

/// What came of a failing sync: how long it took to tell, and what is wrong; `None` where there was no such sync.
fn sync_fails(fiu: &Fiu, run: (&[&str], usize), point: &str, nth: u64) -> Option<(Duration, Vec<String>)> {
    let mut real = Real::new();
    let clock = real.home.dir.path().join("failed-at");
    real.variables = fiu.variables(point, nth, BROKEN, &clock);
    let (code, seen) = real.watch(&words("a test", run.0), nth.is_multiple_of(2)).end();
    real.variables.clear();
    let what = format!("{} {point} {nth}", run.0[0]);
    let Ok(failed) = std::fs::read_to_string(&clock) else {
        assert_eq!(code, 0, "{what}: {}", text(&seen));
        return None;
    };
    let failed = UNIX_EPOCH + Duration::from_nanos(failed.trim().parse().expect("a number"));
    real.quiet();
    let mut found = Vec::new();
    let (lines, effects) = (real.lines(), real.effects());
    // What was written when the sync failed may be lost; nothing is written after it.
    let lost = usize::from(point.ends_with("fdatasync"));
    found.extend(wrong(&lines[..lines.len().saturating_sub(lost)], &effects));
    let untold = without_outcome(&lines, &effects);
    if !untold.is_empty() {
        found.push(format!("no line tells what came of {untold:?}"));
    }
    if code != 4 {
        found.push(format!("exit code {code}: {}", text(&seen)));
    }
    let told = told_after(&seen, failed);
    if told.is_none() {
        found.push(format!("nobody was told: {}", text(&seen)));
    }
    found.extend(goes_on(&real, run.1));
    Some((told.unwrap_or(PATIENCE), says(&what, found)))
}

#[test]
fn whichever_sync_of_the_executor_fails_nothing_is_done_that_is_not_on_disk() {
    let fiu = match Fiu::get() {
        Ok(fiu) => fiu,
        Err(why) => {
            return skip("whichever_sync_of_the_executor_fails_nothing_is_done_that_is_not_on_disk", why);
        }
    };
    let (mut failed, mut slowest, mut late, mut found) = (0, Duration::ZERO, 0, Vec::new());
    for run in RUNS {
        // Of all that an executor syncs only its journal is synced by `fdatasync`; the sandbox syncs nothing when it acts.
        for point in ["posix/io/sync/fdatasync", "posix/io/sync/fsync"] {
            let mut own = 0;
            for batch in 0.. {
                let all: Vec<u64> = (batch * 8 + 1..batch * 8 + 9).collect();
                let came = at_once(&all, 4, |nth| sync_fails(fiu, run, point, *nth));
                let more = came.iter().all(Option::is_some);
                for (told, wrong) in came.into_iter().flatten() {
                    own += 1;
                    slowest = slowest.max(told);
                    late += usize::from(told > TOLD_WITHIN);
                    found.extend(wrong);
                }
                if !more {
                    break;
                }
                assert!(batch < 40, "a run has no end of syncs");
            }
            println!("{} {point}: {own} failed, one after another", run.0[0]);
            assert!(own > 3, "{point} was never passed");
            failed += own;
        }
    }
    println!(
        "{failed} syncs failed; who watches was told after {slowest:?} at the latest, {late} times later than {TOLD_WITHIN:?}"
    );
    assert!(
        found.is_empty(),
        "{} wrong; the first:\n{}",
        found.len(),
        found[..found.len().min(6)].join("\n")
    );
    // A machine that does something else for a second is no fault of ours.
    assert!(late * 20 <= failed, "{late} of {failed} were told late");
}

/// The variable by which a test knows that it is in a place where it can mount.
const MOUNTS: &str = "LIFEBOAT_TEST_MOUNTS";

/// Runs a test once more where it can mount, and says how that went; nothing that is mounted is left behind.
fn where_it_can_mount(test: &str) {
    let flags = if rustix::process::geteuid().is_root() { "-m" } else { "-Urm" };
    let tried = Command::new("unshare").args([flags, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        return skip(test.rsplit("::").next().expect("a name"), "no small file system can be mounted");
    }
    let own = std::env::current_exe().expect("it knows itself");
    let ran = Command::new("unshare")
        .arg(flags)
        .arg(own)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(MOUNTS, "1")
        .output()
        .expect("it runs");
    println!("{}", String::from_utf8_lossy(&ran.stdout));
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn mount(at: &Path, option: &str) {
    let mut command = Command::new("mount");
    let output = command.args(["-t", "tmpfs", "-o", option, "tmpfs"]).arg(at).output().expect("mount runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// How a run on a disk of so many pages ended.
struct Filled {
    /// The event whose line had no room, where the journal was begun.
    after: Option<&'static str>,
    told: Option<Duration>,
    finished: bool,
    wrong: Vec<String>,
}

/// Lets a run have so many pages of disk, and its first line so many bytes more.
fn fills(run: (&[&str], usize), pages: u64, shift: usize) -> Filled {
    let real = Real::new();
    let runs = real.state().join("runs");
    own_folder(&runs);
    mount(&runs, &format!("size={},mode=0700", pages * 4096));
    let (code, seen) = real.watch(&words(&"x".repeat(shift), run.0), pages.is_multiple_of(2)).end();
    real.quiet();
    let (lines, effects) = (real.lines(), real.effects());
    let mut found = wrong(&lines, &effects);
    let untold = without_outcome(&lines, &effects);
    if !untold.is_empty() {
        found.push(format!("no line tells what came of {untold:?}"));
    }
    let halted = real.folder().map(|folder| folder.join("halted")).filter(|path| path.exists());
    let mut told = None;
    if let Some(halted) = &halted {
        let at = halted.metadata().and_then(|found| found.modified()).expect("it is there");
        told = told_after(&seen, at);
        if told.is_none() || code != 4 {
            found.push(format!("exit code {code}, and nobody was told: {}", text(&seen)));
        }
    } else if code != 0 && (real.folder().is_some() && !lines.is_empty() || seen.is_empty()) {
        found.push(format!("exit code {code} without a word: {}", text(&seen)));
    }
    let after = lines.last().filter(|_| halted.is_some()).map(|line| name_of(line.event.as_ref()));
    let begun = lines.iter().any(|line| matches!(line.event, Some(Event::Asked { .. })));
    let waits = real.folder().is_some_and(|folder| {
        std::fs::read_dir(folder.join("requests"))
            .is_ok_and(|mut all| all.any(|one| one.is_ok_and(|one| one.path().extension().is_some())))
    });
    mount(&runs, "remount,size=64m");
    if code == 0 {
        found.extend(goes_on_after_the_end(&real, run.1));
    } else if begun || waits {
        found.extend(goes_on(&real, run.1));
    } else if !effects.is_empty() {
        found.push("something was done that nobody has agreed to".to_owned());
    }
    let what = format!("{} in {pages} pages, {shift} bytes more, stopped after {after:?}", run.0[0]);
    let _ = Command::new("umount").arg("-l").arg(&runs).output();
    Filled { after, told, finished: code == 0, wrong: says(&what, found) }
}

fn goes_on_after_the_end(real: &Real, changes: usize) -> Vec<String> {
    let changed = real.effects().iter().filter(|effect| effect.changed).count();
    if changed == changes { Vec::new() } else { vec![format!("{changed} changes, not {changes}")] }
}

fn name_of(event: Option<&Event>) -> &'static str {
    match event {
        Some(Event::Intended { .. }) => "an intent",
        Some(Event::Answered { .. }) => "an outcome",
        Some(Event::Arrived { .. }) => "an arrival",
        Some(Event::Began { .. }) => "a beginning",
        Some(Event::Ended { .. }) => "an end",
        Some(_) => "another line",
        None => "nothing",
    }
}

#[test]
fn whenever_the_disk_is_full_nothing_is_done_that_is_not_written_down() {
    if std::env::var_os(MOUNTS).is_none() {
        return where_it_can_mount(
            "engine::failing::whenever_the_disk_is_full_nothing_is_done_that_is_not_written_down",
        );
    }
    let (mut slowest, mut late, mut stopped, mut found) = (Duration::ZERO, 0, 0, Vec::new());
    for run in RUNS {
        // Up to where the reserve begins, a few sizes at which there is no room for that, and from there page by page.
        let sizes = (1..=16).step_by(3).chain([64, 200]).chain(256..280);
        let mut all: Vec<(u64, usize)> = Vec::new();
        for pages in sizes {
            // There the lines themselves come to the end of the disk; each first line moves those after it.
            let rounds = if pages > 261 { 6 * campaign() } else { 1 };
            for round in 0..rounds {
                let phase = (pages * 7 + round * 13) * 1031 % 3000;
                all.push((pages, usize::try_from(phase).expect("it is small")));
            }
        }
        let mut came: Vec<Filled> = Vec::new();
        for some in all.chunks(8) {
            let some = at_once(some, 4, |(pages, shift)| fills(run, *pages, *shift));
            let done = some.iter().all(|filled| filled.finished);
            came.extend(some);
            if done {
                break;
            }
        }
        let mut places: Vec<&str> = came.iter().filter_map(|filled| filled.after).collect();
        stopped += places.len();
        assert!(came.iter().any(|filled| filled.finished), "it never has room enough");
        for filled in &mut came {
            if let Some(told) = filled.told {
                slowest = slowest.max(told);
                late += usize::from(told > TOLD_WITHIN);
            }
            found.append(&mut filled.wrong);
        }
        places.sort_unstable();
        println!("{}: {} sizes, stopped after {places:?}", run.0[0], came.len());
    }
    println!(
        "{stopped} stopped; who watches was told after {slowest:?} at the latest, {late} times later than {TOLD_WITHIN:?}"
    );
    assert!(
        found.is_empty(),
        "{} wrong; the first:\n{}",
        found.len(),
        found[..found.len().min(6)].join("\n")
    );
    assert!(stopped > 10, "the disk was full {stopped} times");
    assert!(late * 20 <= stopped, "{late} of {stopped} were told late");
}
