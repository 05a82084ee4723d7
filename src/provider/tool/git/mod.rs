//! Git remotes: whether the commit that is deployed can be had from them, whole.
//!
//! git itself is run, with prompts off: it knows the logins, proxies and certificates of whoever observes. What must stay
//! true: nothing of a remote is ever run, nobody is ever asked for a password, a login is never shown, and what is kept
//! in our folder is no copy to recover from.

mod command;
mod find;
mod remote;
mod said;
mod store;

use super::process::Groups;
use crate::domain::Text;
use crate::domain::condition::{Condition, Health, Incident};
use crate::domain::duration::{age_words, elapsed};
use crate::domain::estate::{Component, Selector};
use crate::domain::reading::{Lack, ReadTrouble};
use crate::domain::recovery_point::{Holds, PointKind, RecoveryPoint, Verification};
use crate::provider::clock::SystemClock;
use crate::provider::port::{Answer, Ask, Clock, News};
use command::{Git, Refs, is_id};
use find::{Finder, Found, Held, trouble};
use remote::Remote;
use said::Refusal;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{On, Store};

/// How often is looked whether another process has finished with what is kept of a remote.
const AGAIN: Duration = Duration::from_millis(200);
/// How often that is done before it is given up.
const TRIES: u32 = 300;

/// Reads Git remotes.
#[derive(Debug, Clone)]
pub(super) struct GitRemotes {
    folder: PathBuf,
    groups: Groups,
    environment: Arc<BTreeMap<OsString, OsString>>,
    /// How long git may say nothing.
    patience: Duration,
    /// Reads of one remote wait for each other: they share what is kept of it.
    turns: Arc<Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>>,
}

impl GitRemotes {
    /// Returns a reader that keeps what it fetches below `folder`.
    pub(super) fn new(
        folder: PathBuf,
        groups: Groups,
        environment: Arc<BTreeMap<OsString, OsString>>,
        patience: Duration,
    ) -> Self {
        Self { folder, groups, environment, patience, turns: Arc::default() }
    }

    /// Reads whether the remote holds the commit that is deployed.
    pub(super) async fn points(&self, ask: Ask<'_>) -> Answer<Vec<RecoveryPoint>> {
        let remote = match remote(ask.component) {
            Ok(remote) => remote,
            Err(why) => return Answer::new("git ls-remote".into(), Err(why)),
        };
        let source = Text::new(&format!("git ls-remote {}", remote.shown()));
        let refs = match self.refs(&remote, ask.news).await {
            Ok(refs) => refs,
            Err(Refusal::Absent) => return Answer::new(source, Ok(Vec::new())),
            Err(refusal) => return Answer::new(source, Err(trouble(refusal))),
        };
        let found = match deployed(ask.component) {
            Ok(commit) => self.find(&remote, &refs, &commit, ask.news).await,
            Err(why) => Err(why),
        };
        let found = match found {
            Ok(found) => found,
            Err(why) => return Answer::new(source, Err(why)),
        };
        let mut lacking = Vec::new();
        let verified = match found.held {
            Held::Whole(at) => Some(Verification { at, whole: true }),
            Held::Broken => Some(Verification { at: SystemClock.now(), whole: false }),
            Held::Unverified(why) => {
                lacking.push(Lack { source: "git fetch".into(), why });
                None
            }
            Held::No => return Answer::new(source, Ok(Vec::new())),
            Held::Untold(why) => return Answer::new(source, Err(why)),
        };
        let id = found.commit.unwrap_or_default();
        let mut point = RecoveryPoint::new(&id, PointKind::Commit, ask.place.clone(), Holds::Everything);
        point.verified = verified;
        Answer { source, outcome: Ok(vec![point]), lacking }
    }

    /// Reads how the remote is.
    pub(super) async fn condition(&self, ask: Ask<'_>) -> Answer<Condition> {
        let remote = match remote(ask.component) {
            Ok(remote) => remote,
            Err(why) => return Answer::new("git ls-remote".into(), Err(why)),
        };
        let source = Text::new(&format!("git ls-remote {}", remote.shown()));
        let refs = match self.refs(&remote, ask.news).await {
            Ok(refs) => refs,
            Err(refusal @ (Refusal::Absent | Refusal::AbsentOrHidden)) => {
                let says = format!("{}: {}", trouble(refusal), remote.shown());
                return Answer::new(source, Ok(Condition::gone(Text::new(&says))));
            }
            Err(refusal) => return Answer::new(source, Err(trouble(refusal))),
        };
        let found = match deployed(ask.component) {
            Ok(commit) => self.find(&remote, &refs, &commit, ask.news).await.map(|found| (commit, found)),
            Err(why) => Err(why),
        };
        match found {
            Ok((commit, found)) => Answer::new(source, Ok(condition(&refs, &commit, &found))),
            Err(why) => Answer::new(source, Err(why)),
        }
    }

    /// Asks the remote for its branches and tags.
    async fn refs(&self, remote: &Remote, news: &dyn News) -> Result<Refs, Refusal> {
        let folder = self.folder.join(remote.folder());
        store::make(&folder).map_err(|error| Refusal::Trouble(unkept(&error)))?;
        self.git(remote, news).refs(&folder).await
    }

