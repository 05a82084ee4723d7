//! Who may use whom, and how large a file may be.

use crate::support::{files, root};
use std::collections::BTreeMap;

/// The layers, and for each what it may use besides itself. A module that does not exist yet has its place here too.
const MAY_USE: &[(&str, &[&str])] = &[
    ("failure", &["domain"]),
    ("telemetry", &["domain"]),
    ("domain", &[]),
    ("runbook", &["domain"]),
    ("config", &["domain", "runbook", "failure"]),
    ("authority", &["domain", "runbook"]),
    ("provider", &["domain", "runbook", "authority", "config", "failure"]),
    ("collector", &["domain", "provider::port"]),
    ("action", &["domain", "runbook", "authority", "provider::port"]),
    ("engine", &["domain", "runbook", "authority", "config", "failure", "provider::port", "action"]),
    ("audit", &["domain", "runbook", "failure", "engine"]),
    (
        "tui",
        &[
            "domain",
            "runbook",
            "authority",
            "config",
            "failure",
            "collector",
            "engine",
            "audit",
            "provider::port",
        ],
    ),
    (
        "cli",
        &[
            "domain",
            "runbook",
            "authority",
            "config",
            "failure",
            "telemetry",
            "action",
            "collector",
            "engine",
            "audit",
            "tui",
            "provider",
        ],
    ),
];

/// Words that only stand where they belong.
const BANS: &[(&str, &[&str])] = &[
    ("ratatui", &["tui/"]),
    ("crossterm", &["tui/"]),
    ("termina::", &["tui/input.rs"]),
    ("serde_saphyr", &["config/yaml/"]),
    ("cel::", &["runbook/condition/"]),
    ("aws_sdk", &["provider/aws/"]),
    ("kube::", &["provider/kubernetes/"]),
    ("std::process::Command", &["engine/launch.rs", "provider/tool/", "provider/local/child/"]),
    ("Command::new(", &["engine/launch.rs", "provider/tool/", "provider/local/child/"]),
    ("hyper::", &["provider/local/http/"]),
    ("rustls::", &["provider/local/http/tls.rs", "provider/aws/"]),
    ("tokio::process", &["provider/tool/"]),
    ("Timestamp::now()", &["provider/clock.rs", "provider/sandbox/store.rs", "provider/sandbox/adapter.rs"]),
    (
        "Instant::now()",
        &[
            "cli/recovery.rs",
            "collector/collect.rs",
            "collector/heard.rs",
            "engine/batch.rs",
            "provider/aws/",
            "provider/local/",
            "tui/runtime.rs",
        ],
    ),
    ("SystemTime::now()", &[]),
    ("println!", &[]),
    (
        "std::fs",
        &[
            "audit/export.rs",
            "collector/store.rs",
            "config/",
            "cli/command/",
            "cli/consenting.rs",
            "cli/plan_text.rs",
            "engine/folder.rs",
            "engine/spool.rs",
            "engine/store.rs",
            "provider/sandbox/store.rs",
            "provider/sandbox/log.rs",
            "provider/aws/",
            "provider/local/child/",
            "provider/landing.rs",
            "provider/local/file.rs",
            "provider/tool/",
            "tui/keymap/load.rs",
        ],
    ),
    ("unsafe ", &[]),
    ("todo!", &[]),
    ("unimplemented!", &[]),
    ("dbg!", &[]),
];

/// The most production lines of a file.
const LONGEST: usize = 500;

fn sources() -> Vec<(String, String)> {
    let src = root("src");
    files("src", ".rs")
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a source file can be read");
            let production = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
            (path.strip_prefix(&src).expect("it lies in src").display().to_string(), production)
        })
        .collect()
}

fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(nth, line)| (nth + 1, line))
}

#[test]
fn each_layer_uses_only_what_stands_below_it() {
    let may_use: BTreeMap<_, _> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let layer = path.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        if layer == "main" || layer == "lib" {
            continue;
        }
        let allowed =
            may_use.get(layer).unwrap_or_else(|| panic!("{path}: the layer {layer} is not in the table"));
        for (line, code) in code(&text) {
            for used in code.split("crate::").skip(1) {
                let path_used: String = used
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == ':')
                    .collect();
                let first = path_used.split("::").next().unwrap_or_default();
                let fits = first == layer
                    || first.is_empty()
                    || allowed.iter().any(|allowed| {
                        path_used == *allowed || path_used.starts_with(&format!("{allowed}::"))
                    });
                if !fits {
                    wrong.push(format!(
                        "src/{path}:{line}: {layer} may not use {path_used}; it may use {allowed:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn adapters_know_ports_and_not_each_other() {
    for (own, others) in [
        ("provider/sandbox/", ["provider::absent", "provider::aws", "provider::local", "provider::tool"]),
        ("provider/tool/", ["provider::absent", "provider::aws", "provider::local", "provider::sandbox"]),
        ("provider/local/", ["provider::absent", "provider::aws", "provider::sandbox", "provider::tool"]),
        ("provider/aws/", ["provider::absent", "provider::local", "provider::tool", "provider::sandbox"]),
    ] {
        for (path, text) in sources().into_iter().filter(|(path, _)| path.starts_with(own)) {
            for (line, code) in code(&text) {
                assert!(!others.iter().any(|other| code.contains(other)), "src/{path}:{line}: {code}");
            }
        }
    }
}

#[test]
fn words_stand_only_where_they_belong() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (line, code) in code(&text) {
            for (word, places) in BANS {
                if code.contains(word) && !places.iter().any(|place| path.starts_with(place)) {
                    wrong.push(format!("src/{path}:{line}: `{word}` belongs to {places:?}: {}", code.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_stay_small_and_begin_with_what_they_are() {
    let mut lengths = Vec::new();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let length = text.lines().count();
        lengths.push(length);
        if length > LONGEST {
            wrong.push(format!("src/{path} has {length} production lines, the most is {LONGEST}"));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("src/{path} does not begin with what it is (//!)"));
        }
    }
    lengths.sort_unstable();
    println!(
        "{} files, median {} production lines, the longest {}",
        lengths.len(),
        lengths[lengths.len() / 2],
        lengths[lengths.len() - 1]
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_test_file_is_forgotten() {
    let main = std::fs::read_to_string(root("tests/main.rs")).expect("tests/main.rs can be read");
    for path in files("tests", ".rs") {
        let path = path.strip_prefix(root("tests")).expect("it lies in tests").to_owned();
        let shown = path.display().to_string();
        if ["main.rs", "compile_fail", "bench", "fuzz/"].iter().any(|other| shown.starts_with(other))
            || shown.starts_with("support/")
        {
            continue;
        }
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        assert!(main.contains(&format!("mod {name};")), "tests/{shown} is not part of tests/main.rs");
    }
}

#[test]
fn the_project_stands_alone() {
    // Paths of whoever's machine it was made on, and words of how, have no place in it.
    let home = root("");
    let parent = home.parent().expect("a checkout lies in a folder").display().to_string();
    for folder in ["src", "tests", "assets", "themes", ".ci", ".github"] {
        for path in files(folder, "") {
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            if parent.len() > 4 {
                assert!(!text.contains(&format!("{parent}/")), "{} names {parent}", path.display());
            }
        }
    }
}
