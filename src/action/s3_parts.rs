//! An object over 5 GB, copied in parts (S3): an upload is begun, ranges of the source are copied into it, and it is completed
//! on a condition. Until then nothing of it shows, so of all these calls only the last has an effect (S4).
//!
//! A copy in parts carries nothing over by itself: what a plain copy would have kept is read while the plan is made, and given
//! to the upload. An upload whose id was lost with the answer holds no bytes and costs nothing, so another one is begun; one
//! that has parts is kept when its step is begun again, and aborted when its step is taken back.

use super::facts::text;
use super::s3_version::{newest, of, versions};
use super::{Doing, Found, Meaning};
use crate::domain::action::ActionClass;
use crate::domain::{Text, parts, size};
use crate::provider::port::{CallTrouble, Look};
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::PlannedCall;
use crate::runbook::replied::from_call;
use serde_json::{Map, Value, json};

/// What a copy keeps, by the names that both sides give it.
const KEPT: [&str; 6] =
    ["ContentType", "CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "Expires"];
/// What the service says of an upload that was completed or aborted.
const GONE: &str = "NoSuchUpload";

/// A copy in parts.
pub(super) struct InParts<'a> {
    /// A call with the bucket, the key and the owner that is expected.
    pub(super) base: &'a Call,
    /// What is copied, as a copy names it.
    pub(super) source: &'a Value,
    /// Its entity tag.
    pub(super) etag: &'a str,
    /// Its size.
    pub(super) size: u64,
    /// On which condition the key gets it.
    pub(super) condition: (&'static str, Value),
    /// What the upload is begun with besides.
    pub(super) carried: &'a Map<String, Value>,
}

impl InParts<'_> {
    fn call(&self, operation: &str) -> Call {
        Call::new(operation, &self.base.environment, &self.base.place)
            .maybe("Bucket", self.base.text("Bucket"))
            .maybe("Key", self.base.text("Key"))
            .maybe("ExpectedBucketOwner", self.base.text("ExpectedBucketOwner"))
    }

    /// Returns its calls; `None` where the object has more parts than S3 takes.
    pub(super) fn planned(&self) -> Option<Vec<PlannedCall>> {
        let key = self.base.text("Key").unwrap_or_default();
        let cut = parts::cut(self.size)?;
        // The checksum that S3 makes of any object, of all of its bytes: then no part needs one in the last call.
        let mut begin = self
            .call("s3:CreateMultipartUpload")
            .with("ChecksumAlgorithm", "CRC64NVME")
            .with("ChecksumType", "FULL_OBJECT");
        begin.arguments.extend(self.carried.clone());
        let mut calls = vec![PlannedCall {
            call: begin,
            says: format!("begin an upload of {key}, of which nothing shows until it is completed").into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::SetState,
        }];
        let mut whole = Vec::with_capacity(cut.len());
        for (index, (first, last)) in (1..).zip(&cut) {
            let call = self
                .call("s3:UploadPartCopy")
                .with("UploadId", from_call(0, "UploadId"))
                .with("PartNumber", index)
                .with("CopySource", self.source.clone())
                .with("CopySourceIfMatch", self.etag)
                .with("CopySourceRange", format!("bytes={first}-{last}"));
            calls.push(PlannedCall {
                call,
                says: format!("copy part {index} of {} into it", cut.len()).into(),
                class: ActionClass::Additive,
                dedupe: Dedupe::Conditional,
            });
            whole.push(json!({"PartNumber": index, "ETag": from_call(index, "ETag")}));
        }
        let complete = self
            .call("s3:CompleteMultipartUpload")
            .with("UploadId", from_call(0, "UploadId"))
            .with("MultipartUpload", json!({ "Parts": whole }))
            .with("MpuObjectSize", self.size)
            .with(self.condition.0, self.condition.1.clone());
        calls.push(PlannedCall {
            call: complete,
            says: format!("make the newest version of {key} of the parts").into(),
            class: ActionClass::Mutating,
            dedupe: Dedupe::Conditional,
        });
        Some(calls)
    }

    /// Returns what there is to say of it.
    pub(super) fn notes(&self) -> Vec<Text> {
        let cut = parts::cut(self.size).unwrap_or_default();
        let of = cut.first().map_or(0, |(first, last)| last - first + 1);
        let tags = if self.carried.contains_key("Tagging") { ", its tags" } else { "" };
        let key = if self.carried.contains_key("SSEKMSKeyId") {
            ", its key of KMS"
        } else {
            "; it is encrypted as the bucket says"
        };
        [
            format!(
                "{} are copied in {} parts of {}, one after the other; the key is as it was until the last call",
                size::bytes(self.size),
                cut.len(),
                size::bytes(of)
            ),
            format!("carried over: its content type and the like, its own metadata, its storage class{tags}{key}"),
            "not carried over: locks and legal holds, ACLs, a redirect; its ETag and its checksum are those of parts"
                .to_owned(),
            "parts are paid for until the upload is completed or aborted: where the step fails, `retry` goes on with them, \
             and `undo` aborts it"
                .to_owned(),
        ]
        .map(|note| Text::new(&note))
        .to_vec()
    }
}

