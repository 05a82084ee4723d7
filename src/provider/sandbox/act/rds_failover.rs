//! RDS: a cluster's failover within its Region.

use super::super::deeds::{Change, Phase};
use super::rds_cluster_things as things;
use super::rds_clusters::known_cluster;
use super::{Asked, Deal, Done, refused};
use crate::domain::duration::after;
use serde_json::{Value, json};
use std::time::Duration;

/// How long a failover takes (A3).
const FAILING_OVER: Duration = Duration::from_secs(35);

pub(super) fn fail_over(asked: &Asked<'_>) -> Done {
    let now = asked.now;
    let mut cluster = known_cluster(asked)?;
    if cluster.status(now) != "available" {
        let says = format!("{} is {}, not available", cluster.id, cluster.status(now));
        return Err(refused("InvalidDBClusterStateFault", 400, &says));
    }
    let mut all =
        cluster.member(now, "DBClusterMembers").and_then(Value::as_array).cloned().unwrap_or_default();
    let name = |member: &Value| {
        member.get("DBInstanceIdentifier").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let writes = |member: &Value| member.get("IsClusterWriter") == Some(&json!(true));
    let writer = all.iter().find(|member| writes(member)).map(name);
    let target = match asked.text("TargetDBInstanceIdentifier") {
        Some(target) if !all.iter().any(|member| name(member) == target) => {
            return Err(refused(
                "DBInstanceNotFound",
                404,
                &format!("{target} is no member of {}", cluster.id),
            ));
        }
        Some(target) if writer.as_deref() == Some(target) => {
            let says = format!("{target} is already the writer of {}", cluster.id);
            return Err(refused("InvalidDBClusterStateFault", 400, &says));
        }
        Some(target) => Some(target.to_owned()),
        None => all.iter().find(|member| !writes(member)).map(name),
    };
    let Some(target) = target else {
        return Err(refused("InvalidDBClusterStateFault", 400, "there is no reader to fail over to"));
    };
    for member in &mut all {
        let is_writer = name(member) == target;
        if let Some(member) = member.as_object_mut() {
            member.insert("IsClusterWriter".to_owned(), json!(is_writer));
        }
    }
    let end = Phase::new(after(now, FAILING_OVER), "available").with("DBClusterMembers", all);
    cluster.then(now, [Phase::new(now, "failing-over"), end]);
    let shown = things::describe(asked.world, &cluster, now);
    let told = ["DBClusterIdentifier", "Status", "DBClusterMembers"].into_iter();
    let told: serde_json::Map<_, _> =
        told.filter_map(|name| Some((name.to_owned(), shown.get(name)?.clone()))).collect();
    let body = json!({ "DBCluster": told });
    Ok(Deal { body, target: cluster.id.clone(), changes: vec![Change::Changed(Box::new(cluster))] })
}
