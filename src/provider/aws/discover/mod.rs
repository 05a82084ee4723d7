//! What an account holds that could be recovered, for a first estate file: databases, names, clusters and vaults here,
//! [`machines`] and [`stores`] beside.
//!
//! Everything is looked at side by side; what cannot be looked at is said, and hides nothing else.

mod machines;
mod stores;

use super::connection::Connections;
use super::fault::Fault;
use super::operation::{LIST_BACKUP_VAULTS, LIST_CLUSTERS};
use super::reader::Reader;
use super::{identity, rds, rds_cluster, route53, tags};
use crate::config::proposal::{Discovery, Resource, StateBucket};
use crate::domain::condition::Identity;
use crate::domain::estate::Environment;
use crate::domain::kind::Kind;
use crate::domain::place::{GLOBAL, Place};
use crate::domain::reading::ReadTrouble;
use crate::provider::port::Deaf;
use aws_sdk_backup::types::BackupVaultListMember;
use std::collections::{BTreeMap, BTreeSet};

/// Tags by ARN.
type Tags = BTreeMap<String, BTreeMap<String, String>>;

/// Returns who the caller is in an environment whose account need not be known yet.
///
/// # Errors
/// When nobody knows them, or there are no credentials.
pub async fn caller(connections: &Connections, environment: &Environment) -> Result<Identity, ReadTrouble> {
    let reader = Reader::at(connections, &environment.name, &environment.home(), &Deaf).await;
    let reader = reader.map_err(|fault| fault.trouble)?;
    identity::identity(&reader).await.map_err(|fault| fault.trouble)
}

/// Finds what the account of `environment` holds in its Region.
///
/// # Errors
/// When nothing logs in to it.
pub async fn discover(
    connections: &Connections,
    environment: &Environment,
) -> Result<Discovery, ReadTrouble> {
    let home = environment.home();
    let reader =
        Reader::at(connections, &environment.name, &home, &Deaf).await.map_err(|fault| fault.trouble)?;
    let mut found = Discovery {
        account: environment.account.to_string(),
        region: home.region.to_string(),
        ..Discovery::default()
    };
    let tags = match tags::all(&reader).await {
        Ok(tags) => tags,
        Err(fault) => {
            found.unread.push(said(&fault));
            Tags::new()
        }
    };
    let mut votes: BTreeMap<String, usize> = BTreeMap::new();
    let (databases, machines, buckets, tables, names, rest) = tokio::join!(
        databases(&reader),
        machines::machines(&reader),
        stores::buckets(&reader, &tags),
        stores::tables(&reader, &tags),
        records(&reader),
        others(&reader, &tags),
    );
    for part in [databases, machines, buckets, tables, names, rest] {
        found.resources.extend(part.resources);
        found.state_buckets.extend(part.state_buckets);
        found.lock_tables.extend(part.lock_tables);
        found.left_out.extend(part.left_out);
        found.unread.extend(part.faults.iter().map(said));
        for region in part.elsewhere.into_iter().filter(|region| region != home.region.as_str()) {
            *votes.entry(region).or_default() += 1;
        }
    }
    found.unread.sort();
    found.unread.dedup();
    let named = environment.dr_region.as_ref().map(ToString::to_string);
    found.dr_region =
        named.or_else(|| votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(region, _)| region));
    Ok(found)
}

fn said(fault: &Fault) -> String {
    format!("{}: {}", fault.source, fault.trouble)
}

/// What one look brought.
#[derive(Default)]
struct Part {
    resources: Vec<Resource>,
    state_buckets: Vec<StateBucket>,
    lock_tables: Vec<String>,
    left_out: Vec<String>,
    /// Regions in which copies or replicas were seen.
    elsewhere: Vec<String>,
    faults: Vec<Fault>,
}

fn name_of(tags: &BTreeMap<String, String>, id: &str) -> String {
    tags.get("Name").filter(|name| !name.trim().is_empty()).cloned().unwrap_or_else(|| id.to_owned())
}

fn resource(kind: Kind, id: &str, place: &Place, tags: BTreeMap<String, String>, seen: String) -> Resource {
    Resource {
        kind: Some(kind),
        id: id.to_owned(),
        name: name_of(&tags, id),
        region: place.region.to_string(),
        tags,
        seen,
        needs: Vec::new(),
    }
}

