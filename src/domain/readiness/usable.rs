//! Which points count for a failure, and why the others do not.

use super::Moment;
use crate::domain::Text;
use crate::domain::condition::{KeyPlace, KeyState};
use crate::domain::duration::{age_words, elapsed, words};
use crate::domain::estate::Component;
use crate::domain::ids::{KeyId, Region};
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::proof;
use crate::domain::reading::{
    Cadences, Capability, Fact, Held, Lack, Reading, ReadingKey, Readings, Subject, Worth,
};
use crate::domain::recovery_point::{PointStatus, RecoveryPoint};
use crate::domain::scope::FailureScope;
use crate::domain::state::StateHistory;
use jiff::Timestamp;
use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

/// One reading that bears on a component under a failure.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// Where it was asked.
    pub place: &'a Place,
    /// The reading itself; `None` when it was never attempted.
    pub reading: Option<&'a Arc<Reading>>,
    /// The points it holds and when they were read, be they fresh or not.
    pub held: Option<(PointsHeld<'a>, &'a Held)>,
    /// Whether it can be relied on.
    pub fresh: bool,
    /// Whether it is all there is: parts of a reading may be missing while the rest can be relied on.
    pub whole: bool,
    /// Why not, in words.
    pub why_not: Option<Text>,
}

/// Points as they stand in a reading, or as they follow from a state.
pub(crate) type PointsHeld<'a> = Cow<'a, [RecoveryPoint]>;

/// A point and what it is worth under a failure.
#[derive(Debug, Clone)]
pub struct JudgedPoint<'a> {
    /// The point.
    pub point: Cow<'a, RecoveryPoint>,
    /// The number of the source that holds it.
    pub source: usize,
    /// When it was read.
    pub read_at: Timestamp,
    /// Since when the newest moment of its reading has been the same.
    pub unmoved_since: Timestamp,
    /// The moment whose data it would bring back.
    pub moment: Option<Timestamp>,
    /// Whether its reading can be relied on.
    pub fresh: bool,
    /// Whether it counts.
    pub usability: Usability,
}

/// Whether a point counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Usability {
    /// It does.
    Usable,
    /// It does not.
    Unusable(WhyNot),
    /// It cannot be told.
    Unclear(WhyNot),
}

/// Why a point does not count, or why that cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WhyNot {
    /// It lies in what is lost.
    Lost(FailureScope, Place),
    /// Its restore call needs the control plane of the lost Region (N4).
    ControlPlaneLost(Region),
    /// Its key belongs to the account that cannot be trusted.
    KeyInLostAccount(KeyId),
    /// Its key cannot decrypt in its Region.
    Key(KeyId, Region, &'static str),
    /// Its key could not be read.
    KeyUnread(KeyId, Region, Text),
    /// Its service does not offer it.
    Status(PointStatus),
    /// It holds nothing as old as the outage asks for.
    TooNew,
    /// Nobody has read it back.
    NotVerified,
    /// Somebody read it back and it was not whole.
    NotWhole(Timestamp),
    /// It takes longer to become readable than the whole recovery may (E3).
    TooSlow(Duration, Duration),
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(FailureScope::Account, place) => {
                write!(f, "it lies in the lost account {}", place.account)
            }
            Self::Lost(_, place) => write!(f, "it lies in {}, which is lost", place.region),
            Self::ControlPlaneLost(region) => write!(f, "its restore call needs {region}, which is lost"),
            Self::KeyInLostAccount(key) => write!(f, "its key {} belongs to the lost account", key.short()),
            Self::Key(key, region, what) => write!(f, "its key {} {what} in {region}", key.short()),
            Self::KeyUnread(key, region, why) => {
                write!(f, "its key {} could not be read in {region}: {why}", key.short())
            }
            Self::Status(status) => match status {
                PointStatus::Available => f.write_str("it is available"),
                PointStatus::Pending => f.write_str("it is not complete yet"),
                PointStatus::Partial => f.write_str("parts of it are missing"),
                PointStatus::Stopped => f.write_str("its continuous backup broke off"),
                PointStatus::Expired => f.write_str("it has expired and may go at any time"),
                PointStatus::Failed(why) => write!(f, "it failed: {why}"),
                PointStatus::Unrecognised(status) => write!(f, "its status {status} is not one we know"),
            },
            Self::TooNew => f.write_str("it holds nothing from before the outage"),
            Self::NotVerified => f.write_str("nobody has read it back"),
            Self::NotWhole(_) => f.write_str("it was read back and was not whole"),
            Self::TooSlow(takes, limit) => {
                write!(f, "it takes {} to become readable, the limit is {}", words(*takes), words(*limit))
            }
        }
    }
}

