//! lifeboat.
pub mod authority;
pub mod cli;
pub mod collector;
pub mod config;
pub mod domain;
pub mod failure;
pub mod provider;
pub mod runbook;
pub mod telemetry;
pub mod tui;
