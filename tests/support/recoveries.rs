//! Every runbook that is built in: the scenario in which it is the right one, what is said of its parameters, where it was
//! tried, and which procedures of the documents it covers. Tests run each row to its green end.

use super::console::{demo, wait_for};
use crate::engine::program::Real;
use lifeboat::domain::estate::{Estate, Selector};
use lifeboat::domain::ids::ComponentId;
use lifeboat::engine::store::{Runs, load};
use lifeboat::provider::port::{Ask, Deaf};
use lifeboat::provider::sandbox::{Opening, SandboxAdapter, WorldFile};
use lifeboat::runbook::call::Call;
use lifeboat::runbook::consent::{Strength, phrase, required, required_for};
use lifeboat::runbook::event::{Event, Rest};
use lifeboat::runbook::plan::{Plan, PlanHash};
use lifeboat::runbook::schedule::MANUAL;
use lifeboat::runbook::state::Phase;
use serde_json::Value;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// A runbook, a scenario, and what is said of its parameters.
pub(crate) type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Stands for an older version of the key.
const OLDER: &str = "<an older version>";
/// Stands for the newest recovery point of the vault.
const VAULT_POINT: &str = "<a point of the vault>";
/// Stands for the address of the weighted record of the standby.
const STANDBY: &str = "<the address of the standby>";

/// Stands for a moment before anything happened.
const AN_HOUR_AGO: &str = "<an hour ago>";

const ROLE: &str = "arn:aws:iam::417263985012:role/harbour-backup";

/// The runbooks that are built in.
pub(crate) const TABLE: &[Row] = &[
    ("backup-now", "calm", &[("component", "carts"), ("vault", "harbour-prod-vault"), ("role", ROLE)]),
    ("bucket-protect", "calm", &[("bucket", "media")]),
    ("cluster-access", "calm", &[("cluster", "shop-cluster")]),
    ("cluster-failover", "calm", &[("cluster", "customers-db")]),
    ("cluster-from-snapshot", "calm", &[("cluster", "customers-db")]),
    ("cluster-in-dr-region", "region-loss", &[("cluster", "billing-db")]),
    ("cluster-to-time", "calm", &[("cluster", "customers-db")]),
    ("contain-account", "calm", &[("backups", "backups"), ("role", "shop-app")]),
    ("contain-bucket", "calm", &[("bucket", "media")]),
    ("database-backup", "calm", &[("database", "orders-db")]),
    ("database-copy-to-dr", "calm", &[("database", "orders-db")]),
    ("database-from-snapshot", "database-gone", &[("database", "orders-db")]),
    ("database-in-dr-region", "region-loss", &[("database", "reports-db")]),
    ("database-swap-back", "calm", &[("database", "orders-db")]),
    ("database-to-time", "calm", &[("database", "orders-db")]),
    ("dns-failback", "calm", &[("record", "api-dns"), ("home", "10.8.8.8")]),
    ("dns-failover", "calm", &[("record", "shop-dns")]),
    (
        "dns-weights",
        "calm",
        &[
            ("record", "shop-dns"),
            ("name", "checkout.harbour.example"),
            ("to", "standby"),
            ("address", STANDBY),
        ],
    ),
    (
        "environment-in-order",
        "calm",
        &[("database", "orders-db"), ("volume", "files-vol"), ("zone", "us-east-2a"), ("instance", "web-2")],
    ),
    ("global-switchover", "calm", &[("cluster", "customers-db")]),
    ("instance-backup", "calm", &[("instance", "web-2"), ("reboot", "false")]),
    ("instance-recover", "calm", &[("instance", "web-2")]),
    ("instance-relaunch", "calm", &[("instance", "web-2")]),
    ("instance-restart", "calm", &[("instance", "web-2")]),
    (
        "object-download",
        "calm",
        &[("bucket", "media"), ("prefix", "invoices/"), ("folder", "/simulated/looked-at")],
    ),
    ("object-undelete", "objects-deleted", &[("bucket", "media"), ("key", "invoices/2026/01/0001.pdf")]),
    ("object-version", "calm", &[("bucket", "media"), ("key", "exports/old.csv"), ("version", OLDER)]),
    (
        "prefix-sync",
        "calm",
        &[
            ("bucket", "media"),
            ("from", "harbour-prod-backups"),
            ("from-region", "us-east-2"),
            ("prefix", "invoices/"),
        ],
    ),
    (
        "prefix-to-moment",
        "objects-deleted",
        &[("bucket", "media"), ("prefix", "invoices/2026/"), ("moment", AN_HOUR_AGO)],
    ),
    ("region-lost", "region-loss", &[("database", "reports-db"), ("record", "shop-dns")]),
    ("table-backup", "calm", &[("table", "carts")]),
    ("table-from-backup", "calm", &[("table", "carts")]),
    ("table-to-time", "calm", &[("table", "carts")]),
    (
        "vault-restore",
        "calm",
        &[
            ("table", "carts"),
            ("vault", "harbour-prod-vault"),
            ("point", VAULT_POINT),
            ("role", ROLE),
            ("target", "carts-2"),
        ],
    ),
    ("volume-copy-to-dr", "calm", &[("volume", "files-vol")]),
    ("volume-from-snapshot", "calm", &[("volume", "files-vol"), ("zone", "us-east-2a")]),
    ("volume-snapshot", "calm", &[("volume", "files-vol")]),
    ("volumes-restore", "calm", &[("volume", "files-vol"), ("instance", "i-07d2c4e6f8091a3b5")]),
];