/// Returns the readings that bear on `component` under `scope`: those of places that survive it.
pub fn sources<'a>(
    component: &'a Component,
    readings: &'a Readings,
    cadences: &Cadences,
    scope: FailureScope,
    now: Timestamp,
) -> Vec<Source<'a>> {
    if !component.kind.has_points() {
        return Vec::new();
    }
    let capability =
        if component.kind == Kind::TerraformState { Capability::States } else { Capability::Points };
    component
        .sources
        .iter()
        .filter(|place| place.survives(scope, &component.home))
        .map(|place| source(component, place, readings, capability, cadences, now))
        .collect()
}

fn source<'a>(
    component: &'a Component,
    place: &'a Place,
    readings: &'a Readings,
    capability: Capability,
    cadences: &Cadences,
    now: Timestamp,
) -> Source<'a> {
    let reading = readings.of(&component.id, place, capability);
    let Some(reading) = reading else {
        return Source {
            place,
            reading: None,
            held: None,
            fresh: false,
            whole: false,
            why_not: Some("not read yet".into()),
        };
    };
    let (fresh, held) = match reading.worth(now, cadences.stale_after(capability)) {
        Worth::Fresh(held) => (true, Some(held)),
        Worth::Stale(held) => (false, held),
    };
    let whole = reading.lacking.is_empty();
    let why_not = (!fresh || !whole).then(|| match (&reading.failed, held) {
        (None, Some(_)) if fresh => {
            let missing = |lack: &Lack| format!("{}: {}", lack.source, lack.why);
            Text::new(&reading.lacking.iter().map(missing).collect::<Vec<_>>().join("; "))
        }
        (Some(failed), _) => Text::new(&failed.why.to_string()),
        (None, Some(held)) => {
            Text::new(&format!("the last read is {} old", age_words(elapsed(held.read_at, now))))
        }
        (None, None) => "not read yet".into(),
    });
    let held = held.and_then(|held| {
        let points = match &held.fact {
            Fact::Points(points) => Cow::Borrowed(points.as_slice()),
            Fact::State(state) => Cow::Owned(state.points(place, home_state(component, place, readings))),
            _ => return None,
        };
        Some((points, held))
    });
    // A reading without points in it tells nothing of points, however fresh it is.
    let fresh = fresh && held.is_some();
    Source { place, reading: Some(reading), fresh, whole: fresh && whole, held, why_not }
}

/// Returns what was last read of a state where it lives, for a replica: however old that is, it says what was written.
fn home_state<'a>(component: &Component, place: &Place, readings: &'a Readings) -> Option<&'a StateHistory> {
    let away = Some(&component.home).filter(|home| *home != place)?;
    match &readings.of(&component.id, away, Capability::States)?.held.as_ref()?.fact {
        Fact::State(state) => Some(state),
        _ => None,
    }
}

