//! The acting port takes no step that nobody armed.
use lifeboat::provider::port::Act;
use lifeboat::runbook::plan::PlannedStep;

async fn act(port: &dyn Act, step: PlannedStep) {
    let _ = port.apply(step).await; //~ E0308
}

fn main() {}
