//! RDS: the groups that databases belong to. Those of the demo estate lie at home; other Regions have the default ones,
//! and what somebody has prepared there, which is called so: `…-dr`.

use super::{Asked, Told, refused};
use crate::domain::place::Place;
use crate::provider::port::CallTrouble;
use serde_json::json;

/// A sort of group: the call that describes it, its argument, the list in the answer, and the code where there is none.
const SORTS: [(&str, &str, &str, &str); 4] = [
    (
        "rds:DescribeDBParameterGroups",
        "DBParameterGroupName",
        "DBParameterGroups",
        "DBParameterGroupNotFound",
    ),
    (
        "rds:DescribeDBClusterParameterGroups",
        "DBClusterParameterGroupName",
        "DBClusterParameterGroups",
        "DBParameterGroupNotFound",
    ),
    ("rds:DescribeDBSubnetGroups", "DBSubnetGroupName", "DBSubnetGroups", "DBSubnetGroupNotFoundFault"),
    ("rds:DescribeOptionGroups", "OptionGroupName", "OptionGroupsList", "OptionGroupNotFoundFault"),
];

/// Says whether a group of this name is there.
fn is_there(asked: &Asked<'_>, name: &str) -> bool {
    let home = |place: &Place| asked.world.resources.values().any(|resource| resource.home == *place);
    let known = |names: &[&str]| names.iter().any(|known| name.starts_with(known));
    let place = &asked.call.place;
    known(&["default"])
        || name.ends_with("-dr")
        || home(place) && known(&["harbour-"]) && is_home(asked, place)
}

/// Says whether databases live at a place, and not only their copies.
fn is_home(asked: &Asked<'_>, place: &Place) -> bool {
    asked.world.resources.values().any(|resource| {
        resource.home == *place && resource.settings.contains_key(&"DBSubnetGroupName".into())
    })
}

fn none(code: &str, name: &str) -> CallTrouble {
    refused(code, 404, &format!("{name} not found."))
}

pub(super) fn groups(asked: &Asked<'_>) -> Told {
    let sort = SORTS.iter().find(|(operation, ..)| *operation == asked.call.operation);
    let Some((_, argument, list, code)) = sort else { return Ok(json!({})) };
    let name = asked.required(argument)?;
    if !is_there(asked, name) {
        return Err(none(code, name));
    }
    Ok(json!({ *list: [{ *argument: name }] }))
}

/// Says why a call cannot be carried out that names groups.
///
/// # Errors
/// When one of them is not there.
pub(super) fn checked(asked: &Asked<'_>) -> Result<(), CallTrouble> {
    for (_, argument, _, code) in SORTS {
        if let Some(name) = asked.text(argument).filter(|name| !is_there(asked, name)) {
            return Err(none(code, name));
        }
    }
    Ok(())
}
