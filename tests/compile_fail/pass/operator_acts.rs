//! What an operator may do compiles.
use lifeboat::authority::{CallId, Direction, NotAgreed, Refused, Session};
use lifeboat::domain::estate::EnvironmentClass;
use lifeboat::provider::port::Act;
use lifeboat::runbook::call::Call;
use lifeboat::runbook::consent::Consent;
use lifeboat::runbook::plan::{PlanHash, PlannedStep};

async fn act(
    port: &dyn Act,
    plan: &PlanHash,
    step: PlannedStep,
    consent: &Consent,
    id: CallId,
    call: Call,
) -> Result<Result<(), NotAgreed>, Refused> {
    let session = Session::read_only().elevate("INC-4711").map_err(|(_, why)| why)?;
    let armed = session.arm(plan, EnvironmentClass::Production, step, Direction::Forward, consent)?;
    match armed.call(id, call) {
        Ok(call) => {
            let _ = port.act(call).await;
            Ok(Ok(()))
        }
        Err(why) => Ok(Err(why)),
    }
}

fn main() {}
