//! AWS: one file per service; the types of the SDK stop here.
//!
//! `connection` holds one HTTP client, one login for each environment and purpose, and one set of clients for each
//! Region; `reader` makes the calls, each in its turn (`governor`) and tried again where that may help (`fault`);
//! `adapter` says which service answers for which kind; `discover` finds what an account holds; `call` makes the calls
//! of plans, those that change something by clients that act (`acting`, `seal`). Who may use it: `cli` only. What must
//! stay true: every client that reads carries the wire guard (`guard`), which lets through what [`operation`] lists as a
//! read and nothing else; one that acts is had for an armed call only, and lets that call leave, once, and no other;
//! those that log in ([`login`], and the SDK's own where a role is assumed) open sessions, ask who they are, and do
//! nothing else; a missing permission is never an absent resource; what one call could not bring never hides what the
//! others brought; and every list is read to its last page, shown page by page.

mod acting;
mod adapter;
mod backup;
mod call;
mod cloudwatch;
mod connection;
mod convert;
mod discover;
#[cfg(feature = "aws-compute")]
mod dlm;
mod dump;
mod dynamodb;
#[cfg(feature = "aws-compute")]
mod ec2;
mod eks;
mod fault;
mod governor;
mod guard;
mod http;
mod identity;
mod locks;
pub mod login;
mod objects;
pub mod operation;
pub mod policy;
pub mod preflight;
mod profile;
mod rds;
mod rds_cluster;
mod reader;
mod route53;
mod s3;
mod screen_login;
mod seal;
mod selection;
mod service;
mod session;
mod shared;
mod skew;
mod states;
mod tags;
mod terraform;

pub use acting::{Acting, Owner, acting_timeouts};
pub use adapter::AwsAdapter;
pub use call::AwsCalls;
pub use connection::{Connections, Site, ambient_region, timeouts};
pub use discover::{caller, discover};
pub use governor::Governor;
pub use guard::{OneCallGuard, ReadOnlyGuard, Refused};
pub use screen_login::Logins;
pub use seal::attribution;
pub use session::{KeptSession, session_name};
pub use skew::Skew;
