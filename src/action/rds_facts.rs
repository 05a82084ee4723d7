//! What the actions on databases read and name in the same way: instances, clusters, groups, and where they lie.

use super::given::is_later;
use super::{PlanAsk, Refusal};
use crate::domain::estate::Selector;
use crate::domain::ids::ComponentId;
use crate::domain::place::Place;
use crate::provider::port::{CallTrouble, Look};
use crate::runbook::about::{Argument, ArgumentKind};
use crate::runbook::call::Call;
use crate::runbook::plan::{Expect, Precondition};
use serde_json::Value;

/// The code of an instance that is not there; the service writes it with and without `Fault` behind it.
pub(super) const NO_INSTANCE: &str = "DBInstanceNotFound";
/// The code of a cluster that is not there.
pub(super) const NO_CLUSTER: &str = "DBClusterNotFound";

/// The argument that says where an action works.
pub(super) const REGION: Argument = Argument {
    name: "region",
    kind: ArgumentKind::Choice(&["home", "dr"]),
    required: false,
    says: "Where: `home`, or `dr` for the DR Region of the environment; home if absent.",
};

/// Reads the first of a list of things; `None` where the service says that there is none of that name.
///
/// # Errors
/// When nothing can be seen.
pub(super) async fn first(
    look: &dyn Look,
    call: &Call,
    at: &str,
    gone: &str,
) -> Result<Option<Value>, CallTrouble> {
    match look.look(call).await {
        Ok(reply) => Ok(reply.body.pointer(at).cloned()),
        Err(CallTrouble::Refused { code, .. }) if code.as_str().starts_with(gone) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// Returns the call that describes an instance, where `like` is made.
pub(super) fn describe_instance(like: &Call, name: &str) -> Call {
    Call::new("rds:DescribeDBInstances", &like.environment, &like.place).with("DBInstanceIdentifier", name)
}

/// Reads an instance, where `like` is made.
///
/// # Errors
/// When nothing can be seen.
pub(super) async fn instance(look: &dyn Look, like: &Call, name: &str) -> Result<Option<Value>, CallTrouble> {
    first(look, &describe_instance(like, name), "/DBInstances/0", NO_INSTANCE).await
}

/// Returns the call that describes a cluster, where `like` is made.
pub(super) fn describe_cluster(like: &Call, name: &str) -> Call {
    Call::new("rds:DescribeDBClusters", &like.environment, &like.place).with("DBClusterIdentifier", name)
}

/// Reads a cluster, where `like` is made.
///
/// # Errors
/// When nothing can be seen.
pub(super) async fn cluster(look: &dyn Look, like: &Call, name: &str) -> Result<Option<Value>, CallTrouble> {
    first(look, &describe_cluster(like, name), "/DBClusters/0", NO_CLUSTER).await
}

/// Returns what the estate calls a component by its service's own name.
///
/// # Errors
/// When it is found otherwise.
pub(super) fn identifier(ask: &PlanAsk<'_>, argument: &str) -> Result<(ComponentId, String), Refusal> {
    let component = ask.component(argument)?;
    match &component.selector {
        Some(Selector::Id(id)) => Ok((component.id.clone(), id.to_string())),
        _ => Err(Refusal::new(format!(
            "`{}` is not found by an id, so nobody knows which database it is",
            component.id
        ))),
    }
}

/// Returns the database that `component` names or, where there is none, the argument `other`; that one wins where both
/// are said, and the component is then what it counts for.
///
/// # Errors
/// When neither says it.
pub(super) fn subject(ask: &PlanAsk<'_>, other: &str) -> Result<(Option<ComponentId>, String), Refusal> {
    match (ask.given.maybe_text("component")?, ask.given.maybe_text(other)?) {
        (None, Some(name)) => Ok((None, name.to_owned())),
        (Some(_), Some(name)) => Ok((Some(ask.component("component")?.id.clone()), name.to_owned())),
        (Some(_), None) => identifier(ask, "component").map(|(component, name)| (Some(component), name)),
        (None, None) => Err(Refusal::new(format!("neither `component` nor `{other}` says which"))),
    }
}

/// Returns where an action works, by its argument `region`.
///
/// # Errors
/// When the environment has no DR Region.
pub(super) fn place(ask: &PlanAsk<'_>) -> Result<Place, Refusal> {
    match ask.given.maybe_text("region")? {
        Some("dr") => dr_place(ask),
        Some("home") | None => Ok(ask.environment.home()),
        Some(other) => Err(Refusal::new(format!("`region` is home or dr, not `{other}`"))),
    }
}

/// Returns the place to which an environment recovers when its Region is lost.
///
/// # Errors
/// When it has none.
pub(super) fn dr_place(ask: &PlanAsk<'_>) -> Result<Place, Refusal> {
    let region = ask.environment.dr_region.clone().ok_or_else(|| {
        Refusal::new(format!("the environment {} has no DR Region", ask.environment.name))
            .hint("say it in the estate file: `dr_region`")
    })?;
    Ok(Place { account: ask.environment.account.clone(), region })
}

/// Says whether RDS takes a name for something: letters, digits and single dashes, a letter first, at most so many.
///
/// # Errors
/// When it does not.
pub(super) fn check_name(what: &str, name: &str, most: usize) -> Result<(), Refusal> {
    let fits = is_later(name)
        || name.len() <= most
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !name.ends_with('-')
            && !name.contains("--");
    if fits {
        return Ok(());
    }
    Err(Refusal::new(format!("`{name}` cannot be the name of a {what}"))
        .hint(format!("letters, digits and single dashes, a letter first, at most {most}")))
}

/// Returns a name made of another and of the run, short enough for RDS.
pub(super) fn name_of_run(name: &str, part: &str, run: &str, most: usize) -> String {
    let tail = format!("{part}-{}", super::facts::run_tail(run));
    if is_later(name) {
        return format!("{name}{tail}");
    }
    let room = most.saturating_sub(tail.len());
    format!("{}{tail}", name.get(..room).unwrap_or(name).trim_end_matches('-'))
}

/// Returns the partition in which a Region lies, as ARNs name it.
pub(super) fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// Returns the precondition that something still is as it was seen.
pub(super) fn still(says: impl Into<String>, look: &Call, at: &str, expect: Value) -> Precondition {
    let says: String = says.into();
    Precondition { says: says.as_str().into(), look: look.clone(), at: at.into(), expect: Expect::Is(expect) }
}

/// Returns the precondition that a name is free.
pub(super) fn is_free(name: &str, look: Call, at: &str, gone: &str) -> Precondition {
    Precondition {
        says: format!("the name {name} is free").into(),
        look,
        at: at.into(),
        expect: Expect::Absent(vec![gone.into(), format!("{gone}Fault").into()]),
    }
}

/// Returns the members of a list of things that has this member.
pub(super) fn list<'a>(thing: &'a Value, list: &str, member: &str) -> Vec<&'a str> {
    let all = thing.get(list).and_then(Value::as_array).map_or([].as_slice(), Vec::as_slice);
    all.iter().filter_map(|one| one.get(member)?.as_str()).collect()
}

