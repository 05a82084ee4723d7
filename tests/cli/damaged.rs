//! A journal that somebody has changed: everything that is told of its run says first that it cannot be relied on.

use crate::engine::program::Real;

#[test]
fn what_is_told_of_a_damaged_journal_says_that_it_is_not_verified() {
    let real = Real::new();
    let words = [
        "-e",
        "sandbox:calm",
        "--speed",
        "5000",
        "run",
        "volume-snapshot",
        "-p",
        "volume=files-vol",
        "--yes",
    ];
    assert_eq!(real.run(&words).code, 0);
    let whole = real.run(&["audit", "show"]);
    assert!(whole.code == 0 && !whole.out.contains("NOT VERIFIED"), "{whole}");

    let path = real.folder().expect("there is a run").join("journal.jsonl");
    let journal = std::fs::read_to_string(&path).expect("it can be read");
    let mut lines: Vec<_> = journal.lines().map(str::to_owned).collect();
    lines[4] = lines[4].replacen("\"term\":1", "\"term\":2", 1);
    std::fs::write(&path, lines.join("\n") + "\n").expect("it can be written");

    let verified = real.run(&["audit", "verify"]);
    assert!(verified.code == 6 && verified.err.contains("line 5"), "{verified}");
    let shown = real.run(&["audit", "show"]);
    assert!(shown.code == 6 && shown.out.starts_with("**NOT VERIFIED"), "{shown}");
    assert!(shown.out.contains("line 5 of the journal"), "{shown}");
    let exported = real.run(&["audit", "export", "-o", "evidence"]);
    assert_eq!(exported.code, 6, "{exported}");
    let report = real.home.dir.path().join("evidence/report.md");
    let report = std::fs::read_to_string(report).expect("there is a report");
    assert!(report.starts_with("**NOT VERIFIED"), "{report}");
    let listed = real.run(&["runs"]);
    assert!(listed.out.contains("DAMAGED"), "{listed}");
}
