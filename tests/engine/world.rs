//! A small cloud in memory that outlives executors, counts what really happened, and loses requests and replies.
//!
//! A request that has left is delivered whether or not its sender still lives: it waits here until its time comes. An
//! *effect* is a change of the world, not a call: a call that a token, a name or a condition makes harmless has none.

use super::disk::{Dice, SimDisk};
use jiff::Timestamp;
use lifeboat::authority::{ArmedCall, CallId};
use lifeboat::domain::ids::EnvironmentName;
use lifeboat::engine::line::Head;
use lifeboat::engine::replay;
use lifeboat::engine::time::Time;
use lifeboat::provider::port::{Act, BoxFuture, CallTrouble, Credentials, Look};
use lifeboat::runbook::call::{Call, Reply};
use lifeboat::runbook::event::{Direction, Event};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;

pub(crate) const ACCOUNT: &str = "123456789012";

/// Virtual time, which passes as tokio's paused clock says.
#[derive(Debug, Clone)]
pub(crate) struct SimTime {
    start: tokio::time::Instant,
    base: Timestamp,
}

impl SimTime {
    pub(crate) fn new() -> Self {
        let base = "2026-11-21T03:12:00Z".parse().expect("it is a moment");
        Self { start: tokio::time::Instant::now(), base }
    }
}

impl Time for SimTime {
    fn now(&self) -> Timestamp {
        lifeboat::domain::duration::after(self.base, self.start.elapsed())
    }

    fn sleep(&self, span: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(span))
    }
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing: it is carried out and answered.
    None,
    /// It is carried out, and the answer is lost.
    LoseReply,
    /// It never arrives.
    LoseRequest,
    /// Its sender gives up, and it arrives so much later.
    Late(Duration),
    /// It waits for its turn so long before it leaves, and the answer is lost.
    Slow(Duration),
    /// It is carried out, and answered at great length.
    Wordy,
    /// It is refused for now.
    Throttle,
    /// It is refused.
    Refuse(&'static str),
    /// Its sender dies before it has left.
    DieLost,
    /// Its sender dies, and it is carried out.
    DieApplied,
    /// Its sender dies, and it arrives so much later.
    DieLate(Duration),
}

/// A change of the world, and what it is known by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Effect {
    pub(crate) step: String,
    pub(crate) direction: Direction,
    pub(crate) index: u32,
    pub(crate) operation: String,
    pub(crate) target: String,
}

/// A request that has left, or was about to.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) id: CallId,
    pub(crate) at: Timestamp,
    /// When it changed something.
    pub(crate) applied: Option<Timestamp>,
}

#[derive(Debug)]
struct Pending {
    due: Timestamp,
    nth: usize,
    call: Call,
    answer: Arc<Mutex<Option<Result<Value, CallTrouble>>>>,
}

