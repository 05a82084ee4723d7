//! Terraform locks, and what speaks for and against their being stale.

use super::Text;
use super::duration::{age_words, elapsed};
use super::state::StateHistory;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Which store holds a lock; a backend may use both at once (T2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockStore {
    /// A row of a DynamoDB table.
    DynamodbRow,
    /// A `.tflock` object beside the state.
    LockFile,
}

impl LockStore {
    /// Returns the words shown to people.
    pub fn words(self) -> &'static str {
        match self {
            Self::DynamodbRow => "DynamoDB row",
            Self::LockFile => "lock file",
        }
    }
}

/// A lock as its store holds it (T1). Only what could be read is there: a record need not be JSON (T6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lock {
    /// Where it was found.
    pub store: LockStore,
    /// `<bucket>/<key>` of the state that it locks.
    pub path: Text,
    /// The lock ID that `force-unlock` takes; `None` when the record is not JSON.
    pub id: Option<Text>,
    /// `user@host` of the holder.
    pub who: Option<Text>,
    /// The operation, verbatim; the holder of a plan is harmless to stop, that of an apply is not.
    pub operation: Option<Text>,
    /// When it was taken.
    pub created_at: Option<Timestamp>,
    /// The version of Terraform that took it.
    pub terraform_version: Option<Text>,
    /// The record itself where it is not one of Terraform's, so that `force-unlock` can never release it (T6).
    #[serde(default)]
    pub record: Option<Text>,
}

/// A time during which somebody held a lock file, as its old versions tell (T12).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LockTurn {
    /// `user@host` of the holder.
    pub who: Option<Text>,
    /// The operation, verbatim.
    pub operation: Option<Text>,
    /// When it was taken.
    pub from: Timestamp,
    /// When it was released; `None` while it is held.
    pub until: Option<Timestamp>,
}

/// The record of a lock as Terraform writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Record {
    #[serde(rename = "ID")]
    id: String,
    operation: String,
    who: String,
    version: String,
    created: String,
}

/// What a plan calls itself (T1).
const PLAN: &str = "OperationTypePlan";
/// How much of a record that is not Terraform's is kept, in characters.
const RECORD: usize = 200;
/// A state that was written within this time is still being written, as far as anybody can tell: Terraform stores it every
/// 20 s at most, but only when a resource is finished, and some take long.
const QUIET: Duration = Duration::from_secs(3600);

/// What is known for and against a lock being stale (T13). There is no verdict: age alone proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Sentences that speak for the holder being gone.
    pub stale: Vec<Text>,
    /// Sentences that speak for the holder being alive.
    pub living: Vec<Text>,
    /// What its holder was doing, and what stopping it would mean.
    #[serde(default)]
    pub means: Text,
}

/// What else is known while a lock is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// The state that it locks.
    pub state: Option<&'a StateHistory>,
    /// All locks that were read, this one among them.
    pub locks: &'a [Lock],
    /// Whether the backend takes locks in both stores (T2).
    pub both: bool,
}

impl Lock {
    /// Returns the lock that a store holds; `record` is what stands in it, if anything does.
    pub fn of_record(store: LockStore, path: &str, record: Option<&str>) -> Self {
        let raw = record.unwrap_or_default();
        let parsed = serde_json::from_str::<Record>(raw).ok().filter(|record| !record.id.is_empty());
        let known = parsed.is_some();
        let read = parsed.unwrap_or_default();
        let some = |text: &str| (!text.is_empty()).then(|| Text::new(text));
        Self {
            store,
            path: Text::new(path),
            id: some(&read.id),
            who: some(&read.who),
            operation: some(&read.operation),
            created_at: read.created.parse().ok(),
            terraform_version: some(&read.version),
            record: (!known).then(|| Text::new(&raw.chars().take(RECORD).collect::<String>())),
        }
    }

