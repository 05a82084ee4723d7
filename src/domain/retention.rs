//! How long recovery points must be kept, as rules such as `weekly on Sundays 90 d`, and the gaps they leave.

use super::Text;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, SpanFieldwise, Timestamp, ToSpan};
use std::{collections::BTreeSet, fmt};

/// How often a rule wants a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// Every hour.
    Hour,
    /// Every day.
    Day,
    /// Every week, on a day of it if one is named.
    Week(Option<Weekday>),
    /// Every month, on a day of it if one is named.
    Month(Option<i8>),
    /// Every year, on a day of it (month, day) if one is named.
    Year(Option<(i8, i8)>),
}

/// A rule: how often, and for how long. Periods are those of UTC.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// How often.
    pub every: Every,
    /// How long such a point is kept.
    pub keep: SpanFieldwise,
    /// The rule as it was written.
    pub text: Text,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

/// The grammar in one line, for errors and documentation.
pub const GRAMMAR: &str =
    "hourly 7 d, daily 30 d, weekly on Sundays 90 d, monthly on the 1st 1 y, yearly on 1 January 7 y";

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Parses one rule.
///
/// # Errors
/// A sentence that names the grammar.
pub fn parse(text: &str) -> Result<Rule, String> {
    let wrong = |what: &str| format!("`{text}` is not a retention rule: {what}; rules look like: {GRAMMAR}");
    let lower = text.trim().to_lowercase();
    let (word, rest) = lower.split_once(' ').ok_or_else(|| wrong("it has no span"))?;
    let (anchor, span) = match rest.trim_start().strip_prefix("on ") {
        None => (None, rest),
        Some(rest) => {
            let rest = rest.trim_start();
            let rest = rest.strip_prefix("the ").unwrap_or(rest);
            let words = usize::from(word == "yearly") + 1;
            let cut = rest.match_indices(' ').nth(words - 1).ok_or_else(|| wrong("it has no span"))?.0;
            let (anchor, span) = rest.split_at(cut);
            (Some(anchor), span)
        }
    };
    let every = match (word, anchor) {
        ("hourly", None) => Every::Hour,
        ("daily", None) => Every::Day,
        ("weekly", None) => Every::Week(None),
        ("weekly", Some(day)) => {
            Every::Week(Some(weekday(day).ok_or_else(|| wrong("no such day of the week"))?))
        }
        ("monthly", None) => Every::Month(None),
        ("monthly", Some(day)) => {
            Every::Month(Some(day_of_month(day).ok_or_else(|| wrong("the day must be from 1st to 28th"))?))
        }
        ("yearly", None) => Every::Year(None),
        ("yearly", Some(day)) => {
            Every::Year(Some(day_of_year(day).ok_or_else(|| wrong("no such day of the year"))?))
        }
        ("hourly" | "daily", Some(_)) => return Err(wrong("hourly and daily rules name no day")),
        _ => return Err(wrong("it must start with hourly, daily, weekly, monthly or yearly")),
    };
    let keep: Span = span.trim().parse().map_err(|_| wrong("its span is not a duration"))?;
    if !keep.is_positive() {
        return Err(wrong("its span must be longer than nothing"));
    }
    Ok(Rule { every, keep: keep.fieldwise(), text: Text::new(text.trim()) })
}

fn weekday(text: &str) -> Option<Weekday> {
    let name = text.strip_suffix('s').unwrap_or(text);
    WEEKDAYS.iter().find(|(day, _)| *day == name).map(|(_, day)| *day)
}

fn day_of_month(text: &str) -> Option<i8> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    digits.parse().ok().filter(|day| (1..=28).contains(day))
}

fn day_of_year(text: &str) -> Option<(i8, i8)> {
    let mut words = text.split_whitespace();
    let (first, second) = (words.next()?, words.next()?);
    let (day, month) = match day_of_month(first) {
        Some(day) => (day, second),
        None => (day_of_month(second)?, first),
    };
    let month = MONTHS.iter().position(|name| *name == month)?;
    Some((i8::try_from(month).ok()? + 1, day))
}

impl Every {
    /// Returns the name of the period that `at` lies in, or `None` when a point at `at` is not one the rule wants.
    fn period(self, at: Timestamp) -> Option<(Date, i8)> {
        let civil = at.to_zoned(TimeZone::UTC).datetime();
        let date = civil.date();
        let start = match self {
            Self::Hour => return Some((date, civil.hour())),
            Self::Day => date,
            Self::Week(day) => {
                if day.is_some_and(|day| day != date.weekday()) {
                    return None;
                }
                date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).ok()?
            }
            Self::Month(day) => {
                if day.is_some_and(|day| day != date.day()) {
                    return None;
                }
                date.first_of_month()
            }
            Self::Year(day) => {
                if day.is_some_and(|day| day != (date.month(), date.day())) {
                    return None;
                }
                date.first_of_year()
            }
        };
        Some((start, 0))
    }

    fn step(self) -> Span {
        match self {
            Self::Hour => 1.hour(),
            Self::Day => 1.day(),
            Self::Week(_) => 1.week(),
            Self::Month(_) => 1.month(),
            Self::Year(_) => 1.year(),
        }
    }
}

