//! Terraform's states and locks as pane 3 shows them: made with the judgement, off the screen's thread, because an estate
//! may have thousands; and made again only when something was read or a minute went by.

use super::gaps::{Gap, gaps};
use crate::domain::Text;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::estate::Estate;
use crate::domain::ids::{BackendName, ComponentId, EnvironmentName};
use crate::domain::lock::{Evidence, Lock, LockStore};
use crate::domain::place::Place;
use crate::domain::readiness::{
    LockSeen, Severity, StateSeen, TroubleCode, locks_seen, state_troubles, states_seen,
};
use crate::domain::reading::{Capability, Fact, ReadTrouble, Reading, ReadingKey, Readings, Subject};
use crate::domain::state::{ReplicaStatus, StateHistory};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use unicode_width::UnicodeWidthStr;

/// Everything that is known of Terraform in an estate.
#[derive(Debug, Clone, Default)]
pub struct Terraform {
    /// The locks: those without a sign of life first, then the oldest.
    pub locks: Vec<LockRow>,
    /// The states: trouble first, then by name.
    pub states: Vec<StateRow>,
    /// What could not be read.
    pub gaps: Vec<Gap>,
    /// How many lists of states or locks were never read so far.
    pub waiting: usize,
    /// How many columns the longest name of a state takes, and that of a lock, so that no table jumps when it is scrolled.
    pub widest: (usize, usize),
    /// The same of what is wrong with a state.
    pub widest_trouble: usize,
    /// What all of this follows from.
    basis: Basis,
}

#[derive(Debug, Clone, Default)]
struct Basis {
    readings: Vec<Arc<Reading>>,
    minute: i64,
    looked_at: Option<ReadingKey>,
}

