//! What EC2 answers, as JSON.

use super::json::{Object, only, tag};
use aws_sdk_ec2::operation::create_snapshot::CreateSnapshotOutput;
use aws_sdk_ec2::operation::create_volume::CreateVolumeOutput;
use aws_sdk_ec2::types::{
    Image, Instance, InstanceMetadataOptionsResponse, InstanceNetworkInterface, InstanceState,
    InstanceStateChange, InstanceStatus, InstanceStatusSummary, LockedSnapshotsInfo, Snapshot,
    SnapshotTierStatus, Tag, Volume,
};
use serde_json::Value;

fn tags(object: Object, tags: &[Tag]) -> Object {
    object.list("Tags", tags, |one| tag(one.key(), one.value()))
}

/// Returns a snapshot.
pub(super) fn snapshot(snapshot: &Snapshot) -> Value {
    let told = Object::default()
        .with("SnapshotId", snapshot.snapshot_id())
        .with("VolumeId", snapshot.volume_id())
        .word("State", snapshot.state())
        .with("StateMessage", snapshot.state_message())
        .with("Progress", snapshot.progress())
        .at("StartTime", snapshot.start_time())
        .with("VolumeSize", snapshot.volume_size())
        .with("Encrypted", snapshot.encrypted())
        .with("KmsKeyId", snapshot.kms_key_id())
        .word("StorageTier", snapshot.storage_tier())
        .at("RestoreExpiryTime", snapshot.restore_expiry_time())
        .with("Description", snapshot.description());
    tags(told, snapshot.tags()).json()
}

/// Returns a snapshot that was just begun.
pub(super) fn created_snapshot(snapshot: &CreateSnapshotOutput) -> Value {
    let told = Object::default()
        .with("SnapshotId", snapshot.snapshot_id())
        .with("VolumeId", snapshot.volume_id())
        .word("State", snapshot.state())
        .at("StartTime", snapshot.start_time())
        .with("VolumeSize", snapshot.volume_size());
    tags(told, snapshot.tags()).json()
}

/// Returns a volume.
pub(super) fn volume(volume: &Volume) -> Value {
    let told = Object::default()
        .with("VolumeId", volume.volume_id())
        .word("State", volume.state())
        .with("AvailabilityZone", volume.availability_zone())
        .with("Size", volume.size())
        .word("VolumeType", volume.volume_type())
        .with("Iops", volume.iops())
        .with("Throughput", volume.throughput())
        .with("Encrypted", volume.encrypted())
        .with("KmsKeyId", volume.kms_key_id())
        .with("SnapshotId", volume.snapshot_id().filter(|id| !id.is_empty()))
        .at("CreateTime", volume.create_time())
        .with("MultiAttachEnabled", volume.multi_attach_enabled())
        .list("Attachments", volume.attachments(), |one| {
            Object::default()
                .with("InstanceId", one.instance_id())
                .with("Device", one.device())
                .word("State", one.state())
                .with("DeleteOnTermination", one.delete_on_termination())
                .json()
        });
    tags(told, volume.tags()).json()
}

/// Returns a volume that was just made.
pub(super) fn created_volume(volume: &CreateVolumeOutput) -> Value {
    let told = Object::default()
        .with("VolumeId", volume.volume_id())
        .word("State", volume.state())
        .with("AvailabilityZone", volume.availability_zone())
        .with("Size", volume.size())
        .word("VolumeType", volume.volume_type())
        .with("SnapshotId", volume.snapshot_id().filter(|id| !id.is_empty()))
        .at("CreateTime", volume.create_time());
    tags(told, volume.tags()).json()
}

fn state(state: &InstanceState) -> Value {
    only("Name", state.name().map(AsRef::as_ref))
}

