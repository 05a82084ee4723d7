//! A read-only session has no way to arm a step.
use lifeboat::authority::{Direction, Session};
use lifeboat::domain::estate::EnvironmentClass;
use lifeboat::runbook::consent::Consent;
use lifeboat::runbook::plan::{PlanHash, PlannedStep};

fn arm(plan: &PlanHash, step: PlannedStep, consent: &Consent) {
    let session = Session::read_only();
    let _ = session.arm(plan, EnvironmentClass::Production, step, Direction::Forward, consent); //~ E0599
}

fn main() {}
