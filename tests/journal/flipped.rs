//! Every bit of a line turned over: it is noticed, with the number of the line.

use super::built::{large, small};
use lifeboat::engine::line::Head;
use lifeboat::engine::replay::{self, Broken};

/// Turns each bit of the line over that stands in `range` as number `line`; returns how many were recovered from.
fn turn_each(bytes: &[u8], range: std::ops::Range<usize>, line: u64, is_last: bool) -> usize {
    let mut changed = bytes.to_vec();
    let mut recovered = 0;
    for at in range.clone() {
        for bit in 0..8 {
            changed[at] ^= 1 << bit;
            match replay::read(&changed, &Head::default()) {
                Err(Broken::Line { number, .. }) => assert_eq!(number, line, "bit {bit} of byte {at}"),
                Ok(read) => {
                    assert!(is_last && at + 1 == range.end, "bit {bit} of byte {at} passed unnoticed");
                    assert_eq!(read.lines.len() as u64, line - 1);
                    assert_eq!(read.torn, range.len() as u64);
                    recovered += 1;
                }
                Err(other) => panic!("bit {bit} of byte {at}: {other}"),
            }
            changed[at] ^= 1 << bit;
        }
    }
    recovered
}

#[test]
fn every_bit_of_every_line_is_held_by_its_hash() {
    let built = small();
    let ends = built.ends();
    let mut turned = 0;
    // Up to each line in turn: the first is not last any more when the second is there.
    for line in 1..ends.len().min(16) {
        let whole = &built.bytes[..ends[line + 1]];
        let range = ends[line - 1]..ends[line];
        turned += range.len() * 8;
        assert_eq!(turn_each(whole, range, line as u64, false), 0, "line {line}");
    }
    println!("{turned} bits");
}

#[test]
fn a_bit_of_the_last_line_is_noticed_or_the_line_is_torn() {
    let built = small();
    let ends = built.ends();
    for line in [1, 2, 9, ends.len() - 1] {
        let recovered = turn_each(&built.bytes[..ends[line]], ends[line - 1]..ends[line], line as u64, true);
        assert_eq!(recovered, 8, "without its line feed the last line is no line yet");
    }
}

#[test]
fn a_bit_of_a_line_in_the_middle_of_a_long_journal_is_noticed() {
    let built = large();
    let ends = built.ends();
    let line =
        (30..ends.len()).find(|line| (500..900).contains(&(ends[*line] - ends[line - 1]))).expect("one");
    assert_eq!(turn_each(&built.bytes, ends[line - 1]..ends[line], line as u64, false), 0);
}
