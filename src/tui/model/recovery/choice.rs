//! What a parameter can be: components of the estate, and their recovery points with what each would lose.

use super::super::Model;
use crate::domain::duration::{age_words, elapsed, words};
use crate::domain::estate::{Component, Selector};
use crate::domain::ids::ComponentId;
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::readiness::{Moment, Usability, Verdict, judge_points, sources};
use crate::domain::recovery_point::PointKind;
use crate::domain::scope::FailureScope;
use std::time::Duration;

/// One thing that a parameter can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its value.
    pub value: String,
    /// What people have to know of it.
    pub says: String,
    /// Why it should not be taken.
    pub flaw: Option<String>,
    /// How much would be lost, where it is a point.
    pub loss: Option<Duration>,
}

impl Choice {
    /// Returns a choice of which there is nothing to say.
    pub fn plain(value: &str) -> Self {
        Self { value: value.to_owned(), says: String::new(), flaw: None, loss: None }
    }
}

/// Returns the components of these kinds, of any if there are none; those in trouble first.
pub(super) fn choices_of_component(model: &Model, kinds: &[Kind]) -> Vec<Choice> {
    let fits = |kind: Kind| kinds.is_empty() || kinds.contains(&kind);
    let mut rows: Vec<_> = model
        .estate
        .components
        .iter()
        .filter(|component| fits(component.kind))
        .filter(|component| model.environment.as_ref().is_none_or(|shown| *shown == component.environment))
        .map(|component| {
            let verdict = model
                .judgement
                .assessments
                .of(&component.id, model.scope)
                .map(|assessment| assessment.verdict);
            (verdict, component)
        })
        .collect();
    // The worst verdict has the highest rank; what nobody has judged stands last.
    rows.sort_by_key(|(verdict, component)| {
        let rank = match verdict.map(Verdict::word) {
            Some("breached") => 0,
            Some("unknown") => 1,
            Some("at risk") => 2,
            _ => 3,
        };
        (rank, component.id.clone())
    });
    rows.into_iter()
        .map(|(verdict, component)| Choice {
            value: component.id.to_string(),
            says: format!(
                "{}{}, {} in {}{}",
                component.kind.words(),
                match &component.selector {
                    Some(Selector::Id(id)) if *id != *component.id.as_str() => format!(" {id}"),
                    _ => String::new(),
                },
                component.environment,
                component.home.region,
                verdict.map_or(String::new(), |verdict| format!(", {}", verdict.word()))
            ),
            flaw: None,
            loss: None,
        })
        .collect()
}

/// Returns what would be lost with the newest moment of a usable window where a component lives; `None` without one.
pub(super) fn window_of(model: &Model, component: &Component, failure: FailureScope) -> Option<Duration> {
    let readings = &model.snapshot.readings;
    let cadences = &model.estate.cadences;
    let sources = sources(component, readings, cadences, failure, model.now);
    judge_points(component, &sources, readings, cadences, failure, Moment::at(model.now))
        .iter()
        .filter(|judged| judged.point.kind == PointKind::PointInTime && judged.usability == Usability::Usable)
        .filter(|judged| failure != FailureScope::Local || judged.point.place == component.home)
        .filter_map(|judged| Some(elapsed(judged.moment?, model.now)))
        .min()
}

/// Returns the points of a component that a restore takes by their names, the usable ones first, the newest of them
/// before the others, each with what would be lost.
pub(super) fn choices_of_point(model: &Model, component: &ComponentId, failure: FailureScope) -> Vec<Choice> {
    let Some(component) = model.estate.component(component) else { return Vec::new() };
    let readings = &model.snapshot.readings;
    let cadences = &model.estate.cadences;
    let sources = sources(component, readings, cadences, failure, model.now);
    let judged = judge_points(component, &sources, readings, cadences, failure, Moment::at(model.now));
    let by_name = |kind: PointKind| {
        matches!(
            kind,
            PointKind::Snapshot
                | PointKind::SnapshotCopy
                | PointKind::Image
                | PointKind::TableBackup
                | PointKind::VaultPoint
                | PointKind::Dump
                | PointKind::StateVersion
        )
    };
    // Where its own Region or account is what is lost, what survives lies elsewhere.
    let is_near = |place: &Place| failure != FailureScope::Local || *place == component.home;
    let mut points: Vec<_> = judged.iter().filter(|judged| by_name(judged.point.kind)).collect();
    points.sort_by_key(|judged| {
        let usable = judged.usability == Usability::Usable && is_near(&judged.point.place);
        (!usable, std::cmp::Reverse(judged.moment))
    });
    points
        .into_iter()
        .map(|judged| {
            let when = judged.moment.map_or("its time is unknown".to_owned(), |at| {
                format!(
                    "{}, {} lost",
                    at.to_zoned(jiff::tz::TimeZone::UTC).strftime("%d %b %H:%M UTC"),
                    words(elapsed(at, model.now))
                )
            });
            let away =
                (!is_near(&judged.point.place)).then(|| format!("it lies in {}", judged.point.place.region));
            let stale = (!judged.fresh)
                .then(|| format!("read {} ago", age_words(elapsed(judged.read_at, model.now))));
            let flaw = match &judged.usability {
                Usability::Usable => away.or(stale),
                Usability::Unusable(why) | Usability::Unclear(why) => Some(why.to_string()),
            };
            Choice {
                value: judged.point.id.to_string(),
                says: format!("{when}, {}", judged.point.kind.words()),
                flaw,
                loss: judged.moment.map(|at| elapsed(at, model.now)),
            }
        })
        .collect()
}
