//! Secrets that are known by their form: private keys, and tokens with a prefix.

use super::Redactor;
use super::letter::{is_word, run};
use super::piece::Mask;
use super::pseudonym::Kind;
use super::{arn, entropy, label, url};
use std::sync::LazyLock;

/// How a token goes on behind its prefix.
#[derive(Debug, Clone, Copy)]
enum Tail {
    /// At least so many capitals and digits: keys of AWS.
    Capitals(usize),
    /// At least so many letters, digits, hyphens and underscores.
    Word(usize),
    /// As before, with capitals and others among them, so that no name in words is meant.
    Mixed(usize),
    /// Letters, digits, hyphens, underscores and dots.
    Dotted(usize),
    /// At least so many of base64, mixed.
    Base64(usize),
    /// Exactly so many letters and digits, mixed.
    Exactly(usize),
}

use Tail::{Base64, Capitals, Dotted, Exactly, Mixed, Word};

/// Prefixes of tokens.
const TOKENS: [(&str, Tail); 53] = [
    // AWS: access keys, of users and of sessions; session tokens; keys of Bedrock.
    ("AKIA", Capitals(16)),
    ("ASIA", Capitals(16)),
    ("ABIA", Capitals(16)),
    ("ACCA", Capitals(16)),
    ("ABSK", Base64(32)),
    ("IQoJ", Base64(32)),
    ("FwoG", Base64(32)),
    ("FQoG", Base64(32)),
    // JWT and whatever else is JSON in base64.
    ("eyJ", Dotted(13)),
    // Code forges and registries.
    ("ghp_", Word(16)),
    ("gho_", Word(16)),
    ("ghu_", Word(16)),
    ("ghs_", Word(16)),
    ("ghr_", Word(16)),
    ("github_pat_", Word(16)),
    ("glpat-", Dotted(16)),
    ("gldt-", Mixed(16)),
    ("glrt-", Mixed(16)),
    ("glptt-", Mixed(16)),
    ("glcbt-", Mixed(16)),
    ("npm_", Mixed(30)),
    ("pypi-", Mixed(32)),
    ("dckr_pat_", Word(16)),
    ("ATATT3", Base64(32)),
    // Conversations and mail.
    ("xoxb-", Word(10)),
    ("xoxp-", Word(10)),
    ("xoxa-", Word(10)),
    ("xoxr-", Word(10)),
    ("xoxs-", Word(10)),
    ("xoxe-", Word(10)),
    ("xoxe.", Dotted(10)),
    ("xapp-", Word(10)),
    ("SG.", Dotted(20)),
    ("xkeysib-", Mixed(32)),
    // Payments.
    ("sk_live_", Word(10)),
    ("rk_live_", Word(10)),
    ("sk_test_", Word(10)),
    ("rk_test_", Word(10)),
    ("whsec_", Word(16)),
    ("shpat_", Word(16)),
    // Clouds, models, vaults.
    ("AIza", Mixed(30)),
    ("ya29.", Dotted(16)),
    ("GOCSPX-", Word(16)),
    ("dop_v1_", Word(32)),
    ("sk-", Mixed(20)),
    ("hf_", Mixed(30)),
    ("glsa_", Word(20)),
    ("hvs.", Dotted(16)),
    ("hvb.", Dotted(16)),
    ("hvr.", Dotted(16)),
    ("s.", Exactly(24)),
    ("tskey-", Mixed(16)),
    ("AGE-SECRET-KEY-", Word(32)),
];

/// Prefixes of ids of users, groups and roles in IAM. They are no secrets, but their account can be computed from them.
const IDENTITIES: [&str; 6] = ["AIDA", "AROA", "AGPA", "AIPA", "ANPA", "APKA"];

/// As many bytes of a tail are looked at before it is known to be a token. It bounds what a line made of prefixes costs.
const LOOK: usize = 64;

/// Says whether `value` is or holds a secret by its form: a key, a token, a password in an address or behind a label.
pub fn looks_secret(value: &str) -> bool {
    let mut masks = Vec::new();
    blocks(value, &mut masks);
    label::find(value, &mut masks);
    let redactor = Redactor::new("");
    tokens(&redactor, value, &mut masks);
    entropy::find(&redactor, value, &mut masks);
    url::find(&redactor, value, &mut masks);
    masks.iter().any(Mask::is_secret)
}

/// Hides blocks of private keys, from their first line to their last. Without a last line, all that follows is hidden.
pub(super) fn blocks(text: &str, masks: &mut Vec<Mask>) {
    let mut from = 0;
    while let Some(begin) = dashed(text, from, "BEGIN ") {
        let rest = text.get(begin..).unwrap_or_default();
        let title = rest.find("--").unwrap_or(rest.len());
        from = begin + title;
        if !rest.get(..title).is_some_and(|title| title.contains("PRIVATE KEY")) {
            continue;
        }
        let left = text.get(..begin).unwrap_or_default().trim_end_matches([' ', '-']);
        let end = dashed(text, from, "END ").map_or(text.len(), |end| {
            let rest = text.get(end..).unwrap_or_default();
            let rest = rest.find("--").and_then(|close| rest.get(close..)).unwrap_or_default();
            text.len() - rest.trim_start_matches('-').len()
        });
        masks.push(Mask::secret(left.len()..end));
        from = end;
    }
}