#[derive(Debug, Clone)]
struct Thing {
    fields: Value,
    /// From when on it shows.
    shows: Timestamp,
    /// From when on its state is the next one.
    next: Option<(Timestamp, &'static str)>,
}

#[derive(Debug, Clone)]
struct Version {
    id: String,
    /// `None` for a delete marker.
    etag: Option<String>,
}

#[derive(Debug, Default)]
struct Inner {
    databases: BTreeMap<String, Thing>,
    volumes: BTreeMap<String, Thing>,
    snapshots: BTreeMap<String, Thing>,
    instances: BTreeMap<String, Thing>,
    /// The versions of each key, the newest last.
    objects: BTreeMap<String, Vec<Version>>,
    writer: usize,
    failing_over: Option<Timestamp>,
    tokens: BTreeMap<String, (Timestamp, String)>,
    made: u64,
    pending: Vec<Pending>,
    effects: BTreeMap<Effect, u32>,
    sent: Vec<Sent>,
    violations: Vec<String>,
    faults: VecDeque<Fault>,
    random: Option<(Dice, u64)>,
    look_trouble: u64,
    hides: Duration,
    token_lives: Duration,
    credentials_end: Option<Timestamp>,
    logged_in_again: Option<Timestamp>,
    account: Option<&'static str>,
    /// Changes of looks that a test asks for: a pointer into the answer of an operation, and what stands there.
    drifts: Vec<(String, String, Value)>,
    looks: u64,
    slow_to_show: Duration,
    /// What instances showed before their last change, and until when they still do.
    old_states: BTreeMap<String, (Timestamp, Value)>,
}

/// The cloud.
pub(crate) struct TestWorld {
    time: SimTime,
    inner: Mutex<Inner>,
    /// The disk on which an intent must be before its call arrives here.
    disk: Mutex<Option<Arc<SimDisk>>>,
    /// Ends the executor that is at work.
    pub(crate) dies: Notify,
}

const LATENCY: Duration = Duration::from_millis(400);

fn refused(code: &str) -> CallTrouble {
    CallTrouble::Refused {
        code: code.into(),
        says: "as the test asked".into(),
        request_id: Some("req-refused".into()),
        status: 400,
    }
}

fn in_doubt(why: &str) -> CallTrouble {
    CallTrouble::InDoubt(why.into())
}

fn tags_of(call: &Call) -> Value {
    let specified = call.arguments.get("TagSpecifications").and_then(|all| all.pointer("/0/Tags"));
    specified.or_else(|| call.arguments.get("Tags")).cloned().unwrap_or_else(|| json!([]))
}

impl TestWorld {
    pub(crate) fn new(time: SimTime) -> Arc<Self> {
        let long_ago = Timestamp::UNIX_EPOCH;
        let there = |fields: Value| Thing { fields, shows: long_ago, next: None };
        let mut inner = Inner {
            token_lives: Duration::from_secs(600),
            databases: [(
                "orders-db".to_owned(),
                there(json!({
                    "DBInstanceIdentifier": "orders-db", "DBInstanceStatus": "available", "DBInstanceClass": "db.r6g.large",
                    "MultiAZ": true, "BackupRetentionPeriod": 7, "DeletionProtection": true,
                    "Endpoint": {"Address": "orders-db.example", "Port": 5432},
                    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}],
                })),
            )]
            .into(),
            volumes: [("vol-1".to_owned(), there(json!({"VolumeId": "vol-1", "State": "in-use"})))].into(),
            snapshots: [(
                "snap-1".to_owned(),
                there(json!({"SnapshotId": "snap-1", "State": "completed", "StorageTier": "standard"})),
            )]
            .into(),
            instances: [
                ("i-1".to_owned(), there(json!({"InstanceId": "i-1", "State": {"Name": "running"}}))),
                ("i-2".to_owned(), there(json!({"InstanceId": "i-2", "State": {"Name": "stopped"}}))),
            ]
            .into(),
            ..Inner::default()
        };
        let version = |id: &str, etag: Option<&str>| Version { id: id.into(), etag: etag.map(str::to_owned) };
        inner.objects.insert(
            "app.tfstate".into(),
            vec![version("v1", Some("\"good\"")), version("v2", Some("\"bad\""))],
        );
        inner.objects.insert("gone.json".into(), vec![version("w1", Some("\"one\"")), version("w2", None)]);
        inner.objects.insert(
            "gone-twice.json".into(),
            vec![
                version("t1", None),
                version("t2", Some("\"two\"")),
                version("t3", None),
                version("t4", None),
            ],
        );
        Arc::new(Self { time, inner: Mutex::new(inner), disk: Mutex::new(None), dies: Notify::new() })
    }

    /// Lets it check at each call that the intent is on this disk.
    pub(crate) fn watch(&self, disk: Arc<SimDisk>) {
        *self.disk.lock().expect("nobody panics here") = Some(disk);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().expect("nobody panics while holding the world");
        let now = self.time.now();
        inner.deliver(now);
        inner
    }

    /// Lets these things happen to the next requests, one each.
    pub(crate) fn fault(&self, faults: impl IntoIterator<Item = Fault>) {
        self.lock().faults.extend(faults);
    }

    /// Lets `percent` of all requests meet something, until further notice.
    pub(crate) fn random(&self, seed: u64, percent: u64) {
        self.lock().random = (percent > 0).then(|| (Dice::new(seed), percent));
    }

    /// Forgets every fault that has not happened yet.
    pub(crate) fn calm(&self) {
        let mut inner = self.lock();
        inner.faults.clear();
        inner.random = None;
        inner.look_trouble = 0;
        inner.credentials_end = None;
    }

    /// Lets `percent` of all looks fail.
    pub(crate) fn look_trouble(&self, percent: u64) {
        self.lock().look_trouble = percent;
    }

    /// Hides what is made from now on for so long.
    pub(crate) fn hide(&self, span: Duration) {
        self.lock().hides = span;
    }

    /// Lets credentials end after `after`, and somebody log in again `later` after that.
    pub(crate) fn credentials_end(&self, after: Duration, later: Duration) {
        let now = self.time.now();
        let mut inner = self.lock();
        let end = lifeboat::domain::duration::after(now, after);
        inner.credentials_end = Some(end);
        inner.logged_in_again = Some(lifeboat::domain::duration::after(end, later));
    }

    /// Says that the credentials are of another account.
    pub(crate) fn of_account(&self, account: &'static str) {
        self.lock().account = Some(account);
    }

    /// Lets what looks of an operation find at a place be something else.
    pub(crate) fn drift(&self, operation: &str, at: &str, value: Value) {
        self.lock().drifts.push((operation.to_owned(), at.to_owned(), value));
    }

    /// Lets somebody else write an object.
    pub(crate) fn written_by_others(&self, key: &str) {
        let mut inner = self.lock();
        let id = inner.fresh("x");
        inner.objects.entry(key.to_owned()).or_default().push(Version { id, etag: Some("\"other\"".into()) });
    }

    /// Lets instances show their old state for so long after a change.
    pub(crate) fn slow_to_show(&self, span: Duration) {
        self.lock().slow_to_show = span;
    }

    /// Lets somebody else make a database of this name.
    pub(crate) fn taken(&self, name: &str) {
        let fields = json!({ "DBInstanceIdentifier": name, "DBInstanceStatus": "available" });
        let thing = Thing { fields, shows: Timestamp::UNIX_EPOCH, next: None };
        self.lock().databases.insert(name.to_owned(), thing);
    }

    /// Returns what has changed, and how often, once everything under way has arrived.
    pub(crate) fn effects(&self) -> BTreeMap<Effect, u32> {
        let mut inner = self.lock();
        inner.deliver(Timestamp::MAX);
        inner.effects.clone()
    }

    /// Returns what has changed so far.
    pub(crate) fn effects_so_far(&self) -> BTreeMap<Effect, u32> {
        self.lock().effects.clone()
    }

    /// Returns every request that left.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.lock().sent.clone()
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.lock().violations.clone()
    }

    /// Says whether a request of this call has changed anything, or will.
    pub(crate) fn happened(&self, step: &str, direction: Direction, index: u32) -> bool {
        self.effects()
            .keys()
            .any(|effect| effect.step == step && effect.direction == direction && effect.index == index)
    }

    /// Says that an intent was on disk before its request: once for each request.
    fn check_intent(&self, id: &CallId, digest: &str, inner: &mut Inner) {
        let disk = self.disk.lock().expect("nobody panics here").clone();
        let Some(disk) = disk else { return };
        let durable = disk.durable();
        let Ok(read) = replay::read(&durable, &Head::default()) else {
            inner.violations.push(format!("{id}: the journal cannot be read when its call leaves"));
            return;
        };
        let intents = read.lines.iter().filter(|line| match &line.event {
            Some(Event::Intended { of, digest: known, .. }) => {
                of.step == id.step
                    && of.direction == id.direction
                    && of.attempt == id.attempt
                    && of.index == id.index
                    && known.as_str() == digest
            }
            _ => false,
        });
        let sent = inner.sent.iter().filter(|sent| sent.id == *id).count();
        if intents.count() <= sent {
            inner.violations.push(format!("{id}: its call left before its intent was on disk"));
        }
    }
}

