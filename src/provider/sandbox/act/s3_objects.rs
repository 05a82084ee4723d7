//! The objects of a bucket: a small set that follows from the seed, and what acts made of it.

use super::super::chance::Chance;
use super::super::deeds::ObjectVersion;
use super::super::world::{Happening, Resource, World};
use crate::domain::duration::before;
use crate::domain::ids::ComponentId;
use crate::domain::kind::Kind;
use crate::domain::parts::LARGEST_COPY;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// The prefix under which `objects-deleted` deletes.
pub(in super::super) const DELETED_PREFIX: &str = "invoices/2026/";
/// The prefix of many keys in every bucket.
const SCANS: &str = "scans/2026/";
/// How many there are.
const SCANNED: u64 = 10_000;

/// What a key is besides an ordinary object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Peculiar {
    /// Nothing.
    No,
    /// Its newest version lies in an archive.
    Archived,
    /// It is larger than one copy can be.
    Huge,
}

/// The keys of every bucket, and how many versions each has.
const KEYS: [(&str, u64, Peculiar); 16] = [
    ("README.txt", 1, Peculiar::No),
    ("exports/2026-10-31 final (1).csv", 2, Peculiar::No),
    ("exports/old.csv", 2, Peculiar::No),
    ("images/a+b=c&d.png", 2, Peculiar::No),
    ("images/größe ü.jpg", 3, Peculiar::No),
    ("images/日本語/写真.jpg", 1, Peculiar::No),
    ("invoices/2025/12/0001.pdf", 1, Peculiar::No),
    ("invoices/2026/01/0001.pdf", 3, Peculiar::No),
    ("invoices/2026/01/0002 copy.pdf", 2, Peculiar::No),
    ("invoices/2026/02/0003+4.pdf", 1, Peculiar::No),
    ("invoices/2026/02/Müller & Söhne.pdf", 2, Peculiar::No),
    ("invoices/2026/03/100%25 'quoted' \"#?;.pdf", 1, Peculiar::No),
    ("invoices/2026/03/~tilde/./dots/..pdf", 2, Peculiar::No),
    ("masters/launch film.mov", 2, Peculiar::Huge),
    ("archive/2019/ledger.tar", 1, Peculiar::Archived),
    ("trailing space ", 2, Peculiar::No),
];

/// Returns a bucket by its name.
pub(super) fn bucket<'a>(world: &'a World, name: &str) -> Option<(&'a ComponentId, &'a Resource)> {
    world.resources.iter().find(|(_, found)| found.kind == Kind::S3Bucket && found.name.as_str() == name)
}

/// Returns the versions of a key, the newest first; none where there never was such a key.
pub(super) fn versions(world: &World, bucket_name: &str, key: &str, now: Timestamp) -> Vec<ObjectVersion> {
    if let Some(versions) = world.deeds.object(bucket_name, key) {
        return versions.to_vec();
    }
    let Some((id, resource)) = bucket(world, bucket_name) else { return Vec::new() };
    if let Some(nth) = scan(key) {
        return scanned(world, (id, resource), nth, now);
    }
    KEYS.iter().find(|(known, _, _)| *known == key).map_or_else(Vec::new, |(key, count, peculiar)| {
        own(world, (id, resource), key, *count, *peculiar, now)
    })
}

/// Returns the keys under a prefix for which `wanted` says so, sorted; those that were deleted by a marker, too.
pub(super) fn keys_under(
    world: &World,
    bucket_name: &str,
    prefix: &str,
    now: Timestamp,
    wanted: &dyn Fn(&str) -> bool,
) -> BTreeSet<String> {
    let fits = |key: &&str| key.starts_with(prefix) && wanted(key);
    let mut keys: BTreeSet<String> =
        KEYS.iter().map(|(key, _, _)| *key).filter(fits).map(str::to_owned).collect();
    keys.extend(world.deeds.keys(bucket_name).filter(fits).map(str::to_owned));
    let Some(of_bucket) = bucket(world, bucket_name) else { return keys };
    if prefix.starts_with(SCANS) || SCANS.starts_with(prefix) {
        let scans = (0..SCANNED).map(|nth| format!("{SCANS}{nth:05}.tif"));
        let scans = scans.filter(|key| fits(&key.as_str()));
        let there = |key: &String| {
            scan(key).is_some_and(|nth| nth % 10 != 9 || !scanned(world, of_bucket, nth, now).is_empty())
        };
        keys.extend(scans.filter(there));
    }
    keys
}

