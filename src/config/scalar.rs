//! Scalars of the files that people write: each parsed once into the type that it is, each with its own message.

use crate::domain::{duration, retention};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::{borrow::Cow, time::Duration};

/// The longest name.
const NAME_CHARS: usize = 64;

macro_rules! scalar {
    ($(#[$doc:meta])* $name:ident($inner:ty), $parse:expr, $schema:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name(pub $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let parse: fn(&str) -> Result<$inner, String> = $parse;
                parse(&text).map(Self).map_err(D::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

scalar! {
    /// A name that people type and that stands in a consent phrase: letters, digits and `. _ / -`.
    Name(String),
    name,
    { "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$",
      "description": "Letters, digits and . _ / - , at most 64 characters." }
}

scalar! {
    /// A span such as `15 min`.
    Span(Duration),
    duration::parse,
    { "type": "string", "description": "A number and a unit, such as 15 min, 24 h or 30 d.",
      "examples": ["15 min", "24 h", "30 d"] }
}

scalar! {
    /// A span, or `none` where nothing is promised.
    Limit(Option<Duration>),
    |text| match text.trim() {
        "none" | "N/A" | "n/a" => Ok(None),
        text => duration::parse(text).map(Some),
    },
    { "type": "string", "description": "A number and a unit, such as 15 min, 24 h or 30 d; or none, where nothing is promised.",
      "examples": ["5 min", "24 h", "none"] }
}

scalar! {
    /// A retention rule.
    RetentionRule(retention::Rule),
    retention::parse,
    { "type": "string", "description": "How often, perhaps on which day, and for how long.",
      "examples": ["daily 30 d", "weekly on Sundays 90 d", "monthly on the 1st 1 y", "yearly on 1 January 7 y"] }
}

scalar! {
    /// An account: twelve digits.
    Account(String),
    |text| if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(format!("`{text}` is not an AWS account: it must have 12 digits"))
    },
    { "type": ["string", "integer"], "description": "An AWS account: 12 digits. Leading zeros are kept." }
}

scalar! {
    /// A Region such as `us-east-2`.
    RegionName(String),
    |text| {
        let parts: Vec<_> = text.split('-').collect();
        let word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
        let number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        match parts.split_last() {
            Some((last, words)) if words.len() >= 2 && number(last) && words.iter().all(word) => Ok(text.to_owned()),
            _ => Err(format!("`{text}` is not a Region; it looks like us-east-2")),
        }
    },
    { "type": "string", "pattern": "^[a-z]+(-[a-z]+)+-[0-9]+$", "description": "An AWS Region, such as us-east-2." }
}

scalar! {
    /// A moment or a day.
    Moment(Timestamp),
    |text| text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| text.parse::<Date>().ok().and_then(|date| date.to_zoned(TimeZone::UTC).ok()).map(|z| z.timestamp()))
        .ok_or_else(|| format!("`{text}` is not a day or a moment; write 2026-10-12 or 2026-10-12T03:00:00Z")),
    { "type": "string", "description": "A day such as 2026-10-12, or a moment such as 2026-10-12T03:00:00Z." }
}

scalar! {
    /// A day.
    Day(Date),
    |text| text.parse::<Date>().map_err(|_| format!("`{text}` is not a day; write it as 2026-10-12")),
    { "type": "string", "format": "date", "description": "A day such as 2026-10-12." }
}

scalar! {
    /// The name of a runbook, a parameter or a step, where it is not judged yet.
    Word(String),
    |text| Ok(text.to_owned()),
    { "type": "string", "pattern": "^[a-z][a-z0-9-]{0,63}$",
      "description": "Lower-case letters, digits and dashes, beginning with a letter, at most 64 characters." }
}

scalar! {
    /// Any single value, exactly as it was written.
    AsWritten(String),
    |text| Ok(text.to_owned()),
    { "type": ["string", "number", "boolean"],
      "description": "A value, taken exactly as it is written. ${params.x} and ${readings.component.field} refer to others; $$ is a dollar." }
}

fn name(text: &str) -> Result<String, String> {
    let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-_/".contains(c));
    if !fits {
        return Err(format!(
            "`{text}` is not a name; use letters, digits and . _ / - , and begin with a letter or digit"
        ));
    }
    if text.len() > NAME_CHARS {
        return Err(format!("this name has {} characters, the most is {NAME_CHARS}", text.len()));
    }
    Ok(text.to_owned())
}
