//! Terraform states in S3, with their digests in DynamoDB (T2 to T5, T9 to T12).

use super::fault::Fault;
use super::locks::row;
use super::objects::{self, Entry};
use super::operation::SCAN;
use super::reader::{Brought, Reader};
use crate::domain::Text;
use crate::domain::backend::{Backend, Key, StateAddress};
use crate::domain::lock::{Lock, LockStore, LockTurn};
use crate::domain::place::Place;
use crate::domain::reading::ReadTrouble;
use crate::domain::state::compare::Contents;
use crate::domain::state::{Digest, StateForm, StateHistory, StateVersion, bytes};
use crate::provider::port::BackendAsk;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The most versions of one state that are listed one by one; all of them are counted.
const MOST: usize = 1_000;
/// How many versions' bytes are read at one look; further looks go on with older ones.
const BODIES: usize = 50;
/// How many turns of a lock file are told of.
const TURNS: usize = 20;

/// The digest rows of a lock table by the key of their state, for one bucket.
async fn digests(
    reader: &Reader<'_>,
    backend: &Backend,
    bucket: &str,
    table: &str,
) -> Result<BTreeMap<String, String>, Fault> {
    let mut rows = BTreeMap::new();
    let mut next = None;
    loop {
        let send = || {
            let call =
                reader.site.dynamodb().scan().table_name(table).projection_expression("LockID, Digest");
            call.set_exclusive_start_key(next.clone()).send()
        };
        let answer = reader.call(&SCAN, send).await.map_err(|fault| no_table(fault, table))?;
        for row in answer.items() {
            let text = |name: &str| row.get(name).and_then(|value| value.as_s().ok());
            if let (Some(id), Some(digest)) = (text("LockID"), text("Digest"))
                && let Some((key, true)) = backend.row(bucket, id)
            {
                rows.insert(key.to_owned(), digest.clone());
            }
        }
        next = answer.last_evaluated_key().cloned();
        if next.as_ref().is_none_or(std::collections::HashMap::is_empty) {
            return Ok(rows);
        }
    }
}

/// Says what it means that a lock table is not there.
pub(super) fn no_table(fault: Fault, table: &str) -> Fault {
    if !fault.is("ResourceNotFoundException") {
        return fault;
    }
    let says = format!("there is no lock table {table}: Terraform can take no lock and refuses to run");
    Fault { trouble: ReadTrouble::Other(Text::new(&says)), ..fault }
}

/// What is known of a state while a backend is being listed.
struct Found {
    newest: Entry,
    in_all: u64,
    oldest_at: jiff::Timestamp,
}

/// Reads all states of a backend at the reader's place, each with its newest version. Bytes are read only where they
/// are not known.
pub(super) async fn backend(reader: &Reader<'_>, ask: BackendAsk<'_>) -> Brought<Vec<StateHistory>> {
    let backend = ask.backend;
    let (bucket, table) = backend.at(ask.place).ok_or_else(|| nowhere(ask.place))?;
    let mut lacks = None;
    let rows = match table {
        None => None,
        Some(table) => match digests(reader, backend, bucket.as_str(), table.as_str()).await {
            Ok(rows) => Some(rows),
            Err(fault) => {
                lacks = Some(fault);
                None
            }
        },
    };
    // A name without the usual end is known by a digest row; a replica's are those of home.
    let of_home = match backend.lock_table.as_ref().filter(|_| *ask.place != backend.home) {
        Some(table) => match reader.elsewhere(&backend.home).await {
            Ok(home) => {
                digests(&home, backend, backend.bucket.as_str(), table.as_str()).await.unwrap_or_default()
            }
            Err(_) => BTreeMap::new(),
        },
        None => BTreeMap::new(),
    };
    let named =
        |key: &str| rows.as_ref().is_some_and(|rows| rows.contains_key(key)) || of_home.contains_key(key);
    let digest = |key: &str| match (table, &rows) {
        (None, _) => Digest::NotUsed,
        (Some(_), None) => Digest::Unread,
        (Some(_), Some(rows)) => rows.get(key).map_or(Digest::Absent, |row| Digest::Row(Text::new(row))),
    };
    let mut found: BTreeMap<String, (Option<Text>, Found)> = BTreeMap::new();
    for prefix in backend.prefixes() {
        objects::versions(reader, bucket.as_str(), &prefix, |entries| {
            let mut fresh = Vec::new();
            for entry in entries {
                let Key::State(workspace) = backend.sort(&entry.key, named) else { continue };
                if let Some((_, known)) = found.get_mut(&entry.key) {
                    known.in_all += 1;
                    known.oldest_at = known.oldest_at.min(entry.at);
                    continue;
                }
                let workspace = workspace.map(Text::new);
                fresh.push(entry.key.clone());
                let found_now = Found { in_all: 1, oldest_at: entry.at, newest: entry };
                found.insert(found_now.newest.key.clone(), (workspace, found_now));
            }
            let page = fresh.iter().filter_map(|key| {
                let (workspace, found) = found.get(key)?;
                Some(summary(bucket, key, workspace.clone(), found, digest(key)))
            });
            reader.news.states(page.collect());
            true
        })
        .await?;
    }
    // A row without an object: a state that was deleted with its versions, or never written.
    let orphans = rows.iter().flat_map(BTreeMap::keys).filter(|key| !found.contains_key(*key));
    let mut states: Vec<StateHistory> = orphans
        .map(|key| StateHistory {
            path: Text::new(&format!("{bucket}/{key}")),
            digest: digest(key),
            ..StateHistory::default()
        })
        .collect();
    for (key, (workspace, found)) in &found {
        let mut state = summary(bucket, key, workspace.clone(), found, digest(key));
        let known = ask.known.binary_search_by(|known| known.path.cmp(&state.path)).ok();
        let known = known.and_then(|at| ask.known.get(at)).and_then(StateHistory::current);
        if let (Some(version), Some(known)) = (state.versions.first_mut(), known) {
            take_known(version, known, &found.newest.etag);
        }
        states.push(state);
    }
    drop(found);
    states.sort_by(|a, b| a.path.cmp(&b.path));
    let fault = read_newest(reader, bucket, &mut states).await;
    Ok((states, lacks.or(fault)))
}

