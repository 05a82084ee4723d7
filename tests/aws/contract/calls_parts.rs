//! What calls on objects in parts bring, whoever answers them.

use super::calls::{Members, World, act, look, refused, shaped, versions};
use lifeboat::domain::parts::etag;
use lifeboat::provider::port::{Act, CallTrouble, Look};
use lifeboat::runbook::call::Call;
use serde_json::{Value, json};

/// A large object, and where it is cut. It is a video by nobody, and is tagged as kept for ever and a day.
pub(crate) struct Large<'a> {
    pub(crate) key: &'a str,
    pub(crate) size: u64,
    pub(crate) cut: u64,
}

fn code<T>(told: &Result<T, CallTrouble>) -> Option<&str> {
    told.as_ref().err().and_then(CallTrouble::code)
}

/// Copies an object onto itself in parts, and aborts another such copy.
pub(crate) async fn parts_go_well(looks: &dyn Look, acts: &dyn Act, world: &World, large: &Large<'_>) {
    let Large { key, size, cut } = large;
    let with = |operation: &str, more: Value| {
        let mut arguments = json!({"Bucket": world.bucket, "Key": key});
        for (name, value) in more.as_object().expect("arguments have names") {
            arguments[name] = value.clone();
        }
        world.call(operation, arguments)
    };
    let (before, _) = versions(looks, world, key).await;
    let source = &before[0];
    let head = look(looks, &with("s3:HeadObject", json!({"VersionId": source["VersionId"]}))).await.body;
    assert_eq!(head["ContentType"], "video/quicktime");
    assert_eq!(head["Metadata"], json!({"director": "nobody"}));
    let tags = with("s3:GetObjectTagging", json!({"VersionId": source["VersionId"]}));
    let tags = look(looks, &tags).await.body;
    assert_eq!(tags, json!({"TagSet": [{"Key": "kept for", "Value": "ever + a day"}]}));

    let begin = with(
        "s3:CreateMultipartUpload",
        json!({"ContentType": "video/quicktime", "Metadata": {"director": "nobody"},
               "Tagging": "kept%20for=ever%20%2B%20a%20day", "ChecksumAlgorithm": "CRC64NVME",
               "ChecksumType": "FULL_OBJECT", "ExpectedBucketOwner": world.place.account.as_str()}),
    );
    let begun = act(acts, &begin).await.body;
    let id = shaped(&begun, &Members { must: &["UploadId"], may: &[] })["UploadId"].clone();
    let list = with("s3:ListParts", json!({ "UploadId": id }));
    assert_eq!(look(looks, &list).await.body, json!({"Parts": []}), "nothing is in it yet");
    let part = |number: u64, first: u64, last: u64| -> Call {
        with(
            "s3:UploadPartCopy",
            json!({"UploadId": id, "PartNumber": number, "CopySourceRange": format!("bytes={first}-{last}"),
                   "CopySource": {"Bucket": world.bucket, "Key": key, "VersionId": source["VersionId"]},
                   "CopySourceIfMatch": source["ETag"], "ExpectedBucketOwner": world.place.account.as_str()}),
        )
    };
    let first = act(acts, &part(1, 0, cut - 1)).await.body["ETag"].clone();
    let second = act(acts, &part(2, *cut, size - 1)).await.body["ETag"].clone();
    let again = act(acts, &part(2, *cut, size - 1)).await.body["ETag"].clone();
    assert_eq!(second, again, "the same bytes as the same part are the same part");
    let listed = look(looks, &list).await.body;
    let sizes: Vec<&Value> =
        listed["Parts"].as_array().expect("a list").iter().map(|one| &one["Size"]).collect();
    assert_eq!(sizes, [&json!(cut), &json!(size - cut)]);
    assert_eq!(versions(looks, world, key).await.0, before, "nothing of it shows");

    let complete = |second: &Value, more: Value| {
        let parts = json!([{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}]);
        let mut arguments = json!({"UploadId": id, "MultipartUpload": {"Parts": parts}, "MpuObjectSize": size,
            "ExpectedBucketOwner": world.place.account.as_str()});
        for (name, value) in more.as_object().expect("arguments have names") {
            arguments[name] = value.clone();
        }
        with("s3:CompleteMultipartUpload", arguments)
    };
    refused(acts, &complete(&json!("\"00000000000000000000000000000000\""), json!({})), "InvalidPart").await;
    refused(acts, &complete(&second, json!({"IfNoneMatch": "*"})), "PreconditionFailed").await;
    let done = act(acts, &complete(&second, json!({"IfMatch": source["ETag"]}))).await.body;
    shaped(&done, &Members { must: &["VersionId", "ETag"], may: &[] });
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let parts = [text(&first), text(&second)];
    assert_eq!(
        etag(parts.iter().map(String::as_str)),
        Some(text(&done["ETag"])),
        "it follows from the parts"
    );
    let (after, _) = versions(looks, world, key).await;
    assert_eq!(after.len(), before.len() + 1, "a version more");
    assert_eq!((&after[0]["VersionId"], &after[0]["Size"]), (&done["VersionId"], &json!(size)));
    let head = look(looks, &with("s3:HeadObject", json!({}))).await.body;
    assert_eq!((&head["ContentType"], &head["ETag"]), (&json!("video/quicktime"), &done["ETag"]));
    assert_eq!(head["Metadata"], json!({"director": "nobody"}), "what the upload was begun with");
    assert_eq!(look(looks, &with("s3:GetObjectTagging", json!({}))).await.body, tags);
    assert_eq!(code(&looks.look(&list).await), Some("NoSuchUpload"), "it is completed");

    let begun = act(acts, &with("s3:CreateMultipartUpload", json!({}))).await.body;
    let other = json!({ "UploadId": begun["UploadId"] });
    act(acts, &with("s3:AbortMultipartUpload", other.clone())).await;
    assert_eq!(code(&looks.look(&with("s3:ListParts", other.clone())).await), Some("NoSuchUpload"));
    refused(acts, &with("s3:AbortMultipartUpload", other), "NoSuchUpload").await;
    assert_eq!(versions(looks, world, key).await.0, after, "nothing came of it");
}

