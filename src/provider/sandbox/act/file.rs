//! Files that a plan would write on this machine: none is, they are kept in the world.

use super::super::deeds::{Change, Phase, Sort, Thing};
use super::{Asked, Deal, Done, Told, members, refused};
use crate::domain::place::{OUTSIDE, Place};
use crate::provider::port::CallTrouble;
use crate::runbook::call::hex;
use crate::runbook::still::CHANGED;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Where paths that are not absolute begin.
const FOLDER: &str = "/simulated";

fn place() -> Place {
    Place::new(OUTSIDE, OUTSIDE)
}

fn path(asked: &Asked<'_>) -> Result<String, CallTrouble> {
    let path = asked.required("Path")?;
    Ok(if path.starts_with('/') { path.to_owned() } else { format!("{FOLDER}/{path}") })
}

pub(super) fn known(asked: &Asked<'_>, path: &str) -> Option<Thing> {
    let known = asked.world.deeds.thing(Sort::File, &place(), path).cloned();
    known.filter(|thing| thing.exists(asked.now))
}

pub(super) fn read(asked: &Asked<'_>) -> Told {
    let path = path(asked)?;
    Ok(match known(asked, &path) {
        None => json!({"Path": path, "Exists": false, "Simulated": true}),
        Some(thing) => {
            let content = thing.text(asked.now, "Content");
            json!({"Path": path, "Exists": true, "Sha256": hex(&Sha256::digest(content.as_bytes())), "Mode": "600",
                "Content": content, "Simulated": true})
        }
    })
}

fn still(asked: &Asked<'_>, path: &str) -> Result<Option<Thing>, CallTrouble> {
    let found = known(asked, path);
    let is = found.as_ref().map(|thing| hex(&Sha256::digest(thing.text(asked.now, "Content").as_bytes())));
    let fits = match (asked.text("IfSha256"), asked.flag("IfAbsent") == Some(true)) {
        (Some(wanted), false) => is.as_deref() == Some(wanted),
        (None, true) => found.is_none(),
        _ => {
            return Err(CallTrouble::NotSent(
                "neither `IfSha256` nor `IfAbsent` says what must be there".into(),
            ));
        }
    };
    if fits { Ok(found) } else { Err(refused(CHANGED, 412, &format!("{path} is not what was planned with"))) }
}

pub(super) fn write(asked: &Asked<'_>) -> Done {
    let path = path(asked)?;
    let content = asked.call.text("Content").unwrap_or_default();
    let found = still(asked, &path)?;
    let is_new = found.is_none();
    let mut thing = found
        .unwrap_or_else(|| Thing::new(Sort::File, &place(), &path, asked.now, "there", members(json!({}))));
    thing.then(asked.now, [Phase::new(asked.now, "there").with("Content", content)]);
    let sha256 = hex(&Sha256::digest(content.as_bytes()));
    let body = json!({"Path": path, "Sha256": sha256, "Simulated": true});
    let thing = Box::new(thing);
    let change = if is_new { Change::Made(thing) } else { Change::Changed(thing) };
    Ok(Deal { body, target: path, changes: vec![change] })
}

pub(super) fn remove(asked: &Asked<'_>) -> Done {
    let path = path(asked)?;
    let mut thing = still(asked, &path)?.ok_or_else(|| refused(CHANGED, 412, "there is no such file"))?;
    thing.gone_from = Some(asked.now);
    Ok(Deal { body: Value::Null, target: path, changes: vec![Change::Changed(Box::new(thing))] })
}
