//! Groups and services: judged by what they consist of and depend on.

use super::loss::{Loss, RpoJudgement, against};
use super::time::{self, RecoveryTime};
use super::{Assessment, Assessments, Moment, Verdict};
use crate::domain::Text;
use crate::domain::duration::words;
use crate::domain::estate::Component;
use crate::domain::ids::ComponentId;
use crate::domain::kind::Kind;
use crate::domain::proof;
use crate::domain::reading::Readings;
use crate::domain::scope::FailureScope;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Judges a group by its members, or a service by what it depends on.
pub(super) fn assess<'a>(
    component: &'a Component,
    scope: FailureScope,
    by_id: &BTreeMap<&'a ComponentId, &'a Component>,
    judged: &Assessments,
    readings: &Readings,
    moment: Moment,
) -> Assessment {
    // A group is its members; a service is worth no more than everything it needs, however far down.
    let parts: Vec<&ComponentId> = match component.kind {
        Kind::Group => component.members.iter().collect(),
        _ => needs(component, by_id).into_iter().collect(),
    };
    let assessments: Vec<&Assessment> = parts.iter().filter_map(|id| judged.of(id, scope)).collect();
    let complete = assessments.len() == parts.len();
    let objective = component.objectives.of(scope);
    let rpo = worst_loss(&assessments, complete, objective.rpo);

    let proofs = super::proofs(component, readings);
    let proof = proof::newest(&proofs, scope);
    let path = critical_path(&parts, by_id, judged, scope);
    let possible = match (path.time, proof) {
        (RecoveryTime::Cannot, _) => RecoveryTime::Cannot,
        _ if !complete => RecoveryTime::Unknown,
        (RecoveryTime::Unknown, _) => RecoveryTime::Unknown,
        // Measured as a whole stands for parts that were not, but never for less than waiting alone takes.
        (RecoveryTime::AtLeast(sum) | RecoveryTime::Measured(sum), Some(proof)) => {
            RecoveryTime::Measured(sum.max(proof.took))
        }
        // A service's parts are not its own start.
        (RecoveryTime::Measured(sum), None) if component.kind == Kind::Service => RecoveryTime::AtLeast(sum),
        (time, _) => time,
    };
    let said = (!path.names.is_empty()).then(|| format!("the longest way is {}", path.names.join(", then ")));
    let rto = time::settle(component, objective.rto, possible, proof, moment.now, said.as_deref());
    Assessment {
        component: component.id.clone(),
        scope,
        verdict: rpo.verdict.worse(rto.verdict),
        rpo,
        rto,
        read_at: assessments.iter().filter_map(|assessment| assessment.read_at).min(),
    }
}

fn worst_loss(parts: &[&Assessment], complete: bool, limit: Option<Duration>) -> RpoJudgement {
    let mut worst: Option<(&Assessment, Duration)> = None;
    let mut unknown = None;
    let mut everything = None;
    for part in parts {
        match part.rpo.possible {
            Loss::Everything => everything = everything.or(Some(*part)),
            Loss::Unknown(_) => unknown = unknown.or(Some(*part)),
            Loss::Span(span) if worst.is_none_or(|(_, known)| span > known) => worst = Some((*part, span)),
            Loss::Span(_) | Loss::NotApplicable => {}
        }
    }
    let known = worst.map(|(_, span)| span);
    let stopped = parts.iter().any(|part| part.rpo.stopped);
    let (possible, verdict, reason) = match (everything, unknown, worst) {
        (Some(part), _, _) => {
            (Loss::Everything, Verdict::Breached, format!("{} would be lost entirely", part.component))
        }
        // A part that is known to lose too much is a breach, whatever the unknown ones would say.
        (None, Some(part), _) if limit.is_none_or(|limit| known.is_none_or(|known| known <= limit)) => {
            (Loss::Unknown(known), Verdict::Unknown, format!("{} is unknown", part.component))
        }
        (None, unknown, Some((part, span))) if complete || limit.is_some_and(|limit| span > limit) => {
            let verdict = limit.map_or(Verdict::NoObjective, |limit| against(span, limit));
            let verdict = if verdict == Verdict::Met && stopped { Verdict::AtRisk } else { verdict };
            let said = if span.is_zero() { "nothing".into() } else { format!("the last {}", words(span)) };
            let of = if unknown.is_some() || !complete { " of what is known" } else { "" };
            (Loss::Span(span), verdict, format!("{} loses the most{of}: {said}", part.component))
        }
        _ if complete
            && unknown.is_none()
            && parts.iter().all(|part| part.rpo.possible == Loss::NotApplicable) =>
        {
            // Nothing in it keeps data. A promise about data then has nothing that could show it.
            (Loss::NotApplicable, Verdict::Unknown, "nothing is known of what it would lose".to_owned())
        }
        _ => (Loss::Unknown(known), Verdict::Unknown, "not all of its parts are known".to_owned()),
    };
    RpoJudgement {
        limit,
        possible,
        verdict: if limit.is_some() { verdict } else { Verdict::NoObjective },
        reason: Text::new(&match limit {
            Some(limit) => format!("{reason}, {} allowed", words(limit)),
            None => reason,
        }),
        best: None,
        stopped,
        counts: (0, 0),
    }
}

