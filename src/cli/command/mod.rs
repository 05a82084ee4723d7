//! The subcommands, one a file.

pub mod approve;
pub mod audit;
pub mod check;
pub mod completions;
pub mod console;
pub mod demo;
pub mod doctor;
#[cfg(feature = "aws-core")]
mod doctor_aws;
pub mod execute;
pub mod follow;
pub mod init;
pub mod locks;
#[cfg(feature = "aws-core")]
pub mod login;
pub mod man;
pub mod plan;
pub mod points;
pub mod policy;
pub mod request;
pub mod run;
pub mod runbooks;
pub mod runs;
pub mod schema;
pub mod states;
pub mod status;
