//! Connections: a name resolved by the system, its addresses tried in turn; and `tcp:Connect`.

use super::{arguments, reply};
use crate::domain::text::harmless;
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use serde_json::json;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

const USUAL: Duration = Duration::from_secs(5);

/// Says whether `Host` takes connections at `Port`.
pub(super) async fn probe(call: &Call) -> Result<Reply, CallTrouble> {
    arguments::only(call, &["Host", "Port", "TimeoutMs"])?;
    let host = arguments::text(call, "Host")?;
    let port = arguments::port(call, "Port")?;
    let patience = arguments::timeout(call, USUAL)?;
    let begun = Instant::now();
    let connected = dial(host, port, None, begun + patience).await.map(drop);
    let elapsed_ms = millis(begun);
    let says = match &connected {
        Ok(()) => format!("connected in {elapsed_ms} ms"),
        Err(NotConnected::Late) => format!("no connection within {} ms", patience.as_millis()),
        Err(NotConnected::Because(why)) => why.clone(),
    };
    Ok(reply(0, json!({"Green": connected.is_ok(), "Says": says, "ElapsedMs": elapsed_ms})))
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NotConnected {
    /// The time was over.
    Late,
    /// Something else.
    Because(String),
}

/// Connects. Each of several addresses gets its share of the time, so that one that swallows everything does not stand
/// in the way of the next.
pub(super) async fn dial(
    host: &str,
    port: u16,
    address: Option<IpAddr>,
    deadline: Instant,
) -> Result<TcpStream, NotConnected> {
    let addresses = match address {
        Some(address) => vec![SocketAddr::new(address, port)],
        None => timeout_at(deadline, resolve(host, port))
            .await
            .map_err(|_| NotConnected::Late)?
            .map_err(NotConnected::Because)?,
    };
    let mut last = NotConnected::Because("the name has no address".to_owned());
    for (nth, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - nth).unwrap_or(u32::MAX);
        match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = NotConnected::Because(words(&error)),
            Err(_) => last = NotConnected::Late,
        }
    }
    Err(last)
}

/// Returns the addresses of a host, as the system's resolver says.
pub(super) async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    match lookup_host((host, port)).await {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => {
            let error = error.to_string();
            let why = error.rsplit(": ").next().unwrap_or(&error);
            Err(format!("{} does not resolve: {}", harmless(host), harmless(&why.to_lowercase())))
        }
    }
}

/// Returns what is wrong with a connection, without anything from the other side.
pub(super) fn words(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            "the connection broke".to_owned()
        }
        ErrorKind::UnexpectedEof => "the connection was closed".to_owned(),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "no route to it".to_owned(),
        ErrorKind::TimedOut => "no answer".to_owned(),
        kind => kind.to_string(),
    }
}

/// Returns how long it has been, in milliseconds.
pub(super) fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
