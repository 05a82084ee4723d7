//! The integration tests: one binary, so that everything links once.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[cfg(feature = "aws-core")]
mod aws {
    mod contract {
        mod aws;
        mod pages;
        mod rows;
        mod sandbox;
        mod suite;
    }
    mod canaries;
    mod cursor;
    mod dumps;
    mod facts;
    mod guard;
    mod login;
    mod manners;
    mod oracle;
    mod second;
    mod terraform;
}
mod cli {
    mod documents;
    mod errors;
    mod scenarios;
}
mod collector {
    mod store;
}
mod config {
    mod estates;
}
mod domain {
    mod dump;
    mod matrix;
    mod properties;
}
mod engine {
    mod consent;
    mod disk;
    mod full;
    mod journeys;
    mod kills;
    mod matrix;
    mod rig;
    mod table;
    mod world;
}
mod shape {
    mod authority;
    mod docs;
    mod layers;
    mod looks;
}
mod support;
mod tool {
    mod children;
    mod folder;
    mod git;
    mod remotes;
    mod route;
}
mod tui {
    mod hostile;
    mod journeys;
    mod keys;
    mod pictures;
    mod points;
    mod states;
}