impl Inner {
    fn fresh(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}-made-{}", self.made)
    }

    fn deliver(&mut self, now: Timestamp) {
        loop {
            let due =
                self.pending.iter().enumerate().filter(|(_, p)| p.due <= now).min_by_key(|(_, p)| p.due);
            let Some((index, _)) = due else { return };
            let pending = self.pending.remove(index);
            let answer = self.apply(&pending);
            *pending.answer.lock().expect("nobody panics here") = Some(answer);
        }
    }

    fn effect(&mut self, pending: &Pending, target: &str) {
        let sent = &mut self.sent[pending.nth];
        sent.applied = Some(pending.due);
        let effect = Effect {
            step: sent.id.step.to_string(),
            direction: sent.id.direction,
            index: sent.id.index,
            operation: pending.call.operation.clone(),
            target: target.to_owned(),
        };
        *self.effects.entry(effect).or_default() += 1;
    }

    fn thing(&self, fields: Value, at: Timestamp, takes: u64, then: &'static str) -> Thing {
        let after = lifeboat::domain::duration::after;
        Thing {
            fields,
            shows: after(at, self.hides),
            next: Some((after(at, Duration::from_secs(takes)), then)),
        }
    }

    fn apply(&mut self, pending: &Pending) -> Result<Value, CallTrouble> {
        let (call, at) = (&pending.call, pending.due);
        let after = |secs| lifeboat::domain::duration::after(at, Duration::from_secs(secs));
        let first = |name: &str| {
            call.arguments.get(name).and_then(|ids| ids.get(0)).and_then(Value::as_str).unwrap_or_default()
        };
        self.advance(at);
        match call.operation.as_str() {
            "rds:RestoreDBInstanceFromDBSnapshot" => {
                let name = call.text("DBInstanceIdentifier").unwrap_or_default();
                if self.databases.contains_key(name) {
                    return Err(refused("DBInstanceAlreadyExists"));
                }
                let fields = json!({
                    "DBInstanceIdentifier": name, "DBInstanceStatus": "creating", "TagList": tags_of(call),
                    "DBInstanceClass": call.arguments.get("DBInstanceClass"),
                    "DeletionProtection": call.arguments.get("DeletionProtection"),
                    "MultiAZ": call.arguments.get("MultiAZ"), "BackupRetentionPeriod": 1,
                    "Endpoint": {"Address": format!("{name}.example"), "Port": 5432},
                });
                let thing = self.thing(fields.clone(), at, 40, "available");
                self.databases.insert(name.to_owned(), thing);
                self.effect(pending, name);
                Ok(json!({ "DBInstance": fields }))
            }
            "rds:ModifyDBInstance" => {
                let name = call.text("DBInstanceIdentifier").unwrap_or_default();
                let thing = self.databases.get_mut(name).ok_or_else(|| refused("DBInstanceNotFound"))?;
                let mut changed = false;
                for setting in ["BackupRetentionPeriod", "DeletionProtection"] {
                    if let Some(value) = call.arguments.get(setting)
                        && thing.fields.get(setting) != Some(value)
                    {
                        thing.fields[setting] = value.clone();
                        changed = true;
                    }
                }
                let fields = thing.fields.clone();
                if changed {
                    self.effect(pending, name);
                }
                Ok(json!({ "DBInstance": fields }))
            }
            "rds:DeleteDBInstance" => {
                let name = call.text("DBInstanceIdentifier").unwrap_or_default();
                let thing = self.databases.get_mut(name).ok_or_else(|| refused("DBInstanceNotFound"))?;
                if thing.fields["DeletionProtection"] == true {
                    return Err(refused("InvalidParameterCombination"));
                }
                if thing.fields["DBInstanceStatus"] != "available" {
                    return Err(refused("InvalidDBInstanceState"));
                }
                thing.fields["DBInstanceStatus"] = "deleting".into();
                thing.next = Some((after(20), ""));
                let fields = thing.fields.clone();
                self.effect(pending, name);
                Ok(json!({ "DBInstance": fields }))
            }
            "rds:FailoverDBCluster" => {
                if self.failing_over.is_some() {
                    return Err(refused("InvalidDBClusterStateFault"));
                }
                self.writer = 1 - self.writer;
                self.failing_over = Some(after(25));
                self.effect(pending, "orders-cluster");
                Ok(json!({ "DBCluster": self.cluster() }))
            }
            "ec2:CreateVolume" => {
                let token = call.text("ClientToken").unwrap_or_default().to_owned();
                if let Some((known, id)) = self.tokens.get(&token)
                    && lifeboat::domain::duration::elapsed(*known, at) < self.token_lives
                {
                    let id = id.clone();
                    let known = self.volumes.get(&id).map(|thing| thing.fields.clone());
                    return Ok(known.unwrap_or_else(|| json!({ "VolumeId": id })));
                }
                let id = self.fresh("vol");
                let fields = json!({
                    "VolumeId": id, "State": "creating", "Tags": tags_of(call),
                    "AvailabilityZone": call.arguments.get("AvailabilityZone"),
                });
                let thing = self.thing(fields.clone(), at, 8, "available");
                self.volumes.insert(id.clone(), thing);
                self.tokens.insert(token, (at, id));
                self.effect(pending, call.text("SnapshotId").unwrap_or_default());
                Ok(fields)
            }
            "ec2:DeleteVolume" => {
                let id = call.text("VolumeId").unwrap_or_default();
                let thing = self.volumes.get_mut(id).ok_or_else(|| refused("InvalidVolume.NotFound"))?;
                if thing.fields["State"] == "deleting" {
                    return Err(refused("InvalidVolume.NotFound"));
                }
                thing.fields["State"] = "deleting".into();
                thing.next = Some((after(4), ""));
                self.effect(pending, id);
                Ok(json!({}))
            }
            "ec2:CreateSnapshot" => {
                let id = self.fresh("snap");
                let fields = json!({
                    "SnapshotId": id, "State": "pending", "Tags": tags_of(call), "Progress": "0%",
                    "VolumeId": call.text("VolumeId"),
                });
                let thing = self.thing(fields.clone(), at, 30, "completed");
                self.snapshots.insert(id, thing);
                self.effect(pending, call.text("VolumeId").unwrap_or_default());
                Ok(fields)
            }
            "ec2:DeleteSnapshot" => {
                let id = call.text("SnapshotId").unwrap_or_default();
                self.snapshots.remove(id).ok_or_else(|| refused("InvalidSnapshot.NotFound"))?;
                self.effect(pending, id);
                Ok(json!({}))
            }
            "ec2:StopInstances" | "ec2:StartInstances" => {
                let id = first("InstanceIds").to_owned();
                let stop = call.operation.ends_with("StopInstances");
                let thing =
                    self.instances.get_mut(&id).ok_or_else(|| refused("InvalidInstanceID.NotFound"))?;
                let state = thing.fields.pointer("/State/Name").and_then(Value::as_str).unwrap_or_default();
                let (fits, none, way, then) = if stop {
                    (state == "running", matches!(state, "stopping" | "stopped"), "stopping", "stopped")
                } else {
                    (state == "stopped", matches!(state, "pending" | "running"), "pending", "running")
                };
                if !fits && !none {
                    return Err(refused("IncorrectInstanceState"));
                }
                if fits {
                    let until = lifeboat::domain::duration::after(at, self.slow_to_show);
                    self.old_states.insert(id.clone(), (until, thing.fields.clone()));
                    thing.fields["State"] = json!({ "Name": way });
                    thing.next = Some((after(12), then));
                    self.effect(pending, &id);
                }
                Ok(json!({ "State": way }))
            }
            "s3:CopyObject" => {
                let key = call.text("Key").unwrap_or_default().to_owned();
                let source = call.arguments.get("CopySource").and_then(|s| s.get("VersionId"));
                let source = source.and_then(Value::as_str).unwrap_or_default();
                let versions = self.objects.get(&key).cloned().unwrap_or_default();
                let newest = versions.last().and_then(|version| version.etag.clone());
                let matches = match (call.text("IfMatch"), call.text("IfNoneMatch")) {
                    (Some(wanted), _) => newest.as_deref() == Some(wanted),
                    (None, Some(_)) => newest.is_none(),
                    (None, None) => true,
                };
                if !matches {
                    return Err(refused("PreconditionFailed"));
                }
                let copied = versions.iter().find(|version| version.id == source);
                let etag = copied.and_then(|v| v.etag.clone()).ok_or_else(|| refused("NoSuchVersion"))?;
                let id = self.fresh("ver");
                let made = Version { id: id.clone(), etag: Some(etag.clone()) };
                self.objects.entry(key.clone()).or_default().push(made);
                self.effect(pending, &key);
                Ok(json!({ "VersionId": id, "ETag": etag }))
            }
            "s3:DeleteObject" => {
                let key = call.text("Key").unwrap_or_default().to_owned();
                if let Some(version) = call.text("VersionId") {
                    let versions = self.objects.entry(key.clone()).or_default();
                    let before = versions.len();
                    versions.retain(|known| known.id != version);
                    if versions.len() < before {
                        self.effect(pending, &key);
                    }
                    return Ok(json!({ "VersionId": version, "DeleteMarker": true }));
                }
                let newest = self.objects.get(&key).and_then(|all| all.last()).and_then(|v| v.etag.clone());
                if call.text("IfMatch").is_some_and(|wanted| newest.as_deref() != Some(wanted)) {
                    return Err(refused("PreconditionFailed"));
                }
                let id = self.fresh("marker");
                let made = Version { id: id.clone(), etag: None };
                self.objects.entry(key.clone()).or_default().push(made);
                self.effect(pending, &key);
                Ok(json!({ "VersionId": id, "DeleteMarker": true }))
            }
            other => panic!("the test's world has no {other}"),
        }
    }

    fn cluster(&self) -> Value {
        let member = |nth: usize| json!({ "DBInstanceIdentifier": format!("member-{nth}"), "IsClusterWriter": self.writer == nth });
        let status = if self.failing_over.is_some() { "failing-over" } else { "available" };
        json!({ "DBClusterIdentifier": "orders-cluster", "Status": status, "DBClusterMembers": [member(0), member(1)] })
    }

    fn advance(&mut self, now: Timestamp) {
        let step = |things: &mut BTreeMap<String, Thing>, field: &str| {
            things.retain(|_, thing| match thing.next {
                Some((at, "")) => at > now,
                _ => true,
            });
            for thing in things.values_mut() {
                if let Some((at, then)) = thing.next
                    && at <= now
                {
                    thing.next = None;
                    match field {
                        "/State/Name" => thing.fields["State"] = json!({ "Name": then }),
                        field => thing.fields[field] = then.into(),
                    }
                }
            }
        };
        step(&mut self.databases, "DBInstanceStatus");
        step(&mut self.volumes, "State");
        step(&mut self.snapshots, "State");
        step(&mut self.instances, "/State/Name");
        if self.failing_over.is_some_and(|until| until <= now) {
            self.failing_over = None;
        }
    }

    fn shown(&self, call: &Call, now: Timestamp) -> Result<Value, CallTrouble> {
        let named = |name: &str| {
            call.arguments
                .get(name)
                .and_then(|ids| ids.get(0))
                .and_then(Value::as_str)
                .or_else(|| call.text(name))
                .map(str::to_owned)
        };
        let filters = call.arguments.get("Filters").and_then(Value::as_array).cloned().unwrap_or_default();
        let fits = |thing: &Thing| {
            filters.iter().all(|filter| {
                let key = filter["Name"].as_str().unwrap_or_default().trim_start_matches("tag:");
                let tags = thing.fields.get("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
                tags.iter().any(|tag| tag["Key"] == key && tag["Value"] == filter["Values"][0])
            })
        };
        let list = |things: &BTreeMap<String, Thing>, name: &str, code: &str| match named(name) {
            Some(id) => {
                let thing = things.get(&id).filter(|thing| thing.shows <= now);
                thing.map(|thing| json!([thing.fields])).ok_or_else(|| refused(code))
            }
            None => Ok(things
                .values()
                .filter(|thing| thing.shows <= now && fits(thing))
                .map(|thing| thing.fields.clone())
                .collect()),
        };
        Ok(match call.operation.as_str() {
            "rds:DescribeDBInstances" => {
                json!({ "DBInstances": list(&self.databases, "DBInstanceIdentifier", "DBInstanceNotFound")? })
            }
            "rds:DescribeDBSnapshots" => json!({ "DBSnapshots": [{
                "DBSnapshotIdentifier": "orders-snap", "DBInstanceIdentifier": "orders-db", "Status": "available", "SnapshotCreateTime": "2026-11-21T01:00:00Z",
            }] }),
            "rds:DescribeDBClusters" => json!({ "DBClusters": [self.cluster()] }),
            "ec2:DescribeVolumes" => {
                json!({ "Volumes": list(&self.volumes, "VolumeIds", "InvalidVolume.NotFound")? })
            }
            "ec2:DescribeSnapshots" => {
                json!({ "Snapshots": list(&self.snapshots, "SnapshotIds", "InvalidSnapshot.NotFound")? })
            }
            "ec2:DescribeInstances" => {
                let found = list(&self.instances, "InstanceIds", "InvalidInstanceID.NotFound")?;
                let old = named("InstanceIds").and_then(|id| self.old_states.get(&id));
                match old.filter(|(until, _)| *until > now) {
                    Some((_, old)) => json!({ "Instances": [old] }),
                    None => json!({ "Instances": found }),
                }
            }
            "s3:GetBucketVersioning" => json!({ "Status": "Enabled" }),
            "s3:ListObjectVersions" => {
                let versions = self.objects.get(call.text("Key").unwrap_or_default());
                let versions = versions.map_or([].as_slice(), Vec::as_slice);
                let mut shown = Map::new();
                let (mut objects, mut markers) = (Vec::new(), Vec::new());
                for (nth, version) in versions.iter().enumerate().rev() {
                    let latest = nth + 1 == versions.len();
                    let made = format!("2026-11-21T02:{:02}:00Z", nth % 60);
                    match &version.etag {
                        Some(etag) => objects.push(json!({
                            "Key": call.text("Key"), "VersionId": version.id, "IsLatest": latest, "ETag": etag, "Size": 10,
                            "LastModified": made,
                        })),
                        None => markers.push(json!({
                            "Key": call.text("Key"), "VersionId": version.id, "IsLatest": latest, "LastModified": made,
                        })),
                    }
                }
                shown.insert("Versions".into(), objects.into());
                shown.insert("DeleteMarkers".into(), markers.into());
                Value::Object(shown)
            }
            "tcp:Connect" | "http:Get" => json!({ "Green": true, "Says": "open" }),
            other => panic!("the test's world cannot show {other}"),
        })
    }

    fn logged_in(&self, now: Timestamp) -> Result<(), CallTrouble> {
        let out = self.credentials_end.is_some_and(|end| end <= now)
            && self.logged_in_again.is_none_or(|again| again > now);
        if out { Err(CallTrouble::Credentials("the session has ended".into())) } else { Ok(()) }
    }

    fn next_fault(&mut self) -> Fault {
        if let Some(fault) = self.faults.pop_front() {
            return fault;
        }
        let Some((dice, percent)) = &mut self.random else { return Fault::None };
        if !dice.hits(*percent) {
            return Fault::None;
        }
        let secs = Duration::from_secs(dice.below(31));
        match dice.below(9) {
            0 | 1 => Fault::LoseReply,
            2 => Fault::LoseRequest,
            3 => Fault::Late(secs),
            4 => Fault::Slow(Duration::from_secs(dice.below(500))),
            5 => Fault::Throttle,
            6 => Fault::DieLost,
            7 => Fault::DieApplied,
            _ => Fault::DieLate(secs),
        }
    }
}

