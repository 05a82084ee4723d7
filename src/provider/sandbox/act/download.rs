//! Objects that a plan would fetch to this machine: no byte is written, the files are kept in the world.

use super::super::deeds::{Change, Sort, Thing};
use super::s3::{key, known};
use super::s3_objects::versions as versions_of;
use super::{Asked, Deal, Done, Told, file, members, refused};
use crate::domain::place::{OUTSIDE, Place};
use crate::provider::port::CallTrouble;
use crate::runbook::call::hex;
use crate::runbook::still::CHANGED;
use serde_json::json;
use sha2::{Digest, Sha256};

fn path(asked: &Asked<'_>) -> Result<String, CallTrouble> {
    Ok(format!("{}/{}", asked.required("Folder")?, asked.required("Name")?))
}

pub(super) fn stat(asked: &Asked<'_>) -> Told {
    let path = path(asked)?;
    Ok(match file::known(asked, &path) {
        None => json!({"Exists": false, "Arrived": 0, "Simulated": true}),
        Some(thing) => {
            let of = |name: &str| thing.member(asked.now, name).cloned();
            json!({"Exists": true, "Arrived": 0, "Size": of("Size"), "Md5": of("Md5"), "Sha256": of("Sha256"),
                "Simulated": true})
        }
    })
}

/// Returns the entity tag of the version that is fetched.
fn wanted(asked: &Asked<'_>) -> Result<String, CallTrouble> {
    let name = asked.required("Bucket")?;
    known(asked, name)?;
    let all = versions_of(asked.world, name, key(asked)?, asked.now);
    let version = match asked.text("VersionId") {
        Some(id) => all.iter().find(|version| version.id == id),
        None => all.first(),
    };
    let version =
        version.ok_or_else(|| refused("NoSuchVersion", 404, "The specified version does not exist."))?;
    if ["GLACIER", "DEEP_ARCHIVE"].contains(&version.class.as_str()) {
        let says = "The operation is not valid for the object's storage class";
        return Err(refused("InvalidObjectState", 403, says));
    }
    let etag =
        version.etag.clone().ok_or_else(|| refused("MethodNotAllowed", 405, "it is a delete marker"))?;
    if asked.text("ETag").is_some_and(|given| given != etag) {
        return Err(refused("PreconditionFailed", 412, "At least one of the pre-conditions did not hold"));
    }
    Ok(etag)
}

fn is_there(path: &str) -> CallTrouble {
    refused(CHANGED, 412, &format!("{path} is there already, and is not written over"))
}

pub(super) fn part(asked: &Asked<'_>) -> Done {
    let path = path(asked)?;
    wanted(asked)?;
    if file::known(asked, &path).is_some() {
        return Err(is_there(&path));
    }
    Ok(Deal { body: json!({"Bytes": asked.value("Bytes")}), target: path, changes: Vec::new() })
}

pub(super) fn finish(asked: &Asked<'_>) -> Done {
    let path = path(asked)?;
    let etag = wanted(asked)?;
    if file::known(asked, &path).is_some() {
        return Err(is_there(&path));
    }
    let md5 = etag.trim_matches('"');
    let sha256 = hex(&Sha256::digest(etag.as_bytes()));
    let about = json!({"Size": asked.value("Size"), "Md5": md5, "Sha256": sha256});
    let place = Place::new(OUTSIDE, OUTSIDE);
    let thing = Thing::new(Sort::File, &place, &path, asked.now, "there", members(about));
    let proof = if md5.len() == 32 { "MD5" } else { "size" };
    let body = json!({"Path": path, "Sha256": sha256, "Verified": proof, "Simulated": true});
    Ok(Deal { body, target: path, changes: vec![Change::Made(Box::new(thing))] })
}

pub(super) fn remove(asked: &Asked<'_>) -> Done {
    let path = path(asked)?;
    let Some(mut thing) = file::known(asked, &path) else {
        return Ok(Deal { body: json!({}), target: path, changes: Vec::new() });
    };
    if Some(thing.text(asked.now, "Sha256")) != asked.text("IfSha256") {
        return Err(refused(CHANGED, 412, &format!("{path} is not what was written")));
    }
    thing.gone_from = Some(asked.now);
    Ok(Deal { body: json!({}), target: path, changes: vec![Change::Changed(Box::new(thing))] })
}
