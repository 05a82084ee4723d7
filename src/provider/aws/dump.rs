//! Dumps in S3: what lies under a prefix, and whether its bytes are those that its checksums tell.

use super::fault::Fault;
use super::objects::{self, Entry};
use super::operation::LIST_OBJECTS_V2;
use super::reader::{Gathered, Reader};
use crate::domain::Text;
use crate::domain::dump::{Dump, Expected, Part, dumps, parse_checksums};
use crate::domain::estate::{Component, Selector};
use crate::domain::recovery_point::{Holds, PointKind, RecoveryPoint, Verification};
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How many bytes are read at one look to verify dumps; what is left is verified at the next ones.
const AT_ONCE: u64 = 256 << 20;
/// How many of the newest dumps are verified.
const NEWEST: usize = 100;
/// How many verified dumps are remembered.
const REMEMBERED: usize = 20_000;

/// What was found of dumps that were read, by bucket, key and tag of each part and of its checksums: bytes do not change
/// under the same tag.
#[derive(Debug, Default)]
pub(super) struct Verified(Mutex<BTreeMap<String, Found>>);

/// When a dump was read, whether it was whole, and what it hashes to.
type Found = (Timestamp, bool, Option<Text>);

impl Verified {
    fn get(&self, name: &str) -> Option<Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    fn put(&self, name: String, found: Found) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(name, found);
    }
}

/// Returns the prefixes, as `(bucket, prefix)`, under which the dumps of a component lie at a place.
fn prefixes(component: &Component, reader: &Reader<'_>) -> Vec<(String, String)> {
    let split = |at: &str| {
        let path = at.strip_prefix("s3://")?;
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
        Some((bucket.to_owned(), format!("{prefix}{slash}")))
    };
    let place = &reader.site.place;
    let own = match &component.selector {
        Some(Selector::Id(id)) if *place == component.home => split(id.as_str()),
        _ => None,
    };
    let declared = component.declared.iter().filter(|(at, _)| at == place);
    own.into_iter().chain(declared.filter_map(|(_, at)| split(at.as_str()))).collect()
}

/// Reads the dumps of a component at the reader's place.
pub(super) async fn points(reader: &Reader<'_>, component: &Component, verified: &Verified) -> Gathered {
    let mut gathered = Gathered::default();
    for (bucket, prefix) in prefixes(component, reader) {
        let read = under(reader, &bucket, &prefix, verified).await;
        let (points, fault) = match read {
            Ok((points, fault)) => (Ok(points), fault),
            // What does not exist holds nothing; that a place is missing, its condition says.
            Err(fault) if fault.is("NoSuchBucket") => (Ok(Vec::new()), None),
            Err(fault) => (Err(fault), None),
        };
        gathered.add(&LIST_OBJECTS_V2.source(), points);
        gathered.lack(fault);
    }
    gathered
}

async fn under(
    reader: &Reader<'_>,
    bucket: &str,
    prefix: &str,
    verified: &Verified,
) -> Result<(Vec<RecoveryPoint>, Option<Fault>), Fault> {
    let mut entries: Vec<Entry> = Vec::new();
    objects::current(reader, bucket, prefix, |page| entries.extend(page)).await?;
    let tags: BTreeMap<&str, &str> =
        entries.iter().map(|entry| (entry.key.as_str(), entry.etag.as_str())).collect();
    let parts: Vec<Part> = entries
        .iter()
        .filter_map(|entry| {
            let name = entry.key.strip_prefix(prefix).filter(|name| !name.is_empty())?;
            let mut part = Part::new(name, entry.size_bytes, entry.at);
            part.storage_class = entry.class.as_deref().map(Text::new);
            Some(part)
        })
        .collect();
    let mut found: Vec<Dump<'_>> = dumps(&parts).into_iter().filter(|dump| !dump.is_unfinished()).collect();
    found.sort_by_key(|dump| std::cmp::Reverse(dump.until()));
    let (mut points, mut fault, mut left) = (Vec::with_capacity(found.len()), None, AT_ONCE);
    for (nth, dump) in found.iter().enumerate() {
        let Some(until) = dump.until() else { continue };
        let place = reader.site.place.clone();
        let mut point = RecoveryPoint::new(&dump.id, PointKind::Dump, place, Holds::Until(until));
        point.size_bytes = Some(dump.size_bytes());
        point.retrieval = dump.retrieval();
        let name = known_as(bucket, prefix, dump, &tags);
        let now = SystemClock.now();
        let told = if dump.is_hollow() {
            Some((now, false, None))
        } else if let Some(known) = verified.get(&name) {
            Some(known)
        } else if nth >= NEWEST
            || dump.retrieval().is_some()
            || dump.size_bytes() > left
            || dump.parts.iter().any(|part| part.size_bytes > objects::LARGEST)
            || fault.is_some()
        {
            None
        } else {
            match verify(reader, bucket, prefix, dump).await {
                Ok(Some((whole, digest))) => {
                    left -= dump.size_bytes().min(left);
                    verified.put(name, (now, whole, digest.clone()));
                    Some((now, whole, digest))
                }
                Ok(None) => None,
                Err(why) => {
                    fault = Some(why);
                    None
                }
            }
        };
        if let Some((at, whole, digest)) = told {
            point.verified = Some(Verification { at, whole });
            point.digest = digest;
        }
        points.push(point);
    }
    Ok((points, fault))
}

/// Returns a name under which what was found of a dump is remembered: another byte anywhere gives another name.
fn known_as(bucket: &str, prefix: &str, dump: &Dump<'_>, tags: &BTreeMap<&str, &str>) -> String {
    let mut name = format!("{bucket}/{prefix}{}", dump.id);
    for part in dump.parts.iter().chain(&dump.checksums) {
        let key = format!("{prefix}{}", part.name);
        name.push_str(&format!(" {}={}", part.name, tags.get(key.as_str()).copied().unwrap_or_default()));
    }
    name
}

/// Reads the bytes of a dump and compares them with what its checksums tell; `None` where nothing tells.
async fn verify(
    reader: &Reader<'_>,
    bucket: &str,
    prefix: &str,
    dump: &Dump<'_>,
) -> Result<Option<(bool, Option<Text>)>, Fault> {
    let mut lists = BTreeMap::new();
    for file in &dump.checksums {
        let body = objects::bytes(reader, bucket, &format!("{prefix}{}", file.name), None).await?;
        // One that cannot be understood tells nothing.
        if let Ok(list) = parse_checksums(&String::from_utf8_lossy(&body), &file.name) {
            lists.insert(file.name.clone(), list);
        }
    }
    let each = match dump.expected(&lists) {
        Expected::Nothing => return Ok(None),
        Expected::Missing(_) | Expected::Contradiction(_) => return Ok(Some((false, None))),
        Expected::Each(each) => each,
    };
    for (part, checksum) in &each {
        let body = objects::bytes(reader, bucket, &format!("{prefix}{}", part.name), None).await?;
        if !checksum.fits(&body) {
            return Ok(Some((false, None)));
        }
    }
    Ok(Some((true, crate::domain::dump::digest(&each).map(|digest| Text::new(&digest)))))
}
