//! S3: versions of one key, copies of them, deletions. Keys are bytes to us: what is sent is what stands in the call.

use super::arguments::{Arguments, Taken, not_sent};
use super::json::Object;
use super::{Doing, Looking, reply, s3_parts, s3_settings};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_s3::types::{DeleteMarkerEntry, EncodingType, MetadataDirective, ObjectVersion};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Map, Value};

/// The most that S3 puts on a page.
const PAGE: i32 = 1_000;

/// Looks at a bucket or at what is in it.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    match call.name() {
        "ListObjectVersions" => versions(looking, call).await,
        "HeadObject" => head(looking, call).await,
        "GetObjectTagging" | "ListParts" => Box::pin(s3_parts::look(looking, call)).await,
        "GetBucketVersioning" => {
            let mut given = Arguments::of(call);
            let bucket = given.needed("Bucket")?;
            given.none_left()?;
            let send = |watch| {
                let asked = looking.site.s3().get_bucket_versioning().bucket(&bucket);
                asked.customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            let body = Object::default().word("Status", answer.status());
            Ok(reply(body.json(), seen))
        }
        _ => s3_settings::look(looking, call).await,
    }
}

/// Lists one page of the versions under a prefix.
async fn page(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let bucket = given.needed("Bucket")?;
    // A prefix may be empty: then it is the whole bucket.
    let prefix = match call.text("Prefix") {
        Some("") => {
            given.blank("Prefix");
            String::new()
        }
        _ => given.needed("Prefix")?,
    };
    let (key, version) = (given.text("KeyMarker")?, given.text("VersionIdMarker")?);
    given.none_left()?;
    let send = |watch| {
        let asked = looking.site.s3().list_object_versions().bucket(&bucket).prefix(&prefix).max_keys(PAGE);
        let asked = asked.encoding_type(EncodingType::Url);
        let asked = asked.set_key_marker(key.clone()).set_version_id_marker(version.clone());
        asked.customize().interceptor(watch).send()
    };
    let (page, seen) = looking.send(send).await?;
    let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
    let plain = |key: Option<&str>| {
        let key = key.and_then(|key| if is_encoded { decoded(key) } else { Some(key.to_owned()) });
        key.ok_or_else(|| CallTrouble::InDoubt("a key in the list of versions cannot be read".into()))
    };
    let versions: Result<Vec<Value>, CallTrouble> =
        page.versions().iter().map(|one| Ok(version_of(&plain(one.key())?, one))).collect();
    let markers: Result<Vec<Value>, CallTrouble> =
        page.delete_markers().iter().map(|one| Ok(marker(&plain(one.key())?, one))).collect();
    let goes_on = page.is_truncated() == Some(true);
    let next = if goes_on { Some(plain(page.next_key_marker())?) } else { None };
    let next_version = page.next_version_id_marker().filter(|_| goes_on);
    let body = Object::default()
        .with("Versions", Some(versions?))
        .with("DeleteMarkers", Some(markers?))
        .with("NextKeyMarker", next)
        .with("NextVersionIdMarker", next_version);
    Ok(reply(body.json(), seen))
}

/// Lists all versions of one key, the newest first. Of what has a prefix in common, the key itself stands first.
async fn versions(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    if call.arguments.contains_key("Prefix") {
        return page(looking, call).await;
    }
    let mut given = Arguments::of(call);
    let (bucket, key) = (given.needed("Bucket")?, given.needed("Key")?);
    given.none_left()?;
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    let mut next = (None::<String>, None::<String>);
    let seen = loop {
        let send = |watch| {
            let asked = looking.site.s3().list_object_versions().bucket(&bucket).prefix(&key).max_keys(PAGE);
            // In XML some keys cannot be written as they are.
            let asked = asked.encoding_type(EncodingType::Url);
            let asked = asked.set_key_marker(next.0.clone()).set_version_id_marker(next.1.clone());
            asked.customize().interceptor(watch).send()
        };
        let (page, seen) = looking.send(send).await?;
        let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
        let plain =
            |key: Option<&str>| key.map(|key| if is_encoded { decoded(key) } else { Some(key.to_owned()) });
        let mut is_passed = false;
        let mut is_it = |found: Option<&str>| match plain(found) {
            Some(Some(found)) if found == key => Ok(true),
            Some(Some(_)) => {
                is_passed = true;
                Ok(false)
            }
            _ => Err(CallTrouble::InDoubt("a key in the list of versions cannot be read".into())),
        };
        for one in page.versions() {
            if is_it(one.key())? {
                versions.push(version_of(&key, one));
            }
        }
        for one in page.delete_markers() {
            if is_it(one.key())? {
                markers.push(marker(&key, one));
            }
        }
        let goes_on = plain(page.next_key_marker()).flatten().filter(|marker| *marker == key);
        match goes_on {
            Some(marker) if page.is_truncated() == Some(true) && !is_passed => {
                let after = (Some(marker), page.next_version_id_marker().map(str::to_owned));
                if after == next {
                    return Err(CallTrouble::InDoubt("the list of versions does not go on".into()));
                }
                next = after;
            }
            _ => break seen,
        }
    };
    let body = Object::default().with("Versions", Some(versions)).with("DeleteMarkers", Some(markers));
    Ok(reply(body.json(), seen))
}

fn version_of(key: &str, version: &ObjectVersion) -> Value {
    Object::default()
        .with("Key", Some(key))
        .with("VersionId", version.version_id())
        .with("IsLatest", version.is_latest())
        .with("ETag", version.e_tag())
        .with("Size", version.size())
        .at("LastModified", version.last_modified())
        .word("StorageClass", version.storage_class())
        .json()
}

