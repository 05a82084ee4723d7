//! How long recovery would take: the RTO side of a verdict.

use super::Verdict;
use super::loss::{Loss, RpoJudgement, against};
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed, words};
use crate::domain::estate::Component;
use crate::domain::proof::Proof;
use jiff::Timestamp;
use std::time::Duration;

/// How long it would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryTime {
    /// So long, by what was measured.
    Measured(Duration),
    /// Nobody has measured it; it takes at least so long, because that is waiting alone.
    AtLeast(Duration),
    /// It cannot be recovered at all.
    Cannot,
    /// It cannot be told.
    Unknown,
}

/// The judgement of an RTO.
#[derive(Debug, Clone, PartialEq)]
pub struct RtoJudgement {
    /// What was promised.
    pub limit: Option<Duration>,
    /// What is possible now.
    pub possible: RecoveryTime,
    /// The newest measurement.
    pub proven: Option<Proof>,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in one sentence with its figures.
    pub reason: Text,
}

/// Judges how long recovery would take.
pub(super) fn judge(
    component: &Component,
    limit: Option<Duration>,
    rpo: &RpoJudgement,
    proof: Option<&Proof>,
    now: Timestamp,
) -> RtoJudgement {
    let waiting = rpo.best.as_ref().map_or(Duration::ZERO, |best| best.retrieval);
    let possible = match (rpo.possible, proof) {
        (Loss::Everything, _) => RecoveryTime::Cannot,
        (Loss::Unknown(_), _) => RecoveryTime::Unknown,
        (Loss::Span(_) | Loss::NotApplicable, Some(proof)) => {
            RecoveryTime::Measured(waiting.saturating_add(proof.took))
        }
        (Loss::Span(_) | Loss::NotApplicable, None) => RecoveryTime::AtLeast(waiting),
    };
    settle(component, limit, possible, proof, now, None)
}

/// Turns a recovery time into a judgement; `path` says how it came about where that is not plain.
pub(super) fn settle(
    component: &Component,
    limit: Option<Duration>,
    possible: RecoveryTime,
    proof: Option<&Proof>,
    now: Timestamp,
    path: Option<&str>,
) -> RtoJudgement {
    let overdue = proof.and_then(|proof| {
        let age = elapsed(proof.at, now);
        component
            .drill_every
            .filter(|every| age > *every)
            .map(|every| format!("; last measured {} ago, due every {}", age_words(age), words(every)))
    });
    let verdict = match (limit, possible) {
        (None, _) => Verdict::NoObjective,
        (Some(_), RecoveryTime::Cannot) => Verdict::Breached,
        (Some(_), RecoveryTime::Unknown) => Verdict::Unknown,
        (Some(limit), RecoveryTime::AtLeast(floor)) if floor > limit => Verdict::Breached,
        (Some(_), RecoveryTime::AtLeast(_)) => Verdict::Unproven,
        (Some(limit), RecoveryTime::Measured(time)) => match against(time, limit) {
            Verdict::Met if overdue.is_some() => Verdict::AtRisk,
            verdict => verdict,
        },
    };
    let mut reason = match possible {
        RecoveryTime::Cannot => "it cannot be recovered: there is nothing to recover it from".to_owned(),
        RecoveryTime::Unknown => "it cannot be told what it would be recovered from".to_owned(),
        RecoveryTime::AtLeast(floor) if floor.is_zero() => "nobody has measured this recovery".to_owned(),
        RecoveryTime::AtLeast(floor) => {
            format!("nobody has measured this recovery; waiting alone takes {}", words(floor))
        }
        RecoveryTime::Measured(time) => match proof {
            Some(proof) => {
                format!(
                    "takes {}, measured {} ago ({})",
                    words(time),
                    age_words(elapsed(proof.at, now)),
                    proof.how
                )
            }
            None => format!("takes {}", words(time)),
        },
    };
    if let Some(path) = path {
        reason.push_str("; ");
        reason.push_str(path);
    }
    if let Some(limit) = limit {
        reason.push_str(&format!(", {} allowed", words(limit)));
    }
    reason.push_str(overdue.as_deref().unwrap_or_default());
    RtoJudgement { limit, possible, proven: proof.cloned(), verdict, reason: Text::new(&reason) }
}
