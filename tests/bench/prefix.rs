//! A prefix that is put back to a moment: beside the programs that people use for it, on the AWS test server; and with up to
//! a million keys on a stub of S3, its watcher and its executor killed.

use super::s3_stub::{Bucket, Key, S3Stub, now};
use super::{Figure, aws};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const ACCOUNT: &str = "600000000004";
const BUCKET: &str = "prefix";
/// How many keys the prefixes on the stub have.
const SIZES: [u64; 2] = [10_000, 100_000];
/// One more, which takes a quarter of an hour: only when `LIFEBOAT_CAMPAIGN` is set.
const LONG: u64 = 1_000_000;
/// How much more memory many keys may take than 10 000: a batch grows from 500 keys to at most 5 000.
const FLAT: f64 = 1.5;
/// How much of the journal each batch may take, in bytes; the fixed part apart.
const JOURNAL_OF_BATCH: f64 = 4_096.0;

fn told(name: String, value: f64, unit: &'static str) -> Figure {
    Figure::new(name.leak(), value, f64::INFINITY, unit)
}

/// Beside `s3-pit-restore`, and the `aws` command in a loop.
pub(crate) fn beside() -> Vec<Figure> {
    let gear = aws::server();
    let took = aws::measure(&gear, "prefix.py", &[&gear.url(), env!("CARGO_BIN_EXE_lifeboat")]);
    let keys = aws::number(&took["keys"]);
    let of = |side: &str, what: &str| aws::median(&took["sides"][side], what);
    let (wall, cpu) = (of("lifeboat", "wall_s"), of("lifeboat", "cpu_s"));
    let (pit_wall, pit_cpu) = (of("s3-pit-restore", "wall_s"), of("s3-pit-restore", "cpu_s"));
    // Each key takes a process of its own, so the loop was run for some of them only.
    let scaled = |what: &str| of("aws", what) * aws::number(&took["changed"]) / aws::number(&took["looped"]);
    let (loop_wall, loop_cpu) = (scaled("wall_s"), scaled("cpu_s"));
    eprintln!("s3-pit-restore: {}", took["pit_is_wrong"]);
    vec![
        Figure::new("a prefix put back, to s3-pit-restore, wall", wall / pit_wall, 0.6, "ratio"),
        Figure::new("a prefix put back, to s3-pit-restore, processor", cpu / pit_cpu, 0.6, "ratio"),
        Figure::new("a prefix put back, to the CLI loop, wall", wall / loop_wall, 0.02, "ratio"),
        Figure::new("a prefix put back, to the CLI loop, processor", cpu / loop_cpu, 0.02, "ratio"),
        told(format!("a prefix of {keys} keys put back, objects"), keys / wall, "1/s"),
        told(format!("s3-pit-restore on {keys} keys, objects"), keys / pit_wall, "1/s"),
        told(
            "CLI loop, changed objects".to_owned(),
            aws::number(&took["looped"]) / of("aws", "wall_s"),
            "1/s",
        ),
        told(format!("a prefix of {keys} keys put back, wall"), wall, "s"),
        told(format!("a prefix of {keys} keys put back, processor"), cpu, "s"),
        told(format!("s3-pit-restore on {keys} keys, wall"), pit_wall, "s"),
        told(format!("s3-pit-restore on {keys} keys, processor"), pit_cpu, "s"),
        told(format!("CLI loop on {keys} keys, wall"), loop_wall, "s"),
        told("a prefix put back, most memory of a process".to_owned(), of("lifeboat", "peak_mb"), "MB"),
        told("s3-pit-restore, memory".to_owned(), of("s3-pit-restore", "peak_mb"), "MB"),
        told("a prefix put back, journal".to_owned(), of("lifeboat", "journal_kb"), "kB"),
        told("a prefix put back, requests".to_owned(), of("lifeboat", "requests"), "requests"),
        told("s3-pit-restore, requests".to_owned(), of("s3-pit-restore", "requests"), "requests"),
        told(
            "s3-pit-restore, keys that are wrong after it".to_owned(),
            of("s3-pit-restore", "wrong"),
            "keys",
        ),
        told(
            "s3-pit-restore, versions made for nothing".to_owned(),
            of("s3-pit-restore", "needless"),
            "versions",
        ),
    ]
}

