//! A read-only session has no way to arm a step.
use lifeboat::authority::Session;
use lifeboat::runbook::consent::Consent;
use lifeboat::runbook::plan::PlannedStep;

fn arm(step: PlannedStep, consent: &Consent) {
    let session = Session::read_only();
    let _ = session.arm(step, consent); //~ E0599
}

fn main() {}
