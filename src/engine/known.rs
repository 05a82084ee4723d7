//! A line with nothing in it that this version does not know, read in one go: what a long journal is read back by.

use super::line::{Actor, MEMBERS};
use crate::runbook::event::Event;
use jiff::Timestamp;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer, MapAccess, VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};
use std::fmt;

/// A line. Whatever else stands in one, or in another order, is an error here, and is read the slower way.
pub(super) struct Known<'a> {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) term: u64,
    pub(super) actor: Actor,
    pub(super) name: &'a str,
    pub(super) event: Event,
    pub(super) prev: &'a str,
}

impl<'de> Deserialize<'de> for Known<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

/// Reads the next member, which has to be `name`.
fn next<'de, M: MapAccess<'de>, T: Deserialize<'de>>(map: &mut M, name: &str) -> Result<T, M::Error> {
    is_next(map, name)?;
    map.next_value()
}

fn is_next<'de, M: MapAccess<'de>>(map: &mut M, name: &str) -> Result<(), M::Error> {
    match map.next_key::<&str>()? {
        Some(found) if found == name => Ok(()),
        _ => Err(M::Error::custom(format!("{name} was to come"))),
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Known<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Known<'de>, M::Error> {
        let [seq, at, term, actor, event, data, prev] = MEMBERS;
        let (seq, at, term) = (next(&mut map, seq)?, next(&mut map, at)?, next(&mut map, term)?);
        let (actor, name) = (next(&mut map, actor)?, next(&mut map, event)?);
        is_next(&mut map, data)?;
        let event = map.next_value_seed(OfName(name))?;
        let prev = next(&mut map, prev)?;
        match map.next_key::<&str>()? {
            None => Ok(Known { seq, at, term, actor, name, event, prev }),
            Some(_) => Err(M::Error::custom("nothing was to come")),
        }
    }
}

/// Reads the data of an event whose name stood before it.
struct OfName<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for OfName<'_> {
    type Value = Event;

    fn deserialize<D: Deserializer<'de>>(self, data: D) -> Result<Event, D::Error> {
        Event::deserialize(Named { name: self.0, data })
    }
}

/// Data, as an enum is read: by its name first.
struct Named<'n, D> {
    name: &'n str,
    data: D,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Named<'_, D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, D: Deserializer<'de>> EnumAccess<'de> for Named<'_, D> {
    type Error = D::Error;
    type Variant = Data<D>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Data<D>), D::Error> {
        Ok((seed.deserialize(self.name.into_deserializer())?, Data(self.data)))
    }
}

struct Data<D>(D);

impl<'de, D: Deserializer<'de>> VariantAccess<'de> for Data<D> {
    type Error = D::Error;

    fn unit_variant(self) -> Result<(), D::Error> {
        Err(D::Error::custom("every event has data"))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, D::Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }
}
