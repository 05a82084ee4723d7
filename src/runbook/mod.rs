//! What a recovery is and what may happen next.
//!
//! Pure: definitions, plans, events, the fold of events into the state of a run, and what may start in that state.
//! [`forecast`] says when a run will be done, [`fitting`] which runbooks fit a component as it is.
//! [`template`] reads texts with references and [`fill`] fills them, [`replied`] with what calls of the same step brought;
//! [`condition`] says when a step runs.
//! Used by `config` (which reads runbooks), `authority` (which turns a consent into the right to act), `action` and
//! `engine`. What must stay true: the state of a run follows from its events alone; the consent for a step follows from
//! its class and its environment alone, and binds to the hash of the plan that was shown.

pub mod about;
pub mod call;
pub mod condition;
pub mod consent;
pub mod dedupe;
pub mod definition;
pub mod event;
pub mod fill;
pub mod fitting;
pub mod forecast;
pub mod markdown;
pub mod plan;
pub mod replied;
pub mod schedule;
pub mod script;
pub mod state;
pub mod still;
pub mod template;
pub mod words;
