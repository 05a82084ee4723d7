//! Polls the observing ports on their cadence, keeps what was read on disk, and publishes the latest of it.
//!
//! [`Collector`] runs on tokio; [`store::ReadingsStore`] is the disk side, shared by every process. Each place has a
//! lane of its own; pages of a long list are shown before the list has ended. What must stay true: one slow, denied or
//! dead source never delays another, a failed read keeps the last value, and nothing here changes anything but our own
//! files. Publication is lossy: the newest snapshot wins.

mod ask;
mod collect;
mod heard;
mod lanes;
mod request;
pub mod store;
mod unit;

pub use collect::{Collector, Progress, Snapshot};
pub use request::{Comparing, Comparison, Request};
pub use store::ReadingsStore;
pub use unit::units;