/// Returns which of many keys it is.
fn scan(key: &str) -> Option<u64> {
    let digits = key.strip_prefix(SCANS)?.strip_suffix(".tif")?;
    let nth: u64 = digits.parse().ok()?;
    (digits.len() == 5 && nth < SCANNED).then_some(nth)
}

/// Returns the versions of one of many keys. When somebody deletes objects, of ten of them six are deleted, two are
/// overwritten, one stays, and one is made.
fn scanned(
    world: &World,
    (id, resource): (&ComponentId, &Resource),
    nth: u64,
    now: Timestamp,
) -> Vec<ObjectVersion> {
    let mut chance = Chance::new(world.seed, &format!("scan {}/{nth}", resource.name));
    let mut version = |at| ObjectVersion {
        id: chance.hex(32),
        etag: Some(format!("\"{}\"", chance.hex(32))),
        size: chance.between(20_000, 400_000),
        at,
        class: "STANDARD".to_owned(),
        carried: Map::new(),
    };
    let first = version(before(world.began, Duration::from_secs(86_400 + nth)));
    let second = version(now);
    let deleted = world.since(now, |what| matches!(what, Happening::ObjectsDeleted(bucket) if bucket == id));
    match (deleted, nth % 10) {
        (Some(at), 0..6) => vec![marker(&second.id, at), first],
        (Some(at), 6 | 7) => vec![ObjectVersion { at, ..second }, first],
        (Some(at), 9) => vec![ObjectVersion { at, ..second }],
        (None, 9) => Vec::new(),
        _ => vec![first],
    }
}

fn own(
    world: &World,
    (id, resource): (&ComponentId, &Resource),
    key: &str,
    count: u64,
    peculiar: Peculiar,
    now: Timestamp,
) -> Vec<ObjectVersion> {
    let mut chance = Chance::new(world.seed, &format!("object {}/{key}", resource.name));
    let mut at = before(world.began, Duration::from_secs(chance.between(86_400, 40 * 86_400)));
    let mut versions = Vec::new();
    for _ in 0..count {
        let size =
            if peculiar == Peculiar::Huge { LARGEST_COPY + (1 << 30) } else { chance.between(200, 900_000) };
        versions.push(ObjectVersion {
            id: chance.hex(32),
            etag: Some(format!("\"{}\"", chance.hex(32))),
            size,
            at,
            class: if peculiar == Peculiar::Archived { "GLACIER" } else { "STANDARD" }.to_owned(),
            carried: if peculiar == Peculiar::Huge { film() } else { Map::new() },
        });
        at = before(at, Duration::from_secs(chance.between(86_400, 30 * 86_400)));
    }
    // What somebody deleted before the world began: one key of those under the prefix.
    let earlier = resource.deleted.as_ref().filter(|(_, _, prefix)| last_under(prefix.as_str()) == Some(key));
    if let Some((at, _, _)) = earlier {
        versions.retain(|version| version.at < *at);
        versions.insert(0, marker(&chance.hex(32), *at));
    }
    let deleted = world.since(now, |what| matches!(what, Happening::ObjectsDeleted(bucket) if bucket == id));
    if let Some(at) = deleted.filter(|_| key.starts_with(DELETED_PREFIX)) {
        versions.insert(0, marker(&chance.hex(32), at));
    }
    versions
}

/// Returns what is said of the large object, and what a copy has to carry over.
fn film() -> Map<String, Value> {
    let about = json!({"ContentType": "video/quicktime", "Metadata": {"director": "nobody"},
        "TagSet": [{"Key": "kept for", "Value": "ever + a day"}]});
    super::members(about)
}

/// Returns a delete marker (S1).
pub(super) fn marker(id: &str, at: Timestamp) -> ObjectVersion {
    ObjectVersion { id: id.to_owned(), etag: None, size: 0, at, class: String::new(), carried: Map::new() }
}

/// Returns the last key under a prefix, by its name.
fn last_under(prefix: &str) -> Option<&'static str> {
    KEYS.iter().map(|(key, _, _)| *key).filter(|key| key.starts_with(prefix)).max()
}

/// Returns how many of the keys under a prefix are deleted; `None` while no act has touched the bucket.
pub(in super::super) fn left_deleted(
    world: &World,
    bucket: &str,
    prefix: &str,
    now: Timestamp,
) -> Option<usize> {
    let is_deleted =
        |key: &str| versions(world, bucket, key, now).first().is_some_and(ObjectVersion::is_marker);
    let keys = KEYS.iter().filter(|(key, _, _)| key.starts_with(prefix) && is_deleted(key));
    world.deeds.touched(bucket).then(|| keys.count())
}