/// Returns an instance.
pub(super) fn instance(instance: &Instance) -> Value {
    let reason = instance
        .state_reason()
        .map(|reason| Object::default().with("Code", reason.code()).with("Message", reason.message()).json());
    let placement =
        instance.placement().map(|placement| only("AvailabilityZone", placement.availability_zone()));
    let profile = instance.iam_instance_profile().map(|profile| only("Arn", profile.arn()));
    let monitoring = instance
        .monitoring()
        .map(|monitoring| only("State", monitoring.state().map(aws_sdk_ec2::types::MonitoringState::as_str)));
    let told = Object::default()
        .with("InstanceId", instance.instance_id())
        .with("State", instance.state().map(state))
        .with("StateReason", reason)
        .with("StateTransitionReason", instance.state_transition_reason())
        .word("InstanceType", instance.instance_type())
        .with("ImageId", instance.image_id())
        .with("Placement", placement)
        .with("PrivateIpAddress", instance.private_ip_address())
        .with("PublicIpAddress", instance.public_ip_address())
        .word("RootDeviceType", instance.root_device_type())
        .at("LaunchTime", instance.launch_time())
        .with("RootDeviceName", instance.root_device_name())
        .with("SubnetId", instance.subnet_id())
        .with("VpcId", instance.vpc_id())
        .with("IamInstanceProfile", profile)
        .with("KeyName", instance.key_name())
        .with("EbsOptimized", instance.ebs_optimized())
        .with("SourceDestCheck", instance.source_dest_check())
        .with("Monitoring", monitoring)
        .with("MetadataOptions", instance.metadata_options().map(metadata))
        .list("SecurityGroups", instance.security_groups(), |one| only("GroupId", one.group_id()))
        .list("NetworkInterfaces", instance.network_interfaces(), card)
        .list("BlockDeviceMappings", instance.block_device_mappings(), |one| {
            Object::default()
                .with("DeviceName", one.device_name())
                .with("Ebs", one.ebs().map(|ebs| only("VolumeId", ebs.volume_id())))
                .json()
        });
    tags(told, instance.tags()).json()
}

fn metadata(options: &InstanceMetadataOptionsResponse) -> Value {
    Object::default()
        .word("HttpTokens", options.http_tokens())
        .with("HttpPutResponseHopLimit", options.http_put_response_hop_limit())
        .word("HttpEndpoint", options.http_endpoint())
        .word("HttpProtocolIpv6", options.http_protocol_ipv6())
        .word("InstanceMetadataTags", options.instance_metadata_tags())
        .json()
}

fn card(card: &InstanceNetworkInterface) -> Value {
    let association = card.association();
    Object::default()
        .with("NetworkInterfaceId", card.network_interface_id())
        .with("PublicIp", association.and_then(|association| association.public_ip()))
        .with("IpOwnerId", association.and_then(|association| association.ip_owner_id()))
        .json()
}

/// Returns an image.
pub(super) fn image(image: &Image) -> Value {
    let reason = image
        .state_reason()
        .map(|reason| Object::default().with("Code", reason.code()).with("Message", reason.message()).json());
    let told = Object::default()
        .with("ImageId", image.image_id())
        .with("Name", image.name())
        .word("State", image.state())
        .with("StateReason", reason)
        .with("CreationDate", image.creation_date())
        .word("Architecture", image.architecture())
        .with("RootDeviceName", image.root_device_name())
        .with("SourceInstanceId", image.source_instance_id())
        .with("SourceImageId", image.source_image_id())
        .list("BlockDeviceMappings", image.block_device_mappings(), |one| {
            let ebs = one.ebs().map(|ebs| {
                Object::default()
                    .with("SnapshotId", ebs.snapshot_id())
                    .with("Encrypted", ebs.encrypted())
                    .with("VolumeSize", ebs.volume_size())
                    .json()
            });
            Object::default().with("DeviceName", one.device_name()).with("Ebs", ebs).json()
        });
    tags(told, image.tags()).json()
}

/// Returns where a snapshot is on its way into the archive or out of it.
pub(super) fn tier(status: &SnapshotTierStatus) -> Value {
    Object::default()
        .with("SnapshotId", status.snapshot_id())
        .word("StorageTier", status.storage_tier())
        .word("LastTieringOperationStatus", status.last_tiering_operation_status())
        .with("LastTieringOperationStatusDetail", status.last_tiering_operation_status_detail())
        .with("LastTieringProgress", status.last_tiering_progress())
        .at("RestoreExpiryTime", status.restore_expiry_time())
        .json()
}

/// Returns the lock of a snapshot.
pub(super) fn lock(lock: &LockedSnapshotsInfo) -> Value {
    Object::default()
        .with("SnapshotId", lock.snapshot_id())
        .word("LockState", lock.lock_state())
        .with("LockDuration", lock.lock_duration())
        .at("LockExpiresOn", lock.lock_expires_on())
        .json()
}

/// Returns the checks of an instance.
pub(super) fn status(status: &InstanceStatus) -> Value {
    let summary = |of: &InstanceStatusSummary| only("Status", of.status().map(AsRef::as_ref));
    Object::default()
        .with("InstanceId", status.instance_id())
        .with("InstanceState", status.instance_state().map(state))
        .with("SystemStatus", status.system_status().map(summary))
        .with("InstanceStatus", status.instance_status().map(summary))
        .json()
}

/// Returns what became of an instance.
pub(super) fn change(change: &InstanceStateChange) -> Value {
    Object::default()
        .with("InstanceId", change.instance_id())
        .with("CurrentState", change.current_state().map(state))
        .with("PreviousState", change.previous_state().map(state))
        .json()
}