/// On the stub, killed in the middle.
pub(crate) fn soak() -> Vec<Figure> {
    let mut sizes = SIZES.to_vec();
    if let Some(times) = std::env::var_os("LIFEBOAT_CAMPAIGN") {
        let given = times.to_str().and_then(|times| times.parse::<u64>().ok());
        sizes.push(given.filter(|keys| *keys > SIZES[1]).unwrap_or(LONG));
    }
    let mut figures = Vec::new();
    let mut first: Option<Soaked> = None;
    for keys in sizes {
        let soaked = soaked(keys);
        let name = |what: &str| format!("{keys} keys on a stub of S3, killed: {what}");
        figures.extend([
            told(name("keys put back"), soaked.changes / soaked.carried_s, "1/s"),
            told(name("plan"), soaked.planned_s, "s"),
            told(name("carried out"), soaked.carried_s, "s"),
            told(name("processor of the executors"), soaked.cpu_s, "s"),
            told(name("memory of the plan"), soaked.plan_mb, "MB"),
            told(name("memory of an executor"), soaked.executor_mb, "MB"),
            told(name("memory of an executor at work"), soaked.at_work_mb, "MB"),
            Figure::new(
                name("journal for each batch").leak(),
                soaked.journal / soaked.batches,
                JOURNAL_OF_BATCH,
                "bytes",
            ),
            told(name("journal"), soaked.journal / 1e3, "kB"),
            told(name("plan.json"), soaked.plan / 1e3, "kB"),
            told(name("side files"), soaked.side / 1e6, "MB"),
            Figure::new(name("keys that are wrong").leak(), soaked.wrong, 0.0, "keys"),
            Figure::new(name("done twice, or refused").leak(), soaked.twice, 0.0, "requests"),
        ]);
        if let Some(first) = &first {
            let plan = soaked.plan_mb / first.plan_mb;
            let executor = soaked.at_work_mb / first.at_work_mb;
            figures.push(Figure::new(
                name("memory of the plan, to that of 10 000").leak(),
                plan,
                FLAT,
                "ratio",
            ));
            figures.push(Figure::new(
                name("memory of an executor at work, to that of 10 000").leak(),
                executor,
                FLAT,
                "ratio",
            ));
        }
        first = first.or(Some(soaked));
    }
    figures
}

struct Soaked {
    changes: f64,
    planned_s: f64,
    carried_s: f64,
    cpu_s: f64,
    plan_mb: f64,
    executor_mb: f64,
    at_work_mb: f64,
    batches: f64,
    journal: f64,
    plan: f64,
    side: f64,
    wrong: f64,
    twice: f64,
}

/// What is under the prefix. Of ten keys one was deleted since, one twice, one overwritten, one overwritten and deleted, one
/// made; one was gone before; the others are as they were.
fn laid(keys: u64, moment: i64) -> Bucket {
    let mut bucket = Bucket::default();
    let (old, bad, gone) = (moment - 80_000_000, moment + 1_000_000, moment + 1_200_000);
    for nth in 0..keys {
        bucket.lay(format!("in/{nth:07} a+b%20&=\u{fc}.txt"));
        let (good, worse) = (format!("good {nth}"), format!("bad {nth}"));
        if nth % 10 == 4 {
            bucket.put(Some(&worse), bad);
            continue;
        }
        bucket.put(Some(&good), old);
        match nth % 10 {
            0 => bucket.put(None, gone),
            1 => {
                bucket.put(None, gone);
                bucket.put(None, gone + 5_000);
            }
            2 => bucket.put(Some(&worse), bad),
            3 => {
                bucket.put(Some(&worse), bad);
                bucket.put(None, gone);
            }
            5 => bucket.put(None, moment - 70_000_000),
            _ => {}
        }
    }
    bucket
}

/// How many calls change something, of ten keys: three markers are removed, two versions copied, one marker put.
const CHANGES_OF_TEN: (u64, u64, u64) = (3, 2, 1);
/// How many of ten keys are changed.
const CHANGED_OF_TEN: u64 = 5;

/// Says whether a key is byte for byte what it was, and has exactly the versions that it is to have.
fn is_right(nth: u64, key: &Key) -> bool {
    let good = format!("good {nth}");
    let newest = key.versions.last();
    let content = newest.filter(|newest| !newest.is_marker).map(|newest| newest.body.as_ref());
    let (wanted, versions) = match nth % 10 {
        2 => (Some(good.as_bytes()), 3),
        3 => (Some(good.as_bytes()), 4),
        4 | 5 => (None, 2),
        _ => (Some(good.as_bytes()), 1),
    };
    content == wanted && key.versions.len() == versions
}

