//! A step as it was planned: what will be called, on what, and under which plan.

use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::domain::estate::EnvironmentClass;
use crate::domain::ids::ComponentId;

/// The SHA-256 of a plan file's bytes, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PlanHash(Text);

impl PlanHash {
    /// Returns the hash written as 64 hex digits; `None` for anything else.
    pub fn parse(hex: &str) -> Option<Self> {
        let fits = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        fits.then(|| Self(Text::new(hex)))
    }

    /// Returns its first four digits, which a consent phrase ends with.
    pub fn short(&self) -> &str {
        self.0.as_str().get(..4).unwrap_or_default()
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// The plan that it is part of.
    pub plan: PlanHash,
    /// The component that it changes.
    pub component: ComponentId,
    /// The class of its environment.
    pub environment: EnvironmentClass,
    /// What it may do to the world.
    pub class: ActionClass,
    /// The call, as it is shown.
    pub call: Text,
}
