//! What the collector can be asked while it runs.

use crate::domain::Text;
use crate::domain::ids::EnvironmentName;
use crate::domain::reading::{ReadingKey, Subject};
use crate::domain::state::compare::ResourceChange;

/// What is asked of a running collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// To read everything now, be it due or not.
    Everything,
    /// To read this as well, now and as long as somebody looks at it; it takes the place of what was looked at before.
    LookAt(Option<(ReadingKey, EnvironmentName)>),
    /// To compare two versions of a state.
    Compare(Comparing),
}

/// Two versions of a state that are to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparing {
    /// The state: a component's, or one of a backend.
    pub state: Subject,
    /// The environment whose ports answer.
    pub environment: EnvironmentName,
    /// The id of the older version.
    pub before: Text,
    /// The id of the newer version.
    pub after: Text,
}

/// How two versions of a state differ. It is never written to disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// What was compared.
    pub of: Comparing,
    /// What differs, or why it cannot be told.
    pub outcome: Result<Vec<ResourceChange>, Text>,
}
