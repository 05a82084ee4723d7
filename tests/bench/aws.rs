//! What is measured beside the AWS test server: a status, a vault of a hundred thousand points, an estate of twenty
//! accounts.
//!
//! The programs in Python here prepare the server and measure both sides of each figure; what they bring is put beside
//! its bound here. The server is one process in Python, and often the slowest part: a bound takes in what it takes.

use super::Figure;
use gear::Gear;
use lifeboat::collector::{Collector, ReadingsStore, Snapshot};
use lifeboat::config;
use lifeboat::domain::estate::Purpose;
use lifeboat::domain::reading::Fact;
use lifeboat::provider::aws::operation::Service;
use lifeboat::provider::aws::{AwsAdapter, Connections};
use lifeboat::provider::clock::SystemClock;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::watch;

#[path = "../support/gear.rs"]
#[allow(dead_code, reason = "the tests ask more of it")]
mod gear;

/// The word by which this program is run again, to read a vault: what it reads with stands in the environment, which
/// a process cannot safely change of itself.
const READ_POINTS: &str = "--read-points";

/// The longest chain of calls in which each waits for the one before, as they are made for one component: of an account
/// that is reached by a role, `sts:AssumeRole` and three more. For the points of a database these are
/// `DescribeDBSnapshots`, `DescribeDBInstances` beside `DescribeDBInstanceAutomatedBackups`, `ListProtectedResources`;
/// for those of a table with a window `DescribeContinuousBackups` beside `ListBackups`, `DescribeTable`,
/// `ListProtectedResources`; for its condition `DescribeTable`, `DescribeContinuousBackups` beside `DescribeTimeToLive`,
/// `ListTagsOfResource`; for the condition of a vault where nothing has a backup plan `DescribeBackupVault`, three lists
/// of jobs beside each other, `ListBackupPlans`.
const CHAIN: f64 = 4.0;

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Returns what is only told.
fn told(name: &'static str, value: f64, unit: &'static str) -> Figure {
    Figure::new(name, value, f64::INFINITY, unit)
}

/// Starts a server of our own.
pub(super) fn server() -> Gear {
    Gear::own()
}

pub(super) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

pub(super) fn median(runs: &Value, what: &str) -> f64 {
    let runs = runs.as_array().expect("runs are a list");
    let mut all: Vec<f64> = runs.iter().map(|run| number(&run[what])).collect();
    all.sort_unstable_by(f64::total_cmp);
    all[all.len() / 2]
}

fn most(runs: &Value, what: &str) -> f64 {
    let runs = runs.as_array().expect("runs are a list");
    runs.iter().map(|run| number(&run[what])).fold(0.0, f64::max)
}

/// Runs one of the programs here and returns what it prints.
pub(super) fn measure(gear: &Gear, program: &str, words: &[&str]) -> Value {
    eprintln!("measuring: {program}");
    let path = root("tests/bench").join(program).display().to_string();
    let said = gear.python(&[&[path.as_str()][..], words].concat());
    serde_json::from_str(&said).expect("it prints JSON")
}

pub(crate) fn figures() -> Vec<Figure> {
    let gear = Gear::own();
    let mut figures = status(&gear);
    figures.extend(points(&gear));
    figures.extend(accounts(&gear));
    figures
}

/// Thirty databases, beside what people write for it: the command in a loop, or a program with boto3.
fn status(gear: &Gear) -> Vec<Figure> {
    let took = measure(gear, "aws_status.py", &[&gear.url(), env!("CARGO_BIN_EXE_lifeboat")]);
    let of = |distance: &str, side: &str, what: &str| median(&took[distance][side], what);
    let (wall, cpu) = (of("near", "lifeboat", "wall_s"), of("near", "lifeboat", "cpu_s"));
    // Each component takes the same two processes, so the loop was run for some of them only.
    let all = number(&took["components"]) / number(&took["looped"]);
    let (loop_wall, loop_cpu) = (of("near", "aws", "wall_s") * all, of("near", "aws", "cpu_s") * all);
    let (boto3_wall, boto3_cpu) = (of("near", "boto3", "wall_s"), of("near", "boto3", "cpu_s"));
    let (far, boto3_far) = (of("far", "lifeboat", "wall_s"), of("far", "boto3", "wall_s"));
    vec![
        Figure::new("status of 30 components to the CLI loop, wall", wall / loop_wall, 0.02, "ratio"),
        Figure::new("status of 30 components to the CLI loop, processor", cpu / loop_cpu, 0.02, "ratio"),
        Figure::new("status of 30 components to one boto3 process, wall", wall / boto3_wall, 0.2, "ratio"),
        Figure::new("status of 30 components to one boto3 process, processor", cpu / boto3_cpu, 0.2, "ratio"),
        Figure::new(
            "status of 30 components to one boto3 process, 80 ms away",
            far / boto3_far,
            0.2,
            "ratio",
        ),
        told("status of 30 components, wall", wall, "s"),
        told("status of 30 components, processor", cpu, "s"),
        told("status of 30 components, 80 ms away", far, "s"),
        told("CLI loop over 30 components, wall", loop_wall, "s"),
        told("CLI loop over 30 components, processor", loop_cpu, "s"),
        told("boto3 over 30 components, wall", boto3_wall, "s"),
        told("boto3 over 30 components, processor", boto3_cpu, "s"),
        told("boto3 over 30 components, 80 ms away", boto3_far, "s"),
    ]
}

