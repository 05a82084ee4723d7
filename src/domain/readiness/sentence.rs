//! The one sentence that says it all.

use super::{Assessment, Assessments, Loss, RecoveryTime, Verdict};
use crate::domain::duration::words;
use crate::domain::estate::Estate;
use crate::domain::ids::EnvironmentName;
use crate::domain::scope::FailureScope;

/// How many components and groups have which verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// All components and groups.
    pub all: usize,
    /// By verdict, in the order of [`Verdict::ALL`].
    pub by_verdict: [usize; 6],
}

impl Tally {
    /// Returns how many have `verdict`.
    pub fn of(&self, verdict: Verdict) -> usize {
        Verdict::ALL
            .iter()
            .zip(self.by_verdict)
            .find(|(other, _)| **other == verdict)
            .map_or(0, |(_, count)| count)
    }
}

/// Counts the verdicts under `scope`, in one environment or in all.
pub fn tally(
    estate: &Estate,
    assessments: &Assessments,
    scope: FailureScope,
    environment: Option<&EnvironmentName>,
) -> Tally {
    let mut tally = Tally::default();
    for assessment in counted(estate, assessments, scope, environment) {
        tally.all += 1;
        for (verdict, count) in Verdict::ALL.iter().zip(&mut tally.by_verdict) {
            *count += usize::from(*verdict == assessment.verdict);
        }
    }
    tally
}

fn counted<'a>(
    estate: &'a Estate,
    assessments: &'a Assessments,
    scope: FailureScope,
    environment: Option<&'a EnvironmentName>,
) -> impl Iterator<Item = &'a Assessment> {
    estate
        .components
        .iter()
        .filter(move |component| environment.is_none_or(|environment| component.environment == *environment))
        .filter_map(move |component| assessments.of(&component.id, scope))
}

/// Says it all: `3 of 14 cannot be recovered in time. Worst: orders-db loses 26 h if us-east-2 is gone.`
pub fn headline(
    estate: &Estate,
    assessments: &Assessments,
    scope: FailureScope,
    environment: Option<&EnvironmentName>,
) -> String {
    let tally = tally(estate, assessments, scope, environment);
    let (breached, unknown) = (tally.of(Verdict::Breached), tally.of(Verdict::Unknown));
    if tally.all == 0 {
        return "The estate has no components.".to_owned();
    }
    let worst = counted(estate, assessments, scope, environment)
        .filter(|assessment| assessment.verdict == Verdict::Breached)
        .max_by(|a, b| severity(a).cmp(&severity(b)).then_with(|| b.component.cmp(&a.component)));
    let mut said = match (breached, unknown) {
        (0, 0) => {
            let shown = tally.of(Verdict::Met);
            let unproven = tally.of(Verdict::Unproven);
            let at_risk = tally.of(Verdict::AtRisk);
            let promised = tally.all - tally.of(Verdict::NoObjective);
            if promised == 0 {
                "Nothing is promised for this failure.".to_owned()
            } else if shown == promised {
                let bare = counted(estate, assessments, scope, environment)
                    .filter(|assessment| assessment.verdict == Verdict::NoObjective)
                    .filter(|assessment| assessment.rpo.possible == Loss::Everything)
                    .count();
                let rest = match (tally.all - promised, bare) {
                    (_, 0) => String::new(),
                    (none, bare) => {
                        format!(" Nothing is promised for {none}; {bare} of them would lose everything.")
                    }
                };
                format!("All {promised} with an objective can be recovered in time.{rest}")
            } else {
                let mut rest = Vec::new();
                if at_risk > 0 {
                    rest.push(format!("{at_risk} at risk"));
                }
                if unproven > 0 {
                    rest.push(format!("{unproven} never measured"));
                }
                format!("None of {} is known to miss its objective; {}.", tally.all, rest.join(", "))
            }
        }
        (0, unknown) => {
            let verb = if unknown == 1 { "is" } else { "are" };
            format!("{unknown} of {} {verb} unknown; none is known to miss its objective.", tally.all)
        }
        (breached, 0) => format!("{breached} of {} cannot be recovered in time.", tally.all),
        (breached, unknown) => {
            format!("{breached} of {} cannot be recovered in time, {unknown} unknown.", tally.all)
        }
    };
    if let Some(worst) = worst {
        let what = match (worst.rpo.verdict, worst.rpo.possible, worst.rto.possible) {
            (Verdict::Breached, Loss::Everything, _) => "loses everything".to_owned(),
            (Verdict::Breached, Loss::Span(span), _) => format!("loses {}", words(span)),
            (_, _, RecoveryTime::Measured(time) | RecoveryTime::AtLeast(time)) => {
                format!("takes {}", words(time))
            }
            _ => "cannot be recovered".to_owned(),
        };
        let home = estate.component(&worst.component).map(|component| &component.home);
        let when = match (scope, home) {
            (FailureScope::Region, Some(home)) => format!(" if {} is gone", home.region),
            (FailureScope::Account, Some(home)) => format!(" if account {} cannot be trusted", home.account),
            _ => String::new(),
        };
        said.push_str(&format!(" Worst: {} {what}{when}.", worst.component));
    }
    said
}

/// Returns how bad a breach is: losing everything first, then by how many times the limit is exceeded.
fn severity(assessment: &Assessment) -> (bool, u128) {
    let times = |possible: std::time::Duration, limit: Option<std::time::Duration>| {
        let limit = limit.map_or(1, |limit| limit.as_secs().max(1));
        u128::from(possible.as_secs()) * 1000 / u128::from(limit)
    };
    let loss = match assessment.rpo.possible {
        Loss::Span(span) if assessment.rpo.verdict == Verdict::Breached => times(span, assessment.rpo.limit),
        _ => 0,
    };
    let time = match assessment.rto.possible {
        RecoveryTime::Measured(time) | RecoveryTime::AtLeast(time) => times(time, assessment.rto.limit),
        RecoveryTime::Cannot | RecoveryTime::Unknown => 0,
    };
    let all = assessment.rpo.verdict == Verdict::Breached && assessment.rpo.possible == Loss::Everything;
    (all || assessment.rto.possible == RecoveryTime::Cannot, loss.max(time))
}
