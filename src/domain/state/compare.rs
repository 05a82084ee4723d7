//! Two versions of a state side by side, by resource. Values of sensitive attributes are never kept: what is read of a
//! version is already masked.

use crate::domain::Text;
use crate::domain::redaction::{is_secret_name, looks_secret};
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What stands in place of a value that nobody is to see.
pub const MASK: &str = "(sensitive)";
/// The most characters of a value that are shown.
const SHOWN: usize = 120;

/// What is in a version of a state, by address; sensitive values are masked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Attributes by their path, by the resource's address; outputs under `output.NAME`.
    pub resources: BTreeMap<Text, BTreeMap<Text, Shown>>,
}

/// A value as it may be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown {
    /// What is shown.
    pub text: Text,
    /// Tells whether two values that are not shown differ. It never leaves the process.
    mark: [u8; 32],
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// How a resource differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only the newer version has it.
    Added,
    /// Only the older version has it.
    Removed,
    /// Both have it, with other values.
    Changed,
}

impl Change {
    /// Returns the word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// An attribute that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct AttributeChange {
    /// Its path, such as `tags.Name`.
    pub path: Text,
    /// Its value before; null where it was not there.
    pub before: Option<Text>,
    /// Its value after; null where it is not there.
    pub after: Option<Text>,
}

/// A resource that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ResourceChange {
    /// Its address, such as `module.db.aws_db_instance.main[0]`.
    pub address: Text,
    /// How it differs.
    pub change: Change,
    /// The attributes that differ, where both have it.
    pub attributes: Vec<AttributeChange>,
}

/// Returns what differs from `before` to `after`, by address.
pub fn changes(before: &Contents, after: &Contents) -> Vec<ResourceChange> {
    let mut all = Vec::new();
    let addresses: BTreeSet<_> = before.resources.keys().chain(after.resources.keys()).collect();
    for address in addresses {
        let (change, attributes) = match (before.resources.get(address), after.resources.get(address)) {
            (None, Some(_)) => (Change::Added, Vec::new()),
            (Some(_), None) => (Change::Removed, Vec::new()),
            (Some(old), Some(new)) if old != new => (Change::Changed, attributes(old, new)),
            _ => continue,
        };
        all.push(ResourceChange { address: address.clone(), change, attributes });
    }
    all
}

fn attributes(old: &BTreeMap<Text, Shown>, new: &BTreeMap<Text, Shown>) -> Vec<AttributeChange> {
    let paths: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let differs = |path: &&&Text| old.get(**path) != new.get(**path);
    let change = |path: &Text| AttributeChange {
        path: path.clone(),
        before: old.get(path).map(|shown| shown.text.clone()),
        after: new.get(path).map(|shown| shown.text.clone()),
    };
    paths.iter().filter(differs).map(|path| change(path)).collect()
}

impl Contents {
    /// Reads what is in the bytes of a state of format 4.
    ///
    /// # Errors
    /// A sentence that says why it cannot be compared.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let state: Value = serde_json::from_slice(bytes).map_err(|_| "it is not a whole state".to_owned())?;
        if state.get("encrypted_data").is_some() {
            return Err(
                "it is encrypted, and the key is not ours: only serial and lineage can be compared".into()
            );
        }
        if state.get("version").and_then(Value::as_u64) != Some(4) {
            return Err("only states of format 4 can be compared".to_owned());
        }
        let mut contents = Self::default();
        for (name, output) in state.get("outputs").and_then(Value::as_object).into_iter().flatten() {
            let sensitive = output.get("sensitive").and_then(Value::as_bool).unwrap_or(false);
            let mut shown = BTreeMap::new();
            let paths = if sensitive { vec![String::new()] } else { Vec::new() };
            let value = output.get("value").unwrap_or(&Value::Null);
            flatten(&mut shown, name, "", value, &paths);
            contents.resources.insert(Text::new(&format!("output.{name}")), shown);
        }
        for resource in state.get("resources").and_then(Value::as_array).into_iter().flatten() {
            contents.resource(resource);
        }
        Ok(contents)
    }

    fn resource(&mut self, resource: &Value) {
        let word = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut address = String::new();
        if !word("module").is_empty() {
            address.push_str(&format!("{}.", word("module")));
        }
        if word("mode") == "data" {
            address.push_str("data.");
        }
        address.push_str(&format!("{}.{}", word("type"), word("name")));
        for instance in resource.get("instances").and_then(Value::as_array).into_iter().flatten() {
            let index = instance.get("index_key").map_or(String::new(), |key| format!("[{key}]"));
            let deposed = instance.get("deposed").and_then(Value::as_str);
            let deposed = deposed.map_or(String::new(), |key| format!(" (deposed {key})"));
            let sensitive = sensitive_paths(instance.get("sensitive_attributes"));
            let mut shown = BTreeMap::new();
            let none = Value::Object(Map::new());
            let attributes = instance.get("attributes").or(instance.get("attributes_flat")).unwrap_or(&none);
            flatten(&mut shown, "", "", attributes, &sensitive);
            self.resources.insert(Text::new(&format!("{address}{index}{deposed}")), shown);
        }
    }
}

