//! The durable engine: plans, agreed to, journaled, and safe to kill at any moment.
//!
//! [`planner`] binds a runbook to the world as it is; [`store`] keeps runs; an [`executor`] works one off, as a process of
//! its own ([`launch`]); screens and commands leave [`request`]s and read the [`journal`] ([`replay`]). It sees ports,
//! never adapters. What must stay true: nothing acts but [`dispatch`], and that only with the proof that the intent is on
//! disk; an event is on disk before anything that follows from it; when the journal cannot be written, nothing is done.

pub mod approval;
pub mod aside;
mod batch;
mod call;
pub mod dispatch;
pub mod executor;
pub mod fault;
pub mod folder;
mod held;
pub mod history;
pub mod journal;
mod judge;
mod known;
pub mod launch;
pub mod line;
pub mod planner;
mod recorder;
mod records;
pub mod replay;
pub mod request;
mod settle;
pub mod spool;
pub mod step;
pub mod store;
pub mod time;
mod undo;
mod unfold;
mod values;
mod verify;
pub mod watch;
