//! The arguments of a call, each taken once by its name; what nobody takes is an error, so nothing is dropped silently.

use crate::domain::Text;
use crate::provider::port::CallTrouble;
use crate::runbook::call::Call;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};

/// What an argument is, or why it cannot be sent.
pub(super) type Taken<T> = Result<T, CallTrouble>;

/// Arguments that nobody has taken yet.
pub(super) struct Arguments<'a> {
    /// What they belong to, such as `s3:CopyObject` or `s3:CopyObject CopySource`.
    owner: String,
    left: BTreeMap<&'a str, &'a Value>,
}

/// Returns the trouble of something that is not sent.
pub(super) fn not_sent(why: &str) -> CallTrouble {
    CallTrouble::NotSent(Text::new(why))
}

impl<'a> Arguments<'a> {
    /// Returns those of a call.
    pub(super) fn of(call: &'a Call) -> Self {
        Self::within(call.operation.clone(), &call.arguments)
    }

    fn within(owner: String, map: &'a Map<String, Value>) -> Self {
        Self { owner, left: map.iter().map(|(name, value)| (name.as_str(), value)).collect() }
    }

    fn wrong(&self, name: &str, what: &str) -> CallTrouble {
        not_sent(&format!("{} of {} {what}", name, self.owner))
    }

    fn take<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Taken<Option<T>> {
        match self.left.remove(name) {
            None => Ok(None),
            Some(value) => match read(value) {
                Some(value) => Ok(Some(value)),
                None => Err(self.wrong(name, what)),
            },
        }
    }

    /// Takes a text. An empty one is refused: services take it for none, and then something else is changed.
    ///
    /// # Errors
    /// When it is no text, or empty.
    pub(super) fn text(&mut self, name: &str) -> Taken<Option<String>> {
        let read = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        self.take(name, "must be a text that is not empty", read)
    }

    /// Takes an argument that was seen to be empty where that means everything.
    pub(super) fn blank(&mut self, name: &str) {
        self.left.remove(name);
    }

    /// Takes a text that must be there.
    ///
    /// # Errors
    /// When it is missing, no text, or empty.
    pub(super) fn needed(&mut self, name: &str) -> Taken<String> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// Takes a yes or no.
    ///
    /// # Errors
    /// When it is neither.
    pub(super) fn flag(&mut self, name: &str) -> Taken<Option<bool>> {
        self.take(name, "must be true or false", Value::as_bool)
    }

    /// Takes a number.
    ///
    /// # Errors
    /// When it is none, or does not fit.
    pub(super) fn number(&mut self, name: &str) -> Taken<Option<i32>> {
        let read = |value: &Value| value.as_i64().and_then(|number| i32::try_from(number).ok());
        self.take(name, "must be a whole number", read)
    }

    /// Takes a text that may be empty: an empty prefix is everything, and is written so.
    ///
    /// # Errors
    /// When it is no text.
    pub(super) fn any_text(&mut self, name: &str) -> Taken<Option<String>> {
        self.take(name, "must be a text", |value| value.as_str().map(str::to_owned))
    }

