//! The JSON documents: a versioned contract. Names are snake_case, durations whole seconds ending in `_s`, times
//! RFC 3339 in UTC. Each has a golden file and a schema, `lifeboat schema NAME`.

mod cursor;
mod inventory;
mod report;
mod run;
mod status;
mod terraform;

pub use cursor::{CursorDocument, CursorRowStatus, CursorSet, CursorWorst, points_at};
pub use inventory::{MissingRead, PointStatusDocument, PointsDocument, points};
pub use report::{
    CheckDocument, CheckResult, CheckStatus, DiagnosticStatus, DoctorDocument, LoginDocument, LoginMethod,
    LoginStatus, RunbookFileStatus,
};
pub use run::{
    DamagedRun, ParameterRow, RunRow, RunStepRow, RunbookRow, RunbooksDocument, RunsDocument, StepRow,
};
pub use status::{
    BestPointStatus, ComponentStatus, EnvironmentStatus, FailureStatus, LossKind, RpoStatus, RtoStatus,
    StatusDocument, TimeKind, TroubleStatus, status,
};

pub use terraform::{
    ComparisonDocument, LockStatus, LocksDocument, StateStatus, StateTroubleStatus, StatesDocument, locks,
    states,
};

use super::wire::{Judged, Reality};
use crate::domain::Text;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// The version of every document.
pub const VERSION: u32 = 1;

/// What every document begins with.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Head {
    /// The version of this contract.
    pub version: u32,
    /// The estate.
    pub estate: Text,
    /// The sandbox's scenario; null when the estate is real.
    pub sandbox: Option<Text>,
    /// The moment it is about.
    pub as_of: Timestamp,
    /// Why readings are not kept on disk, if they are not.
    pub readings_not_kept: Option<Text>,
}

/// Returns what every document begins with.
pub fn head(judged: &Judged) -> Head {
    Head {
        version: VERSION,
        estate: judged.estate.name.clone(),
        sandbox: match &judged.reality {
            Reality::Live => None,
            Reality::Sandbox(scenario) => Some(scenario.clone()),
        },
        as_of: judged.moment.now,
        readings_not_kept: judged.snapshot.not_kept.as_deref().map(Text::new),
    }
}

pub(super) fn text(name: impl std::fmt::Display) -> Text {
    Text::new(&name.to_string())
}
