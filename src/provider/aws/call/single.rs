//! Looks of services of which lifeboat asks one thing each: an alarm, a key, a cluster.

use super::arguments::Arguments;
use super::json::{Object, only};
use super::{Looking, reply, unknown};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_cloudwatch::types::{CompositeAlarm, MetricAlarm};
use serde_json::Value;

/// Looks at alarms by their names, metric and composite alike.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn alarms(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    use aws_sdk_cloudwatch::types::AlarmType;
    if call.name() != "DescribeAlarms" {
        return Err(unknown(call));
    }
    let mut given = Arguments::of(call);
    let names = given.texts("AlarmNames")?;
    given.none_left()?;
    let send = |watch| {
        let asked = looking.site.cloudwatch().describe_alarms().set_alarm_names(names.clone());
        let asked = asked.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
        asked.customize().interceptor(watch).send()
    };
    // Names are at most a hundred, which is a page.
    let (answer, seen) = looking.send(send).await?;
    let body = Object::default().list("MetricAlarms", answer.metric_alarms(), metric).list(
        "CompositeAlarms",
        answer.composite_alarms(),
        composite,
    );
    Ok(reply(body.json(), seen))
}

fn metric(alarm: &MetricAlarm) -> Value {
    Object::default()
        .with("AlarmName", alarm.alarm_name())
        .word("StateValue", alarm.state_value())
        .with("StateReason", alarm.state_reason())
        .at("StateUpdatedTimestamp", alarm.state_updated_timestamp())
        .with("ActionsEnabled", alarm.actions_enabled())
        .json()
}

fn composite(alarm: &CompositeAlarm) -> Value {
    Object::default()
        .with("AlarmName", alarm.alarm_name())
        .word("StateValue", alarm.state_value())
        .with("StateReason", alarm.state_reason())
        .at("StateUpdatedTimestamp", alarm.state_updated_timestamp())
        .with("ActionsEnabled", alarm.actions_enabled())
        .json()
}

/// Looks at a key.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn key(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    if call.name() != "DescribeKey" {
        return Err(unknown(call));
    }
    let mut given = Arguments::of(call);
    let key = given.needed("KeyId")?;
    given.none_left()?;
    let send = |watch| looking.site.kms().describe_key().key_id(&key).customize().interceptor(watch).send();
    let (answer, seen) = looking.send(send).await?;
    let meta = answer.key_metadata().map(|meta| {
        Object::default()
            .with("KeyId", Some(meta.key_id()))
            .with("Arn", meta.arn())
            .with("Enabled", Some(meta.enabled()))
            .word("KeyState", meta.key_state())
            .word("KeyUsage", meta.key_usage())
            .at("DeletionDate", meta.deletion_date())
            .with("MultiRegion", meta.multi_region())
            .json()
    });
    Ok(reply(Object::default().with("KeyMetadata", meta).json(), seen))
}

/// Looks at a cluster of EKS.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn cluster(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    if call.name() != "DescribeCluster" {
        return Err(unknown(call));
    }
    let mut given = Arguments::of(call);
    let name = given.needed("Name")?;
    given.none_left()?;
    let send =
        |watch| looking.site.eks().describe_cluster().name(&name).customize().interceptor(watch).send();
    let (answer, seen) = looking.send(send).await?;
    let cluster = answer.cluster().map(|cluster| {
        let authority = cluster.certificate_authority().map(|authority| only("Data", authority.data()));
        Object::default()
            .with("Name", cluster.name())
            .with("Arn", cluster.arn())
            .with("Version", cluster.version())
            .with("Endpoint", cluster.endpoint())
            .word("Status", cluster.status())
            .with("CertificateAuthority", authority)
            .at("CreatedAt", cluster.created_at())
            .json()
    });
    Ok(reply(Object::default().with("Cluster", cluster).json(), seen))
}
