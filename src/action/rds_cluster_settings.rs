//! The settings of a cluster and of its instances: what making one takes, what only a modification takes (R4, A1).

use super::facts::is_said;
use crate::runbook::call::Call;
use serde_json::{Map, Value, json};

/// What a restore of a cluster takes when it is passed: argument, and where the original has it.
pub(super) const PASSED: [(&str, &str); 11] = [
    ("Port", "/Port"),
    ("DBSubnetGroupName", "/DBSubnetGroup"),
    ("EnableIAMDatabaseAuthentication", "/IAMDatabaseAuthenticationEnabled"),
    ("BacktrackWindow", "/BacktrackWindow"),
    ("EnableCloudwatchLogsExports", "/EnabledCloudwatchLogsExports"),
    ("DBClusterParameterGroupName", "/DBClusterParameterGroup"),
    ("DeletionProtection", "/DeletionProtection"),
    ("CopyTagsToSnapshot", "/CopyTagsToSnapshot"),
    ("StorageType", "/StorageType"),
    ("ServerlessV2ScalingConfiguration", "/ServerlessV2ScalingConfiguration"),
    ("VpcSecurityGroupIds", "/VpcSecurityGroups"),
];

/// What a modification sets afterwards.
pub(super) const MODIFIED: [(&str, &str); 3] = [
    ("BackupRetentionPeriod", "/BackupRetentionPeriod"),
    ("PreferredBackupWindow", "/PreferredBackupWindow"),
    ("PreferredMaintenanceWindow", "/PreferredMaintenanceWindow"),
];

/// What is compared in the end besides.
pub(super) const COMPARED: [(&str, &str); 3] = [
    ("EngineVersion", "/EngineVersion"),
    ("KmsKeyId", "/KmsKeyId"),
    ("StorageEncrypted", "/StorageEncrypted"),
];

/// What an instance of a cluster takes over from one of the original.
const OF_INSTANCES: [(&str, &str); 11] = [
    ("DBInstanceClass", "/DBInstanceClass"),
    ("PubliclyAccessible", "/PubliclyAccessible"),
    ("AutoMinorVersionUpgrade", "/AutoMinorVersionUpgrade"),
    ("PromotionTier", "/PromotionTier"),
    ("PreferredMaintenanceWindow", "/PreferredMaintenanceWindow"),
    ("MonitoringInterval", "/MonitoringInterval"),
    ("MonitoringRoleArn", "/MonitoringRoleArn"),
    ("EnablePerformanceInsights", "/PerformanceInsightsEnabled"),
    ("PerformanceInsightsRetentionPeriod", "/PerformanceInsightsRetentionPeriod"),
    ("CACertificateIdentifier", "/CACertificateIdentifier"),
    ("DatabaseInsightsMode", "/DatabaseInsightsMode"),
];

/// What belongs to a Region, and means nothing in another: argument, and where an instance has it.
const OF_THE_REGION: [(&str, &str); 2] = [
    ("DBParameterGroupName", "/DBParameterGroups/0/DBParameterGroupName"),
    ("PerformanceInsightsKMSKeyId", "/PerformanceInsightsKMSKeyId"),
];

/// Copies settings of the original into a call that makes or modifies a cluster; returns how many.
pub(super) fn carry(call: &mut Call, original: &Value, settings: &[(&str, &str)]) -> usize {
    let mut carried = 0;
    for (argument, at) in settings {
        let Some(value) = original.pointer(at).filter(|value| !value.is_null()) else { continue };
        // These mean that there is none, and a call that says so is refused by engines without it.
        let idle = *argument == "BacktrackWindow" && value.as_i64() == Some(0)
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_str() == Some("");
        // What the security groups are is decided apart.
        if !idle && *argument != "VpcSecurityGroupIds" {
            call.arguments.insert((*argument).to_owned(), value.clone());
            carried += 1;
        }
    }
    carried
}

/// Copies settings of an instance into a call that makes another.
pub(super) fn carry_instance(call: &mut Call, original: &Value, in_its_region: bool) {
    let own = OF_THE_REGION.iter().filter(|_| in_its_region);
    for (argument, at) in OF_INSTANCES.iter().chain(own) {
        let Some(value) = original.pointer(at).filter(|value| is_said(value)) else { continue };
        let off = matches!(*argument, "EnablePerformanceInsights") && *value == Value::Bool(false)
            || matches!(*argument, "MonitoringInterval") && value.as_i64() == Some(0);
        if !off {
            call.arguments.insert((*argument).to_owned(), value.clone());
        }
    }
    // Each is switched on only together with what it needs.
    if !call.arguments.contains_key("EnablePerformanceInsights") {
        for name in
            ["PerformanceInsightsRetentionPeriod", "PerformanceInsightsKMSKeyId", "DatabaseInsightsMode"]
        {
            call.arguments.remove(name);
        }
    }
    if !call.arguments.contains_key("MonitoringRoleArn") || !call.arguments.contains_key("MonitoringInterval")
    {
        call.arguments.remove("MonitoringInterval");
        call.arguments.remove("MonitoringRoleArn");
    }
}

/// Returns the settings that a modification asks for and the cluster does not have.
pub(super) fn differing<'a>(call: &'a Call, found: &Value) -> Vec<&'a str> {
    let known = MODIFIED.iter().chain(&PASSED);
    let at = |name: &str| known.clone().find(|(argument, _)| *argument == name).map(|(_, at)| *at);
    let differs = |(name, value): &(&'a String, &Value)| {
        at(name).is_some_and(|at| found.pointer(at).unwrap_or(&Value::Null) != *value)
    };
    call.arguments.iter().filter(differs).map(|(name, _)| name.as_str()).collect()
}

/// Returns what was last read of a cluster in the shape in which it is described.
pub(super) fn from_kept(kept: &super::Kept) -> Value {
    let mut found = Map::new();
    let parts = |text: &str| -> Vec<String> {
        text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    for (name, text) in kept {
        let value = match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            text => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        };
        let (name, value) = match name.as_str() {
            "VpcSecurityGroups" | "VpcSecurityGroupIds" => {
                let groups = parts(text).into_iter().map(|id| json!({"VpcSecurityGroupId": id}));
                ("VpcSecurityGroups", groups.collect())
            }
            "DBParameterGroupName" => ("DBClusterParameterGroup", value),
            "DBSubnetGroupName" => ("DBSubnetGroup", value),
            "IAMDatabaseAuthentication" => ("IAMDatabaseAuthenticationEnabled", value),
            "EnabledCloudwatchLogsExports" => ("EnabledCloudwatchLogsExports", json!(parts(text))),
            "Members" => continue,
            other => (other, value),
        };
        found.insert(name.to_owned(), value);
    }
    Value::Object(found)
}
