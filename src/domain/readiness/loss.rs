//! How much would be lost: the RPO side of a verdict.

use super::usable::{JudgedPoint, Source, Usability, WhyNot};
use super::{Moment, Verdict};
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed, words};
use crate::domain::estate::Component;
use crate::domain::ids::PointId;
use crate::domain::objective::{AT_RISK_PERCENT, Objective};
use crate::domain::place::Place;
use crate::domain::recovery_point::{Holds, PointKind};
use crate::domain::scope::FailureScope;
use jiff::Timestamp;
use std::time::Duration;

/// From this age on, a point-in-time window that has not moved is said to have stopped (R1: logs ship every 5 min).
const WINDOW_STALLS_AFTER: Duration = Duration::from_secs(15 * 60);

/// How much would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The last so much of it; zero means nothing.
    Span(Duration),
    /// All of it.
    Everything,
    /// It cannot be told; the loss by what was last known, if anything was.
    Unknown(Option<Duration>),
    /// There is nothing that could be lost.
    NotApplicable,
}

/// The point that would be used.
#[derive(Debug, Clone, PartialEq)]
pub struct BestPoint {
    /// What it is called.
    pub id: PointId,
    /// What it is.
    pub kind: PointKind,
    /// Where it lies.
    pub place: Place,
    /// The moment that it would bring back.
    pub moment: Timestamp,
    /// How long it takes to become readable.
    pub retrieval: Duration,
    /// How large it is.
    pub size_bytes: Option<u64>,
    /// When it was read.
    pub read_at: Timestamp,
}

impl BestPoint {
    /// Returns `judged` as the point that would be used to bring back `moment`.
    pub(super) fn of(judged: &JudgedPoint<'_>, moment: Timestamp) -> Self {
        Self {
            id: judged.point.id.clone(),
            kind: judged.point.kind,
            place: judged.point.place.clone(),
            moment,
            retrieval: judged.point.retrieval.unwrap_or_default(),
            size_bytes: judged.point.size_bytes,
            read_at: judged.read_at,
        }
    }
}

/// The judgement of an RPO.
#[derive(Debug, Clone, PartialEq)]
pub struct RpoJudgement {
    /// What was promised.
    pub limit: Option<Duration>,
    /// What is possible now.
    pub possible: Loss,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence with its figures.
    pub reason: Text,
    /// The point that would be used.
    pub best: Option<BestPoint>,
    /// Whether what protects it has stopped moving.
    pub stopped: bool,
    /// How many points count, and how many there are.
    pub counts: (usize, usize),
}

/// Returns the verdict for a loss or a time against its limit; a limit that is used up to nothing is met by nothing.
pub(super) fn against(possible: Duration, limit: Duration) -> Verdict {
    if possible > limit {
        Verdict::Breached
    } else if !possible.is_zero()
        && possible.as_nanos().saturating_mul(100)
            >= limit.as_nanos().saturating_mul(u128::from(AT_RISK_PERCENT))
    {
        Verdict::AtRisk
    } else {
        Verdict::Met
    }
}

/// Says a loss within a sentence.
fn would_lose(loss: Duration) -> String {
    if loss.is_zero() { "nothing".to_owned() } else { words(loss) }
}

