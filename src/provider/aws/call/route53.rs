//! Route 53: hosted zones, record sets, batches of changes, health checks (N1, N2).

use super::arguments::{Arguments, Taken, not_sent};
use super::json::{Object, only};
use super::{Doing, Looking, reply, unknown};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_route53::error::BuildError;
use aws_sdk_route53::types::{
    AliasTarget, Change, ChangeAction, ChangeBatch, ChangeInfo, CidrRoutingConfig, GeoLocation, HealthCheck,
    HealthCheckConfig, HostedZone, HostedZoneConfig, ResourceRecord, ResourceRecordSet,
    ResourceRecordSetFailover, ResourceRecordSetRegion, RrType,
};
use serde_json::Value;

/// The most record sets that Route 53 puts on a page.
const PAGE: i32 = 300;

/// Looks at zones, record sets, a change, or a health check.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    match call.name() {
        "ListHostedZones" => zones(looking, call).await,
        "ListResourceRecordSets" => records(looking, call).await,
        "GetChange" => {
            let mut given = Arguments::of(call);
            let id = given.needed("Id")?;
            given.none_left()?;
            let send =
                |watch| looking.site.route53().get_change().id(&id).customize().interceptor(watch).send();
            let (answer, seen) = looking.send(send).await?;
            Ok(reply(change_info(answer.change_info()), seen))
        }
        "GetHealthCheck" => {
            let mut given = Arguments::of(call);
            let id = given.needed("HealthCheckId")?;
            given.none_left()?;
            let send = |watch| {
                let asked = looking.site.route53().get_health_check().health_check_id(&id);
                asked.customize().interceptor(watch).send()
            };
            let (answer, seen) = looking.send(send).await?;
            Ok(reply(health_check(answer.health_check()), seen))
        }
        _ => Err(unknown(call)),
    }
}

async fn zones(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    Arguments::of(call).none_left()?;
    let (mut all, mut marker) = (Vec::new(), None::<String>);
    let seen = loop {
        let send = |watch| {
            let asked = looking.site.route53().list_hosted_zones().set_marker(marker.clone());
            asked.customize().interceptor(watch).send()
        };
        let (page, seen) = looking.send(send).await?;
        all.extend(page.hosted_zones().iter().map(zone));
        marker = page.next_marker().filter(|_| page.is_truncated()).map(str::to_owned);
        if marker.is_none() {
            break seen;
        }
    };
    Ok(reply(Object::default().with("HostedZones", Some(all)).json(), seen))
}

fn zone(zone: &HostedZone) -> Value {
    Object::default()
        .with("Id", Some(zone.id().trim_start_matches("/hostedzone/")))
        .with("Name", Some(zone.name()))
        .with("PrivateZone", Some(zone.config().is_some_and(HostedZoneConfig::private_zone)))
        .json()
}

/// Lists all record sets of one name and type: a list begins at the name, and is read until another one comes.
async fn records(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let (zone, name, kind) = (given.needed("HostedZoneId")?, given.needed("Name")?, given.needed("Type")?);
    given.none_left()?;
    let plain = |name: &str| name.trim_end_matches('.').to_lowercase().replace("\\052", "*");
    let is_it = |set: &ResourceRecordSet| plain(set.name()) == plain(&name) && set.r#type().as_str() == kind;
    let (mut all, mut next) = (Vec::new(), None::<String>);
    let seen = loop {
        let send = |watch| {
            let asked = looking.site.route53().list_resource_record_sets().hosted_zone_id(&zone);
            let asked = asked.start_record_name(&name).start_record_type(RrType::from(kind.as_str()));
            let asked = asked.set_start_record_identifier(next.clone()).max_items(PAGE);
            asked.customize().interceptor(watch).send()
        };
        let (page, seen) = looking.send(send).await?;
        let found = page.resource_record_sets();
        all.extend(found.iter().filter(|set| is_it(set)).map(record));
        // It goes on only while the next page begins with the same name and type.
        let same = page.next_record_name().is_some_and(|next| plain(next) == plain(&name))
            && page.next_record_type().is_some_and(|next| next.as_str() == kind);
        next = page.next_record_identifier().map(str::to_owned);
        if !page.is_truncated() || !same || next.is_none() {
            break seen;
        }
    };
    Ok(reply(Object::default().with("ResourceRecordSets", Some(all)).json(), seen))
}

