//! Calls that may leave: armed as an operator arms them, step by step.

use lifeboat::authority::{ArmedCall, CallId, Direction, Session};
use lifeboat::domain::action::ActionClass;
use lifeboat::domain::estate::EnvironmentClass;
use lifeboat::runbook::call::Call;
use lifeboat::runbook::consent::{Consent, Strength};
use lifeboat::runbook::dedupe::Dedupe;
use lifeboat::runbook::plan::{PlanHash, PlannedCall, PlannedStep};

/// Arms a call as the first of a step of its own.
pub(crate) fn armed(call: Call) -> ArmedCall {
    armed_as("run-1", "step-1", call)
}

/// Arms a call as the first of a step of a run.
pub(crate) fn armed_as(run: &str, step: &str, call: Call) -> ArmedCall {
    let planned = PlannedCall {
        call: call.clone(),
        says: "a test".into(),
        class: ActionClass::Destructive,
        dedupe: Dedupe::PointOfNoReturn,
    };
    let planned = PlannedStep {
        uses: "test".into(),
        class: ActionClass::Destructive,
        dedupe: Dedupe::PointOfNoReturn,
        calls: vec![planned],
        ..PlannedStep::join(step, step)
    };
    let plan = PlanHash::of(b"the plan of a test");
    let consent = Consent { plan: plan.clone(), strength: Strength::TypedAndSigned };
    let session = Session::read_only().elevate("a test").map_err(|(_, why)| why).expect("it may act");
    let step = session.arm(&plan, EnvironmentClass::Production, planned, Direction::Forward, &consent);
    let step = step.expect("it was agreed to");
    let id = CallId {
        run: run.into(),
        step: step.step().id.clone(),
        direction: Direction::Forward,
        attempt: 1,
        index: 0,
    };
    step.call(id, call).expect("it stands in the plan")
}