/// Returns several names out of one text, as they are said with commas between them.
pub(super) fn parts(said: Option<&str>) -> Vec<&str> {
    said.into_iter().flat_map(|said| said.split(',')).map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Returns the account of an ARN.
pub(super) fn account_of(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(3).filter(|account| !account.is_empty())
}

/// Returns the Region of an ARN.
pub(super) fn region_of(arn: &str) -> Option<&str> {
    arn.strip_prefix("arn:")?.split(':').nth(2).filter(|region| !region.is_empty())
}

/// Returns the last part of an ARN, or a name as it is.
pub(super) fn name_in(arn: &str) -> &str {
    match arn.strip_prefix("arn:") {
        Some(rest) => rest.splitn(6, ':').last().unwrap_or(arn),
        None => arn,
    }
}

/// Says in plain words what a refusal of RDS asks for, where it is one that several actions meet (R11).
pub(super) fn plain(code: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 22] = [
        (
            "InsufficientDBInstanceCapacity",
            "AWS has no such instance free now: choose another `class`, or wait and `retry`",
        ),
        (
            "InsufficientStorageClusterCapacity",
            "AWS has no storage for the cluster now: choose other zones, or wait and `retry`",
        ),
        (
            "InstanceQuotaExceeded",
            "the account may not have more instances: delete one, or ask AWS for a higher quota",
        ),
        (
            "DBClusterQuotaExceeded",
            "the account may not have more clusters: delete one, or ask AWS for a higher quota",
        ),
        ("StorageQuotaExceeded", "the account may not have more storage: ask AWS for a higher quota"),
        (
            "SnapshotQuotaExceeded",
            "the account may not have more manual snapshots here: delete old ones, or ask AWS for a higher quota",
        ),
        ("DBSnapshotNotFound", "the snapshot is gone: choose another with `lifeboat points`"),
        ("DBClusterSnapshotNotFound", "the snapshot is gone: choose another with `lifeboat points`"),
        (
            "InvalidDBSnapshotState",
            "the snapshot is not complete yet, or is in use: wait until it is available, then `retry`",
        ),
        (
            "InvalidDBClusterSnapshotState",
            "the snapshot is not complete yet, or is in use: wait until it is available, then `retry`",
        ),
        (
            "KMSKeyNotAccessible",
            "the key cannot be used here: enable it, grant it, or copy the snapshot with another key",
        ),
        (
            "DBParameterGroupNotFound",
            "the parameter group is not there (another Region?): create it, or name another with `parameter_group`",
        ),
        (
            "DBClusterParameterGroupNotFound",
            "the parameter group is not there (another Region?): create it, or name another with `parameter_group`",
        ),
        (
            "DBSubnetGroupNotFound",
            "the subnet group is not there (another Region?): create it, or name another with `subnet_group`",
        ),
        ("DBSubnetGroupDoesNotCoverEnoughAZs", "the subnet group needs subnets in at least two zones"),
        (
            "OptionGroupNotFound",
            "the option group is not there (another Region?): create it, or name another with `option_group`",
        ),
        ("CertificateNotFound", "the certificate authority is not there: set another after the restore"),
        (
            "PointInTimeRestoreNotEnabled",
            "it keeps no automated backups, so there is no moment to go back to: restore a snapshot",
        ),
        ("InvalidRestoreFault", "RDS cannot restore this: look at the moment, the engine and its version"),
        (
            "InvalidDBInstanceState",
            "the instance is busy or unwell: wait until it is available, then `retry`",
        ),
        ("InvalidDBClusterState", "the cluster is busy or unwell: wait until it is available, then `retry`"),
        (
            "InvalidVPCNetworkState",
            "the subnet group and the security groups do not belong together: name those of one VPC",
        ),
    ];
    WORDS.iter().find(|(known, _)| code.starts_with(known)).map(|(_, says)| *says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_made_of_a_run_fit_whatever_they_are_made_of() {
        let long = "a".repeat(63);
        let made = name_of_run(&long, "-final", "r-20261121-k3f9", 63);
        assert_eq!(made.len(), 63);
        assert!(made.ends_with("-final-k3f9"));
        assert!(check_name("database", &made, 63).is_ok());
        let dashed = format!("{}-{}", "a".repeat(51), "b".repeat(11));
        assert!(check_name("database", &name_of_run(&dashed, "-final", "r-20261121-k3f9", 63), 63).is_ok());
    }

    #[test]
    fn parts_of_an_arn_are_found() {
        let arn = "arn:aws:rds:us-east-2:111122223333:snapshot:rds:orders-2026";
        assert_eq!((region_of(arn), account_of(arn)), (Some("us-east-2"), Some("111122223333")));
        assert_eq!(name_in(arn), "rds:orders-2026");
        assert_eq!(name_in("orders-1"), "orders-1");
        assert_eq!(region_of("orders-1"), None);
    }
}
