//! lifeboat.
pub mod authority;
pub mod collector;
pub mod config;
pub mod domain;
pub mod failure;
pub mod provider;
pub mod runbook;
