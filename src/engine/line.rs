//! A line of a journal, to the byte: `{"seq","at","term","actor","event","data","prev","hash"}`, in this order.
//!
//! `hash` is the SHA-256 of the line's own bytes before `,"hash"`; `prev` is the hash of the line before, 64 zeros in the
//! first. Nothing is made canonical: the bytes that are written are the bytes that are hashed, kept and copied.

use crate::domain::Text;
use crate::runbook::call::hex;
use crate::runbook::event::Event;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The version of the format that this build writes: major and minor. A reader opens an older minor of its major as its
/// own, a newer one for reading only, and another major not at all.
pub const FORMAT: &str = "1.0";

/// The longest line that is read, in bytes.
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    seq: u64,
    at: Timestamp,
    term: u64,
    actor: Actor,
    event: String,
    data: Value,
    prev: String,
}

/// How a line ends: `,"hash":"` and 64 digits and `"}`.
const HASH_KEY: &str = ",\"hash\":\"";
const TAIL: usize = HASH_KEY.len() + 64 + 2;

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

/// Reads the line in `bytes` (without its line break), which is to follow `head`.
///
/// # Errors
/// When it is not of this form, was changed, or does not follow.
pub fn decode(bytes: &[u8], head: &Head) -> Result<Line, BadLine> {
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
    let written: Written =
        serde_json::from_str(&format!("{body}}}")).map_err(|error| form(&error.to_string()))?;
    if written.prev != head.hash {
        return Err(BadLine::Chain("its `prev` is not the hash of that line".to_owned()));
    }
    if written.seq != head.seq + 1 {
        return Err(BadLine::Chain(format!("number {} after {}", written.seq, head.seq)));
    }
    let mut outer = Map::new();
    outer.insert(written.event.clone(), written.data);
    let event = serde_json::from_value(Value::Object(outer));
    Ok(Line {
        seq: written.seq,
        at: written.at,
        term: written.term,
        actor: written.actor,
        event: event.ok(),
        name: written.event,
        hash: hash.to_owned(),
    })
}
