//! The time cursor against a second reader: at two hundred moments both must name the same point and the same loss.

use crate::support::account::program;
use crate::support::gear::Gear;
use crate::support::run::{Home, Ran};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::collections::BTreeMap;

/// How many moments are looked at.
const MOMENTS: i64 = 200;
/// How far back they reach.
const REACH: i64 = 40 * 86_400;
/// A replica holds what it held when it was read, which the two readers did at different moments.
const BEHIND: [&str; 2] = ["replica", "bucket_replica"];
/// How far apart they may be for it.
const APART: i64 = 120;

/// Returns moments before `now` that look random and are the same every time; every fourth is of the last day.
fn moments(now: Timestamp) -> Vec<Timestamp> {
    let mut seed: u64 = 20_261_121;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(seed >> 33).expect("31 bits fit")
    };
    (0..MOMENTS)
        .map(|nth| now - SignedDuration::from_secs(next() % if nth % 4 == 0 { 86_400 } else { REACH } + 300))
        .collect()
}

/// Returns where lifeboat, by what it has read of an estate, and the oracle differ.
pub(super) fn differences(
    home: &Home,
    gear: &Gear,
    as_of: &str,
    run: &dyn Fn(&[&str]) -> Ran,
) -> Vec<String> {
    let moments: Vec<String> =
        moments(as_of.parse().expect("a moment")).iter().map(ToString::to_string).collect();
    let (port, folder) = (gear.port().to_string(), home.dir.path().display().to_string());
    let oracle = program("oracle_at.py");
    let mut words = vec![oracle.as_str(), &port, &folder, as_of];
    words.extend(moments.iter().map(String::as_str));
    let told: Vec<Value> = serde_json::from_str(&gear.python(&words)).expect("the oracle speaks JSON");
    assert_eq!(told.len(), moments.len(), "one answer for each moment");
    let (mut wrong, mut rows) = (Vec::new(), 0);
    for (at, told) in moments.iter().zip(&told) {
        let ran = run(&["points", "--at", at, "--kept", "--format", "json"]);
        assert_eq!(ran.code, 0, "{ran}");
        let document = ran.json();
        let found: BTreeMap<&str, &Value> = document["components"]
            .as_array()
            .expect("components are a list")
            .iter()
            .map(|row| (row["component"].as_str().expect("it has a name"), row))
            .collect();
        for row in told["rows"].as_array().expect("rows are a list") {
            rows += 1;
            let name = row["component"].as_str().expect("it has a name");
            wrong.extend(found.get(name).map_or_else(
                || Some(format!("{at} {name}: lifeboat does not know it")),
                |found| differs(row, found).map(|why| format!("{at} {name}: {why}")),
            ));
        }
        for count in ["reached", "of", "everything", "unknown"] {
            if document["set"][count] != told["set"][count] {
                wrong.push(format!(
                    "{at}: {count} is {} by the oracle and {} by lifeboat",
                    told["set"][count], document["set"][count]
                ));
            }
        }
    }
    println!("the time cursor: {rows} rows at {MOMENTS} moments");
    wrong
}

fn differs(row: &Value, found: &Value) -> Option<String> {
    let is_unknown = found["loss"] == "unknown";
    if row["unknown"] != Value::Bool(is_unknown) {
        return Some(format!("unknown is {} by the oracle, {found}", row["unknown"]));
    }
    if is_unknown {
        return None;
    }
    let (told, said) = (row["loss_s"].as_i64(), found["loss_s"].as_i64());
    let slack = if BEHIND.iter().any(|kind| found["kind"] == *kind) { APART } else { 1 };
    let alike = match (told, said) {
        (Some(told), Some(said)) => (told - said).abs() <= slack,
        (told, said) => told == said,
    };
    if !alike {
        return Some(format!("the loss is {told:?} by the oracle {row} and {said:?} by lifeboat {found}"));
    }
    let named = |value: &Value| value.as_str().map(str::to_owned);
    match (named(&row["point_id"]), named(&found["point"])) {
        (Some(told), Some(said)) if told != said => {
            Some(format!("the point is {told}, lifeboat names {said}"))
        }
        _ => None,
    }
}
