//! The programs that are run: they end with the read, with all their children, and never ask anybody anything.

use super::remotes::{Bench, Http, block_on, outside, points, repository};
use crate::support::journey::Journey;
use crate::support::run::{Home, Ran};
use lifeboat::domain::reading::ReadTrouble;
use lifeboat::provider::port::{Ask, Deaf, ReadPoints};
use lifeboat::provider::tool::ToolAdapter;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes a program that stands in for ssh, and returns an adapter that uses it.
fn with_ssh(bench: &Bench, script: &str) -> ToolAdapter {
    let path = bench.path("ssh");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file can be written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
        .expect("it can be made a program");
    bench.adapter().with_variable("GIT_SSH_COMMAND", &path)
}

/// A script that says who it is and who its child is, and then answers nothing.
fn hanging(bench: &Bench) -> (ToolAdapter, PathBuf) {
    let said = bench.path("children");
    let begun = bench.path("children.begun");
    let script = format!(
        "sleep 600 & echo $$ $! $PPID > {}; mv {} {}; wait",
        begun.display(),
        begun.display(),
        said.display()
    );
    (with_ssh(bench, &script), said)
}

/// Says whether a process is there and not only waited for.
fn lives(id: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| !rest.trim_start().starts_with('Z')))
}

fn children(said: &Path) -> Vec<String> {
    std::fs::read_to_string(said).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn estate(address: &str, deployed: &str) -> String {
    format!(
        "version: 1\nestate: e\nenvironments:\n  p: {{ class: test, account: \"123456789012\", region: us-east-2 }}\n\
         components:\n  code:\n    kind: git-repository\n    select: {{ id: \"{address}\" }}\n    deployed: \"{deployed}\"\n    \
         objectives: {{ rpo: 1 h }}\n"
    )
}

fn until(what: &str, is: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        assert!(Instant::now() < deadline, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn when_a_read_is_dropped_no_child_is_left() {
    let bench = Bench::new();
    let (adapter, said) = hanging(&bench);
    let component = repository("git@host.example:shop.git", &bench.id("HEAD"));
    let place = outside();
    block_on(async {
        let mut read = adapter.points(Ask { component: &component, place: &place, news: &Deaf });
        let deadline = Instant::now() + PATIENCE;
        while !said.exists() {
            assert!(Instant::now() < deadline, "ssh was not run");
            tokio::select! {
                answer = &mut read => panic!("it ended by itself: {answer:?}"),
                () = tokio::time::sleep(Duration::from_millis(10)) => {}
            }
        }
        let all = children(&said);
        assert_eq!(all.len(), 3, "{all:?}");
        assert!(all.iter().all(|id| lives(id)), "{all:?}");
        drop(read);
        until("the end of all children", || !all.iter().any(|id| lives(id)));
    });
}

#[test]
fn a_remote_that_says_nothing_is_given_up_with_all_children() {
    let bench = Bench::new();
    let (adapter, said) = hanging(&bench);
    let component = repository("git@host.example:shop.git", &bench.id("HEAD"));
    let answer = points(&adapter.with_patience(Duration::from_secs(2)), &component);
    assert_eq!(answer.outcome, Err(ReadTrouble::TimedOut));
    let all = children(&said);
    assert_eq!(all.len(), 3, "{all:?}");
    until("the end of all children", || !all.iter().any(|id| lives(id)));
}

#[test]
fn a_remote_that_is_silent_is_no_region_that_is_gone() {
    let home = Home::new();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("an address").port();
    drop(socket);
    home.write("lifeboat.yaml", &estate(&format!("git://127.0.0.1:{port}/shop.git"), "0123456789abcdef"));
    let mut command = home.command();
    command.env("PATH", std::env::var_os("PATH").expect("there is a search path"));
    command.env("AWS_EC2_METADATA_DISABLED", "true").args(["status", "--format", "json"]);
    let ran = Ran::of(command);
    let troubles = ran.json()["troubles"].as_array().unwrap_or_else(|| panic!("{ran}")).clone();
    let of = |code: &str| troubles.iter().filter(|trouble| trouble["code"] == code).collect::<Vec<_>>();
    assert!(of("region-unreachable").is_empty(), "{ran}");
    assert!(of("read-failed").iter().any(|trouble| trouble["says"] == "outside: not reachable"), "{ran}");
}

#[test]
fn the_leash_ends_what_still_runs() {
    let bench = Bench::new();
    let (adapter, said) = hanging(&bench);
    let leash = adapter.leash();
    let component = repository("git@host.example:shop.git", &bench.id("HEAD"));
    let reads = std::thread::spawn(move || points(&adapter, &component).outcome);
    until("ssh", || said.exists());
    let all = children(&said);
    drop(leash);
    until("the end of all children", || !all.iter().any(|id| lives(id)));
    assert!(reads.join().expect("no panic").is_err());
}

#[test]
fn when_the_console_is_left_no_child_is_left() {
    let bench = Bench::new();
    let (_, said) = hanging(&bench);
    let home = Home::new();
    home.write("lifeboat.yaml", &estate("git@host.example:shop.git", &bench.id("HEAD")));
    let path = std::env::var("PATH").expect("there is a search path");
    let ssh = bench.path("ssh").display().to_string();
    let variables =
        [("PATH", path.as_str()), ("GIT_SSH_COMMAND", ssh.as_str()), ("AWS_EC2_METADATA_DISABLED", "true")];
    let mut journey = Journey::begin_in(home, &["console"], &variables);
    journey.until("the overview", |screen| screen.contains("component lost"));
    until("ssh", || said.exists());
    let all = children(&said);
    journey.press("q");
    assert_eq!(journey.end(), 0);
    until("the end of all children", || !all.iter().any(|id| lives(id)));
}

#[test]
fn ssh_is_told_to_ask_nobody_and_to_trust_nobody_new() {
    let bench = Bench::new();
    let said = bench.path("arguments");
    let script = format!(
        "echo \"$@\" > {}; echo 'No ED25519 host key is known for host.example and you have requested strict checking.' >&2; \
         echo 'Host key verification failed.' >&2; exit 255",
        said.display()
    );
    let adapter = with_ssh(&bench, &script);
    let component = repository("git@host.example:shop.git", &bench.id("HEAD"));
    let why = points(&adapter, &component).outcome.expect_err("there is no such host");
    assert!(why.to_string().contains("host key of the remote is not known here"), "{why}");
    let arguments = std::fs::read_to_string(&said).expect("ssh was run");
    for option in ["-oBatchMode=yes", "-oStrictHostKeyChecking=yes", "-oConnectTimeout="] {
        assert!(arguments.contains(option), "{arguments}");
    }
    let denied = with_ssh(&bench, "echo 'git@host.example: Permission denied (publickey).' >&2; exit 255");
    let why = points(&denied, &component).outcome.expect_err("there is no such host");
    assert!(matches!(why, ReadTrouble::Denied { .. }), "{why}");
}

#[test]
fn in_a_terminal_nobody_is_asked_for_a_password() {
    let bench = Bench::new();
    let http = Http::of(bench.dir.path(), &["--login", "robot:s3cr3t-token"]);
    let home = Home::new();
    let address = format!("http://127.0.0.1:{}/shop.git", http.port);
    home.write("lifeboat.yaml", &estate(&address, &bench.id("HEAD")));
    let path = std::env::var("PATH").expect("there is a search path");
    let variables = [("PATH", path.as_str()), ("AWS_EC2_METADATA_DISABLED", "true")];
    let mut journey = Journey::begin_in(home, &["status"], &variables);
    // It would wait for the name of a user until the patience of the journey ends.
    journey.end();
    let seen = String::from_utf8_lossy(&journey.raw).into_owned();
    assert!(!seen.contains("Username") && !seen.contains("Password"), "{seen}");
    assert!(seen.contains("asks for a login"), "{seen}");
}
