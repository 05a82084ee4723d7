//! Neither an armed step nor an armed call can be made by hand.
use lifeboat::authority::{ArmedCall, CallId};
use lifeboat::runbook::call::Call;

fn forge(id: CallId, call: Call) -> ArmedCall {
    ArmedCall { id, call, digest: String::new() } //~ E0451
}

fn main() {}
