//! Deserialising a tree into derived types, with every mistake kept and the rest still read.
//!
//! A field of type [`Field`] never fails: a mistake inside it is noted with its place, and the field is left without
//! a value. Unknown keys are noted with a suggestion. So one pass over a file finds all that is wrong with it.

use super::tree::{Node, Value};
use crate::config::diagnostic::{Diagnostic, FilePlace, suggestion};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};
use std::cell::{Cell, RefCell};
use std::{borrow::Cow, fmt, marker::PhantomData};

thread_local! {
    /// What was wrong so far in the file that this thread is reading.
    static NOTED: RefCell<Vec<Diagnostic>> = const { RefCell::new(Vec::new()) };
    /// The place of the node that a [`Field`] is being read from.
    static PLACE: Cell<FilePlace> = const { Cell::new(FilePlace { line: 0, column: 0, start: 0, end: 0 }) };
    /// The node that a [`Raw`] is being read from.
    static NODE: Cell<Option<Node>> = const { Cell::new(None) };
}

/// The name by which the deserializer knows a [`Field`].
const FIELD: &str = "lifeboat::Field";

/// The name by which the deserializer knows a `Raw`.
pub(super) const RAW: &str = "lifeboat::Raw";

/// Returns the node that a [`Raw`](super::Raw) is being read from, once.
pub(super) fn take_node() -> Option<Node> {
    NODE.take()
}

fn note(diagnostic: Diagnostic) {
    NOTED.with_borrow_mut(|noted| noted.push(diagnostic));
}

/// Reads `node` as a `T`; returns what could be read of it, and everything that was wrong.
pub fn from_node<T: for<'de> Deserialize<'de>>(node: &Node) -> (Field<T>, Vec<Diagnostic>) {
    NOTED.take();
    let field = Field::deserialize(NodeDeserializer { node }).unwrap_or_else(|_: Mistake| Field::default());
    (field, NOTED.take())
}

/// A value of a file with its place; without a value when it is absent, or when it is wrong and that was noted.
#[derive(Debug, Clone)]
pub struct Field<T> {
    value: Option<T>,
    place: Option<FilePlace>,
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self { value: None, place: None }
    }
}

impl<T> Field<T> {
    /// Returns the value.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Returns the value, or `None`, and gives the field up.
    pub fn into_inner(self) -> Option<T> {
        self.value
    }

    /// Returns where it stands; `None` when it is absent.
    pub fn place(&self) -> Option<FilePlace> {
        self.place
    }

    /// Returns where it stands, or `other` when it is absent.
    pub fn place_or(&self, other: FilePlace) -> FilePlace {
        self.place.unwrap_or(other)
    }

    /// Says whether the file does not have it at all.
    pub fn is_absent(&self) -> bool {
        self.place.is_none()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldVisitor<T> {
            type Value = Field<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<Field<T>, D::Error> {
                let place = PLACE.get();
                let value = match T::deserialize(inner) {
                    Ok(value) => Some(value),
                    Err(error) => {
                        note(Diagnostic::error(place, error.to_string()));
                        None
                    }
                };
                Ok(Field { value, place: Some(place) })
            }
        }

        deserializer.deserialize_newtype_struct(FIELD, FieldVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Field<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A map whose keys people choose, in the order of the file.
#[derive(Debug, Clone)]
pub struct Entries<T>(pub Vec<(Field<String>, Field<T>)>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for EntriesVisitor<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Entries<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        format!("MapOf{}", T::schema_name()).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        std::collections::BTreeMap::<String, T>::json_schema(generator)
    }
}

/// A mistake on its way to the nearest [`Field`], which notes it.
#[derive(Debug)]
struct Mistake(String);

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mistake {}

impl serde::de::Error for Mistake {
    fn custom<T: fmt::Display>(says: T) -> Self {
        Self(says.to_string())
    }
    fn invalid_type(unexpected: serde::de::Unexpected<'_>, expected: &dyn serde::de::Expected) -> Self {
        let _ = unexpected;
        Self(format!("this must be {expected}"))
    }
}

struct NodeDeserializer<'a> {
    node: &'a Node,
}

impl NodeDeserializer<'_> {
    fn wrong(&self, wanted: &str) -> Mistake {
        Mistake(format!("this must be {wanted}, and is {}", self.node.value.what()))
    }

    fn plain(&self, wanted: &str) -> Result<&str, Mistake> {
        match &self.node.value {
            Value::Scalar { text, quoted: false } => Ok(text),
            Value::Scalar { .. } => Err(Mistake(format!("this must be {wanted}, not text in quotes"))),
            _ => Err(self.wrong(wanted)),
        }
    }
}

