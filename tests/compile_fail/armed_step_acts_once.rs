//! An armed step is consumed by acting.
use lifeboat::authority::ArmedStep;
use lifeboat::provider::port::Act;

async fn act(port: &dyn Act, step: ArmedStep) {
    let _ = port.apply(step).await;
    let _ = port.apply(step).await; //~ E0382
}

fn main() {}
