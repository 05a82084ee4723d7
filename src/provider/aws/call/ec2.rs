//! EC2: volumes, snapshots and instances.

use super::arguments::{Arguments, Taken};
use super::ec2_answers::{change, created_snapshot, created_volume, instance, snapshot, status, volume};
use super::json::Object;
use super::{Doing, Looking, ec2_machines, reply};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification, VolumeType};

/// The most that EC2 puts on a page of volumes; of most else it is more.
const PAGE: i32 = 500;

/// What a list is asked for.
pub(super) struct Asked {
    pub(super) ids: Option<Vec<String>>,
    pub(super) owners: Option<Vec<String>>,
    pub(super) filters: Option<Vec<Filter>>,
}

impl Asked {
    /// Takes what is asked: ids by the name that the operation gives them, or filters.
    pub(super) fn of(call: &Call, ids: &str) -> Taken<Self> {
        let mut given = Arguments::of(call);
        let filters = given.each("Filters", |filter| {
            let name = filter.needed("Name")?;
            Ok(Filter::builder().name(name).set_values(filter.texts("Values")?).build())
        })?;
        let owners = match ids {
            "SnapshotIds" => given.texts("OwnerIds")?,
            "ImageIds" => given.texts("Owners")?,
            _ => None,
        };
        let asked = Self { ids: given.texts(ids)?, owners, filters };
        given.none_left()?;
        Ok(asked)
    }

    /// Returns how much comes on a page: EC2 cuts no list into pages that is asked for by ids.
    pub(super) fn page(&self) -> Option<i32> {
        self.ids.is_none().then_some(PAGE)
    }
}

/// Looks at snapshots, volumes or instances; lists are read to their end.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    match call.name() {
        "DescribeSnapshots" => snapshots(looking, call).await,
        "DescribeVolumes" => volumes(looking, call).await,
        "DescribeInstances" => instances(looking, call).await,
        "DescribeInstanceStatus" => statuses(looking, call).await,
        _ => ec2_machines::look(looking, call).await,
    }
}

async fn snapshots(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let asked = Asked::of(call, "SnapshotIds")?;
    let (mut all, mut next) = (Vec::new(), None::<String>);
    loop {
        let send = |watch| {
            let sent = looking.site.ec2().describe_snapshots().set_snapshot_ids(asked.ids.clone());
            let sent = sent.set_owner_ids(asked.owners.clone()).set_filters(asked.filters.clone());
            let sent = sent.set_max_results(asked.page()).set_next_token(next.clone());
            sent.customize().interceptor(watch).send()
        };
        let (page, seen) = looking.send(send).await?;
        all.extend(page.snapshots().iter().map(snapshot));
        next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(reply(Object::default().with("Snapshots", Some(all)).json(), seen));
        }
    }
}

async fn volumes(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let asked = Asked::of(call, "VolumeIds")?;
    let (mut all, mut next) = (Vec::new(), None::<String>);
    loop {
        let send = |watch| {
            let sent = looking.site.ec2().describe_volumes().set_volume_ids(asked.ids.clone());
            let sent = sent.set_filters(asked.filters.clone());
            let sent = sent.set_max_results(asked.page()).set_next_token(next.clone());
            sent.customize().interceptor(watch).send()
        };
        let (page, seen) = looking.send(send).await?;
        all.extend(page.volumes().iter().map(volume));
        next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(reply(Object::default().with("Volumes", Some(all)).json(), seen));
        }
    }
}

async fn instances(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let asked = Asked::of(call, "InstanceIds")?;
    let (mut all, mut next) = (Vec::new(), None::<String>);
    loop {
        let send = |watch| {
            let sent = looking.site.ec2().describe_instances().set_instance_ids(asked.ids.clone());
            let sent = sent.set_filters(asked.filters.clone());
            let sent = sent.set_max_results(asked.page()).set_next_token(next.clone());
            sent.customize().interceptor(watch).send()
        };
        let (page, seen) = looking.send(send).await?;
        all.extend(page.reservations().iter().flat_map(|one| one.instances().iter().map(instance)));
        next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(reply(Object::default().with("Instances", Some(all)).json(), seen));
        }
    }
}

