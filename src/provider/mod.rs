//! Ports and their adapters: how the world is read, and how it will be changed.
//!
//! [`port`] has one small trait for each capability, object-safe, so that the collector and the console never know
//! which adapter answers. Adapters: [`sandbox`], and [`absent`] for what a build has not. What must stay true: an adapter's own types stop at its edge, every
//! text it brings is a [`crate::domain::Text`], and only an [`crate::authority::ArmedStep`] reaches an acting port.

pub mod absent;
pub mod clock;
pub mod port;
pub mod sandbox;
