//! The moments to which a database can be restored: which backups hold them, and whether one that is asked for is among
//! them (R1, R2, A2).

use super::facts::text;
use super::given::is_later;
use super::rds_facts::{describe_cluster, describe_instance, still};
use super::{PlanAsk, Refusal};
use crate::domain::Text;
use crate::domain::duration::{elapsed, words};
use crate::domain::moment;
use crate::domain::place::Place;
use crate::provider::port::CallTrouble;
use crate::runbook::call::Call;
use crate::runbook::plan::Precondition;
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// Logs are shipped about every five minutes; a window that ends much earlier has stopped to move (R1).
const LATE: Duration = Duration::from_secs(20 * 60);

/// The codes of backups that are not there.
const NONE: [&str; 2] = ["DBInstanceAutomatedBackupNotFound", "DBInstanceNotFound"];

/// From when till when, and out of what.
pub(super) struct Window {
    /// The argument of a restore that names where it comes from, and its value.
    pub(super) source: (&'static str, String),
    /// What must still be so.
    pub(super) preconditions: Vec<Precondition>,
    /// What people should know of it.
    pub(super) notes: Vec<Text>,
    /// The name of what is restored.
    name: String,
    earliest: Option<Timestamp>,
    latest: Option<Timestamp>,
}

fn at(value: &Value, pointer: &str) -> Option<Timestamp> {
    value.pointer(pointer)?.as_str()?.parse().ok()
}

fn said(moment: Option<Timestamp>) -> String {
    moment.map_or_else(|| "a moment that is not told".to_owned(), |at| format!("{at:.0}"))
}

impl Window {
    /// Finds the backups of an instance that can be restored at a place: its own, those that were kept when it was
    /// deleted, or those that are replicated there (R2).
    ///
    /// # Errors
    /// When there are none, or it is not told which are meant.
    pub(super) async fn of_instance(
        ask: &PlanAsk<'_>,
        there: &Place,
        name: &str,
        answered: Option<&Value>,
    ) -> Result<Self, Refusal> {
        let base = Call::new("rds:DescribeDBInstanceAutomatedBackups", &ask.environment.name, there);
        let list = base.clone().with("DBInstanceIdentifier", name);
        let all = match ask.look.look(&list).await {
            Ok(reply) => reply.body.get("DBInstanceAutomatedBackups").and_then(Value::as_array).cloned(),
            Err(CallTrouble::Refused { code, .. })
                if NONE.iter().any(|none| code.as_str().starts_with(none)) =>
            {
                None
            }
            Err(trouble) => {
                return Err(Refusal::new(format!(
                    "the automated backups of {name} cannot be read in {}: {trouble}",
                    there.region
                )));
            }
        };
        let wanted = ask.given.maybe_text("resource")?;
        let usable = |backup: &Value| {
            text(backup, "Status") != "creating"
                && wanted.is_none_or(|wanted| text(backup, "DbiResourceId") == wanted)
        };
        let mut all: Vec<Value> = all.unwrap_or_default().into_iter().filter(usable).collect();
        let at_home = *there == ask.environment.home();
        // What answers now is what is meant, unless another was asked for: its name may have belonged to others before.
        let own = answered
            .filter(|own| at_home && wanted.is_none_or(|wanted| text(own, "DbiResourceId") == wanted));
        if let Some(own) = own {
            if own.get("BackupRetentionPeriod").and_then(Value::as_i64) == Some(0) {
                return Err(Refusal::new(format!(
                    "{name} keeps no automated backups, so there is no moment to go back to"
                ))
                .hint("restore a snapshot: `lifeboat points` lists them"));
            }
            let id = text(own, "DbiResourceId");
            let backup = all.iter().find(|backup| text(backup, "DbiResourceId") == id);
            let describe = describe_instance(&base, name);
            let precondition = still(
                format!("{name} is the same instance"),
                &describe,
                "/DBInstances/0/DbiResourceId",
                Value::from(id),
            );
            return Ok(Self {
                source: ("SourceDBInstanceIdentifier", name.to_owned()),
                preconditions: vec![precondition],
                notes: Vec::new(),
                name: name.to_owned(),
                earliest: backup.and_then(|backup| at(backup, "/RestoreWindow/EarliestTime")),
                latest: at(own, "/LatestRestorableTime"),
            });
        }
        if all.len() > 1 {
            let ids: Vec<&str> = all.iter().map(|backup| text(backup, "DbiResourceId")).collect();
            return Err(Refusal::new(format!("several instances were called {name}: {}", ids.join(", ")))
                .hint("say which with `resource`"));
        }
        let Some(backup) = all.pop() else {
            return Err(Refusal::new(format!(
                "there are no automated backups of {name} in {}",
                there.region
            ))
            .hint("restore a snapshot: `lifeboat points` lists them"));
        };
        let source = if at_home {
            ("SourceDbiResourceId", text(&backup, "DbiResourceId").to_owned())
        } else {
            ("SourceDBInstanceAutomatedBackupsArn", text(&backup, "DBInstanceAutomatedBackupsArn").to_owned())
        };
        if source.1.is_empty() {
            return Err(Refusal::new(format!(
                "the automated backups of {name} do not say what they are called"
            )));
        }
        let kept = format!("its automated backups are {}", text(&backup, "Status"));
        let by_id = list.with("DbiResourceId", text(&backup, "DbiResourceId"));
        let precondition = still(
            kept.as_str(),
            &by_id,
            "/DBInstanceAutomatedBackups/0/Status",
            Value::from(text(&backup, "Status")),
        );
        Ok(Self {
            source,
            preconditions: vec![precondition],
            notes: vec![kept.into()],
            name: name.to_owned(),
            earliest: at(&backup, "/RestoreWindow/EarliestTime"),
            latest: at(&backup, "/RestoreWindow/LatestTime"),
        })
    }

