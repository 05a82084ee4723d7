//! S3: what holds of a bucket as a whole: its policy, lifecycle, versioning, encryption, and that it is there at all.

use super::arguments::{Arguments, Taken, not_sent};
use super::json::Object;
use super::s3_lifecycle::{rule, rules_of};
use super::{Doing, Looking, reply, unknown};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use crate::runbook::still::IF_STILL;
use aws_sdk_s3::error::BuildError;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, PublicAccessBlockConfiguration, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    TransitionDefaultMinimumObjectSize, VersioningConfiguration,
};
use serde_json::json;

/// Looks at a setting of a bucket.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let bucket = given.needed("Bucket")?;
    given.none_left()?;
    match call.name() {
        "HeadBucket" => {
            let send =
                |watch| looking.site.s3().head_bucket().bucket(&bucket).customize().interceptor(watch).send();
            let (answer, seen) = looking.send(send).await?;
            Ok(reply(Object::default().with("Region", answer.bucket_region()).json(), seen))
        }
        "GetBucketPolicy" => {
            let send = |watch| {
                looking.site.s3().get_bucket_policy().bucket(&bucket).customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            Ok(reply(Object::default().with("Policy", answer.policy()).json(), seen))
        }
        "GetBucketLifecycleConfiguration" => {
            let send = |watch| {
                let asked = looking.site.s3().get_bucket_lifecycle_configuration().bucket(&bucket);
                asked.customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            let body = Object::default()
                .list("Rules", answer.rules(), rule)
                .word("TransitionDefaultMinimumObjectSize", answer.transition_default_minimum_object_size());
            Ok(reply(body.json(), seen))
        }
        _ => Err(unknown(call)),
    }
}

/// Changes a setting of a bucket, makes a bucket, or deletes an empty one.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let bucket = given.needed("Bucket")?;
    let owner = given.text("ExpectedBucketOwner")?;
    // It was looked at before the client of this call was made.
    given.left_out(IF_STILL);
    let seen = match call.name() {
        "PutBucketVersioning" => {
            let wanted = given.within_it("VersioningConfiguration")?;
            let mut wanted = wanted.ok_or_else(|| not_sent("VersioningConfiguration is missing"))?;
            let status = BucketVersioningStatus::from(wanted.needed("Status")?.as_str());
            wanted.none_left()?;
            let configuration = VersioningConfiguration::builder().status(status).build();
            let sent = doing
                .acting
                .s3()
                .put_bucket_versioning()
                .bucket(bucket)
                .versioning_configuration(configuration);
            let sent = sent.set_expected_bucket_owner(owner);
            given.none_left()?;
            doing.done(sent.send()).await?.1
        }
        "PutBucketLifecycleConfiguration" => {
            let wanted = given.within_it("LifecycleConfiguration")?;
            let mut wanted = wanted.ok_or_else(|| not_sent("LifecycleConfiguration is missing"))?;
            let rules = rules_of(&mut wanted)?;
            wanted.none_left()?;
            let rules = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build();
            let size = given.text("TransitionDefaultMinimumObjectSize")?;
            let size = size.map(|size| TransitionDefaultMinimumObjectSize::from(size.as_str()));
            let sent = doing.acting.s3().put_bucket_lifecycle_configuration().bucket(bucket);
            let sent = sent.lifecycle_configuration(rules.map_err(|why| built(&why))?);
            let sent = sent.set_transition_default_minimum_object_size(size).set_expected_bucket_owner(owner);
            given.none_left()?;
            doing.done(Box::pin(sent.send())).await?.1
        }
        "PutBucketPolicy" => {
            let policy = given.needed("Policy")?;
            let sent = doing
                .acting
                .s3()
                .put_bucket_policy()
                .bucket(bucket)
                .policy(policy)
                .set_expected_bucket_owner(owner);
            given.none_left()?;
            doing.done(sent.send()).await?.1
        }
        "DeleteBucketPolicy" => {
            given.none_left()?;
            doing
                .done(
                    doing
                        .acting
                        .s3()
                        .delete_bucket_policy()
                        .bucket(bucket)
                        .set_expected_bucket_owner(owner)
                        .send(),
                )
                .await?
                .1
        }
        "PutPublicAccessBlock" => {
            let block = block(&mut given)?;
            let sent = doing
                .acting
                .s3()
                .put_public_access_block()
                .bucket(bucket)
                .public_access_block_configuration(block);
            let sent = sent.set_expected_bucket_owner(owner);
            given.none_left()?;
            doing.done(sent.send()).await?.1
        }
        "PutBucketEncryption" => {
            let encryption = encryption(&mut given)?;
            let sent = doing
                .acting
                .s3()
                .put_bucket_encryption()
                .bucket(bucket)
                .server_side_encryption_configuration(encryption);
            let sent = sent.set_expected_bucket_owner(owner);
            given.none_left()?;
            doing.done(sent.send()).await?.1
        }
        "CreateBucket" => {
            if owner.is_some() {
                return Err(not_sent("s3:CreateBucket has no argument ExpectedBucketOwner"));
            }
            let place = match given.within_it("CreateBucketConfiguration")? {
                None => None,
                Some(mut wanted) => {
                    let region =
                        BucketLocationConstraint::from(wanted.needed("LocationConstraint")?.as_str());
                    wanted.none_left()?;
                    Some(CreateBucketConfiguration::builder().location_constraint(region).build())
                }
            };
            given.none_left()?;
            let sent =
                doing.acting.s3().create_bucket().bucket(bucket).set_create_bucket_configuration(place);
            let (answer, seen) = doing.done(sent.send()).await?;
            return Ok(reply(Object::default().with("Location", answer.location()).json(), seen));
        }
        "DeleteBucket" => {
            given.none_left()?;
            doing
                .done(
                    doing.acting.s3().delete_bucket().bucket(bucket).set_expected_bucket_owner(owner).send(),
                )
                .await?
                .1
        }
        _ => return Err(unknown(call)),
    };
    Ok(reply(json!({}), seen))
}

