//! S3: uploads in parts. Nothing of one shows until it is completed, and what it is completed with has to be what is there.

use super::super::chance::Chance;
use super::super::deeds::{Change, ObjectVersion, Sort, Thing};
use super::s3::{changed, conditions, key, known, source};
use super::s3_objects::versions as versions_of;
use super::{Asked, Deal, Done, Told, members, refused};
use crate::domain::parts::{LARGEST_COPY, etag};
use crate::provider::port::CallTrouble;
use serde_json::{Map, Value, json};

/// The least that any part but the last has.
const SMALLEST_PART: u64 = 5 << 20;
/// The numbers of parts.
const NUMBERS: std::ops::RangeInclusive<u64> = 1..=10_000;
/// What an upload is begun with that its object will have.
const CARRIED: [&str; 7] = [
    "ContentType",
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "Expires",
    "Metadata",
];

pub(super) fn tags(asked: &Asked<'_>) -> Told {
    let name = asked.required("Bucket")?;
    known(asked, name)?;
    let all = versions_of(asked.world, name, key(asked)?, asked.now);
    let version = match asked.text("VersionId") {
        Some(id) => all.iter().find(|version| version.id == id),
        None => all.first(),
    };
    let missing = || refused("NoSuchKey", 404, "The specified key does not exist.");
    let version = version.filter(|version| !version.is_marker()).ok_or_else(missing)?;
    Ok(json!({"TagSet": version.carried.get("TagSet").cloned().unwrap_or_else(|| json!([]))}))
}

/// Returns the upload that is asked for.
fn upload(asked: &Asked<'_>) -> Result<Thing, CallTrouble> {
    let name = asked.required("Bucket")?;
    known(asked, name)?;
    let id = asked.required("UploadId")?;
    let found = asked.world.deeds.thing(Sort::Upload, &asked.call.place, id);
    let is_it = |upload: &&Thing| {
        upload.exists(asked.now)
            && upload.text(asked.now, "Bucket") == name
            && Some(upload.text(asked.now, "Key")) == asked.call.text("Key")
    };
    found.filter(is_it).cloned().ok_or_else(|| {
        refused(
            "NoSuchUpload",
            404,
            "The specified upload does not exist. It may have been aborted or completed.",
        )
    })
}

fn there(upload: &Thing, asked: &Asked<'_>) -> Map<String, Value> {
    upload.member(asked.now, "Parts").and_then(Value::as_object).cloned().unwrap_or_default()
}

pub(super) fn list(asked: &Asked<'_>) -> Told {
    let mut all: Vec<Value> = there(&upload(asked)?, asked).into_iter().map(|(_, part)| part).collect();
    all.sort_by_key(|part| part.get("PartNumber").and_then(Value::as_u64));
    Ok(json!({ "Parts": all }))
}

pub(super) fn begin(asked: &Asked<'_>) -> Done {
    let name = asked.required("Bucket")?;
    known(asked, name)?;
    let key = key(asked)?;
    let id = asked.chance().hex(40);
    let mut carried: Map<String, Value> =
        CARRIED.iter().filter_map(|name| Some(((*name).to_owned(), asked.value(name)?.clone()))).collect();
    let tags = asked.text("Tagging").unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let tags: Vec<Value> =
        tags.map(|(key, value)| json!({"Key": plain(key), "Value": plain(value)})).collect();
    if !tags.is_empty() {
        carried.insert("TagSet".to_owned(), Value::from(tags));
    }
    let about = json!({"Bucket": name, "Key": key, "Carried": carried, "Parts": {},
        "StorageClass": asked.text("StorageClass").unwrap_or("STANDARD")});
    let thing = Thing::new(Sort::Upload, &asked.call.place, &id, asked.now, "begun", members(about));
    let body = json!({ "UploadId": id });
    Ok(Deal { body, target: format!("{name}/{key}"), changes: vec![Change::Made(Box::new(thing))] })
}

