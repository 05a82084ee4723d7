//! What must not compile: nobody without an operator's session can act.

use crate::support::{files, root};
use std::collections::BTreeSet;
use std::process::Command;

/// An error of the compiler: its code, and the line that it is about.
type Refusal = (String, usize);

/// Returns what a case expects: the lines that end in `//~ CODE`. The compiler's words may change, its codes do not.
fn expected(source: &str) -> BTreeSet<Refusal> {
    let marked = source.lines().enumerate().filter_map(|(nth, line)| {
        let (_, code) = line.split_once("//~ ")?;
        Some((code.trim().to_owned(), nth + 1))
    });
    marked.collect()
}

/// Compiles a package of one program for each case, against this crate without the SDKs, and returns for each case what
/// the compiler refused.
fn refused(cases: &[(String, String)]) -> Vec<BTreeSet<Refusal>> {
    let package = root("target/compile_fail");
    std::fs::create_dir_all(package.join("src/bin")).expect("a folder can be made");
    let manifest = format!(
        "[package]\nname = \"cases\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         lifeboat = {{ path = {:?}, default-features = false }}\n",
        root("").display().to_string()
    );
    std::fs::write(package.join("Cargo.toml"), manifest).expect("the manifest can be written");
    std::fs::copy(root("Cargo.lock"), package.join("Cargo.lock")).expect("the lock file can be copied");
    for (name, source) in cases {
        std::fs::write(package.join(format!("src/bin/{name}.rs")), source).expect("a case can be written");
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["check", "--offline", "--keep-going", "--bins", "--message-format=json"])
        .current_dir(&package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .output()
        .expect("cargo can be run");
    let told = String::from_utf8_lossy(&output.stdout);
    let messages: Vec<serde_json::Value> =
        told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let built = messages.iter().any(|message| message["target"]["name"] == "lifeboat");
    assert!(built, "the crate itself did not build:\n{}", String::from_utf8_lossy(&output.stderr));
    let of = |name: &str| {
        let errors = messages.iter().filter(|message| {
            message["target"]["name"] == name
                && message["message"]["level"] == "error"
                && message["message"]["spans"].as_array().is_some_and(|spans| !spans.is_empty())
        });
        let found = errors.map(|message| {
            let message = &message["message"];
            let code = message["code"]["code"].as_str().unwrap_or("no code").to_owned();
            let spans = message["spans"].as_array().expect("spans are a list");
            let line = spans.iter().find(|span| span["is_primary"] == true).map(|span| &span["line_start"]);
            (code, usize::try_from(line.and_then(serde_json::Value::as_u64).unwrap_or(0)).expect("a line"))
        });
        found.collect()
    };
    cases.iter().map(|(name, _)| of(name)).collect()
}

#[test]
fn what_a_read_only_process_could_do_wrong_does_not_compile() {
    let cases: Vec<(String, String)> = files("tests/compile_fail", ".rs")
        .into_iter()
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).expect("a case can be read"))
        })
        .collect();
    assert!(cases.len() >= 7, "only {} cases were found", cases.len());
    let mut right = 0;
    for ((name, source), refused) in cases.iter().zip(refused(&cases)) {
        assert_eq!(refused, expected(source), "{name}: what the compiler refused, and what it should have");
        right += usize::from(!refused.is_empty());
    }
    assert!(right >= 6, "only {right} cases are refused");
}
