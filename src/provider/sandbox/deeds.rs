//! What acts have done to the world: a fold of the lines of its log, each of which is one act.
//!
//! A line holds whole things, not differences, and what a thing will be at any later moment; nothing runs in the
//! background.

use super::fault::FaultId;
use crate::authority::CallId;
use crate::domain::Text;
use crate::domain::ids::{ComponentId, EnvironmentName};
use crate::domain::place::Place;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The member by which a deleted or renamed database says that its automated backups were kept.
pub(super) const KEPT: &str = "-kept-backups";

/// What sort of thing an act can make or change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sort {
    /// A database instance.
    Db,
    /// A snapshot of one.
    DbSnapshot,
    /// A database cluster.
    DbCluster,
    /// A snapshot of one.
    DbClusterSnapshot,
    /// A global database cluster.
    DbGlobal,
    /// A volume.
    Volume,
    /// A snapshot of one.
    Snapshot,
    /// An instance.
    Instance,
    /// An image of one.
    Image,
    /// A table.
    Table,
    /// A backup of one.
    TableBackup,
    /// A recovery point of AWS Backup.
    VaultPoint,
    /// A job of AWS Backup.
    BackupJob,
    /// A hosted zone with all that stands in it.
    DnsZone,
    /// A change of one.
    DnsChange,
    /// A health check.
    HealthCheck,
    /// The settings of a bucket.
    Bucket,
    /// The policies that stand in a role itself.
    Role,
    /// A file on this machine, as a plan would have written it.
    File,
    /// An upload of an object in parts.
    Upload,
}

/// Something that holds of a thing from a moment on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Phase {
    /// From when.
    pub(super) at: Timestamp,
    /// The status, in the service's own word.
    pub(super) status: String,
    /// The members of its description that are otherwise from then on.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) patch: Map<String, Value>,
}

impl Phase {
    /// Returns a phase that changes nothing but the status.
    pub(super) fn new(at: Timestamp, status: &str) -> Self {
        Self { at, status: status.to_owned(), patch: Map::new() }
    }

    /// Returns it with a member that is otherwise.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.patch.insert(name.to_owned(), value.into());
        self
    }
}

/// A thing as its service describes it, at every moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Thing {
    /// What it is.
    pub(super) sort: Sort,
    /// Where it lies.
    pub(super) place: Place,
    /// What its service calls it.
    pub(super) id: String,
    /// Its description but for its status; names that begin with `-` are ours and are not shown.
    pub(super) members: Map<String, Value>,
    /// What it goes through, in the order of time.
    pub(super) phases: Vec<Phase>,
    /// Until when no reading call shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hidden_until: Option<Timestamp>,
    /// From when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gone_from: Option<Timestamp>,
    /// The component whose own thing it was when the world began; nothing that an act made has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) component: Option<ComponentId>,
    /// The token by which it was asked for, and a digest of what was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<(String, String)>,
}

impl Thing {
    /// Returns a thing that is so from `at` on.
    pub(super) fn new(
        sort: Sort,
        place: &Place,
        id: &str,
        at: Timestamp,
        status: &str,
        members: Map<String, Value>,
    ) -> Self {
        Self {
            sort,
            place: place.clone(),
            id: id.to_owned(),
            members,
            phases: vec![Phase::new(at, status)],
            hidden_until: None,
            gone_from: None,
            component: None,
            token: None,
        }
    }

    /// Returns its status.
    pub(super) fn status(&self, now: Timestamp) -> &str {
        let passed = self.phases.iter().rev().find(|phase| phase.at <= now).or_else(|| self.phases.first());
        passed.map_or("unknown", |phase| phase.status.as_str())
    }

    /// Returns its description, but for its status.
    pub(super) fn described(&self, now: Timestamp) -> Map<String, Value> {
        let mut members = self.members.clone();
        for phase in self.phases.iter().filter(|phase| phase.at <= now) {
            for (name, value) in &phase.patch {
                members.insert(name.clone(), value.clone());
            }
        }
        members.retain(|name, value| !name.starts_with('-') && !value.is_null());
        members
    }

