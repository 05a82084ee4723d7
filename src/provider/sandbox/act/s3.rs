//! S3: versions and delete markers, copies of old versions, and markers taken away (S1 to S4).

use super::super::deeds::{Change, ObjectVersion};
use super::super::world::Resource;
use super::s3_objects::{bucket, keys_under, marker, versions as versions_of};
use super::{Asked, Deal, Done, Told, refused, when};
use crate::domain::parts::LARGEST_COPY;
use crate::provider::port::CallTrouble;
use serde_json::{Value, json};

/// The storage classes that have to be retrieved first.
const COLD: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

/// How many versions and markers stand on a page.
const PAGE: usize = 1_000;

/// Returns the bucket that is asked for, in its Region and by who may.
pub(super) fn known<'a>(asked: &Asked<'a>, name: &str) -> Result<&'a Resource, CallTrouble> {
    let (_, found) = bucket(asked.world, name)
        .ok_or_else(|| refused("NoSuchBucket", 404, "The specified bucket does not exist"))?;
    let place = &asked.call.place;
    if found.home.account != place.account {
        return Err(refused("AccessDenied", 403, "Access Denied"));
    }
    if found.home.region != place.region {
        let says = format!("the bucket must be addressed in {}", found.home.region);
        return Err(refused("PermanentRedirect", 301, &says));
    }
    if let Some(owner) = asked.text("ExpectedBucketOwner").filter(|owner| *owner != place.account.as_str()) {
        let says = format!("the bucket belongs to {}, not to {owner}", place.account);
        return Err(refused("AccessDenied", 403, &says));
    }
    Ok(found)
}

/// Returns a key as it was given: it may be anything but empty.
pub(super) fn key<'a>(asked: &Asked<'a>) -> Result<&'a str, CallTrouble> {
    let key = asked.call.text("Key").filter(|key| !key.is_empty());
    key.ok_or_else(|| refused("InvalidArgument", 400, "the key is empty"))
}

pub(super) fn versions(asked: &Asked<'_>) -> Told {
    let name = asked.required("Bucket")?;
    known(asked, name)?;
    if let Some(prefix) = asked.call.text("Prefix") {
        return page(asked, name, prefix);
    }
    let key = key(asked)?;
    let all = versions_of(asked.world, name, key, asked.now);
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    for (nth, version) in all.iter().enumerate() {
        tell(key, version, nth == 0, &mut versions, &mut markers);
    }
    Ok(json!({"Versions": versions, "DeleteMarkers": markers}))
}

/// Lists one page of the versions under a prefix: by key, of each key the newest first.
#[expect(clippy::unnecessary_wraps, reason = "its neighbours can refuse, and it is called as they are")]
fn page(asked: &Asked<'_>, bucket: &str, prefix: &str) -> Told {
    let (after, after_version) = (asked.text("KeyMarker"), asked.text("VersionIdMarker"));
    // With a version the key itself goes on behind that.
    let keys = keys_under(asked.world, bucket, prefix, asked.now, &|key| match (after, after_version) {
        (Some(after), Some(_)) => key >= after,
        (Some(after), None) => key > after,
        (None, _) => true,
    });
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    let mut last = None;
    for key in keys {
        let all = versions_of(asked.world, bucket, &key, asked.now);
        let begun = after_version.filter(|_| after == Some(&*key));
        let from = begun.and_then(|id| all.iter().position(|known| known.id == id)).map_or(0, |at| at + 1);
        for (nth, version) in all.iter().enumerate().skip(from) {
            if versions.len() + markers.len() == PAGE {
                let (key, id): (String, String) = last.unwrap_or_default();
                return Ok(json!({"Versions": versions, "DeleteMarkers": markers, "NextKeyMarker": key,
                    "NextVersionIdMarker": id}));
            }
            tell(&key, version, nth == 0, &mut versions, &mut markers);
            last = Some((key.clone(), version.id.clone()));
        }
    }
    Ok(json!({"Versions": versions, "DeleteMarkers": markers}))
}

fn tell(
    key: &str,
    version: &ObjectVersion,
    is_latest: bool,
    versions: &mut Vec<Value>,
    markers: &mut Vec<Value>,
) {
    let mut told = json!({"Key": key, "VersionId": version.id, "IsLatest": is_latest,
        "LastModified": when(version.at)});
    if let (Some(etag), Some(members)) = (&version.etag, told.as_object_mut()) {
        members.insert("ETag".to_owned(), json!(etag));
        members.insert("Size".to_owned(), json!(version.size));
        members.insert("StorageClass".to_owned(), json!(version.class));
        versions.push(told);
    } else {
        markers.push(told);
    }
}

pub(super) fn head(asked: &Asked<'_>) -> Told {
    let name = asked.required("Bucket")?;
    known(asked, name)?;
    let all = versions_of(asked.world, name, key(asked)?, asked.now);
    let version = match asked.text("VersionId") {
        Some(id) => all.iter().find(|version| version.id == id),
        None => all.first(),
    };
    let nothing = || refused("NotFound", 404, "Not Found");
    let version = version.ok_or_else(nothing)?;
    let Some(etag) = &version.etag else {
        // A marker is not found; asked for by its id, nothing can be done with it (S1).
        return Err(match asked.text("VersionId") {
            Some(_) => refused("MethodNotAllowed", 405, "it is a delete marker"),
            None => nothing(),
        });
    };
    let mut told = json!({"ETag": etag, "VersionId": version.id, "ContentLength": version.size,
        "LastModified": when(version.at), "StorageClass": version.class, "ServerSideEncryption": "AES256",
        "ContentType": "binary/octet-stream"});
    if let Some(told) = told.as_object_mut() {
        let carried = version.carried.iter().filter(|(name, _)| *name != "TagSet");
        told.extend(carried.map(|(name, value)| (name.clone(), value.clone())));
    }
    Ok(told)
}

