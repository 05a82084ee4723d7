//! One key of a prefix that is put back to a moment: where it stands, the requests that bring it back, and those that take
//! that back. None of them deletes a version (S2).

use super::facts::text;
use super::fan_out::Stand;
use super::s3_listing::Entry;
use crate::runbook::call::Call;
use serde_json::{Map, Value, json};

/// The classes whose bytes have to be retrieved first (S3).
pub(super) const COLD: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];
/// The most that one copy copies (S3).
pub(super) use crate::domain::parts::LARGEST_COPY as LARGEST;

fn request(batch: &Call, operation: &str, line: &Value) -> Call {
    Call::new(operation, &batch.environment, &batch.place)
        .maybe("Bucket", batch.text("Bucket"))
        .with("Key", text(line, "key"))
        .maybe("ExpectedBucketOwner", batch.text("ExpectedBucketOwner"))
}

/// Removes a delete marker; `None` for what has no id of its own: the same id may be a version's (S5).
fn unmark(batch: &Call, line: &Value, marker: &str) -> Option<Call> {
    let named = !marker.is_empty() && marker != "null";
    named.then(|| request(batch, "s3:DeleteObject", line).with("VersionId", marker))
}

/// Copies a version of `bucket` onto the key, which has `over` as its newest.
fn copy(batch: &Call, bucket: &str, line: &Value, from: (&str, &str), over: Option<&Entry>) -> Call {
    let source = json!({"Bucket": batch.text(bucket), "Key": text(line, "key"), "VersionId": from.0});
    let call =
        request(batch, "s3:CopyObject", line).with("CopySource", source).with("CopySourceIfMatch", from.1);
    // Under a delete marker there is nothing that a condition could match (S4).
    match over.filter(|over| !over.is_marker) {
        Some(over) => call.with("IfMatch", over.etag.as_str()),
        None => call.with("IfNoneMatch", "*"),
    }
}

fn mark(batch: &Call, line: &Value, over: &Entry) -> Call {
    request(batch, "s3:DeleteObject", line).with("IfMatch", over.etag.as_str())
}

fn version(id: &str) -> Map<String, Value> {
    Map::from_iter([("version".to_owned(), Value::from(id))])
}

fn changed(entries: &[Entry]) -> Stand {
    let is = entries.first().map_or("nothing of it is left".to_owned(), |newest| {
        let what = if newest.is_marker { "delete marker" } else { "version" };
        format!("its newest is now the {what} {}", newest.id)
    });
    Stand::Changed(format!("somebody has changed it since the plan was made: {is}").as_str().into())
}

/// Says where a key stands on its way to what it was.
pub(super) fn forward(batch: &Call, line: &Value, entries: &[Entry]) -> Stand {
    let seen = line.get("newest").cloned().unwrap_or_default();
    let wanted =
        (text(line, "version"), text(line, "etag"), line.get("size").and_then(Value::as_u64).unwrap_or(0));
    let source = if batch.arguments.contains_key("SourceBucket") { "SourceBucket" } else { "Bucket" };
    let Some(newest) = entries.first() else {
        return match text(line, "do") {
            // Another bucket has it, and this one had nothing there.
            "copy" if seen.is_null() => {
                Stand::Missing(vec![copy(batch, source, line, (wanted.0, wanted.1), None)])
            }
            "" => Stand::Out,
            _ => changed(entries),
        };
    };
    let as_seen = newest.id == text(&seen, "version");
    match text(line, "do") {
        "undelete" => {
            if newest.id == wanted.0 {
                return Stand::Is(version(&newest.id));
            }
            let known = line.get("markers").and_then(Value::as_array).cloned().unwrap_or_default();
            let above = entries.iter().take_while(|entry| entry.id != wanted.0);
            let above: Vec<&Entry> = above.collect();
            let is_there = entries.get(above.len()).is_some();
            let ours = above.iter().all(|entry| entry.is_marker && known.iter().any(|id| *id == *entry.id));
            if !is_there || !ours {
                return changed(entries);
            }
            // The newest goes last: until then the key is as it was found.
            let calls: Option<Vec<Call>> =
                above.iter().rev().map(|marker| unmark(batch, line, &marker.id)).collect();
            calls.map_or_else(|| changed(entries), Stand::Missing)
        }
        "copy" if as_seen => {
            Stand::Missing(vec![copy(batch, source, line, (wanted.0, wanted.1), Some(newest))])
        }
        "copy" if newest.is_like(wanted.1, wanted.2) => Stand::Is(version(&newest.id)),
        "remove" if as_seen => Stand::Missing(vec![mark(batch, line, newest)]),
        "remove"
            if newest.is_marker && entries.get(1).is_some_and(|below| below.id == text(&seen, "version")) =>
        {
            Stand::Is(version(&newest.id))
        }
        // What is encrypted by a key of KMS, or was written in parts, has another ETag in each copy (T5).
        "copy"
            if !newest.is_marker
                && newest.size == wanted.2
                && entries.get(1).map_or("", |below| below.id.as_str()) == text(&seen, "version") =>
        {
            let says = "a version of the same size was put onto it after the plan was made: it may be our own copy, whose \
                        answer was lost";
            Stand::Changed(says.into())
        }
        "copy" | "remove" => changed(entries),
        _ => Stand::Out,
    }
}

/// Says where a key stands on its way back to what was found, of which `done` says what was done.
pub(super) fn back(batch: &Call, line: &Value, done: &Value, entries: &[Entry]) -> Stand {
    let seen = line.get("newest").cloned().unwrap_or_default();
    let Some(newest) = entries.first() else { return changed(entries) };
    let (found, found_etag) = (text(&seen, "version"), text(&seen, "etag"));
    let found_size = seen.get("size").and_then(Value::as_u64).unwrap_or(0);
    let own = newest.id == text(done, "version");
    let was_nothing = seen.is_null() || seen.get("marker") == Some(&Value::Bool(true));
    match text(line, "do") {
        "undelete" if newest.is_marker => Stand::Is(version(&newest.id)),
        "undelete" if newest.id == text(line, "version") => Stand::Missing(vec![mark(batch, line, newest)]),
        "copy" if own && was_nothing => Stand::Missing(vec![mark(batch, line, newest)]),
        "copy" if own => Stand::Missing(vec![copy(batch, "Bucket", line, (found, found_etag), Some(newest))]),
        "copy" if newest.is_marker && was_nothing => Stand::Is(version(&newest.id)),
        "copy" if newest.is_like(found_etag, found_size) => Stand::Is(version(&newest.id)),
        "remove" if newest.id == found => Stand::Is(version(&newest.id)),
        "remove" if own && newest.is_marker => unmark(batch, line, &newest.id)
            .map_or_else(|| changed(entries), |call| Stand::Missing(vec![call])),
        "undelete" | "copy" | "remove" => changed(entries),
        _ => Stand::Out,
    }
}

/// Returns what is kept of what was done with a key: the version or marker that was made, the markers that were removed (S6).
pub(super) fn kept(line: &Value, sent: &[Call], replies: &[Value]) -> Map<String, Value> {
    let removed: Vec<&str> = sent.iter().filter_map(|call| call.text("VersionId")).collect();
    let made = replies.last().map_or("", |reply| text(reply, "VersionId"));
    let mut kept = match text(line, "do") {
        "undelete" => version(text(line, "version")),
        _ => version(made),
    };
    if !removed.is_empty() {
        kept.insert("removed".to_owned(), json!(removed));
    }
    kept
}
