//! The versions and delete markers under a prefix, page by page and in memory that does not grow with the bucket (S1).

use super::facts::text;
use crate::domain::Text;
use crate::provider::port::{CallTrouble, Look};
use crate::runbook::call::Call;
use jiff::Timestamp;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// How many entries of one key are looked at: who has written a key more often since has changed it anyhow.
const DEEPEST: usize = 200;

/// A version or a delete marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) id: String,
    pub(super) is_marker: bool,
    pub(super) is_latest: bool,
    pub(super) etag: String,
    pub(super) size: u64,
    pub(super) at: Timestamp,
    pub(super) class: String,
}

impl Entry {
    /// Says whether it has the content of another, as far as a listing tells.
    pub(super) fn is_like(&self, etag: &str, size: u64) -> bool {
        !self.is_marker && self.etag == etag && self.size == size
    }

    fn of(value: &Value, is_marker: bool) -> Option<Self> {
        Some(Self {
            key: value.get("Key")?.as_str()?.to_owned(),
            id: value.get("VersionId")?.as_str()?.to_owned(),
            is_marker,
            is_latest: value.get("IsLatest")?.as_bool()?,
            etag: text(value, "ETag").to_owned(),
            size: value.get("Size").and_then(Value::as_u64).unwrap_or(0),
            at: text(value, "LastModified").parse().ok()?,
            class: text(value, "StorageClass").to_owned(),
        })
    }
}

/// Reads a listing on, a page at a time.
pub(super) struct Listing<'a> {
    look: &'a dyn Look,
    first: Call,
    next: Option<(String, Option<String>)>,
    is_over: bool,
}

impl<'a> Listing<'a> {
    /// Returns the listing of a prefix, by a call like `like`.
    pub(super) fn of(look: &'a dyn Look, like: &Call, prefix: &str) -> Self {
        let first = Call::new("s3:ListObjectVersions", &like.environment, &like.place)
            .maybe("Bucket", like.text("Bucket"))
            .with("Prefix", prefix);
        Self { look, first, next: None, is_over: false }
    }

    /// Goes on behind a key.
    pub(super) fn go_behind(&mut self, key: &str) {
        self.next = Some((key.to_owned(), None));
        self.is_over = false;
    }

    /// Returns the next page: by key, of each key the newest first; `None` behind the last.
    ///
    /// # Errors
    /// When it cannot be read, or cannot be relied on.
    pub(super) async fn page(&mut self) -> Result<Option<Vec<Entry>>, CallTrouble> {
        if self.is_over {
            return Ok(None);
        }
        let mut call = self.first.clone();
        if let Some((key, version)) = &self.next {
            call = call.with("KeyMarker", key.as_str()).maybe("VersionIdMarker", version.clone());
        }
        let body = self.look.look(&call).await?.body;
        let list = |name: &str| body.get(name).and_then(Value::as_array).map_or([].as_slice(), Vec::as_slice);
        let versions = list("Versions").iter().map(|version| Entry::of(version, false));
        let markers = list("DeleteMarkers").iter().map(|marker| Entry::of(marker, true));
        let unread = || CallTrouble::InDoubt("an entry of the list of versions cannot be read".into());
        let mut page: Vec<Entry> = versions.chain(markers).collect::<Option<_>>().ok_or_else(unread)?;
        // S3 tells versions and markers apart, and so leaves their common order to whoever reads.
        page.sort_by(|one, other| {
            let order = |entry: &Entry| (Reverse(entry.is_latest), Reverse(entry.at));
            one.key.cmp(&other.key).then_with(|| order(one).cmp(&order(other)))
        });
        let next = body.get("NextKeyMarker").and_then(Value::as_str).map(str::to_owned);
        match next {
            Some(key) => {
                let next =
                    Some((key, body.get("NextVersionIdMarker").and_then(Value::as_str).map(str::to_owned)));
                if next == self.next {
                    return Err(CallTrouble::InDoubt("the list of versions does not go on".into()));
                }
                self.next = next;
            }
            None => self.is_over = true,
        }
        Ok(Some(page))
    }

