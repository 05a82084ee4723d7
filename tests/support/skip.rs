//! Skipping a test out loud: with `CI=true` only what `tests/skips.toml` lists with a reason may be skipped.

use serde::Deserialize;

/// Says that a test cannot run here. It fails on CI unless the list knows it.
pub(crate) fn skip(test: &str, why: &str) {
    println!("SKIPPED {test}: {why}");
    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        let listed = listed().into_iter().any(|skip| skip.test == test && !skip.reason.is_empty());
        assert!(listed, "{test} was skipped on CI ({why}) and tests/skips.toml does not list it");
    }
}

/// A test that may be skipped, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Skip {
    /// Its name.
    pub(crate) test: String,
    /// Why it may be skipped.
    pub(crate) reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default)]
    skip: Vec<Skip>,
}

/// Returns the tests that may be skipped.
pub(crate) fn listed() -> Vec<Skip> {
    let text = std::fs::read_to_string(super::root("tests/skips.toml")).expect("tests/skips.toml is there");
    toml::from_str::<List>(&text).expect("tests/skips.toml is TOML").skip
}
