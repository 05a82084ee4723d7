//! CloudWatch: how far replicas are behind, and whether the alarms that an estate relies on would tell anybody.

use super::convert::moment;
use super::fault::Fault;
use super::operation::{DESCRIBE_ALARMS, GET_METRIC_DATA};
use super::reader::Reader;
use crate::domain::Text;
use crate::domain::condition::Incident;
use crate::provider::clock::SystemClock;
use crate::provider::port::Clock;
use aws_sdk_cloudwatch::types::{Dimension, Metric as SdkMetric, MetricDataQuery, MetricStat, StateValue};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use std::time::Duration;

/// How far back a figure may lie to be called the present one.
const RECENT: Duration = Duration::from_secs(15 * 60);
/// The most names of alarms that one call takes.
const ALARMS: usize = 100;

/// One metric.
#[derive(Debug)]
pub(super) struct Metric {
    /// Such as `AWS/RDS`.
    pub namespace: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Such as `Maximum`.
    pub statistic: &'static str,
    /// What it is about.
    pub dimensions: Vec<(&'static str, String)>,
}

/// Reads the newest figure of a metric within the last quarter of an hour; `None` when there is none.
///
/// # Errors
/// When it cannot be read.
pub(super) async fn newest(reader: &Reader<'_>, metric: &Metric) -> Result<Option<f64>, Fault> {
    let now = std::time::SystemTime::from(SystemClock.now());
    let dimensions = metric.dimensions.iter();
    let dimensions = dimensions.map(|(name, value)| Dimension::builder().name(*name).value(value).build());
    let asked = SdkMetric::builder()
        .namespace(metric.namespace)
        .metric_name(metric.name)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let stat = MetricStat::builder().metric(asked).period(60).stat(metric.statistic).build();
    let query = MetricDataQuery::builder().id("lag").metric_stat(stat).build();
    let send = || {
        let call = reader.site.cloudwatch().get_metric_data().metric_data_queries(query.clone());
        call.start_time(DateTime::from(now - RECENT))
            .end_time(DateTime::from(now + Duration::from_secs(60)))
            .send()
    };
    let answer = reader.call(&GET_METRIC_DATA, send).await?;
    let figures = answer.metric_data_results().first();
    let figures = figures.map(|found| found.timestamps().iter().zip(found.values()));
    Ok(figures.and_then(|figures| figures.max_by_key(|(at, _)| at.secs()).map(|(_, value)| *value)))
}

/// Reads the alarms named `names` and says what is wrong with them: one that is missing, switched off, or tells nobody
/// is as good as none.
///
/// # Errors
/// When they cannot be read.
pub(super) async fn alarms(
    reader: &Reader<'_>,
    names: &[Text],
    now: Timestamp,
) -> Result<Vec<Incident>, Fault> {
    let mut wrong = Vec::new();
    for names in names.chunks(ALARMS) {
        let wanted: Vec<String> = names.iter().map(Text::to_string).collect();
        let send = || {
            let call = reader.site.cloudwatch().describe_alarms().set_alarm_names(Some(wanted.clone()));
            call.max_records(100).send()
        };
        let answer = reader.call(&DESCRIBE_ALARMS, send).await?;
        for name in names {
            let incident = |code: &str, at: Option<Timestamp>, says: String| Incident {
                code: code.into(),
                at: at.unwrap_or(now),
                says: Text::new(&says),
            };
            let Some(alarm) =
                answer.metric_alarms().iter().find(|alarm| alarm.alarm_name() == Some(name.as_str()))
            else {
                wrong.push(incident("warn-alarm-missing", None, format!("the alarm {name} does not exist")));
                continue;
            };
            let changed = moment(alarm.alarm_configuration_updated_timestamp());
            if alarm.actions_enabled() == Some(false) {
                wrong.push(incident(
                    "warn-alarm-off",
                    changed,
                    format!("the actions of alarm {name} are switched off"),
                ));
            } else if alarm.alarm_actions().is_empty() {
                wrong.push(incident("warn-alarm-silent", changed, format!("alarm {name} tells nobody")));
            }
            if alarm.state_value() == Some(&StateValue::Alarm) {
                let told = alarm.alarm_actions().iter().filter_map(|arn| arn.rsplit(':').next());
                let told = told.collect::<Vec<_>>().join(", ");
                let says = match told.as_str() {
                    "" => format!("alarm {name} is firing"),
                    told => format!("alarm {name} is firing; it tells {told}"),
                };
                wrong.push(incident("alarm-firing", moment(alarm.state_updated_timestamp()), says));
            }
        }
    }
    Ok(wrong)
}
