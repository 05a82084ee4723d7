//! Everything that is wrong or stands in the way, in one list, the worst first.

use super::{Assessments, Moment, Verdict, findings, terraform};
use crate::domain::Text;
use crate::domain::backend::Backend;
use crate::domain::condition::Health;
use crate::domain::duration::{age_words, elapsed};
use crate::domain::estate::Estate;
use crate::domain::ids::{ComponentId, EnvironmentName};
use crate::domain::place::{OUTSIDE, Place};
use crate::domain::reading::{Capability, Fact, Failed, Lack, ReadTrouble, Reading, Readings, Subject};
use crate::domain::scope::FailureScope;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A credential that ends within this time is told of.
const CREDENTIALS_WARN: Duration = Duration::from_secs(15 * 60);

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Act now.
    Alarm,
    /// Look at it.
    Warning,
    /// Know it.
    Note,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)*) => {
        /// What kind of trouble it is; a documented name of the JSON output.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum TroubleCode { $($(#[$doc])* $variant,)* }

        impl TroubleCode {
            /// Returns the name used in JSON.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

codes! {
    /// More would be lost than was promised.
    RpoBreached = "rpo-breached";
    /// Nearly more would be lost than was promised, or protection stopped moving.
    RpoAtRisk = "rpo-at-risk";
    /// It cannot be told what would be lost.
    RpoUnknown = "rpo-unknown";
    /// Recovery would take longer than was promised.
    RtoBreached = "rto-breached";
    /// Recovery would take nearly as long as was promised, or a drill is overdue.
    RtoAtRisk = "rto-at-risk";
    /// It cannot be told how long recovery would take.
    RtoUnknown = "rto-unknown";
    /// Nobody has measured the recovery.
    RtoUnproven = "rto-unproven";
    /// A state is absent or empty and nothing would stop Terraform from rebuilding everything.
    WouldRebuildEverything = "would-rebuild-everything";
    /// A state's bytes are not a state.
    StateUnreadable = "state-unreadable";
    /// A state's digest row differs from its bytes.
    DigestMismatch = "digest-mismatch";
    /// A state is deleted and its digest row is not.
    DigestDangling = "digest-dangling";
    /// A state's newest version has another lineage than the one before it.
    LineageChanged = "lineage-changed";
    /// A state's serial went back.
    SerialWentBack = "serial-went-back";
    /// Two versions of a state have one serial.
    SerialUsedTwice = "serial-used-twice";
    /// A state's replica is behind.
    ReplicaBehind = "replica-behind";
    /// A state's replica has no such state.
    ReplicaLacks = "replica-lacks";
    /// A state and its replica were both written on their own.
    SplitBrain = "split-brain";
    /// Locks taken in one place exclude nobody in another.
    LocksApart = "locks-apart";
    /// A state is locked.
    StateLocked = "state-locked";
    /// A component is not there any more.
    ComponentGone = "component-gone";
    /// A component does not answer as it should.
    ComponentUnwell = "component-unwell";
    /// Objects were deleted.
    ObjectsDeleted = "objects-deleted";
    /// Something else happened to a component.
    Incident = "incident";
    /// A key cannot decrypt where it is needed.
    KeyUnusable = "key-unusable";
    /// A permission is missing.
    ReadDenied = "read-denied";
    /// A service asks us to slow down.
    ReadThrottled = "read-throttled";
    /// A whole Region does not answer.
    RegionUnreachable = "region-unreachable";
    /// A read failed for another reason.
    ReadFailed = "read-failed";
    /// Credentials end soon, or have ended.
    CredentialsExpiring = "credentials-expiring";
    /// Points that a retention rule wants are missing.
    RetentionGap = "retention-gap";
    /// No new point came when one was expected.
    CadenceMissed = "cadence-missed";
    /// A point is much smaller or larger than those before it.
    SizeAnomaly = "size-anomaly";
    /// A point's bytes do not fit its checksum, or there is no byte.
    ChecksumWrong = "checksum-wrong";
    /// A copy lacks points that its source has.
    CopyBehind = "copy-behind";
    /// What is deleted in a bucket is deleted in its replica too.
    DeletesAreReplicated = "deletes-are-replicated";
    /// A copy of a point has other bytes than its source.
    CopyDiffers = "copy-differs";
}

impl TroubleCode {
    /// Returns the place in the order in which people have to know; the smallest first.
    fn urgency(self) -> u8 {
        match self {
            Self::RegionUnreachable => 0,
            Self::ComponentGone => 1,
            Self::CredentialsExpiring => 2,
            Self::ReadThrottled => 3,
            Self::WouldRebuildEverything => 4,
            Self::StateUnreadable => 5,
            Self::ObjectsDeleted => 6,
            Self::Incident => 7,
            Self::DigestMismatch | Self::DigestDangling | Self::SplitBrain | Self::LineageChanged => 8,
            Self::ComponentUnwell => 9,
            Self::StateLocked | Self::KeyUnusable | Self::ReadDenied | Self::ReadFailed => 10,
            Self::SerialWentBack | Self::SerialUsedTwice | Self::ReplicaBehind | Self::ReplicaLacks => 10,
            Self::ChecksumWrong | Self::CopyBehind | Self::CopyDiffers | Self::LocksApart => 11,
            Self::DeletesAreReplicated => 11,
            Self::RetentionGap | Self::CadenceMissed | Self::SizeAnomaly => 11,
            Self::RpoBreached | Self::RtoBreached => 12,
            Self::RpoUnknown | Self::RtoUnknown => 13,
            Self::RpoAtRisk | Self::RtoAtRisk | Self::RtoUnproven => 14,
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// How bad it is.
    pub severity: Severity,
    /// What kind it is.
    pub code: TroubleCode,
    /// The environment it concerns.
    pub environment: EnvironmentName,
    /// The component it concerns, where it is one.
    pub component: Option<ComponentId>,
    /// The failure it is about, where it is about one.
    pub scope: Option<FailureScope>,
    /// When it began, where that is known.
    pub at: Option<Timestamp>,
    /// One sentence with its figures.
    pub says: Text,
}

/// Returns everything that is wrong, the worst first, then by component.
pub fn troubles(
    estate: &Estate,
    readings: &Readings,
    assessments: &Assessments,
    moment: Moment,
) -> Vec<Trouble> {
    let now = moment.now;
    let mut all = findings(estate, readings, now);
    for component in &estate.components {
        let trouble = |severity, code, scope, at, says: Text| Trouble {
            severity,
            code,
            environment: component.environment.clone(),
            component: Some(component.id.clone()),
            scope,
            at,
            says,
        };
        for scope in FailureScope::ALL {
            let Some(assessment) = assessments.of(&component.id, scope) else { continue };
            let rpo = match assessment.rpo.verdict {
                Verdict::Breached => Some((Severity::Alarm, TroubleCode::RpoBreached)),
                Verdict::AtRisk => Some((Severity::Warning, TroubleCode::RpoAtRisk)),
                Verdict::Unknown => Some((Severity::Alarm, TroubleCode::RpoUnknown)),
                Verdict::Unproven | Verdict::Met | Verdict::NoObjective => None,
            };
            let rto = match assessment.rto.verdict {
                Verdict::Breached => Some((Severity::Alarm, TroubleCode::RtoBreached)),
                Verdict::AtRisk => Some((Severity::Warning, TroubleCode::RtoAtRisk)),
                Verdict::Unknown => Some((Severity::Alarm, TroubleCode::RtoUnknown)),
                Verdict::Unproven => Some((Severity::Note, TroubleCode::RtoUnproven)),
                Verdict::Met | Verdict::NoObjective => None,
            };
            all.extend(rpo.map(|(s, c)| trouble(s, c, Some(scope), None, assessment.rpo.reason.clone())));
            all.extend(rto.map(|(s, c)| trouble(s, c, Some(scope), None, assessment.rto.reason.clone())));
        }
    }
    all.extend(of_readings(estate, readings, now));
    // What happened goes before what follows from it, and the newest of it first.
    all.sort_by(|a, b| {
        let first = |trouble: &Trouble| (trouble.severity, trouble.code.urgency());
        let then = |trouble: &Trouble| {
            (trouble.component.clone(), trouble.code, trouble.scope, trouble.says.clone())
        };
        first(a).cmp(&first(b)).then_with(|| b.at.cmp(&a.at)).then_with(|| then(a).cmp(&then(b)))
    });
    all
}

fn of_readings(estate: &Estate, readings: &Readings, now: Timestamp) -> Vec<Trouble> {
    let by_id = estate.by_id();
    let mut all = Vec::new();
    let mut of_backends = Vec::new();
    let mut failed: Failures<'_> = BTreeMap::new();
    let mut answered: BTreeMap<&Place, Timestamp> = BTreeMap::new();
    for (key, reading) in readings.iter() {
        match &key.subject {
            Subject::Component(id, place) => {
                let Some(component) = by_id.get(id) else { continue };
                match &reading.failed {
                    Some(why) => {
                        failed.entry((&component.environment, place)).or_default().push((id, why.clone()));
                    }
                    // Measured recoveries are our own; they say nothing of a Region.
                    None if key.capability != Capability::Proofs => {
                        let at = reading.attempted_at().unwrap_or(Timestamp::MIN);
                        let newest = answered.entry(place).or_insert(at);
                        *newest = (*newest).max(at);
                    }
                    None => {}
                }
                let at = reading.attempted_at().unwrap_or(Timestamp::MIN);
                let lacks = reading.lacking.iter().filter(|lack| lack.why != ReadTrouble::Unfinished);
                let lacks = lacks.map(|lack| (id, Failed { at, why: named(lack) }));
                failed.entry((&component.environment, place)).or_default().extend(lacks);
                let found = of_fact(reading);
                all.extend(found.into_iter().map(|(severity, code, at, says)| Trouble {
                    severity,
                    code,
                    environment: component.environment.clone(),
                    component: Some(id.clone()),
                    scope: None,
                    at,
                    says: Text::new(&says),
                }));
            }
            Subject::Environment(name) => {
                let found = of_identity(reading, now);
                all.extend(found.map(|says| Trouble {
                    severity: Severity::Alarm,
                    code: TroubleCode::CredentialsExpiring,
                    environment: name.clone(),
                    component: None,
                    scope: None,
                    at: None,
                    says: Text::new(&says),
                }));
            }
            Subject::Backend(name, place) => {
                let Some(backend) = estate.backend(name) else { continue };
                of_backends.extend(
                    of_backend(backend, place, key.capability, reading).into_iter().map(|said| (place, said)),
                );
            }
            // Read because somebody looks at it: what is wrong with it stands beside it.
            Subject::State(..) => {}
            Subject::Key(place) => {
                let state = reading.held.as_ref().map(|held| &held.fact);
                let says = match state {
                    Some(Fact::Key(crate::domain::condition::KeyState::Enabled)) | None => continue,
                    Some(Fact::Key(state)) => {
                        format!("key {} in {} is {}", place.key.short(), place.region, key_words(state))
                    }
                    Some(_) => continue,
                };
                // A key that is absent in a Region matters through the points that need it there.
                for component in users_of_key(estate, readings, &place.key, &place.region) {
                    all.push(Trouble {
                        severity: Severity::Warning,
                        code: TroubleCode::KeyUnusable,
                        environment: component.1.clone(),
                        component: Some(component.0.clone()),
                        scope: None,
                        at: None,
                        says: Text::new(&says),
                    });
                }
            }
        }
    }
    let silent = of_failed(&failed, &answered);
    // That a whole Region is silent is said once.
    let is_said = |place: &Place, said: &Trouble| {
        let region = format!("{} does not answer", place.region);
        silent.iter().any(|other| {
            other.code == TroubleCode::RegionUnreachable
                && other.environment == said.environment
                && other.says.as_str() == region
        })
    };
    all.extend(of_backends.into_iter().filter(|(place, said)| !is_said(place, said)).map(|(_, said)| said));
    all.extend(silent);
    all.extend(terraform::troubles(estate, readings, now));
    all
}

fn key_words(state: &crate::domain::condition::KeyState) -> &'static str {
    use crate::domain::condition::KeyState;
    match state {
        KeyState::Enabled => "enabled",
        KeyState::Disabled => "disabled",
        KeyState::PendingDeletion(_) => "about to be deleted",
        KeyState::Absent => "absent",
    }
}

fn users_of_key<'a>(
    estate: &'a Estate,
    readings: &Readings,
    key: &crate::domain::ids::KeyId,
    region: &crate::domain::ids::Region,
) -> Vec<(&'a ComponentId, &'a EnvironmentName)> {
    let uses = |component: &&crate::domain::estate::Component| {
        component.sources.iter().filter(|place| place.region == *region).any(|place| {
            let reading = readings.of(&component.id, place, Capability::Points);
            let fact = reading.and_then(|reading| reading.held.as_ref()).map(|held| &held.fact);
            matches!(fact, Some(Fact::Points(points)) if points.iter().any(|point| point.key.as_ref() == Some(key)))
        })
    };
    estate.components.iter().filter(uses).map(|component| (&component.id, &component.environment)).collect()
}

type Said = (Severity, TroubleCode, Option<Timestamp>, String);

fn of_fact(reading: &Reading) -> Vec<Said> {
    let Some(held) = reading.held.as_ref() else { return Vec::new() };
    match &held.fact {
        Fact::Condition(condition) => {
            let mut said = Vec::new();
            let status = &condition.status;
            match condition.health {
                Health::Healthy => {}
                Health::Gone => {
                    said.push((
                        Severity::Alarm,
                        TroubleCode::ComponentGone,
                        None,
                        format!("it is gone: {status}"),
                    ));
                }
                Health::Down => {
                    said.push((
                        Severity::Alarm,
                        TroubleCode::ComponentUnwell,
                        None,
                        format!("it is down: {status}"),
                    ));
                }
                Health::Impaired => {
                    let says = format!("it is impaired: {status}");
                    said.push((Severity::Warning, TroubleCode::ComponentUnwell, None, says));
                }
            }
            said.extend(condition.incidents.iter().map(|incident| {
                let (severity, code) = match incident.code.as_str() {
                    "objects-deleted" => (Severity::Alarm, TroubleCode::ObjectsDeleted),
                    "note-deletes-replicate" => (Severity::Warning, TroubleCode::DeletesAreReplicated),
                    "few-objects-deleted" => (Severity::Warning, TroubleCode::ObjectsDeleted),
                    // What is set up wrong or has happened without loss yet; the rest is an alarm.
                    code if code.starts_with("warn-") => (Severity::Warning, TroubleCode::Incident),
                    code if code.starts_with("note-") => (Severity::Note, TroubleCode::Incident),
                    _ => (Severity::Alarm, TroubleCode::Incident),
                };
                (severity, code, Some(incident.at), incident.says.to_string())
            }));
            said
        }
        _ => Vec::new(),
    }
}

/// Says why what a backend holds could not be read.
fn of_backend(backend: &Backend, place: &Place, capability: Capability, reading: &Reading) -> Vec<Trouble> {
    let lacks = reading.lacking.iter().filter(|lack| lack.why != ReadTrouble::Unfinished).map(named);
    let whys = reading.failed.iter().map(|failed| failed.why.clone()).chain(lacks);
    let mut all: Vec<Trouble> = Vec::new();
    for why in whys.filter(|why| *why != ReadTrouble::CredentialsExpired) {
        let code = match why {
            ReadTrouble::Denied { .. } => TroubleCode::ReadDenied,
            ReadTrouble::Throttled => TroubleCode::ReadThrottled,
            _ => TroubleCode::ReadFailed,
        };
        let what = capability.words();
        let says = format!("{what} of the backend {} in {}: {why}", backend.name, place.region);
        all.push(Trouble {
            severity: Severity::Warning,
            code,
            environment: backend.environment.clone(),
            component: None,
            scope: None,
            at: None,
            says: Text::new(&says),
        });
    }
    all
}

fn of_identity(reading: &Reading, now: Timestamp) -> Option<String> {
    if let Some(failed) = &reading.failed
        && failed.why == ReadTrouble::CredentialsExpired
    {
        return Some("the credentials have expired; log in again".to_owned());
    }
    let Fact::Identity(identity) = &reading.held.as_ref()?.fact else { return None };
    let left = elapsed(now, identity.expires_at?);
    (left <= CREDENTIALS_WARN).then(|| {
        if left.is_zero() {
            format!("the credentials of {} have expired; log in again", identity.who)
        } else {
            format!("the credentials of {} end in {}", identity.who, age_words(left))
        }
    })
}

/// Says of what is missing also what it is: the reading's own source was read.
fn named(lack: &Lack) -> ReadTrouble {
    match &lack.why {
        ReadTrouble::Other(says) => ReadTrouble::Other(Text::new(&format!("{}: {says}", lack.source))),
        why => why.clone(),
    }
}

type Failures<'a> = BTreeMap<(&'a EnvironmentName, &'a Place), Vec<(&'a ComponentId, Failed)>>;

/// Says each failure once: a Region that answers nothing is one trouble, not one for each component in it.
fn of_failed(failed: &Failures<'_>, answered: &BTreeMap<&Place, Timestamp>) -> Vec<Trouble> {
    let mut all = Vec::new();
    for ((environment, place), failures) in failed {
        let alike = |why: &ReadTrouble| failures.iter().filter(|(_, other)| other.why == *why).count();
        let silent = |failed: &&(&ComponentId, Failed)| {
            matches!(failed.1.why, ReadTrouble::Unreachable | ReadTrouble::TimedOut)
        };
        // Several reads found nobody, and none has been answered since the first of them. What lies outside has no more
        // in common than that.
        let first = failures.iter().filter(silent).map(|(_, failed)| failed.at).min();
        let gone = place.region.as_str() != OUTSIDE
            && failures.iter().filter(silent).count() > 1
            && first.is_some_and(|first| answered.get(place).is_none_or(|answered| *answered < first));
        let mut seen: BTreeSet<(Option<&ComponentId>, String)> = BTreeSet::new();
        for (id, failure) in failures {
            let why = &failure.why;
            let (code, severity, shared) = match why {
                ReadTrouble::Denied { .. } => (TroubleCode::ReadDenied, Severity::Warning, false),
                ReadTrouble::Throttled => (TroubleCode::ReadThrottled, Severity::Alarm, true),
                ReadTrouble::Unreachable | ReadTrouble::TimedOut if gone => {
                    (TroubleCode::RegionUnreachable, Severity::Alarm, true)
                }
                // Said once, of the identity; and what is being read is no trouble.
                ReadTrouble::CredentialsExpired | ReadTrouble::Unfinished => continue,
                ReadTrouble::Unreachable | ReadTrouble::TimedOut | ReadTrouble::Other(_) => {
                    (TroubleCode::ReadFailed, Severity::Warning, false)
                }
            };
            let says = match code {
                TroubleCode::RegionUnreachable => format!("{} does not answer", place.region),
                TroubleCode::ReadThrottled => {
                    let count = alike(why);
                    let reads = if count == 1 { "1 read".to_owned() } else { format!("{count} reads") };
                    format!("{} asks us to slow down: {reads} did not come through", place.region)
                }
                TroubleCode::ReadFailed => format!("{}: {why}", place.region),
                _ => why.to_string(),
            };
            let component = (!shared).then_some(*id);
            if seen.insert((component, says.clone())) {
                all.push(Trouble {
                    severity,
                    code,
                    environment: (*environment).clone(),
                    component: component.cloned(),
                    scope: None,
                    at: first.filter(|_| code == TroubleCode::RegionUnreachable),
                    says: Text::new(&says),
                });
            }
        }
    }
    all
}