impl Look for TestWorld {
    fn look<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Result<Reply, CallTrouble>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = self.time.now();
            let mut inner = self.lock();
            inner.advance(now);
            inner.logged_in(now)?;
            inner.looks += 1;
            let (looks, trouble) = (inner.looks, inner.look_trouble);
            if Dice::new(looks).hits(trouble) {
                return Err(in_doubt("the look was lost"));
            }
            let mut body = inner.shown(call, now)?;
            for (operation, at, value) in &inner.drifts {
                if *operation == call.operation
                    && let Some(found) = body.pointer_mut(at)
                {
                    *found = value.clone();
                }
            }
            Ok(Reply { request_id: None, status: 200, body })
        })
    }

    fn credentials<'a>(&'a self, _: &'a EnvironmentName) -> BoxFuture<'a, Result<Credentials, CallTrouble>> {
        Box::pin(async move {
            let now = self.time.now();
            let inner = self.lock();
            inner.logged_in(now)?;
            let ends_at = inner.credentials_end.filter(|end| *end > now);
            Ok(Credentials {
                identity: "arn:aws:sts::123456789012:assumed-role/operate/ann".into(),
                account: inner.account.unwrap_or(ACCOUNT).into(),
                ends_at,
                renewed: false,
            })
        })
    }
}

