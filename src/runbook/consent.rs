//! How strongly a person must agree, and the phrase that is typed.

use super::plan::{Mode, Plan, PlanHash, PlannedStep, Undo};
use crate::domain::action::ActionClass;
use crate::domain::estate::EnvironmentClass;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How strongly a person agreed, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Nobody was asked.
    None,
    /// Enter was pressed on the plan.
    Enter,
    /// Enter was pressed on a screen that names the calls (and cost).
    Confirmed,
    /// The phrase was typed.
    Typed,
    /// The phrase was typed, and a second person signed.
    TypedAndSigned,
}

/// Returns how strongly a person must agree to a step of `class` in an environment of `environment`.
pub fn required(class: ActionClass, environment: EnvironmentClass) -> Strength {
    let production = environment == EnvironmentClass::Production;
    match class {
        ActionClass::Read => Strength::None,
        ActionClass::Additive => Strength::Enter,
        ActionClass::Mutating if production => Strength::Confirmed,
        ActionClass::Mutating => Strength::Enter,
        ActionClass::Destructive if production => Strength::Typed,
        ActionClass::Destructive => Strength::Confirmed,
        ActionClass::Irreversible | ActionClass::DataLoss if production => Strength::TypedAndSigned,
        ActionClass::Irreversible | ActionClass::DataLoss => Strength::Typed,
    }
}

/// That somebody agreed to a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// The plan that was shown.
    pub plan: PlanHash,
    /// How strongly.
    pub strength: Strength,
}

impl Consent {
    /// Says whether it is a consent to something of `class` in `plan`: the same plan, and strong enough.
    pub fn covers(&self, plan: &PlanHash, class: ActionClass, environment: EnvironmentClass) -> bool {
        self.plan == *plan && self.strength >= required(class, environment)
    }
}

/// Returns the phrase that is typed: `<component> <account alias> <4 characters of the plan hash>`, with the estate's own
/// words before it in production. A plan that is about no component is named by its runbook.
pub fn phrase(plan: &Plan, hash: &PlanHash) -> String {
    let about = plan.component.as_ref().map_or(plan.runbook.id.as_str(), |component| component.as_str());
    let phrase = format!("{about} {} {}", plan.account_alias, hash.short());
    match &plan.phrase_prefix {
        Some(prefix) if plan.class == EnvironmentClass::Production => format!("{prefix} {phrase}"),
        _ => phrase,
    }
}

/// Returns the phrase that is typed to take steps back: what agreed to the plan does not agree to this.
pub fn undo_phrase(plan: &Plan, hash: &PlanHash) -> String {
    format!("UNDO {}", phrase(plan, hash))
}

/// Returns how strongly a person must agree to a whole plan: as strongly as to the worst of its steps.
pub fn required_for(plan: &Plan) -> Strength {
    match plan.mode {
        Mode::Tabletop => Strength::None,
        Mode::Recover | Mode::Drill => required(plan.worst(), plan.class),
    }
}

/// Returns how strongly a person must agree to taking these steps back.
pub fn required_to_undo<'a>(
    steps: impl IntoIterator<Item = &'a PlannedStep>,
    class: EnvironmentClass,
) -> Strength {
    let worst = steps.into_iter().filter_map(|step| match &step.undo {
        Undo::Calls { class, .. } => Some(*class),
        Undo::Nothing | Undo::Impossible(_) => None,
    });
    worst.max().map_or(Strength::None, |worst| required(worst, class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_grows_with_the_class_and_production_never_asks_for_less() {
        for pair in ActionClass::ALL.windows(2) {
            for environment in [EnvironmentClass::Production, EnvironmentClass::NonProduction] {
                assert!(required(pair[0], environment) <= required(pair[1], environment), "{pair:?}");
            }
        }
        for class in ActionClass::ALL {
            let (strict, lax) = (EnvironmentClass::Production, EnvironmentClass::NonProduction);
            assert!(required(class, strict) >= required(class, lax), "{class:?}");
        }
    }
}
