//! What people write: the estate file and runbooks, and where lifeboat keeps its own files.
//!
//! [`fn@load`] reads an estate file into a [`crate::domain::estate::Estate`]; [`check`] says what is doubtful about a
//! file that loads; [`proposal`] writes a first one from what was found in an account. The types of the file
//! ([`estate_file`]) are also its JSON Schema ([`schema`]). [`runbooks`] reads what is to be done, from files of the types
//! in [`runbook_file`]. Who may use it: everything above. What must stay true:
//! every mistake in a file is reported at its own line and column, all of them at once; YAML is read nowhere else than
//! in [`yaml`]; and what is proposed loads without a mistake.

mod access;
mod backends;
pub mod check;
pub mod diagnostic;
pub mod estate_file;
pub mod load;
mod objectives;
pub mod operator;
mod others;
pub mod paths;
mod policy;
pub mod proposal;
pub mod resolve;
pub mod runbook_file;
pub mod runbooks;
pub mod scalar;
pub mod schema;
pub mod yaml;

pub use load::{Loaded, load, load_text};
