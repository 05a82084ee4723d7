//! IAM: a few roles, and the policies that acts wrote into them.

use super::super::deeds::{Change, Phase, Sort, Thing};
use super::{Asked, Deal, Done, Told, members, refused, still};
use crate::domain::place::Place;
use crate::provider::port::CallTrouble;
use serde_json::{Value, json};

/// The roles of every account.
const ROLES: [&str; 4] = ["deploy", "shop-app", "lifeboat-observe", "lifeboat-operate"];

fn role(asked: &Asked<'_>) -> Result<Thing, CallTrouble> {
    let name = asked.required("RoleName")?;
    let place = Place { account: asked.call.place.account.clone(), region: "us-east-1".into() };
    if let Some(known) = asked.world.deeds.thing(Sort::Role, &place, name) {
        return Ok(known.clone());
    }
    if !ROLES.contains(&name) {
        return Err(refused("NoSuchEntity", 404, &format!("The role with name {name} cannot be found.")));
    }
    let arn = format!("arn:aws:iam::{}:role/{name}", place.account);
    let all = members(json!({"RoleName": name, "Arn": arn, "Path": "/"}));
    Ok(Thing::new(Sort::Role, &place, name, asked.world.began, "there", all))
}

fn member(policy: &str) -> String {
    format!("-policy {policy}")
}

pub(super) fn get_role(asked: &Asked<'_>) -> Told {
    Ok(json!({"Role": role(asked)?.described(asked.now)}))
}

pub(super) fn policy(asked: &Asked<'_>) -> Told {
    let role = role(asked)?;
    let name = asked.required("PolicyName")?;
    match role.member(asked.now, &member(name)) {
        Some(document) if !document.is_null() => {
            Ok(json!({"RoleName": role.id, "PolicyName": name, "PolicyDocument": document}))
        }
        _ => {
            let says = format!("The role policy with name {name} cannot be found.");
            Err(refused("NoSuchEntity", 404, &says))
        }
    }
}

fn with(asked: &Asked<'_>, document: Value) -> Done {
    let mut role = role(asked)?;
    let name = member(asked.required("PolicyName")?);
    role.then(asked.now, [Phase::new(asked.now, "there").with(&name, document)]);
    let target = role.id.clone();
    Ok(Deal { body: json!({}), target, changes: vec![Change::Changed(Box::new(role))] })
}

pub(super) fn put(asked: &Asked<'_>) -> Done {
    still(asked, policy)?;
    let document = asked.required("PolicyDocument")?;
    if serde_json::from_str::<Value>(document).is_err() {
        return Err(refused("MalformedPolicyDocument", 400, "Syntax errors in policy."));
    }
    with(asked, json!(document))
}

pub(super) fn delete(asked: &Asked<'_>) -> Done {
    still(asked, policy)?;
    // What is not there cannot be taken away.
    policy(asked)?;
    with(asked, Value::Null)
}
