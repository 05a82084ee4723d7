//! The verdicts and their order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is said of an objective. The order is that of trouble, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing was promised.
    NoObjective,
    /// It would be met.
    Met,
    /// A recovery time is claimed that nobody has measured.
    Unproven,
    /// It would be met, but barely: from 80 % of the objective, or what protects it has stopped moving.
    AtRisk,
    /// It cannot be told: a read failed or is too old.
    Unknown,
    /// It would be missed.
    Breached,
}

impl Verdict {
    /// All verdicts, the best first.
    pub const ALL: [Self; 6] =
        [Self::NoObjective, Self::Met, Self::Unproven, Self::AtRisk, Self::Unknown, Self::Breached];

    /// Returns the worse of two.
    pub fn worse(self, other: Self) -> Self {
        self.max(other)
    }

    /// Returns the name used in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoObjective => "no_objective",
            Self::Met => "met",
            Self::Unproven => "unproven",
            Self::AtRisk => "at_risk",
            Self::Unknown => "unknown",
            Self::Breached => "breached",
        }
    }

    /// Returns the word shown to people.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoObjective => "no objective",
            Self::Met => "met",
            Self::Unproven => "unproven",
            Self::AtRisk => "at risk",
            Self::Unknown => "unknown",
            Self::Breached => "breached",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