/// The most periods of a rule that are looked at.
const MAX_PERIODS: usize = 20_000;

impl Rule {
    /// Returns the start of the time in which this rule wants points to be there at `now`.
    pub fn since(&self, now: Timestamp) -> Timestamp {
        now.to_zoned(TimeZone::UTC).checked_sub(self.keep.0).map_or(Timestamp::MIN, |zoned| zoned.timestamp())
    }

    /// Says whether this rule wants a point of `at` to be there at `now`.
    pub fn keeps(&self, at: Timestamp, now: Timestamp) -> bool {
        at >= self.since(now) && self.every.period(at).is_some()
    }

    /// Returns the periods that should have a point and have none, the newest first, each by its first moment.
    /// The period that is running is not counted, nor one that began before `from` (when protection began).
    pub fn gaps(&self, points: &[Timestamp], from: Timestamp, now: Timestamp) -> Vec<Timestamp> {
        let covered: BTreeSet<_> = points.iter().filter_map(|at| self.every.period(*at)).collect();
        let begin = self.since(now).max(from);
        let mut gaps = Vec::new();
        let zoned = now.to_zoned(TimeZone::UTC);
        let civil = zoned.datetime();
        let mut start = match self.every {
            Every::Hour => civil.date().at(civil.hour(), 0, 0, 0),
            Every::Day => civil.date().at(0, 0, 0, 0),
            Every::Week(_) => {
                let back = i64::from(civil.date().weekday().to_monday_zero_offset()).days();
                civil.date().saturating_sub(back).at(0, 0, 0, 0)
            }
            Every::Month(_) => civil.date().first_of_month().at(0, 0, 0, 0),
            Every::Year(_) => civil.date().first_of_year().at(0, 0, 0, 0),
        };
        for _ in 0..MAX_PERIODS {
            let Ok(earlier) = start.checked_sub(self.every.step()) else { break };
            start = earlier;
            let Ok(moment) = start.to_zoned(TimeZone::UTC) else { break };
            let moment = moment.timestamp();
            if moment < begin {
                break;
            }
            let hour = if matches!(self.every, Every::Hour) { start.hour() } else { 0 };
            if !covered.contains(&(start.date(), hour)) {
                gaps.push(moment);
            }
        }
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_grammar_is_read() {
        for (text, every) in [
            ("hourly 7 d", Every::Hour),
            ("daily 30 d", Every::Day),
            ("weekly on Sundays 90 d", Every::Week(Some(Weekday::Sunday))),
            ("weekly 90 d", Every::Week(None)),
            ("monthly 1 y", Every::Month(None)),
            ("monthly on the 1st 1 y", Every::Month(Some(1))),
            ("yearly 7 y", Every::Year(None)),
            ("yearly on 1 January 7 y", Every::Year(Some((1, 1)))),
            ("yearly on January 1st 7 y", Every::Year(Some((1, 1)))),
        ] {
            assert_eq!(parse(text).map(|rule| rule.every), Ok(every), "{text}");
        }
        for text in [
            "daily",
            "fortnightly 30 d",
            "weekly on Caturday 90 d",
            "daily soon",
            "monthly on the 31st 1 y",
            "",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_day_is_one_gap() {
        let now = at("2026-03-10T12:00:00Z");
        let points: Vec<_> =
            (1..=9).filter(|day| *day != 5).map(|day| at(&format!("2026-03-{day:02}T03:00:00Z"))).collect();
        let gaps = parse("daily 30 d").unwrap().gaps(&points, at("2026-03-01T00:00:00Z"), now);
        assert_eq!(gaps, [at("2026-03-05T00:00:00Z")]);
    }

    #[test]
    fn a_weekly_rule_wants_its_own_day() {
        let now = at("2026-03-20T12:00:00Z"); // a Friday
        // The Sundays before it are 15, 8 and 1 March; the week of the 8th has a point on Saturday only.
        let points = [at("2026-03-15T03:00:00Z"), at("2026-03-07T03:00:00Z"), at("2026-03-01T03:00:00Z")];
        let gaps = parse("weekly on Sundays 90 d").unwrap().gaps(&points, at("2026-02-23T00:00:00Z"), now);
        assert_eq!(gaps, [at("2026-03-02T00:00:00Z")], "the week that began on Monday 2 March");
    }

    #[test]
    fn seven_years_of_new_year_days() {
        let now = at("2026-11-21T00:00:00Z");
        let points: Vec<_> = [2020, 2021, 2022, 2024, 2025]
            .iter()
            .map(|year| at(&format!("{year}-01-01T03:00:00Z")))
            .collect();
        let gaps = parse("yearly on 1 January 7 y").unwrap().gaps(&points, at("2019-06-01T00:00:00Z"), now);
        assert_eq!(gaps, [at("2023-01-01T00:00:00Z")]);
    }
}
