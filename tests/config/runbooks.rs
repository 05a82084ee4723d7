//! Runbooks: the good ones mean what they say, the broken ones say what is wrong and where, all at once.

use crate::support::{files, root};
use jiff::civil::date;
use jsonschema::validator_for;
use lifeboat::config::diagnostic::{Gravity, render};
use lifeboat::config::runbooks::{BUILT_IN, Folders, Library, Rules, Source, load_text};
use lifeboat::config::schema;
use lifeboat::domain::action::ActionClass;
use lifeboat::runbook::about::{About, Argument, ArgumentKind};
use lifeboat::runbook::dedupe::Dedupe;
use lifeboat::runbook::definition::{Given, Piece, Template};
use std::path::Path;
use std::time::{Duration, Instant};

const fn argument(name: &'static str, kind: ArgumentKind, required: bool) -> Argument {
    Argument { name, kind, required, says: "what it is for" }
}

const fn action(
    name: &'static str,
    class: ActionClass,
    dedupe: Dedupe,
    arguments: &'static [Argument],
    outputs: &'static [(&'static str, &'static str)],
) -> About {
    About {
        name,
        title: "does something",
        says: "It does something.",
        arguments,
        outputs,
        class,
        dedupe,
        operations: &[],
        no_undo: None,
        usually: None,
    }
}

static RESTORE: About = action(
    "restore",
    ActionClass::Additive,
    Dedupe::UniqueName,
    &[
        argument("database", ArgumentKind::Component, true),
        argument("name", ArgumentKind::Text, true),
        argument("size", ArgumentKind::Number, false),
        argument("wait", ArgumentKind::Duration, false),
        argument("public", ArgumentKind::Switch, false),
        argument("mode", ArgumentKind::Choice(&["fast", "safe"]), false),
        argument("zones", ArgumentKind::Texts, false),
        argument("tags", ArgumentKind::Pairs, false),
        argument("master-password", ArgumentKind::Text, false),
        argument("note", ArgumentKind::Text, false),
    ],
    &[("endpoint", "where it answers"), ("arn", "its ARN")],
);
static DELETE: About = action(
    "delete",
    ActionClass::DataLoss,
    Dedupe::PointOfNoReturn,
    &[argument("name", ArgumentKind::Text, true)],
    &[],
);
static PROBE: About = action(
    "http-probe",
    ActionClass::Read,
    Dedupe::Nothing,
    &[argument("url", ArgumentKind::Text, true), argument("status", ArgumentKind::Number, false)],
    &[],
);
static NOTE: About = action("note", ActionClass::Read, Dedupe::Nothing, &[], &[]);

const RULES: Rules<'static> =
    Rules { catalogue: &[&RESTORE, &DELETE, &PROBE, &NOTE], today: date(2026, 11, 21) };

/// Returns the name of a file, that of its runbook, and its text.
fn read(path: &Path) -> (String, String, String) {
    let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
    let id = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
    (name, id, std::fs::read_to_string(path).expect("it can be read"))
}

#[test]
fn broken_runbooks_say_what_is_wrong_and_where() {
    let broken = files("tests/fixtures/runbooks/invalid", ".yaml");
    assert!(broken.len() >= 100, "{} files", broken.len());
    for path in broken {
        let (name, id, text) = read(&path);
        let wrong = load_text(&id, &name, &text, &RULES).err().unwrap_or_else(|| panic!("{name} loads"));
        assert!(wrong.iter().any(|diagnostic| diagnostic.gravity == Gravity::Error), "{name}");
        for diagnostic in &wrong {
            assert!(diagnostic.place.line >= 1 && diagnostic.place.column >= 1, "{name}: {diagnostic:?}");
            assert!(diagnostic.help.is_some() || !diagnostic.message.is_empty(), "{name}: {diagnostic:?}");
        }
        let shown = render(&name, &text, &wrong);
        for secret in ["hunter2", "correct-horse", "MIIEow", "AKIAIOSFODNN7EXAMPLE", "pa$word"] {
            assert!(!shown.contains(secret), "{name}: {shown}");
        }
        insta::assert_snapshot!(format!("invalid_{id}"), shown);
    }
}

