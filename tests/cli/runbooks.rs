//! `check` on runbooks: those in the folders of the estate, and those that are named.

use crate::support::root;
use crate::support::run::{Home, START};
use serde_json::Value;

const GOOD: &str = "version: 1\ntitle: Look\nscenario: Somebody asks.\nkind: verify\nreviewed: 2026-10-12\nsteps:\n  - { id: look, title: Look, uses: manual, with: { question: What is it like? } }\n";

fn home() -> Home {
    let home = Home::new();
    let demo = lifeboat::provider::sandbox::DEMO_ESTATE;
    home.write("lifeboat.yaml", &format!("{demo}\nrunbooks: [books]\n"));
    home
}

fn valid(document: &Value) {
    let schema =
        std::fs::read_to_string(root("assets/schemas/check.schema.json")).expect("the schema is kept");
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    assert!(validator.is_valid(document), "{document:#}");
}

#[test]
fn the_runbooks_of_the_estate_are_checked_with_it() {
    let home = home();
    home.write("books/look.yaml", GOOD);
    home.write("books/old.yaml", &GOOD.replace("2026-10-12", "2020-10-12"));
    let ran = home.run(&["--start", START, "check"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.out.ends_with("2 runbooks, 1 warning\n"), "{ran}");
    assert!(ran.out.contains("books/old.yaml:5:11"), "{ran}");

    home.write(
        "books/broken.yaml",
        &GOOD.replace("kind: verify", "kind: verfy").replace("title: Look\n", ""),
    );
    let ran = home.run(&["--start", START, "check"]);
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.out.is_empty(), "{ran}");
    assert!(ran.err.contains("did you mean `verify`?") && ran.err.contains("`title` is missing"), "{ran}");
    assert!(ran.err.contains("error: books/broken.yaml has 2 errors"), "{ran}");

    let ran = home.run(&["--start", START, "check", "--format", "json"]);
    assert_eq!(ran.code, 2, "{ran}");
    let document = ran.json();
    valid(&document);
    let loads: Vec<_> =
        document["runbooks"].as_array().expect("a list").iter().map(|book| &book["loads"]).collect();
    assert_eq!(loads, [false, true, true]);
    assert_eq!(document["loads"], false);
}

#[test]
fn a_folder_of_runbooks_that_is_not_there_is_said_at_its_place() {
    let ran = home().run(&["--start", START, "check"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.out.contains("warning: cannot read the folder of runbooks books"), "{ran}");
    assert!(ran.out.contains("runbooks: [books]"), "{ran}");
}

#[test]
fn a_runbook_that_is_named_is_checked_with_those_beside_it() {
    let home = Home::new();
    home.write("look.yaml", GOOD);
    home.write("other.yaml", "not a runbook");
    let call = "{ id: call, title: Call, uses: runbook, runbook: look }";
    home.write(
        "call.yaml",
        &GOOD.replace("{ id: look, title: Look, uses: manual, with: { question: What is it like? } }", call),
    );
    let ran = home.run(&["--start", START, "check", "call.yaml"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "1 runbook, 0 warnings\n"), "{ran}");
    let ran = home.run(&["--start", START, "check", "./look.yaml", "other.yaml", "--format", "json"]);
    assert_eq!(ran.code, 2, "{ran}");
    let document = ran.json();
    valid(&document);
    assert_eq!(document["file"], Value::Null);
    assert_eq!(document["runbooks"].as_array().map(Vec::len), Some(2));
    home.write(
        "call.yaml",
        &GOOD.replace(
            "{ id: look, title: Look, uses: manual, with: { question: What is it like? } }",
            &call.replace("runbook: look", "runbook: loook"),
        ),
    );
    let ran = home.run(&["--start", START, "check", "call.yaml"]);
    assert!(ran.code == 2 && ran.err.contains("did you mean `look`?"), "{ran}");
    let ran = home.run(&["check", "missing.yaml"]);
    assert!(ran.code == 1 && ran.err.contains("cannot read the runbook missing.yaml"), "{ran}");
}

#[test]
fn the_example_of_the_readme_loads() {
    let readme = std::fs::read_to_string(root("README.md")).expect("it can be read");
    let (_, section) = readme.split_once("## Write a runbook").expect("there is a section");
    let example =
        section.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let home = Home::new();
    home.write("escalate.yaml", GOOD);
    home.write("database.yaml", example);
    let ran = home.run(&["--start", START, "check", "database.yaml"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "1 runbook, 0 warnings\n"), "{ran}");
}
