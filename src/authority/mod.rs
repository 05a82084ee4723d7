//! Who may do what, as types.
//!
//! A [`Session<ReadOnly>`] has no way to make an [`ArmedStep`], only that makes an [`ArmedCall`], and the acting port takes nothing else; so in a
//! read-only process no value exists that could change anything. What must stay true: the fields here are private,
//! and nothing in this folder is `Clone` that grants a right. `tests/compile_fail` proves what must not compile.

mod armed;
mod batch;
mod session;

pub use crate::runbook::event::Direction;
pub use armed::{ArmedCall, ArmedStep, CallId, NotAgreed};
pub use batch::{ArmedBatch, ArmedKeys};
pub use session::{Mode, Operator, ReadOnly, Refused, Session};