/// Returns everything that `component` needs, directly or through others.
fn needs<'a>(
    component: &'a Component,
    by_id: &BTreeMap<&'a ComponentId, &'a Component>,
) -> BTreeSet<&'a ComponentId> {
    let mut all = BTreeSet::new();
    let mut next: Vec<&ComponentId> = component.depends_on.iter().collect();
    while let Some(id) = next.pop() {
        if all.insert(id)
            && let Some(needed) = by_id.get(id)
        {
            next.extend(needed.depends_on.iter().chain(&needed.members));
        }
    }
    all
}

struct Path {
    time: RecoveryTime,
    names: Vec<String>,
}

/// Returns the longest way through `parts`, each waiting for those of `parts` that it depends on.
fn critical_path<'a>(
    parts: &[&'a ComponentId],
    by_id: &BTreeMap<&'a ComponentId, &'a Component>,
    judged: &Assessments,
    scope: FailureScope,
) -> Path {
    let mut ends: BTreeMap<&ComponentId, (Duration, Option<&ComponentId>)> = BTreeMap::new();
    let mut worst = RecoveryTime::Measured(Duration::ZERO);
    let graph = parts
        .iter()
        .filter_map(|id| by_id.get(id))
        .map(|part| {
            // What a service or group needs is in its own time already.
            let own = matches!(part.kind, Kind::Service | Kind::Group);
            let needs = if own { BTreeSet::new() } else { needs(part, by_id) };
            (&part.id, needs.into_iter().filter(|id| parts.contains(id)).collect())
        })
        .collect();
    for id in crate::domain::dependency::order(&graph).unwrap_or_default() {
        let own = judged.of(id, scope).map_or(RecoveryTime::Unknown, |assessment| assessment.rto.possible);
        let needs = graph.get(id).map_or([].as_slice(), Vec::as_slice);
        let before = needs.iter().filter_map(|need| ends.get(need).map(|end| (end.0, *need))).max();
        let spent = match own {
            RecoveryTime::Measured(time) | RecoveryTime::AtLeast(time) => time,
            RecoveryTime::Cannot | RecoveryTime::Unknown => Duration::ZERO,
        };
        let start = before.map_or(Duration::ZERO, |(time, _)| time);
        ends.insert(id, (start.saturating_add(spent), before.map(|(_, need)| need)));
        worst = worse(worst, own);
    }
    let Some((&last, &(longest, _))) = ends.iter().max_by_key(|(_, (time, _))| *time) else {
        return Path { time: worst, names: Vec::new() };
    };
    let time = match worst {
        RecoveryTime::Measured(_) => RecoveryTime::Measured(longest),
        RecoveryTime::AtLeast(_) => RecoveryTime::AtLeast(longest),
        other => other,
    };
    let mut names = Vec::new();
    let mut next = (!longest.is_zero()).then_some(last);
    while let Some(id) = next {
        let before = ends.get(id).and_then(|(_, before)| *before);
        let start = before.and_then(|need| ends.get(need)).map_or(Duration::ZERO, |(time, _)| *time);
        let end = ends.get(id).map_or(Duration::ZERO, |(time, _)| *time);
        names.push(format!("{id} {}", words(end.saturating_sub(start))));
        next = before.filter(|need| ends.get(need).is_some_and(|(time, _)| !time.is_zero()));
    }
    names.reverse();
    Path { time, names }
}

/// Returns the kind of time that the whole has when one of its parts has `part`.
fn worse(whole: RecoveryTime, part: RecoveryTime) -> RecoveryTime {
    let rank = |time: &RecoveryTime| match time {
        RecoveryTime::Measured(_) => 0,
        RecoveryTime::AtLeast(_) => 1,
        RecoveryTime::Unknown => 2,
        RecoveryTime::Cannot => 3,
    };
    if rank(&part) > rank(&whole) { part } else { whole }
}
