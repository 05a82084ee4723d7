//! `status`: verdicts and troubles.

use super::{Head, head, text};
use crate::cli::wire::Judged;
use crate::domain::Text;
use crate::domain::estate::EnvironmentClass;
use crate::domain::ids::EnvironmentName;
use crate::domain::kind::Kind;
use crate::domain::place::Place;
use crate::domain::proof::Proof;
use crate::domain::readiness::{
    Assessment, Loss, RecoveryTime, Severity, TroubleCode, Verdict, headline, troubles,
};
use crate::domain::reading::{Capability, Fact, ReadingKey, Subject};
use crate::domain::recovery_point::PointKind;
use crate::domain::scope::FailureScope;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// `status`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatusDocument {
    /// What every document begins with.
    pub head: Head,
    /// When the outage began, if that was said.
    pub since: Option<Timestamp>,
    /// The environments.
    pub environments: Vec<EnvironmentStatus>,
    /// One sentence for each failure.
    pub headlines: BTreeMap<FailureScope, Text>,
    /// The components and groups, in the order of the estate file.
    pub components: Vec<ComponentStatus>,
    /// Everything that is wrong, the worst first.
    pub troubles: Vec<TroubleStatus>,
}

/// An environment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EnvironmentStatus {
    /// Its name.
    pub name: Text,
    /// Production or not.
    pub class: EnvironmentClass,
    /// Its account.
    pub account: Text,
    /// What people call the account.
    pub account_alias: Text,
    /// Its Region.
    pub region: Text,
    /// Where it recovers to.
    pub dr_region: Option<Text>,
    /// Who we are there.
    pub identity: Option<Text>,
    /// When the shortest credential ends.
    pub credentials_expire_at: Option<Timestamp>,
}

/// A component or group.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ComponentStatus {
    /// Its name.
    pub id: Text,
    /// What it is.
    pub kind: Kind,
    /// Its environment.
    pub environment: Text,
    /// Its Region.
    pub region: Text,
    /// Who owns it.
    pub owner: Option<Text>,
    /// The judgement for each failure.
    pub failures: BTreeMap<FailureScope, FailureStatus>,
}

/// The judgement of a component for one failure.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FailureStatus {
    /// The worse of the two verdicts.
    pub verdict: Verdict,
    /// How much would be lost.
    pub rpo: RpoStatus,
    /// How long recovery would take.
    pub rto: RtoStatus,
    /// When the oldest reading behind it was read.
    pub read_at: Option<Timestamp>,
}

/// What kind of figure stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LossKind {
    /// The last so much would be lost.
    Span,
    /// All of it would be lost.
    Everything,
    /// It cannot be told.
    Unknown,
    /// There is nothing to lose.
    NotApplicable,
}

/// How much would be lost.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RpoStatus {
    /// The verdict.
    pub verdict: Verdict,
    /// What was promised.
    pub limit_s: Option<u64>,
    /// What kind of loss.
    pub loss: LossKind,
    /// How much, as time.
    pub loss_s: Option<u64>,
    /// How much by what was last known, where it cannot be told.
    pub last_known_loss_s: Option<u64>,
    /// Why, in one sentence.
    pub reason: Text,
    /// The point that would be used.
    pub point: Option<BestPointStatus>,
    /// How many points count for this failure.
    pub usable_points: usize,
    /// How many points there are where it could be looked.
    pub points: usize,
}

/// The point that would be used.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct BestPointStatus {
    /// What it is called.
    pub id: Text,
    /// What it is.
    pub kind: PointKind,
    /// Where it lies.
    pub place: Place,
    /// The moment that it would bring back.
    pub moment: Timestamp,
    /// How long it takes to become readable.
    pub retrieval_s: u64,
    /// How large it is.
    pub size_bytes: Option<u64>,
    /// When it was read.
    pub read_at: Timestamp,
}

/// What kind of time stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeKind {
    /// By what was measured.
    Measured,
    /// Nobody has measured it; waiting alone takes so long.
    AtLeast,
    /// It cannot be recovered.
    Cannot,
    /// It cannot be told.
    Unknown,
}

/// How long recovery would take.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RtoStatus {
    /// The verdict.
    pub verdict: Verdict,
    /// What was promised.
    pub limit_s: Option<u64>,
    /// What kind of time.
    pub time: TimeKind,
    /// How long.
    pub time_s: Option<u64>,
    /// The newest measurement.
    pub proven: Option<Proof>,
    /// Why, in one sentence.
    pub reason: Text,
}