/// Says whether a thing of a list of versions is too large for one copy.
pub(super) fn is_large(version: &Value) -> bool {
    size_of(version) > parts::LARGEST_COPY
}

/// Returns the size of a thing of a list of versions.
pub(super) fn size_of(version: &Value) -> u64 {
    version.get("Size").and_then(Value::as_u64).unwrap_or(0)
}

/// Reads what a copy of a version would have carried over: `source` names its bucket, key and version. The key of KMS is that
/// of another bucket's objects, so it stays where the copy leaves its bucket.
///
/// # Errors
/// When it cannot be read: then nothing is copied, for it would be lost.
pub(super) async fn carried(
    look: &dyn Look,
    source: &Call,
    same_bucket: bool,
) -> Result<Map<String, Value>, CallTrouble> {
    let ask = |operation: &str| Call { operation: operation.to_owned(), ..source.clone() };
    let head = look.look(&ask("s3:HeadObject")).await?.body;
    let mut carried = Map::new();
    let mut take = |name: &str, value: Option<&Value>| {
        carried.extend(value.map(|value| (name.to_owned(), value.clone())));
    };
    for name in KEPT {
        take(name, head.get(name));
    }
    take("Metadata", head.get("Metadata").filter(|all| all.as_object().is_some_and(|all| !all.is_empty())));
    let class = head.get("StorageClass");
    take("StorageClass", class.filter(|class| class.as_str() != Some("STANDARD")));
    if same_bucket && text(&head, "ServerSideEncryption").starts_with("aws:kms") {
        for name in ["ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled"] {
            take(name, head.get(name));
        }
    }
    let tags = look.look(&ask("s3:GetObjectTagging")).await?.body;
    let pair = |tag: &Value| format!("{}={}", encoded(text(tag, "Key")), encoded(text(tag, "Value")));
    let tags = of(&tags, "TagSet").iter().map(pair).collect::<Vec<_>>().join("&");
    if !tags.is_empty() {
        carried.insert("Tagging".to_owned(), Value::from(tags));
    }
    Ok(carried)
}

/// Writes a text down as it stands in the query of a URL: tags are given to an upload so.
fn encoded(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => all.push(char::from(byte)),
            _ => all.push_str(&format!("%{byte:02X}")),
        }
    }
    all
}

/// Says whether a call makes a version, or a delete marker.
pub(super) fn makes(call: &Call) -> bool {
    ["CopyObject", "CompleteMultipartUpload", "DeleteObject"].contains(&call.name())
}

