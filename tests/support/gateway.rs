//! The gateway that judges whether anything was done twice, started in front of the AWS test server. What it judges, and
//! what it can be asked for, stands at the top of `tests/support/aws/gateway.py`.

use super::gear::{Gear, control, serve};
use serde_json::Value;
use std::process::Child;
use std::sync::OnceLock;

/// A running gateway.
#[derive(Debug)]
pub(crate) struct Gateway {
    port: u16,
    server: Child,
}

impl Gateway {
    /// Returns the gateway that tests share, before the server that they share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Gateway> = OnceLock::new();
        SHARED.get_or_init(|| Self::before(Gear::shared()))
    }

    /// Starts one before a server.
    pub(crate) fn before(gear: &Gear) -> Self {
        let (server, port) = serve(gear.python_path(), &["gateway.py", "--upstream", &gear.url()]);
        Self { port, server }
    }

    /// Returns its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Posts to its control API, such as `rules`, and returns the answer.
    pub(crate) fn post(&self, what: &str, body: &Value) -> Value {
        control(self.port, "POST", &format!("/_gateway/{what}"), &body.to_string())
    }

    /// Gets a list from its control API, such as `twice?run=r`.
    pub(crate) fn list(&self, what: &str) -> Vec<Value> {
        let told = control(self.port, "GET", &format!("/_gateway/{what}"), "");
        told.as_array().expect("it is a list").clone()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        drop(self.server.stdin.take()); // it ends with its input
        let _ = self.server.wait();
    }
}
