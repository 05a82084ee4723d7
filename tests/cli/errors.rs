//! What people are told when something is wrong: message, reason, what to do, exit code, and on which stream.

use crate::support::run::Home;

#[test]
fn wrong_words_end_with_2_and_a_suggestion() {
    let home = Home::new();
    for words in [
        &["-e", "sandbox:region-los", "status"][..],
        &["-e", "sandbox:calm", "status", "--check", "--fail-on", "rpo-breach"],
        &["-e", "sandbox:calm", "points", "orders-bd"],
        &["-e", "nowhere", "status"],
        &["status"],
        &["check"],
        &["console"],
        &["-e", "sandbox:calm", "locks", "--format", "prometheus"],
        &["status", "--estate", "missing.yaml"],
    ] {
        let ran = home.run(words);
        assert!(ran.out.is_empty(), "{words:?} prints a failure as a fact: {}", ran.out);
        assert!(ran.code == 2 || ran.code == 1, "{words:?}: {ran}");
        insta::assert_snapshot!(words.join("_").replace(['/', ':'], "-"), ran.to_string());
    }
}

#[test]
fn check_fails_with_3_and_says_how_many() {
    let home = Home::new();
    let ran = home.sandbox("region-loss", &["status", "--check"]);
    assert_eq!(ran.code, 3, "{ran}");
    let ran = home
        .sandbox("region-loss", &["status", "--check", "--fail-on", "rpo-at-risk", "--failure", "account"]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn a_state_folder_of_others_or_behind_a_link_is_refused() {
    let home = Home::new();
    std::os::unix::fs::symlink("/tmp", home.dir.path().join("link")).expect("a link can be made");
    let ran = home.run(&["-e", "sandbox", "--state-dir", "link", "status"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert!(ran.err.contains("is a link or a file"), "{ran}");
    let open = home.dir.path().join("open");
    std::fs::create_dir(&open).expect("a folder can be made");
    std::fs::set_permissions(&open, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("it is ours");
    let ran = home.run(&["-e", "sandbox", "--state-dir", "open", "status"]);
    assert_eq!(ran.code, 5, "{ran}");
    assert!(ran.err.contains("chmod 700"), "{ran}");
}

#[test]
fn what_is_written_is_ours_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let ran = home.sandbox("calm", &["status", "-v"]);
    assert_eq!(ran.code, 0, "{ran}");
    let mut folders = vec![home.dir.path().join(".local/state/lifeboat")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("it can be read").path();
            let mode = std::fs::symlink_metadata(&path).expect("it is there").permissions().mode() & 0o777;
            seen += 1;
            if path.is_dir() {
                assert_eq!(mode, 0o700, "{}", path.display());
                folders.push(path);
            } else {
                assert_eq!(mode, 0o600, "{}", path.display());
            }
        }
    }
    assert!(seen >= 6, "readings, a world and a log were written, {seen} seen");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = Home::new();
    let mut child = home
        .command()
        .args(["-e", "sandbox:calm", "points"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn help_completions_and_manual_are_printed() {
    let home = Home::new();
    for words in [
        &["--help"][..],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["man"],
    ] {
        let ran = home.run(words);
        assert_eq!(ran.code, 0, "{ran}");
        assert!(ran.out.contains("lifeboat"), "{ran}");
    }
    assert!(home.run(&["man"]).out.contains("EXIT CODES"));
}
