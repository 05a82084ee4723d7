//! What must not compile: nobody without an operator's session can act.

use crate::support::skip::skip;

/// The compiler whose words the expectations were written with; other ones say the same in other words.
const WRITTEN_WITH: &str = "1.95";

#[test]
fn what_a_read_only_process_could_do_wrong_does_not_compile() {
    let compiler = std::process::Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("--version")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).into_owned())
        .unwrap_or_default();
    if !compiler.contains(WRITTEN_WITH) {
        skip(
            "authority",
            &format!("the expectations were written with rustc {WRITTEN_WITH}, this is {compiler}"),
        );
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile_fail/pass/*.rs");
    cases.compile_fail("tests/compile_fail/*.rs");
}
