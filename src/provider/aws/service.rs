//! Services: known by the health of their targets and by their alarms.

use super::cloudwatch;
use super::convert::Settings;
use super::fault::Fault;
use super::operation::DESCRIBE_TARGET_HEALTH;
use super::reader::Reader;
use crate::domain::Text;
use crate::domain::condition::{Condition, Health};
use crate::domain::estate::Component;
use crate::domain::reading::ReadTrouble;
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum;

/// Reads how a service is: from the target group that `target_group` names, and from its alarms.
///
/// # Errors
/// When neither is named, or the one that is cannot be read.
pub(super) async fn condition(
    reader: &Reader<'_>,
    component: &Component,
    target_group: Option<&str>,
) -> Result<(Condition, Option<Fault>), Fault> {
    let mut settings = Settings::default();
    let (mut health, mut words, mut missing) = (Health::Healthy, Vec::new(), None);
    if target_group.is_none() && component.alarms.is_empty() {
        let says = "this build runs no probes: only alarms and target groups are read";
        return Err(Fault::plain("probes", ReadTrouble::Other(says.into())));
    }
    if let Some(arn) = target_group {
        let elb = reader.site.elb();
        match reader
            .call(&DESCRIBE_TARGET_HEALTH, || elb.describe_target_health().target_group_arn(arn).send())
            .await
        {
            Err(fault) if fault.is_absence() => {
                return Ok((Condition::gone(Text::new(&format!("there is no target group {arn}"))), None));
            }
            Err(fault) if component.alarms.is_empty() => return Err(fault),
            Err(fault) => missing = Some(fault),
            Ok(answer) => {
                let all = answer.target_health_descriptions();
                let state = |state: &TargetHealthStateEnum| {
                    all.iter()
                        .filter(|one| one.target_health().and_then(|health| health.state()) == Some(state))
                        .count()
                };
                let healthy = state(&TargetHealthStateEnum::Healthy);
                health = match (healthy, all.len()) {
                    (0, _) => Health::Down,
                    (healthy, all) if healthy < all => Health::Impaired,
                    _ => Health::Healthy,
                };
                words.push(format!("{healthy} of {} targets are healthy", all.len()));
                for one in all {
                    let id = one.target().and_then(|target| target.id()).unwrap_or("target");
                    let told = one.target_health();
                    let word =
                        told.and_then(|health| health.state()).map_or("unknown", |state| state.as_str());
                    let why = told.and_then(|health| health.description()).unwrap_or_default();
                    settings.put(&format!("Target {id}"), format!("{word} {why}").trim());
                }
            }
        }
    }
    let mut incidents = Vec::new();
    if !component.alarms.is_empty() {
        match cloudwatch::alarms(reader, &component.alarms, SystemClock.now()).await {
            Ok(wrong) => {
                let firing = wrong.iter().any(|one| one.code.as_str() == "alarm-firing");
                if firing && health == Health::Healthy {
                    health = Health::Impaired;
                }
                let count = component.alarms.len();
                let alarms = if count == 1 { "its alarm".to_owned() } else { format!("{count} alarms") };
                words.push(if wrong.is_empty() {
                    format!("{alarms} quiet")
                } else {
                    format!("{alarms} not in order")
                });
                incidents = wrong;
            }
            Err(fault) if words.is_empty() => return Err(fault),
            Err(fault) => missing = Some(fault),
        }
    }
    let status = Text::new(&words.join(", "));
    Ok((Condition { health, status, created_at: None, settings: settings.0, incidents }, missing))
}
