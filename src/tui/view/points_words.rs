//! What pane 2 says in words, the same on the screen and on the clipboard.

use super::words;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::estate::Component;
use crate::domain::place::{OUTSIDE, Place};
use crate::domain::readiness::{CursorRow, Loss, Verdict};
use crate::domain::recovery_point::{Holds, PointKind, RecoveryPoint};
use crate::tui::model::Model;
use crate::tui::theme::Glyphs;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Returns the sentence on top of the pane.
pub fn sentence(model: &Model) -> String {
    let Some(judged) = model.points_judged() else {
        return "The recovery points are being looked through.".to_owned();
    };
    if model.points.to_moment { headline(model) } else { judged.list.says.clone() }
}

/// Says what everything could be brought back to: `To 14:32 UTC: 11 of 14, worst loss 22 h (stage-web).`
pub fn headline(model: &Model) -> String {
    let cursor = model.points_judged().and_then(|judged| judged.cursor.as_ref());
    match (cursor, model.moment()) {
        // What was judged may be a step behind what was chosen; it says itself which moment it is about.
        (Some((_, cursor)), _) => cursor.headline(&short_moment(cursor.at, model.now)),
        (None, Some(at)) => format!("To {}: being judged.", short_moment(at, model.now)),
        (None, None) => String::new(),
    }
}

/// Says a row of the time cursor.
pub fn row(model: &Model, row: &CursorRow) -> String {
    let glyphs = model.look.glyphs;
    let mut says = format!("{}: loses {}", row.component, words::loss(row.loss, glyphs));
    if let Some(best) = &row.best {
        says.push_str(&format!(
            ", from {} {} in {}, which holds {}",
            best.kind.words(),
            best.id,
            best.place,
            words::moment(best.moment)
        ));
    }
    if let Some(why) = &row.why {
        says.push_str(&format!(" ({why})"));
    }
    says.push('.');
    says
}

/// Says a moment in UTC: its time alone where it is of today.
pub(super) fn short_moment(at: Timestamp, now: Timestamp) -> String {
    let (at, now) = (at.to_zoned(TimeZone::UTC), now.to_zoned(TimeZone::UTC));
    let format = if at.date() == now.date() {
        "%H:%M UTC"
    } else if at.year() == now.year() {
        "%d %b %H:%M UTC"
    } else {
        "%d %b %Y %H:%M UTC"
    };
    at.strftime(format).to_string()
}

/// Says a moment in a column of 12: with its time this year, with its year before.
pub(super) fn column_moment(at: Timestamp, now: Timestamp) -> String {
    let (at, now) = (at.to_zoned(TimeZone::UTC), now.to_zoned(TimeZone::UTC));
    at.strftime(if at.year() == now.year() { "%d %b %H:%M" } else { "%d %b %Y" }).to_string()
}

/// Says which data a point holds, in few words.
pub(super) fn holds(point: &RecoveryPoint, now: Timestamp) -> String {
    match point.holds {
        Holds::Until(at) => column_moment(at, now),
        Holds::Window { earliest, .. } if point.kind == PointKind::StateVersion => {
            column_moment(earliest, now)
        }
        Holds::Window { earliest, latest } => format!("{} window", age_words(elapsed(earliest, latest))),
        Holds::Behind { lag } => format!("{} behind", age_words(lag)),
        Holds::Since(at) => format!("since {}", column_moment(at, now)),
        Holds::Everything => "everything".to_owned(),
    }
}

/// Says which data a point holds, in a sentence's part.
pub(super) fn holds_long(point: &RecoveryPoint, now: Timestamp) -> String {
    match point.holds {
        Holds::Until(at) => format!("everything up to {}", short_moment(at, now)),
        Holds::Window { earliest, latest } if elapsed(latest, now).as_secs() < 86_400 => {
            let latest = match words::age(latest, now).as_str() {
                "now" => "now".to_owned(),
                age => format!("{age} ago"),
            };
            format!("any moment of the last {}, up to {latest}", age_words(elapsed(earliest, now)))
        }
        Holds::Window { earliest, latest } => {
            format!("any moment from {} to {}", column_moment(earliest, now), short_moment(latest, now))
        }
        Holds::Behind { lag } => format!("everything but the last {}", age_words(lag)),
        Holds::Since(at) => format!("any moment since {}", short_moment(at, now)),
        Holds::Everything => "everything, as it is now".to_owned(),
    }
}

/// Says where a point lies: the account too where it is not the component's.
pub(super) fn place(place: &Place, component: &Component) -> String {
    if place.account.as_str() == OUTSIDE {
        "outside AWS".to_owned()
    } else if place.account == component.home.account {
        place.region.to_string()
    } else {
        format!("{} +{}", place.region, place.account)
    }
}

/// Says until when a point is kept from being deleted, in few words; nothing where it is not.
pub(super) fn kept(point: &RecoveryPoint, now: Timestamp) -> String {
    let hold = point.hold.as_ref().filter(|hold| hold.until.is_none_or(|until| until > now));
    match hold.map(|hold| hold.until) {
        None => String::new(),
        Some(None) => "held until lifted".to_owned(),
        Some(Some(until)) => format!("held to {}", until.to_zoned(TimeZone::UTC).strftime("%d %b %Y")),
    }
}

/// Judges a loss by its limit, and says it in a word.
pub(super) fn reached(loss: Loss, limit: Option<std::time::Duration>) -> (Verdict, &'static str) {
    match loss {
        Loss::Span(span) if limit.is_some_and(|limit| span > limit) => (Verdict::AtRisk, "over limit"),
        Loss::Span(_) => (Verdict::Met, "reached"),
        Loss::Everything => (Verdict::Breached, "cannot"),
        Loss::Unknown(_) => (Verdict::Unknown, "unknown"),
        Loss::NotApplicable => (Verdict::NoObjective, "nothing kept"),
    }
}

/// Says what would be lost; what was last known stands beside what cannot be told.
pub(super) fn loss(loss: Loss, glyphs: Glyphs) -> String {
    words::loss(loss, glyphs)
}
