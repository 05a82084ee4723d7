//! The time cursor: what could be brought back to a chosen moment, by component and for the estate as a whole.
//!
//! A corruption is undone by going back to before it: a point counts when what it holds is not newer than the moment.
//! A snapshot counts from its moment on; a window counts when it reaches back that far; a replica holds the present and
//! cannot go back further; a version of a state holds what was true from its writing until the next one's; versions of
//! objects hold every moment since the oldest that is kept; code, definitions and recorded values count as they are now.

use super::usable::{JudgedPoint, Source, Usability, WhyNot, judge_points, sources};
use super::{BestPoint, Loss, Moment};
use crate::domain::Text;
use crate::domain::duration::{elapsed, words};
use crate::domain::estate::{Component, Estate};
use crate::domain::ids::ComponentId;
use crate::domain::reading::Readings;
use crate::domain::scope::FailureScope;
use jiff::Timestamp;
use std::cmp::Reverse;
use std::time::Duration;

/// What a component could be brought back to.
#[derive(Debug, Clone, PartialEq)]
pub struct CursorRow {
    /// The component.
    pub component: ComponentId,
    /// The point that would be used.
    pub best: Option<BestPoint>,
    /// What would be missing between that point and the moment.
    pub loss: Loss,
    /// Why it cannot be told, or why there is nothing.
    pub why: Option<Text>,
}

/// What the estate could be brought back to.
#[derive(Debug, Clone, PartialEq)]
pub struct Cursor {
    /// The chosen moment.
    pub at: Timestamp,
    /// Every component that has recovery points, in the order of the estate.
    pub rows: Vec<CursorRow>,
}

impl Cursor {
    /// Returns how many components a point brings back to the moment or to before it.
    pub fn reached(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.loss, Loss::Span(_))).count()
    }

    /// Returns how many cannot be told.
    pub fn unknown(&self) -> usize {
        self.rows.iter().filter(|row| matches!(row.loss, Loss::Unknown(_))).count()
    }

    /// Returns the component that would lose most among those that a point brings back, and how much.
    pub fn worst(&self) -> Option<(&ComponentId, Duration)> {
        let spans = self.rows.iter().filter_map(|row| match row.loss {
            Loss::Span(loss) => Some((&row.component, loss)),
            _ => None,
        });
        // Of equals the first: the sentence must not jump about.
        spans.fold(None, |worst, next| match worst {
            Some((_, most)) if most >= next.1 => worst,
            _ => Some(next),
        })
    }

    /// Says it in one sentence; `when` is the moment in words.
    pub fn headline(&self, when: &str) -> String {
        let mut says = format!("To {when}: {} of {}", self.reached(), self.rows.len());
        match self.worst() {
            Some((id, loss)) if !loss.is_zero() => {
                says.push_str(&format!(", worst loss {} ({id})", words(loss)));
            }
            Some(_) => says.push_str(", nothing lost"),
            None => {}
        }
        let nothing = self.rows.len() - self.reached() - self.unknown();
        if nothing > 0 {
            says.push_str(&format!("; {nothing} cannot go back that far"));
        }
        if self.unknown() > 0 {
            says.push_str(&format!("; {} cannot be told", self.unknown()));
        }
        says.push('.');
        says
    }
}

/// Returns what every component of `estate` could be brought back to, at or before `at`, after `scope` struck it.
pub fn recover_to(
    estate: &Estate,
    readings: &Readings,
    at: Timestamp,
    scope: FailureScope,
    now: Timestamp,
) -> Cursor {
    let row = |component: &Component| {
        let sources = sources(component, readings, &estate.cadences, scope, now);
        let moment = Moment::at(now);
        let points = judge_points(component, &sources, readings, &estate.cadences, scope, moment);
        choose(component, &sources, &points, at)
    };
    let rows = estate.components.iter().filter(|component| component.kind.has_points()).map(row).collect();
    Cursor { at, rows }
}

fn choose(
    component: &Component,
    sources: &[Source<'_>],
    points: &[JudgedPoint<'_>],
    at: Timestamp,
) -> CursorRow {
    let reaches = |point: &JudgedPoint<'_>| point.point.back_to(at, point.read_at);
    let best_of = |points: &mut dyn Iterator<Item = &JudgedPoint<'_>>| {
        let reached = points.filter_map(|point| Some((reaches(point)?, point)));
        // Of equal moments the nearest place, then what can be read at once, then by name.
        let best = reached.max_by_key(|(moment, point)| {
            let wait = point.point.retrieval.unwrap_or_default();
            (*moment, Reverse(point.source), Reverse(wait), Reverse(point.point.id.clone()))
        });
        best.map(|(moment, point)| (moment, BestPoint::of(point, moment)))
    };
    let usable = |point: &&JudgedPoint<'_>| point.usability == Usability::Usable;
    let slow = |point: &&JudgedPoint<'_>| matches!(point.usability, Usability::Unusable(WhyNot::TooSlow(..)));
    let mut known = points.iter().filter(|point| point.fresh).filter(usable);
    let mut late = points.iter().filter(|point| point.fresh).filter(slow);
    let best = best_of(&mut known).or_else(|| best_of(&mut late));
    let loss = best.as_ref().map(|(moment, _)| elapsed(*moment, at));
    let blind = sources.iter().find(|source| !source.whole);
    let unclear = points.iter().find(|point| {
        matches!(point.usability, Usability::Unclear(_)) && reaches(point) > best.as_ref().map(|best| best.0)
    });
    let row = |best: Option<BestPoint>, loss: Loss, why: Option<Text>| CursorRow {
        component: component.id.clone(),
        best,
        loss,
        why,
    };
    // What could not be read might be nearer; nothing is nearer than no loss.
    if loss != Some(Duration::ZERO) && (blind.is_some() || unclear.is_some()) {
        let why = match (blind, unclear.map(|point| &point.usability)) {
            (Some(source), _) => {
                let why = source.why_not.as_ref().map_or("not read", Text::as_str);
                format!("{} {why}", source.place.region)
            }
            (None, Some(Usability::Unclear(why))) => why.to_string(),
            (None, _) => "not read".to_owned(),
        };
        let stale = best.or_else(|| best_of(&mut points.iter().filter(usable)));
        let last = stale.as_ref().map(|(moment, _)| elapsed(*moment, at));
        return row(stale.map(|(_, best)| best), Loss::Unknown(last), Some(Text::new(&why)));
    }
    match (best, loss) {
        (Some((_, best)), Some(loss)) => row(Some(best), Loss::Span(loss), None),
        _ => {
            let why = if points.is_empty() {
                "there is no recovery point"
            } else {
                "every point that counts is newer"
            };
            row(None, Loss::Everything, Some(why.into()))
        }
    }
}