    /// Returns a member, ours included.
    pub(super) fn member(&self, now: Timestamp, name: &str) -> Option<&Value> {
        let mut patched = self.phases.iter().rev().filter(|phase| phase.at <= now);
        patched.find_map(|phase| phase.patch.get(name)).or_else(|| self.members.get(name))
    }

    /// Returns a member that is a text.
    pub(super) fn text(&self, now: Timestamp, name: &str) -> &str {
        self.member(now, name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Says whether it exists, shown or not.
    pub(super) fn exists(&self, now: Timestamp) -> bool {
        self.gone_from.is_none_or(|gone| now < gone)
    }

    /// Says whether reading calls show it.
    pub(super) fn is_shown(&self, now: Timestamp) -> bool {
        self.exists(now) && self.hidden_until.is_none_or(|until| until <= now)
    }

    /// Lets it go through these phases from now on, in place of those that were still to come.
    pub(super) fn then(&mut self, now: Timestamp, phases: impl IntoIterator<Item = Phase>) {
        self.phases.retain(|phase| phase.at <= now);
        self.phases.extend(phases);
    }

    /// Returns how far it is on the way from its first phase to its last, in percent.
    pub(super) fn percent(&self, now: Timestamp) -> u64 {
        let (Some(first), Some(last)) = (self.phases.first(), self.phases.last()) else { return 100 };
        let whole = last.at.as_second() - first.at.as_second();
        let passed = (now.as_second() - first.at.as_second()).max(0);
        if whole <= 0 || passed >= whole {
            return 100;
        }
        (passed * 100 / whole).unsigned_abs()
    }
}

/// A version of an object, or a marker that it was deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ObjectVersion {
    /// Its id.
    pub(super) id: String,
    /// What its bytes hash to, with quotes as S3 has them; a marker has none.
    pub(super) etag: Option<String>,
    /// Its size.
    pub(super) size: u64,
    /// When it was written.
    pub(super) at: Timestamp,
    /// Its storage class.
    pub(super) class: String,
    /// What was said of it when it was written: its type, its metadata, its tags.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(super) carried: Map<String, Value>,
}

impl ObjectVersion {
    /// Says whether it is a delete marker (S1).
    pub(super) fn is_marker(&self) -> bool {
        self.etag.is_none()
    }
}

/// One thing that an act did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Change {
    /// Something is there that was not.
    Made(Box<Thing>),
    /// Something is otherwise than it was.
    Changed(Box<Thing>),
    /// A key of a bucket has these versions now, the newest first.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        key: String,
        /// Its versions.
        versions: Vec<ObjectVersion>,
    },
    /// Somebody logged in anew.
    Renewed {
        /// Where.
        environment: EnvironmentName,
        /// How many events the world had by then: the sessions that they end are over.
        events: usize,
    },
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Deed {
    /// When, by the world's clock.
    pub(super) at: Timestamp,
    /// The call, where it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<CallId>,
    /// Its operation.
    pub(super) operation: String,
    /// What it was about.
    pub(super) target: String,
    /// Whether it was carried out.
    pub(super) applied: bool,
    /// What it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) changes: Vec<Change>,
    /// The faults that it counts for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) matched: Vec<FaultId>,
    /// The fault that struck it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) struck: Option<FaultId>,
}

/// A call that was carried out, for tests that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// Which call of which run.
    pub call: CallId,
    /// Its operation.
    pub operation: Text,
    /// What it was about.
    pub target: Text,
    /// When, by the world's clock.
    pub at: Timestamp,
    /// Whether anything is otherwise than before: asking again for a state that is there changes nothing.
    pub changed: bool,
}

