//! Readings on disk: cut anywhere, written by several at once, bounded, and never worse than before.

use jiff::Timestamp;
use lifeboat::collector::ReadingsStore;
use lifeboat::domain::place::Place;
use lifeboat::domain::reading::{Capability, Fact, ReadTrouble, Reading, ReadingKey, Subject};
use lifeboat::domain::recovery_point::{Holds, PointKind, RecoveryPoint};
use std::collections::BTreeMap;
use std::sync::Arc;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).expect("a moment")
}

fn key(name: &str) -> ReadingKey {
    let subject = Subject::Component(name.into(), Place::new("111122223333", "us-east-2"));
    ReadingKey { subject, capability: Capability::Points }
}

fn points(count: usize, until: i64) -> Fact {
    let place = Place::new("111122223333", "us-east-2");
    let point = |nth| {
        RecoveryPoint::new(
            &format!("snap-{nth}"),
            PointKind::Snapshot,
            place.clone(),
            Holds::Until(at(until)),
        )
    };
    Fact::Points((0..count).map(point).collect())
}

fn reading(count: usize, second: i64) -> Arc<Reading> {
    Arc::new(Reading::succeeded(None, "ec2:DescribeSnapshots", points(count, second), at(second)))
}

fn kept(folder: &std::path::Path) -> BTreeMap<ReadingKey, Arc<Reading>> {
    let (_, readings) = ReadingsStore::open(folder, "test").expect("it opens");
    readings.iter().map(|(key, reading)| (key.clone(), reading.clone())).collect()
}

#[test]
fn what_was_kept_is_read_first_and_a_failure_keeps_the_last_value() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, readings) = ReadingsStore::open(folder.path(), "test").expect("it opens");
    assert!(readings.is_empty());
    let first = reading(3, 0);
    store.keep(&[(key("orders-db"), first.clone())]).expect("it is kept");
    let missed =
        Arc::new(Reading::missed(Some(&first), "ec2:DescribeSnapshots", ReadTrouble::Throttled, at(60)));
    store.keep(&[(key("orders-db"), missed.clone())]).expect("it is kept");
    let kept = kept(folder.path());
    assert_eq!(kept.get(&key("orders-db")), Some(&missed));
    assert_eq!(missed.held, first.held, "the last value is still there");
}

#[test]
fn a_value_read_again_takes_little_room_and_says_since_when_it_has_not_moved() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = ReadingsStore::open(folder.path(), "test").expect("it opens");
    let first = reading(500, 0);
    store.keep(&[(key("orders-db"), first.clone())]).expect("it is kept");
    let path = folder.path().join("test.jsonl");
    let before = std::fs::metadata(&path).expect("it is there").len();
    let again = Arc::new(Reading::succeeded(Some(&first), "ec2:DescribeSnapshots", points(500, 0), at(300)));
    store.keep(&[(key("orders-db"), again)]).expect("it is kept");
    let grown = std::fs::metadata(&path).expect("it is there").len() - before;
    assert!(grown < 400, "the same 500 points took {grown} bytes");
    let kept = kept(folder.path());
    let held = kept[&key("orders-db")].held.as_ref().expect("a value");
    assert_eq!((held.read_at, held.unmoved_since), (at(300), at(0)));
}

#[test]
fn cut_at_every_byte_it_opens_and_holds_a_reading_that_was_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = ReadingsStore::open(folder.path(), "test").expect("it opens");
    let written: Vec<Arc<Reading>> = (0..6).map(|nth| reading(2, nth * 60)).collect();
    for (nth, reading) in written.iter().enumerate() {
        store.keep(&[(key(&format!("c{}", nth % 2)), reading.clone())]).expect("it is kept");
    }
    let whole = std::fs::read(folder.path().join("test.jsonl")).expect("it can be read");
    for cut in 0..=whole.len() {
        let other = tempfile::tempdir().expect("a folder");
        std::fs::write(other.path().join("test.jsonl"), &whole[..cut]).expect("it can be written");
        for (key, reading) in kept(other.path()) {
            assert!(written.contains(&reading), "cut at {cut}: {key:?} was never written so");
        }
        // And goes on: what is written after a torn line is whole.
        let (mut store, _) = ReadingsStore::open(other.path(), "test").expect("it opens");
        let next = reading(1, 10_000);
        store.keep(&[(key("next"), next.clone())]).expect("it is kept");
        assert_eq!(kept(other.path()).get(&key("next")), Some(&next), "cut at {cut}");
    }
}

#[test]
fn any_damage_is_survived() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut store, _) = ReadingsStore::open(folder.path(), "test").expect("it opens");
    store.keep(&[(key("a"), reading(2, 0)), (key("b"), reading(2, 1))]).expect("it is kept");
    let whole = std::fs::read(folder.path().join("test.jsonl")).expect("it can be read");
    for nth in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[nth / 8] ^= 1 << (nth % 8);
        std::fs::write(folder.path().join("test.jsonl"), &damaged).expect("it can be written");
        drop(kept(folder.path()));
    }
}

#[test]
fn several_write_at_once_and_nothing_is_torn_or_lost() {
    const WRITERS: usize = 6;
    const EACH: i64 = 120;
    let folder = tempfile::tempdir().expect("a folder");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let folder = folder.path();
            scope.spawn(move || {
                // An opened store of its own, as another process would have.
                let (mut store, _) = ReadingsStore::open(folder, "test").expect("it opens");
                for nth in 0..EACH {
                    store.keep(&[(key(&format!("w{writer}")), reading(3, nth))]).expect("it is kept");
                }
            });
        }
    });
    let text = std::fs::read_to_string(folder.path().join("test.jsonl")).expect("it can be read");
    assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    let kept = kept(folder.path());
    for writer in 0..WRITERS {
        assert_eq!(kept[&key(&format!("w{writer}"))], reading(3, EACH - 1));
    }
}

#[test]
fn it_stays_bounded_and_others_follow_when_it_is_compacted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut writer, _) = ReadingsStore::open(folder.path(), "test").expect("it opens");
    let (mut follower, _) = ReadingsStore::open(folder.path(), "test").expect("it opens");
    let mut largest = 0;
    for nth in 0..200 {
        // A hundred kilobytes that differ every time.
        writer.keep(&[(key("large"), reading(400, nth))]).expect("it is kept");
        largest =
            largest.max(std::fs::metadata(folder.path().join("test.jsonl")).expect("it is there").len());
        if nth % 17 == 0 {
            let news = follower.news().expect("it can be read");
            assert_eq!(news.last().map(|(_, reading)| reading.clone()), Some(reading(400, nth)));
        }
    }
    assert!(largest < 8 << 20, "it grew to {largest} bytes");
    assert_eq!(kept(folder.path())[&key("large")], reading(400, 199));
}

#[test]
fn an_older_attempt_never_replaces_a_newer_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut one, _) = ReadingsStore::open(folder.path(), "test").expect("it opens");
    let (mut two, _) = ReadingsStore::open(folder.path(), "test").expect("it opens");
    one.keep(&[(key("a"), reading(1, 100))]).expect("it is kept");
    two.keep(&[(key("a"), reading(1, 50))]).expect("it is kept");
    assert_eq!(kept(folder.path())[&key("a")], reading(1, 100));
}