/// The runbooks with tests of their own: no world begins with a need for the one (`tests/sandbox` carries its steps out one
/// by one), and production asks for a second person for the other (`tests/engine/databases.rs` runs it elsewhere).
pub(crate) const BY_STEPS: &[&str] = &["global-failback", "global-failover"];

/// How a runbook was tried against a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    /// The program ran it to its green end, by answers of the server.
    Run,
    /// The same, where these operations are answered by stubs that stand before the server.
    WithStubs(&'static [&'static str]),
    /// It was not run, for this reason.
    Not(&'static str),
}

impl Tried {
    /// Says it in a cell of a table.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Run => "run".to_owned(),
            Self::WithStubs(stubs) => format!("run, with stubs of `{}`", stubs.join("`, `")),
            Self::Not(why) => format!("not tried: {why}"),
        }
    }

    /// Returns the operations that are answered by stubs, if it was run.
    #[cfg(feature = "aws-compute")]
    pub(crate) fn stubs(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Run => Some(&[]),
            Self::WithStubs(stubs) => Some(stubs),
            Self::Not(_) => None,
        }
    }
}

const NO_TIME: &str = "it restores no database to a moment";
const NO_COPY: &str = "it copies no snapshot of a database";
const NO_CLUSTER: &str = "it restores no cluster";
const NO_GLOBAL: &str = "no Region of a global cluster takes over there";