fn marker(key: &str, marker: &DeleteMarkerEntry) -> Value {
    Object::default()
        .with("Key", Some(key))
        .with("VersionId", marker.version_id())
        .with("IsLatest", marker.is_latest())
        .at("LastModified", marker.last_modified())
        .json()
}

async fn head(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let (bucket, key) = (given.needed("Bucket")?, given.needed("Key")?);
    let version = given.text("VersionId")?;
    given.none_left()?;
    let send = |watch| {
        let asked = looking.site.s3().head_object().bucket(&bucket).key(&key);
        asked.set_version_id(version.clone()).customize().interceptor(watch).send()
    };
    let (answer, seen) = looking.send(send).await?;
    let expires = answer.expires_string().and_then(|at| DateTime::from_str(at, Format::HttpDate).ok());
    let metadata = answer.metadata().filter(|all| !all.is_empty()).map(|all| {
        all.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect::<Map<_, _>>()
    });
    let body = Object::default()
        .with("ETag", answer.e_tag())
        .with("VersionId", answer.version_id())
        .with("ContentLength", answer.content_length())
        .at("LastModified", answer.last_modified())
        .word("StorageClass", answer.storage_class())
        .word("ServerSideEncryption", answer.server_side_encryption())
        .with("SSEKMSKeyId", answer.ssekms_key_id())
        .with("BucketKeyEnabled", answer.bucket_key_enabled())
        .with("ContentType", answer.content_type())
        .with("CacheControl", answer.cache_control())
        .with("ContentDisposition", answer.content_disposition())
        .with("ContentEncoding", answer.content_encoding())
        .with("ContentLanguage", answer.content_language())
        .at("Expires", expires.as_ref())
        .with("Metadata", metadata);
    Ok(reply(body.json(), seen))
}

/// Copies a version, or deletes.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    match call.name() {
        "CopyObject" => Box::pin(copy(doing, call)).await,
        "DeleteObject" => delete(doing, call).await,
        "CreateMultipartUpload" | "UploadPartCopy" | "CompleteMultipartUpload" | "AbortMultipartUpload" => {
            Box::pin(s3_parts::act(doing, call)).await
        }
        _ => Box::pin(s3_settings::act(doing, call)).await,
    }
}

async fn copy(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let mut source =
        given.within_it("CopySource")?.ok_or_else(|| not_sent("CopySource of s3:CopyObject is missing"))?;
    let from = copy_source(&mut source)?;
    let directive = given.text("MetadataDirective")?;
    let sent = doing
        .acting
        .s3()
        .copy_object()
        .bucket(given.needed("Bucket")?)
        .key(given.needed("Key")?)
        .copy_source(from)
        .set_copy_source_if_match(given.text("CopySourceIfMatch")?)
        .set_if_match(given.text("IfMatch")?)
        .set_if_none_match(given.text("IfNoneMatch")?)
        .set_expected_bucket_owner(given.text("ExpectedBucketOwner")?)
        .set_metadata_directive(directive.as_deref().map(MetadataDirective::from));
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    let Some(result) = answer.copy_object_result() else {
        return Err(CallTrouble::InDoubt("the answer to the copy does not say what was written".into()));
    };
    let body = Object::default()
        .with("VersionId", answer.version_id())
        .with("CopySourceVersionId", answer.copy_source_version_id())
        .with("ETag", result.e_tag());
    Ok(reply(body.json(), seen))
}

async fn delete(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .s3()
        .delete_object()
        .bucket(given.needed("Bucket")?)
        .key(given.needed("Key")?)
        .set_version_id(given.text("VersionId")?)
        .set_if_match(given.text("IfMatch")?)
        .set_expected_bucket_owner(given.text("ExpectedBucketOwner")?);
    given.none_left()?;
    let (answer, seen) = doing.done(sent.send()).await?;
    // S3 leaves the header out where the answer is no.
    let body = Object::default()
        .with("DeleteMarker", Some(answer.delete_marker().unwrap_or(false)))
        .with("VersionId", answer.version_id());
    Ok(reply(body.json(), seen))
}

/// Writes a source down as S3 reads it: every byte that is not plain is escaped, for S3 decodes it once (S3).
pub(super) fn copy_source(source: &mut Arguments<'_>) -> Taken<String> {
    let (bucket, key) = (source.needed("Bucket")?, source.needed("Key")?);
    let version = source.text("VersionId")?;
    source.none_left()?;
    let version = version.map(|version| format!("?versionId={}", encoded(&version, false)));
    Ok(format!("{}/{}{}", encoded(&bucket, false), encoded(&key, true), version.unwrap_or_default()))
}

fn encoded(text: &str, with_slashes: bool) -> String {
    let mut all = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => all.push(char::from(byte)),
            b'/' if with_slashes => all.push('/'),
            _ => all.push_str(&format!("%{byte:02X}")),
        }
    }
    all
}

/// Returns a key as it was before S3 wrote it into a list, where a blank becomes a plus.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut left = text.bytes();
    while let Some(byte) = left.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                u8::try_from(digit(left.next())? * 16 + digit(left.next())?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_escaped_byte_by_byte() {
        assert_eq!(encoded("/a b+c%d\u{fc}\n?", true), "/a%20b%2Bc%25d%C3%BC%0A%3F");
        assert_eq!(encoded("a/b", false), "a%2Fb");
    }

    #[test]
    fn a_key_in_a_list_is_read_as_it_was_written() {
        assert_eq!(decoded("/a+b%2Bc%25d%C3%BC%0A").as_deref(), Some("/a b+c%d\u{fc}\n"));
        for broken in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
    }
}
