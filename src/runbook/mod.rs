//! What a recovery may do: the classes of its steps and the consent that each asks for.
//!
//! Pure; used by `authority`, which turns a consent into the right to act. What must stay true: the consent for a
//! step follows from its class and its environment alone, and binds to the hash of the plan that was shown.

pub mod consent;
pub mod plan;