/// Every runbook that is built in, and how it was tried: against moto, and against MiniStack. `tests/aws/recoveries.rs`
/// fails where this is not what it has run.
pub(crate) const SERVERS: &[(&str, Tried, Tried)] = &[
    ("backup-now", Tried::Not("it has no jobs of AWS Backup"), Tried::Run),
    ("bucket-protect", Tried::Run, Tried::Run),
    ("cluster-access", Tried::Run, Tried::Run),
    ("cluster-failover", Tried::Run, Tried::Run),
    ("cluster-from-snapshot", Tried::Run, Tried::Not(NO_CLUSTER)),
    (
        "cluster-in-dr-region",
        Tried::Not("the copy of a cluster's snapshot is not read as a point there"),
        Tried::Not(NO_CLUSTER),
    ),
    ("cluster-to-time", Tried::Run, Tried::Not(NO_CLUSTER)),
    ("contain-account", Tried::Run, Tried::Run),
    ("contain-bucket", Tried::Run, Tried::Run),
    ("database-backup", Tried::Run, Tried::Run),
    ("database-copy-to-dr", Tried::Run, Tried::Not(NO_COPY)),
    ("database-from-snapshot", Tried::Run, Tried::Run),
    ("database-in-dr-region", Tried::Run, Tried::Not(NO_COPY)),
    ("database-swap-back", Tried::Run, Tried::Not("it renames no database")),
    ("database-to-time", Tried::WithStubs(&["rds:DescribeDBInstanceAutomatedBackups"]), Tried::Not(NO_TIME)),
    ("dns-failback", Tried::Run, Tried::Run),
    ("dns-failover", Tried::Run, Tried::Run),
    ("dns-weights", Tried::Run, Tried::Run),
    ("environment-in-order", Tried::Run, Tried::Run),
    ("global-failback", Tried::Not(NO_GLOBAL), Tried::Run),
    ("global-failover", Tried::Not(NO_GLOBAL), Tried::Run),
    ("global-switchover", Tried::Not(NO_GLOBAL), Tried::Run),
    ("instance-backup", Tried::Run, Tried::Not("it makes no image of an instance")),
    ("instance-recover", Tried::Run, Tried::Run),
    ("instance-relaunch", Tried::Run, Tried::Not("what is registered there as an image cannot be launched")),
    ("instance-restart", Tried::Run, Tried::Run),
    ("object-download", Tried::Run, Tried::Run),
    ("object-undelete", Tried::Run, Tried::Run),
    ("object-version", Tried::Run, Tried::Run),
    ("prefix-sync", Tried::Run, Tried::Run),
    ("prefix-to-moment", Tried::Run, Tried::Run),
    ("region-lost", Tried::Run, Tried::Not(NO_COPY)),
    ("table-backup", Tried::Run, Tried::Run),
    ("table-from-backup", Tried::Run, Tried::Run),
    ("table-to-time", Tried::Run, Tried::Run),
    (
        "vault-restore",
        Tried::WithStubs(&[
            "backup:DescribeRecoveryPoint",
            "backup:DescribeRestoreJob",
            "backup:GetRecoveryPointRestoreMetadata",
            "backup:StartRestoreJob",
        ]),
        Tried::Not("it has neither points of a vault nor restores from one"),
    ),
    ("volume-copy-to-dr", Tried::Run, Tried::Run),
    ("volume-from-snapshot", Tried::Run, Tried::Run),
    ("volume-snapshot", Tried::Run, Tried::Run),
    ("volumes-restore", Tried::Run, Tried::Run),
];

/// Returns the table of the runbooks, and where each was tried.
pub(crate) fn table() -> String {
    let mut page = String::from(
        "| runbook | for | does | sandbox | moto | MiniStack |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for runbook in &super::console::library() {
        let kind = serde_json::to_value(runbook.kind).expect("a word");
        let sandbox = match TABLE.iter().any(|(name, ..)| *name == runbook.id) {
            true => "run",
            false if BY_STEPS.contains(&runbook.id.as_str()) => "by tests of its own",
            false => "not tried",
        };
        let row = SERVERS.iter().find(|(name, ..)| *name == runbook.id);
        let (_, moto, second) = row.unwrap_or_else(|| panic!("nobody says where {} was tried", runbook.id));
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {sandbox} | {} | {} |",
            runbook.id,
            kind.as_str().expect("a word"),
            runbook.title,
            moto.words(),
            second.words(),
        );
    }
    page
}

/// The runbooks that real executors carry out against moto, or their actions, and are killed on the way, behind the gateway
/// (`tests/engine/real`).
pub(crate) const KILLED: &[&str] = &[
    "cluster-failover",
    "database-from-snapshot",
    "instance-restart",
    "object-undelete",
    "object-version",
    "prefix-to-moment",
    "volume-from-snapshot",
    "volume-snapshot",
];

