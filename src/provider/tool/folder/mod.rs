//! Dumps in folders, on a disk or a mounted share: what lies there, and whether its bytes are what they were.
//!
//! The rules of what is a dump are in [`crate::domain::dump`]; here is what touches files. What must stay true: nothing
//! outside a folder is ever opened, a share that hangs holds nobody up, and a dump counts as read back only while it is
//! the file that was read.

mod list;
mod verify;

use crate::domain::Text;
use crate::domain::condition::{Condition, Health};
use crate::domain::dump::dumps;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::estate::{Component, Selector};
use crate::domain::place::Place;
use crate::domain::reading::{Lack, ReadTrouble};
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use crate::provider::clock::SystemClock;
use crate::provider::port::{Answer, Ask, Clock, News};
use list::{NotListed, Progress, list};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedMutexGuard, oneshot};
use verify::{Memory, Verifier};

/// How many bytes are read back in one read.
pub(super) const BUDGET: u64 = 4 * 1024 * 1024 * 1024;
/// How long nothing may happen.
const SILENCE: u32 = 60;

/// Where the dumps of a component lie at a place.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Whereabouts {
    /// In these folders.
    pub(super) folders: Vec<PathBuf>,
    /// Also, or only, somewhere that is no folder.
    pub(super) elsewhere: bool,
}

/// Returns where the dumps of a component lie at a place. Those of its own lie at home; elsewhere lies what is declared.
pub(super) fn whereabouts(component: &Component, place: &Place) -> Whereabouts {
    let own = match &component.selector {
        Some(Selector::Id(id)) => folder(id.as_str()),
        _ => None,
    };
    let declared: Vec<Option<PathBuf>> =
        component.declared.iter().filter(|(at, _)| at == place).map(|(_, at)| folder(at.as_str())).collect();
    let is_home = *place == component.home;
    let elsewhere = declared.contains(&None) || (own.is_none() && (is_home || declared.is_empty()));
    let mut folders: Vec<PathBuf> = Vec::new();
    for found in own.filter(|_| is_home).into_iter().chain(declared.into_iter().flatten()) {
        if !folders.contains(&found) {
            folders.push(found);
        }
    }
    Whereabouts { folders, elsewhere }
}

/// Returns the folder in which a component's own dumps lie.
pub(super) fn own(component: &Component) -> Option<PathBuf> {
    match &component.selector {
        Some(Selector::Id(id)) => folder(id.as_str()),
        _ => None,
    }
}

/// Returns the folder that a text names: a path from the root, or `file://` and one.
fn folder(text: &str) -> Option<PathBuf> {
    let path = text.strip_prefix("file://").map(|rest| rest.strip_prefix("localhost").unwrap_or(rest));
    let path = path.unwrap_or(text);
    path.starts_with('/').then(|| PathBuf::from(path))
}

/// A folder, and whether it is listed for its dumps or only looked at: each has a turn of its own.
type Turn = (PathBuf, bool);

/// Reads dumps in folders.
#[derive(Debug, Clone)]
pub(super) struct DumpFolders {
    memories: PathBuf,
    budget: u64,
    turns: Arc<Mutex<BTreeMap<Turn, Arc<tokio::sync::Mutex<()>>>>>,
}

impl DumpFolders {
    /// Returns a reader that remembers below `memories` what it read back, `budget` bytes at a time.
    pub(super) fn new(memories: PathBuf, budget: u64) -> Self {
        Self { memories, budget, turns: Arc::default() }
    }

    /// Reads the dumps in folders.
    pub(super) async fn points(&self, ask: Ask<'_>, folders: &[PathBuf]) -> Answer<Vec<RecoveryPoint>> {
        let shown: Vec<String> = folders.iter().map(|folder| folder.display().to_string()).collect();
        if folders.is_empty() {
            let says = format!("no copy is declared in {}", ask.place.region);
            return Answer::new(Text::new(&says), Ok(Vec::new()));
        }
        let source = Text::new(&format!("read {}", shown.join(", ")));
        let mut all = Vec::new();
        let mut lacking: Vec<Lack> = Vec::new();
        let mut failed = Vec::new();
        for folder in folders {
            let (memories, budget, place) = (self.memories.clone(), self.budget, ask.place.clone());
            // The same name may stand in each of several folders.
            let prefix = if folders.len() > 1 { format!("{}/", folder.display()) } else { String::new() };
            let path = folder.clone();
            let read = move |progress: &Progress| read(&path, &memories, budget, &place, &prefix, progress);
            match self.in_a_thread((folder.clone(), true), ask.news, read).await {
                Ok(Ok((points, lacks))) => {
                    all.extend(points);
                    lacking.extend(lacks);
                }
                // What is not there holds nothing; that it is gone, the condition says.
                Ok(Err(NotListed::Absent)) => {}
                Ok(Err(NotListed::Trouble(why))) | Err(why) => failed.push((folder, why)),
            }
        }
        if failed.len() == folders.len()
            && let Some((_, why)) = failed.pop()
        {
            return Answer::new(source, Err(why));
        }
        lacking.extend(
            failed
                .into_iter()
                .map(|(folder, why)| Lack { source: Text::new(&format!("read {}", folder.display())), why }),
        );
        Answer { source, outcome: Ok(all), lacking }
    }

