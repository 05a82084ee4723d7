//! Whether a login works: who it is, whether its Regions answer, and what it may do.

use super::connection::Connections;
use super::identity;
use super::operation::SIMULATE_PRINCIPAL_POLICY;
use super::policy;
use super::reader::Reader;
use crate::domain::condition::Identity;
use crate::domain::estate::{Environment, Estate, Purpose};
use crate::domain::ids::Region;
use crate::domain::place::Place;
use crate::domain::reading::ReadTrouble;
use crate::failure::Failure;
use crate::provider::port::Deaf;
use aws_sdk_iam::types::PolicyEvaluationDecisionType;
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// How many permissions one simulation is asked for.
const AT_ONCE: usize = 50;

/// Whether something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum May {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// It cannot be told.
    Unclear,
}

/// What was found of one login.
#[derive(Debug, Clone)]
pub struct Preflight {
    /// Who it is, or why nobody is let in.
    pub who: Result<Identity, ReadTrouble>,
    /// By how much our clock is ahead.
    pub ahead: Option<SignedDuration>,
    /// The Regions, and how long each took to answer.
    pub regions: Vec<(Region, Result<Duration, ReadTrouble>)>,
    /// The permissions that it needs.
    pub permissions: BTreeMap<&'static str, May>,
    /// Why permissions could not be told.
    pub unclear: Option<ReadTrouble>,
}

/// Tries the login of `environment` for `purpose`. `sessions` is where `login` keeps sessions.
///
/// # Errors
/// When connections cannot be made at all.
pub async fn preflight(
    estate: &Estate,
    environment: &Environment,
    purpose: Purpose,
    sessions: Option<PathBuf>,
) -> Result<Preflight, Failure> {
    let connections = Connections::new(estate, sessions, purpose)?;
    let home = environment.home();
    let mut found = Preflight {
        who: Err(ReadTrouble::Unfinished),
        ahead: None,
        regions: Vec::new(),
        permissions: BTreeMap::new(),
        unclear: None,
    };
    let reader = match Reader::at(&connections, &environment.name, &home, &Deaf).await {
        Ok(reader) => reader,
        Err(fault) => {
            found.who = Err(fault.trouble);
            return Ok(found);
        }
    };
    found.who = identity::identity(&reader).await.map_err(|fault| fault.trouble);
    found.ahead = connections.skew.ahead();
    let Ok(who) = &found.who else { return Ok(found) };
    let places: BTreeSet<&Place> = estate
        .components
        .iter()
        .filter(|component| component.environment == environment.name)
        .flat_map(|component| component.sources.iter().chain([&component.home]))
        .filter(|place| place.account == environment.account && place.region.as_str().contains('-'))
        .chain([&home])
        .collect();
    for place in places {
        let begun = Instant::now();
        let answer = match reader.elsewhere(place).await {
            Ok(there) => identity::identity(&there).await.map(|_| begun.elapsed()),
            Err(fault) => Err(fault),
        };
        found.regions.push((place.region.clone(), answer.map_err(|fault| fault.trouble)));
    }
    let needed = policy::needed(estate, &environment.account, purpose);
    let needed: BTreeSet<&'static str> =
        needed.iter().flat_map(|one| one.permissions.iter().copied()).collect();
    let needed: Vec<&'static str> = needed.into_iter().collect();
    let principal = principal(who.who.as_str());
    for some in needed.chunks(AT_ONCE) {
        let send = || {
            let call = reader.site.iam().simulate_principal_policy().policy_source_arn(&principal);
            call.set_action_names(Some(some.iter().map(|name| (*name).to_owned()).collect())).send()
        };
        let decided = match reader.call(&SIMULATE_PRINCIPAL_POLICY, send).await {
            Ok(answer) => answer.evaluation_results.unwrap_or_default(),
            Err(fault) => {
                found.unclear = Some(fault.trouble);
                Vec::new()
            }
        };
        for name in some {
            let decision = decided
                .iter()
                .find(|one| one.eval_action_name() == *name)
                .map(aws_sdk_iam::types::EvaluationResult::eval_decision);
            let may = match decision {
                Some(PolicyEvaluationDecisionType::Allowed) => May::Yes,
                Some(_) => May::No,
                None => May::Unclear,
            };
            found.permissions.insert(name, may);
        }
    }
    Ok(found)
}

/// Returns whose policies count: of a session those of its role.
fn principal(who: &str) -> String {
    let parts: Vec<&str> = who.split(':').collect();
    match parts.as_slice() {
        [arn, partition, "sts", region, account, resource] => {
            match resource.split('/').collect::<Vec<_>>().as_slice() {
                ["assumed-role", role, ..] => format!("{arn}:{partition}:iam:{region}:{account}:role/{role}"),
                _ => who.to_owned(),
            }
        }
        _ => who.to_owned(),
    }
}
