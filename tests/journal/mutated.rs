//! Journals that were changed at random: it is noticed, or what is read ends before the first change.
//!
//! One thing cannot be noticed from the file alone, and is tested as such: that lines were cut off at the end. The last
//! hash differs then, for whoever has kept it.

use super::built::{Built, built, ends, large, small};
use super::campaign;
use lifeboat::engine::line::Head;
use lifeboat::engine::replay::{self, Broken};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

fn below(rng: &mut ChaCha8Rng, limit: usize) -> usize {
    rng.next_u64() as usize % limit.max(1)
}

/// Changes `bytes` once; says how.
pub(super) fn change(bytes: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) -> &'static str {
    let at = below(rng, bytes.len());
    let ends = ends(bytes);
    let lines = ends.len() - 1;
    let line = below(rng, lines);
    let range = |line: usize| ends.get(line).copied().unwrap_or(0)..ends.get(line + 1).copied().unwrap_or(0);
    let text = |line: usize| bytes.get(range(line)).unwrap_or_default().to_vec();
    let what = if lines == 0 { below(rng, 5) } else { below(rng, 11) };
    match what {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = rng.next_u32() as u8;
            }
            "a byte changed"
        }
        1 => {
            let size = 1 + below(rng, 40);
            for byte in bytes.iter_mut().skip(at).take(size) {
                *byte = rng.next_u32() as u8;
            }
            "bytes changed"
        }
        2 => {
            let size = 1 + below(rng, 40);
            let added: Vec<u8> = (0..size).map(|_| b"\n\"{}0aZ,:\\ \0\xff"[below(rng, 13)]).collect();
            bytes.splice(at..at, added);
            "bytes inserted"
        }
        3 => {
            let until = (at + 1 + below(rng, 40)).min(bytes.len());
            bytes.drain(at..until);
            "bytes deleted"
        }
        4 => {
            bytes.truncate(at);
            "cut"
        }
        5 => {
            bytes.drain(range(line));
            "a line removed"
        }
        6 => {
            let doubled = text(line);
            bytes.splice(ends[line]..ends[line], doubled);
            "a line doubled"
        }
        7 => {
            let second = below(rng, lines);
            let (first, second) = (line.min(second), line.max(second));
            let (one, two) = (text(first), text(second));
            if first != second {
                bytes.splice(range(second), one);
                bytes.splice(range(first), two);
            }
            "two lines swapped"
        }
        8 => {
            let others = super::built::ends(other);
            let from = below(rng, others.len() - 1);
            bytes.splice(range(line), other[others[from]..others[from + 1]].to_vec());
            "a line of another journal"
        }
        9 => {
            let others = super::built::ends(other);
            let from = others[below(rng, others.len() - 1)];
            bytes.truncate(ends[line]);
            bytes.extend_from_slice(&other[from..]);
            "the end of another journal"
        }
        _ => {
            let moved = text(line);
            bytes.drain(range(line));
            bytes.extend_from_slice(&moved);
            "a line moved to the end"
        }
    }
}

/// What became of a changed journal.
#[derive(Debug, PartialEq, Eq, Hash, Clone, Copy, PartialOrd, Ord)]
enum Fate {
    Noticed,
    Recovered,
    CutAtALine,
    Another,
    Unchanged,
}

/// Says what became of `changed`, which was `whole`; fails where a change passed unnoticed.
///
/// A first line of another journal is a first line: the journal is then judged as that one. Its plan is not the one that
/// lies beside it, which is tested with the verifiers.
fn fate(whole: &[u8], changed: &[u8], head: &Head, other: &Built, how: &str) -> Fate {
    if whole != other.bytes && changed.starts_with(&other.bytes[..other.ends()[1]]) {
        let head = other.heads().pop().expect("it has lines");
        fate(&other.bytes, changed, &head, other, how);
        return Fate::Another;
    }
    if whole == changed {
        return Fate::Unchanged;
    }
    let same = whole.iter().zip(changed).take_while(|(one, two)| one == two).count();
    let line = changed[..same].split(|byte| *byte == b'\n').count() as u64;
    match replay::read(changed, &Head::default()) {
        Err(Broken::Line { number, .. }) => {
            assert_eq!(number, line, "{how}: the line of the first change is named");
            Fate::Noticed
        }
        Err(other) => panic!("{how}: {other}"),
        Ok(read) => {
            assert!(read.length as usize <= same, "{how}: what is read ends before the first change");
            assert_eq!(changed[..read.length as usize], whole[..read.length as usize], "{how}");
            if read.torn > 0 {
                return Fate::Recovered;
            }
            assert_eq!(changed.len(), same, "{how}: only lines cut off at the end pass");
            assert_ne!(read.head, *head, "{how}: whoever kept the last hash sees it");
            Fate::CutAtALine
        }
    }
}

#[test]
fn no_random_change_of_a_journal_passes_unnoticed() {
    let other = built("another", 1, 100);
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_121);
    let times = if campaign() { 100_000 } else { 10_000 };
    let mut fates = std::collections::BTreeMap::new();
    let journals = [large(), small()].map(|built| (built, built.heads().pop().expect("it has lines")));
    for n in 0..times {
        // Most in the journal that is quick to read.
        let (built, head) = &journals[usize::from(n % 8 != 0)];
        let mut changed = built.bytes.clone();
        let mut how = change(&mut changed, &other.bytes, &mut rng).to_owned();
        if n % 3 == 0 {
            how = format!("{n}: {how} and {}", change(&mut changed, &other.bytes, &mut rng));
        }
        *fates.entry(fate(&built.bytes, &changed, head, &other, &how)).or_insert(0) += 1;
    }
    println!("{times} changes: {fates:?}");
    assert!(fates.get(&Fate::Unchanged).copied().unwrap_or(0) < times / 50, "most changes change something");
    assert!(fates[&Fate::Noticed] > times / 2);
}

#[test]
fn lines_cut_off_at_the_end_are_seen_by_the_last_hash_only() {
    let built = small();
    let (ends, heads) = (built.ends(), built.heads());
    let head = heads.last().expect("it has lines");
    for (end, known) in ends.iter().zip(&heads).rev().skip(1) {
        let read =
            replay::read(&built.bytes[..*end], &Head::default()).expect("the file alone does not tell");
        assert_eq!((&read.head, read.torn), (known, 0));
        assert_ne!(read.head, *head, "the last hash tells");
    }
}

#[test]
fn lines_that_are_gone_are_seen_by_whoever_follows() {
    let built = small();
    let (ends, heads) = (built.ends(), built.heads());
    let folder = super::built::Memory::with(&built.bytes[..ends[5]]);
    let gone = replay::follow(&folder, ends[9], &heads[9]).expect_err("it was longer");
    assert!(matches!(gone, Broken::Line { number: 9, .. }), "{gone}");
}