fn summary(bucket: &Text, key: &str, workspace: Option<Text>, found: &Found, digest: Digest) -> StateHistory {
    StateHistory {
        path: Text::new(&format!("{bucket}/{key}")),
        workspace,
        versions: vec![version(&found.newest)],
        versions_in_all: found.in_all,
        oldest_at: Some(found.oldest_at),
        digest,
        ..StateHistory::default()
    }
}

fn version(entry: &Entry) -> StateVersion {
    if entry.marker {
        StateVersion::marker(&entry.version_id, entry.at)
    } else {
        StateVersion::unread(&entry.version_id, entry.at, entry.size_bytes)
    }
}

/// Takes what is known of a version already. The version `null` is written over (S5): of that one the tag must fit too.
fn take_known(version: &mut StateVersion, known: &StateVersion, etag: &str) {
    let is_read = known.form != StateForm::Unread && known.form != StateForm::DeleteMarker;
    let fits =
        version.version_id.as_str() != "null" || known.md5.as_ref().is_some_and(|md5| md5.as_str() == etag);
    if version.form == StateForm::Unread && is_read && version.is(known) && fits {
        *version = known.clone();
    }
}

/// Reads the bytes of every newest version that are not known; returns the first fault.
async fn read_newest(reader: &Reader<'_>, bucket: &Text, states: &mut [StateHistory]) -> Option<Fault> {
    let wanted: Vec<(usize, String, String)> = states
        .iter()
        .enumerate()
        .filter_map(|(nth, state)| {
            let version = state.current().filter(|version| version.form == StateForm::Unread)?;
            let key = state.path.as_str().split_once('/')?.1;
            Some((nth, key.to_owned(), version.version_id.to_string()))
        })
        .collect();
    let read = Mutex::new((Vec::new(), None::<Fault>));
    objects::each(wanted, async |(nth, key, id)| {
        let is_over = |fault: &Fault| !matches!(fault.trouble, ReadTrouble::Other(_));
        // What is denied or silent for one is so for all: five thousand times the same answer helps nobody.
        if read.lock().unwrap_or_else(PoisonError::into_inner).1.as_ref().is_some_and(is_over) {
            return;
        }
        let brought = objects::bytes(reader, bucket.as_str(), &key, Some(&id)).await;
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        match brought {
            Ok(body) => {
                let mut version = StateVersion::unread(&id, jiff::Timestamp::UNIX_EPOCH, 0);
                bytes::read(&mut version, &body);
                read.0.push((nth, version));
            }
            // It was replaced while the list was read: the next look sees what is there then.
            Err(fault) if fault.is_absence() => {}
            Err(fault) => {
                read.1.get_or_insert(fault);
            }
        }
    })
    .await;
    let (versions, fault) = read.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (nth, read) in versions {
        if let Some(version) = states.get_mut(nth).and_then(|state| state.versions.first_mut()) {
            let written_at = version.written_at;
            *version = StateVersion { written_at, ..read };
        }
    }
    fault
}

