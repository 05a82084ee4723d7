//! Whether a remote holds a commit, and on which of its branches.
//!
//! A list of branches and tags tells of their tips only. A commit below them is looked for in the history, which is
//! fetched without files and only as far back as is needed. Whether the commit can be had whole is seen by fetching it:
//! by its id where the remote hands it out so, else by the name of the branch that it is on.

use super::command::{Git, Refs};
use super::said::Refusal;
use super::store::{Known, On, Repository, Store};
use crate::domain::Text;
use crate::domain::reading::ReadTrouble;
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;

/// How many commits of each branch and tag are looked at, in steps: most deployed commits are near a tip.
const DEPTHS: [u32; 3] = [50, 1_000, 20_000];
/// How many commits, with their files, are fetched to get at one that the remote does not hand out by its id.
const MOST_BY_NAME: u32 = 1_000;
/// Where the branches of a remote stand in a repository of ours.
const OURS: &str = "refs/lifeboat";

/// What there is of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// The remote handed it out whole, then.
    Whole(Timestamp),
    /// The remote names it and cannot hand it out whole.
    Broken,
    /// The remote holds it; why nobody has seen that it is whole.
    Unverified(ReadTrouble),
    /// The remote does not hold it.
    No,
    /// It cannot be told; why.
    Untold(ReadTrouble),
}

/// What was found out about a remote and a commit.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// When the newest commit of the default branch was made.
    pub(super) head_at: Option<Timestamp>,
    /// The commit's full id, where it is known.
    pub(super) commit: Option<String>,
    /// Where it is.
    pub(super) on: On,
    /// What there is of it.
    pub(super) held: Held,
}

/// Looks for a commit.
pub(super) struct Finder<'a> {
    pub(super) git: Git<'a>,
    pub(super) store: Store,
    pub(super) refs: &'a Refs,
    known: Known,
    /// How far back the history was fetched in this read.
    fetched: u32,
}

fn other(says: &str) -> ReadTrouble {
    ReadTrouble::Other(Text::new(says))
}

fn disk(error: &io::Error) -> Refusal {
    Refusal::Trouble(other(&format!("what is fetched cannot be kept: {error}")))
}

/// Says why something could not be told.
pub(super) fn trouble(refusal: Refusal) -> ReadTrouble {
    match refusal {
        Refusal::Trouble(trouble) => trouble,
        Refusal::Absent => other("the remote says that there is no such repository"),
        Refusal::AbsentOrHidden => {
            other("the remote says that there is no such repository, or none that this observer may see")
        }
        Refusal::OnlyByName => other("the remote does not hand out commits by their id"),
        Refusal::NoSuchCommit => other("the remote has no such commit"),
        Refusal::Broken => other("the remote could not hand out all of it"),
    }
}

impl<'a> Finder<'a> {
    /// Begins with what is known already.
    pub(super) fn new(git: Git<'a>, store: Store, refs: &'a Refs) -> Self {
        let mut known = store.known();
        if known.refs != refs.digest {
            let (whole, depth) = (known.whole, known.depth);
            known = Known { refs: refs.digest.clone(), whole, depth, ..Known::default() };
        }
        Self { git, store, refs, known, fetched: 0 }
    }

    /// Looks for a commit, by its id or the beginning of it.
    pub(super) async fn find(mut self, wanted: &str) -> Found {
        let (commit, on) = self.locate(wanted).await;
        if self.known.head_at.is_none() && self.refs.head.is_some() {
            // Without it only an age is missing.
            let _ = self.fetch_head().await;
        }
        let held = match &commit {
            Some(commit) => self.held(commit, &on).await,
            None => match &on {
                On::Tip(_) | On::Below(_) | On::Nowhere => Held::No,
                On::NotWithin(depth) => Held::Untold(not_within(*depth)),
                On::Untold(why) => Held::Untold(other(why)),
            },
        };
        if let Some(commit) = &commit
            && !matches!(on, On::Untold(_))
        {
            self.known.on.insert(commit.clone(), on.clone());
        }
        if let Err(error) = self.store.keep(&self.known) {
            tracing::warn!(%error, "what is known of a remote is not kept");
        }
        let head_at = self.known.head_at.and_then(|at| Timestamp::from_second(at).ok());
        Found { head_at, commit, on, held }
    }