/// The procedures of the documents that AWS alone can answer: the document, its heading, the step there, and the runbook.
pub(crate) const COVERAGE: &[(&str, &str, &str, &str)] = &[
    ("maestrohwithit", "Manual Backup Procedures", "RDS snapshot", "database-backup"),
    ("maestrohwithit", "Manual Backup Procedures", "AMI of an instance", "instance-backup"),
    ("maestrohwithit", "Manual Backup Procedures", "EBS snapshot", "volume-snapshot"),
    (
        "maestrohwithit",
        "Scenario 1: RDS Database Failure",
        "restore from the latest snapshot",
        "database-from-snapshot",
    ),
    ("maestrohwithit", "Scenario 1: RDS Database Failure", "rename the restored one", "database-swap-back"),
    (
        "maestrohwithit",
        "Scenario 2: EC2 Instance Failure",
        "stop and start, else launch from an AMI",
        "instance-recover",
    ),
    ("maestrohwithit", "Scenario 2: EC2 Instance Failure", "restore and attach a volume", "volumes-restore"),
    (
        "maestrohwithit",
        "Scenario 3: Complete Region Failure",
        "restore from a cross-Region snapshot",
        "database-in-dr-region",
    ),
    ("maestrohwithit", "Scenario 3: Complete Region Failure", "update DNS", "dns-failover"),
    ("maestrohwithit", "Scenario 4: Accidental Data Deletion (S3)", "undelete", "object-undelete"),
    ("maestrohwithit", "Scenario 4: Accidental Data Deletion (S3)", "a previous version", "object-version"),
    ("maestrohwithit", "Scenario 4: Accidental Data Deletion (S3)", "many files", "prefix-to-moment"),
    ("maestrohwithit", "Scenario 5: EKS Cluster Failure", "status and kubeconfig", "cluster-access"),
    ("maestrohwithit", "AWS Backup Monitoring", "a backup on demand", "backup-now"),
    ("atlas", "Primary Region Failure", "promote the other database", "cluster-failover"),
    ("atlas", "Primary Region Failure", "promote it in the other Region", "global-failover"),
    ("atlas", "Primary Region Failure", "point DNS at the other Region", "dns-failover"),
    ("atlas", "Failback to Primary", "sync the data back", "prefix-sync"),
    ("atlas", "Failback to Primary", "the database home again", "global-failback"),
    ("atlas", "Failback to Primary", "point DNS back", "dns-failback"),
    ("dharma", "3. AWS Region Failure", "update DNS", "dns-failover"),
    ("dharma", "3. AWS Region Failure", "kubeconfig of the DR cluster", "cluster-access"),
    ("dharma", "3. AWS Region Failure", "the whole of it, in order", "region-lost"),
    ("dharma", "5. Complete Infrastructure Loss", "a bucket with versioning", "bucket-protect"),
    ("dharma", "5. Complete Infrastructure Loss", "bring backups over from the DR Region", "prefix-sync"),
    ("atmos", "From S3 Versioning", "an older version of a file", "object-version"),
    ("atmos", "Restore From Backup", "a table as of a moment", "table-to-time"),
    ("atmos", "Incident Response Plan", "contain", "contain-account"),
    ("lightwave", "Test RDS snapshot creation", "a snapshot in production", "database-backup"),
    ("lightwave", "Enhance Cross-Region DR", "copy snapshots to the DR Region", "database-copy-to-dr"),
];

/// Opens a world of its own in a scenario, as it is when it begins: the worlds of one seed are alike.
fn world(scenario: &str) -> (SandboxAdapter, Estate, tempfile::TempDir) {
    let estate = demo(scenario);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let opening = Opening { speed: Some(0.0), start: None, fresh: true };
    let (file, _) = WorldFile::open(folder.path(), &estate, scenario, 1, opening).expect("a world is made");
    (SandboxAdapter::new(file), estate, folder)
}

fn value<'a>(said: &'a [(&str, &str)], name: &str) -> &'a str {
    said.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).expect("it is said")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Returns what is said of the parameters of a row, with what stands for something looked up.
