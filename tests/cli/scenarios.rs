//! Every scenario of the sandbox, headless: the document names the planted trouble and nothing else.

use crate::support::run::Home;
use serde_json::Value;
use std::collections::BTreeSet;

fn troubles(scenario: &str) -> BTreeSet<(String, String, String)> {
    let home = Home::new();
    let ran = home.sandbox(scenario, &["status", "--format", "json"]);
    assert_eq!(ran.code, 0, "{ran}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    ran.json()["troubles"]
        .as_array()
        .expect("troubles are a list")
        .iter()
        .map(|trouble| (text(&trouble["code"]), text(&trouble["component"]), text(&trouble["failure"])))
        .collect()
}

/// Returns what a scenario adds to the calm estate, and what it takes away.
fn planted(scenario: &str) -> (Vec<String>, Vec<String>) {
    let (calm, struck) = (troubles("calm"), troubles(scenario));
    let say = |(code, component, failure): &(String, String, String)| {
        [code.as_str(), component, failure]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    };
    (struck.difference(&calm).map(say).collect(), calm.difference(&struck).map(say).collect())
}

#[test]
fn the_calm_estate_has_every_kind_of_trouble_an_operator_meets() {
    let codes: BTreeSet<String> = troubles("calm").into_iter().map(|(code, ..)| code).collect();
    for code in [
        "rpo-breached",
        "rto-breached",
        "rto-at-risk",
        "rpo-at-risk",
        "rpo-unknown",
        "rto-unproven",
        "read-denied",
        "state-locked",
        "digest-mismatch",
        "objects-deleted",
        "key-unusable",
        "retention-gap",
        "size-anomaly",
        "cadence-missed",
    ] {
        assert!(codes.contains(code), "{code} is missing in {codes:?}");
    }
}

#[test]
fn each_scenario_plants_its_trouble_and_nothing_else() {
    let expected: [(&str, &[&str]); 5] = [
        ("state-corrupted", &["state-unreadable core-state"]),
        ("stuck-lock", &["state-locked core-state"]),
        ("objects-deleted", &["objects-deleted media"]),
        ("credentials-expiring", &["credentials-expiring"]),
        (
            "database-gone",
            &[
                // Snapshots and window went with it; what is left is the replica's window in the other Region.
                "component-gone orders-db",
            ],
        ),
    ];
    for (scenario, wanted) in expected {
        let (added, removed) = planted(scenario);
        let mut rest = added.clone();
        rest.retain(|says| !wanted.contains(&says.as_str()));
        assert!(wanted.iter().all(|says| added.iter().any(|added| added == says)), "{scenario}: {added:?}");
        // A verdict may follow from the trouble, for the component itself and for what contains it.
        let follows = |says: &String| match scenario {
            "database-gone" => {
                ["orders-db", "shop", "checkout"].iter().any(|id| says.contains(id)) && says.starts_with('r')
            }
            "state-corrupted" => says.contains("core-state") || says.contains("core-stack"),
            _ => false,
        };
        rest.retain(|says| !follows(says));
        assert!(rest.is_empty(), "{scenario} also adds {rest:?}");
        let lost: Vec<_> = removed.iter().filter(|says| !follows(says)).collect();
        assert!(lost.is_empty(), "{scenario} takes away {lost:?}");
    }
}

#[test]
fn a_lost_region_is_one_trouble_and_makes_only_its_own_components_unknown() {
    let (added, _) = planted("region-loss");
    assert!(added.iter().any(|says| says == "region-unreachable"), "{added:?}");
    for says in &added {
        let follows = says == "region-unreachable"
            || says.starts_with("rpo-unknown")
            || says.starts_with("rto-unknown");
        assert!(follows, "{says} in {added:?}");
        assert!(!says.contains("stage-"), "staging lies elsewhere: {says}");
        // What survives the Region is known as well as before.
        assert!(!says.ends_with(" region"), "{says}");
    }
}

#[test]
fn throttling_is_one_trouble_and_what_could_not_be_read_is_unknown() {
    let (added, _) = planted("throttled");
    assert!(added.iter().any(|says| says == "read-throttled"), "{added:?}");
    for says in &added {
        let follows =
            says == "read-throttled" || says.starts_with("rpo-unknown") || says.starts_with("rto-unknown");
        assert!(follows, "{says} in {added:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let one = Home::new().sandbox("region-loss", &["points", "--format", "json"]);
    let two = Home::new().sandbox("region-loss", &["points", "--format", "json"]);
    assert_eq!(one.out, two.out);
}

#[test]
fn several_processes_share_a_world_and_its_clock() {
    let home = Home::new();
    let words = ["-e", "sandbox:calm", "--speed", "0", "status", "--format", "json"];
    let first = home.run(&words).json();
    let again = home.run(&words).json();
    assert_eq!(first["head"]["as_of"], again["head"]["as_of"], "the clock stands for both");
    let faster = home.run(&["-e", "sandbox:calm", "--speed", "60", "status", "--format", "json"]).json();
    let slower = home.run(&["-e", "sandbox:calm", "status", "--format", "json"]).json();
    let at = |document: &Value| -> jiff::Timestamp {
        document["head"]["as_of"].as_str().expect("a time").parse().expect("a time")
    };
    assert!(at(&slower) > at(&faster), "the speed that one process sets holds for the next");
}

#[test]
fn killed_while_it_is_made_a_world_is_whole_or_not_there() {
    for nth in 0..40 {
        let home = Home::new();
        let mut child = home
            .command()
            .args(["-e", "sandbox:calm", "status"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(std::time::Duration::from_millis(nth));
        let _ = child.kill();
        let _ = child.wait();
        let ran = home.sandbox("calm", &["status", "--format", "json"]);
        assert_eq!(ran.code, 0, "after a kill at {nth} ms: {ran}");
        assert_eq!(ran.json()["components"].as_array().map(Vec::len), Some(46));
    }
}