/// Reads the paths that a state marks as sensitive: lists of steps, each by attribute or by index.
fn sensitive_paths(marked: Option<&Value>) -> Vec<String> {
    let mut paths = Vec::new();
    for path in marked.and_then(Value::as_array).into_iter().flatten() {
        let steps = path.as_array().map_or([].as_slice(), Vec::as_slice);
        let mut joined = String::new();
        for step in steps {
            // A step by index has the key under `value` of `value`.
            let value = step.get("value").map(|value| value.get("value").unwrap_or(value));
            let word = match value {
                Some(Value::String(word)) => word.clone(),
                Some(other) => other.to_string(),
                // What cannot be understood hides all that is below.
                None => break,
            };
            if !joined.is_empty() {
                joined.push('.');
            }
            joined.push_str(&word);
        }
        paths.push(joined);
    }
    paths
}

fn flatten(into: &mut BTreeMap<Text, Shown>, name: &str, path: &str, value: &Value, sensitive: &[String]) {
    let hidden = sensitive.iter().any(|marked| marked == path);
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) if !map.is_empty() && !hidden && !is_secret_name(name) => {
            for (key, value) in map {
                flatten(into, key, &below(key), value, sensitive);
            }
        }
        Value::Array(list) if !list.is_empty() && !hidden && !is_secret_name(name) => {
            for (nth, value) in list.iter().enumerate() {
                flatten(into, name, &below(&nth.to_string()), value, sensitive);
            }
        }
        value => {
            let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let mark = Sha256::digest(plain.as_bytes()).into();
            let hidden = hidden || is_secret_name(name) || looks_secret(&plain);
            let text = if hidden && !value.is_null() { MASK.to_owned() } else { cut(&plain) };
            into.insert(Text::new(path), Shown { text: Text::new(&text), mark });
        }
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(std::iter::once('…')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state(attributes: &Value, marked: &Value) -> Contents {
        let state = json!({"version": 4, "serial": 1, "lineage": "l",
            "outputs": {"dsn": {"value": "hidden-output", "sensitive": true}},
            "resources": [{"mode": "managed", "type": "aws_db_instance", "name": "main", "module": "module.db",
                "instances": [{"index_key": 0, "attributes": attributes, "sensitive_attributes": marked}]}]});
        Contents::read(state.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn what_differs_is_named_and_what_is_sensitive_is_never_there() {
        let marked = json!([[{"type": "get_attr", "value": "note"}]]);
        let old =
            state(&json!({"class": "m5", "note": "hidden-a", "password": "hidden-b", "list": [1]}), &marked);
        let new = state(
            &json!({"class": "m6", "note": "hidden-c", "password": "hidden-b", "list": [1, 2]}),
            &marked,
        );
        let found = changes(&old, &new);
        let address = "module.db.aws_db_instance.main[0]";
        assert_eq!((found.len(), found[0].address.as_str(), found[0].change), (1, address, Change::Changed));
        let paths: Vec<_> = found[0].attributes.iter().map(|change| change.path.as_str()).collect();
        assert_eq!(paths, ["class", "list.1", "note"]);
        for contents in [format!("{old:?}"), format!("{new:?}"), format!("{found:?}")] {
            assert!(!contents.contains("hidden-"), "{contents}");
        }
    }
}
