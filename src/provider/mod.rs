//! Ports and their adapters: how the world is read, and how it will be changed.
//!
//! [`port`] has one small trait for each capability, object-safe, so that the collector and the console never know
//! which adapter answers. Adapters: [`sandbox`], AWS behind the features `aws-core` and `aws-compute`, [`tool`] for what
//! lies outside AWS, [`local`] for calls that do not go to a cloud, and [`absent`] for what a build has not. Who may use it: the ports, everything above; the adapters,
//! `cli` only. What must stay true: an adapter's own types stop at its edge, every text it brings is a
//! [`crate::domain::Text`], and only an [`crate::authority::ArmedStep`] reaches an acting port.

pub mod absent;
#[cfg(feature = "aws-core")]
pub mod aws;
pub mod clock;
#[cfg_attr(
    not(any(feature = "aws-core", test)),
    expect(dead_code, reason = "without AWS nothing is fetched, and what was is only looked at")
)]
mod landing;
pub mod local;
pub mod port;
pub mod sandbox;
pub mod tool;
