//! `status` for a Prometheus textfile.

use super::document::{LossKind, StatusDocument, TimeKind};
use crate::domain::readiness::Verdict;
use std::fmt::Write;

struct Metric {
    name: &'static str,
    help: &'static str,
    lines: Vec<String>,
}

/// Returns the metrics of a status document. Losing everything and not being recoverable are `+Inf`; what cannot be
/// told has no sample, and its verdict says so.
pub fn metrics(document: &StatusDocument) -> String {
    let metric = |name, help| Metric { name, help, lines: Vec::new() };
    let mut rpo = metric("rpo_seconds", "Data that would be lost now, as time.");
    let mut rpo_limit = metric("rpo_limit_seconds", "Data that may be lost, as time.");
    let mut rto = metric("rto_seconds", "How long recovery would take now, as measured.");
    let mut rto_limit = metric("rto_limit_seconds", "How long recovery may take.");
    let mut verdicts = metric("lifeboat_verdict", "1 for the verdict that holds.");
    let mut success =
        metric("backup_last_success_timestamp", "Moment that the newest usable point would bring back.");
    let mut size = metric("backup_size_bytes", "Size of the newest usable point.");
    let mut drill = metric("dr_test_last_success_timestamp", "When recovery was last measured.");
    let mut readings =
        metric("lifeboat_oldest_reading_timestamp", "When the oldest reading behind it was read.");
    let mut trouble = metric("lifeboat_troubles", "How many troubles there are, by code.");
    for component in &document.components {
        for (scope, status) in &component.failures {
            let labels = format!(
                "component=\"{}\",environment=\"{}\",failure=\"{}\"",
                escape(component.id.as_str()),
                escape(component.environment.as_str()),
                scope.name()
            );
            let sample =
                |metric: &mut Metric, value: String| metric.lines.push(format!("{{{labels}}} {value}"));
            match status.rpo.loss {
                LossKind::Everything => sample(&mut rpo, "+Inf".to_owned()),
                _ => status.rpo.loss_s.into_iter().for_each(|loss| sample(&mut rpo, loss.to_string())),
            }
            match status.rto.time {
                TimeKind::Cannot => sample(&mut rto, "+Inf".to_owned()),
                TimeKind::Measured => {
                    status.rto.time_s.into_iter().for_each(|time| sample(&mut rto, time.to_string()));
                }
                TimeKind::AtLeast | TimeKind::Unknown => {}
            }
            status.rpo.limit_s.into_iter().for_each(|limit| sample(&mut rpo_limit, limit.to_string()));
            status.rto.limit_s.into_iter().for_each(|limit| sample(&mut rto_limit, limit.to_string()));
            if let Some(point) = &status.rpo.point {
                sample(&mut success, point.moment.as_second().to_string());
                point.size_bytes.into_iter().for_each(|bytes| sample(&mut size, bytes.to_string()));
            }
            if let Some(proven) = &status.rto.proven {
                sample(&mut drill, proven.at.as_second().to_string());
            }
            if let Some(read_at) = status.read_at {
                sample(&mut readings, read_at.as_second().to_string());
            }
            for verdict in Verdict::ALL {
                let value = u8::from(verdict == status.verdict);
                verdicts.lines.push(format!("{{{labels},verdict=\"{}\"}} {value}", verdict.name()));
            }
        }
    }
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for found in &document.troubles {
        *counts.entry(found.code.name()).or_default() += 1;
    }
    trouble.lines.extend(counts.into_iter().map(|(code, count)| format!("{{code=\"{code}\"}} {count}")));
    let mut out = String::new();
    for metric in [rpo, rpo_limit, rto, rto_limit, verdicts, success, size, drill, readings, trouble] {
        let _ = writeln!(out, "# HELP {} {}\n# TYPE {} gauge", metric.name, metric.help, metric.name);
        for line in &metric.lines {
            let _ = writeln!(out, "{}{line}", metric.name);
        }
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
