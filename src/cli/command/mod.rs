//! The subcommands, one a file.

pub mod check;
pub mod completions;
pub mod console;
pub mod demo;
pub mod doctor;
#[cfg(feature = "aws-core")]
mod doctor_aws;
pub mod init;
pub mod locks;
#[cfg(feature = "aws-core")]
pub mod login;
pub mod man;
pub mod points;
pub mod policy;
pub mod schema;
pub mod states;
pub mod status;
