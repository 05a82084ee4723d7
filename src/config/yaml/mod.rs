//! YAML with places: one tree of a file, and a serde deserializer over it that reports every mistake, not the first.

mod de;
mod raw;
mod tree;

pub use de::{Entries, Field, from_node};
pub use raw::Raw;
pub use tree::{Budget, Node, Value, parse};