macro_rules! numbers {
    ($($deserialize:ident => $visit:ident, $type:ty, $wanted:literal;)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
            let text = self.plain($wanted)?;
            let number = text.parse::<$type>().map_err(|_| Mistake(format!("`{text}` must be {}", $wanted)))?;
            visitor.$visit(number)
        }
    )*};
}

impl<'de> Deserializer<'de> for NodeDeserializer<'_> {
    type Error = Mistake;

    numbers! {
        deserialize_u8 => visit_u8, u8, "a whole number from 0 to 255";
        deserialize_u16 => visit_u16, u16, "a whole number from 0 to 65535";
        deserialize_u32 => visit_u32, u32, "a whole number that is not negative";
        deserialize_u64 => visit_u64, u64, "a whole number that is not negative";
        deserialize_i64 => visit_i64, i64, "a whole number";
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Mistake> {
        // Guessing a type is how `0123` becomes a number; every type here says what it wants.
        Err(Mistake("this type does not say what it wants".to_owned()))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.plain("true or false")? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(Mistake(format!("`{other}` must be true or false"))),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.value {
            Value::Scalar { text, .. } => visitor.visit_str(text),
            _ => Err(self.wrong("a text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match self.node.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        if name == FIELD {
            PLACE.set(self.node.place);
        } else if name == RAW {
            NODE.set(Some(self.node.clone()));
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.value {
            Value::List(items) => visitor.visit_seq(ListAccess { items: items.iter() }),
            _ => Err(self.wrong("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        match &self.node.value {
            Value::Map(entries) => {
                visitor.visit_map(EntryAccess { entries: entries.iter(), value: None, known: None })
            }
            Value::Null => visitor.visit_map(EntryAccess { entries: [].iter(), value: None, known: None }),
            _ => Err(self.wrong("a map")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        match &self.node.value {
            Value::Map(entries) => {
                visitor.visit_map(EntryAccess { entries: entries.iter(), value: None, known: Some(fields) })
            }
            Value::Null => {
                visitor.visit_map(EntryAccess { entries: [].iter(), value: None, known: Some(fields) })
            }
            _ => Err(self.wrong(&format!("a map with {}", listed(fields)))),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Mistake> {
        let Value::Scalar { text, .. } = &self.node.value else {
            return Err(self.wrong(&format!("one of {}", listed(variants))));
        };
        if !variants.contains(&text.as_str()) {
            let meant = suggestion(text, variants.iter().copied());
            let meant = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
            return Err(Mistake(format!("`{text}` is not one of {}{meant}", listed(variants))));
        }
        visitor.visit_enum(NameAccess(text))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Mistake> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct identifier
    }
}

fn listed(names: &[&str]) -> String {
    names.join(", ")
}

struct ListAccess<'a> {
    items: std::slice::Iter<'a, Node>,
}

impl<'de> SeqAccess<'de> for ListAccess<'_> {
    type Error = Mistake;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistake> {
        self.items.next().map(|node| seed.deserialize(NodeDeserializer { node })).transpose()
    }
}

struct EntryAccess<'a> {
    entries: std::slice::Iter<'a, (Node, Node)>,
    value: Option<&'a Node>,
    /// The keys that a struct has; `None` where people choose them.
    known: Option<&'static [&'static str]>,
}

impl<'de> MapAccess<'de> for EntryAccess<'_> {
    type Error = Mistake;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Mistake> {
        for (key, value) in self.entries.by_ref() {
            let Some(known) = self.known else {
                self.value = Some(value);
                return seed.deserialize(NodeDeserializer { node: key }).map(Some);
            };
            let Value::Scalar { text, .. } = &key.value else {
                note(Diagnostic::error(key.place, "a key must be a word"));
                continue;
            };
            if !known.contains(&text.as_str()) {
                let diagnostic = Diagnostic::error(key.place, format!("there is no `{text}` here"));
                note(match suggestion(text, known.iter().copied()) {
                    Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
                    None => diagnostic.help(format!("known here: {}", listed(known))),
                });
                continue;
            }
            self.value = Some(value);
            let name: StrDeserializer<'_, Mistake> = text.as_str().into_deserializer();
            return seed.deserialize(name).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Mistake> {
        let node = self.value.take().ok_or_else(|| Mistake::custom("a key without a value"))?;
        seed.deserialize(NodeDeserializer { node })
    }
}

struct NameAccess<'a>(&'a str);

impl<'de> EnumAccess<'de> for NameAccess<'_> {
    type Error = Mistake;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Mistake> {
        let name: StrDeserializer<'_, Mistake> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for NameAccess<'_> {
    type Error = Mistake;

    fn unit_variant(self) -> Result<(), Mistake> {
        Ok(())
    }
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Mistake> {
        Err(Mistake("this must be a single word".to_owned()))
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Mistake> {
        Err(Mistake("this must be a single word".to_owned()))
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Mistake> {
        Err(Mistake("this must be a single word".to_owned()))
    }
}
