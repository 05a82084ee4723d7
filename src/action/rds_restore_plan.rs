//! What a restore of a database instance would do: from a snapshot or to a moment, at home or in the DR Region, with
//! everything carried over that a restore drops (R4).

use super::facts::{tags, text};
use super::given::is_later;
use super::rds_facts::{
    NO_INSTANCE, check_name, describe_instance, identifier, instance, is_free, name_of_run, place, still,
};
use super::rds_groups::{Group, SUBNETS, groups, security_groups};
use super::rds_settings::{MODIFIED, PASSED, carry, from_kept};
use super::rds_window::Window;
use super::{Design, PlanAsk, Refusal};
use crate::domain::Text;
use crate::domain::action::ActionClass;
use crate::domain::place::Place;
use crate::runbook::call::Call;
use crate::runbook::dedupe::Dedupe;
use crate::runbook::plan::{PlannedCall, Precondition, Undo};
use serde_json::{Map, Value};

/// What an instance is restored from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A snapshot.
    Snapshot,
    /// The automated backups, as of a moment.
    Time,
    /// The original itself, which it follows from then on.
    Replica,
}

/// What a restore is made from, as far as it is the matter of its source alone.
struct From {
    call: Call,
    says: String,
    preconditions: Vec<Precondition>,
    notes: Vec<Text>,
}

/// The groups that an instance belongs to.
const GROUPS: [Group; 3] = [
    Group {
        said: "parameter_group",
        argument: "DBParameterGroupName",
        describe: "rds:DescribeDBParameterGroups",
        at: "/DBParameterGroups/0/DBParameterGroupName",
        none: "DBParameterGroupNotFound",
        word: "parameter group",
    },
    SUBNETS,
    Group {
        said: "option_group",
        argument: "OptionGroupName",
        describe: "rds:DescribeOptionGroups",
        at: "/OptionGroupsList/0/OptionGroupName",
        none: "OptionGroupNotFound",
        word: "option group",
    },
];

/// What a key of one Region is worth in another: nothing.
const OF_ITS_REGION: [&str; 1] = ["PerformanceInsightsKMSKeyId"];