fn built(why: &BuildError) -> CallTrouble {
    not_sent(&why.to_string())
}

fn block(given: &mut Arguments<'_>) -> Taken<PublicAccessBlockConfiguration> {
    let wanted = given.within_it("PublicAccessBlockConfiguration")?;
    let mut wanted = wanted.ok_or_else(|| not_sent("PublicAccessBlockConfiguration is missing"))?;
    let block = PublicAccessBlockConfiguration::builder()
        .set_block_public_acls(wanted.flag("BlockPublicAcls")?)
        .set_ignore_public_acls(wanted.flag("IgnorePublicAcls")?)
        .set_block_public_policy(wanted.flag("BlockPublicPolicy")?)
        .set_restrict_public_buckets(wanted.flag("RestrictPublicBuckets")?);
    wanted.none_left()?;
    Ok(block.build())
}

fn encryption(given: &mut Arguments<'_>) -> Taken<ServerSideEncryptionConfiguration> {
    let wanted = given.within_it("ServerSideEncryptionConfiguration")?;
    let mut wanted = wanted.ok_or_else(|| not_sent("ServerSideEncryptionConfiguration is missing"))?;
    let rules = wanted.each("Rules", |rule| {
        let default = match rule.within_it("ApplyServerSideEncryptionByDefault")? {
            None => None,
            Some(mut default) => {
                let made = ServerSideEncryptionByDefault::builder()
                    .sse_algorithm(ServerSideEncryption::from(default.needed("SSEAlgorithm")?.as_str()))
                    .set_kms_master_key_id(default.text("KMSMasterKeyID")?);
                default.none_left()?;
                Some(made.build().map_err(|why| built(&why))?)
            }
        };
        let made = ServerSideEncryptionRule::builder().set_apply_server_side_encryption_by_default(default);
        Ok(made.set_bucket_key_enabled(rule.flag("BucketKeyEnabled")?).build())
    })?;
    wanted.none_left()?;
    ServerSideEncryptionConfiguration::builder().set_rules(rules).build().map_err(|why| built(&why))
}
