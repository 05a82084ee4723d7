//! Requests of the keys of a batch are armed by nothing else than their batch.
use lifeboat::authority::{ArmedBatch, ArmedKeys};

fn keys(batch: &ArmedBatch) -> ArmedKeys<'_> {
    ArmedKeys { batch, keys: Default::default() } //~ E0451
}

fn main() {}