    /// Finds out where a commit is, and its full id.
    async fn locate(&mut self, wanted: &str) -> (Option<String>, On) {
        let mut commit = self.full_id(wanted);
        if let Some(id) = &commit {
            if let Some(name) = self.refs.tip_of(id) {
                return (commit.clone(), On::Tip(name.to_owned()));
            }
            if let Some(on) = self.known.on.get(id) {
                return (commit.clone(), on.clone());
            }
        }
        if self.refs.tips.is_empty() {
            return (commit, On::Nowhere);
        }
        let mut on = On::Nowhere;
        let before = self.known.depth;
        for depth in DEPTHS.into_iter().filter(|depth| *depth >= before) {
            if let Err(refusal) = self.fetch_history(depth).await {
                return (commit, On::Untold(trouble(refusal).to_string()));
            }
            commit = match commit {
                Some(commit) => Some(commit),
                None => {
                    self.ask_history(&["rev-parse", "--verify", "--quiet", &format!("{wanted}^{{commit}}")])
                        .await
                }
            };
            if let Some(id) = &commit {
                self.known.full.insert(wanted.to_owned(), id.clone());
                if let Some(name) = self.branch_of(id).await {
                    return (commit, On::Below(name));
                }
            }
            on = On::NotWithin(depth);
            if self.ask_history(&["rev-parse", "--is-shallow-repository"]).await.as_deref() == Some("false") {
                return (commit, On::Nowhere);
            }
        }
        (commit, on)
    }

    /// Returns the full id of a commit, where the tips tell it or it is known.
    fn full_id(&self, wanted: &str) -> Option<String> {
        if wanted.len() == self.refs.id_length() {
            // Somebody may have written down the tag itself.
            return Some(self.refs.peeled.get(wanted).map_or(wanted, String::as_str).to_owned());
        }
        let tips: BTreeSet<&String> = self.refs.tips.values().filter(|id| id.starts_with(wanted)).collect();
        match (tips.first(), tips.len()) {
            (Some(only), 1) => Some((*only).clone()),
            _ => self.known.full.get(wanted).cloned(),
        }
    }

    /// Returns a branch, else a tag, below whose tip a commit is in the history that was fetched.
    async fn branch_of(&self, commit: &str) -> Option<String> {
        let contains = format!("--contains={commit}");
        let listed = self.ask_history(&["for-each-ref", "--format=%(refname)", &contains, OURS]).await?;
        let names: Vec<String> = { listed.lines() }
            .filter_map(|name| name.strip_prefix(OURS))
            .filter(|name| *name != "/HEAD")
            .map(|name| format!("refs{name}"))
            .collect();
        let default = self.refs.head.as_ref().and_then(|(branch, _)| branch.as_ref());
        let default =
            default.map(|branch| format!("refs/heads/{branch}")).filter(|name| names.contains(name));
        default.or_else(|| names.into_iter().next())
    }

    async fn ask_history(&self, arguments: &[&str]) -> Option<String> {
        self.git.ask(&self.store, Repository::History, arguments).await.ok().flatten()
    }

    /// Fetches the commits of all branches and tags so far back, without files.
    async fn fetch_history(&mut self, depth: u32) -> Result<(), Refusal> {
        let mut what = vec![format!("+refs/heads/*:{OURS}/heads/*"), format!("+refs/tags/*:{OURS}/tags/*")];
        what.extend(self.refs.head.as_ref().map(|_| format!("+HEAD:{OURS}/HEAD")));
        self.fetch(Repository::History, depth, &what).await?;
        self.fetched = depth;
        self.known.depth = depth;
        self.read_head().await;
        Ok(())
    }

    /// Fetches the newest commit of the default branch, without files.
    async fn fetch_head(&mut self) -> Result<(), Refusal> {
        if self.fetched == 0 {
            // Not less far back than before: that would cut off what is there.
            let depth = self.known.depth.max(1);
            self.fetch(Repository::History, depth, &[format!("+HEAD:{OURS}/HEAD")]).await?;
        }
        self.read_head().await;
        Ok(())
    }

    async fn read_head(&mut self) {
        let name = format!("{OURS}/HEAD");
        let said =
            self.ask_history(&["for-each-ref", "--format=%(objectname) %(committerdate:unix)", &name]).await;
        let (Some(said), Some((_, head))) = (said, &self.refs.head) else { return };
        self.known.head_at = said.strip_prefix(head.as_str()).and_then(|at| at.trim().parse().ok());
    }

    /// Fetches; what is kept is begun anew once where it may be in the way.
    async fn fetch(&self, repository: Repository, depth: u32, what: &[String]) -> Result<(), Refusal> {
        let id_length = self.refs.id_length();
        let is_new = self.store.prepare(repository, id_length).map_err(|error| disk(&error))?;
        match self.git.fetch(&self.store, repository, depth, what).await {
            Err(Refusal::Trouble(ReadTrouble::Other(_)) | Refusal::Broken) if !is_new => {
                self.store.remove(repository).map_err(|error| disk(&error))?;
                self.store.prepare(repository, id_length).map_err(|error| disk(&error))?;
                self.git.fetch(&self.store, repository, depth, what).await
            }
            other => other,
        }
    }

