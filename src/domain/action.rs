//! The classes of action, from looking to losing data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an action may do to the world, the mildest first; derived from the calls it makes, never from prose (C6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ActionClass {
    /// Changes nothing.
    Read,
    /// Creates something, and may cost.
    Additive,
    /// Changes something, and can be undone.
    Mutating,
    /// Deletes something that can be made again.
    Destructive,
    /// Cannot be taken back.
    Irreversible,
    /// Cannot be taken back, and data is lost.
    DataLoss,
}

impl ActionClass {
    /// All classes, the mildest first.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Additive, Self::Mutating, Self::Destructive, Self::Irreversible, Self::DataLoss];

    /// Returns its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Additive => "additive",
            Self::Mutating => "mutating",
            Self::Destructive => "destructive",
            Self::Irreversible => "irreversible",
            Self::DataLoss => "data-loss",
        }
    }
}
