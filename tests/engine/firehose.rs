//! A program that prints without end: what it prints lies beside the journal up to a limit, and neither the executor, the
//! supervisor nor who watches grows with it.

use super::program::{Real, Watcher, until};
use super::signals::ESTATE;
use crate::tool::supervised::processes_with;
use lifeboat::runbook::event::{Event, Rest};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

/// How much the program prints, and how much of that is kept.
const PRINTED: u64 = 100_000_000;
const KEPT: u64 = 64 << 20;

/// How much more memory anybody may have taken than beside a program that is quiet, in KiB.
const MORE: u64 = 16 << 10;

/// Prints so many bytes of lines, says that it has, and waits until it may end.
const SCRIPT: &str = "#!/bin/sh
yes 'a line of a dump that goes on and on, and nobody needs all of it' | head -c \"$1\"
touch \"$2/printed\"
while [ ! -e \"$2/go\" ]; do sleep 0.05; done
";

/// What a run has taken: the most memory of each who had to do with it, in KiB, and bytes on the disk and on screens.
#[derive(Debug)]
struct Taken {
    memory: Vec<(&'static str, u64)>,
    journal: u64,
    kept: u64,
    console: usize,
    watcher: usize,
}

/// Returns the most memory that a process has had, in KiB.
fn most(process: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|size| size.parse().ok()).unwrap_or(0)
}

fn written(watcher: &Watcher) -> usize {
    let lines = watcher.seen.lock().expect("nobody panics here");
    lines.iter().map(|(_, line)| line.len()).sum::<usize>()
        + watcher.line.lock().expect("nobody panics here").len()
}

/// Runs a program that prints so much, watched by who began it and by a console, somebody at whose keys looks around.
fn prints(bytes: u64) -> Taken {
    let real = Real::new();
    real.home.write("lifeboat.yaml", ESTATE);
    let program = real.home.write("program.sh", SCRIPT);
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it is a program");
    let home = real.home.dir.path().display().to_string();
    real.home.write(
        "books/firehose.yaml",
        &format!(
            "version: 1\ntitle: Print a lot\nscenario: A test.\nkind: recover\nreviewed: 2026-11-21\nsteps:\n  - id: print\n    \
             title: Print it\n    uses: tool\n    with: {{ run: [{program}, \"{bytes}\", {home}], class: additive }}\n"
        ),
    );
    let console = real.watch(&["console"], true);
    let mut keys =
        console.master.as_ref().expect("it has a terminal").take_writer().expect("it can be typed to");
    let mut watcher = real.watch(&["run", "firehose", "--yes", "--purpose", "a test"], true);
    let state = real.state().display().to_string();
    let role = |word: &'static str| {
        until(word, || {
            let found = processes_with(&state).into_iter();
            found.into_iter().find(|id| {
                std::fs::read(format!("/proc/{id}/cmdline"))
                    .is_ok_and(|line| line.split(|byte| *byte == 0).any(|part| part == word.as_bytes()))
            })
        })
    };
    let (executor, supervisor) = (role("__execute"), role("__child"));
    // On the pane of the run, where its journal moves.
    keys.write_all(b"5\r").expect("it is typed");
    until("all that it prints", || {
        keys.write_all(b"jk").expect("it is typed");
        real.home.dir.path().join("printed").exists().then_some(())
    });
    let folder = real.folder().expect("there is a run");
    let out = folder.join("children/print-1/out");
    until("all that is kept", || {
        let length = std::fs::metadata(&out).map_or(0, |found| found.len());
        (length == bytes.min(KEPT)).then_some(())
    });
    let of = |process: Option<u32>| most(&process.expect("it runs").to_string());
    let memory = vec![
        ("executor", most(&executor)),
        ("supervisor", most(&supervisor)),
        ("who began it", of(watcher.child.process_id())),
        ("console", of(console.child.process_id())),
    ];
    real.home.write("go", "");
    let (code, seen) = watcher.end();
    assert_eq!(code, 0, "{}", super::program::text(&seen));
    assert!(matches!(real.events().last(), Some(Event::Rested { rest: Rest::Finished, .. })));
    let verified = real.run(&["audit", "verify"]);
    assert_eq!(verified.code, 0, "{verified}");
    let length = |path: &std::path::Path| std::fs::metadata(path).expect("it is there").len();
    Taken {
        memory,
        journal: length(&folder.join("journal.jsonl")),
        kept: length(&out),
        console: written(&console),
        watcher: written(&watcher),
    }
}

#[test]
fn a_program_that_prints_a_hundred_megabytes_takes_neither_memory_nor_screen() {
    let (quiet, loud) = (prints(10), prints(PRINTED));
    println!("{quiet:?}\n{loud:?}");
    assert_eq!((quiet.kept, loud.kept), (10, KEPT), "it is kept up to a limit");
    for ((who, before), (_, after)) in quiet.memory.iter().zip(&loud.memory) {
        assert!(*before > 0 && *after < before + MORE, "{who}: {before} and {after} KiB at most");
    }
    assert!(loud.journal < quiet.journal + 4096, "{} and {} bytes of journal", quiet.journal, loud.journal);
    // What it prints is told as a count, not shown as it comes.
    assert!(loud.watcher < quiet.watcher + (64 << 10), "{} and {} bytes", quiet.watcher, loud.watcher);
    assert!(loud.console < (4 << 20), "{} bytes on the console", loud.console);
}
