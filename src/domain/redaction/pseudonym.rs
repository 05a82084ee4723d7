//! Pseudonyms: what is shown instead, the same for the same thing.

use super::letter::{Class, after, is_word};
use super::piece::Mask;
use sha2::{Digest, Sha256};

/// What is shown in the place of a secret. Secrets have no pseudonyms: nobody needs to talk about them.
pub(super) const SECRET: &str = "[secret]";

/// The length of the longest pseudonym.
const LONGEST: usize = 14;

/// The letters and digits at the end of a pseudonym.
const TAIL: usize = 6;

/// Words that take the place of a kind whose own word would give away what is hidden.
const SPARE: [&str; 2] = ["thing", "word"];

/// What something hidden is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Account,
    Address,
    Group,
    Host,
    Id,
    Name,
    Person,
    Role,
    Session,
    User,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Account,
        Self::Address,
        Self::Group,
        Self::Host,
        Self::Id,
        Self::Name,
        Self::Person,
        Self::Role,
        Self::Session,
        Self::User,
    ];

    fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
            Self::Group => "group",
            Self::Host => "host",
            Self::Id => "id",
            Self::Name => "name",
            Self::Person => "person",
            Self::Role => "role",
            Self::Session => "session",
            Self::User => "user",
        }
    }
}

/// Returns the pseudonym of `hidden`. It does not contain `hidden`, however short that is.
pub(super) fn pseudonym(salt: &str, kind: Kind, hidden: &str) -> String {
    let lower = hidden.to_lowercase();
    // Names, hosts and people are the same in capitals; ids are not.
    let hidden = if kind == Kind::Id { hidden } else { &lower };
    let word = [kind.word()].into_iter().chain(SPARE).find(|word| !word.contains(lower.as_str()));
    let word = word.unwrap_or(kind.word());
    let mut tail = String::new();
    for attempt in 0..=u8::MAX {
        tail = digits(salt, hidden, attempt);
        if is_tail(&tail) && !tail.contains(lower.as_str()) {
            break;
        }
    }
    format!("{word}-{tail}")
}

fn digits(salt: &str, hidden: &str, attempt: u8) -> String {
    let mut hash = Sha256::new();
    hash.update(salt.as_bytes());
    hash.update([attempt]);
    hash.update(hidden.as_bytes());
    hash.finalize().iter().take(TAIL / 2).flat_map(|byte| [byte >> 4, byte & 15]).map(hex).collect()
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0')
}

/// A digit and a letter at least: `user-000123` and `role-facade` are names that somebody may really have.
fn is_tail(tail: &str) -> bool {
    tail.len() == TAIL
        && tail.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && tail.bytes().any(|byte| byte.is_ascii_digit())
        && tail.bytes().any(|byte| byte.is_ascii_lowercase())
}

/// Says whether `text` is what redaction leaves: a pseudonym, or the sign of a secret.
pub(super) fn is_settled(text: &str) -> bool {
    text.len() <= LONGEST && settled_at_start(text) == Some(text.len())
}

/// Returns the length of the pseudonym or sign of a secret that `text` begins with.
fn settled_at_start(text: &str) -> Option<usize> {
    if text.starts_with(SECRET) {
        return Some(SECRET.len());
    }
    let word = Class::Word.end(text, 0);
    let end = word + 1 + TAIL;
    let tail = text.get(word..end)?.strip_prefix('-')?;
    let apart = !after(text, end).is_some_and(is_word);
    let known = |word: &str| SPARE.contains(&word) || Kind::ALL.iter().any(|kind| kind.word() == word);
    (apart && is_tail(tail) && text.get(..word).is_some_and(known)).then_some(end)
}

/// Settles what was redacted before: its words may be names of the estate as well.
pub(super) fn find(text: &str, masks: &mut Vec<Mask>) {
    let longest = "address".len();
    for (start, word) in Class::Word.runs(text) {
        let sign = if word == "secret" { start.checked_sub(1) } else { None };
        let joined = word.len() <= longest && text.as_bytes().get(start + word.len()) == Some(&b'-');
        for at in sign.into_iter().chain(joined.then_some(start)) {
            if let Some(rest) = text.get(at..)
                && let Some(length) = settled_at_start(rest)
            {
                masks.push(Mask::new(at..at + length, rest.chars().take(length).collect()));
                break;
            }
        }
    }
}
