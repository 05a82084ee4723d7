//! A line of a journal, to the byte: `{"seq","at","term","actor","event","data","prev","hash"}`, in this order.
//!
//! `hash` is the SHA-256 of the line's own bytes before `,"hash"`; `prev` is the hash of the line before, 64 zeros in the
//! first. Nothing is made canonical: the bytes that are written are the bytes that are hashed, kept and copied.

use super::known::Known;
use crate::domain::Text;
use crate::runbook::call::hex;
use crate::runbook::event::Event;
use jiff::Timestamp;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::fmt;

/// The version of the format that this build writes: major and minor. A reader opens an older minor of its major as its
/// own, a newer one for reading only, and another major not at all.
pub const FORMAT: &str = "1.0";

/// The longest line that is written or read, in bytes, without its line feed.
pub const LONGEST: usize = 1 << 20;

/// Who wrote a line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The user's name on the machine.
    pub user: Text,
    /// The machine.
    pub host: Text,
    /// The identity by which the world is changed, where it is known.
    pub identity: Option<Text>,
}

/// Where a journal stands: what the next line follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The number of the last line; 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { seq: 0, hash: "0".repeat(64) }
    }
}

/// A line as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its number, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// Which executor wrote it, counted from 1.
    pub term: u64,
    /// Who.
    pub actor: Actor,
    /// What; `None` for an event of a newer minor version.
    pub event: Option<Event>,
    /// The event's name.
    pub name: String,
    /// Whether something stands in it that this version does not know.
    pub newer: bool,
    /// Its own hash.
    pub hash: String,
}

/// Why a line cannot be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    /// It is not of this form.
    #[error("it is no line of a journal: {0}")]
    Form(String),
    /// Its own bytes are not those that were hashed.
    #[error("its bytes are not those that were written: the hash does not fit")]
    Hash,
    /// It does not follow the line before it.
    #[error("it does not follow the line before it: {0}")]
    Chain(String),
}

/// The members of a line before its hash, in their order.
pub const MEMBERS: [&str; 7] = ["seq", "at", "term", "actor", "event", "data", "prev"];

// A newer minor version may have more members; they are counted by `Names`.
#[derive(Deserialize)]
struct Written {
    seq: u64,
    at: Timestamp,
    term: u64,
    actor: Actor,
    event: String,
    data: Value,
    prev: String,
}

/// The names of an object's members, as they stand.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Names, M::Error> {
                let mut names = Vec::new();
                while let Some((name, _)) = map.next_entry::<String, IgnoredAny>()? {
                    names.push(name);
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// How a line ends: `,"hash":"` and 64 digits and `"}`.
const HASH_KEY: &str = ",\"hash\":\"";
const TAIL: usize = HASH_KEY.len() + 64 + 2;

/// Returns a moment as a line can hold it: in whole milliseconds.
pub fn moment(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// Returns the line of `event` after `head`, with its line break, and where the journal stands then.
///
/// # Errors
/// When the event cannot be written as JSON, which would be a fault of this build.
pub fn encode(
    head: &Head,
    at: Timestamp,
    term: u64,
    actor: &Actor,
    event: &Event,
) -> Result<(String, Head), serde_json::Error> {
    let (name, data) = parts(event)?;
    let seq = head.seq + 1;
    let at = at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let mut line = format!(
        "{{\"seq\":{seq},\"at\":\"{at}\",\"term\":{term},\"actor\":{},\"event\":{},\"data\":{},\"prev\":\"{}\"",
        serde_json::to_string(actor)?,
        serde_json::to_string(&name)?,
        serde_json::to_string(&data)?,
        head.hash,
    );
    let hash = hex(&Sha256::digest(line.as_bytes()));
    line.push_str(HASH_KEY);
    line.push_str(&hash);
    line.push_str("\"}\n");
    Ok((line, Head { seq, hash }))
}

fn parts(event: &Event) -> Result<(String, Value), serde_json::Error> {
    // An event is written with its name outside: `{"opened": {…}}`.
    let Value::Object(outer) = serde_json::to_value(event)? else {
        return Ok((String::new(), Value::Null));
    };
    Ok(outer.into_iter().next().unwrap_or_default())
}

/// Returns a line without its hash and its last brace, and the hash, which fits.
fn parts_of(bytes: &[u8]) -> Result<(&str, &str), BadLine> {
    let form = |why: &str| BadLine::Form(why.to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| form("it is not UTF-8"))?;
    let cut = text.len().checked_sub(TAIL).ok_or_else(|| form("it is too short"))?;
    let (body, tail) = text.split_at_checked(cut).ok_or_else(|| form("it does not end with a hash"))?;
    let hash = tail
        .strip_prefix(HASH_KEY)
        .and_then(|tail| tail.strip_suffix("\"}"))
        .filter(|hash| hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
        .ok_or_else(|| form("it does not end with a hash"))?;
    if hex(&Sha256::digest(body.as_bytes())) != hash {
        return Err(BadLine::Hash);
    }
    Ok((body, hash))
}

/// Returns the format that a first line names, whatever else stands in it; `None` where it names none, or was changed.
///
/// So much is promised of every version: its first line ends with its hash, and `data.format` of it is the format.
pub fn format_of(bytes: &[u8]) -> Option<String> {
    let (body, _) = parts_of(bytes).ok()?;
    let first: Value = serde_json::from_str(&format!("{body}}}")).ok()?;
    first.pointer("/data/format").and_then(Value::as_str).map(str::to_owned)
}

fn follows(seq: u64, prev: &str, head: &Head) -> Result<(), BadLine> {
    if prev != head.hash {
        return Err(BadLine::Chain("its `prev` is not the hash of that line".to_owned()));
    }
    if head.seq.checked_add(1) != Some(seq) {
        return Err(BadLine::Chain(format!("number {seq} after {}", head.seq)));
    }
    Ok(())
}

/// Reads the line in `bytes` (without its line break), which is to follow `head`.
///
/// # Errors
/// When it is not of this form, was changed, or does not follow.
pub fn decode(bytes: &[u8], head: &Head) -> Result<Line, BadLine> {
    let form = |why: &serde_json::Error| BadLine::Form(why.to_string());
    let (body, hash) = parts_of(bytes)?;
    let whole = format!("{body}}}");
    if let Ok(known) = serde_json::from_str::<Known>(&whole) {
        follows(known.seq, known.prev, head)?;
        return Ok(Line {
            seq: known.seq,
            at: known.at,
            term: known.term,
            actor: known.actor,
            newer: false,
            name: known.name.to_owned(),
            event: Some(known.event),
            hash: hash.to_owned(),
        });
    }
    let Names(names) = serde_json::from_str(&whole).map_err(|error| form(&error))?;
    let known = names.iter().filter(|name| MEMBERS.contains(&name.as_str()));
    if !known.eq(&MEMBERS) {
        return Err(BadLine::Form("its members are not those of a line, in their order".to_owned()));
    }
    let written: Written = serde_json::from_str(&whole).map_err(|error| form(&error))?;
    follows(written.seq, &written.prev, head)?;
    let mut outer = Map::new();
    outer.insert(written.event.clone(), written.data);
    let event: Option<Event> = serde_json::from_value(Value::Object(outer)).ok();
    Ok(Line {
        seq: written.seq,
        at: written.at,
        term: written.term,
        actor: written.actor,
        newer: event.is_none() || names.len() > MEMBERS.len(),
        event,
        name: written.event,
        hash: hash.to_owned(),
    })
}
