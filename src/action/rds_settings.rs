//! The settings of a database instance: what a restore takes, what only a modification takes, what is compared (R4).

use super::facts::text;
use crate::runbook::call::Call;
use serde_json::{Map, Value, json};

/// States from which an instance does not come by itself (R6); storage that is full and keys that are gone need a person.
pub(super) const TERMINAL: [(&str, &str); 9] = [
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

/// What a restore takes when it is passed (R4): argument, and where the original has it.
pub(super) const PASSED: [(&str, &str); 13] = [
    ("DBSubnetGroupName", "/DBSubnetGroup/DBSubnetGroupName"),
    ("MultiAZ", "/MultiAZ"),
    ("PubliclyAccessible", "/PubliclyAccessible"),
    ("AutoMinorVersionUpgrade", "/AutoMinorVersionUpgrade"),
    ("OptionGroupName", "/OptionGroupMemberships/0/OptionGroupName"),
    ("StorageType", "/StorageType"),
    ("Iops", "/Iops"),
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

/// Copies settings of the original into a call; returns how many.
pub(super) fn carry(call: &mut Call, original: &Value, settings: &[(&str, &str)]) -> usize {
    let mut carried = 0;
    for (argument, at) in settings {
        let Some(value) = original.pointer(at).filter(|value| !value.is_null()) else { continue };
        let port_of_cluster = *argument == "Port" && value.as_i64() == Some(0);
        // Zero and "no" are what a restore gives anyway, except where it would switch something on.
        let idle =
            matches!(*argument, "MonitoringInterval" | "MaxAllocatedStorage") && value.as_i64() == Some(0);
        let off = *argument == "EnablePerformanceInsights" && *value == Value::Bool(false);
        let role_without =
            *argument == "Iops" && !matches!(text(original, "StorageType"), "io1" | "io2" | "gp3");
        // It is switched on only together with its role, which readings of old may lack.
        let alone = *argument == "MonitoringInterval"
            && original.pointer("/MonitoringRoleArn").is_none_or(Value::is_null);
        if !(alone || port_of_cluster || idle || off || role_without) {
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
