//! The judgement of what was read, made off the screen's thread because an estate may have a hundred thousand points.

use super::points::{self, PointsJudged, PointsWanted};
use super::terraform::{Terraform, terraform};
use crate::collector::Snapshot;
use crate::domain::Text;
use crate::domain::estate::Estate;
use crate::domain::ids::ComponentId;
use crate::domain::readiness::{
    Assessments, JudgedPoint, Moment, Trouble, Usability, assess, judge_points, sources, troubles,
};
use crate::domain::reading::ReadingKey;
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
    /// What pane 2 wants, while it is shown.
    pub points: Option<PointsWanted>,
    /// What was judged before: what is still true of it is not judged again.
    pub known: Arc<Judgement>,
    /// The state that is looked at.
    pub looked_at: Option<ReadingKey>,
}

impl PartialEq for JudgeRequest {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.snapshot, &other.snapshot)
            && self.now == other.now
            && self.detail == other.detail
            && self.points == other.points
            && self.looked_at == other.looked_at
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
    /// What pane 2 shows.
    pub points: Option<Arc<PointsJudged>>,
    /// Terraform's locks and states.
    pub terraform: Arc<Terraform>,
    /// What all of it is of, and when it was judged.
    of: Option<(Arc<Snapshot>, Timestamp)>,
}

impl Judgement {
    fn is_of(&self, request: &JudgeRequest) -> bool {
        self.of
            .as_ref()
            .is_some_and(|(snapshot, now)| Arc::ptr_eq(snapshot, &request.snapshot) && *now == request.now)
    }
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
    let (assessments, troubles) = if request.known.is_of(request) {
        (request.known.assessments.clone(), request.known.troubles.clone())
    } else {
        let assessments = assess(&request.estate, readings, moment);
        let troubles = troubles(&request.estate, readings, &assessments, moment);
        (assessments, troubles)
    };
    let detail = request.detail.as_ref().and_then(|id| detail(request, id, moment));
    let known = request.known.points.as_deref();
    let points = request.points.as_ref().map(|wanted| Arc::new(points::judge(request, wanted, known)));
    let of = Some((request.snapshot.clone(), request.now));
    let looked_at = request.looked_at.as_ref();
    let terraform = terraform(&request.estate, readings, request.now, looked_at, &request.known.terraform);
    Judgement { assessments, troubles, detail, points, terraform, of }
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
