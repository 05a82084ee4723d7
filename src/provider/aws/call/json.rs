//! Answers of the SDK as JSON, by the names that the services give their members; what is absent is left out.

use super::super::convert::moment;
use aws_smithy_types::DateTime;
use serde_json::{Map, Value};

/// An answer, or a part of one.
#[derive(Debug, Default)]
pub(super) struct Object(Map<String, Value>);

impl Object {
    /// Returns it with one member more, where there is a value.
    pub(super) fn with(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }

    /// Returns it with a word of the SDK more, as the service writes it.
    pub(super) fn word(self, name: &str, value: Option<&impl AsRef<str>>) -> Self {
        self.with(name, value.map(AsRef::as_ref))
    }

    /// Returns it with a moment more: RFC 3339, UTC.
    pub(super) fn at(self, name: &str, value: Option<&DateTime>) -> Self {
        self.with(name, moment(value).map(|at| at.to_string()))
    }

    /// Returns it with a list more, empty or not.
    pub(super) fn list<T>(self, name: &str, values: &[T], one: impl Fn(&T) -> Value) -> Self {
        self.with(name, Some(values.iter().map(one).collect::<Vec<_>>()))
    }

    /// Returns it as JSON.
    pub(super) fn json(self) -> Value {
        Value::Object(self.0)
    }
}

/// Returns a part with one member.
pub(super) fn only(name: &str, value: Option<&str>) -> Value {
    Object::default().with(name, value).json()
}

/// Returns a tag.
pub(super) fn tag(key: Option<&str>, value: Option<&str>) -> Value {
    Object::default().with("Key", key).with("Value", value).json()
}
