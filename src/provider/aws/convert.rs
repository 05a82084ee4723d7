//! From the SDK's types to ours.

use crate::domain::Text;
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Returns the SDK's moment as ours; `None` where it lies outside of what a calendar holds.
pub(super) fn moment(at: Option<&DateTime>) -> Option<Timestamp> {
    let at = at?;
    Timestamp::new(at.secs(), i32::try_from(at.subsec_nanos()).ok()?).ok()
}

/// Returns gibibytes as bytes.
pub(super) fn gibibytes(count: Option<i32>) -> Option<u64> {
    u64::try_from(count?).ok().filter(|count| *count > 0).map(|count| count << 30)
}

/// Returns bytes as the SDK counts them.
pub(super) fn bytes(count: Option<i64>) -> Option<u64> {
    u64::try_from(count?).ok().filter(|count| *count > 0)
}

/// Settings by their own names; what is not set is left out.
#[derive(Debug, Default)]
pub(super) struct Settings(pub BTreeMap<Text, Text>);

impl Settings {
    /// Takes a setting.
    pub(super) fn put(&mut self, name: &str, value: impl AsRef<str>) {
        if !value.as_ref().is_empty() {
            self.0.insert(Text::new(name), Text::new(value.as_ref()));
        }
    }

    /// Takes a setting that may be absent.
    pub(super) fn maybe(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.put(name, value.to_string());
        }
    }

    /// Takes names, joined.
    pub(super) fn list<T: AsRef<str>>(&mut self, name: &str, values: impl IntoIterator<Item = T>) {
        let values: Vec<String> = values.into_iter().map(|value| value.as_ref().to_owned()).collect();
        self.put(name, values.join(", "));
    }
}
