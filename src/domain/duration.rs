//! Spans of time as people read and write them, and elapsed time that is never negative.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Returns the time from `from` to `to`, zero when `to` is earlier.
pub fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or(Duration::ZERO)
}

/// Returns `at` moved back by `span`, or the earliest moment there is.
pub fn before(at: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span).ok().and_then(|span| at.checked_sub(span).ok()).unwrap_or(Timestamp::MIN)
}

/// Returns `at` moved on by `span`, or the last moment there is.
pub fn after(at: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span).ok().and_then(|span| at.checked_add(span).ok()).unwrap_or(Timestamp::MAX)
}

/// Says a span in at most two units, never less than it is: `26 h`, `1 h 50 min`, `6 d`, `12 s`.
///
/// A loss or a recovery time must not be understated, so what is left over rounds up.
pub fn words(span: Duration) -> String {
    let secs = span.as_secs() + u64::from(span.subsec_nanos() > 0);
    if secs < MINUTE {
        return format!("{secs} s");
    }
    let (unit, name, sub, sub_name) = if secs < HOUR {
        (MINUTE, "min", 1, "s")
    } else if secs < 2 * DAY {
        (HOUR, "h", MINUTE, "min")
    } else {
        (DAY, "d", HOUR, "h")
    };
    let (whole, rest) = (secs / unit, (secs % unit).div_ceil(sub));
    if whole >= 10 || rest == 0 {
        return format!("{} {name}", whole + u64::from(rest > 0));
    }
    if rest * sub == unit {
        return format!("{} {name}", whole + 1);
    }
    format!("{whole} {name} {rest} {sub_name}")
}

/// Says an age in one unit, rounded down: `12 s`, `4 min`, `26 h`, `6 d`.
pub fn age_words(span: Duration) -> String {
    match span.as_secs() {
        secs if secs < MINUTE => format!("{secs} s"),
        secs if secs < HOUR => format!("{} min", secs / MINUTE),
        secs if secs < 2 * DAY => format!("{} h", secs / HOUR),
        secs => format!("{} d", secs / DAY),
    }
}

/// Parses a span such as `15 min`, `1h 30m`, `24 hours` or `30 d`. A day is 24 hours; months and years are refused.
///
/// # Errors
/// A sentence that says what to write instead.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("`{text}` is not a duration; write a number and a unit, such as 15 min, 24 h or 30 d");
    let span: Span = text.trim().parse().map_err(|_| wrong())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(format!("`{text}`: months and years have no fixed length; write days, such as 365 d"));
    }
    let whole = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    Duration::try_from(whole).map_err(|_| format!("`{text}` is negative; write a span that is not"))
}

/// Writes a duration as whole seconds, for fields that end in `_s`.
pub mod seconds {
    use serde::{Deserialize, Deserializer, Serializer};
    use std::time::Duration;

    /// Serialises as whole seconds.
    pub fn serialize<S: Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(span.as_secs())
    }

    /// Reads whole seconds.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_secs)
    }

    /// The same for durations that may be absent.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serializer};
        use std::time::Duration;

        /// Serialises as whole seconds, or null.
        pub fn serialize<S: Serializer>(span: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
            match span {
                Some(span) => serializer.serialize_some(&span.as_secs()),
                None => serializer.serialize_none(),
            }
        }

        /// Reads whole seconds, or null.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_never_understate() {
        for (secs, said) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (600, "10 min"),
            (601, "11 min"),
            (3600, "1 h"),
            (6600, "1 h 50 min"),
            (3 * 3600 + 1, "3 h 1 min"),
            (26 * 3600, "26 h"),
            (26 * 3600 + 1, "27 h"),
            (6 * 86400, "6 d"),
            (2 * 86400 + 3600, "2 d 1 h"),
            (7199, "2 h"),
        ] {
            assert_eq!(words(Duration::from_secs(secs)), said, "{secs}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, secs) in [
            ("15 min", 900),
            ("1h 30m", 5400),
            ("24 h", 86400),
            ("30 d", 2_592_000),
            ("2 hours", 7200),
            ("0 s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(secs)), "{text}");
        }
        for text in ["15", "soon", "1 y", "-5 min", "", "5 parsecs"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
