//! Consent on the command line: asked for at a terminal, or given by flags where the estate allows that.

use super::args::ConsentArgs;
use super::prompt;
use crate::domain::Text;
use crate::failure::{Failure, FailureKind};
use crate::runbook::consent::Strength;
use crate::runbook::event::{Approval, ConsentGiven};
use crate::runbook::plan::PlanHash;

/// Returns a consent of as much as `needed`, with the phrase `shown` where one is to be typed. The executor judges it again by itself.
///
/// # Errors
/// When nobody agrees.
pub(super) fn consent(
    hash: &PlanHash,
    needed: Strength,
    shown: &str,
    given: &ConsentArgs,
) -> Result<ConsentGiven, Failure> {
    let approval = given.approval.as_deref().map(read_approval).transpose()?;
    let break_glass = given.break_glass.as_deref().map(Text::new);
    if needed == Strength::TypedAndSigned && approval.is_none() && break_glass.is_none() {
        return Err(Failure::new(FailureKind::Refused, "this needs a second person")
            .hint("write the plan with `plan -o plan.json`; somebody whom the estate names signs it with `approve`; \
                   then `run plan.json --approval FILE`")
            .hint("where nobody can be reached and the estate allows it: --break-glass REASON"));
    }
    let by_flag = given.yes || given.phrase.is_some();
    // A phrase that is given where none is needed was meant for something else, unless it is this one.
    let asked = needed >= Strength::Typed || given.phrase.is_some();
    if by_flag && asked && given.phrase.as_deref() != Some(shown) {
        return Err(Failure::new(FailureKind::Refused, "this has to be agreed to with its phrase")
            .hint(format!("--phrase '{shown}'")));
    }
    let typed =
        if by_flag { given.phrase.clone() } else { prompt::agree(needed, shown, "Enter carries it out")? };
    Ok(ConsentGiven { plan: hash.clone(), strength: needed, phrase: typed, by_flag, approval, break_glass })
}

/// Reads what `approve` has written.
///
/// # Errors
/// When it is not there, cannot be read, or is no approval.
pub(super) fn read_approval(path: &std::path::Path) -> Result<Approval, Failure> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            Failure::new(FailureKind::Refused, format!("nobody has signed the plan yet: there is no {shown}"))
                .hint("a second person signs it with `lifeboat approve`")
        } else {
            Failure::of(format!("cannot read the approval {shown}"), &error)
        }
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::of(format!("{shown} is no approval"), &error).with_kind(FailureKind::Usage))
}
