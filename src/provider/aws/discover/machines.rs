//! Instances and volumes.

use super::Part;
#[cfg(feature = "aws-compute")]
use super::resource;
#[cfg(feature = "aws-compute")]
use crate::domain::kind::Kind;
use crate::provider::aws::reader::Reader;
#[cfg(feature = "aws-compute")]
use std::collections::{BTreeMap, BTreeSet};

#[cfg(not(feature = "aws-compute"))]
#[expect(clippy::unused_async, reason = "with EC2 it asks")]
pub(super) async fn machines(_: &Reader<'_>) -> Part {
    Part {
        left_out: vec!["instances and volumes: this build was made without EC2".to_owned()],
        ..Part::default()
    }
}

#[cfg(feature = "aws-compute")]
pub(super) async fn machines(reader: &Reader<'_>) -> Part {
    use crate::provider::aws::ec2;
    use aws_sdk_ec2::types::{InstanceStateName, Tag};
    fn plain(tags: &[Tag]) -> BTreeMap<String, String> {
        let tags = tags.iter();
        tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()))).collect()
    }
    let mut part = Part::default();
    let place = &reader.site.place;
    let mut roots: BTreeSet<String> = BTreeSet::new();
    let (mut managed, mut kept) = (0, BTreeSet::new());
    match ec2::instances(reader).await {
        Err(fault) => part.faults.push(fault),
        Ok(instances) => {
            for instance in instances.iter() {
                let Some(id) = instance.instance_id() else { continue };
                let state = instance.state().and_then(|state| state.name());
                if matches!(state, Some(InstanceStateName::Terminated | InstanceStateName::ShuttingDown)) {
                    continue;
                }
                let root = instance.root_device_name();
                let disks = instance.block_device_mappings().iter();
                let disks = disks.filter(|disk| root.is_some() && disk.device_name() == root);
                roots.extend(disks.filter_map(|disk| Some(disk.ebs()?.volume_id()?.to_owned())));
                let tags = plain(instance.tags());
                // What a group or a cluster replaces by itself needs no recovery of its own.
                let by_itself = tags.keys().any(|key| {
                    key == "aws:autoscaling:groupName"
                        || key.starts_with("eks:")
                        || key.starts_with("kubernetes.io/cluster/")
                });
                if by_itself {
                    managed += 1;
                    continue;
                }
                let seen = instance.instance_type().map_or("instance", |kind| kind.as_str()).to_owned();
                kept.insert(id.to_owned());
                part.resources.push(resource(Kind::Ec2Instance, id, place, tags, seen));
            }
        }
    }
    if managed > 0 {
        part.left_out
            .push(format!("{managed} instances that an auto scaling group or cluster replaces by itself"));
    }
    match ec2::volumes(reader).await {
        Err(fault) => part.faults.push(fault),
        Ok(volumes) => {
            for volume in volumes.iter() {
                let Some(id) = volume.volume_id().filter(|id| !roots.contains(*id)) else { continue };
                let users: Vec<&str> =
                    volume.attachments().iter().filter_map(|one| one.instance_id()).collect();
                let seen = format!(
                    "{} GiB, {}",
                    volume.size().unwrap_or(0),
                    if users.is_empty() {
                        "not attached".to_owned()
                    } else {
                        format!("attached to {}", users.join(", "))
                    }
                );
                // A disk that is nobody's and has no name is left from something.
                let tags = plain(volume.tags());
                if users.iter().all(|user| !kept.contains(*user)) && !tags.contains_key("Name") {
                    part.left_out.push(format!("volume {id}: {seen}, and it has no name"));
                    continue;
                }
                part.resources.push(resource(Kind::EbsVolume, id, place, tags, seen));
            }
        }
    }
    part
}
