//! Long runs that look like chance: secrets where their length says so, otherwise ids that nobody can tell from them.

use super::Redactor;
use super::letter::{Class, before, is_lower_hex, is_uuid};
use super::piece::Mask;
use super::pseudonym::Kind;

/// From this length on, a run is looked at.
const LONG: usize = 32;

/// The length of the secret keys of AWS.
const SECRET_KEY: usize = 40;

/// From this length on, nothing is an id: it is a session token or the like.
const TOKEN: usize = 100;

/// From this length on, a word of hexadecimal digits within a name is a digest or an id.
const DIGEST: usize = 8;

/// The fewest letters and digits that say anything about chance.
const LEAST: usize = 24;

/// What a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chance {
    Secret,
    Id,
}

/// Hides runs that look like chance. Digests and ids of a known form stay.
pub(super) fn find(redactor: &Redactor, text: &str, masks: &mut Vec<Mask>) {
    for (at, run) in Class::Base64.runs(text) {
        let escaped = escaped(text, at, run);
        let (at, run) = (at + escaped, run.get(escaped..).unwrap_or_default());
        if run.len() < LONG {
            continue;
        }
        let push = |start: usize, end: usize, chance: Chance, masks: &mut Vec<Mask>| {
            // Padding goes with it.
            let rest = text.get(at + end..).unwrap_or_default();
            let padding = rest.len() - rest.trim_start_matches('=').len();
            let range = at + start..at + end + padding.min(2);
            masks.push(match chance {
                Chance::Secret => Mask::secret(range),
                Chance::Id => redactor.mask(Kind::Id, text, range),
            });
        };
        let mut key = false;
        let mut start = 0;
        for piece in run.split(['-', '_', '.']) {
            if is_secret_key(piece) {
                push(start, start + piece.len(), Chance::Secret, masks);
                key = true;
            }
            start += piece.len() + 1;
        }
        if key {
            continue;
        }
        for (start, end) in parts(run) {
            if let Some(chance) = run.get(start..end).and_then(judge) {
                push(start, end, chance, masks);
            }
        }
    }
}

/// Returns how many characters at the start of a run are the end of an escape: of `%22` in a URL, of `\n` in JSON.
fn escaped(text: &str, at: usize, run: &str) -> usize {
    let hex = run.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    match before(text, at) {
        Some('%') if hex => 2,
        Some('\\') if run.starts_with(['n', 'r', 't']) => 1,
        _ => 0,
    }
}

/// Splits a run at slashes, which are part of base64 and of paths, and puts together again what looks like base64.
fn parts(run: &str) -> Vec<(usize, usize)> {
    let mut parts: Vec<(usize, usize, bool)> = Vec::new();
    let mut start = 0;
    for part in run.split('/') {
        let end = start + part.len();
        let random = mixes(part);
        match parts.last_mut() {
            Some(last) if random && last.2 && last.1 + 1 == start => last.1 = end,
            _ => parts.push((start, end, random)),
        }
        start = end + 1;
    }
    parts.into_iter().map(|(start, end, _)| (start, end)).collect()
}

/// Says whether a part of a path looks like a part of base64.
fn mixes(part: &str) -> bool {
    let looks = Looks::of(part);
    looks.classes() >= 2
        && looks.upper > 0
        && looks.words * 10 < looks.letters * 3
        && looks.marks * 8 <= part.len()
}

fn is_secret_key(run: &str) -> bool {
    let looks = Looks::of(run);
    run.len() == SECRET_KEY
        && run.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        && looks.lower > 0
        && looks.upper > 0
        && looks.words * 2 < looks.letters
        && looks.marks <= 6
}

fn judge(run: &str) -> Option<Chance> {
    let run = run.trim_matches(['.', '-', '_', '+']);
    if run.len() < LONG || is_known(run) {
        return None;
    }
    if is_secret_key(run) {
        return Some(Chance::Secret);
    }
    let random = match Looks::of(run).classes() {
        3 => {
            // Digests and times in the name of a file do not make it one by chance.
            let names = run.split(['.', '-', '_', '+']);
            let rest: Vec<_> = names.filter(|name| name.len() < DIGEST || !is_lower_hex(name)).collect();
            let looks = Looks::of(&rest.join("-"));
            looks.letters >= LEAST && looks.words * 10 < looks.letters * 3 && looks.marks * 8 <= run.len()
        }
        // Names of pods and groups mix two classes as well, but only between their hyphens.
        2 => {
            let looks = Looks::of(run);
            looks.marks == 0 && looks.words * 10 < looks.letters * 6 && looks.rows * 6 >= run.len()
        }
        _ => false,
    };
    let secret = run.len() >= TOKEN && !is_lower_hex(run);
    random.then_some(if secret { Chance::Secret } else { Chance::Id })
}

/// Digests in hexadecimal, UUIDs, and ids of resources: a lower-case kind, a hyphen, and one word.
fn is_known(run: &str) -> bool {
    let digest = |text: &str| matches!(text.len(), 32 | 40 | 64) && is_lower_hex(text);
    let resource = run.split_once('-').is_some_and(|(kind, id)| {
        let upper = id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        kind.bytes().all(|byte| byte.is_ascii_lowercase()) && id.len() <= LONG && (upper || is_lower_hex(id))
    });
    digest(run) || is_uuid(run) || resource
}

/// What a run is made of.
#[derive(Default)]
struct Looks {
    lower: usize,
    upper: usize,
    digits: usize,
    letters: usize,
    marks: usize,
    /// Characters in rows of four or more that could be words or years.
    words: usize,
    /// How many rows of one class there are.
    rows: usize,
}

impl Looks {
    fn of(run: &str) -> Self {
        let mut looks = Self::default();
        for row in run.as_bytes().chunk_by(|left, right| class(*left) == class(*right)) {
            let (kind, length) = (row.first().map_or(b'.', |byte| class(*byte)), row.len());
            match kind {
                b'a' => looks.lower += length,
                b'A' => looks.upper += length,
                b'0' => looks.digits += length,
                _ => looks.marks += length,
            }
            looks.rows += usize::from(kind != b'.');
            let vowels = row.iter().filter(|byte| b"aeiouy".contains(byte)).count();
            let spoken = vowels * 6 >= length && vowels * 3 <= length * 2;
            if length >= 4 && (kind == b'0' || (kind == b'a' && spoken)) {
                looks.words += length;
            }
        }
        looks.letters = looks.lower + looks.upper + looks.digits;
        looks
    }

    fn classes(&self) -> usize {
        usize::from(self.lower > 0) + usize::from(self.upper > 0) + usize::from(self.digits > 0)
    }
}

/// Returns one byte for all of its kind.
fn class(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => b'a',
        b'A'..=b'Z' => b'A',
        b'0'..=b'9' => b'0',
        _ => b'.',
    }
}
