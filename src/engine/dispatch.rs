//! The one place that acts. It takes the proof that the intent is on disk, and the armed call that it is the intent of.

use super::fault::{Faults, Killed};
use super::journal::Committed;
use crate::authority::ArmedCall;
use crate::provider::port::{Act, CallTrouble};
use crate::runbook::call::Reply;
use crate::runbook::event::Event;
use std::time::Duration;

/// How long a call may take before its answer is not waited for any more: adapters have shorter limits of their own.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);

/// Makes the call that `intent` is the intent of. After `patience` it is given up, and has left by then or never leaves.
///
/// # Errors
/// The outer error is the test's that lets the engine die; the inner one says what is known of the call's effect.
///
/// # Cancellation
/// The call is in doubt: its intent stands without an answer, and it is settled as after a crash.
pub async fn dispatch(
    intent: Committed,
    call: ArmedCall,
    act: &dyn Act,
    patience: Duration,
    faults: &dyn Faults,
) -> Result<Result<Reply, CallTrouble>, Killed> {
    let Event::Intended { of, digest, .. } = intent.event() else {
        return Ok(Err(CallTrouble::NotSent("its intent was not written".into())));
    };
    let id = call.id();
    let fits = of.step == id.step
        && of.direction == id.direction
        && of.attempt == id.attempt
        && of.index == id.index
        && *digest == *call.digest();
    if !fits {
        return Ok(Err(CallTrouble::NotSent("the intent on disk is that of another call".into())));
    }
    faults.pass("call-leaving")?;
    let answered = tokio::time::timeout(patience.min(PATIENCE), act.act(call)).await;
    faults.pass("call-answered")?;
    Ok(answered.unwrap_or_else(|_| Err(CallTrouble::InDoubt("no answer came".into()))))
}
