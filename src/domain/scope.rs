//! The named failures that every verdict is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is assumed to be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FailureScope {
    /// The component itself is lost or damaged.
    Local,
    /// Its Region is gone.
    Region,
    /// Its account cannot be trusted.
    Account,
}

impl FailureScope {
    /// All failures, the smallest first.
    pub const ALL: [Self; 3] = [Self::Local, Self::Region, Self::Account];

    /// Returns the name used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Region => "region",
            Self::Account => "account",
        }
    }

    /// Returns the words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Local => "component lost",
            Self::Region => "Region lost",
            Self::Account => "account lost",
        }
    }

    /// Says it as part of a sentence, behind "if" or "when".
    pub fn clause(self) -> &'static str {
        match self {
            Self::Local => "the component is lost",
            Self::Region => "its Region is lost",
            Self::Account => "its account is lost",
        }
    }
}

impl fmt::Display for FailureScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
