//! Dumps in folders: real files, real checksums, and everything that goes wrong with them.

use super::remotes::block_on;
use crate::support::run::{Home, Ran};
use lifeboat::config::load_text;
use lifeboat::domain::condition::{Condition, Health};
use lifeboat::domain::estate::Component;
use lifeboat::domain::place::Place;
use lifeboat::domain::reading::ReadTrouble;
use lifeboat::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use lifeboat::provider::port::{Answer, Ask, Deaf, ReadConditions, ReadPoints};
use lifeboat::provider::tool::ToolAdapter;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A folder of dumps, and a cache for whoever reads it.
struct Shelf {
    dir: TempDir,
}

impl Shelf {
    fn new() -> Self {
        let shelf = Self { dir: tempfile::tempdir().expect("a folder can be made") };
        fs::create_dir(shelf.dumps()).expect("a folder can be made");
        shelf
    }

    fn dumps(&self) -> PathBuf {
        self.dir.path().join("dumps")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dumps().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(path, bytes).expect("a file can be written");
    }

    /// Puts a file that was written so many hours ago.
    fn aged(&self, name: &str, bytes: &[u8], hours: u64) -> SystemTime {
        self.put(name, bytes);
        let at = SystemTime::now() - Duration::from_secs(hours * 3600);
        File::options()
            .append(true)
            .open(self.path(name))
            .and_then(|file| file.set_modified(at))
            .expect("it can be set");
        at
    }

    /// Writes checksums as people do, with the programs that they use.
    fn sums(&self, program: &str, folder: &str, files: &[&str], into: &str) {
        let ran = Command::new(program)
            .args(files)
            .current_dir(self.path(folder))
            .output()
            .expect("coreutils are installed");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        self.put(into, &ran.stdout);
    }

    fn adapter(&self) -> ToolAdapter {
        ToolAdapter::new(&self.dir.path().join("cache"))
    }

    fn component(&self) -> Component {
        component(&self.dumps().display().to_string(), "")
    }

    fn points(&self) -> Vec<RecoveryPoint> {
        let answer = points(&self.adapter(), &self.component(), &home());
        assert!(answer.lacking.is_empty(), "{:?}", answer.lacking);
        answer.outcome.expect("it is read")
    }

    /// Says of each dump whether it is whole.
    fn whole(&self) -> Vec<(String, Option<bool>)> {
        whole(&self.points())
    }
}

fn whole(points: &[RecoveryPoint]) -> Vec<(String, Option<bool>)> {
    let of =
        |point: &RecoveryPoint| (point.id.to_string(), point.verified.map(|verification| verification.whole));
    let mut all: Vec<_> = points.iter().map(of).collect();
    all.sort();
    all
}

fn is(id: &str, whole: Option<bool>) -> (String, Option<bool>) {
    (id.to_owned(), whole)
}

pub(crate) fn home() -> Place {
    Place::new("123456789012", "us-east-2")
}

/// Returns a dump as the estate file would have it, with more lines of it.
pub(crate) fn component(id: &str, more: &str) -> Component {
    let estate = load_text(&estate(id, more)).unwrap_or_else(|wrong| panic!("{wrong:?}")).estate;
    estate.components.into_iter().next().expect("a component")
}

fn estate(id: &str, more: &str) -> String {
    format!(
        "version: 1\nestate: e\nenvironments:\n  p: {{ class: test, account: \"123456789012\", region: us-east-2, \
         dr_region: us-west-2 }}\ncomponents:\n  orders:\n    kind: database-dump\n    select: {{ id: \"{id}\" }}\n    \
         objectives: {{ rpo: 24 h }}\n{more}"
    )
}

pub(crate) fn points(
    adapter: &dyn ReadPoints,
    component: &Component,
    place: &Place,
) -> Answer<Vec<RecoveryPoint>> {
    block_on(adapter.points(Ask { component, place, news: &Deaf }))
}

fn condition(adapter: &dyn ReadConditions, component: &Component) -> Condition {
    let place = home();
    block_on(adapter.condition(Ask { component, place: &place, news: &Deaf })).outcome.expect("it is read")
}