#[test]
fn doubtful_runbooks_load_with_their_warning() {
    let doubtful = files("tests/fixtures/runbooks/doubtful", ".yaml");
    assert!(doubtful.len() >= 5, "{} files", doubtful.len());
    for path in doubtful {
        let (name, id, text) = read(&path);
        let loaded = load_text(&id, &name, &text, &RULES)
            .unwrap_or_else(|wrong| panic!("{}", render(&name, &text, &wrong)));
        assert!(!loaded.warnings.is_empty(), "{name} has no warning");
        insta::assert_snapshot!(format!("doubtful_{id}"), render(&name, &text, &loaded.warnings));
    }
}

#[test]
fn good_runbooks_mean_what_they_say() {
    let valid = files("tests/fixtures/runbooks/valid", ".yaml");
    assert!(valid.len() >= 5, "{} files", valid.len());
    for path in valid {
        let (name, id, text) = read(&path);
        let loaded = load_text(&id, &name, &text, &RULES)
            .unwrap_or_else(|wrong| panic!("{}", render(&name, &text, &wrong)));
        assert!(loaded.warnings.is_empty(), "{}", render(&name, &text, &loaded.warnings));
        insta::assert_snapshot!(format!("valid_{id}"), format!("{:#?}", loaded.runbook));
    }
}

#[test]
fn scalars_stay_what_was_written() {
    let path = root("tests/fixtures/runbooks/valid/scalars-stay-as-written.yaml");
    let (name, id, text) = read(&path);
    let runbook = load_text(&id, &name, &text, &RULES).expect("it loads").runbook;
    let step = &runbook.steps[0];
    assert_eq!(step.with["name"], Given::One(Template::plain("0123")));
    assert_eq!(step.with["note"], Given::One(Template::plain("no")));
    let Given::Many(zones) = &step.with["zones"] else { panic!("{:?}", step.with["zones"]) };
    let zones: Vec<_> = zones.iter().map(ToString::to_string).collect();
    assert_eq!(
        zones,
        [
            "0123",
            "no",
            "yes",
            "1e3",
            "0x10",
            "1_000",
            "2026-10-12",
            "012345678901",
            "null",
            "1.0",
            ".5",
            "+1"
        ]
    );
    assert_eq!(runbook.parameters[0].default, Some(Template::plain("0123")));
}

#[test]
fn a_spare_step_has_the_needs_of_the_step_that_it_stands_in_for() {
    let path = root("tests/fixtures/runbooks/valid/else-and-needs.yaml");
    let (name, id, text) = read(&path);
    let runbook = load_text(&id, &name, &text, &RULES).expect("it loads").runbook;
    let needs: Vec<_> = runbook.steps.iter().map(|step| (step.id.as_str(), step.needs.join(" "))).collect();
    let expected = [
        ("one", ""),
        ("two", "one"),
        ("spare", "one"),
        ("spare-of-spare", "one"),
        ("three", "two"),
        ("beside", ""),
        ("four", "three spare beside"),
    ];
    assert_eq!(needs, expected.map(|(id, needs)| (id, needs.to_owned())));
}

#[test]
fn without_a_catalogue_nothing_is_judged_of_it() {
    let text = "version: 1\ntitle: t\nscenario: s\nkind: verify\nreviewed: 2026-10-12\nsteps:\n  - id: a\n    title: t\n    uses: whatever\n    with: { x: [1, 2], y: 5, z: { a: b } }\n  - id: b\n    title: t\n    uses: whatever\n    with: { x: \"${steps.a.anything}\" }\n";
    let rules = Rules { catalogue: &[], ..RULES };
    let loaded = load_text("a", "a.yaml", text, &rules)
        .unwrap_or_else(|wrong| panic!("{}", render("a.yaml", text, &wrong)));
    assert_eq!(
        loaded.runbook.steps[1].with["x"],
        Given::One(Template(vec![Piece::Step("a".into(), "anything".into())]))
    );
    assert!(load_text("a", "a.yaml", text, &RULES).is_err());
}