/// Reads one state with all its versions, its digest, and who held its lock file.
pub(super) async fn state(
    reader: &Reader<'_>,
    address: &StateAddress,
    known: Option<&StateHistory>,
) -> Brought<StateHistory> {
    let (bucket, key, lock_file) = (address.bucket.as_str(), address.key.as_str(), address.lock_file());
    let (mut entries, mut turns, mut in_all, mut oldest_at) = (Vec::new(), Vec::new(), 0_u64, None);
    objects::versions(reader, bucket, key, |page| {
        for entry in page {
            if entry.key == key {
                in_all += 1;
                oldest_at = Some(entry.at.min(oldest_at.unwrap_or(entry.at)));
                if entries.len() < MOST {
                    entries.push(entry);
                }
            } else if entry.key == lock_file && turns.len() < 4 * TURNS {
                turns.push(entry);
            }
        }
        true
    })
    .await?;
    let mut lacks = None;
    let digest = match &address.lock_table {
        None => Digest::NotUsed,
        Some(table) => match row(reader, table.as_str(), &address.digest_row()).await {
            Ok(row) => {
                let digest =
                    row.and_then(|row| row.get("Digest").and_then(|value| value.as_s().ok().cloned()));
                digest.map_or(Digest::Absent, |digest| Digest::Row(Text::new(&digest)))
            }
            Err(fault) => {
                lacks = Some(fault);
                Digest::Unread
            }
        },
    };
    let mut versions: Vec<StateVersion> = entries.iter().map(version).collect();
    if let Some(known) = known {
        for (version, entry) in versions.iter_mut().zip(&entries) {
            let same = known.versions.iter().find(|known| known.version_id == version.version_id);
            if let Some(known) = same {
                take_known(version, known, &entry.etag);
            }
        }
    }
    let fault = read_bodies(reader, address, &mut versions).await;
    let lock_turns = lock_turns(reader, address, &turns, known).await;
    let history = StateHistory {
        path: Text::new(&address.path()),
        workspace: None,
        versions,
        versions_in_all: in_all,
        oldest_at,
        digest,
        replica_lag: None,
        lock_turns,
    };
    Ok((history, lacks.or(fault)))
}

async fn read_bodies(
    reader: &Reader<'_>,
    address: &StateAddress,
    versions: &mut [StateVersion],
) -> Option<Fault> {
    let unread = versions.iter().enumerate().filter(|(_, version)| version.form == StateForm::Unread);
    let wanted: Vec<(usize, Text)> =
        unread.take(BODIES).map(|(nth, version)| (nth, version.version_id.clone())).collect();
    let read = Mutex::new((Vec::new(), None::<Fault>));
    objects::each(wanted, async |(nth, id)| {
        let brought =
            objects::bytes(reader, address.bucket.as_str(), address.key.as_str(), Some(id.as_str())).await;
        let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
        match brought {
            Ok(body) => read.0.push((nth, body)),
            Err(fault) if fault.is_absence() => {}
            Err(fault) => {
                read.1.get_or_insert(fault);
            }
        }
    })
    .await;
    let (bodies, fault) = read.into_inner().unwrap_or_else(PoisonError::into_inner);
    for (nth, body) in bodies {
        if let Some(version) = versions.get_mut(nth) {
            bytes::read(version, &body);
        }
    }
    fault
}

/// Returns who held the lock file, by its old versions (T12). What cannot be read is left unnamed.
async fn lock_turns(
    reader: &Reader<'_>,
    address: &StateAddress,
    entries: &[Entry],
    known: Option<&StateHistory>,
) -> Vec<LockTurn> {
    let mut turns = Vec::new();
    let mut until = None;
    for entry in entries {
        if !entry.marker {
            turns.push((
                entry.version_id.clone(),
                LockTurn { who: None, operation: None, from: entry.at, until },
            ));
        }
        until = Some(entry.at);
    }
    turns.truncate(TURNS);
    let named = Mutex::new(Vec::new());
    let before = known.map_or([].as_slice(), |known| known.lock_turns.as_slice());
    let mut wanted = Vec::new();
    for (nth, (id, turn)) in turns.iter_mut().enumerate() {
        match before.iter().find(|known| known.from == turn.from && known.who.is_some()) {
            Some(known) => (turn.who, turn.operation) = (known.who.clone(), known.operation.clone()),
            None => wanted.push((nth, id.clone())),
        }
    }
    objects::each(wanted, async |(nth, id)| {
        let key = address.lock_file();
        if let Ok(body) = objects::bytes(reader, address.bucket.as_str(), &key, Some(&id)).await {
            let record = String::from_utf8_lossy(&body).into_owned();
            let lock = Lock::of_record(LockStore::LockFile, &address.path(), Some(&record));
            named.lock().unwrap_or_else(PoisonError::into_inner).push((nth, lock));
        }
    })
    .await;
    for (nth, lock) in named.into_inner().unwrap_or_else(PoisonError::into_inner) {
        if let Some((_, turn)) = turns.get_mut(nth) {
            (turn.who, turn.operation) = (lock.who, lock.operation);
        }
    }
    turns.into_iter().map(|(_, turn)| turn).collect()
}

/// Reads what is in a version of a state, sensitive values masked.
///
/// # Errors
/// When its bytes cannot be read, or are not a state.
pub(super) async fn contents(
    reader: &Reader<'_>,
    address: &StateAddress,
    version: &str,
) -> Result<Contents, Fault> {
    let body = objects::bytes(reader, address.bucket.as_str(), address.key.as_str(), Some(version)).await?;
    let says = |why: String| Fault::plain("s3:GetObject", ReadTrouble::Other(Text::new(&why)));
    Contents::read(&body).map_err(says)
}

pub(super) fn nowhere(place: &Place) -> Fault {
    let says = format!("the backend does not lie in {place}");
    Fault::plain("lifeboat", ReadTrouble::Other(Text::new(&says)))
}
