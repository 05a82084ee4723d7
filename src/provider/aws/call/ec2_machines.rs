//! EC2: images, launches, attachments, and what is done with snapshots besides making them.

use super::arguments::{Arguments, Taken};
use super::ec2::{Asked, tag_specifications};
use super::ec2_answers::{change, image, instance, lock, tier};
use super::json::{Object, only};
use super::{Doing, Looking, reply, unknown};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_ec2::types::{
    HttpTokensState, IamInstanceProfileSpecification, InstanceAttributeName, InstanceMetadataEndpointState,
    InstanceMetadataOptionsRequest, InstanceMetadataProtocolState, InstanceMetadataTagsState, InstanceType,
    LockMode, RunInstancesMonitoringEnabled,
};

/// Looks at images, attributes of instances, and what becomes of snapshots.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    match call.name() {
        "DescribeImages" => images(looking, call).await,
        "DescribeInstanceAttribute" => attribute(looking, call).await,
        "DescribeSnapshotTierStatus" => {
            let filters = Asked::of(call, "")?.filters;
            let send = |watch| {
                let sent = looking.site.ec2().describe_snapshot_tier_status().set_filters(filters.clone());
                sent.customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            let body = Object::default().list("SnapshotTierStatuses", answer.snapshot_tier_statuses(), tier);
            Ok(reply(body.json(), seen))
        }
        "DescribeLockedSnapshots" => {
            let ids = Asked::of(call, "SnapshotIds")?.ids;
            let send = |watch| {
                let sent = looking.site.ec2().describe_locked_snapshots().set_snapshot_ids(ids.clone());
                sent.customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            Ok(reply(Object::default().list("Snapshots", answer.snapshots(), lock).json(), seen))
        }
        _ => Err(unknown(call)),
    }
}

async fn images(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let asked = Asked::of(call, "ImageIds")?;
    let (mut all, mut next) = (Vec::new(), None::<String>);
    loop {
        let send = |watch| {
            let sent = looking.site.ec2().describe_images().set_image_ids(asked.ids.clone());
            let sent = sent.set_owners(asked.owners.clone()).set_filters(asked.filters.clone());
            let sent = sent.set_max_results(asked.page()).set_next_token(next.clone());
            sent.customize().interceptor(watch).send()
        };
        let (page, seen) = looking.send(send).await?;
        all.extend(page.images().iter().map(image));
        next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(reply(Object::default().with("Images", Some(all)).json(), seen));
        }
    }
}

async fn attribute(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let id = given.needed("InstanceId")?;
    let attribute = given.needed("Attribute")?;
    given.none_left()?;
    let send = |watch| {
        let sent = looking.site.ec2().describe_instance_attribute().instance_id(&id);
        let sent = sent.attribute(InstanceAttributeName::from(attribute.as_str()));
        sent.customize().interceptor(watch).send()
    };
    let (answer, seen) = looking.send(send).await?;
    let data = answer.user_data().and_then(|data| data.value()).filter(|data| !data.is_empty());
    let body = Object::default()
        .with("InstanceId", answer.instance_id())
        .with("UserData", data.map(|data| only("Value", Some(data))));
    Ok(reply(body.json(), seen))
}