#[test]
fn a_dump_is_whole_when_its_bytes_are_those_of_its_checksum() {
    for (program, beside) in [("sha256sum", "sha256"), ("sha512sum", "sha512"), ("md5sum", "md5")] {
        let shelf = Shelf::new();
        let written = shelf.aged("right.dump", b"all of it", 3);
        shelf.put("wrong.dump", b"all of it");
        shelf.put("without.dump", b"all of it");
        for name in ["right.dump", "wrong.dump"] {
            shelf.sums(program, ".", &[name], &format!("{name}.{beside}"));
        }
        shelf.put("wrong.dump", b"all of 1t");
        let all = shelf.points();
        assert_eq!(
            whole(&all),
            [is("right.dump", Some(true)), is("without.dump", None), is("wrong.dump", Some(false))],
            "{program}"
        );
        let right = all.iter().find(|point| point.id.as_str() == "right.dump").expect("it is there");
        let written = jiff::Timestamp::try_from(written).expect("a moment");
        assert_eq!(
            (right.kind, right.holds, right.size_bytes),
            (PointKind::Dump, Holds::Until(written), Some(9))
        );
        assert_eq!((&right.place, &right.status), (&home(), &PointStatus::Available));
    }
}

#[test]
fn a_dump_that_shrank_is_seen_to_be_not_whole() {
    let shelf = Shelf::new();
    shelf.put("a.dump", &vec![7; 100_000]);
    shelf.sums("sha256sum", ".", &["a.dump"], "SHA256SUMS");
    assert_eq!(shelf.whole(), [is("a.dump", Some(true))]);
    File::options()
        .write(true)
        .open(shelf.path("a.dump"))
        .and_then(|file| file.set_len(50_000))
        .expect("it shrinks");
    assert_eq!(shelf.whole(), [is("a.dump", Some(false))]);
}

#[test]
fn a_dump_without_bytes_is_not_whole() {
    let shelf = Shelf::new();
    shelf.put("a.dump", b"");
    shelf.sums("sha256sum", ".", &["a.dump"], "a.dump.sha256");
    shelf.put("b.dump", b"");
    assert_eq!(shelf.whole(), [is("a.dump", Some(false)), is("b.dump", Some(false))]);
}

#[test]
fn a_folder_of_parts_is_one_dump_and_whole_only_with_all_of_them() {
    let shelf = Shelf::new();
    shelf.aged("2026-11-20/part-001.gz", b"one", 5);
    let newest = shelf.aged("2026-11-20/part-002.gz", b"three", 4);
    shelf.aged("2026-11-20/README.txt", b"how to put it back", 6);
    shelf.sums("sha256sum", "2026-11-20", &["part-001.gz", "part-002.gz"], "2026-11-20/SHA256SUMS");
    let all = shelf.points();
    assert_eq!(whole(&all), [is("2026-11-20", Some(true))]);
    let named = lifeboat::domain::dump::named_until("2026-11-20").expect("a day");
    let newest = jiff::Timestamp::try_from(newest).expect("a moment");
    assert_eq!((all[0].size_bytes, all[0].holds), (Some(26), Holds::Until(newest.min(named))));
    fs::remove_file(shelf.path("2026-11-20/part-001.gz")).expect("it can be removed");
    assert_eq!(shelf.whole(), [is("2026-11-20", Some(false))], "a part is missing");
    shelf.put("2026-11-20/part-001.gz", b"one");
    assert_eq!(shelf.whole(), [is("2026-11-20", Some(true))], "it is back");
    shelf.put("2026-11-20/part-003.gz", b"new");
    assert_eq!(shelf.whole(), [is("2026-11-20", None)], "nobody knows what it must be");
    shelf.put("2026-11-20/part-003.gz", b"new");
    shelf.put("2026-11-20/part-004.gz.tmp", b"n");
    assert_eq!(shelf.points()[0].status, PointStatus::Pending, "it is still being written");
}

#[test]
fn what_only_lies_beside_dumps_is_none() {
    let shelf = Shelf::new();
    for name in
        ["a.tmp", "b.part", ".c.dump", "README", "backup.log", "d.sha256", ".snapshot/e.dump", "notes/f.txt"]
    {
        shelf.put(name, b"x");
    }
    let answer = points(&shelf.adapter(), &shelf.component(), &home());
    assert_eq!(answer.outcome, Ok(Vec::new()));
}

