//! The settings of a database instance: what a restore takes, what only a modification takes, what is compared (R4).

use super::Progress;
use super::facts::{is_said, text};
use crate::runbook::call::Call;
use serde_json::{Map, Value, json};

/// States from which an instance does not come by itself (R6); storage that is full and keys that are gone need a person.
const TERMINAL: [(&str, &str); 9] = [
    ("failed", "delete it (undo) and restore anew"),
    ("restore-error", "delete it (undo) and try another snapshot"),
    ("incompatible-restore", "delete it (undo) and look at engine version and options"),
    (
        "incompatible-network",
        "look at the subnet group and its free addresses; delete it (undo) and restore anew",
    ),
    ("incompatible-parameters", "correct the parameter group, then reboot the instance"),
    ("incompatible-option-group", "correct the option group"),
    ("insufficient-capacity", "choose another instance class or zone; delete it (undo) first"),
    ("storage-full", "give it more storage"),
    (
        "inaccessible-encryption-credentials",
        "the key of the snapshot cannot be used; enable it or copy the snapshot with another",
    ),
];

/// Returns the end of a wait for a database in a state from which it does not come by itself; `None` in any other.
pub(super) fn failure(what: &str, status: &str) -> Option<Progress> {
    let (name, hint) = TERMINAL.iter().find(|(name, _)| status.starts_with(name))?;
    Some(Progress::Failed { why: format!("{what} is {name}").into(), hint: Some((*hint).into()) })
}

/// What a restore takes when it is passed (R4): argument, and where the original has it.
pub(super) const PASSED: [(&str, &str); 14] = [
    ("DBSubnetGroupName", "/DBSubnetGroup/DBSubnetGroupName"),
    ("MultiAZ", "/MultiAZ"),
    ("PubliclyAccessible", "/PubliclyAccessible"),
    ("AutoMinorVersionUpgrade", "/AutoMinorVersionUpgrade"),
    ("OptionGroupName", "/OptionGroupMemberships/0/OptionGroupName"),
    ("StorageType", "/StorageType"),
    ("Iops", "/Iops"),
    ("StorageThroughput", "/StorageThroughput"),
    ("DBParameterGroupName", "/DBParameterGroups/0/DBParameterGroupName"),
    ("EnableIAMDatabaseAuthentication", "/IAMDatabaseAuthenticationEnabled"),
    ("DeletionProtection", "/DeletionProtection"),
    ("CopyTagsToSnapshot", "/CopyTagsToSnapshot"),
    ("Port", "/Endpoint/Port"),
    ("CACertificateIdentifier", "/CACertificateIdentifier"),
];

/// What a restore does not take, and a modification afterwards does (R4).
pub(super) const MODIFIED: [(&str, &str); 10] = [
    ("MaxAllocatedStorage", "/MaxAllocatedStorage"),
    ("MonitoringInterval", "/MonitoringInterval"),
    ("MonitoringRoleArn", "/MonitoringRoleArn"),
    ("EnablePerformanceInsights", "/PerformanceInsightsEnabled"),
    ("PerformanceInsightsRetentionPeriod", "/PerformanceInsightsRetentionPeriod"),
    ("PerformanceInsightsKMSKeyId", "/PerformanceInsightsKMSKeyId"),
    ("PreferredMaintenanceWindow", "/PreferredMaintenanceWindow"),
    ("PreferredBackupWindow", "/PreferredBackupWindow"),
    ("BackupRetentionPeriod", "/BackupRetentionPeriod"),
    ("DatabaseInsightsMode", "/DatabaseInsightsMode"),
];

/// What is compared in the end besides.
pub(super) const COMPARED: [(&str, &str); 5] = [
    ("DBInstanceClass", "/DBInstanceClass"),
    ("EngineVersion", "/EngineVersion"),
    ("KmsKeyId", "/KmsKeyId"),
    ("StorageEncrypted", "/StorageEncrypted"),
    ("AllocatedStorage", "/AllocatedStorage"),
];

