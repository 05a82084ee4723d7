//! Moments as people type them, in UTC: `14:32`, `2026-11-20 14:32`, `3 h ago`, or RFC 3339.

use super::duration::{before, parse as parse_span};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Reads a moment that is not after `now`. A time of day alone is the last one that was.
///
/// # Errors
/// A sentence that says what to write instead.
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    let wrong = || {
        format!(
            "`{text}` is not a moment; write it in UTC as 14:32, 2026-11-20 14:32, 3 h ago, or as RFC 3339"
        )
    };
    let at = if let Some(span) = text.strip_suffix("ago").or_else(|| text.strip_prefix('-')) {
        before(now, parse_span(span)?)
    } else if text == "now" {
        now
    } else if let Ok(at) = text.parse::<Timestamp>() {
        at
    } else {
        let text = text.trim_end_matches("UTC").trim_end();
        let today = now.to_zoned(TimeZone::UTC).date();
        let utc = |at: DateTime| at.to_zoned(TimeZone::UTC).map(|at| at.timestamp()).map_err(|_| wrong());
        match (text.parse::<Time>(), text.parse::<DateTime>(), text.parse::<Date>()) {
            (_, Ok(at), _) if text.len() > 10 => utc(at)?,
            (_, _, Ok(day)) => utc(day.to_datetime(Time::midnight()))?,
            (Ok(time), ..) => {
                let at = utc(today.to_datetime(time))?;
                if at > now { utc(today.saturating_sub(1.day()).to_datetime(time))? } else { at }
            }
            _ => return Err(wrong()),
        }
    };
    if at > now {
        return Err(format!("{text} has not come yet"));
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_type_them() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        for (typed, meant) in [
            ("09:32", "2026-11-21T09:32:00Z"),
            ("14:32", "2026-11-20T14:32:00Z"),
            ("14:32:07", "2026-11-20T14:32:07Z"),
            ("2026-11-19 14:32", "2026-11-19T14:32:00Z"),
            ("2026-11-19 14:32 UTC", "2026-11-19T14:32:00Z"),
            ("2026-11-19", "2026-11-19T00:00:00Z"),
            ("2026-11-19T14:32:00+01:00", "2026-11-19T13:32:00Z"),
            ("3 h ago", "2026-11-21T07:00:00Z"),
            ("-90min", "2026-11-21T08:30:00Z"),
            ("now", "2026-11-21T10:00:00Z"),
        ] {
            assert_eq!(parse(typed, now), Ok(meant.parse().unwrap()), "{typed}");
        }
        for wrong in ["", "25:00", "yesterday", "2027-01-01", "1432 h", "ago"] {
            assert!(parse(wrong, now).is_err(), "{wrong}");
        }
    }
}