#[test]
fn nothing_outside_of_the_folder_is_read() {
    let shelf = Shelf::new();
    let outside = shelf.dir.path().join("outside");
    fs::create_dir(&outside).expect("a folder can be made");
    fs::write(outside.join("other.dump"), "x").expect("a file can be written");
    let ran = Command::new("sha256sum").arg("/dev/null").output().expect("coreutils are installed");
    fs::write(outside.join("sums"), ran.stdout).expect("a file can be written");
    shelf.put("own.dump", b"own");
    symlink(outside.join("other.dump"), shelf.path("link.dump")).expect("a link can be made");
    symlink(&outside, shelf.path("folder")).expect("a link can be made");
    symlink(outside.join("sums"), shelf.path("own.dump.sha256")).expect("a link can be made");
    // A pipe would be waited for, for ever.
    let made = Command::new("mkfifo").arg(shelf.path("pipe.dump")).status().expect("coreutils are installed");
    assert!(made.success());
    assert_eq!(shelf.whole(), [is("own.dump", None)]);
    // The folder itself may be a link: it was named.
    let link = shelf.dir.path().join("link");
    symlink(shelf.dumps(), &link).expect("a link can be made");
    let linked = component(&link.display().to_string(), "");
    let all = points(&shelf.adapter(), &linked, &home()).outcome.expect("it is read");
    assert_eq!(whole(&all), [is("own.dump", None)]);
}

#[test]
fn what_was_read_back_is_not_read_again_until_it_changes() {
    let shelf = Shelf::new();
    let written = shelf.aged("a.dump", b"all of it", 3);
    shelf.sums("sha256sum", ".", &["a.dump"], "a.dump.sha256");
    let at = |shelf: &Shelf| shelf.points()[0].verified.expect("it was read back");
    let first = at(&shelf);
    assert!(first.whole);
    assert_eq!(at(&shelf), first, "it was read again");
    // Other bytes, as many of them, and written at the same time as far as it says itself.
    shelf.put("a.dump", b"all of 1t");
    File::options()
        .append(true)
        .open(shelf.path("a.dump"))
        .and_then(|file| file.set_modified(written))
        .expect("it can be set");
    assert!(!at(&shelf).whole);
}

#[test]
fn so_much_is_read_back_at_a_time_the_newest_first() {
    let shelf = Shelf::new();
    for (name, hours) in [("new.dump", 1), ("middle.dump", 2), ("old.dump", 3)] {
        shelf.aged(name, &[1; 1000], hours);
    }
    shelf.sums("sha256sum", ".", &["new.dump", "middle.dump", "old.dump"], "SHA256SUMS");
    let adapter = shelf.adapter().with_budget(1500);
    let read = || whole(&points(&adapter, &shelf.component(), &home()).outcome.expect("it is read"));
    let (yes, not_yet) = (Some(true), None);
    assert_eq!(read(), [is("middle.dump", not_yet), is("new.dump", yes), is("old.dump", not_yet)]);
    assert_eq!(read(), [is("middle.dump", yes), is("new.dump", yes), is("old.dump", not_yet)]);
    assert_eq!(read(), [is("middle.dump", yes), is("new.dump", yes), is("old.dump", yes)]);
    // One dump is read however large it is.
    shelf.aged("newest.dump", &[1; 5000], 0);
    shelf.sums("sha256sum", ".", &["newest.dump"], "newest.dump.sha256");
    assert!(read().contains(&is("newest.dump", yes)));
}

#[test]
fn a_list_that_is_not_understood_is_told_and_not_used() {
    let shelf = Shelf::new();
    shelf.put("a.dump", b"x");
    shelf.put("a.dump.sha256", b"no checksum");
    let answer = points(&shelf.adapter(), &shelf.component(), &home());
    assert_eq!(whole(&answer.outcome.expect("it is read")), [is("a.dump", None)]);
    let [lack] = answer.lacking.as_slice() else { panic!("{:?}", answer.lacking) };
    assert_eq!(
        (lack.source.as_str(), lack.why.to_string().as_str()),
        ("read a.dump.sha256", "line 1 is not a checksum")
    );
}

#[test]
fn a_folder_that_is_gone_has_no_points() {
    let shelf = Shelf::new();
    fs::remove_dir(shelf.dumps()).expect("it can be removed");
    assert_eq!(points(&shelf.adapter(), &shelf.component(), &home()).outcome, Ok(Vec::new()));
    let found = condition(&shelf.adapter(), &shelf.component());
    assert_eq!(found.health, Health::Gone);
    assert!(found.status.as_str().contains("dumps"), "{}", found.status);
    // A file is no folder; that is not the same as nothing.
    fs::write(shelf.dumps(), "x").expect("a file can be written");
    let why = points(&shelf.adapter(), &shelf.component(), &home()).outcome.expect_err("it cannot be read");
    assert!(why.to_string().contains("is no folder"), "{why}");
}

