//! A part of a file that is kept as it was written, for those who know only later what it must be.

use super::de::{RAW, take_node};
use super::tree::Node;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;

/// A node as it was written, with the places of everything in it. Only this module's deserializer can make one.
#[derive(Debug, Clone)]
pub struct Raw(pub Node);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;

        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, _: D) -> Result<Raw, D::Error> {
                take_node().map(Raw).ok_or_else(|| D::Error::custom("this is no YAML"))
            }
        }

        deserializer.deserialize_newtype_struct(RAW, RawVisitor)
    }
}