pub(crate) fn said((_, scenario, said): &Row) -> Vec<(&'static str, String)> {
    let (adapter, estate, _folder) = world(scenario);
    let look = |call: Call| wait_for(adapter.looking().look(&call)).expect("it is answered").body;
    let component = |name: &str| estate.component(&ComponentId::new(name)).expect("the estate has it");
    let known = |value_of: &str| match value_of {
        OLDER => {
            let bucket = component(value(said, "bucket"));
            let Some(Selector::Id(id)) = &bucket.selector else { panic!("it is found by its id") };
            let call = Call::new("s3:ListObjectVersions", &bucket.environment, &bucket.home);
            let listed = look(call.with("Bucket", id.as_str()).with("Key", value(said, "key")));
            text(&listed["Versions"][1]["VersionId"])
        }
        VAULT_POINT => {
            let vault = component("vault");
            let ask = Ask { component: vault, place: &vault.home, news: &Deaf };
            let points = wait_for(adapter.clone().observers().points.points(ask)).outcome.expect("points");
            points.first().expect("the vault has a point").id.to_string()
        }
        STANDBY => {
            let record = component("shop-dns");
            let mut place = record.home.clone();
            place.region = "us-east-1".into();
            let call = |operation: &str| Call::new(operation, &record.environment, &place);
            let zones = look(call("route53:ListHostedZones"));
            let sets = call("route53:ListResourceRecordSets").with("Type", "A");
            let sets = sets.with("HostedZoneId", text(&zones["HostedZones"][0]["Id"]));
            let sets = look(sets.with("Name", value(said, "name")));
            let mut sets = sets["ResourceRecordSets"].as_array().expect("a list").iter();
            let standby = sets.find(|set| set["SetIdentifier"] == "standby").expect("there is one");
            text(&standby["ResourceRecords"][0]["Value"])
        }
        AN_HOUR_AGO => {
            let now = jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_hours(1));
            let now = now.expect("a moment");
            jiff::Timestamp::from_second(now.as_second()).expect("a moment").to_string()
        }
        other => other.to_owned(),
    };
    said.iter().map(|(name, value)| (*name, known(value))).collect()
}

/// Returns the failure that a runbook recovers from in a scenario.
pub(crate) fn failure(scenario: &str) -> Option<&'static str> {
    (scenario == "region-loss").then_some("region")
}

/// Makes a plan by the command line, into `plan.json`.
pub(crate) fn planned(real: &Real, scenario: &str, runbook: &str, said: &[(&str, &str)]) -> (Plan, PlanHash) {
    let environment = format!("sandbox:{scenario}");
    planned_at(real, &["-e", &environment, "--speed", SPEED], runbook, said, failure(scenario))
}

/// The same where these words say where.
pub(crate) fn planned_at(
    real: &Real,
    place: &[&str],
    runbook: &str,
    said: &[(&str, &str)],
    failure: Option<&str>,
) -> (Plan, PlanHash) {
    let mut words = [place, &["plan", runbook, "-o", "plan.json"]].concat();
    let pairs: Vec<String> = said.iter().map(|(name, value)| format!("{name}={value}")).collect();
    for pair in &pairs {
        words.extend(["-p", pair.as_str()]);
    }
    if let Some(failure) = failure {
        words.extend(["--failure", failure]);
    }
    let mut ran = real.run(&words);
    for _ in 0..3 {
        // A server that many ask at once answers some of them too late.
        if ran.code == 0 {
            break;
        }
        ran = real.run(&words);
    }
    assert_eq!(ran.code, 0, "{runbook}: {ran}");
    let bytes = std::fs::read(real.home.dir.path().join("plan.json")).expect("there is a plan");
    (serde_json::from_slice(&bytes).expect("it is a plan"), PlanHash::of(&bytes))
}

