//! S3: what holds of a bucket as a whole, and buckets that acts made.

use super::super::deeds::{Change, Phase, Sort, Thing};
use super::s3_objects::bucket;
use super::{Asked, Deal, Done, Told, members, refused, still};
use crate::provider::port::CallTrouble;
use serde_json::{Value, json};

/// Returns the settings with which a bucket of the world began. One rule is disabled already.
fn first(name: &str) -> Value {
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "OnlyByTLS", "Effect": "Deny", "Principal": "*",
        "Action": "s3:*", "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]});
    json!({
        "Versioning": "Enabled",
        "Policy": policy.to_string(),
        "Lifecycle": {"Rules": [
            {"ID": "old versions", "Filter": {"Prefix": ""}, "Status": "Enabled",
                "NoncurrentVersionExpiration": {"NoncurrentDays": 30, "NewerNoncurrentVersions": 3}},
            {"ID": "uploads", "Prefix": "", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
            {"ID": "once", "Filter": {"And": {"Prefix": "exports/", "Tags": [{"Key": "keep", "Value": ""}]}},
                "Status": "Disabled", "Expiration": {"Days": 1}},
        ], "TransitionDefaultMinimumObjectSize": "all_storage_classes_128K"},
    })
}

/// Returns a bucket as it is, in its Region and for who may.
fn there(asked: &Asked<'_>) -> Result<Thing, CallTrouble> {
    let (world, place, now) = (asked.world, &asked.call.place, asked.now);
    let name = asked.required("Bucket")?;
    let wrong = |region: &str| {
        refused("PermanentRedirect", 301, &format!("the bucket must be addressed in {region}"))
    };
    if let Some(owner) = asked.text("ExpectedBucketOwner").filter(|owner| *owner != place.account.as_str()) {
        return Err(refused("AccessDenied", 403, &format!("the bucket does not belong to {owner}")));
    }
    if let Some(made) = world.deeds.thing(Sort::Bucket, place, name) {
        return if made.exists(now) { Ok(made.clone()) } else { Err(nowhere(asked)) };
    }
    let Some((_, found)) = bucket(world, name) else { return Err(nowhere(asked)) };
    if found.home.account != place.account {
        let code = if asked.call.name() == "HeadBucket" { "Forbidden" } else { "AccessDenied" };
        return Err(refused(code, 403, "Access Denied"));
    }
    if found.home.region != place.region {
        return Err(wrong(found.home.region.as_str()));
    }
    Ok(Thing::new(Sort::Bucket, place, name, world.began, "there", members(first(name))))
}

fn nowhere(asked: &Asked<'_>) -> CallTrouble {
    // An answer to a HEAD has no words.
    let code = if asked.call.name() == "HeadBucket" { "NotFound" } else { "NoSuchBucket" };
    refused(code, 404, "The specified bucket does not exist")
}

pub(super) fn head(asked: &Asked<'_>) -> Told {
    there(asked).map(|thing| json!({"Region": thing.place.region.as_str()}))
}

pub(super) fn versioning(asked: &Asked<'_>) -> Told {
    let thing = there(asked)?;
    Ok(match thing.member(asked.now, "Versioning") {
        Some(status) if !status.is_null() => json!({ "Status": status }),
        _ => json!({}),
    })
}

pub(super) fn policy(asked: &Asked<'_>) -> Told {
    match there(asked)?.member(asked.now, "Policy") {
        Some(policy) if !policy.is_null() => Ok(json!({ "Policy": policy })),
        _ => Err(refused("NoSuchBucketPolicy", 404, "The bucket policy does not exist")),
    }
}

pub(super) fn lifecycle(asked: &Asked<'_>) -> Told {
    match there(asked)?.member(asked.now, "Lifecycle") {
        Some(lifecycle) if !lifecycle.is_null() => Ok(lifecycle.clone()),
        _ => Err(refused("NoSuchLifecycleConfiguration", 404, "The lifecycle configuration does not exist")),
    }
}

/// Changes settings of a bucket.
fn with(asked: &Asked<'_>, settings: &[(&str, Value)]) -> Done {
    let mut thing = there(asked)?;
    let changed =
        settings.iter().any(|(name, value)| thing.member(asked.now, name).unwrap_or(&Value::Null) != value);
    let mut phase = Phase::new(asked.now, "there");
    for (name, value) in settings {
        phase = phase.with(name, value.clone());
    }
    thing.then(asked.now, [phase]);
    let target = thing.id.clone();
    let changes = if changed { vec![Change::Changed(Box::new(thing))] } else { Vec::new() };
    Ok(Deal { body: json!({}), target, changes })
}

pub(super) fn put_versioning(asked: &Asked<'_>) -> Done {
    let status = asked.value("VersioningConfiguration").and_then(|wanted| wanted.get("Status")).cloned();
    match status.as_ref().and_then(Value::as_str) {
        Some("Enabled" | "Suspended") => with(asked, &[("Versioning", status.unwrap_or_default())]),
        _ => Err(refused("MalformedXML", 400, "The versioning element must be specified")),
    }
}

pub(super) fn put_lifecycle(asked: &Asked<'_>) -> Done {
    still(asked, lifecycle)?;
    let rules = asked.value("LifecycleConfiguration").and_then(|wanted| wanted.get("Rules")).cloned();
    let rules = rules.filter(|rules| rules.as_array().is_some_and(|rules| !rules.is_empty()));
    let rules = rules.ok_or_else(|| refused("MalformedXML", 400, "there are no rules"))?;
    let size = asked.value("TransitionDefaultMinimumObjectSize").cloned();
    let size = size.unwrap_or_else(|| json!("all_storage_classes_128K"));
    with(asked, &[("Lifecycle", json!({"Rules": rules, "TransitionDefaultMinimumObjectSize": size}))])
}

pub(super) fn put_policy(asked: &Asked<'_>) -> Done {
    still(asked, policy)?;
    let text = asked.required("Policy")?;
    if serde_json::from_str::<Value>(text).ok().is_none_or(|document| document.get("Statement").is_none()) {
        return Err(refused("MalformedPolicy", 400, "Policies must be valid JSON and have statements"));
    }
    with(asked, &[("Policy", json!(text))])
}

pub(super) fn delete_policy(asked: &Asked<'_>) -> Done {
    still(asked, policy)?;
    with(asked, &[("Policy", Value::Null)])
}

pub(super) fn put_block(asked: &Asked<'_>) -> Done {
    let block = asked.value("PublicAccessBlockConfiguration").cloned().unwrap_or_default();
    with(asked, &[("PublicAccessBlock", block)])
}

pub(super) fn put_encryption(asked: &Asked<'_>) -> Done {
    let rules = asked.value("ServerSideEncryptionConfiguration").cloned().unwrap_or_default();
    with(asked, &[("Encryption", rules)])
}

pub(super) fn create(asked: &Asked<'_>) -> Done {
    let (place, now) = (&asked.call.place, asked.now);
    let name = asked.required("Bucket")?;
    let named = asked.value("CreateBucketConfiguration").and_then(|wanted| wanted.get("LocationConstraint"));
    let named = named.and_then(Value::as_str).unwrap_or("us-east-1");
    if named != place.region.as_str() {
        let says = "The specified location-constraint is incompatible for the region specific endpoint.";
        return Err(refused("IllegalLocationConstraintException", 400, says));
    }
    match there(asked) {
        Err(trouble) if trouble.code() == Some("NoSuchBucket") => {}
        Ok(_) => {
            let says = "Your previous request to create the named bucket succeeded and you already own it.";
            return Err(refused("BucketAlreadyOwnedByYou", 409, says));
        }
        Err(_) => {
            return Err(refused("BucketAlreadyExists", 409, "The requested bucket name is not available."));
        }
    }
    let made = Thing::new(Sort::Bucket, place, name, now, "there", members(json!({"-made": true})));
    let body = json!({"Location": format!("http://{name}.s3.amazonaws.com/")});
    Ok(Deal { body, target: name.to_owned(), changes: vec![Change::Made(Box::new(made))] })
}

pub(super) fn delete(asked: &Asked<'_>) -> Done {
    let mut thing = there(asked)?;
    if thing.member(asked.now, "-made").is_none() {
        return Err(refused("BucketNotEmpty", 409, "The bucket you tried to delete is not empty"));
    }
    thing.gone_from = Some(asked.now);
    let target = thing.id.clone();
    Ok(Deal { body: json!({}), target, changes: vec![Change::Changed(Box::new(thing))] })
}
