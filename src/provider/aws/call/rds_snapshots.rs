//! RDS: snapshots of instances and of clusters.

use super::arguments::{Arguments, Taken, not_sent};
use super::json::Object;
use super::rds::tags;
use super::rds_answers::snapshot;
use super::rds_cluster_answers::cluster_snapshot;
use super::{Doing, Looking, all_pages, reply, unknown};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_rds::types::DbSnapshotAttributesResult;
use serde_json::{Value, json};

/// Looks at snapshots, or at who may use one.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    match call.name() {
        "DescribeDBSnapshots" => {
            let (id, of) = (given.text("DBSnapshotIdentifier")?, given.text("DBInstanceIdentifier")?);
            let kind = given.text("SnapshotType")?;
            given.none_left()?;
            one_or_of_one(call, id.is_some() || of.is_some())?;
            all_pages!(looking, "DBSnapshots", db_snapshots, snapshot, |watch, marker| {
                let asked = looking.site.rds().describe_db_snapshots().set_marker(marker);
                let asked = asked.set_db_snapshot_identifier(id.clone()).set_snapshot_type(kind.clone());
                asked.set_db_instance_identifier(of.clone()).customize().interceptor(watch).send()
            })
        }
        "DescribeDBClusterSnapshots" => {
            let (id, of) = (given.text("DBClusterSnapshotIdentifier")?, given.text("DBClusterIdentifier")?);
            let kind = given.text("SnapshotType")?;
            given.none_left()?;
            one_or_of_one(call, id.is_some() || of.is_some())?;
            all_pages!(
                looking,
                "DBClusterSnapshots",
                db_cluster_snapshots,
                cluster_snapshot,
                |watch, marker| {
                    let asked = looking.site.rds().describe_db_cluster_snapshots().set_marker(marker);
                    let asked =
                        asked.set_db_cluster_snapshot_identifier(id.clone()).set_snapshot_type(kind.clone());
                    asked.set_db_cluster_identifier(of.clone()).customize().interceptor(watch).send()
                }
            )
        }
        "DescribeDBSnapshotAttributes" => {
            let id = given.needed("DBSnapshotIdentifier")?;
            given.none_left()?;
            let send = |watch| {
                let asked = looking.site.rds().describe_db_snapshot_attributes().db_snapshot_identifier(&id);
                asked.customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            Ok(reply(attributes(answer.db_snapshot_attributes_result()), seen))
        }
        _ => Err(unknown(call)),
    }
}

/// Says that not all snapshots of an account are asked for.
fn one_or_of_one(call: &Call, is_said: bool) -> Taken<()> {
    if is_said {
        return Ok(());
    }
    Err(not_sent(&format!("{} says neither which snapshot nor of what", call.operation)))
}

fn attributes(result: Option<&DbSnapshotAttributesResult>) -> Value {
    let result = result.map(|result| {
        Object::default()
            .with("DBSnapshotIdentifier", result.db_snapshot_identifier())
            .list("DBSnapshotAttributes", result.db_snapshot_attributes(), |one| {
                Object::default()
                    .with("AttributeName", one.attribute_name())
                    .list("AttributeValues", one.attribute_values(), |value| json!(value))
                    .json()
            })
            .json()
    });
    Object::default().with("DBSnapshotAttributesResult", result).json()
}

/// Makes, copies, shares or deletes a snapshot.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    match call.name() {
        "CreateDBSnapshot" => {
            let sent = doing
                .acting
                .rds()
                .create_db_snapshot()
                .db_instance_identifier(given.needed("DBInstanceIdentifier")?)
                .db_snapshot_identifier(given.needed("DBSnapshotIdentifier")?)
                .set_tags(tags(&mut given)?);
            given.none_left()?;
            let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
            Ok(reply(Object::default().with("DBSnapshot", answer.db_snapshot().map(snapshot)).json(), seen))
        }
        "CopyDBSnapshot" => {
            let sent = doing
                .acting
                .rds()
                .copy_db_snapshot()
                .source_db_snapshot_identifier(given.needed("SourceDBSnapshotIdentifier")?)
                .target_db_snapshot_identifier(given.needed("TargetDBSnapshotIdentifier")?)
                .set_kms_key_id(given.text("KmsKeyId")?)
                .set_tags(tags(&mut given)?);
            given.none_left()?;
            let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
            Ok(reply(Object::default().with("DBSnapshot", answer.db_snapshot().map(snapshot)).json(), seen))
        }
        "DeleteDBSnapshot" => {
            let sent = doing.acting.rds().delete_db_snapshot();
            let sent = sent.db_snapshot_identifier(given.needed("DBSnapshotIdentifier")?);
            given.none_left()?;
            let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
            Ok(reply(Object::default().with("DBSnapshot", answer.db_snapshot().map(snapshot)).json(), seen))
        }
        "CreateDBClusterSnapshot" => {
            let sent = doing
                .acting
                .rds()
                .create_db_cluster_snapshot()
                .db_cluster_identifier(given.needed("DBClusterIdentifier")?)
                .db_cluster_snapshot_identifier(given.needed("DBClusterSnapshotIdentifier")?)
                .set_tags(tags(&mut given)?);
            given.none_left()?;
            let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
            let told = answer.db_cluster_snapshot().map(cluster_snapshot);
            Ok(reply(Object::default().with("DBClusterSnapshot", told).json(), seen))
        }
        "CopyDBClusterSnapshot" => {
            let sent = doing
                .acting
                .rds()
                .copy_db_cluster_snapshot()
                .source_db_cluster_snapshot_identifier(given.needed("SourceDBClusterSnapshotIdentifier")?)
                .target_db_cluster_snapshot_identifier(given.needed("TargetDBClusterSnapshotIdentifier")?)
                .set_kms_key_id(given.text("KmsKeyId")?)
                .set_tags(tags(&mut given)?);
            given.none_left()?;
            let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
            let told = answer.db_cluster_snapshot().map(cluster_snapshot);
            Ok(reply(Object::default().with("DBClusterSnapshot", told).json(), seen))
        }
        "DeleteDBClusterSnapshot" => {
            let sent = doing.acting.rds().delete_db_cluster_snapshot();
            let sent = sent.db_cluster_snapshot_identifier(given.needed("DBClusterSnapshotIdentifier")?);
            given.none_left()?;
            let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
            let told = answer.db_cluster_snapshot().map(cluster_snapshot);
            Ok(reply(Object::default().with("DBClusterSnapshot", told).json(), seen))
        }
        "ModifyDBSnapshotAttribute" => {
            let sent = doing
                .acting
                .rds()
                .modify_db_snapshot_attribute()
                .db_snapshot_identifier(given.needed("DBSnapshotIdentifier")?)
                .attribute_name(given.needed("AttributeName")?)
                .set_values_to_add(given.texts("ValuesToAdd")?)
                .set_values_to_remove(given.texts("ValuesToRemove")?);
            given.none_left()?;
            let (answer, seen) = doing.done(Box::pin(sent.send())).await?;
            Ok(reply(attributes(answer.db_snapshot_attributes_result()), seen))
        }
        _ => Err(unknown(call)),
    }
}
