//! Facts and rules of recovery: what an estate is, what has been read of it, and what follows.
//!
//! Here: pure values and pure functions. Who may use it: everybody. What must stay true: no input or output, no
//! clock (`now` is an argument), no async, nothing of a terminal or a cloud SDK; and every text that came from
//! outside is a [`Text`], which cannot hold a control character.
//!
//! The assessment is [`readiness::assess`]; it turns an [`estate::Estate`] and its [`reading::Readings`] into
//! verdicts, one for each named [`scope::FailureScope`]. [`readiness::recover_to`] asks the same of a chosen moment.
//! [`backend`], [`state`] and [`lock`] say what Terraform would make of what was read, [`dump`] which files make a dump
//! and when it is whole, and [`redaction`] what must not be seen.

pub mod action;
pub mod backend;
pub mod condition;
pub mod dependency;
pub mod dump;
pub mod duration;
pub mod estate;
pub mod ids;
pub mod kind;
pub mod known;
pub mod lock;
pub mod moment;
pub mod objective;
pub mod parts;
pub mod place;
pub mod proof;
pub mod readiness;
pub mod reading;
pub mod recovery_point;
pub mod redaction;
pub mod replication;
pub mod retention;
pub mod scope;
pub mod size;
pub mod standby;
pub mod state;
pub mod text;

pub use text::Text;