async fn databases(reader: &Reader<'_>) -> Part {
    let mut part = Part::default();
    let place = &reader.site.place;
    match rds::instances(reader).await {
        Err(fault) => part.faults.push(fault),
        Ok(instances) => {
            for db in instances.iter().filter(|db| db.db_cluster_identifier().is_none()) {
                let Some(id) = db.db_instance_identifier() else { continue };
                if let Some(source) =
                    db.read_replica_source_db_instance_identifier().filter(|source| !source.is_empty())
                {
                    part.left_out.push(format!("database {id}: a replica of {source}"));
                    continue;
                }
                let replicas = db.read_replica_db_instance_identifiers();
                part.elsewhere.extend(replicas.iter().filter_map(|arn| region_of(arn)));
                let tags = db.tag_list().iter();
                let tags =
                    tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()))).collect();
                let kept = db.backup_retention_period().unwrap_or(0);
                let kept = if kept > 0 {
                    format!("backups kept {kept} d")
                } else {
                    "NO automated backups".to_owned()
                };
                let seen = format!(
                    "{} {}, {kept}",
                    db.engine().unwrap_or("database"),
                    db.engine_version().unwrap_or("")
                );
                // The name of a database is its identifier: that is what its snapshots carry.
                let mut one = resource(Kind::RdsInstance, id, place, tags, seen);
                id.clone_into(&mut one.name);
                part.resources.push(one);
            }
        }
    }
    match rds_cluster::clusters(reader).await {
        Err(fault) => part.faults.push(fault),
        Ok(clusters) => {
            for cluster in clusters.iter() {
                let Some(id) = cluster.db_cluster_identifier() else { continue };
                if let Some(source) =
                    cluster.replication_source_identifier().filter(|source| !source.is_empty())
                {
                    part.left_out.push(format!("cluster {id}: a replica of {source}"));
                    continue;
                }
                let tags = cluster.tag_list().iter();
                let tags =
                    tags.filter_map(|tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()))).collect();
                let seen = format!(
                    "{} {}, {} instances",
                    cluster.engine().unwrap_or("cluster"),
                    cluster.engine_version().unwrap_or(""),
                    cluster.db_cluster_members().len()
                );
                let mut one = resource(Kind::RdsCluster, id, place, tags, seen);
                id.clone_into(&mut one.name);
                part.resources.push(one);
            }
        }
    }
    part
}

fn region_of(arn: &str) -> Option<String> {
    arn.starts_with("arn:").then(|| arn.split(':').nth(3).map(str::to_owned)).flatten()
}

/// Returns the records that a recovery would have to move: those with a health check, a weight or a failover role.
async fn records(reader: &Reader<'_>) -> Part {
    let mut part = Part::default();
    let place = Place { account: reader.site.place.account.clone(), region: GLOBAL.into() };
    let global = match reader.elsewhere(&place).await {
        Ok(global) => global,
        Err(fault) => {
            part.faults.push(fault);
            return part;
        }
    };
    let zones = match route53::zones(&global).await {
        Ok(zones) => zones,
        Err(fault) => {
            part.faults.push(fault);
            return part;
        }
    };
    for zone in zones.iter() {
        let records = match route53::records(&global, zone.id()).await {
            Ok(records) => records,
            Err(fault) => {
                part.faults.push(fault);
                continue;
            }
        };
        let (mut moved, mut others) = (BTreeSet::new(), 0);
        for record in records.iter() {
            let kind = record.r#type().as_str();
            let can_move = record.set_identifier().is_some()
                || record.health_check_id().is_some()
                || record.alias_target().is_some();
            if can_move && matches!(kind, "A" | "AAAA" | "CNAME") {
                moved.insert((record.name().trim_end_matches('.').to_owned(), kind.to_owned()));
            } else if matches!(kind, "A" | "AAAA" | "CNAME") {
                others += 1;
            }
        }
        for (name, kind) in moved {
            let short = zone.id().trim_start_matches("/hostedzone/");
            let id = format!("{short}/{name}/{kind}");
            let mut one = resource(
                Kind::DnsRecord,
                &id,
                &place,
                BTreeMap::new(),
                format!("{kind} record in zone {}", zone.name()),
            );
            one.name = if kind == "A" { name } else { format!("{name}-{kind}") };
            part.resources.push(one);
        }
        if others > 0 {
            part.left_out.push(format!("{others} plain records of zone {}: nothing fails over", zone.name()));
        }
    }
    part
}

async fn clusters(reader: &Reader<'_>) -> Result<Vec<String>, Fault> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    loop {
        let send = || reader.site.eks().list_clusters().max_results(100).set_next_token(token.clone()).send();
        let page = reader.call(&LIST_CLUSTERS, send).await?;
        all.extend(page.clusters().to_vec());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn vaults(reader: &Reader<'_>) -> Result<Vec<BackupVaultListMember>, Fault> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    loop {
        let send = || {
            reader.site.backup().list_backup_vaults().max_results(1_000).set_next_token(token.clone()).send()
        };
        let page = reader.call(&LIST_BACKUP_VAULTS, send).await?;
        all.extend(page.backup_vault_list.unwrap_or_default());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

async fn others(reader: &Reader<'_>, tags: &Tags) -> Part {
    let mut part = Part::default();
    let place = &reader.site.place;
    match clusters(reader).await {
        Err(fault) => part.faults.push(fault),
        Ok(names) => {
            for name in &names {
                let arn = format!("arn:aws:eks:{}:{}:cluster/{name}", place.region, place.account);
                let tags = tags.get(&arn).cloned().unwrap_or_default();
                let mut one = resource(Kind::EksCluster, name, place, tags, String::new());
                name.clone_into(&mut one.name);
                part.resources.push(one);
            }
        }
    }
    match vaults(reader).await {
        Err(fault) => part.faults.push(fault),
        Ok(vaults) => {
            for vault in &vaults {
                let Some(name) = vault.backup_vault_name() else { continue };
                let count = vault.number_of_recovery_points();
                // Every account has these two, used or not.
                if count == 0 && (name == "Default" || name.starts_with("aws/")) {
                    continue;
                }
                let locked = if vault.locked() == Some(true) { ", locked" } else { "" };
                let seen = format!("{count} recovery points{locked}");
                let mut one = resource(Kind::BackupVault, name, place, BTreeMap::new(), seen);
                name.clone_into(&mut one.name);
                part.resources.push(one);
            }
        }
    }
    part
}