impl PartialEq for Basis {
    fn eq(&self, other: &Self) -> bool {
        self.minute == other.minute
            && self.looked_at == other.looked_at
            && self.readings.len() == other.readings.len()
            && self.readings.iter().zip(&other.readings).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

/// A lock, both halves of it where its backend takes two.
#[derive(Debug, Clone)]
pub struct LockRow {
    /// The lock; of two halves, the row.
    pub lock: Lock,
    /// Whether both stores hold it.
    pub whole: bool,
    /// Whether its backend takes locks in two stores and only one holds it.
    pub half: bool,
    /// What is locked: the component, or the path.
    pub name: Text,
    /// Where it lies.
    pub place: Place,
    /// The environment it belongs to.
    pub environment: EnvironmentName,
    /// What speaks for and against its holder being gone.
    pub evidence: Evidence,
    /// When it was read.
    pub read_at: Timestamp,
    /// Why it may no longer be so.
    pub doubt: Option<Text>,
    columns: Vec<(&'static str, String)>,
}

/// A state, with its replica beside it.
#[derive(Debug, Clone)]
pub struct StateRow {
    /// The component, or the key with its workspace.
    pub name: Text,
    /// The component that it is, where the estate names it.
    pub component: Option<ComponentId>,
    /// The backend that it belongs to, where the estate names it.
    pub backend: Option<BackendName>,
    /// The environment it belongs to.
    pub environment: EnvironmentName,
    /// Where it lies.
    pub place: Place,
    /// The state.
    pub state: Arc<StateHistory>,
    /// How its replica stands to it.
    pub replica: Option<ReplicaStatus>,
    /// The replica itself, where it was read.
    pub replica_state: Option<Arc<StateHistory>>,
    /// Whether it is a replica whose source was not read.
    pub is_replica: bool,
    /// What is wrong with it and with its replica, the worst first.
    pub troubles: Vec<(Severity, TroubleCode, Text)>,
    /// The same in a few words.
    pub trouble: Text,
    /// When it was read.
    pub read_at: Timestamp,
    /// Why it may no longer be so.
    pub doubt: Option<Text>,
    columns: Vec<(&'static str, String)>,
}

impl LockRow {
    /// Returns the name of its store.
    pub fn store(&self) -> &'static str {
        match (self.whole, self.half, self.lock.store) {
            (true, ..) => "both halves",
            (_, true, LockStore::DynamodbRow) => "DynamoDB row only",
            (_, true, LockStore::LockFile) => "lock file only",
            (.., store) => store.words(),
        }
    }

    /// Says what the evidence comes to, in a few words. It is no verdict.
    pub fn signs(&self) -> &'static str {
        match (self.evidence.living.is_empty(), self.evidence.stale.is_empty()) {
            (true, false) => "no sign of life",
            (false, true) => "signs of life",
            (false, false) => "signs of both",
            (true, true) => "nothing tells",
        }
    }

    /// Says whether nothing speaks for its holder being alive.
    pub fn is_silent(&self) -> bool {
        self.evidence.living.is_empty()
    }

    /// Returns what a filter looks at.
    pub(super) fn columns(&self) -> &[(&'static str, String)] {
        &self.columns
    }
}

impl StateRow {
    /// Says whether Terraform would rebuild everything.
    pub fn would_rebuild(&self) -> bool {
        self.troubles.iter().any(|(_, code, _)| *code == TroubleCode::WouldRebuildEverything)
    }

    /// Returns how bad the worst of its troubles is.
    pub fn severity(&self) -> Option<Severity> {
        self.troubles.iter().map(|(severity, ..)| *severity).min()
    }

    /// Returns its key in its bucket.
    pub fn key(&self) -> &str {
        self.state.path.as_str().split_once('/').map_or("", |(_, key)| key)
    }

    /// Returns what has to be looked at so that its versions are read; `None` where they are read anyway.
    pub fn to_look_at(&self, readings: &Readings) -> Option<(ReadingKey, EnvironmentName)> {
        let capability = Capability::States;
        if let Some(id) = &self.component {
            let known = readings.of(id, &self.place, capability).and_then(|reading| reading.held.as_ref());
            let is_whole = known.is_some_and(
                |held| matches!(&held.fact, Fact::State(state) if state.path == self.state.path),
            );
            if is_whole {
                return None;
            }
        }
        Some((ReadingKey { subject: self.subject(readings)?, capability }, self.environment.clone()))
    }

    /// Returns what the collector calls it.
    pub fn subject(&self, readings: &Readings) -> Option<Subject> {
        let component = |id: &ComponentId| Subject::Component(id.clone(), self.place.clone());
        let of_component = self.component.as_ref().map(component);
        let is_read = of_component.as_ref().is_some_and(|subject| {
            let key = ReadingKey { subject: subject.clone(), capability: Capability::States };
            readings.get(&key).is_some_and(|reading| reading.held.is_some())
        });
        match (&self.backend, of_component) {
            (_, Some(subject)) if is_read => Some(subject),
            (Some(backend), _) => {
                Some(Subject::State(backend.clone(), self.key().into(), self.place.clone()))
            }
            (None, subject) => subject,
        }
    }

    /// Returns what a filter looks at.
    pub(super) fn columns(&self) -> &[(&'static str, String)] {
        &self.columns
    }

    /// What would make Terraform rebuild everything first, what is well last.
    fn rank(&self) -> (u8, &Text) {
        let rank = match (self.would_rebuild(), self.severity(), &self.doubt) {
            (true, ..) => 0,
            (_, Some(Severity::Alarm), _) => 1,
            (_, _, Some(_)) => 2,
            (_, Some(Severity::Warning), _) => 3,
            (_, Some(Severity::Note), _) => 4,
            (_, None, None) => 5,
        };
        (rank, &self.name)
    }
}

impl Terraform {
    /// Returns the state at a path and place.
    pub fn state(&self, path: &Text, place: &Place) -> Option<&StateRow> {
        self.states.iter().find(|row| row.state.path == *path && row.place == *place)
    }
}

/// Returns what `readings` tell of Terraform; `known` where nothing has changed since. What `looked_at` names is believed
/// as long as somebody looks at it.
pub(super) fn terraform(
    estate: &Estate,
    readings: &Readings,
    now: Timestamp,
    looked_at: Option<&ReadingKey>,
    known: &Arc<Terraform>,
) -> Arc<Terraform> {
    let ours = |key: &ReadingKey| matches!(key.capability, Capability::Locks | Capability::States);
    let basis = Basis {
        readings: { readings.iter() }
            .filter(|(key, _)| ours(key))
            .map(|(_, reading)| reading.clone())
            .collect(),
        minute: now.as_second().div_euclid(60),
        looked_at: looked_at.cloned(),
    };
    if known.basis == basis {
        return known.clone();
    }
    let mut believed = readings.clone();
    believed.retain(|key| ours(key) && !is_outdated(key, readings, looked_at));
    let readings = &believed;
    let doubt = |reading: &Reading, capability: Capability| {
        let read_at = reading.held.as_ref().map(|held| held.read_at)?;
        let age = age_words(elapsed(read_at, now));
        match &reading.failed {
            Some(failed) => Some(Text::new(&format!("read {age} ago, since then {}", failed.why))),
            None if elapsed(read_at, now) > estate.cadences.stale_after(capability) => {
                Some(Text::new(&format!("read {age} ago, not since")))
            }
            None => None,
        }
    };
    let (gaps, waiting) = gaps(estate, readings, now);
    let states = states(estate, readings, now, &doubt);
    let locks = locks(estate, readings, now, &doubt);
    let widest_state = states.iter().map(|row| row.name.as_str().width()).max().unwrap_or(0);
    let widest_lock = locks.iter().map(|row| row.name.as_str().width()).max().unwrap_or(0);
    let widest_trouble = states.iter().map(|row| row.trouble.as_str().width()).max().unwrap_or(0);
    let widest = (widest_state, widest_lock);
    Arc::new(Terraform { locks, states, gaps, waiting, widest, widest_trouble, basis })
}

/// Says whether a state that was once looked at has been listed again since: the list is newer then, if less deep.
fn is_outdated(key: &ReadingKey, readings: &Readings, looked_at: Option<&ReadingKey>) -> bool {
    let Subject::State(backend, _, place) = &key.subject else { return false };
    if looked_at == Some(key) {
        return false;
    }
    let listed = ReadingKey {
        subject: Subject::Backend(backend.clone(), place.clone()),
        capability: Capability::States,
    };
    let read_at = |key: &ReadingKey| readings.get(key)?.held.as_ref().map(|held| held.read_at);
    read_at(&listed) >= read_at(key)
}

type Doubt<'a> = &'a dyn Fn(&Reading, Capability) -> Option<Text>;

fn read_at(reading: &Reading) -> Timestamp {
    reading.held.as_ref().map_or(Timestamp::MIN, |held| held.read_at)
}

/// Returns the key of a state as people write it: without what the names of workspaces stand under.
fn name(
    component: Option<&ComponentId>,
    path: &Text,
    workspace: Option<&Text>,
    estate: &Estate,
    backend: Option<&BackendName>,
) -> Text {
    if let Some(id) = component {
        return Text::new(id.as_str());
    }
    let key = path.as_str().split_once('/').map_or(path.as_str(), |(_, key)| key);
    let Some(workspace) = workspace else { return Text::new(key) };
    let under =
        backend.and_then(|name| estate.backend(name)).map_or("", |backend| backend.workspaces.as_str());
    let own = key.strip_prefix(&format!("{under}/{workspace}/")).unwrap_or(key);
    Text::new(&format!("{own} @{workspace}"))
}

fn lower(columns: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    columns.iter().map(|(name, text)| (*name, text.to_lowercase())).collect()
}

fn locks(estate: &Estate, readings: &Readings, now: Timestamp, doubt: Doubt<'_>) -> Vec<LockRow> {
    let mut rows: Vec<LockRow> = Vec::new();
    let mut at: BTreeMap<(Text, Place, Text), usize> = BTreeMap::new();
    for seen in locks_seen(estate, readings, now) {
        // The same lock may be told of by a component and by its backend, and by both of its stores.
        let known = seen.lock.id.clone().and_then(|id| {
            let key = (seen.lock.path.clone(), seen.place.clone(), id);
            let next = rows.len();
            let at = *at.entry(key).or_insert(next);
            rows.get_mut(at)
        });
        let Some(row) = known else {
            rows.push(lock_row(estate, &seen, doubt));
            continue;
        };
        row.whole |= row.lock.store != seen.lock.store;
        row.half &= !row.whole;
        for (all, more) in [
            (&mut row.evidence.living, &seen.evidence.living),
            (&mut row.evidence.stale, &seen.evidence.stale),
        ] {
            let new: Vec<_> = more.iter().filter(|says| !all.contains(says)).cloned().collect();
            all.extend(new);
        }
    }
    rows.sort_by_key(|row| (!row.is_silent(), row.lock.created_at));
    rows
}

fn lock_row(estate: &Estate, seen: &LockSeen<'_>, doubt: Doubt<'_>) -> LockRow {
    let lock = seen.lock;
    let key = lock.path.as_str().split_once('/').map_or("", |(_, key)| key);
    let backend = seen.backend.and_then(|name| estate.backend(name));
    let workspace = backend.and_then(|backend| match backend.sort(key, |_| true) {
        crate::domain::backend::Key::State(workspace) => workspace.map(Text::new),
        _ => None,
    });
    let name = name(seen.component, &lock.path, workspace.as_ref(), estate, seen.backend);
    let takes_both = backend.is_some_and(|backend| {
        backend.lockfile && backend.at(seen.place).is_some_and(|(_, table)| table.is_some())
    });
    let text = |text: &Option<Text>| text.as_ref().map_or(String::new(), Text::to_string);
    let columns = lower(&[
        ("state", name.as_str()),
        ("path", lock.path.as_str()),
        ("holder", &text(&lock.who)),
        ("operation", &text(&lock.operation)),
        ("id", &text(&lock.id)),
        ("backend", seen.backend.map_or("", BackendName::as_str)),
        ("environment", seen.environment.as_str()),
        ("region", seen.place.region.as_str()),
        ("store", lock.store.words()),
        ("trouble", "locked"),
    ]);
    LockRow {
        lock: lock.clone(),
        whole: false,
        half: takes_both,
        name,
        place: seen.place.clone(),
        environment: seen.environment.clone(),
        evidence: seen.evidence.clone(),
        read_at: read_at(seen.reading),
        doubt: doubt(seen.reading, Capability::Locks),
        columns,
    }
}

fn states(estate: &Estate, readings: &Readings, now: Timestamp, doubt: Doubt<'_>) -> Vec<StateRow> {
    let seen = states_seen(estate, readings);
    // A replica is told of beside its source; alone only where the source was not read.
    let sources: BTreeSet<_> =
        seen.iter().filter(|seen| !seen.is_replica && seen.replica.is_some()).map(pair).collect();
    let replicas: BTreeMap<_, _> =
        seen.iter().filter(|seen| seen.is_replica).map(|seen| (pair(seen), seen)).collect();
    let mut rows: Vec<StateRow> = { seen.iter() }
        .filter(|seen| !seen.is_replica || !sources.contains(&pair(seen)))
        .map(|seen| {
            let replica = replicas.get(&pair(seen)).filter(|_| !seen.is_replica && seen.replica.is_some());
            let replica = replica.map(|replica| Arc::new(replica.state.clone()));
            state_row(estate, seen, replica, now, doubt)
        })
        .collect();
    rows.sort_by(|a, b| a.rank().cmp(&b.rank()));
    rows
}

/// What a state and its replica have in common.
fn pair<'a>(seen: &StateSeen<'a>) -> (Option<&'a BackendName>, Option<&'a ComponentId>, &'a str) {
    let key = seen.state.path.as_str().split_once('/').map_or("", |(_, key)| key);
    (seen.backend, seen.component.filter(|_| seen.backend.is_none()), key)
}

fn state_row(
    estate: &Estate,
    seen: &StateSeen<'_>,
    replica_state: Option<Arc<StateHistory>>,
    now: Timestamp,
    doubt: Doubt<'_>,
) -> StateRow {
    let state = seen.state;
    let name = name(seen.component, &state.path, state.workspace.as_ref(), estate, seen.backend);
    let mut troubles: Vec<_> = { state_troubles(seen, now).into_iter() }
        .map(|(severity, code, says)| (severity, code, Text::new(&says)))
        .collect();
    troubles.sort_by_key(|(severity, ..)| *severity);
    let doubt = doubt(seen.reading, Capability::States);
    let mut said: Vec<&str> = troubles.iter().map(|(_, code, _)| short(*code)).collect();
    said.dedup();
    let failed = seen.reading.failed.as_ref().map(|failed| match &failed.why {
        ReadTrouble::Denied { .. } => "denied".to_owned(),
        why => why.to_string(),
    });
    if doubt.is_some() {
        said.push(failed.as_deref().unwrap_or("not read lately"));
    }
    let trouble = Text::new(&said.join(", "));
    let columns = lower(&[
        ("state", name.as_str()),
        ("path", state.path.as_str()),
        ("backend", seen.backend.map_or("", BackendName::as_str)),
        ("environment", seen.environment.as_str()),
        ("region", seen.place.region.as_str()),
        ("workspace", state.workspace.as_ref().map_or("", Text::as_str)),
        ("replica", seen.replica.as_ref().map_or("", ReplicaStatus::words)),
        ("is", if seen.is_replica { "is a replica" } else { "" }),
        ("trouble", trouble.as_str()),
    ]);
    StateRow {
        name,
        component: seen.component.cloned(),
        backend: seen.backend.cloned(),
        environment: seen.environment.clone(),
        place: seen.place.clone(),
        state: Arc::new(state.clone()),
        replica: seen.replica.clone(),
        replica_state,
        is_replica: seen.is_replica,
        troubles,
        trouble,
        read_at: read_at(seen.reading),
        doubt,
        columns,
    }
}

/// Says a trouble of a state in a few words.
fn short(code: TroubleCode) -> &'static str {
    match code {
        TroubleCode::WouldRebuildEverything => "would rebuild everything",
        TroubleCode::StateUnreadable => "cannot be read",
        TroubleCode::DigestMismatch => "digest differs",
        TroubleCode::DigestDangling => "deleted, digest left",
        TroubleCode::LineageChanged => "another lineage",
        TroubleCode::SerialWentBack => "serial went back",
        TroubleCode::SerialUsedTwice => "serial used twice",
        TroubleCode::ReplicaBehind => "replica behind",
        TroubleCode::ReplicaLacks => "not in its replica",
        TroubleCode::SplitBrain => "written in both places",
        other => other.name(),
    }
}
