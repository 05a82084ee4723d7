//! The groups that a restored database belongs to: those of the original or those that are named, and whether they are
//! there.

use super::given::is_later;
use super::rds_facts::{first, list, parts, still};
use super::{PlanAsk, Refusal};
use crate::domain::place::Place;
use crate::runbook::call::Call;
use crate::runbook::plan::Precondition;
use serde_json::Value;

/// A sort of group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// The argument of an action that names another.
    pub(super) said: &'static str,
    /// The argument of a call.
    pub(super) argument: &'static str,
    /// The call that describes it.
    pub(super) describe: &'static str,
    /// Where its name stands in the answer.
    pub(super) at: &'static str,
    /// The code where there is none.
    pub(super) none: &'static str,
    /// What people call it.
    pub(super) word: &'static str,
}

/// Subnet groups, which instances and clusters have alike.
pub(super) const SUBNETS: Group = Group {
    said: "subnet_group",
    argument: "DBSubnetGroupName",
    describe: "rds:DescribeDBSubnetGroups",
    at: "/DBSubnetGroups/0/DBSubnetGroupName",
    none: "DBSubnetGroupNotFound",
    word: "subnet group",
};

/// Puts the groups into a restore that were asked for, and looks whether those are there that a call names elsewhere.
///
/// # Errors
/// When one is not there, or cannot be looked for.
pub(super) async fn groups(
    ask: &PlanAsk<'_>,
    there: &Place,
    restore: &mut Call,
    sorts: &[Group],
) -> Result<Vec<Precondition>, Refusal> {
    let away = *there != ask.environment.home();
    let mut preconditions = Vec::new();
    for Group { said: argument, argument: name, describe: operation, at, none: gone, word: words } in
        sorts.iter().copied()
    {
        let said = ask.given.maybe_text(argument)?;
        if let Some(said) = said {
            restore.arguments.insert(name.to_owned(), said.into());
        } else if away && restore.text(name).is_some_and(|name| name.starts_with("default")) {
            // The default ones of a Region come by themselves.
            restore.arguments.remove(name);
        }
        let Some(group) = restore.text(name).filter(|group| !is_later(group)).map(str::to_owned) else {
            continue;
        };
        if !away && said.is_none() {
            continue;
        }
        let describe = Call::new(operation, &ask.environment.name, there).with(name, group.as_str());
        let found = first(ask.look, &describe, at, gone).await.map_err(|trouble| {
            Refusal::new(format!("the {words} {group} cannot be read in {}: {trouble}", there.region))
        })?;
        if found.is_none() {
            let says = format!("there is no {words} {group} in {}", there.region);
            return Err(Refusal::new(says)
                .hint(format!("create it there, or name one that is there with `{argument}`")));
        }
        preconditions.push(still(
            format!("the {words} {group} is there"),
            &describe,
            at,
            found.unwrap_or_default(),
        ));
    }
    Ok(preconditions)
}

/// Puts the security groups into a restore: those that were asked for, else those of the original at its home.
///
/// # Errors
/// When they have to be said, because those of the original belong to another Region.
pub(super) fn security_groups(
    ask: &PlanAsk<'_>,
    original: Option<&Value>,
    at_home: bool,
    restore: &mut Call,
) -> Result<(), Refusal> {
    let said = parts(ask.given.maybe_text("security_groups")?);
    let own = original.map(|original| list(original, "VpcSecurityGroups", "VpcSecurityGroupId"));
    let groups = match (said.as_slice(), own.unwrap_or_default()) {
        (["default"], _) => Vec::new(),
        ([], own) if at_home || own.is_empty() => own,
        ([], own) => {
            return Err(Refusal::new(format!("{} belong to another Region", own.join(", "))).hint(
                "name those of the DR Region with `security_groups`; `default` takes that of the VPC",
            ));
        }
        (said, _) => said.to_vec(),
    };
    if !groups.is_empty() {
        let groups: Vec<Value> = groups.into_iter().map(Value::from).collect();
        restore.arguments.insert("VpcSecurityGroupIds".to_owned(), groups.into());
    }
    Ok(())
}
