//! `approve`: the second person signs a plan, with an SSH key that the estate names.

use crate::cli::args::{ApproveArgs, Global};
use crate::cli::output::Output;
use crate::cli::plan_text::{table_of, write_new};
use crate::cli::{prompt, recovery, wire};
use crate::domain::Text;
use crate::domain::duration::after;
use crate::engine::approval::{self, Approvers, NAMESPACE, message};
use crate::failure::{Failure, FailureKind};
use crate::provider::tool::sign;
use crate::runbook::consent::Strength;
use crate::runbook::event::Approval;
use crate::runbook::plan::{Plan, PlanHash};

/// Shows a plan, asks, signs it, and writes the approval.
///
/// # Errors
/// When the plan cannot be read, nobody agrees, or the signature does not count.
pub fn run(global: &Global, given: &ApproveArgs, output: &Output) -> Result<u8, Failure> {
    let shown = given.plan.display();
    let bytes = std::fs::read(&given.plan)
        .map_err(|error| Failure::of(format!("cannot read the plan {shown}"), &error))?;
    let plan: Plan = serde_json::from_slice(&bytes)
        .map_err(|error| Failure::of(format!("{shown} is no plan"), &error).with_kind(FailureKind::Usage))?;
    let hash = PlanHash::of(&bytes);
    output.note(&table_of(&plan, &hash, false));
    let expires = after(recovery::real_now(), given.hold);
    // Fractions of a second are not signed.
    let expires = jiff::Timestamp::from_second(expires.as_second()).unwrap_or(expires);
    let text = message(&hash, expires);
    output.note(&format!("what is signed (by hand: ssh-keygen -Y sign -n {NAMESPACE} -f KEY FILE):\n{text}"));
    prompt::agree(Strength::Enter, "", "Enter signs it")?;
    let signature = sign(&given.key, NAMESPACE, text.as_bytes())
        .map_err(|why| Failure::new(FailureKind::Failed, format!("ssh-keygen did not sign: {why}")))?;
    let approval = Approval { approver: Text::new(&given.name), expires, signature };
    let (loaded, _) = wire::load(global).or_else(|_| wire::load_demo())?;
    let approvers = Approvers(loaded.estate.policy.approvers.clone());
    let key =
        approval::verify(&approval, &hash, plan.made_by.user.as_str(), &approvers, recovery::real_now())
            .map_err(|why| {
                Failure::new(FailureKind::Refused, format!("the approval would not count: {why}"))
                    .hint("the estate names approvers and their keys under `people: approvers:`")
            })?;
    let path = given.output.clone().unwrap_or_else(|| given.plan.with_extension("approval.json"));
    let json = serde_json::to_vec_pretty(&approval)
        .map_err(|error| Failure::of("cannot write the approval", &error))?;
    write_new(&path, &json)?;
    output.text(&format!(
        "{}: {} approves plan {hash} until {expires}, with {key}",
        path.display(),
        given.name
    ))?;
    Ok(0)
}
