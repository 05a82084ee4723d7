//! Backends: where Terraform and OpenTofu keep states, and what a key there stands for.

use super::Text;
use super::ids::{BackendName, EnvironmentName};
use super::place::Place;

/// What the names of workspaces stand under where a backend does not say otherwise (T2).
pub const WORKSPACES: &str = "env:";
/// The end of a lock file's key (T2).
const LOCK_FILE: &str = ".tflock";
/// The end of a state's key, where its backend follows the usual way of naming.
const STATE: &str = ".tfstate";
/// The end of the `LockID` of a digest row (T3).
const DIGEST: &str = "-md5";

/// A bucket, and a prefix in it, under which states lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// Its name in the estate file.
    pub name: BackendName,
    /// The environment it belongs to.
    pub environment: EnvironmentName,
    /// Where the bucket lies.
    pub home: Place,
    /// The bucket.
    pub bucket: Text,
    /// The prefix; empty for the whole bucket.
    pub prefix: Text,
    /// The lock table, where there is one.
    pub lock_table: Option<Text>,
    /// Whether locks are files beside the states; they are looked for either way (T2).
    pub lockfile: bool,
    /// What the names of workspaces stand under.
    pub workspaces: Text,
    /// Where the bucket is replicated to.
    pub replica: Option<Replica>,
}

/// Where a backend is replicated to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Where it lies.
    pub place: Place,
    /// The bucket.
    pub bucket: Text,
    /// The lock table that is used there: it excludes nobody who works at home (T7).
    pub lock_table: Option<Text>,
}

/// One state: a bucket, a key, and where its digest and locks are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateAddress {
    /// The environment whose login is used.
    pub environment: EnvironmentName,
    /// The bucket.
    pub bucket: Text,
    /// The key of the object.
    pub key: Text,
    /// The lock table, where one is known.
    pub lock_table: Option<Text>,
}

impl StateAddress {
    /// Returns `<bucket>/<key>`: what Terraform calls the path (T1).
    pub fn path(&self) -> String {
        format!("{}/{}", self.bucket, self.key)
    }

    /// Returns the key of its lock file (T2).
    pub fn lock_file(&self) -> String {
        format!("{}{LOCK_FILE}", self.key)
    }

    /// Returns the `LockID` of its digest row (T3).
    pub fn digest_row(&self) -> String {
        format!("{}{DIGEST}", self.path())
    }
}

/// What a key in a backend's bucket stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key<'a> {
    /// A state, of a workspace where it is not the default one.
    State(Option<&'a str>),
    /// The lock file of the state with this key.
    LockFile(&'a str),
    /// Something else: backups, notes, plans.
    Other,
}

impl Backend {
    /// Returns the places that hold it: home, then the replica.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.home).chain(self.replica.iter().map(|replica| &replica.place))
    }

    /// Returns the bucket and the lock table at a place.
    pub fn at(&self, place: &Place) -> Option<(&Text, Option<&Text>)> {
        if *place == self.home {
            return Some((&self.bucket, self.lock_table.as_ref()));
        }
        let replica = self.replica.as_ref().filter(|replica| replica.place == *place)?;
        Some((&replica.bucket, replica.lock_table.as_ref()))
    }

    /// Returns the address of a state at a place.
    pub fn address(&self, place: &Place, key: &str) -> Option<StateAddress> {
        let (bucket, table) = self.at(place)?;
        Some(StateAddress {
            environment: self.environment.clone(),
            bucket: bucket.clone(),
            key: key.into(),
            lock_table: table.cloned(),
        })
    }

    /// Returns the prefixes that have to be listed: those of workspaces stand outside the backend's own.
    pub fn prefixes(&self) -> Vec<String> {
        let (own, workspaces) = (self.prefix.to_string(), format!("{}/", self.workspaces));
        if own.is_empty() || workspaces.starts_with(&own) { vec![own] } else { vec![own, workspaces] }
    }

    /// Says what a key stands for. Names that only resemble states are none (L11); `known` says of a name without the
    /// usual end whether a digest row knows it.
    pub fn sort<'a>(&self, key: &'a str, known: impl Fn(&str) -> bool) -> Key<'a> {
        let under = key.strip_prefix(self.workspaces.as_str()).and_then(|rest| rest.strip_prefix('/'));
        let (workspace, own) = match under.and_then(|rest| rest.split_once('/')) {
            Some((workspace, own)) if !workspace.is_empty() => (Some(workspace), own),
            _ => (None, key),
        };
        if !own.starts_with(self.prefix.as_str()) {
            return Key::Other;
        }
        if let Some(state) = key.strip_suffix(LOCK_FILE) {
            return if state.ends_with(STATE) || known(state) { Key::LockFile(state) } else { Key::Other };
        }
        if key.ends_with(STATE) || known(key) { Key::State(workspace) } else { Key::Other }
    }

    /// Returns the key of the state that a row of the lock table is about, and whether the row is its digest. Rows of other
    /// buckets and backends are not ours.
    pub fn row<'a>(&self, bucket: &str, lock_id: &'a str) -> Option<(&'a str, bool)> {
        let key = lock_id.strip_prefix(bucket)?.strip_prefix('/')?;
        let (key, digest) = match key.strip_suffix(DIGEST) {
            Some(state) => (state, true),
            None => (key, false),
        };
        (self.sort(key, |_| true) != Key::Other).then_some((key, digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(prefix: &str) -> Backend {
        Backend {
            name: "live".into(),
            environment: "production".into(),
            home: Place::new("123456789012", "us-east-2"),
            bucket: "states".into(),
            prefix: prefix.into(),
            lock_table: None,
            lockfile: true,
            workspaces: WORKSPACES.into(),
            replica: None,
        }
    }

    #[test]
    fn names_that_only_resemble_states_are_none() {
        let live = backend("live/");
        let sort = |key: &'static str| live.sort(key, |known| known == "live/plain");
        assert_eq!(sort("live/a/terraform.tfstate"), Key::State(None));
        assert_eq!(sort("live/plain"), Key::State(None));
        assert_eq!(sort("env:/blue/live/a.tfstate"), Key::State(Some("blue")));
        assert_eq!(sort("live/a.tfstate.tflock"), Key::LockFile("live/a.tfstate"));
        for other in [
            "live/a.tfstate.backup",
            "live/a.tfstate.tflock.bak",
            "live/readme.md",
            "other/a.tfstate",
            "env:/blue/other/a.tfstate",
            "live/readme.md.tflock",
        ] {
            assert_eq!(sort(other), Key::Other, "{other}");
        }
    }

    #[test]
    fn rows_are_told_apart_by_bucket_prefix_and_end() {
        let live = backend("live/");
        assert_eq!(live.row("states", "states/live/a.tfstate"), Some(("live/a.tfstate", false)));
        assert_eq!(live.row("states", "states/live/a.tfstate-md5"), Some(("live/a.tfstate", true)));
        assert_eq!(live.row("states", "states-2/live/a.tfstate"), None);
        assert_eq!(live.row("states", "test-lock"), None);
        assert_eq!(live.prefixes(), ["live/", "env:/"]);
        assert_eq!(backend("").prefixes(), [""]);
    }
}
