//! Route 53: zones, records and health checks (N1, N2, N4).

use super::convert::Settings;
use super::fault::Fault;
use super::operation::{
    GET_HEALTH_CHECK, GET_HEALTH_CHECK_STATUS, LIST_HOSTED_ZONES, LIST_RESOURCE_RECORD_SETS,
};
use super::reader::{Gathered, Reader};
use crate::domain::Text;
use crate::domain::condition::{Condition, Health, Incident};
use crate::domain::reading::ReadTrouble;
use crate::domain::recovery_point::{Holds, PointKind, RecoveryPoint};
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use aws_sdk_route53::types::{HostedZone, ResourceRecordSet, RrType};
use std::sync::Arc;
use std::time::Duration;

/// How long a change takes to reach every server of Route 53 (N1).
const INSYNC: Duration = Duration::from_secs(60);
/// The lifetime of what an alias answers.
const ALIAS_TTL: i64 = 60;
/// Where the control plane of public DNS is (N4).
const CONTROL_PLANE: &str = "us-east-1";

/// What a component names: `ZONE/name/TYPE`, `name/TYPE`, or a name alone.
#[derive(Debug)]
struct Wanted {
    zone: Option<String>,
    name: String,
    kind: Option<String>,
}

impl Wanted {
    fn of(id: &str) -> Self {
        let parts: Vec<&str> = id.split('/').collect();
        let (zone, name, kind) = match parts.as_slice() {
            [zone, name, kind, ..] => (Some(*zone), *name, Some(*kind)),
            [zone, name] if !zone.contains('.') => (Some(*zone), *name, None),
            [name, kind] => (None, *name, Some(*kind)),
            _ => (None, id, None),
        };
        let name = name.trim_end_matches('.').to_lowercase();
        Self { zone: zone.map(str::to_owned), name, kind: kind.map(str::to_uppercase) }
    }

