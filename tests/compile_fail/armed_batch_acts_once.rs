//! A batch is made of an armed call, which is gone then; and requests of its keys are armed by nothing else.
use lifeboat::authority::{ArmedBatch, ArmedCall, ArmedKeys};

fn batch(call: ArmedCall) {
    let _ = ArmedBatch::of(call, Vec::new());
    let _ = ArmedBatch::of(call, Vec::new()); //~ E0382
}

fn keys(batch: &ArmedBatch) -> ArmedKeys<'_> {
    ArmedKeys { batch, keys: Default::default() } //~ E0451
}

fn main() {}
