//! A call of a service as it stands in a plan: exactly what is sent, and nothing besides.

use crate::domain::ids::EnvironmentName;
use crate::domain::place::Place;
use crate::domain::text::harmless;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// A call: an operation, where it is made, and its arguments by the names that the service gives them.
///
/// Arguments are kept byte for byte (a key of a bucket may be anything); what is shown of them is made harmless first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The operation, such as `rds:RestoreDBInstanceFromDBSnapshot`.
    pub operation: String,
    /// The environment whose login is used.
    pub environment: EnvironmentName,
    /// The account and Region whose control plane is called.
    pub place: Place,
    /// The arguments, such as `DBInstanceIdentifier`.
    pub arguments: Map<String, Value>,
}

impl Call {
    /// Returns a call without arguments yet.
    pub fn new(operation: &str, environment: &EnvironmentName, place: &Place) -> Self {
        Self {
            operation: operation.to_owned(),
            environment: environment.clone(),
            place: place.clone(),
            arguments: Map::new(),
        }
    }

    /// Returns it with one argument more.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.arguments.insert(name.to_owned(), value.into());
        self
    }

    /// Returns it with one argument more, where there is a value.
    pub fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Returns the service, such as `rds`.
    pub fn service(&self) -> &str {
        self.operation.split_once(':').map_or(self.operation.as_str(), |(service, _)| service)
    }

    /// Returns the operation's name without its service.
    pub fn name(&self) -> &str {
        self.operation.split_once(':').map_or("", |(_, name)| name)
    }

    /// Says whether it is made from this machine and not by a cloud's service: nobody has to be logged in for it.
    pub fn is_local(&self) -> bool {
        ["http", "tcp", "dns", "webhook", "tool", "file"].contains(&self.service())
    }

    /// Returns a text argument.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.arguments.get(name).and_then(Value::as_str)
    }

    /// Returns the SHA-256 of everything that is sent, in lower-case hex: what the journal holds of the arguments.
    pub fn digest(&self) -> String {
        let bytes = serde_json::to_vec(self).unwrap_or_default();
        hex(&Sha256::digest(&bytes))
    }

    /// Returns what it is about, for a line among others; the plan has the whole of it.
    pub fn brief(&self) -> String {
        let short = |value: &&Value| value.to_string().len() <= 80;
        let shown: Vec<_> = self.arguments.iter().filter(|(_, value)| short(value)).take(2).collect();
        let mut out = self.operation.clone();
        for (name, value) in &shown {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            out.push_str(&format!(" {name}={}", harmless(&value)));
        }
        match self.arguments.len().saturating_sub(shown.len()) {
            0 => {}
            1 => out.push_str(", and one argument more"),
            more => out.push_str(&format!(", and {more} arguments more")),
        }
        format!("{out} ({})", self.place.region)
    }

    /// Returns it in one line for people: `rds:StopDBInstance DBInstanceIdentifier=orders-db (us-east-2)`.
    pub fn line(&self) -> String {
        let arguments = self.arguments.iter().map(|(name, value)| match value {
            Value::String(text) => format!("{name}={}", harmless(text)),
            other => format!("{name}={}", harmless(&other.to_string())),
        });
        let arguments: Vec<_> = arguments.collect();
        format!("{} {} ({})", self.operation, arguments.join(" "), self.place.region)
    }
}

/// What a service answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The service's own id of the request, by which its logs know it.
    pub request_id: Option<String>,
    /// The HTTP status; 0 where there is none.
    pub status: u16,
    /// The members of the answer that somebody uses, by the names that the service gives them.
    pub body: Value,
}

/// Returns bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
