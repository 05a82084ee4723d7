//! Journals as people read them: verified, told as a report, exported as evidence.
//!
//! It reads what `engine` wrote and writes nothing of it. Who may use it: `cli`, `tui`. What must stay true: what is
//! exported verifies by itself, without lifeboat; and nothing is told of a run that does not stand in its journal.

pub mod account;
pub mod export;
pub mod report;
pub mod verify;