fn record(set: &ResourceRecordSet) -> Value {
    let values = set
        .resource_records
        .as_ref()
        .map(|values| values.iter().map(|value| only("Value", Some(value.value()))).collect::<Vec<_>>());
    let alias = set.alias_target().map(|alias| {
        Object::default()
            .with("HostedZoneId", Some(alias.hosted_zone_id()))
            .with("DNSName", Some(alias.dns_name()))
            .with("EvaluateTargetHealth", Some(alias.evaluate_target_health()))
            .json()
    });
    let geo = set.geo_location().map(|geo| {
        Object::default()
            .with("ContinentCode", geo.continent_code())
            .with("CountryCode", geo.country_code())
            .with("SubdivisionCode", geo.subdivision_code())
            .json()
    });
    let cidr = set.cidr_routing_config().map(|cidr| {
        Object::default()
            .with("CollectionId", Some(cidr.collection_id()))
            .with("LocationName", Some(cidr.location_name()))
            .json()
    });
    Object::default()
        .with("Name", Some(set.name()))
        .word("Type", Some(set.r#type()))
        .with("SetIdentifier", set.set_identifier())
        .with("Weight", set.weight())
        .word("Region", set.region())
        .with("GeoLocation", geo)
        .word("Failover", set.failover())
        .with("MultiValueAnswer", set.multi_value_answer())
        .with("TTL", set.ttl())
        .with("ResourceRecords", values)
        .with("AliasTarget", alias)
        .with("HealthCheckId", set.health_check_id())
        .with("TrafficPolicyInstanceId", set.traffic_policy_instance_id())
        .with("CidrRoutingConfig", cidr)
        // Nobody writes it back: that it is there is all that counts.
        .with("GeoProximityLocation", set.geo_proximity_location().map(|_| true))
        .json()
}

fn change_info(info: Option<&ChangeInfo>) -> Value {
    let info = info.map(|info| {
        Object::default()
            .with("Id", Some(info.id()))
            .word("Status", Some(info.status()))
            .at("SubmittedAt", Some(info.submitted_at()))
            .json()
    });
    Object::default().with("ChangeInfo", info).json()
}

fn health_check(check: Option<&HealthCheck>) -> Value {
    let config = |config: &HealthCheckConfig| {
        Object::default()
            .word("Type", Some(config.r#type()))
            .with("IPAddress", config.ip_address())
            .with("Port", config.port())
            .with("FullyQualifiedDomainName", config.fully_qualified_domain_name())
            .with("ResourcePath", config.resource_path())
            .with("Inverted", config.inverted())
            .with("Disabled", config.disabled())
            .json()
    };
    let check = check.map(|check| {
        Object::default()
            .with("Id", Some(check.id()))
            .with("HealthCheckVersion", Some(check.health_check_version()))
            .with("HealthCheckConfig", check.health_check_config().map(config))
            .json()
    });
    Object::default().with("HealthCheck", check).json()
}

/// Changes record sets, or a health check.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn act(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    match call.name() {
        "ChangeResourceRecordSets" => change(doing, call).await,
        "UpdateHealthCheck" => update_health_check(doing, call).await,
        _ => Err(unknown(call)),
    }
}

async fn change(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let zone = given.needed("HostedZoneId")?;
    let mut batch = given.within_it("ChangeBatch")?.ok_or_else(|| not_sent("ChangeBatch is missing"))?;
    given.none_left()?;
    let comment = batch.text("Comment")?;
    let changes = batch.each("Changes", one_change)?.filter(|changes| !changes.is_empty());
    let changes = changes.ok_or_else(|| not_sent("Changes of ChangeBatch is missing"))?;
    batch.none_left()?;
    let batch = ChangeBatch::builder()
        .set_comment(comment)
        .set_changes(Some(changes))
        .build()
        .map_err(|why| built(&why))?;
    let sent = doing.acting.route53().change_resource_record_sets().hosted_zone_id(zone).change_batch(batch);
    let (answer, seen) = doing.done(sent.send()).await?;
    Ok(reply(change_info(answer.change_info()), seen))
}

fn built(why: &BuildError) -> CallTrouble {
    not_sent(&why.to_string())
}

fn one_change(given: &mut Arguments<'_>) -> Taken<Change> {
    let action = match given.needed("Action")?.as_str() {
        "CREATE" => ChangeAction::Create,
        "DELETE" => ChangeAction::Delete,
        // It writes over whatever is there: no plan of lifeboat asks for it (N2).
        other => return Err(not_sent(&format!("Action of a change cannot be {other}"))),
    };
    let mut set =
        given.within_it("ResourceRecordSet")?.ok_or_else(|| not_sent("ResourceRecordSet is missing"))?;
    let value = record_set(&mut set)?;
    set.none_left()?;
    Change::builder().action(action).resource_record_set(value).build().map_err(|why| built(&why))
}

fn record_set(given: &mut Arguments<'_>) -> Taken<ResourceRecordSet> {
    let long = |value: Option<i32>| value.map(i64::from);
    let values = given.each("ResourceRecords", |value| {
        ResourceRecord::builder().value(value.needed("Value")?).build().map_err(|why| built(&why))
    })?;
    let alias = match given.within_it("AliasTarget")? {
        None => None,
        Some(mut alias) => {
            let target = AliasTarget::builder()
                .hosted_zone_id(alias.needed("HostedZoneId")?)
                .dns_name(alias.needed("DNSName")?)
                .evaluate_target_health(alias.flag("EvaluateTargetHealth")?.unwrap_or(false));
            alias.none_left()?;
            Some(target.build().map_err(|why| built(&why))?)
        }
    };
    let geo = match given.within_it("GeoLocation")? {
        None => None,
        Some(mut geo) => {
            let location = GeoLocation::builder()
                .set_continent_code(geo.text("ContinentCode")?)
                .set_country_code(geo.text("CountryCode")?)
                .set_subdivision_code(geo.text("SubdivisionCode")?);
            geo.none_left()?;
            Some(location.build())
        }
    };
    let cidr = match given.within_it("CidrRoutingConfig")? {
        None => None,
        Some(mut cidr) => {
            let config = CidrRoutingConfig::builder()
                .collection_id(cidr.needed("CollectionId")?)
                .location_name(cidr.needed("LocationName")?);
            cidr.none_left()?;
            Some(config.build().map_err(|why| built(&why))?)
        }
    };
    ResourceRecordSet::builder()
        .name(given.needed("Name")?)
        .r#type(RrType::from(given.needed("Type")?.as_str()))
        .set_set_identifier(given.text("SetIdentifier")?)
        .set_weight(long(given.number("Weight")?))
        .set_region(given.text("Region")?.map(|region| ResourceRecordSetRegion::from(region.as_str())))
        .set_geo_location(geo)
        .set_failover(given.text("Failover")?.map(|role| ResourceRecordSetFailover::from(role.as_str())))
        .set_multi_value_answer(given.flag("MultiValueAnswer")?)
        .set_ttl(long(given.number("TTL")?))
        .set_resource_records(values)
        .set_alias_target(alias)
        .set_health_check_id(given.text("HealthCheckId")?)
        .set_cidr_routing_config(cidr)
        .build()
        .map_err(|why| built(&why))
}

async fn update_health_check(doing: &Doing<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let sent = doing
        .acting
        .route53()
        .update_health_check()
        .health_check_id(given.needed("HealthCheckId")?)
        .set_health_check_version(given.number("HealthCheckVersion")?.map(i64::from))
        .set_inverted(given.flag("Inverted")?)
        .set_disabled(given.flag("Disabled")?);
    given.none_left()?;
    let (answer, seen) = doing.done(sent.send()).await?;
    Ok(reply(health_check(answer.health_check()), seen))
}
