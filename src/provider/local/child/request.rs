//! What is to be run. It goes to the supervisor over a pipe and is written nowhere: there may be secrets in it.

use super::super::{arguments, not_sent};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, hex};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// The variables that every child gets, where we have them ourselves; `LC_*` besides.
const KEPT: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];
/// The variables whose values are no secret: an output without its Region says little.
const OPEN: [&str; 6] = ["AWS_REGION", "AWS_DEFAULT_REGION", "PATH", "HOME", "LANG", "TZ"];
/// Where programs are looked for, if we have no search path ourselves.
const SEARCH: &str = "/usr/local/bin:/usr/bin:/bin";
/// How long is waited between one signal and the next, in seconds.
const GRACE_S: u64 = 30;

/// What is to be run.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// The program and its arguments.
    pub(super) argv: Vec<String>,
    /// Where it runs.
    pub(super) folder: PathBuf,
    /// All of its environment.
    pub(super) environment: BTreeMap<String, String>,
    /// The variables that it was given for this call, by name: their values are not shown.
    pub(super) given: BTreeSet<String>,
    /// How long it may take, in seconds.
    pub(super) timeout_s: Option<u64>,
    /// How long is waited between one signal and the next, in seconds.
    pub(super) grace_s: u64,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Request {
    /// Returns what a call asks for, with the variables that it passes through.
    pub(super) fn of(call: &Call) -> Result<Self, CallTrouble> {
        let argv = arguments::texts(call, "Argv")?;
        if argv.first().is_none_or(String::is_empty) {
            return Err(not_sent("`Argv` names no program"));
        }
        if argv.iter().any(|argument| argument.contains('\0')) {
            return Err(not_sent("`Argv` holds a NUL, which no argument can"));
        }
        let own = |name: &str| std::env::var(name).ok();
        let mut environment: BTreeMap<_, _> =
            KEPT.iter().filter_map(|name| Some(((*name).to_owned(), own(name)?))).collect();
        let locale = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with("LC_"))?;
            Some((name, value.into_string().ok()?))
        });
        environment.extend(locale);
        environment.entry("PATH".to_owned()).or_insert_with(|| SEARCH.to_owned());
        environment.insert("TERM".to_owned(), "dumb".to_owned());
        let mut given = BTreeSet::new();
        for name in arguments::texts(call, "Inherit")? {
            given.insert(name.clone());
            match std::env::var(&name) {
                Ok(value) => drop(environment.insert(name, value)),
                Err(std::env::VarError::NotPresent) => {}
                Err(std::env::VarError::NotUnicode(_)) => {
                    return Err(not_sent("`Inherit` names a variable that is not UTF-8"));
                }
            }
        }
        let pairs = arguments::pairs(call, "Environment")?;
        given.extend(pairs.keys().cloned());
        given.retain(|name| !OPEN.contains(&name.as_str()));
        environment.extend(pairs);
        let wrong = |(name, value): (&String, &String)| {
            name.is_empty() || name.contains(['=', '\0']) || value.contains('\0')
        };
        if environment.iter().any(wrong) {
            return Err(not_sent("`Environment` holds a name or value that no variable can have"));
        }
        Ok(Self {
            argv,
            folder: arguments::path(call, "Folder")?,
            environment,
            given,
            timeout_s: arguments::maybe_number(call, "TimeoutS")?,
            grace_s: arguments::maybe_number(call, "GraceS")?.unwrap_or(GRACE_S),
        })
    }

    /// Returns what tells one request from another, without what may be secret: values of variables do not count.
    pub(super) fn digest(&self) -> String {
        let names: Vec<_> = self.environment.keys().collect();
        let counted = serde_json::to_vec(&(&self.argv, &self.folder, names)).unwrap_or_default();
        hex(&Sha256::digest(&counted))
    }

    /// Returns the time between one signal and the next.
    pub(super) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_s)
    }
}
