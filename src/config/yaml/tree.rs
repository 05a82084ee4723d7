//! A YAML file as a tree: every scalar as it was written, every node with its place.

use crate::config::diagnostic::{Diagnostic, FilePlace};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Location, Spanned};
use std::fmt;

/// How much a file may ask of us before it is refused.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Its size in bytes.
    pub bytes: usize,
    /// Its nodes, aliases expanded.
    pub nodes: usize,
    /// How deep it is nested.
    pub depth: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bytes: 4 << 20, nodes: 200_000, depth: 24 }
    }
}

/// A node and its place.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it stands.
    pub place: FilePlace,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing, or `null`, or `~`.
    Null,
    /// A scalar as it was written, without its quotes: `0123` stays `0123`.
    Scalar {
        /// The text.
        text: String,
        /// Whether it stood in quotes or in a block, and so can only be a string.
        quoted: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(Node, Node)>),
}

impl Value {
    /// Says what it is, for errors.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar { .. } => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// Parses `source` as one YAML document.
///
/// # Errors
/// What is wrong with its syntax, or which budget it exceeds. Syntax is the one thing of which only the first
/// mistake can be named.
pub fn parse(source: &str, budget: Budget) -> Result<Node, Diagnostic> {
    let whole = FilePlace { line: 1, column: 1, start: 0, end: 0 };
    if source.len() > budget.bytes {
        let says = format!("the file has {} bytes, more than the {} allowed", source.len(), budget.bytes);
        return Err(Diagnostic::error(whole, says));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: budget.nodes,
            max_events: budget.nodes * 4,
            max_depth: budget.depth,
            max_documents: 1,
            max_aliases: 1_000,
            max_anchors: 1_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: budget.nodes,
            max_replay_stack_depth: 8,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Merge,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    let parsed: Spanned<Raw> = serde_saphyr::from_str_with_options(source, options).map_err(|error| {
        let place = error.location().map_or(whole, |location| place(&location, source));
        Diagnostic::error(place, says(&error))
    })?;
    Ok(node(parsed, source))
}

fn says(error: &serde_saphyr::Error) -> String {
    let text = error.to_string();
    // The place is shown beside it, and its advice is for programmers.
    let text = text.split(" at line ").next().unwrap_or(&text);
    for (inner, plain) in [
        ("Documents", "the file holds several documents, and may hold only one"),
        ("Depth", "this is nested too deep"),
        ("alias replay", "its aliases expand to more than a file may hold"),
        ("recursive references", "an alias refers to itself"),
        ("budget breached", "the file asks for more than any needs: too many nodes, anchors or aliases"),
    ] {
        if text.contains(inner) {
            return plain.to_owned();
        }
    }
    text.replace(", set DuplicateKeyPolicy in Options if acceptable", "")
}

fn place(location: &Location, source: &str) -> FilePlace {
    let (line, column) = (location.line().max(1), location.column().max(1));
    let span = location.span();
    let start = span.byte_offset().map_or_else(|| byte_of(source, line, column), |at| at as usize);
    let end = start + span.byte_len().map_or(1, |len| len as usize);
    FilePlace { line, column, start: start.min(source.len()), end: end.min(source.len()) }
}

fn byte_of(source: &str, line: u64, column: u64) -> usize {
    let before: usize = source.split_inclusive('\n').take(line as usize - 1).map(str::len).sum();
    let rest = source.get(before..).unwrap_or_default();
    before + rest.chars().take(column as usize - 1).map(char::len_utf8).sum::<usize>()
}

/// What serde-saphyr hands over, before the text of plain scalars is taken from the source.
enum Raw {
    Null,
    Text(String),
    Plain,
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

fn node(raw: Spanned<Raw>, source: &str) -> Node {
    let at = place(&raw.referenced, source);
    let span = raw.defined.span();
    let written = span.byte_offset().zip(span.byte_len()).and_then(|(at, len)| {
        let at = usize::try_from(at).ok()?;
        source.get(at..at + usize::try_from(len).ok()?)
    });
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Plain => Value::Scalar { text: written.unwrap_or_default().to_owned(), quoted: false },
        Raw::Text(text) => {
            let quoted =
                written.is_none_or(|written| written.starts_with(['"', '\'', '|', '>']) || written != text);
            Value::Scalar { text, quoted }
        }
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, source)).collect()),
        Raw::Map(entries) => {
            Value::Map(entries.into_iter().map(|(k, v)| (node(k, source), node(v, source))).collect())
        }
    };
    Node { place: at, value }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;

        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("YAML")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw::Text(text.to_owned()))
            }
            fn visit_bool<E: Error>(self, _: bool) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_i64<E: Error>(self, _: i64) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_u64<E: Error>(self, _: u64) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_i128<E: Error>(self, _: i128) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_u128<E: Error>(self, _: u128) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_f64<E: Error>(self, _: f64) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Raw, E> {
                Ok(Raw::Plain)
            }
            fn visit_unit<E: Error>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }
            fn visit_none<E: Error>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
                Raw::deserialize(deserializer)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Raw::List(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Raw::Map(entries))
            }
        }

        deserializer.deserialize_any(RawVisitor)
    }
}