/// Returns what was last read of an instance in the shape in which it is described.
pub(super) fn from_kept(kept: &super::Kept) -> Value {
    let mut found = Map::new();
    let list = |text: &String| {
        text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect::<Vec<_>>()
    };
    for (name, text) in kept {
        let value = match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            text => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        };
        match name.as_str() {
            "DBParameterGroups" | "DBParameterGroupName" => {
                found.insert(
                    "DBParameterGroups".to_owned(),
                    list(text).iter().map(|name| json!({"DBParameterGroupName": name})).collect(),
                );
            }
            "OptionGroups" => {
                found.insert(
                    "OptionGroupMemberships".to_owned(),
                    list(text).iter().map(|name| json!({"OptionGroupName": name})).collect(),
                );
            }
            "VpcSecurityGroups" | "VpcSecurityGroupIds" => {
                found.insert(
                    "VpcSecurityGroups".to_owned(),
                    list(text).iter().map(|id| json!({"VpcSecurityGroupId": id})).collect(),
                );
            }
            "DBSubnetGroup" | "DBSubnetGroupName" => {
                found.insert("DBSubnetGroup".to_owned(), json!({"DBSubnetGroupName": text}));
            }
            "IAMDatabaseAuthentication" => {
                found.insert("IAMDatabaseAuthenticationEnabled".to_owned(), value);
            }
            "PerformanceInsights" => {
                found.insert("PerformanceInsightsEnabled".to_owned(), value);
            }
            "EnabledCloudwatchLogsExports" => {
                found.insert(name.clone(), json!(list(text)));
            }
            "Port" => {
                found.insert("Endpoint".to_owned(), json!({ "Port": value }));
            }
            _ => {
                found.insert(name.clone(), value);
            }
        }
    }
    Value::Object(found)
}

/// Says whether the storage of an instance may be told how fast it is to be. That of gp3 has a speed of its own below a
/// size, and a restore that names one is refused (RDS user guide, "DB instance storage": 400 GiB for MariaDB, MySQL and
/// PostgreSQL, 200 GiB for Oracle).
fn takes_iops(original: &Value) -> bool {
    let engine = text(original, "Engine");
    let least = match engine {
        "mariadb" | "mysql" | "postgres" => 400,
        _ if engine.starts_with("oracle") => 200,
        _ => 0,
    };
    match text(original, "StorageType") {
        "io1" | "io2" => true,
        "gp3" => original.get("AllocatedStorage").and_then(Value::as_i64).is_some_and(|size| size >= least),
        _ => false,
    }
}

/// Copies settings of the original into a call; returns how many.
pub(super) fn carry(call: &mut Call, original: &Value, settings: &[(&str, &str)]) -> usize {
    let mut carried = 0;
    for (argument, at) in settings {
        let Some(value) = original.pointer(at).filter(|value| is_said(value)) else { continue };
        let port_of_cluster = *argument == "Port" && value.as_i64() == Some(0);
        // Zero and "no" are what a restore gives anyway, except where it would switch something on.
        let idle =
            matches!(*argument, "MonitoringInterval" | "MaxAllocatedStorage") && value.as_i64() == Some(0);
        let off = *argument == "EnablePerformanceInsights" && *value == Value::Bool(false);
        let not_told = match *argument {
            "Iops" => !takes_iops(original),
            "StorageThroughput" => text(original, "StorageType") != "gp3" || !takes_iops(original),
            _ => false,
        };
        // It is switched on only together with its role, which readings of old may lack.
        let alone =
            *argument == "MonitoringInterval" && !original.pointer("/MonitoringRoleArn").is_some_and(is_said);
        if !(alone || port_of_cluster || idle || off || not_told) {
            call.arguments.insert((*argument).to_owned(), value.clone());
            carried += 1;
        }
    }
    carried
}

/// Returns the settings that a modification asks for and the instance does not have.
pub(super) fn differing<'a>(call: &'a Call, found: &Value) -> Vec<&'a str> {
    let known = MODIFIED.iter().chain(&PASSED);
    let at = |name: &str| known.clone().find(|(argument, _)| *argument == name).map(|(_, at)| *at);
    call.arguments
        .iter()
        .filter(|(name, value)| {
            at(name).is_some_and(|at| found.pointer(at).unwrap_or(&Value::Null) != *value)
        })
        .map(|(name, _)| name.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::Place;

    #[test]
    fn small_storage_is_not_told_how_fast_it_is_to_be() {
        for (engine, kind, size, told) in [
            ("postgres", "gp3", 399, 0),
            ("postgres", "gp3", 400, 2),
            ("oracle-ee", "gp3", 200, 2),
            ("sqlserver-se", "gp3", 20, 2),
            ("postgres", "io1", 100, 1),
            ("postgres", "gp2", 500, 0),
        ] {
            let original = json!({"Engine": engine, "StorageType": kind, "AllocatedStorage": size, "Iops": 3000,
                "StorageThroughput": 125});
            let mut call = Call::new("rds:R", &"p".into(), &Place::new("111122223333", "us-east-2"));
            carry(&mut call, &original, &PASSED);
            let found =
                ["Iops", "StorageThroughput"].iter().filter(|name| call.arguments.contains_key(**name));
            assert_eq!(found.count(), told, "{engine} {kind} {size}");
        }
    }
}