/// Fetches an object of two parts into a folder, and removes it again.
pub(crate) async fn downloads_go_well(
    looks: &dyn Look,
    acts: &dyn Act,
    world: &World,
    large: &Large<'_>,
    folder: &str,
) {
    let Large { key, size, cut } = large;
    let (all, _) = versions(looks, world, key).await;
    let with = |operation: &str, more: Value| {
        let mut arguments = json!({"Bucket": world.bucket, "Key": key, "VersionId": all[0]["VersionId"],
            "ETag": all[0]["ETag"], "Size": size, "Folder": folder, "Name": "films/launch.mov"});
        for (name, value) in more.as_object().expect("arguments have names") {
            arguments[name] = value.clone();
        }
        world.call(operation, arguments)
    };
    let stat = with("file:Stat", json!({}));
    let seen = async || look(looks, &stat).await.body;
    assert_eq!(seen().await["Exists"], false);
    let second = with("download:Part", json!({"From": cut, "Bytes": size - cut}));
    for part in [&with("download:Part", json!({"From": 0, "Bytes": cut})), &second] {
        let told = act(acts, part).await.body;
        shaped(&told, &Members { must: &["Bytes"], may: &[] });
    }
    assert_eq!(seen().await["Exists"], false, "it has no name until it is whole");
    let done = act(acts, &with("download:Finish", json!({}))).await.body;
    shaped(&done, &Members { must: &["Path", "Sha256", "Verified"], may: &["Simulated"] });
    assert_eq!(
        (&done["Verified"], &done["Path"]),
        (&json!("MD5"), &json!(format!("{folder}/films/launch.mov")))
    );
    let there = seen().await;
    assert_eq!(
        (&there["Exists"], &there["Size"], &there["Sha256"]),
        (&json!(true), &json!(size), &done["Sha256"])
    );
    assert_eq!(json!(format!("\"{}\"", there["Md5"].as_str().expect("a text"))), all[0]["ETag"]);
    let first = with("download:Part", json!({"From": 0, "Bytes": cut}));
    refused(acts, &first, "PreconditionFailed").await;
    refused(acts, &with("download:Remove", json!({"IfSha256": "0"})), "PreconditionFailed").await;
    act(acts, &with("download:Remove", json!({"IfSha256": done["Sha256"]}))).await;
    assert_eq!(seen().await["Exists"], false);
    let other = with(
        "download:Part",
        json!({"From": 0, "Bytes": cut, "VersionId": all[0]["VersionId"], "ETag": "\"0\""}),
    );
    refused(acts, &other, "PreconditionFailed").await;
}