    /// Takes a large number.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn long(&mut self, name: &str) -> Taken<Option<i64>> {
        self.take(name, "must be a whole number", Value::as_i64)
    }

    /// Takes a number that may have a fraction.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn fraction(&mut self, name: &str) -> Taken<Option<f64>> {
        self.take(name, "must be a number", Value::as_f64)
    }

    /// Takes a moment, as RFC 3339 writes it.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn moment(&mut self, name: &str) -> Taken<Option<DateTime>> {
        let read = |value: &Value| DateTime::from_str(value.as_str()?, Format::DateTime).ok();
        self.take(name, "must be a moment", read)
    }

    /// Takes an argument that is ours and is not sent.
    pub(super) fn left_out(&mut self, name: &str) {
        self.left.remove(name);
    }

    /// Takes a list of texts. An empty one is refused: services take it for none, and then everything is meant.
    ///
    /// # Errors
    /// When it is no list of texts, or empty.
    pub(super) fn texts(&mut self, name: &str) -> Taken<Option<Vec<String>>> {
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let read = |value: &Value| {
            let all: Vec<String> = value.as_array()?.iter().map(text).collect::<Option<_>>()?;
            (!all.is_empty()).then_some(all)
        };
        self.take(name, "must be a list of texts that is not empty", read)
    }

    /// Takes a list of texts that may be empty where the service tells an empty one from none.
    ///
    /// # Errors
    /// When it is no list of texts.
    pub(super) fn texts_or_none(&mut self, name: &str) -> Taken<Option<Vec<String>>> {
        if self.left.get(name).and_then(|value| value.as_array()).is_some_and(Vec::is_empty) {
            self.left.remove(name);
            return Ok(Some(Vec::new()));
        }
        self.texts(name)
    }

    /// Takes arguments within an argument.
    ///
    /// # Errors
    /// When there are none by names.
    pub(super) fn within_it(&mut self, name: &str) -> Taken<Option<Self>> {
        let owner = format!("{} {name}", self.owner);
        let map = self.take(name, "must have members by names", Value::as_object)?;
        Ok(map.map(|map| Self::within(owner, map)))
    }

    /// Takes a list, each of which has arguments of its own, read by `read`.
    ///
    /// # Errors
    /// When it is no such list, or one of them cannot be read or has an argument more.
    pub(super) fn each<T>(
        &mut self,
        name: &str,
        read: impl Fn(&mut Self) -> Taken<T>,
    ) -> Taken<Option<Vec<T>>> {
        let owner = format!("{} {name}", self.owner);
        let Some(list) = self.take(name, "must be a list", Value::as_array)? else { return Ok(None) };
        let all = list.iter().map(|one| {
            let map = one.as_object().ok_or_else(|| self.wrong(name, "must have members by names"))?;
            let mut within = Self::within(owner.clone(), map);
            let value = read(&mut within)?;
            within.none_left()?;
            Ok(value)
        });
        all.collect::<Taken<_>>().map(Some)
    }

    /// Takes tags: the value of one may be empty.
    ///
    /// # Errors
    /// When they are no tags.
    pub(super) fn tags(&mut self, name: &str) -> Taken<Option<Vec<(String, String)>>> {
        self.each(name, |tag| {
            let key = tag.needed("Key")?;
            let value = tag.take("Value", "must be a text", Value::as_str)?;
            let value = value.ok_or_else(|| tag.wrong("Value", "is missing"))?;
            Ok((key, value.to_owned()))
        })
    }

    /// Takes names and texts; a text may be empty.
    ///
    /// # Errors
    /// When they are none.
    pub(super) fn pairs(&mut self, name: &str) -> Taken<Option<HashMap<String, String>>> {
        let read = |value: &Value| {
            let all = value.as_object()?.iter();
            all.map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
        };
        self.take(name, "must be names with texts", read)
    }

    /// Says that all have been taken.
    ///
    /// # Errors
    /// When one is left.
    pub(super) fn none_left(&self) -> Taken<()> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(name) => Err(not_sent(&format!("{} has no argument {name}", self.owner))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::Place;
    use serde_json::json;

    fn call(arguments: &Value) -> Call {
        let mut call = Call::new("s3:DeleteObject", &"production".into(), &Place::new("1", "us-east-2"));
        call.arguments = arguments.as_object().cloned().unwrap();
        call
    }

    fn why<T>(taken: Taken<T>) -> String {
        taken.err().unwrap().to_string()
    }

    #[test]
    fn an_argument_that_nobody_takes_is_named() {
        let call = call(&json!({"Bucket": "b", "VersionID": "v"}));
        let mut given = Arguments::of(&call);
        assert_eq!(given.needed("Bucket").unwrap(), "b");
        assert_eq!(given.text("VersionId").unwrap(), None);
        assert_eq!(why(given.none_left()), "not sent: s3:DeleteObject has no argument VersionID");
    }

    #[test]
    fn what_is_empty_or_of_another_kind_is_not_taken_for_nothing() {
        for wrong in [json!(null), json!(""), json!(7), json!(["v"])] {
            let call = call(&json!({"VersionId": wrong}));
            assert!(Arguments::of(&call).text("VersionId").is_err(), "{wrong}");
        }
        for wrong in [json!(null), json!([]), json!([""]), json!("i-1"), json!([1])] {
            let call = call(&json!({"InstanceIds": wrong}));
            assert!(Arguments::of(&call).texts("InstanceIds").is_err(), "{wrong}");
        }
        let call = call(&json!({"Iops": 3_000_000_000_u64, "MultiAZ": "true"}));
        let mut given = Arguments::of(&call);
        assert!(given.number("Iops").is_err());
        assert!(given.flag("MultiAZ").is_err());
    }

    #[test]
    fn what_is_within_an_argument_is_taken_as_strictly() {
        let call =
            call(&json!({"Tags": [{"Key": "a", "Value": ""}], "More": [{"Key": "a", "Value": "b", "C": 1}]}));
        let mut given = Arguments::of(&call);
        assert_eq!(given.tags("Tags").unwrap(), Some(vec![("a".to_owned(), String::new())]));
        assert_eq!(why(given.tags("More")), "not sent: s3:DeleteObject More has no argument C");
    }
}
