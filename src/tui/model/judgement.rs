//! The judgement of what was read, made off the screen's thread because an estate may have a hundred thousand points.

use crate::collector::Snapshot;
use crate::domain::Text;
use crate::domain::estate::Estate;
use crate::domain::ids::ComponentId;
use crate::domain::readiness::{
    Assessments, JudgedPoint, Moment, Trouble, Usability, assess, judge_points, sources, troubles,
};
use crate::domain::recovery_point::RecoveryPoint;
use crate::domain::scope::FailureScope;
use jiff::Timestamp;
use std::sync::Arc;

/// What is to be judged.
#[derive(Debug, Clone)]
pub struct JudgeRequest {
    /// The estate.
    pub estate: Arc<Estate>,
    /// What was read.
    pub snapshot: Arc<Snapshot>,
    /// When.
    pub now: Timestamp,
    /// The component whose points are wanted one by one.
    pub detail: Option<ComponentId>,
}

impl PartialEq for JudgeRequest {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.snapshot, &other.snapshot) && self.now == other.now && self.detail == other.detail
    }
}

/// What follows from what was read.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// The verdicts.
    pub assessments: Assessments,
    /// Everything that is wrong.
    pub troubles: Vec<Trouble>,
    /// The points of one component.
    pub detail: Option<Detail>,
}

/// The points of one component, the newest first.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The component.
    pub component: ComponentId,
    /// Its points.
    pub points: Vec<DetailPoint>,
}

/// A point and what it is worth under each failure.
#[derive(Debug, Clone)]
pub struct DetailPoint {
    /// The point.
    pub point: RecoveryPoint,
    /// The moment that it would bring back.
    pub moment: Option<Timestamp>,
    /// When it was read.
    pub read_at: Timestamp,
    /// Its worth, in the order of [`FailureScope::ALL`].
    pub worth: [Worth3; 3],
}

/// Whether a point counts, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worth3 {
    /// It does.
    Counts,
    /// It does not.
    Not(Text),
    /// It cannot be told.
    Unclear(Text),
}

/// Judges.
pub fn judge(request: &JudgeRequest) -> Judgement {
    let moment = Moment::at(request.now);
    let readings = &request.snapshot.readings;
    let assessments = assess(&request.estate, readings, moment);
    let troubles = troubles(&request.estate, readings, &assessments, moment);
    let detail = request.detail.as_ref().and_then(|id| detail(request, id, moment));
    Judgement { assessments, troubles, detail }
}

fn detail(request: &JudgeRequest, id: &ComponentId, moment: Moment) -> Option<Detail> {
    let (estate, readings) = (&request.estate, &request.snapshot.readings);
    let component = estate.component(id)?;
    let sources = sources(component, readings, &estate.cadences, FailureScope::Local, moment.now);
    // Every place survives the local failure, so the three judgements run over the same points in the same order.
    let judge = |scope| judge_points(component, &sources, readings, &estate.cadences, scope, moment);
    let [local, region, account] = FailureScope::ALL.map(judge);
    let mut points: Vec<DetailPoint> = local
        .into_iter()
        .zip(region)
        .zip(account)
        .map(|((local, region), account)| DetailPoint {
            moment: local.moment,
            read_at: local.read_at,
            worth: [worth(&local), worth(&region), worth(&account)],
            point: local.point.into_owned(),
        })
        .collect();
    points.sort_by(|a, b| b.moment.cmp(&a.moment).then_with(|| a.point.id.cmp(&b.point.id)));
    Some(Detail { component: id.clone(), points })
}

fn worth(point: &JudgedPoint<'_>) -> Worth3 {
    match &point.usability {
        Usability::Usable if point.fresh => Worth3::Counts,
        Usability::Usable => {
            Worth3::Unclear("it was read too long ago, or its place no longer answers".into())
        }
        Usability::Unusable(why) => Worth3::Not(Text::new(&why.to_string())),
        Usability::Unclear(why) => Worth3::Unclear(Text::new(&why.to_string())),
    }
}
