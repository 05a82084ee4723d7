//! The integration tests: one binary, so that everything links once.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

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
    mod matrix;
    mod properties;
}
mod shape {
    mod authority;
    mod docs;
    mod layers;
    mod looks;
}
mod support;
mod tui {
    mod hostile;
    mod journeys;
    mod keys;
    mod pictures;
}