async fn statuses(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let ids = given.texts("InstanceIds")?;
    let with_all = given.flag("IncludeAllInstances")?;
    given.none_left()?;
    let page_size = ids.is_none().then_some(PAGE);
    let (mut all, mut next) = (Vec::new(), None::<String>);
    loop {
        let send = |watch| {
            let sent = looking.site.ec2().describe_instance_status().set_instance_ids(ids.clone());
            let sent = sent.set_include_all_instances(with_all);
            let sent = sent.set_max_results(page_size).set_next_token(next.clone());
            sent.customize().interceptor(watch).send()
        };
        let (page, seen) = looking.send(send).await?;
        all.extend(page.instance_statuses().iter().map(status));
        next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if next.is_none() {
            return Ok(reply(Object::default().with("InstanceStatuses", Some(all)).json(), seen));
        }
    }
}

/// Changes volumes, snapshots or instances.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    match call.name() {
        "CreateVolume" => create_volume(doing, given).await,
        "CreateSnapshot" => {
            let sent = doing.acting.ec2().create_snapshot().volume_id(given.needed("VolumeId")?);
            let sent = sent.set_description(given.text("Description")?);
            let sent = sent.set_tag_specifications(tag_specifications(&mut given)?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            Ok(reply(created_snapshot(&answer), seen))
        }
        "DeleteVolume" => {
            let sent = doing.acting.ec2().delete_volume().volume_id(given.needed("VolumeId")?);
            given.none_left()?;
            let (_, seen) = doing.done(sent.send()).await?;
            Ok(reply(Object::default().json(), seen))
        }
        "DeleteSnapshot" => {
            let sent = doing.acting.ec2().delete_snapshot().snapshot_id(given.needed("SnapshotId")?);
            given.none_left()?;
            let (_, seen) = doing.done(sent.send()).await?;
            Ok(reply(Object::default().json(), seen))
        }
        "StopInstances" => {
            let sent = doing.acting.ec2().stop_instances().set_instance_ids(given.texts("InstanceIds")?);
            let sent = sent.set_force(given.flag("Force")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let body = Object::default().list("StoppingInstances", answer.stopping_instances(), change);
            Ok(reply(body.json(), seen))
        }
        "StartInstances" => {
            let sent = doing.acting.ec2().start_instances().set_instance_ids(given.texts("InstanceIds")?);
            given.none_left()?;
            let (answer, seen) = doing.done(sent.send()).await?;
            let body = Object::default().list("StartingInstances", answer.starting_instances(), change);
            Ok(reply(body.json(), seen))
        }
        _ => Box::pin(ec2_machines::act(doing, call)).await,
    }
}

async fn create_volume(doing: &Doing<'_>, mut given: Arguments<'_>) -> Result<Reply, CallTrouble> {
    // The SDK would make a token of its own, by which nobody could tell later whether this call had happened.
    let token = given.needed("ClientToken")?;
    let kind = given.text("VolumeType")?;
    let sent = doing
        .acting
        .ec2()
        .create_volume()
        .client_token(token)
        .set_snapshot_id(given.text("SnapshotId")?)
        .set_availability_zone(given.text("AvailabilityZone")?)
        .set_volume_type(kind.as_deref().map(VolumeType::from))
        .set_iops(given.number("Iops")?)
        .set_throughput(given.number("Throughput")?)
        .set_size(given.number("Size")?)
        .set_volume_initialization_rate(given.number("VolumeInitializationRate")?)
        .set_encrypted(given.flag("Encrypted")?)
        .set_kms_key_id(given.text("KmsKeyId")?)
        .set_tag_specifications(tag_specifications(&mut given)?);
    given.none_left()?;
    let (answer, seen) = doing.done(sent.send()).await?;
    Ok(reply(created_volume(&answer), seen))
}

/// Takes the tags that are given to what is made.
///
/// # Errors
/// When they are none.
pub(super) fn tag_specifications(given: &mut Arguments<'_>) -> Taken<Option<Vec<TagSpecification>>> {
    given.each("TagSpecifications", |specification| {
        let of = specification.needed("ResourceType")?;
        let tags = specification.tags("Tags")?.unwrap_or_default();
        let tags = tags.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let of = ResourceType::from(of.as_str());
        Ok(TagSpecification::builder().resource_type(of).set_tags(Some(tags.collect())).build())
    })
}
