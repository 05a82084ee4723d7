//! A state and its replica, side by side (T7).

use super::{StateForm, StateHistory, StateVersion};
use crate::domain::Text;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a replica stands to its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaStatus {
    /// Both have the same newest version.
    InStep,
    /// What was written at the source since this moment is not there.
    Behind {
        /// When the first version that it lacks was written, as far as is known.
        since: Timestamp,
    },
    /// The replica has no such state.
    Lacks,
    /// The source is deleted, and the replica still has it.
    Kept,
    /// The deletion was replicated: both are gone (S5).
    DeletedToo,
    /// Both were written on their own.
    SplitBrain {
        /// What shows it.
        why: Text,
    },
    /// It cannot be told: the bytes of one of them were not read.
    Unclear,
}

impl ReplicaStatus {
    /// Says it in a few words.
    pub fn words(&self) -> &'static str {
        match self {
            Self::InStep => "in step",
            Self::Behind { .. } => "behind",
            Self::Lacks => "absent",
            Self::Kept => "kept",
            Self::DeletedToo => "deleted too",
            Self::SplitBrain { .. } => "split",
            Self::Unclear => "unclear",
        }
    }
}

/// Compares the newest version of a state with its replica's; `replica` is `None` where the replica's bucket, listed as
/// a whole, has no such key.
pub fn compare_replica(source: &StateHistory, replica: Option<&StateHistory>) -> ReplicaStatus {
    let gone = |state: &StateHistory| state.current().is_none_or(|v| v.form == StateForm::DeleteMarker);
    let Some(there) = replica.and_then(StateHistory::current) else {
        return if source.current().is_none() { ReplicaStatus::InStep } else { ReplicaStatus::Lacks };
    };
    let Some(here) = source.current() else { return split("the source never had it") };
    match (gone(source), there.form == StateForm::DeleteMarker) {
        (true, true) => return ReplicaStatus::DeletedToo,
        (true, false) => return ReplicaStatus::Kept,
        (false, true) => return split("it is deleted there and not here"),
        (false, false) => {}
    }
    if here.version_id == there.version_id && here.version_id.as_str() != "null" {
        return ReplicaStatus::InStep;
    }
    match (&here.md5, &there.md5) {
        (Some(a), Some(b)) if a == b => return ReplicaStatus::InStep,
        (Some(_), Some(_)) => {}
        _ => return ReplicaStatus::Unclear,
    }
    if here.lineage != there.lineage {
        return split("it has another lineage there");
    }
    match (here.serial, there.serial) {
        (Some(a), Some(b)) if a == b => split(&format!("serial {a} has other content there")),
        (Some(a), Some(b)) if b > a => {
            split(&format!("it has serial {b} there and {a} here: somebody works in both"))
        }
        _ => ReplicaStatus::Behind { since: first_lacking(source, there).unwrap_or(here.written_at) },
    }
}

fn split(why: &str) -> ReplicaStatus {
    ReplicaStatus::SplitBrain { why: why.into() }
}

fn first_lacking(source: &StateHistory, there: &StateVersion) -> Option<Timestamp> {
    let at = source.versions.iter().position(|version| version.is_copy_of(there))?;
    source.versions.get(at.checked_sub(1)?).map(|version| version.written_at)
}
