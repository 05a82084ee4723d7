//! What an operator may do compiles.
use lifeboat::authority::{Refused, Session};
use lifeboat::provider::port::Act;
use lifeboat::runbook::consent::Consent;
use lifeboat::runbook::plan::PlannedStep;

async fn act(port: &dyn Act, step: PlannedStep, consent: &Consent) -> Result<(), Refused> {
    let session = Session::read_only().elevate("INC-4711").map_err(|(_, why)| why)?;
    let armed = session.arm(step, consent)?;
    let _ = port.apply(armed).await;
    Ok(())
}

fn main() {}
