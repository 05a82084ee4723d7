//! What backup plans choose by tag, and which of it no vault holds.

use super::backup;
use super::fault::Fault;
use super::operation::{GET_BACKUP_SELECTION, LIST_BACKUP_PLANS, LIST_BACKUP_SELECTIONS};
use super::reader::Reader;
use super::tags;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Returns the ARNs of what the backup plans of the reader's place choose by a tag and no vault there holds.
///
/// # Errors
/// When plans, tags or vaults cannot be read.
pub(super) async fn unprotected(reader: &Reader<'_>) -> Result<Arc<BTreeSet<String>>, Fault> {
    let ask = || async {
        let mut chosen = BTreeSet::new();
        for (key, value) in chosen_tags(reader).await? {
            chosen.extend(tags::resources(reader, &key, &value, &[]).await?);
        }
        // Without a choice there is nothing to compare, and nothing to ask.
        if chosen.is_empty() {
            return Ok(chosen);
        }
        let protected = backup::protected(reader).await?;
        Ok(chosen.difference(&protected).filter(|arn| can_be_backed_up(arn)).cloned().collect())
    };
    reader.shared("backup unprotected", ask).await
}

/// Says whether AWS Backup takes such a resource: a tag often stands on security groups and snapshots too.
fn can_be_backed_up(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, _, service, _, _, resource] = parts.as_slice() else { return false };
    match *service {
        "ec2" => resource.starts_with("instance/") || resource.starts_with("volume/"),
        "rds" => resource.starts_with("db:") || resource.starts_with("cluster:"),
        "dynamodb" => resource.starts_with("table/") && !resource.contains("/backup/"),
        "elasticfilesystem" => resource.starts_with("file-system/"),
        "s3" | "fsx" | "storagegateway" | "redshift" => true,
        _ => false,
    }
}

async fn chosen_tags(reader: &Reader<'_>) -> Result<BTreeSet<(String, String)>, Fault> {
    let backup = reader.site.backup();
    let (mut plans, mut token) = (Vec::new(), None::<String>);
    loop {
        let send = || backup.list_backup_plans().max_results(1_000).set_next_token(token.clone()).send();
        let page = reader.call(&LIST_BACKUP_PLANS, send).await?;
        plans.extend(
            page.backup_plans_list().iter().filter_map(|plan| plan.backup_plan_id().map(str::to_owned)),
        );
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    let mut tags = BTreeSet::new();
    for plan in plans {
        for id in selections(reader, &plan).await? {
            let id = id.as_str();
            let send = || backup.get_backup_selection().backup_plan_id(&plan).selection_id(id).send();
            let answer = reader.call(&GET_BACKUP_SELECTION, send).await?;
            let Some(selection) = answer.backup_selection() else { continue };
            tags.extend(selection.list_of_tags().iter().map(|condition| {
                (condition.condition_key().to_owned(), condition.condition_value().to_owned())
            }));
            let equals = selection.conditions().map_or([].as_slice(), |all| all.string_equals());
            tags.extend(equals.iter().filter_map(|one| {
                let key = one.condition_key()?.trim_start_matches("aws:ResourceTag/");
                Some((key.to_owned(), one.condition_value()?.to_owned()))
            }));
        }
    }
    Ok(tags)
}

async fn selections(reader: &Reader<'_>, plan: &str) -> Result<Vec<String>, Fault> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    loop {
        let send = || {
            let call = reader.site.backup().list_backup_selections().backup_plan_id(plan);
            call.max_results(1_000).set_next_token(token.clone()).send()
        };
        let page = reader.call(&LIST_BACKUP_SELECTIONS, send).await?;
        let found = page.backup_selections_list().iter();
        all.extend(found.filter_map(|one| one.selection_id().map(str::to_owned)));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}