/// So many of the sandbox's seconds pass in a real one.
const SPEED: &str = "5000";
/// What a run says that rests because nothing was answered in time.
const UNANSWERED: [&str; 3] = ["goes on waiting", "cannot be seen", "cannot be read"];
/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// Carries the plan in `plan.json` out to its green end: questions are answered, gates are opened; the journal verifies.
pub(crate) fn carried_out(real: &Real, scenario: &str, plan: &Plan, hash: &PlanHash) {
    let environment = format!("sandbox:{scenario}");
    carried_out_at(real, &["-e", &environment, "--speed", SPEED], plan, hash);
}

/// The same where these words say where.
pub(crate) fn carried_out_at(real: &Real, place: &[&str], plan: &Plan, hash: &PlanHash) {
    let phrase = phrase(plan, hash);
    let flags = |words: &[&str], strength: Strength| -> Vec<String> {
        let typed = ["--phrase", phrase.as_str()];
        let typed = if strength >= Strength::Typed { &typed[..] } else { &[] };
        // Nobody else is there: two minutes of the sandbox pass in which anybody could veto it.
        let alone = ["--break-glass", "a test"];
        let alone = if strength == Strength::TypedAndSigned { &alone[..] } else { &[] };
        let all = [place, words, &["--yes"], typed, alone].concat();
        all.into_iter().map(str::to_owned).collect()
    };
    // Who opens a gate or answers watches what comes of it, and so waits at the next one.
    let mut watchers = Watchers::default();
    let words = flags(&["run", "plan.json", "--purpose", "a test", "--detach"], required_for(plan));
    let ran = real.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(ran.code, 7, "{ran}");
    let folder = Runs::at(&real.state().join("runs")).find(Some(plan.run.as_str())).expect("there is a run");
    let name = plan.run.as_str();
    let began = Instant::now();
    loop {
        let told = || real.run(&["audit", "show", name]).to_string();
        assert!(began.elapsed() < PATIENCE, "{} does not come to its end: {}", plan.runbook.id, told());
        let worked_on = folder.is_worked_on();
        let run = load(&folder).expect("it can be relied on");
        let asks = |phase: Phase| run.plan.steps.iter().find(|step| run.state.steps[&step.id].phase == phase);
        if let Some(step) = asks(Phase::AtGate) {
            let strength = required(step.class, plan.class);
            watchers.begin(real, step.id.as_str(), &flags(&["open", name, step.id.as_str()], strength));
        } else if let Some(step) = asks(Phase::Ready).filter(|step| step.uses == *MANUAL) {
            let words = ["answer", name, step.id.as_str(), "seen to"].map(str::to_owned);
            watchers.begin(real, step.id.as_str(), &words);
        } else if !worked_on {
            match &run.state.rest {
                Some((Rest::Finished, ..)) => break,
                // A clock that runs ahead of a slow machine has ended a wait, or did not wait for an answer: it goes on.
                Some((Rest::Stuck, why, _)) if UNANSWERED.iter().any(|says| why.as_str().contains(says)) => {
                    real.run(&["resume", name, "--detach"]);
                }
                rest => panic!("{}: {rest:?}\n{}", plan.runbook.id, real.run(&["audit", "show", name])),
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let lines = load(&folder).expect("it can be relied on").read.lines;
    let refused =
        lines.iter().find(|line| matches!(&line.event, Some(Event::Asked { refused: Some(_), .. })));
    assert!(refused.is_none(), "{refused:?}");
    let verified = real.run(&["audit", "verify", name]);
    assert_eq!(verified.code, 0, "{verified}");
}

/// Commands that watch a run, one for each step; they end with what is kept of them here.
#[derive(Default)]
struct Watchers(std::collections::BTreeMap<String, std::process::Child>);

impl Watchers {
    /// Begins one for a step, unless there is one.
    fn begin(&mut self, real: &Real, step: &str, words: &[String]) {
        if self.0.contains_key(step) {
            return;
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = real.command(&words);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        self.0.insert(step.to_owned(), command.spawn().expect("the program starts"));
    }
}

impl Drop for Watchers {
    fn drop(&mut self) {
        for child in self.0.values_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
