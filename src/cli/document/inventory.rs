//! `points`: what there is to recover from.

use super::{Head, head, text};
use crate::cli::wire::Judged;
use crate::domain::Text;
use crate::domain::place::Place;
use crate::domain::readiness::{Usability, judge_points, sources};
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::scope::FailureScope;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// `points`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PointsDocument {
    /// What every document begins with.
    pub head: Head,
    /// Every point, by component, the newest first.
    pub points: Vec<PointStatusDocument>,
    /// Reads that brought none.
    pub missing: Vec<MissingRead>,
}

/// A point and what it is worth under each failure.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PointStatusDocument {
    /// The component.
    pub component: Text,
    /// The point.
    pub point: RecoveryPoint,
    /// The moment that it would bring back.
    pub moment: Option<Timestamp>,
    /// When it was read.
    pub read_at: Timestamp,
    /// Whether that reading can be relied on.
    pub fresh: bool,
    /// Whether it counts, by failure: true, false, or null where that cannot be told.
    pub usable: BTreeMap<FailureScope, Option<bool>>,
    /// Why it does not count, by failure.
    pub why_not: BTreeMap<FailureScope, Text>,
}

/// A read that brought nothing that can be relied on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MissingRead {
    /// The component.
    pub component: Text,
    /// Where it was asked.
    pub place: Place,
    /// Why.
    pub why: Text,
}

/// Returns the document of `points` for the components that `wanted` accepts.
pub fn points(judged: &Judged, wanted: impl Fn(&str) -> bool) -> PointsDocument {
    let (estate, readings, moment) = (&judged.estate, &judged.snapshot.readings, judged.moment);
    let mut document = PointsDocument { head: head(judged), points: Vec::new(), missing: Vec::new() };
    for component in estate.components.iter().filter(|component| wanted(component.id.as_str())) {
        let local = sources(component, readings, &estate.cadences, FailureScope::Local, moment.now);
        for source in local.iter().filter(|source| !source.whole) {
            document.missing.push(MissingRead {
                component: text(&component.id),
                place: source.place.clone(),
                why: source.why_not.clone().unwrap_or_default(),
            });
        }
        // All places survive the local failure, so the three judgements run over the same points in the same order.
        let judge = |scope| judge_points(component, &local, readings, &estate.cadences, scope, moment);
        let [nearest, region, account] = FailureScope::ALL.map(judge);
        let mut rows: Vec<_> = nearest
            .into_iter()
            .zip(region)
            .zip(account)
            .map(|((local, region), account)| {
                let mut row = PointStatusDocument {
                    component: text(&component.id),
                    moment: local.moment,
                    read_at: local.read_at,
                    fresh: local.fresh,
                    usable: BTreeMap::new(),
                    why_not: BTreeMap::new(),
                    point: local.point.into_owned(),
                };
                let each = [local.usability, region.usability, account.usability];
                for (scope, usability) in FailureScope::ALL.into_iter().zip(each) {
                    let (usable, why) = match usability {
                        Usability::Usable => (Some(true), None),
                        Usability::Unusable(why) => (Some(false), Some(why)),
                        Usability::Unclear(why) => (None, Some(why)),
                    };
                    row.usable.insert(scope, usable);
                    row.why_not.extend(why.map(|why| (scope, text(why))));
                }
                row
            })
            .collect();
        rows.sort_by(|a, b| b.moment.cmp(&a.moment).then_with(|| a.point.id.cmp(&b.point.id)));
        document.points.extend(rows);
    }
    document
}
