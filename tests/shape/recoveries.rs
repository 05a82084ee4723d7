//! The page of recoveries: what each runbook does, where it was tried, and which procedures it covers.

use crate::support::assert_kept;
use crate::support::recoveries::{BY_STEPS, COVERAGE, KILLED, SERVERS, TABLE, table};
use lifeboat::config::runbooks::BUILT_IN;
use std::fmt::Write;

#[test]
fn the_page_of_recoveries_lists_what_there_is_and_where_it_was_tried() {
    let table = table();
    println!("{table}");
    let mut page = String::from(
        "# Recoveries\n\nGenerated from the runbooks that are built in, and from the tests that run them.\n\n\
         What `run` means in each column, which a test fails if it is not so:\n\n\
         - sandbox: `tests/tui/recovery.rs` chooses the runbook, fills it in, reads and agrees to it by keys; the real program \
         carries it out in the sandbox to its green end, and its journal verifies. What the sandbox answers to calls is held \
         to the same contract as moto (`tests/aws/contract`).\n\
         - moto, MiniStack: `tests/aws/recoveries.rs` makes what it recovers in an account of that server; the real program \
         plans it and carries it out to its end with every probe green, and both verifiers read its journal. The two servers \
         share no code. Where a runbook recovers from the loss of a Region, that Region answers nothing in moto from then on, \
         after it was read once. Names resolve by what the server holds at that moment, and where it says that a database is, \
         something takes connections (`tests/support/aws/recoveries.py`): those two are stand-ins, and so is the time of \
         executors, which goes faster.\n\n\
         Neither server keeps anything waiting for long: what takes minutes on AWS is tried in the sandbox only. Of moto, the \
         lists of AWS Backup, DLM, locked snapshots and pending maintenance are stubs everywhere, and empty.\n\n",
    );
    page.push_str(&table);
    let killed = KILLED.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let _ = writeln!(
        page,
        "\nExecutors of these, or of their actions, are killed on the way against moto as well (`tests/engine/real`): {killed}.",
    );
    page.push_str(
        "\n## What the five documents ask for\n\nThe procedures that AWS alone can answer, by the estates of the \
         examples (`assets/estates`). Each runbook is run by the test above.\n\n\
         | document | heading | step | runbook |\n| --- | --- | --- | --- |\n",
    );
    for (document, heading, step, runbook) in COVERAGE {
        assert!(BUILT_IN.iter().any(|(name, _)| name == runbook), "there is no runbook {runbook}");
        let is_run = TABLE.iter().any(|(name, ..)| name == runbook) || BY_STEPS.contains(runbook);
        assert!(is_run, "no test runs {runbook}");
        assert!(SERVERS.iter().any(|(name, ..)| name == runbook), "no server is named for {runbook}");
        let _ = writeln!(page, "| {document} | {heading} | {step} | `{runbook}` |");
    }
    assert_kept("assets/documentation/recoveries.md", &page);
}
