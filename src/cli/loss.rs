//! What a plan would lose: the newest point that it can take, and what is said of the one that it takes.

use crate::domain::estate::Estate;
use crate::domain::ids::ComponentId;
use crate::runbook::definition::{ParameterKind, Runbook};
use crate::runbook::plan::Plan;

/// Says beside each step how old the data is that it brings back, and whether something newer is there.
pub(super) fn tell_loss(
    plan: &mut Plan,
    runbook: &Runbook,
    estate: &Estate,
    readings: &crate::domain::reading::Readings,
    moment: crate::domain::readiness::Moment,
) {
    use crate::domain::duration::{elapsed, words};
    use crate::domain::readiness::{Usability, judge_points, sources};
    for parameter in &runbook.parameters {
        let ParameterKind::Point { of } = &parameter.kind else { continue };
        let value = |name: &str| plan.parameters.get(name).and_then(serde_json::Value::as_str);
        let (Some(id), Some(component)) = (value(&parameter.name), value(of)) else { continue };
        let Some(component) = estate.component(&ComponentId::new(component)) else { continue };
        let scope = plan.failure.unwrap_or(crate::domain::scope::FailureScope::Local);
        let sources = sources(component, readings, &estate.cadences, scope, moment.now);
        let judged = judge_points(component, &sources, readings, &estate.cadences, scope, moment);
        let own =
            judged.iter().find(|judged| judged.point.id.as_str() == id).and_then(|judged| judged.moment);
        let Some(own) = own else { continue };
        let usable = judged.iter().filter(|judged| judged.usability == Usability::Usable);
        let newest = usable.max_by_key(|judged| judged.moment);
        let until = moment.since.unwrap_or(moment.now);
        let mut says = format!(
            "it brings back what was there at {}: {} before {} would be lost",
            own.strftime("%Y-%m-%d %H:%M:%S UTC"),
            words(elapsed(own, until)),
            if moment.since.is_some() { "the outage" } else { "now" },
        );
        if let Some((newest, at)) =
            newest.and_then(|judged| Some((judged, judged.moment?))).filter(|(_, at)| *at > own)
        {
            says.push_str(&format!(
                "; the {} {} goes back to {} only",
                newest.point.kind.words(),
                newest.point.id,
                at.strftime("%Y-%m-%d %H:%M:%S UTC")
            ));
        }
        let step = plan.steps.iter_mut().find(|step| step.component.as_ref() == Some(&component.id));
        if let Some(step) = step {
            step.notes.insert(0, says.into());
        }
    }
}

/// Returns the newest usable point that a restore takes by its name, where its component lives.
pub(super) fn newest(
    estate: &Estate,
    component: &ComponentId,
    readings: &crate::domain::reading::Readings,
    scope: crate::domain::scope::FailureScope,
    moment: crate::domain::readiness::Moment,
) -> Option<String> {
    use crate::domain::readiness::{Usability, judge_points, sources};
    use crate::domain::recovery_point::PointKind;
    let component = estate.component(component)?;
    let sources = sources(component, readings, &estate.cadences, scope, moment.now);
    let judged = judge_points(component, &sources, readings, &estate.cadences, scope, moment);
    let named = |kind: PointKind| {
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
    let fits = judged
        .iter()
        .filter(|judged| judged.usability == Usability::Usable && named(judged.point.kind))
        // Where its own Region or account is what is lost, what survives lies elsewhere.
        .filter(|judged| {
            scope != crate::domain::scope::FailureScope::Local || judged.point.place == component.home
        });
    fits.max_by_key(|judged| judged.moment).map(|judged| judged.point.id.to_string())
}
