//! An armed call is consumed by acting.
use lifeboat::authority::ArmedCall;
use lifeboat::provider::port::Act;

async fn act(port: &dyn Act, call: ArmedCall) {
    let _ = port.act(call).await;
    let _ = port.act(call).await; //~ E0382
}

fn main() {}
