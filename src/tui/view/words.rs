//! Figures in words, the same everywhere on the screen.

use crate::domain::duration::{age_words, elapsed, words};
use crate::domain::readiness::{Loss, RecoveryTime, Verdict};
use crate::tui::model::Model;
use crate::tui::theme::{Glyphs, Role};
use jiff::Timestamp;
use std::time::Duration;

/// Returns the role of a verdict.
pub(super) fn role(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Met => Role::Met,
        Verdict::AtRisk => Role::AtRisk,
        Verdict::Breached => Role::Breached,
        Verdict::Unknown => Role::Unknown,
        Verdict::Unproven => Role::Unproven,
        Verdict::NoObjective => Role::NoObjective,
    }
}

/// Says a loss.
pub(super) fn loss(loss: Loss, glyphs: Glyphs) -> String {
    match loss {
        Loss::Span(span) if span.is_zero() => "nothing".to_owned(),
        Loss::Span(span) => words(span),
        Loss::Everything => "everything".to_owned(),
        Loss::Unknown(_) => "unknown".to_owned(),
        Loss::NotApplicable => glyphs.none().to_owned(),
    }
}

/// Says a recovery time.
pub(super) fn time(time: RecoveryTime) -> String {
    match time {
        RecoveryTime::Measured(time) => words(time),
        RecoveryTime::AtLeast(floor) if floor.is_zero() => "unmeasured".to_owned(),
        RecoveryTime::AtLeast(floor) => format!("over {}", words(floor)),
        RecoveryTime::Cannot => "cannot".to_owned(),
        RecoveryTime::Unknown => "unknown".to_owned(),
    }
}

/// Says a limit.
pub(super) fn limit(limit: Option<Duration>, glyphs: Glyphs) -> String {
    limit.map_or_else(|| glyphs.none().to_owned(), words)
}

/// Says an age in steps that do not change a still screen every second: `now` for less than a minute.
pub(super) fn age(at: Timestamp, now: Timestamp) -> String {
    let age = elapsed(at, now);
    if age.as_secs() < 60 { "now".to_owned() } else { age_words(age) }
}

/// Says an age as part of a sentence.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let age = elapsed(at, now);
    if age.as_secs() < 60 { "less than a minute ago".to_owned() } else { format!("{} ago", age_words(age)) }
}

/// Says a moment in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%d %b %H:%M UTC").to_string()
}

/// Returns `text` as it will be shown, in lines: hidden before it is broken, so that no half of a secret is left over.
pub(super) fn lines(model: &Model, text: &str, width: usize) -> Vec<String> {
    let hidden = model.redactor.as_ref().map_or_else(|| text.to_owned(), |redactor| redactor.redact(text));
    super::pen::wrap(&model.look.glyphs.text(&hidden), width)
}
