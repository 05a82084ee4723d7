//! What an action was given, its values known or still to come.

use super::Refusal;
use crate::domain::duration;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What an action was given, by argument. A value that an earlier step brings is a text with `${steps.…}` in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GivenValues(pub BTreeMap<String, Value>);

/// Says whether a value is known only when an earlier step is done.
pub fn is_later(value: &str) -> bool {
    value.contains("${steps.")
}

impl GivenValues {
    /// Returns a text that must be there.
    ///
    /// # Errors
    /// When it is missing or no text.
    pub fn text(&self, name: &str) -> Result<&str, Refusal> {
        self.maybe_text(name)?.ok_or_else(|| Refusal::new(format!("`{name}` is missing")))
    }

    /// Returns a text that may be there.
    ///
    /// # Errors
    /// When it is no text.
    pub fn maybe_text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::new(format!("`{name}` must be a text"))),
        }
    }

    /// Returns a whole number that may be there.
    ///
    /// # Errors
    /// When it is none.
    pub fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.maybe_text(name)? else { return Ok(None) };
        text.parse()
            .map(Some)
            .map_err(|_| Refusal::new(format!("`{name}` must be a whole number, not `{text}`")))
    }

    /// Returns a switch that may be there.
    ///
    /// # Errors
    /// When it is none.
    pub fn switch(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.maybe_text(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => Err(Refusal::new(format!("`{name}` must be true or false, not `{text}`"))),
        }
    }

    /// Returns a span of time that may be there.
    ///
    /// # Errors
    /// When it is none.
    pub fn span(&self, name: &str) -> Result<Option<Duration>, Refusal> {
        let Some(text) = self.maybe_text(name)? else { return Ok(None) };
        duration::parse(text).map(Some).map_err(|why| Refusal::new(format!("`{name}`: {why}")))
    }

    /// Returns several texts, in their order.
    ///
    /// # Errors
    /// When they are none.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
                texts
                    .collect::<Option<_>>()
                    .ok_or_else(|| Refusal::new(format!("`{name}` must be a list of texts")))
            }
            Some(_) => Err(Refusal::new(format!("`{name}` must be a list"))),
        }
    }

    /// Returns names and values.
    ///
    /// # Errors
    /// When they are none.
    pub fn pairs(&self, name: &str) -> Result<BTreeMap<String, String>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(BTreeMap::new()),
            Some(Value::Object(entries)) => {
                let pairs =
                    entries.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
                pairs
                    .collect::<Option<_>>()
                    .ok_or_else(|| Refusal::new(format!("`{name}` must be names with texts")))
            }
            Some(_) => Err(Refusal::new(format!("`{name}` must be a map"))),
        }
    }
}