/// Judges what would be lost.
pub(super) fn judge(
    component: &Component,
    objective: Objective,
    scope: FailureScope,
    sources: &[Source<'_>],
    points: &[JudgedPoint<'_>],
    moment: Moment,
) -> RpoJudgement {
    let usable = |point: &&JudgedPoint<'_>| point.usability == Usability::Usable;
    let counts = (points.iter().filter(usable).count(), points.len());
    let counting = || points.iter().filter(|point| point.fresh).filter(usable);
    let blind = sources.iter().find(|source| !source.whole);
    let unclear = points.iter().find(|point| point.fresh && matches!(point.usability, Usability::Unclear(_)));
    let as_of = moment.as_of();
    let loss_of = |point: &JudgedPoint<'_>| elapsed(point.moment.unwrap_or(Timestamp::MIN), as_of);
    let good_enough = |point: &&JudgedPoint<'_>| {
        objective.rpo.is_none_or(|limit| against(loss_of(point), limit) == Verdict::Met)
            && stopped_moving(component, point, as_of).is_none()
    };
    // The nearest place that is good enough is where it would be restored from: a newer point farther away is only
    // worth its way where nothing nearer is. Of one place, a point that can be read at once goes before one that
    // has to be waited for.
    let here = |nth: usize| counting().filter(move |point| point.source == nth);
    // Of a place that was read in part, what was read counts; what lies beyond it may not be the nearest.
    let whole = sources.iter().take_while(|source| source.whole).count();
    let reach = whole + usize::from(sources.get(whole).is_some_and(|source| source.fresh));
    let nearest = (0..reach).find_map(|source| {
        let at_once = newest(here(source).filter(|point| point.point.retrieval.is_none()));
        at_once.filter(good_enough).or_else(|| newest(here(source)).filter(good_enough))
    });
    // Then the nearest that would keep the promise at all, then the newest wherever it lies.
    let keeps = |point: &&JudgedPoint<'_>| objective.rpo.is_none_or(|limit| loss_of(point) <= limit);
    let best = nearest
        .or_else(|| (0..sources.len()).find_map(|source| newest(here(source)).filter(keeps)))
        .or_else(|| newest(counting()))
        .or_else(|| newest_of_the_slow(points));
    let stopped = best.and_then(|best| stopped_moving(component, best, as_of));
    let limit = objective.rpo;
    let from_known = |best: &JudgedPoint<'_>| match limit {
        None => Verdict::NoObjective,
        Some(limit) => match against(loss_of(best), limit) {
            Verdict::Met if stopped.is_some() => Verdict::AtRisk,
            verdict => verdict,
        },
    };

    // What could not be read farther away would not be used. Anything else that could not be read might change all.
    if nearest.is_none() && (blind.is_some() || unclear.is_some()) {
        let why = match (blind, unclear.map(|point| &point.usability)) {
            (Some(source), _) => {
                let why = source.why_not.as_ref().map_or("not read", Text::as_str);
                format!("{} {why}", source.place.region)
            }
            (None, Some(Usability::Unclear(why) | Usability::Unusable(why))) => why.to_string(),
            (None, _) => "not read".into(),
        };
        let last = newest(points.iter().filter(|point| match &point.usability {
            Usability::Unusable(why) => matches!(why, WhyNot::TooSlow(..)),
            Usability::Usable | Usability::Unclear(_) => true,
        }));
        let last_known = last.map_or_else(
            || "nothing is known of it".to_owned(),
            |point| {
                let age = age_words(elapsed(point.read_at, moment.now));
                format!("by what was read {age} ago, {} would be lost", would_lose(loss_of(point)))
            },
        );
        return RpoJudgement {
            limit,
            possible: Loss::Unknown(last.map(loss_of)),
            verdict: if limit.is_some() { Verdict::Unknown } else { Verdict::NoObjective },
            reason: Text::new(&format!("{why}; {last_known}")),
            best: last.and_then(best_point),
            stopped: false,
            counts,
        };
    }
    let Some(best) = best else {
        return RpoJudgement {
            limit,
            possible: Loss::Everything,
            verdict: if limit.is_some() { Verdict::Breached } else { Verdict::NoObjective },
            reason: Text::new(&nothing_counts(component, scope, points)),
            best: None,
            stopped: false,
            counts,
        };
    };
    let loss = loss_of(best);
    let mut reason = format!("{} in {}: ", best.point.kind.words(), best.point.place.region);
    reason.push_str(&match would_lose(loss).as_str() {
        "nothing" => "nothing would be lost".to_owned(),
        span => format!("the last {span} would be lost"),
    });
    if let Some(limit) = limit {
        reason.push_str(&format!(", {} allowed", words(limit)));
    }
    if let Usability::Unusable(WhyNot::TooSlow(takes, _)) = &best.usability {
        reason
            .push_str(&format!("; it takes {} to become readable, longer than recovery may", words(*takes)));
    }
    if let Some(stopped) = &stopped {
        reason.push_str("; ");
        reason.push_str(stopped);
    }
    RpoJudgement {
        limit,
        possible: Loss::Span(loss),
        verdict: from_known(best),
        reason: Text::new(&reason),
        best: best_point(best),
        stopped: stopped.is_some(),
        counts,
    }
}

fn newest<'a, 'b: 'a>(points: impl Iterator<Item = &'a JudgedPoint<'b>>) -> Option<&'a JudgedPoint<'b>> {
    points
        .filter(|point| point.moment.is_some())
        .max_by_key(|point| (point.moment, std::cmp::Reverse(point.point.retrieval.unwrap_or_default())))
}

/// When only points remain that cannot be read in time, the data is not lost: the newest of them is used, late (E3).
fn newest_of_the_slow<'a, 'b>(points: &'a [JudgedPoint<'b>]) -> Option<&'a JudgedPoint<'b>> {
    newest(
        points.iter().filter(|point| {
            point.fresh && matches!(point.usability, Usability::Unusable(WhyNot::TooSlow(..)))
        }),
    )
}

fn best_point(point: &JudgedPoint<'_>) -> Option<BestPoint> {
    point.moment.map(|moment| BestPoint::of(point, moment))
}

/// Says how what protects a component has stopped moving, if it has.
fn stopped_moving(component: &Component, best: &JudgedPoint<'_>, now: Timestamp) -> Option<String> {
    let mark = best.point.mark()?;
    if let Holds::Window { .. } = best.point.holds {
        let unmoved = elapsed(best.unmoved_since, now);
        return (unmoved > WINDOW_STALLS_AFTER)
            .then(|| format!("the window has not moved for {}", age_words(unmoved)));
    }
    let every = component.cadence?;
    let age = elapsed(mark, now);
    // A quarter of the cadence is grace: a daily backup that takes an hour longer has not stopped.
    (age > every.saturating_add(every / 4))
        .then(|| format!("a point is expected every {}, the newest is {} old", words(every), age_words(age)))
}

fn nothing_counts(component: &Component, scope: FailureScope, points: &[JudgedPoint<'_>]) -> String {
    let lost = match scope {
        FailureScope::Local => format!("there is no usable point for {}", component.id),
        FailureScope::Region => format!("no point outside {} can be used", component.home.region),
        FailureScope::Account => format!("no point outside account {} can be used", component.home.account),
    };
    let nearest = points.iter().filter(|point| point.moment.is_some()).max_by_key(|point| point.moment);
    match nearest.map(|point| (&point.usability, point.point.as_ref())) {
        Some((Usability::Unusable(why) | Usability::Unclear(why), point)) => {
            format!("{lost}; the newest is {} {}, but {why}", point.kind.words(), point.id)
        }
        _ => lost,
    }
}