    /// Says what its holder was doing, and what stopping it would mean.
    pub fn means(&self) -> &'static str {
        match self.operation.as_ref().map(Text::as_str) {
            None => "its record is not one of Terraform's: `force-unlock` cannot release it",
            Some(PLAN) => {
                "a plan: it changes nothing, so its holder is harmless to stop; nor does the state tell whether it is alive"
            }
            Some("OperationTypeApply") => {
                "an apply: it may be in the middle of changing things, and what it started may go on without it"
            }
            Some("OperationTypeRefresh") => "a refresh: it may be writing the state",
            Some(_) => "it may be writing the state",
        }
    }

    /// Returns what is known for and against this lock's holder being gone.
    pub fn evidence(&self, around: Around<'_>, now: Timestamp) -> Evidence {
        let mut evidence = Evidence { means: self.means().into(), ..Evidence::default() };
        if self.record.is_some() {
            let says = "its record is not JSON, so Terraform did not write it and cannot release it";
            evidence.stale.push(says.into());
        }
        if around.both && !around.locks.iter().any(|lock| self.is_other_half(lock)) {
            let says = format!("only its half in the {} is left: an unlock got half way", self.store.words());
            evidence.stale.push(Text::new(&says));
        }
        let Some(created_at) = self.created_at else { return evidence };
        self.of_state(around.state, created_at, now, &mut evidence);
        self.of_holder(around.locks, created_at, now, &mut evidence);
        evidence
    }

    fn is_plan(&self) -> bool {
        self.operation.as_ref().is_some_and(|operation| operation.as_str() == PLAN)
    }

    fn is_other_half(&self, lock: &Self) -> bool {
        lock.path == self.path && lock.store != self.store
    }

    fn of_state(
        &self,
        state: Option<&StateHistory>,
        created_at: Timestamp,
        now: Timestamp,
        evidence: &mut Evidence,
    ) {
        let held = elapsed(created_at, now);
        // What writes nothing leaves no trace of being alive, and none of being gone.
        let Some(state) = state.filter(|_| !self.is_plan()) else { return };
        let since: Vec<_> =
            state.versions.iter().filter(|version| version.written_at >= created_at).collect();
        match since.first().map(|version| elapsed(version.written_at, now)) {
            Some(quiet) if quiet < QUIET => {
                let times = if since.len() > 1 { format!(" {} times", since.len()) } else { String::new() };
                evidence.living.push(Text::new(&format!(
                    "the state was written{times} after the lock was taken, last {} ago",
                    age_words(quiet)
                )));
            }
            Some(quiet) => evidence.stale.push(Text::new(&format!(
                "the state was written after the lock was taken, but not in the last {}",
                age_words(quiet)
            ))),
            None if held >= QUIET => evidence.stale.push(Text::new(&format!(
                "the state has not been written in the {} since the lock was taken",
                age_words(held)
            ))),
            None => evidence
                .living
                .push(Text::new(&format!("it was taken {} ago; an apply may take longer", age_words(held)))),
        }
    }

    /// Looks at what else its holder holds: other locks, taken after this one.
    fn of_holder(&self, locks: &[Self], created_at: Timestamp, now: Timestamp, evidence: &mut Evidence) {
        let Some(who) = &self.who else { return };
        let others = locks.iter().filter(|lock| lock.who.as_ref() == Some(who) && lock.path != self.path);
        let newest = others.filter_map(|lock| lock.created_at).filter(|at| *at > created_at).max();
        if let Some(at) = newest.filter(|at| elapsed(*at, now) < QUIET) {
            let age = age_words(elapsed(at, now));
            evidence.living.push(Text::new(&format!("{who} took another lock {age} ago")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::state::StateVersion;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    fn lock(store: LockStore, created: i64) -> Lock {
        let record = format!(
            r#"{{"ID":"i","Operation":"OperationTypeApply","Info":"","Who":"a@b","Version":"1","Created":"{}","Path":"p"}}"#,
            at(created)
        );
        Lock::of_record(store, "b/k", Some(&record))
    }

    #[test]
    fn a_record_that_is_not_terraforms_is_kept_as_it_is() {
        for record in [None, Some(""), Some("Test lock for DR testing"), Some("{}"), Some("[1]")] {
            let lock = Lock::of_record(LockStore::DynamodbRow, "b/k", record);
            assert_eq!(lock.id, None, "{record:?}");
            assert_eq!(lock.record.as_ref().map(Text::as_str), Some(record.unwrap_or_default()));
            assert_eq!(lock.evidence(Around::default(), at(0)).stale.len(), 1);
        }
    }

    #[test]
    fn a_living_holder_has_nothing_against_it_and_a_quiet_one_has() {
        let now = 100_000;
        let written = |ago: i64| StateHistory {
            versions: vec![StateVersion::unread("v", at(now - ago), 1)],
            ..StateHistory::default()
        };
        let both = [lock(LockStore::DynamodbRow, now - 60), lock(LockStore::LockFile, now - 60)];
        let seen = |lock: &Lock, state: &StateHistory, both: &[Lock]| {
            lock.evidence(Around { state: Some(state), locks: both, both: true }, at(now))
        };
        let living = seen(&both[0], &written(5), &both);
        assert_eq!((living.stale.len(), living.living.len()), (0, 1), "{living:?}");
        let half = seen(&both[0], &written(5), &both[..1]);
        assert_eq!((half.stale.len(), half.living.len()), (1, 1), "{half:?}");
        // Once written while the lock was held, and then for two days no more.
        let old = lock(LockStore::LockFile, now - 90_000);
        let quiet = old.evidence(Around { state: Some(&written(89_000)), locks: &[], both: false }, at(now));
        assert_eq!((quiet.stale.len(), quiet.living.len()), (1, 0), "{quiet:?}");
    }
}
