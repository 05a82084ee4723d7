//! Every runbook that a server can carry: what it recovers is made in an account of that server, and the built program
//! plans it, carries it out to its green end, and its journal verifies. What is run is what the page of recoveries says,
//! no more and no less (`tests/support/recoveries.rs`).

use crate::engine::program::{Real, at_once};
use crate::journal::python::agree;
use crate::support::fast::{named, program};
use crate::support::gear::Gear;
use crate::support::recoveries::{SERVERS, Tried, carried_out_at, planned_at, table};
use crate::support::root;
use lifeboat::engine::folder::RunFolder;
use lifeboat::engine::store::load;
use lifeboat::provider::aws::operation::Operation;
use lifeboat::runbook::state::Phase;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// So many runs at a time: most of what they do is waiting.
const THREADS: usize = 4;

/// What `tests/support/aws/recoveries.py` has made.
#[derive(Deserialize)]
struct Told {
    url: String,
    names: u16,
    seeds: BTreeMap<String, Seed>,
}

/// What a runbook recovers, and how it is run.
#[derive(Deserialize)]
struct Seed {
    account: String,
    key: String,
    components: String,
    said: BTreeMap<String, String>,
    failure: Option<String>,
    /// Whether its home Region answers nothing any more, after it was read.
    lost: bool,
}

/// A server with what the runbooks recover; it ends with this.
struct Seeds {
    child: Child,
    told: Told,
}

impl Seeds {
    fn of(python: PathBuf, words: &[&str]) -> Self {
        let mut child = Command::new(python)
            .arg(root("tests/support/aws/recoveries.py"))
            .args(words)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python can be started");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output is piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let told = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("the seeds of {words:?} were not made: {error}: {line}"));
        Self { child, told }
    }
}

impl Drop for Seeds {
    fn drop(&mut self) {
        drop(self.child.stdin.take()); // it ends with its input
        let _ = self.child.wait();
    }
}

/// What came of a run.
struct Came {
    /// Keeps its folder.
    _real: Real,
    folder: PathBuf,
    /// What it has asked AWS to change.
    changed: BTreeSet<String>,
}

/// Runs a runbook to its green end. `lose` lets a Region of its account answer nothing any more.
fn run(told: &Told, runbook: &str, lose: &dyn Fn(&Seed)) -> Came {
    let seed = &told.seeds[runbook];
    let mut real = Real::new();
    program().clone_into(&mut real.program);
    real.variables = named(told.names, &seed.account);
    for (name, value) in [("AWS_ACCESS_KEY_ID", seed.key.as_str()), ("AWS_SECRET_ACCESS_KEY", "x")] {
        real.variables.push((name.to_owned(), value.to_owned()));
    }
    let components: String = seed.components.lines().map(|line| format!("  {line}\n")).collect();
    let estate = format!(
        "version: 1\nestate: real\nenvironments:\n  staging:\n    class: staging\n    account: \"{}\"\n    \
         account_alias: gear\n    region: us-east-2\n    dr_region: us-west-2\n    endpoints: {{ default: \"{}\" }}\n\
         components:\n{components}policy:\n  unattended: [staging]\n",
        seed.account, told.url,
    );
    real.home.write("lifeboat.yaml", &estate);
    if seed.lost {
        let read = real.run(&["status"]);
        assert!(!read.out.is_empty(), "{runbook}: nothing was read: {read}");
        lose(seed);
    }
    let said: Vec<(&str, &str)> =
        seed.said.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (plan, hash) = planned_at(&real, &[], runbook, &said, seed.failure.as_deref());
    carried_out_at(&real, &[], &plan, &hash);
    let folder = real.folder().expect("there is a run");
    let run = load(&RunFolder::at(&folder)).expect("it can be relied on");
    let mut changed = BTreeSet::new();
    for step in &plan.steps {
        let phase = run.state.steps[&step.id].phase;
        // What is there for when another step fails is not needed when it does not.
        let spare = plan.steps.iter().any(|other| other.otherwise.as_ref() == Some(&step.id));
        assert!(phase == Phase::Succeeded || spare, "{runbook}: {} is {}", step.id, phase.words());
        if phase == Phase::Succeeded {
            let operations = step.calls.iter().map(|planned| planned.call.operation.clone());
            changed.extend(operations.filter(|operation| Operation::named(operation).is_some()));
        }
    }
    Came { _real: real, folder, changed }
}

