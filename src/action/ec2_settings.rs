//! What an image does not bring (E7): which settings of an instance its successor is launched with, and which are compared.

use super::Kept;
use super::facts::{is_said, text};
use crate::domain::Text;
use crate::runbook::call::Call;
use serde_json::{Map, Value, json};

/// The settings that a launch takes as they stand in the description of an instance.
const PLAIN: [(&str, &str); 4] = [
    ("InstanceType", "/InstanceType"),
    ("SubnetId", "/SubnetId"),
    ("KeyName", "/KeyName"),
    ("EbsOptimized", "/EbsOptimized"),
];

/// The options of the metadata service that a launch takes.
const METADATA: [&str; 5] =
    ["HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "HttpProtocolIpv6", "InstanceMetadataTags"];

/// What is compared in the end.
pub(super) const COMPARED: [(&str, &str); 13] = [
    ("InstanceType", "/InstanceType"),
    ("SubnetId", "/SubnetId"),
    ("AvailabilityZone", "/Placement/AvailabilityZone"),
    ("SecurityGroups", "/SecurityGroups"),
    ("IamInstanceProfile", "/IamInstanceProfile"),
    ("KeyName", "/KeyName"),
    ("EbsOptimized", "/EbsOptimized"),
    ("SourceDestCheck", "/SourceDestCheck"),
    ("Monitoring", "/Monitoring"),
    ("MetadataOptions", "/MetadataOptions"),
    ("PrivateIpAddress", "/PrivateIpAddress"),
    ("PublicIpAddress", "/PublicIpAddress"),
    ("UserData", "/UserData"),
];

/// Returns what was last read of an instance in the shape in which it is described.
pub(super) fn from_kept(kept: &Kept) -> Value {
    let list = |text: &str| -> Vec<String> {
        text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    let (mut found, mut tags) = (Map::new(), Vec::new());
    for (name, text) in kept {
        let value = match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            text => Value::from(text),
        };
        if let Some(key) = name.strip_prefix("Tag ") {
            tags.push(json!({"Key": key, "Value": text}));
            continue;
        }
        let (member, value) = match name.as_str() {
            "SecurityGroups" => (
                "SecurityGroups",
                list(text).iter().map(|id| json!({"GroupId": id})).collect::<Vec<_>>().into(),
            ),
            "IamInstanceProfile" => ("IamInstanceProfile", profile(text)),
            "AvailabilityZone" => ("Placement", json!({"AvailabilityZone": text})),
            "NetworkInterfaces" => (
                "NetworkInterfaces",
                list(text).iter().map(|id| json!({"NetworkInterfaceId": id})).collect::<Vec<_>>().into(),
            ),
            "BlockDevices" | "ImageId" => continue,
            other => (other, value),
        };
        found.insert(member.to_owned(), value);
    }
    found.insert("Tags".to_owned(), Value::Array(tags));
    Value::Object(found)
}

/// Returns an instance profile as a launch takes it: by its ARN, or by its name where that is all that is known.
fn profile(text: &str) -> Value {
    if text.starts_with("arn:") { json!({ "Arn": text }) } else { json!({ "Name": text }) }
}

/// Copies everything that an image does not bring from an instance into the call that launches its successor.
pub(super) fn carry(mut call: Call, original: &Value) -> Call {
    for (argument, at) in PLAIN {
        call = call.maybe(argument, original.pointer(at).filter(|value| is_said(value)).cloned());
    }
    let groups = original.get("SecurityGroups").and_then(Value::as_array);
    let groups: Vec<Value> =
        groups.into_iter().flatten().filter_map(|one| one.get("GroupId").cloned()).collect();
    if !groups.is_empty() {
        call = call.with("SecurityGroupIds", groups);
    }
    let profile = original.get("IamInstanceProfile");
    let named = profile.and_then(|profile| {
        let by = |name: &str| Some(json!({ name: profile.get(name)?.as_str()? }));
        by("Arn").or_else(|| by("Name"))
    });
    call = call.maybe("IamInstanceProfile", named);
    if ["enabled", "pending"]
        .contains(&original.pointer("/Monitoring/State").and_then(Value::as_str).unwrap_or_default())
    {
        call = call.with("Monitoring", json!({"Enabled": true}));
    }
    let options = original.get("MetadataOptions").and_then(Value::as_object);
    let options: Map<String, Value> = options
        .into_iter()
        .flatten()
        .filter(|(name, value)| METADATA.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if !options.is_empty() {
        call = call.with("MetadataOptions", options);
    }
    let data = text(original, "UserData");
    call.maybe("UserData", (!data.is_empty()).then_some(data))
}

/// Says what no launch can take along: each is somebody's work afterwards.
pub(super) fn left_behind(original: &Value) -> Vec<Text> {
    let mut left = Vec::new();
    let cards = original.get("NetworkInterfaces").and_then(Value::as_array);
    let cards: Vec<&Value> = cards.into_iter().flatten().collect();
    let elastic = cards.iter().filter(|card| {
        let owner = text(card, "IpOwnerId");
        !owner.is_empty() && owner != "amazon"
    });
    for card in elastic {
        left.push(
            format!(
                "not carried over: the elastic address {} stays where it is; associate it anew",
                text(card, "PublicIp")
            )
            .into(),
        );
    }
    if cards.len() > 1 {
        let ids: Vec<&str> = cards.iter().map(|card| text(card, "NetworkInterfaceId")).collect();
        left.push(
            format!(
                "not carried over: its network interfaces {}; the new instance has one of its own",
                ids.join(", ")
            )
            .into(),
        );
    }
    if original.get("SourceDestCheck") == Some(&Value::Bool(false)) {
        left.push("not carried over: that its source and destination are not checked; it forwards nothing until that is set".into());
    }
    left.push(
        "not carried over: placement group, tenancy, capacity reservation, credits, protection from termination, secondary addresses"
            .into(),
    );
    left.push("not carried over by any launch: targets of load balancers, alarms and DNS names that mean the old instance".into());
    left
}