    fn git<'a>(&'a self, remote: &'a Remote, news: &'a dyn News) -> Git<'a> {
        Git { remote, groups: &self.groups, environment: &self.environment, silence: self.patience, news }
    }

    async fn find(
        &self,
        remote: &Remote,
        refs: &Refs,
        commit: &str,
        news: &dyn News,
    ) -> Result<Found, ReadTrouble> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.entry(remote.folder()).or_default().clone()
        };
        // Whoever has its turn has limits of its own, so that waiting for it is no standing still.
        let _turn = loop {
            tokio::select! {
                turn = turn.lock() => break turn,
                () = tokio::time::sleep(Duration::from_secs(1)) => news.alive(),
            }
        };
        let store = self.open(remote, news).await?;
        Ok(Finder::new(self.git(remote, news), store, refs).find(commit).await)
    }

    /// Opens what is kept of a remote, when no other process works with it.
    async fn open(&self, remote: &Remote, news: &dyn News) -> Result<Store, ReadTrouble> {
        for _ in 0..TRIES {
            match Store::open(self.folder.join(remote.folder())) {
                Ok(Some(store)) => return Ok(store),
                Ok(None) => {
                    news.alive();
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => return Err(unkept(&error)),
            }
        }
        Err(ReadTrouble::Other("another lifeboat has been reading this remote for a long time".into()))
    }
}

fn unkept(error: &std::io::Error) -> ReadTrouble {
    ReadTrouble::Other(Text::new(&format!("what is fetched cannot be kept: {error}")))
}

fn remote(component: &Component) -> Result<Remote, ReadTrouble> {
    match &component.selector {
        Some(Selector::Id(address)) => {
            Remote::new(address.as_str()).map_err(|why| ReadTrouble::Other(why.into()))
        }
        _ => Err(ReadTrouble::Other(
            "a Git repository is found by its address: write `select: { id: URL }`".into(),
        )),
    }
}

fn deployed(component: &Component) -> Result<String, ReadTrouble> {
    let Some(commit) = &component.deployed else {
        return Err(ReadTrouble::Other("the estate does not say which commit is deployed".into()));
    };
    let id = commit.as_str().trim().to_ascii_lowercase();
    if is_id(&id) {
        return Ok(id);
    }
    let says = format!("`{commit}` is not the id of a commit: `deployed:` takes 7 digits of it or more");
    Err(ReadTrouble::Other(Text::new(&says)))
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// Returns the name of a branch or tag as people say it.
fn plain(name: &str) -> String {
    match (name.strip_prefix("refs/heads/"), name.strip_prefix("refs/tags/")) {
        (Some(branch), _) => branch.to_owned(),
        (_, Some(tag)) => format!("tag {tag}"),
        _ => name.to_owned(),
    }
}

fn condition(refs: &Refs, wanted: &str, found: &Found) -> Condition {
    let now = SystemClock.now();
    let mut incidents = Vec::new();
    let mut told = |code: &str, says: String| {
        incidents.push(Incident { code: code.into(), at: now, says: Text::new(&says) });
    };
    let mut health = Health::Healthy;
    let mut status = match &refs.head {
        Some((branch, id)) => {
            let branch = branch.as_deref().unwrap_or("its default branch");
            let age =
                found.head_at.map_or(String::new(), |at| format!(" ({} ago)", age_words(elapsed(at, now))));
            format!("{branch} is at {}{age}", short(id))
        }
        None if refs.tips.is_empty() => {
            health = Health::Impaired;
            "there is no branch in it".to_owned()
        }
        None => format!("{} branches and tags, none of them the default", refs.tips.len()),
    };
    let commit = short(found.commit.as_deref().unwrap_or(wanted));
    match (&found.held, &found.on) {
        (Held::No, _) => {
            let says = format!("it does not hold {commit}, which is deployed");
            status = format!("{status}; {says}");
            told("deployed-commit-missing", format!("{says}: looked for among all its branches and tags"));
        }
        (Held::Broken, _) => {
            health = Health::Impaired;
            status = format!("{status}; {commit}, which is deployed, cannot be had whole");
        }
        (Held::Untold(_), _) => {}
        (_, On::Nowhere) => told(
            "warn-commit-on-no-branch",
            format!(
                "{commit}, which is deployed, is on no branch and no tag: the remote may drop it any day"
            ),
        ),
        (_, On::NotWithin(depth)) => told(
            "note-commit-far-back",
            format!(
                "{commit}, which is deployed, is not among the newest {depth} commits of any branch or tag"
            ),
        ),
        (_, On::Tip(name) | On::Below(name)) => {
            let at = if matches!(found.on, On::Tip(_)) { "at" } else { "below" };
            status = format!("{status}; {commit}, which is deployed, is {at} {}", plain(name));
        }
        (_, On::Untold(_)) => {}
    }
    Condition { health, status: Text::new(&status), created_at: None, settings: BTreeMap::new(), incidents }
}
