//! What the points of a component show beside its verdict: gaps in retention, sizes that do not fit, missed cadence.

use super::trouble::{Severity, Trouble, TroubleCode};
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed, words};
use crate::domain::estate::{Component, Estate, Selector};
use crate::domain::kind::Kind;
use crate::domain::reading::{Capability, Fact, Readings};
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use crate::domain::size::bytes;
use jiff::{Timestamp, tz::TimeZone};
use std::collections::BTreeMap;
use std::time::Duration;

/// How many earlier points the size of the newest is compared with.
const SIZES: usize = 7;
/// From which deviation of their mean, in per cent, a size does not fit.
const DEVIATION_PERCENT: u128 = 50;

/// How long S3 may take to copy most objects (S5).
const REPLICATION: Duration = Duration::from_secs(15 * 60);
/// How long a copy may take before it is missed.
const COPYING: Duration = Duration::from_secs(3600);

/// Returns what the points of every component show; only from readings that can be relied on.
pub fn findings(estate: &Estate, readings: &Readings, now: Timestamp) -> Vec<Trouble> {
    let mut found = Vec::new();
    for component in &estate.components {
        found.extend(of_copies(estate, component, readings, now));
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
            found.extend(warnings(component, said));
        }
    }
    found
}

/// Points that lie together, by their names there.
struct Lair<'a> {
    name: String,
    is_home: bool,
    points: Vec<(&'a str, &'a RecoveryPoint)>,
}

/// Returns what the points of a component's places show beside each other: bytes that do not fit their checksum, and copies
/// that lack points or have others.
fn of_copies(estate: &Estate, component: &Component, readings: &Readings, now: Timestamp) -> Vec<Trouble> {
    if component.kind == Kind::S3Bucket {
        return warnings(component, replica_behind(component, readings));
    }
    if !component.kind.needs_verification() {
        return Vec::new();
    }
    let stale_after = estate.cadences.stale_after(Capability::Points);
    let own = match &component.selector {
        Some(Selector::Id(id)) => Some(id.as_str().trim_start_matches("file://").trim_end_matches('/')),
        _ => None,
    };
    // Where each lies: by its place and, of folders that lie beside each other in one place, by the folder.
    let mut held: Vec<Lair<'_>> = Vec::new();
    for place in &component.sources {
        let Some(reading) = readings.of(&component.id, place, Capability::Points) else { continue };
        let Some(value) = &reading.held else { continue };
        let Fact::Points(points) = &value.fact else { continue };
        let whole = reading.failed.is_none()
            && reading.lacking.is_empty()
            && elapsed(value.read_at, now) <= stale_after;
        let is_home = *place == component.home;
        let is_meant = is_home || component.declared.iter().any(|(at, _)| at == place);
        if !whole || !is_meant {
            continue;
        }
        let mut lairs: BTreeMap<String, Lair<'_>> = BTreeMap::new();
        for point in points {
            let (folder, name) = match point.id.as_str().rsplit_once('/') {
                Some((folder, name)) if folder.starts_with('/') => (folder, name),
                _ => ("", point.id.as_str()),
            };
            let lair = lairs.entry(folder.to_owned()).or_insert_with(|| Lair {
                name: if folder.is_empty() { place.region.to_string() } else { folder.to_owned() },
                is_home: is_home && (folder.is_empty() || Some(folder) == own),
                points: Vec::new(),
            });
            lair.points.push((name, point));
        }
        if lairs.is_empty() {
            let name = place.region.to_string();
            lairs.insert(String::new(), Lair { name, is_home, points: Vec::new() });
        }
        held.extend(lairs.into_values());
    }
    let mut said = Vec::new();
    let mut broken: Vec<String> = Vec::new();
    for lair in &held {
        // That there is no byte at all, its size tells.
        let wrong = lair.points.iter().filter(|(_, point)| {
            point.verified.is_some_and(|verified| !verified.whole) && point.size_bytes != Some(0)
        });
        broken.extend(wrong.map(|(name, _)| format!("{name} in {}", lair.name)));
    }
    if let Some(first) = broken.first() {
        let more = broken.len() - 1;
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        said.push((TroubleCode::ChecksumWrong, format!("{first}{more} was read back and is not whole")));
    }
    let whole = |point: &RecoveryPoint| point.verified.is_none_or(|verified| verified.whole);
    let Some(home) = held.iter().find(|lair| lair.is_home) else { return warnings(component, said) };
    let (mut behind, mut differs) = (Vec::new(), None);
    for copy in held.iter().filter(|lair| !lair.is_home) {
        let newest = copy.points.iter().filter_map(|(_, point)| point.mark()).max();
        let lacks = home.points.iter().filter(|(_, point)| {
            point.mark() > newest
                && point.status == PointStatus::Available
                && whole(point)
                && point.mark().is_some_and(|mark| elapsed(mark, now) > COPYING)
        });
        let count = lacks.count();
        if count > 0 {
            behind.push(format!("the copy in {} lacks the newest {count} of {}", copy.name, home.name));
        }
        let own: BTreeMap<_, _> = home.points.iter().map(|(name, point)| (*name, *point)).collect();
        let other = copy.points.iter().find(|(name, point)| {
            own.get(name).is_some_and(|own| {
                let digests = own.digest.is_some() && point.digest.is_some() && own.digest != point.digest;
                whole(own) && whole(point) && (own.size_bytes != point.size_bytes || digests)
            })
        });
        differs = differs.or(other.map(|(name, _)| (*name, &copy.name)));
    }
    if !behind.is_empty() {
        said.push((TroubleCode::CopyBehind, behind.join("; ")));
    }
    if let Some((name, place)) = differs {
        said.push((
            TroubleCode::CopyDiffers,
            format!("{name} has other bytes in {place} than in {}", home.name),
        ));
    }
    warnings(component, said)
}

/// Says which replicas of a bucket are farther behind than replication takes.
fn replica_behind(component: &Component, readings: &Readings) -> Vec<(TroubleCode, String)> {
    let mut said = Vec::new();
    for place in &component.sources {
        let reading = readings.of(&component.id, place, Capability::Points);
        let Some(Fact::Points(points)) =
            reading.and_then(|reading| reading.held.as_ref()).map(|held| &held.fact)
        else {
            continue;
        };
        for point in points {
            if let (PointKind::BucketReplica, Holds::Behind { lag }) = (point.kind, point.holds)
                && point.status == PointStatus::Available
                && lag > REPLICATION
            {
                let says = format!("its replica {} in {} is {} behind", point.id, place.region, words(lag));
                said.push((TroubleCode::CopyBehind, says));
            }
        }
    }
    said
}

fn warnings(component: &Component, said: Vec<(TroubleCode, String)>) -> Vec<Trouble> {
    let warning = |(code, says): (TroubleCode, String)| Trouble {
        code,
        severity: Severity::Warning,
        environment: component.environment.clone(),
        component: Some(component.id.clone()),
        scope: None,
        at: None,
        says: Text::new(&says),
    };
    said.into_iter().map(warning).collect()
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
