//! Calls that do not go to a cloud: probes over the network, webhooks, and programs as children.
//!
//! [`LocalCalls`] answers them behind the ports [`Look`] and [`Act`]; [`route_looks`] and [`route_acts`] put it beside
//! another adapter and send each call to who can answer it. Who may use it: `cli::wire`. What must stay true:
//!
//! - A probe that is not green is an answer, not an error; an error says that nothing was found out.
//! - No error and no answer repeats a header's value, the query of a URL, what a request carried, or what the other
//!   side wrote besides its status.
//! - A request is made once: no redirect is followed, nothing is repeated, no proxy is used.
//! - A child is run by a list of arguments and never by a shell of ours, at most once for each folder that the engine
//!   gives it, and outlives the engine ([`child`]).
//!
//! Values such as `${secrets.NAME}` are replaced by the caller: what comes here is sent as it is.

pub(super) mod arguments;
pub mod child;
mod dial;
mod dns;
mod file;
mod http;
mod router;

pub use child::supervise;
pub use router::{CallRouter, route_acts, route_looks};

use crate::authority::ArmedCall;
use crate::domain::ids::EnvironmentName;
use crate::provider::port::{Act, BoxFuture, CallTrouble, Credentials, Look};
use crate::runbook::call::{Call, Reply};
use http::Trust;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// The services that are answered here.
pub const SERVICES: [&str; 6] = ["http", "tcp", "dns", "webhook", "tool", "file"];

/// The operations that look.
pub const LOOKS: [&str; 6] =
    ["http:Get", "tcp:Connect", "dns:Resolve", "tool:Status", "file:Read", "file:Stat"];

/// The operations that act.
pub const ACTS: [&str; 5] = ["webhook:Post", "tool:Run", "tool:Stop", "file:Write", "file:Remove"];

/// Answers the calls of [`SERVICES`].
#[derive(Debug, Clone)]
pub struct LocalCalls {
    program: PathBuf,
    trust: Trust,
    /// What the folders of children are relative to, where they may be.
    base: Option<PathBuf>,
}

impl LocalCalls {
    /// Returns calls whose children are watched over by `program`: an absolute path of `lifeboat` itself, such as
    /// [`this_program`] returns it.
    pub fn new(program: &Path) -> Self {
        Self { program: program.to_owned(), trust: Trust::default(), base: None }
    }

    /// Returns the same for a run: the folders of its children, and files without a folder, lie in its own. While a plan is
    /// made there is none yet, and files are looked for from the folder of the estate file.
    pub fn within(self, base: &Path) -> Self {
        Self { base: Some(base.to_owned()), ..self }
    }

    /// Returns a call with the folder of its child made absolute; one that is absolute stays. A child that has no folder to
    /// run in runs in that of the run.
    fn placed(&self, call: &Call) -> Call {
        let mut call = call.clone();
        if let (Some(base), Some(Value::String(home))) = (&self.base, call.arguments.get_mut("Home")) {
            *home = base.join(home.as_str()).display().to_string();
            if call.operation == "tool:Run" {
                call.arguments.entry("Folder").or_insert_with(|| Value::from(base.display().to_string()));
            }
        }
        if let (Some(base), "file", Some(Value::String(path))) =
            (&self.base, call.operation.split(':').next().unwrap_or_default(), call.arguments.get_mut("Path"))
        {
            *path = base.join(path.as_str()).display().to_string();
        }
        call
    }

    /// Returns the same with the certificate authorities of a PEM file beside those of the system.
    pub fn with_authorities(self, pem: &Path) -> Self {
        Self { trust: Trust::beside(pem), ..self }
    }
}

/// Returns the path by which this process can start itself again. On Linux it is found even when the file has been
/// replaced since.
///
/// # Errors
/// When the system does not say it.
pub fn this_program() -> std::io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok(PathBuf::from("/proc/self/exe")) } else { std::env::current_exe() }
}

/// Returns the answer of something that has no request id.
pub(super) fn reply(status: u16, body: Value) -> Reply {
    Reply { request_id: None, status, body }
}

pub(super) fn not_sent(why: impl Into<String>) -> CallTrouble {
    CallTrouble::NotSent(why.into().into())
}

impl Look for LocalCalls {
    fn look<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Reply, CallTrouble>> {
        Box::pin(async move {
            match call.operation.as_str() {
                "http:Get" => http::probe::get(call, &self.trust).await,
                "tcp:Connect" => dial::probe(call).await,
                "dns:Resolve" => dns::probe(call).await,
                "tool:Status" => child::status(&self.placed(call)).await,
                "file:Read" => file::read(&self.placed(call)),
                // A large file is read for minutes, and others have work to do meanwhile.
                "file:Stat" => {
                    let call = call.clone();
                    let seen = tokio::task::spawn_blocking(move || super::landing::stat(&call)).await;
                    seen.unwrap_or_else(|error| Err(not_sent(error.to_string())))
                }
                other => Err(not_sent(format!("{other} is no call that looks"))),
            }
        })
    }

    fn credentials<'a>(&'a self, _: &'a EnvironmentName) -> BoxFuture<'a, Result<Credentials, CallTrouble>> {
        Box::pin(async { Err(not_sent("calls of this machine are made without a login")) })
    }
}

impl Act for LocalCalls {
    fn act(&self, call: ArmedCall) -> BoxFuture<'_, Result<Reply, CallTrouble>> {
        Box::pin(async move {
            let id = call.id().to_string();
            let call = self.placed(&call.into_call());
            match call.operation.as_str() {
                "webhook:Post" => http::webhook::post(&call, &self.trust).await,
                "tool:Run" => child::run(&call, &id, &self.program).await,
                "tool:Stop" => child::stop(&call).await,
                "file:Write" => file::write(&call),
                "file:Remove" => file::remove(&call),
                other => Err(not_sent(format!("{other} is no call that acts"))),
            }
        })
    }
}