/// A vault of a hundred thousand points on a hundred pages, each of which names the next.
///
/// Before the first page stands one call, that of the vault itself: two round trips are the least. All of them take
/// what a client takes that only asks for one page after the other, or what the governor gives them, if that is more.
fn points(gear: &Gear) -> Vec<Figure> {
    let this = std::env::current_exe().expect("this program has a path").display().to_string();
    let took = measure(gear, "aws_points.py", &[&this]);
    let runs = &took["runs"];
    let (first, total) = (median(runs, "first_page_s"), median(runs, "total_s"));
    let (walk, rate) = (median(&took["walks"], "wall_s"), Service::Backup.rate());
    let governed = (number(&took["pages"]) - rate.burst).max(0.0) / rate.per_second;
    let trips = first / number(&took["round_trip_s"]);
    let streamed = total / walk.max(governed);
    vec![
        Figure::new("first page of 100 000 points, in round trips", trips, 6.0, "round trips"),
        Figure::new("100 000 points streamed, to the pages' own time", streamed, 1.25, "ratio"),
        Figure::new("100 000 points, resident", most(runs, "peak_mb"), 140.0, "MB"),
        told("100 000 points, first page", first, "s"),
        told("100 000 points, all", total, "s"),
        told("100 000 points, snapshots published", median(runs, "published"), "snapshots"),
        told("100 000 points, processor", median(runs, "cpu_s"), "s"),
        told("100 pages by a client that keeps nothing", walk, "s"),
        told("100 pages by the governor", governed, "s"),
    ]
}

/// Twenty accounts with three Regions each, nineteen of them reached by a role; in each Region a database, a table and a
/// vault.
///
/// The bound is the largest of three: the longest chain of calls; what the fullest bucket of the server takes to give
/// out as many tokens as were asked for; and what the server takes for these very calls when all of them are there at
/// once, through as many connections as the collector makes reads.
fn accounts(gear: &Gear) -> Vec<Figure> {
    let took = measure(gear, "aws_accounts.py", &[env!("CARGO_BIN_EXE_lifeboat")]);
    let runs = &took["runs"];
    let wall = median(runs, "wall_s");
    let chain = CHAIN * (number(&took["round_trip_s"]) + number(&took["call_s"]));
    let (buckets, served) = (median(runs, "bucket_s"), median(&took["served"], "wall_s"));
    let bound = chain.max(buckets).max(served);
    vec![
        Figure::new("20 accounts x 3 Regions, to the bound", wall / bound, 1.25, "ratio"),
        Figure::new("20 accounts x 3 Regions, calls refused", most(runs, "refused"), 0.0, "calls"),
        told("20 accounts x 3 Regions, wall", wall, "s"),
        told("20 accounts x 3 Regions, processor", median(runs, "cpu_s"), "s"),
        told("20 accounts x 3 Regions, calls", median(runs, "calls"), "calls"),
        told("20 accounts x 3 Regions, bound by the chain of calls", chain, "s"),
        told("20 accounts x 3 Regions, bound by the buckets", buckets, "s"),
        told("20 accounts x 3 Regions, bound by the server", served, "s"),
    ]
}

/// Reads an estate and prints what that took, if the command line asks for that; says whether it did.
pub(crate) fn read_points() -> bool {
    let words: Vec<String> = std::env::args().collect();
    let Some(at) = words.iter().position(|word| word == READ_POINTS) else { return false };
    let [estate, state] = &words[at + 1..] else { panic!("{READ_POINTS} takes an estate file and a folder") };
    let begun = Instant::now();
    let estate = Arc::new(config::load(Path::new(estate)).expect("the estate loads").estate);
    let connections = Connections::new(&estate, None, Purpose::Observe).expect("connections can be made");
    let observers = AwsAdapter::new(Arc::new(connections)).observers();
    let all = estate.environments.iter().map(|environment| (environment.name.clone(), observers.clone()));
    let all = all.collect();
    let (store, kept) = ReadingsStore::open(Path::new(state), "points").expect("readings can be kept");
    let mut collector = Collector::new(estate, all, Arc::new(SystemClock), Some(store), kept);
    let (out, mut seen) = watch::channel(Arc::new(Snapshot::default()));
    let reading = async move {
        collector.once(Some(&out)).await;
        drop(out);
    };
    // When the first points were published, when the last, and how many there are.
    let watching = async {
        let (mut first, mut last, mut points, mut published) = (None, 0.0, 0, 0);
        while seen.changed().await.is_ok() {
            let now = count(&seen.borrow_and_update());
            published += 1;
            if now > points {
                (last, points) = (begun.elapsed().as_secs_f64(), now);
                first = first.or(Some(last));
            }
        }
        json!({
            "first_page_s": first, "total_s": last, "points": points, "published": published, "peak_mb": peak_mb(),
        })
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ((), took) = runtime.block_on(async { tokio::join!(reading, watching) });
    println!("{took}");
    true
}

fn count(snapshot: &Snapshot) -> usize {
    let held = snapshot.readings.iter().filter_map(|(_, reading)| reading.held.as_ref());
    let points = held.map(|held| match &held.fact {
        Fact::Points(points) => points.len(),
        _ => 0,
    });
    points.sum()
}

/// Returns the most that this process has had in memory.
fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("Linux says so");
    let kb = line.split_whitespace().nth(1).and_then(|kb| kb.parse::<f64>().ok());
    kb.expect("it is a number") / 1024.0
}
