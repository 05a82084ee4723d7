//! The one place that acts. It takes the proof that the intent is on disk, and the armed call that it is the intent of.

use super::fault::{Faults, Killed};
use super::journal::Committed;
use crate::authority::{ArmedBatch, ArmedCall, ArmedKeys};
use crate::domain::Text;
use crate::provider::port::{Act, CallTrouble};
use crate::runbook::call::{Call, Reply};
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
    if let Err(why) = fits(&intent, &call) {
        return Ok(Err(why));
    }
    send(call, act, patience, faults).await
}

/// Returns the batch that `intent` is the intent of: it may send the requests of the keys whose lines it names.
///
/// # Errors
/// When the intent is that of another call, or these are not the parts of the manifest that it names.
pub(super) fn batch(
    intent: &Committed,
    call: ArmedCall,
    slices: Vec<String>,
) -> Result<ArmedBatch, CallTrouble> {
    fits(intent, &call)?;
    ArmedBatch::of(call, slices).map_err(|why| CallTrouble::NotSent(Text::new(&why.to_string())))
}

/// Sends one request of a key of a batch, whose intent is on disk.
///
/// # Errors
/// As [`dispatch`].
pub(super) async fn request(
    keys: &ArmedKeys<'_>,
    call: &Call,
    act: &dyn Act,
    faults: &dyn Faults,
) -> Result<Result<Reply, CallTrouble>, Killed> {
    match keys.request(call.clone()) {
        Ok(armed) => send(armed, act, PATIENCE, faults).await,
        Err(why) => Ok(Err(CallTrouble::NotSent(Text::new(&why.to_string())))),
    }
}

fn fits(intent: &Committed, call: &ArmedCall) -> Result<(), CallTrouble> {
    let Event::Intended { of, digest, .. } = intent.event() else {
        return Err(CallTrouble::NotSent("its intent was not written".into()));
    };
    let id = call.id();
    let fits = of.step == id.step
        && of.direction == id.direction
        && of.attempt == id.attempt
        && of.index == id.index
        && *digest == *call.digest();
    if fits { Ok(()) } else { Err(CallTrouble::NotSent("the intent on disk is that of another call".into())) }
}

async fn send(
    call: ArmedCall,
    act: &dyn Act,
    patience: Duration,
    faults: &dyn Faults,
) -> Result<Result<Reply, CallTrouble>, Killed> {
    faults.pass("call-leaving")?;
    let answered = tokio::time::timeout(patience.min(PATIENCE), act.act(call)).await;
    faults.pass("call-answered")?;
    Ok(answered.unwrap_or_else(|_| Err(CallTrouble::InDoubt("no answer came".into()))))
}
