//! The JSON documents: each as its golden file, each valid against its schema, none with a secret under redaction.

use crate::support::run::Home;
use crate::support::{assert_kept, root};
use serde_json::Value;

/// Every document with the words that print it.
const DOCUMENTS: [(&str, &[&str]); 5] = [
    ("status", &["status"]),
    ("points", &["points", "orders-db", "ledger-dump"]),
    ("locks", &["locks"]),
    ("states", &["states"]),
    ("check", &["check"]),
];

fn valid(name: &str, document: &Value) {
    let schema = std::fs::read_to_string(root(&format!("assets/schemas/{name}.schema.json")))
        .expect("the schema is kept");
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    let errors: Vec<_> = validator
        .iter_errors(document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:#?}");
}

#[test]
fn each_document_is_as_it_was_and_fits_its_schema() {
    let home = Home::new();
    home.write("lifeboat.yaml", lifeboat::provider::sandbox::DEMO_ESTATE);
    for (name, words) in DOCUMENTS {
        let mut all = words.to_vec();
        all.extend(["--format", "json"]);
        let ran = home.sandbox("region-loss", &all);
        assert_eq!(ran.code, 0, "{ran}");
        let document = ran.json();
        valid(name, &document);
        assert_kept(&format!("tests/fixtures/documents/{name}.json"), &ran.out);
    }
}

#[test]
fn the_doctor_s_document_fits_its_schema() {
    let home = Home::new();
    let ran = home.run(&["doctor", "--format", "json"]);
    assert_eq!(ran.code, 0, "{ran}");
    valid("doctor", &ran.json());
    assert!(
        home.run(&["doctor"]).out.contains("▲ limited"),
        "without a terminal and tools something is limited"
    );
}

#[test]
fn figures_are_seconds_and_times_are_utc() {
    fn walk(value: &Value, path: &str) {
        match value {
            Value::Object(entries) => entries.iter().for_each(|(key, value)| {
                let free = path.ends_with("/settings");
                assert!(free || !key.chars().any(char::is_uppercase), "{path}/{key} is not snake_case");
                if key.ends_with("_s") {
                    assert!(value.is_null() || value.is_u64(), "{path}/{key}: {value}");
                }
                if key.ends_with("_at") || key == "as_of" || key == "moment" {
                    let fits = value.is_null() || value.as_str().is_some_and(|text| text.ends_with('Z'));
                    assert!(fits, "{path}/{key}: {value}");
                }
                walk(value, &format!("{path}/{key}"));
            }),
            Value::Array(items) => items.iter().for_each(|item| walk(item, path)),
            _ => {}
        }
    }
    let home = Home::new();
    for (_, words) in DOCUMENTS.iter().take(4) {
        let mut all = words.to_vec();
        all.extend(["--format", "json"]);
        walk(&home.sandbox("calm", &all).json(), "");
    }
}

#[test]
fn redaction_hides_accounts_and_people_everywhere_and_keeps_the_rest() {
    let home = Home::new();
    for words in [
        &["status", "--failure", "all"][..],
        &["status", "--format", "json"],
        &["points"],
        &["points", "--format", "json"],
        &["locks"],
        &["locks", "--format", "json"],
        &["states", "--format", "json"],
        &["status", "--format", "prometheus"],
    ] {
        let plain = home.sandbox("calm", words);
        let mut all = words.to_vec();
        all.push("--redact");
        let ran = home.sandbox("calm", &all);
        assert_eq!(ran.code, 0, "{ran}");
        for secret in ["417263985012", "902817364455", "118822773344", "amira@"] {
            assert!(!ran.out.contains(secret), "{words:?} shows {secret}");
        }
        if words[0] == "locks" {
            assert!(plain.out.contains("amira@deploy-2"), "{}", plain.out);
            assert!(ran.out.contains("OperationTypeApply"), "{}", ran.out);
        }
    }
}

#[test]
fn prometheus_names_are_those_that_alerts_ask_for() {
    let home = Home::new();
    let ran = home.sandbox("calm", &["status", "--format", "prometheus"]);
    assert_eq!(ran.code, 0, "{ran}");
    for line in [
        "rpo_seconds{component=\"media\",environment=\"production\",failure=\"region\"} +Inf",
        "rpo_limit_seconds{component=\"media\",environment=\"production\",failure=\"region\"} 900",
        "lifeboat_verdict{component=\"media\",environment=\"production\",failure=\"region\",verdict=\"breached\"} 1",
        "# TYPE backup_last_success_timestamp gauge",
        "# TYPE dr_test_last_success_timestamp gauge",
        "backup_size_bytes",
    ] {
        assert!(ran.out.contains(line), "{line} is missing in:\n{}", ran.out);
    }
}

#[test]
fn a_console_that_starts_in_a_dead_region_judges_by_what_was_kept() {
    let home = Home::new();
    // The first run makes the world, and with it what a console would have read before.
    let ran = home.sandbox("region-loss", &["status", "--kept", "--format", "json"]);
    let kept = ran.json();
    let orders = kept["components"]
        .as_array()
        .expect("components")
        .iter()
        .find(|c| c["id"] == "orders-db")
        .expect("orders-db");
    assert_eq!(orders["failures"]["region"]["rpo"]["point"]["place"]["region"], "us-west-2", "{orders:#}");
    let ran = home.sandbox("region-loss", &["status", "--format", "json"]);
    let read = ran.json();
    let media = read["components"]
        .as_array()
        .expect("components")
        .iter()
        .find(|c| c["id"] == "media")
        .expect("media");
    assert_eq!(media["failures"]["local"]["rpo"]["loss"], "unknown");
    assert_eq!(media["failures"]["local"]["rpo"]["last_known_loss_s"], 0, "{media:#}");
}