    /// Reads how the folder of a component is.
    pub(super) async fn condition(&self, ask: Ask<'_>, folder: &Path) -> Answer<Condition> {
        let source = Text::new(&format!("read {}", folder.display()));
        let path = folder.to_owned();
        let look = move |progress: &Progress| list(&path, progress).map(|listing| described(&path, &listing));
        let outcome = match self.in_a_thread((folder.to_owned(), false), ask.news, look).await {
            Ok(Ok(condition)) => Ok(condition),
            Ok(Err(NotListed::Absent)) => {
                Ok(Condition::gone(Text::new(&format!("there is no folder {}", folder.display()))))
            }
            Ok(Err(NotListed::Trouble(why))) | Err(why) => Err(why),
        };
        Answer::new(source, outcome)
    }

    /// Does something that may hang in a thread of its own. A thread that hangs in a share is left to itself: nobody waits
    /// for it, at the end of the program neither, and it keeps others of its kind from hanging as well.
    async fn in_a_thread<T: Send + 'static>(
        &self,
        turn: Turn,
        news: &dyn News,
        work: impl FnOnce(&Progress) -> T + Send + 'static,
    ) -> Result<T, ReadTrouble> {
        let lock = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.entry(turn).or_default().clone()
        };
        let guard: OwnedMutexGuard<()> =
            tokio::time::timeout(Duration::from_secs(u64::from(SILENCE)), lock.lock_owned())
                .await
                .map_err(|_| ReadTrouble::TimedOut)?;
        let progress = Arc::new(Progress::default());
        let theirs = progress.clone();
        let (sender, mut result) = oneshot::channel();
        std::thread::Builder::new()
            .name("dumps".to_owned())
            .spawn(move || {
                let _guard = guard;
                // Nobody may wait any more.
                let _ = sender.send(work(&theirs));
            })
            .map_err(|error| {
                ReadTrouble::Other(Text::new(&format!("no thread could be started: {error}")))
            })?;
        let _cancel = Cancel(progress.clone());
        let (mut seen, mut silent) = (0, 0);
        loop {
            tokio::select! {
                done = &mut result => return done.map_err(|_| ReadTrouble::Other("the folder could not be read".into())),
                () = tokio::time::sleep(Duration::from_secs(1)) => {
                    let done = progress.done.load(Ordering::Relaxed);
                    if done != seen {
                        news.alive();
                        (seen, silent) = (done, 0);
                    }
                    silent += 1;
                    if silent > SILENCE {
                        return Err(ReadTrouble::TimedOut);
                    }
                }
            }
        }
    }
}

/// Tells a thread that nobody waits for it any more.
struct Cancel(Arc<Progress>);

impl Drop for Cancel {
    fn drop(&mut self) {
        self.0.is_cancelled.store(true, Ordering::Relaxed);
    }
}

type Read = (Vec<RecoveryPoint>, Vec<Lack>);

fn read(
    folder: &Path,
    memories: &Path,
    budget: u64,
    place: &Place,
    prefix: &str,
    progress: &Progress,
) -> Result<Read, NotListed> {
    let listing = list(folder, progress)?;
    let found = dumps(&listing.parts);
    let memory = Memory::open(memories, folder);
    let mut verifier =
        Verifier { listing: &listing, memory, progress, left: budget, is_first: true, lacking: Vec::new() };
    let lists = verifier.lists(&found);
    let mut points = Vec::new();
    for dump in &found {
        let Some(until) = dump.until() else { continue };
        let id = format!("{prefix}{}", dump.id);
        let mut point = RecoveryPoint::new(&id, PointKind::Dump, place.clone(), Holds::Until(until));
        point.size_bytes = Some(dump.size_bytes());
        point.verified = verifier.verify(dump, &lists);
        if dump.is_unfinished() && !point.verified.is_some_and(|verification| verification.whole) {
            point.status = PointStatus::Pending;
        }
        points.push(point);
    }
    let Verifier { mut memory, lacking, .. } = verifier;
    if let Err(error) = memory.keep(&listing) {
        tracing::warn!(%error, "what was read back is not remembered");
    }
    let lacking = listing.lacking.iter().cloned().chain(lacking).collect();
    Ok((points, lacking))
}

fn described(folder: &Path, listing: &list::Listing) -> Condition {
    let found = dumps(&listing.parts);
    let now = SystemClock.now();
    let (health, status) = match found.first().and_then(|dump| Some((dump, dump.until()?))) {
        Some((newest, until)) => {
            let dumps = if found.len() == 1 { "1 dump".to_owned() } else { format!("{} dumps", found.len()) };
            let age = age_words(elapsed(until, now));
            (Health::Healthy, format!("{dumps}, the newest is {} ({age} old)", newest.id))
        }
        None => (Health::Impaired, format!("there is no dump in {}", folder.display())),
    };
    Condition {
        health,
        status: Text::new(&status),
        created_at: None,
        settings: BTreeMap::new(),
        incidents: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_from_buckets() {
        for (text, is) in [
            ("/mnt/backups", Some("/mnt/backups")),
            ("file:///mnt/backups", Some("/mnt/backups")),
            ("file://localhost/mnt/backups", Some("/mnt/backups")),
            ("file://server/mnt/backups", None),
            ("s3://bucket/prefix/", None),
            ("backups", None),
        ] {
            assert_eq!(folder(text), is.map(PathBuf::from), "{text}");
        }
    }
}
