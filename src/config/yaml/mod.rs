//! YAML with places: one tree of a file, and a serde deserializer over it that reports every mistake, not the first.

mod de;
mod tree;

pub use de::{from_node, Entries, Field};
pub use tree::{parse, Budget, Node, Value};