/// Returns what a restore would do.
///
/// # Errors
/// When it cannot be done as it was asked for.
pub(super) async fn design(source: Source, ask: PlanAsk<'_>) -> Result<Design, Refusal> {
    let (component, original_name) = identifier(&ask, "component")?;
    let (home, there) = (ask.environment.home(), place(&ask)?);
    let at_home = Call::new("", &ask.environment.name, &home);
    let base = |operation: &str| Call::new(operation, &ask.environment.name, &there);
    let target = match ask.given.maybe_text("target")? {
        Some(target) => target.to_owned(),
        None if source == Source::Replica => name_of_run(&original_name, "-replica", ask.run, 63),
        None => name_of_run(&original_name, "", ask.run, 63),
    };
    check_name("database", &target, 63)?;
    // Where the home Region is lost, the original does not answer, and nothing is known of it but what was last read.
    let answered = match instance(ask.look, &at_home, &original_name).await {
        Ok(answered) => answered,
        Err(_) if there != home => None,
        Err(trouble) => return Err(trouble.into()),
    };
    let mut from = match source {
        Source::Snapshot => from_snapshot(&ask, &there, &component.to_string(), &original_name).await?,
        Source::Time => from_time(&ask, &there, &original_name, answered.as_ref()).await?,
        Source::Replica => from_original(&ask, &there, &original_name, answered.as_ref())?,
    };
    if let Some(taken) = instance(ask.look, &base(""), &target).await? {
        return Err(Refusal::new(format!(
            "the name {target} is taken, by an instance that is {}",
            text(&taken, "DBInstanceStatus")
        ))
        .hint("choose another `target`, or rename what is there first"));
    }
    let mut preconditions = std::mem::take(&mut from.preconditions);
    let free = describe_instance(&base(""), &target);
    preconditions.push(is_free(&target, free, "/DBInstances/0/DBInstanceIdentifier", NO_INSTANCE));
    let mut notes = std::mem::take(&mut from.notes);
    let original = match answered {
        Some(original) => Some(original),
        None => (ask.settings)(&component).map(|kept| {
            notes.push("the original does not answer: its settings are those that were last read".into());
            from_kept(&kept)
        }),
    };
    let name = if source == Source::Time { "TargetDBInstanceIdentifier" } else { "DBInstanceIdentifier" };
    let mut restore = from.call.with(name, target.as_str());
    let beside = source == Source::Replica && there == home;
    let mut modify = base("rds:ModifyDBInstance")
        .with("DBInstanceIdentifier", target.as_str())
        .with("ApplyImmediately", true);
    let mut to_modify = 0;
    match &original {
        Some(original) => {
            carry(&mut restore, original, &PASSED);
            let logs = original
                .get("EnabledCloudwatchLogsExports")
                .filter(|logs| logs.as_array().is_some_and(|logs| !logs.is_empty()));
            restore = restore.maybe("EnableCloudwatchLogsExports", logs.cloned());
            restore = restore.maybe("DBInstanceClass", original.get("DBInstanceClass").cloned());
            to_modify = carry(&mut modify, original, &MODIFIED);
            if source != Source::Snapshot && let Some(most) = modify.arguments.remove("MaxAllocatedStorage") {
                // A restore to a moment takes it itself (R4), and so does a replica.
                to_modify -= 1;
                restore = restore.with("MaxAllocatedStorage", most);
            }
            if there != home {
                for name in OF_ITS_REGION {
                    to_modify -= usize::from(modify.arguments.remove(name).is_some());
                }
                notes.push(format!("keys belong to a Region: Performance Insights gets the default key of {}", there.region).into());
            }
        }
        None => notes.push(
            "the original does not answer and its settings were never read: what a restore drops gets the defaults of its engine".into(),
        ),
    }
    if beside {
        // A replica in the same Region lies in the subnets of its source.
        restore.arguments.remove("DBSubnetGroupName");
    }
    preconditions.extend(groups(&ask, &there, &mut restore, &GROUPS).await?);
    security_groups(&ask, original.as_ref(), there == home, &mut restore)?;
    let class = ask.given.maybe_text("class")?;
    let restore = restore.maybe("DBInstanceClass", class).with("Tags", tags(ask.run, ask.step));
    let mut calls = vec![PlannedCall {
        call: restore,
        says: format!("make {target} {}", from.says).into(),
        class: ActionClass::Additive,
        dedupe: Dedupe::UniqueName,
    }];
    if to_modify > 0 {
        calls.push(PlannedCall {
            call: modify,
            says: "set what a restore does not take".into(),
            class: ActionClass::Additive,
            dedupe: Dedupe::SetState,
        });
    }
    notes.push(
        "a second instance is paid for from now on, and counts against the instance and storage quotas"
            .into(),
    );
    if source != Source::Replica {
        notes.push("`available` is not yet fast: blocks come from S3 when they are first read".into());
    }
    notes.push("not carried over by any call: read replicas, event subscriptions, alarms by identifier, proxy targets, IAM policies by resource id".into());
    let undo = Undo::Calls {
        says: vec![format!("delete {target}, without a final snapshot").into()],
        class: ActionClass::Destructive,
    };
    let mut facts = Map::new();
    facts.insert("source".to_owned(), Value::String(original_name));
    facts.insert("source_region".to_owned(), Value::String(home.region.to_string()));
    facts.insert("original".to_owned(), original.unwrap_or_default());
    let control_plane = (there != home).then(|| there.region.clone());
    Ok(Design { calls, preconditions, undo, notes, control_plane, facts, ..Design::new(Some(component)) })
}