#[test]
fn a_folder_says_how_it_is() {
    let shelf = Shelf::new();
    let found = condition(&shelf.adapter(), &shelf.component());
    assert_eq!(found.health, Health::Impaired);
    shelf.aged("old.dump", b"x", 7);
    shelf.aged("new.dump", b"x", 3);
    let found = condition(&shelf.adapter(), &shelf.component());
    assert_eq!(
        (found.health, found.status.as_str()),
        (Health::Healthy, "2 dumps, the newest is new.dump (3 h old)")
    );
}

/// Runs the program as somebody who may not read everything, which whoever runs the tests may be able to.
fn as_anybody(home: &Home, words: &[&str]) -> Ran {
    let mut command = home.command();
    if rustix::process::geteuid().is_root() {
        let program = command.get_program().to_owned();
        let mut stripped = Command::new("/usr/bin/setpriv");
        stripped.args([
            "--bounding-set=-dac_override,-dac_read_search",
            "--inh-caps=-dac_override,-dac_read_search",
        ]);
        stripped.arg(program).current_dir(home.dir.path()).env_clear();
        stripped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command = stripped;
    }
    command.env("AWS_EC2_METADATA_DISABLED", "true").args(words);
    Ran::of(command)
}

fn forbid(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it can be forbidden");
}

#[test]
fn what_may_not_be_read_is_not_taken_for_what_is_not_there() {
    let shelf = Shelf::new();
    shelf.put("a.dump", b"x");
    shelf.put("closed/b.dump", b"x");
    let home = Home::new();
    home.write("lifeboat.yaml", &estate(&shelf.dumps().display().to_string(), ""));
    let troubles = || {
        let ran = as_anybody(&home, &["status", "--format", "json"]);
        let troubles = ran.json()["troubles"].as_array().unwrap_or_else(|| panic!("{ran}")).clone();
        let denied = |trouble: &serde_json::Value| trouble["code"] == "read-denied";
        troubles.into_iter().filter(denied).map(|trouble| trouble["says"].to_string()).collect::<Vec<_>>()
    };
    assert_eq!(troubles(), Vec::<String>::new());
    forbid(&shelf.path("closed"), 0o000);
    let said = troubles();
    assert!(said.len() == 1 && said[0].contains("denied: read") && said[0].contains("closed"), "{said:?}");
    forbid(&shelf.path("closed"), 0o700);
    forbid(&shelf.dumps(), 0o000);
    let said = troubles();
    forbid(&shelf.dumps(), 0o700);
    let whole = format!("\"denied: read {} as ", shelf.dumps().display());
    assert!(said.iter().any(|says| says.starts_with(&whole)), "{said:?}");
}

#[test]
fn a_dump_that_was_read_back_is_one_to_recover_from() {
    let shelf = Shelf::new();
    shelf.aged("orders.dump", b"all of it", 3);
    shelf.sums("sha256sum", ".", &["orders.dump"], "orders.dump.sha256");
    let home = Home::new();
    home.write("lifeboat.yaml", &estate(&shelf.dumps().display().to_string(), ""));
    let ran = as_anybody(&home, &["points", "orders", "--format", "json"]);
    let points = ran.json()["points"].as_array().unwrap_or_else(|| panic!("{ran}")).clone();
    let [point] = points.as_slice() else { panic!("{ran}") };
    assert_eq!(point["usable"]["local"], true, "{ran}");
    assert_eq!(point["usable"]["region"], false, "it lies at home: {ran}");
}

#[test]
fn a_trouble_is_not_the_absence_of_dumps() {
    let shelf = Shelf::new();
    let elsewhere = Place::new("123456789012", "us-west-2");
    // Elsewhere lies only what is declared there.
    let answer = points(&shelf.adapter(), &shelf.component(), &elsewhere);
    assert_eq!(answer.outcome, Ok(Vec::new()));
    assert!(answer.source.as_str().contains("no copy is declared"), "{}", answer.source);
    let copies =
        format!("    copies:\n      - {{ region: us-west-2, at: \"{}\" }}\n", shelf.dumps().display());
    shelf.put("a.dump", b"x");
    let declared = component("/mnt/nothing-is-here", &copies);
    let all = points(&shelf.adapter(), &declared, &elsewhere).outcome.expect("it is read");
    assert_eq!(whole(&all), [is("a.dump", None)]);
    assert_eq!(all[0].place, elsewhere);
    let other: Result<_, ReadTrouble> = points(&shelf.adapter(), &declared, &home()).outcome;
    assert_eq!(other, Ok(Vec::new()));
}
