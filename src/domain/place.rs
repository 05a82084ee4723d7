//! Where something lies: an account and a Region.

use super::ids::{AccountId, Region};
use super::scope::FailureScope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An account and a Region of it. Things outside AWS (a Git remote) have a Region or account of their own name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
}

impl Place {
    /// Returns the place named so.
    pub fn new(account: &str, region: &str) -> Self {
        Self { account: account.into(), region: region.into() }
    }

    /// Says whether this place is still there when `scope` strikes a component at `home`.
    pub fn survives(&self, scope: FailureScope, home: &Place) -> bool {
        match scope {
            FailureScope::Local => true,
            FailureScope::Region => self.region != home.region,
            FailureScope::Account => self.account != home.account,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.region, self.account)
    }
}

/// The name of the Region of things that belong to none, such as DNS records.
pub const GLOBAL: &str = "global";
/// The name of the account and Region of things outside AWS, such as a Git remote.
pub const OUTSIDE: &str = "outside";