/// Returns where the next `word` with dashes before it begins.
fn dashed(text: &str, from: usize, word: &str) -> Option<usize> {
    text.get(from..)?
        .match_indices(word)
        .map(|(at, _)| from + at)
        .find(|at| text.get(..*at).is_some_and(|left| left.strip_suffix(' ').unwrap_or(left).ends_with("--")))
}

/// Hides tokens with a known prefix.
pub(super) fn tokens(redactor: &Redactor, text: &str, masks: &mut Vec<Mask>) {
    let bytes = text.as_bytes();
    let initials = INITIALS.as_slice();
    let mut done = 0;
    for (at, (first, second)) in bytes.iter().zip(bytes.iter().skip(1)).enumerate() {
        let pair = usize::from(u16::from_be_bytes([*first, *second]));
        if at < done || initials.get(pair) != Some(&true) || !begins(bytes, at) {
            continue;
        }
        let Some(rest) = text.get(at..) else { continue };
        if let Some(length) = token(rest) {
            done = at + length;
            masks.push(Mask::secret(at..done));
        } else if let Some(length) = identity(rest) {
            done = at + length;
            masks.push(redactor.mask(Kind::Id, text, at..done));
            // The id of a role has the name of the session behind it.
            let session =
                run(rest, length, |c| is_word(c) || ":+=,.@-_".contains(c)).trim_end_matches(['.', ',', ':']);
            if session.len() > 1 && session.starts_with(':') {
                arn::actor(redactor, text, Kind::Session, done + 1..done + session.len(), masks);
                done += session.len();
            }
        }
    }
}

/// The first two characters of the prefixes: most words begin otherwise.
static INITIALS: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut initials = vec![false; usize::from(u16::MAX) + 1];
    for prefix in TOKENS.iter().map(|(prefix, _)| *prefix).chain(IDENTITIES) {
        if let [first, second, ..] = prefix.as_bytes()
            && let Some(known) = initials.get_mut(usize::from(u16::from_be_bytes([*first, *second])))
        {
            *known = true;
        }
    }
    initials
});

/// Says whether a word may begin at `at`: behind anything but a letter or digit, or behind a byte in percents.
fn begins(bytes: &[u8], at: usize) -> bool {
    let back = |count: usize| at.checked_sub(count).and_then(|at| bytes.get(at)).copied();
    let hex = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_hexdigit());
    back(1).is_none_or(|byte| !byte.is_ascii_alphanumeric())
        || (back(3) == Some(b'%') && hex(back(2)) && hex(back(1)))
        // Line breaks and tabs as JSON writes them.
        || (back(2) == Some(b'\\') && matches!(back(1), Some(b'n' | b'r' | b't')))
}

fn token(rest: &str) -> Option<usize> {
    TOKENS.iter().find_map(|(prefix, kind)| {
        let tail = rest.strip_prefix(prefix)?;
        fits(*kind, tail).then(|| prefix.len() + run_of(*kind, tail))
    })
}

fn belongs(kind: Tail, byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || match kind {
            Capitals(_) | Exactly(_) => false,
            Word(_) | Mixed(_) => matches!(byte, b'-' | b'_'),
            Dotted(_) => matches!(byte, b'-' | b'_' | b'.'),
            Base64(_) => matches!(byte, b'-' | b'_' | b'/' | b'+' | b'='),
        }
}

fn run_of(kind: Tail, tail: &str) -> usize {
    let end = tail.bytes().take_while(|byte| belongs(kind, *byte)).count();
    tail.get(..end).unwrap_or_default().trim_end_matches('.').len()
}

fn fits(kind: Tail, tail: &str) -> bool {
    let looked: Vec<u8> = tail.bytes().take(LOOK).take_while(|byte| belongs(kind, *byte)).collect();
    let any = |is: fn(&u8) -> bool| looked.iter().any(is);
    // Names in words have no capitals, or nothing else.
    let mixed = any(u8::is_ascii_uppercase) && any(|byte| !byte.is_ascii_uppercase());
    match kind {
        Capitals(least) => {
            let capital = |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
            looked.iter().take_while(capital).count() >= least
        }
        Word(least) | Dotted(least) => looked.len() >= least,
        Mixed(least) | Base64(least) => looked.len() >= least && mixed,
        Exactly(count) => {
            looked.len() == count
                && mixed
                && any(u8::is_ascii_digit)
                && !tail.chars().nth(count).is_some_and(is_word)
        }
    }
}

fn identity(rest: &str) -> Option<usize> {
    let tail = IDENTITIES.iter().find_map(|prefix| rest.strip_prefix(prefix))?;
    let length = tail.bytes().take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()).count();
    let apart = !tail.chars().nth(length).is_some_and(is_word);
    ((16..=17).contains(&length) && apart).then_some(4 + length)
}
