//! Dumps with planted defects, in buckets and folders: every point and every finding, by a second reader as well.

use crate::support::account::{Account, program};
use crate::support::run::{Home, Ran};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The findings that the second reader knows.
const CODES: [&str; 7] = [
    "retention-gap",
    "size-anomaly",
    "cadence-missed",
    "checksum-wrong",
    "copy-behind",
    "copy-differs",
    "deletes-are-replicated",
];

fn run(account: &Account<'_>, home: &Home, words: &[&str]) -> Ran {
    let mut command = home.command();
    command.envs(account.gear.aws_env(&account.number)).args(words);
    Ran::of(command)
}

/// What tells one point of a component from another.
fn point(value: &Value, whole: &Value, moment: &Value) -> String {
    // Folders that lie beside each other in one place are told apart by their whole path.
    let id = value["id"]
        .as_str()
        .map_or("", |id| if id.starts_with('/') { id.rsplit('/').next().unwrap_or(id) } else { id });
    format!(
        "{id} in {}, holds {moment}, {} bytes, whole {whole}, readable after {}",
        value["place"]["region"], value["size_bytes"], value["retrieval_s"]
    )
}

#[test]
fn each_planted_defect_of_dumps_is_named_once_and_none_is_invented() {
    let account = Account::shared();
    let home = Home::new();
    let folder = home.dir.path().join("estate").display().to_string();
    let port = account.gear.port().to_string();
    account.gear.python(&[&program("dumps.py"), &port, &account.number, &folder]);
    let told = account.gear.python(&[&program("dumps_oracle.py"), &port, &folder]);
    let told: Vec<Value> = serde_json::from_str(&told).expect("the oracle speaks JSON");
    let estate = format!("{folder}/lifeboat.yaml");
    let points = run(&account, &home, &["--estate", &estate, "points", "--format", "json"]);
    assert_eq!(points.code, 0, "{points}");
    let status = run(&account, &home, &["--estate", &estate, "status", "--format", "json"]);
    assert_eq!(status.code, 0, "{status}");
    let (points, status) = (points.json(), status.json());

    let mut of: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in points["points"].as_array().expect("points are a list") {
        let found = &row["point"];
        let whole = found["verified"].get("whole").unwrap_or(&Value::Null);
        let name = row["component"].as_str().expect("it has a name");
        of.entry(name).or_default().push(point(found, whole, &found["holds"]["until"]));
    }
    let mut findings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for trouble in status["troubles"].as_array().expect("troubles are a list") {
        let code = trouble["code"].as_str().expect("it has a code");
        if let (Some(name), true) = (trouble["component"].as_str(), CODES.contains(&code))
            && !findings.entry(name).or_default().insert(code)
        {
            wrong.push(format!("{name}: {code} is named twice"));
        }
    }
    let mut counted = 0;
    for component in &told {
        let name = component["component"].as_str().expect("it has a name");
        let meant: BTreeSet<&str> =
            component["findings"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        let said = findings.remove(name).unwrap_or_default();
        if meant != said {
            wrong.push(format!("{name}: the findings are {meant:?}, lifeboat says {said:?}"));
        }
        if component["kind"] != "database-dump" {
            continue;
        }
        let mut meant: Vec<String> = { component["points"].as_array().expect("a list").iter() }
            .map(|one| point(one, &one["whole"], &one["moment"]))
            .collect();
        let mut said = of.remove(name).unwrap_or_default();
        counted += meant.len();
        meant.sort();
        said.sort();
        for missing in meant.iter().filter(|one| !said.contains(one)) {
            wrong.push(format!("{name}: lifeboat does not say: {missing}"));
        }
        for other in said.iter().filter(|one| !meant.contains(one)) {
            wrong.push(format!("{name}: lifeboat says besides: {other}"));
        }
    }
    wrong.extend(findings.into_iter().map(|(name, codes)| format!("{name}: {codes:?} besides")));
    println!("{counted} points of {} components", told.len());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
