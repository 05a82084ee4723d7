//! S3: versioning, replication and its lag, object lock, lifecycle, and what was deleted (S1, S5).

use super::cloudwatch::{self, Metric};
use super::convert::{Settings, moment};
use super::fault::Fault;
use super::operation::{
    GET_BUCKET_ENCRYPTION, GET_BUCKET_LIFECYCLE_CONFIGURATION, GET_BUCKET_LOCATION, GET_BUCKET_REPLICATION,
    GET_BUCKET_VERSIONING, GET_OBJECT_LOCK_CONFIGURATION, LIST_OBJECT_VERSIONS,
};
use super::reader::{Gathered, Reader};
use crate::domain::Text;
use crate::domain::condition::{Condition, Health, Incident};
use crate::domain::duration::{before, elapsed};
use crate::domain::estate::Component;
use crate::domain::recovery_point::{Hold, Holds, PointKind, PointStatus, RecoveryPoint};
use crate::domain::replication::copies_markers;
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use aws_sdk_s3::types::{
    BucketVersioningStatus, DeleteMarkerReplicationStatus, ExpirationStatus, ReplicationRule,
    ReplicationRuleStatus,
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many pages of a thousand versions are looked at, at most: a larger bucket is not listed for each look at it.
const PAGES: usize = 5;
/// How far back deletions are told of.
const RECENT: Duration = Duration::from_secs(24 * 3600);
/// Fewer deleted objects than these are somebody's work rather than a disaster.
const FEW: usize = 100;

/// A replication rule, as far as it matters here.
#[derive(Debug, Clone)]
struct Rule {
    id: String,
    destination: String,
    /// The account of the destination, where the rule names one: that of the source otherwise.
    account: Option<String>,
    enabled: bool,
    copies_markers: bool,
}

impl Rule {
    fn of(rule: &ReplicationRule) -> Option<Self> {
        let destination = rule.destination()?.bucket();
        let told = rule.delete_marker_replication().and_then(|markers| markers.status());
        Some(Self {
            id: rule.id().unwrap_or_default().to_owned(),
            account: rule.destination()?.account().map(str::to_owned),
            destination: destination.rsplit(':').next().unwrap_or(destination).to_owned(),
            enabled: *rule.status() == ReplicationRuleStatus::Enabled,
            copies_markers: copies_markers(
                rule.filter().is_some(),
                told.map(DeleteMarkerReplicationStatus::as_str),
            ),
        })
    }
}

/// Reads the points of the bucket `name` at the reader's place.
pub(super) async fn points(reader: &Reader<'_>, component: &Component, name: &str) -> Gathered {
    let mut gathered = Gathered::default();
    if reader.site.place == component.home {
        let mut points = versions(reader, name).await;
        if let Ok(Some(point)) = &mut points {
            match object_lock(reader, name).await {
                Ok(hold) => point.hold = hold.map(Box::new),
                Err(fault) => gathered.lacks(fault),
            }
            match expiry(reader, name).await {
                Ok(Some(kept)) => point.holds = Holds::Since(before(SystemClock.now(), kept)),
                Ok(None) => {}
                Err(fault) => gathered.lacks(fault),
            }
        }
        gathered.add(&GET_BUCKET_VERSIONING.source(), points.map(|point| point.into_iter().collect()));
        return gathered;
    }
    let declared = component.declared.iter().find(|(place, _)| *place == reader.site.place);
    let declared = declared.map(|(_, at)| {
        at.as_str().trim_start_matches("s3://").split('/').next().unwrap_or_default().to_owned()
    });
    let rules = match reader.elsewhere(&component.home).await {
        Ok(home) => rules(&home, name).await,
        Err(fault) => Err(fault),
    };
    let (rules, fault) = match rules {
        Ok(rules) => (rules, None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    let mut targets: BTreeMap<String, Option<Rule>> = declared.into_iter().map(|name| (name, None)).collect();
    for rule in rules.into_iter().filter(|rule| rule.enabled) {
        let known = targets.contains_key(&rule.destination);
        let owner = rule.account.as_deref().unwrap_or(component.home.account.as_str());
        if !known && owner != reader.site.place.account.as_str() {
            continue;
        }
        match location(reader, &rule.destination).await {
            Ok(region) if region == reader.site.place.region.as_str() || known => {
                targets.insert(rule.destination.clone(), Some(rule));
            }
            Ok(_) => {}
            Err(fault) if fault.is_absence() => {}
            Err(fault) => gathered.lacks(fault),
        }
    }
    if let Some(fault) = fault {
        gathered.lacks(fault);
    }
    let mut points = Vec::new();
    for (target, rule) in &targets {
        match replica(reader, component, name, target, rule.as_ref()).await {
            Ok(point) => points.push(point),
            Err(fault) => gathered.lacks(fault),
        }
    }
    gathered.add(&GET_BUCKET_REPLICATION.source(), Ok(points));
    gathered
}

/// Returns the versions of a bucket as one point: any moment since versioning was turned on.
async fn versions(reader: &Reader<'_>, name: &str) -> Result<Option<RecoveryPoint>, Fault> {
    let send = || reader.site.s3().get_bucket_versioning().bucket(name).send();
    let answer = match reader.call(&GET_BUCKET_VERSIONING, send).await {
        Ok(answer) => answer,
        Err(fault) if fault.is("NoSuchBucket") => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let id = format!("versions of {name}");
    let place = reader.site.place.clone();
    let mut point = RecoveryPoint::new(&id, PointKind::ObjectVersions, place, Holds::Everything);
    match answer.status() {
        Some(BucketVersioningStatus::Enabled) => {}
        // What is written now overwrites the version `null`: not a state to recover from (S5).
        Some(BucketVersioningStatus::Suspended) => {
            point.status = PointStatus::Failed("versioning is suspended".into());
        }
        Some(other) => point.status = PointStatus::Unrecognised(Text::new(other.as_str())),
        None => return Ok(None),
    }
    Ok(Some(point))
}

/// Returns how long versions are kept once they are superseded, by the shortest rule that is switched on.
async fn expiry(reader: &Reader<'_>, name: &str) -> Result<Option<Duration>, Fault> {
    let send = || reader.site.s3().get_bucket_lifecycle_configuration().bucket(name).send();
    let answer = match reader.call(&GET_BUCKET_LIFECYCLE_CONFIGURATION, send).await {
        Ok(answer) => answer,
        Err(fault) if fault.is_absence() => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let enabled = answer.rules().iter().filter(|rule| *rule.status() == ExpirationStatus::Enabled);
    let days = enabled.filter_map(|rule| rule.noncurrent_version_expiration()?.noncurrent_days());
    let days = days.filter_map(|days| u64::try_from(days).ok()).min();
    Ok(days.map(|days| Duration::from_secs(days * 86_400)))
}

async fn object_lock(reader: &Reader<'_>, name: &str) -> Result<Option<Hold>, Fault> {
    let send = || reader.site.s3().get_object_lock_configuration().bucket(name).send();
    let answer = match reader.call(&GET_OBJECT_LOCK_CONFIGURATION, send).await {
        Ok(answer) => answer,
        Err(fault) if fault.is_absence() => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let lock = answer.object_lock_configuration();
    let default = lock.and_then(|lock| lock.rule()).and_then(|rule| rule.default_retention());
    Ok(default.map(|retention| {
        let mode = retention.mode().map_or("object lock", |mode| mode.as_str());
        let span = match (retention.days(), retention.years()) {
            (Some(days), _) => format!("{days} d"),
            (None, Some(years)) => format!("{years} y"),
            (None, None) => "no time".to_owned(),
        };
        // Governance yields to a permission, compliance to nobody.
        let lifted_by = (mode != "COMPLIANCE").then(|| "s3:BypassGovernanceRetention".into());
        let what = Text::new(&format!("object lock {mode}, {span} for each version"));
        Hold { what, until: None, lifted_by }
    }))
}

async fn rules(reader: &Reader<'_>, name: &str) -> Result<Vec<Rule>, Fault> {
    let send = || reader.site.s3().get_bucket_replication().bucket(name).send();
    match reader.call(&GET_BUCKET_REPLICATION, send).await {
        Ok(answer) => {
            let rules = answer.replication_configuration().map_or([].as_slice(), |all| all.rules());
            Ok(rules.iter().filter_map(Rule::of).collect())
        }
        Err(fault) if fault.is_absence() => Ok(Vec::new()),
        Err(fault) => Err(fault),
    }
}

/// Returns the buckets that a bucket is replicated to.
///
/// # Errors
/// When its replication cannot be read.
pub(super) async fn destinations(reader: &Reader<'_>, name: &str) -> Result<Vec<String>, Fault> {
    let rules = rules(reader, name).await?;
    Ok(rules.into_iter().filter(|rule| rule.enabled).map(|rule| rule.destination).collect())
}

/// Returns the Region of a bucket.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn location(reader: &Reader<'_>, name: &str) -> Result<String, Fault> {
    let send = || reader.site.s3().get_bucket_location().bucket(name).send();
    let answer = reader.call(&GET_BUCKET_LOCATION, send).await?;
    let told = answer.location_constraint().map_or("", |region| region.as_str());
    // The oldest Region has no name here, and Ireland an old one.
    Ok(match told {
        "" => "us-east-1".to_owned(),
        "EU" => "eu-west-1".to_owned(),
        region => region.to_owned(),
    })
}

/// Returns a bucket's replica as a point: as far behind as the metric says, or as a comparison of both lists shows.
async fn replica(
    reader: &Reader<'_>,
    component: &Component,
    source: &str,
    target: &str,
    rule: Option<&Rule>,
) -> Result<RecoveryPoint, Fault> {
    let measured = match rule {
        Some(rule) => {
            let metric = Metric {
                namespace: "AWS/S3",
                name: "ReplicationLatency",
                statistic: "Maximum",
                dimensions: vec![
                    ("SourceBucket", source.to_owned()),
                    ("DestinationBucket", target.to_owned()),
                    ("RuleId", rule.id.clone()),
                ],
            };
            match reader.elsewhere(&component.home).await {
                Ok(home) => cloudwatch::newest(&home, &metric).await.unwrap_or_default(),
                Err(_) => None,
            }
        }
        None => None,
    };
    let lag = match measured.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(lag) => Ok(lag),
        None => compared(reader, component, source, target).await?,
    };
    let place = reader.site.place.clone();
    let holds = Holds::Behind { lag: *lag.as_ref().unwrap_or(&Duration::ZERO) };
    let mut point = RecoveryPoint::new(target, PointKind::BucketReplica, place, holds);
    if let Err(why) = lag {
        point.status = PointStatus::Failed(Text::new(why));
    }
    Ok(point)
}

/// Compares both lists: the oldest object of the source that the replica does not have says how far it is behind.
async fn compared(
    reader: &Reader<'_>,
    component: &Component,
    source: &str,
    target: &str,
) -> Result<Result<Duration, &'static str>, Fault> {
    const TOO_LARGE: &str = "how far it is behind is not measured: turn on replication metrics";
    let home = reader.elsewhere(&component.home).await?;
    let listed = Listed::of(reader, target).await?;
    let original = Listed::of(&home, source).await?;
    if !listed.whole || !original.whole {
        return Ok(Err(TOO_LARGE));
    }
    let missing =
        original.current.iter().filter(|(key, at)| listed.current.get(*key).is_none_or(|there| there < *at));
    let oldest = missing.map(|(_, at)| *at).min();
    Ok(Ok(oldest.map_or(Duration::ZERO, |at| elapsed(at, SystemClock.now()))))
}

/// What the first pages of a bucket's versions show.
#[derive(Debug, Default)]
struct Listed {
    /// The current object of each key, and when it was written.
    current: BTreeMap<String, Timestamp>,
    /// The keys whose newest version is a delete marker, and when it was put (S1).
    deleted: Vec<(String, Timestamp)>,
    /// Whether these are all.
    whole: bool,
}

impl Listed {
    async fn of(reader: &Reader<'_>, bucket: &str) -> Result<Self, Fault> {
        let mut listed = Self::default();
        let (mut key, mut version) = (None::<String>, None::<String>);
        for _ in 0..PAGES {
            let send = || {
                let call = reader.site.s3().list_object_versions().bucket(bucket).max_keys(1_000);
                call.set_key_marker(key.clone()).set_version_id_marker(version.clone()).send()
            };
            let page = reader.call(&LIST_OBJECT_VERSIONS, send).await?;
            for one in page.versions().iter().filter(|one| one.is_latest() == Some(true)) {
                if let (Some(key), Some(at)) = (one.key(), moment(one.last_modified())) {
                    listed.current.insert(key.to_owned(), at);
                }
            }
            for one in page.delete_markers().iter().filter(|one| one.is_latest() == Some(true)) {
                if let (Some(key), Some(at)) = (one.key(), moment(one.last_modified())) {
                    listed.deleted.push((key.to_owned(), at));
                }
            }
            if page.is_truncated() != Some(true) {
                listed.whole = true;
                break;
            }
            key = page.next_key_marker().map(str::to_owned);
            version = page.next_version_id_marker().map(str::to_owned);
        }
        Ok(listed)
    }

    /// Returns what was deleted of late, by its common prefix.
    fn incident(&self, now: Timestamp) -> Option<Incident> {
        let since = before(now, RECENT);
        let recent: Vec<_> = self.deleted.iter().filter(|(_, at)| *at >= since).collect();
        let (first, _) = recent.first()?;
        let at = recent.iter().map(|(_, at)| *at).min()?;
        let mut prefix = first.as_str();
        for (key, _) in &recent {
            while !key.starts_with(prefix) {
                prefix = prefix.get(..prefix.len() - 1).map_or("", |shorter| shorter);
                while !prefix.is_char_boundary(prefix.len()) {
                    prefix = "";
                }
            }
        }
        let place = prefix
            .rsplit_once('/')
            .map_or("in the whole bucket".to_owned(), |(folder, _)| format!("under {folder}"));
        let more = if self.whole { "" } else { "at least " };
        let count = recent.len();
        let objects =
            if count == 1 { "1 object was".to_owned() } else { format!("{more}{count} objects were") };
        Some(Incident {
            code: if count < FEW { "few-objects-deleted".into() } else { "objects-deleted".into() },
            at,
            says: Text::new(&format!("{objects} deleted {place}; their versions are still there")),
        })
    }
}

/// Reads how the bucket is set up and what was deleted in it of late.
///
/// # Errors
/// When it cannot be told whether it is there.
pub(super) async fn condition(reader: &Reader<'_>, name: &str) -> Result<(Condition, Option<Fault>), Fault> {
    let s3 = reader.site.s3();
    // Not HeadBucket: what it refuses has no body, so that nobody could tell a missing permission from an ended session.
    let versioning =
        reader.call(&GET_BUCKET_VERSIONING, || s3.get_bucket_versioning().bucket(name).send()).await;
    if let Err(fault) = &versioning
        && fault.is_absence()
    {
        return Ok((Condition::gone(Text::new(&format!("there is no bucket {name}"))), None));
    }
    let now = SystemClock.now();
    let mut settings = Settings::default();
    let mut incidents = Vec::new();
    let mut missing = None;
    let kept = match versioning {
        Ok(answer) => {
            let status = answer.status().map_or("never turned on", |status| status.as_str());
            settings.put("Versioning", status);
            settings.maybe("MFADelete", answer.mfa_delete().map(|status| status.as_str().to_owned()));
            answer.status() == Some(&BucketVersioningStatus::Enabled)
        }
        Err(fault) => return Err(fault),
    };
    match reader.call(&GET_BUCKET_ENCRYPTION, || s3.get_bucket_encryption().bucket(name).send()).await {
        Ok(answer) => {
            let rules =
                answer.server_side_encryption_configuration().map_or([].as_slice(), |all| all.rules());
            for default in rules.iter().filter_map(|rule| rule.apply_server_side_encryption_by_default()) {
                settings.put("Encryption", default.sse_algorithm().as_str());
                settings.maybe("EncryptionKey", default.kms_master_key_id());
            }
        }
        Err(fault) if fault.is_absence() => {}
        Err(fault) => missing = Some(fault),
    }
    match rules(reader, name).await {
        Ok(rules) => {
            for rule in &rules {
                let state = if rule.enabled { "enabled" } else { "disabled" };
                let markers = if rule.copies_markers { "copied" } else { "not copied" };
                let says = format!("to {}, {state}, delete markers {markers}", rule.destination);
                settings.put(&format!("Replication {}", rule.id), says);
                if rule.enabled && rule.copies_markers {
                    let says =
                        format!("what is deleted here is deleted in its replica {} too", rule.destination);
                    incidents.push(Incident {
                        code: "note-deletes-replicate".into(),
                        at: now,
                        says: Text::new(&says),
                    });
                }
            }
        }
        Err(fault) => missing = Some(fault),
    }
    let send = || s3.get_bucket_lifecycle_configuration().bucket(name).send();
    match reader.call(&GET_BUCKET_LIFECYCLE_CONFIGURATION, send).await {
        Ok(answer) => {
            for rule in answer.rules().iter().filter(|rule| *rule.status() == ExpirationStatus::Enabled) {
                let id = rule.id().unwrap_or("unnamed");
                let old = rule
                    .noncurrent_version_expiration()
                    .and_then(aws_sdk_s3::types::NoncurrentVersionExpiration::noncurrent_days);
                settings.maybe(&format!("Lifecycle {id}: old versions expire after days"), old);
                let current = rule.expiration().and_then(aws_sdk_s3::types::LifecycleExpiration::days);
                settings.maybe(&format!("Lifecycle {id}: objects expire after days"), current);
            }
        }
        Err(fault) if fault.is_absence() => {}
        Err(fault) => missing = Some(fault),
    }
    match object_lock(reader, name).await {
        Ok(hold) => settings.maybe("ObjectLock", hold.map(|hold| hold.what)),
        Err(fault) => missing = Some(fault),
    }
    if kept {
        match Listed::of(reader, name).await {
            Ok(listed) => incidents.extend(listed.incident(now)),
            Err(fault) => missing = Some(fault),
        }
    }
    let status = if kept { "versioned" } else { "not versioned" };
    let condition = Condition {
        health: Health::Healthy,
        status: status.into(),
        created_at: None,
        settings: settings.0,
        incidents,
    };
    Ok((condition, missing))
}
