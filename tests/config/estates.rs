//! Estate files: the good ones load, the broken ones say what is wrong and where, all at once.

use crate::support::files;
use crate::support::run::Home;
use jsonschema::validator_for;
use lifeboat::config::diagnostic::{Gravity, render};
use lifeboat::config::{load_text, schema};
use std::time::{Duration, Instant};

#[test]
fn every_shipped_estate_loads_without_a_warning_and_can_be_simulated() {
    let mut all = files("assets/estates", ".yaml");
    let examples = all.len();
    all.extend(files("assets/sandbox", ".yaml"));
    assert!(all.len() >= 6, "{all:?}");
    for (nth, path) in all.into_iter().enumerate() {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let name = path.display().to_string();
        let loaded = load_text(&text).unwrap_or_else(|wrong| panic!("{}", render(&name, &text, &wrong)));
        assert!(loaded.warnings.is_empty(), "{}", render(&name, &text, &loaded.warnings));
        let home = Home::new();
        let ran = home.sandbox("calm", &["status", "--failure", "local", "--check", "--estate", &name]);
        // The demo has flaws on purpose; the others are as well protected in the sandbox as they ask to be.
        assert_eq!(
            ran.code,
            if nth < examples { 0 } else { 3 },
            "as well protected as it asks to be, an estate is met: {name}: {ran}"
        );
        let ran = home.sandbox("region-loss", &["status", "--estate", &name]);
        assert!(ran.out.contains("does not answer"), "{name}: {ran}");
    }
}

#[test]
fn broken_files_say_what_is_wrong_and_where() {
    let broken = files("tests/fixtures/estates/invalid", ".yaml");
    assert!(broken.len() >= 30, "{} files", broken.len());
    for path in broken {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        let begun = Instant::now();
        let wrong = load_text(&text).err().unwrap_or_else(|| panic!("{name} loads"));
        assert!(begun.elapsed() < Duration::from_secs(5), "{name} took {:?}", begun.elapsed());
        assert!(wrong.iter().any(|diagnostic| diagnostic.gravity == Gravity::Error), "{name}");
        for diagnostic in &wrong {
            assert!(diagnostic.place.line >= 1 && diagnostic.place.column >= 1, "{name}: {diagnostic:?}");
        }
        insta::assert_snapshot!(
            format!("invalid_{}", name.trim_end_matches(".yaml")),
            render(&name, &text, &wrong)
        );
    }
}

#[test]
fn doubtful_files_load_with_their_warning() {
    let doubtful = files("tests/fixtures/estates/doubtful", ".yaml");
    assert!(doubtful.len() >= 8, "{} files", doubtful.len());
    for path in doubtful {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
        let loaded = load_text(&text).unwrap_or_else(|wrong| panic!("{}", render(&name, &text, &wrong)));
        assert!(!loaded.warnings.is_empty(), "{name} has no warning");
        insta::assert_snapshot!(
            format!("doubtful_{}", name.trim_end_matches(".yaml")),
            render(&name, &text, &loaded.warnings)
        );
    }
}

#[test]
fn the_schema_accepts_what_loads_and_refuses_unknown_keys() {
    let schema = schema::estate();
    let validator = validator_for(&schema).expect("it is a schema");
    for path in files("assets/estates", ".yaml").into_iter().chain(files("assets/sandbox", ".yaml")) {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        // An account with leading zeros is a number to a YAML reader that guesses; ours does not.
        let value: serde_json::Value = serde_saphyr::from_str(&text).expect("it is YAML");
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
    }
    let unknown = serde_json::json!({ "version": 1, "estate": "x", "environments": {}, "enviroments": {} });
    assert!(!validator.is_valid(&unknown));
}

#[test]
fn scalars_stay_what_was_written() {
    let text = "version: 1\nestate: 0123\nenvironments:\n  no:\n    class: test\n    account: 012345678901\n    region: eu-west-1\ncomponents:\n  1_000:\n    kind: s3-bucket\n    select: { id: 0x10 }\n    owner: yes\n";
    let estate = load_text(text).expect("it loads").estate;
    assert_eq!(estate.name, "0123");
    assert_eq!(estate.environments[0].name.as_str(), "no");
    assert_eq!(estate.environments[0].account.as_str(), "012345678901");
    assert_eq!(estate.components[0].id.as_str(), "1_000");
    assert_eq!(estate.components[0].owner.as_ref().map(ToString::to_string).as_deref(), Some("yes"));
}

#[test]
fn what_is_said_of_one_failure_counts_for_more_than_what_is_said_of_all() {
    let text = "version: 1\nestate: e\nenvironments:\n  p:\n    class: test\n    account: 012345678901\n    region: eu-west-1\n    objectives: { rpo: 1 h, rto: 2 h, account: { rpo: none } }\ncomponents:\n  a:\n    kind: s3-bucket\n    select: { id: a }\n    objectives: { rpo: 5 min, region: { rto: 9 h } }\n  b:\n    kind: s3-bucket\n    select: { id: b }\n    objectives: { account: { rpo: 3 h } }\n";
    let estate = load_text(text).expect("it loads").estate;
    let minutes = |minutes: u64| Some(Duration::from_secs(minutes * 60));
    let a = estate.components[0].objectives;
    assert_eq!((a.local.rpo, a.local.rto), (minutes(5), minutes(120)));
    assert_eq!((a.region.rpo, a.region.rto), (minutes(5), minutes(540)));
    assert_eq!((a.account.rpo, a.account.rto), (None, minutes(120)));
    let b = estate.components[1].objectives;
    assert_eq!((b.local.rpo, b.account.rpo), (minutes(60), minutes(180)));
}
