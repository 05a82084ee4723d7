//! The subcommands, one a file.

pub mod check;
pub mod completions;
pub mod console;
pub mod demo;
pub mod doctor;
pub mod locks;
pub mod man;
pub mod points;
pub mod schema;
pub mod states;
pub mod status;
