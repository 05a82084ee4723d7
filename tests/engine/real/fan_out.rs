//! A prefix put back to a moment in AWS: ten thousand keys behind the gateway, executors killed in the middle, each key byte
//! for byte what it was.

use crate::support::fast::{Fast, program};
use crate::support::gateway::Gateway;
use crate::support::gear::Gear;
use crate::support::run::{Home, Ran};
use lifeboat::audit::verify::verify;
use lifeboat::engine::folder::RunFolder;
use lifeboat::engine::store::load;
use lifeboat::runbook::event::Event;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

const KEYS: u64 = 10_000;

/// Lays the keys: of ten one deleted once, one deleted twice over, one overwritten, one overwritten and deleted; the others
/// stay. Keys with odd characters are among them.
const LAY: &str = "
from account import *
KEYS, bucket = int(sys.argv[3]), sys.argv[4]
versioned(bucket)
old, bad, gone, again = ago(90000), ago(1200), ago(1000), ago(800)
def versions(nth):
    first = {'text': f'good {nth}', 'at': old}
    worse, marker = {'text': f'bad {nth}', 'at': bad}, {'delete_marker': True, 'at': gone}
    return {0: [first, marker], 1: [first, marker, {'delete_marker': True, 'at': again}], 2: [first, worse],
            3: [first, worse, marker]}.get(nth % 10, [first])
gear('objects', bucket=bucket, objects=[
    {'key': f'in/{nth:05} a+b%20&=ü.txt', 'versions': versions(nth)} for nth in range(KEYS)])
print(ago(5000))
";

/// Compares each key with what it was: byte for byte by MD5; and the ids of what had only been deleted.
const LOOK: &str = "
from account import *
import hashlib
KEYS, bucket = int(sys.argv[3]), sys.argv[4]
latest, versions = {}, {}
for page in client('s3').get_paginator('list_object_versions').paginate(Bucket=bucket):
    for one in page.get('Versions', []):
        versions[one['Key']] = versions.get(one['Key'], 0) + 1
        if one['IsLatest']:
            latest[one['Key']] = one['ETag'].strip('\"')
wrong = []
for nth in range(KEYS):
    key = f'in/{nth:05} a+b%20&=ü.txt'
    if latest.get(key) != hashlib.md5(f'good {nth}'.encode()).hexdigest():
        wrong.append([key, latest.get(key)])
    wanted = {2: 3, 3: 3}.get(nth % 10, 1)
    if versions.get(key) != wanted:
        wrong.append([key, versions.get(key), wanted])
print(json.dumps({'wrong': wrong[:5], 'count': len(wrong)}))
";

struct Play {
    home: Home,
    gear: &'static Gear,
    gateway: &'static Gateway,
    account: String,
    bucket: String,
    time: Fast,
}

impl Play {
    fn command(&self, words: &[&str], fault: Option<&str>) -> Command {
        let mut command = Command::new(program());
        command.args(["--state-dir", "state"]).args(words);
        command
            .env_clear()
            .env("HOME", self.home.dir.path())
            .env("PATH", "/nonexistent")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("USER", "ann")
            .envs(self.gear.aws_env(&self.account))
            .env_remove("AWS_ENDPOINT_URL")
            .envs(fault.map(|fault| ("LIFEBOAT_FAULT", fault)))
            .current_dir(self.home.dir.path())
            .stdin(Stdio::null());
        self.time.give(&mut command);
        command
    }

    fn asked(&self, program: &str) -> String {
        let (port, keys) = (self.gear.port().to_string(), KEYS.to_string());
        self.gear.python(&["-c", program, &port, &self.account, &keys, &self.bucket])
    }

