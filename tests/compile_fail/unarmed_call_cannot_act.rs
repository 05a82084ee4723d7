//! The acting port takes no call that nobody armed.
use lifeboat::provider::port::Act;
use lifeboat::runbook::call::Call;

async fn act(port: &dyn Act, call: Call) {
    let _ = port.act(call).await; //~ E0308
}

fn main() {}
