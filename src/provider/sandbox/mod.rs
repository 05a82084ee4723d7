//! The sandbox: an environment like any other, whose world is a file and whose time is its own.
//!
//! A [`World`] is made from an estate, a scenario and a seed (`generate`); what is read of it at a moment is a pure
//! function of both (`observe`); the file is shared by every process and survives all of them (`store`).
//! What is called by name, to look or to act, is answered by `act`, one service a file; what an act did is a line of a
//! log beside the file, written under its lock (`carry`, `log`), and folded into the world when it is read (`deeds`).
//! [`SandboxAdapter`] is the adapter. What must stay true: the same estate, scenario, seed and start give the same
//! world, and nothing in it touches a network.

mod act;
mod adapter;
mod carry;
mod chance;
mod deeds;
mod fault;
mod generate;
mod log;
mod observe;
mod past;
mod points;
mod scenario;
mod states;
mod store;
mod world;

pub use adapter::SandboxAdapter;
pub use deeds::{Deeds, Effect};
pub use fault::{Fault, FaultSpec};
pub use past::past_readings;
pub use scenario::{SCENARIOS, Scenario};
pub use store::{Opening, WorldFile};
pub use world::World;

/// The estate that `lifeboat demo` shows.
pub const DEMO_ESTATE: &str = include_str!("../../../assets/sandbox/harbour.yaml");

/// What has gone wrong in the demo estate long before any scenario begins.
const DEMO_FLAWS: &str = include_str!("../../../assets/sandbox/harbour-flaws.toml");
