//! Polls the observing ports on their cadence, keeps what was read on disk, and publishes the latest of it.
//!
//! [`Collector`] runs on tokio; [`store::ReadingsStore`] is the disk side, shared by every process. What must stay
//! true: one slow, denied or dead source never delays another, a failed read keeps the last value, and nothing here
//! changes anything but our own files. Publication is lossy: the newest snapshot wins.

mod collect;
pub mod store;
mod unit;

pub use collect::{Collector, Progress, Snapshot};
pub use store::ReadingsStore;
pub use unit::units;
