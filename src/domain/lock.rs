//! Terraform locks, and what speaks for and against their being stale.

use super::Text;
use super::duration::{age_words, elapsed};
use super::state::StateHistory;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which store holds a lock; a backend may use both at once (T2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockStore {
    /// A row of a DynamoDB table.
    DynamodbRow,
    /// A `.tflock` object beside the state.
    LockFile,
}

impl LockStore {
    /// Returns the words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::DynamodbRow => "DynamoDB row",
            Self::LockFile => "lock file",
        }
    }
}

/// A lock as its store holds it (T1). Only what could be read is there: a record need not be JSON (T6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lock {
    /// Where it was found.
    pub store: LockStore,
    /// `<bucket>/<key>` of the state that it locks.
    pub path: Text,
    /// The lock ID that `force-unlock` takes; `None` when the record is not JSON.
    pub id: Option<Text>,
    /// `user@host` of the holder.
    pub who: Option<Text>,
    /// The operation, verbatim; the holder of a plan is harmless to stop, that of an apply is not.
    pub operation: Option<Text>,
    /// When it was taken.
    pub created_at: Option<Timestamp>,
    /// The version of Terraform that took it.
    pub terraform_version: Option<Text>,
}

/// What is known for and against a lock being stale (T13). There is no verdict: age alone proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Sentences that speak for the holder being gone.
    pub stale: Vec<Text>,
    /// Sentences that speak for the holder being alive.
    pub living: Vec<Text>,
}

impl Lock {
    /// Returns what the state says of this lock's holder.
    pub fn evidence(&self, state: Option<&StateHistory>, now: Timestamp) -> Evidence {
        let mut evidence = Evidence::default();
        let Some(created_at) = self.created_at else {
            evidence
                .stale
                .push("its record is not JSON, so Terraform did not write it and cannot release it".into());
            return evidence;
        };
        let held = elapsed(created_at, now);
        let written = state.and_then(|state| state.current()).map(|version| version.written_at);
        match written {
            Some(at) if at >= created_at => {
                let since = elapsed(at, now);
                evidence.living.push(Text::new(&format!(
                    "the state was written {} ago, after the lock was taken",
                    age_words(since)
                )));
            }
            Some(_) if held.as_secs() >= 3600 => evidence.stale.push(Text::new(&format!(
                "the state has not been written in the {} since the lock was taken",
                age_words(held)
            ))),
            Some(_) => evidence
                .living
                .push(Text::new(&format!("it was taken {} ago; an apply may take longer", age_words(held)))),
            None => {}
        }
        evidence
    }
}
