//! How strongly a person must agree, and the phrase that is typed.

use super::plan::PlanHash;
use crate::domain::action::ActionClass;
use crate::domain::estate::{Environment, EnvironmentClass};
use crate::domain::ids::ComponentId;

/// How strongly a person agreed, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// Returns the phrase that is typed: `<component> <account alias> <4 characters of the plan hash>`.
pub fn phrase(component: &ComponentId, environment: &Environment, plan: &PlanHash) -> String {
    let phrase = format!("{component} {} {}", environment.account_alias, plan.short());
    match &environment.phrase_prefix {
        Some(prefix) if environment.class == EnvironmentClass::Production => format!("{prefix} {phrase}"),
        _ => phrase,
    }
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