fn failed(name: &str) -> CallTrouble {
    let says = format!("At least one of the pre-conditions you specified did not hold: {name}");
    refused("PreconditionFailed", 412, &says)
}

fn same(etag: &str, wanted: &str) -> bool {
    wanted == "*" || etag.trim_matches('"') == wanted.trim_matches('"')
}

/// Judges `IfMatch` against what is there (S4).
fn matches(latest: Option<&ObjectVersion>, wanted: Option<&str>) -> Result<(), CallTrouble> {
    let Some(wanted) = wanted else { return Ok(()) };
    match latest.and_then(|latest| latest.etag.as_deref()) {
        Some(etag) if same(etag, wanted) => Ok(()),
        Some(_) => Err(failed("If-Match")),
        None => Err(refused("NoSuchKey", 404, "The specified key does not exist.")),
    }
}

/// Returns the version that is copied (S3).
pub(super) fn source(asked: &Asked<'_>) -> Result<ObjectVersion, CallTrouble> {
    let (world, now) = (asked.world, asked.now);
    let source = asked.value("CopySource");
    let of = |name: &str| source.and_then(|source| source.get(name)).and_then(Value::as_str);
    let (Some(from), Some(from_key)) = (of("Bucket"), of("Key")) else {
        return Err(refused("InvalidArgument", 400, "CopySource names no bucket and key"));
    };
    if bucket(world, from).is_none() {
        return Err(refused("NoSuchBucket", 404, "The specified bucket does not exist"));
    }
    let sources = versions_of(world, from, from_key, now);
    let version = match of("VersionId") {
        Some(id) => sources
            .iter()
            .find(|version| version.id == id)
            .ok_or_else(|| refused("NoSuchVersion", 404, "The specified version does not exist."))?,
        None => sources
            .first()
            .filter(|latest| !latest.is_marker())
            .ok_or_else(|| refused("NoSuchKey", 404, "The specified key does not exist."))?,
    };
    let Some(etag) = version.etag.as_deref() else {
        let says =
            "The source of a copy request may not specifically refer to a delete marker by version id.";
        return Err(refused("InvalidRequest", 400, says));
    };
    if asked.text("CopySourceIfMatch").is_some_and(|wanted| !same(etag, wanted)) {
        return Err(failed("x-amz-copy-source-If-Match"));
    }
    if COLD.contains(&version.class.as_str()) {
        let says = "The source object of the COPY action is not in the active tier";
        return Err(refused("ObjectNotInActiveTierError", 403, says));
    }
    Ok(version.clone())
}

/// Judges the conditions on what is there (S4).
pub(super) fn conditions(asked: &Asked<'_>, versions: &[ObjectVersion]) -> Result<(), CallTrouble> {
    if asked.text("IfNoneMatch") == Some("*") && versions.first().is_some_and(|latest| !latest.is_marker()) {
        return Err(failed("If-None-Match"));
    }
    matches(versions.first(), asked.text("IfMatch"))
}

pub(super) fn copy(asked: &Asked<'_>) -> Done {
    let name = asked.required("Bucket")?;
    known(asked, name)?;
    let key = key(asked)?;
    let version = source(asked)?;
    if version.size > LARGEST_COPY {
        let says =
            format!("The specified copy source is larger than the maximum allowable size: {LARGEST_COPY}");
        return Err(refused("InvalidRequest", 400, &says));
    }
    let mut versions = versions_of(asked.world, name, key, asked.now);
    conditions(asked, &versions)?;
    let made = ObjectVersion {
        id: asked.chance().hex(32),
        at: asked.now,
        class: "STANDARD".to_owned(),
        ..version.clone()
    };
    let body = json!({"VersionId": made.id, "CopySourceVersionId": version.id, "ETag": made.etag});
    versions.insert(0, made);
    Ok(changed(name, key, versions, body))
}

pub(super) fn delete(asked: &Asked<'_>) -> Done {
    let (world, now) = (asked.world, asked.now);
    let name = asked.required("Bucket")?;
    known(asked, name)?;
    let key = key(asked)?;
    let mut versions = versions_of(world, name, key, now);
    let Some(id) = asked.text("VersionId") else {
        matches(versions.first(), asked.text("IfMatch"))?;
        let made = marker(&asked.chance().hex(32), now);
        let body = json!({"DeleteMarker": true, "VersionId": made.id});
        versions.insert(0, made);
        return Ok(changed(name, key, versions, body));
    };
    let Some(nth) = versions.iter().position(|version| version.id == id) else {
        // Taking away what is not there is no error.
        let body = json!({"DeleteMarker": false, "VersionId": id});
        return Ok(Deal { body, target: format!("{name}/{key}"), changes: Vec::new() });
    };
    matches(versions.get(nth), asked.text("IfMatch"))?;
    let gone = versions.remove(nth);
    let body = json!({"DeleteMarker": gone.is_marker(), "VersionId": id});
    Ok(changed(name, key, versions, body))
}

pub(super) fn changed(bucket: &str, key: &str, versions: Vec<ObjectVersion>, body: Value) -> Deal {
    let change = Change::Object { bucket: bucket.to_owned(), key: key.to_owned(), versions };
    Deal { body, target: format!("{bucket}/{key}"), changes: vec![change] }
}