/// Reads a text of the query of a URL.
fn plain(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut left = text.bytes();
    while let Some(byte) = left.next() {
        let digit = |byte: Option<u8>| char::from(byte.unwrap_or(b'0')).to_digit(16).unwrap_or(0);
        bytes.push(match byte {
            b'%' => u8::try_from(digit(left.next()) * 16 + digit(left.next())).unwrap_or(b'?'),
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn copy(asked: &Asked<'_>) -> Done {
    let mut upload = upload(asked)?;
    let key = key(asked)?;
    let version = source(asked)?;
    let invalid = |says: &str| refused("InvalidArgument", 400, says);
    let number = asked.value("PartNumber").and_then(Value::as_u64).filter(|number| NUMBERS.contains(number));
    let number = number.ok_or_else(|| invalid("Part number must be an integer between 1 and 10000"))?;
    let range = asked.text("CopySourceRange");
    let (first, last) = match range {
        None => (0, version.size.saturating_sub(1)),
        Some(range) => {
            let ends = range.strip_prefix("bytes=").and_then(|ends| ends.split_once('-'));
            let ends = ends.and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
            ends.ok_or_else(|| {
                invalid("The x-amz-copy-source-range value must be of the form bytes=first-last")
            })?
        }
    };
    if first > last || last >= version.size {
        return Err(invalid(&format!(
            "Range specified is not valid for source object of size: {}",
            version.size
        )));
    }
    let size: u64 = last - first + 1;
    if size > LARGEST_COPY {
        let says =
            format!("The specified copy source is larger than the maximum allowable size: {LARGEST_COPY}");
        return Err(refused("InvalidRequest", 400, &says));
    }
    // Of the same bytes the same, as with MD5.
    let name = format!("part {} {first} {last}", version.etag.as_deref().unwrap_or_default());
    let etag = format!("\"{}\"", Chance::new(asked.world.seed, &name).hex(32));
    let mut parts = there(&upload, asked);
    parts.insert(number.to_string(), json!({"PartNumber": number, "ETag": etag, "Size": size}));
    upload.members.insert("Parts".to_owned(), Value::Object(parts));
    let target = format!("{}/{key}#{number}", upload.text(asked.now, "Bucket"));
    let change = Change::Changed(Box::new(upload));
    Ok(Deal { body: json!({ "ETag": etag }), target, changes: vec![change] })
}

pub(super) fn complete(asked: &Asked<'_>) -> Done {
    let mut upload = upload(asked)?;
    let (name, key) = (asked.required("Bucket")?, key(asked)?);
    let given =
        asked.value("MultipartUpload").and_then(|upload| upload.get("Parts")).and_then(Value::as_array);
    let given = given.filter(|all| !all.is_empty());
    let given = given.ok_or_else(|| refused("MalformedXML", 400, "You must specify at least one part"))?;
    let parts = there(&upload, asked);
    let (mut size, mut before, mut tags) = (0, 0, Vec::with_capacity(given.len()));
    for (nth, wanted) in given.iter().enumerate() {
        let number = wanted.get("PartNumber").and_then(Value::as_u64).unwrap_or(0);
        let part = parts.get(&number.to_string()).filter(|part| part.get("ETag") == wanted.get("ETag"));
        let part = part.ok_or_else(|| {
            refused("InvalidPart", 400, "One or more of the specified parts could not be found.")
        })?;
        if number <= before {
            return Err(refused("InvalidPartOrder", 400, "The list of parts was not in ascending order."));
        }
        before = number;
        let own = part.get("Size").and_then(Value::as_u64).unwrap_or(0);
        if own < SMALLEST_PART && nth + 1 < given.len() {
            let says = "Your proposed upload is smaller than the minimum allowed size";
            return Err(refused("EntityTooSmall", 400, says));
        }
        size += own;
        tags.extend(part.get("ETag").and_then(Value::as_str));
    }
    if asked.value("MpuObjectSize").and_then(Value::as_u64).is_some_and(|wanted| wanted != size) {
        return Err(refused(
            "InvalidRequest",
            400,
            "The provided object size does not match that of the parts",
        ));
    }
    let mut versions = versions_of(asked.world, name, key, asked.now);
    conditions(asked, &versions)?;
    let made = ObjectVersion {
        id: asked.chance().hex(32),
        etag: etag(tags.into_iter()),
        size,
        at: asked.now,
        class: upload.text(asked.now, "StorageClass").to_owned(),
        carried: upload.member(asked.now, "Carried").and_then(Value::as_object).cloned().unwrap_or_default(),
    };
    let body = json!({"VersionId": made.id, "ETag": made.etag});
    versions.insert(0, made);
    let mut deal = changed(name, key, versions, body);
    upload.gone_from = Some(asked.now);
    deal.changes.push(Change::Changed(Box::new(upload)));
    Ok(deal)
}

pub(super) fn abort(asked: &Asked<'_>) -> Done {
    let mut upload = upload(asked)?;
    let target = format!("{}/{}", asked.required("Bucket")?, key(asked)?);
    upload.gone_from = Some(asked.now);
    Ok(Deal { body: json!({}), target, changes: vec![Change::Changed(Box::new(upload))] })
}