/// Looks whether a call of a copy in parts has happened; `None` for calls of other sorts.
pub(super) async fn probe(doing: &Doing<'_>, look: &dyn Look) -> Result<Option<Found>, CallTrouble> {
    let Ok(call) = doing.call() else { return Ok(None) };
    Ok(Some(match call.name() {
        "CreateMultipartUpload" => Found::Nothing {
            evidence: "an upload whose id nobody has holds no bytes and costs nothing: another is begun"
                .into(),
        },
        "UploadPartCopy" => part(call, look).await?,
        "CompleteMultipartUpload" => completed(doing, call, look).await?,
        "AbortMultipartUpload" => aborted(doing, call, look).await?,
        _ => return Ok(None),
    }))
}

/// Returns the parts of the upload of a call; `None` where there is no such upload any more.
async fn there(call: &Call, look: &dyn Look) -> Result<Option<Vec<Value>>, CallTrouble> {
    let ask = Call::new("s3:ListParts", &call.environment, &call.place)
        .maybe("Bucket", call.text("Bucket"))
        .maybe("Key", call.text("Key"))
        .maybe("UploadId", call.text("UploadId"));
    match look.look(&ask).await {
        Ok(reply) => Ok(Some(of(&reply.body, "Parts").to_vec())),
        Err(trouble) if trouble.code() == Some(GONE) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

async fn part(call: &Call, look: &dyn Look) -> Result<Found, CallTrouble> {
    let number = call.arguments.get("PartNumber").cloned().unwrap_or_default();
    Ok(match there(call, look).await? {
        None => Found::Nothing { evidence: "the upload is gone".into() },
        Some(parts) => match parts.iter().find(|part| part.get("PartNumber") == Some(&number)) {
            Some(part) => Found::Happened {
                reply: json!({"ETag": text(part, "ETag")}),
                evidence: format!("the upload has part {number}").into(),
            },
            None => Found::Nothing { evidence: format!("the upload has no part {number}").into() },
        },
    })
}

async fn completed(doing: &Doing<'_>, call: &Call, look: &dyn Look) -> Result<Found, CallTrouble> {
    if there(call, look).await?.is_some() {
        return Ok(Found::Nothing { evidence: "the upload is not completed".into() });
    }
    let list = versions(look, call).await?;
    let key = call.text("Key").unwrap_or_default();
    let known = of(doing.before, "known");
    let all = call.arguments.get("MultipartUpload").map_or([].as_slice(), |upload| of(upload, "Parts"));
    let wanted = parts::etag(all.iter().map(|part| text(part, "ETag"))).unwrap_or_default();
    let ending = format!("-{}\"", all.len());
    let fits = |version: &&Value| {
        let etag = text(version, "ETag");
        !known.contains(&version["VersionId"])
            && Some(etag) != call.text("IfMatch")
            && call.arguments.get("MpuObjectSize") == version.get("Size")
            // What a key of KMS encrypts has another tag, but it ends in the number of parts (T5).
            && (etag == wanted || etag.ends_with(&ending))
    };
    Ok(match of(&list, "Versions").iter().find(fits) {
        Some(version) => Found::Happened {
            reply: json!({"VersionId": text(version, "VersionId"), "ETag": text(version, "ETag")}),
            evidence: format!("{key} has the version {}, of these parts", text(version, "VersionId")).into(),
        },
        None => Found::Nothing {
            evidence: format!("the upload is gone, and {key} has no version of its parts").into(),
        },
    })
}

async fn aborted(doing: &Doing<'_>, call: &Call, look: &dyn Look) -> Result<Found, CallTrouble> {
    if there(call, look).await?.is_some() {
        return Ok(Found::Nothing { evidence: "the upload is still there".into() });
    }
    let list = versions(look, call).await?;
    let was = doing.step.facts.get("newest").map_or("", |newest| text(newest, "VersionId"));
    let is_as_it_was = match newest(&list) {
        Some((now, is_marker)) => text(now, "VersionId") == was || is_marker && was.is_empty(),
        None => was.is_empty(),
    };
    Ok(if is_as_it_was {
        Found::Happened { reply: json!({}), evidence: "the upload is gone".into() }
    } else {
        let key = call.text("Key").unwrap_or_default();
        let evidence =
            format!("the upload is gone, and {key} has a newer version: it may have been completed");
        Found::Unclear { evidence: evidence.into() }
    })
}

/// Says what a refusal of a call of a copy in parts means; `None` where that is to be said as of any copy.
pub(super) fn means(doing: &Doing<'_>, trouble: &CallTrouble) -> Option<Meaning> {
    let call = doing.call().ok()?;
    match (call.name(), trouble.code()?) {
        // An earlier attempt of ours may have completed or aborted it.
        ("CompleteMultipartUpload" | "AbortMultipartUpload", GONE) => Some(Meaning::Look),
        ("UploadPartCopy", GONE) | ("CompleteMultipartUpload", "InvalidPart" | "InvalidPartOrder") => {
            let hint = "the upload or a part of it is gone: `undo` this step, and `retry` begins a new one";
            Some(Meaning::Failed { hint: Some(hint.into()) })
        }
        _ => None,
    }
}

/// Returns the calls that take back a copy in parts that was not completed; `None` where there is nothing of that sort.
pub(super) fn abort(doing: &Doing<'_>) -> Option<Vec<PlannedCall>> {
    let begun = doing.calls.iter().position(|call| call.name() == "CreateMultipartUpload")?;
    let last = doing.calls.iter().rposition(|call| call.name() == "CompleteMultipartUpload");
    if last.is_some_and(|at| !text(doing.reply(at), "VersionId").is_empty()) {
        return None;
    }
    let call = doing.calls.get(begun)?;
    let id = text(doing.reply(begun), "UploadId");
    if id.is_empty() {
        // Nobody has ever had its id: it holds nothing.
        return Some(Vec::new());
    }
    let key = call.text("Key").unwrap_or_default();
    let call = Call::new("s3:AbortMultipartUpload", &call.environment, &call.place)
        .maybe("Bucket", call.text("Bucket"))
        .maybe("Key", call.text("Key"))
        .maybe("ExpectedBucketOwner", call.text("ExpectedBucketOwner"))
        .with("UploadId", id);
    Some(vec![PlannedCall {
        call,
        says: format!("abort the upload of {key}: what was copied into it is thrown away").into(),
        class: ActionClass::Mutating,
        dedupe: Dedupe::SetState,
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::Place;

    fn planned(size: u64) -> Option<Vec<PlannedCall>> {
        let base = Call::new("", &"production".into(), &Place::new("123456789012", "us-east-2"))
            .with("Bucket", "b")
            .with("Key", "k")
            .with("ExpectedBucketOwner", "123456789012");
        let carried = Map::from_iter([("ContentType".to_owned(), Value::from("video/quicktime"))]);
        InParts {
            base: &base,
            source: &json!({"Bucket": "b", "Key": "k", "VersionId": "v"}),
            etag: "\"e\"",
            size,
            condition: ("IfMatch", "\"now\"".into()),
            carried: &carried,
        }
        .planned()
    }

    #[test]
    fn only_the_last_call_of_a_copy_in_parts_has_an_effect_and_it_is_conditional() {
        let calls = planned(6 << 30).expect("it can be cut");
        assert_eq!(calls.len(), 1 + 6 + 1);
        let (last, before) = calls.split_last().expect("there are calls");
        assert!(before.iter().all(|planned| planned.class == ActionClass::Additive));
        assert_eq!((last.class, last.call.text("IfMatch")), (ActionClass::Mutating, Some("\"now\"")));
        assert_eq!(last.call.arguments["MpuObjectSize"], json!(6_u64 << 30));
        assert_eq!(calls[0].call.text("ContentType"), Some("video/quicktime"));
        assert_eq!(calls[1].call.text("CopySourceRange"), Some("bytes=0-1073741823"));
        assert_eq!(last.call.arguments["MultipartUpload"]["Parts"][5]["ETag"], from_call(6, "ETag"));
        assert!(planned(60_000 << 30).is_none(), "S3 has no such object");
    }

    #[test]
    fn tags_are_written_as_in_a_url() {
        assert_eq!(encoded("a b&c=\u{fc}/"), "a%20b%26c%3D%C3%BC%2F");
    }
}