/// All that acts have done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Deeds {
    things: BTreeMap<(Sort, Place, String), Thing>,
    objects: BTreeMap<String, BTreeMap<String, Vec<ObjectVersion>>>,
    renewed: BTreeMap<EnvironmentName, usize>,
    ended: BTreeMap<ComponentId, Timestamp>,
    effects: Vec<Effect>,
    matched: BTreeMap<FaultId, u32>,
    struck: BTreeMap<FaultId, u32>,
    count: u64,
}

impl Deeds {
    /// Takes a line of the log in.
    pub(super) fn fold(&mut self, deed: Deed) {
        self.count += 1;
        for fault in deed.matched {
            *self.matched.entry(fault).or_default() += 1;
        }
        if let Some(fault) = deed.struck {
            *self.struck.entry(fault).or_default() += 1;
        }
        if let (true, Some(call)) = (deed.applied, deed.call) {
            self.effects.push(Effect {
                call,
                operation: Text::new(&deed.operation),
                target: Text::new(&deed.target),
                at: deed.at,
                changed: !deed.changes.is_empty(),
            });
        }
        for change in deed.changes {
            match change {
                Change::Made(thing) | Change::Changed(thing) => {
                    // Automated backups go with their database, unless it was asked otherwise (R10).
                    if let (Sort::Db, Some(component), Some(gone)) =
                        (thing.sort, &thing.component, thing.gone_from)
                        && thing.members.get(KEPT) != Some(&Value::Bool(true))
                    {
                        self.ended.insert(component.clone(), gone);
                    }
                    let name = (thing.sort, thing.place.clone(), thing.id.clone());
                    self.things.insert(name, *thing);
                }
                Change::Object { bucket, key, versions } => {
                    self.objects.entry(bucket).or_default().insert(key, versions);
                }
                Change::Renewed { environment, events } => {
                    self.renewed.insert(environment, events);
                }
            }
        }
    }

    /// Returns a thing that an act made or changed, gone or not.
    pub(super) fn thing(&self, sort: Sort, place: &Place, id: &str) -> Option<&Thing> {
        self.things.get(&(sort, place.clone(), id.to_owned()))
    }

    /// Returns all things of a sort at a place that acts made or changed, gone or not.
    pub(super) fn things<'a>(&'a self, sort: Sort, place: &'a Place) -> impl Iterator<Item = &'a Thing> {
        self.things.values().filter(move |thing| thing.sort == sort && thing.place == *place)
    }

    /// Returns the versions of a key, where an act changed them.
    pub(super) fn object(&self, bucket: &str, key: &str) -> Option<&[ObjectVersion]> {
        self.objects.get(bucket).and_then(|keys| keys.get(key)).map(Vec::as_slice)
    }

    /// Returns the keys of a bucket that acts have changed.
    pub(super) fn keys(&self, bucket: &str) -> impl Iterator<Item = &str> {
        self.objects.get(bucket).into_iter().flat_map(|keys| keys.keys().map(String::as_str))
    }

    /// Says whether an act changed anything in a bucket.
    pub(super) fn touched(&self, bucket: &str) -> bool {
        self.objects.contains_key(bucket)
    }

    /// Returns how many events the world had when somebody last logged in anew.
    pub(super) fn renewed(&self, environment: &EnvironmentName) -> usize {
        self.renewed.get(environment).copied().unwrap_or(0)
    }

    /// Returns when the automated backups of a component ended with its database, or will end.
    pub(super) fn ended(&self, component: &ComponentId) -> Option<Timestamp> {
        self.ended.get(component).copied()
    }

    /// Returns how many calls a fault has counted, and how many it struck.
    pub(super) fn of_fault(&self, fault: FaultId) -> (u32, u32) {
        let of = |counts: &BTreeMap<FaultId, u32>| counts.get(&fault).copied().unwrap_or(0);
        (of(&self.matched), of(&self.struck))
    }

    /// Returns how many lines the log has: what is made next is named after that.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the calls that were carried out.
    pub(super) fn effects(&self) -> &[Effect] {
        &self.effects
    }
}
