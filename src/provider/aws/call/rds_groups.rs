//! RDS: whether the groups that a restore names are there.

use super::arguments::Arguments;
use super::json::only;
use super::{Looking, all_pages, reply, unknown};
use crate::provider::port::CallTrouble;
use crate::runbook::call::{Call, Reply};
use aws_sdk_rds::types::{DbClusterParameterGroup, DbParameterGroup, DbSubnetGroup, OptionGroup};
use serde_json::Value;

fn parameters(group: &DbParameterGroup) -> Value {
    only("DBParameterGroupName", group.db_parameter_group_name())
}

fn cluster_parameters(group: &DbClusterParameterGroup) -> Value {
    only("DBClusterParameterGroupName", group.db_cluster_parameter_group_name())
}

fn subnets(group: &DbSubnetGroup) -> Value {
    only("DBSubnetGroupName", group.db_subnet_group_name())
}

fn options(group: &OptionGroup) -> Value {
    only("OptionGroupName", group.option_group_name())
}

/// Looks for a group by its name.
///
/// # Errors
/// What is known of the failure.
pub(super) async fn look(looking: &Looking<'_>, call: &Call) -> Result<Reply, CallTrouble> {
    let mut given = Arguments::of(call);
    let named = match call.name() {
        "DescribeDBParameterGroups" => "DBParameterGroupName",
        "DescribeDBClusterParameterGroups" => "DBClusterParameterGroupName",
        "DescribeDBSubnetGroups" => "DBSubnetGroupName",
        "DescribeOptionGroups" => "OptionGroupName",
        _ => return Err(unknown(call)),
    };
    let name = given.needed(named)?;
    given.none_left()?;
    match named {
        "DBParameterGroupName" => {
            all_pages!(looking, "DBParameterGroups", db_parameter_groups, parameters, |watch, marker| {
                let asked = looking.site.rds().describe_db_parameter_groups();
                let asked = asked.db_parameter_group_name(&name).set_marker(marker);
                asked.customize().interceptor(watch).send()
            })
        }
        "DBClusterParameterGroupName" => {
            all_pages!(
                looking,
                "DBClusterParameterGroups",
                db_cluster_parameter_groups,
                cluster_parameters,
                |watch, marker| {
                    let asked = looking.site.rds().describe_db_cluster_parameter_groups();
                    let asked = asked.db_cluster_parameter_group_name(&name).set_marker(marker);
                    asked.customize().interceptor(watch).send()
                }
            )
        }
        "DBSubnetGroupName" => {
            all_pages!(looking, "DBSubnetGroups", db_subnet_groups, subnets, |watch, marker| {
                let asked = looking.site.rds().describe_db_subnet_groups();
                let asked = asked.db_subnet_group_name(&name).set_marker(marker);
                asked.customize().interceptor(watch).send()
            })
        }
        _ => {
            all_pages!(looking, "OptionGroupsList", option_groups_list, options, |watch, marker| {
                let asked = looking.site.rds().describe_option_groups();
                let asked = asked.option_group_name(&name).set_marker(marker);
                asked.customize().interceptor(watch).send()
            })
        }
    }
}
