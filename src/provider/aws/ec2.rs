//! EC2: instances with their checks, volumes, snapshots and own images (E1 to E4).

use super::convert::{Settings, gibibytes, moment};
use super::fault::Fault;
use super::operation::{
    DESCRIBE_IMAGES, DESCRIBE_INSTANCE_STATUS, DESCRIBE_INSTANCES, DESCRIBE_SNAPSHOTS, DESCRIBE_VOLUMES,
};
use super::reader::{Gathered, Pages, Reader};
use crate::domain::Text;
use crate::domain::condition::{Condition, Health, Incident};
use crate::domain::estate::{Component, Selector};
use crate::domain::recovery_point::{Holds, PointKind, PointStatus, RecoveryPoint};
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use aws_sdk_ec2::types::{
    Filter, Image, ImageState, Instance, InstanceStateName, InstanceStatus, Snapshot, SnapshotState,
    StorageTier, SummaryStatus, Tag, Volume, VolumeState,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// The most that EC2 puts on a page.
const PAGE: i32 = 1_000;
/// How long a snapshot takes to come back from the archive, at most (E3).
const FROM_ARCHIVE: Duration = Duration::from_secs(72 * 3600);

/// Reads every own snapshot of a Region, once for all who ask.
async fn own_snapshots(reader: &Reader<'_>) -> Result<Arc<Vec<Snapshot>>, Fault> {
    let list = || async {
        let (mut all, mut token) = (Vec::new(), None::<String>);
        loop {
            let send = || {
                let call = reader.site.ec2().describe_snapshots().owner_ids("self").max_results(PAGE);
                call.set_next_token(token.clone()).send()
            };
            let page = reader.call(&DESCRIBE_SNAPSHOTS, send).await?;
            all.extend(page.snapshots.unwrap_or_default());
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared("ec2 own snapshots", list).await
}

/// Reads every own image of a Region, once for all who ask.
async fn own_images(reader: &Reader<'_>) -> Result<Arc<Vec<Image>>, Fault> {
    let list = || async {
        let (mut all, mut token) = (Vec::new(), None::<String>);
        loop {
            let send = || {
                let call = reader.site.ec2().describe_images().owners("self").max_results(PAGE);
                call.set_next_token(token.clone()).send()
            };
            let page = reader.call(&DESCRIBE_IMAGES, send).await?;
            all.extend(page.images.unwrap_or_default());
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared("ec2 own images", list).await
}

/// Reads every volume of a Region, once for all who ask.
///
/// # Errors
/// When they cannot be listed.
pub(super) async fn volumes(reader: &Reader<'_>) -> Result<Arc<Vec<Volume>>, Fault> {
    let list = || async {
        let (mut all, mut token) = (Vec::new(), None::<String>);
        loop {
            let send = || {
                let call = reader.site.ec2().describe_volumes().max_results(500);
                call.set_next_token(token.clone()).send()
            };
            let page = reader.call(&DESCRIBE_VOLUMES, send).await?;
            all.extend(page.volumes.unwrap_or_default());
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared("ec2 volumes", list).await
}

/// Reads every instance of a Region, once for all who ask.
///
/// # Errors
/// When they cannot be listed.
pub(super) async fn instances(reader: &Reader<'_>) -> Result<Arc<Vec<Instance>>, Fault> {
    let list = || async {
        let (mut all, mut token) = (Vec::new(), None::<String>);
        loop {
            let send = || {
                let call = reader.site.ec2().describe_instances().max_results(PAGE);
                call.set_next_token(token.clone()).send()
            };
            let page = reader.call(&DESCRIBE_INSTANCES, send).await?;
            let reservations = page.reservations.unwrap_or_default();
            all.extend(reservations.into_iter().flat_map(|one| one.instances.unwrap_or_default()));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared("ec2 instances", list).await
}

async fn instance_statuses(reader: &Reader<'_>) -> Result<Arc<Vec<InstanceStatus>>, Fault> {
    let list = || async {
        let (mut all, mut token) = (Vec::new(), None::<String>);
        loop {
            let send = || {
                let call = reader.site.ec2().describe_instance_status().include_all_instances(true);
                call.max_results(PAGE).set_next_token(token.clone()).send()
            };
            let page = reader.call(&DESCRIBE_INSTANCE_STATUS, send).await?;
            all.extend(page.instance_statuses.unwrap_or_default());
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared("ec2 instance status", list).await
}

fn carries(tags: &[Tag], component: &Component, id: &str) -> bool {
    let selected = |tag: &Tag| match &component.selector {
        Some(Selector::Tag { key, value }) => {
            tag.key() == Some(key.as_str()) && tag.value() == Some(value.as_str())
        }
        _ => false,
    };
    // Backup tools write the volume or instance, or its ARN, into a tag of what they make of it.
    let names =
        |tag: &Tag| tag.value().is_some_and(|value| value == id || value.ends_with(&format!("/{id}")));
    tags.iter().any(|tag| selected(tag) || names(tag))
}

/// Returns from when the original of a copy of ours is.
fn taken_at(tags: &[Tag]) -> Option<Timestamp> {
    tags.iter().find(|tag| tag.key() == Some("lifeboat:taken-at"))?.value()?.parse().ok()
}

/// Returns the snapshot that a description of EC2's own making names: `[Copied snap-1 from us-east-2]`.
fn copied_from(description: &str) -> Option<&str> {
    description.split_once("[Copied ")?.1.split_whitespace().next()
}

/// Reads the snapshots of the volume `id` at the reader's place. In other places a copy is told by its tags, its
/// description or its data key: its own `VolumeId` is arbitrary (E2).
pub(super) async fn volume_points(reader: &Reader<'_>, component: &Component, id: &str) -> Gathered {
    let mut gathered = Gathered::default();
    if reader.site.place == component.home {
        gathered.add_pages(&DESCRIBE_SNAPSHOTS.source(), snapshots_of(reader, id).await);
        if matches!(component.selector, Some(Selector::Tag { .. })) {
            match own_snapshots(reader).await {
                Err(fault) => gathered.lacks(fault),
                Ok(all) => {
                    let others = all.iter().filter(|one| one.volume_id() != Some(id));
                    let tagged = others.filter(|one| carries(one.tags(), component, id));
                    let points = tagged.filter_map(|one| snapshot_point(reader, one, true)).collect();
                    gathered.add(&DESCRIBE_SNAPSHOTS.source(), Ok(points));
                }
            }
        }
        return gathered;
    }
    let originals = match reader.elsewhere(&component.home).await {
        Ok(home) => own_snapshots(&home).await,
        Err(fault) => Err(fault),
    };
    let own = |all: &Arc<Vec<Snapshot>>| -> Vec<Snapshot> {
        all.iter().filter(|one| one.volume_id() == Some(id)).cloned().collect()
    };
    let (originals, fault) = match originals {
        Ok(all) => (own(&all), None),
        Err(fault) => (Vec::new(), Some(fault)),
    };
    let ids: BTreeSet<&str> = originals.iter().filter_map(Snapshot::snapshot_id).collect();
    let keys: BTreeSet<&str> = originals.iter().filter_map(Snapshot::data_encryption_key_id).collect();
    match own_snapshots(reader).await {
        Err(fault) => gathered.lacks(fault),
        Ok(all) => {
            let is_copy = |one: &&Snapshot| {
                carries(one.tags(), component, id)
                    || one.data_encryption_key_id().is_some_and(|key| keys.contains(key))
                    || one.description().and_then(copied_from).is_some_and(|source| ids.contains(source))
            };
            let points = all.iter().filter(is_copy).filter_map(|one| {
                let mut point = snapshot_point(reader, one, true)?;
                // A copy was started when it was copied; what is in it is from when its original was.
                let source = one.description().and_then(copied_from);
                let original =
                    originals.iter().find(|known| source.is_some() && known.snapshot_id() == source);
                // When the Region of the original is lost, only the copy itself can say it.
                let at = original.and_then(|original| moment(original.start_time()));
                point.holds = at.or_else(|| taken_at(one.tags())).map_or(point.holds, Holds::Until);
                Some(point)
            });
            let points = points.collect();
            gathered.add(&DESCRIBE_SNAPSHOTS.source(), Ok(points));
            // Copies without a telling tag are known by their originals only.
            if let Some(fault) = fault {
                gathered.lacks(fault);
            }
        }
    }
    gathered
}

async fn snapshots_of(reader: &Reader<'_>, volume: &str) -> Pages {
    let (mut pages, mut token) = (Pages::default(), None::<String>);
    loop {
        let send = || {
            let of_it = Filter::builder().name("volume-id").values(volume).build();
            let call = reader.site.ec2().describe_snapshots().owner_ids("self").filters(of_it);
            call.max_results(PAGE).set_next_token(token.clone()).send()
        };
        match reader.call(&DESCRIBE_SNAPSHOTS, send).await {
            Err(fault) => {
                pages.fault = Some(fault);
                return pages;
            }
            Ok(page) => {
                token = page.next_token.filter(|token| !token.is_empty());
                let found = page.snapshots.unwrap_or_default();
                let points = found.iter().filter_map(|one| snapshot_point(reader, one, false)).collect();
                pages.page(reader.news, points, token.is_none());
                if token.is_none() {
                    return pages;
                }
            }
        }
    }
}

/// Returns a snapshot as a point: it holds what was on the volume at its `StartTime`, once it is complete (E1).
fn snapshot_point(reader: &Reader<'_>, snapshot: &Snapshot, copy: bool) -> Option<RecoveryPoint> {
    let at = moment(snapshot.start_time())?;
    let kind = if copy { PointKind::SnapshotCopy } else { PointKind::Snapshot };
    let id = snapshot.snapshot_id()?;
    let mut point = RecoveryPoint::new(id, kind, reader.site.place.clone(), Holds::Until(at));
    point.status = match snapshot.state() {
        Some(SnapshotState::Completed) => PointStatus::Available,
        Some(SnapshotState::Pending) => PointStatus::Pending,
        Some(SnapshotState::Error) => {
            let why = snapshot.state_message().filter(|why| !why.is_empty());
            PointStatus::Failed(Text::new(why.unwrap_or("the snapshot failed")))
        }
        Some(SnapshotState::Recoverable | SnapshotState::Recovering) => {
            PointStatus::Failed("it lies in the recycle bin".into())
        }
        other => PointStatus::Unrecognised(Text::new(other.map_or("none", SnapshotState::as_str))),
    };
    point.retrieval = is_archived(snapshot).then_some(FROM_ARCHIVE);
    point.key = snapshot.kms_key_id().filter(|key| !key.is_empty()).map(Into::into);
    point.size_bytes = gibibytes(snapshot.volume_size());
    Some(point)
}

/// Says whether a snapshot has to come back from the archive first; it may be back for a time (E3).
fn is_archived(snapshot: &Snapshot) -> bool {
    let back_until = moment(snapshot.restore_expiry_time());
    snapshot.storage_tier() == Some(&StorageTier::Archive)
        && back_until.is_none_or(|until| until <= SystemClock.now())
}

/// Reads the images of the instance `id` at the reader's place.
pub(super) async fn image_points(reader: &Reader<'_>, component: &Component, id: &str) -> Gathered {
    let mut gathered = Gathered::default();
    let at_home = reader.site.place == component.home;
    let images = match own_images(reader).await {
        Ok(images) => images,
        Err(fault) => {
            gathered.lacks(fault);
            return gathered;
        }
    };
    let is_of_it =
        |image: &Image| carries(image.tags(), component, id) || image.source_instance_id() == Some(id);
    let mut sources: BTreeMap<String, Option<Timestamp>> = BTreeMap::new();
    if !at_home {
        let originals = match reader.elsewhere(&component.home).await {
            Ok(home) => own_images(&home).await,
            Err(fault) => Err(fault),
        };
        match originals {
            Ok(all) => {
                let of_it = all.iter().filter(|image| is_of_it(image));
                let made = |image: &Image| image.creation_date().and_then(|date| date.parse().ok());
                sources.extend(of_it.filter_map(|image| Some((image.image_id()?.to_owned(), made(image)))));
            }
            Err(fault) => gathered.lacks(fault),
        }
    }
    let snapshots = own_snapshots(reader).await;
    if let Err(fault) = &snapshots {
        gathered.lacks(fault.clone());
    }
    let original = |image: &Image| image.source_image_id().and_then(|source| sources.get(source));
    let found = images.iter().filter(|image| is_of_it(image) || original(image).is_some());
    let snapshots = snapshots.as_deref().map_or([].as_slice(), Vec::as_slice);
    let points = found.filter_map(|image| {
        let mut point = image_point(reader, image, snapshots)?;
        // A copy was made when it was copied; what is in it is from when its original was made.
        if let Some(Some(at)) = original(image) {
            point.holds = Holds::Until(*at);
        }
        Some(point)
    });
    let points = points.collect();
    gathered.add(&DESCRIBE_IMAGES.source(), Ok(points));
    gathered
}

fn image_point(reader: &Reader<'_>, image: &Image, snapshots: &[Snapshot]) -> Option<RecoveryPoint> {
    let at: Timestamp = image.creation_date()?.parse().ok()?;
    let id = image.image_id()?;
    let mut point = RecoveryPoint::new(id, PointKind::Image, reader.site.place.clone(), Holds::Until(at));
    point.status = match image.state() {
        Some(ImageState::Available) => PointStatus::Available,
        Some(ImageState::Pending | ImageState::Transient) => PointStatus::Pending,
        other => {
            let why = image.state_reason().and_then(|reason| reason.message());
            {
                let state = other.map_or("no state", ImageState::as_str);
                PointStatus::Failed(Text::new(why.unwrap_or(if state == "failed" {
                    "no reason is told"
                } else {
                    state
                })))
            }
        }
    };
    let disks = image.block_device_mappings().iter().filter_map(|mapping| mapping.ebs());
    let disks: Vec<_> = disks.collect();
    let snapshot = |id: &str| snapshots.iter().find(|snapshot| snapshot.snapshot_id() == Some(id));
    let of_disks = || disks.iter().filter_map(|disk| snapshot(disk.snapshot_id()?));
    point.key = of_disks().find_map(|one| one.kms_key_id().filter(|key| !key.is_empty())).map(Into::into);
    // An image is as slow to come back as the slowest of its disks.
    point.retrieval = of_disks().any(is_archived).then_some(FROM_ARCHIVE);
    point.size_bytes = gibibytes(Some(disks.iter().filter_map(|disk| disk.volume_size()).sum()));
    Some(point)
}

/// Reads how the instance is and what would have to be given to a new one (E7).
///
/// # Errors
/// When the instances of the Region cannot be listed.
pub(super) async fn instance_condition(
    reader: &Reader<'_>,
    id: &str,
) -> Result<(Condition, Option<Fault>), Fault> {
    let instances = instances(reader).await?;
    let Some(instance) = instances.iter().find(|instance| instance.instance_id() == Some(id)) else {
        let status = Text::new(&format!("there is no instance {id} in {}", reader.site.place.region));
        return Ok((Condition::gone(status), None));
    };
    let statuses = instance_statuses(reader).await;
    let (statuses, fault) = match statuses {
        Ok(statuses) => (statuses, None),
        Err(fault) => (Arc::default(), Some(fault)),
    };
    let checks = statuses.iter().find(|status| status.instance_id() == Some(id));
    let state = instance.state().and_then(|state| state.name());
    let word = state.map_or("unknown", InstanceStateName::as_str);
    let passed = |summary: Option<&SummaryStatus>| summary == Some(&SummaryStatus::Ok);
    let (health, status) = match (state, checks) {
        (Some(InstanceStateName::Running), Some(checks)) => {
            let system = checks.system_status().and_then(|summary| summary.status());
            let own = checks.instance_status().and_then(|summary| summary.status());
            let count = usize::from(passed(system)) + usize::from(passed(own));
            let starting = [system, own].contains(&Some(&SummaryStatus::Initializing));
            let health = if count == 2 || starting { Health::Healthy } else { Health::Impaired };
            (health, format!("{word}, {count} of 2 checks passed"))
        }
        (Some(InstanceStateName::Running), None) => (Health::Healthy, format!("{word}, checks not known")),
        (Some(InstanceStateName::Terminated), _) => (Health::Gone, word.to_owned()),
        (Some(InstanceStateName::Pending), _) => (Health::Impaired, word.to_owned()),
        _ => (Health::Down, word.to_owned()),
    };
    let events = checks.map_or([].as_slice(), |checks| checks.events());
    let incidents =
        events.iter().filter(|event| !event.description().unwrap_or_default().starts_with("[Completed]"));
    let incidents = incidents.filter_map(|event| {
        let says = format!("AWS plans: {}", event.description()?);
        Some(Incident {
            code: "warn-scheduled".into(),
            at: moment(event.not_before())?,
            says: Text::new(&says),
        })
    });
    let condition = Condition {
        health,
        status: Text::new(&status),
        created_at: moment(instance.launch_time()),
        settings: instance_settings(instance).0,
        incidents: incidents.collect(),
    };
    Ok((condition, fault))
}

/// What does not come with an image (E7).
fn instance_settings(instance: &Instance) -> Settings {
    let mut all = Settings::default();
    all.maybe("InstanceType", instance.instance_type().map(|kind| kind.as_str().to_owned()));
    all.maybe("ImageId", instance.image_id());
    all.maybe("AvailabilityZone", instance.placement().and_then(|placement| placement.availability_zone()));
    all.maybe("SubnetId", instance.subnet_id());
    all.maybe("VpcId", instance.vpc_id());
    all.list("SecurityGroups", instance.security_groups().iter().filter_map(|group| group.group_id()));
    all.maybe("IamInstanceProfile", instance.iam_instance_profile().and_then(|profile| profile.arn()));
    all.maybe("KeyName", instance.key_name());
    all.maybe("PrivateIpAddress", instance.private_ip_address());
    all.maybe("PublicIpAddress", instance.public_ip_address());
    all.maybe("EbsOptimized", instance.ebs_optimized());
    all.maybe("SourceDestCheck", instance.source_dest_check());
    all.maybe("RootDeviceName", instance.root_device_name());
    let disks = instance
        .block_device_mappings()
        .iter()
        .filter_map(|mapping| Some(format!("{}={}", mapping.device_name()?, mapping.ebs()?.volume_id()?)));
    all.list("BlockDevices", disks);
    all.list(
        "NetworkInterfaces",
        instance.network_interfaces().iter().filter_map(|card| card.network_interface_id()),
    );
    for tag in instance.tags() {
        all.put(&format!("Tag {}", tag.key().unwrap_or_default()), tag.value().unwrap_or_default());
    }
    all
}

/// Reads how the volume is and what a restore would not give it.
///
/// # Errors
/// When the volumes of the Region cannot be listed.
pub(super) async fn volume_condition(
    reader: &Reader<'_>,
    id: &str,
) -> Result<(Condition, Option<Fault>), Fault> {
    let volumes = volumes(reader).await?;
    let Some(volume) = volumes.iter().find(|volume| volume.volume_id() == Some(id)) else {
        let status = Text::new(&format!("there is no volume {id} in {}", reader.site.place.region));
        return Ok((Condition::gone(status), None));
    };
    let state = volume.state();
    let word = state.map_or("unknown", VolumeState::as_str);
    let health = match state {
        Some(VolumeState::InUse | VolumeState::Available) => Health::Healthy,
        Some(VolumeState::Creating) => Health::Impaired,
        Some(VolumeState::Deleted | VolumeState::Deleting) => Health::Gone,
        _ => Health::Down,
    };
    let mut settings = Settings::default();
    settings.maybe("VolumeType", volume.volume_type().map(|kind| kind.as_str().to_owned()));
    settings.maybe("Size", volume.size());
    settings.maybe("Iops", volume.iops());
    settings.maybe("Throughput", volume.throughput());
    settings.maybe("AvailabilityZone", volume.availability_zone());
    settings.maybe("Encrypted", volume.encrypted());
    settings.maybe("KmsKeyId", volume.kms_key_id());
    settings.maybe("MultiAttachEnabled", volume.multi_attach_enabled());
    let attached = volume
        .attachments()
        .iter()
        .filter_map(|attachment| Some(format!("{} as {}", attachment.instance_id()?, attachment.device()?)));
    settings.list("Attachments", attached);
    for tag in volume.tags() {
        settings.put(&format!("Tag {}", tag.key().unwrap_or_default()), tag.value().unwrap_or_default());
    }
    let tags: Vec<(String, String)> = volume
        .tags()
        .iter()
        .map(|tag| (tag.key().unwrap_or_default().to_owned(), tag.value().unwrap_or_default().to_owned()))
        .collect();
    let (policies, fault) = match super::dlm::policies(reader).await {
        Ok(policies) => (policies, None),
        Err(fault) => (Arc::default(), Some(fault)),
    };
    let of_it: Vec<_> = policies.iter().filter(|policy| policy.applies_to(&tags)).collect();
    settings.list("LifecyclePolicies", of_it.iter().map(|policy| policy.shown()));
    let condition = Condition {
        health,
        status: Text::new(word),
        created_at: moment(volume.create_time()),
        settings: settings.0,
        incidents: of_it.iter().filter_map(|policy| policy.incident(SystemClock.now())).collect(),
    };
    Ok((condition, fault))
}