#[test]
fn folders_are_judged_together() {
    let cases = std::fs::read_dir(root("tests/fixtures/runbooks/folders")).expect("it is there");
    let mut cases: Vec<_> = cases.map(|entry| entry.expect("it can be read").path()).collect();
    cases.sort();
    assert!(cases.len() >= 8, "{} folders", cases.len());
    for folder in cases {
        let case = folder.file_name().expect("it has a name").to_string_lossy().into_owned();
        let (library, failed) = Folders { folders: vec![folder.clone()], files: Vec::new() }.load(&RULES);
        assert!(failed.is_empty(), "{failed:?}");
        let shown: Vec<_> = library
            .files()
            .iter()
            .filter(|report| !report.built_in)
            .map(|report| {
                let name = report.origin.rsplit('/').next().expect("it has a name");
                assert_eq!(report.loads, library.get(&report.id).is_some(), "{name}");
                let said = render(name, &report.source, &report.diagnostics);
                format!("== {name}: {}\n{said}", if report.loads { "loads" } else { "does not load" })
            })
            .collect();
        let shown = shown.join("\n").replace(&format!("{}/", folder.display()), "");
        insta::assert_snapshot!(format!("folder_{case}"), shown);
    }
}

#[test]
fn a_folder_that_is_not_there_is_a_failure_and_not_an_empty_library() {
    let (library, failed) =
        Folders { folders: vec!["/nonexistent".into()], files: vec!["/no.yaml".into()] }.load(&RULES);
    assert_eq!(failed.len(), 2);
    assert_eq!(library.files().len(), BUILT_IN.len());
}

#[test]
fn the_user_s_runbook_takes_the_place_of_a_built_in_one() {
    let text = std::fs::read(root("tests/fixtures/runbooks/valid/smallest.yaml")).expect("it is there");
    let source = |origin: &str, built_in| Source {
        origin: origin.into(),
        id: "smallest".into(),
        bytes: text.clone(),
        built_in,
    };
    let library = Library::of(vec![source("built-in", true), source("own", false)], &RULES);
    assert_eq!(library.get("smallest").expect("it is there").origin, "own");
    let [report] = library.files() else { panic!("{:?}", library.files()) };
    assert_eq!(report.diagnostics[0].gravity, Gravity::Warning);
    assert_eq!(report.diagnostics[0].message, "this takes the place of the built-in runbook `smallest`");
}

#[test]
fn every_built_in_runbook_loads() {
    for (name, text) in BUILT_IN {
        let catalogue: Vec<_> = lifeboat::action::ACTIONS.iter().map(|action| action.about()).collect();
        let rules = Rules { catalogue: &catalogue, ..RULES };
        let loaded = load_text(name, name, text, &rules);
        assert!(loaded.is_ok(), "{name}: {}", render(name, text, &loaded.err().unwrap_or_default()));
    }
}

#[test]
fn the_schema_accepts_what_loads_and_refuses_unknown_keys() {
    let schema = schema::runbook();
    let validator = validator_for(&schema).expect("it is a schema");
    let mut all = files("tests/fixtures/runbooks/valid", ".yaml");
    all.retain(|path| !path.ends_with("scalars-stay-as-written.yaml")); // a reader that guesses sees numbers there
    for path in all {
        let (name, _, text) = read(&path);
        let value: serde_json::Value = serde_saphyr::from_str(&text).expect("it is YAML");
        let errors: Vec<_> = validator
            .iter_errors(&value)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
    for name in [
        "unknown-key-at-the-top",
        "unknown-key-in-a-step",
        "unknown-key-in-a-parameter",
        "missing-steps",
        "misspelt-hangup",
        "step-without-uses",
    ] {
        let (_, _, text) = read(&root(&format!("tests/fixtures/runbooks/invalid/{name}.yaml")));
        let value: serde_json::Value = serde_saphyr::from_str(&text).expect("it is YAML");
        assert!(!validator.is_valid(&value), "{name}");
    }
}

#[test]
fn what_is_hostile_is_refused_in_time() {
    let head = "version: 1\ntitle: t\nscenario: s\nkind: verify\nreviewed: 2026-10-12\nsteps:\n";
    let chain: String =
        (0..20_000).map(|nth| format!("  - {{ id: s{nth}, title: t, uses: note }}\n")).collect();
    let dollars = format!("  - {{ id: a, title: t, uses: note, prose: {} }}\n", "${".repeat(100_000));
    let needs = (0..400).map(|nth| format!("s{nth}")).collect::<Vec<_>>().join(", ");
    let all: String = (0..400)
        .map(|nth| format!("  - {{ id: s{nth}, title: t, uses: note, needs: [{needs}] }}\n"))
        .collect();
    for steps in [chain, dollars, all] {
        let text = format!("{head}{steps}");
        let begun = Instant::now();
        assert!(load_text("a", "a.yaml", &text, &RULES).is_err());
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    }
}
