//! What was measured: drills and real recoveries.

use super::Text;
use super::duration::seconds;
use super::scope::FailureScope;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One measured recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// The failure that was recovered from.
    pub scope: FailureScope,
    /// When it was measured.
    pub at: Timestamp,
    /// How long it took until its probes were green.
    #[serde(rename = "took_s", with = "seconds")]
    #[schemars(with = "u64")]
    pub took: Duration,
    /// How it was measured: a drill, a run, a ticket.
    pub how: Text,
}

/// Returns the newest proof for `scope`.
pub fn newest(proofs: &[Proof], scope: FailureScope) -> Option<&Proof> {
    proofs.iter().filter(|proof| proof.scope == scope).max_by_key(|proof| proof.at)
}
