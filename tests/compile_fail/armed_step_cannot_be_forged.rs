//! An armed step cannot be made by hand.
use lifeboat::authority::ArmedStep;
use lifeboat::runbook::plan::PlannedStep;

fn forge(step: PlannedStep) -> ArmedStep {
    ArmedStep { step, purpose: "because".into() } //~ E0451
}

fn main() {}
