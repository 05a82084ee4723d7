//! Programs as children that outlive us: `tool:Run`, `tool:Status` and `tool:Stop`.
//!
//! A child belongs to a folder, its *home*, which the engine gives it: one for each attempt at a step. At most one child
//! is ever started there, whoever is killed in between:
//!
//! 1. The engine takes the lock of the home, then creates `claimed`, which only one can (`claim`).
//! 2. It starts `lifeboat __child HOME` with the lock as its standard error, so that the lock goes over without ever
//!    being free. What to run comes over standard input and is written nowhere, for there may be secrets in it.
//! 3. The supervisor (`supervise`) opens a session of its own, writes `started.json` and only then starts the child.
//!    It takes the child's output into `out` and what may be shown of its end into `shown`, and holds the lock for as long
//!    as it lives.
//! 4. When the child has ended, it writes `ended.json`.
//!
//! So whoever finds the lock free knows that nobody will write any more, and the files say the rest (`home`): no
//! `started.json`, and nothing was started; `ended.json`, and the end is known; `started.json` alone, and the child is
//! lost: the supervisor was killed or the machine went down, and nobody knows.

mod capture;
mod claim;
mod home;
mod ladder;
mod request;
mod shown;
mod supervise;

pub use supervise::supervise;

use super::{arguments, not_sent, reply};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use home::{Home, State};
use request::Request;
use serde_json::{Map, Value, json};
use std::path::Path;

/// The word by which lifeboat starts itself as a supervisor, followed by a home.
pub const COMMAND: &str = "__child";

/// Runs a program under a supervisor and returns as soon as it runs; or finds that one was started before, and leaves it
/// alone.
pub(super) async fn run(call: &Call, id: &str, program: &Path) -> Result<Reply, CallTrouble> {
    arguments::only(call, &["Argv", "Folder", "Environment", "Inherit", "TimeoutS", "GraceS", "Home"])?;
    let home = Home::at(arguments::path(call, "Home")?);
    let request = Request::of(call)?;
    let (id, program) = (id.to_owned(), program.to_owned());
    // Once begun it goes on to the end, even if nobody waits for it any more.
    let running = tokio::task::spawn_blocking(move || claim::run(&home, &request, &id, &program));
    let run = running.await.map_err(|_| CallTrouble::InDoubt("the start broke off".into()))??;
    let body = json!({
        "Started": true,
        "Attached": run == claim::Run::Attached,
        "Home": arguments::text(call, "Home")?,
    });
    Ok(reply(0, body))
}

/// Says what has become of the child of a home.
pub(super) async fn status(call: &Call) -> Result<Reply, CallTrouble> {
    arguments::only(call, &["Home"])?;
    let home = Home::at(arguments::path(call, "Home")?);
    let read = tokio::task::spawn_blocking(move || told(&home)).await;
    read.map_err(|_| not_sent("the read broke off"))?.map(|body| reply(0, body))
}

fn told(home: &Home) -> Result<Value, CallTrouble> {
    let state =
        home.state().map_err(|error| not_sent(format!("the child's folder cannot be read: {error}")))?;
    let (length, tail) = home.output();
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
    put("State", state.name().into());
    put("OutBytes", length.into());
    put("OutTail", tail.into());
    match state {
        State::NeverStarted { why } => {
            if let Some(why) = why {
                put("Says", why.into());
            }
        }
        State::Running { started } => {
            if let Some(started) = started {
                put("StartedAt", started.at.to_string().into());
            }
        }
        State::Lost { started } => {
            put("StartedAt", started.at.to_string().into());
            if let Some(child) = home.child() {
                put("Pid", child.pid.into());
                put("ChildLives", child.lives().map_or(Value::Null, Value::from));
            }
        }
        State::Ended(ended) => {
            if let Some(code) = ended.exit_code {
                put("ExitCode", code.into());
            }
            if let Some(signal) = ended.signal {
                put("Signal", signal.into());
            }
            put("At", ended.at.to_string().into());
            put("OutBytes", ended.out_bytes.into());
            put("DroppedBytes", ended.dropped_bytes.into());
            put("OutSha256", ended.out_sha256.into());
            if let Some(asked) = ended.asked {
                put("Asked", asked.into());
            }
        }
    }
    Ok(Value::Object(body))
}

/// Asks the supervisor of a home to end its child. It says so of one that has ended already.
pub(super) async fn stop(call: &Call) -> Result<Reply, CallTrouble> {
    arguments::only(call, &["Home"])?;
    let home = Home::at(arguments::path(call, "Home")?);
    let asked = tokio::task::spawn_blocking(move || -> Result<&'static str, CallTrouble> {
        let unread = |error| not_sent(format!("the child's folder cannot be read: {error}"));
        match home.state().map_err(unread)? {
            State::Running { .. } => {
                home.ask_to_stop().map_err(|error| not_sent(format!("it cannot be asked: {error}")))?;
                Ok("running")
            }
            State::Ended(_) => Ok("ended"),
            State::NeverStarted { .. } => Err(refused("NeverStarted", "nothing was started there")),
            State::Lost { .. } => Err(refused("Lost", "nobody watches over the child any more")),
        }
    });
    let state = asked.await.map_err(|_| not_sent("the call broke off"))??;
    Ok(reply(0, json!({"State": state})))
}

fn refused(code: &str, says: &str) -> CallTrouble {
    CallTrouble::Refused { code: code.into(), says: says.into(), request_id: None, status: 0 }
}
