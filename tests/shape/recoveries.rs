//! The page of recoveries: what each runbook does, where it was tried, and which procedures it covers.

use crate::support::assert_kept;
use crate::support::recoveries::{BY_STEPS, COVERAGE, NO_SERVER, TABLE, THROUGH_MOTO};
use lifeboat::config::runbooks::BUILT_IN;
use std::fmt::Write;

#[test]
fn the_page_of_recoveries_lists_what_there_is_and_where_it_was_tried() {
    let library = crate::support::console::library();
    let mut page = String::from(
        "# Recoveries\n\nGenerated from the runbooks that are built in, and from the tests that run them.\n\n\
         Each runbook of the first table is run by `tests/tui/recovery.rs`: chosen, filled in, read and agreed to by keys, \
         carried out by the real program in the sandbox to its green end, and its journal verified. What the sandbox \
         answers to calls is held to the same contract as AWS's test server moto (`tests/aws/contract`). Where moto is \
         named, real executors carry the runbook, or its action, out against moto as well, and are killed on the way \
         (`tests/engine/real`). `its calls` means that calls of its kind are in that contract, not that the runbook ran there. None was tried against MiniStack, and none of \
         those of which it says `not tried` has met any server but the sandbox.\n\n\
         | runbook | for | does | sandbox | moto |\n| --- | --- | --- | --- | --- |\n",
    );
    for runbook in &library {
        let kind = serde_json::to_value(runbook.kind).expect("a word");
        let sandbox = match TABLE.iter().any(|(name, ..)| *name == runbook.id) {
            true => "run",
            false if BY_STEPS.contains(&runbook.id.as_str()) => "by tests of its own",
            false => "not tried",
        };
        let moto = THROUGH_MOTO.contains(&runbook.id.as_str());
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            runbook.id,
            kind.as_str().expect("a word"),
            runbook.title,
            sandbox,
            match NO_SERVER.contains(&runbook.id.as_str()) {
                true => "not tried",
                false if moto => "run",
                false => "its calls",
            },
        );
    }
    page.push_str(
        "\n## What the five documents ask for\n\nThe procedures that AWS alone can answer, by the estates of the \
         examples (`assets/estates`). Each runbook is run by the test above.\n\n\
         | document | heading | step | runbook |\n| --- | --- | --- | --- |\n",
    );
    for (document, heading, step, runbook) in COVERAGE {
        assert!(BUILT_IN.iter().any(|(name, _)| name == runbook), "there is no runbook {runbook}");
        let is_run = TABLE.iter().any(|(name, ..)| name == runbook) || BY_STEPS.contains(runbook);
        assert!(is_run, "no test runs {runbook}");
        let _ = writeln!(page, "| {document} | {heading} | {step} | `{runbook}` |");
    }
    assert_kept("assets/documentation/recoveries.md", &page);
}
