//! What a component itself says, while it still answers.

use super::Text;
use super::ids::{AccountId, KeyId, Region};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// It answers as it should.
    Healthy,
    /// It answers, but not as it should.
    Impaired,
    /// It is there and does not answer.
    Down,
    /// It is not there any more.
    Gone,
}

/// Something that happened to a component and that an operator has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// A short name of what it is, such as `objects-deleted`.
    pub code: Text,
    /// When it happened, as far as is known.
    pub at: Timestamp,
    /// One sentence with its figures.
    pub says: Text,
}

/// The state of a component, with the settings that a restore would drop (R4, D3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Condition {
    /// How it is.
    pub health: Health,
    /// The status in the service's own word.
    pub status: Text,
    /// Since when it has existed, where the service says so.
    pub created_at: Option<Timestamp>,
    /// Settings to carry over after a restore, by the service's own names.
    pub settings: BTreeMap<Text, Text>,
    /// What happened to it.
    pub incidents: Vec<Incident>,
}

impl Condition {
    /// Returns the condition of something that is not there; `status` says what was looked for, and where.
    pub fn gone(status: Text) -> Self {
        let (settings, incidents) = (BTreeMap::new(), Vec::new());
        Self { health: Health::Gone, status, created_at: None, settings, incidents }
    }
}

/// Whether a key can decrypt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It can.
    Enabled,
    /// It is switched off.
    Disabled,
    /// It will be gone at that moment.
    PendingDeletion(Timestamp),
    /// There is no such key in that Region.
    Absent,
}

/// A key in a Region: the same multi-Region key may be enabled here and absent there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct KeyPlace {
    /// The key.
    pub key: KeyId,
    /// The Region where it is needed.
    pub region: Region,
}

/// Who we are to a cloud, and for how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// The caller, as the cloud names it.
    pub who: Text,
    /// The account.
    pub account: AccountId,
    /// When the shortest credential ends.
    pub expires_at: Option<Timestamp>,
}
