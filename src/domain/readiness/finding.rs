//! What the points of a component show beside its verdict: gaps in retention, sizes that do not fit, missed cadence.

use super::trouble::{Severity, Trouble, TroubleCode};
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed, words};
use crate::domain::estate::{Component, Estate};
use crate::domain::reading::{Capability, Fact, Readings};
use crate::domain::recovery_point::{PointStatus, RecoveryPoint};
use crate::domain::size::bytes;
use jiff::{Timestamp, tz::TimeZone};

/// How many earlier points the size of the newest is compared with.
const SIZES: usize = 7;
/// From which deviation of their mean, in per cent, a size does not fit.
const DEVIATION_PERCENT: u128 = 50;

/// Returns what the points of every component show; only from readings that can be relied on.
pub fn findings(estate: &Estate, readings: &Readings, now: Timestamp) -> Vec<Trouble> {
    let mut found = Vec::new();
    for component in &estate.components {
        // Retention and cadence are promised once, where the component lives; copies have rules of their own or none.
        if let Some(place) = component.sources.first() {
            let Some(reading) = readings.of(&component.id, place, Capability::Points) else { continue };
            let Some(held) = &reading.held else { continue };
            let Fact::Points(points) = &held.fact else { continue };
            let stale_after = estate.cadences.stale_after(Capability::Points);
            // What is missing from a part says nothing.
            if reading.failed.is_some()
                || !reading.lacking.is_empty()
                || elapsed(held.read_at, now) > stale_after
            {
                continue;
            }
            let mut said: Vec<_> = sizes(component, points).into_iter().collect();
            said.extend(gaps(component, points, now));
            said.extend(cadence(component, points, now));
            found.extend(said.into_iter().map(|(code, says)| Trouble {
                code,
                severity: Severity::Warning,
                environment: component.environment.clone(),
                component: Some(component.id.clone()),
                scope: None,
                at: None,
                says: Text::new(&says),
            }));
        }
    }
    found
}

fn available(points: &[RecoveryPoint]) -> impl Iterator<Item = &RecoveryPoint> {
    points.iter().filter(|point| {
        point.status == PointStatus::Available && point.verified.is_none_or(|verified| verified.whole)
    })
}

fn gaps(component: &Component, points: &[RecoveryPoint], now: Timestamp) -> Vec<(TroubleCode, String)> {
    let kept: Vec<_> = available(points).filter_map(RecoveryPoint::mark).collect();
    let Some(first) = kept.iter().min() else { return Vec::new() };
    let mut said = Vec::new();
    for rule in &component.retention {
        let gaps = rule.gaps(&kept, *first, now);
        let (Some(newest), Some(oldest)) = (gaps.first(), gaps.last()) else { continue };
        let day = |at: &Timestamp| at.to_zoned(TimeZone::UTC).date().to_string();
        let when = if gaps.len() == 1 { day(newest) } else { format!("{} to {}", day(oldest), day(newest)) };
        let points = if gaps.len() == 1 { "1 point is" } else { &format!("{} points are", gaps.len()) };
        said.push((TroubleCode::RetentionGap, format!("{points} missing for the rule {rule}: {when}")));
    }
    said
}

fn cadence(component: &Component, points: &[RecoveryPoint], now: Timestamp) -> Option<(TroubleCode, String)> {
    let every = component.cadence?;
    let newest = available(points).filter_map(RecoveryPoint::mark).max()?;
    let age = elapsed(newest, now);
    (age > every + every / 4).then(|| {
        let says =
            format!("a point is expected every {}, the newest is {} old", words(every), age_words(age));
        (TroubleCode::CadenceMissed, says)
    })
}

fn sizes(component: &Component, points: &[RecoveryPoint]) -> Option<(TroubleCode, String)> {
    // Sizes of machine images and snapshots are those of their volumes, not of what is on them.
    component.kind.needs_verification().then_some(())?;
    let mut sized: Vec<_> =
        points.iter().filter_map(|point| Some((point.mark()?, point.size_bytes?, &point.id))).collect();
    sized.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
    let ((_, newest, id), earlier) = sized.split_first()?;
    let earlier = earlier.get(..SIZES)?;
    let mean = earlier.iter().map(|(_, size, _)| u128::from(*size)).sum::<u128>() / SIZES as u128;
    let off = mean.abs_diff(u128::from(*newest));
    (mean > 0 && off * 100 > mean * DEVIATION_PERCENT).then(|| {
        let says = format!(
            "{id} has {}, the mean of the {SIZES} before it is {}",
            bytes(*newest),
            bytes(u64::try_from(mean).unwrap_or(u64::MAX))
        );
        (TroubleCode::SizeAnomaly, says)
    })
}
