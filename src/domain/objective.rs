//! What was promised: RPO and RTO, for each failure.

use super::duration::seconds;
use super::scope::FailureScope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The share of an objective from which it is at risk, as a fraction of 100.
pub const AT_RISK_PERCENT: u32 = 80;

/// The objectives for one failure. `None` means that nothing was promised (`N/A`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Objective {
    /// The most data that may be lost, as time.
    #[serde(rename = "rpo_s", with = "seconds::option")]
    #[schemars(with = "Option<u64>")]
    pub rpo: Option<Duration>,
    /// The longest that recovery may take.
    #[serde(rename = "rto_s", with = "seconds::option")]
    #[schemars(with = "Option<u64>")]
    pub rto: Option<Duration>,
}

/// The objectives of a component or group, one for each failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Objectives {
    /// When the component is lost.
    pub local: Objective,
    /// When its Region is lost.
    pub region: Objective,
    /// When its account is lost.
    pub account: Objective,
}

impl Objectives {
    /// Returns the same objective for every failure.
    pub fn same(rpo: Option<Duration>, rto: Option<Duration>) -> Self {
        let objective = Objective { rpo, rto };
        Self { local: objective, region: objective, account: objective }
    }

    /// Returns the objective for `scope`.
    pub fn of(&self, scope: FailureScope) -> Objective {
        match scope {
            FailureScope::Local => self.local,
            FailureScope::Region => self.region,
            FailureScope::Account => self.account,
        }
    }

    /// Returns the objective for `scope`, to be changed.
    pub fn of_mut(&mut self, scope: FailureScope) -> &mut Objective {
        match scope {
            FailureScope::Local => &mut self.local,
            FailureScope::Region => &mut self.region,
            FailureScope::Account => &mut self.account,
        }
    }
}