struct Play {
    home: tempfile::TempDir,
}

impl Play {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
        command.args(["--state-dir", "state"]).args(words).current_dir(self.home.path()).env_clear();
        for (name, value) in [
            ("PATH", "/nonexistent"),
            ("LC_ALL", "C.UTF-8"),
            ("TZ", "UTC"),
            ("USER", "ann"),
            ("AWS_ACCESS_KEY_ID", "AKIASTUB"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_REGION", "us-east-2"),
        ] {
            command.env(name, value);
        }
        command.env("HOME", self.home.path()).stdin(Stdio::null());
        let log = fs::OpenOptions::new().append(true).create(true).open(self.home.path().join("told"));
        let log = log.expect("a file can be written");
        command.stdout(log.try_clone().expect("a file can be shared")).stderr(log);
        command
    }

    fn said(&self) -> String {
        fs::read_to_string(self.home.path().join("told")).unwrap_or_default()
    }

    fn folder(&self) -> Option<PathBuf> {
        let runs = self.home.path().join("state/runs").read_dir().ok()?.flatten().map(|entry| entry.path());
        runs.into_iter().find(|path| name_of(path).starts_with("r-"))
    }

    /// Returns the process of the executor, which is nobody's child any more when whoever started it is killed.
    fn executor(&self) -> Option<u32> {
        let (home, folder) = (self.home.path().canonicalize().ok()?, self.folder()?);
        let run = name_of(&folder);
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let mut pids = processes.filter_map(|entry| name_of(&entry.path()).parse::<u32>().ok());
        pids.find(|pid| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = words.split(|byte| *byte == 0).skip_while(|word| *word != b"__execute").skip(1);
            let is_it = words.next().is_some_and(|word| String::from_utf8_lossy(word).ends_with(&run));
            // Others may have a run of this name.
            is_it && fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == home)
        })
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Linux tells processor time in hundredths of a second.
const TICKS: f64 = 100.0;

/// What a process uses: the most memory that it has had so far, what it has now, and the processor time that it took.
struct Used {
    most_mb: f64,
    now_mb: f64,
    cpu_s: f64,
}

fn used(pid: u32) -> Option<Used> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mb = |name: &str| -> Option<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
    };
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(Used { most_mb: mb("VmHWM:")?, now_mb: mb("VmRSS:")?, cpu_s: ticks / TICKS })
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("it is a process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it can be killed");
}

/// What a watched executor has used.
#[derive(Default)]
struct Seen {
    pid: u32,
    mb: f64,
    /// The most that was seen at one of the looks: without what it has for a moment as it starts.
    at_work_mb: f64,
    cpu_s: f64,
    /// Of those before it.
    cpu_before_s: f64,
}

impl Seen {
    fn look(&mut self, play: &Play) {
        if self.pid == 0 || used(self.pid).is_none() {
            let Some(pid) = play.executor().filter(|pid| *pid != self.pid) else { return };
            self.cpu_before_s += std::mem::take(&mut self.cpu_s);
            self.pid = pid;
        }
        if let Some(used) = used(self.pid) {
            self.mb = self.mb.max(used.most_mb);
            self.at_work_mb = self.at_work_mb.max(used.now_mb);
            self.cpu_s = used.cpu_s;
        }
    }
}