/// Judges every point that `sources` hold.
pub fn judge_points<'a>(
    component: &Component,
    sources: &'a [Source<'_>],
    readings: &Readings,
    cadences: &Cadences,
    scope: FailureScope,
    moment: Moment,
) -> Vec<JudgedPoint<'a>> {
    let rto = component.objectives.of(scope).rto;
    let proofs = super::proofs(component, readings);
    let measured = |place: &Place| {
        let scope = super::measured_scope(component, place, scope);
        proof::newest(&proofs, scope).map_or(Duration::ZERO, |proof| proof.took)
    };
    let mut judged = Vec::new();
    for (nth, source) in sources.iter().enumerate() {
        let Some((points, held)) = &source.held else { continue };
        for point in points.iter() {
            let at = point.moment(moment.as_of(), held.read_at);
            let mut usability = usability(component, point, readings, cadences, scope, moment.now);
            if usability == Usability::Usable && at.is_none() {
                usability = Usability::Unusable(WhyNot::TooNew);
            }
            // Only what waiting alone would exceed: a point that is late by its measured restore still is a point.
            if let (Usability::Usable, Some(limit), Some(retrieval)) = (&usability, rto, point.retrieval)
                && retrieval.saturating_add(measured(&point.place)) > limit
            {
                usability = Usability::Unusable(WhyNot::TooSlow(retrieval, limit));
            }
            judged.push(JudgedPoint {
                point: Cow::Borrowed(point),
                source: nth,
                read_at: held.read_at,
                unmoved_since: held.unmoved_since,
                moment: at,
                fresh: source.fresh,
                usability,
            });
        }
    }
    judged
}

fn usability(
    component: &Component,
    point: &RecoveryPoint,
    readings: &Readings,
    cadences: &Cadences,
    scope: FailureScope,
    now: Timestamp,
) -> Usability {
    let home = &component.home;
    if !point.place.survives(scope, home) {
        return Usability::Unusable(WhyNot::Lost(scope, point.place.clone()));
    }
    if let Some(region) = &point.control_plane
        && scope == FailureScope::Region
        && *region == home.region
    {
        return Usability::Unusable(WhyNot::ControlPlaneLost(region.clone()));
    }
    if point.status != PointStatus::Available {
        return Usability::Unusable(WhyNot::Status(point.status.clone()));
    }
    match point.verified {
        Some(verification) if !verification.whole => {
            return Usability::Unusable(WhyNot::NotWhole(verification.at));
        }
        None if component.kind.needs_verification() => return Usability::Unusable(WhyNot::NotVerified),
        _ => {}
    }
    let Some(key) = &point.key else { return Usability::Usable };
    if scope == FailureScope::Account
        && account_of(key).is_some_and(|account| account == home.account.as_str())
    {
        return Usability::Unusable(WhyNot::KeyInLostAccount(key.clone()));
    }
    key_usability(key, &point.place.region, readings, cadences, now)
}

fn key_usability(
    key: &KeyId,
    region: &Region,
    readings: &Readings,
    cadences: &Cadences,
    now: Timestamp,
) -> Usability {
    let unread = |why: Text| Usability::Unclear(WhyNot::KeyUnread(key.clone(), region.clone(), why));
    let subject = Subject::Key(KeyPlace { key: key.clone(), region: region.clone() });
    let Some(reading) = readings.get(&ReadingKey { subject, capability: Capability::Keys }) else {
        return unread("not read yet".into());
    };
    let state = match reading.worth(now, cadences.stale_after(Capability::Keys)) {
        Worth::Fresh(Held { fact: Fact::Key(state), .. }) => state,
        Worth::Fresh(_) => return unread("not read yet".into()),
        Worth::Stale(_) => {
            let why =
                reading.failed.as_ref().map_or("the last read is too old".into(), |f| f.why.to_string());
            return unread(Text::new(&why));
        }
    };
    let gone = |what| Usability::Unusable(WhyNot::Key(key.clone(), region.clone(), what));
    match state {
        KeyState::Enabled => Usability::Usable,
        KeyState::Disabled => gone("is disabled"),
        KeyState::PendingDeletion(_) => gone("is about to be deleted"),
        KeyState::Absent => gone("does not exist"),
    }
}

/// Returns the account that an ARN names: `arn:aws:kms:us-east-2:123456789012:key/…`.
fn account_of(key: &KeyId) -> Option<&str> {
    let mut parts = key.as_str().split(':');
    (parts.next() == Some("arn")).then(|| parts.nth(3)).flatten()
}