/// Changes images, instances, attachments or snapshots.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    match call.name() {
        "CreateImage" => {
            let sent = doing.acting.ec2().create_image().instance_id(given.needed("InstanceId")?);
            let sent = sent.name(given.needed("Name")?).set_description(given.text("Description")?);
            let sent = sent.set_no_reboot(given.flag("NoReboot")?);
            let sent = sent.set_tag_specifications(tag_specifications(&mut given)?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            Ok(reply(only("ImageId", answer.image_id()), seen))
        }
        "CopyImage" => {
            let sent = doing.acting.ec2().copy_image().client_token(given.needed("ClientToken")?);
            let sent = sent.name(given.needed("Name")?).source_image_id(given.needed("SourceImageId")?);
            let sent = sent.source_region(given.needed("SourceRegion")?);
            let sent = sent.set_encrypted(given.flag("Encrypted")?).set_kms_key_id(given.text("KmsKeyId")?);
            let sent = sent.set_copy_image_tags(given.flag("CopyImageTags")?);
            let sent = sent.set_tag_specifications(tag_specifications(&mut given)?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            Ok(reply(only("ImageId", answer.image_id()), seen))
        }
        "DeregisterImage" => {
            let sent = doing.acting.ec2().deregister_image().image_id(given.needed("ImageId")?);
            let sent = sent.set_delete_associated_snapshots(given.flag("DeleteAssociatedSnapshots")?);
            given.none_left()?;
            let (_, seen) = doing.done(sent.send()).await?;
            Ok(reply(Object::default().json(), seen))
        }
        "RunInstances" => Box::pin(launch(doing, given)).await,
        "TerminateInstances" => {
            let sent = doing.acting.ec2().terminate_instances().set_instance_ids(given.texts("InstanceIds")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let body = Object::default().list("TerminatingInstances", answer.terminating_instances(), change);
            Ok(reply(body.json(), seen))
        }
        "AttachVolume" => {
            let sent = doing.acting.ec2().attach_volume().volume_id(given.needed("VolumeId")?);
            let sent = sent.instance_id(given.needed("InstanceId")?).device(given.needed("Device")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let body = Object::default()
                .with("VolumeId", answer.volume_id())
                .with("InstanceId", answer.instance_id())
                .with("Device", answer.device())
                .word("State", answer.state());
            Ok(reply(body.json(), seen))
        }
        "DetachVolume" => {
            let sent = doing.acting.ec2().detach_volume().volume_id(given.needed("VolumeId")?);
            let sent = sent.set_instance_id(given.text("InstanceId")?).set_device(given.text("Device")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let body = Object::default()
                .with("VolumeId", answer.volume_id())
                .with("InstanceId", answer.instance_id())
                .with("Device", answer.device())
                .word("State", answer.state());
            Ok(reply(body.json(), seen))
        }
        _ => keep(doing, call, given).await,
    }
}

/// Copies snapshots, locks them, and brings them back from the archive.
async fn keep(doing: &Doing<'_>, call: &Call, mut given: Arguments<'_>) -> Result<Reply, CallTrouble> {
    match call.name() {
        "CopySnapshot" => {
            let sent =
                doing.acting.ec2().copy_snapshot().source_snapshot_id(given.needed("SourceSnapshotId")?);
            let sent = sent.source_region(given.needed("SourceRegion")?);
            let sent = sent.set_description(given.text("Description")?);
            let sent = sent.set_encrypted(given.flag("Encrypted")?).set_kms_key_id(given.text("KmsKeyId")?);
            let sent = sent.set_tag_specifications(tag_specifications(&mut given)?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            Ok(reply(only("SnapshotId", answer.snapshot_id()), seen))
        }
        "RestoreSnapshotTier" => {
            let sent = doing.acting.ec2().restore_snapshot_tier().snapshot_id(given.needed("SnapshotId")?);
            let sent = sent.set_temporary_restore_days(given.number("TemporaryRestoreDays")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            Ok(reply(only("SnapshotId", answer.snapshot_id()), seen))
        }
        "LockSnapshot" => {
            let sent = doing.acting.ec2().lock_snapshot().snapshot_id(given.needed("SnapshotId")?);
            let sent = sent.lock_mode(LockMode::from(given.needed("LockMode")?.as_str()));
            let sent = sent.set_lock_duration(given.number("LockDuration")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let body = Object::default()
                .with("SnapshotId", answer.snapshot_id())
                .word("LockState", answer.lock_state())
                .with("LockDuration", answer.lock_duration())
                .at("LockExpiresOn", answer.lock_expires_on());
            Ok(reply(body.json(), seen))
        }
        "UnlockSnapshot" => {
            let sent = doing.acting.ec2().unlock_snapshot().snapshot_id(given.needed("SnapshotId")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            Ok(reply(only("SnapshotId", answer.snapshot_id()), seen))
        }
        _ => Err(unknown(call)),
    }
}

async fn launch(doing: &Doing<'_>, mut given: Arguments<'_>) -> Result<Reply, CallTrouble> {
    // The SDK would make a token of its own, by which nobody could tell later whether this call had happened.
    let token = given.needed("ClientToken")?;
    let kind = given.needed("InstanceType")?;
    let profile = given.within_it("IamInstanceProfile")?.map(profile).transpose()?;
    let options = given.within_it("MetadataOptions")?.map(options).transpose()?;
    let monitoring = given.within_it("Monitoring")?.map(monitoring).transpose()?;
    let sent = doing
        .acting
        .ec2()
        .run_instances()
        .client_token(token)
        .image_id(given.needed("ImageId")?)
        .instance_type(InstanceType::from(kind.as_str()))
        .set_min_count(given.number("MinCount")?)
        .set_max_count(given.number("MaxCount")?)
        .set_subnet_id(given.text("SubnetId")?)
        .set_security_group_ids(given.texts("SecurityGroupIds")?)
        .set_iam_instance_profile(profile)
        .set_key_name(given.text("KeyName")?)
        .set_user_data(given.text("UserData")?)
        .set_ebs_optimized(given.flag("EbsOptimized")?)
        .set_monitoring(monitoring)
        .set_metadata_options(options)
        .set_private_ip_address(given.text("PrivateIpAddress")?)
        .set_tag_specifications(tag_specifications(&mut given)?);
    given.none_left()?;
    let (answer, seen) = Box::pin(doing.done(sent.send())).await?;
    Ok(reply(Object::default().list("Instances", answer.instances(), instance).json(), seen))
}

fn profile(mut given: Arguments<'_>) -> Taken<IamInstanceProfileSpecification> {
    let built = IamInstanceProfileSpecification::builder();
    let built = built.set_arn(given.text("Arn")?).set_name(given.text("Name")?);
    given.none_left()?;
    Ok(built.build())
}

fn monitoring(mut given: Arguments<'_>) -> Taken<RunInstancesMonitoringEnabled> {
    let built = RunInstancesMonitoringEnabled::builder().set_enabled(given.flag("Enabled")?);
    given.none_left()?;
    Ok(built.build())
}

fn options(mut given: Arguments<'_>) -> Taken<InstanceMetadataOptionsRequest> {
    let word = |given: &mut Arguments<'_>, name: &str| given.text(name);
    let tokens = word(&mut given, "HttpTokens")?;
    let endpoint = word(&mut given, "HttpEndpoint")?;
    let protocol = word(&mut given, "HttpProtocolIpv6")?;
    let tags = word(&mut given, "InstanceMetadataTags")?;
    let built = InstanceMetadataOptionsRequest::builder()
        .set_http_tokens(tokens.as_deref().map(HttpTokensState::from))
        .set_http_put_response_hop_limit(given.number("HttpPutResponseHopLimit")?)
        .set_http_endpoint(endpoint.as_deref().map(InstanceMetadataEndpointState::from))
        .set_http_protocol_ipv6(protocol.as_deref().map(InstanceMetadataProtocolState::from))
        .set_instance_metadata_tags(tags.as_deref().map(InstanceMetadataTagsState::from));
    given.none_left()?;
    Ok(built.build())
}
