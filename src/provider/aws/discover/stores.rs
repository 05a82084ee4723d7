//! Buckets, with the states in them, and tables.

use super::{Part, Tags, resource};
use crate::config::proposal::StateBucket;
use crate::domain::kind::Kind;
use crate::provider::aws::fault::Fault;
use crate::provider::aws::operation::{DESCRIBE_TABLE, LIST_BUCKETS, LIST_OBJECT_VERSIONS, LIST_TABLES};
use crate::provider::aws::reader::Reader;
use crate::provider::aws::{dynamodb, s3};
use aws_sdk_dynamodb::types::{KeyType, ScalarAttributeType};
use std::collections::BTreeSet;

/// The most buckets that are looked into.
const BUCKETS: usize = 100;
/// Buckets that tools make for themselves.
const TOOLS_BUCKETS: [&str; 6] = [
    "cf-templates-",
    "cdk-",
    "elasticbeanstalk-",
    "aws-cloudtrail-logs",
    "aws-athena-query",
    "config-bucket-",
];

pub(super) async fn buckets(reader: &Reader<'_>, tags: &Tags) -> Part {
    let mut part = Part::default();
    let here = reader.site.place.region.as_str();
    let s3 = reader.site.s3();
    let (mut names, mut token) = (Vec::new(), None::<String>);
    loop {
        let send = || s3.list_buckets().max_buckets(1_000).set_continuation_token(token.clone()).send();
        match reader.call(&LIST_BUCKETS, send).await {
            Err(fault) => {
                part.faults.push(fault);
                return part;
            }
            Ok(page) => {
                names.extend(page.buckets().iter().filter_map(|bucket| bucket.name().map(str::to_owned)));
                token = page.continuation_token.filter(|token| !token.is_empty());
                if token.is_none() {
                    break;
                }
            }
        }
    }
    if names.len() > BUCKETS {
        part.left_out.push(format!("{} buckets beyond the first {BUCKETS}", names.len() - BUCKETS));
        names.truncate(BUCKETS);
    }
    let mut replicas: BTreeSet<String> = BTreeSet::new();
    let mut seen: Vec<(String, String, bool)> = Vec::new();
    for name in names {
        match s3::location(reader, &name).await {
            Ok(region) if region == here => {}
            Ok(_) => continue,
            Err(fault) => {
                part.faults.push(fault);
                continue;
            }
        }
        let mut replica = None;
        match s3::destinations(reader, &name).await {
            Ok(targets) => {
                for target in targets {
                    let region = s3::location(reader, &target).await.ok();
                    part.elsewhere.extend(region.clone());
                    replicas.insert(target.clone());
                    replica = region.map(|region| (target, region));
                }
            }
            Err(fault) => part.faults.push(fault),
        }
        let states = match states(reader, &name).await {
            Ok(states) => states,
            Err(fault) => {
                part.faults.push(fault);
                StateBucket::default()
            }
        };
        let has_states = !states.keys.is_empty();
        let copied = replica.as_ref().map_or("not replicated".to_owned(), |(target, region)| {
            format!("replicated to {target} in {region}")
        });
        if has_states {
            part.state_buckets.push(StateBucket { replica, ..states });
        }
        let is_tools = TOOLS_BUCKETS.iter().any(|start| name.starts_with(start));
        if is_tools {
            part.left_out.push(format!("bucket {name}: made by a tool of AWS"));
            continue;
        }
        seen.push((name, copied, has_states));
    }
    for (name, copied, has_states) in seen {
        if replicas.contains(&name) {
            part.left_out.push(format!("bucket {name}: a replica of another"));
            continue;
        }
        let tags = tags.get(&format!("arn:aws:s3:::{name}")).cloned().unwrap_or_default();
        let holds = if has_states { "holds Terraform states, " } else { "" };
        let mut one = resource(Kind::S3Bucket, &name, &reader.site.place, tags, format!("{holds}{copied}"));
        one.name.clone_from(&name);
        part.resources.push(one);
    }
    part
}

/// Looks into the first thousand versions of a bucket for states: objects that end in `.tfstate`, and lock files beside
/// them.
async fn states(reader: &Reader<'_>, bucket: &str) -> Result<StateBucket, Fault> {
    let send = || reader.site.s3().list_object_versions().bucket(bucket).max_keys(1_000).send();
    let page = reader.call(&LIST_OBJECT_VERSIONS, send).await?;
    let current = page.versions().iter().filter(|one| one.is_latest() == Some(true));
    let current: Vec<&str> = current.filter_map(|one| one.key()).collect();
    let locks = page.versions().iter().filter_map(|one| one.key());
    let locks = locks.chain(page.delete_markers().iter().filter_map(|one| one.key()));
    let states = current.iter().filter(|key| key.ends_with(".tfstate"));
    Ok(StateBucket {
        bucket: bucket.to_owned(),
        keys: states.map(|key| (*key).to_owned()).collect(),
        lockfile: locks.into_iter().any(|key| key.ends_with(".tflock")),
        replica: None,
    })
}

pub(super) async fn tables(reader: &Reader<'_>, tags: &Tags) -> Part {
    let mut part = Part::default();
    let place = &reader.site.place;
    let dynamodb = reader.site.dynamodb();
    let (mut names, mut from) = (Vec::new(), None::<String>);
    loop {
        let send = || dynamodb.list_tables().limit(100).set_exclusive_start_table_name(from.clone()).send();
        match reader.call(&LIST_TABLES, send).await {
            Err(fault) => {
                part.faults.push(fault);
                return part;
            }
            Ok(page) => {
                names.extend(page.table_names.unwrap_or_default());
                from = page.last_evaluated_table_name;
                if from.is_none() {
                    break;
                }
            }
        }
    }
    for name in names {
        let table =
            match reader.call(&DESCRIBE_TABLE, || dynamodb.describe_table().table_name(&name).send()).await {
                Ok(answer) => answer.table,
                Err(fault) => {
                    part.faults.push(fault);
                    continue;
                }
            };
        let Some(table) = table else { continue };
        // Terraform's lock table has one key, a text named LockID (T2).
        let is_lock_key = matches!(table.key_schema(), [key] if key.attribute_name() == "LockID" && *key.key_type() == KeyType::Hash)
            && table.attribute_definitions().iter().any(|one| {
                one.attribute_name() == "LockID" && *one.attribute_type() == ScalarAttributeType::S
            });
        if is_lock_key {
            part.lock_tables.push(name);
            continue;
        }
        let copies: Vec<String> =
            table.replicas().iter().filter_map(|one| one.region_name().map(str::to_owned)).collect();
        part.elsewhere.extend(copies.clone());
        let tags = tags.get(&dynamodb::arn(place, &name)).cloned().unwrap_or_default();
        let items = table.item_count().unwrap_or(0);
        let seen = match copies.join(", ").as_str() {
            "" => format!("{items} items"),
            copies => format!("{items} items, replicas in {copies}"),
        };
        let mut one = resource(Kind::DynamodbTable, &name, place, tags, seen);
        one.name.clone_from(&name);
        part.resources.push(one);
    }
    part
}
