//! S3: objects in parts, and what a copy in parts has to carry over by itself: tags.

use super::arguments::{Arguments, not_sent};
use super::json::{Object, tag};
use super::s3::copy_source;
use super::{Doing, Looking, reply, unknown};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, ServerSideEncryption,
    StorageClass,
};
use serde_json::{Value, json};

/// Looks at the tags of an object, or at the parts of an upload.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let (bucket, key) = (given.needed("Bucket")?, given.needed("Key")?);
    if call.name() == "GetObjectTagging" {
        let version = given.text("VersionId")?;
        given.none_left()?;
        let send = |watch| {
            let asked = looking.site.s3().get_object_tagging().bucket(&bucket).key(&key);
            asked.set_version_id(version.clone()).customize().interceptor(watch).send()
        };
        let (answer, seen) = looking.send(send).await?;
        let one = |one: &aws_sdk_s3::types::Tag| tag(Some(one.key()), Some(one.value()));
        return Ok(reply(Object::default().list("TagSet", answer.tag_set(), one).json(), seen));
    }
    let upload = given.needed("UploadId")?;
    given.none_left()?;
    let (mut all, mut next) = (Vec::new(), None::<String>);
    loop {
        let send = |watch| {
            let asked = looking.site.s3().list_parts().bucket(&bucket).key(&key).upload_id(&upload);
            asked.set_part_number_marker(next.clone()).customize().interceptor(watch).send()
        };
        let (answer, seen) = looking.send(send).await?;
        all.extend(answer.parts().iter().map(|part| {
            Object::default()
                .with("PartNumber", part.part_number())
                .with("ETag", part.e_tag())
                .with("Size", part.size())
                .json()
        }));
        let after = answer.next_part_number_marker().map(str::to_owned);
        if answer.is_truncated() != Some(true) || after.is_none() {
            return Ok(reply(json!({ "Parts": all }), seen));
        }
        if after == next {
            return Err(CallTrouble::InDoubt("the list of parts does not go on".into()));
        }
        next = after;
    }
}

/// Begins an upload, copies a part into it, completes it, or aborts it.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    match call.name() {
        "CreateMultipartUpload" => Box::pin(begin(doing, call)).await,
        "UploadPartCopy" => Box::pin(part(doing, call)).await,
        "CompleteMultipartUpload" => Box::pin(complete(doing, call)).await,
        "AbortMultipartUpload" => abort(doing, call).await,
        _ => Err(unknown(call)),
    }
}

async fn begin(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let encryption = given.text("ServerSideEncryption")?;
    let class = given.text("StorageClass")?;
    let (algorithm, sort) = (given.text("ChecksumAlgorithm")?, given.text("ChecksumType")?);
    let sent = doing
        .acting
        .s3()
        .create_multipart_upload()
        .bucket(given.needed("Bucket")?)
        .key(given.needed("Key")?)
        .set_expected_bucket_owner(given.text("ExpectedBucketOwner")?)
        .set_content_type(given.text("ContentType")?)
        .set_cache_control(given.text("CacheControl")?)
        .set_content_disposition(given.text("ContentDisposition")?)
        .set_content_encoding(given.text("ContentEncoding")?)
        .set_content_language(given.text("ContentLanguage")?)
        .set_expires(given.moment("Expires")?)
        .set_metadata(given.pairs("Metadata")?)
        .set_storage_class(class.as_deref().map(StorageClass::from))
        .set_server_side_encryption(encryption.as_deref().map(ServerSideEncryption::from))
        .set_ssekms_key_id(given.text("SSEKMSKeyId")?)
        .set_bucket_key_enabled(given.flag("BucketKeyEnabled")?)
        .set_tagging(given.text("Tagging")?)
        .set_checksum_algorithm(algorithm.as_deref().map(ChecksumAlgorithm::from))
        .set_checksum_type(sort.as_deref().map(ChecksumType::from));
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    let Some(upload) = answer.upload_id() else {
        return Err(CallTrouble::InDoubt("the answer does not name the upload".into()));
    };
    Ok(reply(json!({ "UploadId": upload }), seen))
}

async fn part(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let mut source = given
        .within_it("CopySource")?
        .ok_or_else(|| not_sent("CopySource of s3:UploadPartCopy is missing"))?;
    let from = copy_source(&mut source)?;
    let number = given.number("PartNumber")?;
    let sent = doing
        .acting
        .s3()
        .upload_part_copy()
        .bucket(given.needed("Bucket")?)
        .key(given.needed("Key")?)
        .upload_id(given.needed("UploadId")?)
        .part_number(number.ok_or_else(|| not_sent("PartNumber of s3:UploadPartCopy is missing"))?)
        .copy_source(from)
        .set_copy_source_range(given.text("CopySourceRange")?)
        .set_copy_source_if_match(given.text("CopySourceIfMatch")?)
        .set_expected_bucket_owner(given.text("ExpectedBucketOwner")?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    // An error may come after a status of 200 (S3).
    let etag = answer.copy_part_result().and_then(|result| result.e_tag());
    let Some(etag) = etag else {
        return Err(CallTrouble::InDoubt("the answer does not say what was copied".into()));
    };
    Ok(reply(json!({ "ETag": etag }), seen))
}

async fn complete(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let mut upload = given
        .within_it("MultipartUpload")?
        .ok_or_else(|| not_sent("MultipartUpload of s3:CompleteMultipartUpload is missing"))?;
    let parts = upload.each("Parts", |part| {
        let number = part.number("PartNumber")?;
        Ok(CompletedPart::builder().set_part_number(number).e_tag(part.needed("ETag")?).build())
    })?;
    upload.none_left()?;
    let sent = doing
        .acting
        .s3()
        .complete_multipart_upload()
        .bucket(given.needed("Bucket")?)
        .key(given.needed("Key")?)
        .upload_id(given.needed("UploadId")?)
        .multipart_upload(CompletedMultipartUpload::builder().set_parts(parts).build())
        .set_mpu_object_size(given.long("MpuObjectSize")?)
        .set_if_match(given.text("IfMatch")?)
        .set_if_none_match(given.text("IfNoneMatch")?)
        .set_expected_bucket_owner(given.text("ExpectedBucketOwner")?);
    given.none_left()?;
    let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
    if answer.e_tag().is_none() {
        return Err(CallTrouble::InDoubt("the answer does not say what was written".into()));
    }
    let body = Object::default().with("VersionId", answer.version_id()).with("ETag", answer.e_tag());
    Ok(reply(body.json(), seen))
}

async fn abort(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .s3()
        .abort_multipart_upload()
        .bucket(given.needed("Bucket")?)
        .key(given.needed("Key")?)
        .upload_id(given.needed("UploadId")?)
        .set_expected_bucket_owner(given.text("ExpectedBucketOwner")?);
    given.none_left()?;
    let (_, seen) = doing.done(sent.send()).await?;
    Ok(reply(Value::Object(serde_json::Map::new()), seen))
}