    /// Finds out what there is of a commit.
    async fn held(&mut self, commit: &str, on: &On) -> Held {
        let is_on = matches!(on, On::Tip(_) | On::Below(_));
        if is_on && let Some(at) = self.whole_since(commit) {
            return Held::Whole(at);
        }
        let refused = match self.fetch(Repository::Whole, 1, &[format!("+{commit}:{OURS}/{commit}")]).await {
            Ok(()) => return self.check(commit).await,
            Err(refused) => refused,
        };
        match (refused, on) {
            (Refusal::Broken, _) => Held::Broken,
            (Refusal::NoSuchCommit | Refusal::OnlyByName, On::Tip(name)) => {
                self.by_name(commit, name, 1).await
            }
            (Refusal::NoSuchCommit | Refusal::OnlyByName, On::Below(name)) => {
                match self.distance(commit, name).await {
                    Some(below) if below < MOST_BY_NAME => self.by_name(commit, name, below + 1).await,
                    _ => Held::Unverified(other(
                        "the remote does not hand out commits by their id, and this one is too far below its branch",
                    )),
                }
            }
            (Refusal::NoSuchCommit, _) | (Refusal::OnlyByName, On::Nowhere) => Held::No,
            (Refusal::OnlyByName, On::NotWithin(depth)) => Held::Untold(not_within(*depth)),
            (Refusal::OnlyByName, On::Untold(why)) => Held::Untold(other(why)),
            (refused, On::Tip(_) | On::Below(_)) => Held::Unverified(trouble(refused)),
            (refused, _) => Held::Untold(trouble(refused)),
        }
    }

    async fn by_name(&mut self, commit: &str, name: &str, depth: u32) -> Held {
        match self.fetch(Repository::Whole, depth, &[format!("+{name}:{OURS}/by-name")]).await {
            Ok(()) => self.check(commit).await,
            Err(Refusal::Broken) => Held::Broken,
            Err(refused) => Held::Unverified(trouble(refused)),
        }
    }

    fn whole_since(&self, commit: &str) -> Option<Timestamp> {
        self.known.whole.get(commit).and_then(|at| Timestamp::from_second(*at).ok())
    }

    /// Reads back what was fetched. What arrives is hashed as it arrives; that nothing is missing is seen here.
    async fn check(&mut self, commit: &str) -> Held {
        let ask = async |arguments: &[&str]| self.git.ask(&self.store, Repository::Whole, arguments).await;
        let kind = match ask(&["cat-file", "-t", commit]).await {
            Ok(kind) => kind,
            Err(not_run) => return Held::Unverified(trouble(not_run.into())),
        };
        if let Some(kind) = kind.filter(|kind| kind != "commit") {
            return Held::Untold(other(&format!("what is deployed is a {kind} and no commit")));
        }
        match ask(&["fsck", "--connectivity-only", "--no-dangling", "--no-progress", commit]).await {
            Ok(Some(_)) => {}
            Ok(None) => {
                self.known.whole.remove(commit);
                // Not to be taken for the remote's the next time.
                let _ = self.store.remove(Repository::Whole);
                return Held::Broken;
            }
            Err(not_run) => return Held::Unverified(trouble(not_run.into())),
        }
        // What was fetched before was not fetched again: it was seen whole then.
        let at = self.whole_since(commit).unwrap_or_else(|| SystemClock.now());
        self.known.whole.insert(commit.to_owned(), at.as_second());
        Held::Whole(at)
    }

    /// Returns how many commits lie between the tip of a branch and a commit below it.
    async fn distance(&self, commit: &str, name: &str) -> Option<u32> {
        let tip = self.refs.tips.get(name)?;
        let range = format!("{commit}..{tip}");
        let listed = self.ask_history(&["rev-list", "--parents", "--ancestry-path", &range]).await?;
        let parents: BTreeMap<&str, Vec<&str>> = { listed.lines() }
            .filter_map(|line| {
                let mut ids = line.split(' ');
                Some((ids.next()?, ids.collect()))
            })
            .collect();
        let mut next = VecDeque::from([(tip.as_str(), 0_u32)]);
        let mut seen = BTreeSet::new();
        while let Some((id, far)) = next.pop_front() {
            if id == commit {
                return Some(far);
            }
            if seen.insert(id) {
                next.extend(parents.get(id).into_iter().flatten().map(|parent| (*parent, far + 1)));
            }
        }
        None
    }
}

fn not_within(depth: u32) -> ReadTrouble {
    other(&format!(
        "the remote does not hand out commits by their id, and this one is not among the newest {depth} of any branch or tag"
    ))
}
