//! What lies outside AWS: Git remotes, asked with git, and database dumps in folders.
//!
//! [`ToolAdapter`] reads them; [`route`] puts it before another adapter and sends each question to who can answer it. Who
//! may use it: `cli::wire`. What must stay true: programs are run by a list of arguments
//! and never through a shell, in a process group that ends with the read, and with prompts off; and nothing outside our
//! own folder is ever written.

mod folder;
mod git;
mod process;
mod router;
mod sign;

pub use router::route;
pub use sign::sign;

use crate::domain::condition::Condition;
use crate::domain::kind::Kind;
use crate::domain::reading::ReadTrouble;
use crate::domain::recovery_point::RecoveryPoint;
use crate::provider::port::{Answer, Ask, BoxFuture, ReadConditions, ReadPoints};
use folder::{BUDGET, DumpFolders, own, whereabouts};
use git::GitRemotes;
use process::Groups;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a program may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads Git remotes and dumps in folders.
#[derive(Debug, Clone)]
pub struct ToolAdapter {
    limits: Limits,
    groups: Groups,
    git: GitRemotes,
    folders: DumpFolders,
}

/// What an adapter may do.
#[derive(Debug, Clone)]
struct Limits {
    /// Where it keeps what it fetched and what it read back.
    cache: PathBuf,
    /// What is set in the environment of the programs that it runs.
    environment: Arc<BTreeMap<OsString, OsString>>,
    /// How long a program may say nothing.
    patience: Duration,
    /// How many bytes of dumps one read may read back.
    budget: u64,
}

impl ToolAdapter {
    /// Returns an adapter that keeps below `cache` what it fetched and what it read back.
    pub fn new(cache: &Path) -> Self {
        let environment = Arc::default();
        Self::within(Limits { cache: cache.to_owned(), environment, patience: PATIENCE, budget: BUDGET })
    }

    fn within(limits: Limits) -> Self {
        let groups = Groups::default();
        let (environment, patience) = (limits.environment.clone(), limits.patience);
        let git = GitRemotes::new(limits.cache.join("git"), groups.clone(), environment, patience);
        let folders = DumpFolders::new(limits.cache.join("dumps"), limits.budget);
        Self { limits, groups, git, folders }
    }

    /// Returns the adapter with a variable set in the environment of the programs that it runs.
    pub fn with_variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let mut environment = (*self.limits.environment).clone();
        environment.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self.limits.environment = Arc::new(environment);
        Self::within(self.limits)
    }

    /// Returns the adapter with another time for which a program may say nothing.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self::within(Limits { patience, ..self.limits })
    }

    /// Returns the adapter with another number of bytes of dumps that one read may read back.
    pub fn with_budget(self, bytes: u64) -> Self {
        Self::within(Limits { budget: bytes, ..self.limits })
    }

    /// Returns what ends the programs that are still running when it is dropped.
    pub fn leash(&self) -> Leash {
        Leash(self.groups.clone())
    }
}

/// Ends the programs that an adapter still runs when it is dropped: the end of ours is not the end of theirs.
#[derive(Debug)]
pub struct Leash(Groups);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn not_read<T>(kind: Kind) -> Answer<T> {
    let says = format!("no tool reads a component of the kind {kind}");
    Answer::new("lifeboat".into(), Err(ReadTrouble::Other(says.into())))
}

impl ReadPoints for ToolAdapter {
    fn points<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Vec<RecoveryPoint>>> {
        Box::pin(async move {
            match ask.component.kind {
                Kind::GitRepository => self.git.points(ask).await,
                Kind::DatabaseDump => {
                    self.folders.points(ask, &whereabouts(ask.component, ask.place).folders).await
                }
                kind => not_read(kind),
            }
        })
    }
}

impl ReadConditions for ToolAdapter {
    fn condition<'a>(&'a self, ask: Ask<'a>) -> BoxFuture<'a, Answer<Condition>> {
        Box::pin(async move {
            match (ask.component.kind, own(ask.component)) {
                (Kind::GitRepository, _) => self.git.condition(ask).await,
                (Kind::DatabaseDump, Some(folder)) => self.folders.condition(ask, &folder).await,
                (kind, _) => not_read(kind),
            }
        })
    }
}
