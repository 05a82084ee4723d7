//! What a script does after a call whose work goes on behind it: it keeps the name of what was made for later lines, and
//! waits as the service's own command line can.

use super::{aws, quoted, variable};
use crate::runbook::call::Call;

/// A call in a script.
pub(super) struct Lines {
    /// The call itself.
    pub(super) call: String,
    /// What follows it.
    pub(super) after: Vec<String>,
}

/// What is kept of an answer, the waiter, and the option by which that names what it waits for.
struct Made {
    field: &'static str,
    output: &'static str,
    waiter: &'static str,
    option: &'static str,
}

fn made(operation: &str) -> Option<Made> {
    let made = |field, output, waiter, option| Some(Made { field, output, waiter, option });
    match operation {
        "ec2:CreateVolume" => made("VolumeId", "volume", "ec2 wait volume-available", "volume-ids"),
        "ec2:CreateSnapshot" => made("SnapshotId", "snapshot", "ec2 wait snapshot-completed", "snapshot-ids"),
        _ => None,
    }
}

/// The argument that names what is waited for, the waiter, and its option.
fn named(operation: &str) -> Option<(&'static str, &'static str, &'static str)> {
    match operation {
        "rds:RestoreDBInstanceFromDBSnapshot" | "rds:ModifyDBInstance" => {
            Some(("DBInstanceIdentifier", "rds wait db-instance-available", "db-instance-identifier"))
        }
        "rds:FailoverDBCluster" => {
            Some(("DBClusterIdentifier", "rds wait db-cluster-available", "db-cluster-identifier"))
        }
        "ec2:StopInstances" => Some(("InstanceIds", "ec2 wait instance-stopped", "instance-ids")),
        "ec2:StartInstances" => Some(("InstanceIds", "ec2 wait instance-running", "instance-ids")),
        _ => None,
    }
}

/// Returns the lines of a call of step `step`.
pub(super) fn lines(step: &str, service: &str, call: &Call) -> Lines {
    let plain = aws(service, call);
    let region = format!("--region {}", quoted(call.place.region.as_str()));
    let waits = |waiter: &str, option: &str, what: &str| format!("aws {waiter} --{option} {what} {region}");
    if let Some(Made { field, output, waiter, option }) = made(&call.operation) {
        let name = variable(&format!("{step}.{output}"));
        return Lines {
            call: format!("{name}=$({plain} --query {field} --output text)"),
            after: vec![format!("echo \"${name}\""), waits(waiter, option, &format!("\"${name}\""))],
        };
    }
    let Some((argument, waiter, option)) = named(&call.operation) else {
        return Lines { call: plain, after: Vec::new() };
    };
    let what = match call.arguments.get(argument) {
        Some(serde_json::Value::Array(several)) => {
            several.iter().filter_map(|one| one.as_str()).map(quoted).collect::<Vec<_>>().join(" ")
        }
        Some(one) => quoted(one.as_str().unwrap_or_default()),
        None => String::new(),
    };
    let mut after = vec![waits(waiter, option, &what)];
    match call.name() {
        "RestoreDBInstanceFromDBSnapshot" => {
            after.push(format!("{}={what}", variable(&format!("{step}.instance"))));
            for (output, at) in [("endpoint", "Address"), ("port", "Port")] {
                let name = variable(&format!("{step}.{output}"));
                after.push(format!(
                    "{name}=$(aws rds describe-db-instances --db-instance-identifier {what} --query \
                     'DBInstances[0].Endpoint.{at}' --output text {region})"
                ));
            }
        }
        "FailoverDBCluster" => after.push(format!(
            "aws rds describe-db-clusters --db-cluster-identifier {what} --query \
             'DBClusters[0].DBClusterMembers[].[DBInstanceIdentifier,IsClusterWriter]' --output text {region}"
        )),
        _ => {}
    }
    Lines { call: plain, after }
}