    fn is(&self, record: &ResourceRecordSet) -> bool {
        // Route 53 writes `*` and other letters as octal.
        let name = record.name().trim_end_matches('.').to_lowercase().replace("\\052", "*");
        name == self.name && self.kind.as_deref().is_none_or(|kind| kind == record.r#type().as_str())
    }
}

/// Reads every zone of the account, once for all who ask.
///
/// # Errors
/// When they cannot be listed.
pub(super) async fn zones(reader: &Reader<'_>) -> Result<Arc<Vec<HostedZone>>, Fault> {
    let list = || async {
        let (mut all, mut marker) = (Vec::new(), None::<String>);
        loop {
            let send = || reader.site.route53().list_hosted_zones().set_marker(marker.clone()).send();
            let page = reader.call(&LIST_HOSTED_ZONES, send).await?;
            all.extend(page.hosted_zones);
            marker = page.next_marker.filter(|_| page.is_truncated);
            if marker.is_none() {
                return Ok(all);
            }
        }
    };
    reader.shared("route53 zones", list).await
}

/// Reads every record of a zone, once for all who ask.
///
/// # Errors
/// When they cannot be listed.
pub(super) async fn records(reader: &Reader<'_>, zone: &str) -> Result<Arc<Vec<ResourceRecordSet>>, Fault> {
    let zone = zone.trim_start_matches("/hostedzone/");
    let list = || async {
        let (mut all, mut name, mut kind, mut id) =
            (Vec::new(), None::<String>, None::<RrType>, None::<String>);
        loop {
            let send = || {
                let call =
                    reader.site.route53().list_resource_record_sets().hosted_zone_id(zone).max_items(300);
                let call = call.set_start_record_name(name.clone()).set_start_record_type(kind.clone());
                call.set_start_record_identifier(id.clone()).send()
            };
            let page = reader.call(&LIST_RESOURCE_RECORD_SETS, send).await?;
            all.extend(page.resource_record_sets);
            if !page.is_truncated {
                return Ok(all);
            }
            (name, kind, id) = (page.next_record_name, page.next_record_type, page.next_record_identifier);
        }
    };
    reader.shared(&format!("route53 records {zone}"), list).await
}

async fn found(reader: &Reader<'_>, id: &str) -> Result<Vec<ResourceRecordSet>, Fault> {
    let wanted = Wanted::of(id);
    let zone = match &wanted.zone {
        Some(zone) => zone.clone(),
        None => {
            // The zone with the longest name that the record ends in.
            let zones = zones(reader).await?;
            let fits = |zone: &&HostedZone| {
                let zone = zone.name().trim_end_matches('.');
                wanted.name == zone || wanted.name.ends_with(&format!(".{zone}"))
            };
            let best = zones.iter().filter(fits).max_by_key(|zone| zone.name().len());
            best.map(|zone| zone.id().to_owned()).ok_or_else(|| {
                let says = format!("no zone of this account holds {}", wanted.name);
                Fault::plain(LIST_HOSTED_ZONES.source(), ReadTrouble::Other(Text::new(&says)))
            })?
        }
    };
    let records = match records(reader, &zone).await {
        Ok(records) => records,
        Err(fault) if fault.is("NoSuchHostedZone") => Arc::default(),
        Err(fault) => return Err(fault),
    };
    Ok(records.iter().filter(|record| wanted.is(record)).cloned().collect())
}

fn value(record: &ResourceRecordSet) -> String {
    let own = record.resource_records().iter().map(|one| one.value().to_owned());
    let alias = record.alias_target().map(|alias| format!("alias of {}", alias.dns_name()));
    own.chain(alias).collect::<Vec<_>>().join(" ")
}

/// Reads the values of the record that `id` names. They are what would be put back: after that the old answer lives on
/// in resolvers for as long as its lifetime says (N1).
pub(super) async fn points(reader: &Reader<'_>, id: &str) -> Gathered {
    let mut gathered = Gathered::default();
    let records = found(reader, id).await.map(|records| {
        let point = |record: &ResourceRecordSet| {
            let set = record.set_identifier().map_or(String::new(), |set| format!(" [{set}]"));
            let name = format!("{} {}{set} {}", record.name(), record.r#type().as_str(), value(record));
            let place = reader.site.place.clone();
            let mut point = RecoveryPoint::new(&name, PointKind::RecordedValue, place, Holds::Everything);
            let ttl = u64::try_from(record.ttl().unwrap_or(ALIAS_TTL)).unwrap_or_default();
            point.retrieval = Some(INSYNC + Duration::from_secs(ttl));
            point.control_plane = Some(CONTROL_PLANE.into());
            point
        };
        records.iter().map(point).collect()
    });
    gathered.add(&LIST_RESOURCE_RECORD_SETS.source(), records);
    gathered
}

/// Reads how the record is: there, and its health checks green.
///
/// # Errors
/// When its zone cannot be read.
pub(super) async fn condition(reader: &Reader<'_>, id: &str) -> Result<(Condition, Option<Fault>), Fault> {
    let records = found(reader, id).await?;
    if records.is_empty() {
        return Ok((Condition::gone(Text::new(&format!("there is no record {id}"))), None));
    }
    let mut settings = Settings::default();
    let (mut incidents, mut missing, mut red) = (Vec::new(), None, false);
    for record in &records {
        let set = record.set_identifier().unwrap_or("value");
        settings.put(&format!("{} {set}", record.r#type().as_str()), value(record));
        settings.maybe(&format!("TTL {set}"), record.ttl());
        settings.maybe(&format!("Failover {set}"), record.failover().map(|role| role.as_str().to_owned()));
        settings.maybe(&format!("Weight {set}"), record.weight());
        let Some(check) = record.health_check_id() else { continue };
        settings.put(&format!("HealthCheck {set}"), check);
        match health_check(reader, check).await {
            Ok(None) => {}
            Ok(Some(says)) => {
                red = true;
                let now = SystemClock.now();
                incidents.push(Incident { code: "health-check".into(), at: now, says: Text::new(&says) });
            }
            Err(fault) => missing = Some(fault),
        }
    }
    let (health, status) =
        if red { (Health::Impaired, "a health check fails") } else { (Health::Healthy, "answers") };
    let status = status.into();
    Ok((Condition { health, status, created_at: None, settings: settings.0, incidents }, missing))
}

/// Says what is wrong with a health check: it is switched off, or most of its observers see a failure.
async fn health_check(reader: &Reader<'_>, id: &str) -> Result<Option<String>, Fault> {
    let route53 = reader.site.route53();
    let check = match reader
        .call(&GET_HEALTH_CHECK, || route53.get_health_check().health_check_id(id).send())
        .await
    {
        Ok(answer) => answer.health_check,
        Err(fault) if fault.is_absence() => return Ok(Some(format!("health check {id} does not exist"))),
        Err(fault) => return Err(fault),
    };
    let config = check.as_ref().and_then(|check| check.health_check_config());
    if config.and_then(aws_sdk_route53::types::HealthCheckConfig::disabled) == Some(true) {
        return Ok(Some(format!("health check {id} is switched off, so it always counts as healthy")));
    }
    let send = || route53.get_health_check_status().health_check_id(id).send();
    let status = reader.call(&GET_HEALTH_CHECK_STATUS, send).await?;
    let seen = status.health_check_observations();
    let well = |text: &str| text.starts_with("Success");
    let says = |one: &aws_sdk_route53::types::HealthCheckObservation| {
        one.status_report().and_then(|report| report.status()).is_some_and(well)
    };
    let good = seen.iter().filter(|one| says(one)).count();
    Ok((good * 2 < seen.len())
        .then(|| format!("health check {id} fails: {good} of {} observers reach it", seen.len())))
}
