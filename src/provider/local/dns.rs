//! `dns:Resolve`: what a name resolves to for this machine.

use super::dial::resolve;
use super::{arguments, reply};
use crate::domain::text::harmless;
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use serde_json::json;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::timeout;

const USUAL: Duration = Duration::from_secs(5);

/// Resolves `Name` as every program here does, and says whether `Expect` is among the answers: an address, or a name
/// that has one of them.
pub(super) async fn probe(call: &Call) -> Result<Reply, CallTrouble> {
    arguments::only(call, &["Name", "Expect", "TimeoutMs"])?;
    let name = arguments::text(call, "Name")?;
    let expected = arguments::maybe_text(call, "Expect")?;
    let patience = arguments::timeout(call, USUAL)?;
    let (addresses, green, says) = match timeout(patience, judge(name, expected)).await {
        Ok(Ok((addresses, green, says))) => (addresses, green, says),
        Ok(Err(says)) => (BTreeSet::new(), false, says),
        Err(_) => (BTreeSet::new(), false, format!("no answer within {} ms", patience.as_millis())),
    };
    let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    Ok(reply(0, json!({"Addresses": addresses, "Green": green, "Says": says})))
}

async fn judge(name: &str, expected: Option<&str>) -> Result<(BTreeSet<IpAddr>, bool, String), String> {
    let addresses = of(name).await?;
    let listed = addresses.iter().take(4).map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
    let listed = if addresses.len() > 4 { format!("{listed} and more") } else { listed };
    let Some(expected) = expected else { return Ok((addresses, true, listed)) };
    let wanted = match expected.parse::<IpAddr>() {
        Ok(address) => Ok(BTreeSet::from([address])),
        Err(_) => of(expected).await,
    };
    let (green, says) = match wanted {
        Ok(wanted) if !addresses.is_disjoint(&wanted) => (true, listed),
        Ok(_) => (false, format!("{listed}, and not {}", harmless(expected))),
        Err(why) => (false, format!("{listed}; {why}")),
    };
    Ok((addresses, green, says))
}

async fn of(name: &str) -> Result<BTreeSet<IpAddr>, String> {
    Ok(resolve(name, 0).await?.iter().map(|address| address.ip().to_canonical()).collect())
}
