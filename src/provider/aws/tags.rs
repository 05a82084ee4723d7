//! What carries a tag, and which resource a component means.

use super::fault::Fault;
use super::operation::GET_RESOURCES;
use super::reader::Reader;
use crate::domain::Text;
use crate::domain::estate::{Component, Selector};
use crate::domain::kind::Kind;
use crate::domain::reading::ReadTrouble;
use aws_sdk_resourcegroupstagging::types::TagFilter;
use std::collections::BTreeMap;

/// Returns the ARNs of everything at the reader's place that carries a tag; of `types` only, where some are named.
///
/// # Errors
/// When they cannot be listed.
pub(super) async fn resources(
    reader: &Reader<'_>,
    key: &str,
    value: &str,
    types: &[&str],
) -> Result<Vec<String>, Fault> {
    let (mut all, mut token) = (Vec::new(), None::<String>);
    loop {
        let send = || {
            let filter = TagFilter::builder().key(key).values(value).build();
            let call = reader.site.tagging().get_resources().tag_filters(filter).resources_per_page(100);
            let types = types.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
            let call = call.set_resource_type_filters((!types.is_empty()).then_some(types));
            call.set_pagination_token(token.clone()).send()
        };
        let page = reader.call(&GET_RESOURCES, send).await?;
        let found = page.resource_tag_mapping_list().iter();
        all.extend(found.filter_map(|one| one.resource_arn().map(str::to_owned)));
        token = page.pagination_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

/// Returns the tags of everything that carries any at the reader's place, by ARN.
///
/// # Errors
/// When they cannot be listed.
pub(super) async fn all(reader: &Reader<'_>) -> Result<BTreeMap<String, BTreeMap<String, String>>, Fault> {
    let (mut all, mut token) = (BTreeMap::new(), None::<String>);
    loop {
        let send = || {
            let call = reader.site.tagging().get_resources().resources_per_page(100);
            call.set_pagination_token(token.clone()).send()
        };
        let page = reader.call(&GET_RESOURCES, send).await?;
        for one in page.resource_tag_mapping_list() {
            let tags = one.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
            all.insert(one.resource_arn().unwrap_or_default().to_owned(), tags.collect());
        }
        token = page.pagination_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(all);
        }
    }
}

/// The name of a kind's resources where tags are asked for.
fn resource_type(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::RdsInstance => "rds:db",
        Kind::RdsCluster => "rds:cluster",
        Kind::Ec2Instance => "ec2:instance",
        Kind::EbsVolume => "ec2:volume",
        Kind::S3Bucket => "s3",
        Kind::DynamodbTable => "dynamodb:table",
        Kind::BackupVault => "backup:backup-vault",
        Kind::EksCluster => "eks:cluster",
        Kind::Service => "elasticloadbalancing:targetgroup",
        _ => return None,
    })
}

/// Returns the service's own identifier of the resource that a component means. An ARN is cut down to it.
///
/// # Errors
/// When the component does not say how it is found, or its tag is carried by none or by several.
pub(super) async fn identifier(reader: &Reader<'_>, component: &Component) -> Result<String, Fault> {
    let fault = |says: &str| Fault::plain("select", ReadTrouble::Other(Text::new(says)));
    let (key, value) = match &component.selector {
        None => return Err(fault("the estate file does not say how it is found: add `select`")),
        Some(Selector::Id(id)) => return Ok(short(component.kind, id.as_str()).to_owned()),
        Some(Selector::Tag { key, value }) => (key.as_str(), value.as_str()),
    };
    let Some(of_kind) = resource_type(component.kind) else {
        return Err(fault(&format!(
            "a {} cannot be found by a tag: name it by `select: {{ id: … }}`",
            component.kind.words()
        )));
    };
    let home = if reader.site.place == component.home {
        reader.clone()
    } else {
        reader.elsewhere(&component.home).await?
    };
    let ask = || async { resources(&home, key, value, &[of_kind]).await };
    let found = home.shared(&format!("tag {key}={value} {of_kind}"), ask).await?;
    match found.as_slice() {
        [arn] => Ok(short(component.kind, arn).to_owned()),
        [] => Err(Fault {
            code: Some("NoSuchTag".to_owned()),
            ..fault(&format!("no {} carries the tag {key}={value}", component.kind.words()))
        }),
        several => {
            let names: Vec<_> = several.iter().map(|arn| short(component.kind, arn)).take(4).collect();
            let names = names.join(", ");
            let says = format!(
                "{} carry the tag {key}={value}: {names}; name one by `select: {{ id: … }}`",
                several.len()
            );
            Err(fault(&says))
        }
    }
}

/// Returns what a service calls a resource, from its ARN; of a target group the ARN is its name.
fn short(kind: Kind, id: &str) -> &str {
    if !id.starts_with("arn:") || kind == Kind::Service {
        return id;
    }
    let resource = id.splitn(6, ':').nth(5).unwrap_or(id);
    match kind {
        Kind::S3Bucket => resource,
        Kind::RdsInstance | Kind::RdsCluster | Kind::BackupVault => {
            resource.split_once(':').map_or(resource, |(_, name)| name)
        }
        _ => resource.rsplit('/').next().unwrap_or(resource),
    }
}