    /// Returns the window of a living cluster (A2).
    pub(super) fn of_cluster(like: &Call, name: &str, cluster: &Value) -> Self {
        let describe = describe_cluster(like, name);
        let precondition = still(
            format!("{name} is the same cluster"),
            &describe,
            "/DBClusters/0/DbClusterResourceId",
            cluster.get("DbClusterResourceId").cloned().unwrap_or_default(),
        );
        Self {
            source: ("SourceDBClusterIdentifier", name.to_owned()),
            preconditions: vec![precondition],
            notes: Vec::new(),
            name: name.to_owned(),
            earliest: at(cluster, "/EarliestRestorableTime"),
            latest: at(cluster, "/LatestRestorableTime"),
        }
    }

    /// Returns the argument of a restore that says when, and its value; `to` is a moment or `latest`.
    ///
    /// # Errors
    /// When the moment lies outside.
    pub(super) fn moment(&self, to: &str, now: Timestamp) -> Result<(&'static str, Value), Refusal> {
        let at = match to {
            "latest" => {
                return if self.latest.is_some() {
                    Ok(("UseLatestRestorableTime", Value::Bool(true)))
                } else {
                    Err(Refusal::new(format!("no moment is told to which {} can be restored", self.name))
                        .hint("it may be stopped, or its first backup is not complete: restore a snapshot"))
                };
            }
            later if is_later(later) => return Ok(("RestoreTime", Value::from(later))),
            text => moment::parse(text, now).map_err(|why| Refusal::new(format!("`time`: {why}")))?,
        };
        let outside = self.latest.is_none_or(|latest| at > latest)
            || self.earliest.is_some_and(|earliest| at < earliest);
        if outside {
            return Err(Refusal::new(format!(
                "{at:.0} lies outside of what {} can be restored to: {} to {}",
                self.name,
                said(self.earliest),
                said(self.latest)
            ))
            .hint("choose a moment in between, or `latest`; snapshots may reach further back"));
        }
        Ok(("RestoreTime", Value::from(format!("{at:.0}"))))
    }

    /// Says how old its newest moment is, and that it has stopped to move where it has (R1).
    pub(super) fn told(mut self, now: Timestamp) -> Self {
        if let Some(latest) = self.latest {
            let age = elapsed(latest, now);
            let late = if age > LATE { ": it has stopped to move" } else { "" };
            self.notes.push(format!("the newest moment is {latest:.0}, {} ago{late}", words(age)).into());
        }
        if self.earliest.is_none() {
            self.notes.push("how far back it reaches is not told".into());
        }
        self
    }
}