    /// Returns the newest entries of each of these keys, which are sorted. What lies between them is skipped where a page
    /// has none of them.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub(super) async fn of_keys<'k>(
        &mut self,
        keys: &[&'k str],
    ) -> Result<BTreeMap<&'k str, Vec<Entry>>, CallTrouble> {
        let mut found: BTreeMap<&str, Vec<Entry>> = BTreeMap::new();
        let mut at = 0;
        if let Some(first) = keys.first() {
            self.go_behind(&before(first));
        }
        while let Some(wanted) = keys.get(at) {
            let Some(page) = self.page().await? else { break };
            let (mut any, mut reached) = (false, None);
            for entry in page {
                // Keys that are passed have no more entries to come.
                while keys.get(at).is_some_and(|key| **key < *entry.key) {
                    at += 1;
                }
                if let Some(key) = keys.get(at).copied().filter(|key| *key == entry.key) {
                    let entries = found.entry(key).or_default();
                    any = true;
                    if entries.len() < DEEPEST {
                        entries.push(entry.clone());
                    }
                }
                reached = Some(entry.key);
            }
            let goes_on_there = reached.as_deref().is_some_and(|reached| reached >= *wanted);
            if !any && !goes_on_there && !self.is_over {
                let here = keys.get(at).map(|key| before(key)).unwrap_or_default();
                if reached.is_some_and(|reached| here > reached) {
                    self.go_behind(&here);
                }
            }
        }
        Ok(found)
    }
}

/// Returns a key that sorts before `key`, and behind most that does.
fn before(key: &str) -> String {
    let mut out = key.to_owned();
    match out.pop() {
        // A plain character: behind everything that begins with the one before it.
        Some(last @ '!'..='~') => {
            if let Some(less) = char::from_u32(u32::from(last) - 1) {
                out.push(less);
                out.push_str("~~~~");
            }
            out
        }
        _ => out,
    }
}

/// What a listing tells of one key, seen from a moment.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// The newest entry.
    pub(super) newest: Entry,
    /// What was current at the moment: a version or a marker; `None` where there was nothing, or nothing is left of it.
    pub(super) then: Option<Entry>,
    /// The markers that are newer than the moment, the newest first; at most as many as are looked at.
    pub(super) markers: Vec<String>,
    /// Whether versions are newer than the moment, or more markers than are looked at.
    pub(super) is_written: bool,
    /// Why nobody can tell what was current at the moment.
    pub(super) unclear: Option<Text>,
}

impl Told {
    /// Begins with the newest entry of a key.
    pub(super) fn begin(entry: Entry, moment: Timestamp) -> Self {
        let mut told =
            Self { newest: entry.clone(), then: None, markers: Vec::new(), is_written: false, unclear: None };
        told.add(entry, moment);
        told
    }

    /// Takes in the next older entry.
    pub(super) fn add(&mut self, entry: Entry, moment: Timestamp) {
        if let Some(then) = &self.then {
            // Of two kinds of one moment a listing does not tell which came last.
            if entry.at == then.at && entry.is_marker != then.is_marker && !then.is_latest {
                self.unclear = Some("it was written and deleted in the same second".into());
            }
            return;
        }
        if entry.at <= moment {
            self.then = Some(entry);
            return;
        }
        if entry.id == "null" {
            // What was written while versioning was suspended has taken the place of what was `null` before (S5).
            self.unclear =
                Some("it was written while versioning was not on, over whatever was `null` before".into());
        }
        if entry.is_marker && self.markers.len() < DEEPEST / 2 {
            self.markers.push(entry.id);
        } else {
            self.is_written = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sorts_before_a_key_does() {
        for key in ["a", "a/b", "a!", "\u{fc}", "a\u{fc}", "a ", " ", "~", "日本"] {
            assert!(*before(key) < *key, "{key:?}: {:?}", before(key));
        }
        assert!(*before("data/00010") > *"data/00009", "its neighbours are skipped");
    }
}