    fn folder(&self) -> Option<PathBuf> {
        let runs =
            self.home.dir.path().join("state/runs").read_dir().ok()?.flatten().map(|entry| entry.path());
        runs.into_iter()
            .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("r-")))
    }

    fn quiet(&self) {
        let folder = RunFolder::at(&self.folder().expect("there is a run"));
        while folder.is_worked_on() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Lets an executor work until it dies or rests; returns the most memory that it took, in KiB.
    fn executes(&self, fault: Option<&str>) -> u64 {
        let folder = self.folder().expect("there is a run").display().to_string();
        let mut command = self.command(&["__execute", &folder], fault);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let status = format!("/proc/{}/status", child.id());
        let mut most = 0;
        while child.try_wait().expect("it can be asked").is_none() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            most = most.max(line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0));
            std::thread::sleep(Duration::from_millis(20));
        }
        most
    }

    fn ended(&self) -> String {
        let run = load(&RunFolder::at(&self.folder().expect("there is a run"))).expect("it can be read");
        let ended = run.read.lines.into_iter().rev().find_map(|line| match line.event {
            Some(Event::Ended { ending, why, .. }) => Some(format!("{ending:?} {why}")),
            _ => None,
        });
        ended.unwrap_or_default()
    }
}

#[test]
fn a_prefix_is_put_back_in_aws_key_by_key_by_executors_that_are_killed() {
    let (gear, gateway, account) = (Gear::shared(), Gateway::shared(), Gear::new_account());
    let bucket = format!("prefix-{account}");
    let home = Home::new();
    home.write(
        "lifeboat.yaml",
        &format!(
            "version: 1\nestate: real\nenvironments:\n  staging:\n    class: staging\n    account: \"{account}\"\n    \
             account_alias: gear\n    region: us-east-2\n    endpoints: {{ default: \"{}\" }}\ncomponents:\n  it: {{ kind: \
             s3-bucket, select: {{ id: \"{bucket}\" }} }}\npolicy:\n  unattended: [staging]\n",
            gateway.url()
        ),
    );
    let play = Play { home, gear, gateway, account, bucket, time: Fast::begun() };
    let moment = format!("moment={}", play.asked(LAY).trim());
    let words = [
        "run",
        "prefix-to-moment",
        "--yes",
        "--detach",
        "-p",
        "bucket=it",
        "-p",
        "prefix=in/",
        "-p",
        &moment,
    ];
    let ran = Ran::of(play.command(&words, Some("consent-durable:1")));
    assert!(play.folder().is_some(), "{ran}");
    play.quiet();
    let began = std::time::Instant::now();
    let mut most = 0;
    for fault in ["call-leaving:300", "call-answered:1200", "call-leaving:777", "call-answered:1100"] {
        most = most.max(play.executes(Some(fault)));
        assert_eq!(play.ended(), "", "{fault}: it was killed");
    }
    most = most.max(play.executes(None));
    assert_eq!(play.ended(), "Succeeded ");
    let told: Value = serde_json::from_str(play.asked(LOOK).trim()).expect("it is JSON");
    assert_eq!(told, json!({"wrong": [], "count": 0}));
    let folder = RunFolder::at(&play.folder().expect("a run"));
    let run = load(&folder).expect("it can be read");
    let effects = |operation: &str| {
        let asked = format!("effects?run={}&operation={operation}", run.plan.run);
        play.gateway.list(&asked).len()
    };
    let copies = effects("CopyObject");
    assert_eq!(copies as u64, KEYS / 5, "no key was copied twice");
    assert_eq!(effects("DeleteObject") as u64, KEYS / 10 * 3, "no marker was removed that was not there");
    let found = verify(&folder).expect("it can be verified");
    assert!(found.verified, "{:?}", found.problems);
    let bytes = std::fs::metadata(folder.path().join("journal.jsonl")).expect("it is there").len();
    println!(
        "{KEYS} keys, 4 kills: {:.1} s, {} lines, {bytes} bytes of journal, {most} KiB",
        began.elapsed().as_secs_f64(),
        found.lines
    );
    assert!(found.lines < 150 && bytes < 200_000, "{} lines, {bytes} bytes", found.lines);
    assert!(most > 0 && most < 192 << 10, "{most} KiB");
}
