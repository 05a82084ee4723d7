//! `audit`: journals as evidence.

use crate::audit::account::Report;
use crate::audit::{export, report, verify};
use crate::cli::args::{AuditArgs, AuditWhat, ExportArgs, Format, Global, OfRun};
use crate::cli::output::Output;
use crate::cli::recovery;
use crate::engine::store::{Run, load};
use crate::failure::{Failure, FailureKind};

/// Verifies, shows or exports the journal of a run.
///
/// # Errors
/// When there is no such run, or it cannot be read.
pub fn run(global: &Global, given: &AuditArgs, output: &Output) -> Result<u8, Failure> {
    output.no_prometheus("audit")?;
    match &given.what {
        AuditWhat::Verify(of) => verify(global, of, output),
        AuditWhat::Show(of) => {
            let (run, wrong) = read(global, of.run.as_deref(), output)?;
            if output.format() == Format::Json {
                output.json(&Report::of(&run, wrong.as_deref()))?;
                return Ok(code_of(wrong.is_some()));
            }
            let warning = wrong.as_deref().map_or_else(String::new, report::not_verified);
            output.text(&(warning + &report::markdown(&run)))?;
            Ok(code_of(wrong.is_some()))
        }
        AuditWhat::Export(ExportArgs { run, output: to }) => {
            let (run, wrong) = read(global, run.as_deref(), output)?;
            export::export(&run, to, wrong.as_deref())?;
            output.note(&format!(
                "{} holds the journal, its plan, a report, and verify.py, which needs no lifeboat",
                to.display()
            ));
            Ok(code_of(wrong.is_some()))
        }
    }
}

/// Reads a run; of one that cannot be relied on, as far as it goes.
fn read(global: &Global, name: Option<&str>, output: &Output) -> Result<(Run, Option<String>), Failure> {
    let (runs, _) = recovery::runs(global)?;
    let folder = runs.find(name)?;
    match load(&folder) {
        Ok(run) => Ok((run, None)),
        Err(failure) if failure.kind == FailureKind::NotVerified => {
            let (run, wrong) = verify::salvage(&folder)?;
            output.note(&format!("error: NOT VERIFIED, and read up to there only: {wrong}"));
            Ok((run, Some(wrong)))
        }
        Err(failure) => Err(failure),
    }
}

fn code_of(wrong: bool) -> u8 {
    if wrong { FailureKind::NotVerified.exit_code() } else { 0 }
}

fn verify(global: &Global, of: &OfRun, output: &Output) -> Result<u8, Failure> {
    let (runs, _) = recovery::runs(global)?;
    let folder = runs.find(of.run.as_deref())?;
    let found = verify::verify(&folder)?;
    let code = if found.verified { 0 } else { FailureKind::NotVerified.exit_code() };
    if output.format() == Format::Json {
        output.json(&found)?;
        return Ok(code);
    }
    for problem in &found.problems {
        output.note(&format!("error: {problem}"));
    }
    let how = if found.verified { "verified" } else { "NOT verified" };
    let torn = if found.torn_bytes > 0 {
        format!(", {} bytes after them are torn", found.torn_bytes)
    } else {
        String::new()
    };
    if found.open_end {
        output.note(
            "note: the run was under way at its last line: its executor was killed, or what it wrote since is gone",
        );
    }
    output.text(&format!(
        "{}: {how}, {} lines and {} files beside them{torn}\nlast hash {}",
        found.run, found.lines, found.side_files, found.head
    ))?;
    Ok(code)
}
