//! What a restored table does not bring along (D3), and how a table is read with all of it.

use super::Deviation;
use super::Kept;
use super::Refusal;
use super::facts::text;
use super::given::is_later;
use crate::provider::port::{CallTrouble, Look};
use crate::runbook::call::Call;
use serde_json::{Map, Value, json};

/// The code with which DynamoDB says that there is no such table.
pub(super) const GONE: &str = "ResourceNotFoundException";
/// What is compared, by the names of the settings.
const COMPARED: [&str; 13] = [
    "PointInTimeRecovery",
    "RecoveryPeriodInDays",
    "TimeToLive",
    "DeletionProtection",
    "Stream",
    "BillingMode",
    "ReadCapacityUnits",
    "WriteCapacityUnits",
    "TableClass",
    "KmsKeyArn",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "Replicas",
];

/// Returns a reading call at the place of another.
pub(super) fn reads(like: &Call, operation: &str, argument: &str, value: &str) -> Call {
    Call::new(operation, &like.environment, &like.place).with(argument, value)
}

/// Returns a table; `None` where there is none of that name.
pub(super) async fn table(look: &dyn Look, like: &Call, name: &str) -> Result<Option<Value>, CallTrouble> {
    match look.look(&reads(like, "dynamodb:DescribeTable", "TableName", name)).await {
        Ok(reply) => Ok(reply.body.get("Table").cloned()),
        Err(CallTrouble::Refused { code, .. }) if code.as_str() == GONE => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// Returns the window of a table's continuous backups.
pub(super) async fn window(look: &dyn Look, like: &Call, name: &str) -> Result<Value, CallTrouble> {
    let call = reads(like, "dynamodb:DescribeContinuousBackups", "TableName", name);
    let at = "/ContinuousBackupsDescription/PointInTimeRecoveryDescription";
    Ok(look.look(&call).await?.body.pointer(at).cloned().unwrap_or_default())
}

/// Returns the settings of a table as it is, by their names; `None` where there is no such table.
pub(super) async fn settings(look: &dyn Look, like: &Call, name: &str) -> Result<Option<Value>, CallTrouble> {
    let Some(table) = table(look, like, name).await? else { return Ok(None) };
    let window = window(look, like, name).await?;
    let expiry = look.look(&reads(like, "dynamodb:DescribeTimeToLive", "TableName", name)).await?.body;
    let arn = text(&table, "TableArn");
    let tags = look.look(&reads(like, "dynamodb:ListTagsOfResource", "ResourceArn", arn)).await?.body;
    let mut all = Map::new();
    let mut put = |name: &str, value: Option<&Value>| {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            all.insert(name.to_owned(), value.clone());
        }
    };
    let recovery = window.get("PointInTimeRecoveryStatus");
    put("PointInTimeRecovery", recovery);
    let is_on = recovery.and_then(Value::as_str) == Some("ENABLED");
    put("RecoveryPeriodInDays", window.get("RecoveryPeriodInDays").filter(|_| is_on));
    let expires = expiry.pointer("/TimeToLiveDescription/TimeToLiveStatus").and_then(Value::as_str);
    let expires = expires.is_some_and(|status| status.starts_with("ENABL"));
    put("TimeToLive", expiry.pointer("/TimeToLiveDescription/AttributeName").filter(|_| expires));
    put("DeletionProtection", table.get("DeletionProtectionEnabled"));
    let stream = table.get("StreamSpecification");
    let streams = stream.and_then(|stream| stream.get("StreamEnabled")) == Some(&Value::Bool(true));
    put("Stream", stream.and_then(|stream| stream.get("StreamViewType")).filter(|_| streams));
    put("BillingMode", table.pointer("/BillingModeSummary/BillingMode"));
    for name in ["ReadCapacityUnits", "WriteCapacityUnits"] {
        let units = table.pointer(&format!("/ProvisionedThroughput/{name}"));
        put(name, units.filter(|units| units.as_i64() != Some(0)));
    }
    put("TableClass", table.pointer("/TableClassSummary/TableClass"));
    put("KmsKeyArn", table.pointer("/SSEDescription/KMSMasterKeyArn"));
    for (name, member) in [
        ("GlobalSecondaryIndexes", "IndexName"),
        ("LocalSecondaryIndexes", "IndexName"),
        ("Replicas", "RegionName"),
    ] {
        let mut names: Vec<&str> = table
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .map(|one| text(one, member))
            .collect();
        names.sort_unstable();
        put(name, (!names.is_empty()).then(|| json!(names)).as_ref());
    }
    put("Tags", tags.get("Tags"));
    Ok(Some(Value::Object(all)))
}

/// Returns what was last read of a table as its settings.
pub(super) fn from_kept(kept: &Kept) -> Value {
    let list = |text: &str| {
        let mut all: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        all.sort_unstable();
        json!(all)
    };
    let (mut all, mut tags) = (Map::new(), Vec::new());
    // Time to live that is off may have kept its attribute.
    let expires = kept.get("TimeToLiveStatus").is_none_or(|status| status.starts_with("ENABL"));
    for (name, text) in kept {
        if let Some(key) = name.strip_prefix("Tag ") {
            tags.push(json!({"Key": key, "Value": text}));
            continue;
        }
        let value = match (name.as_str(), text.as_str()) {
            ("GlobalSecondaryIndexes" | "LocalSecondaryIndexes" | "Replicas", text) => list(text),
            ("TimeToLive", _) if !expires => continue,
            (_, "true") => Value::Bool(true),
            (_, "false") => Value::Bool(false),
            (_, text) => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        };
        if COMPARED.contains(&name.as_str()) {
            all.insert(name.clone(), value);
        }
    }
    all.insert("Tags".to_owned(), Value::Array(tags));
    Value::Object(all)
}

/// Returns tags as DynamoDB takes them, without those that AWS keeps to itself.
pub(super) fn own_tags(settings: &Value) -> Vec<Value> {
    let tags = settings.get("Tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter(|tag| !text(tag, "Key").starts_with("aws:")).cloned().collect()
}

/// Says in which settings a table differs from the one that it stands for (D3, D4).
pub(super) fn differing(original: &Value, found: &Value) -> Vec<Deviation> {
    let mut all = Vec::new();
    for setting in COMPARED {
        let of = |value: &Value| value.get(setting).cloned().unwrap_or_default();
        let (was, is) = (of(original), of(found));
        // What is off and what is not there are the same.
        let same = was == is
            || [&was, &is]
                .iter()
                .all(|one| one.is_null() || **one == Value::Bool(false) || **one == "DISABLED");
        if !same {
            all.push(Deviation { setting: setting.into(), was, is });
        }
    }
    let tag = |settings: &Value, key: &str| {
        own_tags(settings).iter().find(|tag| text(tag, "Key") == key).map(|tag| text(tag, "Value").to_owned())
    };
    for one in own_tags(original) {
        let (key, was) = (text(&one, "Key"), text(&one, "Value"));
        let is = tag(found, key);
        if is.as_deref() != Some(was) && !key.starts_with("lifeboat:") {
            let setting = format!("Tag {key}").into();
            all.push(Deviation { setting, was: was.into(), is: is.map_or(Value::Null, Value::from) });
        }
    }
    all
}

/// Says whether DynamoDB takes a name for a table.
///
/// # Errors
/// When it does not.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if is_later(name) || (3..=255).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(Refusal::new(format!("`{}` cannot be the name of a table", crate::domain::text::harmless(name)))
        .hint("3 to 255 letters, digits and _.-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_restore_drops_is_found_and_what_is_off_in_both_ways_is_not() {
        let original = json!({"PointInTimeRecovery": "ENABLED", "TimeToLive": "expires_at", "Stream": "NEW_IMAGE",
            "DeletionProtection": false, "Tags": [{"Key": "Team", "Value": "a"}, {"Key": "aws:x", "Value": "y"}]});
        let restored = json!({"PointInTimeRecovery": "DISABLED", "BillingMode": "PAY_PER_REQUEST"});
        let found = differing(&original, &restored);
        let named: Vec<&str> = found.iter().map(|one| one.setting.as_str()).collect();
        assert_eq!(named, ["PointInTimeRecovery", "TimeToLive", "Stream", "BillingMode", "Tag Team"]);
    }

    #[test]
    fn what_was_last_read_is_as_what_is_read_now() {
        let kept: Kept = [
            ("TimeToLive", "gone_at"),
            ("TimeToLiveStatus", "DISABLED"),
            ("Tag a", "b"),
            ("GlobalSecondaryIndexes", "z, a"),
            ("ReadCapacityUnits", "5"),
            ("Other", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        assert_eq!(
            from_kept(&kept),
            json!({"GlobalSecondaryIndexes": ["a", "z"], "ReadCapacityUnits": 5,
            "Tags": [{"Key": "a", "Value": "b"}]})
        );
    }
}