fn soaked(keys: u64) -> Soaked {
    let moment = now() - 5_000_000;
    let stub = S3Stub::start(ACCOUNT, BUCKET, laid(keys, moment));
    let play = Play { home: tempfile::tempdir().expect("a folder can be made") };
    let estate = format!(
        "version: 1\nestate: soak\nenvironments:\n  staging:\n    class: staging\n    account: \"{ACCOUNT}\"\n    \
         account_alias: stub\n    region: us-east-2\n    endpoints: {{ default: \"{}\" }}\ncomponents:\n  it: {{ kind: \
         s3-bucket, select: {{ id: {BUCKET} }} }}\npolicy:\n  unattended: [staging]\n",
        stub.url()
    );
    fs::write(play.home.path().join("lifeboat.yaml"), estate).expect("the estate can be written");
    let at =
        jiff::Timestamp::from_millisecond(moment).expect("it is a moment").strftime("%Y-%m-%dT%H:%M:%SZ");
    let parameter = format!("moment={at}");
    let words = [
        "run",
        "prefix-to-moment",
        "--yes",
        "-p",
        "bucket=it",
        "-p",
        "prefix=in/",
        "-p",
        &parameter,
        "-p",
        "remove-newer=true",
    ];
    let (unmarks, copies, marks) = CHANGES_OF_TEN;
    let all = keys / 10 * (unmarks + copies + marks);
    eprintln!("measuring: {keys} keys on a stub of S3");
    let begun = Instant::now();
    let mut watcher = play.command(&words).spawn().expect("the program starts");
    let (mut plan_mb, mut seen) = (0.0_f64, Seen::default());
    let mut planned_s = 0.0;
    let mut until = |child: &mut Child, seen: &mut Seen, enough: &dyn Fn() -> bool| {
        while !enough() {
            if let Some(used) = used(child.id()) {
                plan_mb = plan_mb.max(used.most_mb);
            }
            if stub.counts.changes() > 0 {
                seen.look(&play);
            }
            if stub.counts.changes() == 0 {
                planned_s = begun.elapsed().as_secs_f64();
            }
            if child.try_wait().expect("it can be asked").is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    // Whoever watches is killed first, and the executor goes on; then the executor, with requests under way.
    until(&mut watcher, &mut seen, &|| stub.counts.changes() > all / 4);
    assert!(stub.counts.changes() > all / 4, "it ended: {}", play.said());
    watcher.kill().expect("it can be killed");
    let _ = watcher.wait();
    let first = seen.pid;
    while stub.counts.changes() < all / 2 {
        seen.look(&play);
        assert!(used(first).is_some(), "the executor lives without whoever watched: {}", play.said());
        std::thread::sleep(Duration::from_millis(10));
    }
    kill(first);
    while used(first).is_some() {
        std::thread::sleep(Duration::from_millis(1));
    }
    eprintln!("killed at {} of {all} changes, {:.1} s", stub.counts.changes(), begun.elapsed().as_secs_f64());
    let mut watcher = play.command(&["resume"]).spawn().expect("the program starts");
    let over = AtomicBool::new(false);
    until(&mut watcher, &mut seen, &|| over.load(Ordering::SeqCst));
    let ended = watcher.wait().expect("it ends");
    let carried_s = begun.elapsed().as_secs_f64() - planned_s;
    assert!(ended.success(), "{ended}: {}", play.said());
    let verified = play.command(&["audit", "verify"]).status().expect("the program starts");
    assert!(verified.success(), "the journal verifies: {}", play.said());
    let folder = play.folder().expect("there is a run");
    let counts = &stub.counts;
    let count = |what: &std::sync::atomic::AtomicU64| what.load(Ordering::SeqCst);
    let made = [(&counts.unmarks, unmarks), (&counts.copies, copies), (&counts.marks, marks)];
    let others = [&counts.idle, &counts.lost, &counts.refused].into_iter().map(count).sum::<u64>();
    let twice =
        made.iter().map(|(what, of_ten)| count(what).abs_diff(keys / 10 * of_ten)).sum::<u64>() + others;
    let bucket = stub.bucket();
    let wrong = (0..).zip(&bucket.keys).filter(|(nth, key)| !is_right(*nth, key)).count();
    let plan: Value =
        serde_json::from_slice(&fs::read(folder.join("plan.json")).expect("there is a plan")).expect("JSON");
    let calls = plan["steps"][0]["calls"].as_array().map_or(0, Vec::len);
    let size = |name: &str| fs::metadata(folder.join(name)).map_or(0, |file| file.len()) as f64;
    let side = fs::read_dir(folder.join("side")).expect("there are side files").flatten();
    let side = side.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum::<u64>();
    eprintln!(
        "{}",
        json!({"keys": keys, "pages": count(&counts.pages), "unknown": count(&counts.unknown), "refused": others,
               "took_s": begun.elapsed().as_secs_f64()})
    );
    Soaked {
        changes: (keys / 10 * CHANGED_OF_TEN) as f64,
        planned_s,
        carried_s,
        cpu_s: seen.cpu_before_s + seen.cpu_s,
        plan_mb,
        executor_mb: seen.mb,
        at_work_mb: seen.at_work_mb,
        batches: calls as f64,
        journal: size("journal.jsonl"),
        plan: size("plan.json"),
        side: side as f64,
        wrong: wrong as f64,
        twice: twice as f64,
    }
}
