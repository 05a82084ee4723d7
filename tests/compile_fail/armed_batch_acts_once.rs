//! A batch is made of an armed call, which is gone then.
use lifeboat::authority::{ArmedBatch, ArmedCall};

fn batch(call: ArmedCall) {
    let _ = ArmedBatch::of(call, Vec::new());
    let _ = ArmedBatch::of(call, Vec::new()); //~ E0382
}

fn main() {}