/// One thing that is wrong.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TroubleStatus {
    /// How bad it is.
    pub severity: Severity,
    /// What kind it is.
    pub code: TroubleCode,
    /// The environment.
    pub environment: Text,
    /// The component.
    pub component: Option<Text>,
    /// The failure that it is about.
    pub failure: Option<FailureScope>,
    /// When it began.
    pub at: Option<Timestamp>,
    /// One sentence with its figures.
    pub says: Text,
}

/// Returns the document of `status` for `scopes`.
pub fn status(judged: &Judged, scopes: &[FailureScope]) -> StatusDocument {
    let (estate, readings) = (&judged.estate, &judged.snapshot.readings);
    let identity = |name: &EnvironmentName| {
        let key =
            ReadingKey { subject: Subject::Environment(name.clone()), capability: Capability::Identity };
        match &readings.get(&key)?.held.as_ref()?.fact {
            Fact::Identity(identity) => Some(identity.clone()),
            _ => None,
        }
    };
    StatusDocument {
        head: head(judged),
        since: judged.moment.since,
        environments: estate
            .environments
            .iter()
            .map(|environment| EnvironmentStatus {
                name: text(&environment.name),
                class: environment.class,
                account: text(&environment.account),
                account_alias: environment.account_alias.clone(),
                region: text(&environment.region),
                dr_region: environment.dr_region.as_ref().map(text),
                identity: identity(&environment.name).map(|identity| identity.who),
                credentials_expire_at: identity(&environment.name).and_then(|identity| identity.expires_at),
            })
            .collect(),
        headlines: scopes
            .iter()
            .map(|scope| (*scope, Text::new(&headline(estate, &judged.assessments, *scope, None))))
            .collect(),
        components: estate
            .components
            .iter()
            .map(|component| ComponentStatus {
                id: text(&component.id),
                kind: component.kind,
                environment: text(&component.environment),
                region: text(&component.home.region),
                owner: component.owner.clone(),
                failures: scopes
                    .iter()
                    .filter_map(|scope| {
                        Some((*scope, failure_status(judged.assessments.of(&component.id, *scope)?)))
                    })
                    .collect(),
            })
            .collect(),
        troubles: troubles(estate, readings, &judged.assessments, judged.moment)
            .into_iter()
            .filter(|trouble| trouble.scope.is_none_or(|scope| scopes.contains(&scope)))
            .map(|trouble| TroubleStatus {
                severity: trouble.severity,
                code: trouble.code,
                environment: text(&trouble.environment),
                component: trouble.component.as_ref().map(text),
                failure: trouble.scope,
                at: trouble.at,
                says: trouble.says,
            })
            .collect(),
    }
}

/// Returns a span in seconds, never less than it is.
fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

fn failure_status(assessment: &Assessment) -> FailureStatus {
    let rpo = &assessment.rpo;
    let (loss, loss_s, last_known) = match rpo.possible {
        Loss::Span(span) => (LossKind::Span, Some(whole_seconds(span)), None),
        Loss::Everything => (LossKind::Everything, None, None),
        Loss::Unknown(last) => (LossKind::Unknown, None, last.map(whole_seconds)),
        Loss::NotApplicable => (LossKind::NotApplicable, None, None),
    };
    let rto = &assessment.rto;
    let (time, time_s) = match rto.possible {
        RecoveryTime::Measured(time) => (TimeKind::Measured, Some(whole_seconds(time))),
        RecoveryTime::AtLeast(time) => (TimeKind::AtLeast, Some(whole_seconds(time))),
        RecoveryTime::Cannot => (TimeKind::Cannot, None),
        RecoveryTime::Unknown => (TimeKind::Unknown, None),
    };
    FailureStatus {
        verdict: assessment.verdict,
        rpo: RpoStatus {
            verdict: rpo.verdict,
            limit_s: rpo.limit.map(|limit| limit.as_secs()),
            loss,
            loss_s,
            last_known_loss_s: last_known,
            reason: rpo.reason.clone(),
            point: rpo.best.as_ref().map(|best| BestPointStatus {
                id: text(&best.id),
                kind: best.kind,
                place: best.place.clone(),
                moment: best.moment,
                retrieval_s: best.retrieval.as_secs(),
                size_bytes: best.size_bytes,
                read_at: best.read_at,
            }),
            usable_points: rpo.counts.0,
            points: rpo.counts.1,
        },
        rto: RtoStatus {
            verdict: rto.verdict,
            limit_s: rto.limit.map(|limit| limit.as_secs()),
            time,
            time_s,
            proven: rto.proven.clone(),
            reason: rto.reason.clone(),
        },
        read_at: assessment.read_at,
    }
}
