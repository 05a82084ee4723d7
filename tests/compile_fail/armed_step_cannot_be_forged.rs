//! An armed step cannot be made by hand.
use lifeboat::authority::ArmedStep;
use lifeboat::runbook::plan::PlannedStep;

fn forge(step: PlannedStep) -> ArmedStep {
    ArmedStep { step, purpose: "because".into() }
}

fn main() {}