impl Act for TestWorld {
    fn act(&self, call: ArmedCall) -> BoxFuture<'_, Result<Reply, CallTrouble>> {
        Box::pin(async move {
            let now = self.time.now();
            let answer = Arc::new(Mutex::new(None));
            let (fault, nth) = {
                let mut inner = self.lock();
                inner.logged_in(now)?;
                self.check_intent(call.id(), call.digest(), &mut inner);
                let fault = inner.next_fault();
                inner.sent.push(Sent { id: call.id().clone(), at: now, applied: None });
                (fault, inner.sent.len() - 1)
            };
            if let Fault::Slow(span) = fault {
                tokio::time::sleep(span).await;
            }
            let after = |span| lifeboat::domain::duration::after(self.time.now(), span);
            let due = match fault {
                Fault::None | Fault::Wordy | Fault::LoseReply | Fault::DieApplied | Fault::Slow(_) => {
                    Some(after(LATENCY))
                }
                Fault::Late(span) | Fault::DieLate(span) => Some(after(LATENCY + span)),
                Fault::LoseRequest | Fault::Throttle | Fault::Refuse(_) | Fault::DieLost => None,
            };
            if let Some(due) = due {
                let call = call.into_call();
                self.lock().pending.push(Pending { due, nth, call, answer: answer.clone() });
            }
            tokio::time::sleep(LATENCY).await;
            match fault {
                Fault::None | Fault::Wordy => {}
                Fault::LoseReply => return Err(in_doubt("the connection was reset")),
                Fault::LoseRequest | Fault::Late(_) | Fault::Slow(_) => {
                    return Err(in_doubt("no answer came in time"));
                }
                Fault::Throttle => {
                    return Err(CallTrouble::Throttled { code: "Throttling".into(), request_id: None });
                }
                Fault::Refuse(code) => return Err(refused(code)),
                Fault::DieLost | Fault::DieApplied | Fault::DieLate(_) => {
                    self.dies.notify_one();
                    std::future::pending::<()>().await;
                }
            }
            tokio::time::sleep(LATENCY).await;
            drop(self.lock());
            let answer = answer.lock().expect("nobody panics here").take();
            let mut body = answer.expect("what was due has arrived")?;
            if let (Fault::Wordy, Value::Object(members)) = (fault, &mut body) {
                members.insert("Words".into(), "x".repeat(9 << 10).into());
            }
            Ok(Reply { request_id: Some("req-1".to_owned()), status: 200, body })
        })
    }
}