async fn from_snapshot(
    ask: &PlanAsk<'_>,
    there: &Place,
    component: &str,
    original: &str,
) -> Result<From, Refusal> {
    let snapshot = ask.given.text("snapshot")?;
    let base = |operation: &str| Call::new(operation, &ask.environment.name, there);
    let describe = base("rds:DescribeDBSnapshots").with("DBSnapshotIdentifier", snapshot);
    let mut preconditions = Vec::new();
    if !is_later(snapshot) {
        let found =
            ask.look.look(&describe).await.map_err(|trouble| {
                let says = format!("the snapshot {snapshot} cannot be read in {}: {trouble}", there.region);
                Refusal::new(says).hint("`lifeboat points` lists those that there are, and where they lie; `region: dr` looks in the DR Region")
            })?;
        let found = found.body.pointer("/DBSnapshots/0").cloned().unwrap_or_default();
        let status = text(&found, "Status").to_owned();
        if status != "available" {
            return Err(Refusal::new(format!("the snapshot {snapshot} is {status}, and cannot be restored"))
                .hint("`lifeboat points` lists those that can"));
        }
        let of = text(&found, "DBInstanceIdentifier");
        if of != original {
            return Err(Refusal::new(format!(
                "the snapshot {snapshot} is of {of}, and `{component}` is {original}"
            ))
            .hint("name the component that the snapshot is of"));
        }
        for (says, at) in [
            ("the snapshot is available", "/DBSnapshots/0/Status"),
            ("it is the same snapshot", "/DBSnapshots/0/SnapshotCreateTime"),
        ] {
            let expect = found.pointer(at.trim_start_matches("/DBSnapshots/0")).cloned().unwrap_or_default();
            preconditions.push(still(says, &describe, at, expect));
        }
    }
    Ok(From {
        call: base("rds:RestoreDBInstanceFromDBSnapshot").with("DBSnapshotIdentifier", snapshot),
        says: format!("from {snapshot}"),
        preconditions,
        notes: Vec::new(),
    })
}

async fn from_time(
    ask: &PlanAsk<'_>,
    there: &Place,
    original: &str,
    answered: Option<&Value>,
) -> Result<From, Refusal> {
    let window = Window::of_instance(ask, there, original, answered).await?.told(ask.now);
    let (name, value) = window.moment(ask.given.text("time")?, ask.now)?;
    let call = Call::new("rds:RestoreDBInstanceToPointInTime", &ask.environment.name, there)
        .with(window.source.0, window.source.1.as_str())
        .with(name, value.clone());
    let says = match value.as_str() {
        Some(moment) => format!("from {original} as it was at {moment}"),
        None => format!("from {original} as it was last"),
    };
    Ok(From { call, says, preconditions: window.preconditions, notes: window.notes })
}

fn from_original(
    ask: &PlanAsk<'_>,
    there: &Place,
    name: &str,
    answered: Option<&Value>,
) -> Result<From, Refusal> {
    let home = ask.environment.home();
    let Some(source) = answered else {
        return Err(Refusal::new(format!("there is no instance {name} in {} that answers", home.region))
            .hint("a replica needs a source that is well: restore a snapshot or its backups"));
    };
    let status = text(source, "DBInstanceStatus");
    if status != "available" {
        return Err(Refusal::new(format!("{name} is {status}, and no replica of it can be made")));
    }
    if source.get("BackupRetentionPeriod").and_then(Value::as_i64) == Some(0) {
        return Err(Refusal::new(format!("{name} keeps no automated backups, and a replica needs them"))
            .hint("switch them on first with `rds-protect`, which interrupts an instance in a single zone"));
    }
    let away = *there != home;
    let key = ask.given.maybe_text("kms_key")?;
    if away && source.get("StorageEncrypted") == Some(&Value::Bool(true)) && key.is_none() {
        return Err(Refusal::new(format!("{name} is encrypted, and its key belongs to its Region"))
            .hint(format!("name a key of {} with `kms_key`", there.region)));
    }
    let called = if away { text(source, "DBInstanceArn") } else { name };
    let describe = describe_instance(&Call::new("", &ask.environment.name, &home), name);
    let mut notes: Vec<Text> = vec![
        "it follows its source with a lag: what is read of it may be seconds old, or more under load".into(),
    ];
    if away {
        notes.push("what is transferred between Regions is paid for by the GB".into());
    }
    Ok(From {
        call: Call::new("rds:CreateDBInstanceReadReplica", &ask.environment.name, there)
            .with("SourceDBInstanceIdentifier", called)
            .maybe("KmsKeyId", key),
        says: format!("as a read replica of {name}"),
        preconditions: vec![
            still(
                format!("{name} is available"),
                &describe,
                "/DBInstances/0/DBInstanceStatus",
                "available".into(),
            ),
            still(
                format!("{name} is the same instance"),
                &describe,
                "/DBInstances/0/DbiResourceId",
                source.get("DbiResourceId").cloned().unwrap_or_default(),
            ),
        ],
        notes,
    })
}
