//! YAML with places: one tree of a file, and a serde deserializer over it that reports every mistake, not the first.

mod de;
mod tree;

pub use de::{Entries, Field, from_node};
pub use tree::{Budget, Node, Value, parse};