/// Runs all that there is a seed for, several at a time; both verifiers read each journal.
fn run_all(test: &str, told: &Told, lose: &(dyn Fn(&Seed) + Sync)) -> BTreeMap<String, Came> {
    let runbooks: Vec<&String> = told.seeds.keys().collect();
    let came = at_once(&runbooks, THREADS, |runbook| run(told, runbook, &|seed| lose(seed)));
    let folders: Vec<PathBuf> = came.iter().map(|came| came.folder.clone()).collect();
    assert_eq!(agree(test, &folders), folders.len(), "a journal does not verify");
    runbooks.into_iter().cloned().zip(came).collect()
}

/// Fails unless what was run is what is said of a server.
fn assert_said(ran: &BTreeMap<String, Came>, of: impl Fn(&(&str, Tried, Tried)) -> Tried) {
    println!("{}", table());
    let said = SERVERS.iter().filter(|row| of(row).stubs().is_some()).map(|(name, ..)| *name);
    let ran: BTreeSet<&str> = ran.keys().map(String::as_str).collect();
    assert_eq!(said.collect::<BTreeSet<_>>(), ran, "what the table says, and what was run");
}

#[test]
fn runbooks_are_carried_out_against_moto() {
    let gear = Gear::own();
    let port = gear.port().to_string();
    let seeds = Seeds::of(gear.python_path().to_owned(), &["moto", &port]);
    let told = &seeds.told;
    let lose = |seed: &Seed| {
        let rule = json!({"account": seed.account, "region": "us-east-2", "status": 503, "code": "ServiceUnavailable"});
        gear.post("rules", &rule);
    };
    let ran = run_all("runbooks_are_carried_out_against_moto", told, &lose);
    assert_said(&ran, |(_, moto, _)| *moto);
    for (runbook, came) in &ran {
        let seed = &told.seeds[runbook];
        let calls = gear.get(&format!("calls?account={}", seed.account));
        let calls = calls.as_array().expect("a list").clone();
        let name = |call: &Value| {
            let service = call["service"].as_str().unwrap_or_default();
            format!("{service}:{}", call["operation"].as_str().unwrap_or_default())
        };
        let is_done = |call: &&Value| call["status"].as_u64().is_some_and(|status| status / 100 == 2);
        let done: BTreeSet<String> = calls.iter().filter(is_done).map(name).collect();
        let lacking: Vec<&String> = came.changed.difference(&done).collect();
        assert!(lacking.is_empty(), "{runbook}: the server has not carried out {lacking:?}");
        let stubbed: BTreeSet<String> =
            calls.iter().filter(|call| call["stub"] == json!(true)).map(name).collect();
        let stubbed: Vec<&str> =
            stubbed.iter().map(String::as_str).filter(|name| !EMPTY.contains(name)).collect();
        let (_, said, _) = SERVERS.iter().find(|(known, ..)| known == runbook).expect("it is in the table");
        assert_eq!(Some(stubbed.as_slice()), said.stubs(), "{runbook}: what stubs have answered");
        let dead =
            calls.iter().filter(|call| call["region"] == "us-east-2" && call["status"] == json!(503)).count();
        assert_eq!(dead > 0, seed.lost, "{runbook}: {dead} calls met a Region that is lost");
    }
}

/// What stubs answer everywhere in moto's place, and without anything (`server.py`).
const EMPTY: &[&str] = &[
    "backup:GetBackupSelection",
    "backup:ListBackupJobs",
    "backup:ListBackupSelections",
    "backup:ListCopyJobs",
    "backup:ListProtectedResources",
    "backup:ListRecoveryPointsByBackupVault",
    "backup:ListRecoveryPointsByResource",
    "backup:ListRestoreJobs",
    "dlm:GetLifecyclePolicies",
    "ec2:DescribeLockedSnapshots",
    "ec2:DescribeVolumeStatus",
    "rds:DescribePendingMaintenanceActions",
];

#[test]
fn runbooks_are_carried_out_against_a_second_server() {
    let seeds = Seeds::of(Gear::shared().python_path().to_owned(), &["ministack"]);
    let lose = |_: &Seed| panic!("no Region of this server can be lost");
    let ran = run_all("runbooks_are_carried_out_against_a_second_server", &seeds.told, &lose);
    assert_said(&ran, |(_, _, second)| *second);
}
