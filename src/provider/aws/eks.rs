//! EKS: clusters and their node groups.

use super::convert::{Settings, moment};
use super::fault::Fault;
use super::operation::{DESCRIBE_CLUSTER, DESCRIBE_NODEGROUP, LIST_NODEGROUPS};
use super::reader::Reader;
use crate::domain::Text;
use crate::domain::condition::{Condition, Health, Incident};
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use aws_sdk_eks::types::{ClusterStatus, Nodegroup, NodegroupStatus};

/// Reads how the cluster `name` is.
///
/// # Errors
/// When it cannot be described.
pub(super) async fn condition(reader: &Reader<'_>, name: &str) -> Result<(Condition, Option<Fault>), Fault> {
    let eks = reader.site.eks();
    let answer = match reader.call(&DESCRIBE_CLUSTER, || eks.describe_cluster().name(name).send()).await {
        Ok(answer) => answer,
        Err(fault) if fault.is_absence() => {
            let status = Text::new(&format!("there is no cluster {name} in {}", reader.site.place.region));
            return Ok((Condition::gone(status), None));
        }
        Err(fault) => return Err(fault),
    };
    let Some(cluster) = answer.cluster() else {
        return Ok((Condition::gone("the answer holds no cluster".into()), None));
    };
    let mut settings = Settings::default();
    settings.maybe("Version", cluster.version());
    settings.maybe("PlatformVersion", cluster.platform_version());
    settings.maybe("RoleArn", cluster.role_arn());
    let network = cluster.resources_vpc_config();
    settings.maybe("VpcId", network.and_then(|network| network.vpc_id()));
    settings.list("Subnets", network.map_or([].as_slice(), |network| network.subnet_ids()));
    settings.list("SecurityGroups", network.map_or([].as_slice(), |network| network.security_group_ids()));
    settings
        .maybe("PublicAccess", network.map(aws_sdk_eks::types::VpcConfigResponse::endpoint_public_access));
    let (mut incidents, mut missing) = (Vec::new(), None);
    match nodegroups(reader, name).await {
        Ok(groups) => {
            for group in &groups {
                let id = group.nodegroup_name().unwrap_or("unnamed");
                let size = group
                    .scaling_config()
                    .and_then(aws_sdk_eks::types::NodegroupScalingConfig::desired_size)
                    .unwrap_or(0);
                let status = group.status().map_or("unknown", NodegroupStatus::as_str);
                settings.put(&format!("NodeGroup {id}"), format!("{size} wanted, {status}"));
                let bad = matches!(
                    group.status(),
                    Some(
                        NodegroupStatus::Degraded
                            | NodegroupStatus::CreateFailed
                            | NodegroupStatus::DeleteFailed
                    )
                );
                let issues = group.health().map_or([].as_slice(), |health| health.issues());
                let issue = issues.iter().find_map(|issue| issue.message());
                if bad || issue.is_some() {
                    let says = format!("node group {id} is {status}: {}", issue.unwrap_or("no reason given"));
                    incidents.push(Incident {
                        code: "node-group".into(),
                        at: SystemClock.now(),
                        says: Text::new(&says),
                    });
                }
            }
        }
        Err(fault) => missing = Some(fault),
    }
    let health = match cluster.status() {
        Some(ClusterStatus::Active | ClusterStatus::Updating) => Health::Healthy,
        Some(ClusterStatus::Creating) => Health::Impaired,
        Some(ClusterStatus::Deleting) => Health::Gone,
        _ => Health::Down,
    };
    let condition = Condition {
        health,
        status: Text::new(cluster.status().map_or("unknown", ClusterStatus::as_str)),
        created_at: moment(cluster.created_at()),
        settings: settings.0,
        incidents,
    };
    Ok((condition, missing))
}

async fn nodegroups(reader: &Reader<'_>, cluster: &str) -> Result<Vec<Nodegroup>, Fault> {
    let eks = reader.site.eks();
    let (mut names, mut token) = (Vec::new(), None::<String>);
    loop {
        let send = || {
            eks.list_nodegroups().cluster_name(cluster).max_results(100).set_next_token(token.clone()).send()
        };
        let page = reader.call(&LIST_NODEGROUPS, send).await?;
        names.extend(page.nodegroups().to_vec());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    let mut groups = Vec::new();
    for name in names {
        let send = || eks.describe_nodegroup().cluster_name(cluster).nodegroup_name(&name).send();
        groups.extend(reader.call(&DESCRIBE_NODEGROUP, send).await?.nodegroup);
    }
    Ok(groups)
}
