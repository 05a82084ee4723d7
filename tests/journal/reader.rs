//! What a fuzzer does with the reader of journals: whatever it is given, it does not panic, and says nothing that is not so.
//!
//! `tests/fuzz` runs it for as long as somebody likes; a test runs it over a fixed number of inputs.

use lifeboat::engine::line::{self, Head};
use lifeboat::engine::replay;

/// Reads `bytes` as a journal, as they are and as lines whose hashes fit.
pub(crate) fn reads_anything(bytes: &[u8]) {
    check(bytes);
    // A hash keeps all but one input in 2^256 out: with it made to fit, what lies behind it is reached.
    check(&hashed(bytes));
}

fn check(bytes: &[u8]) {
    let _ = line::format_of(bytes);
    let _ = line::decode(bytes, &Head::default());
    let Ok(read) = replay::read(bytes, &Head::default()) else { return };
    assert_eq!(read.length + read.torn, bytes.len() as u64);
    assert_eq!(read.head.seq, read.lines.len() as u64);
    for (n, line) in read.lines.iter().enumerate() {
        assert_eq!(line.seq, n as u64 + 1);
        assert!(line.event.is_some() || read.newer);
    }
    let whole = &bytes[..usize::try_from(read.length).expect("it fits")];
    let again = replay::read(whole, &Head::default()).expect("what was read can be read again");
    assert_eq!((again.head, again.torn), (read.head, 0));
}

/// Returns the lines of `bytes` each with the hash that fits, and the hash before it where there is a place for one.
fn hashed(bytes: &[u8]) -> Vec<u8> {
    let mut prev = Head::default().hash;
    let mut out = Vec::new();
    for text in bytes.split(|byte| *byte == b'\n').filter(|text| !text.is_empty()) {
        let text = String::from_utf8_lossy(text);
        let body = text.rsplit_once(",\"hash\":").map_or(&*text, |(body, _)| body);
        let body = match body.rsplit_once(",\"prev\":") {
            Some((start, _)) => format!("{start},\"prev\":\"{prev}\""),
            None => body.to_owned(),
        };
        prev = lifeboat::engine::journal::sha256(body.as_bytes());
        out.extend_from_slice(format!("{body},\"hash\":\"{prev}\"}}\n").as_bytes());
    }
    out
}
